/*
 * Terms of settlement: what an OFFER asks for, and the authorization that
 * gives it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

/*
 * X(key, text): what stands in the map, by its key.  A value that says what
 * its absence says has no place in it, so that equal terms are equal bytes.
 */
#define TERMS_MAP(X)                                                           \
	X(LEDGER, 1, "ledger")                                                 \
	X(PAYEE, 2, "payee")                                                   \
	X(ISSUER, 3, "issuer")                                                 \
	X(CODE, 4, "code")                                                     \
	X(EXPONENT, 5, "exponent")                                             \
	X(AMOUNT, 6, "amount")                                                 \
	X(START, 7, "start")                                                   \
	X(DURATION, 8, "duration")                                             \
	X(CLAIM_SECONDS, 9, "claim seconds")                                   \
	X(IDLE_PAID, 10, "idle paid")                                          \
	X(SLA, 11, "service level terms")                                      \
	X(SALT, 12, "salt")                                                    \
	X(ESCROW_SECONDS, 13, "escrow seconds")                                \
	X(PUBLISHER, 14, "publisher")                                          \
	X(OFFER, 15, "offer")                                                  \
	X(SET, 16, "commit set")

enum terms_key {
#define TERMS_ENUM(name, number, text) TERMS_##name = number,
	TERMS_MAP(TERMS_ENUM)
#undef TERMS_ENUM
};
#define TERMS_N 16

#define BIT(name) (1u << TERMS_##name)
#define MANDATORY                                                              \
	(BIT(LEDGER) | BIT(PAYEE) | BIT(ISSUER) | BIT(CODE) | BIT(EXPONENT) |  \
	    BIT(AMOUNT) | BIT(DURATION) | BIT(ESCROW_SECONDS))
/* Come together or not at all. */
static const unsigned together[] = {
    BIT(SLA) | BIT(SALT), BIT(PUBLISHER) | BIT(OFFER)};

static const char *
key_text(int64_t key)
{
	switch (key) {
#define TERMS_TEXT(name, number, text)                                         \
	case number:                                                           \
		return text;
		TERMS_MAP(TERMS_TEXT)
#undef TERMS_TEXT
	default:
		return "terms";
	}
}

/* ---- Reading ---- */

static cpnp_bytes
get_account(cpnp_cbor_rd *rd)
{
	cpnp_bytes name = cpnp_cbor_get_text(rd, 1, CPNP_ACCOUNT_MAX);

	if (rd->err == 0 && !name_is_valid(name))
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	return name;
}

static cpnp_bytes
get_sla(cpnp_cbor_rd *rd)
{
	cpnp_bytes sla = cpnp_cbor_get_bytes(rd, 1, CPNP_SLA_TERMS_MAX);
	cpnp_sla_terms terms;
	int err;

	if (rd->err == 0) {
		err = cpnp_sla_terms_decode(&terms, sla);
		if (err != 0)
			cpnp_cbor_rd_fail(rd, err);
	}
	return sla;
}

static void
get_value(cpnp_cbor_rd *rd, int64_t key, cpnp_terms *t)
{
	cpnp_bytes v;

	switch (key) {
	case TERMS_LEDGER:
		v = cpnp_cbor_get_bytes(rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
		if (rd->err == 0)
			memcpy(t->ledger, v.ptr, v.len);
		break;
	case TERMS_PAYEE:
		t->payee = get_account(rd);
		break;
	case TERMS_ISSUER:
		t->issuer = get_account(rd);
		break;
	case TERMS_CODE:
		t->code = cpnp_cbor_get_text(rd, 1, CPNP_TOKEN_CODE_MAX);
		if (rd->err == 0 && !code_is_valid(t->code))
			cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
		break;
	case TERMS_EXPONENT:
		t->exponent = (uint8_t)cpnp_cbor_get_uint(
		    rd, 0, CPNP_TOKEN_EXPONENT_MAX);
		break;
	case TERMS_AMOUNT:
		t->amount = cpnp_cbor_get_int(rd, 1, INT64_MAX);
		break;
	case TERMS_START:
		t->has_start = true;
		t->start.sec = cpnp_cbor_get_int(rd, 0, CPNP_WTIME_MAX);
		break;
	case TERMS_DURATION:
		t->duration =
		    cpnp_cbor_get_uint(rd, 1, CPNP_SERVICE_SECONDS_MAX);
		break;
	case TERMS_CLAIM_SECONDS:
		t->claim_seconds =
		    cpnp_cbor_get_uint(rd, 1, CPNP_CLAIM_SECONDS_MAX);
		break;
	case TERMS_IDLE_PAID:
		t->idle_paid = cpnp_cbor_get_bool(rd);
		if (rd->err == 0 && !t->idle_paid)
			cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
		break;
	case TERMS_SLA:
		t->sla = get_sla(rd);
		break;
	case TERMS_SALT:
		t->sla_salt = cpnp_cbor_get_bytes(
		    rd, CPNP_TERMS_SALT_LEN, CPNP_TERMS_SALT_LEN);
		break;
	case TERMS_ESCROW_SECONDS:
		t->escrow_seconds =
		    cpnp_cbor_get_uint(rd, 1, CPNP_OP_LIFE_MAX);
		break;
	case TERMS_PUBLISHER:
		t->publisher = get_account(rd);
		break;
	case TERMS_OFFER:
		t->offer = cpnp_cbor_get_bytes(rd, 1, CPNP_OFFER_ID_MAX);
		break;
	case TERMS_SET:
		t->set = cpnp_cbor_get_bytes(
		    rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
		break;
	default:
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNEXPECTED);
	}
}

/* What must be there is, and what comes in pairs. */
static int
check_keys(unsigned has, cpnp_diag *diag)
{
	unsigned missing = MANDATORY & ~has;

	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++)
		if ((has & together[i]) != 0)
			missing |= together[i] & ~has;
	for (int64_t key = 1; key <= TERMS_N; key++)
		if ((missing >> key & 1) != 0)
			return settle_fail(diag, CPNP_ERR_ATTR_MISSING,
			    key_text(key), "missing in the settlement terms");
	return 0;
}

int
cpnp_terms_decode(cpnp_terms *terms, cpnp_bytes bytes, cpnp_diag *diag)
{
	int64_t key = CPNP_CBOR_NO_KEY;
	cpnp_cbor_rd rd;
	unsigned has = 0;
	size_t n;

	memset(terms, 0, sizeof(*terms));
	if (bytes.len > CPNP_TERMS_MAX)
		return settle_fail(diag, CPNP_ERR_TOO_LONG, "terms",
		    "more than CPNP_TERMS_MAX bytes");
	cpnp_cbor_rd_init(&rd, bytes);
	n = cpnp_cbor_get_map(&rd, 0, TERMS_N);
	for (; n > 0 && rd.err == 0; n--) {
		(void)cpnp_cbor_get_key(&rd, &key);
		if (rd.err != 0)
			break;
		get_value(&rd, key, terms);
		if (rd.err == 0)
			has |= 1u << key;
	}
	if (cpnp_cbor_rd_finish(&rd) != 0) {
		(void)settle_fail(
		    diag, rd.err, key_text(key), cpnp_strerror(rd.err));
		if (diag != NULL)
			diag->offset = rd.err_off;
		return rd.err;
	}
	return check_keys(has, diag);
}

/* ---- Writing ---- */

static unsigned
keys_of(const cpnp_terms *t)
{
	return MANDATORY | (t->has_start ? BIT(START) : 0) |
	    (t->claim_seconds > 0 ? BIT(CLAIM_SECONDS) : 0) |
	    (t->idle_paid ? BIT(IDLE_PAID) : 0) |
	    (t->sla.len > 0 ? BIT(SLA) : 0) |
	    (t->sla_salt.len > 0 ? BIT(SALT) : 0) |
	    (t->publisher.len > 0 ? BIT(PUBLISHER) : 0) |
	    (t->offer.len > 0 ? BIT(OFFER) : 0) |
	    (t->set.len > 0 ? BIT(SET) : 0);
}

static void
put_value(cpnp_buf *buf, enum terms_key key, const cpnp_terms *t)
{
	switch (key) {
	case TERMS_LEDGER:
		cpnp_cbor_put_bytes(
		    buf, (cpnp_bytes){t->ledger, CPNP_SHA256_LEN});
		break;
	case TERMS_PAYEE:
		cpnp_cbor_put_text(buf, t->payee);
		break;
	case TERMS_ISSUER:
		cpnp_cbor_put_text(buf, t->issuer);
		break;
	case TERMS_CODE:
		cpnp_cbor_put_text(buf, t->code);
		break;
	case TERMS_EXPONENT:
		cpnp_cbor_put_uint(buf, t->exponent);
		break;
	case TERMS_AMOUNT:
		cpnp_cbor_put_int(buf, t->amount);
		break;
	case TERMS_START:
		cpnp_cbor_put_int(buf, t->start.sec);
		break;
	case TERMS_DURATION:
		cpnp_cbor_put_uint(buf, t->duration);
		break;
	case TERMS_CLAIM_SECONDS:
		cpnp_cbor_put_uint(buf, t->claim_seconds);
		break;
	case TERMS_IDLE_PAID:
		cpnp_cbor_put_bool(buf, t->idle_paid);
		break;
	case TERMS_SLA:
		cpnp_cbor_put_bytes(buf, t->sla);
		break;
	case TERMS_SALT:
		cpnp_cbor_put_bytes(buf, t->sla_salt);
		break;
	case TERMS_ESCROW_SECONDS:
		cpnp_cbor_put_uint(buf, t->escrow_seconds);
		break;
	case TERMS_PUBLISHER:
		cpnp_cbor_put_text(buf, t->publisher);
		break;
	case TERMS_OFFER:
		cpnp_cbor_put_bytes(buf, t->offer);
		break;
	case TERMS_SET:
		cpnp_cbor_put_bytes(buf, t->set);
		break;
	}
}

int
cpnp_terms_encode(const cpnp_terms *terms, cpnp_buf *buf, cpnp_diag *diag)
{
	unsigned has = keys_of(terms);
	size_t start = buf->len, n = 0;
	cpnp_terms back;
	unsigned key;

	for (key = 1; key <= TERMS_N; key++)
		n += has >> key & 1;
	cpnp_cbor_put_map(buf, n);
	for (key = 1; key <= TERMS_N; key++) {
		if ((has >> key & 1) == 0)
			continue;
		cpnp_cbor_put_uint(buf, key);
		put_value(buf, (enum terms_key)key, terms);
	}
	if (buf->err != 0)
		return settle_fail(diag, buf->err, "terms",
		    cpnp_strerror(buf->err));
	/* the decoder knows the limits */
	return cpnp_terms_decode(&back, (cpnp_bytes){buf->ptr + start,
	    buf->len - start}, diag) == 0 ? 0 : CPNP_ERR_INVALID;
}

/* ---- What is asked and what is given ---- */

int
cpnp_terms_check_cost(const cpnp_terms *terms, const cpnp_money *cost,
    cpnp_diag *diag)
{
	char asked[CPNP_MONEY_TEXT_LEN], offered[CPNP_MONEY_TEXT_LEN];
	cpnp_money money = {.amount = terms->amount, .code = terms->code,
	    .exponent = terms->exponent};

	if (terms->amount == cost->amount &&
	    terms->exponent == cost->exponent &&
	    cpnp_bytes_equal(terms->code, cost->code) &&
	    (cost->issuer.len == 0 ||
		cpnp_bytes_equal(terms->issuer, cost->issuer)))
		return 0;
	cpnp_money_text(&money, asked);
	cpnp_money_text(cost, offered);
	(void)settle_fail(diag, CPNP_ERR_MISMATCH, "COST", "");
	settle_say(diag, "the settlement terms ask for %s of %.*s, the offer "
	    "costs %s", asked, (int)terms->issuer.len,
	    (const char *)terms->issuer.ptr, offered);
	return CPNP_ERR_MISMATCH;
}

static int
authorize_sla(const cpnp_terms *t, const cpnp_env *env,
    uint8_t commitment[CPNP_SHA256_LEN], cpnp_op *op)
{
	int err;

	if (t->sla.len == 0)
		return 0;
	err = cpnp_sla_commitment(env, t->sla_salt, t->sla, commitment);
	CPNP_OP_SET(op, SLA, sla, ((cpnp_bytes){commitment, CPNP_SHA256_LEN}));
	return err;
}

int
cpnp_terms_authorize(const cpnp_terms *t, const cpnp_env *env,
    cpnp_bytes payer, const uint8_t order_digest[CPNP_SHA256_LEN],
    const uint8_t replaces[CPNP_SHA256_LEN], int64_t fee_max, cpnp_wtime now,
    uint8_t commitment[CPNP_SHA256_LEN], cpnp_op *op)
{
	cpnp_bytes digest = {order_digest, CPNP_SHA256_LEN};

	memset(op, 0, sizeof(*op));
	if (now.sec < 0 ||
	    now.sec > CPNP_WTIME_MAX - (int64_t)t->escrow_seconds)
		return CPNP_ERR_INVALID;
	op->type = CPNP_OP_AUTHORIZE;
	memcpy(op->ledger, t->ledger, sizeof(op->ledger));
	op->account = payer;
	op->idem = digest;
	op->expiry = now.sec + (int64_t)t->escrow_seconds;
	CPNP_OP_SET(op, PEER, peer, t->payee);
	CPNP_OP_SET(op, ISSUER, issuer, t->issuer);
	CPNP_OP_SET(op, CODE, code, t->code);
	CPNP_OP_SET(op, AMOUNT, amount, t->amount);
	CPNP_OP_SET(op, FEE_MAX, fee_max, fee_max);
	CPNP_OP_SET(op, UNTIL, until, op->expiry);
	CPNP_OP_SET(op, ORDER, order, digest);
	CPNP_OP_SET(op, DURATION, duration, t->duration);
	if (t->set.len > 0)
		CPNP_OP_SET(op, SET, set, t->set);
	if (replaces != NULL)
		CPNP_OP_SET(op, REPLACES, replaces,
		    ((cpnp_bytes){replaces, CPNP_SHA256_LEN}));
	if (t->has_start)
		CPNP_OP_SET(op, START, start, t->start.sec);
	if (t->claim_seconds > 0)
		CPNP_OP_SET(op, CLAIM_SECONDS, claim_seconds,
		    t->claim_seconds);
	if (t->idle_paid)
		CPNP_OP_SET(op, IDLE_PAID, idle_paid, true);
	if (t->offer.len > 0) {
		CPNP_OP_SET(op, PUBLISHER, publisher, t->publisher);
		CPNP_OP_SET(op, OFFER, offer, t->offer);
	}
	return authorize_sla(t, env, commitment, op);
}

/* Two values of a field of an operation, by its kind. */
#define SAME_BYTES(a, b) cpnp_bytes_equal(a, b)
#define SAME_TEXT(a, b) cpnp_bytes_equal(a, b)
#define SAME_NAME(a, b) cpnp_bytes_equal(a, b)
#define SAME_HASH(a, b) cpnp_bytes_equal(a, b)
#define SAME_HASHES(a, b) cpnp_bytes_equal(a, b)
#define SAME_UINT(a, b) ((a) == (b))
#define SAME_MONEY(a, b) ((a) == (b))
#define SAME_TIME(a, b) ((a) == (b))
#define SAME_BOOL(a, b) ((a) == (b))

/* The first field in which two operations differ, NULL when there is none.  A
 * field that is absent is zero or empty, which for a start only is not the
 * same as one that says so. */
static const char *
find_difference(const cpnp_op *a, const cpnp_op *b)
{
	if (((a->has ^ b->has) & CPNP_OP_FIELD_BIT(START)) != 0)
		return "start";
#define COMPARE(name, number, kind, member, text)                              \
	if (!SAME_##kind(a->member, b->member))                                \
		return text;
	CPNP_OP_FIELD_MAP(COMPARE)
#undef COMPARE
	return NULL;
}

int
cpnp_terms_check(const cpnp_terms *terms, const cpnp_env *env,
    const cpnp_op *authorize, cpnp_bytes payer,
    const uint8_t order_digest[CPNP_SHA256_LEN],
    const uint8_t replaces[CPNP_SHA256_LEN], cpnp_wtime now, cpnp_diag *diag)
{
	uint8_t commitment[CPNP_SHA256_LEN];
	int64_t left = (int64_t)(terms->escrow_seconds / 2);
	int64_t most = (int64_t)terms->escrow_seconds + left;
	const char *field = NULL;
	cpnp_op asked;
	int err;

	err = cpnp_terms_authorize(terms, env, authorize->account,
	    order_digest, replaces, authorize->fee_max, now, commitment,
	    &asked);
	if (err != 0)
		return settle_fail(diag, err, "authorization",
		    cpnp_strerror(err));
	/* when it was made it could not know when it would come */
	asked.until = authorize->until;
	if (authorize->type != CPNP_OP_AUTHORIZE)
		field = "type";
	else if (memcmp(authorize->ledger, terms->ledger,
	    sizeof(terms->ledger)) != 0)
		field = "ledger";
	else if (payer.len > 0 && !cpnp_bytes_equal(authorize->account, payer))
		field = "account";
	else if (!cpnp_bytes_equal(authorize->idem, asked.idem))
		field = "idempotency key";
	else
		field = find_difference(authorize, &asked);
	if (field != NULL)
		return settle_fail(diag, CPNP_ERR_MISMATCH, field,
		    "in the authorization not what the settlement terms say");
	if (authorize->until - now.sec < left ||
	    authorize->expiry - now.sec < left)
		return settle_fail(diag, CPNP_ERR_MISMATCH,
		    authorize->until < authorize->expiry ? "until" : "expiry",
		    "the authorization leaves too little of the time to "
		    "acknowledge it");
	/* an acknowledgement spends a key of the payee until then; in a set
	 * the deadline of that counts */
	if (terms->set.len == 0 && (authorize->until - now.sec > most ||
	    authorize->expiry - now.sec > most))
		return settle_fail(diag, CPNP_ERR_MISMATCH,
		    authorize->until >= authorize->expiry ? "until" : "expiry",
		    "the authorization is good for much longer than the terms "
		    "ask for");
	return 0;
}
