/*
 * cpnp-load: what its files share.
 *
 *	load.c       options, the report
 *	load_run.c   peers, the clock, starting orders
 *	load_order.c one order after the other through its messages
 *	load_pay.c   what an OFFER asks to be paid
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <sys/queue.h>
#include <time.h>

#include <event2/event.h>

#include <cpnp/cpnp.h>
#include <cpnp/ledger.h>
#include <cpnp/net.h>

#include "hist.h"

#define LOAD_STATES 32
#define LOAD_CLIENTS_MAX 10000
#define LOAD_ERRORS 256

struct load_options {
	const char *server;
	const char *server_name; /* its certificate, or its identity on UDP */
	const char *source;
	const char *identity; /* ours on UDP */
	const char *cert, *key, *ca;
	const char *document;
	const char *pay;       /* cpnp-ledger.conf of the payer */
	const char *pay_wrong; /* what is wrong with what it authorizes */
	cpnp_edition edition;
	bool udp, sign, json;
	cpnp_state goal; /* Completed, or OfferProcessing: it is left there */
	size_t sign_together; /* at most so many ACCEPTs to a signature */
	double rate;          /* open loop, orders a second; 0: closed loop */
	uint64_t concurrency; /* closed loop, orders under way */
	uint64_t count;       /* orders in all; 0: no limit */
	double duration;      /* seconds; 0: no limit */
	double timeout;       /* seconds to wait at the end */
	unsigned clients;
};

/* An order under way; the user number of the order is its address. */
struct load_job {
	cpnp_tstamp start; /* when it had to begin, not when it could */
	cpnp_order *order;
	LIST_ENTRY(load_job) all;
	bool is_to_sign;
	TAILQ_ENTRY(load_job) to_sign;
	uint8_t payload[CPNP_STATEMENT_PAYLOAD_MAX];
	size_t payload_len;
};

struct load {
	struct load_options options;
	const cpnp_env *env;
	struct event_base *base;
	struct event *timer;
	cpnp_net *net;
	cpnp_orders *orders;
	cpnp_signer *signer;
	cpnp_signer *payer; /* NULL: nothing is paid */
	cpnp_trust *trust;
	cpnp_buf service;
	cpnp_bytes server_identity;
	char server_identity_text[CPNP_IDENTITY_MAX + 1];
	char prefix[17]; /* of order identifiers, new for each run */

	cpnp_peer *peers;
	unsigned connecting; /* the first of them that has not begun */
	unsigned up;
	unsigned complaints;
	bool running, stopped;
	int err; /* why it ended early */
	cpnp_tstamp begin, end, deadline; /* deadline: of the wait at the end */
	clock_t cpu_begin, cpu_end; /* processor time of this process */

	uint64_t started, finished, not_started;
	LIST_HEAD(, load_job) jobs;
	TAILQ_HEAD(, load_job) to_sign;

	struct hist latency; /* of completed orders, nanoseconds */
	uint64_t outcomes[LOAD_STATES];
	uint64_t statuses[LOAD_STATES]; /* of FAILs */
	uint64_t errors[LOAD_ERRORS];   /* by negated code */
	uint64_t again; /* retransmissions and repeats that we sent */
	uint64_t late;  /* answers for orders that had ended */
};

/* Run from connecting to the last answer; 0 or CPNP_ERR_*. */
int load_run(struct load *load);

/* Start an order that was due at a moment. */
void load_order_start(struct load *load, cpnp_tstamp due);
/* A datagram of the server. */
void load_order_message(
    struct load *load, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now);
/* Do what the timers of orders ask for. */
void load_order_timers(struct load *load);
/* Sign what waits for it, all with one signature. */
void load_order_sign(struct load *load);
/* Forget all that have not ended. */
void load_order_clear(struct load *load);
/* Accept an OFFER, and pay when it asks for it. */
int load_pay_open(struct load *load);
void load_pay_close(struct load *load);
int load_pay(struct load *load, cpnp_order *order, cpnp_now now);
/* Count an error. */
void load_error(struct load *load, int err);

#endif
