/*
 * Sets, for people and programs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <string.h>

#include "session.h"

/* ---- the table of the offers --------------------------------------------- */

#define COLUMNS 7

static cpnpc_table *
new_table(void)
{
	static const char *const heads[COLUMNS] = {"", "SERVER", "PROVIDER",
	    "STATE", "PRICE", "VALID UNTIL", "OFFER"};
	cpnpc_table *table = cpnpc_table_new(COLUMNS);
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		cpnpc_table_add(table, cpnp_bytes_str(heads[i]));
	return table;
}

static void
describe_offer(const cpnpc_offer *offer, char *out, size_t size)
{
	if (!offer->exact)
		snprintf(out, size, "%s: %s", offer->difference.where,
		    offer->difference.why);
	else
		snprintf(out, size, "as requested%s",
		    cpnpc_offer_is_preferred(offer) ? ""
						    : ", not as preferred");
}

static void
add_row(cpnpc_table *table, unsigned number, const char *server,
    const cpnp_order *order)
{
	char cell[16], price[CPNPC_MONEY_LEN] = "", until[CPNPC_TIME_LEN] = "";
	char what[sizeof(cpnp_diag)] = "";
	const cpnp_money *cost;
	cpnpc_offer *offer;

	if (order != NULL && cpnpc_offer_new(&offer, order) == 0) {
		cost = cpnpc_offer_cost(offer);
		snprintf(price, sizeof(price), "none named");
		if (cost != NULL)
			cpnpc_money_format(cost, price);
		cpnpc_time_format(offer->offer.validity_offer_time, until);
		describe_offer(offer, what, sizeof(what));
		cpnpc_offer_del(offer);
	}
	snprintf(cell, sizeof(cell), "%u", number);
	cpnpc_table_add(table, cpnp_bytes_str(cell));
	cpnpc_table_add(table, cpnp_bytes_str(server));
	cpnpc_table_add(table, order != NULL ? cpnp_order_peer_identity(order)
					     : CPNP_BYTES_NONE);
	cpnpc_table_add(table,
	    cpnp_bytes_str(order != NULL
			       ? cpnp_state_name(cpnp_order_state(order))
			       : "over"));
	cpnpc_table_add(table, cpnp_bytes_str(price));
	cpnpc_table_add(table, cpnp_bytes_str(until));
	cpnpc_table_add(table, cpnp_bytes_str(what));
}

static void
put_heading(const cpnpc_member *set)
{
	char until[CPNPC_TIME_LEN];

	cpnpc_time_format(set->deadline, until);
	fputs("Set ", stdout);
	cpnpc_put_text(stdout, cpnp_bytes_str(set->id));
	printf(", %u servers, one is chosen: %s; answers until %s\n", set->of,
	    cpnpc_rule_name(set->rule), until);
}

void
cpnpc_set_print(cpnpc_session *session, const cpnpc_set *set)
{
	cpnpc_table *table = new_table();
	unsigned number = 0;
	size_t i;

	cpnpc_status_clear(session);
	put_heading(&set->what);
	for (i = 0; i < session->jobs_n; i++) {
		const cpnpc_job *job = &session->jobs[i];

		if (job->set != set)
			continue;
		number = job->intent.set.number != 0 ? job->intent.set.number
						     : number + 1;
		add_row(table, number, cpnpc_server_name(job->link),
		    job->order);
	}
	(void)cpnpc_table_print(table, stdout, 2);
	fflush(stdout);
}

/* ---- what the store has ------------------------------------------------ */

static bool
get_intent(const cpnp_store_row *row, cpnpc_intent *intent)
{
	return cpnpc_intent_parse(row->note, intent) == 0 &&
	       intent->set.id[0] != '\0';
}

void
cpnpc_set_name(const cpnp_store_row *row, char out[CPNPC_SET_NAME_LEN])
{
	cpnpc_intent intent;

	out[0] = '\0';
	if (get_intent(row, &intent))
		snprintf(out, CPNPC_SET_NAME_LEN, "%s %s", intent.set.id,
		    cpnpc_rule_name(intent.set.rule));
}

static json_t *
json_set(const cpnpc_member *set)
{
	return json_pack("{s:o, s:s, s:i, s:o}", "set",
	    cpnpc_json_text(cpnp_bytes_str(set->id)), "choose",
	    cpnpc_rule_name(set->rule), "servers", (int)set->of, "deadline",
	    cpnpc_json_time(set->deadline));
}

void
cpnpc_set_json(json_t *object, const cpnp_store_row *row)
{
	cpnpc_intent intent;
	json_t *set;

	if (!get_intent(row, &intent))
		return;
	set = json_set(&intent.set);
	(void)json_object_set_new(
	    set, "number", json_integer((json_int_t)intent.set.number));
	(void)json_object_set_new(
	    set, "server", cpnpc_json_text(cpnp_bytes_str(intent.server)));
	(void)json_object_set_new(object, "member_of", set);
}

static bool
has_bit(unsigned mask, unsigned number)
{
	return (mask & 1U << (number - 1)) != 0;
}

/* The names of the orders that are missing in the table. */
static json_t *
json_unreadable(const cpnpc_records *records, const char *id)
{
	json_t *names = json_array();
	char name[CPNP_ORDER_ID_MAX + 1];
	unsigned number;

	for (number = 1; number <= CPNPC_SET_MAX; number++) {
		if (!has_bit(records->unreadable, number))
			continue;
		snprintf(name, sizeof(name), "%.*s.%u", CPNPC_SET_ID_MAX, id,
		    number);
		(void)json_array_append_new(
		    names, cpnpc_json_text(cpnp_bytes_str(name)));
	}
	return names;
}

static void
print_unreadable(const cpnpc_records *records, const char *id)
{
	unsigned number;

	for (number = 1; number <= CPNPC_SET_MAX; number++) {
		if (!has_bit(records->unreadable, number))
			continue;
		fputs("  ", stdout);
		cpnpc_put_text(stdout, cpnp_bytes_str(id));
		printf(".%u is missing here, since what is kept with it "
		       "cannot be read; it is %s\n",
		    number,
		    has_bit(records->doubtful, number) ? "not over" : "over");
	}
}

static void
show_json(const cpnpc_records *records, const cpnpc_member *set)
{
	json_t *object = json_set(set), *orders = json_array(), *order;
	cpnpc_view view;
	size_t i;

	for (i = 0; i < records->n; i++) {
		const cpnp_store_row *row = &records->items[i].row;

		if (cpnpc_view_open(&view, row) != 0)
			continue;
		order = cpnpc_json_order(view.order);
		cpnpc_view_close(&view);
		cpnpc_set_json(order, row);
		(void)json_object_set_new(
		    order, "open", json_boolean(!row->settled));
		(void)json_array_append_new(orders, order);
	}
	(void)json_object_set_new(object, "orders", orders);
	if (records->unreadable != 0)
		(void)json_object_set_new(object, "unreadable",
		    json_unreadable(records, set->id));
	cpnpc_json_print(object, CPNPC_DONE);
}

cpnpc_exit
cpnpc_set_show(cpnpc *run, const cpnpc_records *records)
{
	cpnpc_table *table;
	cpnpc_intent intent = {0};
	cpnpc_view view;
	size_t i;

	(void)get_intent(&records->items[0].row, &intent);
	if (run->conf.json) {
		show_json(records, &intent.set);
		return CPNPC_DONE;
	}
	put_heading(&intent.set);
	table = new_table();
	for (i = 0; i < records->n; i++) {
		const cpnp_store_row *row = &records->items[i].row;
		bool found = cpnpc_view_open(&view, row) == 0;

		(void)get_intent(row, &intent);
		add_row(table, intent.set.number, intent.server,
		    found ? view.order : NULL);
		cpnpc_view_close(&view);
	}
	(void)cpnpc_table_print(table, stdout, 2);
	print_unreadable(records, intent.set.id);
	fputs("Each order has its name, as \"cpnpc show ", stdout);
	cpnpc_put_text(stdout, records->items[0].row.customer_order_id);
	puts("\"");
	return CPNPC_DONE;
}

/* ---- how it ended ------------------------------------------------------ */

/* Of orders that are over, how near to an agreement each came. */
static int
weight(cpnpc_exit code)
{
	switch (code) {
	case CPNPC_UNACCEPTABLE:
		return 4;
	case CPNPC_REFUSED:
		return 3;
	case CPNPC_UNKNOWN:
		return 2;
	case CPNPC_LOCAL:
	case CPNPC_USAGE:
		return 1;
	case CPNPC_DONE:
	case CPNPC_PENDING:
	case CPNPC_UNPAID:
		break;
	}
	return 0;
}

/* The exit of a set that has no agreement, and words for it. */
static cpnpc_exit
judge(const cpnpc_session *session, const cpnpc_set *set, const char **why)
{
	cpnpc_exit code = CPNPC_DONE;
	size_t i, open = 0, unknown = 0;

	for (i = 0; i < session->jobs_n; i++) {
		const cpnpc_job *job = &session->jobs[i];
		cpnpc_standing standing = cpnpc_member_standing(job);

		if (job->set != set)
			continue;
		unknown += standing == CPNPC_MEMBER_COMMITTED;
		open += standing == CPNPC_MEMBER_WAITS ||
			standing == CPNPC_MEMBER_OFFERS;
		if (weight(job->code) > weight(code))
			code = job->code;
	}
	if (session->broken) {
		*why = "it is not known how it stands";
		return CPNPC_LOCAL;
	}
	if (unknown > 0) {
		*why = "whether one is agreed is not known here";
		return CPNPC_UNKNOWN;
	}
	if (open > 0) {
		*why = "none is agreed, and it goes on";
		return CPNPC_PENDING;
	}
	*why = "none is agreed, nothing is bought";
	return code;
}

static void
report_json(const cpnpc_session *session, const cpnpc_set *set,
    const cpnpc_job *taken, const char *why, cpnpc_exit code, json_t **json)
{
	json_t *orders = json_array();
	size_t i;

	*json = json_set(&set->what);
	if (taken != NULL)
		(void)json_object_set_new(*json, "chosen",
		    cpnpc_json_text(cpnp_bytes_str(taken->id)));
	for (i = 0; i < session->jobs_n; i++)
		if (session->jobs[i].set == set &&
		    session->jobs[i].json != NULL)
			(void)json_array_append(
			    orders, session->jobs[i].json);
	(void)json_object_set_new(*json, "orders", orders);
	(void)json_object_set_new(*json,
	    code == CPNPC_LOCAL ? "error" : "outcome",
	    cpnpc_json_text(cpnp_bytes_str(why)));
	(void)json_object_set_new(*json, "exit", json_integer((int)code));
}

cpnpc_exit
cpnpc_set_report(
    const cpnpc_session *session, const cpnpc_set *set, json_t **json)
{
	const cpnpc_job *taken = NULL;
	const char *why = "one has been accepted, the others are over";
	cpnpc_exit code = CPNPC_DONE;
	size_t i;

	for (i = 0; i < session->jobs_n; i++)
		if (session->jobs[i].set == set &&
		    cpnpc_member_standing(&session->jobs[i]) ==
			CPNPC_MEMBER_AGREED)
			taken = &session->jobs[i];
	if (taken == NULL)
		code = judge(session, set, &why);
	if (set->refused)
		code = CPNPC_LOCAL;
	if (json != NULL) {
		report_json(session, set, taken, why, code, json);
	} else if (set->what.id[0] != '\0') {
		fputs("set ", stdout);
		cpnpc_put_text(stdout, cpnp_bytes_str(set->what.id));
		if (taken != NULL)
			printf(": order %s has been accepted, the others are "
			       "over\n",
			    taken->id);
		else
			printf(": %s\n", why);
		if (code == CPNPC_PENDING || code == CPNPC_UNKNOWN)
			printf("  to go on:   cpnpc resume %s\n",
			    set->what.id);
	}
	return code;
}
