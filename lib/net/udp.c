/*
 * Plain UDP, the server's side: who may send, and the cookie before anything
 * is stored for an address.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "../core/fault.h"
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RATE_DEFAULT 1000 /* datagrams a second from one source */

static bool
prefix_matches(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

const struct net_source *
net_source_find(const cpnp_net *net, const struct net_key *key)
{
	size_t i;

	for (i = 0; i < net->sources_n; i++) {
		const struct net_source *source = &net->sources[i];

		if (prefix_matches(source->net.ip, key->remote,
			source->prefix_len))
			return source;
	}
	return NULL;
}

/* What a source is, and its rate; the prefix is known. */
static int
source_parse_rate(const cpnp_net *net, struct net_source *source,
    const cpnp_net_access *entry, cpnp_diag *diag)
{
	unsigned bits_max = net_addr_is_v4(&source->net) ? 32 : 128;

	if (entry->prefix_len > bits_max)
		return net_diag(diag, CPNP_ERR_CONFIG, entry->prefix,
		    "the prefix length of a source is %u, of up to %u",
		    entry->prefix_len, bits_max);
	source->bucket_len =
	    net_bucket_len(net, source->net.ip, entry->prefix_len);
	if (source->bucket_len < source->prefix_len)
		source->bucket_len = source->prefix_len;
	source->rate = entry->rate;
	if (source->rate.per_second == 0)
		source->rate.per_second = RATE_DEFAULT;
	if (source->rate.burst == 0)
		source->rate.burst = source->rate.per_second;
	return 0;
}

static int
source_parse(const cpnp_net *net, struct net_source *source,
    const cpnp_net_access *entry, cpnp_diag *diag)
{
	char text[NET_ADDR_TEXT], *slash;
	unsigned bits, offset, i;
	size_t len = entry->identity != NULL ? strlen(entry->identity) : 0;

	if (entry->prefix == NULL ||
	    net_copy(text, sizeof(text), entry->prefix) != 0)
		return net_diag(diag, CPNP_ERR_CONFIG, "access list",
		    "an entry needs a prefix such as 192.0.2.0/24");
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash = '\0';
	if (net_addr_parse(&source->net, text, 0) != 0 ||
	    source->net.port != 0 || source->net.scope != 0)
		return net_diag(diag, CPNP_ERR_CONFIG, entry->prefix,
		    "not a prefix such as 192.0.2.0/24 or 2001:db8::/32");
	offset = net_addr_is_v4(&source->net) ? 96 : 0;
	bits = 128 - offset;
	if (slash != NULL) {
		char *end;
		unsigned long value;

		errno = 0;
		value = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' ||
		    errno != 0 || value > bits)
			return net_diag(diag, CPNP_ERR_CONFIG, entry->prefix,
			    "the prefix length is a number from 0 to %u",
			    bits);
		bits = (unsigned)value;
	}
	source->prefix_len = bits + offset;
	for (i = source->prefix_len; i < 128; i++) {
		if (source->net.ip[i / 8] & (0x80 >> (i % 8)))
			return net_diag(diag, CPNP_ERR_CONFIG, entry->prefix,
			    "bits after the prefix are not zero");
	}
	if (len == 0 || len > CPNP_IDENTITY_MAX)
		return net_diag(diag, CPNP_ERR_CONFIG, entry->prefix,
		    "needs an identity of 1 to %d bytes", CPNP_IDENTITY_MAX);
	source->no_cookie = entry->no_cookie;
	source->identity_len = (uint8_t)len;
	memcpy(source->identity, entry->identity, len);
	return source_parse_rate(net, source, entry, diag);
}

static int
source_compare(const void *a, const void *b)
{
	const struct net_source *x = a, *y = b;

	if (x->prefix_len != y->prefix_len)
		return x->prefix_len < y->prefix_len ? 1 : -1;
	return memcmp(x->net.ip, y->net.ip, sizeof(x->net.ip));
}

static void
peer_set_rate(struct net_peer *peer, const struct net_source *source)
{
	peer->rate = source->rate;
	peer->bucket_len = source->bucket_len;
}

static bool
source_is_peer(const struct net_source *source, const struct net_peer *peer)
{
	return source != NULL && source->identity_len == peer->identity_len &&
	       memcmp(source->identity, peer->identity, peer->identity_len) ==
		   0;
}

int
cpnp_net_set_access(cpnp_net *net, const cpnp_net_access *entries, size_t n,
    cpnp_diag *diag)
{
	struct net_source *sources;
	struct net_peer *peer, *next;
	size_t i;
	int err = 0;

	if (n > CPNP_NET_ACCESS_MAX)
		return net_diag(diag, CPNP_ERR_FULL, "access list",
		    "has more than %d entries", CPNP_NET_ACCESS_MAX);
	sources = calloc(n != 0 ? n : 1, sizeof(*sources));
	if (sources == NULL)
		return net_diag(
		    diag, CPNP_ERR_NOMEM, "access list", "out of memory");
	for (i = 0; i < n && err == 0; i++)
		err = source_parse(net, &sources[i], &entries[i], diag);
	if (err == 0 && n > 1)
		qsort(sources, n, sizeof(*sources), source_compare);
	for (i = 1; i < n && err == 0; i++) {
		if (source_compare(&sources[i - 1], &sources[i]) == 0)
			err = net_diag(diag, CPNP_ERR_CONFIG, "access list",
			    "a prefix of %s is there twice",
			    sources[i].identity);
	}
	if (err != 0) {
		free(sources);
		return err;
	}
	free(net->sources);
	net->sources = sources;
	net->sources_n = n;
	net_enter(net);
	for (peer = TAILQ_FIRST(&net->udp); peer != NULL; peer = next) {
		const struct net_source *source =
		    net_source_find(net, &peer->node.key);

		next = TAILQ_NEXT(peer, lru);
		if (source_is_peer(source, peer))
			peer_set_rate(peer, source);
		else
			net_peer_close(peer);
	}
	net_leave(net);
	return 0;
}

struct net_peer *
net_udp_peer_new(struct net_socket *sock, const struct net_key *key,
    const struct net_source *source, cpnp_now now)
{
	cpnp_net *net = sock->net;
	struct net_peer *peer;

	if (net->count.addresses >= net->limits.addresses_max) {
		net_peer_close(TAILQ_FIRST(&net->udp));
		net->count.udp_evicted++;
	}
	peer = net_peer_new(net, CPNP_TRANSPORT_UDP);
	if (peer == NULL)
		return NULL;
	peer->sock = sock;
	peer->node.key = *key;
	peer->used = now.mono;
	peer_set_rate(peer, source);
	peer->identity_len = source->identity_len;
	memcpy(peer->identity, source->identity, source->identity_len);
	net_table_put(&net->peers, &peer->node);
	net_peer_list(peer, &net->udp);
	net_idle_arm(net, now.mono);
	return peer;
}

/* The material of a cookie: what it is for, and the path. */
static cpnp_bytes
cookie_material(uint8_t store[1 + sizeof(struct net_key)],
    const struct net_key *key)
{
	store[0] = 'U';
	memcpy(store + 1, key, sizeof(*key));
	if (CPNP_FAULT(COOKIE))
		memset(store + 1, 0, sizeof(*key));
	return (cpnp_bytes){store, 1 + sizeof(*key)};
}

/* The identifiers of the request that a FAIL of its edition carries; the
 * optional ones only when there is room (contradictions.md, 29). */
static void
fail_identify(cpnp_msg *fail, const cpnp_msg *request, bool optional)
{
	static const cpnp_attr attrs[] = {CPNP_ATTR_SEQUENCE_NUMBER,
	    CPNP_ATTR_TRANSACTION_ID, CPNP_ATTR_CUSTOMER_ORDER_ID,
	    CPNP_ATTR_PROVIDER_ORDER_ID};
	size_t i;

	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		cpnp_presence presence = cpnp_grammar(
		    request->edition, CPNP_METHOD_FAIL, attrs[i]);

		if (!cpnp_msg_has(request, attrs[i]) ||
		    presence == CPNP_ABSENT)
			continue;
		/* the client knows its request by the transaction */
		if (presence == CPNP_MANDATORY || optional ||
		    attrs[i] == CPNP_ATTR_TRANSACTION_ID)
			fail->present |= CPNP_ATTR_BIT(attrs[i]);
	}
	fail->sequence_number = request->sequence_number;
	fail->transaction_id = request->transaction_id;
	fail->customer_order_id = request->customer_order_id;
	fail->provider_order_id = request->provider_order_id;
}

/* Answer without state: FAIL 2 with a cookie, never longer than the request,
 * and never to a FAIL. */
static void
ask_for_cookie(struct net_socket *sock, const struct net_key *key,
    const cpnp_msg *request, size_t request_len, cpnp_now now)
{
	cpnp_net *net = sock->net;
	uint8_t cookie[NET_COOKIE_LEN], store[NET_FAIL_MAX];
	uint8_t material[1 + sizeof(*key)];
	int optional;

	if (request->method == CPNP_METHOD_FAIL ||
	    net_cookie_make(&net->jar, cookie_material(material, key), cookie,
		now.mono) != 0) {
		net->count.udp_cookie_silent++;
		return;
	}
	for (optional = 1; optional >= 0; optional--) {
		cpnp_msg fail = {
		    .edition = request->edition,
		    .method = CPNP_METHOD_FAIL,
		    .present = CPNP_ATTR_BIT(CPNP_ATTR_STATUS_CODE) |
			       CPNP_ATTR_BIT(CPNP_ATTR_COOKIE),
		    .status = CPNP_STATUS_AUTHENTICATION_REQUIRED,
		    .cookie = {cookie, sizeof(cookie)},
		};
		cpnp_buf buf;

		fail_identify(&fail, request, optional != 0);
		cpnp_buf_init_fixed(&buf, store,
		    request_len < sizeof(store) && !CPNP_FAULT(LONGER)
			? request_len
			: sizeof(store));
		if (cpnp_msg_encode(&fail, &buf, NULL) == 0) {
			net_socket_send(sock, key, cpnp_buf_bytes(&buf));
			net->count.udp_cookie_asked++;
			return;
		}
	}
	net->count.udp_cookie_silent++;
}

/* A datagram from an address that has not proved itself. */
static void
recv_unproved(struct net_socket *sock, const struct net_key *key,
    const struct net_source *source, cpnp_bytes datagram, cpnp_now now)
{
	cpnp_net *net = sock->net;
	uint8_t material[1 + sizeof(*key)];
	struct net_peer *peer;
	cpnp_msg msg;

	if (cpnp_msg_decode(&msg, datagram, NULL) != 0) {
		net->count.udp_garbage++;
		return;
	}
	if (!source->no_cookie) {
		if (!cpnp_msg_has(&msg, CPNP_ATTR_COOKIE) ||
		    net_cookie_is_blank(msg.cookie)) {
			ask_for_cookie(sock, key, &msg, datagram.len, now);
			return;
		}
		if (net_cookie_check(&net->jar, cookie_material(material, key),
			msg.cookie, now.mono) != 0) {
			net->count.udp_cookie_wrong++;
			ask_for_cookie(sock, key, &msg, datagram.len, now);
			return;
		}
		net->count.udp_proved++;
	}
	peer = net_udp_peer_new(sock, key, source, now);
	if (peer != NULL)
		net_deliver(peer, datagram, now);
}

void
net_udp_recv(struct net_socket *sock, const struct net_key *key,
    cpnp_bytes datagram, cpnp_now now)
{
	cpnp_net *net = sock->net;
	struct net_peer *peer;
	const struct net_source *source;

	peer = (struct net_peer *)(void *)net_table_get(&net->peers, key);
	if (peer != NULL) {
		if (!net_buckets_take(&net->buckets, NET_BUCKET_UDP_PROVED,
			key->remote, peer->bucket_len, &peer->rate,
			now.mono)) {
			net->count.udp_proved_limited++;
			return;
		}
		net_peer_touch(peer, now.mono);
		net_deliver(peer, datagram, now);
		return;
	}
	source = net_source_find(net, key);
	if (source == NULL) {
		net->count.udp_not_listed++;
		return;
	}
	if (!net_buckets_take(&net->buckets, NET_BUCKET_UDP, key->remote,
		source->bucket_len, &source->rate, now.mono)) {
		net->count.udp_limited++;
		return;
	}
	recv_unproved(sock, key, source, datagram, now);
}
