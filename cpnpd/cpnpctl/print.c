/*
 * Answers of the daemon for people: columns where there are many objects,
 * a line for each member where there is one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cpnpctl.h"

#define COST_BYTES 96

/* What a peer chose must not steer a terminal. */
static void
put_text(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f
			? '?' : *text);
}

/* An amount is in units of 10^-exponent. */
static void
format_cost(const json_t *cost, char *out, size_t size)
{
	long long amount =
	    json_integer_value(json_object_get(cost, "amount"));
	int exponent =
	    (int)json_integer_value(json_object_get(cost, "exponent"));
	const char *code = json_string_value(json_object_get(cost, "code"));
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%lld", amount);

	if (code == NULL)
		code = "";
	if (exponent < 0 || exponent >= (int)sizeof(digits)) {
		snprintf(out, size, "%lld * 10^%d %s", amount, -exponent,
		    code);
		return;
	}
	while (len <= exponent && len + 1 < (int)sizeof(digits)) {
		memmove(digits + 1, digits, (size_t)len + 1);
		digits[0] = '0';
		len++;
	}
	snprintf(out, size, "%.*s%s%s %s", len - exponent, digits,
	    exponent > 0 ? "." : "",
	    exponent > 0 ? digits + len - exponent : "", code);
}

static void
put_value(const json_t *value)
{
	char cost[COST_BYTES];

	if (json_is_string(value))
		put_text(json_string_value(value));
	else if (json_is_integer(value))
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "yes" : "no", stdout);
	else if (json_is_object(value)) {
		format_cost(value, cost, sizeof(cost));
		put_text(cost);
	}
}

static void
put_column(const json_t *object, const char *key, int width)
{
	const json_t *value = json_object_get(object, key);
	char cost[COST_BYTES];
	int len = 1;

	if (json_is_object(value)) {
		format_cost(value, cost, sizeof(cost));
		len = (int)strlen(cost);
	} else if (json_is_string(value))
		len = (int)json_string_length(value);
	else if (json_is_integer(value))
		len = snprintf(NULL, 0, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	else if (json_is_boolean(value))
		len = json_is_true(value) ? 3 : 2;
	if (value == NULL)
		putchar('-');
	else
		put_value(value);
	for (; len < width; len++)
		putchar(' ');
	putchar(width > 0 ? ' ' : '\n');
}

static void
put_history(const json_t *history)
{
	size_t i;

	puts("history:");
	for (i = 0; i < json_array_size(history); i++) {
		const json_t *event = json_array_get(history, i);
		const json_t *detail = json_object_get(event, "detail");

		fputs("  ", stdout);
		put_column(event, "number", 8);
		put_column(event, "time", 20);
		put_value(json_object_get(event, "from"));
		fputs(" -> ", stdout);
		put_value(json_object_get(event, "to"));
		fputs(", ", stdout);
		put_value(json_object_get(event, "event"));
		if (detail != NULL) {
			fputs(", ", stdout);
			put_value(detail);
		}
		putchar('\n');
	}
}

/* Each payment in a line: which it is, then what there is to say of it. */
static void
put_payments(json_t *payments)
{
	const json_t *value;
	const char *key;
	json_t *payment;
	size_t i;
	void *at;

	puts("payments:");
	for (i = 0; i < json_array_size(payments); i++) {
		payment = json_array_get(payments, i);
		fputs(" ", stdout);
		for (at = json_object_iter(payment); at != NULL;
		     at = json_object_iter_next(payment, at)) {
			key = json_object_iter_key(at);
			value = json_object_iter_value(at);
			printf(" %s ", key);
			put_value(value);
		}
		putchar('\n');
	}
}

static void
put_labelled(const json_t *object, const char *key, const char *label)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return;
	fputs(label, stdout);
	put_value(value);
}

/* The orders that an order is made of: each with its segment, newest last. */
static void
put_children(const json_t *children)
{
	const json_t *child;
	size_t i, n = json_array_size(children);

	puts("children:");
	for (i = 0; i < n; i++) {
		child = json_array_get(children, i);
		fputs(i + 1 < n ? "  |- " : "  `- ", stdout);
		put_labelled(child, "segment", "segment ");
		put_labelled(child, "provider", "  ");
		put_labelled(child, "order", "  ");
		put_labelled(child, "provider_order", "/");
		put_labelled(child, "state", ": ");
		put_labelled(child, "agreement", ", agreement ");
		put_labelled(child, "cost", ", ");
		if (json_is_true(json_object_get(child, "open")))
			put_labelled(child, "valid_until", ", valid until ");
		put_labelled(child, "waits_for", ", waits for ");
		put_labelled(child, "waits_until", " until ");
		if (json_object_get(child, "reachable") != NULL)
			fputs(", cannot be reached", stdout);
		if (json_is_true(json_object_get(child, "waited_for")))
			fputs("  <- waited for", stdout);
		putchar('\n');
	}
}

static void
put_lines(const char *text)
{
	putchar('\n');
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < 0x20 && *text != '\n' &&
			    *text != '\t'
			? '?' : *text);
}

static void
put_members(json_t *object)
{
	const json_t *value;
	const char *key;
	char label[40];
	void *at;

	for (at = json_object_iter(object); at != NULL;
	     at = json_object_iter_next(object, at)) {
		key = json_object_iter_key(at);
		value = json_object_iter_value(at);
		if (strcmp(key, "history") == 0) {
			put_history(value);
			continue;
		}
		if (strcmp(key, "children") == 0) {
			put_children(value);
			continue;
		}
		if (strcmp(key, "payments") == 0) {
			put_payments(json_object_iter_value(at));
			continue;
		}
		snprintf(label, sizeof(label), "%s:", key);
		printf("%-22s", label);
		if (strcmp(key, "service") == 0)
			put_lines(json_string_value(value));
		else
			put_value(value);
		putchar('\n');
	}
}

/* An event is a line: the states of its transaction, then, when it changes
 * that too, those of the agreement. */
static void
put_event(const json_t *event)
{
	static const char *const names[] = {
		"customer", "provider", "customer_order", "provider_order"};
	static const char *const pairs[][2] = {
		{"from", "to"}, {"agreement_from", "agreement_to"}};
	const json_t *order = json_object_get(event, "order"), *a, *b;
	const json_t *leaf = json_object_get(
	    json_object_get(event, "statement"), "leaf");
	const char *before = "";
	size_t i;

	put_column(event, "number", 8);
	put_column(event, "time", 20);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		a = json_object_get(order, names[i]);
		if (a == NULL)
			continue;
		fputs(before, stdout);
		put_value(a);
		before = "/";
	}
	fputs(": ", stdout);
	for (i = 0; i < 2; i++) {
		a = json_object_get(event, pairs[i][0]);
		b = json_object_get(event, pairs[i][1]);
		if (i > 0 && json_equal(a, b))
			break;
		fputs(i > 0 ? ", agreement " : "", stdout);
		put_value(a);
		fputs(" -> ", stdout);
		put_value(b);
	}
	fputs(", ", stdout);
	put_value(json_object_get(event, "event"));
	if (json_object_get(event, "detail") != NULL) {
		fputs(", ", stdout);
		put_value(json_object_get(event, "detail"));
	}
	if (leaf != NULL) {
		fputs(", leaf ", stdout);
		put_value(leaf);
	}
	putchar('\n');
}

struct columns {
	const char *verb;
	struct {
		const char *key;
		int width; /* 0: the last one */
	} columns[8];
};

static const struct columns tables[] = {
	{"orders", {{"customer", 24}, {"customer_order", 24},
	    {"provider_order", 27}, {"changed", 20}, {"agreement", 10},
	    {"state", 0}}},
	{"pending", {{"customer", 24}, {"customer_order", 24},
	    {"wait", 10}, {"method", 9}, {"since", 20}, {"deadline", 20},
	    {"cost", 16}, {"reason", 0}}},
	{"customers", {{"customer", 32}, {"may_order", 9},
	    {"open_orders", 11}, {"open_orders_max", 15}, {"memory", 12},
	    {"held", 14}, {"held_max", 0}}},
	{"counters", {{"group", 6}, {"name", 24}, {"value", 12},
	    {"text", 0}}},
};

static void
put_row(const struct columns *t, const json_t *object, size_t n)
{
	size_t i;

	for (i = 0; n == 0; i++) {
		printf(t->columns[i].width > 0 ? "%-*s " : "%*s\n",
		    t->columns[i].width, t->columns[i].key);
		if (t->columns[i].width == 0)
			break;
	}
	for (i = 0;; i++) {
		put_column(object, t->columns[i].key, t->columns[i].width);
		if (t->columns[i].width == 0)
			return;
	}
}

void
cpnpctl_print(const char *verb, json_t *object, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strcmp(tables[i].verb, verb) == 0) {
			put_row(&tables[i], object, n);
			return;
		}
	if (strcmp(verb, "events") == 0) {
		put_event(object);
		return;
	}
	if (n > 0)
		putchar('\n');
	put_members(object);
}
