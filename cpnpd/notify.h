/*
 * Telling the service manager how we are, by the datagrams of sd_notify(3).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_NOTIFY_H
#define CPNPD_NOTIFY_H

#include <stdint.h>

/* Send a state ("READY=1") to $NOTIFY_SOCKET; nothing without one. */
void cpnp_notify(const char *state);
/* Microseconds within which WATCHDOG=1 is wanted; 0: it is not. */
uint64_t cpnp_notify_watchdog_us(void);

#endif
