/*
 * The daemon: datagrams in, events to the orders, effects out.
 *
 * One turn of the event loop feeds what has come, decides, signs and collects
 * what is to be stored in one batch, together with the messages that may
 * leave when it is durable.  A writer thread commits; when a batch is done its
 * messages go out and what waited for it is signed.
 *
 *	recv.c     a datagram becomes an event
 *	period.h   how many orders there may be in a period
 *	parts.c    messages that are longer than a datagram
 *	effects.c  the effects of an event are performed or put in the batch
 *	verdict.c  what an order asks for is decided; approval.h, who waits;
 *	           decider.h, a program that is asked
 *	batch.c    batches are submitted, come back, fail
 *	start.c    from a configuration to a daemon that can serve
 *	reload.c   another configuration while it runs
 *	serve.c    the loop: timers, signals, stop
 *	rest.c     open orders that leave memory
 *	service.c  orders that come back at a date
 *	restore.h  a store that is not the newest says nothing
 *	ctl.h      the control socket
 *	events.h   the stream of events
 *	ledger.h   orders that are paid, and anchors
 *	children.h orders that are served with orders at neighbours
 *	neighbour.h sessions with them
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_DAEMON_H
#define CPNPD_DAEMON_H

#include <event2/event.h>

#include <cpnp/ledger.h>
#include <cpnp/net.h>
#include <cpnp/order.h>
#include <cpnp/parts.h>

#include "capacity.h"
#include "catalogue.h"
#include "conf.h"
#include "policy.h"
#include "store.h"
#include "topology.h"

/* Batches with the writer, of which one is being written. */
#define CPNPD_IN_FLIGHT_MAX 2
/* Events in a batch; while there are more, messages are dropped and the peer
 * repeats them. */
#define CPNPD_BATCH_EVENTS_MAX 16384
/* ... or bytes; far below what would make the batch fail, as it may not do
 * because of what customers send. */
#define CPNPD_BATCH_BYTES_MAX ((size_t)64 << 20)
/* Timeouts handled in one turn. */
#define CPNPD_EXPIRIES_MAX 1024

/* What cpnp_order_user() keeps of an order of a customer: it is counted as
 * open, it has a struct approval, it waits for a payment, it has children, and
 * above that the bytes that were counted.  Of a child it is its family. */
#define ORDER_USER_OPEN UINT64_C(1)
#define ORDER_USER_WAITS UINT64_C(2)
#define ORDER_USER_PAYS UINT64_C(4)
#define ORDER_USER_FAMILY UINT64_C(8)
#define ORDER_USER_BYTE UINT64_C(16)

/* An identifier for "%.*s" in a line of the log; "-" when there is none. */
#define ID_WORDS(b)                                                            \
	(b).len > 0 ? (int)(b).len : 1,                                        \
	    (b).len > 0 ? (const char *)(b).ptr : "-"

/* X(name, text) */
#define CPNPD_COUNTER_MAP(X)                                                   \
	X(messages, "messages received")                                       \
	X(invalid, "messages that failed validation")                          \
	X(refused, "messages refused without an order")                        \
	X(drop_busy, "messages dropped, the store is behind")                  \
	X(drop_failed, "messages dropped, the store has failed")               \
	X(drop_restored, "messages dropped, the store is not the newest")      \
	X(losses, "losses of a restored store accepted")                       \
	X(drop_stopping, "messages dropped while stopping")                    \
	X(refused_failed, "quotations refused, the store has failed")          \
	X(refused_draining, "quotations refused while draining")               \
	X(refused_rate, "requests refused, over the rate of the customer")     \
	X(refused_memory, "requests refused, the customer holds too much")     \
	X(statements, "statements verified")                                   \
	X(statements_bad, "statements that did not verify")                    \
	X(orders, "orders opened")                                             \
	X(offers, "offers decided")                                            \
	X(refusals, "refusals decided")                                        \
	X(approvals, "orders that wait or waited for approval")                \
	X(approved, "orders approved")                                         \
	X(rejected, "orders rejected")                                         \
	X(approvals_late, "orders refused, nobody approved in time")           \
	X(more_time, "requests for more time")                                 \
	X(more_time_granted, "requests for more time granted")                 \
	X(more_time_refused, "requests for more time refused")                 \
	X(refused_period, "orders refused, the customer had enough of them")   \
	X(asked, "decisions asked of a program")                               \
	X(answers_failed, "decisions that a program has not given")            \
	X(notices, "notices that a program has taken")                         \
	X(notices_failed, "notices that a program has not taken")              \
	X(refused_method, "messages whose method is not for the customer")     \
	X(refused_ledger, "offers that could not be paid for")                 \
	X(paid, "payments posted")                                             \
	X(not_paid, "payments refused")                                        \
	X(voided, "escrows of no order that were voided")                      \
	X(claims, "claims of a breach")                                        \
	X(anchors, "heads of the journal anchored")                            \
	X(children, "child orders made")                                       \
	X(children_agreed, "child orders completed")                           \
	X(children_lost, "child orders withdrawn or cancelled")                \
	X(neighbours_failed, "sessions with neighbours that failed")           \
	X(completed, "orders completed")                                       \
	X(cancelled, "orders cancelled")                                       \
	X(loaded, "orders read back from the store")                           \
	X(rested, "open orders that have left memory")                         \
	X(signatures, "signatures made")                                       \
	X(signatures_failed, "statements that could not be signed")            \
	X(batches, "batches committed")                                        \
	X(batches_failed, "batches that failed")                               \
	X(sent, "messages sent")                                               \
	X(send_failed, "messages whose peer was gone")                         \
	X(fails_limited, "FAILs held back by the rate limit")                  \
	X(rearmed, "steps of the wall clock")                                  \
	X(control_refused, "control connections refused")                      \
	X(events_given, "events given to the event command")                   \
	X(event_restarts, "times that the event command is started again")

typedef struct cpnpd_counters {
#define CPNPD_COUNTER_FIELD(name, text) uint64_t name;
	CPNPD_COUNTER_MAP(CPNPD_COUNTER_FIELD)
#undef CPNPD_COUNTER_FIELD
} cpnpd_counters;

/* An order by its key: a pointer to it does not outlive a failed commit. */
struct key {
	struct key *next;
	cpnp_role role;
	cpnp_tstamp rest_at; /* it may leave memory; 0: it need not, else
				counted from when its batch is durable */
	size_t identity_len;
	size_t id_len;
	uint8_t bytes[]; /* identity, then customer order identifier */
};

/* A message that waits for its batch. */
struct outgoing {
	struct outgoing *next;
	cpnp_peer peer;
	bool again; /* a retransmission */
	size_t len;
	uint8_t bytes[];
};

/* A statement that waits to be signed. */
struct signing {
	struct signing *next;
	struct key *key;
	uint64_t receipt_tag; /* 0: no receipt is wanted */
	size_t receipt_len;
	uint8_t *receipt;
	size_t len;
	uint8_t payload[];
};

/* A batch of the store with all that waits for it, in order. */
struct batch {
	struct batch *next;
	cpnp_store_batch *store;
	struct outgoing *out, **out_end;
	struct signing *sign, **sign_end;
	struct key *touched;
	uint64_t newest; /* number of the last STORE in it */
	uint64_t op_newest; /* of the last operation in the outbox */
	cpnp_wtime service_at; /* earliest date of a service in it */
};

/* What a customer uses of what it may. */
struct use {
	uint64_t open;   /* orders */
	uint64_t memory; /* bytes that its orders hold */
	cpnp_tstamp orders_until; /* the bucket of its new orders */
	int64_t period_until; /* that of the guidelines, period.h ... */
	int64_t period_each;  /* ... and what an order took from it */
};

struct daemon {
	const cpnp_conf *conf;
	struct event_base *base;
	cpnp_net *net;
	cpnp_parts *parts;
	bool draining_parts;
	cpnp_orders *orders;
	cpnp_store *store;
	cpnp_signer *signer;         /* of statements, this thread's */
	cpnp_signer *journal_signer; /* of journal heads, the writer's */
	cpnp_trust *trust;
	cpnp_catalogue *catalogue;
	cpnp_topology *topology; /* NULL: none */
	cpnp_policy *policy;     /* NULL: none */
	cpnp_capacity *capacity;
	char *identity;
	struct use *use; /* of each customer */
	cpnpd_counters counters;
	cpnp_peer from; /* whose message is handled, or CPNP_PEER_NONE */
	const cpnp_msg *message; /* that is handled, or NULL */

	struct batch *current; /* being filled; NULL: nothing to store */
	struct batch *flight;  /* submitted, oldest first */
	struct batch **flight_end;
	struct signing *sign, **sign_end; /* at the end of the turn */
	uint64_t next_tag;

	bool failed; /* a commit failed, and none has succeeded since */
	struct key *lost; /* orders to read back */
	struct key *spare_key; /* names one when there is no memory */
	cpnp_tstamp recover_at;
	cpnp_tstamp recover_wait;

	struct approvals *approvals; /* approval.h */
	struct decider *decider;     /* decider.h */
	struct restore *restore;     /* restore.h */
	struct ledger *ledger;       /* ledger.h; NULL: nothing is paid */
	struct children *children;   /* children.h; NULL: no neighbours */
	struct neighbour *neighbours; /* neighbour.h */

	/* when the next order is to be loaded for its service, by what is
	 * committed, and how far those that are due have been looked at */
	cpnp_wtime service_at;
	cpnp_store_due service_cursor;

	/* orders that may leave memory, in the order of rest_at */
	struct key *rest, **rest_end;

	bool stopping;
	bool draining; /* no new orders */
	char *told; /* CPNPD_TOLD_MAX bytes, the first mistake of a reload */
	cpnp_conf *reloaded; /* conf, when it is not that of the start */
	cpnp_now started;
	struct ctl *ctl; /* ctl.h */
	struct events *events; /* events.h */
	int64_t clock_offset; /* seconds from monotonic to wall clock */
	struct event *timer;
	struct event *store_event;
	struct event *heartbeat;
	struct event *signals[5];
};

/* recv.c */
void cpnpd_recv(void *user, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now);
/* A whole message, from a datagram or from parts. */
void cpnpd_recv_message(struct daemon *d, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes bytes, cpnp_now now);
/* The store has not taken what there is already: nothing new is begun. */
bool cpnpd_is_behind(const struct daemon *d);

/* parts.c */
/* Does a message of len bytes go to peer in parts? */
bool cpnpd_is_long(const struct daemon *d, cpnp_peer peer, size_t len);
void cpnpd_parts_recv(struct daemon *d, cpnp_peer peer, cpnp_bytes datagram,
    cpnp_now now);
void cpnpd_parts_send(struct daemon *d, cpnp_peer peer, cpnp_bytes message,
    bool again, cpnp_now now);
/* Perform what the parts want done. */
void cpnpd_parts_drain(struct daemon *d, cpnp_now now);

/* effects.c: perform or collect all effects, those of decisions included, and
 * tell orders what became of their payments. */
void cpnpd_drain(struct daemon *d, cpnp_now now);
/* The same without the last. */
void cpnpd_drain_effects(struct daemon *d, cpnp_now now);
/* Nothing can be paid without a ledger. */
void cpnpd_refuse_payment(
    struct daemon *d, cpnp_order *order, cpnp_now now);
/* Put an order back from its row; effects are drained. */
int cpnpd_load_row(
    struct daemon *d, const cpnp_store_row *row, cpnp_now now);
/* What the customer of that identity uses; NULL: no customer. */
struct use *cpnpd_use(const struct daemon *d, cpnp_bytes identity);
/* What an agreement has bought is known in capacity, from the store when it is
 * not yet. */
int cpnpd_know_holds(struct daemon *d, const cpnp_order *order);
/* Forget an order in memory: it is open and rests, or as if it was never
 * there. */
void cpnpd_rest_order(struct daemon *d, cpnp_order *order);
void cpnpd_drop_order(struct daemon *d, cpnp_order *order);
/* "order C-1/P-1 peer enterprise.example" */
void cpnpd_log_order(int level, const cpnp_order *order, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* batch.c */
/* The batch being filled; NULL without memory, the store has failed then. */
struct batch *cpnpd_batch(struct daemon *d);
/* The batch that was filled last, submitted or not; NULL when all that was
 * stored is durable. */
struct batch *cpnpd_batch_newest(struct daemon *d);
struct key *cpnpd_key_new(const cpnp_order *order);
/* A list of them. */
void cpnpd_keys_free(struct key *list);
/* The order in memory, or NULL. */
cpnp_order *cpnpd_key_order(const struct daemon *d, const struct key *key);
/* The order is read back when the batch fails; NOMEM. */
int cpnpd_touch(struct batch *b, const cpnp_order *order);
/* Have a key at hand for cpnpd_lose(). */
void cpnpd_key_reserve(struct daemon *d);
/* An order changed and that cannot be stored: it is to be read back.  Takes
 * the key, which may be NULL. */
void cpnpd_lose(struct daemon *d, struct key *key, const cpnp_order *order);
/* Send when all that was stored so far is durable. */
void cpnpd_send_later(struct daemon *d, cpnp_peer peer, cpnp_bytes bytes,
    bool again, cpnp_now now);
/* The turn is over: sign, and give the batch to the writer. */
void cpnpd_turn_end(struct daemon *d, cpnp_now now);
/* Batches have come back. */
void cpnpd_batches_done(struct daemon *d, cpnp_now now);
/* A batch cannot be stored: see the orders in design.md. */
void cpnpd_fail(struct daemon *d, const char *why, cpnp_now now);
/* Try to get over a failure. */
void cpnpd_recover(struct daemon *d, cpnp_now now);
/* Nothing waits to be stored or sent any more. */
bool cpnpd_is_idle(const struct daemon *d);
void cpnpd_batches_free(struct daemon *d);

/* rest.c */
/* An OFFER waits for its customer: the order may leave memory when nothing
 * has come of it after timers { linger }.  Takes the key. */
void cpnpd_rest_later(struct daemon *d, struct key *key, cpnp_now now);
/* Let those rest whose time has come. */
void cpnpd_rest_start(struct daemon *d, cpnp_now now);
cpnp_tstamp cpnpd_rest_expiry(const struct daemon *d);
/* A customer has so many resting orders more, or less. */
void cpnpd_rest_count(struct daemon *d, cpnp_bytes identity, int64_t n);
/* Know of the orders that rest. */
int cpnpd_rest_load(struct daemon *d);

/* service.c */
/* A date is in the store. */
void cpnpd_service_expect(struct daemon *d, cpnp_wtime date);
/* Load the orders whose services are to start or to end, and those that rest
 * and whose OFFERs have been valid. */
void cpnpd_service_start(struct daemon *d, cpnp_now now);
cpnp_tstamp cpnpd_service_expiry(const struct daemon *d, cpnp_now now);

/* verdict.c: some order of the customer may have to wait for somebody. */
bool cpnpd_may_wait(
    const struct daemon *d, const cpnp_conf_customer *customer);

/* start.c: mistakes are told on standard error. */
/* All that can be done without an address, a store or another user. */
int cpnpd_prepare(struct daemon *d);
/* The same, and the rest. */
int cpnpd_start(struct daemon *d);
/* Bring the open orders of the store to life. */
int cpnpd_resume_orders(struct daemon *d);
/* Fill the table of capacity from the store. */
int cpnpd_load_capacity(struct daemon *d);

/* Tell of a mistake in a value of the configuration; CPNP_ERR_CONFIG. */
int cpnpd_blame(struct daemon *d, const char *option,
    const cpnp_conf_text *text, const cpnp_diag *diag);

void cpnpd_report(void *d, const char *line);
/* What there is of each place, link and interconnection; nothing when they are
 * gone.  Errors: NOMEM. */
int cpnpd_set_resources(cpnp_capacity *capacity,
    const cpnp_catalogue *catalogue, const cpnp_topology *topology,
    bool is_gone);
/* Signers, trust, identity; catalogue, network and policy with a table of
 * capacity in which nothing is taken. */
int cpnpd_load_files(struct daemon *d);
int cpnpd_load_tls(struct daemon *d);
int cpnpd_set_access(struct daemon *d);
/* Timers and limits of the configuration count from now on. */
int cpnpd_set_limits(struct daemon *d);

/* reload.c: read the configuration and what it names again, and use it; told
 * says why not, and then nothing has changed. */
#define CPNPD_TOLD_MAX 512
int cpnpd_reload(struct daemon *d, char told[CPNPD_TOLD_MAX]);

/* serve.c */
/* Stop once what is at hand is stored and answered; why is for the log. */
void cpnpd_stop(struct daemon *d, const char *why);
/* Leave the loop when it stops and nothing is at hand any more. */
void cpnpd_stop_if_idle(struct daemon *d);
/* Check what cpnp_conf_load() leaves, or serve until a signal comes; an exit
 * status. */
int cpnpd_check(const cpnp_conf *conf);
int cpnpd_serve(const cpnp_conf *conf);
void cpnpd_arm_timer(struct daemon *d, cpnp_now now);

#endif
