/*
 * An event in a state: both are made, and what the code does is put into the
 * letters of cpnp-fsm(7).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm.h"

void
must(bool is_true, const char *what)
{
	if (is_true)
		return;
	(void)fprintf(stderr, "fsm: %s\n", what);
	exit(2);
}

/* --- making a state --- */

static bool
is_signing(const struct row *row, const struct column *column)
{
	return column->stage == STAGE_SIGNING || row->how == WITH_PROOF ||
	    row->events[0] == CPNP_EVENT_SIGNED ||
	    row->events[0] == CPNP_EVENT_SIGN_FAILED;
}

static cpnp_offer
decision(const struct peer *p)
{
	return peer_offer(p, PEER_SERVICE_80, 300);
}

/* From now on, without an end. */
static const cpnp_schedule now_on;

static void
cancel_update(struct pair *pair, bool is_answered)
{
	struct peer *p = &pair->client;

	must(cpnp_order_cancel(p->orders, peer_order(p, ORDER_ID), p->now) ==
		0,
	    "no CANCEL of an UPDATE");
	peer_drain(p);
	if (!is_answered)
		return;
	(void)pair_to_server(pair);
	(void)pair_to_client(pair);
}

static void
reach_update(struct pair *pair, enum stage stage)
{
	switch (stage) {
	case STAGE_UPDATE_SENT:
		pair_update(pair, CPNP_STATE_PQO_SENT);
		break;
	case STAGE_UPDATE_DECIDED:
		pair_update(pair, CPNP_STATE_SERVER_PROCESSING);
		break;
	case STAGE_UPDATE_OFFERED:
		pair_update(pair, CPNP_STATE_OFFER_PROCESSING);
		break;
	case STAGE_UPDATE_ACCEPTED:
		pair_update(pair, CPNP_STATE_ACCEPT_SENT);
		break;
	case STAGE_UPDATE_CANCELLED:
	case STAGE_UNDONE:
		pair_update(pair, CPNP_STATE_SERVER_PROCESSING);
		cancel_update(pair, stage == STAGE_UNDONE);
		break;
	case STAGE_PLAIN:
	case STAGE_SETTLED:
	case STAGE_WITHDRAWN:
	case STAGE_ACTIVATING:
	case STAGE_ENDED:
	case STAGE_ACCEPTED:
	case STAGE_SIGNING:
	case STAGE_PAYING:
	case STAGE_BOUND:
		return;
	}
	peer_clear(&pair->client);
	peer_clear(&pair->server);
}

static void
reach_client(struct pair *pair, const struct column *column)
{
	struct peer *p = &pair->client;
	cpnp_msg ack;

	pair_client_to(pair, column->state);
	if (column->stage == STAGE_SETTLED) {
		ack = peer_hand(p, ORDER_ID, CPNP_METHOD_ACK);
		ack.sequence_number--;
		ack.hop_limit--;
		ack.service_description = PEER_SERVICE;
		must(peer_feed_msg(p, &ack) == 0, "the CANCEL has no answer");
	}
	if (column->stage == STAGE_ACTIVATING)
		pair_activate(pair, &now_on, false);
	if (column->stage == STAGE_WITHDRAWN || column->stage == STAGE_ENDED)
		pair_withdraw(pair, column->stage == STAGE_ENDED);
	if (column->stage == STAGE_ACCEPTED) {
		must(cpnp_order_cancel(p->orders, peer_order(p, ORDER_ID),
			 p->now) == 0,
		    "no CANCEL after the ACCEPT");
		peer_drain(p);
	}
	reach_update(pair, column->stage);
	peer_clear(p);
}

static void
reach_server(
    struct pair *pair, const struct row *row, const struct column *column)
{
	struct peer *p = &pair->server;
	cpnp_offer offer;

	pair_server_to(pair, column->state);
	if (column->stage == STAGE_BOUND)
		must(cpnp_order_set_binding(
			 p->orders, peer_order(p, ORDER_ID)) == 0,
		    "nothing binds");
	if (column->stage == STAGE_ENDED)
		pair_withdraw(pair, true);
	if (column->stage == STAGE_ACTIVATING) {
		pair_activate(pair, &now_on, false);
		(void)pair_to_server(pair);
		peer_clear(p);
	}
	reach_update(pair, column->stage);
	if ((column->state != CPNP_STATE_AWAITING_PROCESSING &&
		column->stage != STAGE_UPDATE_DECIDED) ||
	    !is_signing(row, column))
		return;
	offer = decision(p);
	must(cpnp_order_offer(
		 p->orders, peer_order(p, ORDER_ID), &offer, p->now) == 0,
	    "no signature is asked for");
	peer_drain(p);
	peer_clear(p);
}

/* --- making an event --- */

static bool
is_cancelled_update(const struct peer *p)
{
	const cpnp_order *order = peer_order(p, ORDER_ID);

	return cpnp_order_state(order) == CPNP_STATE_CANCELLED &&
	    cpnp_order_transaction(order) == CPNP_METHOD_UPDATE;
}

static int
feed_message(struct peer *p, const struct row *row, cpnp_event event)
{
	cpnp_msg msg = peer_hand(p, ORDER_ID, (cpnp_method)event);

	/* each begins a transaction of its own */
	if (event == CPNP_EVENT_RECV_UPDATE ||
	    event == CPNP_EVENT_RECV_ACTIVATE ||
	    event == CPNP_EVENT_RECV_WITHDRAW)
		msg.transaction_id = CPNP_BYTES_LIT("transaction2");
	if (row->how == OTHER_OFFER || row->how == ACK_REQUESTED)
		msg.service_description = PEER_SERVICE;
	/* an UPDATE is offered what it asks for, when it is offered anything */
	if (row->how == ACK_REQUESTED && is_cancelled_update(p))
		msg.service_description = PEER_SERVICE_60;
	if (row->how == ACK_EMPTY)
		msg.service_description =
		    CPNP_BYTES_LIT("\x82\x19\x03\xe8\x80");
	if (row->how == TOO_LATE)
		p->now.wall.sec += 1000;
	return peer_feed_msg(p, &msg);
}

/* The ACCEPT of a client that signs. */
static int
feed_signed_accept(struct pair *pair)
{
	struct peer *client = &pair->client;
	cpnp_order *order = peer_order(client, ORDER_ID);

	if (order == NULL || cpnp_order_accept(client->orders, order,
				 client->now) != 0)
		return CPNP_ERR_STATE;
	peer_drain(client);
	must(peer_sign(client, client->name) == 0, "no signature");
	must(pair_to_server(pair) == CPNP_METHOD_ACCEPT, "no ACCEPT");
	return 0;
}

static int
command_signed(struct peer *p, cpnp_order *order)
{
	uint8_t store[CPNP_STATEMENT_MAX];
	cpnp_bytes payload = {p->payload, p->payload_len};

	if (payload.len == 0)
		payload = CPNP_BYTES_LIT("\xa0");
	return cpnp_order_signed(p->orders, order,
	    peer_statement(payload, p->name, store), CPNP_BYTES_NONE, p->now);
}

static int
feed_timer(struct peer *p, cpnp_event event)
{
	struct order_step s = {.orders = p->orders,
	    .order = peer_order(p, ORDER_ID),
	    .event = event,
	    .now = p->now};

	return cpnp_step_run(&s);
}

static int
feed_command(struct peer *p, cpnp_event event)
{
	cpnp_order *order = peer_order(p, ORDER_ID);
	cpnp_offer offer = decision(p);

	if (event == CPNP_EVENT_START)
		return cpnp_order_start(p->orders, order, 5, p->now);
	if (event == CPNP_EVENT_ACCEPT)
		return cpnp_order_accept(p->orders, order, p->now);
	if (event == CPNP_EVENT_DECLINE)
		return cpnp_order_decline(p->orders, order, NULL, 0, p->now);
	if (event == CPNP_EVENT_CANCEL)
		return cpnp_order_cancel(p->orders, order, p->now);
	if (event == CPNP_EVENT_WITHDRAW)
		return cpnp_order_withdraw(p->orders, order, p->now);
	if (event == CPNP_EVENT_OFFER)
		return cpnp_order_offer(p->orders, order, &offer, p->now);
	if (event == CPNP_EVENT_REFUSE)
		return cpnp_order_refuse(p->orders, order,
		    CPNP_STATUS_NETWORK_PRESENCE, NULL, 0, p->now);
	if (event == CPNP_EVENT_MORE_TIME)
		return cpnp_order_more_time(p->orders, order,
		    (cpnp_wtime){p->now.wall.sec + 400}, CPNP_SUBCODE_NONE,
		    p->now);
	if (event == CPNP_EVENT_UPDATE)
		return cpnp_order_update(
		    p->orders, order, &(cpnp_update){PEER_UPDATE(p)}, p->now);
	if (event == CPNP_EVENT_ACTIVATE)
		return cpnp_order_activate(p->orders, order, &now_on, p->now);
	if (event == CPNP_EVENT_PAID)
		return cpnp_order_paid(p->orders, order, p->now);
	if (event == CPNP_EVENT_NOT_PAID)
		return cpnp_order_not_paid(p->orders, order,
		    CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, p->now);
	if (event == CPNP_EVENT_GRANT)
		return cpnp_order_grant(p->orders, order, p->now);
	if (event == CPNP_EVENT_SET_ACTIVE ||
	    event == CPNP_EVENT_SET_INACTIVE)
		return cpnp_order_set_active(p->orders, order,
		    event == CPNP_EVENT_SET_ACTIVE, p->now);
	if (event == CPNP_EVENT_SIGNED)
		return command_signed(p, order);
	if (event == CPNP_EVENT_SIGN_FAILED)
		return cpnp_order_sign_failed(p->orders, order, p->now);
	return feed_timer(p, event);
}

static int
feed(struct pair *pair, struct peer *p, const struct row *row,
    cpnp_event event)
{
	int err;

	if (row->how == WITH_PROOF)
		return feed_signed_accept(pair);
	if (row->how != BY_TIMER && row->how != BY_COMMAND)
		return feed_message(p, row, event);
	err = row->how == BY_TIMER ? feed_timer(p, event)
				   : feed_command(p, event);
	peer_drain(p);
	return err;
}

/* --- what came of it --- */

/* One word of an outcome in the letters of cpnp-fsm(7). */
static void
add_word(char cell[CELL_MAX], const char *word)
{
	static const char *const letters[][2] = {{"QUOTATION", "Q"},
	    {"PROCESSING", "P"}, {"OFFER", "O"}, {"ACCEPT", "A"},
	    {"DECLINE", "D"}, {"CANCEL", "C"}, {"ACK", "K"},
	    {"WITHDRAW", "W"}, {"UPDATE", "U"}, {"ACTIVATE", "V"},
	    {"BUSY", "B"}};
	size_t len = strlen(cell), word_len = strlen(word);
	const char *text = word;
	char fail[CELL_MAX];

	if (word[word_len - 1] == '~') {
		text = "~";
	} else if (word[0] == '?') {
		text = "?";
	} else if (strncmp(word, "FAIL", 4) == 0) {
		(void)snprintf(fail, sizeof(fail), "%s%s",
		    word[word_len - 1] == '!' ? "" : "F", word + 4);
		text = fail;
	}
	for (size_t i = 0; i < N(letters); i++)
		if (strcmp(word, letters[i][0]) == 0)
			text = letters[i][1];
	(void)snprintf(
	    cell + len, CELL_MAX - len, "%s%s", len > 0 ? " " : "", text);
}

static void
make_cell(char cell[CELL_MAX], const struct row *row, const char *outcome)
{
	char copy[256], *word, *rest = copy;

	cell[0] = '\0';
	(void)snprintf(copy, sizeof(copy), "%s", outcome);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			/* the status is that of the command */
			add_word(cell,
			    (row->events[0] == CPNP_EVENT_REFUSE ||
				row->events[0] == CPNP_EVENT_NOT_PAID) &&
				    strncmp(word, "FAIL", 4) == 0
				? "FAILn"
				: word);
}

void
run_event(const struct row *row, const struct column *column, enum side side,
    cpnp_edition edition, cpnp_event event, char cell[CELL_MAX],
    char trace[PEER_TRACE_MAX])
{
	struct pair pair;
	bool is_server = side == SERVER || side == CONFIRMER;
	struct peer *p = is_server ? &pair.server : &pair.client;
	int err;

	pair_init(&pair, edition, is_server && is_signing(row, column));
	pair.is_child = side == CHILD;
	if (column->stage == STAGE_PAYING || column->stage == STAGE_BOUND) {
		pair.has_terms = side == SERVER;
		pair.confirms = side == CONFIRMER;
	}
	if (is_server)
		reach_server(&pair, row, column);
	else
		reach_client(&pair, column);
	err = feed(&pair, p, row, event);
	must(!cpnp_error_is_fatal(err), "a fatal error");
	memcpy(trace, p->trace, PEER_TRACE_MAX);
	make_cell(cell, row, peer_outcome(p, err));
	pair_fini(&pair);
}

/* draft-02 has no such command, and no such state. */
static int
first_edition(cpnp_event event, const struct column *column)
{
	return event == CPNP_EVENT_MORE_TIME ||
		event == CPNP_EVENT_ACTIVATE ||
		column->stage == STAGE_ACTIVATING
	    ? CPNP_EDITION_RFC8921
	    : CPNP_EDITION_DRAFT02;
}

static void
run_cell_on(const struct row *row, const struct column *column, enum side side,
    const char *cell)
{
	static char trace[PEER_TRACE_MAX];
	char other[CELL_MAX];

	for (size_t i = 0; i < EVENTS_MAX; i++) {
		if (row->events[i] == CPNP_EVENT_NONE)
			break;
		for (int edition = first_edition(
			 row->events[i], column);
		     edition <= CPNP_EDITION_RFC8921; edition++) {
			if (!cpnp_method_exists((cpnp_edition)edition,
				(int)row->events[i]) &&
			    row->how != BY_TIMER && row->how != BY_COMMAND)
				continue;
			run_event(row, column, side,
			    (cpnp_edition)edition, row->events[i], other,
			    trace);
			if (strcmp(cell, other) == 0)
				continue;
			(void)fprintf(stderr,
			    "fsm: %s, %s in %s: \"%s\", in %s, side %d "
			    "\"%s\"\n",
			    row->name, cpnp_event_name(row->events[i]),
			    cpnp_state_name(column->state), cell,
			    cpnp_edition_name((cpnp_edition)edition),
			    (int)side, other);
			exit(1);
		}
	}
}

void
run_cell(const struct row *row, const struct column *column, enum side side,
    char cell[CELL_MAX])
{
	static char trace[PEER_TRACE_MAX];

	run_event(row, column, side, CPNP_EDITION_RFC8921, row->events[0],
	    cell, trace);
	run_cell_on(row, column, side, cell);
	run_cell_on(row, column, side == CLIENT ? CHILD : CONFIRMER, cell);
}
