/*
 * From the log to the state machine: final entries are applied in order, and
 * what they did is stored in one commit with what they mean for our batches.
 *
 * The state machine lives in memory and begins with a snapshot; entries
 * between it and the position that is stored are applied again after a
 * restart, and must then have the outcomes that are stored.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* ---- Snapshots ---- */

struct restore {
	cpnp_bridge *bridge;
	int err; /* of the snapshot that was tried last */
	cpnp_diag diag;
};

static int
try_snapshot(void *user, uint64_t position, cpnp_bytes snapshot)
{
	struct restore *r = user;
	cpnp_bridge *b = r->bridge;
	cpnp_ledger_info info;

	r->err = cpnp_ledger_load(&b->ledger, cpnp_verifier_env(b->verifier),
	    snapshot, &r->diag);
	if (r->err == 0)
		r->err = cpnp_ledger_get_info(b->ledger, &info);
	if (r->err == 0 &&
	    (memcmp(info.id, b->ledger_id, sizeof(info.id)) != 0 ||
	    info.position != position ||
	    position > b->store.state.position ||
	    info.outcome_n > cpnp_tree_size(b->store.tree)))
		r->err = CPNP_ERR_MISMATCH;
	if (r->err != 0) {
		cpnp_ledger_del(b->ledger);
		b->ledger = NULL;
	}
	/* one from a newer release must not be passed over in silence */
	return r->err == 0 || r->err == CPNP_ERR_VERSION ||
	    cpnp_error_is_fatal(r->err);
}

int
bridge_restore(cpnp_bridge *b, cpnp_bytes genesis, cpnp_diag *diag)
{
	struct restore r = {.bridge = b};
	cpnp_ledger_info info;
	int err;

	err = store_each_snapshot(&b->store, try_snapshot, &r, diag);
	if (err == 0 && b->ledger == NULL && (r.err == CPNP_ERR_VERSION ||
					       cpnp_error_is_fatal(r.err))) {
		err = r.err;
		if (diag != NULL)
			*diag = r.diag;
	}
	/* a snapshot that is damaged costs only the time to apply all again */
	if (err == 0 && b->ledger == NULL) {
		err = cpnp_ledger_new(&b->ledger,
		    cpnp_verifier_env(b->verifier), genesis, diag);
		if (cpnp_error_is_peer(err) && err != CPNP_ERR_VERSION)
			err = CPNP_ERR_CONFIG;
	}
	if (err == 0)
		err = cpnp_ledger_get_info(b->ledger, &info);
	if (err != 0)
		return err;
	b->position = b->snapshot_at = info.position;
	b->clock = -1;
	b->status.applied = info.position;
	memcpy(b->head, info.head, sizeof(b->head));
	b->outcome_n = info.outcome_n;
	return 0;
}

/* Under the lock of the store; the state machine is not changing now. */
static int
store_snapshot(cpnp_bridge *b, cpnp_bytes snapshot, cpnp_diag *diag)
{
	int err;

	err = store_begin(&b->store, diag);
	if (err == 0)
		err = store_put_snapshot(
		    &b->store, b->position, snapshot, diag);
	if (err == 0)
		err = store_commit(&b->store, diag);
	if (err != 0)
		(void)store_rollback(&b->store, NULL);
	return err;
}

/* The outcomes that are stored lead to the root that the state machine has,
 * or no proof would be worth anything. */
static int
check_root(cpnp_bridge *b, const cpnp_ledger_info *info, cpnp_diag *diag)
{
	uint8_t root[CPNP_SHA256_LEN];
	int err;

	err = cpnp_tree_root(b->store.tree, info->outcome_n, root);
	if (err == 0 && memcmp(root, info->outcome_root, sizeof(root)) != 0)
		err = backend_fail(diag, CPNP_ERR_INTERNAL, "store",
		    "the outcomes stored are not those of the ledger; begin "
		    "with a new store, which is filled from the log");
	return err;
}

static int
take_snapshot(cpnp_bridge *b, cpnp_diag *diag)
{
	cpnp_ledger_info info;
	cpnp_buf buf;
	int err;

	if (b->position - b->snapshot_at < b->snapshot_entries)
		return 0;
	cpnp_buf_init(&buf, &ledger_mem, SIZE_MAX);
	(void)pthread_mutex_lock(&b->ledger_lock);
	err = cpnp_ledger_get_info(b->ledger, &info);
	if (err == 0)
		err = cpnp_ledger_save(b->ledger, &buf);
	(void)pthread_mutex_unlock(&b->ledger_lock);
	(void)pthread_mutex_lock(&b->lock);
	if (err == 0)
		err = check_root(b, &info, diag);
	if (err == 0)
		err = store_snapshot(b, cpnp_buf_bytes(&buf), diag);
	(void)pthread_mutex_unlock(&b->lock);
	cpnp_buf_fini(&buf);
	/* without room there is none, until there have been as many again */
	b->snapshot_at = b->position;
	return err == CPNP_ERR_IO ? 0 : err;
}

/* ---- Applying ---- */

static int
keep_outcomes(cpnp_bridge *b, const cpnp_outcome *outcomes, size_t n, bool own)
{
	struct applied *a = &b->applied;
	size_t cap = a->outcome_cap == 0 ? 1024 : a->outcome_cap;
	struct store_outcome *more;

	while (cap - a->outcome_n < n)
		cap *= 2;
	if (cap > a->outcome_cap) {
		more = realloc(a->outcomes, cap * sizeof(*more));
		if (more == NULL)
			return CPNP_ERR_NOMEM;
		a->outcomes = more;
		a->outcome_cap = cap;
	}
	for (size_t i = 0; i < n; i++)
		a->outcomes[a->outcome_n++] =
		    (struct store_outcome){outcomes[i], own};
	return 0;
}

static int
keep_digests(cpnp_bridge *b, cpnp_bytes batch)
{
	struct applied *a = &b->applied;
	uint8_t (*more)[CPNP_SHA256_LEN];
	size_t n = 0;
	int err;

	if (a->digest_cap - a->digest_n < CPNP_BATCH_OPS_MAX) {
		more = realloc(a->digests,
		    (a->digest_n + CPNP_BATCH_OPS_MAX) * sizeof(*more));
		if (more == NULL)
			return CPNP_ERR_NOMEM;
		a->digests = more;
		a->digest_cap = a->digest_n + CPNP_BATCH_OPS_MAX;
	}
	err = cpnp_batch_digests(batch, &ledger_env, a->digests + a->digest_n,
	    CPNP_BATCH_OPS_MAX, &n);
	a->digest_n += n;
	return err;
}

/* Whether an entry is the batch of ours that must come back next. */
static int
check_own(cpnp_bridge *b, const cpnp_log_record *r, cpnp_diag *diag)
{
	const struct store_state *state = &b->store.state;
	uint64_t next = b->store.first_seq + b->applied.batches;
	bool same;
	int err;

	if (state->writer_len == 0 || !cpnp_bytes_equal(r->writer,
	    (cpnp_bytes){state->writer, state->writer_len}))
		return 0;
	/* one that was final before, or before this store was begun */
	if (!state->numbered || r->seq < next)
		return 0;
	if (r->seq >= state->next_seq || r->seq != next)
		return backend_fail(diag, CPNP_ERR_EXISTS, "writer",
		    "entry %" PRIu64 " is batch %" PRIu64 " of this writer, "
		    "which this store has not made: another process writes "
		    "under this name, or the store is an old copy",
		    r->entry.position, r->seq);
	(void)pthread_mutex_lock(&b->lock);
	cpnp_buf_reset(&b->batch);
	err = store_get_batch(&b->store, r->seq, &b->batch, diag);
	(void)pthread_mutex_unlock(&b->lock);
	if (err != 0)
		return err;
	same = cpnp_bytes_equal(cpnp_buf_bytes(&b->batch), r->entry.batch);
	if (!same)
		return backend_fail(diag, CPNP_ERR_EXISTS, "writer",
		    "entry %" PRIu64 " is not batch %" PRIu64 " as this store "
		    "made it: another process writes under this name",
		    r->entry.position, r->seq);
	err = keep_digests(b, r->entry.batch);
	if (err == 0)
		b->applied.batches++;
	return err;
}

static void
keep_clock(cpnp_bridge *b, cpnp_wtime time)
{
	struct applied *a = &b->applied;

	if (time.sec == b->clock)
		return;
	b->clock = time.sec;
	a->clocks[a->clock_n++] = (struct store_clock){b->position, time};
}

static int
apply_one(cpnp_bridge *b, const cpnp_log_record *r, cpnp_diag *diag)
{
	uint64_t before = b->applied.batches;
	const cpnp_outcome *outcomes;
	size_t n;
	int err;

	err = cpnp_log_entry_hash(&ledger_env, &r->entry, b->head);
	if (err == 0)
		err = check_own(b, r, diag);
	/* nobody else changes the state, and nobody shall wait for this */
	if (err == 0)
		err = cpnp_ledger_verify(b->ledger, &r->entry);
	if (err != 0)
		return err;
	(void)pthread_mutex_lock(&b->ledger_lock);
	err = cpnp_ledger_apply(b->ledger, &r->entry, diag);
	if (err == 0) {
		cpnp_ledger_outcomes(b->ledger, &outcomes, &n);
		err = keep_outcomes(
		    b, outcomes, n, b->applied.batches > before);
		keep_clock(b, cpnp_ledger_time(b->ledger));
	}
	(void)pthread_mutex_unlock(&b->ledger_lock);
	if (err != 0)
		return err;
	b->position++;
	b->applied.entries++;
	/* the same entry as before the restart */
	if (b->position == b->store.state.position &&
	    memcmp(b->head, b->store.state.head, sizeof(b->head)) != 0)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "entry %" PRIu64 " is not what it was: the past of this "
		    "log has changed", r->entry.position);
	return 0;
}

/* ---- Storing what was applied ---- */

/* In one transaction, under the lock. */
static int
put_applied(cpnp_bridge *b, struct store_state *state, cpnp_diag *diag)
{
	const struct applied *a = &b->applied;
	size_t i;
	int err;

	err = store_begin(&b->store, diag);
	for (i = 0; i < a->outcome_n && err == 0; i++)
		err = store_put_outcome(
		    &b->store, b->outcome_n + i, &a->outcomes[i], diag);
	for (i = 0; i < a->clock_n && err == 0; i++)
		err = store_put_clock(&b->store, &a->clocks[i], diag);
	if (err == 0 && a->batches > 0)
		err = store_drop_batches(
		    &b->store, b->store.first_seq + a->batches, diag);
	if (err == 0 && b->position > state->position) {
		state->position = b->position;
		memcpy(state->head, b->head, sizeof(state->head));
		err = store_put_state(&b->store, state, diag);
	}
	if (err == 0)
		err = store_commit(&b->store, diag);
	if (err != 0)
		(void)store_rollback(&b->store, NULL);
	return err;
}

static int
commit_applied(cpnp_bridge *b, cpnp_diag *diag)
{
	struct applied *a = &b->applied;
	struct store_state state;
	int err;

	if (a->entries == 0)
		return 0;
	(void)pthread_mutex_lock(&b->lock);
	state = b->store.state;
	err = put_applied(b, &state, diag);
	if (err == 0) {
		b->store.state = state;
		b->status.applied = b->position;
		b->store.first_seq += a->batches;
		b->store.batch_n -= a->batches;
		while (a->digest_n > 0)
			digests_remove(
			    &b->waiting, a->digests[--a->digest_n]);
		b->outcome_n += a->outcome_n;
		a->outcome_n = a->clock_n = 0;
		a->batches = a->entries = 0;
	}
	(void)pthread_mutex_unlock(&b->lock);
	return err;
}

/* ---- Following ---- */

/* Wait for a while in which there is nothing to do, or until woken by close;
 * submit has nothing for us when the log is away. */
static void
pause_until(cpnp_bridge *b, cpnp_tstamp until)
{
	cpnp_tstamp retry = backend_now() + RETRY_AWAY;
	struct timespec ts;

	if (until > retry)
		until = retry;
	ts.tv_sec = (time_t)(until / CPNP_SECONDS(1));
	ts.tv_nsec = (long)(until % CPNP_SECONDS(1));
	(void)pthread_mutex_lock(&b->lock);
	if (!b->closing)
		(void)pthread_cond_timedwait(&b->closed, &b->lock, &ts);
	(void)pthread_mutex_unlock(&b->lock);
}

/* What was not stored is stored before more is read. */
static int
store_applied(cpnp_bridge *b, cpnp_tstamp until, cpnp_diag *diag)
{
	int err;

	err = commit_applied(b, diag);
	if (err != CPNP_ERR_IO)
		return err;
	bridge_say(b, BRIDGE_FOLLOW, diag);
	pause_until(b, until);
	return CPNP_ERR_UNAVAILABLE;
}

/* A log that is shorter than it was: its engine may still be catching up. */
static void
say_behind(cpnp_bridge *b, cpnp_diag *diag)
{
	uint64_t was = b->store.state.position;
	cpnp_log_info info;

	b->backend->info(b->log, &info);
	if (b->position < was && info.next_final < was) {
		(void)backend_fail(diag, CPNP_ERR_UNAVAILABLE, "log",
		    "the log shows %" PRIu64 " entries, but %" PRIu64 " were "
		    "final: it is behind, or has lost its past",
		    info.next_final, was);
		bridge_say(b, BRIDGE_FOLLOW, diag);
	}
}

static int
read_and_apply(cpnp_bridge *b, cpnp_tstamp until, cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now();
	size_t n = 0, i;
	int err;

	err = b->backend->read(b->log, b->position, b->head,
	    until == CPNP_NEVER ? CPNP_NEVER : until > now ? until - now : 0,
	    b->records, READ_RECORDS, &n, diag);
	if (err == CPNP_ERR_UNAVAILABLE) {
		bridge_say(b, BRIDGE_FOLLOW, diag);
		pause_until(b, until);
		return err;
	}
	for (i = 0; i < n && err == 0; i++)
		err = apply_one(b, &b->records[i], diag);
	if (err == 0)
		bridge_say(b, BRIDGE_FOLLOW, &(cpnp_diag){.err = 0});
	if (err == 0 && n == 0)
		say_behind(b, diag);
	return err;
}

int
bridge_follow(cpnp_bridge *b, cpnp_tstamp until, cpnp_diag *diag)
{
	int err;

	err = store_applied(b, until, diag);
	if (err == 0)
		err = read_and_apply(b, until, diag);
	if (err == 0)
		err = store_applied(b, until, diag);
	if (err == 0)
		err = take_snapshot(b, diag);
	if (err == CPNP_ERR_UNAVAILABLE)
		return 0;
	return err != 0 ? bridge_stop(b, err, diag) : 0;
}
