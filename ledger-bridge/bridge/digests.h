/*
 * A set of digests, in memory: the operations that wait.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BRIDGE_DIGESTS_H
#define BRIDGE_DIGESTS_H

#include <cpnp/types.h>

struct digests {
	uint8_t (*slots)[CPNP_SHA256_LEN]; /* all zero: empty */
	size_t cap;                        /* a power of two, or 0 */
	size_t n;
};

void digests_fini(struct digests *set);
bool digests_has(
    const struct digests *set, const uint8_t digest[CPNP_SHA256_LEN]);
/* Room for so many more, so that _add cannot fail.  CPNP_ERR_NOMEM. */
int digests_reserve(struct digests *set, size_t more);
void digests_add(struct digests *set, const uint8_t digest[CPNP_SHA256_LEN]);
void digests_remove(
    struct digests *set, const uint8_t digest[CPNP_SHA256_LEN]);

#endif
