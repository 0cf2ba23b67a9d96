/*
 * Texts of the command line and what they mean at a ledger.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "ledger.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400

static const struct {
	uint64_t role;
	const char *name;
} role_names[] = {{CPNP_ROLE_CUSTOMER, "customer"},
    {CPNP_ROLE_PROVIDER, "provider"}, {CPNP_ROLE_BROKER, "broker"},
    {CPNP_ROLE_OPERATOR, "operator"}, {CPNP_ROLE_MAINTAINER, "maintainer"},
    {CPNP_ROLE_NETWORK, "network"}, {CPNP_ROLE_ISSUER, "issuer"},
    {CPNP_ROLE_AUDITOR, "auditor"}};

#define ROLES_N (sizeof(role_names) / sizeof(role_names[0]))

int
ledger_roles(const struct tool_options *options, const char *text,
    uint64_t *roles)
{
	size_t i, len;
	bool found;

	*roles = 0;
	for (; *text != '\0'; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		found = false;
		for (i = 0; i < ROLES_N; i++)
			if (strlen(role_names[i].name) == len &&
			    strncmp(role_names[i].name, text, len) == 0) {
				*roles |= role_names[i].role;
				found = true;
			}
		if (!found)
			return tool_fail(options, "roles",
			    "\"%.*s\" is no role; customer, provider, broker, "
			    "operator, maintainer, network, issuer or auditor "
			    "are, joined by commas", (int)len, text);
	}
	return 0;
}

void
ledger_put_roles(uint64_t roles, char *out, size_t size)
{
	size_t i, at = 0;

	(void)snprintf(out, size, "none");
	for (i = 0; i < ROLES_N && at < size; i++)
		if ((roles & role_names[i].role) != 0)
			at += (size_t)snprintf(out + at, size - at, "%s%s",
			    at == 0 ? "" : ",", role_names[i].name);
}

int
ledger_hex(const struct tool_options *options, const char *where,
    const char *text, uint8_t *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	size_t i;

	for (i = 0; i < n && strlen(text) == 2 * n; i++) {
		high = strchr(digits, text[2 * i]);
		low = strchr(digits, text[2 * i + 1]);
		if (high == NULL || low == NULL)
			break;
		out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return i == n ? 0 : tool_fail(options, where,
	    "\"%s\" is not %zu hexadecimal digits", text, 2 * n);
}

int
ledger_time(const struct tool_options *options, const char *where,
    const char *text, int64_t now, int64_t *out)
{
	cpnp_wtime time;
	long long n;
	char *end;

	if (text[0] == '+' && text[1] >= '0' && text[1] <= '9') {
		errno = 0;
		n = strtoll(text + 1, &end, 10);
		if (errno == 0 && n <= CPNP_SERVICE_SECONDS_MAX &&
		    strlen(end) <= 1 && strchr("smhd", *end) != NULL) {
			*out = now + n * (*end == 'm' ? MINUTE
			    : *end == 'h' ? HOUR : *end == 'd' ? DAY : 1);
			return 0;
		}
	} else if (cpnp_date_parse(CPNP_EDITION_RFC8921,
	               cpnp_bytes_str(text), &time) == 0) {
		*out = time.sec;
		return 0;
	}
	return tool_fail(options, where,
	    "\"%s\" is neither a date such as 2026-11-21T08:30:00Z nor a time "
	    "from now such as +90m", text);
}

/* Digits, and after a point no more than the exponent. */
static bool
parse_amount(const char *text, size_t len, uint8_t exponent, int64_t *out)
{
	size_t i, after = 0;
	bool point = false;
	int64_t n = 0;

	for (i = 0; i < len; i++) {
		if (text[i] == '.' && !point && i > 0) {
			point = true;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' ||
		    (point && after++ == exponent) ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, text[i] - '0', &n))
			return false;
	}
	if (len == 0 || (point && after == 0))
		return false;
	for (; after < exponent; after++)
		if (__builtin_mul_overflow(n, 10, &n))
			return false;
	*out = n;
	return true;
}

static int
put(struct ledger_op *op, cpnp_bytes bytes, cpnp_bytes *out)
{
	if (bytes.len > OP_STORE_MAX - op->used)
		return CPNP_ERR_NO_SPACE;
	if (bytes.len > 0)
		memcpy(op->store + op->used, bytes.ptr, bytes.len);
	*out = (cpnp_bytes){op->store + op->used, bytes.len};
	op->used += bytes.len;
	return 0;
}

int
ledger_money(struct ledger *ledger, const char *where, const char *text,
    cpnp_bytes issuer, struct ledger_op *op)
{
	const struct tool_options *options = ledger->options;
	size_t len = strcspn(text, " ");
	const char *name = text[len] == ' ' ? text + len + 1 : "";
	cpnp_token_view token;
	cpnp_diag diag;
	int err;

	if (name[0] == '\0')
		return tool_fail(options, where, "\"%s\" names no token; "
		    "\"12.50 EUR\" or \"12.50 EUR of bank.example\" would",
		    text);
	err = cpnp_ledger_find_token(cpnp_bridge_lock(ledger->bridge),
	    cpnp_bytes_str(name), issuer, &token, &diag);
	if (err == 0) {
		op->exponent = token.exponent;
		err = put(op, token.issuer, &op->op.issuer);
		if (err == 0)
			err = put(op, token.code, &op->op.code);
	}
	cpnp_bridge_unlock(ledger->bridge);
	if (err == CPNP_ERR_NOT_FOUND)
		return tool_fail(options, where, "%s%s", diag.why,
		    op->op.type == CPNP_OP_MINT
		        ? "; its issuer mints a token" : "");
	if (err != 0)
		return tool_fail(options, where, "too long");
	if (!parse_amount(text, len, op->exponent, &op->op.amount))
		return tool_fail(options, where,
		    "\"%s\" is not an amount with at most %u digits after "
		    "the point", text, op->exponent);
	return 0;
}

int
ledger_spki(const struct tool_options *options, const char *path,
    uint8_t out[CPNP_SPKI_MAX], size_t *len)
{
	EVP_PKEY *pkey = NULL;
	unsigned char *p = out;
	cpnp_diag diag = {0};
	cpnp_buf pem;
	BIO *bio = NULL;
	int n = -1, code = 0;

	cpnp_buf_init(&pem, &ledger_mem, 4096);
	if (cpnp_key_public(path, &pem, NULL, &diag) != 0) {
		code = tool_fail_diag(options, path, &diag);
	} else {
		bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
		if (bio != NULL)
			pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
		if (pkey != NULL && i2d_PUBKEY(pkey, NULL) <= CPNP_SPKI_MAX)
			n = i2d_PUBKEY(pkey, &p);
		if (n <= 0)
			code = tool_fail(options, path,
			    "its public key cannot be encoded");
		else
			*len = (size_t)n;
	}
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	cpnp_buf_fini(&pem);
	return code;
}

void
ledger_put_money(
    int64_t amount, uint8_t exponent, cpnp_bytes code, char out[MONEY_LEN])
{
	cpnp_money money = {0};

	money.amount = amount;
	money.exponent = exponent;
	money.code = code;
	cpnp_money_text(&money, out);
}

json_t *
ledger_hex_json(const uint8_t digest[CPNP_SHA256_LEN])
{
	char hex[2 * CPNP_SHA256_LEN + 1];

	tool_hex(digest, CPNP_SHA256_LEN, hex);
	return json_string(hex);
}

json_t *
ledger_time_json(cpnp_wtime time)
{
	char date[CPNP_DATE_LEN];

	tool_time(time, date);
	return json_string(date);
}
