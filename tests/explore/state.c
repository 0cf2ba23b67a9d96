/*
 * The states of a side and the messages, each kept once.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

#define ARMED (CPNP_NEVER - 1)

void
must(bool is_true, const char *what)
{
	if (is_true)
		return;
	(void)fprintf(stderr, "explore: %s\n", what);
	exit(2);
}

void *
must_alloc(void *ptr, size_t n, size_t size)
{
	ptr = reallocarray(ptr, n, size);
	must(ptr != NULL, "no memory");
	return ptr;
}

void
table_clear(struct table *table, size_t cap)
{
	table->slots = must_alloc(table->slots, cap, sizeof(uint32_t));
	table->cap = cap;
	memset(table->slots, 0xff, cap * sizeof(uint32_t));
}

uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 29;
}

cpnp_now
moment(unsigned clock)
{
	return (cpnp_now){.mono = CPNP_SECONDS(1000 + MOMENT_SEC * clock),
	    .wall = {BEGIN_WALL + MOMENT_SEC * (int64_t)clock}};
}

static void
release_now(struct peer *p, struct order_now *now)
{
	for (int doc = 0; doc < ORDER_BLOBS_END; doc++)
		cpnp_blob_set(&p->env.env, &now->docs[doc], NULL);
}

static void
copy_now(struct peer *p, struct order_now *to, const struct order_now *from)
{
	release_now(p, to);
	*to = *from;
	for (int doc = 0; doc < ORDER_BLOBS_END; doc++)
		(void)cpnp_blob_ref(to->docs[doc]);
}

void
side_fini(struct peer *p, struct side *side)
{
	release_now(p, &side->now);
	cpnp_blob_set(&p->env.env, &side->saved, NULL);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		cpnp_blob_set(&p->env.env, &side->docs[doc], NULL);
	for (size_t i = 0; i < side->results_n; i++)
		free(side->results[i]);
	free(side->results);
	free(side->key);
}

void
drop_effects(struct peer *p)
{
	cpnp_effect effect;

	while (cpnp_orders_next(p->orders, &effect))
		continue;
}

cpnp_order *
load(struct peer *p, const struct side *side)
{
	cpnp_bytes docs[CPNP_DOC_END];
	cpnp_order *order;

	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		docs[doc] = cpnp_blob_bytes(side->docs[doc]);
	must(cpnp_orders_load(p->orders, cpnp_blob_bytes(side->saved), docs,
		 &order, p->now) == 0,
	    "what was saved does not load");
	return order;
}

void
clear(struct peer *p)
{
	cpnp_order *order = peer_order(p, ORDER_ID);

	drop_effects(p);
	if (order != NULL)
		cpnp_orders_drop(p->orders, order);
}

void
put_back(struct peer *p, const struct side *side)
{
	cpnp_order *order;

	clear(p);
	p->now = moment(side->clock);
	p->env.seed = strlen(p->name); /* any, if the two sides differ */
	for (size_t i = 0; i < side->transaction_id_len; i++)
		p->env.seed = mix(p->env.seed, side->transaction_id[i]);
	if (!side->in_memory)
		return;
	order = load(p, side);
	drop_effects(p);
	copy_now(p, &order->now, &side->now);
	cpnp_timer_arm(p->orders, order, false, p->now);
}

void
normalise(const struct peer *p, struct order_now *now)
{
	if (now->tries > p->config.retries_max + 1)
		now->tries = p->config.retries_max + 1;
	if (now->retrans != CPNP_NEVER)
		now->retrans = ARMED;
	if (now->linger != CPNP_NEVER)
		now->linger = ARMED;
	if (now->deadline <= p->now.mono)
		now->deadline = 1;
	if (now->service <= p->now.mono)
		now->service = 1;
	now->quiet = 0;
}

/* --- messages --- */

/* A transaction begins with a request, which nobody answers before. */
static size_t
intern_transaction(struct world *world, const cpnp_msg *msg)
{
	struct transaction *t;

	for (size_t i = 0; i < world->transactions_n; i++) {
		t = &world->transactions[i];
		if (cpnp_bytes_equal(
			(cpnp_bytes){t->id, t->id_len}, msg->transaction_id))
			return i;
	}
	must(world->transactions_n < TRANSACTIONS_MAX,
	    "too many different transactions");
	t = &world->transactions[world->transactions_n];
	t->method = msg->method;
	t->id_len = msg->transaction_id.len;
	memcpy(t->id, msg->transaction_id.ptr, t->id_len);
	return world->transactions_n++;
}

static enum verdict
verdict_of(const cpnp_msg *msg, cpnp_method opened_by)
{
	cpnp_bytes offered = opened_by == CPNP_METHOD_UPDATE
				 ? OFFER_OF_UPDATE
				 : OFFER_OF_QUOTATION;

	if (msg->method == CPNP_METHOD_FAIL)
		return msg->edition == CPNP_EDITION_RFC8921 &&
			       msg->sequence_number != ORDER_SEQUENCE_STATELESS
			   ? VERDICT_NO
			   : VERDICT_NONE;
	if (msg->method != CPNP_METHOD_ACK)
		return VERDICT_NONE;
	if (opened_by == CPNP_METHOD_WITHDRAW ||
	    opened_by == CPNP_METHOD_ACTIVATE)
		return VERDICT_YES;
	return cpnp_bytes_equal(msg->service_description, offered) ? VERDICT_YES
								   : VERDICT_NO;
}

uint16_t
intern_message(struct world *world, cpnp_role to, cpnp_bytes bytes)
{
	struct message *m;
	cpnp_msg msg;

	for (size_t i = 0; i < world->messages_n; i++) {
		m = &world->messages[i];
		if (m->to == to &&
		    cpnp_bytes_equal((cpnp_bytes){m->bytes, m->len}, bytes))
			return (uint16_t)i;
	}
	must(world->messages_n < MESSAGES_MAX, "too many different messages");
	must(cpnp_msg_decode(&msg, bytes, NULL) == 0,
	    "a message does not decode");
	m = &world->messages[world->messages_n];
	*m = (struct message){.len = bytes.len,
	    .to = to,
	    .method = msg.method,
	    .number = msg.sequence_number,
	    .transaction = intern_transaction(world, &msg)};
	if (to == CPNP_CLIENT)
		m->verdict = verdict_of(
		    &msg, world->transactions[m->transaction].method);
	m->bytes = must_alloc(NULL, 1, bytes.len);
	memcpy(m->bytes, bytes.ptr, bytes.len);
	return (uint16_t)world->messages_n++;
}

/* --- states --- */

static void
put_doc(cpnp_buf *buf, const struct cpnp_blob *blob)
{
	cpnp_cbor_put_bytes(buf, cpnp_blob_bytes(blob));
}

static bool
is_signing(const struct order_now *o)
{
	return o->pending == ORDER_PENDING_SIGN_OFFER ||
	       o->pending == ORDER_PENDING_SIGN_ACCEPT ||
	       o->pending == ORDER_PENDING_SIGN_ACK;
}

/* The saved form has what is saved of the order in memory; beside it stands
 * what is not. */
static void
put_memory(cpnp_buf *buf, const cpnp_order *order)
{
	const struct order_now *o = &order->now;

	must(cpnp_order_save(order, buf) == 0, "an order is not saved");
	for (int doc = 0; doc < ORDER_BLOBS_END; doc++)
		put_doc(buf, o->docs[doc]);
	cpnp_cbor_put_uint(buf, o->pending);
	cpnp_cbor_put_uint(buf, o->binding);
	cpnp_cbor_put_bytes(buf, cpnp_order_nonce(order));
	cpnp_cbor_put_uint(buf, o->peer);
	cpnp_cbor_put_uint(buf, o->retrans);
	cpnp_cbor_put_uint(buf, o->deadline);
	cpnp_cbor_put_uint(buf, o->linger);
	cpnp_cbor_put_uint(buf, o->service);
	cpnp_cbor_put_int(
	    buf, is_signing(o) ? o->sign_time.sec : 0);
}

static void
make_key(struct peer *p, struct side *side, const cpnp_order *order)
{
	cpnp_buf buf;

	cpnp_buf_init(&buf, &p->env.env.mem, 1 << 20);
	cpnp_cbor_put_uint(&buf, side->clock);
	cpnp_cbor_put_uint(&buf, side->begun);
	cpnp_cbor_put_uint(&buf, side->ledger.held);
	cpnp_cbor_put_uint(&buf, side->ledger.bought);
	cpnp_cbor_put_uint(&buf, side->ledger.money);
	put_doc(&buf, side->saved);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		put_doc(&buf, side->docs[doc]);
	if (order != NULL)
		put_memory(&buf, order);
	must(buf.err == 0, "a state has no key");
	side->key_len = buf.len;
	side->key = must_alloc(NULL, 1, buf.len);
	memcpy(side->key, cpnp_buf_bytes(&buf).ptr, buf.len);
	side->hash = mix(0, buf.len);
	for (size_t i = 0; i < buf.len; i++)
		side->hash = mix(side->hash, side->key[i]);
	cpnp_buf_fini(&buf);
}

static void
look(struct side *side, const cpnp_order *order)
{
	const struct order_now *o = &order->now;
	struct order_standing aside;
	cpnp_bytes id = cpnp_order_transaction_id(order);
	cpnp_wtime date;

	side->transaction_id_len = (uint8_t)id.len;
	memcpy(side->transaction_id, id.ptr, id.len);
	side->state = cpnp_order_state(order);
	side->agreement = cpnp_order_agreement_state(order);
	side->kind = o->kind;
	side->is_settled = cpnp_order_is_settled(order);
	side->is_outstanding = cpnp_order_is_outstanding(order);
	side->is_scheduled =
	    side_stands(side) && cpnp_order_next_service_event(order, &date);
	side->accept_sent = o->accept_sent;
	memcpy(side->digest, o->order_digest, sizeof(side->digest));
	if (cpnp_order_get_aside(o, &aside)) {
		memcpy(
		    side->standing, aside.order_digest, sizeof(side->standing));
		side->nonce_len = aside.nonce_len;
		memcpy(side->nonce, aside.nonce, sizeof(side->nonce));
	} else {
		memcpy(side->standing, o->order_digest, sizeof(side->standing));
		side->nonce_len = o->nonce_len;
		memcpy(side->nonce, o->nonce, sizeof(side->nonce));
	}
}

static uint32_t *
find_side(struct world *world, cpnp_role role, const struct side *side)
{
	struct table *table = &world->tables[role];
	const struct side *kept;
	size_t i = (size_t)side->hash & (table->cap - 1);

	for (;; i = (i + 1) & (table->cap - 1)) {
		if (table->slots[i] == NO_ENTRY)
			break;
		kept = world->sides[role][table->slots[i]];
		if (kept->hash == side->hash &&
		    kept->key_len == side->key_len &&
		    memcmp(kept->key, side->key, side->key_len) == 0)
			break;
	}
	return &table->slots[i];
}

static void
grow_sides(struct world *world, cpnp_role role)
{
	size_t cap =
	    world->sides_cap[role] == 0 ? 1024 : 2 * world->sides_cap[role];

	world->sides[role] =
	    must_alloc(world->sides[role], cap, sizeof(world->sides[role][0]));
	world->sides_cap[role] = cap;
	table_clear(&world->tables[role], 2 * cap);
	for (size_t i = 0; i < world->sides_n[role]; i++)
		*find_side(world, role, world->sides[role][i]) = (uint32_t)i;
}

uint32_t
intern_side(struct world *world, cpnp_role role, struct side *side)
{
	struct peer *p = &world->peers[role];
	const cpnp_order *order = peer_order(p, ORDER_ID);
	struct side *kept;
	uint32_t *slot;

	side->in_memory = order != NULL;
	if (order != NULL) {
		copy_now(p, &side->now, &order->now);
		look(side, order);
	}
	make_key(p, side, order);
	if (world->sides_n[role] == world->sides_cap[role])
		grow_sides(world, role);
	slot = find_side(world, role, side);
	if (*slot != NO_ENTRY) {
		side_fini(p, side);
		return *slot;
	}
	kept = must_alloc(NULL, 1, sizeof(*kept));
	*kept = *side;
	*slot = (uint32_t)world->sides_n[role];
	world->sides[role][world->sides_n[role]++] = kept;
	return *slot;
}

const struct side *
world_side(const struct world *world, cpnp_role role, uint32_t side)
{
	return world->sides[role][side];
}

bool
side_stands(const struct side *side)
{
	return side->agreement == CPNP_AGREEMENT_COMPLETED ||
	       side->agreement == CPNP_AGREEMENT_ACTIVE;
}

void
copy_side(struct side *to, const struct side *from)
{
	*to = *from;
	memset(&to->now, 0, sizeof(to->now));
	to->results = NULL;
	to->results_n = 0;
	to->key = NULL;
	(void)cpnp_blob_ref(to->saved);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		(void)cpnp_blob_ref(to->docs[doc]);
}
