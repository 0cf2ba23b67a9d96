/*
 * cpnp-ledger as a person runs it: exit codes, words, JSON.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <jansson.h>

#include <cpnp/xml.h>

#include "ledger_fixture.h"
#include "tool_run.h"

static struct pki pki;
static struct party client, provider;
static struct order order;
static char client_db[128], provider_db[128];

/* The store of a party as a file. */
static void
save(struct party *party, const char *name, char path[128])
{
	char sql[192];

	fx_path(&pki, name, path);
	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", path);
	fx_sql(party->db, sql);
}

static void
setup(void)
{
	cpnp_buf service = fx_buf();
	cpnp_diag diag;
	cpnp_cpd cpd;
	char *xml = unit_slurp("schemas/examples/three-site-vpn.xml");

	ck_assert_msg(cpnp_cpd_from_xml(&cpd, cpnp_bytes_str(xml),
	    &ledger_mem, &diag) == 0, "%s: %s", diag.where, diag.why);
	ck_assert_int_eq(cpnp_cpd_encode(&cpd, &service), 0);
	cpnp_cpd_fini(&cpd);
	free(xml);
	fx_pki_init(&pki);
	ck_assert_int_eq(setenv("D", pki.dir, 1), 0);
	fx_party_init(&client, &pki, "client.example", "ed25519", false);
	fx_party_init(&provider, &pki, "provider.example", "p256", true);
	fx_order_init_service(&order, "client.example", "provider.example",
	    "C-1", cpnp_buf_bytes(&service));
	fx_negotiate(&client, &provider, &order);
	cpnp_buf_fini(&service);
	save(&client, "client.db", client_db);
	save(&provider, "provider.db", provider_db);
}

static void
teardown(void)
{
	fx_order_fini(&order);
	fx_party_fini(&client);
	fx_party_fini(&provider);
	fx_pki_fini(&pki);
}

/* The last line is JSON. */
static json_t *
last_json(void)
{
	char *line, *end = output + strlen(output);
	json_t *json;

	ck_assert(end > output && end[-1] == '\n');
	end[-1] = '\0';
	line = strrchr(output, '\n');
	json = json_loads(line == NULL ? output : line + 1, 0, NULL);
	ck_assert_msg(json != NULL, "not JSON: %s", output);
	return json;
}

START_TEST(test_tool_prove_and_verify)
{
	json_t *json;

	expect("prove C-1 --store $D/client.db -o $D/c.proof", 0, "");
	expect("verify $D/c.proof --ca $D/ca.pem", 0, "VERIFIED");
	ck_assert_ptr_nonnull(strstr(output,
	    "client.example and provider.example agreed on "
	    "2026-11-21T08:00:00Z"));
	ck_assert_ptr_nonnull(strstr(output, "12500.00 EUR, issued by bank"));
	ck_assert_ptr_nonnull(strstr(output, "capacity"));
	ck_assert_ptr_nonnull(strstr(output,
	    "the journal provider.example holds it too: leaf 3 of 4"));
	ck_assert_ptr_nonnull(strstr(output, "Created -> PQOSent"));
	expect("verify $D/c.proof --ca $D/ca.pem --xml", 0, "<cpd");
	expect("verify $D/c.proof --ca $D/ca.pem --json", 0, "");
	json = last_json();
	ck_assert(json_is_true(json_object_get(json, "ok")));
	ck_assert(json_is_true(json_object_get(json, "agreed")));
	ck_assert_uint_eq(
	    json_array_size(json_object_get(json, "history")), 5);
	json_decref(json);
	expect("prove P-1 --json --store $D/provider.db -o $D/p.proof", 0,
	    "\"ok\":true");
	expect("verify $D/p.proof --key $D/provider.example.pem", 0,
	    "your key is one of this journal's");
	ck_assert_ptr_nonnull(strstr(output,
	    "client.example (nobody you trust vouches"));
	expect("verify $D/p.proof --key $D/client.example.pem", 0,
	    "nobody you trust vouches for this key");
}
END_TEST

START_TEST(test_tool_says_what_is_wrong)
{
	json_t *json;

	expect("prove C-2 --store $D/client.db -o $D/x", 1, "C-2");
	expect("prove C-1 --store $D/none.db -o $D/x", 1, "none.db");
	expect("prove C-1 --store $D/client.db --json", 1, "-o FILE");
	expect("prove C-1 --store $D/client.db -o $D/c.proof", 0, "");
	expect("verify $D/c.proof", 1, "--ca FILE");
	expect("verify $D/none --ca $D/ca.pem", 1, "none");
	expect("verify $D/ca.pem --ca $D/ca.pem", 1, "NOT VERIFIED");
	expect("verify $D/c.proof --ca $D/c.proof", 1, "no certificate");
	expect("key generate $D/other.key", 0, "");
	expect("key public $D/other.key -o $D/other.pub", 0, "");
	expect("verify $D/c.proof --key $D/other.pub", 1, "known key");
	/* the price of the agreement, raised by one cent */
	expect("verify $D/c.proof --ca $D/ca.pem --json", 0, "12500.00");
	ck_assert_int_eq(system("perl -0777 -pe "
	    "'s/\\x1a\\x00\\x13\\x12\\xd0/\\x1a\\x00\\x13\\x12\\xd1/'"
	    " <$D/c.proof >$D/t.proof"), 0);
	expect("verify $D/t.proof --ca $D/ca.pem --json", 1,
	    "NOT VERIFIED");
	json = last_json();
	ck_assert(json_is_false(json_object_get(json, "ok")));
	ck_assert_ptr_nonnull(strstr(
	    json_string_value(json_object_get(json, "why")),
	    "no agreement in the file has it"));
	json_decref(json);
	/* what would turn text around is shown, not obeyed */
	expect("prove X\xe2\x80\xaeY\xc2\x9bZ --store $D/client.db -o $D/no", 1,
	    "X\\xe2\\x80\\xaeY\\xc2\\x9bZ");
}
END_TEST

START_TEST(test_tool_usage)
{
	static const char *const wrong[] = {"", "prove", "prove a b",
	    "frobnicate", "log", "log frobnicate", "key generate",
	    "verify x --proof y", "log show --ca x", "key generate x -o y",
	    "prove x --nothing", "verify a b --ca c"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect(wrong[i], 2, "");
	expect("--help", 0, "usage: cpnp-ledger prove");
	/* what was wrong, and only the verb that was meant */
	expect("prove a b", 2, "more operands than it takes\nusage: "
	    "cpnp-ledger prove ORDER [--store FILE] [--config FILE] "
	    "[-o FILE]\n           [--json]\n");
	expect("log show --ca x", 2, "it takes no --ca\nusage: cpnp-ledger "
	    "log show");
	expect("frobnicate", 2, "no such verb; expected one of prove verify");
	expect("log frobnicate", 2, "usage: cpnp-ledger log verify");
}
END_TEST

START_TEST(test_tool_log)
{
	json_t *json;

	expect("prove C-1 --store $D/client.db -o $D/c.proof", 0, "");
	expect("log verify --store $D/provider.db --proof $D/c.proof", 0,
	    "consistent with 1 proof file");
	expect("log verify --store $D/provider.db --ca $D/ca.pem --json", 0,
	    "\"attested\":true");
	json = last_json();
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json, "leaves")), 6);
	json_decref(json);
	expect("log show --store $D/provider.db", 0, "ACCEPT");
	ck_assert_ptr_nonnull(strstr(output, "\nprovider.example\n6\n"));
	expect("log show --json --store $D/provider.db", 0, "\"ACCEPT\"");
	json_decref(last_json());
	/* an ACCEPT gone after its ACK */
	fx_sql(provider.db, "DELETE FROM journal_leaf WHERE idx = 3");
	(void)remove(provider_db);
	save(&provider, "provider.db", provider_db);
	expect("log verify --store $D/provider.db", 1, "leaf 3: missing");
}
END_TEST

START_TEST(test_tool_keys)
{
	struct stat st;
	char path[128];

	expect("key generate $D/next.key --type p256", 0, "");
	fx_path(&pki, "next.key", path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	expect("key generate $D/next.key", 1, "next.key");
	expect("key generate $D/rsa.key --type rsa", 1, "ed25519 or p256");
	expect("key public $D/next.key", 0, "BEGIN PUBLIC KEY");
	expect("log rotate-key --store $D/provider.db"
	       " --key $D/provider.example.key --cert $D/provider.example.pem"
	       " --new-ledger-key $D/next.key", 0, "from leaf 6 on");
	expect("log verify --store $D/provider.db"
	       " --key $D/provider.example.pem", 0, "(2 so far)");
	expect("log verify --store $D/provider.db --ca $D/ca.pem", 0,
	    "(2 so far)");
	/* the old key is the journal's no more */
	expect("log rotate-key --store $D/provider.db"
	       " --key $D/provider.example.key --cert $D/provider.example.pem"
	       " --new-ledger-key $D/next.key", 1, "rotate-key");
	ck_assert_int_eq(chmod(path, 0604), 0);
	expect("key public $D/next.key", 1, "chmod 600");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_tool_prove_and_verify,
	    test_tool_says_what_is_wrong, test_tool_usage, test_tool_log,
	    test_tool_keys};

	return fx_run("ledger_tool", tests, sizeof(tests) / sizeof(*tests),
	    setup, teardown);
}
