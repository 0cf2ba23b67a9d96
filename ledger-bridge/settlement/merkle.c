/*
 * The right edge of an RFC 9162 tree: all that is needed to go on hashing,
 * whatever its size.  cpnp_tree keeps the leaves and makes the proofs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

static const uint8_t leaf_prefix = 0;
static const uint8_t node_prefix = 1;

static int
hash_leaf_data(const cpnp_env *env, cpnp_bytes leaf,
    uint8_t hash[CPNP_SHA256_LEN])
{
	const cpnp_bytes parts[] = {{&leaf_prefix, 1}, leaf};

	return env->sha256(env->user, parts, 2, hash) == 0 ? 0
							   : CPNP_ERR_CRYPTO;
}

static int
hash_pair(const cpnp_env *env, const uint8_t *left, const uint8_t *right,
    uint8_t hash[CPNP_SHA256_LEN])
{
	uint8_t both[2 * CPNP_SHA256_LEN];
	const cpnp_bytes parts[] = {{&node_prefix, 1}, {both, sizeof(both)}};

	memcpy(both, left, CPNP_SHA256_LEN);
	memcpy(both + CPNP_SHA256_LEN, right, CPNP_SHA256_LEN);
	return env->sha256(env->user, parts, 2, hash) == 0 ? 0
							   : CPNP_ERR_CRYPTO;
}

int
frontier_push(struct frontier *f, const cpnp_env *env, cpnp_bytes leaf)
{
	uint8_t hash[CPNP_SHA256_LEN];
	unsigned height = 0;
	int err;

	err = hash_leaf_data(env, leaf, hash);
	while (err == 0 && (f->size >> height & 1) == 1) {
		err = hash_pair(env, f->nodes[height], hash, hash);
		height++;
	}
	if (err != 0)
		return err;
	memcpy(f->nodes[height], hash, sizeof(hash));
	f->size++;
	return 0;
}

int
frontier_root(const struct frontier *f, const cpnp_env *env,
    uint8_t root[CPNP_SHA256_LEN])
{
	bool has_root = false;
	unsigned height;
	int err = 0;

	if (f->size == 0)
		return env->sha256(env->user, NULL, 0, root) == 0
		    ? 0 : CPNP_ERR_CRYPTO;
	for (height = 0; height < FRONTIER_MAX && err == 0; height++) {
		if ((f->size >> height & 1) == 0)
			continue;
		if (has_root)
			err = hash_pair(env, f->nodes[height], root, root);
		else
			memcpy(root, f->nodes[height], CPNP_SHA256_LEN);
		has_root = true;
	}
	return err;
}

/* RFC 9162, section 2.1.3.2. */
int
path_root(const cpnp_env *env, cpnp_bytes leaf, uint64_t index, uint64_t size,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t root[CPNP_SHA256_LEN])
{
	uint64_t fn = index, sn = size - 1;
	size_t i;
	int err;

	if (index >= size)
		return CPNP_ERR_PROOF;
	err = hash_leaf_data(env, leaf, root);
	for (i = 0; i < n && err == 0; i++) {
		if (sn == 0)
			return CPNP_ERR_PROOF;
		if ((fn & 1) == 1 || fn == sn) {
			err = hash_pair(env, path[i], root, root);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			err = hash_pair(env, root, path[i], root);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (err != 0)
		return err;
	return sn == 0 ? 0 : CPNP_ERR_PROOF;
}
