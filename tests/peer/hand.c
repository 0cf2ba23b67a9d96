/*
 * Messages by hand, and outcomes in short.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

/* What an order knows, from the documents that it keeps. */
static void
copy_offer(const cpnp_order *order, cpnp_msg *msg)
{
	static cpnp_msg doc;

	msg->nonce = CPNP_BYTES_LIT("0123456789abcdef");
	msg->service_description = PEER_SERVICE_80;
	msg->options.has_cost = true;
	msg->options.cost = (cpnp_money){
	    .amount = 1, .code = CPNP_BYTES_LIT("EUR"), .exponent = 2};
	if (cpnp_order_doc(order, CPNP_DOC_OFFER).len == 0)
		return;
	if (cpnp_msg_decode(
		&doc, cpnp_order_doc(order, CPNP_DOC_OFFER), NULL) != 0)
		abort();
	msg->nonce = doc.nonce;
	msg->service_description = doc.service_description;
	msg->options = doc.options;
	msg->validity_offer_time = doc.validity_offer_time;
	msg->settlement_terms = doc.settlement_terms;
}

cpnp_msg
peer_hand(const struct peer *p, const char *id, cpnp_method method)
{
	const cpnp_order *order = peer_order(p, id);
	cpnp_msg msg = {.edition = cpnp_order_edition(order),
	    .method = method};

	msg.sequence_number = UINT32_C(0xfffffff0);
	msg.transaction_id = cpnp_order_transaction_id(order);
	msg.customer_order_id = cpnp_order_customer_id(order);
	msg.provider_order_id = cpnp_order_provider_id(order);
	if (msg.provider_order_id.len == 0)
		msg.provider_order_id = CPNP_BYTES_LIT("P-made-up");
	msg.validity_offer_time.sec = p->now.wall.sec + 300;
	copy_offer(order, &msg);
	msg.status = CPNP_STATUS_OUT_OF_RESOURCES;
	msg.activation_schedule.deactivate = true;
	msg.expected_response_time.sec = p->now.wall.sec + 500;
	for (unsigned attr = 0; attr < CPNP_ATTR_END; attr++) {
		cpnp_presence presence =
		    cpnp_grammar(msg.edition, method, (cpnp_attr)attr);

		if (presence == CPNP_MANDATORY)
			msg.present |= CPNP_ATTR_BIT(attr);
	}
	/* Where there is no number, something else tells it from the messages
	 * of the other side itself. */
	msg.hop_limit = 9;
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_HOP_LIMIT);
	if (method == CPNP_METHOD_FAIL || method == CPNP_METHOD_UPDATE)
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
		    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
		    CPNP_ATTR_BIT(CPNP_ATTR_PROVIDER_ORDER_ID);
	if (method == CPNP_METHOD_UPDATE)
		msg.present |=
		    CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_RESPONSE_TIME);
	if (method == CPNP_METHOD_ACK)
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	if (method == CPNP_METHOD_OFFER || method == CPNP_METHOD_ACCEPT)
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	if (method == CPNP_METHOD_ACCEPT && msg.settlement_terms.len > 0) {
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_SETTLEMENT_TERMS) |
		    CPNP_ATTR_BIT(CPNP_ATTR_PAYMENT_AUTHORIZATION);
		msg.payment_authorization = PEER_PAYMENT;
	}
	return msg;
}

int
peer_feed_msg(struct peer *p, const cpnp_msg *msg)
{
	static uint8_t store[CPNP_MSG_MAX];
	cpnp_diag diag = {0};
	cpnp_buf buf;
	int err;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = cpnp_msg_encode(msg, &buf, &diag);
	if (err != 0) {
		(void)fprintf(stderr, "%s: %s: %s\n", diag.where, diag.why,
		    cpnp_strerror(err));
		abort();
	}
	return peer_feed(p, p->other, cpnp_buf_bytes(&buf));
}

int
peer_quote(struct peer *p, const char *customer_order_id)
{
	cpnp_msg msg = {.edition = CPNP_EDITION_RFC8921,
	    .method = CPNP_METHOD_QUOTATION,
	    .sequence_number = 5,
	    .transaction_id = CPNP_BYTES_LIT("transaction1"),
	    .service_description = PEER_SERVICE};

	msg.customer_order_id = cpnp_bytes_str(customer_order_id);
	msg.present = CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER) |
	    CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	return peer_feed_msg(p, &msg);
}

const char *
peer_state_short(const char *name)
{
	static const char *const shorts[][2] = {{"none", "--"},
	    {"Created", "CR"}, {"AwaitingProcessing", "AW"},
	    {"PQOSent", "PS"}, {"ServerProcessing", "SP"},
	    {"OfferReceived", "OR"}, {"OfferProcessing", "OP"},
	    {"AcceptSent", "AS"}, {"Completed", "CO"}, {"Cancelled", "CA"},
	    {"PQOReceived", "PR"}, {"OfferProposed", "OF"},
	    {"ProcessingReceived", "PC"}, {"AcceptReceived", "AR"}};

	if (strncmp(name, "Child", 5) == 0)
		name += 5;
	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
		if (strncmp(name, shorts[i][0], strlen(shorts[i][0])) == 0)
			return shorts[i][1];
	return "??";
}

static void
add(char *out, size_t size, const char *sep, const char *word)
{
	size_t len = strlen(out);

	(void)snprintf(
	    out + len, size - len, "%s%s", len > 0 ? sep : "", word);
}

/* One effect of the trace. */
static void
shorten(char *out, size_t size, char *word)
{
	char *arrow = strstr(word, "->"), *again = strstr(word, " again");

	if (again != NULL)
		(void)snprintf(again, 7, "~");
	if (arrow != NULL || strcmp(word, "keep") == 0)
		return;
	if (strcmp(word, "end") == 0)
		add(out, size, " ", ".");
	else if (strcmp(word, "forget") == 0)
		add(out, size, " ", ",");
	else
		add(out, size, " ", word);
}

const char *
peer_outcome(struct peer *p, int err)
{
	static char out[256];
	char copy[PEER_TRACE_MAX], *word, *rest = copy;
	const char *to = NULL;

	out[0] = '\0';
	(void)snprintf(copy, sizeof(copy), "%s", p->trace);
	for (word = copy; (word = strstr(word, "->")) != NULL; word += 2)
		to = peer_state_short(word + 2);
	if (to != NULL)
		add(out, sizeof(out), " ", to);
	else if (strstr(copy, "!;") == NULL && strstr(copy, ";") != NULL &&
	    strcmp(copy, "forget;") != 0)
		add(out, sizeof(out), " ", "=");
	while ((word = strsep(&rest, ";")) != NULL && *word != '\0')
		shorten(out, sizeof(out), word);
	if (out[0] != '\0')
		return out;
	if (err == CPNP_ERR_STATE)
		return "S";
	if (err == 0)
		return "-";
	return cpnp_error_is_peer(err) ? "x" : cpnp_error_name(err);
}
