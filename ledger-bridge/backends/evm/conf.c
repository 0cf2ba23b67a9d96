/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "../../journal/internal.h"
#include "evm.h"

#define GWEI 1000000000u
#define GWEI_MAX 1000000000u /* one coin for a unit of gas */
#define MS_MAX 3600000

static const char *const setting_names[] = {"rpc-url", "rpc-url-file",
    "chain-id", "contract", "from-block", "key-file", "confirmations",
    "max-fee", "tip", "poll", "resend-after", "rpc-timeout", "block-range",
    "batch-max", "window", "admit", NULL};

struct reader {
	const cpnp_log_setting *settings;
	size_t n;
	cpnp_diag *diag;
	int err; /* first one */
};

static const char *
get(struct reader *rd, const char *name)
{
	return rd->err != 0 ? NULL : backend_setting(rd->settings, rd->n, name);
}

static bool
parse(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	*value = 0;
	if (*text == '\0')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (*value > (UINT64_MAX - 9) / 10)
			return false;
		*value = 10 * *value + (uint64_t)(*text - '0');
	}
	return *text == '\0' && *value >= min && *value <= max;
}

static uint64_t
get_number(struct reader *rd, const char *name, uint64_t value, uint64_t min,
    uint64_t max)
{
	const char *text = get(rd, name);

	if (text != NULL && !parse(text, min, max, &value))
		rd->err = backend_fail(rd->diag, CPNP_ERR_CONFIG, name,
		    "not a number from %llu to %llu", (unsigned long long)min,
		    (unsigned long long)max);
	return value;
}

static cpnp_tstamp
get_ms(struct reader *rd, const char *name, uint64_t value, uint64_t min)
{
	return CPNP_MILLISECONDS(get_number(rd, name, value, min, MS_MAX));
}

/* "50", "0.25" or "0": gwei, with up to nine decimals. */
static uint64_t
get_gwei(struct reader *rd, const char *name, uint64_t value)
{
	const char *text = get(rd, name), *point;
	uint64_t whole = 0, unit = GWEI, part = 0;
	char digits[32];
	bool good;

	if (text == NULL)
		return value;
	point = strchr(text, '.');
	(void)snprintf(digits, sizeof(digits), "%.*s",
	    point != NULL ? (int)(point - text) : 31, text);
	good = (point == NULL || point - text < 31) &&
	       parse(digits, 0, GWEI_MAX, &whole);
	if (point != NULL) {
		good = good && strlen(point + 1) <= 9 &&
		       parse(point + 1, 0, GWEI - 1, &part);
		for (size_t i = 0; good && i < strlen(point + 1); i++)
			unit /= 10;
	} else {
		unit = 0;
	}
	if (!good)
		rd->err = backend_fail(rd->diag, CPNP_ERR_CONFIG, name,
		    "not a number of gwei from 0 to %u, like 1.5", GWEI_MAX);
	return whole * GWEI + part * unit;
}

static void
get_address(struct reader *rd, const char *name, const char *text,
    uint8_t address[EVM_ADDRESS_LEN])
{
	if (rd->err == 0 && evm_address_parse(text, address) != 0)
		rd->err = backend_fail(rd->diag, CPNP_ERR_CONFIG, name,
		    "%.64s is no address: 0x and 40 hex digits, upper and "
		    "lower case as EIP-55 has them",
		    text);
}

static void
get_confirmations(struct reader *rd, struct evm_conf *conf)
{
	const char *text = get(rd, "confirmations");

	conf->confirmations = 2;
	conf->finalized = text != NULL && strcmp(text, "finalized") == 0;
	if (text != NULL && !conf->finalized &&
	    !parse(text, 0, EVM_CONFIRMATIONS_MAX, &conf->confirmations))
		rd->err =
		    backend_fail(rd->diag, CPNP_ERR_CONFIG, "confirmations",
			"neither \"finalized\" nor a number "
			"from 0 to %d",
			EVM_CONFIRMATIONS_MAX);
}

static void
get_url(struct reader *rd, char url[RPC_URL_MAX])
{
	const char *plain = get(rd, "rpc-url");
	const char *file = get(rd, "rpc-url-file");

	if (rd->err != 0)
		return;
	if ((plain == NULL) == (file == NULL))
		rd->err = backend_fail(rd->diag, CPNP_ERR_CONFIG, "rpc-url",
		    "the address of a node, or a file that holds it in "
		    "rpc-url-file: one of the two");
	else if (file != NULL)
		rd->err = evm_secret_read(
		    "rpc-url-file", file, url, RPC_URL_MAX, rd->diag);
	else if ((size_t)snprintf(url, RPC_URL_MAX, "%s", plain) >= RPC_URL_MAX)
		rd->err = backend_fail(rd->diag, CPNP_ERR_CONFIG, "rpc-url",
		    "longer than %d characters", RPC_URL_MAX - 1);
}

static void
get_admit(struct reader *rd, struct evm_conf *conf)
{
	size_t i;

	for (i = 0; i < rd->n && rd->err == 0; i++) {
		if (strcmp(rd->settings[i].name, "admit") != 0)
			continue;
		if (conf->admit_n == EVM_ADMIT_MAX) {
			rd->err = backend_fail(rd->diag, CPNP_ERR_CONFIG,
			    "admit", "more than %d: admit the others later",
			    EVM_ADMIT_MAX);
			return;
		}
		get_address(rd, "admit", rd->settings[i].value,
		    conf->admit[conf->admit_n++]);
	}
}

static void
get_sizes(struct reader *rd, struct evm_conf *conf)
{
	conf->poll = get_ms(rd, "poll", 1000, 10);
	conf->rpc_timeout = get_ms(rd, "rpc-timeout", 10000, 10);
	conf->resend_after = get_ms(rd, "resend-after", 30000, 100);
	conf->block_range =
	    get_number(rd, "block-range", 1000, 1, EVM_BLOCK_RANGE_MAX);
	conf->batch_max = (size_t)get_number(
	    rd, "batch-max", EVM_BATCH_MAX_DEFAULT, 1024, CPNP_BATCH_BYTES_MAX);
	conf->window = (size_t)get_number(rd, "window", 64, 1, EVM_WINDOW_MAX);
	conf->max_fee = get_gwei(rd, "max-fee", UINT64_C(100) * GWEI);
	conf->tip = get_gwei(rd, "tip", GWEI);
	if (rd->err == 0 && conf->tip > conf->max_fee)
		rd->err = backend_fail(
		    rd->diag, CPNP_ERR_CONFIG, "tip", "more than max-fee");
}

int
evm_node_init(struct evm_node *node, const cpnp_log_setting *settings, size_t n,
    cpnp_diag *diag)
{
	struct reader rd = {settings, n, diag, 0};
	struct evm_conf *conf = &node->conf;
	const char *text;

	memset(node, 0, sizeof(*node));
	cpnp_buf_init(&node->call, &ledger_mem,
	    CPNP_BATCH_BYTES_MAX + ABI_APPEND_OVERHEAD);
	cpnp_buf_init(&node->raw, &ledger_mem,
	    CPNP_BATCH_BYTES_MAX + ABI_APPEND_OVERHEAD + EVM_TX_OVERHEAD);
	rd.err =
	    backend_settings_check(settings, n, setting_names, "admit", diag);
	get_url(&rd, node->rpc.url);
	if (rd.err == 0 && get(&rd, "chain-id") == NULL)
		rd.err = backend_fail(diag, CPNP_ERR_CONFIG, "chain-id",
		    "it is missing: the number of the chain, 1 for Ethereum");
	conf->chain_id = get_number(&rd, "chain-id", 0, 1, INT64_MAX);
	text = get(&rd, "contract");
	conf->has_contract = text != NULL;
	if (text != NULL)
		get_address(&rd, "contract", text, conf->contract);
	conf->from_block = get_number(&rd, "from-block", 0, 0, INT64_MAX);
	get_confirmations(&rd, conf);
	get_sizes(&rd, conf);
	get_admit(&rd, conf);
	text = get(&rd, "key-file");
	if (text != NULL) {
		rd.err = evm_key_read(&conf->key, text, diag);
		conf->has_key = rd.err == 0;
	}
	node->rpc.timeout = conf->rpc_timeout;
	return rd.err != 0 ? rd.err : evm_rpc_init(&node->rpc, diag);
}

void
evm_node_fini(struct evm_node *node)
{
	evm_key_fini(&node->conf.key);
	evm_rpc_fini(&node->rpc);
	cpnp_buf_fini(&node->call);
	cpnp_buf_fini(&node->raw);
}
