/*
 * Agreements, openings of order references, statements.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/agreement.h>

#include "messages.h"

static uint8_t store[2 * CPNP_AGREEMENT_MAX];
static uint8_t other[2 * CPNP_AGREEMENT_MAX];

static const char agreement_hex[] =
    "ad"
    "01 70 636c69656e742e6578616d706c652e61"     /* client.example.a */
    "02 72 70726f76696465722e6578616d706c652e62" /* provider.example.b */
    "03 67 6f726465722d31"
    "04 64 502d3432"
    "05 50 000102030405060708090a0b0c0d0e0f"
    "06 50 f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
    "07 43 820080"
    "08 84 1904d2 63 455552 60 02"
    "09 1a 6b02a808"
    "0a 02"
    "0b 82 1a 6b0e0e00 1a 6b36ec7f"
    "0c a1 01 02"
    "0d 01";

/* The agreement of the OFFER of an edition, with all that it can have. */
static cpnp_agreement
agreement_of(cpnp_edition edition)
{
	static cpnp_msg msg;
	cpnp_agreement agreement;

	msg = message_of(edition, CPNP_METHOD_OFFER,
	    attrs_of(edition, CPNP_METHOD_OFFER, CPNP_OPTIONAL));
	ck_assert_int_eq(cpnp_agreement_from_msg(&agreement, &msg,
	    LIT("client.example.a"), LIT("provider.example.b")), 0);
	return agreement;
}

static cpnp_bytes
encode(const cpnp_agreement *agreement, int want)
{
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_int_eq(cpnp_agreement_encode(agreement, &buf), want);
	return cpnp_buf_bytes(&buf);
}

/* The same bytes, thus the same order digest, in both editions. */
START_TEST(test_agreement_is_the_same_in_both_editions)
{
	for (int e = 0; e < 2; e++) {
		cpnp_agreement agreement = agreement_of((cpnp_edition)e);

		unit_assert_bytes(
		    encode(&agreement, 0), unit_hex(agreement_hex, store));
	}
}
END_TEST

START_TEST(test_agreement_decode_is_inverse)
{
	cpnp_bytes bytes = unit_hex(agreement_hex, store);
	cpnp_agreement a;

	ck_assert_int_eq(cpnp_agreement_decode(&a, bytes, NULL), 0);
	unit_assert_bytes(a.client, LIT("client.example.a"));
	unit_assert_bytes(a.provider, LIT("provider.example.b"));
	unit_assert_bytes(a.service_description, LIT("\x82\x00\x80"));
	ck_assert(a.has_cost && a.cost.amount == 1234);
	ck_assert_int_eq(a.validity.sec, 1795249800 + 86400);
	ck_assert_int_eq(a.activation_schedule.end.sec, 1798761599);
	unit_assert_bytes(a.settlement_terms, LIT("\xa1\x01\x02"));
	ck_assert_int_eq(a.purpose, CPNP_PURPOSE_PERMANENT);
	unit_assert_bytes(encode(&a, 0), bytes);
}
END_TEST

START_TEST(test_agreement_leaves_out_what_is_absent)
{
	cpnp_msg msg = message_of(CPNP_EDITION_RFC8921, CPNP_METHOD_OFFER,
	    attrs_of(CPNP_EDITION_RFC8921, CPNP_METHOD_OFFER,
		CPNP_MANDATORY));
	cpnp_agreement a, b;
	cpnp_bytes bytes;

	ck_assert_int_eq(cpnp_agreement_from_msg(
	    &a, &msg, LIT("a"), LIT("b")), 0);
	bytes = encode(&a, 0);
	ck_assert_uint_eq(bytes.ptr[0], 0xa8);
	ck_assert_int_eq(cpnp_agreement_decode(&b, bytes, NULL), 0);
	ck_assert(!b.has_cost && !b.has_activation_type &&
	    !b.has_activation_schedule && b.settlement_terms.len == 0 &&
	    b.purpose == CPNP_PURPOSE_NONE);
	/* an empty COST names none */
	msg.present |= BIT(NEGOTIATION_OPTIONS);
	msg.options = (cpnp_negotiation_options){
	    .has_cost = true, .cost_empty = true};
	ck_assert_int_eq(cpnp_agreement_from_msg(
	    &a, &msg, LIT("a"), LIT("b")), 0);
	ck_assert(!a.has_cost);
}
END_TEST

START_TEST(test_agreement_is_of_an_offer_or_accept)
{
	cpnp_agreement a;

	for (int m = 1; m < CPNP_METHOD_END; m++) {
		cpnp_msg msg = message_of(CPNP_EDITION_RFC8921, m,
		    attrs_of(CPNP_EDITION_RFC8921, m, CPNP_OPTIONAL));

		ck_assert_int_eq(cpnp_agreement_from_msg(
				     &a, &msg, LIT("a"), LIT("b")),
		    m == CPNP_METHOD_OFFER || m == CPNP_METHOD_ACCEPT
			? 0
			: CPNP_ERR_INVALID);
	}
}
END_TEST

START_TEST(test_agreement_decode_of_a_part_or_mutated)
{
	cpnp_bytes bytes = unit_hex(agreement_hex, store);
	cpnp_agreement a;
	cpnp_diag diag;

	for (size_t n = 0; n < bytes.len; n++)
		ck_assert_int_eq(cpnp_agreement_decode(&a,
		    (cpnp_bytes){store, n}, &diag), CPNP_ERR_TRUNCATED);
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t was = store[i];

		for (unsigned value = 0; value < 256; value++) {
			store[i] = (uint8_t)value;
			if (cpnp_agreement_decode(&a, bytes, NULL) == 0)
				unit_assert_bytes(encode(&a, 0), bytes);
		}
		store[i] = was;
	}
}
END_TEST

/* Leave out each key in turn, and add one. */
START_TEST(test_agreement_keys_are_those_of_the_format)
{
	for (int64_t left_out = 0; left_out <= 14; left_out++) {
		int64_t prev = CPNP_CBOR_NO_KEY;
		cpnp_agreement a;
		cpnp_diag diag = {0};
		cpnp_cbor_rd rd;
		cpnp_buf buf;
		size_t n;
		bool optional = left_out == 8 || left_out >= 10;

		cpnp_cbor_rd_init(&rd, unit_hex(agreement_hex, store));
		n = cpnp_cbor_get_map(&rd, 0, 20);
		cpnp_buf_init_fixed(&buf, other, sizeof(other));
		cpnp_cbor_put_map(&buf,
		    n - (left_out > 0 && left_out < 14) + (left_out == 14));
		for (size_t i = 0; i < n; i++) {
			int64_t key = cpnp_cbor_get_key(&rd, &prev);
			cpnp_bytes item = cpnp_cbor_get_item(&rd);

			if (key == left_out)
				continue;
			cpnp_cbor_put_int(&buf, key);
			cpnp_buf_put_raw(&buf, item);
		}
		if (left_out == 14)
			cpnp_buf_put_raw(&buf, LIT("\x0e\x00"));
		ck_assert_int_eq(cpnp_agreement_decode(&a,
				     cpnp_buf_bytes(&buf), &diag),
		    left_out == 0	? 0
			: left_out == 14 ? CPNP_ERR_ATTR_UNKNOWN
			: optional	 ? 0
					 : CPNP_ERR_ATTR_MISSING);
		if (left_out == 6)
			ck_assert_str_eq(diag.where, "nonce");
	}
}
END_TEST

#define REFUSED(field, value, want)                                            \
	do {                                                                   \
		cpnp_agreement a = agreement_of(CPNP_EDITION_RFC8921);         \
                                                                               \
		a.field = value;                                               \
		(void)encode(&a, want);                                        \
	} while (0)

START_TEST(test_agreement_encode_refuses_what_decode_would)
{
	static uint8_t text[CPNP_MSG_MAX + 8];
	cpnp_bytes longer = {
	    memset(text, 'a', sizeof(text)), CPNP_IDENTITY_MAX + 1};
	cpnp_bytes service = {text, CPNP_MSG_MAX + 1};
	cpnp_bytes id_max = {text, CPNP_IDENTITY_MAX};

	REFUSED(client, longer, CPNP_ERR_RANGE);
	REFUSED(client, id_max, 0);
	REFUSED(client, CPNP_BYTES_NONE, CPNP_ERR_RANGE);
	REFUSED(provider, longer, CPNP_ERR_RANGE);
	REFUSED(provider, LIT("\xff"), CPNP_ERR_INVALID);
	REFUSED(customer_order_id, LIT("a b"), CPNP_ERR_RANGE);
	REFUSED(provider_order_id, CPNP_BYTES_NONE, CPNP_ERR_RANGE);
	REFUSED(transaction_id, LIT("short"), CPNP_ERR_RANGE);
	REFUSED(nonce, LIT("short"), CPNP_ERR_RANGE);
	REFUSED(service_description, LIT("\x80"), CPNP_ERR_INVALID);
	/* a description that is no longer a message's */
	memcpy(text, "\x82\x00\x5a\x00\x01\xff\xfa", 7);
	REFUSED(service_description, service, CPNP_ERR_RANGE);
	REFUSED(cost.amount, -1, CPNP_ERR_RANGE);
	REFUSED(validity.sec, CPNP_WTIME_MAX + 1, CPNP_ERR_RANGE);
	REFUSED(activation_type, (cpnp_activation_type)0, CPNP_ERR_RANGE);
	REFUSED(activation_schedule.end.sec, 0, CPNP_ERR_RANGE);
	REFUSED(settlement_terms, LIT("\x18\x00"), CPNP_ERR_INVALID);
	REFUSED(purpose, (cpnp_purpose)3, CPNP_ERR_RANGE);
}
END_TEST

/* An environment that shows what is digested, and fails on demand. */
struct seen {
	cpnp_bytes bytes;
	uint8_t copy[CPNP_AGREEMENT_MAX];
	int err;
	bool has_memory;
};

static int
see(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	struct seen *seen = user;

	ck_assert_uint_eq(n, 1);
	memcpy(seen->copy, parts[0].ptr, parts[0].len);
	seen->bytes = (cpnp_bytes){seen->copy, parts[0].len};
	memset(digest, 7, CPNP_SHA256_LEN);
	return seen->err;
}

static void *
see_realloc(void *user, void *ptr, size_t size)
{
	struct seen *seen = user;

	return seen->has_memory ? realloc(ptr, size) : NULL;
}

static void
see_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

START_TEST(test_agreement_digest_is_over_the_encoding)
{
	static struct seen seen = {.has_memory = true};
	const cpnp_env env = {.mem = {.user = &seen,
				  .realloc = see_realloc,
				  .free = see_free},
	    .user = &seen,
	    .sha256 = see};
	cpnp_agreement agreement = agreement_of(CPNP_EDITION_RFC8921);
	uint8_t digest[CPNP_SHA256_LEN];

	ck_assert_int_eq(cpnp_agreement_digest(&agreement, &env, digest), 0);
	unit_assert_bytes(seen.bytes, unit_hex(agreement_hex, store));
	ck_assert_uint_eq(digest[31], 7);
	seen.err = -1;
	ck_assert_int_eq(cpnp_agreement_digest(&agreement, &env, digest),
	    CPNP_ERR_CRYPTO);
	seen.has_memory = false;
	ck_assert_int_eq(
	    cpnp_agreement_digest(&agreement, &env, digest), CPNP_ERR_NOMEM);
}
END_TEST

START_TEST(test_opening_is_an_array_of_four)
{
	static struct seen seen;
	const cpnp_env env = {.user = &seen, .sha256 = see};
	const cpnp_order_opening opening = {
	    LIT("c"), LIT("p"), LIT("order-1"), LIT("12345678")};
	cpnp_bytes want =
	    unit_hex("84 6163 6170 67 6f726465722d31 48 3132333435363738",
		store);
	cpnp_order_opening back;
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_int_eq(cpnp_order_opening_encode(&opening, &buf), 0);
	unit_assert_bytes(cpnp_buf_bytes(&buf), want);
	ck_assert_int_eq(cpnp_order_opening_decode(&back, want), 0);
	unit_assert_bytes(back.client, opening.client);
	unit_assert_bytes(back.provider, opening.provider);
	unit_assert_bytes(back.customer_order_id, opening.customer_order_id);
	unit_assert_bytes(back.transaction_id, opening.transaction_id);
	for (size_t n = 0; n < want.len; n++)
		ck_assert_int_eq(cpnp_order_opening_decode(&back,
		    (cpnp_bytes){want.ptr, n}), CPNP_ERR_TRUNCATED);
	ck_assert_int_eq(
	    cpnp_order_opening_digest(&opening, &env, digest), 0);
	unit_assert_bytes(seen.bytes, want);
	seen.err = -1;
	ck_assert_int_eq(cpnp_order_opening_digest(&opening, &env, digest),
	    CPNP_ERR_CRYPTO);
}
END_TEST

/* The largest opening fits the storage of its digest. */
START_TEST(test_opening_of_the_largest_names)
{
	static struct seen seen;
	const cpnp_env env = {.user = &seen, .sha256 = see};
	static uint8_t text[CPNP_IDENTITY_MAX + 1];
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_order_opening opening;

	memset(text, 'a', sizeof(text));
	opening = (cpnp_order_opening){{text, CPNP_IDENTITY_MAX},
	    {text, CPNP_IDENTITY_MAX}, {text, CPNP_ORDER_ID_MAX},
	    {text, CPNP_TRANSACTION_ID_MAX}};
	ck_assert_int_eq(
	    cpnp_order_opening_digest(&opening, &env, digest), 0);
	opening.client.len++;
	ck_assert_int_lt(
	    cpnp_order_opening_digest(&opening, &env, digest), 0);
}
END_TEST

#define REF "020202020202020202020202020202020202020202020202020202020202020 2"
#define DIG "030303030303030303030303030303030303030303030303030303030303030 3"
#define ANS "040404040404040404040404040404040404040404040404040404040404040 4"

static const struct {
	cpnp_statement_type type;
	const char *hex;
} statements[] = {
    {CPNP_STATEMENT_STATE,
	"a8 01 01 02 5820" REF "03 1a6b01560 8 04 5820" DIG
	"06 01 07 02 08 03 09 18ff"},
    {CPNP_STATEMENT_STATE,
	"a7 01 01 02 5820" REF "03 20 06 00 07 00 08 01 09 05"},
    {CPNP_STATEMENT_OFFER,
	"a5 01 02 02 5820" REF "03 1a6b015608 04 5820" DIG "0a 1a6b02a808"},
    {CPNP_STATEMENT_ACCEPT,
	"a5 01 03 02 5820" REF "03 1a6b015608 04 5820" DIG "05 5820" ANS},
    {CPNP_STATEMENT_ACK,
	"a5 01 04 02 5820" REF "03 1a6b015608 04 5820" DIG "05 5820" ANS},
};

START_TEST(test_statement_vectors)
{
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]);
	     i++) {
		cpnp_bytes bytes = unit_hex(statements[i].hex, store);
		cpnp_statement s;
		cpnp_buf buf;

		ck_assert_int_eq(cpnp_statement_decode(&s, bytes, NULL), 0);
		ck_assert_int_eq(s.type, statements[i].type);
		ck_assert_uint_eq(s.order_ref[31], 2);
		ck_assert(!s.has_digest || s.digest[31] == 3);
		ck_assert(!s.has_answers || s.answers[0] == 4);
		cpnp_buf_init_fixed(
		    &buf, other, CPNP_STATEMENT_PAYLOAD_MAX);
		ck_assert_int_eq(cpnp_statement_encode(&s, &buf), 0);
		unit_assert_bytes(cpnp_buf_bytes(&buf), bytes);
		for (size_t n = 0; n < bytes.len; n++)
			ck_assert_int_eq(
			    cpnp_statement_decode(&s,
				(cpnp_bytes){store, n}, NULL),
			    CPNP_ERR_TRUNCATED);
	}
}
END_TEST

static const struct {
	const char *hex;
	int err;
} wrong_statements[] = {
    {"a0", CPNP_ERR_ATTR_MISSING},
    {"a1 01 01", CPNP_ERR_ATTR_MISSING},
    {"a1 01 00", CPNP_ERR_RANGE},
    {"a1 01 05", CPNP_ERR_RANGE},
    {"a1 0b 00", CPNP_ERR_ATTR_UNKNOWN},
    {"a1 20 00", CPNP_ERR_ATTR_UNKNOWN},
    {"a1 02 4102", CPNP_ERR_RANGE},
    {"a1 02 5821" REF "00", CPNP_ERR_TOO_LONG},
    /* an OFFER that answers, an ACCEPT that does not, an ACK with a state */
    {"a6 01 02 02 5820" REF "03 00 04 5820" DIG "05 5820" ANS "0a 00",
	CPNP_ERR_ATTR_UNEXPECTED},
    {"a4 01 03 02 5820" REF "03 00 04 5820" DIG, CPNP_ERR_ATTR_MISSING},
    {"a6 01 04 02 5820" REF "03 00 04 5820" DIG "05 5820" ANS "06 00",
	CPNP_ERR_ATTR_UNEXPECTED},
    {"a7 01 01 02 5820" REF "03 00 06 02 07 00 08 01 09 05", CPNP_ERR_RANGE},
    {"a7 01 01 02 5820" REF "03 00 06 00 07 190100 08 01 09 05",
	CPNP_ERR_RANGE},
};

START_TEST(test_statement_keys_are_those_of_its_type)
{
	for (size_t i = 0;
	     i < sizeof(wrong_statements) / sizeof(wrong_statements[0]); i++) {
		cpnp_diag diag = {0};
		cpnp_statement s;
		int err = cpnp_statement_decode(
		    &s, unit_hex(wrong_statements[i].hex, store), &diag);

		ck_assert_msg(err == wrong_statements[i].err, "%s: %s",
		    wrong_statements[i].hex, cpnp_error_name(err));
		ck_assert_int_eq(diag.err, err);
	}
}
END_TEST

START_TEST(test_statement_encode_refuses_what_decode_would)
{
	cpnp_statement s = {.type = CPNP_STATEMENT_ACCEPT, .has_digest = true};
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_int_eq(
	    cpnp_statement_encode(&s, &buf), CPNP_ERR_ATTR_MISSING);
	s.type = CPNP_STATEMENT_OFFER;
	s.has_answers = true;
	ck_assert_int_eq(
	    cpnp_statement_encode(&s, &buf), CPNP_ERR_ATTR_UNEXPECTED);
	s.type = CPNP_STATEMENT_KEY;
	ck_assert_int_eq(cpnp_statement_encode(&s, &buf), CPNP_ERR_INVALID);
	s.type = (cpnp_statement_type)0;
	ck_assert_int_eq(cpnp_statement_encode(&s, &buf), CPNP_ERR_INVALID);
	s = (cpnp_statement){.type = CPNP_STATEMENT_STATE, .role = 2};
	ck_assert_int_eq(cpnp_statement_encode(&s, &buf), CPNP_ERR_RANGE);
}
END_TEST

static const struct {
	const char *hex;
	int err;
} signed_statements[] = {
    {"d2 84 43a10127 a0 43010203 41aa", 0},
    {"d2 84 43a10127 a1182141ff 43010203 41aa", 0},
    {"84 43a10127 a0 43010203 41aa", CPNP_ERR_TYPE},
    {"d1 84 43a10127 a0 43010203 41aa", CPNP_ERR_TYPE},
    {"d2 83 43a10127 a0 43010203", CPNP_ERR_RANGE},
    {"d2 84 40 a0 43010203 41aa", CPNP_ERR_RANGE},
    {"d2 84 44a1011827 a0 43010203 41aa", 0},
    {"d2 84 44a1011807 a0 43010203 41aa", CPNP_ERR_NOT_DETERMINISTIC},
    {"d2 84 44a1012700 a0 43010203 41aa", CPNP_ERR_TRAILING},
    {"d2 84 43a10127 80 43010203 41aa", CPNP_ERR_TYPE},
    {"d2 84 43a10127 a20001000 1 43010203 41aa", CPNP_ERR_DUPLICATE},
    {"d2 84 43a10127 a0 f6 41aa", CPNP_ERR_TYPE},
    {"d2 84 43a10127 a0 40 41aa", CPNP_ERR_RANGE},
    {"d2 84 43a10127 a0 43010203 40", CPNP_ERR_RANGE},
    {"d2 84 43a10127 a0 43010203 41aa 00", CPNP_ERR_TRAILING},
    /* CPNP_CBOR_DEPTH_MAX, of all and not of a part of it */
    {"d2 84 43a10127 a1008181818181818181818181818181 00 43010203 41aa", 0},
    {"d2 84 43a10127 a100818181818181818181818181818181 00 43010203 41aa",
	CPNP_ERR_TOO_LONG},
};

START_TEST(test_statement_payload_of_a_cose_sign1)
{
	for (size_t i = 0;
	     i < sizeof(signed_statements) / sizeof(signed_statements[0]);
	     i++) {
		cpnp_bytes payload;
		int err = cpnp_statement_payload(
		    unit_hex(signed_statements[i].hex, store), &payload);

		ck_assert_msg(err == signed_statements[i].err, "%s: %s",
		    signed_statements[i].hex, cpnp_error_name(err));
		if (err == 0)
			unit_assert_bytes(payload, LIT("\x01\x02\x03"));
	}
}
END_TEST

START_TEST(test_statement_max_is_the_largest)
{
	for (size_t extra = 0; extra < 2; extra++) {
		cpnp_bytes payload;
		cpnp_buf buf;

		/* 11 bytes stand around the signature, 3 are its head */
		cpnp_buf_init_fixed(&buf, other, sizeof(other));
		cpnp_buf_put_raw(&buf,
		    LIT("\xd2\x84\x43\xa1\x01\x27\xa0\x43\x01\x02\x03"));
		memset(store, 0, sizeof(store));
		cpnp_cbor_put_bytes(&buf,
		    (cpnp_bytes){store, CPNP_STATEMENT_MAX - 14 + extra});
		ck_assert_uint_eq(buf.len, CPNP_STATEMENT_MAX + extra);
		ck_assert_int_eq(
		    cpnp_statement_payload(cpnp_buf_bytes(&buf), &payload),
		    extra == 0 ? 0 : CPNP_ERR_TOO_LONG);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_agreement_is_the_same_in_both_editions,
	    test_agreement_decode_is_inverse,
	    test_agreement_leaves_out_what_is_absent,
	    test_agreement_is_of_an_offer_or_accept,
	    test_agreement_decode_of_a_part_or_mutated,
	    test_agreement_keys_are_those_of_the_format,
	    test_agreement_encode_refuses_what_decode_would,
	    test_agreement_digest_is_over_the_encoding,
	    test_opening_is_an_array_of_four,
	    test_opening_of_the_largest_names,
	    test_statement_vectors,
	    test_statement_keys_are_those_of_its_type,
	    test_statement_encode_refuses_what_decode_would,
	    test_statement_payload_of_a_cose_sign1,
	    test_statement_max_is_the_largest,
	};

	return unit_run("agreement", tests, sizeof(tests) / sizeof(tests[0]));
}
