/*
 * cpnpctl: one request over the control socket of cpnpd, cpnpctl(8).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cpnpctl.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 2
#define DEFAULT_FILE SYSCONFDIR "/cpnp/cpnpd.conf"

struct options {
	const char *config;
	const char *socket;
	bool json;
};

/* Options of a verb become members of its request, operands too. */
static const struct verb {
	const char *name;
	const char *usage;
	const char *word;    /* between the verb and its operand */
	const char *operand; /* member; NULL: none */
	const char *text;
} verbs[] = {
	{"status", "", NULL, NULL, "what the daemon does"},
	{"orders", "[--open] [--customer NAME] [--state STATE]", NULL, NULL,
	    "list orders"},
	{"show", "[--customer NAME] ORDER", NULL, "order",
	    "one order, with its terms and history"},
	{"customers", "", NULL, NULL, "customers and what they hold"},
	{"counters", "", NULL, NULL,
	    "messages, refusals and drops by reason, queues"},
	{"events", "[--follow] [--from NUMBER] [--limit NUMBER]", NULL, NULL,
	    "changes of state, one after the other"},
	{"pending", "[--customer NAME]", NULL, NULL,
	    "orders that wait for an administrator"},
	{"approve", "[--customer NAME] [--wait NUMBER] [--cost AMOUNT] "
	    "[--validity TIME] [--service FILE] ORDER", NULL, "order",
	    "decide an order that waits again, and offer"},
	{"reject", "[--customer NAME] [--wait NUMBER] [--status STATUS] "
	    "[--reason TEXT] ORDER", NULL, "order",
	    "refuse an order that waits"},
	{"activate", "[--customer NAME] ORDER", NULL, "order",
	    "the service of an agreement runs"},
	{"deactivate", "[--customer NAME] ORDER", NULL, "order",
	    "it does not run any more"},
	{"log", "level LEVEL", "level", "level",
	    "log error, warning, info or debug"},
	{"drain", "[--off]", NULL, NULL, "refuse new orders"},
	{"reload", "", NULL, NULL, "read the configuration again"},
	{"stop", "", NULL, NULL, "stop the daemon"},
	{"backup", "FILE", NULL, "file", "copy the store"},
	{"resume-after-restore", "--accept-loss", NULL, NULL,
	    "serve with a store that is not the newest"},
};

#define VERBS_N (sizeof(verbs) / sizeof(verbs[0]))

static int __attribute__((format(printf, 2, 3)))
fail(int code, const char *format, ...)
{
	va_list ap;

	fputs("cpnpctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

static void
usage(FILE *to)
{
	fprintf(to, "usage: cpnpctl [-j] [-c file | -s socket] verb "
	    "[operand]\n       cpnpctl --help | --version\n");
}

static void
help(void)
{
	size_t i;
	char line[160];

	usage(stdout);
	printf("\nControls a running cpnpd.\n\n"
	    "  -c, --config FILE  its configuration, which names the socket\n"
	    "                     (" DEFAULT_FILE ")\n"
	    "  -s, --socket FILE  the socket itself\n"
	    "  -j, --json         print each object as a line of JSON\n"
	    "  -V, --version      print the version and exit\n"
	    "  -h, --help         print this and exit\n\n");
	for (i = 0; i < VERBS_N; i++) {
		snprintf(line, sizeof(line), "%s %s", verbs[i].name,
		    verbs[i].usage);
		printf("  %s\n      %s\n", line, verbs[i].text);
	}
	printf("\nExit status: 0 done, 1 refused or not reached, 2 usage.\n"
	    "See cpnpctl(8).\n");
}

/* ---- the request ---- */

static void
set_text(json_t *request, const char *member, const char *text)
{
	json_t *value = json_string(text);

	if (value == NULL)
		exit(fail(EXIT_USAGE, "\"%s\" is not UTF-8", text));
	(void)json_object_set_new(request, member, value);
}

static bool
set_number(json_t *request, const char *member, const char *text)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    number > INT64_MAX) {
		fail(0, "--%s \"%s\" is no number; expected a whole one from "
		    "0 on", member, text);
		return false;
	}
	(void)json_object_set_new(
	    request, member, json_integer((json_int_t)number));
	return true;
}

/* The daemon has another directory. */
static void
set_file(json_t *request, const char *member, const char *name)
{
	char path[2 * PATH_MAX], here[PATH_MAX];

	if (name[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%s/%s", here, name);
	set_text(request, member, path);
}

/* Returns the exit status when there is something to say, else -1. */
static int
parse_option(int c, struct options *o, json_t *request)
{
	switch (c) {
	case 'c':
		o->config = optarg;
		return -1;
	case 's':
		o->socket = optarg;
		return -1;
	case 'j':
		o->json = true;
		return -1;
	case 'C':
		set_text(request, "customer", optarg);
		return -1;
	case 'S':
		set_text(request, "state", optarg);
		return -1;
	case 'O':
		(void)json_object_set_new(request, "open", json_true());
		return -1;
	case 'X':
		(void)json_object_set_new(request, "off", json_true());
		return -1;
	case 'F':
		(void)json_object_set_new(request, "follow", json_true());
		return -1;
	case 'N':
		return set_number(request, "from", optarg) ? -1 : EXIT_USAGE;
	case 'L':
		return set_number(request, "limit", optarg) ? -1 : EXIT_USAGE;
	case 'W':
		return set_number(request, "wait", optarg) ? -1 : EXIT_USAGE;
	case 'A':
		(void)json_object_set_new(
		    request, "accept_loss", json_true());
		return -1;
	case 'a':
		set_text(request, "cost", optarg);
		return -1;
	case 'v':
		set_text(request, "validity", optarg);
		return -1;
	case 'f':
		set_file(request, "service", optarg);
		return -1;
	case 'r':
		set_text(request, "reason", optarg);
		return -1;
	case 't':
		set_text(request, "status", optarg);
		return -1;
	case 'V':
		printf("cpnpctl %s\n", PACKAGE_VERSION);
		return 0;
	case 'h':
		help();
		return 0;
	default:
		usage(stderr);
		return EXIT_USAGE;
	}
}

static int
parse_operands(int n, char **operands, json_t *request,
    const struct verb **verb)
{
	size_t i;
	int at = 1;

	for (i = 0; n > 0 && i < VERBS_N; i++)
		if (strcmp(verbs[i].name, operands[0]) == 0)
			*verb = &verbs[i];
	if (*verb == NULL) {
		usage(stderr);
		return n == 0 ? EXIT_USAGE : fail(EXIT_USAGE,
		    "there is no verb \"%s\"; cpnpctl --help lists them",
		    operands[0]);
	}
	if ((*verb)->word != NULL &&
	    (at >= n || strcmp(operands[at++], (*verb)->word) != 0))
		goto wrong;
	if ((*verb)->operand != NULL && at >= n)
		goto wrong;
	if ((*verb)->operand != NULL &&
	    strcmp((*verb)->operand, "file") == 0)
		set_file(request, "file", operands[at++]);
	else if ((*verb)->operand != NULL)
		set_text(request, (*verb)->operand, operands[at++]);
	if (at < n)
		goto wrong;
	set_text(request, "verb", (*verb)->name);
	return -1;
wrong:
	return fail(EXIT_USAGE, "expected: cpnpctl %s %s", (*verb)->name,
	    (*verb)->usage);
}

static int
parse(int argc, char **argv, struct options *o, json_t *request,
    const struct verb **verb)
{
	static const struct option list[] = {
		{"config", required_argument, NULL, 'c'},
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"customer", required_argument, NULL, 'C'},
		{"state", required_argument, NULL, 'S'},
		{"open", no_argument, NULL, 'O'},
		{"off", no_argument, NULL, 'X'},
		{"follow", no_argument, NULL, 'F'},
		{"from", required_argument, NULL, 'N'},
		{"limit", required_argument, NULL, 'L'},
		{"wait", required_argument, NULL, 'W'},
		{"accept-loss", no_argument, NULL, 'A'},
		{"cost", required_argument, NULL, 'a'},
		{"validity", required_argument, NULL, 'v'},
		{"service", required_argument, NULL, 'f'},
		{"reason", required_argument, NULL, 'r'},
		{"status", required_argument, NULL, 't'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int c, code;

	while ((c = getopt_long(argc, argv, "c:s:jVh", list, NULL)) != -1) {
		code = parse_option(c, o, request);
		if (code != -1)
			return code;
	}
	return parse_operands(argc - optind, argv + optind, request, verb);
}

/* ---- the socket ---- */

static void __attribute__((format(printf, 2, 0)))
on_mistake(cfg_t *cfg, const char *format, va_list ap)
{
	(void)cfg;
	(void)format;
	(void)ap;
}

/* Only the names are wanted; cpnpd says what is wrong with the rest, and what
 * stands before a mistake counts, so that a file that is being mended does
 * not keep anybody from the daemon. */
static char *
socket_of(const char *file)
{
	cfg_opt_t options[] = {
		CFG_STR("control-socket", NULL, CFGF_NONE),
		CFG_STR("store", NULL, CFGF_NONE),
		CFG_END()};
	cfg_t *cfg = cfg_init(options, CFGF_IGNORE_UNKNOWN);
	const char *path, *store;
	char *out = NULL;

	if (cfg == NULL)
		return NULL;
	cfg_set_error_function(cfg, on_mistake);
	if (cfg_parse(cfg, file) != CFG_FILE_ERROR) {
		path = cfg_getstr(cfg, "control-socket");
		store = cfg_getstr(cfg, "store");
		if (path != NULL)
			out = strdup(path);
		else if (store != NULL &&
		    (out = malloc(strlen(store) + sizeof(".sock"))) != NULL)
			(void)sprintf(out, "%s.sock", store);
	}
	cfg_free(cfg);
	return out;
}

static int
dial(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool
send_request(int fd, const json_t *request)
{
	char *line = json_dumps(request, JSON_COMPACT);
	size_t len = line == NULL ? 0 : strlen(line), at = 0;
	ssize_t n = -1;

	if (line == NULL)
		return false;
	line[len++] = '\n'; /* in the place of the NUL */
	while (at < len &&
	    (n = send(fd, line + at, len - at, MSG_NOSIGNAL)) > 0)
		at += (size_t)n;
	free(line);
	return at == len;
}

/* Print what comes until the end of the answer. */
static int
receive(FILE *from, const char *verb, bool as_json)
{
	char *line = NULL;
	size_t size = 0, n = 0;
	json_t *object = NULL;
	const char *error;
	int code = -1;

	/* Whoever follows wants each line when it is there. */
	if (strcmp(verb, "events") == 0)
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while (code == -1 && getline(&line, &size, from) > 0) {
		object = json_loads(line, 0, NULL);
		error = json_string_value(json_object_get(object, "error"));
		if (object == NULL)
			code = fail(EXIT_REFUSED, "the answer is no JSON");
		else if (json_object_get(object, "end") != NULL)
			code = error == NULL ? 0
			    : fail(EXIT_REFUSED, "%s", error);
		else if (as_json)
			fputs(line, stdout);
		else
			cpnpctl_print(verb, object, n);
		n++;
		json_decref(object);
	}
	free(line);
	if (code == -1)
		return fail(EXIT_REFUSED, "the connection was closed before "
		    "the end of the answer");
	if (fflush(stdout) != 0)
		return fail(EXIT_REFUSED, "standard output: %s",
		    strerror(errno));
	return code;
}

static int
run(const struct options *o, const struct verb *verb, const json_t *request)
{
	char *path = o->socket != NULL ? strdup(o->socket)
				       : socket_of(o->config);
	FILE *from;
	int fd, code;

	if (path == NULL)
		return fail(EXIT_REFUSED, "%s: names no control-socket and no "
		    "store; expected -c with a configuration of cpnpd, or -s "
		    "with its socket", o->config);
	fd = dial(path);
	from = fd < 0 ? NULL : fdopen(fd, "r");
	if (from == NULL)
		code = fail(EXIT_REFUSED, "%s: %s; is cpnpd running?", path,
		    strerror(errno));
	else if (!send_request(fd, request))
		code = fail(EXIT_REFUSED, "%s: the request could not be "
		    "sent: %s", path, strerror(errno));
	else
		code = receive(from, verb->name, o->json);
	if (from != NULL)
		fclose(from);
	free(path);
	return code;
}

int
main(int argc, char **argv)
{
	struct options o = {DEFAULT_FILE, NULL, false};
	const struct verb *verb = NULL;
	json_t *request = json_object();
	int code = parse(argc, argv, &o, request, &verb);

	if (code == -1)
		code = run(&o, verb, request);
	json_decref(request);
	return code;
}
