/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "launch.h"

#define GRACE CPNP_MILLISECONDS(500) /* to end by itself */
#define LOOK_MS 5

int
child_init(struct child *child)
{
	memset(child, 0, sizeof(*child));
	child->in = child->out = -1;
	child->buf = malloc(CHILD_LINE_MAX + 1);
	return child->buf == NULL ? CPNP_ERR_NOMEM : 0;
}

void
child_fini(struct child *child)
{
	child_stop(child, true, NULL);
	free(child->buf);
	child->buf = NULL;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* A socket as its standard input, since what is sent to one whose reader has
 * gone raises no SIGPIPE; a pipe as its standard output. */
static int
make_ends(int in[2], int out[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 ||
	    pipe2(out, O_CLOEXEC) != 0)
		return errno;
	if (fcntl(in[1], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) != 0)
		return errno;
	return 0;
}

int
child_start(struct child *child, char *const *argv, cpnp_diag *diag)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, rc;

	child->start = child->len = 0;
	child->closed = false;
	rc = make_ends(in, out);
	if (rc == 0)
		rc = launch_program(
		    &child->pid, argv, (const int[]){in[0], out[1], -1});
	child->in = in[1];
	child->out = out[0];
	close_fd(&in[0]);
	close_fd(&out[1]);
	if (rc == 0)
		return 0;
	child->pid = 0;
	close_fd(&child->in);
	close_fd(&child->out);
	return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "program",
	    "%.90s cannot be started: %s", argv[0], strerror(rc));
}

static void
say_end(char why[40], int status)
{
	if (WIFEXITED(status))
		(void)snprintf(
		    why, 40, "exit status %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		(void)snprintf(why, 40, "signal %d", WTERMSIG(status));
}

/* Whether it has ended; it stays a zombie, so that its group keeps its
 * number. */
static bool
has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) !=
	    0 || info.si_pid == pid;
}

void
child_stop(struct child *child, bool polite, char why[40])
{
	const struct timespec look = {0, LOOK_MS * 1000000L};
	cpnp_tstamp until =
	    backend_now() + (polite || child->closed ? GRACE : 0);
	int status = 0;
	bool ended;

	if (why != NULL)
		(void)snprintf(why, 40, "it was killed");
	close_fd(&child->in);
	close_fd(&child->out);
	if (child->pid == 0)
		return;
	ended = has_ended(child->pid);
	while (!ended && backend_now() < until) {
		(void)nanosleep(&look, NULL);
		ended = has_ended(child->pid);
	}
	/* what it has started goes too */
	(void)kill(-child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ended && why != NULL)
		say_end(why, status);
	child->pid = 0;
}

/* Read what there is, as far as there is room; false at the end. */
static bool
fill(struct child *child)
{
	ssize_t n;

	if (child->start > 0) {
		memmove(child->buf, child->buf + child->start, child->len);
		child->start = 0;
	}
	if (child->len == CHILD_LINE_MAX)
		return true;
	n = read(child->out, child->buf + child->len,
	    CHILD_LINE_MAX - child->len);
	if (n > 0)
		child->len += (size_t)n;
	child->closed = n == 0;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* While it is written to, what it writes is read: else both would wait. */
int
child_send(struct child *child, cpnp_bytes bytes, cpnp_tstamp until,
    cpnp_diag *diag)
{
	struct pollfd fds[2];
	size_t sent = 0;
	ssize_t n;

	while (sent < bytes.len) {
		n = send(child->in, bytes.ptr + sent, bytes.len - sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			child->closed = true;
			return backend_fail(diag, CPNP_ERR_UNAVAILABLE,
			    "program", "it has gone");
		}
		if (backend_now() >= until)
			return backend_fail(diag, CPNP_ERR_UNAVAILABLE,
			    "program", "it does not read what it is sent");
		fds[0] = (struct pollfd){.fd = child->in, .events = POLLOUT};
		fds[1] = (struct pollfd){.fd = child->out, .events = POLLIN};
		if (child->len == CHILD_LINE_MAX)
			fds[1].fd = -1;
		(void)poll(fds, 2, backend_poll_ms(until));
		if (fds[1].revents != 0 && !fill(child))
			return backend_fail(diag, CPNP_ERR_UNAVAILABLE,
			    "program", "it has gone");
	}
	return 0;
}

/* Take a whole line out of the buffer. */
static bool
take_line(struct child *child, char **line)
{
	char *end, *from = child->buf + child->start;

	if (child->len == 0)
		return false;
	end = memchr(from, '\n', child->len);
	if (end == NULL)
		return false;
	*end = '\0';
	*line = from;
	child->len -= (size_t)(end + 1 - from);
	child->start = (size_t)(end + 1 - child->buf);
	return true;
}

int
child_line(struct child *child, cpnp_tstamp until, int wake_fd, char **line,
    cpnp_diag *diag)
{
	struct pollfd fds[2];

	while (!take_line(child, line)) {
		if (child->len == CHILD_LINE_MAX)
			return backend_fail(diag, CPNP_ERR_UNAVAILABLE,
			    "program", "it sent a line of more than %d bytes",
			    CHILD_LINE_MAX);
		fds[0] = (struct pollfd){.fd = child->out, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
		if (poll(fds, 2, backend_poll_ms(until)) < 0 && errno != EINTR)
			return CPNP_ERR_NOMEM;
		if (fds[0].revents != 0) {
			if (!fill(child))
				return backend_fail(diag,
				    CPNP_ERR_UNAVAILABLE, "program",
				    "it has gone");
			continue;
		}
		if (fds[1].revents != 0 || backend_now() >= until)
			return CPNP_ERR_NOT_FOUND;
	}
	return 0;
}
