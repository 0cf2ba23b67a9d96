/*
 * Clauses about an agreement: WITHDRAW, UPDATE and ACTIVATE.  RFC 8921, 9.2.8,
 * 9.2.9, 9.2.11, 10.2, 11.2.2, 11.2.3; draft-02 the same without ACTIVATE.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>
#include <time.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
wrong_nonce(struct trial *t)
{
	uint8_t nonce[16];

	fill_random(t, nonce, sizeof(nonce));
	draft_bytes(&t->draft, NONCE, (struct span){nonce, sizeof(nonce)});
}

/* A request on the agreement, in a transaction of its own. */
static void
begin(struct trial *t, struct order *o, enum method method)
{
	static const uint8_t now[] = {0x81, 0xf6};
	char text[DATE_MAX];

	order_new_transaction(t, o);
	(void)order_draft(t, o, method);
	if (method == UPDATE) {
		date_write(text, t->edition, (int64_t)time(NULL) + 600);
		draft_text(&t->draft, RESPONSE_TIME, text);
	}
	if (method == ACTIVATE)
		draft_raw(&t->draft, ACTIVATION_SCHEDULE,
		    (struct span){now, sizeof(now)});
}

static bool
refused_unknown(struct trial *t, enum method method)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	begin(t, o, method);
	return expect_fail_draft(t, o, 1);
}

/* On an offer that nobody has accepted; it can be accepted after that. */
static bool
refused_before(struct trial *t, enum method method)
{
	struct order *o = order_new(t);
	uint8_t tid[16];
	uint32_t number;

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	memcpy(tid, o->tid, sizeof(tid));
	number = o->number;
	begin(t, o, method);
	if (!expect_fail_draft(t, o, 1))
		return false;
	memcpy(o->tid, tid, sizeof(tid));
	o->number = number;
	return order_accept(t, o);
}

static bool
refused_nonce(struct trial *t, enum method method)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	begin(t, o, method);
	wrong_nonce(t);
	return expect_fail_draft(t, o, 1) && order_withdraw(t, o);
}

static bool
refused_provider_id(struct trial *t, enum method method)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	begin(t, o, method);
	draft_text(&t->draft, PROVIDER_ORDER_ID, "another-order");
	return expect_fail_draft(t, o, 1) && order_withdraw(t, o);
}

static bool
refused_after(struct trial *t, enum method method)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o) || !order_withdraw(t, o))
		return false;
	begin(t, o, method);
	return expect_fail_draft(t, o, 1);
}

/* ---- WITHDRAW ----------------------------------------------------------- */

static bool
withdraw_ends(struct trial *t)
{
	struct order *o = order_new(t);

	return order_complete(t, o) && order_withdraw(t, o);
}

static bool
withdraw_unknown(struct trial *t)
{
	return refused_unknown(t, WITHDRAW);
}

static bool
withdraw_before(struct trial *t)
{
	return refused_before(t, WITHDRAW);
}

static bool
withdraw_nonce(struct trial *t)
{
	return refused_nonce(t, WITHDRAW);
}

static bool
withdraw_provider_id(struct trial *t)
{
	return refused_provider_id(t, WITHDRAW);
}

/* Table 6 asks for no transport address here. */
static bool
withdraw_from_elsewhere(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	o->link = trial_link_new(t, WE);
	return o->link != NULL && order_withdraw(t, o);
}

/* Of a transaction that is over, and of an agreement that has ended. */
static bool
withdraw_then_accept(struct trial *t)
{
	struct order *o = order_new(t);
	uint8_t tid[16];

	if (!order_complete(t, o))
		return false;
	memcpy(tid, o->tid, sizeof(tid));
	if (!order_withdraw(t, o))
		return false;
	memcpy(o->tid, tid, sizeof(tid));
	o->number += 1000;
	(void)order_draft(t, o, ACCEPT);
	return expect_refused_draft(t, o);
}

/* ---- UPDATE ------------------------------------------------------------- */

/* The OFFER to an UPDATE, kept in the order in place of the first one. */
static bool
update(struct trial *t, struct order *o)
{
	static struct msg first;

	first = o->offer;
	begin(t, o, UPDATE);
	if (!exchange_draft(t, o, BIT(OFFER)))
		return false;
	o->offer = t->msg;
	o->processing = t->msg;
	return !span_equal(msg_attr(&first, NONCE),
		   msg_attr(&o->offer, NONCE)) ||
	    fails_msg(t, "an OFFER under a new NONCE", &o->offer);
}

static bool
update_offered(struct trial *t)
{
	struct order *o = order_new(t);

	return order_complete(t, o) && update(t, o) &&
	    (span_equal(msg_string(&o->offer, CUSTOMER_ORDER_ID),
		 span_str(o->cid)) ||
		fails_msg(t, "an OFFER for the same order", &o->offer)) &&
	    order_cancel(t, o);
}

static bool
update_agreed(struct trial *t)
{
	struct order *o = order_new(t);

	return order_complete(t, o) && update(t, o) &&
	    order_processing(t, o) && order_accept(t, o) &&
	    order_withdraw(t, o);
}

/* A transaction that fails leaves the agreement under the old NONCE. */
static bool
update_ended(struct trial *t, enum method method)
{
	struct order *o = order_new(t);
	static struct msg first;

	if (!order_complete(t, o))
		return false;
	first = o->offer;
	if (!update(t, o))
		return false;
	(void)order_draft(t, o, method);
	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	o->offer = first;
	return order_withdraw(t, o);
}

static bool
update_declined(struct trial *t)
{
	return update_ended(t, DECLINE);
}

static bool
update_cancelled(struct trial *t)
{
	return update_ended(t, CANCEL);
}

static bool
update_old_nonce(struct trial *t)
{
	struct order *o = order_new(t);
	static struct msg first, second;

	if (!order_complete(t, o))
		return false;
	first = o->offer;
	if (!update(t, o) || !order_accept(t, o))
		return false;
	second = o->offer;
	o->offer = first;
	begin(t, o, WITHDRAW);
	o->offer = second;
	return expect_fail_draft(t, o, 1) && order_withdraw(t, o);
}

static bool
update_second(struct trial *t)
{
	struct order *o = order_new(t);
	static struct msg first;
	uint8_t tid[16];
	uint32_t number;

	if (!order_complete(t, o))
		return false;
	first = o->offer;
	if (!update(t, o))
		return false;
	memcpy(tid, o->tid, sizeof(tid));
	number = o->number;
	begin(t, o, UPDATE);
	draft_raw(&t->draft, NONCE, msg_attr(&first, NONCE));
	if (!expect_fail_draft(t, o, 1))
		return false;
	memcpy(o->tid, tid, sizeof(tid));
	o->number = number;
	return order_accept(t, o);
}

static bool
update_without_time(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	begin(t, o, UPDATE);
	draft_drop(&t->draft, RESPONSE_TIME);
	if (!exchange_draft(t, o, BIT(OFFER)))
		return false;
	(void)order_draft(t, o, CANCEL);
	return exchange_draft(t, o, BIT(ACK));
}

static bool
update_unknown(struct trial *t)
{
	return refused_unknown(t, UPDATE);
}

static bool
update_before(struct trial *t)
{
	return refused_before(t, UPDATE);
}

static bool
update_nonce(struct trial *t)
{
	return refused_nonce(t, UPDATE);
}

static bool
update_provider_id(struct trial *t)
{
	return refused_provider_id(t, UPDATE);
}

static bool
update_after(struct trial *t)
{
	return refused_after(t, UPDATE);
}

/* ---- ACTIVATE ----------------------------------------------------------- */

static bool
activate_now(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	begin(t, o, ACTIVATE);
	return exchange_draft(t, o, BIT(ACK)) && order_withdraw(t, o);
}

static bool
activate_and_off(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	begin(t, o, ACTIVATE);
	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	begin(t, o, ACTIVATE);
	draft_uint(&t->draft, ACTIVATION_SCHEDULE, 0);
	return exchange_draft(t, o, BIT(ACK)) && order_withdraw(t, o);
}

static bool
activate_again(struct trial *t)
{
	struct order *o = order_new(t);
	static struct msg first;

	if (!order_complete(t, o))
		return false;
	begin(t, o, ACTIVATE);
	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	first = t->msg;
	t->out = o->request;
	return exchange(t, o, BIT(ACK)) &&
	    (span_equal(span_of(&t->msg.raw), span_of(&first.raw)) ||
		fails_msg(t, "the same ACK", &t->msg));
}

/* An agreement whose activation is not explicit has nothing to activate. */
static bool
activate_implicit(struct trial *t)
{
	struct order *o = order_new(t);
	static struct bytes cpd;

	if (o == NULL)
		return false;
	cpd_write(&cpd, 1000000, false);
	(void)order_draft(t, o, QUOTATION);
	draft_raw(&t->draft, SERVICE, span_of(&cpd));
	if (!order_quote_draft(t, o) || !order_accept(t, o))
		return false;
	begin(t, o, ACTIVATE);
	return exchange_draft(t, o, BIT(FAIL)) && order_withdraw(t, o);
}

static bool
activate_unknown(struct trial *t)
{
	return refused_unknown(t, ACTIVATE);
}

static bool
activate_before(struct trial *t)
{
	return refused_before(t, ACTIVATE);
}

static bool
activate_nonce(struct trial *t)
{
	return refused_nonce(t, ACTIVATE);
}

static const struct clause clauses[] = {
	{{"D02-11.2.2-1", "RFC8921-11.2.2-1"},
	    "WITHDRAW is acknowledged with the empty service description",
	    withdraw_ends, 0},
	{{"D02-11.2.2-2", "RFC8921-11.2.2-2"},
	    "WITHDRAW from another address of the customer is taken",
	    withdraw_from_elsewhere, 0},
	{{"D02-10.2-30", "RFC8921-10.2-30"}, "WITHDRAW of no order is refused",
	    withdraw_unknown, 0},
	{{"D02-10.2-31", "RFC8921-10.2-31"},
	    "WITHDRAW before there is an agreement is refused",
	    withdraw_before, 0},
	{{"D02-10.2-32", "RFC8921-10.2-32"},
	    "WITHDRAW under a wrong NONCE is refused", withdraw_nonce, 0},
	{{"D02-10.2-33", "RFC8921-10.2-33"},
	    "WITHDRAW of another PROVIDER_ORDER_IDENTIFIER is refused",
	    withdraw_provider_id, 0},
	{{"D02-10.2-34", "RFC8921-10.2-34"},
	    "ACCEPT after WITHDRAW is refused or discarded",
	    withdraw_then_accept, 0},
	{{"D02-11.2.3-1", "RFC8921-11.2.3-1"},
	    "UPDATE gets an OFFER under a new NONCE", update_offered, 0},
	{{"D02-11.2.3-2", "RFC8921-11.2.3-2"},
	    "UPDATE is agreed as an order is", update_agreed, 0},
	{{"D02-11.2.3-3", "RFC8921-11.2.3-3"},
	    "an UPDATE that is declined leaves the agreement",
	    update_declined, 0},
	{{"D02-11.2.3-4", "RFC8921-11.2.3-4"},
	    "an UPDATE that is cancelled leaves the agreement",
	    update_cancelled, 0},
	{{"D02-11.2.3-5", "RFC8921-11.2.3-5"},
	    "after an UPDATE the old NONCE is refused", update_old_nonce, 0},
	{{"D02-11.2.3-6", "RFC8921-11.2.3-6"},
	    "a second UPDATE while one is open is refused", update_second, 0},
	{{"D02-9.2.9-1", "RFC8921-9.2.9-1"},
	    "UPDATE without a response time is taken", update_without_time,
	    0},
	{{"D02-10.2-40", "RFC8921-10.2-40"}, "UPDATE of no order is refused",
	    update_unknown, 0},
	{{"D02-10.2-41", "RFC8921-10.2-41"},
	    "UPDATE before there is an agreement is refused", update_before,
	    0},
	{{"D02-10.2-42", "RFC8921-10.2-42"},
	    "UPDATE under a wrong NONCE is refused", update_nonce, 0},
	{{"D02-10.2-43", "RFC8921-10.2-43"},
	    "UPDATE of another PROVIDER_ORDER_IDENTIFIER is refused",
	    update_provider_id, 0},
	{{"D02-10.2-44", "RFC8921-10.2-44"},
	    "UPDATE of an agreement that has ended is refused", update_after,
	    0},
	{{NULL, "RFC8921-9.2.11-1"}, "ACTIVATE is acknowledged",
	    activate_now, 0},
	{{NULL, "RFC8921-9.2.11-2"}, "a schedule of 0 deactivates",
	    activate_and_off, 0},
	{{NULL, "RFC8921-9.2.11-3"}, "ACTIVATE again gets the ACK again",
	    activate_again, 0},
	{{NULL, "RFC8921-10.2-50"},
	    "ACTIVATE is refused when activation is not explicit",
	    activate_implicit, NEEDS_BUILT_IN},
	{{NULL, "RFC8921-10.2-51"}, "ACTIVATE of no order is refused",
	    activate_unknown, 0},
	{{NULL, "RFC8921-10.2-52"},
	    "ACTIVATE before there is an agreement is refused",
	    activate_before, 0},
	{{NULL, "RFC8921-10.2-53"}, "ACTIVATE under a wrong NONCE is refused",
	    activate_nonce, 0},
};

const struct clause_group agreement_clauses = {clauses, COUNT(clauses)};
