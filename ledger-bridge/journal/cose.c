/*
 * COSE_Sign1 (RFC 9052) as this project uses it, read strictly: what a header
 * may hold is listed, everything else is refused, so that no byte of a signed
 * thing is without a check.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "internal.h"

#define SIG1_CONTEXT "Signature1"

static void
get_x5t(cpnp_cbor_rd *rd, struct cose1 *cose)
{
	(void)cpnp_cbor_get_array(rd, 2, 2);
	(void)cpnp_cbor_get_int(rd, ALG_SHA256, ALG_SHA256);
	cose->x5t = cpnp_cbor_get_bytes(rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
}

/* CWT claims (RFC 9597): who signed the root, and when. */
static void
get_claims(cpnp_cbor_rd *rd, struct cose1 *cose)
{
	int64_t prev = CPNP_CBOR_NO_KEY;

	(void)cpnp_cbor_get_map(rd, 2, 2);
	if (cpnp_cbor_get_key(rd, &prev) != CLAIM_ISS)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNEXPECTED);
	cose->issuer = cpnp_cbor_get_text(rd, 1, CPNP_IDENTITY_MAX);
	if (cpnp_cbor_get_key(rd, &prev) != CLAIM_IAT)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNEXPECTED);
	cose->iat.sec =
	    cpnp_cbor_get_int(rd, CPNP_WTIME_MIN, CPNP_WTIME_MAX);
	cose->has_claims = true;
}

int
cose1_parse_protected(struct cose1 *cose, cpnp_diag *diag)
{
	cpnp_cbor_rd rd;
	int64_t prev = CPNP_CBOR_NO_KEY;
	bool has_vds = false;
	size_t n;

	cpnp_cbor_rd_init(&rd, cose->protected);
	for (n = cpnp_cbor_get_map(&rd, 1, 16); n > 0 && rd.err == 0; n--) {
		switch (cpnp_cbor_get_key(&rd, &prev)) {
		case HDR_ALG:
			cose->alg = (int)cpnp_cbor_get_int(
			    &rd, ALG_EDDSA, ALG_ES256);
			break;
		case HDR_CONTENT_TYPE:
			cose->content_type = cpnp_cbor_get_text(&rd, 1, 64);
			break;
		case HDR_KID:
			cose->kid = cpnp_cbor_get_bytes(
			    &rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
			break;
		case HDR_CLAIMS:
			get_claims(&rd, cose);
			break;
		case HDR_X5T:
			get_x5t(&rd, cose);
			break;
		case HDR_VDS:
			(void)cpnp_cbor_get_uint(
			    &rd, VDS_RFC9162, VDS_RFC9162);
			has_vds = true;
			break;
		case HDR_TREE_SIZE:
			cose->tree_size =
			    cpnp_cbor_get_uint(&rd, 1, INT64_MAX);
			cose->has_tree = true;
			break;
		default:
			cpnp_cbor_rd_fail(&rd, CPNP_ERR_ATTR_UNEXPECTED);
		}
	}
	if (cpnp_cbor_rd_finish(&rd) != 0)
		return ledger_fail(diag, rd.err, "protected header", "%s",
		    cpnp_strerror(rd.err));
	if (cose->alg == 0 || (cose->x5t.len == 0 && cose->kid.len == 0))
		return ledger_fail(diag, CPNP_ERR_ATTR_MISSING,
		    "protected header", "algorithm, or x5t and kid, missing");
	if (has_vds != cose->has_tree)
		return ledger_fail(diag, CPNP_ERR_ATTR_MISSING,
		    "protected header", "vds and tree size come together");
	return 0;
}

/* vdp: {-1: [bstr .cbor [size, index, [* hash]]]} (RFC 9942). */
static void
get_path(cpnp_cbor_rd *rd, struct cose1 *cose)
{
	cpnp_cbor_rd in;
	cpnp_bytes hash;
	int64_t prev = CPNP_CBOR_NO_KEY;
	size_t i;

	(void)cpnp_cbor_get_map(rd, 1, 1);
	if (cpnp_cbor_get_key(rd, &prev) != VDP_INCLUSION)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNEXPECTED);
	(void)cpnp_cbor_get_array(rd, 1, 1);
	cpnp_cbor_rd_init(&in, cpnp_cbor_get_bytes(rd, 1, 4096));
	if (rd->err != 0)
		return;
	(void)cpnp_cbor_get_array(&in, 3, 3);
	cose->path_size = cpnp_cbor_get_uint(&in, 1, INT64_MAX);
	cose->path_index = cpnp_cbor_get_uint(&in, 0, INT64_MAX);
	cose->path_n = cpnp_cbor_get_array(&in, 0, CPNP_TREE_PATH_MAX);
	for (i = 0; i < cose->path_n && in.err == 0; i++) {
		hash = cpnp_cbor_get_bytes(
		    &in, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
		if (in.err == 0)
			memcpy(cose->path[i], hash.ptr, CPNP_SHA256_LEN);
	}
	if (cpnp_cbor_rd_finish(&in) != 0)
		cpnp_cbor_rd_fail(rd, in.err);
	cose->has_path = true;
}

/* RFC 9360: one certificate is a byte string, several are an array. */
static void
get_chain(cpnp_cbor_rd *rd, cpnp_bytes chain[CHAIN_MAX], size_t *n)
{
	size_t i;

	*n = 1;
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_ARRAY)
		*n = cpnp_cbor_get_array(rd, 2, CHAIN_MAX);
	for (i = 0; i < *n && rd->err == 0; i++)
		chain[i] = cpnp_cbor_get_bytes(rd, 1, CPNP_STATEMENT_MAX);
	if (rd->err != 0)
		*n = 0;
}

int
cose_chain_parse(cpnp_bytes item, cpnp_bytes chain[CHAIN_MAX], size_t *n)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, item);
	get_chain(&rd, chain, n);
	return cpnp_cbor_rd_finish(&rd);
}

static void
get_unprotected(cpnp_cbor_rd *rd, struct cose1 *cose)
{
	const uint8_t *start;
	int64_t prev = CPNP_CBOR_NO_KEY;
	size_t n;

	for (n = cpnp_cbor_get_map(rd, 0, 16); n > 0 && rd->err == 0; n--) {
		switch (cpnp_cbor_get_key(rd, &prev)) {
		case HDR_X5CHAIN:
			start = rd->pos;
			get_chain(rd, cose->chain, &cose->chain_n);
			cose->chain_item = (cpnp_bytes){
			    start, (size_t)(rd->pos - start)};
			break;
		case HDR_VDP:
			get_path(rd, cose);
			break;
		case HDR_DELEGATION:
			cose->delegation =
			    cpnp_cbor_get_bytes(rd, 1, DELEGATION_MAX);
			break;
		default:
			cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNEXPECTED);
		}
	}
}

int
cose1_parse(struct cose1 *cose, cpnp_bytes in, cpnp_diag *diag)
{
	cpnp_cbor_rd rd;

	memset(cose, 0, sizeof(*cose));
	cpnp_cbor_rd_init(&rd, in);
	cpnp_cbor_get_tag(&rd, TAG_SIGN1);
	(void)cpnp_cbor_get_array(&rd, 4, 4);
	cose->protected = cpnp_cbor_get_bytes(&rd, 1, PROTECTED_MAX);
	get_unprotected(&rd, cose);
	if (cpnp_cbor_peek(&rd) == CPNP_CBOR_NULL) {
		cpnp_cbor_get_null(&rd);
		cose->detached = true;
	} else {
		cose->payload =
		    cpnp_cbor_get_bytes(&rd, 1, CPNP_STATEMENT_MAX);
	}
	cose->signature =
	    cpnp_cbor_get_bytes(&rd, SIGNATURE_LEN, SIGNATURE_LEN);
	if (cpnp_cbor_rd_finish(&rd) != 0) {
		(void)ledger_fail(diag, rd.err, "COSE_Sign1", "%s (byte %zu)",
		    cpnp_strerror(rd.err), rd.err_off);
		if (diag != NULL)
			diag->offset = rd.err_off;
		return rd.err;
	}
	return cose1_parse_protected(cose, diag);
}

void
cose_put_path(cpnp_buf *buf, uint64_t size, uint64_t index,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n)
{
	uint8_t store[32 + CPNP_TREE_PATH_MAX * (CPNP_SHA256_LEN + 2)];
	cpnp_buf in;
	size_t i;

	cpnp_buf_init_fixed(&in, store, sizeof(store));
	cpnp_cbor_put_array(&in, 3);
	cpnp_cbor_put_uint(&in, size);
	cpnp_cbor_put_uint(&in, index);
	cpnp_cbor_put_array(&in, n);
	for (i = 0; i < n; i++)
		cpnp_cbor_put_bytes(
		    &in, (cpnp_bytes){path[i], CPNP_SHA256_LEN});
	cpnp_cbor_put_map(buf, 1);
	cpnp_cbor_put_int(buf, VDP_INCLUSION);
	cpnp_cbor_put_array(buf, 1);
	cpnp_cbor_put_bytes(buf, cpnp_buf_bytes(&in));
}

void
cose1_put_tbs(cpnp_buf *buf, cpnp_bytes protected, cpnp_bytes payload)
{
	cpnp_cbor_put_array(buf, 4);
	cpnp_cbor_put_str(buf, SIG1_CONTEXT);
	cpnp_cbor_put_bytes(buf, protected);
	cpnp_cbor_put_bytes(buf, CPNP_BYTES_NONE);
	cpnp_cbor_put_bytes(buf, payload);
}

int
cose1_sign(const struct ledger_key *key, cpnp_bytes protected,
    cpnp_bytes payload, uint8_t signature[SIGNATURE_LEN])
{
	uint8_t store[PROTECTED_MAX + CPNP_STATEMENT_MAX + TBS_OVERHEAD];
	cpnp_buf tbs;

	cpnp_buf_init_fixed(&tbs, store, sizeof(store));
	cose1_put_tbs(&tbs, protected, payload);
	if (tbs.err != 0)
		return tbs.err;
	return ledger_key_sign(key, cpnp_buf_bytes(&tbs), signature);
}
