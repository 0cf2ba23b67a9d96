/*
 * Clauses about sequence numbers and retransmissions: RFC 8921, 11.3 and
 * 11.4.  Draft-02 has no numbers; the same bytes are a retransmission there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_answer(struct trial *t, const struct msg *before)
{
	return span_equal(span_of(&t->msg.raw), span_of(&before->raw)) ||
	    fails_msg(t, "the same answer as before", &t->msg);
}

static bool
number_grows(struct trial *t)
{
	struct order *o = order_new(t);
	uint64_t first, second, third;

	if (!order_complete(t, o))
		return false;
	second = msg_uint(&o->offer, SEQUENCE_NUMBER);
	third = msg_uint(&o->ack, SEQUENCE_NUMBER);
	if (third != second + 1)
		return fails(t, "expected %llu in the ACK after %llu in the "
				"OFFER, got %llu",
		    (unsigned long long)(second + 1),
		    (unsigned long long)second, (unsigned long long)third);
	if (!o->has_processing)
		return true;
	first = msg_uint(&o->processing, SEQUENCE_NUMBER);
	return second == first + 1 ||
	    fails(t, "expected %llu in the OFFER after %llu in the "
		     "PROCESSING, got %llu",
		(unsigned long long)(first + 1), (unsigned long long)first,
		(unsigned long long)second);
}

static bool
number_starts(struct trial *t)
{
	struct order *o = order_new(t), *p = order_new(t);
	uint64_t a, b;

	if (!order_quote(t, o) || !order_quote(t, p))
		return false;
	a = msg_uint(&o->offer, SEQUENCE_NUMBER);
	b = msg_uint(&p->offer, SEQUENCE_NUMBER);
	if (a == b)
		return fails_msg(t, "another SEQUENCE_NUMBER", &p->offer);
	return (a < 0x80000010u && b < 0x80000010u) ||
	    fails_msg(t, "a start below 2147483648", &o->offer);
}

/* A message that would end the order, under that number. */
static bool
is_discarded(struct trial *t, struct order *o, enum method method,
    uint32_t number)
{
	(void)order_draft(t, o, method);
	draft_uint(&t->draft, SEQUENCE_NUMBER, number);
	return expect_silence_draft(t, o);
}

static bool
number_lower(struct trial *t)
{
	struct order *o = order_new(t);
	uint32_t newest;

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	newest = o->number;
	return is_discarded(t, o, DECLINE, newest - 1) &&
	    is_discarded(t, o, CANCEL, newest - 1) &&
	    is_discarded(t, o, ACCEPT, 0) && order_accept(t, o);
}

static bool
number_equal(struct trial *t)
{
	struct order *o = order_new(t);
	uint32_t newest;

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	newest = o->number;
	return is_discarded(t, o, DECLINE, newest) &&
	    is_discarded(t, o, CANCEL, newest) && order_accept(t, o);
}

static bool
number_gap(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	o->number += 1000;
	return order_accept(t, o);
}

static bool
number_of_refused(struct trial *t)
{
	struct order *o = order_new(t);
	uint8_t nonce[16];

	if (!order_quote(t, o))
		return false;
	/* what was no legitimate message does not move the number */
	(void)order_draft(t, o, ACCEPT);
	fill_random(t, nonce, sizeof(nonce));
	draft_bytes(&t->draft, NONCE, (struct span){nonce, sizeof(nonce)});
	draft_uint(&t->draft, SEQUENCE_NUMBER, 0xf0000000u);
	return expect_fail_draft(t, o, 1) && order_accept(t, o);
}

static bool
again_quotation(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	/* after a PROCESSING the QUOTATION is not the newest any more */
	o = order_new(t);
	if (!order_quote(t, o))
		return false;
	t->out = o->request;
	return exchange(t, o, BIT(OFFER)) && is_answer(t, &o->offer);
}

/* Every message of the order twice: nothing changes but what is said. */
static bool
again_all(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	for (int i = 0; i < 3; i++) {
		t->out = o->request;
		if (!exchange(t, o, BIT(OFFER)) || !is_answer(t, &o->offer))
			return false;
	}
	return order_accept(t, o);
}

static bool
again_accept(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	t->out = o->request;
	return exchange(t, o, BIT(ACK)) && is_answer(t, &o->ack);
}

static bool
again_end(struct trial *t, struct order *o)
{
	static struct msg first;

	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	first = t->msg;
	t->out = o->request;
	return exchange(t, o, BIT(ACK)) && is_answer(t, &first);
}

static bool
again_cancel(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, CANCEL);
	return again_end(t, o);
}

static bool
again_decline(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o))
		return false;
	(void)order_draft(t, o, DECLINE);
	return again_end(t, o);
}

static bool
again_withdraw(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_complete(t, o))
		return false;
	order_new_transaction(t, o);
	(void)order_draft(t, o, WITHDRAW);
	if (!again_end(t, o))
		return false;
	o->is_completed = false;
	return true;
}

static bool
again_processing(struct trial *t)
{
	struct order *o = order_new(t);

	if (!order_quote(t, o) || !order_processing(t, o))
		return false;
	(void)link_recv(o->link, &t->in, t->options->quiet_ms);
	return expect_silence(t, o) && order_accept(t, o);
}

static const struct clause clauses[] = {
	{{NULL, "RFC8921-11.3-1"}, "each new message has the next number",
	    number_grows, 0},
	{{NULL, "RFC8921-11.3-2"},
	    "numbers start at random, below 2147483648", number_starts, 0},
	{{NULL, "RFC8921-11.3-3"}, "a lower number is discarded",
	    number_lower, 0},
	{{NULL, "RFC8921-11.3-4"},
	    "the same number with other bytes is discarded", number_equal, 0},
	{{NULL, "RFC8921-11.3-5"}, "numbers may be left out", number_gap, 0},
	{{NULL, "RFC8921-11.3-6"},
	    "the number of a message that was refused does not count",
	    number_of_refused, 0},
	{{"D02-11.1.1-1", "RFC8921-11.4-1"},
	    "QUOTATION again gets the OFFER again", again_quotation, 0},
	{{"D02-11.1.1-2", "RFC8921-11.4-2"},
	    "and again, and the order goes on", again_all, 0},
	{{"D02-11.1.1-3", "RFC8921-11.4-3"}, "ACCEPT again gets the ACK again",
	    again_accept, 0},
	{{"D02-11.1.1-4", "RFC8921-11.4-4"}, "CANCEL again gets the ACK again",
	    again_cancel, 0},
	{{"D02-11.1.1-5", "RFC8921-11.4-5"},
	    "DECLINE again gets the ACK again", again_decline, 0},
	{{"D02-11.1.2-1", "RFC8921-11.4-6"},
	    "WITHDRAW again gets the ACK again", again_withdraw, 0},
	{{"D02-11.1.1-6", "RFC8921-11.4-7"},
	    "PROCESSING again gets no answer", again_processing, 0},
};

const struct clause_group number_clauses = {clauses, COUNT(clauses)};
