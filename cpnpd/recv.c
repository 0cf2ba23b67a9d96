/*
 * A datagram becomes an event of an order: decode, find the customer, verify
 * the statement, look in the store for an order that is not in memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "period.h"
#include "neighbour.h"
#include "restore.h"

static cpnp_order *
order_of(const struct daemon *d, const cpnp_input *input)
{
	return cpnp_orders_find(d->orders, CPNP_SERVER, input->identity,
	    input->msg->customer_order_id);
}

/* Only an ACCEPT of an open offer is judged by who has signed it; to verify
 * costs far more than to send. */
static bool
wants_signer(const struct daemon *d, const cpnp_input *input)
{
	const cpnp_msg *m = input->msg;
	const cpnp_order *order;

	if (m->method != CPNP_METHOD_ACCEPT ||
	    !cpnp_msg_has(m, CPNP_ATTR_STATEMENT) || m->statement.len == 0)
		return false;
	order = order_of(d, input);
	return order != NULL &&
	    (cpnp_order_state(order) == CPNP_STATE_OFFER_PROPOSED ||
		cpnp_order_state(order) == CPNP_STATE_PROCESSING_RECEIVED);
}

/* The name of who has signed the statement; empty when it does not verify. */
static cpnp_bytes
find_signer(struct daemon *d, const cpnp_input *input, cpnp_signed *result,
    cpnp_now now)
{
	cpnp_diag diag = {0};
	int err;

	if (!wants_signer(d, input))
		return CPNP_BYTES_NONE;
	err = cpnp_trust_verify(
	    d->trust, input->msg->statement, &now.wall, result, &diag);
	if (err == 0 && result->attested) {
		d->counters.statements++;
		return cpnp_bytes_str(result->identity);
	}
	d->counters.statements_bad++;
	cpnpd_log(CPNP_LOG_WARNING,
	    "order %.*s/%.*s peer %.*s: the statement does not verify: "
	    "%s%s%s", ID_WORDS(input->msg->customer_order_id),
	    ID_WORDS(input->msg->provider_order_id), ID_WORDS(input->identity),
	    diag.where, diag.where[0] != '\0' ? ": " : "",
	    diag.why[0] != '\0' ? diag.why : cpnp_strerror(err));
	return CPNP_BYTES_NONE;
}

/* The order that a message is about may rest in the store. */
static int
load_order(struct daemon *d, cpnp_input *input, cpnp_now now)
{
	cpnp_store_row row;
	int err = cpnp_store_find(d->store, CPNP_SERVER, input->identity,
	    input->msg->customer_order_id, &row);

	if (err == CPNP_ERR_NOT_FOUND) {
		input->searched = true;
		return 0;
	}
	if (err == 0)
		err = cpnpd_load_row(d, &row, now);
	return err;
}

static void
log_refused(const cpnp_input *input, bool has_head, int err,
    const cpnp_diag *diag)
{
	const cpnp_msg *m = input->msg;

	if (!cpnp_log_is_on(CPNP_LOG_DEBUG) && !cpnp_error_is_fatal(err))
		return;
	cpnpd_log(cpnp_error_is_fatal(err) ? CPNP_LOG_ERROR : CPNP_LOG_DEBUG,
	    "order %.*s/%.*s peer %.*s: %s refused: %s%s%s",
	    ID_WORDS(m->customer_order_id), ID_WORDS(m->provider_order_id),
	    ID_WORDS(input->identity),
	    has_head ? cpnp_method_name(m->edition, (int)m->method)
		     : "message",
	    diag->where, diag->where[0] != '\0' ? ": " : "",
	    diag->why[0] != '\0' ? diag->why : cpnp_strerror(err));
}

/* FAIL Out of Resources to a QUOTATION, UPDATE or ACTIVATE that no order has
 * seen; counter is why. */
static void
refuse_new(struct daemon *d, const cpnp_input *input,
    const cpnp_explanation *why, uint64_t *counter, cpnp_now now)
{
	const cpnp_msg *m = input->msg;
	uint8_t bytes[1024];
	cpnp_msg fail = {.edition = m->edition, .method = CPNP_METHOD_FAIL,
		.status = CPNP_STATUS_OUT_OF_RESOURCES,
		.transaction_id = m->transaction_id,
		.customer_order_id = m->customer_order_id,
		.sequence_number = 1,
		.explanations = {*why},
		.explanations_n = 1};
	cpnp_buf buf;

	++*counter;
	if (!cpnp_net_may_fail(d->net, input->peer, now))
		return;
	fail.present = CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_STATUS_CODE) |
	    CPNP_ATTR_BIT(CPNP_ATTR_EXPLANATION);
	if (cpnp_grammar(m->edition, CPNP_METHOD_FAIL,
		CPNP_ATTR_SEQUENCE_NUMBER) != CPNP_ABSENT)
		fail.present |= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	cpnp_buf_init_fixed(&buf, bytes, sizeof(bytes));
	if (cpnp_msg_encode(&fail, &buf, NULL) != 0)
		return;
	(void)cpnp_net_send(d->net, input->peer, cpnp_buf_bytes(&buf), now);
}

/* What is priced, put by or told to the ledger when it comes again and again;
 * an order that rests in the store is looked at once it is loaded. */
static bool
begins_negotiation(const struct daemon *d, const cpnp_input *input)
{
	const cpnp_msg *m = input->msg;
	const cpnp_order *order;

	if (m->method == CPNP_METHOD_QUOTATION)
		return input->searched && input->may_order;
	if (m->method != CPNP_METHOD_UPDATE &&
	    m->method != CPNP_METHOD_ACTIVATE)
		return false;
	order = order_of(d, input);
	return order != NULL && !cpnp_bytes_equal(m->transaction_id,
	    cpnp_order_transaction_id(order));
}

/* May this customer begin another transaction?  What it may have open is a
 * matter of the decision; this is what keeps it from getting so far too
 * often. */
static bool
admit_new(struct daemon *d, const cpnp_input *input, cpnp_now now)
{
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, input->identity);
	struct use *use = cpnpd_use(d, input->identity);
	char limit[96];
	cpnp_explanation why = {CPNP_BYTES_LIT("order"), CPNP_BYTES_NONE,
		CPNP_BYTES_NONE,
		CPNP_BYTES_LIT("the same a little later")};
	cpnpd_period_refusal period;
	cpnp_rate rate;

	if (c == NULL || use == NULL)
		return true; /* refused as one that may not order */
	rate = (cpnp_rate){(uint32_t)c->order_rate, (uint32_t)c->order_burst};
	if (use->memory >= c->memory_max &&
	    input->msg->method != CPNP_METHOD_ACTIVATE) {
		snprintf(limit, sizeof(limit), "%" PRIu64 " bytes",
		    c->memory_max);
		why.reason = CPNP_BYTES_LIT("the orders of this customer hold "
					    "as much memory as they may");
		why.limit = cpnp_bytes_str(limit);
		refuse_new(d, input, &why, &d->counters.refused_memory, now);
		return false;
	}
	if (!cpnp_rate_take(&rate, &use->orders_until, now.mono)) {
		snprintf(limit, sizeof(limit), "new orders, UPDATEs and ACTIVATEs: "
		    "%" PRIu64 " a second, %" PRIu64 " at once",
		    c->order_rate, c->order_burst);
		why.reason = CPNP_BYTES_LIT("this customer orders faster than "
					    "it may");
		why.limit = cpnp_bytes_str(limit);
		refuse_new(d, input, &why, &d->counters.refused_rate, now);
		return false;
	}
	if (input->msg->method == CPNP_METHOD_QUOTATION &&
	    !cpnpd_period_admit(d, c, use, &period, now)) {
		why.reason = CPNP_BYTES_LIT("this customer has placed as many "
					    "orders as it may");
		why.limit = cpnp_bytes_str(period.limit);
		why.would_fit = cpnp_bytes_str(period.would_fit);
		refuse_new(d, input, &why, &d->counters.refused_period, now);
		return false;
	}
	return true;
}

static int
feed_once(struct daemon *d, cpnp_input *input, cpnp_now now)
{
	cpnp_signed by;

	if (begins_negotiation(d, input) && !admit_new(d, input, now))
		return 0;
	input->signer = find_signer(d, input, &by, now);
	return cpnp_orders_recv(d->orders, input, now);
}

static void
feed(struct daemon *d, cpnp_input *input, cpnp_now now)
{
	cpnp_diag diag = {0};
	int err = feed_once(d, input, now);

	if (err == CPNP_ERR_NOT_LOADED) {
		err = load_order(d, input, now);
		if (err == 0)
			err = feed_once(d, input, now);
	}
	if (err != 0) {
		d->counters.refused++;
		log_refused(input, true, err, &diag);
	}
}

static bool
is_new(struct daemon *d, const cpnp_input *input)
{
	const cpnp_msg *m = input->msg;
	cpnp_store_row row;

	return m->method == CPNP_METHOD_QUOTATION && input->may_order &&
	    order_of(d, input) == NULL &&
	    cpnp_store_find(d->store, CPNP_SERVER, input->identity,
		m->customer_order_id, &row) == CPNP_ERR_NOT_FOUND;
}

/*
 * While the store does not take anything, an order that exists gets no answer
 * and its peer repeats; a new one is refused, as it is while draining.
 */
static void
refuse_for_now(struct daemon *d, const cpnp_input *input, cpnp_now now)
{
	const cpnp_explanation why = {CPNP_BYTES_LIT("order"),
		CPNP_BYTES_LIT("no new orders are taken at the moment"),
		CPNP_BYTES_NONE,
		CPNP_BYTES_LIT("the same order a little later")};

	refuse_new(d, input, &why,
	    d->failed ? &d->counters.refused_failed
		      : &d->counters.refused_draining, now);
}

/*
 * May the customer do this (draft-02, 8.3: order, cancel)?  The answer to a
 * QUOTATION is may_order; what repeats a transaction that was begun is not
 * asked again.
 */
static bool
is_entitled(const struct daemon *d, const cpnp_conf_customer *customer,
    const cpnp_input *input)
{
	const cpnp_msg *m = input->msg;
	const cpnp_order *order;

	if ((customer->methods.bits & CPNP_CONF_METHOD_BIT(m->method)) != 0)
		return true;
	if (m->method == CPNP_METHOD_CANCEL)
		return false;
	if (m->method != CPNP_METHOD_UPDATE &&
	    m->method != CPNP_METHOD_ACTIVATE &&
	    m->method != CPNP_METHOD_WITHDRAW)
		return true;
	order = order_of(d, input);
	return order != NULL && cpnp_bytes_equal(m->transaction_id,
	    cpnp_order_transaction_id(order));
}

bool
cpnpd_is_behind(const struct daemon *d)
{
	const struct batch *b = d->current;

	return b != NULL &&
	    (cpnp_store_batch_count(b->store) >= CPNPD_BATCH_EVENTS_MAX ||
		cpnp_store_batch_bytes(b->store) >= CPNPD_BATCH_BYTES_MAX);
}

void
cpnpd_recv_message(struct daemon *d, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes bytes, cpnp_now now)
{
	const cpnp_conf_customer *customer;
	cpnp_diag diag = {0};
	cpnp_msg msg;
	cpnp_input input = {.msg = &msg, .identity = identity, .peer = peer};
	size_t neighbour = cpnpd_neighbour_of(d, peer);
	int err;

	if (neighbour != SIZE_MAX) {
		cpnpd_neighbour_recv(
		    d, neighbour, peer, identity, bytes, now);
		return;
	}
	customer = cpnp_conf_customer_find(d->conf, identity);
	input.may_order = customer != NULL && customer->may_order &&
	    (customer->methods.bits &
		CPNP_CONF_METHOD_BIT(CPNP_METHOD_QUOTATION)) != 0;
	if (customer != NULL && cpnpd_may_wait(d, customer))
		input.expected_offer_sec = (uint32_t)(
		    d->conf->approval.time / CPNP_SECONDS(1));
	input.require_statement =
	    customer == NULL || customer->require_statement;
	d->from = peer;
	err = cpnp_msg_decode(&msg, bytes, &diag);
	if (err != 0) {
		d->counters.invalid++;
		log_refused(&input,
		    (msg.present & CPNP_MSG_HEAD_READ) != 0, err, &diag);
		if (!d->failed)
			(void)cpnp_orders_recv_invalid(
			    d->orders, &input, err, now);
	} else if (d->failed) {
		d->counters.drop_failed++;
		if (is_new(d, &input))
			refuse_for_now(d, &input, now);
	} else if (d->draining && is_new(d, &input)) {
		refuse_for_now(d, &input, now);
	} else if (customer != NULL && !is_entitled(d, customer, &input)) {
		d->counters.refused_method++;
		log_refused(&input, true, CPNP_ERR_FORBIDDEN, &diag);
		(void)cpnp_orders_recv_invalid(
		    d->orders, &input, CPNP_ERR_FORBIDDEN, now);
	} else {
		d->message = &msg;
		feed(d, &input, now);
	}
	cpnpd_drain(d, now);
	d->message = NULL;
	d->from = CPNP_PEER_NONE;
}

void
cpnpd_recv(void *user, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now)
{
	struct daemon *d = user;

	d->counters.messages++;
	if (d->stopping)
		d->counters.drop_stopping++;
	else if (d->restore->is_silent)
		d->counters.drop_restored++;
	else if (cpnpd_is_behind(d))
		d->counters.drop_busy++;
	else if (cpnp_parts_is_part(datagram))
		cpnpd_parts_recv(d, peer, datagram, now);
	else
		cpnpd_recv_message(d, peer, identity, datagram, now);
}
