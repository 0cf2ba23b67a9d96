/*
 * What a program is asked for a decision, and what it answers, cpnpd.conf(5).
 * The program is the provider's, and its answer is read as if it were not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <cpnp/xml.h>

#include "approval.h"
#include "conf_value.h"
#include "ctl.h"
#include "decider.h"

#define VALIDITY_SECONDS_MAX 31622400 /* 366 days */

/* ---- the question ---- */

static void
set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

/* A service description as XML; null when it is another kind of service. */
static json_t *
service_xml(cpnp_bytes description)
{
	json_t *value = NULL;
	cpnp_arena arena;
	cpnp_cpd cpd;
	cpnp_buf text;

	cpnp_arena_init(&arena);
	cpnp_buf_init(&text, &arena.mem, CPNP_XML_MAX);
	if (cpnp_cpd_decode(&cpd, description, &arena.mem, NULL) == 0 &&
	    cpnp_cpd_to_xml(&cpd, &text) == 0)
		value = cpnpd_ctl_text(cpnp_buf_bytes(&text));
	cpnp_arena_fini(&arena);
	return value != NULL ? value : json_null();
}

static json_t *
explanations(const cpnp_decision *decision)
{
	json_t *list = json_array(), *object;
	const cpnp_explanation *x;
	size_t i;

	for (i = 0; i < decision->explanations_n; i++) {
		x = &decision->explanations[i];
		object = json_object();
		set(object, "clause", cpnpd_ctl_text(x->clause));
		set(object, "reason", cpnpd_ctl_text(x->reason));
		if (x->limit.len > 0)
			set(object, "limit", cpnpd_ctl_text(x->limit));
		if (x->would_fit.len > 0)
			set(object, "would_fit", cpnpd_ctl_text(x->would_fit));
		(void)json_array_append_new(list, object);
	}
	return list;
}

/* What the offer would hold. */
static json_t *
holds(const struct daemon *d, const cpnp_order *order)
{
	json_t *list = json_array(), *object;
	cpnp_store_hold *rows;
	size_t i, n;

	if (cpnp_capacity_rows(
		d->capacity, cpnp_order_ref(order), &rows, &n) != 0)
		return list;
	for (i = 0; i < n; i++) {
		if (rows[i].bought)
			continue;
		object = json_object();
		set(object, "resource", json_string(rows[i].resource));
		set(object, "amount",
		    json_integer((json_int_t)rows[i].amount));
		set(object, "from", cpnpd_ctl_time(rows[i].from));
		if (rows[i].until.sec < CPNP_WTIME_MAX)
			set(object, "until", cpnpd_ctl_time(rows[i].until));
		(void)json_array_append_new(list, object);
	}
	free(rows);
	return list;
}

static json_t *
own_offer(const struct daemon *d, const cpnp_order *order,
    const cpnp_decision *decision)
{
	json_t *object = json_object();

	set(object, "service",
	    service_xml(decision->offer.service_description));
	if (decision->offer.has_cost)
		set(object, "cost", cpnpd_ctl_cost(&decision->offer.cost));
	set(object, "validity", cpnpd_ctl_time(decision->offer.validity));
	set(object, "explanations", explanations(decision));
	set(object, "holds", holds(d, order));
	if (decision->escalates.len > 0)
		set(object, "escalates", cpnpd_ctl_text(decision->escalates));
	return object;
}

static json_t *
customer(const struct daemon *d, const cpnp_order *order)
{
	cpnp_bytes identity = cpnp_order_peer_identity(order);
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, identity);
	json_t *object = json_object();

	set(object, "identity", cpnpd_ctl_text(identity));
	if (c == NULL)
		return object;
	set(object, "verified", json_boolean(c->verified));
	if (c->profile.value != NULL)
		set(object, "profile", json_string(c->profile.value));
	if (c->account.value != NULL)
		set(object, "account", json_string(c->account.value));
	return object;
}

char *
cpnpd_decider_question(const struct daemon *d, const cpnp_order *order,
    const cpnp_msg *request, const cpnp_decision *decision)
{
	json_t *object = json_object();
	cpnp_agreement standing;
	cpnp_wait wait;
	char *text;

	set(object, "event", json_string("decide"));
	set(object, "customer", customer(d, order));
	set(object, "customer_order",
	    cpnpd_ctl_text(cpnp_order_customer_id(order)));
	set(object, "provider_order",
	    cpnpd_ctl_text(cpnp_order_provider_id(order)));
	set(object, "method", json_string(cpnp_method_name(
	    request->edition, (int)request->method)));
	set(object, "service", service_xml(request->service_description));
	if (cpnp_msg_has(request, CPNP_ATTR_NEGOTIATION_OPTIONS)) {
		set(object, "test", json_boolean(
		    request->options.purpose == CPNP_PURPOSE_TEST));
		if (request->options.has_cost && !request->options.cost_empty)
			set(object, "cost_wish",
			    cpnpd_ctl_cost(&request->options.cost));
	}
	cpnp_order_wait(order, &wait);
	if (wait.has_until)
		set(object, "deadline", cpnpd_ctl_time(wait.until));
	if (request->method == CPNP_METHOD_UPDATE &&
	    cpnp_order_get_standing(order, &standing) == 0)
		set(object, "standing",
		    service_xml(standing.service_description));
	if (decision != NULL)
		set(object, "offer", own_offer(d, order, decision));
	text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	return text;
}

/* ---- the answer ---- */

static void __attribute__((format(printf, 2, 3)))
fail(cpnpd_answer *a, const char *format, ...)
{
	va_list ap;

	a->kind = CPNPD_ANSWER_NONE;
	va_start(ap, format);
	vsnprintf(a->why, sizeof(a->why), format, ap);
	va_end(ap);
}

/* A text that may go to a customer. */
static bool
read_text(cpnpd_answer *a, const char *name, const json_t *value,
    cpnp_bytes *out)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value), i;

	for (i = 0; text != NULL && i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			break;
	if (text == NULL || len > CPNP_TEXT_MAX || i < len) {
		fail(a, "its answer has no such %s; expected a text of up to "
		    "%d bytes without control characters", name,
		    CPNP_TEXT_MAX);
		return false;
	}
	*out = (cpnp_bytes){(const uint8_t *)text, len};
	return true;
}

static bool
read_explanation(cpnpd_answer *a, const json_t *object)
{
	cpnp_explanation *x = &a->explanations[a->explanations_n];
	const char *key;
	json_t *value;
	bool ok = json_is_object(object);

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (strcmp(key, "clause") == 0)
			ok = ok && read_text(a, key, value, &x->clause);
		else if (strcmp(key, "reason") == 0)
			ok = ok && read_text(a, key, value, &x->reason);
		else if (strcmp(key, "limit") == 0)
			ok = ok && read_text(a, key, value, &x->limit);
		else if (strcmp(key, "would_fit") == 0)
			ok = ok && read_text(a, key, value, &x->would_fit);
		else
			ok = false;
	}
	if (ok)
		a->explanations_n++;
	else if (a->kind != CPNPD_ANSWER_NONE)
		fail(a, "its answer has an explanation that is none; expected "
		    "an object of clause, reason, limit and would_fit");
	return ok;
}

static bool
read_explanations(cpnpd_answer *a, const json_t *list)
{
	size_t i;

	if (!json_is_array(list) ||
	    json_array_size(list) > CPNP_EXPLANATIONS_MAX) {
		fail(a, "its answer has no such explanations; expected a list "
		    "of up to %d", CPNP_EXPLANATIONS_MAX);
		return false;
	}
	for (i = 0; i < json_array_size(list); i++)
		if (!read_explanation(a, json_array_get(list, i)))
			return false;
	return true;
}

static bool
read_status(cpnpd_answer *a, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (n == CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED ||
	    n == CPNP_STATUS_OUT_OF_RESOURCES ||
	    n == CPNP_STATUS_NETWORK_PRESENCE) {
		a->status = (cpnp_status)n;
		return true;
	}
	fail(a, "its answer has no such status; expected 4, 5 or 6");
	return false;
}

/* The service that it offers instead of what is asked for. */
static bool
read_service(cpnpd_answer *a, const json_t *value)
{
	cpnp_bytes xml = {(const uint8_t *)json_string_value(value),
		json_string_length(value)};
	cpnp_diag diag = {0};
	cpnp_cpd cpd = {0};
	cpnp_buf buf;
	int err = xml.ptr == NULL ? CPNP_ERR_XML
	    : cpnp_cpd_from_xml(&cpd, xml, &cpnpd_heap, &diag);

	a->service = err == 0 ? malloc(CPNP_CPD_MAX) : NULL;
	if (err == 0 && a->service == NULL)
		err = CPNP_ERR_NOMEM;
	if (err == 0) {
		cpnp_buf_init_fixed(&buf, a->service, CPNP_CPD_MAX);
		err = cpnp_cpd_encode(&cpd, &buf);
	}
	if (err == 0)
		a->told.service = cpnp_buf_bytes(&buf);
	else
		fail(a, "its service cannot be read: %.60s: %.150s",
		    diag.where, diag.why[0] != '\0' ? diag.why
						    : cpnp_strerror(err));
	cpnp_cpd_fini(&cpd);
	return err == 0;
}

static bool
read_kind(cpnpd_answer *a, const json_t *value)
{
	static const char *const names[] = {
		"", "offer", "refuse", "escalate"};
	const char *text = json_string_value(value);
	int i;

	for (i = CPNPD_ANSWER_OFFER; i <= CPNPD_ANSWER_ESCALATE; i++)
		if (text != NULL && strcmp(text, names[i]) == 0) {
			a->kind = (cpnpd_answer_kind)i;
			return true;
		}
	fail(a, "its answer has no decision; expected offer, refuse or "
	    "escalate");
	return false;
}

static bool
read_member(cpnpd_answer *a, const char *key, const json_t *value)
{
	cpnp_bytes text;
	json_int_t n;

	if (strcmp(key, "decision") == 0)
		return true; /* read first */
	if (strcmp(key, "reason") == 0) {
		if (!read_text(a, key, value, &text))
			return false;
		snprintf(a->why, sizeof(a->why), "%.*s", (int)text.len,
		    (const char *)text.ptr);
		return true;
	}
	if (strcmp(key, "explanations") == 0)
		return read_explanations(a, value);
	if (strcmp(key, "status") == 0 && a->kind == CPNPD_ANSWER_REFUSE)
		return read_status(a, value);
	if (a->kind == CPNPD_ANSWER_OFFER && strcmp(key, "service") == 0)
		return read_service(a, value);
	if (a->kind == CPNPD_ANSWER_OFFER && strcmp(key, "cost") == 0) {
		a->has_money = true;
		if (json_is_string(value) && cpnp_conf_parse_money(
		    json_string_value(value), &a->money))
			return true;
		fail(a, "its answer has no such cost; expected an amount and "
		    "its token, such as \"12.34 EUR\"");
		return false;
	}
	if (a->kind == CPNPD_ANSWER_OFFER && strcmp(key, "validity") == 0) {
		n = json_integer_value(value);
		a->told.validity = n > 0 ? (uint64_t)n : 0;
		if (n >= 1 && n <= VALIDITY_SECONDS_MAX)
			return true;
		fail(a, "its answer has no such validity; expected seconds, "
		    "up to 366 days");
		return false;
	}
	fail(a, "its answer has a member %.40s, which does not go with its "
	    "decision; see cpnpd.conf(5)", key);
	return false;
}

void
cpnpd_answer_parse(cpnpd_answer *a, cpnp_bytes text)
{
	json_error_t error = {.text = ""};
	const char *key;
	json_t *value;

	*a = (cpnpd_answer){.status = CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED};
	a->json = json_loadb(text.len > 0 ? (const char *)text.ptr : "",
	    text.len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(a->json)) {
		fail(a, "its answer is no JSON object: %.150s", error.text);
		return;
	}
	if (!read_kind(a, json_object_get(a->json, "decision")))
		return;
	json_object_foreach(a->json, key, value)
		if (!read_member(a, key, value))
			return;
}

void
cpnpd_answer_fini(cpnpd_answer *a)
{
	json_decref(a->json);
	free(a->service);
	a->json = NULL;
	a->service = NULL;
}
