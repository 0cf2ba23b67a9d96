/*
 * Parts over a link that loses, doubles and reorders, from seeds; bounds;
 * peers that lie; memory that runs out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/cpd.h>
#include <cpnp/parts.h>

#include "messages.h"

#define DATAGRAM (1280 - 48 - 37) /* IPv6, UDP and a DTLS record off */
#define ALICE 7
#define BOB 9
#define FLIGHTS_MAX 256

static uint8_t long_store[CPNP_MSG_MAX + 64];
static uint8_t part_store[CPNP_DATAGRAM_MAX + 1024];

/* ---- an environment that fails on demand ---- */

static size_t live, calls, fail_at;
static bool no_digest;

static void *
mem_realloc(void *user, void *ptr, size_t size)
{
	void *grown;

	(void)user;
	if (++calls == fail_at)
		return NULL;
	grown = realloc(ptr, size);
	ck_assert_ptr_nonnull(grown);
	live += ptr == NULL;
	return grown;
}

static void *
mem_alloc(void *user, size_t size)
{
	return mem_realloc(user, NULL, size);
}

static void
mem_free(void *user, void *ptr)
{
	(void)user;
	live -= ptr != NULL;
	free(ptr);
}

/* Stands for SHA-256: what differs has another digest. */
static int
add_up(void *user, const cpnp_bytes *list, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	uint64_t sum = 14695981039346656037u;

	(void)user;
	if (no_digest)
		return -1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].len; k++)
			sum = (sum ^ list[i].ptr[k]) * 1099511628211u;
	memset(digest, 0x5a, CPNP_SHA256_LEN);
	memcpy(digest, &sum, sizeof(sum));
	return 0;
}

static const cpnp_env env = {
    .mem = {NULL, mem_alloc, mem_realloc, mem_free},
    .sha256 = add_up,
};

static cpnp_parts *
parts_new(void)
{
	cpnp_parts *parts;

	ck_assert_int_eq(cpnp_parts_new(&parts, &env), 0);
	return parts;
}

static cpnp_parts_counters
counters(const cpnp_parts *parts)
{
	cpnp_parts_counters count;

	cpnp_parts_get_counters(parts, &count);
	return count;
}

/* ---- messages ---- */

static uint32_t
random_number(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

static cpnp_bytes
with_service(cpnp_edition edition, cpnp_bytes service)
{
	cpnp_msg msg = message_of(edition, CPNP_METHOD_CANCEL,
	    attrs_of(edition, CPNP_METHOD_CANCEL, CPNP_MANDATORY) |
		BIT(SERVICE_DESCRIPTION));
	cpnp_buf buf;

	msg.service_description = service;
	cpnp_buf_init_fixed(&buf, long_store, sizeof(long_store));
	ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL), 0);
	return cpnp_buf_bytes(&buf);
}

/* A CANCEL of total bytes, 400 or more; salt makes it another one. */
static cpnp_bytes
message_of_len(cpnp_edition edition, size_t total, uint64_t salt)
{
	static uint8_t body[CPNP_MSG_MAX], item_store[CPNP_MSG_MAX + 16];
	size_t len, rest =
	    with_service(edition, LIT("\x82\x00\x80")).len - 1;
	cpnp_bytes message;
	cpnp_buf item;

	for (len = 0; len < sizeof(body); len++)
		body[len] = (uint8_t)random_number(&salt);
	len = total - rest - 3;
	if (len > 65535)
		len -= 2;
	cpnp_buf_init_fixed(&item, item_store, sizeof(item_store));
	cpnp_cbor_put_array(&item, 2);
	cpnp_cbor_put_uint(&item, 0);
	cpnp_cbor_put_bytes(&item, (cpnp_bytes){body, len});
	message = with_service(edition, cpnp_buf_bytes(&item));
	ck_assert_uint_eq(message.len, total);
	return message;
}

static void
put_site(cpnp_buf *buf, size_t i)
{
	char text[64];

	cpnp_cbor_put_map(buf, 4);
	cpnp_cbor_put_uint(buf, 1);
	(void)snprintf(text, sizeof(text), "branch-%03zu", i);
	cpnp_cbor_put_str(buf, text);
	cpnp_cbor_put_uint(buf, 3);
	(void)snprintf(text, sizeof(text), "Market town number %zu", i);
	cpnp_cbor_put_str(buf, text);
	cpnp_cbor_put_uint(buf, 4);
	cpnp_cbor_put_array(buf, 2);
	cpnp_cbor_put_int(buf, 48000000 + (int64_t)i * 1000);
	cpnp_cbor_put_int(buf, -2000000 - (int64_t)i * 1000);
	cpnp_cbor_put_uint(buf, 5);
	(void)snprintf(
	    text, sizeof(text), "%zu Station Road, 12345 Market Town", i);
	cpnp_cbor_put_str(buf, text);
}

/* A CPD of 100 sites, as a message. */
static cpnp_bytes
hundred_sites(cpnp_edition edition)
{
	static uint8_t item_store[65536];
	cpnp_mem mem = env.mem;
	cpnp_cpd cpd;
	cpnp_buf item;

	cpnp_buf_init_fixed(&item, item_store, sizeof(item_store));
	cpnp_buf_put_raw(
	    &item, LIT("\x82\x00\xa1\x02\x81\xa1\x02\x81\xa1\x01"));
	cpnp_cbor_put_array(&item, 100);
	for (size_t i = 1; i <= 100; i++)
		put_site(&item, i);
	ck_assert_int_eq(
	    cpnp_cpd_decode(&cpd, cpnp_buf_bytes(&item), &mem, NULL), 0);
	cpnp_cpd_fini(&cpd);
	return with_service(edition, cpnp_buf_bytes(&item));
}

/* ---- two ends and a link ---- */

struct flight {
	cpnp_tstamp at;
	uint64_t to;
	size_t len;
	uint8_t bytes[DATAGRAM];
};

static struct link {
	uint64_t seed;
	unsigned loss, doubled; /* per cent */
	cpnp_tstamp now;
	cpnp_parts *alice, *bob;
	size_t datagram_max; /* seen */
	size_t sent, delivered, acked, failed;
	cpnp_bytes message; /* of Alice, that Bob is to get */
	struct flight flights[FLIGHTS_MAX];
	size_t flights_n;
} l;

static void
fly(uint64_t to, cpnp_bytes bytes)
{
	unsigned copies = random_number(&l.seed) % 100 < l.doubled ? 2 : 1;

	l.sent++;
	if (bytes.len > l.datagram_max)
		l.datagram_max = bytes.len;
	ck_assert_uint_le(bytes.len, DATAGRAM);
	for (; copies > 0; copies--) {
		struct flight *flight = &l.flights[l.flights_n];

		if (random_number(&l.seed) % 100 < l.loss)
			continue;
		ck_assert_uint_lt(l.flights_n, FLIGHTS_MAX);
		l.flights_n++;
		flight->at = l.now +
		    CPNP_MILLISECONDS(5 + random_number(&l.seed) % 40);
		flight->to = to;
		flight->len = bytes.len;
		memcpy(flight->bytes, bytes.ptr, bytes.len);
	}
}

static void
take_effects(cpnp_parts *parts)
{
	cpnp_parts_effect effect;

	while (cpnp_parts_next(parts, &effect)) {
		switch (effect.type) {
		case CPNP_PARTS_SEND:
			fly(effect.peer, effect.bytes);
			break;
		case CPNP_PARTS_DELIVER:
			ck_assert(parts == l.bob && effect.peer == ALICE);
			unit_assert_bytes(effect.bytes, l.message);
			l.delivered++;
			break;
		case CPNP_PARTS_ACKED:
			unit_assert_bytes(effect.bytes, l.message);
			l.acked++;
			break;
		case CPNP_PARTS_FAILED:
			unit_assert_bytes(effect.bytes, l.message);
			l.failed++;
			break;
		}
	}
}

static void
link_begin(uint64_t seed, unsigned loss, unsigned doubled)
{
	memset(&l, 0, sizeof(l));
	l.seed = seed;
	l.loss = loss;
	l.doubled = doubled;
	l.now = CPNP_SECONDS(1000);
	l.alice = parts_new();
	l.bob = parts_new();
}

static void
link_end(void)
{
	cpnp_parts_del(l.alice);
	cpnp_parts_del(l.bob);
}

static void
arrive(size_t i)
{
	struct flight flight = l.flights[i];
	bool to_bob = flight.to == BOB;

	l.flights[i] = l.flights[--l.flights_n];
	ck_assert(cpnp_parts_is_part((cpnp_bytes){flight.bytes, flight.len}));
	ck_assert_int_eq(cpnp_parts_recv(to_bob ? l.bob : l.alice,
			     to_bob ? ALICE : BOB,
			     (cpnp_bytes){flight.bytes, flight.len}, l.now),
	    0);
	take_effects(to_bob ? l.bob : l.alice);
}

/* Until Alice knows the outcome and nothing is in the air. */
static void
link_run(void)
{
	size_t ends = l.acked + l.failed;

	take_effects(l.alice);
	while (l.acked + l.failed == ends || l.flights_n > 0) {
		cpnp_tstamp at = cpnp_parts_expiry(l.alice);
		size_t first = FLIGHTS_MAX;

		for (size_t i = 0; i < l.flights_n; i++) {
			if (l.flights[i].at <= at) {
				at = l.flights[i].at;
				first = i;
			}
		}
		ck_assert_uint_ne(at, CPNP_NEVER);
		l.now = at > l.now ? at : l.now;
		if (first < FLIGHTS_MAX) {
			arrive(first);
		} else {
			cpnp_parts_handle_expiry(l.alice, l.now);
			take_effects(l.alice);
		}
	}
}

static void
send_to_bob(bool again)
{
	ck_assert_int_eq(cpnp_parts_send(l.alice, BOB, l.message, DATAGRAM,
			     again, l.now),
	    0);
}

/* 100 sites over a path of 1280 bytes with 10 % loss (issue 3, 3). */
START_TEST(test_parts_hundred_sites_over_a_bad_link)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		cpnp_edition edition = (cpnp_edition)(seed % 2);
		cpnp_tstamp began;

		link_begin(seed, 10, 10);
		began = l.now;
		l.message = hundred_sites(edition);
		ck_assert_uint_gt(l.message.len, 6 * DATAGRAM);
		ck_assert(!cpnp_parts_fits(l.message.len, DATAGRAM));
		send_to_bob(false);
		link_run();
		ck_assert_msg(l.acked == 1 && l.failed == 0, "seed %d",
		    (int)seed);
		ck_assert_uint_ge(l.delivered, 1);
		ck_assert_uint_ge(l.datagram_max, 1024);
		/* and does not take for ever: no message more than 20 s */
		ck_assert_msg(l.now - began < CPNP_SECONDS(20),
		    "seed %d: %d ms", (int)seed,
		    (int)((l.now - began) / 1000000));
		link_end();
	}
	ck_assert_uint_eq(live, 0);
}
END_TEST

START_TEST(test_parts_longest_message)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		link_begin(seed, 10, 5);
		l.message = message_of_len(
		    CPNP_EDITION_RFC8921, CPNP_MSG_MAX, seed);
		send_to_bob(false);
		link_run();
		ck_assert_uint_eq(l.acked, 1);
		ck_assert_uint_ge(l.delivered, 1);
		link_end();
	}
}
END_TEST

/* Without loss: each part once, each answered, one delivery, no question. */
START_TEST(test_parts_good_link_sends_each_part_once)
{
	size_t n;

	link_begin(1, 0, 0);
	l.message = message_of_len(CPNP_EDITION_RFC8921, 65536, 1);
	n = (65536 + 1023) / 1024;
	send_to_bob(false);
	send_to_bob(true); /* under way already: nothing more */
	link_run();
	ck_assert_uint_eq(counters(l.alice).asked, 0);
	ck_assert_uint_eq(counters(l.bob).received, n);
	ck_assert_uint_eq(l.sent, 2 * n);
	ck_assert_uint_eq(l.delivered, 1);
	ck_assert_uint_eq(counters(l.alice).out_messages, 0);
	ck_assert_uint_eq(counters(l.alice).out_bytes, 0);
	link_end();
}
END_TEST

/* A retransmission asks for the bitmap first, and is delivered again. */
START_TEST(test_parts_retransmission_is_a_question)
{
	size_t before;

	link_begin(1, 0, 0);
	l.message = message_of_len(CPNP_EDITION_DRAFT02, 20000, 1);
	send_to_bob(false);
	link_run();
	before = l.sent;
	l.now += CPNP_SECONDS(2);
	send_to_bob(true);
	link_run();
	ck_assert_uint_eq(l.sent, before + 2);
	ck_assert_uint_eq(l.delivered, 2);
	ck_assert_uint_eq(l.acked, 2);
	/* not twice within a second */
	send_to_bob(true);
	link_run();
	ck_assert_uint_eq(l.delivered, 2);
	ck_assert_uint_eq(l.acked, 3);
	/* Bob has forgotten: the question brings all of it */
	l.now += CPNP_PARTS_KEEP_TIME;
	cpnp_parts_handle_expiry(l.bob, l.now);
	ck_assert_uint_eq(counters(l.bob).in_messages, 0);
	ck_assert_uint_eq(counters(l.bob).in_bytes, 0);
	send_to_bob(true);
	link_run();
	ck_assert_uint_eq(l.delivered, 3);
	link_end();
}
END_TEST

/* Nobody answers: questions ever more slowly, then it has failed. */
START_TEST(test_parts_silence_fails)
{
	cpnp_tstamp began, wait = CPNP_PARTS_RETRANS_MIN;

	link_begin(1, 100, 0);
	began = l.now;
	l.message = message_of_len(CPNP_EDITION_RFC8921, 20000, 1);
	send_to_bob(false);
	take_effects(l.alice);
	ck_assert_uint_eq(l.sent, CPNP_PARTS_WINDOW_MIN);
	for (unsigned i = 0; i < CPNP_PARTS_RETRIES_MAX; i++) {
		l.now += wait - 1;
		cpnp_parts_handle_expiry(l.alice, l.now);
		take_effects(l.alice);
		ck_assert_uint_eq(l.sent, CPNP_PARTS_WINDOW_MIN + i);
		l.now++;
		ck_assert_uint_eq(cpnp_parts_expiry(l.alice), l.now);
		cpnp_parts_handle_expiry(l.alice, l.now);
		take_effects(l.alice);
		ck_assert_uint_eq(l.sent, CPNP_PARTS_WINDOW_MIN + i + 1);
		wait = 2 * wait < CPNP_PARTS_RETRANS_MAX
		    ? 2 * wait
		    : CPNP_PARTS_RETRANS_MAX;
	}
	link_run();
	ck_assert_uint_eq(l.failed, 1);
	ck_assert_uint_lt(l.now - began, CPNP_PARTS_TIME_MAX);
	ck_assert_uint_eq(counters(l.alice).out_messages, 0);
	ck_assert_uint_eq(cpnp_parts_expiry(l.alice), CPNP_NEVER);
	link_end();
}
END_TEST

/* ---- a peer that writes its parts by hand ---- */

struct hand {
	cpnp_msg msg;
	uint8_t digest[CPNP_SHA256_LEN];
};

static void
hand_begin(struct hand *hand, cpnp_bytes whole)
{
	hand->msg = message_of(CPNP_EDITION_RFC8921, CPNP_METHOD_PARTS,
	    attrs_of(CPNP_EDITION_RFC8921, CPNP_METHOD_PARTS,
		CPNP_MANDATORY));
	(void)add_up(NULL, &whole, 1, hand->digest);
	hand->msg.total_length = (uint32_t)whole.len;
	hand->msg.message_digest =
	    (cpnp_bytes){hand->digest, sizeof(hand->digest)};
}

/* What recv says to the part, the question or the answer. */
static int
hand_send(struct hand *hand, cpnp_parts *parts, uint64_t attrs, uint64_t peer,
    cpnp_tstamp now)
{
	cpnp_msg msg = hand->msg;
	cpnp_buf buf;

	msg.present |= attrs;
	cpnp_buf_init_fixed(&buf, part_store, sizeof(part_store));
	assemble(&msg, -1, CPNP_BYTES_NONE, &buf);
	ck_assert(cpnp_parts_is_part(cpnp_buf_bytes(&buf)));
	return cpnp_parts_recv(parts, peer, cpnp_buf_bytes(&buf), now);
}

static int
hand_part(struct hand *hand, cpnp_parts *parts, size_t offset,
    cpnp_bytes bytes)
{
	hand->msg.part_offset = (uint32_t)offset;
	hand->msg.part = bytes;
	return hand_send(hand, parts, BIT(PART_OFFSET) | BIT(PART), ALICE, 1);
}

/* The effects of a datagram: the answer's bits as hex, "!" behind them for a
 * delivery; what was sent of another kind is "?". */
static const char *
hand_effects(cpnp_parts *parts)
{
	static char text[512];
	cpnp_parts_effect effect;
	size_t n = 0;
	cpnp_msg msg;

	text[0] = '\0';
	while (cpnp_parts_next(parts, &effect)) {
		if (effect.type == CPNP_PARTS_DELIVER) {
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "!");
			continue;
		}
		ck_assert_int_eq(effect.type, CPNP_PARTS_SEND);
		ck_assert_int_eq(cpnp_msg_decode(&msg, effect.bytes, NULL), 0);
		if (!cpnp_msg_has(&msg, CPNP_ATTR_PARTS_HELD))
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "?");
		else
			for (size_t i = 0; i < msg.parts_held.len; i++)
				n += (size_t)snprintf(text + n,
				    sizeof(text) - n, "%02x",
				    msg.parts_held.ptr[i]);
	}
	return text;
}

static cpnp_bytes
slice(cpnp_bytes bytes, size_t offset, size_t len)
{
	return (cpnp_bytes){bytes.ptr + offset, len};
}

START_TEST(test_parts_form_of_a_part)
{
	static const struct {
		uint32_t total, offset;
		size_t len;
		int err;
	} cases[] = {
	    {1000, 0, 256, 0},
	    {1000, 0, 768, 0},
	    {1000, 0, 1000, 0},
	    {1000, 768, 232, 0},
	    {1000, 256, 744, 0},
	    {1000, 0, 255, CPNP_ERR_RANGE},    /* no whole block */
	    {1000, 0, 257, CPNP_ERR_RANGE},
	    {1000, 128, 256, CPNP_ERR_RANGE},  /* not where one begins */
	    {1000, 768, 231, CPNP_ERR_RANGE},
	    {1000, 768, 256, CPNP_ERR_RANGE},  /* over the end */
	    {1000, 1024, 256, CPNP_ERR_RANGE}, /* behind it */
	    {1000, 130816, 256, CPNP_ERR_RANGE},
	    {1024, 1024, 256, CPNP_ERR_RANGE},
	};
	static const uint8_t zeros[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cpnp_parts *parts = parts_new();
		struct hand hand;

		hand_begin(&hand, (cpnp_bytes){zeros, cases[i].total});
		hand.digest[0] ^= 1;
		ck_assert_msg(hand_part(&hand, parts, cases[i].offset,
				  (cpnp_bytes){zeros, cases[i].len}) ==
			(cases[i].len == cases[i].total ? CPNP_ERR_MISMATCH
							: cases[i].err),
		    "case %d", (int)i);
		ck_assert_uint_eq(counters(parts).in_messages,
		    cases[i].err == 0 && cases[i].len < cases[i].total);
		cpnp_parts_del(parts);
	}
}
END_TEST

START_TEST(test_parts_form_of_the_rest)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 1000, 1);
	cpnp_parts *parts = parts_new();
	struct hand hand;

	hand_begin(&hand, message);
	hand.msg.part_offset = 0;
	hand.msg.part = slice(message, 0, 256);
	ck_assert_int_eq(hand_send(&hand, parts, BIT(PART), ALICE, 1),
	    CPNP_ERR_ATTR_MISSING);
	ck_assert_int_eq(hand_send(&hand, parts, BIT(PART_OFFSET), ALICE, 1),
	    CPNP_ERR_ATTR_MISSING);
	ck_assert_int_eq(hand_send(&hand, parts,
			     BIT(PART_OFFSET) | BIT(PART) | BIT(PARTS_HELD),
			     ALICE, 1),
	    CPNP_ERR_ATTR_UNEXPECTED);
	/* four blocks: one byte, the last four bits zero */
	hand.msg.parts_held = LIT("\xf0");
	ck_assert_int_eq(hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1), 0);
	hand.msg.parts_held = LIT("\xf8");
	ck_assert_int_eq(hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1),
	    CPNP_ERR_RANGE);
	hand.msg.parts_held = LIT("\xf0\x00");
	ck_assert_int_eq(hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1),
	    CPNP_ERR_RANGE);
	ck_assert_str_eq(hand_effects(parts), "");
	ck_assert_uint_eq(counters(parts).invalid, 5);
	/* what does not decode */
	ck_assert_int_eq(cpnp_parts_recv(parts, ALICE, LIT("\x83\x01\x00"), 1),
	    CPNP_ERR_TRUNCATED);
	ck_assert(!cpnp_parts_is_part(LIT("\x83\x01")));
	ck_assert(!cpnp_parts_is_part(LIT("\x83\x02\x00\xa0")));
	ck_assert(!cpnp_parts_is_part(message));
	/* an answer to nothing made nothing */
	ck_assert_uint_eq(counters(parts).in_messages, 0);
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
}
END_TEST

/* Answers show what is held; a question makes us keep nothing. */
START_TEST(test_parts_answers_say_what_is_held)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 2400, 1);
	cpnp_parts *parts = parts_new();
	struct hand hand;

	hand_begin(&hand, message);
	ck_assert_int_eq(hand_send(&hand, parts, 0, ALICE, 1), 0);
	ck_assert_str_eq(hand_effects(parts), "0000");
	ck_assert_uint_eq(counters(parts).in_messages, 0);
	ck_assert_int_eq(
	    hand_part(&hand, parts, 2304, slice(message, 2304, 96)), 0);
	ck_assert_str_eq(hand_effects(parts), "0040");
	/* another peer's is another's */
	ck_assert_int_eq(hand_send(&hand, parts, 0, BOB, 1), 0);
	ck_assert_str_eq(hand_effects(parts), "0000");
	ck_assert_int_eq(
	    hand_part(&hand, parts, 256, slice(message, 256, 512)), 0);
	/* nothing is taken while effects wait */
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, slice(message, 0, 256)),
	    CPNP_ERR_STATE);
	ck_assert_str_eq(hand_effects(parts), "6040");
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, slice(message, 0, 2304)), 0);
	ck_assert_str_eq(hand_effects(parts), "ffc0!");
	/* and again: an answer, no second delivery of it */
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, slice(message, 0, 256)), 0);
	ck_assert_str_eq(hand_effects(parts), "ffc0");
	cpnp_parts_del(parts);
}
END_TEST

/* Overlapping bytes that differ: what came first stays, and when that is not
 * the message all of it goes. */
START_TEST(test_parts_overlap_and_lies)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 1000, 1);
	static uint8_t wrong[1000];
	cpnp_parts *parts = parts_new();
	struct hand hand;

	hand_begin(&hand, message);
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, slice(message, 0, 512)), 0);
	(void)hand_effects(parts);
	ck_assert_int_eq(
	    hand_part(&hand, parts, 256, (cpnp_bytes){wrong, 256}), 0);
	(void)hand_effects(parts);
	ck_assert_int_eq(
	    hand_part(&hand, parts, 512, slice(message, 512, 488)), 0);
	ck_assert_str_eq(hand_effects(parts), "f0!");
	cpnp_parts_forget(parts, ALICE);

	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, (cpnp_bytes){wrong, 512}), 0);
	(void)hand_effects(parts);
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, slice(message, 0, 1000)),
	    CPNP_ERR_MISMATCH);
	ck_assert_str_eq(hand_effects(parts), "");
	ck_assert_uint_eq(counters(parts).in_messages, 0);
	ck_assert_uint_eq(counters(parts).in_bytes, 0);
	/* and it can begin anew */
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, slice(message, 0, 1000)), 0);
	ck_assert_str_eq(hand_effects(parts), "f0!");

	/* another length is another message, whatever the digest says */
	hand.msg.total_length = 999;
	ck_assert_int_eq(hand_send(&hand, parts, 0, ALICE, 1), 0);
	ck_assert_str_eq(hand_effects(parts), "00");
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, slice(message, 0, 999)),
	    CPNP_ERR_MISMATCH);
	/* parts of a part */
	hand_begin(&hand, LIT("\x83\x01\x00\xa0"));
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, LIT("\x83\x01\x00\xa0")),
	    CPNP_ERR_METHOD);
	ck_assert_str_eq(hand_effects(parts), "");
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
}
END_TEST

START_TEST(test_parts_messages_interleaved)
{
	static uint8_t first_store[1000];
	cpnp_bytes first = {first_store, sizeof(first_store)}, second;
	cpnp_parts *parts = parts_new();
	struct hand a, b;

	memcpy(first_store,
	    message_of_len(CPNP_EDITION_RFC8921, 1000, 1).ptr, 1000);
	second = message_of_len(CPNP_EDITION_RFC8921, 1000, 2);
	hand_begin(&a, first);
	hand_begin(&b, second);
	for (size_t at = 0; at < 768; at += 256) {
		ck_assert_int_eq(
		    hand_part(&a, parts, at, slice(first, at, 256)), 0);
		(void)hand_effects(parts);
		ck_assert_int_eq(
		    hand_part(&b, parts, at, slice(second, at, 256)), 0);
		(void)hand_effects(parts);
	}
	ck_assert_int_eq(
	    hand_part(&b, parts, 768, slice(second, 768, 232)), 0);
	ck_assert_str_eq(hand_effects(parts), "f0!");
	ck_assert_int_eq(
	    hand_part(&a, parts, 768, slice(first, 768, 232)), 0);
	ck_assert_str_eq(hand_effects(parts), "f0!");
	cpnp_parts_del(parts);
}
END_TEST

/* ---- bounds ---- */

/* One block of a message of that length, whose name is number. */
static int
promise(cpnp_parts *parts, uint64_t peer, uint32_t number, uint32_t total)
{
	static const uint8_t block[CPNP_PART_BLOCK];
	struct hand hand;
	int err;

	hand_begin(&hand, CPNP_BYTES_NONE);
	memcpy(hand.digest, &number, sizeof(number));
	hand.msg.total_length = total;
	hand.msg.part_offset = 0;
	hand.msg.part = (cpnp_bytes){block, sizeof(block)};
	err = hand_send(&hand, parts, BIT(PART_OFFSET) | BIT(PART), peer, 1);
	(void)hand_effects(parts);
	return err;
}

START_TEST(test_parts_bound_of_messages_of_a_peer)
{
	cpnp_parts *parts = parts_new();

	for (uint32_t i = 0; i < CPNP_PARTS_PEER_MESSAGES_MAX; i++)
		ck_assert_int_eq(promise(parts, ALICE, i, CPNP_MSG_MAX), 0);
	ck_assert_int_eq(
	    promise(parts, ALICE, 99999, CPNP_MSG_MAX), CPNP_ERR_FULL);
	/* what is under way goes on, and others are not hit */
	ck_assert_int_eq(promise(parts, ALICE, 0, CPNP_MSG_MAX), 0);
	ck_assert_int_eq(promise(parts, BOB, 99999, CPNP_MSG_MAX), 0);
	ck_assert_uint_eq(counters(parts).refused, 1);
	/* promises cost nothing: a slab each, and the bookkeeping */
	ck_assert_uint_lt(counters(parts).in_bytes,
	    (CPNP_PARTS_PEER_MESSAGES_MAX + 1) * (4096 + 1024));
	/* time makes room: what is slow is given up */
	ck_assert_uint_eq(cpnp_parts_expiry(parts), 1 + CPNP_PARTS_TIME_MAX);
	cpnp_parts_handle_expiry(parts, CPNP_PARTS_TIME_MAX);
	ck_assert_uint_eq(counters(parts).late, 0);
	cpnp_parts_handle_expiry(parts, 1 + CPNP_PARTS_TIME_MAX);
	ck_assert_uint_eq(
	    counters(parts).late, CPNP_PARTS_PEER_MESSAGES_MAX + 1);
	ck_assert_uint_eq(counters(parts).in_bytes, 0);
	ck_assert_uint_eq(cpnp_parts_expiry(parts), CPNP_NEVER);
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
}
END_TEST

/* All blocks of a message but the last. */
static int
fill(cpnp_parts *parts, uint64_t peer, uint32_t number)
{
	static const uint8_t bytes[CPNP_DATAGRAM_MAX];
	struct hand hand;
	int err = 0;

	hand_begin(&hand, CPNP_BYTES_NONE);
	memcpy(hand.digest, &number, sizeof(number));
	hand.msg.total_length = CPNP_MSG_MAX;
	hand.msg.part = (cpnp_bytes){bytes, 8192};
	for (uint32_t at = 0; at < CPNP_MSG_MAX - 8192 && err == 0;
	    at += 8192) {
		hand.msg.part_offset = at;
		err = hand_send(
		    &hand, parts, BIT(PART_OFFSET) | BIT(PART), peer, 1);
		(void)hand_effects(parts);
	}
	return err;
}

START_TEST(test_parts_bound_of_bytes_of_a_peer)
{
	cpnp_parts *parts = parts_new();
	uint32_t i = 0;

	while (fill(parts, ALICE, i) == 0)
		i++;
	ck_assert_uint_ge(i, 8);
	ck_assert_uint_le(
	    counters(parts).in_bytes, CPNP_PARTS_PEER_BYTES_MAX);
	ck_assert_uint_gt(counters(parts).in_bytes,
	    CPNP_PARTS_PEER_BYTES_MAX - 4096 - 1024);
	ck_assert_uint_eq(counters(parts).refused, 1);
	cpnp_parts_del(parts);
}
END_TEST

START_TEST(test_parts_bounds_of_all_peers)
{
	cpnp_parts *parts = parts_new();
	uint32_t i = 0;

	while (promise(parts, 1000 + i / 64, i, CPNP_MSG_MAX) == 0)
		i++;
	ck_assert_uint_eq(i, CPNP_PARTS_MESSAGES_MAX);
	for (uint64_t peer = 1000; counters(parts).in_messages > 0; peer++)
		cpnp_parts_forget(parts, peer);
	ck_assert_uint_eq(counters(parts).in_bytes, 0);
	for (i = 0; fill(parts, 1000 + i / 8, i) == 0; i++)
		;
	ck_assert_uint_le(counters(parts).in_bytes, CPNP_PARTS_BYTES_MAX);
	ck_assert_uint_gt(
	    counters(parts).in_bytes, CPNP_PARTS_BYTES_MAX - 4096 - 1024);
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
}
END_TEST

/* Messages that came whole give way to new ones. */
START_TEST(test_parts_whole_messages_give_way)
{
	cpnp_parts *parts = parts_new();
	struct hand hand;

	for (uint64_t i = 0; i < CPNP_PARTS_PEER_MESSAGES_MAX + 3; i++) {
		cpnp_bytes message =
		    message_of_len(CPNP_EDITION_RFC8921, 500, i);

		hand_begin(&hand, message);
		ck_assert_int_eq(hand_part(&hand, parts, 0, message), 0);
		ck_assert_str_eq(hand_effects(parts), "c0!");
	}
	ck_assert_uint_eq(
	    counters(parts).in_messages, CPNP_PARTS_PEER_MESSAGES_MAX);
	ck_assert_uint_eq(counters(parts).evicted, 3);
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
}
END_TEST

START_TEST(test_parts_bounds_of_what_goes)
{
	cpnp_parts *parts = parts_new();
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 131072, 1);
	size_t n;

	ck_assert_int_eq(cpnp_parts_send(parts, BOB, message,
			     CPNP_PARTS_DATAGRAM_MIN - 1, false, 1),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_parts_send(parts, BOB, LIT("hello"),
			     DATAGRAM, false, 1),
	    CPNP_ERR_INVALID);
	for (n = 0; n < 8; n++)
		ck_assert_int_eq(cpnp_parts_send(parts, BOB,
				     message_of_len(CPNP_EDITION_RFC8921,
					 131072, n),
				     DATAGRAM, false, 1),
		    0);
	message = message_of_len(CPNP_EDITION_RFC8921, 500, 1);
	ck_assert_int_eq(
	    cpnp_parts_send(parts, BOB, message, DATAGRAM, false, 1),
	    CPNP_ERR_FULL);
	for (n = 0; n < CPNP_PARTS_PEER_MESSAGES_MAX; n++)
		ck_assert_int_eq(cpnp_parts_send(parts, ALICE,
				     message_of_len(CPNP_EDITION_RFC8921,
					 500, n),
				     DATAGRAM, false, 1),
		    0);
	message = message_of_len(CPNP_EDITION_RFC8921, 500, n);
	ck_assert_int_eq(
	    cpnp_parts_send(parts, ALICE, message, DATAGRAM, false, 1),
	    CPNP_ERR_FULL);
	cpnp_parts_forget(parts, BOB);
	cpnp_parts_forget(parts, ALICE);
	ck_assert_uint_eq(counters(parts).out_bytes, 0);
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
}
END_TEST

/* ---- answers that lie ---- */

START_TEST(test_parts_answers_that_lie_end)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 20000, 1);
	cpnp_tstamp now = CPNP_SECONDS(1);
	cpnp_parts *parts = parts_new();
	cpnp_parts_effect effect;
	struct hand hand;
	bool failed = false;
	size_t sent = 0;

	/* A peer says for ever that it has nothing. */
	hand_begin(&hand, message);
	hand.msg.parts_held = LIT("\0\0\0\0\0\0\0\0\0\0");
	ck_assert_int_eq(
	    cpnp_parts_send(parts, ALICE, message, DATAGRAM, false, now), 0);
	while (!failed) {
		while (cpnp_parts_next(parts, &effect)) {
			sent += effect.type == CPNP_PARTS_SEND;
			failed |= effect.type == CPNP_PARTS_FAILED;
		}
		for (size_t i = 0; i < 10 && !failed; i++) {
			ck_assert_int_eq(hand_send(&hand, parts,
					     BIT(PARTS_HELD), ALICE, now),
			    0);
			while (cpnp_parts_next(parts, &effect))
				sent += effect.type == CPNP_PARTS_SEND;
		}
		now = cpnp_parts_expiry(parts);
		if (now != CPNP_NEVER)
			cpnp_parts_handle_expiry(parts, now);
	}
	/* not more than a window for each time the timer ran */
	ck_assert_uint_le(sent, 60 * CPNP_PARTS_WINDOW_MIN);
	/* One that has all of it says so for its own: it is believed. */
	ck_assert_int_eq(
	    cpnp_parts_send(parts, ALICE, message, DATAGRAM, true, 1), 0);
	ck_assert_str_eq(hand_effects(parts), "?");
	hand.msg.parts_held =
	    LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe");
	ck_assert_int_eq(hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1),
	    0);
	ck_assert(cpnp_parts_next(parts, &effect));
	ck_assert_int_eq(effect.type, CPNP_PARTS_ACKED);
	ck_assert(!cpnp_parts_next(parts, &effect));
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
}
END_TEST

/* Take what is sent; the number of parts, and where the first begins (-1: it
 * is a question). */
static size_t
take_sent(cpnp_parts *parts, int *first)
{
	cpnp_parts_effect effect;
	size_t n = 0;
	cpnp_msg msg;

	while (cpnp_parts_next(parts, &effect)) {
		ck_assert_int_eq(effect.type, CPNP_PARTS_SEND);
		ck_assert_int_eq(cpnp_msg_decode(&msg, effect.bytes, NULL), 0);
		if (n++ == 0)
			*first = cpnp_msg_has(&msg, CPNP_ATTR_PART)
			    ? (int)msg.part_offset
			    : -1;
	}
	return n;
}

/* One part of eight is lost: it is sent again a little after the last has
 * arrived, without a question and without the others. */
START_TEST(test_parts_lost_part_is_sent_again)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 8192, 1);
	cpnp_parts *parts = parts_new();
	struct hand hand;
	int first;

	hand_begin(&hand, message);
	ck_assert_int_eq(
	    cpnp_parts_send(parts, ALICE, message, DATAGRAM, false, 1), 0);
	ck_assert_uint_eq(take_sent(parts, &first), 8);
	hand.msg.parts_held = LIT("\xff\x0f\xff\xff");
	ck_assert_int_eq(
	    hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1), 0);
	ck_assert_uint_eq(take_sent(parts, &first), 0);
	ck_assert_uint_eq(
	    cpnp_parts_expiry(parts), 1 + CPNP_PARTS_REORDER_TIME);
	cpnp_parts_handle_expiry(parts, 1 + CPNP_PARTS_REORDER_TIME);
	ck_assert_uint_eq(take_sent(parts, &first), 1);
	ck_assert_int_eq(first, 2048);
	cpnp_parts_del(parts);
}
END_TEST

/* A receiver that has lost all says so when it is asked, and is believed; by
 * then half as much is sent at once. */
START_TEST(test_parts_receiver_that_forgets)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 20000, 1);
	cpnp_parts *parts = parts_new();
	struct hand hand;
	int first;

	hand_begin(&hand, message);
	ck_assert_int_eq(
	    cpnp_parts_send(parts, ALICE, message, DATAGRAM, false, 1), 0);
	ck_assert_uint_eq(take_sent(parts, &first), 8);
	hand.msg.parts_held = LIT("\xff\xff\xff\xff\0\0\0\0\0\0");
	ck_assert_int_eq(
	    hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1), 0);
	ck_assert_uint_eq(take_sent(parts, &first), 9);
	ck_assert_int_eq(first, 8192);
	/* unasked, less than before is a late answer */
	hand.msg.parts_held = LIT("\0\0\0\0\0\0\0\0\0\0");
	ck_assert_int_eq(
	    hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1), 0);
	ck_assert_uint_eq(take_sent(parts, &first), 0);
	cpnp_parts_handle_expiry(parts, 1 + CPNP_PARTS_RETRANS_MIN);
	ck_assert_uint_eq(take_sent(parts, &first), 1);
	ck_assert_int_eq(first, -1);
	ck_assert_int_eq(
	    hand_send(&hand, parts, BIT(PARTS_HELD), ALICE, 1), 0);
	ck_assert_uint_eq(take_sent(parts, &first), 4);
	ck_assert_int_eq(first, 0);
	cpnp_parts_del(parts);
}
END_TEST

/* ---- what runs out ---- */

/* Send, receive, answer with the nth allocation failing; true when it did. */
static bool
exchange_without(size_t n)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 9000, 1);
	cpnp_parts *parts;
	struct hand hand;
	bool failed;
	int err;

	calls = 0;
	fail_at = n;
	err = cpnp_parts_new(&parts, &env);
	if (err != 0) {
		ck_assert_int_eq(err, CPNP_ERR_NOMEM);
		return true;
	}
	err = cpnp_parts_send(parts, BOB, message, DATAGRAM, false, 1);
	ck_assert(err == 0 || err == CPNP_ERR_NOMEM);
	failed = err != 0;
	hand_begin(&hand, message);
	for (unsigned tries = 0; tries < 2; tries++) {
		for (size_t at = 0; at < 9000; at += 1024) {
			err = hand_part(&hand, parts, at, slice(message, at,
			    at + 1024 < 9000 ? 1024 : 9000 - at));
			ck_assert(err == 0 || err == CPNP_ERR_NOMEM);
			failed |= err != 0;
			(void)hand_effects(parts);
			if (err != 0 && at == 0 && tries == 0)
				ck_assert_uint_eq(
				    counters(parts).in_messages, 0);
		}
	}
	/* it came nevertheless, since the peer repeated */
	ck_assert_uint_eq(counters(parts).delivered, 1);
	cpnp_parts_del(parts);
	ck_assert_uint_eq(live, 0);
	return failed;
}

START_TEST(test_parts_without_memory)
{
	size_t n = 1;

	while (exchange_without(n))
		n++;
	ck_assert_uint_gt(n, 7);
	fail_at = 0;
}
END_TEST

START_TEST(test_parts_without_digest)
{
	cpnp_bytes message = message_of_len(CPNP_EDITION_RFC8921, 500, 1);
	cpnp_parts *parts = parts_new();
	struct hand hand;

	hand_begin(&hand, message);
	no_digest = true;
	ck_assert_int_eq(
	    cpnp_parts_send(parts, BOB, message, DATAGRAM, false, 1),
	    CPNP_ERR_CRYPTO);
	ck_assert_int_eq(
	    hand_part(&hand, parts, 0, message), CPNP_ERR_CRYPTO);
	/* no answer says that it has come, for it has not */
	ck_assert_str_eq(hand_effects(parts), "");
	no_digest = false;
	ck_assert_int_eq(hand_send(&hand, parts, 0, ALICE, 1), 0);
	ck_assert_str_eq(hand_effects(parts), "c0!");
	cpnp_parts_del(parts);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_parts_hundred_sites_over_a_bad_link,
	    test_parts_longest_message,
	    test_parts_good_link_sends_each_part_once,
	    test_parts_retransmission_is_a_question,
	    test_parts_silence_fails,
	    test_parts_form_of_a_part,
	    test_parts_form_of_the_rest,
	    test_parts_answers_say_what_is_held,
	    test_parts_overlap_and_lies,
	    test_parts_messages_interleaved,
	    test_parts_bound_of_messages_of_a_peer,
	    test_parts_bound_of_bytes_of_a_peer,
	    test_parts_bounds_of_all_peers,
	    test_parts_whole_messages_give_way,
	    test_parts_bounds_of_what_goes,
	    test_parts_answers_that_lie_end,
	    test_parts_lost_part_is_sent_again,
	    test_parts_receiver_that_forgets,
	    test_parts_without_memory,
	    test_parts_without_digest,
	};

	return unit_run("parts", tests, sizeof(tests) / sizeof(tests[0]));
}
