/*
 * What every state does with every event, said a second time and held against
 * the code cell by cell: RFC 8921, 8.11, 10 and 11, Figures 8 and 9, and
 * contradictions.md, 5, 9, 10, 11, 12, 17, 27, 30.  The letters of a cell are
 * explained at peer_outcome().
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit_loop.h"

/* A row: an event, how it is made, and its cells. */
enum make {
	BY_MESSAGE,  /* a message of that method, right in every field */
	OTHER_OFFER, /* an OFFER of another service */
	SAME_OFFER,  /* the OFFER under a new number */
	ACK_REQUESTED,
	ACK_EMPTY,
	BY_TIMER,
	BY_COMMAND
};

struct row {
	cpnp_event event;
	enum make make;
	const char *cells[10];
};

#define E(name) CPNP_EVENT_##name

/* Client: Cr, PQOSent, ServerProcessing, OfferProcessing, AcceptSent,
 * Completed, Cancelled (outstanding), Cancelled (settled), and Cancelled by a
 * WITHDRAW (outstanding), (the agreement ended). */
static const cpnp_state client_states[] = {CPNP_STATE_CREATED,
    CPNP_STATE_PQO_SENT, CPNP_STATE_SERVER_PROCESSING,
    CPNP_STATE_OFFER_PROCESSING, CPNP_STATE_ACCEPT_SENT, CPNP_STATE_COMPLETED,
    CPNP_STATE_CANCELLED, CPNP_STATE_CANCELLED, CPNP_STATE_CANCELLED,
    CPNP_STATE_CANCELLED};
enum { CLIENT_SETTLED = 7, CLIENT_WITHDRAWN, CLIENT_ENDED };

#define STATES_10 {"S", "S", "S", "S", "S", "S", "S", "S", "S", "S"}
#define NOTHING_10 {"-", "-", "-", "-", "-", "-", "-", "-", "-", "-"}
#define OFFERED "OP PROCESSING ?offer"
#define CANCELS "CA CANCEL"

static const struct row client_rows[] = {
    {E(RECV_PROCESSING), BY_MESSAGE,
	{"x", "SP", "=", "x", "=", "x", "= CANCEL~", "= CANCEL~", "=", "x"}},
    {E(RECV_OFFER), OTHER_OFFER,
	{"x", OFFERED, OFFERED, "x", "x", "x", "= CANCEL~", "= CANCEL~", "x",
	    "x"}},
    {E(RECV_OFFER), SAME_OFFER,
	{"x", OFFERED, OFFERED, "= PROCESSING~", "= ACCEPT~", "x",
	    "= CANCEL~", "= CANCEL~", "x", "x"}},
    {E(RECV_ACK), BY_MESSAGE,
	{"x", "x", "x", "x", "CO .", "x", "x", "x", "x", "x"}},
    {E(RECV_ACK), ACK_REQUESTED,
	{"x", "x", "x", "x", "x", "x", "= .", "x", "x", "x"}},
    {E(RECV_ACK), ACK_EMPTY,
	{"x", "x", "x", "x", "x", "x", "= .", "x", "CA .", "x"}},
    {E(RECV_FAIL), BY_MESSAGE,
	{"x", "CA .", "CA .", "CA .", "CA .", "x", "= .", "x", "CO .", "x"}},
    {E(RETRANS), BY_TIMER,
	{"-", "= QUOTATION~", "= QUOTATION~", "-", "= ACCEPT~", "-",
	    "= CANCEL~", "-", "= WITHDRAW~", "-"}},
    {E(RESPONSE_EXPIRED), BY_TIMER,
	{"-", CANCELS, CANCELS, "-", "-", "-", "-", "-", "-", "-"}},
    {E(OFFER_EXPIRED), BY_TIMER,
	{"-", "-", CANCELS, "-", "-", "-", "-", "-", "-", "-"}},
    {E(VALIDITY_EXPIRED), BY_TIMER,
	{"-", "-", "-", "CA .", "-", "-", "-", "-", "-", "-"}},
    {E(LINGER_EXPIRED), BY_TIMER,
	{"-", "-", "-", "-", "-", ",", "-", ",", "-", ","}},
    {E(CREATE), BY_COMMAND, STATES_10},
    {E(START), BY_COMMAND,
	{"PS QUOTATION", "S", "S", "S", "S", "S", "S", "S", "S", "S"}},
    {E(OFFER), BY_COMMAND, STATES_10},
    {E(REFUSE), BY_COMMAND, STATES_10},
    {E(ACCEPT), BY_COMMAND,
	{"S", "S", "S", "AS ACCEPT", "S", "S", "S", "S", "S", "S"}},
    {E(DECLINE), BY_COMMAND,
	{"S", "S", "S", "CA DECLINE", "S", "S", "S", "S", "S", "S"}},
    {E(CANCEL), BY_COMMAND,
	{"CA .", CANCELS, CANCELS, CANCELS, CANCELS, "S", "S", "S", "S",
	    "S"}},
    {E(SIGNED), BY_COMMAND, STATES_10},
    {E(SIGN_FAILED), BY_COMMAND, STATES_10},
    {E(WITHDRAW), BY_COMMAND,
	{"S", "S", "S", "S", "S", "CA WITHDRAW", "S", "S", "BUSY", "S"}},
    {E(UPDATE), BY_COMMAND,
	{"S", "S", "S", "S", "S", "PS UPDATE", "S", "S", "BUSY", "S"}},
    {E(ACTIVATE), BY_COMMAND,
	{"S", "S", "S", "S", "S", "= ACTIVATE", "S", "S", "BUSY", "S"}},
    {E(MORE_TIME), BY_COMMAND, STATES_10},
    {E(GRANT), BY_COMMAND, STATES_10},
    {E(SET_ACTIVE), BY_COMMAND, STATES_10},
    {E(SET_INACTIVE), BY_COMMAND, STATES_10},
    {E(PAID), BY_COMMAND, STATES_10},
    {E(NOT_PAID), BY_COMMAND, STATES_10},
    {E(SERVICE_START), BY_TIMER, NOTHING_10},
    {E(SERVICE_END), BY_TIMER, NOTHING_10},
};

/* Server, signing: AwaitingProcessing, OfferProposed, ProcessingReceived,
 * AcceptReceived, Completed, Cancelled, and Cancelled by a WITHDRAW (the
 * agreement ended).  An ACCEPT by hand has no statement, so its ACK has none
 * and is sent at once. */
static const cpnp_state server_states[] = {CPNP_STATE_AWAITING_PROCESSING,
    CPNP_STATE_OFFER_PROPOSED, CPNP_STATE_PROCESSING_RECEIVED,
    CPNP_STATE_ACCEPT_RECEIVED, CPNP_STATE_COMPLETED, CPNP_STATE_CANCELLED,
    CPNP_STATE_CANCELLED};
enum { SERVER_ENDED = 6 };

#define STATES_7 {"S", "S", "S", "S", "S", "S", "S"}
#define F1 "FAIL1!"
#define ENDS "CA ACK ."

static const struct row server_rows[] = {
    {E(RECV_QUOTATION), BY_MESSAGE, {F1, F1, F1, F1, F1, F1, F1}},
    {E(RECV_PROCESSING), BY_MESSAGE, {"x", "PC", "=", "x", "x", "x", "x"}},
    {E(RECV_OFFER), BY_MESSAGE, {"x", "x", "x", "x", "x", "x", "x"}},
    {E(RECV_ACCEPT), BY_MESSAGE,
	{F1, "CO ACK .", "CO ACK .", "= PROCESSING", "= ACK~", "= FAIL1", F1}},
    {E(RECV_DECLINE), BY_MESSAGE, {F1, ENDS, ENDS, F1, F1, "= ACK", F1}},
    {E(RECV_ACK), BY_MESSAGE, {"x", "x", "x", "x", "x", "x", "x"}},
    {E(RECV_CANCEL), BY_MESSAGE,
	{ENDS, ENDS, ENDS, ENDS, "= ACK~", "= ACK", F1}},
    {E(RECV_WITHDRAW), BY_MESSAGE, {F1, F1, F1, F1, ENDS, F1, "= ACK"}},
    {E(RECV_UPDATE), BY_MESSAGE,
	{F1, F1, F1, F1, "AW PROCESSING ?decide", F1, F1}},
    {E(RECV_FAIL), BY_MESSAGE, {"x", "x", "x", "x", "x", "x", "x"}},
    {E(RECV_ACTIVATE), BY_MESSAGE,
	{F1, F1, F1, F1, "= ?decide", F1, F1}},
    {E(RETRANS), BY_TIMER, {"-", "= OFFER~", "-", "-", "-", "-", "-"}},
    {E(RESPONSE_EXPIRED), BY_TIMER, {"-", "-", "-", "-", "-", "-", "-"}},
    {E(OFFER_EXPIRED), BY_TIMER, {"CA FAIL5 .", "-", "-", "-", "-", "-", "-"}},
    {E(VALIDITY_EXPIRED), BY_TIMER, {"-", "CA .", "CA .", "-", "-", "-", "-"}},
    {E(LINGER_EXPIRED), BY_TIMER, {"-", "-", "-", "-", ",", ",", ","}},
    {E(CREATE), BY_COMMAND, {"S", "S", "S", "S", "S", "S", "S"}},
    {E(START), BY_COMMAND, {"S", "S", "S", "S", "S", "S", "S"}},
    {E(OFFER), BY_COMMAND, {"= ?sign", "S", "S", "S", "S", "S", "S"}},
    {E(REFUSE), BY_COMMAND, {"CA FAIL6 .", "S", "S", "S", "S", "S", "S"}},
    {E(ACCEPT), BY_COMMAND, {"S", "S", "S", "S", "S", "S", "S"}},
    {E(DECLINE), BY_COMMAND, {"S", "S", "S", "S", "S", "S", "S"}},
    {E(CANCEL), BY_COMMAND, {"S", "S", "S", "S", "S", "S", "S"}},
    {E(SIGNED), BY_COMMAND, {"S", "S", "S", "CO ACK .", "S", "S", "S"}},
    {E(SIGN_FAILED), BY_COMMAND, {"S", "S", "S", "-", "S", "S", "S"}},
    {E(WITHDRAW), BY_COMMAND, STATES_7},
    {E(UPDATE), BY_COMMAND, STATES_7},
    {E(ACTIVATE), BY_COMMAND, STATES_7},
    {E(MORE_TIME), BY_COMMAND,
	{"= PROCESSING", "S", "S", "S", "S", "S", "S"}},
    {E(GRANT), BY_COMMAND, STATES_7},
    {E(SET_ACTIVE), BY_COMMAND, {"S", "S", "S", "S", "CO", "S", "S"}},
    {E(SET_INACTIVE), BY_COMMAND, {"S", "S", "S", "S", "-", "S", "S"}},
    {E(PAID), BY_COMMAND, STATES_7},
    {E(NOT_PAID), BY_COMMAND, STATES_7},
    {E(SERVICE_START), BY_TIMER, {"-", "-", "-", "-", "-", "-", "-"}},
    {E(SERVICE_END), BY_TIMER, {"-", "-", "-", "-", "-", "-", "-"}},
};

static int
feed_message(struct peer *p, const struct row *row)
{
	cpnp_msg msg = peer_hand(p, "o1", (cpnp_method)row->event);

	if (row->event == CPNP_EVENT_RECV_UPDATE ||
	    row->event == CPNP_EVENT_RECV_ACTIVATE)
		msg.transaction_id = CPNP_BYTES_LIT("transaction2");
	if (row->make == OTHER_OFFER)
		msg.service_description = PEER_SERVICE;
	if (row->make == ACK_REQUESTED)
		msg.service_description = PEER_SERVICE;
	if (row->make == ACK_EMPTY)
		msg.service_description =
		    CPNP_BYTES_LIT("\x82\x19\x03\xe8\x80");
	return peer_feed_msg(p, &msg);
}

static int
feed_timer(struct peer *p, cpnp_event event)
{
	struct order_step s = {.orders = p->orders,
	    .order = peer_order(p, "o1"),
	    .event = event,
	    .now = p->now};
	int err = cpnp_step_run(&s);

	peer_drain(p);
	return err;
}

static int
command_signed(struct peer *p)
{
	uint8_t store[CPNP_STATEMENT_MAX];
	cpnp_bytes payload = {p->payload, p->payload_len};

	if (payload.len == 0)
		payload = CPNP_BYTES_LIT("\xa0");
	return cpnp_order_signed(p->orders, peer_order(p, "o1"),
	    peer_statement(payload, p->name, store), CPNP_BYTES_NONE, p->now);
}

static int
feed_command(struct peer *p, cpnp_event event)
{
	cpnp_order *order = peer_order(p, "o1");
	cpnp_offer offer = peer_offer(p, PEER_SERVICE, 100);
	int err = CPNP_ERR_STATE;

	if (event == CPNP_EVENT_START)
		err = cpnp_order_start(p->orders, order, 5, p->now);
	else if (event == CPNP_EVENT_OFFER)
		err = cpnp_order_offer(p->orders, order, &offer, p->now);
	else if (event == CPNP_EVENT_REFUSE)
		err = cpnp_order_refuse(p->orders, order,
		    CPNP_STATUS_NETWORK_PRESENCE, NULL, 0, p->now);
	else if (event == CPNP_EVENT_ACCEPT)
		err = cpnp_order_accept(p->orders, order, p->now);
	else if (event == CPNP_EVENT_DECLINE)
		err = cpnp_order_decline(p->orders, order, NULL, 0, p->now);
	else if (event == CPNP_EVENT_CANCEL)
		err = cpnp_order_cancel(p->orders, order, p->now);
	else if (event == CPNP_EVENT_WITHDRAW)
		err = cpnp_order_withdraw(p->orders, order, p->now);
	else if (event == CPNP_EVENT_MORE_TIME)
		err = cpnp_order_more_time(p->orders, order,
		    (cpnp_wtime){p->now.wall.sec + 400}, CPNP_SUBCODE_NONE,
		    p->now);
	else if (event == CPNP_EVENT_UPDATE)
		err = cpnp_order_update(
		    p->orders, order, &(cpnp_update){PEER_UPDATE(p)}, p->now);
	else if (event == CPNP_EVENT_ACTIVATE)
		err = cpnp_order_activate(
		    p->orders, order, &(cpnp_schedule){0}, p->now);
	else if (event == CPNP_EVENT_GRANT)
		err = cpnp_order_grant(p->orders, order, p->now);
	else if (event == CPNP_EVENT_SET_ACTIVE ||
	    event == CPNP_EVENT_SET_INACTIVE)
		err = cpnp_order_set_active(p->orders, order,
		    event == CPNP_EVENT_SET_ACTIVE, p->now);
	else if (event == CPNP_EVENT_SIGNED)
		err = command_signed(p);
	else if (event == CPNP_EVENT_SIGN_FAILED)
		err = cpnp_order_sign_failed(p->orders, order, p->now);
	else
		err = feed_timer(p, event);
	peer_drain(p);
	return err;
}

static int
feed(struct peer *p, const struct row *row)
{
	if (row->make == BY_TIMER)
		return feed_timer(p, row->event);
	if (row->make == BY_COMMAND)
		return feed_command(p, row->event);
	return feed_message(p, row);
}

static void
check_cell(const struct row *row, cpnp_edition edition, bool is_server,
    size_t column)
{
	const cpnp_state *states = is_server ? server_states : client_states;
	struct pair pair;
	struct peer *p = is_server ? &pair.server : &pair.client;
	const char *outcome;
	int err;

	if (edition == CPNP_EDITION_DRAFT02 &&
	    (row->event == CPNP_EVENT_RECV_ACTIVATE ||
		row->event == CPNP_EVENT_ACTIVATE ||
		row->event == CPNP_EVENT_MORE_TIME))
		return;
	pair_init(&pair, edition, is_server);
	if (is_server ? column == SERVER_ENDED : column >= CLIENT_WITHDRAWN) {
		pair_client_to(&pair, CPNP_STATE_COMPLETED);
		pair_withdraw(&pair, is_server || column == CLIENT_ENDED);
		peer_clear(p);
	} else if (is_server)
		pair_server_to(&pair, states[column]);
	else
		pair_client_to(&pair, states[column]);
	if (!is_server && column == CLIENT_SETTLED) {
		cpnp_msg ack = peer_hand(p, "o1", CPNP_METHOD_ACK);

		ack.sequence_number--;
		ack.hop_limit--;
		ack.service_description = PEER_SERVICE;
		ck_assert_int_eq(peer_feed_msg(p, &ack), 0);
		peer_clear(p);
	}
	err = feed(p, row);
	outcome = peer_outcome(p, err);
	ck_assert_msg(strcmp(outcome, row->cells[column]) == 0,
	    "%s %s, %s, make %d, column %zu: \"%s\" (%s), expected \"%s\"",
	    cpnp_edition_name(edition), is_server ? "server" : "client",
	    cpnp_event_name(row->event), (int)row->make, column, outcome,
	    cpnp_error_name(err), row->cells[column]);
	pair_fini(&pair);
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
check_client(cpnp_edition edition)
{
	for (size_t i = 0; i < N(client_rows); i++)
		for (size_t j = 0; j < N(client_states); j++)
			check_cell(&client_rows[i], edition, false, j);
}

static void
check_server(cpnp_edition edition)
{
	for (size_t i = 0; i < N(server_rows); i++)
		for (size_t j = 0; j < N(server_states); j++)
			check_cell(&server_rows[i], edition, true, j);
}

START_TEST(test_client_table_rfc8921)
{
	check_client(CPNP_EDITION_RFC8921);
}
END_TEST

START_TEST(test_client_table_draft02)
{
	check_client(CPNP_EDITION_DRAFT02);
}
END_TEST

START_TEST(test_server_table_rfc8921)
{
	check_server(CPNP_EDITION_RFC8921);
}
END_TEST

START_TEST(test_server_table_draft02)
{
	check_server(CPNP_EDITION_DRAFT02);
}
END_TEST

/* Every event is in each table, or is a message to the other role. */
START_TEST(test_tables_name_every_event)
{
	static const cpnp_event events[] = {
#define X(NAME, value, text) CPNP_EVENT_##NAME,
	    CPNP_EVENT_MAP(X)
#undef X
	};

	for (size_t i = 0; i < N(events); i++) {
		bool client = false, server = false;

		for (size_t j = 0; j < N(client_rows); j++)
			client = client || client_rows[j].event == events[i];
		for (size_t j = 0; j < N(server_rows); j++)
			server = server || server_rows[j].event == events[i];
		ck_assert_msg(server, "%s", cpnp_event_name(events[i]));
		ck_assert_msg(client ||
			cpnp_msg_is_request((cpnp_method)events[i]),
		    "%s", cpnp_event_name(events[i]));
	}
}
END_TEST

/* RFC 8921, Table 6: what is wrong in a request, and the answer. */
struct wrong {
	cpnp_method method;
	const char *what;
	const char *outcome;
};

static const struct wrong wrongs[] = {
    {CPNP_METHOD_ACCEPT, "nonce", F1},
    {CPNP_METHOD_ACCEPT, "provider", F1},
    {CPNP_METHOD_ACCEPT, "transaction", F1},
    {CPNP_METHOD_ACCEPT, "customer", F1},
    {CPNP_METHOD_ACCEPT, "service", F1},
    {CPNP_METHOD_ACCEPT, "cost", F1},
    {CPNP_METHOD_ACCEPT, "edition", F1},
    {CPNP_METHOD_ACCEPT, "sequence", "x"},
    {CPNP_METHOD_DECLINE, "nonce", F1},
    {CPNP_METHOD_DECLINE, "provider", F1},
    {CPNP_METHOD_DECLINE, "transaction", F1},
    {CPNP_METHOD_DECLINE, "customer", F1},
    {CPNP_METHOD_DECLINE, "sequence", "x"},
    {CPNP_METHOD_CANCEL, "transaction", F1},
    {CPNP_METHOD_CANCEL, "customer", F1},
    {CPNP_METHOD_CANCEL, "sequence", "x"},
    {CPNP_METHOD_PROCESSING, "provider", "x"},
    {CPNP_METHOD_PROCESSING, "transaction", "x"},
    {CPNP_METHOD_PROCESSING, "customer", "x"},
    {CPNP_METHOD_PROCESSING, "sequence", "x"},
    {CPNP_METHOD_QUOTATION, "transaction", F1},
    {CPNP_METHOD_ACCEPT, "swapped", F1},
    {CPNP_METHOD_PROCESSING, "swapped", "x"},
};

static void
spoil(cpnp_msg *msg, const char *what)
{
	cpnp_bytes id = msg->customer_order_id;

	if (strcmp(what, "nonce") == 0)
		msg->nonce = CPNP_BYTES_LIT("0123456789abcdeX");
	else if (strcmp(what, "provider") == 0)
		msg->provider_order_id = CPNP_BYTES_LIT("P-other");
	else if (strcmp(what, "transaction") == 0)
		msg->transaction_id = CPNP_BYTES_LIT("transaction2");
	else if (strcmp(what, "customer") == 0)
		msg->customer_order_id = CPNP_BYTES_LIT("o2");
	else if (strcmp(what, "service") == 0)
		msg->service_description = PEER_SERVICE;
	else if (strcmp(what, "cost") == 0)
		msg->options.cost.amount++;
	else if (strcmp(what, "sequence") == 0)
		msg->sequence_number = 0;
	else if (strcmp(what, "edition") == 0) {
		msg->edition = CPNP_EDITION_DRAFT02;
		msg->present &= ~CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	} else if (strcmp(what, "swapped") == 0) {
		msg->customer_order_id = msg->provider_order_id;
		msg->provider_order_id = id;
	}
}

/* R1, C25, C35, R12; contradictions.md, 7. */
START_TEST(test_server_validation_table)
{
	const struct wrong *w = &wrongs[_i];
	struct pair pair;
	cpnp_msg msg;
	int err;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_server_to(&pair, CPNP_STATE_OFFER_PROPOSED);
	msg = peer_hand(&pair.server, "o1", w->method);
	spoil(&msg, w->what);
	err = peer_feed_msg(&pair.server, &msg);
	ck_assert_msg(
	    strcmp(peer_outcome(&pair.server, err), w->outcome) == 0,
	    "%s with wrong %s: %s", cpnp_method_name(msg.edition, w->method),
	    w->what, peer_outcome(&pair.server, err));
	if (strcmp(w->what, "swapped") == 0)
		ck_assert_int_eq(err, CPNP_ERR_SWAPPED);
	ck_assert_int_eq(cpnp_order_state(peer_order(&pair.server, "o1")),
	    CPNP_STATE_OFFER_PROPOSED);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, 10.2 and 11.2.2, C25, C32: a WITHDRAW that fails a check leaves
 * the agreement as it was. */
START_TEST(test_withdraw_validation)
{
	static const char *const whats[] = {
	    "nonce", "provider", "customer", "edition", "swapped"};
	struct pair pair;
	struct peer *p = &pair.server;
	cpnp_msg msg;
	int err;

	for (size_t i = 0; i < N(whats); i++) {
		pair_init(&pair, CPNP_EDITION_RFC8921, false);
		pair_server_to(&pair, CPNP_STATE_COMPLETED);
		msg = peer_hand(p, "o1", CPNP_METHOD_WITHDRAW);
		msg.transaction_id = CPNP_BYTES_LIT("transaction2");
		spoil(&msg, whats[i]);
		err = peer_feed_msg(p, &msg);
		ck_assert_msg(strcmp(peer_outcome(p, err), F1) == 0,
		    "wrong %s: %s", whats[i], peer_outcome(p, err));
		ck_assert_int_eq(
		    cpnp_order_agreement_state(peer_order(p, "o1")),
		    CPNP_AGREEMENT_COMPLETED);
		pair_fini(&pair);
	}
}
END_TEST

/* A wrong nonce and an unknown order are answered with the same bytes. */
START_TEST(test_07_bad_nonce_looks_like_unknown_order)
{
	struct pair pair;
	struct peer *p = &pair.server;
	cpnp_msg msg;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_server_to(&pair, CPNP_STATE_OFFER_PROPOSED);
	msg = peer_hand(p, "o1", CPNP_METHOD_DECLINE);
	spoil(&msg, "nonce");
	ck_assert_int_eq(peer_feed_msg(p, &msg), CPNP_ERR_NONCE);
	/* As unknown as it gets: another customer asks for it. */
	p->other = "rival.example";
	msg.nonce = CPNP_BYTES_LIT("0123456789abcdef");
	ck_assert_int_eq(peer_feed_msg(p, &msg), CPNP_ERR_UNKNOWN_ORDER);
	p->other = "acme.example";
	ck_assert_uint_eq(p->outbox_n, 2);
	unit_assert_bytes((cpnp_bytes){p->outbox[0].bytes, p->outbox[0].len},
	    (cpnp_bytes){p->outbox[1].bytes, p->outbox[1].len});
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_client_table_rfc8921,
	    test_client_table_draft02, test_server_table_rfc8921,
	    test_server_table_draft02, test_tables_name_every_event,
	    test_withdraw_validation,
	    test_07_bad_nonce_looks_like_unknown_order};
	const struct unit_loop loop = {
	    test_server_validation_table, N(wrongs)};

	return unit_run_loop("order_table", tests, N(tests), &loop);
}
