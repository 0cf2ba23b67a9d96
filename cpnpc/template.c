/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include "cpnpc.h"
#include "templates.h"

static void
print_names(FILE *f)
{
	size_t i;

	for (i = 0; cpnpc_templates[i].name != NULL; i++)
		fprintf(f, "%s\n", cpnpc_templates[i].name);
}

static json_t *
json_names(void)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; cpnpc_templates[i].name != NULL; i++)
		(void)json_array_append_new(
		    array, json_string(cpnpc_templates[i].name));
	return array;
}

/* The text as one string, each line with its newline. */
static json_t *
json_template(const struct cpnpc_template_text *template)
{
	json_t *lines = json_string(""), *more;
	size_t i;

	for (i = 0; template->lines[i] != NULL; i++) {
		more = json_sprintf(
		    "%s%s\n", json_string_value(lines), template->lines[i]);
		json_decref(lines);
		lines = more;
	}
	return json_pack(
	    "{s:s, s:o}", "template", template->name, "xml", lines);
}

/* cpnpc template [NAME]: a document to start from; without a name, what there
 * is. */
cpnpc_exit
cpnpc_verb_template(cpnpc *run)
{
	const struct cpnpc_template_text *t = cpnpc_templates;
	size_t i;

	if (run->operands_n == 0) {
		if (run->conf.json)
			cpnpc_json_print(
			    json_pack("{s:o}", "templates", json_names()),
			    CPNPC_DONE);
		else
			print_names(stdout);
		return CPNPC_DONE;
	}
	while (t->name != NULL && strcmp(t->name, run->operands[0]) != 0)
		t++;
	if (t->name == NULL) {
		if (!run->conf.json)
			print_names(stderr);
		return cpnpc_fail(run, CPNPC_USAGE,
		    "%s: there is no such template; \"cpnpc template\" names "
		    "them",
		    run->operands[0]);
	}
	if (run->conf.json) {
		cpnpc_json_print(json_template(t), CPNPC_DONE);
		return CPNPC_DONE;
	}
	for (i = 0; t->lines[i] != NULL; i++)
		puts(t->lines[i]);
	return CPNPC_DONE;
}
