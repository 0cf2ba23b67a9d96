/*
 * Open addressing with linear probing.  A digest is random already, so its
 * first bytes are its hash; who chooses operations to collide hurts only the
 * bridge that he submits them to, and that is his own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cpnp/error.h>

#include "digests.h"

#define FIRST_CAP 1024

static const uint8_t empty[CPNP_SHA256_LEN];

static size_t
slot_of(const struct digests *set, const uint8_t *digest)
{
	uint64_t hash;

	memcpy(&hash, digest, sizeof(hash));
	return (size_t)hash & (set->cap - 1);
}

/* The slot that has the digest, or the empty one where it belongs. */
static size_t
find(const struct digests *set, const uint8_t *digest)
{
	size_t i = slot_of(set, digest);

	while (memcmp(set->slots[i], empty, sizeof(empty)) != 0 &&
	    memcmp(set->slots[i], digest, sizeof(empty)) != 0)
		i = (i + 1) & (set->cap - 1);
	return i;
}

void
digests_fini(struct digests *set)
{
	free(set->slots);
	memset(set, 0, sizeof(*set));
}

bool
digests_has(const struct digests *set, const uint8_t digest[CPNP_SHA256_LEN])
{
	return set->n > 0 && memcmp(set->slots[find(set, digest)], digest,
	    CPNP_SHA256_LEN) == 0;
}

int
digests_reserve(struct digests *set, size_t more)
{
	struct digests old = *set;
	size_t cap = old.cap == 0 ? FIRST_CAP : old.cap;

	/* half of the slots stay empty */
	while (cap / 2 < old.n + more)
		cap *= 2;
	if (cap == old.cap)
		return 0;
	set->slots = calloc(cap, sizeof(*set->slots));
	if (set->slots == NULL) {
		*set = old;
		return CPNP_ERR_NOMEM;
	}
	set->cap = cap;
	set->n = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (memcmp(old.slots[i], empty, sizeof(empty)) != 0)
			digests_add(set, old.slots[i]);
	free(old.slots);
	return 0;
}

void
digests_add(struct digests *set, const uint8_t digest[CPNP_SHA256_LEN])
{
	size_t i = find(set, digest);

	if (memcmp(set->slots[i], empty, sizeof(empty)) != 0)
		return;
	memcpy(set->slots[i], digest, CPNP_SHA256_LEN);
	set->n++;
}

/* What stands behind the gap is put in again, so that it is found. */
void
digests_remove(struct digests *set, const uint8_t digest[CPNP_SHA256_LEN])
{
	uint8_t moved[CPNP_SHA256_LEN];
	size_t i;

	if (!digests_has(set, digest))
		return;
	i = find(set, digest);
	memset(set->slots[i], 0, CPNP_SHA256_LEN);
	set->n--;
	for (i = (i + 1) & (set->cap - 1);
	     memcmp(set->slots[i], empty, sizeof(empty)) != 0;
	     i = (i + 1) & (set->cap - 1)) {
		memcpy(moved, set->slots[i], sizeof(moved));
		memset(set->slots[i], 0, CPNP_SHA256_LEN);
		set->n--;
		digests_add(set, moved);
	}
}
