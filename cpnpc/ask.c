/*
 * The question whether an offer is accepted.  The loop goes on while a
 * person thinks: the offer may end meanwhile, and then the question falls.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

bool
cpnpc_ask_possible(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void
put_question(const cpnpc_session *session, bool of_set)
{
	const char *text =
	    of_set ? "Which offer is accepted?  its number, none (declines "
		     "all) or later (leaves them open): "
		   : "Accept this offer?  yes, no (declines it) or later "
		     "(leaves it open): ";

	if (write(session->tty, text, strlen(text)) < 0)
		return;
}

static cpnpc_set *
asking_set(cpnpc_session *session)
{
	size_t i;

	for (i = 0; i < session->sets_n; i++)
		if (session->sets[i]->asking)
			return session->sets[i];
	return NULL;
}

static cpnpc_job *
asking_job(cpnpc_session *session)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++)
		if (session->jobs[i].asking && !session->jobs[i].done)
			return &session->jobs[i];
	return NULL;
}

/* The next question, when there is one. */
static void
ask_next(cpnpc_session *session)
{
	cpnpc_job *job = asking_job(session);
	cpnpc_set *set = asking_set(session);

	if (job != NULL)
		cpnpc_job_show(session, job);
	else if (set != NULL)
		cpnpc_set_print(session, set);
	if (job != NULL || set != NULL)
		put_question(session, job == NULL);
}

static void
answer_set(cpnpc_session *session, cpnpc_set *set, const char *line)
{
	cpnp_now now = cpnp_now_read();
	char *end, first = (char)tolower((unsigned char)line[0]);
	long number = -1;

	if (first == 'n')
		number = 0;
	else if (isdigit((unsigned char)first))
		number = strtol(line, &end, 10);
	else if (first != 'l' && first != '\0') {
		put_question(session, true);
		return;
	}
	/* "0" is a number that nobody has. */
	set->asking = (number == 0 && first != 'n') ||
		      !cpnpc_set_answer(session, set, number, now);
	cpnpc_effects_run(session, now);
	ask_next(session);
}

static void
on_answer(evutil_socket_t fd, short what, void *user)
{
	cpnpc_session *session = user;
	cpnpc_job *job = asking_job(session);
	cpnpc_set *set = asking_set(session);
	cpnpc_verdict verdict;
	char line[64];
	ssize_t n = read((int)fd, line, sizeof(line) - 1);

	(void)what;
	line[n > 0 ? n : 0] = '\0';
	if (job == NULL && set != NULL)
		answer_set(session, set, line);
	if (job == NULL)
		return;
	if (n <= 0 || tolower((unsigned char)line[0]) == 'l') {
		verdict = CPNPC_VERDICT_LEAVE;
	} else if (tolower((unsigned char)line[0]) == 'y') {
		verdict = CPNPC_VERDICT_ACCEPT;
	} else if (tolower((unsigned char)line[0]) == 'n') {
		verdict = CPNPC_VERDICT_DECLINE;
	} else {
		put_question(session, false);
		return;
	}
	job->asking = false;
	cpnpc_job_answer(session, job, verdict, cpnp_now_read());
	cpnpc_effects_run(session, cpnp_now_read());
	ask_next(session);
}

static bool
open_terminal(cpnpc_session *session)
{
	if (session->tty < 0)
		session->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (session->tty >= 0 && session->answer == NULL)
		session->answer = event_new(session->base, session->tty,
		    EV_READ | EV_PERSIST, on_answer, session);
	return session->answer != NULL &&
	       event_add(session->answer, NULL) == 0;
}

bool
cpnpc_ask_set(cpnpc_session *session, cpnpc_set *set)
{
	bool first =
	    asking_job(session) == NULL && asking_set(session) == NULL;

	set->asking = open_terminal(session);
	if (set->asking && first)
		ask_next(session);
	return set->asking;
}

void
cpnpc_ask(cpnpc_session *session, cpnpc_job *job)
{
	bool first =
	    asking_job(session) == NULL && asking_set(session) == NULL;

	job->asking = open_terminal(session);
	if (!job->asking) {
		cpnpc_job_answer(
		    session, job, CPNPC_VERDICT_LEAVE, cpnp_now_read());
		return;
	}
	if (first)
		ask_next(session);
}
