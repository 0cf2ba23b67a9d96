/*
 * The own network of a domain: cpnp-network(5), schemas/network.xsd.
 *
 * Links between nodes carry what is sold between the places that the nodes
 * serve; the places themselves, with their access, are those of the
 * catalogue.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_TOPOLOGY_H
#define CPNPD_TOPOLOGY_H

#include "catalogue.h"
#include "weekly.h"

#define CPNP_TOPOLOGY_BYTES_MAX (4 * 1024 * 1024)
#define CPNP_TOPOLOGY_NODES_MAX 4096
#define CPNP_TOPOLOGY_LINKS_MAX 4096
#define CPNP_TOPOLOGY_NEIGHBOURS_MAX 1024 /* interconnections */
#define CPNP_TOPOLOGY_PREFIXES_MAX 256    /* of one node */
#define CPNP_TOPOLOGY_NONE SIZE_MAX

typedef struct cpnp_topo_node {
	char *name;
	cpnp_cpd_prefix *prefixes;
	size_t prefixes_n;
	unsigned line;
} cpnp_topo_node;

/* What is promised of a link adds up along a path. */
typedef enum cpnp_metric {
	CPNP_METRIC_DELAY, /* us */
	CPNP_METRIC_DELAY_VARIATION,
	CPNP_METRIC_LOSS,           /* ppm */
	CPNP_METRIC_UNAVAILABILITY, /* ppm */
	CPNP_METRICS
} cpnp_metric;

/* Carries the same in both directions. */
typedef struct cpnp_topo_link {
	char *name;
	char *ends[2];
	size_t nodes[2];
	uint64_t capacity;    /* bit/s in each direction, at all hours */
	cpnp_weekly *extra;   /* and so much more at some; NULL: none */
	cpnp_guarantee promises[CPNP_METRICS];
	cpnp_guarantee availability; /* as it was written */
	int separation; /* cpnp_cpd_separation, the strongest; that of the
			   catalogue when it says nothing */
	uint64_t km;
	unsigned line;
} cpnp_topo_link;

/* Where a neighbour's network begins. */
typedef struct cpnp_topo_border {
	char *name;
	char *node_name;
	size_t node;
	char *neighbour; /* the name of its section in cpnpd.conf(5) */
	uint64_t capacity;
	unsigned line;
} cpnp_topo_border;

typedef struct cpnp_topology {
	cpnp_topo_node *nodes;
	size_t nodes_n;
	cpnp_topo_link *links;
	size_t links_n;
	cpnp_topo_border *borders;
	size_t borders_n;
	size_t *node_of_place; /* of each place of the catalogue */
} cpnp_topology;

/*
 * Read and check a network that serves the places of a catalogue, each one
 * once.  On failure report was called for each mistake.
 * Errors: CPNP_ERR_CONFIG, _NOMEM.
 */
int cpnp_topology_load(cpnp_topology **topology, const char *path,
    const cpnp_catalogue *catalogue, cpnp_catalogue_report *report,
    void *user);
void cpnp_topology_del(cpnp_topology *topology);

/* The number of a node or link, or CPNP_TOPOLOGY_NONE. */
size_t cpnp_topology_node(const cpnp_topology *topology, const char *name);
size_t cpnp_topology_link(const cpnp_topology *topology, cpnp_bytes name);

/* The names in the capacity table of what links and borders have. */
#define CPNP_RESOURCE_LEN 96
void cpnp_link_resource(
    const cpnp_topo_link *link, char out[CPNP_RESOURCE_LEN]);
void cpnp_border_resource(
    const cpnp_topo_border *border, char out[CPNP_RESOURCE_LEN]);

#endif
