/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

static uint64_t
rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 over whole words: peers choose their addresses and ports, so
 * the function is keyed. */
uint64_t
net_hash(const uint64_t seed[2], const void *bytes, size_t words)
{
	uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u,
	    seed[1] ^ 0x646f72616e646f6du, seed[0] ^ 0x6c7967656e657261u,
	    seed[1] ^ 0x7465646279746573u};
	const uint8_t *p = bytes;
	uint64_t word;
	size_t i;

	for (i = 0; i < words; i++) {
		memcpy(&word, p + 8 * i, sizeof(word));
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int
net_table_init(struct net_table *table, const cpnp_env *env)
{
	memset(table, 0, sizeof(*table));
	if (env->random(env->user, (uint8_t *)table->seed,
		sizeof(table->seed)) != 0)
		return CPNP_ERR_RANDOM;
	table->buckets = calloc(BUCKETS_MIN, sizeof(struct net_node *));
	if (table->buckets == NULL)
		return CPNP_ERR_NOMEM;
	table->buckets_n = BUCKETS_MIN;
	return 0;
}

void
net_table_fini(struct net_table *table)
{
	free(table->buckets);
	memset(table, 0, sizeof(*table));
}

struct net_node *
net_table_get(const struct net_table *table, const struct net_key *key)
{
	struct net_node *node;
	uint64_t hash;

	if (table->n == 0)
		return NULL;
	hash = net_hash(table->seed, key, sizeof(*key) / 8);
	for (node = table->buckets[hash & (table->buckets_n - 1)];
	    node != NULL; node = node->next) {
		if (node->hash == hash &&
		    memcmp(&node->key, key, sizeof(*key)) == 0)
			return node;
	}
	return NULL;
}

/* Twice the buckets; a table that cannot grow goes on, slower. */
static void
table_grow(struct net_table *table)
{
	struct net_node **old = table->buckets, **fresh, *node, *next;
	size_t old_n = table->buckets_n, i;

	fresh = calloc(2 * old_n, sizeof(struct net_node *));
	if (fresh == NULL)
		return;
	for (i = 0; i < old_n; i++) {
		for (node = old[i]; node != NULL; node = next) {
			size_t to = node->hash & (2 * old_n - 1);

			next = node->next;
			node->next = fresh[to];
			fresh[to] = node;
		}
	}
	free(old);
	table->buckets = fresh;
	table->buckets_n = 2 * old_n;
}

void
net_table_put(struct net_table *table, struct net_node *node)
{
	size_t to;

	if (table->n >= table->buckets_n)
		table_grow(table);
	node->hash = net_hash(table->seed, &node->key, sizeof(node->key) / 8);
	to = node->hash & (table->buckets_n - 1);
	node->next = table->buckets[to];
	table->buckets[to] = node;
	table->n++;
}

void
net_table_remove(struct net_table *table, struct net_node *node)
{
	struct net_node **at;

	at = &table->buckets[node->hash & (table->buckets_n - 1)];
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	table->n--;
}
