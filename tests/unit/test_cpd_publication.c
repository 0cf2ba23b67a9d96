/*
 * What is published of the CPD says what the table of fields says: the rules
 * in cpnp.cddl, the lists in cpnp-wire(7), and every element and attribute in
 * cpnp-cpd(5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cpd_unit.h"

#define LINE_MAX_LEN 256

static void
cddl_scalar(const struct cpd_field *field, char *out, size_t size)
{
	unsigned long long min = field->min, max = field->max;

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		snprintf(out, size, "cpd-value<%llu..%llu>", min, max);
		return;
	case CPD_NUMBER:
		snprintf(out, size, "%llu..%llu", min, max);
		return;
	case CPD_ENUM:
		snprintf(out, size, "1..%llu", max);
		return;
	case CPD_TEXT:
		snprintf(out, size, "tstr .size (1..%llu)", max);
		return;
	case CPD_PREFIX:
		snprintf(out, size, "cpd-prefix");
		return;
	case CPD_ADDRESS:
		snprintf(out, size, "cpd-address");
		return;
	case CPD_PORTS:
		snprintf(out, size, "cpd-ports");
		return;
	case CPD_GEO:
		snprintf(out, size, "cpd-coordinates");
		return;
	case CPD_TIME:
		snprintf(out, size, "cpd-time");
		return;
	case CPD_NODE:
		snprintf(out, size, "cpd-node-number");
		return;
	case CPD_SCOPE:
		snprintf(out, size, "cpd-scope-number");
		return;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	ck_abort_msg("%s is no scalar", field->name);
}

static void
cddl_name(const struct cpd_type *type, char *out, size_t size)
{
	if (type == &cpd_type_document)
		snprintf(out, size, "cpd");
	else
		snprintf(out, size, "cpd-%s", type->name);
}

static void
cddl_line(const struct cpd_field *field, char *out, size_t size)
{
	const char *optional = (field->flags & CPD_REQUIRED) ? "" : "? ";
	unsigned long long max = field->max;
	char what[64], list[96];

	if (cpd_is_scalar(field))
		cddl_scalar(field, what, sizeof(what));
	else if (field->kind == CPD_ITEMS)
		cddl_scalar(field->item, what, sizeof(what));
	else
		cddl_name(field->type, what, sizeof(what));
	if (field->kind == CPD_LIST || field->kind == CPD_ITEMS)
		snprintf(list, sizeof(list), "[1*%llu %s]", max, what);
	else
		snprintf(list, sizeof(list), "%s", what);
	snprintf(out, size, "\t%s%u => %s, ; %s\n", optional, field->key, list,
	    field->name);
}

static void
cddl_rule(const struct cpd_type *type, char *out, size_t size)
{
	char name[64], line[LINE_MAX_LEN];
	size_t len;

	cddl_name(type, name, sizeof(name));
	len = (size_t)snprintf(out, size, "%s = {\n", name);
	for (size_t i = 0; i < type->fields_n; i++) {
		cddl_line(&type->fields[i], line, sizeof(line));
		len += (size_t)snprintf(out + len, size - len, "%s", line);
	}
	snprintf(out + len, size - len, "\t* ignored-key => any\n}\n");
}

static char *text;

static void
check_cddl(const struct cpd_type *type)
{
	char rule[4096];

	cddl_rule(type, rule, sizeof(rule));
	ck_assert_msg(strstr(text, rule) != NULL,
	    "schemas/cpnp.cddl lacks:\n%s", rule);
}

START_TEST(test_cpd_cddl_is_the_table)
{
	text = unit_slurp("schemas/cpnp.cddl");
	plan_each_type(&cpd_type_document, check_cddl);
	free(text);
}
END_TEST

static void
wire_scalar(const struct cpd_field *field, char *out, size_t size)
{
	static const char *const units[] = {"", " bit/s", " us", " ppm", " s",
	    " bytes"};
	unsigned long long min = field->min, max = field->max;
	size_t len;

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		snprintf(out, size, "a value, %llu to %llu%s", min, max,
		    units[field->unit]);
		return;
	case CPD_NUMBER:
		snprintf(out, size, "%llu to %llu%s", min, max,
		    units[field->unit]);
		return;
	case CPD_ENUM:
		len = 0;
		for (size_t i = 1; i <= max; i++)
			len += (size_t)snprintf(out + len, size - len,
			    "%s%zu %s", i == 1 ? "" : ", ", i,
			    field->names[i]);
		return;
	case CPD_TEXT:
		snprintf(out, size, "a text of 1 to %llu bytes", max);
		return;
	case CPD_PREFIX:
		snprintf(out, size, "a prefix");
		return;
	case CPD_ADDRESS:
		snprintf(out, size, "an address");
		return;
	case CPD_PORTS:
		snprintf(out, size, "ports");
		return;
	case CPD_GEO:
		snprintf(out, size, "coordinates");
		return;
	case CPD_TIME:
		snprintf(out, size, "a time");
		return;
	case CPD_NODE:
		snprintf(out, size, "the number of a node");
		return;
	case CPD_SCOPE:
		snprintf(out, size, "the number of a scope");
		return;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	ck_abort_msg("%s is no scalar", field->name);
}

/* ".It 1 id" and what it is. */
static void
wire_line(const struct cpd_field *field, char *out, size_t size)
{
	char what[128];

	if (cpd_is_scalar(field))
		wire_scalar(field, what, sizeof(what));
	else if (field->kind == CPD_ITEMS)
		wire_scalar(field->item, what, sizeof(what));
	else
		snprintf(what, sizeof(what), "%s", field->type->name);
	if (field->kind == CPD_LIST || field->kind == CPD_ITEMS)
		snprintf(out, size, ".It %u\n%s%s: 1 to %llu of: %s\n",
		    field->key, field->name,
		    (field->flags & CPD_REQUIRED) ? ", mandatory" : "",
		    (unsigned long long)field->max, what);
	else
		snprintf(out, size, ".It %u\n%s%s: %s\n", field->key,
		    field->name,
		    (field->flags & CPD_REQUIRED) ? ", mandatory" : "", what);
}

static void
wire_list(const struct cpd_type *type, char *out, size_t size)
{
	char line[LINE_MAX_LEN];
	size_t len = (size_t)snprintf(out, size,
	    ".It Em %s\n.Bl -tag -compact -width 3n\n", type->name);

	for (size_t i = 0; i < type->fields_n; i++) {
		wire_line(&type->fields[i], line, sizeof(line));
		len += (size_t)snprintf(out + len, size - len, "%s", line);
	}
	snprintf(out + len, size - len, ".El\n");
}

static void
check_wire(const struct cpd_type *type)
{
	char list[4096];

	wire_list(type, list, sizeof(list));
	ck_assert_msg(
	    strstr(text, list) != NULL, "man/cpnp-wire.7 lacks:\n%s", list);
}

START_TEST(test_cpd_wire_manual_is_the_table)
{
	text = unit_slurp("man/cpnp-wire.7");
	plan_each_type(&cpd_type_document, check_wire);
	free(text);
}
END_TEST

/* Each type has a subsection of its name, with an item for each field. */
static void
check_manual(const struct cpd_type *type)
{
	char line[LINE_MAX_LEN];
	char *section, *end, cut;

	snprintf(line, sizeof(line), "\n.Ss The element %s\n", type->name);
	section = strstr(text, line);
	ck_assert_msg(section != NULL, "man/cpnp-cpd.5 lacks:%s", line);
	end = strstr(section + 1, "\n.S");
	ck_assert_ptr_nonnull(end);
	cut = *end;
	*end = '\0';
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];

		snprintf(line, sizeof(line), "\n.It %s %s%s\n",
		    cpd_is_scalar(field) ? "Va" : "Ic", field->name,
		    (field->flags & CPD_REQUIRED) ? " Pq mandatory" : "");
		ck_assert_msg(strstr(section, line) != NULL,
		    "man/cpnp-cpd.5, element %s, lacks:%s", type->name, line);
		for (size_t j = 1; field->kind == CPD_ENUM && j <= field->max;
		     j++)
			ck_assert_msg(strstr(section, field->names[j]) != NULL,
			    "%s %s lacks %s", type->name, field->name,
			    field->names[j]);
	}
	*end = cut;
}

START_TEST(test_cpd_manual_has_every_field)
{
	text = unit_slurp("man/cpnp-cpd.5");
	plan_each_type(&cpd_type_document, check_manual);
	free(text);
}
END_TEST

int
main(void)
{
	static const TTest *tests[3];

	tests[0] = test_cpd_cddl_is_the_table;
	tests[1] = test_cpd_wire_manual_is_the_table;
	tests[2] = test_cpd_manual_has_every_field;
	return unit_run("cpd_publication", tests, 3);
}
