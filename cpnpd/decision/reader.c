/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libxml/parser.h>

#include "reader.h"

#define LINE_BYTES 1024

void
mistake(struct reader *r, long line, const char *where, const char *format,
    ...)
{
	char text[LINE_BYTES], out[LINE_BYTES + 512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (line > 0)
		snprintf(out, sizeof(out), "%s:%ld: %s: %s", r->path, line,
		    where, text);
	else
		snprintf(out, sizeof(out), "%s: %s: %s", r->path, where,
		    text);
	r->report(r->user, out);
	r->mistakes++;
}

/* ---- attributes ---- */

const char *
name_of(const xmlNode *node)
{
	return (const char *)node->name;
}

char *
attribute_text(const xmlNode *node, const char *name)
{
	return (char *)xmlGetNoNsProp(node, (const xmlChar *)name);
}

static bool
parse_number(const struct attribute *a, const char *text, uint64_t *out)
{
	char *end;

	if (a->unit != CPNP_UNIT_NONE)
		return cpnp_quantity_parse(
			   a->unit, cpnp_bytes_str(text), out) == 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static int
parse_choice(const struct attribute *a, const char *text)
{
	int i;

	for (i = 0; *text != '\0' && a->choices[i] != NULL; i++)
		if (strcmp(a->choices[i], text) == 0)
			return i;
	return -1;
}

/* "22:30"; "24:00" is the end of the day. */
static bool
parse_clock(const char *text, uint64_t *out)
{
	static const char form[] = "dd:dd";
	uint64_t minutes;
	size_t i;

	for (i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9'
				   : text[i] != form[i])
			return false;
	minutes = (uint64_t)(text[3] - '0') * 10 + (uint64_t)(text[4] - '0');
	*out = ((uint64_t)(text[0] - '0') * 10 + (uint64_t)(text[1] - '0')) *
		3600 + minutes * 60;
	return text[i] == '\0' && minutes < 60 && *out <= 86400;
}

static bool
text_is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* Store what one attribute says; false when it is wrong. */
static bool
set_attribute(
    struct reader *r, const struct attribute *a, void *base, const char *text)
{
	void *at = (char *)base + a->offset;
	size_t len = strlen(text);
	uint64_t n = 0;

	switch (a->kind) {
	case NAME:
		if (len < a->min || len > a->max || !text_is_printable(text))
			return false;
		if (*(char **)at != NULL)
			return true; /* the element is there twice */
		*(char **)at = strdup(text);
		if (*(char **)at == NULL)
			r->err = CPNP_ERR_NOMEM;
		return true;
	case NUMBER:
	case QUANTITY:
	case GUARANTEE:
		if (!parse_number(a, text, &n) || n < a->min || n > a->max)
			return false;
		if (a->kind == GUARANTEE)
			*(cpnp_guarantee *)at = (cpnp_guarantee){true, n};
		else
			*(uint64_t *)at = n;
		return true;
	case CLOCK:
		return parse_clock(text, at);
	case CHOICE:
		return (*(int *)at = parse_choice(a, text)) >= 0;
	}
	return false;
}

static void
check_names(struct reader *r, const xmlNode *node,
    const struct attribute *list, size_t n)
{
	const xmlAttr *p;
	char known[256] = "";
	size_t i, len;

	for (p = node->properties; p != NULL; p = p->next) {
		for (i = 0; i < n; i++)
			if (strcmp((const char *)p->name, list[i].name) == 0)
				break;
		if (i < n)
			continue;
		for (i = 0, known[0] = '\0'; i < n; i++) {
			len = strlen(known);
			snprintf(known + len, sizeof(known) - len, "%s%s",
			    i > 0 ? ", " : "", list[i].name);
		}
		mistake(r, xmlGetLineNo(node), name_of(node),
		    "there is no attribute \"%s\"; expected %s", p->name,
		    n > 0 ? known : "none");
	}
}

void
read_attributes(struct reader *r, const xmlNode *node,
    const struct attribute *list, size_t n, void *base)
{
	char where[160], *text;
	size_t i;

	check_names(r, node, list, n);
	for (i = 0; i < n; i++) {
		snprintf(where, sizeof(where), "%s/%s", name_of(node),
		    list[i].name);
		text = attribute_text(node, list[i].name);
		if (text == NULL && list[i].required)
			mistake(r, xmlGetLineNo(node), where, "is missing; "
			    "expected %s", list[i].expected);
		else if (text == NULL && (list[i].kind == QUANTITY ||
		    list[i].kind == NUMBER))
			*(uint64_t *)(void *)((char *)base + list[i].offset) =
			    list[i].dflt;
		else if (text != NULL &&
		    !set_attribute(r, &list[i], base, text))
			mistake(r, xmlGetLineNo(node), where, "\"%s\" is not "
			    "possible; expected %s", text, list[i].expected);
		xmlFree(text);
	}
}

/* ---- elements ---- */

void
complain_element(struct reader *r, const xmlNode *node, const char *expected)
{
	if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
		mistake(r, xmlGetLineNo(node), name_of(node->parent),
		    "there is text in the element; expected %s", expected);
	else
		mistake(r, xmlGetLineNo(node), name_of(node), "has no place "
		    "here; expected %s", expected);
}

xmlNode *
next_child(xmlNode *node)
{
	while (node != NULL &&
	    (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE ||
		xmlIsBlankNode(node)))
		node = node->next;
	return node;
}

bool
is_element(const struct reader *r, const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	    strcmp((const char *)node->ns->href, r->ns) == 0 &&
	    (name == NULL || strcmp(name_of(node), name) == 0);
}

void
add_name(struct reader *r, const xmlNode *node, cpnp_names *names, char *text)
{
	if (text == NULL || *text == '\0' || strlen(text) > CPNP_TEXT_MAX ||
	    !text_is_printable(text))
		mistake(r, xmlGetLineNo(node), name_of(node), "says nothing, "
		    "or too much; expected a text of 1 to %d bytes",
		    CPNP_TEXT_MAX);
	else if (names->n == CPNP_CATALOGUE_NAMES_MAX)
		mistake(r, xmlGetLineNo(node), name_of(node), "there are too "
		    "many; expected at most %d", CPNP_CATALOGUE_NAMES_MAX);
	else if ((names->name[names->n] = strdup(text)) == NULL)
		r->err = CPNP_ERR_NOMEM;
	else
		names->n++;
	xmlFree(text);
}

void
expect_empty(struct reader *r, xmlNode *node)
{
	xmlNode *child = next_child(node->children);

	if (child != NULL)
		complain_element(r, child, "nothing there");
}

void *
add_member(struct reader *r, const xmlNode *node, void *list, size_t size,
    size_t *n, size_t max)
{
	char **grown;

	if (*n == max) {
		mistake(r, xmlGetLineNo(node), name_of(node), "there are too "
		    "many; expected at most %zu", max);
		return list;
	}
	grown = realloc(list, (*n + 1) * size);
	if (grown == NULL) {
		r->err = CPNP_ERR_NOMEM;
		return list;
	}
	memset((char *)grown + *n * size, 0, size);
	++*n;
	return grown;
}

bool
first_time(struct reader *r, const xmlNode *node, bool *seen)
{
	if (*seen)
		mistake(r, xmlGetLineNo(node), name_of(node), "is there twice; "
		    "expected one");
	return !*seen && (*seen = true);
}

static void
complain_xml(struct reader *r, xmlParserCtxt *ctxt)
{
	const xmlError *e = xmlCtxtGetLastError(ctxt);
	char text[256];

	snprintf(text, sizeof(text), "%s",
	    e != NULL && e->message != NULL ? e->message : "no document");
	text[strcspn(text, "\n")] = '\0';
	mistake(r, e != NULL ? e->line : 0, "XML", "%s; expected a "
	    "well-formed document", text);
}

static void
read_root(struct reader *r, xmlDoc *doc)
{
	xmlNode *root = xmlDocGetRootElement(doc);

	if (doc->intSubset != NULL || doc->extSubset != NULL)
		mistake(r, 1, "DOCTYPE", "there is a DTD; expected none");
	else if (!is_element(r, root, r->root))
		mistake(r, xmlGetLineNo(root), name_of(root), "is not a %s; "
		    "expected <%s xmlns=\"%s\">", r->root, r->root, r->ns);
	else
		r->read(r, root);
}

static void
read_document(struct reader *r)
{
	xmlParserCtxt *ctxt;
	xmlDoc *doc;
	struct stat st;

	errno = 0;
	if (stat(r->path, &st) != 0 || !S_ISREG(st.st_mode)) {
		mistake(r, 0, "file", "cannot be read: %s; expected a %s, %s",
		    errno != 0 ? strerror(errno) : "not a regular file",
		    r->root, r->manual);
		return;
	}
	if (st.st_size > (off_t)r->bytes_max) {
		mistake(r, 0, "file", "has %lld bytes; expected at most %zu",
		    (long long)st.st_size, r->bytes_max);
		return;
	}
	ctxt = xmlNewParserCtxt();
	if (ctxt == NULL) {
		r->err = CPNP_ERR_NOMEM;
		return;
	}
	doc = xmlCtxtReadFile(ctxt, r->path, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
		XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
	if (doc == NULL)
		complain_xml(r, ctxt);
	else
		read_root(r, doc);
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(ctxt);
}

int
read_file(struct reader *r)
{
	read_document(r);
	if (r->err == 0 && r->mistakes > 0)
		r->err = CPNP_ERR_CONFIG;
	return r->err;
}
