/*
 * The event loop: timers, signals, stop.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "children.h"
#include "ctl.h"
#include "decider.h"
#include "events.h"
#include "ledger.h"
#include "neighbour.h"
#include "notify.h"
#include "restore.h"

#define EXIT_START 1
/* The clocks are compared, and capacity of the past forgotten. */
#define HEARTBEAT_SECONDS 5
/* A stop waits so long for the store. */
#define STOP_SECONDS 10
/* Smaller steps of the wall clock are rounding. */
#define CLOCK_STEP_SECONDS 2

void
cpnpd_arm_timer(struct daemon *d, cpnp_now now)
{
	cpnp_tstamp at = d->failed ? d->recover_at
				   : cpnp_orders_expiry(d->orders);
	uint64_t us;
	struct timeval tv;

	if (d->failed && d->flight != NULL)
		at = CPNP_NEVER; /* their return goes on */
	if (cpnp_parts_expiry(d->parts) < at)
		at = cpnp_parts_expiry(d->parts);
	if (cpnpd_rest_expiry(d) < at)
		at = cpnpd_rest_expiry(d);
	if (cpnpd_service_expiry(d, now) < at)
		at = cpnpd_service_expiry(d, now);
	if (!d->failed && cpnpd_children_expiry(d) < at)
		at = cpnpd_children_expiry(d);
	if (at == CPNP_NEVER) {
		evtimer_del(d->timer);
		return;
	}
	us = at <= now.mono ? 0 : (at - now.mono + 999) / 1000;
	tv.tv_sec = (time_t)(us / 1000000);
	tv.tv_usec = (suseconds_t)(us % 1000000);
	evtimer_add(d->timer, &tv);
}

static void
check_clocks(struct daemon *d, cpnp_now now)
{
	int64_t offset =
	    now.wall.sec - (int64_t)(now.mono / CPNP_SECONDS(1));
	int64_t step = offset - d->clock_offset;

	if (step > -CLOCK_STEP_SECONDS && step < CLOCK_STEP_SECONDS)
		return;
	d->clock_offset = offset;
	d->counters.rearmed++;
	cpnpd_log(CPNP_LOG_WARNING, "clock: stepped by %" PRId64 " s, timers "
	    "are set again from their dates", step);
	(void)cpnp_orders_rearm(d->orders, now);
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	cpnp_now now = cpnp_now_read();
	unsigned n;
	int err;

	(void)fd;
	(void)what;
	check_clocks(d, now);
	cpnpd_recover(d, now);
	cpnp_parts_handle_expiry(d->parts, now.mono);
	cpnpd_parts_drain(d, now);
	cpnpd_rest_start(d, now);
	cpnpd_service_start(d, now);
	cpnpd_children_expire(d, now);
	cpnpd_drain(d, now);
	for (n = 0; n < CPNPD_EXPIRIES_MAX && !d->failed &&
	     cpnp_orders_expiry(d->orders) <= now.mono; n++) {
		err = cpnp_orders_handle_expiry(d->orders, now);
		if (err != 0)
			cpnpd_log(CPNP_LOG_ERROR, "orders: a timeout could "
			    "not be handled: %s", cpnp_strerror(err));
		cpnpd_drain(d, now);
		if (err != 0)
			break;
	}
	cpnpd_turn_end(d, now);
}

void
cpnpd_stop_if_idle(struct daemon *d)
{
	if (d->stopping && cpnpd_is_idle(d) && cpnpd_events_is_idle(d))
		event_base_loopbreak(d->base);
}

static void
on_store(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	cpnp_now now = cpnp_now_read();

	(void)fd;
	(void)what;
	cpnpd_batches_done(d, now);
	cpnpd_recover(d, now);
	cpnpd_stop_if_idle(d);
}

static void
on_heartbeat(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	cpnp_now now = cpnp_now_read();

	(void)fd;
	(void)what;
	check_clocks(d, now);
	cpnp_capacity_advance(d->capacity, now);
	cpnp_notify("WATCHDOG=1");
	cpnpd_arm_timer(d, now);
}

static void
log_counters(struct daemon *d)
{
	cpnp_parts_counters parts;
	cpnp_net_counters net;

	cpnp_net_get_counters(d->net, &net);
	cpnp_parts_get_counters(d->parts, &parts);
#define X(name, text)                                                          \
	if (d->counters.name != 0)                                             \
		cpnpd_log(CPNP_LOG_INFO, "counter %s: %" PRIu64 " %s", #name,  \
		    d->counters.name, text);
	CPNPD_COUNTER_MAP(X)
#undef X
#define X(name, text)                                                          \
	if (net.name != 0)                                                     \
		cpnpd_log(CPNP_LOG_INFO, "counter net %s: %" PRIu64 " %s",     \
		    #name, net.name, text);
	CPNP_NET_COUNTER_MAP(X)
#undef X
#define X(name, text)                                                          \
	if (parts.name != 0)                                                   \
		cpnpd_log(CPNP_LOG_INFO, "counter parts %s: %" PRIu64 " %s",   \
		    #name, parts.name, text);
	CPNP_PARTS_COUNTER_MAP(X)
#undef X
	cpnpd_log(CPNP_LOG_INFO, "orders: %zu in memory, %zu batches with the "
	    "writer", cpnp_orders_count(d->orders),
	    cpnp_store_pending(d->store));
}

void
cpnpd_stop(struct daemon *d, const char *why)
{
	struct timeval last = {STOP_SECONDS, 0};
	cpnp_now now = cpnp_now_read();

	if (d->stopping)
		return;
	cpnpd_log(CPNP_LOG_INFO, "stopping, %s", why);
	cpnp_notify("STOPPING=1");
	d->stopping = true;
	cpnpd_turn_end(d, now);
	cpnpd_events_stop(d);
	event_base_loopexit(d->base, &last);
	cpnpd_stop_if_idle(d);
}

static void
on_signal(evutil_socket_t number, short what, void *user)
{
	struct daemon *d = user;
	char why[32], told[CPNPD_TOLD_MAX];

	(void)what;
	switch (number) {
	case SIGUSR1:
		log_counters(d);
		break;
	case SIGHUP:
		(void)cpnpd_reload(d, told);
		break;
	default:
		snprintf(why, sizeof(why), "signal %d", (int)number);
		cpnpd_stop(d, why);
		break;
	}
}

static int
add_events(struct daemon *d)
{
	static const int numbers[] = {
		SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT};
	uint64_t watchdog = cpnp_notify_watchdog_us() / 2;
	struct timeval beat = {HEARTBEAT_SECONDS, 0};
	bool ok = true;
	size_t i;

	if (watchdog > 0 && watchdog < HEARTBEAT_SECONDS * 1000000u) {
		beat.tv_sec = (time_t)(watchdog / 1000000);
		beat.tv_usec = (suseconds_t)(watchdog % 1000000);
	}
	d->timer = evtimer_new(d->base, on_timer, d);
	d->store_event = event_new(d->base, cpnp_store_fd(d->store),
	    EV_READ | EV_PERSIST, on_store, d);
	d->heartbeat =
	    event_new(d->base, -1, EV_PERSIST, on_heartbeat, d);
	if (d->timer == NULL || d->store_event == NULL ||
	    d->heartbeat == NULL)
		ok = false;
	ok = ok && event_add(d->store_event, NULL) == 0 &&
	    event_add(d->heartbeat, &beat) == 0;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && ok; i++) {
		d->signals[i] =
		    evsignal_new(d->base, numbers[i], on_signal, d);
		ok = d->signals[i] != NULL &&
		    event_add(d->signals[i], NULL) == 0;
	}
	if (!ok)
		fprintf(stderr, "cpnpd: event loop: %s\n",
		    cpnp_strerror(CPNP_ERR_NOMEM));
	return ok ? 0 : CPNP_ERR_NOMEM;
}

static void
free_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

static void
tear_down(struct daemon *d)
{
	size_t i;

	cpnpd_ctl_stop(d);
	cpnpd_events_del(d);
	for (i = 0; i < sizeof(d->signals) / sizeof(d->signals[0]); i++)
		free_event(&d->signals[i]);
	free_event(&d->heartbeat);
	free_event(&d->store_event);
	free_event(&d->timer);
	cpnpd_decider_fini(d);
	cpnpd_approvals_fini(d);
	cpnpd_ledger_stop(d);
	cpnpd_restore_fini(d);
	cpnp_net_del(d->net);
	cpnp_parts_del(d->parts);
	cpnp_orders_del(d->orders);
	cpnpd_children_fini(d);
	cpnpd_neighbours_fini(d);
	cpnpd_batches_free(d);
	cpnp_store_close(d->store);
	cpnp_signer_del(d->signer);
	cpnp_signer_del(d->journal_signer);
	cpnp_trust_del(d->trust);
	cpnp_policy_del(d->policy);
	cpnp_topology_del(d->topology);
	cpnp_catalogue_del(d->catalogue);
	cpnp_capacity_del(d->capacity);
	free(d->identity);
	free(d->use);
	cpnp_conf_del(d->reloaded);
	if (d->base != NULL)
		event_base_free(d->base);
}

static void
daemon_init(struct daemon *d, const cpnp_conf *conf)
{
	cpnp_now now = cpnp_now_read();

	memset(d, 0, sizeof(*d));
	d->conf = conf;
	d->flight_end = &d->flight;
	d->sign_end = &d->sign;
	d->rest_end = &d->rest;
	d->next_tag = 1;
	cpnpd_key_reserve(d);
	d->started = now;
	d->clock_offset =
	    now.wall.sec - (int64_t)(now.mono / CPNP_SECONDS(1));
}

int
cpnpd_check(const cpnp_conf *conf)
{
	struct daemon d;
	int err;

	daemon_init(&d, conf);
	err = cpnpd_prepare(&d);
	tear_down(&d);
	return err == 0 ? 0 : EXIT_START;
}

int
cpnpd_serve(const cpnp_conf *conf)
{
	struct daemon d;
	int code = 0;

	/* Who has stopped reading is known by EPIPE. */
	(void)signal(SIGPIPE, SIG_IGN);
	daemon_init(&d, conf);
	if (cpnpd_start(&d) != 0 || add_events(&d) != 0 ||
	    cpnpd_ctl_start(&d) != 0 || cpnpd_events_start(&d) != 0) {
		tear_down(&d);
		return EXIT_START;
	}
	cpnpd_log(CPNP_LOG_INFO, "ready, identity %s, %zu customers, %zu "
	    "places, %s", d.identity, conf->customers_n,
	    d.catalogue->places_n, d.signer != NULL
		? "statements are signed" : "statements are not signed");
	cpnpd_turn_end(&d, cpnp_now_read());
	cpnp_notify("READY=1");
	if (event_base_dispatch(d.base) != 0)
		code = EXIT_START;
	cpnp_net_flush(d.net);
	cpnpd_restore_write(&d);
	log_counters(&d);
	if (!cpnpd_is_idle(&d))
		cpnpd_log(CPNP_LOG_WARNING, "stopped with batches that were "
		    "not stored; what they answer is answered after the next "
		    "start");
	cpnpd_log(CPNP_LOG_INFO, "stopped");
	tear_down(&d);
	return code;
}
