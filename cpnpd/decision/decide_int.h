/*
 * What the parts of a decision share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_DECIDE_INT_H
#define CPNPD_DECIDE_INT_H

#include <cpnp/cpd.h>

#include "decide.h"

/* A place where nodes of a profile are. */
struct site {
	const cpnp_place *place;
	size_t node;   /* of the own network */
	size_t branch; /* where the paths end there */
	uint64_t need; /* bit/s, the larger direction */
};

/*
 * The paths of a profile are a tree: what goes from one site to another goes
 * up to where their paths from the root part, and down again.  A link that
 * several paths reach by different ways has a branch for each of them.
 * branches[0] is the root; parents come before their children.
 */
struct branch {
	size_t parent;
	size_t link;
	size_t node;                   /* the lower end */
	uint64_t sums[CPNP_METRICS];   /* from the root on */
	uint32_t silent[CPNP_METRICS]; /* links that promise nothing */
};

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
	cpnp_price_sum cost; /* of the profiles so far */
	cpnp_price_sum profile_cost;
	/* what guidelines look at */
	uint64_t most_rate; /* of one resource */
	uint64_t longest;   /* seconds that a profile lasts */
	uint64_t most_load; /* ppm of a link that are taken then ... */
	const char *loaded; /* ... and its name */

	/* the profile under work, and where it is */
	cpnp_cpd_profile *profile;
	size_t component;
	size_t number;
	const cpnp_place **places; /* of each node */
	struct site *sites; /* each place once */
	size_t sites_n;
	size_t *site_of; /* of each node */
	struct branch *branches;
	size_t branches_n; /* 0: there is no network */
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

/* What a percentage and a part are multiplied by in the sum of a policy's
 * prices: thousandths of a price; percent of the hour, class, availability
 * and customer. */
#define COST_SCALE (1000 * UINT64_C(100000000))
/* What a place or a link costs of a rate, for the time of the profile; RANGE.
 * thousandths: the price is in these. */
int add_cost(struct deciding *w, uint64_t price, bool thousandths,
    uint64_t rate);
/* The profile is settled: what it costs counts; RANGE. */
int close_cost(struct deciding *w);
/* It cannot be said. */
void refuse_cost(struct deciding *w);
/* All of it together; RANGE. */
int total_cost(struct deciding *w, int64_t *amount);

/* guidelines.c: may it be offered without an operator? */
void check_guidelines(struct deciding *w);

/* model.c: what is based on an item or a template gets the clauses that it
 * leaves open from there. */
int fill_in(struct deciding *w);
/* An item has no other clause than its own; a template keeps its ranges. */
int check_model(struct deciding *w);

/* route.c: find paths between the sites, wide enough for their needs if there
 * are such, and within what the clauses about quality ask for; refuses when
 * there are none. */
int find_paths(struct deciding *w);
/* tree.c: what the paths promise.  The worst of a metric between two sites, or
 * among all when a is NULL; not set when a link on the way promises nothing.
 * ends gets the two. */
cpnp_guarantee path_promise(const struct deciding *w, cpnp_metric metric,
    const struct site *a, const struct site *b, const struct site *ends[2]);
/* The order is refused since a metric is more than limit between two sites:
 * say which link makes it so. */
void refuse_metric(struct deciding *w, cpnp_metric metric, uint64_t limit,
    const struct site *const ends[2]);

/* The same, with the link at hand and the sum of all. */
void say_metric(struct deciding *w, cpnp_metric metric, uint64_t limit,
    const char *link, const struct site *const ends[2], uint64_t sum);

/* later.c: a counter-offer in time. */
struct demand {
	char resource[CPNP_RESOURCE_LEN];
	int64_t amount;
};
/* The first moment from which on all of them can be had, as long as it is
 * asked for or until then: "100 Mbit/s from 2026-11-22T02:00:00Z on".  Empty:
 * there is none within a year. */
cpnp_bytes say_later(struct deciding *w, const struct demand *demands,
    size_t n, uint64_t rate);

/* fit_capacity.c: the capacity clause, rows of capacity, the cost. */
int fit_capacity(struct deciding *w);

/* update.c: say what becomes of the agreement that stands. */
int explain_update(struct deciding *w);

/* fit_quality.c: the clauses about quality, and those that need the network
 * to honour them. */
void fit_quality(struct deciding *w);

#endif
