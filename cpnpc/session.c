/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

/* A statement may be dated so far ahead of our clock. */
#define CLOCK_SKEW_MAX 300
/* The wall clock was stepped when it has moved so far against the other. */
#define CLOCK_STEP_MIN 2

/* ---- messages ---------------------------------------------------------- */

static bool
is_server(const cpnpc_link *link, const char *name)
{
	return strcmp(name, link->peer_identity) == 0;
}

cpnpc_link *
cpnpc_link_of(const cpnpc_session *session, cpnp_peer peer)
{
	size_t i;

	for (i = 0; peer != CPNP_PEER_NONE && i < session->links_n; i++)
		if (session->links[i]->peer == peer)
			return session->links[i];
	return NULL;
}

/* A line about a message begins with the order, so that it can be found by
 * its identifier here and in the log of the provider. */
static void say_of(cpnpc_session *session, const cpnp_msg *msg,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static void
say_of(cpnpc_session *session, const cpnp_msg *msg, const char *format, ...)
{
	cpnp_bytes id = CPNP_BYTES_LIT("-");
	char text[512];
	va_list ap;

	if (cpnp_msg_has(msg, CPNP_ATTR_CUSTOMER_ORDER_ID))
		id = msg->customer_order_id;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	cpnpc_status_say(session, "order %.*s: %s", (int)id.len,
	    (const char *)id.ptr, text);
}

/*
 * Who has signed the statement of a message: the server, or nobody.  A
 * signature of anybody else is worth nothing here.
 */
static cpnp_bytes
signer_of(cpnpc_session *session, const cpnpc_link *link, const cpnp_msg *msg,
    cpnp_now now, cpnp_signed *check)
{
	cpnp_diag diag = {0};
	int err;

	if (!cpnp_msg_has(msg, CPNP_ATTR_STATEMENT))
		return CPNP_BYTES_NONE;
	if (session->trust == NULL) {
		say_of(session, msg,
		    "the server's statement cannot be verified without a CA");
		return CPNP_BYTES_NONE;
	}
	err = cpnp_trust_verify(
	    session->trust, msg->statement, &now.wall, check, &diag);
	if (err != 0)
		say_of(session, msg,
		    "the server's statement is not valid: %s%s%s",
		    cpnp_strerror(err), diag.why[0] != '\0' ? ": " : "",
		    diag.why);
	else if (!check->attested || !is_server(link, check->identity))
		say_of(session, msg,
		    "the server's statement is signed by %s, not by %s",
		    check->identity, link->peer_identity);
	else if (check->statement.time.sec > now.wall.sec + CLOCK_SKEW_MAX)
		say_of(session, msg,
		    "the server's statement is dated in the future; is the "
		    "clock right?");
	else
		return cpnp_bytes_str(check->identity);
	return CPNP_BYTES_NONE;
}

/*
 * The receipt of an ACK: that our ACCEPT, whose digest the ACK names, is in
 * the journal of the server.  The statement of the ACK has been verified, so
 * the certificate that the receipt names is known.
 */
static bool
receipt_holds(cpnpc_session *session, const cpnpc_link *link,
    const cpnp_msg *msg, const cpnp_signed *check, cpnp_now now)
{
	cpnp_diag diag = {0};
	cpnp_receipt receipt;
	int err;

	if (check->statement.type != CPNP_STATEMENT_ACK ||
	    !cpnp_msg_has(msg, CPNP_ATTR_RECEIPT))
		return true;
	err = cpnp_trust_verify_receipt_of(session->trust, msg->receipt,
	    check->statement.answers, &receipt, &diag);
	if (err != 0)
		say_of(session, msg,
		    "the server's receipt is not valid: %s%s%s",
		    cpnp_strerror(err), diag.why[0] != '\0' ? ": " : "",
		    diag.why);
	else if (!receipt.attested || !is_server(link, receipt.identity))
		say_of(session, msg,
		    "the server's receipt is signed by %s, not by %s",
		    receipt.identity, link->peer_identity);
	else if (receipt.time.sec > now.wall.sec + CLOCK_SKEW_MAX)
		say_of(session, msg,
		    "the server's receipt is dated in the future; is the "
		    "clock right?");
	else
		return true;
	say_of(session, msg,
	    "its ACK does not count; the order stays as it is");
	return false;
}

/*
 * A message for an order that is not in memory.  One that the store has
 * belongs to another run: say nothing, it will resume.  For one that nobody
 * knows the library answers as the protocol wants.
 */
static int
recv_unknown(cpnpc_session *session, cpnp_input *input, cpnp_now now)
{
	cpnp_store_row row;

	if (cpnp_msg_has(input->msg, CPNP_ATTR_CUSTOMER_ORDER_ID) &&
	    cpnp_store_find(session->store, CPNP_CLIENT, input->identity,
		input->msg->customer_order_id, &row) == 0)
		return 0;
	input->searched = true;
	return cpnp_orders_recv(session->orders, input, now);
}

/* What the provider explains in a FAIL; an UPDATE or ACTIVATE that came to
 * nothing leaves no document. */
static void
keep_fail(cpnpc_session *session, const cpnp_input *input, cpnp_bytes bytes)
{
	cpnpc_job *job;

	if (input->msg->method != CPNP_METHOD_FAIL)
		return;
	job = cpnpc_job_of(session,
	    cpnp_orders_find(session->orders, CPNP_CLIENT, input->identity,
		input->msg->customer_order_id));
	if (job == NULL)
		return;
	free(job->fail);
	job->fail = malloc(bytes.len + 1);
	job->fail_len = job->fail != NULL ? bytes.len : 0;
	if (job->fail != NULL)
		memcpy(job->fail, bytes.ptr, bytes.len);
}

/* RFC 8921, 11.4: the provider has the ACCEPT, and the payment is under way. */
static void
note_posting(cpnpc_session *session, const cpnp_input *input)
{
	const cpnp_order *order = cpnp_orders_find(session->orders, CPNP_CLIENT,
	    input->identity, input->msg->customer_order_id);
	cpnpc_job *job = cpnpc_job_of(session, order);

	if (job != NULL && input->msg->method == CPNP_METHOD_PROCESSING &&
	    cpnp_order_state(order) == CPNP_STATE_ACCEPT_SENT)
		job->posting =
		    cpnp_order_doc(order, CPNP_DOC_PAYMENT).len > 0;
}

void
cpnpc_recv_message(cpnpc_session *session, cpnp_peer peer,
    cpnp_bytes identity, cpnp_bytes bytes, cpnp_now now)
{
	const cpnpc_link *link = cpnpc_link_of(session, peer);
	cpnp_msg *msg = calloc(1, sizeof(*msg));
	cpnp_signed *check = calloc(1, sizeof(*check));
	cpnp_input input = {.msg = msg, .identity = identity, .peer = peer};
	cpnp_diag diag = {0};
	int err = CPNP_ERR_NOMEM;

	if (msg == NULL || check == NULL || session->broken)
		goto out;
	err = CPNP_ERR_UNEXPECTED;
	if (link == NULL)
		goto out;
	err = cpnp_msg_decode(msg, bytes, &diag);
	if (session->run->conf.verbose)
		say_of(session, msg, "%s received, %zu bytes%s%s",
		    (msg->present & CPNP_MSG_HEAD_READ) != 0
			? cpnp_method_name(msg->edition, (int)msg->method)
			: "message",
		    bytes.len, err != 0 ? ": " : "",
		    err != 0 ? cpnp_strerror(err) : "");
	if (err != 0) {
		err =
		    cpnp_orders_recv_invalid(session->orders, &input, err, now);
		goto out;
	}
	input.signer = signer_of(session, link, msg, now, check);
	if (input.signer.len > 0 &&
	    !receipt_holds(session, link, msg, check, now)) {
		err = CPNP_ERR_PROOF;
		goto out;
	}
	keep_fail(session, &input, bytes);
	err = cpnp_orders_recv(session->orders, &input, now);
	if (err == CPNP_ERR_NOT_LOADED)
		err = recv_unknown(session, &input, now);
	else if (err == 0)
		note_posting(session, &input);
out:
	if (err != 0 && session->run->conf.verbose)
		cpnpc_status_say(session, "not taken: %s", cpnp_strerror(err));
	if (!session->broken)
		cpnpc_effects_run(session, now);
	free(check);
	free(msg);
}

/* ---- the session with the server --------------------------------------- */

/* Now the server is known by its certificate; what the configuration says of
 * it must be true. */
static bool
learn_identity(cpnpc_session *session, cpnpc_link *link)
{
	const char *wanted = session->run->conf.server_identity;
	cpnp_bytes identity = cpnp_net_peer_identity(session->net, link->peer);

	snprintf(link->peer_identity, sizeof(link->peer_identity), "%.*s",
	    (int)identity.len, (const char *)identity.ptr);
	if (wanted == NULL || is_server(link, wanted))
		return true;
	snprintf(link->net_problem, sizeof(link->net_problem),
	    "its certificate says %s, and server-identity is %s",
	    link->peer_identity, wanted);
	return false;
}

static void
begin(cpnpc_session *session, cpnpc_link *link, cpnp_now now)
{
	link->is_up = true;
	if (link->working)
		return;
	if (learn_identity(session, link)) {
		cpnpc_jobs_start(session, link, now);
	} else if (link->untried > 0 || session->links_n > 1) {
		link->is_up = false;
		cpnpc_status_say(session, "%s: %s", cpnpc_server_name(link),
		    link->net_problem);
		cpnpc_server_failed(link);
	} else {
		cpnpc_jobs_give_up(session);
	}
}

void
cpnpc_on_net_event(void *user, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now)
{
	cpnpc_session *session = user;
	cpnpc_link *link = cpnpc_link_of(session, peer);
	char text[sizeof(link->net_problem)];

	if (link == NULL)
		return;
	switch (event) {
	case CPNP_NET_UP:
		link->net_problem[0] = '\0';
		begin(session, link, now);
		break;
	case CPNP_NET_DOWN:
		if (session->run->conf.verbose)
			cpnpc_status_say(session,
			    "the session with %s is over: %s",
			    cpnpc_server_name(link), diag->why);
		break;
	case CPNP_NET_FAILED:
		cpnpc_server_failed(link);
		snprintf(text, sizeof(text), "%s: %s", diag->where, diag->why);
		if (strcmp(text, link->net_problem) == 0)
			break;
		memcpy(link->net_problem, text, sizeof(text));
		cpnpc_status_say(session, "no session: %s", text);
		break;
	}
}

/* ---- time -------------------------------------------------------------- */

void
cpnpc_session_check(cpnpc_session *session)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++)
		if (!session->jobs[i].done)
			return;
	session->stop = true;
	event_base_loopbreak(session->base);
}

void
cpnpc_session_arm(cpnpc_session *session, cpnp_now now)
{
	cpnp_tstamp at = cpnp_orders_expiry(session->orders);
	cpnp_tstamp parts = cpnp_parts_expiry(session->parts);
	uint64_t us = 0;
	struct timeval delay;

	at = parts < at ? parts : at;
	if (at == CPNP_NEVER) {
		(void)event_del(session->timer);
		return;
	}
	if (at > now.mono)
		us = (at - now.mono + 999) / 1000;
	delay.tv_sec = (time_t)(us / 1000000);
	delay.tv_usec = (suseconds_t)(us % 1000000);
	(void)event_add(session->timer, &delay);
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	cpnpc_session *session = user;
	cpnp_now now = cpnp_now_read();

	(void)fd;
	(void)what;
	cpnpc_parts_timer(session, now);
	while (!session->broken &&
	       cpnp_orders_expiry(session->orders) <= now.mono) {
		int err = cpnp_orders_handle_expiry(session->orders, now);

		if (err != 0) {
			cpnpc_status_say(
			    session, "timer: %s", cpnp_strerror(err));
			break;
		}
		cpnpc_effects_run(session, now);
	}
	cpnpc_session_arm(session, now);
}

static int64_t
clock_offset(cpnp_now now)
{
	return now.wall.sec - (int64_t)(now.mono / CPNP_SECONDS(1));
}

/* Dates are armed on the monotonic clock; after a step they are armed again. */
static void
check_clock(cpnpc_session *session, cpnp_now now)
{
	int64_t offset = clock_offset(now);
	int64_t moved = offset - session->clock_offset;

	if (moved < CLOCK_STEP_MIN && moved > -CLOCK_STEP_MIN)
		return;
	session->clock_offset = offset;
	if (cpnp_orders_rearm(session->orders, now) == 0)
		cpnpc_effects_run(session, now);
}

bool
cpnpc_session_is_working(const cpnpc_session *session)
{
	size_t i;

	for (i = 0; i < session->links_n; i++)
		if (session->links[i]->working)
			return true;
	return false;
}

static bool
is_wanted(const cpnpc_session *session, const cpnpc_link *link)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++)
		if (session->jobs[i].link == link && !session->jobs[i].done)
			return true;
	return false;
}

/* No session yet: do not wait for ever to order something new. */
static void
check_connect(cpnpc_session *session, cpnp_now now)
{
	size_t i;

	for (i = 0; i < session->links_n; i++)
		if (is_wanted(session, session->links[i]))
			cpnpc_server_tick(session->links[i], now);
	if (session->gives_up && !cpnpc_session_is_working(session) &&
	    now.mono >= session->began.mono + CPNPC_CONNECT_TIME)
		cpnpc_jobs_give_up(session);
}

static void
on_tick(evutil_socket_t fd, short what, void *user)
{
	cpnpc_session *session = user;
	cpnp_now now = cpnp_now_read();
	uint64_t wait = session->run->conf.wait;

	(void)fd;
	(void)what;
	check_clock(session, now);
	check_connect(session, now);
	cpnpc_jobs_tick(session, now);
	if (wait != 0 && now.mono >= session->began.mono + CPNP_SECONDS(wait))
		cpnpc_jobs_give_up(session);
	if (!session->stop)
		cpnpc_status_update(session, now);
}

static void
on_signal(evutil_socket_t fd, short what, void *user)
{
	cpnpc_session *session = user;

	(void)fd;
	(void)what;
	session->interrupted = true;
	if (session->answer != NULL)
		fputc('\n', stderr); /* behind the question */
	cpnpc_jobs_give_up(session);
}

bool
cpnpc_session_events(cpnpc_session *session)
{
	static const struct timeval second = {1, 0};

	session->base = event_base_new();
	if (session->base == NULL)
		return false;
	session->timer = evtimer_new(session->base, on_timer, session);
	session->tick =
	    event_new(session->base, -1, EV_PERSIST, on_tick, session);
	session->interrupt =
	    evsignal_new(session->base, SIGINT, on_signal, session);
	session->terminate =
	    evsignal_new(session->base, SIGTERM, on_signal, session);
	return session->timer != NULL && session->tick != NULL &&
	       session->interrupt != NULL && session->terminate != NULL &&
	       event_add(session->tick, &second) == 0 &&
	       event_add(session->interrupt, NULL) == 0 &&
	       event_add(session->terminate, NULL) == 0;
}

/* ---- running ---------------------------------------------------------- */

/* Orders that are over, or were never sent and are to be cancelled, need no
 * server; an agreement that is to be changed or withdrawn does. */
static bool
needs_server(const cpnpc_session *session, const cpnpc_link *link)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		const cpnpc_job *job = &session->jobs[i];
		const cpnp_store_row *row = &job->record.row;

		if (job->link != link)
			continue;
		if (job->is_new || (cpnpc_goal_is_change(job->goal) &&
				       row->state == CPNP_STATE_COMPLETED))
			return true;
		if (!row->settled &&
		    (job->goal != CPNPC_GOAL_CANCEL ||
			(row->state != CPNP_STATE_CREATED &&
			    row->state != CPNP_STATE_AWAITING_PROCESSING)))
			return true;
	}
	return false;
}

static cpnpc_exit
connect_link(cpnpc_session *session, cpnpc_link *link)
{
	cpnp_now now = cpnp_now_read();
	cpnpc_exit code;

	if (!needs_server(session, link)) {
		link->is_up = true;
		cpnpc_jobs_start(session, link, now);
		return CPNPC_DONE;
	}
	code = cpnpc_server_open(link);
	now = cpnp_now_read();
	if (code != CPNPC_DONE || session->stop ||
	    link->peer == CPNP_PEER_NONE)
		return code;
	if (session->run->conf.udp)
		begin(session, link, now);
	else
		(void)cpnp_net_reconnect(session->net, link->peer, now);
	return CPNPC_DONE;
}

/* A ledger that cannot be read is told before something is ordered; it keeps
 * nobody from ending what there is. */
static cpnpc_exit
open_purse(cpnpc_session *session)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++)
		if (session->jobs[i].goal == CPNPC_GOAL_ORDER ||
		    session->jobs[i].goal == CPNPC_GOAL_ACCEPT ||
		    session->jobs[i].goal == CPNPC_GOAL_UPDATE)
			return cpnpc_purse_open(session);
	return CPNPC_DONE;
}

cpnpc_exit
cpnpc_session_run(cpnpc_session *session)
{
	cpnp_now now = cpnp_now_read();
	cpnpc_exit code;
	size_t i;

	code = open_purse(session);
	if (code != CPNPC_DONE)
		return code;
	session->clock_offset = clock_offset(now);
	session->gives_up = !session->run->conf.udp;
	for (i = 0; i < session->jobs_n; i++)
		session->gives_up &= session->jobs[i].is_new;
	cpnpc_sets_load(session, now);
	for (i = 0; i < session->links_n && !session->stop; i++) {
		code = connect_link(session, session->links[i]);
		if (code != CPNPC_DONE && !session->stop)
			return code;
	}
	if (!session->stop && session->run->stderr_tty)
		cpnpc_status_update(session, now);
	while (!session->stop)
		if (event_base_loop(session->base, EVLOOP_ONCE) != 0)
			break;
	cpnp_net_flush(session->net);
	cpnpc_status_clear(session);
	return cpnpc_jobs_report(session);
}
