/*
 * An order without a state machine, for tests of what stores orders: it is
 * whatever the test says, behind the functions of <cpnp/order.h> that a store
 * calls.  A program that links this must not need the real ones.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_FAKE_ORDER_H
#define TESTS_FAKE_ORDER_H

#include <cpnp/order.h>

struct cpnp_order {
	cpnp_role role;
	char peer[64];
	char customer[64];
	char provider[64]; /* "" while there is none */
	uint8_t transaction[16];
	uint8_t ref[CPNP_SHA256_LEN];
	cpnp_state state;
	cpnp_agreement_state agreement;
	bool settled;
	int64_t service; /* when its service starts or ends; 0: never */
	int64_t validity; /* of its OFFER; 0: it has none */
	char saved[64];
	char docs[CPNP_DOC_END][2048];
	char receipt[64];
	uint8_t statement[CPNP_STATEMENT_PAYLOAD_MAX];
};

/* SHA-256, malloc and random bytes. */
extern const cpnp_env fake_env;

/* An order of a name; serial makes its transaction id. */
void fake_order_init(cpnp_order *order, cpnp_role role, const char *peer,
    const char *customer, unsigned serial);
/* Change its state and make the effect that asks to store it. */
cpnp_effect fake_order_step(
    cpnp_order *order, cpnp_state to, cpnp_event event, uint32_t docs_changed);

#endif
