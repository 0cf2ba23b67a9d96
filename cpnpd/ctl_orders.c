/*
 * Orders, customers and counters, as cpnpctl(8) gets them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cpnp/xml.h>

#include "approval.h"
#include "children.h"
#include "ctl.h"
#include "events.h"
#include "ledger.h"

#define XML_BYTES_MAX ((size_t)16 << 20)

/* jansson takes UTF-8 only; what is none is told as such. */
json_t *
cpnpd_ctl_text(cpnp_bytes text)
{
	json_t *value =
	    json_stringn(text.len > 0 ? (const char *)text.ptr : "", text.len);

	return value != NULL ? value : json_string("(not UTF-8)");
}

json_t *
cpnpd_ctl_time(cpnp_wtime time)
{
	char text[CPNP_DATE_LEN];

	if (cpnp_date_format(CPNP_EDITION_RFC8921, time, text) != 0)
		return json_integer(time.sec);
	return json_string(text);
}

static void
set_text(json_t *object, const char *key, cpnp_bytes text)
{
	if (text.len > 0)
		(void)json_object_set_new(object, key, cpnpd_ctl_text(text));
}

const char *
cpnpd_ctl_state(cpnp_state state)
{
	return state == CPNP_STATE_NONE ? "none" : cpnp_state_name(state);
}

static json_t *
row_object(const cpnp_store_row *row)
{
	json_t *object = json_object();

	set_text(object, "customer", row->peer_identity);
	set_text(object, "customer_order", row->customer_order_id);
	set_text(object, "provider_order", row->provider_order_id);
	(void)json_object_set_new(
	    object, "state", json_string(cpnpd_ctl_state(row->state)));
	(void)json_object_set_new(object, "agreement",
	    json_string(cpnp_agreement_state_name(row->agreement_state)));
	(void)json_object_set_new(
	    object, "open", json_boolean(!row->settled));
	(void)json_object_set_new(
	    object, "changed", cpnpd_ctl_time(row->changed));
	if (row->has_service && !cpnp_store_row_rests(row))
		(void)json_object_set_new(
		    object, "next_service", cpnpd_ctl_time(row->service));
	return object;
}

/* ---- orders ---- */

static bool
is_of_customer(const cpnp_ctl_request *r, const cpnp_store_row *row)
{
	return row->role == CPNP_SERVER &&
	    ((r->present & CPNP_CTL_BIT(CPNP_CTL_CUSTOMER)) == 0 ||
		cpnp_bytes_equal(
		    row->peer_identity, cpnp_bytes_str(r->customer)));
}

static int
put_if_wanted(void *user, const cpnp_store_row *row)
{
	struct conn *c = user;
	const cpnp_ctl_request *r = &c->request;

	if (!is_of_customer(r, row) || (r->open && row->settled) ||
	    ((r->present & CPNP_CTL_BIT(CPNP_CTL_STATE)) != 0 &&
		strcmp(r->state, cpnpd_ctl_state(row->state)) != 0))
		return 0;
	cpnpd_ctl_put(c, row_object(row));
	return 0;
}

static bool
is_state(const char *name)
{
#define X(NAME, value, text)                                                   \
	if (strcmp(name, text) == 0)                                           \
		return true;
	CPNP_STATE_MAP(X)
#undef X
	return false;
}

int
cpnpd_ctl_orders(struct conn *c, bool *more, cpnp_diag *why)
{
	if ((c->request.present & CPNP_CTL_BIT(CPNP_CTL_STATE)) != 0 &&
	    !is_state(c->request.state))
		return cpnpd_ctl_fail(why, CPNP_ERR_INVALID, "\"%.64s\" is no "
		    "state; expected one of cpnp-fsm(7), such as Completed",
		    c->request.state);
	return cpnp_store_page(cpnpd_ctl_daemon(c)->store, &c->cursor,
	    CPNPD_CTL_STEP, put_if_wanted, c, more);
}

/* ---- show ---- */

static int
add_event(void *user, const cpnp_store_event *event)
{
	json_t *object = json_object();

	(void)json_object_set_new(
	    object, "number", json_integer((json_int_t)event->number));
	(void)json_object_set_new(
	    object, "time", cpnpd_ctl_time(event->time));
	(void)json_object_set_new(
	    object, "from", json_string(cpnpd_ctl_state(event->from)));
	(void)json_object_set_new(
	    object, "to", json_string(cpnpd_ctl_state(event->to)));
	(void)json_object_set_new(object, "agreement",
	    json_string(cpnp_agreement_state_name(event->agreement_to)));
	(void)json_object_set_new(
	    object, "event", json_string(event->event == CPNP_EVENT_NONE
		? "administration" : cpnp_event_name(event->event)));
	set_text(object, "detail", event->detail);
	if (event->has_leaf)
		(void)json_object_set_new(object, "leaf",
		    json_integer((json_int_t)event->leaf));
	(void)json_array_append_new(user, object);
	return 0;
}

static void
set_service(json_t *object, cpnp_bytes description)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	cpnp_diag diag = {0};
	cpnp_cpd cpd = {0};
	cpnp_buf buf;

	cpnp_buf_init(&buf, mem, XML_BYTES_MAX);
	if (cpnp_cpd_decode(&cpd, description, mem, &diag) == 0 &&
	    cpnp_cpd_to_xml(&cpd, &buf) == 0)
		set_text(object, "service", cpnp_buf_bytes(&buf));
	cpnp_cpd_fini(&cpd);
	cpnp_buf_fini(&buf);
}

json_t *
cpnpd_ctl_cost(const cpnp_money *cost)
{
	json_t *object = json_object();

	(void)json_object_set_new(
	    object, "amount", json_integer((json_int_t)cost->amount));
	(void)json_object_set_new(
	    object, "exponent", json_integer((json_int_t)cost->exponent));
	set_text(object, "code", cost->code);
	set_text(object, "issuer", cost->issuer);
	return object;
}

static void
set_purpose(json_t *object, const char *key, const cpnp_msg *msg)
{
	if (cpnp_msg_has(msg, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    msg->options.purpose != CPNP_PURPOSE_NONE)
		(void)json_object_set_new(object, key,
		    json_string(msg->options.purpose == CPNP_PURPOSE_TEST
			? "test" : "permanent"));
}

/* What is agreed while an UPDATE of it is open; the terms are the newer. */
static void
set_standing(json_t *object, const cpnp_store_row *row)
{
	cpnp_bytes offer = row->docs[CPNP_DOC_STANDING_OFFER];
	cpnp_msg *msg = offer.len > 0 ? calloc(1, sizeof(*msg)) : NULL;

	if (msg != NULL && cpnp_msg_decode(msg, offer, NULL) == 0) {
		(void)json_object_set_new(
		    object, "update_open", json_true());
		if (msg->options.has_cost && !msg->options.cost_empty)
			(void)json_object_set_new(object, "agreed_cost",
			    cpnpd_ctl_cost(&msg->options.cost));
		set_purpose(object, "agreed_purpose", msg);
	}
	free(msg);
}

/* The newest terms that there are: of the OFFER, else of the request. */
static void
set_terms(json_t *object, const cpnp_store_row *row)
{
	bool is_offer = row->docs[CPNP_DOC_OFFER].len > 0;
	cpnp_msg *msg = calloc(1, sizeof(*msg));

	if (msg == NULL || cpnp_msg_decode(msg,
	    row->docs[is_offer ? CPNP_DOC_OFFER : CPNP_DOC_REQUEST],
	    NULL) != 0)
		goto out;
	set_purpose(object, "purpose", msg);
	set_service(object, msg->service_description);
	if (is_offer)
		(void)json_object_set_new(object, "valid_until",
		    cpnpd_ctl_time(msg->validity_offer_time));
	if (is_offer && msg->options.has_cost && !msg->options.cost_empty)
		(void)json_object_set_new(
		    object, "cost", cpnpd_ctl_cost(&msg->options.cost));
out:
	free(msg);
}

/* What it waits for, when it is in memory. */
static void
set_wait(struct daemon *d, json_t *object, const cpnp_store_row *row)
{
	const cpnp_order *order = cpnp_orders_find(d->orders, CPNP_SERVER,
	    row->peer_identity, row->customer_order_id);
	cpnp_wait wait;

	(void)json_object_set_new(
	    object, "in_memory", json_boolean(order != NULL));
	if (cpnp_store_row_rests(row))
		(void)json_object_set_new(
		    object, "waits_until", cpnpd_ctl_time(row->service));
	if (order == NULL)
		return;
	cpnp_order_wait(order, &wait);
	if (wait.what == NULL)
		return;
	(void)json_object_set_new(
	    object, "waits_for", json_string(wait.what));
	if (wait.has_until)
		(void)json_object_set_new(
		    object, "waits_until", cpnpd_ctl_time(wait.until));
}

static int
put_whole(void *user, const cpnp_store_row *row)
{
	struct conn *c = user;
	struct daemon *d = cpnpd_ctl_daemon(c);
	json_t *object, *history;
	int err;

	if (!is_of_customer(&c->request, row))
		return 0;
	if (c->cursor == CPNPD_CTL_SHOW_MAX)
		return CPNP_ERR_FULL;
	object = row_object(row);
	history = json_array();
	set_wait(d, object, row);
	set_standing(object, row);
	set_terms(object, row);
	err = cpnpd_ledger_order_json(d, object, row);
	if (err == 0)
		err = cpnpd_children_json(d, object, row);
	if (err == 0)
		err = cpnp_store_each_event(d->store, row, add_event, history);
	(void)json_object_set_new(object, "history", history);
	cpnpd_ctl_put(c, object);
	c->cursor++;
	return err;
}

int
cpnpd_ctl_show(struct conn *c, bool *more, cpnp_diag *why)
{
	int err = cpnp_store_search(cpnpd_ctl_daemon(c)->store,
	    cpnp_bytes_str(c->request.order), put_whole, c);

	(void)more;
	if (err == CPNP_ERR_FULL)
		return cpnpd_ctl_fail(why, err, "more than %d orders have "
		    "that name; name the customer too", CPNPD_CTL_SHOW_MAX);
	if (err == 0 && c->cursor == 0)
		return cpnpd_ctl_fail(why, CPNP_ERR_NOT_FOUND, "there is no "
		    "order \"%.128s\"; expected the identifier of the "
		    "customer or the provider, see cpnpctl orders",
		    c->request.order);
	return err;
}

/* ---- customers ---- */

static void
put_customer(struct conn *c, size_t i)
{
	struct daemon *d = cpnpd_ctl_daemon(c);
	const cpnp_conf_customer *customer = &d->conf->customers[i];
	cpnp_bytes identity = cpnp_bytes_str(customer->identity);
	json_t *object = json_object();

	set_text(object, "customer", identity);
	(void)json_object_set_new(
	    object, "may_order", json_boolean(customer->may_order));
	(void)json_object_set_new(
	    object, "open_orders", json_integer((json_int_t)d->use[i].open));
	(void)json_object_set_new(object, "open_orders_max",
	    json_integer((json_int_t)customer->open_max));
	(void)json_object_set_new(object, "memory",
	    json_integer((json_int_t)d->use[i].memory));
	(void)json_object_set_new(object, "memory_max",
	    json_integer((json_int_t)customer->memory_max));
	(void)json_object_set_new(object, "held",
	    json_integer(cpnp_capacity_held(d->capacity, identity)));
	if (customer->held_max != UINT64_MAX)
		(void)json_object_set_new(object, "held_max",
		    json_integer((json_int_t)customer->held_max));
	cpnpd_ctl_put(c, object);
}

int
cpnpd_ctl_customers(struct conn *c, bool *more, cpnp_diag *why)
{
	const cpnp_conf *conf = cpnpd_ctl_daemon(c)->conf;
	size_t n;

	(void)why;
	for (n = 0; n < CPNPD_CTL_STEP && c->cursor < conf->customers_n; n++)
		put_customer(c, (size_t)c->cursor++);
	*more = c->cursor < conf->customers_n;
	return 0;
}

/* ---- counters ---- */

static void
put_counter(struct conn *c, const char *group, const char *name,
    uint64_t value, const char *text)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "group", json_string(group));
	(void)json_object_set_new(object, "name", json_string(name));
	(void)json_object_set_new(
	    object, "value", json_integer((json_int_t)value));
	(void)json_object_set_new(object, "text", json_string(text));
	cpnpd_ctl_put(c, object);
}

static int
put_queues(struct conn *c, const cpnp_net_counters *net)
{
	struct daemon *d = cpnpd_ctl_daemon(c);
	cpnpd_events_status events;
	int err = cpnpd_events_get_status(d, &events);
	const struct {
		const char *name;
		uint64_t value;
		const char *text;
	} queues[] = {
		{"orders", cpnp_orders_count(d->orders), "orders in memory"},
		{"memory", cpnp_orders_memory(d->orders),
		    "bytes that the orders in memory hold"},
		{"batch", d->current == NULL ? 0
			: cpnp_store_batch_count(d->current->store),
		    "events that wait for the writer"},
		{"batches", cpnp_store_pending(d->store),
		    "batches with the writer"},
		{"sessions", net->sessions, "DTLS sessions"},
		{"handshakes", net->handshakes, "handshakes under way"},
		{"resumable", net->resumable, "sessions that can be resumed"},
		{"addresses", net->addresses, "proved UDP addresses"},
		{"approvals", d->approvals->n, "orders that wait for approval"},
		{"notices", d->approvals->notices_n,
		    "programs that tell of orders that wait"},
		{"control", cpnpd_ctl_count(d), "control connections"},
		{"event_newest", events.newest, "number of the newest event"},
		{"event_acknowledged", events.acknowledged,
		    "number up to which events are acknowledged"},
		{"event_lag", events.newest - events.acknowledged,
		    "the one minus the other"},
		{"events_in_flight", events.in_flight,
		    "events given and not acknowledged"},
	};
	size_t i;

	for (i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		put_counter(c, "queue", queues[i].name, queues[i].value,
		    queues[i].text);
	return err;
}

int
cpnpd_ctl_counters(struct conn *c, bool *more, cpnp_diag *why)
{
	const struct daemon *d = cpnpd_ctl_daemon(c);
	cpnp_net_counters net;

	(void)more;
	(void)why;
	cpnp_net_get_counters(d->net, &net);
#define X(name, text) put_counter(c, "cpnpd", #name, d->counters.name, text);
	CPNPD_COUNTER_MAP(X)
#undef X
#define X(name, text) put_counter(c, "net", #name, net.name, text);
	CPNP_NET_COUNTER_MAP(X)
#undef X
	return put_queues(c, &net);
}
