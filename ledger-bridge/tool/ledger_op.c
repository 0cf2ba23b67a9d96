/*
 * One way from the words of a command line to an operation in the log and its
 * outcome: the row of a verb names the operation and what its operands are,
 * options of the names of the fields give the rest, and the grammar of
 * operations says which must be there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "ledger.h"

#define IDEM_LEN 16
#define OP_LIFE 3600 /* seconds of ledger time */
#define STEP (CPNP_SECONDS(1) / 20)
#define HEX_TERMS_MIN 16 /* digits */

/* Which option sets a field; what its text is. */
enum field_kind { TEXT, NUMBER, TIME, HASH, HEX, KEY, KEY_ID, FILE_, MONEY,
	LIMIT, ROLES, STATUS, FLAG, YES_NO, SECONDS, KIND, MEMBERS };

static const struct field {
	cpnp_op_field field;
	const char *option;
	enum field_kind kind;
} fields[] = {
    /* the amount names the token, by which a limit is read */
    {CPNP_OP_FIELD_AMOUNT, "amount", MONEY},
    {CPNP_OP_FIELD_PEER, "peer", TEXT},
    {CPNP_OP_FIELD_CODE, "code", TEXT},
    {CPNP_OP_FIELD_FEE_MAX, "fee-max", LIMIT},
    {CPNP_OP_FIELD_UNTIL, "until", TIME},
    {CPNP_OP_FIELD_ORDER, "order", HASH},
    {CPNP_OP_FIELD_SET, "set", HASH},
    {CPNP_OP_FIELD_SUBJECT, "subject", HASH},
    {CPNP_OP_FIELD_REPLACES, "replaces", HASH},
    {CPNP_OP_FIELD_START, "start", TIME},
    {CPNP_OP_FIELD_DURATION, "duration", SECONDS},
    {CPNP_OP_FIELD_CLAIM_SECONDS, "claim-seconds", NUMBER},
    {CPNP_OP_FIELD_IDLE_PAID, "idle-paid", FLAG},
    {CPNP_OP_FIELD_SLA, "sla", HASH},
    {CPNP_OP_FIELD_PUBLISHER, "publisher", TEXT},
    {CPNP_OP_FIELD_OFFER, "offer", TEXT},
    {CPNP_OP_FIELD_ROLES, "roles", ROLES},
    {CPNP_OP_FIELD_STATUS, "status", STATUS},
    {CPNP_OP_FIELD_KEY, "key", KEY},
    {CPNP_OP_FIELD_KEY_ID, "key-id", KEY_ID},
    {CPNP_OP_FIELD_POSITION, "position", NUMBER},
    {CPNP_OP_FIELD_RECOVERY, "recovery", KEY},
    {CPNP_OP_FIELD_TIME, "time", TIME},
    {CPNP_OP_FIELD_ON, "on", YES_NO},
    {CPNP_OP_FIELD_SALT, "salt", HEX},
    {CPNP_OP_FIELD_TERMS, "terms", FILE_},
    {CPNP_OP_FIELD_METRIC, "metric", NUMBER},
    {CPNP_OP_FIELD_FROM, "from", TIME},
    {CPNP_OP_FIELD_TO, "to", TIME},
    {CPNP_OP_FIELD_VALUE, "value", NUMBER},
    {CPNP_OP_FIELD_UPHELD, "upheld", YES_NO},
    {CPNP_OP_FIELD_UNIT, "unit", LIMIT},
    {CPNP_OP_FIELD_CHAIN, "chain", HASH},
    {CPNP_OP_FIELD_COUNT, "count", NUMBER},
    {CPNP_OP_FIELD_KIND, "kind", KIND},
    {CPNP_OP_FIELD_INGRESS, "ingress", TEXT},
    {CPNP_OP_FIELD_EGRESS, "egress", TEXT},
    {CPNP_OP_FIELD_DELAY, "delay", NUMBER},
    {CPNP_OP_FIELD_CAPACITY, "capacity", NUMBER},
    {CPNP_OP_FIELD_DOCUMENT, "document", HASH},
    {CPNP_OP_FIELD_ORIGIN, "origin", TEXT},
    {CPNP_OP_FIELD_SIZE, "size", NUMBER},
    {CPNP_OP_FIELD_ROOT, "root", HASH},
    {CPNP_OP_FIELD_MEMBERS, "member", MEMBERS},
    {CPNP_OP_FIELD_UPPER, "upper", HASH},
    {CPNP_OP_FIELD_VERSION, "rules", NUMBER},
    {CPNP_OP_FIELD_EXPONENT, "exponent", NUMBER},
    {CPNP_OP_FIELD_PSEUDONYM, "pseudonym", FLAG}};

#define FIELDS_N (sizeof(fields) / sizeof(fields[0]))

/* Where a field is in the operation. */
static void *
member(cpnp_op *op, cpnp_op_field field)
{
	switch (field) {
#define CPNP_OP_MEMBER(name, number, kind, member, text)                       \
	case CPNP_OP_FIELD_##name:                                             \
		return &op->member;
	CPNP_OP_FIELD_MAP(CPNP_OP_MEMBER)
#undef CPNP_OP_MEMBER
	}
	return NULL;
}

static int
put_bytes(const struct ledger *ledger, struct ledger_op *op, const char *where,
    cpnp_bytes bytes, cpnp_bytes *out)
{
	if (bytes.len > OP_STORE_MAX - op->used)
		return tool_fail(ledger->options, where, "too long");
	if (bytes.len > 0)
		memcpy(op->store + op->used, bytes.ptr, bytes.len);
	*out = (cpnp_bytes){op->store + op->used, bytes.len};
	op->used += bytes.len;
	return 0;
}

static int
put_key(struct ledger *ledger, struct ledger_op *op, const char *where,
    const char *text, bool id, cpnp_bytes *out)
{
	uint8_t spki[CPNP_SPKI_MAX], key_id[CPNP_SHA256_LEN];
	cpnp_diag diag;
	cpnp_buf pem;
	size_t len;
	int code;

	if (!id) {
		code = ledger_spki(ledger->options, text, spki, &len);
		return code != 0 ? code : put_bytes(
		    ledger, op, where, (cpnp_bytes){spki, len}, out);
	}
	if (strlen(text) == sizeof(key_id) * 2 && strchr(text, '.') == NULL) {
		code = ledger_hex(ledger->options, where, text, key_id,
		    sizeof(key_id));
	} else {
		cpnp_buf_init(&pem, &ledger_mem, 4096);
		code = cpnp_key_public(text, &pem, key_id, &diag) == 0 ? 0
		    : tool_fail_diag(ledger->options, where, &diag);
		cpnp_buf_fini(&pem);
	}
	return code != 0 ? code : put_bytes(ledger, op, where,
	    (cpnp_bytes){key_id, sizeof(key_id)}, out);
}

static int
put_hex(struct ledger *ledger, struct ledger_op *op, const char *where,
    const char *text, size_t n, cpnp_bytes *out)
{
	uint8_t bytes[CPNP_SLA_TERMS_MAX];
	int code;

	if (n > sizeof(bytes) || n == 0)
		return tool_fail(ledger->options, where,
		    "needs 2 to %zu hexadecimal digits", 2 * sizeof(bytes));
	code = ledger_hex(ledger->options, where, text, bytes, n);
	return code != 0 ? code : put_bytes(
	    ledger, op, where, (cpnp_bytes){bytes, n}, out);
}

static int
put_file(struct ledger *ledger, struct ledger_op *op, const char *where,
    const char *path, cpnp_bytes *out)
{
	uint8_t *bytes;
	size_t len;
	int code;

	code = tool_read_file(
	    ledger->options, path, CPNP_SLA_TERMS_MAX, &bytes, &len);
	if (code != 0)
		return code;
	code = put_bytes(ledger, op, where, (cpnp_bytes){bytes, len}, out);
	free(bytes);
	return code;
}

/* Terms as "cpnpc show" prints them; a shorter name may be a file's. */
static bool
is_hex(const char *text)
{
	size_t len = strspn(text, "0123456789abcdefABCDEF");

	return len >= HEX_TERMS_MIN && len % 2 == 0 && text[len] == '\0';
}

/* A further amount of the token that the operation is about. */
static int
put_limit(struct ledger *ledger, struct ledger_op *op, const char *where,
    const char *text, int64_t *out)
{
	cpnp_bytes issuer = op->op.issuer, code = op->op.code;
	int64_t amount = op->op.amount;
	int err;

	err = ledger_money(ledger, where, text, issuer, op);
	*out = op->op.amount;
	op->op.amount = amount;
	if (err == 0 && code.len > 0 && !cpnp_bytes_equal(code, op->op.code))
		err = tool_fail(ledger->options, where,
		    "of another token than the amount");
	return err;
}

static int
yes_no(struct ledger *ledger, const char *where, const char *text, bool *out)
{
	*out = strcmp(text, "yes") == 0;
	return *out || strcmp(text, "no") == 0 ? 0 : tool_fail(
	    ledger->options, where, "\"%s\" is neither yes nor no", text);
}

/* Seconds, or "30d". */
static int
put_seconds(struct ledger *ledger, const char *where, const char *text,
    uint64_t *out)
{
	char plus[32];
	int64_t seconds = 0;
	int code;

	(void)snprintf(plus, sizeof(plus), "+%s", text);
	code = ledger_time(ledger->options, where, plus, 0, &seconds);
	*out = (uint64_t)seconds;
	return code;
}

/* The digest of "PAYER:PAYEE:ORDER:AMOUNT", by which a commit set names a
 * member. */
static int
member_digest(struct ledger *ledger, const char *text,
    uint8_t digest[CPNP_SHA256_LEN])
{
	struct ledger_op authorize = {.used = 0};
	uint8_t order[CPNP_SHA256_LEN];
	char copy[512], *part[3], *rest = copy;
	int code;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (size_t i = 0; i < 3; i++)
		part[i] = rest == NULL ? NULL : strsep(&rest, ":");
	if (rest == NULL || strlen(text) >= sizeof(copy))
		return tool_fail(ledger->options, "member",
		    "\"%s\" is not PAYER:PAYEE:ORDER:AMOUNT", text);
	authorize.op.account = cpnp_bytes_str(part[0]);
	authorize.op.peer = cpnp_bytes_str(part[1]);
	code = ledger_hex(
	    ledger->options, "member", part[2], order, sizeof(order));
	if (code == 0)
		code = ledger_money(ledger, "member", rest, CPNP_BYTES_NONE,
		    &authorize);
	if (code != 0)
		return code;
	authorize.op.order = (cpnp_bytes){order, sizeof(order)};
	return cpnp_op_member(&authorize.op, &tool_env, digest) == 0
	    ? 0 : tool_fail(ledger->options, "member", "no digest");
}

/* All that are given, in order: the first is the order of the head's own
 * customer. */
static int
put_members(struct ledger *ledger, struct ledger_op *op, cpnp_bytes *out)
{
	const struct tool_options *options = ledger->options;
	uint8_t members[CPNP_SET_MEMBERS_MAX][CPNP_SHA256_LEN];
	size_t i, n = 0;
	int code = 0;

	for (i = 0; i < options->given_n && code == 0; i++) {
		if (strcmp(options->given[i].name, "member") != 0)
			continue;
		if (n == CPNP_SET_MEMBERS_MAX)
			return tool_fail(options, "member",
			    "more than %d members", CPNP_SET_MEMBERS_MAX);
		code = member_digest(
		    ledger, options->given[i].value, members[n++]);
	}
	return code != 0 ? code : put_bytes(ledger, op, "member",
	    (cpnp_bytes){members[0], n * CPNP_SHA256_LEN}, out);
}

static int
parse_field(struct ledger *ledger, struct ledger_op *op,
    const struct field *f, const char *text)
{
	const struct tool_options *options = ledger->options;
	void *at = member(&op->op, f->field);
	const char *where = f->option;
	cpnp_bytes issuer = CPNP_BYTES_NONE;
	int64_t now = (int64_t)time(NULL);

	switch (f->kind) {
	case TEXT:
		return put_bytes(ledger, op, where, cpnp_bytes_str(text), at);
	case NUMBER:
		return tool_number(options, where, text, 0, INT64_MAX, at);
	case TIME:
		return ledger_time(options, where, text, now, at);
	case SECONDS:
		return put_seconds(ledger, where, text, at);
	case HASH:
		return put_hex(ledger, op, where, text, CPNP_SHA256_LEN, at);
	case HEX:
		return put_hex(
		    ledger, op, where, text, strlen(text) / 2, at);
	case KEY:
	case KEY_ID:
		return put_key(
		    ledger, op, where, text, f->kind == KEY_ID, at);
	case FILE_:
		return is_hex(text)
		    ? put_hex(ledger, op, where, text, strlen(text) / 2, at)
		    : put_file(ledger, op, where, text, at);
	case MONEY:
		if (op->op.type == CPNP_OP_MINT)
			issuer = op->op.account;
		return ledger_money(ledger, where, text, issuer, op);
	case LIMIT:
		return put_limit(ledger, op, where, text, at);
	case ROLES:
		return ledger_roles(options, text, at);
	case STATUS:
		*(uint64_t *)at = strcmp(text, "suspended") == 0
		    ? CPNP_ACCOUNT_SUSPENDED : CPNP_ACCOUNT_ACTIVE;
		return strcmp(text, "suspended") == 0 ||
		    strcmp(text, "active") == 0 ? 0 : tool_fail(options,
		    where, "\"%s\" is neither active nor suspended", text);
	case MEMBERS:
		return put_members(ledger, op, at);
	case FLAG:
		*(bool *)at = true;
		return 0;
	case YES_NO:
		return yes_no(ledger, where, text, at);
	case KIND:
		*(uint64_t *)at = strcmp(text, "segment") == 0
		    ? CPNP_OFFER_SEGMENT : CPNP_OFFER_SERVICE;
		return strcmp(text, "segment") == 0 ||
		    strcmp(text, "service") == 0 ? 0 : tool_fail(options,
		    where, "\"%s\" is neither service nor segment", text);
	}
	return EXIT_FAILED;
}

/* Set one field from text. */
static int
set_field(struct ledger *ledger, struct ledger_op *op, const struct field *f,
    const char *text)
{
	uint64_t may, must, token = CPNP_OP_FIELD_BIT(ISSUER) |
	    CPNP_OP_FIELD_BIT(CODE);
	int code;

	code = parse_field(ledger, op, f, text);
	if (code != 0)
		return code;
	op->op.has |= (uint64_t)1 << f->field;
	/* the amount has brought the names of its token */
	if (f->kind == MONEY &&
	    cpnp_op_grammar(op->op.type, &must, &may) == 0)
		op->op.has |= token & (must | may);
	return 0;
}

int
ledger_op_begin(
    struct ledger *ledger, unsigned type, struct ledger_op *op)
{
	uint8_t idem[IDEM_LEN];
	cpnp_ledger_info info;
	const cpnp_ledger *state;
	int err;

	memset(&op->op, 0, sizeof(op->op));
	op->used = 0;
	op->exponent = 0;
	op->op.type = type;
	op->op.account = cpnp_bytes_str(ledger->conf.account);
	state = cpnp_bridge_lock(ledger->bridge);
	err = cpnp_ledger_get_info(state, &info);
	cpnp_bridge_unlock(ledger->bridge);
	if (err != 0 || RAND_bytes(idem, sizeof(idem)) != 1)
		return tool_fail(ledger->options, cpnp_op_name(type),
		    "cannot be made: %s", cpnp_strerror(err));
	memcpy(op->op.ledger, info.id, CPNP_SHA256_LEN);
	if (type == CPNP_OP_TICK || type == CPNP_OP_HEARTBEAT ||
	    type == CPNP_OP_ANCHOR || type == CPNP_OP_VOUCHER)
		return 0;
	op->op.expiry = info.time.sec + (info.settings.op_seconds_max < OP_LIFE
	    ? (int64_t)info.settings.op_seconds_max : OP_LIFE);
	return put_bytes(ledger, op, "idempotency key",
	    (cpnp_bytes){idem, sizeof(idem)}, &op->op.idem);
}

static int
wait_outcome(struct ledger *ledger, const uint8_t digest[CPNP_SHA256_LEN],
    cpnp_outcome *outcome)
{
	cpnp_bridge_status status;
	cpnp_diag diag = {0};
	uint64_t index;
	time_t end = time(NULL) + ledger->conf.wait_s;

	while (cpnp_bridge_outcome(
	           ledger->bridge, digest, outcome, &index) != 0) {
		if (cpnp_bridge_step(ledger->bridge, STEP, &diag) != 0)
			return tool_fail_diag(
			    ledger->options, "ledger", &diag);
		if (time(NULL) <= end)
			continue;
		cpnp_bridge_get_status(ledger->bridge, &status);
		return tool_fail(ledger->options, "ledger",
		    "no outcome within %ld s%s%s; the operation stays in the "
		    "store and goes out when the ledger can be reached",
		    ledger->conf.wait_s, status.text[0] == '\0' ? "" : ": ",
		    status.text);
	}
	return 0;
}

/* Sign, submit and wait; *outcome is what came, and *would what the state
 * before said of it, when that was no yes. */
static int
submit(struct ledger *ledger, struct ledger_op *op, cpnp_outcome *outcome,
    cpnp_diag *would)
{
	const char *name = cpnp_op_name(op->op.type);
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_diag diag = {0};
	cpnp_buf plain, out;
	cpnp_bytes payload;
	int err, code = 0;

	cpnp_buf_init(&plain, &ledger_mem, CPNP_OP_MAX);
	cpnp_buf_init(&out, &ledger_mem, 2 * CPNP_OP_MAX);
	err = cpnp_op_encode(&op->op, &plain, &diag);
	if (err != 0) {
		code = tool_fail(ledger->options, name, "%s%s%s", diag.where,
		    diag.err == 0 ? "" : ": ",
		    diag.err == 0 ? cpnp_strerror(err) : diag.why);
	} else {
		payload = cpnp_buf_bytes(&plain);
		err = cpnp_op_sign(ledger->signer, &payload, 1, &out);
		if (err == 0)
			(void)cpnp_bridge_check(ledger->bridge,
			    cpnp_buf_bytes(&out), outcome, would);
		if (err == 0)
			err = cpnp_bridge_submit(
			    ledger->bridge, cpnp_buf_bytes(&out), digest);
		code = err == 0 ? wait_outcome(ledger, digest, outcome)
		    : tool_fail(ledger->options, name, "not taken: %s",
		          err == CPNP_ERR_FORBIDDEN
		              ? "the settings name no writer; without one "
		                "the log is only read"
		              : cpnp_strerror(err));
	}
	cpnp_buf_fini(&plain);
	cpnp_buf_fini(&out);
	return code;
}

/* What stands behind a refusal; "" when nothing can be added. */
static void
explain(const struct ledger *ledger, unsigned code, const cpnp_diag *would,
    char *out, size_t size)
{
	char key[2 * CPNP_SHA256_LEN + 1];
	uint8_t id[CPNP_SHA256_LEN];

	out[0] = '\0';
	if (code == CPNP_OUTCOME_KEY) {
		cpnp_signer_key_id(ledger->signer, id);
		tool_hex(id, sizeof(id), key);
		(void)snprintf(out, size, ": key %s; cpnp-ledger key list "
		    "lists them", key);
	} else if (code == CPNP_OUTCOME_ACCOUNT) {
		(void)snprintf(out, size, ": %s; a maintainer opens it with "
		    "cpnp-ledger account open", ledger->conf.account);
	} else if (strcmp(would->where, cpnp_outcome_name(code)) == 0 &&
	    strcmp(would->why, cpnp_outcome_text(code)) != 0) {
		(void)snprintf(out, size, ": %s", would->why);
	}
}

int
ledger_op_run(struct ledger *ledger, struct ledger_op *op)
{
	const struct tool_options *options = ledger->options;
	char why[256], hex[2 * CPNP_SHA256_LEN + 1];
	cpnp_outcome outcome = {0};
	cpnp_diag would = {0};
	int code;

	code = submit(ledger, op, &outcome, &would);
	if (code != 0)
		return code;
	if (outcome.code != CPNP_OUTCOME_ACCEPTED &&
	    outcome.code != CPNP_OUTCOME_PENDING) {
		explain(ledger, outcome.code, &would, why, sizeof(why));
		return tool_fail(options, cpnp_op_name(op->op.type),
		    "REFUSED: %s: %s%s (entry %" PRIu64 ")",
		    cpnp_outcome_name(outcome.code),
		    cpnp_outcome_text(outcome.code), why, outcome.position);
	}
	tool_hex(outcome.digest, CPNP_SHA256_LEN, hex);
	if (options->json)
		tool_put_json(json_pack("{s:b, s:s, s:s, s:s, s:I, s:I}",
		    "ok", 1, "operation", cpnp_op_name(op->op.type), "id",
		    hex, "outcome", cpnp_outcome_name(outcome.code),
		    "position", (json_int_t)outcome.position, "amount",
		    (json_int_t)outcome.amount));
	else
		printf("%s %s: %s in entry %" PRIu64 "\n",
		    cpnp_op_name(op->op.type), hex,
		    cpnp_outcome_text(outcome.code), outcome.position);
	return 0;
}

/* The operands of the verb's row, then the options. */
static int
fill(struct ledger *ledger, struct ledger_op *op)
{
	const struct tool_options *options = ledger->options;
	const struct tool_verb *verb = options->verb;
	uint64_t must, may;
	const char *value;
	size_t i, k;
	int code = 0;

	(void)cpnp_op_grammar(verb->op, &must, &may);
	for (i = 0; i < FIELDS_N && code == 0; i++) {
		value = NULL;
		for (k = 0; k < options->operand_n && k < VERB_OPERANDS; k++)
			if (verb->operands[k] == (int)fields[i].field)
				value = options->operands[k];
		if (value == NULL && ((must | may) &
		        (uint64_t)1 << fields[i].field) != 0)
			value = tool_value(options, fields[i].option);
		if (value != NULL)
			code = set_field(ledger, op, &fields[i], value);
	}
	/* by default nothing may be paid besides */
	if ((must & CPNP_OP_FIELD_BIT(FEE_MAX)) != 0)
		op->op.has |= CPNP_OP_FIELD_BIT(FEE_MAX);
	if ((verb->op == CPNP_OP_TICK || verb->op == CPNP_OP_HEARTBEAT) &&
	    (op->op.has & must) == 0) {
		op->op.time = (int64_t)time(NULL);
		op->op.has |= CPNP_OP_FIELD_BIT(TIME);
	}
	if (verb->op == CPNP_OP_ACTIVATE) {
		op->op.on = strcmp(verb->words[1], "activate") == 0;
		op->op.has |= CPNP_OP_FIELD_BIT(ON);
	}
	return code;
}

int
tool_op(const struct tool_options *options)
{
	struct ledger ledger;
	struct ledger_op op;
	int code;

	code = ledger_open(options, true, &ledger);
	if (code != 0)
		return code;
	code = ledger_op_begin(&ledger, options->verb->op, &op);
	if (code == 0)
		code = fill(&ledger, &op);
	if (code == 0)
		code = ledger_op_run(&ledger, &op);
	ledger_close(&ledger);
	return code;
}
