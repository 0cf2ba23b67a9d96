/*
 * Signed items and batches.
 *
 * An item is a COSE_Sign1 as cpnp_op_sign() makes it, or a bundle: the array
 * [protected, [2* payload], signature], in which all payloads that one
 * signature covers stand side by side.  Their root follows from them, so that
 * a bundle needs no inclusion paths.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../journal/internal.h"
#include "state.h"

#include <stdlib.h>

/* No operation is shorter: context, ledger id and the heads of the rest.  So
 * the bytes of a batch bound how many outcomes it can have. */
#define OP_MIN 48

int
cpnp_op_sign(const cpnp_signer *signer, const cpnp_bytes *payloads, size_t n,
    cpnp_buf *out)
{
	cpnp_signer bare;

	/* the key only: certificates say who somebody is, and competitors
	 * read the log */
	memset(&bare, 0, sizeof(bare));
	bare.key = signer->key;
	return signer_sign(&bare, payloads, n, CPNP_OP_MAX, out);
}

int
cpnp_op_payload(cpnp_bytes signed_op, cpnp_bytes *payload)
{
	struct cose1 cose;
	int err;

	err = cose1_parse(&cose, signed_op, NULL);
	if (err == 0 && cose.detached)
		err = CPNP_ERR_ATTR_MISSING;
	if (err == 0)
		*payload = cose.payload;
	return err;
}

/* The headers of an operation: algorithm and key id, and those of a tree. */
static int
check_headers(const struct cose1 *cose)
{
	if (cose->kid.len == 0)
		return CPNP_ERR_ATTR_MISSING;
	if (cose->x5t.len > 0 || cose->chain_n > 0 || cose->has_claims ||
	    cose->content_type.len > 0 || cose->delegation.len > 0)
		return CPNP_ERR_ATTR_UNEXPECTED;
	return 0;
}

int
item_read_single(const cpnp_env *env, struct item *item)
{
	struct cose1 cose;
	int err;

	err = cose1_parse(&cose, item->raw, NULL);
	if (err == 0)
		err = check_headers(&cose);
	if (err != 0)
		return err;
	if (cose.detached || cose.has_tree != cose.has_path ||
	    (cose.has_path && cose.path_size != cose.tree_size))
		return CPNP_ERR_ATTR_UNEXPECTED;
	item->protected = cose.protected;
	item->alg = cose.alg;
	item->kid = cose.kid;
	item->signature = cose.signature;
	item->n = 1;
	item->payloads = cose.payload;
	item->has_root = cose.has_path;
	if (!cose.has_path)
		return 0;
	return path_root(env, cose.payload, cose.path_index, cose.path_size,
	    (const uint8_t (*)[CPNP_SHA256_LEN])cose.path, cose.path_n,
	    item->root);
}

int
item_payload(cpnp_cbor_rd *rd, cpnp_bytes *payload)
{
	*payload = cpnp_cbor_get_bytes(rd, 1, CPNP_OP_MAX);
	return rd->err;
}

static int
bundle_root(const cpnp_env *env, struct item *item)
{
	struct frontier f = {.size = 0};
	cpnp_bytes payload;
	cpnp_cbor_rd rd;
	size_t i;
	int err = 0;

	cpnp_cbor_rd_init(&rd, item->payloads);
	for (i = 0; i < item->n && err == 0; i++) {
		err = item_payload(&rd, &payload);
		if (err == 0)
			err = frontier_push(&f, env, payload);
	}
	return err != 0 ? err : frontier_root(&f, env, item->root);
}

static int
read_bundle(const cpnp_env *env, struct item *item)
{
	struct cose1 cose;
	const uint8_t *start;
	cpnp_cbor_rd rd;
	size_t i;
	int err;

	memset(&cose, 0, sizeof(cose));
	cpnp_cbor_rd_init(&rd, item->raw);
	(void)cpnp_cbor_get_array(&rd, 3, 3);
	cose.protected = cpnp_cbor_get_bytes(&rd, 1, PROTECTED_MAX);
	item->n = cpnp_cbor_get_array(&rd, 2, CPNP_SIGN_BATCH_MAX);
	start = rd.pos;
	for (i = 0; i < item->n && rd.err == 0; i++)
		(void)cpnp_cbor_get_bytes(&rd, OP_MIN, CPNP_OP_MAX);
	item->payloads = (cpnp_bytes){start, (size_t)(rd.pos - start)};
	item->signature =
	    cpnp_cbor_get_bytes(&rd, SIGNATURE_LEN, SIGNATURE_LEN);
	err = cpnp_cbor_rd_finish(&rd);
	if (err == 0)
		err = cose1_parse_protected(&cose, NULL);
	if (err == 0)
		err = check_headers(&cose);
	if (err != 0)
		return err;
	if (!cose.has_tree || cose.tree_size != item->n)
		return CPNP_ERR_MISMATCH;
	item->protected = cose.protected;
	item->alg = cose.alg;
	item->kid = cose.kid;
	item->has_root = true;
	return bundle_root(env, item);
}

int
batch_open(cpnp_cbor_rd *rd, cpnp_bytes batch, size_t *n)
{
	cpnp_cbor_rd_init(rd, batch);
	*n = cpnp_cbor_get_array(rd, 1, CPNP_BATCH_OPS_MAX);
	return rd->err;
}

int
batch_next(cpnp_cbor_rd *rd, const cpnp_env *env, struct item *item)
{
	memset(item, 0, sizeof(*item));
	item->raw = cpnp_cbor_get_item(rd);
	if (rd->err != 0)
		return rd->err;
	/* the first byte of a tag below 24, or of an array of three */
	return item->raw.ptr[0] == (0xc0 | TAG_SIGN1)
	    ? item_read_single(env, item) : read_bundle(env, item);
}

int
item_verify(const cpnp_ledger_env *env, const struct item *item,
    cpnp_bytes payload, cpnp_bytes spki)
{
	uint8_t store[PROTECTED_MAX + CPNP_OP_MAX + TBS_OVERHEAD];
	cpnp_buf tbs;

	cpnp_buf_init_fixed(&tbs, store, sizeof(store));
	cose1_put_tbs(&tbs, item->protected, item->has_root
	    ? (cpnp_bytes){item->root, CPNP_SHA256_LEN} : payload);
	if (tbs.err != 0)
		return tbs.err;
	return env->verify(env->user, spki, item->alg,
	    cpnp_buf_bytes(&tbs), item->signature);
}

/* How many of the operations from here on are one whole group, in order. */
static size_t
group_size(const struct cose1 *cose, size_t n)
{
	size_t i, size = (size_t)cose[0].tree_size;

	if (!cose[0].has_tree || !cose[0].has_path || cose[0].tree_size > n ||
	    size < 2 || size > CPNP_SIGN_BATCH_MAX)
		return 1;
	for (i = 0; i < size; i++)
		if (!cose[i].has_path || cose[i].path_index != i ||
		    !cpnp_bytes_equal(cose[i].protected, cose[0].protected) ||
		    !cpnp_bytes_equal(cose[i].signature, cose[0].signature))
			return 1;
	return size;
}

int
cpnp_batch_encode(const cpnp_bytes *signed_ops, size_t n, cpnp_buf *buf)
{
	struct cose1 *cose;
	size_t i, j, size, items = 0, start = buf->len;
	int err = 0;

	if (n == 0 || n > CPNP_BATCH_OPS_MAX)
		return CPNP_ERR_INVALID;
	cose = calloc(n, sizeof(*cose));
	if (cose == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < n && err == 0; i++) {
		err = cose1_parse(&cose[i], signed_ops[i], NULL);
		if (err == 0 && cose[i].detached)
			err = CPNP_ERR_ATTR_MISSING;
	}
	if (err != 0)
		goto out;
	for (i = 0; i < n; i += group_size(cose + i, n - i))
		items++;
	cpnp_cbor_put_array(buf, items);
	for (i = 0; i < n; i += size) {
		size = group_size(cose + i, n - i);
		if (size == 1) {
			cpnp_buf_put_raw(buf, signed_ops[i]);
			continue;
		}
		cpnp_cbor_put_array(buf, 3);
		cpnp_cbor_put_bytes(buf, cose[i].protected);
		cpnp_cbor_put_array(buf, size);
		for (j = 0; j < size; j++)
			cpnp_cbor_put_bytes(buf, cose[i + j].payload);
		cpnp_cbor_put_bytes(buf, cose[i].signature);
	}
	err = buf->err;
	if (err == 0 && buf->len - start > CPNP_BATCH_BYTES_MAX)
		err = CPNP_ERR_TOO_LONG;
out:
	free(cose);
	return err;
}

int
cpnp_batch_digests(cpnp_bytes batch, const cpnp_env *env,
    uint8_t (*digests)[CPNP_SHA256_LEN], size_t max, size_t *n)
{
	cpnp_bytes payload;
	cpnp_cbor_rd rd, in;
	struct item item;
	size_t items, i, j;
	int err;

	*n = 0;
	err = batch_open(&rd, batch, &items);
	for (i = 0; i < items && err == 0; i++) {
		err = batch_next(&rd, env, &item);
		if (rd.err != 0 || cpnp_error_is_fatal(err))
			return err;
		if (err != 0 || item.n == 1) {
			item.payloads = err != 0 ? item.raw : item.payloads;
			item.n = 1;
		}
		cpnp_cbor_rd_init(&in, item.payloads);
		for (j = 0; j < item.n; j++) {
			payload = item.payloads;
			if (item.n > 1)
				(void)item_payload(&in, &payload);
			if (*n == max)
				return CPNP_ERR_NO_SPACE;
			if (env->sha256(env->user, &payload, 1,
			    digests[(*n)++]) != 0)
				return CPNP_ERR_CRYPTO;
		}
		err = 0;
	}
	return err != 0 ? err : cpnp_cbor_rd_finish(&rd);
}

int
cpnp_log_entry_hash(const cpnp_env *env, const cpnp_log_entry *entry,
    uint8_t hash[CPNP_SHA256_LEN])
{
	uint8_t digest[CPNP_SHA256_LEN];
	const cpnp_bytes parts[] = {
	    {entry->prev, CPNP_SHA256_LEN}, {digest, CPNP_SHA256_LEN}};

	if (env->sha256(env->user, &entry->batch, 1, digest) != 0)
		return CPNP_ERR_CRYPTO;
	if (entry->position == 0) {
		memcpy(hash, digest, CPNP_SHA256_LEN);
		return 0;
	}
	return env->sha256(env->user, parts, 2, hash) == 0 ? 0
							   : CPNP_ERR_CRYPTO;
}
