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
	CPNP_FAULT_STANDING,    /* an UPDATE that failed leaves its nonce */
	CPNP_FAULT_OVERTAKEN,   /* a CANCEL before its UPDATE is forgotten */
	CPNP_FAULT_UNPAID,      /* an ACCEPT is acknowledged before it is paid */
	CPNP_FAULT_UNBOUND,     /* a CANCEL ends what is as good as paid */
	/* What tests/conform finds from outside; the others are found by the
	 * tests of orders as well. */
	CPNP_FAULT_FORM,        /* heads need not be the shortest */
	CPNP_FAULT_DUPLICATE,   /* a key may stand twice */
	CPNP_FAULT_UTF8,        /* text may be anything */
	CPNP_FAULT_UNKNOWN,     /* what must be understood is ignored */
	CPNP_FAULT_IGNORED,     /* what may be ignored is refused */
	CPNP_FAULT_VERSION,     /* an unknown version is rfc8921 */
	CPNP_FAULT_COST,        /* the cost is no part of an agreement */
	CPNP_FAULT_TRANSACTION, /* the transaction is not checked */
	CPNP_FAULT_ANSWER_FAIL, /* a FAIL is answered */
	CPNP_FAULT_STRANGER,    /* an order belongs to everybody */
	CPNP_FAULT_RENUMBER,    /* a repeated answer gets a new number */
	CPNP_FAULT_COOKIE,      /* a cookie is good for every address */
	CPNP_FAULT_LONGER,      /* who is not proved gets more than it sent */
	CPNP_FAULT_END
};

#ifdef CPNP_PLANTED_FAULTS
/* One bit for each fault; tests set it, cpnpd from CPNP_FAULTS.  The daemon
 * and libcpnp-net see that of libcpnp. */
extern __attribute__((visibility("default"))) unsigned cpnp_faults;
#define CPNP_FAULT(name) ((cpnp_faults >> CPNP_FAULT_##name & 1u) != 0)
#else
#define CPNP_FAULT(name) 0
#endif

#endif
