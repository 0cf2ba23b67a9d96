/*
 * A suite with one test that runs once for each row of a table.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_LOOP_H
#define TESTS_UNIT_LOOP_H

#include "unit.h"

/* test runs with _i from 0 to n - 1. */
struct unit_loop {
	const TTest *test;
	size_t n;
};

/* Run a suite; the exit status of the program. */
static inline int
unit_run_loop(const char *name, const TTest *const *tests, size_t n,
    const struct unit_loop *loop)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, loop->test, 0, (int)loop->n);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
