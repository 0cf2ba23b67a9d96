/*
 * Counter-offers in time: when could what is asked for be had?  The end stays
 * as it is asked for; where nothing is left until then, the service moves as a
 * whole.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "decide_int.h"

#define HORIZON (366 * (int64_t)CPNP_DAY)
/* Moments that are tried. */
#define TRIES_MAX 256

/* The latest of what the resources say when something is lacking. */
static bool
is_lacking(const struct deciding *w, const struct demand *demands, size_t n,
    cpnp_wtime from, cpnp_wtime until, cpnp_wtime *later)
{
	cpnp_wtime one;
	bool lacks = false;
	size_t i;

	*later = from;
	for (i = 0; i < n; i++)
		if (cpnp_capacity_lacks(w->in->capacity, demands[i].resource,
			demands[i].amount, from, until, &one)) {
			lacks = true;
			if (one.sec > later->sec)
				*later = one;
		}
	return lacks;
}

/* length 0: until stays. */
static bool
find_start(const struct deciding *w, const struct demand *demands, size_t n,
    int64_t length, cpnp_wtime *from, cpnp_wtime *until)
{
	cpnp_wtime later;
	int tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		if (length > 0)
			until->sec = from->sec + length;
		if (from->sec >= until->sec ||
		    from->sec > w->in->now.sec + HORIZON)
			return false;
		if (!is_lacking(w, demands, n, *from, *until, &later))
			return true;
		if (later.sec <= from->sec)
			return false;
		*from = later;
	}
	return false;
}

cpnp_bytes
say_later(struct deciding *w, const struct demand *demands, size_t n,
    uint64_t rate)
{
	cpnp_wtime from = w->from, until = w->until;
	char start[CPNP_DATE_LEN], end[CPNP_DATE_LEN] = "";

	if (!find_start(w, demands, n, 0, &from, &until)) {
		if (w->until.sec == CPNP_WTIME_MAX)
			return CPNP_BYTES_NONE;
		from = w->from;
		if (!find_start(w, demands, n, w->until.sec - w->from.sec,
			&from, &until) ||
		    cpnp_date_format(CPNP_EDITION_RFC8921, until, end) != 0)
			return CPNP_BYTES_NONE;
	}
	if (from.sec == w->from.sec ||
	    cpnp_date_format(CPNP_EDITION_RFC8921, from, start) != 0)
		return CPNP_BYTES_NONE;
	return SAY(w, "%.*s from %s %s%s",
	    WORDS(quantity(w, CPNP_UNIT_RATE, rate)), start,
	    end[0] != '\0' ? "until " : "on", end);
}
