/*
 * cpnp-ledger: proofs, journals, keys and the shared ledger on the command
 * line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tool.h"

#define COLUMNS 80

enum option_id {
	OPT_CONFIG = 'c',
	OPT_STORE = 's',
	OPT_OUTPUT = 'o',
	OPT_JSON = 'j',
	OPT_HELP = 'h',
	OPT_OTHER = 256 /* has no letter */
};

/* What a verb takes is in its row; --json, --help and --version go with all. */
static const struct option long_options[] = {
    {"store", required_argument, NULL, OPT_STORE},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_OTHER},
    {"ca", required_argument, NULL, OPT_OTHER},
    {"key", required_argument, NULL, OPT_OTHER},
    {"cert", required_argument, NULL, OPT_OTHER},
    {"ledger-key", required_argument, NULL, OPT_OTHER},
    {"new-key", required_argument, NULL, OPT_OTHER},
    {"new-cert", required_argument, NULL, OPT_OTHER},
    {"new-ledger-key", required_argument, NULL, OPT_OTHER},
    {"operator", required_argument, NULL, OPT_OTHER},
    {"proof", required_argument, NULL, OPT_OTHER},
    {"type", required_argument, NULL, OPT_OTHER},
    {"xml", no_argument, NULL, OPT_OTHER},
    {"state", required_argument, NULL, OPT_OTHER},
    {"name", required_argument, NULL, OPT_OTHER},
    {"journal-key", required_argument, NULL, OPT_OTHER},
    {"fraud", required_argument, NULL, OPT_OTHER},
    {"export", no_argument, NULL, OPT_OTHER},
    {"answer", no_argument, NULL, OPT_OTHER},
    {"peer", required_argument, NULL, OPT_OTHER},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"genesis", required_argument, NULL, OPT_OTHER},
    {"backend", required_argument, NULL, OPT_OTHER},
    {"setting", required_argument, NULL, OPT_OTHER},
    {"account", required_argument, NULL, OPT_OTHER},
    {"key-file", required_argument, NULL, OPT_OTHER},
    {"amount", required_argument, NULL, OPT_OTHER},
    {"fee-max", required_argument, NULL, OPT_OTHER},
    {"until", required_argument, NULL, OPT_OTHER},
    {"order", required_argument, NULL, OPT_OTHER},
    {"set", required_argument, NULL, OPT_OTHER},
    {"replaces", required_argument, NULL, OPT_OTHER},
    {"start", required_argument, NULL, OPT_OTHER},
    {"duration", required_argument, NULL, OPT_OTHER},
    {"claim-seconds", required_argument, NULL, OPT_OTHER},
    {"sla", required_argument, NULL, OPT_OTHER},
    {"publisher", required_argument, NULL, OPT_OTHER},
    {"offer", required_argument, NULL, OPT_OTHER},
    {"roles", required_argument, NULL, OPT_OTHER},
    {"key-id", required_argument, NULL, OPT_OTHER},
    {"position", required_argument, NULL, OPT_OTHER},
    {"recovery", required_argument, NULL, OPT_OTHER},
    {"salt", required_argument, NULL, OPT_OTHER},
    {"terms", required_argument, NULL, OPT_OTHER},
    {"metric", required_argument, NULL, OPT_OTHER},
    {"from", required_argument, NULL, OPT_OTHER},
    {"to", required_argument, NULL, OPT_OTHER},
    {"value", required_argument, NULL, OPT_OTHER},
    {"upheld", required_argument, NULL, OPT_OTHER},
    {"unit", required_argument, NULL, OPT_OTHER},
    {"chain", required_argument, NULL, OPT_OTHER},
    {"count", required_argument, NULL, OPT_OTHER},
    {"kind", required_argument, NULL, OPT_OTHER},
    {"ingress", required_argument, NULL, OPT_OTHER},
    {"egress", required_argument, NULL, OPT_OTHER},
    {"delay", required_argument, NULL, OPT_OTHER},
    {"capacity", required_argument, NULL, OPT_OTHER},
    {"document", required_argument, NULL, OPT_OTHER},
    {"exponent", required_argument, NULL, OPT_OTHER},
    {"token", required_argument, NULL, OPT_OTHER},
    {"member", required_argument, NULL, OPT_OTHER},
    {"upper", required_argument, NULL, OPT_OTHER},
    {"quorum", required_argument, NULL, OPT_OTHER},
    {"fee-ppm", required_argument, NULL, OPT_OTHER},
    {"pool", required_argument, NULL, OPT_OTHER},
    {"cap-ppm", required_argument, NULL, OPT_OTHER},
    {"object-seconds", required_argument, NULL, OPT_OTHER},
    {"audit-seconds", required_argument, NULL, OPT_OTHER},
    {"auditor", required_argument, NULL, OPT_OTHER},
    {"default-upheld", no_argument, NULL, OPT_OTHER},
    {"journal", required_argument, NULL, OPT_OTHER},
    {"seconds", required_argument, NULL, OPT_OTHER},
    {"idle-paid", no_argument, NULL, OPT_OTHER},
    {"pseudonym", no_argument, NULL, OPT_OTHER},
    {NULL, 0, NULL, 0}};

static const struct tool_verb verbs[] = {
    {{"prove", NULL}, 1, 1, "store output config account key-file ",
	tool_prove, "prove ORDER [--store FILE] [--config FILE] [-o FILE]", 0,
	{0}},
    {{"verify", NULL}, 1, 1, "ca key operator xml ", tool_verify,
	"verify FILE (--ca FILE | --key PUB) [--operator NAME:PUB]...\n"
	"           [--xml]", 0, {0}},
    {{"log", "verify"}, 0, 0, "store ca key proof ", tool_log_verify,
	"log verify [--store FILE] [--ca FILE] [--key PUB]\n"
	"           [--proof FILE]...", 0, {0}},
    {{"log", "show"}, 0, 0, "store ", tool_log_show,
	"log show [--store FILE]", 0, {0}},
    {{"log", "head"}, 0, 0, "store output ", tool_log_head,
	"log head [--store FILE] [-o FILE]", 0, {0}},
    {{"log", "consistency"}, 1, 2, "store output ", tool_log_consistency,
	"log consistency OLD [NEW] [--store FILE] [-o FILE]", 0, {0}},
    {{"log", "rotate-key"}, 0, 0,
	"store key cert ledger-key new-key new-cert new-ledger-key ",
	tool_log_rotate,
	"log rotate-key [--store FILE] [--key FILE --cert FILE]\n"
	"           [--ledger-key FILE] [--new-key FILE --new-cert FILE]\n"
	"           [--new-ledger-key FILE]", 0, {0}},
    {{"key", "generate"}, 1, 1, "type ", tool_key_generate,
	"key generate FILE [--type ed25519 | p256]", 0, {0}},
    {{"key", "public"}, 1, 1, "output ", tool_key_public,
	"key public FILE [-o FILE]", 0, {0}},
    {{"witness", NULL}, 1, 1,
	"state key name journal-key proof fraud output ", tool_witness,
	"witness CHECKPOINT --state FILE --key FILE --name NAME\n"
	"           --journal-key PUB... [--proof FILE] [--fraud FILE] "
	"[-o FILE]", 0, {0}},
    {{"fraud", NULL}, 2, 2, "key proof store output ", tool_fraud,
	"fraud A B --key PUB... [--store FILE | --proof FILE] -o FILE", 0, {0}},
    {{"reconcile", NULL}, 0, 2, "export answer peer store output ",
	tool_reconcile,
	"reconcile --export --peer NAME [--store FILE] [-o FILE]\n"
	"       cpnp-ledger reconcile BOOK [OTHER | --answer] [-o FILE]",
	0, {0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};

static const struct tool_verb *const tables[] = {verbs, tool_verbs_init,
    tool_verbs_writer, tool_verbs_account, tool_verbs_token, tool_verbs_escrow,
    tool_verbs_channel, tool_verbs_sla, tool_verbs_catalogue,
    tool_verbs_serve, tool_verbs_settings};

#define TABLES_N (sizeof(tables) / sizeof(tables[0]))

static void
print_verb(FILE *file, const struct tool_verb *verb, bool is_first)
{
	const char *end = strrchr(verb->usage, '\n');
	size_t column = strlen(end != NULL ? end + 1 : verb->usage);

	if (end == NULL)
		column += strlen("usage: cpnp-ledger ");
	fprintf(file, "%s cpnp-ledger %s%s[--json]\n",
	    is_first ? "usage:" : "      ", verb->usage,
	    column + strlen(" [--json]") < COLUMNS ? " " : "\n           ");
}

/* What there is of this word; of every one without it.  How many. */
static size_t
print_verbs(FILE *file, const char *word)
{
	const struct tool_verb *verb;
	size_t i, n = 0;

	for (i = 0; i < TABLES_N; i++)
		for (verb = tables[i]; verb->run != NULL; verb++)
			if (word == NULL || strcmp(word, verb->words[0]) == 0)
				print_verb(file, verb, n++ == 0);
	return n;
}

static void
print_usage(FILE *file)
{
	(void)print_verbs(file, NULL);
	fputs("Verbs on a ledger also take --config, --genesis, --store, "
	      "--backend, --setting,\n--account and --key-file.\n", file);
	fputs("cpnp-ledger(1) explains them.\n", file);
}

static int
usage(void)
{
	print_usage(stderr);
	return EXIT_USAGE;
}

/* No such verb: those that begin with the same word, or all first words. */
static int
usage_verb(const char *word)
{
	const struct tool_verb *verb;
	const char *last = "";

	if (word == NULL)
		return usage();
	if (print_verbs(stderr, word) > 0)
		return EXIT_USAGE;
	fputs("cpnp-ledger: no such verb; expected one of", stderr);
	for (size_t i = 0; i < TABLES_N; i++)
		for (verb = tables[i]; verb->run != NULL; verb++) {
			if (strcmp(last, verb->words[0]) != 0)
				fprintf(stderr, " %s", verb->words[0]);
			last = verb->words[0];
		}
	fputs("; --help has all that they take\n", stderr);
	return EXIT_USAGE;
}

static int
usage_many(const char *name)
{
	fprintf(stderr, "cpnp-ledger: there are too many options, or too many "
	    "--%s\n", name);
	return EXIT_USAGE;
}

/* A verb that was called wrongly: what is wrong, and how it is called. */
static int
usage_of(const struct tool_verb *verb, const char *what, const char *name)
{
	fprintf(stderr, "cpnp-ledger: %s%s\n", what, name);
	print_verb(stderr, verb, true);
	return EXIT_USAGE;
}

static bool
takes(const struct tool_verb *verb, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = verb->takes; *p != '\0'; p += strcspn(p, " ") + 1)
		if (strncmp(p, name, len) == 0 && p[len] == ' ')
			return true;
	return false;
}

/* What came, into the fields by which the verbs know it. */
static bool
set_option(struct tool_options *options, const char *name, const char *value)
{
	if (options->given_n == OPTIONS_MAX)
		return false;
	options->given[options->given_n].name = name;
	options->given[options->given_n++].value = value;
	if (strcmp(name, "store") == 0)
		options->store = value;
	else if (strcmp(name, "output") == 0)
		options->output = value;
	else if (strcmp(name, "ca") == 0)
		options->ca = value;
	else if (strcmp(name, "type") == 0)
		options->type = value;
	else if (strcmp(name, "xml") == 0)
		options->xml = true;
	else if (strcmp(name, "key") == 0 && options->key_n < KEYS_MAX)
		options->keys[options->key_n++] = value;
	else if (strcmp(name, "proof") == 0 && options->proof_n < PROOFS_MAX)
		options->proofs[options->proof_n++] = value;
	else
		return strcmp(name, "key") != 0 && strcmp(name, "proof") != 0;
	return true;
}

static const struct tool_verb *
find_verb(int argc, char *argv[], int *used)
{
	const struct tool_verb *verb;
	size_t i;

	for (i = 0; i < TABLES_N; i++)
		for (verb = tables[i]; verb->run != NULL; verb++) {
			*used = verb->words[1] == NULL ? 1 : 2;
			if (argc >= *used &&
			    strcmp(argv[0], verb->words[0]) == 0 &&
			    (*used == 1 ||
			        strcmp(argv[1], verb->words[1]) == 0))
				return verb;
		}
	return NULL;
}

static const char *
option_name(int id, int at)
{
	int i;

	if (at >= 0)
		return long_options[at].name;
	for (i = 0; long_options[i].name != NULL; i++)
		if (long_options[i].val == id)
			return long_options[i].name;
	return "";
}

int
main(int argc, char *argv[])
{
	static const struct rlimit no_core = {0, 0};
	struct tool_options options = {0};
	const struct tool_verb *verb;
	const char *name;
	int id, used, n, at = -1;
	size_t i;

	/* private keys do not belong in a core dump */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	for (; (id = getopt_long(argc, argv, "c:s:o:jh", long_options, &at)) !=
	     -1; at = -1) {
		if (id == '?') {
			fputs("cpnp-ledger --help has all options\n", stderr);
			return EXIT_USAGE;
		}
		name = option_name(id, at);
		if (strcmp(name, "help") == 0) {
			print_usage(stdout);
			return EXIT_VERIFIED;
		}
		if (strcmp(name, "version") == 0) {
			puts("cpnp-ledger " PACKAGE_VERSION);
			return EXIT_VERIFIED;
		}
		if (strcmp(name, "json") == 0)
			options.json = true;
		else if (!set_option(
		    &options, name, optarg == NULL ? "" : optarg))
			return usage_many(name);
	}
	verb = find_verb(argc - optind, argv + optind, &used);
	if (verb == NULL)
		return usage_verb(optind < argc ? argv[optind] : NULL);
	n = argc - optind - used;
	if (n < verb->operands_min)
		return usage_of(verb, "an operand is missing", "");
	if (n > verb->operands_max)
		return usage_of(
		    verb, "there are more operands than it takes", "");
	for (i = 0; i < options.given_n; i++)
		if (!takes(verb, options.given[i].name))
			return usage_of(verb, "it takes no --",
			    options.given[i].name);
	options.verb = verb;
	options.operands = argv + optind + used;
	options.operand_n = (size_t)n;
	options.operand = n > 0 ? options.operands[0] : NULL;
	return verb->run(&options);
}
