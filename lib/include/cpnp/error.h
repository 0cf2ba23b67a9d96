/*
 * What went wrong, and whose fault it is.
 *
 * Every function of libcpnp that can fail returns 0 or one of these negative
 * codes.  The class tells the caller what to do:
 *
 *   PEER    the bytes that came are at fault: drop them, or answer with the
 *           status that cpnp_error_status() names; go on.
 *   CALLER  the arguments or the moment of the call are at fault: correct the
 *           call; the object is unchanged.
 *   FATAL   this object cannot go on (no memory, no randomness): delete it,
 *           or drop it and read it back from permanent storage.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_ERROR_H
#define CPNP_ERROR_H

#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, class, text) */
#define CPNP_ERROR_MAP(X)                                                      \
	/* what a peer sent */                                                 \
	X(TRUNCATED, -1, PEER, "the input ends too early")                     \
	X(TRAILING, -2, PEER, "there are bytes after the end")                 \
	X(NOT_DETERMINISTIC, -3, PEER, "not in deterministic CBOR form")       \
	X(TYPE, -4, PEER, "a value has the wrong type")                        \
	X(RANGE, -5, PEER, "a value is out of its range")                      \
	X(UTF8, -6, PEER, "a text is not valid UTF-8")                         \
	X(DUPLICATE, -7, PEER, "a key appears twice or out of order")          \
	X(TOO_LONG, -8, PEER, "a value or a list is longer than its limit")    \
	X(VERSION, -9, PEER, "the protocol version is not known")              \
	X(METHOD, -10, PEER, "the method is not known in this edition")        \
	X(ATTR_MISSING, -11, PEER, "a mandatory attribute is missing")         \
	X(ATTR_UNEXPECTED, -12, PEER, "an attribute has no place here")        \
	X(ATTR_UNKNOWN, -13, PEER, "an unknown attribute must not be ignored") \
	X(DATE, -14, PEER, "a date is not in the form of this edition")        \
	X(SERVICE_TYPE, -15, PEER, "the type of service is not known")         \
	X(CLAUSE, -16, PEER, "a clause of the document contradicts another")   \
	X(UNKNOWN_ORDER, -17, PEER, "no order matches")                        \
	X(NONCE, -18, PEER, "the nonce does not match")                        \
	X(REPLAY, -19, PEER, "the sequence number is not larger")              \
	X(UNEXPECTED, -20, PEER, "the message has no place in this state")     \
	X(MISMATCH, -21, PEER, "the content does not match the order")         \
	X(SIGNATURE, -22, PEER, "a signature does not verify")                 \
	X(SWAPPED, -23, PEER, "the two order identifiers are swapped")         \
	X(COOKIE, -24, PEER, "the cookie is missing, wrong or too old")        \
	X(PROOF, -25, PEER, "a proof does not verify")                         \
	X(XML, -26, PEER, "the XML document is not valid")                     \
	X(NOT_CONCRETE, -27, PEER, "a clause has no single value")             \
	X(FORBIDDEN, -28, PEER, "the identity is not entitled to this")        \
	/* what the caller did */                                              \
	X(INVALID, -64, CALLER, "an argument is out of its range")             \
	X(STATE, -65, CALLER, "this call has no place in this state")          \
	X(NO_SPACE, -66, CALLER, "the output does not fit")                    \
	X(NOT_LOADED, -67, CALLER, "the order is not in memory")               \
	X(BUSY, -68, CALLER, "the order has an open transaction")              \
	X(FULL, -69, CALLER, "a table or queue has reached its bound")         \
	X(NOT_FOUND, -70, CALLER, "there is no such thing")                    \
	X(EXISTS, -71, CALLER, "the identifier is in use")                     \
	X(IO, -72, CALLER, "reading or writing failed")                        \
	X(CONFIG, -73, CALLER, "the configuration is not valid")               \
	X(UNAVAILABLE, -74, CALLER, "the peer does not answer")                \
	/* from here on the object is lost */                                  \
	X(NOMEM, -128, FATAL, "out of memory")                                 \
	X(RANDOM, -129, FATAL, "the random source failed")                     \
	X(CRYPTO, -130, FATAL, "a cryptographic primitive failed")             \
	X(EXHAUSTED, -131, FATAL, "the sequence numbers have run out")         \
	X(INTERNAL, -132, FATAL, "an internal invariant does not hold")

enum cpnp_error {
	CPNP_OK = 0,
#define CPNP_ERROR_ENUM(name, value, class, text) CPNP_ERR_##name = value,
	CPNP_ERROR_MAP(CPNP_ERROR_ENUM)
#undef CPNP_ERROR_ENUM
};

#define CPNP_ERR_FATAL CPNP_ERR_NOMEM

/* True when the object that returned the code cannot go on. */
static inline bool
cpnp_error_is_fatal(int err)
{
	return err <= CPNP_ERR_FATAL;
}

/* True when the peer is at fault. */
static inline bool
cpnp_error_is_peer(int err)
{
	return err < 0 && err > CPNP_ERR_INVALID;
}

/* A static sentence fragment for a code; "no error" for 0. */
CPNP_API const char *cpnp_strerror(int err);
/* The name of a code without CPNP_ERR_, "OK" for 0. */
CPNP_API const char *cpnp_error_name(int err);

/*
 * Where and why something was refused, in words for a person.  Functions that
 * read what people or peers wrote take a pointer to one, which may be NULL.
 * where is a path in the input ("attribute VALIDITY_OFFER_TIME",
 * "component 1 / qos / metric 2", "line 12"), why says what would be right.
 */
typedef struct cpnp_diag {
	int err;
	size_t offset; /* of the offending byte, when there is one */
	char where[96];
	char why[160];
} cpnp_diag;

#ifdef __cplusplus
}
#endif

#endif
