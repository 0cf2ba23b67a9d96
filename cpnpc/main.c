/*
 * cpnpc, the client: the table of its verbs, and the command line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpnpc.h"

static const struct verb {
	const char *name;
	const char *operands;
	int min;
	int max;
	cpnpc_verb_fn *run;
	const char *what;
} verbs[] = {
    {"plan", "FROM TO", 2, 2, cpnpc_verb_plan,
	"over whose networks a service could lead"},
    {"quote", "FILE", 1, 1, cpnpc_verb_quote,
	"ask for an offer, show it and decline it"},
    {"order", "FILE", 1, 1, cpnpc_verb_order,
	"order what the document describes"},
    {"accept", "ORDER", 1, 1, cpnpc_verb_accept, "accept an open offer"},
    {"decline", "ORDER", 1, 1, cpnpc_verb_decline, "decline an open offer"},
    {"cancel", "ORDER", 1, 1, cpnpc_verb_cancel,
	"end an order that is not agreed yet"},
    {"withdraw", "ORDER", 1, 1, cpnpc_verb_withdraw,
	"end an agreement and its service"},
    {"update", "ORDER FILE", 2, 2, cpnpc_verb_update,
	"change an agreement into what the document describes"},
    {"activate", "ORDER", 1, 1, cpnpc_verb_activate,
	"start the service of an agreement"},
    {"deactivate", "ORDER", 1, 1, cpnpc_verb_deactivate,
	"stop it, the agreement goes on"},
    {"show", "ORDER", 1, 1, cpnpc_verb_show, "state, history and terms of one"},
    {"list", "", 0, 0, cpnpc_verb_list, "all orders"},
    {"resume", "[ORDER]", 0, 1, cpnpc_verb_resume,
	"go on with what was interrupted"},
    {"validate", "FILE", 1, 1, cpnpc_verb_validate, "check a document in XML"},
    {"template", "[NAME]", 0, 1, cpnpc_verb_template,
	"print a document to start from"},
    {"decode", "[FILE]", 0, 1, cpnpc_verb_decode, "print a message as JSON"},
};

#define VERBS_N (sizeof(verbs) / sizeof(verbs[0]))
#define OPTIONS_MAX 64

/* An option as it stood on the command line. */
struct given {
	const char *name;
	const char *value;
};

struct command_line {
	struct option options[OPTIONS_MAX];
	char letters[2 * OPTIONS_MAX];
	struct given given[OPTIONS_MAX];
	size_t given_n;
	const char *config;
	bool help;
	bool version;
};

enum { OPT_CONFIG = 1000, OPT_HELP, OPT_VERSION, OPT_SETTING };

static void
print_usage(FILE *f)
{
	size_t i;

	fputs("usage: cpnpc [OPTION]... VERB [OPERAND]\n\nverbs:\n", f);
	for (i = 0; i < VERBS_N; i++)
		fprintf(f, "  %-10s %-10s  %s\n", verbs[i].name,
		    verbs[i].operands, verbs[i].what);
	fputs("\noptions:\n"
	      "  -c, --config FILE       instead of ~/.config/cpnp/cpnpc.conf\n"
	      "  -s, --server HOST[:PORT]\n"
	      "      --domain NAME       whose SRV records name the servers\n"
	      "      --udp               plain UDP instead of DTLS\n"
	      "      --edition EDITION   rfc8921 or draft-02\n"
	      "      --accept WHAT       always, exact, ask or never\n"
	      "      --choose RULE       of several: cheapest, exact, ask\n"
	      "      --max-price AMOUNT  \"1500.00\" or \"1500.00 EUR\"\n"
	      "      --ledger FILE       from which account offers are paid\n"
	      "      --wait SECONDS      give up waiting, the order goes on\n"
	      "      --order-id ID       instead of one made here\n"
	      "      --reason REASON     to decline: gap, conflict or\n"
	      "                          activation-type\n"
	      "      --purpose PURPOSE   permanent or test\n"
	      "      --more-time WHEN    never, as-asked, or until when\n"
	      "      --at TIME           activate then: a date, or \"+2 h\"\n"
	      "      --until TIME        and deactivate then\n"
	      "      --yes               withdraw without asking\n"
	      "      --capacity RATE     of a path, as \"2.5 Gbit/s\"\n"
	      "      --max-delay TIME    of a path, as \"12 ms\"\n"
	      "      --avoid DOMAIN, --pass DOMAIN, as often as needed\n"
	      "      --by ORDER          price or delay\n"
	      "      --store FILE        where orders are kept\n"
	      "  -j, --json              machine-readable output\n"
	      "  -q, --quiet  -v, --verbose\n"
	      "cpnpc(1) has them all.\n",
	    f);
}

static cpnpc_exit
fail_json(cpnpc_exit code, const char *text)
{
	cpnpc_json_print(json_pack("{s:o}", "error",
			     cpnpc_json_text(cpnp_bytes_str(text))),
	    code);
	return code;
}

cpnpc_exit
cpnpc_fail(cpnpc *run, cpnpc_exit code, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fputs("cpnpc: ", stderr);
	cpnpc_put_text(stderr, cpnp_bytes_str(text));
	fputc('\n', stderr);
	if (run->conf.json && !run->failed)
		(void)fail_json(code, text);
	run->failed = true;
	return code;
}

cpnpc_exit
cpnpc_fail_diag(cpnpc *run, cpnpc_exit code, const char *subject, int err,
    const cpnp_diag *diag)
{
	bool has_where =
	    diag->where[0] != '\0' && strcmp(diag->where, subject) != 0;

	return cpnpc_fail(run, code, "%s: %s%s%s", subject,
	    has_where ? diag->where : "", has_where ? ": " : "",
	    diag->why[0] != '\0' ? diag->why : cpnp_strerror(err));
}

void
cpnpc_note(const cpnpc *run, const char *format, ...)
{
	char text[1024];
	va_list ap;

	if (run->conf.quiet)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fputs("cpnpc: ", stderr);
	cpnpc_put_text(stderr, cpnp_bytes_str(text));
	fputc('\n', stderr);
}

static void
report(void *user, const char *line)
{
	cpnpc *run = user;

	(void)cpnpc_fail(run, run->mistake, "%s", line);
}

/* The options of the table of settings, and those of the program itself. */
static void
list_options(struct command_line *line)
{
	size_t i, n = 0, letters = 0;
	const char *name;
	char letter;
	bool has_value;

	for (i = 0; cpnpc_conf_option(i, &name, &letter, &has_value); i++) {
		line->options[n++] = (struct option){name,
		    has_value ? required_argument : no_argument, NULL,
		    letter != 0 ? letter : OPT_SETTING};
		if (letter == 0)
			continue;
		line->letters[letters++] = letter;
		if (has_value)
			line->letters[letters++] = ':';
	}
	line->options[n++] =
	    (struct option){"config", required_argument, NULL, OPT_CONFIG};
	line->options[n++] =
	    (struct option){"help", no_argument, NULL, OPT_HELP};
	line->options[n++] =
	    (struct option){"version", no_argument, NULL, OPT_VERSION};
	line->options[n] = (struct option){0};
	strcpy(line->letters + letters, "c:hV");
}

/* The long name of a letter. */
static const char *
long_name(const struct command_line *line, int letter)
{
	const struct option *o;

	for (o = line->options; o->name != NULL; o++)
		if (o->val == letter)
			return o->name;
	return "";
}

/* Options may stand before and after the verb; getopt_long sorts them. */
static bool
parse(struct command_line *line, int argc, char **argv)
{
	static char name[] = "cpnpc";
	int index, c;

	list_options(line);
	argv[0] = name; /* before what getopt_long says */
	while ((c = getopt_long(
		    argc, argv, line->letters, line->options, &index)) != -1) {
		switch (c) {
		case '?':
			return false;
		case 'c':
		case OPT_CONFIG:
			line->config = optarg;
			break;
		case 'h':
		case OPT_HELP:
			line->help = true;
			break;
		case 'V':
		case OPT_VERSION:
			line->version = true;
			break;
		default:
			if (line->given_n == OPTIONS_MAX) {
				fputs("cpnpc: too many options\n", stderr);
				return false;
			}
			line->given[line->given_n++] = (struct given){
			    c == OPT_SETTING ? line->options[index].name
					     : long_name(line, c),
			    optarg};
			break;
		}
	}
	return true;
}

static int
apply(cpnpc *run, const struct command_line *line)
{
	size_t i;
	int err = 0;

	for (i = 0; i < line->given_n && err == 0; i++)
		err = cpnpc_conf_set(&run->conf, line->given[i].name,
		    line->given[i].value, report, run);
	return err;
}

/* A file that is named must be there; the usual one may be missing. */
static int
read_conf(cpnpc *run, const struct command_line *line)
{
	char *usual = NULL;
	const char *path = line->config;
	struct stat st;
	int err = 0;

	if (path == NULL)
		path = usual = cpnpc_conf_default_path();
	if (path != NULL && (line->config != NULL || stat(path, &st) == 0))
		err = cpnpc_conf_read(&run->conf, path, report, run);
	free(usual);
	return err;
}

/* Command line first, so that its mistakes are told first; then the file,
 * and the command line over it. */
static cpnpc_exit
configure(cpnpc *run, const struct command_line *line)
{
	size_t i;

	/* In which form mistakes are told. */
	for (i = 0; i < line->given_n; i++)
		if (strcmp(line->given[i].name, "json") == 0)
			run->conf.json = true;
	run->mistake = CPNPC_USAGE;
	if (apply(run, line) != 0)
		return CPNPC_USAGE;
	run->mistake = CPNPC_LOCAL;
	cpnpc_conf_fini(&run->conf);
	cpnpc_conf_init(&run->conf);
	for (i = 0; i < line->given_n; i++)
		if (strcmp(line->given[i].name, "json") == 0)
			run->conf.json = true;
	if (read_conf(run, line) != 0 || apply(run, line) != 0)
		return CPNPC_LOCAL;
	run->store = run->conf.store != NULL ? strdup(run->conf.store)
					     : cpnpc_conf_default_store();
	if (run->store == NULL)
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "there is no home directory; expected --store FILE");
	return CPNPC_DONE;
}

/* The command line is not understood, but it may say how to tell that. */
static cpnpc_exit
fail_line(cpnpc *run, char **argv)
{
	for (; *argv != NULL; argv++)
		run->conf.json |= strcmp(*argv, "--json") == 0 ||
				  strcmp(*argv, "-j") == 0;
	return cpnpc_fail(run, CPNPC_USAGE,
	    "an option is wrong; cpnpc --help lists verbs and options");
}

static const struct verb *
find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < VERBS_N; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static cpnpc_exit
run_verb(cpnpc *run, int argc, char **argv)
{
	const struct verb *verb;
	char expected[64];

	if (argc < 1) {
		print_usage(stderr);
		return cpnpc_fail(run, CPNPC_USAGE, "expected a verb");
	}
	verb = find_verb(argv[0]);
	if (verb == NULL)
		return cpnpc_fail(run, CPNPC_USAGE,
		    "%s: there is no such verb; cpnpc --help lists them",
		    argv[0]);
	run->operands = (const char *const *)argv + 1;
	run->operands_n = argc - 1;
	if (run->operands_n < verb->min || run->operands_n > verb->max) {
		snprintf(expected, sizeof(expected), "%s %s", verb->name,
		    verb->operands);
		return cpnpc_fail(
		    run, CPNPC_USAGE, "expected: cpnpc %s", expected);
	}
	return verb->run(run);
}

/* Private keys are in memory while we run: no core dumps of them. */
static void
no_core_dumps(void)
{
	struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
}

int
main(int argc, char **argv)
{
	static struct command_line line;
	cpnpc run = {.stderr_tty = isatty(STDERR_FILENO) == 1};
	cpnpc_exit code;

	(void)setlocale(LC_CTYPE, "");
	no_core_dumps();
	cpnpc_conf_init(&run.conf);
	if (!parse(&line, argc, argv)) {
		code = fail_line(&run, argv);
	} else if (line.help) {
		print_usage(stdout);
		code = CPNPC_DONE;
	} else if (line.version) {
		puts("cpnpc " PACKAGE_VERSION);
		code = CPNPC_DONE;
	} else {
		code = configure(&run, &line);
		if (code == CPNPC_DONE)
			code = run_verb(&run, argc - optind, argv + optind);
	}
	free(run.store);
	cpnpc_conf_fini(&run.conf);
	if (fflush(stdout) != 0 && code == CPNPC_DONE) {
		perror("cpnpc: standard output");
		code = CPNPC_LOCAL;
	}
	return (int)code;
}
