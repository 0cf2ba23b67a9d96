/*
 * Clauses about addresses that have not proved themselves, over plain UDP.
 * cpnp-wire(7), Cookies; RFC 8921, 13.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct order *
begin(struct trial *t, enum method method)
{
	struct order *o = order_new_on(t, trial_link_new(t, WE));

	if (o != NULL)
		(void)order_draft(t, o, method);
	return o;
}

/* What the server says to t->out; false with no verdict when nothing. */
static bool
ask_once(struct trial *t, struct order *o)
{
	int64_t deadline = link_clock() + t->options->quiet_ms;
	const char *why;

	if (!link_send(o->link, span_of(&t->out)))
		return fails(t, "the datagram could not be sent");
	t->in.n = 0;
	if (!link_recv(
		o->link, &t->in, (int)(deadline - link_clock())))
		return false;
	why = msg_read(&t->msg, &t->in);
	return why == NULL || fails(t, "the answer is not valid: %s", why);
}

/* FAIL 2 with a COOKIE, in t->msg; a server that asks for none is not held
 * to it. */
static bool
is_asked(struct trial *t, struct order *o)
{
	if (!ask_once(t, o) && !ask_once(t, o))
		return fails(t, "expected FAIL 2 with a COOKIE, got nothing");
	if (t->msg.method != FAIL)
		return skips(t, "this server asks our address for no cookie");
	if (msg_uint(&t->msg, STATUS) != 2 ||
	    msg_attr(&t->msg, COOKIE).p == NULL)
		return fails_msg(t, "FAIL 2 with a COOKIE", &t->msg);
	return true;
}

static bool
cookie_asked(struct trial *t)
{
	struct order *o = begin(t, QUOTATION);

	if (o == NULL)
		return false;
	draft_write(&t->draft, &t->out);
	if (!is_asked(t, o))
		return false;
	return span_equal(msg_string(&t->msg, TRANSACTION_ID),
		   (struct span){o->tid, sizeof(o->tid)}) ||
	    fails_msg(t, "the TRANSACTION_ID of the request", &t->msg);
}

static bool
is_no_longer(struct trial *t, struct order *o)
{
	if (!ask_once(t, o))
		return t->verdict == PASSED;
	if (t->msg.method == PROCESSING)
		return skips(t, "this server asks our address for no cookie");
	return t->in.n <= t->out.n ||
	    fails(t, "expected at most %zu bytes, got %zu", t->out.n,
		t->in.n);
}

static bool
cookie_amplification(struct trial *t)
{
	static const uint8_t tid[] = {1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t service[] = {0x82, 0x00, 0x80};
	struct order *o = begin(t, CANCEL);

	if (o == NULL)
		return false;
	draft_bytes(&t->draft, TRANSACTION_ID,
	    (struct span){tid, sizeof(tid)});
	draft_text(&t->draft, CUSTOMER_ORDER_ID, "a");
	draft_write(&t->draft, &t->out);
	if (!is_no_longer(t, o))
		return false;
	draft_begin(&t->draft, t->edition, QUOTATION);
	order_number(t, o);
	draft_bytes(&t->draft, TRANSACTION_ID,
	    (struct span){tid, sizeof(tid)});
	draft_text(&t->draft, CUSTOMER_ORDER_ID, "a");
	draft_raw(
	    &t->draft, SERVICE, (struct span){service, sizeof(service)});
	draft_write(&t->draft, &t->out);
	if (!is_no_longer(t, o))
		return false;
	(void)order_draft(t, o, QUOTATION);
	draft_write(&t->draft, &t->out);
	return is_no_longer(t, o);
}

static bool
cookie_garbage(struct trial *t)
{
	struct order *o = begin(t, QUOTATION);

	if (o == NULL)
		return false;
	draft_write(&t->draft, &t->out);
	put_byte(&t->out, 0);
	return is_no_longer(t, o);
}

static bool
cookie_shown(struct trial *t)
{
	struct order *o = begin(t, QUOTATION);

	if (o == NULL || !order_quote_draft(t, o))
		return false;
	return t->cookie_asked ||
	    skips(t, "this server asks our address for no cookie");
}

static bool
cookie_of_another_address(struct trial *t)
{
	struct order *o = begin(t, QUOTATION), *p;
	struct span cookie;

	if (o == NULL)
		return false;
	draft_write(&t->draft, &t->out);
	if (!is_asked(t, o))
		return false;
	cookie = msg_attr(&t->msg, COOKIE);
	p = order_new_on(t, trial_link_new(t, WE));
	if (p == NULL)
		return false;
	(void)order_draft(t, p, QUOTATION);
	draft_raw(&t->draft, COOKIE, cookie);
	draft_write(&t->draft, &t->out);
	if (!ask_once(t, p))
		return t->verdict == PASSED;
	return (t->msg.method == FAIL && msg_uint(&t->msg, STATUS) == 2) ||
	    fails_msg(t, "FAIL 2 or no answer", &t->msg);
}

static bool
cookie_wrong(struct trial *t)
{
	struct order *o = begin(t, QUOTATION);
	uint8_t wrong[32];
	struct span cookie;

	if (o == NULL)
		return false;
	draft_write(&t->draft, &t->out);
	if (!is_asked(t, o))
		return false;
	cookie = msg_string(&t->msg, COOKIE);
	memcpy(wrong, cookie.p, cookie.n);
	wrong[cookie.n - 1] ^= 1;
	draft_bytes(&t->draft, COOKIE, (struct span){wrong, cookie.n});
	draft_write(&t->draft, &t->out);
	if (!ask_once(t, o))
		return t->verdict == PASSED;
	return (t->msg.method == FAIL && msg_uint(&t->msg, STATUS) == 2) ||
	    fails_msg(t, "FAIL 2 or no answer", &t->msg);
}

/* The QUOTATION that had no cookie left nothing behind: its identifier is
 * free for another. */
static bool
cookie_keeps_no_state(struct trial *t)
{
	struct order *o = begin(t, QUOTATION);

	if (o == NULL)
		return false;
	draft_uint(&t->draft, HOP_LIMIT, 3);
	draft_write(&t->draft, &t->out);
	return is_asked(t, o) && order_quote(t, o);
}

static bool
cookie_not_to_fail(struct trial *t)
{
	struct order *o = begin(t, FAIL);

	if (o == NULL)
		return false;
	draft_write(&t->draft, &t->out);
	if (!ask_once(t, o))
		return t->verdict == PASSED;
	return fails_msg(t, "no answer to a FAIL", &t->msg);
}

/* Whether a message repeats another is decided without the cookie. */
static bool
cookie_is_not_compared(struct trial *t)
{
	struct order *o = begin(t, QUOTATION);
	static struct bytes without;

	if (o == NULL)
		return false;
	draft_write(&t->draft, &without);
	if (!order_quote_draft(t, o))
		return false;
	if (!t->cookie_asked)
		return skips(t, "this server asks our address for no cookie");
	t->out = without;
	if (!exchange(t, o, BIT(OFFER)))
		return false;
	return span_equal(span_of(&t->msg.raw), span_of(&o->offer.raw)) ||
	    fails_msg(t, "the same OFFER as before", &t->msg);
}

static const struct clause clauses[] = {
	{{"COOKIE-1", "COOKIE-1"},
	    "a new address is asked for a cookie, with FAIL 2", cookie_asked,
	    NEEDS_UDP},
	{{"COOKIE-2", "COOKIE-2"},
	    "before the proof no answer is longer than the request",
	    cookie_amplification, NEEDS_UDP},
	{{"COOKIE-3", "COOKIE-3"}, "the same holds for what is not valid",
	    cookie_garbage, NEEDS_UDP},
	{{"COOKIE-4", "COOKIE-4"}, "the request with its cookie is taken",
	    cookie_shown, NEEDS_UDP},
	{{"COOKIE-5", "COOKIE-5"},
	    "the cookie of another address proves nothing",
	    cookie_of_another_address, NEEDS_UDP},
	{{"COOKIE-6", "COOKIE-6"}, "a wrong cookie proves nothing",
	    cookie_wrong, NEEDS_UDP},
	{{"COOKIE-7", "COOKIE-7"},
	    "a request without a cookie leaves no state", cookie_keeps_no_state,
	    NEEDS_UDP},
	{{"COOKIE-8", "COOKIE-8"}, "a FAIL is not asked for a cookie",
	    cookie_not_to_fail, NEEDS_UDP},
	{{"COOKIE-9", "COOKIE-9"},
	    "a retransmission is one with or without the cookie",
	    cookie_is_not_compared, NEEDS_UDP},
};

const struct clause_group cookie_clauses = {clauses, COUNT(clauses)};
