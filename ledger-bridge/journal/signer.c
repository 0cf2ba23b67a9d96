/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "internal.h"

void
signer_put_protected(const cpnp_signer *signer, cpnp_buf *buf, uint64_t size,
    const char *issuer, cpnp_wtime iat)
{
	bool has_cert = signer->chain.len > 0;
	bool has_kid = signer->delegated || !has_cert;

	cpnp_cbor_put_map(buf, 1 + (size_t)has_kid + (issuer != NULL) +
	    has_cert + (size > 0 ? 2 : 0));
	cpnp_cbor_put_int(buf, HDR_ALG);
	cpnp_cbor_put_int(buf, signer->key.alg);
	if (has_kid) {
		cpnp_cbor_put_int(buf, HDR_KID);
		cpnp_cbor_put_bytes(
		    buf, (cpnp_bytes){signer->key.id, CPNP_SHA256_LEN});
	}
	if (issuer != NULL) {
		cpnp_cbor_put_int(buf, HDR_CLAIMS);
		cpnp_cbor_put_map(buf, 2);
		cpnp_cbor_put_int(buf, CLAIM_ISS);
		cpnp_cbor_put_str(buf, issuer);
		cpnp_cbor_put_int(buf, CLAIM_IAT);
		cpnp_cbor_put_int(buf, iat.sec);
	}
	if (has_cert) {
		cpnp_cbor_put_int(buf, HDR_X5T);
		cpnp_cbor_put_array(buf, 2);
		cpnp_cbor_put_int(buf, ALG_SHA256);
		cpnp_cbor_put_bytes(
		    buf, (cpnp_bytes){signer->x5t, CPNP_SHA256_LEN});
	}
	if (size > 0) {
		cpnp_cbor_put_int(buf, HDR_VDS);
		cpnp_cbor_put_int(buf, VDS_RFC9162);
		cpnp_cbor_put_int(buf, HDR_TREE_SIZE);
		cpnp_cbor_put_uint(buf, size);
	}
}

static bool
cert_is_self_issued(X509 *cert)
{
	return X509_NAME_cmp(X509_get_subject_name(cert),
	           X509_get_issuer_name(cert)) == 0;
}

/* Read the certificates of a PEM file; the verifier has the root, so a
 * self-issued one behind the first is left out. */
static int
read_certs(const char *path, X509 *certs[CHAIN_MAX], size_t *n,
    cpnp_diag *diag)
{
	X509 *cert;
	FILE *file;

	*n = 0;
	file = fopen(path, "r");
	if (file == NULL)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "cannot read the certificate: %s", strerror(errno));
	while ((cert = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
		if (*n > 0 && cert_is_self_issued(cert)) {
			X509_free(cert);
			continue;
		}
		if (*n == CHAIN_MAX) {
			X509_free(cert);
			(void)fclose(file);
			return ledger_fail(diag, CPNP_ERR_CONFIG, path,
			    "more than %d certificates", CHAIN_MAX);
		}
		certs[(*n)++] = cert;
	}
	(void)fclose(file);
	ERR_clear_error();
	if (*n == 0)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "no certificate in PEM");
	return 0;
}

static int
put_chain(cpnp_signer *signer, X509 *const certs[], size_t n)
{
	unsigned char *der;
	size_t i;
	int len, err = 0;

	if (n > 1)
		cpnp_cbor_put_array(&signer->chain, n);
	for (i = 0; i < n && err == 0; i++) {
		der = NULL;
		len = i2d_X509(certs[i], &der);
		if (len <= 0)
			return CPNP_ERR_NOMEM;
		cpnp_cbor_put_bytes(
		    &signer->chain, (cpnp_bytes){der, (size_t)len});
		if (i == 0)
			err = hash_once(&(cpnp_bytes){der, (size_t)len}, 1,
			    signer->x5t);
		OPENSSL_free(der);
	}
	return err != 0 ? err : signer->chain.err;
}

static int
load_certs(cpnp_signer *signer, const char *key_file, const char *cert_file,
    cpnp_diag *diag)
{
	X509 *certs[CHAIN_MAX];
	size_t n, i;
	int err;

	err = read_certs(cert_file, certs, &n, diag);
	if (err != 0)
		goto out;
	if (X509_check_private_key(certs[0], signer->cert_key.pkey) != 1) {
		ERR_clear_error();
		err = ledger_fail(diag, CPNP_ERR_CONFIG, cert_file,
		    "the first certificate is not for the key in %s",
		    key_file);
		goto out;
	}
	cert_identity(certs[0], signer->identity);
	if (signer->identity[0] == '\0') {
		err = ledger_fail(diag, CPNP_ERR_CONFIG, cert_file,
		    "no usable dNSName, rfc822Name or URI in subjectAltName");
		goto out;
	}
	err = put_chain(signer, certs, n);
	if (err != 0)
		(void)ledger_fail(diag, err, cert_file, "%s",
		    err == CPNP_ERR_NO_SPACE
		        ? "the certificates are too large for a statement"
		        : cpnp_strerror(err));
out:
	for (i = 0; i < n; i++)
		X509_free(certs[i]);
	return err;
}

/* COSE_Sign1 by the certificate's key over the ledger key's
 * SubjectPublicKeyInfo; the content type tells it from a statement. */
static int
make_delegation(cpnp_signer *signer)
{
	uint8_t store[PROTECTED_MAX], signature[SIGNATURE_LEN];
	cpnp_bytes payload = {signer->key.spki, signer->key.spki_len};
	cpnp_buf protected, *out = &signer->delegation;
	int err;

	cpnp_buf_init_fixed(&protected, store, sizeof(store));
	cpnp_cbor_put_map(&protected, 3);
	cpnp_cbor_put_int(&protected, HDR_ALG);
	cpnp_cbor_put_int(&protected, signer->cert_key.alg);
	cpnp_cbor_put_int(&protected, HDR_CONTENT_TYPE);
	cpnp_cbor_put_str(&protected, DELEGATION_TYPE);
	cpnp_cbor_put_int(&protected, HDR_X5T);
	cpnp_cbor_put_array(&protected, 2);
	cpnp_cbor_put_int(&protected, ALG_SHA256);
	cpnp_cbor_put_bytes(
	    &protected, (cpnp_bytes){signer->x5t, CPNP_SHA256_LEN});
	err = cose1_sign(&signer->cert_key, cpnp_buf_bytes(&protected),
	    payload, signature);
	if (err != 0)
		return err;
	cpnp_cbor_put_tag(out, TAG_SIGN1);
	cpnp_cbor_put_array(out, 4);
	cpnp_cbor_put_bytes(out, cpnp_buf_bytes(&protected));
	cpnp_cbor_put_map(out, 0);
	cpnp_cbor_put_bytes(out, payload);
	cpnp_cbor_put_bytes(out, (cpnp_bytes){signature, sizeof(signature)});
	return out->err;
}

static int
load_parts(cpnp_signer *signer, const char *key_file, const char *cert_file,
    const char *ledger_key_file, cpnp_diag *diag)
{
	int err = 0;

	if (key_file != NULL) {
		err = ledger_key_load_private(
		    &signer->cert_key, key_file, diag);
		if (err == 0)
			err = load_certs(signer, key_file, cert_file, diag);
	}
	if (err != 0)
		return err;
	if (ledger_key_file != NULL) {
		err = ledger_key_load_private(
		    &signer->key, ledger_key_file, diag);
		if (err == 0 && key_file != NULL &&
		    memcmp(signer->key.id, signer->cert_key.id,
		        CPNP_SHA256_LEN) != 0) {
			signer->delegated = true;
			err = make_delegation(signer);
		}
		return err;
	}
	signer->key = signer->cert_key;
	if (EVP_PKEY_up_ref(signer->key.pkey) != 1) {
		signer->key.pkey = NULL;
		return CPNP_ERR_NOMEM;
	}
	return 0;
}

int
cpnp_signer_load(cpnp_signer **signer, const char *key_file,
    const char *cert_file, const char *ledger_key_file, cpnp_diag *diag)
{
	cpnp_signer *s;
	int err;

	ledger_diag_clear(diag);
	if ((key_file == NULL) != (cert_file == NULL) ||
	    (key_file == NULL && ledger_key_file == NULL))
		return ledger_fail(diag, CPNP_ERR_CONFIG, "signer",
		    "a key and its certificate, or a ledger key, is needed");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_buf_init(&s->chain, &ledger_mem, CPNP_STATEMENT_MAX);
	cpnp_buf_init(&s->delegation, &ledger_mem, DELEGATION_MAX);
	err = load_parts(s, key_file, cert_file, ledger_key_file, diag);
	if (err != 0) {
		cpnp_signer_del(s);
		return ledger_fail_once(
		    diag, err, "signer", cpnp_strerror(err));
	}
	*signer = s;
	return 0;
}

void
cpnp_signer_del(cpnp_signer *signer)
{
	if (signer == NULL)
		return;
	ledger_key_fini(&signer->key);
	ledger_key_fini(&signer->cert_key);
	cpnp_buf_fini(&signer->chain);
	cpnp_buf_fini(&signer->delegation);
	free(signer);
}

const char *
cpnp_signer_identity(const cpnp_signer *signer)
{
	return signer->identity;
}

void
cpnp_signer_key_id(
    const cpnp_signer *signer, uint8_t key_id[CPNP_SHA256_LEN])
{
	memcpy(key_id, signer->key.id, CPNP_SHA256_LEN);
}

/* One COSE_Sign1; path NULL when the payload itself is signed. */
static int
put_statement(const cpnp_signer *signer, cpnp_buf *out, cpnp_bytes protected,
    cpnp_bytes payload, const uint8_t *signature,
    const struct small_tree *tree, size_t index)
{
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t before = out->len, n;

	cpnp_cbor_put_tag(out, TAG_SIGN1);
	cpnp_cbor_put_array(out, 4);
	cpnp_cbor_put_bytes(out, protected);
	cpnp_cbor_put_map(out, (size_t)(signer->chain.len > 0) +
	    (tree != NULL) + signer->delegated);
	if (signer->chain.len > 0) {
		cpnp_cbor_put_int(out, HDR_X5CHAIN);
		cpnp_buf_put_raw(out, cpnp_buf_bytes(&signer->chain));
	}
	if (tree != NULL) {
		n = small_tree_path(tree, index, path);
		cpnp_cbor_put_int(out, HDR_VDP);
		cose_put_path(out, tree->level_n[0], index,
		    (const uint8_t (*)[CPNP_SHA256_LEN])path, n);
	}
	if (signer->delegated) {
		cpnp_cbor_put_int(out, HDR_DELEGATION);
		cpnp_cbor_put_bytes(out, cpnp_buf_bytes(&signer->delegation));
	}
	cpnp_cbor_put_bytes(out, payload);
	cpnp_cbor_put_bytes(out, (cpnp_bytes){signature, SIGNATURE_LEN});
	if (out->err != 0)
		return out->err;
	return out->len - before > CPNP_STATEMENT_MAX ? CPNP_ERR_TOO_LONG : 0;
}

static int
build_tree(struct small_tree *tree, const cpnp_bytes *payloads, size_t n)
{
	struct hash h;
	size_t i;
	int err;

	tree->nodes = calloc(2 * n + 64, sizeof(*tree->nodes));
	if (tree->nodes == NULL)
		return CPNP_ERR_NOMEM;
	err = hash_init(&h);
	if (err != 0)
		return err;
	for (i = 0; i < n && err == 0; i++)
		err = hash_leaf(&h, payloads[i], tree->nodes[i]);
	if (err == 0)
		err = small_tree_build(tree, &h, n);
	hash_fini(&h);
	return err;
}

int
cpnp_signer_sign(const cpnp_signer *signer, const cpnp_bytes *payloads,
    size_t n, cpnp_buf *out)
{
	return signer_sign(
	    signer, payloads, n, CPNP_STATEMENT_PAYLOAD_MAX, out);
}

int
signer_sign(const cpnp_signer *signer, const cpnp_bytes *payloads, size_t n,
    size_t payload_max, cpnp_buf *out)
{
	uint8_t store[PROTECTED_MAX], signature[SIGNATURE_LEN];
	struct small_tree tree = {.nodes = NULL};
	cpnp_bytes tbs;
	cpnp_buf protected;
	size_t i;
	int err = 0;

	if (n == 0 || n > CPNP_SIGN_BATCH_MAX)
		return CPNP_ERR_INVALID;
	for (i = 0; i < n; i++)
		if (payloads[i].len == 0 || payloads[i].len > payload_max)
			return CPNP_ERR_INVALID;
	cpnp_buf_init_fixed(&protected, store, sizeof(store));
	signer_put_protected(
	    signer, &protected, n > 1 ? n : 0, NULL, (cpnp_wtime){0});
	tbs = payloads[0];
	if (n > 1) {
		err = build_tree(&tree, payloads, n);
		if (err != 0)
			goto out;
		tbs = (cpnp_bytes){
		    tree.nodes[tree.level_at[tree.levels - 1]],
		    CPNP_SHA256_LEN};
	}
	err = cose1_sign(
	    &signer->key, cpnp_buf_bytes(&protected), tbs, signature);
	for (i = 0; i < n && err == 0; i++)
		err = put_statement(signer, &out[i],
		    cpnp_buf_bytes(&protected), payloads[i], signature,
		    n > 1 ? &tree : NULL, i);
out:
	free(tree.nodes);
	return err;
}
