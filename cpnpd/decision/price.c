/* SPDX-License-Identifier: BSD-2-Clause */
#include <cpnp/error.h>

#include "decide.h"

/* A price is for 10^6 bit/s and 3600 s. */
#define PRICE_UNIT UINT64_C(3600000000)

int
cpnp_price_add(cpnp_price_sum *sum, uint64_t price, uint64_t rate,
    uint64_t seconds)
{
	cpnp_price_sum product;

	if (__builtin_mul_overflow(
		(cpnp_price_sum)price * rate, seconds, &product) ||
	    __builtin_add_overflow(*sum, product, sum))
		return CPNP_ERR_RANGE;
	return 0;
}

int
cpnp_price_round(cpnp_price_sum sum, int64_t *amount)
{
	cpnp_price_sum whole = sum / PRICE_UNIT;

	if (sum % PRICE_UNIT != 0)
		whole++;
	if (whole > INT64_MAX)
		return CPNP_ERR_RANGE;
	*amount = (int64_t)whole;
	return 0;
}
