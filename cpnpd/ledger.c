/*
 * The bridge to the ledger: opened with the store, followed in a thread of its
 * own, and how it is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ledger.h"
#include "restore.h"

/* An operation waits so long for others; what it costs in time is what an
 * order takes longer. */
#define BATCH_WAIT CPNP_MILLISECONDS(20)
/* The present end of the log is waited for so long at the start. */
#define CATCH_UP CPNP_SECONDS(5)
#define CATCH_UP_STEP CPNP_MILLISECONDS(20)
/* Operations without outcome; with more no new order can be paid. */
#define OPS_MAX 100000
/* The part of our idempotency keys that new orders leave to those that there
 * are, which rest, end and are taken back. */
#define ROOM_KEPT 4
/* Between two tries to give operations to a bridge that is full. */
#define RETRY_MS 100

/* A log that can be read and not be written is as good as away. */
static bool
is_away(const cpnp_bridge_status *status)
{
	return status->away || status->text[0] != '\0';
}

bool
cpnpd_ledger_is_away(const struct ledger *l)
{
	return is_away(&l->status) || l->status.stopped;
}

uint64_t
cpnpd_ledger_room(const struct ledger *l)
{
	uint64_t spent = l->idem_n + l->given_n;

	return spent < l->idem_max ? l->idem_max - spent : 0;
}

const char *
cpnpd_ledger_refuses(const struct daemon *d)
{
	const struct ledger *l = d->ledger;

	if (l == NULL)
		return NULL;
	if (l->status.stopped)
		return "the provider cannot follow its ledger any more";
	if (l->ops_n >= OPS_MAX || l->refused == CPNP_ERR_FULL ||
	    (l->idem_max > 0 &&
		cpnpd_ledger_room(l) <= l->idem_max / ROOM_KEPT))
		return "too many payments wait for the ledger";
	return NULL;
}

/* ---- what the ledger says of itself ---- */

/* In the thread of the bridge. */
static void
notify(void *user)
{
	const struct ledger *l = user;
	uint64_t one = 1;

	while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void
read_info(struct ledger *l)
{
	const cpnp_ledger *state = cpnp_bridge_lock(l->bridge);
	cpnp_account_view account;
	cpnp_ledger_info info;

	if (cpnp_ledger_get_account(state, l->account, &account) == 0)
		l->idem_n = account.idem_n;
	if (cpnp_ledger_get_info(state, &info) == 0) {
		l->idem_max = info.settings.idem_max;
		l->time = info.time;
		l->op_seconds_max = info.settings.op_seconds_max;
		l->heartbeat_seconds = info.settings.heartbeat_seconds;
	}
	cpnp_bridge_unlock(l->bridge);
}

static void
log_health(struct ledger *l, const cpnp_bridge_status *now, cpnp_tstamp at)
{
	const cpnp_bridge_status *was = &l->status;

	if (now->stopped && !was->stopped)
		cpnpd_log(CPNP_LOG_ERROR, "ledger: %s; new orders that are to "
		    "be paid are refused until that is put right and cpnpd is "
		    "started again, others go on", now->text);
	else if (is_away(now) && !is_away(was))
		cpnpd_log(CPNP_LOG_WARNING, "ledger: away: %s; payments wait, "
		    "orders that cost nothing go on", now->text);
	else if (!is_away(now) && is_away(was))
		cpnpd_log(CPNP_LOG_WARNING, "ledger: back after %" PRIu64
		    " s, position %" PRIu64,
		    (at - l->away_since) / CPNP_SECONDS(1), now->applied);
	if (is_away(now) && !is_away(was))
		l->away_since = at;
}

static void
look(struct daemon *d, cpnp_now now)
{
	struct ledger *l = d->ledger;
	cpnp_bridge_status status;

	cpnp_bridge_get_status(l->bridge, &status);
	log_health(l, &status, now.mono);
	l->status = status;
	read_info(l);
}

/* ---- the account ---- */

static int __attribute__((format(printf, 2, 3)))
blame(struct daemon *d, const char *format, ...)
{
	cpnp_diag diag = {.err = CPNP_ERR_CONFIG};
	va_list ap;

	va_start(ap, format);
	vsnprintf(diag.why, sizeof(diag.why), format, ap);
	va_end(ap);
	return cpnpd_blame(d, "conf", &d->conf->ledger.conf, &diag);
}

static bool
has_key(const cpnp_account_view *account, const cpnp_signer *signer)
{
	uint8_t id[CPNP_SHA256_LEN];
	size_t i;

	cpnp_signer_key_id(signer, id);
	for (i = 0; i < account->key_n; i++)
		if (account->keys[i].to == UINT64_MAX &&
		    memcmp(account->keys[i].id, id, sizeof(id)) == 0)
			return true;
	return false;
}

/* An account that cannot be paid is a mistake; what the ledger has not told
 * yet is none. */
static int
check_account(struct daemon *d)
{
	struct ledger *l = d->ledger;
	const cpnp_ledger *state = cpnp_bridge_lock(l->bridge);
	cpnp_account_view account = {.roles = 0};
	int err = cpnp_ledger_get_account(state, l->account, &account);
	bool is_key = err == 0 && has_key(&account, l->signer);
	uint64_t roles = account.roles;
	enum cpnp_account_status status = account.status;
	cpnp_ledger_info info = {.settings.op_seconds_max = UINT64_MAX};

	(void)cpnp_ledger_get_info(state, &info);
	cpnp_bridge_unlock(l->bridge);
	l->is_operator = (roles & CPNP_ROLE_OPERATOR) != 0;
	if (l->status.away)
		return 0;
	/* An authorization lives as long. */
	if (d->conf->ledger.escrow_time / CPNP_SECONDS(1) >=
	    info.settings.op_seconds_max)
		return blame(d, "escrow-time: longer than an operation may "
		    "live; expected less than the %" PRIu64 " s of this "
		    "ledger", info.settings.op_seconds_max);
	if (err != 0)
		return blame(d, "account %s: there is none at this ledger; "
		    "expected one that a maintainer has opened",
		    l->conf.account);
	if (!is_key)
		return blame(d, "key-file: is no key of account %s; expected "
		    "one of cpnp-ledger key list", l->conf.account);
	if (status != CPNP_ACCOUNT_ACTIVE)
		return blame(d, "account %s: is suspended or closed; expected "
		    "an active one", l->conf.account);
	if ((roles & (CPNP_ROLE_PROVIDER | CPNP_ROLE_BROKER)) == 0)
		return blame(d, "account %s: cannot be paid for orders; "
		    "expected role provider or broker", l->conf.account);
	return 0;
}

/* A token that is not there would never be meant. */
static int
check_token(struct daemon *d)
{
	const char *wanted = d->conf->ledger.token.value;
	cpnp_token_view token;
	cpnp_diag diag = {0};
	int err;

	if (wanted == NULL || d->ledger->status.away)
		return 0;
	err = cpnp_ledger_find_token(cpnp_bridge_lock(d->ledger->bridge),
	    cpnp_bytes_str(wanted), CPNP_BYTES_NONE, &token, &diag);
	cpnp_bridge_unlock(d->ledger->bridge);
	return err == 0 ? 0 : blame(d, "token: %s", diag.why);
}

static int
check_names(struct daemon *d)
{
	char why[CPNPD_LEDGER_WHY_MAX];
	int err = cpnpd_ledger_check_names(d, why);

	return err == 0 ? 0 : blame(d, "offer: %s", why);
}

/* ---- ticks and heartbeats ---- */

static void
arm_beat(struct daemon *d)
{
	struct ledger *l = d->ledger;
	struct timeval in = {l->is_operator ? l->conf.tick_s
		: (time_t)(l->heartbeat_seconds / 2 + 1), 0};

	(void)evtimer_add(l->beat, &in);
}

/* Straight to the bridge: the next one is as good. */
static void
beat(struct daemon *d, cpnp_now now)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	struct ledger *l = d->ledger;
	cpnp_op op = {
		.type = l->is_operator ? CPNP_OP_TICK : CPNP_OP_HEARTBEAT,
		.account = l->account};
	cpnp_buf plain, out;
	cpnp_bytes bytes;
	int err;

	if (cpnpd_ledger_is_away(l))
		return;
	memcpy(op.ledger, l->id, sizeof(op.ledger));
	CPNP_OP_SET(&op, TIME, time, now.wall.sec);
	cpnp_buf_init(&plain, mem, CPNP_OP_MAX);
	cpnp_buf_init(&out, mem, 2 * CPNP_OP_MAX);
	err = cpnp_op_encode(&op, &plain, NULL);
	bytes = cpnp_buf_bytes(&plain);
	if (err == 0)
		err = cpnp_op_sign(l->signer, &bytes, 1, &out);
	if (err == 0)
		err = cpnp_bridge_submit(
		    l->bridge, cpnp_buf_bytes(&out), NULL);
	cpnp_buf_fini(&plain);
	cpnp_buf_fini(&out);
	if (err != 0 && err != CPNP_ERR_FULL)
		cpnpd_log(CPNP_LOG_WARNING, "ledger: %s: %s",
		    cpnp_op_name(op.type), cpnp_strerror(err));
}

/* ---- the loop ---- */

static void
on_beat(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	if (!d->restore->is_silent && !d->stopping)
		beat(d, cpnp_now_read());
	arm_beat(d);
}

static void
turn(struct daemon *d)
{
	cpnp_now now = cpnp_now_read();

	look(d, now);
	if (d->failed || d->stopping || d->restore->is_silent)
		return;
	/* The account is known once the log has been read so far. */
	if (!d->ledger->is_checked && !d->ledger->status.away) {
		if (check_account(d) == 0 && check_token(d) == 0)
			(void)check_names(d);
		d->ledger->is_checked = true;
	}
	cpnpd_ledger_outcomes(d, now);
	cpnpd_ledger_give(d);
	cpnpd_drain(d, now);
	cpnpd_turn_end(d, now);
}

static void
on_wake(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	uint64_t count;

	(void)what;
	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	turn(d);
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	turn(user);
}

void
cpnpd_ledger_retry(struct daemon *d)
{
	static const struct timeval soon = {0, RETRY_MS * 1000};

	if (d->ledger->retry != NULL &&
	    !evtimer_pending(d->ledger->retry, NULL))
		(void)evtimer_add(d->ledger->retry, &soon);
}

/* ---- start and stop ---- */

static int
open_bridge(struct daemon *d)
{
	struct ledger *l = d->ledger;
	cpnp_diag diag = {0};
	int err = cpnp_ledger_conf_load(
	    &l->conf, d->conf->ledger.conf.value, &diag);

	if (err == 0)
		err = cpnp_ledger_conf_open_signer(
		    &l->conf, &l->signer, &diag);
	if (err == 0)
		err = cpnp_ledger_conf_get_id(&l->conf, l->id, &diag);
	if (err == 0)
		err = cpnp_ledger_conf_open_bridge(
		    &l->conf, NULL, BATCH_WAIT, &l->bridge, &diag);
	if (err != 0)
		return cpnpd_blame(
		    d, "conf", &d->conf->ledger.conf, &diag);
	l->account = cpnp_bytes_str(l->conf.account);
	return 0;
}

/* To the present end of the log, or nearly: an account is then there, or not.
 * An outage is no mistake. */
static int
catch_up(struct daemon *d)
{
	struct ledger *l = d->ledger;
	cpnp_tstamp end = cpnp_now_read().mono + CATCH_UP;
	cpnp_diag diag = {0};
	uint64_t before;
	bool more;
	int err;

	do {
		before = l->status.applied;
		/* why it has stopped, if so, is in its status */
		(void)cpnp_bridge_step(l->bridge, CATCH_UP_STEP, &diag);
		look(d, cpnp_now_read());
		more = l->status.applied != before ||
		    l->status.applied < l->status.final;
	} while (more && !cpnpd_ledger_is_away(l) &&
	    cpnp_now_read().mono < end);
	if (more || cpnpd_ledger_is_away(l))
		return 0;
	l->is_checked = true;
	err = check_account(d);
	if (err == 0)
		err = check_token(d);
	return err == 0 ? check_names(d) : err;
}

int
cpnpd_ledger_load(struct daemon *d)
{
	struct ledger *l = d->ledger;
	uint8_t id[CPNP_SHA256_LEN];
	int err = cpnp_store_ledger(d->store, id, &l->outcomes);

	cpnpd_ledger_forget_ops(l);
	if (err == 0 && memcmp(id, l->id, sizeof(id)) != 0)
		return blame(d, "genesis: is that of another ledger than the "
		    "one at which orders of this store were paid; expected "
		    "that one, or a new store");
	/* A store that is new to the ledger looks at all that was done. */
	if (err == CPNP_ERR_NOT_FOUND) {
		l->outcomes = 0;
		err = 0;
	}
	l->outcomes_stored = l->outcomes;
	return err == 0 ? cpnpd_ledger_load_ops(d) : err;
}

int
cpnpd_ledger_start(struct daemon *d)
{
	struct ledger *l;
	int err;

	if (d->conf->ledger.conf.value == NULL)
		return 0;
	l = d->ledger = calloc(1, sizeof(*l));
	if (l == NULL)
		return CPNP_ERR_NOMEM;
	l->ready.end = &l->ready.first;
	l->plain.end = &l->plain.first;
	l->stored.end = &l->stored.first;
	l->verdicts_end = &l->verdicts;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = l->wake_fd < 0 ? CPNP_ERR_IO : open_bridge(d);
	if (err == 0)
		err = catch_up(d);
	if (err == 0)
		err = cpnpd_ledger_load(d);
	if (err == 0)
		cpnpd_ledger_give(d);
	return err;
}

int
cpnpd_ledger_run(struct daemon *d)
{
	struct ledger *l = d->ledger;
	sigset_t all, old;
	int err;

	if (l == NULL)
		return 0;
	l->wake = event_new(
	    d->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, d);
	l->beat = evtimer_new(d->base, on_beat, d);
	l->retry = evtimer_new(d->base, on_retry, d);
	if (l->wake == NULL || l->beat == NULL || l->retry == NULL ||
	    event_add(l->wake, NULL) != 0)
		return CPNP_ERR_NOMEM;
	err = cpnpd_ledger_anchors_start(d);
	if (err != 0)
		return err;
	/* Signals are for the loop. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = cpnp_bridge_start(l->bridge, notify, l);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	on_beat(-1, 0, d);
	notify(l);
	cpnpd_log(CPNP_LOG_INFO, "ledger: %s of %s, position %" PRIu64
	    ", %zu operations without outcome", l->conf.account,
	    l->conf.path, l->status.applied, l->ops_n);
	return err;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
cpnpd_ledger_stop(struct daemon *d)
{
	struct ledger *l = d->ledger;

	if (l == NULL)
		return;
	cpnp_bridge_close(l->bridge);
	free_event(l->wake);
	free_event(l->beat);
	free_event(l->retry);
	free_event(l->anchor);
	cpnpd_ledger_forget_ops(l);
	cpnpd_ledger_forget_payments(l);
	cpnp_signer_del(l->signer);
	cpnp_ledger_conf_fini(&l->conf);
	if (l->wake_fd >= 0)
		(void)close(l->wake_fd);
	free(l);
	d->ledger = NULL;
}
