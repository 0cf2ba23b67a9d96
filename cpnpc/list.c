/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cpnpc.h"

static void
add_row(cpnpc_table *table, const cpnp_store_row *row)
{
	const cpnp_money *cost = NULL;
	char price[CPNPC_MONEY_LEN] = "", changed[CPNPC_TIME_LEN];
	char set[CPNPC_SET_NAME_LEN];
	cpnpc_offer *offer = NULL;
	cpnpc_view view;

	if (cpnpc_view_open(&view, row) == 0) {
		if (cpnpc_offer_new(&offer, view.order) == 0)
			cost = cpnpc_offer_cost(offer);
		if (cost != NULL)
			cpnpc_money_format(cost, price);
		cpnpc_offer_del(offer);
		cpnpc_view_close(&view);
	}
	cpnpc_time_format(row->changed, changed);
	cpnpc_table_add(table, row->customer_order_id);
	cpnpc_table_add(table, row->peer_identity);
	cpnpc_table_add(table, row->provider_order_id);
	cpnpc_table_add(table, cpnp_bytes_str(cpnp_state_name(row->state)));
	cpnpc_table_add(table,
	    cpnp_bytes_str(cpnp_agreement_state_name(row->agreement_state)));
	cpnpc_table_add(table, cpnp_bytes_str(row->settled ? "no" : "yes"));
	cpnpc_table_add(table, cpnp_bytes_str(price));
	cpnpc_table_add(table, cpnp_bytes_str(changed));
	cpnpc_set_name(row, set);
	cpnpc_table_add(table, cpnp_bytes_str(set));
}

static void
print_table(const cpnpc_records *records)
{
	static const char *const heads[] = {"ORDER", "PROVIDER",
	    "PROVIDER ORDER", "STATE", "AGREEMENT", "OPEN", "PRICE", "CHANGED",
	    "SET"};
	size_t i, n = sizeof(heads) / sizeof(heads[0]);
	cpnpc_table *table = cpnpc_table_new(n);

	for (i = 0; i < n; i++)
		cpnpc_table_add(table, cpnp_bytes_str(heads[i]));
	for (i = 0; i < records->n; i++)
		add_row(table, &records->items[i].row);
	(void)cpnpc_table_print(table, stdout, 0);
}

static json_t *
json_row(const cpnp_store_row *row)
{
	json_t *object;
	cpnpc_view view;

	if (cpnpc_view_open(&view, row) != 0)
		return json_pack("{s:o, s:s}", "order",
		    cpnpc_json_text(row->customer_order_id), "error",
		    "the stored order is damaged");
	object = cpnpc_json_order(view.order);
	cpnpc_view_close(&view);
	cpnpc_set_json(object, row);
	(void)json_object_set_new(object, "open", json_boolean(!row->settled));
	(void)json_object_set_new(
	    object, "changed", cpnpc_json_time(row->changed));
	return object;
}

/* cpnpc list: every order in the store, the newest change last. */
cpnpc_exit
cpnpc_verb_list(cpnpc *run)
{
	cpnpc_records records = {0};
	cpnp_store *store;
	cpnpc_exit code =
	    cpnpc_store_open(run, true, false, NULL, NULL, &store);
	json_t *array;
	size_t i;
	int err;

	if (code != CPNPC_DONE)
		return code;
	err = cpnpc_records_read(&records, store, NULL, false);
	if (err != 0) {
		code = cpnpc_fail(
		    run, CPNPC_LOCAL, "%s: %s", run->store, cpnp_strerror(err));
	} else if (run->conf.json) {
		array = json_array();
		for (i = 0; i < records.n; i++)
			(void)json_array_append_new(
			    array, json_row(&records.items[i].row));
		cpnpc_json_print(
		    json_pack("{s:o}", "orders", array), CPNPC_DONE);
	} else if (records.n == 0) {
		puts("no orders yet");
	} else {
		print_table(&records);
	}
	cpnpc_records_fini(&records);
	cpnp_store_close(store);
	return code;
}
