/*
 * Versions of the rules: what the next one must keep.  The next version is
 * made up here: it refuses transfers of less than ten.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../ledger-bridge/settlement/state.h"
#include "settle_fixture.h"

static unsigned
do_transfer_2(struct call *call)
{
	return call->op->amount < 10 ? CPNP_OUTCOME_AMOUNT
				     : do_transfer(call);
}

static const struct rule rules_2[] = {
    {CPNP_OP_TICK, CPNP_ROLE_OPERATOR, do_tick, true, false},
    {CPNP_OP_MINT, CPNP_ROLE_ISSUER, do_mint, false, false},
    {CPNP_OP_TRANSFER, 0, do_transfer_2, false, false},
    {CPNP_OP_RULES, CPNP_ROLE_OPERATOR, do_rules, false, true},
};
static struct edition next[2];

/* Make a ledger one of the next program, which knows both versions. */
static void
update(cpnp_ledger *ledger)
{
	next[0] = ledger->editions[0];
	next[1] = (struct edition){2, cpnp_op_decode, rules_2,
	    sizeof(rules_2) / sizeof(rules_2[0])};
	ledger->editions = next;
	ledger->edition_n = 2;
}

static int
feed(cpnp_ledger *ledger, const cpnp_buf *batch)
{
	cpnp_ledger_info info;
	cpnp_log_entry entry;

	ck_assert_int_eq(cpnp_ledger_get_info(ledger, &info), 0);
	entry.position = info.position;
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	entry.batch = cpnp_buf_bytes(batch);
	return cpnp_ledger_apply(ledger, &entry, NULL);
}

static cpnp_op
transfer(int64_t amount)
{
	cpnp_op op = fx_op(CPNP_OP_TRANSFER, CUST);

	fx_money(&op, PROV, amount);
	return op;
}

static cpnp_buf
batch_of(const cpnp_op *op, enum who who)
{
	cpnp_buf item = fx_sign(op, &w.actors[who].signer), batch = fx_buf();
	cpnp_bytes bytes = cpnp_buf_bytes(&item);

	ck_assert_int_eq(cpnp_batch_encode(&bytes, 1, &batch), 0);
	cpnp_buf_fini(&item);
	return batch;
}

static unsigned
code_of(const cpnp_ledger *ledger)
{
	const cpnp_outcome *outcomes;
	size_t n;

	cpnp_ledger_outcomes(ledger, &outcomes, &n);
	ck_assert_uint_eq(n, 1);
	return outcomes[0].code;
}

/*
 * A log that changes its version in the middle: the next program replays it
 * from the genesis and from a snapshot to one root; until the change it has the
 * root of this program, which stops there.
 */
START_TEST(test_log_that_changes_its_rules_replays)
{
	static const unsigned want[] = {CPNP_OUTCOME_AMOUNT,
	    CPNP_OUTCOME_ACCEPTED, CPNP_OUTCOME_MALFORMED};
	uint8_t root[CPNP_SHA256_LEN], again[CPNP_SHA256_LEN];
	cpnp_ledger *ledgers[2];
	cpnp_buf after[3], snapshot = fx_buf();
	cpnp_ledger *plain;
	cpnp_op op;
	size_t i, j;

	fx_mint(CUST, 100);
	fx_snapshot();
	op = fx_op(CPNP_OP_RULES, OP1);
	op.version = 2;
	op.position = w.entry_n + 3;
	HAVE(op, VERSION), HAVE(op, POSITION);
	fx_second(op);
	OK(op, OP1);
	op = transfer(5); /* the last under version 1 */
	OK(op, CUST);
	op = transfer(5);
	after[0] = batch_of(&op, CUST);
	op = transfer(10);
	after[1] = batch_of(&op, CUST);
	op = fx_op(CPNP_OP_HEARTBEAT, CUST); /* version 2 has none */
	op.time = fx_now() + 1;
	HAVE(op, TIME);
	after[2] = batch_of(&op, CUST);
	ck_assert_int_eq(feed(w.ledger, &after[0]), CPNP_ERR_VERSION);

	ck_assert_int_eq(cpnp_ledger_new(&ledgers[0], w.env,
	    cpnp_buf_bytes(&w.genesis), NULL), 0);
	ck_assert_int_eq(cpnp_ledger_load(&ledgers[1], w.env,
	    cpnp_buf_bytes(&w.snapshot), NULL), 0);
	fx_root(w.ledger, root);
	for (i = 0; i < 2; i++) {
		update(ledgers[i]);
		fx_replay(ledgers[i]);
		fx_root(ledgers[i], again);
		ck_assert_mem_eq(again, root, sizeof(root));
		for (j = 0; j < 3; j++) {
			ck_assert_int_eq(feed(ledgers[i], &after[j]), 0);
			ck_assert_uint_eq(code_of(ledgers[i]), want[j]);
		}
	}
	fx_root(ledgers[0], root);
	fx_root(ledgers[1], again);
	ck_assert_mem_eq(again, root, sizeof(root));
	/* this program does not believe a state of the next one */
	ck_assert_int_eq(cpnp_ledger_save(ledgers[0], &snapshot), 0);
	ck_assert_int_eq(cpnp_ledger_load(&plain, w.env,
	    cpnp_buf_bytes(&snapshot), NULL), CPNP_ERR_VERSION);
	for (i = 0; i < 3; i++)
		cpnp_buf_fini(&after[i]);
	cpnp_buf_fini(&snapshot);
	cpnp_ledger_del(ledgers[0]);
	cpnp_ledger_del(ledgers[1]);
}
END_TEST

/* What only a later version knows is no operation before it counts, and has
 * the outcome of one that nobody knew. */
START_TEST(test_operation_of_a_later_version_is_none)
{
	struct edition first;
	cpnp_op op = fx_op(CPNP_OP_HEARTBEAT, CUST);
	cpnp_ledger *ledger;
	cpnp_buf batch;
	const cpnp_outcome *outcomes;
	size_t n;

	op.time = fx_now() + 1;
	HAVE(op, TIME);
	batch = batch_of(&op, CUST);
	ck_assert_int_eq(cpnp_ledger_new(&ledger, w.env,
	    cpnp_buf_bytes(&w.genesis), NULL), 0);
	first = (struct edition){1, cpnp_op_decode, rules_2,
	    sizeof(rules_2) / sizeof(rules_2[0])};
	ledger->editions = &first;
	ck_assert_int_eq(feed(ledger, &batch), 0);
	cpnp_ledger_outcomes(ledger, &outcomes, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(outcomes[0].code, CPNP_OUTCOME_MALFORMED);
	ck_assert_uint_eq(outcomes[0].kind, 0);
	cpnp_ledger_del(ledger);
	cpnp_buf_fini(&batch);
}
END_TEST

static void
replay_log(bool by_next)
{
	enum { MAX = 1 << 20 };
	uint8_t *bytes = malloc(MAX), root[CPNP_SHA256_LEN];
	const char *top = getenv("srcdir");
	cpnp_bytes genesis, want;
	cpnp_ledger_info info;
	cpnp_log_entry entry;
	cpnp_ledger *ledger;
	cpnp_cbor_rd rd;
	char path[4096];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/tests/settlement/rules-1.log",
	    top != NULL ? top : ".");
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "cannot read %s", path);
	n = fread(bytes, 1, MAX, file);
	ck_assert_int_eq(fclose(file), 0);
	cpnp_cbor_rd_init(&rd, (cpnp_bytes){bytes, n});
	(void)cpnp_cbor_get_array(&rd, 3, 3);
	genesis = cpnp_cbor_get_bytes(&rd, 1, MAX);
	ck_assert_int_eq(cpnp_ledger_new(&ledger, w.env, genesis, NULL), 0);
	if (by_next)
		update(ledger);
	for (n = cpnp_cbor_get_array(&rd, 1, MAX); n > 0; n--) {
		ck_assert_int_eq(cpnp_ledger_get_info(ledger, &info), 0);
		entry.position = info.position;
		memcpy(entry.prev, info.head, sizeof(entry.prev));
		entry.batch = cpnp_cbor_get_bytes(&rd, 1, MAX);
		ck_assert_int_eq(cpnp_ledger_apply(ledger, &entry, NULL), 0);
	}
	want = cpnp_cbor_get_bytes(&rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	ck_assert_int_eq(cpnp_cbor_rd_finish(&rd), 0);
	fx_root(ledger, root);
	ck_assert_mem_eq(root, want.ptr, sizeof(root));
	cpnp_ledger_del(ledger);
	free(bytes);
}

/* A log that was written once under some rules means the same for ever.  Never
 * make the file anew to please this test: make a new version of the rules. */
START_TEST(test_log_of_rules_1_replays)
{
	replay_log(false);
	replay_log(true);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_log_that_changes_its_rules_replays,
	    test_operation_of_a_later_version_is_none,
	    test_log_of_rules_1_replays};

	return fx_run(
	    "settlement rules", tests, sizeof(tests) / sizeof(tests[0]));
}
