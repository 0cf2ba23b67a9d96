/*
 * An ordered map (an AA tree) of objects that begin with a node.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef SETTLEMENT_MAP_H
#define SETTLEMENT_MAP_H

#include <stddef.h>
#include <stdint.h>

struct node {
	struct node *left, *right;
	unsigned level;
	const uint8_t *key; /* in the object that the node begins */
	size_t key_len;
};
struct map {
	struct node *root;
	size_t n;
};
struct node *map_find(const struct map *map, const void *key, size_t len);
/* The first node whose key is not less. */
struct node *map_from(const struct map *map, const void *key, size_t len);
struct node *map_first(const struct map *map);
struct node *map_next(const struct map *map, const struct node *node);
/* The key must not be there. */
void map_insert(struct map *map, struct node *node);
/* The node must be there. */
void map_remove(struct map *map, struct node *node);

#endif
