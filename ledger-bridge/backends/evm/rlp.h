/*
 * Recursive length prefix, the writing half, as far as transactions need it:
 * strings, integers, and one list around what was written.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EVM_RLP_H
#define EVM_RLP_H

#include <cpnp/cbor.h>

/* Longest head: a byte and eight of length. */
#define RLP_HEAD_MAX 9

void rlp_put_bytes(cpnp_buf *buf, cpnp_bytes bytes);
/* Big-endian, without leading zeros; zero is the empty string. */
void rlp_put_uint(cpnp_buf *buf, uint64_t value);
void rlp_put_uint256(cpnp_buf *buf, const uint8_t value[32]);
/* The head of a list whose items are len bytes long together. */
void rlp_put_list(cpnp_buf *buf, size_t len);

#endif
