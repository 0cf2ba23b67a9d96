/*
 * The state machines as they are: drives the real code through every event in
 * every state and prints what it does, as the tables of cpnp-fsm(7) or as a
 * drawing for dot(1).
 *
 * Usage: fsm client|server|dot
 *
 * The two editions must do the same in every cell.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/core/order_int.h"
#include "../peer/peer.h"

#define ORDER_ID "o1"
#define CELL_MAX 64
#define EVENTS_MAX 3
#define EDGES_MAX 128
#define LABEL_MAX 512
#define N(array) (sizeof(array) / sizeof((array)[0]))

/* How an event is made. */
enum how {
	BY_MESSAGE,  /* a message of that method, right in every field */
	OTHER_OFFER, /* an OFFER of another service */
	ACK_REQUESTED,
	ACK_EMPTY,
	TOO_LATE,   /* when the validity has ended */
	WITH_PROOF, /* an ACCEPT with a statement; only drawn */
	BY_TIMER,
	BY_COMMAND
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
	STAGE_ACCEPTED, /* client: cancelled after the ACCEPT; only drawn */
	STAGE_SIGNING
};

struct column {
	const char *name;
	cpnp_state state;
	enum stage stage;
};

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
    {NULL, CPNP_STATE_ACCEPT_SENT, STAGE_ACCEPTED},
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
};

static const struct column server_columns[] = {
    {"AW", CPNP_STATE_AWAITING_PROCESSING, STAGE_PLAIN},
    {"OF", CPNP_STATE_OFFER_PROPOSED, STAGE_PLAIN},
    {"PC", CPNP_STATE_PROCESSING_RECEIVED, STAGE_PLAIN},
    {"AR", CPNP_STATE_ACCEPT_RECEIVED, STAGE_SIGNING},
    {"CO", CPNP_STATE_COMPLETED, STAGE_PLAIN},
    {"CA", CPNP_STATE_CANCELLED, STAGE_PLAIN},
};

static const struct row server_rows[] = {
    {"another QUOTATION", BY_MESSAGE, {E(RECV_QUOTATION)}},
    {"PROCESSING", BY_MESSAGE, {E(RECV_PROCESSING)}},
    {"ACCEPT", BY_MESSAGE, {E(RECV_ACCEPT)}},
    {"ACCEPT, too late", TOO_LATE, {E(RECV_ACCEPT)}},
    {"DECLINE", BY_MESSAGE, {E(RECV_DECLINE)}},
    {"CANCEL", BY_MESSAGE, {E(RECV_CANCEL)}},
    {"ACK, FAIL", BY_MESSAGE, {E(RECV_ACK), E(RECV_FAIL)}},
    {"on the agreement", BY_MESSAGE,
	{E(RECV_WITHDRAW), E(RECV_UPDATE), E(RECV_ACTIVATE)}},
    {"RETRANS_TIMER", BY_TIMER, {E(RETRANS)}},
    {"offer time passed", BY_TIMER, {E(OFFER_EXPIRED)}},
    {"validity ended", BY_TIMER, {E(VALIDITY_EXPIRED)}},
    {"window closed", BY_TIMER, {E(LINGER_EXPIRED)}},
    {"offer", BY_COMMAND, {E(OFFER)}},
    {"refuse", BY_COMMAND, {E(REFUSE)}},
    {"signed", BY_COMMAND, {E(SIGNED)}},
    {"not signed", BY_COMMAND, {E(SIGN_FAILED)}},
};

static const struct row signed_accept = {
    "ACCEPT with statement", WITH_PROOF, {E(RECV_ACCEPT)}};

static void
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
	if (column->stage == STAGE_ACCEPTED) {
		must(cpnp_order_cancel(p->orders, peer_order(p, ORDER_ID),
			 p->now) == 0,
		    "no CANCEL after the ACCEPT");
		peer_drain(p);
	}
	peer_clear(p);
}

static void
reach_server(
    struct pair *pair, const struct row *row, const struct column *column)
{
	struct peer *p = &pair->server;
	cpnp_offer offer;

	pair_server_to(pair, column->state);
	if (column->state != CPNP_STATE_AWAITING_PROCESSING ||
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

static int
feed_message(struct peer *p, const struct row *row, cpnp_event event)
{
	cpnp_msg msg = peer_hand(p, ORDER_ID, (cpnp_method)event);

	if (row->how == OTHER_OFFER || row->how == ACK_REQUESTED)
		msg.service_description = PEER_SERVICE;
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
	if (event == CPNP_EVENT_OFFER)
		return cpnp_order_offer(p->orders, order, &offer, p->now);
	if (event == CPNP_EVENT_REFUSE)
		return cpnp_order_refuse(p->orders, order,
		    CPNP_STATUS_NETWORK_PRESENCE, NULL, 0, p->now);
	if (event == CPNP_EVENT_SIGNED)
		return command_signed(p, order);
	must(event == CPNP_EVENT_SIGN_FAILED, "an unknown command");
	return cpnp_order_sign_failed(p->orders, order, p->now);
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
	    {"DECLINE", "D"}, {"CANCEL", "C"}, {"ACK", "K"}};
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
			    row->events[0] == CPNP_EVENT_REFUSE &&
				    strncmp(word, "FAIL", 4) == 0
				? "FAILn"
				: word);
}

/* Runs one event in one state; cell and trace say what it did. */
static void
run_event(const struct row *row, const struct column *column, bool is_server,
    cpnp_edition edition, cpnp_event event, char cell[CELL_MAX],
    char trace[PEER_TRACE_MAX])
{
	struct pair pair;
	struct peer *p = is_server ? &pair.server : &pair.client;
	int err;

	pair_init(&pair, edition, is_server && is_signing(row, column));
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

static void
run_cell(const struct row *row, const struct column *column, bool is_server,
    char cell[CELL_MAX], char trace[PEER_TRACE_MAX])
{
	static char unused[PEER_TRACE_MAX];
	char other[CELL_MAX];

	run_event(row, column, is_server, CPNP_EDITION_RFC8921,
	    row->events[0], cell, trace);
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		if (row->events[i] == CPNP_EVENT_NONE)
			break;
		for (int edition = CPNP_EDITION_DRAFT02;
		     edition <= CPNP_EDITION_RFC8921; edition++) {
			if (!cpnp_method_exists((cpnp_edition)edition,
				(int)row->events[i]) &&
			    row->how != BY_TIMER && row->how != BY_COMMAND)
				continue;
			run_event(row, column, is_server,
			    (cpnp_edition)edition, row->events[i], other,
			    unused);
			if (strcmp(cell, other) == 0)
				continue;
			(void)fprintf(stderr,
			    "fsm: %s, %s in %s: \"%s\", in %s \"%s\"\n",
			    row->name, cpnp_event_name(row->events[i]),
			    cpnp_state_name(column->state), cell,
			    cpnp_edition_name((cpnp_edition)edition), other);
			exit(1);
		}
	}
}

/* --- the tables --- */

static void
print_table(bool is_server)
{
	const struct column *columns =
	    is_server ? server_columns : client_columns;
	const struct row *rows = is_server ? server_rows : client_rows;
	size_t rows_n = is_server ? N(server_rows) : N(client_rows);
	size_t columns_n = is_server ? N(server_columns) : N(client_columns);
	static char trace[PEER_TRACE_MAX];
	char cell[CELL_MAX];

	(void)printf("event");
	for (size_t j = 0; j < columns_n && columns[j].name != NULL; j++)
		(void)printf("|%s", columns[j].name);
	(void)printf("\n_\n");
	for (size_t i = 0; i < rows_n; i++) {
		(void)printf("%s", rows[i].name);
		for (size_t j = 0; j < columns_n && columns[j].name != NULL;
		     j++) {
			run_cell(
			    &rows[i], &columns[j], is_server, cell, trace);
			/* tbl(7) takes a lone "=" for a line */
			(void)printf("|%s%s",
			    strcmp(cell, "=") == 0 ? "\\&" : "", cell);
		}
		(void)printf("\n");
	}
}

/* --- the drawing --- */

struct edge {
	char from[32];
	char to[32];
	char label[LABEL_MAX];
};

struct drawing {
	struct edge edges[EDGES_MAX];
	size_t n;
};

/* The lines of a label are separated as dot(1) wants them. */
static bool
has_line(const char *label, const char *line)
{
	size_t len = strlen(line);
	const char *end;

	for (; label != NULL; label = end != NULL ? end + 2 : NULL) {
		end = strstr(label, "\\n");
		if (strncmp(label, line, len) == 0 &&
		    (end != NULL ? end == label + len : label[len] == '\0'))
			return true;
	}
	return false;
}

static void
add_edge(struct drawing *d, const char *from, const char *to,
    const char *label)
{
	struct edge *edge;
	size_t len;

	for (edge = d->edges; edge < d->edges + d->n; edge++)
		if (strcmp(edge->from, from) == 0 &&
		    strcmp(edge->to, to) == 0)
			break;
	len = strlen(edge->label);
	if (has_line(edge->label, label))
		return;
	if (edge == d->edges + d->n) {
		must(d->n < EDGES_MAX, "too many edges");
		d->n++;
		(void)snprintf(edge->from, sizeof(edge->from), "%s", from);
		(void)snprintf(edge->to, sizeof(edge->to), "%s", to);
	}
	(void)snprintf(edge->label + len, LABEL_MAX - len, "%s%s",
	    len > 0 ? "\\n" : "", label);
}

/* The messages in a trace; is_any_fail: the status is that of a command. */
static void
add_messages(char *label, size_t size, const char *trace, bool is_any_fail)
{
	char copy[PEER_TRACE_MAX], *word, *rest = copy;
	size_t len;

	(void)snprintf(copy, sizeof(copy), "%s", trace);
	while ((word = strsep(&rest, ";")) != NULL) {
		if (*word < 'A' || *word > 'Z' || strstr(word, "->") != NULL)
			continue;
		len = strlen(label);
		(void)snprintf(label + len, size - len, " / %s",
		    is_any_fail ? "FAIL" : word);
	}
}

/* An edge for each change of state; what is sent stands at the last one. */
static void
draw_trace(struct drawing *d, const char *event, const char *trace)
{
	char label[LABEL_MAX], copy[PEER_TRACE_MAX], *word, *arrow;
	char *rest = copy;

	(void)snprintf(copy, sizeof(copy), "%s", trace);
	while ((word = strsep(&rest, ";")) != NULL) {
		arrow = strstr(word, "->");
		if (arrow == NULL)
			continue;
		*arrow = '\0';
		(void)snprintf(label, sizeof(label), "%s", event);
		if (rest != NULL && strstr(rest, "->") == NULL)
			add_messages(label, sizeof(label), rest,
			    strcmp(event, "refuse") == 0);
		arrow[2 + strcspn(arrow + 2, "(")] = '\0';
		add_edge(d, word, arrow + 2, label);
	}
}

static void
draw_row(struct drawing *d, const struct row *row, bool is_server)
{
	const struct column *columns =
	    is_server ? server_columns : client_columns;
	size_t columns_n = is_server ? N(server_columns) : N(client_columns);
	static char trace[PEER_TRACE_MAX];
	char cell[CELL_MAX];

	for (size_t j = 0; j < columns_n; j++) {
		run_event(row, &columns[j], is_server, CPNP_EDITION_RFC8921,
		    row->events[0], cell, trace);
		draw_trace(d, row->name, trace);
	}
}

/* The events that make an order. */
static void
draw_begin(struct drawing *d, bool is_server)
{
	struct pair pair;
	cpnp_quotation q;
	cpnp_order *order;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(&pair.client, ORDER_ID);
	must(cpnp_orders_create(
		 pair.client.orders, &q, &order, pair.client.now) == 0,
	    "no order");
	peer_drain(&pair.client);
	if (!is_server)
		draw_trace(d, "create", pair.client.trace);
	must(cpnp_order_start(pair.client.orders, order, pair.client.handle,
		 pair.client.now) == 0,
	    "no start");
	peer_drain(&pair.client);
	(void)pair_to_server(&pair);
	if (is_server)
		draw_trace(d, "QUOTATION", pair.server.trace);
	pair_fini(&pair);
}

static bool
is_known(const struct drawing *d, size_t n, const char *state)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(d->edges[i].to, state) == 0)
			return true;
	return false;
}

static void
print_drawing(const struct drawing *d, const char *role)
{
	(void)printf("\tsubgraph cluster_%s {\n\t\tlabel = \"%s\";\n", role,
	    role);
	for (size_t i = 0; i < d->n; i++)
		if (!is_known(d, i, d->edges[i].to))
			(void)printf("\t\t\"%s %s\" [label = \"%s\"];\n",
			    role, d->edges[i].to, d->edges[i].to);
	(void)printf("\t\t\"%s none\" [shape = point];\n", role);
	for (size_t i = 0; i < d->n; i++)
		(void)printf("\t\t\"%s %s\" -> \"%s %s\"\n"
			     "\t\t    [label = \"%s\"];\n",
		    role, d->edges[i].from, role, d->edges[i].to,
		    d->edges[i].label);
	(void)printf("\t}\n");
}

/* A state that is new is in the drawing. */
static void
check_states(const struct drawing *client, const struct drawing *server)
{
	static const char *const states[] = {
#define X(NAME, value, text) text,
	    CPNP_STATE_MAP(X)
#undef X
	};

	for (size_t i = 0; i < N(states); i++) {
		if (is_known(client, client->n, states[i]) ||
		    is_known(server, server->n, states[i]))
			continue;
		(void)fprintf(
		    stderr, "fsm: nothing leads to %s\n", states[i]);
		exit(1);
	}
}

static void
print_dot(void)
{
	static struct drawing client, server;

	draw_begin(&client, false);
	for (size_t i = 0; i < N(client_rows); i++)
		draw_row(&client, &client_rows[i], false);
	draw_begin(&server, true);
	for (size_t i = 0; i < N(server_rows); i++)
		draw_row(&server, &server_rows[i], true);
	draw_row(&server, &signed_accept, true);
	check_states(&client, &server);
	(void)printf("// The states of an order, made from the code: see "
		     "cpnp-fsm(7).\n"
		     "// An edge says: event / messages that are sent.\n"
		     "// SPDX-License-Identifier: BSD-2-Clause\n"
		     "digraph cpnp_fsm {\n\tnode [shape = box];\n");
	print_drawing(&client, "client");
	print_drawing(&server, "server");
	(void)printf("}\n");
}

static bool
has_event(const struct row *rows, size_t n, cpnp_event event)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < EVENTS_MAX; j++)
			if (rows[i].events[j] == event)
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
		    has_event(client_rows, N(client_rows), events[i]) ||
		    has_event(server_rows, N(server_rows), events[i]))
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

	if (strcmp(what, "client") == 0 || strcmp(what, "server") == 0) {
		print_table(what[0] == 's');
	} else if (strcmp(what, "dot") == 0) {
		print_dot();
	} else {
		(void)fprintf(stderr, "usage: fsm client|server|dot\n");
		return 2;
	}
	return 0;
}
