/*
 * A move in words.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>

#include "explore.h"

static const char *
act_words(enum act act)
{
	switch (act) {
	case ACT_START:
		return "starts the order";
	case ACT_ACCEPT:
		return "accepts";
	case ACT_DECLINE:
		return "declines";
	case ACT_CANCEL:
		return "cancels";
	case ACT_OFFER:
		return "decides on an offer";
	case ACT_REFUSE:
		return "refuses";
	case ACT_SIGNED:
		return "signs";
	case ACT_SIGN_FAILED:
		return "cannot sign";
	case ACT_MORE_TIME:
		return "asks for more time";
	case ACT_WITHDRAW:
		return "withdraws";
	case ACT_UPDATE:
		return "updates";
	case ACT_ACTIVATE:
		return "activates";
	case ACT_SCHEDULE:
		return "activates from one date to another";
	case ACT_DEACTIVATE:
		return "deactivates";
	case ACT_GRANT:
		return "grants it";
	case ACT_BIND:
		return "gives the payment to the ledger";
	case ACT_PAID:
		return "is told that it is paid";
	case ACT_NOT_PAID:
		return "is told that it is not paid";
	case ACT_SERVICE:
		return "sees a date of the service come";
	case ACT_RETRANS:
		return "repeats its message";
	case ACT_DEADLINE:
		return "sees its date pass";
	case ACT_LINGER:
		return "forgets the settled order";
	case ACT_CLOCK:
		return "lets time pass";
	case ACT_CRASH:
		return "crashes and restarts";
	case ACT_DELIVER:
		return "receives";
	}
	return "?";
}

static void
print_message(const struct world *world, uint16_t message)
{
	const struct message *m = &world->messages[message];

	(void)printf(" %s [%u]",
	    cpnp_method_name(world->scenario->edition, (int)m->method),
	    message);
}

static void
print_state(const struct side *side)
{
	(void)printf("%s", cpnp_state_name(side->state));
	if (side->agreement > CPNP_AGREEMENT_COMPLETED)
		(void)printf(
		    " (%s)", cpnp_agreement_state_name(side->agreement));
}

void
print_move(const struct world *world, unsigned step, struct move move,
    const struct result *result, const uint32_t sides[2])
{
	(void)printf("%3u. the %s %s", step,
	    move.role == CPNP_CLIENT ? "client" : "server",
	    act_words((enum act)move.act));
	if (move.act == ACT_DELIVER)
		print_message(world, move.message);
	if (result->sent_n > 0)
		(void)printf(" and sends");
	for (size_t i = 0; i < result->sent_n; i++)
		print_message(world, result->sent[i]);
	(void)printf(": ");
	print_state(world_side(world, CPNP_CLIENT, sides[0]));
	(void)printf(", ");
	print_state(world_side(world, CPNP_SERVER, sides[1]));
	(void)printf("\n");
}
