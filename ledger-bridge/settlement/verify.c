/*
 * SHA-256 and signatures for a ledger, on OpenSSL.  Keys and digests of what
 * has been verified are kept, each in a table of fixed size: a newer one takes
 * the place of an older one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../journal/internal.h"
#include "state.h"

#include <stdlib.h>

#define KEY_SLOTS 4096
#define SEEN_SLOTS 65536

struct cpnp_verifier {
	cpnp_ledger_env env;
	struct hash hash;
	struct ledger_key keys[KEY_SLOTS];
	uint8_t seen[SEEN_SLOTS][CPNP_SHA256_LEN];
};

static int
verifier_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	struct cpnp_verifier *v = user;

	return hash_parts(&v->hash, parts, n, digest);
}

static unsigned
slot_of(const uint8_t *digest, unsigned slots)
{
	return ((unsigned)digest[0] << 8 | digest[1]) % slots;
}

/* The key of a SubjectPublicKeyInfo; NULL when it is none that we know. */
static const struct ledger_key *
key_get(struct cpnp_verifier *v, cpnp_bytes spki, int *err)
{
	uint8_t id[CPNP_SHA256_LEN];
	struct ledger_key key, *slot;

	*err = hash_parts(&v->hash, &spki, 1, id);
	if (*err != 0)
		return NULL;
	slot = &v->keys[slot_of(id, KEY_SLOTS)];
	if (slot->pkey != NULL && memcmp(slot->id, id, sizeof(id)) == 0)
		return slot;
	*err = ledger_key_from_spki(&key, spki);
	if (*err != 0)
		return NULL;
	ledger_key_fini(slot);
	*slot = key;
	return slot;
}

static int
verifier_verify(void *user, cpnp_bytes spki, int alg, cpnp_bytes bytes,
    cpnp_bytes signature)
{
	struct cpnp_verifier *v = user;
	uint8_t digest[CPNP_SHA256_LEN], *slot;
	const struct ledger_key *key;
	int err;

	key = key_get(v, spki, &err);
	if (key == NULL)
		return cpnp_error_is_fatal(err) ? err : CPNP_ERR_SIGNATURE;
	if (key->alg != alg)
		return CPNP_ERR_SIGNATURE;
	err = hash_parts(&v->hash,
	    (const cpnp_bytes[]){{key->id, CPNP_SHA256_LEN}, signature, bytes},
	    3, digest);
	if (err != 0)
		return err;
	slot = v->seen[slot_of(digest, SEEN_SLOTS)];
	if (memcmp(slot, digest, sizeof(digest)) == 0)
		return 0;
	err = ledger_key_verify(key, bytes, signature);
	if (err == 0)
		memcpy(slot, digest, sizeof(digest));
	return err;
}

int
cpnp_verifier_new(cpnp_verifier **verifier)
{
	struct cpnp_verifier *v;
	int err;

	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return CPNP_ERR_NOMEM;
	err = hash_init(&v->hash);
	if (err != 0) {
		free(v);
		return err;
	}
	v->env.env.mem = ledger_mem;
	v->env.env.user = v;
	v->env.env.sha256 = verifier_sha256;
	v->env.user = v;
	v->env.verify = verifier_verify;
	*verifier = v;
	return 0;
}

void
cpnp_verifier_del(cpnp_verifier *verifier)
{
	if (verifier == NULL)
		return;
	for (size_t i = 0; i < KEY_SLOTS; i++)
		ledger_key_fini(&verifier->keys[i]);
	hash_fini(&verifier->hash);
	free(verifier);
}

const cpnp_ledger_env *
cpnp_verifier_env(const cpnp_verifier *verifier)
{
	return &verifier->env;
}
