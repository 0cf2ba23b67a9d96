/*
 * Dates of both editions.  One form each, so that a time has one spelling:
 * RFC 3339, "2026-11-21T08:30:00Z", and RFC 1123, "Sat, 21 Nov 2026 08:30:00
 * GMT".  The calendar is the Gregorian one for all years (RFC 3339, 5.6).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "codec.h"

#define DAY_SECONDS 86400
#define ERA_DAYS 146097 /* 400 years */
#define ERA_YEARS 400
#define EPOCH_DAYS 719468 /* from 0000-03-01 to 1970-01-01 */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char rfc1123[] = "Sun, 00 Jan 0000 00:00:00 GMT";
static const char rfc3339[] = "0000-00-00T00:00:00Z";

struct civil {
	int year;
	unsigned month; /* 1 to 12 */
	unsigned day;   /* 1 to 31 */
	unsigned weekday; /* 0 is Sunday */
};

/* Years are counted from March, so that a leap day is the last of its year
 * and 153 days always make five months. */
static void
civil_from_days(struct civil *civil, int64_t days)
{
	int64_t z = days + EPOCH_DAYS;
	int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	unsigned day_of_era = (unsigned)(z - era * ERA_DAYS);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 +
				   day_of_era / 36524 - day_of_era / 146096) /
	    365;
	unsigned day_of_year = day_of_era -
	    (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * day_of_year + 2) / 153;

	civil->day = day_of_year - (153 * month + 2) / 5 + 1;
	civil->month = month < 10 ? month + 3 : month - 9;
	civil->year = (int)(era * ERA_YEARS + year_of_era) +
	    (civil->month <= 2 ? 1 : 0);
	civil->weekday = (unsigned)(((days + 4) % 7 + 7) % 7);
}

static int64_t
days_from_civil(const struct civil *civil)
{
	int64_t year = civil->year - (civil->month <= 2 ? 1 : 0);
	int64_t era = (year >= 0 ? year : year - (ERA_YEARS - 1)) / ERA_YEARS;
	int64_t year_of_era = year - era * ERA_YEARS;
	int64_t month = (civil->month + 9) % 12;
	int64_t day_of_year = (153 * month + 2) / 5 + civil->day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 -
	    year_of_era / 100 + day_of_year;

	return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

/* Write value in n decimal digits. */
static void
put_digits(char *p, size_t n, unsigned value)
{
	for (; n > 0; n--, value /= 10)
		p[n - 1] = (char)('0' + value % 10);
}

static void
put_clock(char *p, unsigned seconds)
{
	put_digits(p, 2, seconds / 3600);
	put_digits(p + 3, 2, seconds / 60 % 60);
	put_digits(p + 6, 2, seconds % 60);
}

int
cpnp_date_format(cpnp_edition edition, cpnp_wtime time, char out[CPNP_DATE_LEN])
{
	struct civil c;
	int64_t days;
	unsigned seconds;

	if (time.sec < CPNP_WTIME_MIN || time.sec > CPNP_WTIME_MAX)
		return CPNP_ERR_RANGE;
	days = time.sec / DAY_SECONDS - (time.sec % DAY_SECONDS < 0 ? 1 : 0);
	seconds = (unsigned)(time.sec - days * DAY_SECONDS);
	civil_from_days(&c, days);
	if (edition == CPNP_EDITION_DRAFT02) {
		memcpy(out, rfc1123, sizeof(rfc1123));
		memcpy(out, &weekdays[3 * c.weekday], 3);
		put_digits(out + 5, 2, c.day);
		memcpy(out + 8, &months[3 * (c.month - 1)], 3);
		put_digits(out + 12, 4, (unsigned)c.year);
		put_clock(out + 17, seconds);
	} else {
		memcpy(out, rfc3339, sizeof(rfc3339));
		put_digits(out, 4, (unsigned)c.year);
		put_digits(out + 5, 2, c.month);
		put_digits(out + 8, 2, c.day);
		put_clock(out + 11, seconds);
	}
	return 0;
}

/* The number of n decimal digits at p; 0 when one is no digit, which the
 * comparison at the end of cpnp_date_parse() then finds. */
static unsigned
digits(const uint8_t *p, size_t n)
{
	unsigned value = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		value = 10 * value + (p[i] - (unsigned)'0');
	}
	return value;
}

/* The number of a month's name, 0 when it is none. */
static unsigned
month_of(const uint8_t *p)
{
	for (unsigned i = 0; i < 12; i++) {
		if (memcmp(p, &months[3 * i], 3) == 0)
			return i + 1;
	}
	return 0;
}

int
cpnp_date_parse(cpnp_edition edition, cpnp_bytes text, cpnp_wtime *time)
{
	char again[CPNP_DATE_LEN];
	struct civil c = {0};
	cpnp_wtime result;
	const uint8_t *p = text.ptr, *clock;
	bool is_draft = edition == CPNP_EDITION_DRAFT02;

	if (text.len != (is_draft ? sizeof(rfc1123) : sizeof(rfc3339)) - 1)
		return CPNP_ERR_DATE;
	c.year = (int)digits(p + (is_draft ? 12 : 0), 4);
	c.month = is_draft ? month_of(p + 8) : digits(p + 5, 2);
	c.day = digits(p + (is_draft ? 5 : 8), 2);
	clock = p + (is_draft ? 17 : 11);
	if (c.month < 1 || c.month > 12)
		return CPNP_ERR_DATE;
	result.sec = days_from_civil(&c) * DAY_SECONDS +
	    digits(clock, 2) * 3600 + digits(clock + 3, 2) * 60 +
	    digits(clock + 6, 2);
	/* Only a date that is written again in the same way is one: this
	 * catches punctuation, 31 April, 24:00, and a wrong weekday. */
	if (cpnp_date_format(edition, result, again) != 0 ||
	    memcmp(again, p, text.len) != 0)
		return CPNP_ERR_DATE;
	*time = result;
	return 0;
}

void
cpnp_date_encode(cpnp_edition edition, cpnp_wtime time, cpnp_buf *buf)
{
	char text[CPNP_DATE_LEN];
	int err = cpnp_date_format(edition, time, text);

	if (err != 0)
		cpnp_buf_fail(buf, err);
	else
		cpnp_cbor_put_str(buf, text);
}

cpnp_wtime
cpnp_date_decode(cpnp_edition edition, cpnp_cbor_rd *rd)
{
	const uint8_t *start = rd->pos;
	cpnp_wtime time = {0};
	cpnp_bytes text = cpnp_cbor_get_text(rd, 0, SIZE_MAX);

	if (rd->err == 0 && cpnp_date_parse(edition, text, &time) != 0) {
		rd->pos = start;
		cpnp_cbor_rd_fail(rd, CPNP_ERR_DATE);
	}
	return time;
}

void
cpnp_wtime_encode(cpnp_wtime time, cpnp_buf *buf)
{
	if (time.sec < CPNP_WTIME_MIN || time.sec > CPNP_WTIME_MAX)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_int(buf, time.sec);
}

cpnp_wtime
cpnp_wtime_decode(cpnp_cbor_rd *rd)
{
	return (cpnp_wtime){
	    cpnp_cbor_get_int(rd, CPNP_WTIME_MIN, CPNP_WTIME_MAX)};
}
