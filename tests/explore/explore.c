/*
 * Every interleaving of one order, breadth first, up to a depth.
 *
 * Usage: explore [DEPTH]
 *
 * Without a depth it goes on until every state that there is was visited, as
 * long as that is within 40 steps.
 *
 * A message that was sent may arrive at any later time, any number of times
 * and in any order, or never: the channel is the set of all that was sent.
 * Either side may crash after every step, and what is local may happen
 * whenever the interface allows it.  The first violation found is one of the
 * shortest; the way to it is printed in words, where a number in brackets
 * tells messages of the same method from each other.
 *
 * Held against every state that is visited:
 *	- no answer contradicts an earlier one: the ACK of an ACCEPT is said
 *	  in one way, and never together with a FAIL or another ACK;
 *	- both sides agree, or one message makes the difference: the ACK of an
 *	  ACCEPT that the client has sent and is waiting for;
 *	- capacity is held once, and bought or released once;
 *	- what is accepted is accepted in time and under its NONCE, and a
 *	  replayed message changes nothing;
 *	- no order is stuck: when all that is under way is lost, and nothing
 *	  from then on, both sides end, in the same state, with the capacity
 *	  released or bought, whether the applications answer or not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

#define NO_NODE UINT32_MAX

struct node {
	uint32_t sides[2];
	uint32_t parent;
	struct move move;
	uint64_t sent[SET_WORDS];
};

struct table {
	uint32_t *slots;
	size_t cap; /* power of two */
	size_t n;
};

struct explorer {
	struct world *world;
	struct node *nodes;
	size_t nodes_n;
	size_t nodes_cap;
	struct table table; /* of nodes */
	uint64_t yes[SET_WORDS]; /* messages that are such a verdict */
	uint64_t no[SET_WORDS];
	uint8_t *calm; /* [client][server]: was it checked? */
	size_t calm_n[2];
	size_t moves;
	size_t pairs;
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
	e->table.cap = cap * 2;
	e->table.slots =
	    must_alloc(e->table.slots, e->table.cap, sizeof(uint32_t));
	memset(e->table.slots, 0xff, e->table.cap * sizeof(uint32_t));
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

static const char *
check_agreement(const struct side *client, const struct side *server)
{
	bool is_client = client->state == CPNP_STATE_COMPLETED;
	bool is_server = server->state == CPNP_STATE_COMPLETED;

	if (is_client && !is_server)
		return "the client has an agreement and the server has none";
	if (is_client &&
	    memcmp(client->digest, server->digest, sizeof(client->digest)) !=
		0)
		return "the two agree on different things";
	if (is_server && !is_client && !client->accept_sent)
		return "the server has an agreement without an ACCEPT";
	if (is_server && !is_client && client->is_settled)
		return "the server has an agreement, and the client is settled "
		       "without one";
	return NULL;
}

static void
count_agreed(struct explorer *e, const struct node *node)
{
	for (int role = 0; role < 2; role++)
		if (world_side(e->world, (cpnp_role)role, node->sides[role])
			->state != CPNP_STATE_COMPLETED)
			return;
	e->agreed++;
}

static const char *
check_answers(struct explorer *e, const struct node *node)
{
	int yes;

	for (size_t i = 0; i < e->world->messages_n; i++) {
		if (e->world->messages[i].verdict == VERDICT_YES)
			add_message(e->yes, (uint16_t)i);
		if (e->world->messages[i].verdict == VERDICT_NO)
			add_message(e->no, (uint16_t)i);
	}
	yes = count_common(node->sent, e->yes);
	if (yes > 0 && count_common(node->sent, e->no) > 0)
		return "an answer contradicts an earlier one";
	return yes > 1 ? "the ACCEPT is answered in two ways" : NULL;
}

/* The pair of sides was not checked for progress yet. */
static bool
is_new_pair(struct explorer *e, const struct node *node)
{
	size_t n[2] = {e->calm_n[0], e->calm_n[1]};
	uint8_t *calm;

	if (node->sides[0] >= n[0] || node->sides[1] >= n[1]) {
		for (int i = 0; i < 2; i++)
			while (n[i] <= node->sides[i])
				n[i] = n[i] == 0 ? 256 : 2 * n[i];
		calm = must_alloc(NULL, n[0], n[1]);
		memset(calm, 0, n[0] * n[1]);
		for (size_t i = 0; i < e->calm_n[0]; i++)
			memcpy(&calm[i * n[1]], &e->calm[i * e->calm_n[1]],
			    e->calm_n[1]);
		free(e->calm);
		e->calm = calm;
		memcpy(e->calm_n, n, sizeof(n));
	}
	calm = &e->calm[node->sides[0] * n[1] + node->sides[1]];
	if (*calm != 0)
		return false;
	*calm = 1;
	e->pairs++;
	return true;
}

static const char *
check_pair(struct explorer *e, const struct node *node)
{
	const char *why = check_agreement(
	    world_side(e->world, CPNP_CLIENT, node->sides[0]),
	    world_side(e->world, CPNP_SERVER, node->sides[1]));

	for (int lazy = 0; why == NULL && lazy < 2; lazy++) {
		why = calm_check(e->world, node->sides[0], node->sides[1],
		    lazy == 1, 0);
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

static bool
expand(struct explorer *e, uint32_t from)
{
	struct move move = {0};

	for (move.role = 0; move.role < 2; move.role++)
		for (move.act = 0; move.act < ACT_DELIVER; move.act++)
			if (!follow(e, from, move))
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
	    e->why == NULL ? "ok" : "not ok", world->name, e->nodes_n, depth,
	    is_all ? ", which are all" : "");
	(void)printf("  %zu steps; %zu states of the client, %zu of the "
		     "server, %zu pairs of them, %zu messages; both have the "
		     "agreement in %zu states\n",
	    e->moves, world->sides_n[0], world->sides_n[1], e->pairs,
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
explore(const char *name, cpnp_edition edition, bool sign, unsigned depth_max)
{
	static struct world world;
	struct explorer e = {.world = &world};
	bool is_all;
	unsigned depth;

	memset(&world, 0, sizeof(world));
	world.name = name;
	world.edition = edition;
	world.sign = sign;
	world_init(&world);
	depth = search(&e, depth_max, &is_all);
	if (is_all && e.why == NULL && e.agreed == 0)
		e.why = "no way leads to an agreement";
	report(&e, depth, is_all);
	free(e.nodes);
	free(e.table.slots);
	free(e.calm);
	world_fini(&world);
	return e.why == NULL ? 0 : 1;
}

int
main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long depth = 40;
	int bad = 0;

	if (argc > 1 && argv[1][0] != '\0') {
		errno = 0;
		depth = strtoul(argv[1], &end, 10);
		if (errno != 0 || *end != '\0' || depth == 0 || depth > 1000) {
			(void)fprintf(stderr,
			    "usage: explore [DEPTH], a depth from 1 to 1000\n");
			return 2;
		}
	}
	bad |= explore("RFC 8921", CPNP_EDITION_RFC8921, false,
	    (unsigned)depth);
	bad |= explore("RFC 8921 with signatures", CPNP_EDITION_RFC8921, true,
	    (unsigned)depth);
	bad |=
	    explore("draft-02", CPNP_EDITION_DRAFT02, false, (unsigned)depth);
	bad |= explore("draft-02 with signatures", CPNP_EDITION_DRAFT02, true,
	    (unsigned)depth);
	return bad;
}
