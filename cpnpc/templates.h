/*
 * The documents that "cpnpc template" prints, in the program itself, so that
 * they are there wherever it runs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_TEMPLATES_H
#define CPNPC_TEMPLATES_H

struct cpnpc_template_text {
	const char *name;
	const char *const *lines; /* ends with NULL */
};

/* Ends with a name of NULL. */
extern const struct cpnpc_template_text cpnpc_templates[];

#endif
