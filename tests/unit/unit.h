/*
 * What unit tests share: running a suite, bytes from hex, the source tree, and
 * an environment whose digest shows what was digested.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/types.h>

/* Run a suite of one case with a fixture of each test (NULL: none), and so many
 * seconds for each (0: those of Check); the exit status of the program. */
static inline int
unit_run_with(const char *name, const TTest *const *tests, size_t n,
    void (*setup)(void), void (*teardown)(void), double seconds)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	if (seconds > 0)
		tcase_set_timeout(tc, seconds);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int
unit_run(const char *name, const TTest *const *tests, size_t n)
{
	return unit_run_with(name, tests, n, NULL, NULL, 0);
}

/* Bytes of a hex text, in which spaces and newlines do not count; out must
 * have room. */
static inline cpnp_bytes
unit_hex(const char *hex, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *hex != '\0'; hex++) {
		const char *digit;

		if (*hex == ' ' || *hex == '\n')
			continue;
		digit = strchr(digits, *hex);
		ck_assert_ptr_nonnull(digit);
		if (n % 2 == 0)
			out[n / 2] = (uint8_t)((digit - digits) << 4);
		else
			out[n / 2] |= (uint8_t)(digit - digits);
		n++;
	}
	ck_assert_uint_eq(n % 2, 0);
	return (cpnp_bytes){out, n / 2};
}

/* Both as hex in the message, so that a golden vector can be read off. */
static inline void
unit_assert_bytes(cpnp_bytes got, cpnp_bytes want)
{
	char text[2][1024];
	cpnp_bytes both[] = {got, want};

	for (size_t k = 0; k < 2; k++) {
		text[k][0] = '\0';
		for (size_t i = 0; i < both[k].len && i < 500; i++)
			(void)snprintf(&text[k][2 * i], 3, "%02x",
			    both[k].ptr[i]);
	}
	ck_assert_msg(
	    cpnp_bytes_equal(got, want), "got %s\nwant %s", text[0], text[1]);
}

/* A file of the source tree, NUL-terminated; the caller frees it. */
static inline char *
unit_slurp(const char *name)
{
	enum { MAX = 1 << 20 };
	const char *top = getenv("srcdir");
	char path[4096];
	char *text = malloc(MAX);
	FILE *file;
	size_t n;

	ck_assert_ptr_nonnull(text);
	(void)snprintf(
	    path, sizeof(path), "%s/%s", top != NULL ? top : ".", name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot read %s", path);
	n = fread(text, 1, MAX - 1, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_uint_lt(n, MAX - 1);
	text[n] = '\0';
	return text;
}

#endif
