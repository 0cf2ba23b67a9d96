/*
 * Agreements and the openings of order references.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "codec.h"
#include "fault.h"

/* Keys of the map, in the order in which they are written. */
enum key {
	KEY_CLIENT = 1,
	KEY_PROVIDER,
	KEY_CUSTOMER_ORDER_ID,
	KEY_PROVIDER_ORDER_ID,
	KEY_TRANSACTION_ID,
	KEY_NONCE,
	KEY_SERVICE_DESCRIPTION,
	KEY_COST,
	KEY_VALIDITY,
	KEY_ACTIVATION_TYPE,
	KEY_ACTIVATION_SCHEDULE,
	KEY_SETTLEMENT_TERMS,
	KEY_PURPOSE,
	KEY_END
};

#define BIT(key) (1u << (key))
#define OPTIONAL_KEYS                                                          \
	(BIT(KEY_COST) | BIT(KEY_ACTIVATION_TYPE) |                            \
	    BIT(KEY_ACTIVATION_SCHEDULE) | BIT(KEY_SETTLEMENT_TERMS) |         \
	    BIT(KEY_PURPOSE))
#define MANDATORY_KEYS ((BIT(KEY_END) - BIT(KEY_CLIENT)) & ~OPTIONAL_KEYS)

static const char *const key_names[KEY_END] = {
    [KEY_CLIENT] = "client identity",
    [KEY_PROVIDER] = "provider identity",
    [KEY_CUSTOMER_ORDER_ID] = "customer order identifier",
    [KEY_PROVIDER_ORDER_ID] = "provider order identifier",
    [KEY_TRANSACTION_ID] = "transaction id",
    [KEY_NONCE] = "nonce",
    [KEY_SERVICE_DESCRIPTION] = "service description",
    [KEY_COST] = "cost",
    [KEY_VALIDITY] = "validity",
    [KEY_ACTIVATION_TYPE] = "activation type",
    [KEY_ACTIVATION_SCHEDULE] = "activation schedule",
    [KEY_SETTLEMENT_TERMS] = "settlement terms",
    [KEY_PURPOSE] = "purpose",
};

int
cpnp_agreement_from_msg(cpnp_agreement *agreement, const cpnp_msg *msg,
    cpnp_bytes client, cpnp_bytes provider)
{
	if (msg->method != CPNP_METHOD_OFFER &&
	    msg->method != CPNP_METHOD_ACCEPT)
		return CPNP_ERR_INVALID;
	*agreement = (cpnp_agreement){
	    .client = client,
	    .provider = provider,
	    .customer_order_id = msg->customer_order_id,
	    .provider_order_id = msg->provider_order_id,
	    .transaction_id = msg->transaction_id,
	    .nonce = msg->nonce,
	    .service_description = msg->service_description,
	};
	if (cpnp_msg_has(msg, CPNP_ATTR_VALIDITY_OFFER_TIME))
		agreement->validity = msg->validity_offer_time;
	if (cpnp_msg_has(msg, CPNP_ATTR_NEGOTIATION_OPTIONS)) {
		agreement->has_cost =
		    msg->options.has_cost && !msg->options.cost_empty &&
		    !CPNP_FAULT(COST);
		agreement->purpose = msg->options.purpose;
	}
	if (agreement->has_cost)
		agreement->cost = msg->options.cost;
	agreement->has_activation_type =
	    cpnp_msg_has(msg, CPNP_ATTR_ACTIVATION_TYPE);
	if (agreement->has_activation_type)
		agreement->activation_type = msg->activation_type;
	agreement->has_activation_schedule =
	    cpnp_msg_has(msg, CPNP_ATTR_ACTIVATION_SCHEDULE);
	if (agreement->has_activation_schedule)
		agreement->activation_schedule = msg->activation_schedule;
	if (cpnp_msg_has(msg, CPNP_ATTR_SETTLEMENT_TERMS))
		agreement->settlement_terms = msg->settlement_terms;
	return 0;
}

static unsigned
keys_of(const cpnp_agreement *a)
{
	unsigned keys = MANDATORY_KEYS;

	keys |= a->has_cost ? BIT(KEY_COST) : 0;
	keys |= a->has_activation_type ? BIT(KEY_ACTIVATION_TYPE) : 0;
	keys |= a->has_activation_schedule ? BIT(KEY_ACTIVATION_SCHEDULE) : 0;
	keys |= a->settlement_terms.len > 0 ? BIT(KEY_SETTLEMENT_TERMS) : 0;
	keys |= a->purpose != CPNP_PURPOSE_NONE ? BIT(KEY_PURPOSE) : 0;
	return keys;
}

/* The service description travels in a byte string, so that nobody who holds
 * an agreement has a reason to encode it again. */
static void
put_service(cpnp_bytes service, cpnp_buf *buf)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, service);
	(void)cpnp_service_decode(&rd);
	if (cpnp_cbor_rd_finish(&rd) != 0)
		cpnp_buf_fail(buf, CPNP_ERR_INVALID);
	cpnp_cbor_put_bytes_in(buf, service, 1, CPNP_MSG_MAX);
}

static cpnp_bytes
get_service(cpnp_cbor_rd *rd)
{
	const uint8_t *start = rd->pos;
	cpnp_bytes service = cpnp_cbor_get_bytes(rd, 1, CPNP_MSG_MAX);
	cpnp_cbor_rd inner;

	if (rd->err != 0)
		return CPNP_BYTES_NONE;
	cpnp_cbor_rd_init(&inner, service);
	(void)cpnp_service_decode(&inner);
	if (cpnp_cbor_rd_finish(&inner) != 0) {
		rd->pos = start;
		cpnp_cbor_rd_fail(rd, inner.err);
	}
	return service;
}

static void
put_code(cpnp_buf *buf, uint64_t code, uint64_t max)
{
	if (code < 1 || code > max)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_uint(buf, code);
}

static void
put_value(const cpnp_agreement *a, enum key key, cpnp_buf *buf)
{
	switch (key) {
	case KEY_CLIENT:
		cpnp_cbor_put_text_in(buf, a->client, 1, CPNP_IDENTITY_MAX);
		break;
	case KEY_PROVIDER:
		cpnp_cbor_put_text_in(buf, a->provider, 1, CPNP_IDENTITY_MAX);
		break;
	case KEY_CUSTOMER_ORDER_ID:
		cpnp_order_id_encode(a->customer_order_id, buf);
		break;
	case KEY_PROVIDER_ORDER_ID:
		cpnp_order_id_encode(a->provider_order_id, buf);
		break;
	case KEY_TRANSACTION_ID:
		cpnp_cbor_put_bytes_in(buf, a->transaction_id,
		    CPNP_TRANSACTION_ID_MIN, CPNP_TRANSACTION_ID_MAX);
		break;
	case KEY_NONCE:
		cpnp_cbor_put_bytes_in(
		    buf, a->nonce, CPNP_NONCE_MIN, CPNP_NONCE_MAX);
		break;
	case KEY_SERVICE_DESCRIPTION:
		put_service(a->service_description, buf);
		break;
	case KEY_COST:
		cpnp_money_encode(&a->cost, buf);
		break;
	case KEY_VALIDITY:
		cpnp_wtime_encode(a->validity, buf);
		break;
	case KEY_ACTIVATION_TYPE:
		put_code(buf, a->activation_type, CPNP_ACTIVATION_SCHEDULED);
		break;
	case KEY_ACTIVATION_SCHEDULE:
		cpnp_schedule_encode(&a->activation_schedule, NULL, buf);
		break;
	case KEY_SETTLEMENT_TERMS:
		cpnp_cbor_put_item(
		    buf, a->settlement_terms, CPNP_EXTENSION_MAX);
		break;
	case KEY_PURPOSE:
		put_code(buf, a->purpose, CPNP_PURPOSE_TEST);
		break;
	case KEY_END:
		break;
	}
}

int
cpnp_agreement_encode(const cpnp_agreement *agreement, cpnp_buf *buf)
{
	unsigned keys = keys_of(agreement), n = 0;

	for (unsigned key = KEY_CLIENT; key < KEY_END; key++)
		n += keys & BIT(key) ? 1 : 0;
	cpnp_cbor_put_map(buf, n);
	for (unsigned key = KEY_CLIENT; key < KEY_END; key++) {
		if (!(keys & BIT(key)))
			continue;
		cpnp_cbor_put_uint(buf, key);
		put_value(agreement, (enum key)key, buf);
	}
	return buf->err;
}

static void
get_value(cpnp_agreement *a, enum key key, cpnp_cbor_rd *rd)
{
	switch (key) {
	case KEY_CLIENT:
		a->client = cpnp_cbor_get_text(rd, 1, CPNP_IDENTITY_MAX);
		break;
	case KEY_PROVIDER:
		a->provider = cpnp_cbor_get_text(rd, 1, CPNP_IDENTITY_MAX);
		break;
	case KEY_CUSTOMER_ORDER_ID:
		a->customer_order_id = cpnp_order_id_decode(rd);
		break;
	case KEY_PROVIDER_ORDER_ID:
		a->provider_order_id = cpnp_order_id_decode(rd);
		break;
	case KEY_TRANSACTION_ID:
		a->transaction_id = cpnp_cbor_get_bytes(
		    rd, CPNP_TRANSACTION_ID_MIN, CPNP_TRANSACTION_ID_MAX);
		break;
	case KEY_NONCE:
		a->nonce =
		    cpnp_cbor_get_bytes(rd, CPNP_NONCE_MIN, CPNP_NONCE_MAX);
		break;
	case KEY_SERVICE_DESCRIPTION:
		a->service_description = get_service(rd);
		break;
	case KEY_COST:
		a->has_cost = true;
		cpnp_money_decode(&a->cost, rd);
		break;
	case KEY_VALIDITY:
		a->validity = cpnp_wtime_decode(rd);
		break;
	case KEY_ACTIVATION_TYPE:
		a->has_activation_type = true;
		a->activation_type = (cpnp_activation_type)cpnp_cbor_get_uint(
		    rd, CPNP_ACTIVATION_PERMANENT, CPNP_ACTIVATION_SCHEDULED);
		break;
	case KEY_ACTIVATION_SCHEDULE:
		a->has_activation_schedule = true;
		cpnp_schedule_decode(&a->activation_schedule, NULL, rd);
		break;
	case KEY_SETTLEMENT_TERMS:
		a->settlement_terms =
		    cpnp_cbor_get_raw(rd, CPNP_EXTENSION_MAX);
		break;
	case KEY_PURPOSE:
		a->purpose = (cpnp_purpose)cpnp_cbor_get_uint(
		    rd, CPNP_PURPOSE_PERMANENT, CPNP_PURPOSE_TEST);
		break;
	case KEY_END:
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNKNOWN);
		break;
	}
}

int
cpnp_agreement_decode(cpnp_agreement *agreement, cpnp_bytes bytes,
    cpnp_diag *diag)
{
	int64_t prev = CPNP_CBOR_NO_KEY, key = 0;
	unsigned missing = MANDATORY_KEYS;
	enum key known = KEY_END;
	cpnp_cbor_rd rd;
	size_t n;

	*agreement = (cpnp_agreement){0};
	if (bytes.len > CPNP_AGREEMENT_MAX)
		return cpnp_diag_set(diag, CPNP_ERR_TOO_LONG,
		    CPNP_AGREEMENT_MAX, "agreement", "at most 139264 bytes");
	cpnp_cbor_rd_init(&rd, bytes);
	n = cpnp_cbor_get_map(&rd, 0, KEY_END);
	while (n-- > 0 && rd.err == 0) {
		key = cpnp_cbor_get_key(&rd, &prev);
		known = key >= KEY_CLIENT && key < KEY_END ? (enum key)key
							    : KEY_END;
		get_value(agreement, known, &rd);
		missing &= ~BIT(known);
	}
	if (cpnp_cbor_rd_finish(&rd) != 0)
		return cpnp_diag_set(diag, rd.err, rd.err_off,
		    known < KEY_END ? key_names[known] : "agreement", "");
	for (known = KEY_CLIENT; missing != 0 && !(missing & BIT(known));)
		known++;
	if (missing != 0)
		return cpnp_diag_set(diag, CPNP_ERR_ATTR_MISSING, bytes.len,
		    key_names[known], "");
	return 0;
}

int
cpnp_agreement_digest(const cpnp_agreement *agreement, const cpnp_env *env,
    uint8_t digest[CPNP_SHA256_LEN])
{
	cpnp_bytes encoded;
	cpnp_buf buf;
	int err;

	cpnp_buf_init(&buf, &env->mem, CPNP_AGREEMENT_MAX);
	err = cpnp_agreement_encode(agreement, &buf);
	encoded = cpnp_buf_bytes(&buf);
	if (err == 0 && env->sha256(env->user, &encoded, 1, digest) != 0)
		err = CPNP_ERR_CRYPTO;
	cpnp_buf_fini(&buf);
	return err;
}

int
cpnp_order_opening_encode(const cpnp_order_opening *opening, cpnp_buf *buf)
{
	cpnp_cbor_put_array(buf, 4);
	cpnp_cbor_put_text_in(buf, opening->client, 1, CPNP_IDENTITY_MAX);
	cpnp_cbor_put_text_in(buf, opening->provider, 1, CPNP_IDENTITY_MAX);
	cpnp_order_id_encode(opening->customer_order_id, buf);
	cpnp_cbor_put_bytes_in(buf, opening->transaction_id,
	    CPNP_TRANSACTION_ID_MIN, CPNP_TRANSACTION_ID_MAX);
	return buf->err;
}

int
cpnp_order_opening_decode(cpnp_order_opening *opening, cpnp_bytes bytes)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, bytes);
	(void)cpnp_cbor_get_array(&rd, 4, 4);
	opening->client = cpnp_cbor_get_text(&rd, 1, CPNP_IDENTITY_MAX);
	opening->provider = cpnp_cbor_get_text(&rd, 1, CPNP_IDENTITY_MAX);
	opening->customer_order_id = cpnp_order_id_decode(&rd);
	opening->transaction_id = cpnp_cbor_get_bytes(
	    &rd, CPNP_TRANSACTION_ID_MIN, CPNP_TRANSACTION_ID_MAX);
	return cpnp_cbor_rd_finish(&rd);
}

int
cpnp_order_opening_digest(const cpnp_order_opening *opening,
    const cpnp_env *env, uint8_t digest[CPNP_SHA256_LEN])
{
	/* two identities, an identifier, a transaction id and five heads */
	uint8_t store[2 * CPNP_IDENTITY_MAX + CPNP_ORDER_ID_MAX +
	    CPNP_TRANSACTION_ID_MAX + 5 * 3];
	cpnp_bytes encoded;
	cpnp_buf buf;
	int err;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = cpnp_order_opening_encode(opening, &buf);
	encoded = cpnp_buf_bytes(&buf);
	if (err == 0 && env->sha256(env->user, &encoded, 1, digest) != 0)
		err = CPNP_ERR_CRYPTO;
	return err;
}
