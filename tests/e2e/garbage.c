/*
 * Sends random and mutated datagrams to a cpnpd on loopback: from addresses
 * that have not proved themselves to its UDP and its DTLS port, and as
 * garbage inside established DTLS sessions.  Reproducible by seed.
 *
 * It fails when any source got more bytes than it sent, or when the daemon's
 * sockets lost datagrams to a full queue (then they would not have been
 * tested).  Bursts are paced by the length of those queues, never by time.
 *
 *	garbage UDP-PORT DTLS-PORT COUNT SEED CERT KEY CA
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include <cpnp/cbor.h>
#include <cpnp/message.h>
#include <cpnp/net.h>

#define SOURCES 64
#define BURST 64
#define SEEDS_MAX 16
#define DATAGRAM_MAX 2048
#define SESSIONS 4
#define WAIT_SEC 30

struct seed {
	uint8_t bytes[DATAGRAM_MAX];
	size_t len;
};

static uint64_t rng;
static int failures;

static uint64_t
draw(void)
{
	/* SplitMix64: any generator will do that a seed reproduces */
	uint64_t z = rng += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void
check(bool good, const char *name, const char *detail)
{
	printf("%s - %s%s%s\n", good ? "ok" : "not ok", name,
	    detail[0] != '\0' ? ": " : "", detail);
	failures += !good;
}

/* Length of the receive queues, and datagrams lost, of a local UDP port. */
static bool
queue_look(uint16_t port, uint64_t *queued, uint64_t *lost)
{
	static const char *const files[] = {"/proc/net/udp", "/proc/net/udp6"};
	bool found = false;
	char line[512];

	*queued = *lost = 0;
	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(files[i], "r");

		while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			unsigned local, rx;
			char *last = strrchr(line, ' ');

			if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x "
					 "%*x %*x:%x", &local, &rx) != 2 ||
			    local != port)
				continue;
			while (last > line && last[1] == '\n')
				*last-- = '\0', last = strrchr(line, ' ');
			found = true;
			*queued += rx;
			*lost += last == NULL ? 0 : strtoull(last, NULL, 10);
		}
		if (f != NULL)
			fclose(f);
	}
	return found;
}

/* Until the daemon has read what it was sent, or a deadline passes. */
static bool
queue_wait(uint16_t port)
{
	cpnp_tstamp deadline = cpnp_now_read().mono + CPNP_SECONDS(WAIT_SEC);
	uint64_t queued, lost;

	while (queue_look(port, &queued, &lost)) {
		if (queued == 0)
			return true;
		if (cpnp_now_read().mono > deadline)
			return false;
		usleep(200);
	}
	return false;
}

/* ---- what is sent ---- */

static void
seed_quotation(struct seed *seed, cpnp_edition edition)
{
	static const uint8_t id[16] = {0x5a};
	/* [0, h'...']: a document of usual length to mutate */
	static uint8_t doc[4 + 250] = {0x82, 0x00, 0x58, 250};
	cpnp_msg msg = {.edition = edition, .method = CPNP_METHOD_QUOTATION};
	cpnp_buf buf;

	msg.present = CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	if (edition == CPNP_EDITION_RFC8921)
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	msg.sequence_number = 7;
	msg.transaction_id = (cpnp_bytes){id, sizeof(id)};
	msg.customer_order_id = CPNP_BYTES_LIT("GARBAGE-1");
	msg.service_description = (cpnp_bytes){doc, sizeof(doc)};
	cpnp_buf_init_fixed(&buf, seed->bytes, sizeof(seed->bytes));
	seed->len = cpnp_msg_encode(&msg, &buf, NULL) == 0 ? buf.len : 0;
}

/* A ClientHello as OpenSSL makes it. */
static void
seed_client_hello(struct seed *seed)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
	SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	seed->len = 0;
	if (ssl != NULL && in != NULL && out != NULL) {
		int n;

		BIO_set_mem_eof_return(in, -1);
		SSL_set_bio(ssl, in, out);
		SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
		DTLS_set_link_mtu(ssl, 1400);
		SSL_connect(ssl);
		n = BIO_read(out, seed->bytes, sizeof(seed->bytes));
		seed->len = n > 0 ? (size_t)n : 0;
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static size_t
mutate(const struct seed *seeds, size_t n, uint8_t out[DATAGRAM_MAX])
{
	const struct seed *seed = &seeds[draw() % n];
	size_t len;

	if (draw() % 4 == 0 || seed->len == 0) {
		len = 1 + draw() % 600;
		for (size_t i = 0; i < len; i++)
			out[i] = (uint8_t)draw();
		return len;
	}
	len = seed->len;
	memcpy(out, seed->bytes, len);
	for (uint64_t k = 1 + draw() % 6; k > 0; k--) {
		size_t at = draw() % len;

		switch (draw() % 4) {
		case 0:
			out[at] ^= (uint8_t)(1u << draw() % 8);
			break;
		case 1:
			out[at] = (uint8_t)draw();
			break;
		case 2:
			len = at + 1;
			break;
		default:
			if (len < DATAGRAM_MAX - 1) {
				memmove(out + at + 1, out + at, len - at);
				len++;
			}
			break;
		}
	}
	return len;
}

/* ---- from addresses that have not proved themselves ---- */

static void
phase_unproved(const char *name, uint16_t port, const struct seed *seeds,
    size_t seeds_n, uint64_t count)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint64_t sent[SOURCES] = {0}, got[SOURCES] = {0};
	uint64_t datagrams = 0, queued, lost0, lost1, all = 0, back = 0;
	int fds[SOURCES];
	bool within = true, alive = true;
	char detail[160];

	for (unsigned i = 0; i < SOURCES; i++) {
		struct sockaddr_in from = {.sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(0x7f010001u + i)};

		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (fds[i] < 0 ||
		    bind(fds[i], (struct sockaddr *)&from, sizeof(from)) != 0) {
			perror("garbage: bind");
			exit(1);
		}
	}
	alive = queue_look(port, &queued, &lost0);
	while (alive && datagrams < count) {
		uint8_t bytes[DATAGRAM_MAX];

		for (unsigned b = 0; b < BURST && datagrams < count; b++) {
			unsigned s = (unsigned)(draw() % SOURCES);
			size_t len = mutate(seeds, seeds_n, bytes);

			if (sendto(fds[s], bytes, len, 0,
				(struct sockaddr *)&to, sizeof(to)) < 0)
				continue;
			sent[s] += len;
			datagrams++;
		}
		alive = queue_wait(port);
		for (unsigned s = 0; s < SOURCES; s++) {
			ssize_t n;

			while ((n = recv(fds[s], bytes, sizeof(bytes), 0)) > 0)
				got[s] += (uint64_t)n;
		}
	}
	alive = alive && queue_look(port, &queued, &lost1);
	for (unsigned s = 0; s < SOURCES; s++) {
		within = within && got[s] <= sent[s];
		all += sent[s];
		back += got[s];
		close(fds[s]);
	}
	snprintf(detail, sizeof(detail),
	    "%" PRIu64 " datagrams, %" PRIu64 " bytes sent, %" PRIu64
	    " came back (%.3f)", datagrams, all, back,
	    all == 0 ? 0.0 : (double)back / (double)all);
	check(alive && within && datagrams == count, name, detail);
	snprintf(detail, sizeof(detail), "%" PRIu64,
	    alive ? lost1 - lost0 : 0);
	check(alive && lost1 == lost0, "none of them lost before it was read",
	    alive && lost1 == lost0 ? "" : detail);
}

/* ---- inside DTLS sessions ---- */

struct inside {
	unsigned up;
	uint64_t sent;
	uint64_t got;
};

static void
on_message(void *user, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now)
{
	struct inside *inside = user;

	(void)peer, (void)identity, (void)now;
	inside->got += datagram.len;
}

static void
on_event(void *user, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now)
{
	struct inside *inside = user;

	(void)peer, (void)now;
	if (event == CPNP_NET_UP)
		inside->up++;
	else
		fprintf(stderr, "garbage: %s: %s\n", diag->where, diag->why);
}

static void
phase_inside(uint16_t port, const struct seed *seeds, size_t seeds_n,
    uint64_t count, const cpnp_net_tls *tls)
{
	struct event_base *base = event_base_new();
	struct inside inside = {0};
	cpnp_net_config config = {.callbacks = {.user = &inside,
	    .message = on_message, .event = on_event}};
	cpnp_tstamp deadline = cpnp_now_read().mono + CPNP_SECONDS(WAIT_SEC);
	cpnp_peer peers[SESSIONS] = {0};
	uint64_t datagrams = 0;
	bool alive = true;
	cpnp_diag diag = {0};
	cpnp_net *net = NULL;
	char address[32], detail[160];
	int err;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	err = cpnp_net_new(&net, base, &config);
	if (err == 0)
		err = cpnp_net_reload_tls(net, CPNP_NET_CLIENT, tls, &diag);
	for (unsigned i = 0; i < SESSIONS && err == 0; i++) {
		cpnp_net_target target = {.transport = CPNP_TRANSPORT_DTLS,
		    .address = address, .name = "provider.example"};

		err = cpnp_net_connect(net, &target, &peers[i], &diag);
		if (err == 0)
			err = cpnp_net_reconnect(
			    net, peers[i], cpnp_now_read());
	}
	while (err == 0 && inside.up < SESSIONS &&
	    cpnp_now_read().mono < deadline)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	snprintf(detail, sizeof(detail), "%.60s %.90s", diag.where, diag.why);
	check(inside.up == SESSIONS, "sessions for garbage are up",
	    err == 0 ? "" : detail);
	while (inside.up == SESSIONS && alive && datagrams < count) {
		uint8_t bytes[DATAGRAM_MAX];

		for (unsigned b = 0; b < BURST && datagrams < count; b++) {
			size_t len = mutate(seeds, seeds_n, bytes);

			if (cpnp_net_send(net, peers[draw() % SESSIONS],
				(cpnp_bytes){bytes, len}, cpnp_now_read()) != 0)
				continue;
			inside.sent += len;
			datagrams++;
		}
		cpnp_net_flush(net);
		alive = queue_wait(port);
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	snprintf(detail, sizeof(detail),
	    "%" PRIu64 " messages, %" PRIu64 " bytes sent, %" PRIu64
	    " came back (%.3f)", datagrams, inside.sent, inside.got,
	    inside.sent == 0 ? 0.0 : (double)inside.got / (double)inside.sent);
	check(alive && datagrams == count && inside.got <= inside.sent,
	    "garbage inside DTLS sessions draws no more than it brought",
	    detail);
	cpnp_net_del(net);
	event_base_free(base);
}

int
main(int argc, char **argv)
{
	static struct seed messages[2], hellos[3];
	uint16_t udp, dtls;
	uint64_t count;

	if (argc != 8) {
		fprintf(stderr, "usage: garbage UDP-PORT DTLS-PORT COUNT SEED "
				"CERT KEY CA\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	udp = (uint16_t)atoi(argv[1]);
	dtls = (uint16_t)atoi(argv[2]);
	count = strtoull(argv[3], NULL, 10);
	rng = strtoull(argv[4], NULL, 10);
	seed_quotation(&messages[0], CPNP_EDITION_RFC8921);
	seed_quotation(&messages[1], CPNP_EDITION_DRAFT02);
	seed_client_hello(&hellos[0]);
	/* an application record of no session, and a message without DTLS */
	memcpy(hellos[1].bytes, "\x17\xfe\xfd\0\1\0\0\0\0\0\1\0\x20", 13);
	hellos[1].len = 45;
	hellos[2] = messages[0];
	phase_unproved("unproved UDP sources get no more than they sent", udp,
	    messages, 2, count * 2 / 5);
	phase_unproved("unproved DTLS sources get no more than they sent", dtls,
	    hellos, 3, count * 2 / 5);
	phase_inside(dtls, messages, 2, count - count * 2 / 5 * 2,
	    &(cpnp_net_tls){argv[5], argv[6], argv[7], NULL});
	return failures == 0 ? 0 : 1;
}
