/*
 * The capacity that orders hold: for each resource what there is of it and
 * how much is taken at each moment, for each order the rows that it holds
 * without having bought, and for each customer the sum of these.
 *
 * Rows are in the store too; this is the memory that decisions look into.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CAPACITY_H
#define CPNPD_CAPACITY_H

#include <cpnp/error.h>
#include <cpnp/types.h>

#include "store.h"

typedef struct cpnp_capacity cpnp_capacity;

/* Rows of one order, at most. */
#define CPNP_CAPACITY_ROWS_MAX 4096

int cpnp_capacity_new(cpnp_capacity **capacity);
void cpnp_capacity_del(cpnp_capacity *capacity);
/* There is amount of a resource.  Errors: NOMEM, INVALID (too long a name). */
int cpnp_capacity_set(
    cpnp_capacity *capacity, const char *resource, int64_t amount);
/* Forget all rows, keep the resources. */
void cpnp_capacity_clear(cpnp_capacity *capacity);

/* How much can still be had at every moment from from until until; 0 when
 * more is taken than there is, or there is no such resource. */
int64_t cpnp_capacity_free(const cpnp_capacity *capacity,
    const char *resource, cpnp_wtime from, cpnp_wtime until);

/*
 * An order takes a row more; owner is the identity that it counts for.  A row
 * that is bought is not kept by order, it only takes its amount.  A row of a
 * resource that is not there any more is kept too.
 * Errors: FULL (CPNP_CAPACITY_ROWS_MAX), INVALID (amount or period is none),
 * NOMEM; nothing is changed then.
 */
int cpnp_capacity_hold(cpnp_capacity *capacity,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes owner,
    const cpnp_store_hold *row);
/* The rows of an order that are not bought; *n is 0 when there are none.
 * *rows is allocated, free() it.  Errors: NOMEM. */
int cpnp_capacity_rows(const cpnp_capacity *capacity,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_store_hold **rows,
    size_t *n);
/* The order gives back what it holds and has not bought. */
void cpnp_capacity_release(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);
/* The order has bought: its amounts stay taken, it is not held any more. */
void cpnp_capacity_buy(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);
/* What the orders of an identity hold without having bought. */
/* What was bought is free again: a row as the store has it, since rows that
 * are bought belong to no order here. */
int cpnp_capacity_give_back(
    cpnp_capacity *capacity, const cpnp_store_hold *hold);
int64_t cpnp_capacity_held(const cpnp_capacity *capacity, cpnp_bytes owner);

/* True once after rows of the order have changed by _hold(). */
bool cpnp_capacity_take_changed(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);

/*
 * Forget the past, of which there is no more than what has passed on the
 * monotonic clock since the first call: a wall clock that is ahead for a while
 * must not give away what is sold.
 */
void cpnp_capacity_advance(cpnp_capacity *capacity, cpnp_now now);

#endif
