/*
 * Accounts and their keys.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <string.h>

#include "ledger.h"

static const char *
status_name(enum cpnp_account_status status)
{
	switch (status) {
	case CPNP_ACCOUNT_ACTIVE:
		return "active";
	case CPNP_ACCOUNT_SUSPENDED:
		return "suspended";
	case CPNP_ACCOUNT_CLOSED:
		return "closed";
	}
	return "?";
}

static int
list_account(void *user, const cpnp_account_view *a)
{
	const struct tool_options *options = user;
	char roles[96];

	ledger_put_roles(a->roles, roles, sizeof(roles));
	if (options->json) {
		tool_put_json(json_pack("{s:o, s:s, s:s, s:i, s:b}", "account",
		    tool_text(a->name), "status", status_name(a->status),
		    "roles", roles, "rating", a->rating, "eligible",
		    a->eligible));
		return 0;
	}
	tool_put(stdout, a->name);
	printf("  %s  %s  rating %d%s\n", status_name(a->status), roles,
	    a->rating, a->eligible ? "" : ", not in path finding");
	return 0;
}

static int
tool_account_list(const struct tool_options *options)
{
	struct tool_options copy = *options;
	struct ledger ledger;
	int code;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	(void)cpnp_ledger_each_account(
	    cpnp_bridge_lock(ledger.bridge), list_account, &copy);
	cpnp_bridge_unlock(ledger.bridge);
	ledger_close(&ledger);
	return 0;
}

static void
put_key(const cpnp_account_view *a, size_t i, json_t *list)
{
	char hex[2 * CPNP_SHA256_LEN + 1];
	bool ends = a->keys[i].to != UINT64_MAX;

	tool_hex(a->keys[i].id, CPNP_SHA256_LEN, hex);
	if (list != NULL) {
		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:o}",
		    "key", hex, "from", (json_int_t)a->keys[i].from, "to",
		    ends ? json_integer((json_int_t)a->keys[i].to)
		         : json_null()));
		return;
	}
	printf("%s  from entry %" PRIu64, hex, a->keys[i].from);
	if (ends)
		printf(", revoked from %" PRIu64 " on", a->keys[i].to);
	putchar('\n');
}

static int
show(const struct tool_options *options, const cpnp_account_view *a,
    bool keys_only)
{
	json_t *list = options->json ? json_array() : NULL;
	char roles[96], date[CPNP_DATE_LEN];
	size_t i;

	ledger_put_roles(a->roles, roles, sizeof(roles));
	if (!keys_only && !options->json) {
		tool_time(a->last_seen, date);
		tool_put(stdout, a->name);
		printf("\n  status    %s\n  roles     %s\n  rating    %d%s\n"
		       "  opened    in entry %" PRIu64 "\n  seen      %s\n"
		       "  open      %" PRIu64 " escrows and channels\n"
		       "  offers    %" PRIu64 "\n  recovery  %s\n",
		    status_name(a->status), roles, a->rating,
		    a->eligible ? "" : ", not in path finding", a->opened_at,
		    a->last_seen.sec == 0 ? "never" : date, a->open_n,
		    a->offer_n, a->has_recovery ? "a key" : "none: who loses "
		    "the keys loses the account");
		if (a->broker.len > 0) {
			fputs("  pseudonym of ", stdout);
			tool_put(stdout, a->broker);
			putchar('\n');
		}
	}
	for (i = 0; i < a->key_n; i++)
		put_key(a, i, list);
	if (options->json)
		tool_put_json(json_pack(
		    "{s:b, s:o, s:s, s:s, s:i, s:b, s:b, s:I, s:I, s:o}",
		    "ok", 1, "account", tool_text(a->name), "status",
		    status_name(a->status), "roles", roles, "rating",
		    a->rating, "eligible", a->eligible, "recovery",
		    a->has_recovery, "open", (json_int_t)a->open_n, "offers",
		    (json_int_t)a->offer_n, "keys", list));
	return 0;
}

static int
tool_account_show(const struct tool_options *options)
{
	struct ledger ledger;
	cpnp_account_view view;
	cpnp_bytes name;
	int code, err;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	code = ledger_account(&ledger, &name);
	if (code == 0) {
		err = cpnp_ledger_get_account(
		    cpnp_bridge_lock(ledger.bridge), name, &view);
		if (err != 0)
			code = tool_fail(options, (const char *)name.ptr,
			    "there is no such account; a maintainer opens it "
			    "with cpnp-ledger account open");
		else
			code = show(options, &view,
			    strcmp(options->verb->words[0], "key") == 0);
		cpnp_bridge_unlock(ledger.bridge);
	}
	ledger_close(&ledger);
	return code;
}

static int
tool_rating(const struct tool_options *options)
{
	struct ledger ledger;
	cpnp_rating rating;
	cpnp_bytes name;
	json_t *lines;
	size_t i;
	int code, err;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	code = ledger_account(&ledger, &name);
	if (code != 0) {
		ledger_close(&ledger);
		return code;
	}
	err = cpnp_ledger_get_rating(
	    cpnp_bridge_lock(ledger.bridge), name, &rating);
	cpnp_bridge_unlock(ledger.bridge);
	ledger_close(&ledger);
	if (err != 0)
		return tool_fail(options, options->operand != NULL
		    ? options->operand : "account",
		    "there is no such account, and so no rating");
	lines = json_array();
	if (!options->json)
		printf("%6d  to begin with\n", rating.start);
	for (i = 0; i < CPNP_RATING_N; i++) {
		(void)json_array_append_new(lines, json_pack(
		    "{s:s, s:f, s:i, s:i}", "text", rating.lines[i].text,
		    "count", (double)rating.lines[i].count / 1024, "weight",
		    rating.lines[i].weight, "points",
		    rating.lines[i].points));
		if (!options->json)
			printf("%+6d  %s: %" PRIu64 ".%03" PRIu64
			       " times %+d\n", rating.lines[i].points,
			    rating.lines[i].text,
			    rating.lines[i].count / 1024,
			    rating.lines[i].count % 1024 * 1000 / 1024,
			    rating.lines[i].weight);
	}
	if (options->json)
		tool_put_json(json_pack("{s:b, s:i, s:i, s:i, s:O}", "ok", 1,
		    "rating", rating.rating, "start", rating.start, "bound",
		    rating.bound, "lines", lines));
	else
		printf("%6d  the rating, from 0 to %d; under %d offers are "
		       "left out of path finding\n", rating.rating,
		    CPNP_RATING_MAX, rating.bound);
	json_decref(lines);
	return 0;
}

const struct tool_verb tool_verbs_account[] = {
    {{"account", "open"}, 1, 1,
	TAKES_LEDGER "roles key recovery pseudonym ", tool_op,
	"account open NAME --roles ROLES --key PUB [--recovery PUB]\n"
	"           [--pseudonym]", CPNP_OP_ACCOUNT_OPEN,
	{CPNP_OP_FIELD_PEER}},
    {{"account", "close"}, 0, 0, TAKES_LEDGER, tool_op, "account close",
	CPNP_OP_ACCOUNT_CLOSE, {0}},
    {{"account", "roles"}, 2, 2, TAKES_LEDGER "salt ", tool_op,
	"account roles NAME ROLES [--salt HEX]", CPNP_OP_ROLES,
	{CPNP_OP_FIELD_PEER, CPNP_OP_FIELD_ROLES}},
    {{"account", "status"}, 2, 2, TAKES_LEDGER "salt ", tool_op,
	"account status NAME active|suspended [--salt HEX]", CPNP_OP_STATUS,
	{CPNP_OP_FIELD_PEER, CPNP_OP_FIELD_STATUS}},
    {{"account", "show"}, 0, 1, TAKES_LEDGER, tool_account_show,
	"account show [NAME]", 0, {0}},
    {{"account", "list"}, 0, 0, TAKES_LEDGER, tool_account_list,
	"account list", 0, {0}},
    {{"key", "add"}, 1, 1, TAKES_LEDGER "position ", tool_op,
	"key add PUB [--position N]", CPNP_OP_KEY_ADD, {CPNP_OP_FIELD_KEY}},
    {{"key", "revoke"}, 1, 1, TAKES_LEDGER "position ", tool_op,
	"key revoke PUB|ID [--position N]", CPNP_OP_KEY_REVOKE,
	{CPNP_OP_FIELD_KEY_ID}},
    {{"key", "recover"}, 1, 1, TAKES_LEDGER "recovery ", tool_op,
	"key recover PUB [--recovery PUB]", CPNP_OP_KEY_RECOVER,
	{CPNP_OP_FIELD_KEY}},
    {{"key", "list"}, 0, 1, TAKES_LEDGER, tool_account_show,
	"key list [ACCOUNT]", 0, {0}},
    {{"rating", NULL}, 0, 1, TAKES_LEDGER, tool_rating, "rating [ACCOUNT]",
	0, {0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
