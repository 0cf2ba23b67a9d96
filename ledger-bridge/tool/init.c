/*
 * Begin a ledger: its genesis, and the log on a backend.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "ledger.h"

#define SALT_LEN 16
#define MEMBERS_MAX 64 /* accounts, and tokens, that options name */

/* A genesis that options describe, with what its views point to. */
struct plan {
	cpnp_genesis genesis;
	cpnp_genesis_account accounts[MEMBERS_MAX];
	cpnp_genesis_token tokens[MEMBERS_MAX];
	uint8_t keys[2 * MEMBERS_MAX][CPNP_SPKI_MAX];
	char names[2 * MEMBERS_MAX][160];
	size_t key_n, name_n;
	uint8_t salt[SALT_LEN];
};

/* Cut the next part of "a:b:c" off; NULL when there is none. */
static char *
cut(char **rest)
{
	char *part = *rest, *colon;

	if (part == NULL)
		return NULL;
	colon = strchr(part, ':');
	*rest = colon == NULL ? NULL : colon + 1;
	if (colon != NULL)
		*colon = '\0';
	return part[0] == '\0' ? NULL : part;
}

static int
add_key(const struct tool_options *options, struct plan *plan,
    const char *path, cpnp_bytes *key)
{
	size_t len;
	int code;

	code = ledger_spki(options, path, plan->keys[plan->key_n], &len);
	if (code == 0)
		*key = (cpnp_bytes){plan->keys[plan->key_n++], len};
	return code;
}

/* NAME:ROLES:PUB[:RECOVERY-PUB] */
static int
add_account(
    const struct tool_options *options, struct plan *plan, const char *text)
{
	cpnp_genesis_account *account;
	char *rest, *name, *roles, *key;
	int code;

	if (plan->genesis.account_n == MEMBERS_MAX)
		return tool_fail(options, "--member", "more than %d accounts",
		    MEMBERS_MAX);
	rest = plan->names[plan->name_n++];
	(void)snprintf(rest, sizeof(plan->names[0]), "%s", text);
	account = &plan->accounts[plan->genesis.account_n++];
	name = cut(&rest);
	roles = cut(&rest);
	key = cut(&rest);
	if (name == NULL || roles == NULL || key == NULL ||
	    strlen(text) >= sizeof(plan->names[0]))
		return tool_fail(options, "--member",
		    "\"%s\" is not NAME:ROLES:PUB[:RECOVERY-PUB]", text);
	account->name = cpnp_bytes_str(name);
	code = ledger_roles(options, roles, &account->roles);
	if (code == 0)
		code = add_key(options, plan, key, &account->key);
	if (code == 0 && rest != NULL)
		code = add_key(options, plan, rest, &account->recovery);
	return code;
}

/* ISSUER:CODE:EXPONENT */
static int
add_token(
    const struct tool_options *options, struct plan *plan, const char *text)
{
	cpnp_genesis_token *token;
	char *rest, *issuer, *code_text, *exponent;
	uint64_t n = 0;
	int code;

	if (plan->genesis.token_n == MEMBERS_MAX)
		return tool_fail(options, "--token", "more than %d tokens",
		    MEMBERS_MAX);
	rest = plan->names[plan->name_n++];
	(void)snprintf(rest, sizeof(plan->names[0]), "%s", text);
	token = &plan->tokens[plan->genesis.token_n++];
	issuer = cut(&rest);
	code_text = cut(&rest);
	exponent = cut(&rest);
	if (issuer == NULL || code_text == NULL || exponent == NULL ||
	    rest != NULL || strlen(text) >= sizeof(plan->names[0]))
		return tool_fail(options, "--token",
		    "\"%s\" is not ISSUER:CODE:EXPONENT", text);
	code = tool_number(options, "--token", exponent, 0,
	    CPNP_TOKEN_EXPONENT_MAX, &n);
	token->issuer = cpnp_bytes_str(issuer);
	token->code = cpnp_bytes_str(code_text);
	token->exponent = (uint8_t)n;
	return code;
}

/* ACCOUNT:PPM */
static int
add_pool(
    const struct tool_options *options, struct plan *plan, const char *text)
{
	cpnp_settings *settings = &plan->genesis.settings;
	char *rest, *account;
	uint64_t ppm;
	int code;

	if (settings->pool_n == CPNP_POOLS_MAX)
		return tool_fail(
		    options, "--pool", "more than %d pools", CPNP_POOLS_MAX);
	if (plan->name_n == 2 * MEMBERS_MAX)
		return tool_fail(options, "--pool", "too many names");
	rest = plan->names[plan->name_n++];
	(void)snprintf(rest, sizeof(plan->names[0]), "%s", text);
	account = cut(&rest);
	if (account == NULL || rest == NULL)
		return tool_fail(options, "--pool",
		    "\"%s\" is not ACCOUNT:PPM", text);
	code = tool_number(options, "--pool", rest, 1, CPNP_PPM, &ppm);
	settings->pools[settings->pool_n].account = cpnp_bytes_str(account);
	settings->pools[settings->pool_n++].ppm = (uint32_t)ppm;
	return code;
}

static int
add_number(const struct tool_options *options, const char *name,
    uint64_t max, uint32_t *out)
{
	const char *text = tool_value(options, name);
	uint64_t n;
	int code;

	if (text == NULL)
		return 0;
	code = tool_number(options, name, text, 0, max, &n);
	*out = (uint32_t)n;
	return code;
}

/* More than half of the operators: fewer could take the role from the rest,
 * and would be all clocks then. */
static uint32_t
majority(const struct plan *plan)
{
	uint32_t n = 0;

	for (size_t i = 0; i < plan->genesis.account_n; i++)
		n += (plan->accounts[i].roles & CPNP_ROLE_OPERATOR) != 0;
	return n / 2 + 1;
}

static int
make_plan(const struct tool_options *options, struct plan *plan)
{
	cpnp_genesis *genesis = &plan->genesis;
	const char *name, *value;
	size_t i;
	int code = 0;

	value = tool_value(options, "name");
	if (value == NULL)
		return tool_fail(options, "--name",
		    "needed for a new ledger: what people call it");
	genesis->name = cpnp_bytes_str(value);
	genesis->rules = CPNP_RULES_VERSION;
	genesis->time.sec = (int64_t)time(NULL);
	genesis->accounts = plan->accounts;
	genesis->tokens = plan->tokens;
	genesis->salt = (cpnp_bytes){plan->salt, SALT_LEN};
	cpnp_settings_default(&genesis->settings);
	if (RAND_bytes(plan->salt, SALT_LEN) != 1)
		return tool_fail(options, "salt", "no random bytes");
	for (i = 0; i < options->given_n && code == 0; i++) {
		name = options->given[i].name;
		value = options->given[i].value;
		if (strcmp(name, "member") == 0)
			code = add_account(options, plan, value);
		else if (strcmp(name, "token") == 0)
			code = add_token(options, plan, value);
		else if (strcmp(name, "pool") == 0)
			code = add_pool(options, plan, value);
	}
	genesis->settings.quorum = majority(plan);
	if (code == 0)
		code = add_number(options, "quorum", CPNP_OPERATORS_MAX,
		    &genesis->settings.quorum);
	if (code == 0)
		code = add_number(options, "fee-ppm", CPNP_PPM,
		    &genesis->settings.fee_ppm);
	return code;
}

/* A new file: what is there stays. */
static int
write_genesis(const struct tool_options *options, const char *path,
    cpnp_bytes bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool ok;

	if (fd == -1)
		return tool_fail(
		    options, path, "cannot make: %s", strerror(errno));
	ok = write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len &&
	    fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	return ok ? 0 : tool_fail(
	    options, path, "cannot write: %s", strerror(errno));
}

/* A file that no log could begin with is not left behind. */
static int
check_genesis(const struct tool_options *options, cpnp_bytes bytes)
{
	cpnp_ledger_env env = {.env = tool_env};
	cpnp_ledger *ledger = NULL;
	cpnp_diag diag = {0};

	if (cpnp_ledger_new(&ledger, &env, bytes, &diag) != 0)
		return tool_fail_diag(options, "genesis", &diag);
	cpnp_ledger_del(ledger);
	return 0;
}

static int
make_genesis(const struct tool_options *options, const char *path)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	cpnp_diag diag = {0};
	cpnp_buf out;
	int code;

	if (plan == NULL)
		return tool_fail(options, path, "out of memory");
	cpnp_buf_init(&out, &ledger_mem, CPNP_GENESIS_MAX);
	code = make_plan(options, plan);
	if (code == 0 &&
	    cpnp_genesis_encode(&plan->genesis, &out, &diag) != 0)
		code = tool_fail(options, "genesis", "%s: %s", diag.where,
		    diag.why);
	if (code == 0)
		code = check_genesis(options, cpnp_buf_bytes(&out));
	if (code == 0)
		code = write_genesis(options, path, cpnp_buf_bytes(&out));
	cpnp_buf_fini(&out);
	free(plan);
	return code;
}

/* The next line of what a backend says that others need; false at the end. */
static bool
next_line(cpnp_bytes *rest, cpnp_bytes *line)
{
	const uint8_t *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->ptr, '\n', rest->len);
	line->ptr = rest->ptr;
	line->len = end == NULL ? rest->len : (size_t)(end - rest->ptr);
	rest->ptr += line->len;
	rest->len -= line->len;
	if (end != NULL) {
		rest->ptr++;
		rest->len--;
	}
	return true;
}

static json_t *
settings_json(cpnp_bytes settings)
{
	json_t *list = json_array();
	cpnp_bytes line;

	while (next_line(&settings, &line))
		(void)json_array_append_new(list, tool_text(line));
	return list;
}

/* As a line of cpnp-ledger.conf(5). */
static void
print_settings(cpnp_bytes settings)
{
	const char *before = "setting += {\"";
	cpnp_bytes line;

	while (next_line(&settings, &line)) {
		fputs(before, stdout);
		tool_put(stdout, line);
		before = "\", \"";
	}
	puts("\"}");
}

static void
print_init(const struct tool_options *options,
    const struct cpnp_ledger_conf *conf, const uint8_t id[CPNP_SHA256_LEN],
    cpnp_bytes settings)
{
	char hex[2 * CPNP_SHA256_LEN + 1];

	tool_hex(id, CPNP_SHA256_LEN, hex);
	if (options->json) {
		tool_put_json(json_pack("{s:b, s:s, s:s, s:s, s:o}", "ok", 1,
		    "ledger", hex, "genesis", conf->genesis, "backend",
		    conf->backend, "settings", settings_json(settings)));
		return;
	}
	printf("ledger %s\nbegins with %s, which everybody who follows it "
	       "needs\n", hex, conf->genesis);
	if (settings.len > 0) {
		puts("who opens it needs this line in cpnp-ledger.conf, too:");
		print_settings(settings);
	}
}

/* What the options say is in it only when the same words have made it. */
static void
warn_there(const struct tool_options *options, const char *path)
{
	static const char *const made_of[] = {
	    "name", "member", "token", "quorum", "fee-ppm", "pool"};

	for (size_t i = 0; i < sizeof(made_of) / sizeof(made_of[0]); i++)
		if (tool_value(options, made_of[i]) != NULL) {
			fprintf(stderr, "cpnp-ledger: %s is there already, and "
			    "stays as it is: --%s was not used\n", path,
			    made_of[i]);
			return;
		}
}

static int
tool_init(const struct tool_options *options)
{
	struct cpnp_ledger_conf conf;
	const cpnp_backend *backend;
	uint8_t id[CPNP_SHA256_LEN], *bytes = NULL;
	cpnp_diag diag = {0};
	cpnp_buf out;
	size_t len = 0;
	int code;

	code = ledger_conf_load(options, &conf);
	if (code != 0)
		return code;
	cpnp_buf_init(&out, &ledger_mem, 4096);
	backend = cpnp_backend_find(conf.backend, &diag);
	if (backend == NULL)
		code = tool_fail_diag(options, "backend", &diag);
	/* a genesis that is there is begun with again, on this backend */
	if (code == 0 && access(conf.genesis, F_OK) != 0)
		code = make_genesis(options, conf.genesis);
	else if (code == 0)
		warn_there(options, conf.genesis);
	if (code == 0)
		code = tool_read_file(options, conf.genesis, CPNP_GENESIS_MAX,
		    &bytes, &len);
	if (code == 0 && EVP_Digest(
	        bytes, len, id, NULL, EVP_sha256(), NULL) != 1)
		code = tool_fail(options, conf.genesis, "no digest");
	if (code == 0 && backend->create(conf.settings, conf.settings_n,
	        (cpnp_bytes){bytes, len}, &out, &diag) != 0)
		code = tool_fail_diag(options, conf.backend, &diag);
	if (code == 0)
		print_init(options, &conf, id, cpnp_buf_bytes(&out));
	free(bytes);
	cpnp_buf_fini(&out);
	cpnp_ledger_conf_fini(&conf);
	return code;
}

const struct tool_verb tool_verbs_init[] = {
    {{"init", NULL}, 0, 0,
	TAKES_LEDGER "name member token quorum fee-ppm pool ", tool_init,
	"init --name NAME --member NAME:ROLES:PUB[:RECOVERY]...\n"
	"           [--token ISSUER:CODE:EXPONENT]... [--quorum N]\n"
	"           [--fee-ppm N] [--pool ACCOUNT:PPM]...", 0, {0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
