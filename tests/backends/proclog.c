/*
 * A program for the proc backend, cpnp-ledger-proc(7), that keeps its log with
 * the sqlite backend; and, on demand, one that misbehaves.
 *
 *	proclog FILE [FAULT]
 *
 * A fault happens at the first append, or at hello where that is said below.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <cpnp/backend.h>

#define MAX 256
#define MANY 1000 /* entries, more than anybody asks for */
#define HEX (2 * CPNP_SHA256_LEN + 1)

static const cpnp_backend *sqlite;
static const char *path, *fault = "";
static cpnp_log *own, *watched;
static const cpnp_env *env;
static uint8_t ledger_id[CPNP_SHA256_LEN];
static uint64_t told; /* the newest "* final" */
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

static void
hex(const uint8_t *bytes, char out[HEX])
{
	for (size_t i = 0; i < CPNP_SHA256_LEN; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void
unhex(const char *text, uint8_t *out)
{
	unsigned byte = 0;

	for (size_t i = 0; i < CPNP_SHA256_LEN; i++) {
		(void)sscanf(text + 2 * i, "%2x", &byte);
		out[i] = (uint8_t)byte;
	}
}

static cpnp_bytes
unbase64(const char *text)
{
	size_t len = strlen(text);
	uint8_t *out = malloc(len + 1);
	int n;

	if (out == NULL)
		exit(EXIT_FAILURE);
	n = EVP_DecodeBlock(out, (const uint8_t *)text, (int)len);
	n -= (text[len - 1] == '=') + (text[len - 2] == '=');
	return (cpnp_bytes){out, (size_t)n};
}

static void
error(const char *id, int err, const cpnp_diag *diag)
{
	(void)printf("%s error %s %s\n", id, cpnp_error_name(err), diag->why);
}

static void
news(uint64_t next)
{
	(void)pthread_mutex_lock(&output);
	if (next > told) {
		told = next;
		(void)printf("* final %" PRIu64 "\n", next);
		(void)fflush(stdout);
	}
	(void)pthread_mutex_unlock(&output);
}

/* Tell when the log has grown. */
static void *
watch(void *user)
{
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	cpnp_log_record records[MAX];
	cpnp_verifier *verifier = NULL; /* of this thread */
	uint64_t position = 0;
	cpnp_diag diag;
	size_t n;

	(void)user;
	if (cpnp_verifier_new(&verifier) != 0)
		return NULL;
	while (sqlite->read(watched, position, prev, CPNP_SECONDS(60), records,
		   MAX, &n, &diag) == 0) {
		if (n == 0)
			continue;
		position += n;
		(void)cpnp_log_entry_hash(&cpnp_verifier_env(verifier)->env,
		    &records[n - 1].entry, prev);
		news(position);
	}
	cpnp_verifier_del(verifier);
	return NULL;
}

static void
do_create(const char *id, const char *genesis)
{
	const cpnp_log_setting settings[] = {{"path", path}};
	cpnp_diag diag = {.err = 0};
	cpnp_bytes bytes = unbase64(genesis);
	int err;

	err = sqlite->create(settings, 1, bytes, NULL, &diag);
	if (err != 0)
		error(id, err, &diag);
	else
		(void)printf("%s ok\n", id);
}

static void
do_open(const char *id, const char *ledger, const char *writer)
{
	const cpnp_log_setting settings[] = {
	    {"path", path}, {"writer", writer}};
	size_t n = strcmp(writer, "-") == 0 ? 1 : 2;
	cpnp_diag diag = {.err = 0};
	pthread_t thread;
	int err;

	unhex(ledger, ledger_id);
	err = sqlite->open(&own, settings, n, ledger_id, &diag);
	if (err == 0)
		err = sqlite->open(&watched, settings, 1, ledger_id, &diag);
	if (err != 0) {
		error(id, err, &diag);
		return;
	}
	(void)printf("%s ok %d\n", id, CPNP_BATCH_BYTES_MAX);
	(void)pthread_create(&thread, NULL, watch, NULL);
}

static void
do_next(const char *id)
{
	cpnp_diag diag = {.err = 0};
	uint64_t seq;
	int err;

	err = sqlite->next_seq(own, &seq, &diag);
	if (err != 0)
		error(id, err, &diag);
	else
		(void)printf("%s ok %" PRIu64 "\n", id, seq);
}

static void
do_append(const char *id, const char *seq, const char *batch)
{
	cpnp_diag diag = {.err = 0};
	cpnp_bytes bytes = unbase64(batch);
	int err;

	err = sqlite->append(own, strtoull(seq, NULL, 10), bytes, &diag);
	if (err != 0)
		error(id, err, &diag);
	else
		(void)printf("%s ok\n", id);
	free((void *)(uintptr_t)bytes.ptr);
}

static void
print_entry(const char *id, const cpnp_log_record *r)
{
	unsigned char *text = malloc(4 * ((r->entry.batch.len + 2) / 3) + 1);
	char prev[HEX];

	if (text == NULL)
		exit(EXIT_FAILURE);
	hex(r->entry.prev, prev);
	if (strcmp(fault, "chain") == 0)
		prev[0] = prev[0] == '0' ? '1' : '0';
	(void)EVP_EncodeBlock(
	    text, r->entry.batch.ptr, (int)r->entry.batch.len);
	if (strcmp(fault, "base64") == 0)
		text[0] = '!';
	(void)printf("%s entry %" PRIu64 " %s %.*s %" PRIu64 " %s\n", id,
	    r->entry.position + (strcmp(fault, "position") == 0), prev,
	    r->writer.len == 0 ? 1 : (int)r->writer.len,
	    r->writer.len == 0 ? "-" : (const char *)r->writer.ptr, r->seq,
	    (const char *)text);
	free(text);
}

/* The hash of the entry before, for which the whole log is read: it is a
 * test's. */
static int
hash_before(uint64_t position, uint8_t hash[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	cpnp_log_record records[MAX];
	uint64_t at = 0;
	size_t n = 0, i;
	int err = 0;

	memset(hash, 0, CPNP_SHA256_LEN);
	while (at < position && err == 0) {
		err = sqlite->read(own, at, hash, 0, records, MAX, &n, diag);
		if (err == 0 && n == 0)
			break;
		for (i = 0; i < n && at < position; i++, at++)
			(void)cpnp_log_entry_hash(
			    env, &records[i].entry, hash);
	}
	return err;
}

static void
do_read(const char *id, const char *from, const char *most, const char *bytes)
{
	static uint64_t known;
	static uint8_t known_hash[CPNP_SHA256_LEN];
	uint8_t hash[CPNP_SHA256_LEN] = {0};
	uint64_t position = strtoull(from, NULL, 10), end;
	size_t max = (size_t)strtoull(most, NULL, 10), n = 0, i, len = 0;
	cpnp_log_record records[MAX];
	cpnp_diag diag = {.err = 0};
	cpnp_log_info info;
	char head[HEX];
	int err = 0;

	if (position > 0 && position == known)
		memcpy(hash, known_hash, sizeof(hash));
	else
		err = hash_before(position, hash, &diag);
	sqlite->info(own, &info);
	end = info.next_final;
	if (err == 0 && (position == 0 || position <= end))
		err = sqlite->read(own, position, hash, 0, records,
		    max < MAX ? max : MAX, &n, &diag);
	if (err != 0) {
		error(id, err, &diag);
		return;
	}
	if (strcmp(fault, "many") == 0)
		for (i = 0; i < MANY; i++)
			print_entry(id, &records[0]);
	for (i = 0; i < n && len < strtoull(bytes, NULL, 10); i++) {
		print_entry(id, &records[i]);
		(void)cpnp_log_entry_hash(env, &records[i].entry, hash);
		len += records[i].entry.batch.len;
	}
	known = position + i;
	memcpy(known_hash, hash, sizeof(hash));
	sqlite->info(own, &info);
	hex(hash, head);
	/* of a log that ends here the newest hash is the last one read */
	(void)printf("%s ok %" PRIu64 " %s\n", id, info.next_final, head);
}

/* What a program must not do. */
static void
misbehave(const char *id)
{
	char junk[4096];

	memset(junk, 'x', sizeof(junk));
	if (strcmp(fault, "die") == 0)
		_exit(3);
	if (strcmp(fault, "silence") == 0)
		for (;;)
			(void)pause();
	if (strcmp(fault, "line") == 0)
		(void)printf("Traceback (most recent call last):\x1b[2J\n");
	if (strcmp(fault, "id") == 0)
		(void)printf("999%s ok\n", id);
	if (strcmp(fault, "code") == 0)
		(void)printf("%s error WEATHER it rains\n", id);
	(void)fflush(stdout);
	if (strcmp(fault, "long") == 0) /* and no news in it */
		(void)pthread_mutex_lock(&output);
	while (strcmp(fault, "long") == 0 &&
	    fwrite(junk, 1, sizeof(junk), stdout) > 0)
		;
	while (strcmp(fault, "news") == 0 && printf("* final 1\n") > 0)
		;
}

static void
handle(char *line)
{
	const char *words[6] = {"", "", "", "", "", ""};
	char *save = NULL;
	size_t n = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *w = strtok_r(line, " ", &save); w != NULL && n < 6;
	     w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	if (strcmp(words[1], "append") == 0)
		misbehave(words[0]);
	(void)pthread_mutex_lock(&output);
	if (strcmp(words[1], "hello") == 0)
		(void)printf("%s ok %s proclog\n", words[0],
		    strcmp(fault, "version") == 0 ? "2" : "1");
	else if (strcmp(words[1], "create") == 0)
		do_create(words[0], words[2]);
	else if (strcmp(words[1], "open") == 0)
		do_open(words[0], words[2], words[3]);
	else if (strcmp(words[1], "next") == 0)
		do_next(words[0]);
	else if (strcmp(words[1], "append") == 0)
		do_append(words[0], words[2], words[3]);
	else if (strcmp(words[1], "read") == 0)
		do_read(words[0], words[2], words[3], words[4]);
	else
		(void)printf("%s error IO unknown request\n", words[0]);
	(void)fflush(stdout);
	(void)pthread_mutex_unlock(&output);
}

int
main(int argc, char **argv)
{
	cpnp_verifier *verifier = NULL;
	char *line = NULL;
	size_t cap = 0;

	if (argc < 2)
		return EXIT_FAILURE;
	path = argv[1];
	if (argc > 2)
		fault = argv[2];
	sqlite = cpnp_backend_find("sqlite", NULL);
	if (sqlite == NULL || cpnp_verifier_new(&verifier) != 0)
		return EXIT_FAILURE;
	env = &cpnp_verifier_env(verifier)->env;
	while (getline(&line, &cap, stdin) > 0)
		handle(line);
	_exit(EXIT_SUCCESS);
}
