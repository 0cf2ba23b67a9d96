/*
 * Orders in the store, copied out of it and looked at.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cpnp/net.h>

#include "cpnpc.h"

/* Move a view into the copy. */
static void
take(uint8_t **to, cpnp_bytes *view)
{
	if (view->len == 0)
		return;
	memcpy(*to, view->ptr, view->len);
	view->ptr = *to;
	*to += view->len;
}

int
cpnpc_record_copy(cpnpc_record *record, const cpnp_store_row *row)
{
	size_t i, len = row->peer_identity.len + row->customer_order_id.len +
			row->provider_order_id.len + row->note.len +
			row->saved.len;
	uint8_t *to;

	for (i = 0; i < CPNP_DOC_END; i++)
		len += row->docs[i].len;
	to = malloc(len + 1);
	if (to == NULL)
		return CPNP_ERR_NOMEM;
	record->bytes = to;
	record->row = *row;
	take(&to, &record->row.peer_identity);
	take(&to, &record->row.customer_order_id);
	take(&to, &record->row.provider_order_id);
	take(&to, &record->row.note);
	take(&to, &record->row.saved);
	for (i = 0; i < CPNP_DOC_END; i++)
		take(&to, &record->row.docs[i]);
	return 0;
}

void
cpnpc_record_fini(cpnpc_record *record)
{
	free(record->bytes);
	*record = (cpnpc_record){0};
}

int
cpnpc_records_add(cpnpc_records *records, const cpnp_store_row *row)
{
	cpnpc_record *more;
	int err;

	more = realloc(records->items, (records->n + 1) * sizeof(*more));
	if (more == NULL)
		return CPNP_ERR_NOMEM;
	records->items = more;
	err = cpnpc_record_copy(&more[records->n], row);
	if (err == 0)
		records->n++;
	return err;
}

static int
on_row(void *user, const cpnp_store_row *row)
{
	return row->role == CPNP_CLIENT ? cpnpc_records_add(user, row) : 0;
}

int
cpnpc_records_read(
    cpnpc_records *records, cpnp_store *store, const char *id, bool open_only)
{
	int err;

	*records = (cpnpc_records){0};
	if (store == NULL)
		return 0;
	err = id == NULL ? cpnp_store_each(store, open_only, on_row, records)
			 : cpnp_store_search(
			       store, cpnp_bytes_str(id), on_row, records);
	if (err != 0)
		cpnpc_records_fini(records);
	return err;
}

void
cpnpc_records_fini(cpnpc_records *records)
{
	size_t i;

	for (i = 0; i < records->n; i++)
		cpnpc_record_fini(&records->items[i]);
	free(records->items);
	*records = (cpnpc_records){0};
}

bool
cpnpc_stands(cpnp_agreement_state state)
{
	return state == CPNP_AGREEMENT_COMPLETED ||
	       state == CPNP_AGREEMENT_ACTIVE;
}

cpnpc_exit
cpnpc_records_find(
    cpnpc *run, cpnp_store *store, const char *id, cpnpc_record *record)
{
	cpnpc_records records;
	cpnpc_exit code = CPNPC_DONE;
	int err = cpnpc_records_read(&records, store, id, false);

	if (err != 0)
		return cpnpc_fail(
		    run, CPNPC_LOCAL, "%s: %s", run->store, cpnp_strerror(err));
	if (records.n == 0)
		code = cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: there is no such order in %s; \"cpnpc list\" shows "
		    "those that there are",
		    id, run->store);
	else if (records.n > 1)
		code = cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: %zu orders have this identifier, with different "
		    "providers; name one by its other identifier",
		    id, records.n);
	if (code == CPNPC_DONE) {
		*record = records.items[0];
		records.items[0] = (cpnpc_record){0};
	}
	cpnpc_records_fini(&records);
	return code;
}

/* Make the directories that a path lies in, for us alone. */
static int
make_parents(const char *path)
{
	char *copy = strdup(path), *p;
	int err = 0;

	if (copy == NULL)
		return ENOMEM;
	for (p = copy + 1; *p != '\0' && err == 0; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) != 0 && errno != EEXIST)
			err = errno;
		*p = '/';
	}
	free(copy);
	return err;
}

cpnpc_exit
cpnpc_store_open(cpnpc *run, bool read_only, bool create, cpnp_signer *signer,
    const char *origin, cpnp_store **store)
{
	cpnp_store_config config = {
	    .path = run->store,
	    .create = create,
	    .read_only = read_only,
	    .journal_signer = signer,
	    .origin = origin,
	    .env = cpnp_env_openssl(),
	};
	cpnp_diag diag = {0};
	int err;

	*store = NULL;
	if (create) {
		err = make_parents(run->store);
		if (err != 0)
			return cpnpc_fail(run, CPNPC_LOCAL, "%s: %s",
			    run->store, strerror(err));
	}
	err = cpnp_store_open(store, &config, &diag);
	if (err == CPNP_ERR_NOT_FOUND && !create) {
		*store = NULL;
		return CPNPC_DONE;
	}
	if (err == CPNP_ERR_BUSY)
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: %s; let the other cpnpc end, or give another --store",
		    run->store, diag.why);
	if (err != 0)
		return cpnpc_fail_diag(
		    run, CPNPC_LOCAL, run->store, err, &diag);
	return CPNPC_DONE;
}

int
cpnpc_view_open(cpnpc_view *view, const cpnp_store_row *row)
{
	cpnp_orders_config config;
	cpnp_now now = cpnp_now_read();
	cpnp_effect effect;
	int err;

	*view = (cpnpc_view){0};
	cpnp_orders_config_default(&config);
	config.orders_max = 1;
	err = cpnp_orders_new(&view->orders, &config, cpnp_env_openssl());
	if (err == 0)
		err = cpnp_orders_load(
		    view->orders, row->saved, row->docs, &view->order, now);
	/* What the order asks for is nothing to somebody who only looks. */
	while (err == 0 && cpnp_orders_next(view->orders, &effect))
		continue;
	if (err != 0)
		cpnpc_view_close(view);
	return err;
}

void
cpnpc_view_close(cpnpc_view *view)
{
	cpnp_orders_del(view->orders);
	*view = (cpnpc_view){0};
}
