/*
 * What the parts of the bridge share.
 *
 * Two locks, never held at once: lock for the store, the digests that wait and
 * what the status says; ledger_lock for the state machine.  Everything else
 * belongs to the thread, or to whoever calls cpnp_bridge_step().
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BRIDGE_INTERNAL_H
#define BRIDGE_INTERNAL_H

#include <pthread.h>

#include <cpnp/bridge.h>

#include "../backends/common.h"
#include "../journal/internal.h"
#include "digests.h"
#include "store.h"

#define RETRY_AWAY CPNP_MILLISECONDS(500)
#define RETRY_FULL CPNP_MILLISECONDS(50)
#define RETRY_FORBIDDEN CPNP_SECONDS(5)
#define READ_RECORDS 64 /* applied with one commit */
#define BATCH_OVERHEAD 16 /* bytes of the batch itself, and of a group */

/* What entries have done that is not committed yet. */
struct applied {
	struct store_outcome *outcomes;
	size_t outcome_n, outcome_cap;
	uint8_t (*digests)[CPNP_SHA256_LEN]; /* ours that came back */
	size_t digest_n, digest_cap;
	uint64_t batches; /* of ours that came back */
	uint64_t entries;
	/* a place for each entry that can be read with one call */
	struct store_clock clocks[READ_RECORDS];
	size_t clock_n;
};

enum bridge_half { BRIDGE_WRITE, BRIDGE_FOLLOW, BRIDGE_HALVES };

struct cpnp_bridge {
	const cpnp_backend *backend;
	cpnp_log *log;
	cpnp_verifier *verifier;
	uint8_t ledger_id[CPNP_SHA256_LEN];
	size_t waiting_max;
	cpnp_tstamp batch_wait;
	uint64_t snapshot_entries;

	pthread_mutex_t lock;
	pthread_cond_t closed;
	struct store store;
	struct digests waiting; /* in the outbox and in batches */
	size_t batch_max;
	cpnp_tstamp first_at; /* since when the outbox is not empty */
	int stop_err;         /* 0: not stopped */
	bool closing;
	cpnp_bridge_status status;
	char wrong[BRIDGE_HALVES][sizeof(((cpnp_diag *)0)->why)];

	pthread_mutex_t ledger_lock;
	cpnp_ledger *ledger;

	/* of the thread */
	bool numbered; /* the log was asked for our next number */
	uint64_t append_next; /* first number that was not handed over */
	cpnp_tstamp append_at; /* not before */
	cpnp_tstamp read_at;
	uint64_t position; /* of the next entry, and the hash before it */
	uint8_t head[CPNP_SHA256_LEN];
	uint64_t outcome_n; /* up to here */
	uint64_t snapshot_at;
	int64_t clock; /* ledger time after the entry before; -1: not known */
	struct applied applied;
	cpnp_log_record records[READ_RECORDS];
	cpnp_buf batch; /* scratch */

	pthread_t thread;
	bool running;
	void (*notify)(void *user);
	void *user;
};

/* Stop for good; what diag says stays in the status.  Returns err. */
int bridge_stop(cpnp_bridge *bridge, int err, const cpnp_diag *diag);
/* Say what is wrong with one of the two halves, until it says otherwise;
 * nothing when diag has no error. */
void bridge_say(
    cpnp_bridge *bridge, enum bridge_half half, const cpnp_diag *diag);

/* Make batches and hand them over.  An error is one to stop for, and the
 * bridge has stopped. */
int bridge_write(cpnp_bridge *bridge, cpnp_diag *diag);
/* When bridge_write() has to be called again, if nobody submits anything. */
cpnp_tstamp bridge_write_at(cpnp_bridge *bridge);
/* Load the digests that wait. */
int bridge_load_waiting(cpnp_bridge *bridge, cpnp_diag *diag);

/* Read, apply and store what is final, waiting until then for something.  An
 * error is one to stop for, and the bridge has stopped. */
int bridge_follow(cpnp_bridge *bridge, cpnp_tstamp until, cpnp_diag *diag);
/* The state machine from the newest snapshot that can be read. */
int bridge_restore(cpnp_bridge *bridge, cpnp_bytes genesis, cpnp_diag *diag);

#endif
