/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "cert.h"

static void
cert_fini(struct cert *cert)
{
	ledger_key_fini(&cert->key);
	ledger_key_fini(&cert->delegated);
	memset(cert, 0, sizeof(*cert));
}

void
certs_fini(struct certs *certs)
{
	size_t set, way;

	for (set = 0; set < CERT_SETS; set++)
		for (way = 0; way < CERT_WAYS; way++)
			cert_fini(&certs->slots[set][way]);
}

struct cert *
certs_find(struct certs *certs, const uint8_t x5t[CPNP_SHA256_LEN])
{
	struct cert *set = certs->slots[x5t[0]];
	size_t way;

	for (way = 0; way < CERT_WAYS; way++) {
		if (set[way].used &&
		    memcmp(set[way].x5t, x5t, CPNP_SHA256_LEN) == 0) {
			set[way].clock = ++certs->clock;
			return &set[way];
		}
	}
	return NULL;
}

/* The slot for a certificate: its own, a free one, or the one not asked for
 * for the longest time. */
static struct cert *
certs_slot(struct certs *certs, const uint8_t x5t[CPNP_SHA256_LEN])
{
	struct cert *set = certs->slots[x5t[0]], *slot;
	size_t way;

	slot = certs_find(certs, x5t);
	if (slot != NULL)
		return slot;
	slot = &set[0];
	for (way = 0; way < CERT_WAYS; way++) {
		if (!set[way].used)
			return &set[way];
		if (set[way].clock < slot->clock)
			slot = &set[way];
	}
	return slot;
}

static int
time_of(const ASN1_TIME *asn1, cpnp_wtime *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(asn1, &tm) != 1)
		return CPNP_ERR_DATE;
	out->sec = (int64_t)timegm(&tm);
	return 0;
}

/* Narrow the time of validity to that of one more certificate. */
static int
narrow(struct cert *cert, X509 *x, cpnp_diag *diag)
{
	cpnp_wtime from, until;

	if (time_of(X509_get0_notBefore(x), &from) != 0 ||
	    time_of(X509_get0_notAfter(x), &until) != 0)
		return ledger_fail(diag, CPNP_ERR_DATE, "certificate",
		    "its validity is not a date");
	if (from.sec > cert->from.sec)
		cert->from = from;
	if (until.sec < cert->until.sec)
		cert->until = until;
	return 0;
}

int
cert_check_time(const struct cert *cert, cpnp_wtime at, cpnp_diag *diag)
{
	if (at.sec < cert->from.sec)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "certificate",
		    "not valid yet at that time");
	if (at.sec > cert->until.sec)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "certificate",
		    "not valid any more at that time");
	return 0;
}

/* Without an authority: each certificate is signed by the next. */
static int
check_links(STACK_OF(X509) *chain, cpnp_diag *diag)
{
	EVP_PKEY *pkey;
	int i, ok;

	for (i = 0; i + 1 < sk_X509_num(chain); i++) {
		pkey = X509_get0_pubkey(sk_X509_value(chain, i + 1));
		ok = pkey != NULL &&
		    X509_verify(sk_X509_value(chain, i), pkey) == 1;
		ERR_clear_error();
		if (!ok)
			return ledger_fail(diag, CPNP_ERR_SIGNATURE,
			    "certificate",
			    "certificate %d of x5chain is not signed by the "
			    "next", i + 1);
	}
	return 0;
}

/* Build the path to an authority; every certificate that was sent must be
 * part of it, so that none stands there unchecked. */
static int
check_path(struct cert *cert, X509_STORE *store, STACK_OF(X509) *chain,
    cpnp_wtime at, cpnp_diag *diag)
{
	X509_STORE_CTX *ctx;
	STACK_OF(X509) *path;
	int i, err = 0;

	ctx = X509_STORE_CTX_new();
	if (ctx == NULL)
		return CPNP_ERR_NOMEM;
	if (X509_STORE_CTX_init(
	        ctx, store, sk_X509_value(chain, 0), chain) != 1) {
		err = CPNP_ERR_NOMEM;
		goto out;
	}
	X509_STORE_CTX_set_time(ctx, 0, (time_t)at.sec);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(ctx) != 1) {
		err = ledger_fail(diag, CPNP_ERR_SIGNATURE, "certificate",
		    "%s", X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(ctx)));
		goto out;
	}
	path = X509_STORE_CTX_get0_chain(ctx);
	for (i = 0; i < sk_X509_num(chain); i++) {
		if (i >= sk_X509_num(path) ||
		    X509_cmp(sk_X509_value(path, i),
		        sk_X509_value(chain, i)) != 0) {
			err = ledger_fail(diag, CPNP_ERR_SIGNATURE,
			    "certificate", "certificate %d of x5chain is not "
			    "on the path to the authority", i + 1);
			goto out;
		}
	}
	for (i = 0; i < sk_X509_num(path) && err == 0; i++)
		err = narrow(cert, sk_X509_value(path, i), diag);
	cert->by_ca = err == 0;
out:
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	return err;
}

static void
stack_free(STACK_OF(X509) *chain)
{
	sk_X509_pop_free(chain, X509_free);
}

static int
stack_parse(const cpnp_bytes *ders, size_t n, STACK_OF(X509) **out,
    cpnp_diag *diag)
{
	STACK_OF(X509) *chain;
	const unsigned char *p;
	X509 *x;
	size_t i;

	chain = sk_X509_new_null();
	if (chain == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < n; i++) {
		p = ders[i].ptr;
		x = d2i_X509(NULL, &p, (long)ders[i].len);
		ERR_clear_error();
		if (x == NULL || p != ders[i].ptr + ders[i].len) {
			X509_free(x);
			stack_free(chain);
			return ledger_fail(diag, CPNP_ERR_TYPE, "x5chain",
			    "certificate %zu is not in DER form", i + 1);
		}
		if (sk_X509_push(chain, x) == 0) {
			X509_free(x);
			stack_free(chain);
			return CPNP_ERR_NOMEM;
		}
	}
	*out = chain;
	return 0;
}

static int
judge_stack(struct cert *cert, X509_STORE *store, bool need_ca,
    STACK_OF(X509) *chain, cpnp_wtime at, cpnp_diag *diag)
{
	X509 *leaf = sk_X509_value(chain, 0);
	EVP_PKEY *pkey;
	int i, err = CPNP_ERR_SIGNATURE;

	cert->from.sec = INT64_MIN;
	cert->until.sec = INT64_MAX;
	if (store != NULL) {
		err = check_path(cert, store, chain, at, diag);
		if (err != 0 && need_ca)
			return err;
	}
	if (err != 0) {
		err = check_links(chain, diag);
		for (i = 0; i < sk_X509_num(chain) && err == 0; i++)
			err = narrow(
			    cert, sk_X509_value(chain, i), diag);
		if (err != 0)
			return err;
	}
	cert_identity(leaf, cert->identity);
	if (cert->identity[0] == '\0')
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "certificate",
		    "no usable dNSName, rfc822Name or URI in subjectAltName");
	pkey = X509_get_pubkey(leaf);
	if (pkey == NULL || ledger_key_init(&cert->key, pkey) != 0) {
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "certificate",
		    "its key is neither Ed25519 nor ECDSA P-256");
	}
	return 0;
}

int
certs_judge(struct certs *certs, X509_STORE *store, bool need_ca,
    cpnp_bytes chain_item, cpnp_wtime at, struct cert **out, cpnp_diag *diag)
{
	struct cert fresh, *slot;
	cpnp_bytes ders[CHAIN_MAX];
	STACK_OF(X509) *chain;
	size_t n;
	int err;

	memset(&fresh, 0, sizeof(fresh));
	err = cose_chain_parse(chain_item, ders, &n);
	if (err != 0)
		return ledger_fail(
		    diag, err, "x5chain", "%s", cpnp_strerror(err));
	err = hash_once(&ders[0], 1, fresh.x5t);
	if (err == 0)
		err = hash_once(&chain_item, 1, fresh.chain_hash);
	if (err != 0)
		return err;
	slot = certs_slot(certs, fresh.x5t);
	if (slot->used && (slot->by_ca || !need_ca) &&
	    memcmp(slot->chain_hash, fresh.chain_hash, CPNP_SHA256_LEN) == 0) {
		*out = slot;
		return cert_check_time(slot, at, diag);
	}
	err = stack_parse(ders, n, &chain, diag);
	if (err != 0)
		return err;
	err = judge_stack(&fresh, store, need_ca, chain, at, diag);
	stack_free(chain);
	if (err == 0)
		err = cert_check_time(&fresh, at, diag);
	if (err != 0) {
		cert_fini(&fresh);
		return err;
	}
	cert_fini(slot);
	*slot = fresh;
	slot->used = true;
	slot->clock = ++certs->clock;
	*out = slot;
	return 0;
}

int
cert_delegate(struct cert *cert, cpnp_bytes delegation, cpnp_diag *diag)
{
	uint8_t hash[CPNP_SHA256_LEN];
	uint8_t store[PROTECTED_MAX + SPKI_MAX + TBS_OVERHEAD];
	struct ledger_key key;
	struct cose1 cose;
	cpnp_buf tbs;
	int err;

	err = hash_once(&delegation, 1, hash);
	if (err != 0)
		return err;
	if (cert->delegated.pkey != NULL &&
	    memcmp(hash, cert->delegation_hash, sizeof(hash)) == 0)
		return 0;
	err = cose1_parse(&cose, delegation, diag);
	if (err != 0)
		return err;
	if (!cpnp_bytes_equal(
	        cose.content_type, cpnp_bytes_str(DELEGATION_TYPE)) ||
	    cose.kid.len > 0 || cose.has_claims || cose.has_tree ||
	    cose.chain_n > 0 || cose.has_path || cose.delegation.len > 0 ||
	    cose.detached || cose.alg != cert->key.alg ||
	    cose.payload.len > SPKI_MAX ||
	    !cpnp_bytes_equal(
	        cose.x5t, (cpnp_bytes){cert->x5t, CPNP_SHA256_LEN}))
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "delegation",
		    "not a delegation by this certificate");
	cpnp_buf_init_fixed(&tbs, store, sizeof(store));
	cose1_put_tbs(&tbs, cose.protected, cose.payload);
	err = tbs.err != 0 ? tbs.err : ledger_key_verify(
	    &cert->key, cpnp_buf_bytes(&tbs), cose.signature);
	if (err != 0)
		return ledger_fail(diag, err, "delegation",
		    "the certificate's key has not signed it");
	err = ledger_key_from_spki(&key, cose.payload);
	if (err != 0)
		return ledger_fail(diag, err, "delegation",
		    "its key is neither Ed25519 nor ECDSA P-256");
	ledger_key_fini(&cert->delegated);
	cert->delegated = key;
	memcpy(cert->delegation_hash, hash, sizeof(hash));
	return 0;
}
