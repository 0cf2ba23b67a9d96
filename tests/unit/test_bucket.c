/*
 * Token buckets by source prefix: one bucket held against another way to
 * reckon it, what makes a source, and a table that is full (design: Security).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "unit.h"

#include "net/internal.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct net_buckets table;

static void
setup(void)
{
	ck_assert_int_eq(net_buckets_init(&table, cpnp_env_openssl()), 0);
}

static const uint8_t *
ip_of(const char *text)
{
	static struct net_addr addr;

	ck_assert_int_eq(net_addr_parse(&addr, text, 0), 0);
	return addr.ip;
}

static bool
take(const char *ip, unsigned len, const cpnp_rate *rate, cpnp_tstamp now)
{
	return net_buckets_take(
	    &table, NET_BUCKET_UDP, ip_of(ip), len, rate, now);
}

START_TEST(test_rate_burst_and_steady)
{
	const cpnp_rate rate = {4, 3};
	const cpnp_tstamp start = CPNP_SECONDS(7);
	cpnp_tstamp until = 0;

	for (int i = 0; i < 3; i++)
		ck_assert(cpnp_rate_take(&rate, &until, start));
	ck_assert(!cpnp_rate_take(&rate, &until, start));
	ck_assert(!cpnp_rate_take(
	    &rate, &until, start + CPNP_MILLISECONDS(250) - 1));
	ck_assert(cpnp_rate_take(
	    &rate, &until, start + CPNP_MILLISECONDS(250)));
	ck_assert(!cpnp_rate_take(
	    &rate, &until, start + CPNP_MILLISECONDS(499)));
	/* after a rest the burst is there again, and no more than it */
	for (int i = 0; i < 3; i++)
		ck_assert(cpnp_rate_take(&rate, &until, CPNP_SECONDS(90)));
	ck_assert(!cpnp_rate_take(&rate, &until, CPNP_SECONDS(90)));
}
END_TEST

START_TEST(test_rate_of_nothing_is_one)
{
	const cpnp_rate rate = {0, 0};
	cpnp_tstamp until = 0;

	ck_assert(cpnp_rate_take(&rate, &until, 5));
	ck_assert(!cpnp_rate_take(&rate, &until, 5));
	ck_assert(cpnp_rate_take(&rate, &until, 5 + CPNP_SECONDS(1)));
}
END_TEST

/* A slower bucket of before does not lock out at a faster rate. */
START_TEST(test_rate_changes)
{
	const cpnp_rate slow = {1, 1000}, fast = {10, 10};
	cpnp_tstamp until = 0;

	for (int i = 0; i < 1000; i++)
		ck_assert(cpnp_rate_take(&slow, &until, 0));
	ck_assert(!cpnp_rate_take(&fast, &until, 0));
	ck_assert(!cpnp_rate_take(&fast, &until, CPNP_MILLISECONDS(99)));
	ck_assert(cpnp_rate_take(&fast, &until, CPNP_MILLISECONDS(100)));
}
END_TEST

/* The largest numbers do not overflow. */
START_TEST(test_rate_extremes)
{
	const cpnp_rate slow = {1, UINT32_MAX};
	const cpnp_rate fast = {UINT32_MAX, UINT32_MAX};
	cpnp_tstamp until = 0;

	ck_assert(cpnp_rate_take(&slow, &until, CPNP_SECONDS(1u << 30)));
	until = CPNP_NEVER / 2;
	ck_assert(!cpnp_rate_take(&slow, &until, CPNP_SECONDS(1)));
	ck_assert_uint_le(until, CPNP_SECONDS(1) +
	    CPNP_SECONDS((cpnp_tstamp)UINT32_MAX));
	until = 0;
	ck_assert(cpnp_rate_take(&fast, &until, 1));
}
END_TEST

struct tokens {
	uint64_t level; /* in tokens * 10^9 */
	cpnp_tstamp at;
};

/* The same bucket as a level that rises and falls. */
static bool
tokens_take(struct tokens *t, const cpnp_rate *rate, cpnp_tstamp now)
{
	const uint64_t one = 1000000000;

	t->level += (now - t->at) * rate->per_second;
	t->at = now;
	if (t->level > rate->burst * one)
		t->level = rate->burst * one;
	if (t->level < one)
		return false;
	t->level -= one;
	return true;
}

/* Property: a hundred sources that come at random moments get exactly what a
 * level of tokens would give each of them. */
START_TEST(test_buckets_are_token_buckets)
{
	const cpnp_rate rate = {50, 20}; /* an interval without a remainder */
	struct tokens model[100];
	cpnp_tstamp now = CPNP_SECONDS(1);
	uint64_t seed = 1;
	unsigned given = 0, refused = 0;

	setup();
	for (size_t i = 0; i < N_OF(model); i++)
		model[i] = (struct tokens){
		    (uint64_t)rate.burst * 1000000000, now};
	for (int i = 0; i < 200000; i++) {
		uint8_t ip[16] = {0x20, 1};
		size_t source;
		bool want;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		source = (seed >> 33) % N_OF(model);
		now += (seed >> 12) % 400000; /* 5000 a second in the mean */
		ip[5] = (uint8_t)source;
		ip[15] = (uint8_t)i; /* no bit of a source */
		want = tokens_take(&model[source], &rate, now);
		ck_assert(net_buckets_take(&table, NET_BUCKET_UDP, ip, 56,
			      &rate, now) == want);
		given += want;
		refused += !want;
	}
	ck_assert_uint_gt(given, 1000);
	ck_assert_uint_gt(refused, 1000);
	net_buckets_fini(&table);
}
END_TEST

START_TEST(test_source_is_a_prefix)
{
	static const struct {
		const char *one, *other;
		unsigned len;
		bool same;
	} rows[] = {
	    {"192.0.2.1", "192.0.2.2", 96 + 32, false},
	    {"192.0.2.1", "192.0.2.254", 96 + 24, true},
	    {"192.0.2.1", "192.0.3.1", 96 + 24, false},
	    {"192.0.2.1", "192.0.3.1", 96 + 23, true},
	    {"10.15.0.1", "10.16.0.1", 96 + 12, false},
	    {"10.16.0.1", "10.31.0.1", 96 + 12, true},
	    {"192.0.2.1", "198.51.100.1", 96, true},
	    {"2001:db8::1", "2001:db8:0:ff::1", 56, true},
	    {"2001:db8::1", "2001:db8:0:100::1", 56, false},
	    {"2001:db8::1", "2001:db8::2", 128, false},
	    {"2001:db8::1", "2a00::1", 2, true},
	    {"2001:db8::1", "4001:db8::1", 2, false},
	};
	const cpnp_rate rate = {1, 1};

	for (size_t i = 0; i < N_OF(rows); i++) {
		setup();
		ck_assert(take(rows[i].one, rows[i].len, &rate, 1));
		ck_assert_msg(take(rows[i].other, rows[i].len, &rate, 1) !=
				  rows[i].same,
		    "%s and %s, %u bits", rows[i].one, rows[i].other,
		    rows[i].len);
		net_buckets_fini(&table);
	}
}
END_TEST

/* Neither what it asks for nor the length of a prefix is shared. */
START_TEST(test_source_has_a_bucket_for_each_kind)
{
	const cpnp_rate rate = {1, 1};

	setup();
	for (int kind = NET_BUCKET_UDP; kind <= NET_BUCKET_FAIL; kind++) {
		ck_assert(net_buckets_take(&table,
		    (enum net_bucket_kind)kind, ip_of("192.0.2.0"), 128,
		    &rate, 1));
		ck_assert(!net_buckets_take(&table,
		    (enum net_bucket_kind)kind, ip_of("192.0.2.0"), 128,
		    &rate, 1));
	}
	ck_assert(take("192.0.2.0", 120, &rate, 1));
	net_buckets_fini(&table);
}
END_TEST

/* Nobody can reckon which sources share a set. */
START_TEST(test_places_are_secret)
{
	const cpnp_rate rate = {1, 1};
	struct net_buckets other;
	size_t equal = 0;

	setup();
	ck_assert_int_eq(net_buckets_init(&other, cpnp_env_openssl()), 0);
	for (uint8_t i = 0; i < 200; i++) {
		uint8_t ip[16] = {0xfd, [15] = i};

		net_buckets_take(&table, NET_BUCKET_UDP, ip, 128, &rate, 1);
		net_buckets_take(&other, NET_BUCKET_UDP, ip, 128, &rate, 1);
	}
	for (size_t i = 0; i < NET_BUCKETS; i++)
		equal += table.places[i].tag != 0 && other.places[i].tag != 0;
	ck_assert_uint_lt(equal, 50);
	net_buckets_fini(&table);
	net_buckets_fini(&other);
}
END_TEST

static bool
take_numbered(uint32_t n, const cpnp_rate *rate, cpnp_tstamp now)
{
	uint8_t ip[16] = {0x20, 1};

	memcpy(ip + 4, &n, sizeof(n));
	return net_buckets_take(&table, NET_BUCKET_HELLO, ip, 64, rate, now);
}

/* A million new sources at one moment get no more than the places have, and
 * all of it comes back with time: a stranger waits for one interval. */
START_TEST(test_full_table_lets_no_flood_through)
{
	const cpnp_rate rate = {10, 4};
	uint32_t given = 0;

	setup();
	for (uint32_t n = 0; n < 1000000; n++)
		given += take_numbered(n, &rate, 1);
	ck_assert_uint_le(given, NET_BUCKETS * rate.burst);
	ck_assert_uint_gt(given, NET_BUCKETS / 2 * rate.burst);
	ck_assert_uint_gt(table.shared, 0);
	for (uint32_t n = 2000000; n < 2000100; n++)
		ck_assert(!take_numbered(n, &rate, 1));
	for (uint32_t n = 2000000; n < 2000100; n++)
		ck_assert(
		    take_numbered(n, &rate, 1 + CPNP_MILLISECONDS(100)));
	net_buckets_fini(&table);
}
END_TEST

/* Who uses its own tokens keeps its bucket though others fill the table: the
 * 20 that a second gives while a flood of 10,000 new sources a second runs. */
START_TEST(test_flood_locks_nobody_out)
{
	const cpnp_rate rate = {20, 20};
	uint32_t stranger = 1;
	int given = 0;

	setup();
	for (cpnp_tstamp ms = 0; ms < 5000; ms++) {
		for (int i = 0; i < 10; i++)
			take_numbered(++stranger, &rate, CPNP_MILLISECONDS(ms));
		if (ms % 50 == 0)
			given += take_numbered(0, &rate, CPNP_MILLISECONDS(ms));
	}
	ck_assert_int_eq(given, 100);
	net_buckets_fini(&table);
}
END_TEST

/* Who is over its rate does not get a fresh bucket by having lost its own. */
START_TEST(test_replaced_bucket_is_not_full)
{
	const cpnp_rate rate = {1, 3};
	uint32_t given = 0, n;

	setup();
	/* the first token of each is of a table with room */
	for (int round = 0; round < 20; round++)
		for (n = 0; n < 2 * NET_BUCKETS; n++)
			given += take_numbered(n, &rate, 1);
	ck_assert_uint_le(given, NET_BUCKETS * rate.burst);
	net_buckets_fini(&table);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_rate_burst_and_steady,
	    test_rate_of_nothing_is_one,
	    test_rate_changes,
	    test_rate_extremes,
	    test_buckets_are_token_buckets,
	    test_source_is_a_prefix,
	    test_source_has_a_bucket_for_each_kind,
	    test_places_are_secret,
	    test_full_table_lets_no_flood_through,
	    test_flood_locks_nobody_out,
	    test_replaced_bucket_is_not_full,
	};

	return unit_run("bucket", tests, N_OF(tests));
}
