/*
 * The ledger, payments and outcomes as JSON, for cpnpctl(8) and the stream of
 * events.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <string.h>

#include "ctl.h"
#include "ledger.h"

static void
set(json_t *object, const char *key, const char *text)
{
	(void)json_object_set_new(object, key, json_string(text));
}

static void
set_number(json_t *object, const char *key, uint64_t number)
{
	(void)json_object_set_new(
	    object, key, json_integer((json_int_t)number));
}

static void
set_id(json_t *object, const char *key, const uint8_t id[CPNP_SHA256_LEN])
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * CPNP_SHA256_LEN];
	size_t i;

	for (i = 0; i < CPNP_SHA256_LEN; i++) {
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 0x0f];
	}
	(void)json_object_set_new(
	    object, key, json_stringn(text, sizeof(text)));
}

void
cpnpd_ledger_status_json(struct daemon *d, json_t *object)
{
	struct ledger *l = d->ledger;
	cpnp_bridge_status status;
	uint8_t root[CPNP_SHA256_LEN];
	uint64_t size = 0;

	if (l == NULL)
		return;
	cpnp_bridge_get_status(l->bridge, &status);
	set(object, "ledger",
	    status.text[0] != '\0' ? status.text : "following");
	(void)json_object_set_new(
	    object, "ledger_away", json_boolean(!status.stopped &&
		(status.away || status.text[0] != '\0')));
	(void)json_object_set_new(
	    object, "ledger_stopped", json_boolean(status.stopped));
	set(object, "ledger_account", l->conf.account);
	set_number(object, "ledger_position", status.applied);
	set_number(object, "ledger_behind", status.final > status.applied
		? status.final - status.applied : 0);
	set_number(object, "ledger_waiting", status.waiting);
	set_number(object, "ledger_lag", status.oldest / CPNP_SECONDS(1));
	set_number(object, "payments_waiting", l->payments_n);
	set_number(object, "operations_waiting", l->ops_n);
	set_number(object, "operations_room", cpnpd_ledger_room(l));
	if (cpnp_store_head(d->store, &size, root) != 0)
		return;
	set_number(object, "journal_leaves", size);
	set_number(object, "anchored_leaves", l->anchored);
	set_number(object, "anchor_lag",
	    size > l->anchored ? size - l->anchored : 0);
}

/* ---- payments of an order ---- */

static const char *
state_text(cpnp_store_payment_state state)
{
	switch (state) {
	case CPNP_STORE_PAYMENT_ASKED:
		return "asked for";
	case CPNP_STORE_PAYMENT_POSTED:
		return "posted";
	case CPNP_STORE_PAYMENT_SETTLED:
		return "settled";
	case CPNP_STORE_PAYMENT_OVER:
		return "not paid";
	case CPNP_STORE_PAYMENT_CLAIMED:
		return "breach claimed";
	case CPNP_STORE_PAYMENT_UPHELD:
		return "claim upheld";
	case CPNP_STORE_PAYMENT_REJECTED:
		return "claim rejected";
	}
	return "?";
}

struct listing {
	struct daemon *d;
	json_t *list;
};

/* What the ledger itself says, while the escrow is there. */
static void
set_escrow(struct daemon *d, json_t *object,
    const uint8_t id[CPNP_SHA256_LEN])
{
	cpnp_escrow_view view;
	cpnp_money money;
	json_t *amount;

	if (d->ledger == NULL)
		return;
	if (cpnp_ledger_get_escrow(cpnp_bridge_lock(d->ledger->bridge), id,
		&view) == 0) {
		money = (cpnp_money){view.amount, view.code, view.issuer,
			view.exponent};
		amount = cpnpd_ctl_cost(&money);
		(void)json_object_set_new(object, "cost", amount);
		set(object, "ledger_state",
		    cpnp_escrow_state_name(view.state));
		set_number(object, "locked", (uint64_t)view.locked);
		set_number(object, "seconds", view.duration);
		set_number(object, "seconds_used", view.used);
		(void)json_object_set_new(
		    object, "idle", json_boolean(view.idle));
		set_number(object, "credits", (uint64_t)view.credits);
		(void)json_object_set_new(
		    object, "due", cpnpd_ctl_time(view.due));
	}
	cpnp_bridge_unlock(d->ledger->bridge);
}

static int
add_payment(void *user, const cpnp_store_payment *payment)
{
	struct listing *l = user;
	json_t *object = json_object();

	set_id(object, payment->state < CPNP_STORE_PAYMENT_CLAIMED
		? "escrow" : "claim", payment->id);
	set(object, "state", state_text(payment->state));
	set_number(object, "amount", (uint64_t)payment->amount);
	set_number(object, "paid", (uint64_t)payment->paid);
	if (payment->state < CPNP_STORE_PAYMENT_CLAIMED)
		set_escrow(l->d, object, payment->id);
	(void)json_array_append_new(l->list, object);
	return 0;
}

int
cpnpd_ledger_order_json(
    struct daemon *d, json_t *object, const cpnp_store_row *row)
{
	struct listing l = {d, json_array()};
	int err = cpnp_store_each_payment(d->store, row->peer_identity,
	    row->customer_order_id, add_payment, &l);

	if (json_array_size(l.list) > 0)
		(void)json_object_set_new(object, "payments", l.list);
	else
		json_decref(l.list);
	return err;
}

int
cpnpd_ledger_outcome_json(json_t *object, cpnp_bytes leaf)
{
	cpnp_outcome outcome;
	json_t *value;
	int err;

	if (leaf.len == 0)
		return 0;
	err = cpnp_outcome_decode(&outcome, leaf);
	if (err != 0)
		return err;
	value = json_object();
	set(value, "fact", cpnp_fact_name(outcome.kind));
	set_id(value, "id", outcome.digest);
	set(value, "code", cpnp_outcome_name(outcome.code));
	(void)json_object_set_new(
	    value, "amount", json_integer((json_int_t)outcome.amount));
	set_number(value, "position", outcome.position);
	(void)json_object_set_new(object, "outcome", value);
	return 0;
}
