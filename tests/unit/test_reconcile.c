/*
 * Reconciliation of two books (F14): every difference is named, by both
 * sides, and the bytes grow with the differences, not with the books.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdint.h>
#include <stdio.h>

#include "ledger_fixture.h"
#include "ranges.h"
#include "tool_run.h"

#define BIG 100000

static struct range_entry *mine, *theirs;
static size_t mine_n, theirs_n;
static uint64_t seed;

struct found {
	size_t only_mine, only_theirs, differ;
};

static uint64_t
random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int
compare_entries(const void *a, const void *b)
{
	return memcmp(((const struct range_entry *)a)->digest,
	    ((const struct range_entry *)b)->digest, CPNP_SHA256_LEN);
}

/* n equal entries in both books, with room for more. */
static void
setup_equal(size_t n)
{
	size_t i, k;

	mine = calloc(n + 64, sizeof(*mine));
	theirs = calloc(n + 64, sizeof(*theirs));
	ck_assert(mine != NULL && theirs != NULL);
	for (i = 0; i < n; i++) {
		for (k = 0; k < CPNP_SHA256_LEN; k++)
			mine[i].digest[k] = (uint8_t)random_u64();
		mine[i].state = cpnp_bytes_str("agreed");
		mine[i].amounts = cpnp_bytes_str("12500.00 EUR of bank");
	}
	qsort(mine, n, sizeof(*mine), compare_entries);
	memcpy(theirs, mine, n * sizeof(*mine));
	mine_n = theirs_n = n;
}

static void
drop(struct range_entry *entries, size_t *n, size_t at)
{
	memmove(&entries[at], &entries[at + 1],
	    (*n - at - 1) * sizeof(*entries));
	(*n)--;
}

static void
free_books(void)
{
	free(mine);
	free(theirs);
}

static void
count_found(void *user, const struct range_entry *here,
    const struct range_entry *there)
{
	struct found *found = user;

	found->only_mine += there == NULL;
	found->only_theirs += here == NULL;
	if (here != NULL && there != NULL) {
		ck_assert_int_eq(memcmp(here->digest, there->digest,
		    CPNP_SHA256_LEN), 0);
		found->differ++;
	}
}

/* Run both sides; returns the bytes of all messages. */
static uint64_t
reconcile(struct found *a_found, struct found *b_found, size_t *messages)
{
	struct ranges *a, *b, *swap;
	uint64_t bytes = 0;
	cpnp_diag diag = {0};
	cpnp_buf buf;

	memset(a_found, 0, sizeof(*a_found));
	memset(b_found, 0, sizeof(*b_found));
	*messages = 0;
	ck_assert_int_eq(ranges_new(&a, mine, mine_n, "a", "b", true,
	    count_found, a_found), 0);
	ck_assert_int_eq(ranges_new(&b, theirs, theirs_n, "b", "a", false,
	    count_found, b_found), 0);
	cpnp_buf_init(&buf, &ledger_mem, RANGES_MESSAGE_MAX);
	while (!(ranges_done(a) && ranges_done(b))) {
		ck_assert_uint_lt(++*messages, 10000);
		cpnp_buf_reset(&buf);
		ck_assert_int_eq(ranges_send(a, &buf), 0);
		bytes += buf.len;
		ck_assert_msg(ranges_recv(b, cpnp_buf_bytes(&buf), &diag) == 0,
		    "%s: %s", diag.where, diag.why);
		swap = a;
		a = b;
		b = swap;
	}
	cpnp_buf_fini(&buf);
	ranges_del(a);
	ranges_del(b);
	return bytes;
}

static void
expect_found(size_t only_mine, size_t only_theirs, size_t differ,
    uint64_t at_most)
{
	struct found a, b;
	size_t messages;
	uint64_t bytes = reconcile(&a, &b, &messages);

	ck_assert_uint_eq(a.only_mine, only_mine);
	ck_assert_uint_eq(a.only_theirs, only_theirs);
	ck_assert_uint_eq(a.differ, differ);
	ck_assert_uint_eq(b.only_mine, only_theirs);
	ck_assert_uint_eq(b.only_theirs, only_mine);
	ck_assert_uint_eq(b.differ, differ);
	ck_assert_msg(bytes <= at_most, "%llu bytes in %zu messages",
	    (unsigned long long)bytes, messages);
}

/* 100,000 orders of which each book alone has one and one differs: at most
 * 16 kB, where the book itself has 6 MB. */
START_TEST(test_reconcile_f14_three_differences_of_100000)
{
	seed = 1;
	setup_equal(BIG);
	expect_found(0, 0, 0, 128);
	mine[77777].state = cpnp_bytes_str("accepted");
	drop(theirs, &theirs_n, 12345);
	drop(mine, &mine_n, 50000);
	expect_found(1, 1, 1, 16384);
	free_books();
}
END_TEST

/* The amounts count as the state does. */
START_TEST(test_reconcile_f14_names_each_kind)
{
	seed = 2;
	setup_equal(10);
	mine[3].amounts = cpnp_bytes_str("12500.01 EUR of bank");
	expect_found(0, 0, 1, 4096);
	/* what moves between the two fields is no equality */
	mine[3].state = cpnp_bytes_str("agreed1");
	mine[3].amounts = cpnp_bytes_str("2500.00 EUR of bank");
	expect_found(0, 0, 1, 4096);
	mine_n = 0;
	expect_found(0, 10, 0, 4096);
	mine_n = 10;
	theirs_n = 0;
	expect_found(10, 0, 0, 4096);
	mine_n = 0;
	expect_found(0, 0, 0, 128);
	free_books();
}
END_TEST

/* Nothing in common: more than one message holds. */
START_TEST(test_reconcile_books_with_nothing_in_common)
{
	size_t i;

	seed = 3;
	setup_equal(5000);
	for (i = 0; i < theirs_n; i++)
		theirs[i].digest[31] ^= 1;
	expect_found(5000, 5000, 0, 4000000);
	free_books();
}
END_TEST

/* Random books against a merge of the two. */
START_TEST(test_reconcile_random_books)
{
	size_t round, i, a, b, n, only_mine, only_theirs, differ;

	seed = 4;
	for (round = 0; round < 200; round++) {
		n = (size_t)(random_u64() % 400) + 1;
		setup_equal(n);
		/* dense digests: long common prefixes */
		for (i = 0; i < n; i++) {
			memset(mine[i].digest, 7, CPNP_SHA256_LEN);
			mine[i].digest[CPNP_SHA256_LEN - 2] =
			    (uint8_t)(i >> 8);
			mine[i].digest[CPNP_SHA256_LEN - 1] = (uint8_t)i;
		}
		memcpy(theirs, mine, n * sizeof(*mine));
		only_mine = only_theirs = differ = 0;
		for (i = (size_t)(random_u64() % 40); i > 0; i--) {
			if (theirs_n > 0)
				drop(theirs, &theirs_n,
				    (size_t)(random_u64() % theirs_n));
			if (mine_n > 0 && random_u64() % 2 == 0)
				drop(mine, &mine_n,
				    (size_t)(random_u64() % mine_n));
			if (mine_n > 0)
				mine[random_u64() % mine_n].state =
				    cpnp_bytes_str("offered");
		}
		for (a = b = 0; a < mine_n || b < theirs_n;) {
			int order = a == mine_n ? 1 : b == theirs_n ? -1
			    : compare_entries(&mine[a], &theirs[b]);

			only_mine += order < 0;
			only_theirs += order > 0;
			differ += order == 0 && !cpnp_bytes_equal(
			    mine[a].state, theirs[b].state);
			a += order <= 0;
			b += order >= 0;
		}
		expect_found(only_mine, only_theirs, differ, 400000);
		free_books();
	}
}
END_TEST

/* What is not a message of ours is refused, with a reason. */
START_TEST(test_reconcile_refuses_hostile_messages)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} bad[] = {
	    {"", 0, "ends"},
	    {"\x82\x83\x02\x61" "a\x61" "b\x80", 8, "by version 2"},
	    {"\x82\x83\x01\x61" "a\x61" "c\x80", 8, "the book of a about c"},
	    {"\x82\x83\x01\x61" "c\x61" "b\x80", 8, "the book of c about b"},
	    {"\x82\xf6\x80", 3, "type"},
	    {"\x82\x83\x01\x61" "a\x61" "b\x81\x83\x40\x40\xf5", 12, ""},
	    /* an entry outside its range: from ff, digest 00... */
	    {"\x82\x83\x01\x61" "a\x61" "b\x81\x84\x41\xff\x40\xf5\x81\x83"
	     "\x58\x20" "00000000000000000000000000000000" "\x61s\x61m",
	        54, "out of its range"},
	    /* the same digest twice */
	    {"\x82\x83\x01\x61" "a\x61" "b\x81\x84\x40\x40\xf5\x82\x83"
	     "\x58\x20" "00000000000000000000000000000000" "\x61s\x61m"
	     "\x83\x58\x20" "00000000000000000000000000000000" "\x61s\x61m",
	        92, "out of its range"},
	    {"\x82\x83\x01\x61" "a\x61" "b\x80\x80", 9, "after the end"}};
	struct ranges *r;
	struct found found;
	cpnp_diag diag;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memset(&diag, 0, sizeof(diag));
		ck_assert_int_eq(ranges_new(&r, NULL, 0, "b", "a", false,
		    count_found, &found), 0);
		ck_assert_msg(ranges_recv(r, (cpnp_bytes){
		    (const uint8_t *)bad[i].bytes, bad[i].len}, &diag) != 0,
		    "message %zu", i);
		ck_assert_msg(strstr(diag.why, bad[i].why) != NULL,
		    "message %zu: %s", i, diag.why);
		ranges_del(r);
	}
}
END_TEST

/* RANGES_WORK_MAX: twenty bytes that make us read the whole list are not
 * answered for ever. */
START_TEST(test_reconcile_work_limit)
{
	struct ranges *r;
	struct found found = {0};
	cpnp_diag diag = {0};
	cpnp_buf message;
	size_t i, round;
	int err = 0;

	seed = 5;
	setup_equal(5000);
	ck_assert_int_eq(ranges_new(&r, mine, mine_n, "b", "a", false,
	    count_found, &found), 0);
	cpnp_buf_init(&message, &ledger_mem, RANGES_MESSAGE_MAX);
	for (round = 0; round < 100 && err == 0; round++) {
		cpnp_buf_reset(&message);
		cpnp_cbor_put_array(&message, 2);
		if (round == 0) {
			cpnp_cbor_put_array(&message, 3);
			cpnp_cbor_put_uint(&message, RANGES_VERSION);
			cpnp_cbor_put_str(&message, "a");
			cpnp_cbor_put_str(&message, "b");
		} else {
			cpnp_cbor_put_null(&message);
		}
		cpnp_cbor_put_array(&message, 10);
		for (i = 0; i < 10; i++) {
			cpnp_cbor_put_array(&message, 4);
			cpnp_cbor_put_bytes(&message, CPNP_BYTES_NONE);
			cpnp_cbor_put_bytes(&message, CPNP_BYTES_NONE);
			cpnp_cbor_put_bool(&message, false);
			cpnp_cbor_put_array(&message, 0);
		}
		err = ranges_recv(r, cpnp_buf_bytes(&message), &diag);
	}
	ck_assert_int_eq(err, CPNP_ERR_FULL);
	ck_assert_uint_le(found.only_mine, RANGES_WORK_MAX(mine_n));
	cpnp_buf_fini(&message);
	ranges_del(r);
	free_books();
}
END_TEST

/* RANGES_MESSAGE_MAX */
START_TEST(test_reconcile_message_limit)
{
	static const uint8_t zero[RANGES_MESSAGE_MAX + 1];
	struct ranges *r;
	struct found found;
	cpnp_diag diag;

	ck_assert_int_eq(ranges_new(
	    &r, NULL, 0, "b", "a", false, count_found, &found), 0);
	ck_assert_int_eq(ranges_recv(
	    r, (cpnp_bytes){zero, sizeof(zero)}, &diag), CPNP_ERR_TOO_LONG);
	ck_assert_int_ne(ranges_recv(
	    r, (cpnp_bytes){zero, sizeof(zero) - 1}, &diag),
	    CPNP_ERR_TOO_LONG);
	ranges_del(r);
}
END_TEST

/* ---- The tool ---- */

static char dir[64];

static void
run(const char *command, int code, const char *words)
{
	char line[2048];
	int len = snprintf(line, sizeof(line), "{ L=" TOOL "; %s; } 2>&1",
	    command);

	ck_assert_int_lt(len, (int)sizeof(line));
	expect_line(line, code, words);
}

#define HEX "0000000000000000000000000000000000000000000000000000000000000"
#define LINE(n) "echo " HEX n " agreed 1.00 EUR of bank;"

static void
make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "%s", "reconcile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("D", dir, 1), 0);
	run("{ echo cpnp-book 1 a b;" LINE("001") LINE("002") LINE("003")
	    "} >$D/a; { echo cpnp-book 1 b a;" LINE("001")
	    "echo " HEX "002 accepted 1.00 EUR of bank;" LINE("004")
	    "} >$D/b", 0, "");
}

static void
remove_dir(void)
{
	run("rm -r $D", 0, "");
}

START_TEST(test_reconcile_tool_two_books)
{
	run("$L reconcile $D/a $D/b", 1, "3 differences; 3 orders here");
	run("$L reconcile $D/a $D/b", 1, HEX "002\n    here:  agreed, 1.00 EUR"
	    " of bank\n    there: accepted, 1.00 EUR of bank\n");
	run("$L reconcile $D/a $D/b", 1, HEX "003\n    here:  agreed, 1.00 EUR"
	    " of bank\n    there: not there\n");
	run("$L reconcile $D/a $D/b --json", 1, "\"there\":null");
	run("sed '1s/.*/cpnp-book 1 b a/' $D/a >$D/c;"
	    "$L reconcile $D/a $D/c", 0, "agree about all 3 orders");
	run("$L reconcile $D/a $D/a", 1,
	    "the peer has the book of a about b; needed is that of b");
}
END_TEST

/* Two processes and two pipes. */
START_TEST(test_reconcile_tool_with_a_peer)
{
	run("mkfifo $D/x $D/y;"
	    "$L reconcile $D/b --answer -o $D/rb <$D/x >$D/y & p=$!;"
	    "$L reconcile $D/a -o $D/ra >$D/x <$D/y; a=$?; wait $p; b=$?;"
	    "echo codes $a $b", 0, "codes 1 1");
	run("cat $D/ra", 0, "3 differences; 3 orders here");
	run("cat $D/rb", 0, "3 differences; 3 orders here");
	run("cat $D/rb", 0, HEX "004\n    here:  agreed, 1.00 EUR of bank\n"
	    "    there: not there");
	run("$L reconcile $D/a </dev/null >/dev/null", 1,
	    "peer: it has ended before the comparison");
	run("printf '\\377\\0\\0\\0' | $L reconcile $D/a --answer", 1,
	    "a message of 4278190080 bytes");
	run("printf '\\0\\0\\0\\7x' | $L reconcile $D/a --answer", 1,
	    "ended within a message");
	run("printf '\\0\\0\\0\\1x' | $L reconcile $D/a --answer", 1,
	    "peer: ");
}
END_TEST

START_TEST(test_reconcile_tool_says_what_is_wrong)
{
	run("$L reconcile", 1, "book: needed");
	run("$L reconcile --export", 1, "--peer: needed");
	run("$L reconcile $D/none", 1, "cannot read");
	run("echo hello >$D/x; $L reconcile $D/x", 1,
	    "line 1: not \"cpnp-book 1 OWN PEER\"");
	run(": >$D/x; $L reconcile $D/x", 1, "empty");
	run("{ cat $D/a;" LINE("001") "} >$D/x; $L reconcile $D/x", 1,
	    "line 5: not sorted");
	run("{ cat $D/a;" LINE("00") "} >$D/x; $L reconcile $D/x", 1,
	    "line 5: it does not begin with 64");
	run("{ cat $D/a; echo " HEX "00f agreed; } >$D/x;"
	    "$L reconcile $D/x", 1, "its second word");
	run("{ cat $D/a; echo " HEX "00f agreed $(yes A | head -n 256 |"
	    " tr -d '\\n'); } >$D/x; $L reconcile $D/x", 1, "no amounts");
	run("{ cat $D/a; echo " HEX "00f agreed $(yes A | head -n 255 |"
	    " tr -d '\\n'); } >$D/x; $L reconcile $D/x --answer </dev/null",
	    1, "peer: it has ended");
	run("$L reconcile --answer --key x", 2, "usage");
}
END_TEST

/* The journals of both sides of an order give equal books. */
START_TEST(test_reconcile_export_from_journals)
{
	struct pki pki;
	struct party client, provider;
	struct order order;
	char sql[192];

	fx_pki_init(&pki);
	fx_party_init(&client, &pki, "client.example", "ed25519", false);
	fx_party_init(&provider, &pki, "provider.example", "p256", true);
	fx_order_init(&order, "client.example", "provider.example", "C-1");
	fx_negotiate(&client, &provider, &order);
	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s/c.db'", dir);
	fx_sql(client.db, sql);
	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s/p.db'", dir);
	fx_sql(provider.db, sql);
	run("$L reconcile --export --peer provider.example --store $D/c.db"
	    " -o $D/c.book", 0, "");
	run("$L reconcile --export --peer client.example --store $D/p.db", 0,
	    "cpnp-book 1 provider.example client.example\n");
	run("$L reconcile --export --peer client.example --store $D/p.db", 0,
	    " agreed 12500.00 EUR of bank");
	run("$L reconcile --export --peer client.example --store $D/p.db"
	    " -o $D/p.book; $L reconcile $D/c.book $D/p.book", 0,
	    "agree about all 1 orders");
	run("$L reconcile --export --peer other --store $D/p.db", 0,
	    "holds no signed statement");
	fx_order_fini(&order);
	fx_party_fini(&client);
	fx_party_fini(&provider);
	fx_pki_fini(&pki);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_reconcile_f14_three_differences_of_100000,
	    test_reconcile_f14_names_each_kind,
	    test_reconcile_books_with_nothing_in_common,
	    test_reconcile_random_books,
	    test_reconcile_refuses_hostile_messages,
	    test_reconcile_work_limit, test_reconcile_message_limit,
	    test_reconcile_tool_two_books,
	    test_reconcile_tool_with_a_peer,
	    test_reconcile_tool_says_what_is_wrong,
	    test_reconcile_export_from_journals};

	return fx_run("reconcile", tests, sizeof(tests) / sizeof(*tests),
	    make_dir, remove_dir);
}
