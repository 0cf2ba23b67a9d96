/*
 * cpnpctl: what it prints for people.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPCTL_H
#define CPNPCTL_H

#include <jansson.h>

/* Print one object of the answer to a verb; n counts them from 0. */
void cpnpctl_print(const char *verb, json_t *object, size_t n);

#endif
