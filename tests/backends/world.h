/*
 * A small ledger for tests of the bridge: three accounts with keys in files,
 * one token, and operations that are the same whoever makes them again.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <cpnp/settlement.h>

/* Who: the first is issuer and operator, the others pay each other. */
enum { WORLD_BANK, WORLD_A, WORLD_B, WORLD_PARTIES };

struct world {
	cpnp_signer *signers[WORLD_PARTIES];
	cpnp_buf genesis;
	uint8_t id[CPNP_SHA256_LEN];
};

/* Keys and genesis are in files of this directory, made when they are not
 * there.  Ends the program when that fails. */
void world_init(struct world *world, const char *dir);
void world_fini(struct world *world);

/*
 * Operation number i of a payer (WORLD_A or WORLD_B): the first mints its
 * tokens; then come transfers, of which some are too large, of no token, or
 * signed by somebody else.
 */
#define WORLD_OP_MAX 512
void world_encode(const struct world *world, int payer, uint64_t i,
    cpnp_buf *payload);
/* The digest of the encoded operation. */
void world_digest(const struct world *world, int payer, uint64_t i,
    uint8_t digest[CPNP_SHA256_LEN]);
/* Signed, n neighbours with one signature; out is an array of n buffers. */
void world_sign(const struct world *world, int payer, uint64_t first, size_t n,
    cpnp_buf *out);
/* All by the payer and with one signature, for a bench; not the first. */
void world_sign_all(const struct world *world, int payer, uint64_t first,
    size_t n, cpnp_buf *out);
/* How it must end, if nothing but these operations is in the log. */
unsigned world_code(uint64_t i);

#endif
