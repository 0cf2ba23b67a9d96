/*
 * The Merkle tree of RFC 9162, section 2.1, over tiles of 256 hashes.
 *
 * A tile of level l holds 256 neighbouring nodes of height 8l and, above
 * them, the 255 nodes that they make.  The newest tile of each level is kept
 * in memory and grows; a full one is written out, once, and never changes.
 * Every node of a perfect subtree lies in exactly one tile, as hash of its
 * bottom row or as one of the nodes above; every other node is on the right
 * edge and is computed when asked for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define TILE_HEIGHT 8
#define TILE_NODES (2 * CPNP_TILE_WIDTH - 1)
#define LEVELS 8
#define CACHE_TILES 32

/* Row r (0 is the bottom) of a tile begins at row_at(r) and is full up to
 * width >> r. */
struct tile {
	bool valid;
	unsigned level;
	uint64_t number;
	unsigned width;
	uint64_t used; /* for the cache: when it was asked for last */
	uint8_t nodes[TILE_NODES][CPNP_SHA256_LEN];
};

struct cpnp_tree {
	cpnp_tile_io io;
	struct hash hash;
	uint64_t size;
	struct tile edge[LEVELS];
	struct tile cache[CACHE_TILES];
	uint64_t clock;
};

static unsigned
row_at(unsigned row)
{
	return TILE_NODES - (unsigned)((2 * CPNP_TILE_WIDTH - 1) >> row);
}

static void
tile_reset(struct tile *tile, unsigned level, uint64_t number)
{
	tile->valid = true;
	tile->level = level;
	tile->number = number;
	tile->width = 0;
	tile->used = 0;
}

/* Add a hash to the bottom row, and each node that it completes above. */
static int
tile_push(struct tile *tile, struct hash *h, const uint8_t *hash)
{
	unsigned row, at;
	int err;

	at = tile->width++;
	memcpy(tile->nodes[at], hash, CPNP_SHA256_LEN);
	for (row = 0; row < TILE_HEIGHT && (at & 1) == 1; row++, at >>= 1) {
		err = hash_node(h, tile->nodes[row_at(row) + at - 1],
		    tile->nodes[row_at(row) + at],
		    tile->nodes[row_at(row + 1) + (at >> 1)]);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
tile_fill(struct tile *tile, struct hash *h, const uint8_t *hashes, size_t n)
{
	size_t i;
	int err;

	for (i = 0; i < n; i++) {
		err = tile_push(tile, h, hashes + i * CPNP_SHA256_LEN);
		if (err != 0)
			return err;
	}
	return 0;
}

int
cpnp_tree_new(cpnp_tree **tree, const cpnp_tile_io *io)
{
	cpnp_tree *t;
	unsigned level;
	int err;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return CPNP_ERR_NOMEM;
	err = hash_init(&t->hash);
	if (err != 0) {
		free(t);
		return err;
	}
	t->io = *io;
	for (level = 0; level < LEVELS; level++)
		tile_reset(&t->edge[level], level, 0);
	*tree = t;
	return 0;
}

void
cpnp_tree_del(cpnp_tree *tree)
{
	if (tree == NULL)
		return;
	hash_fini(&tree->hash);
	free(tree);
}

uint64_t
cpnp_tree_size(const cpnp_tree *tree)
{
	return tree->size;
}

/* The slot of the cache to use next. */
static struct tile *
cache_slot(cpnp_tree *tree)
{
	struct tile *oldest = &tree->cache[0];
	size_t i;

	for (i = 0; i < CACHE_TILES; i++) {
		if (!tree->cache[i].valid)
			return &tree->cache[i];
		if (tree->cache[i].used < oldest->used)
			oldest = &tree->cache[i];
	}
	return oldest;
}

/* A tile that holds at least what was ever pushed to it. */
static int
tree_tile(cpnp_tree *tree, unsigned level, uint64_t number,
    const struct tile **out)
{
	uint8_t hashes[CPNP_TILE_BYTES];
	struct tile *tile;
	size_t i;
	int err;

	if (tree->edge[level].number == number) {
		*out = &tree->edge[level];
		return 0;
	}
	for (i = 0; i < CACHE_TILES; i++) {
		tile = &tree->cache[i];
		if (tile->valid && tile->level == level &&
		    tile->number == number) {
			tile->used = ++tree->clock;
			*out = tile;
			return 0;
		}
	}
	err = tree->io.read(tree->io.user, level, number, hashes);
	if (err != 0)
		return err;
	tile = cache_slot(tree);
	tile_reset(tile, level, number);
	err = tile_fill(tile, &tree->hash, hashes, CPNP_TILE_WIDTH);
	if (err != 0) {
		tile->valid = false;
		return err;
	}
	tile->used = ++tree->clock;
	*out = tile;
	return 0;
}

/* Add a hash to a level; a tile that becomes full passes its root up. */
static int
tree_push(cpnp_tree *tree, unsigned level, const uint8_t *hash)
{
	struct tile *tile, *kept;
	int err;

	for (; level < LEVELS; level++) {
		tile = &tree->edge[level];
		err = tile_push(tile, &tree->hash, hash);
		if (err != 0)
			return err;
		if (tile->width < CPNP_TILE_WIDTH)
			return 0;
		err = tree->io.write(
		    tree->io.user, level, tile->number, tile->nodes[0]);
		if (err != 0)
			return err;
		/* receipts ask for the newest leaves most */
		kept = cache_slot(tree);
		*kept = *tile;
		kept->used = ++tree->clock;
		hash = kept->nodes[TILE_NODES - 1];
		tile_reset(tile, level, tile->number + 1);
	}
	return CPNP_ERR_EXHAUSTED;
}

int
cpnp_tree_append(cpnp_tree *tree, cpnp_bytes data)
{
	uint8_t hash[CPNP_SHA256_LEN];
	int err;

	err = hash_leaf(&tree->hash, data, hash);
	if (err == 0)
		err = tree_push(tree, 0, hash);
	if (err == 0)
		tree->size++;
	return err;
}

/* Node index of height 8 * level, the root of a full tile below. */
static int
tile_root(
    cpnp_tree *tree, unsigned level, uint64_t number, uint8_t *root)
{
	const struct tile *tile;
	int err;

	err = tree_tile(tree, level, number, &tile);
	if (err == 0)
		memcpy(root, tile->nodes[TILE_NODES - 1], CPNP_SHA256_LEN);
	return err;
}

int
cpnp_tree_load(cpnp_tree *tree, uint64_t size, const uint8_t *tail)
{
	uint64_t width, first, i;
	uint8_t root[CPNP_SHA256_LEN];
	unsigned level;
	int err;

	for (i = 0; i < CACHE_TILES; i++)
		tree->cache[i].valid = false;
	tree->size = size;
	for (level = 0, width = size; level < LEVELS;
	     level++, width /= CPNP_TILE_WIDTH)
		tile_reset(&tree->edge[level], level, width / CPNP_TILE_WIDTH);
	err = tile_fill(
	    &tree->edge[0], &tree->hash, tail, size % CPNP_TILE_WIDTH);
	width = size / CPNP_TILE_WIDTH;
	for (level = 1; err == 0 && level < LEVELS && width > 0; level++) {
		first = width - width % CPNP_TILE_WIDTH;
		for (i = first; err == 0 && i < width; i++) {
			err = tile_root(tree, level - 1, i, root);
			if (err == 0)
				err = tile_push(
				    &tree->edge[level], &tree->hash, root);
		}
		width /= CPNP_TILE_WIDTH;
	}
	return err;
}

/* The node of a perfect subtree: height, and index among its like. */
static int
tree_node(cpnp_tree *tree, unsigned height, uint64_t index, uint8_t *out)
{
	const struct tile *tile;
	unsigned level, row, at;
	int err;

	level = height / TILE_HEIGHT;
	row = height % TILE_HEIGHT;
	err = tree_tile(tree, level, index >> (TILE_HEIGHT - row), &tile);
	if (err != 0)
		return err;
	at = (unsigned)(index & ((CPNP_TILE_WIDTH >> row) - 1));
	if (at >= tile->width >> row)
		return CPNP_ERR_INTERNAL;
	memcpy(out, tile->nodes[row_at(row) + at], CPNP_SHA256_LEN);
	return 0;
}

/* The largest power of two that is smaller than n, n > 1; as an exponent. */
static unsigned
split_height(uint64_t n)
{
	unsigned height = 0;

	while (((n - 1) >> height) > 1)
		height++;
	return height;
}

/* MTH(D[start:start + n]); start is a multiple of the power of two above. */
static int
tree_range(cpnp_tree *tree, uint64_t start, uint64_t n, uint8_t *out)
{
	uint8_t left[CPNP_SHA256_LEN], right[CPNP_SHA256_LEN];
	unsigned height;
	uint64_t k;
	int err;

	if (n == 1)
		return tree_node(tree, 0, start, out);
	height = split_height(n);
	k = (uint64_t)1 << height;
	if (n == 2 * k)
		return tree_node(tree, height + 1, start >> (height + 1), out);
	err = tree_node(tree, height, start >> height, left);
	if (err == 0)
		err = tree_range(tree, start + k, n - k, right);
	if (err == 0)
		err = hash_node(&tree->hash, left, right, out);
	return err;
}

int
cpnp_tree_root(
    cpnp_tree *tree, uint64_t size, uint8_t root[CPNP_SHA256_LEN])
{
	if (size > tree->size)
		return CPNP_ERR_INVALID;
	if (size == 0)
		return hash_parts(&tree->hash, NULL, 0, root);
	return tree_range(tree, 0, size, root);
}

static void
path_reverse(uint8_t path[][CPNP_SHA256_LEN], size_t n)
{
	uint8_t swap[CPNP_SHA256_LEN];
	size_t i;

	for (i = 0; i < n / 2; i++) {
		memcpy(swap, path[i], sizeof(swap));
		memcpy(path[i], path[n - 1 - i], sizeof(swap));
		memcpy(path[n - 1 - i], swap, sizeof(swap));
	}
}

/* RFC 9162, section 2.1.3.1, from the root down; the path is leaf first. */
int
cpnp_tree_inclusion(cpnp_tree *tree, uint64_t index, uint64_t size,
    uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN], size_t *n)
{
	uint64_t start = 0, k;
	int err = 0;

	if (size > tree->size || index >= size)
		return CPNP_ERR_INVALID;
	*n = 0;
	while (err == 0 && size > 1) {
		k = (uint64_t)1 << split_height(size);
		if (index < k) {
			err = tree_range(
			    tree, start + k, size - k, path[(*n)++]);
			size = k;
		} else {
			err = tree_range(tree, start, k, path[(*n)++]);
			start += k;
			index -= k;
			size -= k;
		}
	}
	path_reverse(path, *n);
	return err;
}

/* RFC 9162, section 2.1.4.1. */
int
cpnp_tree_consistency(cpnp_tree *tree, uint64_t first, uint64_t second,
    uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN], size_t *n)
{
	uint64_t start = 0, k;
	bool whole = true;
	int err = 0;

	if (second > tree->size || first == 0 || first > second)
		return CPNP_ERR_INVALID;
	*n = 0;
	while (err == 0 && first != second) {
		k = (uint64_t)1 << split_height(second);
		if (first <= k) {
			err = tree_range(
			    tree, start + k, second - k, path[(*n)++]);
			second = k;
		} else {
			err = tree_range(tree, start, k, path[(*n)++]);
			start += k;
			first -= k;
			second -= k;
			whole = false;
		}
	}
	if (err == 0 && !whole)
		err = tree_range(tree, start, first, path[(*n)++]);
	path_reverse(path, *n);
	return err;
}

int
cpnp_tree_leaf_hash(cpnp_bytes data, uint8_t hash[CPNP_SHA256_LEN])
{
	static const uint8_t prefix = 0;

	return hash_once((const cpnp_bytes[]){{&prefix, 1}, data}, 2, hash);
}

/* RFC 9162, section 2.1.3.2. */
int
tree_path_root(struct hash *h, const uint8_t *leaf, uint64_t index,
    uint64_t size, const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t root[CPNP_SHA256_LEN])
{
	uint64_t fn = index, sn = size - 1;
	size_t i;
	int err;

	if (index >= size)
		return CPNP_ERR_PROOF;
	memcpy(root, leaf, CPNP_SHA256_LEN);
	for (i = 0; i < n; i++) {
		if (sn == 0)
			return CPNP_ERR_PROOF;
		if ((fn & 1) == 1 || fn == sn) {
			err = hash_node(h, path[i], root, root);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			err = hash_node(h, root, path[i], root);
		}
		if (err != 0)
			return err;
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 ? 0 : CPNP_ERR_PROOF;
}

int
cpnp_inclusion_root(const uint8_t leaf[CPNP_SHA256_LEN], uint64_t index,
    uint64_t size, const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t root[CPNP_SHA256_LEN])
{
	struct hash h;
	int err;

	err = hash_init(&h);
	if (err != 0)
		return err;
	err = tree_path_root(&h, leaf, index, size, path, n, root);
	hash_fini(&h);
	return err;
}

static int
consistency_roots(struct hash *h, uint64_t first, uint64_t second,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n, uint8_t *fr,
    uint8_t *sr)
{
	uint64_t fn = first - 1, sn = second - 1;
	size_t i;
	int err = 0;

	while ((fn & 1) == 1) {
		fn >>= 1;
		sn >>= 1;
	}
	memcpy(fr, path[0], CPNP_SHA256_LEN);
	memcpy(sr, path[0], CPNP_SHA256_LEN);
	for (i = 1; i < n && err == 0; i++) {
		if (sn == 0)
			return CPNP_ERR_PROOF;
		if ((fn & 1) == 1 || fn == sn) {
			err = hash_node(h, path[i], fr, fr);
			if (err == 0)
				err = hash_node(h, path[i], sr, sr);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			err = hash_node(h, sr, path[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (err == 0 && sn != 0)
		err = CPNP_ERR_PROOF;
	return err;
}

int
tree_consistency_roots(uint64_t first, uint64_t second,
    const uint8_t first_root[CPNP_SHA256_LEN],
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t fr[CPNP_SHA256_LEN], uint8_t sr[CPNP_SHA256_LEN])
{
	uint8_t with_first[CPNP_TREE_PATH_MAX + 1][CPNP_SHA256_LEN];
	struct hash h;
	int err;

	if (first == 0 || first >= second || n == 0 || n > CPNP_TREE_PATH_MAX)
		return CPNP_ERR_PROOF;
	if ((first & (first - 1)) == 0) {
		memcpy(with_first[0], first_root, CPNP_SHA256_LEN);
		memcpy(with_first[1], path, n * CPNP_SHA256_LEN);
		n++;
	} else {
		memcpy(with_first, path, n * CPNP_SHA256_LEN);
	}
	err = hash_init(&h);
	if (err != 0)
		return err;
	err = consistency_roots(&h, first, second,
	    (const uint8_t (*)[CPNP_SHA256_LEN])with_first, n, fr, sr);
	hash_fini(&h);
	return err;
}

int
cpnp_consistency_verify(uint64_t first, uint64_t second,
    const uint8_t first_root[CPNP_SHA256_LEN],
    const uint8_t second_root[CPNP_SHA256_LEN],
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n)
{
	uint8_t fr[CPNP_SHA256_LEN], sr[CPNP_SHA256_LEN];
	int err;

	if (first != 0 && first == second)
		return n == 0 && memcmp(first_root, second_root,
		    CPNP_SHA256_LEN) == 0 ? 0 : CPNP_ERR_PROOF;
	err = tree_consistency_roots(
	    first, second, first_root, path, n, fr, sr);
	if (err == 0 && (memcmp(fr, first_root, sizeof(fr)) != 0 ||
	    memcmp(sr, second_root, sizeof(sr)) != 0))
		err = CPNP_ERR_PROOF;
	return err;
}

/* Level by level, an odd last node moves up as it is: the same tree. */
int
small_tree_build(struct small_tree *tree, struct hash *h, size_t n)
{
	size_t level = 0, at = 0, i, up;
	int err;

	tree->level_at[0] = 0;
	tree->level_n[0] = n;
	while (n > 1) {
		up = at + n;
		for (i = 0; i + 1 < n; i += 2) {
			err = hash_node(h, tree->nodes[at + i],
			    tree->nodes[at + i + 1], tree->nodes[up + i / 2]);
			if (err != 0)
				return err;
		}
		if ((n & 1) == 1)
			memcpy(tree->nodes[up + n / 2],
			    tree->nodes[at + n - 1], CPNP_SHA256_LEN);
		n = (n + 1) / 2;
		at = up;
		level++;
		tree->level_at[level] = at;
		tree->level_n[level] = n;
	}
	tree->levels = level + 1;
	return 0;
}

size_t
small_tree_path(const struct small_tree *tree, size_t index,
    uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN])
{
	size_t level, n = 0;

	for (level = 0; level + 1 < tree->levels; level++, index >>= 1)
		if ((index ^ 1) < tree->level_n[level])
			memcpy(path[n++],
			    tree->nodes[tree->level_at[level] + (index ^ 1)],
			    CPNP_SHA256_LEN);
	return n;
}
