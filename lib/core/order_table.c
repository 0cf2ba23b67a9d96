/*
 * The table of orders over (role, identity of the peer, customer order
 * identifier), RFC 8921, 9.1.1 and contradictions.md, 21.
 *
 * Customers choose identifiers, so the hash is keyed (SipHash-2-4, Aumasson
 * and Bernstein, 2012).  The table grows by one bucket with each order
 * (linear hashing), so that no insertion has to move all of a million.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fault.h"
#include "order_int.h"

#define BUCKETS_MIN 64
#define KEY_MAX (1 + 2 + CPNP_IDENTITY_MAX + CPNP_ORDER_ID_MAX)

static uint64_t
rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void
sip_rounds(uint64_t v[4], unsigned n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t
little_endian(const uint8_t *bytes, size_t n)
{
	uint64_t word = 0;

	while (n-- > 0)
		word = word << 8 | bytes[n];
	return word;
}

static uint64_t
siphash(const uint64_t key[2], const uint8_t *in, size_t len)
{
	uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575),
	    key[1] ^ UINT64_C(0x646f72616e646f6d),
	    key[0] ^ UINT64_C(0x6c7967656e657261),
	    key[1] ^ UINT64_C(0x7465646279746573)};
	uint64_t word;
	size_t left = len;

	for (; left >= 8; in += 8, left -= 8) {
		word = little_endian(in, 8);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	word = little_endian(in, left) | (uint64_t)len << 56;
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Longer names than the limits are in no order; they hash to something. */
static uint64_t
hash_of(const cpnp_orders *orders, cpnp_role role, cpnp_bytes peer,
    cpnp_bytes id)
{
	uint8_t key[KEY_MAX];
	size_t n = 0;

	if (peer.len > CPNP_IDENTITY_MAX || id.len > CPNP_ORDER_ID_MAX)
		return 0;
	if (CPNP_FAULT(STRANGER))
		peer.len = 0;
	key[n++] = (uint8_t)role;
	key[n++] = (uint8_t)peer.len;
	if (peer.len > 0)
		memcpy(key + n, peer.ptr, peer.len);
	n += peer.len;
	if (id.len > 0)
		memcpy(key + n, id.ptr, id.len);
	n += id.len;
	return siphash(orders->hash_key, key, n);
}

static size_t
bucket_of(const cpnp_orders *orders, uint64_t hash)
{
	size_t i = (size_t)hash & (2 * orders->level - 1);

	return i < orders->buckets_n ? i : i - orders->level;
}

int
cpnp_table_init(cpnp_orders *orders)
{
	const cpnp_mem *mem = &orders->env.mem;

	if (orders->env.random(orders->env.user, (uint8_t *)orders->hash_key,
		sizeof(orders->hash_key)) != 0)
		return CPNP_ERR_RANDOM;
	orders->buckets =
	    mem->alloc(mem->user, BUCKETS_MIN * sizeof(orders->buckets[0]));
	if (orders->buckets == NULL)
		return CPNP_ERR_NOMEM;
	memset(orders->buckets, 0, BUCKETS_MIN * sizeof(orders->buckets[0]));
	orders->buckets_n = orders->buckets_cap = orders->level = BUCKETS_MIN;
	return 0;
}

cpnp_order *
cpnp_table_find(const cpnp_orders *orders, cpnp_role role,
    cpnp_bytes peer_identity, cpnp_bytes customer_id)
{
	uint64_t hash = hash_of(orders, role, peer_identity, customer_id);
	cpnp_order *order = orders->buckets[bucket_of(orders, hash)];

	for (; order != NULL; order = order->hash_next)
		if (order->hash == hash && order->role == role &&
		    cpnp_bytes_equal(order->customer_id, customer_id) &&
		    (CPNP_FAULT(STRANGER) ||
			cpnp_bytes_equal(order->peer_identity, peer_identity)))
			return order;
	return NULL;
}

static int
grow(cpnp_orders *orders, cpnp_order ***array, size_t *cap, size_t need)
{
	const cpnp_mem *mem = &orders->env.mem;
	size_t n = *cap < BUCKETS_MIN ? BUCKETS_MIN : *cap;
	cpnp_order **grown;

	if (need <= *cap)
		return 0;
	while (n < need)
		n *= 2;
	grown = mem->realloc(mem->user, *array, n * sizeof(**array));
	if (grown == NULL)
		return CPNP_ERR_NOMEM;
	*array = grown;
	*cap = n;
	return 0;
}

int
cpnp_table_reserve(cpnp_orders *orders)
{
	int err;

	if (orders->count >= orders->config.orders_max)
		return CPNP_ERR_FULL;
	err = grow(orders, &orders->buckets, &orders->buckets_cap,
	    orders->buckets_n + 1);
	if (err == 0)
		err = grow(orders, &orders->heap, &orders->heap_cap,
		    orders->count + 1);
	return err;
}

/* Add one bucket and move to it what belongs there. */
static void
split_bucket(cpnp_orders *orders)
{
	size_t from = orders->buckets_n - orders->level;
	cpnp_order **link = &orders->buckets[from], *order;
	cpnp_order **target = &orders->buckets[orders->buckets_n];

	*target = NULL;
	orders->buckets_n++;
	while ((order = *link) != NULL) {
		if (bucket_of(orders, order->hash) == from) {
			link = &order->hash_next;
			continue;
		}
		*link = order->hash_next;
		order->hash_next = *target;
		*target = order;
	}
	if (orders->buckets_n == 2 * orders->level)
		orders->level *= 2;
}

/* Documents share their bytes: the newest message is the OFFER for a while. */
static size_t
blobs_size(const struct order_now *now)
{
	const struct cpnp_blob *blobs[ORDER_BLOBS_END];
	size_t n = 0, size = 0;

	for (size_t i = 0; i < ORDER_BLOBS_END; i++) {
		const struct cpnp_blob *blob = now->docs[i];
		size_t j = 0;

		if (blob == NULL)
			continue;
		while (j < n && blobs[j] != blob)
			j++;
		if (j < n)
			continue;
		blobs[n++] = blob;
		size += sizeof(*blob) + blob->len;
	}
	return size;
}

void
cpnp_table_weigh(cpnp_orders *orders, cpnp_order *order)
{
	orders->memory -= order->memory;
	order->memory = sizeof(*order) + order->peer_identity.len +
	    order->customer_id.len + order->identity.len +
	    blobs_size(&order->now);
	orders->memory += order->memory;
}

int
cpnp_table_check_memory(const cpnp_orders *orders)
{
	return orders->config.memory_max != 0 &&
		orders->memory >= orders->config.memory_max
	    ? CPNP_ERR_FULL
	    : 0;
}

void
cpnp_table_insert(cpnp_orders *orders, cpnp_order *order)
{
	cpnp_order **bucket;

	if (orders->count >= orders->buckets_n)
		split_bucket(orders);
	order->hash = hash_of(
	    orders, order->role, order->peer_identity, order->customer_id);
	bucket = &orders->buckets[bucket_of(orders, order->hash)];
	order->hash_next = *bucket;
	*bucket = order;
	orders->count++;
	cpnp_table_weigh(orders, order);
}

void
cpnp_table_remove(cpnp_orders *orders, cpnp_order *order)
{
	cpnp_order **link = &orders->buckets[bucket_of(orders, order->hash)];

	while (*link != order)
		link = &(*link)->hash_next;
	*link = order->hash_next;
	order->hash_next = NULL;
	orders->count--;
	orders->memory -= order->memory;
	order->memory = 0;
	cpnp_timer_remove(orders, order);
}
