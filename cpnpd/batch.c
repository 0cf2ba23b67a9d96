/*
 * Batches: what is stored together, and what may leave when it is durable.
 *
 * When a commit fails, nothing of that batch or a later one is sent.  Once
 * all batches are back, every order that they touched is dropped from memory,
 * and when the store can be written again it is read back with its capacity.
 * Until then new work is refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "events.h"
#include "ledger.h"
#include "restore.h"

#define RECOVER_MIN CPNP_MILLISECONDS(100)
#define RECOVER_MAX CPNP_SECONDS(30)

/* ---- keys ---- */

static struct key *
key_fill(struct key *key, const cpnp_order *order)
{
	cpnp_bytes identity = cpnp_order_peer_identity(order);
	cpnp_bytes id = cpnp_order_customer_id(order);

	if (key == NULL)
		return NULL;
	key->next = NULL;
	key->role = cpnp_order_role(order);
	key->rest_at = 0;
	key->identity_len = identity.len;
	key->id_len = id.len;
	memcpy(key->bytes, identity.ptr, identity.len);
	memcpy(key->bytes + identity.len, id.ptr, id.len);
	return key;
}

struct key *
cpnpd_key_new(const cpnp_order *order)
{
	return key_fill(malloc(sizeof(struct key) +
	    cpnp_order_peer_identity(order).len +
	    cpnp_order_customer_id(order).len), order);
}

int
cpnpd_touch(struct batch *b, const cpnp_order *order)
{
	struct key *key = cpnpd_key_new(order);

	if (key == NULL)
		return CPNP_ERR_NOMEM;
	key->next = b->touched;
	b->touched = key;
	return 0;
}

void
cpnpd_key_reserve(struct daemon *d)
{
	if (d->spare_key == NULL)
		d->spare_key = malloc(sizeof(struct key) + CPNP_IDENTITY_MAX +
		    CPNP_ORDER_ID_MAX);
}

/* An event that finds no memory stops all others, so one key is enough. */
void
cpnpd_lose(struct daemon *d, struct key *key, const cpnp_order *order)
{
	if (key == NULL) {
		key = key_fill(d->spare_key, order);
		d->spare_key = NULL;
	}
	if (key == NULL)
		return;
	key->next = d->lost;
	d->lost = key;
}

static cpnp_bytes
key_identity(const struct key *key)
{
	return (cpnp_bytes){key->bytes, key->identity_len};
}

static cpnp_bytes
key_id(const struct key *key)
{
	return (cpnp_bytes){key->bytes + key->identity_len, key->id_len};
}

cpnp_order *
cpnpd_key_order(const struct daemon *d, const struct key *key)
{
	return cpnp_orders_find(
	    d->orders, key->role, key_identity(key), key_id(key));
}

void
cpnpd_keys_free(struct key *list)
{
	struct key *next;

	for (; list != NULL; list = next) {
		next = list->next;
		free(list);
	}
}

static void
signing_free(struct signing *list)
{
	struct signing *next;

	for (; list != NULL; list = next) {
		next = list->next;
		free(list->key);
		free(list->receipt);
		free(list);
	}
}

/* ---- filling ---- */

static void
batch_free(struct batch *b)
{
	struct outgoing *out, *next;

	if (b == NULL)
		return;
	for (out = b->out; out != NULL; out = next) {
		next = out->next;
		free(out);
	}
	signing_free(b->sign);
	cpnpd_keys_free(b->touched);
	cpnp_store_batch_del(b->store);
	free(b);
}

struct batch *
cpnpd_batch(struct daemon *d)
{
	struct batch *b;

	if (d->current != NULL)
		return d->current;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->out_end = &b->out;
	b->sign_end = &b->sign;
	b->service_at.sec = CPNP_WTIME_MAX;
	b->store = cpnp_store_batch_new(d->store, b);
	if (b->store == NULL) {
		free(b);
		return NULL;
	}
	return d->current = b;
}

/* What is stored in no batch of its own waits for the newest one. */
struct batch *
cpnpd_batch_newest(struct daemon *d)
{
	struct batch *b;

	for (b = d->current != NULL ? d->current : d->flight;
	     b != NULL && b->next != NULL; b = b->next)
		;
	return b;
}

static void
send_now(struct daemon *d, cpnp_peer peer, cpnp_bytes bytes, bool again,
    cpnp_now now)
{
	if (cpnpd_is_long(d, peer, bytes.len))
		cpnpd_parts_send(d, peer, bytes, again, now);
	else if (cpnp_net_send(d->net, peer, bytes, now) == 0)
		d->counters.sent++;
	else
		d->counters.send_failed++;
}

void
cpnpd_send_later(struct daemon *d, cpnp_peer peer, cpnp_bytes bytes,
    bool again, cpnp_now now)
{
	struct batch *b = cpnpd_batch_newest(d);
	struct outgoing *out;

	if (d->failed)
		return;
	if (b == NULL) {
		send_now(d, peer, bytes, again, now);
		return;
	}
	out = malloc(sizeof(*out) + bytes.len);
	if (out == NULL) {
		d->counters.send_failed++; /* the peer repeats */
		return;
	}
	out->next = NULL;
	out->peer = peer;
	out->again = again;
	out->len = bytes.len;
	memcpy(out->bytes, bytes.ptr, bytes.len);
	*b->out_end = out;
	b->out_end = &out->next;
}

/* ---- signing ---- */

static void
sign_one(struct daemon *d, struct signing *s, const cpnp_buf *statement,
    cpnp_now now)
{
	cpnp_order *order = cpnpd_key_order(d, s->key);
	int err;

	if (order == NULL)
		return;
	if (statement == NULL || statement->err != 0)
		err = cpnp_order_sign_failed(d->orders, order, now);
	else
		err = cpnp_order_signed(d->orders, order,
		    cpnp_buf_bytes(statement),
		    (cpnp_bytes){s->receipt, s->receipt_len}, now);
	/* The order may have moved on since it asked: nothing to do then. */
	if (err != 0 && err != CPNP_ERR_STATE && err != CPNP_ERR_MISMATCH)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "the statement was not taken: %s", cpnp_strerror(err));
	cpnpd_drain(d, now);
}

/* Sign up to CPNP_SIGN_BATCH_MAX payloads with one signature. */
static struct signing *
sign_some(struct daemon *d, struct signing *list, cpnp_now now)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	cpnp_bytes *payloads;
	cpnp_buf *out;
	struct signing *s;
	size_t n = 0, i;
	int err = CPNP_ERR_NOMEM;

	for (s = list; s != NULL && n < CPNP_SIGN_BATCH_MAX; s = s->next)
		n++;
	payloads = calloc(n, sizeof(*payloads));
	out = calloc(n, sizeof(*out));
	if (payloads != NULL && out != NULL) {
		for (i = 0, s = list; i < n; i++, s = s->next) {
			payloads[i] = (cpnp_bytes){s->payload, s->len};
			cpnp_buf_init(&out[i], mem, CPNP_STATEMENT_MAX);
		}
		err = cpnp_signer_sign(d->signer, payloads, n, out);
	}
	if (err == 0) {
		d->counters.signatures++;
	} else {
		d->counters.signatures_failed += n;
		cpnpd_log(CPNP_LOG_ERROR, "signer: %zu statements could not be "
		    "signed: %s", n, cpnp_strerror(err));
	}
	for (i = 0, s = list; i < n; i++, s = s->next) {
		sign_one(d, s, err == 0 ? &out[i] : NULL, now);
		if (out != NULL)
			cpnp_buf_fini(&out[i]);
	}
	free(payloads);
	free(out);
	return s;
}

static void
sign_pending(struct daemon *d, cpnp_now now)
{
	struct signing *list, *rest;

	while (d->sign != NULL && !d->failed) {
		list = d->sign;
		d->sign = NULL;
		d->sign_end = &d->sign;
		for (rest = list; rest != NULL;)
			rest = sign_some(d, rest, now);
		signing_free(list);
	}
}

/* ---- submitting ---- */

static void
submit(struct daemon *d, cpnp_now now)
{
	struct batch *b = d->current;
	int err;

	if (b == NULL || d->failed ||
	    cpnp_store_pending(d->store) >= CPNPD_IN_FLIGHT_MAX)
		return;
	d->current = NULL;
	cpnpd_events_collect(d, b->store);
	err = cpnp_store_submit(d->store, b->store);
	if (err != 0) {
		d->current = b;
		cpnpd_fail(d, cpnp_strerror(err), now);
		return;
	}
	*d->flight_end = b;
	d->flight_end = &b->next;
}

void
cpnpd_turn_end(struct daemon *d, cpnp_now now)
{
	sign_pending(d, now);
	cpnpd_ledger_turn_end(d, now);
	submit(d, now);
	cpnpd_arm_timer(d, now);
}

bool
cpnpd_is_idle(const struct daemon *d)
{
	return d->flight == NULL &&
	    (d->failed || (d->current == NULL && d->sign == NULL));
}

/* ---- coming back ---- */

static void
batch_committed(struct daemon *d, struct batch *b, cpnp_now now)
{
	struct outgoing *out;
	struct signing *s;
	cpnp_bytes receipt;

	d->counters.batches++;
	cpnp_orders_set_durable(d->orders, b->newest);
	cpnpd_ledger_committed(d, b);
	cpnpd_service_expect(d, b->service_at);
	for (out = b->out; out != NULL; out = out->next)
		send_now(d, out->peer,
		    (cpnp_bytes){out->bytes, out->len}, out->again, now);
	for (s = b->sign; s != NULL; s = s->next) {
		if (s->receipt_tag == 0)
			continue;
		receipt = cpnp_store_receipt(b->store, s->receipt_tag);
		s->receipt = malloc(receipt.len + 1);
		if (s->receipt == NULL)
			continue;
		memcpy(s->receipt, receipt.ptr, receipt.len);
		s->receipt_len = receipt.len;
	}
	if (b->sign != NULL) {
		*d->sign_end = b->sign;
		d->sign_end = b->sign_end;
		b->sign = NULL;
	}
}

/* Those of its orders that may rest begin to wait for that. */
static void
batch_rest(struct daemon *d, struct batch *b, cpnp_now now)
{
	struct key **link = &b->touched, *key;

	while ((key = *link) != NULL) {
		if (key->rest_at == 0) {
			link = &key->next;
			continue;
		}
		*link = key->next;
		cpnpd_rest_later(d, key, now);
	}
}

/* Orders of a batch that is not durable are lost from memory. */
static void
batch_lost(struct daemon *d, struct batch *b)
{
	struct key **end = &b->touched;

	while (*end != NULL)
		end = &(*end)->next;
	*end = d->lost;
	d->lost = b->touched;
	b->touched = NULL;
}

void
cpnpd_fail(struct daemon *d, const char *why, cpnp_now now)
{
	if (!d->failed) {
		cpnpd_log(CPNP_LOG_ERROR, "store %s: %s; nothing more is sent, "
		    "new orders are refused until it can be written",
		    d->conf->store.value, why);
		d->recover_wait = RECOVER_MIN;
		d->recover_at = now.mono + d->recover_wait;
	}
	d->failed = true;
	cpnpd_events_failed(d);
	/* The current batch is given up in cpnpd_recover(): effects of the
	 * event at hand may still be coming. */
}

void
cpnpd_batches_done(struct daemon *d, cpnp_now now)
{
	cpnp_store_batch *done;
	cpnp_diag diag = {0};
	struct batch *b;
	int err;

	while ((done = cpnp_store_done(d->store, &err)) != NULL) {
		b = cpnp_store_batch_user(done);
		d->flight = b->next;
		if (d->flight == NULL)
			d->flight_end = &d->flight;
		b->next = NULL;
		if (err == 0) {
			batch_committed(d, b, now);
			batch_rest(d, b, now);
		} else {
			d->counters.batches_failed++;
			cpnp_store_failure(d->store, &diag);
			cpnpd_fail(d, diag.why[0] != '\0' ? diag.why
			    : cpnp_strerror(err), now);
			batch_lost(d, b);
		}
		batch_free(b);
	}
	cpnpd_turn_end(d, now);
	cpnpd_events_wake(d);
	cpnpd_restore_committed(d);
}

/* ---- after a failure ---- */

/* Nothing of an order that is not as it was stored may act any more. */
static void
drop_lost(struct daemon *d)
{
	struct key *key;
	cpnp_order *order;

	if (d->current != NULL) {
		batch_lost(d, d->current);
		batch_free(d->current);
		d->current = NULL;
	}
	for (key = d->lost; key != NULL; key = key->next) {
		order = cpnpd_key_order(d, key);
		if (order == NULL)
			continue;
		cpnpd_log_order(CPNP_LOG_WARNING, order, "%s is not durable, "
		    "the order is read back from the store",
		    cpnp_state_name(cpnp_order_state(order)));
		cpnpd_drop_order(d, order);
	}
	/* Who waits to sign is asked again when it is loaded. */
	for (; d->sign != NULL;) {
		struct signing *next = d->sign->next;

		order = cpnpd_key_order(d, d->sign->key);
		if (order != NULL) {
			d->sign->key->next = d->lost;
			d->lost = d->sign->key;
			d->sign->key = NULL;
			cpnpd_drop_order(d, order);
		}
		d->sign->next = NULL;
		signing_free(d->sign);
		d->sign = next;
	}
	d->sign_end = &d->sign;
}

static int
read_back(struct daemon *d, cpnp_now now)
{
	cpnp_store_row row;
	struct key *key;
	int err;

	cpnp_capacity_clear(d->capacity);
	err = cpnpd_load_capacity(d);
	while (err == 0 && (key = d->lost) != NULL) {
		err = cpnpd_key_order(d, key) != NULL ? CPNP_ERR_NOT_FOUND
		    : cpnp_store_find(d->store, key->role,
			  key_identity(key), key_id(key), &row);
		if (err == 0 && cpnp_store_row_rests(&row))
			cpnpd_rest_count(d, row.peer_identity, 1);
		if (err == 0 && !row.settled)
			err = cpnpd_load_row(d, &row, now);
		if (err == CPNP_ERR_NOT_FOUND)
			err = 0; /* never stored, or back already */
		if (err == 0) {
			d->lost = key->next;
			free(key);
		}
	}
	return err;
}

void
cpnpd_recover(struct daemon *d, cpnp_now now)
{
	int err;

	if (!d->failed || d->flight != NULL || now.mono < d->recover_at)
		return;
	drop_lost(d);
	err = cpnp_store_recover(d->store);
	if (err == 0) {
		/* Loading asks again for what was open, and that is stored. */
		d->failed = false;
		err = d->ledger != NULL ? cpnpd_ledger_load(d) : 0;
		if (err == 0)
			err = read_back(d, now);
		if (err != 0 || d->failed) {
			cpnpd_fail(d, cpnp_strerror(err), now);
			drop_lost(d);
		}
	}
	if (d->failed) {
		d->recover_wait = d->recover_wait * 2 < RECOVER_MAX
		    ? d->recover_wait * 2 : RECOVER_MAX;
		d->recover_at = now.mono + d->recover_wait;
		cpnpd_log(CPNP_LOG_WARNING, "store %s: still cannot be written "
		    "(%s), tried again in %llu ms", d->conf->store.value,
		    cpnp_strerror(err),
		    (unsigned long long)(d->recover_wait / 1000000));
		return;
	}
	cpnpd_key_reserve(d);
	cpnpd_log(CPNP_LOG_INFO, "store %s: can be written again",
	    d->conf->store.value);
	cpnpd_turn_end(d, now);
}

void
cpnpd_batches_free(struct daemon *d)
{
	struct batch *b;

	batch_free(d->current);
	d->current = NULL;
	while ((b = d->flight) != NULL) {
		d->flight = b->next;
		b->store = NULL; /* the store's own */
		batch_free(b);
	}
	signing_free(d->sign);
	d->sign = NULL;
	cpnpd_keys_free(d->lost);
	d->lost = NULL;
	cpnpd_keys_free(d->rest);
	d->rest = NULL;
	free(d->spare_key);
	d->spare_key = NULL;
}
