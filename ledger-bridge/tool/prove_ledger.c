/*
 * What the ledger has about an order, for its proof: the anchors of its
 * statements, and what became of its payments.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

#define ESCROW_FACTS_MAX 8 /* of one escrow that are looked at */

struct gather {
	const struct tool_options *options;
	struct ledger ledger;
	cpnp_journal *journal;
	const cpnp_proof *proof;
	cpnp_ledger_info info;
	uint64_t wanted; /* leaves that have no anchor: up to this one */
	uint64_t newest; /* leaves that are anchored at all */
	cpnp_proof_source *sources;
	size_t source_n;
	size_t payments, known; /* authorizations, and those with an outcome */
	uint8_t ops[CPNP_PROOF_FACTS_MAX][CPNP_OP_MAX];
	int code;
};

/* Room for a fact; its outcome is known. */
static cpnp_proof_source *
add_source(struct gather *g, const cpnp_outcome *outcome, uint64_t index,
    cpnp_bytes op)
{
	cpnp_proof_source *source;

	if (g->source_n == CPNP_PROOF_FACTS_MAX) {
		g->code = tool_fail(g->options, "ledger", "it has more than "
		    "%d facts about this order", CPNP_PROOF_FACTS_MAX);
		return NULL;
	}
	source = &g->sources[g->source_n];
	memset(source, 0, sizeof(*source));
	source->outcome = *outcome;
	source->index = index;
	if (op.len > 0) {
		memcpy(g->ops[g->source_n], op.ptr, op.len);
		source->op = (cpnp_bytes){g->ops[g->source_n], op.len};
	}
	g->source_n++;
	return source;
}

/* ---- Anchors ---- */

/* The first leaf from here on that a party has signed, or the last one. */
static uint64_t
next_wanted(const struct gather *g, uint64_t from)
{
	const cpnp_proof *proof = g->proof;
	size_t i;

	for (i = 0; i < proof->entry_n; i++)
		if (proof->entries[i].index >= from &&
		    (proof->entries[i].is_signed || i + 1 == proof->entry_n))
			return proof->entries[i].index;
	return UINT64_MAX;
}

/* The last room is for the anchor that covers all statements. */
static void
keep_room(struct gather *g)
{
	const cpnp_proof *proof = g->proof;

	if (g->source_n + 1 == CPNP_PROOF_FACTS_MAX &&
	    g->wanted != UINT64_MAX)
		g->wanted = proof->entries[proof->entry_n - 1].index;
}

/* An anchor has neither key nor expiry: what it was follows from the head. */
static int
encode_anchor(const struct gather *g, const cpnp_head *head, cpnp_buf *out)
{
	cpnp_op op = {.type = CPNP_OP_ANCHOR};

	memcpy(op.ledger, g->info.id, sizeof(op.ledger));
	op.account = cpnp_bytes_str(g->ledger.conf.account);
	CPNP_OP_SET(&op, ORIGIN, origin,
	    cpnp_bytes_str(cpnp_journal_origin(g->journal)));
	CPNP_OP_SET(&op, SIZE, size, head->size);
	CPNP_OP_SET(
	    &op, ROOT, root, ((cpnp_bytes){head->root, CPNP_SHA256_LEN}));
	return cpnp_op_encode(&op, out, NULL);
}

/* The first anchor behind each statement that a party has signed. */
static int
visit_head(void *user, const cpnp_head *head)
{
	struct gather *g = user;
	uint8_t store[CPNP_OP_MAX], digest[CPNP_SHA256_LEN];
	cpnp_proof_source *source;
	cpnp_outcome outcome;
	cpnp_bytes bytes;
	uint64_t index;
	cpnp_buf op;
	size_t n;
	int err;

	keep_room(g);
	if (g->wanted >= g->newest || head->size > g->newest)
		return 1;
	if (head->size <= g->wanted)
		return 0;
	cpnp_buf_init_fixed(&op, store, sizeof(store));
	err = encode_anchor(g, head, &op);
	bytes = cpnp_buf_bytes(&op);
	if (err == 0)
		err = tool_env.sha256(NULL, &bytes, 1, digest);
	if (err == 0)
		err = cpnp_bridge_accepted(
		    g->ledger.bridge, digest, &outcome, &index, 1, &n);
	if (err != 0 || n == 0)
		return err;
	source = add_source(g, &outcome, index, bytes);
	if (source == NULL)
		return 1;
	g->wanted = next_wanted(g, head->size);
	return cpnp_journal_consistency(g->journal, head->size,
	    g->proof->journal.size, source->consistency,
	    &source->consistency_n);
}

static int
add_anchors(struct gather *g)
{
	cpnp_anchor_view anchor;
	int err;

	err = cpnp_ledger_get_anchor(cpnp_bridge_lock(g->ledger.bridge),
	    cpnp_bytes_str(g->ledger.conf.account),
	    cpnp_bytes_str(cpnp_journal_origin(g->journal)), &anchor);
	g->newest = err == 0 ? anchor.size : 0;
	cpnp_bridge_unlock(g->ledger.bridge);
	g->wanted = next_wanted(g, 0);
	err = cpnp_journal_each_head(g->journal,
	    g->wanted < INT64_MAX ? g->wanted + 1 : 0, visit_head, g);
	if (err < 0)
		g->code = tool_fail(g->options, "anchor", "cannot be proved: "
		    "%s", cpnp_strerror(err));
	return g->code;
}

/* ---- Payments ---- */

static bool
is_of_order(const struct gather *g, const cpnp_op *op)
{
	size_t i;

	if (op->type != CPNP_OP_AUTHORIZE ||
	    memcmp(op->ledger, g->info.id, sizeof(op->ledger)) != 0)
		return false;
	for (i = 0; i < g->proof->agreement_n; i++)
		if (memcmp(g->proof->digests[i], op->order.ptr,
		        CPNP_SHA256_LEN) == 0)
			return true;
	return false;
}

static bool
is_of_escrow(unsigned kind)
{
	return kind == CPNP_OP_AUTHORIZE || kind == CPNP_FACT_POSTED ||
	    kind == CPNP_FACT_RETURNED || kind == CPNP_FACT_SETTLED;
}

static int
visit_payment(void *user, cpnp_bytes authorization)
{
	struct gather *g = user;
	cpnp_outcome outcomes[ESCROW_FACTS_MAX];
	uint64_t indexes[ESCROW_FACTS_MAX];
	uint8_t escrow[CPNP_SHA256_LEN];
	cpnp_bytes payload;
	size_t n = 0, i;
	cpnp_op op;
	int err;

	/* it was stored before anybody had judged it */
	if (cpnp_op_payload(authorization, &payload) != 0 ||
	    cpnp_op_decode(&op, payload, NULL) != 0 || !is_of_order(g, &op))
		return 0;
	g->payments++;
	err = tool_env.sha256(NULL, &payload, 1, escrow);
	if (err == 0)
		err = cpnp_bridge_accepted(g->ledger.bridge, escrow, outcomes,
		    indexes, ESCROW_FACTS_MAX, &n);
	for (i = 0; i < n && err == 0; i++)
		if (is_of_escrow(outcomes[i].kind) &&
		    add_source(g, &outcomes[i], indexes[i],
		        outcomes[i].kind == CPNP_OP_AUTHORIZE
		            ? payload : CPNP_BYTES_NONE) == NULL)
			return 1;
	g->known += n > 0;
	return err;
}

static int
add_payments(struct gather *g)
{
	int err;

	err = cpnp_journal_each_payment(
	    g->journal, g->proof->order_ref, visit_payment, g);
	if (err < 0)
		g->code = tool_fail(g->options, "payment", "cannot be proved: "
		    "%s", cpnp_strerror(err));
	return g->code;
}

/* ---- The head ---- */

static int
by_index(const void *a, const void *b)
{
	const cpnp_proof_source *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* The time after each entry that a fact is of, as far as it is known. */
static int
add_times(struct gather *g, cpnp_ledger_moment *moments, size_t *n)
{
	uint64_t position;
	size_t i;
	int err;

	*n = 0;
	for (i = 0; i < g->source_n; i++) {
		position = g->sources[i].outcome.position;
		if (*n > 0 && moments[*n - 1].position == position)
			continue;
		moments[*n].position = position;
		err = cpnp_bridge_time(
		    g->ledger.bridge, position, &moments[*n].time);
		if (err == 0)
			(*n)++;
		else if (err != CPNP_ERR_NOT_FOUND)
			return err;
	}
	return 0;
}

static int
add_paths(struct gather *g)
{
	cpnp_proof_source *source;
	size_t i;
	int err = 0;

	for (i = 0; i < g->source_n && err == 0; i++) {
		source = &g->sources[i];
		err = cpnp_bridge_outcome_path(g->ledger.bridge,
		    source->index, g->info.outcome_n, source->path,
		    CPNP_TREE_PATH_MAX, &source->path_n);
	}
	return err;
}

static int
put_part(struct gather *g, cpnp_bytes file, cpnp_buf *out)
{
	uint8_t store[CPNP_SIGNED_HEAD_MAX];
	cpnp_ledger_moment moments[CPNP_MOMENTS_MAX];
	cpnp_outcome_head head = {0};
	cpnp_bytes signed_head;
	cpnp_diag diag = {0};
	cpnp_buf buf;
	size_t n;
	int err;

	qsort(g->sources, g->source_n, sizeof(*g->sources), by_index);
	memcpy(head.ledger, g->info.id, CPNP_SHA256_LEN);
	head.position = g->info.position - 1;
	head.size = g->info.outcome_n;
	memcpy(head.root, g->info.outcome_root, CPNP_SHA256_LEN);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = add_paths(g);
	if (err == 0)
		err = add_times(g, moments, &n);
	if (err == 0)
		err = cpnp_outcome_head_sign_at(
		    g->ledger.signer, &head, moments, n, &buf);
	signed_head = cpnp_buf_bytes(&buf);
	if (err == 0)
		err = cpnp_proof_put_ledger(file, &signed_head, 1, g->sources,
		    g->source_n, out, &diag);
	return err == 0 ? 0 : tool_fail(g->options, "ledger",
	    "cannot be proved: %s", diag.err != 0 ? diag.why
						  : cpnp_strerror(err));
}

/* What a proof of this order can still come to have. */
static void
say_missing(const struct gather *g)
{
	if (g->wanted == next_wanted(g, 0))
		fputs("cpnp-ledger: not anchored: the ledger knows no head of "
		      "the journal with this order\n", stderr);
	else if (g->wanted != UINT64_MAX)
		fprintf(stderr, "cpnp-ledger: not anchored yet: what has come "
		    "from leaf %" PRIu64 " on\n", g->wanted);
	if (g->known < g->payments)
		fprintf(stderr, "cpnp-ledger: %zu of %zu payments of this "
		    "order %s not on the ledger\n", g->payments - g->known,
		    g->payments, g->payments - g->known == 1 ? "is" : "are");
}

static int
gather(struct gather *g, cpnp_bytes file, cpnp_buf *out)
{
	int err;

	err = cpnp_ledger_get_info(
	    cpnp_bridge_lock(g->ledger.bridge), &g->info);
	cpnp_bridge_unlock(g->ledger.bridge);
	if (err != 0)
		return tool_fail(
		    g->options, "ledger", "%s", cpnp_strerror(err));
	g->sources = calloc(CPNP_PROOF_FACTS_MAX, sizeof(*g->sources));
	if (g->sources == NULL)
		return tool_fail(g->options, "ledger", "out of memory");
	if (add_payments(g) == 0 && add_anchors(g) == 0) {
		say_missing(g);
		if (g->source_n > 0)
			g->code = put_part(g, file, out);
	}
	free(g->sources);
	return g->code;
}

int
tool_prove_ledger(const struct tool_options *options, cpnp_journal *journal,
    cpnp_bytes file, cpnp_buf *out)
{
	struct tool_options of_ledger = *options;
	cpnp_proof *proof = NULL;
	cpnp_trust *trust = NULL;
	struct gather *g;
	int code, err;

	/* --store is that of the journal */
	of_ledger.store = NULL;
	g = calloc(1, sizeof(*g));
	err = g == NULL ? CPNP_ERR_NOMEM
			: tool_parse_proof(file, &proof, &trust);
	if (err != 0) {
		code = tool_fail(
		    options, options->operand, "%s", cpnp_strerror(err));
	} else {
		g->options = &of_ledger;
		g->journal = journal;
		g->proof = proof;
		code = ledger_open(&of_ledger, true, &g->ledger);
	}
	if (code == 0) {
		code = gather(g, file, out);
		ledger_close(&g->ledger);
	}
	cpnp_proof_del(proof);
	cpnp_trust_del(trust);
	free(g);
	return code;
}
