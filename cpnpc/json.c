/*
 * What cpnpc knows, as JSON.  Identifiers and texts are strings, other bytes
 * hexadecimal, dates RFC 3339, documents the XML that cpnpc validate takes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/cpd.h>
#include <cpnp/net.h>
#include <cpnp/xml.h>

#include "cpnpc.h"

#define XML_MAX ((size_t)16 << 20)

void
cpnpc_json_print(json_t *value, cpnpc_exit code)
{
	(void)json_object_set_new(value, "exit", json_integer((int)code));
	if (value != NULL)
		(void)json_dumpf(
		    value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(value);
}

json_t *
cpnpc_json_hex(cpnp_bytes bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * bytes.len + 1);
	json_t *value;
	size_t i;

	if (text == NULL)
		return NULL;
	for (i = 0; i < bytes.len; i++) {
		text[2 * i] = digits[bytes.ptr[i] >> 4];
		text[2 * i + 1] = digits[bytes.ptr[i] & 0x0f];
	}
	value = json_stringn(text, 2 * bytes.len);
	free(text);
	return value;
}

/* jansson refuses what is not UTF-8; such bytes are shown as they are. */
json_t *
cpnpc_json_text(cpnp_bytes text)
{
	json_t *value = json_stringn((const char *)text.ptr, text.len);

	return value != NULL ? value : cpnpc_json_hex(text);
}

json_t *
cpnpc_json_time(cpnp_wtime time)
{
	char text[CPNP_DATE_LEN];

	if (cpnp_date_format(CPNP_EDITION_RFC8921, time, text) != 0)
		return json_integer(time.sec);
	return json_string(text);
}

/* Set what there is; absent texts are left out. */
static void
set_text(json_t *object, const char *key, cpnp_bytes text)
{
	if (text.len > 0)
		(void)json_object_set_new(object, key, cpnpc_json_text(text));
}

static void
set_hex(json_t *object, const char *key, cpnp_bytes bytes)
{
	if (bytes.len > 0)
		(void)json_object_set_new(object, key, cpnpc_json_hex(bytes));
}

static void
set_time(json_t *object, const char *key, bool is_set, cpnp_wtime time)
{
	if (is_set)
		(void)json_object_set_new(object, key, cpnpc_json_time(time));
}

json_t *
cpnpc_json_money(const cpnp_money *money)
{
	char text[CPNPC_MONEY_LEN];
	json_t *object = json_object();

	cpnpc_money_format(money, text);
	*strchr(text, ' ') = '\0';
	(void)json_object_set_new(object, "amount", json_string(text));
	set_text(object, "code", money->code);
	set_text(object, "issuer", money->issuer);
	return object;
}

json_t *
cpnpc_json_explanations(const cpnp_explanation *list, size_t n)
{
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < n; i++) {
		object = json_object();
		set_text(object, "clause", list[i].clause);
		set_text(object, "reason", list[i].reason);
		set_text(object, "limit", list[i].limit);
		set_text(object, "would_fit", list[i].would_fit);
		(void)json_array_append_new(array, object);
	}
	return array;
}

/* The document in words; when it cannot be read, why. */
static void
set_document(json_t *object, cpnp_bytes description)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	cpnp_diag diag = {0};
	cpnp_cpd cpd = {0};
	cpnp_buf buf;
	int err;

	cpnp_buf_init(&buf, mem, XML_MAX);
	err = cpnp_cpd_decode(&cpd, description, mem, &diag);
	if (err == 0)
		err = cpnp_cpd_to_xml(&cpd, &buf);
	if (err == 0) {
		set_text(object, "xml", cpnp_buf_bytes(&buf));
	} else {
		(void)json_object_set_new(
		    object, "error", json_string(cpnp_strerror(err)));
		set_text(object, "where", cpnp_bytes_str(diag.where));
		set_text(object, "why", cpnp_bytes_str(diag.why));
		set_hex(object, "hex", description);
	}
	cpnp_cpd_fini(&cpd);
	cpnp_buf_fini(&buf);
}

json_t *
cpnpc_json_service(cpnp_bytes description)
{
	json_t *object = json_object();
	uint64_t type;

	if (cpnp_service_type(description, &type) != 0) {
		set_hex(object, "hex", description);
		return object;
	}
	/* jansson's integers are signed; a larger one is a string */
	(void)json_object_set_new(object, "type",
	    type <= INT64_MAX ? json_integer((json_int_t)type)
			      : json_sprintf("%" PRIu64, type));
	if (type != CPNP_SERVICE_CPD)
		set_hex(object, "hex", description);
	else if (cpnp_cpd_is_empty(description))
		(void)json_object_set_new(object, "empty", json_true());
	else
		set_document(object, description);
	return object;
}

static void
set_digest(json_t *object, const char *key, bool is_set,
    const uint8_t digest[CPNP_SHA256_LEN])
{
	if (is_set)
		set_hex(object, key, (cpnp_bytes){digest, CPNP_SHA256_LEN});
}

/* The signature is not looked at here: that needs somebody to trust. */
json_t *
cpnpc_json_statement(cpnp_bytes bytes)
{
	json_t *object = json_object();
	cpnp_statement statement;
	cpnp_bytes payload;
	int err;

	err = cpnp_statement_payload(bytes, &payload);
	if (err == 0)
		err = cpnp_statement_decode(&statement, payload, NULL);
	if (err != 0) {
		(void)json_object_set_new(
		    object, "error", json_string(cpnp_strerror(err)));
		set_hex(object, "hex", bytes);
		return object;
	}
	(void)json_object_set_new(object, "type",
	    json_string(cpnp_statement_type_name(statement.type)));
	set_digest(object, "order_reference", true, statement.order_ref);
	set_time(object, "time", true, statement.time);
	set_digest(
	    object, "order_digest", statement.has_digest, statement.digest);
	set_digest(object, "answers", statement.has_answers, statement.answers);
	set_time(object, "validity", statement.type == CPNP_STATEMENT_OFFER,
	    statement.validity);
	(void)json_object_set_new(
	    object, "bytes", json_integer((json_int_t)bytes.len));
	return object;
}

/* ---- messages ---------------------------------------------------------- */

static json_t *
json_schedule(const cpnp_schedule *schedule)
{
	json_t *object;

	if (schedule->deactivate)
		return json_integer(0);
	object = json_object();
	set_time(object, "start", schedule->has_start, schedule->start);
	set_time(object, "end", schedule->has_end, schedule->end);
	return object;
}

static json_t *
json_description(const cpnp_description *description)
{
	json_t *object = json_object(), *telephones;
	size_t i;

	set_text(object, "name", description->name);
	set_text(object, "email", description->email);
	set_text(object, "postal_address", description->postal_address);
	if (description->telephone_n > 0) {
		telephones = json_array();
		for (i = 0; i < description->telephone_n; i++)
			(void)json_array_append_new(telephones,
			    cpnpc_json_text(description->telephone[i]));
		(void)json_object_set_new(object, "telephone", telephones);
	}
	if (description->has_as_number)
		(void)json_object_set_new(
		    object, "as_number", json_integer(description->as_number));
	return object;
}

static json_t *
json_options(const cpnp_negotiation_options *options)
{
	json_t *object = json_object();

	if (options->has_cost)
		(void)json_object_set_new(object, "cost",
		    options->cost_empty ? json_null()
					: cpnpc_json_money(&options->cost));
	if (options->purpose != CPNP_PURPOSE_NONE)
		(void)json_object_set_new(object, "purpose",
		    json_string(options->purpose == CPNP_PURPOSE_TEST
				    ? "test"
				    : "permanent"));
	if (options->no_recursion)
		(void)json_object_set_new(object, "no_recursion", json_true());
	return object;
}

static json_t *
json_reasons(const cpnp_msg *msg)
{
	static const char *const names[] = {
	    [CPNP_REASON_UNACCEPTABLE_GAP] = "unacceptable gap",
	    [CPNP_REASON_CONFLICT] = "conflict",
	    [CPNP_REASON_ACTIVATION_TYPE] = "activation type",
	};
	json_t *array = json_array();
	size_t i, reason;

	for (i = 0; i < msg->reasons_n; i++) {
		reason = (size_t)msg->reasons[i];
		(void)json_array_append_new(array,
		    reason >= 1 && reason < sizeof(names) / sizeof(names[0])
			? json_string(names[reason])
			: json_integer((json_int_t)reason));
	}
	return array;
}

static json_t *
json_path_marks(const cpnp_msg *msg)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < msg->path_marks_n; i++)
		(void)json_array_append_new(
		    array, cpnpc_json_hex(msg->path_marks[i]));
	return array;
}

static json_t *
json_status(cpnp_status status)
{
	return json_pack("{s:i, s:s}", "status", (int)status, "text",
	    cpnp_status_text(status));
}

static json_t *
json_attr(const cpnp_msg *msg, cpnp_attr attr)
{
	switch (attr) {
	case CPNP_ATTR_SEQUENCE_NUMBER:
		return json_integer(msg->sequence_number);
	case CPNP_ATTR_TRANSACTION_ID:
		return cpnpc_json_hex(msg->transaction_id);
	case CPNP_ATTR_CUSTOMER_ORDER_ID:
		return cpnpc_json_text(msg->customer_order_id);
	case CPNP_ATTR_PROVIDER_ORDER_ID:
		return cpnpc_json_text(msg->provider_order_id);
	case CPNP_ATTR_NONCE:
		return cpnpc_json_hex(msg->nonce);
	case CPNP_ATTR_EXPECTED_RESPONSE_TIME:
		return cpnpc_json_time(msg->expected_response_time);
	case CPNP_ATTR_EXPECTED_OFFER_TIME:
		return cpnpc_json_time(msg->expected_offer_time);
	case CPNP_ATTR_VALIDITY_OFFER_TIME:
		return cpnpc_json_time(msg->validity_offer_time);
	case CPNP_ATTR_SERVICE_DESCRIPTION:
		return cpnpc_json_service(msg->service_description);
	case CPNP_ATTR_PROCESSING_SUBCODE:
		return json_integer((json_int_t)msg->processing_subcode);
	case CPNP_ATTR_REASON:
		return json_reasons(msg);
	case CPNP_ATTR_STATUS_CODE:
		return json_status(msg->status);
	case CPNP_ATTR_ACTIVATION_TYPE:
		return json_string(
		    msg->activation_type == CPNP_ACTIVATION_SCHEDULED
			? "scheduled"
			: "permanent");
	case CPNP_ATTR_ACTIVATION_SCHEDULE:
		return json_schedule(&msg->activation_schedule);
	case CPNP_ATTR_CUSTOMER_DESCRIPTION:
		return json_description(&msg->customer_description);
	case CPNP_ATTR_PROVIDER_DESCRIPTION:
		return json_description(&msg->provider_description);
	case CPNP_ATTR_NEGOTIATION_OPTIONS:
		return json_options(&msg->options);
	case CPNP_ATTR_TOTAL_LENGTH:
		return json_integer(msg->total_length);
	case CPNP_ATTR_MESSAGE_DIGEST:
		return cpnpc_json_hex(msg->message_digest);
	case CPNP_ATTR_PART_OFFSET:
		return json_integer(msg->part_offset);
	case CPNP_ATTR_PART:
		return cpnpc_json_hex(msg->part);
	case CPNP_ATTR_PARTS_HELD:
		return cpnpc_json_hex(msg->parts_held);
	case CPNP_ATTR_COOKIE:
		return cpnpc_json_hex(msg->cookie);
	case CPNP_ATTR_EXPLANATION:
		return cpnpc_json_explanations(
		    msg->explanations, msg->explanations_n);
	case CPNP_ATTR_STATEMENT:
		return cpnpc_json_statement(msg->statement);
	case CPNP_ATTR_RECEIPT:
		return cpnpc_json_hex(msg->receipt);
	case CPNP_ATTR_SETTLEMENT_TERMS:
		return cpnpc_json_hex(msg->settlement_terms);
	case CPNP_ATTR_PAYMENT_AUTHORIZATION:
		return cpnpc_json_hex(msg->payment_authorization);
	case CPNP_ATTR_COMMIT_SET:
		return cpnpc_json_hex(msg->commit_set);
	case CPNP_ATTR_PATH_MARKS:
		return json_path_marks(msg);
	case CPNP_ATTR_HOP_LIMIT:
		return json_integer(msg->hop_limit);
	case CPNP_ATTR_ORDER_PROGRESS:
		return cpnpc_json_hex(msg->order_progress);
	case CPNP_ATTR_END:
		break;
	}
	return json_null();
}

json_t *
cpnpc_json_message(const cpnp_msg *msg)
{
	json_t *attributes = json_object();
	cpnp_attr attr;
	const char *name;

	for (attr = 0; attr < CPNP_ATTR_END; attr++) {
		if (!cpnp_msg_has(msg, attr))
			continue;
		name = cpnp_attr_name(msg->edition, attr);
		/* A broken message may carry what its edition has not. */
		if (strcmp(name, "?") == 0)
			name = cpnp_attr_name(CPNP_EDITION_RFC8921, attr);
		(void)json_object_set_new(
		    attributes, name, json_attr(msg, attr));
	}
	return attributes;
}

json_t *
cpnpc_json_datagram(cpnp_bytes datagram, int *err, cpnp_diag *diag)
{
	json_t *object = json_object(), *error;
	cpnp_msg *msg = calloc(1, sizeof(*msg));

	if (msg == NULL) {
		*err = CPNP_ERR_NOMEM;
		return object;
	}
	*diag = (cpnp_diag){0};
	*err = cpnp_msg_decode(msg, datagram, diag);
	if (*err != 0) {
		error = json_object();
		(void)json_object_set_new(
		    error, "code", json_string(cpnp_error_name(*err)));
		(void)json_object_set_new(
		    error, "text", json_string(cpnp_strerror(*err)));
		set_text(error, "where", cpnp_bytes_str(diag->where));
		set_text(error, "why", cpnp_bytes_str(diag->why));
		(void)json_object_set_new(
		    error, "offset", json_integer((json_int_t)diag->offset));
		(void)json_object_set_new(object, "error", error);
	}
	(void)json_object_set_new(
	    object, "bytes", json_integer((json_int_t)datagram.len));
	if ((msg->present & CPNP_MSG_HEAD_READ) != 0) {
		(void)json_object_set_new(object, "edition",
		    json_string(cpnp_edition_name(msg->edition)));
		(void)json_object_set_new(object, "method",
		    json_string(
			cpnp_method_name(msg->edition, (int)msg->method)));
		(void)json_object_set_new(
		    object, "attributes", cpnpc_json_message(msg));
	}
	free(msg);
	return object;
}

/* ---- orders ------------------------------------------------------------ */

/* What an UPDATE makes of the agreement. */
static void
set_updates(json_t *object, const cpnpc_offer *offer)
{
	const cpnp_money *before = cpnpc_offer_cost_before(offer);
	json_t *updates = json_array(), *update;
	size_t i;

	if (before != NULL)
		(void)json_object_set_new(
		    object, "price_before", cpnpc_json_money(before));
	for (i = 0; i < offer->updates_n && i < CPNPC_CHANGES_MAX; i++) {
		const cpnp_cpd_change *c = &offer->updates[i];

		update = json_object();
		set_text(update, "clause", cpnp_bytes_str(c->path));
		set_text(update, "agreed", cpnp_bytes_str(c->before));
		set_text(update, "offered", cpnp_bytes_str(c->after));
		(void)json_array_append_new(updates, update);
	}
	(void)json_object_set_new(object, "updates", updates);
}

json_t *
cpnpc_json_offer(const cpnpc_offer *offer)
{
	json_t *object = json_object(), *changes = json_array(), *change;
	const cpnp_money *cost = cpnpc_offer_cost(offer);
	const cpnp_msg *msg = &offer->offer;
	size_t i;

	(void)json_object_set_new(
	    object, "as_requested", json_boolean(offer->exact));
	if (cost != NULL)
		(void)json_object_set_new(
		    object, "price", cpnpc_json_money(cost));
	if (offer->has_terms && offer->terms_fault[0] == '\0')
		(void)json_object_set_new(object, "payment",
		    cpnpc_json_terms(&offer->terms, offer->payer));
	else if (offer->has_terms)
		set_text(object, "payment_fault",
		    cpnp_bytes_str(offer->terms_fault));
	set_time(object, "valid_until", true, msg->validity_offer_time);
	for (i = 0; i < offer->changes_n && i < CPNPC_CHANGES_MAX; i++) {
		change = json_object();
		set_text(
		    change, "clause", cpnp_bytes_str(offer->changes[i].path));
		set_text(change, "requested",
		    cpnp_bytes_str(offer->changes[i].before));
		set_text(
		    change, "offered", cpnp_bytes_str(offer->changes[i].after));
		(void)json_array_append_new(changes, change);
	}
	(void)json_object_set_new(object, "changes", changes);
	if (offer->is_update)
		set_updates(object, offer);
	if (cpnp_msg_has(msg, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    msg->options.purpose != CPNP_PURPOSE_NONE)
		set_text(object, "purpose",
		    msg->options.purpose == CPNP_PURPOSE_TEST
			? CPNP_BYTES_LIT("test")
			: CPNP_BYTES_LIT("permanent"));
	if (cpnp_msg_has(msg, CPNP_ATTR_EXPLANATION))
		(void)json_object_set_new(object, "explanations",
		    cpnpc_json_explanations(
			msg->explanations, msg->explanations_n));
	if (cpnp_msg_has(msg, CPNP_ATTR_PROVIDER_DESCRIPTION))
		(void)json_object_set_new(object, "provider_description",
		    json_description(&msg->provider_description));
	(void)json_object_set_new(
	    object, "service", cpnpc_json_service(msg->service_description));
	(void)json_object_set_new(object, "signed",
	    json_boolean(cpnp_msg_has(msg, CPNP_ATTR_STATEMENT)));
	return object;
}

/* Why the provider refused. */
static void
set_refusal(json_t *object, const cpnp_order *order)
{
	cpnp_status status = cpnp_order_status(order);
	cpnp_bytes final = cpnp_order_doc(order, CPNP_DOC_FINAL);
	json_t *refusal;
	cpnp_msg *msg;

	if (status == CPNP_STATUS_NONE)
		return;
	refusal = json_status(status);
	msg = calloc(1, sizeof(*msg));
	if (msg != NULL && final.len > 0 &&
	    cpnp_msg_decode(msg, final, NULL) == 0 &&
	    cpnp_msg_has(msg, CPNP_ATTR_EXPLANATION))
		(void)json_object_set_new(refusal, "explanations",
		    cpnpc_json_explanations(
			msg->explanations, msg->explanations_n));
	free(msg);
	(void)json_object_set_new(object, "refusal", refusal);
}

static void
set_waiting(json_t *object, const cpnp_order *order)
{
	cpnp_wait wait = {0};
	json_t *waiting;

	cpnp_order_wait(order, &wait);
	if (wait.what == NULL)
		return;
	waiting = json_object();
	set_text(waiting, "for", cpnp_bytes_str(wait.what));
	set_time(waiting, "until", wait.has_until, wait.until);
	(void)json_object_set_new(
	    waiting, "tries", json_integer((json_int_t)wait.tries));
	(void)json_object_set_new(object, "waiting", waiting);
}

/* What is paid for it, with what a claim of a breach needs. */
static void
set_payment(
    json_t *object, const cpnp_order *order, cpnp_doc offer, cpnp_doc doc)
{
	json_t *payment = cpnpc_json_payment(order, offer, doc);

	if (payment != NULL)
		(void)json_object_set_new(object, "payment", payment);
}

/* The agreement that stands while an UPDATE of it is open. */
static void
set_standing(json_t *object, const cpnp_order *order)
{
	cpnp_agreement agreement;
	json_t *standing;

	if (cpnp_order_doc(order, CPNP_DOC_STANDING_OFFER).len == 0 ||
	    cpnp_order_get_standing(order, &agreement) != 0)
		return;
	standing = json_object();
	if (agreement.has_cost)
		(void)json_object_set_new(
		    standing, "price", cpnpc_json_money(&agreement.cost));
	if (agreement.purpose != CPNP_PURPOSE_NONE)
		set_text(standing, "purpose",
		    agreement.purpose == CPNP_PURPOSE_TEST
			? CPNP_BYTES_LIT("test")
			: CPNP_BYTES_LIT("permanent"));
	(void)json_object_set_new(standing, "service",
	    cpnpc_json_service(agreement.service_description));
	set_payment(standing, order, CPNP_DOC_STANDING_OFFER,
	    CPNP_DOC_STANDING_PAYMENT);
	(void)json_object_set_new(object, "standing", standing);
}

json_t *
cpnpc_json_order(const cpnp_order *order)
{
	cpnp_wtime next;
	json_t *object = json_object();
	cpnpc_offer *offer;

	set_text(object, "order", cpnp_order_customer_id(order));
	set_text(object, "provider_order", cpnp_order_provider_id(order));
	set_text(object, "provider", cpnp_order_peer_identity(order));
	set_text(object, "client", cpnp_order_identity(order));
	set_text(object, "edition",
	    cpnp_bytes_str(cpnp_edition_name(cpnp_order_edition(order))));
	set_text(object, "state",
	    cpnp_bytes_str(cpnp_state_name(cpnp_order_state(order))));
	(void)json_object_set_new(object, "outstanding",
	    json_boolean(cpnp_order_is_outstanding(order)));
	set_text(object, "agreement",
	    cpnp_bytes_str(
		cpnp_agreement_state_name(cpnp_order_agreement_state(order))));
	set_text(object, "transaction",
	    cpnp_bytes_str(cpnp_method_name(cpnp_order_edition(order),
		(int)cpnp_order_transaction(order))));
	if (cpnp_order_next_service_event(order, &next))
		(void)json_object_set_new(
		    object, "next_service", cpnpc_json_time(next));
	set_standing(object, order);
	set_digest(object, "order_reference", true, cpnp_order_ref(order));
	if (cpnpc_offer_new(&offer, order) == 0) {
		(void)json_object_set_new(
		    object, "offer", cpnpc_json_offer(offer));
		cpnpc_offer_del(offer);
	}
	set_payment(object, order, CPNP_DOC_OFFER, CPNP_DOC_PAYMENT);
	(void)json_object_set_new(
	    object, "receipt", json_boolean(cpnp_order_receipt(order).len > 0));
	set_refusal(object, order);
	set_waiting(object, order);
	return object;
}
