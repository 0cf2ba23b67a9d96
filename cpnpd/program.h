/*
 * A program that the daemon runs beside itself: started without a shell,
 * written to on its standard input, read line by line on its standard output
 * and error.
 *
 * It is in a process group of its own, so that a signal for the daemon's
 * terminal does not reach it and one for it reaches its children; it has the
 * default signals, an empty mask, and no file descriptor but the three, and of
 * the environment all but what speaks to the daemon itself.
 * The daemon has to ignore SIGPIPE: a program may end before it has read all.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_PROGRAM_H
#define CPNPD_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include <cpnp/types.h>

/* A longer line is given in pieces of this length. */
#define CPNPD_PROGRAM_LINE_MAX 1024

typedef enum cpnpd_program_stream {
	CPNPD_PROGRAM_OUT = 1,
	CPNPD_PROGRAM_ERR = 2
} cpnpd_program_stream;

typedef struct cpnpd_program cpnpd_program;

/* _del() is allowed in the last of them only. */
typedef struct cpnpd_program_calls {
	void *user;
	/* A line without its newline, and with a NUL behind it.  NULL: what
	 * the program says is thrown away. */
	void (*line)(void *user, cpnpd_program_stream stream,
	    const char *line, size_t len);
	/* The program has taken some of what was written; may be NULL. */
	void (*written)(void *user);
	/* The program has ended and all that it said has been given; how is
	 * "exit status 1" or "signal 9, Killed".  Nothing comes after it. */
	void (*ended)(void *user, const char *how, bool is_failure);
} cpnpd_program_calls;

/*
 * Start argv[0], the absolute name of a program, with the arguments argv, which
 * ends with NULL.  Errors: IO, with the reason in why; NOMEM.
 */
int cpnpd_program_start(cpnpd_program **program, struct event_base *base,
    const char *const *argv, const cpnpd_program_calls *calls, char *why,
    size_t size);
/* Kill it, unless it has ended, and forget it.  No call comes any more. */
void cpnpd_program_del(cpnpd_program *program);

/* Write all of bytes, now or when the program reads; NOMEM.  What comes after
 * the end of file, or when the program does not read any more, is dropped. */
int cpnpd_program_write(cpnpd_program *program, cpnp_bytes bytes);
/* Bytes that the program has not taken. */
size_t cpnpd_program_waiting(const cpnpd_program *program);
/* False when it has closed its standard input, or we have. */
bool cpnpd_program_reads(const cpnpd_program *program);
/* End of file, behind all that was written. */
void cpnpd_program_eof(cpnpd_program *program);
/* Send a signal to the program and its children. */
void cpnpd_program_signal(const cpnpd_program *program, int number);
long cpnpd_program_pid(const cpnpd_program *program);

#endif
