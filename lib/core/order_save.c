/*
 * The saved form of an order: one array of deterministic CBOR, beside the
 * documents.  What was asked of the application and not answered is not in
 * it: the state says what to ask again.  An order is saved in the lowest
 * version that has room for what it is:
 *
 *	1	one transaction, that of a QUOTATION
 *	2	and one of a WITHDRAW
 *	3	one of another method, more time, a service that is scheduled
 *		or runs
 *	4	settlement terms and what pays for them
 *	5	a child, or an OFFER that is to be confirmed
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "codec.h"
#include "order_int.h"

#define SAVE_VERSION_MIN 1
#define SAVE_VERSION 5

/* Each version has the fields of the one before and some more. */
static const size_t fields_of[SAVE_VERSION + 1] = {
    [1] = 24,
    [2] = 26, /* kind and identifier of the transaction */
    [3] = 34, /* see put_more() */
    [4] = 35, /* what is paid */
    [5] = 36, /* what is confirmed; and the Child states */
};

#define ASIDE_FIELDS 10

enum {
	FLAG_OUTSTANDING = 1,
	FLAG_ACCEPT_SENT = 2,
	FLAG_ANSWERED = 4,
	FLAG_HAS_INPUT = 8,
	FLAG_HAS_OFFER = 16,
	FLAG_HAS_OFFER_STATEMENT = 32,
	FLAG_HAS_ACCEPT_STATEMENT = 64,
	FLAG_REQUIRE_STATEMENTS = 128,
	FLAGS_ALL_2 = 255,
	FLAG_UNDONE = 256, /* from version 3 on */
	FLAGS_ALL_3 = 511,
	FLAG_CHILD = 512, /* from version 5 on */
	FLAGS_ALL = 1023
};

/* Of the agreement that is offered or agreed, from version 4 on. */
enum {
	PAYMENT_NONE, /* no settlement terms */
	PAYMENT_OPEN, /* not paid, or nothing that this side knows */
	PAYMENT_PAID,
	PAYMENT_END
};

/* Of the OFFER, until it is agreed, from version 5 on. */
enum {
	CONFIRM_NONE, /* it need not be confirmed */
	CONFIRM_OPEN,
	CONFIRM_DONE, /* and it is paid, if it was to be */
	CONFIRM_END
};

static uint64_t
flags_of(const cpnp_order *order)
{
	const struct order_now *o = &order->now;
	uint64_t flags = 0;

	flags |= o->outstanding ? FLAG_OUTSTANDING : 0;
	flags |= o->accept_sent ? FLAG_ACCEPT_SENT : 0;
	flags |= o->answered ? FLAG_ANSWERED : 0;
	flags |= o->has_input ? FLAG_HAS_INPUT : 0;
	flags |= o->has_offer ? FLAG_HAS_OFFER : 0;
	/* An OFFER or ACCEPT that is still to be signed is made again. */
	if (o->has_offer && o->has_offer_statement)
		flags |= FLAG_HAS_OFFER_STATEMENT;
	flags |= o->has_accept_statement ? FLAG_HAS_ACCEPT_STATEMENT : 0;
	flags |= order->require_statements ? FLAG_REQUIRE_STATEMENTS : 0;
	flags |= o->undone ? FLAG_UNDONE : 0;
	flags |= order->is_child ? FLAG_CHILD : 0;
	return flags;
}

static void
set_flags(cpnp_order *order, uint64_t flags)
{
	struct order_now *o = &order->now;

	o->outstanding = (flags & FLAG_OUTSTANDING) != 0;
	o->accept_sent = (flags & FLAG_ACCEPT_SENT) != 0;
	o->answered = (flags & FLAG_ANSWERED) != 0;
	o->has_input = (flags & FLAG_HAS_INPUT) != 0;
	o->has_offer = (flags & FLAG_HAS_OFFER) != 0;
	o->has_offer_statement = (flags & FLAG_HAS_OFFER_STATEMENT) != 0;
	o->has_accept_statement = (flags & FLAG_HAS_ACCEPT_STATEMENT) != 0;
	order->require_statements = (flags & FLAG_REQUIRE_STATEMENTS) != 0;
	o->undone = (flags & FLAG_UNDONE) != 0;
	order->is_child = (flags & FLAG_CHILD) != 0;
}

static void
put_digest(cpnp_buf *buf, bool has, const uint8_t digest[CPNP_SHA256_LEN])
{
	cpnp_cbor_put_bytes(
	    buf, (cpnp_bytes){digest, has ? CPNP_SHA256_LEN : 0});
}

static void
get_digest(cpnp_cbor_rd *rd, bool has, uint8_t digest[CPNP_SHA256_LEN])
{
	size_t len = has ? CPNP_SHA256_LEN : 0;
	cpnp_bytes bytes = cpnp_cbor_get_bytes(rd, len, len);

	if (bytes.len > 0)
		memcpy(digest, bytes.ptr, bytes.len);
}

static void
put_time(cpnp_buf *buf, bool has, cpnp_wtime time)
{
	if (has)
		cpnp_cbor_put_int(buf, time.sec);
	else
		cpnp_cbor_put_null(buf);
}

static bool
get_time(cpnp_cbor_rd *rd, cpnp_wtime *time)
{
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_NULL) {
		cpnp_cbor_get_null(rd);
		return false;
	}
	time->sec = cpnp_cbor_get_int(rd, CPNP_WTIME_MIN, CPNP_WTIME_MAX);
	return true;
}

/* An OFFER that is still to be signed is made again, and this with it. */
static uint64_t
confirm_of(const struct order_now *o)
{
	if (!o->confirm || !o->has_offer)
		return CONFIRM_NONE;
	return o->paid ? CONFIRM_DONE : CONFIRM_OPEN;
}

static void
get_confirm(cpnp_cbor_rd *rd, struct order_now *o)
{
	uint64_t confirm = cpnp_cbor_get_uint(rd, 0, CONFIRM_END - 1);

	o->confirm = confirm != CONFIRM_NONE;
	if (!o->has_terms)
		o->paid = confirm == CONFIRM_DONE;
	if (o->confirm && o->paid != (confirm == CONFIRM_DONE))
		cpnp_cbor_rd_fail(rd, CPNP_ERR_MISMATCH);
}

static unsigned
version_of(const cpnp_order *order)
{
	const struct order_now *o = &order->now;

	if (order->is_child || confirm_of(o) != CONFIRM_NONE)
		return 5;
	if (o->has_terms || o->docs[CPNP_DOC_STANDING_PAYMENT] != NULL)
		return 4;
	if (o->more_asked || o->more_time != CPNP_MORE_TIME_AS_ASKED ||
	    o->kind > ORDER_KIND_WITHDRAW ||
	    o->docs[ORDER_BLOB_PAST] != NULL || o->has_start || o->has_stop ||
	    o->has_over || o->agreement == CPNP_AGREEMENT_ACTIVE ||
	    (o->agreement == CPNP_AGREEMENT_ENDED &&
		o->state == CPNP_STATE_COMPLETED))
		return 3;
	return o->kind == ORDER_KIND_QUOTATION ? 1 : 2;
}

static void
put_aside(cpnp_buf *buf, const struct order_standing *a)
{
	cpnp_cbor_put_array(buf, ASIDE_FIELDS);
	cpnp_cbor_put_uint(buf, a->accept_sent);
	cpnp_cbor_put_bytes(buf, (cpnp_bytes){a->nonce, a->nonce_len});
	put_digest(buf, true, a->order_digest);
	cpnp_cbor_put_uint(buf, a->has_offer_statement);
	put_digest(buf, a->has_offer_statement, a->offer_statement);
	cpnp_cbor_put_uint(buf, a->has_accept_statement);
	put_digest(buf, a->has_accept_statement, a->accept_statement);
	put_time(buf, a->has_response_time, a->response_time);
	put_time(buf, a->has_offer_time, a->offer_time);
	put_time(buf, true, a->validity);
}

/* The fields of version 3: the time that is asked for, or null; what the
 * client grants, and until when, or null; start, stop and end of the service,
 * or null; the tags of the transactions that are over; the agreement that
 * stands aside, or null. */
static void
put_more(cpnp_buf *buf, const struct order_now *o)
{
	struct order_standing aside;

	put_time(buf, o->more_asked, o->more_date);
	cpnp_cbor_put_uint(buf, o->more_time);
	put_time(buf, o->more_time == CPNP_MORE_TIME_UNTIL,
	    o->more_time_until);
	put_time(buf, o->has_start, o->start);
	put_time(buf, o->has_stop, o->stop);
	put_time(buf, o->has_over, o->over);
	cpnp_cbor_put_bytes(buf, cpnp_blob_bytes(o->docs[ORDER_BLOB_PAST]));
	if (cpnp_order_get_aside(o, &aside))
		put_aside(buf, &aside);
	else
		cpnp_cbor_put_null(buf);
}

static uint64_t
payment_of(const struct order_now *o)
{
	if (!o->has_terms)
		return PAYMENT_NONE;
	return o->paid ? PAYMENT_PAID : PAYMENT_OPEN;
}

static void
get_payment(cpnp_cbor_rd *rd, struct order_now *o)
{
	uint64_t payment = cpnp_cbor_get_uint(rd, 0, PAYMENT_END - 1);

	o->has_terms = payment != PAYMENT_NONE;
	o->paid = payment == PAYMENT_PAID;
}

int
cpnp_order_save(const cpnp_order *order, cpnp_buf *buf)
{
	const struct order_now *o = &order->now;
	unsigned version = version_of(order);
	cpnp_bytes nonce = cpnp_order_nonce(order);

	if (!o->has_offer)
		nonce.len = 0;
	cpnp_cbor_put_array(buf, fields_of[version]);
	cpnp_cbor_put_uint(buf, version);
	cpnp_cbor_put_uint(buf, order->role);
	cpnp_cbor_put_uint(buf, order->edition);
	cpnp_cbor_put_text(buf, order->peer_identity);
	cpnp_cbor_put_text(buf, order->identity);
	cpnp_cbor_put_bytes(buf, order->customer_id);
	cpnp_cbor_put_bytes(buf, cpnp_order_opening_id(order));
	cpnp_cbor_put_uint(buf, cpnp_order_shown(order, o->state));
	cpnp_cbor_put_uint(buf, o->agreement);
	cpnp_cbor_put_uint(buf, o->status);
	cpnp_cbor_put_uint(buf, flags_of(order));
	cpnp_cbor_put_bytes(buf, cpnp_order_provider_id(order));
	cpnp_cbor_put_uint(buf, o->in_seq);
	cpnp_cbor_put_uint(buf, o->out_seq);
	put_digest(buf, o->has_input, o->in_digest);
	put_time(buf, o->has_response_time, o->response_time);
	put_time(buf, o->has_offer_time, o->offer_time);
	put_time(buf, o->has_offer, o->validity);
	cpnp_cbor_put_bytes(buf, nonce);
	put_digest(buf, o->has_offer, o->order_digest);
	put_digest(
	    buf, o->has_offer && o->has_offer_statement, o->offer_statement);
	put_digest(buf, o->has_accept_statement, o->accept_statement);
	cpnp_cbor_put_uint(buf, o->tries);
	cpnp_cbor_put_uint(buf, o->repeat);
	if (version >= 2) {
		cpnp_cbor_put_uint(buf, o->kind);
		cpnp_cbor_put_bytes(buf, cpnp_order_transaction_id(order));
	}
	if (version >= 3)
		put_more(buf, o);
	if (version >= 4)
		cpnp_cbor_put_uint(buf, payment_of(o));
	if (version >= 5)
		cpnp_cbor_put_uint(buf, confirm_of(o));
	return buf->err;
}

/* The names of a saved order, in the order of the array. */
struct names {
	uint64_t version;
	cpnp_role role;
	cpnp_edition edition;
	cpnp_bytes peer_identity;
	cpnp_bytes identity;
	cpnp_bytes customer_id;
	cpnp_bytes transaction_id;
};

static int
read_names(cpnp_cbor_rd *rd, struct names *n)
{
	size_t fields = cpnp_cbor_get_array(
	    rd, fields_of[SAVE_VERSION_MIN], fields_of[SAVE_VERSION]);

	n->version = cpnp_cbor_get_uint(rd, SAVE_VERSION_MIN, SAVE_VERSION);
	n->role = (cpnp_role)cpnp_cbor_get_uint(rd, CPNP_CLIENT, CPNP_SERVER);
	n->edition = (cpnp_edition)cpnp_cbor_get_uint(
	    rd, CPNP_EDITION_DRAFT02, CPNP_EDITION_RFC8921);
	n->peer_identity = cpnp_cbor_get_text(rd, 1, CPNP_IDENTITY_MAX);
	n->identity = cpnp_cbor_get_text(rd, 0, CPNP_IDENTITY_MAX);
	n->customer_id = cpnp_cbor_get_bytes(rd, 1, CPNP_ORDER_ID_MAX);
	n->transaction_id = cpnp_cbor_get_bytes(
	    rd, CPNP_TRANSACTION_ID_MIN, CPNP_TRANSACTION_ID_MAX);
	if (rd->err == 0 && fields != fields_of[n->version])
		return CPNP_ERR_MISMATCH;
	return rd->err;
}

static uint8_t
get_short(cpnp_cbor_rd *rd, size_t min, size_t max, uint8_t *store)
{
	cpnp_bytes bytes = cpnp_cbor_get_bytes(rd, min, max);

	if (bytes.len > 0)
		memcpy(store, bytes.ptr, bytes.len);
	return (uint8_t)bytes.len;
}

static void
get_transaction(cpnp_cbor_rd *rd, struct order_now *o)
{
	o->kind = (enum order_kind)cpnp_cbor_get_uint(
	    rd, ORDER_KIND_QUOTATION, ORDER_KIND_END - 1);
	o->transaction_id_len = get_short(rd, CPNP_TRANSACTION_ID_MIN,
	    CPNP_TRANSACTION_ID_MAX, o->transaction_id);
}

static void
get_past(cpnp_cbor_rd *rd, const cpnp_env *env, struct order_now *o)
{
	cpnp_bytes tags =
	    cpnp_cbor_get_bytes(rd, 0, ORDER_PAST_MAX * ORDER_TAG_LEN);

	if (tags.len % ORDER_TAG_LEN != 0)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	if (rd->err != 0 || tags.len == 0)
		return;
	o->docs[ORDER_BLOB_PAST] = cpnp_blob_new(env, tags);
	if (o->docs[ORDER_BLOB_PAST] == NULL)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_NOMEM);
}

static void
get_aside(cpnp_cbor_rd *rd, const cpnp_env *env, struct order_now *o)
{
	struct order_standing a = {0};
	int err;

	if (cpnp_cbor_peek(rd) == CPNP_CBOR_NULL) {
		cpnp_cbor_get_null(rd);
		return;
	}
	(void)cpnp_cbor_get_array(rd, ASIDE_FIELDS, ASIDE_FIELDS);
	a.accept_sent = cpnp_cbor_get_uint(rd, 0, 1) != 0;
	a.nonce_len = get_short(rd, CPNP_NONCE_MIN, CPNP_NONCE_MAX, a.nonce);
	get_digest(rd, true, a.order_digest);
	a.has_offer_statement = cpnp_cbor_get_uint(rd, 0, 1) != 0;
	get_digest(rd, a.has_offer_statement, a.offer_statement);
	a.has_accept_statement = cpnp_cbor_get_uint(rd, 0, 1) != 0;
	get_digest(rd, a.has_accept_statement, a.accept_statement);
	a.has_response_time = get_time(rd, &a.response_time);
	a.has_offer_time = get_time(rd, &a.offer_time);
	if (!get_time(rd, &a.validity))
		cpnp_cbor_rd_fail(rd, CPNP_ERR_MISMATCH);
	if (rd->err != 0)
		return;
	err = cpnp_order_set_aside(env, o, &a);
	if (err != 0)
		cpnp_cbor_rd_fail(rd, err);
}

static void
get_more(cpnp_cbor_rd *rd, const cpnp_env *env, struct order_now *o)
{
	o->more_asked = get_time(rd, &o->more_date);
	o->more_time = (cpnp_more_time)cpnp_cbor_get_uint(
	    rd, CPNP_MORE_TIME_AS_ASKED, CPNP_MORE_TIME_UNTIL);
	if (get_time(rd, &o->more_time_until) !=
	    (o->more_time == CPNP_MORE_TIME_UNTIL))
		cpnp_cbor_rd_fail(rd, CPNP_ERR_MISMATCH);
	o->has_start = get_time(rd, &o->start);
	o->has_stop = get_time(rd, &o->stop);
	o->has_over = get_time(rd, &o->over);
	get_past(rd, env, o);
	get_aside(rd, env, o);
}

static uint64_t
flags_of_version(uint64_t version)
{
	if (version >= 5)
		return FLAGS_ALL;
	return version >= 3 ? FLAGS_ALL_3 : FLAGS_ALL_2;
}

static int
read_state(cpnp_cbor_rd *rd, uint64_t version, const cpnp_env *env,
    cpnp_order *order)
{
	struct order_now *o = &order->now;
	uint64_t unsaid = 0;
	cpnp_state shown = (cpnp_state)cpnp_cbor_get_uint(rd,
	    CPNP_STATE_CREATED, CPNP_STATE_CHILD_COMPLETED);

	o->state = cpnp_state_of_client(shown);
	o->agreement = (cpnp_agreement_state)cpnp_cbor_get_uint(
	    rd, CPNP_AGREEMENT_NONE, CPNP_AGREEMENT_ENDED);
	o->status = (cpnp_status)cpnp_cbor_get_uint(rd, CPNP_STATUS_NONE,
	    CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE);
	set_flags(
	    order, cpnp_cbor_get_uint(rd, 0, flags_of_version(version)));
	if (cpnp_order_shown(order, o->state) != shown)
		unsaid++;
	o->provider_id_len =
	    get_short(rd, 0, CPNP_ORDER_ID_MAX, o->provider_id);
	o->in_seq = (uint32_t)cpnp_cbor_get_uint(rd, 0, UINT32_MAX);
	o->out_seq = (uint32_t)cpnp_cbor_get_uint(rd, 0, UINT32_MAX);
	get_digest(rd, o->has_input, o->in_digest);
	o->has_response_time = get_time(rd, &o->response_time);
	o->has_offer_time = get_time(rd, &o->offer_time);
	if (get_time(rd, &o->validity) != o->has_offer)
		unsaid++;
	o->nonce_len = get_short(rd, o->has_offer ? CPNP_NONCE_MIN : 0,
	    o->has_offer ? CPNP_NONCE_MAX : 0, o->nonce);
	get_digest(rd, o->has_offer, o->order_digest);
	get_digest(rd, o->has_offer_statement, o->offer_statement);
	get_digest(rd, o->has_accept_statement, o->accept_statement);
	o->tries = (unsigned)cpnp_cbor_get_uint(rd, 0, UINT32_MAX);
	o->repeat = cpnp_cbor_get_uint(rd, 0, UINT64_MAX);
	if (version >= 2)
		get_transaction(rd, o);
	if (version >= 3)
		get_more(rd, env, o);
	if (version >= 4)
		get_payment(rd, o);
	if (version >= 5)
		get_confirm(rd, o);
	if (cpnp_cbor_rd_finish(rd) != 0)
		return rd->err;
	return unsaid > 0 ? CPNP_ERR_MISMATCH : 0;
}

/* A document is a message of its method; LAST_OUT is any. */
static int
check_doc(cpnp_orders *orders, cpnp_bytes bytes, cpnp_doc doc)
{
	cpnp_method method;
	int err;

	if (doc == CPNP_DOC_PAYMENT || doc == CPNP_DOC_STANDING_PAYMENT)
		return cpnp_order_is_item(bytes) ? 0 : CPNP_ERR_MISMATCH;
	err = cpnp_msg_decode(&orders->doc, bytes, NULL);
	if (err != 0)
		return err;
	method = orders->doc.method;
	switch (doc) {
	case CPNP_DOC_REQUEST:
	case CPNP_DOC_STANDING_REQUEST:
		return method == CPNP_METHOD_QUOTATION ||
			method == CPNP_METHOD_UPDATE
		    ? 0
		    : CPNP_ERR_MISMATCH;
	case CPNP_DOC_OFFER:
	case CPNP_DOC_STANDING_OFFER:
		return method == CPNP_METHOD_OFFER ? 0 : CPNP_ERR_MISMATCH;
	case CPNP_DOC_ACTIVATE:
		return method == CPNP_METHOD_ACTIVATE ? 0 : CPNP_ERR_MISMATCH;
	case CPNP_DOC_LAST_OUT:
	case CPNP_DOC_FINAL:
	case CPNP_DOC_STANDING_FINAL:
	case CPNP_DOC_PAYMENT:
	case CPNP_DOC_STANDING_PAYMENT:
	case CPNP_DOC_END:
		break;
	}
	return 0;
}

static int
read_docs(cpnp_orders *orders, const cpnp_bytes docs[CPNP_DOC_END],
    struct order_now *o)
{
	int err;

	for (int i = 0; i < CPNP_DOC_END; i++) {
		if (docs[i].len == 0)
			continue;
		/* The newest message often is another document too. */
		for (int j = 0; j < i && o->docs[i] == NULL; j++)
			if (cpnp_bytes_equal(docs[i], docs[j]))
				o->docs[i] = cpnp_blob_ref(o->docs[j]);
		if (o->docs[i] != NULL)
			continue;
		err = check_doc(orders, docs[i], (cpnp_doc)i);
		if (err != 0)
			return err;
		o->docs[i] = cpnp_blob_new(&orders->env, docs[i]);
		if (o->docs[i] == NULL)
			return CPNP_ERR_NOMEM;
	}
	return 0;
}

static enum order_pending
asked_in(const cpnp_order *order)
{
	switch (order->now.state) {
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_AWAITING_PROCESSING:
		return order->role == CPNP_SERVER ? ORDER_PENDING_DECIDE
						  : ORDER_PENDING_NONE;
	case CPNP_STATE_OFFER_PROCESSING:
		return ORDER_PENDING_OFFER;
	case CPNP_STATE_ACCEPT_RECEIVED:
		return cpnp_order_awaits_payment(&order->now)
		    ? ORDER_PENDING_PAY
		    : ORDER_PENDING_SIGN_ACK;
	case CPNP_STATE_COMPLETED:
		return order->role == CPNP_SERVER && order->now.outstanding
		    ? ORDER_PENDING_DECIDE
		    : ORDER_PENDING_NONE;
	case CPNP_STATE_NONE:
	case CPNP_STATE_CREATED:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_ACCEPT_SENT:
	case CPNP_STATE_CANCELLED:
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return ORDER_PENDING_NONE;
}

static int
fill(struct order_step *s, cpnp_cbor_rd *rd, uint64_t version,
    const cpnp_bytes docs[CPNP_DOC_END])
{
	struct order_now *o = &s->order->now;
	int err = read_state(rd, version, &s->orders->env, s->order);

	if (err == 0)
		err = read_docs(s->orders, docs, o);
	if (err != 0)
		return err;
	o->pending = asked_in(s->order);
	/* The invariants hold for what this library saved. */
	return cpnp_order_check(s->order) != NULL ? CPNP_ERR_MISMATCH : 0;
}

int
cpnp_orders_load(cpnp_orders *orders, cpnp_bytes saved,
    const cpnp_bytes docs[CPNP_DOC_END], cpnp_order **order, cpnp_now now)
{
	struct order_step s = {.orders = orders, .now = now};
	struct names n;
	cpnp_cbor_rd rd;
	int err = cpnp_step_begin(orders);

	if (err != 0)
		return err;
	cpnp_cbor_rd_init(&rd, saved);
	err = read_names(&rd, &n);
	if (err != 0)
		return err;
	if (cpnp_table_find(
		orders, n.role, n.peer_identity, n.customer_id) != NULL)
		return CPNP_ERR_EXISTS;
	err = cpnp_table_reserve(orders);
	if (err == 0)
		err = cpnp_order_new(orders, n.role, n.edition,
		    n.peer_identity, n.identity, n.customer_id,
		    n.transaction_id, &s.order);
	if (err != 0)
		return err;
	err = fill(&s, &rd, n.version, docs);
	if (err == 0)
		err = cpnp_step_ask(&s, s.order->now.pending);
	if (err != 0) {
		cpnp_orders_clear_effects(orders);
		cpnp_order_del(orders, s.order);
		return err;
	}
	cpnp_table_insert(orders, s.order);
	cpnp_timer_arm(orders, s.order, false, now);
	*order = s.order;
	return 0;
}
