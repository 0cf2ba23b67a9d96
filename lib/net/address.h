/*
 * Addresses of the demultiplexer: IPv4 and IPv6 in one form of fixed size, so
 * that they compare and hash as bytes.  IPv4 is kept as ::ffff:a.b.c.d.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <cpnp/types.h>

#include <sys/socket.h>

struct net_addr {
	uint8_t ip[16];
	uint32_t scope; /* interface of a link-local address, else 0 */
	uint16_t port;  /* host order */
};

/* "[ffff:...:ffff%4294967295]:65535" with its NUL. */
#define NET_ADDR_TEXT 72

bool net_addr_is_v4(const struct net_addr *addr);
bool net_addr_is_any(const struct net_addr *addr);
/* False for a family that is neither IPv4 nor IPv6. */
bool net_addr_from_sockaddr(
    struct net_addr *addr, const struct sockaddr *sockaddr);
socklen_t net_addr_to_sockaddr(
    const struct net_addr *addr, struct sockaddr_storage *storage);
void net_addr_format(const struct net_addr *addr, char text[NET_ADDR_TEXT]);
/* Numeric "a.b.c.d[:port]", "v6" or "[v6][:port]".  CPNP_ERR_INVALID. */
int net_addr_parse(
    struct net_addr *addr, const char *text, uint16_t default_port);
/* "host", "host:port", "[v6]:port" or a bare v6 into its parts, without
 * looking at the host.  CPNP_ERR_INVALID. */
int net_addr_split(const char *text, char *host, size_t host_size,
    uint16_t *port, uint16_t default_port);

#endif
