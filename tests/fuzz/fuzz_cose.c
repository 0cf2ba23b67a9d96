/*
 * Signed statements, receipts and key statements of strangers: no input that
 * a fuzzer makes has a signature, so none may pass.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"
#include "internal.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static cpnp_trust *trust;
	uint8_t digest[CPNP_SHA256_LEN] = {0};
	cpnp_bytes input = {data, size};
	struct key_change change;
	cpnp_receipt receipt;
	cpnp_signed said;
	cpnp_diag diag;

	if (trust == NULL) {
		HOLDS(cpnp_trust_new(&trust) == 0);
		cpnp_trust_allow_unattested(trust);
	}
	/* one that a seed has signed may pass, and is then a statement */
	if (cpnp_trust_verify(trust, input, NULL, &said, &diag) == 0) {
		HOLDS(said.payload.ptr > data &&
		    said.payload.ptr + said.payload.len < data + size);
		HOLDS(!said.attested);
	} else {
		HOLDS(diag.err != 0 && diag.offset <= size);
	}
	HOLDS(trust_verify_leaf(trust, input, digest, &receipt, &diag) != 0);
	if (key_change_read(&change, input, &diag) == 0)
		key_change_fini(&change);
	return 0;
}
