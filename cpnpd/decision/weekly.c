/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "weekly.h"

/* 1970-01-01 was a Thursday. */
#define FIRST_SECOND (3 * CPNP_DAY)

static uint32_t
second_of_week(int64_t t)
{
	int64_t s = (t % CPNP_WEEK + FIRST_SECOND) % CPNP_WEEK;

	return (uint32_t)(s < 0 ? s + CPNP_WEEK : s);
}

static bool
is_free(const cpnp_weekly *w, uint32_t from, uint32_t until)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->spans[i].from < until && from < w->spans[i].until)
			return false;
	return true;
}

static int
insert(cpnp_weekly *w, uint32_t from, uint32_t until, uint64_t value)
{
	size_t i = w->n;

	if (!is_free(w, from, until))
		return CPNP_ERR_EXISTS;
	if (w->n == CPNP_WEEKLY_SPANS_MAX)
		return CPNP_ERR_FULL;
	for (; i > 0 && w->spans[i - 1].from > from; i--)
		w->spans[i] = w->spans[i - 1];
	w->spans[i] = (cpnp_weekly_span){from, until, value};
	w->n++;
	return 0;
}

int
cpnp_weekly_add(cpnp_weekly *w, unsigned days, uint32_t from, uint32_t until,
    uint64_t value)
{
	const cpnp_weekly before = *w;
	uint32_t start, end, day;
	int err = 0;

	for (day = 0; day < 7 && err == 0; day++) {
		if ((days & (1u << day)) == 0)
			continue;
		start = day * CPNP_DAY + from;
		end = day * CPNP_DAY + until;
		if (until <= from)
			end += CPNP_DAY;
		/* the night of Sunday ends on Monday */
		if (start < CPNP_WEEK)
			err = insert(w, start,
			    end < CPNP_WEEK ? end : CPNP_WEEK, value);
		if (err == 0 && end > CPNP_WEEK)
			err = insert(w,
			    start < CPNP_WEEK ? 0 : start - CPNP_WEEK,
			    end - CPNP_WEEK, value);
	}
	if (err != 0)
		*w = before;
	return err;
}

uint64_t
cpnp_weekly_at(const cpnp_weekly *w, uint64_t otherwise, cpnp_wtime at,
    cpnp_wtime *until)
{
	uint32_t now = second_of_week(at.sec);
	size_t i;

	until->sec = CPNP_WTIME_MAX;
	if (w->n == 0)
		return otherwise;
	for (i = 0; i < w->n && w->spans[i].until <= now; i++)
		;
	if (i == w->n) {
		until->sec = at.sec + CPNP_WEEK - now + w->spans[0].from;
		return otherwise;
	}
	if (w->spans[i].from > now) {
		until->sec = at.sec + w->spans[i].from - now;
		return otherwise;
	}
	until->sec = at.sec + w->spans[i].until - now;
	return w->spans[i].value;
}

/* From Monday 00:00 on until a second of the same week. */
static uint64_t
sum_of_week(const cpnp_weekly *w, uint64_t otherwise, uint32_t until)
{
	uint64_t sum = otherwise * until;
	uint32_t end;
	size_t i;

	for (i = 0; i < w->n && w->spans[i].from < until; i++) {
		end = w->spans[i].until < until ? w->spans[i].until : until;
		/* may wrap, and wraps back */
		sum += (w->spans[i].value - otherwise) *
		    (end - w->spans[i].from);
	}
	return sum;
}

uint64_t
cpnp_weekly_sum(const cpnp_weekly *w, uint64_t otherwise, cpnp_wtime from,
    cpnp_wtime until)
{
	uint32_t first = second_of_week(from.sec);
	uint64_t end = first + (uint64_t)(until.sec - from.sec);

	return end / CPNP_WEEK * sum_of_week(w, otherwise, CPNP_WEEK) +
	    sum_of_week(w, otherwise, (uint32_t)(end % CPNP_WEEK)) -
	    sum_of_week(w, otherwise, first);
}

static int
day_of(const char *text)
{
	static const char names[] = "montuewedthufrisatsun";
	int i;

	for (i = 0; i < 7; i++)
		if (strncmp(text, names + 3 * i, 3) == 0)
			return i;
	return -1;
}

bool
cpnp_weekly_days(const char *text, unsigned *days)
{
	int first, last;

	for (*days = 0;; text++) {
		text += strspn(text, " ");
		first = last = day_of(text);
		if (first < 0)
			return false;
		text += 3;
		if (*text == '-') {
			last = day_of(text + 1);
			if (last < first)
				return false;
			text += 4;
		}
		for (; first <= last; first++)
			*days |= 1u << first;
		text += strspn(text, " ");
		if (*text != ',')
			return *text == '\0';
	}
}
