/*
 * Every interleaving of one order, breadth first, up to a depth.
 *
 * Usage: explore [DEPTH [NAME]]
 *
 * A scenario is an order from its beginning, or one with an agreement on which
 * the client begins one transaction or more: WITHDRAW, UPDATE and ACTIVATE,
 * while everything that was sent for the agreement may still arrive.  Without
 * a depth every state that there is is visited, but for the scenarios of
 * several transactions, which stop at the depth given with them; NAME, the
 * beginning of a name, chooses some.  The first violation ends it.
 *
 * A message that was sent may arrive at any later time, any number of times
 * and in any order, or never: the channel is the set of all that was sent.
 * Either side may crash after every step, and what is local may happen
 * whenever the interface allows it.  The first violation found is one of the
 * shortest; the way to it is printed in words, where a number in brackets
 * tells messages of the same method from each other.
 *
 * Held against every state that is visited:
 *	- no answer contradicts an earlier one: in a transaction the ACK of an
 *	  ACCEPT is said in one way, and never together with a FAIL or another
 *	  ACK;
 *	- both sides agree, or one message makes the difference: the ACK of an
 *	  ACCEPT or WITHDRAW that the client has sent and is waiting for;
 *	- the agreement stands as it was, Completed or Active and under its
 *	  NONCE, until the ACK of an UPDATE;
 *	- no UPDATE is worked on that the client has left for something else;
 *	- capacity is held once, and bought or released once; what an UPDATE
 *	  holds is not what the agreement has bought;
 *	- where it has cost, no agreement comes about that is not paid, and no
 *	  order ends otherwise once its payment was given to the ledger;
 *	- what is accepted is accepted in time and under its NONCE, and a
 *	  replayed message changes nothing;
 *	- no order is stuck: when all that is under way is lost, and nothing
 *	  from then on, both sides end, in the same state and with the same
 *	  agreement, with the capacity released or bought, whether the
 *	  applications answer or not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

#define NO_NODE NO_ENTRY

#define ACTIVATIONS ACT_BIT(ACTIVATE) | ACT_BIT(SCHEDULE) | ACT_BIT(DEACTIVATE)
#define PAYMENT ACT_BIT(BIND) | ACT_BIT(PAID) | ACT_BIT(NOT_PAID)
#define CONFIRM PAYMENT | CONFIRMS

struct node {
	uint32_t sides[2];
	uint32_t parent;
	struct move move;
	uint64_t sent[SET_WORDS];
};

struct explorer {
	struct world *world;
	struct node *nodes;
	size_t nodes_n;
	size_t nodes_cap;
	struct table table; /* of nodes */
	/* messages that are such a verdict, in each transaction */
	uint64_t yes[TRANSACTIONS_MAX][SET_WORDS];
	uint64_t no[TRANSACTIONS_MAX][SET_WORDS];
	size_t verdicts_n;    /* messages that were looked at */
	uint32_t (*pairs)[2]; /* that were checked for progress */
	size_t pairs_n;
	size_t pairs_cap;
	struct table pair_table;
	size_t moves;
	size_t agreed; /* states in which both have the agreement */
	struct node broken;
	const char *why;
	enum { CALM_NONE, CALM_EAGER, CALM_LAZY } calm_why;
};

/* --- words --- */

static void
print_step(const struct explorer *e, const struct node *node, unsigned step)
{
	const struct node *from = &e->nodes[node->parent];

	print_move(e->world, step, node->move,
	    world_move(e->world, from->sides[node->move.role], node->move),
	    node->sides);
}

static unsigned
print_way(const struct explorer *e, const struct node *node)
{
	unsigned step;

	if (node->parent == NO_NODE)
		return 0;
	step = print_way(e, &e->nodes[node->parent]) + 1;
	print_step(e, node, step);
	return step;
}

/* --- sets of messages --- */

static void
add_message(uint64_t set[SET_WORDS], uint16_t message)
{
	set[message / 64] |= UINT64_C(1) << message % 64;
}

static bool
has_message(const uint64_t set[SET_WORDS], size_t message)
{
	return (set[message / 64] >> message % 64 & 1) != 0;
}

static int
count_common(const uint64_t a[SET_WORDS], const uint64_t b[SET_WORDS])
{
	int n = 0;

	for (size_t i = 0; i < SET_WORDS; i++)
		n += __builtin_popcountll(a[i] & b[i]);
	return n;
}

/* --- nodes --- */

static uint64_t
hash_node(const struct node *node)
{
	uint64_t hash = (uint64_t)node->sides[0] << 32 | node->sides[1];

	for (size_t i = 0; i < SET_WORDS; i++) {
		hash = (hash ^ hash >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
		hash += node->sent[i];
	}
	hash = (hash ^ hash >> 32) * UINT64_C(0x94d049bb133111eb);
	return hash ^ hash >> 29;
}

static bool
is_same(const struct node *a, const struct node *b)
{
	return memcmp(a->sides, b->sides, sizeof(a->sides)) == 0 &&
	       memcmp(a->sent, b->sent, sizeof(a->sent)) == 0;
}

/* The slot of an equal node, or the free one for it. */
static uint32_t *
find_slot(const struct explorer *e, const struct node *node)
{
	size_t mask = e->table.cap - 1;

	for (size_t i = (size_t)hash_node(node) & mask;; i = (i + 1) & mask) {
		uint32_t *slot = &e->table.slots[i];

		if (*slot == NO_NODE || is_same(&e->nodes[*slot], node))
			return slot;
	}
}

static void
grow(struct explorer *e)
{
	size_t cap = e->nodes_cap == 0 ? 1 << 12 : e->nodes_cap * 2;

	e->nodes = must_alloc(e->nodes, cap, sizeof(*e->nodes));
	e->nodes_cap = cap;
	table_clear(&e->table, cap * 2);
	for (size_t i = 0; i < e->nodes_n; i++)
		*find_slot(e, &e->nodes[i]) = (uint32_t)i;
}

static bool
add_node(struct explorer *e, const struct node *node)
{
	uint32_t *slot;

	if (e->nodes_n == e->nodes_cap)
		grow(e);
	slot = find_slot(e, node);
	if (*slot != NO_NODE)
		return false;
	*slot = (uint32_t)e->nodes_n;
	e->nodes[e->nodes_n++] = *node;
	return true;
}

/* --- what holds in every state --- */

/* Both have an agreement: the same one, or the ACK of an UPDATE that the
 * client has accepted is on its way. */
static const char *
check_same(const struct side *client, const struct side *server)
{
	bool is_same = memcmp(client->standing, server->standing,
			   sizeof(client->standing)) == 0;

	if (is_same && client->nonce_len == server->nonce_len &&
	    memcmp(client->nonce, server->nonce, client->nonce_len) == 0)
		return NULL;
	if (is_same)
		return "the two have one agreement under different NONCEs";
	return client->kind == ORDER_KIND_UPDATE && client->accept_sent &&
		       !client->is_settled &&
		       memcmp(client->digest, server->standing,
			   sizeof(client->digest)) == 0
		   ? NULL
		   : "the two agree on different things";
}

/*
 * The client is done with an UPDATE, has begun something else, and the server
 * still works on it, so that it refuses what is new.  Only when the validity
 * has ended by the clock of the client is it right, for it says nothing then.
 */
static const char *
check_one(const struct side *client, const struct side *server)
{
	bool is_offered = server->state == CPNP_STATE_OFFER_PROPOSED ||
			  server->state == CPNP_STATE_PROCESSING_RECEIVED;

	if (server->kind != ORDER_KIND_UPDATE || server->is_settled)
		return NULL;
	if (client->transaction_id_len == server->transaction_id_len &&
	    memcmp(client->transaction_id, server->transaction_id,
		client->transaction_id_len) == 0)
		return NULL;
	return is_offered && client->clock >= MOMENTS_EXPLORED - 1
		   ? NULL
		   : "the server works on an UPDATE that the client has left";
}

static const char *
check_agreement(const struct side *client, const struct side *server)
{
	bool is_client = side_stands(client);
	bool is_server = side_stands(server);

	if (is_client && is_server && check_same(client, server) != NULL)
		return check_same(client, server);
	if (is_client && is_server)
		return check_one(client, server);
	if (is_client && server->agreement != CPNP_AGREEMENT_ENDED)
		return "the client has an agreement and the server has none";
	if (is_client &&
	    (client->kind != ORDER_KIND_WITHDRAW || !client->is_outstanding))
		return "the agreement has ended, and the client does not wait "
		       "for that";
	if (is_server && client->agreement == CPNP_AGREEMENT_ENDED)
		return "the client has forgotten an agreement that stands";
	if (is_server && !client->accept_sent)
		return "the server has an agreement without an ACCEPT";
	if (is_server && client->is_settled)
		return "the server has an agreement, and the client is settled "
		       "without one";
	return NULL;
}

static void
count_agreed(struct explorer *e, const struct node *node)
{
	for (int role = 0; role < 2; role++)
		if (!side_stands(world_side(
			e->world, (cpnp_role)role, node->sides[role])))
			return;
	e->agreed++;
}

/* Which messages say yes and no in each transaction. */
static void
learn_verdicts(struct explorer *e)
{
	for (; e->verdicts_n < e->world->messages_n; e->verdicts_n++) {
		const struct message *m = &e->world->messages[e->verdicts_n];

		if (m->verdict == VERDICT_YES)
			add_message(
			    e->yes[m->transaction], (uint16_t)e->verdicts_n);
		if (m->verdict == VERDICT_NO)
			add_message(
			    e->no[m->transaction], (uint16_t)e->verdicts_n);
	}
}

static const char *
check_answers(struct explorer *e, const struct node *node)
{
	int yes;

	learn_verdicts(e);
	for (size_t i = 0; i < e->world->transactions_n; i++) {
		yes = count_common(node->sent, e->yes[i]);
		if (yes > 0 && count_common(node->sent, e->no[i]) > 0)
			return "an answer contradicts an earlier one";
		if (yes > 1)
			return "one request is answered in two ways";
	}
	return NULL;
}

/* The slot of a pair of sides, or the free one for it. */
static uint32_t *
find_pair(const struct explorer *e, const uint32_t sides[2])
{
	size_t mask = e->pair_table.cap - 1;
	size_t i = (size_t)mix(sides[0], (uint64_t)sides[1] << 32) & mask;

	for (;; i = (i + 1) & mask) {
		uint32_t *slot = &e->pair_table.slots[i];

		if (*slot == NO_ENTRY ||
		    memcmp(e->pairs[*slot], sides, sizeof(e->pairs[0])) == 0)
			return slot;
	}
}

/* The pair of sides was not checked for progress yet. */
static bool
is_new_pair(struct explorer *e, const struct node *node)
{
	uint32_t *slot;

	if (e->pairs_n == e->pairs_cap) {
		e->pairs_cap = e->pairs_cap == 0 ? 1 << 12 : 2 * e->pairs_cap;
		e->pairs =
		    must_alloc(e->pairs, e->pairs_cap, sizeof(e->pairs[0]));
		table_clear(&e->pair_table, 2 * e->pairs_cap);
		for (size_t i = 0; i < e->pairs_n; i++)
			*find_pair(e, e->pairs[i]) = (uint32_t)i;
	}
	slot = find_pair(e, node->sides);
	if (*slot != NO_ENTRY)
		return false;
	*slot = (uint32_t)e->pairs_n;
	memcpy(e->pairs[e->pairs_n++], node->sides, sizeof(e->pairs[0]));
	return true;
}

static const char *
check_pair(struct explorer *e, const struct node *node)
{
	const char *why =
	    check_agreement(world_side(e->world, CPNP_CLIENT, node->sides[0]),
		world_side(e->world, CPNP_SERVER, node->sides[1]));

	for (int lazy = 0; why == NULL && lazy < 2; lazy++) {
		why = calm_check(
		    e->world, node->sides[0], node->sides[1], lazy == 1, 0);
		if (why != NULL)
			e->calm_why = lazy == 1 ? CALM_LAZY : CALM_EAGER;
	}
	return why;
}

/* --- the search --- */

static bool
follow(struct explorer *e, uint32_t from, struct move move)
{
	struct node node = e->nodes[from];
	const struct result *r =
	    world_move(e->world, node.sides[move.role], move);

	if (!r->is_possible ||
	    world_side(e->world, (cpnp_role)move.role, r->side)->clock >=
		MOMENTS_EXPLORED)
		return true;
	e->moves++;
	node.parent = from;
	node.move = move;
	node.sides[move.role] = r->side;
	for (size_t i = 0; i < r->sent_n; i++)
		add_message(node.sent, r->sent[i]);
	e->why = r->broken;
	if (e->why == NULL && add_node(e, &node)) {
		count_agreed(e, &node);
		e->why = check_answers(e, &node);
		if (e->why == NULL && is_new_pair(e, &node))
			e->why = check_pair(e, &node);
	}
	e->broken = node;
	return e->why == NULL;
}

/* Moves that only some scenarios have. */
static bool
is_allowed(const struct explorer *e, uint8_t act)
{
	uint32_t only_some = ACT_BIT(MORE_TIME) | ACT_BIT(WITHDRAW) |
			     ACT_BIT(UPDATE) | ACT_BIT(ACTIVATE) |
			     ACT_BIT(SCHEDULE) | ACT_BIT(DEACTIVATE) |
			     PAYMENT;

	return ((e->world->scenario->acts | ~only_some) >> act & 1) != 0;
}

static bool
expand(struct explorer *e, uint32_t from)
{
	struct move move = {0};

	for (move.role = 0; move.role < 2; move.role++)
		for (move.act = 0; move.act < ACT_DELIVER; move.act++)
			if (is_allowed(e, move.act) && !follow(e, from, move))
				return false;
	move.act = ACT_DELIVER;
	for (size_t i = 0; i < e->world->messages_n; i++) {
		if (!has_message(e->nodes[from].sent, i))
			continue;
		move.role = (uint8_t)e->world->messages[i].to;
		move.message = (uint16_t)i;
		if (!follow(e, from, move))
			return false;
	}
	return true;
}

/* Breadth first; is_all: there is nothing beyond the depth reached. */
static unsigned
search(struct explorer *e, unsigned depth_max, bool *is_all)
{
	struct node first = {.parent = NO_NODE};
	size_t begin = 0, end;
	unsigned depth;

	*is_all = false;
	first.sides[0] = world_first(e->world, CPNP_CLIENT);
	first.sides[1] = world_first(e->world, CPNP_SERVER);
	if (e->world->scenario->begun_max > 0)
		calm_agree(e->world, first.sides, first.sent);
	(void)add_node(e, &first);
	for (depth = 0; depth < depth_max && begin < e->nodes_n; depth++) {
		end = e->nodes_n;
		for (; begin < end; begin++)
			if (!expand(e, (uint32_t)begin))
				return depth + 1;
	}
	*is_all = begin == e->nodes_n;
	return depth;
}

static void
report(const struct explorer *e, unsigned depth, bool is_all)
{
	const struct world *world = e->world;
	unsigned step;

	(void)printf("%s %s: %zu states visited to depth %u%s\n",
	    e->why == NULL ? "ok" : "not ok", world->scenario->name, e->nodes_n,
	    depth, is_all ? ", which are all" : "");
	(void)printf("  %zu steps; %zu states of the client, %zu of the "
		     "server, %zu pairs of them, %zu messages; both have the "
		     "agreement in %zu states\n",
	    e->moves, world->sides_n[0], world->sides_n[1], e->pairs_n,
	    world->messages_n, e->agreed);
	if (e->why == NULL)
		return;
	(void)printf("  %s:\n", e->why);
	step = print_way(e, &e->broken);
	if (e->calm_why != CALM_NONE)
		(void)calm_check(e->world, e->broken.sides[0],
		    e->broken.sides[1], e->calm_why == CALM_LAZY, step);
}

static int
explore(const struct scenario *scenario, unsigned depth_max)
{
	static struct world world;
	static struct explorer e;
	bool is_all;
	unsigned depth;

	memset(&world, 0, sizeof(world));
	memset(&e, 0, sizeof(e));
	e.world = &world;
	world.scenario = scenario;
	world_init(&world);
	depth = search(&e, depth_max, &is_all);
	if (is_all && e.why == NULL && e.agreed == 0)
		e.why = "no way leads to an agreement";
	report(&e, depth, is_all);
	free(e.nodes);
	free(e.table.slots);
	free(e.pairs);
	free(e.pair_table.slots);
	world_fini(&world);
	return e.why == NULL ? 0 : 1;
}

#define ALL ACT_BIT(WITHDRAW) | ACT_BIT(UPDATE) | ACTIVATIONS
#define ALL_OF_DRAFT ACT_BIT(WITHDRAW) | ACT_BIT(UPDATE)
#define RFC CPNP_EDITION_RFC8921
#define DRAFT CPNP_EDITION_DRAFT02

static const struct scenario scenarios[] = {
    {"RFC 8921", RFC, false, 0, 0, false, 40},
    {"RFC 8921 with signatures", RFC, true, 0, 0, false, 40},
    {"draft-02", DRAFT, false, 0, 0, false, 40},
    {"draft-02 with signatures", DRAFT, true, 0, 0, false, 40},
    {"RFC 8921, more time", RFC, false, ACT_BIT(MORE_TIME), 0, false, 40},
    {"RFC 8921, paid", RFC, false, PAYMENT, 0, false, 40},
    {"RFC 8921, paid, with signatures", RFC, true, PAYMENT, 0, false, 40},
    {"draft-02, paid", DRAFT, false, PAYMENT, 0, false, 40},
    {"draft-02, paid, with signatures", DRAFT, true, PAYMENT, 0, false, 17},
    {"RFC 8921, confirmed", RFC, false, CONFIRM, 0, false, 40},
    {"RFC 8921, confirmed, with signatures", RFC, true, CONFIRM, 0, false, 40},
    {"draft-02, confirmed", DRAFT, false, CONFIRM, 0, false, 40},
    {"RFC 8921, UPDATE, confirmed", RFC, false, ACT_BIT(UPDATE) | CONFIRM, 1,
	false, 40},
    {"RFC 8921, UPDATE, paid", RFC, false, ACT_BIT(UPDATE) | PAYMENT, 1, false,
	40},
    {"draft-02, UPDATE, paid", DRAFT, false, ACT_BIT(UPDATE) | PAYMENT, 1,
	false, 40},
    {"RFC 8921, WITHDRAW", RFC, false, ACT_BIT(WITHDRAW), 1, false, 40},
    {"draft-02, WITHDRAW", DRAFT, false, ACT_BIT(WITHDRAW), 1, false, 40},
    {"RFC 8921, ACTIVATE", RFC, false, ACTIVATIONS, 1, false, 40},
    {"RFC 8921, two of ACTIVATE", RFC, false, ACTIVATIONS, 2, false, 40},
    {"RFC 8921, UPDATE", RFC, false, ACT_BIT(UPDATE), 1, false, 40},
    {"RFC 8921, UPDATE when Active", RFC, false, ACT_BIT(UPDATE), 1, true, 40},
    {"RFC 8921, UPDATE with signatures", RFC, true, ACT_BIT(UPDATE), 1, false,
	40},
    {"RFC 8921, UPDATE and more time", RFC, false,
	ACT_BIT(UPDATE) | ACT_BIT(MORE_TIME), 1, false, 40},
    {"draft-02, UPDATE", DRAFT, false, ACT_BIT(UPDATE), 1, false, 40},
    {"draft-02, UPDATE with signatures", DRAFT, true, ACT_BIT(UPDATE), 1, false,
	40},
    {"RFC 8921, two of any", RFC, false, ALL, 2, false, 13},
    {"RFC 8921, two of any with signatures", RFC, true, ALL, 2, false, 11},
    {"draft-02, two of any", DRAFT, false, ALL_OF_DRAFT, 2, false, 14},
    {"RFC 8921, three of any", RFC, false, ALL, 3, false, 9},
    {"draft-02, three of any", DRAFT, false, ALL_OF_DRAFT, 3, false, 10},
};

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: explore [DEPTH [NAME]], a depth from 1 to 1000 and the "
	    "beginning of the name of a scenario\n");
	return 2;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : "";
	char *end = NULL;
	unsigned long depth = 0;
	int bad = 0, done = 0;

	if (argc > 1 && argv[1][0] != '\0') {
		errno = 0;
		depth = strtoul(argv[1], &end, 10);
		if (errno != 0 || *end != '\0' || depth == 0 || depth > 1000)
			return usage();
	}
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strncmp(scenarios[i].name, name, strlen(name)) != 0)
			continue;
		bad = explore(&scenarios[i],
		    depth != 0 ? (unsigned)depth : scenarios[i].depth);
		(void)fflush(stdout);
		done++;
		if (bad != 0)
			break;
	}
	return done == 0 ? usage() : bad;
}
