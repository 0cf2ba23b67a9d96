/*
 * What comes in parts.  Every part and every question is answered with what
 * is here; only a part makes us keep something.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "parts_int.h"

static void
charge(cpnp_parts *parts, struct parts_in *in, size_t bytes)
{
	in->bytes += bytes;
	in->peer->in_bytes += bytes;
	parts->count.in_bytes += bytes;
}

static struct parts_ins *
list_of(cpnp_parts *parts, const struct parts_in *in)
{
	return in->whole ? &parts->whole : &parts->coming;
}

void
parts_in_del(cpnp_parts *parts, struct parts_in *in)
{
	const cpnp_mem *mem = &parts->env.mem;
	struct parts_peer *peer = in->peer;

	TAILQ_REMOVE(&peer->in, in, of_peer);
	TAILQ_REMOVE(list_of(parts, in), in, by_age);
	for (size_t i = 0; i < PARTS_SLABS_MAX; i++)
		mem->free(mem->user, in->slabs[i]);
	peer->in_n--;
	peer->in_bytes -= in->bytes;
	parts->count.in_messages--;
	parts->count.in_bytes -= in->bytes;
	mem->free(mem->user, in);
}

void
parts_in_expire(cpnp_parts *parts)
{
	struct parts_ins *lists[] = {&parts->coming, &parts->whole};
	struct parts_peer *peer;
	struct parts_in *in;

	for (size_t i = 0; i < 2; i++) {
		while ((in = TAILQ_FIRST(lists[i])) != NULL &&
		    in->until <= parts->now) {
			if (!in->whole)
				parts->count.late++;
			peer = in->peer;
			parts_in_del(parts, in);
			parts_peer_put(parts, peer);
		}
	}
}

static struct parts_in *
oldest_whole(const struct parts_peer *peer)
{
	struct parts_in *in;

	TAILQ_FOREACH(in, &peer->in, of_peer)
		if (in->whole)
			return in;
	return NULL;
}

/*
 * Room for so many messages and bytes more of peer.  Whole messages give way,
 * those of the peer to its own, the oldest of all to everybody; what is under
 * way does not.  The peer itself stays.
 */
static int
make_room(
    cpnp_parts *parts, struct parts_peer *peer, size_t messages, size_t bytes)
{
	const cpnp_parts_counters *all = &parts->count;
	struct parts_peer *other;
	struct parts_in *in;

	for (;;) {
		if (peer->in_n + messages > CPNP_PARTS_PEER_MESSAGES_MAX ||
		    peer->in_bytes + bytes > CPNP_PARTS_PEER_BYTES_MAX)
			in = oldest_whole(peer);
		else if (all->in_messages + messages >
			CPNP_PARTS_MESSAGES_MAX ||
		    all->in_bytes + bytes > CPNP_PARTS_BYTES_MAX)
			in = TAILQ_FIRST(&parts->whole);
		else
			return 0;
		if (in == NULL)
			return CPNP_ERR_FULL;
		other = in->peer;
		parts->count.evicted++;
		parts_in_del(parts, in);
		if (other != peer)
			parts_peer_put(parts, other);
	}
}

static struct parts_in *
find(const struct parts_peer *peer, const struct parts_name *name)
{
	struct parts_in *in;

	TAILQ_FOREACH(in, &peer->in, of_peer)
		if (parts_name_is(&in->name, name))
			return in;
	return NULL;
}

/* The first part of a message. */
static int
begin(cpnp_parts *parts, struct parts_peer *peer,
    const struct parts_name *name, struct parts_in **out)
{
	const cpnp_mem *mem = &parts->env.mem;
	struct parts_in *in;
	int err = make_room(parts, peer, 1, sizeof(*in) + PARTS_SLAB);

	if (err != 0)
		return err;
	in = mem->alloc(mem->user, sizeof(*in));
	if (in == NULL)
		return CPNP_ERR_NOMEM;
	memset(in, 0, sizeof(*in));
	in->peer = peer;
	in->name = *name;
	in->held.blocks_n = parts_blocks(name->total);
	in->until = parts->now + CPNP_PARTS_TIME_MAX;
	TAILQ_INSERT_TAIL(&peer->in, in, of_peer);
	TAILQ_INSERT_TAIL(&parts->coming, in, by_age);
	peer->in_n++;
	parts->count.in_messages++;
	charge(parts, in, sizeof(*in));
	*out = in;
	return 0;
}

/* Keep one block, unless it is there: what came first stays. */
static int
take_block(cpnp_parts *parts, struct parts_in *in, size_t offset,
    cpnp_bytes bytes)
{
	const cpnp_mem *mem = &parts->env.mem;
	uint8_t **slab = &in->slabs[offset / PARTS_SLAB];
	int err;

	if (parts_held_has(&in->held, offset / CPNP_PART_BLOCK))
		return 0;
	if (*slab == NULL) {
		err = make_room(parts, in->peer, 0, PARTS_SLAB);
		if (err != 0)
			return err;
		*slab = mem->alloc(mem->user, PARTS_SLAB);
		if (*slab == NULL)
			return CPNP_ERR_NOMEM;
		charge(parts, in, PARTS_SLAB);
	}
	memcpy(*slab + offset % PARTS_SLAB, bytes.ptr, bytes.len);
	parts_held_add(&in->held, offset / CPNP_PART_BLOCK);
	return 0;
}

static int
take_part(cpnp_parts *parts, struct parts_in *in)
{
	cpnp_bytes part = parts->msg.part, block;
	size_t offset = parts->msg.part_offset;
	int err = 0;

	while (part.len > 0 && err == 0) {
		block.ptr = part.ptr;
		block.len = part.len < CPNP_PART_BLOCK ? part.len
						       : CPNP_PART_BLOCK;
		err = take_block(parts, in, offset, block);
		part.ptr += block.len;
		part.len -= block.len;
		offset += block.len;
	}
	return err;
}

/* Put the message together in parts->message. */
static int
assemble(cpnp_parts *parts, const struct parts_in *in)
{
	size_t left = in->name.total, n;

	cpnp_buf_reset(&parts->message);
	for (size_t i = 0; left > 0; i++, left -= n) {
		n = left < PARTS_SLAB ? left : PARTS_SLAB;
		cpnp_buf_put_raw(
		    &parts->message, (cpnp_bytes){in->slabs[i], n});
	}
	return parts->message.err;
}

static void
deliver(cpnp_parts *parts, struct parts_in *in)
{
	in->delivered = parts->now;
	parts->has_delivery = true;
}

/* The last block has come.  On an error of ours the message stays, not whole
 * yet, and is tried again when the peer asks. */
static int
finish(cpnp_parts *parts, struct parts_in **in)
{
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_bytes message;
	int err = assemble(parts, *in);

	if (err != 0)
		return err;
	message = cpnp_buf_bytes(&parts->message);
	if (parts->env.sha256(parts->env.user, &message, 1, digest) != 0)
		return CPNP_ERR_CRYPTO;
	/* Parts of parts would have no end. */
	if (memcmp(digest, (*in)->name.digest, sizeof(digest)) != 0)
		err = CPNP_ERR_MISMATCH;
	else if (cpnp_parts_is_part(message))
		err = CPNP_ERR_METHOD;
	if (err != 0) {
		parts->count.mismatched++;
		parts_in_del(parts, *in);
		*in = NULL;
		return err;
	}
	TAILQ_REMOVE(&parts->coming, *in, by_age);
	(*in)->whole = true;
	(*in)->until = parts->now + CPNP_PARTS_KEEP_TIME;
	TAILQ_INSERT_TAIL(&parts->whole, *in, by_age);
	parts->count.delivered++;
	deliver(parts, *in);
	return 0;
}

/* A question about a whole message is its retransmission. */
static void
deliver_again(cpnp_parts *parts, struct parts_in *in)
{
	if (parts->now - in->delivered < CPNP_PARTS_AGAIN_MIN ||
	    assemble(parts, in) != 0)
		return;
	parts->count.delivered_again++;
	deliver(parts, in);
}

static void
answer(cpnp_parts *parts, const struct parts_name *name,
    const struct parts_in *in)
{
	struct parts_held none = {.blocks_n = parts_blocks(name->total)};

	parts_encode(parts, &parts->answer, name, 0, CPNP_BYTES_NONE,
	    in != NULL ? &in->held : &none);
	parts->has_answer = true;
}

static int
recv_part(cpnp_parts *parts, struct parts_peer *peer,
    const struct parts_name *name, struct parts_in **in)
{
	bool new = *in == NULL;
	int err = new ? begin(parts, peer, name, in) : 0;

	if (err == 0 && !(*in)->whole)
		err = take_part(parts, *in);
	/* Nothing of it could be kept. */
	if (err != 0 && new && *in != NULL && (*in)->held.n == 0) {
		parts_in_del(parts, *in);
		*in = NULL;
	}
	return err;
}

int
parts_in_recv(cpnp_parts *parts, uint64_t id)
{
	bool is_part = cpnp_msg_has(&parts->msg, CPNP_ATTR_PART);
	struct parts_peer *peer =
	    is_part ? parts_peer_get(parts, id) : parts_peer_find(parts, id);
	struct parts_in *in;
	struct parts_name name;
	int err = 0;

	parts_name_get(parts, &name);
	if (peer == NULL && is_part)
		return CPNP_ERR_NOMEM;
	in = peer != NULL ? find(peer, &name) : NULL;
	if (is_part)
		err = recv_part(parts, peer, &name, &in);
	if (in != NULL && in->whole && !is_part)
		deliver_again(parts, in);
	else if (in != NULL && !in->whole &&
	    in->held.n == in->held.blocks_n)
		err = finish(parts, &in);
	if (err == CPNP_ERR_FULL)
		parts->count.refused++;
	/* Silence makes the sender slower, and ask again. */
	if (err == 0)
		answer(parts, &name, in);
	if (peer != NULL)
		parts_peer_put(parts, peer);
	return err;
}
