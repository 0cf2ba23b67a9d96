/*
 * What the table of fields cannot say: clauses that contradict each other,
 * and references to what is not there.  Each rule names its section of RFC
 * 7297 and says in its error what would be right.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "cpd_schema.h"

struct check {
	const cpnp_cpd *cpd;
	const cpnp_cpd_profile *profile;
	const struct cpd_path *path; /* of the profile */
	cpnp_diag *diag;
	const void *culprit;
};

/* The clause or member of a list that is at fault. */
static int
refuse(struct check *check, const struct cpd_path *path, const void *culprit,
    const char *why)
{
	check->culprit = culprit;
	return cpd_fail(check->diag, CPNP_ERR_CLAUSE, path, "%s", why);
}

static int
refuse_clause(
    struct check *check, const char *name, const void *culprit, const char *why)
{
	struct cpd_path path = {check->path, name, 0, CPNP_BYTES_NONE};

	return refuse(check, &path, culprit, why);
}

/* Member i of a list, which starts at 0. */
static int
refuse_member(struct check *check, const struct cpd_path *up, const char *name,
    size_t i, const void *culprit, const char *why)
{
	struct cpd_path path = {up, name, i + 1, CPNP_BYTES_NONE};

	return refuse(check, &path, culprit, why);
}

/* Without a template or item that could say the rest. */
static bool
stands_alone(const struct check *check)
{
	return check->cpd->based_on.len == 0;
}

/* References, which lead into the lists of the same profile. */
static int
check_ref(struct check *check, const struct cpd_field *field, const void *at,
    const void *culprit, const struct cpd_path *path)
{
	const cpnp_cpd_profile *profile = check->profile;
	cpnp_cpd_ref ref;

	if (field->kind != CPD_NODE && field->kind != CPD_SCOPE)
		return 0;
	ref = *(const cpnp_cpd_ref *)at;
	if (field->kind == CPD_NODE && ref > profile->nodes_n)
		return refuse(check, path, culprit,
		    "there is no such node; name one of the nodes map");
	if (field->kind == CPD_SCOPE && ref > profile->scopes_n)
		return refuse(check, path, culprit,
		    "there is no such scope; name one of the scopes");
	if (field->kind == CPD_SCOPE && ref != 0 &&
	    profile->scopes[ref - 1].id.len == 0)
		return refuse(check, path, culprit,
		    "the scope that is named here needs an id");
	return 0;
}

static uint32_t
hash_bytes(uint32_t hash, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n-- > 0)
		hash = (hash ^ *p++) * 16777619u; /* FNV-1a */
	return hash;
}

static uint32_t
hash_ids(const struct cpd_type *type, const void *member)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		const void *at = cpd_at(field, member);
		const cpnp_bytes *text = at;

		if ((field->flags & CPD_ID) == 0)
			continue;
		hash = hash_bytes(hash, &field->key, sizeof(field->key));
		if (field->kind == CPD_TEXT)
			hash = hash_bytes(hash, text->ptr, text->len);
		else if (field->kind != CPD_NUMBER)
			hash = hash_bytes(hash, at, cpd_scalar_size(field));
	}
	return hash;
}

/* Twice as many slots as the longest list has members. */
#define SLOTS (2 * CPNP_CPD_NODES_MAX)

_Static_assert(CPNP_CPD_CAPACITIES_MAX <= CPNP_CPD_NODES_MAX,
    "the table has room for every list");

/* No two members of a list may have the same identifying fields. */
static int
check_unique(struct check *check, const struct cpd_field *list,
    const void *members, size_t n, const struct cpd_path *up)
{
	uint16_t slots[SLOTS];

	if (n < 2 || n > CPNP_CPD_NODES_MAX || !cpd_has_id(list->type))
		return 0;
	memset(slots, 0, sizeof(slots));
	for (size_t i = 0; i < n; i++) {
		const void *member = cpd_member(list, members, i);
		size_t slot = hash_ids(list->type, member) % SLOTS;

		for (; slots[slot] != 0; slot = (slot + 1) % SLOTS)
			if (cpd_id_equal(list->type, member, check->profile,
				cpd_member(list, members, slots[slot] - 1u),
				check->profile)) {
				struct cpd_path path = {up->up, up->name,
				    i + 1, CPNP_BYTES_NONE};

				return refuse(check, &path, member,
				    "the same stands there twice; give them "
				    "different identifiers or leave one out");
			}
		slots[slot] = (uint16_t)(i + 1);
	}
	return 0;
}

static int check_struct(struct check *check, const struct cpd_type *type,
    const void *structure, const struct cpd_path *path);

static int
check_list(struct check *check, const struct cpd_field *field,
    const void *structure, const struct cpd_path *up)
{
	struct cpd_path path = {up, field->name, 0, CPNP_BYTES_NONE};
	size_t n;
	const void *list = cpd_list_get(field, structure, &n);
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++) {
		const void *member = cpd_member(field, list, i);

		path.index = field->kind == CPD_STRUCT ? 0 : i + 1;
		if (field->kind == CPD_ITEMS)
			err = check_ref(
			    check, field->item, member, structure, &path);
		else
			err = check_struct(check, field->type, member, &path);
	}
	if (err == 0 && field->kind == CPD_LIST)
		err = check_unique(check, field, list, n, &path);
	return err;
}

/* References and identifiers in a structure and all below it. */
static int
check_struct(struct check *check, const struct cpd_type *type,
    const void *structure, const struct cpd_path *path)
{
	int err = 0;

	for (size_t i = 0; i < type->fields_n && err == 0; i++) {
		const struct cpd_field *field = &type->fields[i];
		struct cpd_path here = {
			path, field->name, 0, CPNP_BYTES_NONE};

		if (cpd_is_scalar(field))
			err = check_ref(check, field,
			    cpd_at(field, structure), structure, &here);
		else
			err = check_list(check, field, structure, path);
	}
	return err;
}

static bool
has_link(const cpnp_cpd_profile *profile, cpnp_cpd_ref node, cpnp_bytes link)
{
	const cpnp_cpd_node *n;

	if (node == 0)
		return false;
	n = &profile->nodes[node - 1];
	for (size_t i = 0; i < n->links_n; i++)
		if (cpnp_bytes_equal(n->links[i].id, link))
			return true;
	return false;
}

static int
check_points(struct check *check, const cpnp_cpd_point *points, size_t n,
    const struct cpd_path *up, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if ((points[i].node != 0) + (points[i].provider_node.len != 0) +
		    (points[i].prefix.family != 0) != 1)
			return refuse_member(check, up, name, i, &points[i],
			    "name one of node, provider-node and prefix");
	return 0;
}

/* 3.2: the model says how many ends a scope has. */
static int
check_model(struct check *check, const cpnp_cpd_scope *scope,
    const struct cpd_path *path)
{
	switch (scope->model) {
	case CPNP_CPD_PIPE:
		if (scope->ingress_n != 1 || scope->egress_n != 1)
			return refuse(check, path, scope,
			    "a pipe (1:1) has exactly one ingress and one "
			    "egress");
		break;
	case CPNP_CPD_HOSE:
		if (scope->ingress_n != 1 || scope->egress_n == 0)
			return refuse(check, path, scope,
			    "a hose (1:N) has one ingress and at least one "
			    "egress");
		break;
	case CPNP_CPD_UNSPECIFIED_HOSE:
		if (scope->ingress_n != 1 || scope->egress_n != 0)
			return refuse(check, path, scope,
			    "an unspecified hose (1:any) has one ingress and "
			    "no egress");
		break;
	default:
		break;
	}
	return 0;
}

static int
check_scope(struct check *check, size_t i)
{
	const cpnp_cpd_scope *scope = &check->profile->scopes[i];
	struct cpd_path path = {check->path, "scopes", i + 1, CPNP_BYTES_NONE};
	int err;

	if (scope->reach == CPNP_CPD_REACH_GLOBAL &&
	    scope->destinations_n + scope->sources_n > 0)
		return refuse(check, &path, scope,
		    "a global reach has no list of prefixes; leave it out or "
		    "write a restricted reach");
	for (size_t j = 0; j < scope->sources_n; j++)
		if (cpd_prefix_is_multicast(&scope->sources[j]))
			return refuse(check, &path, scope,
			    "a source is unicast; a multicast prefix is a "
			    "destination");
	err = check_model(check, scope, &path);
	if (err == 0)
		err = check_points(check, scope->ingress, scope->ingress_n,
		    &path, "ingress");
	if (err == 0)
		err = check_points(check, scope->egress, scope->egress_n,
		    &path, "egress");
	return err;
}

static int
check_metrics(struct check *check, const char *name,
    const cpnp_cpd_metric *metrics, size_t n, const struct cpd_path *qos)
{
	bool is_throughput = strcmp(name, "throughput") == 0;

	for (size_t i = 0; i < n; i++) {
		const cpnp_cpd_metric *m = &metrics[i];
		const char *why = NULL;

		if ((m->statistic == CPNP_CPD_PERCENTILE) !=
		    m->percentile.is_set)
			why = "a percentile goes with statistic percentile, "
			      "and only with it";
		else if (is_throughput && m->statistic == CPNP_CPD_MAXIMUM)
			why = "a throughput is guaranteed as minimum, mean or "
			      "percentile, not as maximum";
		else if (!is_throughput && m->statistic == CPNP_CPD_MINIMUM)
			why = "only a throughput has a minimum; write "
			      "maximum, mean or percentile";
		else if (m->from != 0 && m->from == m->to)
			why = "from and to are the same node";
		if (why != NULL)
			return refuse_member(check, qos, name, i, m, why);
	}
	return 0;
}

/* 3.3 */
static int
check_qos(struct check *check)
{
	const cpnp_cpd_qos *qos = check->profile->qos;
	struct cpd_path path = {check->path, "qos", 0, CPNP_BYTES_NONE};
	size_t n = qos->loss_n + qos->delay_n + qos->delay_variation_n +
	    qos->throughput_n;
	int err;

	if (qos->meta_class.len != 0 && n != 0)
		return refuse(check, &path, qos,
		    "a class (qualitative) and metrics (quantitative) exclude "
		    "each other in a profile; leave one out");
	if (n != 0 && check->profile->capacity_n == 0 && stands_alone(check))
		return refuse(check, &path, qos,
		    "metrics hold for traffic within a capacity only; add a "
		    "capacity clause, or name a class");
	err = check_metrics(check, "loss", qos->loss, qos->loss_n, &path);
	if (err == 0)
		err = check_metrics(
		    check, "delay", qos->delay, qos->delay_n, &path);
	if (err == 0)
		err = check_metrics(check, "delay-variation",
		    qos->delay_variation, qos->delay_variation_n, &path);
	if (err == 0)
		err = check_metrics(check, "throughput", qos->throughput,
		    qos->throughput_n, &path);
	return err;
}

/* 3.4 */
static int
check_availability(struct check *check)
{
	const cpnp_cpd_availability *a = check->profile->availability;

	if (a->statistic != 0 && a->statistic != CPNP_CPD_MEAN &&
	    a->statistic != CPNP_CPD_MAXIMUM)
		return refuse_clause(check, "availability", a,
		    "availability is a maximum or a mean");
	return 0;
}

/* 3.5 */
static int
check_capacity(struct check *check, size_t i)
{
	const cpnp_cpd_capacity *c = &check->profile->capacity[i];
	const char *why = NULL;

	if (c->in.kind == CPNP_CPD_ABSENT && c->out.kind == CPNP_CPD_ABSENT)
		why = "a rate needs in, out, or both";
	else if (c->link.len != 0 &&
	    !has_link(check->profile, c->node, c->link))
		why = "a link is named together with its node, and is one of "
		      "the links of that node";
	return why == NULL ? 0 : refuse_member(check, check->path, "capacity",
	    i, c, why);
}

/* 3.6 */
static int
check_conformance(struct check *check)
{
	const cpnp_cpd_conformance *c = check->profile->conformance;
	const char *why = NULL;

	if ((c->excess == CPNP_CPD_REMARK) != (c->excess_class.len != 0))
		why = "excess-class goes with excess remark, and only with it";
	else if ((c->filter != 0 || c->excess != 0) &&
	    check->profile->capacity_n == 0 && stands_alone(check))
		why = "without a capacity clause no traffic is in excess; add "
		      "one, or leave out filter and excess";
	return why == NULL ? 0 : refuse_clause(check, "conformance", c, why);
}

/* 3.7 */
static int
check_overall(struct check *check)
{
	const cpnp_cpd_profile *p = check->profile;
	bool is_limited = p->capacity_n != 0 ||
	    (p->conformance != NULL && p->conformance->filter != 0);
	const char *why = NULL;

	if (p->overall->loss.len != 0 && p->overall->throughput.len != 0)
		why = "an overall guarantee is of loss or of throughput, not "
		      "of both";
	else if (is_limited && (p->conformance == NULL ||
	    p->conformance->excess != CPNP_CPD_REMARK))
		why = "overall guarantees are for profiles without capacity "
		      "and conformance, or with excess traffic remarked";
	return why == NULL ? 0
			   : refuse_clause(check, "overall", p->overall, why);
}

/* Protocols that have ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
static bool
has_ports(uint32_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 33 ||
	    protocol == 132 || protocol == 136;
}

/* 3.9 */
static int
check_flow(struct check *check, size_t i)
{
	const cpnp_cpd_flow *f = &check->profile->flows[i];
	const char *why = NULL;

	if (f->source.family != 0 && f->destination.family != 0 &&
	    f->source.family != f->destination.family)
		why = "source and destination are of different families; "
		      "write one flow for IPv4 and one for IPv6";
	else if (f->protocol.is_set && !has_ports(f->protocol.value) &&
	    (f->source_port.is_set || f->destination_port.is_set))
		why = "this protocol has no ports; leave them out, or name "
		      "protocol 6 (TCP) or 17 (UDP)";
	else if (f->link.len != 0 &&
	    !has_link(check->profile, f->node, f->link))
		why = "a link is named together with its node, and is one of "
		      "the links of that node";
	return why == NULL ? 0 : refuse_member(check, check->path, "flows", i,
	    f, why);
}

static bool
hop_equal(const cpnp_cpd_hop *a, const cpnp_cpd_hop *b)
{
	return a->as.value == b->as.value &&
	    cpnp_bytes_equal(a->node, b->node) &&
	    cpnp_bytes_equal(a->link, b->link) &&
	    cpd_prefix_equal(&a->prefix, &b->prefix);
}

static int
check_hops(struct check *check, const char *name, const cpnp_cpd_hop *hops,
    size_t n, const struct cpd_path *up)
{
	for (size_t i = 0; i < n; i++)
		if (hops[i].as.is_set + (hops[i].node.len != 0) +
		    (hops[i].link.len != 0) + (hops[i].prefix.family != 0) != 1)
			return refuse_member(check, up, name, i, &hops[i],
			    "name one of as, node, link and prefix");
	return 0;
}

/* 3.10 */
static int
check_routing(struct check *check)
{
	const cpnp_cpd_routing *r = check->profile->routing;
	struct cpd_path path = {check->path, "routing", 0, CPNP_BYTES_NONE};
	int err = check_hops(check, "avoid", r->avoid, r->avoid_n, &path);

	if (err == 0)
		err = check_hops(
		    check, "through", r->through, r->through_n, &path);
	if (err != 0)
		return err;
	for (size_t i = 0; i < r->avoid_n; i++)
		for (size_t j = 0; j < r->through_n; j++)
			if (hop_equal(&r->avoid[i], &r->through[j]))
				return refuse_member(check, &path, "through",
				    j, &r->through[j],
				    "what must be passed through is to be "
				    "avoided too; leave one out");
	for (size_t i = 0; i < r->within_n; i++)
		for (size_t j = 0; j < r->outside_n; j++)
			if (cpnp_bytes_equal(r->within[i], r->outside[j]))
				return refuse_member(check, &path, "outside",
				    j, r, "the same region stands in within "
				    "and in outside; leave one out");
	return 0;
}

/* 3.12 and 3.13, and the window. */
static int
check_rest(struct check *check)
{
	const cpnp_cpd_profile *p = check->profile;
	const cpnp_cpd_invocation *invocation = p->invocation;
	const cpnp_cpd_window *w = p->window;

	if (invocation != NULL &&
	    (invocation->type == CPNP_CPD_EXPLICIT) !=
		(invocation->protocols_n != 0))
		return refuse_clause(check, "invocation", invocation,
		    "explicit invocation names its protocols, implicit has "
		    "none");
	for (size_t i = 0; i < p->notifications_n; i++)
		if (p->notifications[i].target.len == 0 &&
		    p->notifications[i].method != CPNP_CPD_NOTIFY_CPNP)
			return refuse_member(check, check->path,
			    "notifications", i, &p->notifications[i],
			    "a notification needs a target; only cpnp has "
			    "none");
	if (w != NULL && w->start.is_set && w->end.is_set &&
	    w->end.time.sec <= w->start.time.sec)
		return refuse_clause(check, "window", w,
		    "the end must be later than the start");
	return 0;
}

static int
check_clauses(struct check *check)
{
	const cpnp_cpd_profile *p = check->profile;
	int err = 0;

	for (size_t i = 0; i < p->scopes_n && err == 0; i++)
		err = check_scope(check, i);
	if (err == 0 && p->qos != NULL)
		err = check_qos(check);
	if (err == 0 && p->availability != NULL)
		err = check_availability(check);
	for (size_t i = 0; i < p->capacity_n && err == 0; i++)
		err = check_capacity(check, i);
	if (err == 0 && p->conformance != NULL)
		err = check_conformance(check);
	if (err == 0 && p->overall != NULL)
		err = check_overall(check);
	for (size_t i = 0; i < p->flows_n && err == 0; i++)
		err = check_flow(check, i);
	if (err == 0 && p->routing != NULL)
		err = check_routing(check);
	return err == 0 ? check_rest(check) : err;
}

static int
check_component(struct check *check, const cpnp_cpd_component *component,
    const struct cpd_path *up)
{
	int err = 0;

	if (component->profiles_n == 0)
		return refuse(check, up, component,
		    "a component has at least one profile");
	for (size_t i = 0; i < component->profiles_n && err == 0; i++) {
		struct cpd_path path = {up, "profile", i + 1, CPNP_BYTES_NONE};

		check->profile = &component->profiles[i];
		check->path = &path;
		if (check->profile->nodes_n == 0)
			return refuse_clause(check, "nodes", check->profile,
			    "a profile has at least one node");
		err = check_struct(check, &cpd_type_profile, check->profile,
		    &path);
		if (err == 0)
			err = check_clauses(check);
	}
	return err;
}

int
cpd_validate(const cpnp_cpd *cpd, cpnp_diag *diag, const void **culprit)
{
	struct check check = {.cpd = cpd, .diag = diag};
	int err = 0;

	if (cpd->components_n == 0 &&
	    (cpd->based_on.len != 0 || cpd->extra.n != 0))
		err = refuse(&check, NULL, cpd,
		    "a document that is not empty has at least one component");
	for (size_t i = 0; i < cpd->components_n && err == 0; i++) {
		struct cpd_path path = {
			NULL, "component", i + 1, CPNP_BYTES_NONE};

		err = check_component(&check, &cpd->components[i], &path);
	}
	if (culprit != NULL)
		*culprit = check.culprit;
	return err;
}

int
cpnp_cpd_validate(const cpnp_cpd *cpd, cpnp_diag *diag)
{
	return cpd_validate(cpd, diag, NULL);
}
