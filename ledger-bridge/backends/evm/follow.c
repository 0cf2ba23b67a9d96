/*
 * Final entries, from the events of the contract, in questions of a bounded
 * number of blocks.  Each is held against the hash of the one before, and at
 * the end against the head that the contract keeps, so that an event that a
 * node leaves out or makes up is found.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "../../journal/internal.h"
#include "evm.h"

#define QUEUE_MAX 4096 /* entries fetched at once */

static void
queue_clear(struct evm_follow *f)
{
	f->first = f->n = 0;
	cpnp_buf_reset(&f->arena);
}

bool
follow_has(const struct evm_follow *f)
{
	return f->first < f->n;
}

void
follow_fini(struct evm_follow *f)
{
	free(f->queue);
	f->queue = NULL;
	f->cap = 0;
	queue_clear(f);
	cpnp_buf_fini(&f->arena);
}

static int
queue_push(struct evm_follow *f, const struct evm_fetched *fetched)
{
	struct evm_fetched *queue;
	size_t cap;

	if (f->n == f->cap) {
		cap = f->cap == 0 ? 64 : 2 * f->cap;
		queue = realloc(f->queue, cap * sizeof(*queue));
		if (queue == NULL)
			return CPNP_ERR_NOMEM;
		f->queue = queue;
		f->cap = cap;
	}
	f->queue[f->n++] = *fetched;
	return 0;
}

static cpnp_bytes
fetched_batch(const struct evm_follow *f, size_t i)
{
	const struct evm_fetched *fetched = &f->queue[i];

	return (cpnp_bytes){
	    f->arena.ptr + fetched->offset, fetched->entry.batch.len};
}

/* ---- asking -------------------------------------------------------------- */

static int
odd_event(cpnp_diag *diag)
{
	return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
	    "eth_getLogs: an event is not in the form of log.sol");
}

/* Events of blocks from on, as many as one question can have; *to, the last
 * block at most, is set to the last one asked for.  *whole is false when they
 * are not all of its events. */
static int
ask_up(cpnp_log *log, uint64_t from, uint64_t *to, json_t **entries,
    bool *whole, cpnp_diag *diag)
{
	struct evm_follow *f = &log->follow;
	uint64_t last = *to;
	int err;

	*whole = true;
	for (;;) {
		*to = last - from < f->range ? last : from + f->range - 1;
		err = node_entries(
		    &log->node, from, *to, NULL, NULL, entries, diag);
		if (err != CPNP_ERR_TOO_LONG && err != CPNP_ERR_INVALID)
			break;
		/* the events of one block are too many for an answer */
		if (f->range == 1) {
			*whole = false;
			return node_entries(&log->node, from, *to, &f->position,
			    NULL, entries, diag);
		}
		f->range /= 2;
	}
	/* they may also be too many for the time that there is */
	if (err != 0 && f->range > 1)
		f->range /= 2;
	if (err == 0 && f->range <= log->node.conf.block_range / 2)
		f->range *= 2;
	return err;
}

/* The block of an entry that position or seq (of ours) names, from *to down
 * to from_block; NOT_FOUND after the last question, and FULL when there are
 * more to ask. */
static int
ask_down(cpnp_log *log, uint64_t *to, const uint64_t *position,
    const uint64_t *seq, json_t **entries, cpnp_diag *diag)
{
	struct evm_follow *f = &log->follow;
	const uint64_t home = log->node.conf.from_block;
	uint64_t from;
	int err;

	if (*to < home)
		return CPNP_ERR_NOT_FOUND;
	do {
		from = *to - home < f->range ? home : *to - f->range + 1;
		err = node_entries(
		    &log->node, from, *to, position, seq, entries, diag);
	} while (err == CPNP_ERR_INVALID && (f->range /= 2) > 0);
	f->range += f->range == 0;
	if (err != 0)
		return err;
	if (json_array_size(*entries) > 0)
		return 0;
	json_decref(*entries);
	*entries = NULL;
	if (from == home)
		return CPNP_ERR_NOT_FOUND;
	*to = from - 1;
	return CPNP_ERR_FULL;
}

/* ---- taking -------------------------------------------------------------- */

/* Events in the order of the chain, from our position on; *block is that of
 * the last one. */
static int
take_entries(
    cpnp_log *log, const json_t *entries, uint64_t *block, cpnp_diag *diag)
{
	const struct evm_conf *conf = &log->node.conf;
	struct evm_follow *f = &log->follow;
	struct evm_fetched fetched;
	uint64_t wanted = f->position;
	size_t i, start;
	int err;

	for (i = 0; i < json_array_size(entries) && f->n < QUEUE_MAX; i++) {
		start = f->arena.len;
		err = answer_entry(json_array_get(entries, i), conf->contract,
		    &f->arena, &fetched.entry, block);
		if (err == CPNP_ERR_NO_SPACE || err == CPNP_ERR_NOMEM)
			return backend_fail(diag, CPNP_ERR_NOMEM, "rpc-url",
			    "no memory for events");
		if (err != 0)
			return odd_event(diag);
		if (fetched.entry.position < wanted) {
			f->arena.len = start;
			continue;
		}
		if (fetched.entry.position > wanted)
			return backend_fail(diag, CPNP_ERR_UNAVAILABLE,
			    "rpc-url",
			    "eth_getLogs: the node leaves out the "
			    "event of entry %llu",
			    (unsigned long long)wanted);
		fetched.offset =
		    (size_t)(fetched.entry.batch.ptr - f->arena.ptr);
		err = queue_push(f, &fetched);
		if (err != 0)
			return err;
		wanted++;
	}
	return 0;
}

/* The chain of hashes through what was fetched. */
static int
check_chain(cpnp_log *log, const uint8_t prev[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	struct evm_follow *f = &log->follow;
	uint8_t hash[CPNP_SHA256_LEN];
	cpnp_log_entry entry;
	size_t i;
	int err;

	memcpy(hash, prev, sizeof(hash));
	for (i = 0; i < f->n; i++) {
		entry.position = f->queue[i].entry.position;
		entry.batch = fetched_batch(f, i);
		memcpy(entry.prev, f->queue[i].entry.prev, sizeof(entry.prev));
		if (entry.position > 0 &&
		    memcmp(entry.prev, hash, sizeof(hash)) != 0)
			return backend_fail(diag,
			    i == 0 ? CPNP_ERR_MISMATCH : CPNP_ERR_IO,
			    "contract",
			    i == 0 ? "entry %llu does not follow the one that "
				     "was read: what was final has changed"
				   : "entry %llu is not chained to the one "
				     "before: the node's events are damaged",
			    (unsigned long long)entry.position);
		err = cpnp_log_entry_hash(&ledger_env, &entry, hash);
		if (err != 0)
			return err;
		if (entry.position == 0 &&
		    memcmp(hash, log->ledger_id, sizeof(hash)) != 0)
			return backend_fail(diag, CPNP_ERR_MISMATCH, "contract",
			    "the genesis is another ledger's");
	}
	return 0;
}

static int
fetch(cpnp_log *log, const uint8_t prev[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	struct evm_follow *f = &log->follow;
	uint64_t last = log->sight.final, block = f->block;
	json_t *entries;
	bool whole;
	int err;

	if (f->block > last) {
		/* they are in the log by its state: look for them again */
		f->known = false;
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "the node has no event of entry %llu: it lags, or it has "
		    "deleted old ones",
		    (unsigned long long)f->position);
	}
	err = ask_up(log, f->block, &last, &entries, &whole, diag);
	if (err != 0)
		return err;
	err = take_entries(log, entries, &block, diag);
	if (err == 0)
		err = check_chain(log, prev, diag);
	if (err != 0) {
		queue_clear(f);
	} else if (f->n == QUEUE_MAX || (f->n > 0 && !whole)) {
		/* the next may be in the block of the last */
		f->block = block < f->block || block > last ? f->block : block;
	} else {
		f->block = last + 1;
	}
	f->position += f->n;
	json_decref(entries);
	return err;
}

static int
search(cpnp_log *log, cpnp_diag *diag)
{
	struct evm_follow *f = &log->follow;
	struct evm_entry entry;
	json_t *entries;
	uint64_t block;
	int err;

	if (f->position == 0) {
		f->block = log->node.conf.from_block;
		f->known = true;
		return 0;
	}
	if (!f->searching)
		f->search_to = log->sight.final;
	f->searching = true;
	err = ask_down(log, &f->search_to, &f->position, NULL, &entries, diag);
	if (err == CPNP_ERR_FULL)
		return 0;
	f->searching = false;
	if (err == CPNP_ERR_NOT_FOUND)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "the node has no event of entry %llu: it has deleted old "
		    "ones, or from-block is too high",
		    (unsigned long long)f->position);
	if (err != 0)
		return err;
	err = answer_entry(json_array_get(entries, 0), log->node.conf.contract,
	    &f->arena, &entry, &block);
	json_decref(entries);
	queue_clear(f);
	if (err != 0 || entry.position != f->position)
		return odd_event(diag);
	f->block = block;
	f->known = true;
	return 0;
}

int
follow_step(cpnp_log *log, uint64_t position,
    const uint8_t prev[CPNP_SHA256_LEN], bool *more, cpnp_diag *diag)
{
	const struct evm_sight *sight = &log->sight;
	struct evm_follow *f = &log->follow;
	uint64_t next = sight->has_final ? sight->final_state.next : 0;
	int err;

	*more = false;
	if (next < position)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "contract",
		    "the log ends before position %llu now, and %llu was "
		    "read: what was final is gone",
		    (unsigned long long)next, (unsigned long long)position);
	if (next == position) {
		if (position > 0 &&
		    memcmp(sight->final_state.head, prev, CPNP_SHA256_LEN) != 0)
			return backend_fail(diag, CPNP_ERR_MISMATCH, "contract",
			    "the hash of entry %llu is not the one "
			    "that was read: what was final has changed",
			    (unsigned long long)position - 1);
		return 0;
	}
	if (f->range == 0)
		f->range = log->node.conf.block_range;
	if (f->position != position) {
		f->position = position;
		f->known = f->searching = false;
	}
	queue_clear(f);
	err = f->known ? fetch(log, prev, diag) : search(log, diag);
	*more = err == 0;
	return err == CPNP_ERR_INVALID || err == CPNP_ERR_TOO_LONG
		   ? CPNP_ERR_UNAVAILABLE
		   : err;
}

size_t
follow_take(
    cpnp_log *log, uint64_t position, cpnp_log_record *records, size_t max)
{
	struct evm_follow *f = &log->follow;
	const struct evm_entry *entry;
	size_t n;

	if (f->first < f->n && f->queue[f->first].entry.position != position)
		queue_clear(f);
	for (n = 0; n < max && f->first < f->n; n++, f->first++) {
		entry = &f->queue[f->first].entry;
		records[n].entry.position = entry->position;
		memcpy(records[n].entry.prev, entry->prev, CPNP_SHA256_LEN);
		records[n].entry.batch = fetched_batch(f, f->first);
		records[n].writer =
		    entry->position == 0
			? CPNP_BYTES_NONE
			: (cpnp_bytes){entry->writer, EVM_ADDRESS_LEN};
		records[n].seq = entry->seq;
	}
	return n;
}

int
follow_own(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	struct evm_follow *f = &log->follow;
	cpnp_tstamp until = backend_now() + log->node.rpc.timeout;
	uint64_t to = log->sight.latest.number, block;
	struct evm_entry entry;
	json_t *entries;
	cpnp_buf arena;
	int err;

	if (f->range == 0)
		f->range = log->node.conf.block_range;
	do {
		err = ask_down(log, &to, NULL, &seq, &entries, diag);
	} while (err == CPNP_ERR_FULL && backend_now() < until);
	if (err == CPNP_ERR_FULL)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "batch %llu of ours is not found in time",
		    (unsigned long long)seq);
	if (err != 0)
		return err;
	cpnp_buf_init(&arena, &ledger_mem, RPC_ANSWER_MAX);
	err = answer_entry(json_array_get(entries, 0), log->node.conf.contract,
	    &arena, &entry, &block);
	json_decref(entries);
	if (err != 0 || entry.seq != seq)
		err = odd_event(diag);
	else if (!cpnp_bytes_equal(batch, entry.batch))
		err = backend_fail(diag, CPNP_ERR_EXISTS, "key-file",
		    "number %llu of this writer has other bytes in the log: "
		    "two processes use one key, or the store is an old copy",
		    (unsigned long long)seq);
	cpnp_buf_fini(&arena);
	return err;
}
