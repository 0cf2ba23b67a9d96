/*
 * Prices are added up exactly and rounded up once, to whole minor units.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_PRICE_H
#define CPNPD_PRICE_H

#include <stdint.h>

__extension__ typedef unsigned __int128 cpnp_price_sum;

/* What rate bit/s cost for seconds at price minor units for one Mbit/s and
 * one hour.  Errors, of all of these: CPNP_ERR_RANGE when it does not fit. */
int cpnp_price_add(cpnp_price_sum *sum, uint64_t price, uint64_t rate,
    uint64_t seconds);
/* sum += more * factor */
int cpnp_price_add_times(
    cpnp_price_sum *sum, cpnp_price_sum more, uint64_t factor);
/* divisor: what every price in the sum was multiplied by. */
int cpnp_price_round(
    cpnp_price_sum sum, cpnp_price_sum divisor, int64_t *amount);

/* A price of 1 for 10^6 bit/s and 3600 s. */
#define CPNP_PRICE_UNIT UINT64_C(3600000000)

#endif
