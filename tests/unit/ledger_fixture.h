/*
 * A throw-away PKI, two parties with journals in memory, and one order between
 * them, for the tests of the ledger library.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_FIXTURE_H
#define LEDGER_FIXTURE_H

#include <check.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "unit.h"

#define NOW ((cpnp_wtime){1795248000}) /* 2026-11-21T08:00:00Z */
#define DAY 86400
#define CERT_DAYS 90

struct pki {
	char dir[64];
	EVP_PKEY *ca_key;
	X509 *ca;
	EVP_PKEY *sub_key; /* an intermediate below the authority */
	X509 *sub;
};

struct party {
	const char *name;
	char key[128];
	char cert[128];
	cpnp_signer *signer;
	cpnp_trust *trust;
	sqlite3 *db;
	cpnp_journal *journal;
};

static inline void
fx_path(const struct pki *pki, const char *name, char path[128])
{
	(void)snprintf(path, 128, "%s/%s", pki->dir, name);
}

static inline EVP_PKEY *
fx_key(const char *type)
{
	EVP_PKEY *key = strcmp(type, "p256") == 0
	    ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
	    : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	ck_assert_ptr_nonnull(key);
	return key;
}

static inline void
fx_write_key(const char *path, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
	ck_assert_int_eq(PEM_write_PKCS8PrivateKey(
	    file, key, NULL, NULL, 0, NULL, NULL), 1);
	ck_assert_int_eq(fclose(file), 0);
}

static inline X509 *
fx_cert(EVP_PKEY *key, const char *subject, const char *san, X509 *issuer,
    EVP_PKEY *issuer_key, bool ca)
{
	static long serial = 1;
	X509 *cert = X509_new();
	X509_NAME *name = X509_NAME_new();
	X509_EXTENSION *ext;
	EVP_PKEY *signs = issuer_key == NULL ? key : issuer_key;

	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)subject, -1, -1, 0), 1);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_set_subject_name(cert, name);
	X509_set_issuer_name(
	    cert, issuer == NULL ? name : X509_get_subject_name(issuer));
	ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(NOW.sec - DAY));
	ASN1_TIME_set(X509_getm_notAfter(cert),
	    (time_t)(NOW.sec + (ca ? 10 : 1) * CERT_DAYS * DAY));
	X509_set_pubkey(cert, key);
	if (san != NULL) {
		ext = X509V3_EXT_conf_nid(
		    NULL, NULL, NID_subject_alt_name, san);
		ck_assert_ptr_nonnull(ext);
		X509_add_ext(cert, ext, -1);
		X509_EXTENSION_free(ext);
	}
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
	    ca ? "critical,CA:TRUE" : "CA:FALSE");
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	ck_assert_int_ne(X509_sign(cert, signs,
	    EVP_PKEY_get_base_id(signs) == EVP_PKEY_EC ? EVP_sha256() : NULL),
	    0);
	X509_NAME_free(name);
	return cert;
}

static inline void
fx_write_certs(const char *path, X509 *first, X509 *second)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(PEM_write_X509(file, first), 1);
	if (second != NULL)
		ck_assert_int_eq(PEM_write_X509(file, second), 1);
	ck_assert_int_eq(fclose(file), 0);
}

static inline void
fx_pki_init(struct pki *pki)
{
	char path[128];

	(void)snprintf(pki->dir, sizeof(pki->dir), "%s", "ledger-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(pki->dir));
	pki->ca_key = fx_key("p256");
	pki->ca = fx_cert(pki->ca_key, "Test CA", NULL, NULL, NULL, true);
	pki->sub_key = fx_key("ed25519");
	pki->sub = fx_cert(pki->sub_key, "Test Sub CA", NULL, pki->ca,
	    pki->ca_key, true);
	fx_path(pki, "ca.pem", path);
	fx_write_certs(path, pki->ca, NULL);
}

static inline void
fx_pki_fini(struct pki *pki)
{
	char command[128];

	EVP_PKEY_free(pki->ca_key);
	EVP_PKEY_free(pki->sub_key);
	X509_free(pki->ca);
	X509_free(pki->sub);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", pki->dir);
	ck_assert_int_eq(system(command), 0);
}

/* Key and certificate files; below the intermediate when sub. */
static inline void
fx_identity(struct pki *pki, const char *name, const char *type,
    const char *san, bool sub, char key_path[128], char cert_path[128])
{
	char file[64];
	EVP_PKEY *key = fx_key(type);
	X509 *cert = fx_cert(key, name, san, sub ? pki->sub : pki->ca,
	    sub ? pki->sub_key : pki->ca_key, false);

	(void)snprintf(file, sizeof(file), "%s.key", name);
	fx_path(pki, file, key_path);
	(void)snprintf(file, sizeof(file), "%s.pem", name);
	fx_path(pki, file, cert_path);
	fx_write_key(key_path, key);
	fx_write_certs(cert_path, cert, sub ? pki->sub : NULL);
	EVP_PKEY_free(key);
	X509_free(cert);
}

static inline cpnp_trust *
fx_trust(const struct pki *pki)
{
	cpnp_trust *trust;
	char path[128];

	fx_path(pki, "ca.pem", path);
	ck_assert_int_eq(cpnp_trust_new(&trust), 0);
	ck_assert_int_eq(cpnp_trust_add_ca_file(trust, path, NULL), 0);
	return trust;
}

static inline void
fx_sql(sqlite3 *db, const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
	    "%s: %s", sql, sqlite3_errmsg(db));
}

static inline cpnp_journal *
fx_journal(sqlite3 *db, const cpnp_signer *signer)
{
	cpnp_journal *journal = NULL;
	cpnp_diag diag;

	ck_assert_msg(cpnp_journal_open(&journal, db, signer, NULL, NOW,
	    &diag) == 0, "%s: %s", diag.where, diag.why);
	return journal;
}

static inline void
fx_party_init(struct party *party, struct pki *pki, const char *name,
    const char *type, bool sub)
{
	char san[128];
	cpnp_diag diag;

	memset(party, 0, sizeof(*party));
	party->name = name;
	(void)snprintf(san, sizeof(san), "DNS:%s", name);
	fx_identity(pki, name, type, san, sub, party->key, party->cert);
	ck_assert_msg(cpnp_signer_load(&party->signer, party->key,
	    party->cert, NULL, &diag) == 0, "%s: %s", diag.where, diag.why);
	party->trust = fx_trust(pki);
	ck_assert_int_eq(sqlite3_open(":memory:", &party->db), SQLITE_OK);
	party->journal = fx_journal(party->db, party->signer);
}

static inline void
fx_party_fini(struct party *party)
{
	cpnp_journal_close(party->journal);
	ck_assert_int_eq(sqlite3_close(party->db), SQLITE_OK);
	cpnp_trust_del(party->trust);
	cpnp_signer_del(party->signer);
}

/* The statements of one order, in the order in which they were made. */
struct order {
	cpnp_order_opening opening;
	cpnp_agreement agreement;
	uint8_t ref[CPNP_SHA256_LEN];
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_buf opening_bytes;
	cpnp_buf agreement_bytes;
	cpnp_buf offer;
	cpnp_buf accept;
	cpnp_buf ack;
	cpnp_buf receipt; /* of the provider, for the ACCEPT */
};

static inline cpnp_buf
fx_buf(void)
{
	cpnp_buf buf;

	cpnp_buf_init(&buf, &ledger_mem, CPNP_PROOF_MAX);
	return buf;
}

static inline cpnp_statement
fx_statement(const struct order *order, cpnp_statement_type type)
{
	cpnp_statement s = {.type = type, .time = NOW};

	memcpy(s.order_ref, order->ref, CPNP_SHA256_LEN);
	if (type != CPNP_STATEMENT_STATE) {
		s.has_digest = true;
		memcpy(s.digest, order->digest, CPNP_SHA256_LEN);
	}
	if (type == CPNP_STATEMENT_OFFER)
		s.validity = order->agreement.validity;
	return s;
}

/* Sign a statement that answers another one (NULL for none). */
static inline void
fx_sign(const cpnp_signer *signer, cpnp_statement s, const cpnp_buf *answers,
    cpnp_buf *out)
{
	uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_bytes payload, answered;
	cpnp_buf buf;

	if (answers != NULL) {
		answered = cpnp_buf_bytes(answers);
		s.has_answers = true;
		ck_assert_int_eq(hash_once(&answered, 1, s.answers), 0);
	}
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_statement_encode(&s, &buf), 0);
	payload = cpnp_buf_bytes(&buf);
	ck_assert_int_eq(cpnp_signer_sign(signer, &payload, 1, out), 0);
}

static inline uint64_t
fx_append(cpnp_journal *journal, const struct order *order, cpnp_bytes bytes)
{
	uint64_t index;

	ck_assert_int_eq(
	    cpnp_journal_append(journal, order->ref, bytes, &index), 0);
	return index;
}

static inline void
fx_append_state(cpnp_journal *journal, const struct order *order,
    uint8_t role, uint8_t from, uint8_t to)
{
	cpnp_statement s = fx_statement(order, CPNP_STATEMENT_STATE);
	uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_buf buf;

	s.role = role;
	s.from_state = from;
	s.to_state = to;
	s.event = 1;
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_statement_encode(&s, &buf), 0);
	(void)fx_append(journal, order, cpnp_buf_bytes(&buf));
}

/* What is ordered, and the bytes of opening and agreement. */
static inline void
fx_order_init_service(struct order *order, const char *client,
    const char *provider, const char *id, cpnp_bytes service)
{
	static const uint8_t bytes16[] = "0123456789abcdef";
	cpnp_bytes b;

	memset(order, 0, sizeof(*order));
	order->opening_bytes = fx_buf();
	order->agreement_bytes = fx_buf();
	order->offer = fx_buf();
	order->accept = fx_buf();
	order->ack = fx_buf();
	order->receipt = fx_buf();
	order->opening = (cpnp_order_opening){cpnp_bytes_str(client),
	    cpnp_bytes_str(provider), cpnp_bytes_str(id), {bytes16, 16}};
	order->agreement = (cpnp_agreement){
	    .client = cpnp_bytes_str(client),
	    .provider = cpnp_bytes_str(provider),
	    .customer_order_id = cpnp_bytes_str(id),
	    .provider_order_id = CPNP_BYTES_LIT("P-1"),
	    .transaction_id = {bytes16, 16},
	    .nonce = {bytes16, 16},
	    .service_description = service,
	    .validity = {NOW.sec + 3600},
	    .has_cost = true,
	    .cost = {1250000, CPNP_BYTES_LIT("EUR"), CPNP_BYTES_LIT("bank"),
		2}};
	ck_assert_int_eq(cpnp_order_opening_encode(
	    &order->opening, &order->opening_bytes), 0);
	ck_assert_int_eq(cpnp_agreement_encode(
	    &order->agreement, &order->agreement_bytes), 0);
	b = cpnp_buf_bytes(&order->opening_bytes);
	ck_assert_int_eq(hash_once(&b, 1, order->ref), 0);
	b = cpnp_buf_bytes(&order->agreement_bytes);
	ck_assert_int_eq(hash_once(&b, 1, order->digest), 0);
}

/* The same with the empty CPD. */
static inline void
fx_order_init(struct order *order, const char *client, const char *provider,
    const char *id)
{
	static const uint8_t service[] = {0x82, 0x00, 0xa0};

	fx_order_init_service(order, client, provider, id,
	    (cpnp_bytes){service, sizeof(service)});
}

static inline void
fx_order_fini(struct order *order)
{
	cpnp_buf_fini(&order->opening_bytes);
	cpnp_buf_fini(&order->agreement_bytes);
	cpnp_buf_fini(&order->offer);
	cpnp_buf_fini(&order->accept);
	cpnp_buf_fini(&order->ack);
	cpnp_buf_fini(&order->receipt);
}

static inline void
fx_put_order(cpnp_journal *journal, const struct order *order)
{
	ck_assert_int_eq(cpnp_journal_put_order(journal, order->ref,
	    cpnp_buf_bytes(&order->opening_bytes),
	    cpnp_buf_bytes(&order->agreement_bytes), CPNP_BYTES_NONE), 0);
}

/* The provider's book of the order, up to the receipt for the ACCEPT. */
static inline void
fx_provider_book(struct party *provider, struct order *order)
{
	uint64_t index;

	fx_sql(provider->db, "BEGIN");
	fx_put_order(provider->journal, order);
	fx_append_state(provider->journal, order, 1, 0, 10);
	(void)fx_append(
	    provider->journal, order, cpnp_buf_bytes(&order->offer));
	index = fx_append(
	    provider->journal, order, cpnp_buf_bytes(&order->accept));
	ck_assert_int_eq(cpnp_journal_sign_head(provider->journal, NOW), 0);
	ck_assert_int_eq(cpnp_journal_receipt(
	    provider->journal, index, &order->receipt), 0);
	(void)fx_append(provider->journal, order, cpnp_buf_bytes(&order->ack));
	fx_append_state(provider->journal, order, 1, 13, 8);
	ck_assert_int_eq(cpnp_journal_sign_head(provider->journal, NOW), 0);
	fx_sql(provider->db, "COMMIT");
}

static inline void
fx_client_book(struct party *client, const struct order *order)
{
	fx_sql(client->db, "BEGIN");
	fx_append_state(client->journal, order, 0, 0, 1);
	fx_append_state(client->journal, order, 0, 1, 3);
	(void)fx_append(client->journal, order, cpnp_buf_bytes(&order->offer));
	(void)fx_append(
	    client->journal, order, cpnp_buf_bytes(&order->accept));
	(void)fx_append(client->journal, order, cpnp_buf_bytes(&order->ack));
	fx_put_order(client->journal, order);
	ck_assert_int_eq(cpnp_journal_put_order(client->journal, order->ref,
	    CPNP_BYTES_NONE, CPNP_BYTES_NONE,
	    cpnp_buf_bytes(&order->receipt)), 0);
	ck_assert_int_eq(cpnp_journal_sign_head(client->journal, NOW), 0);
	fx_sql(client->db, "COMMIT");
}

/* One order from QUOTATION to ACK, in both books. */
static inline void
fx_negotiate(
    struct party *client, struct party *provider, struct order *order)
{
	fx_sign(provider->signer, fx_statement(order, CPNP_STATEMENT_OFFER),
	    NULL, &order->offer);
	fx_sign(client->signer, fx_statement(order, CPNP_STATEMENT_ACCEPT),
	    &order->offer, &order->accept);
	fx_sign(provider->signer, fx_statement(order, CPNP_STATEMENT_ACK),
	    &order->accept, &order->ack);
	fx_provider_book(provider, order);
	fx_client_book(client, order);
}

/* As unit_run(), with a fixture and time for many signatures. */
static inline int
fx_run(const char *name, const TTest *const *tests, size_t n,
    void (*setup)(void), void (*teardown)(void))
{
	return unit_run_with(name, tests, n, setup, teardown, 120);
}

#endif
