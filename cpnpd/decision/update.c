/*
 * What an UPDATE changes, in the words of the OFFER that answers it: nodes that
 * come, go or change, and the price.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "decide_int.h"

/* Changes that are looked at to tell which nodes they are about. */
#define CHANGES_MAX 512

/* Names of nodes, with commas between them. */
struct names {
	char text[CPNP_TEXT_MAX / 2];
	size_t len;
	size_t n;
	bool is_cut;
};

static void
add_name(struct names *names, cpnp_bytes name)
{
	names->n++;
	if (names->len + name.len + sizeof(", , ...") > sizeof(names->text)) {
		names->is_cut = true;
		return;
	}
	names->len += (size_t)sprintf(names->text + names->len, "%s%.*s",
	    names->len > 0 ? ", " : "", WORDS(name));
}

static const cpnp_cpd_profile *
profile_of(const cpnp_cpd *cpd, size_t component, size_t number)
{
	if (component >= cpd->components_n ||
	    number >= cpd->components[component].profiles_n)
		return NULL;
	return &cpd->components[component].profiles[number];
}

static bool
has_node(const cpnp_cpd_profile *profile, cpnp_bytes id)
{
	size_t i;

	for (i = 0; profile != NULL && i < profile->nodes_n; i++)
		if (cpnp_bytes_equal(profile->nodes[i].id, id))
			return true;
	return false;
}

/* Nodes of a that b does not have in the same place. */
static void
find_missing(const cpnp_cpd *a, const cpnp_cpd *b, struct names *names)
{
	const cpnp_cpd_profile *p;
	size_t i, j, k;

	for (i = 0; i < a->components_n; i++)
		for (j = 0; j < a->components[i].profiles_n; j++) {
			p = &a->components[i].profiles[j];
			for (k = 0; k < p->nodes_n; k++)
				if (!has_node(
					profile_of(b, i, j), p->nodes[k].id))
					add_name(names, p->nodes[k].id);
		}
}

static void
tell(struct deciding *w, const struct names *names, const char *what)
{
	if (names->n > 0)
		explain(w, CPNP_BYTES_LIT("nodes"),
		    SAY(w, "this update %s %s%s", what, names->text,
			names->is_cut ? ", ..." : ""),
		    CPNP_BYTES_NONE, CPNP_BYTES_NONE);
}

static void
tell_clauses(struct deciding *w, const cpnp_cpd *before)
{
	cpnp_cpd_change *changes = cpnp_arena_alloc(
	    w->arena, CHANGES_MAX, sizeof(*changes));
	struct names names = {.len = 0};
	size_t i, n;

	if (changes == NULL)
		return;
	n = cpnp_cpd_diff(before, &w->offer, changes, CHANGES_MAX);
	for (i = 0; i < n && i < CHANGES_MAX; i++)
		if (changes[i].before[0] != '\0' &&
		    changes[i].after[0] != '\0')
			add_name(&names, cpnp_bytes_str(changes[i].path));
	if (names.n > 0)
		explain(w, CPNP_BYTES_LIT("service"),
		    SAY(w, "this update changes %s%s", names.text,
			names.is_cut ? ", ..." : ""),
		    CPNP_BYTES_NONE, CPNP_BYTES_NONE);
}

static void
tell_cost(struct deciding *w)
{
	const cpnp_agreement *stands = w->in->standing;
	const cpnp_money *cost = &w->d->offer.cost;

	if (!stands->has_cost)
		return;
	explain(w, CPNP_BYTES_LIT("cost"),
	    SAY(w, "it was agreed for %.*s, and costs %.*s from now on",
		WORDS(money(w, &stands->cost)), WORDS(money(w, cost))),
	    CPNP_BYTES_NONE, CPNP_BYTES_NONE);
}

int
explain_update(struct deciding *w)
{
	struct names added = {.len = 0}, removed = {.len = 0};
	cpnp_diag diag = {0};
	cpnp_cpd before = {0};
	int err = cpnp_cpd_decode(&before, w->in->standing->service_description,
	    &w->arena->mem, &diag);

	/* Another kind of service has no sites to compare. */
	if (err != 0)
		return cpnp_error_is_peer(err) ? 0 : err;
	find_missing(&w->offer, &before, &added);
	find_missing(&before, &w->offer, &removed);
	tell(w, &added, "adds");
	tell(w, &removed, "removes");
	tell_clauses(w, &before);
	tell_cost(w);
	return 0;
}
