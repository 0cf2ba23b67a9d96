/*
 * What fuzz targets share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that every input has to have. */
#define HOLDS(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)fprintf(stderr, "%s:%d: does not hold: %s\n",    \
			    __FILE__, __LINE__, #condition);                   \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
