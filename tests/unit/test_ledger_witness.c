/*
 * Witnesses and proofs of fraud (U34, B1): checkpoints of one journal that
 * grows, is rolled back, and forks; what cpnp-ledger says to each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <jansson.h>

#include "ledger_fixture.h"
#include "tool_run.h"

#define WITNESS "witness $D/h --state $D/w.state --key $D/w.key" \
	" --name witness.example --journal-key $D/j.pub"

static struct pki pki;
static struct party party;
static struct order order;
static sqlite3 *fork_db;
static cpnp_journal *fork_journal;

static void
shell(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* Add n leaves, the first into this state, and sign the head. */
static void
grow(cpnp_journal *journal, size_t n, uint8_t state)
{
	size_t i;

	for (i = 0; i < n; i++)
		fx_append_state(
		    journal, &order, 1, 2, i == 0 ? state : 1);
	ck_assert_int_eq(cpnp_journal_sign_head(journal, NOW), 0);
}

static void
write_head(cpnp_journal *journal, const char *name)
{
	char path[128];
	cpnp_head head;
	FILE *file;

	fx_path(&pki, name, path);
	ck_assert_int_eq(cpnp_journal_head(journal, &head), 0);
	file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(head.checkpoint.ptr, 1, head.checkpoint.len,
	    file), head.checkpoint.len);
	ck_assert_int_eq(fclose(file), 0);
}

static void
save(sqlite3 *db, const char *name)
{
	char path[128], sql[192];

	fx_path(&pki, name, path);
	(void)remove(path);
	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", path);
	fx_sql(db, sql);
}

/* The same journal from here on twice. */
static void
make_fork(void)
{
	char path[128];

	save(party.db, "fork.db");
	fx_path(&pki, "fork.db", path);
	ck_assert_int_eq(sqlite3_open(path, &fork_db), SQLITE_OK);
	fork_journal = fx_journal(fork_db, party.signer);
}

static void
setup_with(const char *type)
{
	fx_pki_init(&pki);
	ck_assert_int_eq(setenv("D", pki.dir, 1), 0);
	fx_party_init(&party, &pki, "provider.example", type, false);
	fx_order_init(&order, "client.example", "provider.example", "C-1");
	shell("cp $D/provider.example.pem $D/j.pub");
	expect("key generate $D/w.key", 0, "");
	expect("key public $D/w.key -o $D/w.pub", 0, "");
	grow(party.journal, 4, 3); /* 5 leaves */
	write_head(party.journal, "h5");
	fork_db = NULL;
	fork_journal = NULL;
}

static void
setup(void)
{
	setup_with("ed25519");
}

static void
teardown(void)
{
	cpnp_journal_close(fork_journal);
	(void)sqlite3_close(fork_db);
	fx_order_fini(&order);
	fx_party_fini(&party);
	fx_pki_fini(&pki);
}

/* Cosign head file name. */
static void
witness(const char *name, const char *more, int code, const char *words)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "cp $D/%s $D/h", name);
	shell(line);
	(void)snprintf(line, sizeof(line), WITNESS " %s", more);
	expect(line, code, words);
}

/* tlog-cosignature: 4 bytes of SHA-256(name, \n, 4, key), 8 bytes of time,
 * Ed25519 over "cosignature/v1\ntime T\n" and the checkpoint's text; all said
 * again by openssl and the shell. */
START_TEST(test_cosignature_has_the_form_of_c2sp)
{
	witness("h5", "-o $D/c5", 0, "");
	shell("cd $D && cmp -n $(stat -c %s h5) h5 c5");
	shell("cd $D && grep '^\xe2\x80\x94 witness.example ' c5 |"
	      " cut -d' ' -f3 | base64 -d >blob &&"
	      " test $(stat -c %s blob) = 76");
	shell("cd $D && openssl pkey -pubin -in w.pub -outform DER |"
	      " tail -c 32 >raw && (printf 'witness.example\\n\\004'; cat raw)"
	      " | sha256sum | cut -c1-8 >want &&"
	      " head -c 4 blob | od -An -tx1 | tr -d ' \\n' >got &&"
	      " echo >>got && cmp want got");
	shell("cd $D && t=$(head -c 12 blob | tail -c 8 |"
	      " od -An -tu8 --endian=big | tr -d ' ') &&"
	      " n=$(date +%s) && test $t -le $n && test $t -gt $((n - 60)) &&"
	      " (printf 'cosignature/v1\\ntime %s\\n' $t; head -n 3 c5) >msg &&"
	      " tail -c 64 blob >sig && openssl pkeyutl -verify -pubin"
	      " -inkey w.pub -rawin -in msg -sigfile sig >/dev/null");
	expect("verify $D/c5 --key $D/j.pub --key $D/w.pub", 0,
	    "cosigned by witness.example on ");
	expect("verify $D/c5 --key $D/j.pub", 0, "cosigned by no witness");
	expect("verify $D/c5 --key $D/w.pub", 1, "NOT VERIFIED");
	expect("verify $D/c5 --ca $D/ca.pem", 1, "--key PUB");
	/* another time under the same signature */
	shell("cd $D && (head -n -1 c5;"
	      " printf '\xe2\x80\x94 witness.example %s\\n'"
	      " $( (head -c 11 blob;"
	      " printf '\\377'; tail -c 64 blob) | base64 -w0)) >t5");
	expect("verify $D/t5 --key $D/j.pub --key $D/w.pub", 1,
	    "the cosignature of witness.example does not verify");
}
END_TEST

START_TEST(test_witness_follows_a_journal_that_grows)
{
	witness("h5", "--json", 0, "\"size\":5");
	witness("h5", "", 0, "witness.example"); /* the same, again */
	grow(party.journal, 4, 3);
	write_head(party.journal, "h9");
	save(party.db, "j.db");
	witness("h9", "", 1, "from 5 to 9 leaves");
	expect("log head --store $D/j.db -o $D/h9again", 0, "");
	shell("cmp $D/h9 $D/h9again");
	expect("log consistency 5 --store $D/j.db -o $D/p", 0, "");
	expect("log consistency 5 9 --store $D/j.db", 0, "old 5\n");
	expect("log consistency 5 10 --store $D/j.db", 1,
	    "this journal has 9");
	expect("log consistency 9 5 --store $D/j.db", 1, "NEW: ");
	expect("log consistency 0 --store $D/j.db", 1, "OLD: ");
	expect("log consistency 4 9 --store $D/j.db -o $D/p4", 0, "");
	witness("h9", "--proof $D/p4", 1, "from 5 it must be");
	witness("h9", "--proof $D/h9", 1, "not a consistency proof");
	/* the state is committed before a signature can be given out */
	witness("h9", "--proof $D/p -o $D/none/x", 1, "cannot write");
	witness("h5", "", 1, "rolled back to 5 leaves, from 9");
	witness("h9", "", 0, "witness.example");
	/* what was cosigned once is not given up */
	witness("h5", "", 1, "rolled back to 5 leaves, from 9");
}
END_TEST

START_TEST(test_witness_refuses_a_fork)
{
	make_fork();
	grow(party.journal, 4, 3);
	write_head(party.journal, "a9");
	grow(fork_journal, 4, 4);
	write_head(fork_journal, "b9");
	witness("h5", "", 0, "");
	save(party.db, "j.db");
	expect("log consistency 5 --store $D/j.db -o $D/p", 0, "");
	witness("a9", "--proof $D/p", 0, "");
	witness("b9", "--fraud $D/f", 1, "FORK: it has signed another root");
	expect("verify $D/f --key $D/j.pub", 0, "FRAUD by provider.example");
	expect("verify $D/f --key $D/j.pub --json", 0, "\"type\":\"fraud\"");
	/* nobody's word for whose key it is */
	expect("verify $D/f --key $D/w.pub", 1, "nobody that you trust says");
	expect("verify $D/f --ca $D/ca.pem", 1, "nobody that you trust says");
	expect("verify $D/f", 1, "whom do you trust?");
	/* still where it was */
	witness("a9", "", 0, "");
}
END_TEST

START_TEST(test_witness_state_moves_only_with_a_good_proof)
{
	make_fork();
	grow(fork_journal, 4, 4);
	grow(party.journal, 3, 3); /* 8 */
	write_head(party.journal, "a8");
	witness("h5", "", 0, "");
	save(party.db, "j.db");
	expect("log consistency 5 --store $D/j.db -o $D/p", 0, "");
	witness("a8", "--proof $D/p", 0, "");
	/* 9 leaves of the fork do not extend 8 of the other */
	write_head(fork_journal, "b9");
	save(fork_db, "k.db");
	expect("log consistency 8 --store $D/k.db -o $D/p", 0, "");
	witness("b9", "--proof $D/p --fraud $D/f", 1, "does not show that 9");
	/* 8 is a power of two, so this path alone proves nothing ... */
	ck_assert_ptr_nonnull(strstr(output, "no proof of fraud"));
	/* ... a copy of the journal that leads to b9 does */
	expect("fraud $D/b9 $D/a8 --key $D/j.pub -o $D/f", 1,
	    "of two sizes");
	expect("fraud $D/b9 $D/a8 --key $D/j.pub --store $D/j.db -o $D/f", 1,
	    "shorter than the greater head");
	expect("fraud $D/b9 $D/a8 --key $D/j.pub --store $D/k.db -o $D/f", 0,
	    "and the greater had root");
	expect("verify $D/f --key $D/j.pub", 0, "FRAUD by provider.example");
	witness("a8", "", 0, "");
}
END_TEST

START_TEST(test_fraud_from_the_proof_that_the_origin_gave)
{
	make_fork();
	grow(party.journal, 2, 3); /* 7 */
	write_head(party.journal, "a7");
	grow(fork_journal, 6, 4); /* 11 */
	write_head(fork_journal, "b11");
	save(fork_db, "k.db");
	expect("log consistency 7 --store $D/k.db -o $D/p", 0, "");
	expect("fraud $D/a7 $D/b11 --key $D/j.pub --proof $D/p -o $D/f", 0,
	    "7 leaves with root");
	expect("verify $D/f --key $D/j.pub", 0, "FRAUD");
	/* a path that leads nowhere is anybody's */
	expect("log consistency 6 --store $D/k.db -o $D/q", 0, "");
	expect("fraud $D/a7 $D/b11 --key $D/j.pub --proof $D/q -o $D/g", 1,
	    "nothing follows");
	/* one byte of the file, wherever, and it proves nothing */
	shell("cd $D && n=$(stat -c %s f) && i=0 &&"
	      " while [ $i -lt $n ]; do cp f m; b=$(od -An -tu1 -j$i -N1 f);"
	      " printf \"\\\\$(printf %o $((b ^ 1)))\" |"
	      " dd of=m bs=1 seek=$i conv=notrunc 2>/dev/null;"
	      " ! ../" TOOL " verify m --key j.pub >/dev/null 2>&1 ||"
	      " { echo byte $i; exit 1; }; i=$((i + 7)); done");
	shell("cd $D && head -c -1 f >m && ! ../" TOOL
	      " verify m --key j.pub 2>/dev/null");
}
END_TEST

START_TEST(test_no_fraud_where_there_is_none)
{
	grow(party.journal, 4, 3);
	write_head(party.journal, "h9");
	save(party.db, "j.db");
	expect("log consistency 5 --store $D/j.db -o $D/p", 0, "");
	expect("fraud $D/h5 $D/h5 --key $D/j.pub -o $D/f", 1,
	    "no fraud: both are of one size and root");
	expect("fraud $D/h5 $D/h9 --key $D/j.pub --store $D/j.db -o $D/f", 1,
	    "no fraud: the greater extends the smaller");
	expect("fraud $D/h9 $D/h5 --key $D/j.pub --proof $D/p -o $D/f", 1,
	    "no fraud: the greater extends the smaller");
	expect("fraud $D/h5 $D/h9 --key $D/w.pub -o $D/f", 1,
	    "not signed by a known key in the name of provider.example");
	expect("fraud $D/h5 $D/h9 --key $D/j.pub", 1, "-o FILE");
	expect("fraud $D/h5 $D/h9 -o $D/f", 1, "--key: needed");
	shell("! test -e $D/f");
}
END_TEST

START_TEST(test_witness_says_what_is_wrong)
{
	shell("cp $D/h5 $D/h");
	expect("witness $D/h", 1, "--state: needed");
	expect("witness $D/h --state $D/s", 1, "--name: needed");
	expect("witness $D/h --state $D/s --name w", 1, "--key: needed");
	expect("witness $D/h --state $D/s --name w --key $D/w.key", 1,
	    "--journal-key: needed");
	expect("witness $D/h --state $D/s --name 'a b' --key $D/w.key"
	       " --journal-key $D/j.pub", 1, "not a name for a witness");
	expect("witness $D/h --state $D/s --name w --key $D/w.key"
	       " --journal-key $D/w.pub", 1, "not signed by a known key");
	expect("key generate $D/p.key --type p256", 0, "");
	expect("witness $D/h --state $D/s --name w --key $D/p.key"
	       " --journal-key $D/j.pub", 1, "signs with Ed25519");
	/* nothing of this has touched a state */
	shell("! test -e $D/s");
	shell("cd $D && sed 2s/5/6/ h5 >h");
	expect(WITNESS, 1, "the signature of provider.example does not");
	shell("cd $D && sed 2s/5/05/ h5 >h");
	expect(WITNESS, 1, "second line is not a size");
	shell("cd $D && sed 3s/=// h5 >h");
	expect(WITNESS, 1, "third line is not a root");
	shell("cd $D && sed '1s/provider/pro vider/' h5 >h");
	expect(WITNESS, 1, "first line is not the name of an origin");
	shell("cd $D && head -n 4 h5 >h");
	expect(WITNESS, 1, "it is not signed");
	shell("cd $D && head -n 3 h5 >h");
	expect(WITNESS, 1, "not a C2SP checkpoint");
	shell("cd $D && (cat h5; echo x) >h");
	expect(WITNESS, 1, "line 2 of signature is none");
	shell("cd $D && echo no >w.state && cp h5 h");
	expect(WITNESS, 1, "the witness's state");
}
END_TEST

/* CPNP_CHECKPOINT_SIGNATURES_MAX and CPNP_CHECKPOINT_MAX. */
START_TEST(test_checkpoint_limits)
{
	shell("cd $D && (cat h5; for i in $(seq 99);"
	      " do echo '\xe2\x80\x94 x AAAAAAAA'; done) >h");
	expect(WITNESS, 0, "witness.example");
	shell("cd $D && (cat h5; for i in $(seq 100);"
	      " do echo '\xe2\x80\x94 x AAAAAAAA'; done) >h");
	expect(WITNESS, 1, "line 101 of signature");
	shell("cd $D && (cat h5; echo '\xe2\x80\x94 x '$(yes A |"
	      " head -n 16384 | tr -d '\\n')) >h");
	expect(WITNESS, 1, "larger than");
}
END_TEST

START_TEST(test_witness_of_a_p256_journal)
{
	teardown();
	setup_with("p256");
	make_fork();
	grow(party.journal, 1, 3);
	write_head(party.journal, "a6");
	grow(fork_journal, 1, 4);
	write_head(fork_journal, "b6");
	witness("a6", "-o $D/c", 0, "");
	expect("verify $D/c --key $D/j.pub --key $D/w.pub", 0, "cosigned by");
	witness("b6", "--fraud $D/f", 1, "FORK");
	expect("verify $D/f --key $D/j.pub", 0, "FRAUD");
}
END_TEST

/* Heads of a journal on a shared ledger (U34, B1): they only grow. */
START_TEST(test_anchor_puts_the_newest_head_on_the_ledger)
{
	shell("cd $D && printf 'genesis = genesis\nstore = t.db\n"
	      "backend = sqlite\nsetting = {\"path = '$D'/log.db\","
	      " \"writer = w\"}\naccount = op\nkey-file = w.key\n' >t.conf");
	expect("init --name n --member op:operator:$D/w.pub"
	       " --config $D/t.conf", 0, "ledger ");
	save(party.db, "j.db");
	expect("anchor --journal $D/j.db --config $D/t.conf", 0, "anchor ");
	ck_assert_ptr_nonnull(strstr(output, "accepted in entry 1"));
	expect("anchor --journal $D/j.db --config $D/t.conf", 0, "entry 1");
	grow(party.journal, 4, 3);
	save(party.db, "j.db");
	expect("anchor --journal $D/j.db --config $D/t.conf --json", 0,
	    "\"position\":2");
	expect("anchor --journal $D/none --config $D/t.conf", 1,
	    "cannot read");
	expect("status --config $D/t.conf", 0, "entries 3");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_cosignature_has_the_form_of_c2sp,
	    test_witness_follows_a_journal_that_grows,
	    test_witness_refuses_a_fork,
	    test_witness_state_moves_only_with_a_good_proof,
	    test_fraud_from_the_proof_that_the_origin_gave,
	    test_no_fraud_where_there_is_none,
	    test_witness_says_what_is_wrong, test_checkpoint_limits,
	    test_witness_of_a_p256_journal,
	    test_anchor_puts_the_newest_head_on_the_ledger};

	return fx_run("ledger_witness", tests,
	    sizeof(tests) / sizeof(*tests), setup, teardown);
}
