/*
 * Neighbours: providers that this one orders from, as their client.
 *
 * Each has one peer of the network for as long as the daemon runs, with our
 * certificate; its session comes and goes.  What comes over such a session is
 * an answer to an order of ours, and nothing else is listened to there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_NEIGHBOUR_H
#define CPNPD_NEIGHBOUR_H

#include "daemon.h"

struct neighbour {
	cpnp_peer peer; /* NONE: its address is not known yet */
	bool is_down;   /* no session could be made since ... */
	cpnp_wtime down_since;
	cpnp_tstamp retry_at; /* its address is looked up again */
};

/* One for each in the configuration, in its order. */
int cpnpd_neighbours_init(struct daemon *d);
void cpnpd_neighbours_fini(struct daemon *d);
/* The number of the neighbour of that identity, SIZE_MAX: it is none. */
size_t cpnpd_neighbour_find(const struct daemon *d, cpnp_bytes identity);
/* The number of that whose session it is, or SIZE_MAX. */
size_t cpnpd_neighbour_of(const struct daemon *d, cpnp_peer peer);
/* Where to send to, looked up when that is not known; NONE for now. */
cpnp_peer cpnpd_neighbour_peer(struct daemon *d, size_t number, cpnp_now now);
/* Of a session of a neighbour. */
void cpnpd_neighbour_event(struct daemon *d, size_t number,
    cpnp_net_event event, const cpnp_diag *diag, cpnp_now now);
void cpnpd_neighbour_recv(struct daemon *d, size_t number, cpnp_peer peer,
    cpnp_bytes identity, cpnp_bytes bytes, cpnp_now now);

#endif
