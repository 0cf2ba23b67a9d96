/*
 * Which server a session is with: the one that is configured, or one of those
 * that the SRV records of a domain name, in their order (C12).
 *
 * A server is given up for the next one only before it has been heard: with
 * DTLS until there is a session, with plain UDP until a message has come.
 * From then on the orders are there and nowhere else, and so they are when
 * they are resumed; the note of an order says where.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

/* Between two rounds over the servers. */
#define ROUND_INTERVAL CPNP_SECONDS(5)

const char *
cpnpc_server_name(const cpnpc_session *session)
{
	const cpnpc_conf *conf = &session->run->conf;

	if (session->servers_n > 0)
		return session->servers[session->server_i].name;
	return conf->domain != NULL ? conf->domain : conf->server;
}

/* ---- connecting -------------------------------------------------------- */

static void
make_source(const cpnpc_conf *conf, const char *server,
    char source[CPNP_NET_ADDRESS_MAX])
{
	const char *address = conf->source;

	source[0] = '\0';
	/* Without an address the family of the server decides. */
	if (address == NULL)
		address = server[0] == '[' ? "::" : "0.0.0.0";
	else if (conf->source_port == 0) {
		snprintf(source, CPNP_NET_ADDRESS_MAX, "%s", address);
		return;
	}
	if (conf->source_port != 0)
		snprintf(source, CPNP_NET_ADDRESS_MAX,
		    strchr(address, ':') != NULL && address[0] != '['
			? "[%s]:%" PRIu64
			: "%s:%" PRIu64,
		    address, conf->source_port);
}

/* The server's name for plain UDP, where no certificate tells it: as
 * configured, else the domain, else the host. */
static void
udp_identity(cpnpc_session *session)
{
	const cpnpc_conf *conf = &session->run->conf;
	const char *name = conf->server, *end;
	size_t len;

	if (conf->server_identity != NULL || conf->domain != NULL) {
		name = conf->server_identity != NULL ? conf->server_identity
						     : conf->domain;
		len = strlen(name);
	} else if (name[0] == '[') {
		len = strcspn(++name, "]");
	} else {
		end = strrchr(name, ':');
		len = end != NULL ? (size_t)(end - name) : strlen(name);
	}
	snprintf(session->peer_identity, sizeof(session->peer_identity), "%.*s",
	    (int)len, name);
}

/*
 * The certificate must carry the domain that the user gave, as DNS-ID or as
 * SRV-ID.  The target of an SRV record comes from a DNS that nobody has
 * validated, and counts for nothing (RFC 6125, 6.2.1).
 */
static int
connect_to(cpnpc_session *session, cpnp_diag *diag)
{
	const cpnpc_conf *conf = &session->run->conf;
	bool found = session->servers_n > 0;
	char source[CPNP_NET_ADDRESS_MAX];
	cpnp_net_target target = {
	    .transport = conf->udp ? CPNP_TRANSPORT_UDP : CPNP_TRANSPORT_DTLS,
	    .address = found ? session->servers[session->server_i].address
			     : conf->server,
	    .name = found ? conf->domain : conf->server_name,
	    .service = found ? conf->domain : conf->server_domain,
	};

	make_source(conf, target.address, source);
	if (source[0] != '\0')
		target.source = source;
	if (conf->udp) {
		udp_identity(session);
		target.identity = session->peer_identity;
	}
	if (session->peer != CPNP_PEER_NONE) {
		(void)cpnp_net_disconnect(session->net, session->peer);
		cpnp_parts_forget(session->parts, session->peer);
	}
	session->peer = CPNP_PEER_NONE;
	session->failed = false;
	session->connected = cpnp_now_read().mono;
	return cpnp_net_connect(session->net, &target, &session->peer, diag);
}

/* ---- the servers of a domain ------------------------------------------- */

static bool
is_candidate(const cpnpc_session *session, size_t i)
{
	return session->only[0] == '\0' ||
	       strcmp(session->servers[i].name, session->only) == 0;
}

static size_t
count_candidates(const cpnpc_session *session)
{
	size_t i, n = 0;

	for (i = 0; i < session->servers_n; i++)
		n += is_candidate(session, i);
	return n;
}

static void
step(cpnpc_session *session)
{
	do {
		session->server_i =
		    (session->server_i + 1) % session->servers_n;
	} while (!is_candidate(session, session->server_i));
	session->untried--;
}

/* The next server that can be connected to; false when none is left. */
static bool
turn(cpnpc_session *session)
{
	cpnp_diag diag = {0};
	size_t before;

	while (session->untried > 0) {
		before = session->server_i;
		step(session);
		if (session->server_i != before)
			cpnpc_status_say(session, "trying %s at %s",
			    session->servers[session->server_i].name,
			    session->servers[session->server_i].address);
		if (connect_to(session, &diag) == 0)
			return true;
		cpnpc_status_say(session, "%s: %s", diag.where, diag.why);
	}
	return false;
}

static bool
is_server_of_domain(const cpnpc_session *session, const char *name)
{
	size_t i;

	for (i = 0; i < session->servers_n; i++)
		if (strcmp(session->servers[i].name, name) == 0)
			return true;
	return false;
}

void
cpnpc_server_note(const cpnpc_session *session, cpnpc_job *job)
{
	if (session->servers_n > 0)
		snprintf(job->intent.server, sizeof(job->intent.server), "%s",
		    cpnpc_server_name(session));
}

bool
cpnpc_server_is_other(const cpnpc_session *session, const cpnpc_job *job,
    char name[CPNPC_SERVER_LEN])
{
	cpnpc_intent intent;

	if (session->servers_n == 0 ||
	    cpnpc_intent_parse(job->record.row.note, &intent) != 0 ||
	    !is_server_of_domain(session, intent.server) ||
	    strcmp(intent.server, cpnpc_server_name(session)) == 0)
		return false;
	memcpy(name, intent.server, CPNPC_SERVER_LEN);
	return true;
}

/* Begin with the server that has the first of the orders; no other has it.
 * When the domain does not name it any more, another has taken over. */
static void
choose_first(cpnpc_session *session)
{
	cpnpc_intent intent;
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		const cpnp_store_row *row = &session->jobs[i].record.row;

		if (session->jobs[i].is_new || row->settled ||
		    cpnpc_intent_parse(row->note, &intent) != 0 ||
		    !is_server_of_domain(session, intent.server))
			continue;
		memcpy(session->only, intent.server, CPNPC_SERVER_LEN);
		break;
	}
	while (!is_candidate(session, session->server_i))
		session->server_i++;
	session->untried = count_candidates(session) - 1;
}

static cpnpc_exit
find(cpnpc_session *session)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnpc_lookup lookup = {
	    .domain = conf->domain,
	    .service = conf->udp ? "_cpnp" : "_cpnps",
	    .port = conf->udp ? CPNP_PORT : CPNP_PORT_DTLS,
	    .resolver = conf->resolver,
	    .time_max = CPNPC_LOOKUP_TIME,
	    .stop = &session->stop,
	};
	cpnp_diag diag = {0};
	int err = CPNP_ERR_NOMEM;

	session->servers = calloc(CPNPC_SERVERS_MAX, sizeof(cpnpc_server));
	if (session->servers != NULL)
		err =
		    cpnpc_lookup_run(session->base, &lookup, cpnp_env_openssl(),
			session->servers, &session->servers_n, &diag);
	if (err == 0)
		return CPNPC_DONE;
	session->servers_n = 0;
	return session->stop ? CPNPC_PENDING
			     : cpnpc_fail_diag(session->run, CPNPC_LOCAL,
				   conf->domain, err, &diag);
}

cpnpc_exit
cpnpc_server_open(cpnpc_session *session)
{
	cpnp_diag diag = {0};
	cpnpc_exit code;
	int err;

	if (session->run->conf.domain != NULL) {
		code = find(session);
		if (code != CPNPC_DONE)
			return code;
		choose_first(session);
	}
	err = connect_to(session, &diag);
	if (err == 0 || turn(session))
		return CPNPC_DONE;
	return cpnpc_fail_diag(
	    session->run, CPNPC_LOCAL, cpnpc_server_name(session), err, &diag);
}

/* ---- turning to another ------------------------------------------------ */

void
cpnpc_server_failed(cpnpc_session *session)
{
	session->failed = true;
	/* not here, where the network may be in the middle of something */
	event_active(session->tick, EV_READ, 0);
}

/* Without a session nothing has been sent. */
static void
turn_dtls(cpnpc_session *session, cpnp_now now)
{
	bool again = now.mono >= session->connected + ROUND_INTERVAL;

	if (session->working || !session->failed)
		return;
	if (session->untried == 0 && !again)
		return;
	if (session->untried == 0)
		session->untried = count_candidates(session);
	session->failed = false;
	session->connected = now.mono;
	if (session->servers_n == 0 || turn(session))
		(void)cpnp_net_reconnect(session->net, session->peer, now);
	else
		session->failed = true;
}

/* Where the order went is durable before it goes there. */
static void
move_orders(cpnpc_session *session, cpnp_now now)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->done || job->order == NULL)
			continue;
		if (job->is_new) {
			cpnpc_server_note(session, job);
			cpnpc_effects_note(session, job);
		}
		(void)cpnp_order_set_peer(
		    session->orders, job->order, session->peer, true, now);
	}
	cpnpc_effects_run(session, now);
}

/* The request has been sent, and neither it nor its repetitions have been
 * answered, or the system says that nobody listens. */
static void
turn_udp(cpnpc_session *session, cpnp_now now)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnp_tstamp patience = conf->retransmit * (conf->retries + 1);

	if (session->heard || session->untried == 0 || session->stop ||
	    (!session->failed && now.mono < session->connected + patience))
		return;
	if (turn(session))
		move_orders(session, now);
}

void
cpnpc_server_tick(cpnpc_session *session, cpnp_now now)
{
	if (session->peer == CPNP_PEER_NONE && session->servers_n == 0)
		return;
	if (session->run->conf.udp)
		turn_udp(session, now);
	else
		turn_dtls(session, now);
}
