/*
 * The decision on an ACTIVATE: was explicit activation by CPNP agreed (RFC
 * 8921, 9.2.11 and Table 6; RFC 7297, 3.12)?
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "decide_int.h"

/* Explicit, and this protocol is one of those that are named. */
static bool
is_by_cpnp(const cpnp_cpd_invocation *invocation)
{
	size_t i;

	if (invocation == NULL ||
	    invocation->type != CPNP_CPD_EXPLICIT)
		return false;
	for (i = 0; i < invocation->protocols_n; i++)
		if (cpnp_bytes_equal(
			invocation->protocols[i], CPNP_BYTES_LIT("CPNP")))
			return true;
	return false;
}

static bool
has_explicit(const cpnp_cpd *agreed)
{
	size_t i, j;

	for (i = 0; i < agreed->components_n; i++)
		for (j = 0; j < agreed->components[i].profiles_n; j++)
			if (is_by_cpnp(agreed->components[i]
				.profiles[j].invocation))
				return true;
	return false;
}

int
cpnp_decide_activate(cpnp_decision *d, cpnp_bytes agreed)
{
	struct deciding w = {.d = d, .arena = &d->arena};
	cpnp_diag diag = {0};
	int err;

	memset(d, 0, sizeof(*d));
	cpnp_arena_init(&d->arena);
	err = cpnp_cpd_decode(&w.asked, agreed, &w.arena->mem, &diag);
	if (err != 0)
		return err;
	if (!has_explicit(&w.asked))
		refuse(&w, CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE,
		    CPNP_BYTES_LIT("invocation"),
		    CPNP_BYTES_LIT("explicit activation by CPNP was not "
				   "agreed"),
		    CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("an agreement with invocation of type "
				   "explicit and protocol CPNP"));
	return 0;
}
