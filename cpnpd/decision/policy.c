/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "policy.h"

const cpnp_profile *
cpnp_policy_profile(const cpnp_policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->profiles_n; i++)
		if (strcmp(p->profiles[i].name, name) == 0)
			return &p->profiles[i];
	return NULL;
}

static void
inherit(cpnp_guarantee *to, const cpnp_guarantee *from)
{
	if (!to->is_set)
		*to = *from;
}

cpnp_guidelines
cpnp_policy_guidelines(const cpnp_policy *p, const cpnp_profile *profile)
{
	const cpnp_guidelines *all = &p->guidelines;
	cpnp_guidelines g;

	if (profile == NULL)
		return *all;
	g = profile->guidelines;
	inherit(&g.offer_validity, &all->offer_validity);
	inherit(&g.orders, &all->orders);
	inherit(&g.period, &all->period);
	inherit(&g.escalate_rate, &all->escalate_rate);
	inherit(&g.escalate_term, &all->escalate_term);
	inherit(&g.escalate_load, &all->escalate_load);
	if (g.unverified == CPNP_UNVERIFIED_NOT_GIVEN)
		g.unverified = all->unverified;
	return g;
}

uint64_t
cpnp_policy_class(const cpnp_policy *p, cpnp_bytes name)
{
	size_t i;

	for (i = 0; i < p->classes_n; i++)
		if (cpnp_name_is(p->classes[i].name, name))
			return p->classes[i].percent;
	return 100;
}

uint64_t
cpnp_policy_availability(const cpnp_policy *p, uint64_t ppm)
{
	uint64_t percent = 100;
	size_t i;

	for (i = 0; i < p->availabilities_n; i++)
		if (p->availabilities[i].from <= ppm)
			percent = p->availabilities[i].percent;
	return percent;
}

void
cpnp_policy_del(cpnp_policy *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->classes_n; i++)
		free(p->classes[i].name);
	for (i = 0; i < p->profiles_n; i++)
		free(p->profiles[i].name);
	free(p->links);
	free(p->classes);
	free(p->availabilities);
	free(p->profiles);
	free(p);
}
