/* SPDX-License-Identifier: BSD-2-Clause */
#include "state.h"

void
cpnp_outcome_encode(const cpnp_outcome *o, cpnp_buf *buf)
{
	cpnp_cbor_put_array(buf, 5);
	cpnp_cbor_put_uint(buf, o->position);
	cpnp_cbor_put_uint(buf, o->kind);
	cpnp_cbor_put_uint(buf, o->code);
	cpnp_cbor_put_bytes(buf, (cpnp_bytes){o->digest, CPNP_SHA256_LEN});
	cpnp_cbor_put_int(buf, o->amount);
}

int
cpnp_outcome_decode(cpnp_outcome *o, cpnp_bytes leaf)
{
	cpnp_bytes digest;
	cpnp_cbor_rd rd;

	memset(o, 0, sizeof(*o));
	cpnp_cbor_rd_init(&rd, leaf);
	(void)cpnp_cbor_get_array(&rd, 5, 5);
	o->position = cpnp_cbor_get_uint(&rd, 0, INT64_MAX);
	o->kind = (unsigned)cpnp_cbor_get_uint(&rd, 0, UINT8_MAX);
	o->code = (unsigned)cpnp_cbor_get_uint(&rd, 0, UINT8_MAX);
	digest = cpnp_cbor_get_bytes(&rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	if (rd.err == 0)
		memcpy(o->digest, digest.ptr, CPNP_SHA256_LEN);
	o->amount = cpnp_cbor_get_int(&rd, 0, INT64_MAX);
	return cpnp_cbor_rd_finish(&rd);
}

int
cpnp_outcome_verify(cpnp_bytes leaf, uint64_t index, uint64_t size,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    const uint8_t root[CPNP_SHA256_LEN], cpnp_outcome *outcome)
{
	uint8_t hash[CPNP_SHA256_LEN], got[CPNP_SHA256_LEN];
	int err;

	err = cpnp_outcome_decode(outcome, leaf);
	if (err == 0)
		err = cpnp_tree_leaf_hash(leaf, hash);
	if (err == 0)
		err = cpnp_inclusion_root(hash, index, size, path, n, got);
	if (err != 0)
		return err;
	return memcmp(got, root, sizeof(got)) == 0 ? 0 : CPNP_ERR_PROOF;
}

const char *
cpnp_outcome_name(unsigned code)
{
	switch (code) {
#define NAME(name, number, text)                                               \
	case number:                                                           \
		return #name;
		CPNP_OUTCOME_MAP(NAME)
#undef NAME
	default:
		return "?";
	}
}

const char *
cpnp_outcome_text(unsigned code)
{
	switch (code) {
#define TEXT(name, number, text)                                               \
	case number:                                                           \
		return text;
		CPNP_OUTCOME_MAP(TEXT)
#undef TEXT
	default:
		return "not known to this program";
	}
}

const char *
cpnp_fact_name(unsigned kind)
{
	switch (kind) {
#define TEXT(name, number, text)                                               \
	case number:                                                           \
		return text;
		CPNP_FACT_MAP(TEXT)
#undef TEXT
	default:
		return cpnp_op_name(kind);
	}
}

/* In the order of the checks: the signature is judged after these. */
bool
cpnp_outcome_is_signed(unsigned code)
{
	return code != CPNP_OUTCOME_MALFORMED && code != CPNP_OUTCOME_LEDGER &&
	    code != CPNP_OUTCOME_ACCOUNT && code != CPNP_OUTCOME_KEY &&
	    code != CPNP_OUTCOME_SIGNATURE;
}
