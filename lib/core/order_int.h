/*
 * What the files of the orders share and nobody else sees.
 *
 *	orders.c           the set: creation, effects, commands, expiry
 *	order_table.c      the hash table over (role, peer, customer order id)
 *	order_timer.c      dates and intervals to one heap of moments
 *	order_step.c       one event: begin, roll back, commit
 *	order_recv.c       a message: find its order, judge its number, answer
 *	order_client.c     the client's states
 *	order_server.c     the server's states
 *	order_pay.c        the payment for an agreement, on both sides
 *	order_time.c       more time asked for, on both sides
 *	order_agreement.c  what the transactions on an agreement share
 *	order_withdraw.c   the transaction of a WITHDRAW, on both sides
 *	order_update.c     the transaction of an UPDATE, on both sides
 *	order_activate.c   the transaction of an ACTIVATE, on both sides
 *	order_service.c    whether the service runs, and when
 *	order_state.c      the only function that writes a state; invariants
 *	order_send.c       building and sending messages
 *	order_statement.c  statements made and checked
 *	order_save.c       the saved form
 *	order.c            what an order shows of itself
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CORE_ORDER_INT_H
#define CPNP_CORE_ORDER_INT_H

#include <cpnp/order.h>

#define ORDER_TRANSACTION_ID_LEN 16 /* of those that are made here */

/* A withdrawal is never tried more often (contradictions.md, 8). */
#define ORDER_WITHDRAW_RETRY_MIN CPNP_SECONDS(60)

/* So many transactions that are over are remembered, by this much of the
 * SHA-256 of their identifiers. */
#define ORDER_PAST_MAX 8
#define ORDER_TAG_LEN 8

/* Effects of one event: at most four changes of state, two messages, and one
 * each of DECIDE, OFFER, SIGN, END and FORGET. */
#define ORDER_EFFECTS_MAX 12

#define ORDER_NOT_IN_HEAP SIZE_MAX

/* The number of a FAIL that speaks for no order: larger than every number
 * that its receiver can hold, and never recorded (RFC 8921, 11.3). */
#define ORDER_SEQUENCE_STATELESS UINT32_MAX

/* Bytes that do not change, shared by reference. */
struct cpnp_blob {
	size_t refs;
	size_t len;
	uint8_t bytes[];
};

/* What the order asked of the application and has not been told yet. */
enum order_pending {
	ORDER_PENDING_NONE,
	ORDER_PENDING_DECIDE,
	ORDER_PENDING_OFFER,
	ORDER_PENDING_SIGN_OFFER,
	ORDER_PENDING_SIGN_ACCEPT,
	ORDER_PENDING_SIGN_ACK,
	ORDER_PENDING_PAY,
	ORDER_PENDING_END
};

/* What the open transaction is for, or the last one was: an order begins with
 * that of a QUOTATION, and an agreement may have others after it. */
enum order_kind {
	ORDER_KIND_QUOTATION,
	ORDER_KIND_WITHDRAW,
	ORDER_KIND_ACTIVATE,
	ORDER_KIND_UPDATE,
	ORDER_KIND_END
};

/* Bytes that an order keeps beside its documents. */
enum {
	ORDER_BLOB_DRAFT = CPNP_DOC_END, /* what goes with a signature: the
					    OFFER to be signed, or the payment
					    of the ACCEPT that is */
	ORDER_BLOB_STANDING, /* struct order_standing, while there is one */
	ORDER_BLOB_PAST, /* tags of transactions that are over, newest last */
	ORDER_BLOBS_END
};

/* Of an agreement, while an UPDATE is open, that which struct order_now has
 * under the same names. */
struct order_standing {
	bool has_offer_statement;
	bool has_accept_statement;
	bool accept_sent;
	bool has_response_time;
	bool has_offer_time;
	uint8_t nonce_len;
	uint8_t nonce[CPNP_NONCE_MAX];
	uint8_t order_digest[CPNP_SHA256_LEN];
	uint8_t offer_statement[CPNP_SHA256_LEN];
	uint8_t accept_statement[CPNP_SHA256_LEN];
	cpnp_wtime response_time;
	cpnp_wtime offer_time;
	cpnp_wtime validity;
};

/*
 * Everything about an order that an event may change.  An event that fails
 * puts the copy back that was taken before it.
 */
struct order_now {
	cpnp_state state;
	cpnp_agreement_state agreement;
	enum order_kind kind;
	enum order_pending pending;
	cpnp_status status;
	bool outstanding;     /* Cancelled, its acknowledgement not yet there;
				 or Completed, and an ACTIVATE has no answer */
	bool accept_sent;     /* client: an ACCEPT went out */
	bool answered;        /* a PROCESSING answered the last request */
	bool has_input;       /* in_seq and in_digest are set */
	bool has_offer;       /* nonce, validity, digest, document OFFER */
	bool has_offer_statement;
	bool has_accept_statement;
	bool has_response_time;
	bool has_offer_time;
	bool undone; /* an UPDATE came to nothing */
	bool has_terms; /* the OFFER has settlement terms */
	bool confirm;   /* server: ask before the ACK, with or without them;
			   not of an agreement any more */
	bool paid;      /* server: and they are paid, or it is confirmed */

	/* of the transaction, when it is not that of the QUOTATION */
	uint8_t transaction_id_len;
	uint8_t transaction_id[CPNP_TRANSACTION_ID_MAX];

	uint8_t provider_id_len;
	uint8_t provider_id[CPNP_ORDER_ID_MAX];
	uint8_t nonce_len;
	uint8_t nonce[CPNP_NONCE_MAX];

	uint32_t in_seq;  /* of the newest message handled */
	uint32_t out_seq; /* of the newest message sent */
	uint8_t in_digest[CPNP_SHA256_LEN];
	uint8_t order_digest[CPNP_SHA256_LEN];
	uint8_t offer_statement[CPNP_SHA256_LEN];
	uint8_t accept_statement[CPNP_SHA256_LEN];

	cpnp_wtime response_time;
	cpnp_wtime offer_time;
	cpnp_wtime validity;
	cpnp_wtime sign_time; /* in the statement that is to be signed */
	bool more_asked;      /* server: more time, until more_date */
	cpnp_wtime more_date;
	cpnp_more_time more_time; /* client: what is granted */
	cpnp_wtime more_time_until;

	/* the service: see order_service.c */
	bool has_start;
	bool has_stop;
	bool has_over;
	cpnp_wtime start;
	cpnp_wtime stop;
	cpnp_wtime over;

	unsigned tries;     /* how often the newest message went out */
	cpnp_tstamp repeat; /* interval of slow repeats, 0: not begun */

	struct cpnp_blob *docs[ORDER_BLOBS_END];

	/* not saved: */
	uint64_t peer;
	cpnp_tstamp retrans;  /* the newest message goes out again */
	cpnp_tstamp deadline; /* deadline_event, armed from deadline_date */
	cpnp_tstamp linger;
	cpnp_tstamp quiet; /* no answer to retransmissions before this */
	cpnp_event deadline_event;
	cpnp_wtime deadline_date;
	cpnp_tstamp service; /* service_event, armed from service_date */
	cpnp_event service_event;
	cpnp_wtime service_date;
	bool binding; /* server: a CANCEL comes too late for the payment */
};

struct cpnp_order {
	struct order_now now;
	cpnp_role role;
	cpnp_edition edition;
	bool require_statements;
	bool is_child; /* it shows Child states, and has those of a client */
	uint8_t opening_id_len; /* transaction of the QUOTATION */
	uint8_t opening_id[CPNP_TRANSACTION_ID_MAX];
	uint8_t ref[CPNP_SHA256_LEN];
	/* views into tail */
	cpnp_bytes peer_identity;
	cpnp_bytes customer_id;
	cpnp_bytes identity;

	uint64_t user;
	uint64_t stored; /* number of its newest STORE; 0: as it was loaded */
	size_t memory;   /* counted in the set, while it is in the table */
	uint64_t hash;
	cpnp_order *hash_next;
	size_t heap_pos;
	cpnp_tstamp expiry; /* key in the heap */

	uint8_t tail[];
};

struct order_effect {
	cpnp_effect effect;
	struct cpnp_blob *hold; /* keeps the bytes of a SEND or STORE */
	uint8_t statement[CPNP_STATEMENT_PAYLOAD_MAX];
};

struct cpnp_orders {
	cpnp_orders_config config;
	cpnp_env env;
	uint8_t *identity; /* own storage of config.identity */

	/* linear hashing: buckets_n grows by one bucket at a time */
	cpnp_order **buckets;
	size_t buckets_n;
	size_t buckets_cap;
	size_t level; /* power of two, level <= buckets_n < 2 * level */
	uint64_t hash_key[2];
	size_t count;
	size_t memory; /* of all orders in the table */

	uint64_t stores; /* number of the newest STORE */
	uint64_t durable;

	cpnp_order **heap;
	size_t heap_n;
	size_t heap_cap;

	struct order_effect effects[ORDER_EFFECTS_MAX];
	size_t effects_n;
	size_t effects_next;
	bool is_undo_set;
	struct order_now undo; /* the order before the event */
	cpnp_order *forgotten; /* to be freed when the next event is fed */

	cpnp_buf out;     /* the message that is being built */
	cpnp_buf scratch; /* agreements */
	cpnp_msg build;
	cpnp_msg doc;  /* a document, decoded */
	cpnp_msg view; /* what DECIDE and OFFER show */
};

/* One event on one order. */
struct order_step {
	cpnp_orders *orders;
	cpnp_order *order;
	cpnp_event event;
	cpnp_now now;

	/* a message that came */
	const cpnp_input *input;
	const cpnp_msg *msg;
	uint8_t digest[CPNP_SHA256_LEN];
	bool again; /* it is the newest one handled, once more */

	/* the arguments of a command */
	const cpnp_offer *offer;
	cpnp_wtime offer_time;
	cpnp_subcode subcode;
	const cpnp_schedule *schedule;
	const cpnp_quotation *request;
	const cpnp_explanation *explanations;
	size_t explanations_n;
	const cpnp_reason *reasons;
	size_t reasons_n;
	cpnp_bytes statement;
	cpnp_bytes receipt;
	cpnp_bytes authorization;
	cpnp_status status;
	uint64_t peer;

	/* what came of it */
	bool stored; /* a STORE is in the queue */
	bool dirty;  /* something changed that must be stored */
	bool ended;  /* FORGET was said */
	bool begun;  /* server: the transaction that was asked for */
	bool ahead;  /* server: a CANCEL, of another one than the newest */
	cpnp_status answer; /* status of a FAIL, NONE: that of the error */
	const char *why;    /* goes into that FAIL, when the sender is owner */
	const char *clause; /* what it is about, NULL: the method */
};

/* --- order_step.c --- */

/* Feed s->event to s->order and commit or roll back. */
int cpnp_step_run(struct order_step *s);
/* Begin an event without an order: STATE when effects are left to drain. */
int cpnp_step_begin(cpnp_orders *orders);
/* The next free effect; NULL never happens and is INTERNAL. */
struct order_effect *cpnp_step_push(
    struct order_step *s, cpnp_effect_type type);
/* Forget the effects of the last event. */
void cpnp_orders_clear_effects(cpnp_orders *orders);
/* The message that came was legitimate (RFC 8921, 11.3). */
void cpnp_step_record_input(struct order_step *s);
int cpnp_step_ask(struct order_step *s, enum order_pending pending);
int cpnp_step_end_transaction(struct order_step *s);
int cpnp_step_forget(struct order_step *s);

struct cpnp_blob *cpnp_blob_new(const cpnp_env *env, cpnp_bytes bytes);
struct cpnp_blob *cpnp_blob_ref(struct cpnp_blob *blob);
void cpnp_blob_unref(const cpnp_env *env, struct cpnp_blob *blob);
cpnp_bytes cpnp_blob_bytes(const struct cpnp_blob *blob);
/* Put blob in the place of *slot; takes blob. */
void cpnp_blob_set(
    const cpnp_env *env, struct cpnp_blob **slot, struct cpnp_blob *blob);

/* --- order_table.c --- */

int cpnp_table_init(cpnp_orders *orders);
cpnp_order *cpnp_table_find(const cpnp_orders *orders, cpnp_role role,
    cpnp_bytes peer_identity, cpnp_bytes customer_id);
/* Room for one more, in table and heap: NOMEM or FULL. */
int cpnp_table_reserve(cpnp_orders *orders);
/* Put an order in; room was reserved and no equal one is there. */
void cpnp_table_insert(cpnp_orders *orders, cpnp_order *order);
void cpnp_table_remove(cpnp_orders *orders, cpnp_order *order);
/* May a new one come?  FULL when those that are there hold too much. */
int cpnp_table_check_memory(const cpnp_orders *orders);
/* Count again what an order in the table holds. */
void cpnp_table_weigh(cpnp_orders *orders, cpnp_order *order);

/* --- order_timer.c --- */

void cpnp_timer_remove(cpnp_orders *orders, cpnp_order *order);
/* The deadline of the state that the order is in, and its place in the heap;
 * again: though the date is the one it was armed for. */
void cpnp_timer_arm(
    cpnp_orders *orders, cpnp_order *order, bool again, cpnp_now now);
/* When the newest message is to go out again. */
void cpnp_timer_arm_retrans(
    const cpnp_orders *orders, cpnp_order *order, cpnp_now now);
/* The event that is due, or NONE. */
cpnp_event cpnp_timer_due(const cpnp_order *order, cpnp_now now);
/* Put off an order whose event failed, so that others have their turn. */
void cpnp_timer_put_off(
    cpnp_orders *orders, cpnp_order *order, cpnp_now now);

/* --- order_state.c --- */

/* The only function that writes a state. statement is the signed statement
 * that is the leaf, or NULL: a STATE statement is made. */
int cpnp_order_change_state(struct order_step *s, cpnp_state to,
    const char *detail, const cpnp_bytes *statement);
/* The transaction comes to Cancelled, and the agreement to its end with it:
 * the other function that writes an agreement's state. */
int cpnp_order_end_agreement(struct order_step *s);
/* The agreement alone changes; nothing when it is so already. */
int cpnp_order_change_agreement(
    struct order_step *s, cpnp_agreement_state to, const char *detail);
/* STORE without a change of state. */
int cpnp_order_keep(struct order_step *s);
/* The same, with a line for the history; static text. */
int cpnp_order_note(struct order_step *s, const char *detail);
/* What a state of the order is called to everybody else. */
cpnp_state cpnp_order_shown(const cpnp_order *order, cpnp_state state);
/* NULL, or which invariant of its state the order breaks. */
const char *cpnp_order_check(const cpnp_order *order);
/* A message is awaited, and the newest one is repeated until it comes. */
bool cpnp_order_is_waiting(const cpnp_order *order);

/* --- order_send.c --- */

/* Begin a message of the transaction in orders->build. */
cpnp_msg *cpnp_order_build(struct order_step *s, cpnp_method method);
/* Give the message in orders->build the next number, keep it as the newest
 * one and send it. */
int cpnp_order_send(struct order_step *s);
/* What a QUOTATION or UPDATE asks for goes into the message. */
void cpnp_order_fill_request(cpnp_msg *msg, const cpnp_quotation *request);
/* Send the request that the order was created with. */
int cpnp_order_send_request(struct order_step *s);
/* Encode orders->build without sending it. */
int cpnp_order_encode(cpnp_orders *orders, struct cpnp_blob **blob);
/* Send the newest message again. */
int cpnp_order_send_again(struct order_step *s);
/* Send it again as the answer to a retransmission, not too often. */
int cpnp_order_answer_again(struct order_step *s);
/* Begin a FAIL that is a word on the order. */
void cpnp_order_build_fail(
    struct order_step *s, cpnp_status status, const char *why);
int cpnp_order_send_fail(
    struct order_step *s, cpnp_status status, const char *why);
/* A FAIL that speaks for no order, in answer to a message. */
int cpnp_order_send_stateless_fail(struct order_step *s, cpnp_status status);
/* Add one line of explanation to a message. */
void cpnp_order_explain(cpnp_msg *msg, const char *clause, const char *reason);
/* The method of the newest message, PARTS when there is none. */
cpnp_method cpnp_order_last_method(const cpnp_order *order);
/* Set an attribute, if the grammar allows it in the message. */
bool cpnp_msg_allow(cpnp_msg *msg, cpnp_attr attr);
/* Decode a document into orders->doc. */
int cpnp_order_read_doc(
    cpnp_orders *orders, const cpnp_order *order, cpnp_doc doc);
/* Replace a document by the message that came. */
int cpnp_order_keep_doc(struct order_step *s, cpnp_doc doc);
/* Append the empty description of the type of service, [type, []]. */
void cpnp_order_put_empty(cpnp_bytes service, cpnp_buf *buf);
bool cpnp_order_is_empty(cpnp_bytes service);
bool cpnp_msg_is_request(cpnp_method method);

/* --- order_statement.c --- */

/* The order digest of an OFFER or ACCEPT. */
int cpnp_order_digest_agreement(cpnp_orders *orders, const cpnp_order *order,
    const cpnp_msg *msg, cpnp_wtime validity,
    uint8_t digest[CPNP_SHA256_LEN]);
/* The leaf of a change of state. */
int cpnp_order_state_leaf(const struct order_step *s, cpnp_state from,
    cpnp_state to, uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX],
    cpnp_bytes *statement);
/* The payload of the statement that is to be signed. */
int cpnp_order_payload(const cpnp_order *order,
    uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX], cpnp_bytes *payload);
/* Check the statement of the message that came; *has is set when it has a
 * valid one.  SIGNATURE: there is none and one is required, or it is not the
 * peer's or speaks of something else. */
int cpnp_order_check_statement(struct order_step *s, cpnp_statement_type type,
    bool required, bool *has);
/* MISMATCH when the payload of s->statement is not the one asked for. */
int cpnp_order_check_signed(const struct order_step *s);
/* SHA-256 of a signed statement. */
int cpnp_order_statement_digest(const cpnp_orders *orders,
    cpnp_bytes statement, uint8_t digest[CPNP_SHA256_LEN]);

/* --- order_pay.c --- */

/* One CBOR item, of at most CPNP_EXTENSION_MAX bytes. */
bool cpnp_order_is_item(cpnp_bytes bytes);
/* Server: the OFFER has settlement terms that are not paid, or is to be
 * confirmed and is not. */
bool cpnp_order_awaits_payment(const struct order_now *o);
/* Server: the authorization in the ACCEPT is kept, when the OFFER asks for
 * one; ATTR_MISSING when there is none. */
int cpnp_server_keep_payment(struct order_step *s);
/* Server: the ACCEPT is taken; say PROCESSING, and ask for the payment. */
int cpnp_server_ask_payment(struct order_step *s);
/* Server: a CANCEL comes too late, since the payment cannot be taken back. */
bool cpnp_server_is_bound(const struct order_now *o);
/* Client: the authorization that was given waits for the ACCEPT; MISMATCH when
 * it and the settlement terms of the OFFER are not both there or both not. */
int cpnp_client_set_payment(struct order_step *s);
/* Client: it becomes the document PAYMENT, before the ACCEPT is sent. */
void cpnp_client_keep_payment(struct order_step *s);
/* NULL, or which invariant of terms and payment the order breaks. */
const char *cpnp_order_check_payment(const cpnp_order *order);

/* --- order_time.c --- */

/* Client: does the PROCESSING that came ask for more time?  Answer it. */
bool cpnp_client_is_more_time(const struct order_step *s);
int cpnp_client_answer_more_time(struct order_step *s);
/* Server: the command, the answer of the client, and no answer in time. */
int cpnp_server_more_time(struct order_step *s);
int cpnp_server_more_time_answered(struct order_step *s);
int cpnp_server_more_time_again(struct order_step *s);

/* --- order_agreement.c --- */

/* There is an agreement, Completed or Active. */
bool cpnp_order_stands(const cpnp_order *order);
/* A transaction on it is open. */
bool cpnp_order_is_open(const cpnp_order *order);
/* Was the transaction here, and is over? */
int cpnp_order_is_past(const struct order_step *s, cpnp_bytes id,
    bool *is_past);
/* Begin a transaction: its numbers begin anew, ours at random in the lower
 * half (contradictions.md, 13); a peer that stays in the old one goes on with
 * its. */
int cpnp_order_begin(
    struct order_step *s, enum order_kind kind, cpnp_bytes id);
/* Client: the same, with a new identifier. */
int cpnp_client_begin(struct order_step *s, enum order_kind kind);
/* Server: the one that the message asks for, when it may; s->begun says so,
 * else it was refused. */
int cpnp_server_begin(struct order_step *s, enum order_kind kind);
/* Server: a message that asks for one while the state has another. */
int cpnp_server_second(struct order_step *s);

/* Server: a CANCEL of a transaction that did not begin, or is over. */
int cpnp_server_cancel_ahead(struct order_step *s);
/* Client: what its request does with an answer, and when it is time to send it
 * again. */
struct order_asked {
	int (*acknowledged)(struct order_step *s);
	int (*refused)(struct order_step *s);
	int (*retrans)(struct order_step *s);
};
/* Client: every event while a WITHDRAW or ACTIVATE is outstanding, and after
 * its answer. */
int cpnp_client_step_asked(
    struct order_step *s, const struct order_asked *asked);

/* --- order_update.c --- */

int cpnp_client_update(struct order_step *s);
/* An UPDATE waits for its ACCEPT no longer than the agreement lasts that it
 * would change: bring a date forward to its agreed end. */
void cpnp_update_limit(const struct order_now *o, cpnp_wtime *date);
/* An UPDATE for an agreement. */
int cpnp_server_update(struct order_step *s);
/* The new agreement takes the place of the one that stood aside. */
void cpnp_update_done(struct order_step *s);
/* Cancelled and settled: of an UPDATE, the agreement is what it was, and the
 * order Completed.  Before the last message is sent, so that no STORE follows
 * it. */
int cpnp_update_undo(struct order_step *s);
/* The agreement that stands aside, if one does. */
bool cpnp_order_get_aside(
    const struct order_now *o, struct order_standing *standing);
int cpnp_order_set_aside(const cpnp_env *env, struct order_now *o,
    const struct order_standing *standing);

/* --- order_activate.c --- */

int cpnp_client_activate(struct order_step *s);
/* Client and server: every event from then on until the next transaction. */
int cpnp_client_step_activated(struct order_step *s);
int cpnp_server_step_activated(struct order_step *s);
int cpnp_server_activate(struct order_step *s);
/* It came once more and is not decided. */
int cpnp_server_activate_in_work(struct order_step *s);

/* --- order_service.c --- */

/* Nothing is scheduled any more. */
void cpnp_service_clear(struct order_now *o);
/* The schedule is the one that was agreed, when it was. */
int cpnp_service_agreed(struct order_step *s);
/* ... that of an ACTIVATE. */
int cpnp_service_activate(
    struct order_step *s, const cpnp_schedule *schedule);
/* SERVICE_START, SERVICE_END, SET_ACTIVE and SET_INACTIVE, in every state. */
int cpnp_service_step(struct order_step *s);
/* The next event and its date, or NONE; is_open: a transaction is. */
cpnp_event cpnp_service_next(
    const cpnp_order *order, bool is_open, cpnp_wtime *date);

/* --- order_withdraw.c --- */

/* Client: open the transaction of a WITHDRAW on the agreement. */
int cpnp_client_withdraw(struct order_step *s);
/* Client: every event while it is outstanding, and after its ACK. */
int cpnp_client_step_withdrawn(struct order_step *s);
/* Server: a WITHDRAW for an agreement. */
int cpnp_server_withdraw(struct order_step *s);
/* Server: every event after it. */
int cpnp_server_step_withdrawn(struct order_step *s);

/* --- order_client.c, order_server.c --- */

int cpnp_client_step(struct order_step *s);
int cpnp_server_step(struct order_step *s);
/* In a message that the server sends, the identifier of the provider is the
 * one that we know, if we know one. */
bool cpnp_client_is_from_provider(const struct order_step *s);
/* The ACK that came has the service of a document. */
int cpnp_client_has_service_of(
    struct order_step *s, cpnp_doc doc, bool *has);
/* A FAIL that is a word on the order. */
int cpnp_client_check_fail(const struct order_step *s);
/* The identifier and the nonce of a request are those of the OFFER. */
int cpnp_server_check_nonce(const struct order_step *s);
/* ... and those of the agreement that stands. */
int cpnp_server_check_agreement(const struct order_step *s);
/* A QUOTATION or UPDATE whose transaction has begun. */
int cpnp_server_request(struct order_step *s);
/* The same, though not the newest message. */
int cpnp_server_request_again(struct order_step *s);
/* An ACK with the service of a document, and with the empty description. */
int cpnp_server_send_ack(struct order_step *s, cpnp_doc doc);
int cpnp_server_send_empty_ack(struct order_step *s);

/* --- order.c --- */

/* A new order in state NONE, not yet in the table; views are copied.  ref is
 * computed from the transaction id. */
int cpnp_order_new(cpnp_orders *orders, cpnp_role role, cpnp_edition edition,
    cpnp_bytes peer_identity, cpnp_bytes identity, cpnp_bytes customer_id,
    cpnp_bytes transaction_id, cpnp_order **order);
void cpnp_order_del(cpnp_orders *orders, cpnp_order *order);
/* The transaction of the QUOTATION, which names the order for good. */
static inline cpnp_bytes
cpnp_order_opening_id(const cpnp_order *order)
{
	return (cpnp_bytes){order->opening_id, order->opening_id_len};
}
/* A WITHDRAW is on its way. */
static inline bool
cpnp_order_is_withdrawing(const cpnp_order *order)
{
	return order->now.kind == ORDER_KIND_WITHDRAW &&
	    order->now.outstanding;
}
static inline cpnp_bytes
cpnp_order_nonce(const cpnp_order *order)
{
	return (cpnp_bytes){order->now.nonce, order->now.nonce_len};
}

#endif
