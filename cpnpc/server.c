/*
 * Which server a link is with: the one that is named, or one of those that the
 * SRV records of a domain name, in their order (C12).
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
cpnpc_server_name(const cpnpc_link *link)
{
	if (link->servers_n > 0)
		return link->servers[link->server_i].name;
	return link->domain != NULL ? link->domain : link->address;
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
udp_identity(cpnpc_link *link)
{
	const cpnpc_conf *conf = &link->session->run->conf;
	const char *name = link->address, *end;
	size_t len;

	if (conf->server_identity != NULL || link->domain != NULL) {
		name = conf->server_identity != NULL ? conf->server_identity
						     : link->domain;
		len = strlen(name);
	} else if (name[0] == '[') {
		len = strcspn(++name, "]");
	} else {
		end = strrchr(name, ':');
		len = end != NULL ? (size_t)(end - name) : strlen(name);
	}
	snprintf(link->peer_identity, sizeof(link->peer_identity), "%.*s",
	    (int)len, name);
}

/*
 * The certificate must carry the domain that the user gave, as DNS-ID or as
 * SRV-ID.  The target of an SRV record comes from a DNS that nobody has
 * validated, and counts for nothing (RFC 6125, 6.2.1).
 */
static int
connect_to(cpnpc_link *link, cpnp_diag *diag)
{
	const cpnpc_conf *conf = &link->session->run->conf;
	bool found = link->servers_n > 0;
	char source[CPNP_NET_ADDRESS_MAX];
	cpnp_net_target target = {
	    .transport = conf->udp ? CPNP_TRANSPORT_UDP : CPNP_TRANSPORT_DTLS,
	    .address = found ? link->servers[link->server_i].address
			     : link->address,
	    .name = found ? link->domain : conf->server_name,
	    .service = found ? link->domain : conf->server_domain,
	};

	make_source(conf, target.address, source);
	if (source[0] != '\0')
		target.source = source;
	if (conf->udp) {
		udp_identity(link);
		target.identity = link->peer_identity;
	}
	if (link->peer != CPNP_PEER_NONE) {
		(void)cpnp_net_disconnect(link->session->net, link->peer);
		cpnp_parts_forget(link->session->parts, link->peer);
	}
	link->peer = CPNP_PEER_NONE;
	link->failed = false;
	link->connected = cpnp_now_read().mono;
	return cpnp_net_connect(link->session->net, &target, &link->peer, diag);
}

/* ---- the servers of a domain ------------------------------------------- */

static bool
is_candidate(const cpnpc_link *link, size_t i)
{
	return link->only[0] == '\0' ||
	       strcmp(link->servers[i].name, link->only) == 0;
}

static size_t
count_candidates(const cpnpc_link *link)
{
	size_t i, n = 0;

	for (i = 0; i < link->servers_n; i++)
		n += is_candidate(link, i);
	return n;
}

static void
step(cpnpc_link *link)
{
	do {
		link->server_i =
		    (link->server_i + 1) % link->servers_n;
	} while (!is_candidate(link, link->server_i));
	link->untried--;
}

/* The next server that can be connected to; false when none is left. */
static bool
turn(cpnpc_link *link)
{
	cpnp_diag diag = {0};
	size_t before;

	while (link->untried > 0) {
		before = link->server_i;
		step(link);
		if (link->server_i != before)
			cpnpc_status_say(link->session, "trying %s at %s",
			    link->servers[link->server_i].name,
			    link->servers[link->server_i].address);
		if (connect_to(link, &diag) == 0)
			return true;
		cpnpc_status_say(link->session, "%s: %s", diag.where, diag.why);
	}
	return false;
}

static bool
is_server_of_domain(const cpnpc_link *link, const char *name)
{
	size_t i;

	for (i = 0; i < link->servers_n; i++)
		if (strcmp(link->servers[i].name, name) == 0)
			return true;
	return false;
}

void
cpnpc_server_note(const cpnpc_link *link, cpnpc_job *job)
{
	if (link->servers_n > 0 || job->intent.set.id[0] != '\0')
		snprintf(job->intent.server, sizeof(job->intent.server), "%s",
		    cpnpc_server_name(link));
}

bool
cpnpc_server_is_other(const cpnpc_link *link, const cpnpc_job *job,
    char name[CPNPC_SERVER_LEN])
{
	cpnpc_intent intent;

	if (link->servers_n == 0 ||
	    cpnpc_intent_parse(job->record.row.note, &intent) != 0 ||
	    !is_server_of_domain(link, intent.server) ||
	    strcmp(intent.server, cpnpc_server_name(link)) == 0)
		return false;
	memcpy(name, intent.server, CPNPC_SERVER_LEN);
	return true;
}

/* Begin with the server that has the first of the orders; no other has it.
 * When the domain does not name it any more, another has taken over. */
static void
choose_first(cpnpc_link *link)
{
	cpnpc_intent intent;
	size_t i;

	for (i = 0; i < link->session->jobs_n; i++) {
		const cpnpc_job *job = &link->session->jobs[i];
		const cpnp_store_row *row = &job->record.row;

		if (job->link != link || job->is_new || row->settled ||
		    cpnpc_intent_parse(row->note, &intent) != 0 ||
		    !is_server_of_domain(link, intent.server))
			continue;
		memcpy(link->only, intent.server, CPNPC_SERVER_LEN);
		break;
	}
	while (!is_candidate(link, link->server_i))
		link->server_i++;
	link->untried = count_candidates(link) - 1;
}

static cpnpc_exit
find(cpnpc_link *link)
{
	const cpnpc_conf *conf = &link->session->run->conf;
	cpnpc_lookup lookup = {
	    .domain = link->domain,
	    .service = conf->udp ? "_cpnp" : "_cpnps",
	    .port = conf->udp ? CPNP_PORT : CPNP_PORT_DTLS,
	    .resolver = conf->resolver,
	    .time_max = CPNPC_LOOKUP_TIME,
	    .stop = &link->session->stop,
	};
	cpnp_diag diag = {0};
	int err = CPNP_ERR_NOMEM;

	link->servers = calloc(CPNPC_SERVERS_MAX, sizeof(cpnpc_server));
	if (link->servers != NULL)
		err = cpnpc_lookup_run(link->session->base, &lookup,
		    cpnp_env_openssl(), link->servers, &link->servers_n,
		    &diag);
	if (err == 0)
		return CPNPC_DONE;
	link->servers_n = 0;
	if (link->session->stop)
		return CPNPC_PENDING;
	return cpnpc_fail_diag(link->session->run, CPNPC_LOCAL, link->domain,
	    err, &diag);
}

cpnpc_exit
cpnpc_server_open(cpnpc_link *link)
{
	cpnp_diag diag = {0};
	cpnpc_exit code;
	int err;

	if (link->domain != NULL) {
		code = find(link);
		if (code != CPNPC_DONE)
			return code;
		choose_first(link);
	}
	err = connect_to(link, &diag);
	if (err == 0 || turn(link))
		return CPNPC_DONE;
	if (link->session->links_n == 1)
		return cpnpc_fail_diag(link->session->run, CPNPC_LOCAL,
		    cpnpc_server_name(link), err, &diag);
	/* It counts as one that has no session; others may have one. */
	snprintf(link->net_problem, sizeof(link->net_problem), "%s", diag.why);
	cpnpc_status_say(link->session, "%s: %s", cpnpc_server_name(link),
	    link->net_problem);
	cpnpc_server_failed(link);
	return CPNPC_DONE;
}

/* ---- turning to another ------------------------------------------------ */

void
cpnpc_server_failed(cpnpc_link *link)
{
	link->failed = true;
	link->missed = true;
	/* not here, where the network may be in the middle of something */
	event_active(link->session->tick, EV_READ, 0);
}

/* Without a session nothing has been sent. */
static void
turn_dtls(cpnpc_link *link, cpnp_now now)
{
	bool again = now.mono >= link->connected + ROUND_INTERVAL;

	if (link->working || !link->failed)
		return;
	if (link->untried == 0 && !again)
		return;
	if (link->untried == 0)
		link->untried = count_candidates(link);
	link->failed = false;
	link->connected = now.mono;
	if (link->servers_n == 0 || turn(link))
		(void)cpnp_net_reconnect(link->session->net, link->peer, now);
	else
		link->failed = true;
}

/* Where the order went is durable before it goes there. */
static void
move_orders(cpnpc_link *link, cpnp_now now)
{
	size_t i;

	for (i = 0; i < link->session->jobs_n; i++) {
		cpnpc_job *job = &link->session->jobs[i];

		if (job->link != link || job->done || job->order == NULL)
			continue;
		if (job->is_new) {
			cpnpc_server_note(link, job);
			cpnpc_effects_note(link->session, job);
		}
		(void)cpnp_order_set_peer(
		    link->session->orders, job->order, link->peer, true, now);
	}
	cpnpc_effects_run(link->session, now);
}

/* The request has been sent, and neither it nor its repetitions have been
 * answered, or the system says that nobody listens. */
static void
turn_udp(cpnpc_link *link, cpnp_now now)
{
	const cpnpc_conf *conf = &link->session->run->conf;
	cpnp_tstamp patience = conf->retransmit * (conf->retries + 1);

	if (link->heard || link->untried == 0 || link->session->stop ||
	    (!link->failed && now.mono < link->connected + patience))
		return;
	if (turn(link))
		move_orders(link, now);
}

void
cpnpc_server_tick(cpnpc_link *link, cpnp_now now)
{
	if (link->peer == CPNP_PEER_NONE && link->servers_n == 0)
		return;
	if (link->session->run->conf.udp)
		turn_udp(link, now);
	else
		turn_dtls(link, now);
}
