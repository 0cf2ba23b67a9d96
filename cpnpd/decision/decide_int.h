/*
 * What the parts of a decision share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_DECIDE_INT_H
#define CPNPD_DECIDE_INT_H

#include <cpnp/cpd.h>

#include "decide.h"

struct deciding {
	const cpnp_decide_input *in;
	const cpnp_catalogue *catalogue;
	cpnp_decision *d;
	cpnp_arena *arena;
	const cpnp_article *article; /* NULL: negotiated */
	cpnp_purpose purpose;
	bool is_test;
	cpnp_cpd asked; /* as it came */
	cpnp_cpd offer; /* what it becomes */
	cpnp_cpd model;  /* of the article, for this customer's nodes */
	cpnp_cpd source; /* of the article, clauses are taken from it */
	cpnp_price_sum cost;

	/* the profile under work, and where it is */
	cpnp_cpd_profile *profile;
	size_t component;
	size_t number;
	const cpnp_place **places; /* of each node */
	cpnp_wtime from;
	cpnp_wtime until;
};

/* A text for an explanation. */
#define SAY(w, ...) cpnp_arena_print((w)->arena, CPNP_TEXT_MAX, __VA_ARGS__)
#define WORDS(b) (int)(b).len, (const char *)(b).ptr

/* The name of a clause: a path in the profile under work. */
cpnp_bytes clause_name(struct deciding *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void explain(struct deciding *w, cpnp_bytes clause, cpnp_bytes reason,
    cpnp_bytes limit, cpnp_bytes would_fit);
/* The order is refused; more explanations may follow. */
void refuse(struct deciding *w, cpnp_status status, cpnp_bytes clause,
    cpnp_bytes reason, cpnp_bytes limit, cpnp_bytes would_fit);
/* No capacity is asked for the node. */
void refuse_node(struct deciding *w, const cpnp_cpd_node *node);
bool is_refused(const struct deciding *w);
/* An amount in words. */
cpnp_bytes money(struct deciding *w, const cpnp_money *m);
/* A number in words. */
cpnp_bytes quantity(struct deciding *w, cpnp_unit unit, uint64_t number);

/* model.c: what is based on an item or a template gets the clauses that it
 * leaves open from there. */
int fill_in(struct deciding *w);
/* An item has no other clause than its own; a template keeps its ranges. */
int check_model(struct deciding *w);

/* fit_capacity.c: the capacity clause, rows of capacity, the cost. */
int fit_capacity(struct deciding *w);

/* update.c: say what becomes of the agreement that stands. */
int explain_update(struct deciding *w);

/* fit_quality.c: the clauses about quality, and those that need the network
 * to honour them. */
void fit_quality(struct deciding *w);

#endif
