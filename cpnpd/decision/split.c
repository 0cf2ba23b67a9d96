/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <string.h>

#include "split.h"

#define WORDS(b) (int)(b).len, (const char *)(b).ptr
#define SAY(s, ...) cpnp_arena_print((s)->arena, CPNP_TEXT_MAX, __VA_ARGS__)

/* A metric is the sum of those of the own part and of two others at most. */
#define ENDS_MAX 2

static int
refuse(cpnp_explanation *why, cpnp_bytes clause, cpnp_bytes reason,
    cpnp_bytes would_fit)
{
	*why = (cpnp_explanation){.clause = clause, .reason = reason,
		.would_fit = would_fit};
	return CPNP_ERR_CLAUSE;
}

/* ---- which nodes are foreign ---- */

static bool
is_name(cpnp_bytes a, cpnp_bytes b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	/* as names of places are compared */
	for (i = 0; i < a.len; i++) {
		uint8_t x = a.ptr[i], y = b.ptr[i];

		if (x >= 'A' && x <= 'Z')
			x = (uint8_t)(x - 'A' + 'a');
		if (y >= 'A' && y <= 'Z')
			y = (uint8_t)(y - 'A' + 'a');
		if (x != y)
			return false;
	}
	return true;
}

static bool
reaches(const cpnp_split_neighbour *n, cpnp_bytes place)
{
	size_t i;

	for (i = 0; i < n->reaches_n; i++)
		if (is_name(n->reaches[i], place) ||
		    cpnp_bytes_equal(n->reaches[i], CPNP_BYTES_LIT("*")))
			return true;
	return false;
}

static bool
same_candidates(const cpnp_segment *a, const cpnp_segment *b)
{
	return a->candidates_n == b->candidates_n &&
	    memcmp(a->candidates, b->candidates,
		a->candidates_n * sizeof(a->candidates[0])) == 0;
}

/* 1 + the segment of a place, 0 when no neighbour reaches it. */
static int
find_segment(cpnp_split *s, size_t neighbours_n, cpnp_bytes place,
    uint8_t *number, cpnp_explanation *why)
{
	cpnp_segment one = {.candidates_n = 0};
	size_t i;

	*number = 0;
	for (i = 0; i < neighbours_n &&
	     one.candidates_n < CPNP_CANDIDATES_MAX; i++)
		if (reaches(&s->neighbours[i], place))
			one.candidates[one.candidates_n++] = i;
	if (one.candidates_n == 0)
		return 0;
	for (i = 0; i < s->segments_n; i++)
		if (same_candidates(&s->segments[i], &one))
			break;
	if (i == CPNP_SEGMENTS_MAX)
		return refuse(why, CPNP_BYTES_LIT("nodes"),
		    SAY(s, "the places lie behind more than %d groups of "
			"neighbours", CPNP_SEGMENTS_MAX),
		    CPNP_BYTES_LIT("several orders"));
	if (i == s->segments_n)
		s->segments[s->segments_n++] = one;
	*number = (uint8_t)(i + 1);
	return 0;
}

/* Profiles one after the other, each with the segments of its nodes. */
struct walk {
	const cpnp_cpd *cpd;
	const uint8_t *segment_of;
	size_t component;
	size_t number;
	cpnp_cpd_profile *profile;
};

static struct walk
walk_of(const cpnp_split *s, const cpnp_cpd *cpd)
{
	return (struct walk){.cpd = cpd, .segment_of = s->segment_of};
}

static bool
walk_next(struct walk *w)
{
	if (w->profile != NULL) {
		w->segment_of += w->profile->nodes_n;
		w->number++;
	}
	w->profile = NULL;
	while (w->component < w->cpd->components_n &&
	    w->number == w->cpd->components[w->component].profiles_n) {
		w->component++;
		w->number = 0;
	}
	if (w->component < w->cpd->components_n)
		w->profile = &w->cpd->components[w->component]
				  .profiles[w->number];
	return w->profile != NULL;
}

/* How many nodes of the profile are of a segment, or foreign at all (0). */
static size_t
count_nodes(const struct walk *w, uint8_t segment)
{
	size_t i, n = 0;

	for (i = 0; i < w->profile->nodes_n; i++)
		n += segment == 0 ? w->segment_of[i] != 0
				  : w->segment_of[i] == segment;
	return n;
}

/* What only holds from end to end and cannot be shared out. */
static int
check_profile(const struct walk *w, cpnp_explanation *why)
{
	const cpnp_cpd_profile *p = w->profile;
	size_t i;

	if (count_nodes(w, 0) == 0)
		return 0;
	for (i = 0; i < p->flows_n; i++)
		if (p->flows[i].node == 0 ||
		    w->segment_of[p->flows[i].node - 1] != 0)
			return refuse(why, CPNP_BYTES_LIT("flows"),
			    CPNP_BYTES_LIT("a place of the order is served "
				"by another provider, who is not told of the "
				"customer's flows"),
			    CPNP_BYTES_LIT("flows at nodes of this provider, "
				"or none"));
	if (p->routing != NULL &&
	    (p->routing->through_n > 0 || p->routing->functions_n > 0))
		return refuse(why, CPNP_BYTES_LIT("routing"),
		    CPNP_BYTES_LIT("a place of the order is served by another "
			"provider, and what traffic has to cross cannot be "
			"shared out"),
		    CPNP_BYTES_LIT("routing without through and functions"));
	return 0;
}

int
cpnp_split_init(cpnp_split *s, cpnp_bytes description,
    const cpnp_catalogue *catalogue, const cpnp_split_neighbour *neighbours,
    size_t neighbours_n, cpnp_arena *arena, cpnp_explanation *why)
{
	struct walk w;
	uint8_t *of;
	size_t nodes = 0, i;
	int err;

	memset(s, 0, sizeof(*s));
	s->description = description;
	s->neighbours = neighbours;
	s->arena = arena;
	err = cpnp_cpd_decode(&s->request, description, &arena->mem, NULL);
	if (err != 0)
		return err;
	for (w = walk_of(s, &s->request); walk_next(&w);)
		nodes += w.profile->nodes_n;
	of = cpnp_arena_alloc(arena, nodes + 1, 1);
	if (of == NULL)
		return CPNP_ERR_NOMEM;
	s->segment_of = of;
	for (w = walk_of(s, &s->request); walk_next(&w) && err == 0;)
		for (i = 0; i < w.profile->nodes_n && err == 0; i++, of++)
			if (w.profile->nodes[i].place.len > 0 &&
			    cpnp_catalogue_place(catalogue,
				w.profile->nodes[i].place) == NULL)
				err = find_segment(s, neighbours_n,
				    w.profile->nodes[i].place, of, why);
	for (w = walk_of(s, &s->request); err == 0 && walk_next(&w);)
		err = check_profile(&w, why);
	if (err == 0 && s->segments_n > 0 && s->request.based_on.len > 0)
		err = refuse(why, CPNP_BYTES_LIT("based on"),
		    CPNP_BYTES_LIT("what the catalogue sells reaches the "
			"places of this provider only"),
		    CPNP_BYTES_LIT("the same without an item or template"));
	return err;
}

static const cpnp_split_neighbour *
chosen(const cpnp_split *s, const cpnp_choice choice, size_t segment)
{
	return &s->neighbours[s->segments[segment]
				  .candidates[choice[segment]]];
}

/* ---- metrics ---- */

/* The lists of metrics that add up along a path. */
static const struct {
	const char *name;
	size_t list;
	size_t count;
} kinds[] = {
	{"qos/loss", offsetof(cpnp_cpd_qos, loss),
	    offsetof(cpnp_cpd_qos, loss_n)},
	{"qos/delay", offsetof(cpnp_cpd_qos, delay),
	    offsetof(cpnp_cpd_qos, delay_n)},
	{"qos/delay-variation", offsetof(cpnp_cpd_qos, delay_variation),
	    offsetof(cpnp_cpd_qos, delay_variation_n)},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static cpnp_cpd_metric *
metrics(const cpnp_cpd_profile *p, size_t kind, size_t *n)
{
	char *qos = (char *)p->qos;

	if (qos == NULL) {
		*n = 0;
		return NULL;
	}
	*n = *(size_t *)(void *)(qos + kinds[kind].count);
	return *(cpnp_cpd_metric **)(void *)(qos + kinds[kind].list);
}

/* Is the metric about nodes of this segment? */
static bool
is_about(const struct walk *w, const cpnp_cpd_metric *m, size_t segment)
{
	uint8_t number = (uint8_t)(segment + 1);

	if (m->from == 0 || m->to == 0)
		return count_nodes(w, number) > 0;
	return w->segment_of[m->from - 1] == number ||
	    w->segment_of[m->to - 1] == number;
}

/* Among how many segments is what the own part leaves shared out? */
static uint64_t
shares(const cpnp_split *s, const struct walk *w, const cpnp_cpd_metric *m)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s->segments_n; i++)
		n += m != NULL ? is_about(w, m, i)
			       : count_nodes(w, (uint8_t)(i + 1)) > 0;
	return n > ENDS_MAX ? ENDS_MAX : n;
}

static bool
is_same_metric(const cpnp_cpd_metric *a, const cpnp_cpd_metric *b)
{
	return a->statistic == b->statistic && a->from == b->from &&
	    a->to == b->to && a->scope == b->scope &&
	    a->percentile.is_set == b->percentile.is_set &&
	    a->percentile.value == b->percentile.value &&
	    a->interval.is_set == b->interval.is_set &&
	    a->interval.value == b->interval.value;
}

/* What was asked for the metric that is offered; what cannot be promised was
 * left out, the rest is in its order.  *at goes through the list. */
static const cpnp_cpd_metric *
find_asked(const cpnp_cpd_metric *list, size_t n, size_t *at,
    const cpnp_cpd_metric *offered)
{
	while (*at < n)
		if (is_same_metric(&list[(*at)++], offered))
			return &list[*at - 1];
	return NULL;
}

/* The least that can be had, as long as it is within what was asked for. */
static cpnp_cpd_value
least(cpnp_cpd_value v)
{
	if (v.kind == CPNP_CPD_ABSENT || v.hi == 0)
		return v;
	return (cpnp_cpd_value){CPNP_CPD_RANGE, 0, v.hi, 0};
}

static cpnp_cpd_value
most_available(cpnp_cpd_value v)
{
	if (v.kind == CPNP_CPD_ABSENT || v.lo == CPNP_CPD_PPM_MAX)
		return v;
	return (cpnp_cpd_value){
		CPNP_CPD_RANGE, v.lo, CPNP_CPD_PPM_MAX, CPNP_CPD_PPM_MAX};
}

/* Anything from the least on; whoever has to go to the limit may. */
static cpnp_cpd_value
up_to(uint64_t limit)
{
	if (limit == 0)
		return cpnp_cpd_single(0);
	return (cpnp_cpd_value){CPNP_CPD_RANGE, 0, limit, limit};
}

static cpnp_cpd_value
from_on(uint64_t limit)
{
	if (limit == CPNP_CPD_PPM_MAX)
		return cpnp_cpd_single(limit);
	return (cpnp_cpd_value){
		CPNP_CPD_RANGE, limit, CPNP_CPD_PPM_MAX, limit};
}

/* ---- the own part ---- */

/* There must be something between the places for us to carry. */
static int
check_own(const struct walk *w, cpnp_explanation *why)
{
	size_t i;

	for (i = 1; i < w->profile->nodes_n; i++)
		if (!is_name(w->profile->nodes[i].place,
			w->profile->nodes[0].place))
			return 0;
	return refuse(why, CPNP_BYTES_LIT("nodes"),
	    CPNP_BYTES_LIT("none of these places is served by this "
		"provider, and the way between them is that of another"),
	    CPNP_BYTES_LIT("an order with the provider of these places"));
}

static int
encode(const cpnp_split *s, const cpnp_cpd *cpd, cpnp_bytes *out)
{
	cpnp_buf buf;
	int err;

	cpnp_buf_init(&buf, &s->arena->mem, CPNP_CPD_MAX);
	err = cpnp_cpd_encode(cpd, &buf);
	*out = cpnp_buf_bytes(&buf);
	return err;
}

int
cpnp_split_own(const cpnp_split *s, const cpnp_choice choice, cpnp_bytes *own,
    cpnp_explanation *why)
{
	cpnp_cpd_metric *list;
	size_t i, k, n;
	struct walk w;
	cpnp_cpd cpd;
	int err = cpnp_cpd_decode(&cpd, s->description, &s->arena->mem, NULL);

	if (err != 0)
		return err;
	for (w = walk_of(s, &cpd); walk_next(&w) && err == 0;) {
		if (count_nodes(&w, 0) == 0)
			continue;
		for (i = 0; i < w.profile->nodes_n; i++)
			if (w.segment_of[i] != 0)
				w.profile->nodes[i].place = chosen(
				    s, choice, w.segment_of[i] - 1u)->place;
		err = check_own(&w, why);
		for (k = 0; k < KINDS; k++) {
			list = metrics(w.profile, k, &n);
			for (i = 0; i < n; i++)
				if (shares(s, &w, &list[i]) > 0)
					list[i].value = least(list[i].value);
		}
		if (w.profile->availability != NULL)
			w.profile->availability->value = most_available(
			    w.profile->availability->value);
	}
	return err == 0 ? encode(s, &cpd, own) : err;
}

/* ---- what a neighbour is asked for ---- */

struct child {
	const cpnp_split *s;
	size_t segment;
	struct walk own;   /* what can be offered of the own part */
	struct walk asked; /* what was asked for */
	cpnp_cpd_profile *profile;
	cpnp_cpd_ref *ref_of; /* of each node of the own part; the border is
				 the first node */
	cpnp_explanation *why;
};

static bool
is_far(const struct child *c, size_t node)
{
	return c->own.segment_of[node] == c->segment + 1;
}

static int
add_nodes(struct child *c, const cpnp_split_neighbour *n)
{
	const cpnp_cpd_profile *p = c->own.profile;
	cpnp_cpd_node *node;
	size_t i;

	c->ref_of = cpnp_arena_alloc(
	    c->s->arena, p->nodes_n, sizeof(*c->ref_of));
	node = cpnp_arena_alloc(c->s->arena, p->nodes_n + 1, sizeof(*node));
	if (node == NULL || c->ref_of == NULL)
		return CPNP_ERR_NOMEM;
	c->profile->nodes = node;
	c->profile->nodes_n = 1;
	node->id = CPNP_BYTES_LIT("border");
	node->place = n->their_place;
	for (i = 0; i < p->nodes_n; i++) {
		c->ref_of[i] = 1;
		if (!is_far(c, i))
			continue;
		node = &c->profile->nodes[c->profile->nodes_n++];
		node->place = c->asked.profile->nodes[i].place;
		node->id = SAY(c->s, "%zu", c->profile->nodes_n - 1);
		c->ref_of[i] = (cpnp_cpd_ref)c->profile->nodes_n;
	}
	return node->id.len > 0 ? 0 : CPNP_ERR_NOMEM;
}

static void
add_rate(uint64_t *sum, cpnp_cpd_value v)
{
	if (v.kind != CPNP_CPD_ABSENT)
		*sum = *sum > CPNP_CPD_RATE_MAX - v.preferred
		    ? CPNP_CPD_RATE_MAX : *sum + v.preferred;
}

/* What a node of the own part can receive and send. */
static void
rates_of(const cpnp_cpd_profile *p, size_t node, uint64_t *in, uint64_t *out)
{
	bool own = false;
	size_t i, pass;

	*in = *out = 0;
	/* What names no node holds for each that none names. */
	for (pass = 0; pass < 2 && !own; pass++)
		for (i = 0; i < p->capacity_n; i++)
			if (p->capacity[i].node ==
			    (pass == 0 ? node + 1 : 0)) {
				add_rate(in, p->capacity[i].in);
				add_rate(out, p->capacity[i].out);
				own = true;
			}
}

static cpnp_cpd_value
rate(uint64_t value, uint64_t limit)
{
	if (limit > 0 && (value == 0 || value > limit))
		value = limit;
	return value > 0 ? cpnp_cpd_single(value)
			 : (cpnp_cpd_value){CPNP_CPD_ABSENT, 0, 0, 0};
}

/* The border carries what the far nodes have, and what the others can take. */
static int
add_capacity(struct child *c)
{
	const cpnp_cpd_profile *p = c->own.profile;
	uint64_t near_in = 0, near_out = 0, far_in = 0, far_out = 0, in, out;
	cpnp_cpd_capacity *list;
	size_t i;

	if (p->capacity_n == 0)
		return 0;
	list = cpnp_arena_alloc(
	    c->s->arena, c->profile->nodes_n, sizeof(*list));
	if (list == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < p->nodes_n; i++) {
		rates_of(p, i, &in, &out);
		add_rate(is_far(c, i) ? &far_in : &near_in,
		    cpnp_cpd_single(in));
		add_rate(is_far(c, i) ? &far_out : &near_out,
		    cpnp_cpd_single(out));
	}
	for (i = 0; i < p->nodes_n; i++) {
		if (!is_far(c, i))
			continue;
		rates_of(p, i, &in, &out);
		list[c->ref_of[i] - 1] = (cpnp_cpd_capacity){
			.node = c->ref_of[i],
			.in = far_in == 0 ? rate(near_out, 0) : rate(in, 0),
			.out = far_out == 0 ? rate(near_in, 0)
					    : rate(out, 0)};
	}
	list[0] = (cpnp_cpd_capacity){.node = 1, .in = rate(far_out, near_in),
		.out = rate(far_in, near_out)};
	c->profile->capacity = list;
	c->profile->capacity_n = c->profile->nodes_n;
	return 0;
}

static int
add_metrics(struct child *c, size_t kind)
{
	cpnp_cpd_metric *own, *asked, *list, *m;
	const cpnp_cpd_metric *was;
	size_t own_n, asked_n, i, at = 0, n = 0;
	char *qos = (char *)c->profile->qos;

	own = metrics(c->own.profile, kind, &own_n);
	asked = metrics(c->asked.profile, kind, &asked_n);
	list = cpnp_arena_alloc(c->s->arena, own_n + 1, sizeof(*list));
	if (list == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < own_n; i++) {
		m = &own[i];
		was = find_asked(asked, asked_n, &at, m);
		if (was == NULL || !is_about(&c->own, m, c->segment))
			continue;
		if (m->value.preferred > was->value.hi)
			return refuse(c->why,
			    cpnp_bytes_str(kinds[kind].name),
			    CPNP_BYTES_LIT("the part of this provider alone "
				"takes more than is asked for the whole"),
			    CPNP_BYTES_NONE);
		list[n++] = (cpnp_cpd_metric){
			.value = up_to(
			    (was->value.hi - m->value.preferred) /
			    shares(c->s, &c->own, m)),
			.statistic = m->statistic,
			.percentile = m->percentile,
			.interval = m->interval,
			.from = m->from == 0 ? 0 : c->ref_of[m->from - 1],
			.to = m->to == 0 ? 0 : c->ref_of[m->to - 1],
			.method = m->method};
	}
	*(cpnp_cpd_metric **)(void *)(qos + kinds[kind].list) = list;
	*(size_t *)(void *)(qos + kinds[kind].count) = n;
	return 0;
}

static int
add_qos(struct child *c)
{
	const cpnp_cpd_qos *own = c->own.profile->qos;
	cpnp_cpd_qos *qos;
	size_t k;
	int err = 0;

	if (own == NULL)
		return 0;
	qos = cpnp_arena_alloc(c->s->arena, 1, sizeof(*qos));
	if (qos == NULL)
		return CPNP_ERR_NOMEM;
	c->profile->qos = qos;
	qos->meta_class = own->meta_class;
	for (k = 0; k < KINDS && err == 0; k++)
		err = add_metrics(c, k);
	if (qos->meta_class.len == 0 &&
	    qos->loss_n + qos->delay_n + qos->delay_variation_n == 0)
		c->profile->qos = NULL;
	return err;
}

static int
add_availability(struct child *c)
{
	const cpnp_cpd_availability *own = c->own.profile->availability;
	const cpnp_cpd_availability *asked = c->asked.profile->availability;
	cpnp_cpd_availability *a;

	if (own == NULL || asked == NULL)
		return 0;
	a = cpnp_arena_alloc(c->s->arena, 1, sizeof(*a));
	if (a == NULL)
		return CPNP_ERR_NOMEM;
	if (own->value.preferred < asked->value.lo)
		return refuse(c->why, CPNP_BYTES_LIT("availability"),
		    CPNP_BYTES_LIT("the part of this provider alone is less "
			"available than is asked of the whole"),
		    CPNP_BYTES_NONE);
	a->value = from_on(CPNP_CPD_PPM_MAX -
	    (own->value.preferred - asked->value.lo) /
		shares(c->s, &c->own, NULL));
	a->statistic = own->statistic;
	a->interval = own->interval;
	c->profile->availability = a;
	return 0;
}

static int
add_routing(struct child *c)
{
	const cpnp_cpd_routing *own = c->own.profile->routing;
	cpnp_cpd_routing *r;
	size_t i;

	if (own == NULL)
		return 0;
	r = cpnp_arena_alloc(c->s->arena, 1, sizeof(*r));
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	r->avoid = cpnp_arena_alloc(
	    c->s->arena, own->avoid_n + 1, sizeof(*r->avoid));
	if (r->avoid == NULL)
		return CPNP_ERR_NOMEM;
	/* Our nodes and links are nothing to them. */
	for (i = 0; i < own->avoid_n; i++)
		if (own->avoid[i].as.is_set)
			r->avoid[r->avoid_n++] = (cpnp_cpd_hop){
				.as = own->avoid[i].as};
	r->within = own->within;
	r->within_n = own->within_n;
	r->outside = own->outside;
	r->outside_n = own->outside_n;
	r->no_media = own->no_media;
	r->no_media_n = own->no_media_n;
	r->backup = own->backup;
	r->forwarding = own->forwarding;
	if (r->avoid_n + r->within_n + r->outside_n + r->no_media_n > 0 ||
	    r->backup != 0 || r->forwarding.len > 0)
		c->profile->routing = r;
	return 0;
}

/* Clauses that each part honours alike; what is in them that nobody here
 * knows stays behind. */
static int
add_others(struct child *c)
{
	const cpnp_cpd_profile *p = c->own.profile;
	cpnp_arena *arena = c->s->arena;
	cpnp_cpd_profile *q = c->profile;

#define COPY(m)                                                                \
	do {                                                                   \
		if (p->m == NULL)                                              \
			break;                                                 \
		q->m = cpnp_arena_alloc(arena, 1, sizeof(*q->m));              \
		if (q->m == NULL)                                              \
			return CPNP_ERR_NOMEM;                                 \
		*q->m = *p->m;                                                 \
		q->m->extra = (cpnp_cpd_extra){NULL, 0, 0};                    \
	} while (0)
	COPY(conformance);
	COPY(overall);
	COPY(isolation);
	COPY(window);
#undef COPY
	if (q->window != NULL && !q->window->start.is_set &&
	    !q->window->end.is_set)
		q->window = NULL;
	return 0;
}

static int
add_profile(struct child *c, const cpnp_choice choice)
{
	int err = add_nodes(c, chosen(c->s, choice, c->segment));

	if (err == 0)
		err = add_capacity(c);
	if (err == 0)
		err = add_qos(c);
	if (err == 0)
		err = add_availability(c);
	if (err == 0)
		err = add_routing(c);
	return err == 0 ? add_others(c) : err;
}

/* The same profiles, however each of the two was made. */
static bool
is_alike(const cpnp_cpd *a, const cpnp_cpd *b)
{
	size_t i, k;

	if (a->components_n != b->components_n)
		return false;
	for (i = 0; i < a->components_n; i++) {
		if (a->components[i].profiles_n !=
		    b->components[i].profiles_n)
			return false;
		for (k = 0; k < a->components[i].profiles_n; k++)
			if (a->components[i].profiles[k].nodes_n !=
			    b->components[i].profiles[k].nodes_n)
				return false;
	}
	return true;
}

static int
decode_own(const cpnp_split *s, cpnp_bytes own, cpnp_cpd *cpd)
{
	int err = cpnp_cpd_decode(cpd, own, &s->arena->mem, NULL);

	return err == 0 && !is_alike(cpd, &s->request) ? CPNP_ERR_MISMATCH
						       : err;
}

int
cpnp_split_child(const cpnp_split *s, const cpnp_choice choice, size_t segment,
    cpnp_bytes own, cpnp_bytes *child, cpnp_explanation *why)
{
	struct child c = {.s = s, .segment = segment, .why = why};
	cpnp_cpd_component component = {.profiles_n = 0};
	cpnp_cpd out = {.components = &component, .components_n = 1}, offer;
	size_t n = 0;
	int err = decode_own(s, own, &offer);

	if (err != 0)
		return err;
	for (c.own = walk_of(s, &offer); walk_next(&c.own);)
		n += count_nodes(&c.own, (uint8_t)(segment + 1)) > 0;
	if (n > CPNP_CPD_PROFILES_MAX)
		return refuse(why, CPNP_BYTES_LIT("profiles"),
		    CPNP_BYTES_LIT("too many profiles have places behind one "
			"neighbour"), CPNP_BYTES_LIT("several orders"));
	component.profiles =
	    cpnp_arena_alloc(s->arena, n, sizeof(*component.profiles));
	if (component.profiles == NULL)
		return CPNP_ERR_NOMEM;
	c.own = walk_of(s, &offer);
	c.asked = walk_of(s, &s->request);
	while (err == 0 && walk_next(&c.own) && walk_next(&c.asked)) {
		if (count_nodes(&c.own, (uint8_t)(segment + 1)) == 0)
			continue;
		c.profile = &component.profiles[component.profiles_n++];
		err = add_profile(&c, choice);
	}
	return err == 0 ? encode(s, &out, child) : err;
}

/* ---- what a neighbour offers ---- */

static bool
is_token(const cpnp_catalogue *c, const cpnp_money *m)
{
	return m->exponent == c->token_exponent &&
	    cpnp_bytes_equal(m->code, cpnp_bytes_str(c->token_code)) &&
	    cpnp_bytes_equal(m->issuer, cpnp_bytes_str(c->token_issuer));
}

static bool
is_test(const cpnp_msg *m)
{
	return cpnp_msg_has(m, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    m->options.purpose == CPNP_PURPOSE_TEST;
}

/* Nothing said is as good as what was asked for. */
static bool
has_other_purpose(const cpnp_msg *request, const cpnp_msg *offer)
{
	return cpnp_msg_has(offer, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    offer->options.purpose != CPNP_PURPOSE_NONE &&
	    is_test(request) != is_test(offer);
}

bool
cpnp_split_is_within(cpnp_bytes offered, cpnp_bytes asked)
{
	cpnp_cpd offer, request;
	cpnp_arena arena;
	bool is;

	cpnp_arena_init(&arena);
	is = cpnp_cpd_decode(&offer, offered, &arena.mem, NULL) == 0 &&
	    cpnp_cpd_decode(&request, asked, &arena.mem, NULL) == 0 &&
	    cpnp_cpd_within(&offer, &request, NULL) == 0;
	cpnp_arena_fini(&arena);
	return is;
}

/* What is agreed is not the document alone: a test ends by itself, and nobody
 * here would activate what waits for that. */
const char *
cpnp_split_objection(const cpnp_catalogue *catalogue, const cpnp_msg *request,
    const cpnp_msg *offer)
{
	if (cpnp_msg_has(offer, CPNP_ATTR_SETTLEMENT_TERMS))
		return "it is to be paid at a ledger";
	if (cpnp_msg_has(offer, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    offer->options.has_cost && !offer->options.cost_empty &&
	    !is_token(catalogue, &offer->options.cost))
		return "its price is in another token";
	if (has_other_purpose(request, offer))
		return is_test(offer) ? "it is a test" : "it is not a test";
	if (cpnp_msg_has(offer, CPNP_ATTR_ACTIVATION_SCHEDULE) ||
	    (cpnp_msg_has(offer, CPNP_ATTR_ACTIVATION_TYPE) &&
		offer->activation_type != CPNP_ACTIVATION_PERMANENT))
		return "it is not active from the agreement on";
	if (!cpnp_split_is_within(offer->service_description,
		request->service_description))
		return "it is not what was asked for";
	return NULL;
}

/* ---- what is offered of the whole ---- */

/* The offer for a segment, its profiles those that have nodes of it. */
struct part {
	cpnp_cpd cpd;
	size_t next; /* profile */
	const cpnp_cpd_profile *profile;
	size_t at[KINDS]; /* metrics that were looked at */
};

static int
open_parts(const cpnp_split *s, const cpnp_bytes *children,
    struct part *parts)
{
	size_t i;
	int err = 0;

	for (i = 0; i < s->segments_n && err == 0; i++) {
		err = cpnp_cpd_decode(&parts[i].cpd, children[i],
		    &s->arena->mem, NULL);
		if (err == 0 && parts[i].cpd.components_n != 1)
			err = CPNP_ERR_MISMATCH;
	}
	return err;
}

/* The profiles of the parts that belong to the one at hand. */
static int
next_parts(const cpnp_split *s, const struct walk *own, struct part *parts)
{
	struct part *p;
	size_t i, n;

	for (i = 0; i < s->segments_n; i++) {
		p = &parts[i];
		p->profile = NULL;
		memset(p->at, 0, sizeof(p->at));
		n = count_nodes(own, (uint8_t)(i + 1));
		if (n == 0)
			continue;
		if (p->next == p->cpd.components[0].profiles_n)
			return CPNP_ERR_MISMATCH;
		p->profile = &p->cpd.components[0].profiles[p->next++];
		if (p->profile->nodes_n != n + 1)
			return CPNP_ERR_MISMATCH;
	}
	return 0;
}

/* The customer's nodes are as it named them, with the place where a neighbour
 * meets it when that has said so. */
static void
restore_nodes(
    const struct walk *own, const struct walk *asked, const struct part *parts)
{
	size_t next[CPNP_SEGMENTS_MAX] = {0};
	const cpnp_cpd_node *theirs;
	cpnp_cpd_node *node;
	size_t i, segment;

	for (i = 0; i < own->profile->nodes_n; i++) {
		if (own->segment_of[i] == 0)
			continue;
		segment = own->segment_of[i] - 1u;
		theirs = &parts[segment].profile->nodes[++next[segment]];
		node = &own->profile->nodes[i];
		*node = asked->profile->nodes[i];
		if (node->links_n == 0) {
			node->links = theirs->links;
			node->links_n = theirs->links_n;
		}
	}
}

/* The two largest of some numbers: any two of the parts may be the ends. */
struct ends {
	uint64_t first;
	uint64_t second;
};

static void
add_end(struct ends *e, uint64_t value)
{
	if (value > e->first) {
		e->second = e->first;
		e->first = value;
	} else if (value > e->second) {
		e->second = value;
	}
}

/* own + what the parts have of it, not better than was wished for. */
static int
join_metrics(const cpnp_split *s, const struct walk *own,
    const struct walk *asked, struct part *parts, size_t kind)
{
	size_t own_n, asked_n, n, i, k, at = 0;
	cpnp_cpd_metric *list = metrics(own->profile, kind, &own_n), *theirs;
	cpnp_cpd_metric *wish = metrics(asked->profile, kind, &asked_n);
	const cpnp_cpd_metric *was;
	uint64_t sum;

	for (i = 0; i < own_n; i++) {
		struct ends ends = {0, 0};

		was = find_asked(wish, asked_n, &at, &list[i]);
		if (was == NULL || shares(s, own, &list[i]) == 0)
			continue;
		for (k = 0; k < s->segments_n; k++) {
			if (!is_about(own, &list[i], k))
				continue;
			theirs = metrics(parts[k].profile, kind, &n);
			if (parts[k].at[kind] == n)
				return CPNP_ERR_MISMATCH;
			add_end(&ends, theirs[parts[k].at[kind]++]
					   .value.preferred);
		}
		sum = list[i].value.preferred + ends.first + ends.second;
		if (sum > was->value.hi)
			return CPNP_ERR_MISMATCH;
		list[i].value = cpnp_cpd_single(sum < was->value.preferred
			? was->value.preferred : sum);
	}
	return 0;
}

static int
join_availability(const cpnp_split *s, const struct walk *own,
    const struct walk *asked, const struct part *parts)
{
	cpnp_cpd_availability *a = own->profile->availability;
	const cpnp_cpd_value *was;
	struct ends ends = {0, 0};
	uint64_t lost;
	size_t i;

	if (a == NULL || asked->profile->availability == NULL)
		return 0;
	was = &asked->profile->availability->value;
	for (i = 0; i < s->segments_n; i++) {
		if (parts[i].profile == NULL)
			continue;
		if (parts[i].profile->availability == NULL)
			return CPNP_ERR_MISMATCH;
		add_end(&ends, CPNP_CPD_PPM_MAX -
		    parts[i].profile->availability->value.preferred);
	}
	lost = CPNP_CPD_PPM_MAX - a->value.preferred + ends.first +
	    ends.second;
	if (lost > CPNP_CPD_PPM_MAX - was->lo)
		return CPNP_ERR_MISMATCH;
	if (lost < CPNP_CPD_PPM_MAX - was->preferred)
		lost = CPNP_CPD_PPM_MAX - was->preferred;
	a->value = cpnp_cpd_single(CPNP_CPD_PPM_MAX - lost);
	return 0;
}

int
cpnp_split_join(const cpnp_split *s, cpnp_bytes own_offer,
    const cpnp_bytes children[CPNP_SEGMENTS_MAX], cpnp_bytes *whole)
{
	struct part *parts = cpnp_arena_alloc(
	    s->arena, s->segments_n + 1, sizeof(*parts));
	struct walk own, asked;
	cpnp_cpd offer;
	size_t k;
	int err = parts == NULL ? CPNP_ERR_NOMEM
				: decode_own(s, own_offer, &offer);

	if (err == 0)
		err = open_parts(s, children, parts);
	if (err != 0)
		return err;
	own = walk_of(s, &offer);
	asked = walk_of(s, &s->request);
	while (err == 0 && walk_next(&own) && walk_next(&asked)) {
		if (count_nodes(&own, 0) == 0)
			continue;
		err = next_parts(s, &own, parts);
		if (err == 0)
			restore_nodes(&own, &asked, parts);
		for (k = 0; k < KINDS && err == 0; k++)
			err = join_metrics(s, &own, &asked, parts, k);
		if (err == 0)
			err = join_availability(s, &own, &asked, parts);
	}
	return err == 0 ? encode(s, &offer, whole) : err;
}
