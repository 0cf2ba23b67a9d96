/*
 * Proof files of strangers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fuzz.h"
#include "proof.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct proof_file file;
	cpnp_bytes input = {data, size};
	cpnp_proof *proof = NULL;
	cpnp_trust *trust;
	cpnp_diag diag;

	HOLDS(cpnp_trust_new(&trust) == 0);
	cpnp_trust_allow_unattested(trust);
	if (proof_file_parse(&file, input, &diag) == 0)
		HOLDS(file.digest_at + CPNP_SHA256_LEN == size);
	else
		HOLDS(diag.offset <= size);
	if (cpnp_proof_verify(&proof, input, trust, &diag) == 0)
		HOLDS(proof->entry_n > 0);
	else
		HOLDS(proof == NULL && diag.err != 0 && diag.why[0] != '\0');
	cpnp_proof_del(proof);
	cpnp_trust_del(trust);
	return 0;
}
