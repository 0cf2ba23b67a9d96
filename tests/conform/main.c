/*
 * cpnp-conform: run the clauses against a server and say what each found.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conform.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define TIMEOUT_MS 3000
#define TIMEOUT_MS_MAX 600000
#define QUIET_MS 200
#define RATE 1000000 /* bit/s that the built-in document asks for */

static const struct clause_group *const groups[] = {&form_clauses,
    &value_clauses, &cookie_clauses, &part_clauses, &order_clauses,
    &check_clauses, &number_clauses, &agreement_clauses};

#define GROUPS_N (sizeof(groups) / sizeof(groups[0]))

static const char *const edition_names[] = {"draft-02", "rfc8921"};
static const char *const verdict_names[] = {"pass", "fail", "skip"};

struct run {
	struct options options;
	const char *server;
	const char *only, *except;
	bool editions[2];
	bool list, json;
	unsigned counts[3];
	unsigned n;
};

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: cpnp-conform [option ...] host:port\n"
	    "       cpnp-conform --list | --help | --version\n");
}

static void
help(void)
{
	usage(stdout);
	printf("\n"
	    "Hold a CPNP server to RFC 8921, draft-02 and cpnp-wire(7).\n\n"
	    "      --dtls              DTLS 1.2; the default is plain UDP\n"
	    "      --cert FILE         our certificate, PEM\n"
	    "      --key FILE          its private key, PEM\n"
	    "      --ca FILE           authority of the server, PEM\n"
	    "      --server-name NAME  name in the server's certificate\n"
	    "      --source ADDRESS    address to send from\n"
	    "      --other-cert FILE   certificate of a second customer\n"
	    "      --other-key FILE    its private key\n"
	    "      --other-source ADDRESS\n"
	    "                          address of a second customer\n"
	    "      --edition EDITION   rfc8921, draft-02 or both (default)\n"
	    "      --cpd FILE          what is ordered, CBOR\n"
	    "      --cpd-update FILE   what an UPDATE asks for, CBOR\n"
	    "      --timeout MS        wait for an answer (3000)\n"
	    "      --silence MS        wait to call it silence (200)\n"
	    "      --slow              clauses that wait for timers as well\n"
	    "      --only ID[,ID...]   these clauses, or those that begin so "
	    "(\"WIRE-*\")\n"
	    "      --except ID[,ID...] all but these\n"
	    "      --seed N            repeat a run\n"
	    "      --list              print the clauses\n"
	    "      --json              one JSON object for each line\n"
	    "  -V, --version           print the version\n"
	    "  -h, --help              print this\n\n"
	    "Exit status: 0 all pass, 1 some fail, 2 usage, or there is no "
	    "server.\n");
}

/* ---- options ------------------------------------------------------------ */

enum {
	OPT_DTLS = 256,
	OPT_CERT,
	OPT_KEY,
	OPT_CA,
	OPT_SERVER_NAME,
	OPT_SOURCE,
	OPT_OTHER_CERT,
	OPT_OTHER_KEY,
	OPT_OTHER_SOURCE,
	OPT_EDITION,
	OPT_CPD,
	OPT_CPD_UPDATE,
	OPT_TIMEOUT,
	OPT_SILENCE,
	OPT_SLOW,
	OPT_ONLY,
	OPT_EXCEPT,
	OPT_SEED,
	OPT_LIST,
	OPT_JSON
};

static const struct option option_list[] = {
	{"dtls", no_argument, NULL, OPT_DTLS},
	{"cert", required_argument, NULL, OPT_CERT},
	{"key", required_argument, NULL, OPT_KEY},
	{"ca", required_argument, NULL, OPT_CA},
	{"server-name", required_argument, NULL, OPT_SERVER_NAME},
	{"source", required_argument, NULL, OPT_SOURCE},
	{"other-cert", required_argument, NULL, OPT_OTHER_CERT},
	{"other-key", required_argument, NULL, OPT_OTHER_KEY},
	{"other-source", required_argument, NULL, OPT_OTHER_SOURCE},
	{"edition", required_argument, NULL, OPT_EDITION},
	{"cpd", required_argument, NULL, OPT_CPD},
	{"cpd-update", required_argument, NULL, OPT_CPD_UPDATE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"silence", required_argument, NULL, OPT_SILENCE},
	{"slow", no_argument, NULL, OPT_SLOW},
	{"only", required_argument, NULL, OPT_ONLY},
	{"except", required_argument, NULL, OPT_EXCEPT},
	{"seed", required_argument, NULL, OPT_SEED},
	{"list", no_argument, NULL, OPT_LIST},
	{"json", no_argument, NULL, OPT_JSON},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}};

static bool
complain(const char *what, const char *expected)
{
	fprintf(stderr, "cpnp-conform: %s: expected %s\n", what, expected);
	return false;
}

static bool
parse_number(const char *option, const char *text, uint64_t max,
    uint64_t *value)
{
	char *end, expected[64];

	*value = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *value <= max)
		return true;
	(void)snprintf(expected, sizeof(expected),
	    "a number up to %llu after %s", (unsigned long long)max, option);
	return complain(text, expected);
}

static bool
parse_edition(struct run *run, const char *text)
{
	run->editions[RFC8921] =
	    strcmp(text, "rfc8921") == 0 || strcmp(text, "both") == 0;
	run->editions[DRAFT02] =
	    strcmp(text, "draft-02") == 0 || strcmp(text, "both") == 0;
	return run->editions[RFC8921] || run->editions[DRAFT02] ||
	    complain(text, "rfc8921, draft-02 or both");
}

/* A service description, [type, body], or the body of a CPD alone. */
static bool
read_cpd(const char *file, struct bytes *out)
{
	static struct bytes raw;
	FILE *in = fopen(file, "rb");
	struct reader r;
	struct span item;

	if (in == NULL)
		return complain(file, "a file that can be read");
	raw.n = fread(raw.b, 1, sizeof(raw.b), in);
	(void)fclose(in);
	r = reader_of(span_of(&raw));
	if (raw.n == 0 || !get_item(&r, &item) || r.at != r.end)
		return complain(file,
		    r.wrong != NULL ? r.wrong
				    : "one item of deterministic CBOR");
	out->n = 0;
	out->full = false;
	if (raw.b[0] >> 5 == MAJOR_MAP) {
		put_head(out, MAJOR_ARRAY, 2);
		put_uint(out, 0);
	}
	put_raw(out, span_of(&raw));
	return !out->full || complain(file, "a shorter document");
}

/* Where the text of an option goes; NULL for another option. */
static const char **
text_slot(struct run *run, int c)
{
	struct link_config *link = &run->options.link;

	switch (c) {
	case OPT_CERT:
		return &link->cert[WE];
	case OPT_KEY:
		return &link->key[WE];
	case OPT_CA:
		return &link->ca;
	case OPT_SERVER_NAME:
		return &link->server_name;
	case OPT_SOURCE:
		return &link->source[WE];
	case OPT_OTHER_CERT:
		return &link->cert[OTHER];
	case OPT_OTHER_KEY:
		return &link->key[OTHER];
	case OPT_OTHER_SOURCE:
		return &link->source[OTHER];
	case OPT_ONLY:
		return &run->only;
	case OPT_EXCEPT:
		return &run->except;
	default:
		return NULL;
	}
}

/* Likewise for one that has no argument. */
static bool *
flag_slot(struct run *run, int c)
{
	switch (c) {
	case OPT_DTLS:
		return &run->options.link.dtls;
	case OPT_SLOW:
		return &run->options.slow;
	case OPT_LIST:
		return &run->list;
	case OPT_JSON:
		return &run->json;
	default:
		return NULL;
	}
}

static bool
parse_milliseconds(const char *option, const char *arg, int *ms)
{
	uint64_t n;

	if (!parse_number(option, arg, TIMEOUT_MS_MAX, &n))
		return false;
	*ms = (int)n;
	return true;
}

/* 1 to go on, 0 when all is done, -1 when something is wrong. */
static int
parse_option(struct run *run, int c, const char *arg)
{
	struct options *o = &run->options;
	const char **text = text_slot(run, c);
	bool *flag = flag_slot(run, c), ok = true;

	if (text != NULL)
		*text = arg;
	if (flag != NULL)
		*flag = true;
	if (text != NULL || flag != NULL)
		return 1;
	switch (c) {
	case OPT_EDITION:
		ok = parse_edition(run, arg);
		break;
	case OPT_CPD:
		ok = read_cpd(arg, &o->cpd);
		if (ok && o->built_in)
			o->cpd_update = o->cpd;
		o->built_in = false;
		break;
	case OPT_CPD_UPDATE:
		ok = read_cpd(arg, &o->cpd_update);
		o->built_in = false;
		break;
	case OPT_TIMEOUT:
		ok = parse_milliseconds("--timeout", arg, &o->timeout_ms);
		break;
	case OPT_SILENCE:
		ok = parse_milliseconds("--silence", arg, &o->quiet_ms);
		break;
	case OPT_SEED:
		ok = parse_number("--seed", arg, INT64_MAX, &o->seed);
		break;
	case 'V':
		printf("cpnp-conform %s, editions rfc8921 and draft-02\n",
		    PACKAGE_VERSION);
		return 0;
	case 'h':
		help();
		return 0;
	default:
		usage(stderr);
		return -1;
	}
	return ok ? 1 : -1;
}

static bool
check_options(struct run *run, int argc, char **argv)
{
	struct link_config *link = &run->options.link;

	if (run->list)
		return optind == argc || complain(argv[optind], "nothing");
	if (optind != argc - 1) {
		usage(stderr);
		return false;
	}
	run->server = argv[optind];
	if (link->dtls && (link->cert[WE] == NULL || link->key[WE] == NULL))
		return complain("--dtls", "--cert and --key with it");
	if ((link->cert[OTHER] == NULL) != (link->key[OTHER] == NULL))
		return complain("--other-cert", "--other-key with it");
	if (!link->dtls && (link->cert[WE] != NULL || link->ca != NULL))
		return complain("--cert and --ca", "--dtls with them");
	return true;
}

static int
parse(struct run *run, int argc, char **argv)
{
	struct options *o = &run->options;
	int c, go_on;

	o->timeout_ms = TIMEOUT_MS;
	o->quiet_ms = QUIET_MS;
	o->seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)link_clock();
	o->built_in = true;
	cpd_write(&o->cpd, RATE, true);
	cpd_write(&o->cpd_update, 2 * RATE, true);
	run->editions[RFC8921] = run->editions[DRAFT02] = true;
	while ((c = getopt_long(argc, argv, "hV", option_list, NULL)) != -1) {
		go_on = parse_option(run, c, optarg);
		if (go_on != 1)
			return go_on;
	}
	o->link.timeout_ms = o->timeout_ms;
	return check_options(run, argc, argv) ? 1 : -1;
}

/* ---- clauses ------------------------------------------------------------ */

/* "ID", or "BEGINNING*", in a list with commas. */
static bool
is_in(const char *list, const char *id)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ",");
		bool is_prefix = n > 0 && list[n - 1] == '*';

		if (strncmp(list, id, n - is_prefix) == 0 &&
		    (is_prefix || id[n] == '\0'))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static bool
is_chosen(const struct run *run, const char *id)
{
	return (run->only == NULL || is_in(run->only, id)) &&
	    (run->except == NULL || !is_in(run->except, id));
}

static const char *
why_not(const struct options *o, const struct clause *clause)
{
	if ((clause->needs & NEEDS_UDP) != 0 && o->link.dtls)
		return "DTLS proves addresses itself";
	if ((clause->needs & NEEDS_SLOW) != 0 && !o->slow)
		return "it waits for a timer, see --slow";
	if ((clause->needs & NEEDS_OTHER) != 0 && o->link.dtls &&
	    o->link.cert[OTHER] == NULL)
		return "it needs --other-cert and --other-key";
	if ((clause->needs & NEEDS_OTHER) != 0 && !o->link.dtls &&
	    o->link.source[OTHER] == NULL)
		return "it needs --other-source";
	if ((clause->needs & NEEDS_BUILT_IN) != 0 && !o->built_in)
		return "it needs the built-in document, not --cpd";
	return NULL;
}

static void
print_json(json_t *object)
{
	char *line = json_dumps(object, JSON_PRESERVE_ORDER);

	if (line != NULL)
		printf("%s\n", line);
	free(line);
	json_decref(object);
}

static void
report(struct run *run, const struct trial *t)
{
	const char *id = t->clause->id[t->edition];

	run->n++;
	run->counts[t->verdict]++;
	if (run->json) {
		print_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id,
		    "edition", edition_names[t->edition], "result",
		    verdict_names[t->verdict], "title", t->clause->title,
		    "detail", t->detail));
	} else {
		printf("%sok %u - %s %s: %s%s%s\n",
		    t->verdict == FAILED ? "not " : "", run->n, id,
		    edition_names[t->edition], t->clause->title,
		    t->verdict == SKIPPED ? " # SKIP " : "",
		    t->verdict == SKIPPED ? t->detail : "");
		if (t->verdict == FAILED)
			printf("# %s\n", t->detail);
	}
	(void)fflush(stdout);
}

static void
run_clause(struct run *run, struct trial *t, const struct clause *clause)
{
	const char *why = why_not(t->options, clause);

	t->clause = clause;
	t->verdict = PASSED;
	t->detail[0] = '\0';
	if (why != NULL)
		(void)skips(t, "%s", why);
	else if (!clause->run(t) && t->verdict == PASSED)
		(void)fails(t, "it did not come to its end");
	report(run, t);
	trial_end(t);
}

static void
each_clause(struct run *run, struct trial *t, enum edition edition)
{
	for (size_t g = 0; g < GROUPS_N; g++) {
		for (size_t i = 0; i < groups[g]->n; i++) {
			const struct clause *c = &groups[g]->clauses[i];
			const char *id = c->id[edition];

			if (id == NULL || !is_chosen(run, id))
				continue;
			if (t != NULL)
				run_clause(run, t, c);
			else
				printf("%s %s: %s\n", id,
				    edition_names[edition], c->title);
		}
	}
}

/* Is there a server at all? */
static bool
reaches(struct trial *t)
{
	if (trial_link(t, WE) != NULL)
		return true;
	fprintf(stderr, "cpnp-conform: no CPNP server: %s\n", t->detail);
	return false;
}

static int
run_all(struct run *run)
{
	struct trial *t = calloc(1, sizeof(*t));
	int code = EXIT_USAGE;

	if (t == NULL) {
		fprintf(stderr, "cpnp-conform: out of memory\n");
		return EXIT_USAGE;
	}
	t->options = &run->options;
	t->random = run->options.seed;
	for (int edition = RFC8921; edition >= DRAFT02; edition--) {
		if (!run->editions[edition])
			continue;
		t->edition = (enum edition)edition;
		if (!reaches(t))
			goto out;
		each_clause(run, t, t->edition);
	}
	if (run->n == 0) {
		(void)complain("--only and --except", "ids of --list");
		goto out;
	}
	if (run->json)
		print_json(json_pack("{s:i, s:i, s:i, s:I}", "passed",
		    (int)run->counts[PASSED], "failed",
		    (int)run->counts[FAILED], "skipped",
		    (int)run->counts[SKIPPED], "seed",
		    (json_int_t)run->options.seed));
	else
		printf("1..%u\n# %u passed, %u failed, %u skipped; seed %llu\n",
		    run->n, run->counts[PASSED], run->counts[FAILED],
		    run->counts[SKIPPED],
		    (unsigned long long)run->options.seed);
	code = run->counts[FAILED] > 0 ? EXIT_FAILED : 0;
out:
	for (int who = 0; who < WHO_END; who++)
		link_close(t->link[who]);
	free(t);
	return code;
}

int
main(int argc, char **argv)
{
	static struct run run;
	char why[512];
	int go_on = parse(&run, argc, argv);

	if (go_on != 1)
		return go_on == 0 ? 0 : EXIT_USAGE;
	if (run.list) {
		for (int e = RFC8921; e >= DRAFT02; e--)
			if (run.editions[e])
				each_clause(&run, NULL, (enum edition)e);
		return 0;
	}
	if (!link_resolve(
		&run.options.link, run.server, why, sizeof(why))) {
		fprintf(stderr, "cpnp-conform: %s\n", why);
		return EXIT_USAGE;
	}
	return run_all(&run);
}
