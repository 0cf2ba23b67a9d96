/*
 * Checkpoints and proofs of fraud of strangers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <cpnp/ledger.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpnp_cosignature witnesses[4];
	cpnp_bytes input = {data, size};
	cpnp_checkpoint cp;
	cpnp_fraud fraud;
	cpnp_trust *trust;
	cpnp_diag diag = {0};
	size_t n;

	HOLDS(cpnp_trust_new(&trust) == 0);
	/* no key is known, so nothing is signed by one */
	HOLDS(cpnp_checkpoint_verify(trust, input, &cp, &diag) != 0);
	HOLDS(diag.err != 0 && diag.why[0] != '\0');
	if (diag.err == CPNP_ERR_SIGNATURE) {
		HOLDS(cp.size > 0 && cp.text.len < size);
		HOLDS(cpnp_checkpoint_cosignatures(
		          trust, &cp, witnesses, 4, &n, &diag) == 0);
		HOLDS(n == 0);
	}
	if (cpnp_fraud_verify(trust, input, &fraud, &diag) == 0) {
		HOLDS(!fraud.attested);
		HOLDS(fraud.heads[0].size <= fraud.heads[1].size);
		HOLDS(memcmp(fraud.root, fraud.heads[0].root,
		          CPNP_SHA256_LEN) != 0);
	} else {
		HOLDS(diag.err != 0 && diag.why[0] != '\0');
	}
	cpnp_trust_del(trust);
	return 0;
}
