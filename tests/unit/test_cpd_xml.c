/*
 * XML to CBOR to XML without loss, the examples, and the schema: it accepts
 * what the reader accepts and names what the table of fields names.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <libxml/xmlmemory.h>
#include <libxml/xmlschemas.h>

#include <cpnp/xml.h>

#include "cpd_unit.h"

static const struct golden {
	const char *name;
	const char *hex;
} goldens[] = {
    {"hose.xml",
	"8200a10281a2016c646973747269627574696f6e0282ab00686272616e636865"
	"730183a2016768656164656e640368546f756c6f757365a201686272616e6368"
	"2d310364416c6269a201686272616e63682d320364417563680281a90164646f"
	"776e0202030104020581010681d83482182044c63364070782d83482181843e8"
	"0102d83482181843cb00710881a101010982a10102a1010303a1016d4d51432d"
	"53545245414d494e4704a1011a000f404c0583a301010301051a17d78400a201"
	"02041a0bebc200a20103041a0bebc20006a20101020108a30102028165495073"
	"656303826a656e6372797074696f6e67707269766163790aa203826246526245"
	"530581686669726577616c6c0b81a3016350494d026853534d206f6e6c790301"
	"0ca2010202826449474d50634d4c44a40068696e7465726e65740181a2016768"
	"656164656e640368546f756c6f7573650282a202010302a20202030207a20168"
	"7374616e6461726402636c6f77"},
    {"interconnect-upgrade.xml",
	"8200a2016c696e746572636f6e6e6563740281a10281a80181a3016661736272"
	"2d310282a2016878652d302f302f310266617362722d39a2016878652d302f30"
	"2f320266617362722d3903694d61727365696c6c650282a40201030104030881"
	"a10266617362722d39a3020203010981a103d8368218244520010db8900582a4"
	"0101026878652d302f302f31041b00000002540be400051b00000002540be400"
	"a40101026878652d302f302f3204831a9502f9001b00000002540be4001b0000"
	"0002540be40005831a9502f9001b00000002540be4001b00000002540be40006"
	"a301020201041923280981a5060008010a080c010d6878652d302f302f320aa6"
	"0182a10119fbf4a104d83482181843c633640282a10266636f72652d33a1036b"
	"7365612d6361626c652d320481625858070208646d742d32096241460d82a101"
	"03a5010202756c6f67732e70726f76696465722e6578616d706c650319038404"
	"826a636f6e67657374696f6e6b6d61696e74656e616e63650568524643203534"
	"32340ea2011a6bfdff00021a6c258c00"},
    {"pipe.xml",
	"8200a10281a10281ab0065766f6963650182a3016673747564696f036652656e"
	"6e657304821a02de36343a001999e7a40165746f7765720281a10166706f7274"
	"2d370365427265737405781a3120727565206465205369616d2c203239323030"
	"2042726573740281a7016574686572650202030104010782d83482181843c000"
	"02d8368218304620010db800070881a101010981a1010203a40281a401183202"
	"020501086852464320373638300381a80183191388192ee0191f400203031a00"
	"0f3e5804183c050106010702086852464320373637390481a5011907d0020303"
	"1a000f1b3004183c05010581a3011a007a12000204050104a301831a000f3e58"
	"1a000f41dc1a000f41dc0201031a00278d000581a30101030105831a007a1200"
	"1a009896801a0098968006a501020202036c6c6f7765722d6566666f72740483"
	"1905dc1923281923280519fa000982a703d83482181843c0000204821913c419"
	"13c50511080209020b182e0c01a303d8368218304620010db8000706182e07d8"
	"365020010db80000000000000000000000010aa2068169736174656c6c697465"
	"07040ca20102028167525356502d54450f81a3016d6f6e652d7761792064656c"
	"6179020a03685246432038373632"},
    {"three-site-vpn.xml",
	"8200a10281a2016376706e0281ab0183a4016570617269730281a10168636531"
	"2d6574683003655061726973066546522d3735a201646c796f6e03644c796f6e"
	"a301646e69636503644e69636504821a029adc681a006edffc0282a202010301"
	"a20202030103a20281a3011903e802010419012c0381a301194e200202041901"
	"2c04a3011a000f3e580201031a00278d000583a4010102686365312d65746830"
	"041a05f5e100051a05f5e100a30102041a02faf080051a02faf080a30103041a"
	"02faf080051a02faf08006a301010201041905dc08a2010202816c4247502f4d"
	"504c532056504e0b81a1016b4247502073657373696f6e0ca101010d81a20106"
	"02746e6f6340637573746f6d65722e6578616d706c650ea2011a6b36ec80021a"
	"6d182000"},
};

#define GOLDENS_N (sizeof(goldens) / sizeof(goldens[0]))

/* What the examples leave out. */
static const char rest[] =
    "<cpd xmlns=\"urn:cpnp:cpd:1\" extensions=\"20f6\">"
    "<component name=\"A &amp; B &lt;&quot;'&gt; &#233;\"><profile>"
    "<flows><flow source=\"192.0.2.0/24\" source-port=\"1024-65535\" "
    "protocol=\"6\" extensions=\"20182a21617829f5\"/></flows>"
    "<nodes><node id=\"x\" coordinates=\"-0.000001 -180\"/></nodes>"
    "<availability value=\"0.0001 %\" statistic=\"maximum\" "
    "meaning=\"seen from both ends\"/>"
    "<overall throughput=\"bulk\"/>"
    "<scopes><scope id=\"s\" direction=\"incoming\" reach=\"restricted\">"
    "<source>2001:db8::/32</source></scope></scopes>"
    "</profile></component></cpd>";

static char *
slurp_example(size_t i)
{
	char name[128];

	(void)snprintf(
	    name, sizeof(name), "schemas/examples/%s", goldens[i].name);
	return unit_slurp(name);
}

static void
read_xml(cpnp_cpd *cpd, cpnp_bytes xml, const cpnp_mem *mem)
{
	cpnp_diag diag;

	ck_assert_msg(cpnp_cpd_from_xml(cpd, xml, mem, &diag) == 0, "%s: %s",
	    diag.where, diag.why);
}

static void
encode(const cpnp_cpd *cpd, const cpnp_mem *mem, cpnp_buf *buf)
{
	cpnp_buf_init(buf, mem, CPNP_CPD_MAX);
	ck_assert_int_eq(cpnp_cpd_encode(cpd, buf), 0);
}

static void
ignore_schema_error(void *user, const char *format, ...)
{
	(void)user;
	(void)format;
}

static bool
schema_accepts(cpnp_bytes xml)
{
	char *xsd = unit_slurp("schemas/cpd.xsd");
	xmlSchemaParserCtxtPtr parser =
	    xmlSchemaNewMemParserCtxt(xsd, (int)strlen(xsd));
	xmlSchemaPtr schema = xmlSchemaParse(parser);
	xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(schema);
	xmlDocPtr doc = xmlReadMemory((const char *)xml.ptr, (int)xml.len,
	    NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
	bool accepted;

	ck_assert_ptr_nonnull(valid);
	ck_assert_ptr_nonnull(doc);
	xmlSchemaSetValidErrors(
	    valid, ignore_schema_error, ignore_schema_error, NULL);
	accepted = xmlSchemaValidateDoc(valid, doc) == 0;
	xmlFreeDoc(doc);
	xmlSchemaFreeValidCtxt(valid);
	xmlSchemaFree(schema);
	xmlSchemaFreeParserCtxt(parser);
	free(xsd);
	return accepted;
}

/* XML, CBOR, XML, CBOR: both forms come out as they went in, and the schema
 * accepts what people and what the writer write. */
static void
check_round_trip(cpnp_bytes xml)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd cpd, again;
	cpnp_buf wire, wire_again, text, text_again;

	read_xml(&cpd, xml, &mem);
	encode(&cpd, &mem, &wire);
	cpnp_buf_init(&text, &mem, CPNP_XML_MAX);
	ck_assert_int_eq(cpnp_cpd_to_xml(&cpd, &text), 0);
	cpnp_cpd_fini(&cpd);

	read_xml(&again, cpnp_buf_bytes(&text), &mem);
	encode(&again, &mem, &wire_again);
	unit_assert_bytes(cpnp_buf_bytes(&wire_again), cpnp_buf_bytes(&wire));
	cpnp_buf_init(&text_again, &mem, CPNP_XML_MAX);
	ck_assert_int_eq(cpnp_cpd_to_xml(&again, &text_again), 0);
	ck_assert(cpnp_bytes_equal(
	    cpnp_buf_bytes(&text_again), cpnp_buf_bytes(&text)));
	cpnp_cpd_fini(&again);

	ck_assert(schema_accepts(xml));
	ck_assert(schema_accepts(cpnp_buf_bytes(&text)));
	cpnp_buf_fini(&wire);
	cpnp_buf_fini(&wire_again);
	cpnp_buf_fini(&text);
	cpnp_buf_fini(&text_again);
	ck_assert_uint_eq(counter.live, 0);
}

START_TEST(test_cpd_xml_example)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	char *xml = slurp_example((size_t)_i);
	uint8_t store[1024];
	cpnp_cpd cpd;
	cpnp_buf buf;

	check_round_trip(cpnp_bytes_str(xml));
	read_xml(&cpd, cpnp_bytes_str(xml), &mem);
	encode(&cpd, &mem, &buf);
	unit_assert_bytes(
	    cpnp_buf_bytes(&buf), unit_hex(goldens[_i].hex, store));
	cpnp_buf_fini(&buf);
	cpnp_cpd_fini(&cpd);
	free(xml);
}
END_TEST

START_TEST(test_cpd_xml_rest)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd cpd;

	check_round_trip(cpnp_bytes_str(rest));
	read_xml(&cpd, cpnp_bytes_str(rest), &mem);
	unit_assert_bytes(cpd.components[0].name,
	    CPNP_BYTES_LIT("A & B <\"'> \xc3\xa9"));
	ck_assert_uint_eq(
	    cpd.components[0].profiles[0].flows[0].extra.n, 3);
	ck_assert_uint_eq(
	    cpd.components[0].profiles[0].availability->value.lo, 1);
	ck_assert_int_eq(
	    cpd.components[0].profiles[0].nodes[0].coordinates.longitude,
	    -180000000);
	cpnp_cpd_fini(&cpd);
}
END_TEST

/* Three sites in one datagram with room to spare. */
START_TEST(test_cpd_xml_three_sites_are_small)
{
	for (size_t i = 0; i < GOLDENS_N; i++)
		if (strcmp(goldens[i].name, "three-site-vpn.xml") == 0)
			ck_assert_uint_lt(strlen(goldens[i].hex) / 2, 350);
}
END_TEST

/* Which fields of the table have been seen, by their address in it. */
#define SEEN_MAX 512
static const struct cpd_field *seen[SEEN_MAX];
static size_t seen_n;

static void
see(const struct cpd_type *type, const void *structure)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		size_t n;
		const void *list;

		if (cpd_field_is_absent(field, structure))
			continue;
		ck_assert_uint_lt(seen_n, SEEN_MAX);
		seen[seen_n++] = field;
		if (field->kind != CPD_STRUCT && field->kind != CPD_LIST)
			continue;
		list = cpd_list_get(field, structure, &n);
		for (size_t j = 0; j < n; j++)
			see(field->type, cpd_member(field, list, j));
	}
}

static void
check_seen(const struct cpd_type *type)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		size_t j = 0;

		while (j < seen_n && seen[j] != &type->fields[i])
			j++;
		/* A throughput is measured like a delay. */
		ck_assert_msg(j < seen_n ||
		    strcmp(type->name, "throughput") == 0 ||
		    strcmp(type->name, "loss") == 0, "%s %s is in no example",
		    type->name, type->fields[i].name);
	}
}

/* C27: no field of the table goes without a round trip above. */
START_TEST(test_cpd_xml_examples_have_every_field)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);

	for (size_t i = 0; i <= GOLDENS_N; i++) {
		char *xml = i < GOLDENS_N ? slurp_example(i) : NULL;
		cpnp_cpd cpd;

		read_xml(&cpd, cpnp_bytes_str(xml != NULL ? xml : rest), &mem);
		see(&cpd_type_document, &cpd);
		cpnp_cpd_fini(&cpd);
		free(xml);
	}
	plan_each_type(&cpd_type_document, check_seen);
}
END_TEST

/* The order of clauses in the text does not matter, nor where a reference
 * stands. */
START_TEST(test_cpd_xml_any_order)
{
	static const char one[] = "<cpd xmlns=\"urn:cpnp:cpd:1\"><component>"
	    "<profile><nodes><node id=\"x\"/></nodes><capacity><rate "
	    "node=\"x\" in=\"5 Mbit/s\"/></capacity><qos><loss value=\"1 %\" "
	    "statistic=\"mean\"/><delay value=\"1 s\" statistic=\"mean\"/>"
	    "</qos></profile></component></cpd>";
	static const char two[] = "<p:cpd xmlns:p=\"urn:cpnp:cpd:1\">"
	    "<p:component><p:profile><p:qos><p:delay statistic='mean' "
	    "value='1000 ms'/><p:loss value=\"10000ppm\" statistic=\"mean\"/>"
	    "</p:qos><p:capacity><p:rate in=\"0.005 Gbit/s\" node=\"x\"/>"
	    "</p:capacity><p:nodes><p:node id=\"x\"/></p:nodes></p:profile>"
	    "</p:component></p:cpd>";
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_cpd a, b;
	cpnp_buf wire_a, wire_b;

	read_xml(&a, cpnp_bytes_str(one), &mem);
	read_xml(&b, cpnp_bytes_str(two), &mem);
	encode(&a, &mem, &wire_a);
	encode(&b, &mem, &wire_b);
	unit_assert_bytes(cpnp_buf_bytes(&wire_b), cpnp_buf_bytes(&wire_a));
	ck_assert(schema_accepts(cpnp_bytes_str(two)));
	cpnp_buf_fini(&wire_a);
	cpnp_buf_fini(&wire_b);
	cpnp_cpd_fini(&a);
	cpnp_cpd_fini(&b);
}
END_TEST

static void
check_refused(cpnp_bytes xml, int err, const char *why)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_diag diag;
	cpnp_cpd cpd;

	ck_assert_int_eq(cpnp_cpd_from_xml(&cpd, xml, &mem, &diag), err);
	ck_assert_msg(strstr(diag.why, why) != NULL, "%s: %s", diag.where,
	    diag.why);
	ck_assert_uint_eq(counter.live, 0);
}

/* No entities, inside or outside, and nothing is expanded or fetched. */
START_TEST(test_cpd_xml_no_doctype)
{
	static const char *const documents[] = {
	    "<!DOCTYPE cpd><cpd xmlns=\"urn:cpnp:cpd:1\"/>",
	    "<!DOCTYPE cpd [<!ENTITY a \"aaaaaaaa\"><!ENTITY b "
	    "\"&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]>"
	    "<cpd xmlns=\"urn:cpnp:cpd:1\" based-on=\"&c;\"/>",
	    "<!DOCTYPE cpd [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
	    "<cpd xmlns=\"urn:cpnp:cpd:1\">&a;</cpd>",
	    "<?xml version=\"1.0\"?><!DOCTYPE cpd PUBLIC \"x\" "
	    "\"http://192.0.2.1/x\"><cpd xmlns=\"urn:cpnp:cpd:1\"/>",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		check_refused(cpnp_bytes_str(documents[i]), CPNP_ERR_XML,
		    "remove <!DOCTYPE");
}
END_TEST

START_TEST(test_cpd_xml_size_limits)
{
	static char xml[CPNP_XML_MAX + 1];
	size_t len;

	memset(xml, ' ', sizeof(xml));
	memcpy(xml, rest, sizeof(rest) - 1);
	check_round_trip((cpnp_bytes){(uint8_t *)xml, CPNP_XML_MAX});
	check_refused((cpnp_bytes){(uint8_t *)xml, CPNP_XML_MAX + 1},
	    CPNP_ERR_TOO_LONG, "larger than 1048576");
	/* little enough in XML, too much on the wire */
	len = (size_t)snprintf(xml, sizeof(xml),
	    "<cpd xmlns=\"urn:cpnp:cpd:1\"><component><profile><nodes>");
	for (int i = 0; i < CPNP_CPD_NODES_MAX; i++)
		len += (size_t)snprintf(xml + len, sizeof(xml) - len,
		    "<node id=\"%d\" address=\"%0100d\"/>", i, i);
	len += (size_t)snprintf(xml + len, sizeof(xml) - len,
	    "</nodes></profile></component></cpd>");
	check_refused((cpnp_bytes){(uint8_t *)xml, len}, CPNP_ERR_TOO_LONG,
	    "more than 65536 bytes");
}
END_TEST

START_TEST(test_cpd_xml_list_limit)
{
	char xml[1024];
	size_t len = (size_t)snprintf(xml, sizeof(xml),
	    "<cpd xmlns=\"urn:cpnp:cpd:1\"><component><profile><nodes>"
	    "<node id=\"x\">");

	for (int i = 0; i <= CPNP_CPD_LINKS_MAX; i++)
		len += (size_t)snprintf(
		    xml + len, sizeof(xml) - len, "<link id=\"%d\"/>", i);
	(void)snprintf(xml + len, sizeof(xml) - len,
	    "</node></nodes></profile></component></cpd>");
	check_refused(
	    cpnp_bytes_str(xml), CPNP_ERR_XML, "there are more than 8");
}
END_TEST

/* Cut anywhere, it is an error with a place, and nothing leaks. */
START_TEST(test_cpd_xml_truncated)
{
	char *xml = slurp_example((size_t)_i);
	size_t len = strlen(xml);

	while (len > 0 && xml[len - 1] != '>')
		len--;
	while (len-- > 0) {
		struct counter counter;
		cpnp_mem mem = counter_mem(&counter);
		cpnp_diag diag;
		cpnp_cpd cpd;

		ck_assert_int_eq(cpnp_cpd_from_xml(&cpd,
		    (cpnp_bytes){(uint8_t *)xml, len}, &mem, &diag),
		    CPNP_ERR_XML);
		ck_assert_int_eq(strncmp(diag.where, "line ", 5), 0);
		ck_assert_uint_eq(counter.live, 0);
	}
	free(xml);
}
END_TEST

START_TEST(test_cpd_xml_allocation_fails)
{
	size_t calls = 0;

	for (size_t fail_at = 1; fail_at == 1 || fail_at <= calls; fail_at++) {
		struct counter counter;
		cpnp_mem mem = counter_mem(&counter);
		cpnp_diag diag;
		cpnp_cpd cpd;

		read_xml(&cpd, cpnp_bytes_str(rest), &mem);
		cpnp_cpd_fini(&cpd);
		calls = counter.calls;
		mem = counter_mem(&counter);
		counter.fail_at = fail_at;
		ck_assert_int_eq(cpnp_cpd_from_xml(&cpd, cpnp_bytes_str(rest),
		    &mem, &diag), CPNP_ERR_NOMEM);
		ck_assert_int_eq(diag.err, CPNP_ERR_NOMEM);
		ck_assert_uint_eq(counter.live, 0);
	}
	ck_assert_uint_ge(calls, 20);
}
END_TEST

/* The allocator of the XML parser, which is its own. */
static size_t parser_calls;
static size_t parser_fail_at;

static void *
parser_malloc(size_t size)
{
	return ++parser_calls == parser_fail_at ? NULL : malloc(size);
}

static void *
parser_realloc(void *ptr, size_t size)
{
	return ++parser_calls == parser_fail_at ? NULL : realloc(ptr, size);
}

static char *
parser_strdup(const char *text)
{
	return ++parser_calls == parser_fail_at ? NULL : strdup(text);
}

START_TEST(test_cpd_xml_parser_allocation_fails)
{
	struct counter counter;
	cpnp_mem mem = counter_mem(&counter);
	cpnp_diag diag;
	cpnp_cpd cpd;
	size_t calls;

	read_xml(&cpd, cpnp_bytes_str(rest), &mem);
	cpnp_cpd_fini(&cpd);
	ck_assert_int_eq(xmlMemSetup(
	    free, parser_malloc, parser_realloc, parser_strdup), 0);
	parser_calls = 0;
	read_xml(&cpd, cpnp_bytes_str(rest), &mem);
	cpnp_cpd_fini(&cpd);
	calls = parser_calls;
	for (size_t fail_at = 1; fail_at <= calls; fail_at++) {
		int err;

		parser_calls = 0;
		parser_fail_at = fail_at;
		err = cpnp_cpd_from_xml(
		    &cpd, cpnp_bytes_str(rest), &mem, &diag);
		parser_fail_at = 0;
		/* The parser can do without some of its memory. */
		if (err == 0)
			cpnp_cpd_fini(&cpd);
		else
			ck_assert_msg(err == CPNP_ERR_NOMEM, "%zu: %s: %s",
			    fail_at, diag.where, diag.why);
		ck_assert_uint_eq(counter.live, 0);
	}
	ck_assert_uint_gt(calls, 20);
}
END_TEST

/* The publication names what the table names: attributes and elements of each
 * type, and which of them are mandatory. */
static xmlDocPtr xsd_doc;

static xmlNode *
find_child(xmlNode *parent, const char *tag, const char *name)
{
	for (xmlNode *node = xmlFirstElementChild(parent); node != NULL;
	     node = xmlNextElementSibling(node)) {
		xmlChar *value = xmlGetProp(node, (const xmlChar *)"name");
		bool found = strcmp((const char *)node->name, tag) == 0 &&
		    (name == NULL || (value != NULL &&
		    strcmp((const char *)value, name) == 0));

		xmlFree(value);
		if (found)
			return node;
	}
	return NULL;
}

static bool
has_value(xmlNode *node, const char *attribute, const char *want)
{
	xmlChar *value = xmlGetProp(node, (const xmlChar *)attribute);
	bool equal = value != NULL && strcmp((const char *)value, want) == 0;

	xmlFree(value);
	return equal;
}

/* The model group of a complex type. */
static xmlNode *
find_group(xmlNode *type)
{
	static const char *const tags[] = {"choice", "sequence", "all"};
	xmlNode *group = NULL;

	for (size_t i = 0; i < 3 && group == NULL; i++)
		group = find_child(type, tags[i], NULL);
	return group;
}

static void
check_wrapper(xmlNode *schema, const struct cpd_field *field)
{
	xmlNode *type = find_child(schema, "complexType", field->name);
	xmlNode *item;
	char max[24];

	ck_assert_msg(type != NULL, "no type %s", field->name);
	item = find_child(find_group(type), "element", field->type->name);
	ck_assert_msg(item != NULL, "no %s in %s", field->type->name,
	    field->name);
	(void)snprintf(max, sizeof(max), "%llu",
	    (unsigned long long)field->max);
	ck_assert(has_value(item, "maxOccurs", max));
}

static void
check_enum(xmlNode *schema, xmlNode *attribute, const struct cpd_field *field)
{
	xmlChar *name = xmlGetProp(attribute, (const xmlChar *)"type");
	xmlNode *type = find_child(schema, "simpleType", (const char *)name);
	xmlNode *value;

	ck_assert_ptr_nonnull(type);
	value = xmlFirstElementChild(xmlFirstElementChild(type));
	for (size_t i = 1; i <= field->max; i++) {
		ck_assert_msg(value != NULL &&
		    has_value(value, "value", field->names[i]), "%s: %s",
		    (const char *)name, field->names[i]);
		value = xmlNextElementSibling(value);
	}
	ck_assert_ptr_null(value);
	xmlFree(name);
}

static size_t
count_children(xmlNode *parent, const char *tag)
{
	size_t n = 0;

	for (xmlNode *node = parent == NULL ? NULL
		 : xmlFirstElementChild(parent); node != NULL;
	     node = xmlNextElementSibling(node))
		n += strcmp((const char *)node->name, tag) == 0;
	return n;
}

static void
check_published(const struct cpd_type *type)
{
	xmlNode *schema = xmlDocGetRootElement(xsd_doc);
	xmlNode *published = find_child(schema, "complexType", type->name);
	size_t attributes = 1, elements = 0; /* extensions */

	ck_assert_msg(published != NULL, "no type %s", type->name);
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		bool scalar = cpd_is_scalar(field);
		bool required = (field->flags & CPD_REQUIRED) != 0;
		xmlNode *node = find_child(
		    scalar ? published : find_group(published),
		    scalar ? "attribute" : "element", field->name);

		ck_assert_msg(node != NULL, "%s has no %s", type->name,
		    field->name);
		attributes += scalar;
		elements += !scalar;
		if (scalar)
			ck_assert(required ==
			    has_value(node, "use", "required"));
		if (field->kind == CPD_ENUM)
			check_enum(schema, node, field);
		if ((field->flags & CPD_WRAPPED) != 0) {
			check_wrapper(schema, field);
			ck_assert(required ==
			    !has_value(node, "minOccurs", "0"));
		}
	}
	ck_assert_uint_eq(count_children(published, "attribute"), attributes);
	ck_assert_uint_eq(
	    count_children(find_group(published), "element"), elements);
}

START_TEST(test_cpd_xml_schema_is_the_table)
{
	char *xsd = unit_slurp("schemas/cpd.xsd");

	xsd_doc = xmlReadMemory(
	    xsd, (int)strlen(xsd), NULL, NULL, XML_PARSE_NONET);
	ck_assert_ptr_nonnull(xsd_doc);
	plan_each_type(&cpd_type_document, check_published);
	xmlFreeDoc(xsd_doc);
	free(xsd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cpd_xml");
	TCase *tc = tcase_create("cpd_xml");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_cpd_xml_example, 0, (int)GOLDENS_N);
	tcase_add_test(tc, test_cpd_xml_rest);
	tcase_add_test(tc, test_cpd_xml_three_sites_are_small);
	tcase_add_test(tc, test_cpd_xml_examples_have_every_field);
	tcase_add_test(tc, test_cpd_xml_any_order);
	tcase_add_test(tc, test_cpd_xml_no_doctype);
	tcase_add_test(tc, test_cpd_xml_size_limits);
	tcase_add_test(tc, test_cpd_xml_list_limit);
	tcase_add_loop_test(tc, test_cpd_xml_truncated, 0, (int)GOLDENS_N);
	tcase_add_test(tc, test_cpd_xml_allocation_fails);
	tcase_add_test(tc, test_cpd_xml_parser_allocation_fails);
	tcase_add_test(tc, test_cpd_xml_schema_is_the_table);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
