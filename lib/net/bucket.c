/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "internal.h"

#include <stdlib.h>
#include <string.h>

bool
cpnp_rate_take(const cpnp_rate *rate, cpnp_tstamp *until, cpnp_tstamp now)
{
	cpnp_tstamp interval = CPNP_SECONDS(1) /
	    (rate->per_second != 0 ? rate->per_second : 1);
	cpnp_tstamp span = interval * (rate->burst != 0 ? rate->burst : 1);
	cpnp_tstamp from = *until > now ? *until : now;

	/* It was used at another rate: empty is as empty as it gets. */
	if (from - now > span)
		from = now + span;
	if (from + interval - now > span) {
		*until = from;
		return false;
	}
	*until = from + interval;
	return true;
}

int
net_buckets_init(struct net_buckets *buckets, const cpnp_env *env)
{
	memset(buckets, 0, sizeof(*buckets));
	if (env->random(env->user, (uint8_t *)buckets->seed,
		sizeof(buckets->seed)) != 0)
		return CPNP_ERR_RANDOM;
	buckets->places = calloc(NET_BUCKETS, sizeof(*buckets->places));
	return buckets->places == NULL ? CPNP_ERR_NOMEM : 0;
}

void
net_buckets_fini(struct net_buckets *buckets)
{
	free(buckets->places);
	OPENSSL_cleanse(buckets, sizeof(*buckets));
}

static uint64_t
hash_key(const struct net_buckets *buckets, enum net_bucket_kind kind,
    const uint8_t ip[16], unsigned prefix_len)
{
	uint64_t words[3] = {0};
	uint8_t *at = (uint8_t *)words;

	memcpy(at, ip, (prefix_len + 7) / 8);
	if (prefix_len % 8 != 0)
		at[prefix_len / 8] &= (uint8_t)(0xff00 >> (prefix_len % 8));
	words[2] = (uint64_t)kind << 8 | prefix_len;
	/* 0 marks a place that was never used */
	return net_hash(buckets->seed, words, 3) | 1;
}

bool
net_buckets_take(struct net_buckets *buckets, enum net_bucket_kind kind,
    const uint8_t ip[16], unsigned prefix_len, const cpnp_rate *rate,
    cpnp_tstamp now)
{
	uint64_t tag = hash_key(buckets, kind, ip, prefix_len);
	struct net_bucket *set = buckets->places +
	    (size_t)(tag >> 1) % (NET_BUCKETS / NET_BUCKET_WAYS) *
		NET_BUCKET_WAYS;
	struct net_bucket *least = set;
	cpnp_tstamp until;
	bool is_busy;

	for (size_t i = 0; i < NET_BUCKET_WAYS; i++) {
		if (set[i].tag == tag)
			return cpnp_rate_take(rate, &set[i].until, now);
		if (set[i].until < least->until)
			least = &set[i];
	}
	/* Who gets no token does not take the place of who did. */
	until = least->until;
	is_busy = until > now;
	if (!cpnp_rate_take(rate, &until, now)) {
		buckets->shared++;
		return false;
	}
	buckets->shared += is_busy;
	*least = (struct net_bucket){tag, until};
	return true;
}
