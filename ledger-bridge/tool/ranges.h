/*
 * Two sorted lists compared by fingerprints of ranges: equal ranges cost a
 * few bytes, a difference a few hundred, however long the lists are.
 *
 * Each side sends messages in turn, the starter first.  A message is
 * deterministic CBOR, the array [hello, ranges]:
 *
 *	hello   [version, own name, name of the peer] in the first message of
 *	        each side, else null
 *	range   [from, to, fingerprint, count], or
 *	        [from, to, want, [[order digest, state, amounts] ...]]
 *
 * A range holds the digests that are not less than from and less than to, as
 * byte strings, of which a prefix will do; an empty to is the end.  The
 * fingerprint is the first 16 bytes of the SHA-256 over the entries.  Who gets
 * a fingerprint that is not its own divides the range into 16, or sends its
 * entries when they are few and wants those of the other.  Both end when an
 * empty message has answered an empty one.
 *
 * No I/O: messages in, messages out.  An entry is compared as bytes.  This
 * finds differences between honest books; who wants to hide one can echo a
 * fingerprint, and is convicted by the signed statements alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_RANGES_H
#define LEDGER_RANGES_H

#include <cpnp/agreement.h>
#include <cpnp/cbor.h>
#include <cpnp/error.h>
#include <cpnp/types.h>

#define RANGES_VERSION 1
#define RANGES_ENTRIES_MAX 1000000
#define RANGES_STATE_MAX 32    /* bytes */
#define RANGES_AMOUNTS_MAX 255 /* bytes */
#define RANGES_MESSAGE_MAX 131072
#define RANGES_TOTAL_MAX ((uint64_t)1 << 30) /* bytes received in all */
#define RANGES_QUEUE_MAX 262144 /* ranges that wait to be sent */
/* Entries that are looked at for a list of n, all told: five levels of parts
 * need 12 n, and a peer that asks for the same again and again gets no more. */
#define RANGES_WORK_MAX(n) (64 * (uint64_t)(n) + 65536)

struct range_entry {
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_bytes state;
	cpnp_bytes amounts;
};

struct ranges;

/* One difference: NULL for the side that has no such entry.  Views. */
typedef void ranges_found(void *user, const struct range_entry *mine,
    const struct range_entry *theirs);

/*
 * Compare a list, sorted by digest, each digest once, that stays the caller's.
 * own and peer, borrowed, are the names of the two books: the peer must say
 * the same crosswise.
 */
int ranges_new(struct ranges **ranges, const struct range_entry *entries,
    size_t n, const char *own, const char *peer, bool starts,
    ranges_found *found, void *user);
void ranges_del(struct ranges *ranges);
/* Append the next message to buf. */
int ranges_send(struct ranges *ranges, cpnp_buf *buf);
/* Take the peer's.  Any error ends the comparison. */
int ranges_recv(struct ranges *ranges, cpnp_bytes message, cpnp_diag *diag);
/* The last messages of both sides were empty. */
bool ranges_done(const struct ranges *ranges);

#endif
