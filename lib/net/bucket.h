/*
 * Token buckets by source prefix, for what comes before any other state.
 *
 * A bucket is one number: the time until which it is in use (the virtual
 * scheduling form of GCRA, ITU-T I.371).  One whose time is past is full and
 * needs no memory, so the table ages by itself.
 *
 * The table has a fixed size and never allocates.  A key is hashed, under a
 * secret, to a set of NET_BUCKET_WAYS places, so that nobody can aim at the
 * place of somebody else.  A source that finds its set taken by others takes
 * over the place that is in use for the shortest time, with that time: what
 * replaces a bucket has no more tokens than the one that it replaces.  So a
 * flood from ever new sources gains nothing by filling the table, and who
 * shares a set with it waits for the least used of NET_BUCKET_WAYS buckets and
 * no longer.  To keep all sets taken it has to bring NET_BUCKETS times the rate
 * of a source; sources that ask little lose nothing by being replaced.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef NET_BUCKET_H
#define NET_BUCKET_H

#include <cpnp/net.h>

#define NET_BUCKETS 65536 /* places of 16 bytes */
#define NET_BUCKET_WAYS 8

/* What a source asks for; each has a bucket of its own. */
enum net_bucket_kind {
	NET_BUCKET_UDP,       /* address not proved */
	NET_BUCKET_UDP_PROVED,
	NET_BUCKET_HELLO,     /* ClientHello */
	NET_BUCKET_HANDSHAKE, /* the rest, the address is proved */
	NET_BUCKET_FAIL
};

struct net_bucket {
	uint64_t tag; /* hash of its key, 0: never used */
	cpnp_tstamp until;
};

struct net_buckets {
	struct net_bucket *places;
	uint64_t seed[2];
	uint64_t shared; /* how often a place in use was taken over */
};

/* CPNP_ERR_NOMEM, _RANDOM. */
int net_buckets_init(struct net_buckets *buckets, const cpnp_env *env);
void net_buckets_fini(struct net_buckets *buckets);
/* Take a token for the first prefix_len bits of ip (IPv4 is mapped, so 96
 * more); false when there is none. */
bool net_buckets_take(struct net_buckets *buckets, enum net_bucket_kind kind,
    const uint8_t ip[16], unsigned prefix_len, const cpnp_rate *rate,
    cpnp_tstamp now);

#endif
