/*
 * How processes that share a log wake each other: a file beside it, which a
 * writer touches after its commit and readers watch.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BACKENDS_BELL_H
#define BACKENDS_BELL_H

struct bell {
	int file;  /* -1: cannot ring */
	int watch; /* for poll(); -1: cannot hear */
};

/* Open, and make when there is none, the bell at path.  Without one nobody is
 * woken and nothing else is lost. */
void bell_open(struct bell *bell, const char *path);
void bell_close(struct bell *bell);
void bell_ring(const struct bell *bell);
/* Forget that it rang. */
void bell_hush(const struct bell *bell);

#endif
