/*
 * A small operations support system that orders connectivity with libcpnp in
 * its own poll(2) loop, over plain UDP.
 *
 *	oss HOST PORT OUR-NAME SERVER-NAME FILE.xml
 *
 * The daemon's configuration names OUR-NAME for our address.  The program
 * keeps its order in memory only, which is enough for an example; a real one
 * makes each effect STORE durable before it performs the SENDs behind it, as
 * cpnpc does.  Built with nothing but pkg-config:
 *
 *	cc oss.c $(pkg-config --cflags --libs libcpnp libcrypto) -o oss
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cpnp/cpnp.h>

#define SERVER_PEER 1 /* our only peer; any number but 0 */

struct oss {
	int fd;
	cpnp_env env;
	cpnp_orders *orders;
	cpnp_order *order;
	const char *server_name;
	uint8_t cookie[CPNP_COOKIE_MAX];
	size_t cookie_len;
	uint8_t last[CPNP_MSG_MAX];
	size_t last_len;
	bool done;
	cpnp_state outcome;
	cpnp_status status;
};

/* The leaf functions that the library asks for. */

static void *
mem_alloc(void *user, size_t size)
{
	(void)user;
	return malloc(size);
}

static void *
mem_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return realloc(ptr, size);
}

static void
mem_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

static int
env_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	return RAND_bytes(buf, (int)len) == 1 ? 0 : -1;
}

static int
env_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);

	(void)user;
	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

static cpnp_now
now_read(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (cpnp_now){CPNP_SECONDS(mono.tv_sec) + (uint64_t)mono.tv_nsec,
	    {wall.tv_sec}};
}

static void
complain(const char *what, int err)
{
	fprintf(stderr, "oss: %s: %s\n", what, cpnp_strerror(err));
}

/* Send a message, with the cookie that proves our address once we have one. */
static void
send_bytes(struct oss *oss, cpnp_bytes bytes)
{
	uint8_t store[CPNP_MSG_MAX];
	cpnp_buf out;

	memcpy(oss->last, bytes.ptr, bytes.len);
	oss->last_len = bytes.len;
	if (oss->cookie_len > 0) {
		cpnp_buf_init_fixed(&out, store, sizeof(store));
		if (cpnp_msg_set_cookie(bytes,
			(cpnp_bytes){oss->cookie, oss->cookie_len}, &out) == 0)
			bytes = cpnp_buf_bytes(&out);
	}
	/* a lost datagram is repeated by the order's timers */
	if (send(oss->fd, bytes.ptr, bytes.len, 0) < 0 && errno != EAGAIN)
		perror("oss: send");
}

static void perform(struct oss *oss);

/* Our purchasing policy: whatever the provider offers, if it has a price. */
static void
judge(struct oss *oss, const cpnp_msg *offer)
{
	static const cpnp_reason gap = CPNP_REASON_UNACCEPTABLE_GAP;
	int err;

	if (cpnp_msg_has(offer, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    offer->options.has_cost) {
		printf("offer of %.*s for %lld %.*s\n",
		    (int)offer->provider_order_id.len,
		    (const char *)offer->provider_order_id.ptr,
		    (long long)offer->options.cost.amount,
		    (int)offer->options.cost.code.len,
		    (const char *)offer->options.cost.code.ptr);
		err = cpnp_order_accept(oss->orders, oss->order, now_read());
	} else {
		err = cpnp_order_decline(
		    oss->orders, oss->order, &gap, 1, now_read());
	}
	if (err != 0)
		complain("answering the offer", err);
}

/*
 * Drain the effects of the last event.  The offer is judged after the queue is
 * empty, since judging is the next event.
 */
static void
perform(struct oss *oss)
{
	cpnp_effect effect;
	cpnp_msg offer;
	bool has_offer;

	do {
		has_offer = false;
		while (cpnp_orders_next(oss->orders, &effect)) {
			switch (effect.type) {
			case CPNP_EFFECT_STORE:
				if (effect.u.store.from == effect.u.store.to)
					break;
				printf("%s -> %s, %s\n",
				    cpnp_state_name(effect.u.store.from),
				    cpnp_state_name(effect.u.store.to),
				    cpnp_event_name(effect.u.store.event));
				break;
			case CPNP_EFFECT_SEND:
				send_bytes(oss, effect.u.send.bytes);
				break;
			case CPNP_EFFECT_OFFER:
				has_offer = true;
				break;
			case CPNP_EFFECT_END:
				oss->done = true;
				oss->outcome = effect.u.end.state;
				oss->status = effect.u.end.status;
				break;
			case CPNP_EFFECT_DECIDE:
			case CPNP_EFFECT_SIGN:
			case CPNP_EFFECT_FORGET:
			case CPNP_EFFECT_ALARM:
			case CPNP_EFFECT_TIME:
			case CPNP_EFFECT_PAY:
				break;
			}
		}
		if (has_offer &&
		    cpnp_msg_decode(&offer,
			cpnp_order_doc(oss->order, CPNP_DOC_OFFER), NULL) == 0)
			judge(oss, &offer);
	} while (has_offer);
}

/* A datagram came: perhaps the demand to prove our address, else a message of
 * the order. */
static void
receive(struct oss *oss)
{
	uint8_t datagram[CPNP_MSG_MAX + 1];
	ssize_t n = recv(oss->fd, datagram, sizeof(datagram), 0);
	cpnp_input input = {0};
	cpnp_msg msg;
	cpnp_diag diag;
	int err;

	if (n < 0)
		return;
	err = cpnp_msg_decode(&msg, (cpnp_bytes){datagram, (size_t)n}, &diag);
	if (err != 0) {
		fprintf(stderr, "oss: datagram dropped: %s: %s\n", diag.where,
		    diag.why);
		return;
	}
	if (msg.method == CPNP_METHOD_FAIL &&
	    msg.status == CPNP_STATUS_AUTHENTICATION_REQUIRED &&
	    cpnp_msg_has(&msg, CPNP_ATTR_COOKIE) && oss->last_len > 0) {
		memcpy(oss->cookie, msg.cookie.ptr, msg.cookie.len);
		oss->cookie_len = msg.cookie.len;
		send_bytes(oss, (cpnp_bytes){oss->last, oss->last_len});
		return;
	}
	input.msg = &msg;
	input.identity = cpnp_bytes_str(oss->server_name);
	input.peer = SERVER_PEER;
	input.searched = true;
	err = cpnp_orders_recv(oss->orders, &input, now_read());
	if (err != 0)
		complain("message dropped", err);
	perform(oss);
}

/* The loop of the host program: one descriptor, one timeout. */
static void
loop(struct oss *oss)
{
	while (!oss->done) {
		struct pollfd pfd = {.fd = oss->fd, .events = POLLIN};
		cpnp_tstamp expiry = cpnp_orders_expiry(oss->orders);
		cpnp_now now = now_read();
		int timeout = -1;

		if (expiry != CPNP_NEVER) {
			uint64_t ms = expiry <= now.mono
			    ? 0
			    : (expiry - now.mono + 999999) / 1000000;
			timeout = ms > 60000 ? 60000 : (int)ms;
		}
		if (poll(&pfd, 1, timeout) > 0)
			receive(oss);
		while (cpnp_orders_expiry(oss->orders) <= now_read().mono) {
			int err = cpnp_orders_handle_expiry(
			    oss->orders, now_read());

			perform(oss);
			if (err != 0) {
				complain("timer", err);
				break;
			}
		}
	}
}

static int
dial(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *res, *ai;
	int fd = -1, err = getaddrinfo(host, port, &hints, &res);

	if (err != 0) {
		fprintf(stderr, "oss: %s: %s\n", host, gai_strerror(err));
		return -1;
	}
	for (ai = res; ai != NULL && fd < 0; ai = ai->ai_next) {
		fd = socket(ai->ai_family, SOCK_DGRAM, 0);
		if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(res);
	if (fd < 0)
		perror("oss: connect");
	return fd;
}

static cpnp_bytes
file_read(const char *path, uint8_t *store, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n = 0;

	if (f == NULL) {
		perror(path);
		return CPNP_BYTES_NONE;
	}
	n = fread(store, 1, size, f);
	fclose(f);
	return (cpnp_bytes){store, n};
}

/* The document in XML becomes the service description of the QUOTATION. */
static int
describe(struct oss *oss, const char *path, cpnp_buf *description)
{
	static uint8_t xml[1 << 20];
	cpnp_bytes file = file_read(path, xml, sizeof(xml));
	cpnp_diag diag;
	cpnp_cpd cpd;
	int err;

	if (file.len == 0)
		return CPNP_ERR_NOT_FOUND;
	err = cpnp_cpd_from_xml(&cpd, file, &oss->env.mem, &diag);
	if (err != 0) {
		fprintf(stderr, "oss: %s: %s: %s\n", path, diag.where,
		    diag.why);
		return err;
	}
	err = cpnp_cpd_encode(&cpd, description);
	cpnp_cpd_fini(&cpd);
	return err;
}

static int
order(struct oss *oss, const char *our_name, cpnp_bytes description)
{
	cpnp_negotiation_options options = {
	    .has_cost = true, .cost_empty = true};
	cpnp_quotation quotation = {
	    .edition = CPNP_EDITION_RFC8921,
	    .peer_identity = cpnp_bytes_str(oss->server_name),
	    .identity = cpnp_bytes_str(our_name),
	    .service_description = description,
	    .options = &options,
	};
	char id[32];
	int err;

	snprintf(id, sizeof(id), "OSS-%lld-%ld",
	    (long long)now_read().wall.sec, (long)getpid());
	quotation.customer_order_id = cpnp_bytes_str(id);
	err = cpnp_orders_create(
	    oss->orders, &quotation, &oss->order, now_read());
	perform(oss);
	if (err == 0) {
		err = cpnp_order_start(
		    oss->orders, oss->order, SERVER_PEER, now_read());
		perform(oss);
	}
	return err;
}

int
main(int argc, char **argv)
{
	static struct oss oss;
	cpnp_orders_config config;
	cpnp_buf description;
	int err;

	if (argc != 6) {
		fprintf(stderr,
		    "usage: oss HOST PORT OUR-NAME SERVER-NAME FILE.xml\n");
		return 2;
	}
	oss.env = (cpnp_env){.mem = {NULL, mem_alloc, mem_realloc, mem_free},
	    .random = env_random,
	    .sha256 = env_sha256};
	oss.server_name = argv[4];
	oss.fd = dial(argv[1], argv[2]);
	if (oss.fd < 0)
		return 1;
	cpnp_buf_init(&description, &oss.env.mem, CPNP_MSG_MAX);
	cpnp_orders_config_default(&config);
	err = describe(&oss, argv[5], &description);
	if (err == 0)
		err = cpnp_orders_new(&oss.orders, &config, &oss.env);
	if (err == 0)
		err = order(&oss, argv[3], cpnp_buf_bytes(&description));
	if (err == 0) {
		loop(&oss);
		if (oss.status != CPNP_STATUS_NONE)
			printf("refused: %s\n", cpnp_status_text(oss.status));
	} else {
		complain("ordering", err);
	}
	cpnp_buf_fini(&description);
	cpnp_orders_del(oss.orders);
	close(oss.fd);
	return err == 0 && oss.outcome == CPNP_STATE_COMPLETED ? 0 : 1;
}
