/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph.h"
#include "heap.h"

static bool
is_before(const struct path_item *a, const struct path_item *b)
{
	int i;

	for (i = 0; i < HEAP_KEYS; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i];
	return a->number < b->number;
}

int
path_heap_push(
    const cpnp_mem *mem, struct path_heap *heap, const struct path_item *item)
{
	void *items = heap->items;
	size_t at = heap->n, up;
	int err;

	err =
	    path_grow(mem, &items, heap->n, &heap->room, sizeof(*heap->items));
	heap->items = items;
	if (err != 0)
		return err;
	heap->n++;
	for (; at > 0; at = up) {
		up = (at - 1) / 2;
		if (!is_before(item, &heap->items[up]))
			break;
		heap->items[at] = heap->items[up];
	}
	heap->items[at] = *item;
	return 0;
}

bool
path_heap_pop(struct path_heap *heap, struct path_item *item)
{
	size_t at = 0, down;
	struct path_item last;

	if (heap->n == 0)
		return false;
	*item = heap->items[0];
	last = heap->items[--heap->n];
	while ((down = 2 * at + 1) < heap->n) {
		if (down + 1 < heap->n &&
		    is_before(&heap->items[down + 1], &heap->items[down]))
			down++;
		if (!is_before(&heap->items[down], &last))
			break;
		heap->items[at] = heap->items[down];
		at = down;
	}
	heap->items[at] = last;
	return true;
}

void
path_heap_fini(const cpnp_mem *mem, struct path_heap *heap)
{
	mem->free(mem->user, heap->items);
	heap->items = NULL;
	heap->n = heap->room = 0;
}
