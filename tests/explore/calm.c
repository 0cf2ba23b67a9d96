/*
 * Progress: from every state that was visited, a world that has become kind
 * brings both sides to the same end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "explore.h"

#define MOVES_MAX 300
#define QUEUE_MAX 64
#define PRINTED_MAX 16
#define REPEATS 6 /* of each side, before time passes */

struct calm {
	struct world *world;
	uint32_t sides[2];
	bool is_lazy;
	uint16_t queue[QUEUE_MAX];
	size_t queue_n;
	unsigned repeats;
	uint64_t *sent; /* all messages so far, when it is not NULL */
	unsigned step;  /* of the way that is printed, 0: none is */
	unsigned printed;
};

static const struct side *
at(const struct calm *c, int role)
{
	return world_side(c->world, (cpnp_role)role, c->sides[role]);
}

static void
tell(struct calm *c, struct move move, const struct result *result)
{
	if (c->step == 0)
		return;
	c->step++;
	if (c->printed++ < PRINTED_MAX)
		print_move(c->world, c->step, move, result, c->sides);
}

/* True when the move was possible. */
static bool
try_move(struct calm *c, int role, enum act act, uint16_t message)
{
	struct move move = {
	    .act = (uint8_t)act, .role = (uint8_t)role, .message = message};
	const struct result *r = world_move(c->world, c->sides[role], move);

	if (!r->is_possible)
		return false;
	c->sides[role] = r->side;
	tell(c, move, r);
	for (size_t i = 0; i < r->sent_n && c->queue_n < QUEUE_MAX; i++) {
		c->queue[c->queue_n++] = r->sent[i];
		if (c->sent != NULL)
			c->sent[r->sent[i] / 64] |= UINT64_C(1)
						    << r->sent[i] % 64;
	}
	return true;
}

static bool
deliver(struct calm *c)
{
	uint16_t message = c->queue[0];

	if (c->queue_n == 0)
		return false;
	c->queue_n--;
	for (size_t i = 0; i < c->queue_n; i++)
		c->queue[i] = c->queue[i + 1];
	return try_move(
	    c, (int)c->world->messages[message].to, ACT_DELIVER, message);
}

/* What applications do; a signature is made in any case, an order that was
 * created is begun or given up, and an ACTIVATE and a payment are decided, for
 * nothing else ends them. */
static bool
answer(struct calm *c)
{
	if (try_move(c, CPNP_CLIENT, ACT_SIGNED, 0) ||
	    try_move(c, CPNP_SERVER, ACT_SIGNED, 0) ||
	    try_move(c, CPNP_CLIENT, ACT_START, 0))
		return true;
	if (at(c, CPNP_CLIENT)->state == CPNP_STATE_CREATED)
		return try_move(c, CPNP_CLIENT, ACT_CANCEL, 0);
	if (c->is_lazy)
		return (at(c, CPNP_SERVER)->state == CPNP_STATE_COMPLETED &&
			   try_move(c, CPNP_SERVER, ACT_REFUSE, 0)) ||
		       try_move(c, CPNP_SERVER, ACT_NOT_PAID, 0);
	return try_move(c, CPNP_SERVER, ACT_BIND, 0) ||
	       try_move(c, CPNP_SERVER, ACT_PAID, 0) ||
	       try_move(c, CPNP_SERVER, ACT_OFFER, 0) ||
	       try_move(c, CPNP_SERVER, ACT_GRANT, 0) ||
	       try_move(c, CPNP_CLIENT, ACT_ACCEPT, 0);
}

static bool
pass_time(struct calm *c)
{
	bool has_passed;

	if (try_move(c, CPNP_CLIENT, ACT_DEADLINE, 0) ||
	    try_move(c, CPNP_SERVER, ACT_DEADLINE, 0) ||
	    try_move(c, CPNP_CLIENT, ACT_SERVICE, 0) ||
	    try_move(c, CPNP_SERVER, ACT_SERVICE, 0))
		return true;
	if (c->repeats++ < REPEATS) {
		(void)try_move(c, CPNP_CLIENT, ACT_RETRANS, 0);
		(void)try_move(c, CPNP_SERVER, ACT_RETRANS, 0);
		return true;
	}
	c->repeats = 0;
	has_passed = try_move(c, CPNP_CLIENT, ACT_CLOCK, 0);
	return try_move(c, CPNP_SERVER, ACT_CLOCK, 0) || has_passed;
}

static bool
is_over(const struct calm *c)
{
	return c->queue_n == 0 && at(c, CPNP_CLIENT)->is_settled &&
	       !at(c, CPNP_CLIENT)->is_scheduled &&
	       !at(c, CPNP_SERVER)->is_scheduled &&
	       (!at(c, CPNP_SERVER)->in_store ||
		   at(c, CPNP_SERVER)->is_settled);
}

static const char *
judge(const struct calm *c)
{
	const struct side *client = at(c, CPNP_CLIENT);
	const struct side *server = at(c, CPNP_SERVER);

	if (!client->is_settled)
		return "the client never comes to an end";
	if (server->in_store && !server->is_settled)
		return "the server never comes to an end";
	if (c->queue_n > 0)
		return "the two never fall silent";
	if ((client->state == CPNP_STATE_COMPLETED) !=
	    (server->state == CPNP_STATE_COMPLETED))
		return "the two end in different states";
	if (client->agreement != server->agreement)
		return "the two end with the agreement in different states";
	if (side_stands(client) && memcmp(client->standing, server->standing,
				       sizeof(client->standing)) != 0)
		return "the two end with different agreements";
	if (server->ledger.held)
		return "capacity is never released";
	if (server->ledger.bought != side_stands(server))
		return "what is bought is not what was agreed";
	if (server->ledger.money != MONEY_NONE)
		return "what was paid is for no agreement";
	return NULL;
}

void
calm_agree(struct world *world, uint32_t sides[2], uint64_t sent[SET_WORDS])
{
	struct calm c = {
	    .world = world, .sides = {sides[0], sides[1]}, .sent = sent};

	while (deliver(&c) || answer(&c))
		continue;
	if (world->scenario->is_active)
		must(try_move(&c, CPNP_CLIENT, ACT_ACTIVATE, 0),
		    "an agreement is not activated");
	while (deliver(&c) || answer(&c))
		continue;
	must(judge(&c) == NULL && side_stands(at(&c, CPNP_CLIENT)),
	    "there is no agreement to begin with");
	memcpy(sides, c.sides, sizeof(c.sides));
}

const char *
calm_check(struct world *world, uint32_t client, uint32_t server, bool is_lazy,
    unsigned step)
{
	struct calm c = {.world = world,
	    .sides = {client, server},
	    .is_lazy = is_lazy,
	    .step = step};

	if (step > 0)
		(void)printf("     all that is under way is lost, and nothing "
			     "from now on%s:\n",
		    is_lazy ? "; no application answers" : "");

	for (int i = 0; i < MOVES_MAX && !is_over(&c); i++)
		if (!deliver(&c) && !answer(&c) && !pass_time(&c))
			break;
	if (c.printed > PRINTED_MAX)
		(void)printf("     ... and so on, %u steps in all\n", c.step);
	return judge(&c);
}
