/*
 * Operations as bytes: the grammar in both directions, limits, what is not an
 * operation; the schema says the same.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/settlement.h>

#include "../../ledger-bridge/journal/internal.h"
#include "unit.h"

static const uint8_t hashes[CPNP_SET_MEMBERS_MAX * CPNP_SHA256_LEN] = {1};
static const cpnp_bytes hash = {hashes, CPNP_SHA256_LEN};
static uint8_t store[CPNP_OP_MAX + 1024];

/* An operation in which every field has a value; has says which stand. */
static cpnp_op
full(unsigned type, uint64_t has)
{
	cpnp_op op = {
	    .type = type,
	    .account = CPNP_BYTES_LIT("who"),
	    .idem = CPNP_BYTES_LIT("key"),
	    .expiry = 100,
	    .has = has,
	    .peer = CPNP_BYTES_LIT("peer"),
	    .issuer = CPNP_BYTES_LIT("issuer"),
	    .code = CPNP_BYTES_LIT("EUR"),
	    .amount = INT64_MAX,
	    .order = hash, .set = hash, .subject = hash, .replaces = hash,
	    .duration = 1,
	    .sla = hash,
	    .publisher = CPNP_BYTES_LIT("publisher"),
	    .offer = CPNP_BYTES_LIT("offer"),
	    .key = CPNP_BYTES_LIT("spki"),
	    .key_id = hash,
	    .recovery = CPNP_BYTES_LIT("spki"),
	    .salt = CPNP_BYTES_LIT("0123456789abcdef"),
	    .terms = CPNP_BYTES_LIT("terms"),
	    .members = {hashes, 2 * CPNP_SHA256_LEN},
	    .upper = hash, .chain = hash,
	    .count = 1,
	    .kind = 1,
	    .ingress = CPNP_BYTES_LIT("in"),
	    .egress = CPNP_BYTES_LIT("out"),
	    .document = hash,
	    .origin = CPNP_BYTES_LIT("origin"),
	    .size = 1,
	    .root = hash,
	    .version = 1,
	    .settings = CPNP_BYTES_LIT("settings")};

	if (type == CPNP_OP_TICK || type == CPNP_OP_HEARTBEAT ||
	    type == CPNP_OP_ANCHOR || type == CPNP_OP_VOUCHER) {
		op.idem = CPNP_BYTES_NONE;
		op.expiry = 0;
	}
	return op;
}

static cpnp_bytes
encode(const cpnp_op *op, int expected)
{
	cpnp_buf buf;
	cpnp_diag diag = {0};

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_msg(cpnp_op_encode(op, &buf, &diag) == expected,
	    "%s: %s: %s", cpnp_op_name(op->type), diag.where, diag.why);
	return cpnp_buf_bytes(&buf);
}

static const unsigned types[] = {
#define TYPE(name, number, text) number,
    CPNP_OP_MAP(TYPE)
#undef TYPE
};
#define TYPES_N (sizeof(types) / sizeof(types[0]))

START_TEST(test_all_operations_round_trip)
{
	uint8_t again[sizeof(store)];
	uint64_t mandatory, optional;
	cpnp_bytes bytes, back;
	cpnp_buf buf;
	cpnp_op op;
	size_t i, n;

	for (i = 0; i < TYPES_N; i++) {
		ck_assert_int_eq(cpnp_op_grammar(
		    types[i], &mandatory, &optional), 0);
		ck_assert_uint_eq(mandatory & optional, 0);
		for (n = 0; n < 2; n++) {
			op = full(types[i],
			    n == 0 ? mandatory : mandatory | optional);
			bytes = encode(&op, 0);
			ck_assert_int_eq(cpnp_cbor_check(bytes), 0);
			ck_assert_int_eq(
			    cpnp_op_decode(&op, bytes, NULL), 0);
			cpnp_buf_init_fixed(&buf, again, sizeof(again));
			ck_assert_int_eq(cpnp_op_encode(&op, &buf, NULL), 0);
			back = cpnp_buf_bytes(&buf);
			ck_assert(cpnp_bytes_equal(bytes, back));
		}
		ck_assert_uint_eq(
		    cpnp_op_by_name(cpnp_op_name(types[i])), types[i]);
	}
	ck_assert_uint_eq(cpnp_op_by_name("nothing"), 0);
	ck_assert_str_eq(cpnp_op_name(99), "?");
	ck_assert_int_eq(
	    cpnp_op_grammar(99, &mandatory, &optional), CPNP_ERR_METHOD);
}
END_TEST

START_TEST(test_each_field_has_its_place)
{
	uint64_t mandatory, optional, bit;
	cpnp_op op;
	size_t i;
	int f;

	for (i = 0; i < TYPES_N; i++) {
		(void)cpnp_op_grammar(types[i], &mandatory, &optional);
		for (f = 0; f < 64; f++) {
			bit = (uint64_t)1 << f;
			op = full(types[i], mandatory ^ bit);
			if ((mandatory & bit) != 0)
				(void)encode(&op, CPNP_ERR_ATTR_MISSING);
			else if ((optional & bit) == 0)
				(void)encode(&op, CPNP_ERR_ATTR_UNEXPECTED);
		}
	}
	/* those that come together or not at all */
	(void)cpnp_op_grammar(CPNP_OP_AUTHORIZE, &mandatory, &optional);
	op = full(CPNP_OP_AUTHORIZE, mandatory | CPNP_OP_FIELD_BIT(OFFER));
	(void)encode(&op, CPNP_ERR_ATTR_MISSING);
}
END_TEST

START_TEST(test_truncated_and_changed_bytes)
{
	uint8_t copy[sizeof(store)];
	uint64_t mandatory, optional;
	cpnp_bytes bytes;
	cpnp_op op, back;
	size_t i;

	(void)cpnp_op_grammar(CPNP_OP_AUTHORIZE, &mandatory, &optional);
	op = full(CPNP_OP_AUTHORIZE, mandatory | optional);
	bytes = encode(&op, 0);
	for (i = 0; i < bytes.len; i++)
		ck_assert_int_ne(cpnp_op_decode(
		    &back, (cpnp_bytes){bytes.ptr, i}, NULL), 0);
	memcpy(copy, bytes.ptr, bytes.len);
	copy[bytes.len] = 0;
	ck_assert_int_eq(cpnp_op_decode(&back,
	    (cpnp_bytes){copy, bytes.len + 1}, NULL), CPNP_ERR_TRAILING);
	copy[2] ^= 1; /* the context string */
	ck_assert_int_eq(cpnp_op_decode(
	    &back, (cpnp_bytes){copy, bytes.len}, NULL), CPNP_ERR_TYPE);
	ck_assert_int_eq(cpnp_op_decode(&back,
	    (cpnp_bytes){copy, CPNP_OP_MAX + 1}, NULL), CPNP_ERR_TOO_LONG);
}
END_TEST

static void
out_of_range(unsigned type, const cpnp_op *op)
{
	(void)type;
	(void)encode(op, CPNP_ERR_RANGE);
}

#define BAD(type, member, ...)                                                 \
	do {                                                                   \
		uint64_t must_, may_;                                          \
		cpnp_op op_;                                                   \
		(void)cpnp_op_grammar(type, &must_, &may_);                    \
		op_ = full(type, must_ | may_);                                \
		op_.member = __VA_ARGS__;                                      \
		out_of_range(type, &op_);                                      \
	} while (0)

START_TEST(test_limits)
{
	static const uint8_t many[4096] = {'A'};

	BAD(CPNP_OP_TRANSFER, account, CPNP_BYTES_LIT("with space"));
	BAD(CPNP_OP_TRANSFER, account, (cpnp_bytes){many, 0});
	BAD(CPNP_OP_TRANSFER, peer,
	    (cpnp_bytes){many, CPNP_ACCOUNT_MAX + 1});
	BAD(CPNP_OP_TRANSFER, idem, (cpnp_bytes){many, 0});
	BAD(CPNP_OP_TRANSFER, idem, (cpnp_bytes){many, CPNP_OP_KEY_MAX + 1});
	BAD(CPNP_OP_TICK, idem, CPNP_BYTES_LIT("x"));
	BAD(CPNP_OP_TICK, expiry, 1);
	BAD(CPNP_OP_TRANSFER, expiry, -1);
	BAD(CPNP_OP_TRANSFER, expiry, CPNP_WTIME_MAX + 1);
	BAD(CPNP_OP_TRANSFER, amount, -1);
	BAD(CPNP_OP_TRANSFER, code, CPNP_BYTES_LIT("eur"));
	BAD(CPNP_OP_TRANSFER, code, CPNP_BYTES_LIT("ABCDEFGHIJKLM"));
	BAD(CPNP_OP_TRANSFER, document, (cpnp_bytes){many, 31});
	BAD(CPNP_OP_TOKEN, exponent, CPNP_TOKEN_EXPONENT_MAX + 1);
	BAD(CPNP_OP_AUTHORIZE, until, CPNP_WTIME_MAX + 1);
	BAD(CPNP_OP_AUTHORIZE, duration, 0);
	BAD(CPNP_OP_AUTHORIZE, duration, CPNP_SERVICE_SECONDS_MAX + 1);
	BAD(CPNP_OP_AUTHORIZE, claim_seconds, CPNP_CLAIM_SECONDS_MAX + 1);
	BAD(CPNP_OP_AUTHORIZE, offer,
	    (cpnp_bytes){many, CPNP_OFFER_ID_MAX + 1});
	BAD(CPNP_OP_ROLES, roles, CPNP_ROLES_ALL + 1);
	BAD(CPNP_OP_ROLES, salt, (cpnp_bytes){many, 15});
	BAD(CPNP_OP_STATUS, status, CPNP_ACCOUNT_CLOSED);
	BAD(CPNP_OP_KEY_ADD, key, (cpnp_bytes){many, CPNP_SPKI_MAX + 1});
	BAD(CPNP_OP_COMMIT_SET, members, (cpnp_bytes){hashes, 63});
	BAD(CPNP_OP_COMMIT_SET, members, (cpnp_bytes){hashes, 32});
	BAD(CPNP_OP_COMMIT_SET, members,
	    (cpnp_bytes){many, (CPNP_SET_MEMBERS_MAX + 1) * 32});
	BAD(CPNP_OP_CLAIM, terms, (cpnp_bytes){many, CPNP_SLA_TERMS_MAX + 1});
	BAD(CPNP_OP_CLAIM, metric, CPNP_SLA_METRICS_MAX);
	BAD(CPNP_OP_REDEEM, count, 0);
	BAD(CPNP_OP_PUBLISH, kind, 3);
	BAD(CPNP_OP_PUBLISH, ingress,
	    (cpnp_bytes){many, CPNP_PLACE_MAX + 1});
	BAD(CPNP_OP_PUBLISH, ingress, CPNP_BYTES_LIT("a\nb"));
	BAD(CPNP_OP_PUBLISH, ingress, CPNP_BYTES_LIT("\xff"));
	BAD(CPNP_OP_ANCHOR, size, 0);
	BAD(CPNP_OP_RULES, version, 0);
}
END_TEST

/* An operation in hexadecimal, written by hand from the schema. */
START_TEST(test_golden_transfer)
{
	uint8_t golden[256];
	cpnp_op op;

	ck_assert_int_eq(cpnp_op_decode(&op, unit_hex(
	    "87 67 43504e502d6f70"
	    "5820 00112233445566778899aabbccddeeff"
	    "     00112233445566778899aabbccddeeff"
	    "1820 64 63757374 4101 1a6b008500"
	    "a4 01 6470726f76 02 6462616e6b 03 63455552 04 1903e8",
	    golden), NULL), 0);
	ck_assert_uint_eq(op.type, CPNP_OP_TRANSFER);
	ck_assert_int_eq(op.amount, 1000);
	ck_assert_int_eq(op.expiry, 0x6b008500);
	ck_assert(cpnp_bytes_equal(op.account, CPNP_BYTES_LIT("cust")));
	ck_assert(cpnp_bytes_equal(op.peer, CPNP_BYTES_LIT("prov")));
}
END_TEST

/* The schema has a rule for each field and each operation. */
START_TEST(test_schema_names_all)
{
	static const unsigned numbers[] = {
#define NUMBER(name, number, kind, member, text) number,
	    CPNP_OP_FIELD_MAP(NUMBER)
#undef NUMBER
	};
	char line[64], *text = unit_slurp("schemas/settlement.cddl");
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)snprintf(line, sizeof(line), "%u => ", numbers[i]);
		ck_assert_msg(strstr(text, line) != NULL, "field %u",
		    numbers[i]);
	}
	for (i = 0; i < TYPES_N; i++) {
		(void)snprintf(line, sizeof(line), "op<%u, {", types[i]);
		ck_assert_msg(strstr(text, line) != NULL, "%s",
		    cpnp_op_name(types[i]));
	}
	free(text);
}
END_TEST

/* The page has every operation and every code, with its number. */
START_TEST(test_page_names_all)
{
	static const unsigned codes[] = {
#define CODE(name, number, text) number,
	    CPNP_OUTCOME_MAP(CODE)
#undef CODE
	};
	char line[64], *text = unit_slurp("man/cpnp-settlement.7");
	size_t i;

	for (i = 0; i < TYPES_N; i++) {
		(void)snprintf(line, sizeof(line), ".It Sy %s No %u",
		    cpnp_op_name(types[i]), types[i]);
		ck_assert_msg(strstr(text, line) != NULL, "%s", line);
	}
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		(void)snprintf(line, sizeof(line), ".It %s %u\n",
		    cpnp_outcome_name(codes[i]), codes[i]);
		ck_assert_msg(strstr(text, line) != NULL, "%s", line);
	}
	free(text);
}
END_TEST

START_TEST(test_names_of_numbers)
{
	ck_assert_str_eq(cpnp_outcome_name(CPNP_OUTCOME_FUNDS), "FUNDS");
	ck_assert_str_eq(cpnp_outcome_name(255), "?");
	ck_assert_ptr_nonnull(strstr(
	    cpnp_outcome_text(CPNP_OUTCOME_FUNDS), "not enough"));
	ck_assert_ptr_nonnull(cpnp_outcome_text(255));
	ck_assert_str_eq(
	    cpnp_fact_name(CPNP_FACT_SETTLED), "escrow settled");
	ck_assert_str_eq(cpnp_fact_name(CPNP_OP_MINT), "mint");
	ck_assert_str_eq(
	    cpnp_escrow_state_name(CPNP_ESCROW_POSTED), "posted");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_all_operations_round_trip,
	    test_each_field_has_its_place, test_truncated_and_changed_bytes,
	    test_limits, test_golden_transfer, test_schema_names_all,
	    test_page_names_all, test_names_of_numbers};

	return unit_run("settlement operations", tests,
	    sizeof(tests) / sizeof(tests[0]));
}
