/*
 * What runs by itself: anchoring a journal, the bridge in the foreground with
 * its ticks, and how the ledger is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger.h"

#define STEP (CPNP_SECONDS(1) / 20)

static volatile sig_atomic_t ended;

static void
on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int
tool_anchor(const struct tool_options *options)
{
	struct tool_options journal = *options;
	struct tool_journal store;
	struct ledger ledger;
	struct ledger_op op;
	cpnp_head head;
	int code;

	code = ledger_open(options, true, &ledger);
	if (code != 0)
		return code;
	journal.store = tool_value(options, "journal");
	code = tool_journal_open(&journal, NULL, &store);
	if (code != 0) {
		ledger_close(&ledger);
		return code;
	}
	code = ledger_op_begin(&ledger, CPNP_OP_ANCHOR, &op);
	if (code == 0 && cpnp_journal_head(store.journal, &head) != 0)
		code = tool_fail(options, cpnp_journal_origin(store.journal),
		    "this journal has no signed head yet");
	if (code == 0) {
		op.op.origin =
		    cpnp_bytes_str(cpnp_journal_origin(store.journal));
		op.op.size = head.size;
		op.op.root = (cpnp_bytes){head.root, CPNP_SHA256_LEN};
		op.op.has = CPNP_OP_FIELD_BIT(ORIGIN) |
		    CPNP_OP_FIELD_BIT(SIZE) | CPNP_OP_FIELD_BIT(ROOT);
		code = ledger_op_run(&ledger, &op);
	}
	tool_journal_close(&store);
	ledger_close(&ledger);
	return code;
}

static int
tool_status(const struct tool_options *options)
{
	char id[2 * CPNP_SHA256_LEN + 1], root[2 * CPNP_SHA256_LEN + 1];
	uint8_t state_root[CPNP_SHA256_LEN];
	char date[CPNP_DATE_LEN];
	cpnp_bridge_status status;
	cpnp_ledger_info info;
	const cpnp_ledger *state;
	struct ledger ledger;
	int code, err;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	cpnp_bridge_get_status(ledger.bridge, &status);
	state = cpnp_bridge_lock(ledger.bridge);
	err = cpnp_ledger_get_info(state, &info);
	if (err == 0)
		err = cpnp_ledger_root(state, state_root);
	tool_hex(info.id, CPNP_SHA256_LEN, id);
	tool_hex(state_root, CPNP_SHA256_LEN, root);
	tool_time(info.time, date);
	if (err != 0) {
		code = tool_fail(options, "ledger", "%s", cpnp_strerror(err));
	} else if (options->json) {
		tool_put_json(json_pack(
		    "{s:b, s:s, s:o, s:I, s:s, s:I, s:I, s:s, s:I, s:b}",
		    "ok", 1, "ledger", id, "name", tool_text(info.name),
		    "position", (json_int_t)info.position, "time", date,
		    "open", (json_int_t)info.open_n, "outcomes",
		    (json_int_t)info.outcome_n, "state", root, "waiting",
		    (json_int_t)(status.waiting + status.batches), "away",
		    status.away));
	} else {
		fputs("ledger  ", stdout);
		tool_put(stdout, info.name);
		printf(", %s\ntime    %s\nentries %" PRIu64 "\nopen    %" PRIu64
		       "\nstate   %s\nwaiting %" PRIu64 "%s%s\n", id, date,
		    info.position, info.open_n, root,
		    status.waiting + status.batches,
		    status.away ? "; the ledger is away: " : "",
		    status.away ? status.text : "");
	}
	cpnp_bridge_unlock(ledger.bridge);
	ledger_close(&ledger);
	return code;
}

/* A tick of an operator, a heartbeat of anybody else. */
static int
beat(struct ledger *ledger, unsigned type)
{
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_buf plain, out;
	struct ledger_op op;
	cpnp_bytes payload;
	int err;

	if (ledger_op_begin(ledger, type, &op) != 0)
		return EXIT_FAILED;
	op.op.time = (int64_t)time(NULL);
	op.op.has = CPNP_OP_FIELD_BIT(TIME);
	cpnp_buf_init(&plain, &ledger_mem, CPNP_OP_MAX);
	cpnp_buf_init(&out, &ledger_mem, 2 * CPNP_OP_MAX);
	err = cpnp_op_encode(&op.op, &plain, NULL);
	payload = cpnp_buf_bytes(&plain);
	if (err == 0)
		err = cpnp_op_sign(ledger->signer, &payload, 1, &out);
	if (err == 0)
		err = cpnp_bridge_submit(
		    ledger->bridge, cpnp_buf_bytes(&out), digest);
	cpnp_buf_fini(&plain);
	cpnp_buf_fini(&out);
	/* back-pressure: the next one will do */
	return err == 0 || err == CPNP_ERR_FULL ? 0 : tool_fail(
	    ledger->options, cpnp_op_name(type), "not taken: %s",
	    cpnp_strerror(err));
}

/* What this account does by itself, and how often in seconds. */
static int
choose(struct ledger *ledger, unsigned *type, time_t *every)
{
	cpnp_account_view account;
	cpnp_ledger_info info;
	const cpnp_ledger *state = cpnp_bridge_lock(ledger->bridge);
	int err;

	err = cpnp_ledger_get_account(
	    state, cpnp_bytes_str(ledger->conf.account), &account);
	if (err == 0)
		err = cpnp_ledger_get_info(state, &info);
	cpnp_bridge_unlock(ledger->bridge);
	if (err != 0)
		return tool_fail(ledger->options, ledger->conf.account,
		    "there is no such account at this ledger");
	*type = CPNP_OP_HEARTBEAT;
	*every = (time_t)(info.settings.heartbeat_seconds / 2 + 1);
	if ((account.roles & CPNP_ROLE_OPERATOR) != 0) {
		*type = CPNP_OP_TICK;
		*every = ledger->conf.tick_s;
	}
	return 0;
}

/* Whoever starts it may wait for this line. */
static int
say_ready(const struct ledger *ledger)
{
	const cpnp_ledger *state = cpnp_bridge_lock(ledger->bridge);
	cpnp_ledger_info info;
	int err = cpnp_ledger_get_info(state, &info);

	cpnp_bridge_unlock(ledger->bridge);
	if (err != 0)
		return tool_fail(
		    ledger->options, "ledger", "%s", cpnp_strerror(err));
	if (ledger->options->json)
		tool_put_json(json_pack("{s:b, s:s, s:I}", "ok", 1, "account",
		    ledger->conf.account, "position",
		    (json_int_t)info.position));
	else
		printf("following as %s at position %" PRIu64 "\n",
		    ledger->conf.account, info.position);
	return fflush(stdout) == 0 ? 0 : tool_fail(
	    ledger->options, "standard output", "%s", strerror(errno));
}

static int
follow(struct ledger *ledger, time_t end)
{
	cpnp_bridge_status status;
	cpnp_diag diag = {0};
	bool was_away = false;
	unsigned type = 0;
	time_t every = 0, next = 0, now;
	int code;

	code = choose(ledger, &type, &every);
	if (code == 0)
		code = say_ready(ledger);
	while (code == 0 && !ended) {
		now = time(NULL);
		if (now >= end)
			break;
		if (now >= next) {
			code = beat(ledger, type);
			next = now + every;
		}
		if (code == 0 &&
		    cpnp_bridge_step(ledger->bridge, STEP, &diag) != 0)
			code = tool_fail_diag(
			    ledger->options, "ledger", &diag);
		cpnp_bridge_get_status(ledger->bridge, &status);
		if (status.away != was_away)
			fprintf(stderr, "cpnp-ledger: ledger: %s%s\n",
			    status.away ? "away: " : "back", status.text);
		was_away = status.away;
	}
	return code;
}

static int
tool_serve(const struct tool_options *options)
{
	const char *text = tool_value(options, "seconds");
	struct sigaction action = {.sa_handler = on_signal};
	struct ledger ledger;
	uint64_t seconds = INT32_MAX;
	int code = 0;

	if (text != NULL)
		code = tool_number(
		    options, "--seconds", text, 1, INT32_MAX, &seconds);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	if (code == 0)
		code = ledger_open(options, true, &ledger);
	if (code != 0)
		return code;
	code = follow(&ledger, time(NULL) + (time_t)seconds);
	ledger_close(&ledger);
	return code;
}

const struct tool_verb tool_verbs_serve[] = {
    {{"anchor", NULL}, 0, 0, TAKES_LEDGER "journal ", tool_anchor,
	"anchor [--journal FILE]", 0, {0}},
    {{"tick", NULL}, 0, 1, TAKES_LEDGER, tool_op, "tick [TIME]", CPNP_OP_TICK,
	{CPNP_OP_FIELD_TIME}},
    {{"heartbeat", NULL}, 0, 1, TAKES_LEDGER, tool_op, "heartbeat [TIME]",
	CPNP_OP_HEARTBEAT, {CPNP_OP_FIELD_TIME}},
    {{"rules", NULL}, 1, 1, TAKES_LEDGER "position salt ", tool_op,
	"rules VERSION --position N [--salt HEX]", CPNP_OP_RULES,
	{CPNP_OP_FIELD_VERSION}},
    {{"status", NULL}, 0, 0, TAKES_LEDGER, tool_status, "status", 0, {0}},
    {{"serve", NULL}, 0, 0, TAKES_LEDGER "seconds ", tool_serve,
	"serve [--seconds N]", 0, {0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
