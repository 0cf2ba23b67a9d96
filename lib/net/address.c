/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "address.h"

#include <cpnp/error.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool
net_addr_is_v4(const struct net_addr *addr)
{
	return memcmp(addr->ip, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool
net_addr_is_any(const struct net_addr *addr)
{
	static const uint8_t zero[16];

	if (net_addr_is_v4(addr))
		return memcmp(addr->ip + 12, zero, 4) == 0;
	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

bool
net_addr_from_sockaddr(struct net_addr *addr, const struct sockaddr *sockaddr)
{
	memset(addr, 0, sizeof(*addr));
	if (sockaddr->sa_family == AF_INET) {
		struct sockaddr_in sin;

		memcpy(&sin, sockaddr, sizeof(sin));
		memcpy(addr->ip, v4_prefix, sizeof(v4_prefix));
		memcpy(addr->ip + 12, &sin.sin_addr, 4);
		addr->port = ntohs(sin.sin_port);
		return true;
	}
	if (sockaddr->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, sockaddr, sizeof(sin6));
		memcpy(addr->ip, &sin6.sin6_addr, 16);
		addr->scope = sin6.sin6_scope_id;
		addr->port = ntohs(sin6.sin6_port);
		return true;
	}
	return false;
}

socklen_t
net_addr_to_sockaddr(
    const struct net_addr *addr, struct sockaddr_storage *storage)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};

	if (net_addr_is_v4(addr)) {
		memcpy(&sin.sin_addr, addr->ip + 12, 4);
		sin.sin_port = htons(addr->port);
		memcpy(storage, &sin, sizeof(sin));
		return sizeof(sin);
	}
	memcpy(&sin6.sin6_addr, addr->ip, 16);
	sin6.sin6_scope_id = addr->scope;
	sin6.sin6_port = htons(addr->port);
	memcpy(storage, &sin6, sizeof(sin6));
	return sizeof(sin6);
}

static char *
number_format(char *to, unsigned number)
{
	char digits[10];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

/* By hand, as a log has many of them: inet_ntop() prints each byte. */
static void
v4_format(const struct net_addr *addr, char *to)
{
	int i;

	for (i = 12; i < 16; i++) {
		to = number_format(to, addr->ip[i]);
		*to++ = i < 15 ? '.' : ':';
	}
	*number_format(to, addr->port) = '\0';
}

void
net_addr_format(const struct net_addr *addr, char text[NET_ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN];

	if (net_addr_is_v4(addr)) {
		v4_format(addr, text);
		return;
	}
	inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
	if (addr->scope != 0)
		snprintf(text, NET_ADDR_TEXT, "[%s%%%u]:%u", ip,
		    (unsigned)addr->scope, addr->port);
	else
		snprintf(text, NET_ADDR_TEXT, "[%s]:%u", ip, addr->port);
}

/* Digits only, at most max. */
static int
number_parse(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 10)
		return CPNP_ERR_INVALID;
	*value = strtoul(text, &end, 10);
	return *end == '\0' && *value <= max ? 0 : CPNP_ERR_INVALID;
}

int
net_addr_split(const char *text, char *host, size_t host_size, uint16_t *port,
    uint16_t default_port)
{
	const char *from = text, *to, *rest;
	unsigned long number;

	*port = default_port;
	if (text[0] == '[') {
		from = text + 1;
		to = strchr(from, ']');
		if (to == NULL)
			return CPNP_ERR_INVALID;
		rest = to + 1;
	} else {
		to = strchr(text, ':');
		/* a second colon: an IPv6 address without brackets */
		if (to == NULL || strchr(to + 1, ':') != NULL)
			to = text + strlen(text);
		rest = to;
	}
	if (to == from || (size_t)(to - from) >= host_size)
		return CPNP_ERR_INVALID;
	if (rest[0] == ':') {
		if (number_parse(rest + 1, 65535, &number) != 0)
			return CPNP_ERR_INVALID;
		*port = (uint16_t)number;
	} else if (rest[0] != '\0') {
		return CPNP_ERR_INVALID;
	}
	memcpy(host, from, (size_t)(to - from));
	host[to - from] = '\0';
	return 0;
}

int
net_addr_parse(struct net_addr *addr, const char *text, uint16_t default_port)
{
	char host[NET_ADDR_TEXT], *scope;
	unsigned long number = 0;
	int err;

	memset(addr, 0, sizeof(*addr));
	err = net_addr_split(
	    text, host, sizeof(host), &addr->port, default_port);
	if (err != 0)
		return err;
	if (inet_pton(AF_INET, host, addr->ip + 12) == 1) {
		memcpy(addr->ip, v4_prefix, sizeof(v4_prefix));
		return 0;
	}
	scope = strchr(host, '%');
	if (scope != NULL) {
		*scope++ = '\0';
		if (number_parse(scope, UINT32_MAX, &number) != 0)
			number = if_nametoindex(scope);
		if (number == 0)
			return CPNP_ERR_INVALID;
		addr->scope = (uint32_t)number;
	}
	/* a mapped address would be a second spelling of an IPv4 one */
	if (inet_pton(AF_INET6, host, addr->ip) != 1 || net_addr_is_v4(addr))
		return CPNP_ERR_INVALID;
	return 0;
}
