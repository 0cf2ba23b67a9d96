/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define NUMBER_LEN 48

/* value / 10^digits without zeros at its end, and a unit. */
static void
format_decimal(
    uint64_t value, unsigned digits, const char *unit, char out[NUMBER_LEN])
{
	uint64_t one = 1;
	unsigned i;
	int n;

	while (digits > 0 && value % 10 == 0) {
		value /= 10;
		digits--;
	}
	for (i = 0; i < digits; i++)
		one *= 10;
	n = snprintf(out, NUMBER_LEN, "%" PRIu64, value / one);
	if (digits > 0)
		n += snprintf(out + n, NUMBER_LEN - (size_t)n, ".%0*" PRIu64,
		    (int)digits, value % one);
	snprintf(out + n, NUMBER_LEN - (size_t)n, " %s", unit);
}

static void
format_capacity(uint64_t capacity, char out[NUMBER_LEN])
{
	if (capacity >= 1000000000)
		format_decimal(capacity, 9, "Gbit/s", out);
	else if (capacity >= 1000000)
		format_decimal(capacity, 6, "Mbit/s", out);
	else
		format_decimal(capacity, 0, "bit/s", out);
}

static void
put_bytes(FILE *f, cpnp_bytes bytes)
{
	if (bytes.len > 0)
		fwrite(bytes.ptr, 1, bytes.len, f);
}

/* "CHI - isp1 - NYC - isp2 (of broker) - FRA"; the table makes what is in the
 * names harmless. */
static void
add_way(cpnpc_table *table, const cpnpc_plan *plan, const cpnp_path *path)
{
	cpnp_path_segment s;
	char *text = NULL;
	size_t i, len = 0;
	FILE *f = open_memstream(&text, &len);

	for (i = 0; f != NULL && i < path->segment_n; i++) {
		(void)cpnp_path_graph_get(plan->graph, path->segments[i], &s);
		if (i == 0)
			put_bytes(f, s.ingress);
		fputs(" - ", f);
		put_bytes(f, s.domain);
		if (s.seller.len > 0) {
			fputs(" (of ", f);
			put_bytes(f, s.seller);
			fputc(')', f);
		}
		fputs(" - ", f);
		put_bytes(f, s.egress);
	}
	if (f != NULL && fclose(f) != 0)
		len = 0;
	cpnpc_table_add(table, (cpnp_bytes){(const uint8_t *)text, len});
	free(text);
}

static cpnp_money
price_of(const cpnpc_plan *plan, int64_t amount)
{
	cpnp_money money = plan->token;

	money.amount = amount;
	return money;
}

static void
add_row(cpnpc_table *table, const cpnpc_plan *plan, const cpnpc_plan_row *row)
{
	char price[CPNPC_MONEY_LEN], delay[NUMBER_LEN], capacity[NUMBER_LEN];
	cpnp_money money = price_of(plan, row->path->price);

	cpnpc_money_format(&money, price);
	format_decimal(row->path->delay, 3, "ms", delay);
	format_capacity(row->path->capacity, capacity);
	cpnpc_table_add(table, cpnp_bytes_str(row->best ? "*" : ""));
	cpnpc_table_add(table, cpnp_bytes_str(price));
	cpnpc_table_add(table, cpnp_bytes_str(delay));
	cpnpc_table_add(table, cpnp_bytes_str(capacity));
	add_way(table, plan, row->path);
}

void
cpnpc_plan_print(const cpnpc_plan *plan)
{
	static const char *const heads[] = {
	    "BEST", "PRICE", "DELAY", "CAPACITY", "WAY"};
	size_t i, n = sizeof(heads) / sizeof(heads[0]);
	cpnpc_table *table;

	if (plan->row_n == 0) {
		cpnpc_put_text(stdout, cpnp_bytes_str(plan->reason));
		putchar('\n');
		return;
	}
	table = cpnpc_table_new(n);
	for (i = 0; i < n; i++)
		cpnpc_table_add(table, cpnp_bytes_str(heads[i]));
	for (i = 0; i < plan->row_n; i++)
		add_row(table, plan, &plan->rows[i]);
	(void)cpnpc_table_print(table, stdout, 0);
	if (!plan->complete)
		puts("there may be more: there are too many ways to look at");
}

static json_t *
segment_json(const cpnpc_plan *plan, uint32_t index)
{
	cpnp_path_segment s;
	json_t *object;
	cpnp_money money;
	int64_t cost = 0;

	(void)cpnp_path_graph_get(plan->graph, index, &s);
	(void)cpnp_path_segment_cost(
	    &s, plan->query.start, plan->query.end, &cost);
	money = price_of(plan, cost);
	object = json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "domain",
	    cpnpc_json_text(s.domain), "id", cpnpc_json_text(s.id), "ingress",
	    cpnpc_json_text(s.ingress), "egress", cpnpc_json_text(s.egress),
	    "delay_us", (json_int_t)s.delay, "capacity", (json_int_t)s.capacity,
	    "price", cpnpc_json_money(&money));
	if (s.seller.len > 0)
		(void)json_object_set_new(
		    object, "seller", cpnpc_json_text(s.seller));
	return object;
}

static json_t *
row_json(const cpnpc_plan *plan, const cpnpc_plan_row *row)
{
	json_t *segments = json_array();
	cpnp_money money = price_of(plan, row->path->price);
	size_t i;

	for (i = 0; i < row->path->segment_n; i++)
		(void)json_array_append_new(
		    segments, segment_json(plan, row->path->segments[i]));
	return json_pack("{s:o, s:I, s:I, s:b, s:o}", "price",
	    cpnpc_json_money(&money), "delay_us", (json_int_t)row->path->delay,
	    "capacity", (json_int_t)row->path->capacity, "best", row->best,
	    "segments", segments);
}

json_t *
cpnpc_plan_json(const cpnpc_plan *plan)
{
	json_t *paths = json_array(), *object;
	size_t i;

	for (i = 0; i < plan->row_n; i++)
		(void)json_array_append_new(
		    paths, row_json(plan, &plan->rows[i]));
	object = json_pack("{s:o, s:o, s:o, s:b}", "token",
	    cpnpc_json_text(plan->token.code), "issuer",
	    cpnpc_json_text(plan->token.issuer), "paths", paths, "complete",
	    plan->complete);
	if (plan->row_n == 0)
		(void)json_object_set_new(object, "reason",
		    cpnpc_json_text(cpnp_bytes_str(plan->reason)));
	return object;
}
