/*
 * DTLS sessions.
 *
 * The demultiplexer of a server, by the first record of a datagram:
 *
 *   ClientHello without a good cookie   HelloVerifyRequest, nothing is kept
 *   ClientHello with one                a handshake begins, beside the live
 *                                       session of that path if there is one
 *   application data                    the live session
 *   anything else                       the handshake, else the live session
 *
 * The session of a handshake that is complete replaces the live one; so a
 * client that has lost its keys gets new ones, and a stranger who sends
 * ClientHellos with its address changes nothing (RFC 6347, section 4.2.8).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static void session_read(struct net_session *session, cpnp_now now);

static void
session_where(const struct net_session *session, char text[96])
{
	char path[CPNP_NET_ADDRESS_MAX];

	net_path_format(session->sock, &session->node.key, path);
	path[strcspn(path, "@")] = '\0';
	if (session->peer != NULL && session->peer->client != NULL)
		snprintf(text, 96, "server %.60s", session->peer->client->name);
	else
		snprintf(text, 96, "peer %.80s", path);
}

/* Arm the timer for the retransmission or the deadline, whichever is first.
 * OpenSSL reckons with the wall clock; a step of it is bounded by the
 * deadline, which does not. */
static void
session_arm(struct net_session *session, cpnp_now now)
{
	cpnp_tstamp delay = session->deadline > now.mono
				? session->deadline - now.mono
				: 0;
	struct timeval tv;

	if (DTLSv1_get_timeout(session->ssl, &tv) == 1 && tv.tv_sec >= 0 &&
	    tv.tv_sec < 3600) {
		cpnp_tstamp resend = CPNP_SECONDS(tv.tv_sec) +
				     (cpnp_tstamp)tv.tv_usec * 1000;

		if (resend < delay)
			delay = resend;
	}
	net_event_arm(&session->timer, delay);
}

void
net_session_free(struct net_session *session)
{
	SSL_free(session->ssl);
	free(session);
}

void
net_session_close(struct net_session *session)
{
	cpnp_net *net = session->net;
	struct net_peer *peer = session->peer;

	if (session->dead)
		return;
	session->dead = true;
	if (session->handshaking) {
		event_del(&session->timer);
		if (session->side == CPNP_NET_SERVER)
			net_table_remove(&net->handshakes, &session->node);
		LIST_REMOVE(session, entry);
		net->count.handshakes--;
	} else {
		net->count.sessions--;
		ERR_clear_error();
		if (SSL_get_shutdown(session->ssl) == 0)
			SSL_shutdown(session->ssl);
		/* else OpenSSL takes it for broken and forgets how to resume;
		 * what is broken it has forgotten by now */
		SSL_set_shutdown(session->ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		/* one that the server ended before it said anything may be one
		 * that it does not want to resume */
		if (peer != NULL && peer->client != NULL && !session->heard) {
			SSL_SESSION_free(peer->client->resume);
			peer->client->resume = NULL;
		}
	}
	if (peer != NULL && peer->session == session)
		peer->session = NULL;
	LIST_INSERT_HEAD(&net->dead_sessions, session, entry);
}

/* The end of an established session, told to the application. */
static void
session_down(struct net_session *session, int err, const char *why,
    cpnp_now now)
{
	cpnp_net *net = session->net;
	struct net_peer *peer = session->peer;
	cpnp_diag diag;

	session_where(session, diag.where);
	net_diag(&diag, err, NULL, "%s", why);
	if (peer->client != NULL)
		net_session_close(session);
	else
		net_peer_close(peer);
	net_tell(net, peer->id, CPNP_NET_DOWN, &diag, now);
}

/* The end of a handshake without a session. */
static void
session_failed(struct net_session *session, const char *why, cpnp_now now)
{
	cpnp_net *net = session->net;
	struct net_peer *peer = session->peer;
	cpnp_diag diag;

	session_where(session, diag.where);
	net_diag(&diag, CPNP_ERR_UNAVAILABLE, NULL, "%s", why);
	net_session_close(session);
	if (peer != NULL)
		net_client_failed(peer, &diag, now);
	else
		net_tell(net, CPNP_PEER_NONE, CPNP_NET_FAILED, &diag, now);
}

/* What OpenSSL says went wrong, and if it is a certificate, what we said. */
static void
session_failed_ssl(struct net_session *session, cpnp_now now)
{
	char reason[160];

	net_tls_reason(reason, sizeof(reason));
	session->net->count.dtls_handshakes_failed++;
	session_failed(
	    session, session->diag.err != 0 ? session->diag.why : reason, now);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net_session *session = arg;
	cpnp_net *net = session->net;
	cpnp_now now = net_now(net);

	(void)fd;
	(void)what;
	net_enter(net);
	ERR_clear_error();
	if (now.mono >= session->deadline) {
		net->count.dtls_handshakes_late++;
		session_failed(session, "no answer, the handshake was not "
					"complete in time",
		    now);
	} else if (DTLSv1_handle_timeout(session->ssl) < 0) {
		session_failed_ssl(session, now);
	} else {
		session_arm(session, now);
	}
	cpnp_net_flush(net);
	net_leave(net);
}

static struct net_session *
session_new(struct net_socket *sock, const struct net_key *key,
    cpnp_net_side side, cpnp_now now)
{
	cpnp_net *net = sock->net;
	struct net_session *session = calloc(1, sizeof(*session));
	BIO *bio;

	if (session == NULL)
		return NULL;
	session->net = net;
	session->sock = sock;
	session->side = side;
	session->node.key = *key;
	session->handshaking = true;
	session->generation = net->tls[side].generation;
	session->deadline = now.mono + net->limits.handshake_ns_max;
	session->ssl = SSL_new(net->tls[side].ctx);
	bio = session->ssl != NULL ? net_bio_new(net->bio, session) : NULL;
	if (bio == NULL || SSL_set_app_data(session->ssl, session) != 1 ||
	    event_assign(&session->timer, net->base, -1, 0, on_timer,
		session) != 0) {
		BIO_free(bio);
		net_session_free(session);
		return NULL;
	}
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_mtu(session->ssl, net->limits.mtu - 48);
	X509_VERIFY_PARAM_set_time(
	    SSL_get0_param(session->ssl), (time_t)now.wall.sec);
	LIST_INSERT_HEAD(&net->sessions, session, entry);
	net->count.handshakes++;
	net->count.dtls_handshakes++;
	return session;
}

/* --- a handshake is complete --- */

static int
server_peer_new(struct net_session *session, cpnp_now now)
{
	cpnp_net *net = session->net;
	struct net_peer *peer, *old, *first = TAILQ_FIRST(&net->dtls);

	old = (struct net_peer *)(void *)net_table_get(
	    &net->peers, &session->node.key);
	if (old == NULL && net->dtls_n >= net->limits.sessions_max) {
		if (now.mono - first->used < NET_EVICT_IDLE_NS) {
			net->count.dtls_sessions_full++;
			return CPNP_ERR_FULL;
		}
		net->count.dtls_idle++;
		session_down(first->session, CPNP_ERR_FULL,
		    "idle, and another needs the place", now);
	}
	peer = net_peer_new(net, CPNP_TRANSPORT_DTLS);
	if (peer == NULL)
		return CPNP_ERR_NOMEM;
	if (old != NULL) {
		net->count.dtls_replaced++;
		/* no close_notify: the client has no keys to read it */
		SSL_set_shutdown(old->session->ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		session_down(old->session, CPNP_ERR_EXISTS,
		    "replaced by a new session of the same address", now);
	}
	peer->sock = session->sock;
	peer->node.key = session->node.key;
	peer->session = session;
	peer->used = now.mono;
	session->peer = peer;
	net_table_put(&net->peers, &peer->node);
	net_peer_list(peer, &net->dtls);
	net_idle_arm(net, now.mono);
	return 0;
}

/* Resumption skips the certificates; whoever was good then need not be now.
 * (A server asks before it agrees to resume: resume.c.) */
static int
client_check_resumed(struct net_session *session, X509 *cert, cpnp_now now)
{
	cpnp_net *net = session->net;
	int err;

	err = net_tls_verify(&net->tls[CPNP_NET_CLIENT], CPNP_NET_CLIENT, cert,
	    SSL_get_peer_cert_chain(session->ssl), now.wall, &session->diag);
	if (err == 0 &&
	    !net_tls_name_matches(session->peer->client, cert))
		err = net_diag(&session->diag, CPNP_ERR_SIGNATURE, NULL,
		    "the certificate does not carry the server's name");
	if (err != 0)
		net->count.dtls_resume_refused++;
	return err;
}

/* The handshake ends in a session: take it out of the handshakes. */
static void
session_promote(struct net_session *session)
{
	cpnp_net *net = session->net;

	event_del(&session->timer);
	if (session->side == CPNP_NET_SERVER)
		net_table_remove(&net->handshakes, &session->node);
	LIST_REMOVE(session, entry);
	session->handshaking = false;
	net->count.handshakes--;
	net->count.sessions++;
}

static void
session_established(struct net_session *session, cpnp_now now)
{
	cpnp_net *net = session->net;
	SSL *ssl = session->ssl;
	X509 *cert = SSL_get0_peer_certificate(ssl);
	char identity[CPNP_IDENTITY_MAX];
	struct net_peer *peer;
	size_t len = 0;
	int err;

	err = cert == NULL ? CPNP_ERR_SIGNATURE
			   : net_tls_identity(
				 cert, identity, &len, &session->diag);
	if (err == 0 && session->side == CPNP_NET_CLIENT &&
	    SSL_session_reused(ssl))
		err = client_check_resumed(session, cert, now);
	if (err == 0 && session->side == CPNP_NET_SERVER)
		err = server_peer_new(session, now);
	if (err != 0) {
		net->count.dtls_handshakes_failed++;
		SSL_shutdown(ssl);
		session_failed(session,
		    session->diag.err != 0 ? session->diag.why
					   : cpnp_strerror(err),
		    now);
		return;
	}
	session_promote(session);
	peer = session->peer;
	peer->identity_len = (uint8_t)len;
	memcpy(peer->identity, identity, len);
	session->expires = net_tls_expiry(cert, SSL_get_peer_cert_chain(ssl));
	net->count.dtls_sessions++;
	if (SSL_session_reused(ssl))
		net->count.dtls_resumed++;
	if (peer->client != NULL) {
		SSL_SESSION_free(peer->client->resume);
		peer->client->resume = SSL_get1_session(ssl);
	}
	net_tell(net, peer->id, CPNP_NET_UP, NULL, now);
	if (peer->client != NULL && !session->dead)
		net_client_up(peer, now);
	/* what came in the same datagram as the Finished */
	if (!session->dead && SSL_has_pending(ssl))
		session_read(session, now);
}

static void
session_handshake(struct net_session *session, cpnp_now now)
{
	int done;

	ERR_clear_error();
	done = SSL_do_handshake(session->ssl);
	session->in = CPNP_BYTES_NONE;
	if (done == 1)
		session_established(session, now);
	else if (SSL_get_error(session->ssl, done) == SSL_ERROR_WANT_READ)
		session_arm(session, now);
	else
		session_failed_ssl(session, now);
}

/* --- an established session --- */

/* A session stands no longer than its certificate: expiry, and after a reload
 * the new lists. */
static bool
session_still_good(struct net_session *session, cpnp_now now)
{
	cpnp_net *net = session->net;
	const struct net_tls_side *tls = &net->tls[session->side];
	cpnp_diag diag;
	int err = 0;

	if (now.wall.sec > session->expires.sec)
		err = net_diag(&diag, CPNP_ERR_SIGNATURE, NULL,
		    "the peer's certificate has expired");
	else if (session->generation != tls->generation)
		err = net_tls_verify(tls, session->side,
		    SSL_get0_peer_certificate(session->ssl),
		    SSL_get_peer_cert_chain(session->ssl), now.wall, &diag);
	if (err == 0) {
		session->generation = tls->generation;
		return true;
	}
	net->count.dtls_revoked++;
	session_down(session, err, diag.why, now);
	return false;
}

static void
session_read_failed(struct net_session *session, int got, bool quiet,
    cpnp_now now)
{
	char reason[160];

	switch (SSL_get_error(session->ssl, got)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		if (quiet)
			session->net->count.dtls_discarded++;
		break;
	case SSL_ERROR_ZERO_RETURN:
		session->net->count.dtls_closed++;
		session_down(session, CPNP_ERR_UNAVAILABLE,
		    "the peer closed the session", now);
		break;
	default:
		session->net->count.dtls_closed++;
		session_down(session, CPNP_ERR_UNAVAILABLE,
		    net_tls_reason(reason, sizeof(reason)), now);
		break;
	}
}

static void
session_read(struct net_session *session, cpnp_now now)
{
	cpnp_net *net = session->net;
	bool quiet = true;
	int got;

	do {
		ERR_clear_error();
		got = SSL_read(session->ssl, net->plain, CPNP_DATAGRAM_MAX);
		if (got <= 0) {
			session_read_failed(session, got, quiet, now);
			break;
		}
		quiet = false;
		session->heard = true;
		if (session->peer->client != NULL)
			net_client_heard(session->peer);
		else
			net_peer_touch(session->peer, now.mono);
		net_deliver(session->peer,
		    (cpnp_bytes){net->plain, (size_t)got}, now);
	} while (!session->dead && SSL_has_pending(session->ssl));
	session->in = CPNP_BYTES_NONE;
}

void
net_session_recv(
    struct net_session *session, cpnp_bytes datagram, cpnp_now now)
{
	session->in = datagram;
	if (session->handshaking)
		session_handshake(session, now);
	else if (session_still_good(session, now))
		session_read(session, now);
}

int
net_session_send(
    struct net_session *session, cpnp_bytes datagram, cpnp_now now)
{
	char reason[160];
	int put;

	if (!session_still_good(session, now))
		return CPNP_ERR_UNAVAILABLE;
	ERR_clear_error();
	put = SSL_write(session->ssl, datagram.ptr, (int)datagram.len);
	if (put > 0)
		return 0;
	session->net->count.drop_send++;
	session_down(session, CPNP_ERR_UNAVAILABLE,
	    net_tls_reason(reason, sizeof(reason)), now);
	return CPNP_ERR_UNAVAILABLE;
}

int
net_session_connect(struct net_peer *peer, cpnp_now now)
{
	struct net_client *client = peer->client;
	struct net_session *session;

	session = session_new(
	    peer->sock, &peer->node.key, CPNP_NET_CLIENT, now);
	if (session == NULL)
		return CPNP_ERR_NOMEM;
	session->peer = peer;
	peer->session = session;
	if ((!client->name_is_ip &&
		SSL_set_tlsext_host_name(session->ssl, client->name) != 1) ||
	    (client->resume != NULL &&
		SSL_set_session(session->ssl, client->resume) != 1)) {
		net_session_close(session);
		return CPNP_ERR_CRYPTO;
	}
	SSL_set_connect_state(session->ssl);
	session_handshake(session, now);
	return 0;
}

/* --- a server's demultiplexer --- */

/* What a ClientHello and its repetition have in common. */
static int
hello_digest(const cpnp_net *net, const struct net_key *key,
    const struct net_hello *hello, uint8_t digest[CPNP_SHA256_LEN])
{
	const cpnp_bytes parts[] = {{(const uint8_t *)"D", 1},
	    {(const uint8_t *)key, sizeof(*key)}, hello->params[0],
	    hello->params[1]};

	return net->env->sha256(net->env->user, parts, 4, digest);
}

static void
hello_ask(struct net_socket *sock, const struct net_key *key,
    const struct net_hello *hello, cpnp_bytes digest, cpnp_now now)
{
	cpnp_net *net = sock->net;
	uint8_t cookie[NET_COOKIE_LEN], out[NET_HELLO_VERIFY_LEN];

	if (net_cookie_make(&net->jar, digest, cookie, now.mono) != 0)
		return;
	net_hello_verify(hello, cookie, out);
	net_socket_send(sock, key, (cpnp_bytes){out, sizeof(out)});
	net->count.dtls_hello_asked++;
}

/* The client has proved its address.  DTLSv1_listen() takes the ClientHello
 * that was checked here and sets OpenSSL's counters to what they are after a
 * HelloVerifyRequest. */
static void
hello_accept(struct net_socket *sock, const struct net_key *key,
    cpnp_bytes datagram, const uint8_t digest[CPNP_SHA256_LEN], cpnp_now now)
{
	cpnp_net *net = sock->net;
	struct net_session *session;

	session = session_new(sock, key, CPNP_NET_SERVER, now);
	if (session == NULL)
		return;
	memcpy(session->hello, digest, sizeof(session->hello));
	net_table_put(&net->handshakes, &session->node);
	SSL_set_accept_state(session->ssl);
	session->in = datagram;
	ERR_clear_error();
	if (DTLSv1_listen(session->ssl, net->bio_addr) == 1)
		session_handshake(session, now);
	else
		session_failed_ssl(session, now);
}

static void
hello_recv(struct net_socket *sock, const struct net_key *key,
    struct net_session *pending, const struct net_peer *peer,
    cpnp_bytes datagram, cpnp_now now)
{
	cpnp_net *net = sock->net;
	uint8_t digest[CPNP_SHA256_LEN];
	const cpnp_bytes material = {digest, sizeof(digest)};
	struct net_hello hello;

	if (net_hello_parse(&hello, datagram) != 0 ||
	    hello_digest(net, key, &hello, digest) != 0) {
		net->count.dtls_hello_bad++;
		return;
	}
	if (net_cookie_check(&net->jar, material, hello.cookie, now.mono) !=
	    0) {
		if (hello.cookie.len != 0)
			net->count.dtls_hello_wrong++;
		hello_ask(sock, key, &hello, material, now);
		return;
	}
	if (pending != NULL &&
	    memcmp(pending->hello, digest, sizeof(digest)) == 0) {
		net_session_recv(pending, datagram, now);
		return;
	}
	/* a late copy of the one that the live session began with */
	if (peer != NULL &&
	    memcmp(peer->session->hello, digest, sizeof(digest)) == 0)
		return;
	if (pending != NULL)
		net_session_close(pending);
	if (net->handshakes.n >= net->limits.handshakes_max) {
		net->count.dtls_handshakes_full++;
		return;
	}
	hello_accept(sock, key, datagram, digest, now);
}

/* What comes before a session is there has to be within the rate of its
 * source. */
static bool
may_handshake(cpnp_net *net, const struct net_key *key,
    enum net_bucket_kind kind, uint64_t *limited, cpnp_now now)
{
	if (net_buckets_take(&net->buckets, kind, key->remote,
		net_bucket_len(net, key->remote, 0), &net->limits.handshake,
		now.mono))
		return true;
	++*limited;
	return false;
}

void
net_dtls_recv(struct net_socket *sock, const struct net_key *key,
    cpnp_bytes datagram, cpnp_now now)
{
	cpnp_net *net = sock->net;
	struct net_session *pending;
	struct net_record record;
	struct net_peer *peer;

	if (net_record_peek(&record, datagram) != 0) {
		net->count.dtls_no_session++;
		return;
	}
	peer = (struct net_peer *)(void *)net_table_get(&net->peers, key);
	pending = (struct net_session *)(void *)net_table_get(
	    &net->handshakes, key);
	if (record.is_hello) {
		if (may_handshake(net, key, NET_BUCKET_HELLO,
			&net->count.dtls_hello_limited, now))
			hello_recv(sock, key, pending, peer, datagram, now);
	} else if (pending != NULL &&
		   (peer == NULL || record.type != NET_RECORD_DATA)) {
		if (may_handshake(net, key, NET_BUCKET_HANDSHAKE,
			&net->count.dtls_handshake_limited, now))
			net_session_recv(pending, datagram, now);
	} else if (peer != NULL)
		net_session_recv(peer->session, datagram, now);
	else
		net->count.dtls_no_session++;
}
