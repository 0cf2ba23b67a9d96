/*
 * CPNP_FAULTS is a set of bits, one for each of enum cpnp_fault; only in a
 * build with planted faults, which is never installed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>

#include "../../lib/core/fault.h"

__attribute__((constructor)) static void
plant_faults(void)
{
	const char *text = getenv("CPNP_FAULTS");

	cpnp_faults = text == NULL ? 0 : (unsigned)strtoul(text, NULL, 0);
}
