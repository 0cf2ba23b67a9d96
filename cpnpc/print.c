/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpnpc.h"

/* The length of the UTF-8 character at p, 1 for a stray byte. */
static size_t
char_length(const uint8_t *p, size_t left)
{
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

	if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4 || n > left)
		return 1;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 1;
	return n;
}

/* Nothing that moves the cursor or turns text around; a peer could otherwise
 * write over what we say of it. */
static bool
is_harmless(const uint8_t *p, size_t n)
{
	uint32_t c;

	if (n == 1)
		return *p >= 0x20 && *p < 0x7f;
	if (n == 2)
		return ((p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)) >= 0xa0 &&
		       (p[0] != 0xd8 || p[1] != 0x9c);
	if (n == 4)
		return true;
	c = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	return !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

/* Writes the text, and returns how many characters it has. */
static size_t
put(FILE *f, cpnp_bytes text)
{
	size_t i, n, width = 0;

	for (i = 0; i < text.len; i += n, width++) {
		n = char_length(text.ptr + i, text.len - i);
		if (f == NULL)
			continue;
		if (is_harmless(text.ptr + i, n))
			fwrite(text.ptr + i, 1, n, f);
		else
			fputc('?', f);
	}
	return width;
}

void
cpnpc_put_text(FILE *f, cpnp_bytes text)
{
	put(f, text);
}

void
cpnpc_put_lines(FILE *f, cpnp_bytes text)
{
	const uint8_t *end;
	cpnp_bytes line;

	while (text.len > 0) {
		end = memchr(text.ptr, '\n', text.len);
		line = (cpnp_bytes){text.ptr,
		    end == NULL ? text.len : (size_t)(end - text.ptr)};
		text.ptr += line.len + (end != NULL);
		text.len -= line.len + (end != NULL);
		/* what indents a line is no harm in its beginning */
		for (; line.len > 0 && *line.ptr == '\t';
		     line.ptr++, line.len--)
			fputc('\t', f);
		put(f, line);
		if (end != NULL)
			fputc('\n', f);
	}
}

void
cpnpc_time_format(cpnp_wtime when, char out[CPNPC_TIME_LEN])
{
	time_t sec = (time_t)when.sec;
	struct tm tm;

	if (when.sec < CPNP_WTIME_MIN || when.sec > CPNP_WTIME_MAX ||
	    gmtime_r(&sec, &tm) == NULL ||
	    strftime(out, CPNPC_TIME_LEN, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, CPNPC_TIME_LEN, "no date");
}

void
cpnpc_span_format(int64_t seconds, char out[CPNPC_TIME_LEN])
{
	int64_t days = seconds / 86400, hours = seconds / 3600 % 24,
		minutes = seconds / 60 % 60;

	if (seconds <= 0)
		snprintf(out, CPNPC_TIME_LEN, "0 s");
	else if (seconds < 60)
		snprintf(out, CPNPC_TIME_LEN, "%" PRId64 " s", seconds);
	else if (seconds < 3600)
		snprintf(out, CPNPC_TIME_LEN, "%" PRId64 " min %" PRId64 " s",
		    minutes, seconds % 60);
	else if (days == 0)
		snprintf(out, CPNPC_TIME_LEN, "%" PRId64 " h %" PRId64 " min",
		    hours, minutes);
	else
		snprintf(out, CPNPC_TIME_LEN, "%" PRId64 " d %" PRId64 " h",
		    days, hours);
}

/* ---- tables ------------------------------------------------------------ */

struct cpnpc_table {
	size_t columns;
	char **cells;
	size_t n;
	size_t cap;
	bool failed;
};

cpnpc_table *
cpnpc_table_new(size_t columns)
{
	cpnpc_table *table = calloc(1, sizeof(*table));

	if (table != NULL)
		table->columns = columns;
	return table;
}

void
cpnpc_table_add(cpnpc_table *table, cpnp_bytes text)
{
	char **more;

	if (table == NULL || table->failed)
		return;
	if (table->n == table->cap) {
		table->cap = table->cap == 0 ? 64 : 2 * table->cap;
		more = realloc(table->cells, table->cap * sizeof(*more));
		if (more == NULL) {
			table->failed = true;
			return;
		}
		table->cells = more;
	}
	table->cells[table->n] =
	    text.len == 0 ? strdup("-")
			  : strndup((const char *)text.ptr, text.len);
	if (table->cells[table->n] == NULL)
		table->failed = true;
	else
		table->n++;
}

/* The widest cell of each column; NULL without memory. */
static size_t *
column_widths(const cpnpc_table *table)
{
	size_t *widths = calloc(table->columns, sizeof(*widths));
	size_t i, width;

	for (i = 0; widths != NULL && i < table->n; i++) {
		width = put(NULL, cpnp_bytes_str(table->cells[i]));
		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	return widths;
}

bool
cpnpc_table_print(cpnpc_table *table, FILE *f, int indent)
{
	size_t i, column, width, *widths;
	bool done;

	if (table == NULL)
		return false;
	widths = column_widths(table);
	done = !table->failed && widths != NULL;
	for (i = 0; done && i < table->n; i++) {
		column = i % table->columns;
		if (column == 0)
			fprintf(f, "%*s", indent, "");
		width = put(f, cpnp_bytes_str(table->cells[i]));
		if (column + 1 == table->columns)
			fputc('\n', f);
		else
			fprintf(
			    f, "%*s", (int)(widths[column] - width) + 2, "");
	}
	for (i = 0; i < table->n; i++)
		free(table->cells[i]);
	free(widths);
	free(table->cells);
	free(table);
	return done;
}

/* ---- offers ------------------------------------------------------------ */

static void
put_labelled(FILE *f, const char *label, cpnp_bytes text)
{
	if (text.len == 0)
		return;
	fputs(label, f);
	put(f, text);
}

void
cpnpc_print_explanations(
    FILE *f, const cpnp_explanation *list, size_t n, int indent)
{
	size_t i;

	for (i = 0; i < n; i++) {
		fprintf(f, "%*s", indent, "");
		put(f, list[i].clause.len > 0 ? list[i].clause
					      : CPNP_BYTES_LIT("order"));
		put_labelled(f, ": ", list[i].reason);
		put_labelled(f, "; limit: ", list[i].limit);
		put_labelled(f, "; would fit: ", list[i].would_fit);
		fputc('\n', f);
	}
}

static void
print_changes(FILE *f, const cpnpc_offer *offer)
{
	size_t shown = offer->changes_n < CPNPC_CHANGES_MAX ? offer->changes_n
							    : CPNPC_CHANGES_MAX;
	cpnpc_table *table;
	size_t i;

	if (shown == 0)
		return;
	table = cpnpc_table_new(3);
	cpnpc_table_add(table, CPNP_BYTES_LIT("clause"));
	cpnpc_table_add(table, CPNP_BYTES_LIT("requested"));
	cpnpc_table_add(table, CPNP_BYTES_LIT("offered"));
	for (i = 0; i < shown; i++) {
		cpnpc_table_add(table, cpnp_bytes_str(offer->changes[i].path));
		cpnpc_table_add(
		    table, cpnp_bytes_str(offer->changes[i].before));
		cpnpc_table_add(table, cpnp_bytes_str(offer->changes[i].after));
	}
	(void)cpnpc_table_print(table, f, 4);
	if (shown < offer->changes_n)
		fprintf(f, "    and %zu more\n", offer->changes_n - shown);
}

/* A list member that is new or gone is a site, or a clause about one. */
static void
print_updates(FILE *f, const cpnpc_offer *offer)
{
	size_t shown = offer->updates_n < CPNPC_CHANGES_MAX ? offer->updates_n
							    : CPNPC_CHANGES_MAX;
	const cpnp_money *before = cpnpc_offer_cost_before(offer);
	char text[CPNPC_MONEY_LEN];
	cpnpc_table *table;
	size_t i;

	if (!offer->is_update)
		return;
	if (before != NULL) {
		cpnpc_money_format(before, text);
		fprintf(f, "  price so far: %s\n", text);
	}
	if (shown == 0) {
		fputs("  this update leaves the service as it is\n", f);
		return;
	}
	fputs("  this update makes of the agreement:\n", f);
	table = cpnpc_table_new(4);
	cpnpc_table_add(table, CPNP_BYTES_LIT(""));
	cpnpc_table_add(table, CPNP_BYTES_LIT("clause"));
	cpnpc_table_add(table, CPNP_BYTES_LIT("agreed"));
	cpnpc_table_add(table, CPNP_BYTES_LIT("offered"));
	for (i = 0; i < shown; i++) {
		const cpnp_cpd_change *c = &offer->updates[i];

		cpnpc_table_add(table,
		    cpnp_bytes_str(c->before[0] == '\0'	 ? "added"
				   : c->after[0] == '\0' ? "removed"
							 : "changed"));
		cpnpc_table_add(table, cpnp_bytes_str(c->path));
		cpnpc_table_add(table, cpnp_bytes_str(c->before));
		cpnpc_table_add(table, cpnp_bytes_str(c->after));
	}
	(void)cpnpc_table_print(table, f, 4);
	if (shown < offer->updates_n)
		fprintf(f, "    and %zu more\n", offer->updates_n - shown);
}

static void
print_provider(FILE *f, const cpnpc_offer *offer, const cpnp_order *order)
{
	const cpnp_description *who = &offer->offer.provider_description;

	fputs("  provider:    ", f);
	put(f, cpnp_order_peer_identity(order));
	if (cpnp_msg_has(&offer->offer, CPNP_ATTR_PROVIDER_DESCRIPTION)) {
		put_labelled(f, ", ", who->name);
		if (who->has_as_number)
			fprintf(f, ", AS%" PRIu32, who->as_number);
		put_labelled(f, ", ", who->email);
	}
	put_labelled(f, "; its order ", cpnp_order_provider_id(order));
	fputc('\n', f);
}

void
cpnpc_print_offer(
    FILE *f, const cpnpc_offer *offer, const cpnp_order *order, cpnp_now now)
{
	const cpnp_money *cost = cpnpc_offer_cost(offer);
	char text[CPNPC_MONEY_LEN], span[CPNPC_TIME_LEN];
	cpnp_wtime until = offer->offer.validity_offer_time;

	fputs("Offer for order ", f);
	put(f, cpnp_order_customer_id(order));
	fputc('\n', f);
	print_provider(f, offer, order);
	if (cost != NULL) {
		cpnpc_money_format(cost, text);
		fprintf(f, "  price:       %s\n", text);
	} else {
		fputs("  price:       none named\n", f);
	}
	cpnpc_print_terms(f, offer);
	cpnpc_time_format(until, text);
	cpnpc_span_format(until.sec - now.wall.sec, span);
	if (until.sec > now.wall.sec)
		fprintf(f, "  valid until: %s (%s)\n", text, span);
	else
		fprintf(f, "  valid until: %s (past)\n", text);
	if (offer->exact)
		fputs("  service:     what was requested\n", f);
	else {
		fputs("  service:     not what was requested, ", f);
		put(f, cpnp_bytes_str(offer->difference.where));
		put_labelled(f, ": ", cpnp_bytes_str(offer->difference.why));
		fputc('\n', f);
	}
	print_changes(f, offer);
	print_updates(f, offer);
	if (cpnp_msg_has(&offer->offer, CPNP_ATTR_EXPLANATION)) {
		fputs("  the provider explains:\n", f);
		cpnpc_print_explanations(f, offer->offer.explanations,
		    offer->offer.explanations_n, 4);
	}
}
