/*
 * What the parts of the journal library share: hashing, keys, COSE_Sign1.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_INTERNAL_H
#define LEDGER_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cpnp/ledger.h>

#include "mem.h"

/* COSE algorithms and header labels (RFC 9052, RFC 9053, RFC 9360, RFC 9597,
 * RFC 9942); the two below -65536 are private. */
#define ALG_ES256 (-7)
#define ALG_EDDSA (-8)
#define ALG_SHA256 (-16)
#define HDR_ALG 1
#define HDR_CONTENT_TYPE 3
#define HDR_KID 4
#define HDR_CLAIMS 15
#define HDR_X5CHAIN 33
#define HDR_X5T 34
#define HDR_VDS 395
#define HDR_VDP 396
#define HDR_TREE_SIZE (-65537)  /* protected; size of the tree signed */
#define HDR_DELEGATION (-65538) /* unprotected; delegation to this key */
#define VDS_RFC9162 1
#define VDP_INCLUSION (-1)
#define CLAIM_ISS 1
#define CLAIM_IAT 6
#define TAG_SIGN1 18
#define TAG_SIGN 98

#define SIGNATURE_LEN 64 /* Ed25519, and r and s of P-256 */
#define SPKI_MAX 128
#define CHAIN_MAX 8         /* certificates that a statement carries */
#define PROTECTED_MAX 512   /* bytes of a protected header */
#define DELEGATION_MAX 512
#define NOTE_MAX 1024

#define DELEGATION_TYPE "application/cpnp-ledger-key+cbor"

/* Set diag, when there is one, and return err. */
int ledger_fail(cpnp_diag *diag, int err, const char *where, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/* Set only what diag does not say yet. */
int ledger_fail_once(cpnp_diag *diag, int err, const char *where,
    const char *why);
void ledger_diag_clear(cpnp_diag *diag);

extern const cpnp_env ledger_env;

/* SHA-256 with a context that is kept: three times as fast as without. */
struct hash {
	EVP_MD_CTX *ctx;
};
int hash_init(struct hash *h);
void hash_fini(struct hash *h);
int hash_parts(struct hash *h, const cpnp_bytes *parts, size_t n,
    uint8_t out[CPNP_SHA256_LEN]);
int hash_leaf(struct hash *h, cpnp_bytes data, uint8_t out[CPNP_SHA256_LEN]);
int hash_node(struct hash *h, const uint8_t *left, const uint8_t *right,
    uint8_t out[CPNP_SHA256_LEN]);
int hash_once(const cpnp_bytes *parts, size_t n, uint8_t out[CPNP_SHA256_LEN]);

void hex_encode(const uint8_t *bytes, size_t n, char *out); /* 2n + 1 */
int hex_decode(const char *text, uint8_t *out, size_t n);

/* inclusion_root() with a kept context. */
int tree_path_root(struct hash *h, const uint8_t *leaf, uint64_t index,
    uint64_t size, const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t root[CPNP_SHA256_LEN]);

/* The two roots that a consistency path leads to (RFC 9162, 2.1.4.2); when
 * first is a power of two, first_root comes before the path. */
int tree_consistency_roots(uint64_t first, uint64_t second,
    const uint8_t first_root[CPNP_SHA256_LEN],
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t fr[CPNP_SHA256_LEN], uint8_t sr[CPNP_SHA256_LEN]);

/*
 * A small tree in memory.  nodes has room for 2n + 64 hashes, the first n of
 * which are leaf hashes; the others are computed.
 */
struct small_tree {
	uint8_t (*nodes)[CPNP_SHA256_LEN];
	size_t level_n[65];
	size_t level_at[65];
	size_t levels;
};
int small_tree_build(struct small_tree *tree, struct hash *h, size_t n);
size_t small_tree_path(const struct small_tree *tree, size_t index,
    uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN]);

/* A public key, or a private one, with what we need to know of it. */
struct ledger_key {
	EVP_PKEY *pkey;
	int alg;
	uint8_t spki[SPKI_MAX];
	size_t spki_len;
	uint8_t id[CPNP_SHA256_LEN];
};
/* Takes pkey on success. */
int ledger_key_init(struct ledger_key *key, EVP_PKEY *pkey);
int ledger_key_from_spki(struct ledger_key *key, cpnp_bytes spki);
void ledger_key_fini(struct ledger_key *key);
int ledger_key_load_private(
    struct ledger_key *key, const char *path, cpnp_diag *diag);
int ledger_key_load_public(
    struct ledger_key *key, const char *path, cpnp_diag *diag);
/* Over bytes as they are; signature is raw r and s for P-256. */
int ledger_key_sign(const struct ledger_key *key, cpnp_bytes bytes,
    uint8_t signature[SIGNATURE_LEN]);
int ledger_key_verify(
    const struct ledger_key *key, cpnp_bytes bytes, cpnp_bytes signature);
/* The same with the signature of P-256 in DER, as notes have it. */
#define DER_SIGNATURE_MAX 80
int ledger_key_sign_note(const struct ledger_key *key, cpnp_bytes bytes,
    uint8_t signature[DER_SIGNATURE_MAX], size_t *len);
int ledger_key_verify_note(
    const struct ledger_key *key, cpnp_bytes bytes, cpnp_bytes signature);

/* First dNSName, else rfc822Name, else URI; "" when there is none that is
 * valid. */
void cert_identity(X509 *cert, char identity[CPNP_IDENTITY_MAX + 1]);

struct cpnp_signer {
	struct ledger_key key;     /* signs */
	struct ledger_key cert_key; /* pkey NULL without certificate */
	bool delegated;
	char identity[CPNP_IDENTITY_MAX + 1];
	uint8_t x5t[CPNP_SHA256_LEN];
	cpnp_buf chain;      /* encoded value of x5chain, empty without */
	cpnp_buf delegation; /* COSE_Sign1, empty without */
};
/* The protected header of something that this signer signs.  size 0: no
 * tree.  issuer NULL: no claims. */
void signer_put_protected(const cpnp_signer *signer, cpnp_buf *buf,
    uint64_t size, const char *issuer, cpnp_wtime iat);

/* cpnp_signer_sign() for payloads of up to payload_max bytes. */
int signer_sign(const cpnp_signer *signer, const cpnp_bytes *payloads,
    size_t n, size_t payload_max, cpnp_buf *out);

/* A COSE_Sign1, its headers read.  Views into the input. */
struct cose1 {
	cpnp_bytes protected;
	int alg;
	cpnp_bytes content_type;
	cpnp_bytes kid;
	bool has_claims;
	cpnp_bytes issuer;
	cpnp_wtime iat;
	cpnp_bytes x5t;
	bool has_tree;
	uint64_t tree_size;
	cpnp_bytes chain_item; /* the encoded value of x5chain */
	cpnp_bytes chain[CHAIN_MAX];
	size_t chain_n;
	bool has_path;
	uint64_t path_size;
	uint64_t path_index;
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t path_n;
	cpnp_bytes delegation;
	bool detached;
	cpnp_bytes payload;
	cpnp_bytes signature;
};
/* Read one, strictly: deterministic, no header that is not listed above. */
int cose1_parse(struct cose1 *cose, cpnp_bytes in, cpnp_diag *diag);
/* Read cose->protected alone. */
int cose1_parse_protected(struct cose1 *cose, cpnp_diag *diag);
int cose_chain_parse(
    cpnp_bytes item, cpnp_bytes chain[CHAIN_MAX], size_t *n);
void cose_put_path(cpnp_buf *buf, uint64_t size, uint64_t index,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n);
/* The bytes that a COSE_Sign1 signs (RFC 9052, section 4.4). */
void cose1_put_tbs(cpnp_buf *buf, cpnp_bytes protected, cpnp_bytes payload);
#define TBS_OVERHEAD 32
int cose1_sign(const struct ledger_key *key, cpnp_bytes protected,
    cpnp_bytes payload, uint8_t signature[SIGNATURE_LEN]);

/* Trust, for the proof. */
/* Make the certificates of a journal's signer known, judged at a time. */
int trust_add_signer(cpnp_trust *trust, cpnp_bytes chain_item,
    cpnp_bytes delegation, cpnp_wtime at, cpnp_diag *diag);
/* 0 when x5t is the digest of the first certificate of an x5chain. */
int trust_check_x5t(
    cpnp_bytes chain_item, cpnp_bytes x5t, cpnp_diag *diag);
bool trust_has_ca(const cpnp_trust *trust);
/* True when there is neither an authority nor a known key. */
bool trust_is_empty(const cpnp_trust *trust);
bool trust_knows_key(
    const cpnp_trust *trust, const uint8_t id[CPNP_SHA256_LEN]);
/* The key that verified the last receipt or statement. */
const struct ledger_key *trust_last_key(const cpnp_trust *trust);
/* The known keys, one by one; NULL after the last. */
const struct ledger_key *trust_key(const cpnp_trust *trust, size_t i);
/* The account of an operator whose word counts, and its key; NULL after the
 * last. */
const char *trust_operator(
    const cpnp_trust *trust, size_t i, cpnp_bytes *spki);
/* A receipt against a leaf's digest. */
int trust_verify_leaf(cpnp_trust *trust, cpnp_bytes receipt,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_receipt *out, cpnp_diag *diag);
/* A head without a leaf: root under a protected header. */
int trust_verify_root(cpnp_trust *trust, cpnp_bytes protected,
    cpnp_bytes signature, const uint8_t root[CPNP_SHA256_LEN],
    cpnp_receipt *out, cpnp_diag *diag);

/* C2SP tlog-checkpoint, a signed note. */
#define NOTE_ED25519 0x01
#define NOTE_COSIGNATURE 0x04 /* C2SP tlog-cosignature, Ed25519 */
#define NOTE_KEY_ID_LEN 4
#define NOTE_DASH "\xe2\x80\x94 " /* em dash, space */
#define NOTE_BASE64_MAX                                                        \
	(4 * ((NOTE_KEY_ID_LEN + DER_SIGNATURE_MAX + 2) / 3) + 1)
/* The id of a key of this kind under a name, of which notes have the first
 * NOTE_KEY_ID_LEN bytes; for P-256 it is that of the key alone. */
int note_key_id(const struct ledger_key *key, const char *name, uint8_t kind,
    uint8_t id[CPNP_SHA256_LEN]);
/* Decode base64 that must be in its one form. */
int note_base64_decode(const uint8_t *in, size_t len,
    uint8_t out[NOTE_BASE64_MAX], size_t *out_len);
int note_build(const struct ledger_key *key, const char *origin,
    uint64_t size, const uint8_t root[CPNP_SHA256_LEN], char note[NOTE_MAX]);
int note_verify(const struct ledger_key *key, const char *origin,
    uint64_t size, const uint8_t root[CPNP_SHA256_LEN], cpnp_bytes note,
    cpnp_diag *diag);
bool note_name_is_valid(const char *name);
/* A checkpoint that this key has signed. */
int checkpoint_verify_by(const struct ledger_key *key, cpnp_bytes note,
    cpnp_checkpoint *out, cpnp_diag *diag);

/*
 * KEY statement, a COSE_Sign (RFC 9052, section 4.1) over {1: 5, 3: time,
 * 11: origin, 12: SubjectPublicKeyInfo of the old key, 13: of the new one},
 * signed by the old key (when there is one) and by the new one.
 */
struct key_change {
	cpnp_bytes origin;
	cpnp_wtime time;
	bool has_old;
	struct ledger_key old_key;
	struct ledger_key new_key;
};
int key_change_build(const struct ledger_key *old_key,
    const struct ledger_key *new_key, const char *origin, cpnp_wtime time,
    cpnp_buf *out);
/* Parse and verify both signatures; the caller calls _fini. */
int key_change_read(
    struct key_change *change, cpnp_bytes statement, cpnp_diag *diag);
void key_change_fini(struct key_change *change);
/* True when the bytes begin as a KEY statement does, signed or not. */
bool statement_is_key(cpnp_bytes statement);
/* True when the bytes are a COSE_Sign1. */
bool statement_is_signed(cpnp_bytes statement);

#endif
