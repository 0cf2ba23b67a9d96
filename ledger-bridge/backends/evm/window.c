/*
 * Our batches until they are final.
 *
 * The contract takes number n of ours only after n - 1, and the chain takes
 * transaction n of our account only after n - 1.  So the first batch that has
 * no place gets the next nonce of the account, the one after it the next but
 * one, and so on: what is in flight follows from two numbers on the chain.  A
 * transaction that another one with its nonce replaces, that a
 * reorganisation drops, or that a restarted node has forgotten, is sent again;
 * when both are mined the contract refuses the second.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "evm.h"

#define SCALE_ONE 1024
#define SCALE_MAX (64 * SCALE_ONE)
/* Gas: of any transaction; EIP-7623's floor and EIP-2028's price of a byte that
 * is not zero and of one that is; what append() does besides. */
#define GAS_TX 21000
#define GAS_FLOOR_BYTE 40
#define GAS_FLOOR_ZERO 10
#define GAS_BYTE 16
#define GAS_ZERO 4
#define GAS_APPEND 100000
#define GAS_APPEND_BYTE 10 /* event, copy and SHA-256 */

/* ---- fees ---------------------------------------------------------------- */

/* What append() may need, by the prices of Ethereum; other chains have a scale
 * that is learned. */
static uint64_t
reckon_gas(cpnp_bytes data)
{
	uint64_t zeros = 0, others, words = data.len / ABI_WORD + 1;
	uint64_t floor, plain;
	size_t i;

	for (i = 0; i < data.len; i++)
		zeros += data.ptr[i] == 0;
	others = data.len - zeros;
	floor = GAS_FLOOR_ZERO * zeros + GAS_FLOOR_BYTE * others;
	/* memory costs the square of its words, twice over for the copy */
	plain = GAS_ZERO * zeros + GAS_BYTE * others + GAS_APPEND +
		GAS_APPEND_BYTE * data.len + words * words / 128;
	return GAS_TX + (plain > floor ? plain : floor);
}

int
window_price(const struct evm_conf *conf, uint64_t base_fee, uint64_t *tip,
    uint64_t *max_fee, cpnp_diag *diag)
{
	*tip = *max_fee = 0;
	if (base_fee > conf->max_fee)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "max-fee",
		    "the chain asks for %llu wei of gas, more than max-fee "
		    "allows",
		    (unsigned long long)base_fee);
	/* room for the base fee to double */
	*max_fee = base_fee > (conf->max_fee - conf->tip) / 2
		       ? conf->max_fee
		       : 2 * base_fee + conf->tip;
	*tip = conf->tip < *max_fee ? conf->tip : *max_fee;
	return 0;
}

/* The fee that nodes ask of a transaction that is to replace another. */
static uint64_t
bumped(uint64_t fee, uint64_t at_least, uint64_t cap)
{
	uint64_t more = fee + fee / 8 + 1;

	if (more < at_least)
		more = at_least;
	return more < cap ? more : cap;
}

/* Whether max-fee leaves room for a fee that replaces this one. */
static bool
can_raise(const struct evm_conf *conf, const struct evm_item *item)
{
	return bumped(item->max_fee, 0, UINT64_MAX) <= conf->max_fee;
}

/* ---- items --------------------------------------------------------------- */

static void
item_fini(struct evm_item *item)
{
	free(item->batch);
	item->batch = NULL;
}

static void
items_remove(struct evm_window *w, size_t i)
{
	item_fini(&w->items[i]);
	memmove(
	    &w->items[i], &w->items[i + 1], (--w->n - i) * sizeof(w->items[0]));
}

void
window_fini(struct evm_window *w)
{
	while (w->n > 0)
		items_remove(w, w->n - 1);
}

uint64_t
window_pending(const struct evm_window *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += !w->items[i].placed;
	return n;
}

static struct evm_item *
items_find(struct evm_window *w, uint64_t seq)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->items[i].seq == seq)
			return &w->items[i];
	return NULL;
}

static int
items_insert(struct evm_window *w, uint64_t seq, cpnp_bytes batch)
{
	struct evm_item item = {.seq = seq, .len = batch.len};
	size_t i = w->n;

	item.batch = malloc(batch.len + 1);
	if (item.batch == NULL)
		return CPNP_ERR_NOMEM;
	if (batch.len > 0)
		memcpy(item.batch, batch.ptr, batch.len);
	while (i > 0 && w->items[i - 1].seq > seq)
		i--;
	memmove(
	    &w->items[i + 1], &w->items[i], (w->n++ - i) * sizeof(w->items[0]));
	w->items[i] = item;
	return 0;
}

/* ---- sending ------------------------------------------------------------- */

/* Ask the chain what the next batch costs: shows as well why it would be
 * refused. */
static int
learn_scale(cpnp_log *log, cpnp_diag *diag)
{
	struct evm_node *node = &log->node;
	uint64_t gas, reckoned = reckon_gas(cpnp_buf_bytes(&node->call));
	int err;

	err = node_estimate(node, false, &gas, diag);
	if (err != 0)
		return err;
	if (gas > reckoned * (SCALE_MAX / SCALE_ONE))
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "the node estimates %llu gas for a batch, which needs "
		    "about %llu",
		    (unsigned long long)gas, (unsigned long long)reckoned);
	log->window.scale = gas <= reckoned
				? SCALE_ONE
				: (gas * SCALE_ONE + reckoned - 1) / reckoned;
	return 0;
}

static int
set_fees(cpnp_log *log, struct evm_item *item, uint64_t nonce, cpnp_diag *diag)
{
	const struct evm_conf *conf = &log->node.conf;
	uint64_t tip, max_fee;
	int err;

	err = window_price(
	    conf, log->sight.latest.base_fee, &tip, &max_fee, diag);
	if (err != 0)
		return err;
	if (item->sent && item->nonce == nonce) {
		/* both have to grow, or the transaction stays as it is */
		if (!can_raise(conf, item))
			return 0;
		max_fee = bumped(item->max_fee, max_fee, conf->max_fee);
		tip = bumped(item->tip, tip, max_fee);
	}
	item->max_fee = max_fee;
	item->tip = tip;
	return 0;
}

/* The node did not take it: because it has it, because of another one with its
 * nonce, or for want of money. */
static int
explain_refusal(cpnp_log *log, struct evm_item *item, uint64_t gas,
    bool *refused, cpnp_diag *diag)
{
	struct evm_node *node = &log->node;
	uint64_t pending;
	int err;

	*refused = !node_has_tx(node, item->hash);
	if (!*refused)
		return 0;
	item->blocked = node_nonce(node, "pending", 0, &pending, NULL) == 0 &&
			pending > item->nonce;
	err = node_check_funds(node, gas, item->max_fee, diag);
	return err != 0 ? err : CPNP_ERR_UNAVAILABLE;
}

static int
send_item(cpnp_log *log, struct evm_item *item, uint64_t nonce, bool raise,
    cpnp_diag *diag)
{
	struct evm_node *node = &log->node;
	struct evm_tx tx = {.chain_id = node->conf.chain_id,
	    .nonce = nonce,
	    .to = node->conf.contract};
	bool refused = false;
	int err = 0;

	cpnp_buf_reset(&node->call);
	abi_put_append(
	    &node->call, item->seq, (cpnp_bytes){item->batch, item->len});
	if (node->call.err != 0)
		return node->call.err;
	if (log->window.scale == 0)
		err = learn_scale(log, diag);
	if (err == 0 && (raise || !item->sent || item->nonce != nonce))
		err = set_fees(log, item, nonce, diag);
	if (err != 0)
		return err;
	tx.data = cpnp_buf_bytes(&node->call);
	tx.gas = reckon_gas(tx.data) * log->window.scale / SCALE_ONE;
	tx.gas += tx.gas / 16;
	tx.tip = item->tip;
	tx.max_fee = item->max_fee;
	item->nonce = nonce;
	item->blocked = item->lost = false;
	item->sent_block = log->sight.latest.number;
	err = node_send(node, &tx, item->hash, diag);
	if (err == CPNP_ERR_INVALID)
		err = explain_refusal(log, item, tx.gas, &refused, diag);
	if (refused && !item->blocked && !item->sent)
		return err;
	/* without an answer it may be there: it has a nonce and a fee, and is
	 * sent again in time */
	item->sent = true;
	item->sent_at = backend_now();
	return err;
}

/* Whether an item is to be sent, and with a higher fee. */
static bool
is_due(const cpnp_log *log, const struct evm_item *item, uint64_t nonce,
    bool *raise)
{
	const uint64_t base_fee = log->sight.latest.base_fee;

	*raise = false;
	if (!item->sent || item->nonce != nonce)
		return true;
	/* the next block may ask for an eighth more than the last */
	*raise = item->blocked ||
		 (item->max_fee < base_fee + base_fee / 8 &&
		     can_raise(&log->node.conf, item)) ||
		 backend_now() - item->sent_at >= log->node.conf.resend_after;
	return *raise || item->lost;
}

static int
send_due(cpnp_log *log, cpnp_diag *diag)
{
	struct evm_window *w = &log->window;
	uint64_t seq = log->sight.state.writer_next;
	uint64_t nonce = log->sight.nonce;
	struct evm_item *item;
	bool raise;
	int err;

	item = items_find(w, seq);
	/* its nonce is used, yet it has no place: it failed, or somebody else
	 * uses the account */
	if (item != NULL && item->sent && item->nonce < nonce)
		w->scale = 0;
	while ((item = items_find(w, seq++)) != NULL) {
		if (is_due(log, item, nonce, &raise)) {
			err = send_item(log, item, nonce, raise, diag);
			if (err != 0)
				return err;
		}
		nonce++;
	}
	return 0;
}

/* ---- looking after what was sent ----------------------------------------- */

/* It has a final place: did we make it? */
static int
check_placed(cpnp_log *log, const struct evm_item *item, cpnp_diag *diag)
{
	struct evm_receipt receipt;
	int err;

	if (item->sent &&
	    node_receipt(&log->node, item->hash, &receipt, NULL) == 0 &&
	    receipt.success)
		return 0;
	err = follow_own(
	    log, item->seq, (cpnp_bytes){item->batch, item->len}, diag);
	if (err == CPNP_ERR_EXISTS)
		log->window.conflict = true;
	return err == CPNP_ERR_NOT_FOUND ? CPNP_ERR_UNAVAILABLE : err;
}

/* Those that are final go; those that have lost their place are sent again. */
static int
settle_items(cpnp_log *log, cpnp_diag *diag)
{
	const struct evm_sight *sight = &log->sight;
	struct evm_window *w = &log->window;
	struct evm_item *item;
	bool placed;
	size_t i;
	int err;

	while (w->n > 0 && sight->has_final &&
	       w->items[0].seq < sight->final_state.writer_next) {
		err = check_placed(log, &w->items[0], diag);
		if (err != 0)
			return err;
		items_remove(w, 0);
	}
	for (i = 0; i < w->n; i++) {
		item = &w->items[i];
		placed = item->seq < sight->state.writer_next;
		/* dropped by a reorganisation */
		if (item->placed && !placed)
			item->sent_at -= log->node.conf.resend_after;
		item->placed = placed;
	}
	return 0;
}

/* A node may drop a transaction from its pool, and then keeps all behind it
 * waiting.  What a block later is neither placed nor in the pool is sent again
 * as it was. */
static int
find_lost(cpnp_log *log, cpnp_diag *diag)
{
	const struct evm_sight *sight = &log->sight;
	struct evm_window *w = &log->window;
	struct evm_item *item = items_find(w, sight->state.writer_next);
	uint64_t pending;
	size_t i;
	int err;

	if (item == NULL || !item->sent || w->lost_at == sight->latest.number ||
	    item->sent_block >= sight->latest.number)
		return 0;
	w->lost_at = sight->latest.number;
	err = node_nonce(&log->node, "pending", 0, &pending, diag);
	if (err != 0)
		return err;
	for (i = (size_t)(item - w->items); i < w->n; i++) {
		item = &w->items[i];
		if (!item->sent || item->nonce < pending)
			continue;
		if (item->sent_block >= sight->latest.number ||
		    node_has_tx(&log->node, item->hash))
			break;
		item->lost = true;
	}
	return 0;
}

static int
check_admitted(const cpnp_log *log, cpnp_diag *diag)
{
	char text[EVM_ADDRESS_TEXT];

	if (log->sight.state.admitted)
		return 0;
	evm_address_text(log->node.conf.key.address, text);
	return backend_fail(diag, CPNP_ERR_FORBIDDEN, "key-file",
	    "the contract does not admit %s as a writer", text);
}

int
window_pump(cpnp_log *log, cpnp_diag *diag)
{
	struct evm_window *w = &log->window;
	cpnp_diag local;
	int err;

	if (w->n == 0 || !log->sight.good)
		return 0;
	if (diag == NULL)
		diag = &local;
	err = settle_items(log, diag);
	if (err == 0 && window_pending(w) > 0)
		err = check_admitted(log, diag);
	if (err == 0)
		err = find_lost(log, diag);
	if (err == 0)
		err = send_due(log, diag);
	if (err == CPNP_ERR_INVALID || err == CPNP_ERR_TOO_LONG)
		err = CPNP_ERR_UNAVAILABLE;
	if (err != 0) {
		diag->err = err;
		(void)snprintf(log->text, sizeof(log->text), "%s", diag->why);
	}
	return err;
}

/* ---- appending ----------------------------------------------------------- */

static int
check_size(const cpnp_log *log, cpnp_bytes batch, cpnp_diag *diag)
{
	const struct evm_conf *conf = &log->node.conf;
	uint64_t gas =
	    GAS_TX + GAS_APPEND + (uint64_t)batch.len * GAS_FLOOR_BYTE;

	if (batch.len == 0 || batch.len > conf->batch_max)
		return backend_fail(diag, CPNP_ERR_TOO_LONG, "batch",
		    "%zu bytes; it has 1 to batch-max, %zu", batch.len,
		    conf->batch_max);
	if (gas > log->sight.latest.gas_limit)
		return backend_fail(diag, CPNP_ERR_TOO_LONG, "batch",
		    "%zu bytes need %llu gas; a block of the chain has %llu",
		    batch.len, (unsigned long long)gas,
		    (unsigned long long)log->sight.latest.gas_limit);
	return 0;
}

/* A number that the log has already. */
static int
append_again(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	int err;

	err = follow_own(log, seq, batch, diag);
	if (err == CPNP_ERR_NOT_FOUND)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "the node has no event of batch %llu of ours",
		    (unsigned long long)seq);
	if (err != 0 ||
	    (log->sight.has_final && seq < log->sight.final_state.writer_next))
		return err;
	/* it may yet lose its place */
	return items_insert(&log->window, seq, batch);
}

int
window_next(cpnp_log *log, uint64_t *seq, cpnp_diag *diag)
{
	const struct evm_window *w = &log->window;
	uint64_t pending;
	int err;

	*seq = log->sight.state.writer_next;
	if (w->n > 0) {
		if (w->items[w->n - 1].seq >= *seq)
			*seq = w->items[w->n - 1].seq + 1;
		return 0;
	}
	/* what a process before us has sent */
	err = node_nonce(&log->node, "pending", 0, &pending, diag);
	if (err == 0 && pending > log->sight.nonce &&
	    pending - log->sight.nonce <= EVM_WINDOW_MAX)
		*seq += pending - log->sight.nonce;
	return err == CPNP_ERR_INVALID ? CPNP_ERR_UNAVAILABLE : err;
}

int
window_append(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	struct evm_window *w = &log->window;
	struct evm_item *item = items_find(w, seq);
	uint64_t next;
	int err;

	if (w->conflict ||
	    (item != NULL &&
		!cpnp_bytes_equal(batch, (cpnp_bytes){item->batch, item->len})))
		return backend_fail(diag, CPNP_ERR_EXISTS, "key-file",
		    "number %llu of this writer has other bytes: two "
		    "processes use one key, or the store is an old copy",
		    (unsigned long long)seq);
	if (item != NULL)
		return 0;
	err = check_size(log, batch, diag);
	if (err == 0 && seq > log->sight.state.writer_next)
		err = window_next(log, &next, diag);
	if (err != 0)
		return err;
	if (seq > log->sight.state.writer_next && seq > next)
		return backend_fail(diag, CPNP_ERR_STATE, "batch",
		    "number %llu; the next is %llu", (unsigned long long)seq,
		    (unsigned long long)next);
	if (w->n >= log->node.conf.window)
		(void)window_pump(log, NULL);
	if (w->n >= log->node.conf.window)
		return backend_fail(diag, CPNP_ERR_FULL, "window",
		    "%zu batches wait to be final", w->n);
	if (seq < log->sight.state.writer_next)
		return append_again(log, seq, batch, diag);
	err = items_insert(w, seq, batch);
	if (err != 0)
		return err;
	err = window_pump(log, diag);
	item = items_find(w, seq);
	/* it waits for another transaction to be out of its way */
	if (err == CPNP_ERR_UNAVAILABLE && item != NULL && item->blocked)
		return 0;
	if (err != 0 && item != NULL)
		items_remove(w, (size_t)(item - w->items));
	return err;
}
