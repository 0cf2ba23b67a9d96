/*
 * Reading catalogues: the example, and that each mistake is told with file,
 * line, element, what is wrong and what would be right.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include "../../cpnpd/decision/catalogue.h"
#include "unit.h"

static char path[] = "/tmp/cpnp-catalogue.XXXXXX";
static char told[16384];

static void
tell(void *user, const char *line)
{
	size_t len = strlen(told);

	(void)user;
	snprintf(told + len, sizeof(told) - len, "%s\n", line);
}

static int
load(const char *text, cpnp_catalogue **c)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	told[0] = '\0';
	return cpnp_catalogue_load(c, path, tell, NULL);
}

static const char *
source(const char *name)
{
	static char file[4096];
	const char *top = getenv("srcdir");

	snprintf(file, sizeof(file), "%s/%s", top != NULL ? top : ".", name);
	return file;
}

#define HEAD "<catalogue xmlns=\"urn:cpnp:catalogue:1\">\n"
#define PROVIDER "<provider name=\"P\" email=\"n@p.example\"/>\n"
#define TOKEN "<token code=\"EUR\" exponent=\"2\"/>\n"
#define TERMS "<terms offer-validity=\"1 h\"/>\n"
#define PLACE "<place name=\"A\" capacity=\"1 Gbit/s\" price=\"1\"/>\n"
#define BASE HEAD PROVIDER TOKEN TERMS PLACE /* five lines */
#define TAIL "</catalogue>\n"
#define CPD(in)                                                                \
	"<cpd xmlns=\"urn:cpnp:cpd:1\"><component><profile><nodes>"            \
	"<node id=\"n\"/></nodes><scopes><scope direction=\"incoming\" "       \
	"reach=\"global\"/></scopes>\n<capacity><rate in=\"" in "\"/>"         \
	"</capacity></profile></component></cpd>"

START_TEST(test_catalogue_example_is_read)
{
	cpnp_catalogue *c = NULL;
	const cpnp_place *albi;
	const cpnp_article *article;

	told[0] = '\0';
	ck_assert_msg(
	    cpnp_catalogue_load(&c, source("schemas/examples/catalogue.xml"),
		tell, NULL) == 0, "%s", told);
	albi = cpnp_catalogue_place(c, CPNP_BYTES_LIT("ALBI"));
	ck_assert_ptr_nonnull(albi);
	ck_assert_uint_eq(albi->capacity, 80000000);
	ck_assert_uint_eq(albi->price, 4);
	ck_assert_uint_eq(albi->delay.value, 14000);
	ck_assert_ptr_null(cpnp_catalogue_place(c, CPNP_BYTES_LIT("Alb")));
	article = cpnp_catalogue_article(c, CPNP_BYTES_LIT("access-20"));
	ck_assert(article != NULL && article->frozen);
	ck_assert_uint_eq(article->price, 90000);
	article = cpnp_catalogue_article(c, CPNP_BYTES_LIT("vpn"));
	ck_assert(article != NULL && !article->frozen);
	ck_assert_uint_eq(c->offer_validity, 3600);
	ck_assert_uint_eq(c->open_term, 30 * 86400);
	ck_assert(c->honours[CPNP_HONOUR_FLOWS]);
	ck_assert(!c->honours[CPNP_HONOUR_ROUTING]);
	cpnp_catalogue_del(c);
}
END_TEST

static int
validate(const char *document)
{
	xmlSchemaParserCtxt *parser =
	    xmlSchemaNewParserCtxt(source("schemas/catalogue.xsd"));
	xmlSchema *schema = xmlSchemaParse(parser);
	xmlSchemaValidCtxt *valid;
	xmlDoc *doc;
	int rc;

	ck_assert_ptr_nonnull(schema);
	valid = xmlSchemaNewValidCtxt(schema);
	doc = xmlReadFile(document, NULL, XML_PARSE_NONET);
	ck_assert_ptr_nonnull(doc);
	rc = xmlSchemaValidateDoc(valid, doc);
	xmlFreeDoc(doc);
	xmlSchemaFreeValidCtxt(valid);
	xmlSchemaFree(schema);
	xmlSchemaFreeParserCtxt(parser);
	return rc;
}

START_TEST(test_catalogue_schema_agrees)
{
	char example[4096];
	cpnp_catalogue *c = NULL;

	snprintf(example, sizeof(example), "%s",
	    source("schemas/examples/catalogue.xml"));
	ck_assert_int_eq(validate(example), 0);
	ck_assert_int_eq(load(BASE TAIL, &c), 0);
	cpnp_catalogue_del(c);
	ck_assert_int_eq(validate(path), 0);
	ck_assert_int_eq(load(HEAD TOKEN TERMS PLACE TAIL, &c),
	    CPNP_ERR_CONFIG);
	ck_assert_int_ne(validate(path), 0);
}
END_TEST

static const struct {
	const char *text;
	const char *place;
	const char *wrong;
	const char *remedy;
} mistakes[] = {
	{"<catalogue", ":1: XML: ", "Couldn't find end", "well-formed"},
	{"", ": XML: ", "empty", "well-formed"},
	{"<!DOCTYPE catalogue [<!ENTITY x \"y\">]>\n" BASE TAIL,
	    ":1: DOCTYPE: ", "there is a DTD", "expected none"},
	{"<catalogue/>", ":1: catalogue: ", "is not a catalogue",
	    "<catalogue xmlns=\"urn:cpnp:catalogue:1\">"},
	{HEAD TOKEN TERMS PLACE TAIL, ": provider: ", "is missing",
	    "<provider name="},
	{HEAD PROVIDER TERMS PLACE TAIL, ": token: ", "is missing",
	    "<token code="},
	{HEAD PROVIDER TOKEN PLACE TAIL, ": terms: ", "is missing",
	    "offer-validity"},
	{HEAD PROVIDER TOKEN TERMS TAIL, ": place: ", "no place is served",
	    "<place name="},
	{BASE TERMS TAIL, ":6: terms: ", "is there twice", "expected one"},
	{BASE "<shop/>" TAIL, ":6: shop: ", "has no place here",
	    "expected provider, token, terms"},
	{BASE "hello" TAIL, ":6: catalogue: ", "there is text",
	    "expected provider"},
	{BASE "<place name=\"B\" price=\"1\"/>" TAIL,
	    ":6: place/capacity: ", "is missing", "\"100 Mbit/s\""},
	{BASE "<place name=\"B\" capacity=\"100\" price=\"1\"/>" TAIL,
	    ":6: place/capacity: ", "\"100\" is not possible",
	    "\"100 Mbit/s\""},
	{BASE "<place name=\"B\" capacity=\"1 Gbit/s\" price=\"0.5\"/>" TAIL,
	    ":6: place/price: ", "\"0.5\"", "a whole number of minor units"},
	{BASE "<place name=\"B\" capacity=\"1 Gbit/s\" price=\"-1\"/>" TAIL,
	    ":6: place/price: ", "\"-1\"", "a whole number"},
	{BASE "<place name=\"a\" capacity=\"1 Gbit/s\" price=\"1\"/>" TAIL,
	    ":6: place/name: ", "is in line 5 already",
	    "one place of each name"},
	{BASE "<place name=\"B\" capacity=\"1 Gbit/s\" price=\"1\" "
	      "loss=\"2\"/>" TAIL, ":6: place/loss: ", "\"2\"",
	    "\"100 ppm\""},
	{BASE "<place name=\"B\" capacity=\"1 Gbit/s\" price=\"1\" "
	      "color=\"red\"/>" TAIL, ":6: place: ",
	    "no attribute \"color\"", "expected name, provider-node"},
	{BASE "<network separation=\"total\"/>" TAIL,
	    ":6: network/separation: ", "\"total\"",
	    "shared, isolated or dedicated"},
	{BASE "<network><honours clause=\"love\"/></network>" TAIL,
	    ":6: honours/clause: ", "\"love\"", "expected conformance"},
	{BASE "<network><means/></network>" TAIL, ":6: means: ",
	    "says nothing", "1 to 255 bytes"},
	{BASE "<item price=\"1\">" CPD("1 Mbit/s") "</item>" TAIL,
	    ":6: item/name: ", "is missing", "1 to 64 bytes"},
	{BASE "<item name=\"x\" price=\"1\"/>" TAIL, ":6: item: ",
	    "has no document", "a cpd element"},
	{BASE "<item name=\"x\" price=\"1\">" CPD("1 mile") "</item>" TAIL,
	    ":6: item/cpd: ", "line 7", "bit/s"},
	{BASE "<item name=\"x\" price=\"1\">"
	      CPD("1 Mbit/s to 2 Mbit/s, preferably 1 Mbit/s")
	      "</item>" TAIL, ":6: item/cpd: ", "capacity", ""},
	{BASE "<item name=\"x\" price=\"1\">" CPD("1 Mbit/s") "</item>\n"
	      "<template name=\"x\">" CPD("1 Mbit/s") "</template>" TAIL,
	    ":8: template: ", "is in line 6 already", "of each name"},
	{HEAD PROVIDER "<token code=\"eur\" exponent=\"2\"/>" TERMS PLACE TAIL,
	    ": token/code: ", "\"eur\"", "A-Z and 0-9"},
	{HEAD PROVIDER "<token code=\"EUR\" exponent=\"10\"/>" TERMS PLACE
	    TAIL, ":3: token/exponent: ", "\"10\"", "from 0 to 9"},
	{HEAD PROVIDER TOKEN "<terms offer-validity=\"1 h\" "
	    "minimum=\"2 Gbit/s\" maximum=\"1 Gbit/s\"/>" PLACE TAIL,
	    ": terms/minimum: ", "more than the maximum of 1 Gbit/s",
	    "at most"},
	{HEAD PROVIDER TOKEN "<terms offer-validity=\"1 h\" "
	    "minimum=\"3 Mbit/s\" step=\"2 Mbit/s\"/>" PLACE TAIL,
	    ": terms/step: ", "not a multiple", "steps"},
	{HEAD PROVIDER TOKEN "<terms offer-validity=\"1 s\"/>" PLACE TAIL,
	    ":4: terms/offer-validity: ", "\"1 s\"", "from 10 s"},
};

START_TEST(test_catalogue_tells_place_and_remedy)
{
	cpnp_catalogue *c = NULL;
	size_t i;

	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		ck_assert_msg(
		    load(mistakes[i].text, &c) == CPNP_ERR_CONFIG,
		    "accepted: %s", mistakes[i].text);
		ck_assert_msg(strncmp(told, path, strlen(path)) == 0 &&
			strstr(told, mistakes[i].place) != NULL &&
			strstr(told, mistakes[i].wrong) != NULL &&
			strstr(told, mistakes[i].remedy) != NULL,
		    "for\n%s\ntold:\n%s", mistakes[i].text, told);
	}
}
END_TEST

START_TEST(test_catalogue_names_have_a_bound)
{
	char *text = malloc(65536);
	cpnp_catalogue *c = NULL;
	size_t len;
	int i;

	len = (size_t)sprintf(text, "%s<network>", BASE);
	for (i = 0; i <= CPNP_CATALOGUE_NAMES_MAX; i++)
		len += (size_t)sprintf(
		    text + len, "<class name=\"c%d\"/>", i);
	sprintf(text + len, "</network>" TAIL);
	ck_assert_int_eq(load(text, &c), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(told, "expected at most 64"));
	free(text);
}
END_TEST

START_TEST(test_catalogue_missing_file)
{
	cpnp_catalogue *c = NULL;

	told[0] = '\0';
	ck_assert_int_eq(
	    cpnp_catalogue_load(&c, "/nonexistent.xml", tell, NULL),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(
	    strstr(told, "/nonexistent.xml: file: cannot be read"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_catalogue_example_is_read,
		test_catalogue_schema_agrees,
		test_catalogue_tells_place_and_remedy,
		test_catalogue_names_have_a_bound,
		test_catalogue_missing_file,
	};
	int fd = mkstemp(path), rc;

	if (fd == -1)
		return EXIT_FAILURE;
	close(fd);
	rc = unit_run("catalogue", tests, sizeof(tests) / sizeof(tests[0]));
	unlink(path);
	xmlCleanupParser();
	return rc;
}
