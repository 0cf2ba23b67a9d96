/*
 * A graph of segments as it is kept: places and domains by number, segments in
 * the order in which they came.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PATH_GRAPH_H
#define PATH_GRAPH_H

#include <cpnp/path.h>

#include "../settlement/map.h"

#define TOKEN_NONE UINT32_MAX

/* A place or a domain. */
struct path_name {
	struct node node;
	uint32_t number;
	size_t out_n, in_n; /* segments that begin and end at a place */
	uint8_t bytes[];
};

struct path_names {
	struct map map;
	struct path_name **items; /* by number */
	size_t n, room;
};

/* The key of a segment is the number of its domain, and its id. */
#define SEGMENT_KEY_MAX (4 + CPNP_PATH_NAME_MAX)

struct path_segment {
	struct node node;
	uint8_t key[SEGMENT_KEY_MAX];
	uint32_t ingress, egress; /* places */
	uint32_t domain, seller;  /* domains; the same but for a pseudonym */
	uint32_t token;           /* TOKEN_NONE: costs nothing */
	uint32_t availability;
	bool for_sale, eligible;
	uint64_t delay, capacity, period;
	int64_t price;
	cpnp_wtime from, to;
};

struct path_token {
	char issuer[CPNP_TOKEN_ISSUER_MAX];
	size_t issuer_len;
	char code[CPNP_TOKEN_CODE_MAX];
	size_t code_len;
	uint8_t exponent;
};

struct cpnp_path_graph {
	cpnp_mem mem;
	struct path_names places, domains;
	struct map map; /* of segments */
	struct path_segment **segments;
	size_t segment_n, segment_room;
	struct path_token *tokens;
	size_t token_n, token_room;
};

/* NULL when there is none. */
const struct path_name *path_name_find(
    const struct path_names *names, cpnp_bytes bytes);
cpnp_bytes path_name_bytes(const struct path_name *name);
/* TOKEN_NONE when nothing is sold in it. */
uint32_t path_token_find(
    const cpnp_path_graph *graph, cpnp_bytes issuer, cpnp_bytes code);

/* 1 to CPNP_PATH_NAME_MAX bytes. */
bool path_is_name(cpnp_bytes name);
/* INVALID, and why in diag. */
int path_complain(cpnp_diag *diag, const char *where, const char *why);

/* Room for one more of size bytes in an array of n; NOMEM. */
int path_grow(
    const cpnp_mem *mem, void **items, size_t n, size_t *room, size_t size);
/* n items of size bytes, at least one; NULL without memory. */
void *path_array(const cpnp_mem *mem, size_t n, size_t size);

#endif
