/*
 * The bridge between a domain and its ledger: an outbox, a follower and their
 * thread, so that an outage of the ledger blocks nobody.
 *
 *   submit     a signed operation, durable in the bridge's own store
 *   thread     joins operations into batches, appends them under the writer's
 *              numbers, reads final entries, applies them to the state
 *              machine, keeps outcomes
 *   ask        state and outcomes, at the position that was applied last
 *
 * Everything is in one SQLite file: operations that wait, batches by number
 * until they are final, outcomes (leaf, digest of the operation, position),
 * snapshots.  A crash at any point loses and doubles nothing: an operation is
 * deleted from the outbox in the commit that stores the batch it went into,
 * a batch in the commit that stores the entry in which it came back.
 *
 * Functions may be called from any thread, but cpnp_bridge_step() from one at
 * a time and not after cpnp_bridge_start().
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_BRIDGE_H
#define CPNP_BRIDGE_H

#include <cpnp/backend.h>
#include <cpnp/settlement.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cpnp_bridge cpnp_bridge;

typedef struct cpnp_bridge_config {
	const char *store;      /* path of the SQLite file, made if not there */
	const char *backend;    /* "sqlite", "evm", "proc" ... */
	const cpnp_log_setting *settings;
	size_t settings_n;
	cpnp_bytes genesis;     /* the bytes that everybody knows */
	size_t waiting_max;     /* operations in the outbox (100,000) */
	cpnp_tstamp batch_wait; /* an operation waits so long for company
				   (50 ms) */
	uint64_t snapshot_entries; /* a snapshot each so many (10,000) */
} cpnp_bridge_config;

CPNP_API void cpnp_bridge_config_default(cpnp_bridge_config *config);

/*
 * Open the store, load the newest snapshot, open the log.  Nothing runs yet.
 * The settings are copied as far as they are needed later.
 * Errors: CONFIG, BUSY (another process has the store), VERSION (a store or
 * rules from a newer release), MISMATCH (another ledger, or another writer's
 * batches wait in the store), NOT_FOUND (there is no log), IO, NOMEM; diag.
 */
CPNP_API int cpnp_bridge_open(cpnp_bridge **bridge,
    const cpnp_bridge_config *config, cpnp_diag *diag);
/* Start the thread.  notify (may be NULL) is called in it, after a commit,
 * when outcomes or the health have changed; it must not call the bridge, only
 * wake its loop.  STATE when it runs already, NOMEM. */
CPNP_API int cpnp_bridge_start(
    cpnp_bridge *bridge, void (*notify)(void *user), void *user);
/* Without a thread: do what there is to do, for at most timeout.  An outage is
 * no error.  Errors: that for which the bridge has stopped; diag. */
CPNP_API int cpnp_bridge_step(
    cpnp_bridge *bridge, cpnp_tstamp timeout, cpnp_diag *diag);
/* Stop the thread and close everything; what waits is durable. */
CPNP_API void cpnp_bridge_close(cpnp_bridge *bridge);

/*
 * Take a signed operation (COSE_Sign1) over.  When it returns 0 it is durable
 * and will be appended, once.  digest (may be NULL), of the encoded operation,
 * is its name from now on.  The same digest again is 0 and changes nothing.
 * Errors: FULL (back-pressure: refuse new paid orders), FORBIDDEN (the log is
 * only read), STATE (the bridge has stopped for good), MISMATCH (made for
 * another ledger), other PEER errors when it is no operation, IO, NOMEM.
 */
CPNP_API int cpnp_bridge_submit(cpnp_bridge *bridge, cpnp_bytes signed_op,
    uint8_t digest[CPNP_SHA256_LEN]);
/* The same for n at once, with one commit; all or none are taken. */
CPNP_API int cpnp_bridge_submit_all(cpnp_bridge *bridge,
    const cpnp_bytes *signed_ops, size_t n,
    uint8_t (*digests)[CPNP_SHA256_LEN]);

/* Whether an operation was given to this bridge, before a restart or after, or
 * is in the log all the same: it waits, is under way, or has an outcome that
 * is no forgery (see below).  Of it a submit changes nothing.  IO. */
CPNP_API int cpnp_bridge_is_submitted(cpnp_bridge *bridge,
    const uint8_t digest[CPNP_SHA256_LEN], bool *is);

/*
 * What became of an operation, escrow, claim or channel.  Of something that
 * happened by itself (<cpnp/settlement.h>, kinds from 128) the newest outcome;
 * else that of the operation: anybody can bring an operation of the log again,
 * so ACCEPTED stays, and after it the first refusal that is not DUPLICATE.
 * A refusal before the signature was judged, in an entry of somebody else, can
 * be a forgery: it counts least, and not at all while the operation waits.
 * NOT_FOUND while it waits.  index is for a proof.  IO.
 */
CPNP_API int cpnp_bridge_outcome(cpnp_bridge *bridge,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_outcome *outcome,
    uint64_t *index);
/* The outcomes from an index on, for a consumer that remembers how far it
 * came; *n may be 0.  As they are in the log, forgeries included: what became
 * of an operation of its own a consumer asks _outcome().  IO. */
CPNP_API int cpnp_bridge_outcomes(cpnp_bridge *bridge, uint64_t index,
    cpnp_outcome *outcomes, size_t max, size_t *n);
/* Those that were accepted, of an operation and of what happened by itself to
 * what it made: the history of an escrow, in order, at most max.  IO. */
CPNP_API int cpnp_bridge_accepted(cpnp_bridge *bridge,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_outcome *outcomes,
    uint64_t *indexes, size_t max, size_t *n);
/* The time of the ledger after the entry at a position.  NOT_FOUND for one
 * that was not applied, or before the first that this store knows the time of;
 * IO. */
CPNP_API int cpnp_bridge_time(
    cpnp_bridge *bridge, uint64_t position, cpnp_wtime *time);
/* Inclusion path of outcome index in the tree of size leaves.  INVALID beyond
 * the tree, NO_SPACE when max is too small; CPNP_TREE_PATH_MAX always fits. */
CPNP_API int cpnp_bridge_outcome_path(cpnp_bridge *bridge, uint64_t index,
    uint64_t size, uint8_t (*path)[CPNP_SHA256_LEN], size_t max, size_t *n);

/* Ask the state machine between two entries: lock, ask <cpnp/settlement.h>,
 * unlock soon. */
CPNP_API const cpnp_ledger *cpnp_bridge_lock(cpnp_bridge *bridge);
CPNP_API void cpnp_bridge_unlock(cpnp_bridge *bridge);

/* cpnp_ledger_check() against the state as it is now.  The signature is
 * verified here and remembered: the entry that brings the operation back does
 * not cost it again. */
CPNP_API int cpnp_bridge_check(cpnp_bridge *bridge, cpnp_bytes signed_op,
    cpnp_outcome *outcome, cpnp_diag *diag);

/* Health, for status pages. */
typedef struct cpnp_bridge_status {
	uint64_t waiting;   /* operations in the outbox */
	uint64_t batches;   /* appended or to be, not yet final */
	uint64_t applied;   /* next position of the state machine */
	uint64_t final;     /* next final position that is known */
	uint64_t outcomes;  /* how many there are */
	cpnp_tstamp oldest; /* age of the oldest operation without an outcome,
			       0 for none */
	bool away;          /* the ledger cannot be reached */
	bool stopped;       /* for good: see text */
	char text[200];     /* what is wrong, or "" */
} cpnp_bridge_status;
CPNP_API void cpnp_bridge_get_status(
    cpnp_bridge *bridge, cpnp_bridge_status *status);

#ifdef __cplusplus
}
#endif

#endif
