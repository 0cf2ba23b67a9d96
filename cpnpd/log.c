/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "log.h"

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

void
cpnp_log_set_level(cpnp_log_level level)
{
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

/* The code point that begins at p and how many bytes it has; a stray byte,
 * or what a line that was cut left of a character, counts as a control. */
static uint32_t
code_point(const unsigned char *p, size_t *n)
{
	uint32_t c = *p;
	size_t i, len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	*n = 1;
	if (len == 1)
		return c;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	c &= 0x7fu >> len;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	*n = len;
	return c;
}

/* Controls of C0 and C1, and what turns text around or ends a line. */
static bool
is_printable(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && c != 0x061c &&
	    !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	    !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

/* What a peer wrote must not forge a second line or steer a terminal. */
static void
make_printable(char *line)
{
	size_t n;

	for (; *line != '\0'; line += n) {
		n = 1;
		if (*line >= ' ' && *line <= '~')
			continue;
		if (!is_printable(
			code_point((const unsigned char *)line, &n)))
			memset(line, '?', n);
	}
}

/* The date of a second in UTC; many lines are of the same. */
static const char *
date_of(time_t second)
{
	static _Thread_local char date[32] = "1970-01-01T00:00:00";
	static _Thread_local time_t of;
	struct tm utc;

	if (second == of)
		return date;
	of = second;
	date[0] = '\0';
	if (gmtime_r(&second, &utc) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	return date;
}

void
cpnpd_log_line(cpnp_log_level level, char *line)
{
	struct timespec now;

	if (!cpnp_log_is_on(level))
		return;
	make_printable(line);
	if (to_syslog) {
		syslog(priority(level), "%s", line);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(stderr, "%s.%03ldZ cpnpd %s: %s\n", date_of(now.tv_sec),
	    now.tv_nsec / 1000000, names[level], line);
}

void
cpnpd_log(cpnp_log_level level, const char *format, ...)
{
	char line[CPNP_LOG_LINE_MAX];
	va_list ap;

	if (!cpnp_log_is_on(level))
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	cpnpd_log_line(level, line);
}
