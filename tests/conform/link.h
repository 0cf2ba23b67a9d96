/*
 * One way to the server, from a port of its own: plain UDP or DTLS 1.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CONFORM_LINK_H
#define CONFORM_LINK_H

#include <sys/socket.h>

#include "cbor.h"

enum who {
	WE,
	OTHER, /* another customer of the same server */
	WHO_END
};

struct link_config {
	struct sockaddr_storage server;
	socklen_t server_len;
	bool dtls;
	const char *ca;          /* PEM, NULL: the server is not verified */
	const char *server_name; /* in its certificate, or NULL */
	const char *cert[WHO_END], *key[WHO_END]; /* NULL: there is none */
	const char *source[WHO_END]; /* address to send from, or NULL */
	int timeout_ms;              /* of a handshake */
};

struct link;

/* Resolve HOST:PORT or [HOST]:PORT; false with a reason. */
bool link_resolve(
    struct link_config *config, const char *host_port, char *why, size_t size);
/* NULL with a reason. */
struct link *link_open(const struct link_config *config, enum who who,
    char *why, size_t size);
void link_close(struct link *link);
/* False when the system does not take it, as when it is too long. */
bool link_send(struct link *link, struct span datagram);
/* The next datagram within that time; false when there is none. */
bool link_recv(struct link *link, struct bytes *datagram, int timeout_ms);

/* Milliseconds of the monotonic clock. */
int64_t link_clock(void);

#endif
