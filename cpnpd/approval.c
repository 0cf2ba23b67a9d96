/*
 * What waits for an administrator, and its time: before the expected offer
 * time passes, the client is asked for more, and when there is no more to be
 * had the order is refused before the client gives it up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "approval.h"
#include "decider.h"

/* How often the dates of what waits are looked at. */
#define TICK_MS 500
/* An order is refused so long before its time, in seconds. */
#define LAST_SECONDS 1
#define WORDS(b) (int)(b).len, (const char *)(b).ptr

static int
by_order(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct approval *)a)->order;
	uintptr_t y = (uintptr_t)((const struct approval *)b)->order;

	return x < y ? -1 : x > y;
}

/* Most orders wait for nobody: they are known by a bit. */
struct approval *
cpnpd_approval_of(const struct daemon *d, const cpnp_order *order)
{
	const struct approval key = {
		.order = (cpnp_order *)(uintptr_t)order};
	struct approval **found;

	if ((cpnp_order_user(order) & ORDER_USER_WAITS) == 0)
		return NULL;
	found = tfind(&key, &d->approvals->tree, by_order);
	return found != NULL ? *found : NULL;
}

const char *
cpnpd_approval_method(const struct approval *a)
{
	return cpnp_method_name(cpnp_order_edition(a->order),
	    (int)cpnp_order_transaction(a->order));
}

bool
cpnpd_approval_deadline(const struct approval *a, cpnp_wtime *until)
{
	cpnp_wait wait;

	/* Of an agreement it says when the service is to start. */
	if (cpnp_order_state(a->order) != CPNP_STATE_AWAITING_PROCESSING)
		return false;
	cpnp_order_wait(a->order, &wait);
	if (wait.has_until)
		*until = wait.until;
	return wait.has_until;
}

void
cpnpd_remark(struct daemon *d, cpnp_order *order, cpnp_now now,
    const char *format, ...)
{
	struct batch *b = cpnpd_batch(d);
	char text[CPNPD_REMARK_MAX];
	cpnp_effect effect = {.type = CPNP_EFFECT_STORE, .order = order};
	va_list ap;
	int err = b != NULL ? 0 : CPNP_ERR_NOMEM;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	cpnpd_log_order(CPNP_LOG_INFO, order, "%s", text);
	effect.u.store.from = effect.u.store.to = cpnp_order_state(order);
	effect.u.store.agreement_from = effect.u.store.agreement_to =
	    cpnp_order_agreement_state(order);
	effect.u.store.event = CPNP_EVENT_NONE;
	effect.u.store.time = now.wall;
	effect.u.store.detail = text;
	if (err == 0)
		err = cpnpd_touch(b, order);
	if (err == 0)
		err = cpnp_store_put(b->store, &effect, 0);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

/* ---- the note in the store ---- */

void
cpnpd_approval_put_note(struct daemon *d, const struct approval *a)
{
	struct batch *b = cpnpd_batch(d);
	json_t *note = json_pack("{s:I, s:I, s:b}", "since",
	    (json_int_t)a->since.sec, "wait", (json_int_t)a->wait, "notified",
	    a->notified);
	char *text = note != NULL ? json_dumps(note, JSON_COMPACT) : NULL;
	int err = b == NULL || text == NULL ? CPNP_ERR_NOMEM : 0;

	if (err == 0)
		err = cpnpd_touch(b, a->order);
	if (err == 0)
		err = cpnp_store_put_note(
		    b->store, a->order, cpnp_bytes_str(text));
	free(text);
	json_decref(note);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), cpnp_now_read());
}

/* ---- what waits ---- */

static void
arm(struct daemon *d)
{
	static const struct timeval tick = {0, TICK_MS * 1000};
	struct approvals *all = d->approvals;

	if (all->first != NULL && !evtimer_pending(all->timer, NULL))
		(void)evtimer_add(all->timer, &tick);
}

static struct approval *
add(struct daemon *d, cpnp_order *order, cpnp_wtime since, uint32_t wait)
{
	struct approvals *all = d->approvals;
	struct approval *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->order = order;
	a->method = CPNP_METHOD_END;
	a->since = since;
	a->wait = wait;
	if (tsearch(a, &all->tree, by_order) == NULL) {
		free(a);
		return NULL;
	}
	a->number = ++all->number;
	a->at = all->end;
	*all->end = a;
	all->end = &a->next;
	all->n++;
	cpnp_order_set_user(
	    order, cpnp_order_user(order) | ORDER_USER_WAITS);
	arm(d);
	return a;
}

static void
describe(struct approval *a, const cpnp_decision *decision,
    const char *reason)
{
	const cpnp_money *cost = &decision->offer.cost;

	a->status = decision->status;
	a->has_cost = decision->status == CPNP_STATUS_NONE &&
	    decision->offer.has_cost;
	if (a->has_cost) {
		a->amount = cost->amount;
		a->exponent = cost->exponent;
		snprintf(a->code, sizeof(a->code), "%.*s", WORDS(cost->code));
	}
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

void
cpnpd_approval_wait(struct daemon *d, cpnp_order *order, cpnp_method method,
    const cpnp_decision *decision, const char *reason, cpnp_now now)
{
	const cpnp_env *env = cpnp_env_openssl();
	struct approval *a = cpnpd_approval_of(d, order);
	bool is_new = a == NULL;
	uint32_t wait = 0;
	int err = 0;

	if (is_new)
		err = env->random(env->user, (uint8_t *)&wait, sizeof(wait));
	if (err == 0 && is_new)
		a = add(d, order, now.wall, wait);
	if (a == NULL) {
		/* It expires, and the client may ask again. */
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "cannot wait for approval: %s",
		    cpnp_strerror(err != 0 ? err : CPNP_ERR_NOMEM));
		return;
	}
	describe(a, decision, reason);
	a->method = method;
	if (!is_new)
		return;
	d->counters.approvals++;
	cpnpd_remark(d, order, now, "waits for approval: %s", reason);
	cpnpd_approval_put_note(d, a);
}

void
cpnpd_approval_over(struct daemon *d, cpnp_order *order, struct batch *b)
{
	struct approval *a = cpnpd_approval_of(d, order);

	cpnpd_decider_over(d, order);
	if (a == NULL)
		return;
	/* The first error of a batch stays, and is seen by who put last. */
	if (b != NULL)
		(void)cpnp_store_put_note(
		    b->store, order, CPNP_BYTES_NONE);
	cpnp_order_set_user(
	    order, cpnp_order_user(order) & ~ORDER_USER_WAITS);
	(void)tdelete(a, &d->approvals->tree, by_order);
	cpnpd_notice_detach(a);
	*a->at = a->next;
	if (a->next != NULL)
		a->next->at = a->at;
	else
		d->approvals->end = a->at;
	d->approvals->n--;
	free(a);
}

void
cpnpd_approval_load(struct daemon *d, cpnp_order *order, cpnp_bytes note)
{
	json_t *object;
	struct approval *a;

	if (note.len == 0)
		return;
	object = json_loadb((const char *)note.ptr, note.len, 0, NULL);
	a = add(d, order, (cpnp_wtime){json_integer_value(
	    json_object_get(object, "since"))},
	    (uint32_t)json_integer_value(json_object_get(object, "wait")));
	if (a != NULL)
		a->notified =
		    json_is_true(json_object_get(object, "notified"));
	json_decref(object);
}

void
cpnpd_approval_loaded(struct daemon *d, cpnp_order *order)
{
	const struct approval *a = cpnpd_approval_of(d, order);

	if (a != NULL && a->method == CPNP_METHOD_END)
		cpnpd_approval_over(d, order, NULL);
}

/* ---- its time ---- */

static int64_t
seconds(uint64_t ns)
{
	return (int64_t)(ns / CPNP_SECONDS(1));
}

/* What the network is to do takes more than a signature: say so. */
static cpnp_subcode
subcode_of(const struct approval *a)
{
	return a->status == CPNP_STATUS_OUT_OF_RESOURCES
	    ? CPNP_SUBCODE_LOCAL_UPGRADE : CPNP_SUBCODE_NONE;
}

static void
ask_for_time(struct daemon *d, struct approval *a, cpnp_wtime until,
    cpnp_now now)
{
	const cpnp_conf_approval *conf = &d->conf->approval;
	cpnp_wtime later = {until.sec + seconds(conf->extend)};
	cpnp_wtime last = {a->since.sec + seconds(conf->max)};
	int err;

	if (later.sec > last.sec)
		later = last;
	if (later.sec <= until.sec) {
		a->no_time = true;
		cpnpd_log_order(CPNP_LOG_WARNING, a->order, "the longest "
		    "time to wait for approval is over");
		return;
	}
	err = cpnp_order_more_time(
	    d->orders, a->order, later, subcode_of(a), now);
	if (err == 0) {
		a->asked = true;
		d->counters.more_time++;
	} else if (err == CPNP_ERR_STATE) {
		a->asked = true; /* before a restart; it is awaited still */
	} else {
		a->no_time = true;
		cpnpd_log_order(CPNP_LOG_WARNING, a->order,
		    "more time cannot be asked for: %s",
		    err == CPNP_ERR_METHOD ? "draft-02 does not know it"
					   : cpnp_strerror(err));
	}
	cpnpd_drain(d, now);
}

static void
watch(struct daemon *d, struct approval *a, cpnp_now now)
{
	cpnp_wtime until;
	int64_t left;

	/* The client of an ACTIVATE names no time. */
	if (!cpnpd_approval_deadline(a, &until)) {
		until.sec = a->since.sec + seconds(d->conf->approval.max);
		a->no_time = true;
	}
	left = until.sec - now.wall.sec;
	if (left <= LAST_SECONDS)
		cpnpd_reject_late(d, a->order, now);
	else if (left <= seconds(d->conf->approval.margin) && !a->asked &&
	    !a->no_time)
		ask_for_time(d, a, until, now);
}

void
cpnpd_approval_time(struct daemon *d, cpnp_order *order, bool granted,
    cpnp_wtime until, cpnp_now now)
{
	struct approval *a = cpnpd_approval_of(d, order);
	char text[CPNP_DATE_LEN] = "";

	(void)cpnp_date_format(CPNP_EDITION_RFC8921, until, text);
	if (granted)
		d->counters.more_time_granted++;
	else
		d->counters.more_time_refused++;
	cpnpd_remark(d, order, now, "the client %s more time, an offer is "
	    "expected until %s", granted ? "granted" : "gave no", text);
	if (a == NULL)
		return;
	a->asked = false;
	a->no_time = !granted;
}

static void
on_tick(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	cpnp_now now = cpnp_now_read();
	struct approval *a, *next;

	(void)fd;
	(void)what;
	/* Nothing is decided while nothing can be stored. */
	for (a = d->approvals->first; a != NULL && !d->failed; a = next) {
		next = a->next;
		watch(d, a, now);
	}
	if (!d->stopping)
		cpnpd_notices_start(d, now);
	cpnpd_turn_end(d, now);
	arm(d);
}

int
cpnpd_approvals_init(struct daemon *d)
{
	struct approvals *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return CPNP_ERR_NOMEM;
	d->approvals = all;
	all->end = &all->first;
	all->timer = evtimer_new(d->base, on_tick, d);
	return all->timer != NULL ? 0 : CPNP_ERR_NOMEM;
}

void
cpnpd_approvals_fini(struct daemon *d)
{
	struct approvals *all = d->approvals;
	struct approval *a;

	if (all == NULL)
		return;
	while ((a = all->first) != NULL)
		cpnpd_approval_over(d, a->order, NULL);
	cpnpd_notices_kill(d);
	if (all->timer != NULL)
		event_free(all->timer);
	free(all);
	d->approvals = NULL;
}
