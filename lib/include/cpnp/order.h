/*
 * Orders: the negotiation itself, without I/O.
 *
 * An order is an agreement plus at most one open transaction.  The state
 * machine of RFC 8921, Figures 8 and 9, runs on the transaction; the agreement
 * has its own (none, Completed, Active, ended).  cpnp-fsm(7) says what every
 * state does with every event.
 *
 * A struct cpnp_orders holds the orders of one application, as client, as
 * server or as both.  An application feeds one event (a message, the passing
 * of time, a local command) and then drains the effects:
 *
 *	cpnp_msg_decode(&msg, datagram, NULL);
 *	cpnp_orders_recv(orders, &input, now);
 *	while (cpnp_orders_next(orders, &effect))
 *		... perform it ...
 *
 * Order of effects: an effect SEND may be performed only when every effect
 * STORE that came before it is durable ("nothing leaves before it is
 * durable").  Many events may share one commit, and the events of one order
 * may be pipelined, as long as commits happen in order.  When a commit fails,
 * perform none of the effects that waited for it, cpnp_orders_drop() every
 * order it touched and cpnp_orders_load() it back from the store.
 *
 * Effects must be drained before the next event is fed (CPNP_ERR_STATE
 * otherwise).  Views in an effect are good until the next event is fed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_ORDER_H
#define CPNP_ORDER_H

#include <cpnp/agreement.h>
#include <cpnp/error.h>
#include <cpnp/message.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cpnp_orders cpnp_orders;
typedef struct cpnp_order cpnp_order;

typedef enum cpnp_role { CPNP_CLIENT = 0, CPNP_SERVER = 1 } cpnp_role;

/*
 * States of a transaction (RFC 8921, 8.11.1 and 8.11.2).  The numbers stand
 * in journals and stores and never change meaning.
 *
 * A child order, one of a server with another server, is a client's order that
 * shows the Child states of RFC 8921, 8.11.2, where Figure 9 has them, and
 * AwaitingProcessing and Cancelled as every other.  Its machine is the
 * client's: what is said of a client's state holds for the Child state too.
 */
#define CPNP_STATE_MAP(X)                                                      \
	X(CREATED, 1, "Created")                                               \
	X(AWAITING_PROCESSING, 2, "AwaitingProcessing")                        \
	X(PQO_SENT, 3, "PQOSent")                                              \
	X(SERVER_PROCESSING, 4, "ServerProcessing")                            \
	X(OFFER_RECEIVED, 5, "OfferReceived")                                  \
	X(OFFER_PROCESSING, 6, "OfferProcessing")                              \
	X(ACCEPT_SENT, 7, "AcceptSent")                                        \
	X(COMPLETED, 8, "Completed")                                           \
	X(CANCELLED, 9, "Cancelled")                                           \
	X(PQO_RECEIVED, 10, "PQOReceived")                                     \
	X(OFFER_PROPOSED, 11, "OfferProposed")                                 \
	X(PROCESSING_RECEIVED, 12, "ProcessingReceived")                       \
	X(ACCEPT_RECEIVED, 13, "AcceptReceived")                               \
	X(CHILD_CREATED, 14, "ChildCreated")                                   \
	X(CHILD_PQO_SENT, 15, "ChildPQOSent")                                  \
	X(CHILD_SERVER_PROCESSING, 16, "ChildServerProcessing")                \
	X(CHILD_OFFER_RECEIVED, 17, "ChildOfferReceived")                      \
	X(CHILD_OFFER_PROCESSING, 18, "ChildOfferProcessing")                  \
	X(CHILD_ACCEPT_SENT, 19, "ChildAcceptSent")                            \
	X(CHILD_COMPLETED, 20, "ChildCompleted")

/* The client's states that have a Child state, CHILD_ and their name. */
#define CPNP_CHILD_STATE_MAP(X)                                                \
	X(CREATED)                                                             \
	X(PQO_SENT)                                                            \
	X(SERVER_PROCESSING)                                                   \
	X(OFFER_RECEIVED)                                                      \
	X(OFFER_PROCESSING)                                                    \
	X(ACCEPT_SENT)                                                         \
	X(COMPLETED)

typedef enum cpnp_state {
	CPNP_STATE_NONE = 0,
#define CPNP_STATE_ENUM(NAME, value, text) CPNP_STATE_##NAME = value,
	CPNP_STATE_MAP(CPNP_STATE_ENUM)
#undef CPNP_STATE_ENUM
} cpnp_state;

/*
 * States of an agreement.  Completed: it is agreed and its service does not
 * run.  Active: the service runs, since an ACTIVATE without a start was
 * acknowledged, the start that was scheduled has come, or the server was told
 * so by cpnp_order_set_active().  Ended: withdrawn, or over.  Numbers are
 * kept.
 */
typedef enum cpnp_agreement_state {
	CPNP_AGREEMENT_NONE = 0,
	CPNP_AGREEMENT_COMPLETED = 1,
	CPNP_AGREEMENT_ACTIVE = 2,
	CPNP_AGREEMENT_ENDED = 3
} cpnp_agreement_state;

/*
 * Events; the numbers stand in journals and never change meaning.  1 to 11
 * are the methods of messages that came.
 */
#define CPNP_EVENT_MAP(X)                                                      \
	X(RECV_QUOTATION, 1, "QUOTATION received")                             \
	X(RECV_PROCESSING, 2, "PROCESSING received")                           \
	X(RECV_OFFER, 3, "OFFER received")                                     \
	X(RECV_ACCEPT, 4, "ACCEPT received")                                   \
	X(RECV_DECLINE, 5, "DECLINE received")                                 \
	X(RECV_ACK, 6, "ACK received")                                         \
	X(RECV_CANCEL, 7, "CANCEL received")                                   \
	X(RECV_WITHDRAW, 8, "WITHDRAW received")                               \
	X(RECV_UPDATE, 9, "UPDATE received")                                   \
	X(RECV_FAIL, 10, "FAIL received")                                      \
	X(RECV_ACTIVATE, 11, "ACTIVATE received")                              \
	X(RETRANS, 20, "retransmission timer")                                 \
	X(RESPONSE_EXPIRED, 21, "expected response time passed")               \
	X(OFFER_EXPIRED, 22, "expected offer time passed")                     \
	X(VALIDITY_EXPIRED, 23, "validity of the offer ended")                 \
	X(LINGER_EXPIRED, 24, "retransmission window closed")                  \
	X(SERVICE_START, 25, "scheduled start of the service")                 \
	X(SERVICE_END, 26, "scheduled end of the service")                     \
	X(CREATE, 40, "created")                                               \
	X(START, 41, "approved for processing")                                \
	X(OFFER, 42, "offer decided")                                          \
	X(REFUSE, 43, "refused")                                               \
	X(ACCEPT, 44, "accepted by command")                                   \
	X(DECLINE, 45, "declined by command")                                  \
	X(CANCEL, 46, "cancelled by command")                                  \
	X(SIGNED, 47, "statement signed")                                      \
	X(SIGN_FAILED, 48, "statement could not be signed")                    \
	X(WITHDRAW, 49, "withdrawn by command")                                \
	X(UPDATE, 50, "updated by command")                                    \
	X(ACTIVATE, 51, "activation asked for by command")                     \
	X(MORE_TIME, 52, "more time asked for")                                \
	X(GRANT, 53, "request on the agreement granted")                       \
	X(SET_ACTIVE, 54, "service reported as running")                       \
	X(SET_INACTIVE, 55, "service reported as not running")                 \
	X(PAID, 56, "payment posted")                                          \
	X(NOT_PAID, 57, "payment refused")

typedef enum cpnp_event {
	CPNP_EVENT_NONE = 0,
#define CPNP_EVENT_ENUM(NAME, value, text) CPNP_EVENT_##NAME = value,
	CPNP_EVENT_MAP(CPNP_EVENT_ENUM)
#undef CPNP_EVENT_ENUM
} cpnp_event;

CPNP_API const char *cpnp_state_name(cpnp_state state);
/* The client's state of which this is the Child state; any other as it is. */
CPNP_API cpnp_state cpnp_state_of_client(cpnp_state state);
/* For a switch on it: the cases that it never gives. */
#define CPNP_CASE_CHILD_STATES                                                 \
	case CPNP_STATE_CHILD_CREATED:                                         \
	case CPNP_STATE_CHILD_PQO_SENT:                                        \
	case CPNP_STATE_CHILD_SERVER_PROCESSING:                               \
	case CPNP_STATE_CHILD_OFFER_RECEIVED:                                  \
	case CPNP_STATE_CHILD_OFFER_PROCESSING:                                \
	case CPNP_STATE_CHILD_ACCEPT_SENT:                                     \
	case CPNP_STATE_CHILD_COMPLETED
CPNP_API const char *cpnp_event_name(cpnp_event event);
CPNP_API const char *cpnp_agreement_state_name(cpnp_agreement_state state);

/*
 * Settings of a set of orders.  cpnp_orders_config_default() fills in the
 * values in parentheses; texts are copied by cpnp_orders_new().
 */
typedef struct cpnp_orders_config {
	cpnp_bytes identity; /* our own name, as the peer knows it (empty) */
	cpnp_tstamp retrans_timer;   /* RETRANS_TIMER, RFC 8921 8.5 (2 s) */
	unsigned retries_max;        /* maximum retry, RFC 8921 11.4 (3) */
	cpnp_tstamp repeat_min;      /* first slow repeat of a waiting client
					(30 s), doubling up to ... */
	cpnp_tstamp repeat_max;      /* ... this (5 min) */
	cpnp_tstamp resend_interval; /* at most one answer to retransmissions
					of an order in this time (200 ms) */
	cpnp_tstamp linger; /* an ended transaction stays in memory (60 s) */
	cpnp_tstamp withdraw_retry; /* from a WITHDRAW that was not answered
					to the next try (300 s), never less
					than 60 s: RFC 8921, 11.1.2 */
	uint32_t expected_offer_sec; /* server: EXPECTED_OFFER_TIME from the
					receipt of a QUOTATION (60) */
	bool sign;         /* make signed statements: SIGN effects (false) */
	size_t orders_max; /* in memory (1,000,000) */
	size_t memory_max; /* no new order is taken while those in memory hold
			      so many bytes, cpnp_orders_memory(); 0: no bound
			      (0).  An order that is there goes on, and one
			      that is loaded is not new */
	bool confirm_stores; /* cpnp_orders_set_durable() will be called, and
				no order is forgotten before all that it
				wanted stored is durable (false) */
} cpnp_orders_config;

CPNP_API void cpnp_orders_config_default(cpnp_orders_config *config);

/*
 * A new, empty set.  env is copied; its functions must stay callable.
 * Errors: NOMEM, INVALID (a setting is out of range).
 */
CPNP_API int cpnp_orders_new(cpnp_orders **orders,
    const cpnp_orders_config *config, const cpnp_env *env);
/* Other timers and limits from now on; a timer that runs ends when it would
 * have.  identity, sign and confirm_stores stay as they are.  Errors: INVALID,
 * and nothing is changed. */
CPNP_API int cpnp_orders_set_config(
    cpnp_orders *orders, const cpnp_orders_config *config);
/* Delete the set and all orders in memory, without effects. */
CPNP_API void cpnp_orders_del(cpnp_orders *orders);
CPNP_API size_t cpnp_orders_count(const cpnp_orders *orders);
/* Bytes that the orders in memory hold: each with its names and documents, a
 * document that it keeps under two names once.  What the tables, the effects
 * and the allocator need comes on top. */
CPNP_API size_t cpnp_orders_memory(const cpnp_orders *orders);
/* What one of them holds. */
CPNP_API size_t cpnp_order_memory(const cpnp_order *order);

/*
 * With config.confirm_stores: every effect STORE with a number up to this one
 * is durable, or its order was dropped.  An order whose retransmission window
 * closes before that stays in memory for another one (config.linger), so that
 * nobody takes it for one that was never there.
 */
CPNP_API void cpnp_orders_set_durable(cpnp_orders *orders, uint64_t number);
/* All that this order wanted stored is durable: an application that can load
 * it again may drop it, also while it is open. */
CPNP_API bool cpnp_order_is_durable(
    const cpnp_orders *orders, const cpnp_order *order);

/*
 * Client: its policy when the server asks for more time with a PROCESSING
 * (RFC 8921, 9.2.2).  A time that is granted is answered with an ACK and is
 * the expected offer time from then on; any other is answered with FAIL 7, and
 * the old time stays.  draft-02 has no such request: there a later time in a
 * PROCESSING that repeats the first is ignored.
 */
typedef enum cpnp_more_time {
	CPNP_MORE_TIME_AS_ASKED, /* up to the expected response time, when the
				    order has one; any when it has none */
	CPNP_MORE_TIME_NEVER,
	CPNP_MORE_TIME_UNTIL /* up to a date, which then is the expected
				response time too when that is earlier */
} cpnp_more_time;

/*
 * Client: what to order.  All views are copied.  peer_identity is the name of
 * the server as its certificate or the configuration gives it; identity
 * overrides the one of the set when not empty.  expected_response_time is
 * used when has_response_time; else the client waits without a deadline.
 * options, customer_description: used when the pointer is not NULL.
 *
 * A server that orders from another one on behalf of its customer makes a
 * child (RFC 8921, 8.8), and passes on the marks of those who have seen the
 * order, its own behind them, and how many more may.  It makes none when the
 * options of its customer's request say no_recursion.
 */
typedef struct cpnp_quotation {
	cpnp_edition edition;
	cpnp_bytes customer_order_id; /* never used before with this server */
	cpnp_bytes peer_identity;
	cpnp_bytes identity;
	cpnp_bytes service_description;
	bool has_response_time;
	cpnp_wtime expected_response_time;
	const cpnp_negotiation_options *options;
	const cpnp_description *customer_description;
	bool has_activation_type;
	cpnp_activation_type activation_type;
	bool has_activation_schedule;
	cpnp_schedule activation_schedule;
	cpnp_more_time more_time; /* what becomes of a request for more time */
	cpnp_wtime more_time_until; /* with CPNP_MORE_TIME_UNTIL */
	bool require_statements; /* an OFFER or ACK without a valid statement is
				    not accepted; needs config.sign, since the
				    statement in an ACK answers ours */
	bool is_child; /* it shows the Child states */
	const cpnp_bytes *path_marks;
	size_t path_marks_n; /* 0: none are sent */
	bool has_hop_limit;
	uint8_t hop_limit;
} cpnp_quotation;

/*
 * Create a client order: state Created, one STORE.  Nothing is sent.
 * Errors: EXISTS, FULL, INVALID, NO_SPACE (does not fit one message), NOMEM,
 * RANDOM.
 */
CPNP_API int cpnp_orders_create(cpnp_orders *orders,
    const cpnp_quotation *quotation, cpnp_order **order, cpnp_now now);
/* Created -> AwaitingProcessing -> PQOSent: sends the QUOTATION to peer, the
 * application's handle for the server.  Errors: STATE, INVALID (peer is 0, or
 * the expected response time has passed). */
CPNP_API int cpnp_order_start(
    cpnp_orders *orders, cpnp_order *order, uint64_t peer, cpnp_now now);
/* Where messages of the order go from now on (a new session); 0: nowhere.
 * With at_once, a waiting client repeats its last request now ("resume"). */
CPNP_API int cpnp_order_set_peer(cpnp_orders *orders, cpnp_order *order,
    uint64_t peer, bool at_once, cpnp_now now);

/*
 * The last message of an order takes its time, since it goes in parts
 * (<cpnp/parts.h>): RETRANS_TIMER runs from the moment arrived on.  Call it
 * with the latest moment at which it can have arrived when it is sent, and
 * with the present one when it has, or when that has failed.
 */
CPNP_API void cpnp_order_set_arrival(cpnp_orders *orders, cpnp_order *order,
    cpnp_tstamp arrived, cpnp_now now);

/*
 * Client: answer to an OFFER in OfferProcessing (RFC 8921, 11.1.1).  accept
 * gives STATE when the validity has ended, and MISMATCH when the OFFER has
 * settlement terms: it is to be paid for, by accept_paid.
 */
CPNP_API int cpnp_order_accept(
    cpnp_orders *orders, cpnp_order *order, cpnp_now now);
/*
 * The same of an OFFER with settlement terms: authorization, one CBOR item of
 * at most CPNP_EXTENSION_MAX bytes, goes into the ACCEPT as its
 * PAYMENT_AUTHORIZATION and is the document PAYMENT from then on.  While the
 * ACCEPT is being signed it is in memory only: nothing was sent, and after a
 * crash the OFFER is shown again.  Errors: STATE as above, MISMATCH (the OFFER
 * has no settlement terms), INVALID (no item, or too long).
 */
CPNP_API int cpnp_order_accept_paid(cpnp_orders *orders, cpnp_order *order,
    cpnp_bytes authorization, cpnp_now now);
CPNP_API int cpnp_order_decline(cpnp_orders *orders, cpnp_order *order,
    const cpnp_reason *reasons, size_t reasons_n, cpnp_now now);
/* Client: CANCEL, in every state before Completed in which the server may
 * know of the order; in Created and AwaitingProcessing without a message.
 * After an ACCEPT it may come too late, and the order is Completed then. */
CPNP_API int cpnp_order_cancel(
    cpnp_orders *orders, cpnp_order *order, cpnp_now now);
/*
 * Client: end a completed agreement (RFC 8921, 11.1.2).  Opens a transaction
 * of its own on it and sends a WITHDRAW: Cancelled and outstanding.  The ACK
 * ends the agreement; a FAIL leaves it as it was, Completed, and
 * cpnp_order_status() says why.  Errors: STATE and BUSY as for an UPDATE,
 * RANDOM.
 */
CPNP_API int cpnp_order_withdraw(
    cpnp_orders *orders, cpnp_order *order, cpnp_now now);
/*
 * The same of an agreement that is paid for: authorization, one CBOR item of at
 * most CPNP_EXTENSION_MAX bytes, goes into the WITHDRAW and its repetitions as
 * PAYMENT_AUTHORIZATION, so that the payer itself ends the payment.  The
 * document PAYMENT is left as it is.  Errors besides: MISMATCH (the agreement
 * has no settlement terms), INVALID (no item, or too long).
 */
CPNP_API int cpnp_order_withdraw_paid(cpnp_orders *orders, cpnp_order *order,
    cpnp_bytes authorization, cpnp_now now);

/*
 * Client: change an agreement (RFC 8921, 9.2.9 and 11.1.3).  Opens a
 * transaction of its own on it, with a new transaction identifier, and sends
 * an UPDATE: PQOSent, and on as after a QUOTATION, with the effects OFFER,
 * SIGN and END and the commands accept, decline and cancel.  A test order
 * becomes permanent by an UPDATE with that PURPOSE.
 *
 * Until the ACK the agreement stands as it was, with its NONCE, documents and
 * digest (cpnp_order_get_standing()); the ACK puts the new one in its place,
 * in one STORE.  An UPDATE that is refused, declined, cancelled or expired
 * leaves it untouched: the transaction comes to Cancelled and, when that is
 * settled, the order back to Completed (contradictions.md, 33).
 *
 * All views are copied.  UPDATE always carries an expected response time
 * (contradictions.md, 16).  Errors: STATE (there is no agreement), BUSY (it
 * has a transaction open), INVALID (the time does not lie in the future),
 * NO_SPACE, NOMEM, RANDOM.
 */
typedef struct cpnp_update {
	cpnp_bytes service_description; /* the whole new one, not a diff */
	cpnp_wtime expected_response_time;
	const cpnp_negotiation_options *options;
	const cpnp_description *customer_description;
	bool has_activation_type;
	cpnp_activation_type activation_type;
	bool has_activation_schedule;
	cpnp_schedule activation_schedule;
	cpnp_more_time more_time;
	cpnp_wtime more_time_until;
	const cpnp_bytes *path_marks; /* as in a QUOTATION */
	size_t path_marks_n;
	bool has_hop_limit;
	uint8_t hop_limit;
} cpnp_update;

CPNP_API int cpnp_order_update(cpnp_orders *orders, cpnp_order *order,
    const cpnp_update *update, cpnp_now now);

/*
 * Client: activate the service of an agreement, or deactivate it (RFC 8921,
 * 9.2.11).  Opens a transaction of its own and sends an ACTIVATE: the order
 * stays Completed and is outstanding until the ACK or FAIL, which is repeated
 * as a waiting client does.  After the ACK the agreement is Active (no start,
 * or one that has come), Completed (deactivated), or becomes Active when the
 * start comes and Completed again when the end does; a FAIL leaves it as it
 * was and cpnp_order_status() says why.  Errors: STATE and BUSY as for an
 * UPDATE, METHOD (draft-02 has no ACTIVATE), INVALID (the end has passed, or
 * is not after the start), RANDOM.
 */
CPNP_API int cpnp_order_activate(cpnp_orders *orders, cpnp_order *order,
    const cpnp_schedule *schedule, cpnp_now now);

/*
 * Server: the decision that an effect DECIDE asked for.  service_description
 * must not be empty; validity must lie in the future, and is brought forward to
 * the agreed end when the OFFER is for an UPDATE.  The pointers may be NULL.
 * Copied.
 */
typedef struct cpnp_offer {
	cpnp_bytes service_description;
	cpnp_wtime validity;
	bool has_cost;
	cpnp_money cost;
	cpnp_purpose purpose;
	bool has_activation_type;
	cpnp_activation_type activation_type;
	bool has_activation_schedule;
	cpnp_schedule activation_schedule;
	const cpnp_description *provider_description;
	const cpnp_explanation *explanations;
	size_t explanations_n;
	cpnp_bytes settlement_terms; /* raw item; with it the ACCEPT has to
					carry a payment: see effect PAY */
	cpnp_bytes order_progress;
	bool confirm; /* ask before the ACK, with effect PAY, also without
			 settlement terms; nothing of it is sent */
} cpnp_offer;

CPNP_API int cpnp_order_offer(cpnp_orders *orders, cpnp_order *order,
    const cpnp_offer *offer, cpnp_now now);
/*
 * Server: the COMMIT_SET of an OFFER, one CBOR item of at most
 * CPNP_EXTENSION_MAX bytes, while the OFFER waits for its signature: a commit
 * set names order digests, and that of the OFFER is in the payload that effect
 * SIGN shows.  It is sent with the OFFER and is no part of the agreement, so
 * the payload stays as it is.  Said again, the newer one is sent; empty: none
 * is.  No event and no effects; an OFFER that is decided anew after a crash
 * has none.  Errors: STATE (no OFFER waits for its signature), INVALID (no
 * item, or too long), NO_SPACE, NOMEM.
 */
CPNP_API int cpnp_order_set_commit_set(
    cpnp_orders *orders, cpnp_order *order, cpnp_bytes commit_set);
/* Refuse what DECIDE asked for: a QUOTATION, an UPDATE or an ACTIVATE. */
CPNP_API int cpnp_order_refuse(cpnp_orders *orders, cpnp_order *order,
    cpnp_status status, const cpnp_explanation *explanations,
    size_t explanations_n, cpnp_now now);

/*
 * Server: grant an ACTIVATE that DECIDE asked for: sends the ACK, and the
 * agreement changes as its schedule says.  Errors: STATE.
 */
CPNP_API int cpnp_order_grant(
    cpnp_orders *orders, cpnp_order *order, cpnp_now now);

/*
 * Server: the answer to an effect PAY.  paid: the agreement is paid for, or
 * confirmed when it has no settlement terms, and its ACK is made (SIGN, or sent at once).  not_paid: it will not be; the
 * transaction comes to Cancelled with a FAIL that has status and explanations,
 * and after an UPDATE the agreement stands as it was, with its own payment.
 * Errors: STATE when no payment is awaited; INVALID (status is NONE, too many
 * explanations).
 */
CPNP_API int cpnp_order_paid(
    cpnp_orders *orders, cpnp_order *order, cpnp_now now);
CPNP_API int cpnp_order_not_paid(cpnp_orders *orders, cpnp_order *order,
    cpnp_status status, const cpnp_explanation *explanations,
    size_t explanations_n, cpnp_now now);
/*
 * Server: the payment that is awaited can be taken back no more (the
 * acknowledgement of its escrow is on the way to the ledger).  From now on a
 * CANCEL comes too late: it is answered with a PROCESSING, and then with what
 * the ACCEPT is answered with; WITHDRAW is the way out (contradictions.md, 5).
 * No event, no effects, and not saved: when PAY is asked again after a load,
 * call it again if it was so.  Errors: STATE when no payment is awaited.
 */
CPNP_API int cpnp_order_set_binding(cpnp_orders *orders, cpnp_order *order);

/*
 * Server: ask the client for more time, in AwaitingProcessing, while DECIDE
 * is not answered: sends a PROCESSING with the new expected offer time and,
 * where the edition has it, the subcode (CPNP_SUBCODE_NONE: without one).
 * It is repeated like a request until an ACK (the new time holds) or a FAIL
 * comes, or the tries are used up (the old time stays); effect TIME says
 * which.  Errors: STATE (also while a former request is open), METHOD (draft-02
 * has no such request), INVALID (not later than now, or than the time that
 * holds).  For an UPDATE the time is brought forward to the agreed end.
 */
CPNP_API int cpnp_order_more_time(cpnp_orders *orders, cpnp_order *order,
    cpnp_wtime expected_offer_time, cpnp_subcode subcode, cpnp_now now);

/*
 * Server: the service of an agreement runs, or no longer runs, by other means
 * than an ACTIVATE (RFC 7297, 3.11): Completed -> Active and back, nothing is
 * sent.  Errors: STATE (no agreement, or it has ended).
 */
CPNP_API int cpnp_order_set_active(
    cpnp_orders *orders, cpnp_order *order, bool active, cpnp_now now);

/*
 * The answer to an effect SIGN: the signed statement and, when wants_receipt
 * was set, the receipt for the leaf of the STORE before it (may be empty).
 * Errors: STATE when nothing is to be signed, MISMATCH when the payload is
 * another.
 */
CPNP_API int cpnp_order_signed(cpnp_orders *orders, cpnp_order *order,
    cpnp_bytes statement, cpnp_bytes receipt, cpnp_now now);
/* Signing is not possible.  An OFFER becomes FAIL Out of Resources, an ACCEPT
 * is not sent (the order stays in OfferProcessing), an ACK is tried again
 * when the ACCEPT is repeated. */
CPNP_API int cpnp_order_sign_failed(
    cpnp_orders *orders, cpnp_order *order, cpnp_now now);

/*
 * A message that came.  identity is the authenticated name of the sender,
 * peer the application's handle for the way back.  signer is the name in the
 * certificate whose signature over msg->statement the application has found
 * valid; empty when there is no statement or no valid one.  searched says that
 * the order is not in permanent storage either.
 */
typedef struct cpnp_input {
	const cpnp_msg *msg;
	cpnp_bytes identity;
	uint64_t peer;
	cpnp_bytes signer;
	bool require_statement; /* server: refuse an ACCEPT without one */
	bool may_order;         /* the identity is entitled to place orders */
	bool searched;
	uint32_t expected_offer_sec; /* server, for a QUOTATION or UPDATE, in
					place of the configured one; 0: that */
} cpnp_input;

/*
 * Feed a message.
 *
 * 0: it was handled (a retransmission may have been answered or dropped by
 * the rate limit).  NOT_LOADED: no order in memory matches and searched is
 * false: look in the store for (identity, customer order identifier), load
 * it, or set searched, and feed again.  PEER errors: the message changed
 * nothing; when an answer is due it is in the effects as a SEND with fail set
 * (subject it to the rate limit for FAIL), silent discards have none.
 * FULL: refused for want of room, answered with FAIL Out of Resources.
 * FATAL: there is no answer either, and the order is as it was; the peer
 * repeats.
 */
CPNP_API int cpnp_orders_recv(
    cpnp_orders *orders, const cpnp_input *input, cpnp_now now);
/* A datagram that did not decode; msg as cpnp_msg_decode() left it, err what
 * it returned.  Gives a FAIL that names what was readable, never for a FAIL. */
CPNP_API int cpnp_orders_recv_invalid(
    cpnp_orders *orders, const cpnp_input *input, int err, cpnp_now now);

/* The earliest moment at which cpnp_orders_handle_expiry() has work;
 * CPNP_NEVER when there is none. */
CPNP_API cpnp_tstamp cpnp_orders_expiry(const cpnp_orders *orders);
/* Do what is due for at most one order; call again while the expiry has come
 * (effects are drained in between). */
CPNP_API int cpnp_orders_handle_expiry(cpnp_orders *orders, cpnp_now now);
/* The wall clock was stepped: arm all timers again from the stored dates. */
CPNP_API int cpnp_orders_rearm(cpnp_orders *orders, cpnp_now now);

/* What an order keeps as bytes besides its small state. */
typedef enum cpnp_doc {
	CPNP_DOC_REQUEST,  /* the QUOTATION (or UPDATE) message */
	CPNP_DOC_OFFER,    /* the OFFER that answers it */
	CPNP_DOC_LAST_OUT, /* the newest message that this side sent */
	CPNP_DOC_FINAL,    /* client: the ACK or FAIL that ended the
			      transaction of the QUOTATION or UPDATE, with its
			      receipt or explanations; of an UPDATE that came
			      to nothing, what was there before.  Server: the
			      ACK of the agreement, once it is not the newest
			      message any more */
	/* while an UPDATE is open, and only then: the REQUEST, OFFER and
	 * FINAL of the agreement that stands */
	CPNP_DOC_STANDING_REQUEST,
	CPNP_DOC_STANDING_OFFER,
	CPNP_DOC_STANDING_FINAL,
	CPNP_DOC_ACTIVATE, /* server: the ACTIVATE that is not decided, and
			      only then */
	/* The PAYMENT_AUTHORIZATION that the ACCEPT came or went with, a raw
	 * item and no message: the order has it when the OFFER has settlement
	 * terms, also after the payment was refused. */
	CPNP_DOC_PAYMENT,
	/* while an UPDATE is open: that of the agreement that stands */
	CPNP_DOC_STANDING_PAYMENT,
	CPNP_DOC_END
} cpnp_doc;

typedef enum cpnp_effect_type {
	CPNP_EFFECT_STORE,
	CPNP_EFFECT_SEND,
	CPNP_EFFECT_DECIDE,
	CPNP_EFFECT_OFFER,
	CPNP_EFFECT_SIGN,
	CPNP_EFFECT_END,
	CPNP_EFFECT_FORGET,
	CPNP_EFFECT_ALARM,
	CPNP_EFFECT_TIME,
	CPNP_EFFECT_PAY
} cpnp_effect_type;

/*
 * STORE  make durable: one event to append, and the order as it is now
 *        (cpnp_order_save() and the changed documents).  statement is the
 *        leaf for the journal: a STATE statement, or the signed statement of
 *        either side.  Nothing for an event that changed only bookkeeping
 *        (statement empty, neither state changed): store without a leaf.
 *        The STORE effects of one event go into one commit: each shows the
 *        order as it is after the event, and the last one names its documents.
 * SEND   send bytes to peer, when it is not 0.  fail: it answers a message
 *        that was refused without an order; rate limit it.
 * DECIDE server: now or later, call for a QUOTATION or an UPDATE
 *        cpnp_order_offer() or _refuse(), for an ACTIVATE cpnp_order_grant()
 *        or _refuse().  request is the decoded message; its method says which.
 *        For an UPDATE, what the standing agreement holds stays held.
 * OFFER  client: an offer is there; call _accept(), _decline() or _cancel()
 *        before its validity ends.  offer is the decoded OFFER.
 * SIGN   call cpnp_order_signed() or _sign_failed().  With after_commit, not
 *        before the STORE effects in front of it are durable; with
 *        wants_receipt, pass the receipt for the leaf of the ACCEPT (event
 *        RECV_ACCEPT), in the last STORE or in one of before.
 * END    the transaction has come to its end and is settled: a DECLINE or
 *        CANCEL has its answer; for the application to tell somebody.  Nothing
 *        needs to be done.  state is that of the transaction: Cancelled for an
 *        UPDATE that came to nothing, though the order is Completed again and
 *        its agreement stands as it was.  It may come twice, when the server
 *        goes on with an order that the client has ended or an ACK shows an
 *        agreement.
 * FORGET the order leaves memory after this effect; the store keeps it.
 * ALARM  client: all retries of a WITHDRAW are used up without an ACK, and the
 *        service may still run.  Tell the administrator; cpnp_order_wait()
 *        says when it is tried again (RFC 8921, 11.1.2).
 * TIME   server: the client has answered a request for more time, or will not:
 *        granted, and the expected offer time that now holds.  After a no the
 *        decision is still awaited until the old time.
 * PAY    server: an OFFER with settlement terms was accepted, with this
 *        authorization, or one that was to be confirmed (cpnp_offer), with
 *        neither when it has no terms; and the customer was told PROCESSING.
 *        Ask the ledger, or whoever has to confirm, and now or later call
 *        cpnp_order_paid() or cpnp_order_not_paid(); the ACK waits for it
 *        without a deadline.  An application without a ledger
 *        calls the latter.  A CANCEL may end the order before
 *        (cpnp_order_set_binding()).  It comes behind the STORE of the ACCEPT:
 *        do nothing that binds before that is durable.
 */
typedef struct cpnp_effect {
	cpnp_effect_type type;
	cpnp_order *order; /* NULL for a SEND without an order */
	union {
		struct {
			cpnp_state from;
			cpnp_state to;
			cpnp_agreement_state agreement_from;
			cpnp_agreement_state agreement_to;
			cpnp_event event;
			cpnp_wtime time;
			const char *detail; /* static text or NULL */
			cpnp_bytes statement;
			bool statement_is_signed;
			uint32_t docs_changed; /* 1 << cpnp_doc */
			uint64_t number; /* grows from event to event */
		} store;
		struct {
			uint64_t peer;
			cpnp_bytes bytes;
			cpnp_method method;
			bool fail;
			bool again; /* a retransmission or repeat */
		} send;
		struct {
			const cpnp_msg *request;
		} decide;
		struct {
			const cpnp_msg *offer;
		} offer;
		struct {
			cpnp_bytes payload;
			bool after_commit;
			bool wants_receipt;
			/* SHA-256 of the signed statement that this one
			 * answers, the leaf of a wanted receipt; or NULL */
			const uint8_t *answers;
		} sign;
		struct {
			cpnp_state state;
			cpnp_status status; /* of a FAIL, else NONE */
		} end;
		struct {
			bool granted;
			cpnp_wtime expected_offer_time;
		} time;
		struct {
			cpnp_bytes authorization; /* document PAYMENT */
			cpnp_bytes settlement_terms; /* of the OFFER */
			cpnp_bytes commit_set;       /* of it, or empty */
		} pay;
	} u;
} cpnp_effect;

/* Take the next effect; false when there is none. */
CPNP_API bool cpnp_orders_next(cpnp_orders *orders, cpnp_effect *effect);

/*
 * The state of an order besides its documents, as deterministic CBOR; append
 * it to buf.  cpnp_order_doc() gives a document, empty when there is none.
 */
CPNP_API int cpnp_order_save(const cpnp_order *order, cpnp_buf *buf);
CPNP_API cpnp_bytes cpnp_order_doc(const cpnp_order *order, cpnp_doc doc);

/*
 * Put an order back into memory from what was saved; bytes are copied.
 * Timers are armed from the stored dates.  What was asked for and not
 * answered when it was saved (DECIDE, SIGN, OFFER, PAY) is asked again.
 * Errors: EXISTS, FULL, NOMEM; a PEER error when the saved bytes are damaged.
 */
CPNP_API int cpnp_orders_load(cpnp_orders *orders, cpnp_bytes saved,
    const cpnp_bytes docs[CPNP_DOC_END], cpnp_order **order, cpnp_now now);
/* Remove an order from memory, without effects; order is gone after it. */
CPNP_API void cpnp_orders_drop(cpnp_orders *orders, cpnp_order *order);
/* The order in memory, or NULL. */
CPNP_API cpnp_order *cpnp_orders_find(const cpnp_orders *orders,
    cpnp_role role, cpnp_bytes peer_identity, cpnp_bytes customer_order_id);

/* What an order is now.  Views live until the order changes. */
CPNP_API cpnp_role cpnp_order_role(const cpnp_order *order);
CPNP_API bool cpnp_order_is_child(const cpnp_order *order);
CPNP_API cpnp_edition cpnp_order_edition(const cpnp_order *order);
CPNP_API cpnp_state cpnp_order_state(const cpnp_order *order);
CPNP_API cpnp_agreement_state cpnp_order_agreement_state(
    const cpnp_order *order);
/* Cancelled, and the acknowledgement is still awaited (contradictions.md,
 * 27); of a WITHDRAW, when the agreement still stands.  Or Completed, and an
 * ACTIVATE has no answer. */
CPNP_API bool cpnp_order_is_outstanding(const cpnp_order *order);
/* No transaction is open and nothing is outstanding. */
CPNP_API bool cpnp_order_is_settled(const cpnp_order *order);
CPNP_API cpnp_bytes cpnp_order_identity(const cpnp_order *order);
CPNP_API cpnp_bytes cpnp_order_peer_identity(const cpnp_order *order);
CPNP_API cpnp_bytes cpnp_order_customer_id(const cpnp_order *order);
/* Of the open transaction, else of the last one. */
CPNP_API cpnp_bytes cpnp_order_transaction_id(const cpnp_order *order);
/* Empty while the server has not given one. */
CPNP_API cpnp_bytes cpnp_order_provider_id(const cpnp_order *order);
/* The reference by which statements name the order, and its opening. */
CPNP_API const uint8_t *cpnp_order_ref(const cpnp_order *order);
CPNP_API int cpnp_order_get_opening(
    const cpnp_order *order, cpnp_order_opening *opening);
/* The agreement offered or agreed, also by an UPDATE that is open; STATE when
 * there is no OFFER yet.  The
 * views of agreement point into the order. */
CPNP_API int cpnp_order_get_agreement(
    const cpnp_order *order, cpnp_agreement *agreement);
/* The agreement that stands, Completed or Active: while an UPDATE is open, the
 * one that it would change.  STATE when there is none. */
CPNP_API int cpnp_order_get_standing(
    const cpnp_order *order, cpnp_agreement *agreement);
/* The method that opened the newest transaction: QUOTATION, UPDATE, WITHDRAW
 * or ACTIVATE. */
CPNP_API cpnp_method cpnp_order_transaction(const cpnp_order *order);
/*
 * When the service is next to start or to end: from the ACTIVATE that was
 * acknowledged last, else from the schedule in the agreement; the end that the
 * agreement gives stays beside that of an ACTIVATE.  An order in memory does
 * it by itself (events SERVICE_START, SERVICE_END; at the end that the
 * agreement gives it ends, when no transaction is open, at that of an ACTIVATE
 * it is Completed again).  An order may be forgotten before: load it when the
 * date has come.  False when nothing is scheduled.
 */
CPNP_API bool cpnp_order_next_service_event(
    const cpnp_order *order, cpnp_wtime *date);
/* The receipt that came with the ACK (client) or went with it (server). */
CPNP_API cpnp_bytes cpnp_order_receipt(const cpnp_order *order);
/* Status of the FAIL that ended the transaction, else NONE; a client finds the
 * explanations in the document FINAL, unless the agreement is Completed and it
 * was a WITHDRAW that failed. */
CPNP_API cpnp_status cpnp_order_status(const cpnp_order *order);
/* A number that the application attaches to an order in memory. */
CPNP_API void cpnp_order_set_user(cpnp_order *order, uint64_t user);
CPNP_API uint64_t cpnp_order_user(const cpnp_order *order);

/* What an order waits for. */
typedef struct cpnp_wait {
	const char *what;  /* "an offer from the provider", NULL: for nothing */
	bool has_until;
	cpnp_wtime until;  /* when it stops waiting */
	unsigned tries;    /* how often the last message went out */
	cpnp_tstamp again; /* when it goes out again, or CPNP_NEVER */
} cpnp_wait;

CPNP_API void cpnp_order_wait(const cpnp_order *order, cpnp_wait *wait);

#ifdef __cplusplus
}
#endif

#endif
