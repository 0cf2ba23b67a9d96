/*
 * The object, its peers and the public functions.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
net_diag(cpnp_diag *diag, int err, const char *where, const char *why, ...)
{
	va_list ap;

	if (diag == NULL)
		return err;
	diag->err = err;
	diag->offset = 0;
	if (where != NULL)
		snprintf(diag->where, sizeof(diag->where), "%s", where);
	va_start(ap, why);
	vsnprintf(diag->why, sizeof(diag->why), why, ap);
	va_end(ap);
	return err;
}

int
net_copy(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		return CPNP_ERR_INVALID;
	memcpy(out, text, len + 1);
	return 0;
}

cpnp_now
net_now(const cpnp_net *net)
{
	return net->clock != NULL ? net->clock(net->cb.user) : cpnp_now_read();
}

void
net_event_arm(struct event *event, cpnp_tstamp delay)
{
	struct timeval tv = {
	    .tv_sec = (time_t)(delay / CPNP_SECONDS(1)),
	    /* rounded up, so that the time has come when the timer fires */
	    .tv_usec = (suseconds_t)(delay % CPNP_SECONDS(1) / 1000),
	};

	tv.tv_usec++;
	if (tv.tv_usec >= 1000000) {
		tv.tv_sec++;
		tv.tv_usec -= 1000000;
	}
	event_add(event, &tv);
}

void
net_enter(cpnp_net *net)
{
	net->depth++;
}

void
net_leave(cpnp_net *net)
{
	struct net_session *session;
	struct net_socket *sock;
	struct net_peer *peer;

	if (net->depth > 1) {
		net->depth--;
		return;
	}
	if (!net_batch_is_empty(net))
		event_active(&net->flush, EV_TIMEOUT, 0);
	while ((session = LIST_FIRST(&net->dead_sessions)) != NULL) {
		LIST_REMOVE(session, entry);
		net_session_free(session);
	}
	while ((peer = TAILQ_FIRST(&net->dead_peers)) != NULL) {
		TAILQ_REMOVE(&net->dead_peers, peer, lru);
		net_client_free(peer->client);
		free(peer);
	}
	while ((sock = LIST_FIRST(&net->dead_sockets)) != NULL) {
		LIST_REMOVE(sock, entry);
		free(sock);
	}
	net->depth--;
}

/* --- peers --- */

/* A place among the numbers; its index + 1, or 0 without memory. */
static uint32_t
slot_take(cpnp_net *net)
{
	uint32_t index = net->slots_free;

	if (index == 0) {
		uint32_t n = net->slots_n != 0 ? 2 * net->slots_n : 64, i;
		struct net_slot *slots =
		    realloc(net->slots, n * sizeof(*slots));

		if (slots == NULL)
			return 0;
		for (i = net->slots_n; i < n; i++)
			slots[i] = (struct net_slot){NULL, 0, i + 2};
		slots[n - 1].next_free = 0;
		index = net->slots_n + 1;
		net->slots = slots;
		net->slots_n = n;
	}
	net->slots_free = net->slots[index - 1].next_free;
	return index;
}

struct net_peer *
net_peer_new(cpnp_net *net, cpnp_transport transport)
{
	struct net_peer *peer = calloc(1, sizeof(*peer));
	uint32_t index = peer != NULL ? slot_take(net) : 0;

	if (index == 0) {
		free(peer);
		return NULL;
	}
	net->slots[index - 1].peer = peer;
	peer->net = net;
	peer->transport = transport;
	peer->id = (uint64_t)net->slots[index - 1].generation << 32 | index;
	return peer;
}

struct net_peer *
net_peer_get(const cpnp_net *net, cpnp_peer id)
{
	uint32_t index = (uint32_t)id;

	if (index == 0 || index > net->slots_n ||
	    net->slots[index - 1].generation != (uint32_t)(id >> 32))
		return NULL;
	return net->slots[index - 1].peer;
}

void
net_peer_list(struct net_peer *peer, struct net_peers *list)
{
	TAILQ_INSERT_TAIL(list, peer, lru);
	peer->list = list;
	if (list == &peer->net->udp)
		peer->net->count.addresses++;
	else if (list == &peer->net->dtls)
		peer->net->dtls_n++;
}

void
net_peer_close(struct net_peer *peer)
{
	cpnp_net *net = peer->net;
	uint32_t index = (uint32_t)peer->id;

	if (peer->dead)
		return;
	peer->dead = true;
	if (peer->session != NULL)
		net_session_close(peer->session);
	if (peer->list == &net->udp || peer->list == &net->dtls)
		net_table_remove(&net->peers, &peer->node);
	if (peer->list == &net->udp)
		net->count.addresses--;
	else if (peer->list == &net->dtls)
		net->dtls_n--;
	if (peer->list != NULL)
		TAILQ_REMOVE(peer->list, peer, lru);
	if (peer->client != NULL)
		event_del(&peer->client->retry);
	if (peer->client != NULL && peer->sock != NULL)
		net_socket_close(peer->sock);
	net->slots[index - 1].peer = NULL;
	net->slots[index - 1].generation++;
	net->slots[index - 1].next_free = net->slots_free;
	net->slots_free = index;
	TAILQ_INSERT_TAIL(&net->dead_peers, peer, lru);
}

void
net_peer_touch(struct net_peer *peer, cpnp_tstamp now)
{
	peer->used = now;
	TAILQ_REMOVE(peer->list, peer, lru);
	TAILQ_INSERT_TAIL(peer->list, peer, lru);
}

void
net_deliver(struct net_peer *peer, cpnp_bytes datagram, cpnp_now now)
{
	cpnp_net *net = peer->net;
	cpnp_bytes identity = {
	    (const uint8_t *)peer->identity, peer->identity_len};

	net->count.delivered++;
	net->cb.message(net->cb.user, peer->id, identity, datagram, now);
}

void
net_tell(cpnp_net *net, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now)
{
	static const cpnp_diag none;

	if (net->cb.event != NULL)
		net->cb.event(net->cb.user, peer, event,
		    diag != NULL ? diag : &none, now);
}

/* --- what is idle --- */

static cpnp_tstamp
idle_until(const cpnp_net *net, const struct net_peers *list)
{
	const struct net_peer *peer = TAILQ_FIRST(list);

	return peer != NULL ? peer->used + net->limits.idle_ns_max
			    : CPNP_NEVER;
}

void
net_idle_arm(cpnp_net *net, cpnp_tstamp now)
{
	cpnp_tstamp udp = idle_until(net, &net->udp);
	cpnp_tstamp dtls = idle_until(net, &net->dtls);
	cpnp_tstamp until = udp < dtls ? udp : dtls;

	/* nothing becomes idle sooner than what the timer runs for */
	if (until == CPNP_NEVER || event_pending(&net->idle, EV_TIMEOUT, NULL))
		return;
	net_event_arm(&net->idle, until > now ? until - now : 0);
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	cpnp_net *net = arg;
	cpnp_now now = net_now(net);
	char path[CPNP_NET_ADDRESS_MAX];
	cpnp_diag diag;

	(void)fd;
	(void)what;
	net_enter(net);
	while (idle_until(net, &net->udp) <= now.mono)
		net_peer_close(TAILQ_FIRST(&net->udp));
	while (idle_until(net, &net->dtls) <= now.mono) {
		struct net_peer *peer = TAILQ_FIRST(&net->dtls);

		net_path_format(peer->sock, &peer->node.key, path);
		net_diag(&diag, CPNP_ERR_UNAVAILABLE, path,
		    "closed after a long silence");
		net->count.dtls_idle++;
		net_peer_close(peer);
		net_tell(net, peer->id, CPNP_NET_DOWN, &diag, now);
	}
	net_idle_arm(net, now.mono);
	cpnp_net_flush(net);
	net_leave(net);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	cpnp_net_flush(arg);
}

/* --- the object --- */

static void
limits_default(cpnp_net_limits *limits)
{
#define DEFAULT(field, value)                                                  \
	if (limits->field == 0)                                                \
	limits->field = (value)
	DEFAULT(sessions_max, 16384);
	DEFAULT(handshakes_max, 1024);
	DEFAULT(resumable_max, 32768);
	DEFAULT(addresses_max, 65536);
	DEFAULT(handshake_ns_max, CPNP_SECONDS(10));
	DEFAULT(idle_ns_max, CPNP_SECONDS(600));
	DEFAULT(resumable_ns_max, CPNP_SECONDS(86400));
	DEFAULT(silence_ns_max, CPNP_SECONDS(5));
	DEFAULT(fails_burst, 20);
	DEFAULT(fails_per_second, 10);
	DEFAULT(fails_all.per_second, 1000);
	DEFAULT(fails_all.burst, 2000);
	DEFAULT(handshake.per_second, 200);
	DEFAULT(handshake.burst, 2000);
	DEFAULT(prefix_len_v4, 32);
	DEFAULT(prefix_len_v6, 56);
	DEFAULT(mtu, 1280);
#undef DEFAULT
}

static int
net_init(cpnp_net *net)
{
	int err;

	if ((err = net_cookie_init(&net->jar, net->env, net_now(net).mono)) !=
		0 ||
	    (err = net_table_init(&net->peers, net->env)) != 0 ||
	    (err = net_table_init(&net->handshakes, net->env)) != 0 ||
	    (err = net_buckets_init(&net->buckets, net->env)) != 0 ||
	    (err = net_resume_new(net)) != 0 || (err = net_batch_new(net)) != 0)
		return err;
	net->plain = malloc(CPNP_DATAGRAM_MAX);
	net->scratch = malloc(CPNP_DATAGRAM_MAX);
	net->bio = net_bio_method();
	net->bio_addr = BIO_ADDR_new();
	if (net->plain == NULL || net->scratch == NULL || net->bio == NULL ||
	    net->bio_addr == NULL)
		return CPNP_ERR_NOMEM;
	return 0;
}

static bool
limits_are_valid(const cpnp_net_limits *limits)
{
	return (limits->mtu == 0 || limits->mtu >= 576) &&
	    limits->prefix_len_v4 <= 32 && limits->prefix_len_v6 <= 128;
}

int
cpnp_net_set_limits(cpnp_net *net, const cpnp_net_limits *limits)
{
	if (!limits_are_valid(limits))
		return CPNP_ERR_INVALID;
	net->limits = *limits;
	limits_default(&net->limits);
	net_idle_arm(net, net_now(net).mono);
	return 0;
}

int
cpnp_net_new(
    cpnp_net **out, struct event_base *base, const cpnp_net_config *config)
{
	cpnp_net *net;
	int err;

	if (config->callbacks.message == NULL ||
	    !limits_are_valid(&config->limits))
		return CPNP_ERR_INVALID;
	net = calloc(1, sizeof(*net));
	if (net == NULL)
		return CPNP_ERR_NOMEM;
	net->base = base;
	net->key_log = -1;
	net->cb = config->callbacks;
	net->limits = config->limits;
	limits_default(&net->limits);
	net->env = config->env != NULL ? config->env : cpnp_env_openssl();
	net->clock = config->clock;
	TAILQ_INIT(&net->udp);
	TAILQ_INIT(&net->dtls);
	TAILQ_INIT(&net->clients);
	TAILQ_INIT(&net->dead_peers);
	event_assign(&net->flush, base, -1, 0, on_flush, net);
	event_assign(&net->idle, base, -1, 0, on_idle, net);
	err = net_init(net);
	if (err != 0) {
		cpnp_net_del(net);
		return err;
	}
	*out = net;
	return 0;
}

static void
close_all(struct net_peers *list)
{
	while (!TAILQ_EMPTY(list))
		net_peer_close(TAILQ_FIRST(list));
}

void
cpnp_net_del(cpnp_net *net)
{
	struct net_session *session;
	struct net_socket *sock;

	if (net == NULL)
		return;
	net_enter(net);
	close_all(&net->clients);
	close_all(&net->dtls);
	close_all(&net->udp);
	while ((session = LIST_FIRST(&net->sessions)) != NULL)
		net_session_close(session);
	while ((sock = LIST_FIRST(&net->sockets)) != NULL)
		net_socket_close(sock);
	if (net->batch != NULL)
		net_leave(net);
	net_resume_del(net);
	net_tls_fini(&net->tls[CPNP_NET_SERVER]);
	net_tls_fini(&net->tls[CPNP_NET_CLIENT]);
	net_keylog_close(net);
	event_del(&net->flush);
	event_del(&net->idle);
	net_batch_del(net);
	net_table_fini(&net->peers);
	net_table_fini(&net->handshakes);
	net_buckets_fini(&net->buckets);
	BIO_ADDR_free(net->bio_addr);
	BIO_meth_free(net->bio);
	OPENSSL_cleanse(&net->jar, sizeof(net->jar));
	free(net->listeners);
	free(net->sources);
	free(net->slots);
	free(net->plain);
	free(net->scratch);
	free(net);
}

int
cpnp_net_reload_tls(cpnp_net *net, cpnp_net_side side,
    const cpnp_net_tls *tls, cpnp_diag *diag)
{
	return net_tls_load(net, side, tls, diag);
}

cpnp_bytes
cpnp_net_identity(const cpnp_net *net, cpnp_net_side side)
{
	return (cpnp_bytes){(const uint8_t *)net->tls[side].identity,
	    net->tls[side].identity_len};
}

int
cpnp_net_listen(cpnp_net *net, cpnp_transport transport, const char *address,
    cpnp_diag *diag)
{
	bool dtls = transport == CPNP_TRANSPORT_DTLS;
	struct net_socket *sock, **listeners;
	struct net_addr local;
	int err;

	if (net_addr_parse(&local, address,
		dtls ? CPNP_PORT_DTLS : CPNP_PORT) != 0)
		return net_diag(diag, CPNP_ERR_CONFIG, address,
		    "not an address such as 192.0.2.1:49921 or [::]:49921");
	if (dtls && net->tls[CPNP_NET_SERVER].ctx == NULL)
		return net_diag(diag, CPNP_ERR_CONFIG, address,
		    "DTLS needs a certificate, its key and a CA");
	if (!dtls && net->sources_n == 0)
		return net_diag(diag, CPNP_ERR_CONFIG, address,
		    "plain UDP needs an access list of its sources");
	if (net->listeners_n >= UINT16_MAX)
		return net_diag(
		    diag, CPNP_ERR_FULL, address, "too many listeners");
	listeners = realloc(
	    net->listeners, (net->listeners_n + 1) * sizeof(*listeners));
	if (listeners == NULL)
		return net_diag(diag, CPNP_ERR_NOMEM, address, "out of memory");
	net->listeners = listeners;
	err = net_socket_new(net, &sock, transport, &local, NULL, diag);
	if (err != 0)
		return err;
	sock->number = (uint16_t)net->listeners_n;
	net->listeners[net->listeners_n++] = sock;
	return 0;
}

uint16_t
cpnp_net_listen_port(const cpnp_net *net, size_t n)
{
	return n < net->listeners_n ? net->listeners[n]->bound.port : 0;
}

int
cpnp_net_connect(cpnp_net *net, const cpnp_net_target *target,
    cpnp_peer *out, cpnp_diag *diag)
{
	struct net_peer *peer = NULL;
	int err;

	if (target->transport == CPNP_TRANSPORT_DTLS &&
	    net->tls[CPNP_NET_CLIENT].ctx == NULL)
		return net_diag(diag, CPNP_ERR_CONFIG, target->address,
		    "DTLS needs a certificate, its key and a CA");
	net_enter(net);
	err = net_client_new(net, target, &peer, diag);
	if (err == 0)
		*out = peer->id;
	net_leave(net);
	return err;
}

int
cpnp_net_disconnect(cpnp_net *net, cpnp_peer id)
{
	struct net_peer *peer = net_peer_get(net, id);

	if (peer == NULL)
		return CPNP_ERR_NOT_FOUND;
	net_enter(net);
	net_peer_close(peer);
	net_leave(net);
	return 0;
}

int
cpnp_net_reconnect(cpnp_net *net, cpnp_peer id, cpnp_now now)
{
	struct net_peer *peer = net_peer_get(net, id);
	int err;

	if (peer == NULL || peer->client == NULL)
		return CPNP_ERR_NOT_FOUND;
	net_enter(net);
	err = net_client_reconnect(peer, now);
	net_leave(net);
	return err;
}

int
cpnp_net_send(
    cpnp_net *net, cpnp_peer id, cpnp_bytes datagram, cpnp_now now)
{
	struct net_peer *peer = net_peer_get(net, id);
	int err;

	if (peer == NULL)
		return CPNP_ERR_NOT_FOUND;
	if (datagram.len == 0 || datagram.len > CPNP_DATAGRAM_MAX)
		return CPNP_ERR_INVALID;
	net_enter(net);
	if (peer->client != NULL)
		err = net_client_send(peer, datagram, now);
	else if (peer->session != NULL)
		err = net_session_send(peer->session, datagram, now);
	else
		err = net_socket_send(peer->sock, &peer->node.key, datagram);
	net_leave(net);
	return err;
}

size_t
cpnp_net_datagram_max(const cpnp_net *net, cpnp_peer id)
{
	const struct net_peer *peer = net_peer_get(net, id);
	size_t max = net->limits.mtu - NET_IP_UDP;

	if (peer == NULL)
		return 0;
	if (peer->transport == CPNP_TRANSPORT_DTLS)
		max -= NET_RECORD_EXTRA;
	return max < CPNP_DATAGRAM_MAX ? max : CPNP_DATAGRAM_MAX;
}

unsigned
net_bucket_len(const cpnp_net *net, const uint8_t ip[16], unsigned bits)
{
	struct net_addr addr = {0};

	memcpy(addr.ip, ip, sizeof(addr.ip));
	if (net_addr_is_v4(&addr))
		return 96 + (bits != 0 ? bits : net->limits.prefix_len_v4);
	return bits != 0 ? bits : net->limits.prefix_len_v6;
}

bool
cpnp_net_may_fail(cpnp_net *net, cpnp_peer id, cpnp_now now)
{
	const struct net_peer *peer = net_peer_get(net, id);
	const cpnp_rate rate = {
	    net->limits.fails_per_second, net->limits.fails_burst};
	const uint8_t *ip;

	if (peer == NULL)
		return false;
	ip = peer->node.key.remote;
	if (!net_buckets_take(&net->buckets, NET_BUCKET_FAIL, ip,
		peer->bucket_len != 0 ? peer->bucket_len
				      : net_bucket_len(net, ip, 0),
		&rate, now.mono)) {
		net->count.fails_limited++;
		return false;
	}
	if (!cpnp_rate_take(
		&net->limits.fails_all, &net->fails_until, now.mono)) {
		net->count.fails_all_limited++;
		return false;
	}
	return true;
}

/* --- addresses of peers --- */

void
net_path_format(const struct net_socket *sock, const struct net_key *key,
    char text[CPNP_NET_ADDRESS_MAX])
{
	struct net_addr remote = {.scope = key->scope, .port = key->port};
	struct net_addr local = sock->bound;
	char from[NET_ADDR_TEXT], to[NET_ADDR_TEXT];

	memcpy(remote.ip, key->remote, sizeof(remote.ip));
	memcpy(local.ip, key->local, sizeof(local.ip));
	net_addr_format(&remote, to);
	net_addr_format(&local, from);
	snprintf(text, CPNP_NET_ADDRESS_MAX, "%s:%s@%s",
	    sock->transport == CPNP_TRANSPORT_DTLS ? "dtls" : "udp", to, from);
}

int
cpnp_net_peer_address(
    const cpnp_net *net, cpnp_peer id, char text[CPNP_NET_ADDRESS_MAX])
{
	const struct net_peer *peer = net_peer_get(net, id);

	if (peer == NULL || peer->sock == NULL)
		return CPNP_ERR_NOT_FOUND;
	net_path_format(peer->sock, &peer->node.key, text);
	return 0;
}

/* The listener that answered at local, by address or as a wildcard. */
static struct net_socket *
listener_find(const cpnp_net *net, cpnp_transport transport,
    const struct net_addr *local)
{
	size_t i;

	for (i = 0; i < net->listeners_n; i++) {
		struct net_socket *sock = net->listeners[i];

		if (sock->transport == transport &&
		    sock->bound.port == local->port &&
		    net_addr_is_v4(&sock->bound) == net_addr_is_v4(local) &&
		    (sock->wildcard || memcmp(sock->bound.ip, local->ip,
					   sizeof(local->ip)) == 0))
			return sock;
	}
	return NULL;
}

static int
path_parse(const cpnp_net *net, const char *text, struct net_socket **sock,
    struct net_key *key)
{
	struct net_addr remote, local;
	cpnp_transport transport;
	char ends[CPNP_NET_ADDRESS_MAX], *at;

	if (strncmp(text, "udp:", 4) == 0)
		transport = CPNP_TRANSPORT_UDP;
	else if (strncmp(text, "dtls:", 5) == 0)
		transport = CPNP_TRANSPORT_DTLS;
	else
		return CPNP_ERR_INVALID;
	if (net_copy(ends, sizeof(ends), strchr(text, ':') + 1) != 0)
		return CPNP_ERR_INVALID;
	at = strchr(ends, '@');
	if (at == NULL)
		return CPNP_ERR_INVALID;
	*at = '\0';
	if (net_addr_parse(&remote, ends, 0) != 0 || remote.port == 0 ||
	    net_addr_parse(&local, at + 1, 0) != 0)
		return CPNP_ERR_INVALID;
	*sock = listener_find(net, transport, &local);
	if (*sock == NULL || net_addr_is_v4(&remote) != net_addr_is_v4(&local))
		return CPNP_ERR_NOT_FOUND;
	net_key_set(key, *sock, &local, &remote);
	return 0;
}

int
cpnp_net_peer_find(cpnp_net *net, const char *text, cpnp_bytes identity,
    cpnp_peer *out, cpnp_now now)
{
	const struct net_source *source;
	struct net_socket *sock;
	struct net_peer *peer;
	struct net_key key;
	int err;

	err = path_parse(net, text, &sock, &key);
	if (err != 0)
		return err;
	peer = (struct net_peer *)(void *)net_table_get(&net->peers, &key);
	if (peer == NULL && sock->transport == CPNP_TRANSPORT_UDP) {
		source = net_source_find(net, &key);
		if (source == NULL || source->identity_len != identity.len ||
		    memcmp(source->identity, identity.ptr, identity.len) != 0)
			return CPNP_ERR_NOT_FOUND;
		net_enter(net);
		peer = net_udp_peer_new(sock, &key, source, now);
		net_leave(net);
	}
	if (peer == NULL ||
	    !cpnp_bytes_equal(cpnp_net_peer_identity(net, peer->id), identity))
		return CPNP_ERR_NOT_FOUND;
	*out = peer->id;
	return 0;
}

cpnp_bytes
cpnp_net_peer_identity(const cpnp_net *net, cpnp_peer id)
{
	const struct net_peer *peer = net_peer_get(net, id);

	if (peer == NULL || peer->identity_len == 0)
		return CPNP_BYTES_NONE;
	return (cpnp_bytes){
	    (const uint8_t *)peer->identity, peer->identity_len};
}

struct x509_st *
cpnp_net_peer_certificate(const cpnp_net *net, cpnp_peer id)
{
	const struct net_peer *peer = net_peer_get(net, id);

	if (peer == NULL || peer->session == NULL)
		return NULL;
	return SSL_get0_peer_certificate(peer->session->ssl);
}

void
cpnp_net_get_counters(const cpnp_net *net, cpnp_net_counters *counters)
{
	*counters = net->count;
	counters->sources_shared = net->buckets.shared;
}
