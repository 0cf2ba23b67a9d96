/*
 * A bad path: relays UDP datagrams between clients and one server on
 * loopback, drops some of them from a seed, and all that are too long.
 *
 *	lossy PORT LOSS MTU SEED [PCAP]
 *
 * listens on a free port of 127.0.0.1, says which on standard output, and
 * relays to 127.0.0.1:PORT.  LOSS is in per cent, MTU in bytes of an IPv4
 * packet.  SIGTERM ends it; it then says what became of the datagrams.  PCAP
 * gets a capture of what was relayed, between port 49921 of 192.0.2.1 and the
 * clients' ports, from 50000 on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define HEADERS 28 /* of IPv4 and UDP */

static volatile sig_atomic_t stopped;
static struct sockaddr_in server, clients[CLIENTS_MAX];
static struct pollfd fds[1 + CLIENTS_MAX]; /* ours, then one for each client */
static nfds_t fds_n = 1;
static uint64_t seed;
static unsigned loss;
static size_t mtu;
static uint64_t relayed, dropped, too_long, captured;
static FILE *pcap;

static void
on_term(int number)
{
	(void)number;
	stopped = 1;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in
loopback(unsigned port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons((uint16_t)port);
	return addr;
}

static void
put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void
begin_pcap(const char *path)
{
	/* magic, version 2.4, times in UTC, length, LINKTYPE_RAW */
	const uint32_t head[] = {0xa1b2c3d4, 4u << 16 | 2u, 0, 0, 65535, 101};

	pcap = fopen(path, "wb");
	if (pcap == NULL || fwrite(head, sizeof(head), 1, pcap) != 1)
		die(path);
}

/* A datagram over IPv4, checksums left out; i is the socket it came to. */
static void
capture(nfds_t i, size_t client, const uint8_t *bytes, size_t len)
{
	static const uint8_t ends[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}};
	uint8_t head[HEADERS] = {0x45, [8] = 64, [9] = 17};
	bool from_server = i > 0;
	uint32_t record[4] = {(uint32_t)captured++, 0,
	    (uint32_t)(sizeof(head) + len), (uint32_t)(sizeof(head) + len)};

	if (pcap == NULL)
		return;
	put16(head + 2, sizeof(head) + len);
	memcpy(head + 12, ends[from_server ? 0 : 1], 4);
	memcpy(head + 16, ends[from_server ? 1 : 0], 4);
	put16(head + (from_server ? 20 : 22), 49921);
	put16(head + (from_server ? 22 : 20), 50000 + client);
	put16(head + 24, 8 + len);
	if (fwrite(record, sizeof(record), 1, pcap) != 1 ||
	    fwrite(head, sizeof(head), 1, pcap) != 1 ||
	    fwrite(bytes, len, 1, pcap) != 1 || fflush(pcap) != 0)
		die("lossy: capture");
}

static bool
gets_through(size_t len)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	if (len + HEADERS > mtu) {
		too_long++;
		return false;
	}
	if ((seed >> 33) % 100 < loss) {
		dropped++;
		return false;
	}
	relayed++;
	return true;
}

/* The socket to the server that stands for a client. */
static int
socket_of(const struct sockaddr_in *from)
{
	nfds_t i;
	int fd;

	for (i = 1; i < fds_n; i++)
		if (memcmp(&clients[i - 1], from, sizeof(*from)) == 0)
			return fds[i].fd;
	if (fds_n > CLIENTS_MAX)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&server, sizeof(server)) != 0)
		die("lossy: socket");
	fds[fds_n] = (struct pollfd){fd, POLLIN, 0};
	clients[fds_n - 1] = *from;
	fds_n++;
	return fd;
}

static size_t
client_of(int fd)
{
	nfds_t i = 1;

	while (fds[i].fd != fd)
		i++;
	return i - 1;
}

static void
relay(nfds_t i)
{
	static uint8_t bytes[65536];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n;
	int fd;

	memset(&from, 0, sizeof(from));
	n = recvfrom(fds[i].fd, bytes, sizeof(bytes), 0,
	    (struct sockaddr *)&from, &from_len);
	if (n < 0 || !gets_through((size_t)n))
		return;
	if (i > 0) {
		capture(i, i - 1, bytes, (size_t)n);
		(void)sendto(fds[0].fd, bytes, (size_t)n, 0,
		    (const struct sockaddr *)&clients[i - 1],
		    sizeof(clients[i - 1]));
	} else {
		fd = socket_of(&from);
		if (fd < 0)
			return;
		capture(i, client_of(fd), bytes, (size_t)n);
		(void)send(fd, bytes, (size_t)n, 0);
	}
}

static void
open_own(void)
{
	struct sockaddr_in own = loopback(0);
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		die("lossy: bind");
	fds[0] = (struct pollfd){fd, POLLIN, 0};
	printf("%u\n", (unsigned)ntohs(own.sin_port));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_term};
	nfds_t i, n;

	if (argc != 5 && argc != 6) {
		fputs("usage: lossy PORT LOSS MTU SEED [PCAP]\n", stderr);
		return 2;
	}
	if (argc == 6)
		begin_pcap(argv[5]);
	server = loopback((unsigned)strtoul(argv[1], NULL, 10));
	loss = (unsigned)strtoul(argv[2], NULL, 10);
	mtu = strtoul(argv[3], NULL, 10);
	seed = strtoull(argv[4], NULL, 10);
	sigaction(SIGTERM, &action, NULL);
	open_own();
	while (!stopped) {
		n = fds_n;
		if (poll(fds, n, 100) < 0)
			continue;
		for (i = 0; i < n; i++)
			if (fds[i].revents != 0)
				relay(i);
	}
	printf("relayed %" PRIu64 "\ndropped %" PRIu64 "\ntoo long %" PRIu64
	       "\n", relayed, dropped, too_long);
	return 0;
}
