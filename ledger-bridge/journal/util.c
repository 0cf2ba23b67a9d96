/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "internal.h"

int
ledger_fail(cpnp_diag *diag, int err, const char *where, const char *fmt, ...)
{
	va_list ap;

	if (diag != NULL) {
		diag->err = err;
		diag->offset = 0;
		(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
		va_start(ap, fmt);
		(void)vsnprintf(diag->why, sizeof(diag->why), fmt, ap);
		va_end(ap);
	}
	return err;
}

int
ledger_fail_once(cpnp_diag *diag, int err, const char *where, const char *why)
{
	if (err != 0 && diag != NULL && diag->err == 0)
		(void)ledger_fail(diag, err, where, "%s", why);
	return err;
}

void
ledger_diag_clear(cpnp_diag *diag)
{
	if (diag != NULL)
		memset(diag, 0, sizeof(*diag));
}

static int
env_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	return len <= INT32_MAX && RAND_bytes(buf, (int)len) == 1 ? 0 : -1;
}

static int
env_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	(void)user;
	return hash_once(parts, n, digest);
}

const cpnp_env ledger_env = {
    LEDGER_MEM, NULL, env_random, env_sha256};

int
hash_init(struct hash *h)
{
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx == NULL)
		return CPNP_ERR_NOMEM;
	if (EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
		hash_fini(h);
		return CPNP_ERR_CRYPTO;
	}
	return 0;
}

void
hash_fini(struct hash *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

int
hash_parts(struct hash *h, const cpnp_bytes *parts, size_t n,
    uint8_t out[CPNP_SHA256_LEN])
{
	size_t i;

	/* no type: the algorithm of hash_init() is kept, not looked up */
	if (EVP_DigestInit_ex(h->ctx, NULL, NULL) != 1)
		return CPNP_ERR_CRYPTO;
	for (i = 0; i < n; i++)
		if (EVP_DigestUpdate(h->ctx, parts[i].ptr, parts[i].len) != 1)
			return CPNP_ERR_CRYPTO;
	return EVP_DigestFinal_ex(h->ctx, out, NULL) == 1 ? 0
							  : CPNP_ERR_CRYPTO;
}

/* RFC 9162, section 2.1.1: leaves and nodes have different prefixes. */
int
hash_leaf(struct hash *h, cpnp_bytes data, uint8_t out[CPNP_SHA256_LEN])
{
	static const uint8_t prefix = 0;

	return hash_parts(
	    h, (const cpnp_bytes[]){{&prefix, 1}, data}, 2, out);
}

int
hash_node(struct hash *h, const uint8_t *left, const uint8_t *right,
    uint8_t out[CPNP_SHA256_LEN])
{
	uint8_t node[1 + 2 * CPNP_SHA256_LEN];

	node[0] = 1;
	memcpy(node + 1, left, CPNP_SHA256_LEN);
	memcpy(node + 1 + CPNP_SHA256_LEN, right, CPNP_SHA256_LEN);
	return hash_parts(
	    h, &(cpnp_bytes){node, sizeof(node)}, 1, out);
}

int
hash_once(const cpnp_bytes *parts, size_t n, uint8_t out[CPNP_SHA256_LEN])
{
	struct hash h;
	int err;

	err = hash_init(&h);
	if (err != 0)
		return err;
	err = hash_parts(&h, parts, n, out);
	hash_fini(&h);
	return err;
}

void
hex_encode(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
hex_decode(const char *text, uint8_t *out, size_t n)
{
	size_t i;
	int hi, lo;

	if (strlen(text) != 2 * n)
		return CPNP_ERR_INVALID;
	for (i = 0; i < n; i++) {
		hi = hex_digit(text[2 * i]);
		lo = hex_digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return CPNP_ERR_INVALID;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}
