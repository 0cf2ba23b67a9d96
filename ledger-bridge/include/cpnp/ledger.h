/*
 * Signed statements, the tamper-evident journal of a domain, and proofs that
 * a stranger can verify offline.
 *
 * Four things, each usable without the next:
 *
 *   signer    signs statements with the key of a certificate, or with another
 *             key that this key has signed for
 *   trust     verifies signed statements and receipts
 *   journal   an RFC 9162 Merkle tree over the digests of all statements of a
 *             domain, kept in the caller's SQLite database and written in the
 *             caller's transactions
 *   proof     one file with the whole history of one order, and its check
 *
 * A provider's daemon, in the order in which things happen:
 *
 *   cpnp_signer_sign()          the OFFER statement, and later the ACK
 *   cpnp_trust_verify()         the ACCEPT that came; compare the identity
 *                               with that of the session
 *   BEGIN
 *   cpnp_journal_append()       each statement of the batch
 *   cpnp_journal_put_order()    opening and agreement, once for each order
 *   cpnp_journal_sign_head()    once for each batch
 *   cpnp_journal_receipt()      for each ACCEPT, to go out with the ACK
 *   COMMIT                      or ROLLBACK and cpnp_journal_rollback()
 *
 * A signer never changes after it is loaded and may be shared by threads; the
 * other objects are for one thread at a time.  Formats are in cpnp-ledger(1)
 * and schemas/cpnp.cddl.  This library reads no clock.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_LEDGER_H
#define CPNP_LEDGER_H

#include <cpnp/agreement.h>
#include <cpnp/cbor.h>
#include <cpnp/error.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;

/* ---- Signer ---------------------------------------------------------- */

/*
 * A signing key, Ed25519 or ECDSA P-256, and what links it to an identity.
 *
 *   key and certificates  signs with the key of the certificate
 *   ... and ledger key    signs with the ledger key; the key of the
 *                         certificate signs a delegation to it at load, which
 *                         travels with each statement
 *   ledger key alone      statements name only the key; a verifier must know
 *                         it (cpnp_trust_add_key_file())
 */
typedef struct cpnp_signer cpnp_signer;

/*
 * Load a signer.  key_file: private key, PEM; cert_file: certificate first,
 * then its intermediates, PEM; ledger_key_file: private key, PEM.  NULL for
 * what is not there; key_file and cert_file come together.  A private key
 * file that group or others may read or write is refused.
 *
 * Errors: CPNP_ERR_CONFIG when a file is missing, unreadable, too open, of
 * another type, or the key is not that of the certificate; diag says which.
 */
CPNP_API int cpnp_signer_load(cpnp_signer **signer, const char *key_file,
    const char *cert_file, const char *ledger_key_file, cpnp_diag *diag);
CPNP_API void cpnp_signer_del(cpnp_signer *signer);
/* The identity of the certificate: first dNSName of subjectAltName, else
 * first rfc822Name, else first URI; "" without a certificate. */
CPNP_API const char *cpnp_signer_identity(const cpnp_signer *signer);
/* SHA-256 of the SubjectPublicKeyInfo of the key that signs. */
CPNP_API void cpnp_signer_key_id(
    const cpnp_signer *signer, uint8_t key_id[CPNP_SHA256_LEN]);

/*
 * Sign n payloads (encoded statements) in one call with one signature; out is
 * an array of n buffers, each gets one COSE_Sign1 of at most
 * CPNP_STATEMENT_MAX bytes appended.  With n = 1 the payload itself is signed;
 * with more, the root of the RFC 9162 tree over the payloads, and each
 * statement carries its inclusion path.
 *
 * Errors: CPNP_ERR_INVALID when n is 0 or more than CPNP_SIGN_BATCH_MAX or a
 * payload is too long; _TOO_LONG when the certificates make a statement
 * longer than CPNP_STATEMENT_MAX; _NO_SPACE, _NOMEM, _CRYPTO.
 */
#define CPNP_SIGN_BATCH_MAX 1024
CPNP_API int cpnp_signer_sign(const cpnp_signer *signer,
    const cpnp_bytes *payloads, size_t n, cpnp_buf *out);

/* Make a new private key ("ed25519" or "p256") in a new file of mode 0600.
 * CPNP_ERR_EXISTS when path exists, _INVALID for another type, _IO. */
CPNP_API int cpnp_key_generate(
    const char *path, const char *type, cpnp_diag *diag);
/* The public key of a private key, public key or certificate file as PEM
 * SubjectPublicKeyInfo, appended to out, and its id (may be NULL). */
CPNP_API int cpnp_key_public(const char *path, cpnp_buf *out,
    uint8_t key_id[CPNP_SHA256_LEN], cpnp_diag *diag);

/* ---- Trust ----------------------------------------------------------- */

/*
 * Whom a verifier believes: certification authorities, known keys, or both.
 * It remembers certificates and roots that it has verified, within bounds, so
 * that a batch costs one verification of a signature.
 */
typedef struct cpnp_trust cpnp_trust;

CPNP_API int cpnp_trust_new(cpnp_trust **trust);
CPNP_API void cpnp_trust_del(cpnp_trust *trust);
/* Certificates of authorities, PEM, one or more.  CPNP_ERR_CONFIG. */
CPNP_API int cpnp_trust_add_ca_file(
    cpnp_trust *trust, const char *path, cpnp_diag *diag);
/* A known public key: PEM public key or certificate.  identity names its
 * owner where no certificate does; NULL when the verifier does not say. */
CPNP_API int cpnp_trust_add_key_file(cpnp_trust *trust, const char *path,
    const char *identity, cpnp_diag *diag);
/* An operator of a ledger whose word counts for what rests on the ledger: the
 * name of its account, and a public key or certificate in PEM.
 * CPNP_ERR_INVALID when it is not a name, _FULL, _CONFIG. */
CPNP_API int cpnp_trust_add_operator_file(cpnp_trust *trust,
    const char *account, const char *path, cpnp_diag *diag);
/* Let statements pass that neither an authority nor a known key vouches for,
 * with attested false.  For offline verifiers that report it, never for a
 * daemon.  With no authority and no key at all, a proof is then checked for
 * being consistent in itself, and for nothing else. */
CPNP_API void cpnp_trust_allow_unattested(cpnp_trust *trust);

/* What a signed statement says, and who says it. */
typedef struct cpnp_signed {
	cpnp_bytes payload; /* view into the input */
	cpnp_statement statement;
	/* of the certificate, or of the known key; "" when nothing tells */
	char identity[CPNP_IDENTITY_MAX + 1];
	bool attested;  /* by an authority or a known key */
	bool delegated; /* signed with a ledger key that the certificate's
			 * key has signed for */
	uint8_t key_id[CPNP_SHA256_LEN];  /* of the key that signed */
	uint8_t cert_id[CPNP_SHA256_LEN]; /* x5t; zero without certificate */
} cpnp_signed;

/*
 * Verify a signed statement: form, signature, inclusion path if it has one,
 * x5t against the certificate, delegation, the certificate path up to an
 * authority with every certificate sent being part of it, and that payload is
 * an OFFER, ACCEPT or ACK statement.
 *
 * The certificates are judged at *at, or at the statement's own time when at
 * is NULL.  Revocation is not asked: a proof must stay verifiable when the
 * certificates in it have ended.  Whether the statement's time is plausible
 * is for the caller to judge.
 *
 * Errors: CPNP_ERR_SIGNATURE when it does not hold, another PEER error when
 * the form is wrong, _NOMEM, _CRYPTO.  diag may be NULL.
 */
CPNP_API int cpnp_trust_verify(cpnp_trust *trust, cpnp_bytes signed_statement,
    const cpnp_wtime *at, cpnp_signed *out, cpnp_diag *diag);

/* What a receipt says: that the statement is leaf index of the journal origin
 * which had size leaves at time. */
typedef struct cpnp_receipt {
	char origin[CPNP_IDENTITY_MAX + 1];
	char identity[CPNP_IDENTITY_MAX + 1];
	bool attested;
	uint64_t index;
	uint64_t size;
	cpnp_wtime time;
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t key_id[CPNP_SHA256_LEN];
} cpnp_receipt;

/*
 * Verify a COSE receipt (RFC 9942) for a statement (the whole COSE_Sign1, or
 * the bytes of one that is not signed).  A receipt names its certificate by
 * digest only: a statement of the same signer must have been verified by this
 * trust before, as the ACK has when the receipt that came with it is looked
 * at.
 *
 * Errors: CPNP_ERR_PROOF when the statement is not the leaf, _SIGNATURE,
 * other PEER errors for the form.
 */
CPNP_API int cpnp_trust_verify_receipt(cpnp_trust *trust, cpnp_bytes receipt,
    cpnp_bytes statement, cpnp_receipt *out, cpnp_diag *diag);
/* The same for somebody who has the digest of the statement only, as the
 * answers of an ACK name it. */
CPNP_API int cpnp_trust_verify_receipt_of(cpnp_trust *trust,
    cpnp_bytes receipt, const uint8_t digest[CPNP_SHA256_LEN],
    cpnp_receipt *out, cpnp_diag *diag);

/* ---- Merkle tree, RFC 9162 section 2.1 -------------------------------- */

#define CPNP_TREE_PATH_MAX 64 /* hashes in a path of the largest tree */
#define CPNP_TILE_WIDTH 256   /* C2SP tlog-tiles, height 8 */
#define CPNP_TILE_BYTES (CPNP_TILE_WIDTH * CPNP_SHA256_LEN)

/*
 * Where full tiles go and come from.  Level 0 holds leaf hashes, level l the
 * roots of the tiles of level l - 1.  write is called once for each tile, when
 * it is full.  Both return 0 or CPNP_ERR_*, which the tree passes on.
 */
typedef struct cpnp_tile_io {
	void *user;
	int (*read)(void *user, unsigned level, uint64_t number,
	    uint8_t hashes[CPNP_TILE_BYTES]);
	int (*write)(void *user, unsigned level, uint64_t number,
	    const uint8_t hashes[CPNP_TILE_BYTES]);
} cpnp_tile_io;

typedef struct cpnp_tree cpnp_tree;

/* An empty tree; io is copied. */
CPNP_API int cpnp_tree_new(cpnp_tree **tree, const cpnp_tile_io *io);
CPNP_API void cpnp_tree_del(cpnp_tree *tree);
CPNP_API uint64_t cpnp_tree_size(const cpnp_tree *tree);
/* Set the tree to the first size leaves of what is on disk: full tiles come
 * from io, the hashes of the size % 256 leaves after them from tail. */
CPNP_API int cpnp_tree_load(
    cpnp_tree *tree, uint64_t size, const uint8_t *tail);
/* Append a leaf; data is hashed with the prefix of a leaf. */
CPNP_API int cpnp_tree_append(cpnp_tree *tree, cpnp_bytes data);
/* Root over the first size leaves.  CPNP_ERR_INVALID beyond the tree. */
CPNP_API int cpnp_tree_root(
    cpnp_tree *tree, uint64_t size, uint8_t root[CPNP_SHA256_LEN]);
/* Inclusion proof of leaf index in the tree of size leaves; *n is set. */
CPNP_API int cpnp_tree_inclusion(cpnp_tree *tree, uint64_t index,
    uint64_t size, uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN],
    size_t *n);
/* Consistency proof between the trees of size first and second. */
CPNP_API int cpnp_tree_consistency(cpnp_tree *tree, uint64_t first,
    uint64_t second, uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN],
    size_t *n);

/* Hash of a leaf. */
CPNP_API int cpnp_tree_leaf_hash(
    cpnp_bytes data, uint8_t hash[CPNP_SHA256_LEN]);
/* The root that leaf hash, index, size and path lead to (RFC 9162, section
 * 2.1.3.2).  CPNP_ERR_PROOF when the path has the wrong length. */
CPNP_API int cpnp_inclusion_root(const uint8_t leaf[CPNP_SHA256_LEN],
    uint64_t index, uint64_t size,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t root[CPNP_SHA256_LEN]);
/* 0 when the tree of size second extends that of size first (RFC 9162,
 * section 2.1.4.2), else CPNP_ERR_PROOF. */
CPNP_API int cpnp_consistency_verify(uint64_t first, uint64_t second,
    const uint8_t first_root[CPNP_SHA256_LEN],
    const uint8_t second_root[CPNP_SHA256_LEN],
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n);

/* ---- Journal --------------------------------------------------------- */

typedef struct cpnp_journal cpnp_journal;

/*
 * Open the journal in db, making its tables (journal_*) when there are none.
 * Keep the same db for all calls; the caller begins and ends transactions.
 *
 * signer, borrowed, signs heads; its key must be the journal's newest key.
 * The first signer of a journal appends a leaf that names its key, at time
 * now.  origin names a new journal, NULL for the identity of the signer; for
 * an old one it must be NULL or equal.  With signer NULL and an origin, leaves
 * are written and no heads signed; with neither, the journal is read only and
 * must exist.  One with damage opens read only, for cpnp_journal_verify() to
 * say what is wrong.
 *
 * Errors: CPNP_ERR_NOT_FOUND (read only and no journal), _MISMATCH (another
 * key or origin; diag names both), _VERSION (made by a newer version),
 * _INVALID (not a name for an origin: a space, '+' or control character), _IO,
 * _NOMEM.
 */
CPNP_API int cpnp_journal_open(cpnp_journal **journal, struct sqlite3 *db,
    const cpnp_signer *signer, const char *origin, cpnp_wtime now,
    cpnp_diag *diag);
CPNP_API void cpnp_journal_close(cpnp_journal *journal);
CPNP_API uint64_t cpnp_journal_size(const cpnp_journal *journal);
CPNP_API const char *cpnp_journal_origin(const cpnp_journal *journal);

/*
 * Append a statement (COSE_Sign1 when signed, else the plain encoding) within
 * the caller's transaction; index (may be NULL) gets its place.  After any
 * error the caller rolls back and calls cpnp_journal_rollback().
 * Errors: CPNP_ERR_INVALID when empty or longer than CPNP_STATEMENT_MAX, _IO.
 */
CPNP_API int cpnp_journal_append(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes statement,
    uint64_t *index);
/* Sign and store the head over all leaves, at the end of a batch and within
 * its transaction.  Does nothing when the newest head covers them already or
 * there is no signer. */
CPNP_API int cpnp_journal_sign_head(cpnp_journal *journal, cpnp_wtime now);
/* Append the receipt of leaf index under the newest head to out.
 * CPNP_ERR_NOT_FOUND when that head does not cover it. */
CPNP_API int cpnp_journal_receipt(
    cpnp_journal *journal, uint64_t index, cpnp_buf *out);
/* The caller's transaction did not commit, or somebody else's has: read the
 * state back from disk. */
CPNP_API int cpnp_journal_rollback(cpnp_journal *journal);

/*
 * Keep what a proof of this order needs besides the leaves, within the
 * caller's transaction; pass CPNP_BYTES_NONE for what is not there.
 *
 * opening: encoded opening, whose digest is order_ref.  agreement: encoded
 * agreement, of each OFFER that came or went.  receipt: a receipt that the
 * peer sent for a signed statement of this order, verified.  The same again is
 * no error.
 */
CPNP_API int cpnp_journal_put_order(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes opening,
    cpnp_bytes agreement, cpnp_bytes receipt);

/*
 * Keep an authorization of payment (COSE_Sign1 of an operation for the ledger)
 * that came or went with an ACCEPT of this order, within the caller's
 * transaction.  The same again is no error.  CPNP_ERR_INVALID when empty or
 * longer than CPNP_STATEMENT_MAX.
 */
CPNP_API int cpnp_journal_put_payment(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes authorization);
/* Call visit for each that is kept of an order; a non-zero result ends it and
 * is returned.  The view lives during the call. */
CPNP_API int cpnp_journal_each_payment(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN],
    int (*visit)(void *user, cpnp_bytes authorization), void *user);

/*
 * Change the journal's key to that of signer (borrowed from now on): a leaf
 * signed by both keys, and a head signed by the new one.  Within the caller's
 * transaction.  CPNP_ERR_EXISTS when it is the key already.
 */
CPNP_API int cpnp_journal_rotate(
    cpnp_journal *journal, const cpnp_signer *signer, cpnp_wtime now);

/* The newest head.  checkpoint is the C2SP signed note, a view good until the
 * next call.  CPNP_ERR_NOT_FOUND before the first. */
typedef struct cpnp_head {
	uint64_t size;
	cpnp_wtime time;
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t key_id[CPNP_SHA256_LEN];
	cpnp_bytes checkpoint;
} cpnp_head;
CPNP_API int cpnp_journal_head(cpnp_journal *journal, cpnp_head *head);
/* Call visit for each head of size leaves or more, the smallest first; a
 * non-zero result ends it and is returned.  The view lives during the call. */
CPNP_API int cpnp_journal_each_head(cpnp_journal *journal, uint64_t size,
    int (*visit)(void *user, const cpnp_head *head), void *user);
/* The newest head on disk, which another connection may have stored since
 * this journal was opened or read back.  Only the head is read: receipts stay
 * those of before.  Errors: NOT_FOUND, IO. */
CPNP_API int cpnp_journal_stored_head(
    cpnp_journal *journal, cpnp_head *head);

/*
 * The reference of an order that is named by customer or provider order
 * identifier or by the 64 hexadecimal digits of the reference.  Errors:
 * CPNP_ERR_NOT_FOUND; _EXISTS when more than one order has this identifier.
 */
CPNP_API int cpnp_journal_find(cpnp_journal *journal, const char *order,
    uint8_t order_ref[CPNP_SHA256_LEN], cpnp_diag *diag);

/* Call visit for each leaf from index first on; a non-zero result ends it and
 * is returned.  The view lives during the call. */
CPNP_API int cpnp_journal_each(cpnp_journal *journal, uint64_t first,
    int (*visit)(void *user, uint64_t index, cpnp_bytes statement),
    void *user);

/* Append the statement of one leaf, or the agreement that an order has under
 * an order digest, to out.  CPNP_ERR_NOT_FOUND when there is none. */
CPNP_API int cpnp_journal_leaf(
    cpnp_journal *journal, uint64_t index, cpnp_buf *out);
CPNP_API int cpnp_journal_agreement(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN],
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_buf *out);

/*
 * Replay the whole journal: every leaf hashed again, every tile, root and
 * head compared, the signatures of all heads and key changes checked, every
 * head consistent with the one before it.
 *
 * With trust the keys must be linked to it: a known key among the journal's
 * keys, or the newest head signed under a certificate of an authority.
 * Errors: CPNP_ERR_PROOF or _SIGNATURE, diag names leaf, tile or head.
 */
typedef struct cpnp_log_report {
	uint64_t leaves;
	uint64_t heads;
	uint64_t tiles;
	uint64_t keys;
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t key_id[CPNP_SHA256_LEN];
	bool attested;
} cpnp_log_report;
CPNP_API int cpnp_journal_verify(cpnp_journal *journal, cpnp_trust *trust,
    cpnp_log_report *report, cpnp_diag *diag);

/*
 * Hold somebody's proof file against this journal: each receipt of this
 * journal in the file must lead to the root that this journal had at that
 * size, and each signed statement of the file must be a leaf, unchanged, and
 * no other statement of its kind may answer the same one.  A journal that has
 * forged, dropped or rewritten an ACCEPT after its ACK fails here.
 * Errors: CPNP_ERR_PROOF and those of cpnp_proof_verify().
 */
CPNP_API int cpnp_journal_check_proof(cpnp_journal *journal,
    cpnp_trust *trust, cpnp_bytes proof, cpnp_diag *diag);

/* Consistency proof (RFC 9162, section 2.1.4) between the journal's trees of
 * size first and second; *n is set.  CPNP_ERR_INVALID unless 0 < first <=
 * second <= size of the journal. */
CPNP_API int cpnp_journal_consistency(cpnp_journal *journal, uint64_t first,
    uint64_t second, uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN],
    size_t *n);

/* ---- Checkpoints and witnesses --------------------------------------- */

/*
 * A head as it is published, a C2SP tlog-checkpoint: a text of origin, size
 * and root, and lines of signature, those of the origin and of witnesses.
 */
#define CPNP_CHECKPOINT_MAX 16384
#define CPNP_CHECKPOINT_SIGNATURES_MAX 100
typedef struct cpnp_checkpoint {
	char origin[CPNP_IDENTITY_MAX + 1];
	uint64_t size; /* at least 1 */
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t key_id[CPNP_SHA256_LEN]; /* of the key that signed it */
	cpnp_bytes note;       /* all of it, a view into the input */
	cpnp_bytes text;       /* what is signed */
	cpnp_bytes signatures; /* the lines after the empty one */
} cpnp_checkpoint;

/* Read a checkpoint that one of trust's known keys has signed in the name of
 * its origin.  Errors: CPNP_ERR_SIGNATURE when none has, another PEER error
 * for the form. */
CPNP_API int cpnp_checkpoint_verify(const cpnp_trust *trust, cpnp_bytes note,
    cpnp_checkpoint *out, cpnp_diag *diag);

/*
 * Append a line of signature to out by which the witness name says that at
 * time now it has seen this head and none that contradicts it (C2SP
 * tlog-cosignature, cosignature/v1).  Whether that is so is for the caller to
 * know.  CPNP_ERR_INVALID when the key is not Ed25519 or name is not one.
 */
CPNP_API int cpnp_checkpoint_cosign(const cpnp_signer *signer,
    const char *name, const cpnp_checkpoint *checkpoint, cpnp_wtime now,
    cpnp_buf *out, cpnp_diag *diag);

/* The cosignatures by trust's known keys, at most max; those by others are
 * not judged.  CPNP_ERR_SIGNATURE when one does not hold. */
typedef struct cpnp_cosignature {
	char name[CPNP_IDENTITY_MAX + 1];
	cpnp_wtime time;
	uint8_t key_id[CPNP_SHA256_LEN];
} cpnp_cosignature;
CPNP_API int cpnp_checkpoint_cosignatures(const cpnp_trust *trust,
    const cpnp_checkpoint *checkpoint, cpnp_cosignature *out, size_t max,
    size_t *n, cpnp_diag *diag);

/* ---- Proof of fraud --------------------------------------------------- */

#define CPNP_FRAUD_MAX 65536

/*
 * Write the proof that an origin has signed two heads, a and b, of which
 * neither can extend the other: two roots of one size; or of two sizes, and
 * under the greater the tree of the smaller size has another root.  The latter
 * needs the consistency path, which comes from a journal with the greater head
 * (a copy), or from path, as the origin itself gave it out; NULL for what is
 * not there.
 *
 * Errors: CPNP_ERR_MISMATCH when this is no fraud, and CPNP_ERR_PROOF when
 * nothing follows, diag says why; those of cpnp_checkpoint_verify().
 */
CPNP_API int cpnp_fraud_build(const cpnp_trust *trust, cpnp_bytes a,
    cpnp_bytes b, cpnp_journal *journal,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t path_n, cpnp_buf *out,
    cpnp_diag *diag);

typedef struct cpnp_fraud {
	cpnp_checkpoint heads[2]; /* the smaller first */
	bool attested; /* trust knows the keys of both */
	bool same_size;
	uint8_t root[CPNP_SHA256_LEN]; /* at the smaller size, as the greater
					* head has it */
} cpnp_fraud;
/* True when a file begins as a proof of fraud does. */
CPNP_API bool cpnp_fraud_is(cpnp_bytes file);
/* Verify one; trust may be NULL.  CPNP_ERR_PROOF when it proves nothing,
 * CPNP_ERR_SIGNATURE, another PEER error. */
CPNP_API int cpnp_fraud_verify(const cpnp_trust *trust, cpnp_bytes file,
    cpnp_fraud *out, cpnp_diag *diag);

/* ---- Proof file ------------------------------------------------------ */

#define CPNP_PROOF_MAX (1024 * 1024)
#define CPNP_PROOF_ENTRIES_MAX 1024
#define CPNP_PROOF_AGREEMENTS_MAX 64
#define CPNP_PROOF_RECEIPTS_MAX 64
#define CPNP_PROOF_KEYS_MAX 64

/* Write the proof of an order.  CPNP_ERR_NOT_FOUND when the journal does not
 * hold the order or its opening; _STATE when its newest leaves are under no
 * signed head yet. */
CPNP_API int cpnp_proof_build(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_buf *out, cpnp_diag *diag);

/* One statement of the history. */
typedef struct cpnp_proof_entry {
	uint64_t index; /* of the leaf in the file's journal */
	cpnp_bytes bytes;
	cpnp_statement statement;
	bool is_signed;
	char identity[CPNP_IDENTITY_MAX + 1]; /* who signed; "" when nobody */
	bool attested;
	int agreement; /* in agreements, of its order digest; -1 for none */
} cpnp_proof_entry;

/* A verified proof.  Views point into the file's bytes. */
typedef struct cpnp_proof {
	uint8_t order_ref[CPNP_SHA256_LEN];
	cpnp_order_opening opening;
	cpnp_agreement agreements[CPNP_PROOF_AGREEMENTS_MAX];
	uint8_t digests[CPNP_PROOF_AGREEMENTS_MAX][CPNP_SHA256_LEN];
	size_t agreement_n;
	cpnp_proof_entry *entries;
	size_t entry_n;
	cpnp_receipt receipts[CPNP_PROOF_RECEIPTS_MAX]; /* of other journals */
	size_t receipt_entry[CPNP_PROOF_RECEIPTS_MAX];  /* for which entry */
	size_t receipt_n;
	cpnp_receipt journal; /* the file's own: origin, head, key; index 0 */
	size_t key_n;         /* keys that the journal has had */
	bool key_known;       /* one of them is a known key of the verifier */
	bool is_provider;     /* the journal is the provider's */
	int agreed;           /* newest agreement that OFFER, ACCEPT and ACK
			       * name, signed by the right parties; or -1 */
	size_t offer, accept, ack; /* its entries when agreed >= 0 */
	struct cpnp_proof_ledger *ledger; /* <cpnp/settlement.h>; NULL when
					   * nothing in it rests on a ledger */
} cpnp_proof;

/*
 * Verify a proof file: every digest, link, signature, certificate identity,
 * inclusion, head and key change in it, and that nothing else is in it.  Of the
 * ledger's part, with operators in trust, one of them must have signed for each
 * fact who is not the one that gains by it.
 * Errors: CPNP_ERR_PROOF, _SIGNATURE, _MISMATCH or another PEER error; diag
 * says what is wrong and where.
 */
CPNP_API int cpnp_proof_verify(cpnp_proof **proof, cpnp_bytes file,
    cpnp_trust *trust, cpnp_diag *diag);
CPNP_API void cpnp_proof_del(cpnp_proof *proof);

#ifdef __cplusplus
}
#endif

#endif
