/*
 * What is read from XML can be written and read again to the same bytes; what
 * is not read has an error with a place and a reason.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/xml.h>

#include "fuzz.h"

static void *
grow(void *user, void *ptr, size_t size)
{
	(void)user;
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
	free(ptr);
}

static const cpnp_mem mem = {NULL, alloc, grow, release};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpnp_diag diag;
	cpnp_cpd cpd, again;
	cpnp_buf xml, wire, wire_again;
	int err = cpnp_cpd_from_xml(
	    &cpd, (cpnp_bytes){data, size}, &mem, &diag);

	HOLDS(diag.err == err);
	if (err != 0) {
		HOLDS(diag.where[0] != '\0' && diag.why[0] != '\0');
		return 0;
	}
	cpnp_buf_init(&wire, &mem, CPNP_CPD_MAX);
	HOLDS(cpnp_cpd_encode(&cpd, &wire) == 0);
	cpnp_buf_init(&xml, &mem, CPNP_XML_MAX);
	HOLDS(cpnp_cpd_to_xml(&cpd, &xml) == 0);
	HOLDS(cpnp_cpd_from_xml(&again, cpnp_buf_bytes(&xml), &mem, NULL) == 0);
	cpnp_buf_init(&wire_again, &mem, CPNP_CPD_MAX);
	HOLDS(cpnp_cpd_encode(&again, &wire_again) == 0);
	HOLDS(cpnp_bytes_equal(
	    cpnp_buf_bytes(&wire), cpnp_buf_bytes(&wire_again)));
	cpnp_buf_fini(&wire);
	cpnp_buf_fini(&wire_again);
	cpnp_buf_fini(&xml);
	cpnp_cpd_fini(&cpd);
	cpnp_cpd_fini(&again);
	return 0;
}
