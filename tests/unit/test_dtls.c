/*
 * libcpnp-net over DTLS on loopback, with the certificates of
 * tests/e2e/pki.sh: who gets in, who does not, and what strangers can do.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "net_fixture.h"

#include <openssl/x509v3.h>

static char pki[] = "/tmp/cpnp-test-dtls.XXXXXX";

static const cpnp_net_tls *
files(const char *name, const char *ca, const char *crl)
{
	static char text[4][256];
	static cpnp_net_tls tls;

	snprintf(text[0], 256, "%s/%s.pem", pki, name);
	snprintf(text[1], 256, "%s/%s.key", pki, name);
	snprintf(text[2], 256, "%s/%s.pem", pki, ca);
	snprintf(text[3], 256, "%s/%s.pem", pki, crl != NULL ? crl : "");
	tls = (cpnp_net_tls){
	    text[0], text[1], text[2], crl != NULL ? text[3] : NULL};
	return &tls;
}

static void
reload(struct party *party, cpnp_net_side side, const cpnp_net_tls *tls)
{
	cpnp_diag diag;

	ck_assert_msg(
	    cpnp_net_reload_tls(party->net, side, tls, &diag) == 0, "%s: %s",
	    diag.where, diag.why);
}

static struct party *
server_new(const cpnp_net_limits *limits, const char *address)
{
	struct party *server = party_new(limits);

	server->echo = true;
	reload(server, CPNP_NET_SERVER, files("server", "ca", "crl"));
	party_listen(server, CPNP_TRANSPORT_DTLS, address);
	return server;
}

static struct party *
client_new(const char *certificate)
{
	struct party *client = party_new(NULL);

	reload(client, CPNP_NET_CLIENT, files(certificate, "ca", NULL));
	return client;
}

static cpnp_peer
connect_to(struct party *client, const char *address)
{
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_DTLS,
	    .address = address,
	    .name = "provider.example"};

	return party_connect(client, &target);
}

/* One message there and back. */
static void
round_trip(struct party *client, cpnp_peer peer, const char *text)
{
	size_t before = client->messages;

	ck_assert_int_eq(
	    party_send(client, peer, cpnp_bytes_str(text)), 0);
	WAIT(client->messages == before + 1);
	ck_assert_uint_eq(client->last_len, strlen(text));
	ck_assert_mem_eq(client->last, text, client->last_len);
}

/* The client gets no session; the server has none either. */
static void
expect_refusal(struct party *server, struct party *client,
    const cpnp_net_target *target, const char *why)
{
	uint64_t sessions = count(server).dtls_sessions;
	cpnp_peer peer = party_connect(client, target);

	party_send(client, peer, CPNP_BYTES_LIT("let me in"));
	WAIT(client->events[CPNP_NET_FAILED] != 0);
	WAIT(count(server).handshakes == 0);
	ck_assert_uint_eq(client->events[CPNP_NET_UP], 0);
	ck_assert_uint_eq(count(server).dtls_sessions, sessions);
	ck_assert_uint_eq(server->messages, 0);
	ck_assert_msg(strstr(client->diag.why, why) != NULL ||
			  strstr(server->diag.why, why) != NULL,
	    "client: %s; server: %s", client->diag.why, server->diag.why);
}

static void
check_refused(const char *certificate, const char *why)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new(certificate);
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_DTLS,
	    .address = party_address(server, "127.0.0.1"),
	    .name = "provider.example"};

	reload(server, CPNP_NET_SERVER, files("server", "ca", "crl-revoked"));
	expect_refusal(server, client, &target, why);
	ck_assert_uint_eq(count(server).dtls_certificates, 1);
	ck_assert_uint_eq(server->events[CPNP_NET_FAILED], 1);
	party_del(client);
	party_del(server);
}

/* A client with a context of its own making. */
static void
check_context_refused(SSL_CTX *ctx, const char *why)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_DTLS,
	    .address = party_address(server, "127.0.0.1"),
	    .name = "provider.example"};

	SSL_CTX_free(client->net->tls[CPNP_NET_CLIENT].ctx);
	client->net->tls[CPNP_NET_CLIENT].ctx = ctx;
	expect_refusal(server, client, &target, why);
	ck_assert_uint_eq(count(server).dtls_handshakes_failed, 1);
	party_del(client);
	party_del(server);
}

/* --- who gets in --- */

static void
check_admitted(const char *ip, const char *certificate, const char *identity)
{
	char listen[64];
	struct party *server, *client = client_new(certificate);
	cpnp_peer peer;
	X509 *cert;

	snprintf(listen, sizeof(listen),
	    strchr(ip, ':') != NULL ? "[%s]:0" : "%s:0", ip);
	server = server_new(NULL, listen);
	peer = connect_to(client, party_address(server, ip));
	round_trip(client, peer, "hello");
	ck_assert_str_eq(server->identity, identity);
	ck_assert_str_eq(client->identity, "provider.example");
	cert = cpnp_net_peer_certificate(server->net, server->peer);
	ck_assert_ptr_nonnull(cert);
	ck_assert_int_eq(X509_cmp(cert, SSL_CTX_get0_certificate(
					    client->net->tls[1].ctx)),
	    0);
	ck_assert(cpnp_bytes_equal(
	    cpnp_net_identity(server->net, CPNP_NET_SERVER),
	    CPNP_BYTES_LIT("provider.example")));
	ck_assert_int_eq(server->events[CPNP_NET_UP], 1);
	ck_assert_int_eq(client->events[CPNP_NET_UP], 1);
	/* a clean end is told to the other side */
	party_del(client);
	WAIT(server->events[CPNP_NET_DOWN] == 1);
	ck_assert_uint_eq(server->down, server->peer);
	ck_assert_uint_eq(count(server).sessions, 0);
	party_del(server);
}

/* R7: mutual authentication, by each kind of key and name. */
START_TEST(test_dtls_admits_ed25519)
{
	check_admitted("127.0.0.1", "client", "customer.example");
}
END_TEST

START_TEST(test_dtls_admits_p256)
{
	check_admitted("127.0.0.1", "client-p256", "other.example");
}
END_TEST

START_TEST(test_dtls_admits_rsa)
{
	check_admitted("127.0.0.1", "client-rsa", "rsa.example");
}
END_TEST

START_TEST(test_dtls_takes_mail_for_identity)
{
	check_admitted("127.0.0.1", "client-mail", "buyer@customer.example");
}
END_TEST

START_TEST(test_dtls_works_over_ipv6)
{
	check_admitted("::1", "client", "customer.example");
}
END_TEST

START_TEST(test_dtls_refuses_client_of_another_ca)
{
	check_refused("stranger", "unable to get");
}
END_TEST

START_TEST(test_dtls_refuses_expired_client)
{
	check_refused("expired", "expired");
}
END_TEST

START_TEST(test_dtls_refuses_revoked_client)
{
	check_refused("revoked", "revoked");
}
END_TEST

/* Our own side does not load such a certificate, so a bare context does. */
START_TEST(test_dtls_refuses_client_without_name)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
	const cpnp_net_tls *tls = files("nameless", "ca", NULL);

	ck_assert_int_eq(
	    SSL_CTX_use_certificate_chain_file(ctx, tls->certificate), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(
			     ctx, tls->key, SSL_FILETYPE_PEM),
	    1);
	check_context_refused(ctx, "subjectAltName");
}
END_TEST

START_TEST(test_dtls_refuses_client_without_certificate)
{
	check_context_refused(SSL_CTX_new(DTLS_client_method()),
	    "peer did not return a certificate");
}
END_TEST

START_TEST(test_dtls_refuses_version_1_0)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, DTLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, DTLS1_VERSION);
	check_context_refused(ctx, "version");
}
END_TEST

START_TEST(test_dtls_refuses_ciphers_without_aead)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());

	ck_assert_int_eq(
	    SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-SHA256"), 1);
	check_context_refused(ctx, "no shared cipher");
}
END_TEST

static void
check_server_refused(const char *certificate, const cpnp_net_target *how,
    const char *why)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_net_target target = *how;

	reload(server, CPNP_NET_SERVER, files(certificate, "ca", NULL));
	target.transport = CPNP_TRANSPORT_DTLS;
	target.address = party_address(server, "127.0.0.1");
	expect_refusal(server, client, &target, why);
	ck_assert_uint_eq(count(client).dtls_certificates, 1);
	party_del(client);
	party_del(server);
}

START_TEST(test_dtls_client_refuses_another_ca)
{
	check_server_refused("impostor",
	    &(cpnp_net_target){.name = "provider.example"}, "unable to get");
}
END_TEST

START_TEST(test_dtls_client_refuses_wrong_name)
{
	check_server_refused("server",
	    &(cpnp_net_target){.name = "rival.example"}, "rival.example");
}
END_TEST

/* The common name is "server-uri", and counts for nothing (RFC 6125). */
START_TEST(test_dtls_client_refuses_common_name)
{
	check_server_refused("server-uri",
	    &(cpnp_net_target){.name = "server-uri"}, "server-uri");
}
END_TEST

START_TEST(test_dtls_client_refuses_wrong_srv_id)
{
	check_server_refused("server",
	    &(cpnp_net_target){.name = "x.example", .service = "provider.exam"},
	    "x.example");
}
END_TEST

START_TEST(test_dtls_client_refuses_server_without_srv_id)
{
	check_server_refused("server-p256",
	    &(cpnp_net_target){
		.name = "x.example", .service = "provider.example"},
	    "x.example");
}
END_TEST

/* The certificate of a client is no certificate of a server. */
START_TEST(test_dtls_client_refuses_certificate_of_a_client)
{
	check_server_refused("client",
	    &(cpnp_net_target){.name = "customer.example"}, "purpose");
}
END_TEST

START_TEST(test_dtls_client_takes_srv_id_and_ip)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_DTLS,
	    .address = party_address(server, "127.0.0.1"),
	    .name = "host7.example",
	    .service = "Provider.Example"};

	round_trip(client, party_connect(client, &target), "by service");
	target.name = target.service = NULL;
	round_trip(client, party_connect(client, &target), "by address");
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_client_hears_that_nobody_listens)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	char address[64];

	snprintf(address, sizeof(address), "%s",
	    party_address(server, "127.0.0.1"));
	party_del(server);
	party_send(client, connect_to(client, address), CPNP_BYTES_LIT("x"));
	WAIT(client->events[CPNP_NET_FAILED] == 1);
	ck_assert_ptr_nonnull(strstr(client->diag.why, "refused"));
	ck_assert_str_eq(client->diag.where, address);
	party_del(client);
}
END_TEST

/* --- files --- */

START_TEST(test_reload_names_the_file_and_keeps_the_old)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_net_tls tls;
	cpnp_diag diag;
	struct {
		const char **member;
		const char *file;
	} bad[] = {
	    {&tls.certificate, "none.pem"},
	    {&tls.certificate, "client.pem"}, /* of another key */
	    {&tls.key, "none.key"},
	    {&tls.key, "server.pem"},
	    {&tls.key, "client.key"},
	    {&tls.ca, "none.pem"},
	    {&tls.ca, "server.key"},
	    {&tls.crl, "none.pem"},
	    {&tls.crl, "ca.pem"},
	    {&tls.certificate, NULL},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char path[256];

		tls = *files("server", "ca", "crl");
		snprintf(path, sizeof(path), "%s/%s", pki,
		    bad[i].file != NULL ? bad[i].file : "");
		*bad[i].member = bad[i].file != NULL ? path : NULL;
		memset(&diag, 0, sizeof(diag));
		ck_assert_int_eq(cpnp_net_reload_tls(server->net,
				     CPNP_NET_SERVER, &tls, &diag),
		    CPNP_ERR_CONFIG);
		ck_assert_int_ne(diag.why[0], '\0');
		if (bad[i].file != NULL && strcmp(bad[i].file, "client.pem"))
			ck_assert_str_eq(diag.where, path);
	}
	tls = *files("nameless", "ca", NULL);
	ck_assert_int_eq(cpnp_net_reload_tls(server->net, CPNP_NET_SERVER,
			     &tls, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, tls.certificate);
	ck_assert_uint_eq(server->net->tls[CPNP_NET_SERVER].generation, 1);
	round_trip(client,
	    connect_to(client, party_address(server, "127.0.0.1")), "still");
	party_del(client);
	party_del(server);
}
END_TEST

/* --- sessions --- */

START_TEST(test_dtls_resumes)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	round_trip(client, peer, "one");
	ck_assert_int_eq(
	    cpnp_net_reconnect(client->net, peer, cpnp_now_read()), 0);
	round_trip(client, peer, "two");
	ck_assert_uint_eq(count(server).dtls_resumed, 1);
	ck_assert_uint_eq(count(client).dtls_resumed, 1);
	ck_assert_str_eq(server->identity, "customer.example");
	ck_assert_str_eq(client->identity, "provider.example");
	ck_assert_ptr_nonnull(
	    cpnp_net_peer_certificate(server->net, server->peer));
	/* new certificates do not end what can be resumed */
	reload(server, CPNP_NET_SERVER, files("server", "ca", "crl"));
	cpnp_net_reconnect(client->net, peer, cpnp_now_read());
	round_trip(client, peer, "three");
	ck_assert_uint_eq(count(server).dtls_resumed, 2);
	ck_assert_uint_eq(count(server).resumable, 1);
	party_del(client);
	party_del(server);
}
END_TEST

/* Revoked in between: no resumption, and no new session. */
START_TEST(test_dtls_resumption_checks_revocation)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("revoked");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	round_trip(client, peer, "one");
	reload(server, CPNP_NET_SERVER, files("server", "ca", "crl-revoked"));
	cpnp_net_reconnect(client->net, peer, cpnp_now_read());
	WAIT(client->events[CPNP_NET_FAILED] == 1);
	ck_assert_uint_eq(count(server).dtls_resume_refused, 1);
	ck_assert_uint_eq(count(server).dtls_resumed, 0);
	ck_assert_uint_eq(count(server).resumable, 0);
	ck_assert_uint_eq(count(server).sessions, 0);
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_resumption_checks_expiry)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	round_trip(client, peer, "one");
	/* 40 days later; only the wall clock, so that age is not the reason */
	server->net->limits.resumable_ns_max = CPNP_NEVER;
	server->clock_skew = 40 * 86400;
	cpnp_net_reconnect(client->net, peer, cpnp_now_read());
	WAIT(client->events[CPNP_NET_FAILED] == 1);
	ck_assert_uint_eq(count(server).dtls_resume_refused, 1);
	ck_assert_uint_eq(count(server).dtls_resumed, 0);
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_client_checks_server_on_resumption)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	round_trip(client, peer, "one");
	client->clock_skew = 40 * 86400;
	cpnp_net_reconnect(client->net, peer, skewed_clock(client));
	WAIT(client->events[CPNP_NET_FAILED] == 1);
	ck_assert_uint_eq(count(client).dtls_resume_refused, 1);
	ck_assert_ptr_nonnull(strstr(client->diag.why, "expired"));
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_resumption_ends_with_age)
{
	const cpnp_net_limits limits = {.resumable_ns_max = CPNP_SECONDS(60)};
	struct party *server = server_new(&limits, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	round_trip(client, peer, "one");
	server->clock_skew = 60;
	cpnp_net_reconnect(client->net, peer, cpnp_now_read());
	round_trip(client, peer, "two");
	ck_assert_uint_eq(count(server).dtls_resume_refused, 1);
	ck_assert_uint_eq(count(server).dtls_resumed, 0);
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_reload_ends_live_sessions_of_the_revoked)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("revoked");
	struct party *good = client_new("client");
	const char *to = party_address(server, "127.0.0.1");
	cpnp_peer peer = connect_to(client, to), other = connect_to(good, to);

	round_trip(client, peer, "one");
	round_trip(good, other, "one");
	reload(server, CPNP_NET_SERVER, files("server", "ca", "crl-revoked"));
	party_send(client, peer, CPNP_BYTES_LIT("two"));
	WAIT(server->events[CPNP_NET_DOWN] == 1);
	ck_assert_ptr_nonnull(strstr(server->diag.why, "revoked"));
	ck_assert_uint_eq(server->messages, 2);
	WAIT(client->events[CPNP_NET_DOWN] == 1);
	round_trip(good, other, "two");
	ck_assert_uint_eq(count(server).dtls_revoked, 1);
	party_del(good);
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_live_session_ends_with_its_certificate)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	round_trip(client, peer, "one");
	server->clock_skew = 40 * 86400;
	ck_assert_int_eq(
	    party_send(server, server->peer, CPNP_BYTES_LIT("late")),
	    CPNP_ERR_UNAVAILABLE);
	ck_assert_uint_eq(server->events[CPNP_NET_DOWN], 1);
	ck_assert_ptr_nonnull(strstr(server->diag.why, "expired"));
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_idle_session_is_closed)
{
	/* longer than a round trip, also where much else runs */
	const cpnp_net_limits limits = {.idle_ns_max = CPNP_MILLISECONDS(500)};
	struct party *server = server_new(&limits, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	round_trip(client, peer, "one");
	WAIT(client->events[CPNP_NET_DOWN] == 1);
	ck_assert_uint_eq(count(server).dtls_idle, 1);
	ck_assert_uint_eq(count(server).sessions, 0);
	ck_assert_int_eq(
	    party_send(server, server->peer, CPNP_BYTES_LIT("x")),
	    CPNP_ERR_NOT_FOUND);
	round_trip(client, peer, "two");
	ck_assert_uint_eq(count(server).dtls_resumed, 1);
	party_del(client);
	party_del(server);
}
END_TEST

/* A restarted server knows nothing of its sessions, and a client that hears
 * nothing makes a new one; no message is lost that is sent again. */
START_TEST(test_dtls_client_leaves_a_silent_session)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_net *old = server->net;
	char address[64];
	cpnp_peer peer;

	snprintf(address, sizeof(address), "%s",
	    party_address(server, "127.0.0.1"));
	peer = connect_to(client, address);
	round_trip(client, peer, "one");
	/* killed: no close_notify leaves */
	while (!TAILQ_EMPTY(&old->dtls)) {
		struct net_peer *p = TAILQ_FIRST(&old->dtls);

		SSL_set_shutdown(p->session->ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		cpnp_net_disconnect(old, p->id);
	}
	party_del(server);
	server = server_new(NULL, address);
	party_send(client, peer, CPNP_BYTES_LIT("two"));
	WAIT(count(server).dtls_no_session == 1);
	client->clock_skew = 6;
	round_trip(client, peer, "two");
	ck_assert_uint_eq(count(server).dtls_sessions, 1);
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_keeps_datagrams_apart)
{
	static uint8_t big[CPNP_DATAGRAM_MAX];
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	cpnp_peer peer =
	    connect_to(client, party_address(server, "127.0.0.1"));

	/* these wait for the session, and leave together */
	party_send(client, peer, CPNP_BYTES_LIT("a"));
	party_send(client, peer, CPNP_BYTES_LIT("bb"));
	party_send(client, peer, CPNP_BYTES_LIT("bb"));
	WAIT(client->messages == 2);
	ck_assert_uint_eq(client->last_len, 2);
	for (size_t i = 1; i <= 100; i++)
		ck_assert_int_eq(
		    party_send(client, peer, (cpnp_bytes){big, i}), 0);
	WAIT(client->messages == 102);
	ck_assert_uint_eq(client->last_len, 100);
	memset(big, 0xa5, sizeof(big));
	party_send(client, peer, (cpnp_bytes){big, sizeof(big)});
	WAIT(client->messages == 103);
	ck_assert_uint_eq(client->last_len, sizeof(big));
	ck_assert_mem_eq(client->last, big, sizeof(big));
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_wildcard_keeps_the_source)
{
	struct party *server = server_new(NULL, "0.0.0.0:0");
	struct party *client = client_new("client");
	char text[CPNP_NET_ADDRESS_MAX];
	cpnp_peer peer, found;

	/* a connected socket takes answers from this address only */
	peer = connect_to(client, party_address(server, "127.0.0.6"));
	round_trip(client, peer, "one");
	ck_assert_int_eq(
	    cpnp_net_peer_address(server->net, server->peer, text), 0);
	ck_assert_int_eq(strncmp(text, "dtls:127.0.0.1:", 15), 0);
	ck_assert_ptr_nonnull(strstr(text, "@127.0.0.6:"));
	ck_assert_int_eq(cpnp_net_peer_find(server->net, text,
			     CPNP_BYTES_LIT("customer.example"), &found,
			     cpnp_now_read()),
	    0);
	ck_assert_uint_eq(found, server->peer);
	ck_assert_int_eq(cpnp_net_peer_find(server->net, text,
			     CPNP_BYTES_LIT("other.example"), &found,
			     cpnp_now_read()),
	    CPNP_ERR_NOT_FOUND);
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_sessions_are_bounded)
{
	const cpnp_net_limits limits = {.sessions_max = 2};
	struct party *server = server_new(&limits, "127.0.0.1:0");
	struct party *client = client_new("client");
	const char *to = party_address(server, "127.0.0.1");
	cpnp_peer first = connect_to(client, to), third;

	round_trip(client, first, "one");
	round_trip(client, connect_to(client, to), "two");
	third = connect_to(client, to);
	party_send(client, third, CPNP_BYTES_LIT("three"));
	WAIT(count(server).dtls_sessions_full == 1);
	ck_assert_uint_eq(count(server).sessions, 2);
	WAIT(client->events[CPNP_NET_DOWN] == 1);
	/* later the one that is idle longest gives way */
	server->clock_skew = 31;
	client->clock_skew = 1;
	round_trip(client, third, "again");
	ck_assert_uint_eq(count(server).sessions, 2);
	ck_assert_uint_eq(count(server).dtls_idle, 1);
	party_del(client);
	party_del(server);
}
END_TEST

/* --- strangers --- */

/* A ClientHello that the server will answer: one cipher suite, two groups,
 * two signature algorithms. */
static cpnp_bytes
hello(uint8_t number, const uint8_t *cookie, uint8_t cookie_len)
{
	static const uint8_t extensions[] = {0, 20, 0, 10, 0, 6, 0, 4, 0, 0x1d,
	    0, 0x17, 0, 13, 0, 6, 0, 4, 8, 7, 4, 3};
	static uint8_t out[256];
	uint8_t body = (uint8_t)(2 + 32 + 1 + 1 + cookie_len + 4 + 2 +
				 sizeof(extensions));
	uint8_t *p = out;

	memset(out, 0, sizeof(out));
	*p++ = 22;
	*p++ = 0xfe;
	*p++ = 0xff;
	p[7] = cookie_len != 0; /* record number */
	p += 8;
	p[1] = (uint8_t)(12 + body);
	p += 2;
	p[0] = 1;
	p[3] = body;
	p[5] = cookie_len != 0; /* message number */
	p[11] = body;
	p += 12;
	*p++ = 0xfe;
	*p++ = 0xfd;
	memset(p, number, 32);
	p += 33;
	*p++ = cookie_len;
	if (cookie_len != 0)
		memcpy(p, cookie, cookie_len);
	p += cookie_len;
	p[1] = 2;
	p[2] = 0xc0;
	p[3] = 0x2b;
	p[4] = 1;
	p += 6;
	memcpy(p, extensions, sizeof(extensions));
	return (cpnp_bytes){out, (size_t)(p + sizeof(extensions) - out)};
}

/* A stranger who has a real address and gets as far as the server's flight. */
static void
half_handshake(struct party *server, int fd, const char *to, uint8_t number)
{
	uint64_t before = count(server).dtls_hello_asked;
	uint8_t verify[512];
	size_t len = 0;

	bare_send(fd, to, hello(number, NULL, 0));
	WAIT(count(server).dtls_hello_asked == before + 1);
	/* behind the flight of an earlier one, if there was one */
	WAIT((len = bare_recv(fd, verify, sizeof(verify), NULL)) ==
	     NET_HELLO_VERIFY_LEN);
	bare_send(fd, to, hello(number, verify + 28, 16));
}

/* F11: no state, and no more bytes than came, whatever the ClientHello. */
START_TEST(test_dtls_flood_leaves_nothing_and_gets_less)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	uint8_t cookie[16] = {1}, out[2048], noise[200];
	const cpnp_env *env = cpnp_env_openssl();

	for (unsigned i = 0; i < 120; i++) {
		cpnp_bytes datagram = hello((uint8_t)i, cookie,
		    i % 2 != 0 ? 16 : 0);
		char ip[32];
		int fd;

		if (i % 4 == 3) {
			env->random(env->user, noise, sizeof(noise));
			noise[0] = (uint8_t)(20 + i % 5);
			noise[1] = 0xfe;
			datagram = (cpnp_bytes){noise, sizeof(noise)};
		}
		snprintf(ip, sizeof(ip), "127.0.7.%u", i + 1);
		fd = bare_socket(ip);
		bare_send(fd, to, datagram);
		WAIT(count(server).received == i + 1);
		ck_assert_uint_le(
		    bare_recv(fd, out, sizeof(out), NULL), datagram.len);
		close(fd);
	}
	ck_assert_uint_eq(count(server).dtls_hello_asked, 90);
	ck_assert_uint_eq(count(server).dtls_hello_wrong, 30);
	ck_assert_uint_eq(count(server).dtls_handshakes, 0);
	ck_assert_uint_eq(count(server).sessions, 0);
	ck_assert_uint_lt(
	    count(server).sent_bytes, count(server).received_bytes);
	ck_assert_uint_eq(server->net->handshakes.n, 0);
	ck_assert_uint_eq(server->net->peers.n, 0);
	party_del(server);
}
END_TEST

/* The cookie vouches for the address and for what was asked. */
/* A flood of ClientHellos is held to the rate of its source; another source is
 * answered, and so is a handshake that has begun. */
START_TEST(test_dtls_hellos_are_limited_by_source)
{
	const cpnp_net_limits limits = {
	    .handshake = {1, 4}, .prefix_len_v4 = 24};
	cpnp_tstamp start = cpnp_now_read().mono;
	struct party *server = server_new(&limits, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	static const char *const from[] = {
	    "127.0.7.1", "127.0.7.2", "127.0.8.1"};
	static const unsigned asked[] = {4, 4, 8}, limited[] = {6, 16, 22};

	for (unsigned i = 0; i < 3; i++) {
		int fd = bare_socket(from[i]);

		for (uint8_t j = 0; j < 10; j++)
			bare_send(fd, to, hello(j, NULL, 0));
		WAIT(count(server).received == 10 * (i + 1));
		close(fd);
		if (cpnp_now_read().mono - start >= CPNP_SECONDS(1))
			continue;
		ck_assert_uint_eq(count(server).dtls_hello_asked, asked[i]);
		ck_assert_uint_eq(
		    count(server).dtls_hello_limited, limited[i]);
	}
	/* what is over the rate has no answer */
	ck_assert_uint_eq(
	    count(server).sent, count(server).dtls_hello_asked);
	party_del(server);
}
END_TEST

/* The records of a handshake have a bucket too, beside that of the
 * ClientHellos of its source. */
START_TEST(test_dtls_handshakes_are_limited_by_source)
{
	const cpnp_net_limits limits = {.handshake = {1, 4}};
	cpnp_tstamp start = cpnp_now_read().mono;
	struct party *server = server_new(&limits, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int fd = bare_socket("127.0.0.1");
	uint8_t record[13 + 40] = {22, 0xfe, 0xfd, [12] = 40};

	half_handshake(server, fd, to, 1);
	WAIT(count(server).dtls_handshakes == 1);
	record[13] = 11; /* a part of a Certificate that never ends */
	record[14] = 1;
	record[18] = 2;
	record[24] = 28;
	for (uint8_t i = 0; i < 10; i++) {
		record[10] = i;
		bare_send(fd, to, (cpnp_bytes){record, sizeof(record)});
	}
	WAIT(count(server).received == 12);
	if (cpnp_now_read().mono - start < CPNP_SECONDS(1))
		ck_assert_uint_eq(count(server).dtls_handshake_limited, 6);
	ck_assert_uint_eq(count(server).dtls_hello_limited, 0);
	close(fd);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_cookie_belongs_to_its_hello)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int mine = bare_socket("127.0.0.1"), other = bare_socket("127.0.0.1");
	uint8_t verify[512];

	bare_send(mine, to, hello(1, NULL, 0));
	WAIT(bare_recv(mine, verify, sizeof(verify), NULL) != 0);
	bare_send(other, to, hello(1, verify + 28, 16));
	WAIT(count(server).dtls_hello_wrong == 1);
	bare_send(mine, to, hello(2, verify + 28, 16));
	WAIT(count(server).dtls_hello_wrong == 2);
	ck_assert_uint_eq(count(server).dtls_handshakes, 0);
	bare_send(mine, to, hello(1, verify + 28, 16));
	WAIT(count(server).dtls_handshakes == 1);
	close(mine);
	close(other);
	party_del(server);
}
END_TEST

/* The clock of the deadline is monotonic and ours. */
START_TEST(test_dtls_handshake_has_a_deadline)
{
	const cpnp_net_limits limits = {
	    .handshake_ns_max = CPNP_MILLISECONDS(30)};
	struct party *server = server_new(&limits, "127.0.0.1:0");
	int fd = bare_socket("127.0.0.1");

	half_handshake(server, fd, party_address(server, "127.0.0.1"), 1);
	WAIT(count(server).handshakes == 1);
	WAIT(count(server).handshakes == 0);
	ck_assert_uint_eq(count(server).dtls_handshakes_late, 1);
	ck_assert_uint_eq(server->events[CPNP_NET_FAILED], 1);
	ck_assert_uint_eq(server->net->handshakes.n, 0);
	close(fd);
	party_del(server);
}
END_TEST

START_TEST(test_dtls_handshakes_are_bounded)
{
	const cpnp_net_limits limits = {.handshakes_max = 2};
	struct party *server = server_new(&limits, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int fds[3];

	for (unsigned i = 0; i < 3; i++) {
		fds[i] = bare_socket("127.0.0.1");
		half_handshake(server, fds[i], to, (uint8_t)i);
	}
	WAIT(count(server).dtls_handshakes_full == 1);
	ck_assert_uint_eq(count(server).handshakes, 2);
	/* one that begins again takes the place of its own */
	half_handshake(server, fds[0], to, 77);
	WAIT(count(server).dtls_handshakes == 3);
	ck_assert_uint_eq(count(server).handshakes, 2);
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
	party_del(server);
}
END_TEST

/* --- on the path --- */

/* Somebody between client and server, who sees and can repeat everything. */
struct relay {
	int down;
	int up;
	char address[NET_ADDR_TEXT]; /* where clients find it */
	char client[NET_ADDR_TEXT];
	uint8_t record[2048]; /* the last record of data from the client */
	size_t record_len;
};

static void
relay_open(struct relay *relay, struct party *server)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct net_addr addr;

	memset(relay, 0, sizeof(*relay));
	relay->down = bare_socket("127.0.0.1");
	relay->up = bare_socket("127.0.0.1");
	getsockname(relay->down, (struct sockaddr *)&name, &len);
	net_addr_from_sockaddr(&addr, (struct sockaddr *)&name);
	net_addr_format(&addr, relay->address);
	net_addr_parse(&addr, party_address(server, "127.0.0.1"), 0);
	len = net_addr_to_sockaddr(&addr, &name);
	ck_assert_int_eq(
	    connect(relay->up, (struct sockaddr *)&name, len), 0);
}

static void
relay_pump(struct relay *relay)
{
	uint8_t bytes[2048];
	size_t len;

	while ((len = bare_recv(
		    relay->down, bytes, sizeof(bytes), relay->client)) != 0) {
		if (bytes[0] == 23) {
			memcpy(relay->record, bytes, len);
			relay->record_len = len;
		}
		ck_assert_int_eq(send(relay->up, bytes, len, 0), len);
	}
	while ((len = bare_recv(relay->up, bytes, sizeof(bytes), NULL)) != 0)
		bare_send(
		    relay->down, relay->client, (cpnp_bytes){bytes, len});
}

static void
relay_close(struct relay *relay)
{
	close(relay->down);
	close(relay->up);
}

#define PUMP(relay, condition) (relay_pump(relay), (condition))

/* R7: DTLS replay detection; and forged records do no harm. */
START_TEST(test_dtls_discards_replayed_and_forged_records)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	struct relay relay;
	cpnp_peer peer;

	relay_open(&relay, server);
	peer = connect_to(client, relay.address);
	party_send(client, peer, CPNP_BYTES_LIT("pay"));
	WAIT(PUMP(&relay, client->messages == 1));
	ck_assert_uint_gt(relay.record_len, 0);
	for (unsigned i = 1; i <= 5; i++) {
		send(relay.up, relay.record, relay.record_len, 0);
		WAIT(count(server).dtls_discarded == i);
	}
	for (size_t i = 13; i < relay.record_len; i++) {
		uint64_t before = count(server).dtls_discarded;

		relay.record[i] ^= 0x10;
		relay.record[10]++; /* a record number that is new */
		send(relay.up, relay.record, relay.record_len, 0);
		WAIT(count(server).dtls_discarded == before + 1);
		relay.record[i] ^= 0x10;
	}
	ck_assert_uint_eq(server->messages, 1);
	party_send(client, peer, CPNP_BYTES_LIT("more"));
	WAIT(PUMP(&relay, client->messages == 2));
	ck_assert_uint_eq(server->events[CPNP_NET_DOWN], 0);
	relay_close(&relay);
	party_del(client);
	party_del(server);
}
END_TEST

/* RFC 6347, section 4.2.8: a ClientHello from the address of a live session
 * changes nothing until its handshake is complete. */
START_TEST(test_dtls_session_is_replaced_only_by_a_session)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client"), *second;
	uint8_t verify[512];
	struct relay relay;
	cpnp_peer peer, first;
	size_t len;

	relay_open(&relay, server);
	peer = connect_to(client, relay.address);
	party_send(client, peer, CPNP_BYTES_LIT("one"));
	WAIT(PUMP(&relay, client->messages == 1));
	first = server->peer;

	/* somebody who can use the address, and has no certificate */
	len = hello(1, NULL, 0).len;
	ck_assert_int_eq(send(relay.up, hello(1, NULL, 0).ptr, len, 0), len);
	WAIT((len = bare_recv(relay.up, verify, sizeof(verify), NULL)) != 0);
	len = hello(1, verify + 28, 16).len;
	send(relay.up, hello(1, verify + 28, 16).ptr, len, 0);
	WAIT(count(server).handshakes == 1);
	party_send(client, peer, CPNP_BYTES_LIT("two"));
	WAIT(PUMP(&relay, client->messages == 2));
	ck_assert_uint_eq(server->peer, first);
	ck_assert_uint_eq(count(server).dtls_replaced, 0);

	/* somebody who has one: a restarted client, say */
	second = client_new("client");
	peer = connect_to(second, relay.address);
	party_send(second, peer, CPNP_BYTES_LIT("three"));
	WAIT(PUMP(&relay, second->messages == 1));
	ck_assert_uint_eq(count(server).dtls_replaced, 1);
	ck_assert_uint_eq(count(server).sessions, 1);
	ck_assert_uint_eq(server->down, first);
	ck_assert_uint_ne(server->peer, first);
	ck_assert_int_eq(
	    party_send(server, first, CPNP_BYTES_LIT("x")), CPNP_ERR_NOT_FOUND);
	relay_close(&relay);
	party_del(second);
	party_del(client);
	party_del(server);
}
END_TEST

/* Datagrams lost, repeated and swapped in the handshake. */
START_TEST(test_dtls_handshake_survives_loss)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = client_new("client");
	uint8_t bytes[2048];
	struct relay relay;
	unsigned dropped = 0;

	relay_open(&relay, server);
	party_send(client, connect_to(client, relay.address),
	    CPNP_BYTES_LIT("through"));
	/* the first flight of the server is lost, and its retransmission, by
	 * a timer of a second, arrives twice */
	WAIT((dropped += PUMP(&relay, count(server).handshakes == 1)) != 0);
	WAIT(bare_recv(relay.up, bytes, sizeof(bytes), NULL) != 0);
	while (bare_recv(relay.up, bytes, sizeof(bytes), NULL) != 0)
		dropped++;
	WAIT((dropped = (unsigned)bare_recv(
		  relay.up, bytes, sizeof(bytes), NULL)) != 0);
	bare_send(relay.down, relay.client, (cpnp_bytes){bytes, dropped});
	bare_send(relay.down, relay.client, (cpnp_bytes){bytes, dropped});
	WAIT(PUMP(&relay, client->messages == 1));
	ck_assert_uint_eq(count(server).dtls_handshakes, 1);
	relay_close(&relay);
	party_del(client);
	party_del(server);
}
END_TEST

static int
pki_make(void)
{
	const char *root = getenv("srcdir");
	char command[512];

	if (mkdtemp(pki) == NULL)
		return -1;
	snprintf(command, sizeof(command), "%s/tests/e2e/pki.sh %s",
	    root != NULL ? root : ".", pki);
	return system(command);
}

int
main(void)
{
	const TTest *const tests[] = {
	    test_dtls_admits_ed25519,
	    test_dtls_admits_p256,
	    test_dtls_admits_rsa,
	    test_dtls_takes_mail_for_identity,
	    test_dtls_works_over_ipv6,
	    test_dtls_refuses_client_of_another_ca,
	    test_dtls_refuses_expired_client,
	    test_dtls_refuses_revoked_client,
	    test_dtls_refuses_client_without_name,
	    test_dtls_refuses_client_without_certificate,
	    test_dtls_refuses_version_1_0,
	    test_dtls_refuses_ciphers_without_aead,
	    test_dtls_client_refuses_another_ca,
	    test_dtls_client_refuses_wrong_name,
	    test_dtls_client_refuses_common_name,
	    test_dtls_client_refuses_wrong_srv_id,
	    test_dtls_client_refuses_server_without_srv_id,
	    test_dtls_client_refuses_certificate_of_a_client,
	    test_dtls_client_takes_srv_id_and_ip,
	    test_dtls_client_hears_that_nobody_listens,
	    test_reload_names_the_file_and_keeps_the_old,
	    test_dtls_resumes,
	    test_dtls_resumption_checks_revocation,
	    test_dtls_resumption_checks_expiry,
	    test_dtls_client_checks_server_on_resumption,
	    test_dtls_resumption_ends_with_age,
	    test_dtls_reload_ends_live_sessions_of_the_revoked,
	    test_dtls_live_session_ends_with_its_certificate,
	    test_dtls_idle_session_is_closed,
	    test_dtls_client_leaves_a_silent_session,
	    test_dtls_keeps_datagrams_apart,
	    test_dtls_wildcard_keeps_the_source,
	    test_dtls_sessions_are_bounded,
	    test_dtls_flood_leaves_nothing_and_gets_less,
	    test_dtls_hellos_are_limited_by_source,
	    test_dtls_handshakes_are_limited_by_source,
	    test_dtls_cookie_belongs_to_its_hello,
	    test_dtls_handshake_has_a_deadline,
	    test_dtls_handshakes_are_bounded,
	    test_dtls_discards_replayed_and_forged_records,
	    test_dtls_session_is_replaced_only_by_a_session,
	    test_dtls_handshake_survives_loss,
	};
	char command[64];
	int status;

	if (pki_make() != 0) {
		fprintf(stderr, "test_dtls: tests/e2e/pki.sh failed\n");
		return EXIT_FAILURE;
	}
	/* WAIT has a deadline of its own, which says what it waited for */
	setenv("CK_DEFAULT_TIMEOUT", "30", 0);
	status = unit_run("dtls", tests, sizeof(tests) / sizeof(tests[0]));
	snprintf(command, sizeof(command), "rm -rf %s", pki);
	return system(command) == 0 ? status : EXIT_FAILURE;
}
