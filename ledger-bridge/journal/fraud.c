/*
 * Proof of fraud: two heads that one origin has signed and of which neither
 * can extend the other.
 *
 * Of one size, two roots say it.  Of two sizes, a consistency path (RFC 9162,
 * section 2.1.4) that leads to the root of the greater head fixes the root
 * which its tree had at the smaller size; when that is not the one which was
 * signed, no other path can lead to both, or SHA-256 has a collision.  A path
 * that leads to neither proves nothing: anybody can write one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "journal.h"

#define FRAUD_MAGIC "cpnp-fraud"
#define FRAUD_VERSION 1
#define FRAUD_ITEMS 8
/* an array of eight, a text of ten bytes */
static const uint8_t fraud_head[] = {0x88, 0x6a};

/* Why the heads contradict each other. */
struct reason {
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t path_n;
};

int
cpnp_journal_consistency(cpnp_journal *journal, uint64_t first,
    uint64_t second, uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN],
    size_t *n)
{
	if (journal->damaged)
		return CPNP_ERR_IO;
	if (first == 0 || first > second ||
	    second > cpnp_tree_size(journal->tree))
		return CPNP_ERR_INVALID;
	return cpnp_tree_consistency(journal->tree, first, second, path, n);
}

/* The reason that a journal with the greater head shows. */
static int
from_journal(cpnp_journal *journal, const cpnp_checkpoint *a,
    const cpnp_checkpoint *b, struct reason *reason, cpnp_diag *diag)
{
	uint8_t root[CPNP_SHA256_LEN];
	int err;

	if (journal->damaged)
		return journal_damaged(diag);
	if (b->size > cpnp_tree_size(journal->tree))
		return ledger_fail(diag, CPNP_ERR_PROOF, "journal",
		    "it is shorter than the greater head");
	err = cpnp_tree_root(journal->tree, b->size, root);
	if (err == 0 && memcmp(root, b->root, sizeof(root)) != 0)
		return ledger_fail(diag, CPNP_ERR_PROOF, "journal",
		    "it is not the one that the greater head was signed over");
	if (err == 0)
		err = cpnp_tree_root(journal->tree, a->size, reason->root);
	if (err == 0)
		err = cpnp_tree_consistency(journal->tree, a->size, b->size,
		    reason->path, &reason->path_n);
	return ledger_fail_once(diag, err, "journal", cpnp_strerror(err));
}

/* The reason that a path shows. */
static int
from_path(const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    const cpnp_checkpoint *a, const cpnp_checkpoint *b,
    struct reason *reason, cpnp_diag *diag)
{
	uint8_t root[CPNP_SHA256_LEN];
	int err;

	err = tree_consistency_roots(
	    a->size, b->size, a->root, path, n, reason->root, root);
	if (err == 0 && memcmp(root, b->root, sizeof(root)) != 0)
		err = CPNP_ERR_PROOF;
	if (err == CPNP_ERR_PROOF)
		return ledger_fail(diag, err, "consistency proof",
		    "it does not lead to the greater head: anybody could have "
		    "written it, and nothing follows");
	if (err != 0)
		return err;
	memcpy(reason->path, path, n * CPNP_SHA256_LEN);
	reason->path_n = n;
	return 0;
}

static int
find_reason(const cpnp_checkpoint *a, const cpnp_checkpoint *b,
    cpnp_journal *journal, const uint8_t (*path)[CPNP_SHA256_LEN],
    size_t path_n, struct reason *reason, cpnp_diag *diag)
{
	bool same_root = memcmp(a->root, b->root, CPNP_SHA256_LEN) == 0;
	int err;

	if (a->size == b->size)
		return !same_root ? 0 : ledger_fail(diag, CPNP_ERR_MISMATCH,
		    "heads", "no fraud: both are of one size and root");
	if (journal != NULL)
		err = from_journal(journal, a, b, reason, diag);
	else if (path != NULL)
		err = from_path(path, path_n, a, b, reason, diag);
	else
		return ledger_fail(diag, CPNP_ERR_PROOF, "heads",
		    "of two sizes; whether one extends the other needs the "
		    "journal of the greater, or the consistency proof that "
		    "its origin gave");
	if (err == 0 && memcmp(reason->root, a->root, CPNP_SHA256_LEN) == 0)
		return ledger_fail(diag, CPNP_ERR_MISMATCH, "heads",
		    "no fraud: the greater extends the smaller");
	return err;
}

static void
put_head(const cpnp_trust *trust, const cpnp_checkpoint *head, cpnp_buf *out)
{
	const struct ledger_key *key = NULL;
	size_t i;

	for (i = 0; (key = trust_key(trust, i)) != NULL; i++)
		if (memcmp(key->id, head->key_id, CPNP_SHA256_LEN) == 0)
			break;
	if (key != NULL)
		cpnp_cbor_put_bytes(
		    out, (cpnp_bytes){key->spki, key->spki_len});
	cpnp_cbor_put_bytes(out, head->note);
}

int
cpnp_fraud_build(const cpnp_trust *trust, cpnp_bytes a, cpnp_bytes b,
    cpnp_journal *journal, const uint8_t (*path)[CPNP_SHA256_LEN],
    size_t path_n, cpnp_buf *out, cpnp_diag *diag)
{
	struct reason reason = {0};
	cpnp_checkpoint heads[2], swap;
	int err;

	err = cpnp_checkpoint_verify(trust, a, &heads[0], diag);
	if (err == 0)
		err = cpnp_checkpoint_verify(trust, b, &heads[1], diag);
	if (err != 0)
		return err;
	if (strcmp(heads[0].origin, heads[1].origin) != 0)
		return ledger_fail(diag, CPNP_ERR_MISMATCH, "heads",
		    "no fraud: they are of %.64s and %.64s",
		    heads[0].origin, heads[1].origin);
	if (heads[0].size > heads[1].size) {
		swap = heads[0];
		heads[0] = heads[1];
		heads[1] = swap;
	}
	err = find_reason(
	    &heads[0], &heads[1], journal, path, path_n, &reason, diag);
	if (err != 0)
		return ledger_fail_once(
		    diag, err, "heads", cpnp_strerror(err));
	cpnp_cbor_put_array(out, FRAUD_ITEMS);
	cpnp_cbor_put_str(out, FRAUD_MAGIC);
	cpnp_cbor_put_uint(out, FRAUD_VERSION);
	put_head(trust, &heads[0], out);
	put_head(trust, &heads[1], out);
	if (reason.path_n == 0)
		cpnp_cbor_put_null(out);
	else
		cpnp_cbor_put_bytes(
		    out, (cpnp_bytes){reason.root, CPNP_SHA256_LEN});
	cpnp_cbor_put_bytes(out,
	    (cpnp_bytes){reason.path[0], reason.path_n * CPNP_SHA256_LEN});
	return out->err;
}

bool
cpnp_fraud_is(cpnp_bytes file)
{
	size_t head = sizeof(fraud_head), magic = sizeof(FRAUD_MAGIC) - 1;

	return file.len >= head + magic &&
	    memcmp(file.ptr, fraud_head, head) == 0 &&
	    memcmp(file.ptr + head, FRAUD_MAGIC, magic) == 0;
}

/* A key and the head that it has signed. */
static int
get_head(cpnp_cbor_rd *rd, const cpnp_trust *trust, cpnp_checkpoint *head,
    bool *attested, cpnp_diag *diag)
{
	struct ledger_key key;
	cpnp_bytes spki, note;
	int err;

	spki = cpnp_cbor_get_bytes(rd, 1, SPKI_MAX);
	note = cpnp_cbor_get_bytes(rd, 1, CPNP_CHECKPOINT_MAX);
	if (rd->err != 0)
		return rd->err;
	err = ledger_key_from_spki(&key, spki);
	if (err != 0)
		return err;
	err = checkpoint_verify_by(&key, note, head, diag);
	if (trust == NULL || !trust_knows_key(trust, key.id))
		*attested = false;
	ledger_key_fini(&key);
	return err;
}

static int
check_reason(const cpnp_fraud *fraud, bool has_root, cpnp_bytes path,
    cpnp_diag *diag)
{
	const cpnp_checkpoint *a = &fraud->heads[0], *b = &fraud->heads[1];
	uint8_t hashes[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t n = path.len / CPNP_SHA256_LEN;
	int err;

	if (strcmp(a->origin, b->origin) != 0)
		return ledger_fail(diag, CPNP_ERR_PROOF, "heads",
		    "they are of %.64s and %.64s", a->origin, b->origin);
	if (has_root == fraud->same_size || has_root != (n > 0) ||
	    path.len % CPNP_SHA256_LEN != 0 || a->size > b->size)
		return ledger_fail(diag, CPNP_ERR_PROOF, "heads",
		    "sizes and consistency path do not go together");
	if (memcmp(fraud->root, a->root, CPNP_SHA256_LEN) == 0)
		return ledger_fail(diag, CPNP_ERR_PROOF, "heads",
		    "they do not contradict each other");
	if (fraud->same_size)
		return 0;
	memcpy(hashes, path.ptr, path.len);
	err = cpnp_consistency_verify(a->size, b->size, fraud->root, b->root,
	    (const uint8_t (*)[CPNP_SHA256_LEN])hashes, n);
	if (err != 0)
		return ledger_fail(diag, err, "consistency path",
		    "it does not lead to the greater head");
	return 0;
}

int
cpnp_fraud_verify(const cpnp_trust *trust, cpnp_bytes file, cpnp_fraud *out,
    cpnp_diag *diag)
{
	cpnp_bytes root = CPNP_BYTES_NONE, path;
	cpnp_cbor_rd rd;
	bool has_root;
	int err;

	ledger_diag_clear(diag);
	memset(out, 0, sizeof(*out));
	if (!cpnp_fraud_is(file))
		return ledger_fail(diag, CPNP_ERR_TYPE, "file",
		    "not a proof of fraud");
	cpnp_cbor_rd_init(&rd, file);
	(void)cpnp_cbor_get_array(&rd, FRAUD_ITEMS, FRAUD_ITEMS);
	(void)cpnp_cbor_get_text(&rd, 1, sizeof(FRAUD_MAGIC));
	if (cpnp_cbor_get_uint(&rd, 0, UINT64_MAX) != FRAUD_VERSION)
		return ledger_fail(diag, CPNP_ERR_VERSION, "file",
		    "a proof of fraud of another version than %d",
		    FRAUD_VERSION);
	out->attested = true;
	err = get_head(&rd, trust, &out->heads[0], &out->attested, diag);
	if (err == 0)
		err = get_head(
		    &rd, trust, &out->heads[1], &out->attested, diag);
	if (err != 0)
		return ledger_fail_once(
		    diag, err, "file", cpnp_strerror(err));
	has_root = cpnp_cbor_peek(&rd) != CPNP_CBOR_NULL;
	if (has_root)
		root = cpnp_cbor_get_bytes(
		    &rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	else
		cpnp_cbor_get_null(&rd);
	path = cpnp_cbor_get_bytes(
	    &rd, 0, CPNP_TREE_PATH_MAX * CPNP_SHA256_LEN);
	err = cpnp_cbor_rd_finish(&rd);
	if (err != 0)
		return ledger_fail(
		    diag, err, "file", "%s", cpnp_strerror(err));
	out->same_size = out->heads[0].size == out->heads[1].size;
	memcpy(out->root, has_root ? root.ptr : out->heads[1].root,
	    CPNP_SHA256_LEN);
	return check_reason(out, has_root, path, diag);
}
