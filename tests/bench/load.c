/*
 * cpnp-load: complete negotiations against a cpnpd, as many as asked for; see
 * cpnp-load(1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

enum { EXIT_ALL = 0, EXIT_LOCAL = 1, EXIT_USAGE = 2, EXIT_NOT_ALL = 3 };

static const char usage_text[] =
    "usage: cpnp-load --server HOST[:PORT] --document FILE.xml [options]\n"
    "  --udp --identity NAME --server-name NAME   plain UDP; else DTLS with\n"
    "  --cert FILE --key FILE --ca FILE [--server-name NAME]\n"
    "  --rate N | --concurrency N   open or closed loop (concurrency 64)\n"
    "  --count N  --duration S      when to stop starting (count 1000)\n"
    "  --timeout S     how long to wait for the last ones (10)\n"
    "  --clients N     sockets or sessions (1)\n"
    "  --source ADDR   address to send from\n"
    "  --no-accept     leave every OFFER unanswered: the orders stay open\n"
    "  --sign          signed ACCEPTs; needs --cert, --key and --ca\n"
    "  --sign-each     the same, each ACCEPT with a signature of its own\n"
    "  --pay FILE      pay as the account in this cpnp-ledger.conf\n"
    "  --pay-wrong WHAT   wrongly: nothing, signature, amount, order, long,\n"
    "                  payer or again: one authorization for all orders\n"
    "  --edition E     rfc8921 or draft-02\n"
    "  --json          the report as one JSON object\n";

enum option_id {
	OPT_SERVER = 1,
	OPT_SERVER_NAME,
	OPT_SOURCE,
	OPT_IDENTITY,
	OPT_CERT,
	OPT_KEY,
	OPT_CA,
	OPT_DOCUMENT,
	OPT_PAY,
	OPT_PAY_WRONG,
	OPT_EDITION,
	OPT_UDP,
	OPT_NO_ACCEPT,
	OPT_SIGN,
	OPT_SIGN_EACH,
	OPT_JSON,
	OPT_RATE,
	OPT_CONCURRENCY,
	OPT_COUNT,
	OPT_DURATION,
	OPT_TIMEOUT,
	OPT_CLIENTS,
	OPT_HELP
};

static const struct option long_options[] = {
    {"server", required_argument, NULL, OPT_SERVER},
    {"server-name", required_argument, NULL, OPT_SERVER_NAME},
    {"source", required_argument, NULL, OPT_SOURCE},
    {"identity", required_argument, NULL, OPT_IDENTITY},
    {"cert", required_argument, NULL, OPT_CERT},
    {"key", required_argument, NULL, OPT_KEY},
    {"ca", required_argument, NULL, OPT_CA},
    {"document", required_argument, NULL, OPT_DOCUMENT},
    {"pay", required_argument, NULL, OPT_PAY},
    {"pay-wrong", required_argument, NULL, OPT_PAY_WRONG},
    {"edition", required_argument, NULL, OPT_EDITION},
    {"udp", no_argument, NULL, OPT_UDP},
    {"no-accept", no_argument, NULL, OPT_NO_ACCEPT},
    {"sign", no_argument, NULL, OPT_SIGN},
    {"sign-each", no_argument, NULL, OPT_SIGN_EACH},
    {"json", no_argument, NULL, OPT_JSON},
    {"rate", required_argument, NULL, OPT_RATE},
    {"concurrency", required_argument, NULL, OPT_CONCURRENCY},
    {"count", required_argument, NULL, OPT_COUNT},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int
usage_error(const char *what, const char *value, const char *why)
{
	(void)fprintf(stderr, "cpnp-load: %s %s: %s\n", what, value, why);
	return CPNP_ERR_INVALID;
}

/* A number from min to max, the whole of the text. */
static int
parse_number(const char *what, double min, double max, double *out)
{
	char why[80], *end;

	errno = 0;
	*out = strtod(optarg, &end);
	if (errno == 0 && end != optarg && *end == '\0' && *out >= min &&
	    *out <= max)
		return 0;
	(void)snprintf(
	    why, sizeof(why), "a number from %g to %g is wanted", min, max);
	return usage_error(what, optarg, why);
}

static int
parse_integer(const char *what, double max, uint64_t *out)
{
	double value;
	int err = parse_number(what, 1, max, &value);

	if (err == 0 && value != (double)(uint64_t)value)
		err = usage_error(what, optarg, "a whole number is wanted");
	if (err == 0)
		*out = (uint64_t)value;
	return err;
}

static int
set_number(struct load_options *o, enum option_id id)
{
	uint64_t n;
	int err;

	switch ((int)id) {
	case OPT_RATE:
		return parse_number("--rate", 0.001, 1e6, &o->rate);
	case OPT_CONCURRENCY:
		return parse_integer("--concurrency", 1e6, &o->concurrency);
	case OPT_COUNT:
		return parse_integer("--count", 1e12, &o->count);
	case OPT_DURATION:
		return parse_number("--duration", 0.001, 1e6, &o->duration);
	case OPT_TIMEOUT:
		return parse_number("--timeout", 0, 1e6, &o->timeout);
	default:
		err = parse_integer("--clients", LOAD_CLIENTS_MAX, &n);
		o->clients = err == 0 ? (unsigned)n : o->clients;
		return err;
	}
}

/* Where the text of an option goes; NULL when it has none. */
static const char **
text_of(struct load_options *o, enum option_id id)
{
	const char **const texts[] = {
	    [OPT_SERVER] = &o->server,
	    [OPT_SERVER_NAME] = &o->server_name,
	    [OPT_SOURCE] = &o->source,
	    [OPT_IDENTITY] = &o->identity,
	    [OPT_CERT] = &o->cert,
	    [OPT_KEY] = &o->key,
	    [OPT_CA] = &o->ca,
	    [OPT_DOCUMENT] = &o->document,
	    [OPT_PAY] = &o->pay,
	    [OPT_PAY_WRONG] = &o->pay_wrong,
	};

	return id < sizeof(texts) / sizeof(texts[0]) ? texts[id] : NULL;
}

static int
set_option(struct load_options *o, enum option_id id)
{
	const char **text = text_of(o, id);

	if (text != NULL) {
		*text = optarg;
		return 0;
	}
	switch ((int)id) {
	case OPT_UDP:
		o->udp = true;
		return 0;
	case OPT_NO_ACCEPT:
		o->goal = CPNP_STATE_OFFER_PROCESSING;
		return 0;
	case OPT_SIGN_EACH:
		o->sign_together = 1;
		o->sign = true;
		return 0;
	case OPT_SIGN:
		o->sign = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_EDITION:
		if (cpnp_edition_parse(optarg, &o->edition) == 0)
			return 0;
		return usage_error(
		    "--edition", optarg, "rfc8921 or draft-02 is wanted");
	default:
		return set_number(o, id);
	}
}

/* What an option needs besides itself. */
static int
check_options(struct load_options *o)
{
	bool keys = o->cert != NULL && o->key != NULL && o->ca != NULL;

	if (o->server == NULL)
		return usage_error("--server", "", "is missing");
	if (o->document == NULL)
		return usage_error("--document", "", "is missing");
	if (o->udp && (o->identity == NULL || o->server_name == NULL))
		return usage_error("--udp", "",
		    "needs --identity and --server-name, as no certificate "
		    "gives the names");
	if (!o->udp && !keys)
		return usage_error(
		    "DTLS", "", "needs --cert, --key and --ca; or use --udp");
	if (o->sign && !keys)
		return usage_error(
		    "--sign", "", "needs --cert, --key and --ca");
	if (o->rate > 0 && o->concurrency > 0)
		return usage_error("--rate", "", "excludes --concurrency");
	if (o->rate <= 0 && o->concurrency == 0)
		o->concurrency = 64;
	if (o->count == 0 && o->duration <= 0)
		o->count = 1000;
	return 0;
}

static int
parse_options(int argc, char **argv, struct load_options *o)
{
	int id, err;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (id == OPT_HELP) {
			(void)fputs(usage_text, stdout);
			exit(EXIT_ALL);
		}
		err = id == '?' ? CPNP_ERR_INVALID
				: set_option(o, (enum option_id)id);
		if (err != 0)
			return err;
	}
	if (optind < argc)
		return usage_error(argv[optind], "", "is no option");
	return check_options(o);
}

/* The document as it goes over the wire. */
static int
read_document(const char *path, const cpnp_env *env, cpnp_buf *out)
{
	static uint8_t text[CPNP_XML_MAX + 1];
	cpnp_diag diag = {.err = 0};
	cpnp_cpd cpd;
	size_t n;
	FILE *file = fopen(path, "rb");
	int err;

	if (file == NULL) {
		(void)fprintf(
		    stderr, "cpnp-load: %s: %s\n", path, strerror(errno));
		return CPNP_ERR_IO;
	}
	n = fread(text, 1, sizeof(text), file);
	(void)fclose(file);
	err = cpnp_cpd_from_xml(
	    &cpd, (cpnp_bytes){text, n}, &env->mem, &diag);
	if (err != 0) {
		(void)fprintf(stderr, "cpnp-load: %s: %s: %s\n", path,
		    diag.where, diag.why);
		return err;
	}
	err = cpnp_cpd_encode(&cpd, out);
	cpnp_cpd_fini(&cpd);
	return err;
}

static const struct {
	const char *name, *key;
	double part;
} percentiles[] = {
    {"p50", "p50_ms", 0.5},
    {"p90", "p90_ms", 0.9},
    {"p99", "p99_ms", 0.99},
    {"p99.9", "p99_9_ms", 0.999},
    {"max", "max_ms", 1},
};
#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

struct summary {
	uint64_t completed, unanswered;
	double seconds, rate, cpu_seconds;
};

static struct summary
summarize(const struct load *load)
{
	struct summary s = {
	    .completed = load->outcomes[load->options.goal],
	    .unanswered = load->started - load->finished,
	    .seconds = (double)(load->end - load->begin) / 1e9,
	};

	s.cpu_seconds = (double)(load->cpu_end - load->cpu_begin) /
	    CLOCKS_PER_SEC;
	s.rate = s.seconds > 0 ? (double)s.completed / s.seconds : 0;
	return s;
}

static double
percentile_ms(const struct load *load, size_t i)
{
	return (double)hist_percentile(&load->latency, percentiles[i].part) /
	    1e6;
}

static void
report_text(const struct load *load, const struct summary *s)
{
	size_t i;

	(void)printf("completed   %llu of %llu in %.3f s: %.1f "
		     "negotiations/s\nlatency ms ",
	    (unsigned long long)s->completed,
	    (unsigned long long)load->started, s->seconds, s->rate);
	for (i = 0; i < PERCENTILES; i++)
		(void)printf(" %s %.3f", percentiles[i].name,
		    percentile_ms(load, i));
	(void)printf("\n");
	for (i = 0; i < LOAD_STATES; i++)
		if (load->outcomes[i] != 0)
			(void)printf("outcome     %s %llu\n",
			    cpnp_state_name((cpnp_state)i),
			    (unsigned long long)load->outcomes[i]);
	for (i = 1; i < LOAD_STATES; i++)
		if (load->statuses[i] != 0)
			(void)printf("refused     %s %llu\n",
			    cpnp_status_text((cpnp_status)i),
			    (unsigned long long)load->statuses[i]);
	(void)printf("unanswered  %llu\nnot started %llu\nsent again  "
		     "%llu\nlate        %llu\n",
	    (unsigned long long)s->unanswered,
	    (unsigned long long)load->not_started,
	    (unsigned long long)load->again, (unsigned long long)load->late);
	for (i = 1; i < LOAD_ERRORS; i++)
		if (load->errors[i] != 0)
			(void)printf("error       %s: %llu\n",
			    cpnp_strerror(-(int)i),
			    (unsigned long long)load->errors[i]);
}

/* Number 0 means nothing in all three lists. */
static void
json_counts(const char *key, const uint64_t *counts, size_t n,
    const char *(*name)(size_t i))
{
	const char *comma = "";
	size_t i;

	(void)printf(",\"%s\":{", key);
	for (i = 1; i < n; i++) {
		if (counts[i] == 0)
			continue;
		(void)printf("%s\"%s\":%llu", comma, name(i),
		    (unsigned long long)counts[i]);
		comma = ",";
	}
	(void)printf("}");
}

static const char *
state_name(size_t i)
{
	return cpnp_state_name((cpnp_state)i);
}

static const char *
status_name(size_t i)
{
	return cpnp_status_text((cpnp_status)i);
}

static const char *
error_name(size_t i)
{
	return cpnp_error_name(-(int)i);
}

static void
report_json(const struct load *load, const struct summary *s)
{
	size_t i;

	(void)printf("{\"started\":%llu,\"completed\":%llu,"
		     "\"seconds\":%.6f,\"cpu_seconds\":%.6f,"
		     "\"rate\":%.3f,\"latency\":{",
	    (unsigned long long)load->started,
	    (unsigned long long)s->completed, s->seconds, s->cpu_seconds,
	    s->rate);
	for (i = 0; i < PERCENTILES; i++)
		(void)printf("%s\"%s\":%.6f", i == 0 ? "" : ",",
		    percentiles[i].key, percentile_ms(load, i));
	(void)printf("}");
	json_counts("outcomes", load->outcomes, LOAD_STATES, state_name);
	json_counts("statuses", load->statuses, LOAD_STATES, status_name);
	json_counts("errors", load->errors, LOAD_ERRORS, error_name);
	(void)printf(",\"unanswered\":%llu,\"not_started\":%llu,"
		     "\"sent_again\":%llu,\"late\":%llu}\n",
	    (unsigned long long)s->unanswered,
	    (unsigned long long)load->not_started,
	    (unsigned long long)load->again, (unsigned long long)load->late);
}

int
main(int argc, char **argv)
{
	static struct load load;
	struct summary summary;
	int err;

	load.options = (struct load_options){
	    .edition = CPNP_EDITION_RFC8921,
	    .goal = CPNP_STATE_COMPLETED,
	    .timeout = 10,
	    .clients = 1,
	    .sign_together = CPNP_SIGN_BATCH_MAX,
	};
	if (parse_options(argc, argv, &load.options) != 0) {
		(void)fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	load.env = cpnp_env_openssl();
	cpnp_buf_init(&load.service, &load.env->mem, CPNP_CPD_MAX);
	err = read_document(
	    load.options.document, load.env, &load.service);
	if (err == 0)
		err = load_pay_open(&load);
	if (err == 0) {
		err = load_run(&load);
		if (err != 0)
			(void)fprintf(stderr, "cpnp-load: %s\n",
			    cpnp_strerror(err));
	}
	load_pay_close(&load);
	cpnp_buf_fini(&load.service);
	if (err != 0)
		return EXIT_LOCAL;
	summary = summarize(&load);
	if (load.options.json)
		report_json(&load, &summary);
	else
		report_text(&load, &summary);
	return summary.completed == load.started ? EXIT_ALL : EXIT_NOT_ALL;
}
