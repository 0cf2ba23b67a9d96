/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "codec.h"
#include "cpd_schema.h"

struct decoder {
	cpnp_cbor_rd rd;
	const cpnp_mem *mem;
	cpnp_diag *diag;
};

/*
 * The least size of a member on the wire: a map's head, and its mandatory
 * fields or any one, each with a key.  Members are allocated when there are as
 * many bytes left; with the sizes of the structures this gives
 * CPNP_CPD_ALLOC_FACTOR.
 */
static size_t
member_size_min(const struct cpd_field *list)
{
	size_t size = 1;

	if (list->kind == CPD_ITEMS)
		return 1;
	for (size_t i = 0; i < list->type->fields_n; i++) {
		const struct cpd_field *field = &list->type->fields[i];

		if ((field->flags & CPD_REQUIRED) == 0)
			continue;
		size += cpd_is_scalar(field) ? 2 : 2 + member_size_min(field);
	}
	return size == 1 ? 3 : size;
}

/* Say where and why, once, for the error that the cursor has. */
static void
explain(struct decoder *dec, const struct cpd_path *path, const char *why)
{
	if (dec->diag == NULL || dec->diag->err != 0)
		return;
	(void)cpd_fail(dec->diag, dec->rd.err, path, "%s", why);
	dec->diag->offset = dec->rd.err_off;
}

/* An error of the item that starts at pos. */
static void
fail_at(struct decoder *dec, const uint8_t *pos, int err,
    const struct cpd_path *path, const char *why)
{
	if (dec->rd.err == 0) {
		dec->rd.pos = pos;
		cpnp_cbor_rd_fail(&dec->rd, err);
	}
	explain(dec, path, why);
}

static void
get_value(cpnp_cbor_rd *rd, cpnp_cpd_value *value)
{
	if (cpnp_cbor_peek(rd) != CPNP_CBOR_ARRAY) {
		*value = cpnp_cpd_single(cpnp_cbor_get_uint(rd, 0, UINT64_MAX));
		return;
	}
	(void)cpnp_cbor_get_array(rd, 3, 3);
	value->kind = CPNP_CPD_RANGE;
	value->lo = cpnp_cbor_get_uint(rd, 0, UINT64_MAX);
	value->hi = cpnp_cbor_get_uint(rd, 0, UINT64_MAX);
	value->preferred = cpnp_cbor_get_uint(rd, 0, UINT64_MAX);
}

/* RFC 9164.  The tags 52 and 54 both take two bytes, d8 34 and d8 36. */
static void
get_prefix(cpnp_cbor_rd *rd, bool is_address, cpnp_cpd_prefix *prefix)
{
	bool is_v4 = rd->end - rd->pos >= 2 && rd->pos[1] == 52;
	size_t size = is_v4 ? 4 : 16;
	cpnp_bytes addr;

	cpnp_cbor_get_tag(rd, is_v4 ? 52 : 54);
	prefix->family = is_v4 ? 4 : 6;
	prefix->len = (uint8_t)(8 * size);
	if (is_address) {
		addr = cpnp_cbor_get_bytes(rd, size, size);
	} else {
		(void)cpnp_cbor_get_array(rd, 2, 2);
		prefix->len = (uint8_t)cpnp_cbor_get_uint(rd, 0, 8 * size);
		addr = cpnp_cbor_get_bytes(rd, 0, size);
		if (addr.len > 0 && addr.ptr[addr.len - 1] == 0)
			cpnp_cbor_rd_fail(rd, CPNP_ERR_NOT_DETERMINISTIC);
	}
	if (addr.len > 0)
		memcpy(prefix->addr, addr.ptr, addr.len);
}

static void
get_ports(cpnp_cbor_rd *rd, cpnp_cpd_ports *ports)
{
	bool is_run = cpnp_cbor_peek(rd) == CPNP_CBOR_ARRAY;

	ports->is_set = true;
	if (is_run)
		(void)cpnp_cbor_get_array(rd, 2, 2);
	ports->lo = (uint16_t)cpnp_cbor_get_uint(rd, 0, UINT16_MAX);
	ports->hi = ports->lo;
	if (!is_run)
		return;
	ports->hi = (uint16_t)cpnp_cbor_get_uint(rd, 0, UINT16_MAX);
	if (ports->lo >= ports->hi)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
}

static void
get_scalar(cpnp_cbor_rd *rd, const struct cpd_field *field, void *at)
{
	cpnp_cpd_number *number = at;
	cpnp_cpd_time *date = at;
	cpnp_cpd_geo *geo = at;

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		get_value(rd, at);
		break;
	case CPD_NUMBER:
		number->is_set = true;
		number->value = (uint32_t)cpnp_cbor_get_uint(
		    rd, field->min, field->max);
		break;
	case CPD_ENUM:
		*(uint8_t *)at = (uint8_t)cpnp_cbor_get_uint(rd, 1, field->max);
		break;
	case CPD_TEXT:
		*(cpnp_bytes *)at = cpnp_cbor_get_text(rd, 1, field->max);
		break;
	case CPD_PREFIX:
	case CPD_ADDRESS:
		get_prefix(rd, field->kind == CPD_ADDRESS, at);
		break;
	case CPD_PORTS:
		get_ports(rd, at);
		break;
	case CPD_GEO:
		geo->is_set = true;
		(void)cpnp_cbor_get_array(rd, 2, 2);
		geo->latitude =
		    (int32_t)cpnp_cbor_get_int(rd, INT32_MIN, INT32_MAX);
		geo->longitude =
		    (int32_t)cpnp_cbor_get_int(rd, INT32_MIN, INT32_MAX);
		break;
	case CPD_TIME:
		date->is_set = true;
		date->time.sec = cpnp_cbor_get_int(rd, 0, CPNP_WTIME_MAX);
		break;
	case CPD_NODE:
	case CPD_SCOPE:
		*(cpnp_cpd_ref *)at =
		    (cpnp_cpd_ref)cpnp_cbor_get_uint(rd, 1, UINT32_MAX);
		break;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
}

static void
decode_scalar(struct decoder *dec, const struct cpd_field *field, void *at,
    const struct cpd_path *path)
{
	const uint8_t *start = dec->rd.pos;
	char why[sizeof(((cpnp_diag *)0)->why)];
	int err = 0;

	get_scalar(&dec->rd, field, at);
	if (dec->rd.err == 0)
		err = cpd_scalar_check(field, at);
	if (dec->rd.err == 0 && err == 0)
		return;
	cpd_expected(field, false, why, sizeof(why));
	fail_at(dec, start, err, path, why);
}

static void decode_struct(struct decoder *dec, const struct cpd_type *type,
    void *structure, const struct cpd_path *path);

static void
decode_members(struct decoder *dec, const struct cpd_field *field, char *list,
    size_t n, const struct cpd_path *up)
{
	struct cpd_path path = *up;

	for (size_t i = 0; i < n && dec->rd.err == 0; i++) {
		path.index = field->kind == CPD_STRUCT ? 0 : i + 1;
		if (field->kind == CPD_ITEMS)
			decode_scalar(dec, field->item,
			    list + i * cpd_scalar_size(field->item), &path);
		else
			decode_struct(dec, field->type,
			    list + i * field->type->size, &path);
	}
}

/* Look at the head of a map without moving, so that a wrong one is told from
 * one that is cut short. */
static int
check_map(cpnp_cbor_rd *rd)
{
	cpnp_cbor_rd ahead = *rd;

	(void)cpnp_cbor_get_map(&ahead, 1, SIZE_MAX / 2);
	if (ahead.err != 0)
		cpnp_cbor_rd_fail(rd, ahead.err);
	return rd->err;
}

/* A clause or a list: what it holds is allocated when its least size on the
 * wire has been seen to be there. */
static void
decode_list(struct decoder *dec, const struct cpd_field *field,
    void *structure, const struct cpd_path *path)
{
	cpnp_cbor_rd *rd = &dec->rd;
	size_t n = 1, size, left;
	void *list;

	if (field->kind != CPD_STRUCT)
		n = cpnp_cbor_get_array(rd, 1, field->max);
	left = (size_t)(rd->end - rd->pos);
	if (rd->err == 0 && field->kind == CPD_STRUCT)
		(void)check_map(rd);
	if (rd->err == 0 && n * member_size_min(field) > left)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TRUNCATED);
	if (rd->err != 0) {
		explain(dec, path, rd->err == CPNP_ERR_TRUNCATED ?
		    "the input ends before what it announces" :
		    field->kind == CPD_STRUCT ?
		    "a map of at least one element was expected" :
		    "an array of at least one member, within its limit, "
		    "was expected");
		return;
	}
	size = n * cpd_member_size(field);
	list = dec->mem->alloc(dec->mem->user, size);
	if (list == NULL) {
		cpnp_cbor_rd_fail(rd, CPNP_ERR_NOMEM);
		explain(dec, path, "out of memory");
		return;
	}
	memset(list, 0, size);
	cpd_list_set(field, structure, list, n);
	decode_members(dec, field, list, n, path);
}

static void
decode_extra(struct decoder *dec, size_t n, int64_t prev, cpnp_cpd_extra *extra,
    const struct cpd_path *path)
{
	cpnp_cbor_rd *rd = &dec->rd;

	extra->ptr = rd->pos;
	extra->n = (uint32_t)n;
	for (; n > 0 && rd->err == 0; n--) {
		(void)cpnp_cbor_get_key(rd, &prev);
		(void)cpnp_cbor_get_item(rd);
	}
	extra->len = (uint32_t)(rd->pos - extra->ptr);
	if (rd->err != 0)
		explain(dec, path,
		    "an extension is not in deterministic CBOR form");
}

static const struct cpd_field *
find_field(const struct cpd_type *type, int64_t key)
{
	for (size_t i = 0; i < type->fields_n; i++)
		if (type->fields[i].key == key)
			return &type->fields[i];
	return NULL;
}

/* Extensions have negative keys and so come last. */
static void
decode_fields(struct decoder *dec, const struct cpd_type *type, size_t n,
    void *structure, const struct cpd_path *up)
{
	cpnp_cbor_rd *rd = &dec->rd;
	int64_t prev = CPNP_CBOR_NO_KEY;

	for (; n > 0 && rd->err == 0; n--) {
		const uint8_t *start = rd->pos;
		const struct cpd_field *field;
		struct cpd_path path = {up, "", 0, CPNP_BYTES_NONE};

		if (cpnp_cbor_peek(rd) == CPNP_CBOR_NINT) {
			decode_extra(dec, n, prev,
			    (void *)((char *)structure + type->extra), up);
			return;
		}
		field = find_field(type, cpnp_cbor_get_key(rd, &prev));
		if (rd->err != 0 || field == NULL) {
			fail_at(dec, start, CPNP_ERR_ATTR_UNKNOWN, up,
			    rd->err != 0 ? "keys must be integers in ascending "
			    "order" : "a key has no meaning here; only negative"
			    " keys may be unknown");
			return;
		}
		path.name = field->name;
		if (cpd_is_scalar(field))
			decode_scalar(dec, field,
			    (char *)structure + field->offset, &path);
		else
			decode_list(dec, field, structure, &path);
	}
}

static void
decode_struct(struct decoder *dec, const struct cpd_type *type,
    void *structure, const struct cpd_path *path)
{
	const uint8_t *start = dec->rd.pos;
	size_t n = cpnp_cbor_get_map(&dec->rd, 1, SIZE_MAX / 2);

	if (dec->rd.err != 0)
		explain(dec, path,
		    "a map of at least one element was expected");
	decode_fields(dec, type, n, structure, path);
	for (size_t i = 0; i < type->fields_n && dec->rd.err == 0; i++) {
		const struct cpd_field *field = &type->fields[i];
		struct cpd_path missing = {
			path, field->name, 0, CPNP_BYTES_NONE};

		if ((field->flags & CPD_REQUIRED) != 0 &&
		    cpd_field_is_absent(field, structure))
			fail_at(dec, start, CPNP_ERR_ATTR_MISSING, &missing,
			    "this element is mandatory");
	}
}

int
cpnp_cpd_decode(cpnp_cpd *cpd, cpnp_bytes description, const cpnp_mem *mem,
    cpnp_diag *diag)
{
	struct decoder dec = {.mem = mem, .diag = diag};
	int err;

	*cpd = (cpnp_cpd){.mem = mem};
	if (diag != NULL)
		*diag = (cpnp_diag){0};
	cpnp_cbor_rd_init(&dec.rd, description);
	if (description.len > CPNP_CPD_MAX)
		cpnp_cbor_rd_fail(&dec.rd, CPNP_ERR_TOO_LONG);
	(void)cpnp_cbor_get_array(&dec.rd, 2, 2);
	if (cpnp_cbor_get_uint(&dec.rd, 0, UINT64_MAX) != CPNP_SERVICE_CPD)
		cpnp_cbor_rd_fail(&dec.rd, CPNP_ERR_SERVICE_TYPE);
	if (dec.rd.err == 0 && cpnp_cbor_peek(&dec.rd) == CPNP_CBOR_ARRAY)
		(void)cpnp_cbor_get_array(&dec.rd, 0, 0);
	else if (dec.rd.err == 0)
		decode_struct(&dec, &cpd_type_document, cpd, NULL);
	err = cpnp_cbor_rd_finish(&dec.rd);
	if (err != 0)
		explain(&dec, NULL, err == CPNP_ERR_SERVICE_TYPE ?
		    "the service is not of type 0, a CPD" :
		    "a service description [0, body] was expected");
	else
		err = cpnp_cpd_validate(cpd, diag);
	if (err != 0)
		cpnp_cpd_fini(cpd);
	return err;
}
