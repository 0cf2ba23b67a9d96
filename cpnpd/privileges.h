/*
 * Giving up what a started daemon does not need.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_PRIVILEGES_H
#define CPNPD_PRIVILEGES_H

#include <cpnp/error.h>

/* No core dumps: memory holds keys.  Errors: CPNP_ERR_IO. */
int cpnp_privileges_no_core(cpnp_diag *diag);

/*
 * Become user (its group unless group says another), for good, and check that
 * there is no way back.  NULL for both: stay who we are.
 * Errors: CPNP_ERR_CONFIG (no such user, not started as root), _IO.
 */
int cpnp_privileges_drop(
    const char *user, const char *group, cpnp_diag *diag);

#endif
