/*
 * Statements about an order, and the payload of a signed one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "codec.h"

#define COSE_SIGN1_TAG 18

enum key {
	KEY_TYPE = 1,
	KEY_ORDER_REF,
	KEY_TIME,
	KEY_DIGEST,
	KEY_ANSWERS,
	KEY_ROLE,
	KEY_FROM_STATE,
	KEY_TO_STATE,
	KEY_EVENT,
	KEY_VALIDITY,
	KEY_END
};

static const char *const key_names[KEY_END] = {
    [KEY_TYPE] = "type",
    [KEY_ORDER_REF] = "order reference",
    [KEY_TIME] = "time",
    [KEY_DIGEST] = "order digest",
    [KEY_ANSWERS] = "digest of the statement answered",
    [KEY_ROLE] = "role",
    [KEY_FROM_STATE] = "state before",
    [KEY_TO_STATE] = "state after",
    [KEY_EVENT] = "event",
    [KEY_VALIDITY] = "validity",
};

#define BIT(key) (1u << (key))
#define COMMON (BIT(KEY_TYPE) | BIT(KEY_ORDER_REF) | BIT(KEY_TIME))
#define TYPES_END (CPNP_STATEMENT_ACK + 1)

/* Which keys a statement of each type has. */
static const struct {
	unsigned must;
	unsigned may;
} rules[TYPES_END] = {
    [CPNP_STATEMENT_STATE] = {COMMON | BIT(KEY_ROLE) | BIT(KEY_FROM_STATE) |
	    BIT(KEY_TO_STATE) | BIT(KEY_EVENT),
	BIT(KEY_DIGEST)},
    [CPNP_STATEMENT_OFFER] = {COMMON | BIT(KEY_DIGEST) | BIT(KEY_VALIDITY),
	0},
    [CPNP_STATEMENT_ACCEPT] = {COMMON | BIT(KEY_DIGEST) | BIT(KEY_ANSWERS), 0},
    [CPNP_STATEMENT_ACK] = {COMMON | BIT(KEY_DIGEST) | BIT(KEY_ANSWERS), 0},
};

static void
put_digest(cpnp_buf *buf, const uint8_t digest[CPNP_SHA256_LEN])
{
	cpnp_cbor_put_bytes(buf, (cpnp_bytes){digest, CPNP_SHA256_LEN});
}

static void
put_value(const cpnp_statement *s, enum key key, cpnp_buf *buf)
{
	switch (key) {
	case KEY_TYPE:
		cpnp_cbor_put_uint(buf, s->type);
		break;
	case KEY_ORDER_REF:
		put_digest(buf, s->order_ref);
		break;
	case KEY_TIME:
		cpnp_wtime_encode(s->time, buf);
		break;
	case KEY_DIGEST:
		put_digest(buf, s->digest);
		break;
	case KEY_ANSWERS:
		put_digest(buf, s->answers);
		break;
	case KEY_ROLE:
		if (s->role > 1)
			cpnp_buf_fail(buf, CPNP_ERR_RANGE);
		cpnp_cbor_put_uint(buf, s->role);
		break;
	case KEY_FROM_STATE:
		cpnp_cbor_put_uint(buf, s->from_state);
		break;
	case KEY_TO_STATE:
		cpnp_cbor_put_uint(buf, s->to_state);
		break;
	case KEY_EVENT:
		cpnp_cbor_put_uint(buf, s->event);
		break;
	case KEY_VALIDITY:
		cpnp_wtime_encode(s->validity, buf);
		break;
	case KEY_END:
		break;
	}
}

int
cpnp_statement_encode(const cpnp_statement *statement, cpnp_buf *buf)
{
	unsigned keys, n = 0;

	if (statement->type < CPNP_STATEMENT_STATE ||
	    statement->type >= TYPES_END)
		return CPNP_ERR_INVALID;
	keys = rules[statement->type].must;
	if (statement->has_digest)
		keys |= BIT(KEY_DIGEST);
	if (statement->has_answers)
		keys |= BIT(KEY_ANSWERS);
	if ((keys & BIT(KEY_DIGEST) && !statement->has_digest) ||
	    (keys & BIT(KEY_ANSWERS) && !statement->has_answers))
		return CPNP_ERR_ATTR_MISSING;
	if (keys & ~(rules[statement->type].must | rules[statement->type].may))
		return CPNP_ERR_ATTR_UNEXPECTED;
	for (unsigned key = KEY_TYPE; key < KEY_END; key++)
		n += keys & BIT(key) ? 1 : 0;
	cpnp_cbor_put_map(buf, n);
	for (unsigned key = KEY_TYPE; key < KEY_END; key++) {
		if (!(keys & BIT(key)))
			continue;
		cpnp_cbor_put_uint(buf, key);
		put_value(statement, (enum key)key, buf);
	}
	return buf->err;
}

static void
get_digest(uint8_t digest[CPNP_SHA256_LEN], cpnp_cbor_rd *rd)
{
	cpnp_bytes bytes =
	    cpnp_cbor_get_bytes(rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);

	if (rd->err == 0)
		memcpy(digest, bytes.ptr, CPNP_SHA256_LEN);
}

static void
get_value(cpnp_statement *s, enum key key, cpnp_cbor_rd *rd)
{
	switch (key) {
	case KEY_TYPE:
		s->type = (cpnp_statement_type)cpnp_cbor_get_uint(
		    rd, CPNP_STATEMENT_STATE, TYPES_END - 1);
		break;
	case KEY_ORDER_REF:
		get_digest(s->order_ref, rd);
		break;
	case KEY_TIME:
		s->time = cpnp_wtime_decode(rd);
		break;
	case KEY_DIGEST:
		s->has_digest = true;
		get_digest(s->digest, rd);
		break;
	case KEY_ANSWERS:
		s->has_answers = true;
		get_digest(s->answers, rd);
		break;
	case KEY_ROLE:
		s->role = (uint8_t)cpnp_cbor_get_uint(rd, 0, 1);
		break;
	case KEY_FROM_STATE:
		s->from_state = (uint8_t)cpnp_cbor_get_uint(rd, 0, UINT8_MAX);
		break;
	case KEY_TO_STATE:
		s->to_state = (uint8_t)cpnp_cbor_get_uint(rd, 0, UINT8_MAX);
		break;
	case KEY_EVENT:
		s->event = (uint8_t)cpnp_cbor_get_uint(rd, 0, UINT8_MAX);
		break;
	case KEY_VALIDITY:
		s->validity = cpnp_wtime_decode(rd);
		break;
	case KEY_END:
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNKNOWN);
		break;
	}
}

/* Hold the keys that came against the rule of their type. */
static int
check_keys(const cpnp_statement *s, unsigned keys, size_t end, cpnp_diag *diag)
{
	unsigned must = COMMON, may = 0, wrong;
	enum key key = KEY_TYPE;
	int err = CPNP_ERR_ATTR_MISSING;

	if (keys & BIT(KEY_TYPE)) {
		must = rules[s->type].must;
		may = rules[s->type].may;
	}
	wrong = must & ~keys;
	if (wrong == 0) {
		err = CPNP_ERR_ATTR_UNEXPECTED;
		wrong = keys & ~(must | may);
	}
	if (wrong == 0)
		return 0;
	while (!(wrong & BIT(key)))
		key++;
	return cpnp_diag_set(diag, err, end, key_names[key], "");
}

int
cpnp_statement_decode(cpnp_statement *statement, cpnp_bytes payload,
    cpnp_diag *diag)
{
	int64_t prev = CPNP_CBOR_NO_KEY, key;
	enum key known = KEY_END;
	unsigned keys = 0;
	cpnp_cbor_rd rd;
	size_t n;

	*statement = (cpnp_statement){0};
	cpnp_cbor_rd_init(&rd, payload);
	n = cpnp_cbor_get_map(&rd, 0, KEY_END);
	while (n-- > 0 && rd.err == 0) {
		key = cpnp_cbor_get_key(&rd, &prev);
		known = key >= KEY_TYPE && key < KEY_END ? (enum key)key
							  : KEY_END;
		get_value(statement, known, &rd);
		keys |= BIT(known);
	}
	if (cpnp_cbor_rd_finish(&rd) != 0)
		return cpnp_diag_set(diag, rd.err, rd.err_off,
		    known < KEY_END ? key_names[known] : "statement", "");
	return check_keys(statement, keys, payload.len, diag);
}

int
cpnp_statement_payload(cpnp_bytes signed_statement, cpnp_bytes *payload)
{
	cpnp_bytes protected;
	cpnp_cbor_rd rd;
	int err;

	if (signed_statement.len > CPNP_STATEMENT_MAX)
		return CPNP_ERR_TOO_LONG;
	cpnp_cbor_rd_init(&rd, signed_statement);
	cpnp_cbor_get_tag(&rd, COSE_SIGN1_TAG);
	(void)cpnp_cbor_get_array(&rd, 4, 4);
	protected = cpnp_cbor_get_bytes(&rd, 1, CPNP_STATEMENT_MAX);
	if (cpnp_cbor_peek(&rd) != CPNP_CBOR_MAP)
		cpnp_cbor_rd_fail(&rd, CPNP_ERR_TYPE);
	(void)cpnp_cbor_get_item(&rd);
	*payload = cpnp_cbor_get_bytes(&rd, 1, CPNP_STATEMENT_MAX);
	(void)cpnp_cbor_get_bytes(&rd, 1, CPNP_STATEMENT_MAX);
	err = cpnp_cbor_rd_finish(&rd);
	/* The header that is skipped counts its depth from itself. */
	if (err == 0)
		err = cpnp_cbor_check(signed_statement);
	return err != 0 ? err : cpnp_cbor_check(protected);
}

const char *
cpnp_statement_type_name(cpnp_statement_type type)
{
	switch (type) {
	case CPNP_STATEMENT_STATE:
		return "STATE";
	case CPNP_STATEMENT_OFFER:
		return "OFFER";
	case CPNP_STATEMENT_ACCEPT:
		return "ACCEPT";
	case CPNP_STATEMENT_ACK:
		return "ACK";
	case CPNP_STATEMENT_KEY:
		return "KEY";
	}
	return "?";
}
