/* SPDX-License-Identifier: BSD-2-Clause */
#include <cpnp/error.h>

#include "price.h"

int
cpnp_price_add(cpnp_price_sum *sum, uint64_t price, uint64_t rate,
    uint64_t seconds)
{
	return cpnp_price_add_times(
	    sum, (cpnp_price_sum)price * rate, seconds);
}

int
cpnp_price_add_times(
    cpnp_price_sum *sum, cpnp_price_sum more, uint64_t factor)
{
	cpnp_price_sum product;

	if (__builtin_mul_overflow(more, factor, &product) ||
	    __builtin_add_overflow(*sum, product, &product))
		return CPNP_ERR_RANGE;
	*sum = product;
	return 0;
}

int
cpnp_price_round(
    cpnp_price_sum sum, cpnp_price_sum divisor, int64_t *amount)
{
	cpnp_price_sum unit = CPNP_PRICE_UNIT * divisor;
	cpnp_price_sum whole = sum / unit;

	if (sum % unit != 0)
		whole++;
	if (whole > INT64_MAX)
		return CPNP_ERR_RANGE;
	*amount = (int64_t)whole;
	return 0;
}
