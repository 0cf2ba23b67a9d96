/*
 * What waits for a time: a binary heap in which every item knows its place.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define HEAP_FIRST 64

static bool
is_before(const struct timed *a, const struct timed *b)
{
	size_t n;
	int order;

	if (a->due.at != b->due.at)
		return a->due.at < b->due.at;
	if (a->due.rank != b->due.rank)
		return a->due.rank < b->due.rank;
	n = a->node.key_len < b->node.key_len ? a->node.key_len
					      : b->node.key_len;
	order = memcmp(a->node.key, b->node.key, n);
	return order != 0 ? order < 0 : a->node.key_len < b->node.key_len;
}

static void
place(struct heap *heap, size_t at, struct timed *timed)
{
	heap->items[at] = timed;
	timed->due.index = at + 1;
}

static void
sift_up(struct heap *heap, size_t at, struct timed *timed)
{
	size_t up;

	while (at > 0) {
		up = (at - 1) / 2;
		if (!is_before(timed, heap->items[up]))
			break;
		place(heap, at, heap->items[up]);
		at = up;
	}
	place(heap, at, timed);
}

static void
sift_down(struct heap *heap, size_t at, struct timed *timed)
{
	size_t down;

	while ((down = 2 * at + 1) < heap->n) {
		if (down + 1 < heap->n &&
		    is_before(heap->items[down + 1], heap->items[down]))
			down++;
		if (!is_before(heap->items[down], timed))
			break;
		place(heap, at, heap->items[down]);
		at = down;
	}
	place(heap, at, timed);
}

void
due_clear(struct heap *heap, struct timed *timed)
{
	size_t at = timed->due.index;
	struct timed *last;

	if (at == 0)
		return;
	timed->due.index = 0;
	last = heap->items[--heap->n];
	if (last == timed)
		return;
	at--;
	sift_down(heap, at, last);
	sift_up(heap, last->due.index - 1, last);
}

int
due_set(struct heap *heap, const cpnp_mem *mem, struct timed *timed,
    enum due_rank rank, int64_t at)
{
	struct timed **items;
	size_t cap;

	due_clear(heap, timed);
	if (heap->n == heap->cap) {
		cap = heap->cap == 0 ? HEAP_FIRST : 2 * heap->cap;
		items = mem->realloc(
		    mem->user, heap->items, cap * sizeof(struct timed *));
		if (items == NULL)
			return CPNP_ERR_NOMEM;
		heap->items = items;
		heap->cap = cap;
	}
	timed->due.at = at;
	timed->due.rank = rank;
	sift_up(heap, heap->n++, timed);
	return 0;
}
