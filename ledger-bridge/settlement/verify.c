/*
 * SHA-256 and signatures for a ledger, on OpenSSL.  Keys and digests of what
 * has been looked at are kept, each in a table of fixed size: a newer one takes
 * the place of an older one.  What does not verify is kept as well, or a batch
 * of forgeries would cost its price twice.
 *
 * For any thread: what is kept is under a lock, and a signature is verified
 * without it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../journal/internal.h"
#include "state.h"

#include <pthread.h>
#include <stdlib.h>

#define KEY_SLOTS 4096
#define SEEN_SLOTS 65536

struct cpnp_verifier {
	cpnp_ledger_env env;
	pthread_mutex_t lock;
	struct hash hash;
	struct ledger_key keys[KEY_SLOTS];
	struct seen {
		uint8_t digest[CPNP_SHA256_LEN];
		int err; /* what verifying gave */
	} seen[SEEN_SLOTS];
};

static int
verifier_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	struct cpnp_verifier *v = user;
	int err;

	(void)pthread_mutex_lock(&v->lock);
	err = hash_parts(&v->hash, parts, n, digest);
	(void)pthread_mutex_unlock(&v->lock);
	return err;
}

static unsigned
slot_of(const uint8_t *digest, unsigned slots)
{
	return ((unsigned)digest[0] << 8 | digest[1]) % slots;
}

/* The key of a SubjectPublicKeyInfo, with a reference of the caller's own;
 * SIGNATURE when it is none that we know.  Under the lock. */
static int
key_get(struct cpnp_verifier *v, cpnp_bytes spki, struct ledger_key *key)
{
	uint8_t id[CPNP_SHA256_LEN];
	struct ledger_key *slot;
	int err;

	err = hash_parts(&v->hash, &spki, 1, id);
	if (err != 0)
		return err;
	slot = &v->keys[slot_of(id, KEY_SLOTS)];
	if (slot->pkey == NULL || memcmp(slot->id, id, sizeof(id)) != 0) {
		err = ledger_key_from_spki(key, spki);
		if (err != 0)
			return cpnp_error_is_fatal(err) ? err
							: CPNP_ERR_SIGNATURE;
		ledger_key_fini(slot);
		*slot = *key;
	}
	*key = *slot;
	return EVP_PKEY_up_ref(key->pkey) == 1 ? 0 : CPNP_ERR_CRYPTO;
}

/* Whether this was looked at before, and then *err is what it gave. */
static bool
was_seen(struct cpnp_verifier *v, const uint8_t digest[CPNP_SHA256_LEN],
    int *err)
{
	const struct seen *seen;
	bool is;

	(void)pthread_mutex_lock(&v->lock);
	seen = &v->seen[slot_of(digest, SEEN_SLOTS)];
	is = memcmp(seen->digest, digest, CPNP_SHA256_LEN) == 0;
	if (is)
		*err = seen->err;
	(void)pthread_mutex_unlock(&v->lock);
	return is;
}

static void
keep_seen(struct cpnp_verifier *v, const uint8_t digest[CPNP_SHA256_LEN],
    int err)
{
	struct seen *seen;

	(void)pthread_mutex_lock(&v->lock);
	seen = &v->seen[slot_of(digest, SEEN_SLOTS)];
	memcpy(seen->digest, digest, CPNP_SHA256_LEN);
	seen->err = err;
	(void)pthread_mutex_unlock(&v->lock);
}

static int
verifier_verify(void *user, cpnp_bytes spki, int alg, cpnp_bytes bytes,
    cpnp_bytes signature)
{
	struct cpnp_verifier *v = user;
	uint8_t digest[CPNP_SHA256_LEN];
	struct ledger_key key;
	int err;

	(void)pthread_mutex_lock(&v->lock);
	err = key_get(v, spki, &key);
	(void)pthread_mutex_unlock(&v->lock);
	if (err != 0)
		return err;
	err = key.alg != alg ? CPNP_ERR_SIGNATURE
	    : verifier_sha256(v, (const cpnp_bytes[]){
	          {key.id, CPNP_SHA256_LEN}, signature, bytes}, 3, digest);
	if (err == 0 && !was_seen(v, digest, &err)) {
		err = ledger_key_verify(&key, bytes, signature);
		if (err == 0 || err == CPNP_ERR_SIGNATURE)
			keep_seen(v, digest, err);
	}
	EVP_PKEY_free(key.pkey);
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
	if (err == 0 && pthread_mutex_init(&v->lock, NULL) != 0) {
		hash_fini(&v->hash);
		err = CPNP_ERR_NOMEM;
	}
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
	(void)pthread_mutex_destroy(&verifier->lock);
	free(verifier);
}

const cpnp_ledger_env *
cpnp_verifier_env(const cpnp_verifier *verifier)
{
	return &verifier->env;
}
