/*
 * One side of a negotiation, for tests: a set of orders with a store that is
 * always durable, an outbox, and a trace of the effects in words.  Statements
 * are "signed" by naming the signer, so that a test sees who did.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <cpnp/order.h>

/* What cpnp_env is made of: the random numbers of a seed, and an allocator
 * that counts and fails once, or for good, when it is told to. */
struct peer_env {
	cpnp_env env;
	uint64_t seed;
	size_t live;    /* allocations that were not freed */
	size_t asked;   /* allocations so far */
	size_t fail_at; /* the one that fails, 0: none */
	bool fail_on;   /* ... and all after it */
};

void peer_env_init(struct peer_env *env, uint64_t seed);
uint64_t peer_random(struct peer_env *env);

/* An order as the store has it. */
struct peer_record {
	cpnp_role role;
	cpnp_state state;
	bool is_settled;
	char id[CPNP_ORDER_ID_MAX + 1];
	char other[CPNP_IDENTITY_MAX + 1];
	uint8_t *saved;
	size_t saved_len;
	uint8_t *docs[CPNP_DOC_END];
	size_t docs_len[CPNP_DOC_END];
	unsigned completed; /* how often it became an agreement */
	unsigned ended;     /* ... and how often that ended */
	size_t leaves;      /* changes of state */
};

struct peer_mail {
	uint8_t *bytes;
	size_t len;
	uint64_t to;
	cpnp_method method;
	bool again;
	bool fail;
};

#define PEER_MAIL_MAX 64
#define PEER_TRACE_MAX 4096

struct peer {
	const char *name;
	const char *other;
	struct peer_env env;
	cpnp_orders_config config;
	cpnp_orders *orders;
	cpnp_now now;

	struct peer_record *records;
	size_t records_n;
	struct peer_mail outbox[PEER_MAIL_MAX];
	size_t outbox_n;
	char trace[PEER_TRACE_MAX];

	/* what was asked for last */
	cpnp_order *decide;
	cpnp_order *offer;
	cpnp_order *sign;
	cpnp_order *pay;
	uint8_t payload[CPNP_STATEMENT_PAYLOAD_MAX];
	size_t payload_len;
	bool wants_receipt;
	unsigned ended;
	unsigned forgotten;
	unsigned alarms;
	cpnp_wtime offer_time; /* of the last effect TIME */

	/* how a message is fed */
	bool may_order;
	bool require_statement;
	uint64_t handle; /* of the other side */
};

/* Settings of tests: the defaults, with the identity name. */
void peer_init(struct peer *p, const char *name, const char *other,
    uint64_t seed, bool sign);
void peer_fini(struct peer *p);
/* Take all effects: into the trace, the store, the outbox and what is asked
 * for. */
void peer_drain(struct peer *p);
/* Everything in memory is lost; what the store has is loaded again. */
void peer_crash(struct peer *p);
/* Decode and feed a message as if from name; loads from the store what is
 * asked for; drains.  The error of cpnp_orders_recv(). */
int peer_feed(struct peer *p, const char *name, cpnp_bytes bytes);
/* Run all timers that are due by now, draining in between. */
void peer_run_timers(struct peer *p);
/* Both clocks go forward. */
void peer_advance(struct peer *p, cpnp_tstamp by);
/* Forget trace and outbox. */
void peer_clear(struct peer *p);
/* The only order in memory of that identifier, in either role. */
cpnp_order *peer_order(const struct peer *p, const char *id);
/* What a STORE is to make durable, taken now; and make it durable. */
struct peer_update {
	struct peer_record record; /* only what changed of the documents */
	uint32_t docs_changed;
	bool is_completed;
};
struct peer_update *peer_update_new(const cpnp_effect *effect);
void peer_update_apply(struct peer *p, const struct peer_update *update);
void peer_update_del(struct peer_update *update);
struct peer_record *peer_find_record(
    struct peer *p, cpnp_role role, const char *other, const char *id);
/* Put an order back into memory. */
int peer_load(struct peer *p, const struct peer_record *record);

/* COSE_Sign1 in form, with the name as signature. */
cpnp_bytes peer_statement(cpnp_bytes payload, const char *name,
    uint8_t out[CPNP_STATEMENT_MAX]);
/* The name in it, empty when it begins with "!". */
cpnp_bytes peer_signer(cpnp_bytes statement);
/* Answer the SIGN that was asked for. */
int peer_sign(struct peer *p, const char *name);

/* Service descriptions that differ. */
#define PEER_SERVICE CPNP_BYTES_LIT("\x82\x19\x03\xe8\xa1\x01\x18\x64")
#define PEER_SERVICE_80 CPNP_BYTES_LIT("\x82\x19\x03\xe8\xa1\x01\x18\x50")
/* Settlement terms and what pays for them, as items that say nothing. */
#define PEER_TERMS CPNP_BYTES_LIT("\xa1\x06\x18\x64")
#define PEER_PAYMENT CPNP_BYTES_LIT("\x81\x43pay")
/* One that asks for the second and gets it, exact or not. */
cpnp_quotation peer_quotation(const struct peer *client, const char *id);
#define PEER_SERVICE_60 CPNP_BYTES_LIT("\x82\x19\x03\xe8\xa1\x01\x18\x3c")
/* An UPDATE that asks for the third. */
#define PEER_UPDATE(p)                                                         \
	.service_description = PEER_SERVICE_60,                                \
	.expected_response_time = {(p)->now.wall.sec + 600}
cpnp_offer peer_offer(const struct peer *server, cpnp_bytes service,
    int64_t valid_sec);

/*
 * Write a message by hand, as the other side of the order would: with the
 * right identifiers, nonce and CPD, and a number larger than every one so
 * far.  What the order does not know yet is made up.  Change the message
 * before it is encoded.
 */
cpnp_msg peer_hand(const struct peer *p, const char *id, cpnp_method method);
/* Encode and feed it as if it came from the other side. */
int peer_feed_msg(struct peer *p, const cpnp_msg *msg);
/* Feed a QUOTATION of PEER_SERVICE that no client of ours has made. */
int peer_quote(struct peer *p, const char *customer_order_id);
/* What the last event did, in short: "x" a PEER error, "S" CPNP_ERR_STATE,
 * "-" nothing; else the state that the order came into ("=": the same one),
 * the messages sent ("~": again, "!": speaking for no order), "?" and what
 * was asked for, "." the end of the transaction, "," forgotten. */
const char *peer_outcome(struct peer *p, int err);
/* Two letters for a state. */
const char *peer_state_short(const char *name);

/* A client and a server joined, driven one message at a time. */
struct pair {
	struct peer client;
	struct peer server;
	cpnp_edition edition;
	bool has_terms; /* offers have settlement terms, and are paid for; set
			   it after pair_init() */
	bool confirms;  /* ... are to be confirmed */
	bool is_child;  /* the order is a child of the client's */
};

void pair_init(struct pair *pair, cpnp_edition edition, bool sign);
void pair_fini(struct pair *pair);
void pair_advance(struct pair *pair, cpnp_tstamp by);
/* Hand the oldest message of one side to the other; its method, or PARTS. */
cpnp_method pair_to_server(struct pair *pair);
cpnp_method pair_to_client(struct pair *pair);
/* Order "o1" with the client in that state and the server where it then is;
 * nothing is under way.  For states of the server see pair_server_to(). */
void pair_client_to(struct pair *pair, cpnp_state state);
void pair_server_to(struct pair *pair, cpnp_state state);
/* From Completed on: the client has sent a WITHDRAW, which is on its way, or
 * also its ACK has come. */
void pair_withdraw(struct pair *pair, bool is_acknowledged);
/* ... an UPDATE, and the two go on until the client is in that state:
 * PQOSent, ServerProcessing, OfferProcessing, AcceptSent or Completed.  What
 * is offered is what was asked for. */
void pair_update(struct pair *pair, cpnp_state state);
/* ... an ACTIVATE, or also it was granted and its ACK has come. */
void pair_activate(
    struct pair *pair, const cpnp_schedule *schedule, bool is_granted);

#endif
