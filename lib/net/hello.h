/*
 * The first datagrams of a DTLS client, read without OpenSSL, so that a
 * stranger reaches nothing that allocates (RFC 6347, section 4.2.1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef NET_HELLO_H
#define NET_HELLO_H

#include <cpnp/types.h>

#define NET_RECORD_HEADER 13
#define NET_HELLO_VERIFY_LEN 44 /* with a cookie of NET_COOKIE_LEN */

enum net_record_type {
	NET_RECORD_CCS = 20,
	NET_RECORD_ALERT = 21,
	NET_RECORD_HANDSHAKE = 22,
	NET_RECORD_DATA = 23
};

/* The header of the first record of a datagram. */
struct net_record {
	uint8_t type;
	uint16_t epoch;
	bool is_hello; /* epoch 0, handshake, ClientHello */
};

/* A ClientHello in one piece; views into the datagram. */
struct net_hello {
	cpnp_bytes sequence; /* epoch and sequence number of its record */
	cpnp_bytes cookie;
	/* what must be the same in the repetition: version, random, session;
	 * then cipher suites and compression methods */
	cpnp_bytes params[2];
};

/* CPNP_ERR_TRUNCATED, or _VERSION when it is not DTLS. */
int net_record_peek(struct net_record *record, cpnp_bytes datagram);
/* Errors: of class PEER. */
int net_hello_parse(struct net_hello *hello, cpnp_bytes datagram);
/* A HelloVerifyRequest that answers hello; always NET_HELLO_VERIFY_LEN, which
 * is less than any ClientHello that parses. */
void net_hello_verify(const struct net_hello *hello,
    const uint8_t *cookie, uint8_t out[NET_HELLO_VERIFY_LEN]);

#endif
