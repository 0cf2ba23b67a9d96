/*
 * The files that a configuration names: there, readable, private keys
 * private, certificates valid now and fitting their keys.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cpnp/message.h>

#include "conf.h"

struct checker {
	const cpnp_conf *conf;
	cpnp_conf_report *report;
	void *user;
	cpnp_wtime now;
	unsigned mistakes;
};

#define WRONG(c, text, option, ...)                                            \
	do {                                                                   \
		cpnp_conf_complain((c)->conf, (text)->line, (c)->report,       \
		    (c)->user, (option), __VA_ARGS__);                         \
		(c)->mistakes++;                                               \
	} while (0)

/* A regular file that can be opened, or NULL and a mistake. */
static FILE *
open_file(struct checker *c, const cpnp_conf_text *text, const char *option,
    const char *expected)
{
	struct stat st;
	FILE *f;

	if (text->value == NULL)
		return NULL;
	f = fopen(text->value, "re");
	if (f == NULL) {
		WRONG(c, text, option, "%s: %s; expected %s", text->value,
		    strerror(errno), expected);
		return NULL;
	}
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		WRONG(c, text, option, "%s: is not a regular file; expected "
		    "%s", text->value, expected);
		fclose(f);
		return NULL;
	}
	return f;
}

/* Without it OpenSSL would ask a terminal for the passphrase. */
static int
no_passphrase(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}

static EVP_PKEY *
load_key(struct checker *c, const cpnp_conf_text *text, const char *option)
{
	FILE *f = open_file(c, text, option, "a private key in PEM");
	EVP_PKEY *key = NULL;
	struct stat st;

	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && (st.st_mode & 077) != 0)
		WRONG(c, text, option, "%s: has mode %04o, others than its "
		    "owner can get at the key; expected mode 0600, set it "
		    "with chmod 600 %s", text->value,
		    (unsigned)(st.st_mode & 07777), text->value);
	else
		key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	if (key == NULL && (st.st_mode & 077) == 0)
		WRONG(c, text, option, "%s: holds no private key that can be "
		    "read; expected one in PEM, not encrypted", text->value);
	fclose(f);
	ERR_clear_error();
	return key;
}

static X509 *
load_certificate(
    struct checker *c, const cpnp_conf_text *text, const char *option)
{
	FILE *f = open_file(c, text, option, "a certificate in PEM");
	X509 *cert;

	if (f == NULL)
		return NULL;
	cert = PEM_read_X509(f, NULL, no_passphrase, NULL);
	if (cert == NULL)
		WRONG(c, text, option, "%s: holds no certificate; expected "
		    "one in PEM, \"-----BEGIN CERTIFICATE-----\"",
		    text->value);
	fclose(f);
	ERR_clear_error();
	return cert;
}

static void
format_time(const ASN1_TIME *time, char out[CPNP_DATE_LEN])
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	cpnp_wtime when;
	int days = 0, seconds = 0;

	out[0] = '\0';
	if (epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time)) {
		when.sec = (int64_t)days * 86400 + seconds;
		cpnp_date_format(CPNP_EDITION_RFC8921, when, out);
	}
	ASN1_TIME_free(epoch);
}

static void
check_dates(struct checker *c, X509 *cert, const cpnp_conf_text *text,
    const char *option)
{
	time_t now = (time_t)c->now.sec;
	char date[CPNP_DATE_LEN];

	if (X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0) {
		format_time(X509_get0_notAfter(cert), date);
		WRONG(c, text, option, "%s: the certificate expired at %s; "
		    "expected one that is valid now", text->value, date);
	} else if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0) {
		format_time(X509_get0_notBefore(cert), date);
		WRONG(c, text, option, "%s: the certificate is not valid "
		    "before %s; expected one that is valid now, or a correct "
		    "clock", text->value, date);
	}
}

static void
check_certificate(struct checker *c)
{
	const cpnp_conf *conf = c->conf;
	X509 *cert = load_certificate(c, &conf->certificate, "certificate");
	EVP_PKEY *key = load_key(c, &conf->key, "key");
	X509 *ca;

	if (cert != NULL)
		check_dates(c, cert, &conf->certificate, "certificate");
	if (cert != NULL && key != NULL &&
	    X509_check_private_key(cert, key) != 1)
		WRONG(c, &conf->key, "key", "%s: is not the key of the "
		    "certificate in %s; expected the private key that this "
		    "certificate was made for", conf->key.value,
		    conf->certificate.value);
	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(cert);
	EVP_PKEY_free(load_key(c, &conf->ledger_key, "ledger-key"));
	ca = load_certificate(c, &conf->ca, "ca");
	if (ca != NULL)
		check_dates(c, ca, &conf->ca, "ca");
	X509_free(ca);
}

/* The store is made at the first start; its directory has to be there. */
static void
check_store(struct checker *c)
{
	const cpnp_conf_text *text = &c->conf->store;
	const char *slash = strrchr(text->value, '/');
	char dir[4096] = ".";
	struct stat st;

	if (slash != NULL)
		snprintf(dir, sizeof(dir), "%.*s",
		    slash == text->value ? 1 : (int)(slash - text->value),
		    text->value);
	if (stat(dir, &st) != 0)
		WRONG(c, text, "store", "%s: %s; expected a directory for %s",
		    dir, strerror(errno), text->value);
	else if (!S_ISDIR(st.st_mode))
		WRONG(c, text, "store", "%s: is not a directory; expected "
		    "the name of a file in one", dir);
	else if (stat(text->value, &st) == 0 && S_ISDIR(st.st_mode))
		WRONG(c, text, "store", "%s: is a directory; expected the "
		    "name of a file in it, such as %s/cpnpd.db", text->value,
		    text->value);
}

/* Whoever runs it may be another user: some may. */
static void
check_program(struct checker *c, const cpnp_conf_list *list,
    const char *option)
{
	const cpnp_conf_text *text = list->n > 0 ? &list->items[0] : NULL;
	struct stat st;

	if (text == NULL)
		return;
	if (text->value[0] != '/')
		WRONG(c, text, option, "\"%s\" is no absolute name; expected "
		    "one that begins with /, as no path is searched",
		    text->value);
	else if (stat(text->value, &st) != 0)
		WRONG(c, text, option, "%s: %s; expected a program that can "
		    "be run", text->value, strerror(errno));
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		WRONG(c, text, option, "%s: is no program; expected a file "
		    "with permission to execute it", text->value);
}

static void
check_readable(struct checker *c, const cpnp_conf_text *text,
    const char *option, const char *expected)
{
	FILE *f = open_file(c, text, option, expected);

	if (f != NULL)
		fclose(f);
}

unsigned
cpnp_conf_check_files(const cpnp_conf *conf, cpnp_wtime now,
    cpnp_conf_report *report, void *user)
{
	struct checker c = {conf, report, user, now, 0};
	size_t i;

	check_certificate(&c);
	check_readable(&c, &conf->crl, "crl",
	    "a revocation list of each authority, in PEM");
	check_readable(&c, &conf->ledger.conf, "conf",
	    "a configuration of a ledger, cpnp-ledger.conf(5)");
	check_readable(&c, &conf->catalogue, "catalogue",
	    "a catalogue, cpnp-catalogue(5)");
	check_readable(&c, &conf->network, "network",
	    "a network, cpnp-network(5)");
	check_readable(&c, &conf->policy, "policy",
	    "a policy, cpnp-policy(5)");
	check_store(&c);
	check_program(&c, &conf->event_command, "event-command");
	check_program(
	    &c, &conf->approval.notify_command, "notify-command");
	check_program(&c, &conf->decision.command, "command");
	for (i = 0; i < conf->customers_n; i++)
		check_readable(&c, &conf->customers[i].statement_key,
		    "statement-key", "a public key or certificate in PEM");
	return c.mistakes;
}
