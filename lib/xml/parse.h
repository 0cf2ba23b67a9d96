/*
 * Parsing XML that people wrote: no network, no document type declaration
 * and so no entities, bounded in size and depth.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_XML_PARSE_H
#define CPNP_XML_PARSE_H

#include <libxml/tree.h>

#include <cpnp/error.h>

/* The tree of a document, to be freed with xmlFreeDoc.  Errors:
 * CPNP_ERR_XML, _TOO_LONG, _NOMEM, with line and reason in diag. */
int xml_parse(xmlDocPtr *doc, cpnp_bytes xml, cpnp_diag *diag);

#endif
