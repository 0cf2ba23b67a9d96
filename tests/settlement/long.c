/*
 * Many orders from authorization to settlement: what is over is forgotten, so
 * that state and memory stay as large as they were.
 *
 *	tests/settlement/long [ORDERS]
 *
 * make check runs 20,000 orders, make check-settlement-long a million.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../unit/settle_fixture.h"

#define ORDERS 20000
#define ROUND 600 /* orders that are open together */
#define AMOUNT_EACH 1000
/* A number may have grown by some bytes, the edge of the tree of outcomes by
 * some hashes. */
#define SLACK 1024

/* How an order ends. */
enum { WITHDRAWN, VOIDED, LAPSED, BREACHED, SERVED, CHANNEL, KINDS };

#define SALT_16 CPNP_BYTES_LIT("sixteen bytes...")

static size_t orders_n = ORDERS;
static uint8_t ids[ROUND][CPNP_SHA256_LEN];
static uint8_t commitment[CPNP_SHA256_LEN], terms_store[256];
static cpnp_bytes terms;
static cpnp_ledger_env env; /* the fixture's, which counts blocks */
static cpnp_mem under;
static size_t blocks;

/* Operations of one account that wait for a common signature. */
static struct {
	cpnp_buf payloads[ROUND], items[ROUND];
	size_t n;
} queue;

static void *
count_alloc(void *user, size_t size)
{
	void *ptr = under.alloc(under.user, size);

	(void)user;
	blocks += ptr != NULL;
	return ptr;
}

static void *
count_realloc(void *user, void *ptr, size_t size)
{
	void *moved = under.realloc(under.user, ptr, size);

	(void)user;
	blocks += ptr == NULL && moved != NULL;
	return moved;
}

static void
count_free(void *user, void *ptr)
{
	(void)user;
	blocks -= ptr != NULL;
	under.free(under.user, ptr);
}

static void
put(const cpnp_op *op)
{
	ck_assert_uint_lt(queue.n, ROUND);
	queue.payloads[queue.n++] = fx_encode(op);
}

static void
apply(cpnp_bytes batch)
{
	cpnp_ledger_info info;
	cpnp_log_entry entry;
	cpnp_diag diag;

	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	entry.position = info.position;
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	entry.batch = batch;
	ck_assert_msg(cpnp_ledger_apply(w.ledger, &entry, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
}

/* Sign and apply what waits; all of it is accepted. */
static void
flush(enum who who)
{
	cpnp_bytes views[ROUND], signed_ops[ROUND];
	const cpnp_outcome *outcomes;
	cpnp_buf batch = fx_buf();
	size_t i, n;

	for (i = 0; i < queue.n; i++) {
		views[i] = cpnp_buf_bytes(&queue.payloads[i]);
		queue.items[i] = fx_buf();
	}
	ck_assert_int_eq(cpnp_op_sign(
	    &w.actors[who].signer, views, queue.n, queue.items), 0);
	for (i = 0; i < queue.n; i++)
		signed_ops[i] = cpnp_buf_bytes(&queue.items[i]);
	ck_assert_int_eq(cpnp_batch_encode(signed_ops, queue.n, &batch), 0);
	apply(cpnp_buf_bytes(&batch));
	cpnp_ledger_outcomes(w.ledger, &outcomes, &n);
	for (i = 0; i < n; i++)
		ck_assert_msg(outcomes[i].code == CPNP_OUTCOME_ACCEPTED,
		    "%s: %s", cpnp_fact_name(outcomes[i].kind),
		    cpnp_outcome_name(outcomes[i].code));
	for (i = 0; i < queue.n; i++) {
		cpnp_buf_fini(&queue.payloads[i]);
		cpnp_buf_fini(&queue.items[i]);
	}
	cpnp_buf_fini(&batch);
	queue.n = 0;
}

static void
pass(int64_t seconds)
{
	const enum who who[] = {OP1, OP2};
	int64_t time = fx_now() + seconds;
	cpnp_op op;

	for (size_t i = 0; i < 2; i++) {
		op = fx_op(CPNP_OP_TICK, who[i]);
		op.time = time;
		HAVE(op, TIME);
		put(&op);
		flush(who[i]);
	}
	ck_assert_int_eq(fx_now(), time);
}

static cpnp_op
opening(size_t kind)
{
	cpnp_op op = fx_authorize(CUST, PROV, AMOUNT_EACH);

	op.duration = 600;
	if (kind == CHANNEL) {
		op.type = CPNP_OP_CHANNEL_OPEN;
		op.has &= ~CPNP_OP_FIELD_BIT(DURATION);
	}
	if (kind == BREACHED) {
		op.sla = (cpnp_bytes){commitment, sizeof(commitment)};
		op.claim_seconds = 600;
		HAVE(op, SLA), HAVE(op, CLAIM_SECONDS);
	}
	return op;
}

static cpnp_op
claim(const uint8_t *id)
{
	cpnp_op op = fx_about(CPNP_OP_CLAIM, CUST, id);

	op.salt = SALT_16;
	op.terms = terms;
	op.to = fx_now();
	op.from = op.to - 60;
	op.value = 2;
	HAVE(op, SALT), HAVE(op, TERMS), HAVE(op, METRIC);
	HAVE(op, FROM), HAVE(op, TO), HAVE(op, VALUE);
	return op;
}

/* What the customer does in the middle. */
static void
carry_on(size_t kind, const uint8_t *id)
{
	cpnp_op op;

	if (kind == LAPSED || kind == SERVED)
		return;
	if (kind == BREACHED) {
		op = claim(id);
	} else {
		op = fx_about(kind == WITHDRAWN ? CPNP_OP_WITHDRAW
		    : kind == VOIDED ? CPNP_OP_VOID : CPNP_OP_VOUCHER,
		    CUST, id);
		op.amount = AMOUNT_EACH / 2;
		if (kind == CHANNEL)
			HAVE(op, AMOUNT);
	}
	put(&op);
}

static void
go_round(void)
{
	cpnp_op op;
	size_t i;

	for (i = 0; i < ROUND; i++) {
		op = opening(i % KINDS);
		put(&op);
		ck_assert_int_eq(hash_once(&(cpnp_bytes){
		    queue.payloads[i].ptr, queue.payloads[i].len}, 1,
		    ids[i]), 0);
	}
	flush(CUST);
	for (i = 0; i < ROUND; i++) {
		if (i % KINDS != WITHDRAWN && i % KINDS != BREACHED &&
		    i % KINDS != SERVED)
			continue;
		op = fx_about(CPNP_OP_ACKNOWLEDGE, PROV, ids[i]);
		put(&op);
	}
	flush(PROV);
	pass(60);
	for (i = 0; i < ROUND; i++)
		carry_on(i % KINDS, ids[i]);
	flush(CUST);
	for (i = CHANNEL; i < ROUND; i += KINDS) {
		op = fx_about(CPNP_OP_CHANNEL_CLOSE, PROV, ids[i]);
		put(&op);
	}
	flush(PROV);
	pass(HOUR);
	pass(600);
	/* and the money comes round again */
	op = fx_op(CPNP_OP_TRANSFER, PROV);
	fx_money(&op, CUST, fx_balance(PROV).free);
	put(&op);
	flush(PROV);
	pass(HOUR);
}

static void
check_snapshot(cpnp_bytes snapshot)
{
	uint8_t root[CPNP_SHA256_LEN], again[CPNP_SHA256_LEN];
	cpnp_ledger *other;

	ck_assert_int_eq(cpnp_ledger_load(&other, w.env, snapshot, NULL), 0);
	fx_root(w.ledger, root);
	fx_root(other, again);
	ck_assert_mem_eq(root, again, sizeof(root));
	cpnp_ledger_del(other);
}

static void
start(void)
{
	const cpnp_sla_terms sla = {.metrics = {{1, false, 60, 10000}},
	    .metric_n = 1,
	    .cap_ppm = CPNP_PPM,
	    .object_seconds = 300,
	    .audit_seconds = 300};
	cpnp_op op;
	cpnp_buf buf;

	under = w.env->env.mem;
	env = *w.env;
	env.env.mem = (cpnp_mem){
	    NULL, count_alloc, count_realloc, count_free};
	cpnp_ledger_del(w.ledger);
	ck_assert_int_eq(cpnp_ledger_new(
	    &w.ledger, &env, cpnp_buf_bytes(&w.genesis), NULL), 0);
	cpnp_buf_init_fixed(&buf, terms_store, sizeof(terms_store));
	ck_assert_int_eq(cpnp_sla_terms_encode(&sla, &buf), 0);
	terms = cpnp_buf_bytes(&buf);
	ck_assert_int_eq(cpnp_sla_commitment(
	    &env.env, SALT_16, terms, commitment), 0);
	op = fx_op(CPNP_OP_MINT, BANK);
	op.code = CPNP_BYTES_LIT("EUR");
	op.amount = AMOUNT_EACH * ROUND;
	op.peer = w.actors[CUST].name;
	HAVE(op, CODE), HAVE(op, AMOUNT), HAVE(op, PEER);
	put(&op);
	flush(BANK);
	pass(HOUR);
}

START_TEST(test_state_is_bounded_by_what_is_open)
{
	size_t size = 0, blocks_first = 0, done;
	cpnp_buf snapshot = fx_buf();
	cpnp_ledger_info info;

	start();
	for (done = 0; done < orders_n; done += ROUND) {
		go_round();
		ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
		ck_assert_uint_eq(info.open_n, 0);
		ck_assert_uint_eq(info.idem_n, 0);
		HAS_FREE(CUST, AMOUNT_EACH * ROUND);
		cpnp_buf_reset(&snapshot);
		ck_assert_int_eq(cpnp_ledger_save(w.ledger, &snapshot), 0);
		if (size == 0) {
			size = snapshot.len;
			blocks_first = blocks;
		}
		ck_assert_uint_lt(snapshot.len, size + SLACK);
		ck_assert_uint_eq(blocks, blocks_first);
	}
	check_snapshot(cpnp_buf_bytes(&snapshot));
	(void)printf("# %zu orders, %llu outcomes: %zu bytes of state at "
	    "first, %zu at last, %zu blocks\n", done,
	    (unsigned long long)info.outcome_n, size, snapshot.len, blocks);
	cpnp_buf_fini(&snapshot);
	cpnp_ledger_del(w.ledger);
	ck_assert_uint_eq(blocks, 0);
	/* for the fixture, whose log is empty */
	ck_assert_int_eq(cpnp_ledger_new(
	    &w.ledger, w.env, cpnp_buf_bytes(&w.genesis), NULL), 0);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("long settlement");
	TCase *tc = tcase_create("bounded");
	SRunner *runner;
	int failed;

	if (argc > 1)
		orders_n = strtoull(argv[1], NULL, 10);
	tcase_add_checked_fixture(tc, fx_setup, fx_teardown);
	tcase_add_test(tc, test_state_is_bounded_by_what_is_open);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	/* in this process: time does not count */
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
