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

enum option_id {
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
    {NULL, 0, NULL, 0}};

/* takes: the names of the options, each with a space after it. */
static const struct verb {
	const char *words[2];
	int operands_min;
	int operands_max;
	const char *takes;
	int (*run)(const struct tool_options *options);
	const char *usage;
} verbs[] = {
    {{"prove", NULL}, 1, 1, "store output ", tool_prove,
	"prove ORDER [--store FILE] [-o FILE]"},
    {{"verify", NULL}, 1, 1, "ca key xml ", tool_verify,
	"verify FILE (--ca FILE | --key PUB) [--xml]"},
    {{"log", "verify"}, 0, 0, "store ca key proof ", tool_log_verify,
	"log verify [--store FILE] [--ca FILE] [--key PUB] [--proof FILE]..."},
    {{"log", "show"}, 0, 0, "store ", tool_log_show,
	"log show [--store FILE]"},
    {{"log", "head"}, 0, 0, "store output ", tool_log_head,
	"log head [--store FILE] [-o FILE]"},
    {{"log", "consistency"}, 1, 2, "store output ", tool_log_consistency,
	"log consistency OLD [NEW] [--store FILE] [-o FILE]"},
    {{"log", "rotate-key"}, 0, 0,
	"store key cert ledger-key new-key new-cert new-ledger-key ",
	tool_log_rotate,
	"log rotate-key [--store FILE] [--key FILE --cert FILE]\n"
	"           [--ledger-key FILE] [--new-key FILE --new-cert FILE]\n"
	"           [--new-ledger-key FILE]"},
    {{"key", "generate"}, 1, 1, "type ", tool_key_generate,
	"key generate FILE [--type ed25519 | p256]"},
    {{"key", "public"}, 1, 1, "output ", tool_key_public,
	"key public FILE [-o FILE]"},
    {{"witness", NULL}, 1, 1,
	"state key name journal-key proof fraud output ", tool_witness,
	"witness CHECKPOINT --state FILE --key FILE --name NAME\n"
	"           --journal-key PUB... [--proof FILE] [--fraud FILE] "
	"[-o FILE]"},
    {{"fraud", NULL}, 2, 2, "key proof store output ", tool_fraud,
	"fraud A B --key PUB... [--store FILE | --proof FILE] -o FILE"},
    {{"reconcile", NULL}, 0, 2, "export answer peer store output ",
	tool_reconcile,
	"reconcile --export --peer NAME [--store FILE] [-o FILE]\n"
	"       cpnp-ledger reconcile BOOK [OTHER | --answer] [-o FILE]"}};

#define VERBS_N (sizeof(verbs) / sizeof(verbs[0]))

static void
print_usage(FILE *file)
{
	size_t i;

	for (i = 0; i < VERBS_N; i++)
		fprintf(file, "%s cpnp-ledger %s [--json]\n",
		    i == 0 ? "usage:" : "      ", verbs[i].usage);
	fputs("cpnp-ledger(1) explains them.\n", file);
}

static int
usage(void)
{
	print_usage(stderr);
	return EXIT_USAGE;
}

static bool
takes(const struct verb *verb, const char *name)
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

static const struct verb *
find_verb(int argc, char *argv[], int *used)
{
	size_t i;

	for (i = 0; i < VERBS_N; i++) {
		*used = verbs[i].words[1] == NULL ? 1 : 2;
		if (argc >= *used && strcmp(argv[0], verbs[i].words[0]) == 0 &&
		    (*used == 1 || strcmp(argv[1], verbs[i].words[1]) == 0))
			return &verbs[i];
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
	const struct verb *verb;
	const char *name;
	int id, used, n, at = -1;
	size_t i;

	/* private keys do not belong in a core dump */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	for (; (id = getopt_long(argc, argv, "s:o:jh", long_options, &at)) !=
	     -1; at = -1) {
		if (id == '?')
			return usage();
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
			return usage();
	}
	verb = find_verb(argc - optind, argv + optind, &used);
	if (verb == NULL)
		return usage();
	n = argc - optind - used;
	if (n < verb->operands_min || n > verb->operands_max)
		return usage();
	for (i = 0; i < options.given_n; i++)
		if (!takes(verb, options.given[i].name))
			return usage();
	options.operands = argv + optind + used;
	options.operand_n = (size_t)n;
	options.operand = n > 0 ? options.operands[0] : NULL;
	return verb->run(&options);
}
