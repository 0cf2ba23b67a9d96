/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common.h"

static const cpnp_backend *const backends[] = {
    &backend_sqlite,
    &backend_proc,
#ifdef HAVE_EVM
    &backend_evm,
#endif
};
#define BACKENDS_N (sizeof(backends) / sizeof(backends[0]))

static const char *const names[] = {
    "sqlite",
    "proc",
#ifdef HAVE_EVM
    "evm",
#endif
    NULL,
};
_Static_assert(sizeof(names) / sizeof(names[0]) == BACKENDS_N + 1,
    "a name for each backend");

const char *const *
cpnp_backend_names(void)
{
	return names;
}

const cpnp_backend *
cpnp_backend_find(const char *name, cpnp_diag *diag)
{
	char all[64];
	size_t i, len = 0;

	for (i = 0; i < BACKENDS_N; i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	for (i = 0; names[i] != NULL && len < sizeof(all); i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
		    len > 0 ? ", " : "", names[i]);
	(void)backend_fail(diag, CPNP_ERR_CONFIG, "backend",
	    "there is no \"%.32s\"; there are %s", name, all);
	return NULL;
}
