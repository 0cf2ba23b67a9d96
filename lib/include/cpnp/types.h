/*
 * Basic types of libcpnp: byte views, the two kinds of time, and the leaf
 * functions that an application hands in.
 *
 * The library never reads a clock, opens a socket, draws a random number,
 * prints or exits.  What it needs from outside comes as an argument or
 * through struct cpnp_env below.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_TYPES_H
#define CPNP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CPNP_API __attribute__((visibility("default")))
#else
#define CPNP_API
#endif

/*
 * A view of bytes that somebody else owns.  The header of each function says
 * how long the view stays good.  An absent value has ptr NULL and len 0.
 */
typedef struct cpnp_bytes {
	const uint8_t *ptr;
	size_t len;
} cpnp_bytes;

#define CPNP_BYTES_NONE ((cpnp_bytes){NULL, 0})
/* A view of a string literal or array, without its terminating NUL. */
#define CPNP_BYTES_LIT(s) ((cpnp_bytes){(const uint8_t *)(s), sizeof(s) - 1})

/* True when both views have the same length and the same bytes. */
CPNP_API bool cpnp_bytes_equal(cpnp_bytes a, cpnp_bytes b);
/* A view of a NUL-terminated string, without the NUL; none for NULL. */
CPNP_API cpnp_bytes cpnp_bytes_str(const char *s);

/*
 * Monotonic time in nanoseconds from an arbitrary start.  Timers run on it.
 * CPNP_NEVER is later than every other value.
 */
typedef uint64_t cpnp_tstamp;
#define CPNP_NEVER UINT64_MAX
#define CPNP_SECONDS(n) ((cpnp_tstamp)(n) * 1000000000u)
#define CPNP_MILLISECONDS(n) ((cpnp_tstamp)(n) * 1000000u)

/*
 * Wall-clock time in seconds since 1970-01-01T00:00:00Z, leap seconds not
 * counted.  A structure, so that it cannot be mixed with cpnp_tstamp.  Dates
 * in messages have a resolution of one second.
 */
typedef struct cpnp_wtime {
	int64_t sec;
} cpnp_wtime;

/* The range that has four digits of year: 0000-01-01 to 9999-12-31. */
#define CPNP_WTIME_MIN (-62167219200)
#define CPNP_WTIME_MAX 253402300799

/* Both clocks, read at the same moment; always the last argument. */
typedef struct cpnp_now {
	cpnp_tstamp mono;
	cpnp_wtime wall;
} cpnp_now;

/*
 * The allocator.  alloc and realloc return NULL when there is no memory;
 * free(NULL) is legal.  The functions must not call the library.
 */
typedef struct cpnp_mem {
	void *user;
	void *(*alloc)(void *user, size_t size);
	void *(*realloc)(void *user, void *ptr, size_t size);
	void (*free)(void *user, void *ptr);
} cpnp_mem;

#define CPNP_SHA256_LEN 32

/*
 * The leaf functions that an application hands in at creation.  They know
 * nothing of orders and must not call the library.
 *
 * random fills buf with len unpredictable bytes (RFC 4086) and returns 0, or
 * negative when it cannot.  sha256 writes the digest of the concatenation of
 * n parts and returns 0, or negative when it cannot.
 *
 * libcpnp-net has a ready one: cpnp_env_openssl() in <cpnp/net.h>.
 */
typedef struct cpnp_env {
	cpnp_mem mem;
	void *user;
	int (*random)(void *user, uint8_t *buf, size_t len);
	int (*sha256)(void *user, const cpnp_bytes *parts, size_t n,
	    uint8_t digest[CPNP_SHA256_LEN]);
} cpnp_env;

/*
 * An amount of money: minor units of a token.  A token is named by the
 * account of its issuer and a code, and has a fixed exponent (number of
 * decimal digits of a major unit).  Tokens never mix.  The two names are
 * views.
 */
typedef struct cpnp_money {
	int64_t amount;
	cpnp_bytes code;   /* 1 to CPNP_TOKEN_CODE_MAX bytes, A-Z and 0-9 */
	cpnp_bytes issuer; /* 0 to CPNP_TOKEN_ISSUER_MAX bytes of UTF-8 */
	uint8_t exponent;  /* 0 to CPNP_TOKEN_EXPONENT_MAX */
} cpnp_money;

#define CPNP_TOKEN_CODE_MAX 12
#define CPNP_TOKEN_ISSUER_MAX 64
#define CPNP_TOKEN_EXPONENT_MAX 9

#ifdef __cplusplus
}
#endif

#endif
