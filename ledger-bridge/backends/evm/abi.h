/*
 * The calls and events of contract/log.sol, in the encoding of the contract
 * ABI: words of 32 bytes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EVM_ABI_H
#define EVM_ABI_H

#include "tx.h"

#define ABI_WORD 32
/* Bytes of an append() besides the batch: selector, number, offset, length,
 * padding. */
#define ABI_APPEND_OVERHEAD (4 + 4 * ABI_WORD)
#define ABI_STATE_CALL (4 + ABI_WORD)
#define ABI_STATE_LEN (5 * ABI_WORD)
#define ABI_TOPICS 4

/* What state(writer) says. */
struct evm_state {
	uint8_t ledger[CPNP_SHA256_LEN];
	uint8_t head[CPNP_SHA256_LEN];
	uint64_t next;
	bool admitted;        /* the writer that was asked for */
	uint64_t writer_next; /* and its next number */
};

/* An Entry event; batch is a view of its data. */
struct evm_entry {
	uint64_t position;
	uint8_t writer[EVM_ADDRESS_LEN];
	uint64_t seq;
	uint8_t prev[CPNP_SHA256_LEN];
	cpnp_bytes batch;
};

void abi_put_state(cpnp_buf *buf, const uint8_t writer[EVM_ADDRESS_LEN]);
void abi_put_append(cpnp_buf *buf, uint64_t seq, cpnp_bytes batch);
void abi_put_admit(
    cpnp_buf *buf, const uint8_t writer[EVM_ADDRESS_LEN], bool on);
/* What stands behind the creation code. */
void abi_put_constructor(cpnp_buf *buf, cpnp_bytes genesis,
    const uint8_t (*writers)[EVM_ADDRESS_LEN], size_t n);

/* Topics to ask for entries with. */
void abi_entry_topic(uint8_t topic[ABI_WORD]);
void abi_word_uint(uint64_t value, uint8_t word[ABI_WORD]);
void abi_word_address(
    const uint8_t address[EVM_ADDRESS_LEN], uint8_t word[ABI_WORD]);

/* What the node gave.  CPNP_ERR_RANGE when it is not in the form of the
 * contract. */
int abi_get_state(cpnp_bytes data, struct evm_state *state);
int abi_get_entry(const uint8_t topics[ABI_TOPICS][ABI_WORD], cpnp_bytes data,
    struct evm_entry *entry);

#endif
