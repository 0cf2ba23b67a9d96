/*
 * Heads of the journal, made known to the ledger: whoever has one shows that
 * nothing under it was changed later.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <string.h>

#include "ledger.h"
#include "restore.h"

static bool
is_wanted(const struct daemon *d)
{
	return d->ledger != NULL && d->conf->ledger.anchor_leaves > 0 &&
	    d->journal_signer != NULL && !d->restore->is_silent;
}

static void
arm(struct daemon *d)
{
	const uint64_t us = d->conf->ledger.anchor_time / 1000;
	const struct timeval in = {(time_t)(us / 1000000),
		(suseconds_t)(us % 1000000)};

	if (!evtimer_pending(d->ledger->anchor, NULL))
		(void)evtimer_add(d->ledger->anchor, &in);
}

static int
anchor_head(struct daemon *d, uint64_t size,
    const uint8_t root[CPNP_SHA256_LEN])
{
	struct ledger *l = d->ledger;
	cpnp_op op = {.type = CPNP_OP_ANCHOR};
	int err;

	CPNP_OP_SET(&op, ORIGIN, origin, cpnp_bytes_str(d->identity));
	CPNP_OP_SET(&op, SIZE, size, size);
	CPNP_OP_SET(
	    &op, ROOT, root, ((cpnp_bytes){root, CPNP_SHA256_LEN}));
	err = cpnpd_ledger_add(d, &op, root, NULL);
	if (err != 0)
		return err;
	l->anchoring = size;
	l->anchors_open++;
	return 0;
}

/* The newest head, unless it is known or so many are under way that the ledger
 * must be slow; while it is away one is enough. */
static void
anchor(struct daemon *d, cpnp_now now)
{
	struct ledger *l = d->ledger;
	size_t open_max =
	    cpnpd_ledger_is_away(l) ? 1 : CPNPD_LEDGER_ANCHORS_MAX;
	uint8_t root[CPNP_SHA256_LEN];
	uint64_t size = 0;
	int err = cpnp_store_head(d->store, &size, root);

	if (err == CPNP_ERR_NOT_FOUND)
		return;
	l->events_since = 0;
	l->head = err == 0 ? size : l->head;
	if (err == 0 && size > l->anchoring && l->anchors_open < open_max)
		err = anchor_head(d, size, root);
	if (err != 0)
		cpnpd_log(CPNP_LOG_ERROR, "ledger: the journal cannot be "
		    "anchored: %s", cpnp_strerror(err));
	if (err != 0 || l->head > l->anchoring)
		arm(d);
	(void)now;
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	cpnp_now now = cpnp_now_read();

	(void)fd;
	(void)what;
	if (!is_wanted(d) || d->failed)
		return;
	anchor(d, now);
	cpnpd_turn_end(d, now);
}

int
cpnpd_ledger_anchors_start(struct daemon *d)
{
	struct ledger *l = d->ledger;
	int err;

	l->anchor = evtimer_new(d->base, on_timer, d);
	if (l->anchor == NULL)
		return CPNP_ERR_NOMEM;
	err = cpnp_store_anchored(d->store, &l->anchored);
	if (l->anchoring < l->anchored)
		l->anchoring = l->anchored;
	if (err == 0 && d->conf->ledger.anchor_leaves > 0)
		arm(d);
	return err;
}

void
cpnpd_ledger_grown(struct daemon *d, size_t events)
{
	struct ledger *l = d->ledger;

	if (events == 0 || !is_wanted(d))
		return;
	/* not more leaves than events */
	l->events_since += events;
	if (l->events_since >= d->conf->ledger.anchor_leaves &&
	    l->anchors_open < CPNPD_LEDGER_ANCHORS_MAX &&
	    !cpnpd_ledger_is_away(l))
		anchor(d, cpnp_now_read());
	else
		arm(d);
}

void
cpnpd_ledger_anchored(struct daemon *d, const struct ledger_op *op,
    const cpnp_outcome *outcome, cpnp_now now)
{
	struct ledger *l = d->ledger;
	struct batch *b = cpnpd_batch(d);
	const cpnp_store_anchor row = {.size = op->size,
		.root = op->subject, .digest = op->digest,
		.op = {op->bytes, op->len}, .position = outcome->position};

	if (l->anchors_open > 0)
		l->anchors_open--;
	if (outcome->code != CPNP_OUTCOME_ACCEPTED) {
		cpnpd_log(CPNP_LOG_ERROR, "ledger: an anchor of %llu leaves "
		    "was refused: %s, %s", (unsigned long long)op->size,
		    cpnp_outcome_name(outcome->code),
		    cpnp_outcome_text(outcome->code));
		return;
	}
	d->counters.anchors++;
	if (op->size > l->anchored)
		l->anchored = op->size;
	if (b == NULL || cpnp_store_put_anchor(b->store, &row) != 0)
		cpnpd_fail(d, cpnp_strerror(CPNP_ERR_NOMEM), now);
}
