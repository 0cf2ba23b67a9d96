/*
 * Asking the DNS with c-ares, on libevent: the SRV records of a domain, and
 * then the addresses of their targets, all at once.
 *
 * Nothing is validated (DNSSEC), so nothing that is learned here may stand for
 * the name that the user gave: the certificate must carry the domain (RFC
 * 6125, 6.2.1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ares.h>
#include <event2/event.h>

#include "srv.h"

/* To one resolver, the first time; c-ares doubles it. */
#define QUERY_TIMEOUT_MS 1500
#define QUERY_TRIES 2

struct resolution;

/* A socket of c-ares. */
struct watch {
	struct resolution *all;
	ares_socket_t fd;
	struct event *event;
	struct watch *next;
};

/* One target, while its addresses are looked for. */
struct target {
	struct resolution *all;
	char name[CPNPC_NAME_LEN];
	uint16_t port;
	cpnpc_server servers[CPNPC_ADDRESSES_MAX];
	size_t servers_n;
};

struct resolution {
	const cpnpc_lookup *lookup;
	const cpnp_env *env;
	char question[CPNPC_NAME_LEN];
	ares_channel channel;
	struct event_base *base;
	struct event *timer;    /* of c-ares */
	struct event *deadline; /* ours */
	struct watch *watches;
	unsigned pending;
	bool late;
	int err;
	cpnp_diag *diag;
	int status; /* the last that a target failed with */
	struct target targets[CPNPC_TARGETS_MAX];
	size_t targets_n;
};

static int fail(struct resolution *r, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first failure is the one that counts. */
static int
fail(struct resolution *r, int err, const char *format, ...)
{
	va_list ap;

	if (r->err != 0)
		return r->err;
	r->err = err;
	snprintf(r->diag->where, sizeof(r->diag->where), "%.95s", r->question);
	va_start(ap, format);
	vsnprintf(r->diag->why, sizeof(r->diag->why), format, ap);
	va_end(ap);
	return err;
}

/* ---- addresses --------------------------------------------------------- */

static bool
format_address(const struct sockaddr *from, uint16_t port, char out[56])
{
	char ip[INET6_ADDRSTRLEN];
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	if (from->sa_family == AF_INET) {
		memcpy(&sin, from, sizeof(sin));
		inet_ntop(AF_INET, &sin.sin_addr, ip, sizeof(ip));
		snprintf(out, 56, "%s:%u", ip, port);
		return true;
	}
	if (from->sa_family != AF_INET6)
		return false;
	memcpy(&sin6, from, sizeof(sin6));
	inet_ntop(AF_INET6, &sin6.sin6_addr, ip, sizeof(ip));
	snprintf(out, 56, "[%s]:%u", ip, port);
	return true;
}

static void
on_addresses(void *user, int status, int timeouts, struct ares_addrinfo *result)
{
	struct target *target = user;
	const struct ares_addrinfo_node *node;
	cpnpc_server *server;

	(void)timeouts;
	target->all->pending--;
	if (status != ARES_SUCCESS) {
		target->all->status = status;
		return;
	}
	for (node = result->nodes; node != NULL; node = node->ai_next) {
		if (target->servers_n == CPNPC_ADDRESSES_MAX)
			break;
		server = &target->servers[target->servers_n];
		if (!format_address(
			node->ai_addr, target->port, server->address))
			continue;
		snprintf(server->name, sizeof(server->name), "%s:%u",
		    target->name, target->port);
		target->servers_n++;
	}
	ares_freeaddrinfo(result);
}

/* The addresses come sorted as RFC 6724 says. */
static void
ask_addresses(struct resolution *r, const char *name, uint16_t port)
{
	static const struct ares_addrinfo_hints hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct target *target = &r->targets[r->targets_n++];

	target->all = r;
	target->port = port;
	snprintf(target->name, sizeof(target->name), "%s", name);
	r->pending++;
	ares_getaddrinfo(
	    r->channel, target->name, NULL, &hints, on_addresses, target);
}

/* ---- SRV records ------------------------------------------------------- */

/* Those that can be used: a target that is the name of a host, and a port. */
static size_t
take_records(const struct ares_srv_reply *reply, cpnpc_srv *records)
{
	const struct ares_srv_reply *from;
	size_t n = 0;

	for (from = reply; from != NULL && n < CPNPC_SRV_MAX;
	     from = from->next) {
		if (from->port == 0 ||
		    !cpnpc_name_parse(from->host, records[n].target))
			continue;
		records[n].priority = from->priority;
		records[n].weight = from->weight;
		records[n].port = from->port;
		n++;
	}
	return n;
}

static bool
is_root(const char *target)
{
	return target[0] == '\0' || strcmp(target, ".") == 0;
}

static void
use_records(struct resolution *r, const struct ares_srv_reply *reply)
{
	cpnpc_srv records[CPNPC_SRV_MAX];
	size_t i, n = take_records(reply, records);

	if (n == 0 && reply->next == NULL && is_root(reply->host)) {
		fail(r, CPNP_ERR_UNAVAILABLE,
		    "the domain says that it has no such service (the target "
		    "of its SRV record is \".\")");
		return;
	}
	if (n == 0) {
		fail(r, CPNP_ERR_IO,
		    "no SRV record has the name of a host and a port");
		return;
	}
	if (cpnpc_srv_sort(records, n, r->env) != 0) {
		fail(r, CPNP_ERR_RANDOM, "there are no random numbers");
		return;
	}
	for (i = 0; i < n && i < CPNPC_TARGETS_MAX; i++)
		ask_addresses(r, records[i].target, records[i].port);
}

static void
on_records(void *user, int status, int timeouts, unsigned char *answer, int len)
{
	struct resolution *r = user;
	struct ares_srv_reply *reply = NULL;

	(void)timeouts;
	r->pending--;
	if (status == ARES_SUCCESS)
		status = ares_parse_srv_reply(answer, len, &reply);
	if (status == ARES_SUCCESS && reply != NULL)
		use_records(r, reply);
	else if (status == ARES_ENODATA || status == ARES_ENOTFOUND)
		/* RFC 2782: then the domain is the only server. */
		ask_addresses(r, r->lookup->domain, r->lookup->port);
	else if (status != ARES_ECANCELLED)
		fail(r, CPNP_ERR_IO, "%s", ares_strerror(status));
	if (reply != NULL)
		ares_free_data(reply);
}

/* ---- the loop ---------------------------------------------------------- */

static void
on_socket(evutil_socket_t fd, short what, void *user)
{
	struct watch *watch = user;

	ares_process_fd(watch->all->channel,
	    (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
}

/* c-ares says for which sockets it waits, and for what. */
static void
on_socket_state(void *user, ares_socket_t fd, int readable, int writable)
{
	struct resolution *r = user;
	struct watch **at = &r->watches, *watch;
	short what = (short)((readable ? EV_READ : 0) |
			     (writable ? EV_WRITE : 0) | EV_PERSIST);

	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	watch = *at;
	if (watch != NULL) {
		event_free(watch->event);
		*at = watch->next;
		free(watch);
	}
	if (!readable && !writable)
		return;
	watch = calloc(1, sizeof(*watch));
	if (watch != NULL) {
		watch->all = r;
		watch->fd = fd;
		watch->event = event_new(r->base, fd, what, on_socket, watch);
	}
	if (watch == NULL || watch->event == NULL ||
	    event_add(watch->event, NULL) != 0) {
		fail(r, CPNP_ERR_NOMEM, "out of memory");
		if (watch != NULL && watch->event != NULL)
			event_free(watch->event);
		free(watch);
		return;
	}
	watch->next = r->watches;
	r->watches = watch;
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	struct resolution *r = user;

	(void)fd;
	(void)what;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
	struct resolution *r = user;

	(void)fd;
	(void)what;
	r->late = true;
}

static bool
is_stopped(const struct resolution *r)
{
	return r->lookup->stop != NULL && *r->lookup->stop;
}

/* Run the loop until every answer is there, or nothing more is to come. */
static void
await(struct resolution *r)
{
	struct timeval delay;

	while (r->pending > 0 && r->err == 0 && !r->late && !is_stopped(r)) {
		if (ares_timeout(r->channel, NULL, &delay) != NULL)
			(void)event_add(r->timer, &delay);
		if (event_base_loop(r->base, EVLOOP_ONCE) != 0)
			break;
	}
	ares_cancel(r->channel);
}

/* ---- beginning and end ------------------------------------------------- */

static int
open_channel(struct resolution *r)
{
	const cpnpc_lookup *lookup = r->lookup;
	struct ares_options options = {
	    .flags = ARES_FLAG_NOSEARCH,
	    .timeout = QUERY_TIMEOUT_MS,
	    .tries = QUERY_TRIES,
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = r,
	    .lookups = (char[]){"b"}, /* without hosts(5) */
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_SOCK_STATE_CB;
	int status;

	if (lookup->resolver != NULL)
		mask |= ARES_OPT_LOOKUPS;
	status = ares_init_options(&r->channel, &options, mask);
	if (status != ARES_SUCCESS) {
		r->channel = NULL;
		return fail(r, CPNP_ERR_IO, "the resolver does not start: %s",
		    ares_strerror(status));
	}
	if (lookup->resolver != NULL &&
	    (!cpnpc_resolver_is_valid(lookup->resolver) ||
		ares_set_servers_ports_csv(r->channel, lookup->resolver) !=
		    ARES_SUCCESS))
		return fail(r, CPNP_ERR_CONFIG,
		    "\"%s\" is no resolver; expected ADDRESS or ADDRESS:PORT",
		    lookup->resolver);
	return 0;
}

static int
open_events(struct resolution *r)
{
	cpnp_tstamp max = r->lookup->time_max;
	struct timeval delay = {(time_t)(max / CPNP_SECONDS(1)),
	    (suseconds_t)(max % CPNP_SECONDS(1) / 1000)};

	r->timer = evtimer_new(r->base, on_timer, r);
	r->deadline = evtimer_new(r->base, on_deadline, r);
	if (r->timer == NULL || r->deadline == NULL ||
	    event_add(r->deadline, &delay) != 0)
		return fail(r, CPNP_ERR_NOMEM, "out of memory");
	return 0;
}

static void
close_all(struct resolution *r)
{
	struct watch *watch;

	if (r->channel != NULL)
		ares_destroy(r->channel);
	while ((watch = r->watches) != NULL) {
		r->watches = watch->next;
		event_free(watch->event);
		free(watch);
	}
	if (r->timer != NULL)
		event_free(r->timer);
	if (r->deadline != NULL)
		event_free(r->deadline);
}

static int
collect(struct resolution *r, cpnpc_server *servers, size_t *n)
{
	size_t i, k;

	for (i = 0; i < r->targets_n; i++)
		for (k = 0; k < r->targets[i].servers_n; k++)
			servers[(*n)++] = r->targets[i].servers[k];
	if (*n > 0 || r->err != 0)
		return r->err;
	if (is_stopped(r))
		return fail(r, CPNP_ERR_STATE, "interrupted");
	if (r->late)
		return fail(r, CPNP_ERR_IO,
		    "no answer from the DNS within "
		    "%u s",
		    (unsigned)(r->lookup->time_max / CPNP_SECONDS(1)));
	if (r->status != ARES_ENOTFOUND && r->status != ARES_ENODATA)
		return fail(r, CPNP_ERR_IO,
		    "the servers of the domain have no address: %s",
		    ares_strerror(r->status));
	return fail(r, CPNP_ERR_NOT_FOUND,
	    "no server: there is no SRV record that leads to an address, and "
	    "the domain has none");
}

int
cpnpc_lookup_run(struct event_base *base, const cpnpc_lookup *lookup,
    const cpnp_env *env, cpnpc_server servers[CPNPC_SERVERS_MAX], size_t *n,
    cpnp_diag *diag)
{
	struct resolution *r = calloc(1, sizeof(*r));
	cpnp_diag unused;
	int err;

	*n = 0;
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	r->lookup = lookup;
	r->env = env;
	r->base = base;
	r->diag = diag != NULL ? diag : &unused;
	r->status = ARES_ENOTFOUND;
	snprintf(r->question, sizeof(r->question), "%s._udp.%s",
	    lookup->service, lookup->domain);
	err = open_channel(r);
	if (err == 0)
		err = open_events(r);
	if (err == 0) {
		r->pending++;
		ares_query(
		    r->channel, r->question, ns_c_in, ns_t_srv, on_records, r);
		await(r);
		err = collect(r, servers, n);
	}
	close_all(r);
	free(r);
	return err;
}
