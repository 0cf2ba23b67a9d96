/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "cpd_schema.h"

struct unit_name {
	cpnp_unit unit;
	const char *name;
	uint64_t size; /* in the unit of the wire */
};

/* From small to large within a unit. */
static const struct unit_name unit_names[] = {
	{CPNP_UNIT_RATE, "bit/s", 1},
	{CPNP_UNIT_RATE, "kbit/s", 1000},
	{CPNP_UNIT_RATE, "Mbit/s", 1000000},
	{CPNP_UNIT_RATE, "Gbit/s", 1000000000},
	{CPNP_UNIT_RATE, "Tbit/s", UINT64_C(1000000000000)},
	{CPNP_UNIT_DELAY, "us", 1},
	{CPNP_UNIT_DELAY, "ms", 1000},
	{CPNP_UNIT_DELAY, "s", 1000000},
	{CPNP_UNIT_RATIO, "ppm", 1},
	{CPNP_UNIT_RATIO, "%", 10000},
	{CPNP_UNIT_SECONDS, "s", 1},
	{CPNP_UNIT_SECONDS, "min", 60},
	{CPNP_UNIT_SECONDS, "h", 3600},
	{CPNP_UNIT_SECONDS, "d", 86400},
	{CPNP_UNIT_BYTES, "bytes", 1},
};

#define UNIT_NAMES_N (sizeof(unit_names) / sizeof(unit_names[0]))

/* Digits, and a point with digits after it: the number times 10 to the power
 * of *decimals.  Returns the length, 0 when it is none or has more than 18
 * digits. */
static size_t
parse_decimal(cpnp_bytes text, uint64_t *mantissa, unsigned *decimals)
{
	unsigned digits = 0;
	bool point = false;
	size_t i;

	*mantissa = 0;
	*decimals = 0;
	for (i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (c == '.' && !point && digits > 0) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		if (++digits > 18)
			return 0;
		*mantissa = *mantissa * 10 + (uint64_t)(c - '0');
		*decimals += point;
	}
	return digits == 0 || (point && *decimals == 0) ? 0 : i;
}

static uint64_t
power_of_ten(unsigned n)
{
	uint64_t power = 1;

	while (n-- > 0)
		power *= 10;
	return power;
}

static int
find_unit(cpnp_unit unit, cpnp_bytes name, uint64_t *size)
{
	*size = 1;
	if (unit == CPNP_UNIT_NONE)
		return name.len == 0 ? 0 : CPNP_ERR_INVALID;
	for (size_t i = 0; i < UNIT_NAMES_N; i++)
		if (unit_names[i].unit == unit &&
		    cpnp_bytes_equal(
			name, cpnp_bytes_str(unit_names[i].name))) {
			*size = unit_names[i].size;
			return 0;
		}
	return CPNP_ERR_INVALID;
}

size_t
cpd_decimal_parse(cpnp_bytes text, uint64_t size, uint64_t *number)
{
	uint64_t mantissa, divisor;
	unsigned decimals;
	size_t len = parse_decimal(text, &mantissa, &decimals);

	if (len == 0)
		return 0;
	*number = UINT64_MAX;
	divisor = power_of_ten(decimals);
	if (mantissa / divisor > UINT64_MAX / 4 / size)
		return len;
	/* whole * size + rest * size / divisor, which must come out even.
	 * Cancelling tens keeps the second product small. */
	*number = mantissa / divisor * size;
	mantissa %= divisor;
	while (divisor > 1 && mantissa != 0) {
		if (mantissa % 10 == 0)
			mantissa /= 10;
		else if (size % 10 == 0)
			size /= 10;
		else
			break;
		divisor /= 10;
	}
	if (mantissa > UINT64_MAX / 4 / size || mantissa * size % divisor != 0)
		*number = UINT64_MAX;
	else
		*number += mantissa * size / divisor;
	return len;
}

int
cpnp_quantity_parse(cpnp_unit unit, cpnp_bytes text, uint64_t *number)
{
	cpnp_bytes name;
	uint64_t size;
	size_t len = cpd_decimal_parse(text, 1, number);

	/* What is only counted has no fractions. */
	if (len == 0 || (unit == CPNP_UNIT_NONE &&
	    memchr(text.ptr, '.', len) != NULL))
		return CPNP_ERR_INVALID;
	name = (cpnp_bytes){text.ptr + len, text.len - len};
	while (name.len > 0 && name.ptr[0] == ' ') {
		name.ptr++;
		name.len--;
	}
	if (find_unit(unit, name, &size) != 0)
		return CPNP_ERR_INVALID;
	(void)cpd_decimal_parse(text, size, number);
	return *number == UINT64_MAX ? CPNP_ERR_RANGE : 0;
}

static void
format_percent(uint64_t ppm, char out[CPNP_QUANTITY_LEN])
{
	unsigned fraction = (unsigned)(ppm % 10000);
	int width = 4;

	while (fraction != 0 && fraction % 10 == 0) {
		fraction /= 10;
		width--;
	}
	if (fraction == 0)
		snprintf(out, CPNP_QUANTITY_LEN, "%llu %%",
		    (unsigned long long)(ppm / 10000));
	else
		snprintf(out, CPNP_QUANTITY_LEN, "%llu.%0*u %%",
		    (unsigned long long)(ppm / 10000), width, fraction);
}

void
cpnp_quantity_format(
    cpnp_unit unit, uint64_t number, char out[CPNP_QUANTITY_LEN])
{
	const struct unit_name *best = NULL;

	if (unit == CPNP_UNIT_RATIO && (number >= 100 || number == 0)) {
		format_percent(number, out);
		return;
	}
	for (size_t i = 0; i < UNIT_NAMES_N; i++)
		if (unit_names[i].unit == unit &&
		    (best == NULL ||
			(number != 0 && number % unit_names[i].size == 0)))
			best = &unit_names[i];
	if (best == NULL)
		snprintf(out, CPNP_QUANTITY_LEN, "%llu",
		    (unsigned long long)number);
	else
		snprintf(out, CPNP_QUANTITY_LEN, "%llu %s",
		    (unsigned long long)(number / best->size), best->name);
}
