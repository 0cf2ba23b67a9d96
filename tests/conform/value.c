/*
 * Clauses about the values of attributes, and datagrams that are none.
 * cpnp-wire(7), Values and Transport; RFC 8921, 9.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>
#include <time.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GARBAGE_N 200
#define DATAGRAM_MAX 16384

static struct order *
begin(struct trial *t)
{
	struct order *o = order_new(t);

	if (o != NULL)
		(void)order_draft(t, o, QUOTATION);
	return o;
}

static bool
refuses(struct trial *t, int64_t code, struct span value)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	draft_raw(&t->draft, code, value);
	if (!expect_refused_draft(t, o))
		return false;
	t->orders_n--;
	return true;
}

static bool
refuses_text(struct trial *t, int64_t code, const char *text)
{
	static struct bytes value;

	value.n = 0;
	put_text(&value, text);
	return refuses(t, code, span_of(&value));
}

#define REFUSES(t, code, ...)                                                  \
	refuses(t, code,                                                       \
	    (struct span){(const uint8_t[]){__VA_ARGS__},                      \
		sizeof((const uint8_t[]){__VA_ARGS__})})

static bool
value_types(struct trial *t)
{
	return (t->edition == DRAFT02 ||
		   REFUSES(t, SEQUENCE_NUMBER, 0x61, '1')) &&
	    REFUSES(t, TRANSACTION_ID, 0x68, 'a', 'b', 'c', 'd', 'e', 'f', 'g',
		'h') &&
	    REFUSES(t, CUSTOMER_ORDER_ID, 0x41, 'x') &&
	    REFUSES(t, SERVICE, 0xa0) && REFUSES(t, RESPONSE_TIME, 0x00) &&
	    REFUSES(t, ACTIVATION_TYPE, 0x61, '1') &&
	    REFUSES(t, OPTIONS, 0x80);
}

static bool
value_number(struct trial *t)
{
	return REFUSES(t, SEQUENCE_NUMBER, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0) &&
	    REFUSES(t, SEQUENCE_NUMBER, 0x20);
}

static bool
value_transaction(struct trial *t)
{
	static const uint8_t ids[33] = {1, 2, 3};
	static struct bytes value;

	for (size_t n = 7; n <= 33; n += 26) {
		value.n = 0;
		put_string(&value, (struct span){ids, n});
		if (!refuses(t, TRANSACTION_ID, span_of(&value)))
			return false;
	}
	return true;
}

static bool
value_order_id(struct trial *t)
{
	char text[66];

	memset(text, 'x', 65);
	text[65] = '\0';
	return refuses_text(t, CUSTOMER_ORDER_ID, text) &&
	    refuses_text(t, CUSTOMER_ORDER_ID, "") &&
	    refuses_text(t, CUSTOMER_ORDER_ID, "with space") &&
	    refuses_text(t, CUSTOMER_ORDER_ID, "\xc3\xa9t\xc3\xa9");
}

/* 64 characters, every printable one that is not a letter or digit too. */
static bool
value_order_id_longest(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	memset(o->cid + 28, '~', 36);
	memcpy(o->cid + 28, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}", 31);
	o->cid[64] = '\0';
	if (!order_quote(t, o))
		return false;
	return span_equal(msg_string(&o->offer, CUSTOMER_ORDER_ID),
		   span_str(o->cid)) ||
	    fails_msg(t, "an OFFER with our CUSTOMER_ORDER_IDENTIFIER",
		&o->offer);
}

static bool
value_dates(struct trial *t)
{
	static const char *const bad[2][5] = {
		[RFC8921] = {"Sat, 21 Nov 2099 08:30:00 GMT",
		    "2099-02-30T08:30:00Z", "2099-11-21t08:30:00z",
		    "2099-11-21T08:30:00.5Z", "2099-11-21T08:30:00+01:00"},
		[DRAFT02] = {"2099-11-21T08:30:00Z",
		    "Sat, 30 Feb 2099 08:30:00 GMT",
		    /* a Saturday */
		    "Sun, 21 Nov 2099 08:30:00 GMT",
		    "Sat, 21 Nov 99 08:30:00 GMT",
		    "Sat, 21 Nov 2099 08:30:00 UTC"},
	};

	for (size_t i = 0; i < COUNT(bad[0]); i++)
		if (!refuses_text(t, RESPONSE_TIME, bad[t->edition][i]))
			return false;
	return true;
}

static bool
value_response_time(struct trial *t)
{
	struct order *o = begin(t);
	char text[DATE_MAX];
	struct span given;
	int64_t when;

	if (o == NULL)
		return false;
	date_write(text, t->edition, (int64_t)time(NULL) + 600);
	draft_text(&t->draft, RESPONSE_TIME, text);
	if (!order_quote_draft(t, o))
		return false;
	if (!o->has_processing)
		return true;
	given = msg_string(&o->processing, OFFER_TIME);
	when = given.p == NULL ? INT64_MAX : date_read(given, t->edition);
	return when >= (int64_t)time(NULL) - 60 ||
	    fails_msg(t, "a PROCESSING with an EXPECTED_OFFER_TIME to come",
		&o->processing);
}

static bool
value_extensions(struct trial *t)
{
	struct order *o = begin(t);
	static const uint8_t marks[] = {0x81, 0x44, 1, 2, 3, 4};

	if (o == NULL)
		return false;
	draft_uint(&t->draft, HOP_LIMIT, 5);
	draft_raw(&t->draft, PATH_MARKS, (struct span){marks, sizeof(marks)});
	return order_quote_draft(t, o);
}

/* A type that is to be assigned, and one for private use. */
static bool
value_service_type(struct trial *t)
{
	static const uint8_t assigned[] = {0x82, 0x19, 0xea, 0x60, 0xa0};
	static const uint8_t of_others[] = {
	    0x82, 0x1a, 0x7f, 0xff, 0xff, 0xff, 0xa0};
	const struct span types[] = {{assigned, sizeof(assigned)},
	    {of_others, sizeof(of_others)}};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct order *o = begin(t);

		if (o == NULL)
			return false;
		draft_raw(&t->draft, SERVICE, types[i]);
		if (!exchange_draft(t, o, BIT(FAIL)))
			return false;
	}
	return true;
}

static bool
value_oversized(struct trial *t)
{
	struct order *o = begin(t);
	static struct bytes filler;

	if (o == NULL)
		return false;
	filler.n = DATAGRAM_MAX;
	draft_bytes(&t->draft, -65600, span_of(&filler));
	return expect_refused_draft(t, o) && expect_alive(t);
}

/* As long as a datagram may be. */
static bool
value_largest(struct trial *t)
{
	struct order *o = begin(t);
	static struct bytes filler;

	if (o == NULL)
		return false;
	filler.n = 15000;
	draft_bytes(&t->draft, -65600, span_of(&filler));
	return order_quote_draft(t, o);
}

static bool
value_garbage(struct trial *t)
{
	struct order *o = order_new(t);

	if (o == NULL)
		return false;
	for (int i = 0; i < GARBAGE_N; i++) {
		uint8_t n;

		fill_random(t, &n, 1);
		t->out.n = n;
		fill_random(t, t->out.b, n);
		/* half of them look like a message at first */
		if (i % 2 == 0 && n > 2) {
			t->out.b[0] = 0x83;
			t->out.b[1] = (uint8_t)t->edition;
			t->out.b[2] %= METHOD_END;
		}
		if (n > 0 && !link_send(o->link, span_of(&t->out)))
			return fails(t, "a datagram could not be sent");
	}
	return expect_alive(t);
}

static const struct clause clauses[] = {
	{{"WIRE-30", "WIRE-30"}, "a value of the wrong type is refused",
	    value_types, 0},
	{{NULL, "WIRE-31"}, "SEQUENCE_NUMBER has 32 bits", value_number, 0},
	{{"WIRE-32", "WIRE-32"}, "TRANSACTION_ID has 8 to 32 bytes",
	    value_transaction, 0},
	{{"WIRE-33", "WIRE-33"},
	    "CUSTOMER_ORDER_IDENTIFIER has 1 to 64 characters from ! to ~",
	    value_order_id, 0},
	{{"WIRE-34", "WIRE-34"},
	    "CUSTOMER_ORDER_IDENTIFIER is opaque and copied",
	    value_order_id_longest, 0},
	{{"WIRE-35", "WIRE-35"}, "a date in another form is refused",
	    value_dates, 0},
	{{"WIRE-36", "WIRE-36"},
	    "dates are read and written in the form of the edition",
	    value_response_time, 0},
	{{"WIRE-37", "WIRE-37"}, "extension attributes are taken",
	    value_extensions, 0},
	{{"WIRE-38", "WIRE-38"},
	    "a type of service that is not known is answered with FAIL",
	    value_service_type, 0},
	{{"WIRE-39", "WIRE-39"}, "a datagram of 16384 bytes and more",
	    value_oversized, 0},
	{{"WIRE-40", "WIRE-40"}, "a message of 15 kB in one datagram",
	    value_largest, 0},
	{{"WIRE-41", "WIRE-41"}, "the server survives random datagrams",
	    value_garbage, 0},
};

const struct clause_group value_clauses = {clauses, COUNT(clauses)};
