/*
 * The evm backend by hand: a command on each line of standard input, one line
 * of answer.  A setting that is set holds for all that comes later.
 *
 *	set NAME=VALUE	unset NAME	create		open	close
 *	append SEQ TEXT	put SEQ TEXT	next		info	look
 *	read POSITION	from POSITION	admit ADDRESS	dismiss ADDRESS
 *	rpc METHOD PARAMS
 *
 * put goes on while it may be tried again; read goes on until there are so
 * many positions, and says what was in them; from is one read; look is info
 * after the log was asked; create says the address of the contract.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger-bridge/backends/evm/evm.h"
#include "ledger-bridge/journal/internal.h"

#define SETTINGS_MAX 32
#define PATIENCE CPNP_SECONDS(30)

static cpnp_log_setting settings[SETTINGS_MAX];
static size_t setting_n;
static const char genesis_text[] = "a genesis";
static uint8_t ledger_id[CPNP_SHA256_LEN];
static cpnp_log *log_open;
static cpnp_diag diag;
/* A follower, and what it has read. */
static uint64_t position;
static uint8_t prev[CPNP_SHA256_LEN];
static char seen[2048];

static void
answer(int err, const char *text)
{
	if (err == 0)
		(void)printf("ok %s\n", text);
	else
		(void)printf(
		    "%s %s: %s\n", cpnp_error_name(err), diag.where, diag.why);
	(void)fflush(stdout);
}

static void
unset(const char *name)
{
	for (size_t i = 0; i < setting_n; i++) {
		if (strcmp(settings[i].name, name) != 0)
			continue;
		free((void *)(uintptr_t)settings[i].name);
		settings[i] = settings[--setting_n];
		return;
	}
}

static void
set(const char *text)
{
	char *name = strdup(text), *value;

	value = name != NULL ? strchr(name, '=') : NULL;
	if (value == NULL || setting_n == SETTINGS_MAX)
		abort();
	*value = '\0';
	if (strcmp(name, "admit") != 0)
		unset(name);
	settings[setting_n++] = (cpnp_log_setting){name, value + 1};
}

static void
create(void)
{
	char lines[256], *line, *value, *rest = lines, text[256];
	char contract[64] = "";
	cpnp_buf out;
	int err;

	cpnp_buf_init_fixed(&out, (uint8_t *)lines, sizeof(lines) - 1);
	err = backend_evm.create(
	    settings, setting_n, cpnp_bytes_str(genesis_text), &out, &diag);
	lines[out.len] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		value = strstr(line, " = ");
		if (value == NULL)
			break;
		*value = '\0';
		(void)snprintf(text, sizeof(text), "%s=%s", line, value + 3);
		set(text);
		if (strcmp(line, "contract") == 0)
			(void)snprintf(
			    contract, sizeof(contract), "%s", value + 3);
	}
	answer(err, contract);
}

static void
close_log(void)
{
	backend_evm.close(log_open);
	log_open = NULL;
}

static void
append(const char *arguments, bool patient)
{
	cpnp_tstamp until = backend_now() + (patient ? PATIENCE : 0);
	const struct timespec nap = {0, 20000000};
	cpnp_bytes batch;
	char *text;
	uint64_t seq = strtoull(arguments, &text, 10);
	int err;

	batch = cpnp_bytes_str(text + (*text == ' '));
	while ((err = backend_evm.append(log_open, seq, batch, &diag)) ==
		   CPNP_ERR_UNAVAILABLE ||
	       err == CPNP_ERR_FULL) {
		if (backend_now() >= until)
			break;
		(void)nanosleep(&nap, NULL);
	}
	answer(err, "");
}

static void
take(const cpnp_log_record *record)
{
	size_t len = strlen(seen);

	position++;
	if (cpnp_log_entry_hash(&ledger_env, &record->entry, prev) != 0)
		abort();
	(void)snprintf(seen + len, sizeof(seen) - len, "%.*s ",
	    (int)record->entry.batch.len,
	    (const char *)record->entry.batch.ptr);
}

static void
read_until(uint64_t wanted)
{
	cpnp_tstamp until = backend_now() + PATIENCE;
	cpnp_log_record records[8];
	size_t n, i;
	int err = 0;

	while (position < wanted && backend_now() < until) {
		err = backend_evm.read(log_open, position, prev,
		    CPNP_MILLISECONDS(100), records, 8, &n, &diag);
		for (i = 0; i < n; i++)
			take(&records[i]);
		if (err != 0 && err != CPNP_ERR_UNAVAILABLE)
			break;
	}
	answer(position >= wanted ? 0 : err, seen);
}

static void
read_once(uint64_t from)
{
	cpnp_log_record records[8];
	size_t n;
	int err;

	err = backend_evm.read(
	    log_open, from, prev, CPNP_SECONDS(1), records, 8, &n, &diag);
	answer(err, n > 0 ? "some" : "none");
}

static void
next(void)
{
	uint64_t seq = 0;
	char text[32];
	int err;

	err = backend_evm.next_seq(log_open, &seq, &diag);
	(void)snprintf(text, sizeof(text), "%" PRIu64, seq);
	answer(err, text);
}

static void
info(void)
{
	cpnp_log_info i;
	char text[300];

	backend_evm.info(log_open, &i);
	(void)snprintf(text, sizeof(text),
	    "next %" PRIu64 " final %" PRIu64 " pending %" PRIu64 "%s %s",
	    i.next, i.next_final, i.pending, i.away ? " away" : "", i.text);
	answer(0, text);
}

static void
rpc(char *arguments)
{
	char *params = strchr(arguments, ' ');
	struct evm_node node;
	json_t *result = NULL;
	char *text = NULL;
	int err;

	if (params != NULL)
		*params++ = '\0';
	err = evm_node_init(&node, settings, setting_n, &diag);
	if (err == 0)
		err = evm_rpc_call(&node.rpc, arguments,
		    json_loads(params != NULL ? params : "[]", 0, NULL),
		    &result, &diag);
	if (err == 0)
		text = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
	answer(err, text != NULL ? text : "");
	free(text);
	json_decref(result);
	evm_node_fini(&node);
}

static void
command(char *line)
{
	char *rest = strchr(line, ' ');

	line[strcspn(line, " ")] = '\0';
	rest = rest != NULL ? rest + 1 : line + strlen(line);
	if (strcmp(line, "set") == 0) {
		set(rest);
		answer(0, "");
	} else if (strcmp(line, "unset") == 0) {
		unset(rest);
		answer(0, "");
	} else if (strcmp(line, "create") == 0) {
		create();
	} else if (strcmp(line, "open") == 0) {
		answer(backend_evm.open(
			   &log_open, settings, setting_n, ledger_id, &diag),
		    "");
	} else if (strcmp(line, "close") == 0) {
		close_log();
		answer(0, "");
	} else if (strcmp(line, "append") == 0 || strcmp(line, "put") == 0) {
		append(rest, line[0] == 'p');
	} else if (strcmp(line, "read") == 0) {
		read_until(strtoull(rest, NULL, 10));
	} else if (strcmp(line, "from") == 0) {
		read_once(strtoull(rest, NULL, 10));
	} else if (strcmp(line, "next") == 0) {
		next();
	} else if (strcmp(line, "info") == 0) {
		info();
	} else if (strcmp(line, "look") == 0) {
		(void)evm_look(log_open, true, &diag);
		info();
	} else if (strcmp(line, "admit") == 0 || strcmp(line, "dismiss") == 0) {
		answer(backend_evm.admit(
			   settings, setting_n, rest, line[0] == 'a', &diag),
		    "");
	} else if (strcmp(line, "rpc") == 0) {
		rpc(rest);
	} else {
		(void)printf("no command %s\n", line);
		(void)fflush(stdout);
	}
}

int
main(void)
{
	const cpnp_bytes genesis = cpnp_bytes_str(genesis_text);
	char line[4096];

	if (hash_once(&genesis, 1, ledger_id) != 0)
		return EXIT_FAILURE;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		command(line);
	}
	close_log();
	while (setting_n > 0)
		unset(settings[0].name);
	return EXIT_SUCCESS;
}
