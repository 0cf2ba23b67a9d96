/*
 * Start a program, without a shell.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BACKENDS_LAUNCH_H
#define BACKENDS_LAUNCH_H

#include <sys/types.h>

/*
 * Start argv[0], the absolute name of a program, with fds as its descriptors 0
 * to 2; -1 for the one that this process has there.  It inherits no other, has
 * the default signals and an empty mask, and is in a process group of its own,
 * so that it can be killed with all that it starts.  Of the environment it has
 * all but what speaks to this process itself.  0 or an errno.
 */
int launch_program(pid_t *pid, char *const *argv, const int fds[3]);

#endif
