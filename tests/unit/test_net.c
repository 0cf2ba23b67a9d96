/*
 * libcpnp-net without DTLS: its pure parts, and plain UDP on loopback.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/parts.h>

#include "messages.h"
#include "net_fixture.h"

static const cpnp_net_access loopback[] = {
    {.prefix = "127.0.0.0/8", .identity = "customer.example"},
    {.prefix = "::1", .identity = "six.example"},
};

static struct party *
server_new(const cpnp_net_limits *limits, const char *address)
{
	struct party *server = party_new(limits);

	ck_assert_int_eq(
	    cpnp_net_set_access(server->net, loopback, 2, NULL), 0);
	party_listen(server, CPNP_TRANSPORT_UDP, address);
	return server;
}

/* --- pure parts --- */

START_TEST(test_env_openssl_digests_parts)
{
	const cpnp_env *env = cpnp_env_openssl();
	const cpnp_bytes parts[] = {
	    CPNP_BYTES_LIT("a"), CPNP_BYTES_NONE, CPNP_BYTES_LIT("bc")};
	uint8_t want[32], got[32], noise[2][16];

	unit_hex("ba7816bf8f01cfea414140de5dae2223"
		 "b00361a396177a9cb410ff61f20015ad",
	    want);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(env->sha256(env->user, parts, 3, got), 0);
		ck_assert_mem_eq(got, want, 32);
	}
	ck_assert_int_eq(env->random(env->user, noise[0], 16), 0);
	ck_assert_int_eq(env->random(env->user, noise[1], 16), 0);
	ck_assert_mem_ne(noise[0], noise[1], 16);
}
END_TEST

START_TEST(test_address_parses_and_formats)
{
	static const char *const good[][2] = {
	    {"192.0.2.1", "192.0.2.1:7"},
	    {"192.0.2.1:49921", "192.0.2.1:49921"},
	    {"::1", "[::1]:7"},
	    {"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
	    {"[fe80::1%4]:1", "[fe80::1%4]:1"},
	};
	static const char *const bad[] = {"", ":", "192.0.2.1:", "192.0.2:1",
	    "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:1x", "[::1",
	    "[::1]x", "[::1]:", "::ffff:192.0.2.1", "host", "[]:1",
	    "fe80::1%"};
	char text[NET_ADDR_TEXT];
	struct net_addr addr;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_int_eq(net_addr_parse(&addr, good[i][0], 7), 0);
		net_addr_format(&addr, text);
		ck_assert_str_eq(text, good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(net_addr_parse(&addr, bad[i], 7) ==
				  CPNP_ERR_INVALID,
		    "%s", bad[i]);
}
END_TEST

START_TEST(test_cookie_lives_two_slots)
{
	const cpnp_tstamp start = CPNP_SECONDS(1000);
	struct net_cookie_jar jar;
	uint8_t cookie[NET_COOKIE_LEN];
	const cpnp_bytes mine = CPNP_BYTES_LIT("me"), bytes = {cookie, 16};

	ck_assert_int_eq(net_cookie_init(&jar, cpnp_env_openssl(), start), 0);
	ck_assert_int_eq(net_cookie_make(&jar, mine, cookie, start), 0);
	ck_assert_int_eq(net_cookie_check(&jar, mine, bytes, start), 0);
	ck_assert_int_eq(net_cookie_check(&jar, CPNP_BYTES_LIT("you"), bytes,
			     start),
	    CPNP_ERR_COOKIE);
	ck_assert_int_eq(net_cookie_check(&jar, mine,
			     (cpnp_bytes){cookie, 15}, start),
	    CPNP_ERR_COOKIE);
	ck_assert_int_eq(
	    net_cookie_check(&jar, mine, bytes, start + NET_COOKIE_SLOT_NS),
	    0);
	ck_assert_int_eq(net_cookie_check(&jar, mine, bytes,
			     start + 2 * NET_COOKIE_SLOT_NS - 1),
	    0);
	ck_assert_int_eq(net_cookie_check(&jar, mine, bytes,
			     start + 2 * NET_COOKIE_SLOT_NS),
	    CPNP_ERR_COOKIE);
	/* the same after a time in which nobody asked */
	ck_assert_int_eq(net_cookie_init(&jar, cpnp_env_openssl(), start), 0);
	ck_assert_int_eq(net_cookie_make(&jar, mine, cookie, start), 0);
	ck_assert_int_eq(net_cookie_check(&jar, mine, bytes,
			     start + 2 * NET_COOKIE_SLOT_NS),
	    CPNP_ERR_COOKIE);
	ck_assert_int_eq(net_cookie_make(&jar, mine, cookie,
			     start + 2 * NET_COOKIE_SLOT_NS),
	    0);
	cookie[0] ^= 1;
	ck_assert_int_eq(net_cookie_check(&jar, mine, bytes,
			     start + 2 * NET_COOKIE_SLOT_NS),
	    CPNP_ERR_COOKIE);
}
END_TEST

/* The shortest ClientHello there is: no session, cookie or extension. */
static size_t
hello_build(uint8_t out[256], const uint8_t *cookie, size_t cookie_len)
{
	size_t body = 2 + 32 + 1 + 1 + cookie_len + 4 + 2;
	uint8_t *p = out;

	memset(out, 0, 256);
	*p++ = 22;
	*p++ = 0xfe;
	*p++ = 0xff;
	p += 8;
	*p++ = (uint8_t)((12 + body) >> 8);
	*p++ = (uint8_t)(12 + body);
	*p++ = 1;
	p[1] = (uint8_t)(body >> 8);
	p[2] = (uint8_t)body;
	p[9] = (uint8_t)(body >> 8);
	p[10] = (uint8_t)body;
	p += 11;
	*p++ = 0xfe;
	*p++ = 0xfd;
	memset(p, 0x55, 32);
	p += 33;
	*p++ = (uint8_t)cookie_len;
	if (cookie_len != 0)
		memcpy(p, cookie, cookie_len);
	p += cookie_len;
	p[1] = 2;
	p[2] = 0xc0;
	p[3] = 0x2b;
	p[4] = 1;
	return (size_t)(p + 6 - out);
}

START_TEST(test_hello_is_answered_with_less)
{
	uint8_t bytes[256], out[NET_HELLO_VERIFY_LEN], cookie[16] = {7};
	size_t len = hello_build(bytes, NULL, 0);
	struct net_hello hello;

	ck_assert_int_eq(net_hello_parse(&hello, (cpnp_bytes){bytes, len}), 0);
	ck_assert_uint_eq(hello.cookie.len, 0);
	net_hello_verify(&hello, cookie, out);
	ck_assert_uint_lt(sizeof(out), len);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_ne(
		    net_hello_parse(&hello, (cpnp_bytes){bytes, cut}), 0);
	ck_assert_int_ne(
	    net_hello_parse(&hello, (cpnp_bytes){bytes, len + 1}), 0);
	bytes[24]--; /* a fragment */
	ck_assert_int_ne(net_hello_parse(&hello, (cpnp_bytes){bytes, len}), 0);
}
END_TEST

START_TEST(test_hello_survives_every_changed_byte)
{
	uint8_t bytes[256], cookie[32] = {0};
	size_t len = hello_build(bytes, cookie, sizeof(cookie));
	struct net_hello hello;

	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			uint8_t *exact = malloc(len);

			ck_assert_ptr_nonnull(exact);
			memcpy(exact, bytes, len);
			exact[i] ^= (uint8_t)(1 << bit);
			(void)net_hello_parse(
			    &hello, (cpnp_bytes){exact, len});
			free(exact);
		}
	}
}
END_TEST

START_TEST(test_table_finds_and_forgets)
{
	static struct net_node nodes[5000];
	struct net_table table;

	ck_assert_int_eq(net_table_init(&table, cpnp_env_openssl()), 0);
	for (size_t i = 0; i < 5000; i++) {
		nodes[i].key.port = (uint16_t)i;
		ck_assert_ptr_null(net_table_get(&table, &nodes[i].key));
		net_table_put(&table, &nodes[i]);
	}
	for (size_t i = 0; i < 5000; i += 2)
		net_table_remove(&table, &nodes[i]);
	for (size_t i = 0; i < 5000; i++)
		ck_assert_ptr_eq(net_table_get(&table, &nodes[i].key),
		    i % 2 != 0 ? &nodes[i] : NULL);
	ck_assert_uint_eq(table.n, 2500);
	net_table_fini(&table);
}
END_TEST

START_TEST(test_access_list_names_what_is_wrong)
{
	static const cpnp_net_access bad[] = {
	    {.prefix = "192.0.2.0/33", .identity = "x"},
	    {.prefix = "192.0.2.1/24", .identity = "x"},
	    {.prefix = "192.0.2.0/", .identity = "x"},
	    {.prefix = "192.0.2.0/2x", .identity = "x"},
	    {.prefix = "192.0.2.0:1/24", .identity = "x"},
	    {.prefix = "example", .identity = "x"},
	    {.prefix = "2001:db8::/129", .identity = "x"},
	    {.prefix = "192.0.2.0/24", .identity = ""},
	    {.prefix = "192.0.2.0/24", .identity = NULL},
	    {.prefix = NULL, .identity = "x"},
	    {.prefix = "192.0.2.0/24", .identity = "x", .prefix_len = 33},
	    {.prefix = "2001:db8::/32", .identity = "x", .prefix_len = 129},
	};
	const cpnp_net_access twice[] = {
	    {.prefix = "192.0.2.0/24", .identity = "x"},
	    {.prefix = "192.0.2.0/24", .identity = "y"}};
	struct party *party = party_new(NULL);
	cpnp_diag diag;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(
		    cpnp_net_set_access(party->net, &bad[i], 1, &diag),
		    CPNP_ERR_CONFIG);
		if (bad[i].prefix != NULL)
			ck_assert_str_eq(diag.where, bad[i].prefix);
	}
	ck_assert_int_eq(cpnp_net_set_access(party->net, twice, 2, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_int_eq(cpnp_net_set_access(party->net, loopback,
			     CPNP_NET_ACCESS_MAX + 1, &diag),
	    CPNP_ERR_FULL);
	party_del(party);
}
END_TEST

START_TEST(test_listen_refuses_udp_without_access_list)
{
	struct party *party = party_new(NULL);
	cpnp_diag diag;

	ck_assert_int_eq(cpnp_net_listen(party->net, CPNP_TRANSPORT_UDP,
			     "127.0.0.1:0", &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "access list"));
	ck_assert_int_eq(cpnp_net_listen(party->net, CPNP_TRANSPORT_DTLS,
			     "127.0.0.1:0", &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "certificate"));
	ck_assert_int_eq(cpnp_net_set_access(party->net, loopback, 2, NULL),
	    0);
	ck_assert_int_eq(cpnp_net_listen(party->net, CPNP_TRANSPORT_UDP,
			     "localhost:1", &diag),
	    CPNP_ERR_CONFIG);
	/* not one of our addresses */
	ck_assert_int_eq(cpnp_net_listen(party->net, CPNP_TRANSPORT_UDP,
			     "192.0.2.77:1", &diag),
	    CPNP_ERR_IO);
	ck_assert_str_eq(diag.where, "192.0.2.77:1");
	party_del(party);
}
END_TEST

/* --- plain UDP between two parties --- */

static void
check_cookie_exchange(const char *ip, const char *identity)
{
	char listen[64];
	struct party *server, *client = party_new(NULL);
	cpnp_net_target target = {
	    .transport = CPNP_TRANSPORT_UDP, .identity = "provider.example"};
	cpnp_bytes first = quotation(CPNP_EDITION_RFC8921, 1, 100);
	cpnp_bytes second = quotation(CPNP_EDITION_DRAFT02, 2, 100);
	cpnp_peer peer;
	cpnp_msg msg;

	snprintf(listen, sizeof(listen),
	    strchr(ip, ':') != NULL ? "[%s]:0" : "%s:0", ip);
	server = server_new(NULL, listen);
	server->echo = true;
	target.address = party_address(server, ip);
	peer = party_connect(client, &target);
	ck_assert_int_eq(party_send(client, peer, first), 0);
	WAIT(client->messages == 1);
	ck_assert_str_eq(server->identity, identity);
	ck_assert_str_eq(client->identity, "provider.example");
	ck_assert_uint_eq(client->peer, peer);
	ck_assert_uint_eq(count(server).udp_cookie_asked, 1);
	ck_assert_uint_eq(count(server).udp_proved, 1);
	ck_assert_uint_eq(count(server).delivered, 1);
	ck_assert_uint_eq(count(client).udp_cookie_taken, 1);

	/* the cookie is kept, and the message is the one that was sent */
	ck_assert_int_eq(party_send(client, peer, second), 0);
	WAIT(client->messages == 2);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     (cpnp_bytes){server->last, server->last_len},
			     NULL),
	    0);
	ck_assert(cpnp_msg_has(&msg, CPNP_ATTR_COOKIE));
	ck_assert_int_eq(msg.edition, CPNP_EDITION_DRAFT02);
	ck_assert_uint_eq(count(server).udp_cookie_asked, 1);
	ck_assert_uint_gt(server->batches, 0);
	party_del(client);
	party_del(server);
}

START_TEST(test_udp_asks_for_a_cookie_first)
{
	check_cookie_exchange("127.0.0.1", "customer.example");
}
END_TEST

START_TEST(test_udp_works_over_ipv6)
{
	check_cookie_exchange("::1", "six.example");
}
END_TEST

/* A server that restarts has another secret; the client is asked again. */
START_TEST(test_udp_client_survives_restart_of_server)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = party_new(NULL);
	char address[64];
	cpnp_peer peer;
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = address,
	    .identity = "provider.example"};

	snprintf(address, sizeof(address), "%s",
	    party_address(server, "127.0.0.1"));
	peer = party_connect(client, &target);
	party_send(client, peer, quotation(CPNP_EDITION_RFC8921, 1, 100));
	WAIT(server->messages == 1);
	party_del(server);
	server = server_new(NULL, address);
	party_send(client, peer, quotation(CPNP_EDITION_RFC8921, 2, 100));
	WAIT(server->messages == 1);
	ck_assert_uint_eq(count(server).udp_cookie_wrong, 1);
	ck_assert_uint_eq(count(client).udp_cookie_taken, 2);
	party_del(client);
	party_del(server);
}
END_TEST

START_TEST(test_udp_client_hears_that_nobody_listens)
{
	struct party *client = party_new(NULL);
	int fd = bare_socket("127.0.0.1");
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char address[64];
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = address,
	    .identity = "provider.example"};

	getsockname(fd, (struct sockaddr *)&sin, &len);
	snprintf(address, sizeof(address), "127.0.0.1:%u",
	    ntohs(sin.sin_port));
	close(fd);
	party_send(client, party_connect(client, &target),
	    quotation(CPNP_EDITION_RFC8921, 1, 100));
	WAIT(client->events[CPNP_NET_FAILED] == 1);
	ck_assert_str_eq(client->diag.where, address);
	party_del(client);
}
END_TEST

START_TEST(test_udp_connect_names_what_is_wrong)
{
	static const cpnp_net_target bad[] = {
	    {CPNP_TRANSPORT_UDP, "", NULL, NULL, NULL, "x"},
	    {CPNP_TRANSPORT_UDP, NULL, NULL, NULL, NULL, "x"},
	    {CPNP_TRANSPORT_UDP, "127.0.0.1:0", NULL, NULL, NULL, "x"},
	    {CPNP_TRANSPORT_UDP, "127.0.0.1:1:", NULL, NULL, NULL, "x"},
	    {CPNP_TRANSPORT_UDP, "127.0.0.1", "here", NULL, NULL, "x"},
	    {CPNP_TRANSPORT_UDP, "127.0.0.1", "::1", NULL, NULL, "x"},
	    {CPNP_TRANSPORT_UDP, "127.0.0.1", NULL, NULL, NULL, NULL},
	    {CPNP_TRANSPORT_DTLS, "127.0.0.1", NULL, NULL, NULL, NULL},
	};
	struct party *client = party_new(NULL);
	cpnp_peer peer;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cpnp_diag diag = {0};

		ck_assert_int_eq(
		    cpnp_net_connect(client->net, &bad[i], &peer, &diag),
		    CPNP_ERR_CONFIG);
		ck_assert_int_ne(diag.why[0], '\0');
	}
	party_del(client);
}
END_TEST

/* C11: CPNP_PORT may be the source port too (contradictions.md, 22). */
START_TEST(test_udp_client_binds_its_source)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = party_new(NULL);
	char text[CPNP_NET_ADDRESS_MAX], source[64];
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .source = source,
	    .identity = "provider.example"};
	int fd = bare_socket("127.0.0.3");
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	getsockname(fd, (struct sockaddr *)&sin, &len);
	close(fd);
	snprintf(source, sizeof(source), "127.0.0.3:%u", ntohs(sin.sin_port));
	target.address = party_address(server, "127.0.0.1");
	party_send(client, party_connect(client, &target),
	    quotation(CPNP_EDITION_RFC8921, 1, 100));
	WAIT(server->messages == 1);
	ck_assert_int_eq(
	    cpnp_net_peer_address(server->net, server->peer, text), 0);
	ck_assert_ptr_nonnull(strstr(text, source));
	party_del(client);
	party_del(server);
}
END_TEST

/* --- strangers --- */

/* F11: from many addresses, in both editions, and as garbage. */
START_TEST(test_udp_never_answers_with_more_than_came)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	uint8_t out[CPNP_DATAGRAM_MAX];
	size_t sent = 0;

	for (unsigned i = 0; i < 60; i++) {
		cpnp_bytes request = quotation(i % 2 == 0
						   ? CPNP_EDITION_RFC8921
						   : CPNP_EDITION_DRAFT02,
		    (uint8_t)i, 40 + i);
		char ip[32];
		int fd;

		if (i % 3 == 2)
			request.len--;
		snprintf(ip, sizeof(ip), "127.0.1.%u", i + 1);
		fd = bare_socket(ip);
		bare_send(fd, to, request);
		WAIT(count(server).received == i + 1);
		sent = bare_recv(fd, out, sizeof(out), NULL);
		ck_assert_uint_le(sent, request.len);
		ck_assert((i % 3 == 2) == (sent == 0));
		close(fd);
	}
	ck_assert_uint_eq(count(server).addresses, 0);
	ck_assert_uint_eq(count(server).delivered, 0);
	ck_assert_uint_eq(count(server).udp_garbage, 20);
	ck_assert_uint_eq(count(server).udp_cookie_asked, 40);
	ck_assert_uint_le(
	    count(server).sent_bytes, count(server).received_bytes);
	party_del(server);
}
END_TEST

static cpnp_bytes
short_message(cpnp_msg *msg, const char *id, uint8_t store[512])
{
	cpnp_buf buf;

	msg->edition = CPNP_EDITION_RFC8921;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER) |
			CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
			CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID);
	msg->transaction_id = CPNP_BYTES_LIT("12345678");
	msg->customer_order_id = cpnp_bytes_str(id);
	cpnp_buf_init_fixed(&buf, store, 512);
	ck_assert_int_eq(cpnp_msg_encode(msg, &buf, NULL), 0);
	return cpnp_buf_bytes(&buf);
}

/* A CANCEL with a short identifier has no room for the answer: silence.  With
 * a long one the answer leaves it out.  A FAIL is never answered. */
START_TEST(test_udp_short_requests_get_less_or_nothing)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	uint8_t store[512], out[512];
	int fd = bare_socket("127.0.0.1");
	cpnp_msg cancel = {.method = CPNP_METHOD_CANCEL}, answer;
	cpnp_msg fail = {.method = CPNP_METHOD_FAIL,
	    .present = CPNP_ATTR_BIT(CPNP_ATTR_STATUS_CODE),
	    .status = CPNP_STATUS_MESSAGE_VALIDATION};
	size_t len;

	bare_send(fd, to, short_message(&cancel, "a", store));
	WAIT(count(server).udp_cookie_silent == 1);
	bare_send(fd, to,
	    short_message(&fail, "a-customer-order-identifier-of-40-bytes-",
		store));
	WAIT(count(server).udp_cookie_silent == 2);
	ck_assert_uint_eq(bare_recv(fd, out, sizeof(out), NULL), 0);
	bare_send(fd, to,
	    short_message(&cancel, "a-customer-order-identifier", store));
	WAIT(count(server).udp_cookie_asked == 1);
	len = bare_recv(fd, out, sizeof(out), NULL);
	ck_assert_int_eq(
	    cpnp_msg_decode(&answer, (cpnp_bytes){out, len}, NULL), 0);
	ck_assert_int_eq(answer.method, CPNP_METHOD_FAIL);
	ck_assert_int_eq(
	    answer.status, CPNP_STATUS_AUTHENTICATION_REQUIRED);
	ck_assert(cpnp_msg_has(&answer, CPNP_ATTR_TRANSACTION_ID));
	ck_assert(!cpnp_msg_has(&answer, CPNP_ATTR_CUSTOMER_ORDER_ID));
	ck_assert_uint_eq(count(server).addresses, 0);
	close(fd);
	party_del(server);
}
END_TEST

/* The shortest message of a method that has identifiers of those lengths, with
 * a blank cookie. */
static cpnp_bytes
blank_request(cpnp_edition edition, int method, size_t transaction_len,
    size_t id_len, uint8_t store[1024])
{
	static const uint8_t blank[NET_COOKIE_BLANK_LEN];
	static const uint8_t transaction[CPNP_TRANSACTION_ID_MAX] = {1};
	static char id[CPNP_ORDER_ID_MAX];
	cpnp_msg msg = message_of(edition, method,
	    attrs_of(edition, method, CPNP_MANDATORY) | BIT(TRANSACTION_ID));
	uint8_t bare[1024];
	cpnp_buf buf, out;
	cpnp_diag diag;

	if (method == CPNP_METHOD_UPDATE)
		msg.present |= BIT(EXPECTED_RESPONSE_TIME);
	memset(id, 'i', sizeof(id));
	msg.transaction_id = (cpnp_bytes){transaction, transaction_len};
	msg.customer_order_id = (cpnp_bytes){(uint8_t *)id, id_len};
	msg.provider_order_id = msg.customer_order_id;
	cpnp_buf_init_fixed(&buf, bare, sizeof(bare));
	ck_assert_msg(cpnp_msg_encode(&msg, &buf, &diag) == 0, "%s: %s",
	    diag.where, diag.why);
	cpnp_buf_init_fixed(&out, store, 1024);
	ck_assert_int_eq(
	    cpnp_msg_set_cookie(cpnp_buf_bytes(&buf),
		(cpnp_bytes){blank, sizeof(blank)}, &out),
	    0);
	return cpnp_buf_bytes(&out);
}

/* What the server says to a request with a blank cookie: the FAIL with all
 * identifiers of the request, no longer than the request. */
static void
check_blank(struct party *server, int fd, cpnp_bytes request)
{
	const uint64_t ids = BIT(SEQUENCE_NUMBER) | BIT(TRANSACTION_ID) |
			     BIT(CUSTOMER_ORDER_ID) | BIT(PROVIDER_ORDER_ID);
	uint64_t asked = count(server).udp_cookie_asked;
	uint8_t out[1024];
	cpnp_msg sent, answer;
	size_t len;

	bare_send(fd, party_address(server, "127.0.0.1"), request);
	WAIT(count(server).udp_cookie_asked == asked + 1);
	len = bare_recv(fd, out, sizeof(out), NULL);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, request.len);
	ck_assert_int_eq(cpnp_msg_decode(&sent, request, NULL), 0);
	ck_assert_int_eq(
	    cpnp_msg_decode(&answer, (cpnp_bytes){out, len}, NULL), 0);
	ck_assert_int_eq(answer.status, CPNP_STATUS_AUTHENTICATION_REQUIRED);
	ck_assert_uint_eq(answer.cookie.len, NET_COOKIE_LEN);
	ck_assert_uint_eq(answer.present & ids, sent.present & ids);
}

/* F11: whatever the client asks first, a blank cookie leaves room for the
 * answer, and the answer is no longer than the request. */
START_TEST(test_udp_blank_cookie_makes_room_for_every_answer)
{
	const cpnp_net_access fast = {.prefix = "127.0.0.0/8",
	    .identity = "a.example",
	    .rate = {1000000, 1000000}};
	struct party *server = server_new(NULL, "127.0.0.1:0");
	int fd = bare_socket("127.0.0.1");
	uint8_t store[1024];
	uint64_t requests = 0;

	ck_assert_int_eq(
	    cpnp_net_set_access(server->net, &fast, 1, NULL), 0);
	for (int method = 0; method < 2 * CPNP_METHOD_END; method++) {
		cpnp_edition edition = method % 2 == 0 ? CPNP_EDITION_RFC8921
						       : CPNP_EDITION_DRAFT02;

		if (!cpnp_method_exists(edition, method / 2) ||
		    method / 2 == CPNP_METHOD_FAIL)
			continue;
		for (size_t id = 1; id <= CPNP_ORDER_ID_MAX; id++, requests++)
			check_blank(server, fd,
			    blank_request(edition, method / 2,
				CPNP_TRANSACTION_ID_MIN + id %
				    (CPNP_TRANSACTION_ID_MAX -
					CPNP_TRANSACTION_ID_MIN + 1),
				id, store));
	}
	ck_assert_uint_gt(requests, 1000);
	ck_assert_uint_eq(count(server).udp_cookie_asked, requests);
	/* it is none, and not a wrong one */
	ck_assert_uint_eq(count(server).udp_cookie_wrong, 0);
	ck_assert_uint_eq(count(server).udp_cookie_silent, 0);
	ck_assert_uint_eq(count(server).addresses, 0);
	ck_assert_uint_eq(count(server).delivered, 0);
	close(fd);
	party_del(server);
}
END_TEST

/* A client whose first message is the shortest there is gets through, and so
 * does the next one to a server that has forgotten it. */
START_TEST(test_udp_client_makes_a_short_message_longer)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = party_new(NULL);
	char address[64];
	uint8_t store[512];
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = address,
	    .identity = "provider.example"};
	cpnp_msg cancel = {.method = CPNP_METHOD_CANCEL};
	cpnp_bytes message = short_message(&cancel, "a", store);
	cpnp_peer peer;

	snprintf(address, sizeof(address), "%s",
	    party_address(server, "127.0.0.1"));
	peer = party_connect(client, &target);
	ck_assert_int_eq(party_send(client, peer, message), 0);
	WAIT(server->messages == 1);
	ck_assert_uint_eq(count(server).udp_cookie_asked, 1);
	ck_assert_uint_eq(count(server).udp_cookie_wrong, 0);
	party_del(server);
	server = server_new(NULL, address);
	ck_assert_int_eq(party_send(client, peer, message), 0);
	WAIT(server->messages == 1);
	ck_assert_uint_eq(count(server).udp_cookie_wrong, 1);
	ck_assert_uint_eq(count(server).udp_cookie_silent, 0);
	party_del(client);
	party_del(server);
}
END_TEST

/* A server without cookies has the message at once, blank cookie and all;
 * what needs no room is sent as it is. */
START_TEST(test_udp_client_sends_a_long_message_as_it_is)
{
	static const size_t lens[] = {100, NET_FAIL_MAX};
	const cpnp_net_access entry = {.prefix = "127.0.0.0/8",
	    .identity = "a.example",
	    .no_cookie = true};
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = party_new(NULL);
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = party_address(server, "127.0.0.1"),
	    .identity = "provider.example"};
	cpnp_peer peer = party_connect(client, &target);
	cpnp_msg msg;

	ck_assert_int_eq(
	    cpnp_net_set_access(server->net, &entry, 1, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		cpnp_bytes message =
		    quotation(CPNP_EDITION_RFC8921, 1, lens[i]);

		ck_assert_int_eq(party_send(client, peer, message), 0);
		WAIT(server->messages == i + 1);
		ck_assert_int_eq(
		    cpnp_msg_decode(&msg,
			(cpnp_bytes){server->last, server->last_len}, NULL),
		    0);
		ck_assert(cpnp_msg_has(&msg, CPNP_ATTR_COOKIE) == (i == 0));
		ck_assert_uint_eq(server->last_len == message.len, i == 1);
	}
	party_del(client);
	party_del(server);
}
END_TEST

/* A part is a message like any other: one of an address that has not proved
 * itself is answered with a cookie and leaves nothing behind (issue 3, 3);
 * with the cookie it is delivered. */
START_TEST(test_udp_part_is_asked_for_a_cookie)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int fd = bare_socket("127.0.0.1");
	uint8_t out[CPNP_DATAGRAM_MAX], again[CPNP_DATAGRAM_MAX];
	cpnp_bytes whole = quotation(CPNP_EDITION_RFC8921, 1, 4000);
	cpnp_parts_effect effect;
	cpnp_parts *parts;
	cpnp_msg answer;
	cpnp_buf buf;
	size_t len;

	ck_assert_int_eq(cpnp_parts_new(&parts, cpnp_env_openssl()), 0);
	ck_assert_int_eq(cpnp_parts_send(parts, 1, whole, 1200, false, 1), 0);
	ck_assert(cpnp_parts_next(parts, &effect));
	bare_send(fd, to, effect.bytes);
	WAIT(count(server).udp_cookie_asked == 1);
	len = bare_recv(fd, out, sizeof(out), NULL);
	ck_assert_uint_le(len, effect.bytes.len);
	ck_assert_int_eq(
	    cpnp_msg_decode(&answer, (cpnp_bytes){out, len}, NULL), 0);
	ck_assert_int_eq(
	    answer.status, CPNP_STATUS_AUTHENTICATION_REQUIRED);
	ck_assert(cpnp_msg_has(&answer, CPNP_ATTR_TRANSACTION_ID));
	ck_assert_uint_eq(count(server).addresses, 0);
	ck_assert_uint_eq(count(server).delivered, 0);
	cpnp_buf_init_fixed(&buf, again, 1200);
	ck_assert_int_eq(
	    cpnp_msg_set_cookie(effect.bytes, answer.cookie, &buf), 0);
	bare_send(fd, to, cpnp_buf_bytes(&buf));
	WAIT(server->messages == 1);
	ck_assert(cpnp_parts_is_part(
	    (cpnp_bytes){server->last, server->last_len}));
	ck_assert_uint_eq(cpnp_net_datagram_max(server->net, server->peer),
	    1280 - 48);
	ck_assert_uint_eq(cpnp_net_datagram_max(server->net, 999), 0);
	cpnp_parts_del(parts);
	close(fd);
	party_del(server);
}
END_TEST

START_TEST(test_udp_refuses_silently_who_is_not_listed)
{
	const cpnp_net_access one = {.prefix = "127.0.0.9",
	    .identity = "customer.example",
	    .no_cookie = true};
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int fd = bare_socket("127.0.0.8");
	uint8_t out[512];

	ck_assert_int_eq(cpnp_net_set_access(server->net, &one, 1, NULL), 0);
	bare_send(fd, to, quotation(CPNP_EDITION_RFC8921, 1, 300));
	WAIT(count(server).received == 1);
	ck_assert_uint_eq(count(server).udp_not_listed, 1);
	ck_assert_uint_eq(count(server).sent, 0);
	ck_assert_uint_eq(bare_recv(fd, out, sizeof(out), NULL), 0);
	close(fd);
	party_del(server);
}
END_TEST

START_TEST(test_udp_longest_prefix_counts_and_no_cookie_delivers)
{
	const cpnp_net_access list[] = {
	    {.prefix = "127.0.0.0/8", .identity = "wide.example"},
	    {.prefix = "127.0.2.0/24", .identity = "narrow.example",
	        .no_cookie = true}};
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int narrow = bare_socket("127.0.2.1"), wide = bare_socket("127.0.3.1");

	ck_assert_int_eq(cpnp_net_set_access(server->net, list, 2, NULL), 0);
	bare_send(narrow, to, quotation(CPNP_EDITION_RFC8921, 1, 10));
	WAIT(server->messages == 1);
	ck_assert_str_eq(server->identity, "narrow.example");
	bare_send(wide, to, quotation(CPNP_EDITION_RFC8921, 1, 10));
	WAIT(count(server).received == 2);
	ck_assert_uint_eq(server->messages, 1);
	ck_assert_uint_eq(count(server).udp_cookie_asked, 1);
	/* what the new list no longer covers is forgotten */
	ck_assert_uint_eq(count(server).addresses, 1);
	ck_assert_int_eq(cpnp_net_set_access(server->net, list, 1, NULL), 0);
	ck_assert_uint_eq(count(server).addresses, 0);
	ck_assert_int_eq(
	    party_send(server, server->peer, CPNP_BYTES_LIT("late")),
	    CPNP_ERR_NOT_FOUND);
	close(narrow);
	close(wide);
	party_del(server);
}
END_TEST

/* The cookie of one address does not prove another. */
START_TEST(test_udp_cookie_belongs_to_its_address)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int mine = bare_socket("127.0.0.2"), other = bare_socket("127.0.0.4");
	cpnp_bytes request = quotation(CPNP_EDITION_RFC8921, 1, 100);
	uint8_t out[512], store[1024];
	cpnp_buf buf;
	cpnp_msg fail;
	size_t len;

	bare_send(mine, to, request);
	WAIT(count(server).udp_cookie_asked == 1);
	len = bare_recv(mine, out, sizeof(out), NULL);
	ck_assert_int_eq(
	    cpnp_msg_decode(&fail, (cpnp_bytes){out, len}, NULL), 0);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_msg_set_cookie(request, fail.cookie, &buf), 0);
	bare_send(other, to, cpnp_buf_bytes(&buf));
	WAIT(count(server).udp_cookie_wrong == 1);
	ck_assert_uint_eq(server->messages, 0);
	bare_send(mine, to, cpnp_buf_bytes(&buf));
	WAIT(server->messages == 1);
	close(mine);
	close(other);
	party_del(server);
}
END_TEST

/* A FAIL that answers nothing of ours changes nothing. */
START_TEST(test_udp_client_ignores_stray_cookies)
{
	struct party *client = party_new(NULL);
	int fd = bare_socket("127.0.0.1");
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char address[64], from[NET_ADDR_TEXT] = "";
	uint8_t store[512], got[1024];
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = address,
	    .identity = "provider.example"};
	cpnp_msg fail = {.method = CPNP_METHOD_FAIL,
	    .present = CPNP_ATTR_BIT(CPNP_ATTR_STATUS_CODE) |
		       CPNP_ATTR_BIT(CPNP_ATTR_COOKIE),
	    .status = CPNP_STATUS_AUTHENTICATION_REQUIRED,
	    .cookie = CPNP_BYTES_LIT("cookie")};
	cpnp_peer peer;

	getsockname(fd, (struct sockaddr *)&sin, &len);
	snprintf(address, sizeof(address), "127.0.0.1:%u",
	    ntohs(sin.sin_port));
	peer = party_connect(client, &target);
	party_send(client, peer, quotation(CPNP_EDITION_RFC8921, 1, 100));
	WAIT(bare_recv(fd, got, sizeof(got), from) != 0);
	bare_send(fd, from, short_message(&fail, "x", store));
	WAIT(count(client).udp_cookie_stray == 1);
	ck_assert_uint_eq(count(client).udp_cookie_taken, 0);
	ck_assert_uint_eq(count(client).sent, 1);
	ck_assert_uint_eq(client->messages, 0);
	close(fd);
	party_del(client);
}
END_TEST

/* A server may change the cookie as often as it likes: each message is
 * repeated once. */
START_TEST(test_udp_client_repeats_a_message_once)
{
	struct party *client = party_new(NULL);
	int fd = bare_socket("127.0.0.1");
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char address[64], from[NET_ADDR_TEXT] = "";
	uint8_t store[512], got[1024], cookie[8] = {0};
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = address,
	    .identity = "provider.example"};
	cpnp_msg fail = {.method = CPNP_METHOD_FAIL,
	    .present = CPNP_ATTR_BIT(CPNP_ATTR_STATUS_CODE) |
		       CPNP_ATTR_BIT(CPNP_ATTR_COOKIE),
	    .status = CPNP_STATUS_AUTHENTICATION_REQUIRED,
	    .cookie = {cookie, sizeof(cookie)}};
	cpnp_msg cancel = {.method = CPNP_METHOD_CANCEL};

	getsockname(fd, (struct sockaddr *)&sin, &len);
	snprintf(address, sizeof(address), "127.0.0.1:%u",
	    ntohs(sin.sin_port));
	party_send(client, party_connect(client, &target),
	    short_message(&cancel, "x", store));
	WAIT(bare_recv(fd, got, sizeof(got), from) != 0);
	for (uint8_t i = 1; i <= 10; i++) {
		cookie[0] = i;
		bare_send(fd, from, short_message(&fail, "x", store));
		WAIT(count(client).udp_cookie_taken == i);
	}
	ck_assert_uint_eq(count(client).sent, 2);
	close(fd);
	party_del(client);
}
END_TEST

/* --- bounds --- */

START_TEST(test_udp_oldest_address_gives_way)
{
	const cpnp_net_limits limits = {.addresses_max = 4};
	const cpnp_net_access any = {.prefix = "127.0.0.0/8",
	    .identity = "any.example",
	    .no_cookie = true};
	struct party *server = server_new(&limits, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	cpnp_peer first = CPNP_PEER_NONE;
	int fds[6];

	ck_assert_int_eq(cpnp_net_set_access(server->net, &any, 1, NULL), 0);
	for (unsigned i = 0; i < 6; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "127.0.4.%u", i + 1);
		fds[i] = bare_socket(ip);
		bare_send(fds[i], to, quotation(CPNP_EDITION_RFC8921, 1, 9));
		WAIT(server->messages == i + 1);
		if (i == 0)
			first = server->peer;
	}
	ck_assert_uint_eq(count(server).addresses, 4);
	ck_assert_uint_eq(count(server).udp_evicted, 2);
	ck_assert_int_eq(party_send(server, first, CPNP_BYTES_LIT("x")),
	    CPNP_ERR_NOT_FOUND);
	for (unsigned i = 0; i < 6; i++)
		close(fds[i]);
	party_del(server);
}
END_TEST

START_TEST(test_udp_address_is_forgotten_when_idle)
{
	const cpnp_net_limits limits = {.idle_ns_max = CPNP_MILLISECONDS(5)};
	const cpnp_net_access any = {.prefix = "127.0.0.0/8",
	    .identity = "any.example",
	    .no_cookie = true};
	struct party *server = server_new(&limits, "127.0.0.1:0");
	int fd = bare_socket("127.0.0.1");

	ck_assert_int_eq(cpnp_net_set_access(server->net, &any, 1, NULL), 0);
	bare_send(fd, party_address(server, "127.0.0.1"),
	    quotation(CPNP_EDITION_RFC8921, 1, 9));
	WAIT(server->messages == 1);
	WAIT(count(server).addresses == 0);
	close(fd);
	party_del(server);
}
END_TEST

START_TEST(test_udp_too_long_is_counted)
{
	static uint8_t long_one[NET_DATAGRAM_MAX + 1];
	struct party *server = server_new(NULL, "127.0.0.1:0");
	int fd = bare_socket("127.0.0.1");

	bare_send(fd, party_address(server, "127.0.0.1"),
	    (cpnp_bytes){long_one, sizeof(long_one)});
	WAIT(count(server).drop_too_long == 1);
	ck_assert_uint_eq(count(server).sent, 0);
	close(fd);
	party_del(server);
}
END_TEST

START_TEST(test_send_checks_its_arguments)
{
	static uint8_t long_one[CPNP_DATAGRAM_MAX + 1];
	struct party *client = party_new(NULL);
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = "127.0.0.1:9",
	    .identity = "x"};
	cpnp_peer peer = party_connect(client, &target);

	ck_assert_int_eq(
	    party_send(client, peer, CPNP_BYTES_NONE), CPNP_ERR_INVALID);
	ck_assert_int_eq(party_send(client, peer,
			     (cpnp_bytes){long_one, sizeof(long_one)}),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(party_send(client, CPNP_PEER_NONE,
			     CPNP_BYTES_LIT("x")),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_net_disconnect(client->net, peer), 0);
	ck_assert_int_eq(party_send(client, peer, CPNP_BYTES_LIT("x")),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(
	    cpnp_net_disconnect(client->net, peer), CPNP_ERR_NOT_FOUND);
	/* a number is not used again */
	ck_assert_uint_ne(party_connect(client, &target), peer);
	party_del(client);
}
END_TEST

START_TEST(test_fails_are_limited_by_source)
{
	const cpnp_net_limits limits = {
	    .fails_burst = 3, .fails_per_second = 2};
	struct party *client = party_new(&limits);
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = "127.0.0.1:9",
	    .identity = "x"};
	cpnp_peer peer = party_connect(client, &target);
	cpnp_peer same = party_connect(client, &target), other;
	cpnp_now now = {CPNP_SECONDS(50), {0}};

	target.address = "127.0.0.2:9";
	other = party_connect(client, &target);
	for (int i = 0; i < 3; i++)
		ck_assert(cpnp_net_may_fail(client->net, peer, now));
	ck_assert(!cpnp_net_may_fail(client->net, peer, now));
	ck_assert(!cpnp_net_may_fail(client->net, same, now));
	ck_assert(cpnp_net_may_fail(client->net, other, now));
	now.mono += CPNP_MILLISECONDS(500) - 1;
	ck_assert(!cpnp_net_may_fail(client->net, peer, now));
	now.mono += 1;
	ck_assert(cpnp_net_may_fail(client->net, peer, now));
	ck_assert(!cpnp_net_may_fail(client->net, peer, now));
	ck_assert(!cpnp_net_may_fail(client->net, CPNP_PEER_NONE, now));
	ck_assert_uint_eq(count(client).fails_limited, 4);
	ck_assert_uint_eq(count(client).fails_all_limited, 0);
	party_del(client);
}
END_TEST

START_TEST(test_fails_are_limited_together)
{
	const cpnp_net_limits limits = {.fails_all = {1, 5}};
	struct party *client = party_new(&limits);
	cpnp_now now = {CPNP_SECONDS(50), {0}};
	char address[32];
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .address = address,
	    .identity = "x"};

	for (unsigned i = 1; i <= 8; i++) {
		snprintf(address, sizeof(address), "127.0.0.%u:9", i);
		ck_assert(cpnp_net_may_fail(client->net,
			      party_connect(client, &target), now) == (i <= 5));
	}
	ck_assert_uint_eq(count(client).fails_limited, 0);
	ck_assert_uint_eq(count(client).fails_all_limited, 3);
	party_del(client);
}
END_TEST

/* Before a cookie is made, a message decoded: sources are what the entry says,
 * and each has its own bucket. */
START_TEST(test_udp_datagrams_are_limited_by_source)
{
	const cpnp_net_access entries[] = {
	    {.prefix = "127.0.0.0/8", .identity = "a.example", .rate = {1, 3},
		.prefix_len = 24},
	    {.prefix = "127.9.0.0/16", .identity = "b.example",
		.rate = {1, 3}},
	    {.prefix = "::1", .identity = "six.example", .rate = {1, 3}}};
	static const struct {
		const char *from;
		unsigned asked, limited;
	} rows[] = {
	    {"127.0.0.1", 3, 3},
	    {"127.0.0.2", 3, 9}, /* the same source */
	    {"127.0.1.1", 6, 12},
	    {"127.9.0.1", 9, 15},
	    {"127.9.0.2", 12, 18}, /* 32 bits there */
	};
	cpnp_bytes request = quotation(CPNP_EDITION_RFC8921, 1, 100);
	cpnp_tstamp start = cpnp_now_read().mono;
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	uint64_t received = 0;

	ck_assert_int_eq(
	    cpnp_net_set_access(server->net, entries, 3, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = bare_socket(rows[i].from);

		for (int j = 0; j < 6; j++)
			bare_send(fd, to, j % 2 != 0 ? CPNP_BYTES_LIT("x")
						     : request);
		received += 6;
		WAIT(count(server).received == received);
		close(fd);
		/* tokens come back with time on a slow machine */
		if (cpnp_now_read().mono - start >= CPNP_SECONDS(1))
			continue;
		ck_assert_uint_eq(count(server).udp_cookie_asked +
			count(server).udp_garbage, rows[i].asked);
		ck_assert_uint_eq(count(server).udp_limited, rows[i].limited);
	}
	/* what was dropped got no answer */
	ck_assert_uint_eq(
	    count(server).sent, count(server).udp_cookie_asked);
	ck_assert_uint_eq(server->messages, 0);
	party_del(server);
}
END_TEST

/* An address that has proved itself has a bucket that strangers with its
 * address cannot empty; a new list gives it a new rate. */
START_TEST(test_udp_proved_addresses_are_limited)
{
	cpnp_net_access entry = {.prefix = "127.0.0.0/8",
	    .identity = "a.example", .no_cookie = true, .rate = {1, 3}};
	cpnp_bytes request = quotation(CPNP_EDITION_RFC8921, 1, 100);
	cpnp_tstamp start = cpnp_now_read().mono;
	struct party *server = server_new(NULL, "127.0.0.1:0");
	const char *to = party_address(server, "127.0.0.1");
	int proved = bare_socket("127.0.0.1"), other;

	ck_assert_int_eq(
	    cpnp_net_set_access(server->net, &entry, 1, NULL), 0);
	bare_send(proved, to, request);
	WAIT(server->messages == 1);
	other = bare_socket("127.0.0.1");
	for (int i = 0; i < 8; i++)
		bare_send(other, to, CPNP_BYTES_LIT("x"));
	WAIT(count(server).udp_limited + count(server).udp_garbage == 8);
	for (int i = 0; i < 8; i++)
		bare_send(proved, to, request);
	WAIT(count(server).received == 17);
	if (cpnp_now_read().mono - start < CPNP_SECONDS(1)) {
		ck_assert_uint_eq(server->messages, 4);
		ck_assert_uint_eq(count(server).udp_proved_limited, 5);
		ck_assert_uint_eq(count(server).udp_limited, 6);
	}
	entry.rate = (cpnp_rate){1000000, 1000};
	ck_assert_int_eq(
	    cpnp_net_set_access(server->net, &entry, 1, NULL), 0);
	server->messages = 0;
	/* the bucket is still empty, for the millisecond that it now takes */
	WAIT((bare_send(proved, to, request), server->messages >= 8));
	close(proved);
	close(other);
	party_del(server);
}
END_TEST

/* --- where answers go --- */

/* A wildcard answers from the address that was asked, and remembers it. */
static void
check_source_kept(const char *listen, const char *asked)
{
	const cpnp_net_access any[] = {{.prefix = "127.0.0.0/8",
					   .identity = "any.example",
					   .no_cookie = true},
	    {.prefix = "::1", .identity = "any.example", .no_cookie = true}};
	struct party *server = server_new(NULL, listen), *again;
	cpnp_bytes identity = CPNP_BYTES_LIT("any.example");
	char text[CPNP_NET_ADDRESS_MAX], at[64], to[64];
	char from[NET_ADDR_TEXT] = "";
	int fd = bare_socket(asked);
	uint8_t out[CPNP_DATAGRAM_MAX];
	cpnp_peer peer;

	ck_assert_int_eq(cpnp_net_set_access(server->net, any, 2, NULL), 0);
	server->echo = true;
	snprintf(to, sizeof(to), "%s", party_address(server, asked));
	bare_send(fd, to, quotation(CPNP_EDITION_RFC8921, 1, 10));
	WAIT(bare_recv(fd, out, sizeof(out), from) != 0);
	ck_assert_str_eq(from, to);
	ck_assert_int_eq(
	    cpnp_net_peer_address(server->net, server->peer, text), 0);

	/* a server that starts again answers by the stored text */
	snprintf(at, sizeof(at), "%s:%u",
	    strchr(listen, '[') != NULL ? "[::]" : "0.0.0.0",
	    cpnp_net_listen_port(server->net, 0));
	party_del(server);
	again = server_new(NULL, at);
	ck_assert_int_eq(cpnp_net_set_access(again->net, any, 2, NULL), 0);
	ck_assert_int_eq(cpnp_net_peer_find(again->net, text,
			     CPNP_BYTES_LIT("thief.example"), &peer,
			     cpnp_now_read()),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_net_peer_find(again->net, text, identity, &peer,
			     cpnp_now_read()),
	    0);
	party_send(again, peer, CPNP_BYTES_LIT("answer"));
	WAIT(bare_recv(fd, out, sizeof(out), from) == 6);
	ck_assert_str_eq(from, to);
	ck_assert_int_eq(cpnp_net_peer_find(again->net, "tcp:1.2.3.4:5@::1",
			     identity, &peer, cpnp_now_read()),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_net_peer_find(again->net, "udp:1.2.3.4:5",
			     identity, &peer, cpnp_now_read()),
	    CPNP_ERR_INVALID);
	close(fd);
	party_del(again);
}

START_TEST(test_udp_wildcard_keeps_the_source_ipv4)
{
	check_source_kept("0.0.0.0:0", "127.0.0.5");
}
END_TEST

START_TEST(test_udp_wildcard_keeps_the_source_ipv6)
{
	check_source_kept("[::]:0", "::1");
}
END_TEST

/* More than a batch in one go, each datagram by itself. */
START_TEST(test_udp_batches_keep_datagrams_apart)
{
	struct party *server = server_new(NULL, "127.0.0.1:0");
	struct party *client = party_new(NULL);
	cpnp_net_target target = {.transport = CPNP_TRANSPORT_UDP,
	    .identity = "provider.example"};
	cpnp_peer peer;

	server->echo = true;
	target.address = party_address(server, "127.0.0.1");
	peer = party_connect(client, &target);
	party_send(client, peer, quotation(CPNP_EDITION_RFC8921, 0, 10));
	WAIT(client->messages == 1);
	for (unsigned i = 1; i <= 150; i++)
		ck_assert_int_eq(
		    party_send(client, peer,
			quotation(CPNP_EDITION_RFC8921, (uint8_t)i, i)),
		    0);
	WAIT(client->messages == 151);
	ck_assert_uint_eq(server->messages, 151);
	ck_assert_uint_lt(server->batches, 50);
	ck_assert_uint_eq(count(client).drop_send, 0);
	party_del(client);
	party_del(server);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_env_openssl_digests_parts,
	    test_address_parses_and_formats,
	    test_cookie_lives_two_slots,
	    test_hello_is_answered_with_less,
	    test_hello_survives_every_changed_byte,
	    test_table_finds_and_forgets,
	    test_access_list_names_what_is_wrong,
	    test_listen_refuses_udp_without_access_list,
	    test_udp_asks_for_a_cookie_first,
	    test_udp_works_over_ipv6,
	    test_udp_client_survives_restart_of_server,
	    test_udp_client_hears_that_nobody_listens,
	    test_udp_connect_names_what_is_wrong,
	    test_udp_client_binds_its_source,
	    test_udp_never_answers_with_more_than_came,
	    test_udp_short_requests_get_less_or_nothing,
	    test_udp_part_is_asked_for_a_cookie,
	    test_udp_refuses_silently_who_is_not_listed,
	    test_udp_longest_prefix_counts_and_no_cookie_delivers,
	    test_udp_cookie_belongs_to_its_address,
	    test_udp_client_ignores_stray_cookies,
	    test_udp_client_repeats_a_message_once,
	    test_udp_blank_cookie_makes_room_for_every_answer,
	    test_udp_client_makes_a_short_message_longer,
	    test_udp_client_sends_a_long_message_as_it_is,
	    test_udp_oldest_address_gives_way,
	    test_udp_address_is_forgotten_when_idle,
	    test_udp_too_long_is_counted,
	    test_send_checks_its_arguments,
	    test_fails_are_limited_by_source,
	    test_fails_are_limited_together,
	    test_udp_datagrams_are_limited_by_source,
	    test_udp_proved_addresses_are_limited,
	    test_udp_wildcard_keeps_the_source_ipv4,
	    test_udp_wildcard_keeps_the_source_ipv6,
	    test_udp_batches_keep_datagrams_apart,
	};

	/* WAIT has a deadline of its own, which says what it waited for */
	setenv("CK_DEFAULT_TIMEOUT", "30", 0);
	return unit_run("net", tests, sizeof(tests) / sizeof(tests[0]));
}
