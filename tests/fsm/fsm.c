/*
 * The state machines as they are: drives the real code through every event in
 * every state and prints what it does, as the tables of cpnp-fsm(7) or as a
 * drawing for dot(1).
 *
 * Usage: fsm client|server|client-update|server-update|dot
 *
 * The two editions must do the same in every cell, and a child what every
 * other client does.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm.h"

#define E(name) CPNP_EVENT_##name

static const struct column client_columns[] = {
    {"CR", CPNP_STATE_CREATED, STAGE_PLAIN},
    {"PS", CPNP_STATE_PQO_SENT, STAGE_PLAIN},
    {"SP", CPNP_STATE_SERVER_PROCESSING, STAGE_PLAIN},
    {"OP", CPNP_STATE_OFFER_PROCESSING, STAGE_PLAIN},
    {"AS", CPNP_STATE_ACCEPT_SENT, STAGE_PLAIN},
    {"CO", CPNP_STATE_COMPLETED, STAGE_PLAIN},
    {"CA", CPNP_STATE_CANCELLED, STAGE_PLAIN},
    {"CS", CPNP_STATE_CANCELLED, STAGE_SETTLED},
    {"CW", CPNP_STATE_COMPLETED, STAGE_WITHDRAWN},
    {"CE", CPNP_STATE_COMPLETED, STAGE_ENDED},
    {"CV", CPNP_STATE_COMPLETED, STAGE_ACTIVATING},
    {"CP", CPNP_STATE_ACCEPT_SENT, STAGE_ACCEPTED},
};

static const struct column client_update_columns[] = {
    {"US", CPNP_STATE_COMPLETED, STAGE_UPDATE_SENT},
    {"UP", CPNP_STATE_COMPLETED, STAGE_UPDATE_DECIDED},
    {"UO", CPNP_STATE_COMPLETED, STAGE_UPDATE_OFFERED},
    {"UA", CPNP_STATE_COMPLETED, STAGE_UPDATE_ACCEPTED},
    {"UC", CPNP_STATE_COMPLETED, STAGE_UPDATE_CANCELLED},
    {"UN", CPNP_STATE_COMPLETED, STAGE_UNDONE},
};

static const struct row client_rows[] = {
    {"PROCESSING", BY_MESSAGE, {E(RECV_PROCESSING)}},
    {"OFFER", OTHER_OFFER, {E(RECV_OFFER)}},
    {"the same OFFER", BY_MESSAGE, {E(RECV_OFFER)}},
    {"ACK, offered CPD", BY_MESSAGE, {E(RECV_ACK)}},
    {"ACK, requested CPD", ACK_REQUESTED, {E(RECV_ACK)}},
    {"ACK, empty CPD", ACK_EMPTY, {E(RECV_ACK)}},
    {"FAIL", BY_MESSAGE, {E(RECV_FAIL)}},
    {"RETRANS_TIMER", BY_TIMER, {E(RETRANS)}},
    {"response time passed", BY_TIMER, {E(RESPONSE_EXPIRED)}},
    {"offer time passed", BY_TIMER, {E(OFFER_EXPIRED)}},
    {"validity ended", BY_TIMER, {E(VALIDITY_EXPIRED)}},
    {"window closed", BY_TIMER, {E(LINGER_EXPIRED)}},
    {"start", BY_COMMAND, {E(START)}},
    {"accept", BY_COMMAND, {E(ACCEPT)}},
    {"decline", BY_COMMAND, {E(DECLINE)}},
    {"cancel", BY_COMMAND, {E(CANCEL)}},
    {"withdraw", BY_COMMAND, {E(WITHDRAW)}},
    {"update", BY_COMMAND, {E(UPDATE)}},
    {"activate", BY_COMMAND, {E(ACTIVATE)}},
};

static const struct column server_columns[] = {
    {"AW", CPNP_STATE_AWAITING_PROCESSING, STAGE_PLAIN},
    {"OF", CPNP_STATE_OFFER_PROPOSED, STAGE_PLAIN},
    {"PC", CPNP_STATE_PROCESSING_RECEIVED, STAGE_PLAIN},
    {"AR", CPNP_STATE_ACCEPT_RECEIVED, STAGE_SIGNING},
    {"AP", CPNP_STATE_ACCEPT_RECEIVED, STAGE_PAYING},
    {"AB", CPNP_STATE_ACCEPT_RECEIVED, STAGE_BOUND},
    {"CO", CPNP_STATE_COMPLETED, STAGE_PLAIN},
    {"CA", CPNP_STATE_CANCELLED, STAGE_PLAIN},
    {"EN", CPNP_STATE_COMPLETED, STAGE_ENDED},
    {"CV", CPNP_STATE_COMPLETED, STAGE_ACTIVATING},
};

static const struct column server_update_columns[] = {
    {"UW", CPNP_STATE_COMPLETED, STAGE_UPDATE_DECIDED},
    {"UR", CPNP_STATE_COMPLETED, STAGE_UPDATE_OFFERED},
    {"UN", CPNP_STATE_COMPLETED, STAGE_UNDONE},
};

static const struct row server_rows[] = {
    {"another QUOTATION", BY_MESSAGE, {E(RECV_QUOTATION)}},
    {"PROCESSING", BY_MESSAGE, {E(RECV_PROCESSING)}},
    {"ACCEPT", BY_MESSAGE, {E(RECV_ACCEPT)}},
    {"ACCEPT, too late", TOO_LATE, {E(RECV_ACCEPT)}},
    {"DECLINE", BY_MESSAGE, {E(RECV_DECLINE)}},
    {"CANCEL", BY_MESSAGE, {E(RECV_CANCEL)}},
    {"ACK, FAIL", BY_MESSAGE, {E(RECV_ACK), E(RECV_FAIL)}},
    {"WITHDRAW", BY_MESSAGE, {E(RECV_WITHDRAW)}},
    {"UPDATE", BY_MESSAGE, {E(RECV_UPDATE)}},
    {"ACTIVATE", BY_MESSAGE, {E(RECV_ACTIVATE)}},
    {"RETRANS_TIMER", BY_TIMER, {E(RETRANS)}},
    {"offer time passed", BY_TIMER, {E(OFFER_EXPIRED)}},
    {"validity ended", BY_TIMER, {E(VALIDITY_EXPIRED)}},
    {"window closed", BY_TIMER, {E(LINGER_EXPIRED)}},
    {"offer", BY_COMMAND, {E(OFFER)}},
    {"refuse", BY_COMMAND, {E(REFUSE)}},
    {"more time", BY_COMMAND, {E(MORE_TIME)}},
    {"paid", BY_COMMAND, {E(PAID)}},
    {"not paid", BY_COMMAND, {E(NOT_PAID)}},
    {"grant", BY_COMMAND, {E(GRANT)}},
    {"service runs", BY_COMMAND, {E(SET_ACTIVE)}},
    {"service runs no more", BY_COMMAND, {E(SET_INACTIVE)}},
    {"service begins, ends", BY_TIMER, {E(SERVICE_START), E(SERVICE_END)}},
    {"signed", BY_COMMAND, {E(SIGNED)}},
    {"not signed", BY_COMMAND, {E(SIGN_FAILED)}},
    {"ACCEPT with statement", WITH_PROOF, {E(RECV_ACCEPT)}},
};

static const struct table tables[] = {
    {"client", CLIENT, client_rows, N(client_rows), client_columns,
	N(client_columns)},
    {"client-update", CLIENT, client_rows, N(client_rows),
	client_update_columns, N(client_update_columns)},
    {"server", SERVER, server_rows, N(server_rows), server_columns,
	N(server_columns)},
    {"server-update", SERVER, server_rows, N(server_rows),
	server_update_columns, N(server_update_columns)},
};

static void
print_table(const struct table *table)
{
	char cell[CELL_MAX];

	(void)printf("event");
	for (size_t j = 0; j < table->columns_n; j++)
		if (table->columns[j].name != NULL)
			(void)printf("|%s", table->columns[j].name);
	(void)printf("\n_\n");
	for (size_t i = 0; i < table->rows_n; i++) {
		if (table->rows[i].how == WITH_PROOF)
			continue;
		(void)printf("%s", table->rows[i].name);
		for (size_t j = 0; j < table->columns_n; j++) {
			if (table->columns[j].name == NULL)
				continue;
			run_cell(&table->rows[i], &table->columns[j],
			    table->side, cell);
			/* tbl(7) takes a lone "=" for a line */
			(void)printf("|%s%s",
			    strcmp(cell, "=") == 0 ? "\\&" : "", cell);
		}
		(void)printf("\n");
	}
}

static bool
has_row(const struct table *table, cpnp_event event)
{
	for (size_t i = 0; i < table->rows_n; i++)
		for (size_t j = 0; j < EVENTS_MAX; j++)
			if (table->rows[i].events[j] == event)
				return true;
	return false;
}

static bool
has_event(cpnp_event event)
{
	for (size_t i = 0; i < N(tables); i++)
		if (has_row(&tables[i], event))
			return true;
	return false;
}

/* An event that is new is in a table, or nothing is published. */
static void
check_events(void)
{
	static const cpnp_event events[] = {
#define X(NAME, value, text) CPNP_EVENT_##NAME,
	    CPNP_EVENT_MAP(X)
#undef X
	};

	for (size_t i = 0; i < N(events); i++) {
		if (events[i] == CPNP_EVENT_CREATE || /* in no state */
		    has_event(events[i]))
			continue;
		(void)fprintf(stderr, "fsm: no table has the event \"%s\"\n",
		    cpnp_event_name(events[i]));
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	check_events();

	for (size_t i = 0; i < N(tables); i++)
		if (strcmp(what, tables[i].name) == 0) {
			print_table(&tables[i]);
			return 0;
		}
	if (strcmp(what, "dot") == 0) {
		print_dot(tables, N(tables));
		return 0;
	}
	(void)fprintf(stderr,
	    "usage: fsm client|server|client-update|server-update|dot\n");
	return 2;
}
