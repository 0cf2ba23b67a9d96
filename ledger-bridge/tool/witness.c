/*
 * Cosign the heads of others.
 *
 * What was cosigned last is in a small database, one row for each origin.
 * It is committed, synchronously, before a signature is given out: a witness
 * that crashes between the two has signed nothing, and refuses afterwards
 * whatever contradicts the head that it would have signed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool.h"

#define BUSY_TIMEOUT_MS 5000

static const char schema[] =
    "PRAGMA synchronous = FULL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS witness_head ("
    " origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,"
    " checkpoint BLOB NOT NULL) WITHOUT ROWID";

/* What was cosigned last for an origin. */
struct last {
	bool found;
	uint64_t size;
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t *checkpoint;
	size_t len;
};

static int
state_fail(const struct tool_options *options, sqlite3 *db)
{
	return tool_fail(options, tool_value(options, "state"),
	    "the witness's state: %s",
	    db == NULL ? "out of memory" : sqlite3_errmsg(db));
}

static int
state_open(const struct tool_options *options, sqlite3 **db)
{
	const char *path = tool_value(options, "state");
	int code;

	if (sqlite3_open_v2(path, db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
	        SQLITE_OK &&
	    sqlite3_busy_timeout(*db, BUSY_TIMEOUT_MS) == SQLITE_OK &&
	    sqlite3_exec(*db, schema, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	code = state_fail(options, *db);
	(void)sqlite3_close(*db);
	*db = NULL;
	return code;
}

static int
state_get(const struct tool_options *options, sqlite3 *db,
    const char *origin, struct last *last)
{
	sqlite3_stmt *stmt = NULL;
	int rc, code = 0;

	memset(last, 0, sizeof(*last));
	rc = sqlite3_prepare_v2(db,
	    "SELECT size, root, checkpoint FROM witness_head WHERE origin = ?",
	    -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, origin, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW &&
	    sqlite3_column_bytes(stmt, 1) == CPNP_SHA256_LEN) {
		last->found = true;
		last->size = (uint64_t)sqlite3_column_int64(stmt, 0);
		memcpy(last->root, sqlite3_column_blob(stmt, 1),
		    CPNP_SHA256_LEN);
		last->len = (size_t)sqlite3_column_bytes(stmt, 2);
		last->checkpoint = malloc(last->len + 1);
		if (last->checkpoint == NULL)
			code = tool_fail(options, origin, "out of memory");
		else if (last->len > 0)
			memcpy(last->checkpoint,
			    sqlite3_column_blob(stmt, 2), last->len);
	} else if (rc != SQLITE_DONE) {
		code = state_fail(options, db);
	}
	(void)sqlite3_finalize(stmt);
	return code;
}

static int
state_put(const struct tool_options *options, sqlite3 *db,
    const cpnp_checkpoint *cp)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db,
	    "INSERT OR REPLACE INTO witness_head VALUES(?, ?, ?, ?)", -1,
	    &stmt, NULL);
	if (rc == SQLITE_OK) {
		(void)sqlite3_bind_text(
		    stmt, 1, cp->origin, -1, SQLITE_STATIC);
		(void)sqlite3_bind_int64(stmt, 2, (int64_t)cp->size);
		(void)sqlite3_bind_blob(
		    stmt, 3, cp->root, CPNP_SHA256_LEN, SQLITE_STATIC);
		(void)sqlite3_bind_blob(stmt, 4, cp->note.ptr,
		    (int)cp->note.len, SQLITE_STATIC);
		rc = sqlite3_step(stmt);
	}
	(void)sqlite3_finalize(stmt);
	if (rc != SQLITE_DONE ||
	    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return state_fail(options, db);
	return 0;
}

/* Two signed heads that contradict each other, for everybody. */
static int
put_fraud(const struct tool_options *options, const cpnp_trust *trust,
    const struct last *last, const cpnp_checkpoint *cp,
    const struct tool_consistency *proof)
{
	const char *path = tool_value(options, "fraud");
	cpnp_diag diag;
	cpnp_buf out;
	int code = 0;

	if (path == NULL)
		return 0;
	cpnp_buf_init(&out, &ledger_mem, CPNP_FRAUD_MAX);
	if (cpnp_fraud_build(trust, (cpnp_bytes){last->checkpoint, last->len},
	        cp->note, NULL, proof == NULL ? NULL
	        : (const uint8_t (*)[CPNP_SHA256_LEN])proof->path,
	        proof == NULL ? 0 : proof->path_n, &out, &diag) != 0)
		fprintf(stderr, "cpnp-ledger: no proof of fraud: %s: %s\n",
		    diag.where, diag.why);
	else
		code = tool_write_file(options, path, cpnp_buf_bytes(&out));
	cpnp_buf_fini(&out);
	return code;
}

/* The head must extend the one that was cosigned last. */
static int
check_growth(const struct tool_options *options, const cpnp_trust *trust,
    const struct last *last, const cpnp_checkpoint *cp)
{
	struct tool_consistency proof;
	int code;

	if (!last->found)
		return 0;
	if (cp->size < last->size)
		return tool_fail(options, cp->origin,
		    "NOT COSIGNED: rolled back to %" PRIu64 " leaves, from "
		    "%" PRIu64 " that were cosigned", cp->size, last->size);
	if (cp->size == last->size) {
		if (memcmp(cp->root, last->root, CPNP_SHA256_LEN) == 0)
			return 0;
		(void)put_fraud(options, trust, last, cp, NULL);
		return tool_fail(options, cp->origin,
		    "NOT COSIGNED: FORK: it has signed another root over "
		    "the same %" PRIu64 " leaves", cp->size);
	}
	if (options->proof_n != 1)
		return tool_fail(options, "--proof",
		    "needed, once: the consistency proof from %" PRIu64
		    " to %" PRIu64 " leaves, which cpnp-ledger log "
		    "consistency makes", last->size, cp->size);
	code = tool_consistency_read(options, options->proofs[0], &proof);
	if (code != 0)
		return code;
	if (proof.old_size != last->size)
		return tool_fail(options, options->proofs[0],
		    "the proof is from %" PRIu64 " leaves; from %" PRIu64
		    " it must be, that were cosigned last", proof.old_size,
		    last->size);
	if (cpnp_consistency_verify(last->size, cp->size, last->root,
	        cp->root, (const uint8_t (*)[CPNP_SHA256_LEN])proof.path,
	        proof.path_n) == 0)
		return 0;
	(void)put_fraud(options, trust, last, cp, &proof);
	return tool_fail(options, cp->origin,
	    "NOT COSIGNED: the proof does not show that %" PRIu64 " leaves "
	    "extend the %" PRIu64 " that were cosigned", cp->size,
	    last->size);
}

/* The checkpoint with our line. */
static int
put_cosigned(const struct tool_options *options, const cpnp_signer *signer,
    const cpnp_checkpoint *cp)
{
	cpnp_wtime now = {(int64_t)time(NULL)};
	char date[CPNP_DATE_LEN];
	cpnp_diag diag;
	cpnp_buf out;
	int code = 0;

	cpnp_buf_init(&out, &ledger_mem, 2 * CPNP_CHECKPOINT_MAX);
	cpnp_buf_put_raw(&out, cp->note);
	if (cpnp_checkpoint_cosign(signer, tool_value(options, "name"), cp,
	        now, &out, &diag) != 0)
		code = tool_fail_diag(options, "--name", &diag);
	else if (!options->json || options->output != NULL)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&out));
	if (code == 0 && options->json) {
		tool_time(now, date);
		tool_put_json(json_pack("{s:b, s:s, s:I, s:s, s:o}", "ok", 1,
		    "origin", cp->origin, "size", (json_int_t)cp->size,
		    "time", date, "checkpoint",
		    tool_text(cpnp_buf_bytes(&out))));
	}
	cpnp_buf_fini(&out);
	return code;
}

/* That the name and key will do is known before the state moves. */
static int
check_signer(const struct tool_options *options, const cpnp_signer *signer,
    const cpnp_checkpoint *cp)
{
	cpnp_diag diag;
	cpnp_buf out;
	int code = 0;

	cpnp_buf_init(&out, &ledger_mem, CPNP_CHECKPOINT_MAX);
	if (cpnp_checkpoint_cosign(signer, tool_value(options, "name"), cp,
	        (cpnp_wtime){1}, &out, &diag) != 0)
		code = tool_fail_diag(options, "witness", &diag);
	cpnp_buf_fini(&out);
	return code;
}

static int
cosign(const struct tool_options *options, const cpnp_signer *signer,
    const cpnp_trust *trust, const cpnp_checkpoint *cp)
{
	struct last last = {0};
	sqlite3 *db = NULL;
	int code;

	code = state_open(options, &db);
	if (code != 0)
		return code;
	code = state_get(options, db, cp->origin, &last);
	if (code == 0)
		code = check_growth(options, trust, &last, cp);
	if (code == 0)
		code = state_put(options, db, cp);
	(void)sqlite3_close(db);
	free(last.checkpoint);
	return code != 0 ? code : put_cosigned(options, signer, cp);
}

/* The keys of the journals that this witness watches. */
static int
journal_keys(const struct tool_options *options, cpnp_trust **trust)
{
	cpnp_diag diag;
	size_t i, n = 0;

	*trust = NULL;
	if (cpnp_trust_new(trust) != 0)
		return tool_fail(options, "--journal-key", "out of memory");
	for (i = 0; i < options->given_n; i++) {
		if (strcmp(options->given[i].name, "journal-key") != 0)
			continue;
		if (cpnp_trust_add_key_file(*trust,
		        options->given[i].value, NULL, &diag) != 0)
			return tool_fail_diag(
			    options, "--journal-key", &diag);
		n++;
	}
	return n > 0 ? 0 : tool_fail(options, "--journal-key",
	    "needed: a public key of the journal whose heads are cosigned");
}

int
tool_witness(const struct tool_options *options)
{
	cpnp_signer *signer = NULL;
	cpnp_trust *trust = NULL;
	uint8_t *bytes = NULL;
	cpnp_checkpoint cp;
	cpnp_diag diag;
	size_t len;
	int code = 0;

	if (tool_value(options, "state") == NULL)
		code = tool_fail(options, "--state",
		    "needed: the file that remembers what was cosigned");
	else if (tool_value(options, "name") == NULL)
		code = tool_fail(options, "--name",
		    "needed: the name of this witness, such as "
		    "example.net/witness");
	if (code == 0)
		code = tool_signer(options, &signer);
	if (code == 0)
		code = journal_keys(options, &trust);
	if (code == 0)
		code = tool_read_file(options, options->operand,
		    CPNP_CHECKPOINT_MAX, &bytes, &len);
	if (code == 0 && cpnp_checkpoint_verify(
	        trust, (cpnp_bytes){bytes, len}, &cp, &diag) != 0)
		code = tool_fail(options, options->operand,
		    "NOT COSIGNED: %s: %s", diag.where, diag.why);
	if (code == 0)
		code = check_signer(options, signer, &cp);
	if (code == 0)
		code = cosign(options, signer, trust, &cp);
	free(bytes);
	cpnp_trust_del(trust);
	cpnp_signer_del(signer);
	return code;
}
