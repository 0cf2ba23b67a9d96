/*
 * The file of a bridge.  Its functions are called under the bridge's lock;
 * those that write, between store_begin() and store_commit().
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BRIDGE_STORE_H
#define BRIDGE_STORE_H

#include <sqlite3.h>

#include <cpnp/backend.h>
#include <cpnp/settlement.h>

enum store_stmt {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_STATE_GET,
	ST_STATE_PUT,
	ST_OP_PUT,
	ST_OP_EACH,
	ST_OP_DROP,
	ST_OP_SUM,
	ST_BATCH_PUT,
	ST_BATCH_GET,
	ST_BATCH_EACH,
	ST_BATCH_DROP,
	ST_OLDEST,
	ST_OUTCOME_PUT,
	ST_OUTCOME_FROM,
	ST_OUTCOME_FIND,
	ST_OUTCOME_ACCEPTED,
	ST_OUTCOME_SIZE,
	ST_CLOCK_PUT,
	ST_CLOCK_GET,
	ST_TILE_PUT,
	ST_TILE_GET,
	ST_SNAPSHOT_PUT,
	ST_SNAPSHOT_EACH,
	ST_SNAPSHOT_DROP,
	ST_END
};

/* The one row of what is known for sure. */
struct store_state {
	uint8_t ledger[CPNP_SHA256_LEN];
	uint8_t writer[CPNP_WRITER_MAX];
	size_t writer_len;
	bool numbered;     /* next_seq is known */
	uint64_t next_seq; /* of the next batch that is made */
	uint64_t position; /* of the next entry; outcomes before it are here */
	uint8_t head[CPNP_SHA256_LEN]; /* hash of the entry before */
};

struct store_outcome {
	cpnp_outcome outcome;
	bool own; /* of an entry that is a batch of ours */
};

struct store_clock {
	uint64_t position;
	cpnp_wtime time; /* of the ledger after this entry */
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmts[ST_END];
	struct store_state state; /* as committed */
	cpnp_tree *tree;          /* of outcomes */
	uint64_t op_n;            /* in the outbox ... */
	uint64_t op_bytes;        /* ... and what they are long */
	uint64_t batch_n;
	uint64_t first_seq;       /* of the oldest batch, or next_seq */
};

/* Everything here fails with IO when the disk does, which may get better, and
 * with INTERNAL when the file is damaged. */

/* Open or make the file.  Errors: BUSY, VERSION, MISMATCH, CONFIG, NOMEM. */
int store_open(struct store *store, const char *path,
    const uint8_t ledger[CPNP_SHA256_LEN], cpnp_diag *diag);
void store_close(struct store *store);

int store_begin(struct store *store, cpnp_diag *diag);
/* After an error of this or of anything since _begin: store_rollback(). */
int store_commit(struct store *store, cpnp_diag *diag);
/* End the transaction; the caller puts op_n and op_bytes back.  For one that
 * has written operations only. */
void store_undo(struct store *store);
/* Everything is as it was at _begin, the tree and the counts too. */
int store_rollback(struct store *store, cpnp_diag *diag);

int store_put_state(
    struct store *store, const struct store_state *state, cpnp_diag *diag);

int store_put_op(struct store *store, const uint8_t digest[CPNP_SHA256_LEN],
    int64_t time, cpnp_bytes op, cpnp_diag *diag);
/* Visit what waits, the oldest first, until visit returns other than 0; that
 * is no error. */
int store_each_op(struct store *store,
    int (*visit)(void *user, int64_t id, int64_t time,
	const uint8_t digest[CPNP_SHA256_LEN], cpnp_bytes op),
    void *user, cpnp_diag *diag);
/* Forget those up to id. */
int store_drop_ops(struct store *store, int64_t id, cpnp_diag *diag);

int store_put_batch(struct store *store, uint64_t seq, int64_t time,
    cpnp_bytes batch, cpnp_diag *diag);
/* Appended to out.  IO when it is not there. */
int store_get_batch(
    struct store *store, uint64_t seq, cpnp_buf *out, cpnp_diag *diag);
int store_each_batch(struct store *store,
    int (*visit)(void *user, uint64_t seq, cpnp_bytes batch), void *user,
    cpnp_diag *diag);
/* Forget those with numbers below seq. */
int store_drop_batches(struct store *store, uint64_t seq, cpnp_diag *diag);
/* Since when, in seconds of the wall clock, the oldest operation waits; 0
 * when none does. */
int64_t store_oldest(struct store *store);

/* Add outcome number index, or see that it is the same as the one stored. */
int store_put_outcome(struct store *store, uint64_t index,
    const struct store_outcome *outcome, cpnp_diag *diag);
int store_get_outcomes(struct store *store, uint64_t index,
    cpnp_outcome *outcomes, size_t max, size_t *n);
/* The one that cpnp_bridge_outcome() is about; *forged says that nobody knows
 * who has made the operation.  NOT_FOUND, IO. */
int store_find_outcome(struct store *store,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_outcome *outcome,
    uint64_t *index, bool *forged);

/* The ones whose code is ACCEPTED, in order, at most max. */
int store_get_accepted(struct store *store,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_outcome *outcomes,
    uint64_t *indexes, size_t max, size_t *n);

int store_put_clock(struct store *store, const struct store_clock *clock,
    cpnp_diag *diag);
/* NOT_FOUND when nothing is known of so early a position, IO. */
int store_get_clock(
    struct store *store, uint64_t position, cpnp_wtime *time);

int store_put_snapshot(struct store *store, uint64_t position,
    cpnp_bytes snapshot, cpnp_diag *diag);
/* Visit snapshots, the newest first, until visit returns other than 0. */
int store_each_snapshot(struct store *store,
    int (*visit)(void *user, uint64_t position, cpnp_bytes snapshot),
    void *user, cpnp_diag *diag);

#endif
