/*
 * Connections to servers: their addresses, the messages that wait for a
 * session, and the cookie of plain UDP.
 *
 * The store of a client holds messages one behind the other, each as two
 * bytes of length, one that says whether it was repeated with a cookie, and
 * the message.  With DTLS it holds what waits for the session; with UDP the
 * newest messages, so that those a server asks a cookie for can be repeated.
 * When it is full the older half goes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_HEADER 3

static size_t
entry_len(const uint8_t *entry)
{
	return (size_t)entry[0] << 8 | entry[1];
}

static cpnp_bytes
entry_message(const uint8_t *entry)
{
	return (cpnp_bytes){entry + ENTRY_HEADER, entry_len(entry)};
}

static uint8_t *
entry_next(const struct net_client *client, uint8_t *entry)
{
	entry += ENTRY_HEADER + entry_len(entry);
	return entry < client->store + client->store_len ? entry : NULL;
}

static uint8_t *
entry_first(const struct net_client *client)
{
	return client->store_len != 0 ? client->store : NULL;
}

static void
store_put(struct net_peer *peer, cpnp_bytes message)
{
	struct net_client *client = peer->client;
	size_t need = ENTRY_HEADER + message.len, cut = 0;
	uint8_t *entry = client->store + client->store_len;

	if (CPNP_NET_PENDING_MAX - client->store_len < need) {
		while (cut < CPNP_NET_PENDING_MAX / 2) {
			cut += ENTRY_HEADER + entry_len(client->store + cut);
			if (peer->transport == CPNP_TRANSPORT_DTLS)
				peer->net->count.drop_pending++;
		}
		client->store_len -= cut;
		memmove(client->store, client->store + cut, client->store_len);
		entry = client->store + client->store_len;
	}
	entry[0] = (uint8_t)(message.len >> 8);
	entry[1] = (uint8_t)message.len;
	entry[2] = 0;
	memcpy(entry + ENTRY_HEADER, message.ptr, message.len);
	client->store_len += need;
}

/* A retransmission while no session is up would go out twice. */
static bool
store_has(const struct net_client *client, cpnp_bytes message)
{
	uint8_t *entry;

	for (entry = entry_first(client); entry != NULL;
	    entry = entry_next(client, entry)) {
		if (cpnp_bytes_equal(entry_message(entry), message))
			return true;
	}
	return false;
}

/* --- making one --- */

static int
resolve(struct net_client *client, const char *address, uint16_t port,
    cpnp_diag *diag)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list, *ai;
	int err;

	err = getaddrinfo(client->host, NULL, &hints, &list);
	if (err != 0)
		return net_diag(diag, CPNP_ERR_CONFIG, address,
		    "the host does not resolve: %s", gai_strerror(err));
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		struct net_addr *addr = &client->addrs[client->addrs_n];

		if (client->addrs_n == NET_CLIENT_ADDRS_MAX ||
		    !net_addr_from_sockaddr(addr, ai->ai_addr) ||
		    (client->has_source && net_addr_is_v4(&client->source) !=
					       net_addr_is_v4(addr)))
			continue;
		addr->port = port;
		client->addrs_n++;
	}
	freeaddrinfo(list);
	if (client->addrs_n == 0)
		return net_diag(diag, CPNP_ERR_CONFIG, address,
		    "has no address of the family of the source");
	return 0;
}

static int
client_configure(struct net_client *client, const cpnp_net_target *target,
    cpnp_diag *diag)
{
	bool dtls = target->transport == CPNP_TRANSPORT_DTLS;
	const char *address = target->address != NULL ? target->address : "";
	const char *name;
	struct net_addr ip;
	uint16_t port;

	if (net_addr_split(address, client->host, sizeof(client->host), &port,
		dtls ? CPNP_PORT_DTLS : CPNP_PORT) != 0 ||
	    port == 0)
		return net_diag(diag, CPNP_ERR_CONFIG, address,
		    "not a server such as host, host:port or [v6]:port");
	if (target->source != NULL) {
		if (net_addr_parse(&client->source, target->source, 0) != 0)
			return net_diag(diag, CPNP_ERR_CONFIG, target->source,
			    "not a source such as 192.0.2.1 or [v6]:port");
		client->has_source = true;
	}
	name = target->name != NULL ? target->name : client->host;
	if (net_copy(client->name, sizeof(client->name), name) != 0 ||
	    (target->service != NULL &&
		net_copy(client->service, sizeof(client->service),
		    target->service) != 0))
		return net_diag(diag, CPNP_ERR_CONFIG, address,
		    "a name has at most 255 bytes");
	client->name_is_ip = net_addr_parse(&ip, client->name, 0) == 0;
	return resolve(client, address, port, diag);
}

/* A socket to the address whose turn it is. */
static int
client_open(struct net_peer *peer, cpnp_diag *diag)
{
	struct net_client *client = peer->client;
	struct net_socket *sock;
	int err;

	if (peer->sock != NULL) {
		net_socket_close(peer->sock);
		peer->sock->client = NULL;
		peer->sock = NULL;
	}
	err = net_socket_new(peer->net, &sock, peer->transport,
	    client->has_source ? &client->source : NULL,
	    &client->addrs[client->addr_i], diag);
	if (err != 0)
		return err;
	sock->client = peer;
	peer->sock = sock;
	net_key_set(&peer->node.key, sock, &sock->bound,
	    &client->addrs[client->addr_i]);
	return 0;
}

void
net_client_free(struct net_client *client)
{
	if (client == NULL)
		return;
	event_del(&client->retry);
	SSL_SESSION_free(client->resume);
	free(client->store);
	free(client);
}

static void on_retry(evutil_socket_t fd, short what, void *arg);

int
net_client_new(cpnp_net *net, const cpnp_net_target *target,
    struct net_peer **out, cpnp_diag *diag)
{
	struct net_peer *peer = net_peer_new(net, target->transport);
	struct net_client *client = calloc(1, sizeof(*client));
	size_t len = target->identity != NULL ? strlen(target->identity) : 0;
	int err = CPNP_ERR_NOMEM;

	if (client != NULL) {
		client->store = malloc(CPNP_NET_PENDING_MAX);
		event_assign(&client->retry, net->base, -1, 0, on_retry, peer);
	}
	if (peer == NULL || client == NULL || client->store == NULL) {
		net_diag(diag, err, "connection", "out of memory");
		goto fail;
	}
	client->unanswered = CPNP_NEVER;
	client->attempted = CPNP_NEVER;
	err = client_configure(client, target, diag);
	if (err != 0)
		goto fail;
	if (target->transport == CPNP_TRANSPORT_UDP) {
		if (len == 0 || len > CPNP_IDENTITY_MAX) {
			err = net_diag(diag, CPNP_ERR_CONFIG, target->address,
			    "plain UDP needs the server's identity, 1 to %d "
			    "bytes",
			    CPNP_IDENTITY_MAX);
			goto fail;
		}
		memcpy(peer->identity, target->identity, len);
		peer->identity_len = (uint8_t)len;
	}
	peer->client = client;
	net_peer_list(peer, &net->clients);
	do {
		err = client_open(peer, diag);
	} while (err != 0 && ++client->addr_i < client->addrs_n);
	if (err != 0) {
		net_peer_close(peer);
		return err;
	}
	*out = peer;
	return 0;
fail:
	net_client_free(client);
	if (peer != NULL)
		net_peer_close(peer);
	return err;
}

/* --- plain UDP --- */

/*
 * Send a message, with the cookie when there is one.  Until then a message
 * that the FAIL which brings it might be longer than is made longer, since the
 * server answers with no more than came: a CANCEL would wait for ever.
 */
static int
udp_send(struct net_peer *peer, cpnp_bytes message)
{
	static const uint8_t blank[NET_COOKIE_BLANK_LEN];
	struct net_client *client = peer->client;
	cpnp_bytes cookie = {client->cookie, client->cookie_len};
	cpnp_buf buf;
	int err;

	if (cookie.len == 0 && message.len < NET_FAIL_MAX)
		cookie = (cpnp_bytes){blank, sizeof(blank)};
	if (cookie.len == 0)
		return net_socket_send(peer->sock, &peer->node.key, message);
	cpnp_buf_init_fixed(&buf, peer->net->scratch, CPNP_DATAGRAM_MAX);
	err = cpnp_msg_set_cookie(message, cookie, &buf);
	if (err != 0)
		return CPNP_ERR_INVALID;
	return net_socket_send(
	    peer->sock, &peer->node.key, cpnp_buf_bytes(&buf));
}

/*
 * A FAIL 2 with a COOKIE for a message that we sent: take the cookie and
 * repeat the message.  The transaction id, which nobody off the path knows,
 * shows that the FAIL answers us.  A message is repeated once, so that no
 * server can make us send without end.
 */
static bool
udp_take_cookie(struct net_peer *peer, cpnp_bytes datagram)
{
	struct net_client *client = peer->client;
	bool ours = false;
	uint8_t *entry;
	cpnp_msg fail, sent;

	/* [version, 10, ...] and nothing else is looked at */
	if (datagram.len < 3 || datagram.ptr[0] != 0x83 ||
	    datagram.ptr[2] != CPNP_METHOD_FAIL ||
	    cpnp_msg_decode(&fail, datagram, NULL) != 0 ||
	    fail.status != CPNP_STATUS_AUTHENTICATION_REQUIRED ||
	    !cpnp_msg_has(&fail, CPNP_ATTR_COOKIE) ||
	    !cpnp_msg_has(&fail, CPNP_ATTR_TRANSACTION_ID))
		return false;
	for (entry = entry_first(client); entry != NULL;
	    entry = entry_next(client, entry)) {
		cpnp_bytes message = entry_message(entry);

		if (memmem(message.ptr, message.len, fail.transaction_id.ptr,
			fail.transaction_id.len) == NULL ||
		    cpnp_msg_decode(&sent, message, NULL) != 0 ||
		    !cpnp_bytes_equal(
			sent.transaction_id, fail.transaction_id))
			continue;
		if (!ours) {
			ours = true;
			client->cookie_len = fail.cookie.len;
			memcpy(client->cookie, fail.cookie.ptr,
			    fail.cookie.len);
			peer->net->count.udp_cookie_taken++;
		}
		if (entry[2] == 0) {
			entry[2] = 1;
			udp_send(peer, message);
		}
	}
	if (!ours)
		peer->net->count.udp_cookie_stray++;
	return true;
}

/* --- both --- */

void
net_client_heard(struct net_peer *peer)
{
	peer->client->unanswered = CPNP_NEVER;
}

void
net_client_recv(struct net_peer *peer, cpnp_bytes datagram, cpnp_now now)
{
	if (peer->transport == CPNP_TRANSPORT_UDP) {
		net_client_heard(peer);
		if (!udp_take_cookie(peer, datagram))
			net_deliver(peer, datagram, now);
	} else if (peer->session != NULL) {
		net_session_recv(peer->session, datagram, now);
	} else {
		peer->net->count.dtls_no_session++;
	}
}

/* The next address, which may be the same one.  The socket is a new one, so
 * that nothing of the old path is taken for the new. */
static int
client_turn(struct net_peer *peer)
{
	struct net_client *client = peer->client;
	size_t tries;
	int err = 0;

	for (tries = 0; tries < client->addrs_n; tries++) {
		client->addr_i = (client->addr_i + 1) % client->addrs_n;
		err = client_open(peer, NULL);
		if (err == 0)
			return 0;
	}
	return err;
}

static bool
client_is_silent(const struct net_peer *peer, cpnp_tstamp now)
{
	cpnp_tstamp since = peer->client->unanswered;

	return since != CPNP_NEVER && now > since &&
	       now - since >= peer->net->limits.silence_ns_max;
}

static int
client_attempt(struct net_peer *peer, cpnp_now now)
{
	struct net_client *client = peer->client;

	client->unanswered = CPNP_NEVER;
	client->attempted = now.mono;
	if (peer->sock == NULL && client_turn(peer) != 0)
		return CPNP_ERR_UNAVAILABLE;
	return net_session_connect(peer, now);
}

/* A message came too soon after a handshake that failed. */
static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct net_peer *peer = arg;
	cpnp_net *net = peer->net;

	(void)fd;
	(void)what;
	net_enter(net);
	if (peer->session == NULL && peer->client->store_len != 0) {
		peer->client->failures = 0;
		client_attempt(peer, net_now(net));
	}
	cpnp_net_flush(net);
	net_leave(net);
}

int
net_client_reconnect(struct net_peer *peer, cpnp_now now)
{
	if (peer->transport == CPNP_TRANSPORT_UDP) {
		peer->client->unanswered = CPNP_NEVER;
		peer->client->cookie_len = 0;
		return client_turn(peer) == 0 ? 0 : CPNP_ERR_UNAVAILABLE;
	}
	if (peer->session != NULL)
		net_session_close(peer->session);
	return client_attempt(peer, now);
}

static int
client_send_udp(struct net_peer *peer, cpnp_bytes message, cpnp_now now)
{
	struct net_client *client = peer->client;

	if (peer->sock == NULL ||
	    (client->addrs_n > 1 && client_is_silent(peer, now.mono))) {
		int err = net_client_reconnect(peer, now);

		if (err != 0)
			return err;
	}
	store_put(peer, message);
	if (client->unanswered == CPNP_NEVER)
		client->unanswered = now.mono;
	return udp_send(peer, message);
}

int
net_client_send(struct net_peer *peer, cpnp_bytes message, cpnp_now now)
{
	struct net_client *client = peer->client;
	struct net_session *session = peer->session;

	if (peer->transport == CPNP_TRANSPORT_UDP)
		return client_send_udp(peer, message, now);
	if (session != NULL && !session->handshaking) {
		if (!client_is_silent(peer, now.mono)) {
			if (client->unanswered == CPNP_NEVER)
				client->unanswered = now.mono;
			return net_session_send(session, message, now);
		}
		net_session_close(session);
		session = NULL;
	}
	if (!store_has(client, message))
		store_put(peer, message);
	if (session != NULL)
		return 0;
	if (client->attempted != CPNP_NEVER &&
	    now.mono - client->attempted < NET_RETRY_NS) {
		net_event_arm(&client->retry,
		    client->attempted + NET_RETRY_NS - now.mono);
		return 0;
	}
	client->failures = 0;
	return client_attempt(peer, now);
}

void
net_client_up(struct net_peer *peer, cpnp_now now)
{
	struct net_client *client = peer->client;
	size_t at = 0, end = client->store_len;

	client->failures = 0;
	client->attempted = CPNP_NEVER;
	/* a send that fails closes the session, and keeps the rest */
	while (at < end && peer->session != NULL) {
		cpnp_bytes message = entry_message(client->store + at);

		if (client->unanswered == CPNP_NEVER)
			client->unanswered = now.mono;
		if (net_session_send(peer->session, message, now) != 0)
			break;
		at += ENTRY_HEADER + message.len;
	}
	client->store_len -= at;
	memmove(client->store, client->store + at, client->store_len);
}

void
net_client_failed(struct net_peer *peer, const cpnp_diag *diag, cpnp_now now)
{
	struct net_client *client = peer->client;
	bool resumed = client->resume != NULL;

	/* what the server may have refused is the old session */
	SSL_SESSION_free(client->resume);
	client->resume = NULL;
	if (!resumed) {
		client->failures++;
		if (client_turn(peer) != 0)
			client->failures = client->addrs_n;
	}
	if (client->store_len != 0 &&
	    (resumed || client->failures < client->addrs_n) &&
	    client_attempt(peer, now) == 0)
		return;
	net_tell(peer->net, peer->id, CPNP_NET_FAILED, diag, now);
}

void
net_client_refused(struct net_peer *peer, cpnp_now now)
{
	struct net_session *session = peer->session;
	char where[NET_ADDR_TEXT];
	cpnp_diag diag;

	/* ICMP is not authenticated: it ends no session that stands */
	if (peer->transport == CPNP_TRANSPORT_DTLS &&
	    (session == NULL || !session->handshaking))
		return;
	net_addr_format(&peer->client->addrs[peer->client->addr_i], where);
	net_diag(&diag, CPNP_ERR_UNAVAILABLE, where,
	    "nothing listens there (connection refused)");
	if (session != NULL) {
		net_session_close(session);
		net_client_failed(peer, &diag, now);
	} else {
		net_tell(peer->net, peer->id, CPNP_NET_FAILED, &diag, now);
	}
}
