/*
 * Parts: messages that do not fit in a datagram, without I/O.
 *
 * A struct cpnp_parts stands between the network and the orders, for messages
 * of method 0 and for messages that are too long.  Both directions are the
 * same: what comes is put together until it is whole and its digest fits;
 * what goes is cut, and sent again where the other side lacks something.  The
 * bytes are in cpnp-wire(7), "Parts".
 *
 *	if (cpnp_parts_is_part(datagram))
 *		cpnp_parts_recv(parts, peer, datagram, now);
 *	else
 *		... a message, as ever ...
 *	while (cpnp_parts_next(parts, &effect))
 *		... perform it ...
 *
 * What it keeps is bounded, for each peer and in all, in each direction; a
 * bound that is reached refuses what is new and spares what is under way.  A
 * message that came whole stays for a while, so that its retransmission is
 * one question and one answer; it is the first to give way.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_PARTS_H
#define CPNP_PARTS_H

#include <cpnp/error.h>
#include <cpnp/message.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cpnp_parts cpnp_parts;

/* Bounds, of each direction. */
#define CPNP_PARTS_PEER_MESSAGES_MAX 64
#define CPNP_PARTS_PEER_BYTES_MAX 1048576
#define CPNP_PARTS_MESSAGES_MAX 4096
#define CPNP_PARTS_BYTES_MAX 67108864

/* The shortest limit of a datagram in which a part surely fits, with a cookie
 * beside it; an IPv4 path of 576 bytes carries this under DTLS. */
#define CPNP_PARTS_DATAGRAM_MIN 400

#define CPNP_PARTS_TIME_MAX CPNP_SECONDS(60)  /* from first to last part */
#define CPNP_PARTS_KEEP_TIME CPNP_SECONDS(60) /* a message that came whole */
#define CPNP_PARTS_AGAIN_MIN CPNP_SECONDS(1)  /* between two deliveries of it */

/* The sender's timer: nothing heard for so long and it asks what has come,
 * each time after twice as long. */
#define CPNP_PARTS_RETRANS_MIN CPNP_SECONDS(1)
#define CPNP_PARTS_RETRANS_MAX CPNP_SECONDS(8)
#define CPNP_PARTS_RETRIES_MAX 5 /* questions without an answer */
/* A part that has not arrived so long after those behind it is lost. */
#define CPNP_PARTS_REORDER_TIME CPNP_MILLISECONDS(100)
/* Parts under way: at first, and at most.  It grows with each answer and is
 * halved by the timer. */
#define CPNP_PARTS_WINDOW_MIN 8
#define CPNP_PARTS_WINDOW_MAX 32

/*
 * env is copied; its functions must stay callable.
 * Errors: CPNP_ERR_NOMEM.
 */
CPNP_API int cpnp_parts_new(cpnp_parts **parts, const cpnp_env *env);
CPNP_API void cpnp_parts_del(cpnp_parts *parts);

/* Does a message of len bytes fit in a datagram of at most datagram_max, with
 * the cookie that may be added to it? */
CPNP_API bool cpnp_parts_fits(size_t len, size_t datagram_max);

/*
 * Send message, which is one that encodes, to a peer in parts of at most
 * datagram_max bytes each.  It is copied.  again: it is a retransmission, and
 * begins with the question what has come.  A message that is under way to
 * that peer already goes on as it was.
 *
 * Of each message that was taken an effect ACKED or FAILED tells, once.
 *
 * Errors: CPNP_ERR_INVALID, datagram_max is below CPNP_PARTS_DATAGRAM_MIN or
 * message is none, or itself a part; _FULL, a bound is reached; _NOMEM,
 * _CRYPTO.
 */
CPNP_API int cpnp_parts_send(cpnp_parts *parts, uint64_t peer,
    cpnp_bytes message, size_t datagram_max, bool again, cpnp_tstamp now);

/* Is it a message of method 0?  Looks at its first bytes only. */
CPNP_API bool cpnp_parts_is_part(cpnp_bytes datagram);

/*
 * A datagram of a peer for which cpnp_parts_is_part() is true.  The effects of
 * the one before must have been taken.
 *
 * 0: it was used, or told nothing new.  PEER errors: it was dropped: it does
 * not decode, breaks the rules of parts, or speaks of nothing that is under
 * way; MISMATCH, a message was dropped whole since its digest does not fit.
 * FULL: dropped, a bound is reached.  NOMEM, CRYPTO: dropped, and the object
 * goes on, since the peer repeats.  STATE: effects have not been taken.
 */
CPNP_API int cpnp_parts_recv(cpnp_parts *parts, uint64_t peer,
    cpnp_bytes datagram, cpnp_tstamp now);

/*
 * SEND     send a datagram to peer.
 * DELIVER  bytes is a message that has come from peer, whole; it has not been
 *          decoded.  It comes again when the peer sends it again.
 * ACKED    bytes is a message of ours, and the peer has all of it.
 * FAILED   the peer has stopped answering, or was too slow; bytes is the
 *          message.
 *
 * bytes is good until the next cpnp_parts_next(), _recv(), _handle_expiry() or
 * _forget(); so an answer to what was delivered may be sent at once.
 */
typedef enum cpnp_parts_effect_type {
	CPNP_PARTS_SEND,
	CPNP_PARTS_DELIVER,
	CPNP_PARTS_ACKED,
	CPNP_PARTS_FAILED
} cpnp_parts_effect_type;

typedef struct cpnp_parts_effect {
	cpnp_parts_effect_type type;
	uint64_t peer;
	cpnp_bytes bytes;
} cpnp_parts_effect;

/* Take the next effect; false when there is none. */
CPNP_API bool cpnp_parts_next(cpnp_parts *parts, cpnp_parts_effect *effect);

/* The earliest moment at which cpnp_parts_handle_expiry() may have work;
 * CPNP_NEVER when there is none.  Effects follow from it. */
CPNP_API cpnp_tstamp cpnp_parts_expiry(const cpnp_parts *parts);
CPNP_API void cpnp_parts_handle_expiry(cpnp_parts *parts, cpnp_tstamp now);

/* The peer is gone: forget what came from it and what goes there, without
 * effects. */
CPNP_API void cpnp_parts_forget(cpnp_parts *parts, uint64_t peer);

/* Counters, from the start of the object.  X(name, text) */
#define CPNP_PARTS_COUNTER_MAP(X)                                              \
	X(received, "parts, questions and answers received")                   \
	X(invalid, "parts that broke the rules")                               \
	X(refused, "parts refused, a bound was reached")                       \
	X(mismatched, "messages whose digest did not fit")                     \
	X(late, "messages given up, not whole in time")                        \
	X(evicted, "whole messages forgotten to make room")                    \
	X(delivered, "messages put together")                                  \
	X(delivered_again, "messages delivered again")                         \
	X(sent, "parts, questions and answers sent")                           \
	X(asked, "questions sent")                                             \
	X(acked, "messages that arrived")                                      \
	X(failed, "messages given up, the peer did not answer")

typedef struct cpnp_parts_counters {
#define CPNP_PARTS_COUNTER_FIELD(name, text) uint64_t name;
	CPNP_PARTS_COUNTER_MAP(CPNP_PARTS_COUNTER_FIELD)
#undef CPNP_PARTS_COUNTER_FIELD
	/* what there is now */
	uint64_t in_messages;
	uint64_t in_bytes;
	uint64_t out_messages;
	uint64_t out_bytes;
} cpnp_parts_counters;

CPNP_API void cpnp_parts_get_counters(
    const cpnp_parts *parts, cpnp_parts_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
