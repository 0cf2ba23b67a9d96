/*
 * Allocation number n of a whole negotiation fails, for every n until there
 * are no more.  The call says NOMEM, the order is as it was, and done again
 * the same step succeeds.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../peer/peer.h"
#include "unit.h"

static struct pair pair;

/* Which of the two fails, and what its order was before the call. */
static struct peer *weak;
static uint8_t saved[4096];
static size_t saved_len;
static unsigned failures;

static void
remember(void)
{
	const cpnp_order *order = peer_order(weak, "o1");
	cpnp_buf buf;

	saved_len = 0;
	if (order == NULL)
		return;
	cpnp_buf_init_fixed(&buf, saved, sizeof(saved));
	ck_assert_int_eq(cpnp_order_save(order, &buf), 0);
	saved_len = buf.len;
}

static void
assert_unchanged(void)
{
	const cpnp_order *order = peer_order(weak, "o1");
	uint8_t now[4096];
	cpnp_buf buf;

	ck_assert(saved_len > 0 || order == NULL);
	if (order == NULL)
		return;
	cpnp_buf_init_fixed(&buf, now, sizeof(now));
	ck_assert_int_eq(cpnp_order_save(order, &buf), 0);
	unit_assert_bytes(
	    cpnp_buf_bytes(&buf), (cpnp_bytes){saved, saved_len});
}

/* One step; again when it fails for want of memory. */
#define TRY(p, call)                                                           \
	do {                                                                   \
		int try_err;                                                   \
		remember();                                                    \
		try_err = (call);                                              \
		if (try_err == CPNP_ERR_NOMEM) {                               \
			failures++;                                            \
			ck_assert_str_eq((p)->trace, "");                      \
			assert_unchanged();                                    \
			try_err = (call);                                      \
		}                                                              \
		ck_assert_int_eq(try_err, 0);                                  \
		peer_drain(p);                                                 \
		(p)->trace[0] = '\0';                                          \
	} while (0)

static void
deliver(struct peer *from, struct peer *to)
{
	struct peer_mail mail;

	ck_assert_uint_eq(from->outbox_n, 1);
	mail = from->outbox[0];
	from->outbox_n = 0;
	TRY(to, peer_feed(to, from->name, (cpnp_bytes){mail.bytes, mail.len}));
	free(mail.bytes);
}

static int
sign(struct peer *p)
{
	cpnp_order *order = peer_order(p, "o1");
	int err;

	p->sign = order;
	err = peer_sign(p, p->name);
	p->sign = order;
	return err;
}

static int
handle_expiry(struct peer *p)
{
	int err = cpnp_orders_handle_expiry(p->orders, p->now);

	p->now.mono += CPNP_SECONDS(1);
	return err;
}

static void
negotiate_signed(void)
{
	struct peer *client = &pair.client, *server = &pair.server;
	cpnp_quotation q = peer_quotation(client, "o1");
	cpnp_offer offer = peer_offer(server, PEER_SERVICE_80, 300);
	cpnp_order *order;

	TRY(client,
	    cpnp_orders_create(client->orders, &q, &order, client->now));
	TRY(client,
	    cpnp_order_start(client->orders, order, 5, client->now));
	deliver(client, server);
	deliver(server, client);
	TRY(server,
	    cpnp_order_offer(server->orders, peer_order(server, "o1"), &offer,
		server->now));
	TRY(server, sign(server));
	deliver(server, client);
	deliver(client, server);
	TRY(client, cpnp_order_accept(client->orders, order, client->now));
	TRY(client, sign(client));
	deliver(client, server);
	TRY(server, sign(server));
	deliver(server, client);
	ck_assert_int_eq(cpnp_order_state(order), CPNP_STATE_COMPLETED);
}

static void
negotiate_and_withdraw(void)
{
	struct peer *client = &pair.client, *server = &pair.server;
	const cpnp_order *order;

	negotiate_signed();
	order = peer_order(client, "o1");
	TRY(client,
	    cpnp_order_withdraw(
		client->orders, peer_order(client, "o1"), client->now));
	deliver(client, server);
	deliver(server, client);
	ck_assert_int_eq(
	    cpnp_order_agreement_state(order), CPNP_AGREEMENT_ENDED);
}

static void
negotiate_and_decline(void)
{
	struct peer *client = &pair.client, *server = &pair.server;
	cpnp_quotation q = peer_quotation(client, "o1");
	cpnp_offer offer = peer_offer(server, PEER_SERVICE, 300);
	cpnp_order *order;

	TRY(client,
	    cpnp_orders_create(client->orders, &q, &order, client->now));
	TRY(client,
	    cpnp_order_start(client->orders, order, 5, client->now));
	deliver(client, server);
	deliver(server, client);
	TRY(server,
	    cpnp_order_offer(server->orders, peer_order(server, "o1"), &offer,
		server->now));
	deliver(server, client);
	deliver(client, server);
	client->now.wall.sec += 300;
	client->now.mono += CPNP_SECONDS(300);
	TRY(client, handle_expiry(client));
	ck_assert_int_eq(cpnp_order_state(order), CPNP_STATE_CANCELLED);
	/* what is loaded is whole, or not there */
	peer_crash(server);
}

/* With settlement terms, and paid. */
static void
negotiate_and_pay(void)
{
	struct peer *client = &pair.client, *server = &pair.server;
	cpnp_quotation q = peer_quotation(client, "o1");
	cpnp_offer offer = peer_offer(server, PEER_SERVICE_80, 300);
	cpnp_order *order;

	offer.settlement_terms = PEER_TERMS;
	TRY(client,
	    cpnp_orders_create(client->orders, &q, &order, client->now));
	TRY(client,
	    cpnp_order_start(client->orders, order, 5, client->now));
	deliver(client, server);
	deliver(server, client);
	TRY(server,
	    cpnp_order_offer(server->orders, peer_order(server, "o1"), &offer,
		server->now));
	deliver(server, client);
	deliver(client, server);
	TRY(client,
	    cpnp_order_accept_paid(
		client->orders, order, PEER_PAYMENT, client->now));
	deliver(client, server);
	deliver(server, client);
	TRY(server,
	    cpnp_order_paid(
		server->orders, peer_order(server, "o1"), server->now));
	deliver(server, client);
	ck_assert_int_eq(cpnp_order_state(order), CPNP_STATE_COMPLETED);
}

/* Fail each allocation of one side in turn. */
static void
fail_each(bool is_server, bool is_signed, void (*negotiate)(void))
{
	size_t n = 1, asked;

	do {
		pair_init(&pair, CPNP_EDITION_RFC8921, is_signed);
		weak = is_server ? &pair.server : &pair.client;
		failures = 0;
		weak->env.asked = 0;
		weak->env.fail_at = n++;
		negotiate();
		asked = weak->env.asked;
		ck_assert_uint_eq(failures, asked >= weak->env.fail_at);
		pair_fini(&pair);
	} while (asked >= n - 1);
	ck_assert_uint_gt(n, 10);
}

START_TEST(test_client_survives_every_failed_allocation)
{
	fail_each(false, true, negotiate_and_withdraw);
	fail_each(false, false, negotiate_and_decline);
	fail_each(false, false, negotiate_and_pay);
}
END_TEST

START_TEST(test_server_survives_every_failed_allocation)
{
	fail_each(true, true, negotiate_and_withdraw);
	fail_each(true, false, negotiate_and_pay);
}
END_TEST

START_TEST(test_orders_new_survives_every_failed_allocation)
{
	struct peer_env env;
	cpnp_orders_config config;
	cpnp_orders *orders;
	size_t n = 0;
	int err;

	cpnp_orders_config_default(&config);
	do {
		peer_env_init(&env, 1);
		env.fail_at = ++n;
		orders = NULL;
		err = cpnp_orders_new(&orders, &config, &env.env);
		ck_assert(err == 0 || err == CPNP_ERR_NOMEM);
		cpnp_orders_del(orders);
		ck_assert_uint_eq(env.live, 0);
	} while (err != 0);
	ck_assert_uint_gt(n, 3);
}
END_TEST

START_TEST(test_load_survives_every_failed_allocation)
{
	struct peer *p = &pair.server;
	size_t n = 0;
	int err;

	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_server_to(&pair, CPNP_STATE_ACCEPT_RECEIVED);
	do {
		cpnp_orders_drop(p->orders, peer_order(p, "o1"));
		p->env.asked = 0;
		p->env.fail_at = ++n;
		err = peer_load(p, &p->records[0]);
		ck_assert(err == 0 || err == CPNP_ERR_NOMEM);
		p->env.fail_at = 0;
		if (err != 0)
			ck_assert_int_eq(peer_load(p, &p->records[0]), 0);
		peer_drain(p);
	} while (err != 0);
	ck_assert_uint_gt(n, 3);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_client_survives_every_failed_allocation,
	    test_server_survives_every_failed_allocation,
	    test_orders_new_survives_every_failed_allocation,
	    test_load_survives_every_failed_allocation,
	};

	return unit_run("order_failmalloc", tests,
	    sizeof(tests) / sizeof(tests[0]));
}
