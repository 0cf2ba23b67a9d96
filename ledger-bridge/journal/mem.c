/* SPDX-License-Identifier: BSD-2-Clause */
#include "mem.h"

void *
ledger_mem_alloc(void *user, size_t size)
{
	(void)user;
	return malloc(size == 0 ? 1 : size);
}

void *
ledger_mem_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return realloc(ptr, size == 0 ? 1 : size);
}

void
ledger_mem_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

const cpnp_mem ledger_mem = LEDGER_MEM;
