/*
 * Whoever provisions services reports that one runs or does not, by other means
 * than an ACTIVATE (RFC 7297, 3.11).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <string.h>

#include "approval.h"
#include "ctl.h"

#define LOST "it could not be stored and does not count; the agreement is as " \
	"it was"

struct found {
	const cpnp_ctl_request *request;
	struct daemon *d;
	size_t n;
	int err;
	cpnp_order *order;
};

/* The one order of that name, from the store when it is not in memory. */
static int
find(void *user, const cpnp_store_row *row)
{
	struct found *f = user;
	const cpnp_ctl_request *r = f->request;

	if (row->role != CPNP_SERVER ||
	    ((r->present & CPNP_CTL_BIT(CPNP_CTL_CUSTOMER)) != 0 &&
		!cpnp_bytes_equal(
		    row->peer_identity, cpnp_bytes_str(r->customer))))
		return 0;
	if (f->n++ > 0)
		return 0;
	f->order = cpnp_orders_find(f->d->orders, CPNP_SERVER,
	    row->peer_identity, row->customer_order_id);
	if (f->order != NULL)
		return 0;
	f->err = cpnpd_load_row(f->d, row, cpnp_now_read());
	f->order = cpnp_orders_find(f->d->orders, CPNP_SERVER,
	    row->peer_identity, row->customer_order_id);
	return f->err;
}

static int
set_active(struct conn *c, bool active, cpnp_diag *why)
{
	struct daemon *d = cpnpd_ctl_daemon(c);
	struct found f = {.request = &c->request, .d = d};
	cpnp_now now = cpnp_now_read();
	int err;

	if (d->failed)
		return cpnpd_ctl_fail(why, CPNP_ERR_IO, "the store cannot be "
		    "written; try again when cpnpctl status says that it "
		    "serves");
	err = cpnp_store_search(
	    d->store, cpnp_bytes_str(c->request.order), find, &f);
	if (err != 0)
		return err;
	if (f.n > 1)
		return cpnpd_ctl_fail(why, CPNP_ERR_EXISTS, "orders of %zu "
		    "customers have that name; name the customer too", f.n);
	if (f.order == NULL)
		return cpnpd_ctl_fail(why, CPNP_ERR_NOT_FOUND, "there is no "
		    "order \"%.128s\"; expected the identifier of the "
		    "customer or the provider, see cpnpctl orders",
		    c->request.order);
	err = cpnp_order_set_active(d->orders, f.order, active, now);
	if (err == CPNP_ERR_STATE)
		return cpnpd_ctl_fail(why, err, "the order is %s and has no "
		    "agreement that stands",
		    cpnp_state_name(cpnp_order_state(f.order)));
	if (err == 0)
		cpnpd_remark(d, f.order, now, "reported by user %lu",
		    (unsigned long)c->uid);
	cpnpd_drain(d, now);
	cpnpd_turn_end(d, now);
	return err;
}

int
cpnpd_ctl_activate(struct conn *c, bool active, bool *more, cpnp_diag *why)
{
	int err;

	if (c->cursor != 1) {
		err = set_active(c, active, why);
		if (err != 0)
			return err;
		cpnpd_ctl_want_commit(c);
	}
	return cpnpd_ctl_wait_commit(c, LOST, more, why);
}
