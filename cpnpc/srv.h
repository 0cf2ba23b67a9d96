/*
 * The servers of a domain: which SRV records count, in which order (RFC
 * 2782), and where they are.
 *
 *	srv.c       names and the order, pure
 *	resolver.c  asking the DNS
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_SRV_H
#define CPNPC_SRV_H

#include <cpnp/error.h>
#include <cpnp/types.h>

struct event_base;

/* A domain name in text without the last dot, and its NUL. */
#define CPNPC_NAME_LEN 254

/* One SRV record.  A target of "" is the root: no such service. */
typedef struct cpnpc_srv {
	uint16_t priority;
	uint16_t weight;
	uint16_t port;
	char target[CPNPC_NAME_LEN];
} cpnpc_srv;

/* So many records of an answer are looked at. */
#define CPNPC_SRV_MAX 64

/*
 * Put the records in the order in which their servers are to be tried: by
 * priority, and within one at random by weight, as RFC 2782 describes it.
 * At most CPNPC_SRV_MAX, else CPNP_ERR_INVALID.  CPNP_ERR_RANDOM: the order
 * is then by priority alone.
 */
int cpnpc_srv_sort(cpnpc_srv *records, size_t n, const cpnp_env *env);

/*
 * The name of a host: labels of letters, digits, "-" and "_", in lower case
 * and without the last dot, into out.  False for anything else, and for an IP
 * address, which is no name.
 */
bool cpnpc_name_parse(const char *text, char out[CPNPC_NAME_LEN]);
/* The same for a domain that is asked for SRV records: without "_", and short
 * enough to have "_cpnps._udp." before it. */
bool cpnpc_domain_parse(const char *text, char out[CPNPC_NAME_LEN]);

/* "host:port" with its NUL. */
#define CPNPC_SERVER_LEN (CPNPC_NAME_LEN + 6)

/*
 * "192.0.2.53", "192.0.2.53:53", "2001:db8::53" or "[2001:db8::53]:53", or
 * several with commas between them.
 */
bool cpnpc_resolver_is_valid(const char *text);

/* One address to try; servers with several have several of these. */
typedef struct cpnpc_server {
	char name[CPNPC_SERVER_LEN]; /* "host:port" */
	char address[56];            /* "192.0.2.1:port", "[v6]:port" */
} cpnpc_server;

/* Of the ordered records so many are resolved, to so many addresses each. */
#define CPNPC_TARGETS_MAX 16
#define CPNPC_ADDRESSES_MAX 4
#define CPNPC_SERVERS_MAX (CPNPC_TARGETS_MAX * CPNPC_ADDRESSES_MAX)

/*
 * domain    as cpnpc_domain_parse() has it.
 * service   "_cpnps" or "_cpnp".
 * port      of a domain without SRV records, whose own addresses are taken.
 * resolver  whom to ask, as cpnpc_resolver_is_valid() has it; NULL for those
 *           of resolv.conf(5).
 * time_max  for everything together.
 * stop      the person has had enough; NULL for nobody.
 */
typedef struct cpnpc_lookup {
	const char *domain;
	const char *service;
	uint16_t port;
	const char *resolver;
	cpnp_tstamp time_max;
	const bool *stop;
} cpnpc_lookup;

#define CPNPC_LOOKUP_TIME CPNP_SECONDS(10)

/*
 * Ask for the servers of a domain; the loop of base runs meanwhile.
 * Errors: CPNP_ERR_NOT_FOUND, there is none; _UNAVAILABLE, the domain says
 * that it has no such service; _IO, the DNS did not answer or answered
 * nonsense; _CONFIG, the resolver is not one; _STATE, stopped; _NOMEM,
 * _RANDOM.  diag says which in words.
 */
int cpnpc_lookup_run(struct event_base *base, const cpnpc_lookup *lookup,
    const cpnp_env *env, cpnpc_server servers[CPNPC_SERVERS_MAX], size_t *n,
    cpnp_diag *diag);

#endif
