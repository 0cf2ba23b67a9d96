/*
 * Clauses about the checks of a server: RFC 8921, 10.2 (Table 6) and 13;
 * draft-02, 10.2.  What is refused changes nothing: the order goes on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The attribute with its last byte changed, in t->draft. */
static void
spoil(struct trial *t, const struct msg *from, int64_t code)
{
	struct span value = msg_attr(from, code);
	static struct bytes other;

	other.n = 0;
	put_raw(&other, value);
	other.b[other.n - 1] ^= 1;
	draft_raw(&t->draft, code, span_of(&other));
}

static void
other_transaction(struct trial *t)
{
	uint8_t tid[16];

	fill_random(t, tid, sizeof(tid));
	draft_bytes(
	    &t->draft, TRANSACTION_ID, (struct span){tid, sizeof(tid)});
}

/* Send the draft, which is about an order with another transaction, and see
 * it refused. */
static bool
refused_elsewhere(struct trial *t, struct order *o)
{
	static struct order other;
	struct msg *m = &t->msg;
	struct span tid;

	draft_write(&t->draft, &t->out);
	if (msg_read(m, &t->out) != NULL)
		return fails(t, "the message of the clause is not valid");
	other = *o;
	tid = msg_string(m, TRANSACTION_ID);
	memcpy(other.tid, tid.p, sizeof(other.tid));
	return expect_fail_draft(t, &other, 1);
}

/* ---- QUOTATION, PROCESSING ---------------------------------------------- */

static bool
check_id_used(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, QUOTATION);
	other_transaction(t);
	return refused_elsewhere(t, o) && order_accept(t, o);
}

/* Also when the order is over. */
static bool
check_id_used_before(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o) || !order_cancel(t, o))
		return false;
	(void)order_draft(t, o, QUOTATION);
	other_transaction(t);
	return refused_elsewhere(t, o);
}

static bool
check_processing_unknown(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, PROCESSING);
	return expect_silence_draft(t, o);
}

/* ---- CANCEL ------------------------------------------------------------- */

static bool
check_cancel_unknown(struct trial *t)
{
	return expect_alive(t);
}

static bool
check_cancel_transaction(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, CANCEL);
	other_transaction(t);
	return refused_elsewhere(t, o) && order_accept(t, o);
}

/* ---- ACCEPT, DECLINE ---------------------------------------------------- */

static bool
spoiled(struct trial *t, enum method method, int64_t code)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, method);
	spoil(t, &o->offer, code);
	return expect_fail_draft(t, o, 1) && order_accept(t, o);
}

static bool
transaction_spoiled(struct trial *t, enum method method)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, method);
	other_transaction(t);
	return refused_elsewhere(t, o) && order_accept(t, o);
}

static bool
check_accept_nonce(struct trial *t)
{
	return spoiled(t, ACCEPT, NONCE);
}

static bool
check_accept_nonce_length(struct trial *t)
{
	struct order *o = order_new(t);
	uint8_t other[32] = {0};
	struct span nonce;

	if (!order_quote(t, o))
		return false;
	nonce = msg_string(&o->offer, NONCE);
	memcpy(other, nonce.p, nonce.n);
	(void)order_draft(t, o, ACCEPT);
	draft_bytes(&t->draft, NONCE,
	    (struct span){other,
		nonce.n < sizeof(other) ? nonce.n + 1 : nonce.n - 1});
	return expect_fail_draft(t, o, 1) && order_accept(t, o);
}

static bool
check_accept_provider_id(struct trial *t)
{
	return spoiled(t, ACCEPT, PROVIDER_ORDER_ID);
}

static bool
check_accept_transaction(struct trial *t)
{
	return transaction_spoiled(t, ACCEPT);
}

static bool
check_accept_unknown(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, ACCEPT);
	return expect_fail_draft(t, o, 1);
}

static bool
check_accept_service(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, ACCEPT);
	draft_raw(&t->draft, SERVICE, span_of(&t->options->cpd_update));
	if (span_equal(msg_attr(&o->offer, SERVICE),
		span_of(&t->options->cpd_update)))
		return skips(t, "the offer is what the update would be");
	return expect_fail_draft(t, o, 1) && order_accept(t, o);
}

/* [amount, code, issuer, digits] of the Negotiation Options of the OFFER;
 * false when it names no cost. */
static bool
find_cost(const struct msg *offer, uint64_t *amount, struct span *options,
    struct span *rest)
{
	struct reader r;
	uint64_t n, key, four;

	*options = msg_attr(offer, OPTIONS);
	if (options->p == NULL)
		return false;
	r = reader_of(*options);
	if (!get_type(&r, MAJOR_MAP, &n) || n == 0 ||
	    !get_type(&r, MAJOR_UINT, &key) || key != 1 ||
	    !get_type(&r, MAJOR_ARRAY, &four) || four != 4 ||
	    !get_type(&r, MAJOR_UINT, amount))
		return false;
	*rest = (struct span){r.at, (size_t)(r.end - r.at)};
	return true;
}

static bool
check_accept_cost(struct trial *t)
{
	struct order *o = order_new(t);
	struct span options, rest;
	static struct bytes changed;
	uint64_t amount;

	if (!order_quote(t, o))
		return false;
	if (!find_cost(&o->offer, &amount, &options, &rest))
		return skips(t, "the OFFER names no COST");
	changed.n = 0;
	put_raw(&changed, (struct span){options.p, 1});
	put_uint(&changed, 1);
	put_head(&changed, MAJOR_ARRAY, 4);
	put_uint(&changed, amount > 0 ? amount - 1 : 1);
	put_raw(&changed, rest);
	(void)order_draft(t, o, ACCEPT);
	draft_raw(&t->draft, OPTIONS, span_of(&changed));
	if (!expect_fail_draft(t, o, 1))
		return false;
	(void)order_draft(t, o, ACCEPT);
	draft_drop(&t->draft, OPTIONS);
	return expect_fail_draft(t, o, 1) && order_accept(t, o);
}

static bool
check_accept_schedule(struct trial *t)
{
	static const uint8_t type[] = {0x02};
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, ACCEPT);
	if (msg_attr(&o->offer, ACTIVATION_TYPE).p == NULL)
		draft_raw(&t->draft, ACTIVATION_TYPE,
		    (struct span){type, sizeof(type)});
	else
		draft_drop(&t->draft, ACTIVATION_TYPE);
	return expect_fail_draft(t, o, 1) && order_accept(t, o);
}

static bool
check_accept_after_decline(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, DECLINE);
	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	(void)order_draft(t, o, ACCEPT);
	return expect_fail_draft(t, o, 1);
}

static bool
check_accept_after_cancel(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o) || !order_cancel(t, o))
		return false;
	(void)order_draft(t, o, ACCEPT);
	return expect_fail_draft(t, o, 1);
}

static bool
check_decline_nonce(struct trial *t)
{
	return spoiled(t, DECLINE, NONCE);
}

static bool
check_decline_provider_id(struct trial *t)
{
	return spoiled(t, DECLINE, PROVIDER_ORDER_ID);
}

static bool
check_decline_transaction(struct trial *t)
{
	return transaction_spoiled(t, DECLINE);
}

static bool
check_decline_completed(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	(void)order_draft(t, o, DECLINE);
	return expect_fail_draft(t, o, 1) && order_withdraw(t, o);
}

/* ---- FAIL, ACK, OFFER --------------------------------------------------- */

static bool
is_discarded(struct trial *t, enum method method)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	(void)order_draft(t, o, method);
	return expect_silence_draft(t, o) && order_accept(t, o);
}

static bool
check_fail(struct trial *t)
{
	return is_discarded(t, FAIL);
}

static bool
check_ack(struct trial *t)
{
	return is_discarded(t, ACK);
}

static bool
check_offer(struct trial *t)
{
	struct order *o = order_new(t);
	struct draft *d = &t->draft;

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	draft_begin(d, t->edition, OFFER);
	for (size_t i = 0; i < o->offer.n; i++)
		if (o->offer.attr[i].code > 0)
			draft_raw(d, o->offer.attr[i].code,
			    msg_attr_at(&o->offer, i));
	order_number(t, o);
	return expect_silence_draft(t, o) && order_accept(t, o);
}

static bool
check_fail_unknown(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, FAIL);
	if (!expect_silence_draft(t, o))
		return false;
	/* not even one that is not valid */
	draft_uint(&t->draft, STATUS, 200);
	return expect_silence_draft(t, o);
}

/* ---- the answers themselves --------------------------------------------- */

/* RFC 8921, 13: what a customer does not own, it learns nothing of. */
static bool
check_answers_alike(struct trial *t)
{
	struct order *o = order_new(t), *p = order_new(t);
	static struct msg wrong_nonce;

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, ACCEPT);
	spoil(t, &o->offer, NONCE);
	if (!expect_fail_draft(t, o, 1))
		return false;
	wrong_nonce = t->msg;
	(void)order_draft(t, p, ACCEPT);
	if (!expect_fail_draft(t, p, 1))
		return false;
	if (wrong_nonce.n != t->msg.n)
		return fails_msg(t, "the attributes of the FAIL to a wrong "
				    "NONCE", &t->msg);
	for (size_t i = 0; i < t->msg.n; i++)
		if (t->msg.attr[i].code != wrong_nonce.attr[i].code)
			return fails_msg(t, "the attributes of the FAIL to a "
					    "wrong NONCE", &t->msg);
	return true;
}

static bool
check_fail_identifiers(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, ACCEPT);
	return expect_fail_draft(t, o, 1) &&
	    ((span_equal(msg_string(&t->msg, TRANSACTION_ID),
		  (struct span){o->tid, sizeof(o->tid)}) &&
		 span_equal(msg_string(&t->msg, CUSTOMER_ORDER_ID),
		     span_str(o->cid)) &&
		 span_equal(msg_string(&t->msg, PROVIDER_ORDER_ID),
		     span_str("no-such-order"))) ||
		fails_msg(t, "a FAIL with the three identifiers", &t->msg));
}

static bool
check_swapped(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, ACCEPT);
	draft_raw(&t->draft, CUSTOMER_ORDER_ID,
	    msg_attr(&o->offer, PROVIDER_ORDER_ID));
	draft_raw(&t->draft, PROVIDER_ORDER_ID,
	    msg_attr(&o->offer, CUSTOMER_ORDER_ID));
	return expect_fail_draft(t, o, 1) && order_accept(t, o);
}

/* The other customer knows all that ours knows. */
static bool
check_other_customer(struct trial *t)
{
	struct order *o = order_new(t);
	static struct order theirs;

	if (!order_quote(t, o))
		return false;
	theirs = *o;
	theirs.link = trial_link(t, OTHER);
	if (theirs.link == NULL)
		return false;
	(void)order_draft(t, &theirs, ACCEPT);
	if (!expect_fail_draft(t, &theirs, 1) || !order_accept(t, o))
		return false;
	theirs.number += 100;
	order_new_transaction(t, &theirs);
	(void)order_draft(t, &theirs, WITHDRAW);
	return expect_fail_draft(t, &theirs, 1) && order_withdraw(t, o);
}

/* One identifier, two customers: two orders. */
static bool
check_two_customers(struct trial *t)
{
	struct order *o = order_new(t);
	struct order *p = order_new_on(t, trial_link(t, OTHER));

	if (o == NULL || p == NULL)
		return false;
	memcpy(p->cid, o->cid, sizeof(p->cid));
	if (!order_quote(t, o) || !order_quote(t, p))
		return false;
	return !span_equal(msg_attr(&o->offer, PROVIDER_ORDER_ID),
		   msg_attr(&p->offer, PROVIDER_ORDER_ID)) ||
	    fails_msg(t, "an order of its own", &p->offer);
}

static const struct clause clauses[] = {
	{{"D02-9.1.1-1", "RFC8921-9.1.1-1"},
	    "QUOTATION: an identifier is not taken twice", check_id_used, 0},
	{{"D02-9.1.1-2", "RFC8921-9.1.1-2"},
	    "QUOTATION: nor when its order is over", check_id_used_before, 0},
	{{"D02-9.1.1-3", "RFC8921-9.1.1-3"},
	    "two customers may use one identifier", check_two_customers,
	    NEEDS_OTHER},
	{{"D02-10.2-1", "RFC8921-10.2-1"},
	    "PROCESSING of no order is discarded", check_processing_unknown,
	    0},
	{{"D02-10.2-2", "RFC8921-10.2-2"}, "CANCEL of no order is refused",
	    check_cancel_unknown, 0},
	{{"D02-10.2-3", "RFC8921-10.2-3"},
	    "CANCEL in another transaction is refused",
	    check_cancel_transaction, 0},
	{{"D02-10.2-4", "RFC8921-10.2-4"},
	    "ACCEPT under a wrong NONCE is refused", check_accept_nonce, 0},
	{{"D02-10.2-5", "RFC8921-10.2-5"},
	    "ACCEPT under a NONCE of another length is refused",
	    check_accept_nonce_length, 0},
	{{"D02-10.2-6", "RFC8921-10.2-6"},
	    "ACCEPT of another PROVIDER_ORDER_IDENTIFIER is refused",
	    check_accept_provider_id, 0},
	{{"D02-10.2-7", "RFC8921-10.2-7"},
	    "ACCEPT in another transaction is refused",
	    check_accept_transaction, 0},
	{{"D02-10.2-8", "RFC8921-10.2-8"}, "ACCEPT of no order is refused",
	    check_accept_unknown, 0},
	{{"D02-10.2-9", "RFC8921-10.2-9"},
	    "ACCEPT of another service description is refused",
	    check_accept_service, 0},
	{{"D02-10.2-10", "RFC8921-10.2-10"},
	    "ACCEPT at another COST is refused", check_accept_cost, 0},
	{{"D02-10.2-11", "RFC8921-10.2-11"},
	    "ACCEPT with another activation type is refused",
	    check_accept_schedule, 0},
	{{"D02-10.2-12", "RFC8921-10.2-12"}, "ACCEPT after DECLINE is refused",
	    check_accept_after_decline, 0},
	{{"D02-10.2-13", "RFC8921-10.2-13"}, "ACCEPT after CANCEL is refused",
	    check_accept_after_cancel, 0},
	{{NULL, "RFC8921-10.2-14"},
	    "FAIL is discarded when no time was asked for", check_fail, 0},
	{{NULL, "RFC8921-10.2-15"},
	    "ACK is discarded when no time was asked for", check_ack, 0},
	{{"D02-10.2-16", "RFC8921-10.2-16"}, "an OFFER is discarded",
	    check_offer, 0},
	{{"D02-10.2-17", "RFC8921-10.2-17"},
	    "DECLINE under a wrong NONCE is refused", check_decline_nonce, 0},
	{{"D02-10.2-18", "RFC8921-10.2-18"},
	    "DECLINE of another PROVIDER_ORDER_IDENTIFIER is refused",
	    check_decline_provider_id, 0},
	{{"D02-10.2-19", "RFC8921-10.2-19"},
	    "DECLINE in another transaction is refused",
	    check_decline_transaction, 0},
	{{"D02-10.2-20", "RFC8921-10.2-20"},
	    "DECLINE of an agreement is refused", check_decline_completed, 0},
	{{"D02-9.2.10-1", "RFC8921-9.2.10-1"},
	    "a FAIL is never answered with one", check_fail_unknown, 0},
	{{"D02-9.2.10-2", "RFC8921-9.2.10-2"},
	    "a FAIL has the identifiers of the request",
	    check_fail_identifiers, 0},
	{{"D02-13-1", "RFC8921-13-1"},
	    "a wrong NONCE and an unknown order get the same answer",
	    check_answers_alike, 0},
	{{"D02-13-2", "RFC8921-13-2"},
	    "identifiers the other way round are refused", check_swapped, 0},
	{{"D02-13-3", "RFC8921-13-3"},
	    "an order is nobody's but its customer's", check_other_customer,
	    NEEDS_OTHER},
};

const struct clause_group check_clauses = {clauses, COUNT(clauses)};
