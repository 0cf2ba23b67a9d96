/*
 * The Merkle tree of RFC 9162: published roots, every proof of small trees
 * and across the edge of a tile.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "internal.h"
#include "unit.h"

#define TILES 64

/* Tiles in memory. */
struct tiles {
	struct {
		unsigned level;
		uint64_t number;
		uint8_t hashes[CPNP_TILE_BYTES];
	} at[TILES];
	size_t n;
};

static int
read_tile(void *user, unsigned level, uint64_t number,
    uint8_t hashes[CPNP_TILE_BYTES])
{
	struct tiles *tiles = user;

	for (size_t i = 0; i < tiles->n; i++) {
		if (tiles->at[i].level == level &&
		    tiles->at[i].number == number) {
			memcpy(hashes, tiles->at[i].hashes, CPNP_TILE_BYTES);
			return 0;
		}
	}
	return CPNP_ERR_IO;
}

static int
write_tile(void *user, unsigned level, uint64_t number,
    const uint8_t hashes[CPNP_TILE_BYTES])
{
	struct tiles *tiles = user;

	if (tiles->n == TILES)
		return CPNP_ERR_FULL;
	tiles->at[tiles->n].level = level;
	tiles->at[tiles->n].number = number;
	memcpy(tiles->at[tiles->n++].hashes, hashes, CPNP_TILE_BYTES);
	return 0;
}

static struct tiles *
setup(cpnp_tree **tree)
{
	struct tiles *tiles = calloc(1, sizeof(*tiles));
	cpnp_tile_io io = {tiles, read_tile, write_tile};

	ck_assert_ptr_nonnull(tiles);
	ck_assert_int_eq(cpnp_tree_new(tree, &io), 0);
	return tiles;
}

static void
leaf_data(uint64_t i, uint8_t data[8])
{
	for (int k = 0; k < 8; k++)
		data[k] = (uint8_t)(i >> (8 * k));
}

static void
grow(cpnp_tree *tree, uint64_t n)
{
	uint8_t data[8];

	for (uint64_t i = 0; i < n; i++) {
		leaf_data(cpnp_tree_size(tree), data);
		ck_assert_int_eq(cpnp_tree_append(
		    tree, (cpnp_bytes){data, sizeof(data)}), 0);
	}
}

/* The definition of RFC 9162, section 2.1.1, said once more. */
static void
reference_root(uint64_t start, uint64_t n, uint8_t *root)
{
	uint8_t node[65], data[8];
	uint64_t k = 1;

	if (n == 1) {
		leaf_data(start, data);
		ck_assert_int_eq(cpnp_tree_leaf_hash(
		    (cpnp_bytes){data, sizeof(data)}, root), 0);
		return;
	}
	while (2 * k < n)
		k *= 2;
	node[0] = 1;
	reference_root(start, k, node + 1);
	reference_root(start + k, n - k, node + 33);
	ck_assert_int_eq(
	    hash_once(&(cpnp_bytes){node, sizeof(node)}, 1, root), 0);
}

START_TEST(test_tree_published_roots)
{
	/* the eight leaves that implementations of RFC 6962 share */
	static const char *const leaves[] = {"", "00", "10", "2021", "3031",
	    "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
	static const char *const roots[] = {
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
	uint8_t root[32], want[32], data[16];
	cpnp_tree *tree;
	struct tiles *tiles = setup(&tree);

	for (size_t n = 0; n <= 8; n++) {
		ck_assert_int_eq(cpnp_tree_root(tree, n, root), 0);
		unit_assert_bytes(
		    (cpnp_bytes){root, 32}, unit_hex(roots[n], want));
		if (n < 8)
			ck_assert_int_eq(cpnp_tree_append(
			    tree, unit_hex(leaves[n], data)), 0);
	}
	cpnp_tree_del(tree);
	free(tiles);
}
END_TEST

/* Every leaf of a tree of a size, and that a wrong leaf, index, size and
 * path do not pass. */
static void
check_inclusion(cpnp_tree *tree, uint64_t size, uint64_t step)
{
	uint8_t path[CPNP_TREE_PATH_MAX][32], leaf[32], root[32], got[32];
	const uint8_t (*p)[32] = (const uint8_t (*)[32])path;
	uint8_t data[8];
	size_t n;

	ck_assert_int_eq(cpnp_tree_root(tree, size, root), 0);
	for (uint64_t i = 0; i < size; i += step) {
		leaf_data(i, data);
		ck_assert_int_eq(cpnp_tree_leaf_hash(
		    (cpnp_bytes){data, sizeof(data)}, leaf), 0);
		ck_assert_int_eq(
		    cpnp_tree_inclusion(tree, i, size, path, &n), 0);
		ck_assert_int_eq(
		    cpnp_inclusion_root(leaf, i, size, p, n, got), 0);
		ck_assert_mem_eq(got, root, 32);
		leaf[31] ^= 1;
		ck_assert_int_eq(
		    cpnp_inclusion_root(leaf, i, size, p, n, got), 0);
		ck_assert_mem_ne(got, root, 32);
		leaf[31] ^= 1;
		if (n == 0)
			continue;
		if (cpnp_inclusion_root(leaf, i ^ 1, size, p, n, got) == 0)
			ck_assert_mem_ne(got, root, 32);
		ck_assert_int_eq(cpnp_inclusion_root(
		    leaf, i, size, p, n - 1, got), CPNP_ERR_PROOF);
		path[n - 1][0] ^= 1;
		ck_assert_int_eq(
		    cpnp_inclusion_root(leaf, i, size, p, n, got), 0);
		ck_assert_mem_ne(got, root, 32);
	}
}

START_TEST(test_tree_every_inclusion)
{
	uint8_t root[32], want[32];
	cpnp_tree *tree;
	struct tiles *tiles = setup(&tree);

	for (uint64_t size = 1; size <= 130; size++) {
		grow(tree, 1);
		reference_root(0, size, want);
		ck_assert_int_eq(cpnp_tree_root(tree, size, root), 0);
		ck_assert_mem_eq(root, want, 32);
		check_inclusion(tree, size, 1);
	}
	cpnp_tree_del(tree);
	free(tiles);
}
END_TEST

START_TEST(test_tree_inclusion_across_tiles)
{
	static const uint64_t sizes[] = {
	    255, 256, 257, 511, 512, 513, 600, 1023, 1025};
	uint8_t root[32], want[32];
	cpnp_tree *tree;
	struct tiles *tiles = setup(&tree);

	grow(tree, 1025);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		reference_root(0, sizes[k], want);
		ck_assert_int_eq(cpnp_tree_root(tree, sizes[k], root), 0);
		ck_assert_mem_eq(root, want, 32);
		check_inclusion(tree, sizes[k], 7);
	}
	cpnp_tree_del(tree);
	free(tiles);
}
END_TEST

static void
check_consistency(cpnp_tree *tree, uint64_t first, uint64_t second)
{
	uint8_t path[CPNP_TREE_PATH_MAX][32], a[32], b[32];
	const uint8_t (*p)[32] = (const uint8_t (*)[32])path;
	size_t n;

	ck_assert_int_eq(cpnp_tree_root(tree, first, a), 0);
	ck_assert_int_eq(cpnp_tree_root(tree, second, b), 0);
	ck_assert_int_eq(
	    cpnp_tree_consistency(tree, first, second, path, &n), 0);
	ck_assert_int_eq(
	    cpnp_consistency_verify(first, second, a, b, p, n), 0);
	a[0] ^= 1;
	ck_assert_int_eq(cpnp_consistency_verify(first, second, a, b, p, n),
	    CPNP_ERR_PROOF);
	a[0] ^= 1;
	b[0] ^= 1;
	ck_assert_int_eq(cpnp_consistency_verify(first, second, a, b, p, n),
	    CPNP_ERR_PROOF);
	b[0] ^= 1;
	if (n > 0) {
		ck_assert_int_eq(cpnp_consistency_verify(
		    first, second, a, b, p, n - 1), CPNP_ERR_PROOF);
		path[n / 2][5] ^= 1;
		ck_assert_int_eq(cpnp_consistency_verify(
		    first, second, a, b, p, n), CPNP_ERR_PROOF);
	}
}

START_TEST(test_tree_every_consistency)
{
	cpnp_tree *tree;
	struct tiles *tiles = setup(&tree);

	grow(tree, 130);
	for (uint64_t second = 1; second <= 130; second++)
		for (uint64_t first = 1; first <= second; first++)
			check_consistency(tree, first, second);
	cpnp_tree_del(tree);
	free(tiles);
}
END_TEST

START_TEST(test_tree_consistency_across_tiles)
{
	static const uint64_t sizes[] = {
	    1, 2, 3, 127, 255, 256, 257, 300, 511, 512, 513, 769, 1024};
	cpnp_tree *tree;
	struct tiles *tiles = setup(&tree);

	grow(tree, 1024);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t k = i; k < sizeof(sizes) / sizeof(*sizes); k++)
			check_consistency(tree, sizes[i], sizes[k]);
	cpnp_tree_del(tree);
	free(tiles);
}
END_TEST

/* A tree read back is the tree that was: its root, and after more leaves. */
START_TEST(test_tree_load_resumes)
{
	static const uint64_t sizes[] = {0, 1, 255, 256, 257, 700, 768};
	uint8_t tail[CPNP_TILE_BYTES], data[8], got[32], want[32];
	cpnp_tree *tree;
	struct tiles *tiles = setup(&tree);

	grow(tree, 768);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		uint64_t size = sizes[k], first = size - size % 256;

		for (uint64_t i = first; i < size; i++) {
			leaf_data(i, data);
			ck_assert_int_eq(cpnp_tree_leaf_hash(
			    (cpnp_bytes){data, 8}, tail + 32 * (i - first)),
			    0);
		}
		ck_assert_int_eq(cpnp_tree_load(tree, size, tail), 0);
		grow(tree, 5);
		reference_root(0, size + 5, want);
		ck_assert_int_eq(cpnp_tree_root(tree, size + 5, got), 0);
		ck_assert_mem_eq(got, want, 32);
	}
	cpnp_tree_del(tree);
	free(tiles);
}
END_TEST

START_TEST(test_tree_refuses_what_is_not_there)
{
	uint8_t path[CPNP_TREE_PATH_MAX][32], root[32];
	cpnp_tree *tree;
	struct tiles *tiles = setup(&tree);
	size_t n;

	grow(tree, 3);
	ck_assert_int_eq(cpnp_tree_root(tree, 4, root), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    cpnp_tree_inclusion(tree, 3, 3, path, &n), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    cpnp_tree_inclusion(tree, 0, 4, path, &n), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    cpnp_tree_consistency(tree, 0, 3, path, &n), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    cpnp_tree_consistency(tree, 3, 2, path, &n), CPNP_ERR_INVALID);
	cpnp_tree_del(tree);
	free(tiles);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_tree_published_roots,
	    test_tree_every_inclusion, test_tree_inclusion_across_tiles,
	    test_tree_every_consistency, test_tree_consistency_across_tiles,
	    test_tree_load_resumes, test_tree_refuses_what_is_not_there};

	return unit_run("tree", tests, sizeof(tests) / sizeof(*tests));
}
