/*
 * A log that an external program keeps, cpnp-ledger-proc(7): requests and
 * answers are lines.  A program that dies, is silent, or says what it may not
 * say is killed and started again, later each time; meanwhile the log is
 * away.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "../../journal/internal.h"
#include "child.h"

#define PROTOCOL 1
#define ARGUMENTS_MAX 32
#define READ_ENTRIES 256 /* of one request */
#define READ_BYTES (4 * CPNP_BATCH_BYTES_MAX)
#define DEADLINE_DEFAULT 10 /* seconds */
#define DEADLINE_MAX 600
#define BACKOFF_FIRST CPNP_MILLISECONDS(100)
#define BACKOFF_MAX CPNP_SECONDS(30)
/* A reader asks so often without being told, which shows as well whether the
 * program is alive. */
#define ASK_INTERVAL CPNP_SECONDS(5)
#define WORDS_MAX 8 /* of a line */

struct cpnp_log {
	char *argv[ARGUMENTS_MAX + 2];
	char writer[CPNP_WRITER_MAX + 1];
	char ledger[2 * CPNP_SHA256_LEN + 1];
	uint8_t ledger_id[CPNP_SHA256_LEN];
	cpnp_tstamp deadline; /* of a request */
	struct child child;
	bool up;
	uint64_t request; /* number of the last one */
	cpnp_tstamp next_try;
	cpnp_tstamp backoff;
	char why_down[160];
	struct backend_waker waker;
	cpnp_buf out;   /* a request */
	cpnp_buf arena; /* of the records read last */
	cpnp_log_info info;
};

static const char *const setting_names[] = {
    "program", "argument", "writer", "deadline", NULL};

/* What a program may answer with. */
static const int answer_errors[] = {CPNP_ERR_UNAVAILABLE, CPNP_ERR_FULL,
    CPNP_ERR_STATE, CPNP_ERR_EXISTS, CPNP_ERR_FORBIDDEN, CPNP_ERR_TOO_LONG,
    CPNP_ERR_MISMATCH, CPNP_ERR_NOT_FOUND, CPNP_ERR_CONFIG, CPNP_ERR_VERSION,
    CPNP_ERR_IO};

/* ---- Words ---- */

/* Split at single spaces, in place; the last word has the rest.  Returns how
 * many. */
static size_t
split(char *line, char *words[WORDS_MAX], size_t max)
{
	size_t n = 0;
	char *space;

	for (;;) {
		words[n++] = line;
		space = n < max ? strchr(line, ' ') : NULL;
		if (space == NULL)
			return n;
		*space = '\0';
		line = space + 1;
	}
}

static bool
read_number(const char *word, uint64_t max, uint64_t *number)
{
	uint64_t n = 0;

	if (word[0] == '\0' || (word[0] == '0' && word[1] != '\0'))
		return false;
	for (; *word != '\0'; word++) {
		if (*word < '0' || *word > '9' || n > max / 10)
			return false;
		n = n * 10 + (uint64_t)(*word - '0');
	}
	*number = n;
	return n <= max;
}

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 (RFC 4648, section 4) in its one form, in place; false for anything
 * else. */
static bool
decode_base64(char *text, size_t *len)
{
	size_t n = strlen(text), pad = 0, i, out = 0;
	uint32_t bits = 0;
	int six;

	if (n == 0 || n % 4 != 0)
		return false;
	pad = (size_t)(text[n - 1] == '=') +
	    (text[n - 1] == '=' && text[n - 2] == '=');
	for (i = 0; i < n - pad; i++) {
		six = sextet(text[i]);
		if (six < 0)
			return false;
		bits = bits << 6 | (uint32_t)six;
		if (i % 4 != 0)
			text[out++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
	}
	*len = out;
	/* the bits that are left over say nothing */
	return (bits & ((1u << 2 * pad) - 1)) == 0;
}

static int
put_base64(cpnp_buf *buf, cpnp_bytes bytes)
{
	size_t len = 4 * ((bytes.len + 2) / 3);
	unsigned char *text = malloc(len + 1);

	if (text == NULL)
		return CPNP_ERR_NOMEM;
	(void)EVP_EncodeBlock(text, bytes.ptr, (int)bytes.len);
	cpnp_buf_put_raw(buf, (cpnp_bytes){text, len});
	free(text);
	return buf->err;
}

/* ---- Requests and answers ---- */

/* Begin a request; its words are put into log->out. */
static void
request_begin(cpnp_log *log, const char *verb)
{
	char text[64];

	cpnp_buf_reset(&log->out);
	(void)snprintf(
	    text, sizeof(text), "%" PRIu64 " %s", ++log->request, verb);
	cpnp_buf_put_raw(&log->out, cpnp_bytes_str(text));
}

static void
request_word(cpnp_log *log, const char *word)
{
	cpnp_buf_put_raw(&log->out, CPNP_BYTES_LIT(" "));
	cpnp_buf_put_raw(&log->out, cpnp_bytes_str(word));
}

static void
request_number(cpnp_log *log, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	request_word(log, text);
}

static int
request_bytes(cpnp_log *log, cpnp_bytes bytes)
{
	cpnp_buf_put_raw(&log->out, CPNP_BYTES_LIT(" "));
	return put_base64(&log->out, bytes);
}

/* A line that has no place here. */
static int
violation(const char *line, cpnp_diag *diag)
{
	char shown[49];
	size_t i;

	for (i = 0; i + 1 < sizeof(shown) && line[i] != '\0'; i++)
		shown[i] = line[i] >= ' ' && line[i] <= '~' ? line[i] : '?';
	shown[i] = '\0';
	return backend_fail(diag, CPNP_ERR_INTERNAL, "program",
	    "it sent a line that cpnp-ledger-proc(7) does not allow here: "
	    "\"%s%s\"", shown, line[i] != '\0' ? "..." : "");
}

/* "UNAVAILABLE the text", as an error of ours. */
static int
answer_error(char *rest, cpnp_diag *diag)
{
	char *words[WORDS_MAX];
	size_t n = split(rest, words, 2), i;
	char *c;

	for (c = n == 2 ? words[1] : rest; n == 2 && *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	for (i = 0; i < sizeof(answer_errors) / sizeof(answer_errors[0]); i++)
		if (strcmp(words[0], cpnp_error_name(answer_errors[i])) == 0)
			return backend_fail(diag, answer_errors[i], "program",
			    "%s", n == 2 ? words[1]
					 : cpnp_strerror(answer_errors[i]));
	return violation(words[0], diag);
}

/* What is told without being asked: "* final NEXT". */
static int
take_news(cpnp_log *log, char *line, cpnp_diag *diag)
{
	char *words[WORDS_MAX];
	uint64_t next;

	if (split(line, words, 3) != 3 || strcmp(words[1], "final") != 0 ||
	    !read_number(words[2], INT64_MAX, &next))
		return violation(line, diag);
	log->info.next = log->info.next_final = next;
	return 0;
}

/*
 * Read on to a line about the request that was sent last: *verb is "ok" or
 * another word, *rest what comes after it.  An error that the program answers
 * is returned as such.  INTERNAL: it said what it may not say.
 */
static int
answer(cpnp_log *log, cpnp_tstamp until, char **verb, char **rest,
    cpnp_diag *diag)
{
	char *line, *words[WORDS_MAX];
	uint64_t id;
	size_t n;
	int err;

	for (;;) {
		err = child_line(&log->child, until, -1, &line, diag);
		if (err == CPNP_ERR_NOT_FOUND)
			return backend_fail(diag, CPNP_ERR_INTERNAL, "program",
			    "no answer within %" PRIu64 " s",
			    (uint64_t)(log->deadline / CPNP_SECONDS(1)));
		if (err != 0)
			return err == CPNP_ERR_UNAVAILABLE ? CPNP_ERR_INTERNAL
							   : err;
		if (strncmp(line, "* ", 2) == 0) {
			err = take_news(log, line, diag);
			if (err != 0)
				return err;
			/* news for ever are no answer */
			if (backend_now() < until)
				continue;
			return backend_fail(diag, CPNP_ERR_INTERNAL, "program",
			    "news, and no answer in time");
		}
		n = split(line, words, 3);
		if (n < 2 || !read_number(words[0], INT64_MAX, &id) ||
		    id != log->request)
			return violation(line, diag);
		*verb = words[1];
		*rest = n == 3 ? words[2] : words[1] + strlen(words[1]);
		if (strcmp(*verb, "error") == 0)
			return answer_error(*rest, diag);
		return 0;
	}
}

static int
request_send(cpnp_log *log, cpnp_tstamp until, cpnp_diag *diag)
{
	int err;

	cpnp_buf_put_raw(&log->out, CPNP_BYTES_LIT("\n"));
	if (log->out.err != 0)
		return log->out.err;
	err = child_send(
	    &log->child, cpnp_buf_bytes(&log->out), until, diag);
	return err == CPNP_ERR_UNAVAILABLE ? CPNP_ERR_INTERNAL : err;
}

/* Send the request and wait for "ok", whose rest is given. */
static int
ask(cpnp_log *log, char **rest, cpnp_diag *diag)
{
	cpnp_tstamp until = backend_now() + log->deadline;
	char *verb;
	int err;

	err = request_send(log, until, diag);
	if (err == 0)
		err = answer(log, until, &verb, rest, diag);
	if (err == 0 && strcmp(verb, "ok") != 0)
		err = violation(verb, diag);
	return err;
}

/* ---- The program ---- */

/* After an answer all is well with the program, whatever it was; after an
 * INTERNAL error it is not, and the log is away. */
static int
settle(cpnp_log *log, int err, cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now();
	char how[40];

	if (err != CPNP_ERR_INTERNAL)
		return err;
	child_stop(&log->child, false, how);
	log->up = false;
	log->backoff = log->backoff == 0 ? BACKOFF_FIRST : 2 * log->backoff;
	if (log->backoff > BACKOFF_MAX)
		log->backoff = BACKOFF_MAX;
	log->next_try = now + log->backoff;
	(void)snprintf(log->why_down, sizeof(log->why_down), "%.110s (%s)",
	    diag->why, how);
	return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "program", "%s",
	    log->why_down);
}

static int
hello(cpnp_log *log, cpnp_diag *diag)
{
	char *rest, *words[WORDS_MAX];
	int err;

	err = child_start(&log->child, log->argv, diag);
	if (err != 0)
		return err == CPNP_ERR_UNAVAILABLE ? CPNP_ERR_INTERNAL : err;
	request_begin(log, "hello");
	request_number(log, PROTOCOL);
	err = ask(log, &rest, diag);
	if (err != 0)
		return err;
	if (split(rest, words, 2) < 1 || strcmp(words[0], "1") != 0)
		return backend_fail(diag, CPNP_ERR_VERSION, "program",
		    "it speaks version \"%.16s\" of cpnp-ledger-proc(7), not "
		    "%d", words[0], PROTOCOL);
	return 0;
}

/* Have the program running with the log open. */
static int
come_up(cpnp_log *log, cpnp_diag *diag)
{
	uint64_t batch_max;
	char *rest;
	int err;

	if (log->up)
		return 0;
	if (backend_now() < log->next_try)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "program",
		    "%s", log->why_down);
	err = hello(log, diag);
	if (err == 0) {
		request_begin(log, "open");
		request_word(log, log->ledger);
		request_word(log, log->writer[0] != '\0' ? log->writer : "-");
		err = ask(log, &rest, diag);
	}
	if (err == 0 && (!read_number(rest, CPNP_BATCH_BYTES_MAX,
			    &batch_max) || batch_max == 0))
		err = violation(rest, diag);
	if (err != 0) {
		/* also an answer: it is asked again by a new one */
		if (err == CPNP_ERR_UNAVAILABLE)
			err = CPNP_ERR_INTERNAL;
		else if (err != CPNP_ERR_INTERNAL)
			child_stop(&log->child, true, NULL);
		return settle(log, err, diag);
	}
	log->info.batch_max = (size_t)batch_max;
	log->up = true;
	log->backoff = 0;
	return 0;
}

/* ---- Opening ---- */

static void
log_close(cpnp_log *log)
{
	if (log == NULL)
		return;
	child_fini(&log->child);
	backend_waker_fini(&log->waker);
	cpnp_buf_fini(&log->out);
	cpnp_buf_fini(&log->arena);
	for (size_t i = 0; log->argv[i] != NULL; i++)
		free(log->argv[i]);
	free(log);
}

static int
set_argv(cpnp_log *log, const cpnp_log_setting *settings, size_t n,
    cpnp_diag *diag)
{
	const char *program = backend_setting(settings, n, "program");
	size_t i, argc = 0;

	if (program == NULL || program[0] != '/' ||
	    access(program, X_OK) != 0)
		return backend_fail(diag, CPNP_ERR_CONFIG, "program",
		    program == NULL ? "missing: the path of the program"
				    : "not the absolute path of a program");
	log->argv[argc] = strdup(program);
	for (i = 0; i < n && log->argv[argc] != NULL; i++) {
		if (strcmp(settings[i].name, "argument") != 0)
			continue;
		if (argc == ARGUMENTS_MAX)
			return backend_fail(diag, CPNP_ERR_CONFIG, "argument",
			    "more than %d", ARGUMENTS_MAX);
		log->argv[++argc] = strdup(settings[i].value);
	}
	return log->argv[argc] == NULL ? CPNP_ERR_NOMEM : 0;
}

static int
set_deadline(cpnp_log *log, const cpnp_log_setting *settings, size_t n,
    cpnp_diag *diag)
{
	const char *value = backend_setting(settings, n, "deadline");
	uint64_t seconds = DEADLINE_DEFAULT;

	if (value != NULL && (!read_number(value, DEADLINE_MAX, &seconds) ||
				 seconds == 0))
		return backend_fail(diag, CPNP_ERR_CONFIG, "deadline",
		    "1 to %d seconds", DEADLINE_MAX);
	log->deadline = CPNP_SECONDS(seconds);
	return 0;
}

static int
log_new(cpnp_log **log, const cpnp_log_setting *settings, size_t n,
    cpnp_diag *diag)
{
	cpnp_log *l;
	int err;

	err = backend_settings_check(
	    settings, n, setting_names, "argument", diag);
	if (err != 0)
		return err;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return CPNP_ERR_NOMEM;
	l->info.batch_max = CPNP_BATCH_BYTES_MAX;
	cpnp_buf_init(&l->out, &ledger_mem, CHILD_LINE_MAX + 1);
	cpnp_buf_init(&l->arena, &ledger_mem, SIZE_MAX);
	err = child_init(&l->child);
	if (backend_waker_init(&l->waker) != 0)
		err = CPNP_ERR_NOMEM;
	if (err == 0)
		err = set_argv(l, settings, n, diag);
	if (err == 0)
		err = set_deadline(l, settings, n, diag);
	if (err == 0)
		err = backend_setting_writer(settings, n, l->writer, diag);
	if (err != 0)
		log_close(l);
	else
		*log = l;
	return err;
}

static int
log_create(const cpnp_log_setting *settings, size_t n, cpnp_bytes genesis,
    cpnp_buf *out, cpnp_diag *diag)
{
	cpnp_diag own = {.err = 0};
	cpnp_log *log = NULL;
	char *rest;
	int err;

	(void)out;
	if (genesis.len == 0 || genesis.len > CPNP_GENESIS_MAX)
		return backend_fail(diag, CPNP_ERR_CONFIG, "genesis",
		    "1 to %d bytes", CPNP_GENESIS_MAX);
	err = log_new(&log, settings, n, diag);
	if (err != 0)
		return err;
	err = hello(log, &own);
	if (err == 0) {
		request_begin(log, "create");
		err = request_bytes(log, genesis);
	}
	if (err == 0)
		err = ask(log, &rest, &own);
	err = settle(log, err, &own);
	err = backend_done(&log->info, err, &own, diag);
	log_close(log);
	return err;
}

static int
log_open(cpnp_log **log, const cpnp_log_setting *settings, size_t n,
    const uint8_t ledger_id[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	cpnp_diag own = {.err = 0};
	cpnp_log *l = NULL;
	int err;

	err = log_new(&l, settings, n, diag);
	if (err != 0)
		return err;
	memcpy(l->ledger_id, ledger_id, CPNP_SHA256_LEN);
	hex_encode(ledger_id, CPNP_SHA256_LEN, l->ledger);
	err = backend_done(&l->info, come_up(l, &own), &own, diag);
	if (err != 0 && err != CPNP_ERR_UNAVAILABLE) {
		log_close(l);
		return err;
	}
	*log = l;
	return 0;
}

/* ---- Writing ---- */

static cpnp_bytes
log_writer(const cpnp_log *log)
{
	return cpnp_bytes_str(log->writer);
}

static int
log_next_seq(cpnp_log *log, uint64_t *seq, cpnp_diag *diag)
{
	cpnp_diag own = {.err = 0};
	char *rest;
	int err;

	err = come_up(log, &own);
	if (err == 0) {
		request_begin(log, "next");
		err = ask(log, &rest, &own);
		if (err == 0 && !read_number(rest, INT64_MAX, seq))
			err = violation(rest, &own);
		err = settle(log, err, &own);
	}
	return backend_done(&log->info, err, &own, diag);
}

static int
log_append(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	cpnp_diag own = {.err = 0};
	char *rest;
	int err;

	if (log->writer[0] == '\0')
		return backend_fail(diag, CPNP_ERR_FORBIDDEN, "writer",
		    "this log is only read: a writer needs a name");
	if (batch.len == 0 || batch.len > log->info.batch_max)
		return backend_fail(diag, CPNP_ERR_TOO_LONG, "batch",
		    "1 to %zu bytes", log->info.batch_max);
	err = come_up(log, &own);
	if (err == 0) {
		request_begin(log, "append");
		request_number(log, seq);
		err = request_bytes(log, batch);
		if (err == 0)
			err = ask(log, &rest, &own);
		err = settle(log, err, &own);
	}
	return backend_done(&log->info, err, &own, diag);
}

/* ---- Reading ---- */

/* "POSITION PREV WRITER SEQ BATCH", which must be the entry that is next. */
static int
take_entry(cpnp_log *log, char *rest, cpnp_log_record *r, cpnp_diag *diag)
{
	uint8_t prev[CPNP_SHA256_LEN];
	char *words[WORDS_MAX];
	uint64_t position;
	cpnp_bytes batch;

	if (split(rest, words, 6) != 5 ||
	    !read_number(words[0], INT64_MAX, &position) ||
	    hex_decode(words[1], prev, sizeof(prev)) != 0 ||
	    !backend_writer_is_valid(cpnp_bytes_str(words[2])) ||
	    !read_number(words[3], INT64_MAX, &r->seq) ||
	    !decode_base64(words[4], &batch.len) ||
	    batch.len > CPNP_BATCH_BYTES_MAX || position != r->entry.position)
		return violation(rest, diag);
	if (memcmp(prev, r->entry.prev, sizeof(prev)) != 0)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "entry %" PRIu64 " does not follow the one before: the "
		    "past of this log has changed", position);
	batch.ptr = (const uint8_t *)words[4];
	r->writer = strcmp(words[2], "-") == 0 ? CPNP_BYTES_NONE
					       : cpnp_bytes_str(words[2]);
	r->entry.batch.len = batch.len;
	cpnp_buf_put_raw(&log->arena, r->writer);
	cpnp_buf_put_raw(&log->arena, batch);
	r->entry.batch.ptr = batch.ptr; /* until the next line */
	return log->arena.err;
}

/* "NEXT HEAD" ends the answer: what is final, and its newest hash. */
static int
take_end(cpnp_log *log, char *rest, uint64_t position,
    const uint8_t prev[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	uint8_t head[CPNP_SHA256_LEN];
	char *words[WORDS_MAX];
	uint64_t next;

	if (split(rest, words, 3) != 2 ||
	    !read_number(words[0], INT64_MAX, &next) || next == 0 ||
	    hex_decode(words[1], head, sizeof(head)) != 0)
		return violation(rest, diag);
	if (next < position)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "entry %" PRIu64 " is gone: the past of this log has "
		    "changed", position - 1);
	if (next == position && memcmp(head, prev, sizeof(head)) != 0)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "entry %" PRIu64 " is not what it was: the past of this "
		    "log has changed", position - 1);
	log->info.next = log->info.next_final = next;
	return 0;
}

/* What belongs to each record, now that the arena does not move any more. */
static void
point_records(const cpnp_log *log, cpnp_log_record *records, size_t n)
{
	const uint8_t *at = log->arena.ptr;

	for (size_t i = 0; i < n; i++) {
		records[i].writer.ptr = at;
		records[i].entry.batch.ptr = at + records[i].writer.len;
		at = records[i].entry.batch.ptr + records[i].entry.batch.len;
	}
}

static int
take_entries(cpnp_log *log, uint64_t position,
    uint8_t prev[CPNP_SHA256_LEN], cpnp_log_record *records, size_t max,
    size_t *n, cpnp_diag *diag)
{
	cpnp_tstamp until = backend_now() + log->deadline;
	char *verb = NULL, *rest = NULL;
	int err;

	for (;;) {
		err = answer(log, until, &verb, &rest, diag);
		if (err != 0)
			return err;
		if (strcmp(verb, "ok") == 0)
			return take_end(log, rest, position + *n, prev, diag);
		if (strcmp(verb, "entry") != 0 || *n == max ||
		    log->arena.len >= READ_BYTES)
			return violation(verb, diag);
		records[*n].entry.position = position + *n;
		memcpy(records[*n].entry.prev, prev, CPNP_SHA256_LEN);
		err = take_entry(log, rest, &records[*n], diag);
		if (err == 0)
			err = cpnp_log_entry_hash(
			    &ledger_env, &records[*n].entry, prev);
		if (err == 0 && position + *n == 0 &&
		    memcmp(prev, log->ledger_id, CPNP_SHA256_LEN) != 0)
			err = backend_fail(diag, CPNP_ERR_MISMATCH, "log",
			    "it is of another ledger: its genesis differs");
		if (err != 0)
			return err;
		(*n)++;
	}
}

static int
read_once(cpnp_log *log, uint64_t position, const uint8_t *prev_hash,
    cpnp_log_record *records, size_t max, size_t *n, cpnp_diag *diag)
{
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	int err;

	*n = 0;
	if (max > READ_ENTRIES)
		max = READ_ENTRIES;
	if (position > 0)
		memcpy(prev, prev_hash, sizeof(prev));
	cpnp_buf_reset(&log->arena);
	request_begin(log, "read");
	request_number(log, position);
	request_number(log, max);
	request_number(log, READ_BYTES);
	err = request_send(log, backend_now() + log->deadline, diag);
	if (err == 0)
		err = take_entries(
		    log, position, prev, records, max, n, diag);
	if (err == 0)
		point_records(log, records, *n);
	else
		*n = 0;
	/* it may have more to say about this request */
	if (err == CPNP_ERR_MISMATCH && log->up) {
		child_stop(&log->child, true, NULL);
		log->up = false;
	}
	return settle(log, err, diag);
}

/* Wait for news.  NOT_FOUND: it is time to ask, or to return. */
static int
wait_news(cpnp_log *log, cpnp_tstamp until, cpnp_diag *diag)
{
	cpnp_tstamp ask_at = backend_now() + ASK_INTERVAL;
	char *line;
	int err;

	err = child_line(&log->child, until < ask_at ? until : ask_at,
	    log->waker.fds[0], &line, diag);
	if (err == 0)
		err = strncmp(line, "* ", 2) == 0
		    ? take_news(log, line, diag) : violation(line, diag);
	if (err == CPNP_ERR_UNAVAILABLE)
		err = CPNP_ERR_INTERNAL;
	return settle(log, err, diag);
}

static int
log_read(cpnp_log *log, uint64_t position,
    const uint8_t prev_hash[CPNP_SHA256_LEN], cpnp_tstamp timeout,
    cpnp_log_record *records, size_t max, size_t *n, cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now();
	cpnp_tstamp until = timeout < CPNP_NEVER - now ? now + timeout
						       : CPNP_NEVER;
	cpnp_diag own = {.err = 0};
	int err;

	*n = 0;
	if (position > INT64_MAX || max == 0)
		return backend_fail(
		    diag, CPNP_ERR_INVALID, "position", "out of its range");
	err = come_up(log, &own);
	while (err == 0) {
		err = read_once(
		    log, position, prev_hash, records, max, n, &own);
		if (err != 0 || *n > 0)
			break;
		do {
			if (backend_waker_take(&log->waker) ||
			    backend_now() >= until)
				goto out;
			err = wait_news(log, until, &own);
		} while (err == 0 && log->info.next_final <= position);
		if (err == CPNP_ERR_NOT_FOUND)
			err = 0;
	}
out:
	return backend_done(&log->info, err, &own, diag);
}

static void
log_wake(cpnp_log *log)
{
	backend_waker_ring(&log->waker);
}

static void
log_info(const cpnp_log *log, cpnp_log_info *info)
{
	*info = log->info;
}

const cpnp_backend backend_proc = {
    .abi = CPNP_BACKEND_ABI,
    .name = "proc",
    .create = log_create,
    .open = log_open,
    .close = log_close,
    .writer = log_writer,
    .next_seq = log_next_seq,
    .append = log_append,
    .read = log_read,
    .wake = log_wake,
    .info = log_info,
};
