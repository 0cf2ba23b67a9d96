/*
 * Datagrams from many sources on loopback, as fast as they go:
 *
 *	flood KIND ADDRESS PORT COUNT SIZE SOURCE...
 *
 * COUNT of them from each SOURCE, an address, in turn.  KIND is
 *
 *	cookie	one QUOTATION that brings no cookie, again and again
 *	order	a QUOTATION of a new order each time, of SIZE bytes, for sources
 *		that need no cookie
 *	hello	a ClientHello without a cookie
 *
 * Nothing that comes back is read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cpnp/cbor.h>
#include <cpnp/message.h>

#define SOURCES_MAX 512

static void
die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static struct addrinfo *
resolve(const char *address, const char *port)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	    .ai_socktype = SOCK_DGRAM};
	struct addrinfo *result;

	if (getaddrinfo(address, port, &hints, &result) != 0) {
		fprintf(stderr, "flood: %s is no address\n", address);
		exit(EXIT_FAILURE);
	}
	return result;
}

static int
open_socket(const char *source, const struct addrinfo *to)
{
	struct addrinfo *from = resolve(source, "0");
	int fd = socket(to->ai_family, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, from->ai_addr, from->ai_addrlen) != 0 ||
	    connect(fd, to->ai_addr, to->ai_addrlen) != 0)
		die(source);
	freeaddrinfo(from);
	return fd;
}

/* A QUOTATION of a service of a private type; the run and the number make the
 * order a new one. */
static cpnp_bytes
quotation(unsigned long run, unsigned long number, size_t size)
{
	static uint8_t service[CPNP_DATAGRAM_MAX], out[CPNP_DATAGRAM_MAX];
	static const uint8_t zeros[CPNP_DATAGRAM_MAX];
	char id[64];
	cpnp_buf body, buf;
	cpnp_msg msg = {.edition = CPNP_EDITION_RFC8921,
	    .method = CPNP_METHOD_QUOTATION,
	    .sequence_number = 7,
	    .transaction_id = CPNP_BYTES_LIT("transaction of a flood")};

	(void)snprintf(id, sizeof(id), "FLOOD-%lx-%lx", run, number);
	cpnp_buf_init_fixed(&body, service, sizeof(service));
	cpnp_cbor_put_array(&body, 2);
	cpnp_cbor_put_uint(&body, 65536);
	cpnp_cbor_put_bytes(&body, (cpnp_bytes){zeros, size});
	msg.customer_order_id = cpnp_bytes_str(id);
	msg.service_description = cpnp_buf_bytes(&body);
	msg.present = CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER) |
	    CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	cpnp_buf_init_fixed(&buf, out, sizeof(out));
	if (size > CPNP_DATAGRAM_MAX / 2 ||
	    cpnp_msg_encode(&msg, &buf, NULL) != 0) {
		fprintf(stderr, "flood: a QUOTATION cannot be so long\n");
		exit(EXIT_FAILURE);
	}
	return cpnp_buf_bytes(&buf);
}

/* The shortest ClientHello that is answered with a cookie. */
static cpnp_bytes
hello(void)
{
	static const uint8_t bytes[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0,
	    0, 54, /* a record of 54 bytes: */
	    1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, /* ClientHello of 42 */
	    0xfe, 0xfd, /* DTLS 1.2 */
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 2, 3, 4,
	    5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* random */
	    0, 0,			/* no session, no cookie */
	    0, 2, 0xc0, 0x2b, 1, 0};

	return (cpnp_bytes){bytes, sizeof(bytes)};
}

int
main(int argc, char **argv)
{
	int fds[SOURCES_MAX], n = argc - 6, i;
	unsigned long count, number = 0, run;
	struct addrinfo *to;
	struct timespec now;
	size_t size;

	if (argc < 7 || n > SOURCES_MAX) {
		fprintf(stderr, "usage: flood cookie|order|hello ADDRESS PORT "
		    "COUNT SIZE SOURCE...\n");
		return EXIT_FAILURE;
	}
	to = resolve(argv[2], argv[3]);
	count = strtoul(argv[4], NULL, 10);
	size = strtoul(argv[5], NULL, 10);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	run = (unsigned long)now.tv_sec * 1000000000ul +
	    (unsigned long)now.tv_nsec;
	for (i = 0; i < n; i++)
		fds[i] = open_socket(argv[6 + i], to);
	for (; count > 0; count--) {
		for (i = 0; i < n; i++) {
			cpnp_bytes bytes = argv[1][0] == 'h'
			    ? hello()
			    : quotation(run, argv[1][0] == 'o' ? number++ : 0,
				  size);

			/* a full queue of the receiver is a lost datagram */
			(void)send(fds[i], bytes.ptr, bytes.len, 0);
		}
	}
	freeaddrinfo(to);
	return EXIT_SUCCESS;
}
