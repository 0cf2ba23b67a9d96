/*
 * The leaf functions of the core on OpenSSL and the C library.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <cpnp/net.h>

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Fetching an algorithm costs more than digesting a message, so it is done
 * once, and each thread keeps a context. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static bool have_key;
static EVP_MD *sha256_md;
static _Thread_local EVP_MD_CTX *context;

static void
context_del(void *ptr)
{
	EVP_MD_CTX_free(ptr);
}

static void
init(void)
{
	have_key = pthread_key_create(&context_key, context_del) == 0;
	sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static EVP_MD_CTX *
context_get(void)
{
	EVP_MD_CTX *ctx;

	pthread_once(&once, init);
	if (!have_key || sha256_md == NULL)
		return NULL;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return NULL;
	if (EVP_DigestInit_ex2(ctx, sha256_md, NULL) != 1 ||
	    pthread_setspecific(context_key, ctx) != 0) {
		EVP_MD_CTX_free(ctx);
		return NULL;
	}
	context = ctx;
	return ctx;
}

static int
env_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	EVP_MD_CTX *ctx = context != NULL ? context : context_get();
	size_t i;

	(void)user;
	if (ctx == NULL || EVP_DigestInit_ex2(ctx, NULL, NULL) != 1)
		return CPNP_ERR_CRYPTO;
	for (i = 0; i < n; i++) {
		if (parts[i].len != 0 &&
		    EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) != 1)
			return CPNP_ERR_CRYPTO;
	}
	return EVP_DigestFinal_ex(ctx, digest, NULL) == 1 ? 0
							  : CPNP_ERR_CRYPTO;
}

static int
env_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	if (len > INT_MAX || RAND_bytes(buf, (int)len) != 1)
		return CPNP_ERR_RANDOM;
	return 0;
}

static void *
env_alloc(void *user, size_t size)
{
	(void)user;
	return malloc(size != 0 ? size : 1);
}

static void *
env_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return realloc(ptr, size != 0 ? size : 1);
}

static void
env_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

const cpnp_env *
cpnp_env_openssl(void)
{
	static const cpnp_env env = {
	    .mem = {NULL, env_alloc, env_realloc, env_free},
	    .random = env_random,
	    .sha256 = env_sha256,
	};

	return &env;
}

cpnp_now
cpnp_now_read(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (cpnp_now){
	    .mono = CPNP_SECONDS(mono.tv_sec) + (cpnp_tstamp)mono.tv_nsec,
	    .wall = {wall.tv_sec},
	};
}
