/*
 * The program of the option event-command: given the events of the store one
 * after the other, and started again behind the last one that it has
 * acknowledged.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_value.h"
#include "ctl.h"
#include "events.h"
#include "program.h"
#include "restore.h"

/* From the end of the program to its next start, doubling. */
#define AGAIN_MIN_SECONDS 1
#define AGAIN_MAX_SECONDS 60
/* From end of file to SIGTERM, and from there to SIGKILL. */
#define END_SECONDS 5
#define TERM_SECONDS 2
/* An acknowledgement waits so long for a batch that it can go with. */
#define SAVE_MILLISECONDS 100
/* Numbers in one second that acknowledge nothing new: one that passes over what
 * it knows says some for what it is given, one that says them without end keeps
 * us from everything else. */
#define OLD_NUMBERS_MAX 10000
/* Lines of the program in the log in one second. */
#define LOG_LINES_MAX 50

enum stage { GOING, ENDING, TERMINATED, KILLED };

struct events {
	struct daemon *d;
	cpnpd_program *program; /* NULL: not running */
	char **argv;            /* what is running, ends with NULL */
	enum stage stage;
	bool is_fault; /* it is ended for what it did */
	struct event *feed;  /* the next step */
	struct event *clock; /* the next start, or the next stage */
	struct event *save;
	uint64_t cursor; /* number of the last event that it was given */
	uint64_t flight[CPNPD_EVENTS_FLIGHT_MAX]; /* a ring of numbers */
	size_t flight_at, flight_n;
	uint64_t acknowledged;
	uint64_t collected; /* of it, in a batch */
	unsigned wait;      /* seconds to the next start */
	cpnp_tstamp old_from;
	unsigned old_n;
	cpnp_tstamp lines_from;
	unsigned lines_n;
};

static const struct timeval at_once = {0, 0};

static void
arm(struct event *event, unsigned seconds)
{
	struct timeval tv = {(time_t)seconds, 0};

	(void)evtimer_add(event, &tv);
}

/* What failed waits for its time. */
static void
feed_soon(struct events *e)
{
	if (e->program != NULL && e->stage == GOING &&
	    !evtimer_pending(e->feed, NULL))
		(void)evtimer_add(e->feed, &at_once);
}

/* ---- ending it ---- */

/* Let the program end: by end of file, or for a fault by SIGTERM. */
static void
end_program(struct events *e)
{
	if (e->program == NULL || e->stage != GOING)
		return;
	(void)evtimer_del(e->feed);
	cpnpd_program_eof(e->program);
	e->stage = ENDING;
	arm(e->clock, END_SECONDS);
	if (e->is_fault) {
		cpnpd_program_signal(e->program, SIGTERM);
		e->stage = TERMINATED;
		arm(e->clock, TERM_SECONDS);
	}
}

static void
end_harder(struct events *e)
{
	bool is_term = e->stage == ENDING;

	cpnpd_log(CPNP_LOG_WARNING, "event-command %s: does not end, it gets "
	    "%s", e->argv[0], is_term ? "SIGTERM" : "SIGKILL");
	cpnpd_program_signal(e->program, is_term ? SIGTERM : SIGKILL);
	e->stage = is_term ? TERMINATED : KILLED;
	if (is_term)
		arm(e->clock, TERM_SECONDS);
}

static void
free_argv(struct events *e)
{
	size_t i;

	for (i = 0; e->argv != NULL && e->argv[i] != NULL; i++)
		free(e->argv[i]);
	free(e->argv);
	e->argv = NULL;
}

/* ---- what it says ---- */

static void
end_for_fault(struct events *e)
{
	e->is_fault = true;
	end_program(e);
}

static void
on_old_number(struct events *e, uint64_t number)
{
	cpnp_tstamp now = cpnp_now_read().mono;

	if (now - e->old_from >= CPNP_SECONDS(1)) {
		e->old_from = now;
		e->old_n = 0;
	}
	if (e->old_n++ < OLD_NUMBERS_MAX)
		return;
	cpnpd_log(CPNP_LOG_ERROR, "event-command %s: %" PRIu64 " on its "
	    "standard output, and more than %d numbers in a second that are "
	    "acknowledged already; expected each once", e->argv[0], number,
	    OLD_NUMBERS_MAX);
	end_for_fault(e);
}

static void
on_number(struct events *e, const char *line, size_t len)
{
	uint64_t number;

	if (e->is_fault)
		return;
	if (strlen(line) != len || !cpnp_conf_parse_number(line, &number) ||
	    number > e->cursor) {
		cpnpd_log(CPNP_LOG_ERROR, "event-command %s: \"%.64s\" on its "
		    "standard output; expected the number of an event that it "
		    "was given, up to %" PRIu64, e->argv[0], line, e->cursor);
		end_for_fault(e);
		return;
	}
	if (number <= e->acknowledged) {
		on_old_number(e, number);
		return;
	}
	e->acknowledged = number;
	e->wait = AGAIN_MIN_SECONDS;
	while (e->flight_n > 0 && e->flight[e->flight_at] <= number) {
		e->flight_at = (e->flight_at + 1) % CPNPD_EVENTS_FLIGHT_MAX;
		e->flight_n--;
	}
	if (!evtimer_pending(e->save, NULL)) {
		struct timeval tv = {0, SAVE_MILLISECONDS * 1000};

		(void)evtimer_add(e->save, &tv);
	}
	feed_soon(e);
}

/* A program that says much must not fill the log. */
static void
on_words(struct events *e, const char *line)
{
	cpnp_tstamp now = cpnp_now_read().mono;

	if (now - e->lines_from >= CPNP_SECONDS(1)) {
		if (e->lines_n > LOG_LINES_MAX)
			cpnpd_log(CPNP_LOG_WARNING, "event-command %s: %u "
			    "lines are not logged, of more than %d in a "
			    "second", e->argv[0], e->lines_n - LOG_LINES_MAX,
			    LOG_LINES_MAX);
		e->lines_from = now;
		e->lines_n = 0;
	}
	if (e->lines_n++ < LOG_LINES_MAX)
		cpnpd_log(CPNP_LOG_INFO, "event-command %s: %s", e->argv[0],
		    line);
}

static void
on_line(void *user, cpnpd_program_stream stream, const char *line, size_t len)
{
	if (stream == CPNPD_PROGRAM_OUT)
		on_number(user, line, len);
	else
		on_words(user, line);
}

static void
on_written(void *user)
{
	struct events *e = user;

	if (e->stage == GOING && !cpnpd_program_reads(e->program)) {
		cpnpd_log(CPNP_LOG_ERROR, "event-command %s: has closed its "
		    "standard input; expected it to read on", e->argv[0]);
		end_for_fault(e);
	}
	feed_soon(e);
}

/* ---- starting it ---- */

static void start_program(struct events *e);

static void
start_later(struct events *e)
{
	cpnpd_log(CPNP_LOG_WARNING, "event-command %s: started again in %u s",
	    e->d->conf->event_command.items[0].value, e->wait);
	e->d->counters.event_restarts++;
	arm(e->clock, e->wait);
	e->wait = e->wait * 2 < AGAIN_MAX_SECONDS ? e->wait * 2
						  : AGAIN_MAX_SECONDS;
}

static void
on_ended(void *user, const char *how, bool is_failure)
{
	struct events *e = user;
	bool was_asked = e->stage != GOING && !e->is_fault;

	cpnpd_log(was_asked && !is_failure ? CPNP_LOG_INFO : CPNP_LOG_WARNING,
	    "event-command %s: ended, %s; acknowledged up to event %" PRIu64,
	    e->argv[0], how, e->acknowledged);
	(void)evtimer_del(e->clock);
	(void)evtimer_del(e->feed);
	cpnpd_program_del(e->program);
	e->program = NULL;
	free_argv(e);
	if (e->d->stopping) {
		(void)evtimer_add(e->save, &at_once);
		cpnpd_stop_if_idle(e->d);
	} else if (e->d->conf->event_command.n == 0 || was_asked) {
		start_program(e);
	} else {
		start_later(e);
	}
}

static bool
copy_argv(struct events *e)
{
	const cpnp_conf_list *list = &e->d->conf->event_command;
	size_t i;

	e->argv = calloc(list->n + 1, sizeof(*e->argv));
	for (i = 0; e->argv != NULL && i < list->n; i++) {
		e->argv[i] = strdup(list->items[i].value);
		if (e->argv[i] == NULL)
			free_argv(e);
	}
	return e->argv != NULL;
}

static void
start_program(struct events *e)
{
	const cpnpd_program_calls calls = {e, on_line, on_written, on_ended};
	char why[512] = "";
	int err = CPNP_ERR_NOMEM;

	/* What a store that is not the newest says may be over. */
	if (e->d->conf->event_command.n == 0 || e->d->restore->is_silent)
		return;
	e->stage = GOING;
	e->is_fault = false;
	e->cursor = e->acknowledged;
	e->flight_at = e->flight_n = 0;
	if (copy_argv(e))
		err = cpnpd_program_start(&e->program, e->d->base,
		    (const char *const *)(void *)e->argv, &calls, why,
		    sizeof(why));
	if (err != 0) {
		cpnpd_log(CPNP_LOG_ERROR, "event-command: %s; expected a "
		    "program that can be run",
		    why[0] != '\0' ? why : cpnp_strerror(err));
		free_argv(e);
		start_later(e);
		return;
	}
	cpnpd_log(CPNP_LOG_INFO, "event-command %s: started as process %ld, "
	    "events after %" PRIu64, e->argv[0],
	    cpnpd_program_pid(e->program), e->cursor);
	feed_soon(e);
}

static void
on_clock(evutil_socket_t fd, short what, void *user)
{
	struct events *e = user;

	(void)fd;
	(void)what;
	if (e->program != NULL)
		end_harder(e);
	else if (!e->d->stopping)
		start_program(e);
}

/* ---- feeding it ---- */

static int
give(void *user, const cpnp_store_change *change)
{
	struct events *e = user;
	json_t *object;
	char *line;
	size_t len;
	int err;

	/* Some events are long. */
	if (cpnpd_program_waiting(e->program) > CPNPD_EVENTS_OUT_MAX)
		return CPNP_ERR_FULL;
	err = cpnpd_event_json(e->d, change, &object);
	if (err != 0)
		return err;
	line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	if (line == NULL)
		return CPNP_ERR_NOMEM;
	len = strlen(line);
	line[len] = '\n'; /* in the place of the NUL */
	err = cpnpd_program_write(e->program,
	    (cpnp_bytes){(const uint8_t *)line, len + 1});
	free(line);
	if (err != 0)
		return err;
	e->flight[(e->flight_at + e->flight_n++) % CPNPD_EVENTS_FLIGHT_MAX] =
	    change->event.number;
	e->d->counters.events_given++;
	return 0;
}

static void
on_feed(evutil_socket_t fd, short what, void *user)
{
	struct events *e = user;
	size_t room = CPNPD_EVENTS_FLIGHT_MAX - e->flight_n;
	bool more = false;
	int err;

	(void)fd;
	(void)what;
	/* An acknowledgement, or what it reads, comes back here. */
	if (e->program == NULL || e->stage != GOING || room == 0 ||
	    cpnpd_program_waiting(e->program) > CPNPD_EVENTS_OUT_MAX)
		return;
	err = cpnp_store_page_changes(e->d->store, &e->cursor,
	    room < CPNPD_EVENTS_STEP ? room : CPNPD_EVENTS_STEP, give, e,
	    &more);
	if (err != 0 && err != CPNP_ERR_FULL) {
		cpnpd_log(CPNP_LOG_ERROR, "event-command %s: event after "
		    "%" PRIu64 " cannot be given: %s; tried again in %d s",
		    e->argv[0], e->cursor, cpnp_strerror(err),
		    AGAIN_MAX_SECONDS);
		arm(e->feed, AGAIN_MAX_SECONDS);
	} else if (err == 0 && more) {
		feed_soon(e);
	}
}

/* ---- keeping what it has acknowledged ---- */

/* Nothing else is to be stored: a batch of its own, which costs a commit. */
static void
on_save(evutil_socket_t fd, short what, void *user)
{
	struct events *e = user;
	struct daemon *d = e->d;

	(void)fd;
	(void)what;
	if (e->acknowledged <= e->collected)
		return;
	if (d->failed || cpnpd_batch(d) == NULL)
		arm(e->save, 1);
	else
		cpnpd_turn_end(d, cpnp_now_read());
}

void
cpnpd_events_collect(struct daemon *d, cpnp_store_batch *batch)
{
	struct events *e = d->events;

	if (e == NULL || e->acknowledged <= e->collected)
		return;
	cpnp_store_put_acknowledged(batch, e->acknowledged);
	e->collected = e->acknowledged;
}

void
cpnpd_events_failed(struct daemon *d)
{
	struct events *e = d->events;

	if (e == NULL || e->collected == 0)
		return;
	e->collected = 0; /* storing the same again changes nothing */
	arm(e->save, 1);
}

/* ---- the daemon ---- */

void
cpnpd_events_wake(struct daemon *d)
{
	if (d->events != NULL)
		feed_soon(d->events);
	cpnpd_ctl_wake(d);
}

static bool
is_running(const struct events *e, const cpnp_conf_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (e->argv[i] == NULL ||
		    strcmp(e->argv[i], list->items[i].value) != 0)
			return false;
	return e->argv[i] == NULL;
}

void
cpnpd_events_reload(struct daemon *d)
{
	struct events *e = d->events;

	if (e == NULL)
		return;
	e->wait = AGAIN_MIN_SECONDS;
	if (e->program == NULL) {
		(void)evtimer_del(e->clock);
		start_program(e);
	} else if (!is_running(e, &d->conf->event_command)) {
		end_program(e);
	}
}

void
cpnpd_events_stop(struct daemon *d)
{
	struct events *e = d->events;

	if (e == NULL)
		return;
	if (e->program == NULL)
		(void)evtimer_del(e->clock);
	end_program(e);
	(void)evtimer_add(e->save, &at_once);
}

bool
cpnpd_events_is_idle(const struct daemon *d)
{
	const struct events *e = d->events;

	return e == NULL || (e->program == NULL &&
	    (d->failed || e->acknowledged <= e->collected));
}

int
cpnpd_events_get_status(const struct daemon *d, cpnpd_events_status *status)
{
	const struct events *e = d->events;
	int err = cpnp_store_last_change(d->store, &status->newest);

	status->acknowledged = e->acknowledged;
	status->in_flight = e->program != NULL ? e->flight_n : 0;
	status->program = NULL;
	if (e->program != NULL)
		status->program = e->stage == GOING ? "running" : "ending";
	else if (d->conf->event_command.n > 0)
		status->program = "waits to be started again";
	return err;
}

int
cpnpd_events_start(struct daemon *d)
{
	struct events *e = calloc(1, sizeof(*e));
	int err;

	if (e == NULL)
		return CPNP_ERR_NOMEM;
	d->events = e;
	e->d = d;
	e->wait = AGAIN_MIN_SECONDS;
	e->feed = evtimer_new(d->base, on_feed, e);
	e->clock = evtimer_new(d->base, on_clock, e);
	e->save = evtimer_new(d->base, on_save, e);
	if (e->feed == NULL || e->clock == NULL || e->save == NULL)
		return CPNP_ERR_NOMEM;
	err = cpnp_store_acknowledged(d->store, &e->acknowledged);
	if (err != 0)
		return err;
	e->collected = e->acknowledged;
	start_program(e);
	return 0;
}

void
cpnpd_events_del(struct daemon *d)
{
	struct events *e = d->events;

	if (e == NULL)
		return;
	cpnpd_program_del(e->program);
	free_argv(e);
	if (e->feed != NULL)
		event_free(e->feed);
	if (e->clock != NULL)
		event_free(e->clock);
	if (e->save != NULL)
		event_free(e->save);
	free(e);
	d->events = NULL;
}
