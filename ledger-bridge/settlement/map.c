/*
 * An ordered map, as an AA tree (A. Andersson, 1993): a red-black tree whose
 * red links only lean right, kept in shape by skew and split.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

static int
compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;
	int order = n == 0 ? 0 : memcmp(a, b, n);

	if (order != 0)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

struct node *
map_find(const struct map *map, const void *key, size_t len)
{
	struct node *node = map->root;
	int order;

	while (node != NULL) {
		order = compare(key, len, node->key, node->key_len);
		if (order == 0)
			return node;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

/* The first node whose key is greater, or not less when equal is true. */
static struct node *
map_above(const struct map *map, const void *key, size_t len, bool equal)
{
	struct node *node = map->root, *best = NULL;
	int order;

	while (node != NULL) {
		order = compare(key, len, node->key, node->key_len);
		if (order < 0 || (equal && order == 0)) {
			best = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct node *
map_from(const struct map *map, const void *key, size_t len)
{
	return map_above(map, key, len, true);
}

struct node *
map_first(const struct map *map)
{
	return map_above(map, NULL, 0, true);
}

struct node *
map_next(const struct map *map, const struct node *node)
{
	return map_above(map, node->key, node->key_len, false);
}

static struct node *
skew(struct node *node)
{
	struct node *left = node->left;

	if (left == NULL || left->level != node->level)
		return node;
	node->left = left->right;
	left->right = node;
	return left;
}

static struct node *
split(struct node *node)
{
	struct node *right = node->right;

	if (right == NULL || right->right == NULL ||
	    right->right->level != node->level)
		return node;
	node->right = right->left;
	right->left = node;
	right->level++;
	return right;
}

static struct node *
insert(struct node *at, struct node *node)
{
	if (at == NULL)
		return node;
	if (compare(node->key, node->key_len, at->key, at->key_len) < 0)
		at->left = insert(at->left, node);
	else
		at->right = insert(at->right, node);
	return split(skew(at));
}

void
map_insert(struct map *map, struct node *node)
{
	node->left = node->right = NULL;
	node->level = 1;
	map->root = insert(map->root, node);
	map->n++;
}

static unsigned
level_of(const struct node *node)
{
	return node == NULL ? 0 : node->level;
}

/* Bring a node back into shape after something below it went away. */
static struct node *
rebalance(struct node *node)
{
	unsigned low = level_of(node->left) < level_of(node->right)
	    ? level_of(node->left) : level_of(node->right);

	if (node->level > low + 1) {
		node->level = low + 1;
		if (level_of(node->right) > node->level)
			node->right->level = node->level;
	}
	node = skew(node);
	if (node->right != NULL) {
		node->right = skew(node->right);
		if (node->right->right != NULL)
			node->right->right = skew(node->right->right);
	}
	node = split(node);
	if (node->right != NULL)
		node->right = split(node->right);
	return node;
}

/* Unlink the smallest below at into *least. */
static struct node *
take_least(struct node *at, struct node **least)
{
	if (at->left == NULL) {
		*least = at;
		return at->right;
	}
	at->left = take_least(at->left, least);
	return rebalance(at);
}

static struct node *
remove_node(struct node *at, const struct node *node)
{
	struct node *least;
	int order;

	order = compare(node->key, node->key_len, at->key, at->key_len);
	if (order < 0) {
		at->left = remove_node(at->left, node);
	} else if (order > 0) {
		at->right = remove_node(at->right, node);
	} else {
		if (at->right == NULL)
			return at->left;
		least = NULL;
		at->right = take_least(at->right, &least);
		least->left = at->left;
		least->right = at->right;
		least->level = at->level;
		at = least;
	}
	return rebalance(at);
}

void
map_remove(struct map *map, struct node *node)
{
	map->root = remove_node(map->root, node);
	map->n--;
}

size_t
key_join(uint8_t *out, cpnp_bytes a, cpnp_bytes b)
{
	memcpy(out, a.ptr, a.len);
	out[a.len] = 0;
	if (b.len > 0)
		memcpy(out + a.len + 1, b.ptr, b.len);
	return a.len + 1 + b.len;
}
