/*
 * Parties on loopback: one event loop, any number of cpnp_net objects that
 * write down what they are told, and bare sockets that play strangers.
 *
 * Nothing sleeps: a test waits for a condition, with a deadline of seconds,
 * and to see that nothing comes of a datagram, for it to have been received.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include "unit.h"

#include "net/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

struct party {
	cpnp_net *net;
	int64_t clock_skew; /* added to both clocks, in seconds */
	size_t messages;
	size_t batches;
	size_t events[4]; /* by cpnp_net_event */
	cpnp_peer peer;   /* of the last message */
	cpnp_peer down;   /* of the last session that ended */
	char identity[CPNP_IDENTITY_MAX + 1];
	uint8_t last[CPNP_DATAGRAM_MAX];
	size_t last_len;
	cpnp_diag diag; /* of the last DOWN or FAILED */
	bool echo;      /* send every message back */
};

static struct event_base *base;

static inline void
on_message(void *user, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now)
{
	struct party *party = user;

	party->messages++;
	party->peer = peer;
	memcpy(party->identity, identity.ptr, identity.len);
	party->identity[identity.len] = '\0';
	memcpy(party->last, datagram.ptr, datagram.len);
	party->last_len = datagram.len;
	if (party->echo)
		cpnp_net_send(party->net, peer, datagram, now);
}

static inline void
on_batch_end(void *user, cpnp_now now)
{
	struct party *party = user;

	(void)now;
	party->batches++;
}

static inline void
on_event(void *user, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now)
{
	struct party *party = user;

	(void)now;
	party->events[event]++;
	if (event == CPNP_NET_DOWN)
		party->down = peer;
	if (event != CPNP_NET_UP)
		party->diag = *diag;
}

static inline cpnp_now
skewed_clock(void *user)
{
	const struct party *party = user;
	cpnp_now now = cpnp_now_read();

	now.mono += CPNP_SECONDS(party->clock_skew);
	now.wall.sec += party->clock_skew;
	return now;
}

static inline cpnp_net_counters
count(const struct party *party)
{
	cpnp_net_counters counters;

	cpnp_net_get_counters(party->net, &counters);
	return counters;
}

static inline struct party *
party_new(const cpnp_net_limits *limits)
{
	struct party *party = calloc(1, sizeof(*party));
	cpnp_net_config config = {
	    .callbacks = {party, on_message, on_batch_end, on_event},
	    .clock = skewed_clock,
	};

	ck_assert_ptr_nonnull(party);
	if (base == NULL)
		base = event_base_new();
	if (limits != NULL)
		config.limits = *limits;
	ck_assert_int_eq(cpnp_net_new(&party->net, base, &config), 0);
	return party;
}

static inline void
party_del(struct party *party)
{
	cpnp_net_del(party->net);
	free(party);
}

static inline void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* One turn of the loop, which does not block for more than a millisecond. */
static inline void
turn(void)
{
	struct timeval tv = {0, 1000};

	event_base_once(base, -1, EV_TIMEOUT, on_tick, NULL, &tv);
	event_base_loop(base, EVLOOP_ONCE);
}

#define WAIT(condition)                                                        \
	do {                                                                   \
		cpnp_tstamp until_ =                                           \
		    cpnp_now_read().mono + CPNP_SECONDS(10);                   \
		while (!(condition)) {                                         \
			ck_assert_msg(cpnp_now_read().mono < until_,           \
			    "never came true: %s", #condition);                \
			turn();                                                \
		}                                                              \
	} while (0)

static inline void
party_listen(
    struct party *party, cpnp_transport transport, const char *address)
{
	cpnp_diag diag;

	ck_assert_msg(
	    cpnp_net_listen(party->net, transport, address, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
}

/* "ip:port" of the party's first listener, seen at ip. */
static inline const char *
party_address(const struct party *party, const char *ip)
{
	static char text[4][64];
	static unsigned turn_i;
	char *out = text[turn_i++ % 4];

	snprintf(out, 64, strchr(ip, ':') != NULL ? "[%s]:%u" : "%s:%u", ip,
	    cpnp_net_listen_port(party->net, 0));
	return out;
}

static inline cpnp_peer
party_connect(struct party *party, const cpnp_net_target *target)
{
	cpnp_peer peer = CPNP_PEER_NONE;
	cpnp_diag diag;

	ck_assert_msg(cpnp_net_connect(party->net, target, &peer, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	return peer;
}

static inline int
party_send(struct party *party, cpnp_peer peer, cpnp_bytes datagram)
{
	return cpnp_net_send(
	    party->net, peer, datagram, skewed_clock(party));
}

/* A QUOTATION of a service of a private type with a body of body_len bytes. */
static inline cpnp_bytes
quotation(cpnp_edition edition, uint8_t id, size_t body_len)
{
	static uint8_t store[8][CPNP_DATAGRAM_MAX];
	static unsigned turn_i;
	static uint8_t service[CPNP_DATAGRAM_MAX];
	uint8_t transaction[16];
	cpnp_buf body, buf;
	cpnp_msg msg = {.edition = edition, .method = CPNP_METHOD_QUOTATION};
	cpnp_diag diag;

	memset(transaction, id, sizeof(transaction));
	cpnp_buf_init_fixed(&body, service, sizeof(service));
	cpnp_cbor_put_array(&body, 2);
	cpnp_cbor_put_uint(&body, 65536);
	cpnp_cbor_put_bytes(&body, (cpnp_bytes){store[0], body_len});
	msg.present = CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
		      CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
		      CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	if (edition == CPNP_EDITION_RFC8921)
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	msg.sequence_number = 4711;
	msg.transaction_id = (cpnp_bytes){transaction, sizeof(transaction)};
	msg.customer_order_id = CPNP_BYTES_LIT("order-1");
	msg.service_description = cpnp_buf_bytes(&body);
	cpnp_buf_init_fixed(&buf, store[1 + turn_i % 7], CPNP_DATAGRAM_MAX);
	turn_i++;
	ck_assert_msg(cpnp_msg_encode(&msg, &buf, &diag) == 0, "%s: %s",
	    diag.where, diag.why);
	return cpnp_buf_bytes(&buf);
}

/* --- bare sockets --- */

static inline int
bare_socket(const char *ip)
{
	struct sockaddr_storage name;
	struct net_addr addr;
	socklen_t len;
	int fd;

	ck_assert_int_eq(net_addr_parse(&addr, ip, 0), 0);
	len = net_addr_to_sockaddr(&addr, &name);
	fd = socket(name.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, len), 0);
	return fd;
}

static inline void
bare_send(int fd, const char *to, cpnp_bytes datagram)
{
	struct sockaddr_storage name;
	struct net_addr addr;
	socklen_t len;

	ck_assert_int_eq(net_addr_parse(&addr, to, 0), 0);
	len = net_addr_to_sockaddr(&addr, &name);
	ck_assert_int_eq(sendto(fd, datagram.ptr, datagram.len, 0,
			     (struct sockaddr *)&name, len),
	    datagram.len);
}

/* What has come, or nothing; from gets the sender's address. */
static inline size_t
bare_recv(int fd, uint8_t *out, size_t size, char from[NET_ADDR_TEXT])
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct net_addr addr;
	ssize_t got;

	got = recvfrom(fd, out, size, 0, (struct sockaddr *)&name, &len);
	if (got < 0) {
		ck_assert(errno == EAGAIN || errno == ECONNREFUSED);
		return 0;
	}
	if (from != NULL) {
		net_addr_from_sockaddr(&addr, (struct sockaddr *)&name);
		net_addr_format(&addr, from);
	}
	return (size_t)got;
}

#endif
