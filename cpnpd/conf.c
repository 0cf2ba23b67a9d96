/*
 * Reading cpnpd.conf.  libconfuse sees to the form and hands each value over
 * as text with its line; one table for each section says what the values mean.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/cpd.h>
#include <cpnp/message.h>

#include "conf.h"
#include "conf_text.h"
#include "conf_value.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define OPTIONS_MAX 32
#define LINE_BYTES 1024
#define RATE_LIMIT_MAX 10000000 /* datagrams, FAILs or orders a second */
#define HOUR_NS (UINT64_C(3600) * 1000000000)

enum kind {
	TEXT, LIST, BOOL, COUNT, TIME, RATE, SHARE, SIZE, CHOICE, MONEY, METHODS
};

/* One option: where its value goes, its bounds, what to say was expected. */
struct option {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *dflt; /* NULL: none */
	uint64_t min;
	uint64_t max;
	const char *expected;
	const char *const *choices;
	bool (*is_wrong)(const char *value, char *why, size_t size);
};

struct section {
	const char *name; /* "" is the top */
	const struct option *options;
	size_t n;
	bool titled;
};


#define EXPECT_ADDRESS                                                         \
	"an IP address and an optional port, such as \"192.0.2.1:49921\" or "  \
	"\"[2001:db8::1]:49921\""
#define EXPECT_IDENTITY                                                        \
	"a name as in a certificate's subjectAltName, such as "                \
	"\"enterprise.example\""
#define EXPECT_ACCOUNT "the name of an account at the ledger"
#define EXPECT_FILE "the name of a file"

static const char *const names_destination[] = {"stderr", "syslog", NULL};
static const char *const names_level[] = {
#define X(NAME, text) text,
	CPNP_LOG_LEVEL_MAP(X)
#undef X
	NULL};
static const char *const names_verdict[] = {"rejected", "upheld", NULL};
static const char *const names_recursion[] = {"no", "cascade", NULL};
static const char *const names_accept[] = {"on-accept", "as-figure", NULL};
static const char *const names_flag[] = {"no", "yes", NULL};
static const char *const names_mode[] = {"also", "instead", NULL};
static const char *const names_failure[] = {"refuse", "escalate", NULL};

#define O(T, n, k, m) .name = (n), .kind = (k), .offset = offsetof(T, m)
#define FILE_OPTION(n, m)                                                      \
	{                                                                      \
		O(cpnp_conf, n, TEXT, m), .expected = EXPECT_FILE              \
	}
#define TIME_OPTION(T, n, m, lo, hi, def, text)                                \
	{                                                                      \
		O(T, n, TIME, m), .dflt = (def), .min = (lo), .max = (hi),     \
		.expected = "a time " text ", such as \"2 s\" or \"5 min\""    \
	}
#define COUNT_OPTION(T, n, m, lo, hi, def, text)                               \
	{                                                                      \
		O(T, n, COUNT, m), .dflt = (def), .min = (lo), .max = (hi),    \
		.expected = "a whole number " text                             \
	}

#define SIZE_OPTION(T, n, m, def)                                              \
	{                                                                      \
		O(T, n, SIZE, m), .dflt = (def), .min = 100000,                \
		.max = UINT64_C(1000000000000000),                             \
		.expected = "a size from 100 kB to 1000 TB, such as "          \
			    "\"500 MB\" or \"2 GB\""                           \
	}

static const struct option top_options[] = {
	{O(cpnp_conf, "listen-dtls", LIST, listen_dtls),
	    .expected = EXPECT_ADDRESS, .is_wrong = cpnp_conf_wrong_address},
	{O(cpnp_conf, "listen-udp", LIST, listen_udp),
	    .expected = EXPECT_ADDRESS, .is_wrong = cpnp_conf_wrong_address},
	{O(cpnp_conf, "identity", TEXT, identity),
	    .expected = EXPECT_IDENTITY, .is_wrong = cpnp_conf_wrong_identity},
	FILE_OPTION("certificate", certificate),
	FILE_OPTION("key", key),
	FILE_OPTION("ca", ca),
	FILE_OPTION("crl", crl),
	FILE_OPTION("ledger-key", ledger_key),
	FILE_OPTION("store", store),
	FILE_OPTION("checkpoint-file", checkpoint_file),
	FILE_OPTION("catalogue", catalogue),
	FILE_OPTION("network", network),
	FILE_OPTION("policy", policy),
	{O(cpnp_conf, "event-command", LIST, event_command),
	    .expected = "a program and its arguments, such as "
			"{\"/usr/local/sbin/provision\", \"--site\", \"A\"}"},
	{O(cpnp_conf, "control-socket", TEXT, control_socket),
	    .expected = "a name of up to 107 bytes, such as "
			"\"/run/cpnp/cpnpd.sock\"",
	    .is_wrong = cpnp_conf_wrong_socket},
	{O(cpnp_conf, "key-log", BOOL, key_log), .dflt = "no",
	    .expected = "yes or no"},
	{O(cpnp_conf, "user", TEXT, user),
	    .expected = "a user of this system",
	    .is_wrong = cpnp_conf_wrong_user},
	{O(cpnp_conf, "group", TEXT, group),
	    .expected = "a group of this system",
	    .is_wrong = cpnp_conf_wrong_group},
};

static const struct option log_options[] = {
	{O(cpnp_conf, "destination", CHOICE, log.destination),
	    .dflt = "stderr", .expected = "stderr or syslog",
	    .choices = names_destination},
	{O(cpnp_conf, "level", CHOICE, log.level), .dflt = "info",
	    .expected = "error, warning, info or debug",
	    .choices = names_level},
};

static const struct option timers_options[] = {
	TIME_OPTION(cpnp_conf, "retrans-timer", timers.retrans, 100000000,
	    HOUR_NS, "2 s", "from 100 ms to 1 h"),
	COUNT_OPTION(cpnp_conf, "max-retries", timers.retries_max, 0, 20, "3",
	    "from 0 to 20"),
	TIME_OPTION(cpnp_conf, "resend-interval", timers.resend, 1000000,
	    HOUR_NS, "200 ms", "from 1 ms to 1 h"),
	TIME_OPTION(cpnp_conf, "linger", timers.linger, 1000000000,
	    24 * HOUR_NS, "60 s", "from 1 s to 24 h"),
	TIME_OPTION(cpnp_conf, "expected-offer-time", timers.expected_offer,
	    1000000000, 7 * 24 * HOUR_NS, "60 s", "from 1 s to 7 d"),
};

static const struct option limits_options[] = {
	COUNT_OPTION(cpnp_conf, "max-orders", limits.orders_max, 1, 100000000,
	    "1000000", "from 1 to 100000000"),
	SIZE_OPTION(cpnp_conf, "max-memory", limits.memory_max, "2 GB"),
	COUNT_OPTION(cpnp_conf, "max-sessions", limits.sessions_max, 1,
	    1000000, NULL, "from 1 to 1000000"),
	COUNT_OPTION(cpnp_conf, "max-handshakes", limits.handshakes_max, 1,
	    100000, NULL, "from 1 to 100000"),
	COUNT_OPTION(cpnp_conf, "max-udp-addresses", limits.addresses_max, 1,
	    1000000, NULL, "from 1 to 1000000"),
	TIME_OPTION(cpnp_conf, "handshake-time", limits.handshake, 1000000000,
	    HOUR_NS, NULL, "from 1 s to 1 h"),
	TIME_OPTION(cpnp_conf, "session-idle-time", limits.idle, 1000000000,
	    7 * 24 * HOUR_NS, NULL, "from 1 s to 7 d"),
	COUNT_OPTION(cpnp_conf, "mtu", limits.mtu, 576, 65535, NULL,
	    "from 576 to 65535"),
	COUNT_OPTION(cpnp_conf, "fails-per-second", limits.fails_per_second, 1,
	    100000, NULL, "from 1 to 100000"),
	COUNT_OPTION(cpnp_conf, "fails-per-second-all", limits.fails_all, 1,
	    RATE_LIMIT_MAX, NULL, "from 1 to 10000000"),
	COUNT_OPTION(cpnp_conf, "handshake-rate", limits.handshake_rate, 1,
	    RATE_LIMIT_MAX, NULL, "from 1 to 10000000"),
	COUNT_OPTION(cpnp_conf, "handshake-burst", limits.handshake_burst, 1,
	    RATE_LIMIT_MAX, NULL, "from 1 to 10000000"),
	COUNT_OPTION(cpnp_conf, "ipv4-prefix-length", limits.prefix_len_v4, 1,
	    32, NULL, "from 1 to 32"),
	COUNT_OPTION(cpnp_conf, "ipv6-prefix-length", limits.prefix_len_v6, 1,
	    128, NULL, "from 1 to 128"),
};

#define EXPECT_MONEY                                                           \
	"an amount and its token, such as \"1000.00 EUR\""
#define APPROVES(T, n, m)                                                      \
	{O(T, n "methods", METHODS, m.methods),                                \
	    .expected = "none, quotation, update or activate"},                \
	{O(T, n "above", MONEY, m.above), .expected = EXPECT_MONEY},           \
	{O(T, "escalate", CHOICE, m.escalate), .expected = "yes or no",        \
	    .choices = names_flag}

static const struct option approval_options[] = {
	APPROVES(cpnp_conf, "", approval.all),
	TIME_OPTION(cpnp_conf, "time", approval.time, 3000000000,
	    7 * 24 * HOUR_NS, "1 h", "from 3 s to 7 d"),
	TIME_OPTION(cpnp_conf, "margin", approval.margin, 2000000000,
	    24 * HOUR_NS, "1 min", "from 2 s to 24 h"),
	TIME_OPTION(cpnp_conf, "extend", approval.extend, 1000000000,
	    7 * 24 * HOUR_NS, "1 h", "from 1 s to 7 d"),
	TIME_OPTION(cpnp_conf, "max", approval.max, 3000000000,
	    90 * 24 * HOUR_NS, "24 h", "from 3 s to 90 d"),
	TIME_OPTION(cpnp_conf, "notify-time", approval.notify_time,
	    1000000000, HOUR_NS, "30 s", "from 1 s to 1 h"),
	{O(cpnp_conf, "notify-command", LIST, approval.notify_command),
	    .expected = "a program and its arguments, such as "
			"{\"/usr/local/sbin/tell\", \"noc\"}"},
};

#define YEAR_NS (UINT64_C(365) * 24 * HOUR_NS)
#define SHARE_OPTION(n, m, def)                                                \
	{                                                                      \
		O(cpnp_conf, n, SHARE, m), .dflt = (def),                      \
		.max = CPNP_CPD_PPM_MAX,                                       \
		.expected = "a share from 0 % to 100 %, such as \"5 %\""       \
	}

static const struct option ledger_options[] = {
	FILE_OPTION("conf", ledger.conf),
	{O(cpnp_conf, "token", TEXT, ledger.token),
	    .expected = "a token, such as \"EUR of bank.example\"",
	    .is_wrong = cpnp_conf_wrong_token},
	{O(cpnp_conf, "offer", TEXT, ledger.offer),
	    .expected = "an entry of the ledger's catalogue, such as \"vpn\" "
			"or \"vpn of carrier.example\"",
	    .is_wrong = cpnp_conf_wrong_offer},
	TIME_OPTION(cpnp_conf, "anchor-time", ledger.anchor_time, 1000000,
	    HOUR_NS, "1 s", "from 1 ms to 1 h"),
	COUNT_OPTION(cpnp_conf, "anchor-leaves", ledger.anchor_leaves, 0,
	    100000000, "1000", "from 0 to 100000000"),
	TIME_OPTION(cpnp_conf, "paid-time", ledger.paid_time, 1000000000,
	    10 * YEAR_NS, NULL, "from 1 s to 3650 d"),
	TIME_OPTION(cpnp_conf, "escrow-time", ledger.escrow_time, 60000000000,
	    7 * 24 * HOUR_NS, "10 min", "from 1 min to 7 d"),
	TIME_OPTION(cpnp_conf, "claim-time", ledger.claim_time, 0, YEAR_NS,
	    "0 s", "from 0 s to 365 d"),
	{O(cpnp_conf, "idle-paid", BOOL, ledger.idle_paid), .dflt = "no",
	    .expected = "yes or no"},
	{O(cpnp_conf, "void-unknown", BOOL, ledger.void_unknown),
	    .dflt = "yes", .expected = "yes or no"},
	SHARE_OPTION("sla-credit", ledger.sla_credit, "0 %"),
	SHARE_OPTION("sla-cap", ledger.sla_cap, "100 %"),
	TIME_OPTION(cpnp_conf, "sla-window", ledger.sla_window, 1000000000,
	    YEAR_NS, "1 h", "from 1 s to 365 d"),
	TIME_OPTION(cpnp_conf, "sla-object-time", ledger.sla_object_time,
	    1000000000, YEAR_NS, "7 d", "from 1 s to 365 d"),
	TIME_OPTION(cpnp_conf, "sla-audit-time", ledger.sla_audit_time,
	    1000000000, YEAR_NS, "7 d", "from 1 s to 365 d"),
	{O(cpnp_conf, "sla-auditor", TEXT, ledger.sla_auditor),
	    .expected = EXPECT_ACCOUNT, .is_wrong = cpnp_conf_wrong_account},
	{O(cpnp_conf, "sla-default", CHOICE, ledger.sla_default),
	    .dflt = "rejected", .expected = "rejected or upheld",
	    .choices = names_verdict},
};

static const struct option children_options[] = {
	{O(cpnp_conf, "recursion", CHOICE, children.recursion),
	    .dflt = "cascade", .expected = "cascade or no",
	    .choices = names_recursion},
	{O(cpnp_conf, "accept", CHOICE, children.accept),
	    .dflt = "on-accept", .expected = "on-accept or as-figure",
	    .choices = names_accept},
	TIME_OPTION(cpnp_conf, "margin", children.margin, 1000000000, HOUR_NS,
	    "2 s", "from 1 s to 1 h"),
	TIME_OPTION(cpnp_conf, "repeat-min", children.repeat_min, 1000000000,
	    HOUR_NS, "5 s", "from 1 s to 1 h"),
	TIME_OPTION(cpnp_conf, "repeat-max", children.repeat_max, 1000000000,
	    HOUR_NS, "5 min", "from 1 s to 1 h"),
	COUNT_OPTION(cpnp_conf, "hop-limit", children.hop_limit, 1, 255, "8",
	    "from 1 to 255"),
};

#define EXPECT_PLACE "the name of a place, of up to 64 bytes"
static const struct option neighbour_options[] = {
	{O(cpnp_conf_neighbour, "server", TEXT, server),
	    .expected = "a host or an address and an optional port, such as "
			"\"cpnp.carrier.example:49921\""},
	{O(cpnp_conf_neighbour, "place", TEXT, place),
	    .expected = EXPECT_PLACE},
	{O(cpnp_conf_neighbour, "their-place", TEXT, their_place),
	    .expected = EXPECT_PLACE},
	{O(cpnp_conf_neighbour, "reaches", LIST, reaches),
	    .expected = "names of places, such as {\"Madrid\", \"Lisbon\"}, "
			"or \"*\" for all others"},
};

static const struct option decision_options[] = {
	{O(cpnp_conf, "command", LIST, decision.command),
	    .expected = "a program and its arguments, such as "
			"{\"/usr/local/sbin/decide\", \"--oss\"}"},
	{O(cpnp_conf, "mode", CHOICE, decision.mode), .dflt = "also",
	    .expected = "also or instead", .choices = names_mode},
	{O(cpnp_conf, "on-failure", CHOICE, decision.on_failure),
	    .dflt = "refuse", .expected = "refuse or escalate",
	    .choices = names_failure},
	TIME_OPTION(cpnp_conf, "time", decision.time, 10000000, HOUR_NS,
	    "5 s", "from 10 ms to 1 h"),
	COUNT_OPTION(cpnp_conf, "max-programs", decision.programs_max, 1,
	    256, "16", "from 1 to 256"),
};

static const struct option customer_options[] = {
	{O(cpnp_conf_customer, "may-order", BOOL, may_order), .dflt = "yes",
	    .expected = "yes or no"},
	{O(cpnp_conf_customer, "require-statement", BOOL, require_statement),
	    .dflt = "yes", .expected = "yes or no"},
	{O(cpnp_conf_customer, "max-held-capacity", RATE, held_max), .min = 1,
	    .max = CPNP_CPD_RATE_MAX,
	    .expected = "a rate such as \"100 Mbit/s\" or \"1 Gbit/s\""},
	COUNT_OPTION(cpnp_conf_customer, "max-open-orders", open_max, 1,
	    100000000, "1000", "from 1 to 100000000"),
	COUNT_OPTION(cpnp_conf_customer, "order-rate", order_rate, 1,
	    RATE_LIMIT_MAX, "100", "from 1 to 10000000"),
	COUNT_OPTION(cpnp_conf_customer, "order-burst", order_burst, 1,
	    RATE_LIMIT_MAX, "1000", "from 1 to 10000000"),
	SIZE_OPTION(cpnp_conf_customer, "max-memory", memory_max, "250 MB"),
	{O(cpnp_conf_customer, "profile", TEXT, profile),
	    .expected = "the name of a profile of the policy, "
			"cpnp-policy(5)"},
	{O(cpnp_conf_customer, "verified", BOOL, verified), .dflt = "yes",
	    .expected = "yes or no"},
	{O(cpnp_conf_customer, "account", TEXT, account),
	    .expected = EXPECT_ACCOUNT, .is_wrong = cpnp_conf_wrong_account},
	{O(cpnp_conf_customer, "methods", METHODS, methods),
	    .expected = "none, quotation, update, activate, withdraw or "
			"cancel"},
	APPROVES(cpnp_conf_customer, "approval-", approves),
	{O(cpnp_conf_customer, "statement-key", TEXT, statement_key),
	    .expected = EXPECT_FILE},
};

static const struct option access_options[] = {
	{O(cpnp_conf_access, "identity", TEXT, identity),
	    .expected = EXPECT_IDENTITY, .is_wrong = cpnp_conf_wrong_identity},
	{O(cpnp_conf_access, "no-cookie", BOOL, no_cookie), .dflt = "no",
	    .expected = "yes or no"},
	COUNT_OPTION(cpnp_conf_access, "rate", rate, 1, RATE_LIMIT_MAX, NULL,
	    "from 1 to 10000000"),
	COUNT_OPTION(cpnp_conf_access, "burst", burst, 1, RATE_LIMIT_MAX,
	    NULL, "from 1 to 10000000"),
	COUNT_OPTION(cpnp_conf_access, "prefix-length", prefix_len, 1, 128,
	    NULL, "from 1 to 32 for IPv4, to 128 for IPv6"),
};

#define SECTION(n, o, t) {(n), (o), N_OF(o), (t)}
enum {
	TOP, LOG, TIMERS, LIMITS, APPROVAL, LEDGER, DECISION, CHILDREN, CUSTOMER,
	ACCESS, NEIGHBOUR, SECTIONS
};
static const struct section sections[SECTIONS] = {
	[TOP] = SECTION("", top_options, false),
	[LOG] = SECTION("log", log_options, false),
	[TIMERS] = SECTION("timers", timers_options, false),
	[LIMITS] = SECTION("limits", limits_options, false),
	[APPROVAL] = SECTION("approval", approval_options, false),
	[LEDGER] = SECTION("ledger", ledger_options, false),
	[DECISION] = SECTION("decision", decision_options, false),
	[CHILDREN] = SECTION("children", children_options, false),
	[CUSTOMER] = SECTION("customer", customer_options, true),
	[ACCESS] = SECTION("access", access_options, true),
	[NEIGHBOUR] = SECTION("neighbour", neighbour_options, true),
};

struct loader {
	cpnp_conf *conf;
	cpnp_conf_report *report;
	void *user;
	unsigned mistakes;
	struct seen *seen[2]; /* at the top, and in the section at hand */
	const cfg_t *section;
};

/* Where an option was given; libconfuse replaces a value without a word. */
struct seen {
	struct seen *next;
	const cfg_opt_t *opt;
	unsigned line;
};

/* libconfuse hands no pointer of ours to its error function. */
static struct loader *loading;

static void __attribute__((format(printf, 6, 0)))
complain_va(const cpnp_conf *conf, unsigned line, cpnp_conf_report *report,
    void *user, const char *option, const char *format, va_list ap)
{
	char text[LINE_BYTES], out[LINE_BYTES + 512];

	vsnprintf(text, sizeof(text), format, ap);
	if (line > 0)
		snprintf(out, sizeof(out), "%s:%u: %s: %s", conf->path, line,
		    option, text);
	else
		snprintf(out, sizeof(out), "%s: %s: %s", conf->path, option,
		    text);
	report(user, out);
}

void
cpnp_conf_complain(const cpnp_conf *conf, unsigned line,
    cpnp_conf_report *report, void *user, const char *option,
    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain_va(conf, line, report, user, option, format, ap);
	va_end(ap);
}

void
cpnp_conf_blame(const cpnp_conf *conf, const char *option,
    const cpnp_conf_text *text, const cpnp_diag *diag,
    cpnp_conf_report *report, void *user)
{
	cpnp_conf_complain(conf, text->line, report, user, option, "%s%s%s",
	    diag->where, diag->where[0] != '\0' ? ": " : "",
	    diag->why[0] != '\0' ? diag->why : cpnp_strerror(diag->err));
}

static void __attribute__((format(printf, 4, 5)))
mistake(struct loader *ld, unsigned line, const char *option,
    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain_va(
	    ld->conf, line, ld->report, ld->user, option, format, ap);
	va_end(ap);
	ld->mistakes++;
}

/* ---- values by kind ---- */

static bool
parse_amount(const struct option *o, const char *text, uint64_t *out)
{
	bool ok = false;

	if (o->kind == COUNT)
		ok = cpnp_conf_parse_number(text, out);
	else if (o->kind == TIME)
		ok = cpnp_conf_parse_time(text, out);
	else if (o->kind == SIZE)
		ok = cpnp_conf_parse_size(text, out);
	else if (o->kind == SHARE)
		ok = cpnp_quantity_parse(CPNP_UNIT_RATIO,
			 cpnp_bytes_str(text), out) == 0;
	else if (o->kind == RATE)
		ok = cpnp_quantity_parse(CPNP_UNIT_RATE, cpnp_bytes_str(text),
			 out) == 0;
	return ok && *out >= o->min && *out <= o->max;
}

static int
parse_choice(const struct option *o, const char *text)
{
	int i;

	for (i = 0; o->choices[i] != NULL; i++)
		if (strcmp(o->choices[i], text) == 0)
			return i;
	return -1;
}

static int
set_text(cpnp_conf_text *out, const cpnp_conf_text *in)
{
	out->line = in->line;
	out->value = strdup(in->value);
	return out->value == NULL ? CPNP_ERR_NOMEM : 0;
}

static int
add_text(cpnp_conf_list *list, const cpnp_conf_text *in)
{
	cpnp_conf_text *grown =
	    realloc(list->items, (list->n + 1) * sizeof(*grown));

	if (grown == NULL)
		return CPNP_ERR_NOMEM;
	list->items = grown;
	if (set_text(&grown[list->n], in) != 0)
		return CPNP_ERR_NOMEM;
	list->line = in->line;
	list->n++;
	return 0;
}

/* Store one value; false when it is wrong. */
static bool
set_value(const struct option *o, void *base, const cpnp_conf_text *in)
{
	void *at = (char *)base + o->offset;
	int n;

	switch (o->kind) {
	case TEXT:
		return set_text(at, in) == 0;
	case LIST:
		return add_text(at, in) == 0;
	case BOOL:
		n = cfg_parse_boolean(in->value);
		*(bool *)at = n == cfg_true;
		return n == cfg_true || n == cfg_false;
	case COUNT:
	case TIME:
	case RATE:
	case SHARE:
	case SIZE:
		return parse_amount(o, in->value, at);
	case CHOICE:
		n = parse_choice(o, in->value);
		*(int *)at = n;
		return n >= 0;
	case MONEY:
		((cpnp_conf_money *)at)->line = in->line;
		return cpnp_conf_parse_money(in->value, at);
	case METHODS:
		((cpnp_conf_methods *)at)->line = in->line;
		return cpnp_conf_parse_method(in->value, at);
	}
	return false;
}

static void
read_option(struct loader *ld, cfg_t *cfg, const struct option *o, void *base)
{
	cpnp_conf_text dflt = {NULL, 0}, *in;
	char why[256];
	unsigned i, n = cfg_size(cfg, o->name);

	if (n == 0 && o->dflt != NULL) {
		dflt.value = (char *)(uintptr_t)o->dflt;
		set_value(o, base, &dflt);
	}
	for (i = 0; i < n; i++) {
		in = cfg_getnptr(cfg, o->name, i);
		if (in == NULL)
			continue;
		if (strcmp(in->value, CPNP_CONF_TEXT_EMPTY) == 0) {
			if (o->kind != LIST)
				mistake(ld, in->line, o->name, "is an empty "
				    "list; expected %s", o->expected);
		} else if (o->is_wrong != NULL &&
		    o->is_wrong(in->value, why, sizeof(why)))
			mistake(ld, in->line, o->name, "%s; expected %s", why,
			    o->expected);
		else if (in->value[0] == '\0')
			mistake(ld, in->line, o->name, "is empty; expected %s",
			    o->expected);
		else if (!set_value(o, base, in))
			mistake(ld, in->line, o->name, "\"%s\" is not one; "
			    "expected %s", in->value, o->expected);
	}
}

static void
read_section(struct loader *ld, cfg_t *cfg, const struct section *s,
    void *base)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		read_option(ld, cfg, &s->options[i], base);
}

/* ---- the form, by libconfuse ---- */

/* Number of single letters to change, insert or remove. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[64], diagonal, above, cost;
	size_t i, j, len = strlen(b);

	if (len + 1 > N_OF(row) || strlen(a) + 1 > N_OF(row))
		return UINT32_MAX;
	for (j = 0; j <= len; j++)
		row[j] = (unsigned)j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= len; j++) {
			above = row[j];
			cost = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < cost)
				cost = above + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			diagonal = above;
			row[j] = cost;
		}
	}
	return row[len];
}

static const struct section *
section_of(const cfg_t *cfg)
{
	size_t i;

	for (i = 1; i < SECTIONS; i++)
		if (strcmp(sections[i].name, cfg->name) == 0)
			return &sections[i];
	return &sections[TOP];
}

static void
offer_name(const char *name, const char *wrong, char *list, size_t size,
    const char **nearest, unsigned *best)
{
	unsigned d = distance(wrong, name);
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", name);
	if (d < *best) {
		*best = d;
		*nearest = name;
	}
}

static void
unknown_option(struct loader *ld, cfg_t *cfg, const char *name)
{
	const struct section *s = section_of(cfg);
	const char *nearest = NULL;
	char list[512] = "";
	unsigned best = 4;
	size_t i;

	for (i = 0; i < s->n; i++)
		offer_name(s->options[i].name, name, list, sizeof(list),
		    &nearest, &best);
	for (i = 1; s == &sections[TOP] && i < SECTIONS; i++)
		offer_name(sections[i].name, name, list, sizeof(list),
		    &nearest, &best);
	mistake(ld, (unsigned)cfg->line, name,
	    "there is no such %s%s; expected %s%s%sone of %s",
	    s == &sections[TOP] ? "option or section" : "option in section ",
	    s->name, nearest != NULL ? "\"" : "",
	    nearest != NULL ? nearest : "",
	    nearest != NULL ? "\", or " : "", list);
}

static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *format, va_list ap)
{
	struct loader *ld = loading;
	unsigned line = cfg != NULL ? (unsigned)cfg->line : 0;
	const char *name;
	char text[256];
	va_list again;

	va_copy(again, ap);
	vsnprintf(text, sizeof(text), format, again);
	va_end(again);
	if (cfg == NULL || strstr(format, "'%s'") == NULL) {
		mistake(ld, line, "syntax", "%s; expected option = value, "
		    "option = {value, value} or section { ... }", text);
		return;
	}
	name = va_arg(ap, const char *);
	if (strncmp(format, "no such option", 14) == 0)
		unknown_option(ld, cfg, name);
	else if (strncmp(format, "found duplicate title", 21) == 0)
		mistake(ld, line, name, "has a second section; expected one "
		    "section for each name, with all its options");
	else if (strncmp(format, "missing title", 13) == 0)
		mistake(ld, line, name, "the section has no name; expected "
		    "%s \"%s\" { ... }", name,
		    strcmp(name, "access") == 0 ? "192.0.2.0/24"
						: "enterprise.example");
	else if (strncmp(format, "missing equal sign", 18) == 0)
		mistake(ld, line, name, "no value follows; expected %s = "
		    "value", name);
	else if (strncmp(format, "missing opening brace", 21) == 0)
		mistake(ld, line, name, "no \"{\" follows; expected %s { "
		    "... }", name);
	else
		mistake(ld, line, "syntax", "%s; expected option = value, "
		    "option = {value, value} or section { ... }", text);
}

static void
text_free(void *value)
{
	cpnp_conf_text *text = value;

	if (text != NULL)
		free(text->value);
	free(text);
}

static void
forget_seen(struct seen **list)
{
	struct seen *s;

	while ((s = *list) != NULL) {
		*list = s->next;
		free(s);
	}
}

/* True when the option was given before; else its place is kept. */
static bool
is_given(struct loader *ld, const cfg_t *cfg, const cfg_opt_t *opt)
{
	bool is_top = section_of(cfg) == &sections[TOP];
	struct seen **list = &ld->seen[is_top ? 0 : 1], *s;

	if (!is_top && ld->section != cfg) {
		forget_seen(list);
		ld->section = cfg;
	}
	for (s = *list; s != NULL; s = s->next)
		if (s->opt == opt) {
			mistake(ld, (unsigned)cfg->line, opt->name, "is given "
			    "twice; expected one value, the first is in line "
			    "%u", s->line);
			return true;
		}
	s = malloc(sizeof(*s));
	if (s != NULL) {
		*s = (struct seen){*list, opt, (unsigned)cfg->line};
		*list = s;
	}
	return false;
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	cpnp_conf_text *text;

	/* Each value of a list comes here, the first one of "=" when libconfuse
	 * has forgotten what was there. */
	if (((opt->flags & CFGF_LIST) == 0 || opt->nvalues <= 1) &&
	    is_given(loading, cfg, opt))
		return -1;
	text = calloc(1, sizeof(*text));
	if (text == NULL)
		return -1;
	text->line = (unsigned)cfg->line;
	text->value = strdup(value);
	*(void **)result = text;
	return text->value == NULL ? -1 : 0;
}

static size_t
declare(cfg_opt_t *out, const struct section *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		cfg_opt_t one = CFG_PTR_CB(NULL, NULL, CFGF_NODEFAULT,
		    on_value, text_free);

		one.name = s->options[i].name;
		if (s->options[i].kind == LIST ||
		    s->options[i].kind == METHODS)
			one.flags |= CFGF_LIST;
		out[i] = one;
	}
	return s->n;
}

static const cfg_opt_t end_option = CFG_END();

/* ---- the file as a whole ---- */

static int
by_identity(const void *a, const void *b)
{
	return strcmp(((const cpnp_conf_customer *)a)->identity,
	    ((const cpnp_conf_customer *)b)->identity);
}

/* A service that ends or an order that is cancelled needs nobody's leave. */
static void
check_approves(struct loader *ld, const cpnp_conf_approves *a)
{
	const uint32_t ends = CPNP_CONF_METHOD_BIT(CPNP_METHOD_WITHDRAW) |
	    CPNP_CONF_METHOD_BIT(CPNP_METHOD_CANCEL);

	if ((a->methods.bits & ends) != 0)
		mistake(ld, a->methods.line, "methods", "withdraw and cancel "
		    "are never approved; expected none, quotation, update or "
		    "activate");
}

static void
inherit(cpnp_conf_approves *a, const cpnp_conf_approves *all)
{
	if (!a->methods.is_given)
		a->methods = all->methods;
	if (!a->above.is_given)
		a->above = all->above;
	if (a->escalate < 0)
		a->escalate = all->escalate;
}

static void
check_approval(struct loader *ld)
{
	const cpnp_conf_approval *a = &ld->conf->approval;

	check_approves(ld, &a->all);
	if (ld->mistakes > 0)
		return; /* times may be none */
	if (a->margin >= a->time)
		mistake(ld, 0, "margin", "of section approval is not shorter "
		    "than time; expected less than that");
	if (a->max < a->time)
		mistake(ld, 0, "max", "of section approval is shorter than "
		    "time; expected that or more");
}

static int
read_customers(struct loader *ld, cfg_t *cfg)
{
	cpnp_conf *conf = ld->conf;
	size_t i, n = cfg_size(cfg, "customer");
	cpnp_conf_customer *c;
	char why[512];
	cfg_t *sec;

	conf->customers = calloc(n + 1, sizeof(*conf->customers));
	if (conf->customers == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < n; i++) {
		sec = cfg_getnsec(cfg, "customer", (unsigned)i);
		c = &conf->customers[i];
		c->line = (unsigned)sec->line;
		c->held_max = UINT64_MAX;
		c->approves.escalate = -1;
		c->identity = strdup(cfg_title(sec));
		if (c->identity == NULL)
			return CPNP_ERR_NOMEM;
		conf->customers_n++;
		if (cpnp_conf_wrong_identity(c->identity, why, sizeof(why)))
			mistake(ld, c->line, "customer", "%s; expected %s",
			    why, EXPECT_IDENTITY);
		read_section(ld, sec, &sections[CUSTOMER], c);
		check_approves(ld, &c->approves);
		inherit(&c->approves, &conf->approval.all);
		if (!c->methods.is_given)
			c->methods.bits = UINT32_MAX;
		if (c->profile.value != NULL && conf->policy.value == NULL)
			mistake(ld, c->profile.line, "profile", "\"%s\" is "
			    "of no policy; expected policy = \"...\" at the "
			    "top, cpnp-policy(5)", c->profile.value);
	}
	qsort(conf->customers, n, sizeof(*conf->customers), by_identity);
	return 0;
}

static int
read_access(struct loader *ld, cfg_t *cfg)
{
	cpnp_conf *conf = ld->conf;
	size_t i, n = cfg_size(cfg, "access");
	cpnp_conf_access *a;
	char why[512];
	cfg_t *sec;

	conf->access = calloc(n + 1, sizeof(*conf->access));
	if (conf->access == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < n; i++) {
		sec = cfg_getnsec(cfg, "access", (unsigned)i);
		a = &conf->access[i];
		a->line = (unsigned)sec->line;
		a->prefix = strdup(cfg_title(sec));
		if (a->prefix == NULL)
			return CPNP_ERR_NOMEM;
		conf->access_n++;
		if (cpnp_conf_wrong_prefix(a->prefix, why, sizeof(why)))
			mistake(ld, a->line, "access", "\"%s\" %s; expected "
			    "an address or a prefix such as \"192.0.2.0/24\" "
			    "or \"2001:db8::/32\"", a->prefix, why);
		read_section(ld, sec, &sections[ACCESS], a);
		if (a->prefix_len > 32 && strchr(a->prefix, ':') == NULL)
			mistake(ld, a->line, "prefix-length", "%u is more "
			    "than an IPv4 address has; expected a number from "
			    "1 to 32", (unsigned)a->prefix_len);
		if (a->identity.value == NULL)
			mistake(ld, a->line, "access", "\"%s\" has no "
			    "identity; expected identity = \"name\" of the "
			    "customer whose orders come from there",
			    a->prefix);
		else if (cpnp_conf_customer_find(conf,
			     cpnp_bytes_str(a->identity.value)) == NULL)
			mistake(ld, a->identity.line, "identity", "\"%s\" is "
			    "no customer; expected the name of a customer "
			    "section", a->identity.value);
	}
	return 0;
}

static void
check_neighbour(struct loader *ld, const cpnp_conf_neighbour *n)
{
	const cpnp_conf_text *texts[] = {&n->server, &n->place};
	const char *names[] = {"server", "place"};
	size_t i;

	for (i = 0; i < N_OF(texts); i++)
		if (texts[i]->value == NULL)
			mistake(ld, n->line, "neighbour", "\"%s\" has no %s; "
			    "expected %s = \"...\"", n->identity, names[i],
			    names[i]);
	if (n->reaches.n == 0)
		mistake(ld, n->line, "neighbour", "\"%s\" reaches nothing; "
		    "expected reaches = {\"place\", ...}, or \"*\" for all "
		    "places that are not ours", n->identity);
}

static void
check_children(struct loader *ld)
{
	const cpnp_conf_children *c = &ld->conf->children;

	if (ld->mistakes == 0 && c->repeat_max < c->repeat_min)
		mistake(ld, 0, "repeat-max", "of section children is shorter "
		    "than repeat-min; expected that or more");
}

static int
read_neighbours(struct loader *ld, cfg_t *cfg)
{
	cpnp_conf *conf = ld->conf;
	size_t i, n = cfg_size(cfg, "neighbour");
	cpnp_conf_neighbour *one;
	char why[512];
	cfg_t *sec;

	conf->neighbours = calloc(n + 1, sizeof(*conf->neighbours));
	if (conf->neighbours == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < n; i++) {
		sec = cfg_getnsec(cfg, "neighbour", (unsigned)i);
		one = &conf->neighbours[i];
		one->line = (unsigned)sec->line;
		one->identity = strdup(cfg_title(sec));
		if (one->identity == NULL)
			return CPNP_ERR_NOMEM;
		conf->neighbours_n++;
		if (cpnp_conf_wrong_identity(one->identity, why, sizeof(why)))
			mistake(ld, one->line, "neighbour", "%s; expected %s",
			    why, EXPECT_IDENTITY);
		read_section(ld, sec, &sections[NEIGHBOUR], one);
		check_neighbour(ld, one);
	}
	return 0;
}

static void
require(struct loader *ld, const cpnp_conf_text *text, const char *option,
    const char *why)
{
	if (text->value == NULL)
		mistake(ld, 0, option, "is missing; expected %s = \"...\", %s",
		    option, why);
}

/* Beside the store, so that two daemons do not meet. */
static void
default_socket(struct loader *ld)
{
	cpnp_conf *conf = ld->conf;
	char why[128];
	size_t size;

	if (conf->control_socket.value != NULL || conf->store.value == NULL)
		return;
	size = strlen(conf->store.value) + sizeof(".sock");
	conf->control_socket.value = malloc(size);
	if (conf->control_socket.value == NULL) {
		mistake(ld, 0, "control-socket", "%s",
		    cpnp_strerror(CPNP_ERR_NOMEM));
		return;
	}
	snprintf(conf->control_socket.value, size, "%s.sock",
	    conf->store.value);
	if (cpnp_conf_wrong_socket(
		conf->control_socket.value, why, sizeof(why)))
		mistake(ld, 0, "control-socket", "\"%s\", the default, %s; "
		    "expected control-socket = \"...\" with a shorter name",
		    conf->control_socket.value, why);
}

static void
check_whole(struct loader *ld)
{
	cpnp_conf *conf = ld->conf;

	if (conf->listen_dtls.n == 0 && conf->listen_udp.n == 0)
		mistake(ld, 0, "listen-dtls", "no address is given, nor for "
		    "listen-udp; expected at least one, such as listen-dtls = "
		    "{\"0.0.0.0\", \"[::]\"}");
	if (conf->listen_dtls.n > 0) {
		require(ld, &conf->certificate, "certificate",
		    "the certificate of this provider, in PEM");
		require(ld, &conf->ca, "ca",
		    "the authorities that certify customers, in PEM");
	}
	if (conf->certificate.value != NULL)
		require(ld, &conf->key, "key",
		    "the private key of the certificate, in PEM");
	else if (conf->key.value != NULL)
		require(ld, &conf->certificate, "certificate",
		    "the certificate of the key, in PEM");
	if (conf->certificate.value == NULL)
		require(ld, &conf->identity, "identity",
		    "the name of this provider, since no certificate says it");
	require(ld, &conf->store, "store",
	    "the database of orders and journal");
	require(ld, &conf->catalogue, "catalogue",
	    "what is sold, cpnp-catalogue(5)");
	default_socket(ld);
	if (conf->checkpoint_file.value != NULL && conf->key.value == NULL &&
	    conf->ledger_key.value == NULL)
		require(ld, &conf->key, "key",
		    "which signs what goes into checkpoint-file");
	if (conf->ledger.conf.value == NULL &&
	    (conf->ledger.token.value != NULL ||
		conf->ledger.offer.value != NULL ||
		conf->ledger.sla_auditor.value != NULL))
		require(ld, &conf->ledger.conf, "conf",
		    "in section ledger, cpnp-ledger.conf(5)");
	if (conf->neighbours_n > 0) {
		require(ld, &conf->certificate, "certificate",
		    "by which neighbours know this provider, in PEM");
		require(ld, &conf->ca, "ca",
		    "the authorities that certify neighbours, in PEM");
	}
	if (conf->listen_udp.n > 0 && conf->access_n == 0)
		mistake(ld, conf->listen_udp.line, "listen-udp",
		    "plain UDP has no access list; expected an access "
		    "\"prefix\" { identity = \"name\" } section for each "
		    "source, or DTLS instead");
}

static int
read_all(struct loader *ld, cfg_t *cfg)
{
	int i, err;

	ld->conf->approval.all.escalate = 0;
	read_section(ld, cfg, &sections[TOP], ld->conf);
	for (i = LOG; i <= CHILDREN; i++)
		read_section(ld, cfg_getsec(cfg, sections[i].name),
		    &sections[i], ld->conf);
	check_approval(ld);
	check_children(ld);
	err = read_customers(ld, cfg);
	if (err == 0)
		err = read_access(ld, cfg);
	if (err == 0)
		err = read_neighbours(ld, cfg);
	if (err == 0)
		check_whole(ld);
	return err;
}

static int
parse_file(struct loader *ld)
{
	cfg_opt_t inner[SECTIONS][OPTIONS_MAX];
	cfg_opt_t top[OPTIONS_MAX];
	cfg_t *cfg;
	char *text = NULL;
	unsigned unclosed;
	size_t i, n;
	int err = 0, rc, why;

	n = declare(top, &sections[TOP]);
	for (i = 1; i < SECTIONS; i++) {
		cfg_opt_t one = CFG_SEC(NULL, NULL, CFGF_NONE);

		inner[i][declare(inner[i], &sections[i])] = end_option;
		one.name = sections[i].name;
		one.subopts = inner[i];
		if (sections[i].titled)
			one.flags |= CFGF_MULTI | CFGF_TITLE |
			    CFGF_NO_TITLE_DUPES;
		top[n++] = one;
	}
	top[n] = end_option;
	cfg = cfg_init(top, CFGF_NONE);
	if (cfg == NULL)
		return CPNP_ERR_NOMEM;
	cfg_set_error_function(cfg, on_error);
	loading = ld;
	why = cpnp_conf_text_read(ld->conf->path, &text, &unclosed);
	rc = why != 0 ? CFG_FILE_ERROR : cfg_parse_buf(cfg, text);
	if (why != 0)
		mistake(ld, 0, "file", "cannot be read: %s; expected a "
		    "configuration file, cpnpd.conf(5)", strerror(why));
	else if (unclosed > 0 && ld->mistakes == 0)
		mistake(ld, unclosed, "syntax", "\"{\" is never closed; "
		    "expected \"}\" behind what belongs to it");
	else if (rc == CFG_SUCCESS)
		err = read_all(ld, cfg);
	else if (ld->mistakes == 0)
		err = CPNP_ERR_NOMEM;
	loading = NULL;
	free(text);
	cfg_free(cfg);
	return err;
}

int
cpnp_conf_load(cpnp_conf **out, const char *path, cpnp_wtime now,
    cpnp_conf_report *report, void *user)
{
	cpnp_conf *conf = calloc(1, sizeof(*conf));
	struct loader ld = {.conf = conf, .report = report, .user = user};
	int err;

	if (conf == NULL)
		return CPNP_ERR_NOMEM;
	conf->path = strdup(path);
	err = conf->path == NULL ? CPNP_ERR_NOMEM : parse_file(&ld);
	forget_seen(&ld.seen[0]);
	forget_seen(&ld.seen[1]);
	if (err == 0 && ld.mistakes == 0)
		ld.mistakes = cpnp_conf_check_files(conf, now, report, user);
	if (err == 0 && ld.mistakes > 0)
		err = CPNP_ERR_CONFIG;
	if (err != 0) {
		cpnp_conf_del(conf);
		return err;
	}
	*out = conf;
	return 0;
}

const cpnp_conf_customer *
cpnp_conf_customer_find(const cpnp_conf *conf, cpnp_bytes identity)
{
	size_t lo = 0, hi = conf->customers_n, mid, len;
	const cpnp_conf_customer *c;
	int order;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = &conf->customers[mid];
		len = strlen(c->identity);
		order = memcmp(identity.ptr, c->identity,
		    identity.len < len ? identity.len : len);
		if (order == 0 && identity.len == len)
			return c;
		if (order < 0 || (order == 0 && identity.len < len))
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const cpnp_conf_neighbour *
cpnp_conf_neighbour_find(const cpnp_conf *conf, cpnp_bytes identity)
{
	size_t i;

	for (i = 0; i < conf->neighbours_n; i++)
		if (cpnp_bytes_equal(identity,
			cpnp_bytes_str(conf->neighbours[i].identity)))
			return &conf->neighbours[i];
	return NULL;
}

static void
list_free(cpnp_conf_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->items[i].value);
	free(list->items);
}

/* Every text at the top has its option in the table. */
static void
texts_free(const struct section *s, void *base)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->options[i].kind == TEXT)
			free(((cpnp_conf_text *)(void *)((char *)base +
			    s->options[i].offset))->value);
}

void
cpnp_conf_del(cpnp_conf *conf)
{
	size_t i;

	if (conf == NULL)
		return;
	texts_free(&sections[TOP], conf);
	texts_free(&sections[LEDGER], conf);
	list_free(&conf->listen_dtls);
	list_free(&conf->listen_udp);
	list_free(&conf->event_command);
	list_free(&conf->approval.notify_command);
	list_free(&conf->decision.command);
	for (i = 0; i < conf->customers_n; i++) {
		texts_free(&sections[CUSTOMER], &conf->customers[i]);
		free(conf->customers[i].identity);
	}
	for (i = 0; i < conf->access_n; i++) {
		texts_free(&sections[ACCESS], &conf->access[i]);
		free(conf->access[i].prefix);
	}
	for (i = 0; i < conf->neighbours_n; i++) {
		texts_free(&sections[NEIGHBOUR], &conf->neighbours[i]);
		list_free(&conf->neighbours[i].reaches);
		free(conf->neighbours[i].identity);
	}
	free(conf->customers);
	free(conf->access);
	free(conf->neighbours);
	free(conf->path);
	free(conf);
}
