/*
 * An order is decided: from the catalogue, the network and the capacity that
 * is free, by a program too or instead, at once or by an administrator who
 * approves or rejects it (RFC 8921, 12.2).
 *
 * What may be decided depends on the request and its customer alone, so each
 * method comes through here, and comes again when an administrator has
 * spoken.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "children.h"
#include "decider.h"
#include "ledger.h"

#define WORDS(b) (int)(b).len, (const char *)(b).ptr

static void
log_decision(const cpnp_order *order, const cpnp_decision *decision)
{
	const cpnp_explanation *x;
	size_t i;

	for (i = 0; i < decision->explanations_n; i++) {
		x = &decision->explanations[i];
		cpnpd_log_order(CPNP_LOG_INFO, order,
		    "%s, %.*s: %.*s%s%.*s", decision->status ==
			CPNP_STATUS_NONE ? "offer" : "refusal",
		    WORDS(x->clause), WORDS(x->reason),
		    x->would_fit.len > 0 ? "; would fit: " : "",
		    WORDS(x->would_fit));
	}
}

static void
explain(cpnp_decision *decision, const char *clause, const char *reason)
{
	if (decision->explanations_n == CPNP_EXPLANATIONS_MAX)
		return;
	decision->explanations[decision->explanations_n++] =
	    (cpnp_explanation){.clause = cpnp_bytes_str(clause),
		.reason = cpnp_bytes_str(reason)};
	decision->offer.explanations = decision->explanations;
	decision->offer.explanations_n = decision->explanations_n;
}

/* May the agreement be activated so?  Whoever provisions the service learns of
 * it from the events. */
static int
judge_activate(const cpnp_order *order, const cpnp_msg *request,
    cpnp_decision *decision, cpnp_now now)
{
	const cpnp_schedule *schedule = &request->activation_schedule;
	cpnp_agreement agreement;
	int err = cpnp_order_get_agreement(order, &agreement);

	*decision = (cpnp_decision){.status = CPNP_STATUS_NONE};
	if (err == 0)
		err = cpnp_decide_activate(decision,
		    agreement.service_description, schedule, now.wall);
	/* It may have waited for an administrator until then. */
	if (err == 0 && decision->status == CPNP_STATUS_NONE &&
	    schedule->has_end && schedule->end.sec <= now.wall.sec) {
		decision->status = CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED;
		explain(decision, "schedule", "its end has passed");
	}
	return err;
}

cpnp_decide_input
cpnpd_decide_input(struct daemon *d, const cpnp_order *order,
    const cpnp_msg *request, bool lift, cpnp_now now)
{
	cpnp_bytes identity = cpnp_order_peer_identity(order);
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, identity);
	cpnp_decide_input in = {.catalogue = d->catalogue,
		.topology = d->topology, .policy = d->policy,
		.capacity = d->capacity, .request = request,
		.order_ref = cpnp_order_ref(order), .customer = identity,
		.held_max = c != NULL ? c->held_max : 0,
		.open_max = c != NULL ? c->open_max : 0, .now = now.wall};

	in.is_unverified = !lift && c != NULL && !c->verified;
	if (c != NULL && c->profile.value != NULL && d->policy != NULL)
		in.profile = cpnp_policy_profile(d->policy, c->profile.value);
	in.open = c != NULL ? cpnpd_use(d, identity)->open : 1;
	if (lift)
		in.held_max = in.open_max = UINT64_MAX;
	return in;
}

/* What catalogue and agreement say to a request. */
static int
judge(struct daemon *d, const cpnp_order *order, const cpnp_msg *request,
    bool lift, cpnp_decision *decision, cpnp_now now)
{
	cpnp_decide_input in =
	    cpnpd_decide_input(d, order, request, lift, now);
	cpnp_agreement standing;
	int err;

	if (request->method == CPNP_METHOD_ACTIVATE)
		return judge_activate(order, request, decision, now);
	*decision = (cpnp_decision){.status = CPNP_STATUS_NONE};
	if (request->method == CPNP_METHOD_UPDATE) {
		err = cpnp_order_get_standing(order, &standing);
		if (err == 0)
			err = cpnpd_know_holds(d, order);
		if (err != 0)
			return err;
		in.standing = &standing;
	} else if (cpnpd_children_judge(
		       d, order, &in, decision, &err, now)) {
		return err;
	}
	return cpnp_decide(decision, &in);
}

/* ---- who decides ---- */

/* Amounts of different exponents; another token is more than anything. */
static bool
is_above(const cpnp_money *cost, const cpnp_conf_money *limit)
{
	__extension__ __int128 a = cost->amount, b = limit->amount;
	int i;

	if (!cpnp_bytes_equal(cost->code, cpnp_bytes_str(limit->code)))
		return true;
	for (i = limit->exponent; i < cost->exponent; i++)
		b *= 10;
	for (i = cost->exponent; i < limit->exponent; i++)
		a *= 10;
	return a > b;
}

/* A refusal because of what is sold, there and allowed, not because of what
 * the request is. */
static bool
is_outside(cpnp_status status)
{
	return status == CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED ||
	    status == CPNP_STATUS_OUT_OF_RESOURCES ||
	    status == CPNP_STATUS_NETWORK_PRESENCE ||
	    status == CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE;
}

bool
cpnpd_may_wait(const struct daemon *d, const cpnp_conf_customer *c)
{
	const cpnp_profile *profile = NULL;
	cpnp_guidelines g;

	if (cpnp_conf_may_wait(&c->approves) ||
	    d->conf->decision.command.n > 0)
		return true;
	if (d->policy == NULL)
		return false;
	if (c->profile.value != NULL)
		profile = cpnp_policy_profile(d->policy, c->profile.value);
	g = cpnp_policy_guidelines(d->policy, profile);
	return g.escalate_rate.is_set || g.escalate_term.is_set ||
	    g.escalate_load.is_set ||
	    (!c->verified && g.unverified == CPNP_UNVERIFIED_ESCALATE);
}

/* True when an administrator decides; reason says why. */
static bool
needs_approval(const struct daemon *d, const cpnp_order *order,
    const cpnp_msg *request, const cpnp_decision *decision,
    char reason[CPNPD_APPROVAL_REASON_MAX])
{
	cpnp_bytes identity = cpnp_order_peer_identity(order);
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, identity);
	const cpnp_conf_approves *a;
	const cpnp_explanation *x = &decision->explanations[0];

	if (c == NULL)
		return false;
	if (decision->status == CPNP_STATUS_NONE &&
	    decision->escalates.len > 0) {
		snprintf(reason, CPNPD_APPROVAL_REASON_MAX, "%.*s",
		    WORDS(decision->escalates));
		return true;
	}
	if (!cpnp_conf_may_wait(&c->approves))
		return false;
	a = &c->approves;
	if (decision->status == CPNP_STATUS_NONE) {
		if ((a->methods.bits &
			CPNP_CONF_METHOD_BIT(request->method)) != 0)
			snprintf(reason, CPNPD_APPROVAL_REASON_MAX,
			    "each %s of this customer is approved",
			    cpnp_method_name(request->edition,
				(int)request->method));
		else if (a->above.is_given && decision->offer.has_cost &&
		    is_above(&decision->offer.cost, &a->above))
			snprintf(reason, CPNPD_APPROVAL_REASON_MAX,
			    "it costs more than is offered to this customer "
			    "without approval");
		else
			return false;
		return true;
	}
	/* Whoever has used up its orders must not fill the list of those that
	 * wait instead. */
	if (a->escalate != 1 || !is_outside(decision->status) ||
	    cpnpd_use(d, identity)->open > c->open_max)
		return false;
	snprintf(reason, CPNPD_APPROVAL_REASON_MAX, "%s%s%.*s%s%.*s",
	    cpnp_status_text(decision->status),
	    x->clause.len > 0 ? ", " : "", WORDS(x->clause),
	    x->reason.len > 0 ? ": " : "", WORDS(x->reason));
	return true;
}

/* ---- what becomes of it ---- */

static int
refuse(struct daemon *d, cpnp_order *order, cpnp_status status,
    const cpnp_explanation *explanations, size_t n, cpnp_now now)
{
	d->counters.refusals++;
	return cpnp_order_refuse(
	    d->orders, order, status, explanations, n, now);
}

static int
grant(struct daemon *d, cpnp_order *order, cpnp_method method,
    const cpnp_decision *decision, cpnp_now now)
{
	cpnp_offer offer = decision->offer;

	if (method == CPNP_METHOD_ACTIVATE)
		return cpnp_order_grant(d->orders, order, now);
	d->counters.offers++;
	cpnpd_children_offer(d, order, &offer);
	return cpnp_order_offer(d->orders, order, &offer, now);
}

/* An order that gets no offer holds nothing but what it has bought. */
static void
give_back(struct daemon *d, const cpnp_order *order, cpnp_now now)
{
	int err = cpnp_capacity_release(d->capacity, cpnp_order_ref(order));

	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

/* Grant or refuse, as decided; err is why nothing could be decided. */
static void
give(struct daemon *d, cpnp_order *order, cpnp_method method,
    cpnp_decision *decision, int err, cpnp_now now)
{
	cpnp_buf terms;

	cpnp_buf_init(&terms, &cpnp_env_openssl()->mem, CPNP_TERMS_MAX);
	if (err == 0 && decision->status == CPNP_STATUS_NONE &&
	    method != CPNP_METHOD_ACTIVATE)
		err = cpnpd_ledger_terms(d, order, decision, &terms, now);
	if (err == 0 && decision->status == CPNP_STATUS_NONE)
		err = grant(d, order, method, decision, now);
	if (err != 0 || decision->status != CPNP_STATUS_NONE) {
		if (err != 0)
			cpnpd_log_order(CPNP_LOG_ERROR, order,
			    "it could not be granted: %s", cpnp_strerror(err));
		give_back(d, order, now);
		err = refuse(d, order, err != 0
			? CPNP_STATUS_OUT_OF_RESOURCES : decision->status,
		    decision->explanations,
		    err != 0 ? 0 : decision->explanations_n, now);
	}
	if (err != 0)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "the decision could not be given: %s",
		    cpnp_strerror(err));
	cpnp_buf_fini(&terms);
}

/* Nothing is held for who waits: others may buy it. */
static void
wait_for_approval(struct daemon *d, cpnp_order *order, cpnp_method method,
    const cpnp_decision *decision, const char *reason, cpnp_now now)
{
	give_back(d, order, now);
	cpnpd_approval_wait(d, order, method, decision, reason, now);
}

static void
settle(struct daemon *d, cpnp_order *order, const cpnp_msg *request,
    cpnp_decision *decision, int err, cpnp_now now)
{
	char reason[CPNPD_APPROVAL_REASON_MAX];

	if (err == 0)
		log_decision(order, decision);
	if (err == 0 && needs_approval(d, order, request, decision, reason))
		wait_for_approval(
		    d, order, request->method, decision, reason, now);
	else
		give(d, order, request->method, decision, err, now);
}

/* ---- other terms ---- */

static int __attribute__((format(printf, 3, 4)))
fail(cpnp_diag *why, int err, const char *format, ...)
{
	va_list ap;

	why->err = err;
	va_start(ap, format);
	vsnprintf(why->why, sizeof(why->why), format, ap);
	va_end(ap);
	return err;
}

/* An amount in minor units of the catalogue's token. */
static int
scale(const cpnp_catalogue *catalogue, const cpnp_conf_money *from,
    cpnp_money *to, cpnp_diag *why)
{
	int64_t amount = from->amount;
	int i;

	if (strcmp(from->code, catalogue->token_code) != 0)
		return fail(why, CPNP_ERR_INVALID, "%s is not the token of "
		    "the catalogue; expected an amount of %s", from->code,
		    catalogue->token_code);
	if (from->exponent > catalogue->token_exponent)
		return fail(why, CPNP_ERR_INVALID, "%s has %u decimals, not "
		    "%u", from->code, (unsigned)catalogue->token_exponent,
		    from->exponent);
	for (i = from->exponent; i < (int)catalogue->token_exponent; i++)
		if (__builtin_mul_overflow(amount, 10, &amount))
			return fail(why, CPNP_ERR_INVALID, "the amount is too "
			    "large; expected less than 2^63 minor units");
	to->amount = amount;
	to->exponent = (uint8_t)catalogue->token_exponent;
	to->code = cpnp_bytes_str(catalogue->token_code);
	to->issuer = cpnp_bytes_str(catalogue->token_issuer);
	return 0;
}

/* What was said of it does not hold any more. */
static void
unexplain(cpnp_decision *decision, const char *clause)
{
	cpnp_explanation *all = decision->explanations;
	size_t i, n = 0;

	for (i = 0; i < decision->explanations_n; i++)
		if (!cpnp_bytes_equal(all[i].clause, cpnp_bytes_str(clause)))
			all[n++] = all[i];
	decision->explanations_n = n;
}

/* ---- a program ---- */

/* What a program has seen of a decision. */
static int
digest_of(const cpnp_decision *decision, uint8_t digest[CPNP_SHA256_LEN])
{
	const cpnp_env *env = cpnp_env_openssl();
	const cpnp_offer *offer = &decision->offer;
	const cpnp_bytes parts[] = {offer->service_description,
		{(const uint8_t *)&offer->cost.amount,
			sizeof(offer->cost.amount)},
		offer->cost.code, decision->escalates};

	return env->sha256(env->user, parts,
	    sizeof(parts) / sizeof(parts[0]), digest);
}

/* decision: the own one, or NULL. */
static void
ask_program(struct daemon *d, cpnp_order *order, const cpnp_msg *request,
    const cpnp_decision *decision, cpnp_now now)
{
	uint8_t seen[CPNP_SHA256_LEN] = {0};
	cpnpd_answer none = {.why = "there is no memory to ask"};
	struct approval *a = cpnpd_approval_of(d, order);
	char *text = cpnpd_decider_question(d, order, request, decision);

	/* one that waited before a restart waits on */
	if (a != NULL)
		a->method = request->method;
	if (text == NULL ||
	    (decision != NULL && digest_of(decision, seen) != 0))
		cpnpd_answered(
		    d, order, request->method, seen, &none, now);
	else
		cpnpd_decider_ask(
		    d, order, request->method, seen, text, now);
	free(text);
}

void
cpnpd_decide(struct daemon *d, cpnp_order *order, const cpnp_msg *request,
    cpnp_now now)
{
	if (!cpnpd_children_decide(d, order, request, now))
		cpnpd_verdict(d, order, request, now);
}

void
cpnpd_verdict(struct daemon *d, cpnp_order *order, const cpnp_msg *request,
    cpnp_now now)
{
	const cpnp_conf_decision *conf = &d->conf->decision;
	bool asks = conf->command.n > 0 &&
	    request->method != CPNP_METHOD_ACTIVATE;
	cpnp_decision decision;
	int err;

	if (asks && conf->mode == 1) {
		ask_program(d, order, request, NULL, now);
		return;
	}
	err = judge(d, order, request, false, &decision, now);
	if (asks && err == 0 && decision.status == CPNP_STATUS_NONE)
		ask_program(d, order, request, &decision, now);
	else
		settle(d, order, request, &decision, err, now);
	cpnp_decision_fini(&decision);
}

static void
add_explanations(cpnp_decision *decision, const cpnpd_answer *answer)
{
	size_t i;

	for (i = 0; i < answer->explanations_n &&
	     decision->explanations_n < CPNP_EXPLANATIONS_MAX; i++)
		decision->explanations[decision->explanations_n++] =
		    answer->explanations[i];
	decision->offer.explanations = decision->explanations;
	decision->offer.explanations_n = decision->explanations_n;
}

/* The program offers what was decided here, perhaps for another price. */
static int
apply_answer(struct daemon *d, cpnp_decision *decision,
    const cpnpd_answer *answer, cpnp_diag *why, cpnp_now now)
{
	int err = 0;

	if (answer->told.service.len > 0)
		return fail(why, CPNP_ERR_INVALID, "its service cannot be "
		    "offered beside the own decision; expected none, or mode "
		    "instead");
	if (answer->told.validity != 0)
		decision->offer.validity.sec =
		    now.wall.sec + (int64_t)answer->told.validity;
	if (answer->has_money) {
		err = scale(d->catalogue, &answer->money,
		    &decision->offer.cost, why);
		unexplain(decision, "cost");
	}
	add_explanations(decision, answer);
	return err;
}

/* The program alone offers. */
static int
take_answer(struct daemon *d, const cpnp_order *order,
    const cpnp_msg *request, const cpnpd_answer *answer,
    cpnp_decision *decision, cpnp_diag *why, cpnp_now now)
{
	cpnp_decide_input in =
	    cpnpd_decide_input(d, order, request, false, now);
	cpnp_told told = answer->told;
	int err = 0;

	told.has_cost = answer->has_money;
	if (answer->has_money)
		err = scale(d->catalogue, &answer->money, &told.cost, why);
	if (err == 0)
		err = cpnp_decide_told(decision, &in, &told);
	if (err == 0)
		add_explanations(decision, answer);
	return err;
}

/* What the answer makes of the order; INVALID: it cannot, why says so. */
static int
carry_out(struct daemon *d, cpnp_order *order, const cpnp_msg *request,
    const uint8_t seen[CPNP_SHA256_LEN], const cpnpd_answer *answer,
    cpnp_diag *why, cpnp_now now)
{
	static const uint8_t nothing[CPNP_SHA256_LEN] = {0};
	bool is_own = memcmp(seen, nothing, sizeof(nothing)) != 0;
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_decision decision = {.status = CPNP_STATUS_NONE};
	int err;

	if (is_own)
		err = judge(d, order, request, false, &decision, now);
	else
		err = take_answer(
		    d, order, request, answer, &decision, why, now);
	if (err == 0 && is_own && decision.status == CPNP_STATUS_NONE) {
		err = digest_of(&decision, digest);
		if (err == 0 && memcmp(digest, seen, sizeof(digest)) != 0) {
			/* capacity or a price has changed meanwhile */
			ask_program(d, order, request, &decision, now);
			cpnp_decision_fini(&decision);
			return 0;
		}
		if (err == 0)
			err = apply_answer(d, &decision, answer, why, now);
	}
	if (why->err == 0)
		settle(d, order, request, &decision, err, now);
	cpnp_decision_fini(&decision);
	return why->err;
}

static void
refuse_as_told(struct daemon *d, cpnp_order *order, cpnp_status status,
    const cpnpd_answer *answer, const char *reason, cpnp_now now)
{
	cpnp_decision decision = {.status = status};

	add_explanations(&decision, answer);
	if (decision.explanations_n == 0)
		explain(&decision, "order", reason);
	log_decision(order, &decision);
	give(d, order, CPNP_METHOD_QUOTATION, &decision, 0, now);
}

/* The program has not decided. */
static void
do_without(struct daemon *d, cpnp_order *order, cpnp_method method,
    const char *why, cpnp_now now)
{
	static const cpnpd_answer none = {.explanations_n = 0};
	const cpnp_decision decision = {
		.status = CPNP_STATUS_OUT_OF_RESOURCES};
	char reason[CPNPD_APPROVAL_REASON_MAX];

	if (d->conf->decision.on_failure == 1) {
		snprintf(reason, sizeof(reason),
		    "the decision command has not decided: %s", why);
		wait_for_approval(d, order, method, &decision, reason, now);
	} else {
		refuse_as_told(d, order, CPNP_STATUS_OUT_OF_RESOURCES, &none,
		    "the provider cannot decide this order now; the same "
		    "order can be tried later", now);
	}
}

void
cpnpd_answered(struct daemon *d, cpnp_order *order, cpnp_method method,
    const uint8_t seen[CPNP_SHA256_LEN], const cpnpd_answer *answer,
    cpnp_now now)
{
	cpnp_msg *request = calloc(1, sizeof(*request));
	const cpnp_decision undecided = {.status = CPNP_STATUS_NONE};
	cpnp_diag why = {0};
	int err = request == NULL ? CPNP_ERR_NOMEM
	    : cpnp_msg_decode(
		  request, cpnp_order_doc(order, CPNP_DOC_REQUEST), &why);

	if (err == 0)
		request->method = method;
	if (err != 0) {
		do_without(d, order, method, cpnp_strerror(err), now);
	} else if (answer->kind == CPNPD_ANSWER_OFFER) {
		why = (cpnp_diag){0};
		if (carry_out(d, order, request, seen, answer, &why, now) != 0)
			do_without(d, order, method, why.why, now);
	} else if (answer->kind == CPNPD_ANSWER_REFUSE) {
		refuse_as_told(d, order, answer->status, answer,
		    answer->why[0] != '\0' ? answer->why
					   : "the provider does not offer "
					     "this", now);
	} else if (answer->kind == CPNPD_ANSWER_ESCALATE) {
		wait_for_approval(d, order, method, &undecided,
		    answer->why[0] != '\0' ? answer->why
					   : "the decision command wants it",
		    now);
	} else {
		do_without(d, order, method, answer->why, now);
	}
	free(request);
}

/* ---- an administrator ---- */

static int
fail_first(cpnp_diag *why, int err, const char *what,
    const cpnp_decision *decision)
{
	const cpnp_explanation *x = &decision->explanations[0];

	return fail(why, err, "%s: %s%s%.*s%s%.*s", what,
	    cpnp_status_text(decision->status),
	    x->clause.len > 0 ? ", " : "", WORDS(x->clause),
	    x->reason.len > 0 ? ": " : "", WORDS(x->reason));
}

static int
apply_terms(struct daemon *d, cpnp_decision *decision,
    const struct approval_terms *terms, cpnp_diag *why, cpnp_now now)
{
	int err = 0;

	if (terms->validity != 0)
		decision->offer.validity.sec =
		    now.wall.sec + (int64_t)terms->validity;
	if (terms->service.len > 0)
		explain(decision, "service", "this is offered instead of "
		    "what was asked for");
	if (terms->has_cost) {
		err = scale(d->catalogue, &terms->cost,
		    &decision->offer.cost, why);
		decision->offer.has_cost = true;
		unexplain(decision, "cost");
		explain(decision, "cost", "the provider has set the price "
		    "for this order");
	}
	return err;
}

/* Decide again with what the administrator wants; on failure the order still
 * waits, and holds nothing. */
static int
try_terms(struct daemon *d, const struct approval *a, cpnp_msg *request,
    const struct approval_terms *terms, cpnp_decision *decision,
    cpnp_diag *why, cpnp_now now)
{
	bool keep = a->status != CPNP_STATUS_NONE || terms->service.len > 0;
	int err;

	if (a->method == CPNP_METHOD_ACTIVATE &&
	    (terms->has_cost || terms->validity != 0 ||
		terms->service.len > 0))
		return fail(why, CPNP_ERR_INVALID, "an ACTIVATE is approved "
		    "as it is; expected no cost, validity or service");
	err = cpnp_msg_decode(request,
	    cpnp_order_doc(a->order, a->method == CPNP_METHOD_ACTIVATE
		? CPNP_DOC_ACTIVATE : CPNP_DOC_REQUEST), why);
	request->method = a->method;
	if (err == 0 && terms->service.len > 0)
		request->service_description = terms->service;
	if (err == 0)
		err = judge(d, a->order, request, true, decision, now);
	if (err == 0 && decision->status == CPNP_STATUS_NONE)
		err = apply_terms(d, decision, terms, why, now);
	else if (err == 0 && keep)
		err = fail_first(why, CPNP_ERR_INVALID, "cannot be served, "
		    "and still waits for another service or a rejection",
		    decision);
	else if (err == 0)
		(void)fail_first(why, CPNP_ERR_FORBIDDEN, "does not fit any "
		    "more and was refused", decision);
	if (err != 0)
		give_back(d, a->order, now);
	return err;
}

static int
check_waits(const struct daemon *d, const cpnp_order *order, cpnp_diag *why)
{
	if (d->failed)
		return fail(why, CPNP_ERR_IO, "the store cannot be written; "
		    "try again when cpnpctl status says that it serves");
	if (cpnpd_approval_of(d, order) == NULL)
		return fail(why, CPNP_ERR_STATE, "the order waits for no "
		    "approval; expected one that cpnpctl pending lists");
	return 0;
}

int
cpnpd_approve(struct daemon *d, cpnp_order *order,
    const struct approval_terms *terms, cpnp_diag *why, cpnp_now now)
{
	cpnp_msg *request = calloc(1, sizeof(*request));
	cpnp_decision decision = {.status = CPNP_STATUS_NONE};
	int err = request == NULL ? CPNP_ERR_NOMEM
				  : check_waits(d, order, why);

	if (err == 0)
		err = try_terms(d, cpnpd_approval_of(d, order), request, terms,
		    &decision, why, now);
	if (err == 0) {
		d->counters.approved++;
		cpnpd_remark(d, order, now, "approved by user %lu%s%s%s",
		    terms->uid, terms->service.len > 0 ? ", another service"
						       : "",
		    terms->has_cost ? ", another cost" : "",
		    terms->validity != 0 ? ", another validity" : "");
		give(d, order, request->method, &decision, 0, now);
		cpnpd_drain(d, now);
		err = why->err; /* it was refused after all */
	}
	cpnp_decision_fini(&decision);
	free(request);
	cpnpd_turn_end(d, now);
	return err;
}

static int
reject(struct daemon *d, cpnp_order *order, cpnp_status status,
    const char *reason, cpnp_now now)
{
	const cpnp_explanation x = {.clause = CPNP_BYTES_LIT("order"),
		.reason = cpnp_bytes_str(reason)};
	int err = refuse(d, order, status, &x, 1, now);

	if (err != 0)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "the refusal could not be given: %s", cpnp_strerror(err));
	cpnpd_drain(d, now);
	return err;
}

int
cpnpd_reject(struct daemon *d, cpnp_order *order, unsigned long uid,
    cpnp_status status, const char *reason, cpnp_diag *why, cpnp_now now)
{
	int err = check_waits(d, order, why);

	if (err != 0)
		return err;
	d->counters.rejected++;
	cpnpd_remark(d, order, now, "rejected by user %lu: %s", uid, reason);
	err = reject(d, order, status, reason, now);
	cpnpd_turn_end(d, now);
	return err;
}

void
cpnpd_reject_late(struct daemon *d, cpnp_order *order, cpnp_now now)
{
	d->counters.approvals_late++;
	cpnpd_remark(d, order, now, "no administrator has decided in time");
	(void)reject(d, order, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
	    "an administrator has to approve this order, and nobody has in "
	    "time", now);
}
