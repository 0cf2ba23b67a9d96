/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

/* "=NUMBER/OF/RULE/DEADLINE/ID", since an ID may have any of these signs. */
static int
parse_member(char *text, cpnpc_member *set)
{
	char *save = NULL, *end;
	const char *part[4];
	size_t i;

	for (i = 0; i < 4; i++) {
		part[i] = strtok_r(i == 0 ? text : NULL, "/", &save);
		if (part[i] == NULL)
			return CPNP_ERR_INVALID;
	}
	set->number = (unsigned)strtoul(part[0], &end, 10);
	if (*end != '\0' || set->number == 0 || set->number > CPNPC_SET_MAX)
		return CPNP_ERR_INVALID;
	set->of = (unsigned)strtoul(part[1], &end, 10);
	if (*end != '\0' || set->of < set->number || set->of > CPNPC_SET_MAX)
		return CPNP_ERR_INVALID;
	set->deadline.sec = (int64_t)strtoll(part[3], &end, 10);
	if (*end != '\0' || save == NULL || save[0] == '\0' ||
	    strlen(save) > CPNPC_SET_ID_MAX)
		return CPNP_ERR_INVALID;
	snprintf(set->id, sizeof(set->id), "%s", save);
	return cpnpc_rule_parse(part[2], &set->rule);
}

static const struct {
	cpnpc_goal goal;
	const char *name;
} goals[] = {{CPNPC_GOAL_ORDER, "order"}, {CPNPC_GOAL_QUOTE, "quote"},
    {CPNPC_GOAL_UPDATE, "update"}};

#define GOALS_N (sizeof(goals) / sizeof(goals[0]))

static const char *
goal_name(cpnpc_goal goal)
{
	size_t i;

	for (i = 0; i < GOALS_N; i++)
		if (goals[i].goal == goal)
			return goals[i].name;
	return goals[0].name;
}

static int
parse_goal(const char *text, cpnpc_goal *goal)
{
	size_t i;

	for (i = 0; i < GOALS_N; i++)
		if (strcmp(goals[i].name, text) == 0) {
			*goal = goals[i].goal;
			return 0;
		}
	return CPNP_ERR_INVALID;
}

/* "quote ACCEPT", "order ACCEPT" or "update ACCEPT", then "@HOST:PORT" when the
 * server was found by its domain or is one of several, the set that the order
 * is a member of, and "WHOLE.BILLIONTHS CODE" when there is a highest price. */
void
cpnpc_intent_format(const cpnpc_intent *intent, char out[CPNPC_INTENT_LEN])
{
	const cpnpc_price *price = &intent->max_price;
	bool has_server = intent->server[0] != '\0';
	int n;

	n = snprintf(out, CPNPC_INTENT_LEN, "%s %s%s%s",
	    goal_name(intent->goal),
	    cpnpc_accept_name(intent->accept), has_server ? " @" : "",
	    intent->server);
	if (intent->set.id[0] != '\0')
		n += snprintf(out + n, CPNPC_INTENT_LEN - (size_t)n,
		    " =%u/%u/%s/%" PRId64 "/%s", intent->set.number,
		    intent->set.of, cpnpc_rule_name(intent->set.rule),
		    intent->set.deadline.sec, intent->set.id);
	if (price->is_set)
		snprintf(out + n, CPNPC_INTENT_LEN - (size_t)n,
		    " %" PRId64 ".%09" PRIu32 " %s", price->whole,
		    price->billionths, price->code);
}

int
cpnpc_intent_parse(cpnp_bytes text, cpnpc_intent *intent)
{
	char copy[CPNPC_INTENT_LEN], *save = NULL, *goal, *accept, *price;
	size_t len;
	cpnpc_intent i = {0};

	if (text.len == 0 || text.len >= sizeof(copy))
		return CPNP_ERR_INVALID;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	goal = strtok_r(copy, " ", &save);
	accept = strtok_r(NULL, " ", &save);
	price = strtok_r(NULL, "", &save);
	if (price != NULL && price[0] == '@') {
		len = strcspn(++price, " ");
		if (len == 0 || len >= sizeof(i.server))
			return CPNP_ERR_INVALID;
		memcpy(i.server, price, len);
		price += len;
		price = price[0] == ' ' ? price + 1 : NULL;
	}
	if (price != NULL && price[0] == '=') {
		char *member = strtok_r(price + 1, " ", &save);

		price = strtok_r(NULL, "", &save);
		if (member == NULL || parse_member(member, &i.set) != 0)
			return CPNP_ERR_INVALID;
	}
	if (goal == NULL || accept == NULL)
		return CPNP_ERR_INVALID;
	if (parse_goal(goal, &i.goal) != 0)
		return CPNP_ERR_INVALID;
	while (strcmp(accept, cpnpc_accept_name(i.accept)) != 0)
		if (i.accept++ == CPNPC_ACCEPT_NEVER)
			return CPNP_ERR_INVALID;
	if (price != NULL && cpnpc_price_parse(price, &i.max_price) != 0)
		return CPNP_ERR_INVALID;
	*intent = i;
	return 0;
}
