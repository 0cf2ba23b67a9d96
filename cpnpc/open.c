/*
 * Opening and closing a session: configuration, keys, store, network; and the
 * runs that are about one order.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

static cpnpc_exit
check_conf(cpnpc *run)
{
	const cpnpc_conf *conf = &run->conf;

	if (conf->domain != NULL &&
	    (conf->server_name != NULL || conf->server_domain != NULL))
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: it goes with server; with domain the certificate "
		    "must carry the domain itself",
		    conf->server_name != NULL ? "server-name"
					      : "server-domain");
	if (conf->edition == CPNP_EDITION_DRAFT02 &&
	    (conf->customer_name != NULL || conf->customer_email != NULL ||
		conf->customer_address != NULL ||
		conf->customer_telephone != NULL) &&
	    (conf->customer_name == NULL || conf->customer_email == NULL))
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: %s is missing; draft-02 demands it in a Customer "
		    "Description",
		    conf->file != NULL ? conf->file : "cpnpc.conf",
		    conf->customer_name == NULL ? "customer-name"
						: "customer-email");
	if (conf->udp)
		return CPNPC_DONE;
	if (conf->certificate == NULL || conf->key == NULL || conf->ca == NULL)
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "no %s is configured; DTLS needs certificate, key and ca "
		    "in %s",
		    conf->certificate == NULL ? "certificate"
		    : conf->key == NULL       ? "key"
					      : "ca",
		    conf->file != NULL ? conf->file : "cpnpc.conf(5)");
	return CPNPC_DONE;
}

static cpnpc_exit
load_keys(cpnpc_session *session)
{
	cpnpc *run = session->run;
	const cpnpc_conf *conf = &run->conf;
	cpnp_diag diag = {0};
	int err = 0;

	if (conf->certificate != NULL || conf->ledger_key != NULL)
		err = cpnp_signer_load(&session->signer, conf->key,
		    conf->certificate, conf->ledger_key, &diag);
	if (err == 0 && conf->ca != NULL) {
		err = cpnp_trust_new(&session->trust);
		if (err == 0)
			err = cpnp_trust_add_ca_file(
			    session->trust, conf->ca, &diag);
	}
	return err == 0 ? CPNPC_DONE
			: cpnpc_fail_diag(
			      run, CPNPC_LOCAL, "certificates", err, &diag);
}

/* Our own name, as the provider has it: of the certificate; with plain UDP as
 * the configuration says. */
static const char *
own_identity(const cpnpc_session *session)
{
	const cpnpc_conf *conf = &session->run->conf;

	if (conf->udp && conf->identity != NULL)
		return conf->identity;
	return session->signer != NULL ? cpnp_signer_identity(session->signer)
				       : "";
}

static cpnpc_exit
check_identity(const cpnpc_session *session)
{
	const cpnpc_conf *conf = &session->run->conf;
	const char *name = own_identity(session);

	if (name[0] == '\0')
		return cpnpc_fail(session->run, CPNPC_LOCAL,
		    conf->udp
			? "no identity is configured; plain UDP needs it, our "
			  "name as the provider knows it"
			: "the certificate has no name in its subjectAltName; "
			  "expected a dNSName, rfc822Name or URI");
	return CPNPC_DONE;
}

/* Whoever reads that file reads the sessions; so it is said each time. */
static int
open_key_log(cpnpc_session *session, cpnp_diag *diag)
{
	const char *path = getenv("SSLKEYLOGFILE");
	int err;

	if (!session->run->conf.key_log)
		return 0;
	if (path != NULL && *path == '\0')
		path = NULL;
	err = cpnp_net_set_key_log(session->net, path, diag);
	if (err == 0 && path != NULL)
		fprintf(stderr, "cpnpc: warning: KEY LOG: the secrets of this "
		    "session are written to %s\n", path);
	return err;
}

static cpnpc_exit
open_net(cpnpc_session *session)
{
	cpnpc *run = session->run;
	const cpnpc_conf *conf = &run->conf;
	cpnp_net_config config = {
	    .callbacks = {.user = session,
		.message = cpnpc_on_message,
		.event = cpnpc_on_net_event},
	    .limits = {.mtu = (uint16_t)conf->mtu,
		.handshake_ns_max =
		    conf->domain != NULL || conf->servers_n > 1
			? CPNPC_SERVER_TIME
			: 0},
	};
	cpnp_net_tls tls = {conf->certificate, conf->key, conf->ca, conf->crl};
	cpnp_diag diag = {0};
	int err;

	err = cpnp_net_new(&session->net, session->base, &config);
	if (err == 0 && !conf->udp) {
		err = open_key_log(session, &diag);
		if (err != 0)
			return cpnpc_fail_diag(
			    run, CPNPC_LOCAL, "key-log", err, &diag);
	}
	if (err == 0 && !conf->udp)
		err = cpnp_net_reload_tls(
		    session->net, CPNP_NET_CLIENT, &tls, &diag);
	return err == 0 ? CPNPC_DONE
			: cpnpc_fail_diag(
			      run, CPNPC_LOCAL, "certificates", err, &diag);
}

static cpnpc_exit
open_orders(cpnpc_session *session)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnp_orders_config config;
	int err;

	cpnp_orders_config_default(&config);
	config.identity = cpnp_bytes_str(own_identity(session));
	config.retrans_timer = conf->retransmit;
	config.retries_max = (unsigned)conf->retries;
	config.repeat_min = conf->repeat_min;
	config.repeat_max = conf->repeat_max;
	config.sign = session->signer != NULL;
	err = cpnp_orders_new(&session->orders, &config, cpnp_env_openssl());
	if (err == 0)
		err = cpnp_parts_new(&session->parts, cpnp_env_openssl());
	return err == 0 ? CPNPC_DONE
			: cpnpc_fail(session->run, CPNPC_LOCAL, "%s",
			      cpnp_strerror(err));
}

cpnpc_exit
cpnpc_server_check(cpnpc *run)
{
	const cpnpc_conf *conf = &run->conf;

	if (conf->server == NULL && conf->domain == NULL)
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "no server is configured; expected --server HOST or "
		    "--domain NAME, or server or domain in %s",
		    conf->file != NULL ? conf->file : "cpnpc.conf(5)");
	if (conf->servers_n > 1)
		return cpnpc_fail(run, CPNPC_USAGE,
		    "--server: it is given %zu times; expected once, or "
		    "\"cpnpc order --choose RULE\"",
		    conf->servers_n);
	return CPNPC_DONE;
}

cpnpc_exit
cpnpc_session_open(cpnpc_session *session, cpnpc *run)
{
	const char *origin;
	cpnpc_exit code;

	*session =
	    (cpnpc_session){.run = run, .tty = -1, .began = cpnp_now_read()};
	session->may_ask = cpnpc_ask_possible() && !run->conf.json;
	code = check_conf(run);
	if (code == CPNPC_DONE && run->conf.accept == CPNPC_ACCEPT_ASK &&
	    run->conf.accept_given && !session->may_ask)
		code = cpnpc_fail(run, CPNPC_USAGE,
		    "--accept ask needs a terminal, and no --json");
	if (code == CPNPC_DONE)
		code = load_keys(session);
	if (code == CPNPC_DONE)
		code = check_identity(session);
	origin = session->signer == NULL ||
			 cpnp_signer_identity(session->signer)[0] == '\0'
		     ? own_identity(session)
		     : NULL;
	if (code == CPNPC_DONE)
		code = cpnpc_store_open(
		    run, false, true, session->signer, origin, &session->store);
	if (code == CPNPC_DONE && !cpnpc_session_events(session))
		code = cpnpc_fail(run, CPNPC_LOCAL, "no event loop");
	if (code == CPNPC_DONE)
		code = open_orders(session);
	if (code == CPNPC_DONE)
		cpnpc_services_catch_up(session, session->began);
	if (code == CPNPC_DONE)
		code = open_net(session);
	if (code != CPNPC_DONE)
		cpnpc_session_close(session);
	return code;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
cpnpc_session_close(cpnpc_session *session)
{
	size_t i;

	cpnpc_status_clear(session);
	cpnp_net_del(session->net);
	cpnp_parts_del(session->parts);
	cpnp_orders_del(session->orders);
	cpnp_store_batch_del(session->batch);
	cpnp_store_close(session->store);
	free_event(session->timer);
	free_event(session->tick);
	free_event(session->interrupt);
	free_event(session->terminate);
	free_event(session->answer);
	if (session->tty >= 0)
		close(session->tty);
	if (session->base != NULL)
		event_base_free(session->base);
	cpnp_trust_del(session->trust);
	cpnp_signer_del(session->signer);
	cpnpc_purse_close(session);
	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_record_fini(&session->jobs[i].record);
		json_decref(session->jobs[i].json);
		free(session->jobs[i].service);
		free(session->jobs[i].fail);
	}
	free(session->jobs);
	for (i = 0; i < session->sets_n; i++)
		free(session->sets[i]);
	free(session->sets);
	for (i = 0; i < session->links_n; i++) {
		free(session->links[i]->servers);
		free(session->links[i]);
	}
	free(session->links);
	*session = (cpnpc_session){0};
}

/* The same server as that of another order, or one more. */
static cpnpc_link *
find_link(cpnpc_session *session, const char *address)
{
	size_t i;

	for (i = 0; i < session->links_n; i++)
		if (strcmp(session->links[i]->address, address) == 0)
			return session->links[i];
	return NULL;
}

cpnpc_link *
cpnpc_session_link(cpnpc_session *session, const char *address)
{
	const cpnpc_conf *conf = &session->run->conf;
	const char *domain = address == NULL ? conf->domain : NULL;
	cpnpc_link *link, **links;

	if (address == NULL && cpnpc_server_check(session->run) != CPNPC_DONE)
		return NULL;
	if (address == NULL)
		address = domain != NULL ? "" : conf->server;
	link = find_link(session, address);
	if (link != NULL)
		return link;
	link = calloc(1, sizeof(*link));
	links = realloc(
	    session->links, (session->links_n + 1) * sizeof(cpnpc_link *));
	if (links != NULL)
		session->links = links;
	if (link == NULL || links == NULL) {
		free(link);
		(void)cpnpc_fail(session->run, CPNPC_LOCAL, "out of memory");
		return NULL;
	}
	link->session = session;
	snprintf(link->address, sizeof(link->address), "%s", address);
	link->domain = domain;
	link->connected = session->began.mono;
	links[session->links_n++] = link;
	return link;
}

static cpnpc_job *
add_job(cpnpc_session *session, cpnpc_goal goal, cpnpc_link *link)
{
	cpnpc_job *jobs;

	if (link == NULL)
		return NULL;
	jobs = realloc(session->jobs, (session->jobs_n + 1) * sizeof(*jobs));
	if (jobs == NULL) {
		(void)cpnpc_fail(session->run, CPNPC_LOCAL, "out of memory");
		return NULL;
	}
	session->jobs = jobs;
	jobs[session->jobs_n] = (cpnpc_job){.goal = goal, .link = link};
	return &jobs[session->jobs_n++];
}

cpnpc_exit
cpnpc_session_add_new(cpnpc_session *session, cpnpc_goal goal,
    cpnpc_link *link, uint8_t *service, size_t len)
{
	cpnpc_job *job = add_job(session, goal, link);

	if (job == NULL)
		return CPNPC_LOCAL;
	job->is_new = true;
	job->service = service;
	job->service_len = len;
	return CPNPC_DONE;
}

/* One of a set is where its note says, whatever is configured. */
static cpnpc_link *
link_of_record(cpnpc_session *session, const cpnpc_record *record)
{
	cpnpc_intent intent;

	if (cpnpc_intent_parse(record->row.note, &intent) != 0 ||
	    intent.set.id[0] == '\0')
		return cpnpc_session_link(session, NULL);
	return cpnpc_session_link(session, intent.server);
}

cpnpc_exit
cpnpc_session_add(cpnpc_session *session, cpnpc_goal goal, cpnpc_record *record)
{
	cpnpc_link *link = link_of_record(session, record);
	cpnpc_job *job = add_job(session, goal, link);

	if (job == NULL)
		return CPNPC_LOCAL;
	job->record = *record;
	*record = (cpnpc_record){0};
	snprintf(job->id, sizeof(job->id), "%.*s",
	    (int)job->record.row.customer_order_id.len,
	    (const char *)job->record.row.customer_order_id.ptr);
	return CPNPC_DONE;
}

cpnpc_exit
cpnpc_session_place(cpnpc *run, cpnpc_goal goal)
{
	cpnpc_session session;
	cpnpc_exit code = CPNPC_LOCAL;
	uint8_t *service;
	size_t len;

	service = cpnpc_read_document(run, run->operands[0], &len, &code);
	if (service == NULL)
		return code;
	code = cpnpc_server_check(run);
	if (code == CPNPC_DONE)
		code = cpnpc_session_open(&session, run);
	if (code != CPNPC_DONE) {
		free(service);
		return code;
	}
	code = cpnpc_session_add_new(&session, goal,
	    cpnpc_session_link(&session, NULL), service, len);
	if (code == CPNPC_DONE)
		code = cpnpc_session_run(&session);
	else
		free(service);
	cpnpc_session_close(&session);
	return code;
}

/* What changes the agreement of a set is for the one of it that is agreed. */
static cpnpc_exit
add_agreed(cpnpc_session *session, cpnpc_goal goal, cpnpc_records *records)
{
	size_t i;

	for (i = 0; i < records->n; i++)
		if (cpnpc_stands(records->items[i].row.agreement_state))
			return cpnpc_session_add(
			    session, goal, &records->items[i]);
	return cpnpc_fail(session->run, CPNPC_LOCAL,
	    "%s: none of this set of orders is agreed",
	    session->run->operands[0]);
}

/* All orders of a set, or the one that is named. */
static cpnpc_exit
add_named(cpnpc_session *session, cpnpc_goal goal)
{
	const char *id = session->run->operands[0];
	cpnpc_records records = {0};
	cpnpc_record record = {0};
	cpnpc_exit code = CPNPC_DONE;
	bool is_set;
	size_t i;

	(void)cpnpc_set_read(&records, session->store, id);
	is_set = records.n > 0 || records.doubtful != 0;
	code = cpnpc_set_check(session->run, &records, id);
	if (code != CPNPC_DONE)
		session->many = false;
	else if (is_set && cpnpc_goal_is_change(goal) &&
	    goal != CPNPC_GOAL_WITHDRAW)
		code = add_agreed(session, goal, &records);
	else
		session->many = is_set;
	for (i = 0; session->many && i < records.n && code == CPNPC_DONE; i++)
		code = cpnpc_session_add(session, goal, &records.items[i]);
	cpnpc_records_fini(&records);
	if (is_set)
		return code;
	code = cpnpc_records_find(session->run, session->store, id, &record);
	if (code == CPNPC_DONE)
		code = cpnpc_session_add(session, goal, &record);
	cpnpc_record_fini(&record);
	return code;
}

cpnpc_exit
cpnpc_session_command(cpnpc *run, cpnpc_goal goal)
{
	cpnpc_session session;
	cpnpc_exit code = CPNPC_DONE;
	uint8_t *service = NULL;
	size_t len = 0;

	if (goal == CPNPC_GOAL_UPDATE) {
		service =
		    cpnpc_read_document(run, run->operands[1], &len, &code);
		if (service == NULL)
			return code;
	}
	code = cpnpc_session_open(&session, run);
	if (code != CPNPC_DONE) {
		free(service);
		return code;
	}
	if (goal == CPNPC_GOAL_ACCEPT)
		code = cpnpc_set_accept(&session, run->operands[0]);
	else
		code = add_named(&session, goal);
	if (code == CPNPC_DONE && service != NULL) {
		session.jobs[0].service = service;
		session.jobs[0].service_len = len;
		service = NULL;
	}
	free(service);
	if (code == CPNPC_DONE)
		code = cpnpc_session_run(&session);
	cpnpc_session_close(&session);
	return code;
}
