/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <cpnp/xml.h>

#include "parse.h"

/* What the parser's callbacks leave behind: the first error, which is the one
 * that later ones follow from. */
struct outcome {
	bool has_doctype;
	int code; /* enum xmlParserErrors, 0 for none */
	int line;
	char message[sizeof(((cpnp_diag *)0)->why)];
};

static void
refuse_doctype(void *user, const xmlChar *name, const xmlChar *external_id,
    const xmlChar *system_id)
{
	xmlParserCtxtPtr ctxt = user;
	struct outcome *outcome = ctxt->_private;

	(void)name;
	(void)external_id;
	(void)system_id;
	outcome->has_doctype = true;
	outcome->line = xmlSAX2GetLineNumber(ctxt);
	xmlStopParser(ctxt);
}

static void
note_error(void *user, xmlErrorPtr error)
{
	struct outcome *outcome = user;

	if (outcome->code != 0 || outcome->has_doctype ||
	    error->level == XML_ERR_WARNING)
		return;
	outcome->code = error->code;
	outcome->line = error->line;
	snprintf(outcome->message, sizeof(outcome->message), "%s",
	    error->message != NULL ? error->message : "syntax error");
}

static int
refuse(cpnp_diag *diag, int err, int line, const char *why)
{
	size_t n = strcspn(why, "\n");

	if (diag == NULL)
		return err;
	*diag = (cpnp_diag){.err = err};
	snprintf(diag->where, sizeof(diag->where), "line %d", line);
	snprintf(diag->why, sizeof(diag->why), "%.*s", (int)n, why);
	return err;
}

static int
explain(const struct outcome *outcome, cpnp_diag *diag)
{
	char why[sizeof(diag->why)];

	if (outcome->has_doctype)
		return refuse(diag, CPNP_ERR_XML, outcome->line,
		    "a document type declaration is refused; remove "
		    "<!DOCTYPE ...> and write out its entities");
	if (outcome->code == XML_ERR_OK || outcome->code == XML_ERR_NO_MEMORY)
		return refuse(diag, CPNP_ERR_NOMEM, 0, "out of memory");
	if (outcome->code == XML_ERR_DOCUMENT_EMPTY)
		return refuse(diag, CPNP_ERR_XML, 1,
		    "the document is empty; it must hold an XML element");
	snprintf(why, sizeof(why), "not well-formed XML, correct this: %.120s",
	    outcome->message);
	return refuse(diag, CPNP_ERR_XML, outcome->line, why);
}

static int
parse(xmlDocPtr *doc, cpnp_bytes xml, struct outcome *outcome)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOCDATA |
	    XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES;
	xmlParserCtxtPtr ctxt = xmlNewParserCtxt();

	*doc = NULL;
	if (ctxt == NULL)
		return CPNP_ERR_NOMEM;
	ctxt->_private = outcome;
	ctxt->sax->internalSubset = refuse_doctype;
	*doc = xmlCtxtReadMemory(ctxt, (const char *)xml.ptr, (int)xml.len,
	    NULL, NULL, options);
	xmlFreeParserCtxt(ctxt);
	/* A tree that is built although memory ran out has holes. */
	if (*doc != NULL && outcome->code == XML_ERR_OK &&
	    !outcome->has_doctype)
		return 0;
	xmlFreeDoc(*doc);
	*doc = NULL;
	return CPNP_ERR_XML;
}

int
xml_parse(xmlDocPtr *doc, cpnp_bytes xml, cpnp_diag *diag)
{
	/* The parser's handler is this thread's, and prints by default. */
	xmlStructuredErrorFunc handler = xmlStructuredError;
	void *handler_user = xmlStructuredErrorContext;
	struct outcome outcome = {0};
	int err;

	*doc = NULL;
	if (xml.len > CPNP_XML_MAX)
		return refuse(diag, CPNP_ERR_TOO_LONG, 1,
		    "the document is larger than 1048576 bytes; split the "
		    "order");
	if (xml.len == 0)
		return refuse(diag, CPNP_ERR_XML, 1,
		    "the document is empty; it must hold an XML element");
	xmlSetStructuredErrorFunc(&outcome, note_error);
	err = parse(doc, xml, &outcome);
	xmlSetStructuredErrorFunc(handler_user, handler);
	return err == 0 ? 0 : explain(&outcome, diag);
}
