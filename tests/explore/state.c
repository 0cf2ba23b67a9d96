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
	for (size_t i = 0; i < ACT_DELIVER + MESSAGES_MAX; i++)
		free(side->results[i]);
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

static enum verdict
verdict_of(const cpnp_msg *msg)
{
	if (msg->method == CPNP_METHOD_FAIL)
		return msg->edition == CPNP_EDITION_RFC8921 &&
			msg->sequence_number != ORDER_SEQUENCE_STATELESS
		    ? VERDICT_NO
		    : VERDICT_NONE;
	if (msg->method != CPNP_METHOD_ACK)
		return VERDICT_NONE;
	return cpnp_bytes_equal(msg->service_description, PEER_SERVICE_80)
	    ? VERDICT_YES
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
	    .verdict =
		to == CPNP_CLIENT ? verdict_of(&msg) : VERDICT_NONE};
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
	cpnp_cbor_put_bytes(buf, cpnp_order_nonce(order));
	cpnp_cbor_put_uint(buf, o->peer);
	cpnp_cbor_put_uint(buf, o->retrans);
	cpnp_cbor_put_uint(buf, o->deadline);
	cpnp_cbor_put_uint(buf, o->linger);
	cpnp_cbor_put_uint(buf, o->service);
	cpnp_cbor_put_int(buf,
	    o->pending >= ORDER_PENDING_SIGN_OFFER ? o->sign_time.sec : 0);
}

static void
make_key(struct peer *p, struct side *side, const cpnp_order *order)
{
	cpnp_buf buf;

	cpnp_buf_init(&buf, &p->env.env.mem, 1 << 20);
	cpnp_cbor_put_uint(&buf, side->clock);
	cpnp_cbor_put_uint(&buf, side->ledger.held);
	cpnp_cbor_put_uint(&buf, side->ledger.released);
	cpnp_cbor_put_uint(&buf, side->ledger.bought);
	put_doc(&buf, side->saved);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		put_doc(&buf, side->docs[doc]);
	if (order != NULL)
		put_memory(&buf, order);
	must(buf.err == 0, "a state has no key");
	side->key_len = buf.len;
	side->key = must_alloc(NULL, 1, buf.len);
	memcpy(side->key, cpnp_buf_bytes(&buf).ptr, buf.len);
	cpnp_buf_fini(&buf);
}

uint32_t
intern_side(struct world *world, cpnp_role role, struct side *side)
{
	struct peer *p = &world->peers[role];
	const cpnp_order *order = peer_order(p, ORDER_ID);
	struct side *kept;
	size_t n = world->sides_n[role];

	side->in_memory = order != NULL;
	if (order != NULL) {
		copy_now(p, &side->now, &order->now);
		side->state = cpnp_order_state(order);
		side->is_settled = cpnp_order_is_settled(order);
		side->is_outstanding = cpnp_order_is_outstanding(order);
		side->accept_sent = order->now.accept_sent;
		memcpy(side->digest, order->now.order_digest,
		    sizeof(side->digest));
	}
	make_key(p, side, order);
	for (size_t i = n; i-- > 0;) {
		kept = world->sides[role][i];
		if (kept->key_len != side->key_len ||
		    memcmp(kept->key, side->key, side->key_len) != 0)
			continue;
		side_fini(p, side);
		return (uint32_t)i;
	}
	world->sides[role] =
	    must_alloc(world->sides[role], n + 1, sizeof(kept));
	kept = must_alloc(NULL, 1, sizeof(*kept));
	*kept = *side;
	world->sides[role][n] = kept;
	world->sides_n[role]++;
	return (uint32_t)n;
}

const struct side *
world_side(const struct world *world, cpnp_role role, uint32_t side)
{
	return world->sides[role][side];
}

void
copy_side(struct side *to, const struct side *from)
{
	*to = *from;
	memset(&to->now, 0, sizeof(to->now));
	memset(to->results, 0, sizeof(to->results));
	to->key = NULL;
	(void)cpnp_blob_ref(to->saved);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		(void)cpnp_blob_ref(to->docs[doc]);
}
