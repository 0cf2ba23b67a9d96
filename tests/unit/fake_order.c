/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "fake_order.h"

static void *
mem_alloc(void *user, size_t size)
{
	(void)user;
	return malloc(size);
}

static void *
mem_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return realloc(ptr, size);
}

static void
mem_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

static int
env_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	return RAND_bytes(buf, (int)len) == 1 ? 0 : -1;
}

static int
env_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);

	(void)user;
	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

const cpnp_env fake_env = {
    .mem = {NULL, mem_alloc, mem_realloc, mem_free},
    .random = env_random,
    .sha256 = env_sha256,
};

void
fake_order_init(cpnp_order *order, cpnp_role role, const char *peer,
    const char *customer, unsigned serial)
{
	cpnp_order_opening opening;

	memset(order, 0, sizeof(*order));
	order->role = role;
	(void)snprintf(order->peer, sizeof(order->peer), "%s", peer);
	(void)snprintf(
	    order->customer, sizeof(order->customer), "%s", customer);
	(void)memcpy(order->transaction, &serial, sizeof(serial));
	(void)cpnp_order_get_opening(order, &opening);
	if (cpnp_order_opening_digest(&opening, &fake_env, order->ref) != 0)
		abort();
}

cpnp_effect
fake_order_step(
    cpnp_order *order, cpnp_state to, cpnp_event event, uint32_t docs_changed)
{
	cpnp_effect effect = {.type = CPNP_EFFECT_STORE, .order = order};
	cpnp_statement statement = {
	    .type = CPNP_STATEMENT_STATE,
	    .time = {1700000000 + (int64_t)to},
	    .role = (uint8_t)order->role,
	    .from_state = (uint8_t)order->state,
	    .to_state = (uint8_t)to,
	    .event = (uint8_t)event,
	};
	cpnp_buf buf;

	memcpy(statement.order_ref, order->ref, sizeof(order->ref));
	cpnp_buf_init_fixed(&buf, order->statement, sizeof(order->statement));
	if (cpnp_statement_encode(&statement, &buf) != 0)
		abort();
	effect.u.store.from = order->state;
	effect.u.store.to = to;
	effect.u.store.event = event;
	effect.u.store.time = statement.time;
	effect.u.store.detail = "test";
	effect.u.store.statement = cpnp_buf_bytes(&buf);
	effect.u.store.docs_changed = docs_changed;
	order->state = to;
	return effect;
}

int
cpnp_order_save(const cpnp_order *order, cpnp_buf *buf)
{
	cpnp_buf_put_raw(buf, cpnp_bytes_str(order->saved));
	return buf->err;
}

cpnp_bytes
cpnp_order_doc(const cpnp_order *order, cpnp_doc doc)
{
	return cpnp_bytes_str(order->docs[doc]);
}

cpnp_role
cpnp_order_role(const cpnp_order *order)
{
	return order->role;
}

cpnp_state
cpnp_order_state(const cpnp_order *order)
{
	return order->state;
}

cpnp_agreement_state
cpnp_order_agreement_state(const cpnp_order *order)
{
	return order->agreement;
}

bool
cpnp_order_is_settled(const cpnp_order *order)
{
	return order->settled;
}

bool
cpnp_order_next_service_event(const cpnp_order *order, cpnp_wtime *date)
{
	date->sec = order->service;
	return order->service != 0;
}

void
cpnp_order_wait(const cpnp_order *order, cpnp_wait *wait)
{
	*wait = (cpnp_wait){.has_until = order->validity != 0,
		.until = {order->validity},
		.again = CPNP_NEVER};
}

cpnp_bytes
cpnp_order_peer_identity(const cpnp_order *order)
{
	return cpnp_bytes_str(order->peer);
}

cpnp_bytes
cpnp_order_customer_id(const cpnp_order *order)
{
	return cpnp_bytes_str(order->customer);
}

cpnp_bytes
cpnp_order_provider_id(const cpnp_order *order)
{
	return cpnp_bytes_str(order->provider);
}

const uint8_t *
cpnp_order_ref(const cpnp_order *order)
{
	return order->ref;
}

int
cpnp_order_get_opening(const cpnp_order *order, cpnp_order_opening *opening)
{
	bool is_client = order->role == CPNP_CLIENT;

	opening->client = cpnp_bytes_str(is_client ? "us" : order->peer);
	opening->provider = cpnp_bytes_str(is_client ? order->peer : "us");
	opening->customer_order_id = cpnp_bytes_str(order->customer);
	opening->transaction_id =
	    (cpnp_bytes){order->transaction, sizeof(order->transaction)};
	return 0;
}

int
cpnp_order_get_agreement(const cpnp_order *order, cpnp_agreement *agreement)
{
	static const uint8_t nonce[CPNP_NONCE_MIN] = {1};
	static const uint8_t service[] = {0x82, 0x00, 0xa0};
	cpnp_order_opening opening;

	if (order->docs[CPNP_DOC_OFFER][0] == '\0')
		return CPNP_ERR_STATE;
	(void)cpnp_order_get_opening(order, &opening);
	*agreement = (cpnp_agreement){
	    .client = opening.client,
	    .provider = opening.provider,
	    .customer_order_id = opening.customer_order_id,
	    .provider_order_id = cpnp_bytes_str(order->provider),
	    .transaction_id = opening.transaction_id,
	    .nonce = {nonce, sizeof(nonce)},
	    .service_description = {service, sizeof(service)},
	    .validity = {1800000000},
	};
	return 0;
}

cpnp_bytes
cpnp_order_receipt(const cpnp_order *order)
{
	return cpnp_bytes_str(order->receipt);
}
