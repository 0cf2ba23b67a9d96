/*
 * Batches on their way: committed on the spot, or handed to the writer thread
 * and back.
 *
 * The thread takes what has gathered while it was busy and writes it in one
 * transaction, so the number of batches in a commit follows the load.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "internal.h"

static void
queue_init(struct store_queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void
queue_put(struct store_queue *queue, cpnp_store_batch *first)
{
	*queue->last = first;
	while (*queue->last != NULL)
		queue->last = &(*queue->last)->next;
}

/* Take the first batches off, as many as go into one transaction. */
static cpnp_store_batch *
queue_take_group(struct store_queue *queue)
{
	cpnp_store_batch *first = queue->first;
	cpnp_store_batch *batch = first;
	size_t entries = batch->entries_n;

	while (batch->next != NULL && entries < STORE_GROUP_ENTRIES_MAX) {
		batch = batch->next;
		entries += batch->entries_n;
	}
	queue->first = batch->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	batch->next = NULL;
	return first;
}

/* Write a list of batches, or fail them while the store is failed. */
static bool
write_or_fail(
    cpnp_store *store, cpnp_store_batch *first, bool failed, cpnp_diag *diag)
{
	if (!failed)
		return store_write_group(store, first, diag) == 0;
	for (; first != NULL; first = first->next)
		first->err = CPNP_ERR_IO;
	return false;
}

static void
signal_done(cpnp_store *store)
{
	uint64_t one = 1;

	while (write(store->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* With the lock held, before and after. */
static void
write_next(cpnp_store *store)
{
	cpnp_store_batch *group = queue_take_group(&store->submitted);
	bool failed = store->failed;
	cpnp_diag diag = {.err = 0};
	bool was_empty;

	(void)pthread_mutex_unlock(&store->lock);
	if (!write_or_fail(store, group, failed, &diag))
		failed = true;
	(void)pthread_mutex_lock(&store->lock);
	if (failed && !store->failed) {
		store->failed = true;
		store->diag = diag;
	}
	was_empty = store->done.first == NULL;
	queue_put(&store->done, group);
	if (was_empty)
		signal_done(store);
}

static void *
writer(void *arg)
{
	cpnp_store *store = arg;

	/* for who looks where the time goes */
	(void)prctl(PR_SET_NAME, "store");
	(void)pthread_mutex_lock(&store->lock);
	while (store->submitted.first != NULL || !store->stop) {
		if (store->submitted.first != NULL)
			write_next(store);
		else
			(void)pthread_cond_wait(&store->wake, &store->lock);
	}
	(void)pthread_mutex_unlock(&store->lock);
	return NULL;
}

int
store_queue_start(cpnp_store *store)
{
	sigset_t all, old;
	int rc;

	queue_init(&store->submitted);
	queue_init(&store->done);
	if (!store->writer_thread)
		return 0;
	store->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (store->done_fd < 0)
		return CPNP_ERR_IO;
	/* Signals are for the caller's thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&store->thread, NULL, writer, store);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return CPNP_ERR_NOMEM;
	store->started = true;
	return 0;
}

void
store_queue_stop(cpnp_store *store)
{
	cpnp_store_batch *batch;
	int err;

	if (!store->started)
		return;
	(void)pthread_mutex_lock(&store->lock);
	store->stop = true;
	(void)pthread_cond_signal(&store->wake);
	(void)pthread_mutex_unlock(&store->lock);
	(void)pthread_join(store->thread, NULL);
	store->started = false;
	while ((batch = cpnp_store_done(store, &err)) != NULL)
		cpnp_store_batch_del(batch);
}

int
cpnp_store_submit(cpnp_store *store, cpnp_store_batch *batch)
{
	if (!store->started)
		return CPNP_ERR_STATE;
	batch->next = NULL;
	(void)pthread_mutex_lock(&store->lock);
	if (store->submitted.first == NULL)
		(void)pthread_cond_signal(&store->wake);
	queue_put(&store->submitted, batch);
	store->pending++;
	(void)pthread_mutex_unlock(&store->lock);
	return 0;
}

int
cpnp_store_fd(const cpnp_store *store)
{
	return store->done_fd;
}

cpnp_store_batch *
cpnp_store_done(cpnp_store *store, int *err)
{
	cpnp_store_batch *batch;
	uint64_t count;

	*err = 0;
	(void)pthread_mutex_lock(&store->lock);
	batch = store->done.first;
	if (batch != NULL) {
		store->pending--;
		store->done.first = batch->next;
		batch->next = NULL;
		*err = batch->err;
	}
	if (batch != NULL && store->done.first == NULL) {
		queue_init(&store->done);
		while (read(store->done_fd, &count, sizeof(count)) < 0 &&
		    errno == EINTR)
			;
	}
	(void)pthread_mutex_unlock(&store->lock);
	return batch;
}

size_t
cpnp_store_pending(const cpnp_store *store)
{
	/* Only the caller's thread changes it. */
	return store->pending;
}

int
cpnp_store_commit(cpnp_store *store, cpnp_store_batch *batch)
{
	if (store->started || store->wr == NULL)
		return CPNP_ERR_STATE;
	batch->next = NULL;
	if (!write_or_fail(store, batch, store->failed, &store->diag))
		store->failed = true;
	return batch->err;
}

int
cpnp_store_recover(cpnp_store *store)
{
	int err;

	if (store->pending != 0 || store->wr == NULL)
		return CPNP_ERR_STATE;
	/* Nothing is submitted, so the thread waits and touches nothing. */
	(void)pthread_mutex_lock(&store->lock);
	err = store_write_probe(store, &store->diag);
	if (err == 0)
		store->failed = false;
	(void)pthread_mutex_unlock(&store->lock);
	return err;
}

void
cpnp_store_failure(cpnp_store *store, cpnp_diag *diag)
{
	(void)pthread_mutex_lock(&store->lock);
	*diag = store->diag;
	(void)pthread_mutex_unlock(&store->lock);
}
