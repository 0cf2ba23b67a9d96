/*
 * The CPD on the wire (C27): every field of the table in and out of bounds,
 * damaged input, memory, and what offers are compared by.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cpd_unit.h"

#define CLAUSE_OF(cpd) ((cpd)->components[0].profiles[0])

/* An order for two sites with a range in it, and its encoding. */
static const char golden_hex[] =
    "8200 a1 02 81 a1 02 81 a3"
    "01 82 a2 01 65 7061726973 03 65 5061726973"
    "      a2 01 64 6c796f6e 04 82 1a 02b939b0 1a 0049ccc8"
    "04 a2 01 1a 000f41dc 02 01"
    "05 81 a3 01 01 04 1a 05f5e100"
    "         05 83 1a 04c4b400 1a 05f5e100 1a 05f5e100";

#define TEXT(s) {(const uint8_t *)(s), sizeof(s) - 1}

static cpnp_cpd_node golden_nodes[] = {
    {.id = TEXT("paris"), .place = TEXT("Paris")},
    {.id = TEXT("lyon"), .coordinates = {true, 45693360, 4836552}},
};
static cpnp_cpd_availability golden_availability = {
    .value = {CPNP_CPD_SINGLE, 999900, 999900, 999900},
    .statistic = CPNP_CPD_MEAN,
};
static cpnp_cpd_capacity golden_capacity[] = {{
    .node = 1,
    .in = {CPNP_CPD_SINGLE, 100000000, 100000000, 100000000},
    .out = {CPNP_CPD_RANGE, 80000000, 100000000, 100000000},
}};
static cpnp_cpd_profile golden_profile = {
    .nodes = golden_nodes,
    .nodes_n = 2,
    .availability = &golden_availability,
    .capacity = golden_capacity,
    .capacity_n = 1,
};
static cpnp_cpd_component golden_component = {
    .profiles = &golden_profile, .profiles_n = 1};
static const cpnp_cpd golden = {
    .components = &golden_component, .components_n = 1};

static cpnp_bytes
golden_bytes(void)
{
	static uint8_t store[256];

	return unit_hex(golden_hex, store);
}

static void
decode_golden(cpnp_cpd *cpd, const cpnp_mem *mem)
{
	cpnp_diag diag;

	ck_assert_int_eq(cpnp_cpd_decode(cpd, golden_bytes(), mem, &diag), 0);
}

/* Decode, and when that works require the same bytes back. */
static int
decode_and_encode(cpnp_bytes bytes, cpnp_diag *diag)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd cpd;
	cpnp_buf buf;
	int err = cpnp_cpd_decode(&cpd, bytes, &mem, diag);

	ck_assert_uint_le(counter.total, bytes.len * CPNP_CPD_ALLOC_FACTOR);
	if (err == 0) {
		cpnp_buf_init(&buf, &mem, CPNP_CPD_MAX);
		ck_assert_int_eq(cpnp_cpd_encode(&cpd, &buf), 0);
		unit_assert_bytes(cpnp_buf_bytes(&buf), bytes);
		cpnp_buf_fini(&buf);
		cpnp_cpd_fini(&cpd);
	}
	ck_assert_uint_eq(counter.live, 0);
	return err;
}

static int
decode_plan(const struct plan *plan, cpnp_diag *diag)
{
	static uint8_t store[2 * CPNP_CPD_MAX];
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	plan_put(&buf, plan);
	return decode_and_encode(cpnp_buf_bytes(&buf), diag);
}

START_TEST(test_cpd_golden)
{
	uint8_t store[256];
	cpnp_buf buf;
	cpnp_diag diag;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_cpd_encode(&golden, &buf), 0);
	unit_assert_bytes(cpnp_buf_bytes(&buf), golden_bytes());
	ck_assert_int_eq(decode_and_encode(golden_bytes(), &diag), 0);
}
END_TEST

START_TEST(test_cpd_decoded_fields)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd cpd;
	const cpnp_cpd_profile *p;

	decode_golden(&cpd, &mem);
	p = &CLAUSE_OF(&cpd);
	ck_assert_uint_eq(p->nodes_n, 2);
	unit_assert_bytes(p->nodes[0].place, CPNP_BYTES_LIT("Paris"));
	ck_assert_int_eq(p->nodes[1].coordinates.latitude, 45693360);
	ck_assert_uint_eq(p->availability->value.lo, 999900);
	ck_assert_ptr_null(p->qos);
	ck_assert_uint_eq(p->capacity[0].node, 1);
	ck_assert_int_eq(p->capacity[0].in.kind, CPNP_CPD_SINGLE);
	ck_assert_int_eq(p->capacity[0].out.kind, CPNP_CPD_RANGE);
	ck_assert_uint_eq(p->capacity[0].out.lo, 80000000);
	ck_assert_uint_eq(p->capacity[0].out.preferred, 100000000);
	cpnp_cpd_fini(&cpd);
	ck_assert_uint_eq(counter.live, 0);
}
END_TEST

START_TEST(test_cpd_empty)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd cpd;
	uint64_t type = 1;

	ck_assert(cpnp_cpd_is_empty(CPNP_CPD_EMPTY));
	ck_assert(!cpnp_cpd_is_empty(golden_bytes()));
	ck_assert_int_eq(
	    cpnp_cpd_decode(&cpd, CPNP_CPD_EMPTY, &mem, NULL), 0);
	ck_assert_uint_eq(cpd.components_n, 0);
	cpnp_cpd_fini(&cpd);
	ck_assert_int_eq(decode_and_encode(CPNP_CPD_EMPTY, NULL), 0);
	ck_assert_int_eq(cpnp_service_type(CPNP_CPD_EMPTY, &type), 0);
	ck_assert_uint_eq(type, CPNP_SERVICE_CPD);
	/* More than nothing, and no component */
	ck_assert_int_eq(
	    decode_and_encode(CPNP_BYTES_LIT("\x82\x00\xa1\x01\x61x"), NULL),
	    CPNP_ERR_ATTR_MISSING);
	/* Nothing has one form. */
	ck_assert_int_eq(
	    decode_and_encode(CPNP_BYTES_LIT("\x82\x00\xa0"), NULL),
	    CPNP_ERR_RANGE);
	ck_assert_int_eq(
	    decode_and_encode(CPNP_BYTES_LIT("\x82\x00\x81\x00"), NULL),
	    CPNP_ERR_TOO_LONG);
}
END_TEST

START_TEST(test_cpd_other_service)
{
	cpnp_bytes other = CPNP_BYTES_LIT("\x82\x1a\x00\x01\x00\x00\x41\xff");
	uint64_t type;

	ck_assert_int_eq(cpnp_service_type(other, &type), 0);
	ck_assert_uint_eq(type, CPNP_SERVICE_PRIVATE_MIN);
	ck_assert_int_eq(
	    decode_and_encode(other, NULL), CPNP_ERR_SERVICE_TYPE);
	ck_assert_int_eq(cpnp_service_type(CPNP_BYTES_LIT("\x81\x00"), &type),
	    CPNP_ERR_RANGE);
}
END_TEST

START_TEST(test_cpd_truncated)
{
	cpnp_bytes bytes = golden_bytes();

	for (bytes.len--; bytes.len > 0; bytes.len--) {
		cpnp_diag diag;

		ck_assert_int_eq(
		    decode_and_encode(bytes, &diag), CPNP_ERR_TRUNCATED);
		ck_assert_uint_gt(strlen(diag.why), 0);
	}
}
END_TEST

/* What a changed byte leaves valid is encoded to the same bytes again. */
START_TEST(test_cpd_mutated)
{
	cpnp_bytes bytes = golden_bytes();
	uint8_t copy[256];
	size_t valid = 0;

	for (size_t i = 0; i < bytes.len; i++)
		for (unsigned value = 0; value < 256; value++) {
			cpnp_diag diag;

			memcpy(copy, bytes.ptr, bytes.len);
			copy[i] = (uint8_t)value;
			if (decode_and_encode(
				(cpnp_bytes){copy, bytes.len}, &diag) == 0)
				valid++;
			else
				ck_assert_uint_gt(strlen(diag.why), 0);
		}
	ck_assert_uint_gt(valid, bytes.len);
}
END_TEST

START_TEST(test_cpd_trailing)
{
	uint8_t copy[256];
	cpnp_bytes bytes = golden_bytes();

	memcpy(copy, bytes.ptr, bytes.len);
	copy[bytes.len] = 0;
	ck_assert_int_eq(
	    decode_and_encode((cpnp_bytes){copy, bytes.len + 1}, NULL),
	    CPNP_ERR_TRAILING);
}
END_TEST

/* Keys ascend, and no field, bound or name is missing. */
static void
check_table(const struct cpd_type *type)
{
	ck_assert_uint_gt(type->fields_n, 0);
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];

		ck_assert_uint_gt(strlen(field->name), 0);
		ck_assert_uint_lt(field->offset, type->size);
		if (i > 0)
			ck_assert_uint_gt(field->key, field[-1].key);
		if (field->kind == CPD_LIST || field->kind == CPD_ITEMS)
			ck_assert_uint_gt(field->max, 1);
	}
}

START_TEST(test_cpd_table)
{
	plan_each_type(&cpd_type_document, check_table);
	/* Clause 3.n of RFC 7297 has key n. */
	for (size_t i = 1; i <= 13; i++)
		ck_assert_uint_eq(cpd_type_profile.fields[i].key, i);
}
END_TEST

/* A list of its limit is read, one more member is not. */
static void
check_lists(const struct cpd_type *type)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		struct plan plan = {.type = type, .field = &type->fields[i]};
		cpnp_diag diag;
		int err;

		if (plan.field->kind != CPD_LIST &&
		    plan.field->kind != CPD_ITEMS)
			continue;
		plan.n = plan.field->max;
		err = decode_plan(&plan, &diag);
		ck_assert_msg(err == 0 || err == CPNP_ERR_CLAUSE,
		    "%s %s: %s at %s: %s", type->name, plan.field->name,
		    cpnp_error_name(err), diag.where, diag.why);
		plan.n++;
		ck_assert_int_eq(decode_plan(&plan, &diag), CPNP_ERR_TOO_LONG);
		plan.n = 0;
		ck_assert_int_lt(decode_plan(&plan, &diag), 0);
	}
}

START_TEST(test_cpd_list_limits)
{
	plan_each_type(&cpd_type_document, check_lists);
}
END_TEST

static int
decode_uint(struct plan *plan, uint64_t value)
{
	uint8_t store[16];
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_cbor_put_uint(&buf, value);
	plan->value = cpnp_buf_bytes(&buf);
	return decode_plan(plan, NULL);
}

static int
decode_text(struct plan *plan, size_t len)
{
	uint8_t text[300], store[310];
	cpnp_buf buf;

	memset(text, 'x', sizeof(text));
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_cbor_put_text(&buf, (cpnp_bytes){text, len});
	plan->value = cpnp_buf_bytes(&buf);
	return decode_plan(plan, NULL);
}

static void
check_good(const struct plan *plan, int err)
{
	ck_assert_msg(err == 0 || err == CPNP_ERR_CLAUSE, "%s %s: %s",
	    plan->type->name, plan->field->name, cpnp_error_name(err));
}

/* Every scalar at its bounds, and past them. */
static void
check_scalars(const struct cpd_type *type)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		struct plan plan = {.type = type, .field = field, .n = 1};

		check_good(&plan, decode_plan(&plan, NULL));
		switch ((enum cpd_kind)field->kind) {
		case CPD_VALUE:
		case CPD_NUMBER:
			check_good(&plan, decode_uint(&plan, field->min));
			check_good(&plan, decode_uint(&plan, field->max));
			ck_assert_int_eq(decode_uint(&plan, field->max + 1),
			    CPNP_ERR_RANGE);
			if (field->min > 0)
				ck_assert_int_eq(
				    decode_uint(&plan, field->min - 1),
				    CPNP_ERR_RANGE);
			break;
		case CPD_ENUM:
			check_good(&plan, decode_uint(&plan, field->max));
			ck_assert_int_eq(decode_uint(&plan, field->max + 1),
			    CPNP_ERR_RANGE);
			ck_assert_int_eq(decode_uint(&plan, 0),
			    CPNP_ERR_RANGE);
			break;
		case CPD_TEXT:
			check_good(&plan, decode_text(&plan, field->max));
			ck_assert_int_eq(decode_text(&plan, field->max + 1),
			    CPNP_ERR_TOO_LONG);
			ck_assert_int_eq(decode_text(&plan, 0),
			    CPNP_ERR_RANGE);
			break;
		case CPD_NODE:
		case CPD_SCOPE:
			ck_assert_int_eq(
			    decode_uint(&plan, 1000), CPNP_ERR_CLAUSE);
			ck_assert_int_eq(decode_uint(&plan, 0),
			    CPNP_ERR_RANGE);
			break;
		case CPD_PREFIX:
		case CPD_ADDRESS:
		case CPD_PORTS:
		case CPD_GEO:
		case CPD_TIME:
		case CPD_STRUCT:
		case CPD_LIST:
		case CPD_ITEMS:
			break;
		}
	}
}

START_TEST(test_cpd_scalar_limits)
{
	plan_each_type(&cpd_type_document, check_scalars);
}
END_TEST

/* "fields that we do not know survive": at every level. */
static void
check_extra(const struct cpd_type *type)
{
	struct plan plan = {.type = type, .extra = true};
	int err = decode_plan(&plan, NULL);

	ck_assert_msg(err == 0 || err == CPNP_ERR_CLAUSE, "%s: %s", type->name,
	    cpnp_error_name(err));
}

START_TEST(test_cpd_unknown_elements_survive)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	uint8_t store[64];
	cpnp_cpd cpd;
	cpnp_bytes bytes = unit_hex("8200a10281a1028 1a2 0181a1016161"
				    "3a0001116f a10102", store);

	plan_each_type(&cpd_type_document, check_extra);
	ck_assert_int_eq(cpnp_cpd_decode(&cpd, bytes, &mem, NULL), 0);
	ck_assert_uint_eq(CLAUSE_OF(&cpd).extra.n, 1);
	ck_assert_uint_eq(CLAUSE_OF(&cpd).extra.len, 8);
	cpnp_cpd_fini(&cpd);
	ck_assert_int_eq(decode_and_encode(bytes, NULL), 0);
}
END_TEST

START_TEST(test_cpd_unknown_positive_key)
{
	cpnp_diag diag;
	uint8_t store[64];

	ck_assert_int_eq(decode_and_encode(unit_hex(
	    "8200a10281a10281a2 0181a1016161 1863 01", store), &diag),
	    CPNP_ERR_ATTR_UNKNOWN);
	ck_assert_str_eq(diag.where, "document");
}
END_TEST

/* Each: a profile of one node "a" and more; what is wrong with it. */
static const struct malformed {
	const char *hex; /* after the nodes map, with the size of the map */
	int err;
	const char *where;
} malformed[] = {
    /* ranges: least under most, preference within */
    {"a2", CPNP_ERR_TRUNCATED, "document"},
    {"a2 05 81 a1 04 83 05 05 05", CPNP_ERR_RANGE, "capacity/1/in"},
    {"a2 05 81 a1 04 83 05 07 08", CPNP_ERR_RANGE, "capacity/1/in"},
    {"a2 05 81 a1 04 82 05 07", CPNP_ERR_RANGE, "capacity/1/in"},
    {"a2 05 81 a1 04 61 35", CPNP_ERR_TYPE, "capacity/1/in"},
    {"a2 05 81 a1 04 18 05", CPNP_ERR_NOT_DETERMINISTIC, "capacity/1/in"},
    /* texts: XML must be able to hold them */
    {"a2 08 a1 02 81 62 2061", CPNP_ERR_RANGE, "isolation/means/1"},
    {"a2 08 a1 02 81 62 6120", CPNP_ERR_RANGE, "isolation/means/1"},
    {"a2 08 a1 02 81 64 61202062", CPNP_ERR_RANGE, "isolation/means/1"},
    {"a2 08 a1 02 81 61 0a", CPNP_ERR_RANGE, "isolation/means/1"},
    {"a2 08 a1 02 81 63 efbfbe", CPNP_ERR_RANGE, "isolation/means/1"},
    {"a2 08 a1 02 81 61 ff", CPNP_ERR_UTF8, "isolation/means/1"},
    /* prefixes: RFC 9164 */
    {"a2 09 81 a1 01 d834 82 08 42 0a00", CPNP_ERR_NOT_DETERMINISTIC,
	"flows/1/source"},
    {"a2 09 81 a1 01 d834 82 08 42 0a01", CPNP_ERR_RANGE, "flows/1/source"},
    {"a2 09 81 a1 01 d834 82 1821 41 0a", CPNP_ERR_RANGE, "flows/1/source"},
    {"a2 09 81 a1 01 d835 82 08 41 0a", CPNP_ERR_TYPE, "flows/1/source"},
    {"a2 09 81 a1 07 d834 43 0a0001", CPNP_ERR_RANGE, "flows/1/tunnel"},
    /* ports, coordinates, dates */
    {"a2 09 81 a1 02 82 05 05", CPNP_ERR_RANGE, "flows/1/source-port"},
    {"a2 09 81 a1 02 1a 00010000", CPNP_ERR_RANGE, "flows/1/source-port"},
    {"a2 0e a1 01 20", CPNP_ERR_RANGE, "window/start"},
    {"a2 0e a1 01 1b 0000003afff44180", CPNP_ERR_RANGE, "window/start"},
    /* form */
    {"a2 0e a0", CPNP_ERR_RANGE, "window"},
    {"a2 0e 80", CPNP_ERR_TYPE, "window"},
    {"a2 05 80", CPNP_ERR_RANGE, "capacity"},
    {"a3 03 a1 02 81 a1 01 05 0c a1 01 01", CPNP_ERR_ATTR_MISSING,
	"qos/loss/1/statistic"},
    {"a3 0e a1 01 05 0c a1 01 01", CPNP_ERR_DUPLICATE, "document"},
};

START_TEST(test_cpd_malformed)
{
	const struct malformed *m = &malformed[_i];
	uint8_t store[128];
	char hex[256];
	cpnp_diag diag;
	int err;

	(void)snprintf(hex, sizeof(hex),
	    "8200a10281a10281 %.2s 0181a1016161 %s", m->hex, m->hex + 2);
	err = decode_and_encode(unit_hex(hex, store), &diag);
	ck_assert_msg(err == m->err, "%s: got %s at %s: %s", m->hex,
	    cpnp_error_name(err), diag.where, diag.why);
	ck_assert_str_eq(diag.where, m->where);
	ck_assert_uint_gt(strlen(diag.why), 0);
}
END_TEST

START_TEST(test_cpd_coordinates_limits)
{
	static const struct {
		const char *hex;
		int err;
	} cases[] = {
	    {"82 1a 055d4a80 1a 0aba9500", 0},
	    {"82 1a 055d4a81 00", CPNP_ERR_RANGE},
	    {"82 00 3a 0aba9500", CPNP_ERR_RANGE},
	    {"82 00 3a 0aba94ff", 0},
	};

	for (size_t i = 0; i < 4; i++) {
		uint8_t store[64];
		char hex[128];

		(void)snprintf(hex, sizeof(hex),
		    "8200a10281a10281a1 0181a2 016161 04 %s", cases[i].hex);
		ck_assert_int_eq(decode_and_encode(unit_hex(hex, store), NULL),
		    cases[i].err);
	}
}
END_TEST

START_TEST(test_cpd_too_long)
{
	static uint8_t big[CPNP_CPD_MAX + 1] = {0x82, 0x00, 0x80};
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd cpd;

	ck_assert_int_eq(
	    cpnp_cpd_decode(&cpd, (cpnp_bytes){big, CPNP_CPD_MAX}, &mem, NULL),
	    CPNP_ERR_TRAILING);
	ck_assert_int_eq(cpnp_cpd_decode(&cpd,
	    (cpnp_bytes){big, CPNP_CPD_MAX + 1}, &mem, NULL),
	    CPNP_ERR_TOO_LONG);
}
END_TEST

/* Heads that claim more members than there is room for allocate nothing, and
 * those that claim as many as there may be stay within the factor. */
START_TEST(test_cpd_claims_allocate_little)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	uint8_t store[64];
	uint8_t big[4096];
	cpnp_cpd cpd;

	ck_assert_int_eq(cpnp_cpd_decode(&cpd, unit_hex(
	    "8200a10281a10281a1 01 990400 a1016161", store), &mem, NULL),
	    CPNP_ERR_TRUNCATED);
	ck_assert_uint_le(counter.total, 512);
	for (size_t len = 24; len <= sizeof(big); len += 8) {
		cpnp_buf buf;

		memset(big, 0xa1, len);
		cpnp_buf_init_fixed(&buf, big, len);
		cpnp_buf_put_raw(&buf,
		    unit_hex("8200 a10290 a10290 a101", store));
		cpnp_cbor_put_array(&buf, (len - buf.len - 3) / 4);
		ck_assert_int_lt(decode_and_encode(
		    (cpnp_bytes){big, len}, NULL), 0);
	}
}
END_TEST

START_TEST(test_cpd_allocation_fails)
{
	size_t calls = 0;

	for (size_t fail_at = 1; fail_at == 1 || fail_at <= calls; fail_at++) {
		struct counter counter;
		cpnp_mem mem = counter_mem(&counter);
		cpnp_cpd cpd;
		cpnp_diag diag;

		decode_golden(&cpd, &mem);
		cpnp_cpd_fini(&cpd);
		calls = counter.calls;
		mem = counter_mem(&counter);
		counter.fail_at = fail_at;
		ck_assert_int_eq(
		    cpnp_cpd_decode(&cpd, golden_bytes(), &mem, &diag),
		    CPNP_ERR_NOMEM);
		ck_assert_int_eq(diag.err, CPNP_ERR_NOMEM);
		ck_assert_uint_eq(counter.live, 0);
	}
	ck_assert_uint_ge(calls, 5);
}
END_TEST

START_TEST(test_cpd_encode_checks)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	uint8_t store[256];
	cpnp_cpd cpd;
	cpnp_buf buf;

	decode_golden(&cpd, &mem);
	CLAUSE_OF(&cpd).capacity[0].in = cpnp_cpd_single(0);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_cpd_encode(&cpd, &buf), CPNP_ERR_RANGE);
	CLAUSE_OF(&cpd).capacity[0].in = cpnp_cpd_single(1);
	CLAUSE_OF(&cpd).capacity[0].node = 3;
	cpnp_buf_reset(&buf);
	ck_assert_int_eq(cpnp_cpd_encode(&cpd, &buf), CPNP_ERR_CLAUSE);
	CLAUSE_OF(&cpd).capacity[0].node = 2;
	cpnp_buf_init_fixed(&buf, store, 16);
	ck_assert_int_eq(cpnp_cpd_encode(&cpd, &buf), CPNP_ERR_NO_SPACE);
	cpnp_cpd_fini(&cpd);
}
END_TEST

START_TEST(test_cpd_concrete)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd cpd;
	cpnp_diag diag;

	decode_golden(&cpd, &mem);
	ck_assert_int_eq(
	    cpnp_cpd_is_concrete(&cpd, &diag), CPNP_ERR_NOT_CONCRETE);
	ck_assert_str_eq(diag.where, "capacity/paris/out");
	CLAUSE_OF(&cpd).capacity[0].out = cpnp_cpd_single(90000000);
	ck_assert_int_eq(cpnp_cpd_is_concrete(&cpd, &diag), 0);
	cpnp_cpd_fini(&cpd);
}
END_TEST

static void
check_within(const cpnp_cpd *offer, const cpnp_cpd *request, const char *where)
{
	cpnp_diag diag = {0};
	int err = cpnp_cpd_within(offer, request, &diag);

	ck_assert_int_eq(err, where[0] == '\0' ? 0 : CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, where);
}

START_TEST(test_cpd_within)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd offer, request;
	cpnp_cpd_capacity *capacity;
	cpnp_cpd_link link = {.provider_node = CPNP_BYTES_LIT("pe1")};

	decode_golden(&offer, &mem);
	decode_golden(&request, &mem);
	capacity = &CLAUSE_OF(&offer).capacity[0];
	/* a range is no offer */
	check_within(&offer, &request, "capacity/paris/out");
	capacity->out = cpnp_cpd_single(80000000);
	check_within(&offer, &request, "");
	capacity->out = cpnp_cpd_single(100000000);
	check_within(&offer, &request, "");
	capacity->out = cpnp_cpd_single(79999999);
	check_within(&offer, &request, "capacity/paris/out");
	capacity->out = cpnp_cpd_single(100000001);
	check_within(&offer, &request, "capacity/paris/out");
	capacity->out = cpnp_cpd_single(90000000);
	/* a single value admits no other, not even a better one */
	capacity->in = cpnp_cpd_single(100000001);
	check_within(&offer, &request, "capacity/paris/in");
	capacity->in = (cpnp_cpd_value){0};
	check_within(&offer, &request, "capacity/paris/in");
	capacity->in = cpnp_cpd_single(100000000);
	/* nothing is added but the provider's node */
	CLAUSE_OF(&offer).nodes[0].site = CPNP_BYTES_LIT("S1");
	check_within(&offer, &request, "nodes/paris/site");
	CLAUSE_OF(&offer).nodes[0].site = CPNP_BYTES_NONE;
	CLAUSE_OF(&offer).nodes[0].links = &link;
	CLAUSE_OF(&offer).nodes[0].links_n = 1;
	check_within(&offer, &request, "");
	CLAUSE_OF(&offer).nodes[0].links = NULL;
	CLAUSE_OF(&offer).nodes[0].links_n = 0;
	/* nothing is left out */
	CLAUSE_OF(&offer).nodes_n = 1;
	check_within(&offer, &request, "nodes/lyon");
	cpnp_cpd_fini(&offer);
	cpnp_cpd_fini(&request);
	ck_assert_uint_eq(counter.live, 0);
}
END_TEST

/* R10: exactly what was asked is the preferred value of each range. */
START_TEST(test_cpd_as_preferred)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd offer, request;
	cpnp_cpd_value *out;
	cpnp_diag diag = {0};

	decode_golden(&offer, &mem);
	decode_golden(&request, &mem);
	out = &CLAUSE_OF(&request).capacity[0].out;
	ck_assert_int_eq(out->kind, CPNP_CPD_RANGE);
	CLAUSE_OF(&offer).capacity[0].out = cpnp_cpd_single(out->preferred);
	ck_assert_int_eq(cpnp_cpd_as_preferred(&offer, &request, &diag), 0);
	CLAUSE_OF(&offer).capacity[0].out = cpnp_cpd_single(
	    out->preferred == out->lo ? out->hi : out->lo);
	check_within(&offer, &request, "");
	ck_assert_int_eq(cpnp_cpd_as_preferred(&offer, &request, &diag),
	    CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "capacity/paris/out");
	cpnp_cpd_fini(&offer);
	cpnp_cpd_fini(&request);
	ck_assert_uint_eq(counter.live, 0);
}
END_TEST

START_TEST(test_cpd_diff)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd before, after;
	cpnp_cpd_change changes[8];
	cpnp_cpd_node swap;

	decode_golden(&before, &mem);
	decode_golden(&after, &mem);
	ck_assert_uint_eq(cpnp_cpd_diff(&before, &after, changes, 8), 0);
	/* the same nodes in another order, and references that follow */
	swap = CLAUSE_OF(&after).nodes[0];
	CLAUSE_OF(&after).nodes[0] = CLAUSE_OF(&after).nodes[1];
	CLAUSE_OF(&after).nodes[1] = swap;
	CLAUSE_OF(&after).capacity[0].node = 2;
	ck_assert_uint_eq(cpnp_cpd_diff(&before, &after, changes, 8), 0);
	CLAUSE_OF(&after).capacity[0].out = cpnp_cpd_single(80000000);
	CLAUSE_OF(&after).nodes[0].id = CPNP_BYTES_LIT("nice");
	after.based_on = CPNP_BYTES_LIT("gold");
	ck_assert_uint_eq(cpnp_cpd_diff(&before, &after, changes, 8), 4);
	ck_assert_str_eq(changes[0].path, "based-on");
	ck_assert_str_eq(changes[0].before, "");
	ck_assert_str_eq(changes[0].after, "gold");
	ck_assert_str_eq(changes[1].path, "nodes/lyon");
	ck_assert_str_eq(changes[1].after, "");
	ck_assert_str_eq(changes[2].path, "nodes/nice");
	ck_assert_str_eq(changes[2].before, "");
	ck_assert_str_eq(
	    changes[2].after, "id nice, coordinates 45.69336 4.836552");
	ck_assert_str_eq(changes[3].path, "capacity/paris/out");
	ck_assert_str_eq(changes[3].before,
	    "80 Mbit/s to 100 Mbit/s, preferably 100 Mbit/s");
	ck_assert_str_eq(changes[3].after, "80 Mbit/s");
	/* counted, when there is no room for them */
	ck_assert_uint_eq(cpnp_cpd_diff(&before, &after, changes, 1), 4);
	ck_assert_uint_eq(cpnp_cpd_diff(&before, &after, NULL, 0), 4);
	cpnp_cpd_fini(&before);
	cpnp_cpd_fini(&after);
}
END_TEST

static const struct quantity {
	cpnp_unit unit;
	const char *text;
	uint64_t number;
	const char *again; /* NULL: the same text */
} quantities[] = {
    {CPNP_UNIT_RATE, "0 bit/s", 0, NULL},
    {CPNP_UNIT_RATE, "1 bit/s", 1, NULL},
    {CPNP_UNIT_RATE, "100 Mbit/s", 100000000, NULL},
    {CPNP_UNIT_RATE, "100Mbit/s", 100000000, "100 Mbit/s"},
    {CPNP_UNIT_RATE, "1.5 Mbit/s", 1500000, "1500 kbit/s"},
    {CPNP_UNIT_RATE, "0.000001 Mbit/s", 1, "1 bit/s"},
    {CPNP_UNIT_RATE, "1000 Gbit/s", UINT64_C(1000000000000), "1 Tbit/s"},
    {CPNP_UNIT_DELAY, "20 ms", 20000, NULL},
    {CPNP_UNIT_DELAY, "0.25 ms", 250, "250 us"},
    {CPNP_UNIT_DELAY, "2 s", 2000000, NULL},
    {CPNP_UNIT_RATIO, "99.99 %", 999900, NULL},
    {CPNP_UNIT_RATIO, "99.9999 %", 999999, NULL},
    {CPNP_UNIT_RATIO, "100 %", 1000000, NULL},
    {CPNP_UNIT_RATIO, "0 %", 0, NULL},
    {CPNP_UNIT_RATIO, "0.01 %", 100, NULL},
    {CPNP_UNIT_RATIO, "0.0001 %", 1, "1 ppm"},
    {CPNP_UNIT_RATIO, "50ppm", 50, "50 ppm"},
    {CPNP_UNIT_RATIO, "10.05 %", 100500, NULL},
    {CPNP_UNIT_SECONDS, "90 s", 90, NULL},
    {CPNP_UNIT_SECONDS, "0.125 h", 450, "450 s"},
    {CPNP_UNIT_SECONDS, "30 d", 2592000, NULL},
    {CPNP_UNIT_SECONDS, "1.5 d", 129600, "36 h"},
    {CPNP_UNIT_BYTES, "1500 bytes", 1500, NULL},
    {CPNP_UNIT_NONE, "46", 46, NULL},
};

START_TEST(test_cpd_quantity)
{
	const struct quantity *q = &quantities[_i];
	char out[CPNP_QUANTITY_LEN];
	uint64_t number = 77;

	ck_assert_int_eq(
	    cpnp_quantity_parse(q->unit, cpnp_bytes_str(q->text), &number), 0);
	ck_assert_uint_eq(number, q->number);
	cpnp_quantity_format(q->unit, number, out);
	ck_assert_str_eq(out, q->again != NULL ? q->again : q->text);
}
END_TEST

START_TEST(test_cpd_quantity_wrong)
{
	static const struct {
		cpnp_unit unit;
		const char *text;
		int err;
	} cases[] = {
	    {CPNP_UNIT_RATE, "", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "100", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "Mbit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "100 MB/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "100 mbit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "-1 bit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "1,5 Mbit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "1. Mbit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, ".5 Mbit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "1.2.3 Mbit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "1e3 bit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATE, "0.5 bit/s", CPNP_ERR_RANGE},
	    {CPNP_UNIT_RATE, "0.0000001 Mbit/s", CPNP_ERR_RANGE},
	    {CPNP_UNIT_RATE, "999999999999999999 Tbit/s", CPNP_ERR_RANGE},
	    {CPNP_UNIT_RATE, "9999999999999999999 bit/s", CPNP_ERR_INVALID},
	    {CPNP_UNIT_DELAY, "20 min", CPNP_ERR_INVALID},
	    {CPNP_UNIT_RATIO, "0.00001 %", CPNP_ERR_RANGE},
	    {CPNP_UNIT_SECONDS, "0.0001 min", CPNP_ERR_RANGE},
	    {CPNP_UNIT_NONE, "46 bytes", CPNP_ERR_INVALID},
	    {CPNP_UNIT_NONE, "46.0", CPNP_ERR_INVALID},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t number;
		int err = cpnp_quantity_parse(
		    cases[i].unit, cpnp_bytes_str(cases[i].text), &number);

		ck_assert_msg(err == cases[i].err, "%s: %s", cases[i].text,
		    cpnp_error_name(err));
	}
}
END_TEST

/* Formatting loses nothing, at the ends of decades and around them. */
START_TEST(test_cpd_quantity_exact)
{
	for (uint64_t base = 1; base <= CPNP_CPD_RATE_MAX; base *= 10)
		for (uint64_t n = base - 1; n <= base + 1; n++)
			for (int u = CPNP_UNIT_RATE; u <= CPNP_UNIT_BYTES;
			     u++) {
				char out[CPNP_QUANTITY_LEN];
				uint64_t number = 77;

				cpnp_quantity_format((cpnp_unit)u, n, out);
				ck_assert_int_eq(cpnp_quantity_parse(
				    (cpnp_unit)u, cpnp_bytes_str(out),
				    &number), 0);
				ck_assert_uint_eq(number, n);
			}
}
END_TEST

START_TEST(test_cpd_prefix)
{
	static const struct {
		const char *text;
		const char *again; /* NULL: refused */
	} cases[] = {
	    {"10.0.0.0/8", "10.0.0.0/8"},
	    {"192.0.2.1", "192.0.2.1/32"},
	    {"0.0.0.0/0", "0.0.0.0/0"},
	    {"::/0", "::/0"},
	    {"::1", "::1/128"},
	    {"2001:DB8::/32", "2001:db8::/32"},
	    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1/128"},
	    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1/128"},
	    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128"},
	    {"::ffff:192.0.2.1", "::ffff:c000:201/128"},
	    {"10.0.0.1/8", NULL},
	    {"10.0.0.0/33", NULL},
	    {"10.0.0/8", NULL},
	    {"10.0.0.256", NULL},
	    {"10.00.0.1", NULL},
	    {"10.0.0.0.0", NULL},
	    {"10.0.0.0/", NULL},
	    {"10.0.0.0/08", NULL},
	    {"2001:db8::1/32", NULL},
	    {"2001:db8::/129", NULL},
	    {"1::2::3", NULL},
	    {":1::", NULL},
	    {"1:2:3:4:5:6:7", NULL},
	    {"1:2:3:4:5:6:7:8:9", NULL},
	    {"1:2:3:4:5:6:7:", NULL},
	    {"12345::", NULL},
	    {"::192.0.2", NULL},
	    {"g::", NULL},
	    {"", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cpnp_cpd_prefix prefix;
		char out[CPD_PREFIX_LEN];
		int err = cpd_prefix_parse(
		    cpnp_bytes_str(cases[i].text), false, &prefix);

		ck_assert_msg((err == 0) == (cases[i].again != NULL), "%s: %s",
		    cases[i].text, cpnp_error_name(err));
		if (err != 0)
			continue;
		cpd_prefix_format(&prefix, false, out);
		ck_assert_str_eq(out, cases[i].again);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cpd");
	TCase *tc = tcase_create("cpd");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_cpd_golden);
	tcase_add_test(tc, test_cpd_decoded_fields);
	tcase_add_test(tc, test_cpd_empty);
	tcase_add_test(tc, test_cpd_other_service);
	tcase_add_test(tc, test_cpd_truncated);
	tcase_add_test(tc, test_cpd_mutated);
	tcase_add_test(tc, test_cpd_trailing);
	tcase_add_test(tc, test_cpd_table);
	tcase_add_test(tc, test_cpd_list_limits);
	tcase_add_test(tc, test_cpd_scalar_limits);
	tcase_add_test(tc, test_cpd_unknown_elements_survive);
	tcase_add_test(tc, test_cpd_unknown_positive_key);
	tcase_add_loop_test(tc, test_cpd_malformed, 0,
	    sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(tc, test_cpd_coordinates_limits);
	tcase_add_test(tc, test_cpd_too_long);
	tcase_add_test(tc, test_cpd_claims_allocate_little);
	tcase_add_test(tc, test_cpd_allocation_fails);
	tcase_add_test(tc, test_cpd_encode_checks);
	tcase_add_test(tc, test_cpd_concrete);
	tcase_add_test(tc, test_cpd_within);
	tcase_add_test(tc, test_cpd_as_preferred);
	tcase_add_test(tc, test_cpd_diff);
	tcase_add_loop_test(tc, test_cpd_quantity, 0,
	    sizeof(quantities) / sizeof(quantities[0]));
	tcase_add_test(tc, test_cpd_quantity_wrong);
	tcase_add_test(tc, test_cpd_quantity_exact);
	tcase_add_test(tc, test_cpd_prefix);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
