/*
 * From a configuration to a daemon that can serve: certificates, keys,
 * catalogue; then addresses, another user, the store and its orders.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "approval.h"
#include "children.h"
#include "decider.h"
#include "ledger.h"
#include "neighbour.h"
#include "period.h"
#include "privileges.h"
#include "restore.h"

/* A start tells a person, a reload remembers the first mistake and logs. */
void
cpnpd_report(void *user, const char *line)
{
	struct daemon *d = user;

	if (d->told == NULL) {
		fprintf(stderr, "cpnpd: %s\n", line);
		return;
	}
	cpnpd_log(CPNP_LOG_ERROR, "reload: %s", line);
	if (d->told[0] == '\0')
		snprintf(d->told, CPNPD_TOLD_MAX, "%s", line);
}

int
cpnpd_blame(struct daemon *d, const char *option, const cpnp_conf_text *text,
    const cpnp_diag *diag)
{
	cpnp_conf_blame(d->conf, option, text, diag, cpnpd_report, d);
	return CPNP_ERR_CONFIG;
}

static int
complain(struct daemon *d, const char *what, int err, const cpnp_diag *diag)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s%s%s", what, diag->where,
	    diag->where[0] != '\0' ? ": " : "",
	    diag->why[0] != '\0' ? diag->why : cpnp_strerror(err));
	cpnpd_report(d, line);
	return err;
}

static void
on_batch_end(void *user, cpnp_now now)
{
	cpnpd_turn_end(user, now);
}

static void
on_net_event(void *user, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now)
{
	struct daemon *d = user;
	char address[CPNP_NET_ADDRESS_MAX] = "";
	cpnp_bytes identity = cpnp_net_peer_identity(d->net, peer);
	size_t neighbour = cpnpd_neighbour_of(d, peer);

	if (event == CPNP_NET_DOWN)
		cpnp_parts_forget(d->parts, peer);
	if (neighbour != SIZE_MAX) {
		cpnpd_neighbour_event(d, neighbour, event, diag, now);
		return;
	}
	(void)cpnp_net_peer_address(d->net, peer, address);
	switch (event) {
	case CPNP_NET_UP:
		cpnpd_log(CPNP_LOG_DEBUG, "peer %.*s %s: session established",
		    (int)identity.len, (const char *)identity.ptr, address);
		break;
	case CPNP_NET_DOWN:
		cpnpd_log(CPNP_LOG_DEBUG, "%s: session over: %s", diag->where,
		    diag->why);
		break;
	case CPNP_NET_FAILED:
		cpnpd_log(CPNP_LOG_WARNING, "%s: handshake failed: %s",
		    diag->where, diag->why);
		break;
	}
}

static cpnp_net_limits
net_limits(const struct daemon *d)
{
	const cpnp_conf_limits *l = &d->conf->limits;

	return (cpnp_net_limits){.sessions_max = (uint32_t)l->sessions_max,
		.handshakes_max = (uint32_t)l->handshakes_max,
		.addresses_max = (uint32_t)l->addresses_max,
		.handshake_ns_max = l->handshake,
		.idle_ns_max = l->idle,
		.mtu = (uint16_t)l->mtu,
		.fails_per_second = (uint32_t)l->fails_per_second,
		.fails_all = {(uint32_t)l->fails_all,
			2 * (uint32_t)l->fails_all},
		.handshake = {(uint32_t)l->handshake_rate,
			(uint32_t)l->handshake_burst},
		.prefix_len_v4 = (unsigned)l->prefix_len_v4,
		.prefix_len_v6 = (unsigned)l->prefix_len_v6};
}

static int
new_net(struct daemon *d)
{
	cpnp_net_config config = {
		.callbacks = {d, cpnpd_recv, on_batch_end, on_net_event},
		.limits = net_limits(d)};
	cpnp_diag diag = {0};
	int err;

	d->base = event_base_new();
	if (d->base == NULL)
		return complain(d, "event loop", CPNP_ERR_NOMEM, &diag);
	err = cpnp_net_new(&d->net, d->base, &config);
	if (err == 0)
		err = cpnp_parts_new(&d->parts, cpnp_env_openssl());
	return err == 0 ? 0 : complain(d, "network", err, &diag);
}

/* Whoever reads that file reads the sessions: it takes a build for it, a line
 * of the configuration and the environment.  check: only the first. */
static int
open_key_log(struct daemon *d, bool check)
{
	const char *path = check ? NULL : getenv("SSLKEYLOGFILE");
	const cpnp_conf_text at = {NULL, 0};
	cpnp_diag diag = {0};

	if (!d->conf->key_log)
		return 0;
	if (path != NULL && *path == '\0')
		path = NULL;
	if (cpnp_net_set_key_log(d->net, path, &diag) != 0)
		return cpnpd_blame(d, "key-log", &at, &diag);
	if (path != NULL)
		cpnpd_log(CPNP_LOG_WARNING, "KEY LOG: the secrets of all "
		    "sessions are written to %s; whoever reads that file "
		    "reads what customers send", path);
	else if (!check)
		cpnpd_log(CPNP_LOG_WARNING, "key-log is yes, and SSLKEYLOGFILE "
		    "names no file: nothing is written");
	return 0;
}

int
cpnpd_load_tls(struct daemon *d)
{
	const cpnp_conf *c = d->conf;
	cpnp_net_tls tls = {c->certificate.value, c->key.value, c->ca.value,
		c->crl.value};
	const cpnp_conf_text *texts[] = {
		&c->key, &c->ca, &c->crl, &c->certificate};
	const char *names[] = {"key", "ca", "crl", "certificate"};
	cpnp_diag diag = {0};
	size_t i = 3;

	if (c->ca.value == NULL || c->certificate.value == NULL ||
	    (cpnp_net_reload_tls(d->net, CPNP_NET_SERVER, &tls, &diag) == 0 &&
		(c->neighbours_n == 0 || cpnp_net_reload_tls(d->net,
		    CPNP_NET_CLIENT, &tls, &diag) == 0)))
		return 0;
	/* Whose file it is stands in the diagnosis. */
	for (i = 0; i < 3; i++)
		if (texts[i]->value != NULL &&
		    (strstr(diag.where, texts[i]->value) != NULL ||
			strstr(diag.why, texts[i]->value) != NULL))
			break;
	return cpnpd_blame(d, names[i], texts[i], &diag);
}

int
cpnpd_set_access(struct daemon *d)
{
	const cpnp_conf *c = d->conf;
	cpnp_net_access *list;
	cpnp_diag diag = {0};
	cpnp_conf_text at = {NULL, 0};
	size_t i;
	int err;

	if (c->access_n == 0)
		return 0;
	list = calloc(c->access_n, sizeof(*list));
	if (list == NULL)
		return complain(d, "access", CPNP_ERR_NOMEM, &diag);
	for (i = 0; i < c->access_n; i++)
		list[i] = (cpnp_net_access){c->access[i].prefix,
			c->access[i].identity.value, c->access[i].no_cookie,
			{(uint32_t)c->access[i].rate,
				(uint32_t)c->access[i].burst},
			(unsigned)c->access[i].prefix_len};
	err = cpnp_net_set_access(d->net, list, c->access_n, &diag);
	free(list);
	if (err == 0)
		return 0;
	for (i = 0; i < c->access_n; i++)
		if (strstr(diag.where, c->access[i].prefix) != NULL)
			at.line = c->access[i].line;
	return cpnpd_blame(d, "access", &at, &diag);
}

/* Statements are signed with the key of the certificate, or the ledger's. */
static int
load_signers(struct daemon *d)
{
	const cpnp_conf *c = d->conf;
	cpnp_diag diag = {0};
	int err;

	if (c->key.value == NULL && c->ledger_key.value == NULL)
		return 0;
	err = cpnp_signer_load(&d->signer, c->key.value, c->certificate.value,
	    c->ledger_key.value, &diag);
	if (err == 0)
		err = cpnp_signer_load(&d->journal_signer, c->key.value,
		    c->certificate.value, c->ledger_key.value, &diag);
	if (err == 0)
		return 0;
	return c->ledger_key.value != NULL &&
		(c->key.value == NULL ||
		    strstr(diag.where, c->ledger_key.value) != NULL)
	    ? cpnpd_blame(d, "ledger-key", &c->ledger_key, &diag)
	    : cpnpd_blame(d, "key", &c->key, &diag);
}

static int
load_trust(struct daemon *d)
{
	const cpnp_conf *c = d->conf;
	const cpnp_conf_customer *customer;
	cpnp_diag diag = {0};
	size_t i;
	int err = cpnp_trust_new(&d->trust);

	if (err != 0)
		return complain(d, "trust", err, &diag);
	if (c->ca.value != NULL &&
	    cpnp_trust_add_ca_file(d->trust, c->ca.value, &diag) != 0)
		return cpnpd_blame(d, "ca", &c->ca, &diag);
	for (i = 0; i < c->customers_n; i++) {
		customer = &c->customers[i];
		if (customer->statement_key.value != NULL &&
		    cpnp_trust_add_key_file(d->trust,
			customer->statement_key.value, customer->identity,
			&diag) != 0)
			return cpnpd_blame(d, "statement-key",
			    &customer->statement_key, &diag);
	}
	return 0;
}

static int
find_identity(struct daemon *d)
{
	const cpnp_conf *c = d->conf;
	cpnp_diag diag = {0};
	const char *name = c->identity.value;

	if (name == NULL && d->signer != NULL)
		name = cpnp_signer_identity(d->signer);
	if (name == NULL || *name == '\0') {
		snprintf(diag.why, sizeof(diag.why), "has no name in its "
		    "subjectAltName; expected a DNS name there, or the "
		    "option identity");
		return cpnpd_blame(d, "certificate", &c->certificate, &diag);
	}
	if (d->signer != NULL && c->identity.value != NULL &&
	    c->certificate.value != NULL &&
	    strcmp(name, cpnp_signer_identity(d->signer)) != 0) {
		snprintf(diag.why, sizeof(diag.why), "is not the name in the "
		    "certificate, and statements could not be verified; "
		    "expected %s, or leave it out",
		    cpnp_signer_identity(d->signer));
		return cpnpd_blame(d, "identity", &c->identity, &diag);
	}
	d->identity = strdup(name);
	return d->identity != NULL
	    ? 0 : complain(d, "identity", CPNP_ERR_NOMEM, &diag);
}

/* What is sold, over what, for how much. */
static int
load_offering(struct daemon *d)
{
	const cpnp_conf *c = d->conf;
	cpnp_diag diag = {0};
	int err = cpnp_catalogue_load(
	    &d->catalogue, c->catalogue.value, cpnpd_report, d);

	if (err == 0 && c->network.value != NULL)
		err = cpnp_topology_load(&d->topology, c->network.value,
		    d->catalogue, cpnpd_report, d);
	if (err == 0 && c->policy.value != NULL)
		err = cpnp_policy_load(&d->policy, c->policy.value,
		    d->catalogue, d->topology, cpnpd_report, d);
	if (err == 0)
		err = cpnp_capacity_new(&d->capacity);
	if (err == 0)
		err = cpnpd_set_resources(
		    d->capacity, d->catalogue, d->topology, false);
	if (err != 0 && err != CPNP_ERR_CONFIG)
		complain(d, "catalogue", err, &diag);
	return err;
}

static int
set_link(cpnp_capacity *capacity, const cpnp_topo_link *link, bool is_gone)
{
	static const cpnp_weekly none = {.n = 0};
	char resource[CPNP_RESOURCE_LEN];
	int err;

	cpnp_link_resource(link, resource);
	err = cpnp_capacity_set(
	    capacity, resource, is_gone ? 0 : (int64_t)link->capacity);
	return err != 0 ? err : cpnp_capacity_set_extra(capacity, resource,
	    is_gone || link->extra == NULL ? &none : link->extra);
}

int
cpnpd_set_resources(cpnp_capacity *capacity, const cpnp_catalogue *catalogue,
    const cpnp_topology *topology, bool is_gone)
{
	char resource[CPNP_RESOURCE_LEN];
	const cpnp_topo_border *border;
	size_t i;
	int err = 0;

	for (i = 0; i < catalogue->places_n && err == 0; i++) {
		cpnp_place_resource(
		    &catalogue->places[i], resource, sizeof(resource));
		err = cpnp_capacity_set(capacity, resource,
		    is_gone ? 0 : (int64_t)catalogue->places[i].capacity);
	}
	if (topology == NULL)
		return err;
	for (i = 0; i < topology->links_n && err == 0; i++)
		err = set_link(capacity, &topology->links[i], is_gone);
	for (i = 0; i < topology->borders_n && err == 0; i++) {
		border = &topology->borders[i];
		cpnp_border_resource(border, resource);
		err = cpnp_capacity_set(capacity, resource,
		    is_gone ? 0 : (int64_t)border->capacity);
	}
	return err;
}

/* A customer's profile is one of the policy. */
static int
check_profiles(struct daemon *d)
{
	const cpnp_conf_text *name;
	cpnp_diag diag = {0};
	size_t i;

	for (i = 0; i < d->conf->customers_n; i++) {
		name = &d->conf->customers[i].profile;
		if (name->value == NULL || (d->policy != NULL &&
		    cpnp_policy_profile(d->policy, name->value) != NULL))
			continue;
		snprintf(diag.why, sizeof(diag.why), "\"%s\" is no profile "
		    "of the policy; expected one that %s has", name->value,
		    d->conf->policy.value);
		return cpnpd_blame(d, "profile", name, &diag);
	}
	return 0;
}

/* What offers cost is in the token of the catalogue. */
static int
check_amounts(struct daemon *d)
{
	const cpnp_conf *c = d->conf;
	const char *token = d->catalogue->token_code;
	const cpnp_conf_money *above;
	cpnp_diag diag = {0};
	cpnp_conf_text at = {NULL, 0};
	size_t i;

	for (i = 0; i < c->customers_n; i++) {
		above = &c->customers[i].approves.above;
		if (!above->is_given || strcmp(above->code, token) == 0)
			continue;
		at.line = above->line;
		snprintf(diag.why, sizeof(diag.why), "is in %s, and offers "
		    "are in %s; expected an amount of that", above->code,
		    token);
		return cpnpd_blame(d, "above", &at, &diag);
	}
	return 0;
}

int
cpnpd_prepare(struct daemon *d)
{
	int err = new_net(d);

	if (err == 0)
		err = open_key_log(d, true);
	if (err == 0)
		err = cpnpd_load_tls(d);
	if (err == 0)
		err = cpnpd_set_access(d);
	return err == 0 ? cpnpd_load_files(d) : err;
}

int
cpnpd_load_files(struct daemon *d)
{
	int err;

	err = load_signers(d);
	if (err == 0)
		err = load_trust(d);
	if (err == 0)
		err = find_identity(d);
	if (err == 0)
		err = load_offering(d);
	if (err == 0)
		err = check_profiles(d);
	return err == 0 ? check_amounts(d) : err;
}

static int
listen_all(struct daemon *d, const cpnp_conf_list *list,
    cpnp_transport transport, const char *option, size_t *n)
{
	cpnp_diag diag;
	size_t i;

	for (i = 0; i < list->n; i++) {
		memset(&diag, 0, sizeof(diag));
		if (cpnp_net_listen(d->net, transport, list->items[i].value,
			&diag) != 0)
			return cpnpd_blame(d, option, &list->items[i], &diag);
		cpnpd_log(CPNP_LOG_INFO, "listening on %s, %s, port %u",
		    list->items[i].value,
		    transport == CPNP_TRANSPORT_DTLS ? "DTLS" : "UDP",
		    (unsigned)cpnp_net_listen_port(d->net, (*n)++));
	}
	return 0;
}

static void
orders_config(const struct daemon *d, cpnp_orders_config *config)
{
	const cpnp_conf *c = d->conf;

	cpnp_orders_config_default(config);
	config->identity = cpnp_bytes_str(d->identity);
	config->retrans_timer = c->timers.retrans;
	config->retries_max = (unsigned)c->timers.retries_max;
	config->resend_interval = c->timers.resend;
	config->linger = c->timers.linger;
	config->repeat_min = c->children.repeat_min;
	config->repeat_max = c->children.repeat_max;
	config->expected_offer_sec =
	    (uint32_t)(c->timers.expected_offer / 1000000000);
	config->sign = d->signer != NULL;
	config->orders_max = c->limits.orders_max;
	config->memory_max = c->limits.memory_max;
	config->confirm_stores = true;
}

int
cpnpd_set_limits(struct daemon *d)
{
	const cpnp_net_limits limits = net_limits(d);
	cpnp_orders_config config;
	int err = cpnp_net_set_limits(d->net, &limits);

	orders_config(d, &config);
	return err == 0 ? cpnp_orders_set_config(d->orders, &config) : err;
}

static int
new_orders(struct daemon *d)
{
	cpnp_orders_config config;
	cpnp_diag diag = {0};
	int err;

	orders_config(d, &config);
	err = cpnp_orders_new(&d->orders, &config, cpnp_env_openssl());
	d->use = calloc(d->conf->customers_n + 1, sizeof(*d->use));
	if (err == 0 && d->use == NULL)
		err = CPNP_ERR_NOMEM;
	return err == 0 ? 0 : complain(d, "orders", err, &diag);
}

static int
open_store(struct daemon *d)
{
	cpnp_store_config config = {.path = d->conf->store.value,
		.create = true, .writer_thread = true,
		.origin = d->identity,
		.journal_signer = d->journal_signer,
		.env = cpnp_env_openssl()};
	cpnp_diag diag = {0};

	/* Orders are nobody else's business. */
	umask(077);
	if (cpnp_store_open(&d->store, &config, &diag) != 0)
		return cpnpd_blame(d, "store", &d->conf->store, &diag);
	return 0;
}

/* Rows of one order come one after the other. */
struct loading_holds {
	struct daemon *d;
	bool has_ref;
	uint8_t ref[CPNP_SHA256_LEN];
};

/* The order has all its rows: what it has bought is known by order only while
 * an UPDATE would change it. */
static int
end_holds(struct loading_holds *l)
{
	int err = 0;

	if (l->has_ref)
		err = cpnp_capacity_join(l->d->capacity, l->ref);
	if (l->has_ref && err == 0)
		cpnp_capacity_forget(l->d->capacity, l->ref);
	return err;
}

static int
load_hold(void *user, const cpnp_store_held *held)
{
	struct loading_holds *l = user;
	int err = 0;

	if (!l->has_ref ||
	    memcmp(l->ref, held->order_ref, CPNP_SHA256_LEN) != 0)
		err = end_holds(l);
	l->has_ref = true;
	memcpy(l->ref, held->order_ref, CPNP_SHA256_LEN);
	return err != 0 ? err : cpnp_capacity_hold(l->d->capacity,
	    held->order_ref, held->peer_identity, &held->hold);
}

int
cpnpd_load_capacity(struct daemon *d)
{
	struct loading_holds l = {.d = d};
	int err = cpnp_store_each_hold(d->store, load_hold, &l);

	return err == 0 ? end_holds(&l) : err;
}

struct loading {
	struct daemon *d;
	cpnp_now now;
	uint64_t n;
};

static int
load_open_order(void *user, const cpnp_store_row *row)
{
	struct loading *l = user;
	int err;

	/* One that a child or a parent has needed is there. */
	if (cpnp_orders_find(l->d->orders, row->role, row->peer_identity,
		row->customer_order_id) != NULL)
		return 0;
	err = cpnpd_load_row(l->d, row, l->now);
	if (err != 0) {
		cpnpd_log(CPNP_LOG_ERROR, "order %.*s/%.*s peer %.*s: cannot "
		    "be resumed: %s", ID_WORDS(row->customer_order_id),
		    ID_WORDS(row->provider_order_id),
		    ID_WORDS(row->peer_identity), cpnp_strerror(err));
		return cpnp_error_is_fatal(err) ? err : 0;
	}
	l->n++;
	return 0;
}

int
cpnpd_resume_orders(struct daemon *d)
{
	struct loading l = {d, cpnp_now_read(), 0};
	cpnp_diag diag = {0};
	int err = cpnpd_load_capacity(d);

	if (d->children != NULL)
		d->children->is_loading = true;
	if (err == 0)
		err = cpnpd_rest_load(d);
	if (err == 0)
		err = cpnp_store_each_awake(d->store, load_open_order, &l);
	if (d->children != NULL)
		d->children->is_loading = false;
	if (err != 0)
		return complain(d, d->conf->store.value, err, &diag);
	cpnpd_log(CPNP_LOG_INFO, "store %s: %" PRIu64 " open orders resumed",
	    d->conf->store.value, l.n);
	cpnpd_drain(d, l.now);
	return 0;
}

int
cpnpd_start(struct daemon *d)
{
	cpnp_diag diag = {0};
	size_t listeners = 0;
	int err = cpnpd_prepare(d);

	if (err == 0)
		err = cpnpd_approvals_init(d);
	if (err == 0)
		err = cpnpd_decider_init(d);
	if (err == 0)
		err = new_orders(d);
	if (err == 0)
		err = listen_all(d, &d->conf->listen_dtls,
		    CPNP_TRANSPORT_DTLS, "listen-dtls", &listeners);
	if (err == 0)
		err = listen_all(d, &d->conf->listen_udp, CPNP_TRANSPORT_UDP,
		    "listen-udp", &listeners);
	if (err == 0 &&
	    cpnp_privileges_drop(d->conf->user.value, d->conf->group.value,
		&diag) != 0)
		err = cpnpd_blame(d,
		    d->conf->user.value != NULL ? "user" : "group",
		    d->conf->user.value != NULL ? &d->conf->user
						: &d->conf->group, &diag);
	if (err == 0)
		/* a change of user has made the process dumpable again */
		err = cpnp_privileges_no_core(&diag);
	if (err == 0)
		err = open_key_log(d, false);
	if (err == 0)
		err = open_store(d);
	if (err == 0)
		err = cpnpd_restore_check(d);
	if (err == 0)
		err = cpnpd_ledger_start(d);
	if (err == 0 && d->conf->neighbours_n > 0) {
		err = cpnpd_children_init(d);
		if (err == 0)
			err = cpnpd_neighbours_init(d);
		if (err != 0)
			complain(d, "neighbours", err, &diag);
	}
	if (err == 0 && !d->restore->is_silent)
		err = cpnpd_resume_orders(d);
	if (err == 0) {
		err = cpnpd_period_load(d);
		if (err != 0)
			complain(d, d->conf->store.value, err, &diag);
	}
	return err == 0 ? cpnpd_ledger_run(d) : err;
}
