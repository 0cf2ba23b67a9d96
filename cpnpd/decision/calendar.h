/*
 * How much of a resource is taken at each moment: an exact step function over
 * time, as a treap of its steps.  Each node knows the sum of its subtree and
 * the highest level reached on the way through it, so that adding a period
 * and asking for the highest level within one take logarithmic time, however
 * many orders are held.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CALENDAR_H
#define CPNPD_CALENDAR_H

#include <cpnp/types.h>

typedef struct cpnp_calendar {
	struct cpnp_calendar_step *root;
	int64_t base; /* the level before the first step */
	uint64_t seed; /* random, where customers choose the times */
} cpnp_calendar;

/* A calendar that is zero but for its seed is an empty one, and so is what is
 * left after _fini. */
void cpnp_calendar_fini(cpnp_calendar *calendar);

/*
 * Add amount (negative to take it away again) from from until until, which is
 * later; CPNP_WTIME_MAX: without end.  Errors: CPNP_ERR_NOMEM, nothing is
 * changed then.
 */
int cpnp_calendar_add(cpnp_calendar *calendar, cpnp_wtime from,
    cpnp_wtime until, int64_t amount);

/* The highest level at any moment from from on and before until. */
int64_t cpnp_calendar_peak(
    const cpnp_calendar *calendar, cpnp_wtime from, cpnp_wtime until);

/*
 * True when the level is above a limit at some moment from from on and before
 * until; then *end is the next change of the level behind the last of these
 * moments, which may be after until; CPNP_WTIME_MAX: there is none.
 */
bool cpnp_calendar_above(const cpnp_calendar *calendar, cpnp_wtime from,
    cpnp_wtime until, int64_t limit, cpnp_wtime *end);

/* Forget what was before now.  Periods that began before may still be taken
 * away, the level from now on stays right. */
void cpnp_calendar_advance(cpnp_calendar *calendar, cpnp_wtime now);

#endif
