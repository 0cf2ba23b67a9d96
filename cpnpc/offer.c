/*
 * An offer held against its request, and what the settings say to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cpnp/cpd.h>
#include <cpnp/net.h>

#include "cpnpc.h"

/* Both documents, when both are of the type that we know. */
static int
compare(cpnpc_offer *offer)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	uint64_t wanted = 0, offered = 0;
	int err;

	err = cpnp_service_type(offer->request.service_description, &wanted);
	if (err == 0)
		err = cpnp_service_type(
		    offer->offer.service_description, &offered);
	if (err != 0)
		return err;
	if (wanted != CPNP_SERVICE_CPD || offered != CPNP_SERVICE_CPD) {
		offer->exact =
		    cpnp_bytes_equal(offer->request.service_description,
			offer->offer.service_description);
		snprintf(offer->difference.where,
		    sizeof(offer->difference.where), "service description");
		snprintf(offer->difference.why, sizeof(offer->difference.why),
		    "it is not the one requested");
		return 0;
	}
	offer->is_cpd = true;
	err = cpnp_cpd_decode(&offer->wanted,
	    offer->request.service_description, mem, &offer->difference);
	if (err == 0)
		err = cpnp_cpd_decode(&offer->offered,
		    offer->offer.service_description, mem, &offer->difference);
	if (err != 0)
		return err;
	offer->changes_n = cpnp_cpd_diff(
	    &offer->wanted, &offer->offered, offer->changes, CPNPC_CHANGES_MAX);
	offer->exact = cpnp_cpd_within(&offer->offered, &offer->wanted,
			   &offer->difference) == 0;
	return 0;
}

/* Who asks for an UPDATE and names no purpose leaves it as it is. */
static cpnp_purpose
wanted_purpose(const cpnpc_offer *offer)
{
	cpnp_purpose purpose =
	    cpnp_msg_has(&offer->request, CPNP_ATTR_NEGOTIATION_OPTIONS)
		? offer->request.options.purpose
		: CPNP_PURPOSE_NONE;

	if (purpose != CPNP_PURPOSE_NONE || !offer->is_update ||
	    !cpnp_msg_has(&offer->standing, CPNP_ATTR_NEGOTIATION_OPTIONS))
		return purpose;
	return offer->standing.options.purpose;
}

static void
differ(cpnpc_offer *offer, const char *where, const char *why)
{
	cpnp_diag *diag = &offer->difference;

	offer->exact = false;
	snprintf(diag->where, sizeof(diag->where), "%s", where);
	snprintf(diag->why, sizeof(diag->why), "%s", why);
}

/* A test is not a permanent service. */
static void
compare_purpose(cpnpc_offer *offer)
{
	cpnp_purpose wanted = wanted_purpose(offer);
	cpnp_purpose offered = CPNP_PURPOSE_NONE;

	if (cpnp_msg_has(&offer->offer, CPNP_ATTR_NEGOTIATION_OPTIONS))
		offered = offer->offer.options.purpose;
	if (offered == CPNP_PURPOSE_NONE ||
	    (wanted == CPNP_PURPOSE_TEST) == (offered == CPNP_PURPOSE_TEST))
		return;
	differ(offer, "purpose",
	    wanted == CPNP_PURPOSE_TEST ? "asked test, offered permanent"
					: "asked permanent, offered test");
}

/* Nothing asked is what there is without being asked for: active from the
 * agreement on. */
static void
compare_activation(cpnpc_offer *offer)
{
	const cpnp_msg *wanted = &offer->request, *msg = &offer->offer;
	bool asked = cpnp_msg_has(wanted, CPNP_ATTR_ACTIVATION_TYPE) &&
		     wanted->activation_type == CPNP_ACTIVATION_SCHEDULED;
	bool offered = cpnp_msg_has(msg, CPNP_ATTR_ACTIVATION_TYPE) &&
		       msg->activation_type == CPNP_ACTIVATION_SCHEDULED;

	if (asked != offered)
		differ(offer, "activation type",
		    asked ? "asked scheduled, offered permanent"
			  : "asked permanent, offered scheduled");
}

/* What is agreed with the document, and not in it: cpnpc names no schedule.
 * That what is bought is paid for needs no asking. */
void
cpnpc_offer_compare_terms(cpnpc_offer *offer)
{
	const cpnp_msg *msg = &offer->offer;

	if (offer->exact)
		compare_purpose(offer);
	if (offer->exact)
		compare_activation(offer);
	if (offer->exact && cpnp_msg_has(msg, CPNP_ATTR_ACTIVATION_SCHEDULE))
		differ(offer, "activation schedule",
		    "asked from now on, offered by a schedule");
}

/* What an UPDATE that is open makes of the agreement. */
static int
compare_standing(cpnpc_offer *offer, const cpnp_order *order)
{
	cpnp_bytes bytes = cpnp_order_doc(order, CPNP_DOC_STANDING_OFFER);
	cpnp_diag diag = {0};
	int err;

	if (bytes.len == 0)
		return 0;
	err = cpnp_msg_decode(&offer->standing, bytes, NULL);
	if (err != 0)
		return err;
	offer->is_update = true;
	if (!offer->is_cpd ||
	    cpnp_cpd_decode(&offer->stands,
		offer->standing.service_description,
		&cpnp_env_openssl()->mem, &diag) != 0)
		return 0;
	offer->updates = calloc(CPNPC_CHANGES_MAX, sizeof(*offer->updates));
	if (offer->updates == NULL)
		return CPNP_ERR_NOMEM;
	offer->updates_n = cpnp_cpd_diff(&offer->stands, &offer->offered,
	    offer->updates, CPNPC_CHANGES_MAX);
	return 0;
}

int
cpnpc_offer_new(cpnpc_offer **result, const cpnp_order *order)
{
	cpnp_bytes request = cpnp_order_doc(order, CPNP_DOC_REQUEST);
	cpnp_bytes bytes = cpnp_order_doc(order, CPNP_DOC_OFFER);
	cpnpc_payment payment;
	cpnpc_offer *offer;
	int err;

	*result = NULL;
	if (bytes.len == 0)
		return CPNP_ERR_NOT_FOUND;
	offer = calloc(1, sizeof(*offer));
	if (offer == NULL)
		return CPNP_ERR_NOMEM;
	err = cpnp_msg_decode(&offer->request, request, NULL);
	if (err == 0)
		err = cpnp_msg_decode(&offer->offer, bytes, NULL);
	if (err == 0)
		err = compare(offer);
	if (err == 0)
		err = compare_standing(offer, order);
	if (err != 0) {
		cpnpc_offer_del(offer);
		return err;
	}
	cpnpc_offer_compare_terms(offer);
	cpnpc_terms_read(offer, cpnp_now_read().wall);
	if (cpnpc_payment_read(
		&payment, cpnp_order_doc(order, CPNP_DOC_PAYMENT)) == 0)
		offer->payer = payment.op.account;
	*result = offer;
	return 0;
}

void
cpnpc_offer_del(cpnpc_offer *offer)
{
	if (offer == NULL)
		return;
	cpnp_cpd_fini(&offer->wanted);
	cpnp_cpd_fini(&offer->offered);
	cpnp_cpd_fini(&offer->stands);
	free(offer->updates);
	free(offer);
}

bool
cpnpc_offer_is_preferred(const cpnpc_offer *offer)
{
	return offer->exact &&
	       !cpnp_msg_has(&offer->offer, CPNP_ATTR_EXPLANATION) &&
	       (!offer->is_cpd || cpnp_cpd_as_preferred(&offer->offered,
				      &offer->wanted, NULL) == 0);
}

static const cpnp_money *
cost_of(const cpnp_msg *msg)
{
	const cpnp_negotiation_options *options = &msg->options;

	if (!cpnp_msg_has(msg, CPNP_ATTR_NEGOTIATION_OPTIONS) ||
	    !options->has_cost || options->cost_empty)
		return NULL;
	return &options->cost;
}

const cpnp_money *
cpnpc_offer_cost(const cpnpc_offer *offer)
{
	return cost_of(&offer->offer);
}

const cpnp_money *
cpnpc_offer_cost_before(const cpnpc_offer *offer)
{
	return offer->is_update ? cost_of(&offer->standing) : NULL;
}

/* True when the price is one that may be paid. */
static bool
price_is_allowed(const cpnpc_offer *offer, const cpnpc_price *max_price,
    char why[CPNPC_WHY_LEN])
{
	const cpnp_money *cost = cpnpc_offer_cost(offer);
	char text[CPNPC_MONEY_LEN];

	if (!max_price->is_set)
		return true;
	if (cost == NULL) {
		snprintf(why, CPNPC_WHY_LEN,
		    "the offer names no price, and --max-price sets a limit");
		return false;
	}
	if (cpnpc_price_allows(max_price, cost))
		return true;
	cpnpc_money_format(cost, text);
	snprintf(why, CPNPC_WHY_LEN,
	    "the price of %s is not within "
	    "--max-price",
	    text);
	return false;
}

cpnpc_verdict
cpnpc_offer_judge(const cpnpc_offer *offer, cpnpc_accept accept,
    const cpnpc_price *max_price, char why[CPNPC_WHY_LEN])
{
	why[0] = '\0';
	/* Nobody pays something else than what was shown. */
	if (accept != CPNPC_ACCEPT_NEVER && offer->terms_fault[0] != '\0') {
		snprintf(why, CPNPC_WHY_LEN, "it cannot be paid as it is: %s",
		    offer->terms_fault);
		return CPNPC_VERDICT_DECLINE;
	}
	if (accept != CPNPC_ACCEPT_NEVER &&
	    !price_is_allowed(offer, max_price, why))
		return CPNPC_VERDICT_DECLINE;
	switch (accept) {
	case CPNPC_ACCEPT_ALWAYS:
		return CPNPC_VERDICT_ACCEPT;
	case CPNPC_ACCEPT_ASK:
		return CPNPC_VERDICT_ASK;
	case CPNPC_ACCEPT_NEVER:
		return CPNPC_VERDICT_LEAVE;
	case CPNPC_ACCEPT_DEFAULT:
	case CPNPC_ACCEPT_EXACT:
		break;
	}
	if (offer->exact)
		return CPNPC_VERDICT_ACCEPT;
	snprintf(why, CPNPC_WHY_LEN,
	    "the offer is not what was requested: %s: %s",
	    offer->difference.where, offer->difference.why);
	return CPNPC_VERDICT_DECLINE;
}
