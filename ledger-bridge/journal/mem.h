/*
 * Memory of the C library, for what takes a cpnp_mem.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_MEM_H
#define LEDGER_MEM_H

#include <stdlib.h>

#include <cpnp/types.h>

void *ledger_mem_alloc(void *user, size_t size);
void *ledger_mem_realloc(void *user, void *ptr, size_t size);
void ledger_mem_free(void *user, void *ptr);

#define LEDGER_MEM \
	{NULL, ledger_mem_alloc, ledger_mem_realloc, ledger_mem_free}
extern const cpnp_mem ledger_mem;

#endif
