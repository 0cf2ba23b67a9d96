/*
 * Reconcile the books of two domains (F14): export one, compare two files, or
 * compare with a peer process over standard input and output.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"

#define FRAME_LEN 4 /* bytes of a message's length, before each */

struct report {
	const struct tool_options *options;
	FILE *file;
	json_t *list;
	uint64_t n, sent, received;
};

static json_t *
entry_json(const struct range_entry *entry)
{
	return entry == NULL ? json_null() : json_pack("{s:o, s:o}", "state",
	    tool_text(entry->state), "amounts", tool_text(entry->amounts));
}

static void
put_entry(FILE *file, const struct range_entry *entry)
{
	if (entry == NULL) {
		fputs("not there", file);
		return;
	}
	tool_put(file, entry->state);
	fputs(", ", file);
	tool_put(file, entry->amounts);
}

static void
report_found(void *user, const struct range_entry *mine,
    const struct range_entry *theirs)
{
	struct report *report = user;
	char hex[2 * CPNP_SHA256_LEN + 1];

	report->n++;
	tool_hex(mine != NULL ? mine->digest : theirs->digest,
	    CPNP_SHA256_LEN, hex);
	if (report->options->json) {
		(void)json_array_append_new(report->list,
		    json_pack("{s:s, s:o, s:o}", "order", hex, "here",
		        entry_json(mine), "there", entry_json(theirs)));
		return;
	}
	fprintf(report->file, "%s\n    here:  ", hex);
	put_entry(report->file, mine);
	fputs("\n    there: ", report->file);
	put_entry(report->file, theirs);
	fputc('\n', report->file);
}

static int
report_end(struct report *report, const struct book *book)
{
	json_t *json;

	if (report->options->json) {
		json = json_pack("{s:b, s:s, s:s, s:I, s:O, s:I, s:I}", "ok",
		    report->n == 0, "own", book->own, "peer", book->peer,
		    "orders", (json_int_t)book->n, "differences",
		    report->list, "sent", (json_int_t)report->sent,
		    "received", (json_int_t)report->received);
		(void)json_dumpf(json, report->file,
		    JSON_COMPACT | JSON_ENSURE_ASCII);
		fputc('\n', report->file);
		json_decref(json);
	} else if (report->n == 0) {
		fprintf(report->file, "no difference: %s and %s agree about "
		    "all %zu orders", book->own, book->peer, book->n);
	} else {
		fprintf(report->file, "%" PRIu64 " difference%s; %zu orders "
		    "here", report->n, report->n == 1 ? "" : "s", book->n);
	}
	if (!report->options->json)
		fprintf(report->file, "; %" PRIu64 " bytes sent, %" PRIu64
		    " received\n", report->sent, report->received);
	return report->n == 0 ? 0 : EXIT_FAILED;
}

/* The one that says nothing of what it finds. */
static void
ignore_found(void *user, const struct range_entry *mine,
    const struct range_entry *theirs)
{
	(void)user;
	(void)mine;
	(void)theirs;
}

static int
say_err(const struct tool_options *options, const char *where, int err,
    const cpnp_diag *diag)
{
	if (diag->err != 0)
		return tool_fail(
		    options, where, "%s: %s", diag->where, diag->why);
	return tool_fail(options, where, "%s", cpnp_strerror(err));
}

/* Both sides in this process. */
static int
compare_books(const struct tool_options *options, struct book *mine,
    struct book *theirs, struct report *report)
{
	struct ranges *a = NULL, *b = NULL, *swap;
	cpnp_diag diag = {0};
	uint64_t *count = &report->sent;
	cpnp_buf message;
	int err;

	cpnp_buf_init(&message, &ledger_mem, RANGES_MESSAGE_MAX);
	err = ranges_new(&a, mine->entries, mine->n, mine->own, mine->peer,
	    true, report_found, report);
	if (err == 0)
		err = ranges_new(&b, theirs->entries, theirs->n, theirs->own,
		    theirs->peer, false, ignore_found, NULL);
	while (err == 0 && !(ranges_done(a) && ranges_done(b))) {
		cpnp_buf_reset(&message);
		err = ranges_send(a, &message);
		*count += message.len + FRAME_LEN;
		if (err == 0)
			err = ranges_recv(
			    b, cpnp_buf_bytes(&message), &diag);
		swap = a;
		a = b;
		b = swap;
		count = count == &report->sent ? &report->received
		                               : &report->sent;
	}
	ranges_del(a);
	ranges_del(b);
	cpnp_buf_fini(&message);
	return err == 0 ? 0 : say_err(
	    options, options->operands[1], err, &diag);
}

/* A message on standard output, its length before it. */
static int
send_message(const struct tool_options *options, struct ranges *ranges,
    cpnp_buf *message, struct report *report)
{
	cpnp_diag none = {0};
	uint8_t frame[FRAME_LEN];
	size_t i;
	int err;

	cpnp_buf_reset(message);
	err = ranges_send(ranges, message);
	if (err != 0)
		return say_err(options, "message", err, &none);
	for (i = 0; i < FRAME_LEN; i++)
		frame[i] = (uint8_t)(message->len >> (24 - 8 * i));
	report->sent += FRAME_LEN + message->len;
	if (fwrite(frame, 1, FRAME_LEN, stdout) != FRAME_LEN ||
	    fwrite(message->ptr, 1, message->len, stdout) != message->len ||
	    fflush(stdout) != 0)
		return tool_fail(options, "peer", "cannot be written to: %s",
		    strerror(errno));
	return 0;
}

static int
recv_message(const struct tool_options *options, struct ranges *ranges,
    struct report *report)
{
	uint8_t frame[FRAME_LEN], *bytes;
	cpnp_diag diag = {0};
	size_t i, len = 0;
	int err, code = 0;

	if (fread(frame, 1, FRAME_LEN, stdin) != FRAME_LEN)
		return tool_fail(options, "peer",
		    "it has ended before the comparison");
	for (i = 0; i < FRAME_LEN; i++)
		len = len << 8 | frame[i];
	if (len == 0 || len > RANGES_MESSAGE_MAX)
		return tool_fail(options, "peer",
		    "a message of %zu bytes; from 1 to %d are right", len,
		    RANGES_MESSAGE_MAX);
	bytes = malloc(len);
	if (bytes == NULL)
		return tool_fail(options, "peer", "out of memory");
	report->received += FRAME_LEN + len;
	if (fread(bytes, 1, len, stdin) != len) {
		code = tool_fail(options, "peer",
		    "it has ended within a message");
	} else {
		err = ranges_recv(ranges, (cpnp_bytes){bytes, len}, &diag);
		if (err != 0)
			code = say_err(options, "peer", err, &diag);
	}
	free(bytes);
	return code;
}

/* With a peer process; report goes elsewhere than to standard output. */
static int
compare_with_peer(const struct tool_options *options, struct book *book,
    struct report *report)
{
	bool starts = tool_value(options, "answer") == NULL;
	struct ranges *ranges = NULL;
	cpnp_buf message;
	int code = 0;

	if (ranges_new(&ranges, book->entries, book->n, book->own,
	        book->peer, starts, report_found, report) != 0)
		return tool_fail(options, "peer", "out of memory");
	cpnp_buf_init(&message, &ledger_mem, RANGES_MESSAGE_MAX);
	if (starts)
		code = send_message(options, ranges, &message, report);
	while (code == 0 && !ranges_done(ranges)) {
		code = recv_message(options, ranges, report);
		if (code == 0 && !ranges_done(ranges))
			code = send_message(
			    options, ranges, &message, report);
	}
	cpnp_buf_fini(&message);
	ranges_del(ranges);
	return code;
}

static int
export(const struct tool_options *options, const char *peer)
{
	struct tool_journal store;
	struct book book;
	int code;

	if (peer == NULL)
		return tool_fail(options, "--peer",
		    "needed: the identity of the counterparty");
	code = tool_journal_open(options, NULL, &store);
	if (code != 0)
		return code;
	code = book_collect(options, store.journal, peer, &book);
	if (code == 0) {
		if (book.n == 0)
			fprintf(stderr, "cpnp-ledger: %s: the journal %s "
			    "holds no signed statement about an order with "
			    "this counterparty\n", peer,
			    cpnp_journal_origin(store.journal));
		code = book_write(options, &book);
		book_fini(&book);
	}
	tool_journal_close(&store);
	return code;
}

static int
report_begin(const struct tool_options *options, struct report *report)
{
	bool talks = options->operand_n == 1;

	report->options = options;
	report->list = json_array();
	report->file = options->output != NULL ? fopen(options->output, "w")
	    : talks ? stderr : stdout;
	if (report->list != NULL && report->file != NULL)
		return 0;
	json_decref(report->list);
	return tool_fail(options,
	    options->output == NULL ? "output" : options->output,
	    "cannot write: %s", strerror(errno));
}

int
tool_reconcile(const struct tool_options *options)
{
	struct book mine = {0}, theirs = {0};
	struct report report = {0};
	int code;

	if (tool_value(options, "export") != NULL)
		return options->operand_n == 0
		    ? export(options, tool_value(options, "peer"))
		    : tool_fail(options, options->operand,
		          "--export writes a book and reads none");
	if (options->operand_n == 0)
		return tool_fail(options, "book",
		    "needed: a file that reconcile --export has made");
	code = book_read(options, options->operand, &mine);
	if (code == 0 && options->operand_n > 1)
		code = book_read(options, options->operands[1], &theirs);
	if (code == 0)
		code = report_begin(options, &report);
	if (code == 0) {
		code = options->operand_n > 1
		    ? compare_books(options, &mine, &theirs, &report)
		    : compare_with_peer(options, &mine, &report);
		if (code == 0)
			code = report_end(&report, &mine);
		if (report.file != stdout && report.file != stderr &&
		    fclose(report.file) != 0)
			code = tool_fail(options, options->output,
			    "cannot write: %s", strerror(errno));
		json_decref(report.list);
	}
	book_fini(&mine);
	book_fini(&theirs);
	return code;
}
