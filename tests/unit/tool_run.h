/*
 * Run cpnp-ledger as a person does, and look at its exit code and words.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_TOOL_RUN_H
#define TESTS_TOOL_RUN_H

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TOOL "ledger-bridge/cpnp-ledger"

/* What it printed last. */
static char output[65536];

/* A line of the shell: its exit code, and words that it prints. */
static inline void
expect_line(const char *line, int code, const char *words)
{
	FILE *pipe = popen(line, "r");
	size_t n;
	int status;

	ck_assert_ptr_nonnull(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	status = pclose(pipe);
	ck_assert(WIFEXITED(status));
	ck_assert_msg(WEXITSTATUS(status) == code &&
	    strstr(output, words) != NULL,
	    "%s: exit %d, wanted %d and \"%s\":\n%s", line,
	    WEXITSTATUS(status), code, words, output);
}

/* The tool with these arguments; both its streams are looked at. */
static inline void
expect(const char *arguments, int code, const char *words)
{
	char line[1024];
	int len = snprintf(
	    line, sizeof(line), TOOL " %s 2>&1 </dev/null", arguments);

	ck_assert_int_lt(len, (int)sizeof(line));
	expect_line(line, code, words);
}

#endif
