/*
 * A client and a server with several orders over a link that loses,
 * duplicates, delays and reorders, with crashes of either side and commits
 * that fail and wall clocks that are set, at every moment; and with WITHDRAW,
 * UPDATE and ACTIVATE on what they agree, and offers that are to be paid for.
 * Everything is drawn from a seed.
 *
 *	sim [SEED [ROUNDS]]		or SEED and ROUNDS in the environment
 *
 * Afterwards the link is calm, and when all timers have had their time, both
 * sides agree on every order, and every agreement can be withdrawn.  A
 * violation is printed with the seed of its round: sim SEED 1 repeats exactly
 * that.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* The rough time, and the calm time after it: an offer is valid for two
 * minutes, and a waiting client repeats every five. */
#define ROUGH CPNP_SECONDS(240)
#define CALM CPNP_SECONDS(7200)

unsigned
sim_dice(struct world *world, unsigned n)
{
	return n == 0 ? 0 : (unsigned)(peer_random(&world->dice) % n);
}

bool
sim_chance(struct world *world, unsigned percent)
{
	return sim_dice(world, 100) < percent;
}

void
sim_break(struct world *world, const char *what)
{
	if (world->broken == NULL)
		world->broken = what;
}

static bool
is_before(const struct todo *a, const struct todo *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void
sim_later(struct world *world, struct todo todo, cpnp_tstamp delay)
{
	size_t i = world->todos_n;

	if (world->todos_n == world->todos_cap) {
		world->todos_cap = 2 * world->todos_cap + 64;
		world->todos =
		    realloc(world->todos, world->todos_cap * sizeof(todo));
		if (world->todos == NULL)
			abort();
	}
	todo.at = world->now + delay;
	todo.order = world->todos_made++;
	/* sorted, the next one last */
	for (; i > 0 && is_before(&world->todos[i - 1], &todo); i--)
		world->todos[i] = world->todos[i - 1];
	world->todos[i] = todo;
	world->todos_n++;
}

void
sim_send(struct side *from, const uint8_t *bytes, size_t len)
{
	struct world *world = from->world;
	unsigned copies = 1;

	if (!world->is_calm) {
		if (sim_chance(world, world->loss))
			copies = 0;
		else if (sim_chance(world, world->twice))
			copies = 2;
	}
	while (copies-- > 0) {
		struct todo todo = {
		    .kind = TODO_ARRIVE, .side = from->other, .len = len};

		todo.bytes = malloc(len);
		if (todo.bytes == NULL)
			abort();
		memcpy(todo.bytes, bytes, len);
		sim_later(world, todo,
		    CPNP_MILLISECONDS(1) +
			peer_random(&world->dice) % world->delay_max);
	}
}

static void
begin(struct world *world, uint64_t seed)
{
	bool client_signs, server_signs;

	memset(world, 0, sizeof(*world));
	peer_env_init(&world->dice, seed);
	world->now = CPNP_SECONDS(1000);
	world->edition =
	    sim_chance(world, 60) ? CPNP_EDITION_RFC8921 : CPNP_EDITION_DRAFT02;
	world->exact = sim_chance(world, 50);
	world->terms = sim_chance(world, 50) ? sim_dice(world, 101) : 0;
	world->orders_n = 1 + sim_dice(world, ORDERS_MAX);
	world->loss = sim_chance(world, 70) ? sim_dice(world, 50) : 0;
	world->twice = sim_dice(world, 40);
	world->crash = sim_chance(world, 60) ? sim_dice(world, 60) : 0;
	world->commit_fails = sim_chance(world, 30) ? sim_dice(world, 200) : 0;
	world->clock_steps = sim_chance(world, 30) ? sim_dice(world, 20) : 0;
	world->delay_max = CPNP_MILLISECONDS(1 + sim_dice(world, 8000));
	client_signs = sim_chance(world, 60);
	server_signs = sim_chance(world, 80) ? client_signs : !client_signs;
	side_init(&world->client, world, &world->server, "acme.example",
	    "carrier.example", client_signs);
	side_init(&world->server, world, &world->client, "carrier.example",
	    "acme.example", server_signs);
	for (unsigned id = 0; id < world->orders_n; id++)
		side_create(&world->client, id);
}

static void
end(struct world *world)
{
	for (size_t i = 0; i < world->todos_n; i++)
		free(world->todos[i].bytes);
	free(world->todos);
	side_fini(&world->client);
	side_fini(&world->server);
}

static cpnp_tstamp
expiry_of(const struct side *side)
{
	return cpnp_orders_expiry(side->peer.orders);
}

/* The next thing that happens, not after until; false when there is none. */
static bool
step(struct world *world, cpnp_tstamp until)
{
	struct side *sides[] = {&world->client, &world->server};
	struct side *due = NULL;
	cpnp_tstamp at = until;
	struct todo todo;

	for (int i = 0; i < 2; i++)
		if (expiry_of(sides[i]) < at) {
			at = expiry_of(sides[i]);
			due = sides[i];
		}
	if (world->todos_n > 0 && world->todos[world->todos_n - 1].at <= at) {
		todo = world->todos[--world->todos_n];
		if (todo.at > world->now)
			world->now = todo.at;
		if (todo.kind == TODO_ARRIVE || todo.kind == TODO_LEDGER ||
		    todo.epoch == todo.side->epoch)
			side_do(todo.side, &todo);
		free(todo.bytes);
	} else if (due != NULL) {
		if (at > world->now)
			world->now = at;
		side_run_timer(due);
	} else {
		return false;
	}
	if (!world->is_calm && sim_dice(world, 1000) < world->crash)
		side_crash(sides[sim_dice(world, 2)]);
	if (!world->is_calm && sim_dice(world, 1000) < world->clock_steps)
		side_step_clock(sides[sim_dice(world, 2)]);
	return world->broken == NULL;
}

static cpnp_agreement_state
agreement_state_of(const cpnp_order *order)
{
	return order == NULL ? CPNP_AGREEMENT_NONE
			     : cpnp_order_agreement_state(order);
}

/* Both have the same agreement, in the same state. */
static void
check_agreement(
    struct world *world, const cpnp_order *client, const cpnp_order *server)
{
	static cpnp_agreement a, b;
	cpnp_agreement_state state = agreement_state_of(client);

	if (state != agreement_state_of(server)) {
		sim_break(world, "the agreement is in different states");
		return;
	}
	if (state == CPNP_AGREEMENT_NONE || state == CPNP_AGREEMENT_ENDED)
		return;
	if (cpnp_order_get_standing(client, &a) != 0 ||
	    cpnp_order_get_standing(server, &b) != 0)
		sim_break(world, "an agreement has nothing in it");
	else if (!cpnp_bytes_equal(a.nonce, b.nonce) ||
		 !cpnp_bytes_equal(
		     a.service_description, b.service_description) ||
		 a.validity.sec != b.validity.sec)
		sim_break(world, "the two agree on different things");
}

static void
run(struct world *world, cpnp_tstamp time)
{
	cpnp_tstamp until = world->now + time;

	while (step(world, until))
		;
	if (world->broken == NULL && world->now < until)
		world->now = until;
}

/* Orders that have left memory are read back, for what was scheduled; then
 * both sides have the same agreements, and all can be withdrawn. */
static void
close_orders(struct world *world)
{
	for (unsigned id = 0; id < world->orders_n; id++) {
		(void)side_get(&world->client, id);
		(void)side_get(&world->server, id);
	}
	run(world, CPNP_SECONDS(10));
	for (unsigned id = 0; id < world->orders_n; id++) {
		check_agreement(world, side_get(&world->client, id),
		    side_get(&world->server, id));
		side_withdraw(&world->client, id);
	}
	run(world, CPNP_SECONDS(1000));
}

static void
check_order(struct world *world, unsigned id)
{
	char name[16];
	const struct peer_record *client, *server;

	(void)snprintf(name, sizeof(name), "o%u", id);
	client = peer_find_record(
	    &world->client.peer, CPNP_CLIENT, "carrier.example", name);
	server = peer_find_record(
	    &world->server.peer, CPNP_SERVER, "acme.example", name);
	if (client == NULL) {
		/* It crashed before the first commit, and sent nothing. */
		if (server != NULL || world->client.wires[id].n > 0)
			sim_break(world, "the client has lost an order");
		return;
	}
	if (!client->is_settled)
		sim_break(world, "the client is stuck");
	if (server != NULL && !server->is_settled)
		sim_break(world, "the server is stuck");
	if (client->completed != client->ended)
		sim_break(world, "an agreement cannot be withdrawn");
	if (client->completed > 1 || (server != NULL && server->completed > 1))
		sim_break(world, "an order was agreed twice");
	if (server != NULL && client->ended != server->ended)
		sim_break(world, "the agreement has ended on one side only");
	if (client->ended > 1)
		sim_break(world, "an agreement has ended twice");
	world->completed += client->completed;
}

/* Before the end, at which all are. */
static void
count_ended(struct world *world)
{
	const struct peer *client = &world->client.peer;

	for (size_t i = 0; i < client->records_n; i++)
		world->withdrawn += client->records[i].ended;
}

static void
print_broken(const struct world *world, uint64_t seed)
{
	const struct side *sides[] = {&world->client, &world->server};

	(void)printf("sim: seed %" PRIu64 ": %s\n", seed, world->broken);
	for (int i = 0; i < 2; i++)
		for (size_t j = 0; j < sides[i]->peer.records_n; j++) {
			const struct peer_record *r =
			    &sides[i]->peer.records[j];

			(void)printf("  %s %s: %s%s\n", sides[i]->peer.name,
			    r->id, cpnp_state_name(r->state),
			    r->is_settled ? ", settled" : "");
		}
}

struct totals {
	uint64_t orders;
	uint64_t completed;
	uint64_t withdrawn;
	uint64_t updates;
	uint64_t updated;
	uint64_t activations;
	uint64_t activated;
	uint64_t events;
	uint64_t crashes;
	uint64_t payments;
	uint64_t paid;
};

static bool
run_round(uint64_t seed, struct totals *totals)
{
	static struct world world;
	bool good;

	begin(&world, seed);
	run(&world, ROUGH);
	world.is_calm = true;
	run(&world, CALM);
	count_ended(&world);
	close_orders(&world);
	for (unsigned id = 0; id < world.orders_n; id++)
		check_order(&world, id);
	side_check_payments(&world);
	good = world.broken == NULL;
	if (!good)
		print_broken(&world, seed);
	totals->orders += world.orders_n;
	totals->completed += world.completed;
	totals->withdrawn += world.withdrawn;
	totals->updates += world.updates;
	totals->updated += world.updated;
	totals->activations += world.activations;
	totals->activated += world.activated;
	totals->events += world.events;
	totals->crashes += world.crashes;
	for (size_t i = 0; i < world.payments_n; i++)
		totals->paid += world.payments[i].is_agreed;
	totals->payments += world.payments_n;
	end(&world);
	return good;
}

static uint64_t
number(int argc, char **argv, int arg, const char *name, uint64_t otherwise)
{
	const char *text = argc > arg ? argv[arg] : getenv(name);

	return text == NULL || *text == '\0' ? otherwise
					     : strtoull(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	uint64_t seed = number(argc, argv, 1, "SEED", 1);
	uint64_t rounds = number(argc, argv, 2, "ROUNDS", 1000);
	struct totals totals = {0};
	uint64_t bad = 0;

	for (uint64_t i = 0; i < rounds && bad < 5; i++)
		if (!run_round(seed + i, &totals))
			bad++;
	(void)printf("sim: seed %" PRIu64 ", %" PRIu64 " rounds, %" PRIu64
		     " orders (%" PRIu64 " agreed, %" PRIu64 " ended; %" PRIu64
		     " of %" PRIu64 " updates and %" PRIu64 " of %" PRIu64
		     " activations; %" PRIu64 " of %" PRIu64
		     " paid), %" PRIu64 " events, %" PRIu64
		     " crashes, %" PRIu64 " violations\n",
	    seed, rounds, totals.orders, totals.completed, totals.withdrawn,
	    totals.updated, totals.updates, totals.activated,
	    totals.activations, totals.paid, totals.payments, totals.events,
	    totals.crashes, bad);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
