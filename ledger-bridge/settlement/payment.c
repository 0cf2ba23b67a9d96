/*
 * The offline proof of a payment: [context, leaf, index, path, heads], where
 * each head is a COSE_Sign1 over [context, ledger, position, size, root], and
 * in the proof of an order with the times of entries behind that.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define HEAD_CONTEXT "CPNP-outcomes"
#define PROOF_CONTEXT "CPNP-payment"
#define HEAD_MAX (128 + CPNP_MOMENTS_MAX * 19)
#define SIGNED_HEAD_MAX 512
#define KEYS_MAX 64

static void
get_context(cpnp_cbor_rd *rd, const char *context)
{
	size_t len = strlen(context);
	cpnp_bytes text = cpnp_cbor_get_text(rd, len, len);

	if (rd->err == 0 && memcmp(text.ptr, context, len) != 0)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TYPE);
}

static void
get_hash(cpnp_cbor_rd *rd, uint8_t hash[CPNP_SHA256_LEN])
{
	cpnp_bytes v;

	v = cpnp_cbor_get_bytes(rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	if (rd->err == 0)
		memcpy(hash, v.ptr, CPNP_SHA256_LEN);
}

int
cpnp_outcome_head_sign_at(const cpnp_signer *signer,
    const cpnp_outcome_head *head, const cpnp_ledger_moment *moments,
    size_t n, cpnp_buf *buf)
{
	uint8_t store[HEAD_MAX];
	cpnp_bytes payload;
	cpnp_buf in;
	size_t i;

	if (n > CPNP_MOMENTS_MAX)
		return CPNP_ERR_INVALID;
	cpnp_buf_init_fixed(&in, store, sizeof(store));
	cpnp_cbor_put_array(&in, n > 0 ? 6 : 5);
	cpnp_cbor_put_str(&in, HEAD_CONTEXT);
	cpnp_cbor_put_bytes(&in, (cpnp_bytes){head->ledger, CPNP_SHA256_LEN});
	cpnp_cbor_put_uint(&in, head->position);
	cpnp_cbor_put_uint(&in, head->size);
	cpnp_cbor_put_bytes(&in, (cpnp_bytes){head->root, CPNP_SHA256_LEN});
	if (n > 0)
		cpnp_cbor_put_array(&in, n);
	for (i = 0; i < n; i++) {
		cpnp_cbor_put_array(&in, 2);
		cpnp_cbor_put_uint(&in, moments[i].position);
		cpnp_cbor_put_int(&in, moments[i].time.sec);
	}
	if (in.err != 0)
		return in.err;
	payload = cpnp_buf_bytes(&in);
	return cpnp_op_sign(signer, &payload, 1, buf);
}

int
cpnp_outcome_head_sign(const cpnp_signer *signer,
    const cpnp_outcome_head *head, cpnp_buf *buf)
{
	return cpnp_outcome_head_sign_at(signer, head, NULL, 0, buf);
}

/* Positions rise, and time never goes back. */
static void
get_moments(
    cpnp_cbor_rd *rd, uint64_t last, cpnp_ledger_moment *moments, size_t n)
{
	uint64_t from = 0;
	int64_t time = 0;
	size_t i;

	for (i = 0; i < n && rd->err == 0; i++) {
		(void)cpnp_cbor_get_array(rd, 2, 2);
		moments[i].position = cpnp_cbor_get_uint(rd, from, last);
		moments[i].time.sec =
		    cpnp_cbor_get_int(rd, time, CPNP_WTIME_MAX);
		from = moments[i].position + 1;
		time = moments[i].time.sec;
	}
}

static int
read_head(cpnp_outcome_head *head, cpnp_bytes payload,
    cpnp_ledger_moment *moments, size_t max, size_t *n)
{
	cpnp_cbor_rd rd;
	size_t parts;

	memset(head, 0, sizeof(*head));
	*n = 0;
	cpnp_cbor_rd_init(&rd, payload);
	parts = cpnp_cbor_get_array(&rd, 5, max > 0 ? 6 : 5);
	get_context(&rd, HEAD_CONTEXT);
	get_hash(&rd, head->ledger);
	head->position = cpnp_cbor_get_uint(&rd, 0, INT64_MAX);
	head->size = cpnp_cbor_get_uint(&rd, 1, INT64_MAX);
	get_hash(&rd, head->root);
	if (rd.err == 0 && parts == 6) {
		*n = cpnp_cbor_get_array(&rd, 1, max);
		get_moments(&rd, head->position, moments, *n);
	}
	return cpnp_cbor_rd_finish(&rd);
}

int
cpnp_outcome_head_verify(const cpnp_ledger_env *env, cpnp_bytes signed_head,
    const cpnp_bytes *keys, size_t key_n, cpnp_outcome_head *head,
    cpnp_ledger_moment *moments, size_t max, size_t *n, uint64_t *signers,
    cpnp_diag *diag)
{
	struct item item = {.raw = signed_head};
	uint8_t kid[CPNP_SHA256_LEN];
	size_t i;
	int err;

	*signers = 0;
	err = item_read_single(&env->env, &item);
	if (err == 0)
		err = read_head(head, item.payloads, moments, max, n);
	if (err != 0)
		return settle_fail(diag, err, "head", "not a signed head");
	for (i = 0; i < key_n; i++) {
		if (env->env.sha256(env->env.user, &keys[i], 1, kid) != 0)
			return CPNP_ERR_CRYPTO;
		if (memcmp(kid, item.kid.ptr, sizeof(kid)) != 0)
			continue;
		err = item_verify(env, &item, item.payloads, keys[i]);
		if (err != 0)
			return settle_fail(diag, err, "head",
			    "the signature does not verify");
		*signers |= (uint64_t)1 << i;
	}
	return 0;
}

int
cpnp_payment_encode(cpnp_bytes leaf, uint64_t index,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t path_n,
    const cpnp_bytes *heads, size_t head_n, cpnp_buf *buf)
{
	size_t i;

	if (head_n == 0 || head_n > CPNP_PAYMENT_HEADS_MAX ||
	    path_n > CPNP_TREE_PATH_MAX)
		return CPNP_ERR_INVALID;
	cpnp_cbor_put_array(buf, 5);
	cpnp_cbor_put_str(buf, PROOF_CONTEXT);
	cpnp_cbor_put_bytes(buf, leaf);
	cpnp_cbor_put_uint(buf, index);
	cpnp_cbor_put_array(buf, path_n);
	for (i = 0; i < path_n; i++)
		cpnp_cbor_put_bytes(
		    buf, (cpnp_bytes){path[i], CPNP_SHA256_LEN});
	cpnp_cbor_put_array(buf, head_n);
	for (i = 0; i < head_n; i++)
		cpnp_cbor_put_bytes(buf, heads[i]);
	return buf->err;
}

/* One head: the same as the first, and signed by which of the keys, if any. */
static int
check_head(const cpnp_ledger_env *env, cpnp_bytes bytes,
    const cpnp_bytes *keys, size_t key_n, bool is_first,
    cpnp_payment *payment, cpnp_diag *diag)
{
	cpnp_outcome_head head;
	uint64_t signers;
	size_t n;
	int err;

	err = cpnp_outcome_head_verify(env, bytes, keys, key_n, &head, NULL, 0,
	    &n, &signers, diag);
	if (err != 0)
		return err;
	if (is_first)
		payment->head = head;
	else if (memcmp(&head, &payment->head, sizeof(head)) != 0)
		return settle_fail(diag, CPNP_ERR_MISMATCH, "head",
		    "of another tree than the one before");
	payment->signers |= signers;
	return 0;
}

static int
check_path(cpnp_bytes leaf, const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    cpnp_payment *payment, cpnp_diag *diag)
{
	int err;

	err = cpnp_outcome_verify(leaf, payment->index, payment->head.size,
	    path, n, payment->head.root, &payment->outcome);
	return err == 0 ? 0 : settle_fail(diag, err, "leaf",
	    "it and its path do not lead to the head");
}

int
cpnp_payment_verify(const cpnp_ledger_env *env, cpnp_bytes proof,
    const cpnp_bytes *keys, size_t key_n, cpnp_payment *payment,
    cpnp_diag *diag)
{
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	cpnp_bytes leaf, head;
	cpnp_cbor_rd rd;
	size_t path_n, n, i;
	int err = 0;

	memset(payment, 0, sizeof(*payment));
	if (key_n == 0 || key_n > KEYS_MAX)
		return settle_fail(diag, CPNP_ERR_INVALID, "keys",
		    "1 to 64 operators to believe");
	if (proof.len > CPNP_PAYMENT_MAX)
		return settle_fail(diag, CPNP_ERR_TOO_LONG, "proof",
		    "more than CPNP_PAYMENT_MAX bytes");
	cpnp_cbor_rd_init(&rd, proof);
	(void)cpnp_cbor_get_array(&rd, 5, 5);
	get_context(&rd, PROOF_CONTEXT);
	leaf = cpnp_cbor_get_bytes(&rd, 1, CPNP_OUTCOME_MAX);
	payment->index = cpnp_cbor_get_uint(&rd, 0, INT64_MAX);
	path_n = cpnp_cbor_get_array(&rd, 0, CPNP_TREE_PATH_MAX);
	for (i = 0; i < path_n; i++)
		get_hash(&rd, path[i]);
	n = cpnp_cbor_get_array(&rd, 1, CPNP_PAYMENT_HEADS_MAX);
	for (i = 0; i < n && err == 0; i++) {
		head = cpnp_cbor_get_bytes(&rd, 1, SIGNED_HEAD_MAX);
		if (rd.err == 0)
			err = check_head(env, head, keys, key_n, i == 0,
			    payment, diag);
	}
	if (err == 0 && cpnp_cbor_rd_finish(&rd) != 0)
		err = settle_fail(diag, rd.err, "proof",
		    "not the proof of a payment");
	if (err == 0)
		err = check_path(leaf,
		    (const uint8_t (*)[CPNP_SHA256_LEN])path, path_n, payment,
		    diag);
	if (err == 0 && payment->signers == 0)
		err = settle_fail(diag, CPNP_ERR_SIGNATURE, "heads",
		    "none is signed by an operator that is believed");
	return err;
}

int
cpnp_payment_add_head(cpnp_bytes proof, cpnp_bytes head, cpnp_buf *buf)
{
	const uint8_t *heads, *rest;
	cpnp_cbor_rd rd;
	size_t n, i;

	cpnp_cbor_rd_init(&rd, proof);
	(void)cpnp_cbor_get_array(&rd, 5, 5);
	get_context(&rd, PROOF_CONTEXT);
	for (i = 0; i < 3; i++) /* leaf, index, path */
		(void)cpnp_cbor_get_item(&rd);
	heads = rd.pos;
	n = cpnp_cbor_get_array(&rd, 1, CPNP_PAYMENT_HEADS_MAX);
	rest = rd.pos;
	for (i = 0; i < n && rd.err == 0; i++)
		(void)cpnp_cbor_get_bytes(&rd, 1, SIGNED_HEAD_MAX);
	if (cpnp_cbor_rd_finish(&rd) != 0)
		return rd.err;
	if (n == CPNP_PAYMENT_HEADS_MAX)
		return CPNP_ERR_TOO_LONG;
	cpnp_buf_put_raw(
	    buf, (cpnp_bytes){proof.ptr, (size_t)(heads - proof.ptr)});
	cpnp_cbor_put_array(buf, n + 1);
	cpnp_buf_put_raw(
	    buf, (cpnp_bytes){rest, (size_t)(rd.pos - rest)});
	cpnp_cbor_put_bytes(buf, head);
	return buf->err;
}
