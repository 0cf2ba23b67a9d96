/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology.h"

size_t
cpnp_topology_node(const cpnp_topology *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->nodes_n; i++)
		if (strcmp(t->nodes[i].name, name) == 0)
			return i;
	return CPNP_TOPOLOGY_NONE;
}

size_t
cpnp_topology_link(const cpnp_topology *t, cpnp_bytes name)
{
	size_t i;

	for (i = 0; i < t->links_n; i++)
		if (cpnp_bytes_equal(
			cpnp_bytes_str(t->links[i].name), name))
			return i;
	return CPNP_TOPOLOGY_NONE;
}

void
cpnp_link_resource(const cpnp_topo_link *link, char out[CPNP_RESOURCE_LEN])
{
	snprintf(out, CPNP_RESOURCE_LEN, "link/%s", link->name);
}

void
cpnp_border_resource(
    const cpnp_topo_border *border, char out[CPNP_RESOURCE_LEN])
{
	snprintf(
	    out, CPNP_RESOURCE_LEN, "interconnection/%s", border->name);
}

void
cpnp_topology_del(cpnp_topology *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->nodes_n; i++) {
		free(t->nodes[i].prefixes);
		free(t->nodes[i].name);
	}
	for (i = 0; i < t->links_n; i++) {
		free(t->links[i].name);
		free(t->links[i].ends[0]);
		free(t->links[i].ends[1]);
		free(t->links[i].extra);
	}
	for (i = 0; i < t->borders_n; i++) {
		free(t->borders[i].name);
		free(t->borders[i].node_name);
		free(t->borders[i].neighbour);
	}
	free(t->nodes);
	free(t->links);
	free(t->borders);
	free(t->node_of_place);
	free(t);
}
