/*
 * The inside of parts.
 *
 *	parts.c       the object, its peers, time and effects
 *	parts_in.c    what comes: blocks, answers, whole messages
 *	parts_out.c   what goes: windows, questions, retransmissions
 *	parts_wire.c  messages of method 0
 *
 * What comes is kept in slabs, which are allocated when a block of theirs has
 * come: a peer that promises much and sends little holds little.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CORE_PARTS_INT_H
#define CPNP_CORE_PARTS_INT_H

#include <sys/queue.h>

#include <cpnp/parts.h>

#define PARTS_SLAB 4096
#define PARTS_SLABS_MAX (CPNP_MSG_MAX / PARTS_SLAB)
#define PARTS_BUCKETS 1024 /* of peers, whose numbers no peer chooses */
/* A message of method 0 with everything that we put in it but PART; the three
 * bytes in front of PART are in it too. */
#define PARTS_OVERHEAD_MAX (4 + 6 + 35 + 6 + 35 + 6 + 4)
#define PARTS_COOKIE_ROOM (1 + 2 + CPNP_COOKIE_MAX)
_Static_assert(PARTS_OVERHEAD_MAX + PARTS_COOKIE_ROOM + CPNP_PART_BLOCK <=
	CPNP_PARTS_DATAGRAM_MIN,
    "a block fits in the shortest datagram");
_Static_assert(CPNP_MSG_MAX % PARTS_SLAB == 0 &&
	PARTS_SLAB % CPNP_PART_BLOCK == 0,
    "blocks do not cross slabs");

/* Which message, and what stands in every part of it. */
struct parts_name {
	cpnp_edition edition;
	uint32_t sequence_number;
	uint8_t tid_len; /* 0: it has none */
	uint8_t tid[CPNP_TRANSACTION_ID_MAX];
	uint32_t total;
	uint8_t digest[CPNP_SHA256_LEN];
};

/* The blocks that the receiver has. */
struct parts_held {
	size_t blocks_n; /* of the message */
	size_t n;        /* that are held */
	uint8_t bits[CPNP_PARTS_HELD_MAX];
};

TAILQ_HEAD(parts_ins, parts_in);
TAILQ_HEAD(parts_outs, parts_out);

struct parts_peer {
	struct parts_peer *next; /* in its bucket */
	uint64_t id;
	struct parts_ins in; /* oldest first */
	struct parts_outs out;
	size_t in_n, in_bytes;
	size_t out_n, out_bytes;
};

struct parts_in {
	TAILQ_ENTRY(parts_in) of_peer;
	TAILQ_ENTRY(parts_in) by_age;
	struct parts_peer *peer;
	struct parts_name name;
	struct parts_held held;
	bool whole;
	cpnp_tstamp until;     /* it is forgotten then */
	cpnp_tstamp delivered; /* last, when whole */
	size_t bytes;          /* that it is charged with */
	uint8_t *slabs[PARTS_SLABS_MAX];
};

enum parts_out_state { PARTS_OUT_GOING, PARTS_OUT_ACKED, PARTS_OUT_FAILED };

struct parts_out {
	TAILQ_ENTRY(parts_out) of_peer;
	TAILQ_ENTRY(parts_out) by_age;
	TAILQ_ENTRY(parts_out) in_ready;
	struct parts_peer *peer;
	struct parts_name name;
	struct parts_held held; /* as far as we know */
	enum parts_out_state state;
	bool ready;      /* it may have something to send or to tell */
	bool asks;       /* a question is to be sent ... */
	bool asked;      /* ... or has been: the next answer is the truth */
	bool over;       /* the last part of the round has arrived */
	size_t part_len; /* whole blocks */
	size_t next;     /* the block from which the round goes on */
	size_t last;     /* the block sent last in this round */
	size_t credit;   /* parts that may be sent now */
	size_t window;
	unsigned tries;
	cpnp_tstamp retrans; /* the interval ... */
	cpnp_tstamp due;     /* ... and when it ends */
	cpnp_tstamp until;
	uint8_t bytes[]; /* name.total of them */
};

struct cpnp_parts {
	cpnp_env env;
	cpnp_parts_counters count;
	struct parts_peer *peers[PARTS_BUCKETS];
	struct parts_ins coming; /* oldest first */
	struct parts_ins whole;
	struct parts_outs going;
	struct parts_outs ready;
	struct parts_out *told; /* whose end the last effect told */
	cpnp_tstamp due;        /* no timer of what goes is due before */
	cpnp_tstamp now;        /* of the last event */

	/* effects of the last datagram */
	bool has_answer;
	bool has_delivery;
	uint64_t from;
	cpnp_buf answer; /* in answer_store */
	cpnp_buf message; /* put together; grows to the longest */

	cpnp_msg msg;   /* the part at hand */
	cpnp_msg build; /* the one being written */
	uint8_t answer_store[PARTS_OVERHEAD_MAX + CPNP_PARTS_HELD_MAX];
	cpnp_buf datagram; /* in datagram_store */
	uint8_t datagram_store[CPNP_DATAGRAM_MAX];
};

/* parts.c: the peer, or NULL; get makes it when it is not there (NULL: no
 * memory), and put forgets it when nothing is left of it. */
struct parts_peer *parts_peer_find(const cpnp_parts *parts, uint64_t id);
struct parts_peer *parts_peer_get(cpnp_parts *parts, uint64_t id);
void parts_peer_put(cpnp_parts *parts, struct parts_peer *peer);

/* parts_wire.c */
/* A message of method 0 becomes parts->msg; the rules of parts hold. */
int parts_decode(cpnp_parts *parts, cpnp_bytes datagram);
/* The name of the message that parts->msg is about. */
void parts_name_get(const cpnp_parts *parts, struct parts_name *name);
bool parts_name_is(const struct parts_name *a, const struct parts_name *b);
/* The name of a whole message: CPNP_ERR_INVALID, _CRYPTO. */
int parts_name_make(
    cpnp_parts *parts, cpnp_bytes message, struct parts_name *name);
/* Write a part (bytes not empty), an answer (held not NULL) or a question to
 * buf, which has room for it. */
void parts_encode(cpnp_parts *parts, cpnp_buf *buf,
    const struct parts_name *name, size_t offset, cpnp_bytes bytes,
    const struct parts_held *held);
size_t parts_blocks(uint32_t total);
bool parts_held_has(const struct parts_held *held, size_t block);
void parts_held_add(struct parts_held *held, size_t block);
/* From PARTS_HELD; the bits have been checked. */
void parts_held_set(struct parts_held *held, cpnp_bytes bits);

/* parts_in.c: a part or a question has come. */
int parts_in_recv(cpnp_parts *parts, uint64_t peer);
void parts_in_del(cpnp_parts *parts, struct parts_in *in);
void parts_in_expire(cpnp_parts *parts);

/* parts_out.c: an answer has come. */
int parts_out_recv(cpnp_parts *parts, uint64_t peer);
void parts_out_del(cpnp_parts *parts, struct parts_out *out);
/* The next effect of what goes. */
bool parts_out_next(cpnp_parts *parts, cpnp_parts_effect *effect);
void parts_out_expire(cpnp_parts *parts);

#endif
