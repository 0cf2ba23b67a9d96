/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "internal.h"

#define THREAD_STEP CPNP_SECONDS(60)

void
cpnp_bridge_config_default(cpnp_bridge_config *config)
{
	memset(config, 0, sizeof(*config));
	config->waiting_max = 100000;
	config->batch_wait = CPNP_MILLISECONDS(50);
	config->snapshot_entries = 10000;
}

/* ---- Opening ---- */

static int
check_config(const cpnp_bridge_config *config, cpnp_diag *diag)
{
	if (config->store == NULL || config->backend == NULL)
		return backend_fail(diag, CPNP_ERR_CONFIG,
		    config->store == NULL ? "store" : "backend", "missing");
	if (config->genesis.len == 0 ||
	    config->genesis.len > CPNP_GENESIS_MAX)
		return backend_fail(diag, CPNP_ERR_CONFIG, "genesis",
		    "1 to %d bytes", CPNP_GENESIS_MAX);
	if (config->waiting_max == 0 || config->snapshot_entries == 0)
		return backend_fail(diag, CPNP_ERR_CONFIG,
		    config->waiting_max == 0 ? "waiting_max"
					     : "snapshot_entries", "from 1");
	return 0;
}

/* Batches are numbered for one writer: another one may take the store over
 * when none of them waits. */
static int
check_writer(cpnp_bridge *b, cpnp_diag *diag)
{
	cpnp_bytes now = b->backend->writer(b->log);
	struct store_state state = b->store.state;
	cpnp_bytes before = {state.writer, state.writer_len};
	int err;

	if (cpnp_bytes_equal(now, before))
		return 0;
	if (b->store.batch_n > 0)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "writer",
		    "batches of another writer are not final yet: open the "
		    "log under its name first");
	if (now.len > 0)
		memcpy(state.writer, now.ptr, now.len);
	state.writer_len = now.len;
	state.numbered = false;
	err = store_begin(&b->store, diag);
	if (err == 0)
		err = store_put_state(&b->store, &state, diag);
	if (err == 0)
		err = store_commit(&b->store, diag);
	return err != 0 ? err : store_rollback(&b->store, diag);
}

static int
open_log(cpnp_bridge *b, const cpnp_bridge_config *config, cpnp_diag *diag)
{
	cpnp_log_info info;
	int err;

	b->backend = cpnp_backend_find(config->backend, diag);
	if (b->backend == NULL)
		return CPNP_ERR_CONFIG;
	err = b->backend->open(&b->log, config->settings, config->settings_n,
	    b->ledger_id, diag);
	if (err == 0)
		err = check_writer(b, diag);
	if (err != 0)
		return err;
	b->backend->info(b->log, &info);
	b->batch_max = info.batch_max;
	b->append_next = b->store.first_seq;
	return 0;
}

static int
init_locks(cpnp_bridge *b)
{
	pthread_condattr_t attr;
	int rc = -1;

	if (pthread_mutex_init(&b->lock, NULL) != 0)
		return CPNP_ERR_NOMEM;
	if (pthread_mutex_init(&b->ledger_lock, NULL) != 0) {
		(void)pthread_mutex_destroy(&b->lock);
		return CPNP_ERR_NOMEM;
	}
	if (pthread_condattr_init(&attr) == 0) {
		(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		rc = pthread_cond_init(&b->closed, &attr);
		(void)pthread_condattr_destroy(&attr);
	}
	if (rc == 0)
		return 0;
	(void)pthread_mutex_destroy(&b->ledger_lock);
	(void)pthread_mutex_destroy(&b->lock);
	return CPNP_ERR_NOMEM;
}

int
cpnp_bridge_open(cpnp_bridge **bridge, const cpnp_bridge_config *config,
    cpnp_diag *diag)
{
	cpnp_bridge *b;
	int err;

	ledger_diag_clear(diag);
	err = check_config(config, diag);
	if (err != 0)
		return err;
	b = calloc(1, sizeof(*b));
	if (b == NULL || init_locks(b) != 0) {
		free(b);
		return CPNP_ERR_NOMEM;
	}
	b->waiting_max = config->waiting_max;
	b->batch_wait = config->batch_wait;
	b->snapshot_entries = config->snapshot_entries;
	cpnp_buf_init(&b->batch, &ledger_mem, SIZE_MAX);
	err = hash_once(&config->genesis, 1, b->ledger_id);
	if (err == 0)
		err = cpnp_verifier_new(&b->verifier);
	if (err == 0)
		err = store_open(&b->store, config->store, b->ledger_id, diag);
	if (err == 0)
		err = bridge_restore(b, config->genesis, diag);
	if (err == 0)
		err = open_log(b, config, diag);
	if (err == 0)
		err = bridge_load_waiting(b, diag);
	if (err != 0) {
		cpnp_bridge_close(b);
		return ledger_fail_once(
		    diag, err, "bridge", cpnp_strerror(err));
	}
	*bridge = b;
	return 0;
}

void
cpnp_bridge_close(cpnp_bridge *b)
{
	if (b == NULL)
		return;
	if (b->running) {
		(void)pthread_mutex_lock(&b->lock);
		b->closing = true;
		(void)pthread_cond_signal(&b->closed);
		(void)pthread_mutex_unlock(&b->lock);
		b->backend->wake(b->log);
		(void)pthread_join(b->thread, NULL);
	}
	if (b->log != NULL)
		b->backend->close(b->log);
	cpnp_ledger_del(b->ledger);
	cpnp_verifier_del(b->verifier);
	store_close(&b->store);
	digests_fini(&b->waiting);
	free(b->applied.outcomes);
	free(b->applied.digests);
	cpnp_buf_fini(&b->batch);
	(void)pthread_cond_destroy(&b->closed);
	(void)pthread_mutex_destroy(&b->ledger_lock);
	(void)pthread_mutex_destroy(&b->lock);
	free(b);
}

/* ---- Running ---- */

static void
notify(cpnp_bridge *b)
{
	if (b->notify != NULL)
		b->notify(b->user);
}

int
bridge_stop(cpnp_bridge *b, int err, const cpnp_diag *diag)
{
	(void)pthread_mutex_lock(&b->lock);
	b->stop_err = err;
	b->status.stopped = true;
	(void)snprintf(b->status.text, sizeof(b->status.text), "stopped: %s",
	    diag->err != 0 ? diag->why : cpnp_strerror(err));
	(void)pthread_mutex_unlock(&b->lock);
	return err;
}

void
bridge_say(cpnp_bridge *b, enum bridge_half half, const cpnp_diag *diag)
{
	const char *other;

	(void)pthread_mutex_lock(&b->lock);
	(void)snprintf(b->wrong[half], sizeof(b->wrong[half]), "%s",
	    diag->err != 0 ? diag->why : "");
	other = b->wrong[half == BRIDGE_WRITE ? BRIDGE_FOLLOW : BRIDGE_WRITE];
	(void)snprintf(b->status.text, sizeof(b->status.text), "%s",
	    b->wrong[half][0] != '\0' ? b->wrong[half] : other);
	(void)pthread_mutex_unlock(&b->lock);
}

/* What the log knows of itself; true when it is news for somebody. */
static bool
refresh_status(cpnp_bridge *b, const cpnp_bridge_status *before)
{
	cpnp_log_info info;
	bool changed;

	b->backend->info(b->log, &info);
	(void)pthread_mutex_lock(&b->lock);
	b->batch_max = info.batch_max;
	b->status.away = info.away;
	b->status.final = info.next_final;
	b->status.outcomes = cpnp_tree_size(b->store.tree);
	changed = before->away != b->status.away ||
	    before->stopped != b->status.stopped ||
	    before->outcomes != b->status.outcomes ||
	    strcmp(before->text, b->status.text) != 0;
	(void)pthread_mutex_unlock(&b->lock);
	return changed;
}

int
cpnp_bridge_step(cpnp_bridge *b, cpnp_tstamp timeout, cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now();
	cpnp_tstamp until = timeout < CPNP_NEVER - now ? now + timeout
						       : CPNP_NEVER;
	cpnp_bridge_status before;
	cpnp_diag own = {.err = 0};
	cpnp_tstamp at;
	int err;

	(void)pthread_mutex_lock(&b->lock);
	before = b->status;
	err = b->stop_err;
	(void)pthread_mutex_unlock(&b->lock);
	if (err != 0)
		return ledger_fail(diag, err, "bridge", "%.150s", before.text);
	err = bridge_write(b, &own);
	if (err == 0) {
		at = bridge_write_at(b);
		err = bridge_follow(b, at < until ? at : until, &own);
	}
	if (refresh_status(b, &before))
		notify(b);
	if (err != 0 && diag != NULL)
		*diag = own;
	return err;
}

static void *
thread_main(void *user)
{
	cpnp_bridge *b = user;
	bool closing = false;
	int err = 0;

	/* for who looks where the time goes */
	(void)prctl(PR_SET_NAME, "bridge");
	while (!closing) {
		if (err == 0)
			err = cpnp_bridge_step(b, THREAD_STEP, NULL);
		(void)pthread_mutex_lock(&b->lock);
		while (err != 0 && !b->closing)
			(void)pthread_cond_wait(&b->closed, &b->lock);
		closing = b->closing;
		(void)pthread_mutex_unlock(&b->lock);
	}
	return NULL;
}

int
cpnp_bridge_start(cpnp_bridge *b, void (*notify_fn)(void *user), void *user)
{
	if (b->running)
		return CPNP_ERR_STATE;
	b->notify = notify_fn;
	b->user = user;
	if (pthread_create(&b->thread, NULL, thread_main, b) != 0)
		return CPNP_ERR_NOMEM;
	b->running = true;
	return 0;
}

/* ---- Questions ---- */

const cpnp_ledger *
cpnp_bridge_lock(cpnp_bridge *b)
{
	(void)pthread_mutex_lock(&b->ledger_lock);
	return b->ledger;
}

void
cpnp_bridge_unlock(cpnp_bridge *b)
{
	(void)pthread_mutex_unlock(&b->ledger_lock);
}

int
cpnp_bridge_check(cpnp_bridge *b, cpnp_bytes signed_op, cpnp_outcome *outcome,
    cpnp_diag *diag)
{
	int err;

	(void)pthread_mutex_lock(&b->ledger_lock);
	err = cpnp_ledger_check(b->ledger, signed_op, outcome, diag);
	(void)pthread_mutex_unlock(&b->ledger_lock);
	return err;
}

int
cpnp_bridge_outcome(cpnp_bridge *b, const uint8_t digest[CPNP_SHA256_LEN],
    cpnp_outcome *outcome, uint64_t *index)
{
	bool forged = false;
	uint64_t at = 0;
	int err;

	(void)pthread_mutex_lock(&b->lock);
	err = store_find_outcome(&b->store, digest, outcome, &at, &forged);
	if (err == 0 && forged && digests_has(&b->waiting, digest))
		err = CPNP_ERR_NOT_FOUND;
	(void)pthread_mutex_unlock(&b->lock);
	if (err == 0 && index != NULL)
		*index = at;
	return err;
}

int
cpnp_bridge_outcomes(cpnp_bridge *b, uint64_t index, cpnp_outcome *outcomes,
    size_t max, size_t *n)
{
	int err;

	(void)pthread_mutex_lock(&b->lock);
	err = store_get_outcomes(&b->store, index, outcomes, max, n);
	(void)pthread_mutex_unlock(&b->lock);
	return err;
}

int
cpnp_bridge_accepted(cpnp_bridge *b, const uint8_t digest[CPNP_SHA256_LEN],
    cpnp_outcome *outcomes, uint64_t *indexes, size_t max, size_t *n)
{
	int err;

	(void)pthread_mutex_lock(&b->lock);
	err = store_get_accepted(
	    &b->store, digest, outcomes, indexes, max, n);
	(void)pthread_mutex_unlock(&b->lock);
	return err;
}

int
cpnp_bridge_time(cpnp_bridge *b, uint64_t position, cpnp_wtime *time)
{
	int err = CPNP_ERR_NOT_FOUND;

	(void)pthread_mutex_lock(&b->lock);
	if (position < b->store.state.position)
		err = store_get_clock(&b->store, position, time);
	(void)pthread_mutex_unlock(&b->lock);
	return err;
}

int
cpnp_bridge_outcome_path(cpnp_bridge *b, uint64_t index, uint64_t size,
    uint8_t (*path)[CPNP_SHA256_LEN], size_t max, size_t *n)
{
	uint8_t whole[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	int err;

	*n = 0;
	(void)pthread_mutex_lock(&b->lock);
	err = cpnp_tree_inclusion(b->store.tree, index, size, whole, n);
	(void)pthread_mutex_unlock(&b->lock);
	if (err == 0 && *n > max)
		err = CPNP_ERR_NO_SPACE;
	if (err == 0)
		memcpy(path, whole, *n * sizeof(*path));
	return err;
}

void
cpnp_bridge_get_status(cpnp_bridge *b, cpnp_bridge_status *status)
{
	int64_t oldest, now = (int64_t)time(NULL);

	(void)pthread_mutex_lock(&b->lock);
	*status = b->status;
	status->waiting = b->store.op_n;
	status->batches = b->store.batch_n;
	status->outcomes = cpnp_tree_size(b->store.tree);
	oldest = store_oldest(&b->store);
	(void)pthread_mutex_unlock(&b->lock);
	/* at least a moment: 0 says that none waits */
	status->oldest = oldest == 0 ? 0
	    : oldest < now ? CPNP_SECONDS(now - oldest) : 1;
}
