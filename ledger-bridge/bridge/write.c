/*
 * From submit to the log: operations wait in the outbox for company, become a
 * batch with a number, and are handed over until they are read back.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* ---- Taking over ---- */

static int
check_op(const cpnp_bridge *b, size_t batch_max, cpnp_bytes signed_op,
    uint8_t digest[CPNP_SHA256_LEN])
{
	cpnp_bytes payload;
	cpnp_buf batch;
	cpnp_op op;
	int err;

	if (signed_op.len + BATCH_OVERHEAD > batch_max)
		return CPNP_ERR_TOO_LONG;
	err = cpnp_op_payload(signed_op, &payload);
	if (err == 0)
		err = cpnp_op_decode(&op, payload, NULL);
	if (err != 0)
		return err;
	if (memcmp(op.ledger, b->ledger_id, sizeof(op.ledger)) != 0)
		return CPNP_ERR_MISMATCH;
	/* what is no part of a batch would keep all others waiting */
	cpnp_buf_init(&batch, &ledger_mem, signed_op.len + BATCH_OVERHEAD);
	err = cpnp_batch_encode(&signed_op, 1, &batch);
	cpnp_buf_fini(&batch);
	return err != 0 ? err : hash_once(&payload, 1, digest);
}

/* Whether it waits, or has come back; not as a forged copy, or whoever makes
 * one first would keep ours out of the log. */
static int
is_known(cpnp_bridge *b, const uint8_t digest[CPNP_SHA256_LEN], bool *known)
{
	cpnp_outcome outcome;
	bool forged = false;
	uint64_t index;
	int err;

	*known = digests_has(&b->waiting, digest);
	if (*known)
		return 0;
	err = store_find_outcome(
	    &b->store, digest, &outcome, &index, &forged);
	*known = err == 0 && !forged;
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

int
cpnp_bridge_is_submitted(cpnp_bridge *b,
    const uint8_t digest[CPNP_SHA256_LEN], bool *is)
{
	int err;

	(void)pthread_mutex_lock(&b->lock);
	err = is_known(b, digest, is);
	(void)pthread_mutex_unlock(&b->lock);
	return err;
}

/* In one transaction; the digests are added as they are stored, so that two
 * that are equal are one, and taken out again when it fails. */
static int
put_ops(cpnp_bridge *b, const cpnp_bytes *ops, size_t n,
    uint8_t (*digests)[CPNP_SHA256_LEN], bool *added)
{
	uint64_t op_n = b->store.op_n, op_bytes = b->store.op_bytes;
	int64_t now = (int64_t)time(NULL);
	bool known;
	size_t i;
	int err;

	err = store_begin(&b->store, NULL);
	for (i = 0; i < n && err == 0; i++) {
		err = is_known(b, digests[i], &known);
		if (err != 0 || known)
			continue;
		if (b->store.op_n >= b->waiting_max) {
			err = CPNP_ERR_FULL;
			break;
		}
		err = store_put_op(&b->store, digests[i], now, ops[i], NULL);
		if (err == 0) {
			digests_add(&b->waiting, digests[i]);
			added[i] = true;
		}
	}
	if (err == 0)
		err = store_commit(&b->store, NULL);
	if (err == 0)
		return 0;
	for (i = 0; i < n; i++)
		if (added[i])
			digests_remove(&b->waiting, digests[i]);
	store_undo(&b->store);
	b->store.op_n = op_n;
	b->store.op_bytes = op_bytes;
	return err == CPNP_ERR_BUSY ? CPNP_ERR_IO : err;
}

/* Under the lock; *wake when the thread has something new to do. */
static int
take_over(cpnp_bridge *b, const cpnp_bytes *ops, size_t n,
    uint8_t (*digests)[CPNP_SHA256_LEN], bool *added, bool *wake)
{
	uint64_t before = b->store.op_n;
	int err;

	if (b->stop_err != 0)
		return CPNP_ERR_STATE;
	if (b->store.state.writer_len == 0)
		return CPNP_ERR_FORBIDDEN;
	err = digests_reserve(&b->waiting, n);
	if (err == 0)
		err = put_ops(b, ops, n, digests, added);
	if (err != 0)
		return err;
	if (before == 0)
		b->first_at = backend_now();
	*wake = b->store.op_n > before &&
	    (before == 0 || (before < CPNP_BATCH_OPS_MAX &&
	    b->store.op_n >= CPNP_BATCH_OPS_MAX));
	return 0;
}

int
cpnp_bridge_submit_all(cpnp_bridge *b, const cpnp_bytes *signed_ops, size_t n,
    uint8_t (*digests)[CPNP_SHA256_LEN])
{
	uint8_t (*own)[CPNP_SHA256_LEN] = calloc(n + 1, sizeof(*own));
	bool *added = calloc(n + 1, sizeof(*added));
	bool wake = false;
	size_t i, batch_max;
	int err = 0;

	if (own == NULL || added == NULL) {
		err = CPNP_ERR_NOMEM;
		goto out;
	}
	(void)pthread_mutex_lock(&b->lock);
	batch_max = b->batch_max;
	(void)pthread_mutex_unlock(&b->lock);
	for (i = 0; i < n && err == 0; i++)
		err = check_op(b, batch_max, signed_ops[i], own[i]);
	if (err != 0)
		goto out;
	(void)pthread_mutex_lock(&b->lock);
	err = take_over(b, signed_ops, n, own, added, &wake);
	(void)pthread_mutex_unlock(&b->lock);
	if (wake)
		b->backend->wake(b->log);
	if (err == 0 && digests != NULL)
		memcpy(digests, own, n * sizeof(*own));
out:
	free(own);
	free(added);
	return err;
}

int
cpnp_bridge_submit(cpnp_bridge *bridge, cpnp_bytes signed_op,
    uint8_t digest[CPNP_SHA256_LEN])
{
	return cpnp_bridge_submit_all(bridge, &signed_op, 1,
	    (uint8_t (*)[CPNP_SHA256_LEN])digest);
}

static int
load_op(void *user, int64_t id, int64_t time,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_bytes op)
{
	cpnp_bridge *b = user;

	(void)id;
	(void)time;
	(void)op;
	if (digests_reserve(&b->waiting, 1) != 0)
		return CPNP_ERR_NOMEM;
	digests_add(&b->waiting, digest);
	return 0;
}

static int
load_batch(void *user, uint64_t seq, cpnp_bytes batch)
{
	cpnp_bridge *b = user;
	uint8_t (*digests)[CPNP_SHA256_LEN];
	size_t n = 0;
	int err;

	(void)seq;
	digests = calloc(CPNP_BATCH_OPS_MAX, sizeof(*digests));
	if (digests == NULL)
		return CPNP_ERR_NOMEM;
	err = cpnp_batch_digests(
	    batch, &ledger_env, digests, CPNP_BATCH_OPS_MAX, &n);
	if (err == 0)
		err = digests_reserve(&b->waiting, n);
	while (err == 0 && n > 0)
		digests_add(&b->waiting, digests[--n]);
	free(digests);
	return err;
}

int
bridge_load_waiting(cpnp_bridge *b, cpnp_diag *diag)
{
	int err;

	err = store_each_op(&b->store, load_op, b, diag);
	if (err == 0 && b->waiting.n < b->store.op_n)
		err = CPNP_ERR_NOMEM;
	if (err == 0)
		err = store_each_batch(&b->store, load_batch, b, diag);
	b->first_at = backend_now();
	return err;
}

/* ---- Batches ---- */

/* The operations of the next batch, copied. */
struct gather {
	size_t batch_max;
	cpnp_buf bytes;
	int64_t ids[CPNP_BATCH_OPS_MAX];
	size_t lens[CPNP_BATCH_OPS_MAX];
	cpnp_bytes ops[CPNP_BATCH_OPS_MAX];
	size_t n;
	int64_t time;
};

static int
gather_op(void *user, int64_t id, int64_t time,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_bytes op)
{
	struct gather *g = user;

	(void)digest;
	if (g->n == CPNP_BATCH_OPS_MAX || g->bytes.len + op.len +
	    (g->n + 1) * BATCH_OVERHEAD > g->batch_max)
		return 1;
	cpnp_buf_put_raw(&g->bytes, op);
	if (g->bytes.err != 0)
		return g->bytes.err;
	if (g->n == 0)
		g->time = time;
	g->ids[g->n] = id;
	g->lens[g->n++] = op.len;
	return 0;
}

/* Operations that share a signature have no inclusion paths where all of them
 * stand in one batch: those that the end of this one would cut off from the
 * others wait for the next. */
static void
keep_together(struct gather *g)
{
	struct cose1 first, last;
	size_t n;

	if (cose1_parse(&last, g->ops[g->n - 1], NULL) != 0 ||
	    !last.has_path || last.path_index + 1 >= last.path_size ||
	    last.path_index + 1 >= g->n)
		return;
	n = (size_t)last.path_index + 1;
	if (cose1_parse(&first, g->ops[g->n - n], NULL) != 0 ||
	    !first.has_path || first.path_index != 0 ||
	    !cpnp_bytes_equal(first.signature, last.signature))
		return;
	while (n-- > 0)
		g->bytes.len -= g->lens[--g->n];
}

static int
gather_ops(cpnp_bridge *b, struct gather *g, cpnp_diag *diag)
{
	const uint8_t *at;
	int err;

	g->batch_max = b->batch_max;
	cpnp_buf_init(&g->bytes, &ledger_mem, SIZE_MAX);
	err = store_each_op(&b->store, gather_op, g, diag);
	if (err == 0)
		err = g->bytes.err;
	if (err == 0 && g->n == 0)
		err = backend_fail(diag, CPNP_ERR_IO, "store",
		    "an operation is longer than the log takes a batch");
	at = g->bytes.ptr;
	for (size_t i = 0; i < g->n; i++) {
		g->ops[i] = (cpnp_bytes){at, g->lens[i]};
		at += g->lens[i];
	}
	if (err == 0 && g->n < b->store.op_n)
		keep_together(g);
	return err;
}

/* Out of the outbox and into a batch, in one commit. */
static int
store_batch(cpnp_bridge *b, const struct gather *g, cpnp_bytes batch,
    cpnp_diag *diag)
{
	struct store_state state = b->store.state;
	int err;

	state.next_seq++;
	err = store_begin(&b->store, diag);
	if (err == 0)
		err = store_put_batch(&b->store, b->store.state.next_seq,
		    g->time, batch, diag);
	if (err == 0)
		err = store_drop_ops(&b->store, g->ids[g->n - 1], diag);
	if (err == 0)
		err = store_put_state(&b->store, &state, diag);
	if (err == 0)
		err = store_commit(&b->store, diag);
	if (err != 0) {
		(void)store_rollback(&b->store, NULL);
		return err;
	}
	if (b->store.batch_n++ == 0)
		b->store.first_seq = b->store.state.next_seq;
	b->store.state = state;
	b->store.op_n -= g->n;
	b->store.op_bytes -= g->bytes.len;
	return 0;
}

/* When the outbox becomes a batch; under the lock. */
static cpnp_tstamp
batch_due(const cpnp_bridge *b)
{
	if (b->store.op_n == 0)
		return CPNP_NEVER;
	if (b->store.op_n >= CPNP_BATCH_OPS_MAX ||
	    b->store.op_bytes >= b->batch_max)
		return 0;
	return b->first_at + b->batch_wait;
}

/* Under the lock.  NOT_FOUND: there is nothing to make one of, yet. */
static int
make_batch(cpnp_bridge *b, cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now();
	struct gather *g;
	int err;

	if (batch_due(b) > now)
		return CPNP_ERR_NOT_FOUND;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return CPNP_ERR_NOMEM;
	err = gather_ops(b, g, diag);
	cpnp_buf_reset(&b->batch);
	if (err == 0)
		err = cpnp_batch_encode(g->ops, g->n, &b->batch);
	if (err == 0)
		err = store_batch(b, g, cpnp_buf_bytes(&b->batch), diag);
	if (err == 0)
		b->first_at = now;
	cpnp_buf_fini(&g->bytes);
	free(g);
	return err;
}

/* ---- Numbers ---- */

/* A new store goes on where the log says that its writer was. */
static int
adopt_number(cpnp_bridge *b, uint64_t seq, cpnp_diag *diag)
{
	struct store_state state = b->store.state;
	int err;

	state.numbered = true;
	state.next_seq = seq;
	err = store_begin(&b->store, diag);
	if (err == 0)
		err = store_put_state(&b->store, &state, diag);
	if (err == 0)
		err = store_commit(&b->store, diag);
	if (err != 0) {
		(void)store_rollback(&b->store, NULL);
		return err;
	}
	b->store.state = state;
	b->store.first_seq = seq;
	return 0;
}

/* Hold the log's next number against ours; under the lock. */
static int
compare_number(cpnp_bridge *b, uint64_t seq, cpnp_diag *diag)
{
	uint64_t first = b->store.first_seq, next = b->store.state.next_seq;

	if (!b->store.state.numbered) {
		b->append_next = seq;
		return adopt_number(b, seq, diag);
	}
	if (seq > next)
		return backend_fail(diag, CPNP_ERR_EXISTS, "writer",
		    "the log has %" PRIu64 " batches of this writer, but the "
		    "store made %" PRIu64 ": another process writes under "
		    "this name, or the store is an old copy", seq, next);
	if (seq < first)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "the log has %" PRIu64 " batches of this writer, but "
		    "%" PRIu64 " were final: it has lost its past", seq,
		    first);
	/* all that are not final, the first time; later what it misses */
	if (seq < b->append_next && b->append_next > first)
		b->append_next = seq;
	return 0;
}

static int
ask_number(cpnp_bridge *b, cpnp_diag *diag)
{
	uint64_t seq = 0;
	int err;

	err = b->backend->next_seq(b->log, &seq, diag);
	if (err != 0)
		return err;
	(void)pthread_mutex_lock(&b->lock);
	err = compare_number(b, seq, diag);
	(void)pthread_mutex_unlock(&b->lock);
	b->numbered = err == 0;
	return err;
}

/* ---- Handing over ---- */

/* Number append_next, made first when there is none. */
static int
append_one(cpnp_bridge *b, cpnp_diag *diag)
{
	int err = 0;

	(void)pthread_mutex_lock(&b->lock);
	/* what has come back needs not be handed over again */
	if (b->append_next < b->store.first_seq)
		b->append_next = b->store.first_seq;
	if (b->append_next == b->store.state.next_seq) {
		err = make_batch(b, diag);
	} else {
		cpnp_buf_reset(&b->batch);
		err = store_get_batch(
		    &b->store, b->append_next, &b->batch, diag);
	}
	(void)pthread_mutex_unlock(&b->lock);
	if (err == 0)
		err = b->backend->append(b->log, b->append_next,
		    cpnp_buf_bytes(&b->batch), diag);
	if (err == 0)
		b->append_next++;
	return err;
}

/* What an error of the log or the store means. */
static int
judge(cpnp_bridge *b, int err, const cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now();

	switch (err) {
	case CPNP_ERR_NOT_FOUND:
		return 0;
	case CPNP_ERR_FULL:
		b->append_at = now + RETRY_FULL;
		return 0;
	case CPNP_ERR_STATE:
		b->numbered = false;
		b->append_at = now + RETRY_FULL;
		return 0;
	case CPNP_ERR_FORBIDDEN:
		b->append_at = now + RETRY_FORBIDDEN;
		bridge_say(b, BRIDGE_WRITE, diag);
		return 0;
	case CPNP_ERR_UNAVAILABLE:
	case CPNP_ERR_BUSY:
		b->append_at = now + RETRY_AWAY;
		bridge_say(b, BRIDGE_WRITE, diag);
		return 0;
	default:
		break;
	}
	/* our own disk may have room again; the log's damage stays */
	if (err == CPNP_ERR_IO && strcmp(diag->where, "store") == 0) {
		b->append_at = now + RETRY_AWAY;
		bridge_say(b, BRIDGE_WRITE, diag);
		return 0;
	}
	return bridge_stop(b, err, diag);
}

int
bridge_write(cpnp_bridge *b, cpnp_diag *diag)
{
	int err = 0;

	/* not before all is applied that was before a restart: a log that has
	 * lost its past is to be found before it is written to */
	if (b->store.state.writer_len == 0 || backend_now() < b->append_at ||
	    b->position < b->store.state.position)
		return 0;
	if (!b->numbered)
		err = ask_number(b, diag);
	if (err == 0)
		bridge_say(b, BRIDGE_WRITE, diag);
	while (err == 0)
		err = append_one(b, diag);
	return judge(b, err, diag);
}

cpnp_tstamp
bridge_write_at(cpnp_bridge *b)
{
	cpnp_tstamp due;

	if (b->store.state.writer_len == 0)
		return CPNP_NEVER;
	if (b->position < b->store.state.position)
		return backend_now() + RETRY_AWAY;
	(void)pthread_mutex_lock(&b->lock);
	due = b->append_next < b->store.state.next_seq || !b->numbered
	    ? 0 : batch_due(b);
	(void)pthread_mutex_unlock(&b->lock);
	return due < b->append_at ? b->append_at : due;
}
