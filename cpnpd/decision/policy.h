/*
 * What a provider asks for its service and what it decides by: prices,
 * guidelines, profiles of customers.  cpnp-policy(5), schemas/policy.xsd.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_POLICY_H
#define CPNPD_POLICY_H

#include "catalogue.h"
#include "price.h"
#include "topology.h"

#define CPNP_POLICY_BYTES_MAX (4 * 1024 * 1024)
#define CPNP_POLICY_CLASSES_MAX 64
#define CPNP_POLICY_AVAILABILITIES_MAX 16
#define CPNP_POLICY_PROFILES_MAX 4096
#define CPNP_POLICY_ORDERS_MAX 1000000 /* in a period */

/* What an order of a customer has to be for an offer without an operator. */
typedef enum cpnp_unverified {
	CPNP_UNVERIFIED_NOT_GIVEN,
	CPNP_UNVERIFIED_OFFER,
	CPNP_UNVERIFIED_ESCALATE,
	CPNP_UNVERIFIED_REFUSE
} cpnp_unverified;

/*
 * Of all customers, or of a profile, which leaves to them what it does not
 * give.
 */
typedef struct cpnp_guidelines {
	cpnp_guarantee offer_validity; /* seconds */
	cpnp_guarantee orders;         /* offers and refusals ... */
	cpnp_guarantee period;         /* ... in so many seconds */
	cpnp_guarantee escalate_rate;  /* bit/s of one resource */
	cpnp_guarantee escalate_term;  /* seconds */
	cpnp_guarantee escalate_load;  /* ppm of a link that are taken then */
	int unverified;                /* cpnp_unverified */
} cpnp_guidelines;

typedef struct cpnp_profile {
	char *name;
	uint64_t percent; /* of the price */
	cpnp_guidelines guidelines;
	unsigned line;
} cpnp_profile;

/* A name, or a ratio from which on it counts. */
typedef struct cpnp_factor {
	char *name;
	uint64_t from;
	uint64_t percent;
	unsigned line;
} cpnp_factor;

typedef struct cpnp_policy {
	uint64_t set_up;      /* minor units */
	uint64_t link;        /* for one Mbit/s and one hour */
	uint64_t distance;    /* the same, for each 1000 km of a link */
	uint64_t *links;      /* of each link of the network, in thousandths */
	cpnp_factor *classes;
	size_t classes_n;
	cpnp_factor *availabilities; /* in order */
	size_t availabilities_n;
	cpnp_weekly hours;    /* percent */
	cpnp_guidelines guidelines;
	cpnp_profile *profiles;
	size_t profiles_n;
} cpnp_policy;

/*
 * Read and check a policy for a catalogue and a network, which may be NULL.
 * On failure report was called for each mistake.
 * Errors: CPNP_ERR_CONFIG, _NOMEM.
 */
int cpnp_policy_load(cpnp_policy **policy, const char *path,
    const cpnp_catalogue *catalogue, const cpnp_topology *topology,
    cpnp_catalogue_report *report, void *user);
void cpnp_policy_del(cpnp_policy *policy);

/* NULL when there is none of that name. */
const cpnp_profile *cpnp_policy_profile(
    const cpnp_policy *policy, const char *name);
/* What counts for a customer of a profile, which may be NULL. */
cpnp_guidelines cpnp_policy_guidelines(
    const cpnp_policy *policy, const cpnp_profile *profile);

/* The percentages of a class, which may be empty, and of an availability; 100
 * for one of which nothing is said. */
uint64_t cpnp_policy_class(const cpnp_policy *policy, cpnp_bytes name);
uint64_t cpnp_policy_availability(const cpnp_policy *policy, uint64_t ppm);

#endif
