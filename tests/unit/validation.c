/*
 * A row of a validation table: bring an order into the state, spoil one field
 * of a right message, feed it, and look at what came of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "validation.h"

#include "../../lib/core/order_int.h"

#define EMPTY_SERVICE CPNP_BYTES_LIT("\x82\x19\x03\xe8\x80")
#define OTHER_SERVICE CPNP_BYTES_LIT("\x82\x19\x03\xe8\xa1\x01\x18\x63")

static const char *const wrong_names[] = {
#define X(NAME, text) text,
    VALIDATION_WRONG_MAP(X)
#undef X
};

/* ---- situations --------------------------------------------------------- */

struct situation {
	const char *name;
	cpnp_state state;
};

static bool
is_named(const char *a, const char *b)
{
	return strncmp(a, b, 2) == 0;
}

static const cpnp_schedule at_once = {0};

static cpnp_state
find_state(const struct situation *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (is_named(table[i].name, name))
			return table[i].state;
	ck_abort_msg("there is no situation %s", name);
}

/* An UPDATE as far as the name says; both sides know the same names. */
static void
reach_update(struct pair *pair, const char *name)
{
	static const struct situation table[] = {{"UP", CPNP_STATE_PQO_SENT},
	    {"US", CPNP_STATE_SERVER_PROCESSING},
	    {"UO", CPNP_STATE_OFFER_PROCESSING},
	    {"UA", CPNP_STATE_ACCEPT_SENT}, {"UC", CPNP_STATE_COMPLETED}};

	pair_client_to(pair, CPNP_STATE_COMPLETED);
	pair_update(pair,
	    find_state(table, sizeof(table) / sizeof(table[0]), name));
}

static void
settle_client(struct pair *pair)
{
	(void)pair_to_server(pair);
	(void)pair_to_client(pair);
}

static void
reach_client(struct pair *pair, const char *name)
{
	static const struct situation table[] = {{"CR", CPNP_STATE_CREATED},
	    {"PS", CPNP_STATE_PQO_SENT}, {"SP", CPNP_STATE_SERVER_PROCESSING},
	    {"OP", CPNP_STATE_OFFER_PROCESSING},
	    {"AS", CPNP_STATE_ACCEPT_SENT}, {"CO", CPNP_STATE_COMPLETED},
	    {"CD", CPNP_STATE_OFFER_PROCESSING},
	    {"CS", CPNP_STATE_OFFER_PROCESSING},
	    {"CA", CPNP_STATE_CANCELLED}, {"WD", CPNP_STATE_COMPLETED},
	    {"EN", CPNP_STATE_COMPLETED}, {"AO", CPNP_STATE_COMPLETED},
	    {"AG", CPNP_STATE_COMPLETED}};
	struct peer *p = &pair->client;

	pair_client_to(pair,
	    find_state(table, sizeof(table) / sizeof(table[0]), name));
	if (is_named(name, "WD") || is_named(name, "EN"))
		pair_withdraw(pair, is_named(name, "EN"));
	if (is_named(name, "AO") || is_named(name, "AG"))
		pair_activate(pair, &at_once, is_named(name, "AG"));
	if (!is_named(name, "CD") && !is_named(name, "CS"))
		return;
	ck_assert_int_eq(
	    cpnp_order_decline(p->orders, p->offer, NULL, 0, p->now), 0);
	peer_drain(p);
	if (is_named(name, "CS"))
		settle_client(pair);
}

static void
ask_for_time(struct peer *p)
{
	ck_assert_int_eq(cpnp_order_more_time(p->orders, peer_order(p, "o1"),
			     (cpnp_wtime){p->now.wall.sec + 300},
			     CPNP_SUBCODE_NONE, p->now),
	    0);
	peer_drain(p);
}

static void
reach_server(struct pair *pair, const char *name)
{
	static const struct situation table[] = {
	    {"AW", CPNP_STATE_AWAITING_PROCESSING},
	    {"OF", CPNP_STATE_OFFER_PROPOSED},
	    {"PC", CPNP_STATE_PROCESSING_RECEIVED},
	    {"AR", CPNP_STATE_ACCEPT_RECEIVED}, {"CO", CPNP_STATE_COMPLETED},
	    {"CA", CPNP_STATE_CANCELLED}, {"EN", CPNP_STATE_COMPLETED},
	    {"AO", CPNP_STATE_COMPLETED}, {"AG", CPNP_STATE_COMPLETED}};

	if (is_named(name, "--"))
		return;
	if (is_named(name, "MT")) {
		pair_server_to(pair, CPNP_STATE_AWAITING_PROCESSING);
		ask_for_time(&pair->server);
		return;
	}
	pair_server_to(pair,
	    find_state(table, sizeof(table) / sizeof(table[0]), name));
	if (is_named(name, "EN"))
		pair_withdraw(pair, true);
	if (is_named(name, "AO") || is_named(name, "AG"))
		pair_activate(pair, &at_once, is_named(name, "AG"));
	if (is_named(name, "AO"))
		(void)pair_to_server(pair);
}

void
validation_reach(struct pair *pair, cpnp_edition edition, bool is_server,
    const char *situation)
{
	/* AcceptReceived lasts only as long as a signature is awaited. */
	pair_init(pair, edition, is_named(situation, "AR"));
	if (situation[0] == 'U')
		reach_update(pair, situation);
	else if (is_server)
		reach_server(pair, situation);
	else
		reach_client(pair, situation);
	peer_clear(&pair->client);
	peer_clear(&pair->server);
}

/* ---- messages ----------------------------------------------------------- */

static cpnp_msg
first_quotation(cpnp_edition edition)
{
	cpnp_msg msg = {.edition = edition,
	    .method = CPNP_METHOD_QUOTATION,
	    .sequence_number = 5,
	    .transaction_id = CPNP_BYTES_LIT("transaction1"),
	    .customer_order_id = CPNP_BYTES_LIT("o1"),
	    .service_description = PEER_SERVICE};

	for (unsigned attr = 0; attr < CPNP_ATTR_END; attr++)
		if (cpnp_grammar(edition, msg.method, (cpnp_attr)attr) ==
		    CPNP_MANDATORY)
			msg.present |= CPNP_ATTR_BIT(attr);
	return msg;
}

static bool
is_on_agreement(cpnp_method method)
{
	return method == CPNP_METHOD_WITHDRAW ||
	    method == CPNP_METHOD_UPDATE || method == CPNP_METHOD_ACTIVATE;
}

/* The right message. */
static cpnp_msg
make(const struct peer *p, const struct validation *v, cpnp_edition edition)
{
	const cpnp_order *order = peer_order(p, "o1");
	cpnp_msg msg;

	if (order == NULL)
		return first_quotation(edition);
	msg = peer_hand(p, "o1", v->method);
	/* A transaction of its own; where one has ended the agreement, the
	 * same again. */
	if (is_on_agreement(v->method) &&
	    order->now.kind == ORDER_KIND_QUOTATION)
		msg.transaction_id = CPNP_BYTES_LIT("transaction2");
	return msg;
}

static void
set_service(cpnp_msg *msg, cpnp_bytes service)
{
	msg->service_description = service;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
}

static void
swap_ids(cpnp_msg *msg)
{
	cpnp_bytes id = msg->customer_order_id;

	msg->customer_order_id = msg->provider_order_id;
	msg->provider_order_id = id;
}

static void
lengthen_nonce(cpnp_msg *msg)
{
	static uint8_t longer[CPNP_NONCE_MAX];

	ck_assert_uint_lt(msg->nonce.len, sizeof(longer));
	memcpy(longer, msg->nonce.ptr, msg->nonce.len);
	msg->nonce = (cpnp_bytes){longer, msg->nonce.len + 1};
}

/* The same message in the other edition, if that has it. */
static void
change_edition(cpnp_msg *msg)
{
	msg->edition = msg->edition == CPNP_EDITION_RFC8921
	    ? CPNP_EDITION_DRAFT02
	    : CPNP_EDITION_RFC8921;
	msg->present ^= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	if (cpnp_grammar(msg->edition, msg->method, CPNP_ATTR_NONCE) ==
	    CPNP_MANDATORY)
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_NONCE);
}

static void
spoil(cpnp_msg *msg, enum validation_wrong wrong, const cpnp_order *order)
{
	switch (wrong) {
	case WRONG_TRANSACTION:
		msg->transaction_id = CPNP_BYTES_LIT("transaction3");
		break;
	case WRONG_CUSTOMER:
		msg->customer_order_id = CPNP_BYTES_LIT("o2");
		break;
	case WRONG_NO_NONCE_PROVIDER:
		msg->present &= ~CPNP_ATTR_BIT(CPNP_ATTR_NONCE);
		msg->provider_order_id = CPNP_BYTES_LIT("P-other");
		break;
	case WRONG_PROVIDER:
		msg->provider_order_id = CPNP_BYTES_LIT("P-other");
		break;
	case WRONG_SWAPPED:
		swap_ids(msg);
		break;
	case WRONG_NONCE:
		msg->nonce = CPNP_BYTES_LIT("0123456789abcdeX");
		break;
	case WRONG_NONCE_LONGER:
		lengthen_nonce(msg);
		break;
	case WRONG_NO_NONCE:
		msg->present &= ~CPNP_ATTR_BIT(CPNP_ATTR_NONCE);
		break;
	case WRONG_SERVICE:
		set_service(msg, OTHER_SERVICE);
		break;
	case WRONG_EMPTY:
		set_service(msg, EMPTY_SERVICE);
		break;
	case WRONG_REQUESTED:
		set_service(msg, PEER_SERVICE);
		break;
	case WRONG_COST:
		msg->options.cost.amount++;
		break;
	case WRONG_ACTIVATION:
		msg->activation_type = CPNP_ACTIVATION_SCHEDULED;
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_TYPE);
		break;
	case WRONG_EDITION:
		change_edition(msg);
		break;
	case WRONG_LOWER:
		msg->sequence_number = order->now.in_seq - 1;
		break;
	case WRONG_EQUAL:
		msg->sequence_number = order->now.in_seq;
		break;
	case WRONG_COOKIE:
		msg->status = CPNP_STATUS_AUTHENTICATION_REQUIRED;
		msg->cookie = CPNP_BYTES_LIT("0123456789abcdef");
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_COOKIE);
		break;
	case WRONG_LATER:
		msg->expected_offer_time.sec = order->now.offer_time.sec + 60;
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_OFFER_TIME);
		break;
	case WRONG_RIGHT:
	case WRONG_ADDRESS:
	case WRONG_IDENTITY:
	case WRONG_FORBIDDEN:
	case WRONG_END:
		break;
	}
}

static int
feed(struct peer *p, const cpnp_msg *msg, enum validation_wrong wrong)
{
	static uint8_t store[CPNP_MSG_MAX];
	cpnp_buf buf;
	int err;

	if (wrong == WRONG_ADDRESS)
		p->handle += 100;
	p->may_order = wrong != WRONG_FORBIDDEN;
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_msg_encode(msg, &buf, NULL), 0);
	err = peer_feed(p,
	    wrong == WRONG_IDENTITY ? "rival.example" : p->other,
	    cpnp_buf_bytes(&buf));
	return err;
}

/* ---- what came of it ---------------------------------------------------- */

/* Everything that an order is, as one string of bytes. */
struct snapshot {
	uint8_t bytes[16384];
	size_t len;
	size_t count;
	size_t records;
};

static void
take(struct snapshot *shot, const struct peer *p)
{
	const cpnp_order *order = peer_order(p, "o1");
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, shot->bytes, sizeof(shot->bytes));
	if (order != NULL) {
		ck_assert_int_eq(cpnp_order_save(order, &buf), 0);
		for (int doc = 0; doc < CPNP_DOC_END; doc++)
			cpnp_cbor_put_bytes(
			    &buf, cpnp_order_doc(order, (cpnp_doc)doc));
	}
	ck_assert_int_eq(buf.err, 0);
	shot->len = buf.len;
	shot->count = cpnp_orders_count(p->orders);
	shot->records = p->records_n;
}

static bool
is_same(const struct snapshot *a, const struct snapshot *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* A FAIL that speaks for no order says nothing that the message did not. */
static void
check_stateless_fail(const struct peer *p, const cpnp_msg *msg)
{
	const struct peer_mail *mail = &p->outbox[0];
	cpnp_msg fail;

	ck_assert_uint_eq(p->outbox_n, 1);
	ck_assert(mail->fail);
	ck_assert_uint_eq(mail->to, p->handle);
	ck_assert_int_eq(cpnp_msg_decode(&fail,
			     (cpnp_bytes){mail->bytes, mail->len}, NULL),
	    0);
	ck_assert_int_eq(fail.edition, msg->edition);
	ck_assert(cpnp_bytes_equal(fail.transaction_id, msg->transaction_id));
	ck_assert(cpnp_bytes_equal(
	    fail.customer_order_id, msg->customer_order_id));
	if (cpnp_msg_has(msg, CPNP_ATTR_PROVIDER_ORDER_ID))
		ck_assert(cpnp_bytes_equal(
		    fail.provider_order_id, msg->provider_order_id));
	else
		ck_assert(!cpnp_msg_has(&fail, CPNP_ATTR_PROVIDER_ORDER_ID));
	ck_assert(!cpnp_msg_has(&fail, CPNP_ATTR_NONCE));
	ck_assert(!cpnp_msg_has(&fail, CPNP_ATTR_SERVICE_DESCRIPTION));
}

static void
check_one(const struct validation *v, bool is_server, cpnp_edition edition,
    const char *state)
{
	static struct snapshot before, after;
	const char *outcome;
	struct pair pair;
	struct peer *p = is_server ? &pair.server : &pair.client;
	char what[256], expected[64];
	bool is_remembered;
	cpnp_msg msg;
	int err;

	(void)snprintf(expected, sizeof(expected), "%s", v->outcome[edition]);
	is_remembered = expected[strcspn(expected, "+")] == '+';
	expected[strcspn(expected, "+")] = '\0';
	validation_reach(&pair, edition, is_server, state);
	msg = make(p, v, edition);
	spoil(&msg, v->wrong, peer_order(p, "o1"));
	take(&before, p);
	err = feed(p, &msg, v->wrong);
	outcome = peer_outcome(p, err);
	take(&after, p);
	(void)snprintf(what, sizeof(what), "%s, %s, %s in %.2s, %s",
	    v->section, cpnp_edition_name(edition),
	    cpnp_method_name(edition, v->method), state,
	    wrong_names[v->wrong]);
	ck_assert_msg(strcmp(outcome, expected) == 0,
	    "%s: \"%s\" (%s), expected \"%s\"", what, outcome,
	    cpnp_error_name(err), expected);
	if (strcmp(expected, "x") == 0)
		ck_assert_msg(p->outbox_n == 0, "%s is answered", what);
	if (strchr(expected, '!') != NULL)
		check_stateless_fail(p, &msg);
	if (is_remembered) {
		ck_assert_msg(strstr(p->trace, "keep;") != NULL &&
			before.count == after.count,
		    "%s is not remembered", what);
	} else if (strcmp(expected, "x") == 0 ||
	    strchr(expected, '!') != NULL) {
		ck_assert_msg(is_same(&before, &after) &&
			before.count == after.count &&
			before.records == after.records &&
			strstr(p->trace, "keep;") == NULL,
		    "%s changes the order", what);
		ck_assert_msg(cpnp_error_is_peer(err), "%s: %s", what,
		    cpnp_error_name(err));
	}
	if (v->wrong == WRONG_IDENTITY)
		ck_assert_msg(is_same(&before, &after),
		    "%s changes the order of another", what);
	if (v->wrong == WRONG_SWAPPED && expected[0] != '=')
		ck_assert_msg(err == CPNP_ERR_SWAPPED, "%s: %s", what,
		    cpnp_error_name(err));
	pair_fini(&pair);
}

void
validation_check(const struct validation *v, bool is_server)
{
	static const cpnp_edition editions[] = {
	    CPNP_EDITION_DRAFT02, CPNP_EDITION_RFC8921};

	for (size_t i = 0; i < 2; i++)
		for (const char *s = v->states; v->outcome[editions[i]] != NULL;
		     s += 3) {
			check_one(v, is_server, editions[i], s);
			if (s[2] == '\0')
				break;
		}
}
