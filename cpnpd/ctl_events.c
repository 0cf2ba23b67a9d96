/*
 * The stream of events for cpnpctl(8).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "ctl.h"
#include "events.h"

static int
put_event(void *user, const cpnp_store_change *change)
{
	struct conn *c = user;
	json_t *object;
	int err;

	/* Some events are long. */
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) >
	    CPNPD_CTL_OUT_MAX)
		return CPNP_ERR_FULL;
	err = cpnpd_event_json(cpnpd_ctl_daemon(c), change, &object);
	if (err != 0)
		return err;
	cpnpd_ctl_put(c, object);
	c->shown++;
	return 0;
}

/* Whoever follows and says something wants something else, and who will say
 * nothing any more has probably gone. */
static bool
has_spoken(const struct conn *c)
{
	return c->said_all ||
	       evbuffer_get_length(bufferevent_get_input(c->bev)) > 0;
}

int
cpnpd_ctl_events(struct conn *c, bool *more, cpnp_diag *why)
{
	const cpnp_ctl_request *r = &c->request;
	bool is_limited = (r->present & CPNP_CTL_BIT(CPNP_CTL_LIMIT)) != 0;
	uint64_t max = CPNPD_EVENTS_STEP;
	bool others = false;
	int err;

	if (c->shown == 0 && r->from > 1 && c->cursor < r->from)
		c->cursor = r->from - 1;
	if (is_limited && r->limit - c->shown < max)
		max = r->limit - c->shown;
	if (max == 0)
		return 0;
	err = cpnp_store_page_changes(cpnpd_ctl_daemon(c)->store, &c->cursor,
	    (size_t)max, put_event, c, &others);
	if (err == CPNP_ERR_FULL) {
		*more = true; /* once some of it has been read */
		return 0;
	}
	if (err != 0)
		return cpnpd_ctl_fail(why, err, "event %llu on: %s",
		    (unsigned long long)c->cursor + 1, cpnp_strerror(err));
	*more = others || (r->follow && !has_spoken(c) &&
	    (!is_limited || c->shown < r->limit));
	c->waits = *more && !others;
	return 0;
}
