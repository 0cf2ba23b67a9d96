/*
 * Certificates that a verifier has judged, remembered by their digest.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_CERT_H
#define LEDGER_CERT_H

#include "internal.h"

#define CERT_SETS 256
#define CERT_WAYS 4

struct cert {
	bool used;
	uint64_t clock; /* when it was asked for last */
	uint8_t x5t[CPNP_SHA256_LEN];
	uint8_t chain_hash[CPNP_SHA256_LEN]; /* of the x5chain judged */
	bool by_ca;
	cpnp_wtime from; /* when every certificate of the path is valid */
	cpnp_wtime until;
	char identity[CPNP_IDENTITY_MAX + 1];
	struct ledger_key key;
	struct ledger_key delegated; /* pkey NULL: none seen */
	uint8_t delegation_hash[CPNP_SHA256_LEN];
};

struct certs {
	struct cert slots[CERT_SETS][CERT_WAYS];
	uint64_t clock;
};

void certs_fini(struct certs *certs);
struct cert *certs_find(
    struct certs *certs, const uint8_t x5t[CPNP_SHA256_LEN]);
/*
 * The certificate of an x5chain, judged at a time.  store NULL: no authority,
 * only the signatures within the chain are checked.  With need_ca a path must
 * end at an authority.
 */
int certs_judge(struct certs *certs, X509_STORE *store, bool need_ca,
    cpnp_bytes chain_item, cpnp_wtime at, struct cert **out, cpnp_diag *diag);
/* Take the key that a delegation of this certificate names. */
int cert_delegate(
    struct cert *cert, cpnp_bytes delegation, cpnp_diag *diag);
int cert_check_time(const struct cert *cert, cpnp_wtime at, cpnp_diag *diag);

#endif
