/*
 * What a node says: JSON-RPC answers and the values in them.  The node is
 * another's program; nothing that it says is taken unseen.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EVM_ANSWER_H
#define EVM_ANSWER_H

#include <jansson.h>

#include "abi.h"

/* Wei do not fit in 64 bits. */
__extension__ typedef unsigned __int128 evm_wei;

/* Values in an answer: a short text can make many of them. */
#define ANSWER_VALUES_MAX 500000

/*
 * The result of request id, with a reference for the caller.  INVALID: the
 * node refused, diag says with which words; UNAVAILABLE: not an answer to this
 * request; TOO_LONG: more than ANSWER_VALUES_MAX values.
 */
int answer_result(
    cpnp_bytes text, uint64_t id, json_t **result, cpnp_diag *diag);

/* Values; false when it is not there, not of the form or out of range. */
bool answer_uint(const json_t *value, uint64_t *out);
/* More than 128 bits are all bits set. */
bool answer_wei(const json_t *value, evm_wei *out);
bool answer_fixed(const json_t *value, uint8_t *out, size_t len);
/* Appended to out; false as well when it does not fit. */
bool answer_data(const json_t *value, cpnp_buf *out);

struct evm_block {
	uint64_t number;
	uint8_t hash[KECCAK_LEN];
	uint64_t base_fee; /* 0 when the chain has none */
	uint64_t gas_limit;
};
bool answer_block(const json_t *value, struct evm_block *block);

struct evm_receipt {
	uint64_t block;
	bool success;
	bool has_contract;
	uint8_t contract[EVM_ADDRESS_LEN];
};
bool answer_receipt(const json_t *value, struct evm_receipt *receipt);

/*
 * An event of the contract, one of those in the answer of eth_getLogs.  The
 * data is appended to arena, and the batch in entry is a view into it: good
 * until the arena grows.  CPNP_ERR_RANGE, CPNP_ERR_NO_SPACE of the arena.
 */
int answer_entry(const json_t *value, const uint8_t contract[EVM_ADDRESS_LEN],
    cpnp_buf *arena, struct evm_entry *entry, uint64_t *block);

#endif
