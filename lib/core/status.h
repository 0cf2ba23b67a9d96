/*
 * STATUS_CODE on the wire.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CORE_STATUS_H
#define CPNP_CORE_STATUS_H

#include <cpnp/message.h>

/* The code of a status in an edition, or of its nearest relative there; 0 for
 * what is no status. */
unsigned cpnp_status_code(cpnp_edition edition, cpnp_status status);

/* The status of a code in an edition; NONE when it has no such code. */
cpnp_status cpnp_status_by_code(cpnp_edition edition, uint64_t code);

#endif
