/*
 * What a proof file has from a ledger, verified offline: outcomes under one
 * head of the outcome tree, the link from each to the journal or to an
 * agreement, and who has signed the head.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proof.h"

void
proof_get_heads(cpnp_cbor_rd *rd, cpnp_bytes heads[CPNP_OPERATORS_MAX],
    size_t *head_n, size_t *fact_n)
{
	size_t i;

	(void)cpnp_cbor_get_array(rd, 2, 2);
	*head_n = cpnp_cbor_get_array(rd, 1, CPNP_OPERATORS_MAX);
	for (i = 0; i < *head_n && rd->err == 0; i++)
		heads[i] = cpnp_cbor_get_bytes(rd, 1, CPNP_SIGNED_HEAD_MAX);
	*fact_n = cpnp_cbor_get_array(rd, 1, CPNP_PROOF_FACTS_MAX);
}

static void
get_path(cpnp_cbor_rd *rd, struct proof_path *path)
{
	cpnp_bytes hash;
	size_t i;

	path->n = cpnp_cbor_get_array(rd, 0, CPNP_TREE_PATH_MAX);
	for (i = 0; i < path->n && rd->err == 0; i++) {
		hash = cpnp_cbor_get_bytes(
		    rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
		if (rd->err == 0)
			memcpy(path->hashes[i], hash.ptr, hash.len);
	}
}

void
proof_get_fact(cpnp_cbor_rd *rd, struct proof_fact *fact)
{
	(void)cpnp_cbor_get_array(rd, 5, 5);
	fact->leaf = cpnp_cbor_get_bytes(rd, 1, CPNP_OUTCOME_MAX);
	fact->index = cpnp_cbor_get_uint(rd, 0, INT64_MAX);
	get_path(rd, &fact->path);
	fact->op = CPNP_BYTES_NONE;
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_NULL)
		cpnp_cbor_get_null(rd);
	else
		fact->op = cpnp_cbor_get_bytes(rd, 1, CPNP_OP_MAX);
	get_path(rd, &fact->consistency);
}

struct check {
	const cpnp_trust *trust;
	const cpnp_ledger_env *env;
	cpnp_proof *proof;
	cpnp_proof_ledger *out;
	cpnp_bytes keys[CPNP_OPERATORS_MAX];
	size_t key_n;
	uint64_t signers;
	bool used[CPNP_MOMENTS_MAX]; /* a fact is of this moment */
	cpnp_diag *diag;
};

/* ---- Heads ---- */

static int
check_head(struct check *c, cpnp_bytes bytes, bool is_first)
{
	cpnp_ledger_moment moments[CPNP_MOMENTS_MAX];
	cpnp_proof_ledger *out = c->out;
	cpnp_outcome_head head;
	uint64_t signers;
	size_t n, i;
	int err;

	err = cpnp_outcome_head_verify(c->env, bytes, c->keys, c->key_n, &head,
	    moments, CPNP_MOMENTS_MAX, &n, &signers, c->diag);
	if (err != 0)
		return err;
	if (is_first) {
		out->head = head;
		out->moment_n = n;
		for (i = 0; i < n; i++)
			out->moments[i] = moments[i];
	}
	if (memcmp(&head, &out->head, sizeof(head)) != 0 ||
	    n != out->moment_n)
		return ledger_fail(c->diag, CPNP_ERR_MISMATCH, "head",
		    "of another tree than the one before");
	for (i = 0; i < n; i++)
		if (moments[i].position != out->moments[i].position ||
		    moments[i].time.sec != out->moments[i].time.sec)
			return ledger_fail(c->diag, CPNP_ERR_MISMATCH, "head",
			    "it names other times than the one before");
	c->signers |= signers;
	return 0;
}

static int
check_heads(struct check *c, const cpnp_bytes *heads, size_t n)
{
	cpnp_proof_ledger *out = c->out;
	const char *account;
	cpnp_bytes key;
	size_t i;
	int err = 0;

	for (i = 0; i < n && err == 0; i++)
		err = check_head(c, heads[i], i == 0);
	if (err != 0)
		return err;
	out->head_n = n;
	for (i = 0; i < c->key_n; i++) {
		account = trust_operator(c->trust, i, &key);
		if ((c->signers >> i & 1) != 0)
			memcpy(out->signers[out->signer_n++], account,
			    strlen(account) + 1);
	}
	if (c->key_n > 0 && out->signer_n == 0)
		err = ledger_fail(c->diag, CPNP_ERR_SIGNATURE, "heads",
		    "none is signed by an operator whom you believe");
	return err;
}

/* ---- Facts ---- */

static int
mismatch(struct check *c, const char *where, const char *why)
{
	return ledger_fail(c->diag, CPNP_ERR_MISMATCH, where, "%s", why);
}

/* The operation that an outcome is of. */
static int
check_op(struct check *c, const struct proof_fact *in, cpnp_proof_fact *fact)
{
	uint8_t digest[CPNP_SHA256_LEN];
	int err;

	if (in->op.len == 0)
		return mismatch(c, "operation", "missing");
	err = hash_once(&in->op, 1, digest);
	if (err == 0 &&
	    memcmp(digest, fact->outcome.digest, sizeof(digest)) != 0)
		return mismatch(c, "operation", "the outcome is of another");
	if (err == 0)
		err = cpnp_op_decode(&fact->op, in->op, c->diag);
	if (err == 0 && fact->op.type != fact->outcome.kind)
		return mismatch(c, "operation", "the outcome is of another");
	if (err == 0 && memcmp(fact->op.ledger, c->out->head.ledger,
	    CPNP_SHA256_LEN) != 0)
		return mismatch(c, "operation", "made for another ledger");
	return err;
}

/* A head of this journal, from which the newest has grown. */
static int
check_anchor(struct check *c, const struct proof_fact *in,
    cpnp_proof_fact *fact)
{
	const cpnp_receipt *journal = &c->proof->journal;
	int err;

	err = check_op(c, in, fact);
	if (err != 0)
		return err;
	if (!cpnp_bytes_equal(
	        fact->op.origin, cpnp_bytes_str(journal->origin)))
		return mismatch(c, "origin", "the anchor of another journal");
	err = cpnp_consistency_verify(fact->op.size, journal->size,
	    fact->op.root.ptr, journal->root,
	    (const uint8_t (*)[CPNP_SHA256_LEN])in->consistency.hashes,
	    in->consistency.n);
	return err == 0 ? 0 : ledger_fail(c->diag, err, "anchor",
	    "the journal has not grown from this head: its past was changed");
}

/* The payment that an agreement in the file asks for. */
static int
check_authorize(struct check *c, const struct proof_fact *in,
    cpnp_proof_fact *fact)
{
	const cpnp_proof *proof = c->proof;
	cpnp_wtime made = {0};
	cpnp_terms terms;
	int64_t end;
	size_t i;
	int err;

	err = check_op(c, in, fact);
	if (err != 0)
		return err;
	for (i = 0; i < proof->agreement_n; i++)
		if (memcmp(proof->digests[i], fact->op.order.ptr,
		        CPNP_SHA256_LEN) == 0)
			break;
	if (i == proof->agreement_n)
		return mismatch(c, "order digest",
		    "the payment of an agreement that is not in the file");
	err = cpnp_terms_decode(
	    &terms, proof->agreements[i].settlement_terms, c->diag);
	/* when it came is not known here; that it came in time was judged by
	 * whoever acknowledged it */
	end = fact->op.until < fact->op.expiry ? fact->op.until
					       : fact->op.expiry;
	if (err == 0 && end > (int64_t)terms.escrow_seconds)
		made.sec = end - (int64_t)terms.escrow_seconds;
	if (err == 0)
		err = cpnp_terms_check(&terms, &c->env->env, &fact->op,
		    CPNP_BYTES_NONE, proof->digests[i],
		    fact->op.replaces.len > 0 ? fact->op.replaces.ptr : NULL,
		    made, c->diag);
	fact->agreement = (int)i;
	return err;
}

/* Of an escrow whose authorization came before. */
static int
check_escrow(struct check *c, const struct proof_fact *in,
    cpnp_proof_fact *fact)
{
	const cpnp_proof_fact *facts = c->out->facts;
	size_t i;

	for (i = 0; i < c->out->fact_n; i++)
		if (facts[i].outcome.kind == CPNP_OP_AUTHORIZE &&
		    memcmp(facts[i].outcome.digest, fact->outcome.digest,
		        CPNP_SHA256_LEN) == 0)
			break;
	if (in->op.len > 0)
		return mismatch(c, "operation", "there is none of this");
	if (i == c->out->fact_n)
		return mismatch(c, "escrow",
		    "of a payment that is not in the file");
	fact->payment = i;
	fact->agreement = facts[i].agreement;
	return 0;
}

static int
check_kind(struct check *c, const struct proof_fact *in, cpnp_proof_fact *fact)
{
	if (fact->outcome.code != CPNP_OUTCOME_ACCEPTED)
		return mismatch(c, "outcome", "a refusal");
	if (fact->outcome.kind != CPNP_OP_ANCHOR && in->consistency.n > 0)
		return mismatch(c, "consistency path", "not of an anchor");
	switch (fact->outcome.kind) {
	case CPNP_OP_ANCHOR:
		return check_anchor(c, in, fact);
	case CPNP_OP_AUTHORIZE:
		return check_authorize(c, in, fact);
	case CPNP_FACT_POSTED:
	case CPNP_FACT_RETURNED:
	case CPNP_FACT_SETTLED:
		return check_escrow(c, in, fact);
	default:
		return mismatch(c, "outcome", "neither of an anchor nor of "
		    "a payment");
	}
}

/* What its head says of the time; and that is of no other entry. */
static void
take_time(struct check *c, cpnp_proof_fact *fact)
{
	const cpnp_proof_ledger *out = c->out;
	size_t i;

	for (i = 0; i < out->moment_n; i++)
		if (out->moments[i].position == fact->outcome.position) {
			fact->has_time = true;
			fact->time = out->moments[i].time;
			c->used[i] = true;
		}
}

/* A signature under the head by somebody who gains nothing. */
static int
check_signers(struct check *c, cpnp_proof_fact *fact)
{
	const cpnp_proof_ledger *out = c->out;
	cpnp_bytes gains = out->facts[fact->payment].op.peer;
	size_t i;

	if (fact->outcome.kind == CPNP_OP_ANCHOR)
		gains = fact->op.account;
	for (i = 0; i < out->signer_n; i++)
		if (!cpnp_bytes_equal(gains, cpnp_bytes_str(out->signers[i])))
			fact->attested = true;
	if (fact->attested || c->key_n == 0)
		return 0;
	return ledger_fail(c->diag, CPNP_ERR_SIGNATURE, "heads",
	    "of those whom you believe only %.*s has signed, %s",
	    (int)gains.len, (const char *)gains.ptr,
	    fact->outcome.kind == CPNP_OP_ANCHOR ? "whose anchor it is"
						 : "who is the payee");
}

static int
check_fact(struct check *c, const struct proof_fact *in, size_t i)
{
	const cpnp_outcome_head *head = &c->out->head;
	cpnp_proof_fact *fact = &c->out->facts[i];
	int err;

	fact->index = in->index;
	fact->agreement = -1;
	fact->payment = i;
	err = cpnp_outcome_verify(in->leaf, in->index, head->size,
	    (const uint8_t (*)[CPNP_SHA256_LEN])in->path.hashes, in->path.n,
	    head->root, &fact->outcome);
	if (err == 0 && fact->outcome.position > head->position)
		err = CPNP_ERR_PROOF;
	if (err != 0)
		return ledger_fail(c->diag, err, "outcome",
		    "it and its path do not lead to the head");
	if (i > 0 && in->index <= c->out->facts[i - 1].index)
		return ledger_fail(c->diag, CPNP_ERR_DUPLICATE, "outcome",
		    "not behind the one before");
	err = check_kind(c, in, fact);
	if (err != 0)
		return err;
	take_time(c, fact);
	return check_signers(c, fact);
}

/* The number of the fact before what is wrong with it. */
static int
fact_fail(struct check *c, int err, size_t i)
{
	cpnp_diag inner;

	if (c->diag == NULL)
		return err;
	inner = *c->diag;
	(void)ledger_fail(c->diag, err, "ledger", "fact %zu: %s%s%.130s", i + 1,
	    inner.where, inner.where[0] == '\0' ? "" : ": ",
	    inner.why[0] != '\0' ? inner.why : cpnp_strerror(err));
	return err;
}

static int
check_part(struct check *c, cpnp_bytes part)
{
	cpnp_bytes heads[CPNP_OPERATORS_MAX];
	struct proof_fact *fact;
	size_t head_n, n, i;
	cpnp_cbor_rd rd;
	int err = 0;

	fact = malloc(sizeof(*fact));
	if (fact == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_cbor_rd_init(&rd, part);
	proof_get_heads(&rd, heads, &head_n, &n);
	if (rd.err == 0)
		err = check_heads(c, heads, head_n);
	for (i = 0; i < n && err == 0 && rd.err == 0; i++) {
		proof_get_fact(&rd, fact);
		if (rd.err != 0)
			break;
		ledger_diag_clear(c->diag);
		err = check_fact(c, fact, i);
		if (err != 0)
			err = fact_fail(c, err, i);
		c->out->fact_n++;
	}
	free(fact);
	if (err != 0)
		return err;
	if (cpnp_cbor_rd_finish(&rd) != 0)
		return ledger_fail(c->diag, rd.err, "ledger",
		    "byte %zu of this part: %s", rd.err_off,
		    cpnp_strerror(rd.err));
	for (i = 0; i < c->out->moment_n; i++)
		if (!c->used[i])
			return mismatch(c, "head", "it names the time of an "
			    "entry that no fact is of");
	return 0;
}

int
proof_check_ledger(cpnp_proof *proof, cpnp_bytes part, const cpnp_trust *trust,
    cpnp_diag *diag)
{
	struct check c = {.trust = trust, .proof = proof, .diag = diag};
	cpnp_verifier *verifier = NULL;
	int err;

	while (trust_operator(trust, c.key_n, &c.keys[c.key_n]) != NULL)
		if (++c.key_n == CPNP_OPERATORS_MAX)
			break;
	proof->ledger = calloc(1, sizeof(*proof->ledger));
	c.out = proof->ledger;
	err = c.out == NULL ? CPNP_ERR_NOMEM : cpnp_verifier_new(&verifier);
	if (err == 0) {
		c.env = cpnp_verifier_env(verifier);
		err = check_part(&c, part);
	}
	cpnp_verifier_del(verifier);
	return ledger_fail_once(diag, err, "ledger", cpnp_strerror(err));
}
