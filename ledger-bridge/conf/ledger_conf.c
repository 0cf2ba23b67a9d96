/*
 * cpnp-ledger.conf(5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>
#include <openssl/evp.h>

#include "../journal/mem.h"
#include "ledger_conf.h"

#define WAIT_MAX 3600
#define TICK_MAX 3600
#define WAIT_DEFAULT 10
#define TICK_DEFAULT 5

/* confuse.h knows no user pointer for errors */
static char conf_error[sizeof(((cpnp_diag *)0)->why)];

static int fail(cpnp_diag *diag, int err, const char *where,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static int
fail(cpnp_diag *diag, int err, const char *where, const char *format, ...)
{
	va_list ap;

	memset(diag, 0, sizeof(*diag));
	diag->err = err;
	(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
	va_start(ap, format);
	(void)vsnprintf(diag->why, sizeof(diag->why), format, ap);
	va_end(ap);
	return err;
}

static void on_error(cfg_t *cfg, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *format, va_list ap)
{
	char text[128];

	(void)vsnprintf(text, sizeof(text), format, ap);
	if (conf_error[0] == '\0')
		(void)snprintf(conf_error, sizeof(conf_error),
		    "line %d: %s", cfg->line, text);
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

/* Spaces around name and value are cut. */
int
cpnp_ledger_conf_add_setting(
    struct cpnp_ledger_conf *conf, const char *text, cpnp_diag *diag)
{
	const char *equals = strchr(text, '='), *value;
	size_t len;
	char *name;

	if (conf->settings_n == CPNP_LEDGER_SETTINGS_MAX)
		return fail(diag, CPNP_ERR_CONFIG, "setting",
		    "more than %d settings", CPNP_LEDGER_SETTINGS_MAX);
	len = equals == NULL ? 0 : (size_t)(equals - text);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len == 0)
		return fail(diag, CPNP_ERR_CONFIG, "setting",
		    "\"%s\" is not \"name = value\"", text);
	value = equals + 1 + strspn(equals + 1, " ");
	name = strndup(text, len);
	conf->settings[conf->settings_n].name = name;
	conf->settings[conf->settings_n].value = strdup(value);
	if (name == NULL || conf->settings[conf->settings_n].value == NULL) {
		free(name);
		return fail(diag, CPNP_ERR_NOMEM, "setting", "out of memory");
	}
	conf->settings_n++;
	return 0;
}

static int
check_seconds(cpnp_diag *diag, const char *where, long seconds, long max)
{
	return seconds >= 1 && seconds <= max ? 0
	    : fail(diag, CPNP_ERR_CONFIG, where,
	          "%ld is not from 1 to %ld seconds", seconds, max);
}

static int
take(struct cpnp_ledger_conf *conf, cfg_t *cfg, cpnp_diag *diag)
{
	const char *backend = cfg_getstr(cfg, "backend");
	const char *account = cfg_getstr(cfg, "account");
	unsigned i;
	int err;

	conf->genesis = resolve(conf->path, cfg_getstr(cfg, "genesis"));
	conf->store = resolve(conf->path, cfg_getstr(cfg, "store"));
	conf->key_file = resolve(conf->path, cfg_getstr(cfg, "key-file"));
	conf->backend = backend == NULL ? NULL : strdup(backend);
	conf->account = account == NULL ? NULL : strdup(account);
	conf->wait_s = cfg_getint(cfg, "wait");
	conf->tick_s = cfg_getint(cfg, "tick");
	err = check_seconds(diag, "wait", conf->wait_s, WAIT_MAX);
	if (err == 0)
		err = check_seconds(diag, "tick", conf->tick_s, TICK_MAX);
	for (i = 0; i < cfg_size(cfg, "setting") && err == 0; i++)
		err = cpnp_ledger_conf_add_setting(
		    conf, cfg_getnstr(cfg, "setting", i), diag);
	return err;
}

static int
read_file(struct cpnp_ledger_conf *conf, cpnp_diag *diag)
{
	cfg_opt_t opts[] = {CFG_STR("genesis", NULL, CFGF_NONE),
	    CFG_STR("store", NULL, CFGF_NONE),
	    CFG_STR("backend", NULL, CFGF_NONE),
	    CFG_STR_LIST("setting", NULL, CFGF_NONE),
	    CFG_STR("account", NULL, CFGF_NONE),
	    CFG_STR("key-file", NULL, CFGF_NONE),
	    CFG_INT("wait", WAIT_DEFAULT, CFGF_NONE),
	    CFG_INT("tick", TICK_DEFAULT, CFGF_NONE), CFG_END()};
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	int rc, err;

	if (cfg == NULL)
		return fail(
		    diag, CPNP_ERR_NOMEM, conf->path, "out of memory");
	conf_error[0] = '\0';
	cfg_set_error_function(cfg, on_error);
	rc = cfg_parse(cfg, conf->path);
	if (rc == CFG_FILE_ERROR)
		err = fail(diag, CPNP_ERR_CONFIG, conf->path,
		    "cannot read: %s", strerror(errno));
	else if (rc != CFG_SUCCESS)
		err = fail(
		    diag, CPNP_ERR_CONFIG, conf->path, "%s", conf_error);
	else
		err = take(conf, cfg, diag);
	cfg_free(cfg);
	return err;
}

int
cpnp_ledger_conf_load(
    struct cpnp_ledger_conf *conf, const char *path, cpnp_diag *diag)
{
	int err;

	memset(conf, 0, sizeof(*conf));
	conf->wait_s = WAIT_DEFAULT;
	conf->tick_s = TICK_DEFAULT;
	if (path == NULL)
		return 0;
	conf->path = strdup(path);
	err = conf->path == NULL
	    ? fail(diag, CPNP_ERR_NOMEM, path, "out of memory")
	    : read_file(conf, diag);
	if (err != 0)
		cpnp_ledger_conf_fini(conf);
	return err;
}

void
cpnp_ledger_conf_fini(struct cpnp_ledger_conf *conf)
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

/* ---- What it names ---- */

static int
need(const char *value, const char *name, cpnp_diag *diag)
{
	return value != NULL ? 0
	    : fail(diag, CPNP_ERR_CONFIG, name, "missing in cpnp-ledger.conf");
}

int
cpnp_ledger_conf_read_genesis(
    const struct cpnp_ledger_conf *conf, cpnp_buf *out, cpnp_diag *diag)
{
	uint8_t chunk[4096];
	size_t start = out->len, n;
	FILE *file;
	int err;

	err = need(conf->genesis, "genesis", diag);
	if (err != 0)
		return err;
	file = fopen(conf->genesis, "rb");
	if (file == NULL)
		return fail(diag, CPNP_ERR_CONFIG, conf->genesis,
		    "cannot read: %s", strerror(errno));
	do {
		n = fread(chunk, 1, sizeof(chunk), file);
		cpnp_buf_put_raw(out, (cpnp_bytes){chunk, n});
	} while (n > 0 && out->err == 0 &&
	    out->len - start <= CPNP_GENESIS_MAX);
	if (ferror(file))
		err = fail(diag, CPNP_ERR_CONFIG, conf->genesis,
		    "cannot read: %s", strerror(errno));
	else if (out->err != 0)
		err = fail(diag, out->err, conf->genesis, "%s",
		    cpnp_strerror(out->err));
	else if (out->len - start > CPNP_GENESIS_MAX)
		err = fail(diag, CPNP_ERR_CONFIG, conf->genesis,
		    "no genesis: more than %d bytes", CPNP_GENESIS_MAX);
	(void)fclose(file);
	return err;
}

int
cpnp_ledger_conf_get_id(const struct cpnp_ledger_conf *conf,
    uint8_t id[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	cpnp_buf genesis;
	int err;

	cpnp_buf_init(&genesis, &ledger_mem, SIZE_MAX);
	err = cpnp_ledger_conf_read_genesis(conf, &genesis, diag);
	if (err == 0 && EVP_Digest(genesis.ptr, genesis.len, id, NULL,
	    EVP_sha256(), NULL) != 1)
		err = fail(diag, CPNP_ERR_CRYPTO, conf->genesis, "no digest");
	cpnp_buf_fini(&genesis);
	return err;
}

int
cpnp_ledger_conf_open_signer(const struct cpnp_ledger_conf *conf,
    cpnp_signer **signer, cpnp_diag *diag)
{
	int err;

	err = need(conf->account, "account", diag);
	if (err == 0)
		err = need(conf->key_file, "key-file", diag);
	return err != 0 ? err
	    : cpnp_signer_load(signer, NULL, NULL, conf->key_file, diag);
}

int
cpnp_ledger_conf_open_bridge(const struct cpnp_ledger_conf *conf,
    const char *store, cpnp_tstamp batch_wait, cpnp_bridge **bridge,
    cpnp_diag *diag)
{
	cpnp_bridge_config config;
	cpnp_buf genesis;
	int err;

	cpnp_buf_init(&genesis, &ledger_mem, SIZE_MAX);
	cpnp_bridge_config_default(&config);
	config.store = store != NULL ? store : conf->store;
	config.backend = conf->backend;
	config.settings = conf->settings;
	config.settings_n = conf->settings_n;
	config.batch_wait = batch_wait;
	err = need(config.store, "store", diag);
	if (err == 0)
		err = need(config.backend, "backend", diag);
	if (err == 0)
		err = cpnp_ledger_conf_read_genesis(conf, &genesis, diag);
	config.genesis = cpnp_buf_bytes(&genesis);
	if (err == 0)
		err = cpnp_bridge_open(bridge, &config, diag);
	cpnp_buf_fini(&genesis);
	return err;
}
