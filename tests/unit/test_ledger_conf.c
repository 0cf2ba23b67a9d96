/*
 * cpnp-ledger.conf and names of tokens, as cpnp-ledger, cpnpd and cpnpc read
 * them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

#include <unistd.h>

#include "../../ledger-bridge/conf/ledger_conf.h"

static struct cpnp_ledger_conf conf;
static cpnp_diag diag;

static int
load(const char *text)
{
	static char path[] = "ledger-conf-XXXXXX";
	FILE *file;
	int fd, err;

	(void)snprintf(path, sizeof(path), "%s", "ledger-conf-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	file = fdopen(fd, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	memset(&diag, 0, sizeof(diag));
	err = cpnp_ledger_conf_load(&conf, path, &diag);
	(void)unlink(path);
	return err;
}

START_TEST(test_conf_is_read)
{
	ck_assert_int_eq(load("genesis = \"/g\"\nstore = here.db\n"
	    "backend = sqlite\nsetting = {\"path =  /log \", \"writer=a\"}\n"
	    "account = alice\nkey-file = /k\nwait = 3600\n"), 0);
	ck_assert_str_eq(conf.genesis, "/g");
	ck_assert_str_eq(conf.store, "here.db");
	ck_assert_str_eq(conf.backend, "sqlite");
	ck_assert_uint_eq(conf.settings_n, 2);
	ck_assert_str_eq(conf.settings[0].name, "path");
	ck_assert_str_eq(conf.settings[0].value, "/log ");
	ck_assert_str_eq(conf.settings[1].name, "writer");
	ck_assert_str_eq(conf.account, "alice");
	ck_assert_int_eq(conf.wait_s, 3600);
	ck_assert_int_eq(conf.tick_s, 5);
	for (size_t i = 2; i < CPNP_LEDGER_SETTINGS_MAX; i++)
		ck_assert_int_eq(cpnp_ledger_conf_add_setting(
		    &conf, "a = b", &diag), 0);
	ck_assert_int_eq(cpnp_ledger_conf_add_setting(&conf, "a = b", &diag),
	    CPNP_ERR_CONFIG);
	cpnp_ledger_conf_fini(&conf);
}
END_TEST

START_TEST(test_conf_mistakes_are_named)
{
	cpnp_signer *signer;
	cpnp_bridge *bridge;
	uint8_t id[CPNP_SHA256_LEN];

	ck_assert_int_eq(load("wait = 0\n"), CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "wait");
	ck_assert_int_eq(load("tick = 3601\n"), CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "tick");
	ck_assert_int_eq(load("setting = {\"path\"}\n"), CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "setting");
	ck_assert_int_eq(load("\nwat = 1\n"), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "line 2"));
	ck_assert_int_eq(cpnp_ledger_conf_load(
	    &conf, "/nowhere/at.all", &diag), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "No such file"));

	ck_assert_int_eq(cpnp_ledger_conf_load(&conf, NULL, &diag), 0);
	ck_assert_int_eq(cpnp_ledger_conf_get_id(&conf, id, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "genesis");
	ck_assert_int_eq(cpnp_ledger_conf_open_signer(&conf, &signer, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "account");
	ck_assert_int_eq(cpnp_ledger_conf_open_bridge(
	    &conf, NULL, 0, &bridge, &diag), CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "store");
	conf.genesis = strdup("/dev/zero");
	ck_assert_int_eq(cpnp_ledger_conf_get_id(&conf, id, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "more than"));
	cpnp_ledger_conf_fini(&conf);
}
END_TEST

START_TEST(test_token_has_a_name)
{
	const cpnp_bytes none = CPNP_BYTES_NONE;
	cpnp_token_view token;
	cpnp_op op;

	ck_assert_int_eq(cpnp_ledger_find_token(w.ledger,
	    CPNP_BYTES_LIT("EUR"), none, &token, &diag), 0);
	ck_assert(cpnp_bytes_equal(token.issuer, w.actors[BANK].name));
	ck_assert_uint_eq(token.exponent, 2);
	ck_assert_int_eq(cpnp_ledger_find_token(w.ledger,
	    CPNP_BYTES_LIT("XYZ"), none, &token, &diag), CPNP_ERR_NOT_FOUND);
	ck_assert_str_eq(diag.why, "the ledger has no token XYZ; it has EUR "
	    "of bank, USD of bank");
	/* a second issuer of the code */
	op = fx_op(CPNP_OP_ROLES, OP1);
	op.peer = w.actors[SUPP].name;
	op.roles = CPNP_ROLE_ISSUER;
	HAVE(op, PEER), HAVE(op, ROLES);
	fx_second(op);
	OK(op, OP1);
	op = fx_op(CPNP_OP_TOKEN, SUPP);
	op.code = CPNP_BYTES_LIT("EUR");
	op.exponent = 3;
	HAVE(op, CODE), HAVE(op, EXPONENT);
	OK(op, SUPP);
	ck_assert_int_eq(cpnp_ledger_find_token(w.ledger,
	    CPNP_BYTES_LIT("EUR"), none, &token, &diag), CPNP_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(diag.why, "\"EUR of ISSUER\""));
	ck_assert_int_eq(cpnp_ledger_find_token(w.ledger,
	    CPNP_BYTES_LIT("EUR of supp"), none, &token, &diag), 0);
	ck_assert_uint_eq(token.exponent, 3);
	ck_assert_int_eq(cpnp_ledger_find_token(w.ledger,
	    CPNP_BYTES_LIT("EUR"), w.actors[BANK].name, &token, &diag), 0);
	ck_assert_uint_eq(token.exponent, 2);
	ck_assert_int_eq(cpnp_ledger_find_token(w.ledger,
	    CPNP_BYTES_LIT("EUR of supp"), w.actors[BANK].name, &token,
	    &diag), 0);
	ck_assert_uint_eq(token.exponent, 3);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_conf_is_read,
	    test_conf_mistakes_are_named, test_token_has_a_name};

	return fx_run(
	    "ledger conf", tests, sizeof(tests) / sizeof(tests[0]));
}
