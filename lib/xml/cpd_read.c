/*
 * Reading a CPD that a person wrote, along the same table of fields as the
 * decoder: scalars are attributes, lists and clauses are elements.  The
 * result is encoded and decoded again, so that what is read from XML is what
 * a peer would have read from the wire.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cpnp/xml.h>

#include "../core/cpd_schema.h"
#include "parse.h"

#define XSI "http://www.w3.org/2001/XMLSchema-instance"
#define WHY_MAX sizeof(((cpnp_diag *)0)->why)

/* Which element a structure came from, for errors found after reading. */
struct origin {
	const void *structure;
	const xmlNode *node;
};

struct reader {
	const cpnp_mem *mem;
	cpnp_diag *diag;
	struct origin *origins;
	size_t origins_n;
	size_t origins_max;
	uint8_t *hex; /* decoded extensions, which views point into */
	size_t hex_len;
	const cpnp_cpd_profile *profile; /* being read */
};

#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
static int
fail(struct reader *r, int err, const xmlNode *node, const char *attribute,
    const char *format, ...)
{
	va_list ap;

	if (r->diag == NULL)
		return err;
	*r->diag = (cpnp_diag){.err = err};
	snprintf(r->diag->where, sizeof(r->diag->where),
	    "line %ld, <%.40s>%s%.32s", xmlGetLineNo(node),
	    (const char *)node->name, attribute[0] == '\0' ? "" : " ",
	    attribute);
	va_start(ap, format);
	vsnprintf(r->diag->why, sizeof(r->diag->why), format, ap);
	va_end(ap);
	return err;
}

static bool
is_ours(const xmlNode *node)
{
	return node->ns != NULL && node->ns->href != NULL &&
	    strcmp((const char *)node->ns->href, CPNP_XML_NAMESPACE) == 0;
}

/* The name under which a field's element appears in its parent. */
static bool
is_named(const xmlNode *node, const char *name)
{
	return strcmp((const char *)node->name, name) == 0;
}

static int
remember(struct reader *r, const void *structure, const xmlNode *node)
{
	size_t max = r->origins_max == 0 ? 32 : 2 * r->origins_max;
	struct origin *grown;

	if (r->origins_n == r->origins_max) {
		grown = r->mem->realloc(
		    r->mem->user, r->origins, max * sizeof(*grown));
		if (grown == NULL)
			return fail(r, CPNP_ERR_NOMEM, node, "",
			    "out of memory");
		r->origins = grown;
		r->origins_max = max;
	}
	r->origins[r->origins_n++] = (struct origin){structure, node};
	return 0;
}

/* The number of single-character edits from a to b, at most 9. */
static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned row[24];
	size_t n = strlen(b);

	if (n >= sizeof(row) / sizeof(row[0]) || strlen(a) > n + 9)
		return 9;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; *a != '\0'; i++, a++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned least = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
		}
	}
	return row[n] < 9 ? row[n] : 9;
}

#define MORE ", ... (cpnp-cpd(5))"
/* The longest that suggest() may be, within a reason. */
#define SUGGESTION_MAX 120

/* What an unknown name was meant to be, or else the names that there are. */
static void
suggest(const struct cpd_type *type, bool scalars, const char *name,
    char *out, size_t size)
{
	const char *best = NULL;
	unsigned least = 3;
	size_t len = 0;

	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		unsigned distance = edit_distance(name, field->name);

		if (cpd_is_scalar(field) == scalars && distance < least) {
			least = distance;
			best = field->name;
		}
	}
	if (best != NULL) {
		snprintf(out, size, "did you mean %s?", best);
		return;
	}
	snprintf(out, size, "there is none here");
	for (size_t i = 0; i < type->fields_n; i++) {
		const char *known = type->fields[i].name;

		if (cpd_is_scalar(&type->fields[i]) != scalars)
			continue;
		if (len + strlen(known) + sizeof(MORE) + 4 > size) {
			snprintf(out + len, size - len, MORE);
			return;
		}
		len += (size_t)snprintf(out + len, size - len, "%s%s",
		    len == 0 ? "use " : ", ", known);
	}
}

/* As xs:token does: runs of white space become one space, none is left at
 * the ends.  The text is the tree's own. */
static cpnp_bytes
collapse(xmlChar *text)
{
	size_t n = 0;

	if (text == NULL)
		return CPNP_BYTES_NONE;
	for (const xmlChar *p = text; *p != '\0'; p++) {
		bool is_space = strchr(" \t\r\n", *p) != NULL;

		if (!is_space)
			text[n++] = *p;
		else if (n > 0 && text[n - 1] != ' ')
			text[n++] = ' ';
	}
	if (n > 0 && text[n - 1] == ' ')
		n--;
	return (cpnp_bytes){text, n};
}

/* Where a reference or value is written: an attribute, or an element. */
static int
read_scalar(struct reader *r, const struct cpd_field *field, xmlChar *content,
    void *at, const xmlNode *node, const char *attribute)
{
	cpnp_bytes text = collapse(content);
	char why[WHY_MAX];
	int err = cpd_scalar_parse(field, text, r->profile, at);

	if (err == 0)
		return 0;
	cpd_expected(field, true, why, sizeof(why));
	if (field->kind == CPD_VALUE || field->kind == CPD_NUMBER ||
	    field->kind == CPD_TEXT)
		return fail(r, CPNP_ERR_XML, node, attribute, "%s", why);
	return fail(r, CPNP_ERR_XML, node, attribute, "\"%.24s%s\": %s",
	    text.len == 0 ? "" : (const char *)text.ptr,
	    text.len > 24 ? "..." : "", why);
}

static int
hex_digit(xmlChar c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int
count_pairs(cpnp_bytes bytes, uint32_t *n)
{
	cpnp_cbor_rd rd;

	*n = 0;
	cpnp_cbor_rd_init(&rd, bytes);
	while (rd.err == 0 && rd.pos != rd.end) {
		(void)cpnp_cbor_get_item(&rd);
		(void)cpnp_cbor_get_item(&rd);
		++*n;
	}
	return rd.err;
}

static int
read_extra(struct reader *r, const struct cpd_type *type, xmlChar *content,
    void *structure, const xmlNode *node)
{
	cpnp_cpd_extra *extra = (void *)((char *)structure + type->extra);
	cpnp_bytes text = collapse(content);
	uint8_t *out = r->hex + r->hex_len;
	bool good = text.len > 0 && text.len % 2 == 0;

	for (size_t i = 0; i + 1 < text.len && good; i += 2) {
		int hi = hex_digit(text.ptr[i]);
		int lo = hex_digit(text.ptr[i + 1]);

		good = hi >= 0 && lo >= 0;
		if (good)
			out[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	extra->ptr = out;
	extra->len = (uint32_t)(text.len / 2);
	if (!good || count_pairs((cpnp_bytes){out, extra->len}, &extra->n) != 0
	    || cpd_extra_check(extra) != 0)
		return fail(r, CPNP_ERR_XML, node, "extensions",
		    "write pairs of a negative key and a value in "
		    "deterministic CBOR, as lower-case hexadecimal digits");
	r->hex_len += extra->len;
	return 0;
}

static bool
is_schema_hint(const xmlAttr *attr)
{
	return attr->ns != NULL && attr->ns->href != NULL &&
	    strcmp((const char *)attr->ns->href, XSI) == 0 &&
	    strcmp((const char *)attr->name, "schemaLocation") == 0;
}

static const struct cpd_field *
find_scalar(const struct cpd_type *type, const char *name)
{
	for (size_t i = 0; i < type->fields_n; i++)
		if (cpd_is_scalar(&type->fields[i]) &&
		    strcmp(type->fields[i].name, name) == 0)
			return &type->fields[i];
	return NULL;
}

static int
read_attributes(struct reader *r, const struct cpd_type *type,
    const xmlNode *node, void *structure)
{
	int err = 0;

	for (const xmlAttr *a = node->properties; a != NULL && err == 0;
	     a = a->next) {
		const char *name = (const char *)a->name;
		const struct cpd_field *field = find_scalar(type, name);
		xmlChar *content =
		    a->children != NULL ? a->children->content : NULL;
		char why[SUGGESTION_MAX];

		if (is_schema_hint(a))
			continue;
		if (a->ns == NULL && strcmp(name, "extensions") == 0) {
			err = read_extra(r, type, content, structure, node);
		} else if (a->ns != NULL || field == NULL) {
			suggest(type, true, name, why, sizeof(why));
			err = fail(r, CPNP_ERR_XML, node, name,
			    "this attribute is not known; %s", why);
		} else {
			err = read_scalar(r, field, content,
			    (char *)structure + field->offset, node, name);
		}
	}
	return err;
}

static int
refuse_text(struct reader *r, const xmlNode *node)
{
	for (const xmlNode *child = node->children; child != NULL;
	     child = child->next)
		if (child->type == XML_TEXT_NODE && !xmlIsBlankNode(child))
			return fail(r, CPNP_ERR_XML, node, "",
			    "text has no place here; values are written as "
			    "attributes");
	return 0;
}

static const struct cpd_field *
find_compound(const struct cpd_type *type, const xmlNode *node)
{
	for (size_t i = 0; i < type->fields_n; i++)
		if (!cpd_is_scalar(&type->fields[i]) &&
		    is_named(node, type->fields[i].name))
			return &type->fields[i];
	return NULL;
}

static bool
is_repeatable(const struct cpd_field *field)
{
	return field->kind != CPD_STRUCT && (field->flags & CPD_WRAPPED) == 0;
}

static const xmlNode *
next_named(const xmlNode *node, const char *name)
{
	while (node != NULL && (node->type != XML_ELEMENT_NODE ||
	    !is_named(node, name)))
		node = node->next;
	return node;
}

/* Each element that is there must be known, and once where one is all. */
static int
check_elements(
    struct reader *r, const struct cpd_type *type, const xmlNode *node)
{
	for (const xmlNode *e = node->children; e != NULL; e = e->next) {
		const struct cpd_field *field;
		char why[SUGGESTION_MAX];

		if (e->type != XML_ELEMENT_NODE)
			continue;
		field = find_compound(type, e);
		if (!is_ours(e))
			return fail(r, CPNP_ERR_XML, e, "",
			    "elements are in the namespace "
			    CPNP_XML_NAMESPACE "; other content goes into an "
			    "extensions attribute");
		if (field == NULL) {
			suggest(type, false, (const char *)e->name, why,
			    sizeof(why));
			return fail(r, CPNP_ERR_XML, e, "",
			    "this element is not known here; %s", why);
		}
		if (!is_repeatable(field) &&
		    next_named(e->next, field->name) != NULL)
			return fail(r, CPNP_ERR_XML,
			    next_named(e->next, field->name), "",
			    "this element may stand here once; merge the two");
	}
	return refuse_text(r, node);
}

/* The text of an element that has nothing else. */
static int
read_item(struct reader *r, const struct cpd_field *field, const xmlNode *node,
    void *at)
{
	xmlNode *text = NULL;

	for (xmlNode *child = node->children; child != NULL;
	     child = child->next) {
		if (child->type == XML_COMMENT_NODE ||
		    child->type == XML_PI_NODE)
			continue;
		if (child->type != XML_TEXT_NODE || text != NULL)
			return fail(r, CPNP_ERR_XML, node, "",
			    "this element holds one run of text and nothing "
			    "else");
		text = child;
	}
	if (node->properties != NULL)
		return fail(r, CPNP_ERR_XML, node,
		    (const char *)node->properties->name,
		    "this element has no attributes; write its value as text");
	return read_scalar(r, field->item, text != NULL ? text->content : NULL,
	    at, node, "");
}

static int read_struct(struct reader *r, const struct cpd_type *type,
    const xmlNode *node, void *structure);

/* The members of a list are the elements called name among the siblings. */
static int
read_members(struct reader *r, const struct cpd_field *field,
    const xmlNode *parent, const char *name, void *structure)
{
	const xmlNode *node = next_named(parent->children, name);
	size_t n = 0, size = cpd_member_size(field);
	char *list;
	int err = 0;

	for (const xmlNode *e = node; e != NULL; e = next_named(e->next, name))
		if (++n > field->max && field->kind != CPD_STRUCT)
			return fail(r, CPNP_ERR_XML, e, "",
			    "there are more than %llu; leave some out",
			    (unsigned long long)field->max);
	if (n == 0)
		return 0;
	list = r->mem->alloc(r->mem->user, n * size);
	if (list == NULL)
		return fail(r, CPNP_ERR_NOMEM, node, "", "out of memory");
	memset(list, 0, n * size);
	cpd_list_set(field, structure, list, n);
	for (; node != NULL && err == 0; node = next_named(node->next, name)) {
		if (field->kind == CPD_ITEMS)
			err = read_item(r, field, node, list);
		else
			err = read_struct(r, field->type, node, list);
		list += size;
	}
	return err;
}

/* A wrapping element has members of one name and nothing else. */
static int
read_wrapped(struct reader *r, const struct cpd_field *field,
    const xmlNode *parent, void *structure)
{
	const xmlNode *node = next_named(parent->children, field->name);
	const char *name = field->type->name;
	int err;

	if (node == NULL)
		return 0;
	if (node->properties != NULL)
		return fail(r, CPNP_ERR_XML, node,
		    (const char *)node->properties->name,
		    "this element has no attributes; write them on <%s>",
		    name);
	for (const xmlNode *e = node->children; e != NULL; e = e->next)
		if (e->type == XML_ELEMENT_NODE &&
		    (!is_ours(e) || !is_named(e, name)))
			return fail(r, CPNP_ERR_XML, e, "",
			    "<%s> holds elements <%s> and no others",
			    field->name, name);
	if (next_named(node->children, name) == NULL)
		return fail(r, CPNP_ERR_XML, node, "",
		    "write at least one <%s> in it, or leave it out", name);
	err = refuse_text(r, node);
	return err != 0 ? err : read_members(r, field, node, name, structure);
}

static int
check_complete(struct reader *r, const struct cpd_type *type,
    const xmlNode *node, const void *structure)
{
	bool is_empty = cpd_extra_get(type, structure)->n == 0;

	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		bool is_absent = cpd_field_is_absent(field, structure);

		is_empty = is_empty && is_absent;
		if (!is_absent || (field->flags & CPD_REQUIRED) == 0)
			continue;
		if (cpd_is_scalar(field))
			return fail(r, CPNP_ERR_XML, node, field->name,
			    "this attribute is missing; <%s> needs it",
			    (const char *)node->name);
		return fail(r, CPNP_ERR_XML, node, "",
		    "<%s> is missing; write one in this element",
		    field->name);
	}
	if (is_empty)
		return fail(r, CPNP_ERR_XML, node, "",
		    "this element is empty; leave it out, or say something in "
		    "it");
	return 0;
}

/* Nodes and scopes come first in the table, so references find them wherever
 * they stand in the text. */
static int
read_struct(struct reader *r, const struct cpd_type *type, const xmlNode *node,
    void *structure)
{
	int err = remember(r, structure, node);

	if (type == &cpd_type_profile)
		r->profile = structure;
	if (err == 0)
		err = check_elements(r, type, node);
	if (err == 0)
		err = read_attributes(r, type, node, structure);
	for (size_t i = 0; i < type->fields_n && err == 0; i++) {
		const struct cpd_field *field = &type->fields[i];

		if (cpd_is_scalar(field))
			continue;
		if ((field->flags & CPD_WRAPPED) != 0)
			err = read_wrapped(r, field, node, structure);
		else
			err = read_members(
			    r, field, node, field->name, structure);
	}
	return err != 0 ? err : check_complete(r, type, node, structure);
}

static int
read_document(struct reader *r, const xmlNode *root, cpnp_cpd *cpd)
{
	const void *culprit;
	int err;

	if (!is_ours(root) || !is_named(root, cpd_type_document.name))
		return fail(r, CPNP_ERR_XML, root, "",
		    "the document element must be <cpd xmlns=\""
		    CPNP_XML_NAMESPACE "\">");
	err = read_struct(r, &cpd_type_document, root, cpd);
	if (err != 0)
		return err;
	err = cpd_validate(cpd, r->diag, &culprit);
	for (size_t i = 0; err != 0 && i < r->origins_n && r->diag != NULL;
	     i++)
		if (r->origins[i].structure == culprit)
			snprintf(r->diag->where, sizeof(r->diag->where),
			    "line %ld, <%.40s>",
			    xmlGetLineNo(r->origins[i].node),
			    (const char *)r->origins[i].node->name);
	return err;
}

/* The bytes that a peer would get, owned by the document read from them. */
static int
settle(struct reader *r, const xmlNode *root, const cpnp_cpd *draft,
    cpnp_cpd *cpd)
{
	cpnp_buf buf;
	int err;

	cpnp_buf_init(&buf, r->mem, CPNP_CPD_MAX);
	err = cpnp_cpd_encode(draft, &buf);
	if (err == CPNP_ERR_NO_SPACE)
		err = fail(r, CPNP_ERR_TOO_LONG, root, "",
		    "the document takes more than %d bytes on the wire; split "
		    "the order", CPNP_CPD_MAX);
	else if (err != 0)
		(void)fail(r, err, root, "", "%s", cpnp_strerror(err));
	else
		err = cpnp_cpd_decode(
		    cpd, cpnp_buf_bytes(&buf), r->mem, r->diag);
	if (err != 0)
		cpnp_buf_fini(&buf);
	else
		cpd->store = buf.ptr;
	return err;
}

int
cpnp_cpd_from_xml(
    cpnp_cpd *cpd, cpnp_bytes xml, const cpnp_mem *mem, cpnp_diag *diag)
{
	struct reader r = {.mem = mem, .diag = diag};
	cpnp_cpd draft = {.mem = mem};
	xmlDocPtr doc = NULL;
	const xmlNode *root;
	int err;

	*cpd = (cpnp_cpd){0};
	if (diag != NULL)
		*diag = (cpnp_diag){0};
	err = xml_parse(&doc, xml, diag);
	if (err != 0)
		return err;
	root = xmlDocGetRootElement(doc);
	/* Two digits make a byte, so this holds every extension. */
	r.hex = mem->alloc(mem->user, xml.len);
	if (r.hex == NULL)
		err = fail(&r, CPNP_ERR_NOMEM, root, "", "out of memory");
	if (err == 0)
		err = read_document(&r, root, &draft);
	if (err == 0)
		err = settle(&r, root, &draft, cpd);
	cpnp_cpd_fini(&draft);
	mem->free(mem->user, r.origins);
	mem->free(mem->user, r.hex);
	xmlFreeDoc(doc);
	return err;
}
