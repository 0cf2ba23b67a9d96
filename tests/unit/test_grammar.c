/*
 * The grammar table against an independent transcript of both texts, and the
 * publications of it (CDDL and manual page) against the table.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <ctype.h>

#include <cpnp/message.h>

#include "unit.h"

static const cpnp_edition editions[] = {
    CPNP_EDITION_DRAFT02, CPNP_EDITION_RFC8921};

/* Codes as in RFC 8921, 9.2.1 to 9.2.11 and draft-02, 9.2.1 to 9.2.10; "ie"
 * where they have <INFORMATION_ELEMENT>.  Method 0 is this project's. */
static const struct rbnf {
	cpnp_edition edition;
	int method;
	const char *must;
	const char *may;
} rbnf[] = {
    {1, 0, "1 18 19", "2 20 21 22"},
    {1, 1, "1 2 3 9", "6 ie"},
    {1, 2, "1 2 3 4", "7 10"},
    {1, 3, "1 2 3 4 5 8 9", "ie"},
    {1, 4, "1 2 3 4 5 9", "ie"},
    {1, 5, "1 2 3 4 5", "11"},
    {1, 6, "1 2 3 4", "6 9 ie"},
    {1, 7, "1 2 3", "9"},
    {1, 8, "1 2 3 4 5", "9 ie"},
    {1, 9, "1 2 3 4 5 9", "6 ie"},  /* contradictions, 16 */
    {1, 10, "1 12", "2 3 4"},       /* contradictions, 29 */
    {1, 11, "1 2 3 4 5 14", "ie"},
    {0, 0, "18 19", "2 20 21 22"},
    {0, 1, "2 3 9", "6 ie"},
    {0, 2, "2 3 4", "7"},
    {0, 3, "2 3 4 5 8 9", "ie"},
    {0, 4, "2 3 4 5 9", "ie"},
    {0, 5, "2 3 4", "5"}, /* contradictions, 3 */
    {0, 6, "2 3 4 9", "ie"},
    {0, 7, "2 3", "9"},
    {0, 8, "2 3 4 5", "9 ie"},
    {0, 9, "2 3 4 5 9", "6 ie"},
    {0, 10, "12", "2 3 4"},
};

static bool
list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p += len) {
		if ((p == list || p[-1] == ' ') &&
		    (p[len] == ' ' || p[len] == '\0'))
			return true;
	}
	return false;
}

static cpnp_presence
presence_of(const struct rbnf *row, cpnp_attr attr)
{
	int code = (int)cpnp_attr_code(attr);
	char word[16];

	(void)snprintf(word, sizeof(word), "%d", code);
	if (list_has(row->must, word))
		return CPNP_MANDATORY;
	if (code < 0 || list_has(row->may, word))
		return CPNP_OPTIONAL;
	/* 13 and 14 by contradictions, 15 */
	if (code >= 13 && code <= 17 && list_has(row->may, "ie"))
		return CPNP_OPTIONAL;
	return CPNP_ABSENT;
}

/* C1, contradictions 3, 15, 16, 29 */
START_TEST(test_grammar_is_that_of_the_texts)
{
	for (size_t i = 0; i < sizeof(rbnf) / sizeof(rbnf[0]); i++) {
		const struct rbnf *row = &rbnf[i];

		ck_assert(cpnp_method_exists(row->edition, row->method));
		for (int attr = 0; attr < CPNP_ATTR_END; attr++)
			ck_assert_msg(cpnp_grammar(row->edition,
					  (cpnp_method)row->method,
					  (cpnp_attr)attr) ==
				presence_of(row, (cpnp_attr)attr),
			    "%s %s: %s", cpnp_edition_name(row->edition),
			    cpnp_method_name(row->edition, row->method),
			    cpnp_attr_name(row->edition, (cpnp_attr)attr));
	}
}
END_TEST

START_TEST(test_grammar_knows_no_other_method)
{
	ck_assert(!cpnp_method_exists(CPNP_EDITION_DRAFT02, 11));
	for (size_t e = 0; e < 2; e++) {
		ck_assert(!cpnp_method_exists(editions[e], -1));
		ck_assert(!cpnp_method_exists(editions[e], CPNP_METHOD_END));
		ck_assert_str_eq(cpnp_method_name(editions[e], 12), "?");
	}
	ck_assert_str_eq(
	    cpnp_method_name(CPNP_EDITION_DRAFT02, 1), "PROVISION");
	ck_assert_str_eq(
	    cpnp_method_name(CPNP_EDITION_RFC8921, 1), "QUOTATION");
	ck_assert_str_eq(cpnp_method_name((cpnp_edition)7, 1), "?");
}
END_TEST

/* What no message of an edition carries has no name there, and back. */
START_TEST(test_attr_names_fit_the_grammar)
{
	for (size_t e = 0; e < 2; e++) {
		for (int attr = 0; attr < CPNP_ATTR_END; attr++) {
			bool used = false;

			for (int m = 0; m < CPNP_METHOD_END; m++)
				used |= cpnp_grammar(editions[e],
					    (cpnp_method)m, (cpnp_attr)attr) !=
				    CPNP_ABSENT;
			ck_assert(used ==
			    (strcmp(cpnp_attr_name(
					editions[e], (cpnp_attr)attr),
				 "?") != 0));
		}
	}
	ck_assert_str_eq(
	    cpnp_attr_name(CPNP_EDITION_RFC8921, CPNP_ATTR_END), "?");
}
END_TEST

/* The encoder writes attributes in the order of the registry. */
START_TEST(test_attr_registry_is_in_order_of_encoded_keys)
{
	int32_t prev = 0;

	for (int attr = 0; attr < CPNP_ATTR_END; attr++) {
		int32_t code = cpnp_attr_code((cpnp_attr)attr);

		ck_assert(prev >= 0 ? code > prev || code == -1 : code < prev);
		prev = code;
	}
}
END_TEST

START_TEST(test_edition_parse_knows_both_names)
{
	cpnp_edition edition;

	for (size_t e = 0; e < 2; e++) {
		ck_assert_int_eq(cpnp_edition_parse(
		    cpnp_edition_name(editions[e]), &edition), 0);
		ck_assert_int_eq(edition, editions[e]);
	}
	ck_assert_int_eq(
	    cpnp_edition_parse("rfc8922", &edition), CPNP_ERR_INVALID);
}
END_TEST

/* contradictions, 7 */
START_TEST(test_status_answers_errors)
{
	ck_assert_int_eq(cpnp_error_status(CPNP_ERR_NONCE),
	    cpnp_error_status(CPNP_ERR_UNKNOWN_ORDER));
	ck_assert_int_eq(cpnp_error_status(CPNP_ERR_NONCE),
	    CPNP_STATUS_MESSAGE_VALIDATION);
	ck_assert_int_eq(cpnp_error_status(CPNP_ERR_COOKIE),
	    CPNP_STATUS_AUTHENTICATION_REQUIRED);
	ck_assert_str_eq(cpnp_status_text(CPNP_STATUS_OUT_OF_RESOURCES),
	    "Out of Resources");
	ck_assert_str_eq(cpnp_status_text((cpnp_status)99), "unknown status");
}
END_TEST

static const char *
prefix_of(cpnp_edition edition)
{
	return edition == CPNP_EDITION_DRAFT02 ? "d02" : "rfc";
}

/* A name of the texts as one of CDDL: lower case, hyphens. */
static void
cddl_name(char *out, size_t size, cpnp_edition edition, const char *name)
{
	size_t n = (size_t)snprintf(
	    out, size, "%s-%s", prefix_of(edition), name);

	ck_assert_uint_lt(n, size);
	for (size_t i = 0; i < n; i++)
		out[i] = out[i] == '_' || out[i] == ' '
		    ? '-'
		    : (char)tolower((unsigned char)out[i]);
}

static void
cddl_rule(char *out, size_t size, cpnp_edition edition, int method)
{
	char name[64];
	size_t n;

	cddl_name(name, sizeof(name), edition,
	    cpnp_method_name(edition, method));
	n = (size_t)snprintf(
	    out, size, "%s = [%d, %d, {\n", name, (int)edition, method);
	for (int attr = 0; attr < CPNP_ATTR_END; attr++) {
		cpnp_presence presence = cpnp_grammar(
		    edition, (cpnp_method)method, (cpnp_attr)attr);
		int code = (int)cpnp_attr_code((cpnp_attr)attr);

		if (presence == CPNP_ABSENT || code < 0)
			continue;
		cddl_name(name, sizeof(name), edition,
		    cpnp_attr_name(edition, (cpnp_attr)attr));
		n += (size_t)snprintf(out + n, size - n, "\t%s%d => %s,\n",
		    presence == CPNP_OPTIONAL ? "? " : "", code, name);
	}
	n += (size_t)snprintf(out + n, size - n, "\textensions\n}]\n");
	ck_assert_uint_lt(n, size);
}

static void
man_table(char *out, size_t size, cpnp_edition edition)
{
	static const char marks[] = {
	    [CPNP_ABSENT] = '-', [CPNP_OPTIONAL] = 'o', [CPNP_MANDATORY] = 'M'};
	size_t n = (size_t)snprintf(out, size, "%-40s", "code attribute");

	for (int m = 0; cpnp_method_exists(edition, m); m++)
		n += (size_t)snprintf(out + n, size - n, " %2d", m);
	for (int a = 0; cpnp_attr_code((cpnp_attr)a) > 0; a++) {
		const char *name = cpnp_attr_name(edition, (cpnp_attr)a);

		if (name[0] == '?')
			continue;
		n += (size_t)snprintf(out + n, size - n, "\n%4d %-35s",
		    (int)cpnp_attr_code((cpnp_attr)a), name);
		for (int m = 0; cpnp_method_exists(edition, m); m++)
			n += (size_t)snprintf(out + n, size - n, "  %c",
			    marks[cpnp_grammar(
				edition, (cpnp_method)m, (cpnp_attr)a)]);
	}
	n += (size_t)snprintf(out + n, size - n, "\n");
	ck_assert_uint_lt(n, size);
}

static size_t
count_of(const char *text, const char *word)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		n++;
	return n;
}

START_TEST(test_cddl_has_the_rules_of_the_table)
{
	char *text = unit_slurp("schemas/cpnp.cddl");
	char rule[2048];
	size_t rules = 0;

	for (size_t e = 0; e < 2; e++) {
		for (int m = 0; m <= CPNP_METHOD_END; m++) {
			if (!cpnp_method_exists(editions[e], m))
				continue;
			cddl_rule(rule, sizeof(rule), editions[e], m);
			ck_assert_msg(strstr(text, rule) != NULL,
			    "schemas/cpnp.cddl lacks:\n%s", rule);
			rules++;
		}
	}
	/* and no rule for a message beyond those */
	ck_assert_uint_eq(rules, count_of(text, "\textensions\n}]\n"));
	free(text);
}
END_TEST

/* Every extension attribute and its code is in the one group. */
START_TEST(test_cddl_has_the_extension_attributes)
{
	char *text = unit_slurp("schemas/cpnp.cddl");
	char name[64], line[128];

	for (int a = 0; a < CPNP_ATTR_END; a++) {
		if (cpnp_attr_code((cpnp_attr)a) > 0)
			continue;
		cddl_name(name, sizeof(name), CPNP_EDITION_RFC8921,
		    cpnp_attr_name(CPNP_EDITION_RFC8921, (cpnp_attr)a));
		(void)snprintf(line, sizeof(line), "\t? %d => ext-%s,\n",
		    (int)cpnp_attr_code((cpnp_attr)a), name + strlen("rfc-"));
		ck_assert_msg(strstr(text, line) != NULL,
		    "schemas/cpnp.cddl lacks:\n%s", line);
	}
	free(text);
}
END_TEST

START_TEST(test_man_has_the_table)
{
	char *text = unit_slurp("man/cpnp-wire.7");
	char table[4096];

	for (size_t e = 0; e < 2; e++) {
		man_table(table, sizeof(table), editions[e]);
		ck_assert_msg(strstr(text, table) != NULL,
		    "man/cpnp-wire.7 lacks:\n%s", table);
	}
	free(text);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_grammar_is_that_of_the_texts,
	    test_grammar_knows_no_other_method,
	    test_attr_names_fit_the_grammar,
	    test_attr_registry_is_in_order_of_encoded_keys,
	    test_edition_parse_knows_both_names,
	    test_status_answers_errors,
	    test_cddl_has_the_rules_of_the_table,
	    test_cddl_has_the_extension_attributes,
	    test_man_has_the_table,
	};

	return unit_run("grammar", tests, sizeof(tests) / sizeof(tests[0]));
}
