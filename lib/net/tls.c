/*
 * Certificates: the context of each side, verification, names.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

/* RFC 9325, section 4.2: ECDHE with AEAD, nothing else. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define NAMELESS                                                               \
	"the certificate names nobody: its subjectAltName needs a dNSName, "   \
	"rfc822Name or URI"
#define SECURITY_LEVEL 2 /* 112 bits, RSA from 2048 */
#define SRV_PREFIX "_cpnps."
#define SRV_OID "1.3.6.1.5.5.7.8.7" /* RFC 4985, section 2 */

struct net_session *
net_tls_session(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

const char *
net_tls_reason(char *buf, size_t size)
{
	unsigned long error = ERR_peek_last_error();
	int reason = ERR_GET_REASON(error);
	const char *text = ERR_reason_error_string(error);

	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		snprintf(buf, size, "the peer refused: %s",
		    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else
		snprintf(buf, size, "%s",
		    text != NULL ? text : "the session ended");
	ERR_clear_error();
	return buf;
}

/* --- names --- */

static bool
is_printable(const uint8_t *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	}
	return true;
}

/* One name, when it is of this type and can stand for a party: a wildcard
 * cannot.  The three types cannot be mistaken for one another. */
static bool
name_take(const GENERAL_NAME *name, int type,
    char identity[CPNP_IDENTITY_MAX], size_t *len)
{
	const uint8_t *text;
	size_t n, i;

	if (name->type != type)
		return false;
	text = ASN1_STRING_get0_data(name->d.ia5);
	n = (size_t)ASN1_STRING_length(name->d.ia5);
	if (n == 0 || n > CPNP_IDENTITY_MAX || !is_printable(text, n))
		return false;
	if (type == GEN_DNS &&
	    (memchr(text, '*', n) != NULL || memchr(text, '@', n) != NULL ||
		memchr(text, ':', n) != NULL))
		return false;
	if ((type == GEN_EMAIL && memchr(text, '@', n) == NULL) ||
	    (type == GEN_URI && memchr(text, ':', n) == NULL))
		return false;
	for (i = 0; i < n; i++) {
		char c = (char)text[i];

		if (type == GEN_DNS && c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		identity[i] = c;
	}
	*len = n;
	return true;
}

static bool
names_search(const GENERAL_NAMES *names, int type,
    char identity[CPNP_IDENTITY_MAX], size_t *len)
{
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (name_take(sk_GENERAL_NAME_value(names, i), type, identity,
			len))
			return true;
	}
	return false;
}

int
net_tls_identity(X509 *cert, char identity[CPNP_IDENTITY_MAX], size_t *len,
    cpnp_diag *diag)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found;

	found = names != NULL &&
		(names_search(names, GEN_DNS, identity, len) ||
		    names_search(names, GEN_EMAIL, identity, len) ||
		    names_search(names, GEN_URI, identity, len));
	GENERAL_NAMES_free(names);
	if (found)
		return 0;
	return net_diag(diag, CPNP_ERR_CONFIG, NULL, NAMELESS);
}

static bool
srv_matches(const GENERAL_NAME *name, const char *service)
{
	const size_t prefix = sizeof(SRV_PREFIX) - 1;
	const ASN1_TYPE *value;
	const char *text;
	char oid[64];

	if (name->type != GEN_OTHERNAME ||
	    OBJ_obj2txt(oid, sizeof(oid), name->d.otherName->type_id, 1) <= 0 ||
	    strcmp(oid, SRV_OID) != 0)
		return false;
	value = name->d.otherName->value;
	if (value == NULL || value->type != V_ASN1_IA5STRING)
		return false;
	text = (const char *)ASN1_STRING_get0_data(value->value.ia5string);
	return (size_t)ASN1_STRING_length(value->value.ia5string) ==
		   prefix + strlen(service) &&
	       strncasecmp(text, SRV_PREFIX, prefix) == 0 &&
	       strncasecmp(text + prefix, service, strlen(service)) == 0;
}

bool
net_tls_name_matches(const struct net_client *client, X509 *cert)
{
	GENERAL_NAMES *names;
	bool found = false;
	int i;

	if (client->name_is_ip) {
		if (X509_check_ip_asc(cert, client->name, 0) == 1)
			return true;
	} else if (X509_check_host(cert, client->name, 0,
		       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
			   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
		       NULL) == 1) {
		return true;
	}
	if (client->service[0] == '\0')
		return false;
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
		if (srv_matches(
			sk_GENERAL_NAME_value(names, i), client->service))
			found = true;
	}
	GENERAL_NAMES_free(names);
	return found;
}

/* --- verification --- */

/* Called for each certificate of a chain; the peer's own is the last, at
 * depth 0.  To the checks of RFC 5280 we add that it names somebody, and on
 * a client, the right one. */
static int
on_verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct net_session *session = net_tls_session(ssl);
	int depth = X509_STORE_CTX_get_error_depth(store);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	char identity[CPNP_IDENTITY_MAX];
	size_t len;

	if (!good) {
		net_diag(&session->diag, CPNP_ERR_SIGNATURE, NULL,
		    "%s certificate: %s", depth == 0 ? "the peer's" : "a CA",
		    X509_verify_cert_error_string(
			X509_STORE_CTX_get_error(store)));
	} else if (depth == 0 && net_tls_identity(cert, identity, &len,
				     &session->diag) != 0) {
		X509_STORE_CTX_set_error(
		    store, X509_V_ERR_APPLICATION_VERIFICATION);
		good = 0;
	} else if (depth == 0 && session->side == CPNP_NET_CLIENT &&
		   !net_tls_name_matches(session->peer->client, cert)) {
		net_diag(&session->diag, CPNP_ERR_SIGNATURE, NULL,
		    "the certificate does not carry the name %.100s",
		    session->peer->client->name);
		X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
		good = 0;
	}
	if (!good)
		session->net->count.dtls_certificates++;
	return good;
}

int
net_tls_verify(const struct net_tls_side *tls, cpnp_net_side side, X509 *leaf,
    STACK_OF(X509) * chain, cpnp_wtime wall, cpnp_diag *diag)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int err = CPNP_ERR_NOMEM;

	if (ctx == NULL || leaf == NULL ||
	    X509_STORE_CTX_init(ctx, tls->store, leaf, chain) != 1 ||
	    X509_STORE_CTX_set_default(ctx,
		side == CPNP_NET_SERVER ? "ssl_client" : "ssl_server") != 1) {
		net_diag(diag, err, NULL, "a certificate cannot be checked");
		goto out;
	}
	X509_STORE_CTX_set_time(ctx, 0, (time_t)wall.sec);
	X509_VERIFY_PARAM_set_auth_level(
	    X509_STORE_CTX_get0_param(ctx), SECURITY_LEVEL);
	err = 0;
	if (X509_verify_cert(ctx) != 1)
		err = net_diag(diag, CPNP_ERR_SIGNATURE, NULL,
		    "the peer's certificate: %s",
		    X509_verify_cert_error_string(
			X509_STORE_CTX_get_error(ctx)));
out:
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

static void
expiry_min(cpnp_wtime *expiry, X509 *cert)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;

	if (epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch,
				 X509_get0_notAfter(cert)) == 1) {
		int64_t sec = (int64_t)days * 86400 + seconds;

		if (sec < expiry->sec)
			expiry->sec = sec;
	}
	ASN1_TIME_free(epoch);
}

cpnp_wtime
net_tls_expiry(X509 *leaf, STACK_OF(X509) * chain)
{
	cpnp_wtime expiry = {CPNP_WTIME_MAX};
	int i;

	expiry_min(&expiry, leaf);
	for (i = 0; i < sk_X509_num(chain); i++)
		expiry_min(&expiry, sk_X509_value(chain, i));
	return expiry;
}

/* --- contexts --- */

/* Without this OpenSSL asks on the terminal. */
static int
on_password(char *buf, int size, int write, void *user)
{
	(void)buf;
	(void)size;
	(void)write;
	(void)user;
	return -1;
}

/* RFC 6347 has clients prove their address; ours do, before there is a
 * session that could ask (dtls.c). */
static int
on_cookie(SSL *ssl, const unsigned char *cookie, unsigned len)
{
	(void)ssl;
	(void)cookie;
	(void)len;
	return 1;
}

static int
context_configure(SSL_CTX *ctx, cpnp_net_side side)
{
	/* not const, as OpenSSL's macros want them */
	static char signatures[] =
	    "ed25519:ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256";
	static char groups[] = "X25519:P-256";

	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
		SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_default_passwd_cb(ctx, on_password);
	SSL_CTX_set_verify(ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
	if (SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1 ||
	    SSL_CTX_set1_sigalgs_list(ctx, signatures) != 1 ||
	    SSL_CTX_set1_client_sigalgs_list(ctx, signatures) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1)
		return CPNP_ERR_CRYPTO;
	if (side == CPNP_NET_SERVER) {
		SSL_CTX_set_cookie_verify_cb(ctx, on_cookie);
		if (SSL_CTX_set_session_id_context(
			ctx, (const uint8_t *)"cpnp", 4) != 1)
			return CPNP_ERR_CRYPTO;
		net_resume_attach(ctx);
	}
	return 0;
}

static int
key_check(EVP_PKEY *key, const char *file, cpnp_diag *diag)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "ED25519"))
		return 0;
	if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048)
		return 0;
	if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    strcmp(group, "prime256v1") == 0)
		return 0;
	return net_diag(diag, CPNP_ERR_CONFIG, file,
	    "the key has to be Ed25519, ECDSA P-256 or RSA of 2048 bits");
}

/*
 * OpenSSL finds no cipher for an Ed25519 certificate in DTLS, since it looks
 * for TLS by its version number (ssl_set_masks()).  With a certificate of type
 * ECDSA beside it, it does.  That one is never sent: only ed25519 is left to
 * sign with, and what clients may sign with is a list of its own.
 */
static int
allow_ed25519(SSL_CTX *ctx)
{
	static char only[] = "ed25519";
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *own = SSL_CTX_get0_certificate(ctx), *cert = X509_new();
	int err = CPNP_ERR_CRYPTO;

	if (key != NULL && cert != NULL && X509_set_version(cert, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), 0) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_sign(cert, key, EVP_sha256()) > 0 &&
	    SSL_CTX_use_certificate(ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
	    SSL_CTX_set1_sigalgs_list(ctx, only) == 1 &&
	    SSL_CTX_select_current_cert(ctx, own) == 1)
		err = 0;
	X509_free(cert);
	EVP_PKEY_free(key);
	return err;
}

static int
file_error(const char *file, const char *what, cpnp_diag *diag)
{
	char reason[100];

	return net_diag(diag, CPNP_ERR_CONFIG, file, "%s: %s", what,
	    net_tls_reason(reason, sizeof(reason)));
}

static int
load_own(SSL_CTX *ctx, cpnp_net_side which, const cpnp_net_tls *tls,
    struct net_tls_side *side, cpnp_diag *diag)
{
	int err;

	if (SSL_CTX_use_certificate_chain_file(ctx, tls->certificate) != 1)
		return file_error(
		    tls->certificate, "no certificate in PEM here", diag);
	if (SSL_CTX_use_PrivateKey_file(ctx, tls->key, SSL_FILETYPE_PEM) != 1)
		return file_error(tls->key,
		    "no unencrypted key in PEM here that fits the certificate",
		    diag);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return file_error(tls->key,
		    "the key is not that of the certificate", diag);
	if (key_check(SSL_CTX_get0_privatekey(ctx), tls->key, diag) != 0)
		return CPNP_ERR_CONFIG;
	err = net_tls_identity(SSL_CTX_get0_certificate(ctx), side->identity,
	    &side->identity_len, diag);
	if (err != 0)
		return net_diag(diag, err, tls->certificate, NAMELESS);
	if (which == CPNP_NET_SERVER &&
	    EVP_PKEY_is_a(SSL_CTX_get0_privatekey(ctx), "ED25519") &&
	    allow_ed25519(ctx) != 0)
		return file_error(
		    tls->key, "OpenSSL does not take the key", diag);
	return 0;
}

static int
load_peers(SSL_CTX *ctx, cpnp_net_side side, const cpnp_net_tls *tls,
    X509_STORE *store, cpnp_diag *diag)
{
	STACK_OF(X509_NAME) * names;
	X509_LOOKUP *lookup;

	if (X509_STORE_load_file(store, tls->ca) != 1)
		return file_error(tls->ca, "no CA certificate in PEM here",
		    diag);
	if (tls->crl != NULL) {
		lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
		if (lookup == NULL || X509_load_crl_file(lookup, tls->crl,
					  X509_FILETYPE_PEM) < 1)
			return file_error(
			    tls->crl, "no revocation list in PEM here", diag);
		X509_STORE_set_flags(
		    store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	}
	SSL_CTX_set1_cert_store(ctx, store);
	if (side == CPNP_NET_SERVER) {
		names = SSL_load_client_CA_file(tls->ca);
		if (names == NULL)
			return file_error(
			    tls->ca, "no CA certificate in PEM here", diag);
		SSL_CTX_set_client_CA_list(ctx, names);
	}
	return 0;
}

int
net_tls_load(cpnp_net *net, cpnp_net_side side, const cpnp_net_tls *tls,
    cpnp_diag *diag)
{
	struct net_tls_side *old = &net->tls[side];
	struct net_tls_side fresh = {.generation = old->generation + 1};
	int err = CPNP_ERR_CONFIG;

	if (tls->certificate == NULL || tls->key == NULL || tls->ca == NULL)
		return net_diag(diag, err, "DTLS",
		    "needs the files of a certificate, its key and the CAs");
	ERR_clear_error();
	fresh.ctx = SSL_CTX_new(side == CPNP_NET_SERVER ? DTLS_server_method()
							: DTLS_client_method());
	fresh.store = X509_STORE_new();
	if (fresh.ctx == NULL || fresh.store == NULL ||
	    SSL_CTX_set_app_data(fresh.ctx, net) != 1 ||
	    context_configure(fresh.ctx, side) != 0) {
		err = file_error("DTLS", "OpenSSL does not start", diag);
		goto fail;
	}
	net_keylog_attach(net, fresh.ctx);
	err = load_own(fresh.ctx, side, tls, &fresh, diag);
	if (err == 0)
		err = load_peers(fresh.ctx, side, tls, fresh.store, diag);
	if (err != 0)
		goto fail;
	net_tls_fini(old);
	*old = fresh;
	return 0;
fail:
	net_tls_fini(&fresh);
	ERR_clear_error();
	return err;
}

void
net_tls_fini(struct net_tls_side *tls)
{
	SSL_CTX_free(tls->ctx);
	X509_STORE_free(tls->store);
	tls->ctx = NULL;
	tls->store = NULL;
}
