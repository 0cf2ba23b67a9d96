/*
 * Reading the own network, cpnp-network(5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "topology.h"

/* What a file that is being read belongs to. */
struct network {
	cpnp_topology *t;
	const cpnp_catalogue *catalogue;
};

/* Of an element "extra". */
struct extra {
	uint64_t from;
	uint64_t until;
	uint64_t capacity;
	char *days;
};

#define NAME_TEXT "1 to 64 bytes"
#define NODE_TEXT "the name of a node of this network"

static const struct attribute node_attributes[] = {
	{A(cpnp_topo_node, "name", NAME, name), .required = true, .min = 1,
	    .max = PLACE_NAME_MAX, .expected = NAME_TEXT},
};

static const struct attribute link_attributes[] = {
	{A(cpnp_topo_link, "name", NAME, name), .required = true, .min = 1,
	    .max = PLACE_NAME_MAX, .expected = NAME_TEXT},
	{A(cpnp_topo_link, "a", NAME, ends[0]), .required = true, .min = 1,
	    .max = PLACE_NAME_MAX, .expected = NODE_TEXT},
	{A(cpnp_topo_link, "b", NAME, ends[1]), .required = true, .min = 1,
	    .max = PLACE_NAME_MAX, .expected = NODE_TEXT},
	{A(cpnp_topo_link, "capacity", QUANTITY, capacity),
	    .unit = CPNP_UNIT_RATE, .required = true,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
	{A(cpnp_topo_link, "delay", GUARANTEE, promises[CPNP_METRIC_DELAY]),
	    .unit = CPNP_UNIT_DELAY, .required = true,
	    .max = CPNP_CPD_DELAY_MAX, .expected = DELAY_TEXT},
	{A(cpnp_topo_link, "delay-variation", GUARANTEE,
	     promises[CPNP_METRIC_DELAY_VARIATION]),
	    .unit = CPNP_UNIT_DELAY, .max = CPNP_CPD_DELAY_MAX,
	    .expected = DELAY_TEXT},
	{A(cpnp_topo_link, "loss", GUARANTEE, promises[CPNP_METRIC_LOSS]),
	    .unit = CPNP_UNIT_RATIO, .max = CPNP_CPD_PPM_MAX,
	    .expected = LOSS_TEXT},
	{A(cpnp_topo_link, "availability", GUARANTEE, availability),
	    .unit = CPNP_UNIT_RATIO, .max = CPNP_CPD_PPM_MAX,
	    .expected = AVAILABILITY_TEXT},
	{A(cpnp_topo_link, "separation", CHOICE, separation),
	    .expected = "shared, isolated or dedicated",
	    .choices = cpnp_separation_names},
	{A(cpnp_topo_link, "km", NUMBER, km), .max = 50000,
	    .expected = "a whole number of kilometres, up to 50000"},
};

static const struct attribute extra_attributes[] = {
	{A(struct extra, "days", NAME, days), .min = 1, .max = CPNP_TEXT_MAX,
	    .expected = "days such as \"mon-fri\" or \"sat, sun\""},
	{A(struct extra, "from", CLOCK, from), .required = true,
	    .expected = "a time of day in UTC, such as \"22:00\""},
	{A(struct extra, "until", CLOCK, until), .required = true,
	    .expected = "a time of day in UTC, such as \"06:00\""},
	{A(struct extra, "capacity", QUANTITY, capacity),
	    .unit = CPNP_UNIT_RATE, .required = true, .min = 1,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
};

static const struct attribute border_attributes[] = {
	{A(cpnp_topo_border, "name", NAME, name), .required = true, .min = 1,
	    .max = PLACE_NAME_MAX, .expected = NAME_TEXT},
	{A(cpnp_topo_border, "node", NAME, node_name), .required = true,
	    .min = 1, .max = PLACE_NAME_MAX, .expected = NODE_TEXT},
	{A(cpnp_topo_border, "neighbour", NAME, neighbour), .required = true,
	    .min = 1, .max = CPNP_TEXT_MAX,
	    .expected = "the name of a neighbour"},
	{A(cpnp_topo_border, "capacity", QUANTITY, capacity),
	    .unit = CPNP_UNIT_RATE, .required = true,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
};

static cpnp_topology *
topology_of(const struct reader *r)
{
	return ((struct network *)r->whole)->t;
}

/* ---- nodes ---- */

static bool
parse_prefix(char *text, cpnp_cpd_prefix *out)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long len, max, bit;
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	*out = (cpnp_cpd_prefix){.family = family == AF_INET ? 4 : 6};
	max = family == AF_INET ? 32 : 128;
	if (slash == NULL || slash[1] < '0' || slash[1] > '9')
		return false;
	len = strtoul(slash + 1, &end, 10);
	*slash = '\0';
	if (*end != '\0' || len > max || inet_pton(family, text,
	    out->addr) != 1)
		len = max + 1;
	*slash = '/';
	if (len > max)
		return false;
	out->len = (uint8_t)len;
	for (bit = len; bit < max; bit++)
		if ((out->addr[bit / 8] & (0x80u >> bit % 8)) != 0)
			return false;
	return true;
}

static void
read_prefix(struct reader *r, const xmlNode *at, cpnp_topo_node *node)
{
	char *text = attribute_text(at, "value");
	size_t before = node->prefixes_n;

	node->prefixes = add_member(r, at, node->prefixes,
	    sizeof(*node->prefixes), &node->prefixes_n,
	    CPNP_TOPOLOGY_PREFIXES_MAX);
	if (node->prefixes_n > before &&
	    (text == NULL || !parse_prefix(text, &node->prefixes[before])))
		mistake(r, xmlGetLineNo(at), "prefix/value", "\"%s\" is not "
		    "possible; expected a prefix such as \"192.0.2.0/24\" or "
		    "\"2001:db8::/32\", without bits behind its length",
		    text == NULL ? "" : text);
	xmlFree(text);
}

static void
read_place(struct reader *r, xmlNode *at)
{
	const struct network *net = r->whole;
	char *name = attribute_text(at, "name");
	const cpnp_place *place = name == NULL ? NULL
	    : cpnp_catalogue_place(net->catalogue, cpnp_bytes_str(name));
	size_t *owner = place == NULL ? NULL
	    : &net->t->node_of_place[place - net->catalogue->places];

	if (owner == NULL)
		mistake(r, xmlGetLineNo(at), "place/name", "\"%s\" is no "
		    "place of the catalogue; expected one that it sells",
		    name == NULL ? "" : name);
	else if (*owner != CPNP_TOPOLOGY_NONE)
		mistake(r, xmlGetLineNo(at), "place/name", "\"%s\" is served "
		    "by the node \"%s\" already; expected one node for each "
		    "place", name, net->t->nodes[*owner].name);
	else
		*owner = net->t->nodes_n - 1;
	expect_empty(r, at);
	xmlFree(name);
}

static void
read_node(struct reader *r, xmlNode *at)
{
	cpnp_topology *t = topology_of(r);
	size_t before = t->nodes_n, twin;
	cpnp_topo_node *node;
	xmlNode *child;

	t->nodes = add_member(r, at, t->nodes, sizeof(*t->nodes),
	    &t->nodes_n, CPNP_TOPOLOGY_NODES_MAX);
	if (t->nodes_n == before)
		return;
	node = &t->nodes[before];
	node->line = (unsigned)xmlGetLineNo(at);
	READ(r, at, node_attributes, node);
	if (node->name == NULL && (node->name = strdup("")) == NULL) {
		r->err = CPNP_ERR_NOMEM;
		t->nodes_n--;
		return;
	}
	twin = cpnp_topology_node(t, node->name);
	if (twin != before)
		mistake(r, node->line, "node/name", "\"%s\" is in line %u "
		    "already; expected one node of each name", node->name,
		    t->nodes[twin].line);
	for (child = next_child(at->children); child != NULL;
	     child = next_child(child->next))
		if (is_element(r, child, "place"))
			read_place(r, child);
		else if (is_element(r, child, "prefix"))
			read_prefix(r, child, node);
		else
			complain_element(r, child, "place or prefix");
}

/* ---- links ---- */

static void
add_extra(struct reader *r, const xmlNode *at, cpnp_topo_link *link,
    const struct extra *extra)
{
	unsigned days = CPNP_WEEKLY_EVERY_DAY;
	int err;

	if (extra->days != NULL && !cpnp_weekly_days(extra->days, &days)) {
		mistake(r, xmlGetLineNo(at), "extra/days", "\"%s\" is not "
		    "possible; expected days such as \"mon-fri\" or \"sat, "
		    "sun\"", extra->days);
		return;
	}
	if (link->extra == NULL)
		link->extra = calloc(1, sizeof(*link->extra));
	if (link->extra == NULL) {
		r->err = CPNP_ERR_NOMEM;
		return;
	}
	err = cpnp_weekly_add(link->extra, days, (uint32_t)extra->from,
	    (uint32_t)extra->until, extra->capacity);
	if (err != 0)
		mistake(r, xmlGetLineNo(at), "extra", "%s; expected hours "
		    "that are apart, in %d spans of a week at most",
		    err == CPNP_ERR_EXISTS ? "meets other hours of this link"
					   : "there are too many",
		    CPNP_WEEKLY_SPANS_MAX);
}

static void
read_extra(struct reader *r, xmlNode *at, cpnp_topo_link *link)
{
	struct extra extra = {.days = NULL};
	unsigned before = r->mistakes;

	READ(r, at, extra_attributes, &extra);
	expect_empty(r, at);
	if (r->mistakes == before && r->err == 0)
		add_extra(r, at, link, &extra);
	free(extra.days);
}

static size_t
find_node(struct reader *r, unsigned line, const char *where,
    const char *name)
{
	size_t node;

	if (name == NULL)
		return CPNP_TOPOLOGY_NONE; /* told already */
	node = cpnp_topology_node(topology_of(r), name);
	if (node == CPNP_TOPOLOGY_NONE)
		mistake(r, line, where, "there is no node \"%s\" before this "
		    "line; expected " NODE_TEXT, name);
	return node;
}

static void
check_link(struct reader *r, cpnp_topo_link *link)
{
	cpnp_topology *t = topology_of(r);
	size_t twin;

	link->nodes[0] = find_node(r, link->line, "link/a", link->ends[0]);
	link->nodes[1] = find_node(r, link->line, "link/b", link->ends[1]);
	if (link->nodes[0] == link->nodes[1] &&
	    link->nodes[0] != CPNP_TOPOLOGY_NONE)
		mistake(r, link->line, "link/b", "is where the link begins; "
		    "expected another node");
	if (link->separation == 0)
		link->separation =
		    ((struct network *)r->whole)->catalogue->separation;
	if (link->availability.is_set)
		link->promises[CPNP_METRIC_UNAVAILABILITY] =
		    (cpnp_guarantee){true,
			CPNP_CPD_PPM_MAX - link->availability.value};
	twin = cpnp_topology_link(t, cpnp_bytes_str(link->name));
	if (&t->links[twin] != link)
		mistake(r, link->line, "link/name", "\"%s\" is in line %u "
		    "already; expected one link of each name", link->name,
		    t->links[twin].line);
}

static void
read_link(struct reader *r, xmlNode *at)
{
	cpnp_topology *t = topology_of(r);
	size_t before = t->links_n;
	cpnp_topo_link *link;
	xmlNode *child;

	t->links = add_member(r, at, t->links, sizeof(*t->links),
	    &t->links_n, CPNP_TOPOLOGY_LINKS_MAX);
	if (t->links_n == before)
		return;
	link = &t->links[before];
	link->line = (unsigned)xmlGetLineNo(at);
	READ(r, at, link_attributes, link);
	if (link->name == NULL && (link->name = strdup("")) == NULL) {
		r->err = CPNP_ERR_NOMEM;
		t->links_n--;
		return;
	}
	check_link(r, link);
	for (child = next_child(at->children); child != NULL;
	     child = next_child(child->next))
		if (is_element(r, child, "extra"))
			read_extra(r, child, link);
		else
			complain_element(r, child, "extra");
}

static void
read_border(struct reader *r, xmlNode *at)
{
	cpnp_topology *t = topology_of(r);
	size_t before = t->borders_n, i;
	cpnp_topo_border *border;

	t->borders = add_member(r, at, t->borders, sizeof(*t->borders),
	    &t->borders_n, CPNP_TOPOLOGY_NEIGHBOURS_MAX);
	if (t->borders_n == before)
		return;
	border = &t->borders[before];
	border->line = (unsigned)xmlGetLineNo(at);
	READ(r, at, border_attributes, border);
	expect_empty(r, at);
	border->node = find_node(
	    r, border->line, "interconnection/node", border->node_name);
	for (i = 0; i < before && border->name != NULL; i++)
		if (t->borders[i].name != NULL &&
		    strcmp(t->borders[i].name, border->name) == 0)
			mistake(r, border->line, "interconnection/name",
			    "\"%s\" is in line %u already; expected one "
			    "interconnection of each name", border->name,
			    t->borders[i].line);
}

/* ---- the whole ---- */

static void
read_network(struct reader *r, xmlNode *root)
{
	const struct network *net = r->whole;
	xmlNode *child;
	size_t i;

	for (child = next_child(root->children); child != NULL;
	     child = next_child(child->next))
		if (is_element(r, child, "node"))
			read_node(r, child);
		else if (is_element(r, child, "link"))
			read_link(r, child);
		else if (is_element(r, child, "interconnection"))
			read_border(r, child);
		else
			complain_element(
			    r, child, "node, link or interconnection");
	for (i = 0; i < net->catalogue->places_n; i++)
		if (net->t->node_of_place[i] == CPNP_TOPOLOGY_NONE)
			mistake(r, 0, "node/place", "no node serves the place "
			    "\"%s\" of the catalogue; expected <place "
			    "name=\"%s\"/> in a node",
			    net->catalogue->places[i].name,
			    net->catalogue->places[i].name);
}

int
cpnp_topology_load(cpnp_topology **out, const char *path,
    const cpnp_catalogue *catalogue, cpnp_catalogue_report *report,
    void *user)
{
	cpnp_topology *t = calloc(1, sizeof(*t));
	struct network net = {t, catalogue};
	struct reader r = {.path = path, .ns = "urn:cpnp:network:1",
		.root = "network", .manual = "cpnp-network(5)",
		.bytes_max = CPNP_TOPOLOGY_BYTES_MAX, .read = read_network,
		.whole = &net, .report = report, .user = user};
	size_t i;

	if (t == NULL)
		return CPNP_ERR_NOMEM;
	t->node_of_place =
	    calloc(catalogue->places_n + 1, sizeof(*t->node_of_place));
	for (i = 0; t->node_of_place != NULL && i < catalogue->places_n; i++)
		t->node_of_place[i] = CPNP_TOPOLOGY_NONE;
	if (t->node_of_place == NULL)
		r.err = CPNP_ERR_NOMEM;
	else
		(void)read_file(&r);
	if (r.err != 0) {
		cpnp_topology_del(t);
		return r.err;
	}
	*out = t;
	return 0;
}
