/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "cpd_schema.h"

int
cpnp_service_type(cpnp_bytes description, uint64_t *type)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, description);
	(void)cpnp_cbor_get_array(&rd, 2, 2);
	*type = cpnp_cbor_get_uint(&rd, 0, UINT64_MAX);
	(void)cpnp_cbor_get_item(&rd);
	return cpnp_cbor_rd_finish(&rd);
}

bool
cpnp_cpd_is_empty(cpnp_bytes description)
{
	return cpnp_bytes_equal(description, CPNP_CPD_EMPTY);
}

bool
cpd_is_scalar(const struct cpd_field *field)
{
	return field->kind < CPD_STRUCT;
}

size_t
cpd_scalar_size(const struct cpd_field *field)
{
	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		return sizeof(cpnp_cpd_value);
	case CPD_NUMBER:
		return sizeof(cpnp_cpd_number);
	case CPD_ENUM:
		return sizeof(uint8_t);
	case CPD_TEXT:
		return sizeof(cpnp_bytes);
	case CPD_PREFIX:
	case CPD_ADDRESS:
		return sizeof(cpnp_cpd_prefix);
	case CPD_PORTS:
		return sizeof(cpnp_cpd_ports);
	case CPD_GEO:
		return sizeof(cpnp_cpd_geo);
	case CPD_TIME:
		return sizeof(cpnp_cpd_time);
	case CPD_NODE:
	case CPD_SCOPE:
		return sizeof(cpnp_cpd_ref);
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	return 0;
}

/* Pointers to members of any type are read and written as bytes, so that the
 * walk does not alias them. */
const void *
cpd_list_get(const struct cpd_field *field, const void *structure, size_t *n)
{
	void *list;

	memcpy(&list, cpd_at(field, structure), sizeof(list));
	*n = list != NULL;
	if (list != NULL && field->kind != CPD_STRUCT)
		memcpy(n, (const char *)structure + field->count, sizeof(*n));
	return list;
}

void
cpd_list_set(
    const struct cpd_field *field, void *structure, void *list, size_t n)
{
	memcpy((char *)structure + field->offset, &list, sizeof(list));
	if (field->kind != CPD_STRUCT)
		memcpy((char *)structure + field->count, &n, sizeof(n));
}

size_t
cpd_member_size(const struct cpd_field *field)
{
	return field->kind == CPD_ITEMS ? cpd_scalar_size(field->item)
					: field->type->size;
}

const void *
cpd_member(const struct cpd_field *field, const void *list, size_t i)
{
	return (const char *)list + i * cpd_member_size(field);
}

const cpnp_cpd_extra *
cpd_extra_get(const struct cpd_type *type, const void *structure)
{
	const void *at = (const char *)structure + type->extra;

	return at;
}

int
cpd_extra_check(const cpnp_cpd_extra *extra)
{
	cpnp_cbor_rd rd;
	int64_t prev = CPNP_CBOR_NO_KEY;

	cpnp_cbor_rd_init(&rd, (cpnp_bytes){extra->ptr, extra->len});
	for (uint32_t i = 0; i < extra->n && rd.err == 0; i++) {
		if (cpnp_cbor_get_key(&rd, &prev) >= 0)
			cpnp_cbor_rd_fail(&rd, CPNP_ERR_ATTR_UNKNOWN);
		(void)cpnp_cbor_get_item(&rd);
	}
	return cpnp_cbor_rd_finish(&rd);
}

void
cpd_struct_fini(
    const struct cpd_type *type, void *structure, const cpnp_mem *mem)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		size_t n;
		char *list;

		if (cpd_is_scalar(field))
			continue;
		memcpy(&list, (char *)structure + field->offset, sizeof(list));
		(void)cpd_list_get(field, structure, &n);
		if (field->kind != CPD_ITEMS)
			for (size_t j = 0; j < n; j++)
				cpd_struct_fini(field->type,
				    list + j * field->type->size, mem);
		mem->free(mem->user, list);
		cpd_list_set(field, structure, NULL, 0);
	}
}

void
cpnp_cpd_fini(cpnp_cpd *cpd)
{
	if (cpd->mem != NULL) {
		cpd_struct_fini(&cpd_type_document, cpd, cpd->mem);
		cpd->mem->free(cpd->mem->user, cpd->store);
	}
	*cpd = (cpnp_cpd){0};
}

static void
path_append(const struct cpd_path *path, char *out, size_t size, size_t *len)
{
	char index[24];
	int n;

	if (path == NULL || *len >= size)
		return;
	path_append(path->up, out, size, len);
	if (*len >= size || (path->index == 1 && path->label.len == 0 &&
	    (strcmp(path->name, "component") == 0 ||
	    strcmp(path->name, "profile") == 0)))
		return;
	index[0] = '\0';
	if (path->label.len != 0)
		snprintf(index, sizeof(index), "/");
	else if (path->index != 0)
		snprintf(index, sizeof(index), "/%zu", path->index);
	n = snprintf(out + *len, size - *len, "%s%s%s%.*s",
	    *len == 0 ? "" : "/", path->name, index, (int)path->label.len,
	    path->label.len == 0 ? "" : (const char *)path->label.ptr);
	*len += n < 0 ? 0 : (size_t)n;
}

void
cpd_path_format(const struct cpd_path *path, char *out, size_t size)
{
	size_t len = 0;

	snprintf(out, size, "%s", "");
	path_append(path, out, size, &len);
	if (len == 0)
		snprintf(out, size, "document");
}

int
cpd_fail(cpnp_diag *diag, int err, const struct cpd_path *path,
    const char *format, ...)
{
	va_list ap;

	if (diag == NULL)
		return err;
	diag->err = err;
	diag->offset = 0;
	cpd_path_format(path, diag->where, sizeof(diag->where));
	va_start(ap, format);
	vsnprintf(diag->why, sizeof(diag->why), format, ap);
	va_end(ap);
	return err;
}

static void
put_value(const cpnp_cpd_value *value, cpnp_buf *buf)
{
	if (value->kind == CPNP_CPD_SINGLE) {
		cpnp_cbor_put_uint(buf, value->lo);
		return;
	}
	cpnp_cbor_put_array(buf, 3);
	cpnp_cbor_put_uint(buf, value->lo);
	cpnp_cbor_put_uint(buf, value->hi);
	cpnp_cbor_put_uint(buf, value->preferred);
}

/* RFC 9164: tag 52 is IPv4, 54 IPv6; a prefix is an array of its length and
 * its bytes without zeros at the end, an address all of its bytes. */
static void
put_prefix(const cpnp_cpd_prefix *prefix, bool is_address, cpnp_buf *buf)
{
	cpnp_bytes addr = {prefix->addr, prefix->family == 4 ? 4 : 16};

	cpnp_cbor_put_tag(buf, prefix->family == 4 ? 52 : 54);
	if (!is_address) {
		cpnp_cbor_put_array(buf, 2);
		cpnp_cbor_put_uint(buf, prefix->len);
		while (addr.len > 0 && addr.ptr[addr.len - 1] == 0)
			addr.len--;
	}
	cpnp_cbor_put_bytes(buf, addr);
}

static void
put_ports(const cpnp_cpd_ports *ports, cpnp_buf *buf)
{
	if (ports->lo != ports->hi)
		cpnp_cbor_put_array(buf, 2);
	cpnp_cbor_put_uint(buf, ports->lo);
	if (ports->lo != ports->hi)
		cpnp_cbor_put_uint(buf, ports->hi);
}

static void
put_geo(const cpnp_cpd_geo *geo, cpnp_buf *buf)
{
	cpnp_cbor_put_array(buf, 2);
	cpnp_cbor_put_int(buf, geo->latitude);
	cpnp_cbor_put_int(buf, geo->longitude);
}

static void
put_scalar(const struct cpd_field *field, const void *at, cpnp_buf *buf)
{
	int err = cpd_scalar_check(field, at);

	if (err != 0) {
		cpnp_buf_fail(buf, err);
		return;
	}
	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		put_value(at, buf);
		break;
	case CPD_NUMBER:
		cpnp_cbor_put_uint(buf, ((const cpnp_cpd_number *)at)->value);
		break;
	case CPD_ENUM:
		cpnp_cbor_put_uint(buf, *(const uint8_t *)at);
		break;
	case CPD_TEXT:
		cpnp_cbor_put_text(buf, *(const cpnp_bytes *)at);
		break;
	case CPD_PREFIX:
	case CPD_ADDRESS:
		put_prefix(at, field->kind == CPD_ADDRESS, buf);
		break;
	case CPD_PORTS:
		put_ports(at, buf);
		break;
	case CPD_GEO:
		put_geo(at, buf);
		break;
	case CPD_TIME:
		cpnp_cbor_put_int(buf, ((const cpnp_cpd_time *)at)->time.sec);
		break;
	case CPD_NODE:
	case CPD_SCOPE:
		cpnp_cbor_put_uint(buf, *(const cpnp_cpd_ref *)at);
		break;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
}

static void put_struct(
    const struct cpd_type *type, const void *structure, cpnp_buf *buf);

static void
put_list(const struct cpd_field *field, const void *structure, cpnp_buf *buf)
{
	size_t n;
	const void *list = cpd_list_get(field, structure, &n);

	if (field->kind == CPD_STRUCT) {
		put_struct(field->type, list, buf);
		return;
	}
	if (n > field->max) {
		cpnp_buf_fail(buf, CPNP_ERR_TOO_LONG);
		return;
	}
	cpnp_cbor_put_array(buf, n);
	for (size_t i = 0; i < n; i++)
		if (field->kind == CPD_ITEMS)
			put_scalar(field->item, cpd_member(field, list, i),
			    buf);
		else
			put_struct(field->type, cpd_member(field, list, i),
			    buf);
}

bool
cpd_field_is_absent(const struct cpd_field *field, const void *structure)
{
	size_t n;

	if (cpd_is_scalar(field))
		return cpd_scalar_is_absent(field, cpd_at(field, structure));
	(void)cpd_list_get(field, structure, &n);
	return n == 0;
}

static void
put_struct(const struct cpd_type *type, const void *structure, cpnp_buf *buf)
{
	const cpnp_cpd_extra *extra = cpd_extra_get(type, structure);
	size_t n = extra->n;
	int err = cpd_extra_check(extra);

	for (size_t i = 0; i < type->fields_n; i++) {
		bool absent = cpd_field_is_absent(&type->fields[i], structure);

		if (!absent)
			n++;
		else if ((type->fields[i].flags & CPD_REQUIRED) != 0)
			err = CPNP_ERR_ATTR_MISSING;
	}
	if (n == 0)
		err = CPNP_ERR_ATTR_MISSING;
	if (err != 0) {
		cpnp_buf_fail(buf, err);
		return;
	}
	cpnp_cbor_put_map(buf, n);
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];

		if (cpd_field_is_absent(field, structure))
			continue;
		cpnp_cbor_put_uint(buf, field->key);
		if (cpd_is_scalar(field))
			put_scalar(field, cpd_at(field, structure), buf);
		else
			put_list(field, structure, buf);
	}
	cpnp_buf_put_raw(buf, (cpnp_bytes){extra->ptr, extra->len});
}

int
cpnp_cpd_encode(const cpnp_cpd *cpd, cpnp_buf *buf)
{
	int err = cpnp_cpd_validate(cpd, NULL);

	if (err != 0)
		return err;
	if (cpd->components_n == 0) {
		cpnp_buf_put_raw(buf, CPNP_CPD_EMPTY);
		return buf->err;
	}
	cpnp_cbor_put_array(buf, 2);
	cpnp_cbor_put_uint(buf, CPNP_SERVICE_CPD);
	put_struct(&cpd_type_document, cpd, buf);
	return buf->err;
}
