/*
 * Operations, from their making to the bridge.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "restore.h"

/* Seconds for an operation about an escrow to come into the log. */
#define OP_LIFE 600

static int
by_digest(const void *a, const void *b)
{
	return memcmp(a, b, CPNP_SHA256_LEN);
}

struct ledger_op *
cpnpd_ledger_find_op(
    const struct ledger *l, const uint8_t digest[CPNP_SHA256_LEN])
{
	struct ledger_op **found = tfind(digest, &l->ops, by_digest);

	return found != NULL ? *found : NULL;
}

static void
put_last(struct ledger_ops *list, struct ledger_op *op)
{
	op->next = NULL;
	*list->end = op;
	list->end = &op->next;
}

static struct ledger_op *
take_first(struct ledger_ops *list)
{
	struct ledger_op *op = list->first;

	if (op == NULL)
		return NULL;
	list->first = op->next;
	if (list->first == NULL)
		list->end = &list->first;
	return op;
}

static void
op_free(struct ledger_op *op)
{
	free(op->bytes);
	free(op);
}

/* Does it cost an idempotency key of ours? */
static bool
is_costly(const struct ledger_op *op)
{
	return !op->is_theirs && op->kind != CPNP_OP_ANCHOR;
}

/* ---- making ---- */

static int
new_op(struct ledger *l, const uint8_t digest[CPNP_SHA256_LEN],
    cpnp_bytes bytes, struct ledger_op **out)
{
	struct ledger_op *op = calloc(1, sizeof(*op));

	if (op != NULL)
		op->bytes = malloc(bytes.len);
	if (op == NULL || op->bytes == NULL) {
		free(op);
		return CPNP_ERR_NOMEM;
	}
	memcpy(op->digest, digest, CPNP_SHA256_LEN);
	memcpy(op->bytes, bytes.ptr, bytes.len);
	op->len = bytes.len;
	if (tsearch(op, &l->ops, by_digest) == NULL) {
		op_free(op);
		return CPNP_ERR_NOMEM;
	}
	l->ops_n++;
	*out = op;
	return 0;
}

int
cpnpd_ledger_add_signed(struct daemon *d, unsigned kind,
    const uint8_t digest[CPNP_SHA256_LEN],
    const uint8_t subject[CPNP_SHA256_LEN], cpnp_bytes bytes)
{
	struct ledger *l = d->ledger;
	struct ledger_op *op = NULL;
	int err;

	if (cpnpd_ledger_find_op(l, digest) != NULL)
		return 0;
	err = new_op(l, digest, bytes, &op);
	if (err != 0)
		return err;
	op->kind = kind;
	op->is_theirs = true;
	memcpy(op->subject, subject, CPNP_SHA256_LEN);
	put_last(&l->ready, op);
	return 0;
}

int
cpnpd_ledger_check(struct daemon *d, cpnp_bytes signed_op, cpnp_diag *diag)
{
	cpnp_outcome outcome;
	int err = cpnp_bridge_check(
	    d->ledger->bridge, signed_op, &outcome, diag);

	if (err != 0 || outcome.code == CPNP_OUTCOME_ACCEPTED)
		return err;
	/* What is known of accounts may be old then; the log will judge. */
	if (cpnpd_ledger_is_away(d->ledger) &&
	    outcome.code != CPNP_OUTCOME_MALFORMED &&
	    outcome.code != CPNP_OUTCOME_SIGNATURE)
		return 0;
	return CPNP_ERR_FORBIDDEN;
}

/* Does the bridge have it, or what became of it? */
static int
look_for(struct ledger *l, const uint8_t digest[CPNP_SHA256_LEN], bool *is)
{
	const struct ledger_op *op = cpnpd_ledger_find_op(l, digest);

	*is = op != NULL && op->given;
	return op != NULL ? 0
			  : cpnp_bridge_is_submitted(l->bridge, digest, is);
}

int
cpnpd_ledger_add(struct daemon *d, cpnp_op *op,
    const uint8_t subject[CPNP_SHA256_LEN], bool *is_given)
{
	const cpnp_env *env = cpnp_env_openssl();
	struct ledger *l = d->ledger;
	uint8_t digest[CPNP_SHA256_LEN];
	struct ledger_op *made = NULL;
	cpnp_bytes bytes;
	cpnp_buf buf;
	int err;

	memcpy(op->ledger, l->id, sizeof(op->ledger));
	op->account = l->account;
	cpnp_buf_init(&buf, &env->mem, CPNP_OP_MAX);
	err = cpnp_op_encode(op, &buf, NULL);
	bytes = cpnp_buf_bytes(&buf);
	if (err == 0 && env->sha256(env->user, &bytes, 1, digest) != 0)
		err = CPNP_ERR_CRYPTO;
	if (err == 0 && is_given != NULL)
		err = look_for(l, digest, is_given);
	if (err == 0 && (is_given == NULL || !*is_given) &&
	    cpnpd_ledger_find_op(l, digest) == NULL)
		err = new_op(l, digest, bytes, &made);
	cpnp_buf_fini(&buf);
	if (made == NULL)
		return err;
	made->kind = op->type;
	made->size = op->size;
	made->on = op->on;
	memcpy(made->subject, subject, CPNP_SHA256_LEN);
	put_last(&l->plain, made);
	return 0;
}

/* In the ledger's own time where that is ahead, so that it is good there.  Its
 * idempotency key is spent as long: an outage that lasts longer makes it
 * expire, and then it is made again. */
static int64_t
expiry_of(const struct ledger *l, cpnp_now now)
{
	int64_t life = (int64_t)l->op_seconds_max;
	int64_t at = OP_LIFE +
	    (l->time.sec > now.wall.sec ? l->time.sec : now.wall.sec);

	return at < l->time.sec + life ? at : l->time.sec + life;
}

void
cpnpd_ledger_want(struct daemon *d, cpnp_op_type type,
    const uint8_t escrow[CPNP_SHA256_LEN], bool on, cpnp_now now)
{
	const cpnp_env *env = cpnp_env_openssl();
	uint8_t idem[16];
	cpnp_op op = {.type = type, .idem = {idem, sizeof(idem)}};
	int err = env->random(env->user, idem, sizeof(idem));

	op.expiry = expiry_of(d->ledger, now);
	CPNP_OP_SET(&op, SUBJECT, subject,
	    ((cpnp_bytes){escrow, CPNP_SHA256_LEN}));
	if (type == CPNP_OP_ACTIVATE)
		CPNP_OP_SET(&op, ON, on, on);
	if (err == 0)
		err = cpnpd_ledger_add(d, &op, escrow, NULL);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

void
cpnpd_ledger_drop_op(struct daemon *d, struct ledger_op *op, cpnp_now now)
{
	struct ledger *l = d->ledger;
	struct batch *b = op->number != 0 ? cpnpd_batch(d) : NULL;

	if (op->number != 0 &&
	    (b == NULL || cpnp_store_drop_op(b->store, op->number) != 0))
		cpnpd_fail(d, cpnp_strerror(CPNP_ERR_NOMEM), now);
	(void)tdelete(op, &l->ops, by_digest);
	l->ops_n--;
	/* Whoever comes to it in its list frees it. */
	op->over = true;
	if (op->given) {
		l->given_n -= is_costly(op);
		op_free(op);
	}
}

/* ---- the end of the turn ---- */

static int
put_row(struct daemon *d, struct ledger_op *op)
{
	struct ledger *l = d->ledger;
	struct batch *b = cpnpd_batch(d);
	const cpnp_store_op row = {l->number + 1, op->kind, op->subject,
		{op->bytes, op->len}};
	int err = b == NULL ? CPNP_ERR_NOMEM
			    : cpnp_store_put_op(b->store, &row);

	if (err != 0)
		return err;
	op->number = b->op_newest = ++l->number;
	put_last(&l->stored, op);
	return 0;
}

/* Sign up to CPNP_SIGN_BATCH_MAX operations with one signature. */
static int
sign_some(struct daemon *d, struct ledger_op *const *ops, size_t n)
{
	cpnp_bytes *payloads = calloc(n, sizeof(*payloads));
	cpnp_buf *out = calloc(n, sizeof(*out));
	size_t i;
	int err = CPNP_ERR_NOMEM;

	if (payloads == NULL || out == NULL)
		goto out;
	for (i = 0; i < n; i++) {
		payloads[i] = (cpnp_bytes){ops[i]->bytes, ops[i]->len};
		cpnp_buf_init(&out[i], &cpnp_env_openssl()->mem,
		    2 * CPNP_OP_MAX);
	}
	err = cpnp_op_sign(d->ledger->signer, payloads, n, out);
	for (i = 0; i < n && err == 0; i++) {
		free(ops[i]->bytes);
		ops[i]->len = out[i].len;
		ops[i]->bytes = malloc(out[i].len);
		if (ops[i]->bytes == NULL)
			err = CPNP_ERR_NOMEM;
		else
			memcpy(ops[i]->bytes, out[i].ptr, out[i].len);
	}
	for (i = 0; i < n; i++)
		cpnp_buf_fini(&out[i]);
	d->counters.signatures += err == 0;
out:
	free(payloads);
	free(out);
	return err;
}

/* They leave their list in any case: what cannot be stored is asked for again
 * by the orders, when they are read back. */
static int
sign_plain(struct daemon *d)
{
	struct ledger *l = d->ledger;
	struct ledger_op *ops[CPNP_SIGN_BATCH_MAX], *op;
	size_t n = 0, i;
	int err;

	while (n < CPNP_SIGN_BATCH_MAX &&
	    (op = take_first(&l->plain)) != NULL)
		if (op->over)
			op_free(op);
		else
			ops[n++] = op;
	err = n == 0 ? 0 : sign_some(d, ops, n);
	for (i = 0; i < n; i++)
		put_last(&l->ready, ops[i]);
	return err;
}

void
cpnpd_ledger_turn_end(struct daemon *d, cpnp_now now)
{
	struct ledger *l = d->ledger;
	struct ledger_op *op;
	int err = 0;

	if (l == NULL || d->failed)
		return;
	/* Authorizations first: those that were signed together and stay
	 * neighbours share one signature in the log. */
	do {
		while (err == 0 && (op = take_first(&l->ready)) != NULL)
			if (op->over)
				op_free(op);
			else
				err = put_row(d, op);
		if (err == 0 && l->plain.first != NULL)
			err = sign_plain(d);
	} while (err == 0 && l->ready.first != NULL);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

/* ---- to the bridge ---- */

static void
is_given(struct daemon *d, struct ledger_op *op)
{
	struct payment *p;
	cpnp_order *order;

	op->given = true;
	d->ledger->given_n += is_costly(op);
	if (op->kind != CPNP_OP_ANCHOR) {
		free(op->bytes);
		op->bytes = NULL;
	}
	if (op->kind != CPNP_OP_ACKNOWLEDGE)
		return;
	p = cpnpd_ledger_find_payment(d->ledger, op->subject);
	order = p != NULL ? cpnpd_key_order(d, p->key) : NULL;
	if (order != NULL)
		(void)cpnp_order_set_binding(d->orders, order);
}

/* Why nothing is taken is said once. */
static void
complain(struct ledger *l, int err, size_t n)
{
	if (err == l->refused)
		return;
	l->refused = err;
	if (err != 0)
		cpnpd_log(CPNP_LOG_WARNING, "ledger: no operations can be "
		    "given to it (%s): %zu wait in the store",
		    cpnp_strerror(err), n);
}

/* One that no log would take: what wants it is told. */
static void
refuse_first(struct daemon *d, int err)
{
	struct ledger *l = d->ledger;
	struct ledger_op *op = take_first(&l->stored);
	struct payment *p;

	if (op == NULL)
		return;
	p = cpnpd_ledger_find_payment(l, op->subject);
	cpnpd_log(CPNP_LOG_ERROR, "ledger: an operation %s is refused: %s",
	    cpnp_op_name(op->kind), cpnp_strerror(err));
	op->given = true;
	l->given_n += is_costly(op);
	if (p != NULL) {
		cpnpd_ledger_not_paid(d, p, NULL, cpnp_strerror(err));
		return;
	}
	if (op->is_theirs && op->kind == CPNP_OP_WITHDRAW)
		cpnpd_ledger_want(d, CPNP_OP_WITHDRAW, op->subject, false,
		    cpnp_now_read());
	cpnpd_ledger_drop_op(d, op, cpnp_now_read());
}

/* The first operations that are durable, up to max. */
static size_t
collect(struct ledger *l, struct ledger_op **ops, cpnp_bytes *bytes,
    size_t max)
{
	struct ledger_op *op;
	size_t n = 0;

	for (op = l->stored.first; n < max && op != NULL &&
	     op->number <= l->durable && !op->over; op = op->next) {
		ops[n] = op;
		bytes[n++] = (cpnp_bytes){op->bytes, op->len};
	}
	return n;
}

static void
drop_over(struct ledger *l)
{
	while (l->stored.first != NULL && l->stored.first->over)
		op_free(take_first(&l->stored));
}

void
cpnpd_ledger_give(struct daemon *d)
{
	struct ledger *l = d->ledger;
	struct ledger_op *ops[CPNPD_LEDGER_GIVE_MAX];
	cpnp_bytes bytes[CPNPD_LEDGER_GIVE_MAX];
	size_t max = CPNPD_LEDGER_GIVE_MAX, n, i;
	uint64_t room;
	int err = 0;

	if (d->restore->is_silent)
		return;
	for (drop_over(l); err == 0; drop_over(l)) {
		room = cpnpd_ledger_room(l);
		n = collect(l, ops, bytes, room < max ? room : max);
		if (n == 0) {
			if (l->stored.first != NULL && room == 0)
				err = CPNP_ERR_FULL;
			break;
		}
		err = cpnp_bridge_submit_all(l->bridge, bytes, n, NULL);
		if (cpnp_error_is_peer(err) && err != CPNP_ERR_FORBIDDEN) {
			/* one of them is bad: which? */
			if (n == 1)
				refuse_first(d, err);
			max = 1;
			err = 0;
			continue;
		}
		for (i = 0; i < n && err == 0; i++)
			is_given(d, take_first(&l->stored));
	}
	complain(l, err, l->ops_n);
	if (err != 0 && err != CPNP_ERR_STATE)
		cpnpd_ledger_retry(d);
}

void
cpnpd_ledger_committed(struct daemon *d, const struct batch *b)
{
	struct ledger *l = d->ledger;

	if (l == NULL)
		return;
	if (b->op_newest > l->durable)
		l->durable = b->op_newest;
	cpnpd_ledger_grown(d, cpnp_store_batch_count(b->store));
	if (l->stored.first != NULL)
		cpnpd_ledger_give(d);
}

/* ---- from the store ---- */

static void
free_list(struct ledger_ops *list)
{
	struct ledger_op *op;

	while ((op = take_first(list)) != NULL)
		if (op->over)
			op_free(op);
}

void
cpnpd_ledger_forget_ops(struct ledger *l)
{
	free_list(&l->ready);
	free_list(&l->plain);
	free_list(&l->stored);
	while (l->ops != NULL) {
		struct ledger_op *op = *(struct ledger_op **)l->ops;

		(void)tdelete(op, &l->ops, by_digest);
		op_free(op);
	}
	l->ops_n = l->given_n = 0;
	l->anchors_open = 0;
}

static int
load_op(void *user, const cpnp_store_op *row)
{
	struct ledger *l = user;
	uint8_t digest[CPNP_SHA256_LEN];
	struct ledger_op *op = NULL;
	cpnp_op decoded;
	int err = cpnpd_ledger_read(row->bytes, &decoded, digest);

	if (err == 0)
		err = new_op(l, digest, row->bytes, &op);
	if (err != 0)
		return err;
	op->kind = row->kind;
	op->number = row->number;
	op->size = decoded.size;
	op->on = decoded.on;
	op->is_theirs = !cpnp_bytes_equal(decoded.account, l->account);
	memcpy(op->subject, row->subject, CPNP_SHA256_LEN);
	if (op->kind == CPNP_OP_ANCHOR) {
		l->anchors_open++;
		if (op->size > l->anchoring)
			l->anchoring = op->size;
	}
	put_last(&l->stored, op);
	if (row->number > l->number)
		l->number = row->number;
	return 0;
}

int
cpnpd_ledger_load_ops(struct daemon *d)
{
	struct ledger *l = d->ledger;
	int err = cpnp_store_each_op(d->store, load_op, l);

	l->durable = l->number;
	return err;
}
