/*
 * What can be promised besides capacity.  A metric of a path holds between
 * two places; the worse of the two counts, and without named ends the worst
 * of the profile.  Where the network promises less than is asked, the offer
 * says what it promises; where it promises nothing, the clause is left out;
 * both are explained.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stddef.h>
#include <string.h>

#include "decide_int.h"

/* What can be promised of a metric of cpnp_place, at offset, and of paths. */
struct promise {
	size_t offset;
	cpnp_metric metric;
};

static const struct promise availability = {
	offsetof(cpnp_place, availability), CPNP_METRIC_UNAVAILABILITY};

/* The worst promise of the catalogue among the nodes that a metric is about;
 * not set when one of the places promises nothing. */
static cpnp_guarantee
worst_place(
    const struct deciding *w, const struct promise *p, const cpnp_cpd_metric *m)
{
	bool more_is_worse = p->metric != CPNP_METRIC_UNAVAILABILITY;
	cpnp_guarantee result = {false, 0};
	const cpnp_guarantee *g;
	cpnp_cpd_ref node;
	size_t i;

	for (i = 0; i < w->profile->nodes_n; i++) {
		node = (cpnp_cpd_ref)(i + 1);
		if (m != NULL && m->from != 0 && m->to != 0 &&
		    m->from != node && m->to != node)
			continue;
		g = (const cpnp_guarantee *)(const void *)(
		    (const char *)w->places[i] + p->offset);
		if (!g->is_set)
			return (cpnp_guarantee){false, 0};
		if (!result.is_set ||
		    (more_is_worse ? g->value > result.value
				   : g->value < result.value))
			result = *g;
	}
	return result;
}

/* The same of paths, where there are some: the places have promised what they
 * did for want of a network. */
static cpnp_guarantee
worst(const struct deciding *w, const struct promise *p,
    const cpnp_cpd_metric *m, const struct site *ends[2])
{
	const struct site *a = NULL, *b = NULL;
	cpnp_guarantee g;

	ends[0] = ends[1] = NULL;
	if (m != NULL && m->from != 0 && m->to != 0) {
		a = &w->sites[w->site_of[m->from - 1]];
		b = &w->sites[w->site_of[m->to - 1]];
	}
	if (w->branches_n == 0 || (a != NULL && a == b))
		return worst_place(w, p, m);
	g = path_promise(w, p->metric, a, b, ends);
	if (p->metric == CPNP_METRIC_UNAVAILABILITY)
		g.value = g.value > CPNP_CPD_PPM_MAX
		    ? 0 : CPNP_CPD_PPM_MAX - g.value;
	return g;
}

/* The value nearest to the wish that is within the promise; true when it is
 * within what was asked too. */
static bool
settle(cpnp_cpd_value *v, uint64_t promise, bool less_is_better)
{
	uint64_t value = v->preferred;
	bool within;

	if (less_is_better ? value < promise : value > promise)
		value = promise;
	within = value >= v->lo && value <= v->hi;
	*v = cpnp_cpd_single(value);
	return within;
}

static void
leave_out(struct deciding *w, const char *clause, const char *why)
{
	explain(w, clause_name(w, "%s", clause), cpnp_bytes_str(why),
	    CPNP_BYTES_NONE, CPNP_BYTES_LIT("the offer is without it"));
}

/* ---- metrics ---- */

struct metric_kind {
	const char *name;
	size_t list; /* in cpnp_cpd_qos */
	size_t count;
	struct promise promise;
	cpnp_unit unit;
};

static const struct metric_kind kinds[] = {
	{"loss", offsetof(cpnp_cpd_qos, loss), offsetof(cpnp_cpd_qos, loss_n),
	    {offsetof(cpnp_place, loss), CPNP_METRIC_LOSS}, CPNP_UNIT_RATIO},
	{"delay", offsetof(cpnp_cpd_qos, delay),
	    offsetof(cpnp_cpd_qos, delay_n),
	    {offsetof(cpnp_place, delay), CPNP_METRIC_DELAY},
	    CPNP_UNIT_DELAY},
	{"delay-variation", offsetof(cpnp_cpd_qos, delay_variation),
	    offsetof(cpnp_cpd_qos, delay_variation_n),
	    {offsetof(cpnp_place, delay_variation),
		CPNP_METRIC_DELAY_VARIATION}, CPNP_UNIT_DELAY},
};

static void
fit_metrics(struct deciding *w, const struct metric_kind *k)
{
	char *qos = (char *)w->profile->qos;
	cpnp_cpd_metric *list =
	    *(cpnp_cpd_metric **)(void *)(qos + k->list);
	size_t *n = (size_t *)(void *)(qos + k->count), i, kept = 0;
	const struct site *ends[2];
	cpnp_guarantee promise;
	uint64_t limit;
	cpnp_bytes words;
	char name[64];

	for (i = 0; i < *n; i++) {
		strcpy(name, "qos/");
		strcat(name, k->name);
		promise = worst(w, &k->promise, &list[i], ends);
		if (!promise.is_set) {
			leave_out(w, name,
			    "nothing is promised about this at these places");
			continue;
		}
		words = quantity(w, k->unit, promise.value);
		limit = list[i].value.hi;
		if (settle(&list[i].value, promise.value, true))
			;
		else if (ends[0] != NULL)
			refuse_metric(w, k->promise.metric, limit, ends);
		else
			explain(w, clause_name(w, "%s", name),
			    CPNP_BYTES_LIT("no better value is promised at "
					   "these places"), words, words);
		list[kept++] = list[i];
	}
	*n = kept;
}

/* A throughput is carried when it is no more than the capacity offered. */
static void
fit_throughput(struct deciding *w)
{
	cpnp_cpd_qos *qos = w->profile->qos;
	uint64_t least = UINT64_MAX;
	cpnp_bytes words;
	size_t i;

	for (i = 0; i < w->profile->capacity_n; i++) {
		const cpnp_cpd_capacity *e = &w->profile->capacity[i];

		if (e->in.kind != CPNP_CPD_ABSENT && e->in.lo < least)
			least = e->in.lo;
		if (e->out.kind != CPNP_CPD_ABSENT && e->out.lo < least)
			least = e->out.lo;
	}
	words = quantity(w, CPNP_UNIT_RATE, least);
	for (i = 0; i < qos->throughput_n; i++)
		if (!settle(&qos->throughput[i].value, least, false))
			explain(w, clause_name(w, "qos/throughput"),
			    CPNP_BYTES_LIT("a throughput cannot be more than "
					   "the capacity offered"),
			    words, words);
}

static void
fit_qos(struct deciding *w)
{
	cpnp_cpd_qos *qos = w->profile->qos;
	size_t i;

	if (qos == NULL)
		return;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		fit_metrics(w, &kinds[i]);
	fit_throughput(w);
	if (qos->meta_class.len > 0 &&
	    !cpnp_names_has(&w->catalogue->classes, qos->meta_class)) {
		leave_out(w, "qos/class", "there is no such class here");
		qos->meta_class = CPNP_BYTES_NONE;
	}
	if (qos->loss_n + qos->delay_n + qos->delay_variation_n +
		qos->throughput_n == 0 && qos->meta_class.len == 0)
		w->profile->qos = NULL;
}

static void
fit_availability(struct deciding *w)
{
	cpnp_cpd_availability *a = w->profile->availability;
	const struct site *ends[2];
	cpnp_guarantee promise;
	uint64_t limit;
	cpnp_bytes words;

	if (a == NULL)
		return;
	promise = worst(w, &availability, NULL, ends);
	if (!promise.is_set || a->meaning.len > 0) {
		leave_out(w, "availability", promise.is_set
		    ? "availability is promised in the usual meaning only"
		    : "nothing is promised about this at these places");
		w->profile->availability = NULL;
		return;
	}
	words = quantity(w, CPNP_UNIT_RATIO, promise.value);
	limit = CPNP_CPD_PPM_MAX - a->value.lo;
	if (settle(&a->value, promise.value, false))
		;
	else if (ends[0] != NULL)
		refuse_metric(w, CPNP_METRIC_UNAVAILABILITY, limit, ends);
	else
		explain(w, clause_name(w, "availability"),
		    CPNP_BYTES_LIT("no better value is promised at these "
				   "places"), words, words);
}

/* ---- isolation ---- */

static void
keep_known(struct deciding *w, const cpnp_names *known, cpnp_bytes *list,
    size_t *n, const char *clause)
{
	size_t i, kept = 0;

	for (i = 0; i < *n; i++)
		if (cpnp_names_has(known, list[i]))
			list[kept++] = list[i];
		else
			explain(w, clause_name(w, "%s", clause),
			    SAY(w, "%.*s is not to be had here",
				WORDS(list[i])), CPNP_BYTES_NONE,
			    known->n > 0 ? SAY(w, "%s", known->name[0])
					 : CPNP_BYTES_LIT("the offer is "
							  "without it"));
	*n = kept;
}

static void
fit_isolation(struct deciding *w)
{
	static const char *const names[] = {
		"none", "shared", "isolated", "dedicated"};
	cpnp_cpd_isolation *is = w->profile->isolation;
	uint8_t best = (uint8_t)w->catalogue->separation;

	if (is == NULL)
		return;
	if (is->separation > best) {
		explain(w, clause_name(w, "isolation/separation"),
		    SAY(w, "resources are not %s here", names[is->separation]),
		    cpnp_bytes_str(names[best]), cpnp_bytes_str(names[best]));
		is->separation = best;
	}
	keep_known(w, &w->catalogue->means, is->means, &is->means_n,
	    "isolation/means");
	keep_known(w, &w->catalogue->protections, is->protection,
	    &is->protection_n, "isolation/protection");
	if (is->separation == 0 && is->means_n == 0 && is->protection_n == 0)
		w->profile->isolation = NULL;
}

/* ---- clauses that the network honours as they are, or not ---- */

static void
honour_clause(
    struct deciding *w, cpnp_honour honour, void **clause, const char *name)
{
	if (*clause == NULL || w->catalogue->honours[honour])
		return;
	leave_out(w, name, "this clause is not honoured here");
	*clause = NULL;
}

static void
honour_list(
    struct deciding *w, cpnp_honour honour, size_t *n, const char *name)
{
	if (*n == 0 || w->catalogue->honours[honour])
		return;
	leave_out(w, name, "this clause is not honoured here");
	*n = 0;
}

static void
fit_conformance(struct deciding *w)
{
	cpnp_cpd_conformance *c = w->profile->conformance;
	const cpnp_guarantee *mtu = &w->catalogue->mtu;
	cpnp_bytes words;

	if (c == NULL)
		return;
	if (c->burst.kind != CPNP_CPD_ABSENT)
		c->burst = cpnp_cpd_single(c->burst.preferred);
	if (c->mtu.kind == CPNP_CPD_ABSENT)
		return;
	if (!mtu->is_set) {
		c->mtu = cpnp_cpd_single(c->mtu.preferred);
		return;
	}
	words = quantity(w, CPNP_UNIT_BYTES, mtu->value);
	if (!settle(&c->mtu, mtu->value, false))
		explain(w, clause_name(w, "conformance/mtu"),
		    CPNP_BYTES_LIT("packets cannot be longer here"), words,
		    words);
}

void
fit_quality(struct deciding *w)
{
	cpnp_cpd_profile *p = w->profile;

	/* An item was written by the provider, who promises what it says. */
	if (w->article != NULL && w->article->frozen)
		return;
	fit_qos(w);
	fit_availability(w);
	fit_isolation(w);
	honour_clause(w, CPNP_HONOUR_CONFORMANCE, (void **)&p->conformance,
	    "conformance");
	fit_conformance(w);
	honour_clause(w, CPNP_HONOUR_OVERALL, (void **)&p->overall,
	    "overall");
	honour_list(w, CPNP_HONOUR_FLOWS, &p->flows_n, "flows");
	honour_clause(w, CPNP_HONOUR_ROUTING, (void **)&p->routing,
	    "routing");
	honour_list(w, CPNP_HONOUR_ACTIVATION, &p->activation_n,
	    "activation");
	honour_clause(w, CPNP_HONOUR_INVOCATION, (void **)&p->invocation,
	    "invocation");
	honour_list(w, CPNP_HONOUR_NOTIFICATIONS, &p->notifications_n,
	    "notifications");
	honour_list(w, CPNP_HONOUR_ASSURANCE, &p->assurance_n, "assurance");
}
