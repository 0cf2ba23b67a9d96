/*
 * What an offer is to be paid with: SETTLEMENT_TERMS, from its COST, when its
 * service runs, and the bounds that its document promises.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <string.h>

#include "conf_value.h"
#include "ledger.h"

#define SECONDS(ns) ((ns) / CPNP_SECONDS(1))

static void
refuse(struct daemon *d, cpnp_decision *decision, const char *reason)
{
	d->counters.refused_ledger++;
	decision->status = CPNP_STATUS_OUT_OF_RESOURCES;
	decision->explanations[0] = (cpnp_explanation){
		.clause = CPNP_BYTES_LIT("PAYMENT"),
		.reason = cpnp_bytes_str(reason),
		.would_fit = CPNP_BYTES_LIT("the same order a little later")};
	decision->explanations_n = 1;
}

/* ---- the token ---- */

/* The issuer of the one token that a COST can mean, into out. */
static int
find_issuer(struct daemon *d, const cpnp_money *cost,
    uint8_t out[CPNP_ACCOUNT_MAX], size_t *len, cpnp_diag *diag)
{
	const char *wanted = d->conf->ledger.token.value;
	cpnp_bytes text = cost->code, code, issuer;
	cpnp_token_view token;
	int err;

	if (wanted != NULL && cpnp_conf_parse_token(wanted, &code, &issuer) &&
	    cpnp_bytes_equal(code, cost->code))
		text = cpnp_bytes_str(wanted);
	err = cpnp_ledger_find_token(cpnp_bridge_lock(d->ledger->bridge),
	    text, cost->issuer, &token, diag);
	if (err == 0) {
		*len = token.issuer.len;
		memcpy(out, token.issuer.ptr, token.issuer.len);
	}
	cpnp_bridge_unlock(d->ledger->bridge);
	return err;
}

/* ---- when it runs ---- */

static void
widen(const cpnp_cpd_window *window, cpnp_schedule *all, bool *is_open)
{
	if (window == NULL || !window->end.is_set)
		*is_open = true;
	else if (!all->has_end || window->end.time.sec > all->end.sec) {
		all->has_end = true;
		all->end = window->end.time;
	}
	if (window != NULL && window->start.is_set &&
	    (!all->has_start || window->start.time.sec < all->start.sec)) {
		all->has_start = true;
		all->start = window->start.time;
	}
}

/* From the schedule of the agreement, else the windows of its document. */
static void
set_times(struct daemon *d, const cpnp_offer *offer, const cpnp_cpd *cpd,
    cpnp_terms *terms, cpnp_now now)
{
	const cpnp_conf_ledger *conf = &d->conf->ledger;
	cpnp_schedule all = {0};
	bool is_open = cpd->components_n == 0;
	int64_t from = now.wall.sec;
	size_t i, j;

	for (i = 0; i < cpd->components_n; i++)
		for (j = 0; j < cpd->components[i].profiles_n; j++)
			widen(cpd->components[i].profiles[j].window, &all,
			    &is_open);
	if (is_open)
		all.has_end = false;
	if (offer->has_activation_schedule &&
	    offer->activation_schedule.has_start) {
		all.has_start = true;
		all.start = offer->activation_schedule.start;
	}
	if (offer->has_activation_schedule &&
	    offer->activation_schedule.has_end) {
		all.has_end = true;
		all.end = offer->activation_schedule.end;
	}
	terms->has_start = all.has_start && all.start.sec > from;
	if (terms->has_start)
		terms->start = all.start;
	if (terms->has_start)
		from = all.start.sec;
	terms->duration = conf->paid_time != 0 ? SECONDS(conf->paid_time)
					       : d->catalogue->open_term;
	if (all.has_end && all.end.sec > from)
		terms->duration = (uint64_t)(all.end.sec - from);
	if (terms->duration > CPNP_SERVICE_SECONDS_MAX)
		terms->duration = CPNP_SERVICE_SECONDS_MAX;
}

/* ---- service levels ---- */

static const struct place {
	bool floor;
} places[CPNP_SLA_METRIC_N] = {
#define X(name, place, floor, text, unit) [place] = {floor},
	CPNP_SLA_METRIC_MAP(X)
#undef X
};

/* What is promised twice is held to the stricter promise. */
static void
bound(cpnp_sla_terms *sla, size_t place, uint64_t value, uint32_t credit)
{
	cpnp_sla_metric *m = &sla->metrics[place];
	bool is_first = m->credit_ppm == 0;

	if (is_first || (m->floor ? value > m->bound : value < m->bound))
		m->bound = value;
	m->credit_ppm = credit;
}

static void
bound_all(cpnp_sla_terms *sla, size_t place, const cpnp_cpd_metric *metrics,
    size_t n, uint32_t credit)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (metrics[i].value.kind == CPNP_CPD_SINGLE)
			bound(sla, place, metrics[i].value.hi, credit);
}

static void
bound_profile(
    cpnp_sla_terms *sla, const cpnp_cpd_profile *p, uint32_t credit)
{
	if (p->qos != NULL) {
		bound_all(sla, CPNP_SLA_METRIC_DELAY, p->qos->delay,
		    p->qos->delay_n, credit);
		bound_all(sla, CPNP_SLA_METRIC_DELAY_VARIATION,
		    p->qos->delay_variation, p->qos->delay_variation_n,
		    credit);
		bound_all(sla, CPNP_SLA_METRIC_LOSS, p->qos->loss,
		    p->qos->loss_n, credit);
	}
	if (p->availability != NULL &&
	    p->availability->value.kind == CPNP_CPD_SINGLE)
		bound(sla, CPNP_SLA_METRIC_AVAILABILITY,
		    p->availability->value.lo, credit);
}

/* Encoded terms for what the document promises; nothing when that is no
 * number, or when a breach costs nothing. */
static int
set_sla(struct daemon *d, const cpnp_cpd *cpd, cpnp_terms *terms,
    uint8_t salt[CPNP_TERMS_SALT_LEN], cpnp_buf *buf)
{
	const cpnp_conf_ledger *conf = &d->conf->ledger;
	const cpnp_env *env = cpnp_env_openssl();
	cpnp_sla_terms sla = {.metric_n = CPNP_SLA_METRIC_N,
		.cap_ppm = (uint32_t)conf->sla_cap,
		.object_seconds = SECONDS(conf->sla_object_time),
		.audit_seconds = SECONDS(conf->sla_audit_time),
		.default_upheld = conf->sla_default == 1,
		.auditor = cpnp_bytes_str(conf->sla_auditor.value)};
	bool is_bound = false;
	size_t i, j;
	int err;

	if (conf->sla_credit == 0)
		return 0;
	for (i = 0; i < CPNP_SLA_METRIC_N; i++) {
		sla.metrics[i].floor = places[i].floor;
		sla.metrics[i].bound = places[i].floor ? 0 : INT64_MAX;
		sla.metrics[i].window = SECONDS(conf->sla_window);
	}
	for (i = 0; i < cpd->components_n; i++)
		for (j = 0; j < cpd->components[i].profiles_n; j++)
			bound_profile(&sla, &cpd->components[i].profiles[j],
			    (uint32_t)conf->sla_credit);
	for (i = 0; i < CPNP_SLA_METRIC_N; i++)
		is_bound = is_bound || sla.metrics[i].credit_ppm != 0;
	if (!is_bound)
		return 0;
	err = cpnp_sla_terms_encode(&sla, buf);
	if (err == 0)
		err = env->random(env->user, salt, CPNP_TERMS_SALT_LEN);
	terms->sla = cpnp_buf_bytes(buf);
	terms->sla_salt = (cpnp_bytes){salt, CPNP_TERMS_SALT_LEN};
	return err;
}

/* ---- all of it ---- */

static int
encode(struct daemon *d, const cpnp_offer *offer, cpnp_terms *terms,
    cpnp_buf *buf, cpnp_diag *diag, cpnp_now now)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	uint8_t salt[CPNP_TERMS_SALT_LEN];
	cpnp_cpd cpd = {0};
	cpnp_buf sla;
	int err = cpnp_cpd_decode(
	    &cpd, offer->service_description, mem, diag);

	/* another service has no clauses that are known here */
	if (err == CPNP_ERR_SERVICE_TYPE)
		err = 0;
	cpnp_buf_init(&sla, mem, CPNP_SLA_TERMS_MAX);
	if (err == 0)
		set_times(d, offer, &cpd, terms, now);
	if (err == 0)
		err = set_sla(d, &cpd, terms, salt, &sla);
	if (err == 0)
		err = cpnpd_ledger_set_offer(d, terms, d->ledger->unsold);
	if (err == 0)
		err = cpnp_terms_check_cost(terms, &offer->cost, diag);
	if (err == 0)
		err = cpnp_terms_encode(terms, buf, diag);
	cpnp_buf_fini(&sla);
	cpnp_cpd_fini(&cpd);
	return err;
}

int
cpnpd_ledger_terms(struct daemon *d, const cpnp_order *order,
    cpnp_decision *decision, cpnp_buf *buf, cpnp_now now)
{
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, cpnp_order_peer_identity(order));
	const cpnp_conf_ledger *conf = &d->conf->ledger;
	const cpnp_money *cost = &decision->offer.cost;
	const char *why = cpnpd_ledger_refuses(d);
	cpnp_terms terms = {.code = cost->code, .exponent = cost->exponent,
		.amount = cost->amount,
		.claim_seconds = SECONDS(conf->claim_time),
		.idle_paid = conf->idle_paid,
		.escrow_seconds = SECONDS(conf->escrow_time)};
	cpnp_diag diag = {0};
	uint8_t issuer[CPNP_ACCOUNT_MAX];
	size_t issuer_len = 0;
	int err;

	if (d->ledger == NULL || c == NULL || c->account.value == NULL ||
	    !decision->offer.has_cost || cost->amount <= 0)
		return 0;
	if (why == NULL &&
	    find_issuer(d, cost, issuer, &issuer_len, &diag) != 0) {
		cpnpd_log_order(CPNP_LOG_ERROR, order, "what it costs cannot "
		    "be paid: %s; token in section ledger says which is "
		    "meant", diag.why);
		why = "the provider cannot be paid with this token now";
	}
	if (why != NULL) {
		refuse(d, decision, why);
		return 0;
	}
	memcpy(terms.ledger, d->ledger->id, sizeof(terms.ledger));
	terms.payee = d->ledger->account;
	terms.issuer = (cpnp_bytes){issuer, issuer_len};
	d->ledger->unsold[0] = '\0';
	err = encode(d, &decision->offer, &terms, buf, &diag, now);
	if (err == 0) {
		decision->offer.settlement_terms = cpnp_buf_bytes(buf);
		return 0;
	}
	if (d->ledger->unsold[0] != '\0') {
		cpnpd_log_order(CPNP_LOG_WARNING, order, "offer in section "
		    "ledger: %s", d->ledger->unsold);
		refuse(d, decision, d->ledger->unsold);
		return 0;
	}
	cpnpd_log_order(CPNP_LOG_ERROR, order, "no terms of settlement: "
	    "%s%s%s", diag.where, diag.where[0] != '\0' ? ": " : "",
	    diag.why[0] != '\0' ? diag.why : cpnp_strerror(err));
	return err;
}
