/*
 * Cutting a service description where the own network ends (RFC 8921, 8.8 and
 * 8.9), and joining what was offered for the parts.
 *
 * A node whose place is not ours and lies behind a neighbour is foreign.  Its
 * part is a description of its own: the place where the two networks meet is
 * a node of it, as the neighbour calls that place.  What remains for us is
 * the description with that place, as we call it, where the foreign node was.
 * So the network, the prices and the capacity of a meeting place decide like
 * those of every other.
 *
 * A neighbour is told what it needs to connect two places and no more: no
 * names, identifiers, sites, postal addresses, coordinates, addresses of
 * networks or nodes of the customer, none of the other nodes, and nothing of
 * what we do not know the meaning of (R13).
 *
 * Limits of delay, loss and the like hold from end to end.  The own part is
 * asked for as little as it can promise; what that leaves is the limit of the
 * parts behind it, in equal shares.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_SPLIT_H
#define CPNPD_SPLIT_H

#include <cpnp/cpd.h>
#include <cpnp/message.h>

#include "arena.h"
#include "catalogue.h"

#define CPNP_SEGMENTS_MAX 16   /* of an order, besides the own part */
#define CPNP_CANDIDATES_MAX 16 /* neighbours for one segment */

typedef struct cpnp_split_neighbour {
	cpnp_bytes place;       /* of the own catalogue, where the two meet */
	cpnp_bytes their_place; /* what the neighbour calls it */
	const cpnp_bytes *reaches; /* places behind it; "*": all others */
	size_t reaches_n;
} cpnp_split_neighbour;

/* The foreign nodes that lie behind the same neighbours. */
typedef struct cpnp_segment {
	size_t candidates[CPNP_CANDIDATES_MAX]; /* in order of preference */
	size_t candidates_n;
} cpnp_segment;

typedef struct cpnp_split {
	cpnp_bytes description; /* borrowed */
	const cpnp_split_neighbour *neighbours;
	cpnp_arena *arena;
	cpnp_cpd request;
	/* of each node of all profiles, one after the other: 1 + its segment,
	 * 0 when it is not foreign */
	uint8_t *segment_of;
	cpnp_segment segments[CPNP_SEGMENTS_MAX];
	size_t segments_n; /* 0: there is nothing to cut */
} cpnp_split;

/*
 * Find the segments of a description.  neighbours and arena must live as long
 * as split.  Errors: NOMEM, class PEER when it is no document; CLAUSE when it
 * cannot be cut, why then says what and why not.
 */
int cpnp_split_init(cpnp_split *split, cpnp_bytes description,
    const cpnp_catalogue *catalogue, const cpnp_split_neighbour *neighbours,
    size_t neighbours_n, cpnp_arena *arena, cpnp_explanation *why);

/* Of each segment, which of its candidates is to serve it. */
typedef size_t cpnp_choice[CPNP_SEGMENTS_MAX];

/* The own part.  Errors: NOMEM; CLAUSE. */
int cpnp_split_own(const cpnp_split *split, const cpnp_choice choice,
    cpnp_bytes *own, cpnp_explanation *why);
/* What a neighbour is asked for, when own is what can be offered of the own
 * part.  Errors: NOMEM; CLAUSE when nothing is left for it. */
int cpnp_split_child(const cpnp_split *split, const cpnp_choice choice,
    size_t segment, cpnp_bytes own, cpnp_bytes *child, cpnp_explanation *why);
/* Is a document what was asked for, to the letter? */
bool cpnp_split_is_within(cpnp_bytes offered, cpnp_bytes asked);
/* Why an OFFER of a neighbour is not what it was asked for, or not one that
 * can be sold on; NULL when it is. */
const char *cpnp_split_objection(const cpnp_catalogue *catalogue,
    const cpnp_msg *request, const cpnp_msg *offer);
/* What can be offered of the whole, when neighbours have offered what they
 * were asked for (cpnp_cpd_within()).  Errors: NOMEM, MISMATCH. */
int cpnp_split_join(const cpnp_split *split, cpnp_bytes own,
    const cpnp_bytes children[CPNP_SEGMENTS_MAX], cpnp_bytes *whole);

#endif
