/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/message.h>

#include "daemon.h"
#include "privileges.h"

#define EXIT_CONFIG 1
#define EXIT_USAGE 2
#define DEFAULT_FILE SYSCONFDIR "/cpnp/cpnpd.conf"

struct options {
	const char *file;
	bool test;
	bool verbose;
};

static void
usage(FILE *to)
{
	fprintf(to, "usage: cpnpd [-tv] [-c file]\n"
	    "       cpnpd --help | --version\n");
}

static void
help(void)
{
	usage(stdout);
	printf("\n"
	    "The server of the Connectivity Provisioning Negotiation "
	    "Protocol.\n\n"
	    "  -c, --config FILE  configuration (" DEFAULT_FILE ")\n"
	    "  -t, --test         check configuration, certificates and "
	    "catalogue, and exit\n"
	    "  -v, --verbose      log what debugging needs\n"
	    "  -V, --version      print the version and exit\n"
	    "  -h, --help         print this and exit\n\n"
	    "Exit status: 0 done, 1 it cannot start or the configuration is "
	    "wrong, 2 usage.\n"
	    "See cpnpd(8), cpnpd.conf(5), cpnp-catalogue(5).\n");
}

/* 0 to go on, -1 to exit with *code. */
static int
parse(int argc, char **argv, struct options *o, int *code)
{
	static const struct option list[] = {
		{"config", required_argument, NULL, 'c'},
		{"test", no_argument, NULL, 't'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int c;

	*code = 0;
	while ((c = getopt_long(argc, argv, "c:tvdVh", list, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 't':
			o->test = true;
			break;
		case 'v':
		case 'd':
			o->verbose = true;
			break;
		case 'V':
			printf("cpnpd %s, editions rfc8921 and draft-02\n",
			    PACKAGE_VERSION);
			return -1;
		case 'h':
			help();
			return -1;
		default:
			usage(stderr);
			*code = EXIT_USAGE;
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "cpnpd: there is no argument \"%s\"\n",
		    argv[optind]);
		usage(stderr);
		*code = EXIT_USAGE;
		return -1;
	}
	return 0;
}

static void
report_line(void *user, const char *line)
{
	(void)user;
	fprintf(stderr, "cpnpd: %s\n", line);
}

int
main(int argc, char **argv)
{
	struct options o = {DEFAULT_FILE, false, false};
	cpnp_conf *conf = NULL;
	cpnp_diag diag = {0};
	int code, err;

	if (parse(argc, argv, &o, &code) != 0)
		return code;
	if (cpnp_privileges_no_core(&diag) != 0) {
		fprintf(stderr, "cpnpd: %s: %s\n", diag.where, diag.why);
		return EXIT_CONFIG;
	}
	err = cpnp_conf_load(
	    &conf, o.file, cpnp_now_read().wall, report_line, NULL);
	if (err != 0) {
		if (err != CPNP_ERR_CONFIG)
			fprintf(stderr, "cpnpd: %s: %s\n", o.file,
			    cpnp_strerror(err));
		return EXIT_CONFIG;
	}
	if (o.test) {
		code = cpnpd_check(conf);
		if (code == 0)
			printf("%s: ok\n", o.file);
	} else {
		cpnp_log_open(conf->log.destination == 1,
		    o.verbose ? CPNP_LOG_DEBUG
			      : (cpnp_log_level)conf->log.level);
		code = cpnpd_serve(conf);
	}
	cpnp_conf_del(conf);
	return code;
}
