/*
 * The client that the clauses play with.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "conform.h"

#include <stdarg.h>
#include <string.h>

#define RESEND_MS 600
#define HEX_SHOWN 96
#define DRAIN_MAX 1000 /* datagrams that are late for a clause */

/* ---- results ------------------------------------------------------------ */

bool
fails(struct trial *t, const char *format, ...)
{
	va_list ap;

	if (t->verdict != PASSED)
		return false;
	t->verdict = FAILED;
	va_start(ap, format);
	(void)vsnprintf(t->detail, sizeof(t->detail), format, ap);
	va_end(ap);
	return false;
}

bool
skips(struct trial *t, const char *format, ...)
{
	va_list ap;

	if (t->verdict != PASSED)
		return false;
	t->verdict = SKIPPED;
	va_start(ap, format);
	(void)vsnprintf(t->detail, sizeof(t->detail), format, ap);
	va_end(ap);
	return false;
}

static void
hex(char *text, size_t size, const struct bytes *bytes)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < bytes->n && i < HEX_SHOWN && at + 6 < size; i++)
		at += (size_t)snprintf(
		    text + at, size - at, "%02x", bytes->b[i]);
	if (bytes->n > HEX_SHOWN)
		(void)snprintf(text + at, size - at, "...");
}

bool
fails_msg(struct trial *t, const char *expected, const struct msg *got)
{
	char text[2 * HEX_SHOWN + 8], status[16] = "";

	hex(text, sizeof(text), &got->raw);
	if (got->method == FAIL)
		(void)snprintf(status, sizeof(status), " %llu",
		    (unsigned long long)msg_uint(got, STATUS));
	return fails(t, "expected %s, got %s%s: %s", expected,
	    method_name(got->version, got->method), status, text);
}

static bool
fails_form(struct trial *t, const char *why, const struct bytes *got)
{
	char text[2 * HEX_SHOWN + 8];

	hex(text, sizeof(text), got);
	return fails(t, "the server sent a message that is not valid, %s: %s",
	    why, text);
}

/* ---- links -------------------------------------------------------------- */

void
fill_random(struct trial *t, void *bytes, size_t n)
{
	uint8_t *p = bytes;

	/* splitmix64: from a seed, so that a run can be repeated */
	for (size_t i = 0; i < n; i++) {
		uint64_t z = (t->random += 0x9e3779b97f4a7c15u);

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		p[i] = (uint8_t)(z ^ z >> 31);
	}
}

/* Show that this address is one, with a CANCEL of nothing. */
static bool
prove(struct trial *t, struct link *link)
{
	struct order *o = order_new_on(t, link);
	bool ok;

	if (o == NULL)
		return false;
	(void)order_draft(t, o, CANCEL);
	ok = exchange_draft(t, o, BIT(FAIL));
	t->orders_n--;
	return ok;
}

static struct link *
open_link(struct trial *t, enum who who)
{
	char why[256];
	struct link *link =
	    link_open(&t->options->link, who, why, sizeof(why));

	if (link == NULL)
		(void)fails(t, "%s", why);
	return link;
}

struct link *
trial_link(struct trial *t, enum who who)
{
	if (t->link[who] == NULL) {
		t->link[who] = open_link(t, who);
		if (t->link[who] != NULL && !prove(t, t->link[who])) {
			link_close(t->link[who]);
			t->link[who] = NULL;
		}
	}
	return t->link[who];
}

struct link *
trial_link_new(struct trial *t, enum who who)
{
	size_t i = t->extra[0] != NULL;

	if (t->extra[i] == NULL)
		t->extra[i] = open_link(t, who);
	return t->extra[i];
}

/* ---- orders ------------------------------------------------------------- */

struct order *
order_new_on(struct trial *t, struct link *link)
{
	struct order *o = &t->orders[t->orders_n];
	uint8_t id[10];
	uint32_t number;

	if (link == NULL)
		return NULL;
	if (t->orders_n == ORDERS_MAX) {
		(void)fails(t, "this clause has too many orders");
		return NULL;
	}
	t->orders_n++;
	memset(o, 0, sizeof(*o));
	o->link = link;
	fill_random(t, o->tid, sizeof(o->tid));
	fill_random(t, id, sizeof(id));
	fill_random(t, &number, sizeof(number));
	o->number = number & INT32_MAX;
	memcpy(o->cid, "conform-", 9);
	for (size_t i = 0; i < sizeof(id); i++)
		(void)snprintf(o->cid + 8 + 2 * i, 3, "%02x", id[i]);
	return o;
}

struct order *
order_new(struct trial *t)
{
	return order_new_on(t, trial_link(t, WE));
}

void
order_new_transaction(struct trial *t, struct order *o)
{
	uint32_t number;

	fill_random(t, o->tid, sizeof(o->tid));
	fill_random(t, &number, sizeof(number));
	o->number = number & INT32_MAX;
}

/* cpnp-wire(7): a component, a profile, one node, a rate in and out, and how
 * it is activated. */
void
cpd_write(struct bytes *out, uint64_t rate, bool is_explicit)
{
	out->n = 0;
	out->full = false;
	put_head(out, MAJOR_ARRAY, 2);
	put_uint(out, 0); /* the type: a CPD */
	put_head(out, MAJOR_MAP, 1);
	put_uint(out, 2);
	put_head(out, MAJOR_ARRAY, 1); /* components */
	put_head(out, MAJOR_MAP, 1);
	put_uint(out, 2);
	put_head(out, MAJOR_ARRAY, 1); /* profiles */
	put_head(out, MAJOR_MAP, is_explicit ? 3 : 2);
	put_uint(out, 1);
	put_head(out, MAJOR_ARRAY, 1); /* nodes */
	put_head(out, MAJOR_MAP, 2);
	put_uint(out, 1);
	put_text(out, "site");
	put_uint(out, 3);
	put_text(out, "Toulouse");
	put_uint(out, 5);
	put_head(out, MAJOR_ARRAY, 1); /* rates */
	put_head(out, MAJOR_MAP, 3);
	put_uint(out, 1);
	put_uint(out, 1);
	put_uint(out, 4);
	put_uint(out, rate);
	put_uint(out, 5);
	put_uint(out, rate);
	if (!is_explicit)
		return;
	put_uint(out, 12);
	put_head(out, MAJOR_MAP, 2);
	put_uint(out, 1);
	put_uint(out, 2);
	put_uint(out, 2);
	put_head(out, MAJOR_ARRAY, 1); /* protocols */
	put_text(out, "CPNP");
}

bool
is_empty_service(struct span service)
{
	struct reader r = reader_of(service);
	uint64_t n, type, body;

	return service.p != NULL && get_type(&r, MAJOR_ARRAY, &n) && n == 2 &&
	    get_type(&r, MAJOR_UINT, &type) &&
	    get_type(&r, MAJOR_ARRAY, &body) && body == 0;
}

/* What the OFFER said, copied. */
static void
copy_offer(struct draft *d, const struct order *o)
{
	static const int codes[] = {SERVICE, ACTIVATION_TYPE,
	    ACTIVATION_SCHEDULE, CUSTOMER, PROVIDER, OPTIONS, -5};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct span value = msg_attr(&o->offer, codes[i]);

		if (value.p != NULL)
			draft_raw(d, codes[i], value);
	}
}

void
order_number(struct trial *t, struct order *o)
{
	if (t->edition == RFC8921)
		draft_uint(&t->draft, SEQUENCE_NUMBER, ++o->number);
}

struct draft *
order_draft(struct trial *t, struct order *o, enum method method)
{
	struct draft *d = &t->draft;
	const struct msg *known = o->has_offer ? &o->offer : &o->processing;

	draft_begin(d, t->edition, method);
	order_number(t, o);
	draft_bytes(
	    d, TRANSACTION_ID, (struct span){o->tid, sizeof(o->tid)});
	draft_text(d, CUSTOMER_ORDER_ID, o->cid);
	if (method == QUOTATION) {
		draft_raw(d, SERVICE, span_of(&t->options->cpd));
		return d;
	}
	if (method == CANCEL)
		return d;
	if (msg_attr(known, PROVIDER_ORDER_ID).p != NULL)
		draft_raw(
		    d, PROVIDER_ORDER_ID, msg_attr(known, PROVIDER_ORDER_ID));
	else
		draft_text(d, PROVIDER_ORDER_ID, "no-such-order");
	if (method == PROCESSING || method == ACK)
		return d;
	if (method == FAIL) {
		draft_uint(d, STATUS, 1);
		return d;
	}
	if (o->has_offer)
		draft_raw(d, NONCE, msg_attr(&o->offer, NONCE));
	else
		draft_bytes(d, NONCE, (struct span){o->tid, sizeof(o->tid)});
	if (method == ACCEPT && o->has_offer)
		copy_offer(d, o);
	else if (method == ACCEPT)
		draft_raw(d, SERVICE, span_of(&t->options->cpd));
	else if (method == UPDATE)
		draft_raw(d, SERVICE, span_of(&t->options->cpd_update));
	return d;
}

/* ---- exchanges ---------------------------------------------------------- */

static bool
is_of(const struct trial *t, const struct order *o)
{
	struct span tid = msg_string(&t->msg, TRANSACTION_ID);

	/* a FAIL to what could not be read has none */
	return tid.p == NULL
	    ? t->malformed && t->msg.method == FAIL
	    : span_equal(tid, (struct span){o->tid, sizeof(o->tid)});
}

static bool
is_same(const struct msg *a, const struct msg *b)
{
	return span_equal(span_of(&a->raw), span_of(&b->raw));
}

/* A message of this order in t->msg; 1, 0 for none, -1 for one that is not
 * valid. */
static int
receive(struct trial *t, struct order *o, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - link_clock();
		const char *why;

		if (left <= 0 || !link_recv(o->link, &t->in, (int)left))
			return 0;
		why = msg_read(&t->msg, &t->in);
		if (why != NULL) {
			(void)fails_form(t, why, &t->in);
			return -1;
		}
		if (!is_of(t, o))
			continue; /* of an earlier clause */
		if (t->msg.version != t->edition && !t->malformed) {
			(void)fails_msg(
			    t, "an answer in the edition of the request",
			    &t->msg);
			return -1;
		}
		return 1;
	}
}

/* What was sent in t->out, with the COOKIE that t->msg asks for. */
static bool
add_cookie(struct trial *t)
{
	static struct msg sent;
	static struct draft d;

	if (msg_read(&sent, &t->out) != NULL)
		return false;
	draft_begin(&d, sent.version, sent.method);
	for (size_t i = 0; i < sent.n; i++)
		draft_raw(&d, sent.attr[i].code, msg_attr_at(&sent, i));
	draft_raw(&d, COOKIE, msg_attr(&t->msg, COOKIE));
	draft_write(&d, &t->out);
	return !t->out.full;
}

static bool
wants_cookie(const struct msg *m)
{
	return m->method == FAIL && msg_uint(m, STATUS) == 2 &&
	    msg_attr(m, COOKIE).p != NULL;
}

static void
keep(struct order *o, const struct msg *m)
{
	if (m->method == PROCESSING && !o->has_processing) {
		o->processing = *m;
		o->has_processing = true;
	}
	if (m->method == OFFER && !o->has_offer) {
		o->offer = *m;
		o->has_offer = true;
	}
}

static const char *
words_of(unsigned methods)
{
	static char text[64];
	size_t at = 0;

	text[0] = '\0';
	for (unsigned m = 0; m < METHOD_END; m++)
		if ((methods & BIT(m)) != 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    "%s%s", at > 0 ? " or " : "",
			    method_name(RFC8921, m));
	return text;
}

bool
exchange(struct trial *t, struct order *o, unsigned wanted)
{
	int64_t deadline = link_clock() + t->options->timeout_ms;
	bool silent = true, cookie = false;

	t->cookie_asked = false;
	o->request = t->out;
	while (link_clock() < deadline) {
		int64_t again = link_clock() + RESEND_MS;
		int got;

		if (!link_send(o->link, span_of(&t->out)))
			return fails(t, "the request could not be sent");
		if (again > deadline)
			again = deadline;
		while ((got = receive(t, o, again)) == 1) {
			bool asks = wants_cookie(&t->msg);

			if (asks && !cookie && add_cookie(t)) {
				cookie = t->cookie_asked = true;
				break;
			}
			if ((wanted & BIT(t->msg.method)) != 0) {
				keep(o, &t->msg);
				return true;
			}
			if (t->msg.method != PROCESSING &&
			    t->msg.method != OFFER)
				return fails_msg(
				    t, words_of(wanted), &t->msg);
			keep(o, &t->msg);
			silent = false;
		}
		if (got < 0)
			return false;
	}
	return fails(t, "expected %s, got %s in %d ms", words_of(wanted),
	    silent ? "no answer" : "only PROCESSING or OFFER",
	    t->options->timeout_ms);
}

bool
exchange_draft(struct trial *t, struct order *o, unsigned wanted)
{
	draft_write(&t->draft, &t->out);
	return exchange(t, o, wanted);
}

bool
await(struct trial *t, struct order *o, unsigned wanted, int ms)
{
	int64_t deadline = link_clock() + ms;
	int got;

	while ((got = receive(t, o, deadline)) == 1) {
		keep(o, &t->msg);
		if ((wanted & BIT(t->msg.method)) != 0)
			return true;
		if (t->msg.method != PROCESSING && t->msg.method != OFFER)
			return fails_msg(t, words_of(wanted), &t->msg);
	}
	return got < 0
	    ? false
	    : fails(t, "expected %s, got nothing in %d ms", words_of(wanted),
		  ms);
}

bool
expect_silence(struct trial *t, struct order *o)
{
	int64_t deadline = link_clock() + t->options->quiet_ms;
	int got;

	if (!link_send(o->link, span_of(&t->out)))
		return fails(t, "the message could not be sent");
	while ((got = receive(t, o, deadline)) == 1) {
		bool known = (o->has_offer && is_same(&t->msg, &o->offer)) ||
		    (o->has_processing && is_same(&t->msg, &o->processing));

		if (!known)
			return fails_msg(t, "no answer", &t->msg);
	}
	return got == 0;
}

bool
expect_silence_draft(struct trial *t, struct order *o)
{
	draft_write(&t->draft, &t->out);
	return expect_silence(t, o);
}

bool
expect_refused(struct trial *t, struct order *o)
{
	int64_t deadline = link_clock() + t->options->quiet_ms;
	int got;

	/* a system that does not take it has refused it too */
	if (!link_send(o->link, span_of(&t->out)))
		return true;
	t->malformed = true;
	got = receive(t, o, deadline);
	t->malformed = false;
	if (got != 1)
		return got == 0;
	return (t->msg.method == FAIL &&
		   (msg_uint(&t->msg, STATUS) == 1 ||
		       wants_cookie(&t->msg))) ||
	    fails_msg(t, "FAIL 1 or no answer", &t->msg);
}

bool
expect_refused_draft(struct trial *t, struct order *o)
{
	draft_write(&t->draft, &t->out);
	return expect_refused(t, o);
}

bool
expect_fail_draft(struct trial *t, struct order *o, uint64_t status)
{
	char expected[16];

	if (!exchange_draft(t, o, BIT(FAIL) | BIT(ACK)))
		return false;
	if (t->msg.method == FAIL && msg_uint(&t->msg, STATUS) == status)
		return true;
	(void)snprintf(expected, sizeof(expected), "FAIL %llu",
	    (unsigned long long)status);
	return fails_msg(t, expected, &t->msg);
}

bool
expect_alive(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, CANCEL);
	return expect_fail_draft(t, o, 1);
}

/* ---- the way of an order ------------------------------------------------ */

bool
order_quote_draft(struct trial *t, struct order *o)
{
	o->cancellable = true;
	return exchange_draft(t, o, BIT(OFFER));
}

bool
order_quote(struct trial *t, struct order *o)
{
	if (o == NULL)
		return false;
	(void)order_draft(t, o, QUOTATION);
	return order_quote_draft(t, o);
}

bool
order_processing(struct trial *t, struct order *o)
{
	(void)order_draft(t, o, PROCESSING);
	draft_write(&t->draft, &t->out);
	return link_send(o->link, span_of(&t->out)) ||
	    fails(t, "PROCESSING could not be sent");
}

bool
order_accept(struct trial *t, struct order *o)
{
	(void)order_draft(t, o, ACCEPT);
	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	o->ack = t->msg;
	o->cancellable = false;
	o->is_completed = true;
	if (!span_equal(msg_attr(&o->ack, SERVICE),
		msg_attr(&o->offer, SERVICE)))
		return fails_msg(
		    t, "an ACK with the offered service description", &t->msg);
	return true;
}

bool
order_complete(struct trial *t, struct order *o)
{
	return order_quote(t, o) && order_accept(t, o);
}

bool
order_cancel(struct trial *t, struct order *o)
{
	(void)order_draft(t, o, CANCEL);
	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	o->cancellable = false;
	return true;
}

bool
order_withdraw(struct trial *t, struct order *o)
{
	order_new_transaction(t, o);
	(void)order_draft(t, o, WITHDRAW);
	if (!exchange_draft(t, o, BIT(ACK)))
		return false;
	o->is_completed = false;
	return is_empty_service(msg_attr(&t->msg, SERVICE)) ||
	    fails_msg(t, "an ACK with the empty service description",
		&t->msg);
}

/* Leave nothing at the server that holds capacity; the clause has been judged
 * before. */
void
trial_end(struct trial *t)
{
	for (size_t i = 0; i < t->orders_n; i++) {
		struct order *o = &t->orders[i];

		t->verdict = PASSED;
		if (o->is_completed)
			(void)order_withdraw(t, o);
		else if (o->cancellable)
			(void)order_cancel(t, o);
	}
	t->orders_n = 0;
	for (int who = 0; who < WHO_END; who++)
		for (int n = 0; n < DRAIN_MAX && t->link[who] != NULL &&
		    link_recv(t->link[who], &t->in, 0); n++)
			;
	for (size_t i = 0; i < 2; i++) {
		link_close(t->extra[i]);
		t->extra[i] = NULL;
	}
}
