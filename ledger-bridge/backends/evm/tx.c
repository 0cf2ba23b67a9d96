/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <secp256k1_recovery.h>
#include <string.h>

#include "../../journal/internal.h"
#include "../common.h"
#include "rlp.h"
#include "tx.h"

#define TYPE_1559 0x02
#define FIELDS_MAX 128 /* bytes of a transaction's fields but the data */

int
evm_key_init(struct evm_key *key, const uint8_t secret[32])
{
	uint8_t seed[32], point[65], digest[KECCAK_LEN];
	size_t len = sizeof(point);
	secp256k1_pubkey public_key;

	memset(key, 0, sizeof(*key));
	key->ctx = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	if (key->ctx == NULL)
		return CPNP_ERR_NOMEM;
	/* blinding against side channels */
	if (RAND_bytes(seed, sizeof(seed)) != 1 ||
	    !secp256k1_context_randomize(key->ctx, seed)) {
		evm_key_fini(key);
		return CPNP_ERR_RANDOM;
	}
	if (!secp256k1_ec_pubkey_create(key->ctx, &public_key, secret)) {
		evm_key_fini(key);
		return CPNP_ERR_RANGE;
	}
	(void)secp256k1_ec_pubkey_serialize(
	    key->ctx, point, &len, &public_key, SECP256K1_EC_UNCOMPRESSED);
	keccak256((cpnp_bytes){point + 1, 64}, digest);
	memcpy(key->address, digest + 12, EVM_ADDRESS_LEN);
	memcpy(key->secret, secret, sizeof(key->secret));
	return 0;
}

void
evm_key_fini(struct evm_key *key)
{
	OPENSSL_cleanse(key->secret, sizeof(key->secret));
	if (key->ctx != NULL)
		secp256k1_context_destroy(key->ctx);
	key->ctx = NULL;
}

int
evm_key_read(struct evm_key *key, const char *path, cpnp_diag *diag)
{
	char text[80], *hex = text;
	uint8_t secret[32];
	int err;

	err = evm_secret_read("key-file", path, text, sizeof(text), diag);
	if (err != 0)
		return err;
	if (strncmp(hex, "0x", 2) == 0)
		hex += 2;
	err = strlen(hex) == 2 * sizeof(secret) &&
		      hex_decode(hex, secret, sizeof(secret)) == 0
		  ? evm_key_init(key, secret)
		  : CPNP_ERR_RANGE;
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(secret, sizeof(secret));
	if (err == CPNP_ERR_RANGE)
		return backend_fail(diag, CPNP_ERR_CONFIG, "key-file",
		    "%.80s holds no key: 64 hex digits, a number of "
		    "secp256k1, on one line",
		    path);
	return err;
}

/* ---- addresses ----------------------------------------------------------- */

void
evm_address_text(
    const uint8_t address[EVM_ADDRESS_LEN], char text[EVM_ADDRESS_TEXT])
{
	uint8_t digest[KECCAK_LEN];
	char *hex = text + 2;
	unsigned i;

	memcpy(text, "0x", 2);
	hex_encode(address, EVM_ADDRESS_LEN, hex);
	/* EIP-55: a letter is upper case where the digest of the text in lower
	 * case has a digit of 8 or more */
	keccak256(cpnp_bytes_str(hex), digest);
	for (i = 0; i < 2 * EVM_ADDRESS_LEN; i++)
		if (hex[i] >= 'a' &&
		    (digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0x8))
			hex[i] = (char)(hex[i] - 'a' + 'A');
}

int
evm_address_parse(const char *text, uint8_t address[EVM_ADDRESS_LEN])
{
	char lower[2 * EVM_ADDRESS_LEN + 1], good[EVM_ADDRESS_TEXT];
	bool has_upper = false, has_lower = false;
	size_t i;

	if (strncmp(text, "0x", 2) != 0 || strlen(text) + 1 != sizeof(good))
		return CPNP_ERR_CONFIG;
	for (i = 0; i < sizeof(lower); i++) {
		lower[i] = text[2 + i];
		has_lower |= lower[i] >= 'a' && lower[i] <= 'f';
		if (lower[i] >= 'A' && lower[i] <= 'F') {
			has_upper = true;
			lower[i] = (char)(lower[i] - 'A' + 'a');
		}
	}
	if (hex_decode(lower, address, EVM_ADDRESS_LEN) != 0)
		return CPNP_ERR_CONFIG;
	evm_address_text(address, good);
	return has_upper && has_lower && strcmp(text, good) != 0
		   ? CPNP_ERR_CONFIG
		   : 0;
}

void
evm_address_created(const uint8_t creator[EVM_ADDRESS_LEN], uint64_t nonce,
    uint8_t address[EVM_ADDRESS_LEN])
{
	uint8_t items[64], all[64], digest[KECCAK_LEN];
	cpnp_buf inner, outer;

	cpnp_buf_init_fixed(&inner, items, sizeof(items));
	rlp_put_bytes(&inner, (cpnp_bytes){creator, EVM_ADDRESS_LEN});
	rlp_put_uint(&inner, nonce);
	cpnp_buf_init_fixed(&outer, all, sizeof(all));
	rlp_put_list(&outer, inner.len);
	cpnp_buf_put_raw(&outer, cpnp_buf_bytes(&inner));
	keccak256(cpnp_buf_bytes(&outer), digest);
	memcpy(address, digest + 12, EVM_ADDRESS_LEN);
}

/* ---- transactions -------------------------------------------------------- */

/* The fields before the data, and those behind it but the signature. */
static void
put_fields(cpnp_buf *buf, const struct evm_tx *tx)
{
	rlp_put_uint(buf, tx->chain_id);
	rlp_put_uint(buf, tx->nonce);
	rlp_put_uint(buf, tx->tip);
	rlp_put_uint(buf, tx->max_fee);
	rlp_put_uint(buf, tx->gas);
	rlp_put_bytes(buf, tx->to == NULL
			       ? CPNP_BYTES_NONE
			       : (cpnp_bytes){tx->to, EVM_ADDRESS_LEN});
	rlp_put_uint(buf, 0); /* value */
}

/* type || list(fields, data, access list, tail) */
static int
put_tx(cpnp_buf *buf, const struct evm_tx *tx, cpnp_bytes tail)
{
	uint8_t store[FIELDS_MAX], head[RLP_HEAD_MAX + 1];
	cpnp_buf fields, data_head;
	const uint8_t type = TYPE_1559;

	cpnp_buf_init_fixed(&fields, store, sizeof(store));
	put_fields(&fields, tx);
	/* only to learn how long the head of the data is */
	cpnp_buf_init_fixed(&data_head, head, sizeof(head));
	if (tx->data.len > 1)
		rlp_put_list(&data_head, tx->data.len);
	else
		rlp_put_bytes(&data_head, tx->data);
	cpnp_buf_put_raw(buf, (cpnp_bytes){&type, 1});
	rlp_put_list(buf, fields.len + data_head.len +
			      (tx->data.len > 1 ? tx->data.len : 0) + 1 +
			      tail.len);
	cpnp_buf_put_raw(buf, cpnp_buf_bytes(&fields));
	rlp_put_bytes(buf, tx->data);
	rlp_put_list(buf, 0); /* access list */
	cpnp_buf_put_raw(buf, tail);
	return fields.err != 0 ? fields.err : buf->err;
}

static int
sign(
    const struct evm_key *key, const uint8_t digest[KECCAK_LEN], cpnp_buf *tail)
{
	secp256k1_ecdsa_recoverable_signature signature;
	uint8_t compact[64];
	int recovery_id;

	/* deterministic (RFC 6979) and with s in the lower half (EIP-2) */
	if (!secp256k1_ecdsa_sign_recoverable(
		key->ctx, &signature, digest, key->secret, NULL, NULL) ||
	    !secp256k1_ecdsa_recoverable_signature_serialize_compact(
		key->ctx, compact, &recovery_id, &signature))
		return CPNP_ERR_CRYPTO;
	rlp_put_uint(tail, (uint64_t)recovery_id);
	rlp_put_uint256(tail, compact);
	rlp_put_uint256(tail, compact + 32);
	return tail->err;
}

int
evm_tx_sign(const struct evm_tx *tx, const struct evm_key *key, cpnp_buf *out,
    uint8_t hash[KECCAK_LEN])
{
	uint8_t store[FIELDS_MAX], digest[KECCAK_LEN];
	size_t start = out->len;
	cpnp_buf tail, plain;
	int err;

	cpnp_buf_init(&plain, &ledger_mem, tx->data.len + EVM_TX_OVERHEAD);
	cpnp_buf_init_fixed(&tail, store, sizeof(store));
	err = put_tx(&plain, tx, CPNP_BYTES_NONE);
	if (err == 0) {
		keccak256(cpnp_buf_bytes(&plain), digest);
		err = sign(key, digest, &tail);
	}
	if (err == 0)
		err = put_tx(out, tx, cpnp_buf_bytes(&tail));
	if (err == 0)
		keccak256(
		    (cpnp_bytes){out->ptr + start, out->len - start}, hash);
	cpnp_buf_fini(&plain);
	return err;
}
