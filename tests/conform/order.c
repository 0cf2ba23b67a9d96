/*
 * Clauses about the way of an order from QUOTATION to its end.  RFC 8921, 8,
 * 9.1, 9.2; draft-02, 8, 9.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>
#include <time.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NONCE_LEN_MIN 16
#define PARALLEL 4
#define REPEAT_MS 4500 /* RETRANS_TIMER and more */
#define LATE_MAX 60    /* seconds that are waited for an offer to end */

static bool
copies(struct trial *t, const struct msg *m, const struct order *o)
{
	return (span_equal(msg_string(m, TRANSACTION_ID),
		    (struct span){o->tid, sizeof(o->tid)}) &&
		   span_equal(msg_string(m, CUSTOMER_ORDER_ID),
		       span_str(o->cid))) ||
	    fails_msg(t,
		"our TRANSACTION_ID and CUSTOMER_ORDER_IDENTIFIER", m);
}

/* The answers to two sockets of the same customer do not mix. */
static bool
order_ports(struct trial *t)
{
	struct order *o = order_new(t);
	struct order *p = order_new_on(t, trial_link_new(t, WE));

	return o != NULL && p != NULL && order_quote(t, o) &&
	    order_quote(t, p) && order_accept(t, o) && order_accept(t, p);
}

static bool
order_parallel(struct trial *t)
{
	struct order *o[PARALLEL];

	for (size_t i = 0; i < PARALLEL; i++) {
		o[i] = order_new(t);
		if (o[i] == NULL || !order_quote(t, o[i]))
			return false;
	}
	for (size_t i = PARALLEL; i-- > 0;)
		if (!order_accept(t, o[i]) || !copies(t, &o[i]->ack, o[i]))
			return false;
	return true;
}

static bool
order_first_answer(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, QUOTATION);
	o->cancellable = true;
	return exchange_draft(t, o, BIT(PROCESSING) | BIT(OFFER)) &&
	    copies(t, &t->msg, o);
}

static bool
order_offer(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o) || !copies(t, &o->offer, o))
		return false;
	if (is_empty_service(msg_attr(&o->offer, SERVICE)))
		return fails_msg(
		    t, "an OFFER with a service description", &o->offer);
	return !o->has_processing ||
	    span_equal(msg_attr(&o->offer, PROVIDER_ORDER_ID),
		msg_attr(&o->processing, PROVIDER_ORDER_ID)) ||
	    fails_msg(t, "the PROVIDER_ORDER_IDENTIFIER of the PROCESSING",
		&o->offer);
}

static bool
order_provider_id(struct trial *t)
{
	struct order *o = order_new(t), *p = order_new(t);
	struct span a, b;

	if (!order_quote(t, o) || !order_quote(t, p))
		return false;
	a = msg_string(&o->offer, PROVIDER_ORDER_ID);
	b = msg_string(&p->offer, PROVIDER_ORDER_ID);
	if (span_equal(a, b))
		return fails_msg(
		    t, "another PROVIDER_ORDER_IDENTIFIER", &p->offer);
	return !span_equal(a, span_str(o->cid)) ||
	    fails_msg(t, "a PROVIDER_ORDER_IDENTIFIER of its own", &o->offer);
}

static bool
order_nonce(struct trial *t)
{
	struct order *o = order_new(t), *p = order_new(t);
	struct span a, b;

	if (!order_quote(t, o) || !order_quote(t, p))
		return false;
	a = msg_string(&o->offer, NONCE);
	b = msg_string(&p->offer, NONCE);
	if (a.n < NONCE_LEN_MIN || b.n < NONCE_LEN_MIN)
		return fails_msg(t, "a NONCE of 16 bytes", &o->offer);
	return !span_equal(a, b) ||
	    fails_msg(t, "another NONCE for another order", &p->offer);
}

static bool
order_validity(struct trial *t)
{
	struct order *o = order_new(t);

	return order_quote(t, o) &&
	    (date_read(msg_string(&o->offer, VALIDITY), t->edition) >
		    (int64_t)time(NULL) ||
		fails_msg(t, "a validity that has not ended", &o->offer));
}

static bool
order_agreed(struct trial *t)
{
	struct order *o = order_new(t);

	return order_quote(t, o) && order_processing(t, o) &&
	    order_accept(t, o) && copies(t, &o->ack, o);
}

static bool
order_without_processing(struct trial *t)
{
	return order_complete(t, order_new(t));
}

/* contradictions of the texts: the empty CPD or the requested one */
static bool
is_end_of_decline(struct trial *t)
{
	struct span service = msg_attr(&t->msg, SERVICE);

	return is_empty_service(service) ||
	    span_equal(service, span_of(&t->options->cpd)) ||
	    fails_msg(t,
		"an ACK with the empty or the requested service description",
		&t->msg);
}

static bool
order_decline(struct trial *t)
{
	static const uint8_t reasons[] = {0x82, 0x01, 0x03};
	struct order *o = order_new(t);

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	(void)order_draft(t, o, DECLINE);
	if (t->edition == RFC8921)
		draft_raw(&t->draft, REASON,
		    (struct span){reasons, sizeof(reasons)});
	return exchange_draft(t, o, BIT(ACK)) && copies(t, &t->msg, o) &&
	    is_end_of_decline(t);
}

static bool
order_decline_at_once(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, DECLINE);
	/* draft-02 has no NONCE in it */
	if (t->edition == DRAFT02)
		draft_drop(&t->draft, NONCE);
	return exchange_draft(t, o, BIT(ACK)) && is_end_of_decline(t);
}

/* The requested or the offered service description. */
static bool
is_end_of_cancel(struct trial *t, struct order *o)
{
	struct span service = msg_attr(&t->msg, SERVICE);

	o->cancellable = false;
	return span_equal(service, span_of(&t->options->cpd)) ||
	    (o->has_offer &&
		span_equal(service, msg_attr(&o->offer, SERVICE))) ||
	    fails_msg(t,
		"an ACK with the requested or offered service description",
		&t->msg);
}

static bool
order_cancel_offered(struct trial *t)
{
	struct order *o = order_new(t);

	return order_quote(t, o) && order_cancel(t, o) &&
	    copies(t, &t->msg, o) && is_end_of_cancel(t, o);
}

static bool
order_cancel_processed(struct trial *t)
{
	struct order *o = order_new(t);

	return order_quote(t, o) && order_processing(t, o) &&
	    order_cancel(t, o) && is_end_of_cancel(t, o);
}

/* At once, most likely while the server still decides. */
static bool
order_cancel_early(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, QUOTATION);
	o->cancellable = true;
	return exchange_draft(t, o, BIT(PROCESSING) | BIT(OFFER)) &&
	    order_cancel(t, o) && is_end_of_cancel(t, o);
}

/* With the agreement there the way out is WITHDRAW; the answer says that it
 * stands. */
static bool
order_cancel_late(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	(void)order_draft(t, o, CANCEL);
	if (!exchange_draft(t, o, BIT(ACK) | BIT(FAIL)))
		return false;
	if (t->msg.method == ACK &&
	    !span_equal(span_of(&t->msg.raw), span_of(&o->ack.raw)))
		return fails_msg(t, "FAIL, or the ACK of the ACCEPT", &t->msg);
	return order_withdraw(t, o);
}

static bool
order_repeats_offer(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	return await(t, o, BIT(OFFER), REPEAT_MS) &&
	    (span_equal(span_of(&t->msg.raw), span_of(&o->offer.raw)) ||
		fails_msg(t, "the same OFFER", &t->msg));
}

static bool
order_processing_stops_offer(struct trial *t)
{
	struct order *o = order_new(t);
	int64_t deadline;

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	/* one may be under way */
	(void)link_recv(o->link, &t->in, t->options->quiet_ms);
	for (deadline = link_clock() + REPEAT_MS; link_clock() < deadline;) {
		if (!link_recv(o->link, &t->in, t->options->quiet_ms))
			continue;
		if (msg_read(&t->msg, &t->in) == NULL &&
		    span_equal(span_of(&t->in), span_of(&o->offer.raw)))
			return fails_msg(t, "no OFFER any more", &t->msg);
	}
	return true;
}

/* The offer ends, and what is late is refused in words. */
static bool
order_late_accept(struct trial *t)
{
	struct order *o = order_new(t);
	int64_t left;

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	left = date_read(msg_string(&o->offer, VALIDITY), t->edition) -
	    (int64_t)time(NULL);
	if (left > LATE_MAX)
		return skips(t, "offers of this server are valid for %lld s",
		    (long long)left);
	while (date_read(msg_string(&o->offer, VALIDITY), t->edition) >=
	    (int64_t)time(NULL))
		(void)link_recv(o->link, &t->in, 100);
	(void)order_draft(t, o, ACCEPT);
	return expect_fail_draft(t, o, 1);
}

static const struct clause clauses[] = {
	{{"D02-8.1-1", "RFC8921-8.1-1"},
	    "answers go to the port that the request came from", order_ports,
	    0},
	{{"D02-8.6-1", "RFC8921-8.4-1"},
	    "several transactions at a time do not mix", order_parallel, 0},
	{{"D02-9.2.2-1", "RFC8921-9.2.2-1"},
	    "the answer to a request copies its identifiers",
	    order_first_answer, 0},
	{{"D02-9.2.3-1", "RFC8921-9.2.3-1"},
	    "an OFFER is of the order that PROCESSING named", order_offer, 0},
	{{"D02-9.1.2-1", "RFC8921-9.1.2-1"},
	    "PROVIDER_ORDER_IDENTIFIER is unique", order_provider_id, 0},
	{{"D02-9.1.4-1", "RFC8921-9.1.5-1"},
	    "NONCE is a value of its own for each order", order_nonce, 0},
	{{"D02-9.1.7-1", "RFC8921-9.1.8-1"},
	    "an OFFER is valid until a time to come", order_validity, 0},
	{{"D02-9.2.4-1", "RFC8921-9.2.4-1"},
	    "ACCEPT is acknowledged with the offered service description",
	    order_agreed, 0},
	{{"D02-9.2.4-2", "RFC8921-9.2.4-2"},
	    "an ACCEPT needs no PROCESSING before it",
	    order_without_processing, 0},
	{{"D02-9.2.6-1", "RFC8921-9.2.5-1"},
	    "DECLINE after PROCESSING is acknowledged", order_decline, 0},
	{{"D02-9.2.6-2", "RFC8921-9.2.5-2"},
	    "DECLINE at once is acknowledged", order_decline_at_once, 0},
	{{"D02-9.2.7-1", "RFC8921-9.2.7-1"},
	    "CANCEL of an offer is acknowledged", order_cancel_offered, 0},
	{{"D02-9.2.7-2", "RFC8921-9.2.7-2"},
	    "CANCEL after PROCESSING is acknowledged",
	    order_cancel_processed, 0},
	{{"D02-9.2.7-3", "RFC8921-9.2.7-3"},
	    "CANCEL right after the request is acknowledged",
	    order_cancel_early, 0},
	{{"D02-9.2.7-4", "RFC8921-9.2.7-4"},
	    "CANCEL does not end an agreement", order_cancel_late, 0},
	{{"D02-11.2.1-1", "RFC8921-11.2.1-1"},
	    "an OFFER without an answer is sent again", order_repeats_offer,
	    0},
	{{"D02-11.2.1-2", "RFC8921-11.2.1-2"},
	    "PROCESSING ends the repetitions of the OFFER",
	    order_processing_stops_offer, NEEDS_SLOW},
	{{"D02-11.2.1-3", "RFC8921-11.2.1-3"},
	    "an ACCEPT after the validity is refused", order_late_accept,
	    NEEDS_SLOW},
};

const struct clause_group order_clauses = {clauses, COUNT(clauses)};
