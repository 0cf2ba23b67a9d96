/*
 * Sessions with neighbours, and what comes over them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "children.h"
#include "neighbour.h"

/* A name that does not resolve is tried again. */
#define RESOLVE_RETRY CPNP_SECONDS(30)
/* A statement may be dated so far ahead of our clock, in seconds. */
#define CLOCK_SKEW_MAX 300

static cpnp_bytes
name_of(const struct daemon *d, size_t number)
{
	return cpnp_bytes_str(d->conf->neighbours[number].identity);
}

int
cpnpd_neighbours_init(struct daemon *d)
{
	d->neighbours =
	    calloc(d->conf->neighbours_n + 1, sizeof(*d->neighbours));
	return d->neighbours != NULL ? 0 : CPNP_ERR_NOMEM;
}

void
cpnpd_neighbours_fini(struct daemon *d)
{
	free(d->neighbours);
	d->neighbours = NULL;
}

size_t
cpnpd_neighbour_find(const struct daemon *d, cpnp_bytes identity)
{
	const cpnp_conf_neighbour *n =
	    cpnp_conf_neighbour_find(d->conf, identity);

	return n != NULL ? (size_t)(n - d->conf->neighbours) : SIZE_MAX;
}

size_t
cpnpd_neighbour_of(const struct daemon *d, cpnp_peer peer)
{
	size_t i;

	for (i = 0; peer != CPNP_PEER_NONE && d->neighbours != NULL &&
	     i < d->conf->neighbours_n; i++)
		if (d->neighbours[i].peer == peer)
			return i;
	return SIZE_MAX;
}

static void
set_down(struct neighbour *n, cpnp_now now)
{
	if (!n->is_down)
		n->down_since = now.wall;
	n->is_down = true;
}

cpnp_peer
cpnpd_neighbour_peer(struct daemon *d, size_t number, cpnp_now now)
{
	const cpnp_conf_neighbour *conf = &d->conf->neighbours[number];
	struct neighbour *n = &d->neighbours[number];
	const cpnp_net_target target = {.transport = CPNP_TRANSPORT_DTLS,
		.address = conf->server.value};
	cpnp_diag diag = {0};

	if (n->peer != CPNP_PEER_NONE || now.mono < n->retry_at)
		return n->peer;
	if (cpnp_net_connect(d->net, &target, &n->peer, &diag) != 0) {
		n->peer = CPNP_PEER_NONE;
		n->retry_at = now.mono + RESOLVE_RETRY;
		set_down(n, now);
		cpnpd_log(CPNP_LOG_WARNING, "neighbour %s: %s: %s",
		    conf->identity, diag.where, diag.why);
	}
	return n->peer;
}

void
cpnpd_neighbour_event(struct daemon *d, size_t number, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now)
{
	const char *name = d->conf->neighbours[number].identity;
	struct neighbour *n = &d->neighbours[number];
	bool was_down = n->is_down;

	switch (event) {
	case CPNP_NET_UP:
		n->is_down = false;
		cpnpd_log(was_down ? CPNP_LOG_INFO : CPNP_LOG_DEBUG,
		    "neighbour %s: session established", name);
		break;
	case CPNP_NET_DOWN:
		cpnpd_log(CPNP_LOG_DEBUG, "neighbour %s: session over: %s",
		    name, diag->why);
		return;
	case CPNP_NET_FAILED:
		set_down(n, now);
		d->counters.neighbours_failed++;
		cpnpd_log(was_down ? CPNP_LOG_DEBUG : CPNP_LOG_WARNING,
		    "neighbour %s: no session: %s%s%s; what is open there is "
		    "tried again", name, diag->where,
		    diag->where[0] != '\0' ? ": " : "", diag->why);
		break;
	}
	if (was_down != n->is_down)
		cpnpd_children_of_neighbour(d, number);
}

/* ---- what comes ---- */

static bool
is_answer(cpnp_method method)
{
	return method == CPNP_METHOD_PROCESSING ||
	    method == CPNP_METHOD_OFFER || method == CPNP_METHOD_ACK ||
	    method == CPNP_METHOD_FAIL;
}

static void
log_statement(const struct daemon *d, size_t number, const cpnp_msg *m,
    const char *what, const char *why)
{
	cpnpd_log(CPNP_LOG_WARNING, "order %.*s/%.*s peer %s: the %s does not "
	    "count: %s", ID_WORDS(m->customer_order_id),
	    ID_WORDS(m->provider_order_id),
	    d->conf->neighbours[number].identity, what, why);
}

/* Who has signed the statement of a message: the neighbour, or nobody. */
static cpnp_bytes
signer_of(struct daemon *d, size_t number, const cpnp_msg *m,
    cpnp_signed *check, cpnp_now now)
{
	cpnp_diag diag = {0};
	int err;

	if (!cpnp_msg_has(m, CPNP_ATTR_STATEMENT) || m->statement.len == 0)
		return CPNP_BYTES_NONE;
	err = cpnp_trust_verify(
	    d->trust, m->statement, &now.wall, check, &diag);
	if (err == 0 && check->attested &&
	    cpnp_bytes_equal(
		cpnp_bytes_str(check->identity), name_of(d, number)) &&
	    check->statement.time.sec <= now.wall.sec + CLOCK_SKEW_MAX) {
		d->counters.statements++;
		return cpnp_bytes_str(check->identity);
	}
	d->counters.statements_bad++;
	log_statement(d, number, m, "statement", err != 0
		? (diag.why[0] != '\0' ? diag.why : cpnp_strerror(err))
		: "it is signed by another, or dated in the future");
	return CPNP_BYTES_NONE;
}

/* That our ACCEPT is in the journal of the neighbour. */
static bool
receipt_holds(struct daemon *d, size_t number, const cpnp_msg *m,
    const cpnp_signed *check, cpnp_now now)
{
	cpnp_receipt receipt;
	cpnp_diag diag = {0};
	int err;

	if (check->statement.type != CPNP_STATEMENT_ACK ||
	    !cpnp_msg_has(m, CPNP_ATTR_RECEIPT))
		return true;
	err = cpnp_trust_verify_receipt_of(d->trust, m->receipt,
	    check->statement.answers, &receipt, &diag);
	if (err == 0 && receipt.attested &&
	    cpnp_bytes_equal(
		cpnp_bytes_str(receipt.identity), name_of(d, number)) &&
	    receipt.time.sec <= now.wall.sec + CLOCK_SKEW_MAX)
		return true;
	log_statement(d, number, m, "receipt", err != 0
		? (diag.why[0] != '\0' ? diag.why : cpnp_strerror(err))
		: "it is signed by another, or dated in the future");
	return false;
}

static int
feed(struct daemon *d, const cpnp_input *input, cpnp_now now)
{
	cpnp_input again = *input;
	cpnp_store_row row;
	int err = cpnp_orders_recv(d->orders, input, now);

	if (err != CPNP_ERR_NOT_LOADED)
		return err;
	err = cpnp_store_find(d->store, CPNP_CLIENT, input->identity,
	    input->msg->customer_order_id, &row);
	if (err == 0)
		err = cpnpd_load_row(d, &row, now);
	else if (err == CPNP_ERR_NOT_FOUND)
		err = 0;
	again.searched = true;
	return err != 0 ? err : cpnp_orders_recv(d->orders, &again, now);
}

void
cpnpd_neighbour_recv(struct daemon *d, size_t number, cpnp_peer peer,
    cpnp_bytes identity, cpnp_bytes bytes, cpnp_now now)
{
	cpnp_signed *check = calloc(1, sizeof(*check));
	cpnp_msg *m = calloc(1, sizeof(*m));
	cpnp_input input = {.msg = m, .identity = identity, .peer = peer};
	cpnp_diag diag = {0};
	int err = m == NULL || check == NULL ? CPNP_ERR_NOMEM : 0;

	/* Whoever has another name answers for nobody we know. */
	if (err == 0 && !cpnp_bytes_equal(identity, name_of(d, number)))
		err = CPNP_ERR_FORBIDDEN;
	if (err == 0)
		err = cpnp_msg_decode(m, bytes, &diag);
	if (err == 0 && !is_answer(m->method))
		err = CPNP_ERR_UNEXPECTED;
	if (err == 0 && d->failed) {
		d->counters.drop_failed++;
	} else if (err == 0) {
		d->from = peer;
		input.signer = signer_of(d, number, m, check, now);
		if (input.signer.len > 0 &&
		    !receipt_holds(d, number, m, check, now))
			err = CPNP_ERR_PROOF;
		if (err == 0)
			cpnpd_children_heard(d, &input);
		if (err == 0)
			err = feed(d, &input, now);
	}
	if (err != 0 && cpnp_log_is_on(CPNP_LOG_DEBUG))
		cpnpd_log(CPNP_LOG_DEBUG, "neighbour %s: a message is not "
		    "taken: %s%s%s", d->conf->neighbours[number].identity,
		    cpnp_strerror(err), diag.why[0] != '\0' ? ": " : "",
		    diag.why);
	cpnpd_drain(d, now);
	d->from = CPNP_PEER_NONE;
	free(check);
	free(m);
}
