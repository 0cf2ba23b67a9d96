/*
 * A binary heap of numbers with three keys: the least comes first, and of
 * equals the least number.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PATH_HEAP_H
#define PATH_HEAP_H

#include <cpnp/types.h>

#define HEAP_KEYS 3

struct path_item {
	uint64_t key[HEAP_KEYS];
	uint32_t number;
};
struct path_heap {
	struct path_item *items;
	size_t n, room;
};

int path_heap_push(
    const cpnp_mem *mem, struct path_heap *heap, const struct path_item *item);
/* False when it is empty. */
bool path_heap_pop(struct path_heap *heap, struct path_item *item);
void path_heap_fini(const cpnp_mem *mem, struct path_heap *heap);

#endif
