/*
 * Planted faults of the parent's decision, as those of orders
 * (lib/core/fault.h): known mistakes that a test build can switch on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_PARENT_FAULT_H
#define CPNPD_PARENT_FAULT_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

enum cpnp_parent_fault {
	CPNP_PARENT_FAULT_RELEASE,  /* no agreement of a child is withdrawn */
	CPNP_PARENT_FAULT_FORGET,   /* surplus children are left as they are */
	CPNP_PARENT_FAULT_DEADLINE, /* dates of all hops are the same */
	CPNP_PARENT_FAULT_LOST,     /* confirmed though a child is lost */
	CPNP_PARENT_FAULT_RESTORE,  /* a failed UPDATE leaves its parts */
	CPNP_PARENT_FAULT_END
};

#ifdef CPNP_PLANTED_FAULTS
extern unsigned cpnp_parent_faults; /* one bit for each */
#define CPNP_PARENT_FAULT(name)                                                \
	((cpnp_parent_faults >> CPNP_PARENT_FAULT_##name & 1u) != 0)
#else
#define CPNP_PARENT_FAULT(name) 0
#endif

#endif
