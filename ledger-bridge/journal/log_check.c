/*
 * Somebody's proof file held against a journal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <string.h>

#include <openssl/err.h>

#include "journal.h"

struct check {
	cpnp_journal *journal;
	const cpnp_proof *proof;
	bool is_provider; /* whose journal it is */
	cpnp_diag *diag;
};

/* The name in the certificate of the newest head; "" when there is none. */
static int
journal_identity(
    cpnp_journal *journal, char identity[CPNP_IDENTITY_MAX + 1])
{
	cpnp_bytes ders[CHAIN_MAX];
	const unsigned char *p;
	sqlite3_stmt *stmt;
	X509 *cert = NULL;
	size_t n;

	identity[0] = '\0';
	stmt = journal_stmt(journal, Q_SIGNER_GET);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, journal->head.signer_id);
	if (sqlite3_step(stmt) == SQLITE_ROW &&
	    cose_chain_parse(stmt_blob(stmt, 0), ders, &n) == 0) {
		p = ders[0].ptr;
		cert = d2i_X509(NULL, &p, (long)ders[0].len);
	}
	stmt_done(stmt);
	if (cert != NULL)
		cert_identity(cert, identity);
	X509_free(cert);
	ERR_clear_error();
	return 0;
}

static int
find_side(struct check *c)
{
	char identity[CPNP_IDENTITY_MAX + 1];
	const cpnp_order_opening *opening = &c->proof->opening;
	cpnp_bytes name;
	int err;

	err = journal_identity(c->journal, identity);
	if (err != 0)
		return err;
	name = cpnp_bytes_str(identity);
	c->is_provider = cpnp_bytes_equal(name, opening->provider);
	if (identity[0] == '\0')
		c->is_provider = c->proof->is_provider ==
		    (strcmp(c->proof->journal.origin,
		         c->journal->origin) == 0);
	else if (!c->is_provider && !cpnp_bytes_equal(name, opening->client))
		return ledger_fail(c->diag, CPNP_ERR_MISMATCH, "journal",
		    "it belongs to %.80s, who is no party to this order",
		    identity);
	return 0;
}

/* True when leaf index is this very statement. */
static bool
leaf_is(cpnp_journal *journal, uint64_t index, cpnp_bytes statement)
{
	sqlite3_stmt *stmt;
	bool same;

	stmt = journal_stmt(journal, Q_LEAF_GET);
	if (stmt == NULL)
		return false;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)index);
	same = sqlite3_step(stmt) == SQLITE_ROW &&
	    cpnp_bytes_equal(stmt_blob(stmt, 0), statement);
	stmt_done(stmt);
	return same;
}

/* A head that this journal has signed must still be one of its past. */
static int
check_head(struct check *c, const cpnp_receipt *head, const char *of)
{
	uint8_t root[CPNP_SHA256_LEN];
	int err;

	if (strcmp(head->origin, c->journal->origin) != 0)
		return 0;
	if (head->size > cpnp_tree_size(c->journal->tree))
		return ledger_fail(c->diag, CPNP_ERR_PROOF, of,
		    "the journal signed for %" PRIu64 " leaves and now has %"
		    PRIu64 ": leaves were dropped", head->size,
		    cpnp_tree_size(c->journal->tree));
	err = cpnp_tree_root(c->journal->tree, head->size, root);
	if (err != 0)
		return err;
	if (memcmp(root, head->root, sizeof(root)) != 0)
		return ledger_fail(c->diag, CPNP_ERR_PROOF, of,
		    "the first %" PRIu64 " leaves are not those that the "
		    "journal signed for: its past was rewritten", head->size);
	return 0;
}

static int
check_receipt(struct check *c, size_t i)
{
	const cpnp_receipt *receipt = &c->proof->receipts[i];
	const cpnp_proof_entry *entry =
	    &c->proof->entries[c->proof->receipt_entry[i]];

	if (strcmp(receipt->origin, c->journal->origin) != 0)
		return 0;
	if (!leaf_is(c->journal, receipt->index, entry->bytes))
		return ledger_fail(c->diag, CPNP_ERR_PROOF, "receipt",
		    "leaf %" PRIu64 " is not the statement that the journal "
		    "gave a receipt for", receipt->index);
	return 0;
}

/* The leaf that is a statement, and any other one in its place: of the same
 * type, about the same order, answering the same. */
static int
find_leaf(struct check *c, const cpnp_proof_entry *entry, bool *found)
{
	cpnp_statement body;
	cpnp_bytes bytes, payload;
	sqlite3_stmt *stmt;
	int err = 0;

	*found = false;
	stmt = journal_stmt(c->journal, Q_LEAF_OF_ORDER);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(
	    stmt, 1, ref_prefix(entry->statement.order_ref));
	while (err == 0 && sqlite3_step(stmt) == SQLITE_ROW) {
		bytes = stmt_blob(stmt, 1);
		if (cpnp_bytes_equal(bytes, entry->bytes)) {
			*found = true;
			continue;
		}
		if (!statement_is_signed(bytes) ||
		    cpnp_statement_payload(bytes, &payload) != 0 ||
		    cpnp_statement_decode(&body, payload, NULL) != 0)
			continue;
		if (body.type == entry->statement.type && body.has_answers &&
		    memcmp(body.answers, entry->statement.answers,
		        CPNP_SHA256_LEN) == 0)
			err = ledger_fail(c->diag, CPNP_ERR_PROOF, "leaf",
			    "leaf %" PRId64 " is another statement in the "
			    "place of one that the file proves",
			    (int64_t)sqlite3_column_int64(stmt, 0));
	}
	stmt_done(stmt);
	return err;
}

/* Has this journal's side signed the statement, or an answer to it? */
static bool
is_bound(const struct check *c, size_t i)
{
	const cpnp_proof *proof = c->proof;
	uint8_t digest[CPNP_SHA256_LEN];
	const cpnp_statement *answer;
	bool by_provider;
	size_t j;

	by_provider =
	    proof->entries[i].statement.type != CPNP_STATEMENT_ACCEPT;
	if (by_provider == c->is_provider)
		return true;
	if (hash_once(&proof->entries[i].bytes, 1, digest) != 0)
		return true;
	for (j = 0; j < proof->entry_n; j++) {
		answer = &proof->entries[j].statement;
		if (answer->has_answers &&
		    memcmp(answer->answers, digest, sizeof(digest)) == 0)
			return true;
	}
	return false;
}

static int
check_statements(struct check *c)
{
	static const char *const names[] = {
	    "?", "STATE", "OFFER", "ACCEPT", "ACK"};
	const cpnp_proof_entry *entry;
	bool found;
	size_t i;
	int err;

	for (i = 0; i < c->proof->entry_n; i++) {
		entry = &c->proof->entries[i];
		if (!entry->is_signed || !is_bound(c, i))
			continue;
		err = find_leaf(c, entry, &found);
		if (err != 0)
			return err;
		if (!found)
			return ledger_fail(c->diag, CPNP_ERR_PROOF, "journal",
			    "it does not hold the %s that it has signed or "
			    "answered (statement %zu of the file)",
			    names[entry->statement.type], i + 1);
	}
	return 0;
}

static int
check(struct check *c)
{
	size_t i;
	int err;

	err = find_side(c);
	for (i = 0; i < c->proof->receipt_n && err == 0; i++)
		err = check_receipt(c, i);
	if (err == 0)
		err = check_statements(c);
	/* last, since it says least: something before has changed */
	for (i = 0; i < c->proof->receipt_n && err == 0; i++)
		err = check_head(c, &c->proof->receipts[i], "receipt");
	if (err == 0)
		err = check_head(c, &c->proof->journal, "head");
	return err;
}

int
cpnp_journal_check_proof(cpnp_journal *journal, cpnp_trust *trust,
    cpnp_bytes proof, cpnp_diag *diag)
{
	struct check c = {.journal = journal, .diag = diag};
	cpnp_trust *own = NULL;
	cpnp_proof *parsed = NULL;
	int err;

	ledger_diag_clear(diag);
	if (journal->damaged)
		return journal_damaged(diag);
	if (trust == NULL) {
		err = cpnp_trust_new(&own);
		if (err != 0)
			return err;
		cpnp_trust_allow_unattested(own);
		trust = own;
	}
	err = cpnp_proof_verify(&parsed, proof, trust, diag);
	if (err == 0) {
		c.proof = parsed;
		err = check(&c);
	}
	cpnp_proof_del(parsed);
	cpnp_trust_del(own);
	return ledger_fail_once(diag, err, "journal", cpnp_strerror(err));
}
