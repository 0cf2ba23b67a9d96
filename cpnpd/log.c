/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "log.h"

#define LINE_MAX_BYTES 2048

static bool to_syslog;
static cpnp_log_level threshold = CPNP_LOG_INFO;

static const char *const names[] = {
#define X(NAME, text) text,
	CPNP_LOG_LEVEL_MAP(X)
#undef X
};

void
cpnp_log_open(bool use_syslog, cpnp_log_level level)
{
	if (use_syslog && !to_syslog)
		openlog("cpnpd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	to_syslog = use_syslog;
	threshold = level;
}

bool
cpnp_log_is_on(cpnp_log_level level)
{
	return level <= threshold;
}

static int
priority(cpnp_log_level level)
{
	switch (level) {
	case CPNP_LOG_ERROR:
		return LOG_ERR;
	case CPNP_LOG_WARNING:
		return LOG_WARNING;
	case CPNP_LOG_INFO:
		return LOG_INFO;
	case CPNP_LOG_DEBUG:
		return LOG_DEBUG;
	}
	return LOG_ERR;
}

/* What a peer wrote must not forge a second line or steer a terminal. */
static void
make_printable(char *line)
{
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

void
cpnp_log(cpnp_log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	char date[32] = "";
	struct timespec now;
	struct tm utc;
	va_list ap;

	if (!cpnp_log_is_on(level))
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	make_printable(line);
	if (to_syslog) {
		syslog(priority(level), "%s", line);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(stderr, "%s.%03ldZ cpnpd %s: %s\n", date,
	    now.tv_nsec / 1000000, names[level], line);
}
