/*
 * Amounts of money as people write them: "1234.50", "1234.50 EUR".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_PRICE_H
#define CPNPC_PRICE_H

#include <cpnp/types.h>

/* A bound in major units and billionths of one, so that tokens of every
 * exponent compare without rounding.  code "" stands for every token. */
typedef struct cpnpc_price {
	bool is_set;
	int64_t whole;
	uint32_t billionths;
	char code[CPNP_TOKEN_CODE_MAX + 1];
} cpnpc_price;

/* Parse an amount and an optional code.  CPNP_ERR_INVALID. */
int cpnpc_price_parse(const char *text, cpnpc_price *price);

/* True when cost is at most the bound, and in its token. */
bool cpnpc_price_allows(const cpnpc_price *bound, const cpnp_money *cost);

/* The bound in minor units of a token, rounded down; none is 0.  False when it
 * is of another token. */
bool cpnpc_price_minor(
    const cpnpc_price *bound, const cpnp_money *token, int64_t *minor);

#define CPNPC_MONEY_LEN 48
/* "1234.50 EUR". */
void cpnpc_money_format(const cpnp_money *money, char out[CPNPC_MONEY_LEN]);

#endif
