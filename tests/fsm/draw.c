/*
 * The drawing: an edge for each change of state.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm.h"

#define EDGES_MAX 128
#define LABEL_MAX 512
#define SIDES (SERVER + 1)

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
	must(len + strlen(label) + 2 < LABEL_MAX, "a label is too long");
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
			    strcmp(event, "refuse") == 0 ||
				strcmp(event, "not paid") == 0);
		arrow[2 + strcspn(arrow + 2, "(")] = '\0';
		add_edge(d, word, arrow + 2, label);
	}
}

/* The events that make an order. */
static void
draw_begin(struct drawing *d, enum side side)
{
	struct pair pair;
	cpnp_quotation q;
	cpnp_order *order;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(&pair.client, ORDER_ID);
	q.is_child = side == CHILD;
	must(cpnp_orders_create(
		 pair.client.orders, &q, &order, pair.client.now) == 0,
	    "no order");
	peer_drain(&pair.client);
	if (side != SERVER)
		draw_trace(d, "create", pair.client.trace);
	must(cpnp_order_start(pair.client.orders, order, pair.client.handle,
		 pair.client.now) == 0,
	    "no start");
	peer_drain(&pair.client);
	(void)pair_to_server(&pair);
	if (side == SERVER)
		draw_trace(d, "QUOTATION", pair.server.trace);
	pair_fini(&pair);
}

static void
draw_table(
    struct drawing *d, const struct table *table, enum side side)
{
	static char trace[PEER_TRACE_MAX];
	char cell[CELL_MAX];

	for (size_t i = 0; i < table->rows_n; i++)
		for (size_t j = 0; j < table->columns_n; j++) {
			const struct row *row = &table->rows[i];

			run_event(row, &table->columns[j], side,
			    CPNP_EDITION_RFC8921, row->events[0], cell, trace);
			draw_trace(d, row->name, trace);
		}
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
check_states(const struct drawing drawings[SIDES])
{
	static const char *const states[] = {
#define X(NAME, value, text) text,
	    CPNP_STATE_MAP(X)
#undef X
	};

	for (size_t i = 0; i < N(states); i++) {
		if (is_known(&drawings[CLIENT], drawings[CLIENT].n,
			states[i]) ||
		    is_known(
			&drawings[CHILD], drawings[CHILD].n, states[i]) ||
		    is_known(
			&drawings[SERVER], drawings[SERVER].n, states[i]))
			continue;
		(void)fprintf(
		    stderr, "fsm: nothing leads to %s\n", states[i]);
		exit(1);
	}
}

void
print_dot(const struct table *tables, size_t tables_n)
{
	static struct drawing drawings[SIDES];
	static const char *const roles[SIDES] = {"client", "child", "server"};

	for (int side = 0; side < SIDES; side++) {
		draw_begin(&drawings[side], (enum side)side);
		for (size_t i = 0; i < tables_n; i++)
			if ((side == SERVER) == (tables[i].side == SERVER))
				draw_table(&drawings[side], &tables[i],
				    (enum side)side);
	}
	check_states(drawings);
	(void)printf("// The states of an order, made from the code: see "
		     "cpnp-fsm(7).\n"
		     "// An edge says: event / messages that are sent.\n"
		     "// SPDX-License-Identifier: BSD-2-Clause\n"
		     "digraph cpnp_fsm {\n\tnode [shape = box];\n");
	for (int side = 0; side < SIDES; side++)
		print_drawing(&drawings[side], roles[side]);
	(void)printf("}\n");
}
