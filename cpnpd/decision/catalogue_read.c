/*
 * Reading a catalogue, cpnp-catalogue(5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include <cpnp/xml.h>

#include "arena.h"
#include "reader.h"

static cpnp_catalogue *
catalogue_of(const struct reader *r)
{
	return r->whole;
}

static const struct attribute provider_attributes[] = {
	{A(cpnp_catalogue, "name", NAME, name), .required = true, .min = 1,
	    .max = CPNP_TEXT_MAX, .expected = "the name of the provider"},
	{A(cpnp_catalogue, "email", NAME, email), .required = true, .min = 3,
	    .max = CPNP_TEXT_MAX, .expected = "an address of electronic mail"},
	{A(cpnp_catalogue, "postal-address", NAME, postal_address), .min = 1,
	    .max = CPNP_TEXT_MAX, .expected = "a postal address"},
	{A(cpnp_catalogue, "as-number", GUARANTEE, as_number), .min = 1,
	    .max = UINT32_MAX,
	    .expected = "an AS number from 1 to 4294967295"},
};

static const struct attribute token_attributes[] = {
	{A(cpnp_catalogue, "code", NAME, token_code), .required = true,
	    .min = 1, .max = CPNP_TOKEN_CODE_MAX,
	    .expected = "1 to 12 characters A-Z and 0-9"},
	{A(cpnp_catalogue, "issuer", NAME, token_issuer), .min = 1,
	    .max = CPNP_TOKEN_ISSUER_MAX,
	    .expected = "the account of the issuer, up to 64 bytes"},
	{A(cpnp_catalogue, "exponent", NUMBER, token_exponent),
	    .required = true, .max = CPNP_TOKEN_EXPONENT_MAX,
	    .expected = "the number of decimal digits, from 0 to 9"},
};

static const struct attribute terms_attributes[] = {
	{A(cpnp_catalogue, "offer-validity", QUANTITY, offer_validity),
	    .unit = CPNP_UNIT_SECONDS, .required = true, .min = 10,
	    .max = 31622400, .expected = TIME_TEXT ", from 10 s to 366 d"},
	{A(cpnp_catalogue, "open-term", QUANTITY, open_term),
	    .unit = CPNP_UNIT_SECONDS, .dflt = 30 * 86400, .min = 60,
	    .max = 31622400, .expected = TIME_TEXT ", from 1 min to 366 d"},
	{A(cpnp_catalogue, "minimum-term", QUANTITY, minimum_term),
	    .unit = CPNP_UNIT_SECONDS, .dflt = 1, .min = 1, .max = 31622400,
	    .expected = TIME_TEXT ", from 1 s to 366 d"},
	{A(cpnp_catalogue, "minimum", QUANTITY, rate_min),
	    .unit = CPNP_UNIT_RATE, .dflt = 1, .min = 1,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
	{A(cpnp_catalogue, "maximum", QUANTITY, rate_max),
	    .unit = CPNP_UNIT_RATE, .dflt = CPNP_CPD_RATE_MAX, .min = 1,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
	{A(cpnp_catalogue, "step", QUANTITY, rate_step),
	    .unit = CPNP_UNIT_RATE, .dflt = 1, .min = 1,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
};

static const struct attribute test_attributes[] = {
	{A(cpnp_catalogue, "maximum", QUANTITY, test_rate_max),
	    .unit = CPNP_UNIT_RATE, .required = true, .min = 1,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
	{A(cpnp_catalogue, "duration", QUANTITY, test_duration_max),
	    .unit = CPNP_UNIT_SECONDS, .required = true, .min = 60,
	    .max = 31622400, .expected = TIME_TEXT ", from 1 min to 366 d"},
};

static const struct attribute network_attributes[] = {
	{A(cpnp_catalogue, "mtu", GUARANTEE, mtu), .unit = CPNP_UNIT_BYTES,
	    .min = CPNP_CPD_MTU_MIN, .max = 65535,
	    .expected = "a size such as \"1500 bytes\""},
	{A(cpnp_catalogue, "separation", CHOICE, separation),
	    .expected = "shared, isolated or dedicated",
	    .choices = cpnp_separation_names},
};

static const struct attribute place_attributes[] = {
	{A(cpnp_place, "name", NAME, name), .required = true, .min = 1,
	    .max = PLACE_NAME_MAX, .expected = "1 to 64 bytes"},
	{A(cpnp_place, "provider-node", NAME, provider_node), .min = 1,
	    .max = CPNP_CPD_ID_MAX, .expected = "1 to 64 bytes"},
	{A(cpnp_place, "capacity", QUANTITY, capacity),
	    .unit = CPNP_UNIT_RATE, .required = true, .min = 1,
	    .max = CPNP_CPD_RATE_MAX, .expected = RATE_TEXT},
	{A(cpnp_place, "price", NUMBER, price), .required = true,
	    .max = (uint64_t)CPNP_PRICE_MAX,
	    .expected = "a whole number of minor units for one Mbit/s and "
			"one hour"},
	{A(cpnp_place, "delay", GUARANTEE, delay), .unit = CPNP_UNIT_DELAY,
	    .max = CPNP_CPD_DELAY_MAX,
	    .expected = DELAY_TEXT},
	{A(cpnp_place, "delay-variation", GUARANTEE, delay_variation),
	    .unit = CPNP_UNIT_DELAY, .max = CPNP_CPD_DELAY_MAX,
	    .expected = "a time such as \"2 ms\""},
	{A(cpnp_place, "loss", GUARANTEE, loss), .unit = CPNP_UNIT_RATIO,
	    .max = CPNP_CPD_PPM_MAX,
	    .expected = LOSS_TEXT},
	{A(cpnp_place, "availability", GUARANTEE, availability),
	    .unit = CPNP_UNIT_RATIO, .max = CPNP_CPD_PPM_MAX,
	    .expected = AVAILABILITY_TEXT},
};

static const struct attribute item_attributes[] = {
	{A(cpnp_article, "name", NAME, name), .required = true, .min = 1,
	    .max = CPNP_CPD_ID_MAX, .expected = "1 to 64 bytes"},
	{A(cpnp_article, "price", NUMBER, price), .required = true,
	    .max = INT64_MAX,
	    .expected = "a whole number of minor units"},
};

static const struct attribute template_attributes[] = {
	{A(cpnp_article, "name", NAME, name), .required = true, .min = 1,
	    .max = CPNP_CPD_ID_MAX, .expected = "1 to 64 bytes"},
};

/* ---- elements ---- */

static void
read_provider(struct reader *r, xmlNode *node)
{
	xmlNode *child;

	READ(r, node, provider_attributes, catalogue_of(r));
	for (child = next_child(node->children); child != NULL;
	     child = next_child(child->next))
		if (is_element(r, child, "telephone"))
			add_name(r, child, &catalogue_of(r)->telephone,
			    (char *)xmlNodeGetContent(child));
		else
			complain_element(r, child, "telephone");
	if (catalogue_of(r)->telephone.n > CPNP_TELEPHONES_MAX)
		mistake(r, xmlGetLineNo(node), "provider/telephone",
		    "there are %zu; expected at most %d",
		    catalogue_of(r)->telephone.n, CPNP_TELEPHONES_MAX);
}

static void
read_honours(struct reader *r, const xmlNode *node)
{
	static const char *const names[] = {
#define X(NAME, text) text,
		CPNP_HONOUR_MAP(X)
#undef X
	};
	char *text = attribute_text(node, "clause");
	size_t i;

	for (i = 0; text != NULL && i < N_OF(names); i++)
		if (strcmp(names[i], text) == 0)
			break;
	if (text == NULL || i == N_OF(names))
		mistake(r, xmlGetLineNo(node), "honours/clause", "\"%s\" is no "
		    "clause of this kind; expected conformance, overall, "
		    "flows, routing, activation, invocation, notifications "
		    "or assurance", text == NULL ? "" : text);
	else
		catalogue_of(r)->honours[i] = true;
	xmlFree(text);
}

static void
read_network(struct reader *r, xmlNode *node)
{
	xmlNode *child;

	READ(r, node, network_attributes, catalogue_of(r));
	for (child = next_child(node->children); child != NULL;
	     child = next_child(child->next))
		if (is_element(r, child, "class"))
			add_name(r, child, &catalogue_of(r)->classes,
			    attribute_text(child, "name"));
		else if (is_element(r, child, "means"))
			add_name(r, child, &catalogue_of(r)->means,
			    attribute_text(child, "name"));
		else if (is_element(r, child, "protection"))
			add_name(r, child, &catalogue_of(r)->protections,
			    attribute_text(child, "name"));
		else if (is_element(r, child, "honours"))
			read_honours(r, child);
		else
			complain_element(r, child,
			    "class, means, protection or honours");
}

static void
read_place(struct reader *r, xmlNode *node)
{
	cpnp_catalogue *c = catalogue_of(r);
	size_t before = c->places_n;
	const cpnp_place *twin;
	cpnp_place *place;

	c->places = add_member(r, node, c->places, sizeof(*c->places),
	    &c->places_n, CPNP_CATALOGUE_PLACES_MAX);
	if (c->places_n == before)
		return;
	place = &c->places[before];
	place->line = (unsigned)xmlGetLineNo(node);
	READ(r, node, place_attributes, place);
	expect_empty(r, node);
	if (place->name == NULL) {
		place->name = strdup("");
		if (place->name == NULL) {
			r->err = CPNP_ERR_NOMEM;
			c->places_n--;
		}
		return;
	}
	twin = cpnp_catalogue_place(c, cpnp_bytes_str(place->name));
	if (twin != place)
		mistake(r, place->line, "place/name", "\"%s\" is in line %u "
		    "already; expected one place of each name", place->name,
		    twin->line);
}

/*
 * The document inside an item, as text of its own.  As many line ends are put
 * in front as there are lines before it, so that what is wrong with it is
 * told with the line of this file.
 */
static int
document_text(xmlNode *node, cpnp_buf *out)
{
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *copy = doc == NULL ? NULL : xmlDocCopyNode(node, doc, 1);
	xmlBuffer *text = xmlBufferCreate();
	long line, i;
	int err = CPNP_ERR_NOMEM;

	if (copy != NULL && text != NULL) {
		xmlDocSetRootElement(doc, copy);
		copy = NULL;
		line = xmlGetLineNo(node);
		for (i = 1; i < line; i++)
			cpnp_buf_put_raw(out, CPNP_BYTES_LIT("\n"));
		xmlNodeDump(text, doc, xmlDocGetRootElement(doc), 0, 0);
		cpnp_buf_put_raw(out,
		    (cpnp_bytes){xmlBufferContent(text),
			(size_t)xmlBufferLength(text)});
		err = out->err;
	}
	xmlFreeNode(copy);
	xmlBufferFree(text);
	xmlFreeDoc(doc);
	return err;
}

static int
store_document(cpnp_article *article, const cpnp_cpd *cpd)
{
	cpnp_buf buf;
	int err;

	article->description = malloc(CPNP_CPD_MAX);
	if (article->description == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_buf_init_fixed(&buf, article->description, CPNP_CPD_MAX);
	err = cpnp_cpd_encode(cpd, &buf);
	article->description_len = buf.len;
	return err;
}

static void
read_document(struct reader *r, xmlNode *node, cpnp_article *article,
    const cpnp_mem *mem)
{
	cpnp_diag diag = {0};
	cpnp_cpd cpd;
	cpnp_buf text;
	int err;

	cpnp_buf_init(&text, mem, CPNP_CATALOGUE_BYTES_MAX * 2);
	err = document_text(node, &text);
	if (err == 0)
		err = cpnp_cpd_from_xml(
		    &cpd, cpnp_buf_bytes(&text), mem, &diag);
	if (err == 0) {
		err = store_document(article, &cpd);
		if (err == 0 && article->frozen)
			err = cpnp_cpd_is_concrete(&cpd, &diag);
		cpnp_cpd_fini(&cpd);
	}
	cpnp_buf_fini(&text);
	if (cpnp_error_is_fatal(err))
		r->err = err;
	else if (err != 0)
		mistake(r, xmlGetLineNo(node), article->frozen ? "item/cpd"
		    : "template/cpd", "%s%s%s", diag.where,
		    diag.where[0] != '\0' ? ": " : "",
		    diag.why[0] != '\0' ? diag.why : cpnp_strerror(err));
}

static void
read_article(struct reader *r, xmlNode *node, bool frozen,
    const cpnp_mem *mem)
{
	cpnp_catalogue *c = catalogue_of(r);
	size_t before = c->articles_n;
	const cpnp_article *twin;
	cpnp_article *article;
	xmlNode *child;

	c->articles = add_member(r, node, c->articles, sizeof(*c->articles),
	    &c->articles_n, CPNP_CATALOGUE_ITEMS_MAX);
	if (c->articles_n == before)
		return;
	article = &c->articles[before];
	article->frozen = frozen;
	article->line = (unsigned)xmlGetLineNo(node);
	if (frozen)
		READ(r, node, item_attributes, article);
	else
		READ(r, node, template_attributes, article);
	child = next_child(node->children);
	if (child == NULL || child->type != XML_ELEMENT_NODE)
		mistake(r, article->line, name_of(node), "has no document; "
		    "expected a cpd element, cpnp-cpd(5)");
	else if (next_child(child->next) != NULL)
		complain_element(r, next_child(child->next),
		    "one cpd element and nothing else");
	else
		read_document(r, child, article, mem);
	if (article->name == NULL) {
		free(article->description);
		c->articles_n--;
		return;
	}
	twin = cpnp_catalogue_article(c, cpnp_bytes_str(article->name));
	if (twin != article)
		mistake(r, article->line, name_of(node), "\"%s\" is in line "
		    "%u already; expected one item or template of each name",
		    article->name, twin->line);
}

/* ---- the whole ---- */

struct once {
	bool provider, token, terms, test, network;
};

static void
read_element(
    struct reader *r, xmlNode *node, struct once *once, const cpnp_mem *mem)
{
	if (is_element(r, node, "provider")) {
		if (first_time(r, node, &once->provider))
			read_provider(r, node);
	} else if (is_element(r, node, "token")) {
		if (first_time(r, node, &once->token))
			READ(r, node, token_attributes, catalogue_of(r));
	} else if (is_element(r, node, "terms")) {
		if (first_time(r, node, &once->terms))
			READ(r, node, terms_attributes, catalogue_of(r));
	} else if (is_element(r, node, "test")) {
		if (first_time(r, node, &once->test))
			READ(r, node, test_attributes, catalogue_of(r));
	} else if (is_element(r, node, "network")) {
		if (first_time(r, node, &once->network))
			read_network(r, node);
	} else if (is_element(r, node, "place")) {
		read_place(r, node);
	} else if (is_element(r, node, "item")) {
		read_article(r, node, true, mem);
	} else if (is_element(r, node, "template")) {
		read_article(r, node, false, mem);
	} else {
		complain_element(r, node, "provider, token, terms, test, "
		    "network, place, item or template");
	}
}

static void
check_token(struct reader *r)
{
	const char *p;

	for (p = catalogue_of(r)->token_code; p != NULL && *p != '\0'; p++)
		if (!((*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9'))) {
			mistake(r, 0, "token/code", "\"%s\" is not possible; "
			    "expected 1 to 12 characters A-Z and 0-9",
			    catalogue_of(r)->token_code);
			return;
		}
}

static void
check_whole(struct reader *r, const struct once *once)
{
	const cpnp_catalogue *c = catalogue_of(r);
	char min[CPNP_QUANTITY_LEN], max[CPNP_QUANTITY_LEN];

	if (!once->provider)
		mistake(r, 0, "provider", "is missing; expected <provider "
		    "name=\"...\" email=\"...\"/>");
	if (!once->token)
		mistake(r, 0, "token", "is missing; expected <token "
		    "code=\"EUR\" exponent=\"2\"/>, what prices are in");
	if (!once->terms)
		mistake(r, 0, "terms", "is missing; expected <terms "
		    "offer-validity=\"1 h\"/>");
	if (c->places_n == 0)
		mistake(r, 0, "place", "no place is served; expected <place "
		    "name=\"...\" capacity=\"...\" price=\"...\"/> for each");
	check_token(r);
	if (!once->terms)
		return;
	cpnp_quantity_format(CPNP_UNIT_RATE, c->rate_min, min);
	cpnp_quantity_format(CPNP_UNIT_RATE, c->rate_max, max);
	if (c->rate_min > c->rate_max)
		mistake(r, 0, "terms/minimum", "%s is more than the maximum "
		    "of %s; expected at most that", min, max);
	else if (c->rate_min % c->rate_step != 0)
		mistake(r, 0, "terms/step", "the minimum of %s is not a "
		    "multiple of it; expected steps that lead from 0 to the "
		    "minimum", min);
	if (once->test && c->test_rate_max < c->rate_min)
		mistake(r, 0, "test/maximum", "is less than the minimum of "
		    "%s; expected at least that", min);
}

static void
read_root(struct reader *r, xmlNode *root)
{
	struct once once = {false, false, false, false, false};
	xmlNode *child;

	for (child = next_child(root->children); child != NULL;
	     child = next_child(child->next))
		read_element(r, child, &once, &cpnpd_heap);
	check_whole(r, &once);
}

int
cpnp_catalogue_load(cpnp_catalogue **out, const char *path,
    cpnp_catalogue_report *report, void *user)
{
	cpnp_catalogue *c = calloc(1, sizeof(*c));
	struct reader r = {.path = path, .ns = "urn:cpnp:catalogue:1",
		.root = "catalogue", .manual = "cpnp-catalogue(5)",
		.bytes_max = CPNP_CATALOGUE_BYTES_MAX, .read = read_root,
		.whole = c, .report = report, .user = user};

	if (c == NULL)
		return CPNP_ERR_NOMEM;
	if (read_file(&r) != 0) {
		cpnp_catalogue_del(c);
		return r.err;
	}
	*out = c;
	return 0;
}
