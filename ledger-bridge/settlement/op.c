/*
 * Operations as deterministic CBOR: one table of fields, one grammar, and the
 * two directions that follow them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#include <stdio.h>

#define CONTEXT "CPNP-op"
#define ORIGIN_MAX 255
#define SETTINGS_BYTES_MAX 2048

enum kind { TEXT, NAME, BYTES, HASH, UINT, MONEY, TIME, BOOL, HASHES };

/* Limits of a field: length of what has one, value of what is a number. */
struct field {
	unsigned number;
	enum kind kind;
	size_t offset;
	const char *text;
	uint64_t min, max;
};

static const struct {
	uint64_t min, max;
} limits[64] = {
    [CPNP_OP_FIELD_CODE] = {1, CPNP_TOKEN_CODE_MAX},
    [CPNP_OP_FIELD_DURATION] = {1, CPNP_SERVICE_SECONDS_MAX},
    [CPNP_OP_FIELD_CLAIM_SECONDS] = {0, CPNP_CLAIM_SECONDS_MAX},
    [CPNP_OP_FIELD_OFFER] = {1, CPNP_OFFER_ID_MAX},
    [CPNP_OP_FIELD_ROLES] = {0, CPNP_ROLES_ALL},
    [CPNP_OP_FIELD_STATUS] = {0, CPNP_ACCOUNT_SUSPENDED},
    [CPNP_OP_FIELD_KEY] = {1, CPNP_SPKI_MAX},
    [CPNP_OP_FIELD_POSITION] = {0, INT64_MAX},
    [CPNP_OP_FIELD_RECOVERY] = {1, CPNP_SPKI_MAX},
    [CPNP_OP_FIELD_SALT] = {16, 32},
    [CPNP_OP_FIELD_TERMS] = {1, CPNP_SLA_TERMS_MAX},
    [CPNP_OP_FIELD_METRIC] = {0, CPNP_SLA_METRICS_MAX - 1},
    [CPNP_OP_FIELD_VALUE] = {0, INT64_MAX},
    [CPNP_OP_FIELD_MEMBERS] = {2, CPNP_SET_MEMBERS_MAX},
    [CPNP_OP_FIELD_COUNT] = {1, INT32_MAX},
    [CPNP_OP_FIELD_KIND] = {CPNP_OFFER_SERVICE, CPNP_OFFER_SEGMENT},
    [CPNP_OP_FIELD_INGRESS] = {1, CPNP_PLACE_MAX},
    [CPNP_OP_FIELD_EGRESS] = {1, CPNP_PLACE_MAX},
    [CPNP_OP_FIELD_DELAY] = {0, INT64_MAX},
    [CPNP_OP_FIELD_CAPACITY] = {0, INT64_MAX},
    [CPNP_OP_FIELD_ORIGIN] = {1, ORIGIN_MAX},
    [CPNP_OP_FIELD_SIZE] = {1, INT64_MAX},
    [CPNP_OP_FIELD_VERSION] = {1, INT64_MAX},
    [CPNP_OP_FIELD_SETTINGS] = {1, SETTINGS_BYTES_MAX},
    [CPNP_OP_FIELD_EXPONENT] = {0, CPNP_TOKEN_EXPONENT_MAX},
};

static const struct field fields[] = {
#define FIELD(name, number, kind, member, text)                                \
	{number, kind, offsetof(cpnp_op, member), text, 0, 0},
    CPNP_OP_FIELD_MAP(FIELD)
#undef FIELD
};
#define FIELDS_N (sizeof(fields) / sizeof(fields[0]))

#define F(name) CPNP_OP_FIELD_BIT(name)

/* What must stand in an operation, what may, and which of those that may
 * come together or not at all. */
static const struct grammar {
	unsigned type;
	uint64_t mandatory, optional, together;
	bool has_idem;
} grammar[] = {
    {CPNP_OP_TICK, F(TIME), 0, 0, false},
    {CPNP_OP_HEARTBEAT, F(TIME), 0, 0, false},
    {CPNP_OP_ANCHOR, F(ORIGIN) | F(SIZE) | F(ROOT), 0, 0, false},
    {CPNP_OP_ACCOUNT_OPEN, F(PEER) | F(ROLES) | F(KEY),
	F(RECOVERY) | F(PSEUDONYM), 0, true},
    {CPNP_OP_ACCOUNT_CLOSE, 0, 0, 0, true},
    {CPNP_OP_KEY_ADD, F(KEY), F(POSITION), 0, true},
    {CPNP_OP_KEY_REVOKE, F(KEY_ID), F(POSITION), 0, true},
    {CPNP_OP_KEY_RECOVER, F(KEY), F(RECOVERY), 0, true},
    {CPNP_OP_ROLES, F(PEER) | F(ROLES), F(SALT), 0, true},
    {CPNP_OP_STATUS, F(PEER) | F(STATUS), F(SALT), 0, true},
    {CPNP_OP_RULES, F(VERSION) | F(POSITION), F(SALT), 0, true},
    {CPNP_OP_SETTINGS, F(SETTINGS), F(SALT), 0, true},
    {CPNP_OP_TOKEN, F(CODE) | F(EXPONENT), 0, 0, true},
    {CPNP_OP_MINT, F(CODE) | F(AMOUNT) | F(PEER), 0, 0, true},
    {CPNP_OP_TRANSFER, F(PEER) | F(ISSUER) | F(CODE) | F(AMOUNT), F(DOCUMENT),
	0, true},
    {CPNP_OP_AUTHORIZE,
	F(PEER) | F(ISSUER) | F(CODE) | F(AMOUNT) | F(FEE_MAX) | F(UNTIL) |
	    F(ORDER) | F(DURATION),
	F(SET) | F(REPLACES) | F(START) | F(CLAIM_SECONDS) | F(IDLE_PAID) |
	    F(SLA) | F(PUBLISHER) | F(OFFER),
	F(PUBLISHER) | F(OFFER), true},
    {CPNP_OP_ACKNOWLEDGE, F(SUBJECT), 0, 0, true},
    {CPNP_OP_VOID, F(SUBJECT), 0, 0, true},
    {CPNP_OP_WITHDRAW, F(SUBJECT), 0, 0, true},
    {CPNP_OP_ACTIVATE, F(SUBJECT) | F(ON), 0, 0, true},
    {CPNP_OP_COMMIT_SET, F(UNTIL) | F(MEMBERS), F(UPPER), 0, true},
    {CPNP_OP_CLAIM,
	F(SUBJECT) | F(SALT) | F(TERMS) | F(METRIC) | F(FROM) | F(TO) |
	    F(VALUE),
	0, 0, true},
    {CPNP_OP_CONFIRM, F(SUBJECT), 0, 0, true},
    {CPNP_OP_OBJECT, F(SUBJECT), 0, 0, true},
    {CPNP_OP_AUDIT, F(SUBJECT) | F(UPHELD), 0, 0, true},
    {CPNP_OP_CHANNEL_OPEN,
	F(PEER) | F(ISSUER) | F(CODE) | F(AMOUNT) | F(FEE_MAX) | F(UNTIL) |
	    F(ORDER),
	F(CLAIM_SECONDS) | F(CHAIN) | F(UNIT), F(CHAIN) | F(UNIT), true},
    {CPNP_OP_VOUCHER, F(SUBJECT) | F(AMOUNT), 0, 0, false},
    {CPNP_OP_REDEEM, F(SUBJECT) | F(CHAIN) | F(COUNT), 0, 0, true},
    {CPNP_OP_CHANNEL_CLOSE, F(SUBJECT), 0, 0, true},
    {CPNP_OP_PUBLISH, F(OFFER) | F(KIND) | F(UNTIL),
	F(INGRESS) | F(EGRESS) | F(DELAY) | F(CAPACITY) | F(ISSUER) |
	    F(CODE) | F(AMOUNT) | F(DURATION) | F(FROM) | F(TO) | F(DOCUMENT),
	F(ISSUER) | F(CODE) | F(AMOUNT) | F(DURATION), true},
    {CPNP_OP_UNPUBLISH, F(OFFER), 0, 0, true},
};

static const struct grammar *
grammar_of(unsigned type)
{
	for (size_t i = 0; i < sizeof(grammar) / sizeof(grammar[0]); i++)
		if (grammar[i].type == type)
			return &grammar[i];
	return NULL;
}

int
cpnp_op_grammar(unsigned type, uint64_t *mandatory, uint64_t *optional)
{
	const struct grammar *g = grammar_of(type);

	if (g == NULL)
		return CPNP_ERR_METHOD;
	*mandatory = g->mandatory;
	*optional = g->optional;
	return 0;
}

int
settle_fail(cpnp_diag *diag, int err, const char *where, const char *why)
{
	if (diag != NULL) {
		memset(diag, 0, sizeof(*diag));
		diag->err = err;
		(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
		(void)snprintf(diag->why, sizeof(diag->why), "%s", why);
	}
	return err;
}

/* Visible ASCII, so that two names that look alike are alike. */
bool
name_is_valid(cpnp_bytes name)
{
	if (name.len == 0 || name.len > CPNP_ACCOUNT_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < 0x21 || name.ptr[i] > 0x7e)
			return false;
	return true;
}

bool
code_is_valid(cpnp_bytes code)
{
	if (code.len == 0 || code.len > CPNP_TOKEN_CODE_MAX)
		return false;
	for (size_t i = 0; i < code.len; i++) {
		uint8_t c = code.ptr[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

/* A text without NUL and other control characters. */
static bool
text_is_valid(cpnp_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	return cpnp_utf8_is_valid(text);
}

/* Which fields stand where, the same check in both directions. */
static int
check_fields(const struct grammar *g, const cpnp_op *op, cpnp_diag *diag)
{
	uint64_t missing = g->mandatory & ~op->has;
	uint64_t strange = op->has & ~(g->mandatory | g->optional);
	uint64_t group = op->has & g->together;

	if (group != 0)
		missing |= g->together & ~group;
	for (size_t i = 0; i < FIELDS_N; i++) {
		uint64_t bit = (uint64_t)1 << fields[i].number;

		if ((missing & bit) != 0)
			return settle_fail(diag, CPNP_ERR_ATTR_MISSING,
			    fields[i].text, "missing in this operation");
		if ((strange & bit) != 0)
			return settle_fail(diag, CPNP_ERR_ATTR_UNEXPECTED,
			    fields[i].text, "has no place in this operation");
	}
	if (strange != 0)
		return settle_fail(diag, CPNP_ERR_ATTR_UNEXPECTED, "has",
		    "not a field");
	if (g->has_idem != (op->idem.len > 0) || (!g->has_idem &&
	    op->expiry != 0) || op->idem.len > CPNP_OP_KEY_MAX)
		return settle_fail(diag, CPNP_ERR_RANGE, "idempotency key",
		    g->has_idem ? "1 to 32 bytes"
				: "none and no expiry in this operation");
	return 0;
}

static int
check_bytes(const struct field *f, cpnp_bytes v)
{
	uint64_t min = limits[f->number].min, max = limits[f->number].max;

	switch (f->kind) {
	case NAME:
		return name_is_valid(v) ? 0 : CPNP_ERR_RANGE;
	case HASH:
		return v.len == CPNP_SHA256_LEN ? 0 : CPNP_ERR_RANGE;
	case HASHES:
		if (v.len % CPNP_SHA256_LEN != 0)
			return CPNP_ERR_RANGE;
		v.len /= CPNP_SHA256_LEN;
		break;
	case TEXT:
		if (!text_is_valid(v) ||
		    (f->number == CPNP_OP_FIELD_CODE && !code_is_valid(v)))
			return CPNP_ERR_RANGE;
		break;
	case BYTES:
	case UINT:
	case MONEY:
	case TIME:
	case BOOL:
		break;
	}
	return v.len >= min && v.len <= max ? 0 : CPNP_ERR_RANGE;
}

static int64_t
int_max(const struct field *f)
{
	return f->kind == TIME ? CPNP_WTIME_MAX : INT64_MAX;
}

/* The value of a field in an operation. */
static int
put_field(const struct field *f, const cpnp_op *op, cpnp_buf *buf)
{
	const uint8_t *at = (const uint8_t *)op + f->offset;
	cpnp_bytes v = {NULL, 0};
	uint64_t number = 0;
	int64_t money = 0;
	bool on = false;
	int err = 0;

	cpnp_cbor_put_uint(buf, f->number);
	switch (f->kind) {
	case TEXT:
	case NAME:
	case BYTES:
	case HASH:
	case HASHES:
		memcpy(&v, at, sizeof(v));
		err = check_bytes(f, v);
		break;
	case UINT:
		memcpy(&number, at, sizeof(number));
		if (number < limits[f->number].min ||
		    number > limits[f->number].max)
			err = CPNP_ERR_RANGE;
		break;
	case MONEY:
	case TIME:
		memcpy(&money, at, sizeof(money));
		if (money < 0 || money > int_max(f))
			err = CPNP_ERR_RANGE;
		break;
	case BOOL:
		memcpy(&on, at, sizeof(on));
		break;
	}
	if (err != 0)
		return err;
	switch (f->kind) {
	case TEXT:
	case NAME:
		cpnp_cbor_put_text(buf, v);
		break;
	case BYTES:
	case HASH:
	case HASHES:
		cpnp_cbor_put_bytes(buf, v);
		break;
	case UINT:
		cpnp_cbor_put_uint(buf, number);
		break;
	case MONEY:
	case TIME:
		cpnp_cbor_put_int(buf, money);
		break;
	case BOOL:
		cpnp_cbor_put_bool(buf, on);
		break;
	}
	return 0;
}

int
cpnp_op_encode(const cpnp_op *op, cpnp_buf *buf, cpnp_diag *diag)
{
	const struct grammar *g = grammar_of(op->type);
	size_t start = buf->len, n = 0, i;
	int err;

	if (g == NULL)
		return settle_fail(diag, CPNP_ERR_METHOD, "type",
		    "not an operation of these rules");
	err = check_fields(g, op, diag);
	if (err != 0)
		return err;
	if (!name_is_valid(op->account))
		return settle_fail(diag, CPNP_ERR_RANGE, "account",
		    "1 to 64 visible characters of ASCII");
	if (op->expiry < 0 || op->expiry > CPNP_WTIME_MAX)
		return settle_fail(diag, CPNP_ERR_RANGE, "expiry",
		    "seconds from 1970 to the year 9999");
	for (i = 0; i < FIELDS_N; i++)
		n += op->has >> fields[i].number & 1;
	cpnp_cbor_put_array(buf, 7);
	cpnp_cbor_put_str(buf, CONTEXT);
	cpnp_cbor_put_bytes(buf, (cpnp_bytes){op->ledger, CPNP_SHA256_LEN});
	cpnp_cbor_put_uint(buf, op->type);
	cpnp_cbor_put_text(buf, op->account);
	cpnp_cbor_put_bytes(buf, op->idem);
	cpnp_cbor_put_int(buf, op->expiry);
	cpnp_cbor_put_map(buf, n);
	for (i = 0; i < FIELDS_N; i++) {
		if ((op->has >> fields[i].number & 1) == 0)
			continue;
		err = put_field(&fields[i], op, buf);
		if (err != 0)
			return settle_fail(diag, err, fields[i].text,
			    "out of its bounds or form");
	}
	if (buf->err != 0)
		return buf->err;
	return buf->len - start <= CPNP_OP_MAX ? 0
	    : settle_fail(diag, CPNP_ERR_TOO_LONG, "operation",
	          "more than CPNP_OP_MAX bytes");
}

static void
get_field(cpnp_cbor_rd *rd, const struct field *f, cpnp_op *op)
{
	uint8_t *at = (uint8_t *)op + f->offset;
	uint64_t min = limits[f->number].min, max = limits[f->number].max;
	cpnp_bytes v;
	uint64_t number;
	int64_t money;
	bool on;

	switch (f->kind) {
	case TEXT:
	case NAME:
		v = cpnp_cbor_get_text(rd, 1, ORIGIN_MAX);
		if (rd->err == 0 && check_bytes(f, v) != 0)
			cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
		memcpy(at, &v, sizeof(v));
		break;
	case BYTES:
		v = cpnp_cbor_get_bytes(rd, (size_t)min, (size_t)max);
		memcpy(at, &v, sizeof(v));
		break;
	case HASH:
		v = cpnp_cbor_get_bytes(rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
		memcpy(at, &v, sizeof(v));
		break;
	case HASHES:
		v = cpnp_cbor_get_bytes(rd, (size_t)min * CPNP_SHA256_LEN,
		    (size_t)max * CPNP_SHA256_LEN);
		if (rd->err == 0 && check_bytes(f, v) != 0)
			cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
		memcpy(at, &v, sizeof(v));
		break;
	case UINT:
		number = cpnp_cbor_get_uint(rd, min, max);
		memcpy(at, &number, sizeof(number));
		break;
	case MONEY:
	case TIME:
		money = cpnp_cbor_get_int(rd, 0, int_max(f));
		memcpy(at, &money, sizeof(money));
		break;
	case BOOL:
		on = cpnp_cbor_get_bool(rd);
		memcpy(at, &on, sizeof(on));
		break;
	}
	op->has |= (uint64_t)1 << f->number;
}

static const struct field *
field_of(int64_t number)
{
	for (size_t i = 0; i < FIELDS_N; i++)
		if ((int64_t)fields[i].number == number)
			return &fields[i];
	return NULL;
}

static void
get_header(cpnp_cbor_rd *rd, cpnp_op *op)
{
	cpnp_bytes v;

	(void)cpnp_cbor_get_array(rd, 7, 7);
	v = cpnp_cbor_get_text(rd, sizeof(CONTEXT) - 1, sizeof(CONTEXT) - 1);
	if (rd->err == 0 && memcmp(v.ptr, CONTEXT, v.len) != 0)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TYPE);
	v = cpnp_cbor_get_bytes(rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	if (rd->err == 0)
		memcpy(op->ledger, v.ptr, v.len);
	op->type = (unsigned)cpnp_cbor_get_uint(rd, 0, UINT8_MAX);
	op->account = cpnp_cbor_get_text(rd, 1, CPNP_ACCOUNT_MAX);
	if (rd->err == 0 && !name_is_valid(op->account))
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	op->idem = cpnp_cbor_get_bytes(rd, 0, CPNP_OP_KEY_MAX);
	op->expiry = cpnp_cbor_get_int(rd, 0, CPNP_WTIME_MAX);
}

int
cpnp_op_decode(cpnp_op *op, cpnp_bytes payload, cpnp_diag *diag)
{
	const struct field *f = NULL;
	const struct grammar *g;
	cpnp_cbor_rd rd;
	int64_t prev = CPNP_CBOR_NO_KEY;
	size_t n;

	memset(op, 0, sizeof(*op));
	if (payload.len > CPNP_OP_MAX)
		return settle_fail(diag, CPNP_ERR_TOO_LONG, "operation",
		    "more than CPNP_OP_MAX bytes");
	cpnp_cbor_rd_init(&rd, payload);
	get_header(&rd, op);
	n = cpnp_cbor_get_map(&rd, 0, FIELDS_N);
	for (; n > 0 && rd.err == 0; n--) {
		f = field_of(cpnp_cbor_get_key(&rd, &prev));
		if (f == NULL)
			cpnp_cbor_rd_fail(&rd, CPNP_ERR_ATTR_UNEXPECTED);
		else
			get_field(&rd, f, op);
	}
	if (cpnp_cbor_rd_finish(&rd) != 0) {
		(void)settle_fail(diag, rd.err,
		    f != NULL ? f->text : "operation", cpnp_strerror(rd.err));
		if (diag != NULL)
			diag->offset = rd.err_off;
		return rd.err;
	}
	g = grammar_of(op->type);
	if (g == NULL)
		return settle_fail(diag, CPNP_ERR_METHOD, "type",
		    "not an operation of these rules");
	return check_fields(g, op, diag);
}

const char *
cpnp_op_name(unsigned type)
{
	switch (type) {
#define NAME_CASE(name, number, text)                                          \
	case number:                                                           \
		return text;
		CPNP_OP_MAP(NAME_CASE)
#undef NAME_CASE
	default:
		return "?";
	}
}

unsigned
cpnp_op_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(grammar) / sizeof(grammar[0]); i++)
		if (strcmp(cpnp_op_name(grammar[i].type), name) == 0)
			return grammar[i].type;
	return 0;
}

int
cpnp_op_member(const cpnp_op *op, const cpnp_env *env,
    uint8_t member[CPNP_SHA256_LEN])
{
	uint8_t store[3 * (CPNP_ACCOUNT_MAX + 4) + CPNP_TOKEN_CODE_MAX + 64];
	cpnp_bytes bytes;
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_cbor_put_array(&buf, 6);
	cpnp_cbor_put_text(&buf, op->account);
	cpnp_cbor_put_text(&buf, op->peer);
	cpnp_cbor_put_text(&buf, op->issuer);
	cpnp_cbor_put_text(&buf, op->code);
	cpnp_cbor_put_int(&buf, op->amount);
	cpnp_cbor_put_bytes(&buf, op->order);
	if (buf.err != 0)
		return buf.err;
	bytes = cpnp_buf_bytes(&buf);
	return env->sha256(env->user, &bytes, 1, member) == 0
	    ? 0 : CPNP_ERR_CRYPTO;
}
