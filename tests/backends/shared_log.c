/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../ledger-bridge/journal/internal.h"
#include "shared_log.h"

#define SETTINGS_MAX 24
#define CREATED_MAX 512
#define PATIENCE 120 /* seconds, until everything must be final */

static const cpnp_backend *backend;
static cpnp_log_setting settings[SETTINGS_MAX + 1];
static size_t setting_n;
static const char *writer_name = "writer", *writer_value = "@";

static _Noreturn void
die(const char *what, const char *why)
{
	(void)printf("not ok - %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static cpnp_log_setting
split(char *argument)
{
	char *value = strchr(argument, '=');

	if (value == NULL)
		die("NAME=VALUE", argument);
	*value = '\0';
	return (cpnp_log_setting){argument, value + 1};
}

void
shared_log_writer(char *argument)
{
	cpnp_log_setting setting = split(argument);

	if (strchr(setting.value, '@') == NULL)
		die("-w", "there is no '@' in it");
	writer_name = setting.name;
	writer_value = setting.value;
}

static void
add(cpnp_log_setting setting)
{
	if (setting_n == SETTINGS_MAX)
		die(setting.name, "too many settings");
	settings[setting_n++] = setting;
}

void
shared_log_use(char **operands, int n)
{
	cpnp_diag diag = {.err = 0};

	if (n < 1)
		die("BACKEND", "missing");
	backend = cpnp_backend_find(operands[0], &diag);
	if (backend == NULL)
		die(operands[0], diag.why);
	for (int i = 1; i < n; i++)
		add(split(operands[i]));
}

const cpnp_backend *
shared_log_backend(void)
{
	return backend;
}

const cpnp_log_setting *
shared_log_settings(const char *writer, size_t *n)
{
	static char value[4096];
	const char *at = strchr(writer_value, '@');

	*n = setting_n;
	if (writer == NULL)
		return settings;
	(void)snprintf(value, sizeof(value), "%.*s%s%s",
	    (int)(at - writer_value), writer_value, writer, at + 1);
	settings[(*n)++] = (cpnp_log_setting){writer_name, value};
	return settings;
}

void
shared_log_create(cpnp_bytes genesis)
{
	static char created[CREATED_MAX];
	const cpnp_log_setting *own;
	cpnp_diag diag = {.err = 0};
	char *line, *rest, *value;
	cpnp_buf out;
	size_t n;

	own = shared_log_settings("a", &n);
	cpnp_buf_init_fixed(&out, (uint8_t *)created, sizeof(created) - 1);
	if (backend->create(own, n, genesis, &out, &diag) != 0)
		die(diag.where, diag.why);
	/* what it gives is needed to open it */
	for (line = strtok_r(created, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		value = strstr(line, " = ");
		if (value == NULL)
			die("created", line);
		*value = '\0';
		add((cpnp_log_setting){line, value + 3});
	}
}

cpnp_bridge *
shared_log_bridge(const char *store, const char *writer, cpnp_bytes genesis,
    cpnp_tstamp batch_wait, uint64_t snapshot_entries)
{
	cpnp_bridge_config config;
	cpnp_diag diag = {.err = 0};
	cpnp_bridge *bridge;

	cpnp_bridge_config_default(&config);
	config.store = store;
	config.backend = backend->name;
	config.settings = shared_log_settings(writer, &config.settings_n);
	config.genesis = genesis;
	config.batch_wait = batch_wait;
	config.snapshot_entries = snapshot_entries;
	if (cpnp_bridge_open(&bridge, &config, &diag) != 0)
		die(diag.where, diag.why);
	return bridge;
}

void
shared_log_catch_up(cpnp_bridge *bridge, uint64_t position)
{
	cpnp_bridge_status status;
	cpnp_diag diag = {.err = 0};
	time_t until = time(NULL) + PATIENCE;

	do {
		if (cpnp_bridge_step(bridge, CPNP_MILLISECONDS(100), &diag) !=
		    0)
			die(diag.where, diag.why);
		cpnp_bridge_get_status(bridge, &status);
	} while ((status.applied < status.final ||
		     status.applied < position) && time(NULL) < until);
	if (status.applied < position)
		die("follower", "it does not come to the end");
}
