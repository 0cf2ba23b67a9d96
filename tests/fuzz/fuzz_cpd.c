/*
 * A CPD is encoded to the bytes it came from, takes no more memory than it
 * says, is within itself when it is concrete, and XML loses nothing of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/xml.h>

#include "fuzz.h"

static size_t total, live;

static void *
grow(void *user, void *ptr, size_t size)
{
	(void)user;
	total += size;
	live += ptr == NULL;
	return realloc(ptr, size);
}

static void *
alloc(void *user, size_t size)
{
	return grow(user, NULL, size);
}

static void
release(void *user, void *ptr)
{
	(void)user;
	live -= ptr != NULL;
	free(ptr);
}

static const cpnp_mem mem = {NULL, alloc, grow, release};

static void
by_way_of_xml(const cpnp_cpd *cpd, cpnp_bytes input)
{
	cpnp_cpd again;
	cpnp_buf xml, wire;

	cpnp_buf_init(&xml, &mem, CPNP_XML_MAX);
	HOLDS(cpnp_cpd_to_xml(cpd, &xml) == 0);
	HOLDS(cpnp_cpd_from_xml(&again, cpnp_buf_bytes(&xml), &mem, NULL) == 0);
	cpnp_buf_init(&wire, &mem, CPNP_CPD_MAX);
	HOLDS(cpnp_cpd_encode(&again, &wire) == 0);
	HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&wire), input));
	cpnp_buf_fini(&xml);
	cpnp_buf_fini(&wire);
	cpnp_cpd_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpnp_bytes input = {data, size};
	cpnp_diag diag;
	cpnp_cpd cpd;
	cpnp_buf wire;
	int err;

	total = 0;
	err = cpnp_cpd_decode(&cpd, input, &mem, &diag);
	HOLDS(total <= size * CPNP_CPD_ALLOC_FACTOR);
	HOLDS(diag.err == err && diag.offset <= size);
	HOLDS(err == 0 || diag.why[0] != '\0');
	if (err == 0) {
		cpnp_buf_init(&wire, &mem, CPNP_CPD_MAX);
		HOLDS(cpnp_cpd_encode(&cpd, &wire) == 0);
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&wire), input));
		cpnp_buf_fini(&wire);
		HOLDS(cpnp_cpd_diff(&cpd, &cpd, NULL, 0) == 0);
		if (cpnp_cpd_is_concrete(&cpd, NULL) == 0)
			HOLDS(cpnp_cpd_within(&cpd, &cpd, NULL) == 0);
		if (cpd.components_n > 0)
			by_way_of_xml(&cpd, input);
		cpnp_cpd_fini(&cpd);
	}
	HOLDS(live == 0);
	return 0;
}
