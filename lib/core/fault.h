/*
 * Planted faults: known mistakes that a test build can switch on, to show
 * that the tests find them.  CPNP_FAULT() is the constant false in every
 * other build (configure --enable-planted-faults).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CORE_FAULT_H
#define CPNP_CORE_FAULT_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

enum cpnp_fault {
	CPNP_FAULT_LATE_ACCEPT, /* the validity is not judged */
	CPNP_FAULT_NONCE,       /* the nonce is not checked */
	CPNP_FAULT_REPLAY,      /* the sequence number is not checked */
	CPNP_FAULT_RELEASE,     /* an expired offer is never released */
	CPNP_FAULT_FORGET_ACK,  /* a repeated ACCEPT is not answered */
	CPNP_FAULT_END
};

#ifdef CPNP_PLANTED_FAULTS
/* One bit for each fault; tests set it. */
extern unsigned cpnp_faults;
#define CPNP_FAULT(name) ((cpnp_faults >> CPNP_FAULT_##name & 1u) != 0)
#else
#define CPNP_FAULT(name) 0
#endif

#endif
