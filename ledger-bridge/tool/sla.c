/*
 * Service levels: the terms behind a commitment, and claims.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "ledger.h"

#define SALT_LEN 16

static const char *
claim_state_name(cpnp_claim_state state)
{
	switch (state) {
	case CPNP_CLAIM_OPEN:
		return "open: upheld then, unless the payee objects";
	case CPNP_CLAIM_DISPUTED:
		return "disputed: the auditor decides until then";
	case CPNP_CLAIM_UPHELD:
		return "upheld";
	case CPNP_CLAIM_REJECTED:
		return "rejected";
	}
	return "?";
}

struct list {
	const struct tool_options *options;
	size_t n;
};

static int
list_claim(void *user, const cpnp_claim_view *c)
{
	bool is_decided = c->state == CPNP_CLAIM_UPHELD ||
	    c->state == CPNP_CLAIM_REJECTED;
	struct list *list = user;
	char hex[2 * CPNP_SHA256_LEN + 1], from[CPNP_DATE_LEN];
	char to[CPNP_DATE_LEN], due[CPNP_DATE_LEN];

	list->n++;
	tool_hex(c->id, CPNP_SHA256_LEN, hex);
	tool_time(c->from, from);
	tool_time(c->to, to);
	tool_time(c->due, due);
	if (list->options->json) {
		tool_put_json(json_pack(
		    "{s:s, s:s, s:I, s:I, s:s, s:s, s:I, s:s, s:o}", "id",
		    hex, "state", claim_state_name(c->state), "metric",
		    (json_int_t)c->metric, "value", (json_int_t)c->value,
		    "from", from, "to", to, "credit", (json_int_t)c->credit,
		    "due", due, "auditor", tool_text(c->auditor)));
		return 0;
	}
	printf("%s  metric %" PRIu64 " was %" PRIu64 " from %s to %s\n"
	       "    credit %" PRId64 " in minor units; %s%s%s\n", hex,
	    c->metric, c->value, from, to, c->credit,
	    is_decided ? "" : due, is_decided ? "" : ": ",
	    claim_state_name(c->state));
	return 0;
}

static int
tool_sla_list(const struct tool_options *options)
{
	struct list list = {.options = options};
	uint8_t id[CPNP_SHA256_LEN];
	struct ledger ledger;
	int code;

	code = ledger_hex(options, "escrow", options->operand, id, sizeof(id));
	if (code == 0)
		code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	(void)cpnp_ledger_each_claim(
	    cpnp_bridge_lock(ledger.bridge), id, list_claim, &list);
	cpnp_bridge_unlock(ledger.bridge);
	if (list.n == 0 && !options->json)
		puts("nobody has claimed a breach for this escrow, or it has "
		     "settled");
	ledger_close(&ledger);
	return 0;
}

/* BOUND:WINDOW:CREDIT-PPM[:floor] */
static int
add_metric(const struct tool_options *options, const char *text,
    cpnp_sla_terms *terms)
{
	cpnp_sla_metric *metric = &terms->metrics[terms->metric_n];
	unsigned long long bound, window, credit;
	char floor[8] = "";
	int n, end = 0;

	if (terms->metric_n == CPNP_SLA_METRICS_MAX)
		return tool_fail(options, "--metric", "more than %d metrics",
		    CPNP_SLA_METRICS_MAX);
	n = sscanf(text, "%19llu:%19llu:%19llu%n:%7s", &bound, &window,
	    &credit, &end, floor);
	if (n < 3 || window == 0 || credit > CPNP_PPM ||
	    (n == 3 && text[end] != '\0') ||
	    (n == 4 && strcmp(floor, "floor") != 0))
		return tool_fail(options, "--metric",
		    "\"%s\" is not BOUND:WINDOW-SECONDS:CREDIT-PPM[:floor]",
		    text);
	metric->bound = bound;
	metric->window = window;
	metric->credit_ppm = (uint32_t)credit;
	metric->floor = n == 4;
	terms->metric_n++;
	return 0;
}

static int
make_terms(const struct tool_options *options, cpnp_sla_terms *terms)
{
	static const char *const names[] = {
	    "cap-ppm", "object-seconds", "audit-seconds"};
	uint64_t values[] = {CPNP_PPM, 86400, 86400};
	const char *text;
	size_t i;
	int code = 0;

	for (i = 0; i < options->given_n && code == 0; i++)
		if (strcmp(options->given[i].name, "metric") == 0)
			code = add_metric(
			    options, options->given[i].value, terms);
	for (i = 0; i < 3 && code == 0; i++) {
		text = tool_value(options, names[i]);
		if (text != NULL)
			code = tool_number(options, names[i], text, 0,
			    i == 0 ? CPNP_PPM : CPNP_CLAIM_SECONDS_MAX,
			    &values[i]);
	}
	terms->cap_ppm = (uint32_t)values[0];
	terms->object_seconds = values[1];
	terms->audit_seconds = values[2];
	terms->default_upheld =
	    tool_value(options, "default-upheld") != NULL;
	text = tool_value(options, "auditor");
	terms->auditor = text == NULL ? CPNP_BYTES_NONE : cpnp_bytes_str(text);
	if (code == 0 && terms->metric_n == 0)
		code = tool_fail(options, "--metric",
		    "needed: BOUND:WINDOW-SECONDS:CREDIT-PPM[:floor]");
	return code;
}

/* Write terms to a file; print the commitment to them and its salt. */
static int
tool_sla_terms(const struct tool_options *options)
{
	uint8_t commitment[CPNP_SHA256_LEN], salt[SALT_LEN];
	char hex[2 * CPNP_SHA256_LEN + 1], salt_hex[2 * SALT_LEN + 1];
	cpnp_sla_terms terms = {0};
	cpnp_buf out;
	int code;

	if (options->output == NULL)
		return tool_fail(options, "output",
		    "terms are binary; name a file with -o FILE");
	cpnp_buf_init(&out, &ledger_mem, CPNP_SLA_TERMS_MAX);
	code = make_terms(options, &terms);
	if (code == 0 && (cpnp_sla_terms_encode(&terms, &out) != 0 ||
	        RAND_bytes(salt, SALT_LEN) != 1 ||
	        cpnp_sla_commitment(&tool_env, (cpnp_bytes){salt, SALT_LEN},
	            cpnp_buf_bytes(&out), commitment) != 0))
		code = tool_fail(options, "terms", "out of their bounds");
	if (code == 0)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&out));
	cpnp_buf_fini(&out);
	if (code != 0)
		return code;
	tool_hex(commitment, sizeof(commitment), hex);
	tool_hex(salt, sizeof(salt), salt_hex);
	if (options->json)
		tool_put_json(json_pack("{s:b, s:s, s:s, s:s}", "ok", 1,
		    "sla", hex, "salt", salt_hex, "file", options->output));
	else
		printf("sla %s\nsalt %s\n", hex, salt_hex);
	return 0;
}

const struct tool_verb tool_verbs_sla[] = {
    {{"sla", "terms"}, 0, 0,
	"metric cap-ppm object-seconds audit-seconds auditor "
	"default-upheld output ", tool_sla_terms,
	"sla terms --metric BOUND:WINDOW:CREDIT-PPM[:floor]...\n"
	"           -o FILE [--cap-ppm N] [--object-seconds N] [--audit-seconds N]\n"
	"           [--auditor ACCOUNT] [--default-upheld]", 0, {0}},
    {{"sla", "list"}, 1, 1, TAKES_LEDGER, tool_sla_list, "sla list ESCROW",
	0, {0}},
    {{"sla", "claim"}, 1, 1,
	TAKES_LEDGER "salt terms metric from to value ", tool_op,
	"sla claim ESCROW --terms FILE|HEX --salt HEX --metric N\n"
	"           --from TIME --to TIME --value N", CPNP_OP_CLAIM,
	{CPNP_OP_FIELD_SUBJECT}},
    {{"sla", "confirm"}, 1, 1, TAKES_LEDGER, tool_op, "sla confirm CLAIM",
	CPNP_OP_CONFIRM, {CPNP_OP_FIELD_SUBJECT}},
    {{"sla", "object"}, 1, 1, TAKES_LEDGER, tool_op, "sla object CLAIM",
	CPNP_OP_OBJECT, {CPNP_OP_FIELD_SUBJECT}},
    {{"sla", "audit"}, 1, 1, TAKES_LEDGER "upheld ", tool_op,
	"sla audit CLAIM --upheld yes|no", CPNP_OP_AUDIT,
	{CPNP_OP_FIELD_SUBJECT}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
