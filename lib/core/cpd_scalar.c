/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "cpd_schema.h"

#define LATITUDE_MAX 90000000
#define LONGITUDE_MAX 180000000

bool
cpd_scalar_is_absent(const struct cpd_field *field, const void *at)
{
	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		return ((const cpnp_cpd_value *)at)->kind == CPNP_CPD_ABSENT;
	case CPD_NUMBER:
		return !((const cpnp_cpd_number *)at)->is_set;
	case CPD_ENUM:
		return *(const uint8_t *)at == 0;
	case CPD_TEXT:
		return ((const cpnp_bytes *)at)->len == 0;
	case CPD_PREFIX:
	case CPD_ADDRESS:
		return ((const cpnp_cpd_prefix *)at)->family == 0;
	case CPD_PORTS:
		return !((const cpnp_cpd_ports *)at)->is_set;
	case CPD_GEO:
		return !((const cpnp_cpd_geo *)at)->is_set;
	case CPD_TIME:
		return !((const cpnp_cpd_time *)at)->is_set;
	case CPD_NODE:
	case CPD_SCOPE:
		return *(const cpnp_cpd_ref *)at == 0;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	return true;
}

/* What XML would change or cannot hold stays out of the wire too. */
static bool
text_is_plain(cpnp_bytes text)
{
	if (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
		if (text.ptr[i] == ' ' && text.ptr[i + 1] == ' ')
			return false; /* the last one is no space */
		if (text.len - i >= 3 && text.ptr[i] == 0xef &&
		    text.ptr[i + 1] == 0xbf && text.ptr[i + 2] >= 0xbe)
			return false; /* U+FFFE, U+FFFF */
	}
	return true;
}

static int
text_check(cpnp_bytes text, size_t max)
{
	if (text.len > max)
		return CPNP_ERR_TOO_LONG;
	if (!cpnp_utf8_is_valid(text))
		return CPNP_ERR_UTF8;
	return text_is_plain(text) ? 0 : CPNP_ERR_RANGE;
}

static bool
value_is_within(const cpnp_cpd_value *value, uint64_t min, uint64_t max)
{
	if (value->lo < min || value->hi > max)
		return false;
	switch (value->kind) {
	case CPNP_CPD_SINGLE:
		return value->lo == value->hi && value->lo == value->preferred;
	case CPNP_CPD_RANGE:
		return value->lo < value->hi && value->lo <= value->preferred &&
		    value->preferred <= value->hi;
	case CPNP_CPD_ABSENT:
		break;
	}
	return false;
}

static bool
geo_is_within(const cpnp_cpd_geo *geo)
{
	return geo->latitude >= -LATITUDE_MAX &&
	    geo->latitude <= LATITUDE_MAX && geo->longitude >= -LONGITUDE_MAX &&
	    geo->longitude <= LONGITUDE_MAX;
}

static bool
scalar_is_within(const struct cpd_field *field, const void *at)
{
	const cpnp_cpd_number *number = at;
	const cpnp_cpd_prefix *prefix = at;
	const cpnp_cpd_ports *ports = at;
	const cpnp_cpd_time *date = at;

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		return value_is_within(at, field->min, field->max);
	case CPD_NUMBER:
		return number->value >= field->min &&
		    number->value <= field->max;
	case CPD_ENUM:
		return *(const uint8_t *)at <= field->max;
	case CPD_PREFIX:
		return cpd_prefix_is_canonical(prefix);
	case CPD_ADDRESS:
		return cpd_prefix_is_canonical(prefix) &&
		    prefix->len == (prefix->family == 4 ? 32 : 128);
	case CPD_PORTS:
		return ports->lo <= ports->hi;
	case CPD_GEO:
		return geo_is_within(at);
	case CPD_TIME:
		return date->time.sec >= 0 && date->time.sec <= CPNP_WTIME_MAX;
	case CPD_NODE:
	case CPD_SCOPE:
		return *(const cpnp_cpd_ref *)at != 0;
	case CPD_TEXT:
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	return false;
}

int
cpd_scalar_check(const struct cpd_field *field, const void *at)
{
	if (cpd_scalar_is_absent(field, at))
		return CPNP_ERR_RANGE;
	if (field->kind == CPD_TEXT)
		return text_check(*(const cpnp_bytes *)at, field->max);
	return scalar_is_within(field, at) ? 0 : CPNP_ERR_RANGE;
}

/* Examples of a quantity, least and most of a range. */
static const char *const examples[][3] = {
	[CPNP_UNIT_NONE] = {"number", "46", "48"},
	[CPNP_UNIT_RATE] = {"rate", "80 Mbit/s", "100 Mbit/s"},
	[CPNP_UNIT_DELAY] = {"time", "10 ms", "20 ms"},
	[CPNP_UNIT_RATIO] = {"ratio", "99.9 %", "99.99 %"},
	[CPNP_UNIT_SECONDS] = {"time", "30 s", "5 min"},
	[CPNP_UNIT_BYTES] = {"size", "1500 bytes", "9000 bytes"},
};

static void
expected_quantity(
    const struct cpd_field *field, bool xml, char *out, size_t size)
{
	const char *const *ex = examples[field->unit];
	char min[CPNP_QUANTITY_LEN], max[CPNP_QUANTITY_LEN];
	bool is_value = field->kind == CPD_VALUE;

	cpnp_quantity_format((cpnp_unit)field->unit, field->min, min);
	cpnp_quantity_format((cpnp_unit)field->unit, field->max, max);
	if (!xml)
		snprintf(out, size, "expected an integer from %llu to %llu%s",
		    (unsigned long long)field->min,
		    (unsigned long long)field->max,
		    is_value ? ", or [least, most, preferred]" : "");
	else if (is_value)
		snprintf(out, size, "write a %s from %s to %s, \"%s\", or a "
		    "range, \"%s to %s, preferably %s\"", ex[0], min, max,
		    ex[2], ex[1], ex[2], ex[2]);
	else
		snprintf(out, size, "write a %s from %s to %s, for example "
		    "\"%s\"", ex[0], min, max, ex[1]);
}

static void
expected_enum(const struct cpd_field *field, bool xml, char *out, size_t size)
{
	size_t len = 0;

	if (!xml) {
		snprintf(out, size, "expected an integer from 1 to %u",
		    (unsigned)field->max);
		return;
	}
	for (size_t i = 1; i <= field->max && len < size; i++) {
		int n = snprintf(out + len, size - len, "%s\"%s\"",
		    i == 1 ? "write " : i == field->max ? " or " : ", ",
		    field->names[i]);

		len += n < 0 ? 0 : (size_t)n;
	}
}

void
cpd_expected(const struct cpd_field *field, bool xml, char *out, size_t size)
{
	const char *text = "";

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
	case CPD_NUMBER:
		expected_quantity(field, xml, out, size);
		return;
	case CPD_ENUM:
		expected_enum(field, xml, out, size);
		return;
	case CPD_TEXT:
		snprintf(out, size, "%s 1 to %u bytes of text without control "
		    "characters%s", xml ? "write" : "expected",
		    (unsigned)field->max, xml ? "" : " or needless spaces");
		return;
	case CPD_PREFIX:
		text = xml ? "write a prefix with zeros after its length, "
			     "\"192.0.2.0/24\" or \"2001:db8::/32\""
			   : "expected a prefix with tag 52 or 54 and zeros "
			     "after its length";
		break;
	case CPD_ADDRESS:
		text = xml ? "write an address, \"192.0.2.1\" or "
			     "\"2001:db8::1\""
			   : "expected an address with tag 52 or 54";
		break;
	case CPD_PORTS:
		text = xml ? "write a port or a run of ports, \"443\" or "
			     "\"5060-5061\", at most 65535"
			   : "expected a port, or [first, last]";
		break;
	case CPD_GEO:
		text = xml ? "write latitude and longitude in degrees with at "
			     "most six decimals, \"48.8566 2.3522\""
			   : "expected [latitude, longitude] in microdegrees";
		break;
	case CPD_TIME:
		text = xml ? "write a date in UTC, \"2026-11-21T08:30:00Z\""
			   : "expected seconds since 1970, UTC";
		break;
	case CPD_NODE:
		text = xml ? "write the id of a <node> of this profile"
			   : "expected the number of a node, from 1 on";
		break;
	case CPD_SCOPE:
		text = xml ? "write the id of a <scope> of this profile"
			   : "expected the number of a scope, from 1 on";
		break;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	snprintf(out, size, "%s", text);
}
