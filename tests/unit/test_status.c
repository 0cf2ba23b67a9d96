/*
 * The status codes of a FAIL (RFC 8921, Table 4; draft-02, 9.2.10; C34, C45,
 * R6; contradictions.md, 7), each in a situation that calls for it, with the
 * number that stands on the wire in either edition and what the other side
 * makes of it; and the reasons of a DECLINE (RFC 8921, Table 3; R5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../peer/peer.h"
#include "unit.h"

#define STATUS_CODE 12 /* the attribute, cpnp-wire(7) */

/* The number of the STATUS_CODE in a message. */
static uint64_t
code_on_the_wire(const struct peer_mail *mail)
{
	uint64_t code = 0;
	cpnp_cbor_rd rd;
	size_t n;

	cpnp_cbor_rd_init(&rd, (cpnp_bytes){mail->bytes, mail->len});
	(void)cpnp_cbor_get_array(&rd, 3, 3);
	(void)cpnp_cbor_get_uint(&rd, 0, UINT64_MAX);
	(void)cpnp_cbor_get_uint(&rd, 0, UINT64_MAX);
	for (n = cpnp_cbor_get_map(&rd, 0, CPNP_ATTRS_MAX); n > 0; n--) {
		if (cpnp_cbor_get_int(&rd, INT64_MIN, INT64_MAX) ==
		    STATUS_CODE)
			code = cpnp_cbor_get_uint(&rd, 1, UINT64_MAX);
		else
			(void)cpnp_cbor_get_item(&rd);
	}
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), 0);
	return code;
}

/* The only message of a side is a FAIL of that number. */
static void
assert_code(const struct peer *p, unsigned code)
{
	ck_assert_uint_eq(p->outbox_n, 1);
	ck_assert_int_eq(p->outbox[0].method, CPNP_METHOD_FAIL);
	ck_assert_uint_eq(code_on_the_wire(&p->outbox[0]), code);
}

static void
check_refusal(
    cpnp_edition edition, cpnp_status decided, unsigned code, cpnp_status seen)
{
	struct pair pair;
	struct peer *server = &pair.server, *client = &pair.client;
	cpnp_order *order;

	pair_init(&pair, edition, false);
	pair_server_to(&pair, CPNP_STATE_AWAITING_PROCESSING);
	ck_assert_int_eq(cpnp_order_refuse(server->orders,
			     peer_order(server, "o1"), decided, NULL, 0,
			     server->now),
	    0);
	peer_drain(server);
	assert_code(server, code);
	(void)pair_to_client(&pair);
	order = peer_order(client, "o1");
	ck_assert_int_eq(cpnp_order_state(order), CPNP_STATE_CANCELLED);
	ck_assert_int_eq(cpnp_order_status(order), seen);
	pair_fini(&pair);
}

/* What a server decides comes out as the edition has it. */
START_TEST(test_07_status_of_a_refusal_in_each_edition)
{
	static const struct {
		cpnp_status decided;
		unsigned code[2];
		cpnp_status seen_draft02;
	} table[] = {
	    {CPNP_STATUS_MESSAGE_VALIDATION, {1, 1},
		CPNP_STATUS_MESSAGE_VALIDATION},
	    {CPNP_STATUS_AUTHENTICATION_REQUIRED, {2, 2},
		CPNP_STATUS_AUTHENTICATION_REQUIRED},
	    {CPNP_STATUS_AUTHORIZATION_FAILED, {3, 3},
		CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED},
	    {CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED, {3, 4},
		CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED},
	    {CPNP_STATUS_OUT_OF_RESOURCES, {4, 5},
		CPNP_STATUS_OUT_OF_RESOURCES},
	    {CPNP_STATUS_NETWORK_PRESENCE, {5, 6},
		CPNP_STATUS_NETWORK_PRESENCE},
	    {CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE, {1, 8},
		CPNP_STATUS_MESSAGE_VALIDATION},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		check_refusal(CPNP_EDITION_DRAFT02, table[i].decided,
		    table[i].code[0], table[i].seen_draft02);
		check_refusal(CPNP_EDITION_RFC8921, table[i].decided,
		    table[i].code[1], table[i].decided);
	}
}
END_TEST

static const cpnp_edition editions[] = {
    CPNP_EDITION_DRAFT02, CPNP_EDITION_RFC8921};

/* 1, of a message that does not pass validation. */
START_TEST(test_status_1_message_validation_error)
{
	struct pair pair;
	cpnp_msg msg;

	for (size_t i = 0; i < 2; i++) {
		pair_init(&pair, editions[i], false);
		pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
		msg = peer_hand(&pair.server, "o1", CPNP_METHOD_ACCEPT);
		msg.nonce = CPNP_BYTES_LIT("0123456789abcdeX");
		(void)peer_feed_msg(&pair.server, &msg);
		assert_code(&pair.server, 1);
		pair_fini(&pair);
	}
}
END_TEST

/* 2, of an ACCEPT that has to be signed and is not. */
START_TEST(test_status_2_authentication_required)
{
	struct pair pair;
	cpnp_msg msg;

	for (size_t i = 0; i < 2; i++) {
		pair_init(&pair, editions[i], false);
		pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
		pair.server.require_statement = true;
		msg = peer_hand(&pair.server, "o1", CPNP_METHOD_ACCEPT);
		(void)peer_feed_msg(&pair.server, &msg);
		assert_code(&pair.server, 2);
		ck_assert_int_eq(
		    cpnp_order_state(peer_order(&pair.server, "o1")),
		    CPNP_STATE_PROCESSING_RECEIVED);
		pair_fini(&pair);
	}
}
END_TEST

/* 3, of an order by somebody who may not place one; draft-02 has but one
 * code for both kinds of no. */
START_TEST(test_status_3_authorization_failed)
{
	struct pair pair;

	for (size_t i = 0; i < 2; i++) {
		pair_init(&pair, editions[i], false);
		pair_client_to(&pair, CPNP_STATE_PQO_SENT);
		pair.server.may_order = false;
		(void)peer_feed(&pair.server, "acme.example",
		    cpnp_order_doc(
			peer_order(&pair.client, "o1"), CPNP_DOC_REQUEST));
		assert_code(&pair.server, 3);
		pair_fini(&pair);
	}
}
END_TEST

/* 5, when nothing was decided in time. */
START_TEST(test_status_5_out_of_resources)
{
	static const unsigned codes[] = {4, 5};
	struct pair pair;

	for (size_t i = 0; i < 2; i++) {
		pair_init(&pair, editions[i], false);
		pair_server_to(&pair, CPNP_STATE_AWAITING_PROCESSING);
		peer_advance(&pair.server, CPNP_SECONDS(60));
		assert_code(&pair.server, codes[i]);
		pair_fini(&pair);
	}
}
END_TEST

/* 7, by a client that cannot wait so long; there is no such thing in
 * draft-02. */
START_TEST(test_status_7_more_time_rejected)
{
	struct pair pair;
	struct peer *server = &pair.server;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_server_to(&pair, CPNP_STATE_AWAITING_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_more_time(server->orders, peer_order(server, "o1"),
		(cpnp_wtime){server->now.wall.sec + 3600}, CPNP_SUBCODE_NONE,
		server->now),
	    0);
	peer_drain(server);
	(void)pair_to_client(&pair);
	assert_code(&pair.client, 7);
	pair_fini(&pair);
}
END_TEST

/* The detail of the STORE that a DECLINE makes. */
static const char *
decline_for(const cpnp_reason *reasons, size_t n)
{
	static struct pair pair;
	const char *detail = NULL;
	struct peer *client = &pair.client, *server = &pair.server;
	cpnp_effect effect;
	cpnp_msg msg;
	cpnp_input input = {.msg = &msg,
	    .identity = CPNP_BYTES_LIT("acme.example"),
	    .peer = 7};

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
	ck_assert_int_eq(cpnp_order_decline(client->orders, client->offer,
			     reasons, n, client->now),
	    0);
	peer_drain(client);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     (cpnp_bytes){client->outbox[0].bytes,
				 client->outbox[0].len},
			     NULL),
	    0);
	ck_assert_uint_eq(msg.reasons_n, n);
	ck_assert_int_eq(
	    cpnp_orders_recv(server->orders, &input, server->now), 0);
	while (cpnp_orders_next(server->orders, &effect))
		if (effect.type == CPNP_EFFECT_STORE)
			detail = effect.u.store.detail;
	pair_fini(&pair);
	return detail;
}

/* R5, RFC 8921, 9.2.5: each reason and each set of them is kept. */
START_TEST(test_17_reasons_of_a_decline_are_in_the_history)
{
	static const char *const words[] = {
	    "unacceptable gap", "conflict", "activation type"};
	cpnp_reason reasons[3];

	for (unsigned set = 0; set < 8; set++) {
		const char *detail;
		size_t n = 0;

		for (unsigned bit = 0; bit < 3; bit++)
			if ((set & 1u << bit) != 0)
				reasons[n++] = (cpnp_reason)(bit + 1);
		detail = decline_for(reasons, n);
		if (set == 0)
			ck_assert_ptr_null(detail);
		for (unsigned bit = 0; set != 0 && bit < 3; bit++)
			ck_assert_msg((strstr(detail, words[bit]) != NULL) ==
				((set & 1u << bit) != 0),
			    "%u: %s", set, detail);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_07_status_of_a_refusal_in_each_edition,
	    test_status_1_message_validation_error,
	    test_status_2_authentication_required,
	    test_status_3_authorization_failed,
	    test_status_5_out_of_resources,
	    test_status_7_more_time_rejected,
	    test_17_reasons_of_a_decline_are_in_the_history};

	return unit_run("status", tests, sizeof(tests) / sizeof(tests[0]));
}
