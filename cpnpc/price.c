/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cpnp/error.h>

#include "price.h"

#define BILLION 1000000000u

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The token code that ends a price; an empty one is any token. */
static int
parse_code(const char *text, char code[CPNP_TOKEN_CODE_MAX + 1])
{
	size_t len = strlen(text);

	if (len > CPNP_TOKEN_CODE_MAX ||
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != len)
		return CPNP_ERR_INVALID;
	memcpy(code, text, len + 1);
	return 0;
}

int
cpnpc_price_parse(const char *text, cpnpc_price *price)
{
	cpnpc_price p = {.is_set = true};
	uint32_t unit = BILLION;

	if (!is_digit(*text))
		return CPNP_ERR_INVALID;
	for (; is_digit(*text); text++) {
		if (p.whole > (INT64_MAX - (*text - '0')) / 10)
			return CPNP_ERR_INVALID;
		p.whole = p.whole * 10 + (*text - '0');
	}
	if (*text == '.') {
		if (!is_digit(*++text))
			return CPNP_ERR_INVALID;
		for (; is_digit(*text); text++) {
			unit /= 10;
			if (unit == 0)
				return CPNP_ERR_INVALID;
			p.billionths += unit * (uint32_t)(*text - '0');
		}
	}
	text += strspn(text, " ");
	if (parse_code(text, p.code) != 0)
		return CPNP_ERR_INVALID;
	*price = p;
	return 0;
}

static int64_t
power_of_ten(unsigned exponent)
{
	int64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

bool
cpnpc_price_allows(const cpnpc_price *bound, const cpnp_money *cost)
{
	int64_t unit, whole, rest;

	if (!bound->is_set)
		return true;
	if (bound->code[0] != '\0' &&
	    !cpnp_bytes_equal(cost->code, cpnp_bytes_str(bound->code)))
		return false;
	if (cost->exponent > CPNP_TOKEN_EXPONENT_MAX)
		return false;
	if (cost->amount < 0)
		return true;
	unit = power_of_ten(cost->exponent);
	whole = cost->amount / unit;
	rest = cost->amount % unit * (BILLION / unit);
	return whole < bound->whole ||
	       (whole == bound->whole && rest <= (int64_t)bound->billionths);
}

bool
cpnpc_price_minor(
    const cpnpc_price *bound, const cpnp_money *token, int64_t *minor)
{
	int64_t unit, rest;

	*minor = 0;
	if (!bound->is_set)
		return true;
	if (token->exponent > CPNP_TOKEN_EXPONENT_MAX ||
	    (bound->code[0] != '\0' &&
		!cpnp_bytes_equal(token->code, cpnp_bytes_str(bound->code))))
		return false;
	unit = power_of_ten(token->exponent);
	rest = (int64_t)bound->billionths / (BILLION / unit);
	*minor = bound->whole > (INT64_MAX - rest) / unit
		     ? INT64_MAX
		     : bound->whole * unit + rest;
	return true;
}

void
cpnpc_money_format(const cpnp_money *money, char out[CPNPC_MONEY_LEN])
{
	unsigned exponent = money->exponent <= CPNP_TOKEN_EXPONENT_MAX
				? money->exponent
				: CPNP_TOKEN_EXPONENT_MAX;
	uint64_t unit = (uint64_t)power_of_ten(exponent);
	uint64_t amount = money->amount < 0 ? 0 - (uint64_t)money->amount
					    : (uint64_t)money->amount;
	int n = snprintf(out, CPNPC_MONEY_LEN, "%s%" PRIu64,
	    money->amount < 0 ? "-" : "", amount / unit);

	if (exponent > 0)
		n += snprintf(out + n, CPNPC_MONEY_LEN - (size_t)n,
		    ".%0*" PRIu64, (int)exponent, amount % unit);
	snprintf(out + n, CPNPC_MONEY_LEN - (size_t)n, " %.*s",
	    (int)money->code.len, (const char *)money->code.ptr);
}
