/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/buffer.h>

#include <cpnp/error.h>

#include "launch.h"
#include "program.h"

#define READ_BYTES 4096
/* What a program that has ended has left to be read, of each output: children
 * of it may go on writing. */
#define LAST_READS_MAX 256

/* One of its outputs. */
struct source {
	cpnpd_program *program;
	cpnpd_program_stream stream;
	int fd; /* -1: closed */
	struct event *event;
	struct evbuffer *lines;
};

struct cpnpd_program {
	cpnpd_program_calls calls;
	pid_t pid; /* 0: not there any more */
	int in;    /* -1: closed */
	bool eof;  /* once all is written */
	struct event *writable;
	struct event *child;
	struct evbuffer *out;
	struct source sources[2];
};

static void
free_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- its outputs ---- */

/* Give one line, or a piece of one; false when there is no whole one. */
static bool
give_line(struct source *s, bool is_last)
{
	const cpnpd_program_calls *calls = &s->program->calls;
	char line[CPNPD_PROGRAM_LINE_MAX + 1];
	struct evbuffer_ptr at =
	    evbuffer_search_eol(s->lines, NULL, NULL, EVBUFFER_EOL_LF);
	size_t len = evbuffer_get_length(s->lines);
	bool is_whole = at.pos >= 0 && at.pos <= CPNPD_PROGRAM_LINE_MAX;

	if (is_whole)
		len = (size_t)at.pos;
	else if (len > CPNPD_PROGRAM_LINE_MAX)
		len = CPNPD_PROGRAM_LINE_MAX;
	else if (!is_last || len == 0)
		return false;
	(void)evbuffer_remove(s->lines, line, len);
	if (is_whole)
		(void)evbuffer_drain(s->lines, 1);
	line[len] = '\0';
	if (calls->line != NULL)
		calls->line(calls->user, s->stream, line, len);
	return true;
}

/* Read once; false at the end, or when there is nothing now. */
static bool
read_some(struct source *s)
{
	int n;

	if (s->fd < 0)
		return false;
	do
		n = evbuffer_read(s->lines, s->fd, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		free_event(&s->event);
		close_fd(&s->fd);
	}
	while (give_line(s, s->fd < 0))
		;
	return n > 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	(void)read_some(user);
}

/* ---- its input ---- */

static void
close_in(cpnpd_program *p)
{
	free_event(&p->writable);
	close_fd(&p->in);
	(void)evbuffer_drain(p->out, evbuffer_get_length(p->out));
}

static void
write_some(cpnpd_program *p)
{
	int n = 0;

	if (p->in >= 0 && evbuffer_get_length(p->out) > 0)
		n = evbuffer_write(p->out, p->in);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		close_in(p);
	if (p->in < 0)
		return;
	if (evbuffer_get_length(p->out) > 0)
		(void)event_add(p->writable, NULL);
	else if (p->eof)
		close_in(p);
}

static void
on_writable(evutil_socket_t fd, short what, void *user)
{
	cpnpd_program *p = user;

	(void)fd;
	(void)what;
	write_some(p);
	if (p->calls.written != NULL)
		p->calls.written(p->calls.user);
}

int
cpnpd_program_write(cpnpd_program *p, cpnp_bytes bytes)
{
	if (p->in < 0 || p->eof)
		return 0;
	if (evbuffer_add(p->out, bytes.ptr, bytes.len) != 0)
		return CPNP_ERR_NOMEM;
	return event_add(p->writable, NULL) == 0 ? 0 : CPNP_ERR_NOMEM;
}

size_t
cpnpd_program_waiting(const cpnpd_program *p)
{
	return evbuffer_get_length(p->out);
}

bool
cpnpd_program_reads(const cpnpd_program *p)
{
	return p->in >= 0;
}

void
cpnpd_program_eof(cpnpd_program *p)
{
	p->eof = true;
	if (p->in >= 0 && evbuffer_get_length(p->out) == 0)
		close_in(p);
}

void
cpnpd_program_signal(const cpnpd_program *p, int number)
{
	if (p->pid > 0)
		(void)kill(-p->pid, number);
}

long
cpnpd_program_pid(const cpnpd_program *p)
{
	return (long)p->pid;
}

/* ---- its beginning and end ---- */

static void
on_child(evutil_socket_t number, short what, void *user)
{
	cpnpd_program *p = user;
	char how[64];
	size_t i;
	int status, n;

	(void)number;
	(void)what;
	if (p->pid <= 0 || waitpid(p->pid, &status, WNOHANG) != p->pid)
		return;
	p->pid = 0;
	free_event(&p->child);
	close_in(p);
	for (i = 0; i < 2; i++) {
		for (n = 0; n < LAST_READS_MAX && read_some(&p->sources[i]);
		     n++)
			;
		free_event(&p->sources[i].event);
		close_fd(&p->sources[i].fd);
		while (give_line(&p->sources[i], true))
			;
	}
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "signal %d, %s", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "exit status %d",
		    WEXITSTATUS(status));
	p->calls.ended(p->calls.user, how,
	    !WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

/* A pipe of which our end does not block, and neither is one of the three
 * that a program begins with. */
static int
make_pipe(int ends[2], int ours)
{
	int fds[2], i, moved, err = 0;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	for (i = 0; i < 2; i++) {
		moved = fds[i] > STDERR_FILENO ? fds[i]
		    : fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (moved < 0)
			err = errno;
		if (moved != fds[i])
			close(fds[i]);
		ends[i] = moved;
	}
	if (err == 0 && fcntl(ends[ours], F_SETFL, O_NONBLOCK) != 0)
		err = errno;
	return err;
}

static int
start(cpnpd_program *p, const char *const *argv)
{
	int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
	int i, rc = 0, theirs[3];

	for (i = 0; i < 3 && rc == 0; i++)
		rc = make_pipe(pipes[i], i == 0 ? 1 : 0);
	for (i = 0; i < 3; i++)
		theirs[i] = pipes[i][i == 0 ? 0 : 1];
	if (rc == 0)
		rc = launch_program(
		    &p->pid, (char *const *)(uintptr_t)argv, theirs);
	p->in = pipes[0][1];
	p->sources[0].fd = pipes[1][0];
	p->sources[1].fd = pipes[2][0];
	for (i = 0; i < 3; i++)
		close_fd(&theirs[i]);
	if (rc != 0)
		p->pid = 0;
	return rc;
}

static int
add_events(cpnpd_program *p, struct event_base *base)
{
	struct source *s;
	size_t i;

	p->writable = event_new(base, p->in, EV_WRITE, on_writable, p);
	if (p->writable == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < 2; i++) {
		s = &p->sources[i];
		s->event = event_new(
		    base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
		if (s->event == NULL || event_add(s->event, NULL) != 0)
			return CPNP_ERR_NOMEM;
	}
	return 0;
}

static int
init(cpnpd_program *p, struct event_base *base)
{
	size_t i;

	p->in = -1;
	for (i = 0; i < 2; i++)
		p->sources[i] = (struct source){.program = p, .fd = -1,
			.stream = i == 0 ? CPNPD_PROGRAM_OUT
					 : CPNPD_PROGRAM_ERR,
			.lines = evbuffer_new()};
	p->out = evbuffer_new();
	p->child = evsignal_new(base, SIGCHLD, on_child, p);
	if (p->sources[0].lines == NULL || p->sources[1].lines == NULL ||
	    p->out == NULL || p->child == NULL ||
	    event_add(p->child, NULL) != 0)
		return CPNP_ERR_NOMEM;
	return 0;
}

int
cpnpd_program_start(cpnpd_program **out, struct event_base *base,
    const char *const *argv, const cpnpd_program_calls *calls, char *why,
    size_t size)
{
	cpnpd_program *p = calloc(1, sizeof(*p));
	int rc, err;

	if (p == NULL)
		return CPNP_ERR_NOMEM;
	p->calls = *calls;
	/* The signal is watched before there is somebody to send it. */
	err = init(p, base);
	rc = err == 0 ? start(p, argv) : 0;
	if (rc != 0) {
		snprintf(why, size, "%s: %s", argv[0], strerror(rc));
		err = CPNP_ERR_IO;
	}
	if (err == 0)
		err = add_events(p, base);
	if (err != 0) {
		cpnpd_program_del(p);
		return err;
	}
	*out = p;
	return 0;
}

void
cpnpd_program_del(cpnpd_program *p)
{
	size_t i;

	if (p == NULL)
		return;
	free_event(&p->child);
	if (p->pid > 0) {
		cpnpd_program_signal(p, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	for (i = 0; i < 2; i++) {
		free_event(&p->sources[i].event);
		close_fd(&p->sources[i].fd);
		if (p->sources[i].lines != NULL)
			evbuffer_free(p->sources[i].lines);
	}
	free_event(&p->writable);
	close_fd(&p->in);
	if (p->out != NULL)
		evbuffer_free(p->out);
	free(p);
}
