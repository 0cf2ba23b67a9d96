/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "session.h"

/* "quote", or "order ACCEPT" with "WHOLE.BILLIONTHS CODE" behind it when
 * there is a highest price. */
void
cpnpc_intent_format(const cpnpc_intent *intent, char out[CPNPC_INTENT_LEN])
{
	const cpnpc_price *price = &intent->max_price;
	int n;

	n = snprintf(out, CPNPC_INTENT_LEN, "%s %s",
	    intent->goal == CPNPC_GOAL_QUOTE ? "quote" : "order",
	    cpnpc_accept_name(intent->accept));
	if (price->is_set)
		snprintf(out + n, CPNPC_INTENT_LEN - (size_t)n,
		    " %" PRId64 ".%09" PRIu32 " %s", price->whole,
		    price->billionths, price->code);
}

int
cpnpc_intent_parse(cpnp_bytes text, cpnpc_intent *intent)
{
	char copy[CPNPC_INTENT_LEN], *save = NULL, *goal, *accept, *price;
	cpnpc_intent i = {0};

	if (text.len == 0 || text.len >= sizeof(copy))
		return CPNP_ERR_INVALID;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	goal = strtok_r(copy, " ", &save);
	accept = strtok_r(NULL, " ", &save);
	price = strtok_r(NULL, "", &save);
	if (goal == NULL || accept == NULL)
		return CPNP_ERR_INVALID;
	if (strcmp(goal, "quote") == 0)
		i.goal = CPNPC_GOAL_QUOTE;
	else if (strcmp(goal, "order") == 0)
		i.goal = CPNPC_GOAL_ORDER;
	else
		return CPNP_ERR_INVALID;
	while (strcmp(accept, cpnpc_accept_name(i.accept)) != 0)
		if (i.accept++ == CPNPC_ACCEPT_NEVER)
			return CPNP_ERR_INVALID;
	if (price != NULL && cpnpc_price_parse(price, &i.max_price) != 0)
		return CPNP_ERR_INVALID;
	*intent = i;
	return 0;
}
