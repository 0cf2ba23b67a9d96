/*
 * The daemon's log: lines on standard error, or syslog.
 *
 * A line has its subject first ("order C-1/P-1 peer enterprise.example: ..."),
 * then the fact.  No tokens, nonces, cookies or keys are ever logged.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_LOG_H
#define CPNPD_LOG_H

#include <stdbool.h>

/* X(NAME, name in the configuration) */
#define CPNP_LOG_LEVEL_MAP(X)                                                  \
	X(ERROR, "error")                                                      \
	X(WARNING, "warning")                                                  \
	X(INFO, "info")                                                        \
	X(DEBUG, "debug")

typedef enum cpnp_log_level {
#define CPNP_LOG_LEVEL_ENUM(NAME, text) CPNP_LOG_##NAME,
	CPNP_LOG_LEVEL_MAP(CPNP_LOG_LEVEL_ENUM)
#undef CPNP_LOG_LEVEL_ENUM
} cpnp_log_level;

/* Lines go to standard error, from level on, until this has been called. */
void cpnp_log_open(bool use_syslog, cpnp_log_level level);
void cpnp_log_set_level(cpnp_log_level level);
bool cpnp_log_is_on(cpnp_log_level level);
/* Write one line; controls in it, and what turns text around, become '?'. */
void cpnpd_log(cpnp_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with a line that is put together already; it is changed. */
void cpnpd_log_line(cpnp_log_level level, char *line);
#define CPNP_LOG_LINE_MAX 2048 /* bytes, longer ones are cut */

#endif
