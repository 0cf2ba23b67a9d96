/*
 * The deterministic profile of CBOR: what is read, what is refused, what is
 * written.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/cbor.h>

#include "unit.h"

static const struct {
	const char *hex;
	int err;
} items[] = {
    /* every head in its shortest form, at both ends of each width */
    {"00", 0},
    {"17", 0},
    {"1817", CPNP_ERR_NOT_DETERMINISTIC},
    {"1818", 0},
    {"18ff", 0},
    {"1900ff", CPNP_ERR_NOT_DETERMINISTIC},
    {"190100", 0},
    {"1a0000ffff", CPNP_ERR_NOT_DETERMINISTIC},
    {"1a00010000", 0},
    {"1b00000000ffffffff", CPNP_ERR_NOT_DETERMINISTIC},
    {"1b0000000100000000", 0},
    {"1bffffffffffffffff", 0},
    {"3817", CPNP_ERR_NOT_DETERMINISTIC},
    {"3818", 0},
    {"3bffffffffffffffff", 0},
    {"580100", CPNP_ERR_NOT_DETERMINISTIC},
    {"780161", CPNP_ERR_NOT_DETERMINISTIC},
    {"980100", CPNP_ERR_NOT_DETERMINISTIC},
    {"b8010000", CPNP_ERR_NOT_DETERMINISTIC},
    {"d80100", CPNP_ERR_NOT_DETERMINISTIC},
    /* tags, 6 to 20 among them, alone */
    {"c000", 0},
    {"c600", 0},
    {"d28443a10126a0410043aaaaaa", 0},
    {"d81800", 0},
    {"d2d200", CPNP_ERR_TYPE},
    {"c0", CPNP_ERR_TRUNCATED},
    {"82d20000", 0},
    /* what the profile leaves out */
    {"f7", CPNP_ERR_TYPE},
    {"f93c00", CPNP_ERR_TYPE},
    {"fa3f800000", CPNP_ERR_TYPE},
    {"fb3ff0000000000000", CPNP_ERR_TYPE},
    {"e0", CPNP_ERR_NOT_DETERMINISTIC},
    {"f8ff", CPNP_ERR_NOT_DETERMINISTIC},
    {"1c", CPNP_ERR_NOT_DETERMINISTIC},
    {"ff", CPNP_ERR_TYPE},
    {"5f4100ff", CPNP_ERR_NOT_DETERMINISTIC},
    {"7f6161ff", CPNP_ERR_NOT_DETERMINISTIC},
    {"9f00ff", CPNP_ERR_NOT_DETERMINISTIC},
    {"bf0000ff", CPNP_ERR_NOT_DETERMINISTIC},
    {"f4", 0},
    {"f5", 0},
    {"f6", 0},
    /* order and uniqueness of keys */
    {"a0", 0},
    {"a400000100200021 00", 0},
    {"a201000000", CPNP_ERR_DUPLICATE},
    {"a200000000", CPNP_ERR_DUPLICATE},
    {"a220000000", CPNP_ERR_DUPLICATE},
    {"a22100 2000", CPNP_ERR_DUPLICATE},
    {"a2181800 1700", CPNP_ERR_DUPLICATE},
    {"a20000616100", 0},
    {"a2616200616100", CPNP_ERR_DUPLICATE},
    {"a2626161006162 00", CPNP_ERR_DUPLICATE},
    {"a1410000", CPNP_ERR_TYPE},
    {"a1800000", CPNP_ERR_TYPE},
    {"a1d2000000", CPNP_ERR_TYPE},
    {"a100a201000000", CPNP_ERR_DUPLICATE},
    /* sizes that the input cannot hold */
    {"", CPNP_ERR_TRUNCATED},
    {"4400", CPNP_ERR_TRUNCATED},
    {"5bffffffffffffffff", CPNP_ERR_TRUNCATED},
    {"7bffffffffffffffff", CPNP_ERR_TRUNCATED},
    {"9bffffffffffffffff", CPNP_ERR_TRUNCATED},
    {"bbffffffffffffffff", CPNP_ERR_TRUNCATED},
    {"bb8000000000000000", CPNP_ERR_TRUNCATED},
    {"820000 00", CPNP_ERR_TRAILING},
    {"0000", CPNP_ERR_TRAILING},
    /* UTF-8 */
    {"62c3a9", 0},
    {"6161", 0},
    {"61c3", CPNP_ERR_UTF8},
    {"6181", CPNP_ERR_UTF8},
    {"a161c300", CPNP_ERR_UTF8},
};

START_TEST(test_cbor_check_holds_the_profile)
{
	uint8_t store[64];

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		int err = cpnp_cbor_check(unit_hex(items[i].hex, store));

		ck_assert_msg(err == items[i].err, "%s: %s", items[i].hex,
		    cpnp_error_name(err));
	}
}
END_TEST

static int
check_nested(uint8_t head, size_t depth)
{
	uint8_t store[64];
	size_t n = 0;

	for (size_t i = 0; i < depth; i++) {
		store[n++] = head;
		if (head == 0xa1)
			store[n++] = 0;
	}
	store[n++] = 0;
	return cpnp_cbor_check((cpnp_bytes){store, n});
}

START_TEST(test_cbor_depth_max_is_the_deepest)
{
	const uint8_t heads[] = {0x81, 0xa1};

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    check_nested(heads[i], CPNP_CBOR_DEPTH_MAX), 0);
		ck_assert_int_eq(
		    check_nested(heads[i], CPNP_CBOR_DEPTH_MAX + 1),
		    CPNP_ERR_TOO_LONG);
	}
}
END_TEST

static const struct {
	const char *hex;
	bool valid;
} texts[] = {
    {"", true},
    {"00", true},
    {"7f", true},
    {"80", false},
    {"bf", false},
    {"c080", false},
    {"c1bf", false},
    {"c280", true},
    {"dfbf", true},
    {"e08080", false},
    {"e09fbf", false},
    {"e0a080", true},
    {"ed9fbf", true},
    {"eda080", false},
    {"edbfbf", false},
    {"ee8080", true},
    {"efbfbf", true},
    {"f0808080", false},
    {"f08fbfbf", false},
    {"f0908080", true},
    {"f48fbfbf", true},
    {"f4908080", false},
    {"f5808080", false},
    {"ff", false},
    {"e0a0", false},
    {"f09080", false},
    {"c241", false},
    {"e0a041", false},
    {"f0908041", false},
    {"e0a0c0", false},
};

START_TEST(test_utf8_is_that_of_rfc_3629)
{
	uint8_t store[8];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(cpnp_utf8_is_valid(unit_hex(texts[i].hex,
				  store)) == texts[i].valid,
		    "%s", texts[i].hex);
}
END_TEST

static cpnp_cbor_rd
reader(const char *hex)
{
	static uint8_t store[128];
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, unit_hex(hex, store));
	return rd;
}

START_TEST(test_cbor_rd_remembers_its_first_error)
{
	cpnp_cbor_rd rd = reader("0541aa6161 07");
	cpnp_bytes text;

	ck_assert_uint_eq(cpnp_cbor_get_uint(&rd, 0, 9), 5);
	ck_assert_uint_eq(cpnp_cbor_get_bytes(&rd, 2, 4).len, 0);
	ck_assert_int_eq(rd.err, CPNP_ERR_RANGE);
	ck_assert_uint_eq(rd.err_off, 1);
	text = cpnp_cbor_get_text(&rd, 0, 9);
	ck_assert_ptr_null(text.ptr);
	ck_assert_uint_eq(cpnp_cbor_get_uint(&rd, 0, 9), 0);
	ck_assert(!cpnp_cbor_get_bool(&rd));
	ck_assert_int_eq(cpnp_cbor_peek(&rd), CPNP_CBOR_WRONG);
	cpnp_cbor_rd_fail(&rd, CPNP_ERR_TYPE);
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), CPNP_ERR_RANGE);
}
END_TEST

START_TEST(test_cbor_rd_bounds_are_inclusive)
{
	cpnp_cbor_rd rd = reader("0a");

	ck_assert_uint_eq(cpnp_cbor_get_uint(&rd, 10, 10), 10);
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), 0);
	rd = reader("0a");
	(void)cpnp_cbor_get_uint(&rd, 11, 20);
	ck_assert_int_eq(rd.err, CPNP_ERR_RANGE);
	rd = reader("0a");
	(void)cpnp_cbor_get_uint(&rd, 0, 9);
	ck_assert_int_eq(rd.err, CPNP_ERR_RANGE);
	rd = reader("43010203");
	ck_assert_uint_eq(cpnp_cbor_get_bytes(&rd, 3, 3).len, 3);
	rd = reader("43010203");
	(void)cpnp_cbor_get_bytes(&rd, 0, 2);
	ck_assert_int_eq(rd.err, CPNP_ERR_TOO_LONG);
	rd = reader("83010203");
	ck_assert_uint_eq(cpnp_cbor_get_array(&rd, 3, 3), 3);
	rd = reader("83010203");
	(void)cpnp_cbor_get_array(&rd, 0, 2);
	ck_assert_int_eq(rd.err, CPNP_ERR_TOO_LONG);
	rd = reader("83010203");
	(void)cpnp_cbor_get_array(&rd, 4, 9);
	ck_assert_int_eq(rd.err, CPNP_ERR_RANGE);
	rd = reader("bb8000000000000001");
	(void)cpnp_cbor_get_map(&rd, 0, SIZE_MAX);
	ck_assert_int_eq(rd.err, CPNP_ERR_TRUNCATED);
}
END_TEST

START_TEST(test_cbor_get_int_covers_64_bits)
{
	cpnp_cbor_rd rd =
	    reader("3b7fffffffffffffff 1b7fffffffffffffff 20");

	ck_assert_int_eq(
	    cpnp_cbor_get_int(&rd, INT64_MIN, INT64_MAX), INT64_MIN);
	ck_assert_int_eq(
	    cpnp_cbor_get_int(&rd, INT64_MIN, INT64_MAX), INT64_MAX);
	ck_assert_int_eq(cpnp_cbor_get_int(&rd, -1, -1), -1);
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), 0);
	rd = reader("3b8000000000000000");
	(void)cpnp_cbor_get_int(&rd, INT64_MIN, INT64_MAX);
	ck_assert_int_eq(rd.err, CPNP_ERR_RANGE);
	rd = reader("1b8000000000000000");
	(void)cpnp_cbor_get_int(&rd, INT64_MIN, INT64_MAX);
	ck_assert_int_eq(rd.err, CPNP_ERR_RANGE);
	rd = reader("6161");
	(void)cpnp_cbor_get_int(&rd, INT64_MIN, INT64_MAX);
	ck_assert_int_eq(rd.err, CPNP_ERR_TYPE);
}
END_TEST

START_TEST(test_cbor_get_key_wants_the_deterministic_order)
{
	int64_t prev = CPNP_CBOR_NO_KEY;
	cpnp_cbor_rd rd = reader("00 17 1818 20 3818 3818");

	ck_assert_int_eq(cpnp_cbor_get_key(&rd, &prev), 0);
	ck_assert_int_eq(cpnp_cbor_get_key(&rd, &prev), 23);
	ck_assert_int_eq(cpnp_cbor_get_key(&rd, &prev), 24);
	ck_assert_int_eq(cpnp_cbor_get_key(&rd, &prev), -1);
	ck_assert_int_eq(cpnp_cbor_get_key(&rd, &prev), -25);
	(void)cpnp_cbor_get_key(&rd, &prev);
	ck_assert_int_eq(rd.err, CPNP_ERR_DUPLICATE);
	ck_assert_uint_eq(rd.err_off, 7);
	rd = reader("20 00");
	prev = CPNP_CBOR_NO_KEY;
	(void)cpnp_cbor_get_key(&rd, &prev);
	(void)cpnp_cbor_get_key(&rd, &prev);
	ck_assert_int_eq(rd.err, CPNP_ERR_DUPLICATE);
	/* the one integer that means that there is no key yet */
	rd = reader("3b7fffffffffffffff");
	prev = CPNP_CBOR_NO_KEY;
	(void)cpnp_cbor_get_key(&rd, &prev);
	ck_assert_int_eq(rd.err, CPNP_ERR_RANGE);
	rd = reader("6161");
	(void)cpnp_cbor_get_key(&rd, &prev);
	ck_assert_int_eq(rd.err, CPNP_ERR_TYPE);
}
END_TEST

START_TEST(test_cbor_peek_names_every_type)
{
	static const enum cpnp_cbor_type types[] = {CPNP_CBOR_UINT,
	    CPNP_CBOR_NINT, CPNP_CBOR_BYTES, CPNP_CBOR_TEXT, CPNP_CBOR_ARRAY,
	    CPNP_CBOR_MAP, CPNP_CBOR_TAG, CPNP_CBOR_FALSE, CPNP_CBOR_TRUE,
	    CPNP_CBOR_NULL};
	static const char *const heads[] = {
	    "00", "20", "40", "60", "80", "a0", "c1", "f4", "f5", "f6"};
	cpnp_cbor_rd rd;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		rd = reader(heads[i]);
		ck_assert_int_eq(cpnp_cbor_peek(&rd), types[i]);
		ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), CPNP_ERR_TRAILING);
	}
	rd = reader("");
	ck_assert_int_eq(cpnp_cbor_peek(&rd), CPNP_CBOR_END);
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), 0);
	cpnp_cbor_rd_init(&rd, CPNP_BYTES_NONE);
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), 0);
}
END_TEST

START_TEST(test_cbor_get_item_takes_one_item_whole)
{
	cpnp_cbor_rd rd = reader("a10081d2820102 05");
	cpnp_bytes item = cpnp_cbor_get_item(&rd);

	ck_assert_uint_eq(item.len, 7);
	ck_assert_uint_eq(cpnp_cbor_get_uint(&rd, 5, 5), 5);
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), 0);
	rd = reader("d219ffff");
	cpnp_cbor_get_tag(&rd, 17);
	ck_assert_int_eq(rd.err, CPNP_ERR_TYPE);
	rd = reader("d219ffff");
	cpnp_cbor_get_tag(&rd, 18);
	ck_assert_uint_eq(cpnp_cbor_get_uint(&rd, 0, UINT64_MAX), 65535);
}
END_TEST

START_TEST(test_cbor_put_writes_the_shortest_form)
{
	uint8_t store[128], want[128];
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_cbor_put_uint(&buf, 23);
	cpnp_cbor_put_uint(&buf, 24);
	cpnp_cbor_put_uint(&buf, 256);
	cpnp_cbor_put_uint(&buf, 65536);
	cpnp_cbor_put_uint(&buf, UINT64_C(1) << 32);
	cpnp_cbor_put_int(&buf, -1);
	cpnp_cbor_put_int(&buf, -25);
	cpnp_cbor_put_int(&buf, INT64_MIN);
	cpnp_cbor_put_int(&buf, 5);
	cpnp_cbor_put_bytes(&buf, CPNP_BYTES_LIT("ab"));
	cpnp_cbor_put_str(&buf, "c");
	cpnp_cbor_put_array(&buf, 24);
	cpnp_cbor_put_map(&buf, 1);
	cpnp_cbor_put_tag(&buf, 18);
	cpnp_cbor_put_tag(&buf, 256);
	cpnp_cbor_put_bool(&buf, false);
	cpnp_cbor_put_bool(&buf, true);
	cpnp_cbor_put_null(&buf);
	ck_assert_int_eq(buf.err, 0);
	unit_assert_bytes(cpnp_buf_bytes(&buf),
	    unit_hex("17 1818 190100 1a00010000 1b0000000100000000 20 3818 "
		     "3b7fffffffffffffff 05 426162 6163 9818 a1 d2 d90100 "
		     "f4 f5 f6",
		want));
}
END_TEST

START_TEST(test_buf_put_text_refuses_bad_utf8)
{
	uint8_t store[16];
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_cbor_put_text(&buf, CPNP_BYTES_LIT("\xc3"));
	ck_assert_int_eq(buf.err, CPNP_ERR_INVALID);
	cpnp_cbor_put_uint(&buf, 1);
	ck_assert_uint_eq(buf.len, 0);
	cpnp_buf_reset(&buf);
	cpnp_cbor_put_uint(&buf, 1);
	ck_assert_int_eq(buf.err, 0);
	ck_assert_uint_eq(buf.len, 1);
}
END_TEST

START_TEST(test_buf_fixed_says_no_space)
{
	uint8_t store[4];
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_cbor_put_bytes(&buf, CPNP_BYTES_LIT("abc"));
	ck_assert_int_eq(buf.err, 0);
	cpnp_cbor_put_uint(&buf, 0);
	ck_assert_int_eq(buf.err, CPNP_ERR_NO_SPACE);
	ck_assert_uint_eq(buf.len, 4);
}
END_TEST

/* An allocator that gives out a number of blocks and no more. */
static void *
counted_realloc(void *user, void *ptr, size_t size)
{
	int *left = user;

	return (*left)-- > 0 ? realloc(ptr, size) : NULL;
}

static void *
counted_alloc(void *user, size_t size)
{
	return counted_realloc(user, NULL, size);
}

static void
counted_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

START_TEST(test_buf_grows_up_to_its_max)
{
	int left = 100;
	cpnp_mem mem = {
	    &left, counted_alloc, counted_realloc, counted_free};
	cpnp_buf buf;

	cpnp_buf_init(&buf, &mem, 1000);
	for (int i = 0; i < 1000; i++)
		cpnp_cbor_put_uint(&buf, 1);
	ck_assert_int_eq(buf.err, 0);
	ck_assert_uint_eq(buf.len, 1000);
	cpnp_cbor_put_uint(&buf, 1);
	ck_assert_int_eq(buf.err, CPNP_ERR_NO_SPACE);
	cpnp_buf_fini(&buf);
	ck_assert_ptr_null(buf.ptr);
	left = 1;
	for (int i = 0; i < 100; i++)
		cpnp_cbor_put_uint(&buf, 1);
	ck_assert_int_eq(buf.err, CPNP_ERR_NOMEM);
	ck_assert_uint_eq(buf.len, 64);
	cpnp_buf_fini(&buf);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_cbor_check_holds_the_profile,
	    test_cbor_depth_max_is_the_deepest,
	    test_utf8_is_that_of_rfc_3629,
	    test_cbor_rd_remembers_its_first_error,
	    test_cbor_rd_bounds_are_inclusive,
	    test_cbor_get_int_covers_64_bits,
	    test_cbor_get_key_wants_the_deterministic_order,
	    test_cbor_peek_names_every_type,
	    test_cbor_get_item_takes_one_item_whole,
	    test_cbor_put_writes_the_shortest_form,
	    test_buf_put_text_refuses_bad_utf8,
	    test_buf_fixed_says_no_space,
	    test_buf_grows_up_to_its_max,
	};

	return unit_run("cbor", tests, sizeof(tests) / sizeof(tests[0]));
}
