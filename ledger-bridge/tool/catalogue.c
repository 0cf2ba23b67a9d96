/*
 * The catalogue on a ledger.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <string.h>

#include "ledger.h"

struct list {
	const struct tool_options *options;
	const cpnp_ledger *state;
	size_t n;
};

static int
list_offer(void *user, const cpnp_offer_view *o)
{
	struct list *list = user;
	cpnp_token_view token = {0};
	char price[MONEY_LEN] = "", until[CPNP_DATE_LEN];
	const char *kind =
	    o->kind == CPNP_OFFER_SEGMENT ? "segment" : "service";

	list->n++;
	tool_time(o->until, until);
	if (o->for_sale) {
		(void)cpnp_ledger_get_token(
		    list->state, o->issuer, o->code, &token);
		ledger_put_money(o->price, token.exponent, o->code, price);
	}
	if (list->options->json) {
		tool_put_json(json_pack(
		    "{s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:b, s:o, s:I, "
		    "s:s, s:b}", "publisher", tool_text(o->publisher), "id",
		    tool_text(o->id), "payee", tool_text(o->payee), "kind",
		    kind, "ingress", tool_text(o->ingress), "egress",
		    tool_text(o->egress), "delay", (json_int_t)o->delay,
		    "capacity", (json_int_t)o->capacity, "for_sale",
		    o->for_sale, "price", tool_text(cpnp_bytes_str(price)),
		    "duration", (json_int_t)o->duration, "until", until,
		    "eligible", o->eligible));
		return 0;
	}
	tool_put(stdout, o->publisher);
	putchar(' ');
	tool_put(stdout, o->id);
	printf("  %s ", kind);
	tool_put(stdout, o->ingress);
	fputs(o->ingress.len > 0 ? " to " : "", stdout);
	tool_put(stdout, o->egress);
	printf("  %" PRIu64 " us, %" PRIu64 " bit/s  ", o->delay,
	    o->capacity);
	if (o->for_sale)
		printf("%s for %" PRIu64 " s", price, o->duration);
	else
		fputs("measured, not for sale", stdout);
	printf(", until %s%s\n", until, o->eligible ? ""
	    : ", left out of path finding: the rating of the publisher");
	return 0;
}

static int
tool_catalogue_list(const struct tool_options *options)
{
	struct list list = {.options = options};
	struct ledger ledger;
	int code;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	list.state = cpnp_bridge_lock(ledger.bridge);
	(void)cpnp_ledger_each_offer(list.state,
	    options->operand == NULL ? CPNP_BYTES_NONE
	                             : cpnp_bytes_str(options->operand),
	    list_offer, &list);
	cpnp_bridge_unlock(ledger.bridge);
	if (list.n == 0 && !options->json)
		puts(options->operand == NULL
		    ? "the catalogue is empty: nobody has published, or all "
		      "offers have expired"
		    : "this account has published nothing that has not "
		      "expired");
	ledger_close(&ledger);
	return 0;
}

const struct tool_verb tool_verbs_catalogue[] = {
    {{"catalogue", "list"}, 0, 1, TAKES_LEDGER, tool_catalogue_list,
	"catalogue list [PUBLISHER]", 0, {0}},
    {{"catalogue", "publish"}, 1, 1,
	TAKES_LEDGER "kind until ingress egress delay capacity amount "
	"duration from to document ", tool_op,
	"catalogue publish ID --kind service|segment --until TIME\n"
	"           [--ingress PLACE --egress PLACE] [--delay US]\n"
	"           [--capacity BPS] [--amount AMOUNT --duration TIME]\n"
	"           [--from TIME] [--to TIME] [--document HEX]",
	CPNP_OP_PUBLISH, {CPNP_OP_FIELD_OFFER}},
    {{"catalogue", "unpublish"}, 1, 1, TAKES_LEDGER, tool_op,
	"catalogue unpublish ID", CPNP_OP_UNPUBLISH, {CPNP_OP_FIELD_OFFER}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
