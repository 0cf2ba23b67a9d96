/*
 * A session: the network, the orders in memory and the store, run on
 * libevent until every order that the verb is about has come to where the
 * verb wants it, the time is up or somebody interrupts.  It has a link to each
 * server that one of the orders is with.
 *
 * What an order wants is committed to the store before a byte of it leaves.
 * So the process may be killed at any moment, and cpnpc resume goes on.
 *
 *	session.c   messages, timers, signals, the loop
 *	open.c      store, certificates, network; and closing
 *	server.c    which server a link is with
 *	job.c       what is done with each order
 *	change.c    with an agreement: update, activate, withdraw
 *	service.c   services that started or ended since the last run
 *	set.c       orders of which one is accepted: finding, beginning
 *	set_act.c   and deciding
 *	set_show.c  and telling
 *	choose.c    which offer is the best
 *	outcome.c   how it ended
 *	effect.c    effects of the orders: store, send, sign
 *	parts.c     messages that are longer than a datagram
 *	pay.c       paying for what is accepted
 *	status.c    what a person sees meanwhile
 *	ask.c       the question on the terminal
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_SESSION_H
#define CPNPC_SESSION_H

#include <event2/event.h>

#include <cpnp/ledger.h>
#include <cpnp/net.h>
#include <cpnp/parts.h>

#include "choose.h"
#include "cpnpc.h"
#include "ledger-bridge/conf/ledger_conf.h"
#include "srv.h"

typedef enum cpnpc_goal {
	CPNPC_GOAL_QUOTE,  /* get an offer and decline it */
	CPNPC_GOAL_ORDER,  /* get an offer, and what the settings say */
	CPNPC_GOAL_ACCEPT, /* by command, whatever the settings say */
	CPNPC_GOAL_DECLINE,
	CPNPC_GOAL_CANCEL,
	CPNPC_GOAL_WITHDRAW,
	CPNPC_GOAL_UPDATE, /* as ORDER, on an agreement */
	CPNPC_GOAL_ACTIVATE,
	CPNPC_GOAL_DEACTIVATE
} cpnpc_goal;

/*
 * A set: orders for one service with several servers, of which one is accepted
 * (RFC 8921, 8.10).  Its members are ID.1, ID.2 and so on, in the order in
 * which the servers were given, and each has this with it in the store.  More
 * is not kept: which one was chosen is told by the states of the members,
 * which are durable before a message of theirs leaves.
 */
typedef struct cpnpc_member {
	char id[CPNP_ORDER_ID_MAX + 1]; /* of the set; "": it is of none */
	cpnpc_rule rule;
	unsigned number; /* from 1 */
	unsigned of;     /* how many were asked */
	cpnp_wtime deadline;
} cpnpc_member;

/* What was in the mind of who placed an order: kept with it in the store, so
 * that resume does what order or quote would have done. */
typedef struct cpnpc_intent {
	cpnpc_goal goal; /* QUOTE, ORDER or UPDATE */
	cpnpc_accept accept;
	cpnpc_price max_price;
	/* where it went: "host:port" of an SRV record, or as it was given for
	 * one of a set; or "" */
	char server[CPNPC_SERVER_LEN];
	cpnpc_member set;
} cpnpc_intent;

#define CPNPC_INTENT_LEN 512
void cpnpc_intent_format(
    const cpnpc_intent *intent, char out[CPNPC_INTENT_LEN]);
/* CPNP_ERR_INVALID when the text is not one of ours. */
int cpnpc_intent_parse(cpnp_bytes text, cpnpc_intent *intent);

/* A new order is given up when no session comes about in this time: nothing
 * has been ordered yet, so that is the better answer. */
#define CPNPC_CONNECT_TIME CPNP_SECONDS(30)

/* One of several servers gets so long for its handshake. */
#define CPNPC_SERVER_TIME CPNP_SECONDS(5)

typedef struct cpnpc_session cpnpc_session;

/* A set that the run is about; its jobs point to it.  Jobs are named by their
 * place among all jobs plus one, 0 is none. */
typedef struct cpnpc_set {
	cpnpc_member what; /* without a number */
	bool begun;    /* its orders are in the store */
	bool asking;   /* the terminal has the question */
	bool left;     /* its offers are left open */
	bool refused;  /* what was commanded cannot be */
	size_t wish;   /* the one that is accepted by command */
	size_t chosen; /* the one that was accepted last */
} cpnpc_set;

/* The response deadline of a set unless --expected-response says another. */
#define CPNPC_SET_TIME 120
/* Room for the number of a member. */
#define CPNPC_SET_ID_MAX (CPNP_ORDER_ID_MAX - 3)

/* A server, and the session with it. */
typedef struct cpnpc_link {
	cpnpc_session *session;
	char address[CPNPC_SERVER_LEN]; /* as it was given, or "" and */
	const char *domain; /* whose SRV records say where */
	cpnp_peer peer;
	cpnpc_server *servers; /* of the domain, in their order */
	size_t servers_n;
	size_t server_i; /* the one at hand */
	size_t untried;  /* how many are left in this round */
	char only[CPNPC_SERVER_LEN]; /* the one that has the orders, or "" */
	bool failed;  /* the last attempt to connect */
	bool missed;  /* one of them has */
	bool heard;   /* a message has come from the server at hand */
	bool is_up;   /* there has been a session with the server */
	bool working; /* the orders have begun */
	char peer_identity[CPNP_IDENTITY_MAX + 1];
	char net_problem[320]; /* why there is no session, told once */
	cpnp_tstamp connected; /* when the last attempt began */
} cpnpc_link;

/* One order that the run is about. */
typedef struct cpnpc_job {
	cpnpc_goal goal;
	cpnpc_intent intent;
	cpnpc_link *link;
	cpnpc_set *set;                 /* that it is a member of, or NULL */
	char id[CPNP_ORDER_ID_MAX + 1]; /* customer order identifier */
	bool is_new;
	uint8_t *service; /* of a new one, or of an UPDATE to be sent */
	size_t service_len;
	cpnpc_record record; /* of one that was in the store */

	cpnp_order *order; /* in memory, or NULL */
	bool in_store;     /* its identifiers are durable */
	bool wants_offer_decided;
	bool wants_sign;
	bool asking; /* the terminal has the question */
	bool agreed; /* it has become an agreement in this run */
	bool lost;   /* another one of its set is agreed */
	bool posting; /* the provider is at work on the payment */
	uint8_t payload[CPNP_STATEMENT_PAYLOAD_MAX];
	size_t payload_len;
	uint8_t *fail; /* the FAIL that came last, or NULL */
	size_t fail_len;
	cpnp_state end_state; /* of the transaction that has ended */
	cpnp_event ended_by; /* the event that led to Cancelled */
	cpnp_state ended_in; /* and the state before */
	cpnp_tstamp ended_at;
	char detail[128];

	bool done;
	cpnpc_exit code;
	char why[CPNPC_WHY_LEN]; /* how it ended, in words */
	json_t *json;            /* and for --json */
} cpnpc_job;

/* The account that offers are paid from. */
typedef struct cpnpc_purse {
	bool is_open; /* a ledger is configured, and what it names was read */
	struct cpnp_ledger_conf conf;
	uint8_t ledger[CPNP_SHA256_LEN];
	cpnp_signer *signer; /* NULL: the file names no account or no key */
} cpnpc_purse;

struct cpnpc_session {
	cpnpc *run;
	struct event_base *base;
	struct event *timer; /* of the orders */
	struct event *tick;  /* every second */
	struct event *interrupt;
	struct event *terminate;
	struct event *answer; /* the terminal is readable */
	int tty;              /* -1: not open */
	cpnp_net *net;
	cpnpc_link **links;
	size_t links_n;
	bool may_ask;  /* there is a terminal and a person at it */
	bool gives_up; /* all are new: without a session nothing is ordered */
	bool many;     /* the verb is about any number of orders */
	cpnp_store *store;
	cpnp_store_batch *batch; /* not committed yet */
	cpnp_parts *parts;
	bool draining_parts;
	cpnp_orders *orders;
	cpnp_signer *signer;
	cpnp_trust *trust;
	cpnpc_purse purse;

	cpnpc_job *jobs;
	size_t jobs_n;
	cpnpc_set **sets;
	size_t sets_n;

	cpnp_now began;
	int64_t clock_offset;  /* wall minus monotonic, in seconds */
	bool stop;
	bool interrupted;
	bool broken;      /* the store or the memory failed; told */
	char status[256]; /* line that stands on the terminal */
};

/* Open store, certificates and network.  On failure the error has been told,
 * and the session is closed. */
cpnpc_exit cpnpc_session_open(cpnpc_session *session, cpnpc *run);
void cpnpc_session_close(cpnpc_session *session);
/* The link to the server at address, or with NULL to the configured one; NULL
 * when that has failed, and been told. */
cpnpc_link *cpnpc_session_link(cpnpc_session *session, const char *address);
/* A new order over a link; takes service on success. */
cpnpc_exit cpnpc_session_add_new(cpnpc_session *session, cpnpc_goal goal,
    cpnpc_link *link, uint8_t *service, size_t len);
/* An order of the store; takes the content of record on success. */
cpnpc_exit cpnpc_session_add(
    cpnpc_session *session, cpnpc_goal goal, cpnpc_record *record);
/* Run to the end, report every order, and say how to exit. */
cpnpc_exit cpnpc_session_run(cpnpc_session *session);
/* Open, add new, run and close: quote and order. */
cpnpc_exit cpnpc_session_place(cpnpc *run, cpnpc_goal goal);
/* The server is configured, and is one; tells the error. */
cpnpc_exit cpnpc_server_check(cpnpc *run);
/* The same for one order of the store: accept, decline, cancel, withdraw,
 * update, activate, deactivate. */
cpnpc_exit cpnpc_session_command(cpnpc *run, cpnpc_goal goal);

/* ---- between the files of a session ------------------------------------ */

/* session.c: what the network and the loop call. */
/* A whole message, from a datagram or from parts. */
void cpnpc_recv_message(cpnpc_session *session, cpnp_peer peer,
    cpnp_bytes identity, cpnp_bytes bytes, cpnp_now now);
/* parts.c */
int cpnpc_parts_send(
    cpnpc_session *session, const cpnp_effect *effect, cpnp_now now);
void cpnpc_parts_timer(cpnpc_session *session, cpnp_now now);
void cpnpc_on_message(void *user, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now);
void cpnpc_on_net_event(void *user, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now);
/* Which link a peer is of, or NULL. */
cpnpc_link *cpnpc_link_of(const cpnpc_session *session, cpnp_peer peer);
/* The orders of one link have begun. */
bool cpnpc_session_is_working(const cpnpc_session *session);
/* Timer, tick and signals; false without memory. */
bool cpnpc_session_events(cpnpc_session *session);
/* The loop is to end when every job is done. */
void cpnpc_session_check(cpnpc_session *session);
/* Arm the timer of the orders. */
void cpnpc_session_arm(cpnpc_session *session, cpnp_now now);

/* server.c: find the servers, when the link names a domain, and make the
 * first one the peer.  The error has been told; PENDING when the
 * person stopped it. */
cpnpc_exit cpnpc_server_open(cpnpc_link *link);
/* The attempt to connect, or to be heard, has failed. */
void cpnpc_server_failed(cpnpc_link *link);
/* Each second: try again, or another server. */
void cpnpc_server_tick(cpnpc_link *link, cpnp_now now);
/* The server at hand, for people. */
const char *cpnpc_server_name(const cpnpc_link *link);
/* Write it into what an order is meant for. */
void cpnpc_server_note(const cpnpc_link *link, cpnpc_job *job);
/* A stored order is at another server of the domain, which name gets. */
bool cpnpc_server_is_other(const cpnpc_link *link, const cpnpc_job *job,
    char name[CPNPC_SERVER_LEN]);

/* job.c: begin with what a link is for, now that there is a peer. */
void cpnpc_jobs_start(cpnpc_session *session, cpnpc_link *link, cpnp_now now);
/* An identifier of an order that nobody has used: a letter, the day and 80
 * random bits.  CPNP_ERR_RANDOM. */
int cpnpc_make_id(char letter, cpnp_now now, char id[CPNP_ORDER_ID_MAX + 1]);
/* Make the order of a new job, whose id and intent are set; its effects are
 * not taken yet. */
int cpnpc_job_create(cpnpc_session *session, cpnpc_job *job, cpnp_now now);
/* That, or sending it, has failed. */
void cpnpc_job_not_placed(cpnpc_session *session, cpnpc_job *job, int err);
/* Bring an order of the store into memory; false when it is done already. */
bool cpnpc_job_load(cpnpc_session *session, cpnpc_job *job, cpnp_now now);
void cpnpc_job_accept(cpnpc_session *session, cpnpc_job *job, cpnp_now now);
/* For the same service as a job, when it is new. */
bool cpnpc_record_is_for(
    const cpnpc_record *record, const uint8_t *service, size_t len);
cpnpc_job *cpnpc_job_of(cpnpc_session *session, const cpnp_order *order);
/* An offer is there: accept, decline, ask or leave it. */
void cpnpc_job_decide(cpnpc_session *session, cpnpc_job *job, cpnp_now now);
/* Print the offer of a job. */
void cpnpc_job_show(cpnpc_session *session, const cpnpc_job *job);
/* The answer of the person at the terminal. */
void cpnpc_job_answer(cpnpc_session *session, cpnpc_job *job,
    cpnpc_verdict verdict, cpnp_now now);
/* The offer stays open; the job is done. */
void cpnpc_job_leave(cpnpc_session *session, cpnpc_job *job);
/* What needs no further waiting for, each second. */
void cpnpc_jobs_tick(cpnpc_session *session, cpnp_now now);

/* change.c: a transaction on an agreement; its effects are not taken yet. */
int cpnpc_job_change(cpnpc_session *session, cpnpc_job *job, cpnp_now now);
/* The verb opens a transaction on an agreement. */
bool cpnpc_goal_is_change(cpnpc_goal goal);
/* What the customer wants when more time is asked for. */
cpnp_more_time cpnpc_more_time_policy(
    const cpnpc_conf *conf, cpnp_now now, cpnp_wtime *until);
/* How a transaction on an agreement ended, or was left; false when the last
 * one of the order is another. */
bool cpnpc_change_finish(cpnpc_session *session, cpnpc_job *job);
bool cpnpc_change_give_up(cpnpc_session *session, cpnpc_job *job);

/* service.c: do what became due for the orders that rest in the store. */
void cpnpc_services_catch_up(cpnpc_session *session, cpnp_now now);

/* outcome.c: the job is done as it stands. */
void cpnpc_job_finish(cpnpc_session *session, cpnpc_job *job, cpnpc_exit code,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The other side of a job's order. */
const char *cpnpc_job_provider(
    const cpnpc_job *job, char text[CPNP_IDENTITY_MAX + 1]);
/* The transaction has ended. */
void cpnpc_job_ended(cpnpc_session *session, cpnpc_job *job);
/* An order that is Cancelled in the store: how it came to be so. */
void cpnpc_job_learn_end(cpnpc_session *session, cpnpc_job *job, cpnp_now now);
/* An order that was over before we came. */
void cpnpc_job_finish_stored(cpnpc_session *session, cpnpc_job *job);
/* Stop waiting for what is not decided yet. */
void cpnpc_jobs_give_up(cpnpc_session *session);
cpnpc_exit cpnpc_jobs_report(cpnpc_session *session);

/* effect.c: perform what the orders want until they want no more. */
void cpnpc_effects_run(cpnpc_session *session, cpnp_now now);
/* Only take them, and commit nothing unless something is to be sent. */
void cpnpc_effects_gather(cpnpc_session *session, cpnp_now now);
/* Take and commit; what needs an act of ours is kept in the jobs. */
void cpnpc_effects_take(cpnpc_session *session, cpnp_now now);

/* Keep with an order what it is meant for and where it is, before the next
 * message of it leaves. */
void cpnpc_effects_note(cpnpc_session *session, const cpnpc_job *job);

/* set.c: add a set to the run; false when there is no such set, else *code
 * says how that went. */
bool cpnpc_set_add(cpnpc_session *session, const char *id, cpnpc_exit *code);
/* The same for the set that an order is a member of. */
bool cpnpc_set_add_of(
    cpnpc_session *session, const cpnpc_record *record, cpnpc_exit *code);
/* Add an order that is to be accepted, with the others of its set. */
cpnpc_exit cpnpc_set_accept(cpnpc_session *session, const char *id);
/* cpnpc order with several servers. */
cpnpc_exit cpnpc_set_place(cpnpc *run);
/* Bring the orders of all sets into memory, before there is a peer: what
 * becomes of one depends on the others. */
void cpnpc_sets_load(cpnpc_session *session, cpnp_now now);
/* set_act.c: do what one set is ready for; false when none is. */
bool cpnpc_sets_act(cpnpc_session *session, cpnp_now now);
/* An order that is to be accepted is not when another of its set has been. */
void cpnpc_set_check_wish(cpnpc_session *session, cpnpc_set *set);
/* The answer of the person: the number of a member, 0 for none of them, less
 * for later.  False when that one has no open offer. */
bool cpnpc_set_answer(
    cpnpc_session *session, cpnpc_set *set, long number, cpnp_now now);
/* Where a member stands. */
typedef enum cpnpc_standing {
	CPNPC_MEMBER_OUT,       /* over, or never placed */
	CPNPC_MEMBER_WAITS,     /* for the provider */
	CPNPC_MEMBER_OFFERS,    /* there is an offer */
	CPNPC_MEMBER_COMMITTED, /* ACCEPT has been sent, and not answered */
	CPNPC_MEMBER_AGREED
} cpnpc_standing;
cpnpc_standing cpnpc_member_standing(const cpnpc_job *job);
/* set_show.c: the members with their offers, as a table. */
void cpnpc_set_print(cpnpc_session *session, const cpnpc_set *set);
/* How a set ended: on standard output, or as an object when json is not
 * NULL. */
cpnpc_exit cpnpc_set_report(
    const cpnpc_session *session, const cpnpc_set *set, json_t **json);

/* pay.c: read the configured ledger, if there is one, before an offer comes
 * that is to be paid for; the error has been told. */
cpnpc_exit cpnpc_purse_open(cpnpc_session *session);
void cpnpc_purse_close(cpnpc_session *session);
/* The account; empty when there is none. */
cpnp_bytes cpnpc_purse_account(const cpnpc_session *session);
/* Whose account an offer in what is printed would be paid from. */
void cpnpc_purse_json(const cpnpc_session *session, json_t *order);
/*
 * Accept the OFFER of a job, with the authorization that its settlement terms
 * ask for, when it has some.  When it cannot be paid from here the job is done
 * with CPNPC_UNPAID, nothing was signed, and the offer is open.  Returns what
 * cpnp_order_accept() does.
 */
int cpnpc_pay_accept(cpnpc_session *session, cpnpc_job *job, cpnp_now now);
/* Withdraw the agreement of a job, with the payer's word for the ledger when it
 * is paid for and can be ended from here; that it cannot is told, and keeps
 * nobody from withdrawing.  Returns what cpnp_order_withdraw() does. */
int cpnpc_pay_withdraw(cpnpc_session *session, cpnpc_job *job, cpnp_now now);

/* status.c */
void cpnpc_status_update(cpnpc_session *session, cpnp_now now);
/* Take the status line away, before something else is printed. */
void cpnpc_status_clear(cpnpc_session *session);
/* A line for the person. */
void cpnpc_status_say(cpnpc_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ask.c: ask whether the offer of job is accepted; the answer comes through
 * cpnpc_job_answer(). */
void cpnpc_ask(cpnpc_session *session, cpnpc_job *job);
/* Ask which offer of a set is accepted; the answer comes through
 * cpnpc_set_answer().  False when there is no terminal after all. */
bool cpnpc_ask_set(cpnpc_session *session, cpnpc_set *set);
bool cpnpc_ask_possible(void);

#endif
