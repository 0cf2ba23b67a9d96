/*
 * The program of the proc backend as a process that is given lines and gives
 * lines: bounded memory, a deadline for everything.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BACKENDS_CHILD_H
#define BACKENDS_CHILD_H

#include <sys/types.h>

#include "../common.h"

/* A batch in base64, and what stands before it. */
#define CHILD_LINE_MAX (4 * ((CPNP_BATCH_BYTES_MAX + 2) / 3) + 512)

struct child {
	pid_t pid; /* 0: not running */
	int in;    /* its standard input, a socket; -1 */
	int out;   /* its standard output, a pipe; -1 */
	bool closed; /* it does not write, or not read, any more */
	char *buf; /* of CHILD_LINE_MAX bytes and a NUL */
	size_t start, len; /* what is in buf and not yet given */
};

int child_init(struct child *child);
void child_fini(struct child *child);

/* Start argv[0].  Errors: UNAVAILABLE, NOMEM. */
int child_start(struct child *child, char *const *argv, cpnp_diag *diag);
/* End it: a moment to go by itself, when polite, and SIGKILL to its process
 * group.  why (may be NULL) gets how it ended: "exit status 3". */
void child_stop(struct child *child, bool polite, char why[40]);

/* Send all bytes.  UNAVAILABLE when it has gone or does not read them in
 * time. */
int child_send(struct child *child, cpnp_bytes bytes, cpnp_tstamp until,
    cpnp_diag *diag);
/*
 * The next line, without its end, NUL-terminated, a view until the next call;
 * the caller may write into it.  Errors: NOT_FOUND: none until then, or
 * wake_fd (-1 for none) is readable; UNAVAILABLE: it has gone, or the line is
 * longer than CHILD_LINE_MAX; diag.
 */
int child_line(struct child *child, cpnp_tstamp until, int wake_fd,
    char **line, cpnp_diag *diag);

#endif
