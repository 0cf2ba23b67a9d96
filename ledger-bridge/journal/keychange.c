/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "internal.h"

#define SIG_CONTEXT "Signature"
#define KEY_TYPE 1
#define KEY_TIME 3
#define KEY_ORIGIN 11
#define KEY_OLD 12
#define KEY_NEW 13
#define PAYLOAD_MAX 640

bool
statement_is_signed(cpnp_bytes statement)
{
	return statement.len > 0 && statement.ptr[0] == (0xc0 | TAG_SIGN1);
}

bool
statement_is_key(cpnp_bytes statement)
{
	return statement.len > 1 && statement.ptr[0] == 0xd8 &&
	    statement.ptr[1] == TAG_SIGN;
}

static void
put_payload(cpnp_buf *buf, const struct ledger_key *old_key,
    const struct ledger_key *new_key, const char *origin, cpnp_wtime time)
{
	cpnp_cbor_put_map(buf, old_key != NULL ? 5 : 4);
	cpnp_cbor_put_int(buf, KEY_TYPE);
	cpnp_cbor_put_uint(buf, CPNP_STATEMENT_KEY);
	cpnp_cbor_put_int(buf, KEY_TIME);
	cpnp_cbor_put_int(buf, time.sec);
	cpnp_cbor_put_int(buf, KEY_ORIGIN);
	cpnp_cbor_put_str(buf, origin);
	if (old_key != NULL) {
		cpnp_cbor_put_int(buf, KEY_OLD);
		cpnp_cbor_put_bytes(
		    buf, (cpnp_bytes){old_key->spki, old_key->spki_len});
	}
	cpnp_cbor_put_int(buf, KEY_NEW);
	cpnp_cbor_put_bytes(
	    buf, (cpnp_bytes){new_key->spki, new_key->spki_len});
}

/* Protected header of one signature: algorithm and key id. */
static void
put_signer(cpnp_buf *buf, const struct ledger_key *key)
{
	cpnp_cbor_put_map(buf, 2);
	cpnp_cbor_put_int(buf, HDR_ALG);
	cpnp_cbor_put_int(buf, key->alg);
	cpnp_cbor_put_int(buf, HDR_KID);
	cpnp_cbor_put_bytes(buf, (cpnp_bytes){key->id, CPNP_SHA256_LEN});
}

/* RFC 9052, section 4.4, with an empty body header. */
static void
put_tbs(cpnp_buf *buf, cpnp_bytes protected, cpnp_bytes payload)
{
	cpnp_cbor_put_array(buf, 5);
	cpnp_cbor_put_str(buf, SIG_CONTEXT);
	cpnp_cbor_put_bytes(buf, CPNP_BYTES_NONE);
	cpnp_cbor_put_bytes(buf, protected);
	cpnp_cbor_put_bytes(buf, CPNP_BYTES_NONE);
	cpnp_cbor_put_bytes(buf, payload);
}

static int
put_signature(
    cpnp_buf *out, const struct ledger_key *key, cpnp_bytes payload)
{
	uint8_t header[64], store[PAYLOAD_MAX + 128];
	uint8_t signature[SIGNATURE_LEN];
	cpnp_buf protected, tbs;
	int err;

	cpnp_buf_init_fixed(&protected, header, sizeof(header));
	put_signer(&protected, key);
	cpnp_buf_init_fixed(&tbs, store, sizeof(store));
	put_tbs(&tbs, cpnp_buf_bytes(&protected), payload);
	err = tbs.err != 0 ? tbs.err : ledger_key_sign(
	    key, cpnp_buf_bytes(&tbs), signature);
	if (err != 0)
		return err;
	cpnp_cbor_put_array(out, 3);
	cpnp_cbor_put_bytes(out, cpnp_buf_bytes(&protected));
	cpnp_cbor_put_map(out, 0);
	cpnp_cbor_put_bytes(out, (cpnp_bytes){signature, sizeof(signature)});
	return out->err;
}

int
key_change_build(const struct ledger_key *old_key,
    const struct ledger_key *new_key, const char *origin, cpnp_wtime time,
    cpnp_buf *out)
{
	uint8_t store[PAYLOAD_MAX];
	cpnp_buf payload;
	int err = 0;

	cpnp_buf_init_fixed(&payload, store, sizeof(store));
	put_payload(&payload, old_key, new_key, origin, time);
	if (payload.err != 0)
		return payload.err;
	cpnp_cbor_put_tag(out, TAG_SIGN);
	cpnp_cbor_put_array(out, 4);
	cpnp_cbor_put_bytes(out, CPNP_BYTES_NONE);
	cpnp_cbor_put_map(out, 0);
	cpnp_cbor_put_bytes(out, cpnp_buf_bytes(&payload));
	cpnp_cbor_put_array(out, old_key != NULL ? 2 : 1);
	if (old_key != NULL)
		err = put_signature(out, old_key, cpnp_buf_bytes(&payload));
	if (err == 0)
		err = put_signature(out, new_key, cpnp_buf_bytes(&payload));
	return err;
}

static int
read_payload(struct key_change *change, cpnp_bytes payload)
{
	cpnp_bytes old_spki = CPNP_BYTES_NONE, new_spki = CPNP_BYTES_NONE;
	int64_t prev = CPNP_CBOR_NO_KEY;
	cpnp_cbor_rd rd;
	unsigned seen = 0;
	size_t n;
	int64_t key;

	cpnp_cbor_rd_init(&rd, payload);
	for (n = cpnp_cbor_get_map(&rd, 4, 5); n > 0 && rd.err == 0; n--) {
		key = cpnp_cbor_get_key(&rd, &prev);
		if (rd.err == 0 && key > 0 && key < 32)
			seen |= 1u << key;
		switch (key) {
		case KEY_TYPE:
			(void)cpnp_cbor_get_uint(
			    &rd, CPNP_STATEMENT_KEY, CPNP_STATEMENT_KEY);
			break;
		case KEY_TIME:
			change->time.sec = cpnp_cbor_get_int(
			    &rd, CPNP_WTIME_MIN, CPNP_WTIME_MAX);
			break;
		case KEY_ORIGIN:
			change->origin =
			    cpnp_cbor_get_text(&rd, 1, CPNP_IDENTITY_MAX);
			break;
		case KEY_OLD:
			old_spki = cpnp_cbor_get_bytes(&rd, 1, SPKI_MAX);
			change->has_old = true;
			break;
		case KEY_NEW:
			new_spki = cpnp_cbor_get_bytes(&rd, 1, SPKI_MAX);
			break;
		default:
			cpnp_cbor_rd_fail(&rd, CPNP_ERR_ATTR_UNEXPECTED);
		}
	}
	if (cpnp_cbor_rd_finish(&rd) != 0)
		return rd.err;
	if ((seen | 1u << KEY_OLD) != (1u << KEY_TYPE | 1u << KEY_TIME |
	    1u << KEY_ORIGIN | 1u << KEY_OLD | 1u << KEY_NEW))
		return CPNP_ERR_ATTR_MISSING;
	rd.err = ledger_key_from_spki(&change->new_key, new_spki);
	if (rd.err == 0 && change->has_old)
		rd.err = ledger_key_from_spki(&change->old_key, old_spki);
	return rd.err;
}

/* One signature: its header must be the very bytes that we would write. */
static int
check_one(cpnp_cbor_rd *rd, const struct ledger_key *key, cpnp_bytes payload)
{
	uint8_t header[64], store[PAYLOAD_MAX + 128];
	cpnp_bytes protected, signature;
	cpnp_buf expected, tbs;

	(void)cpnp_cbor_get_array(rd, 3, 3);
	protected = cpnp_cbor_get_bytes(rd, 1, sizeof(header));
	(void)cpnp_cbor_get_map(rd, 0, 0);
	signature = cpnp_cbor_get_bytes(rd, SIGNATURE_LEN, SIGNATURE_LEN);
	if (rd->err != 0)
		return rd->err;
	cpnp_buf_init_fixed(&expected, header, sizeof(header));
	put_signer(&expected, key);
	if (!cpnp_bytes_equal(protected, cpnp_buf_bytes(&expected)))
		return CPNP_ERR_SIGNATURE;
	cpnp_buf_init_fixed(&tbs, store, sizeof(store));
	put_tbs(&tbs, protected, payload);
	return tbs.err != 0 ? tbs.err : ledger_key_verify(
	    key, cpnp_buf_bytes(&tbs), signature);
}

int
key_change_read(
    struct key_change *change, cpnp_bytes statement, cpnp_diag *diag)
{
	cpnp_bytes payload;
	cpnp_cbor_rd rd;
	size_t n;
	int err;

	memset(change, 0, sizeof(*change));
	cpnp_cbor_rd_init(&rd, statement);
	cpnp_cbor_get_tag(&rd, TAG_SIGN);
	(void)cpnp_cbor_get_array(&rd, 4, 4);
	(void)cpnp_cbor_get_bytes(&rd, 0, 0);
	(void)cpnp_cbor_get_map(&rd, 0, 0);
	payload = cpnp_cbor_get_bytes(&rd, 1, PAYLOAD_MAX);
	n = cpnp_cbor_get_array(&rd, 1, 2);
	err = rd.err != 0 ? rd.err : read_payload(change, payload);
	if (err == 0 && (n == 2) != change->has_old)
		err = CPNP_ERR_SIGNATURE;
	if (err == 0 && change->has_old)
		err = check_one(&rd, &change->old_key, payload);
	if (err == 0)
		err = check_one(&rd, &change->new_key, payload);
	if (err == 0)
		err = cpnp_cbor_rd_finish(&rd);
	if (err != 0) {
		key_change_fini(change);
		return ledger_fail(diag, err, "key statement", "%s",
		    cpnp_strerror(err));
	}
	return 0;
}

void
key_change_fini(struct key_change *change)
{
	ledger_key_fini(&change->old_key);
	ledger_key_fini(&change->new_key);
}
