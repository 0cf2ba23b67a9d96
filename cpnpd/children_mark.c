/*
 * Path marks and the hop limit: an order that comes back to a provider that
 * has passed it on goes in a circle.
 *
 * A mark is a random number and its HMAC under the secret of the store.  So
 * the provider that made it knows it again without having kept it, also after
 * a restart, and to everybody else it says nothing: not whose it is, nor that
 * two orders have passed the same provider.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "children.h"

#define SALT_LEN 8

static int
make_tag(const struct daemon *d, const uint8_t salt[SALT_LEN],
    uint8_t tag[CPNPD_MARK_LEN - SALT_LEN])
{
	static const char context[] = "cpnp path mark";
	uint8_t text[sizeof(context) + SALT_LEN], digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	memcpy(text, context, sizeof(context));
	memcpy(text + sizeof(context), salt, SALT_LEN);
	if (HMAC(EVP_sha256(), d->children->secret,
		(int)sizeof(d->children->secret), text, sizeof(text), digest,
		&len) == NULL)
		return CPNP_ERR_CRYPTO;
	memcpy(tag, digest, CPNPD_MARK_LEN - SALT_LEN);
	return 0;
}

int
cpnpd_mark_make(const struct daemon *d, uint8_t mark[CPNPD_MARK_LEN])
{
	const cpnp_env *env = cpnp_env_openssl();

	if (env->random(env->user, mark, SALT_LEN) != 0)
		return CPNP_ERR_RANDOM;
	return make_tag(d, mark, mark + SALT_LEN);
}

bool
cpnpd_mark_is_ours(const struct daemon *d, cpnp_bytes mark)
{
	uint8_t tag[CPNPD_MARK_LEN - SALT_LEN];

	return mark.len == CPNPD_MARK_LEN &&
	    make_tag(d, mark.ptr, tag) == 0 &&
	    CRYPTO_memcmp(tag, mark.ptr + SALT_LEN, sizeof(tag)) == 0;
}

uint8_t
cpnpd_hops_left(const struct daemon *d, const cpnp_msg *request)
{
	uint8_t limit = (uint8_t)d->conf->children.hop_limit;

	if (cpnp_msg_has(request, CPNP_ATTR_HOP_LIMIT) &&
	    request->hop_limit < limit)
		return request->hop_limit;
	return limit;
}
