/*
 * The ledger's part of a proof file, put in.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "proof.h"

static void
put_path(cpnp_buf *out, const uint8_t (*path)[CPNP_SHA256_LEN], size_t n)
{
	size_t i;

	cpnp_cbor_put_array(out, n);
	for (i = 0; i < n; i++)
		cpnp_cbor_put_bytes(
		    out, (cpnp_bytes){path[i], CPNP_SHA256_LEN});
}

static void
put_source(cpnp_buf *out, const cpnp_proof_source *s)
{
	uint8_t store[CPNP_OUTCOME_MAX];
	cpnp_buf leaf;

	cpnp_buf_init_fixed(&leaf, store, sizeof(store));
	cpnp_outcome_encode(&s->outcome, &leaf);
	cpnp_cbor_put_array(out, 5);
	cpnp_cbor_put_bytes(out, cpnp_buf_bytes(&leaf));
	cpnp_cbor_put_uint(out, s->index);
	put_path(out, (const uint8_t (*)[CPNP_SHA256_LEN])s->path, s->path_n);
	if (s->op.len > 0)
		cpnp_cbor_put_bytes(out, s->op);
	else
		cpnp_cbor_put_null(out);
	put_path(out, (const uint8_t (*)[CPNP_SHA256_LEN])s->consistency,
	    s->consistency_n);
}

static void
put_heads(cpnp_buf *out, const cpnp_bytes *heads, size_t n)
{
	size_t i;

	cpnp_cbor_put_uint(out, PROOF_LEDGER);
	cpnp_cbor_put_array(out, 2);
	cpnp_cbor_put_array(out, n);
	for (i = 0; i < n; i++)
		cpnp_cbor_put_bytes(out, heads[i]);
}

/* Everything before part 9. */
static void
put_body(cpnp_buf *out, const struct proof_file *file)
{
	cpnp_cbor_put_map(out, PROOF_DIGEST);
	cpnp_cbor_put_uint(out, PROOF_VERSION);
	cpnp_cbor_put_uint(out, PROOF_FORMAT_LEDGER);
	cpnp_buf_put_raw(out, file->body);
}

int
cpnp_proof_put_ledger(cpnp_bytes file, const cpnp_bytes *heads, size_t head_n,
    const cpnp_proof_source *sources, size_t source_n, cpnp_buf *out,
    cpnp_diag *diag)
{
	size_t i, start = out->len;
	struct proof_file *parsed;
	int err;

	ledger_diag_clear(diag);
	if (head_n == 0 || head_n > CPNP_OPERATORS_MAX || source_n == 0 ||
	    source_n > CPNP_PROOF_FACTS_MAX)
		return ledger_fail(diag, CPNP_ERR_INVALID, "ledger",
		    "%zu heads and %zu facts; 1 to %d and 1 to %d fit a "
		    "proof", head_n, source_n, CPNP_OPERATORS_MAX,
		    CPNP_PROOF_FACTS_MAX);
	parsed = malloc(sizeof(*parsed));
	if (parsed == NULL)
		return CPNP_ERR_NOMEM;
	err = proof_file_parse(parsed, file, diag);
	if (err == 0) {
		put_body(out, parsed);
		put_heads(out, heads, head_n);
		cpnp_cbor_put_array(out, source_n);
		for (i = 0; i < source_n; i++)
			put_source(out, &sources[i]);
		err = proof_put_digest(out, start, PROOF_DIGEST);
	}
	free(parsed);
	return ledger_fail_once(diag, err, "proof", cpnp_strerror(err));
}

/* The heads of a part, with one more, and its facts as they are. */
static int
put_with_head(cpnp_buf *out, const struct proof_file *file, cpnp_bytes head,
    cpnp_diag *diag)
{
	cpnp_bytes heads[CPNP_OPERATORS_MAX + 1];
	const uint8_t *end = file->ledger.ptr + file->ledger.len;
	cpnp_cbor_rd rd;
	size_t n, facts, i;

	cpnp_cbor_rd_init(&rd, file->ledger);
	proof_get_heads(&rd, heads, &n, &facts);
	if (rd.err != 0)
		return rd.err;
	for (i = 0; i < n; i++)
		if (cpnp_bytes_equal(heads[i], head))
			return ledger_fail(diag, CPNP_ERR_EXISTS, "head",
			    "it is in the file already");
	if (n == CPNP_OPERATORS_MAX)
		return ledger_fail(diag, CPNP_ERR_FULL, "heads",
		    "a proof has at most %d", CPNP_OPERATORS_MAX);
	heads[n] = head;
	put_body(out, file);
	put_heads(out, heads, n + 1);
	cpnp_cbor_put_array(out, facts);
	cpnp_buf_put_raw(out, (cpnp_bytes){rd.pos, (size_t)(end - rd.pos)});
	return out->err;
}

int
cpnp_proof_add_head(
    cpnp_bytes file, cpnp_bytes head, cpnp_buf *out, cpnp_diag *diag)
{
	struct proof_file *parsed;
	size_t start = out->len;
	int err;

	ledger_diag_clear(diag);
	parsed = malloc(sizeof(*parsed));
	if (parsed == NULL)
		return CPNP_ERR_NOMEM;
	err = proof_file_parse(parsed, file, diag);
	if (err == 0 && parsed->ledger.len == 0)
		err = ledger_fail(diag, CPNP_ERR_NOT_FOUND, "ledger",
		    "nothing in this file rests on a ledger");
	if (err == 0)
		err = put_with_head(out, parsed, head, diag);
	if (err == 0)
		err = proof_put_digest(out, start, PROOF_DIGEST);
	free(parsed);
	return ledger_fail_once(diag, err, "proof", cpnp_strerror(err));
}
