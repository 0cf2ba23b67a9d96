/*
 * Every course that a parent and its children can take, breadth first: what
 * cpnpd/decision/parent.c does, against every answer of the neighbours and of
 * the customer, every loss, and a stop of the provider before each action, for
 * any time.
 *
 * Usage: parent [NAME]
 *
 * NAME, the beginning of a name, chooses some scenarios.  The first violation
 * of one ends it; the way to it is printed.
 *
 * A neighbour is what it knows: it may take an ACCEPT or WITHDRAW long before
 * its ACK comes, also after our CANCEL.  Held against every state:
 *	- an action is one that the core takes in the states that the orders are
 *	  in, and dates given to neighbours lie before those of the customer;
 *	- no parent is confirmed or granted before every child is;
 *	- where the decision says that all is settled, the neighbours hold
 *	  exactly what the parent's agreement says: nothing without a parent,
 *	  each segment once with one, and no order is open;
 *	- from every state there is a way to a settled one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cpnpd/decision/parent.h"
#include "../../cpnpd/decision/parent_fault.h"

#define CHILDREN_MAX 5
#define SEGMENTS_MAX 3
#define NEIGHBOURS_MAX 3

/* Moments: a tick is 5 s, and time stands still at the last one. */
#define BASE 1000
#define TICK 5
#define TICKS_MAX 7
#define DEADLINE (BASE + 16) /* so that a tick is just before it */
#define DEADLINE_LATER (BASE + 22)
#define VALIDITY (BASE + 30)
#define CHILD_VALIDITY (BASE + 27)
#define CHILD_WANTS (BASE + 18)
#define DEAR 100

struct scenario {
	const char *name;
	cpnp_parent_mode mode;
	size_t parallel;
	bool with_time;    /* neighbours ask for more time */
	bool with_ledger;  /* one verdict for all */
	bool with_outages; /* neighbours cannot be reached */
	bool activates;    /* an ACTIVATE on the agreement, no UPDATE */
	bool again;        /* another UPDATE, which asks for what was first */
	/* neighbours of each segment of the QUOTATION, 0: no such segment */
	uint8_t neighbours[SEGMENTS_MAX];
	/* the part of each segment in an UPDATE, 0: it is not in it; all 0:
	 * there is no UPDATE and the order begins with its QUOTATION */
	uint8_t update[SEGMENTS_MAX];
};

static const struct scenario scenarios[] = {
    {.name = "one segment, three neighbours", .neighbours = {3}},
    {.name = "one segment, two at a time", .parallel = 2, .neighbours = {2}},
    {.name = "two segments, an alternative", .neighbours = {2, 1}},
    {.name = "three segments", .neighbours = {1, 1, 1}},
    {.name = "as figure, two neighbours",
	.mode = CPNP_PARENT_AS_FIGURE,
	.neighbours = {2}},
    {.name = "as figure, two segments",
	.mode = CPNP_PARENT_AS_FIGURE,
	.neighbours = {2, 1}},
    {.name = "as figure, three segments",
	.mode = CPNP_PARENT_AS_FIGURE,
	.neighbours = {1, 1, 1}},
    {.name = "more time", .with_time = true, .neighbours = {1, 1}},
    {.name = "outages", .with_outages = true, .neighbours = {2}},
    {.name = "ledger, two segments",
	.with_ledger = true,
	.neighbours = {1, 1}},
    {.name = "ledger, three segments",
	.with_ledger = true,
	.neighbours = {1, 1, 1}},
    {.name = "update of a part", .neighbours = {1, 1}, .update = {2, 1}},
    {.name = "update of both parts", .neighbours = {1, 1}, .update = {2, 2}},
    {.name = "update with an alternative", .neighbours = {2}, .update = {2}},
    {.name = "update and back", .again = true, .neighbours = {1}, .update = {2}},
    {.name = "update to others and back",
	.again = true,
	.neighbours = {1, 1},
	.update = {0, 1, 1}},
    {.name = "update takes one away, brings one",
	.neighbours = {1, 1},
	.update = {0, 1, 1}},
    {.name = "as figure, update of both parts",
	.mode = CPNP_PARENT_AS_FIGURE,
	.neighbours = {1, 1},
	.update = {2, 2}},
    {.name = "as figure, update and back",
	.mode = CPNP_PARENT_AS_FIGURE,
	.again = true,
	.neighbours = {2},
	.update = {2}},
    {.name = "as figure, update takes one away, brings one",
	.mode = CPNP_PARENT_AS_FIGURE,
	.neighbours = {1, 1},
	.update = {0, 1, 1}},
    {.name = "activate", .activates = true, .neighbours = {1, 1}},
};

/* All of it is compared and hashed as bytes. */
struct child {
	uint8_t segment;
	uint8_t neighbour;
	uint8_t request;
	uint8_t part;
	uint8_t part_agreed;
	uint8_t transaction;
	uint8_t state; /* 0: there is no such child */
	uint8_t agreement;
	uint8_t outstanding;
	uint8_t accepting;
	uint8_t unreachable;
	uint8_t dear;
	uint8_t wants;
	uint8_t failed;
	uint8_t activation;
	uint8_t refused;
	uint8_t asked;   /* the ACTIVATE that is outstanding */
	uint8_t date;    /* of its expected response, from BASE */
	uint8_t accepts; /* an ACCEPT was sent, and may still be taken */
	/* what the neighbour knows: its agreement's part, 0: none; and that
	 * it has taken the newest ACCEPT or WITHDRAW */
	uint8_t held;
	uint8_t taken;
};

struct state {
	uint8_t now; /* ticks */
	uint8_t state;
	uint8_t agreement;
	uint8_t asks;
	uint8_t transaction;
	uint8_t request;
	uint8_t is_late; /* the customer has given more time */
	uint8_t time;
	uint8_t set;
	uint8_t validity; /* of the OFFER, from BASE */
	uint8_t is_updated; /* the agreement is that of the UPDATE */
	uint8_t activation;
	uint8_t asked;
	struct child children[CHILDREN_MAX];
};

struct node {
	struct state state;
	uint32_t from;
	char move[40];
};

struct explorer {
	const struct scenario *sc;
	struct node *nodes;
	size_t n, cap;
	uint32_t *table;
	size_t table_cap;
	uint32_t (*edges)[2];
	size_t edges_n, edges_cap;
	uint32_t at; /* the node that is being left */
	const char *why;
	char what[80];
	size_t settled;
	size_t *used; /* how often each action */
};

static void *
need(void *p)
{
	if (p == NULL) {
		perror("parent");
		exit(2);
	}
	return p;
}

/* ---- what the decision is shown ------------------------------------------ */

struct shown {
	cpnp_parent_config config;
	cpnp_parent_view view;
	cpnp_parent_child children[CHILDREN_MAX];
	cpnp_parent_segment wanted[SEGMENTS_MAX];
	cpnp_parent_segment standing[SEGMENTS_MAX];
};

static const uint64_t neighbours[NEIGHBOURS_MAX] = {1, 2, 3};

static bool
has_update(const struct scenario *sc)
{
	return sc->update[0] + sc->update[1] + sc->update[2] > 0;
}

static size_t
make_plan(const struct scenario *sc, bool of_update,
    cpnp_parent_segment segments[SEGMENTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < SEGMENTS_MAX; i++) {
		uint8_t part = of_update ? sc->update[i]
		    : sc->neighbours[i] > 0 ? 1
					    : 0;
		size_t asked = sc->neighbours[i] > 0 ? sc->neighbours[i] : 1;

		if (part == 0)
			continue;
		segments[n++] = (cpnp_parent_segment){.segment = i,
		    .part = part,
		    .neighbours = neighbours,
		    .neighbours_n = asked,
		    .has_cost_max = true,
		    .cost_max = DEAR - 1};
	}
	return n;
}

static void
show_child(const struct state *s, const struct child *c, cpnp_parent_child *to)
{
	*to = (cpnp_parent_child){.segment = c->segment,
	    .neighbour = c->neighbour,
	    .request = c->request,
	    .part = c->part,
	    .part_agreed = c->part_agreed,
	    .transaction = (cpnp_method)c->transaction,
	    .state = (cpnp_state)c->state,
	    .agreement = (cpnp_agreement_state)c->agreement,
	    .outstanding = c->outstanding,
	    .accepting = c->accepting,
	    .unreachable = c->unreachable,
	    .has_cost = true,
	    .cost = c->dear ? DEAR : 1 + c->neighbour,
	    .validity = {CHILD_VALIDITY},
	    .activation = c->activation,
	    .activation_refused = c->refused};
	if (c->wants)
		to->wants.sec = CHILD_WANTS;
	if (c->failed)
		to->failed.sec = BASE + s->now * TICK;
}

static void
show(const struct scenario *sc, const struct state *s, struct shown *out)
{
	cpnp_parent_view *v = &out->view;

	*out = (struct shown){.config = {.mode = sc->mode,
				  .parallel = sc->parallel,
				  .margin = 1,
				  .try_min = 1,
				  .validity_min = 1,
				  .retry = 1,
				  .ack_max = 2}};
	v->now.wall.sec = BASE + s->now * TICK;
	v->state = (cpnp_state)s->state;
	v->agreement = (cpnp_agreement_state)s->agreement;
	v->asks = (cpnp_parent_asks)s->asks;
	v->transaction = (cpnp_method)s->transaction;
	v->request = s->request;
	v->deadline.sec = s->is_late ? DEADLINE_LATER : DEADLINE;
	v->validity.sec = VALIDITY;
	v->time = (cpnp_parent_time)s->time;
	v->set = (cpnp_parent_set)s->set;
	v->activation = s->activation;
	v->activation_asked = s->asked;
	v->wanted.segments = out->wanted;
	v->wanted.n = make_plan(sc, s->request == 2, out->wanted);
	v->standing.segments = out->standing;
	v->standing.n = make_plan(sc, s->is_updated, out->standing);
	v->children = out->children;
	while (v->children_n < CHILDREN_MAX &&
	    s->children[v->children_n].state != 0) {
		show_child(s, &s->children[v->children_n],
		    &out->children[v->children_n]);
		v->children_n++;
	}
}

/* ---- the set of states ---------------------------------------------------- */

static uint64_t
hash_of(const struct state *s)
{
	const uint8_t *bytes = (const uint8_t *)s;
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < sizeof(*s); i++)
		h = (h ^ bytes[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

static uint32_t *
slot_of(struct explorer *x, const struct state *s)
{
	size_t i = hash_of(s) & (x->table_cap - 1);

	while (x->table[i] != 0 &&
	    memcmp(&x->nodes[x->table[i] - 1].state, s, sizeof(*s)) != 0)
		i = (i + 1) & (x->table_cap - 1);
	return &x->table[i];
}

static void
grow(struct explorer *x)
{
	if (x->n < x->cap)
		return;
	x->cap = x->cap > 0 ? 2 * x->cap : 4096;
	x->nodes = need(realloc(x->nodes, x->cap * sizeof(*x->nodes)));
	free(x->table);
	x->table_cap = 2 * x->cap;
	x->table = need(calloc(x->table_cap, sizeof(*x->table)));
	for (size_t i = 0; i < x->n; i++)
		*slot_of(x, &x->nodes[i].state) = (uint32_t)i + 1;
}

/* A step from the node that is being left. */
static void
go(struct explorer *x, const struct state *s, const char *move)
{
	uint32_t *slot;

	grow(x);
	slot = slot_of(x, s);
	if (*slot == 0) {
		struct node *node = &x->nodes[x->n];

		*slot = (uint32_t)++x->n;
		node->state = *s;
		node->from = x->at;
		(void)snprintf(node->move, sizeof(node->move), "%s", move);
	}
	if (x->edges_n == x->edges_cap) {
		x->edges_cap = x->edges_cap > 0 ? 2 * x->edges_cap : 4096;
		x->edges =
		    need(realloc(x->edges, x->edges_cap * sizeof(*x->edges)));
	}
	x->edges[x->edges_n][0] = x->at;
	x->edges[x->edges_n++][1] = *slot - 1;
}

static void
violate(struct explorer *x, const char *why, const char *what)
{
	if (x->why != NULL)
		return;
	x->why = why;
	(void)snprintf(x->what, sizeof(x->what), "%s", what);
}

/* ---- orders --------------------------------------------------------------- */

static bool
stands(const struct child *c)
{
	return c->agreement == CPNP_AGREEMENT_COMPLETED ||
	    c->agreement == CPNP_AGREEMENT_ACTIVE;
}

static bool
is_open(const struct child *c)
{
	return c->outstanding ||
	    (c->state != CPNP_STATE_COMPLETED &&
		c->state != CPNP_STATE_CANCELLED);
}

/* What was open has come to nothing, and is settled. */
static void
undo(struct child *c)
{
	c->outstanding = c->accepts = c->taken = c->dear = c->accepting = 0;
	c->state = stands(c) ? CPNP_STATE_COMPLETED : CPNP_STATE_CANCELLED;
	c->failed = stands(c);
}

static void
agree(struct child *c)
{
	c->outstanding = c->accepts = c->taken = c->dear = 0;
	c->state = CPNP_STATE_COMPLETED;
	c->agreement = CPNP_AGREEMENT_COMPLETED;
	c->part_agreed = c->part;
	c->failed = 0;
}

static void
cancel(struct child *c)
{
	if (c->state == CPNP_STATE_CREATED) {
		undo(c);
		return;
	}
	c->state = CPNP_STATE_CANCELLED;
	c->outstanding = 1;
	c->accepting = 0;
}

/* The parent's transaction is over; what it was before stands. */
static void
end_parent(struct state *s)
{
	s->asks = CPNP_PARENT_ASKS_NOTHING;
	s->time = CPNP_PARENT_TIME_NO;
	s->state = s->agreement == CPNP_AGREEMENT_COMPLETED
	    ? CPNP_STATE_COMPLETED
	    : CPNP_STATE_CANCELLED;
}

/* ---- actions -------------------------------------------------------------- */

static void
start_child(struct explorer *x, struct state s,
    const cpnp_parent_action *a, const struct shown *shown)
{
	struct child *c;
	size_t i = a->child;

	if (a->date.sec >= shown->view.deadline.sec ||
	    a->date.sec <= shown->view.now.wall.sec)
		violate(x, "a neighbour answers before the customer is", "");
	if (i == CPNP_PARENT_NONE) {
		i = shown->view.children_n;
		if (i == CHILDREN_MAX) {
			violate(x, "children come without end", "");
			return;
		}
		c = &s.children[i];
		c->segment = (uint8_t)shown->wanted[a->segment].segment;
		c->neighbour = (uint8_t)a->neighbour;
		c->request = s.request;
		c->part = (uint8_t)a->part;
		c->transaction = CPNP_METHOD_QUOTATION;
		c->state = CPNP_STATE_CREATED;
		/* and stops before it is sent */
		go(x, &s, "a child is created");
	}
	c = &s.children[i];
	if (c->state != CPNP_STATE_CREATED)
		violate(x, "what is sent was not", "start");
	c->state = CPNP_STATE_PQO_SENT;
	c->date = (uint8_t)(a->date.sec - BASE);
	go(x, &s, "a child is started");
}

static void
update_child(struct explorer *x, struct state s,
    const cpnp_parent_action *a, const struct shown *shown)
{
	struct child *c = &s.children[a->child];
	bool is_restored = s.state == CPNP_STATE_COMPLETED;

	if (!stands(c) || is_open(c))
		violate(x, "an UPDATE is for an agreement that is at rest", "");
	if (a->date.sec <= shown->view.now.wall.sec ||
	    (!is_restored && a->date.sec >= shown->view.deadline.sec))
		violate(x, "a neighbour answers before the customer is", "");
	c->transaction = CPNP_METHOD_UPDATE;
	c->request = s.request;
	c->part = (uint8_t)a->part;
	c->state = CPNP_STATE_PQO_SENT;
	c->failed = c->wants = 0;
	c->date = (uint8_t)(a->date.sec - BASE);
	go(x, &s, "a child is updated");
}

static void
command_child(struct explorer *x, struct state s, const cpnp_parent_action *a,
    const struct shown *shown)
{
	struct child *c = &s.children[a->child];
	bool fits = false;

	switch (a->act) {
	case CPNP_PARENT_ACCEPT_CHILD:
		fits = c->state == CPNP_STATE_OFFER_PROCESSING &&
		    !c->accepting &&
		    shown->view.now.wall.sec < CHILD_VALIDITY;
		c->accepting = 1;
		break;
	case CPNP_PARENT_DECLINE_CHILD:
		fits = c->state == CPNP_STATE_OFFER_PROCESSING;
		cancel(c);
		break;
	case CPNP_PARENT_CANCEL_CHILD:
		fits = is_open(c) && c->state != CPNP_STATE_CANCELLED &&
		    c->state != CPNP_STATE_COMPLETED;
		cancel(c);
		break;
	case CPNP_PARENT_WITHDRAW_CHILD:
		fits = stands(c) && !is_open(c);
		c->transaction = CPNP_METHOD_WITHDRAW;
		cancel(c);
		break;
	case CPNP_PARENT_ACTIVATE_CHILD:
		fits = stands(c) && !is_open(c);
		c->transaction = CPNP_METHOD_ACTIVATE;
		c->outstanding = 1;
		c->asked = (uint8_t)a->activation;
		c->failed = 0;
		break;
	case CPNP_PARENT_WAIT:
	case CPNP_PARENT_START_CHILD:
	case CPNP_PARENT_UPDATE_CHILD:
	case CPNP_PARENT_MORE_TIME:
	case CPNP_PARENT_OFFER:
	case CPNP_PARENT_REFUSE:
	case CPNP_PARENT_CONFIRM:
	case CPNP_PARENT_NOT_CONFIRM:
	case CPNP_PARENT_GRANT:
		break;
	}
	if (!fits)
		violate(x, "the core takes the action",
		    cpnp_parent_act_name(a->act));
	go(x, &s, cpnp_parent_act_name(a->act));
}

/* Is every segment of the wanted plan served, as far as we know? */
static bool
is_served(const struct state *s, const struct shown *shown)
{
	for (size_t at = 0; at < shown->view.wanted.n; at++) {
		bool has = s->set == CPNP_PARENT_SET_POSTED;

		for (size_t i = 0; i < CHILDREN_MAX; i++)
			has |= s->children[i].state == CPNP_STATE_COMPLETED &&
			    stands(&s->children[i]) &&
			    s->children[i].segment ==
				shown->wanted[at].segment &&
			    s->children[i].part_agreed ==
				shown->wanted[at].part;
		if (!has)
			return false;
	}
	return true;
}

static void
make_offer(struct explorer *x, struct state s, const cpnp_parent_action *a,
    const struct shown *shown)
{
	for (size_t at = 0; at < shown->view.wanted.n; at++) {
		size_t i = cpnp_parent_chosen(
		    &shown->config, &shown->view, at);

		if (i == CPNP_PARENT_NONE)
			violate(x, "what is offered is had", "");
		else if (s.children[i].state == CPNP_STATE_OFFER_PROCESSING &&
		    a->date.sec >= CHILD_VALIDITY)
			violate(x, "the customer answers before we have to",
			    "");
	}
	if (shown->config.mode == CPNP_PARENT_AS_FIGURE &&
	    !is_served(&s, shown))
		violate(x, "as in the figure children are agreed first", "");
	s.state = CPNP_STATE_OFFER_PROPOSED;
	s.asks = CPNP_PARENT_ASKS_NOTHING;
	s.validity = (uint8_t)(a->date.sec - BASE);
	go(x, &s, "the OFFER is sent");
}

static void
command_parent(struct explorer *x, struct state s,
    const cpnp_parent_action *a, const struct shown *shown)
{
	bool decides = s.asks == CPNP_PARENT_ASKS_DECIDE;
	bool fits = decides;

	if (a->act == CPNP_PARENT_MORE_TIME) {
		fits = decides && s.time == CPNP_PARENT_TIME_MAY &&
		    a->date.sec > shown->view.deadline.sec;
		s.time = CPNP_PARENT_TIME_ASKED;
	} else if (a->act == CPNP_PARENT_CONFIRM) {
		fits = s.asks == CPNP_PARENT_ASKS_CONFIRM;
		if (!is_served(&s, shown))
			violate(x, "what is confirmed is served", "");
		s.agreement = CPNP_AGREEMENT_COMPLETED;
		s.is_updated = s.request == 2;
		end_parent(&s);
	} else if (a->act == CPNP_PARENT_NOT_CONFIRM) {
		fits = s.asks == CPNP_PARENT_ASKS_CONFIRM;
		if (s.set == CPNP_PARENT_SET_OPEN)
			s.set = CPNP_PARENT_SET_VOID;
		end_parent(&s);
	} else if (a->act == CPNP_PARENT_GRANT) {
		for (size_t i = 0; i < shown->view.children_n; i++)
			if (s.children[i].activation != s.asked)
				violate(x, "what is granted is granted", "");
		s.activation = s.asked;
		end_parent(&s);
	} else {
		end_parent(&s);
	}
	if (!fits)
		violate(x, "the core takes the action",
		    cpnp_parent_act_name(a->act));
	go(x, &s, cpnp_parent_act_name(a->act));
}

static void
perform(struct explorer *x, const struct state *s,
    const cpnp_parent_action *a, const struct shown *shown)
{
	switch (a->act) {
	case CPNP_PARENT_WAIT:
		break;
	case CPNP_PARENT_START_CHILD:
		start_child(x, *s, a, shown);
		break;
	case CPNP_PARENT_UPDATE_CHILD:
		update_child(x, *s, a, shown);
		break;
	case CPNP_PARENT_ACCEPT_CHILD:
	case CPNP_PARENT_DECLINE_CHILD:
	case CPNP_PARENT_CANCEL_CHILD:
	case CPNP_PARENT_WITHDRAW_CHILD:
	case CPNP_PARENT_ACTIVATE_CHILD:
		command_child(x, *s, a, shown);
		break;
	case CPNP_PARENT_OFFER:
		make_offer(x, *s, a, shown);
		break;
	case CPNP_PARENT_MORE_TIME:
	case CPNP_PARENT_REFUSE:
	case CPNP_PARENT_CONFIRM:
	case CPNP_PARENT_NOT_CONFIRM:
	case CPNP_PARENT_GRANT:
		command_parent(x, *s, a, shown);
		break;
	}
}

/* ---- what comes from elsewhere ------------------------------------------- */

static void
hear_offer(struct explorer *x, const struct state *s, size_t i)
{
	struct state to = *s;
	struct child *c = &to.children[i];

	undo(c);
	go(x, &to, "FAIL");
	if (BASE + s->now * TICK >= CHILD_VALIDITY)
		return;
	to = *s;
	c->state = CPNP_STATE_OFFER_PROCESSING;
	go(x, &to, "OFFER");
	/* an UPDATE back is not dear, or it would never come */
	if (s->state != CPNP_STATE_COMPLETED) {
		c->dear = 1;
		go(x, &to, "OFFER that is too dear");
	}
	if (x->sc->with_time && !s->children[i].wants) {
		to = *s;
		c->wants = 1;
		go(x, &to, "more time is asked for in vain");
	}
}

/* An ACCEPT is under way, or was before a CANCEL. */
static void
hear_ack(struct explorer *x, const struct state *s, size_t i)
{
	struct state to = *s;
	struct child *c = &to.children[i];
	bool by_ledger = x->sc->with_ledger &&
	    c->transaction == CPNP_METHOD_QUOTATION;

	if (c->taken) {
		agree(c);
		go(x, &to, "ACK of the ACCEPT");
		return;
	}
	if (!by_ledger) {
		c->taken = 1;
		c->held = c->part;
		go(x, &to, "the neighbour takes the ACCEPT");
		to = *s;
	}
	if (!by_ledger || s->set == CPNP_PARENT_SET_VOID) {
		undo(c);
		go(x, &to, "FAIL or ACK of the CANCEL");
	}
}

static void
hear_end(struct explorer *x, const struct state *s, size_t i)
{
	struct state to = *s;
	struct child *c = &to.children[i];

	if (c->transaction == CPNP_METHOD_WITHDRAW) {
		if (!c->taken) {
			c->taken = 1;
			c->held = 0;
			go(x, &to, "the neighbour takes the WITHDRAW");
			to = *s;
			undo(c);
			go(x, &to, "FAIL of the WITHDRAW");
			return;
		}
		c->agreement = CPNP_AGREEMENT_ENDED;
		c->outstanding = c->taken = 0;
		go(x, &to, "ACK of the WITHDRAW");
		return;
	}
	if (c->accepts) {
		hear_ack(x, s, i);
		return;
	}
	undo(c);
	go(x, &to, "ACK of the CANCEL");
}

static void
hear_activate(struct explorer *x, const struct state *s, size_t i)
{
	struct state to = *s;
	struct child *c = &to.children[i];

	c->outstanding = 0;
	c->activation = c->asked;
	c->refused = 0;
	go(x, &to, "ACK of the ACTIVATE");
	c->activation = s->children[i].activation;
	c->refused = c->asked;
	c->failed = 1;
	go(x, &to, "FAIL of the ACTIVATE");
}

/* The ACCEPT goes out when it is signed; a stop before that forgets it. */
static void
sign(struct explorer *x, const struct state *s, size_t i)
{
	struct state to = *s;
	struct child *c = &to.children[i];

	c->accepting = 0;
	go(x, &to, "the signature is lost");
	c->state = CPNP_STATE_ACCEPT_SENT;
	c->accepts = 1;
	go(x, &to, "the ACCEPT is signed and sent");
}

static void
hear(struct explorer *x, const struct state *s, size_t i)
{
	const struct child *c = &s->children[i];
	struct state to = *s;

	if (x->sc->with_outages) {
		to.children[i].unreachable ^= 1;
		go(x, &to, "a link fails or comes back");
		if (c->unreachable)
			return;
	}
	if (c->accepting)
		sign(x, s, i);
	if (c->state == CPNP_STATE_PQO_SENT)
		hear_offer(x, s, i);
	else if (c->state == CPNP_STATE_ACCEPT_SENT)
		hear_ack(x, s, i);
	else if (c->state == CPNP_STATE_CANCELLED && c->outstanding)
		hear_end(x, s, i);
	else if (c->state == CPNP_STATE_COMPLETED && c->outstanding)
		hear_activate(x, s, i);
}

static void
hear_customer(struct explorer *x, const struct state *s)
{
	struct state to = *s;

	if (s->time == CPNP_PARENT_TIME_ASKED) {
		to.is_late = 1;
		to.time = CPNP_PARENT_TIME_MAY;
		go(x, &to, "the customer gives more time");
		to = *s;
		to.time = CPNP_PARENT_TIME_NO;
		go(x, &to, "the customer gives no more time");
		to = *s;
	}
	if (s->state == CPNP_STATE_OFFER_PROPOSED &&
	    s->now * TICK < s->validity) {
		to.state = CPNP_STATE_ACCEPT_RECEIVED;
		to.asks = CPNP_PARENT_ASKS_CONFIRM;
		to.set = x->sc->with_ledger ? CPNP_PARENT_SET_OPEN
					    : CPNP_PARENT_SET_NONE;
		go(x, &to, "the customer accepts");
		to = *s;
	}
	/* with a ledger the payment binds */
	if (s->state != CPNP_STATE_COMPLETED &&
	    s->state != CPNP_STATE_CANCELLED &&
	    (s->asks != CPNP_PARENT_ASKS_CONFIRM || !x->sc->with_ledger)) {
		end_parent(&to);
		go(x, &to, "the customer declines or cancels");
		return;
	}
	if (s->state != CPNP_STATE_COMPLETED ||
	    s->agreement != CPNP_AGREEMENT_COMPLETED ||
	    s->asks != CPNP_PARENT_ASKS_NOTHING)
		return;
	to.state = CPNP_STATE_CANCELLED;
	to.agreement = CPNP_AGREEMENT_ENDED;
	go(x, &to, "the customer withdraws");
	to = *s;
	if (x->sc->activates && s->asked < 2) {
		to.asked++;
		to.asks = CPNP_PARENT_ASKS_DECIDE;
		to.transaction = CPNP_METHOD_ACTIVATE;
		go(x, &to, "the customer activates");
	} else if (has_update(x->sc) && s->request < (x->sc->again ? 3 : 2)) {
		to.request++;
		to.state = CPNP_STATE_AWAITING_PROCESSING;
		to.asks = CPNP_PARENT_ASKS_DECIDE;
		to.time = CPNP_PARENT_TIME_MAY;
		to.transaction = CPNP_METHOD_UPDATE;
		go(x, &to, "the customer updates");
	}
}

/* The ledger: everything that was accepted together, or nothing. */
static void
hear_ledger(struct explorer *x, const struct state *s,
    const struct shown *shown)
{
	struct state to = *s;
	size_t accepted = 0;

	if (s->set != CPNP_PARENT_SET_OPEN)
		return;
	to.set = CPNP_PARENT_SET_VOID;
	go(x, &to, "the ledger voids the set");
	to = *s;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (!to.children[i].accepts)
			continue;
		accepted++;
		to.children[i].taken = 1;
		to.children[i].held = to.children[i].part;
	}
	if (accepted < shown->view.wanted.n)
		return;
	to.set = CPNP_PARENT_SET_POSTED;
	go(x, &to, "the ledger posts the set");
}

/* Time passes, also while the provider is stopped. */
static void
tick(struct explorer *x, const struct state *s)
{
	struct state to = *s;
	int now;

	if (to.now < TICKS_MAX)
		to.now++;
	now = to.now * TICK;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *c = &to.children[i];

		c->failed = 0;
		if (c->state == CPNP_STATE_OFFER_PROCESSING &&
		    BASE + now >= CHILD_VALIDITY)
			undo(c);
		if (c->state == CPNP_STATE_PQO_SENT && now >= c->date)
			cancel(c);
	}
	if (to.state == CPNP_STATE_AWAITING_PROCESSING &&
	    BASE + now >= (to.is_late ? DEADLINE_LATER : DEADLINE))
		end_parent(&to);
	if (to.state == CPNP_STATE_OFFER_PROPOSED && now >= to.validity)
		end_parent(&to);
	go(x, &to, "time passes");
}

/* ---- what holds ----------------------------------------------------------- */

static void
check_settled(struct explorer *x, const struct state *s,
    const struct shown *shown)
{
	bool is_agreed = s->agreement == CPNP_AGREEMENT_COMPLETED;
	size_t served[SEGMENTS_MAX] = {0};

	if (s->state != CPNP_STATE_COMPLETED &&
	    s->state != CPNP_STATE_CANCELLED)
		violate(x, "an open parent is not settled", "");
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *c = &s->children[i];
		size_t at = 0;

		if (c->state == 0)
			continue;
		if (is_open(c) || c->accepts)
			violate(x, "no child is forgotten", "");
		if (c->held == 0)
			continue;
		while (at < shown->view.standing.n &&
		    shown->standing[at].segment != c->segment)
			at++;
		if (!is_agreed || at == shown->view.standing.n)
			violate(x, "no child is agreed without its parent", "");
		else if (shown->standing[at].part != c->held ||
		    ++served[at] > 1)
			violate(x, "a segment is served as it was agreed", "");
		else if (c->activation != s->activation)
			violate(x, "a child is as active as its parent", "");
	}
	for (size_t at = 0; is_agreed && at < shown->view.standing.n; at++)
		if (served[at] != 1)
			violate(x,
			    "no parent is agreed without all children", "");
}

/* From every state there is a way to a settled one. */
static void
check_progress(struct explorer *x, bool *reaches)
{
	bool goes_on = true;

	while (goes_on && x->why == NULL) {
		goes_on = false;
		for (size_t i = x->edges_n; i-- > 0;)
			if (reaches[x->edges[i][1]] &&
			    !reaches[x->edges[i][0]])
				goes_on = reaches[x->edges[i][0]] = true;
	}
	for (size_t i = 0; i < x->n && x->why == NULL; i++)
		if (!reaches[i]) {
			x->at = (uint32_t)i;
			violate(x, "there is a way on", "");
		}
}

static struct state
begin(const struct scenario *sc)
{
	struct state s;
	size_t n = 0;

	memset(&s, 0, sizeof(s));
	s.request = 1;
	s.transaction = CPNP_METHOD_QUOTATION;
	s.state = CPNP_STATE_AWAITING_PROCESSING;
	s.asks = CPNP_PARENT_ASKS_DECIDE;
	s.time = sc->with_time ? CPNP_PARENT_TIME_MAY : CPNP_PARENT_TIME_NO;
	if (!has_update(sc) && !sc->activates)
		return s;
	s.agreement = CPNP_AGREEMENT_COMPLETED;
	end_parent(&s);
	for (uint8_t i = 0; i < SEGMENTS_MAX; i++)
		if (sc->neighbours[i] > 0)
			s.children[n++] = (struct child){.segment = i,
			    .neighbour = 1,
			    .request = 1,
			    .part = 1,
			    .part_agreed = 1,
			    .held = 1,
			    .transaction = CPNP_METHOD_QUOTATION,
			    .state = CPNP_STATE_COMPLETED,
			    .agreement = CPNP_AGREEMENT_COMPLETED};
	return s;
}

static void
leave(struct explorer *x, bool *is_settled)
{
	const struct state s = x->nodes[x->at].state;
	cpnp_parent_action action;
	struct shown shown;

	show(x->sc, &s, &shown);
	cpnp_parent_next(&shown.config, &shown.view, &action);
	x->used[action.act]++;
	*is_settled = action.act == CPNP_PARENT_WAIT && action.is_settled;
	if (*is_settled)
		check_settled(x, &s, &shown);
	else if (action.act == CPNP_PARENT_WAIT && action.why == NULL)
		violate(x, "who waits says for what", "");
	perform(x, &s, &action, &shown);
	for (size_t i = 0; i < shown.view.children_n; i++)
		hear(x, &s, i);
	hear_customer(x, &s);
	hear_ledger(x, &s, &shown);
	tick(x, &s);
}

static void
print_way(const struct explorer *x)
{
	uint32_t way[1000], at = x->at;
	size_t n = 0;

	while (at != 0 && n < 1000) {
		way[n++] = at;
		at = x->nodes[at].from;
	}
	(void)printf("  not so: %s%s%s\n", x->why, x->what[0] ? ": " : "",
	    x->what);
	while (n-- > 0)
		(void)printf("  %s\n", x->nodes[way[n]].move);
}

static bool
explore(const struct scenario *sc, size_t used[CPNP_PARENT_GRANT + 1])
{
	struct explorer x = {.sc = sc, .used = used};
	struct state first = begin(sc);
	bool *reaches = NULL, is_sound;
	size_t cap = 0;

	go(&x, &first, "");
	x.edges_n = 0;
	for (x.at = 0; x.at < x.n && x.why == NULL; x.at++) {
		if (x.at >= cap) {
			cap = 2 * x.cap;
			reaches = need(realloc(reaches, cap));
		}
		leave(&x, &reaches[x.at]);
		x.settled += reaches[x.at];
		if (x.why != NULL)
			break;
	}
	check_progress(&x, reaches);
	is_sound = x.why == NULL;
	(void)printf("%s %s: %zu states, %zu steps, %zu settled\n",
	    is_sound ? "ok" : "not ok", sc->name, x.n, x.edges_n, x.settled);
	if (!is_sound)
		print_way(&x);
	free(reaches);
	free(x.nodes);
	free(x.table);
	free(x.edges);
	return is_sound;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	size_t used[CPNP_PARENT_GRANT + 1] = {0}, n = 0;
	bool is_sound = true;

#ifdef CPNP_PLANTED_FAULTS
	const char *faults = getenv("CPNP_FAULTS");

	if (faults != NULL)
		cpnp_parent_faults = (unsigned)strtoul(faults, NULL, 10);
#endif
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strncmp(scenarios[i].name, name, strlen(name)) != 0)
			continue;
		n++;
		is_sound = explore(&scenarios[i], used) && is_sound;
	}
	for (int act = 0; *name == '\0' && act <= CPNP_PARENT_GRANT; act++) {
		if (used[act] > 0)
			continue;
		(void)printf("not ok no scenario comes to \"%s\"\n",
		    cpnp_parent_act_name((cpnp_parent_act)act));
		is_sound = false;
	}
	if (n == 0) {
		(void)fprintf(stderr, "parent: no scenario \"%s\"\n", name);
		return 2;
	}
	return is_sound ? 0 : 1;
}
