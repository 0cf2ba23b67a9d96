/*
 * The state machines as they are published.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_FSM_H
#define TESTS_FSM_H

#include "../../lib/core/order_int.h"
#include "../peer/peer.h"

#define ORDER_ID "o1"
#define CELL_MAX 64
#define EVENTS_MAX 3
#define N(array) (sizeof(array) / sizeof((array)[0]))

/* How an event is made. */
enum how {
	BY_MESSAGE,  /* a message of that method, right in every field */
	OTHER_OFFER, /* an OFFER of another service */
	ACK_REQUESTED,
	ACK_EMPTY,
	TOO_LATE,   /* when the validity has ended */
	WITH_PROOF, /* an ACCEPT with a statement */
	BY_TIMER,
	BY_COMMAND
};

/* Whose table it is; the second of each pair does the same as the first. */
enum side {
	CLIENT,
	CHILD, /* the client of a child order */
	SERVER,
	CONFIRMER /* a server whose payment is a confirmation */
};

struct row {
	const char *name;
	enum how how;
	cpnp_event events[EVENTS_MAX]; /* which all do the same */
};

/* How the state of a column is reached. */
enum stage {
	STAGE_PLAIN,
	STAGE_SETTLED,  /* client: the CANCEL is answered */
	STAGE_WITHDRAWN, /* client: and it has sent a WITHDRAW */
	STAGE_ACTIVATING, /* an ACTIVATE has no answer */
	STAGE_ENDED,     /* and the WITHDRAW has its ACK */
	STAGE_ACCEPTED, /* client: cancelled after the ACCEPT */
	STAGE_SIGNING,
	STAGE_PAYING, /* server: the payment is awaited */
	STAGE_BOUND,  /* ... and can be taken back no more */
	/* of an UPDATE, from Completed on */
	STAGE_UPDATE_SENT,
	STAGE_UPDATE_DECIDED, /* it is to be */
	STAGE_UPDATE_OFFERED,
	STAGE_UPDATE_ACCEPTED,
	STAGE_UPDATE_CANCELLED, /* the CANCEL has no answer */
	STAGE_UNDONE
};

struct column {
	const char *name;
	cpnp_state state;
	enum stage stage;
};

/* Tables of cpnp-fsm(7); a column without a name and a row WITH_PROOF are
 * only drawn. */
struct table {
	const char *name;
	enum side side;
	const struct row *rows;
	size_t rows_n;
	const struct column *columns;
	size_t columns_n;
};

/* --- drive.c --- */

/* What is no result but keeps the program from having one ends it. */
void must(bool is_true, const char *what);
/* Run one event in one state, in an edition; cell and trace say what it did. */
void run_event(const struct row *row, const struct column *column,
    enum side side, cpnp_edition edition, cpnp_event event,
    char cell[CELL_MAX], char trace[PEER_TRACE_MAX]);
/* Run all events of a row in one state, in both editions, on that side and on
 * the one that does the same. */
void run_cell(const struct row *row, const struct column *column,
    enum side side, char cell[CELL_MAX]);

/* --- draw.c --- */

/* All tables of a role are in one drawing. */
void print_dot(const struct table *tables, size_t tables_n);

#endif
