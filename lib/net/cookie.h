/*
 * Stateless proof that a peer receives at the address it sends from: an
 * HMAC-SHA256 (RFC 2104) over both ends, under a secret that is replaced every
 * NET_COOKIE_SLOT_NS.  A cookie is good in its own slot and the
 * next.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef NET_COOKIE_H
#define NET_COOKIE_H

#include <cpnp/message.h>

#define NET_COOKIE_LEN 16
#define NET_COOKIE_SLOT_NS CPNP_SECONDS(120)

/* A COOKIE of so many zeros is none: it makes a short request of a client that
 * has no cookie as long as the FAIL 2 that brings one (cpnp-wire(7), Cookies).
 */
#define NET_COOKIE_BLANK_LEN CPNP_COOKIE_MAX

struct net_cookie_jar {
	const cpnp_env *env;
	cpnp_tstamp born[2];
	uint8_t secret[2][32]; /* the current one first */
};

/* CPNP_ERR_RANDOM */
int net_cookie_init(
    struct net_cookie_jar *jar, const cpnp_env *env, cpnp_tstamp now);
/* material is whatever the cookie vouches for; each use has one of another
 * length.  CPNP_ERR_CRYPTO, CPNP_ERR_RANDOM. */
int net_cookie_make(struct net_cookie_jar *jar, cpnp_bytes material,
    uint8_t cookie[NET_COOKIE_LEN], cpnp_tstamp now);
/* CPNP_ERR_COOKIE, or the errors of net_cookie_make(). */
int net_cookie_check(struct net_cookie_jar *jar, cpnp_bytes material,
    cpnp_bytes cookie, cpnp_tstamp now);
bool net_cookie_is_blank(cpnp_bytes cookie);

#endif
