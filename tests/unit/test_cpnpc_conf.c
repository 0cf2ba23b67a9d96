/*
 * The settings of cpnpc: each mistake named by file, line and remedy; prices
 * and intents.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <unistd.h>

#include "cpnpc/conf.h"
#include "cpnpc/session.h"
#include "unit.h"

struct told {
	unsigned n;
	char first[1024];
	char all[4096];
};

static void
on_line(void *user, const char *line)
{
	struct told *told = user;
	size_t len = strlen(told->all);

	if (told->n++ == 0)
		snprintf(told->first, sizeof(told->first), "%s", line);
	snprintf(told->all + len, sizeof(told->all) - len, "%s\n", line);
}

/* Read a text as a file in a directory of its own. */
static int
read_text(cpnpc_conf *conf, const char *text, struct told *told)
{
	char dir[] = "/tmp/cpnpc-conf.XXXXXX", path[64];
	FILE *f;
	int err;

	*told = (struct told){0};
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/c.conf", dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	cpnpc_conf_init(conf);
	err = cpnpc_conf_read(conf, path, on_line, told);
	unlink(path);
	rmdir(dir);
	return err;
}

START_TEST(test_conf_reads_every_option)
{
	static const char text[] =
	    "# a comment\n"
	    "server = \"[2001:db8::1]:49921\"\n"
	    "udp = no\nserver-name = a.example\nserver-domain = b.example\n"
	    "server-identity = c.example\nidentity = d.example\n"
	    "source = 192.0.2.1\nsource-port = 49920\n"
	    "certificate = client.pem\nkey = /etc/client.key\n"
	    "ca = sub/ca.pem\ncrl = crl.pem\nledger-key = l.key\n"
	    "store = \"orders.db\"\nedition = draft-02\naccept = exact\n"
	    "max-price = \"1500.50 EUR\"\nwait = 60\n"
	    "expected-response = 3600\nrequire-statements = no\n"
	    "no-recursion = yes\npurpose = test\nretransmit = \"500 ms\"\n"
	    "activation = scheduled\nmore-time = \"+2 h\"\n"
	    "retries = 5\nrepeat-min = 10\nrepeat-max = \"2 min\"\n"
	    "customer-name = \"ACME\"\ncustomer-email = noc@acme.example\n"
	    "customer-address = \"1 Main Street\"\n"
	    "customer-telephone = \"+33 1\"\n"
	    "resolver = \"192.0.2.53:53\"\n"
	    "ledger = money/ledger.conf\nmax-fee = \"0.25 EUR\"\n";
	cpnpc_conf conf;
	struct told told;

	ck_assert_msg(read_text(&conf, text, &told) == 0, "%s", told.all);
	ck_assert_str_eq(conf.server, "[2001:db8::1]:49921");
	ck_assert_uint_eq(conf.source_port, 49920);
	ck_assert_str_eq(conf.key, "/etc/client.key");
	/* relative to the file */
	ck_assert_ptr_nonnull(strstr(conf.ca, "/tmp/cpnpc-conf."));
	ck_assert_str_eq(strrchr(conf.ca, '/'), "/ca.pem");
	ck_assert_int_eq(conf.edition, CPNP_EDITION_DRAFT02);
	ck_assert_int_eq(conf.accept, CPNPC_ACCEPT_EXACT);
	ck_assert(!conf.accept_given);
	ck_assert_int_eq(conf.max_price.whole, 1500);
	ck_assert_uint_eq(conf.max_price.billionths, 500000000);
	ck_assert_str_eq(conf.max_price.code, "EUR");
	ck_assert(!conf.max_price_given);
	ck_assert_uint_eq(conf.max_fee.billionths, 250000000);
	ck_assert_str_eq(strrchr(conf.ledger, '/'), "/ledger.conf");
	ck_assert_uint_eq(conf.wait, 60);
	ck_assert_uint_eq(conf.expected_response, 3600);
	ck_assert_int_eq(conf.require_statements, CPNPC_NO);
	ck_assert(conf.no_recursion);
	ck_assert_int_eq(conf.purpose, CPNP_PURPOSE_TEST);
	ck_assert_int_eq(conf.activation, CPNP_ACTIVATION_SCHEDULED);
	ck_assert(!conf.more_time.never);
	ck_assert_int_eq(cpnpc_when_date(&conf.more_time.until,
			     (cpnp_now){.wall = {1000}})
			     .sec,
	    8200);
	ck_assert_uint_eq(conf.retransmit, CPNP_MILLISECONDS(500));
	ck_assert_uint_eq(conf.retries, 5);
	ck_assert_uint_eq(conf.repeat_min, CPNP_SECONDS(10));
	ck_assert_uint_eq(conf.repeat_max, CPNP_SECONDS(120));
	ck_assert_str_eq(conf.customer_address, "1 Main Street");
	ck_assert_str_eq(conf.resolver, "192.0.2.53:53");
	cpnpc_conf_fini(&conf);
}
END_TEST

START_TEST(test_conf_mistakes_name_place_and_remedy)
{
	static const struct {
		const char *text;
		const char *place; /* ":line: option: " */
		const char *remedy;
	} cases[] = {
	    {"sever = a\n", ":1: sever: ", "expected server"},
	    {"\n\nColour = red\n", ":3: Colour: ", "expected c"},
	    {"# a\n// b\n/* c\n*/ udp = maybe\n", ":4: udp: ",
		"expected yes or no"},
	    {"udp = maybe\n", ":1: udp: ", "expected yes or no"},
	    {"server = a\nedition = rfc9999\n",
		":2: edition: ", "expected rfc8921 or draft-02"},
	    {"accept = sometimes\n",
		":1: accept: ", "expected always, exact, ask or never"},
	    {"max-price = cheap\n", ":1: max-price: ", "1500.00 EUR"},
	    {"max-price = \"5 euro\"\n", ":1: max-price: ", "token code"},
	    {"max-price = -5\n", ":1: max-price: ", "expected an amount"},
	    {"source-port = 0\n", ":1: source-port: ", "from 1 to 65535"},
	    {"source-port = 65536\n", ":1: source-port: ", "from 1 to 65535"},
	    {"source-port = 1x\n", ":1: source-port: ", "from 1 to 65535"},
	    {"wait = -1\n", ":1: wait: ", "a number of seconds"},
	    {"wait = 99999999999999999999\n",
		":1: wait: ", "a number of seconds"},
	    {"expected-response = soon\n",
		":1: expected-response: ", "a number of seconds"},
	    {"retransmit = \"5 parsec\"\n",
		":1: retransmit: ", "100 ms to 60 min"},
	    {"retransmit = \"1 ms\"\n", ":1: retransmit: ", "100 ms to 60 min"},
	    {"retries = 101\n", ":1: retries: ", "from 0 to 100"},
	    {"repeat-max = \"2 h\"\n", ":1: repeat-max: ", "100 ms to 60 min"},
	    {"repeat-min = 60\nrepeat-max = 30\n",
		": repeat-min: ", "expected at most that"},
	    {"more-time = later\n", ":1: more-time: ", "never, as-asked"},
	    {"more-time = \"+9000 d\"\n", ":1: more-time: ", "until when"},
	    {"purpose = fun\n", ":1: purpose: ", "expected permanent or test"},
	    {"require-statements = 1\n",
		":1: require-statements: ", "expected yes or no"},
	    {"server = a\nserver = b\n", ":2: server: ", "expected once"},
	    {"server = \"\"\n", ":1: server: ", "expected HOST"},
	    {"domain = \"a b\"\n", ":1: domain: ", "such as provider.example"},
	    {"domain = _cpnps._udp.a\n", ":1: domain: ", "expected a domain"},
	    {"domain = a\nserver = b\n", ": domain: ", "one of the two"},
	    {"resolver = ns.example\n", ":1: resolver: ", "expected ADDRESS"},
	    {"certificate = \"\"\n",
		":1: certificate: ", "expected the name of a file"},
	    {"certificate = a.pem\n",
		": key: ", "expected certificate and key together"},
	    {"key = a.key\n",
		": certificate: ", "expected certificate and key together"},
	    {"server a\n", ":1: ", "expected OPTION = VALUE"},
	    {"server = \"a\n", ":2: ", "expected OPTION = VALUE"},
	    {"server {\n", ":1: ", "expected OPTION = VALUE"},
	    {"customer-name = \"\xff\"\n",
		":1: customer-name: ", "a text of at most"},
	    /* these are for the command line alone */
	    {"order-id = X\n", ":1: order-id: ", "there is no such option"},
	    {"json = yes\n", ":1: json: ", "there is no such option"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cpnpc_conf conf;
		struct told told;
		int err = read_text(&conf, cases[i].text, &told);

		ck_assert_msg(err == CPNP_ERR_CONFIG, "case %zu", i);
		ck_assert_msg(strstr(told.first, cases[i].place) != NULL &&
				  strstr(told.first, cases[i].remedy) != NULL,
		    "case %zu: %s", i, told.first);
		cpnpc_conf_fini(&conf);
	}
}
END_TEST

START_TEST(test_conf_tells_all_mistakes)
{
	cpnpc_conf conf;
	struct told told;

	ck_assert_int_eq(
	    read_text(&conf, "udp = x\nwait = y\npurpose = z\n", &told),
	    CPNP_ERR_CONFIG);
	ck_assert_uint_eq(told.n, 3);
	ck_assert_ptr_nonnull(strstr(told.all, ":3: purpose"));
	cpnpc_conf_fini(&conf);
}
END_TEST

START_TEST(test_conf_missing_file)
{
	cpnpc_conf conf;
	struct told told = {0};

	cpnpc_conf_init(&conf);
	ck_assert_int_eq(
	    cpnpc_conf_read(&conf, "/tmp/cpnpc-no-such.conf", on_line, &told),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(told.first, "/tmp/cpnpc-no-such.conf"));
	cpnpc_conf_fini(&conf);
}
END_TEST

START_TEST(test_conf_line_goes_over_file)
{
	cpnpc_conf conf;
	struct told told;

	ck_assert_int_eq(
	    read_text(&conf, "accept = never\nwait = 5\n", &told), 0);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "accept", "always", on_line, &told), 0);
	ck_assert_int_eq(conf.accept, CPNPC_ACCEPT_ALWAYS);
	ck_assert(conf.accept_given);
	ck_assert_int_eq(cpnpc_conf_set(&conf, "udp", NULL, on_line, &told), 0);
	ck_assert(conf.udp);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "order-id", "a b", on_line, &told),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(told.first, "--order-id: \"a b\""));
	/* what a file may say and the command line may not */
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "customer-name", "x", on_line, &told),
	    CPNP_ERR_CONFIG);
	ck_assert_uint_eq(conf.wait, 5);
	cpnpc_conf_fini(&conf);
}
END_TEST

/* RFC 8921, Table 3 (R5): each reason once, however often it is given. */
START_TEST(test_conf_reasons_of_a_decline)
{
	static const char *const given[] = {
	    "conflict", "gap", "conflict", "activation-type", "gap"};
	cpnpc_conf conf;
	struct told told = {0};

	cpnpc_conf_init(&conf);
	ck_assert_uint_eq(conf.reasons.n, 0);
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		ck_assert_int_eq(cpnpc_conf_set(&conf, "reason", given[i],
				     on_line, &told),
		    0);
	ck_assert_uint_eq(conf.reasons.n, 3);
	ck_assert_int_eq(conf.reasons.items[0], CPNP_REASON_CONFLICT);
	ck_assert_int_eq(conf.reasons.items[1], CPNP_REASON_UNACCEPTABLE_GAP);
	ck_assert_int_eq(conf.reasons.items[2], CPNP_REASON_ACTIVATION_TYPE);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "reason", "dear", on_line, &told),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(told.first, "gap, conflict or"));
	cpnpc_conf_fini(&conf);
}
END_TEST

#define TAKES(name, value)                                                     \
	ck_assert_int_eq(                                                      \
	    cpnpc_conf_set(&conf, name, value, on_line, &told), 0)
#define REFUSES(name, value)                                                   \
	ck_assert_int_eq(cpnpc_conf_set(&conf, name, value, on_line, &told),   \
	    CPNP_ERR_CONFIG)

/* What a path has to keep to, in the units of people. */
START_TEST(test_conf_bounds_of_a_path)
{
	char name[66];
	cpnpc_conf conf;
	struct told told = {0};

	cpnpc_conf_init(&conf);
	TAKES("capacity", "2.5 Gbit/s");
	ck_assert_uint_eq(conf.capacity, 2500000000);
	TAKES("capacity", "9223372Tbit/s");
	ck_assert_uint_eq(conf.capacity, UINT64_C(9223372000000000000));
	REFUSES("capacity", "9223373 Tbit/s");
	REFUSES("capacity", "10");
	REFUSES("capacity", "0 bit/s");
	REFUSES("capacity", "1. Gbit/s");
	REFUSES("capacity", "1.0000001 Gbit/s");
	REFUSES("capacity", "-1 bit/s");
	REFUSES("capacity", "99999999999999999999 bit/s");
	TAKES("max-delay", "12.5 ms");
	ck_assert_uint_eq(conf.max_delay, 12500);
	TAKES("max-delay", "3600 s");
	REFUSES("max-delay", "3600.000001 s");
	REFUSES("max-delay", "0.5 us");
	TAKES("max-hops", "64");
	REFUSES("max-hops", "65");
	TAKES("paths", "32");
	REFUSES("paths", "33");
	TAKES("by", "delay");
	ck_assert(conf.by_delay);
	TAKES("by", "price");
	ck_assert(!conf.by_delay);
	REFUSES("by", "luck");
	for (size_t i = 0; i < CPNPC_NAMES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "domain%zu", i);
		TAKES("avoid", name);
		TAKES("avoid", name);
	}
	ck_assert_uint_eq(conf.avoid.n, CPNPC_NAMES_MAX);
	ck_assert_str_eq(conf.avoid.items[1], "domain1");
	REFUSES("avoid", "one-more");
	REFUSES("pass", "");
	memset(name, 'd', sizeof(name) - 1);
	name[65] = '\0';
	REFUSES("pass", name);
	TAKES("pass", name + 1);
	cpnpc_conf_fini(&conf);
}
END_TEST

static cpnp_money
money(int64_t amount, uint8_t exponent)
{
	return (cpnp_money){.amount = amount,
	    .code = CPNP_BYTES_LIT("EUR"),
	    .exponent = exponent};
}

/* Whom to speak to: what the command line says replaces either. */
START_TEST(test_conf_server_and_domain_replace_each_other)
{
	cpnpc_conf conf;
	struct told told = {0};

	cpnpc_conf_init(&conf);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "server", "a.example", on_line, &told), 0);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "server-name", "b.example", on_line, &told),
	    0);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "domain", "C.Example.", on_line, &told), 0);
	ck_assert_str_eq(conf.domain, "c.example");
	ck_assert_ptr_null(conf.server);
	ck_assert_ptr_null(conf.server_name);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "server", "d.example", on_line, &told), 0);
	ck_assert_ptr_null(conf.domain);
	ck_assert_int_ne(
	    cpnpc_conf_set(&conf, "domain", "127.0.0.1", on_line, &told), 0);
	ck_assert_str_eq(conf.server, "d.example");
	cpnpc_conf_fini(&conf);
}
END_TEST

START_TEST(test_price_compares_exactly)
{
	static const struct {
		const char *bound;
		int64_t amount;
		uint8_t exponent;
		bool allowed;
	} cases[] = {
	    {"1234.50", 123450, 2, true},
	    {"1234.50 EUR", 123451, 2, false},
	    {"1234.50EUR", 123450, 2, true},
	    {"1234.5 USD", 1, 2, false},
	    {"0", 0, 0, true},
	    {"0", 1, 9, false},
	    {"0.000000001", 1, 9, true},
	    {"0.000000001", 2, 9, false},
	    {"9223372036854775807", INT64_MAX, 0, true},
	    {"9223372036854775806", INT64_MAX, 0, false},
	    {"9223372036.854775807", INT64_MAX, 9, true},
	    {"9223372036.854775806", INT64_MAX, 9, false},
	    {"5", -1, 2, true},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cpnp_money cost = money(cases[i].amount, cases[i].exponent);
		cpnpc_price price;

		ck_assert_int_eq(cpnpc_price_parse(cases[i].bound, &price), 0);
		ck_assert_msg(
		    cpnpc_price_allows(&price, &cost) == cases[i].allowed,
		    "case %zu", i);
	}
}
END_TEST

START_TEST(test_price_refuses_other_texts)
{
	static const char *const cases[] = {"", "EUR", "-1", "1.", ".5", "1,5",
	    "1.0000000001", "9223372036854775808", "1 eur", "1 ABCDEFGHIJKLM",
	    "1 EUR x", "1e3", "+1"};
	cpnpc_price price;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(
		    cpnpc_price_parse(cases[i], &price) == CPNP_ERR_INVALID,
		    "%s", cases[i]);
}
END_TEST

START_TEST(test_money_is_written_in_major_units)
{
	char text[CPNPC_MONEY_LEN];
	cpnp_money m = money(123450, 2);

	cpnpc_money_format(&m, text);
	ck_assert_str_eq(text, "1234.50 EUR");
	m = money(5, 3);
	cpnpc_money_format(&m, text);
	ck_assert_str_eq(text, "0.005 EUR");
	m = money(INT64_MIN, 0);
	cpnpc_money_format(&m, text);
	ck_assert_str_eq(text, "-9223372036854775808 EUR");
	m = money(INT64_MAX, 9);
	cpnpc_money_format(&m, text);
	ck_assert_str_eq(text, "9223372036.854775807 EUR");
}
END_TEST

/* R10: the servers that are asked at once. */
START_TEST(test_conf_takes_several_servers)
{
	char name[] = "a.example";
	cpnpc_conf conf;
	struct told told = {0};
	size_t i;

	cpnpc_conf_init(&conf);
	for (i = 0; i < CPNPC_SET_MAX; i++, name[0]++)
		ck_assert_int_eq(
		    cpnpc_conf_set(&conf, "server", name, on_line, &told), 0);
	ck_assert_uint_eq(conf.servers_n, CPNPC_SET_MAX);
	ck_assert_str_eq(conf.servers[0], "a.example");
	ck_assert_int_eq(cpnpc_conf_set(&conf, "server", name, on_line, &told),
	    CPNP_ERR_CONFIG);
	cpnpc_conf_fini(&conf);
	cpnpc_conf_init(&conf);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "server", "a", on_line, &told), 0);
	ck_assert_int_eq(cpnpc_conf_set(&conf, "server", "a", on_line, &told),
	    CPNP_ERR_CONFIG);
	ck_assert_int_eq(cpnpc_conf_set(&conf, "server", "b c", on_line, &told),
	    CPNP_ERR_CONFIG);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "choose", "dearest", on_line, &told),
	    CPNP_ERR_CONFIG);
	ck_assert_int_eq(
	    cpnpc_conf_set(&conf, "choose", "exact", on_line, &told), 0);
	ck_assert_int_eq((int)conf.rule, CPNPC_RULE_EXACT);
	cpnpc_conf_fini(&conf);
}
END_TEST

/* F5: what resume does is what was meant; a quote never becomes an order. */
START_TEST(test_intent_survives)
{
	cpnpc_intent intents[] = {
	    {.goal = CPNPC_GOAL_QUOTE, .accept = CPNPC_ACCEPT_EXACT},
	    {.goal = CPNPC_GOAL_ORDER, .accept = CPNPC_ACCEPT_ALWAYS},
	    {.goal = CPNPC_GOAL_ORDER,
		.accept = CPNPC_ACCEPT_EXACT,
		.server = "s1.provider.example:49921"},
	    {.goal = CPNPC_GOAL_ORDER,
		.accept = CPNPC_ACCEPT_NEVER,
		.server = "[2001:db8::1]:49921",
		.set = {.id = "S/1=@/odd",
		    .rule = CPNPC_RULE_ASK,
		    .number = 2,
		    .of = CPNPC_SET_MAX,
		    .deadline = {1800000000}}},
	    {.goal = CPNPC_GOAL_QUOTE,
		.accept = CPNPC_ACCEPT_EXACT,
		.server = "s2.provider.example:5"},
	    {.goal = CPNPC_GOAL_ORDER, .accept = CPNPC_ACCEPT_ASK},
	    {.goal = CPNPC_GOAL_ORDER, .accept = CPNPC_ACCEPT_NEVER},
	};
	static const char *const sets[] = {"order never =", "order never =1",
	    "order never =1/2/exact/9", "order never =1/2/exact/9/",
	    "order never =0/2/exact/9/S", "order never =3/2/exact/9/S",
	    "order never =1/17/exact/9/S", "order never =1/2/none/9/S",
	    "order never =1/2/exact/x/S", "order never =-1/2/exact/9/S",
	    ("order never =1/2/exact/9/"
	     "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS")};
	char text[CPNPC_INTENT_LEN];
	cpnpc_intent back;
	size_t i;

	for (i = 0; i < sizeof(intents) / sizeof(intents[0]); i++) {
		if (i % 2 == 1)
			ck_assert_int_eq(cpnpc_price_parse("12.000000005 EUR",
					     &intents[i].max_price),
			    0);
		cpnpc_intent_format(&intents[i], text);
		ck_assert_int_eq(
		    cpnpc_intent_parse(cpnp_bytes_str(text), &back), 0);
		ck_assert_int_eq(back.goal, intents[i].goal);
		ck_assert_str_eq(back.set.id, intents[i].set.id);
		ck_assert_int_eq((int)back.set.rule, (int)intents[i].set.rule);
		ck_assert_uint_eq(back.set.number, intents[i].set.number);
		ck_assert_uint_eq(back.set.of, intents[i].set.of);
		ck_assert_int_eq(back.set.deadline.sec,
		    intents[i].set.deadline.sec);
		ck_assert_int_eq(back.accept, intents[i].accept);
		ck_assert_int_eq(
		    back.max_price.is_set, intents[i].max_price.is_set);
		ck_assert_uint_eq(
		    back.max_price.billionths, intents[i].max_price.billionths);
		ck_assert_str_eq(
		    back.max_price.code, intents[i].max_price.code);
		ck_assert_str_eq(back.server, intents[i].server);
	}
	ck_assert_int_ne(cpnpc_intent_parse(CPNP_BYTES_NONE, &back), 0);
	ck_assert_int_ne(
	    cpnpc_intent_parse(CPNP_BYTES_LIT("buy always"), &back), 0);
	ck_assert_int_ne(
	    cpnpc_intent_parse(CPNP_BYTES_LIT("order perhaps"), &back), 0);
	ck_assert_int_ne(
	    cpnpc_intent_parse(CPNP_BYTES_LIT("order exact x"), &back), 0);
	ck_assert_int_ne(
	    cpnpc_intent_parse(CPNP_BYTES_LIT("order exact @ 1"), &back), 0);
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		ck_assert_msg(
		    cpnpc_intent_parse(cpnp_bytes_str(sets[i]), &back) != 0,
		    "%s", sets[i]);
}
END_TEST

/* What is asked for with other terms beside it is not accepted as exact. */
START_TEST(test_offer_of_other_terms_is_not_exact)
{
	static const cpnp_attr terms[] = {CPNP_ATTR_ACTIVATION_TYPE,
	    CPNP_ATTR_ACTIVATION_SCHEDULE};
	static cpnpc_offer offer;
	const cpnpc_price no_limit = {0};
	char why[CPNPC_WHY_LEN];
	size_t i;

	offer = (cpnpc_offer){.exact = true};
	cpnpc_offer_compare_terms(&offer);
	ck_assert_int_eq(cpnpc_offer_judge(&offer, CPNPC_ACCEPT_EXACT,
			     &no_limit, why),
	    CPNPC_VERDICT_ACCEPT);
	for (i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		offer = (cpnpc_offer){.exact = true};
		offer.offer.present = CPNP_ATTR_BIT(terms[i]);
		offer.offer.activation_type = CPNP_ACTIVATION_SCHEDULED;
		cpnpc_offer_compare_terms(&offer);
		ck_assert_int_eq(cpnpc_offer_judge(&offer, CPNPC_ACCEPT_EXACT,
				     &no_limit, why),
		    CPNPC_VERDICT_DECLINE);
	}
}
END_TEST

/* An offer that is to be paid with these terms. */
static cpnp_bytes
offer_paid(cpnpc_offer *offer, const cpnp_terms *terms, uint8_t *buf,
    size_t size)
{
	cpnp_buf out;

	*offer = (cpnpc_offer){.exact = true};
	cpnp_buf_init_fixed(&out, buf, size);
	ck_assert_int_eq(cpnp_terms_encode(terms, &out, NULL), 0);
	offer->offer.present = CPNP_ATTR_BIT(CPNP_ATTR_SETTLEMENT_TERMS) |
			       CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	offer->offer.settlement_terms = cpnp_buf_bytes(&out);
	offer->offer.options.has_cost = true;
	offer->offer.options.cost = money(123450, 2);
	return cpnp_buf_bytes(&out);
}

/* U15: who shows one price and takes another is declined, whatever --accept
 * says; what asks for the price is as requested. */
START_TEST(test_offer_is_paid_with_its_price_only)
{
	static const struct {
		int64_t amount;
		uint8_t exponent;
		const char *code;
		const char *why; /* NULL: it will do */
	} cases[] = {
	    {123450, 2, "EUR", NULL},
	    {123451, 2, "EUR", "1234.51 EUR of bank, the offer costs 1234.50"},
	    {123449, 2, "EUR", "1234.49 EUR of bank"},
	    {123450, 3, "EUR", "123.450 EUR of bank"},
	    {123450, 2, "USD", "1234.50 USD of bank"},
	};
	static cpnpc_offer offer;
	uint8_t buf[CPNP_TERMS_MAX];
	const cpnpc_price no_limit = {0};
	cpnp_terms terms = {.payee = CPNP_BYTES_LIT("provider"),
	    .issuer = CPNP_BYTES_LIT("bank"),
	    .duration = 60,
	    .escrow_seconds = 60};
	char why[CPNPC_WHY_LEN];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		terms.amount = cases[i].amount;
		terms.exponent = cases[i].exponent;
		terms.code = cpnp_bytes_str(cases[i].code);
		(void)offer_paid(&offer, &terms, buf, sizeof(buf));
		cpnpc_offer_compare_terms(&offer);
		cpnpc_terms_read(&offer, (cpnp_wtime){1000});
		ck_assert(offer.has_terms);
		ck_assert_int_eq(cpnpc_offer_judge(&offer, CPNPC_ACCEPT_ALWAYS,
				     &no_limit, why),
		    cases[i].why == NULL ? CPNPC_VERDICT_ACCEPT
					 : CPNPC_VERDICT_DECLINE);
		if (cases[i].why != NULL)
			ck_assert_msg(strstr(why, cases[i].why) != NULL,
			    "%s: %s", cases[i].why, why);
		ck_assert_int_eq(cpnpc_offer_judge(&offer, CPNPC_ACCEPT_NEVER,
				     &no_limit, why),
		    CPNPC_VERDICT_LEAVE);
	}
	/* a price that is not named, and terms that are none */
	terms.code = CPNP_BYTES_LIT("EUR");
	(void)offer_paid(&offer, &terms, buf, sizeof(buf));
	offer.offer.options.has_cost = false;
	cpnpc_terms_read(&offer, (cpnp_wtime){1000});
	ck_assert_int_eq(
	    cpnpc_offer_judge(&offer, CPNPC_ACCEPT_ALWAYS, &no_limit, why),
	    CPNPC_VERDICT_DECLINE);
	(void)offer_paid(&offer, &terms, buf, sizeof(buf));
	offer.offer.settlement_terms.len--;
	cpnpc_terms_read(&offer, (cpnp_wtime){1000});
	ck_assert_int_eq(
	    cpnpc_offer_judge(&offer, CPNPC_ACCEPT_ASK, &no_limit, why),
	    CPNPC_VERDICT_DECLINE);
}
END_TEST

/* U15: nor who takes the price for a part of what is offered. */
START_TEST(test_offer_is_paid_for_all_of_its_time)
{
	static const struct {
		int64_t from, to; /* of the service; 0: not given */
		int64_t start;    /* of the terms; 0: not given */
		uint64_t duration;
		const char *why; /* NULL: it will do */
	} cases[] = {
	    {0, 0, 0, 1, NULL}, /* for as long as it is shown */
	    {0, 100000, 0, 99000, NULL}, /* from 1000 on */
	    {0, 100000, 0, 98700, NULL},
	    {0, 100000, 0, 98699, "pay for it until 1970-01-02 03:41:39"},
	    {50000, 100000, 50000, 50000, NULL},
	    {50000, 100000, 50000, 49699, "offered until 1970-01-02 03:46:40"},
	    {50000, 100000, 49700, 50600, NULL},
	    {50000, 100000, 49699, 50600, "pay for it from"},
	    {50000, 100000, 0, 99000, "offered from 1970-01-01 13:53:20"},
	    {0, 1000000000, 0, CPNP_SERVICE_SECONDS_MAX, NULL},
	    {0, 1000000000, 0, CPNP_SERVICE_SECONDS_MAX - 1, "until"},
	};
	static cpnpc_offer offer;
	uint8_t buf[CPNP_TERMS_MAX];
	cpnp_terms terms = {.payee = CPNP_BYTES_LIT("provider"),
	    .issuer = CPNP_BYTES_LIT("bank"),
	    .code = CPNP_BYTES_LIT("EUR"),
	    .exponent = 2,
	    .amount = 123450,
	    .escrow_seconds = 60};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cpnp_schedule *schedule = &offer.offer.activation_schedule;
		cpnp_cpd_window window = {
		    .start = {cases[i].from != 0, {cases[i].from}},
		    .end = {cases[i].to != 0, {cases[i].to}}};
		cpnp_cpd_profile profile = {.window = &window};
		cpnp_cpd_component component = {
		    .profiles = &profile, .profiles_n = 1};
		unsigned way;

		terms.has_start = cases[i].start != 0;
		terms.start.sec = cases[i].start;
		terms.duration = cases[i].duration;
		/* of the document, and of a schedule of activation */
		for (way = 0; way < 2; way++) {
			(void)offer_paid(&offer, &terms, buf, sizeof(buf));
			offer.offered.components = &component;
			offer.offered.components_n = way == 0;
			if (way == 1)
				offer.offer.present |= CPNP_ATTR_BIT(
				    CPNP_ATTR_ACTIVATION_SCHEDULE);
			schedule->has_start = window.start.is_set;
			schedule->start = window.start.time;
			schedule->has_end = window.end.is_set;
			schedule->end = window.end.time;
			cpnpc_terms_read(&offer, (cpnp_wtime){1000});
			ck_assert_msg(cases[i].why == NULL
				? offer.terms_fault[0] == '\0'
				: strstr(offer.terms_fault, cases[i].why) !=
				    NULL,
			    "case %zu: %s", i, offer.terms_fault);
		}
	}
}
END_TEST

/* A limit of the fee, in the units of the token that is paid. */
START_TEST(test_price_counts_minor_units)
{
	static const struct {
		const char *bound;
		uint8_t exponent;
		int64_t minor; /* -1: of another token */
	} cases[] = {
	    {"1.50 EUR", 2, 150},
	    {"1.509", 2, 150}, /* rounded down */
	    {"0.000000001", 9, 1},
	    {"9", 0, 9},
	    {"1 USD", 2, -1},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"9223372036854775807", 9, INT64_MAX},
	};
	cpnpc_price price = {0};
	int64_t minor = -1;
	cpnp_money token;
	size_t i;

	token = money(0, 2);
	ck_assert(cpnpc_price_minor(&price, &token, &minor));
	ck_assert_int_eq(minor, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		token = money(0, cases[i].exponent);
		ck_assert_int_eq(cpnpc_price_parse(cases[i].bound, &price), 0);
		ck_assert_msg(cpnpc_price_minor(&price, &token, &minor) ==
				  (cases[i].minor >= 0),
		    "%s", cases[i].bound);
		if (cases[i].minor >= 0)
			ck_assert_int_eq(minor, cases[i].minor);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_conf_reads_every_option,
	    test_conf_mistakes_name_place_and_remedy,
	    test_conf_tells_all_mistakes,
	    test_conf_missing_file,
	    test_conf_line_goes_over_file,
	    test_conf_server_and_domain_replace_each_other,
	    test_conf_reasons_of_a_decline, test_conf_bounds_of_a_path,
	    test_price_compares_exactly,
	    test_price_refuses_other_texts,
	    test_money_is_written_in_major_units,
	    test_conf_takes_several_servers,
	    test_intent_survives,
	    test_offer_of_other_terms_is_not_exact,
	    test_offer_is_paid_with_its_price_only,
	    test_offer_is_paid_for_all_of_its_time,
	    test_price_counts_minor_units,
	};

	return unit_run("cpnpc_conf", tests, sizeof(tests) / sizeof(tests[0]));
}
