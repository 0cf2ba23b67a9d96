/*
 * What a person sees while an order is under way: one line that is kept up
 * to date on a terminal, a plain line for each change elsewhere.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "session.h"

void
cpnpc_status_clear(cpnpc_session *session)
{
	if (session->status[0] != '\0' && session->run->stderr_tty)
		fputs("\r\033[K", stderr);
	if (session->run->stderr_tty)
		session->status[0] = '\0';
}

void
cpnpc_status_say(cpnpc_session *session, const char *format, ...)
{
	char line[1024];
	va_list ap;

	if (session->run->conf.quiet)
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	cpnpc_status_clear(session);
	cpnpc_put_text(stderr, cpnp_bytes_str(line));
	fputc('\n', stderr);
}

/* Cut the line to the width of the terminal, or it could not be taken away. */
static void
show_line(cpnpc_session *session, char *line)
{
	struct winsize size;
	size_t width = 80;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		width = size.ws_col;
	if (strlen(line) >= width)
		line[width - 1] = '\0';
	if (strcmp(line, session->status) == 0)
		return;
	fputs("\r\033[K", stderr);
	cpnpc_put_text(stderr, cpnp_bytes_str(line));
	fflush(stderr);
	snprintf(session->status, sizeof(session->status), "%s", line);
}

/* The order that is waited for longest, and how many more there are. */
static cpnpc_job *
first_open(cpnpc_session *session, size_t *more)
{
	cpnpc_job *first = NULL;
	size_t i;

	*more = 0;
	for (i = 0; i < session->jobs_n; i++) {
		if (session->jobs[i].done)
			continue;
		if (first == NULL)
			first = &session->jobs[i];
		else
			++*more;
	}
	return first;
}

/* The earlier of what the order and what the person set as limit. */
static bool
waits_until(
    const cpnpc_session *session, const cpnp_wait *wait, cpnp_wtime *until)
{
	const cpnpc_conf *conf = &session->run->conf;
	bool is_set = wait->has_until;

	*until = wait->until;
	if (session->gives_up && !cpnpc_session_is_working(session)) {
		until->sec = session->began.wall.sec +
			     (int64_t)(CPNPC_CONNECT_TIME / CPNP_SECONDS(1));
		is_set = true;
	}
	if (conf->wait != 0) {
		int64_t end = session->began.wall.sec + (int64_t)conf->wait;

		if (!is_set || end < until->sec)
			until->sec = end;
		is_set = true;
	}
	return is_set;
}

static void
add_times(const cpnpc_session *session, const cpnp_wait *wait, cpnp_now now,
    bool live, char *line, size_t size)
{
	char text[CPNPC_TIME_LEN], span[CPNPC_TIME_LEN];
	size_t n = strlen(line);
	cpnp_wtime until;

	if (waits_until(session, wait, &until)) {
		cpnpc_time_format(until, text);
		cpnpc_span_format(until.sec - now.wall.sec, span);
		if (live)
			n += (size_t)snprintf(line + n, size - n,
			    ", until %.8s, %s left", text + 11, span);
		else
			n += (size_t)snprintf(
			    line + n, size - n, ", until %s", text);
	} else if (live) {
		cpnpc_span_format(now.wall.sec - session->began.wall.sec, span);
		n += (size_t)snprintf(
		    line + n, size - n, ", for %s so far", span);
	} else {
		n += (size_t)snprintf(line + n, size - n, ", without limit");
	}
	if (!live || n >= size || wait->tries < 2)
		return;
	n += (size_t)snprintf(
	    line + n, size - n, "; sent %u times", wait->tries);
	if (wait->again != CPNP_NEVER && wait->again > now.mono && n < size) {
		cpnpc_span_format(
		    (int64_t)((wait->again - now.mono) / CPNP_SECONDS(1)),
		    span);
		snprintf(line + n, size - n, ", again in %s", span);
	}
}

void
cpnpc_status_update(cpnpc_session *session, cpnp_now now)
{
	bool live = session->run->stderr_tty;
	cpnp_wait wait = {.again = CPNP_NEVER};
	char line[sizeof(session->status)];
	cpnpc_job *job;
	size_t more, n;

	if (session->run->conf.quiet)
		return;
	job = first_open(session, &more);
	if (job == NULL || job->asking ||
	    (job->set != NULL && job->set->asking))
		return;
	if (job->order != NULL)
		cpnp_order_wait(job->order, &wait);
	if (!job->link->is_up)
		n = (size_t)snprintf(line, sizeof(line),
		    "waiting for a session with %s",
		    cpnpc_server_name(job->link));
	else if (wait.what != NULL)
		n = (size_t)snprintf(line, sizeof(line),
		    "order %s: waiting for %s", job->id, wait.what);
	else
		return;
	if (more > 0 && n < sizeof(line))
		snprintf(line + n, sizeof(line) - n, " (and %zu more)", more);
	add_times(session, &wait, now, live, line, sizeof(line));
	if (live) {
		show_line(session, line);
	} else if (strcmp(line, session->status) != 0) {
		cpnpc_status_say(session, "%s", line);
		snprintf(session->status, sizeof(session->status), "%s", line);
	}
}
