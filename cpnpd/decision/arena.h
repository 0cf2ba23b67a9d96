/*
 * Memory that is given back all at once.  A decision borrows clauses from one
 * document for another and leaves others out; with an arena none of them
 * needs an owner.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_ARENA_H
#define CPNPD_ARENA_H

#include <cpnp/types.h>

typedef struct cpnp_arena {
	struct cpnp_arena_block *blocks;
	cpnp_mem mem; /* an allocator that takes from it */
	bool failed;  /* something could not be had */
} cpnp_arena;

/* The arena must stay where it is until _fini(). */
void cpnp_arena_init(cpnp_arena *arena);
void cpnp_arena_fini(cpnp_arena *arena);
/* Zeroed; NULL, and failed is set, without memory. */
void *cpnp_arena_alloc(cpnp_arena *arena, size_t n, size_t size);
/* A text; empty without memory.  cut to max bytes, at a character. */
cpnp_bytes cpnp_arena_print(cpnp_arena *arena, size_t max,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* malloc(), for what is given back one by one. */
extern const cpnp_mem cpnpd_heap;

#endif
