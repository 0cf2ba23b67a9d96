/*
 * The decision on an ACTIVATE: was explicit activation by CPNP agreed (RFC
 * 8921, 9.2.11 and Table 6; RFC 7297, 3.12), and is the capacity held then?
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "decide_int.h"

/* Explicit, and this protocol is one of those that are named. */
static bool
is_by_cpnp(const cpnp_cpd_invocation *invocation)
{
	size_t i;

	if (invocation == NULL ||
	    invocation->type != CPNP_CPD_EXPLICIT)
		return false;
	for (i = 0; i < invocation->protocols_n; i++)
		if (cpnp_bytes_equal(
			invocation->protocols[i], CPNP_BYTES_LIT("CPNP")))
			return true;
	return false;
}

static bool
has_explicit(const cpnp_cpd *agreed)
{
	size_t i, j;

	for (i = 0; i < agreed->components_n; i++)
		for (j = 0; j < agreed->components[i].profiles_n; j++)
			if (is_by_cpnp(agreed->components[i]
				.profiles[j].invocation))
				return true;
	return false;
}

/* From the first start of a profile to the last end of one. */
static void
find_service(struct deciding *w)
{
	const cpnp_cpd *agreed = &w->asked;
	const cpnp_cpd_window *window;
	int64_t from, until;
	size_t i, j;

	w->from = (cpnp_wtime){CPNP_WTIME_MAX};
	w->until = (cpnp_wtime){0};
	for (i = 0; i < agreed->components_n; i++)
		for (j = 0; j < agreed->components[i].profiles_n; j++) {
			window = agreed->components[i].profiles[j].window;
			from = window != NULL && window->start.is_set
			    ? window->start.time.sec
			    : 0;
			until = window != NULL && window->end.is_set
			    ? window->end.time.sec
			    : CPNP_WTIME_MAX;
			if (from < w->from.sec)
				w->from.sec = from;
			if (until > w->until.sec)
				w->until.sec = until;
		}
}

static cpnp_bytes
in_words(struct deciding *w, cpnp_wtime time)
{
	char text[CPNP_DATE_LEN];

	if (cpnp_date_format(CPNP_EDITION_RFC8921, time, text) != 0)
		return CPNP_BYTES_NONE;
	return SAY(w, "%s", text);
}

/* Nothing is held before the window and behind it. */
static void
check_window(struct deciding *w, const cpnp_schedule *schedule, cpnp_wtime now)
{
	cpnp_wtime start = schedule->has_start ? schedule->start : now;

	find_service(w);
	if (start.sec < w->from.sec)
		refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
		    CPNP_BYTES_LIT("window/start"),
		    CPNP_BYTES_LIT("the service is agreed from a later date "
				   "on"),
		    in_words(w, w->from),
		    CPNP_BYTES_LIT("a start that is not before it"));
	if (start.sec >= w->until.sec ||
	    (schedule->has_end && schedule->end.sec > w->until.sec))
		refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
		    CPNP_BYTES_LIT("window/end"),
		    CPNP_BYTES_LIT("the service is agreed until an earlier "
				   "date"),
		    in_words(w, w->until),
		    CPNP_BYTES_LIT("an end that is not after it"));
}

int
cpnp_decide_activate(cpnp_decision *d, cpnp_bytes agreed,
    const cpnp_schedule *schedule, cpnp_wtime now)
{
	struct deciding w = {.d = d, .arena = &d->arena};
	cpnp_diag diag = {0};
	int err;

	memset(d, 0, sizeof(*d));
	cpnp_arena_init(&d->arena);
	err = cpnp_cpd_decode(&w.asked, agreed, &w.arena->mem, &diag);
	if (err != 0)
		return err;
	if (!has_explicit(&w.asked))
		refuse(&w, CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE,
		    CPNP_BYTES_LIT("invocation"),
		    CPNP_BYTES_LIT("explicit activation by CPNP was not "
				   "agreed"),
		    CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("an agreement with invocation of type "
				   "explicit and protocol CPNP"));
	else if (!schedule->deactivate)
		check_window(&w, schedule, now);
	return 0;
}
