/*
 * Parts under datagrams, time and a failing allocator that the input draws:
 * what is kept stays within its bounds and is all given back, an effect is of
 * use, and two ends that talk agree on what a message is.
 *
 * The input is a list of commands; see step().
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <cpnp/parts.h>

#include "fuzz.h"

struct input {
	const uint8_t *data;
	size_t size;
};

static size_t live, until_failure;

static void *
mem_realloc(void *user, void *ptr, size_t size)
{
	void *grown;

	(void)user;
	if (until_failure > 0 && --until_failure == 0)
		return NULL;
	grown = realloc(ptr, size);
	HOLDS(grown != NULL);
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

/* A digest that an input can hit: the length, and a byte of sum. */
static int
add_up(void *user, const cpnp_bytes *list, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	uint8_t sum = 0;

	(void)user;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].len; k++)
			sum = (uint8_t)(sum + list[i].ptr[k]);
	memset(digest, 0, CPNP_SHA256_LEN);
	digest[0] = sum;
	return 0;
}

static uint8_t
draw(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

static cpnp_bytes
draw_bytes(struct input *in, size_t len)
{
	cpnp_bytes bytes = {in->data, len < in->size ? len : in->size};

	in->data += bytes.len;
	in->size -= bytes.len;
	return bytes;
}

/* Two ends, each the only peer of the other. */
struct ends {
	cpnp_parts *parts[2];
	cpnp_tstamp now;
};

static void
check(const cpnp_parts *parts)
{
	cpnp_parts_counters count;

	cpnp_parts_get_counters(parts, &count);
	HOLDS(count.in_messages <= CPNP_PARTS_PEER_MESSAGES_MAX);
	HOLDS(count.in_bytes <= CPNP_PARTS_PEER_BYTES_MAX);
	HOLDS(count.out_messages <= CPNP_PARTS_PEER_MESSAGES_MAX);
	HOLDS(count.out_bytes <= CPNP_PARTS_PEER_BYTES_MAX);
}

static void
feed(struct ends *ends, size_t to, cpnp_bytes datagram, bool drop);

static void
drain(struct ends *ends, size_t who, bool drop)
{
	static uint8_t copy[64][CPNP_DATAGRAM_MAX];
	static size_t depth;
	cpnp_parts_effect effect;

	while (cpnp_parts_next(ends->parts[who], &effect)) {
		cpnp_msg msg;

		HOLDS(effect.peer == 1 && effect.bytes.len > 0);
		if (effect.type != CPNP_PARTS_SEND) {
			HOLDS(effect.bytes.len <= CPNP_MSG_MAX);
			HOLDS(!cpnp_parts_is_part(effect.bytes));
			continue;
		}
		HOLDS(cpnp_parts_is_part(effect.bytes));
		HOLDS(cpnp_msg_decode(&msg, effect.bytes, NULL) == 0);
		if (drop || depth == 64)
			continue;
		memcpy(copy[depth], effect.bytes.ptr, effect.bytes.len);
		depth++;
		feed(ends, 1 - who,
		    (cpnp_bytes){copy[depth - 1], effect.bytes.len}, false);
		depth--;
	}
	check(ends->parts[who]);
}

static void
feed(struct ends *ends, size_t to, cpnp_bytes datagram, bool drop)
{
	int err;

	if (!cpnp_parts_is_part(datagram))
		return;
	err = cpnp_parts_recv(ends->parts[to], 1, datagram, ends->now);
	HOLDS(err != CPNP_ERR_INVALID && err != CPNP_ERR_INTERNAL);
	/* it may be busy with the answer that this one answers */
	if (err != CPNP_ERR_STATE)
		drain(ends, to, drop);
}

static void
step(struct ends *ends, struct input *in)
{
	uint8_t command = draw(in), number = draw(in);
	size_t who = command >> 7;
	bool drop = (command & 0x40) != 0;

	switch (command & 7) {
	case 0: /* a datagram as it stands in the input */
	case 1:
	case 2:
		feed(ends, who, draw_bytes(in, (size_t)number * 8), drop);
		break;
	case 3: /* a message */
		(void)cpnp_parts_send(ends->parts[who], 1,
		    draw_bytes(in, (size_t)number * 16),
		    CPNP_PARTS_DATAGRAM_MIN, (command & 8) != 0, ends->now);
		drain(ends, who, drop);
		break;
	case 4:
		ends->now += (cpnp_tstamp)number * CPNP_MILLISECONDS(250);
		cpnp_parts_handle_expiry(ends->parts[who], ends->now);
		drain(ends, who, drop);
		break;
	case 5:
		if (cpnp_parts_expiry(ends->parts[who]) != CPNP_NEVER &&
		    cpnp_parts_expiry(ends->parts[who]) > ends->now)
			ends->now = cpnp_parts_expiry(ends->parts[who]);
		cpnp_parts_handle_expiry(ends->parts[who], ends->now);
		drain(ends, who, drop);
		break;
	case 6:
		until_failure = number;
		break;
	default:
		cpnp_parts_forget(ends->parts[who], 1);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const cpnp_env env = {
	    .mem = {NULL, mem_alloc, mem_realloc, mem_free},
	    .sha256 = add_up,
	};
	struct input in = {data, size};
	struct ends ends = {.now = CPNP_SECONDS(1)};

	until_failure = 0;
	HOLDS(cpnp_parts_new(&ends.parts[0], &env) == 0);
	HOLDS(cpnp_parts_new(&ends.parts[1], &env) == 0);
	while (in.size > 0)
		step(&ends, &in);
	cpnp_parts_del(ends.parts[0]);
	cpnp_parts_del(ends.parts[1]);
	HOLDS(live == 0);
	return 0;
}
