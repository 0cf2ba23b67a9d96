/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <cpnp/message.h>

#include "cpd_schema.h"

#define RANGE_TO " to "
#define RANGE_PREFERABLY ", preferably "
#define MICRO 1000000

/* The name that a reference leads to, or none. */
static cpnp_bytes
ref_name(const struct cpd_field *field, cpnp_cpd_ref ref,
    const cpnp_cpd_profile *profile)
{
	if (profile == NULL || ref == 0)
		return CPNP_BYTES_NONE;
	if (field->kind == CPD_NODE && ref <= profile->nodes_n)
		return profile->nodes[ref - 1].id;
	if (field->kind == CPD_SCOPE && ref <= profile->scopes_n)
		return profile->scopes[ref - 1].id;
	return CPNP_BYTES_NONE;
}

cpnp_bytes
cpd_label(const struct cpd_type *type, const void *structure,
    const cpnp_cpd_profile *profile)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		const void *at = cpd_at(field, structure);

		if ((field->flags & CPD_ID) == 0 ||
		    cpd_scalar_is_absent(field, at))
			continue;
		if (field->kind == CPD_TEXT)
			return *(const cpnp_bytes *)at;
		if (field->kind == CPD_ENUM)
			return cpnp_bytes_str(
			    field->names[*(const uint8_t *)at]);
		if (field->kind == CPD_NODE || field->kind == CPD_SCOPE)
			return ref_name(
			    field, *(const cpnp_cpd_ref *)at, profile);
	}
	return CPNP_BYTES_NONE;
}

static bool
value_equal(const cpnp_cpd_value *a, const cpnp_cpd_value *b)
{
	return a->kind == b->kind && a->lo == b->lo && a->hi == b->hi &&
	    a->preferred == b->preferred;
}

static bool
ports_equal(const cpnp_cpd_ports *a, const cpnp_cpd_ports *b)
{
	return a->is_set == b->is_set && a->lo == b->lo && a->hi == b->hi;
}

static bool
geo_equal(const cpnp_cpd_geo *a, const cpnp_cpd_geo *b)
{
	return a->is_set == b->is_set && a->latitude == b->latitude &&
	    a->longitude == b->longitude;
}

bool
cpd_scalar_equal(const struct cpd_field *field, const void *a,
    const cpnp_cpd_profile *profile_a, const void *b,
    const cpnp_cpd_profile *profile_b)
{
	const cpnp_cpd_number *number_a = a, *number_b = b;
	const cpnp_cpd_time *time_a = a, *time_b = b;
	cpnp_cpd_ref ref_a, ref_b;

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		return value_equal(a, b);
	case CPD_NUMBER:
		return number_a->is_set == number_b->is_set &&
		    number_a->value == number_b->value;
	case CPD_ENUM:
		return *(const uint8_t *)a == *(const uint8_t *)b;
	case CPD_TEXT:
		return cpnp_bytes_equal(
		    *(const cpnp_bytes *)a, *(const cpnp_bytes *)b);
	case CPD_PREFIX:
	case CPD_ADDRESS:
		return cpd_prefix_equal(a, b);
	case CPD_PORTS:
		return ports_equal(a, b);
	case CPD_GEO:
		return geo_equal(a, b);
	case CPD_TIME:
		return time_a->is_set == time_b->is_set &&
		    time_a->time.sec == time_b->time.sec;
	case CPD_NODE:
	case CPD_SCOPE:
		ref_a = *(const cpnp_cpd_ref *)a;
		ref_b = *(const cpnp_cpd_ref *)b;
		return (ref_a == 0) == (ref_b == 0) &&
		    cpnp_bytes_equal(ref_name(field, ref_a, profile_a),
			ref_name(field, ref_b, profile_b));
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	return false;
}

static void
put_text(cpnp_buf *out, const char *text)
{
	cpnp_buf_put_raw(out, cpnp_bytes_str(text));
}

static void
format_quantity(const struct cpd_field *field, uint64_t number, cpnp_buf *out)
{
	char text[CPNP_QUANTITY_LEN];

	cpnp_quantity_format((cpnp_unit)field->unit, number, text);
	put_text(out, text);
}

static void
format_value(const struct cpd_field *field, const cpnp_cpd_value *value,
    cpnp_buf *out)
{
	format_quantity(field, value->lo, out);
	if (value->kind != CPNP_CPD_RANGE)
		return;
	put_text(out, RANGE_TO);
	format_quantity(field, value->hi, out);
	put_text(out, RANGE_PREFERABLY);
	format_quantity(field, value->preferred, out);
}

static void
format_degrees(int32_t micro, cpnp_buf *out)
{
	unsigned size = (unsigned)(micro < 0 ? -(int64_t)micro : micro);
	char text[24];
	size_t len;

	snprintf(text, sizeof(text), "%s%u.%06u", micro < 0 ? "-" : "",
	    size / MICRO, size % MICRO);
	for (len = strlen(text); text[len - 1] == '0'; len--)
		text[len - 1] = '\0';
	if (text[len - 1] == '.')
		text[len - 1] = '\0';
	put_text(out, text);
}

static void
format_geo(const cpnp_cpd_geo *geo, cpnp_buf *out)
{
	format_degrees(geo->latitude, out);
	put_text(out, " ");
	format_degrees(geo->longitude, out);
}

static void
format_ports(const cpnp_cpd_ports *ports, cpnp_buf *out)
{
	char text[16];

	if (ports->lo == ports->hi)
		snprintf(text, sizeof(text), "%u", ports->lo);
	else
		snprintf(text, sizeof(text), "%u-%u", ports->lo, ports->hi);
	put_text(out, text);
}

void
cpd_scalar_format(const struct cpd_field *field, const void *at,
    const cpnp_cpd_profile *profile, cpnp_buf *out)
{
	const cpnp_cpd_time *date = at;
	char text[CPD_PREFIX_LEN];

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		format_value(field, at, out);
		break;
	case CPD_NUMBER:
		format_quantity(
		    field, ((const cpnp_cpd_number *)at)->value, out);
		break;
	case CPD_ENUM:
		put_text(out, field->names[*(const uint8_t *)at]);
		break;
	case CPD_TEXT:
		cpnp_buf_put_raw(out, *(const cpnp_bytes *)at);
		break;
	case CPD_PREFIX:
	case CPD_ADDRESS:
		cpd_prefix_format(at, field->kind == CPD_ADDRESS, text);
		put_text(out, text);
		break;
	case CPD_PORTS:
		format_ports(at, out);
		break;
	case CPD_GEO:
		format_geo(at, out);
		break;
	case CPD_TIME:
		if (cpnp_date_format(
			CPNP_EDITION_RFC8921, date->time, text) == 0)
			put_text(out, text);
		break;
	case CPD_NODE:
	case CPD_SCOPE:
		cpnp_buf_put_raw(out,
		    ref_name(field, *(const cpnp_cpd_ref *)at, profile));
		break;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
}

/* Cut text at the first separator; false when there is none. */
static bool
split(cpnp_bytes text, const char *separator, cpnp_bytes *head,
    cpnp_bytes *tail)
{
	size_t n = strlen(separator);

	for (size_t i = 0; i + n <= text.len; i++)
		if (memcmp(text.ptr + i, separator, n) == 0) {
			*head = (cpnp_bytes){text.ptr, i};
			*tail = (cpnp_bytes){
				text.ptr + i + n, text.len - i - n};
			return true;
		}
	return false;
}

static int
parse_value(const struct cpd_field *field, cpnp_bytes text,
    cpnp_cpd_value *value)
{
	cpnp_unit unit = (cpnp_unit)field->unit;
	cpnp_bytes lo, hi, preferred;
	int err;

	value->kind = CPNP_CPD_SINGLE;
	if (!split(text, RANGE_TO, &lo, &hi)) {
		err = cpnp_quantity_parse(unit, text, &value->lo);
		value->hi = value->preferred = value->lo;
		return err;
	}
	value->kind = CPNP_CPD_RANGE;
	if (!split(hi, RANGE_PREFERABLY, &hi, &preferred))
		return CPNP_ERR_INVALID;
	err = cpnp_quantity_parse(unit, lo, &value->lo);
	if (err == 0)
		err = cpnp_quantity_parse(unit, hi, &value->hi);
	if (err == 0)
		err = cpnp_quantity_parse(unit, preferred, &value->preferred);
	return err;
}

static int
parse_number(const struct cpd_field *field, cpnp_bytes text,
    cpnp_cpd_number *number)
{
	uint64_t value;
	int err = cpnp_quantity_parse((cpnp_unit)field->unit, text, &value);

	if (err == 0 && value > UINT32_MAX)
		err = CPNP_ERR_RANGE;
	if (err != 0)
		return err;
	number->is_set = true;
	number->value = (uint32_t)value;
	return 0;
}

static int
parse_enum(const struct cpd_field *field, cpnp_bytes text, uint8_t *value)
{
	for (uint8_t i = 1; i <= field->max; i++)
		if (cpnp_bytes_equal(text, cpnp_bytes_str(field->names[i]))) {
			*value = i;
			return 0;
		}
	return CPNP_ERR_INVALID;
}

static int
parse_port(cpnp_bytes text, uint16_t *port)
{
	uint64_t value;
	int err = cpnp_quantity_parse(CPNP_UNIT_NONE, text, &value);

	if (err == 0 && value > UINT16_MAX)
		err = CPNP_ERR_RANGE;
	if (err == 0)
		*port = (uint16_t)value;
	return err;
}

static int
parse_ports(cpnp_bytes text, cpnp_cpd_ports *ports)
{
	cpnp_bytes lo = text, hi = text;
	int err;

	(void)split(text, "-", &lo, &hi);
	ports->is_set = true;
	err = parse_port(lo, &ports->lo);
	return err != 0 ? err : parse_port(hi, &ports->hi);
}

static int
parse_degrees(cpnp_bytes text, int32_t *micro)
{
	bool is_negative = text.len > 0 && text.ptr[0] == '-';
	uint64_t value;

	if (is_negative) {
		text.ptr++;
		text.len--;
	}
	if (text.len == 0 || cpd_decimal_parse(text, MICRO, &value) != text.len)
		return CPNP_ERR_INVALID;
	if (value > INT32_MAX)
		return CPNP_ERR_RANGE;
	*micro = is_negative ? -(int32_t)value : (int32_t)value;
	return 0;
}

static int
parse_geo(cpnp_bytes text, cpnp_cpd_geo *geo)
{
	cpnp_bytes latitude, longitude;
	int err;

	if (!split(text, " ", &latitude, &longitude))
		return CPNP_ERR_INVALID;
	geo->is_set = true;
	err = parse_degrees(latitude, &geo->latitude);
	return err != 0 ? err : parse_degrees(longitude, &geo->longitude);
}

static int
parse_time(cpnp_bytes text, cpnp_cpd_time *date)
{
	date->is_set = true;
	return cpnp_date_parse(CPNP_EDITION_RFC8921, text, &date->time) == 0
	    ? 0
	    : CPNP_ERR_INVALID;
}

static int
parse_ref(const struct cpd_field *field, cpnp_bytes text,
    const cpnp_cpd_profile *profile, cpnp_cpd_ref *ref)
{
	size_t n = 0;

	if (profile != NULL)
		n = field->kind == CPD_NODE ? profile->nodes_n
					    : profile->scopes_n;
	for (*ref = 1; *ref <= n; ++*ref)
		if (cpnp_bytes_equal(text, ref_name(field, *ref, profile)))
			return 0;
	return CPNP_ERR_NOT_FOUND;
}

static int
parse_kind(const struct cpd_field *field, cpnp_bytes text,
    const cpnp_cpd_profile *profile, void *at)
{
	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		return parse_value(field, text, at);
	case CPD_NUMBER:
		return parse_number(field, text, at);
	case CPD_ENUM:
		return parse_enum(field, text, at);
	case CPD_TEXT:
		*(cpnp_bytes *)at = text;
		return 0;
	case CPD_PREFIX:
	case CPD_ADDRESS:
		return cpd_prefix_parse(text, field->kind == CPD_ADDRESS, at);
	case CPD_PORTS:
		return parse_ports(text, at);
	case CPD_GEO:
		return parse_geo(text, at);
	case CPD_TIME:
		return parse_time(text, at);
	case CPD_NODE:
	case CPD_SCOPE:
		return parse_ref(field, text, profile, at);
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	return CPNP_ERR_INVALID;
}

int
cpd_scalar_parse(const struct cpd_field *field, cpnp_bytes text,
    const cpnp_cpd_profile *profile, void *at)
{
	int err = parse_kind(field, text, profile, at);

	return err != 0 ? err : cpd_scalar_check(field, at);
}
