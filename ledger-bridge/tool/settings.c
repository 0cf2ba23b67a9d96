/*
 * Settings of a ledger: look at them, and ask as an operator that one of them
 * becomes another.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "ledger.h"

#define SETTINGS_BYTES_MAX 2048

/* X(member, width in bits): those that are one number.  cpnp_settings_encode()
 * knows their bounds. */
#define NUMBERS(X)                                                             \
	X(quorum, 32)                                                          \
	X(amount_max, 64)                                                      \
	X(op_seconds_max, 64)                                                  \
	X(idem_max, 64)                                                        \
	X(open_max, 64)                                                        \
	X(offers_max, 64)                                                      \
	X(escrow_seconds_max, 64)                                              \
	X(offer_seconds_max, 64)                                               \
	X(set_total_max, 64)                                                   \
	X(heartbeat_seconds, 64)                                               \
	X(fee_ppm, 32)                                                         \
	X(rating_start, 32)                                                    \
	X(rating_bound, 32)                                                    \
	X(rating_seconds, 64)

static const struct number {
	const char *member;
	size_t offset;
	int bits;
} numbers[] = {
#define NUMBER(member, bits) {#member, offsetof(cpnp_settings, member), bits},
    NUMBERS(NUMBER)
#undef NUMBER
};
#define NUMBERS_N (sizeof(numbers) / sizeof(numbers[0]))

/* A member's name as the manual has it: "-" for "_". */
static void
name_of(const struct number *number, char name[32])
{
	(void)snprintf(name, 32, "%s", number->member);
	for (char *c = name; *c != '\0'; c++)
		if (*c == '_')
			*c = '-';
}

static uint64_t
get_number(const struct number *number, const cpnp_settings *settings)
{
	const uint8_t *at = (const uint8_t *)settings + number->offset;
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (number->bits == 64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static void
set_number(const struct number *number, cpnp_settings *settings,
    uint64_t value)
{
	uint8_t *at = (uint8_t *)settings + number->offset;
	uint32_t narrow = (uint32_t)value;

	if (number->bits == 64)
		memcpy(at, &value, sizeof(value));
	else
		memcpy(at, &narrow, sizeof(narrow));
}

static void
show_json(const cpnp_settings *s)
{
	json_t *json = json_object(), *pools = json_array();
	char name[32];
	size_t i;

	for (i = 0; i < NUMBERS_N; i++) {
		name_of(&numbers[i], name);
		(void)json_object_set_new(json, name, json_integer(
		    (json_int_t)get_number(&numbers[i], s)));
	}
	for (i = 0; i < s->pool_n; i++)
		(void)json_array_append_new(pools, json_pack("{s:o, s:i}",
		    "account", tool_text(s->pools[i].account), "ppm",
		    (int)s->pools[i].ppm));
	(void)json_object_set_new(json, "pools", pools);
	tool_put_json(json);
}

static void
show_text(const cpnp_settings *s)
{
	char name[32];
	size_t i;

	for (i = 0; i < NUMBERS_N; i++) {
		name_of(&numbers[i], name);
		printf("%-20s %" PRIu64 "\n", name,
		    get_number(&numbers[i], s));
	}
	printf("%-20s", "pools");
	for (i = 0; i < s->pool_n; i++) {
		putchar(i == 0 ? ' ' : ',');
		tool_put(stdout, s->pools[i].account);
		printf(":%" PRIu32, s->pools[i].ppm);
	}
	puts(s->pool_n == 0 ? " none" : "");
}

static int
tool_settings_show(const struct tool_options *options)
{
	struct ledger ledger;
	cpnp_ledger_info info;
	int code;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	if (cpnp_ledger_get_info(
	        cpnp_bridge_lock(ledger.bridge), &info) != 0)
		code = tool_fail(options, "settings", "cannot be read");
	else if (options->json)
		show_json(&info.settings);
	else
		show_text(&info.settings);
	cpnp_bridge_unlock(ledger.bridge);
	ledger_close(&ledger);
	return code;
}

/* "ACCOUNT:PPM,ACCOUNT:PPM", or "none"; names are views into text. */
static int
set_pools(const struct tool_options *options, char *text,
    cpnp_settings *settings)
{
	char *part, *colon, *rest = text;
	uint64_t ppm = 0;

	settings->pool_n = 0;
	if (strcmp(text, "none") == 0)
		return 0;
	while ((part = strsep(&rest, ",")) != NULL) {
		colon = strrchr(part, ':');
		if (colon == NULL || settings->pool_n == CPNP_POOLS_MAX)
			return tool_fail(options, "pools", "\"%s\": at most "
			    "%d ACCOUNT:PPM with commas between, or none",
			    part, CPNP_POOLS_MAX);
		*colon = '\0';
		if (tool_number(options, "pools", colon + 1, 1, CPNP_PPM,
		        &ppm) != 0)
			return EXIT_FAILED;
		settings->pools[settings->pool_n].account =
		    cpnp_bytes_str(part);
		settings->pools[settings->pool_n++].ppm = (uint32_t)ppm;
	}
	return 0;
}

static int
change(const struct tool_options *options, const char *name, char *value,
    cpnp_settings *settings)
{
	char known[32];
	uint64_t number = 0;
	size_t i;

	if (strcmp(name, "pools") == 0)
		return set_pools(options, value, settings);
	for (i = 0; i < NUMBERS_N; i++) {
		name_of(&numbers[i], known);
		if (strcmp(known, name) != 0)
			continue;
		if (tool_number(options, name, value, 0,
		        numbers[i].bits == 64 ? INT64_MAX : INT32_MAX,
		        &number) != 0)
			return EXIT_FAILED;
		set_number(&numbers[i], settings, number);
		return 0;
	}
	return tool_fail(options, name, "no setting; cpnp-ledger settings "
	    "show lists them");
}

/* The settings of now with one of them changed, encoded. */
static int
encode(struct ledger *ledger, char *value, cpnp_buf *out)
{
	const struct tool_options *options = ledger->options;
	cpnp_ledger_info info;
	cpnp_diag diag = {0};
	int code;

	if (cpnp_ledger_get_info(
	        cpnp_bridge_lock(ledger->bridge), &info) != 0)
		code = tool_fail(options, "settings", "cannot be read");
	else
		code = change(options, options->operands[0], value,
		    &info.settings);
	if (code == 0 &&
	    cpnp_settings_encode(&info.settings, out, &diag) != 0)
		code = tool_fail(options, options->operands[0],
		    "out of bounds: %s: %s", diag.where, diag.why);
	cpnp_bridge_unlock(ledger->bridge);
	return code;
}

static int
tool_settings_change(const struct tool_options *options)
{
	uint8_t store[SETTINGS_BYTES_MAX], salt[32];
	const char *text = tool_value(options, "salt");
	char value[1024];
	struct ledger ledger;
	struct ledger_op op;
	size_t len = 0;
	cpnp_buf out;
	int code;

	(void)snprintf(value, sizeof(value), "%s", options->operands[1]);
	if (text != NULL) {
		len = strlen(text) / 2;
		if (len > sizeof(salt))
			return tool_fail(options, "salt", "longer than %zu "
			    "bytes", sizeof(salt));
		if (ledger_hex(options, "salt", text, salt, len) != 0)
			return EXIT_FAILED;
	}
	code = ledger_open(options, true, &ledger);
	if (code != 0)
		return code;
	cpnp_buf_init_fixed(&out, store, sizeof(store));
	code = encode(&ledger, value, &out);
	if (code == 0)
		code = ledger_op_begin(&ledger, CPNP_OP_SETTINGS, &op);
	if (code == 0) {
		CPNP_OP_SET(&op.op, SETTINGS, settings, cpnp_buf_bytes(&out));
		if (text != NULL)
			CPNP_OP_SET(&op.op, SALT, salt,
			    ((cpnp_bytes){salt, len}));
		code = ledger_op_run(&ledger, &op);
	}
	ledger_close(&ledger);
	return code;
}

const struct tool_verb tool_verbs_settings[] = {
    {{"settings", "show"}, 0, 0, TAKES_LEDGER, tool_settings_show,
	"settings show", 0, {0}},
    {{"settings", "change"}, 2, 2, TAKES_LEDGER "salt ",
	tool_settings_change, "settings change NAME VALUE [--salt HEX]", 0,
	{0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
