/*
 * The log of a test, as its command line describes it.
 *
 *	BACKEND NAME=VALUE...	what all have in common
 *	-w NAME=VALUE		what makes a writer, with '@' for its name,
 *				instead of writer=@
 *
 * A mistake ends the program.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_SHARED_LOG_H
#define TESTS_SHARED_LOG_H

#include <cpnp/bridge.h>

/* The value of -w; before shared_log_use(). */
void shared_log_writer(char *argument);
/* The operands: the name of a backend, then its settings. */
void shared_log_use(char **operands, int n);
const cpnp_backend *shared_log_backend(void);
/* Make the log, as writer "a". */
void shared_log_create(cpnp_bytes genesis);
/* The settings of a writer, good until the next call; of nobody, who only
 * reads, when it is NULL. */
const cpnp_log_setting *shared_log_settings(const char *writer, size_t *n);
/* A bridge on it; writer as above. */
cpnp_bridge *shared_log_bridge(const char *store, const char *writer,
    cpnp_bytes genesis, cpnp_tstamp batch_wait, uint64_t snapshot_entries);
/* Let a bridge follow to the end of the log, which is behind this position. */
void shared_log_catch_up(cpnp_bridge *bridge, uint64_t position);

#endif
