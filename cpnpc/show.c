/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>

#include <cpnp/cpd.h>
#include <cpnp/net.h>
#include <cpnp/xml.h>

#include "cpnpc.h"

#define XML_MAX ((size_t)16 << 20)

static void
line(const char *label, cpnp_bytes text)
{
	if (text.len == 0)
		return;
	printf("  %-12s ", label);
	cpnpc_put_text(stdout, text);
	putchar('\n');
}

static void
print_waiting(const cpnp_order *order)
{
	char until[CPNPC_TIME_LEN];
	cpnp_wait wait = {0};

	cpnp_order_wait(order, &wait);
	if (wait.what == NULL)
		return;
	printf("  %-12s %s", "waits for:", wait.what);
	if (wait.has_until) {
		cpnpc_time_format(wait.until, until);
		printf(", until %s", until);
	}
	putchar('\n');
}

static int
print_event(void *user, const cpnp_store_event *event)
{
	char when[CPNPC_TIME_LEN];

	(void)user;
	/* The end of an agreement, or an alarm, is no change of state. */
	if (event->from == event->to && !event->has_leaf &&
	    event->detail.len == 0)
		return 0;
	cpnpc_time_format(event->time, when);
	printf("    %s  %s", when, cpnp_state_name(event->from));
	if (event->from != event->to)
		printf(" -> %s", cpnp_state_name(event->to));
	printf(", %s", cpnp_event_name(event->event));
	if (event->detail.len > 0) {
		fputs(": ", stdout);
		cpnpc_put_text(stdout, event->detail);
	}
	putchar('\n');
	return 0;
}

/* The FAIL that ended it, with what the provider explains. */
static void
print_refusal(const cpnp_order *order)
{
	cpnp_bytes final = cpnp_order_doc(order, CPNP_DOC_FINAL);
	cpnp_status status = cpnp_order_status(order);
	cpnp_msg *msg;

	if (status == CPNP_STATUS_NONE)
		return;
	line("refused:", cpnp_bytes_str(cpnp_status_text(status)));
	msg = calloc(1, sizeof(*msg));
	if (msg != NULL && cpnp_msg_decode(msg, final, NULL) == 0 &&
	    cpnp_msg_has(msg, CPNP_ATTR_EXPLANATION))
		cpnpc_print_explanations(
		    stdout, msg->explanations, msg->explanations_n, 4);
	free(msg);
}

/* The clauses as they were agreed, in the form in which people write them. */
static void
print_document(const cpnpc_offer *offer)
{
	cpnp_buf buf;

	if (!offer->is_cpd)
		return;
	cpnp_buf_init(&buf, &cpnp_env_openssl()->mem, XML_MAX);
	if (cpnp_cpd_to_xml(&offer->offered, &buf) == 0) {
		puts("  the service:");
		cpnpc_put_lines(stdout, cpnp_buf_bytes(&buf));
	}
	cpnp_buf_fini(&buf);
}

/* Whether the service runs, and until or from when. */
static void
print_service(const cpnp_store_row *row, const cpnp_order *order)
{
	bool is_active = row->agreement_state == CPNP_AGREEMENT_ACTIVE;
	char when[CPNPC_TIME_LEN];
	cpnp_wtime date;

	if (!cpnpc_stands(row->agreement_state))
		return;
	printf("  %-12s %s", "service:", is_active ? "active" : "not active");
	if (cpnp_order_next_service_event(order, &date)) {
		cpnpc_time_format(date, when);
		printf(", %s %s", is_active ? "until" : "next change", when);
	}
	putchar('\n');
}

/* Of an agreement that an open UPDATE would change; the terms that follow are
 * those of the UPDATE. */
static void
print_standing(const cpnp_order *order)
{
	cpnp_agreement agreement;
	char price[CPNPC_MONEY_LEN] = "no price named";

	if (cpnp_order_doc(order, CPNP_DOC_STANDING_OFFER).len == 0 ||
	    cpnp_order_get_standing(order, &agreement) != 0)
		return;
	if (agreement.has_cost)
		cpnpc_money_format(&agreement.cost, price);
	printf("  %-12s as agreed, %s%s; an UPDATE of it is open\n", "stands:",
	    price,
	    agreement.purpose == CPNP_PURPOSE_TEST ? ", a test" : "");
}

static void
print_purpose(const cpnp_order *order)
{
	cpnp_agreement agreement;

	if (cpnp_order_get_standing(order, &agreement) != 0 ||
	    agreement.purpose == CPNP_PURPOSE_NONE)
		return;
	line("purpose:", agreement.purpose == CPNP_PURPOSE_TEST
			     ? CPNP_BYTES_LIT("test")
			     : CPNP_BYTES_LIT("permanent"));
}

static void
print_order(cpnpc *run, cpnp_store *store, const cpnp_store_row *row,
    const cpnp_order *order)
{
	cpnpc_offer *offer = NULL;
	char set[CPNPC_SET_NAME_LEN];

	fputs("Order ", stdout);
	cpnpc_put_text(stdout, row->customer_order_id);
	putchar('\n');
	cpnpc_set_name(row, set);
	line("of the set:", cpnp_bytes_str(set));
	line("provider:", row->peer_identity);
	line("its order:", row->provider_order_id);
	line("customer:", cpnp_order_identity(order));
	line("edition:",
	    cpnp_bytes_str(cpnp_edition_name(cpnp_order_edition(order))));
	line("transaction:",
	    cpnp_bytes_str(cpnp_method_name(cpnp_order_edition(order),
		(int)cpnp_order_transaction(order))));
	line("state:", cpnp_bytes_str(cpnp_state_name(row->state)));
	if (cpnp_order_is_outstanding(order))
		line("", CPNP_BYTES_LIT(
			     "outstanding: not acknowledged by the provider"));
	line("agreement:",
	    cpnp_bytes_str(cpnp_agreement_state_name(row->agreement_state)));
	print_service(row, order);
	print_purpose(order);
	print_standing(order);
	print_waiting(order);
	print_refusal(order);
	puts("  history:");
	(void)cpnp_store_each_event(store, row, print_event, NULL);
	if (cpnpc_offer_new(&offer, order) == 0) {
		cpnpc_print_offer(stdout, offer, order, cpnp_now_read());
		print_document(offer);
	}
	cpnpc_offer_del(offer);
	cpnpc_print_payments(stdout, order);
	if (row->agreement_state != CPNP_AGREEMENT_NONE) {
		fputs("To prove it: cpnp-ledger prove ", stdout);
		cpnpc_put_text(stdout, row->customer_order_id);
		printf(" --store %s\n", run->store);
	}
}

static int
json_event(void *user, const cpnp_store_event *event)
{
	json_t *array = user, *object = json_object();

	(void)json_object_set_new(object, "time", cpnpc_json_time(event->time));
	(void)json_object_set_new(
	    object, "from", json_string(cpnp_state_name(event->from)));
	(void)json_object_set_new(
	    object, "to", json_string(cpnp_state_name(event->to)));
	(void)json_object_set_new(
	    object, "event", json_string(cpnp_event_name(event->event)));
	if (event->detail.len > 0)
		(void)json_object_set_new(
		    object, "detail", cpnpc_json_text(event->detail));
	if (event->has_leaf)
		(void)json_object_set_new(
		    object, "leaf", json_integer((json_int_t)event->leaf));
	(void)json_array_append_new(array, object);
	return 0;
}

/* True when id names a set, and that has been shown. */
static bool
show_set(cpnpc *run, cpnp_store *store, cpnpc_exit *code)
{
	cpnpc_records records;
	bool found;

	if (cpnpc_set_read(&records, store, run->operands[0]) != 0)
		return false;
	found = records.n > 0 || records.doubtful != 0;
	*code = records.n > 0
	    ? cpnpc_set_show(run, &records)
	    : cpnpc_set_check(run, &records, run->operands[0]);
	cpnpc_records_fini(&records);
	return found;
}

static void
show_json(cpnp_store *store, const cpnp_store_row *row, const cpnp_order *order)
{
	json_t *object = cpnpc_json_order(order), *history = json_array();

	(void)cpnp_store_each_event(store, row, json_event, history);
	(void)json_object_set_new(object, "history", history);
	cpnpc_set_json(object, row);
	(void)json_object_set_new(object, "open", json_boolean(!row->settled));
	(void)json_object_set_new(
	    object, "changed", cpnpc_json_time(row->changed));
	cpnpc_json_print(object, CPNPC_DONE);
}

/* cpnpc show ORDER: what it is, how it came to be so, and the terms. */
cpnpc_exit
cpnpc_verb_show(cpnpc *run)
{
	cpnpc_record record = {0};
	cpnpc_view view = {0};
	cpnp_store *store;
	cpnpc_exit code =
	    cpnpc_store_open(run, true, false, NULL, NULL, &store);
	int err;

	if (code != CPNPC_DONE)
		return code;
	if (show_set(run, store, &code)) {
		cpnp_store_close(store);
		return code;
	}
	code = cpnpc_records_find(run, store, run->operands[0], &record);
	if (code == CPNPC_DONE) {
		err = cpnpc_view_open(&view, &record.row);
		if (err != 0)
			code = cpnpc_fail(run, CPNPC_LOCAL,
			    "%s: the stored order is damaged: %s",
			    run->operands[0], cpnp_strerror(err));
	}
	if (code == CPNPC_DONE && run->conf.json)
		show_json(store, &record.row, view.order);
	else if (code == CPNPC_DONE)
		print_order(run, store, &record.row, view.order);
	cpnpc_view_close(&view);
	cpnpc_record_fini(&record);
	cpnp_store_close(store);
	return code;
}
