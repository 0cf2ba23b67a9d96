/*
 * Messages as a whole: the vectors, form, presence, cookies.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "messages.h"

#define EXTENSIONS (ALL_ATTRS & ~(BIT(COOKIE) - 1))

static uint8_t store[2 * CPNP_MSG_MAX];
static uint8_t other[2 * CPNP_MSG_MAX];

/* Call with every method of both editions. */
static void
for_each_method(void (*call)(cpnp_edition edition, int method))
{
	for (int e = 0; e < 2; e++) {
		for (int m = 0; m < CPNP_METHOD_END; m++) {
			if (cpnp_method_exists((cpnp_edition)e, m))
				call((cpnp_edition)e, m);
		}
	}
}

/* Decode, encode, and say whether the same bytes came out. */
static bool
is_the_same_again(cpnp_bytes bytes)
{
	cpnp_msg msg;
	cpnp_buf buf;

	ck_assert_int_eq(cpnp_msg_decode(&msg, bytes, NULL), 0);
	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL), 0);
	return cpnp_bytes_equal(bytes, cpnp_buf_bytes(&buf));
}

static void
check_vector(cpnp_edition edition, int method, const char *suffix,
    uint64_t extensions)
{
	uint64_t present =
	    (attrs_of(edition, method, CPNP_OPTIONAL) & ~EXTENSIONS) |
	    extensions;
	cpnp_msg msg = message_of(edition, method, present), decoded;
	cpnp_bytes want = vector_of(edition, method, suffix, store);
	cpnp_diag diag = {0};
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_msg(cpnp_msg_encode(&msg, &buf, &diag) == 0, "%s %s %s",
	    cpnp_method_name(edition, method), diag.where, diag.why);
	unit_assert_bytes(cpnp_buf_bytes(&buf), want);
	ck_assert_msg(cpnp_msg_decode(&decoded, want, &diag) == 0, "%s %s %s",
	    cpnp_method_name(edition, method), diag.where, diag.why);
	ck_assert_uint_eq(decoded.present, present | CPNP_MSG_HEAD_READ);
	ck_assert(is_the_same_again(want));
}

static void
check_core_vector(cpnp_edition edition, int method)
{
	check_vector(edition, method, "", 0);
}

/* C1: every method of both editions, written by an independent program. */
START_TEST(test_msg_vectors_of_every_method)
{
	for_each_method(check_core_vector);
	check_vector(CPNP_EDITION_RFC8921, CPNP_METHOD_OFFER, "-extended",
	    EXTENSIONS);
	check_vector(CPNP_EDITION_DRAFT02, CPNP_METHOD_OFFER, "-extended",
	    EXTENSIONS);
}
END_TEST

START_TEST(test_msg_decode_gives_every_field)
{
	cpnp_msg want = message_of(CPNP_EDITION_RFC8921, 3, 0), msg;
	const cpnp_description *customer = &msg.customer_description;
	cpnp_bytes bytes =
	    vector_of(CPNP_EDITION_RFC8921, 3, "-extended", store);

	ck_assert_int_eq(cpnp_msg_decode(&msg, bytes, NULL), 0);
	ck_assert_int_eq(msg.edition, CPNP_EDITION_RFC8921);
	ck_assert_int_eq(msg.method, CPNP_METHOD_OFFER);
	ck_assert_uint_eq(msg.sequence_number, 1234567890);
	unit_assert_bytes(msg.transaction_id, want.transaction_id);
	unit_assert_bytes(msg.customer_order_id, want.customer_order_id);
	unit_assert_bytes(msg.provider_order_id, want.provider_order_id);
	unit_assert_bytes(msg.nonce, want.nonce);
	ck_assert_int_eq(
	    msg.validity_offer_time.sec, want.validity_offer_time.sec);
	unit_assert_bytes(msg.service_description, want.service_description);
	ck_assert_int_eq(msg.activation_type, CPNP_ACTIVATION_SCHEDULED);
	ck_assert_int_eq(msg.activation_schedule.start.sec, 1796083200);
	ck_assert_int_eq(msg.activation_schedule.end.sec, 1798761599);
	unit_assert_bytes(customer->name, LIT("ACME"));
	unit_assert_bytes(customer->email, LIT("noc@acme.example"));
	unit_assert_bytes(customer->postal_address, LIT("1 Main Street"));
	ck_assert_uint_eq(customer->telephone_n, 2);
	unit_assert_bytes(customer->telephone[1], LIT("+33 2"));
	ck_assert(!customer->has_as_number);
	ck_assert_uint_eq(msg.provider_description.as_number, 64500);
	ck_assert(msg.options.has_cost && !msg.options.cost_empty);
	ck_assert_int_eq(msg.options.cost.amount, 1234);
	unit_assert_bytes(msg.options.cost.code, LIT("EUR"));
	ck_assert_int_eq(msg.options.purpose, CPNP_PURPOSE_PERMANENT);
	ck_assert(msg.options.no_recursion);
	unit_assert_bytes(msg.cookie, LIT("cookie"));
	unit_assert_bytes(msg.raw_cookie, LIT("\x20\x46" "cookie"));
	unit_assert_bytes(msg.raw, bytes);
	ck_assert_uint_eq(msg.explanations_n, 1);
	unit_assert_bytes(msg.explanations[0].limit, LIT("80 Mbit/s"));
	unit_assert_bytes(msg.statement, want.statement);
	unit_assert_bytes(msg.receipt, want.receipt);
	unit_assert_bytes(msg.settlement_terms, want.settlement_terms);
	unit_assert_bytes(
	    msg.payment_authorization, want.payment_authorization);
	unit_assert_bytes(msg.commit_set, want.commit_set);
	ck_assert_uint_eq(msg.path_marks_n, 2);
	unit_assert_bytes(msg.path_marks[1], LIT("bc"));
	ck_assert_uint_eq(msg.hop_limit, 8);
	unit_assert_bytes(msg.order_progress, want.order_progress);
}
END_TEST

/* The page's example is a message, and the one that it says. */
START_TEST(test_msg_example_of_the_manual_page)
{
	cpnp_msg msg = message_of(CPNP_EDITION_RFC8921, 1,
	    BIT(SEQUENCE_NUMBER) | BIT(TRANSACTION_ID) |
		BIT(CUSTOMER_ORDER_ID) | BIT(EXPECTED_RESPONSE_TIME) |
		BIT(SERVICE_DESCRIPTION));
	char *text = unit_slurp("man/cpnp-wire.7"), hex[512];
	const char *line = strstr(text, "\n83      ");
	size_t n = 0;
	cpnp_buf buf;

	ck_assert_ptr_nonnull(line);
	for (line++; *line != '.'; line = strchr(line, '\n') + 1) {
		/* comments stand behind two spaces at least */
		size_t indent = strspn(line, " ");

		for (const char *p = line + indent; indent < 8 && *p != '\n' &&
		     (p[0] != ' ' || p[1] != ' ');
		     p++)
			hex[n++] = *p;
	}
	hex[n] = '\0';
	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL), 0);
	unit_assert_bytes(unit_hex(hex, store), cpnp_buf_bytes(&buf));
	free(text);
}
END_TEST

static void
check_truncation(cpnp_edition edition, int method)
{
	cpnp_bytes bytes = vector_of(edition, method, "", store);

	for (size_t n = 0; n < bytes.len; n++) {
		/* a copy of its own, for the address sanitizer */
		uint8_t *copy = malloc(n + 1);
		cpnp_msg msg;
		int err;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, bytes.ptr, n);
		copy = realloc(copy, n > 0 ? n : 1);
		err = cpnp_msg_decode(&msg, (cpnp_bytes){copy, n}, NULL);
		ck_assert_int_eq(err, CPNP_ERR_TRUNCATED);
		free(copy);
	}
	store[bytes.len] = 0;
	bytes.len++;
	{
		cpnp_msg msg;

		ck_assert_int_eq(cpnp_msg_decode(&msg, bytes, NULL),
		    CPNP_ERR_TRAILING);
	}
}

START_TEST(test_msg_decode_of_a_part_or_more_than_all)
{
	for_each_method(check_truncation);
}
END_TEST

/* What is accepted is encoded to the same bytes, unless something in it was
 * ignored: then to fewer, and to the same from there on. */
static void
check_accepted(cpnp_bytes bytes)
{
	cpnp_msg msg;
	cpnp_bytes again;
	cpnp_buf buf;

	if (cpnp_msg_decode(&msg, bytes, NULL) != 0)
		return;
	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	if (msg.method == CPNP_METHOD_UPDATE &&
	    !cpnp_msg_has(&msg, CPNP_ATTR_EXPECTED_RESPONSE_TIME)) {
		ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL),
		    CPNP_ERR_ATTR_MISSING);
		return;
	}
	ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL), 0);
	again = cpnp_buf_bytes(&buf);
	if (cpnp_bytes_equal(bytes, again))
		return;
	ck_assert_uint_lt(again.len, bytes.len);
	memcpy(store + CPNP_MSG_MAX, again.ptr, again.len);
	ck_assert(is_the_same_again(
	    (cpnp_bytes){store + CPNP_MSG_MAX, again.len}));
}

static void
check_mutations(cpnp_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t was = store[i];

		for (unsigned bit = 0; bit < 8; bit++) {
			store[i] = (uint8_t)(was ^ (1u << bit));
			check_accepted(bytes);
		}
		for (unsigned step = 0; step < 256; step += 15) {
			store[i] = (uint8_t)(was + step);
			check_accepted(bytes);
		}
		store[i] = was;
	}
}

static void
check_core_mutations(cpnp_edition edition, int method)
{
	check_mutations(vector_of(edition, method, "", store));
}

START_TEST(test_msg_decode_of_mutated_bytes)
{
	for_each_method(check_core_mutations);
	check_mutations(
	    vector_of(CPNP_EDITION_RFC8921, 3, "-extended", store));
}
END_TEST

/* Leave out, or put in, each attribute in turn. */
static void
check_presence(cpnp_edition edition, int method)
{
	uint64_t must = attrs_of(edition, method, CPNP_MANDATORY);
	uint64_t may = attrs_of(edition, method, CPNP_OPTIONAL);

	for (int a = 0; a < CPNP_ATTR_END; a++) {
		uint64_t bit = CPNP_ATTR_BIT(a);
		cpnp_msg msg = message_of(edition, method, must ^ bit);
		cpnp_msg decoded;
		cpnp_diag diag;
		cpnp_buf buf;
		int want = must & bit ? CPNP_ERR_ATTR_MISSING
		    : may & bit	      ? 0
				      : CPNP_ERR_ATTR_UNEXPECTED;

		/* nothing wrong but the attribute in question */
		if (edition == CPNP_EDITION_DRAFT02 &&
		    a == CPNP_ATTR_STATUS_CODE && want != 0)
			msg.status = CPNP_STATUS_MESSAGE_VALIDATION;
		cpnp_buf_init_fixed(&buf, store, sizeof(store));
		assemble(&msg, -1, CPNP_BYTES_NONE, &buf);
		ck_assert_int_eq(cpnp_msg_decode(&decoded,
				     cpnp_buf_bytes(&buf), &diag), want);
		cpnp_buf_init_fixed(&buf, other, sizeof(other));
		if (want != 0)
			ck_assert_ptr_nonnull(strstr(diag.where, "attribute "));
		else if (method == CPNP_METHOD_UPDATE &&
		    a != CPNP_ATTR_EXPECTED_RESPONSE_TIME)
			continue;
		ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, &diag), want);
	}
}

START_TEST(test_msg_presence_is_that_of_the_grammar)
{
	for_each_method(check_presence);
}
END_TEST

/* contradictions, 16: accepted without, always sent */
START_TEST(test_msg_update_always_says_when_it_expects_a_response)
{
	for (int e = 0; e < 2; e++) {
		cpnp_msg msg = message_of((cpnp_edition)e, CPNP_METHOD_UPDATE,
		    attrs_of((cpnp_edition)e, CPNP_METHOD_UPDATE,
			CPNP_MANDATORY));
		cpnp_msg decoded;
		cpnp_buf buf;

		cpnp_buf_init_fixed(&buf, store, sizeof(store));
		assemble(&msg, -1, CPNP_BYTES_NONE, &buf);
		ck_assert_int_eq(cpnp_msg_decode(
		    &decoded, cpnp_buf_bytes(&buf), NULL), 0);
		cpnp_buf_reset(&buf);
		ck_assert_int_eq(cpnp_msg_encode(&decoded, &buf, NULL),
		    CPNP_ERR_ATTR_MISSING);
	}
}
END_TEST

static const struct {
	const char *hex;
	int err;
	bool head_read;
} heads[] = {
    {"", CPNP_ERR_TRUNCATED, false},
    {"80", CPNP_ERR_RANGE, false},
    {"840101a000", CPNP_ERR_TOO_LONG, false},
    {"a0", CPNP_ERR_TYPE, false},
    {"830201a0", CPNP_ERR_VERSION, false},
    {"831b000000010000000001a0", CPNP_ERR_VERSION, false},
    {"832001a0", CPNP_ERR_TYPE, false},
    {"830120a0", CPNP_ERR_TYPE, false},
    {"830100a0", CPNP_ERR_ATTR_MISSING, true},
    {"830000a0", CPNP_ERR_ATTR_MISSING, true},
    {"83010ca0", CPNP_ERR_METHOD, true},
    {"83000ba0", CPNP_ERR_METHOD, true},
    {"83011b0000000100000001a0", CPNP_ERR_METHOD, true},
    {"83010180", CPNP_ERR_TYPE, true},
    {"830101a1", CPNP_ERR_TRUNCATED, true},
    {"830101a0", CPNP_ERR_ATTR_MISSING, true},
    {"8318010 1a0", CPNP_ERR_NOT_DETERMINISTIC, false},
    {"830101b800", CPNP_ERR_NOT_DETERMINISTIC, true},
    {"830101bf", CPNP_ERR_NOT_DETERMINISTIC, true},
};

START_TEST(test_msg_head_errors)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		cpnp_diag diag = {0};
		cpnp_msg msg;
		int err = cpnp_msg_decode(
		    &msg, unit_hex(heads[i].hex, store), &diag);

		ck_assert_msg(err == heads[i].err, "%s: %s", heads[i].hex,
		    cpnp_error_name(err));
		ck_assert_int_eq(diag.err, err);
		ck_assert_uint_gt(strlen(diag.where), 0);
		ck_assert_uint_gt(strlen(diag.why), 0);
		ck_assert(((msg.present & CPNP_MSG_HEAD_READ) != 0) ==
		    heads[i].head_read);
		ck_assert_uint_le(msg.method, CPNP_METHOD_END);
	}
}
END_TEST

/* A FAIL with the identifiers of what it answers (contradictions, 29). */
static const struct {
	const char *hex;
	int err;
	uint64_t readable;
} broken[] = {
    /* a value that is refused, before, between and behind identifiers */
    {"830101a4 01 20 02 480001020304050607 03 6161 09 820080",
	CPNP_ERR_TYPE,
	BIT(TRANSACTION_ID) | BIT(CUSTOMER_ORDER_ID) |
	    BIT(SERVICE_DESCRIPTION)},
    {"830101a4 01 05 02 4700010203040506 03 6161 09 820080",
	CPNP_ERR_RANGE,
	BIT(SEQUENCE_NUMBER) | BIT(CUSTOMER_ORDER_ID) |
	    BIT(SERVICE_DESCRIPTION)},
    {"830101a4 01 05 02 480001020304050607 03 6161 09 01", CPNP_ERR_TYPE,
	BIT(SEQUENCE_NUMBER) | BIT(TRANSACTION_ID) | BIT(CUSTOMER_ORDER_ID)},
    /* an attribute that has no place here, or in no edition */
    {"830001a4 01 05 02 480001020304050607 03 6161 09 820080",
	CPNP_ERR_ATTR_UNEXPECTED,
	BIT(TRANSACTION_ID) | BIT(CUSTOMER_ORDER_ID) |
	    BIT(SERVICE_DESCRIPTION)},
    {"830101a2 00 00 03 6161", CPNP_ERR_ATTR_UNKNOWN, BIT(CUSTOMER_ORDER_ID)},
    /* a method that is not known */
    {"830114a2 03 6161 04 6162", CPNP_ERR_METHOD,
	BIT(CUSTOMER_ORDER_ID) | BIT(PROVIDER_ORDER_ID)},
    /* a breach of form ends the reading */
    {"830101a3 03 6161 02 480001020304050607 09 820080", CPNP_ERR_DUPLICATE,
	BIT(CUSTOMER_ORDER_ID)},
    {"830101a2 03 6161 09 8200ff", CPNP_ERR_TYPE, BIT(CUSTOMER_ORDER_ID)},
};

START_TEST(test_msg_decode_29_leaves_what_a_fail_can_name)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		cpnp_msg msg;
		int err = cpnp_msg_decode(
		    &msg, unit_hex(broken[i].hex, store), NULL);

		ck_assert_msg(err == broken[i].err, "%s: %s", broken[i].hex,
		    cpnp_error_name(err));
		ck_assert_msg(msg.present ==
			(broken[i].readable | CPNP_MSG_HEAD_READ),
		    "%s: %llx", broken[i].hex,
		    (unsigned long long)msg.present);
	}
}
END_TEST

START_TEST(test_msg_max_is_the_largest)
{
	/* a CANCEL whose service description fills the message */
	static uint8_t service[CPNP_MSG_MAX];
	cpnp_msg msg = message_of(CPNP_EDITION_RFC8921, CPNP_METHOD_CANCEL,
	    BIT(SEQUENCE_NUMBER) | BIT(TRANSACTION_ID) |
		BIT(CUSTOMER_ORDER_ID) | BIT(SERVICE_DESCRIPTION));
	cpnp_buf buf;
	size_t rest, body;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL), 0);
	rest = buf.len - 3; /* without [0, []] */
	for (size_t extra = 0; extra < 2; extra++) {
		cpnp_buf item;
		int err = extra == 0 ? 0 : CPNP_ERR_TOO_LONG;

		body = CPNP_MSG_MAX - rest - 7 + extra;
		cpnp_buf_init_fixed(&item, service, sizeof(service));
		cpnp_buf_put_raw(&item, LIT("\x82\x00\x5a"));
		cpnp_buf_put_raw(&item,
		    (cpnp_bytes){(uint8_t[]){0, (uint8_t)(body >> 16),
				     (uint8_t)(body >> 8), (uint8_t)body},
			4});
		item.len += body;
		msg.service_description = cpnp_buf_bytes(&item);
		cpnp_buf_reset(&buf);
		assemble(&msg, -1, CPNP_BYTES_NONE, &buf);
		ck_assert_uint_eq(buf.len, CPNP_MSG_MAX + extra);
		{
			cpnp_msg decoded;

			ck_assert_int_eq(cpnp_msg_decode(&decoded,
			    cpnp_buf_bytes(&buf), NULL), err);
		}
		cpnp_buf_reset(&buf);
		ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL),
		    extra == 0 ? 0 : CPNP_ERR_NO_SPACE);
	}
}
END_TEST

/* A FAIL with n attributes, most of them private and to be ignored. */
static cpnp_bytes
message_with_attrs(size_t n, cpnp_buf *buf)
{
	cpnp_buf_init_fixed(buf, store, sizeof(store));
	cpnp_buf_put_raw(buf, LIT("\x83\x01\x0a"));
	cpnp_cbor_put_map(buf, n);
	cpnp_buf_put_raw(buf, LIT("\x01\x05\x0c\x01"));
	for (size_t i = 2; i < n; i++) {
		cpnp_cbor_put_int(buf, -70000 - (int64_t)i);
		cpnp_cbor_put_uint(buf, i);
	}
	return cpnp_buf_bytes(buf);
}

START_TEST(test_msg_attrs_max_counts_unknown_ones)
{
	cpnp_buf buf, out;
	cpnp_msg msg;
	cpnp_bytes bytes = message_with_attrs(CPNP_ATTRS_MAX, &buf);

	ck_assert_int_eq(cpnp_msg_decode(&msg, bytes, NULL), 0);
	/* and leaves no room for a cookie */
	cpnp_buf_init_fixed(&out, other, sizeof(other));
	ck_assert_int_eq(
	    cpnp_msg_set_cookie(bytes, LIT("c"), &out), CPNP_ERR_NO_SPACE);
	ck_assert_uint_eq(out.len, 0);
	bytes = message_with_attrs(CPNP_ATTRS_MAX + 1, &buf);
	ck_assert_int_eq(
	    cpnp_msg_decode(&msg, bytes, NULL), CPNP_ERR_TOO_LONG);
}
END_TEST

static void
check_no_space(cpnp_edition edition, int method)
{
	cpnp_msg msg = message_of(edition, method,
	    attrs_of(edition, method, CPNP_OPTIONAL));
	cpnp_diag diag;
	cpnp_buf buf;
	size_t len;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, &diag), 0);
	len = buf.len;
	for (size_t size = 0; size < len; size++) {
		cpnp_buf_init_fixed(&buf, store, size);
		ck_assert_int_eq(
		    cpnp_msg_encode(&msg, &buf, &diag), CPNP_ERR_NO_SPACE);
		ck_assert_uint_eq(buf.len, 0);
	}
	cpnp_buf_init_fixed(&buf, store, len);
	ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, &diag), 0);
	/* a buffer in error stays so */
	buf.err = CPNP_ERR_NOMEM;
	ck_assert_int_eq(
	    cpnp_msg_encode(&msg, &buf, &diag), CPNP_ERR_NOMEM);
	ck_assert_uint_eq(buf.len, len);
}

START_TEST(test_msg_encode_says_no_space)
{
	for_each_method(check_no_space);
}
END_TEST

START_TEST(test_msg_encode_refuses_what_is_no_message)
{
	cpnp_msg msg = message_of(CPNP_EDITION_DRAFT02, 11, 0);
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(
	    cpnp_msg_encode(&msg, &buf, NULL), CPNP_ERR_INVALID);
	msg = message_of((cpnp_edition)2, 1, 0);
	ck_assert_int_eq(
	    cpnp_msg_encode(&msg, &buf, NULL), CPNP_ERR_INVALID);
	msg = message_of(CPNP_EDITION_RFC8921, 7,
	    attrs_of(CPNP_EDITION_RFC8921, 7, CPNP_MANDATORY) |
		CPNP_ATTR_BIT(CPNP_ATTR_END));
	ck_assert_int_eq(
	    cpnp_msg_encode(&msg, &buf, NULL), CPNP_ERR_INVALID);
	ck_assert_int_eq(buf.err, 0);
}
END_TEST

/* A digest that shows its input: the tests read what was digested. */
static uint8_t seen[CPNP_MSG_MAX + 64];
static size_t seen_n;

static int
see(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	(void)user;
	memset(digest, 0, CPNP_SHA256_LEN);
	seen_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].len > 0)
			memcpy(seen + seen_n, parts[i].ptr, parts[i].len);
		seen_n += parts[i].len;
	}
	return 0;
}

static int
see_nothing(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	(void)user;
	(void)parts;
	(void)n;
	memset(digest, 0, CPNP_SHA256_LEN);
	return -1;
}

static cpnp_bytes
digested(cpnp_bytes bytes)
{
	const cpnp_env env = {.sha256 = see};
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_msg msg;

	ck_assert_int_eq(cpnp_msg_decode(&msg, bytes, NULL), 0);
	ck_assert_int_eq(cpnp_msg_digest(&msg, &env, digest), 0);
	return (cpnp_bytes){seen, seen_n};
}

/* With one cookie, another and none: each time what is digested is the
 * message without. */
static void
check_cookies(cpnp_edition edition, int method)
{
	const cpnp_bytes cookies[] = {LIT("a"),
	    LIT("01234567890123456789012345678901"), CPNP_BYTES_NONE};
	cpnp_bytes bare = vector_of(edition, method, "", store), last = bare;
	uint8_t *to[] = {other, store + CPNP_MSG_MAX};
	cpnp_msg msg;
	cpnp_buf buf;

	unit_assert_bytes(digested(bare), bare);
	for (size_t i = 0; i < 3; i++) {
		cpnp_buf_init_fixed(&buf, to[i % 2], CPNP_MSG_MAX);
		ck_assert_int_eq(
		    cpnp_msg_set_cookie(last, cookies[i], &buf), 0);
		last = cpnp_buf_bytes(&buf);
		unit_assert_bytes(digested(last), bare);
		ck_assert_int_eq(cpnp_msg_decode(&msg, last, NULL), 0);
		unit_assert_bytes(msg.cookie, cookies[i]);
	}
	unit_assert_bytes(last, bare);
}

START_TEST(test_msg_cookie_set_and_removed)
{
	cpnp_bytes bytes;
	cpnp_msg msg;
	cpnp_buf buf;

	for_each_method(check_cookies);
	/* in front of other extension attributes, and in place of a cookie */
	bytes = vector_of(CPNP_EDITION_RFC8921, 3, "-extended", store);
	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_int_eq(cpnp_msg_set_cookie(bytes, LIT("biscuit"), &buf), 0);
	ck_assert_int_eq(
	    cpnp_msg_decode(&msg, cpnp_buf_bytes(&buf), NULL), 0);
	unit_assert_bytes(msg.cookie, LIT("biscuit"));
	ck_assert(cpnp_msg_has(&msg, CPNP_ATTR_ORDER_PROGRESS));
}
END_TEST

/* The head of the map grows from one byte to two with the 24th attribute. */
START_TEST(test_msg_cookie_where_the_count_gets_longer)
{
	for (size_t n = 22; n <= 24; n++) {
		cpnp_buf in, out, back;
		cpnp_bytes bare = message_with_attrs(n, &in);

		cpnp_buf_init_fixed(&out, other, sizeof(other));
		ck_assert_int_eq(cpnp_msg_set_cookie(bare, LIT("c"), &out), 0);
		unit_assert_bytes(digested(cpnp_buf_bytes(&out)), bare);
		cpnp_buf_init_fixed(
		    &back, store + CPNP_MSG_MAX, CPNP_MSG_MAX);
		ck_assert_int_eq(cpnp_msg_set_cookie(cpnp_buf_bytes(&out),
		    CPNP_BYTES_NONE, &back), 0);
		unit_assert_bytes(cpnp_buf_bytes(&back), bare);
	}
}
END_TEST

/* What the page of the wire format leaves open is CPNP_CBOR_DEPTH_MAX deep by
 * itself, not with what it stands in. */
START_TEST(test_msg_cookie_beside_the_deepest_description)
{
	const cpnp_env env = {.sha256 = see_nothing};

	for (size_t more = 0; more < 2; more++) {
		cpnp_msg msg;
		cpnp_buf in, out;

		cpnp_buf_init_fixed(&in, store, sizeof(store));
		cpnp_buf_put_raw(&in,
		    LIT("\x83\x01\x01\xa4\x01\x01\x02\x50"
			"0123456789abcdef\x03\x61o\x09\x82\x00"));
		for (size_t i = 0; i < CPNP_CBOR_DEPTH_MAX + more; i++)
			cpnp_cbor_put_array(&in, 1);
		cpnp_cbor_put_uint(&in, 0);
		ck_assert_int_eq(
		    cpnp_msg_decode(&msg, cpnp_buf_bytes(&in), NULL),
		    more == 0 ? 0 : CPNP_ERR_TOO_LONG);
		if (more > 0)
			continue;
		cpnp_buf_init_fixed(&out, other, sizeof(other));
		ck_assert_int_eq(cpnp_msg_set_cookie(cpnp_buf_bytes(&in),
				     LIT("c"), &out),
		    0);
		ck_assert_int_eq(cpnp_msg_decode(&msg, cpnp_buf_bytes(&out),
				     NULL),
		    0);
		ck_assert_int_eq(cpnp_msg_digest(&msg, &env,
				     (uint8_t[CPNP_SHA256_LEN]){0}),
		    CPNP_ERR_CRYPTO);
	}
}
END_TEST

START_TEST(test_msg_cookie_refused)
{
	static const uint8_t long_cookie[CPNP_COOKIE_MAX + 1];
	const cpnp_env env = {.sha256 = see_nothing};
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_bytes bytes = vector_of(CPNP_EDITION_RFC8921, 1, "", store);
	cpnp_msg msg;
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, other, sizeof(other));
	ck_assert_int_eq(cpnp_msg_set_cookie(bytes,
	    (cpnp_bytes){long_cookie, CPNP_COOKIE_MAX + 1}, &buf),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_msg_set_cookie(
	    (cpnp_bytes){bytes.ptr, bytes.len - 1}, LIT("c"), &buf),
	    CPNP_ERR_TRUNCATED);
	cpnp_buf_init_fixed(&buf, other, bytes.len);
	ck_assert_int_eq(
	    cpnp_msg_set_cookie(bytes, LIT("c"), &buf), CPNP_ERR_NO_SPACE);
	ck_assert_uint_eq(buf.len, 0);
	ck_assert_int_eq(cpnp_msg_decode(&msg, bytes, NULL), 0);
	ck_assert_int_eq(
	    cpnp_msg_digest(&msg, &env, digest), CPNP_ERR_CRYPTO);
	msg.raw = CPNP_BYTES_NONE;
	ck_assert_int_eq(
	    cpnp_msg_digest(&msg, &env, digest), CPNP_ERR_TRUNCATED);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_msg_vectors_of_every_method,
	    test_msg_decode_gives_every_field,
	    test_msg_example_of_the_manual_page,
	    test_msg_decode_of_a_part_or_more_than_all,
	    test_msg_decode_of_mutated_bytes,
	    test_msg_presence_is_that_of_the_grammar,
	    test_msg_update_always_says_when_it_expects_a_response,
	    test_msg_head_errors,
	    test_msg_decode_29_leaves_what_a_fail_can_name,
	    test_msg_max_is_the_largest,
	    test_msg_attrs_max_counts_unknown_ones,
	    test_msg_encode_says_no_space,
	    test_msg_encode_refuses_what_is_no_message,
	    test_msg_cookie_set_and_removed,
	    test_msg_cookie_where_the_count_gets_longer,
	    test_msg_cookie_beside_the_deepest_description,
	    test_msg_cookie_refused,
	};

	return unit_run("message", tests, sizeof(tests) / sizeof(tests[0]));
}
