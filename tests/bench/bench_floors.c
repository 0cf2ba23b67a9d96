/*
 * What an order costs when nothing but one part of it is done: the floors
 * that tests/bench/run sets beside the whole.
 *
 *	bench-floors sqlite DIRECTORY ORDERS ROWS BYTES COMMITS
 *	bench-floors udp ORDERS IN OUT
 *	bench-floors dtls ORDERS IN OUT CERT KEY
 *	bench-floors ed25519 ORDERS
 *	bench-floors fdatasync DIRECTORY COUNT
 *
 * ROWS rows with BYTES bytes are what a store keeps of an order, in COMMITS
 * transactions for all; IN and OUT are the bytes of the three datagrams to a
 * server and of the three back.  What needs no partner runs once on each
 * processor, and their rates are added.  One line of JSON is the result.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sqlite3.h>

#include "../../lib/net/mmsg.h"
#include "hist.h"

#define TRIPS 3 /* datagrams of an order in each direction */
#define NUMBER_MAX 100000000
#define DATAGRAM_MAX SSL3_RT_MAX_PLAIN_LENGTH
#define PROCESSES_MAX 64
/* Round trips under way, and datagrams of one system call. */
#define WINDOW 256
#define BATCH 64

static _Noreturn void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench-floors: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || n == 0 || n > NUMBER_MAX)
		die(text, "a number from 1 to 100000000 is wanted");
	return (unsigned)n;
}

/* The size of a datagram, when an order has so many bytes in TRIPS. */
static size_t
datagram(const char *text)
{
	unsigned len = number(text) / TRIPS;

	/* DTLS takes no larger record */
	if (len == 0 || len > SSL3_RT_MAX_PLAIN_LENGTH - 512)
		die(text, "does not go into three datagrams");
	return len;
}

static void
fill(uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
}

static double
used(int who)
{
	struct rusage ru;

	(void)getrusage(who, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

/* All processes of it have ended: what they used belongs to it. */
static void
report(const char *floor, unsigned orders, double taken)
{
	(void)printf("{\"floor\":\"%s\",\"orders\":%u,\"seconds\":%.6f,"
		     "\"rate\":%.1f,\"cpu_us\":%.3f}\n",
	    floor, orders, taken, orders / taken,
	    (used(RUSAGE_SELF) + used(RUSAGE_CHILDREN)) * 1e6 / orders);
}

/*
 * The same work on every processor at once: the orders are shared out, and
 * the slowest decides.
 */
static double
on_all(void (*work)(unsigned orders, char **argv), unsigned orders, char **argv)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN), i;
	pid_t pids[PROCESSES_MAX];
	double start = seconds();
	int status;

	n = n < 1 ? 1 : n > PROCESSES_MAX ? PROCESSES_MAX : n;
	for (i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork", strerror(errno));
		if (pids[i] == 0) {
			work(orders / (unsigned)n + 1, argv);
			_exit(EXIT_SUCCESS);
		}
	}
	for (i = 0; i < n; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			die("a process of its own", "failed");
	return seconds() - start;
}

/* ---- bare SQLite ---- */

static void
sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		die(text, sqlite3_errmsg(db));
}

static void
floor_sqlite(const char *dir, unsigned orders, unsigned rows, unsigned bytes,
    unsigned commits)
{
	unsigned len = bytes / rows > 0 ? bytes / rows : 1;
	uint64_t total = (uint64_t)orders * rows, i;
	uint64_t each = (total + commits - 1) / commits;
	uint8_t *row = malloc(len);
	sqlite3_stmt *put;
	char path[512];
	double start;
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/floor.db", dir);
	if (row == NULL || sqlite3_open(path, &db) != SQLITE_OK)
		die(path, "cannot be opened");
	fill(row, len);
	sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA wal_autocheckpoint = 16384;"
		"PRAGMA cache_size = -65536;"
		"CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB);");
	if (sqlite3_prepare_v2(db, "INSERT INTO t (bytes) VALUES (?)", -1,
		&put, NULL) != SQLITE_OK)
		die(path, sqlite3_errmsg(db));
	start = seconds();
	for (i = 0; i < total; i++) {
		if (i % each == 0)
			sql(db, "BEGIN IMMEDIATE");
		(void)sqlite3_bind_blob(
		    put, 1, row, (int)len, SQLITE_STATIC);
		if (sqlite3_step(put) != SQLITE_DONE)
			die(path, sqlite3_errmsg(db));
		(void)sqlite3_reset(put);
		if (i % each == each - 1 || i == total - 1)
			sql(db, "COMMIT");
	}
	report("sqlite", orders, seconds() - start);
	(void)sqlite3_finalize(put);
	(void)sqlite3_close(db);
	(void)unlink(path);
	free(row);
}

/* ---- UDP ---- */

/* A batch of datagrams, all of one length when they are sent. */
struct batch {
	struct net_mmsg msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage names[BATCH];
	uint8_t *bytes;
};

static void
batch_init(struct batch *b, bool named)
{
	unsigned i;

	memset(b, 0, sizeof(*b));
	b->bytes = calloc(BATCH, DATAGRAM_MAX);
	if (b->bytes == NULL)
		die("udp", "out of memory");
	for (i = 0; i < BATCH; i++) {
		b->iov[i].iov_base = b->bytes + (size_t)i * DATAGRAM_MAX;
		fill(b->iov[i].iov_base, DATAGRAM_MAX);
		b->msgs[i].msg_hdr.msg_iov = &b->iov[i];
		b->msgs[i].msg_hdr.msg_iovlen = 1;
		if (named)
			b->msgs[i].msg_hdr.msg_name = &b->names[i];
	}
}

static int
batch_receive(int fd, struct batch *b)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	unsigned i;
	int n;

	for (i = 0; i < BATCH; i++) {
		b->iov[i].iov_len = DATAGRAM_MAX;
		if (b->msgs[i].msg_hdr.msg_name != NULL)
			b->msgs[i].msg_hdr.msg_namelen = sizeof(b->names[i]);
	}
	if (poll(&pfd, 1, 5000) != 1)
		die("udp", "a datagram is lost");
	n = net_recvmmsg(fd, b->msgs, BATCH);
	if (n <= 0)
		die("recvmmsg", strerror(errno));
	return n;
}

static void
batch_send(int fd, struct batch *b, unsigned n, size_t len)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	unsigned i, done;
	int rc;

	for (i = 0; i < n; i++)
		b->iov[i].iov_len = len;
	for (done = 0; done < n; done += (unsigned)rc) {
		rc = net_sendmmsg(fd, b->msgs + done, n - done);
		if (rc < 0 && (errno != EAGAIN || poll(&pfd, 1, 5000) != 1))
			die("sendmmsg", strerror(errno));
		rc = rc < 0 ? 0 : rc;
	}
}

static int
udp_socket(struct sockaddr_in *name)
{
	socklen_t len = sizeof(*name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int room = 4 << 20;

	memset(name, 0, sizeof(*name));
	name->sin_family = AF_INET;
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)name, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)name, &len) != 0)
		die("socket", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return fd;
}

static _Noreturn void
echo(int fd, size_t out)
{
	struct batch b;

	batch_init(&b, true);
	for (;;)
		batch_send(fd, &b, (unsigned)batch_receive(fd, &b), out);
}

static void
floor_udp(unsigned orders, size_t in, size_t out)
{
	uint64_t trips = (uint64_t)orders * TRIPS, sent = 0, done = 0, room;
	struct sockaddr_in name, ours;
	int fd = udp_socket(&name), client = udp_socket(&ours);
	pid_t pid = fork();
	struct batch b;
	double start;

	if (pid == 0)
		echo(fd, out);
	if (pid < 0 ||
	    connect(client, (struct sockaddr *)&name, sizeof(name)) != 0)
		die("udp", strerror(errno));
	batch_init(&b, false);
	start = seconds();
	while (done < trips) {
		while (sent < trips && sent - done < WINDOW) {
			room = WINDOW - (sent - done);
			room = room > BATCH ? BATCH : room;
			room = room > trips - sent ? trips - sent : room;
			batch_send(client, &b, (unsigned)room, in);
			sent += room;
		}
		done += (uint64_t)batch_receive(client, &b);
	}
	start = seconds() - start;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	report("udp", orders, start);
}

/* ---- DTLS records ---- */

static SSL *
dtls_end(SSL_CTX *ctx, BIO *read_from, BIO *write_to, bool server)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL)
		die("dtls", "out of memory");
	(void)SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
	(void)DTLS_set_link_mtu(ssl, 16000);
	(void)BIO_up_ref(read_from);
	(void)BIO_up_ref(write_to);
	SSL_set_bio(ssl, read_from, write_to);
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

static SSL_CTX *
dtls_context(const char *cert, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_method());

	/* the version and the ciphers of lib/net */
	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM") != 1 ||
	    SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die(cert, "no certificate with its key");
	return ctx;
}

/* One record over, written and read. */
static void
record(SSL *from, SSL *to, uint8_t *bytes, size_t len)
{
	if (SSL_write(from, bytes, (int)len) != (int)len ||
	    SSL_read(to, bytes, DATAGRAM_MAX) != (int)len)
		die("dtls", "a record was not taken");
}

static void
dtls_orders(unsigned orders, char **argv)
{
	static uint8_t bytes[DATAGRAM_MAX];
	size_t in = datagram(argv[0]), out = datagram(argv[1]);
	SSL_CTX *ctx = dtls_context(argv[2], argv[3]);
	BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
	SSL *client, *server;
	unsigned i;
	int turns;

	if (up == NULL || down == NULL)
		die("dtls", "out of memory");
	(void)BIO_set_mem_eof_return(up, -1);
	(void)BIO_set_mem_eof_return(down, -1);
	client = dtls_end(ctx, down, up, false);
	server = dtls_end(ctx, up, down, true);
	for (turns = 0; turns < 10; turns++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	if (!SSL_is_init_finished(client) || !SSL_is_init_finished(server))
		die("dtls", "no session");
	fill(bytes, sizeof(bytes));
	for (i = 0; i < orders * TRIPS; i++) {
		record(client, server, bytes, in);
		record(server, client, bytes, out);
	}
	SSL_free(client);
	SSL_free(server);
	BIO_free(up);
	BIO_free(down);
	SSL_CTX_free(ctx);
}

/* ---- signatures ---- */

/* A signature made and one verified: what an ACCEPT costs its two sides. */
static void
ed25519_orders(unsigned orders, char **argv)
{
	uint8_t text[32], signature[64];
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len;
	unsigned i;

	(void)argv;
	if (key == NULL || ctx == NULL)
		die("ed25519", "no key");
	fill(text, sizeof(text));
	for (i = 0; i < orders; i++) {
		memcpy(text, &i, sizeof(i));
		len = sizeof(signature);
		if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
		    EVP_DigestSign(ctx, signature, &len, text,
			sizeof(text)) != 1 ||
		    EVP_MD_CTX_reset(ctx) != 1 ||
		    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1 ||
		    EVP_DigestVerify(ctx, signature, len, text,
			sizeof(text)) != 1 ||
		    EVP_MD_CTX_reset(ctx) != 1)
			die("ed25519", "a signature is not valid");
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

/* ---- the disk ---- */

static void
floor_fdatasync(const char *dir, unsigned count)
{
	static struct hist hist;
	uint8_t page[4096];
	char path[512];
	double start, all = seconds();
	unsigned i;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/floor.sync", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path, strerror(errno));
	fill(page, sizeof(page));
	for (i = 0; i < count; i++) {
		start = seconds();
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page) ||
		    fdatasync(fd) != 0)
			die(path, strerror(errno));
		hist_record(&hist, (uint64_t)((seconds() - start) * 1e9));
	}
	all = seconds() - all;
	(void)close(fd);
	(void)unlink(path);
	(void)printf("{\"floor\":\"fdatasync\",\"rate\":%.1f,\"p50_ms\":%.4f,"
		     "\"p99_ms\":%.4f,\"p99_9_ms\":%.4f}\n",
	    count / all, (double)hist_percentile(&hist, 0.5) / 1e6,
	    (double)hist_percentile(&hist, 0.99) / 1e6,
	    (double)hist_percentile(&hist, 0.999) / 1e6);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned orders;

	(void)signal(SIGPIPE, SIG_IGN);
	if (strcmp(what, "sqlite") == 0 && argc == 7) {
		floor_sqlite(argv[2], number(argv[3]), number(argv[4]),
		    number(argv[5]), number(argv[6]));
	} else if (strcmp(what, "udp") == 0 && argc == 5) {
		floor_udp(number(argv[2]), datagram(argv[3]),
		    datagram(argv[4]));
	} else if (strcmp(what, "dtls") == 0 && argc == 7) {
		orders = number(argv[2]);
		report("dtls", orders, on_all(dtls_orders, orders, argv + 3));
	} else if (strcmp(what, "ed25519") == 0 && argc == 3) {
		orders = number(argv[2]);
		report("ed25519", orders,
		    on_all(ed25519_orders, orders, argv + 3));
	} else if (strcmp(what, "fdatasync") == 0 && argc == 4) {
		floor_fdatasync(argv[2], number(argv[3]));
	} else {
		die("usage", "see the head of bench_floors.c");
	}
	return EXIT_SUCCESS;
}
