/*
 * A domain's book about one counterparty as a text, for reconcile: a line
 * that names both, then one line for each agreement, sorted by order digest.
 *
 *	cpnp-book 1 provider.example client.example
 *	0a1b...  agreed  12500.00 EUR of bank.example
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"

#define LINE_LEN_MAX 1024
#define BOOK_MAGIC "cpnp-book 1 "

static int
compare_entries(const void *a, const void *b)
{
	return memcmp(((const struct range_entry *)a)->digest,
	    ((const struct range_entry *)b)->digest, CPNP_SHA256_LEN);
}

void
book_fini(struct book *book)
{
	size_t i;

	for (i = 0; i < book->n; i++)
		free((void *)(uintptr_t)book->entries[i].state.ptr);
	free(book->entries);
	memset(book, 0, sizeof(*book));
}

/* Both texts of an entry share one allocation, that of state. */
static int
add(struct book *book, const uint8_t digest[CPNP_SHA256_LEN],
    const char *state, size_t state_len, const char *amounts)
{
	size_t cap = book->cap == 0 ? 1024 : 2 * book->cap;
	size_t amounts_len = strlen(amounts);
	struct range_entry *entries, *e;
	uint8_t *text;

	if (book->n == RANGES_ENTRIES_MAX)
		return CPNP_ERR_FULL;
	if (book->n == book->cap) {
		entries = realloc(book->entries, cap * sizeof(*entries));
		if (entries == NULL)
			return CPNP_ERR_NOMEM;
		book->entries = entries;
		book->cap = cap;
	}
	text = malloc(state_len + amounts_len + 1);
	if (text == NULL)
		return CPNP_ERR_NOMEM;
	memcpy(text, state, state_len);
	memcpy(text + state_len, amounts, amounts_len);
	e = &book->entries[book->n++];
	memcpy(e->digest, digest, CPNP_SHA256_LEN);
	e->state = (cpnp_bytes){text, state_len};
	e->amounts = (cpnp_bytes){text + state_len, amounts_len};
	return 0;
}

static bool
parse_hex(const char *text, uint8_t out[CPNP_SHA256_LEN])
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	size_t i;

	for (i = 0; i < CPNP_SHA256_LEN; i++) {
		high = text[2 * i] == '\0' ? NULL
		                           : strchr(digits, text[2 * i]);
		if (high == NULL || text[2 * i + 1] == '\0')
			return false;
		low = strchr(digits, text[2 * i + 1]);
		if (low == NULL)
			return false;
		out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return true;
}

/* "digest state amounts"; NULL, or what is wrong. */
static const char *
parse_line(struct book *book, const char *line)
{
	uint8_t digest[CPNP_SHA256_LEN];
	const char *state, *amounts;
	size_t state_len;

	if (!parse_hex(line, digest) || line[2 * CPNP_SHA256_LEN] != ' ')
		return "it does not begin with 64 hexadecimal digits and a "
		       "space";
	state = line + 2 * CPNP_SHA256_LEN + 1;
	state_len = strcspn(state, " ");
	if (state_len == 0 || state_len > RANGES_STATE_MAX ||
	    state[state_len] != ' ')
		return "its second word is not a state and a space";
	amounts = state + state_len + 1;
	if (amounts[0] == '\0' || strlen(amounts) > RANGES_AMOUNTS_MAX)
		return "it has no amounts, or more than 255 bytes of them";
	if (!cpnp_utf8_is_valid(cpnp_bytes_str(state)))
		return "not UTF-8";
	if (book->n > 0 && memcmp(book->entries[book->n - 1].digest, digest,
	    CPNP_SHA256_LEN) >= 0)
		return "not sorted by digest, each once";
	return add(book, digest, state, state_len, amounts) == 0 ? NULL
	    : "more entries than a book has, or out of memory";
}

/* "cpnp-book 1 OWN PEER" */
static bool
parse_title(struct book *book, const char *line)
{
	const char *own = line + sizeof(BOOK_MAGIC) - 1, *peer;
	size_t len;

	if (strncmp(line, BOOK_MAGIC, sizeof(BOOK_MAGIC) - 1) != 0)
		return false;
	len = strcspn(own, " ");
	peer = own + len + 1;
	if (len == 0 || len > CPNP_IDENTITY_MAX || own[len] != ' ' ||
	    peer[0] == '\0' || strlen(peer) > CPNP_IDENTITY_MAX ||
	    strchr(peer, ' ') != NULL ||
	    !cpnp_utf8_is_valid(cpnp_bytes_str(own)))
		return false;
	(void)snprintf(book->own, sizeof(book->own), "%.*s", (int)len, own);
	(void)snprintf(book->peer, sizeof(book->peer), "%s", peer);
	return true;
}

int
book_read(const struct tool_options *options, const char *path,
    struct book *book)
{
	char line[LINE_LEN_MAX];
	FILE *file = fopen(path, "r");
	const char *wrong = NULL;
	size_t n, len;
	int code = 0;

	memset(book, 0, sizeof(*book));
	if (file == NULL)
		return tool_fail(
		    options, path, "cannot read: %s", strerror(errno));
	for (n = 1; wrong == NULL &&
	     fgets(line, (int)sizeof(line), file) != NULL; n++) {
		len = strlen(line);
		if (len == 0 || line[len - 1] != '\n') {
			wrong = "too long, or not ended";
			break;
		}
		line[len - 1] = '\0';
		if (n == 1 && !parse_title(book, line))
			wrong = "not \"cpnp-book 1 OWN PEER\"; "
			        "cpnp-ledger reconcile --export makes a book";
		else if (n > 1)
			wrong = parse_line(book, line);
		if (wrong != NULL)
			break;
	}
	if (wrong != NULL)
		code = tool_fail(options, path, "line %zu: %s", n, wrong);
	else if (ferror(file) || n == 1)
		code = tool_fail(options, path, "empty, or cannot be read");
	(void)fclose(file);
	if (code != 0)
		book_fini(book);
	return code;
}

/* ---- From a journal ---- */

/* An agreement of which a signed statement stands in the journal. */
struct signed_order {
	uint8_t digest[CPNP_SHA256_LEN];
	uint8_t ref[CPNP_SHA256_LEN];
	cpnp_statement_type newest;
};

struct collect {
	struct signed_order *orders;
	size_t n, cap;
};

static int
collect_leaf(void *user, uint64_t index, cpnp_bytes bytes)
{
	struct collect *c = user;
	size_t cap = c->cap == 0 ? 1024 : 2 * c->cap;
	struct signed_order *orders;
	cpnp_bytes payload;
	cpnp_statement s;

	(void)index;
	if (cpnp_statement_payload(bytes, &payload) != 0 ||
	    cpnp_statement_decode(&s, payload, NULL) != 0 || !s.has_digest)
		return 0;
	if (c->n == c->cap) {
		orders = realloc(c->orders, cap * sizeof(*orders));
		if (orders == NULL)
			return CPNP_ERR_NOMEM;
		c->orders = orders;
		c->cap = cap;
	}
	memcpy(c->orders[c->n].digest, s.digest, CPNP_SHA256_LEN);
	memcpy(c->orders[c->n].ref, s.order_ref, CPNP_SHA256_LEN);
	c->orders[c->n++].newest = s.type;
	return 0;
}

/* By digest, the newest statement first: ACK, ACCEPT, OFFER. */
static int
compare_orders(const void *a, const void *b)
{
	const struct signed_order *x = a, *y = b;
	int order = memcmp(x->digest, y->digest, CPNP_SHA256_LEN);

	return order != 0 ? order : (int)y->newest - (int)x->newest;
}

/* What a line may not have is written as %NN. */
static void
put_word(char *out, size_t size, cpnp_bytes word)
{
	size_t i, at = strlen(out);

	for (i = 0; i < word.len && at + 4 < size; i++) {
		if (word.ptr[i] <= 0x20 || word.ptr[i] >= 0x7f ||
		    word.ptr[i] == '%')
			(void)snprintf(out + at, 4, "%%%02x", word.ptr[i]);
		else
			(void)snprintf(out + at, 2, "%c", word.ptr[i]);
		at += strlen(out + at);
	}
}

static void
put_amounts(char out[RANGES_AMOUNTS_MAX + 1], const cpnp_agreement *a)
{
	cpnp_money money = a->cost;
	char text[MONEY_LEN];

	if (!a->has_cost) {
		(void)snprintf(out, RANGES_AMOUNTS_MAX + 1, "-");
		return;
	}
	money.code = CPNP_BYTES_NONE;
	cpnp_money_text(&money, text);
	(void)snprintf(out, RANGES_AMOUNTS_MAX + 1, "%s", text);
	put_word(out, RANGES_AMOUNTS_MAX + 1, a->cost.code);
	(void)strncat(out, " of ", RANGES_AMOUNTS_MAX - strlen(out));
	put_word(out, RANGES_AMOUNTS_MAX + 1, a->cost.issuer);
}

/* Add an agreement when it is one with this counterparty. */
static int
add_order(struct book *book, cpnp_journal *journal,
    const struct signed_order *order)
{
	static const char *const states[] = {
	    "?", "?", "offered", "accepted", "agreed"};
	char amounts[RANGES_AMOUNTS_MAX + 1];
	cpnp_bytes own, peer;
	cpnp_agreement a;
	cpnp_buf bytes;
	int err;

	cpnp_buf_init(&bytes, &ledger_mem, CPNP_AGREEMENT_MAX);
	err = cpnp_journal_agreement(
	    journal, order->ref, order->digest, &bytes);
	if (err == 0)
		err = cpnp_agreement_decode(&a, cpnp_buf_bytes(&bytes), NULL);
	if (err == 0) {
		peer = cpnp_bytes_str(book->peer);
		own = cpnp_bytes_equal(a.client, peer) ? a.provider
		    : cpnp_bytes_equal(a.provider, peer) ? a.client
		                                         : CPNP_BYTES_NONE;
		if (own.len > 0 && own.len < sizeof(book->own)) {
			memcpy(book->own, own.ptr, own.len);
			book->own[own.len] = '\0';
			put_amounts(amounts, &a);
			err = add(book, order->digest,
			    states[order->newest],
			    strlen(states[order->newest]), amounts);
		}
	}
	cpnp_buf_fini(&bytes);
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

int
book_collect(const struct tool_options *options, cpnp_journal *journal,
    const char *peer, struct book *book)
{
	struct collect c = {0};
	size_t i;
	int err;

	memset(book, 0, sizeof(*book));
	(void)snprintf(book->peer, sizeof(book->peer), "%s", peer);
	(void)snprintf(book->own, sizeof(book->own), "%s",
	    cpnp_journal_origin(journal));
	err = cpnp_journal_each(journal, 0, collect_leaf, &c);
	if (err == 0 && c.n > 0)
		qsort(c.orders, c.n, sizeof(*c.orders), compare_orders);
	for (i = 0; i < c.n && err == 0; i++)
		if (i == 0 || memcmp(c.orders[i].digest,
		    c.orders[i - 1].digest, CPNP_SHA256_LEN) != 0)
			err = add_order(book, journal, &c.orders[i]);
	free(c.orders);
	if (err == 0) {
		if (book->n > 0)
			qsort(book->entries, book->n, sizeof(*book->entries),
			    compare_entries);
		return 0;
	}
	book_fini(book);
	return tool_fail(options, cpnp_journal_origin(journal),
	    "the orders cannot be read: %s", cpnp_strerror(err));
}

int
book_write(const struct tool_options *options, const struct book *book)
{
	const char *path = options->output == NULL ? "-" : options->output;
	FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
	char hex[2 * CPNP_SHA256_LEN + 1];
	size_t i;
	bool ok;

	if (file == NULL)
		return tool_fail(
		    options, path, "cannot write: %s", strerror(errno));
	fprintf(file, BOOK_MAGIC "%s %s\n", book->own, book->peer);
	for (i = 0; i < book->n; i++) {
		tool_hex(book->entries[i].digest, CPNP_SHA256_LEN, hex);
		fprintf(file, "%s %.*s %.*s\n", hex,
		    (int)book->entries[i].state.len,
		    (const char *)book->entries[i].state.ptr,
		    (int)book->entries[i].amounts.len,
		    (const char *)book->entries[i].amounts.ptr);
	}
	ok = fflush(file) == 0 && !ferror(file);
	if (file != stdout)
		ok = fclose(file) == 0 && ok;
	return ok ? 0 : tool_fail(
	    options, path, "cannot write: %s", strerror(errno));
}
