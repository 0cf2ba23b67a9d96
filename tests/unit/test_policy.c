/*
 * Reading networks and policies: the examples, the schemas, and that each
 * mistake is told with file, line, element, what is wrong and what would be
 * right.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include "../../cpnpd/decision/policy.h"
#include "unit.h"

static char path[] = "/tmp/cpnp-policy.XXXXXX";
static char told[65536];
static cpnp_catalogue *catalogue;
static cpnp_topology *topology;
static cpnp_policy *policy;

static void
tell(void *user, const char *line)
{
	size_t len = strlen(told);

	(void)user;
	snprintf(told + len, sizeof(told) - len, "%s\n", line);
}

static const char *
source(const char *name)
{
	static char file[4096];
	const char *top = getenv("srcdir");

	snprintf(file, sizeof(file), "%s/%s", top != NULL ? top : ".", name);
	return file;
}

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	told[0] = '\0';
}

static int
load_network(const char *text)
{
	cpnp_topology_del(topology);
	topology = NULL;
	write_file(text);
	return cpnp_topology_load(&topology, path, catalogue, tell, NULL);
}

static int
load_policy(const char *text)
{
	cpnp_policy_del(policy);
	policy = NULL;
	write_file(text);
	return cpnp_policy_load(
	    &policy, path, catalogue, topology, tell, NULL);
}

static void
silence(void *user, const char *format, ...)
{
	(void)user;
	(void)format;
}

static int
validate(const char *schema_name, const char *document)
{
	xmlSchemaParserCtxt *parser =
	    xmlSchemaNewParserCtxt(source(schema_name));
	xmlSchema *schema = xmlSchemaParse(parser);
	xmlSchemaValidCtxt *valid;
	xmlDoc *doc;
	int rc;

	ck_assert_ptr_nonnull(schema);
	valid = xmlSchemaNewValidCtxt(schema);
	xmlSchemaSetValidErrors(valid, silence, silence, NULL);
	doc = xmlReadFile(document, NULL, XML_PARSE_NONET);
	ck_assert_ptr_nonnull(doc);
	rc = xmlSchemaValidateDoc(valid, doc);
	xmlFreeDoc(doc);
	xmlSchemaFreeValidCtxt(valid);
	xmlSchemaFree(schema);
	xmlSchemaFreeParserCtxt(parser);
	return rc;
}

#define CATALOGUE                                                              \
	"<catalogue xmlns=\"urn:cpnp:catalogue:1\">"                           \
	"<provider name=\"P\" email=\"n@p.example\"/>"                         \
	"<token code=\"EUR\" exponent=\"2\"/><terms offer-validity=\"1 h\"/>"  \
	"<network separation=\"isolated\"><class name=\"gold\"/></network>"    \
	"<place name=\"A\" capacity=\"1 Gbit/s\" price=\"1\"/>"                \
	"<place name=\"B\" capacity=\"1 Gbit/s\" price=\"1\"/></catalogue>"
#define NET "<network xmlns=\"urn:cpnp:network:1\">\n"
#define NODES                                                                  \
	"<node name=\"a\"><place name=\"A\"/></node>\n"                        \
	"<node name=\"b\"><place name=\"B\"/></node>\n"
#define LINK "<link name=\"l\" a=\"a\" b=\"b\" capacity=\"1 Gbit/s\" "         \
	"delay=\"1 ms\""
#define NET_END "</network>\n"
#define BASE NET NODES LINK "/>\n" /* four lines */
#define POLICY "<policy xmlns=\"urn:cpnp:policy:1\">\n"
#define POLICY_END "</policy>\n"

static void
setup(void)
{
	write_file(CATALOGUE);
	ck_assert_int_eq(
	    cpnp_catalogue_load(&catalogue, path, tell, NULL), 0);
	ck_assert_int_eq(load_network(BASE NET_END), 0);
}

static void
teardown(void)
{
	cpnp_policy_del(policy);
	cpnp_topology_del(topology);
	cpnp_catalogue_del(catalogue);
	policy = NULL;
	topology = NULL;
	catalogue = NULL;
}

START_TEST(test_network_and_policy_examples_are_read)
{
	char file[4096];
	const cpnp_topo_link *l;
	cpnp_guidelines g;
	cpnp_wtime until;

	teardown();
	told[0] = '\0';
	ck_assert_int_eq(cpnp_catalogue_load(&catalogue,
			     source("schemas/examples/catalogue.xml"), tell,
			     NULL), 0);
	ck_assert_msg(cpnp_topology_load(&topology,
			  source("schemas/examples/network.xml"), catalogue,
			  tell, NULL) == 0, "%s", told);
	ck_assert_msg(cpnp_policy_load(&policy,
			  source("schemas/examples/policy.xml"), catalogue,
			  topology, tell, NULL) == 0, "%s", told);
	ck_assert_uint_eq(topology->nodes_n, 7);
	ck_assert_uint_eq(topology->links_n, 7);
	ck_assert_uint_eq(topology->nodes[0].prefixes_n, 2);
	ck_assert_uint_eq(topology->nodes[0].prefixes[0].len, 25);
	l = &topology->links[cpnp_topology_link(
	    topology, CPNP_BYTES_LIT("par-tls"))];
	ck_assert_uint_eq(l->promises[CPNP_METRIC_DELAY].value, 4000);
	ck_assert_uint_eq(l->promises[CPNP_METRIC_UNAVAILABILITY].value, 100);
	ck_assert_int_eq(l->separation, CPNP_CPD_SHARED);
	/* 2026-11-30T03:00:00Z is a Monday */
	ck_assert_uint_eq(cpnp_weekly_at(l->extra, 0,
			      (cpnp_wtime){1795996800 + 3 * 3600}, &until),
	    300000000);
	ck_assert_str_eq(topology->borders[0].neighbour, "south.example");
	/* what says nothing has that of the catalogue, and the price of all */
	ck_assert_int_eq(topology->links[0].separation, CPNP_CPD_ISOLATED);
	ck_assert_uint_eq(policy->links[0], 1000 + 2 * 480);
	ck_assert_uint_eq(policy->links[l - topology->links], 5000);
	ck_assert_uint_eq(
	    cpnp_policy_class(policy, CPNP_BYTES_LIT("mqc-streaming")), 130);
	ck_assert_uint_eq(cpnp_policy_class(policy, CPNP_BYTES_NONE), 100);
	ck_assert_uint_eq(cpnp_policy_availability(policy, 998999), 100);
	ck_assert_uint_eq(cpnp_policy_availability(policy, 999000), 110);
	ck_assert_uint_eq(cpnp_policy_availability(policy, 999999), 125);
	g = cpnp_policy_guidelines(
	    policy, cpnp_policy_profile(policy, "trial"));
	ck_assert_uint_eq(g.orders.value, 5);
	ck_assert_uint_eq(g.offer_validity.value, 1800);
	ck_assert_int_eq(g.unverified, CPNP_UNVERIFIED_REFUSE);
	ck_assert_ptr_null(cpnp_policy_profile(policy, "Trial"));
	snprintf(file, sizeof(file), "%s",
	    source("schemas/examples/network.xml"));
	ck_assert_int_eq(validate("schemas/network.xsd", file), 0);
	snprintf(file, sizeof(file), "%s",
	    source("schemas/examples/policy.xml"));
	ck_assert_int_eq(validate("schemas/policy.xsd", file), 0);
}
END_TEST

struct mistake {
	const char *text;
	const char *place;
	const char *wrong;
	const char *remedy;
	bool fits_schema; /* it is wrong for another reason than its form */
};

static void
check(const struct mistake *m, int (*load)(const char *), const char *schema)
{
	ck_assert_msg(load(m->text) == CPNP_ERR_CONFIG, "accepted: %s",
	    m->text);
	ck_assert_msg(strncmp(told, path, strlen(path)) == 0 &&
		strstr(told, m->place) != NULL &&
		strstr(told, m->wrong) != NULL &&
		strstr(told, m->remedy) != NULL,
	    "for\n%s\ntold:\n%s", m->text, told);
	ck_assert_msg((validate(schema, path) == 0) == m->fits_schema,
	    "the schema thinks otherwise: %s", m->text);
}

static const struct mistake network_mistakes[] = {
	{BASE "<shop/>" NET_END, ":5: shop: ", "has no place here",
	    "expected node, link or interconnection", false},
	{NET "<node name=\"a\"><place name=\"A\"/></node>\n" NET_END,
	    ": node/place: ", "no node serves the place \"B\"",
	    "<place name=\"B\"/>", true},
	{NET "<node name=\"a\"><place name=\"C\"/></node>\n" NET_END,
	    ":2: place/name: ", "\"C\" is no place", "one that it sells",
	    true},
	{NET "<node name=\"a\"><place name=\"A\"/>\n<place name=\"a\"/>"
	     "</node>" NET_END, ":3: place/name: ",
	    "served by the node \"a\" already", "one node for each", true},
	{NET NODES "<node name=\"a\"/>" NET_END, ":4: node/name: ",
	    "is in line 2 already", "one node of each name", true},
	{NET NODES "<node/>" NET_END, ":4: node/name: ", "is missing",
	    "1 to 64 bytes", false},
	{NET NODES "<node name=\"c\"><prefix value=\"10.0.0.1/8\"/></node>"
	    NET_END, ":4: prefix/value: ", "\"10.0.0.1/8\"",
	    "without bits behind", true},
	{NET NODES "<node name=\"c\"><prefix value=\"10.0.0.0/33\"/></node>"
	    NET_END, ":4: prefix/value: ", "\"10.0.0.0/33\"",
	    "\"192.0.2.0/24\"", true},
	{NET NODES "<node name=\"c\"><prefix value=\"2001:db8::\"/></node>"
	    NET_END, ":4: prefix/value: ", "\"2001:db8::\"",
	    "\"2001:db8::/32\"", true},
	{NET NODES "<link name=\"l\" a=\"a\" b=\"x\" capacity=\"1 Gbit/s\" "
	     "delay=\"1 ms\"/>" NET_END, ":4: link/b: ", "no node \"x\"",
	    "the name of a node", true},
	{NET NODES "<link name=\"l\" a=\"a\" b=\"a\" capacity=\"1 Gbit/s\" "
	     "delay=\"1 ms\"/>" NET_END, ":4: link/b: ",
	    "is where the link begins", "another node", true},
	{NET NODES "<link name=\"l\" a=\"a\" b=\"b\" delay=\"1 ms\"/>"
	    NET_END, ":4: link/capacity: ", "is missing", "\"100 Mbit/s\"",
	    false},
	{NET NODES "<link name=\"l\" a=\"a\" b=\"b\" capacity=\"1 bit/s\"/>"
	    NET_END, ":4: link/delay: ", "is missing", "\"10 ms\"", false},
	{BASE LINK "/>" NET_END, ":5: link/name: ", "is in line 4 already",
	    "one link of each name", true},
	{NET NODES LINK " separation=\"total\"/>" NET_END,
	    ":4: link/separation: ", "\"total\"",
	    "shared, isolated or dedicated", false},
	{NET NODES LINK " km=\"far\"/>" NET_END, ":4: link/km: ", "\"far\"",
	    "kilometres", false},
	{NET NODES LINK "><extra from=\"25:00\" until=\"06:00\" "
	     "capacity=\"1 bit/s\"/></link>" NET_END, ":4: extra/from: ",
	    "\"25:00\"", "a time of day in UTC", false},
	{NET NODES LINK "><extra days=\"monday\" from=\"01:00\" "
	     "until=\"06:00\" capacity=\"1 bit/s\"/></link>" NET_END,
	    ":4: extra/days: ", "\"monday\"", "\"mon-fri\"", false},
	{NET NODES LINK ">\n<extra from=\"22:00\" until=\"06:00\" "
	     "capacity=\"1 bit/s\"/>\n<extra from=\"05:00\" "
	     "until=\"07:00\" capacity=\"1 bit/s\"/></link>" NET_END,
	    ":6: extra: ", "meets other hours", "that are apart", true},
	{BASE "<interconnection name=\"i\" node=\"c\" neighbour=\"n\" "
	      "capacity=\"1 bit/s\"/>" NET_END, ":5: interconnection/node: ",
	    "no node \"c\"", "the name of a node", true},
	{BASE "<interconnection name=\"i\" node=\"a\" "
	      "capacity=\"1 bit/s\"/>" NET_END,
	    ":5: interconnection/neighbour: ", "is missing",
	    "the name of a neighbour", false},
	{BASE "<interconnection name=\"i\" node=\"a\" neighbour=\"n\" "
	      "capacity=\"1 bit/s\"/>\n"
	      "<interconnection name=\"i\" node=\"b\" neighbour=\"n\" "
	      "capacity=\"1 bit/s\"/>" NET_END,
	    ":6: interconnection/name: ", "is in line 5 already",
	    "of each name", true},
};

START_TEST(test_network_tells_place_and_remedy)
{
	size_t i;

	for (i = 0; i < sizeof(network_mistakes) / sizeof(network_mistakes[0]);
	     i++)
		check(&network_mistakes[i], load_network,
		    "schemas/network.xsd");
}
END_TEST

static const struct mistake policy_mistakes[] = {
	{POLICY "<bonus/>" POLICY_END, ":2: bonus: ", "has no place here",
	    "expected prices, guidelines or profile", false},
	{POLICY "<prices/>\n<prices/>" POLICY_END, ":3: prices: ",
	    "is there twice", "expected one", false},
	{POLICY "<prices set-up=\"1.5\"/>" POLICY_END,
	    ":2: prices/set-up: ", "\"1.5\"", "a whole number of minor units",
	    false},
	{POLICY "<prices link=\"1000000000001\"/>" POLICY_END,
	    ":2: prices/link: ", "\"1000000000001\"", "one Mbit/s", false},
	{POLICY "<prices><link name=\"m\" price=\"1\"/></prices>" POLICY_END,
	    ":2: link/name: ", "\"m\" is no link", "the option network",
	    true},
	{POLICY "<prices><link name=\"l\" price=\"1\"/>\n<link name=\"l\" "
		"price=\"1\"/></prices>" POLICY_END, ":3: link/name: ",
	    "has a price already", "expected one", true},
	{POLICY "<prices><class name=\"tin\" percent=\"1\"/></prices>"
	    POLICY_END, ":2: class/name: ", "no class of the catalogue",
	    "one that it has", true},
	{POLICY "<prices><class name=\"gold\" percent=\"10001\"/></prices>"
	    POLICY_END, ":2: class/percent: ", "\"10001\"",
	    "from 0 to 10000", false},
	{POLICY "<prices><availability from=\"99 %\" percent=\"1\"/>\n"
		"<availability from=\"99 %\" percent=\"2\"/></prices>"
	    POLICY_END, ":3: availability/from: ", "not more than that before",
	    "the smallest first", true},
	{POLICY "<prices><hours from=\"08:00\" until=\"20:00\" "
		"percent=\"1\"/>\n<hours days=\"sun\" from=\"19:59\" "
		"until=\"21:00\" percent=\"2\"/></prices>" POLICY_END,
	    ":3: hours: ", "meet other hours", "that are apart", true},
	{POLICY "<guidelines orders=\"10\"/>" POLICY_END, ":2: guidelines: ",
	    "one of orders and period", "both, or none", true},
	{POLICY "<guidelines offer-validity=\"1 s\"/>" POLICY_END,
	    ":2: guidelines/offer-validity: ", "\"1 s\"", "from 10 s", true},
	{POLICY "<guidelines unverified=\"maybe\"/>" POLICY_END,
	    ":2: guidelines/unverified: ", "\"maybe\"",
	    "offer, escalate or refuse", false},
	{POLICY "<profile name=\"x\"/>\n<profile name=\"x\"/>" POLICY_END,
	    ":3: profile/name: ", "is in line 2 already", "of each name",
	    true},
	{POLICY "<profile percent=\"90\"/>" POLICY_END, ":2: profile/name: ",
	    "is missing", "1 to 64 bytes", false},
	{POLICY "<profile name=\"x\" orders=\"0\" period=\"1 h\"/>"
	    POLICY_END, ":2: profile/orders: ", "\"0\"",
	    "from 1 to 1000000", false},
};

START_TEST(test_policy_tells_place_and_remedy)
{
	size_t i;

	for (i = 0; i < sizeof(policy_mistakes) / sizeof(policy_mistakes[0]);
	     i++)
		check(&policy_mistakes[i], load_policy, "schemas/policy.xsd");
}
END_TEST

/* An element more than there may be; "#" is its number. */
static void
check_bound(const char *head, const char *element, unsigned n,
    const char *tail, int (*load)(const char *), const char *told_of)
{
	size_t len = strlen(head), size = len + 64 + n * 160;
	char *text = malloc(size);
	const char *p;
	unsigned i;

	strcpy(text, head);
	for (i = 0; i <= n; i++)
		for (p = element; *p != '\0'; p++)
			if (*p == '#')
				len += (size_t)sprintf(text + len, "%u", i);
			else
				text[len++] = *p;
	strcpy(text + len, tail);
	ck_assert_int_eq(load(text), CPNP_ERR_CONFIG);
	ck_assert_msg(strstr(told, told_of) != NULL, "told: %.300s", told);
	free(text);
}

START_TEST(test_network_and_policy_have_bounds)
{
	check_bound(NET, "<node name=\"n#\"/>", CPNP_TOPOLOGY_NODES_MAX,
	    NET_END, load_network, "node: there are too many");
	check_bound(NET NODES, "<link name=\"l#\" a=\"a\" b=\"b\" "
	    "capacity=\"1 bit/s\" delay=\"1 ms\"/>", CPNP_TOPOLOGY_LINKS_MAX,
	    NET_END, load_network, "link: there are too many");
	check_bound(NET NODES, "<interconnection name=\"i#\" node=\"a\" "
	    "neighbour=\"n\" capacity=\"1 bit/s\"/>",
	    CPNP_TOPOLOGY_NEIGHBOURS_MAX, NET_END, load_network,
	    "interconnection: there are too many");
	check_bound(NET NODES "<node name=\"c\">",
	    "<prefix value=\"10.#.0.0/16\"/>", CPNP_TOPOLOGY_PREFIXES_MAX,
	    "</node>" NET_END, load_network, "prefix: there are too many");
	ck_assert_int_eq(load_network(BASE NET_END), 0);
	check_bound(POLICY, "<profile name=\"p#\"/>",
	    CPNP_POLICY_PROFILES_MAX, POLICY_END, load_policy,
	    "profile: there are too many");
	check_bound(POLICY "<prices>", "<class name=\"gold\" percent=\"#\"/>",
	    CPNP_POLICY_CLASSES_MAX, "</prices>" POLICY_END, load_policy,
	    "class: there are too many");
	check_bound(POLICY "<prices>",
	    "<availability from=\"# ppm\" percent=\"1\"/>",
	    CPNP_POLICY_AVAILABILITIES_MAX, "</prices>" POLICY_END,
	    load_policy, "availability: there are too many");
}
END_TEST

/* Nothing is fetched or expanded. */
START_TEST(test_network_and_policy_have_no_entities)
{
	ck_assert_int_eq(load_network("<!DOCTYPE network [<!ENTITY x SYSTEM "
	    "\"/etc/passwd\">]>\n" BASE "&x;" NET_END), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(told, ":1: DOCTYPE: there is a DTD"));
	ck_assert_int_eq(load_policy("<!DOCTYPE policy SYSTEM "
	    "\"http://192.0.2.1/x\">\n" POLICY POLICY_END), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(told, "expected none"));
	ck_assert_int_eq(load_policy(BASE NET_END), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(told, "is not a policy; expected <policy "
	    "xmlns=\"urn:cpnp:policy:1\">"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_network_and_policy_examples_are_read,
		test_network_tells_place_and_remedy,
		test_policy_tells_place_and_remedy,
		test_network_and_policy_have_bounds,
		test_network_and_policy_have_no_entities,
	};
	int fd = mkstemp(path), rc;

	if (fd == -1)
		return EXIT_FAILURE;
	close(fd);
	rc = unit_run_with("policy", tests, sizeof(tests) / sizeof(tests[0]),
	    setup, teardown, 20);
	unlink(path);
	xmlCleanupParser();
	return rc;
}
