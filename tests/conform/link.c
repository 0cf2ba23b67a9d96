/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HANDSHAKE_STEP_MS 100
#define MTU 1400

struct link {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

int64_t
link_clock(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool
resolve(const char *host, const char *port, int flags,
    struct sockaddr_storage *address, socklen_t *len, char *why, size_t size)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_DGRAM, .ai_flags = flags};
	struct addrinfo *list;
	int err = getaddrinfo(host, port, &hints, &list);

	if (err != 0) {
		(void)snprintf(why, size, "%s: %s", host, gai_strerror(err));
		return false;
	}
	memcpy(address, list->ai_addr, list->ai_addrlen);
	*len = list->ai_addrlen;
	freeaddrinfo(list);
	return true;
}

bool
link_resolve(
    struct link_config *config, const char *host_port, char *why, size_t size)
{
	char host[256];
	const char *colon = strrchr(host_port, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - host_port);

	if (n == 0 || n >= sizeof(host) || colon[1] == '\0') {
		(void)snprintf(why, size,
		    "%s: expected HOST:PORT or [ADDRESS]:PORT", host_port);
		return false;
	}
	if (host_port[0] == '[' && host_port[n - 1] == ']') {
		host_port++;
		n -= 2;
	}
	memcpy(host, host_port, n);
	host[n] = '\0';
	return resolve(host, colon + 1, AI_NUMERICSERV, &config->server,
	    &config->server_len, why, size);
}

static bool
open_socket(struct link *link, const struct link_config *config,
    const char *source, char *why, size_t size)
{
	struct sockaddr_storage from;
	socklen_t from_len;

	link->fd = socket(config->server.ss_family,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (source != NULL &&
	    !resolve(source, NULL, AI_NUMERICHOST, &from, &from_len, why,
		size))
		return false;
	if (link->fd >= 0 &&
	    (source == NULL ||
		bind(link->fd, (struct sockaddr *)&from, from_len) == 0) &&
	    connect(link->fd, (const struct sockaddr *)&config->server,
		config->server_len) == 0)
		return true;
	(void)snprintf(why, size, "socket: %s", strerror(errno));
	return false;
}

static bool
tls_fails(char *why, size_t size, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	(void)snprintf(why, size, "%s: %s", what,
	    reason != NULL ? reason : "no answer, or the server has refused");
	return false;
}

static bool
set_up_tls(struct link *link, const struct link_config *config, enum who who,
    char *why, size_t size)
{
	BIO *bio;

	link->ctx = SSL_CTX_new(DTLS_client_method());
	if (link->ctx == NULL)
		return tls_fails(why, size, "OpenSSL");
	if (SSL_CTX_use_certificate_chain_file(
		link->ctx, config->cert[who]) != 1)
		return tls_fails(why, size, config->cert[who]);
	if (SSL_CTX_use_PrivateKey_file(
		link->ctx, config->key[who], SSL_FILETYPE_PEM) != 1)
		return tls_fails(why, size, config->key[who]);
	if (config->ca != NULL &&
	    SSL_CTX_load_verify_locations(link->ctx, config->ca, NULL) != 1)
		return tls_fails(why, size, config->ca);
	SSL_CTX_set_verify(link->ctx,
	    config->ca != NULL ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	link->ssl = SSL_new(link->ctx);
	bio = BIO_new_dgram(link->fd, BIO_NOCLOSE);
	if (link->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return tls_fails(why, size, "OpenSSL");
	}
	(void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0,
	    (void *)(uintptr_t)&config->server);
	SSL_set_bio(link->ssl, bio, bio);
	(void)SSL_set_options(link->ssl, SSL_OP_NO_QUERY_MTU);
	(void)DTLS_set_link_mtu(link->ssl, MTU);
	return config->server_name == NULL ||
	    SSL_set1_host(link->ssl, config->server_name) == 1 ||
	    tls_fails(why, size, config->server_name);
}

static bool
handshake(
    struct link *link, int timeout_ms, char *why, size_t size)
{
	int64_t deadline = link_clock() + timeout_ms;

	for (;;) {
		struct pollfd pfd = {link->fd, POLLIN, 0};
		int n = SSL_connect(link->ssl);

		if (n == 1)
			return true;
		if (SSL_get_error(link->ssl, n) != SSL_ERROR_WANT_READ ||
		    link_clock() >= deadline)
			return tls_fails(why, size, "handshake");
		if (poll(&pfd, 1, HANDSHAKE_STEP_MS) == 0)
			(void)DTLSv1_handle_timeout(link->ssl);
	}
}

struct link *
link_open(const struct link_config *config, enum who who, char *why,
    size_t size)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		(void)snprintf(why, size, "out of memory");
		return NULL;
	}
	ERR_clear_error();
	if (open_socket(link, config, config->source[who], why, size) &&
	    (!config->dtls ||
		(set_up_tls(link, config, who, why, size) &&
		    handshake(link, config->timeout_ms, why, size))))
		return link;
	link_close(link);
	return NULL;
}

void
link_close(struct link *link)
{
	if (link == NULL)
		return;
	if (link->ssl != NULL && SSL_is_init_finished(link->ssl))
		(void)SSL_shutdown(link->ssl);
	SSL_free(link->ssl);
	SSL_CTX_free(link->ctx);
	if (link->fd >= 0)
		close(link->fd);
	free(link);
}

bool
link_send(struct link *link, struct span datagram)
{
	if (link->ssl == NULL)
		return send(link->fd, datagram.p, datagram.n, 0) ==
		    (ssize_t)datagram.n;
	ERR_clear_error();
	return SSL_write(link->ssl, datagram.p, (int)datagram.n) ==
	    (int)datagram.n;
}

static ssize_t
try_recv(struct link *link, struct bytes *datagram)
{
	if (link->ssl == NULL)
		return recv(
		    link->fd, datagram->b, sizeof(datagram->b), 0);
	ERR_clear_error();
	return SSL_read(
	    link->ssl, datagram->b, (int)sizeof(datagram->b));
}

bool
link_recv(struct link *link, struct bytes *datagram, int timeout_ms)
{
	int64_t deadline = link_clock() + timeout_ms;

	for (;;) {
		struct pollfd pfd = {link->fd, POLLIN, 0};
		ssize_t n = try_recv(link, datagram);
		int64_t left = deadline - link_clock();

		if (n > 0) {
			datagram->n = (size_t)n;
			datagram->full = false;
			return true;
		}
		if (left <= 0)
			return false;
		/* An ICMP error shows as one on the socket: wait on. */
		if (poll(&pfd, 1, (int)left) < 0 && errno != EINTR)
			return false;
	}
}
