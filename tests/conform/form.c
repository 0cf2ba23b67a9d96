/*
 * Clauses about the form of messages: deterministic CBOR, the three elements,
 * and which attributes stand in a message.  cpnp-wire(7), Encoding, Messages,
 * Unknown attributes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNKNOWN_IGNORED (-60000) /* to be assigned, ignored */
#define PRIVATE_IGNORED (-70000)

/* A QUOTATION that is right, in t->draft, and its order. */
static struct order *
begin(struct trial *t)
{
	struct order *o = order_new(t);

	if (o != NULL)
		(void)order_draft(t, o, QUOTATION);
	return o;
}

/* [version, QUOTATION, as it was written so far: no map yet. */
static void
begin_by_hand(struct trial *t)
{
	t->out.n = 0;
	put_head(&t->out, MAJOR_ARRAY, 3);
	put_uint(&t->out, (uint64_t)t->edition);
	put_uint(&t->out, QUOTATION);
}

/* The map behind a head that was written otherwise. */
static void
put_pairs(struct trial *t)
{
	static struct bytes map;
	size_t head = t->draft.n < 24 ? 1 : 2;

	map.n = 0;
	draft_write_map(&t->draft, &map);
	put_raw(&t->out, (struct span){map.b + head, map.n - head});
}

/* The same QUOTATION with one attribute of raw bytes. */
static bool
refuses_value(struct trial *t, int64_t code, const void *bytes, size_t n)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	draft_raw(&t->draft, code, (struct span){bytes, n});
	if (!expect_refused_draft(t, o))
		return false;
	t->orders_n--;
	return true;
}

#define REFUSES(t, code, ...)                                                  \
	refuses_value(t, code, (const uint8_t[]){__VA_ARGS__},                 \
	    sizeof((const uint8_t[]){__VA_ARGS__}))

static bool
wire_answers(struct trial *t)
{
	/* every message that comes is checked when it is read */
	return order_complete(t, order_new(t));
}

static bool
wire_head_of_version(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	t->out.n = 0;
	put_head(&t->out, MAJOR_ARRAY, 3);
	put_wide(&t->out, MAJOR_UINT, (uint64_t)t->edition, 1);
	put_uint(&t->out, QUOTATION);
	draft_write_map(&t->draft, &t->out);
	return expect_refused(t, o);
}

static bool
wire_head_of_value(struct trial *t)
{
	struct order *o = begin(t);
	static struct bytes value;

	if (o == NULL)
		return false;
	value.n = 0;
	put_wide(&value, MAJOR_TEXT, strlen(o->cid), 2);
	put_raw(&value, span_str(o->cid));
	draft_raw(&t->draft, CUSTOMER_ORDER_ID, span_of(&value));
	return expect_refused_draft(t, o);
}

static bool
wire_head_ignored(struct trial *t)
{
	return REFUSES(t, UNKNOWN_IGNORED, 0x18, 0x05) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0x81, 0x38, 0x17) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0x1b, 0, 0, 0, 0, 0xff, 0, 0, 0);
}

static bool
wire_indefinite_message(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	t->out.n = 0;
	put_byte(&t->out, 0x9f);
	put_uint(&t->out, (uint64_t)t->edition);
	put_uint(&t->out, QUOTATION);
	draft_write_map(&t->draft, &t->out);
	put_byte(&t->out, 0xff);
	if (!expect_refused(t, o))
		return false;
	begin_by_hand(t);
	put_byte(&t->out, 0xbf);
	put_pairs(t);
	put_byte(&t->out, 0xff);
	return expect_refused(t, o);
}

static bool
wire_indefinite_value(struct trial *t)
{
	return REFUSES(t, UNKNOWN_IGNORED, 0x7f, 0x61, 'a', 0xff) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0x5f, 0x41, 'a', 0xff) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0x9f, 0x01, 0xff) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0xbf, 0xff);
}

static bool
wire_duplicate_attribute(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	begin_by_hand(t);
	put_head(&t->out, MAJOR_MAP, t->draft.n + 2);
	put_pairs(t);
	put_int(&t->out, UNKNOWN_IGNORED);
	put_uint(&t->out, 1);
	put_int(&t->out, UNKNOWN_IGNORED);
	put_uint(&t->out, 1);
	return expect_refused(t, o);
}

static bool
wire_duplicate_key(struct trial *t)
{
	/* {2: 1, 2: 1} in the Negotiation Options */
	return REFUSES(t, OPTIONS, 0xa2, 0x02, 0x01, 0x02, 0x01);
}

static bool
wire_order_of_keys(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	begin_by_hand(t);
	put_head(&t->out, MAJOR_MAP, t->draft.n + 2);
	put_pairs(t);
	put_int(&t->out, PRIVATE_IGNORED);
	put_uint(&t->out, 1);
	put_int(&t->out, UNKNOWN_IGNORED);
	put_uint(&t->out, 1);
	return expect_refused(t, o) &&
	    REFUSES(t, OPTIONS, 0xa2, 0x03, 0xf5, 0x02, 0x01);
}

static bool
wire_utf8(struct trial *t)
{
	/* a byte that stands nowhere, a surrogate, a form that is too long */
	return REFUSES(t, UNKNOWN_IGNORED, 0x62, 'a', 0xff) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0x63, 0xed, 0xa0, 0x80) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0x62, 0xc0, 0xaf) &&
	    REFUSES(t, CUSTOMER, 0xa2, 0x01, 0x61, 0x80, 0x02, 0x61, 'b');
}

static bool
wire_simple(struct trial *t)
{
	return REFUSES(t, UNKNOWN_IGNORED, 0xf9, 0x3c, 0x00) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0xfa, 0x3f, 0x80, 0, 0) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0xf7) &&
	    REFUSES(t, UNKNOWN_IGNORED, 0xf8, 0x20);
}

static bool
wire_nesting(struct trial *t)
{
	uint8_t nested[DEPTH_MAX + 1];

	memset(nested, 0x81, DEPTH_MAX);
	nested[DEPTH_MAX] = 0x80;
	return REFUSES(t, UNKNOWN_IGNORED, 0xc1, 0xc1, 0x00) &&
	    refuses_value(t, UNKNOWN_IGNORED, nested, sizeof(nested));
}

static bool
wire_trailing(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	draft_write(&t->draft, &t->out);
	put_byte(&t->out, 0x00);
	return expect_refused(t, o);
}

/* The message cut at a dozen places, one after the other at once. */
static bool
wire_cut(struct trial *t)
{
	struct order *o = begin(t);
	size_t whole;

	if (o == NULL)
		return false;
	draft_write(&t->draft, &t->out);
	whole = t->out.n;
	for (size_t cut = 1; cut < whole; cut += whole / 12) {
		t->out.n = cut;
		if (!link_send(o->link, span_of(&t->out)))
			return fails(t, "a datagram could not be sent");
	}
	t->out.n = whole - 1;
	return expect_refused(t, o) && expect_alive(t);
}

static bool
wire_array(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	t->out.n = 0;
	put_head(&t->out, MAJOR_ARRAY, 4);
	put_uint(&t->out, (uint64_t)t->edition);
	put_uint(&t->out, QUOTATION);
	draft_write_map(&t->draft, &t->out);
	put_uint(&t->out, 0);
	if (!expect_refused(t, o))
		return false;
	t->out.n = 0;
	put_head(&t->out, MAJOR_ARRAY, 2);
	put_uint(&t->out, (uint64_t)t->edition);
	put_uint(&t->out, QUOTATION);
	return expect_refused(t, o);
}

static bool
wire_version(struct trial *t)
{
	static const uint64_t versions[] = {2, 24, UINT64_MAX};

	for (size_t i = 0; i < COUNT(versions); i++) {
		struct order *o = begin(t);

		if (o == NULL)
			return false;
		t->draft.version = versions[i];
		if (!expect_refused_draft(t, o))
			return false;
		t->orders_n--;
	}
	return true;
}

static bool
wire_method(struct trial *t)
{
	static const uint64_t methods[] = {12, 255, UINT64_MAX};

	for (size_t i = 0; i < COUNT(methods); i++) {
		struct order *o = begin(t);

		if (o == NULL)
			return false;
		t->draft.method = methods[i];
		if (!expect_refused_draft(t, o))
			return false;
		t->orders_n--;
	}
	return true;
}

static bool
wire_draft02_has_no_activate(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	(void)order_draft(t, o, ACTIVATE);
	return expect_refused_draft(t, o);
}

static bool
wire_must_understand(struct trial *t)
{
	return REFUSES(t, 1000, 0x01) && REFUSES(t, 70000, 0x01);
}

static bool
wire_may_ignore(struct trial *t)
{
	static const uint8_t value[] = {0xa1, 0x61, 'k', 0x82, 0xf6, 0xf4};
	struct order *o = begin(t);
	struct span span = {value, sizeof(value)};

	if (o == NULL)
		return false;
	draft_raw(&t->draft, UNKNOWN_IGNORED, span);
	draft_raw(&t->draft, PRIVATE_IGNORED, span);
	return order_quote_draft(t, o);
}

static bool
wire_must_understand_key(struct trial *t)
{
	return REFUSES(t, OPTIONS, 0xa1, 0x18, 0x63, 0x01);
}

static bool
wire_may_ignore_key(struct trial *t)
{
	/* {3: true, -100: "x"} */
	static const uint8_t value[] = {
	    0xa2, 0x03, 0xf5, 0x38, 0x63, 0x61, 'x'};
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	draft_raw(&t->draft, OPTIONS, (struct span){value, sizeof(value)});
	return order_quote_draft(t, o);
}

static bool
wire_attribute_not_allowed(struct trial *t)
{
	return REFUSES(t, STATUS, 0x01) &&
	    REFUSES(t, PROVIDER_ORDER_ID, 0x61, 'p') &&
	    REFUSES(t, PARTS_HELD, 0x41, 0x80) &&
	    (t->edition == RFC8921 || REFUSES(t, SEQUENCE_NUMBER, 0x01));
}

static bool
wire_attribute_missing(struct trial *t)
{
	static const int codes[] = {
	    SEQUENCE_NUMBER, TRANSACTION_ID, CUSTOMER_ORDER_ID, SERVICE};

	for (size_t i = t->edition == RFC8921 ? 0 : 1; i < COUNT(codes); i++) {
		struct order *o = begin(t);

		if (o == NULL)
			return false;
		draft_drop(&t->draft, codes[i]);
		if (!expect_refused_draft(t, o))
			return false;
		t->orders_n--;
	}
	return true;
}

static bool
wire_attributes_64(struct trial *t)
{
	struct order *o = begin(t);

	if (o == NULL)
		return false;
	for (int64_t code = -65600; t->draft.n < ATTRS_MAX; code--)
		draft_uint(&t->draft, code, 0);
	if (!order_quote_draft(t, o))
		return false;
	o = begin(t);
	if (o == NULL)
		return false;
	for (int64_t code = -65600; t->draft.n < ATTRS_MAX + 1; code--)
		draft_uint(&t->draft, code, 0);
	return expect_refused_draft(t, o);
}

static const struct clause clauses[] = {
	{{"WIRE-1", "WIRE-1"},
	    "what the server sends is in deterministic form and has the "
	    "attributes of its method", wire_answers, 0},
	{{"WIRE-2", "WIRE-2"}, "a VERSION that is not in its shortest form",
	    wire_head_of_version, 0},
	{{"WIRE-3", "WIRE-3"}, "a length that is not in its shortest form",
	    wire_head_of_value, 0},
	{{"WIRE-4", "WIRE-4"},
	    "the same in the value of an attribute that is ignored",
	    wire_head_ignored, 0},
	{{"WIRE-5", "WIRE-5"}, "a message of indefinite length",
	    wire_indefinite_message, 0},
	{{"WIRE-6", "WIRE-6"}, "a value of indefinite length",
	    wire_indefinite_value, 0},
	{{"WIRE-7", "WIRE-7"}, "an attribute that stands twice",
	    wire_duplicate_attribute, 0},
	{{"WIRE-8", "WIRE-8"}, "a key that stands twice in a value",
	    wire_duplicate_key, 0},
	{{"WIRE-9", "WIRE-9"}, "keys that are not in order",
	    wire_order_of_keys, 0},
	{{"WIRE-10", "WIRE-10"}, "text that is not UTF-8", wire_utf8, 0},
	{{"WIRE-11", "WIRE-11"},
	    "floating-point numbers and simple values of no use", wire_simple,
	    0},
	{{"WIRE-12", "WIRE-12"},
	    "a tag within a tag, and an item that nests too deep",
	    wire_nesting, 0},
	{{"WIRE-13", "WIRE-13"}, "bytes behind the message", wire_trailing, 0},
	{{"WIRE-14", "WIRE-14"}, "a message that is cut", wire_cut, 0},
	{{"WIRE-15", "WIRE-15"}, "an array of two and of four elements",
	    wire_array, 0},
	{{"WIRE-16", "WIRE-16"}, "a VERSION that is not known", wire_version,
	    0},
	{{"WIRE-17", "WIRE-17"}, "a method that is not known", wire_method, 0},
	{{"WIRE-18", NULL}, "ACTIVATE, which draft-02 has not",
	    wire_draft02_has_no_activate, 0},
	{{"WIRE-19", "WIRE-19"},
	    "an unknown attribute from 0 up is not ignored",
	    wire_must_understand, 0},
	{{"WIRE-20", "WIRE-20"}, "an unknown negative attribute is ignored",
	    wire_may_ignore, 0},
	{{"WIRE-21", "WIRE-21"}, "an unknown key from 0 up is not ignored",
	    wire_must_understand_key, 0},
	{{"WIRE-22", "WIRE-22"}, "an unknown negative key is ignored",
	    wire_may_ignore_key, 0},
	{{"WIRE-23", "WIRE-23"},
	    "an attribute that has no place in the message",
	    wire_attribute_not_allowed, 0},
	{{"WIRE-24", "WIRE-24"}, "a mandatory attribute is missing",
	    wire_attribute_missing, 0},
	{{"WIRE-25", "WIRE-25"}, "64 attributes are taken, 65 are not",
	    wire_attributes_64, 0},
};

const struct clause_group form_clauses = {clauses, COUNT(clauses)};
