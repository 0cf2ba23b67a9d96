/*
 * Programs that are asked for a decision: some at a time, the others wait in
 * the order in which they came.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decider.h"
#include "program.h"

/* While the store has failed nothing is decided. */
#define RETRY_MS 200

/* An order that somebody is asked about. */
struct asked {
	struct asked *next, **at;
	struct daemon *d;
	cpnp_order *order;
	cpnp_method method;
	uint8_t seen[CPNP_SHA256_LEN];
	char *question;
	cpnpd_program *program; /* NULL: its turn has not come */
	struct event *timeout;
	char *answer;
	size_t answer_len;
	unsigned lines;
	const char *killed; /* why; NULL: it was not */
};

struct decider {
	struct asked *first, **end;
	void *tree; /* the same by order, tsearch(3) */
	size_t n;
	size_t running;
	bool starting;
	struct event *timer;
};

static int
by_order(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t)((const struct asked *)a)->order;
	const uintptr_t y = (uintptr_t)((const struct asked *)b)->order;

	return x < y ? -1 : x > y;
}

static struct asked *
find(const struct daemon *d, cpnp_order *order)
{
	const struct asked key = {.order = order};
	struct asked **found = tfind(&key, &d->decider->tree, by_order);

	return found == NULL ? NULL : *found;
}

static void
detach(struct asked *a)
{
	struct decider *all = a->d->decider;

	(void)tdelete(a, &all->tree, by_order);
	*a->at = a->next;
	if (a->next != NULL)
		a->next->at = a->at;
	else
		all->end = a->at;
	all->n--;
	if (a->program != NULL)
		all->running--;
}

static void
asked_del(struct asked *a)
{
	if (a->timeout != NULL)
		event_free(a->timeout);
	cpnpd_program_del(a->program);
	free(a->question);
	free(a->answer);
	free(a);
}

/* ---- one program ---- */

static void
kill_it(struct asked *a, const char *why)
{
	if (a->killed == NULL)
		a->killed = why;
	cpnpd_program_signal(a->program, SIGKILL);
}

static void
on_line(void *user, cpnpd_program_stream stream, const char *line, size_t len)
{
	struct asked *a = user;
	char *grown;

	if (stream == CPNPD_PROGRAM_ERR) {
		if (a->lines++ < CPNPD_ANSWER_LINES_MAX)
			cpnpd_log_order(CPNP_LOG_WARNING, a->order,
			    "decision command: %s", line);
		return;
	}
	if (a->killed != NULL)
		return;
	if (len > CPNPD_ANSWER_MAX - a->answer_len) {
		kill_it(a, "it says more than 512 kB");
		return;
	}
	grown = realloc(a->answer, a->answer_len + len + 1);
	if (grown == NULL) {
		kill_it(a, "there is no memory for its answer");
		return;
	}
	memcpy(grown + a->answer_len, line, len);
	a->answer = grown;
	a->answer_len += len;
}

static void
on_timeout(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	kill_it(user, "it takes longer than time of section decision");
}

static void start_all(struct daemon *d, cpnp_now now);

/* The order has its answer. */
static void
tell(struct asked *a, const char *failure, cpnp_now now)
{
	struct daemon *d = a->d;
	cpnpd_answer answer = {.kind = CPNPD_ANSWER_NONE};

	if (failure == NULL)
		cpnpd_answer_parse(&answer,
		    (cpnp_bytes){(uint8_t *)a->answer, a->answer_len});
	else
		snprintf(answer.why, sizeof(answer.why), "%s", failure);
	detach(a);
	if (answer.kind == CPNPD_ANSWER_NONE) {
		d->counters.answers_failed++;
		cpnpd_log_order(CPNP_LOG_WARNING, a->order,
		    "decision command: %s", answer.why);
	}
	cpnpd_answered(d, a->order, a->method, a->seen, &answer, now);
	cpnpd_answer_fini(&answer);
	asked_del(a);
}

/* Nothing is decided while it cannot be stored: ask again. */
static void
ask_again(struct asked *a)
{
	static const struct timeval wait = {0, RETRY_MS * 1000};
	struct decider *all = a->d->decider;

	cpnpd_program_del(a->program);
	a->program = NULL;
	event_free(a->timeout);
	a->timeout = NULL;
	free(a->answer);
	a->answer = NULL;
	a->answer_len = 0;
	a->killed = NULL;
	all->running--;
	(void)evtimer_add(all->timer, &wait);
}

static void
on_ended(void *user, const char *how, bool is_failure)
{
	struct asked *a = user;
	struct daemon *d = a->d;
	cpnp_now now = cpnp_now_read();

	if (d->failed) {
		ask_again(a);
		return;
	}
	tell(a, a->killed != NULL ? a->killed : is_failure ? how : NULL, now);
	cpnpd_drain(d, now);
	start_all(d, now);
	cpnpd_turn_end(d, now);
}

static int
feed(struct asked *a)
{
	const uint64_t time = a->d->conf->decision.time;
	const struct timeval tv = {(time_t)(time / CPNP_SECONDS(1)),
		(suseconds_t)(time % CPNP_SECONDS(1) / 1000)};
	int err = cpnpd_program_write(
	    a->program, cpnp_bytes_str(a->question));

	if (err == 0)
		err = cpnpd_program_write(
		    a->program, CPNP_BYTES_LIT("\n"));
	cpnpd_program_eof(a->program);
	a->timeout = evtimer_new(a->d->base, on_timeout, a);
	if (a->timeout == NULL || evtimer_add(a->timeout, &tv) != 0)
		err = CPNP_ERR_NOMEM;
	return err;
}

static int
start(struct asked *a, char *why, size_t size)
{
	const cpnp_conf_list *command = &a->d->conf->decision.command;
	const char **argv = calloc(command->n + 1, sizeof(*argv));
	cpnpd_program_calls calls = {a, on_line, NULL, on_ended};
	size_t i;
	int err;

	if (argv == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < command->n; i++)
		argv[i] = command->items[i].value;
	/* a reload may have taken it away */
	err = command->n == 0 ? CPNP_ERR_CONFIG
	    : cpnpd_program_start(
		  &a->program, a->d->base, argv, &calls, why, size);
	free(argv);
	if (err != 0)
		return err;
	a->d->decider->running++;
	a->d->counters.asked++;
	return feed(a);
}

/* ---- all of them ---- */

static struct asked *
next_waiting(const struct decider *all)
{
	struct asked *a;

	for (a = all->first; a != NULL && a->program != NULL; a = a->next)
		;
	return a;
}

static void
start_all(struct daemon *d, cpnp_now now)
{
	struct decider *all = d->decider;
	struct asked *a;
	char why[200];
	int err;

	/* An answer may ask again. */
	if (all->starting || d->failed || d->stopping)
		return;
	all->starting = true;
	while (all->running < d->conf->decision.programs_max &&
	    (a = next_waiting(all)) != NULL) {
		why[0] = '\0';
		err = start(a, why, sizeof(why));
		if (err != 0)
			tell(a, why[0] != '\0' ? why : cpnp_strerror(err),
			    now);
	}
	all->starting = false;
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	static const struct timeval wait = {0, RETRY_MS * 1000};
	struct daemon *d = user;
	cpnp_now now = cpnp_now_read();

	(void)fd;
	(void)what;
	start_all(d, now);
	cpnpd_drain(d, now);
	cpnpd_turn_end(d, now);
	if (d->failed && d->decider->n > 0)
		(void)evtimer_add(d->decider->timer, &wait);
}

void
cpnpd_decider_ask(struct daemon *d, cpnp_order *order, cpnp_method method,
    const uint8_t seen[CPNP_SHA256_LEN], const char *text, cpnp_now now)
{
	static const struct timeval at_once = {0, 0};
	struct decider *all = d->decider;
	struct asked *a;
	cpnpd_answer none = {.why = "there is no memory to ask"};

	cpnpd_decider_over(d, order);
	a = calloc(1, sizeof(*a));
	if (a != NULL)
		a->order = order;
	if (a == NULL || (a->question = strdup(text)) == NULL ||
	    tsearch(a, &all->tree, by_order) == NULL) {
		if (a != NULL)
			free(a->question);
		free(a);
		cpnpd_answered(d, order, method, seen, &none, now);
		return;
	}
	a->d = d;
	a->method = method;
	memcpy(a->seen, seen, sizeof(a->seen));
	a->at = all->end;
	*all->end = a;
	all->end = &a->next;
	all->n++;
	/* not from within the effects of an order */
	(void)evtimer_add(all->timer, &at_once);
}

void
cpnpd_decider_over(struct daemon *d, cpnp_order *order)
{
	static const struct timeval at_once = {0, 0};
	struct asked *a = d->decider == NULL ? NULL : find(d, order);

	if (a == NULL)
		return;
	detach(a);
	asked_del(a);
	if (next_waiting(d->decider) != NULL)
		(void)evtimer_add(d->decider->timer, &at_once);
}

size_t
cpnpd_decider_count(const struct daemon *d)
{
	return d->decider->n;
}

int
cpnpd_decider_init(struct daemon *d)
{
	struct decider *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return CPNP_ERR_NOMEM;
	d->decider = all;
	all->end = &all->first;
	all->timer = evtimer_new(d->base, on_timer, d);
	return all->timer != NULL ? 0 : CPNP_ERR_NOMEM;
}

void
cpnpd_decider_fini(struct daemon *d)
{
	struct decider *all = d->decider;
	struct asked *a;

	if (all == NULL)
		return;
	while ((a = all->first) != NULL) {
		detach(a);
		asked_del(a);
	}
	if (all->timer != NULL)
		event_free(all->timer);
	free(all);
	d->decider = NULL;
}
