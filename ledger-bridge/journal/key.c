/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "internal.h"

#define P256_HALF 32

static int
pkey_alg(const EVP_PKEY *pkey, int *alg)
{
	char group[32];

	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519) {
		*alg = ALG_EDDSA;
		return 0;
	}
	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
	        group, sizeof(group), NULL) == 1 &&
	    strcmp(group, "prime256v1") == 0) {
		*alg = ALG_ES256;
		return 0;
	}
	return CPNP_ERR_INVALID;
}

int
ledger_key_init(struct ledger_key *key, EVP_PKEY *pkey)
{
	unsigned char *p;
	int len, err;

	memset(key, 0, sizeof(*key));
	err = pkey_alg(pkey, &key->alg);
	if (err != 0)
		return err;
	len = i2d_PUBKEY(pkey, NULL);
	if (len <= 0 || len > SPKI_MAX)
		return CPNP_ERR_INVALID;
	p = key->spki;
	key->spki_len = (size_t)i2d_PUBKEY(pkey, &p);
	err = hash_once(
	    &(cpnp_bytes){key->spki, key->spki_len}, 1, key->id);
	if (err == 0)
		key->pkey = pkey;
	return err;
}

int
ledger_key_from_spki(struct ledger_key *key, cpnp_bytes spki)
{
	const unsigned char *p = spki.ptr;
	EVP_PKEY *pkey;
	int err;

	memset(key, 0, sizeof(*key));
	if (spki.len == 0 || spki.len > SPKI_MAX)
		return CPNP_ERR_RANGE;
	pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);
	if (pkey == NULL) {
		ERR_clear_error();
		return CPNP_ERR_TYPE;
	}
	err = ledger_key_init(key, pkey);
	/* one key has one encoding, else its id would not be one */
	if (err == 0 && !cpnp_bytes_equal(spki,
	    (cpnp_bytes){key->spki, key->spki_len})) {
		key->pkey = NULL;
		err = CPNP_ERR_NOT_DETERMINISTIC;
	}
	if (err != 0)
		EVP_PKEY_free(pkey);
	return err;
}

void
ledger_key_fini(struct ledger_key *key)
{
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
}

/* Never ask a terminal for a pass phrase. */
static int
no_passphrase(char *buf, int size, int writing, void *user)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)user;
	return 0;
}

static int
key_take(struct ledger_key *key, EVP_PKEY *pkey, const char *path,
    cpnp_diag *diag)
{
	int err;

	err = ledger_key_init(key, pkey);
	if (err == 0)
		return 0;
	EVP_PKEY_free(pkey);
	return ledger_fail(diag, CPNP_ERR_CONFIG, path,
	    "the key is neither Ed25519 nor ECDSA P-256");
}

int
ledger_key_load_private(
    struct ledger_key *key, const char *path, cpnp_diag *diag)
{
	struct stat st;
	EVP_PKEY *pkey;
	FILE *file;

	memset(key, 0, sizeof(*key));
	file = fopen(path, "r");
	if (file == NULL)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "cannot read the private key: %s", strerror(errno));
	if (fstat(fileno(file), &st) != 0 ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		(void)fclose(file);
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "group or others may access this private key; "
		    "chmod 600 it");
	}
	pkey = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
	(void)fclose(file);
	if (pkey == NULL) {
		ERR_clear_error();
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "not a private key in PEM without pass phrase");
	}
	return key_take(key, pkey, path, diag);
}

int
ledger_key_load_public(
    struct ledger_key *key, const char *path, cpnp_diag *diag)
{
	EVP_PKEY *pkey;
	X509 *cert;
	FILE *file;

	memset(key, 0, sizeof(*key));
	file = fopen(path, "r");
	if (file == NULL)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "cannot read the key: %s", strerror(errno));
	pkey = PEM_read_PUBKEY(file, NULL, no_passphrase, NULL);
	if (pkey == NULL) {
		rewind(file);
		cert = PEM_read_X509(file, NULL, no_passphrase, NULL);
		if (cert != NULL)
			pkey = X509_get_pubkey(cert);
		X509_free(cert);
	}
	(void)fclose(file);
	ERR_clear_error();
	if (pkey == NULL)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "neither a public key nor a certificate in PEM");
	return key_take(key, pkey, path, diag);
}

static const EVP_MD *
key_md(const struct ledger_key *key)
{
	return key->alg == ALG_ES256 ? EVP_sha256() : NULL;
}

/* As OpenSSL makes it: 64 bytes, or DER for P-256. */
static int
sign_openssl(const struct ledger_key *key, cpnp_bytes bytes, uint8_t *out,
    size_t *len)
{
	EVP_MD_CTX *ctx;
	int ok;

	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return CPNP_ERR_NOMEM;
	ok = EVP_DigestSignInit(ctx, NULL, key_md(key), NULL, key->pkey) == 1 &&
	    EVP_DigestSign(ctx, out, len, bytes.ptr, bytes.len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : CPNP_ERR_CRYPTO;
}

static int
verify_openssl(
    const struct ledger_key *key, cpnp_bytes bytes, cpnp_bytes signature)
{
	EVP_MD_CTX *ctx;
	int ok;

	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return CPNP_ERR_NOMEM;
	ok = EVP_DigestVerifyInit(ctx, NULL, key_md(key), NULL, key->pkey) ==
	        1 &&
	    EVP_DigestVerify(ctx, signature.ptr, signature.len, bytes.ptr,
	        bytes.len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : CPNP_ERR_SIGNATURE;
}

static int
der_to_raw(const uint8_t *der, size_t len, uint8_t raw[SIGNATURE_LEN])
{
	const unsigned char *p = der;
	ECDSA_SIG *sig;
	int ok;

	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	if (sig == NULL)
		return CPNP_ERR_CRYPTO;
	ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, P256_HALF) > 0 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + P256_HALF, P256_HALF) > 0;
	ECDSA_SIG_free(sig);
	return ok ? 0 : CPNP_ERR_CRYPTO;
}

static int
raw_to_der(cpnp_bytes raw, uint8_t der[DER_SIGNATURE_MAX], size_t *len)
{
	ECDSA_SIG *sig;
	BIGNUM *r, *s;
	unsigned char *p = der;
	int n;

	sig = ECDSA_SIG_new();
	r = BN_bin2bn(raw.ptr, P256_HALF, NULL);
	s = BN_bin2bn(raw.ptr + P256_HALF, P256_HALF, NULL);
	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		ECDSA_SIG_free(sig);
		BN_free(r);
		BN_free(s);
		return CPNP_ERR_NOMEM;
	}
	n = i2d_ECDSA_SIG(sig, NULL);
	if (n > 0 && n <= DER_SIGNATURE_MAX)
		n = i2d_ECDSA_SIG(sig, &p);
	ECDSA_SIG_free(sig);
	if (n <= 0 || n > DER_SIGNATURE_MAX)
		return CPNP_ERR_CRYPTO;
	*len = (size_t)n;
	return 0;
}

int
ledger_key_sign(const struct ledger_key *key, cpnp_bytes bytes,
    uint8_t signature[SIGNATURE_LEN])
{
	uint8_t der[DER_SIGNATURE_MAX];
	size_t len = sizeof(der);
	int err;

	err = sign_openssl(key, bytes, der, &len);
	if (err != 0)
		return err;
	if (key->alg == ALG_ES256)
		return der_to_raw(der, len, signature);
	if (len != SIGNATURE_LEN)
		return CPNP_ERR_CRYPTO;
	memcpy(signature, der, SIGNATURE_LEN);
	return 0;
}

int
ledger_key_verify(
    const struct ledger_key *key, cpnp_bytes bytes, cpnp_bytes signature)
{
	uint8_t der[DER_SIGNATURE_MAX];
	size_t len;
	int err;

	if (signature.len != SIGNATURE_LEN)
		return CPNP_ERR_SIGNATURE;
	if (key->alg == ALG_EDDSA)
		return verify_openssl(key, bytes, signature);
	err = raw_to_der(signature, der, &len);
	if (err != 0)
		return err;
	return verify_openssl(key, bytes, (cpnp_bytes){der, len});
}

int
ledger_key_sign_note(const struct ledger_key *key, cpnp_bytes bytes,
    uint8_t signature[DER_SIGNATURE_MAX], size_t *len)
{
	*len = DER_SIGNATURE_MAX;
	return sign_openssl(key, bytes, signature, len);
}

int
ledger_key_verify_note(
    const struct ledger_key *key, cpnp_bytes bytes, cpnp_bytes signature)
{
	return verify_openssl(key, bytes, signature);
}

/* Write a PEM with the mode it needs from the first moment on. */
static int
write_private(EVP_PKEY *pkey, const char *path, cpnp_diag *diag)
{
	FILE *file;
	int fd, ok;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return ledger_fail(diag,
		    errno == EEXIST ? CPNP_ERR_EXISTS : CPNP_ERR_IO, path,
		    "cannot make the key file: %s", strerror(errno));
	file = fdopen(fd, "w");
	if (file == NULL) {
		(void)close(fd);
		(void)unlink(path);
		return CPNP_ERR_NOMEM;
	}
	ok = PEM_write_PKCS8PrivateKey(
	    file, pkey, NULL, NULL, 0, NULL, NULL) == 1;
	ok = fflush(file) == 0 && fsync(fd) == 0 && ok;
	if (fclose(file) != 0 || !ok) {
		(void)unlink(path);
		return ledger_fail(diag, CPNP_ERR_IO, path,
		    "cannot write the key: %s", strerror(errno));
	}
	return 0;
}

int
cpnp_key_generate(const char *path, const char *type, cpnp_diag *diag)
{
	EVP_PKEY *pkey = NULL;
	int err;

	if (strcmp(type, "ed25519") == 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (strcmp(type, "p256") == 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	else
		return ledger_fail(diag, CPNP_ERR_INVALID, type,
		    "not a type of key; ed25519 or p256");
	if (pkey == NULL)
		return ledger_fail(diag, CPNP_ERR_CRYPTO, path,
		    "the key could not be generated");
	err = write_private(pkey, path, diag);
	EVP_PKEY_free(pkey);
	return err;
}

/* A file that begins as a private key is held to its mode as such. */
static int
load_any(struct ledger_key *key, const char *path, cpnp_diag *diag)
{
	cpnp_diag first = {0};
	int err;

	err = ledger_key_load_public(key, path, &first);
	if (err == 0)
		return 0;
	if (access(path, R_OK) != 0)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "cannot read: %s", strerror(errno));
	err = ledger_key_load_private(key, path, diag);
	if (err != 0 && diag != NULL && strstr(diag->why, "PEM") != NULL)
		return ledger_fail(diag, err, path,
		    "no key or certificate in PEM");
	return err;
}

int
cpnp_key_public(const char *path, cpnp_buf *out,
    uint8_t key_id[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	struct ledger_key key;
	BUF_MEM *mem;
	BIO *bio;
	int err;

	err = load_any(&key, path, diag);
	if (err != 0)
		return err;
	if (key_id != NULL)
		memcpy(key_id, key.id, CPNP_SHA256_LEN);
	bio = BIO_new(BIO_s_mem());
	if (bio != NULL && PEM_write_bio_PUBKEY(bio, key.pkey) == 1 &&
	    BIO_get_mem_ptr(bio, &mem) == 1) {
		cpnp_buf_put_raw(out,
		    (cpnp_bytes){(uint8_t *)mem->data, mem->length});
		err = out->err;
	} else {
		err = CPNP_ERR_NOMEM;
	}
	BIO_free(bio);
	ledger_key_fini(&key);
	return err;
}

static bool
name_copy(const ASN1_STRING *name, char out[CPNP_IDENTITY_MAX + 1])
{
	const unsigned char *data = ASN1_STRING_get0_data(name);
	size_t len = (size_t)ASN1_STRING_length(name);

	if (len == 0 || len > CPNP_IDENTITY_MAX ||
	    memchr(data, '\0', len) != NULL ||
	    !cpnp_utf8_is_valid((cpnp_bytes){data, len}))
		return false;
	memcpy(out, data, len);
	out[len] = '\0';
	return true;
}

void
cert_identity(X509 *cert, char identity[CPNP_IDENTITY_MAX + 1])
{
	static const int kinds[] = {GEN_DNS, GEN_EMAIL, GEN_URI};
	GENERAL_NAMES *names;
	const GENERAL_NAME *name;
	size_t kind;
	int i;
	bool found = false;

	identity[0] = '\0';
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	if (names == NULL)
		return;
	for (kind = 0; kind < 3 && !found; kind++) {
		for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
			name = sk_GENERAL_NAME_value(names, i);
			if (name->type != kinds[kind])
				continue;
			/* a first name that is not valid is not skipped: what
			 * one verifier skips another may take */
			found = true;
			(void)name_copy(name->d.ia5, identity);
			break;
		}
	}
	GENERAL_NAMES_free(names);
}
