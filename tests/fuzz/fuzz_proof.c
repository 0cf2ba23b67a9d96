/*
 * Proof files of strangers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fuzz.h"
#include "proof.h"

/* The ledger's part alone, which is reached behind good signatures only. */
static void
read_ledger(cpnp_bytes input)
{
	cpnp_ledger_moment moments[CPNP_MOMENTS_MAX];
	cpnp_bytes heads[CPNP_OPERATORS_MAX];
	static struct proof_fact fact;
	cpnp_verifier *verifier;
	cpnp_outcome_head head;
	size_t head_n, n, i, m;
	uint64_t signers;
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, input);
	proof_get_heads(&rd, heads, &head_n, &n);
	if (rd.err != 0)
		return;
	for (i = 0; i < n && rd.err == 0; i++)
		proof_get_fact(&rd, &fact);
	HOLDS(rd.err != 0 || fact.path.n <= CPNP_TREE_PATH_MAX);
	HOLDS(cpnp_verifier_new(&verifier) == 0);
	for (i = 0; i < head_n; i++)
		if (cpnp_outcome_head_verify(cpnp_verifier_env(verifier),
		        heads[i], NULL, 0, &head, moments, CPNP_MOMENTS_MAX,
		        &m, &signers, NULL) == 0)
			HOLDS(m <= CPNP_MOMENTS_MAX && signers == 0 &&
			    (m == 0 || moments[m - 1].position <=
			    head.position));
	cpnp_verifier_del(verifier);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct proof_file file;
	cpnp_bytes input = {data, size};
	cpnp_proof *proof = NULL;
	cpnp_trust *trust;
	cpnp_diag diag;

	read_ledger(input);
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
