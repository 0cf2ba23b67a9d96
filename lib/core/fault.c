/*
 * The faults that are switched on, in a build that has them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fault.h"

unsigned cpnp_faults;
