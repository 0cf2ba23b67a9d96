/*
 * Messages of method 0.  Form and attributes are those of the codec and its
 * grammar table; here is what a table does not say.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "parts_int.h"

bool
cpnp_parts_is_part(cpnp_bytes datagram)
{
	/* [version, 0, ...] in deterministic form; the rest is decoded later */
	return datagram.len >= 3 && datagram.ptr[0] == 0x83 &&
	    datagram.ptr[1] <= CPNP_EDITION_RFC8921 &&
	    datagram.ptr[2] == CPNP_METHOD_PARTS;
}

bool
cpnp_parts_fits(size_t len, size_t datagram_max)
{
	return len + PARTS_COOKIE_ROOM <= datagram_max;
}

size_t
parts_blocks(uint32_t total)
{
	return (total + CPNP_PART_BLOCK - 1) / CPNP_PART_BLOCK;
}

bool
parts_held_has(const struct parts_held *held, size_t block)
{
	return (held->bits[block / 8] & 0x80 >> block % 8) != 0;
}

void
parts_held_add(struct parts_held *held, size_t block)
{
	if (parts_held_has(held, block))
		return;
	held->bits[block / 8] |= (uint8_t)(0x80 >> block % 8);
	held->n++;
}

void
parts_held_set(struct parts_held *held, cpnp_bytes bits)
{
	memcpy(held->bits, bits.ptr, bits.len);
	held->n = 0;
	for (size_t i = 0; i < held->blocks_n; i++)
		held->n += parts_held_has(held, i);
}

/* A part begins with a block, and is of whole blocks but at the end. */
static bool
is_part(const cpnp_msg *msg)
{
	size_t left;

	if (msg->part_offset >= msg->total_length ||
	    msg->part_offset % CPNP_PART_BLOCK != 0)
		return false;
	left = msg->total_length - msg->part_offset;
	return msg->part.len == left ||
	    (msg->part.len < left && msg->part.len % CPNP_PART_BLOCK == 0);
}

static bool
is_answer(const cpnp_msg *msg)
{
	size_t blocks_n = parts_blocks(msg->total_length);
	cpnp_bytes bits = msg->parts_held;

	return bits.len == (blocks_n + 7) / 8 &&
	    (blocks_n % 8 == 0 ||
		(bits.ptr[bits.len - 1] & 0xff >> blocks_n % 8) == 0);
}

int
parts_decode(cpnp_parts *parts, cpnp_bytes datagram)
{
	const cpnp_msg *msg = &parts->msg;
	bool has_offset, has_part, has_held;
	int err = cpnp_msg_decode(&parts->msg, datagram, NULL);

	if (err != 0)
		return err;
	has_offset = cpnp_msg_has(msg, CPNP_ATTR_PART_OFFSET);
	has_part = cpnp_msg_has(msg, CPNP_ATTR_PART);
	has_held = cpnp_msg_has(msg, CPNP_ATTR_PARTS_HELD);
	if (has_offset != has_part)
		return CPNP_ERR_ATTR_MISSING;
	if (has_part && has_held)
		return CPNP_ERR_ATTR_UNEXPECTED;
	if ((has_part && !is_part(msg)) || (has_held && !is_answer(msg)))
		return CPNP_ERR_RANGE;
	return 0;
}

/* The name without the digest. */
static void
name_set(struct parts_name *name, const cpnp_msg *msg, uint32_t total)
{
	memset(name, 0, sizeof(*name));
	name->edition = msg->edition;
	name->sequence_number = msg->sequence_number;
	if (cpnp_msg_has(msg, CPNP_ATTR_TRANSACTION_ID)) {
		name->tid_len = (uint8_t)msg->transaction_id.len;
		memcpy(name->tid, msg->transaction_id.ptr, name->tid_len);
	}
	name->total = total;
}

void
parts_name_get(const cpnp_parts *parts, struct parts_name *name)
{
	name_set(name, &parts->msg, parts->msg.total_length);
	memcpy(name->digest, parts->msg.message_digest.ptr,
	    sizeof(name->digest));
}

bool
parts_name_is(const struct parts_name *a, const struct parts_name *b)
{
	return a->total == b->total &&
	    memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

int
parts_name_make(
    cpnp_parts *parts, cpnp_bytes message, struct parts_name *name)
{
	if (cpnp_msg_decode(&parts->msg, message, NULL) != 0 ||
	    parts->msg.method == CPNP_METHOD_PARTS)
		return CPNP_ERR_INVALID;
	name_set(name, &parts->msg, (uint32_t)message.len);
	return parts->env.sha256(parts->env.user, &message, 1,
		   name->digest) == 0
	    ? 0
	    : CPNP_ERR_CRYPTO;
}

void
parts_encode(cpnp_parts *parts, cpnp_buf *buf, const struct parts_name *name,
    size_t offset, cpnp_bytes bytes, const struct parts_held *held)
{
	cpnp_msg *msg = &parts->build;

	memset(msg, 0, sizeof(*msg));
	msg->edition = name->edition;
	msg->method = CPNP_METHOD_PARTS;
	msg->present = CPNP_ATTR_BIT(CPNP_ATTR_TOTAL_LENGTH) |
	    CPNP_ATTR_BIT(CPNP_ATTR_MESSAGE_DIGEST);
	if (cpnp_grammar(name->edition, CPNP_METHOD_PARTS,
		CPNP_ATTR_SEQUENCE_NUMBER) != CPNP_ABSENT)
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	msg->sequence_number = name->sequence_number;
	if (name->tid_len > 0)
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID);
	msg->transaction_id = (cpnp_bytes){name->tid, name->tid_len};
	msg->total_length = name->total;
	msg->message_digest =
	    (cpnp_bytes){name->digest, sizeof(name->digest)};
	if (bytes.len > 0)
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_PART_OFFSET) |
		    CPNP_ATTR_BIT(CPNP_ATTR_PART);
	msg->part_offset = (uint32_t)offset;
	msg->part = bytes;
	if (held != NULL) {
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_PARTS_HELD);
		msg->parts_held =
		    (cpnp_bytes){held->bits, (held->blocks_n + 7) / 8};
	}
	cpnp_buf_reset(buf);
	(void)cpnp_msg_encode(msg, buf, NULL);
	parts->count.sent++;
}
