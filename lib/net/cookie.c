/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cookie.h"

#include <cpnp/error.h>

#include <openssl/crypto.h>
#include <string.h>

#define BLOCK 64 /* of SHA-256 */

static int
hmac(const cpnp_env *env, const uint8_t secret[32], cpnp_bytes material,
    uint8_t mac[CPNP_SHA256_LEN])
{
	uint8_t pad[BLOCK], inner[CPNP_SHA256_LEN];
	cpnp_bytes parts[2] = {{pad, BLOCK}, material};
	int i;

	memset(pad, 0x36, sizeof(pad));
	for (i = 0; i < 32; i++)
		pad[i] ^= secret[i];
	if (env->sha256(env->user, parts, 2, inner) != 0)
		return CPNP_ERR_CRYPTO;
	for (i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	parts[1] = (cpnp_bytes){inner, sizeof(inner)};
	return env->sha256(env->user, parts, 2, mac) != 0 ? CPNP_ERR_CRYPTO
							  : 0;
}

/* The slots are counted from the birth of the first secret.  When two or
 * more have passed, the old secret must go as well. */
static int
rotate(struct net_cookie_jar *jar, cpnp_tstamp now)
{
	const cpnp_env *env = jar->env;
	uint8_t fresh[32];

	if (now < jar->born[0] || now - jar->born[0] < NET_COOKIE_SLOT_NS)
		return 0;
	if (env->random(env->user, fresh, sizeof(fresh)) != 0)
		return CPNP_ERR_RANDOM;
	memcpy(jar->secret[1], jar->secret[0], sizeof(fresh));
	jar->born[1] = jar->born[0];
	memcpy(jar->secret[0], fresh, sizeof(fresh));
	jar->born[0] = now;
	OPENSSL_cleanse(fresh, sizeof(fresh));
	return 0;
}

int
net_cookie_init(
    struct net_cookie_jar *jar, const cpnp_env *env, cpnp_tstamp now)
{
	jar->env = env;
	jar->born[0] = jar->born[1] = now;
	return env->random(env->user, jar->secret[0], sizeof(jar->secret)) != 0
		   ? CPNP_ERR_RANDOM
		   : 0;
}

int
net_cookie_make(struct net_cookie_jar *jar, cpnp_bytes material,
    uint8_t cookie[NET_COOKIE_LEN], cpnp_tstamp now)
{
	uint8_t mac[CPNP_SHA256_LEN];
	int err;

	err = rotate(jar, now);
	if (err == 0)
		err = hmac(jar->env, jar->secret[0], material, mac);
	if (err == 0)
		memcpy(cookie, mac, NET_COOKIE_LEN);
	return err;
}

int
net_cookie_check(struct net_cookie_jar *jar, cpnp_bytes material,
    cpnp_bytes cookie, cpnp_tstamp now)
{
	uint8_t mac[CPNP_SHA256_LEN];
	int err, i;

	if (cookie.len != NET_COOKIE_LEN)
		return CPNP_ERR_COOKIE;
	err = rotate(jar, now);
	for (i = 0; i < 2 && err == 0; i++) {
		if (now >= jar->born[i] &&
		    now - jar->born[i] >= 2 * NET_COOKIE_SLOT_NS)
			break;
		err = hmac(jar->env, jar->secret[i], material, mac);
		if (err == 0 &&
		    CRYPTO_memcmp(mac, cookie.ptr, NET_COOKIE_LEN) == 0)
			return 0;
	}
	return err != 0 ? err : CPNP_ERR_COOKIE;
}

bool
net_cookie_is_blank(cpnp_bytes cookie)
{
	static const uint8_t blank[NET_COOKIE_BLANK_LEN];

	return cpnp_bytes_equal(cookie, (cpnp_bytes){blank, sizeof(blank)});
}
