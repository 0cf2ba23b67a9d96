/*
 * The configuration of cpnpd: what is read, and that each mistake is told
 * with file, line, option, what is wrong and what would be right.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cpnp/message.h>

#include "../../cpnpd/conf.h"
#include "../../cpnpd/conf_text.h"
#include "unit.h"

#define NOW INT64_C(1795249800) /* 2026-11-21T08:30:00Z */
#define DAY INT64_C(86400)

static char dir[] = "/tmp/cpnp-conf.XXXXXX";
static char told[16384];
static unsigned told_n;

static void
tell(void *user, const char *line)
{
	size_t len = strlen(told);

	(void)user;
	snprintf(told + len, sizeof(told) - len, "%s\n", line);
	told_n++;
}

/* ---- files to point at ---- */

static const char *
in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in_dir(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(in_dir(name), mode), 0);
}

static EVP_PKEY *
put_key(const char *name, mode_t mode)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	FILE *f = fopen(in_dir(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	ck_assert_int_eq(chmod(in_dir(name), mode), 0);
	return key;
}

static void
put_cert(const char *name, EVP_PKEY *key, int64_t from, int64_t until)
{
	X509 *cert = X509_new();
	FILE *f = fopen(in_dir(name), "w");

	ck_assert_ptr_nonnull(f);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from);
	ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until);
	X509_set_pubkey(cert, key);
	ck_assert_int_gt(X509_sign(cert, key, NULL), 0);
	ck_assert_int_eq(PEM_write_X509(f, cert), 1);
	fclose(f);
	X509_free(cert);
}

static void
put_files(void)
{
	EVP_PKEY *key, *other;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	key = put_key("key", 0600);
	other = put_key("other-key", 0600);
	put_cert("cert", key, NOW - DAY, NOW + DAY);
	put_cert("ca", other, NOW - DAY, NOW + DAY);
	put_cert("expired", key, NOW - 2 * DAY, NOW - DAY);
	put_cert("early", key, NOW + DAY, NOW + 2 * DAY);
	EVP_PKEY_free(put_key("open-key", 0644));
	EVP_PKEY_free(put_key("group-key", 0640));
	put_file("catalogue", "<catalogue/>", 0644);
	put_file("text", "hello\n", 0600);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void
remove_files(void)
{
	static const char *const names[] = {"key", "other-key", "cert", "ca",
		"expired", "early", "open-key", "group-key", "catalogue",
		"text", "conf"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	rmdir(dir);
}

/* ---- loading ---- */

/* $D in a text is the directory. */
static void
expand(const char *text, char *out, size_t size)
{
	size_t len = 0;

	for (; *text != '\0' && len + sizeof(dir) < size; text++)
		if (text[0] == '$' && text[1] == 'D') {
			len += (size_t)sprintf(out + len, "%s", dir);
			text++;
		} else {
			out[len++] = *text;
		}
	out[len] = '\0';
}

static int
load(const char *text, cpnp_conf **conf)
{
	char file[8192];

	told[0] = '\0';
	told_n = 0;
	expand(text, file, sizeof(file));
	put_file("conf", file, 0644);
	return cpnp_conf_load(
	    conf, in_dir("conf"), (cpnp_wtime){NOW}, tell, NULL);
}

/* CPNP_ACCOUNT_MAX and one more. */
#define ACCOUNT_65                                                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define BASE                                                                   \
	"listen-dtls = {\"127.0.0.1:1\"}\n"                                    \
	"certificate = \"$D/cert\"\n"                                          \
	"key = \"$D/key\"\n"                                                   \
	"ca = \"$D/ca\"\n"                                                     \
	"store = \"$D/db\"\n"                                                  \
	"catalogue = \"$D/catalogue\"\n" /* six lines */

/* ---- tests ---- */

START_TEST(test_conf_reads_what_is_written)
{
	cpnp_conf *conf = NULL;
	const cpnp_conf_customer *c;

	ck_assert_int_eq(
	    load(BASE
		"listen-udp = {127.0.0.1, \"[::1]:7\"}\n"
		"identity = provider.example\n"
		"log { destination = syslog level = debug }\n"
		"timers { retrans-timer = \"500 ms\" max-retries = 5\n"
		" expected-offer-time = \"2 min\" }\n"
		"limits { max-orders = 17 session-idle-time = \"1 h\" }\n"
		"customer \"b.example\" { max-held-capacity = \"1 Gbit/s\"\n"
		" max-open-orders = 3 may-order = no account = \"acct\" }\n"
		"customer \"a.example\" { require-statement = no }\n"
		"access \"192.0.2.0/24\" { identity = \"a.example\"\n"
		" no-cookie = yes }\n",
		&conf),
	    0);
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(conf->listen_dtls.n, 1);
	ck_assert_uint_eq(conf->listen_udp.n, 2);
	ck_assert_str_eq(conf->listen_udp.items[1].value, "[::1]:7");
	ck_assert_str_eq(conf->identity.value, "provider.example");
	ck_assert_int_eq(conf->log.destination, 1);
	ck_assert_int_eq(conf->log.level, CPNP_LOG_DEBUG);
	ck_assert_uint_eq(conf->timers.retrans, 500000000);
	ck_assert_uint_eq(conf->timers.retries_max, 5);
	ck_assert_uint_eq(
	    conf->timers.expected_offer, UINT64_C(120000000000));
	ck_assert_uint_eq(conf->timers.resend, 200000000); /* default */
	ck_assert_uint_eq(conf->limits.orders_max, 17);
	ck_assert_uint_eq(conf->limits.idle, UINT64_C(3600000000000));
	ck_assert_uint_eq(conf->limits.sessions_max, 0);
	c = cpnp_conf_customer_find(conf, CPNP_BYTES_LIT("b.example"));
	ck_assert_ptr_nonnull(c);
	ck_assert(!c->may_order && c->require_statement);
	ck_assert_uint_eq(c->held_max, 1000000000);
	ck_assert_uint_eq(c->open_max, 3);
	ck_assert_str_eq(c->account.value, "acct");
	c = cpnp_conf_customer_find(conf, CPNP_BYTES_LIT("a.example"));
	ck_assert(c->may_order && !c->require_statement);
	ck_assert_uint_eq(c->held_max, UINT64_MAX);
	ck_assert_ptr_null(
	    cpnp_conf_customer_find(conf, CPNP_BYTES_LIT("a.exampl")));
	ck_assert_ptr_null(
	    cpnp_conf_customer_find(conf, CPNP_BYTES_LIT("c")));
	ck_assert_uint_eq(conf->access_n, 1);
	ck_assert(conf->access[0].no_cookie);
	cpnp_conf_del(conf);
}
END_TEST

#define BIT(m) CPNP_CONF_METHOD_BIT(CPNP_METHOD_##m)

/* C13, C14: who may do what, and what an administrator decides. */
START_TEST(test_conf_reads_approval)
{
	cpnp_conf *conf = NULL;
	const cpnp_conf_customer *c;

	ck_assert_int_eq(
	    load(BASE
		"approval { methods = {update, activate} above = \"10.5 EUR\"\n"
		" escalate = yes time = \"10 min\" margin = \"30 s\"\n"
		" max = \"2 h\" notify-command = {\"/bin/sh\", \"-c\"} }\n"
		"customer \"a.example\" { }\n"
		"customer \"b.example\" { approval-methods = {none}\n"
		" approval-above = \"0 USD\" escalate = no\n"
		" methods = {quotation, withdraw} }\n"
		"customer \"c.example\" { methods = {none} }\n",
		&conf),
	    0);
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(conf->approval.time, UINT64_C(600000000000));
	ck_assert_uint_eq(conf->approval.margin, UINT64_C(30000000000));
	ck_assert_uint_eq(conf->approval.extend, UINT64_C(3600000000000));
	ck_assert_uint_eq(conf->approval.notify_command.n, 2);
	c = cpnp_conf_customer_find(conf, CPNP_BYTES_LIT("a.example"));
	ck_assert_uint_eq(c->approves.methods.bits,
	    BIT(UPDATE) | BIT(ACTIVATE));
	ck_assert_int_eq(c->approves.above.amount, 105);
	ck_assert_uint_eq(c->approves.above.exponent, 1);
	ck_assert_str_eq(c->approves.above.code, "EUR");
	ck_assert_int_eq(c->approves.escalate, 1);
	ck_assert_uint_eq(c->methods.bits, UINT32_MAX);
	ck_assert(cpnp_conf_may_wait(&c->approves));
	c = cpnp_conf_customer_find(conf, CPNP_BYTES_LIT("b.example"));
	ck_assert_uint_eq(c->approves.methods.bits, 0);
	ck_assert_int_eq(c->approves.above.amount, 0);
	ck_assert_str_eq(c->approves.above.code, "USD");
	ck_assert_int_eq(c->approves.escalate, 0);
	ck_assert_uint_eq(c->methods.bits, BIT(QUOTATION) | BIT(WITHDRAW));
	c = cpnp_conf_customer_find(conf, CPNP_BYTES_LIT("c.example"));
	ck_assert_uint_eq(c->methods.bits, 0);
	cpnp_conf_del(conf);
	/* Without any of it everything is decided at once. */
	ck_assert_int_eq(load(BASE "customer \"a\" { }\n", &conf), 0);
	ck_assert(!cpnp_conf_may_wait(&conf->customers[0].approves));
	cpnp_conf_del(conf);
}
END_TEST

/* A mistake, where it is told to be, and what it says. */
static const struct {
	const char *text;
	const char *place; /* ":line: option: " */
	const char *wrong;
	const char *remedy;
} mistakes[] = {
	{BASE "colour = red\n", ":7: colour: ", "there is no such option",
	    "expected one of listen-dtls, listen-udp, identity"},
	{BASE "catalog = \"x\"\n", ":7: catalog: ", "there is no such option",
	    "expected \"catalogue\", or one of"},
	{BASE "log {\n  levle = info\n}\n", ":8: levle: ",
	    "no such option in section log", "expected \"level\""},
	{BASE "customers \"a\" { }\n", ":7: customers: ",
	    "no such option or section", "expected \"customer\""},
	{BASE "log {\n level = loud\n}\n", ":8: level: ", "\"loud\" is not one",
	    "expected error, warning, info or debug"},
	{BASE "log {\n destination = paper\n}\n", ":8: destination: ",
	    "\"paper\"", "expected stderr or syslog"},
	{BASE "listen-udp = {10.0.0.256}\n", ":7: listen-udp: ",
	    "\"10.0.0.256\" is no IP address", "\"192.0.2.1:49921\""},
	{BASE "listen-udp = {\"10.0.0.1:70000\"}\n", ":7: listen-udp: ",
	    "no port from 0 to 65535", "expected an IP address"},
	{BASE "listen-udp = {\"[::1\"}\n", ":7: listen-udp: ",
	    "is no IP address", "[2001:db8::1]"},
	{BASE "listen-udp = {\"127.0.0.1\"}\n", ":7: listen-udp: ",
	    "plain UDP has no access list", "access \"prefix\""},
	{BASE "timers {\n\n retrans-timer = 2 }\n", ":9: retrans-timer: ",
	    "\"2\" is not one", "expected a time from 100 ms to 1 h"},
	{BASE "timers {\n retrans-timer = \"2 weeks\" }\n",
	    ":8: retrans-timer: ", "\"2 weeks\"", "such as \"2 s\""},
	{BASE "timers { retrans-timer = \"1 ms\" }\n", ":7: retrans-timer: ",
	    "\"1 ms\"", "from 100 ms"},
	{BASE "timers { max-retries = -1 }\n", ":7: max-retries: ", "\"-1\"",
	    "a whole number from 0 to 20"},
	{BASE "key-log = often\n", ":7: key-log: ", "\"often\"",
	    "expected yes or no"},
	{BASE "limits { max-memory = 2 }\n", ":7: max-memory: ", "\"2\"",
	    "such as \"500 MB\""},
	{BASE "limits { max-memory = \"99999 B\" }\n", ":7: max-memory: ",
	    "\"99999 B\"", "from 100 kB"},
	{BASE "limits { max-memory = \"99999999999999999999 TB\" }\n",
	    ":7: max-memory: ", "999 TB\"", "to 1000 TB"},
	{BASE "customer \"a\" { max-memory = \"9 Gb\" }\n",
	    ":7: max-memory: ", "\"9 Gb\"", "such as \"500 MB\""},
	{BASE "customer \"a\" { order-rate = 0 }\n", ":7: order-rate: ",
	    "\"0\"", "from 1 to 10000000"},
	{BASE "limits { ipv4-prefix-length = 33 }\n",
	    ":7: ipv4-prefix-length: ", "\"33\"", "from 1 to 32"},
	{BASE "limits { ipv6-prefix-length = 0 }\n",
	    ":7: ipv6-prefix-length: ", "\"0\"", "from 1 to 128"},
	{BASE "limits { handshake-rate = 10000001 }\n",
	    ":7: handshake-rate: ", "\"10000001\"", "from 1 to 10000000"},
	{BASE "customer \"a\" { }\naccess \"10.0.0.0/8\" {\n identity = \"a\"\n"
	    "rate = 0 }\n", ":10: rate: ", "\"0\"", "from 1 to 10000000"},
	{BASE "customer \"a\" { }\naccess \"10.0.0.0/8\" {\n identity = \"a\"\n"
	    "prefix-length = 33 }\n", ": prefix-length: ", "33 is more",
	    "from 1 to 32"},
	{BASE "limits { max-orders = many }\n", ":7: max-orders: ",
	    "\"many\"", "a whole number from 1"},
	{BASE "customer \"a\" { max-held-capacity = 100 }\n",
	    ":7: max-held-capacity: ", "\"100\"",
	    "a rate such as \"100 Mbit/s\""},
	{BASE "customer \"a\" { may-order = perhaps }\n", ":7: may-order: ",
	    "\"perhaps\"", "expected yes or no"},
	{BASE "customer \"a\" { }\ncustomer \"a\" { }\n", ":8: a: ",
	    "has a second section", "one section for each name"},
	{BASE "customer { }\n", ":7: customer: ", "has no name",
	    "customer \"enterprise.example\" {"},
	{BASE "customer \"Enterprise.example\" { }\n", ":7: customer: ",
	    "upper case letters", "\"enterprise.example\""},
	{BASE "customer \"a b\" { }\n", ":7: customer: ", "has a space",
	    "expected a name"},
	{BASE "customer \"a\" { methods = {order} }\n", ":7: methods: ",
	    "\"order\"", "none, quotation, update"},
	{BASE "customer \"a\" { methods = {} }\n", ":7: methods: ",
	    "is an empty list", "none, quotation, update"},
	{BASE "decision { mode = \"perhaps\" }\n", ":7: mode: ",
	    "\"perhaps\"", "also or instead"},
	{BASE "decision { on-failure = offer }\n", ":7: on-failure: ",
	    "\"offer\"", "refuse or escalate"},
	{BASE "decision { time = \"1 ms\" }\n", ":7: time: ", "\"1 ms\"",
	    "from 10 ms to 1 h"},
	{BASE "decision { max-programs = 257 }\n", ":7: max-programs: ",
	    "\"257\"", "from 1 to 256"},
	{BASE "decision { command = {\"oss\"} }\n", ":7: command: ",
	    "no absolute name", "begins with /"},
	{BASE "network = \"$D/none\"\n", ":7: network: ", "No such file",
	    "cpnp-network(5)"},
	{BASE "customer \"a\" { profile = \"gold\" }\n", ":7: profile: ",
	    "\"gold\" is of no policy", "cpnp-policy(5)"},
	{BASE "approval { methods = {cancel} }\n", ":7: methods: ",
	    "never approved", "none, quotation, update or activate"},
	{BASE "approval { above = 10 }\n", ":7: above: ", "\"10\"",
	    "such as \"1000.00 EUR\""},
	{BASE "approval { above = \"1,5 EUR\" }\n", ":7: above: ",
	    "\"1,5 EUR\"", "such as \"1000.00 EUR\""},
	{BASE "approval { above = \"1. EUR\" }\n", ":7: above: ",
	    "\"1. EUR\"", "an amount"},
	{BASE "approval { above = \"1.0000000001 EUR\" }\n", ":7: above: ",
	    "\"1.0000000001 EUR\"", "an amount"},
	{BASE "approval { above = \"9223372036854775808 EUR\" }\n",
	    ":7: above: ", "775808 EUR\"", "an amount"},
	{BASE "approval { above = \"1 ABCDEFGHIJKLM\" }\n", ":7: above: ",
	    "\"1 ABCDEFGHIJKLM\"", "an amount"},
	{BASE "customer \"a\" { approval-above = \"1 eur\" }\n",
	    ":7: approval-above: ", "\"1 eur\"", "an amount"},
	{BASE "customer \"a\" { escalate = often }\n", ":7: escalate: ",
	    "\"often\"", "expected yes or no"},
	{BASE "approval { time = \"1 min\" margin = \"1 min\" }\n",
	    ": margin: ", "not shorter than time", "less than that"},
	{BASE "approval { time = \"1 min\" margin = \"5 s\" max = \"30 s\" }\n",
	    ": max: ", "shorter than time", "that or more"},
	{BASE "approval { notify-command = {\"mail\", \"noc\"} }\n",
	    ":7: notify-command: ", "no absolute name", "begins with /"},
	{BASE "approval { notify-command = {\"$D/ca\"} }\n",
	    ":7: notify-command: ", "is no program", "permission to execute"},
	{BASE "ledger { conf = \"$D/none\" }\n", ":7: conf: ",
	    "none: No such file", "cpnp-ledger.conf(5)"},
	{BASE "ledger { token = \"EUR of bank\" }\n", ": conf: ",
	    "is missing", "in section ledger"},
	{BASE "ledger { token = \"eur\" }\n", ":7: token: ",
	    "\"eur\" names no token", "\"EUR of bank.example\""},
	{BASE "ledger { token = \"ABCDEFGHIJKLM\" }\n", ":7: token: ",
	    "names no token", "such as"},
	{BASE "ledger { token = \"EUR of \" }\n", ":7: token: ",
	    "names no token", "such as"},
	{BASE "ledger { offer = \"vpn\" }\n", ": conf: ",
	    "is missing", "in section ledger"},
	{BASE "ledger { offer = \"\" }\n", ":7: offer: ",
	    "\"\" names no entry", "\"vpn of carrier.example\""},
	{BASE "ledger { offer = \"12345678901234567890123456789012\" }\n",
	    ": conf: ", "is missing", "in section ledger"},
	{BASE "ledger { offer = \"123456789012345678901234567890123\" }\n",
	    ":7: offer: ", "names no entry", "such as"},
	{BASE "ledger { offer = \"vpn of \" }\n", ":7: offer: ",
	    "names no entry", "such as"},
	{BASE "ledger { offer = \"vpn of a b\" }\n", ":7: offer: ",
	    "names no entry", "such as"},
	{BASE "ledger { offer = \"vpn of us of them\" }\n", ": conf: ",
	    "is missing", "in section ledger"},
	{BASE "ledger { sla-auditor = \"a b\" }\n", ":7: sla-auditor: ",
	    "a character that no account has", "an account"},
	{BASE "ledger { sla-credit = \"101 %\" }\n", ":7: sla-credit: ",
	    "\"101 %\"", "from 0 % to 100 %"},
	{BASE "ledger { escrow-time = \"8 d\" }\n", ":7: escrow-time: ",
	    "\"8 d\"", "from 1 min to 7 d"},
	{BASE "ledger { anchor-leaves = 100000001 }\n",
	    ":7: anchor-leaves: ", "\"100000001\"", "from 0"},
	{BASE "ledger { sla-default = maybe }\n", ":7: sla-default: ",
	    "\"maybe\"", "rejected or upheld"},
	{BASE "customer \"a\" { account = \"" ACCOUNT_65 "\" }\n",
	    ":7: account: ", "65 bytes, of 1 to 64", "an account"},
	{"listen-udp = {\"127.0.0.1\"}\ncheckpoint-file = \"x\"\n",
	    ": key: ", "is missing", "checkpoint-file"},
	{BASE "access \"10.0.0.0/8\" { }\n", ":7: access: ",
	    "has no identity", "identity = \"name\""},
	{BASE "access \"10.0.0.0/8\" { identity = \"x\" }\n",
	    ":7: identity: ", "is no customer", "a customer section"},
	{BASE "access \"10.0.0.0/33\" { identity = \"x\" }\n", ":7: access: ",
	    "not from 0 to 32", "\"192.0.2.0/24\""},
	{BASE "user = \"no-such-user-here\"\n", ":7: user: ",
	    "there is no user", "a user of this system"},
	{BASE "group = \"no-such-group-here\"\n", ":7: group: ",
	    "there is no group", "a group of this system"},
	{BASE "key = \"$D/key\"\n", ":7: key: ", "is given twice",
	    "the first is in line 3"},
	{BASE "identity provider\n", ":7: identity: ", "no value follows",
	    "expected identity = value"},
	{BASE "identity = \"x\n", ": syntax: ", "premature end of file",
	    "expected option = value"},
	{BASE "log \"x\" { }\n", ":7: log: ", "no \"{\" follows",
	    "expected log { ... }"},
	{BASE "log {\n # }\n // }\n /* } */\n level = '}' }\n", ":11: level: ",
	    "\"}\" is not one", "expected error"},
	{BASE "\ncustomer \"a\" {\n # }\n may-order = yes // }\n /* } */",
	    ":8: syntax: ", "is never closed", "expected \"}\""},
	{BASE "customer \"a\\\"}\" {\n", ":7: syntax: ", "is never closed",
	    "expected \"}\""},
	{BASE "log { level = info }\nlog { level = debug }\n", ":8: level: ",
	    "is given twice", "the first is in line 7"},
	{BASE "listen-udp = {\"::1\",\n\"127.0.0.1\"}\nlisten-udp = \"::2\"\n",
	    ":9: listen-udp: ", "is given twice", "the first is in line 7"},
	{BASE "event-command = {\"/bin/cat\"}\nevent-command = {}\n",
	    ":8: event-command: ", "is given twice", "the first is in line 7"},
	{BASE "event-command = {}\nevent-command = {\"/bin/cat\"}\n",
	    ":8: event-command: ", "is given twice", "the first is in line 7"},
	{BASE "identity = {}\n", ":7: identity: ", "is an empty list",
	    "expected"},
	{BASE "event-command = {}\nevent-command = {}\n",
	    ":8: event-command: ", "is given twice", "the first is in line 7"},
	{BASE "}\n", ":7: syntax: ", "closing brace", "expected option"},
	{"store = \"$D/db\"\n", ": listen-dtls: ", "no address is given",
	    "such as listen-dtls = {"},
	{"listen-dtls = {\"[::1]\"}\n", ": certificate: ", "is missing",
	    "the certificate of this provider"},
	{"listen-dtls = {\"[::1]\"}\n", ": ca: ", "is missing",
	    "the authorities that certify customers"},
	{"listen-dtls = {\"[::1]\"}\n", ": catalogue: ", "is missing",
	    "cpnp-catalogue(5)"},
	{"listen-udp = {\"::1\"}\n", ":1: listen-udp: ", "is no IP address",
	    "[2001:db8::1]:49921"},
	{BASE "crl = \"$D/nothing\"\n", ":7: crl: ", "No such file",
	    "a revocation list"},
	{BASE "event-command = {\"tool\", \"x\"}\n", ":7: event-command: ",
	    "no absolute name", "no path is searched"},
	{BASE "event-command = {\"$D/nothing\"}\n", ":7: event-command: ",
	    "No such file", "a program that can be run"},
	{BASE "event-command = \"$D/catalogue\"\n", ":7: event-command: ",
	    "is no program", "permission to execute"},
	{BASE "event-command = \"$D\"\n", ":7: event-command: ",
	    "is no program", "permission to execute"},
	{BASE "event-command = {\"/bin/sh\", \"\"}\n", ":7: event-command: ",
	    "is empty", "a program and its arguments"},
	{BASE "ledger-key = \"$D/open-key\"\n", ":7: ledger-key: ",
	    "has mode 0644", "chmod 600"},
	{BASE "ledger-key = \"$D/group-key\"\n", ":7: ledger-key: ",
	    "has mode 0640", "expected mode 0600"},
	{BASE "ledger-key = \"$D/text\"\n", ":7: ledger-key: ",
	    "holds no private key", "in PEM, not encrypted"},
	{BASE "neighbour \"b\" { place = \"P\" reaches = {\"Q\"} }\n",
	    ":7: neighbour: ", "\"b\" has no server", "server = \"...\""},
	{BASE "neighbour \"b\" { server = \"h\" reaches = {\"Q\"} }\n",
	    ":7: neighbour: ", "\"b\" has no place", "place = \"...\""},
	{BASE "neighbour \"b\" { server = \"h\" place = \"P\" }\n",
	    ":7: neighbour: ", "\"b\" reaches nothing", "reaches = {"},
	{BASE "neighbour \"B\" { }\n", ":7: neighbour: ", "upper case",
	    "expected a name as in a certificate"},
	{BASE "children { recursion = hub }\n", ":7: recursion: ",
	    "\"hub\" is not one", "expected cascade or no"},
	{BASE "children { hop-limit = 256 }\n", ":7: hop-limit: ",
	    "\"256\" is not one", "from 1 to 255"},
	{BASE "children { repeat-min = \"1 min\" repeat-max = \"2 s\" }\n",
	    ": repeat-max: ",
	    "shorter than repeat-min", "expected that or more"},
	{BASE "customer \"a\" { statement-key = \"$D\" }\n",
	    ":7: statement-key: ", "is not a regular file",
	    "a public key or certificate"},
};

START_TEST(test_conf_tells_place_and_remedy)
{
	char place[512];
	cpnp_conf *conf = NULL;
	size_t i;

	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		ck_assert_msg(
		    load(mistakes[i].text, &conf) == CPNP_ERR_CONFIG,
		    "accepted: %s", mistakes[i].text);
		snprintf(place, sizeof(place), "%s/conf%s", dir,
		    mistakes[i].place[1] == ' ' ? "" : mistakes[i].place);
		ck_assert_msg(strstr(told, place) != NULL &&
			strstr(told, mistakes[i].place) != NULL &&
			strstr(told, mistakes[i].wrong) != NULL &&
			strstr(told, "expected") != NULL &&
			strstr(told, mistakes[i].remedy) != NULL,
		    "for\n%s\ntold:\n%s", mistakes[i].text, told);
	}
}
END_TEST

#define FILES(cert, key, ca)                                                   \
	"listen-dtls = {\"127.0.0.1:1\"}\ncertificate = \"$D/" cert "\"\n"     \
	"key = \"$D/" key "\"\nca = \"$D/" ca "\"\nstore = \"$D/db\"\n"        \
	"catalogue = \"$D/catalogue\"\n"

START_TEST(test_conf_checks_certificates_and_keys)
{
	cpnp_conf *conf = NULL;
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{FILES("cert", "other-key", "ca"),
		    ":3: key: $D/other-key: is not the key of the "
		    "certificate in $D/cert; expected the private key"},
		{FILES("cert", "open-key", "ca"),
		    ":3: key: $D/open-key: has mode 0644, others than its "
		    "owner can get at the key; expected mode 0600"},
		{FILES("cert", "cert", "ca"), ":3: key: $D/cert: has mode"},
		{FILES("cert", "text", "ca"),
		    ":3: key: $D/text: holds no private key"},
		{FILES("cert", "nokey", "ca"), ":3: key: $D/nokey: No such"},
		{FILES("expired", "key", "ca"),
		    ":2: certificate: $D/expired: the certificate expired at "
		    "2026-11-20T08:30:00Z; expected one that is valid now"},
		{FILES("early", "key", "ca"),
		    ":2: certificate: $D/early: the certificate is not valid "
		    "before 2026-11-22T08:30:00Z"},
		{FILES("text", "key", "ca"),
		    ":2: certificate: $D/text: holds no certificate"},
		{FILES("cert", "key", "text"),
		    ":4: ca: $D/text: holds no certificate"},
		{FILES("cert", "key", "expired"),
		    ":4: ca: $D/expired: the certificate expired"},
	};
	char want[512];
	size_t i;

	ck_assert_int_eq(chmod(in_dir("cert"), 0644), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(
		    load(rows[i].text, &conf), CPNP_ERR_CONFIG);
		expand(rows[i].want, want, sizeof(want));
		ck_assert_msg(strstr(told, want) != NULL,
		    "wanted %s\ntold %s", want, told);
	}
}
END_TEST

START_TEST(test_conf_tells_all_mistakes_at_once)
{
	cpnp_conf *conf = NULL;

	ck_assert_int_eq(
	    load(BASE "timers { retrans-timer = 1 max-retries = x }\n"
		"limits { max-orders = 0 }\n", &conf),
	    CPNP_ERR_CONFIG);
	ck_assert_uint_eq(told_n, 3);
}
END_TEST

START_TEST(test_conf_missing_file)
{
	cpnp_conf *conf = NULL;

	told[0] = '\0';
	ck_assert_int_eq(cpnp_conf_load(&conf, "/nonexistent/cpnpd.conf",
			     (cpnp_wtime){NOW}, tell, NULL),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(
	    strstr(told, "/nonexistent/cpnpd.conf: file: cannot be read"));
	told[0] = '\0';
	ck_assert_int_eq(cpnp_conf_load(&conf, dir, (cpnp_wtime){NOW}, tell,
			     NULL),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(told, "cannot be read: Is a directory; "
					   "expected a configuration file"));
}
END_TEST

/* What is left of a text without its comments, and where a brace is open. */
static const struct {
	const char *text;
	const char *left;
	unsigned unclosed;
} texts[] = {
	{"a = 1 # b\n// c\nd", "a = 1    \n    \nd", 0},
	{"/* a\n*/b /**/ c", "    \n  b      c", 0},
	{"a = /b//c/*d\n", "a = /b//c/*d\n", 0},
	{"a = \"#//\\\"/*\" #", "a = \"#//\\\"/*\"  ", 0},
	{"a='#\n' # {", "a='#\n'    ", 0},
	{"a {\nb {\n}", "a {\nb {\n}", 1},
	{"a {}\n\n b{\"}\"", "a {}\n\n b{\"}\"", 3},
	{"} a {", "} a {", 1},
	{"\"a\\", "\"a\\", 0},
	{"/* a", "/* a", 0},
	{"a = {}", "a = \001 ", 0},
	{"a={ # {\n}\nb {}", "a=\001    \n \nb {}", 0},
	{"a = {\"\"} {}", "a = {\"\"} {}", 0},
	{"{}", "{}", 0},
	{" }", " }", 0},
	{"", "", 0},
};

START_TEST(test_conf_text_without_comments)
{
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(text, sizeof(text), "%s", texts[i].text);
		ck_assert_uint_eq(
		    cpnp_conf_text_strip(text), texts[i].unclosed);
		ck_assert_str_eq(text, texts[i].left);
	}
}
END_TEST

/* What a peer writes forges no line and steers no terminal. */
START_TEST(test_log_line_is_harmless)
{
	char line[256] = "";
	FILE *f = tmpfile();
	int kept = dup(STDERR_FILENO);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(kept, 0);
	ck_assert_int_ge(dup2(fileno(f), STDERR_FILENO), 0);
	cpnpd_log(CPNP_LOG_ERROR, "place Z\xc3\xbcrich \xe2\x82\xac %s",
	    "esc \x1b[2J\r\ncsi \xc2\x9b" "31m bidi \xe2\x80\xae line "
	    "\xe2\x80\xa8 mark \xd8\x9c stray \xff cut \xe2\x80");
	ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
	rewind(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_str_eq(strstr(line, "error: "),
	    "error: place Z\xc3\xbcrich \xe2\x82\xac esc ?[2J??csi ??31m "
	    "bidi ??? line ??? mark ?? stray ? cut ??\n");
	ck_assert_ptr_null(fgets(line, sizeof(line), f));
	fclose(f);
	close(kept);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_conf_reads_what_is_written,
		test_conf_reads_approval,
		test_conf_tells_place_and_remedy,
		test_conf_checks_certificates_and_keys,
		test_conf_tells_all_mistakes_at_once,
		test_conf_missing_file, test_conf_text_without_comments,
		test_log_line_is_harmless,
	};
	Suite *suite = suite_create("conf");
	TCase *tc = tcase_create("conf");
	SRunner *runner;
	int failed;

	tcase_add_unchecked_fixture(tc, put_files, remove_files);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
