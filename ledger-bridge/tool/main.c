/*
 * cpnp-ledger: proofs, journals and keys on the command line.
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
	OPT_CA = 256,
	OPT_KEY,
	OPT_CERT,
	OPT_LEDGER_KEY,
	OPT_NEW_KEY,
	OPT_NEW_CERT,
	OPT_NEW_LEDGER_KEY,
	OPT_PROOF,
	OPT_TYPE,
	OPT_XML,
	OPT_VERSION
};

static const struct option long_options[] = {
    {"store", required_argument, NULL, OPT_STORE},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"ca", required_argument, NULL, OPT_CA},
    {"key", required_argument, NULL, OPT_KEY},
    {"cert", required_argument, NULL, OPT_CERT},
    {"ledger-key", required_argument, NULL, OPT_LEDGER_KEY},
    {"new-key", required_argument, NULL, OPT_NEW_KEY},
    {"new-cert", required_argument, NULL, OPT_NEW_CERT},
    {"new-ledger-key", required_argument, NULL, OPT_NEW_LEDGER_KEY},
    {"proof", required_argument, NULL, OPT_PROOF},
    {"type", required_argument, NULL, OPT_TYPE},
    {"xml", no_argument, NULL, OPT_XML},
    {NULL, 0, NULL, 0}};

/* Which options a verb takes, as the letters of this set. */
#define TAKES_STORE 0x01u
#define TAKES_OUTPUT 0x02u
#define TAKES_TRUST 0x04u
#define TAKES_SIGNER 0x08u
#define TAKES_PROOF 0x10u
#define TAKES_TYPE 0x20u
#define TAKES_XML 0x40u

static const struct verb {
	const char *words[2];
	const char *operand; /* NULL: none */
	unsigned takes;
	int (*run)(const struct tool_options *options);
	const char *usage;
} verbs[] = {
    {{"prove", NULL}, "ORDER", TAKES_STORE | TAKES_OUTPUT, tool_prove,
	"prove ORDER [--store FILE] [-o FILE]"},
    {{"verify", NULL}, "FILE", TAKES_TRUST | TAKES_XML, tool_verify,
	"verify FILE (--ca FILE | --key PUB) [--xml]"},
    {{"log", "verify"}, NULL, TAKES_STORE | TAKES_TRUST | TAKES_PROOF,
	tool_log_verify,
	"log verify [--store FILE] [--ca FILE] [--key PUB] [--proof FILE]..."},
    {{"log", "show"}, NULL, TAKES_STORE, tool_log_show,
	"log show [--store FILE]"},
    {{"log", "rotate-key"}, NULL, TAKES_STORE | TAKES_SIGNER,
	tool_log_rotate,
	"log rotate-key [--store FILE] [--key FILE --cert FILE]\n"
	"           [--ledger-key FILE] [--new-key FILE --new-cert FILE]\n"
	"           [--new-ledger-key FILE]"},
    {{"key", "generate"}, "FILE", TAKES_TYPE, tool_key_generate,
	"key generate FILE [--type ed25519 | p256]"},
    {{"key", "public"}, "FILE", TAKES_OUTPUT, tool_key_public,
	"key public FILE [-o FILE]"}};

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

/* The options of signing verbs and the set that each belongs to. */
static unsigned
option_set(int id)
{
	switch (id) {
	case OPT_STORE:
		return TAKES_STORE;
	case OPT_OUTPUT:
		return TAKES_OUTPUT;
	case OPT_CA:
		return TAKES_TRUST;
	case OPT_KEY:
		return TAKES_TRUST | TAKES_SIGNER;
	case OPT_PROOF:
		return TAKES_PROOF;
	case OPT_TYPE:
		return TAKES_TYPE;
	case OPT_XML:
		return TAKES_XML;
	default:
		return TAKES_SIGNER;
	}
}

static bool
set_option(struct tool_options *options, int id, const char *value)
{
	switch (id) {
	case OPT_STORE:
		options->store = value;
		break;
	case OPT_OUTPUT:
		options->output = value;
		break;
	case OPT_CA:
		options->ca = value;
		break;
	case OPT_KEY:
		if (options->key_n == KEYS_MAX)
			return false;
		options->keys[options->key_n++] = value;
		break;
	case OPT_CERT:
		options->cert = value;
		break;
	case OPT_LEDGER_KEY:
		options->ledger_key = value;
		break;
	case OPT_NEW_KEY:
		options->new_key = value;
		break;
	case OPT_NEW_CERT:
		options->new_cert = value;
		break;
	case OPT_NEW_LEDGER_KEY:
		options->new_ledger_key = value;
		break;
	case OPT_PROOF:
		if (options->proof_n == PROOFS_MAX)
			return false;
		options->proofs[options->proof_n++] = value;
		break;
	case OPT_TYPE:
		options->type = value;
		break;
	case OPT_XML:
		options->xml = true;
		break;
	default:
		return false;
	}
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

int
main(int argc, char *argv[])
{
	static const struct rlimit no_core = {0, 0};
	struct tool_options options = {0};
	const struct verb *verb;
	unsigned seen = 0;
	int id, used;

	/* private keys do not belong in a core dump */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	while ((id = getopt_long(
	            argc, argv, "s:o:jh", long_options, NULL)) != -1) {
		if (id == OPT_HELP || id == OPT_VERSION) {
			if (id == OPT_HELP)
				print_usage(stdout);
			else
				puts("cpnp-ledger " PACKAGE_VERSION);
			return EXIT_VERIFIED;
		}
		if (id == OPT_JSON) {
			options.json = true;
			continue;
		}
		if (id == '?' || !set_option(&options, id, optarg))
			return usage();
		if (id != OPT_KEY)
			seen |= option_set(id);
	}
	verb = find_verb(argc - optind, argv + optind, &used);
	if (verb == NULL || (seen & ~verb->takes) != 0 ||
	    (options.key_n > 0 && (option_set(OPT_KEY) & verb->takes) == 0) ||
	    argc - optind - used != (verb->operand != NULL))
		return usage();
	options.operand = verb->operand == NULL ? NULL : argv[optind + used];
	return verb->run(&options);
}
