/*
 * A simulated world of two sides: one clock, a link that loses, duplicates,
 * delays and reorders, and sides that crash and whose wall clock is set.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "../peer/peer.h"

#define ORDERS_MAX 8
#define NUMBERS_MAX 64
/* On one agreement, before it is withdrawn in the end; fewer than are
 * remembered (order_int.h). */
#define TRANSACTIONS_MAX 6

enum todo_kind {
	TODO_ARRIVE,  /* a datagram comes to side */
	TODO_COMMIT,  /* the first batch of side is durable, or fails */
	TODO_DECIDE,  /* the application of side does something ... */
	TODO_ANSWER,
	TODO_SIGN,
	TODO_PAY,
	TODO_START,
	TODO_CANCEL,
	TODO_NEXT, /* ... begins a transaction on the agreement */
	TODO_LEDGER, /* the ledger says what became of a payment */
	TODO_CRASH
};

struct side;

struct todo {
	cpnp_tstamp at;
	uint64_t order; /* among equal moments */
	enum todo_kind kind;
	struct side *side;
	unsigned epoch; /* of side; what a crash makes void */
	unsigned id;    /* of the order, from 0 */
	uint8_t *bytes;
	size_t len;
	bool receipt;
};

/* What a side wrote and did not send yet, in order. */
struct waiting {
	struct waiting *next;
	struct peer_update *update; /* a STORE, or ... */
	struct todo todo;           /* ... what waits for it */
	bool is_asked; /* the application is, to sign or to pay */
};

/* The payment for one OFFER; the ledger knows no crash.  What is given to it
 * cannot be taken back. */
#define PAYMENTS_MAX (ORDERS_MAX * (TRANSACTIONS_MAX + 2))
#define PAYMENT_LEN 17 /* a byte string: the NONCE */

struct payment {
	uint8_t item[PAYMENT_LEN];
	enum { PAYMENT_NEW, PAYMENT_GIVEN, PAYMENT_POSTED, PAYMENT_REFUSED }
	    state;
	bool is_agreed; /* the agreement that it is for has come about */
};

/* What went over the wire in one direction for one order. */
struct wire {
	uint32_t numbers[NUMBERS_MAX];
	uint64_t hashes[NUMBERS_MAX];
	size_t n;
	uint32_t last;
	/* the transactions, newest last */
	uint8_t ids[TRANSACTIONS_MAX + 2][CPNP_TRANSACTION_ID_MAX];
	size_t ids_len[TRANSACTIONS_MAX + 2];
	size_t ids_n;
	char provider_id[CPNP_ORDER_ID_MAX + 1];
	bool is_acked; /* an ACK of an ACCEPT or ACTIVATE was sent */
};

struct side {
	struct world *world;
	struct peer peer;
	struct side *other;
	struct waiting *first, **last;
	bool is_committing;
	unsigned epoch;
	int64_t skew; /* of its wall clock, in seconds */
	struct wire wires[ORDERS_MAX];
	unsigned begun[ORDERS_MAX]; /* transactions on the agreement */
	struct payment *paying[ORDERS_MAX]; /* asked for last */
};

struct world {
	struct peer_env dice;
	cpnp_tstamp now;
	struct todo *todos;
	size_t todos_n;
	size_t todos_cap;
	uint64_t todos_made;
	struct side client;
	struct side server;
	cpnp_edition edition;
	bool exact;    /* offers are what was asked for */
	unsigned terms; /* per cent of offers that are to be paid for */
	struct payment payments[PAYMENTS_MAX];
	size_t payments_n;
	unsigned orders_n;
	unsigned loss; /* per cent */
	unsigned twice;
	unsigned crash; /* per thousand events */
	unsigned commit_fails;
	unsigned clock_steps; /* per thousand events */
	cpnp_tstamp delay_max;
	bool is_calm; /* nothing is lost any more */
	uint64_t events;
	uint64_t crashes;
	uint64_t completed;
	uint64_t withdrawn;
	uint64_t updates;     /* asked for, ... */
	uint64_t updated;     /* ... and agreed */
	uint64_t activations; /* asked for, ... */
	uint64_t activated;   /* ... and granted */
	const char *broken; /* the first thing that must not be */
};

/* A number from 0 to n - 1. */
unsigned sim_dice(struct world *world, unsigned n);
bool sim_chance(struct world *world, unsigned percent);
void sim_break(struct world *world, const char *what);
/* Do something after a delay. */
void sim_later(struct world *world, struct todo todo, cpnp_tstamp delay);
/* Send over the link. */
void sim_send(struct side *from, const uint8_t *bytes, size_t len);

void side_init(struct side *side, struct world *world, struct side *other,
    const char *name, const char *other_name, bool sign);
void side_fini(struct side *side);
cpnp_now side_now(const struct side *side);
void side_do(struct side *side, struct todo *todo);
void side_run_timer(struct side *side);
void side_create(struct side *side, unsigned id);
void side_crash(struct side *side);
/* What is agreed is withdrawn. */
void side_withdraw(struct side *side, unsigned id);
/* What is given to the ledger is for an agreement, or was refused. */
void side_check_payments(struct world *world);
/* The wall clock is set to another time. */
void side_step_clock(struct side *side);
/* The order in memory, read back when it has to be; NULL: there is none. */
cpnp_order *side_get(struct side *side, unsigned id);

#endif
