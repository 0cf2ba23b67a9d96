/*
 * The capacity that orders hold: for each resource what there is of it and
 * how much is taken at each moment, for each order the rows that it holds
 * without having bought, and for each customer the sum of these.
 *
 * Rows are in the store too; this is the memory that decisions look into.
 * What an order has bought is kept by order only while the order is in
 * memory: until then what the store has may be behind.
 *
 * While an agreement is changed its order has rows of both kinds, bought and
 * offered.  Of each moment the larger is taken, so that the agreement can go
 * on as it was and as it will be.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CAPACITY_H
#define CPNPD_CAPACITY_H

#include <cpnp/error.h>
#include <cpnp/types.h>

#include "store.h"
#include "weekly.h"

typedef struct cpnp_capacity cpnp_capacity;

/* How far off hours are looked at one by one; a service that lasts longer gets
 * behind that what there is at all hours. */
#define CPNP_CAPACITY_SCHEDULE_MAX (28 * (int64_t)CPNP_DAY)
/* Rows of one order, at most. */
#define CPNP_CAPACITY_ROWS_MAX 4096

int cpnp_capacity_new(cpnp_capacity **capacity);
void cpnp_capacity_del(cpnp_capacity *capacity);
/* There is amount of a resource.  Errors: NOMEM, INVALID (too long a name). */
int cpnp_capacity_set(
    cpnp_capacity *capacity, const char *resource, int64_t amount);
/* And so much more at some hours (N21); what is given is copied, one that is
 * empty takes it back.  Errors: NOMEM, INVALID, and as _set(). */
int cpnp_capacity_set_extra(cpnp_capacity *capacity, const char *resource,
    const cpnp_weekly *extra);
/* Forget all rows, keep the resources. */
void cpnp_capacity_clear(cpnp_capacity *capacity);

/* How much can still be had at every moment from from until until; 0 when
 * more is taken than there is, or there is no such resource. */
int64_t cpnp_capacity_free(const cpnp_capacity *capacity,
    const char *resource, cpnp_wtime from, cpnp_wtime until);

/*
 * When amount of a resource cannot be had at some moment from from until until,
 * true, and *later is a moment behind the last of these; before it nothing
 * that lasts until then can begin.  CPNP_WTIME_MAX: it is not to be had.
 */
bool cpnp_capacity_lacks(const cpnp_capacity *capacity, const char *resource,
    int64_t amount, cpnp_wtime from, cpnp_wtime until, cpnp_wtime *later);

/*
 * An order takes a row more; owner is the identity that it counts for unless
 * it is bought.  A row of a resource that is not there any more is kept too.
 * Errors: FULL (CPNP_CAPACITY_ROWS_MAX), INVALID (amount or period is none),
 * NOMEM; nothing is changed then.
 */
int cpnp_capacity_hold(cpnp_capacity *capacity,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes owner,
    const cpnp_store_hold *row);
/* All rows of an order that are known; *n is 0 when there are none.
 * *rows is allocated, free() it.  Errors: NOMEM. */
int cpnp_capacity_rows(const cpnp_capacity *capacity,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_store_hold **rows,
    size_t *n);
/* The order gives back what it holds and has not bought; what it has bought
 * is taken as before.  Errors: NOMEM, only after cpnp_capacity_set_aside();
 * the rows must be loaded again then. */
int cpnp_capacity_release(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);
/* The order has bought: its amounts stay taken, it is not held any more.  What
 * it had bought before is free. */
void cpnp_capacity_buy(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);
/* The order ends: all its rows that are known are free. */
void cpnp_capacity_end(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);

/* Are the rows that the order has bought known?  When they are not, those of
 * the store are good, and cpnp_capacity_know() makes one of them known; it is
 * taken already.  Errors: as cpnp_capacity_hold(). */
bool cpnp_capacity_is_known(const cpnp_capacity *capacity,
    const uint8_t order_ref[CPNP_SHA256_LEN]);
int cpnp_capacity_know(cpnp_capacity *capacity,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes owner,
    const cpnp_store_hold *row);
/* The order leaves memory: what it has bought stays taken, and is known by
 * order no more.  Nothing is forgotten while it has other rows. */
void cpnp_capacity_forget(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);
/* What was bought is free again: a row as the store has it, of an order whose
 * rows are not known. */
int cpnp_capacity_give_back(
    cpnp_capacity *capacity, const cpnp_store_hold *hold);

/* For the decision about a change: what the order has bought is free ... */
void cpnp_capacity_set_aside(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);
/* ... until this: the larger of what is bought and what is offered is taken,
 * and what the offer needs more counts as held.  Nothing to do for an order
 * that has bought nothing.  Errors: NOMEM, nothing is changed then. */
int cpnp_capacity_join(
    cpnp_capacity *capacity, const uint8_t order_ref[CPNP_SHA256_LEN]);

/* What the orders of an identity hold without having bought, and one order
 * of it. */
int64_t cpnp_capacity_held(const cpnp_capacity *capacity, cpnp_bytes owner);
int64_t cpnp_capacity_held_by(const cpnp_capacity *capacity,
    const uint8_t order_ref[CPNP_SHA256_LEN]);

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
