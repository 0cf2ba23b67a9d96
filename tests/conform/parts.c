/*
 * Clauses about messages that come in parts.  cpnp-wire(7), Parts.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <openssl/evp.h>
#include <string.h>

#include "conform.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BLOCK 256
#define HELD_MAX 64

/* A message that goes in parts. */
struct whole {
	struct order *order;
	struct bytes bytes;
	uint8_t digest[32];
	size_t blocks;
};

static struct whole whole;

/* A QUOTATION of several blocks, the last one not full. */
static struct whole *
begin(struct trial *t)
{
	static struct bytes filler;
	struct whole *w = &whole;
	unsigned n;

	w->order = order_new(t);
	if (w->order == NULL)
		return NULL;
	(void)order_draft(t, w->order, QUOTATION);
	filler.n = 700;
	fill_random(t, filler.b, filler.n);
	draft_bytes(&t->draft, -65600, span_of(&filler));
	draft_write(&t->draft, &w->bytes);
	w->blocks = (w->bytes.n + BLOCK - 1) / BLOCK;
	if (EVP_Digest(w->bytes.b, w->bytes.n, w->digest, &n, EVP_sha256(),
		NULL) != 1) {
		(void)fails(t, "SHA-256 failed");
		return NULL;
	}
	w->order->cancellable = true;
	return w;
}

/* The question for w in t->draft. */
static void
question(struct trial *t, const struct whole *w)
{
	struct draft *d = &t->draft;

	draft_begin(d, t->edition, PARTS);
	if (t->edition == RFC8921)
		draft_uint(d, SEQUENCE_NUMBER, w->order->number);
	draft_bytes(d, TRANSACTION_ID,
	    (struct span){w->order->tid, sizeof(w->order->tid)});
	draft_uint(d, TOTAL_LENGTH, w->bytes.n);
	draft_bytes(d, MESSAGE_DIGEST,
	    (struct span){w->digest, sizeof(w->digest)});
}

static void
part(struct trial *t, const struct whole *w, size_t block, size_t blocks)
{
	size_t at = block * BLOCK, n = blocks * BLOCK;

	if (n > w->bytes.n - at)
		n = w->bytes.n - at;
	question(t, w);
	draft_uint(&t->draft, PART_OFFSET, at);
	draft_bytes(&t->draft, PART, (struct span){w->bytes.b + at, n});
}

/* Send the draft, and see that the answer holds those blocks. */
static bool
holds(struct trial *t, const struct whole *w, uint64_t blocks)
{
	uint8_t want[HELD_MAX] = {0};
	struct span held;

	for (size_t i = 0; i < w->blocks; i++)
		if ((blocks >> i & 1) != 0)
			want[i / 8] |= (uint8_t)(0x80 >> i % 8);
	if (!exchange_draft(t, w->order, BIT(PARTS)))
		return false;
	held = msg_string(&t->msg, PARTS_HELD);
	if (msg_uint(&t->msg, TOTAL_LENGTH) != w->bytes.n ||
	    !span_equal(msg_string(&t->msg, MESSAGE_DIGEST),
		(struct span){w->digest, sizeof(w->digest)}))
		return fails_msg(
		    t, "PARTS about the message that is sent", &t->msg);
	return span_equal(held, (struct span){want, (w->blocks + 7) / 8}) ||
	    fails_msg(t, "PARTS_HELD with just the blocks that were sent",
		&t->msg);
}

static bool
part_in_order(struct trial *t)
{
	struct whole *w = begin(t);
	uint64_t held = 0;

	if (w == NULL)
		return false;
	for (size_t i = 0; i < w->blocks; i++) {
		held |= 1ull << i;
		part(t, w, i, 1);
		if (!holds(t, w, held))
			return false;
	}
	return await(t, w->order, BIT(OFFER), t->options->timeout_ms);
}

static bool
part_backwards(struct trial *t)
{
	struct whole *w = begin(t);
	uint64_t held = 0;

	if (w == NULL)
		return false;
	for (size_t i = w->blocks; i-- > 0;) {
		held |= 1ull << i;
		part(t, w, i, 1);
		if (!holds(t, w, held))
			return false;
	}
	return await(t, w->order, BIT(OFFER), t->options->timeout_ms);
}

static bool
part_many_blocks(struct trial *t)
{
	struct whole *w = begin(t);

	if (w == NULL)
		return false;
	part(t, w, 1, w->blocks);
	if (!holds(t, w, (1ull << w->blocks) - 2))
		return false;
	part(t, w, 0, 2);
	return holds(t, w, (1ull << w->blocks) - 1) &&
	    await(t, w->order, BIT(OFFER), t->options->timeout_ms);
}

static bool
part_question(struct trial *t)
{
	struct whole *w = begin(t);

	if (w == NULL)
		return false;
	question(t, w);
	if (!holds(t, w, 0))
		return false;
	part(t, w, 1, 1);
	if (!holds(t, w, 2))
		return false;
	question(t, w);
	return holds(t, w, 2);
}

static bool
part_complete_is_repeated(struct trial *t)
{
	struct whole *w = begin(t);

	if (w == NULL)
		return false;
	part(t, w, 0, w->blocks);
	if (!holds(t, w, (1ull << w->blocks) - 1) ||
	    !await(t, w->order, BIT(OFFER), t->options->timeout_ms))
		return false;
	question(t, w);
	return holds(t, w, (1ull << w->blocks) - 1) &&
	    await(t, w->order, BIT(OFFER), t->options->timeout_ms) &&
	    (span_equal(span_of(&t->msg.raw),
		 span_of(&w->order->offer.raw)) ||
		fails_msg(t, "the OFFER of before", &t->msg));
}

/* One bit is wrong: nothing becomes of it. */
static bool
part_digest(struct trial *t)
{
	struct whole *w = begin(t);

	if (w == NULL)
		return false;
	part(t, w, 0, w->blocks - 1);
	if (!holds(t, w, (1ull << (w->blocks - 1)) - 1))
		return false;
	w->bytes.b[w->bytes.n - 1] ^= 1;
	part(t, w, w->blocks - 1, 1);
	draft_write(&t->draft, &t->out);
	w->order->request = t->out;
	if (!link_send(w->order->link, span_of(&t->out)))
		return fails(t, "a part could not be sent");
	w->bytes.b[w->bytes.n - 1] ^= 1;
	question(t, w);
	return holds(t, w, 0);
}

static bool
part_first_bytes_stand(struct trial *t)
{
	struct whole *w = begin(t);

	if (w == NULL)
		return false;
	part(t, w, 0, 2);
	if (!holds(t, w, 3))
		return false;
	w->bytes.b[BLOCK + 5] ^= 1;
	part(t, w, 1, 1);
	w->bytes.b[BLOCK + 5] ^= 1;
	if (!holds(t, w, 3))
		return false;
	part(t, w, 2, w->blocks - 2);
	return holds(t, w, (1ull << w->blocks) - 1) &&
	    await(t, w->order, BIT(OFFER), t->options->timeout_ms);
}

static bool
ignores(struct trial *t, struct whole *w)
{
	if (!expect_refused_draft(t, w->order))
		return false;
	question(t, w);
	return holds(t, w, 0);
}

static bool
part_bad_offset(struct trial *t)
{
	struct whole *w = begin(t);

	if (w == NULL)
		return false;
	part(t, w, 0, 1);
	draft_uint(&t->draft, PART_OFFSET, 1);
	if (!ignores(t, w))
		return false;
	part(t, w, 0, 1);
	draft_uint(&t->draft, PART_OFFSET, w->blocks * BLOCK);
	if (!ignores(t, w))
		return false;
	part(t, w, 0, 1);
	draft_bytes(&t->draft, PART, (struct span){w->bytes.b, BLOCK - 1});
	return ignores(t, w);
}

static bool
part_too_long(struct trial *t)
{
	struct whole *w = begin(t);

	if (w == NULL)
		return false;
	part(t, w, 0, 1);
	draft_uint(&t->draft, TOTAL_LENGTH, 131073);
	return expect_refused_draft(t, w->order) && expect_alive(t);
}

static const struct clause clauses[] = {
	{{"PARTS-1", "PARTS-1"},
	    "parts are acknowledged one by one and make a message",
	    part_in_order, 0},
	{{"PARTS-2", "PARTS-2"}, "parts may come in any order",
	    part_backwards, 0},
	{{"PARTS-3", "PARTS-3"},
	    "a part may have several blocks, and blocks may come twice",
	    part_many_blocks, 0},
	{{"PARTS-4", "PARTS-4"}, "a question is answered with what is held",
	    part_question, 0},
	{{"PARTS-5", "PARTS-5"},
	    "a question for a complete message is its retransmission",
	    part_complete_is_repeated, 0},
	{{"PARTS-6", "PARTS-6"}, "a message with another digest is dropped",
	    part_digest, 0},
	{{"PARTS-7", "PARTS-7"}, "bytes for a block that is there are ignored",
	    part_first_bytes_stand, 0},
	{{"PARTS-8", "PARTS-8"}, "parts that are not whole blocks are ignored",
	    part_bad_offset, 0},
	{{"PARTS-9", "PARTS-9"}, "a message of more than 131072 bytes",
	    part_too_long, 0},
};

const struct clause_group part_clauses = {clauses, COUNT(clauses)};
