/*
 * Telling somebody that an order waits: a program gets it as JSON on its
 * standard input, and is told again until it has ended well.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "approval.h"
#include "ctl.h"
#include "program.h"

#define WAIT_MIN CPNP_SECONDS(1)
#define WAIT_MAX CPNP_SECONDS(300)
/* Lines of a program that are logged. */
#define LINES_MAX 20

struct notice {
	struct notice *next;
	struct daemon *d;
	struct approval *approval; /* NULL: it does not wait any more */
	cpnpd_program *program;
	struct event *timeout;
	unsigned lines;
};

void
cpnpd_notice_detach(struct approval *a)
{
	if (a->notice != NULL)
		a->notice->approval = NULL;
	a->notice = NULL;
}

static void
notice_del(struct notice *n)
{
	struct approvals *all = n->d->approvals;
	struct notice **at = &all->notices;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	all->notices_n--;
	if (n->approval != NULL)
		n->approval->notice = NULL;
	if (n->timeout != NULL)
		event_free(n->timeout);
	cpnpd_program_del(n->program);
	free(n);
}

void
cpnpd_notices_kill(struct daemon *d)
{
	while (d->approvals->notices != NULL)
		notice_del(d->approvals->notices);
}

/* From a second on, twice as long each time. */
static void
try_later(struct approval *a, cpnp_now now)
{
	a->notify_wait = a->notify_wait == 0 ? WAIT_MIN
	    : a->notify_wait < WAIT_MAX / 2 ? 2 * a->notify_wait : WAIT_MAX;
	a->notify_at = now.mono + a->notify_wait;
}

static void
on_line(void *user, cpnpd_program_stream stream, const char *line, size_t len)
{
	struct notice *n = user;

	(void)stream;
	(void)len;
	if (n->lines++ < LINES_MAX)
		cpnpd_log(CPNP_LOG_WARNING, "notify-command: %s", line);
}

static void
on_timeout(evutil_socket_t fd, short what, void *user)
{
	struct notice *n = user;

	(void)fd;
	(void)what;
	cpnpd_log(CPNP_LOG_WARNING, "notify-command: process %ld takes longer "
	    "than notify-time and is killed", cpnpd_program_pid(n->program));
	cpnpd_program_signal(n->program, SIGKILL);
}

static void
on_ended(void *user, const char *how, bool is_failure)
{
	struct notice *n = user;
	struct daemon *d = n->d;
	struct approval *a = n->approval;
	cpnp_now now = cpnp_now_read();

	if (is_failure) {
		d->counters.notices_failed++;
		cpnpd_log(CPNP_LOG_WARNING, "notify-command: %s", how);
	} else {
		d->counters.notices++;
	}
	if (a != NULL && is_failure) {
		try_later(a, now);
	} else if (a != NULL) {
		a->notified = true;
		/* Else it is told again after what went wrong. */
		if (!d->failed)
			cpnpd_approval_put_note(d, a);
	}
	notice_del(n);
	cpnpd_turn_end(d, now);
}

static void
set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

static char *
write_notice(const struct approval *a)
{
	json_t *object = json_object();
	cpnp_wtime until;
	char *text;

	set(object, "event", json_string("approval"));
	set(object, "customer",
	    cpnpd_ctl_text(cpnp_order_peer_identity(a->order)));
	set(object, "customer_order",
	    cpnpd_ctl_text(cpnp_order_customer_id(a->order)));
	set(object, "provider_order",
	    cpnpd_ctl_text(cpnp_order_provider_id(a->order)));
	set(object, "wait", json_integer((json_int_t)a->wait));
	set(object, "method", json_string(cpnpd_approval_method(a)));
	if (a->has_cost)
		set(object, "cost", json_pack("{s:I, s:i, s:s}", "amount",
		    (json_int_t)a->amount, "exponent", a->exponent, "code",
		    a->code));
	set(object, "reason", cpnpd_ctl_text(cpnp_bytes_str(a->reason)));
	set(object, "since", cpnpd_ctl_time(a->since));
	if (cpnpd_approval_deadline(a, &until))
		set(object, "deadline", cpnpd_ctl_time(until));
	text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	return text;
}

static int
feed(struct notice *n)
{
	const uint64_t time = n->d->conf->approval.notify_time;
	const struct timeval tv = {(time_t)(time / CPNP_SECONDS(1)),
		(suseconds_t)(time % CPNP_SECONDS(1) / 1000)};
	char *text = write_notice(n->approval);
	int err = text == NULL ? CPNP_ERR_NOMEM : 0;

	if (err == 0)
		err = cpnpd_program_write(n->program, cpnp_bytes_str(text));
	if (err == 0)
		err = cpnpd_program_write(
		    n->program, CPNP_BYTES_LIT("\n"));
	free(text);
	cpnpd_program_eof(n->program);
	n->timeout = evtimer_new(n->d->base, on_timeout, n);
	if (n->timeout == NULL || evtimer_add(n->timeout, &tv) != 0)
		err = CPNP_ERR_NOMEM;
	return err;
}

/* The program of the configuration with its arguments; free() it. */
static const char **
make_argv(const cpnp_conf_list *command)
{
	const char **argv = calloc(command->n + 1, sizeof(*argv));
	size_t i;

	for (i = 0; argv != NULL && i < command->n; i++)
		argv[i] = command->items[i].value;
	return argv;
}

static int
start(struct daemon *d, struct approval *a, char *why, size_t size)
{
	const char **argv = make_argv(&d->conf->approval.notify_command);
	struct notice *n = calloc(1, sizeof(*n));
	cpnpd_program_calls calls = {n, on_line, NULL, on_ended};
	int err = argv == NULL || n == NULL ? CPNP_ERR_NOMEM : 0;

	if (err == 0)
		err = cpnpd_program_start(
		    &n->program, d->base, argv, &calls, why, size);
	free(argv);
	if (err != 0) {
		free(n);
		return err;
	}
	n->d = d;
	n->approval = a;
	a->notice = n;
	n->next = d->approvals->notices;
	d->approvals->notices = n;
	d->approvals->notices_n++;
	err = feed(n);
	if (err != 0)
		notice_del(n);
	return err;
}

void
cpnpd_notices_start(struct daemon *d, cpnp_now now)
{
	struct approvals *all = d->approvals;
	struct approval *a;
	char why[256];
	int err;

	if (d->conf->approval.notify_command.n == 0)
		return;
	for (a = all->first;
	     a != NULL && all->notices_n < CPNPD_NOTICES_MAX; a = a->next) {
		if (a->notified || a->notice != NULL ||
		    a->notify_at > now.mono)
			continue;
		why[0] = '\0';
		err = start(d, a, why, sizeof(why));
		if (err == 0)
			continue;
		d->counters.notices_failed++;
		cpnpd_log(CPNP_LOG_WARNING, "notify-command: cannot be "
		    "started: %s", why[0] != '\0' ? why : cpnp_strerror(err));
		try_later(a, now);
	}
}
