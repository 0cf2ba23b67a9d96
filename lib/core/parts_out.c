/*
 * What goes in parts.
 *
 * Missing blocks are sent in rounds, from the first to the last.  An answer
 * that shows new blocks lets as many parts follow, and one more until the
 * window is at its largest.  When the last part of a round has arrived and
 * something is missing still a little later, it was lost: the next round
 * begins.  When nothing is heard, the timer halves the window and asks what
 * has come; the answer to a question is the truth, even when it shows less
 * than before.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "parts_int.h"

static void
set_ready(cpnp_parts *parts, struct parts_out *out)
{
	if (!out->ready)
		TAILQ_INSERT_TAIL(&parts->ready, out, in_ready);
	out->ready = true;
}

static void
set_idle(cpnp_parts *parts, struct parts_out *out)
{
	if (out->ready)
		TAILQ_REMOVE(&parts->ready, out, in_ready);
	out->ready = false;
}

static void
arm(cpnp_parts *parts, struct parts_out *out, cpnp_tstamp interval)
{
	out->due = parts->now + interval;
	if (out->due > out->until)
		out->due = out->until;
	if (out->due < parts->due)
		parts->due = out->due;
}

void
parts_out_del(cpnp_parts *parts, struct parts_out *out)
{
	const cpnp_mem *mem = &parts->env.mem;
	struct parts_peer *peer = out->peer;

	set_idle(parts, out);
	TAILQ_REMOVE(&peer->out, out, of_peer);
	TAILQ_REMOVE(&parts->going, out, by_age);
	peer->out_n--;
	peer->out_bytes -= out->name.total;
	parts->count.out_messages--;
	parts->count.out_bytes -= out->name.total;
	mem->free(mem->user, out);
}

static struct parts_out *
find(const struct parts_peer *peer, const struct parts_name *name)
{
	struct parts_out *out;

	TAILQ_FOREACH(out, &peer->out, of_peer)
		if (out->state == PARTS_OUT_GOING &&
		    parts_name_is(&out->name, name))
			return out;
	return NULL;
}

static bool
is_full(const cpnp_parts *parts, const struct parts_peer *peer, size_t bytes)
{
	return peer->out_n >= CPNP_PARTS_PEER_MESSAGES_MAX ||
	    peer->out_bytes + bytes > CPNP_PARTS_PEER_BYTES_MAX ||
	    parts->count.out_messages >= CPNP_PARTS_MESSAGES_MAX ||
	    parts->count.out_bytes + bytes > CPNP_PARTS_BYTES_MAX;
}

static int
begin(cpnp_parts *parts, struct parts_peer *peer,
    const struct parts_name *name, cpnp_bytes message, size_t part_len,
    bool again)
{
	const cpnp_mem *mem = &parts->env.mem;
	struct parts_out *out;

	if (is_full(parts, peer, message.len))
		return CPNP_ERR_FULL;
	out = mem->alloc(mem->user, sizeof(*out) + message.len);
	if (out == NULL)
		return CPNP_ERR_NOMEM;
	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, message.ptr, message.len);
	out->peer = peer;
	out->name = *name;
	out->held.blocks_n = parts_blocks(name->total);
	out->part_len = part_len;
	out->window = CPNP_PARTS_WINDOW_MIN;
	out->asks = again;
	out->credit = again ? 0 : out->window;
	out->retrans = CPNP_PARTS_RETRANS_MIN;
	out->until = parts->now + CPNP_PARTS_TIME_MAX;
	TAILQ_INSERT_TAIL(&peer->out, out, of_peer);
	TAILQ_INSERT_TAIL(&parts->going, out, by_age);
	peer->out_n++;
	peer->out_bytes += message.len;
	parts->count.out_messages++;
	parts->count.out_bytes += message.len;
	arm(parts, out, out->retrans);
	set_ready(parts, out);
	return 0;
}

int
cpnp_parts_send(cpnp_parts *parts, uint64_t id, cpnp_bytes message,
    size_t datagram_max, bool again, cpnp_tstamp now)
{
	struct parts_name name;
	struct parts_peer *peer;
	struct parts_out *out;
	size_t part_len;
	int err;

	if (datagram_max < CPNP_PARTS_DATAGRAM_MIN)
		return CPNP_ERR_INVALID;
	if (datagram_max > CPNP_DATAGRAM_MAX)
		datagram_max = CPNP_DATAGRAM_MAX;
	part_len = datagram_max - PARTS_OVERHEAD_MAX - PARTS_COOKIE_ROOM;
	part_len -= part_len % CPNP_PART_BLOCK;
	parts->now = now;
	err = parts_name_make(parts, message, &name);
	if (err != 0)
		return err;
	peer = parts_peer_get(parts, id);
	if (peer == NULL)
		return CPNP_ERR_NOMEM;
	out = find(peer, &name);
	if (out != NULL)
		out->part_len = part_len;
	else
		err = begin(parts, peer, &name, message, part_len, again);
	parts_peer_put(parts, peer);
	return err;
}

/* A round begins: all that is missing, as far as the window lets it. */
static void
begin_round(cpnp_parts *parts, struct parts_out *out)
{
	out->over = false;
	out->next = 0;
	out->last = 0;
	out->credit = out->window;
	set_ready(parts, out);
}

/* The first block from which the round goes on; blocks_n when it is over. */
static size_t
next_missing(const struct parts_out *out)
{
	size_t block = out->next;

	while (block < out->held.blocks_n && parts_held_has(&out->held, block))
		block++;
	return block;
}

/* New blocks have arrived. */
static void
progress(cpnp_parts *parts, struct parts_out *out, size_t blocks)
{
	size_t bytes = blocks * CPNP_PART_BLOCK;

	out->credit += (bytes + out->part_len - 1) / out->part_len;
	if (out->window < CPNP_PARTS_WINDOW_MAX) {
		out->window++;
		out->credit++;
	}
	if (out->credit > out->window)
		out->credit = out->window;
	out->tries = 0;
	out->retrans = CPNP_PARTS_RETRANS_MIN;
	if (!out->over)
		arm(parts, out, out->retrans);
	set_ready(parts, out);
}

static void
merge(struct parts_held *held, cpnp_bytes bits)
{
	uint8_t both[CPNP_PARTS_HELD_MAX];

	for (size_t i = 0; i < bits.len; i++)
		both[i] = held->bits[i] | bits.ptr[i];
	parts_held_set(held, (cpnp_bytes){both, bits.len});
}

int
parts_out_recv(cpnp_parts *parts, uint64_t id)
{
	struct parts_peer *peer = parts_peer_find(parts, id);
	cpnp_bytes bits = parts->msg.parts_held;
	struct parts_name name;
	struct parts_held shown;
	struct parts_out *out;
	size_t before;

	parts_name_get(parts, &name);
	out = peer != NULL ? find(peer, &name) : NULL;
	/* A late answer about what has arrived is none that was made up. */
	if (out == NULL)
		return 0;
	before = out->held.n;
	shown.blocks_n = out->held.blocks_n;
	parts_held_set(&shown, bits);
	if (out->asked)
		parts_held_set(&out->held, bits);
	else
		merge(&out->held, bits);
	if (shown.n == shown.blocks_n) {
		out->state = PARTS_OUT_ACKED;
		parts->count.acked++;
		set_ready(parts, out);
		return 0;
	}
	if (out->held.n > before)
		progress(parts, out, out->held.n - before);
	if (out->asked) {
		out->asked = false;
		out->tries = 0;
		begin_round(parts, out);
	} else if (!out->over && next_missing(out) == out->held.blocks_n &&
	    parts_held_has(&out->held, out->last)) {
		out->over = true;
		arm(parts, out, CPNP_PARTS_REORDER_TIME);
	}
	return 0;
}

static bool
send_part(cpnp_parts *parts, struct parts_out *out)
{
	size_t block = next_missing(out), end = block, offset, len;

	if (out->credit == 0 || block == out->held.blocks_n)
		return false;
	while (end < out->held.blocks_n &&
	    (end - block) * CPNP_PART_BLOCK < out->part_len &&
	    !parts_held_has(&out->held, end))
		end++;
	offset = block * CPNP_PART_BLOCK;
	len = end * CPNP_PART_BLOCK < out->name.total
	    ? end * CPNP_PART_BLOCK - offset
	    : out->name.total - offset;
	parts_encode(parts, &parts->datagram, &out->name, offset,
	    (cpnp_bytes){out->bytes + offset, len}, NULL);
	out->next = end;
	out->last = end - 1;
	out->credit--;
	return true;
}

static bool
send_question(cpnp_parts *parts, struct parts_out *out)
{
	if (!out->asks)
		return false;
	out->asks = false;
	out->asked = true;
	parts->count.asked++;
	parts_encode(parts, &parts->datagram, &out->name, 0, CPNP_BYTES_NONE,
	    NULL);
	return true;
}

bool
parts_out_next(cpnp_parts *parts, cpnp_parts_effect *effect)
{
	struct parts_out *out;

	while ((out = TAILQ_FIRST(&parts->ready)) != NULL) {
		effect->peer = out->peer->id;
		if (out->state != PARTS_OUT_GOING) {
			set_idle(parts, out);
			parts->told = out;
			effect->type = out->state == PARTS_OUT_ACKED
			    ? CPNP_PARTS_ACKED
			    : CPNP_PARTS_FAILED;
			effect->bytes =
			    (cpnp_bytes){out->bytes, out->name.total};
			return true;
		}
		if (send_question(parts, out) || send_part(parts, out)) {
			arm(parts, out, out->retrans);
			effect->type = CPNP_PARTS_SEND;
			effect->bytes = cpnp_buf_bytes(&parts->datagram);
			return true;
		}
		set_idle(parts, out);
	}
	return false;
}

static void
expire(cpnp_parts *parts, struct parts_out *out)
{
	if (parts->now >= out->until || out->tries >= CPNP_PARTS_RETRIES_MAX) {
		out->state = PARTS_OUT_FAILED;
		out->due = CPNP_NEVER;
		parts->count.failed++;
		set_ready(parts, out);
		return;
	}
	if (out->over) {
		begin_round(parts, out);
		arm(parts, out, out->retrans);
		return;
	}
	out->tries++;
	out->retrans *= 2;
	if (out->retrans > CPNP_PARTS_RETRANS_MAX)
		out->retrans = CPNP_PARTS_RETRANS_MAX;
	if (out->window > 1)
		out->window /= 2;
	out->credit = 0;
	out->asks = true;
	arm(parts, out, out->retrans);
	set_ready(parts, out);
}

void
parts_out_expire(cpnp_parts *parts)
{
	struct parts_out *out;

	if (parts->now < parts->due)
		return;
	parts->due = CPNP_NEVER;
	TAILQ_FOREACH(out, &parts->going, by_age) {
		if (out->state != PARTS_OUT_GOING)
			continue;
		if (out->due <= parts->now)
			expire(parts, out);
		else if (out->due < parts->due)
			parts->due = out->due;
	}
}
