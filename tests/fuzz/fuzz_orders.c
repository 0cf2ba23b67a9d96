/*
 * The states of client and server under packets, time, commands, crashes and
 * failed allocations that are drawn from the input.  Nothing that peers, clocks
 * and applications do may break an invariant (cpnp_order_check() runs after
 * every event and makes CPNP_ERR_INTERNAL of a breach), lose memory, or make a
 * message that does not decode.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "../peer/peer.h"
#include "fuzz.h"

#define ID "o1"

struct input {
	const uint8_t *data;
	size_t left;
};

static unsigned
draw(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

static void
check(int err)
{
	HOLDS(err != CPNP_ERR_INTERNAL && err != CPNP_ERR_EXHAUSTED);
}

/* A message that comes, whatever it is; the buffer has its exact size, so that
 * reading past it is seen. */
static void
come(struct peer *p, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	HOLDS(copy != NULL);
	memcpy(copy, bytes, len);
	check(peer_feed(p, p->other, (cpnp_bytes){copy, len}));
	free(copy);
}

/* The oldest message on its way: to its receiver, twice, lost, or with bytes
 * changed. */
static void
do_link(struct input *in, struct peer *from, struct peer *to, unsigned how)
{
	struct peer_mail mail;

	if (from->outbox_n == 0)
		return;
	mail = from->outbox[0];
	from->outbox_n--;
	memmove(&from->outbox[0], &from->outbox[1],
	    from->outbox_n * sizeof(mail));
	for (unsigned i = how % 4 == 3 ? draw(in) % 4 : 0; i > 0; i--)
		mail.bytes[(draw(in) << 8 | draw(in)) % mail.len] =
		    (uint8_t)draw(in);
	if (how % 4 != 2)
		come(to, mail.bytes, mail.len);
	if (how % 4 == 1)
		come(to, mail.bytes, mail.len);
	free(mail.bytes);
}

/* A message of the other side, right but for what the input spoils. */
static void
do_hand(struct input *in, struct peer *p)
{
	static uint8_t store[CPNP_MSG_MAX];
	cpnp_method method =
	    (cpnp_method)(draw(in) % CPNP_METHOD_END);
	unsigned spoil = draw(in);
	cpnp_buf buf;
	cpnp_msg msg;

	if (peer_order(p, ID) == NULL ||
	    !cpnp_method_exists(
		cpnp_order_edition(peer_order(p, ID)), (int)method))
		return;
	msg = peer_hand(p, ID, method);
	msg.sequence_number -= draw(in);
	/* a transaction of its own, one of a few */
	if (spoil & 128)
		msg.transaction_id = (cpnp_bytes){
		    (const uint8_t *)"transaction" + draw(in) % 4, 8};
	if (spoil & 1)
		msg.nonce = CPNP_BYTES_LIT("0123456789abcdeX");
	if (spoil & 2)
		msg.provider_order_id = CPNP_BYTES_LIT("P-other");
	if (spoil & 4)
		msg.service_description = PEER_SERVICE;
	if (spoil & 8)
		msg.service_description =
		    CPNP_BYTES_LIT("\x82\x19\x03\xe8\x80");
	if (spoil & 16)
		msg.validity_offer_time.sec -= draw(in) * 10;
	if (spoil & 32)
		msg.status = (cpnp_status)(draw(in) % 8 + 1);
	if (spoil & 64 && method == CPNP_METHOD_PROCESSING) {
		msg.expected_offer_time.sec = p->now.wall.sec + draw(in);
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_OFFER_TIME);
	}
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	if (cpnp_msg_encode(&msg, &buf, NULL) == 0)
		come(p, buf.ptr, buf.len);
}

static void
do_client(struct input *in, struct pair *pair)
{
	struct peer *p = &pair->client;
	cpnp_order *order = peer_order(p, ID);
	unsigned what = draw(in) % 6;
	cpnp_quotation q = peer_quotation(p, ID);

	q.edition = pair->edition;
	q.has_response_time = what == 0;
	q.require_statements = p->config.sign && draw(in) % 2;
	q.is_child = pair->is_child;
	/* An identifier is never used again, though the order is forgotten. */
	if (order == NULL && p->records_n == 0)
		check(cpnp_orders_create(p->orders, &q, &order, p->now));
	if (order == NULL)
		return;
	peer_drain(p);
	if (what == 0)
		check(cpnp_order_start(p->orders, order, p->handle, p->now));
	else if (what == 1)
		check(pair->has_terms
			? cpnp_order_accept_paid(
			      p->orders, order, PEER_PAYMENT, p->now)
			: cpnp_order_accept(p->orders, order, p->now));
	else if (what == 2)
		check(cpnp_order_decline(p->orders, order, NULL, 0, p->now));
	else if (what == 3)
		check(cpnp_order_cancel(p->orders, order, p->now));
	else
		check(cpnp_order_set_peer(p->orders, order,
		    what == 4 ? p->handle : 0, draw(in) % 2, p->now));
	peer_drain(p);
}

static cpnp_schedule
draw_schedule(struct input *in, const struct peer *p)
{
	unsigned what = draw(in);
	cpnp_schedule schedule = {.deactivate = what % 8 == 7};

	if (schedule.deactivate)
		return schedule;
	schedule.has_start = what & 1;
	schedule.has_end = (what & 2) != 0;
	schedule.start.sec = p->now.wall.sec + draw(in) * 4 - 100;
	schedule.end.sec = p->now.wall.sec + draw(in) * 8 - 100;
	return schedule;
}

/* What an application does with an agreement, also when there is none. */
static void
do_agreement(struct input *in, struct pair *pair, bool is_server)
{
	struct peer *p = is_server ? &pair->server : &pair->client;
	cpnp_order *order = peer_order(p, ID);
	cpnp_update update = {PEER_UPDATE(p)};
	cpnp_schedule schedule;
	unsigned what = draw(in);

	if (order == NULL)
		return;
	if (!is_server && what % 3 == 0) {
		check(cpnp_order_withdraw(p->orders, order, p->now));
	} else if (!is_server && what % 3 == 1) {
		update.expected_response_time.sec += (what & 16) * 100;
		update.more_time = (cpnp_more_time)(draw(in) % 3);
		update.more_time_until.sec = p->now.wall.sec + draw(in) * 8;
		check(cpnp_order_update(p->orders, order, &update, p->now));
	} else if (!is_server) {
		schedule = draw_schedule(in, p);
		check(
		    cpnp_order_activate(p->orders, order, &schedule, p->now));
	} else if (what % 3 == 0) {
		check(cpnp_order_grant(p->orders, order, p->now));
	} else if (what % 3 == 1) {
		check(cpnp_order_more_time(p->orders, order,
		    (cpnp_wtime){p->now.wall.sec + draw(in) * 4},
		    (cpnp_subcode)(draw(in) % 3), p->now));
	} else {
		check(cpnp_order_set_active(
		    p->orders, order, (what & 16) != 0, p->now));
	}
	peer_drain(p);
}

static void
do_server(struct input *in, struct pair *pair)
{
	struct peer *p = &pair->server;
	cpnp_order *order = peer_order(p, ID);
	cpnp_offer offer = peer_offer(p,
	    draw(in) % 2 ? PEER_SERVICE : PEER_SERVICE_80,
	    (int64_t)draw(in));

	if (order == NULL)
		return;
	if (pair->has_terms)
		offer.settlement_terms = PEER_TERMS;
	offer.confirm = pair->confirms;
	if (draw(in) % 4 != 0)
		check(cpnp_order_offer(p->orders, order, &offer, p->now));
	else
		check(cpnp_order_refuse(p->orders, order,
		    (cpnp_status)(draw(in) % 9), NULL, 0, p->now));
	peer_drain(p);
}

static void
do_sign(struct input *in, struct peer *p)
{
	cpnp_order *order = peer_order(p, ID);

	if (order != NULL && draw(in) % 4 == 0)
		check(cpnp_order_set_commit_set(
		    p->orders, order, PEER_TERMS));
	if (order == NULL || p->payload_len == 0)
		return;
	p->sign = order;
	if (draw(in) % 4 != 0)
		check(peer_sign(p, p->name));
	else
		check(cpnp_order_sign_failed(p->orders, order, p->now));
	peer_drain(p);
}

static void
do_pay(struct input *in, struct peer *p)
{
	cpnp_order *order = peer_order(p, ID);
	unsigned what = draw(in) % 4;

	if (order == NULL)
		return;
	if (what == 0)
		check(cpnp_order_set_binding(p->orders, order));
	else if (what == 1)
		check(cpnp_order_not_paid(p->orders, order,
		    CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, p->now));
	else
		check(cpnp_order_paid(p->orders, order, p->now));
	peer_drain(p);
}

static void
do_time(struct input *in, struct pair *pair)
{
	unsigned how = draw(in);

	/* The wall clock jumps, to and fro. */
	if (how == 0) {
		pair->server.now.wall.sec += (int64_t)draw(in) * 60 - 7000;
		check(cpnp_orders_rearm(
		    pair->server.orders, pair->server.now));
	}
	pair_advance(pair, CPNP_MILLISECONDS(100) * how * (draw(in) % 32));
}

static void
do_raw(struct input *in, struct peer *p)
{
	size_t len = draw(in);

	if (len > in->left)
		len = in->left;
	come(p, in->data, len);
	in->data += len;
	in->left -= len;
}

/* What a real store would do after a failure is not the fuzzer's business. */
static void
do_crash(struct peer *p)
{
	p->env.fail_at = 0;
	peer_crash(p);
	peer_clear(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair pair;
	struct input in = {data, size};
	unsigned setup = draw(&in);

	pair_init(&pair,
	    setup & 1 ? CPNP_EDITION_RFC8921 : CPNP_EDITION_DRAFT02,
	    (setup & 2) != 0);
	pair.server.require_statement = (setup & 4) != 0;
	pair.has_terms = (setup & 8) != 0;
	pair.confirms = (setup & 16) != 0;
	pair.is_child = (setup & 32) != 0;
	while (in.left > 0) {
		unsigned what = draw(&in);
		bool is_server = (what & 0x80) != 0;
		struct peer *p = is_server ? &pair.server : &pair.client;

		pair.client.trace[0] = pair.server.trace[0] = '\0';
		what &= 0x7f;
		if (what < 60)
			do_link(&in, is_server ? &pair.client : &pair.server,
			    p, what);
		else if (what < 70)
			do_hand(&in, p);
		else if (what < 80)
			do_client(&in, &pair);
		else if (what < 90)
			do_server(&in, &pair);
		else if (what < 94)
			do_sign(&in, p);
		else if (what < 96)
			do_pay(&in, p);
		else if (what < 100)
			do_agreement(&in, &pair, is_server);
		else if (what < 110)
			do_time(&in, &pair);
		else if (what < 114)
			p->env.fail_at = p->env.asked + 1 + draw(&in) % 16;
		else if (what < 118)
			do_crash(p);
		else
			do_raw(&in, p);
	}
	pair.client.env.fail_at = pair.server.env.fail_at = 0;
	pair_fini(&pair);
	return 0;
}
