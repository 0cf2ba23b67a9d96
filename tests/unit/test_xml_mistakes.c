/*
 * Mistakes that people make in a CPD: each is told with its place (line and
 * element) and its remedy, and none is silently accepted.  What the schema
 * can see it refuses too.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <libxml/xmlschemas.h>

#include <cpnp/xml.h>

#include "cpd_unit.h"

/* Lines 1 to 6, the profile is line 3; what is under test starts in 7. */
#define HEAD                                                                   \
	"<cpd xmlns=\"urn:cpnp:cpd:1\">\n<component>\n<profile>\n<nodes>"      \
	"<node id=\"a\"><link id=\"l1\"/></node>\n<node id=\"b\"/>\n"          \
	"</nodes>\n"
#define TAIL "\n</profile></component></cpd>"
#define IN_PROFILE(xml) HEAD xml TAIL
/* One line, 7. */
#define CAPACITY "<capacity><rate in=\"5 Mbit/s\"/></capacity>"
#define DATED(s, e) "<window start=\"" s "\" end=\"" e "\"/>"

/* Can the schema see it? */
enum by_schema { SCHEMA_REFUSES, SCHEMA_ACCEPTS };

static const struct mistake {
	const char *xml;
	enum by_schema by_schema;
	const char *where;
	const char *why; /* a part of it */
} mistakes[] = {
    /* the document */
    {"", SCHEMA_REFUSES, "line 1", "it must hold an XML element"},
    {"order 100 Mbit/s please", SCHEMA_REFUSES, "line 1",
	"it must hold an XML element"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\">\n<component>\n</cpd>", SCHEMA_REFUSES,
	"line 3", "correct this: Opening and ending tag mismatch"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\">\n<component name=x/></cpd>",
	SCHEMA_REFUSES, "line 2", "correct this: AttValue"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\">\n&nbsp;</cpd>", SCHEMA_REFUSES,
	"line 2", "Entity 'nbsp' not defined"},
    {"<!DOCTYPE cpd SYSTEM \"http://192.0.2.1/cpd.dtd\">\n" HEAD TAIL,
	SCHEMA_ACCEPTS, "line 1", "remove <!DOCTYPE"},
    {"<cpd><component/></cpd>", SCHEMA_REFUSES, "line 1, <cpd>",
	"must be <cpd xmlns=\"urn:cpnp:cpd:1\">"},
    {"<cpp xmlns=\"urn:cpnp:cpd:1\"/>", SCHEMA_REFUSES, "line 1, <cpp>",
	"must be <cpd"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\"/>", SCHEMA_REFUSES, "line 1, <cpd>",
	"<component> is missing; write one"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\">\n<component name=\"x\"/></cpd>",
	SCHEMA_REFUSES, "line 2, <component>",
	"<profile> is missing; write one"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\"><component>\n<profile name=\"x\"/>"
     "</component></cpd>",
	SCHEMA_REFUSES, "line 2, <profile>", "<nodes> is missing; write one"},

    /* elements and attributes */
    {IN_PROFILE("<capcity/>"), SCHEMA_REFUSES, "line 7, <capcity>",
	"did you mean capacity?"},
    {IN_PROFILE("<price/>"), SCHEMA_REFUSES, "line 7, <price>",
	"use nodes, scopes, qos"},
    {IN_PROFILE("<qos xmlns=\"urn:other\"/>"), SCHEMA_REFUSES,
	"line 7, <qos>", "extensions attribute"},
    {IN_PROFILE("<capacity><rate inn=\"5 Mbit/s\"/></capacity>"),
	SCHEMA_REFUSES, "line 7, <rate> inn", "did you mean in?"},
    {IN_PROFILE("<capacity><site in=\"5 Mbit/s\"/></capacity>"),
	SCHEMA_REFUSES, "line 7, <site>", "holds elements <rate>"},
    {IN_PROFILE("<capacity in=\"5 Mbit/s\"/>"), SCHEMA_REFUSES,
	"line 7, <capacity> in", "write them on <rate>"},
    {IN_PROFILE("<capacity/>"), SCHEMA_REFUSES, "line 7, <capacity>",
	"at least one <rate>"},
    {IN_PROFILE("<capacity>5 Mbit/s</capacity>"), SCHEMA_REFUSES,
	"line 7, <capacity>", "at least one <rate>"},
    {IN_PROFILE(CAPACITY "\n" CAPACITY), SCHEMA_REFUSES,
	"line 8, <capacity>", "merge the two"},
    {IN_PROFILE("<qos>gold</qos>"), SCHEMA_REFUSES, "line 7, <qos>",
	"written as attributes"},
    {IN_PROFILE("<qos/>"), SCHEMA_ACCEPTS, "line 7, <qos>", "leave it out"},
    {IN_PROFILE("<invocation/>"), SCHEMA_REFUSES,
	"line 7, <invocation> type", "<invocation> needs it"},
    {IN_PROFILE("<isolation><means kind=\"x\">IPsec</means></isolation>"),
	SCHEMA_REFUSES, "line 7, <means> kind", "write its value as text"},
    {IN_PROFILE("<isolation><means>IP<b>sec</b></means></isolation>"),
	SCHEMA_REFUSES, "line 7, <means>", "one run of text"},
    {IN_PROFILE("<isolation><means> </means></isolation>"), SCHEMA_REFUSES,
	"line 7, <means>", "write 1 to 255 bytes"},
    {IN_PROFILE("<qos extensions=\"0101\"/>"), SCHEMA_ACCEPTS,
	"line 7, <qos> extensions", "negative key"},
    {IN_PROFILE("<qos extensions=\"xyz\"/>"), SCHEMA_REFUSES,
	"line 7, <qos> extensions", "hexadecimal"},

    /* values */
    {IN_PROFILE("<capacity><rate in=\"100\"/></capacity>"), SCHEMA_REFUSES,
	"line 7, <rate> in", "write a rate from 1 bit/s to 1000 Tbit/s"},
    {IN_PROFILE("<capacity><rate in=\"100 MB/s\"/></capacity>"),
	SCHEMA_REFUSES, "line 7, <rate> in", "\"100 Mbit/s\""},
    {IN_PROFILE("<capacity><rate in=\"1,5 Mbit/s\"/></capacity>"),
	SCHEMA_REFUSES, "line 7, <rate> in", "\"100 Mbit/s\""},
    {IN_PROFILE("<capacity><rate in=\"0.5 bit/s\"/></capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate> in", "from 1 bit/s"},
    {IN_PROFILE("<capacity><rate in=\"2000 Tbit/s\"/></capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate> in", "to 1000 Tbit/s"},
    {IN_PROFILE("<capacity><rate in=\"5 Mbit/s to 9 Mbit/s\"/></capacity>"),
	SCHEMA_REFUSES, "line 7, <rate> in", "preferably 100 Mbit/s"},
    {IN_PROFILE("<capacity><rate in=\"9 Mbit/s to 5 Mbit/s, preferably "
		"5 Mbit/s\"/></capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate> in", "a range"},
    {IN_PROFILE("<capacity><rate in=\"5 Mbit/s to 9 Mbit/s, preferably "
		"10 Mbit/s\"/></capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate> in", "a range"},
    {IN_PROFILE("<availability value=\"101 %\"/>"), SCHEMA_ACCEPTS,
	"line 7, <availability> value", "to 100 %"},
    {IN_PROFILE("<availability value=\"99.99999 %\"/>"), SCHEMA_ACCEPTS,
	"line 7, <availability> value", "write a ratio"},
    {IN_PROFILE("<availability value=\"99 %\" interval=\"2 weeks\"/>"),
	SCHEMA_REFUSES, "line 7, <availability> interval", "\"30 s\""},
    {IN_PROFILE("<conformance mtu=\"67 bytes\"/>"), SCHEMA_ACCEPTS,
	"line 7, <conformance> mtu", "from 68 bytes"},
    {IN_PROFILE("<flows><flow dscp=\"64\"/></flows>"), SCHEMA_REFUSES,
	"line 7, <flow> dscp", "from 0 to 63"},
    {IN_PROFILE("<flows><flow source=\"192.0.2.1/24\"/></flows>"),
	SCHEMA_ACCEPTS, "line 7, <flow> source", "zeros after its length"},
    {IN_PROFILE("<flows><flow source=\"example.com\"/></flows>"),
	SCHEMA_REFUSES, "line 7, <flow> source", "\"192.0.2.0/24\""},
    {IN_PROFILE("<flows><flow tunnel=\"192.0.2.0/24\"/></flows>"),
	SCHEMA_REFUSES, "line 7, <flow> tunnel", "\"192.0.2.1\""},
    {IN_PROFILE("<flows><flow source-port=\"65536\"/></flows>"),
	SCHEMA_ACCEPTS, "line 7, <flow> source-port", "at most 65535"},
    {IN_PROFILE("<flows><flow source-port=\"20-10\"/></flows>"),
	SCHEMA_ACCEPTS, "line 7, <flow> source-port", "\"5060-5061\""},
    {IN_PROFILE("<scopes><scope direction=\"both\" reach=\"global\"/>"
		"</scopes>"),
	SCHEMA_REFUSES, "line 7, <scope> direction",
	"write \"incoming\" or \"outgoing\""},
    {IN_PROFILE(DATED("2026-11-31T00:00:00Z", "2027-01-01T00:00:00Z")),
	SCHEMA_ACCEPTS, "line 7, <window> start", "\"2026-11-21T08:30:00Z\""},
    {IN_PROFILE(DATED("tomorrow", "2027-01-01T00:00:00Z")), SCHEMA_REFUSES,
	"line 7, <window> start", "a date in UTC"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\"><component><profile><nodes>\n"
     "<node id=\"a\" coordinates=\"48,85 2,35\"/></nodes></profile>"
     "</component></cpd>",
	SCHEMA_REFUSES, "line 2, <node> coordinates", "\"48.8566 2.3522\""},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\"><component><profile><nodes>\n"
     "<node id=\"a\" coordinates=\"91 0\"/></nodes></profile>"
     "</component></cpd>",
	SCHEMA_ACCEPTS, "line 2, <node> coordinates", "in degrees"},
    {"<cpd xmlns=\"urn:cpnp:cpd:1\"><component><profile><nodes>\n"
     "<node place=\"Paris\"/></nodes></profile></component></cpd>",
	SCHEMA_REFUSES, "line 2, <node> id", "<node> needs it"},

    /* references */
    {IN_PROFILE("<capacity><rate node=\"c\" in=\"5 Mbit/s\"/></capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate> node",
	"\"c\": write the id of a <node>"},
    {IN_PROFILE("<capacity><rate scope=\"s\" in=\"5 Mbit/s\"/></capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate> scope",
	"\"s\": write the id of a <scope>"},
    {IN_PROFILE("<capacity><rate link=\"l1\" in=\"5 Mbit/s\"/></capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate>", "together with its node"},
    {IN_PROFILE("<capacity><rate node=\"b\" link=\"l1\" in=\"5 Mbit/s\"/>"
		"</capacity>"),
	SCHEMA_ACCEPTS, "line 7, <rate>", "one of the links of that node"},
    {IN_PROFILE("<flows><flow node=\"a\" link=\"l2\"/></flows>"),
	SCHEMA_ACCEPTS, "line 7, <flow>", "one of the links of that node"},

    /* contradictions, by section of RFC 7297 */
    {"<cpd xmlns=\"urn:cpnp:cpd:1\"><component><profile><nodes>\n"
     "<node id=\"a\"/>\n<node id=\"a\"/></nodes></profile></component></cpd>",
	SCHEMA_ACCEPTS, "line 3, <node>", "different identifiers"},
    {IN_PROFILE("<scopes><scope direction=\"incoming\" reach=\"global\">"
		"<source>192.0.2.0/24</source></scope></scopes>"),
	SCHEMA_ACCEPTS, "line 7, <scope>", "write a restricted reach"},
    {IN_PROFILE("<scopes><scope direction=\"incoming\" reach=\"restricted\">"
		"<source>ff3e::/32</source></scope></scopes>"),
	SCHEMA_ACCEPTS, "line 7, <scope>", "a source is unicast"},
    {IN_PROFILE("<scopes><scope direction=\"outgoing\" reach=\"restricted\" "
		"model=\"pipe\"><ingress node=\"a\"/></scope></scopes>"),
	SCHEMA_ACCEPTS, "line 7, <scope>", "one ingress and one egress"},
    {IN_PROFILE("<scopes><scope direction=\"outgoing\" reach=\"restricted\" "
		"model=\"hose\"><egress node=\"a\"/></scope></scopes>"),
	SCHEMA_ACCEPTS, "line 7, <scope>", "at least one egress"},
    {IN_PROFILE("<scopes><scope direction=\"outgoing\" reach=\"restricted\" "
		"model=\"unspecified-hose\"><ingress node=\"a\"/>"
		"<egress node=\"b\"/></scope></scopes>"),
	SCHEMA_ACCEPTS, "line 7, <scope>", "no egress"},
    {IN_PROFILE("<scopes><scope direction=\"outgoing\" reach=\"restricted\">"
		"<ingress node=\"a\" prefix=\"::/0\"/></scope></scopes>"),
	SCHEMA_ACCEPTS, "line 7, <ingress>", "name one of node"},
    {IN_PROFILE("<qos class=\"gold\">\n<delay value=\"5 ms\" "
		"statistic=\"mean\"/></qos>" CAPACITY),
	SCHEMA_ACCEPTS, "line 7, <qos>", "leave one out"},
    {IN_PROFILE("<qos><delay value=\"5 ms\" statistic=\"mean\"/></qos>"),
	SCHEMA_ACCEPTS, "line 7, <qos>", "add a capacity clause"},
    {IN_PROFILE(CAPACITY "<qos>\n<delay value=\"5 ms\" "
		"statistic=\"percentile\"/></qos>"),
	SCHEMA_ACCEPTS, "line 8, <delay>", "a percentile goes with"},
    {IN_PROFILE(CAPACITY "<qos>\n<loss value=\"5 ppm\" statistic=\"mean\" "
		"percentile=\"95 %\"/></qos>"),
	SCHEMA_ACCEPTS, "line 8, <loss>", "a percentile goes with"},
    {IN_PROFILE(CAPACITY "<qos>\n<delay value=\"5 ms\" "
		"statistic=\"minimum\"/></qos>"),
	SCHEMA_ACCEPTS, "line 8, <delay>", "write maximum, mean"},
    {IN_PROFILE(CAPACITY "<qos>\n<throughput value=\"5 Mbit/s\" "
		"statistic=\"maximum\"/></qos>"),
	SCHEMA_ACCEPTS, "line 8, <throughput>", "as minimum"},
    {IN_PROFILE(CAPACITY "<qos>\n<delay value=\"5 ms\" statistic=\"mean\" "
		"from=\"a\" to=\"a\"/></qos>"),
	SCHEMA_ACCEPTS, "line 8, <delay>", "the same node"},
    {IN_PROFILE(CAPACITY "<qos><delay value=\"5 ms\" statistic=\"mean\"/>\n"
		"<delay value=\"6 ms\" statistic=\"mean\"/></qos>"),
	SCHEMA_ACCEPTS, "line 8, <delay>", "leave one out"},
    {IN_PROFILE("<availability value=\"99 %\" statistic=\"minimum\"/>"),
	SCHEMA_ACCEPTS, "line 7, <availability>", "a maximum or a mean"},
    {IN_PROFILE("<capacity><rate node=\"a\"/></capacity>"), SCHEMA_ACCEPTS,
	"line 7, <rate>", "needs in, out, or both"},
    {IN_PROFILE("<conformance filter=\"policing\" excess=\"discard\"/>"),
	SCHEMA_ACCEPTS, "line 7, <conformance>", "without a capacity"},
    {IN_PROFILE(CAPACITY "\n<conformance excess=\"remark\"/>"),
	SCHEMA_ACCEPTS, "line 8, <conformance>", "excess-class"},
    {IN_PROFILE(CAPACITY "\n<overall delay=\"low\"/>"), SCHEMA_ACCEPTS,
	"line 8, <overall>", "excess traffic remarked"},
    {IN_PROFILE("<overall loss=\"low\" throughput=\"high\"/>"),
	SCHEMA_ACCEPTS, "line 7, <overall>", "of loss or of throughput"},
    {IN_PROFILE("<flows><flow source=\"::/0\" destination=\"0.0.0.0/0\"/>"
		"</flows>"),
	SCHEMA_ACCEPTS, "line 7, <flow>", "one flow for IPv4"},
    {IN_PROFILE("<flows><flow protocol=\"1\" source-port=\"7\"/></flows>"),
	SCHEMA_ACCEPTS, "line 7, <flow>", "has no ports"},
    {IN_PROFILE("<routing>\n<avoid as=\"1\" node=\"x\"/></routing>"),
	SCHEMA_ACCEPTS, "line 8, <avoid>", "name one of as"},
    {IN_PROFILE("<routing><avoid as=\"1\"/>\n<through as=\"1\"/></routing>"),
	SCHEMA_ACCEPTS, "line 8, <through>", "leave one out"},
    {IN_PROFILE("<routing><within>FR</within><outside>FR</outside>"
		"</routing>"),
	SCHEMA_ACCEPTS, "line 7, <routing>", "leave one out"},
    {IN_PROFILE("<invocation type=\"explicit\"/>"), SCHEMA_ACCEPTS,
	"line 7, <invocation>", "names its protocols"},
    {IN_PROFILE("<invocation type=\"implicit\"><protocol>IGMP</protocol>"
		"</invocation>"),
	SCHEMA_ACCEPTS, "line 7, <invocation>", "implicit has none"},
    {IN_PROFILE("<notifications><notification method=\"email\"/>"
		"</notifications>"),
	SCHEMA_ACCEPTS, "line 7, <notification>", "needs a target"},
    {IN_PROFILE(DATED("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z")),
	SCHEMA_ACCEPTS, "line 7, <window>", "later than the start"},
};

#define MISTAKES_N (sizeof(mistakes) / sizeof(mistakes[0]))

static void
ignore_schema_error(void *user, const char *format, ...)
{
	(void)user;
	(void)format;
}

static bool
schema_refuses(const char *xml)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR;
	char *xsd = unit_slurp("schemas/cpd.xsd");
	xmlSchemaParserCtxtPtr parser =
	    xmlSchemaNewMemParserCtxt(xsd, (int)strlen(xsd));
	xmlSchemaPtr schema = xmlSchemaParse(parser);
	xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(schema);
	xmlDocPtr doc =
	    xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, options);
	bool refused = doc == NULL;

	ck_assert_ptr_nonnull(valid);
	xmlSchemaSetValidErrors(
	    valid, ignore_schema_error, ignore_schema_error, NULL);
	if (doc != NULL)
		refused = xmlSchemaValidateDoc(valid, doc) != 0;
	xmlFreeDoc(doc);
	xmlSchemaFreeValidCtxt(valid);
	xmlSchemaFree(schema);
	xmlSchemaFreeParserCtxt(parser);
	free(xsd);
	return refused;
}

START_TEST(test_xml_mistake)
{
	const struct mistake *m = &mistakes[_i];
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_diag diag;
	cpnp_cpd cpd;
	int err = cpnp_cpd_from_xml(&cpd, cpnp_bytes_str(m->xml), &mem, &diag);

	ck_assert_msg(err == CPNP_ERR_XML || err == CPNP_ERR_CLAUSE,
	    "%s: %s", m->xml, cpnp_error_name(err));
	ck_assert_int_eq(diag.err, err);
	ck_assert_msg(strcmp(diag.where, m->where) == 0, "%s: at %s: %s",
	    m->xml, diag.where, diag.why);
	ck_assert_msg(strstr(diag.why, m->why) != NULL, "%s: at %s: %s",
	    m->xml, diag.where, diag.why);
	ck_assert_msg(strlen(diag.why) < sizeof(diag.why) - 1, "cut: %s",
	    diag.why);
	ck_assert_uint_eq(counter.live, 0);
	/* and without somebody to tell */
	ck_assert_int_eq(cpnp_cpd_from_xml(
	    &cpd, cpnp_bytes_str(m->xml), &mem, NULL), err);
	ck_assert_uint_eq(counter.live, 0);
	ck_assert_msg(
	    schema_refuses(m->xml) == (m->by_schema == SCHEMA_REFUSES),
	    "%s: the schema %s it", m->xml,
	    m->by_schema == SCHEMA_REFUSES ? "accepts" : "refuses");
}
END_TEST

/* What the table varies is itself without a mistake. */
START_TEST(test_xml_without_mistake)
{
	static const char *const good[] = {
	    IN_PROFILE(CAPACITY),
	    IN_PROFILE("<capacity><rate node=\"a\" link=\"l1\" "
		       "in=\" 5  Mbit/s \"/></capacity>"),
	    IN_PROFILE("<!-- c --><isolation><means>IP<!-- c -->"
		       "</means></isolation><?pi?>"),
	    IN_PROFILE(DATED("2026-11-30T00:00:00Z", "2027-01-01T00:00:00Z")),
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct counter counter;
		cpnp_mem mem = counter_mem(&counter);
		cpnp_diag diag;
		cpnp_cpd cpd;

		ck_assert_msg(cpnp_cpd_from_xml(&cpd, cpnp_bytes_str(good[i]),
		    &mem, &diag) == 0, "%s: %s", diag.where, diag.why);
		cpnp_cpd_fini(&cpd);
		ck_assert_uint_eq(counter.live, 0);
		ck_assert(!schema_refuses(good[i]));
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("xml_mistakes");
	TCase *tc = tcase_create("xml_mistakes");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_xml_mistake, 0, (int)MISTAKES_N);
	tcase_add_test(tc, test_xml_without_mistake);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
