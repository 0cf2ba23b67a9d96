/*
 * What the verbs of the control socket do.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "approval.h"
#include "ctl.h"
#include "events.h"
#include "ledger.h"
#include "restore.h"

int
cpnpd_ctl_fail(cpnp_diag *why, int err, const char *format, ...)
{
	va_list ap;

	why->err = err;
	va_start(ap, format);
	vsnprintf(why->why, sizeof(why->why), format, ap);
	va_end(ap);
	return err;
}

static void
set_number(json_t *object, const char *key, uint64_t number)
{
	(void)json_object_set_new(
	    object, key, json_integer((json_int_t)number));
}

static const char *
condition(const struct daemon *d)
{
	if (d->stopping)
		return "stopping";
	if (d->restore->is_silent)
		return "silent, the store is not the newest";
	if (d->failed)
		return "the store cannot be written";
	return d->draining ? "draining" : "serving";
}

static int
step_status(struct conn *c, bool *more, cpnp_diag *why)
{
	struct daemon *d = cpnpd_ctl_daemon(c);
	cpnp_now now = cpnp_now_read();
	json_t *object = json_object();
	cpnp_net_counters net;
	cpnpd_events_status events;
	int err = cpnpd_events_get_status(d, &events);

	(void)more;
	(void)why;
	cpnp_net_get_counters(d->net, &net);
	(void)json_object_set_new(
	    object, "condition", json_string(condition(d)));
	(void)json_object_set_new(object, "identity",
	    cpnpd_ctl_text(cpnp_bytes_str(d->identity)));
	(void)json_object_set_new(
	    object, "version", json_string(PACKAGE_VERSION));
	set_number(object, "pid", (uint64_t)getpid());
	(void)json_object_set_new(
	    object, "started", cpnpd_ctl_time(d->started.wall));
	set_number(object, "uptime",
	    (now.mono - d->started.mono) / CPNP_SECONDS(1));
	(void)json_object_set_new(object, "configuration",
	    cpnpd_ctl_text(cpnp_bytes_str(d->conf->path)));
	(void)json_object_set_new(object, "store",
	    cpnpd_ctl_text(cpnp_bytes_str(d->conf->store.value)));
	set_number(object, "customers", d->conf->customers_n);
	set_number(object, "places", d->catalogue->places_n);
	set_number(object, "orders_in_memory", cpnp_orders_count(d->orders));
	set_number(object, "batches_with_writer",
	    cpnp_store_pending(d->store));
	set_number(object, "sessions", net.sessions);
	set_number(object, "newest_event", events.newest);
	set_number(object, "waiting_for_approval", d->approvals->n);
	if (d->restore->is_silent)
		(void)json_object_set_new(
		    object, "missing", json_string(d->restore->why));
	if (events.program != NULL) {
		(void)json_object_set_new(
		    object, "event_command", json_string(events.program));
		set_number(object, "acknowledged_event", events.acknowledged);
	}
	cpnpd_ledger_status_json(d, object);
	cpnpd_ctl_put(c, object);
	return err;
}

static int
step_log(struct conn *c, bool *more, cpnp_diag *why)
{
	static const char *const names[] = {
#define X(NAME, text) text,
		CPNP_LOG_LEVEL_MAP(X)
#undef X
	};
	size_t i;

	(void)more;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], c->request.level) == 0) {
			cpnp_log_set_level((cpnp_log_level)i);
			cpnpd_log(CPNP_LOG_INFO, "log: the level is %s now",
			    names[i]);
			return 0;
		}
	return cpnpd_ctl_fail(why, CPNP_ERR_INVALID, "\"%.64s\" is no level; "
	    "expected error, warning, info or debug", c->request.level);
}

static int
step_drain(struct conn *c, bool *more, cpnp_diag *why)
{
	struct daemon *d = cpnpd_ctl_daemon(c);

	(void)more;
	(void)why;
	if (d->draining == !c->request.off)
		return 0;
	d->draining = !c->request.off;
	cpnpd_log(CPNP_LOG_INFO, "%s", d->draining
		? "draining: new orders are refused, those that are there go "
		  "on" : "draining is over, new orders are taken");
	return 0;
}

static int
step_reload(struct conn *c, bool *more, cpnp_diag *why)
{
	char told[CPNPD_TOLD_MAX];
	int err = cpnpd_reload(cpnpd_ctl_daemon(c), told);

	(void)more;
	if (err == 0)
		return 0;
	return cpnpd_ctl_fail(why, err, "%s", told);
}

static int
step_stop(struct conn *c, bool *more, cpnp_diag *why)
{
	(void)more;
	(void)why;
	c->stops = true;
	c->ending = true;
	return 0;
}

static int
step_backup(struct conn *c, bool *more, cpnp_diag *why)
{
	struct daemon *d = cpnpd_ctl_daemon(c);
	cpnp_diag diag = {0};
	bool done = false;
	int err = 0;

	if (c->request.file[0] != '/')
		return cpnpd_ctl_fail(why, CPNP_ERR_INVALID, "\"%.128s\" is "
		    "no absolute name; expected one that begins with /",
		    c->request.file);
	if (c->backup == NULL)
		err = cpnp_store_backup_new(
		    &c->backup, d->store, c->request.file, &diag);
	if (err == 0)
		err = cpnp_store_backup_step(
		    c->backup, CPNPD_CTL_BACKUP_PAGES, &done, &diag);
	if (err != 0)
		return cpnpd_ctl_fail(why, err, "%s: %s", diag.where,
		    diag.why[0] != '\0' ? diag.why : cpnp_strerror(err));
	if (done)
		cpnpd_log(CPNP_LOG_INFO, "store %s: copied to %s",
		    d->conf->store.value, c->request.file);
	*more = !done;
	return 0;
}

static int
step_resume(struct conn *c, bool *more, cpnp_diag *why)
{
	(void)more;
	if (!c->request.accept_loss)
		return cpnpd_ctl_fail(why, CPNP_ERR_INVALID,
		    "expected --accept-loss, which says that what was said "
		    "since is lost");
	return cpnpd_restore_accept(
	    cpnpd_ctl_daemon(c), (unsigned long)c->uid, why);
}

void
cpnpd_ctl_want_commit(struct conn *c)
{
	const struct daemon *d = cpnpd_ctl_daemon(c);
	const struct batch *b;

	c->batches_failed = d->counters.batches_failed;
	c->batches_wanted = d->counters.batches + d->counters.batches_failed;
	for (b = d->flight; b != NULL; b = b->next)
		c->batches_wanted++;
	if (d->current != NULL)
		c->batches_wanted++;
	c->cursor = 1;
}

int
cpnpd_ctl_wait_commit(
    struct conn *c, const char *lost, bool *more, cpnp_diag *why)
{
	const struct daemon *d = cpnpd_ctl_daemon(c);

	if (d->failed || d->counters.batches_failed != c->batches_failed)
		return cpnpd_ctl_fail(why, CPNP_ERR_IO, "%s", lost);
	if (d->counters.batches + d->counters.batches_failed <
	    c->batches_wanted)
		*more = c->waits = true;
	return 0;
}

int
cpnpd_ctl_step(struct conn *c, bool *more, cpnp_diag *why)
{
	switch (c->request.verb) {
	case CPNP_CTL_VERB_STATUS:
		return step_status(c, more, why);
	case CPNP_CTL_VERB_ORDERS:
		return cpnpd_ctl_orders(c, more, why);
	case CPNP_CTL_VERB_SHOW:
		return cpnpd_ctl_show(c, more, why);
	case CPNP_CTL_VERB_CUSTOMERS:
		return cpnpd_ctl_customers(c, more, why);
	case CPNP_CTL_VERB_COUNTERS:
		return cpnpd_ctl_counters(c, more, why);
	case CPNP_CTL_VERB_EVENTS:
		return cpnpd_ctl_events(c, more, why);
	case CPNP_CTL_VERB_PENDING:
		return cpnpd_ctl_pending(c, more, why);
	case CPNP_CTL_VERB_APPROVE:
		return cpnpd_ctl_approve(c, more, why);
	case CPNP_CTL_VERB_REJECT:
		return cpnpd_ctl_reject(c, more, why);
	case CPNP_CTL_VERB_ACTIVATE:
		return cpnpd_ctl_activate(c, true, more, why);
	case CPNP_CTL_VERB_DEACTIVATE:
		return cpnpd_ctl_activate(c, false, more, why);
	case CPNP_CTL_VERB_LOG:
		return step_log(c, more, why);
	case CPNP_CTL_VERB_DRAIN:
		return step_drain(c, more, why);
	case CPNP_CTL_VERB_RELOAD:
		return step_reload(c, more, why);
	case CPNP_CTL_VERB_STOP:
		return step_stop(c, more, why);
	case CPNP_CTL_VERB_BACKUP:
		return step_backup(c, more, why);
	case CPNP_CTL_VERB_RESUME:
		return step_resume(c, more, why);
	case CPNP_CTL_VERB_END:
		break;
	}
	return CPNP_ERR_INVALID;
}
