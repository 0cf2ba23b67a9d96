/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cpnp/settlement.h>

#include "cert.h"

#define KEYS_MAX 64
#define MEMORY_SLOTS 4096

struct known_key {
	struct ledger_key key;
	char identity[CPNP_IDENTITY_MAX + 1];
};

struct operator_key {
	struct ledger_key key;
	char account[CPNP_ACCOUNT_MAX + 1];
};

struct cpnp_trust {
	X509_STORE *store; /* NULL: no authority */
	struct known_key keys[KEYS_MAX];
	size_t key_n;
	struct operator_key operators[CPNP_OPERATORS_MAX];
	size_t operator_n;
	bool allow_unattested;
	struct hash hash;
	struct certs certs;
	const struct ledger_key *last_key;
	/* digests of signatures that have been verified */
	uint8_t memory[MEMORY_SLOTS][CPNP_SHA256_LEN];
};

int
cpnp_trust_new(cpnp_trust **trust)
{
	cpnp_trust *t;
	int err;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return CPNP_ERR_NOMEM;
	err = hash_init(&t->hash);
	if (err != 0) {
		free(t);
		return err;
	}
	*trust = t;
	return 0;
}

void
cpnp_trust_del(cpnp_trust *trust)
{
	size_t i;

	if (trust == NULL)
		return;
	for (i = 0; i < trust->key_n; i++)
		ledger_key_fini(&trust->keys[i].key);
	for (i = 0; i < trust->operator_n; i++)
		ledger_key_fini(&trust->operators[i].key);
	certs_fini(&trust->certs);
	hash_fini(&trust->hash);
	X509_STORE_free(trust->store);
	free(trust);
}

int
cpnp_trust_add_ca_file(cpnp_trust *trust, const char *path, cpnp_diag *diag)
{
	X509 *cert;
	FILE *file;
	size_t n = 0;
	int ok = 1;

	file = fopen(path, "r");
	if (file == NULL)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "cannot read the file of authorities");
	if (trust->store == NULL)
		trust->store = X509_STORE_new();
	while (trust->store != NULL && ok == 1 &&
	    (cert = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
		ok = X509_STORE_add_cert(trust->store, cert);
		X509_free(cert);
		n++;
	}
	(void)fclose(file);
	ERR_clear_error();
	if (trust->store == NULL || ok != 1)
		return CPNP_ERR_NOMEM;
	if (n == 0)
		return ledger_fail(diag, CPNP_ERR_CONFIG, path,
		    "no certificate in PEM");
	return 0;
}

int
cpnp_trust_add_key_file(cpnp_trust *trust, const char *path,
    const char *identity, cpnp_diag *diag)
{
	struct known_key *known;
	int err;

	if (trust->key_n == KEYS_MAX)
		return ledger_fail(diag, CPNP_ERR_FULL, path,
		    "more than %d known keys", KEYS_MAX);
	if (identity != NULL && strlen(identity) > CPNP_IDENTITY_MAX)
		return ledger_fail(diag, CPNP_ERR_INVALID, path,
		    "an identity has at most %d bytes", CPNP_IDENTITY_MAX);
	known = &trust->keys[trust->key_n];
	err = ledger_key_load_public(&known->key, path, diag);
	if (err != 0)
		return err;
	(void)snprintf(known->identity, sizeof(known->identity), "%s",
	    identity == NULL ? "" : identity);
	trust->key_n++;
	return 0;
}

int
cpnp_trust_add_operator_file(cpnp_trust *trust, const char *account,
    const char *path, cpnp_diag *diag)
{
	struct operator_key *operator;
	size_t len = strlen(account);
	int err;

	if (trust->operator_n == CPNP_OPERATORS_MAX)
		return ledger_fail(diag, CPNP_ERR_FULL, path,
		    "more than %d operators", CPNP_OPERATORS_MAX);
	if (len == 0 || len > CPNP_ACCOUNT_MAX)
		return ledger_fail(diag, CPNP_ERR_INVALID, path,
		    "the name of an account has 1 to %d characters",
		    CPNP_ACCOUNT_MAX);
	operator = &trust->operators[trust->operator_n];
	err = ledger_key_load_public(&operator->key, path, diag);
	if (err != 0)
		return err;
	memcpy(operator->account, account, len + 1);
	trust->operator_n++;
	return 0;
}

const char *
trust_operator(const cpnp_trust *trust, size_t i, cpnp_bytes *spki)
{
	const struct operator_key *operator;

	if (i >= trust->operator_n)
		return NULL;
	operator = &trust->operators[i];
	*spki = (cpnp_bytes){operator->key.spki, operator->key.spki_len};
	return operator->account;
}

void
cpnp_trust_allow_unattested(cpnp_trust *trust)
{
	trust->allow_unattested = true;
}

bool
trust_has_ca(const cpnp_trust *trust)
{
	return trust->store != NULL;
}

bool
trust_is_empty(const cpnp_trust *trust)
{
	return trust->store == NULL && trust->key_n == 0;
}

const struct ledger_key *
trust_key(const cpnp_trust *trust, size_t i)
{
	return i < trust->key_n ? &trust->keys[i].key : NULL;
}

const struct ledger_key *
trust_last_key(const cpnp_trust *trust)
{
	return trust->last_key;
}

static const struct known_key *
known_find(const cpnp_trust *trust, const uint8_t id[CPNP_SHA256_LEN])
{
	size_t i;

	for (i = 0; i < trust->key_n; i++)
		if (memcmp(trust->keys[i].key.id, id, CPNP_SHA256_LEN) == 0)
			return &trust->keys[i];
	return NULL;
}

bool
trust_knows_key(const cpnp_trust *trust, const uint8_t id[CPNP_SHA256_LEN])
{
	return known_find(trust, id) != NULL;
}

/* Who signed, found from the headers. */
struct signatory {
	const struct ledger_key *key;
	const char *identity;
	bool attested;
	bool delegated;
};

/* A known key, or (when strangers may speak) what the file itself says. */
static int
judge_cert(cpnp_trust *trust, cpnp_bytes chain_item, cpnp_wtime at,
    struct cert **out, cpnp_diag *diag)
{
	/* a certificate without an authority may still hold a known key; that
	 * is looked at when the key is */
	bool need_ca = trust->key_n == 0 && !trust->allow_unattested;

	return certs_judge(&trust->certs, trust->store, need_ca, chain_item,
	    at, out, diag);
}

/* Which key of a certificate: its own, or the one that kid names. */
static int
pick_key(struct cert *cert, cpnp_bytes kid, struct signatory *who,
    cpnp_diag *diag)
{
	who->key = &cert->key;
	who->delegated = kid.len > 0;
	if (!who->delegated)
		return 0;
	if (cert->delegated.pkey == NULL ||
	    memcmp(cert->delegated.id, kid.ptr, CPNP_SHA256_LEN) != 0)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "delegation",
		    "none that names the key that signed");
	who->key = &cert->delegated;
	return 0;
}

static int
attest(cpnp_trust *trust, const struct cert *cert, struct signatory *who,
    cpnp_diag *diag)
{
	const struct known_key *known;

	known = known_find(trust, who->key->id);
	who->attested = known != NULL;
	if (cert != NULL) {
		who->identity = cert->identity;
		who->attested = who->attested || cert->by_ca ||
		    trust_knows_key(trust, cert->key.id);
	} else if (known != NULL) {
		who->identity = known->identity;
	}
	if (!who->attested && !trust->allow_unattested)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "signer",
		    "neither an authority nor a known key vouches for it");
	return 0;
}

/* Find the signatory of a statement, which brings its certificates. */
static int
find_sender(cpnp_trust *trust, const struct cose1 *cose, cpnp_wtime at,
    struct signatory *who, cpnp_diag *diag)
{
	const struct known_key *known;
	struct cert *cert;
	int err;

	if (cose->x5t.len == 0) {
		known = known_find(trust, cose->kid.ptr);
		if (known == NULL || cose->chain_n > 0 ||
		    cose->delegation.len > 0)
			return ledger_fail(diag, CPNP_ERR_SIGNATURE, "signer",
			    "a key without certificate that is not known");
		who->key = &known->key;
		return attest(trust, NULL, who, diag);
	}
	if (cose->chain_n == 0)
		return ledger_fail(diag, CPNP_ERR_ATTR_MISSING, "x5chain",
		    "a signed statement carries its certificate");
	err = judge_cert(trust, cose->chain_item, at, &cert, diag);
	if (err != 0)
		return err;
	if (memcmp(cert->x5t, cose->x5t.ptr, CPNP_SHA256_LEN) != 0)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "x5t",
		    "not the digest of the first certificate in x5chain");
	if ((cose->kid.len > 0) != (cose->delegation.len > 0))
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "delegation",
		    "kid and delegation come together");
	if (cose->delegation.len > 0) {
		err = cert_delegate(cert, cose->delegation, diag);
		if (err != 0)
			return err;
	}
	err = pick_key(cert, cose->kid, who, diag);
	return err != 0 ? err : attest(trust, cert, who, diag);
}

/* Find the signatory of a root, whose certificate must be known by now. */
static int
find_known(cpnp_trust *trust, const struct cose1 *cose, struct signatory *who,
    cpnp_diag *diag)
{
	struct cert *cert;
	int err;

	if (cose->x5t.len == 0)
		return find_sender(trust, cose, cose->iat, who, diag);
	cert = certs_find(&trust->certs, cose->x5t.ptr);
	if (cert == NULL)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "x5t",
		    "no statement with this certificate has been verified");
	err = cert_check_time(cert, cose->iat, diag);
	if (err == 0)
		err = pick_key(cert, cose->kid, who, diag);
	return err != 0 ? err : attest(trust, cert, who, diag);
}

/* Verify a signature, unless this very one has been verified before. */
static int
check_signature(cpnp_trust *trust, const struct cose1 *cose,
    const struct ledger_key *key, cpnp_bytes payload, cpnp_diag *diag)
{
	uint8_t store[PROTECTED_MAX + CPNP_STATEMENT_MAX + TBS_OVERHEAD];
	uint8_t seen[CPNP_SHA256_LEN], *slot;
	cpnp_buf tbs;
	int err;

	if (cose->alg != key->alg)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "algorithm",
		    "not the one of the signer's key");
	cpnp_buf_init_fixed(&tbs, store, sizeof(store));
	cose1_put_tbs(&tbs, cose->protected, payload);
	if (tbs.err != 0)
		return tbs.err;
	err = hash_parts(&trust->hash,
	    (const cpnp_bytes[]){{key->id, CPNP_SHA256_LEN}, cose->signature,
	        cpnp_buf_bytes(&tbs)},
	    3, seen);
	if (err != 0)
		return err;
	slot = trust->memory[(seen[0] << 8 | seen[1]) % MEMORY_SLOTS];
	if (memcmp(slot, seen, sizeof(seen)) != 0) {
		err = ledger_key_verify(
		    key, cpnp_buf_bytes(&tbs), cose->signature);
		if (err != 0)
			return ledger_fail(diag, err, "signature", "%s",
			    cpnp_strerror(err));
		memcpy(slot, seen, sizeof(seen));
	}
	trust->last_key = key;
	return 0;
}

/* What the signature of a statement covers: payload, or root over it. */
static int
signed_bytes(cpnp_trust *trust, const struct cose1 *cose,
    uint8_t root[CPNP_SHA256_LEN], cpnp_bytes *out, cpnp_diag *diag)
{
	uint8_t leaf[CPNP_SHA256_LEN];
	int err;

	*out = cose->payload;
	if (!cose->has_tree)
		return 0;
	if (cose->path_size != cose->tree_size)
		return ledger_fail(diag, CPNP_ERR_PROOF, "inclusion path",
		    "for a tree of another size than the one signed");
	err = hash_leaf(&trust->hash, cose->payload, leaf);
	if (err == 0)
		err = tree_path_root(&trust->hash, leaf, cose->path_index,
		    cose->path_size,
		    (const uint8_t (*)[CPNP_SHA256_LEN])cose->path,
		    cose->path_n, root);
	if (err != 0)
		return ledger_fail(diag, err, "inclusion path",
		    "its length does not fit the index and size");
	*out = (cpnp_bytes){root, CPNP_SHA256_LEN};
	return 0;
}

static void
copy_who(char identity[CPNP_IDENTITY_MAX + 1], const struct signatory *who)
{
	(void)snprintf(identity, CPNP_IDENTITY_MAX + 1, "%s",
	    who->identity == NULL ? "" : who->identity);
}

int
cpnp_trust_verify(cpnp_trust *trust, cpnp_bytes signed_statement,
    const cpnp_wtime *at, cpnp_signed *out, cpnp_diag *diag)
{
	uint8_t root[CPNP_SHA256_LEN];
	struct signatory who = {0};
	struct cose1 cose;
	cpnp_bytes bytes;
	int err;

	ledger_diag_clear(diag);
	memset(out, 0, sizeof(*out));
	if (signed_statement.len > CPNP_STATEMENT_MAX)
		return ledger_fail(diag, CPNP_ERR_TOO_LONG, "statement",
		    "more than %d bytes", CPNP_STATEMENT_MAX);
	err = cose1_parse(&cose, signed_statement, diag);
	if (err != 0)
		return err;
	if (cose.has_claims || cose.content_type.len > 0 || cose.detached ||
	    cose.has_tree != cose.has_path)
		return ledger_fail(diag, CPNP_ERR_ATTR_UNEXPECTED,
		    "COSE_Sign1", "not the headers of a signed statement");
	err = cpnp_statement_decode(&out->statement, cose.payload, diag);
	if (err != 0)
		return err;
	if (out->statement.type == CPNP_STATEMENT_STATE)
		return ledger_fail(diag, CPNP_ERR_TYPE, "type",
		    "a signed statement is an OFFER, ACCEPT or ACK");
	err = find_sender(trust, &cose,
	    at != NULL ? *at : out->statement.time, &who, diag);
	if (err == 0)
		err = signed_bytes(trust, &cose, root, &bytes, diag);
	if (err == 0)
		err = check_signature(trust, &cose, who.key, bytes, diag);
	if (err != 0)
		return ledger_fail_once(
		    diag, err, "statement", cpnp_strerror(err));
	out->payload = cose.payload;
	copy_who(out->identity, &who);
	out->attested = who.attested;
	out->delegated = who.delegated;
	memcpy(out->key_id, who.key->id, CPNP_SHA256_LEN);
	if (cose.x5t.len > 0)
		memcpy(out->cert_id, cose.x5t.ptr, CPNP_SHA256_LEN);
	return 0;
}

/* The root under headers that say whose it is, of what size and when. */
static int
verify_root(cpnp_trust *trust, const struct cose1 *cose, const uint8_t *root,
    cpnp_receipt *out, cpnp_diag *diag)
{
	struct signatory who = {0};
	int err;

	if (!cose->has_claims || !cose->has_tree ||
	    cose->content_type.len > 0)
		return ledger_fail(diag, CPNP_ERR_ATTR_MISSING,
		    "protected header", "not that of a journal's head");
	err = find_known(trust, cose, &who, diag);
	if (err == 0)
		err = check_signature(trust, cose, who.key,
		    (cpnp_bytes){root, CPNP_SHA256_LEN}, diag);
	if (err != 0)
		return err;
	memcpy(out->origin, cose->issuer.ptr, cose->issuer.len);
	out->origin[cose->issuer.len] = '\0';
	if (strlen(out->origin) != cose->issuer.len ||
	    !note_name_is_valid(out->origin))
		return ledger_fail(diag, CPNP_ERR_TYPE, "origin",
		    "not the name of a journal");
	copy_who(out->identity, &who);
	out->attested = who.attested;
	out->size = cose->tree_size;
	out->time = cose->iat;
	memcpy(out->root, root, CPNP_SHA256_LEN);
	memcpy(out->key_id, who.key->id, CPNP_SHA256_LEN);
	return 0;
}

int
trust_verify_leaf(cpnp_trust *trust, cpnp_bytes receipt,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_receipt *out, cpnp_diag *diag)
{
	uint8_t leaf[CPNP_SHA256_LEN], root[CPNP_SHA256_LEN];
	struct cose1 cose;
	int err;

	memset(out, 0, sizeof(*out));
	if (receipt.len > CPNP_RECEIPT_MAX)
		return ledger_fail(diag, CPNP_ERR_TOO_LONG, "receipt",
		    "more than %d bytes", CPNP_RECEIPT_MAX);
	err = cose1_parse(&cose, receipt, diag);
	if (err != 0)
		return err;
	if (!cose.detached || !cose.has_path || cose.chain_n > 0 ||
	    cose.delegation.len > 0)
		return ledger_fail(diag, CPNP_ERR_ATTR_UNEXPECTED, "receipt",
		    "not the headers of a receipt");
	if (cose.path_size != cose.tree_size)
		return ledger_fail(diag, CPNP_ERR_PROOF, "receipt",
		    "its path is for a tree of another size than the one "
		    "signed");
	err = hash_leaf(
	    &trust->hash, (cpnp_bytes){digest, CPNP_SHA256_LEN}, leaf);
	if (err == 0)
		err = tree_path_root(&trust->hash, leaf, cose.path_index,
		    cose.path_size,
		    (const uint8_t (*)[CPNP_SHA256_LEN])cose.path,
		    cose.path_n, root);
	if (err != 0)
		return ledger_fail(diag, err, "receipt",
		    "the length of its path does not fit its index and size");
	err = verify_root(trust, &cose, root, out, diag);
	if (err == CPNP_ERR_SIGNATURE && diag != NULL &&
	    strcmp(diag->where, "signature") == 0)
		return ledger_fail(diag, CPNP_ERR_PROOF, "receipt",
		    "the statement and its path do not lead to a root that "
		    "the journal has signed");
	out->index = cose.path_index;
	return ledger_fail_once(diag, err, "receipt", cpnp_strerror(err));
}

int
cpnp_trust_verify_receipt(cpnp_trust *trust, cpnp_bytes receipt,
    cpnp_bytes statement, cpnp_receipt *out, cpnp_diag *diag)
{
	uint8_t digest[CPNP_SHA256_LEN];
	int err;

	ledger_diag_clear(diag);
	err = hash_parts(&trust->hash, &statement, 1, digest);
	return err != 0 ? err
			: trust_verify_leaf(trust, receipt, digest, out, diag);
}

int
cpnp_trust_verify_receipt_of(cpnp_trust *trust, cpnp_bytes receipt,
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_receipt *out, cpnp_diag *diag)
{
	ledger_diag_clear(diag);
	return trust_verify_leaf(trust, receipt, digest, out, diag);
}

int
trust_verify_root(cpnp_trust *trust, cpnp_bytes protected,
    cpnp_bytes signature, const uint8_t root[CPNP_SHA256_LEN],
    cpnp_receipt *out, cpnp_diag *diag)
{
	struct cose1 cose = {.protected = protected, .signature = signature};
	int err;

	memset(out, 0, sizeof(*out));
	err = cose1_parse_protected(&cose, diag);
	return err != 0 ? err : verify_root(trust, &cose, root, out, diag);
}

int
trust_add_signer(cpnp_trust *trust, cpnp_bytes chain_item,
    cpnp_bytes delegation, cpnp_wtime at, cpnp_diag *diag)
{
	struct cert *cert;
	int err;

	err = judge_cert(trust, chain_item, at, &cert, diag);
	if (err == 0 && delegation.len > 0)
		err = cert_delegate(cert, delegation, diag);
	return err;
}

int
trust_check_x5t(cpnp_bytes chain_item, cpnp_bytes x5t, cpnp_diag *diag)
{
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_bytes ders[CHAIN_MAX];
	size_t n;
	int err;

	err = cose_chain_parse(chain_item, ders, &n);
	if (err == 0)
		err = hash_once(&ders[0], 1, digest);
	if (err == 0 &&
	    !cpnp_bytes_equal(x5t, (cpnp_bytes){digest, sizeof(digest)}))
		err = CPNP_ERR_SIGNATURE;
	return err == 0 ? 0 : ledger_fail(diag, err, "x5t",
	    "not the digest of the first certificate in x5chain");
}
