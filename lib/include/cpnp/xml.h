/*
 * The Connectivity Provisioning Document in XML: the form that people write.
 * cpnp-cpd(5) explains every element; schemas/cpd.xsd is the grammar.
 *
 * XML stays at the edge: what goes over the wire, is stored, compared and
 * digested is the CBOR form of <cpnp/cpd.h>.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_XML_H
#define CPNP_XML_H

#include <cpnp/cpd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CPNP_XML_NAMESPACE "urn:cpnp:cpd:1"
#define CPNP_XML_MAX 1048576 /* a document, in bytes; has a test */

/*
 * Read and validate a document.  cpd owns what it points to (cpnp_cpd_fini
 * frees it); xml may go.  mem is borrowed.  Nothing is fetched, and a
 * document type declaration is refused, so there are no entities.
 *
 * On failure cpd is zeroed and diag (which may be NULL) has the first error:
 * where is a line and an element, "line 12, <capacity>", why says what would
 * be right.
 *
 * Errors: CPNP_ERR_XML for what is not well-formed or has no place in a
 * document, CPNP_ERR_CLAUSE for clauses that contradict each other,
 * CPNP_ERR_TOO_LONG for a document over CPNP_XML_MAX or CPNP_CPD_MAX,
 * CPNP_ERR_NOMEM.
 */
CPNP_API int cpnp_cpd_from_xml(
    cpnp_cpd *cpd, cpnp_bytes xml, const cpnp_mem *mem, cpnp_diag *diag);

/*
 * Append a document to out: elements and attributes in the order of the
 * table in cpnp-cpd(5), each number in its best unit, so that equal documents
 * give equal texts.  Reading it gives the same CBOR again; the empty CPD,
 * which is no order, gives an element that is not read.
 */
CPNP_API int cpnp_cpd_to_xml(const cpnp_cpd *cpd, cpnp_buf *out);

#ifdef __cplusplus
}
#endif

#endif
