/*
 * Keccak-256 as Ethereum uses it: the permutation of FIPS 202 with the
 * padding of the submission, 0x01, and not that of SHA3-256.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EVM_KECCAK_H
#define EVM_KECCAK_H

#include <cpnp/types.h>

#define KECCAK_LEN 32

void keccak256(cpnp_bytes input, uint8_t digest[KECCAK_LEN]);

#endif
