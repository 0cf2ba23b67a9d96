/*
 * cpnp-ledger.conf(5), and the command line over it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"

#define PATH_LEN 4096

static const char *
default_path(char path[PATH_LEN])
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		(void)snprintf(path, PATH_LEN, "%s/cpnp/cpnp-ledger.conf",
		    config);
	else if (home != NULL)
		(void)snprintf(path, PATH_LEN,
		    "%s/.config/cpnp/cpnp-ledger.conf", home);
	else
		return NULL;
	return access(path, F_OK) == 0 ? path : NULL;
}

/* Given on the command line, it is taken as it is. */
static void
override(char **at, const char *value)
{
	if (value == NULL)
		return;
	free(*at);
	*at = strdup(value);
}

int
ledger_conf_load(
    const struct tool_options *options, struct cpnp_ledger_conf *conf)
{
	char found[PATH_LEN];
	const char *path = tool_value(options, "config");
	cpnp_diag diag = {.err = 0};
	size_t i;
	int code = 0;

	if (path == NULL)
		path = default_path(found);
	if (cpnp_ledger_conf_load(conf, path, &diag) != 0)
		return tool_fail_diag(options, path, &diag);
	override(&conf->genesis, tool_value(options, "genesis"));
	override(&conf->store, options->store);
	override(&conf->backend, tool_value(options, "backend"));
	override(&conf->account, tool_value(options, "account"));
	override(&conf->key_file, tool_value(options, "key-file"));
	for (i = 0; i < options->given_n && code == 0; i++)
		if (strcmp(options->given[i].name, "setting") == 0 &&
		    cpnp_ledger_conf_add_setting(
		        conf, options->given[i].value, &diag) != 0)
			code = tool_fail_diag(options, "setting", &diag);
	if (code == 0 && conf->genesis == NULL)
		code = tool_fail(options, "genesis", "needed, in "
		    "cpnp-ledger.conf or by --genesis: the file with which "
		    "the log begins");
	if (code == 0 && conf->backend == NULL)
		code = tool_fail(options, "backend", "needed, in "
		    "cpnp-ledger.conf or by --backend: sqlite, for instance");
	if (code != 0)
		cpnp_ledger_conf_fini(conf);
	return code;
}
