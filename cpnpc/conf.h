/*
 * The settings of one run of cpnpc: the configuration file, cpnpc.conf(5),
 * with the options of the command line over it.
 *
 * One table knows every setting, its name in both places and what it may
 * hold.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_CONF_H
#define CPNPC_CONF_H

#include <cpnp/message.h>
#include <cpnp/types.h>

#include "choose.h"
#include "price.h"

/* What to do with an offer. */
typedef enum cpnpc_accept {
	CPNPC_ACCEPT_DEFAULT = 0, /* ask on a terminal, else exact */
	CPNPC_ACCEPT_ALWAYS,
	CPNPC_ACCEPT_EXACT, /* what was requested, to the letter */
	CPNPC_ACCEPT_ASK,
	CPNPC_ACCEPT_NEVER /* leave it open */
} cpnpc_accept;

/* Why an offer is declined (RFC 8921, Table 3). */
typedef struct cpnpc_reasons {
	cpnp_reason items[CPNP_REASONS_MAX];
	size_t n;
} cpnpc_reasons;

/* A moment: a date, or so many seconds from now on. */
typedef struct cpnpc_when {
	bool is_set;
	bool from_now;
	int64_t sec;
} cpnpc_when;

cpnp_wtime cpnpc_when_date(const cpnpc_when *when, cpnp_now now);

/* What to say to a provider who wants more time for its offer. */
typedef struct cpnpc_more_time {
	bool never;
	cpnpc_when until;
} cpnpc_more_time;

/* Yes, no, or what fits the case. */
typedef enum cpnpc_choice { CPNPC_UNSET = 0, CPNPC_YES, CPNPC_NO } cpnpc_choice;

/* Names, each from an option of its own. */
#define CPNPC_NAMES_MAX 32
typedef struct cpnpc_names {
	char *items[CPNPC_NAMES_MAX];
	size_t n;
} cpnpc_names;

/* How many servers may be asked for one service at the same time. */
#define CPNPC_SET_MAX 16

typedef struct cpnpc_conf {
	char *file; /* the configuration that was read, or NULL */

	/* whom to speak to, and as whom */
	char *server;
	char *domain; /* or this: whose SRV records say where */
	char *resolver;
	bool udp;
	bool key_log;
	char *server_name;
	char *server_domain;
	char *server_identity;
	char *identity;
	char *source;
	uint64_t source_port; /* 0: any */
	char *certificate;
	char *key;
	char *ca;
	char *crl;
	char *ledger_key;
	char *ledger; /* cpnp-ledger.conf(5), or NULL */
	char *store;

	/* how to negotiate */
	cpnp_edition edition;
	cpnpc_accept accept;
	cpnpc_price max_price;           /* code and amount; is_set */
	cpnpc_price max_fee;             /* of the ledger; not set: none */
	uint64_t wait;                   /* seconds; 0: until it is decided */
	uint64_t expected_response;      /* seconds; 0: no deadline */
	cpnpc_choice require_statements; /* unset: with DTLS */
	bool no_recursion;
	cpnp_purpose purpose;
	cpnp_activation_type activation; /* 0: nothing is asked */
	cpnpc_more_time more_time;
	uint64_t mtu; /* 0: not set */
	cpnp_tstamp retransmit;
	uint64_t retries;
	cpnp_tstamp repeat_min;
	cpnp_tstamp repeat_max;

	/* Customer Description */
	char *customer_name;
	char *customer_email;
	char *customer_address;
	char *customer_telephone;

	/* of the command line alone */
	char *servers[CPNPC_SET_MAX]; /* each --server of it */
	size_t servers_n;
	cpnpc_rule rule; /* which of their offers is taken */
	bool accept_given; /* accept and max_price come from there */
	bool max_price_given;
	char *order_id;
	cpnpc_reasons reasons; /* each once */
	cpnpc_when at;    /* when a service is to start */
	cpnpc_when until; /* and to end */
	bool yes; /* withdraw without asking */
	uint64_t capacity;  /* bit/s of a path; 0: any */
	uint64_t max_delay; /* microseconds; 0: any */
	uint64_t max_hops;  /* 0: any */
	uint64_t paths;     /* how many to show; 0: not set */
	cpnpc_names avoid;  /* domains */
	cpnpc_names pass;
	bool by_delay;      /* and not by price */
	bool json;
	bool quiet;
	bool verbose;
} cpnpc_conf;

/* Built-in values. */
void cpnpc_conf_init(cpnpc_conf *conf);
void cpnpc_conf_fini(cpnpc_conf *conf);

/* Takes one line about a mistake, without a newline. */
typedef void cpnpc_conf_report(void *user, const char *line);

/*
 * Read a file over what conf has.  Each mistake is reported as "file:line:
 * option: what is wrong; expected what would be right".  Relative paths in it
 * are taken from the directory of the file.
 * Errors: CPNP_ERR_NOT_FOUND (reported as well), _CONFIG, _NOMEM.
 */
int cpnpc_conf_read(
    cpnpc_conf *conf, const char *path, cpnpc_conf_report *report, void *user);

/* A setting of the command line: its name without "--", and its value, NULL
 * for a flag.  Errors: CPNP_ERR_CONFIG (reported), _NOMEM. */
int cpnpc_conf_set(cpnpc_conf *conf, const char *name, const char *value,
    cpnpc_conf_report *report, void *user);

/* ~/.config/cpnp/cpnpc.conf and ~/.local/state/cpnp/orders.db, by the XDG
 * variables; NULL without memory or home.  To be freed. */
char *cpnpc_conf_default_path(void);
char *cpnpc_conf_default_store(void);

/* One option for getopt_long: its long name, its letter or 0, whether it
 * takes a value.  False past the last. */
bool cpnpc_conf_option(
    size_t i, const char **name, char *letter, bool *has_value);

const char *cpnpc_accept_name(cpnpc_accept accept);

#endif
