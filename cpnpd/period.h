/*
 * How many orders a customer may place in a period.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_PERIOD_H
#define CPNPD_PERIOD_H

#include "daemon.h"

typedef struct cpnpd_period_refusal {
	char limit[96];
	char would_fit[96];
} cpnpd_period_refusal;

/* Count an order; false, and why, when the customer had enough of them. */
bool cpnpd_period_admit(struct daemon *d, const cpnp_conf_customer *customer,
    struct use *use, cpnpd_period_refusal *refusal, cpnp_now now);
/* Count those of the store.  Errors: those of reading it. */
int cpnpd_period_load(struct daemon *d);

#endif
