/*
 * The question whether an offer is accepted.  The loop goes on while a
 * person thinks: the offer may end meanwhile, and then the question falls.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <ctype.h>
#include <fcntl.h>
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
put_question(const cpnpc_session *session)
{
	static const char text[] =
	    "Accept this offer?  yes, no (declines it) or later (leaves it "
	    "open): ";

	if (write(session->tty, text, sizeof(text) - 1) < 0)
		return;
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

static void
on_answer(evutil_socket_t fd, short what, void *user)
{
	cpnpc_session *session = user;
	cpnpc_job *job = asking_job(session);
	cpnpc_verdict verdict;
	char line[64];
	ssize_t n = read((int)fd, line, sizeof(line));

	(void)what;
	if (job == NULL)
		return;
	if (n <= 0 || tolower((unsigned char)line[0]) == 'l') {
		verdict = CPNPC_VERDICT_LEAVE;
	} else if (tolower((unsigned char)line[0]) == 'y') {
		verdict = CPNPC_VERDICT_ACCEPT;
	} else if (tolower((unsigned char)line[0]) == 'n') {
		verdict = CPNPC_VERDICT_DECLINE;
	} else {
		put_question(session);
		return;
	}
	job->asking = false;
	cpnpc_job_answer(session, job, verdict, cpnp_now_read());
	cpnpc_effects_run(session, cpnp_now_read());
	job = asking_job(session);
	if (job == NULL)
		return;
	cpnpc_job_show(session, job);
	put_question(session);
}

void
cpnpc_ask(cpnpc_session *session, cpnpc_job *job)
{
	bool first = asking_job(session) == NULL;

	job->asking = true;
	if (session->tty < 0)
		session->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (session->tty >= 0 && session->answer == NULL)
		session->answer = event_new(session->base, session->tty,
		    EV_READ | EV_PERSIST, on_answer, session);
	if (session->answer == NULL || event_add(session->answer, NULL) != 0) {
		job->asking = false;
		cpnpc_job_answer(
		    session, job, CPNPC_VERDICT_LEAVE, cpnp_now_read());
		return;
	}
	if (!first)
		return;
	cpnpc_job_show(session, job);
	put_question(session);
}
