/*
 * The servers of a domain (C12): the order of RFC 2782 with numbers drawn by
 * the test, and the DNS played by the test on the same event loop, with every
 * kind of wrong answer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <cpnp/net.h>

#include "cpnpc/srv.h"
#include "unit.h"

/* ---- numbers drawn by the test ----------------------------------------- */

struct drawing {
	uint64_t next;
	uint64_t step; /* 0: from a generator */
	unsigned drawn;
	bool fails;
};

static int
draw(void *user, uint8_t *buf, size_t len)
{
	struct drawing *d = user;
	uint64_t number = d->next;
	size_t i;

	if (d->fails)
		return -1;
	d->drawn++;
	if (d->step == 0) {
		/* splitmix64 */
		d->next += UINT64_C(0x9e3779b97f4a7c15);
		number = d->next;
		number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
		number ^= number >> 31;
	} else {
		d->next += d->step;
	}
	for (i = 0; i < len; i++)
		buf[i] = i < 8 ? (uint8_t)(number >> (56 - 8 * i)) : 0;
	return 0;
}

static cpnp_env
drawing_env(struct drawing *d)
{
	return (cpnp_env){.user = d, .random = draw};
}

/* "a" has index 0, and so on. */
static void
make_records(cpnpc_srv *records, const uint16_t (*of)[2], size_t n)
{
	size_t i;

	memset(records, 0, n * sizeof(*records));
	for (i = 0; i < n; i++) {
		records[i].priority = of[i][0];
		records[i].weight = of[i][1];
		records[i].port = 1;
		records[i].target[0] = (char)('a' + i);
	}
}

static void
order_text(const cpnpc_srv *records, size_t n, char *text)
{
	size_t i;

	for (i = 0; i < n; i++)
		text[i] = records[i].target[0];
	text[n] = '\0';
}

START_TEST(test_srv_sorts_by_priority)
{
	static const uint16_t of[][2] = {
	    {65535, 1}, {10, 1}, {0, 1}, {10000, 1}, {20, 1}};
	struct drawing d = {0};
	cpnp_env env = drawing_env(&d);
	cpnpc_srv records[5];
	char text[8];

	make_records(records, of, 5);
	ck_assert_int_eq(cpnpc_srv_sort(records, 5, &env), 0);
	order_text(records, 5, text);
	ck_assert_str_eq(text, "cbeda");
	/* one server of a priority needs no number */
	ck_assert_uint_eq(d.drawn, 0);
	ck_assert_int_eq(cpnpc_srv_sort(records, 0, &env), 0);
}
END_TEST

/* Every number from 0 to the sum, both included, as RFC 2782 draws: the
 * running sums are 0 for "b", which goes first, 3 for "a" and 4 for "c". */
START_TEST(test_srv_weights_follow_the_rfc_exactly)
{
	static const uint16_t of[][2] = {{5, 3}, {5, 0}, {5, 1}};
	static const char *const first[] = {"b", "a", "a", "a", "c"};
	cpnpc_srv records[3];
	uint64_t number;

	for (number = 0; number < 10; number++) {
		struct drawing d = {.next = number, .step = 1};
		cpnp_env env = drawing_env(&d);

		make_records(records, of, 3);
		ck_assert_int_eq(cpnpc_srv_sort(records, 3, &env), 0);
		ck_assert_msg(records[0].target[0] == first[number % 5][0],
		    "%u: %s", (unsigned)number, records[0].target);
	}
}
END_TEST

static void
count_first(const uint16_t (*of)[2], size_t n, unsigned runs, unsigned *first)
{
	struct drawing d = {.next = 42};
	cpnp_env env = drawing_env(&d);
	cpnpc_srv records[8];
	unsigned i;

	memset(first, 0, n * sizeof(*first));
	for (i = 0; i < runs; i++) {
		make_records(records, of, n);
		ck_assert_int_eq(cpnpc_srv_sort(records, n, &env), 0);
		first[records[0].target[0] - 'a']++;
	}
}

/* The probabilities are those of the drawing above: (weight + 1) / (sum + 1)
 * for the first in the list, weight / (sum + 1) for the others. */
START_TEST(test_srv_weights_share_the_load)
{
	static const uint16_t of[][2] = {{1, 60}, {1, 20}, {1, 20}, {2, 900}};
	static const uint16_t zero[][2] = {{1, 0}, {1, 9999}};
	unsigned first[4];

	count_first(of, 4, 10000, first);
	ck_assert_int_le(abs((int)first[0] - 6040), 200);
	ck_assert_int_le(abs((int)first[1] - 1980), 200);
	ck_assert_int_le(abs((int)first[2] - 1980), 200);
	ck_assert_uint_eq(first[3], 0);
	/* a small chance, and not none */
	count_first(zero, 2, 100000, first);
	ck_assert_uint_ge(first[0], 1);
	ck_assert_uint_le(first[0], 40);
}
END_TEST

/* What is left is drawn again, until no weight is left. */
START_TEST(test_srv_every_record_stays)
{
	static const uint16_t of[][2] = {
	    {1, 0}, {1, 65535}, {1, 65535}, {1, 0}, {1, 1}, {0, 0}, {1, 7}};
	struct drawing d = {.next = 7};
	cpnp_env env = drawing_env(&d);
	cpnpc_srv records[7];
	unsigned run, i, seen;

	for (run = 0; run < 1000; run++) {
		make_records(records, of, 7);
		ck_assert_int_eq(cpnpc_srv_sort(records, 7, &env), 0);
		ck_assert_int_eq(records[0].target[0], 'f');
		for (seen = i = 0; i < 7; i++)
			seen |= 1u << (records[i].target[0] - 'a');
		ck_assert_uint_eq(seen, 0x7f);
	}
}
END_TEST

START_TEST(test_srv_without_weights_keeps_the_order)
{
	static const uint16_t of[][2] = {{1, 0}, {1, 0}, {1, 0}};
	struct drawing d = {.fails = true};
	cpnp_env env = drawing_env(&d);
	cpnpc_srv records[3];
	char text[4];

	make_records(records, of, 3);
	ck_assert_int_eq(cpnpc_srv_sort(records, 3, &env), 0);
	order_text(records, 3, text);
	ck_assert_str_eq(text, "abc");
}
END_TEST

START_TEST(test_srv_sort_limits)
{
	static const uint16_t of[][2] = {{2, 1}, {2, 1}, {1, 1}};
	static cpnpc_srv many[CPNPC_SRV_MAX + 1];
	struct drawing d = {.fails = true};
	cpnp_env env = drawing_env(&d);
	size_t i;

	make_records(many, of, 3);
	ck_assert_int_eq(cpnpc_srv_sort(many, 3, &env), CPNP_ERR_RANDOM);
	ck_assert_int_eq(many[0].target[0], 'c');
	d.fails = false;
	for (i = 0; i <= CPNPC_SRV_MAX; i++)
		many[i] = (cpnpc_srv){.weight = 65535, .port = 1};
	ck_assert_int_eq(cpnpc_srv_sort(many, CPNPC_SRV_MAX, &env), 0);
	ck_assert_int_eq(
	    cpnpc_srv_sort(many, CPNPC_SRV_MAX + 1, &env), CPNP_ERR_INVALID);
}
END_TEST

/* ---- names ------------------------------------------------------------- */

#define L63 "a23456789012345678901234567890123456789012345678901234567890123"

START_TEST(test_srv_names)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: no name */
		const char *domain;
	} cases[] = {
	    {"provider.example", "provider.example", "provider.example"},
	    {"Provider.EXAMPLE.", "provider.example", "provider.example"},
	    {"localhost", "localhost", "localhost"},
	    {"a-b.c3.xn--p1ai", "a-b.c3.xn--p1ai", "a-b.c3.xn--p1ai"},
	    {"host_1.example", "host_1.example", NULL},
	    {"_cpnps._udp.provider.example", "_cpnps._udp.provider.example",
		NULL},
	    {L63 ".example", L63 ".example", L63 ".example"},
	    {L63 "a.example", NULL, NULL},
	    {L63 "." L63 "." L63 "."
		 "a",
		L63 "." L63 "." L63 "."
		    "a",
		L63 "." L63 "." L63 "."
		    "a"},
	    /* 253 bytes are a name, and no room for _cpnps._udp. */
	    {L63 "." L63 "." L63 "." L63, NULL, NULL},
	    {L63 "." L63 "." L63 "."
		 "a2345678901234567890123456789012345678901"
		 "23456789.example.com",
		L63 "." L63 "." L63 "."
		    "a23456789012345678901234567890123456"
		    "78901"
		    "23456789.example.com",
		NULL},
	    {"", NULL, NULL},
	    {".", NULL, NULL},
	    {"..", NULL, NULL},
	    {"a..b", NULL, NULL},
	    {".a", NULL, NULL},
	    {"a..", NULL, NULL},
	    {"-a.example", NULL, NULL},
	    {"a-.example", NULL, NULL},
	    {"a b.example", NULL, NULL},
	    {"a\033[2J.example", NULL, NULL},
	    {"caf\xc3\xa9.example", NULL, NULL},
	    {"*.example", NULL, NULL},
	    {"provider.example:49921", NULL, NULL},
	    {"192.0.2.1", NULL, NULL},
	    {"[2001:db8::1]", NULL, NULL},
	    {"1.example", "1.example", "1.example"},
	};
	char name[CPNPC_NAME_LEN];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_host = cpnpc_name_parse(cases[i].text, name);

		ck_assert_msg(is_host == (cases[i].host != NULL), "host %s",
		    cases[i].text);
		if (is_host)
			ck_assert_str_eq(name, cases[i].host);
		ck_assert_msg(cpnpc_domain_parse(cases[i].text, name) ==
				  (cases[i].domain != NULL),
		    "domain %s", cases[i].text);
		if (cases[i].domain != NULL)
			ck_assert_str_eq(name, cases[i].domain);
	}
}
END_TEST

/* ---- a DNS server of our own ------------------------------------------- */

enum { TYPE_A = 1, TYPE_SRV = 33, TYPE_AAAA = 28 };

struct row {
	uint16_t priority, weight, port;
	const char *target; /* "": the root */
};

struct dns {
	struct event_base *base;
	int udp, tcp, connection;
	struct event *on_udp, *on_tcp;
	char address[32];

	/* what is answered */
	const struct row *rows;
	size_t rows_n;
	unsigned srv_code; /* RCODE of SRV, and of the rest */
	unsigned code;
	unsigned addresses_n; /* of each host; 0: only hosts of the domain */
	bool silent;
	bool truncated; /* over UDP */
	bool forged;    /* another id */
	bool garbage;
	size_t cut; /* answers of SRV have at most so many bytes; 0: all */

	unsigned srv_asked, hosts_asked, tcp_asked;
};

struct packet {
	uint8_t bytes[8192];
	size_t len;
};

static void
put16(struct packet *p, unsigned value)
{
	p->bytes[p->len++] = (uint8_t)(value >> 8);
	p->bytes[p->len++] = (uint8_t)value;
}

static void
put_name(struct packet *p, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");

		p->bytes[p->len++] = (uint8_t)len;
		memcpy(p->bytes + p->len, name, len);
		p->len += len;
		name += len + (name[len] == '.');
	}
	p->bytes[p->len++] = 0;
}

/* Name (that of the question), type, class, time to live. */
static void
put_head(struct packet *p, unsigned type)
{
	put16(p, 0xc00c);
	put16(p, type);
	put16(p, 1);
	put16(p, 0);
	put16(p, 60);
}

static void
put_row(struct packet *p, const struct row *row)
{
	size_t at;

	put_head(p, TYPE_SRV);
	at = p->len;
	put16(p, 0);
	put16(p, row->priority);
	put16(p, row->weight);
	put16(p, row->port);
	put_name(p, row->target);
	p->bytes[at] = (uint8_t)((p->len - at - 2) >> 8);
	p->bytes[at + 1] = (uint8_t)(p->len - at - 2);
}

/* The text of the question's name; the offset behind the question. */
static size_t
read_question(const struct packet *q, char name[256], unsigned *type)
{
	size_t at = 12, n = 0;

	while (q->bytes[at] != 0) {
		memcpy(name + n, q->bytes + at + 1, q->bytes[at]);
		n += q->bytes[at];
		name[n++] = '.';
		at += q->bytes[at] + 1u;
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	*type = (unsigned)q->bytes[at + 1] << 8 | q->bytes[at + 2];
	return at + 5;
}

static void
answer_host(struct dns *dns, struct packet *p, const char *name, unsigned type)
{
	unsigned i, n = dns->addresses_n > 0 ? dns->addresses_n : 1;

	dns->hosts_asked++;
	p->bytes[3] |= (uint8_t)dns->code;
	if (dns->code != 0)
		return;
	if (type == TYPE_AAAA && strcmp(name, "six.example") == 0) {
		put_head(p, type);
		put16(p, 16);
		memcpy(p->bytes + p->len,
		    (uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 6}, 16);
		p->len += 16;
		p->bytes[7] = 1;
	}
	if (type != TYPE_A || strcmp(name, "six.example") == 0)
		return;
	for (i = 1; i <= n; i++) {
		put_head(p, type);
		put16(p, 4);
		put16(p, 0xc000);
		put16(p, 0x0200 | i);
		p->bytes[7]++;
	}
}

static void
answer(struct dns *dns, const struct packet *q, struct packet *p, bool tcp)
{
	char name[256];
	unsigned type;
	size_t i, question = read_question(q, name, &type);

	memcpy(p->bytes, q->bytes, question);
	p->len = question;
	p->bytes[2] = 0x84;
	p->bytes[3] = 0x80;
	memset(p->bytes + 6, 0, 6);
	if (dns->forged)
		p->bytes[0] ^= 0x5a;
	if (type != TYPE_SRV) {
		answer_host(dns, p, name, type);
		return;
	}
	dns->srv_asked++;
	p->bytes[3] |= (uint8_t)dns->srv_code;
	if (dns->truncated && !tcp) {
		p->bytes[2] |= 2;
		return;
	}
	for (i = 0; i < dns->rows_n; i++)
		put_row(p, &dns->rows[i]);
	p->bytes[7] = (uint8_t)dns->rows_n;
	if (dns->cut != 0 && dns->cut < p->len)
		p->len = dns->cut;
	if (dns->garbage)
		for (i = question; i < p->len; i++)
			p->bytes[i] = (uint8_t)(0xc5 * i + dns->srv_asked);
}

static void
on_udp(evutil_socket_t fd, short what, void *user)
{
	struct dns *dns = user;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct packet q, p;
	ssize_t n = recvfrom(
	    fd, q.bytes, sizeof(q.bytes), 0, (struct sockaddr *)&from, &len);

	(void)what;
	if (n < 17 || dns->silent)
		return;
	q.len = (size_t)n;
	answer(dns, &q, &p, false);
	ck_assert_int_eq(
	    sendto(fd, p.bytes, p.len, 0, (struct sockaddr *)&from, len),
	    (int)p.len);
}

/* One question on a connection, its size before it; c-ares sends both in one
 * piece. */
static void
on_question(evutil_socket_t c, short what, void *user)
{
	struct dns *dns = user;
	struct packet q, p;
	uint8_t size[2];

	(void)what;
	ck_assert_int_eq(recv(c, size, 2, MSG_WAITALL), 2);
	q.len = (size_t)size[0] << 8 | size[1];
	ck_assert_int_eq(recv(c, q.bytes, q.len, MSG_WAITALL), (int)q.len);
	dns->tcp_asked++;
	answer(dns, &q, &p, true);
	size[0] = (uint8_t)(p.len >> 8);
	size[1] = (uint8_t)p.len;
	ck_assert_int_eq(send(c, size, 2, MSG_MORE), 2);
	ck_assert_int_eq(send(c, p.bytes, p.len, 0), (int)p.len);
}

static void
on_tcp(evutil_socket_t fd, short what, void *user)
{
	struct dns *dns = user;
	int c = accept(fd, NULL, NULL);

	(void)what;
	ck_assert_int_ge(c, 0);
	/* as servers do: c-ares repeats whatever is open when it is closed */
	dns->connection = c;
	event_base_once(dns->base, c, EV_READ, on_question, dns, NULL);
}

/* UDP and TCP on one port of loopback. */
static void
dns_begin(struct dns *dns)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);

	memset(dns, 0, sizeof(*dns));
	dns->base = event_base_new();
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	dns->connection = -1;
	dns->tcp = socket(AF_INET, SOCK_STREAM, 0);
	dns->udp = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(dns->tcp, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(
	    getsockname(dns->tcp, (struct sockaddr *)&sin, &len), 0);
	ck_assert_int_eq(bind(dns->udp, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(dns->tcp, 4), 0);
	dns->on_udp =
	    event_new(dns->base, dns->udp, EV_READ | EV_PERSIST, on_udp, dns);
	dns->on_tcp =
	    event_new(dns->base, dns->tcp, EV_READ | EV_PERSIST, on_tcp, dns);
	event_add(dns->on_udp, NULL);
	event_add(dns->on_tcp, NULL);
	snprintf(dns->address, sizeof(dns->address), "127.0.0.1:%u",
	    ntohs(sin.sin_port));
}

static void
dns_end(struct dns *dns)
{
	event_free(dns->on_udp);
	event_free(dns->on_tcp);
	close(dns->udp);
	close(dns->tcp);
	if (dns->connection >= 0)
		close(dns->connection);
	event_base_free(dns->base);
}

static cpnpc_server servers[CPNPC_SERVERS_MAX];
static size_t servers_n;
static cpnp_diag diag;

static int
look_up(struct dns *dns, cpnp_tstamp time_max)
{
	cpnpc_lookup lookup = {
	    .domain = "provider.example",
	    .service = "_cpnps",
	    .port = 49921,
	    .resolver = dns->address,
	    .time_max = time_max,
	};

	diag = (cpnp_diag){0};
	return cpnpc_lookup_run(
	    dns->base, &lookup, cpnp_env_openssl(), servers, &servers_n, &diag);
}

static void
answer_rows(struct dns *dns, const struct row *rows, size_t n)
{
	dns->rows = rows;
	dns->rows_n = n;
}

static const struct row three[] = {
    {20, 0, 5003, "three.example"},
    {0, 0, 5001, "One.Example"},
    {10, 0, 5002, "six.example"},
};

static void
check_three(void)
{
	ck_assert_uint_eq(servers_n, 3);
	ck_assert_str_eq(servers[0].name, "one.example:5001");
	ck_assert_str_eq(servers[0].address, "192.0.2.1:5001");
	ck_assert_str_eq(servers[1].name, "six.example:5002");
	ck_assert_str_eq(servers[1].address, "[2001:db8::6]:5002");
	ck_assert_str_eq(servers[2].address, "192.0.2.1:5003");
}

START_TEST(test_lookup_finds_servers_in_order)
{
	struct dns dns;

	dns_begin(&dns);
	answer_rows(&dns, three, 3);
	ck_assert_msg(look_up(&dns, CPNP_SECONDS(5)) == 0, "%s", diag.why);
	check_three();
	ck_assert_uint_eq(dns.srv_asked, 1);
	dns_end(&dns);
}
END_TEST

START_TEST(test_lookup_asks_again_by_tcp_when_truncated)
{
	struct dns dns;

	dns_begin(&dns);
	answer_rows(&dns, three, 3);
	dns.truncated = true;
	ck_assert_msg(look_up(&dns, CPNP_SECONDS(5)) == 0, "%s", diag.why);
	check_three();
	ck_assert_uint_ge(dns.tcp_asked, 1);
	dns_end(&dns);
}
END_TEST

/* RFC 2782: the only record has the root as its target. */
START_TEST(test_lookup_hears_that_there_is_no_service)
{
	static const struct row none[] = {{0, 0, 0, ""}};
	struct dns dns;

	dns_begin(&dns);
	answer_rows(&dns, none, 1);
	ck_assert_int_eq(look_up(&dns, CPNP_SECONDS(5)), CPNP_ERR_UNAVAILABLE);
	ck_assert_str_eq(diag.where, "_cpnps._udp.provider.example");
	ck_assert_ptr_nonnull(strstr(diag.why, "no such service"));
	ck_assert_uint_eq(dns.hosts_asked, 0);
	dns_end(&dns);
}
END_TEST

START_TEST(test_lookup_passes_over_records_that_cannot_be_used)
{
	static const struct row rows[] = {
	    {0, 0, 1, ""},
	    {1, 0, 1, "192.0.2.9"},
	    {2, 0, 1, "a b.example"},
	    {3, 0, 0, "portless.example"},
	    {4, 0, 7, "good.example"},
	};
	struct dns dns;

	dns_begin(&dns);
	answer_rows(&dns, rows, 5);
	ck_assert_msg(look_up(&dns, CPNP_SECONDS(5)) == 0, "%s", diag.why);
	ck_assert_uint_eq(servers_n, 1);
	ck_assert_str_eq(servers[0].name, "good.example:7");
	dns.rows_n = 4;
	ck_assert_int_eq(look_up(&dns, CPNP_SECONDS(5)), CPNP_ERR_IO);
	dns_end(&dns);
}
END_TEST

/* RFC 2782: without a record the domain itself is asked, at the usual port. */
START_TEST(test_lookup_without_records_takes_the_domain)
{
	struct dns dns;

	dns_begin(&dns);
	ck_assert_msg(look_up(&dns, CPNP_SECONDS(5)) == 0, "%s", diag.why);
	ck_assert_uint_eq(servers_n, 1);
	ck_assert_str_eq(servers[0].name, "provider.example:49921");
	ck_assert_str_eq(servers[0].address, "192.0.2.1:49921");
	dns.srv_code = 3; /* NXDOMAIN */
	ck_assert_int_eq(look_up(&dns, CPNP_SECONDS(5)), 0);
	ck_assert_uint_eq(servers_n, 1);
	dns.code = 3;
	ck_assert_int_eq(look_up(&dns, CPNP_SECONDS(5)), CPNP_ERR_NOT_FOUND);
	ck_assert_uint_eq(servers_n, 0);
	dns_end(&dns);
}
END_TEST

/* A DNS that fails is no domain without servers. */
START_TEST(test_lookup_tells_that_the_dns_fails)
{
	static const unsigned codes[] = {1, 2, 4, 5};
	struct dns dns;
	size_t i;

	dns_begin(&dns);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		dns.srv_code = codes[i];
		ck_assert_int_eq(look_up(&dns, CPNP_SECONDS(5)), CPNP_ERR_IO);
		ck_assert_uint_eq(dns.hosts_asked, 0);
	}
	dns.srv_code = 0;
	answer_rows(&dns, three, 3);
	dns.code = 2;
	ck_assert_int_eq(look_up(&dns, CPNP_SECONDS(5)), CPNP_ERR_IO);
	ck_assert_ptr_nonnull(strstr(diag.why, "no address"));
	dns_end(&dns);
}
END_TEST

static void
check_late(struct dns *dns)
{
	cpnp_tstamp began = cpnp_now_read().mono;

	ck_assert_int_eq(look_up(dns, CPNP_MILLISECONDS(300)), CPNP_ERR_IO);
	ck_assert_uint_lt(
	    cpnp_now_read().mono - began, CPNP_MILLISECONDS(1500));
	ck_assert_uint_eq(servers_n, 0);
}

START_TEST(test_lookup_does_not_wait_for_ever)
{
	struct dns dns;

	dns_begin(&dns);
	dns.silent = true;
	check_late(&dns);
	/* an answer to somebody else's question is none */
	dns.silent = false;
	dns.forged = true;
	answer_rows(&dns, three, 3);
	check_late(&dns);
	dns_end(&dns);
}
END_TEST

/* Whatever comes, an error or some of the servers. */
START_TEST(test_lookup_survives_broken_answers)
{
	struct dns dns;
	size_t whole = 12 + 28 + 2 + 4 + 3 * 18 + 15 + 13 + 13;
	size_t cut;
	int err;

	dns_begin(&dns);
	answer_rows(&dns, three, 3);
	for (cut = 1; cut < whole; cut++) {
		dns.cut = cut;
		err = look_up(&dns, CPNP_MILLISECONDS(50));
		ck_assert_msg(err == CPNP_ERR_IO, "%zu: %d", cut, err);
	}
	dns.cut = whole;
	ck_assert_int_eq(look_up(&dns, CPNP_SECONDS(5)), 0);
	dns.garbage = true;
	for (cut = 0; cut < 200; cut++)
		(void)look_up(&dns, CPNP_MILLISECONDS(50));
	dns_end(&dns);
}
END_TEST

START_TEST(test_lookup_is_bounded)
{
	static struct row rows[CPNPC_SRV_MAX + 6];
	struct dns dns;
	size_t i;

	for (i = 0; i < CPNPC_SRV_MAX + 6; i++)
		rows[i] = (struct row){
		    (uint16_t)(CPNPC_SRV_MAX + 6 - i), 0, 9, "h.example"};
	dns_begin(&dns);
	answer_rows(&dns, rows, CPNPC_SRV_MAX + 6);
	dns.addresses_n = CPNPC_ADDRESSES_MAX + 2;
	ck_assert_msg(look_up(&dns, CPNP_SECONDS(5)) == 0, "%s", diag.why);
	ck_assert_uint_eq(servers_n, CPNPC_SERVERS_MAX);
	ck_assert_uint_eq(dns.hosts_asked, 2 * CPNPC_TARGETS_MAX);
	dns_end(&dns);
}
END_TEST

static void
on_stop(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	*(bool *)user = true;
}

START_TEST(test_lookup_can_be_stopped)
{
	bool stop = false;
	struct dns dns;
	cpnpc_lookup lookup = {.domain = "provider.example",
	    .service = "_cpnp",
	    .resolver = dns.address,
	    .time_max = CPNP_SECONDS(20),
	    .stop = &stop};
	struct timeval soon = {0, 20000};

	dns_begin(&dns);
	dns.silent = true;
	event_base_once(dns.base, -1, EV_TIMEOUT, on_stop, &stop, &soon);
	ck_assert_int_eq(cpnpc_lookup_run(dns.base, &lookup, cpnp_env_openssl(),
			     servers, &servers_n, &diag),
	    CPNP_ERR_STATE);
	dns_end(&dns);
}
END_TEST

START_TEST(test_lookup_refuses_what_is_no_resolver)
{
	static const char *const texts[] = {"ns.example", "127.0.0.1:dns",
	    "127.0.0.1:65536", "127.0.0.1:0", "127.0.0.1:", "[::1", "[::1]53",
	    "[::1]:", "[127.0.0.1]:53", "::1:99999", "", ",", "127.0.0.1,",
	    "127.0.0.1 "};
	struct dns dns;
	size_t i;

	dns_begin(&dns);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(dns.address, sizeof(dns.address), "%s", texts[i]);
		ck_assert_msg(
		    look_up(&dns, CPNP_MILLISECONDS(100)) == CPNP_ERR_CONFIG,
		    "%s: %s", texts[i], diag.why);
	}
	dns_end(&dns);
	ck_assert(cpnpc_resolver_is_valid("127.0.0.1"));
	ck_assert(cpnpc_resolver_is_valid("192.0.2.1:65535,[::1]:53,::1"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_srv_sorts_by_priority,
	    test_srv_weights_follow_the_rfc_exactly,
	    test_srv_weights_share_the_load,
	    test_srv_every_record_stays,
	    test_srv_without_weights_keeps_the_order,
	    test_srv_sort_limits,
	    test_srv_names,
	    test_lookup_finds_servers_in_order,
	    test_lookup_asks_again_by_tcp_when_truncated,
	    test_lookup_hears_that_there_is_no_service,
	    test_lookup_passes_over_records_that_cannot_be_used,
	    test_lookup_without_records_takes_the_domain,
	    test_lookup_tells_that_the_dns_fails,
	    test_lookup_does_not_wait_for_ever,
	    test_lookup_survives_broken_answers,
	    test_lookup_is_bounded,
	    test_lookup_can_be_stopped,
	    test_lookup_refuses_what_is_no_resolver,
	};

	return unit_run("srv", tests, sizeof(tests) / sizeof(tests[0]));
}
