/*
 * cpnp-ledger.conf(5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <confuse.h>

#include "ledger.h"

#define PATH_LEN 4096
#define WAIT_MAX 3600
#define TICK_MAX 3600

/* confuse.h knows no user pointer for errors */
static char conf_error[512];

static void on_error(cfg_t *cfg, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *format, va_list ap)
{
	char text[400];

	(void)vsnprintf(text, sizeof(text), format, ap);
	if (conf_error[0] == '\0')
		(void)snprintf(conf_error, sizeof(conf_error),
		    "line %d: %s", cfg->line, text);
}

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

/* A path of the file is taken from the directory of the file. */
static char *
resolve(const char *conf_path, const char *value)
{
	const char *slash = strrchr(conf_path, '/');
	size_t dir = slash == NULL ? 0 : (size_t)(slash - conf_path) + 1;
	char *out;

	if (value == NULL || value[0] == '/' || dir == 0)
		return value == NULL ? NULL : strdup(value);
	out = malloc(dir + strlen(value) + 1);
	if (out != NULL) {
		memcpy(out, conf_path, dir);
		memcpy(out + dir, value, strlen(value) + 1);
	}
	return out;
}

/* "name = value", spaces around both cut. */
static int
add_setting(const struct tool_options *options, struct ledger_conf *conf,
    const char *text)
{
	const char *equals = strchr(text, '='), *value;
	size_t len;
	char *name;

	if (conf->settings_n == SETTINGS_MAX)
		return tool_fail(options, "setting",
		    "more than %d settings", SETTINGS_MAX);
	len = equals == NULL ? 0 : (size_t)(equals - text);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len == 0)
		return tool_fail(options, "setting",
		    "\"%s\" is not \"name = value\"", text);
	value = equals + 1 + strspn(equals + 1, " ");
	name = strndup(text, len);
	conf->settings[conf->settings_n].name = name;
	conf->settings[conf->settings_n].value = strdup(value);
	if (name == NULL || conf->settings[conf->settings_n].value == NULL) {
		free(name);
		return tool_fail(options, "setting", "out of memory");
	}
	conf->settings_n++;
	return 0;
}

static int
take(const struct tool_options *options, cfg_t *cfg, struct ledger_conf *conf)
{
	const char *backend = cfg_getstr(cfg, "backend");
	const char *account = cfg_getstr(cfg, "account");
	unsigned i;
	int code = 0;

	conf->genesis = resolve(conf->path, cfg_getstr(cfg, "genesis"));
	conf->store = resolve(conf->path, cfg_getstr(cfg, "store"));
	conf->key_file = resolve(conf->path, cfg_getstr(cfg, "key-file"));
	conf->backend = backend == NULL ? NULL : strdup(backend);
	conf->account = account == NULL ? NULL : strdup(account);
	conf->wait_s = cfg_getint(cfg, "wait");
	conf->tick_s = cfg_getint(cfg, "tick");
	if (conf->wait_s < 1 || conf->wait_s > WAIT_MAX)
		return tool_fail(options, conf->path,
		    "wait: %ld is not from 1 to %d seconds", conf->wait_s,
		    WAIT_MAX);
	if (conf->tick_s < 1 || conf->tick_s > TICK_MAX)
		return tool_fail(options, conf->path,
		    "tick: %ld is not from 1 to %d seconds", conf->tick_s,
		    TICK_MAX);
	for (i = 0; i < cfg_size(cfg, "setting") && code == 0; i++)
		code = add_setting(
		    options, conf, cfg_getnstr(cfg, "setting", i));
	return code;
}

static int
read_file(const struct tool_options *options, struct ledger_conf *conf)
{
	cfg_opt_t opts[] = {CFG_STR("genesis", NULL, CFGF_NONE),
	    CFG_STR("store", NULL, CFGF_NONE),
	    CFG_STR("backend", NULL, CFGF_NONE),
	    CFG_STR_LIST("setting", NULL, CFGF_NONE),
	    CFG_STR("account", NULL, CFGF_NONE),
	    CFG_STR("key-file", NULL, CFGF_NONE),
	    CFG_INT("wait", 10, CFGF_NONE), CFG_INT("tick", 5, CFGF_NONE),
	    CFG_END()};
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	int rc, code;

	if (cfg == NULL)
		return tool_fail(options, conf->path, "out of memory");
	conf_error[0] = '\0';
	cfg_set_error_function(cfg, on_error);
	rc = cfg_parse(cfg, conf->path);
	if (rc == CFG_FILE_ERROR)
		code = tool_fail(options, conf->path, "cannot read: %s",
		    strerror(errno));
	else if (rc != CFG_SUCCESS)
		code = tool_fail(options, conf->path, "%s", conf_error);
	else
		code = take(options, cfg, conf);
	cfg_free(cfg);
	return code;
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
    const struct tool_options *options, struct ledger_conf *conf)
{
	char found[PATH_LEN];
	const char *path = tool_value(options, "config");
	size_t i;
	int code = 0;

	memset(conf, 0, sizeof(*conf));
	conf->wait_s = 10;
	conf->tick_s = 5;
	if (path == NULL)
		path = default_path(found);
	if (path != NULL) {
		conf->path = strdup(path);
		code = conf->path == NULL
		    ? tool_fail(options, path, "out of memory")
		    : read_file(options, conf);
	}
	override(&conf->genesis, tool_value(options, "genesis"));
	override(&conf->store, options->store);
	override(&conf->backend, tool_value(options, "backend"));
	override(&conf->account, tool_value(options, "account"));
	override(&conf->key_file, tool_value(options, "key-file"));
	for (i = 0; i < options->given_n && code == 0; i++)
		if (strcmp(options->given[i].name, "setting") == 0)
			code = add_setting(
			    options, conf, options->given[i].value);
	if (code == 0 && conf->genesis == NULL)
		code = tool_fail(options, "genesis", "needed, in "
		    "cpnp-ledger.conf or by --genesis: the file with which "
		    "the log begins");
	if (code == 0 && conf->backend == NULL)
		code = tool_fail(options, "backend", "needed, in "
		    "cpnp-ledger.conf or by --backend: sqlite, for instance");
	if (code != 0)
		ledger_conf_fini(conf);
	return code;
}

void
ledger_conf_fini(struct ledger_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->settings_n; i++) {
		free((void *)(uintptr_t)conf->settings[i].name);
		free((void *)(uintptr_t)conf->settings[i].value);
	}
	free(conf->path);
	free(conf->genesis);
	free(conf->store);
	free(conf->backend);
	free(conf->account);
	free(conf->key_file);
	memset(conf, 0, sizeof(*conf));
}
