/*
 * One event as JSON, cpnp-events in cpnpctl(8).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cpnp/cpd.h>
#include <cpnp/xml.h>

#include "ctl.h"
#include "events.h"
#include "ledger.h"

#define XML_BYTES_MAX ((size_t)16 << 20)

static void
set(json_t *object, const char *key, const char *text)
{
	(void)json_object_set_new(object, key, json_string(text));
}

static void
set_text(json_t *object, const char *key, cpnp_bytes text)
{
	if (text.len > 0)
		(void)json_object_set_new(object, key, cpnpd_ctl_text(text));
}

static void
set_hex(json_t *object, const char *key, cpnp_bytes bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * bytes.len + 1);
	size_t i;

	if (text == NULL)
		return;
	for (i = 0; i < bytes.len; i++) {
		text[2 * i] = digits[bytes.ptr[i] >> 4];
		text[2 * i + 1] = digits[bytes.ptr[i] & 0x0f];
	}
	(void)json_object_set_new(
	    object, key, json_stringn(text, 2 * bytes.len));
	free(text);
}

static json_t *
order_object(const cpnp_store_change *change)
{
	json_t *object = json_object();
	bool is_server = change->role == CPNP_SERVER;

	set(object, "role", is_server ? "server" : "client");
	set_text(object, is_server ? "customer" : "provider",
	    change->peer_identity);
	set_text(object, "customer_order", change->customer_order_id);
	set_text(object, "provider_order", change->provider_order_id);
	set_hex(object, "reference",
	    (cpnp_bytes){change->order_ref, CPNP_SHA256_LEN});
	return object;
}

/* ---- what it is about ---- */

static bool
changes_agreement(const cpnp_store_event *event)
{
	return event->agreement_from != event->agreement_to;
}

/* Events that tell somebody what to do need to say with what. */
static bool
needs_terms(const cpnp_store_event *event)
{
	if (changes_agreement(event))
		return true;
	if (event->from == event->to)
		return false;
	switch (cpnp_state_of_client(event->to)) {
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	case CPNP_STATE_ACCEPT_SENT:
	case CPNP_STATE_COMPLETED:
		return true;
	case CPNP_STATE_NONE:
	case CPNP_STATE_CREATED:
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_PROCESSING:
	case CPNP_STATE_CANCELLED:
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return false;
}

static int
set_xml(json_t *object, cpnp_bytes description)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	cpnp_diag diag = {0};
	cpnp_cpd cpd = {0};
	cpnp_buf buf;
	int err;

	cpnp_buf_init(&buf, mem, XML_BYTES_MAX);
	err = cpnp_cpd_decode(&cpd, description, mem, &diag);
	if (err == 0)
		err = cpnp_cpd_to_xml(&cpd, &buf);
	if (err == 0)
		set_text(object, "xml", cpnp_buf_bytes(&buf));
	cpnp_cpd_fini(&cpd);
	cpnp_buf_fini(&buf);
	return err;
}

/* As a document when it is a CPD, else as it came. */
static int
set_service(json_t *object, cpnp_bytes description)
{
	json_t *service = json_object();
	uint64_t type;
	int err = 0;

	(void)json_object_set_new(object, "service_description", service);
	if (cpnp_service_type(description, &type) == 0 && type <= INT64_MAX)
		(void)json_object_set_new(
		    service, "type", json_integer((json_int_t)type));
	else
		type = UINT64_MAX;
	if (type == CPNP_SERVICE_CPD)
		err = set_xml(service, description);
	if (err == CPNP_ERR_NOMEM)
		return err;
	if (type != CPNP_SERVICE_CPD || err != 0)
		set_hex(service, "hex", description);
	return 0;
}

static void
set_activation(json_t *object, const cpnp_agreement *agreement)
{
	const cpnp_schedule *schedule = &agreement->activation_schedule;
	json_t *activation;

	if (!agreement->has_activation_type)
		return;
	activation = json_object();
	set(activation, "type",
	    agreement->activation_type == CPNP_ACTIVATION_SCHEDULED
		? "scheduled" : "permanent");
	if (agreement->has_activation_schedule && schedule->has_start)
		(void)json_object_set_new(
		    activation, "start", cpnpd_ctl_time(schedule->start));
	if (agreement->has_activation_schedule && schedule->has_end)
		(void)json_object_set_new(
		    activation, "end", cpnpd_ctl_time(schedule->end));
	(void)json_object_set_new(object, "activation", activation);
}

/* The agreement as it was at the event, which the journal keeps. */
static int
set_terms(struct daemon *d, json_t *object, const cpnp_store_change *change,
    const uint8_t digest[CPNP_SHA256_LEN])
{
	cpnp_agreement agreement;
	cpnp_buf buf;
	int err;

	cpnp_buf_init(&buf, &cpnp_env_openssl()->mem, CPNP_AGREEMENT_MAX);
	err = cpnp_store_agreement(
	    d->store, change->order_ref, digest, &buf);
	if (err == 0)
		err = cpnp_agreement_decode(
		    &agreement, cpnp_buf_bytes(&buf), NULL);
	if (err == 0) {
		(void)json_object_set_new(object, "valid_until",
		    cpnpd_ctl_time(agreement.validity));
		if (agreement.has_cost)
			(void)json_object_set_new(object, "cost",
			    cpnpd_ctl_cost(&agreement.cost));
		if (agreement.purpose != CPNP_PURPOSE_NONE)
			set(object, "purpose",
			    agreement.purpose == CPNP_PURPOSE_TEST
				? "test" : "permanent");
		set_activation(object, &agreement);
		err = set_service(object, agreement.service_description);
	}
	cpnp_buf_fini(&buf);
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

/* ---- what proves it ---- */

static int
set_receipt(struct daemon *d, json_t *object, uint64_t leaf)
{
	cpnp_buf buf;
	int err;

	cpnp_buf_init(
	    &buf, &cpnp_env_openssl()->mem, CPNP_STATEMENT_MAX);
	err = cpnp_store_leaf_receipt(d->store, leaf, &buf);
	if (err == 0)
		set_hex(object, "receipt", cpnp_buf_bytes(&buf));
	cpnp_buf_fini(&buf);
	/* Heads may be unsigned. */
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

static int
set_statement(struct daemon *d, json_t *object,
    const cpnp_store_change *change, cpnp_bytes bytes)
{
	const cpnp_env *env = cpnp_env_openssl();
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_statement statement;
	cpnp_bytes payload;
	json_t *value = json_object();
	bool is_signed;
	int err;

	(void)json_object_set_new(object, "statement", value);
	if (env->sha256(env->user, &bytes, 1, digest) != 0)
		return CPNP_ERR_CRYPTO;
	is_signed = cpnp_statement_payload(bytes, &payload) == 0;
	err = cpnp_statement_decode(
	    &statement, is_signed ? payload : bytes, NULL);
	if (err != 0)
		return err;
	set(value, "type", cpnp_statement_type_name(statement.type));
	set_hex(value, "digest", (cpnp_bytes){digest, sizeof(digest)});
	(void)json_object_set_new(value, "leaf",
	    json_integer((json_int_t)change->event.leaf));
	(void)json_object_set_new(value, "signed", json_boolean(is_signed));
	if (statement.has_digest)
		set_hex(value, "order_digest", (cpnp_bytes){
		    statement.digest, sizeof(statement.digest)});
	if (is_signed || changes_agreement(&change->event))
		err = set_receipt(d, value, change->event.leaf);
	if (err == 0 && statement.has_digest && needs_terms(&change->event))
		err = set_terms(d, object, change, statement.digest);
	return err;
}

static int
set_leaf(struct daemon *d, json_t *object, const cpnp_store_change *change)
{
	cpnp_buf buf;
	int err;

	cpnp_buf_init(
	    &buf, &cpnp_env_openssl()->mem, CPNP_STATEMENT_MAX);
	err = cpnp_store_leaf_statement(d->store, change->event.leaf, &buf);
	if (err == 0)
		err = set_statement(
		    d, object, change, cpnp_buf_bytes(&buf));
	cpnp_buf_fini(&buf);
	return err;
}

int
cpnpd_event_json(
    struct daemon *d, const cpnp_store_change *change, json_t **out)
{
	const cpnp_store_event *event = &change->event;
	json_t *object = json_object();
	int err = 0;

	if (object == NULL)
		return CPNP_ERR_NOMEM;
	(void)json_object_set_new(
	    object, "number", json_integer((json_int_t)event->number));
	(void)json_object_set_new(
	    object, "time", cpnpd_ctl_time(event->time));
	(void)json_object_set_new(object, "order", order_object(change));
	set(object, "event", cpnp_event_name(event->event));
	set(object, "from", cpnpd_ctl_state(event->from));
	set(object, "to", cpnpd_ctl_state(event->to));
	set(object, "agreement_from",
	    cpnp_agreement_state_name(event->agreement_from));
	set(object, "agreement_to",
	    cpnp_agreement_state_name(event->agreement_to));
	set_text(object, "detail", event->detail);
	err = cpnpd_ledger_outcome_json(object, event->outcome);
	if (err == 0 && event->has_leaf)
		err = set_leaf(d, object, change);
	else if (err == 0)
		(void)json_object_set_new(object, "statement", json_null());
	if (err != 0) {
		json_decref(object);
		return err;
	}
	*out = object;
	return 0;
}
