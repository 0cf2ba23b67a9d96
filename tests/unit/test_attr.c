/*
 * Values of attributes: types, ranges, limits, unknown keys.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "messages.h"

static uint8_t store[2 * CPNP_MSG_MAX];
static uint8_t item_store[CPNP_MSG_MAX];

/* A method that may carry an attribute. */
static int
method_with(cpnp_edition edition, int attr)
{
	for (int m = 0; m < CPNP_METHOD_END; m++) {
		if (cpnp_grammar(edition, (cpnp_method)m, (cpnp_attr)attr) !=
		    CPNP_ABSENT)
			return m;
	}
	ck_abort_msg("no message of %s carries attribute %d",
	    cpnp_edition_name(edition), attr);
}

/* Decode a message in which an attribute has this value. */
static int
decode_value(cpnp_edition edition, int attr, cpnp_bytes item, cpnp_msg *msg,
    cpnp_diag *diag)
{
	int method = method_with(edition, attr);
	cpnp_msg out = message_of(edition, method,
	    attrs_of(edition, method, CPNP_MANDATORY) | CPNP_ATTR_BIT(attr));
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	assemble(&out, attr, item, &buf);
	return cpnp_msg_decode(msg, cpnp_buf_bytes(&buf), diag);
}

/* An edition that is not the attribute's has none of these. */
static const struct {
	int attr;
	const char *hex;
	int err;     /* in RFC 8921 */
	int err_d02; /* in draft-02 */
} values[] = {
#define A(name) CPNP_ATTR_##name
#define E(name) CPNP_ERR_##name
    {A(SEQUENCE_NUMBER), "00", 0, 1},
    {A(SEQUENCE_NUMBER), "1affffffff", 0, 1},
    {A(SEQUENCE_NUMBER), "1b0000000100000000", E(RANGE), 1},
    {A(SEQUENCE_NUMBER), "20", E(TYPE), 1},
    {A(SEQUENCE_NUMBER), "1817", E(NOT_DETERMINISTIC), 1},
    {A(TRANSACTION_ID), "680001020304050607", E(TYPE), E(TYPE)},
    {A(TRANSACTION_ID), "5808 0001020304050607", E(NOT_DETERMINISTIC),
	E(NOT_DETERMINISTIC)},
    {A(CUSTOMER_ORDER_ID), "6121", 0, 0},
    {A(CUSTOMER_ORDER_ID), "617e", 0, 0},
    {A(CUSTOMER_ORDER_ID), "6120", E(RANGE), E(RANGE)},
    {A(CUSTOMER_ORDER_ID), "617f", E(RANGE), E(RANGE)},
    {A(CUSTOMER_ORDER_ID), "62c3a9", E(RANGE), E(RANGE)},
    {A(CUSTOMER_ORDER_ID), "61c3", E(UTF8), E(UTF8)},
    {A(CUSTOMER_ORDER_ID), "4121", E(TYPE), E(TYPE)},
    {A(PROVIDER_ORDER_ID), "60", E(RANGE), E(RANGE)},
    {A(VALIDITY_OFFER_TIME), "74323032362d31312d32315430383a33303a30305a", 0,
	E(DATE)},
    {A(VALIDITY_OFFER_TIME),
	"781d5361742c203231204e6f7620323032362030383a33303a303020474d54",
	E(DATE), 0},
    {A(VALIDITY_OFFER_TIME), "60", E(DATE), E(DATE)},
    {A(VALIDITY_OFFER_TIME), "00", E(TYPE), E(TYPE)},
    {A(SERVICE_DESCRIPTION), "82008100", 0, 0},
    {A(SERVICE_DESCRIPTION), "821b ffffffffffffffff a10000", 0, 0},
    {A(SERVICE_DESCRIPTION), "80", E(RANGE), E(RANGE)},
    {A(SERVICE_DESCRIPTION), "8100", E(RANGE), E(RANGE)},
    {A(SERVICE_DESCRIPTION), "83000000", E(TOO_LONG), E(TOO_LONG)},
    {A(SERVICE_DESCRIPTION), "822080", E(TYPE), E(TYPE)},
    {A(SERVICE_DESCRIPTION), "8200a201000000", E(DUPLICATE), E(DUPLICATE)},
    {A(SERVICE_DESCRIPTION), "82001800", E(NOT_DETERMINISTIC),
	E(NOT_DETERMINISTIC)},
    {A(SERVICE_DESCRIPTION), "8200f7", E(TYPE), E(TYPE)},
    {A(PROCESSING_SUBCODE), "00", E(RANGE), 1},
    {A(PROCESSING_SUBCODE), "01", 0, 1},
    {A(PROCESSING_SUBCODE), "02", 0, 1},
    {A(PROCESSING_SUBCODE), "03", E(RANGE), 1},
    {A(REASON), "80", E(RANGE), 1},
    {A(REASON), "8101", 0, 1},
    {A(REASON), "880102030102030102", 0, 1},
    {A(REASON), "89010203010203010203", E(TOO_LONG), 1},
    {A(REASON), "8100", E(RANGE), 1},
    {A(REASON), "8104", E(RANGE), 1},
    {A(STATUS_CODE), "00", E(RANGE), E(RANGE)},
    {A(STATUS_CODE), "05", 0, 0},
    {A(STATUS_CODE), "06", 0, E(RANGE)},
    {A(STATUS_CODE), "08", 0, E(RANGE)},
    {A(STATUS_CODE), "09", E(RANGE), E(RANGE)},
    {A(STATUS_CODE), "1b0000000100000001", E(RANGE), E(RANGE)},
    {A(ACTIVATION_TYPE), "00", E(RANGE), E(RANGE)},
    {A(ACTIVATION_TYPE), "01", 0, 0},
    {A(ACTIVATION_TYPE), "02", 0, 0},
    {A(ACTIVATION_TYPE), "03", E(RANGE), E(RANGE)},
    /* contradictions, 15 */
    {A(ACTIVATION_SCHEDULE), "00", 0, 0},
    {A(ACTIVATION_SCHEDULE), "01", E(RANGE), E(RANGE)},
    {A(ACTIVATION_SCHEDULE), "80", E(RANGE), E(RANGE)},
    {A(ACTIVATION_SCHEDULE), "81f6", 0, 0},
    {A(ACTIVATION_SCHEDULE), "82f6f6", E(TYPE), E(TYPE)},
    {A(ACTIVATION_SCHEDULE), "83f6f6f6", E(TOO_LONG), E(TOO_LONG)},
    {A(ACTIVATION_SCHEDULE), "f6", E(TYPE), E(TYPE)},
    {A(ACTIVATION_SCHEDULE), "8174323032362d31312d32315430383a33303a30305a",
	0, E(DATE)},
    {A(ACTIVATION_SCHEDULE), "82f674323032362d31312d32315430383a33303a30305a",
	0, E(DATE)},
    {A(ACTIVATION_SCHEDULE),
	"8274323032362d31312d32315430383a33303a30305a"
	"74323032362d31312d32315430383a33303a30305a",
	E(RANGE), E(DATE)},
    {A(ACTIVATION_SCHEDULE),
	"8274323032362d31312d32315430383a33303a30305a"
	"74323032362d31312d32315430383a33303a30315a",
	0, E(DATE)},
    /* RFC 8921, 9.1.10.1: all optional; draft-02, 9.1.9.1: not all */
    {A(CUSTOMER_DESCRIPTION), "a0", 0, E(ATTR_MISSING)},
    {A(CUSTOMER_DESCRIPTION), "a1016161", 0, E(ATTR_MISSING)},
    {A(CUSTOMER_DESCRIPTION), "a1026161", 0, E(ATTR_MISSING)},
    {A(CUSTOMER_DESCRIPTION), "a20161610261 61", 0, 0},
    {A(CUSTOMER_DESCRIPTION), "a30161610261 610460", E(TYPE), E(TYPE)},
    {A(CUSTOMER_DESCRIPTION), "a301616102616104 80", E(RANGE), E(RANGE)},
    {A(CUSTOMER_DESCRIPTION), "a3016161026161048160", E(RANGE), E(RANGE)},
    {A(CUSTOMER_DESCRIPTION), "a30161610261610500", E(ATTR_UNEXPECTED),
	E(ATTR_UNEXPECTED)},
    {A(PROVIDER_DESCRIPTION), "a30161610261610500", 0, 0},
    {A(PROVIDER_DESCRIPTION), "a3016161026161051affffffff", 0, 0},
    {A(PROVIDER_DESCRIPTION), "a3016161026161051b0000000100000000", E(RANGE),
	E(RANGE)},
    {A(PROVIDER_DESCRIPTION), "a1026161", 0, E(ATTR_MISSING)},
    {A(CUSTOMER_DESCRIPTION), "a2026161016161", E(DUPLICATE), E(DUPLICATE)},
    {A(CUSTOMER_DESCRIPTION), "a30161610261610600", E(ATTR_UNKNOWN),
	E(ATTR_UNKNOWN)},
    {A(CUSTOMER_DESCRIPTION), "a30061610161610261 61", E(ATTR_UNKNOWN),
	E(ATTR_UNKNOWN)},
    {A(CUSTOMER_DESCRIPTION), "a30161610261612000", 0, 0},
    {A(CUSTOMER_DESCRIPTION), "a3016161026161201800", E(NOT_DETERMINISTIC),
	E(NOT_DETERMINISTIC)},
    /* contradictions, 23 and 26 */
    {A(NEGOTIATION_OPTIONS), "a0", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a10180", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a101840063455552 6002", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a10184006345555260 09", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a1018400634555526 00a", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a101842063455552 6002", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a101841b7fffffffffffffff634555526002", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a101841b8000000000000000634555526002", E(RANGE),
	E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a1018400636575726002", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a101840062303961 6102", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a1018400606002", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a1018300634555526 0", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a10100", E(TYPE), E(TYPE)},
    {A(NEGOTIATION_OPTIONS), "a10201", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a10202", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a10200", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a10203", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a103f5", 0, 0},
    {A(NEGOTIATION_OPTIONS), "a103f4", E(RANGE), E(RANGE)},
    {A(NEGOTIATION_OPTIONS), "a10301", E(TYPE), E(TYPE)},
    {A(NEGOTIATION_OPTIONS), "a10400", E(ATTR_UNKNOWN), E(ATTR_UNKNOWN)},
    {A(NEGOTIATION_OPTIONS), "a12000", 0, 0},
    {A(EXPLANATION), "80", E(RANGE), E(RANGE)},
    {A(EXPLANATION), "81a0", 0, 0},
    {A(EXPLANATION), "81a10160", E(RANGE), E(RANGE)},
    {A(EXPLANATION), "81a1056161", E(ATTR_UNKNOWN), E(ATTR_UNKNOWN)},
    {A(EXPLANATION), "81a12000", 0, 0},
    {A(STATEMENT), "40", E(RANGE), E(RANGE)},
    {A(STATEMENT), "6161", E(TYPE), E(TYPE)},
    {A(TOTAL_LENGTH), "00", E(RANGE), E(RANGE)},
    {A(TOTAL_LENGTH), "01", 0, 0},
    {A(TOTAL_LENGTH), "1a00020000", 0, 0},
    {A(TOTAL_LENGTH), "1a00020001", E(RANGE), E(RANGE)},
    {A(PART_OFFSET), "00", 0, 0},
    {A(PART_OFFSET), "1a0001ffff", 0, 0},
    {A(PART_OFFSET), "1a00020000", E(RANGE), E(RANGE)},
    {A(PART_OFFSET), "20", E(TYPE), E(TYPE)},
    {A(COOKIE), "40", E(RANGE), E(RANGE)},
    {A(SETTLEMENT_TERMS), "f7", E(TYPE), E(TYPE)},
    {A(SETTLEMENT_TERMS), "d81800", 0, 0},
    {A(COMMIT_SET), "a2010100 01", E(DUPLICATE), E(DUPLICATE)},
    {A(PATH_MARKS), "80", E(RANGE), E(RANGE)},
    {A(PATH_MARKS), "8140", E(RANGE), E(RANGE)},
    {A(HOP_LIMIT), "18ff", 0, 0},
    {A(HOP_LIMIT), "190100", E(RANGE), E(RANGE)},
#undef A
#undef E
};

START_TEST(test_attr_values)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (int e = 0; e < 2; e++) {
			int want = e == 1 ? values[i].err : values[i].err_d02;
			cpnp_diag diag = {0};
			cpnp_msg msg;
			int err;

			if (want > 0)
				continue;
			err = decode_value((cpnp_edition)e, values[i].attr,
			    unit_hex(values[i].hex, item_store), &msg, &diag);
			ck_assert_msg(err == want, "%s %s %s: %s",
			    cpnp_edition_name((cpnp_edition)e),
			    cpnp_attr_name((cpnp_edition)e,
				(cpnp_attr)values[i].attr),
			    values[i].hex, cpnp_error_name(err));
			if (err == 0)
				continue;
			ck_assert_ptr_nonnull(strstr(diag.where,
			    cpnp_attr_name((cpnp_edition)e,
				(cpnp_attr)values[i].attr)));
			ck_assert_ptr_nonnull(
			    strstr(diag.why, cpnp_strerror(err)));
			ck_assert(!cpnp_msg_has(
			    &msg, (cpnp_attr)values[i].attr));
		}
	}
}
END_TEST

/* How a value of size n is made for a limit. */
enum shape {
	BYTES,        /* a byte string of n */
	TEXT,         /* a text of n */
	BYTES_LIST,   /* n byte strings */
	LONG_BYTES,   /* a list of one byte string of n */
	MAPS,         /* n empty maps */
	NAME,         /* a description with a name of n */
	TELEPHONES,   /* a description with n telephone numbers */
	TELEPHONE,    /* a description with a telephone number of n */
	WORDS,        /* an explanation with a clause of n */
	CODE,         /* a cost with a code of n */
	ISSUER,       /* a cost with an issuer of n */
	CODES         /* n codes */
};

static void
put_n(cpnp_buf *buf, enum shape shape, size_t n)
{
	static uint8_t filler[CPNP_MSG_MAX];
	cpnp_bytes text = {memset(filler, 'A', sizeof(filler)), n};

	switch (shape) {
	case BYTES:
		cpnp_cbor_put_bytes(buf, text);
		break;
	case TEXT:
		cpnp_cbor_put_text(buf, text);
		break;
	case BYTES_LIST:
		cpnp_cbor_put_array(buf, n);
		for (size_t i = 0; i < n; i++)
			cpnp_cbor_put_bytes(buf, LIT("m"));
		break;
	case LONG_BYTES:
		cpnp_cbor_put_array(buf, 1);
		cpnp_cbor_put_bytes(buf, text);
		break;
	case MAPS:
		cpnp_cbor_put_array(buf, n);
		for (size_t i = 0; i < n; i++)
			cpnp_cbor_put_map(buf, 0);
		break;
	case NAME:
		cpnp_buf_put_raw(buf, LIT("\xa2\x01"));
		cpnp_cbor_put_text(buf, text);
		cpnp_buf_put_raw(buf, LIT("\x02\x61" "e"));
		break;
	case TELEPHONES:
		cpnp_buf_put_raw(buf, LIT("\xa3\x01\x61n\x02\x61" "e\x04"));
		cpnp_cbor_put_array(buf, n);
		for (size_t i = 0; i < n; i++)
			cpnp_cbor_put_str(buf, "1");
		break;
	case TELEPHONE:
		cpnp_buf_put_raw(buf, LIT("\xa3\x01\x61n\x02\x61" "e\x04\x81"));
		cpnp_cbor_put_text(buf, text);
		break;
	case WORDS:
		cpnp_buf_put_raw(buf, LIT("\x81\xa1\x01"));
		cpnp_cbor_put_text(buf, text);
		break;
	case CODE:
		cpnp_buf_put_raw(buf, LIT("\xa1\x01\x84\x00"));
		cpnp_cbor_put_text(buf, text);
		cpnp_buf_put_raw(buf, LIT("\x60\x02"));
		break;
	case ISSUER:
		cpnp_buf_put_raw(buf, LIT("\xa1\x01\x84\x00\x61" "A"));
		cpnp_cbor_put_text(buf, text);
		cpnp_cbor_put_uint(buf, 0);
		break;
	case CODES:
		cpnp_cbor_put_array(buf, n);
		for (size_t i = 0; i < n; i++)
			cpnp_cbor_put_uint(buf, 1);
		break;
	}
}

static const struct {
	int attr;
	enum shape shape;
	size_t min;
	size_t max;
} limits[] = {
    {CPNP_ATTR_TRANSACTION_ID, BYTES, CPNP_TRANSACTION_ID_MIN,
	CPNP_TRANSACTION_ID_MAX},
    {CPNP_ATTR_CUSTOMER_ORDER_ID, TEXT, 1, CPNP_ORDER_ID_MAX},
    {CPNP_ATTR_PROVIDER_ORDER_ID, TEXT, 1, CPNP_ORDER_ID_MAX},
    {CPNP_ATTR_NONCE, BYTES, CPNP_NONCE_MIN, CPNP_NONCE_MAX},
    {CPNP_ATTR_REASON, CODES, 1, CPNP_REASONS_MAX},
    {CPNP_ATTR_CUSTOMER_DESCRIPTION, NAME, 1, CPNP_TEXT_MAX},
    {CPNP_ATTR_CUSTOMER_DESCRIPTION, TELEPHONE, 1, CPNP_TEXT_MAX},
    {CPNP_ATTR_PROVIDER_DESCRIPTION, TELEPHONES, 1, CPNP_TELEPHONES_MAX},
    {CPNP_ATTR_NEGOTIATION_OPTIONS, CODE, 1, CPNP_TOKEN_CODE_MAX},
    {CPNP_ATTR_NEGOTIATION_OPTIONS, ISSUER, 0, CPNP_TOKEN_ISSUER_MAX},
    {CPNP_ATTR_MESSAGE_DIGEST, BYTES, CPNP_SHA256_LEN, CPNP_SHA256_LEN},
    {CPNP_ATTR_PART, BYTES, 1, CPNP_DATAGRAM_MAX},
    {CPNP_ATTR_PARTS_HELD, BYTES, 1, CPNP_PARTS_HELD_MAX},
    {CPNP_ATTR_COOKIE, BYTES, 1, CPNP_COOKIE_MAX},
    {CPNP_ATTR_EXPLANATION, MAPS, 1, CPNP_EXPLANATIONS_MAX},
    {CPNP_ATTR_EXPLANATION, WORDS, 1, CPNP_TEXT_MAX},
    {CPNP_ATTR_STATEMENT, BYTES, 1, CPNP_STATEMENT_MAX},
    {CPNP_ATTR_RECEIPT, BYTES, 1, CPNP_RECEIPT_MAX},
    {CPNP_ATTR_PATH_MARKS, BYTES_LIST, 1, CPNP_PATH_MARKS_MAX},
    {CPNP_ATTR_PATH_MARKS, LONG_BYTES, 1, CPNP_PATH_MARK_MAX},
    /* the head of such a string takes three bytes of the limit */
    {CPNP_ATTR_SETTLEMENT_TERMS, BYTES, 0, CPNP_EXTENSION_MAX - 3},
    {CPNP_ATTR_PAYMENT_AUTHORIZATION, BYTES, 0, CPNP_EXTENSION_MAX - 3},
    {CPNP_ATTR_COMMIT_SET, BYTES, 0, CPNP_EXTENSION_MAX - 3},
    {CPNP_ATTR_ORDER_PROGRESS, BYTES, 0, CPNP_EXTENSION_MAX - 3},
};

static int
decode_n(size_t i, size_t n, cpnp_msg *msg)
{
	cpnp_buf item;

	cpnp_buf_init_fixed(&item, item_store, sizeof(item_store));
	put_n(&item, limits[i].shape, n);
	return decode_value(CPNP_EDITION_RFC8921, limits[i].attr,
	    cpnp_buf_bytes(&item), msg, NULL);
}

START_TEST(test_attr_limits_are_inclusive)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const char *name = cpnp_attr_name(
		    CPNP_EDITION_RFC8921, (cpnp_attr)limits[i].attr);
		cpnp_msg msg;

		ck_assert_msg(decode_n(i, limits[i].max, &msg) == 0, "%s",
		    name);
		ck_assert_msg(decode_n(i, limits[i].min, &msg) == 0, "%s",
		    name);
		ck_assert_msg(decode_n(i, limits[i].max + 1, &msg) ==
			CPNP_ERR_TOO_LONG,
		    "%s", name);
		if (limits[i].min > 0)
			ck_assert_msg(decode_n(i, limits[i].min - 1, &msg) ==
				CPNP_ERR_RANGE,
			    "%s", name);
	}
}
END_TEST

/* The same limits hold what is sent. */
static int
encode_changed(int method, uint64_t extra, void (*change)(cpnp_msg *msg),
    cpnp_edition edition)
{
	cpnp_msg msg = message_of(edition, method,
	    attrs_of(edition, method, CPNP_MANDATORY) | extra);
	cpnp_diag diag = {0};
	cpnp_buf buf;
	int err;

	change(&msg);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = cpnp_msg_encode(&msg, &buf, &diag);
	ck_assert_int_eq(diag.err, err);
	ck_assert(err == 0 || buf.len == 0);
	return err;
}

#define CHANGE(name, statement)                                                \
	static void change_##name(cpnp_msg *msg)                               \
	{                                                                      \
		statement;                                                     \
	}
static const uint8_t zeros[8192];
CHANGE(transaction_id, msg->transaction_id.len = 7)
CHANGE(transaction_id_max,
    msg->transaction_id = ((cpnp_bytes){zeros, CPNP_TRANSACTION_ID_MAX + 1}))
CHANGE(order_id, msg->customer_order_id = LIT("a b"))
CHANGE(order_id_empty, msg->customer_order_id = CPNP_BYTES_NONE)
CHANGE(nonce, msg->nonce.len = CPNP_NONCE_MIN - 1)
CHANGE(date, msg->validity_offer_time.sec = CPNP_WTIME_MAX + 1)
CHANGE(service, msg->service_description = LIT("\x82\x00"))
CHANGE(service_raw, msg->service_description = LIT("\x82\x00\x18\x00"))
CHANGE(service_more, msg->service_description = LIT("\x82\x00\x80\x00"))
CHANGE(service_none, msg->service_description = CPNP_BYTES_NONE)
CHANGE(subcode, msg->processing_subcode = CPNP_SUBCODE_NONE)
CHANGE(reasons_none, msg->reasons_n = 0)
CHANGE(reasons_max, msg->reasons_n = CPNP_REASONS_MAX + 1)
CHANGE(reason, msg->reasons[0] = (cpnp_reason)4)
CHANGE(status, msg->status = CPNP_STATUS_NONE)
CHANGE(status_max, msg->status = (cpnp_status)9)
CHANGE(activation_type, msg->activation_type = (cpnp_activation_type)3)
CHANGE(schedule,
    msg->activation_schedule.end = msg->activation_schedule.start)
CHANGE(name_max,
    msg->customer_description.name = ((cpnp_bytes){zeros, CPNP_TEXT_MAX + 1}))
CHANGE(name_utf8, msg->customer_description.name = LIT("\xff"))
CHANGE(telephones, msg->customer_description.telephone_n = 9)
CHANGE(telephone, msg->customer_description.telephone[0].len = 0)
CHANGE(as_number, msg->customer_description.has_as_number = true)
CHANGE(email, msg->customer_description.email.len = 0)
CHANGE(amount, msg->options.cost.amount = -1)
CHANGE(code, msg->options.cost.code = LIT("eur"))
CHANGE(exponent, msg->options.cost.exponent = CPNP_TOKEN_EXPONENT_MAX + 1)
CHANGE(purpose, msg->options.purpose = (cpnp_purpose)3)
CHANGE(cookie, msg->cookie = ((cpnp_bytes){zeros, CPNP_COOKIE_MAX + 1}))
CHANGE(explanations, msg->explanations_n = CPNP_EXPLANATIONS_MAX + 1)
CHANGE(explanations_none, msg->explanations_n = 0)
CHANGE(statement,
    msg->statement = ((cpnp_bytes){zeros, CPNP_STATEMENT_MAX + 1}))
CHANGE(receipt, msg->receipt = ((cpnp_bytes){zeros, CPNP_RECEIPT_MAX + 1}))
CHANGE(terms, msg->settlement_terms = LIT("\x18\x01"))
CHANGE(terms_none, msg->settlement_terms = CPNP_BYTES_NONE)
CHANGE(terms_max,
    msg->settlement_terms = ((cpnp_bytes){zeros, CPNP_EXTENSION_MAX + 1}))
CHANGE(marks_none, msg->path_marks_n = 0)
CHANGE(marks_max, msg->path_marks_n = CPNP_PATH_MARKS_MAX + 1)
CHANGE(mark, msg->path_marks[0] = ((cpnp_bytes){zeros, 33}))
CHANGE(nothing, (void)msg)

#define OPTION(name) CPNP_ATTR_BIT(CPNP_ATTR_##name)
static const struct {
	int method;
	uint32_t extra;
	void (*change)(cpnp_msg *msg);
	int err;
	int err_d02;
} changes[] = {
    {3, 0, change_transaction_id, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, 0, change_transaction_id_max, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, 0, change_order_id, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, 0, change_order_id_empty, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, 0, change_nonce, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, 0, change_date, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, 0, change_service, CPNP_ERR_INVALID, CPNP_ERR_INVALID},
    {3, 0, change_service_raw, CPNP_ERR_INVALID, CPNP_ERR_INVALID},
    {3, 0, change_service_more, CPNP_ERR_INVALID, CPNP_ERR_INVALID},
    {3, 0, change_service_none, CPNP_ERR_INVALID, CPNP_ERR_INVALID},
    {2, OPTION(PROCESSING_SUBCODE), change_subcode, CPNP_ERR_RANGE,
	CPNP_ERR_ATTR_UNEXPECTED},
    {5, OPTION(REASON), change_reasons_none, CPNP_ERR_RANGE,
	CPNP_ERR_ATTR_UNEXPECTED},
    {5, OPTION(REASON), change_reasons_max, CPNP_ERR_RANGE,
	CPNP_ERR_ATTR_UNEXPECTED},
    {5, OPTION(REASON), change_reason, CPNP_ERR_RANGE,
	CPNP_ERR_ATTR_UNEXPECTED},
    {10, 0, change_status, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {10, 0, change_status_max, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, OPTION(ACTIVATION_TYPE), change_activation_type, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(ACTIVATION_SCHEDULE), change_schedule, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(CUSTOMER_DESCRIPTION), change_name_max, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(CUSTOMER_DESCRIPTION), change_name_utf8, CPNP_ERR_INVALID,
	CPNP_ERR_INVALID},
    {3, OPTION(CUSTOMER_DESCRIPTION), change_telephones, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(CUSTOMER_DESCRIPTION), change_telephone, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(CUSTOMER_DESCRIPTION), change_as_number,
	CPNP_ERR_ATTR_UNEXPECTED, CPNP_ERR_ATTR_UNEXPECTED},
    {3, OPTION(CUSTOMER_DESCRIPTION), change_email, 0,
	CPNP_ERR_ATTR_MISSING},
    {3, OPTION(NEGOTIATION_OPTIONS), change_amount, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(NEGOTIATION_OPTIONS), change_code, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(NEGOTIATION_OPTIONS), change_exponent, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(NEGOTIATION_OPTIONS), change_purpose, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(COOKIE), change_cookie, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, OPTION(EXPLANATION), change_explanations, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(EXPLANATION), change_explanations_none, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(STATEMENT), change_statement, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, OPTION(RECEIPT), change_receipt, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, OPTION(SETTLEMENT_TERMS), change_terms, CPNP_ERR_INVALID,
	CPNP_ERR_INVALID},
    {3, OPTION(SETTLEMENT_TERMS), change_terms_none, CPNP_ERR_INVALID,
	CPNP_ERR_INVALID},
    {3, OPTION(SETTLEMENT_TERMS), change_terms_max, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(PATH_MARKS), change_marks_none, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(PATH_MARKS), change_marks_max, CPNP_ERR_RANGE,
	CPNP_ERR_RANGE},
    {3, OPTION(PATH_MARKS), change_mark, CPNP_ERR_RANGE, CPNP_ERR_RANGE},
    {3, 0, change_nothing, 0, 0},
};

START_TEST(test_attr_encode_refuses_what_decode_would)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		for (int e = 0; e < 2; e++) {
			int err = encode_changed(changes[i].method,
			    changes[i].extra, changes[i].change,
			    (cpnp_edition)e);

			ck_assert_msg(err ==
				(e == 1 ? changes[i].err : changes[i].err_d02),
			    "change %zu in %s: %s", i,
			    cpnp_edition_name((cpnp_edition)e),
			    cpnp_error_name(err));
		}
	}
}
END_TEST

/* Maps within attributes, filled up with keys that are to be ignored. */
START_TEST(test_attr_maps_have_at_most_64_entries)
{
	static const struct {
		int attr;
		cpnp_bytes before;
	} maps[] = {
	    {CPNP_ATTR_CUSTOMER_DESCRIPTION, {NULL, 0}},
	    {CPNP_ATTR_PROVIDER_DESCRIPTION, {NULL, 0}},
	    {CPNP_ATTR_NEGOTIATION_OPTIONS, {NULL, 0}},
	    {CPNP_ATTR_EXPLANATION, {(const uint8_t *)"\x81", 1}},
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		for (size_t extra = 0; extra < 2; extra++) {
			size_t n = CPNP_ATTRS_MAX + extra;
			cpnp_msg msg;
			cpnp_buf item;

			cpnp_buf_init_fixed(
			    &item, item_store, sizeof(item_store));
			cpnp_buf_put_raw(&item, maps[i].before);
			cpnp_cbor_put_map(&item, n);
			for (size_t k = 0; k < n; k++) {
				cpnp_cbor_put_int(&item, -1 - (int64_t)k);
				cpnp_cbor_put_null(&item);
			}
			ck_assert_int_eq(
			    decode_value(CPNP_EDITION_RFC8921, maps[i].attr,
				cpnp_buf_bytes(&item), &msg, NULL),
			    extra == 0 ? 0 : CPNP_ERR_TOO_LONG);
		}
	}
}
END_TEST

/* contradictions, 7: RFC 8921, Table 4, and draft-02, 9.2.10 */
START_TEST(test_attr_status_7_is_mapped_for_each_edition)
{
	static const struct {
		cpnp_status status;
		uint8_t rfc;
		uint8_t d02;
		cpnp_status back; /* from draft-02 */
	} map[] = {
	    {CPNP_STATUS_MESSAGE_VALIDATION, 1, 1,
		CPNP_STATUS_MESSAGE_VALIDATION},
	    {CPNP_STATUS_AUTHENTICATION_REQUIRED, 2, 2,
		CPNP_STATUS_AUTHENTICATION_REQUIRED},
	    {CPNP_STATUS_AUTHORIZATION_FAILED, 3, 3,
		CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED},
	    {CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED, 4, 3,
		CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED},
	    {CPNP_STATUS_OUT_OF_RESOURCES, 5, 4,
		CPNP_STATUS_OUT_OF_RESOURCES},
	    {CPNP_STATUS_NETWORK_PRESENCE, 6, 5,
		CPNP_STATUS_NETWORK_PRESENCE},
	    {CPNP_STATUS_MORE_TIME_REJECTED, 7, 1,
		CPNP_STATUS_MESSAGE_VALIDATION},
	    {CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE, 8, 1,
		CPNP_STATUS_MESSAGE_VALIDATION},
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		for (int e = 0; e < 2; e++) {
			cpnp_msg msg = message_of((cpnp_edition)e, 10,
			    attrs_of((cpnp_edition)e, 10, CPNP_MANDATORY));
			cpnp_msg back;
			cpnp_buf buf;

			msg.status = map[i].status;
			cpnp_buf_init_fixed(&buf, store, sizeof(store));
			ck_assert_int_eq(
			    cpnp_msg_encode(&msg, &buf, NULL), 0);
			ck_assert_uint_eq(store[buf.len - 1],
			    e == 1 ? map[i].rfc : map[i].d02);
			ck_assert_int_eq(cpnp_msg_decode(&back,
			    cpnp_buf_bytes(&buf), NULL), 0);
			ck_assert_int_eq(back.status,
			    e == 1 ? map[i].status : map[i].back);
		}
	}
}
END_TEST

static const struct {
	const char *hex; /* key and value behind 1 and 12 of a FAIL */
	int err;
} unknown[] = {
    {"17 00", CPNP_ERR_ATTR_UNKNOWN},
    {"1a00010000 00", CPNP_ERR_ATTR_UNKNOWN},
    {"1b7fffffffffffffff 00", CPNP_ERR_ATTR_UNKNOWN},
    {"1b8000000000000000 00", CPNP_ERR_RANGE},
    {"2a 00", 0},
    {"2a a10081d81800", 0},
    {"2a 1800", CPNP_ERR_NOT_DETERMINISTIC},
    {"2a a2010000 00", CPNP_ERR_DUPLICATE},
    {"2a f7", CPNP_ERR_TYPE},
    {"2a 61ff", CPNP_ERR_UTF8},
    {"3a0000ffff 00", CPNP_ERR_NOT_DETERMINISTIC},
    {"3a00010000 00", 0},
    {"3b7ffffffffffffffe 00", 0},
    {"3b7fffffffffffffff 00", CPNP_ERR_RANGE},
    {"61 61 00", CPNP_ERR_TYPE},
    {"0c 01", CPNP_ERR_DUPLICATE},
};

START_TEST(test_attr_unknown_is_refused_or_ignored_by_its_sign)
{
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		cpnp_msg msg;
		char hex[128];
		int err;

		(void)snprintf(hex, sizeof(hex), "83010aa3 0105 0c01 %s",
		    unknown[i].hex);
		err = cpnp_msg_decode(&msg, unit_hex(hex, store), NULL);
		ck_assert_msg(err == unknown[i].err, "%s: %s", hex,
		    cpnp_error_name(err));
		ck_assert(cpnp_msg_has(&msg, CPNP_ATTR_STATUS_CODE));
	}
}
END_TEST

START_TEST(test_order_id_is_printable_ascii)
{
	static const uint8_t long_id[CPNP_ORDER_ID_MAX + 1];
	uint8_t id[CPNP_ORDER_ID_MAX + 1];

	memset(id, '~', sizeof(id));
	ck_assert(cpnp_order_id_is_valid((cpnp_bytes){id, CPNP_ORDER_ID_MAX}));
	ck_assert(!cpnp_order_id_is_valid((cpnp_bytes){id, sizeof(id)}));
	ck_assert(!cpnp_order_id_is_valid((cpnp_bytes){long_id, 1}));
	ck_assert(!cpnp_order_id_is_valid(CPNP_BYTES_NONE));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_attr_values,
	    test_attr_limits_are_inclusive,
	    test_attr_encode_refuses_what_decode_would,
	    test_attr_maps_have_at_most_64_entries,
	    test_attr_status_7_is_mapped_for_each_edition,
	    test_attr_unknown_is_refused_or_ignored_by_its_sign,
	    test_order_id_is_printable_ascii,
	};

	return unit_run("attr", tests, sizeof(tests) / sizeof(tests[0]));
}
