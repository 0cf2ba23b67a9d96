/* SPDX-License-Identifier: BSD-2-Clause */
#include <cpnp/types.h>
