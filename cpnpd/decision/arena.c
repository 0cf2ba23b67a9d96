/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

struct cpnp_arena_block {
	struct cpnp_arena_block *next;
	size_t size;
	max_align_t bytes[];
};

static void *
block_alloc(void *user, size_t size)
{
	cpnp_arena *arena = user;
	struct cpnp_arena_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (block == NULL) {
		arena->failed = true;
		return NULL;
	}
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

static void *
block_realloc(void *user, void *ptr, size_t size)
{
	struct cpnp_arena_block *block;
	void *grown = block_alloc(user, size);

	if (grown == NULL || ptr == NULL)
		return grown;
	block = (void *)((char *)ptr -
	    offsetof(struct cpnp_arena_block, bytes));
	memcpy(grown, ptr, block->size < size ? block->size : size);
	return grown;
}

static void
block_free(void *user, void *ptr)
{
	(void)user;
	(void)ptr;
}

void
cpnp_arena_init(cpnp_arena *arena)
{
	arena->blocks = NULL;
	arena->failed = false;
	arena->mem = (cpnp_mem){
		arena, block_alloc, block_realloc, block_free};
}

void
cpnp_arena_fini(cpnp_arena *arena)
{
	struct cpnp_arena_block *block, *next;

	for (block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	arena->blocks = NULL;
}

void *
cpnp_arena_alloc(cpnp_arena *arena, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / 4 / size) {
		arena->failed = true;
		return NULL;
	}
	return block_alloc(arena, n * size);
}

cpnp_bytes
cpnp_arena_print(cpnp_arena *arena, size_t max, const char *format, ...)
{
	char text[512], *copy;
	size_t len;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	len = strlen(text);
	if (len > max)
		len = max;
	while (len > 0 && text[len] != '\0' && (text[len] & 0xc0) == 0x80)
		len--;
	copy = cpnp_arena_alloc(arena, 1, len + 1);
	if (copy == NULL)
		return CPNP_BYTES_NONE;
	memcpy(copy, text, len);
	return (cpnp_bytes){(const uint8_t *)copy, len};
}

/* ---- the heap ---- */

static void *
heap_alloc(void *user, size_t size)
{
	(void)user;
	return malloc(size);
}

static void *
heap_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return realloc(ptr, size);
}

static void
heap_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

const cpnp_mem cpnpd_heap = {NULL, heap_alloc, heap_realloc, heap_free};
