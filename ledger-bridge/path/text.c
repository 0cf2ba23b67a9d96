/*
 * The reason for which there is no path, as a sentence.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "find.h"

/* Text that is cut where it does not fit. */
struct text {
	char *out;
	size_t len;
};

static void
put_bytes(struct text *t, cpnp_bytes bytes)
{
	size_t room = CPNP_PATH_REASON_MAX - 1 - t->len;
	size_t n = bytes.len < room ? bytes.len : room;

	if (n > 0)
		memcpy(t->out + t->len, bytes.ptr, n);
	t->len += n;
	t->out[t->len] = '\0';
}

static void
put(struct text *t, const char *s)
{
	put_bytes(t, cpnp_bytes_str(s));
}

/* value / 10^digits. */
static void
put_fixed(struct text *t, uint64_t value, unsigned digits)
{
	char number[32];
	uint64_t one = 1;
	unsigned i;

	for (i = 0; i < digits; i++)
		one *= 10;
	(void)snprintf(number, sizeof(number), "%" PRIu64, value / one);
	put(t, number);
	if (digits == 0)
		return;
	(void)snprintf(
	    number, sizeof(number), ".%0*" PRIu64, (int)digits, value % one);
	put(t, number);
}

/* The same without zeros at its end; and a unit. */
static void
put_decimal(struct text *t, uint64_t value, unsigned digits, const char *unit)
{
	while (digits > 0 && value % 10 == 0) {
		value /= 10;
		digits--;
	}
	put_fixed(t, value, digits);
	put(t, unit);
}

static void
put_capacity(struct text *t, uint64_t capacity)
{
	if (capacity >= 1000000000)
		put_decimal(t, capacity, 9, " Gbit/s");
	else if (capacity >= 1000000)
		put_decimal(t, capacity, 6, " Mbit/s");
	else
		put_decimal(t, capacity, 0, " bit/s");
}

/* With as many digits as its token has. */
static void
put_price(struct text *t, const cpnp_path_graph *graph,
    const cpnp_path_query *query, int64_t price)
{
	uint32_t token = path_token_find(graph, query->issuer, query->code);

	put_fixed(t, (uint64_t)price,
	    token == TOKEN_NONE ? 0 : graph->tokens[token].exponent);
	if (query->code.len > 0)
		put(t, " ");
	put_bytes(t, query->code);
}

static void
put_domain(struct text *t, const cpnp_path_graph *graph, uint32_t segment)
{
	put_bytes(
	    t, path_name_bytes(
		   graph->domains.items[graph->segments[segment]->domain]));
}

/* The domains of a path, each as often as the path comes into it. */
static void
put_through(struct text *t, const char *before, const cpnp_path_graph *graph,
    const cpnp_path *path)
{
	size_t i;

	for (i = 0; i < path->segment_n; i++) {
		uint32_t segment = path->segments[i];

		if (i > 0 && graph->segments[segment]->domain ==
				 graph->segments[path->segments[i - 1]]->domain)
			continue;
		put(t, i == 0 ? before : ", ");
		put_domain(t, graph, segment);
	}
}

static void
put_names(struct text *t, const cpnp_bytes *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		put(t, i == 0 ? "" : ", ");
		put_bytes(t, names[i]);
	}
}

/* What is wrong with the first segment that a constraint forbids. */
static void
put_cut(struct text *t, const cpnp_path_graph *graph,
    const cpnp_path_query *query, const cpnp_path_answer *answer)
{
	const cpnp_path *path = &answer->nearest;
	cpnp_path_segment s;
	size_t i = 0;

	while (i < path->segment_n &&
	       !path_is_cut(graph, query, answer->reason, path->segments[i]))
		i++;
	if (i == path->segment_n ||
	    cpnp_path_graph_get(graph, path->segments[i], &s) != 0)
		return;
	put(t, "no path: ");
	if (answer->reason == CPNP_PATH_REASON_RATING) {
		put(t, "the rating of ");
		put_bytes(t, s.domain);
		put(t, " is under the bound");
	} else if (answer->reason == CPNP_PATH_REASON_AVOID) {
		put_bytes(t, s.domain);
		put(t, s.seller.len == 0
			   ? " is to be avoided"
			   : " is a pseudonym, which may be of a domain to be "
			     "avoided");
	} else {
		put(t, "segment ");
		put_bytes(t, s.id);
		put(t, " of ");
		put_bytes(t, s.domain);
	}
	if (answer->reason == CPNP_PATH_REASON_SALE)
		put(t, " is measured and not for sale");
	if (answer->reason == CPNP_PATH_REASON_TOKEN) {
		put(t, " is sold in ");
		put_bytes(t, s.price.code);
		if (s.price.issuer.len > 0)
			put(t, " of ");
		put_bytes(t, s.price.issuer);
	}
	if (answer->reason == CPNP_PATH_REASON_WINDOW)
		put(t, " cannot be had all that time");
	if (answer->reason == CPNP_PATH_REASON_WITHOUT)
		put(t, " is excluded");
	put_through(t, "; but for that the best leads through ", graph, path);
}

static void
put_whole(struct text *t, const cpnp_path_graph *graph,
    const cpnp_path_query *query, const cpnp_path_answer *answer)
{
	const cpnp_path *best = &answer->nearest;

	if (answer->reason == CPNP_PATH_REASON_CAPACITY) {
		put(t, "no path with ");
		put_capacity(t, query->capacity);
		put(t, ": the widest has ");
		put_capacity(t, best->capacity);
	} else if (answer->reason == CPNP_PATH_REASON_HOPS) {
		put(t, "no path of at most ");
		put_decimal(t, query->hops_max, 0, " segments");
		put(t, ": the shortest has ");
		put_decimal(t, best->segment_n, 0, "");
	} else if (answer->reason == CPNP_PATH_REASON_DELAY) {
		put(t, "no path within ");
		put_decimal(t, query->delay_max, 3, " ms");
		put(t, ": the fastest takes ");
		put_decimal(t, best->delay, 3, " ms");
	} else if (answer->reason == CPNP_PATH_REASON_AVAILABILITY) {
		put(t, "no path that is available ");
		put_decimal(t, query->availability_min, 4, " %");
		put(t, " of the time: the best is for ");
		put_decimal(t, best->availability, 4, " %");
	} else {
		put(t, "no path for ");
		put_price(t, graph, query, query->price_max);
		put(t, ": the cheapest costs ");
		put_price(t, graph, query, best->price);
	}
	put_through(t, ", through ", graph, best);
}

void
cpnp_path_reason_format(const cpnp_path_graph *graph,
    const cpnp_path_query *query, const cpnp_path_answer *answer,
    char out[CPNP_PATH_REASON_MAX])
{
	struct text t = {out, 0};

	out[0] = '\0';
	switch (answer->reason) {
	case CPNP_PATH_REASON_NONE:
		put(&t, cpnp_path_reason_name(answer->reason));
		break;
	case CPNP_PATH_REASON_FROM:
		put(&t, "no path: no segment begins at ");
		put_bytes(&t, query->from);
		break;
	case CPNP_PATH_REASON_TO:
		put(&t, "no path: no segment ends at ");
		put_bytes(&t, query->to);
		break;
	case CPNP_PATH_REASON_REACH:
		put(&t, "no path: no segments lead from ");
		put_bytes(&t, query->from);
		put(&t, " to ");
		put_bytes(&t, query->to);
		break;
	case CPNP_PATH_REASON_PASS:
		put(&t, "no path passes through ");
		put_names(&t, query->pass, query->pass_n);
		break;
	case CPNP_PATH_REASON_EFFORT:
		put(&t, "not decided: there are too many ways to look at; ask "
			"for fewer paths, or under fewer constraints");
		break;
	case CPNP_PATH_REASON_RATING:
	case CPNP_PATH_REASON_SALE:
	case CPNP_PATH_REASON_TOKEN:
	case CPNP_PATH_REASON_WINDOW:
	case CPNP_PATH_REASON_WITHOUT:
	case CPNP_PATH_REASON_AVOID:
		put_cut(&t, graph, query, answer);
		break;
	case CPNP_PATH_REASON_CAPACITY:
	case CPNP_PATH_REASON_HOPS:
	case CPNP_PATH_REASON_DELAY:
	case CPNP_PATH_REASON_AVAILABILITY:
	case CPNP_PATH_REASON_PRICE:
		put_whole(&t, graph, query, answer);
		break;
	}
}
