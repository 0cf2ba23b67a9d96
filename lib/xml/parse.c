/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <cpnp/xml.h>

#include "parse.h"

/* What the parser's callbacks leave behind. */
struct outcome {
	bool has_doctype;
	int doctype_line;
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
	outcome->doctype_line = xmlSAX2GetLineNumber(ctxt);
	xmlStopParser(ctxt);
}

/* Takes the place of a function that prints. */
static void
stay_silent(void *user, xmlErrorPtr error)
{
	(void)user;
	(void)error;
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
explain(xmlParserCtxtPtr ctxt, const struct outcome *outcome, cpnp_diag *diag)
{
	const xmlError *error = xmlCtxtGetLastError(ctxt);
	char why[sizeof(diag->why)];

	if (outcome->has_doctype)
		return refuse(diag, CPNP_ERR_XML, outcome->doctype_line,
		    "a document type declaration is refused; remove "
		    "<!DOCTYPE ...> and write out its entities");
	if (error == NULL || error->code == XML_ERR_NO_MEMORY)
		return refuse(diag, CPNP_ERR_NOMEM, 0, "out of memory");
	if (error->code == XML_ERR_DOCUMENT_EMPTY)
		return refuse(diag, CPNP_ERR_XML, 1,
		    "the document is empty; it must hold an XML element");
	snprintf(why, sizeof(why), "not well-formed XML, correct this: %s",
	    error->message != NULL ? error->message : "syntax error");
	return refuse(diag, CPNP_ERR_XML, error->line, why);
}

int
xml_parse(xmlDocPtr *doc, cpnp_bytes xml, cpnp_diag *diag)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOCDATA |
	    XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES;
	struct outcome outcome = {0};
	xmlParserCtxtPtr ctxt;
	int err = 0;

	*doc = NULL;
	if (xml.len > CPNP_XML_MAX)
		return refuse(diag, CPNP_ERR_TOO_LONG, 1,
		    "the document is larger than 1048576 bytes; split the "
		    "order");
	if (xml.len == 0)
		return refuse(diag, CPNP_ERR_XML, 1,
		    "the document is empty; it must hold an XML element");
	ctxt = xmlNewParserCtxt();
	if (ctxt == NULL)
		return refuse(diag, CPNP_ERR_NOMEM, 0, "out of memory");
	ctxt->_private = &outcome;
	ctxt->sax->internalSubset = refuse_doctype;
	ctxt->sax->serror = stay_silent;
	*doc = xmlCtxtReadMemory(ctxt, (const char *)xml.ptr, (int)xml.len,
	    NULL, NULL, options);
	if (*doc == NULL || outcome.has_doctype) {
		err = explain(ctxt, &outcome, diag);
		xmlFreeDoc(*doc);
		*doc = NULL;
	}
	xmlFreeParserCtxt(ctxt);
	return err;
}
