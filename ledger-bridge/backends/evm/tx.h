/*
 * Accounts and transactions: a secp256k1 key from a file, the address that
 * belongs to it, and EIP-1559 transactions that it signs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EVM_TX_H
#define EVM_TX_H

#include <secp256k1.h>

#include <cpnp/cbor.h>

#include "keccak.h"

#define EVM_ADDRESS_LEN 20
#define EVM_ADDRESS_TEXT (2 + 2 * EVM_ADDRESS_LEN + 1) /* 0x..., NUL */
#define EVM_HASH_TEXT (2 + 2 * KECCAK_LEN + 1)
/* A transaction is so much longer than its data, at most. */
#define EVM_TX_OVERHEAD 256

struct evm_key {
	secp256k1_context *ctx;
	uint8_t secret[32];
	uint8_t address[EVM_ADDRESS_LEN];
};

/*
 * The key of 64 hex digits, with or without 0x and a newline.  FORBIDDEN when
 * anybody but the owner may use the file, or it belongs to somebody else;
 * CONFIG when it cannot be read or holds no key; diag says which.
 */
int evm_key_read(struct evm_key *key, const char *path, cpnp_diag *diag);
/* CPNP_ERR_RANGE: zero, or not below the order of the curve. */
int evm_key_init(struct evm_key *key, const uint8_t secret[32]);
void evm_key_fini(struct evm_key *key);

/*
 * The one line of a file that holds a secret, without white space around it,
 * NUL-terminated.  Errors as of evm_key_read().
 */
int evm_secret_read(const char *setting, const char *path, char *out,
    size_t size, cpnp_diag *diag);

/* An address as people write it, with the checksum of EIP-55.  Without a
 * checksum (letters of one case) it is taken as well.  CPNP_ERR_CONFIG. */
int evm_address_parse(const char *text, uint8_t address[EVM_ADDRESS_LEN]);
void evm_address_text(
    const uint8_t address[EVM_ADDRESS_LEN], char text[EVM_ADDRESS_TEXT]);
/* The address of the contract that a transaction creates. */
void evm_address_created(const uint8_t creator[EVM_ADDRESS_LEN], uint64_t nonce,
    uint8_t address[EVM_ADDRESS_LEN]);

struct evm_tx {
	uint64_t chain_id;
	uint64_t nonce;
	uint64_t tip;      /* wei of gas: max_priority_fee_per_gas */
	uint64_t max_fee;  /* and max_fee_per_gas */
	uint64_t gas;      /* limit */
	const uint8_t *to; /* NULL creates a contract */
	cpnp_bytes data;
};

/* The signed transaction, appended to out, and its hash.  NO_SPACE or NOMEM
 * of the buffer; CRYPTO. */
int evm_tx_sign(const struct evm_tx *tx, const struct evm_key *key,
    cpnp_buf *out, uint8_t hash[KECCAK_LEN]);

#endif
