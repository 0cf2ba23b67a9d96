/*
 * The configuration of cpnpd, cpnpd.conf(5).
 *
 * Every mistake is told as "file:line: option: what is wrong; expected what
 * would be right", and all of them in one go.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CONF_H
#define CPNPD_CONF_H

#include <cpnp/error.h>
#include <cpnp/types.h>

#include "log.h"

/* A text with the line it stands on; value NULL: not given. */
typedef struct cpnp_conf_text {
	char *value;
	unsigned line;
} cpnp_conf_text;

typedef struct cpnp_conf_list {
	cpnp_conf_text *items;
	size_t n;
	unsigned line;
} cpnp_conf_list;

typedef struct cpnp_conf_log {
	int destination; /* 0 standard error, 1 syslog */
	int level;       /* cpnp_log_level */
} cpnp_conf_log;

/* Methods of customers that have an entitlement or an approval of their own;
 * QUOTATION is PROVISION in draft-02.  X(NAME, name) */
#define CPNP_CONF_METHOD_MAP(X)                                                \
	X(QUOTATION, "quotation")                                              \
	X(UPDATE, "update")                                                    \
	X(ACTIVATE, "activate")                                                \
	X(WITHDRAW, "withdraw")                                                \
	X(CANCEL, "cancel")

/* A set of them; the CPNP_METHOD_* are the bits. */
typedef struct cpnp_conf_methods {
	bool is_given;
	unsigned line;
	uint32_t bits;
} cpnp_conf_methods;

#define CPNP_CONF_METHOD_BIT(method) (UINT32_C(1) << (method))

/* "1000.00 EUR": amount 100000, exponent 2. */
typedef struct cpnp_conf_money {
	bool is_given;
	unsigned line;
	int64_t amount;
	uint8_t exponent;
	char code[CPNP_TOKEN_CODE_MAX + 1];
} cpnp_conf_money;

/* What an administrator decides, RFC 8921 12.2.  Those of a customer are
 * filled in from those of the section approval when the customer has none. */
typedef struct cpnp_conf_approves {
	cpnp_conf_methods methods; /* always */
	cpnp_conf_money above;     /* offers that cost more */
	int escalate; /* what the catalogue refuses; -1: not given */
} cpnp_conf_approves;

typedef struct cpnp_conf_approval {
	cpnp_conf_approves all;
	uint64_t time; /* nanoseconds, as all below */
	uint64_t margin;
	uint64_t extend;
	uint64_t max;
	uint64_t notify_time;
	cpnp_conf_list notify_command;
} cpnp_conf_approval;

/* How orders are paid at a shared ledger.  Times in nanoseconds, shares in
 * millionths. */
typedef struct cpnp_conf_ledger {
	cpnp_conf_text conf;  /* cpnp-ledger.conf(5); NULL: nothing is paid */
	cpnp_conf_text token; /* "EUR of bank.example" */
	cpnp_conf_text offer; /* "vpn of carrier.example", in the catalogue */
	uint64_t anchor_time;
	uint64_t anchor_leaves; /* 0: no anchors */
	uint64_t paid_time;   /* what an agreement without end is paid for; 0:
				 as the catalogue says */
	uint64_t escrow_time; /* in which an authorization is acknowledged */
	uint64_t claim_time;
	bool idle_paid;
	bool void_unknown; /* escrows that are of no order */
	uint64_t sla_credit; /* for a window; 0: no terms */
	uint64_t sla_window;
	uint64_t sla_cap;
	uint64_t sla_object_time;
	uint64_t sla_audit_time;
	cpnp_conf_text sla_auditor;
	int sla_default; /* 1: an undecided claim is upheld */
} cpnp_conf_ledger;

/* A program that decides too, or instead. */
typedef struct cpnp_conf_decision {
	cpnp_conf_list command;
	int mode;       /* 0 also, 1 instead */
	int on_failure; /* 0 refuse, 1 escalate */
	uint64_t time;  /* nanoseconds */
	uint64_t programs_max; /* at a time */
} cpnp_conf_decision;

/* How child orders are made; times in nanoseconds. */
typedef struct cpnp_conf_children {
	int recursion;      /* 0 no, 1 cascade */
	int accept;         /* 0 on-accept, 1 as-figure */
	uint64_t margin;    /* what each hop keeps of a time */
	uint64_t repeat_min; /* an answer is asked for again, ... */
	uint64_t repeat_max; /* ... more and more slowly */
	uint64_t hop_limit; /* of an order that names none */
} cpnp_conf_children;

/* Times in nanoseconds, cpnp_orders_config. */
typedef struct cpnp_conf_timers {
	uint64_t retrans;
	uint64_t retries_max;
	uint64_t resend;
	uint64_t linger;
	uint64_t expected_offer;
} cpnp_conf_timers;

/* cpnp_orders_config and cpnp_net_limits; 0 leaves their default. */
typedef struct cpnp_conf_limits {
	uint64_t orders_max;
	uint64_t memory_max; /* bytes that all orders hold */
	uint64_t sessions_max;
	uint64_t handshakes_max;
	uint64_t mtu; /* longer messages go in parts; 0: those that no
			 datagram takes */
	uint64_t addresses_max;
	uint64_t handshake;
	uint64_t idle;
	uint64_t fails_per_second; /* to one source */
	uint64_t fails_all;        /* to all together, a second */
	uint64_t handshake_rate;
	uint64_t handshake_burst;
	uint64_t prefix_len_v4;
	uint64_t prefix_len_v6;
} cpnp_conf_limits;

typedef struct cpnp_conf_customer {
	char *identity;
	unsigned line;
	bool may_order;
	bool require_statement;
	uint64_t held_max; /* bit/s held without buying; UINT64_MAX: no limit */
	uint64_t open_max; /* open orders */
	uint64_t order_rate; /* QUOTATION and UPDATE in a second */
	uint64_t order_burst;
	uint64_t memory_max; /* bytes that its orders hold in memory */
	cpnp_conf_text account;
	cpnp_conf_text profile; /* of the policy */
	bool verified; /* its administrative data */
	cpnp_conf_text statement_key;
	cpnp_conf_methods methods; /* it is entitled to */
	cpnp_conf_approves approves;
} cpnp_conf_customer;

/* A provider that child orders go to, by the name in its certificate. */
typedef struct cpnp_conf_neighbour {
	char *identity;
	unsigned line;
	cpnp_conf_text server;
	cpnp_conf_text place;       /* of the catalogue: where the two meet */
	cpnp_conf_text their_place; /* what it is called there; NULL: the
				       same */
	cpnp_conf_list reaches;     /* places behind it; "*": all others */
} cpnp_conf_neighbour;

typedef struct cpnp_conf_access {
	char *prefix;
	unsigned line;
	cpnp_conf_text identity;
	bool no_cookie;
	uint64_t rate; /* of cpnp_net_access; 0 leaves the default */
	uint64_t burst;
	uint64_t prefix_len;
} cpnp_conf_access;

typedef struct cpnp_conf {
	char *path;
	cpnp_conf_list listen_dtls;
	cpnp_conf_list listen_udp;
	cpnp_conf_text identity;
	cpnp_conf_text certificate;
	cpnp_conf_text key;
	cpnp_conf_text ca;
	cpnp_conf_text crl;
	bool key_log;
	cpnp_conf_text ledger_key;
	cpnp_conf_text store;
	cpnp_conf_text control_socket; /* always set after a load */
	cpnp_conf_text catalogue;
	cpnp_conf_text network;
	cpnp_conf_text policy;
	cpnp_conf_list event_command;
	cpnp_conf_text user;
	cpnp_conf_text group;
	cpnp_conf_log log;
	cpnp_conf_timers timers;
	cpnp_conf_limits limits;
	cpnp_conf_approval approval;
	cpnp_conf_ledger ledger;
	cpnp_conf_decision decision;
	cpnp_conf_children children;
	cpnp_conf_text checkpoint_file;
	cpnp_conf_customer *customers; /* sorted by identity */
	size_t customers_n;
	cpnp_conf_access *access;
	size_t access_n;
	cpnp_conf_neighbour *neighbours; /* as they stand in the file */
	size_t neighbours_n;
} cpnp_conf;

/* Takes one line about a mistake, without a newline. */
typedef void cpnp_conf_report(void *user, const char *line);

/*
 * Read and check the file: its form, every value, the files that it names
 * (there, readable, keys private, certificate valid at now and fitting the
 * key).  On failure report has been called for each mistake.
 * Errors: CPNP_ERR_CONFIG, _NOMEM.
 */
int cpnp_conf_load(cpnp_conf **conf, const char *path, cpnp_wtime now,
    cpnp_conf_report *report, void *user);
void cpnp_conf_del(cpnp_conf *conf);

/* The customer of that identity, or NULL. */
const cpnp_conf_customer *cpnp_conf_customer_find(
    const cpnp_conf *conf, cpnp_bytes identity);

/* The neighbour of that identity, or NULL. */
const cpnp_conf_neighbour *cpnp_conf_neighbour_find(
    const cpnp_conf *conf, cpnp_bytes identity);

/* Some order of the customer may have to wait for an administrator. */
bool cpnp_conf_may_wait(const cpnp_conf_approves *approves);

/* Tell of a mistake that shows only when the configuration is used; text is
 * the option that it is about. */
void cpnp_conf_blame(const cpnp_conf *conf, const char *option,
    const cpnp_conf_text *text, const cpnp_diag *diag,
    cpnp_conf_report *report, void *user);

/* conf_files.c: the files that a loaded configuration names.  Returns the
 * number of mistakes. */
unsigned cpnp_conf_check_files(const cpnp_conf *conf, cpnp_wtime now,
    cpnp_conf_report *report, void *user);

/* Write one line of the form above; line 0 leaves the number out. */
void cpnp_conf_complain(const cpnp_conf *conf, unsigned line,
    cpnp_conf_report *report, void *user, const char *option,
    const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
