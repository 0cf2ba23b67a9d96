/*
 * Another configuration while it runs.  All that can go wrong is done first,
 * beside what is in use; then it is swapped in one turn of the loop, so that
 * no order sees half of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "events.h"
#include "ledger.h"

static bool
same_text(const cpnp_conf_text *a, const cpnp_conf_text *b)
{
	return a->value == NULL || b->value == NULL
	    ? a->value == b->value : strcmp(a->value, b->value) == 0;
}

static bool
same_list(const cpnp_conf_list *a, const cpnp_conf_list *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!same_text(&a->items[i], &b->items[i]))
			return false;
	return true;
}

/* They have sessions and orders by their numbers. */
static bool
same_neighbours(const cpnp_conf *a, const cpnp_conf *b)
{
	const cpnp_conf_neighbour *x, *y;
	size_t i;

	if (a->neighbours_n != b->neighbours_n)
		return false;
	for (i = 0; i < a->neighbours_n; i++) {
		x = &a->neighbours[i];
		y = &b->neighbours[i];
		if (strcmp(x->identity, y->identity) != 0 ||
		    !same_text(&x->server, &y->server) ||
		    !same_text(&x->place, &y->place) ||
		    !same_text(&x->their_place, &y->their_place) ||
		    !same_list(&x->reaches, &y->reaches))
			return false;
	}
	return true;
}

/* The option that cannot be changed and was, or NULL. */
static const char *
find_fixed(const cpnp_conf *a, const cpnp_conf *b)
{
	const struct {
		const char *name;
		bool same;
	} fixed[] = {
		{"listen-dtls", same_list(&a->listen_dtls, &b->listen_dtls)},
		{"listen-udp", same_list(&a->listen_udp, &b->listen_udp)},
		{"identity", same_text(&a->identity, &b->identity)},
		{"key", same_text(&a->key, &b->key)},
		{"ledger-key", same_text(&a->ledger_key, &b->ledger_key)},
		{"store", same_text(&a->store, &b->store)},
		{"checkpoint-file",
		    same_text(&a->checkpoint_file, &b->checkpoint_file)},
		{"control-socket",
		    same_text(&a->control_socket, &b->control_socket)},
		{"ledger", same_text(&a->ledger.conf, &b->ledger.conf)},
		{"key-log", a->key_log == b->key_log},
		{"neighbour", same_neighbours(a, b)},
		{"user", same_text(&a->user, &b->user)},
		{"group", same_text(&a->group, &b->group)},
	};
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (!fixed[i].same)
			return fixed[i].name;
	return NULL;
}

static int
refuse(struct daemon *d, const char *option, const char *why)
{
	char line[CPNPD_TOLD_MAX];

	snprintf(line, sizeof(line), "%s: %s: %s", d->conf->path, option, why);
	cpnpd_report(d, line);
	return CPNP_ERR_CONFIG;
}

/* What each customer uses goes on; none is let go with open orders. */
static int
carry_use(const struct daemon *d, struct daemon *next)
{
	const cpnp_conf_customer *c;
	size_t i;

	next->use = calloc(next->conf->customers_n + 1, sizeof(*next->use));
	if (next->use == NULL)
		return refuse(next, "customer", cpnp_strerror(CPNP_ERR_NOMEM));
	for (i = 0; i < d->conf->customers_n; i++) {
		c = cpnp_conf_customer_find(next->conf,
		    cpnp_bytes_str(d->conf->customers[i].identity));
		if (c != NULL)
			next->use[c - next->conf->customers] = d->use[i];
		else if (d->use[i].open > 0)
			return refuse(next, d->conf->customers[i].identity,
			    "the customer has open orders and cannot be "
			    "removed; expected may-order = no until they "
			    "have ended");
	}
	return 0;
}

/* What there is of places and links; of one that is gone there is nothing. */
static int
set_resources(struct daemon *d, const struct daemon *of, bool is_gone)
{
	return cpnpd_set_resources(
	    d->capacity, of->catalogue, of->topology, is_gone);
}

/* The network takes each of its parts whole or not at all. */
static int
swap_network(struct daemon *d, struct daemon *next)
{
	int err;

	next->net = d->net;
	err = cpnpd_set_access(next);
	if (err == 0 && next->conf->access_n == 0)
		err = cpnp_net_set_access(d->net, NULL, 0, NULL);
	if (err == 0)
		err = cpnpd_load_tls(next);
	if (err != 0)
		(void)cpnpd_set_access(d);
	next->net = NULL;
	return err;
}

/* The journal knows the key that signs its heads, and no other. */
static bool
same_key(const cpnp_signer *a, const cpnp_signer *b)
{
	uint8_t ids[2][CPNP_SHA256_LEN];

	if (a == NULL || b == NULL)
		return a == b;
	cpnp_signer_key_id(a, ids[0]);
	cpnp_signer_key_id(b, ids[1]);
	return memcmp(ids[0], ids[1], sizeof(ids[0])) == 0;
}

static int
prepare(struct daemon *d, struct daemon *next)
{
	const char *fixed = find_fixed(d->conf, next->conf);
	int err, room;

	if (fixed != NULL)
		return refuse(next, fixed, "cannot be changed while cpnpd "
		    "runs; expected the old value, or a restart");
	err = cpnpd_load_files(next);
	if (err == 0 && strcmp(d->identity, next->identity) != 0)
		err = refuse(next, "certificate", "has another name, and the "
		    "identity cannot be changed while cpnpd runs; expected "
		    "the old name, or a restart");
	if (err == 0 && !same_key(d->signer, next->signer))
		err = refuse(next, "key", "is another key, and the journal "
		    "knows only its own; expected a new certificate for the "
		    "old key");
	if (err == 0)
		err = carry_use(d, next);
	if (err != 0)
		return err;
	/* Make room for new ones; they count once all is done. */
	room = set_resources(d, next, true);
	(void)set_resources(d, d, false);
	if (room != 0)
		err = refuse(next, "catalogue", cpnp_strerror(room));
	return err == 0 ? swap_network(d, next) : err;
}

#define SWAP(T, m)                                                             \
	do {                                                                   \
		T old_ = d->m;                                                 \
		d->m = next->m;                                                \
		next->m = old_;                                                \
	} while (0)

static void
swap(struct daemon *d, struct daemon *next)
{
	SWAP(cpnp_trust *, trust);
	SWAP(cpnp_signer *, signer);
	SWAP(cpnp_catalogue *, catalogue);
	SWAP(cpnp_topology *, topology);
	SWAP(cpnp_policy *, policy);
	SWAP(struct use *, use);
	SWAP(cpnp_conf *, reloaded);
	d->conf = d->reloaded;
	/* These exist already and cannot fail. */
	(void)set_resources(d, next, true);
	(void)set_resources(d, d, false);
	/* The values were in their bounds when the file was read. */
	if (cpnpd_set_limits(d) != 0)
		cpnpd_log(CPNP_LOG_ERROR, "reload: timers and limits stay");
	cpnp_log_open(d->conf->log.destination == 1,
	    (cpnp_log_level)d->conf->log.level);
	/* The values were in their bounds when the file was read. */
	if (cpnpd_set_limits(d) != 0)
		cpnpd_log(CPNP_LOG_ERROR, "reload: timers and limits stay");
}

int
cpnpd_reload(struct daemon *d, char told[CPNPD_TOLD_MAX])
{
	struct daemon next = {.told = told};
	int err;

	told[0] = '\0';
	err = cpnp_conf_load(&next.reloaded, d->conf->path,
	    cpnp_now_read().wall, cpnpd_report, &next);
	next.conf = next.reloaded;
	if (err == 0)
		err = prepare(d, &next);
	if (err == 0) {
		swap(d, &next);
		cpnpd_events_reload(d);
		cpnpd_ledger_reloaded(d);
	}
	cpnp_trust_del(next.trust);
	cpnp_signer_del(next.signer);
	cpnp_signer_del(next.journal_signer);
	cpnp_policy_del(next.policy);
	cpnp_topology_del(next.topology);
	cpnp_catalogue_del(next.catalogue);
	cpnp_capacity_del(next.capacity);
	cpnp_conf_del(next.reloaded);
	free(next.identity);
	free(next.use);
	if (err != 0 && told[0] == '\0')
		snprintf(told, CPNPD_TOLD_MAX, "%s", cpnp_strerror(err));
	if (err != 0)
		cpnpd_log(CPNP_LOG_ERROR,
		    "reload: the old configuration stays in use");
	else
		cpnpd_log(CPNP_LOG_INFO, "reload: %s is in use, %zu customers, "
		    "%zu places, %zu links", d->conf->path,
		    d->conf->customers_n, d->catalogue->places_n,
		    d->topology == NULL ? 0 : d->topology->links_n);
	return err;
}
