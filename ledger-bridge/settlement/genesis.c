/* SPDX-License-Identifier: BSD-2-Clause */
#include "state.h"

#define CONTEXT "CPNP-genesis"
#define NAME_MAX 64
#define SALT_MIN 16
#define SALT_MAX 32

static int
fail(cpnp_diag *diag, int err, const char *where, const char *why)
{
	return settle_fail(diag, err, where, why);
}

int
cpnp_genesis_encode(const cpnp_genesis *g, cpnp_buf *buf, cpnp_diag *diag)
{
	const cpnp_genesis_account *a;
	uint64_t operators = 0;
	size_t i;
	int err;

	for (i = 0; i < g->account_n; i++)
		operators += (g->accounts[i].roles & CPNP_ROLE_OPERATOR) != 0;
	if (operators == 0)
		return fail(diag, CPNP_ERR_INVALID, "accounts",
		    "none has role operator; without one there is no time");
	if (!quorum_is_good(g->settings.quorum, operators))
		return fail(diag, CPNP_ERR_INVALID, "quorum",
		    "more than half of the operators, and not more than "
		    "there are");
	if (g->salt.len < SALT_MIN || g->salt.len > SALT_MAX)
		return fail(
		    diag, CPNP_ERR_INVALID, "salt", "16 to 32 random bytes");
	cpnp_cbor_put_array(buf, 8);
	cpnp_cbor_put_str(buf, CONTEXT);
	cpnp_cbor_put_text(buf, g->name);
	cpnp_cbor_put_bytes(buf, g->salt);
	cpnp_cbor_put_uint(buf, g->rules);
	cpnp_cbor_put_int(buf, g->time.sec);
	err = cpnp_settings_encode(&g->settings, buf, diag);
	if (err != 0)
		return err;
	cpnp_cbor_put_array(buf, g->account_n);
	for (i = 0; i < g->account_n; i++) {
		a = &g->accounts[i];
		if (!name_is_valid(a->name))
			return fail(diag, CPNP_ERR_INVALID, "account",
			    "1 to 64 visible characters of ASCII");
		cpnp_cbor_put_array(buf, 4);
		cpnp_cbor_put_text(buf, a->name);
		cpnp_cbor_put_uint(buf, a->roles);
		cpnp_cbor_put_bytes(buf, a->key);
		cpnp_cbor_put_bytes(buf, a->recovery);
	}
	cpnp_cbor_put_array(buf, g->token_n);
	for (i = 0; i < g->token_n; i++) {
		cpnp_cbor_put_array(buf, 3);
		cpnp_cbor_put_text(buf, g->tokens[i].issuer);
		cpnp_cbor_put_text(buf, g->tokens[i].code);
		cpnp_cbor_put_uint(buf, g->tokens[i].exponent);
	}
	return buf->err;
}

/* One account; wrong values make the reader fail. */
static int
read_account(cpnp_ledger *l, cpnp_cbor_rd *rd)
{
	struct account *account;
	cpnp_bytes name, key, recovery;
	uint64_t roles;
	int err;

	(void)cpnp_cbor_get_array(rd, 4, 4);
	name = cpnp_cbor_get_text(rd, 1, CPNP_ACCOUNT_MAX);
	roles = cpnp_cbor_get_uint(rd, 0, CPNP_ROLES_ALL);
	key = cpnp_cbor_get_bytes(rd, 1, CPNP_SPKI_MAX);
	recovery = cpnp_cbor_get_bytes(rd, 0, CPNP_SPKI_MAX);
	if (rd->err != 0)
		return rd->err;
	if (!name_is_valid(name))
		return CPNP_ERR_RANGE;
	if (account_find(l, name) != NULL)
		return CPNP_ERR_DUPLICATE;
	account = account_new(l, name);
	if (account == NULL)
		return l->err;
	account->roles = roles;
	account->last_seen = l->time;
	account->key_n = 1;
	err = account_key_set(l, &account->keys[0], key);
	if (err == 0 && recovery.len > 0)
		err = account_key_set(l, &account->recovery, recovery);
	return err;
}

static int
read_token(cpnp_ledger *l, cpnp_cbor_rd *rd)
{
	struct account *issuer;
	cpnp_bytes name, code;
	uint64_t exponent;

	(void)cpnp_cbor_get_array(rd, 3, 3);
	name = cpnp_cbor_get_text(rd, 1, CPNP_ACCOUNT_MAX);
	code = cpnp_cbor_get_text(rd, 1, CPNP_TOKEN_CODE_MAX);
	exponent = cpnp_cbor_get_uint(rd, 0, CPNP_TOKEN_EXPONENT_MAX);
	if (rd->err != 0)
		return rd->err;
	issuer = account_find(l, name);
	if (issuer == NULL || (issuer->roles & CPNP_ROLE_ISSUER) == 0 ||
	    !code_is_valid(code))
		return CPNP_ERR_RANGE;
	if (token_find(l, name, code) != NULL)
		return CPNP_ERR_DUPLICATE;
	return token_new(l, issuer, code, (uint8_t)exponent) == NULL ? l->err
								     : 0;
}

static int
read_head(cpnp_ledger *l, cpnp_cbor_rd *rd, cpnp_diag *diag)
{
	cpnp_bytes v;

	(void)cpnp_cbor_get_array(rd, 8, 8);
	v = cpnp_cbor_get_text(rd, sizeof(CONTEXT) - 1, sizeof(CONTEXT) - 1);
	if (rd->err != 0 || memcmp(v.ptr, CONTEXT, v.len) != 0)
		return fail(diag, rd->err != 0 ? rd->err : CPNP_ERR_TYPE,
		    "genesis", "not the genesis of a ledger");
	v = cpnp_cbor_get_text(rd, 1, NAME_MAX);
	if (rd->err == 0)
		memcpy(l->name, v.ptr, v.len);
	(void)cpnp_cbor_get_bytes(rd, SALT_MIN, SALT_MAX);
	l->rules = cpnp_cbor_get_uint(rd, 1, INT64_MAX);
	if (rd->err == 0 && l->rules > l->edition_n)
		return fail(diag, CPNP_ERR_VERSION, "genesis",
		    "the ledger begins under newer rules than this program "
		    "knows; a newer program is needed");
	l->time = cpnp_cbor_get_int(rd, 0, CPNP_WTIME_MAX);
	return rd->err == 0 ? 0 : fail(diag, rd->err, "genesis",
	    "name, salt, rules version or time");
}

static size_t
operators_count(const cpnp_ledger *l)
{
	const struct node *node;
	size_t n = 0;

	for (node = map_first(&l->accounts); node != NULL;
	     node = map_next(&l->accounts, node))
		n += (((const struct account *)node)->roles &
		    CPNP_ROLE_OPERATOR) != 0;
	return n;
}

int
genesis_apply(cpnp_ledger *l, cpnp_bytes genesis, cpnp_diag *diag)
{
	cpnp_settings settings;
	cpnp_bytes item;
	cpnp_cbor_rd rd;
	size_t n, i;
	int err;

	if (genesis.len > CPNP_GENESIS_MAX)
		return fail(diag, CPNP_ERR_TOO_LONG, "genesis",
		    "more than CPNP_GENESIS_MAX bytes");
	cpnp_cbor_rd_init(&rd, genesis);
	err = read_head(l, &rd, diag);
	if (err != 0)
		return err;
	item = cpnp_cbor_get_item(&rd);
	err = rd.err != 0 ? fail(diag, rd.err, "settings", "missing")
			  : cpnp_settings_decode(&settings, item, diag);
	if (err != 0)
		return err;
	n = cpnp_cbor_get_array(&rd, 1, CPNP_GENESIS_ACCOUNTS_MAX);
	for (i = 0; i < n && err == 0; i++)
		err = read_account(l, &rd);
	if (err != 0 || rd.err != 0)
		return fail(diag, err != 0 ? err : rd.err, "accounts",
		    "name, roles, key and recovery key, each name once");
	n = cpnp_cbor_get_array(&rd, 0, CPNP_GENESIS_TOKENS_MAX);
	for (i = 0; i < n && err == 0; i++)
		err = read_token(l, &rd);
	if (err != 0 || cpnp_cbor_rd_finish(&rd) != 0)
		return fail(diag, err != 0 ? err : rd.err, "tokens",
		    "an issuer of this genesis, code and exponent, each once");
	if (settings_take(l, &settings) != CPNP_OUTCOME_ACCEPTED)
		return fail(diag, CPNP_ERR_RANGE, "pools",
		    "not an account of this genesis");
	operators_collect(l);
	if (operators_count(l) > OPERATORS_MAX)
		return fail(diag, CPNP_ERR_RANGE, "accounts",
		    "more than 64 operators");
	if (!quorum_is_good(settings.quorum, l->operator_n))
		return fail(diag, CPNP_ERR_RANGE, "quorum",
		    "more than half of the operators, and not more than "
		    "there are");
	l->position = 1;
	err = ledger_hash(l, genesis, l->id);
	memcpy(l->head, l->id, sizeof(l->head));
	return err;
}
