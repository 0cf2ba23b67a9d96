/*
 * The bridge: what it promises to who submits, what it does in outages, with
 * full disks and after restarts, and when it stops.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cpnp/bridge.h>

#include "../../ledger-bridge/journal/internal.h"
#include "../backends/world.h"
#include "fault_vfs.h"
#include "unit.h"

#define STEPS_MAX 400

static char dir[] = "bridge-XXXXXX";
static struct world world;
static cpnp_log_setting settings[2];
static char log_path[64];
static const cpnp_backend *sqlite;

static const char *
file(const char *name)
{
	static char paths[4][64];
	static int next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void __attribute__((format(printf, 1, 2)))
sh(const char *format, ...)
{
	char command[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	ck_assert_int_eq(system(command), 0);
}

static void
create_log(void)
{
	cpnp_diag diag;

	ck_assert_msg(sqlite->create(settings, 1,
	    cpnp_buf_bytes(&world.genesis), NULL, &diag) == 0, "%s", diag.why);
}

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "%s", "bridge-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(fault_vfs_register(), SQLITE_OK);
	world_init(&world, dir);
	(void)snprintf(log_path, sizeof(log_path), "%s", file("log"));
	settings[0] = (cpnp_log_setting){"path", log_path};
	sqlite = cpnp_backend_find("sqlite", NULL);
	create_log();
}

static void
teardown(void)
{
	world_fini(&world);
	sh("rm -rf '%s'", dir);
}

static cpnp_bridge_config
config_of(const char *store, const char *writer)
{
	cpnp_bridge_config config;

	cpnp_bridge_config_default(&config);
	config.store = file(store);
	config.backend = "sqlite";
	settings[1] = (cpnp_log_setting){"writer", writer};
	config.settings = settings;
	config.settings_n = writer != NULL ? 2 : 1;
	config.genesis = cpnp_buf_bytes(&world.genesis);
	config.batch_wait = 0;
	config.snapshot_entries = 2;
	return config;
}

static cpnp_bridge *
open_bridge(const char *store, const char *writer)
{
	cpnp_bridge_config config = config_of(store, writer);
	cpnp_diag diag = {.err = 0};
	cpnp_bridge *bridge = NULL;

	ck_assert_msg(cpnp_bridge_open(&bridge, &config, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	return bridge;
}

static int
open_error(const char *store, const char *writer, cpnp_diag *diag)
{
	cpnp_bridge_config config = config_of(store, writer);
	cpnp_bridge *bridge = NULL;
	int err = cpnp_bridge_open(&bridge, &config, diag);

	ck_assert_ptr_null(bridge);
	return err;
}

static int
submit(cpnp_bridge *bridge, int payer, uint64_t i)
{
	uint8_t digest[CPNP_SHA256_LEN], want[CPNP_SHA256_LEN];
	cpnp_buf op;
	int err;

	cpnp_buf_init(&op, &ledger_mem, CPNP_STATEMENT_MAX);
	world_sign(&world, payer, i, 1, &op);
	err = cpnp_bridge_submit(bridge, cpnp_buf_bytes(&op), digest);
	if (err == 0) {
		world_digest(&world, payer, i, want);
		ck_assert_mem_eq(digest, want, sizeof(digest));
	}
	cpnp_buf_fini(&op);
	return err;
}

static cpnp_bridge_status
status_of(cpnp_bridge *bridge)
{
	cpnp_bridge_status status;

	cpnp_bridge_get_status(bridge, &status);
	return status;
}

/* Until nothing waits, or the bridge has stopped, which is returned. */
static int
drain(cpnp_bridge *bridge, cpnp_diag *diag)
{
	cpnp_bridge_status status;
	int err = 0;

	for (int i = 0; i < STEPS_MAX && err == 0; i++) {
		err = cpnp_bridge_step(bridge, CPNP_MILLISECONDS(10), diag);
		status = status_of(bridge);
		if (status.waiting == 0 && status.batches == 0 &&
		    status.applied >= status.final && status.final > 0)
			break;
	}
	return err;
}

static void
drain_ok(cpnp_bridge *bridge)
{
	cpnp_diag diag = {.err = 0};
	cpnp_bridge_status status;

	ck_assert_msg(drain(bridge, &diag) == 0, "%s", diag.why);
	status = status_of(bridge);
	ck_assert_uint_eq(status.waiting, 0);
	ck_assert_uint_eq(status.batches, 0);
	ck_assert_uint_eq(status.oldest, 0);
	ck_assert_str_eq(status.text, "");
}

static void
submit_ok(cpnp_bridge *bridge, int payer, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		ck_assert_int_eq(submit(bridge, payer, i), 0);
}

/* Each of n operations has one outcome, the one that it must have. */
static void
check_outcomes(cpnp_bridge *bridge, int payer, uint64_t n)
{
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_outcome outcome;

	for (uint64_t i = 0; i < n; i++) {
		world_digest(&world, payer, i, digest);
		ck_assert_int_eq(cpnp_bridge_outcome(
		    bridge, digest, &outcome, NULL), 0);
		ck_assert_uint_eq(outcome.code, world_code(i));
	}
	ck_assert_uint_eq(status_of(bridge).outcomes, n);
}

static void
root_of(cpnp_bridge *bridge, uint8_t root[CPNP_SHA256_LEN])
{
	const cpnp_ledger *ledger = cpnp_bridge_lock(bridge);

	ck_assert_int_eq(cpnp_ledger_root(ledger, root), 0);
	cpnp_bridge_unlock(bridge);
}

/* ---- Submitting ---- */

START_TEST(test_bridge_takes_once)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_outcome outcome;
	cpnp_bridge_status status;

	submit_ok(bridge, WORLD_A, 0, 20);
	submit_ok(bridge, WORLD_A, 0, 20);
	status = status_of(bridge);
	ck_assert_uint_eq(status.waiting, 20);
	ck_assert_uint_gt(status.oldest, 0);
	world_digest(&world, WORLD_A, 3, digest);
	ck_assert_int_eq(cpnp_bridge_outcome(bridge, digest, &outcome, NULL),
	    CPNP_ERR_NOT_FOUND);
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, 20);
	submit_ok(bridge, WORLD_A, 0, 20);
	ck_assert_uint_eq(status_of(bridge).waiting, 0);
	cpnp_bridge_close(bridge);
	bridge = open_bridge("store", "a");
	submit_ok(bridge, WORLD_A, 0, 21);
	ck_assert_uint_eq(status_of(bridge).waiting, 1);
	cpnp_bridge_close(bridge);
	/* also of what waits in the outbox and in a batch */
	bridge = open_bridge("store", "a");
	submit_ok(bridge, WORLD_A, 20, 1);
	ck_assert_uint_eq(status_of(bridge).waiting, 1);
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, 21);
	cpnp_bridge_close(bridge);
}
END_TEST

START_TEST(test_bridge_refuses)
{
	cpnp_bridge *bridge = open_bridge("store", "a"), *reader;
	cpnp_bytes two[2];
	cpnp_buf op, other;
	struct world elsewhere;

	ck_assert(cpnp_error_is_peer(cpnp_bridge_submit(
	    bridge, CPNP_BYTES_LIT("no operation"), NULL)));
	ck_assert(cpnp_error_is_peer(
	    cpnp_bridge_submit(bridge, CPNP_BYTES_NONE, NULL)));
	ck_assert_int_eq(mkdir(file("other"), 0700), 0);
	world_init(&elsewhere, file("other"));
	cpnp_buf_init(&op, &ledger_mem, CPNP_STATEMENT_MAX);
	cpnp_buf_init(&other, &ledger_mem, CPNP_STATEMENT_MAX);
	world_sign(&elsewhere, WORLD_A, 0, 1, &other);
	world_sign(&world, WORLD_A, 0, 1, &op);
	ck_assert_int_eq(cpnp_bridge_submit(
	    bridge, cpnp_buf_bytes(&other), NULL), CPNP_ERR_MISMATCH);
	/* all or none */
	two[0] = cpnp_buf_bytes(&op);
	two[1] = cpnp_buf_bytes(&other);
	ck_assert_int_eq(cpnp_bridge_submit_all(bridge, two, 2, NULL),
	    CPNP_ERR_MISMATCH);
	ck_assert_uint_eq(status_of(bridge).waiting, 0);
	reader = open_bridge("reader", NULL);
	ck_assert_int_eq(cpnp_bridge_submit(reader, two[0], NULL),
	    CPNP_ERR_FORBIDDEN);
	cpnp_bridge_close(reader);
	cpnp_bridge_close(bridge);
	cpnp_buf_fini(&op);
	cpnp_buf_fini(&other);
	world_fini(&elsewhere);
}
END_TEST

START_TEST(test_bridge_back_pressure)
{
	cpnp_bridge_config config = config_of("store", "a");
	cpnp_bridge *bridge;

	config.waiting_max = 5;
	ck_assert_int_eq(cpnp_bridge_open(&bridge, &config, NULL), 0);
	submit_ok(bridge, WORLD_A, 0, 5);
	ck_assert_int_eq(submit(bridge, WORLD_A, 5), CPNP_ERR_FULL);
	submit_ok(bridge, WORLD_A, 4, 1);
	drain_ok(bridge);
	submit_ok(bridge, WORLD_A, 5, 5);
	ck_assert_int_eq(submit(bridge, WORLD_A, 10), CPNP_ERR_FULL);
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, 10);
	cpnp_bridge_close(bridge);
}
END_TEST

/* More operations than a batch takes. */
START_TEST(test_bridge_many_in_one_go)
{
	enum { N = CPNP_BATCH_OPS_MAX + 100, TOGETHER = 64 };
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_bytes ops[TOGETHER];
	cpnp_buf out[TOGETHER];
	size_t i, n;

	for (i = 0; i < TOGETHER; i++)
		cpnp_buf_init(&out[i], &ledger_mem, CPNP_STATEMENT_MAX);
	for (uint64_t first = 0; first < N; first += n) {
		n = N - first < TOGETHER ? N - first : TOGETHER;
		for (i = 0; i < n; i++)
			cpnp_buf_reset(&out[i]);
		world_sign(&world, WORLD_A, first, n, out);
		for (i = 0; i < n; i++)
			ops[i] = cpnp_buf_bytes(&out[i]);
		ck_assert_int_eq(
		    cpnp_bridge_submit_all(bridge, ops, n, NULL), 0);
	}
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, N);
	ck_assert_uint_lt(status_of(bridge).applied, 6);
	for (i = 0; i < TOGETHER; i++)
		cpnp_buf_fini(&out[i]);
	cpnp_bridge_close(bridge);
}
END_TEST

/* How many operations are in the batch at a position, written by one alone. */
static size_t
ops_at(uint64_t position)
{
	static uint8_t digests[CPNP_BATCH_OPS_MAX][CPNP_SHA256_LEN];
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	cpnp_log_record records[4];
	cpnp_log *log;
	size_t n, ops = 0;

	ck_assert_int_eq(sqlite->open(&log, settings, 1, world.id, NULL), 0);
	ck_assert_int_eq(
	    sqlite->read(log, 0, prev, 0, records, 4, &n, NULL), 0);
	ck_assert_uint_gt(n, position);
	ck_assert_int_eq(cpnp_batch_digests(records[position].entry.batch,
	    &ledger_env, digests, CPNP_BATCH_OPS_MAX, &ops), 0);
	sqlite->close(log);
	return ops;
}

/* The end of a batch cuts no operations apart that share a signature. */
START_TEST(test_bridge_keeps_together)
{
	enum { TOGETHER = 64, GROUPS = CPNP_BATCH_OPS_MAX / TOGETHER };
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_bytes ops[TOGETHER];
	cpnp_buf out[TOGETHER];
	size_t i, k;

	submit_ok(bridge, WORLD_A, 0, 1);
	for (i = 0; i < TOGETHER; i++)
		cpnp_buf_init(&out[i], &ledger_mem, CPNP_STATEMENT_MAX);
	for (k = 0; k < GROUPS; k++) {
		for (i = 0; i < TOGETHER; i++)
			cpnp_buf_reset(&out[i]);
		world_sign_all(
		    &world, WORLD_A, 1 + k * TOGETHER, TOGETHER, out);
		for (i = 0; i < TOGETHER; i++)
			ops[i] = cpnp_buf_bytes(&out[i]);
		ck_assert_int_eq(cpnp_bridge_submit_all(
		    bridge, ops, TOGETHER, NULL), 0);
	}
	drain_ok(bridge);
	/* the bytes of a batch are what ends it here */
	ck_assert_uint_gt(ops_at(1), TOGETHER);
	ck_assert_uint_eq(ops_at(1) % TOGETHER, 1);
	ck_assert_uint_eq(ops_at(2), GROUPS * TOGETHER + 1 - ops_at(1));
	for (i = 0; i < TOGETHER; i++)
		cpnp_buf_fini(&out[i]);
	cpnp_bridge_close(bridge);
}
END_TEST

/* ---- Outcomes ---- */

START_TEST(test_bridge_outcome_path)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	uint8_t digest[CPNP_SHA256_LEN], leaf[CPNP_OUTCOME_MAX];
	cpnp_outcome outcome, proved;
	cpnp_ledger_info info;
	cpnp_buf buf;
	uint64_t index;
	size_t n;

	submit_ok(bridge, WORLD_A, 0, 300);
	drain_ok(bridge);
	world_digest(&world, WORLD_A, 271, digest);
	ck_assert_int_eq(
	    cpnp_bridge_outcome(bridge, digest, &outcome, &index), 0);
	ck_assert_int_eq(cpnp_ledger_get_info(
	    cpnp_bridge_lock(bridge), &info), 0);
	cpnp_bridge_unlock(bridge);
	ck_assert_uint_eq(info.outcome_n, 300);
	ck_assert_int_eq(cpnp_bridge_outcome_path(bridge, index, 300, path,
	    CPNP_TREE_PATH_MAX, &n), 0);
	cpnp_buf_init_fixed(&buf, leaf, sizeof(leaf));
	cpnp_outcome_encode(&outcome, &buf);
	ck_assert_int_eq(cpnp_outcome_verify(cpnp_buf_bytes(&buf), index, 300,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, info.outcome_root,
	    &proved), 0);
	ck_assert_int_eq(cpnp_bridge_outcome_path(bridge, index, 300, path, 1,
	    &n), CPNP_ERR_NO_SPACE);
	ck_assert_int_eq(cpnp_bridge_outcome_path(bridge, 300, 300, path,
	    CPNP_TREE_PATH_MAX, &n), CPNP_ERR_INVALID);
	cpnp_bridge_close(bridge);
}
END_TEST

/* Somebody brings an operation of ours again: what it has done stands. */
START_TEST(test_bridge_outcome_of_a_replay)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_outcome outcome;
	cpnp_diag diag;
	cpnp_bytes one;
	cpnp_log *log;
	cpnp_buf op, batch;

	submit_ok(bridge, WORLD_A, 0, 12);
	drain_ok(bridge);
	settings[1].value = "mallory";
	ck_assert_int_eq(sqlite->open(&log, settings, 2, world.id, &diag), 0);
	cpnp_buf_init(&op, &ledger_mem, CPNP_STATEMENT_MAX);
	cpnp_buf_init(&batch, &ledger_mem, CPNP_STATEMENT_MAX);
	for (uint64_t i = 5; i < 12; i += 6) { /* one accepted, one not */
		cpnp_buf_reset(&op);
		cpnp_buf_reset(&batch);
		world_sign(&world, WORLD_A, i, 1, &op);
		one = cpnp_buf_bytes(&op);
		ck_assert_int_eq(cpnp_batch_encode(&one, 1, &batch), 0);
		ck_assert_int_eq(sqlite->append(
		    log, i / 6, cpnp_buf_bytes(&batch), &diag), 0);
	}
	sqlite->close(log);
	drain_ok(bridge);
	ck_assert_uint_eq(status_of(bridge).outcomes, 14);
	for (uint64_t i = 5; i < 12; i += 6) {
		world_digest(&world, WORLD_A, i, digest);
		ck_assert_int_eq(cpnp_bridge_outcome(
		    bridge, digest, &outcome, NULL), 0);
		ck_assert_uint_eq(outcome.code, world_code(i));
	}
	cpnp_buf_fini(&op);
	cpnp_buf_fini(&batch);
	cpnp_bridge_close(bridge);
}
END_TEST

static void
tick(cpnp_bridge *bridge, int64_t time)
{
	uint8_t store[CPNP_OP_MAX], signed_store[CPNP_STATEMENT_MAX];
	cpnp_op op = {.type = CPNP_OP_TICK, .account = CPNP_BYTES_LIT("bank")};
	cpnp_bytes payload;
	cpnp_buf plain, out;

	memcpy(op.ledger, world.id, sizeof(op.ledger));
	CPNP_OP_SET(&op, TIME, time, time);
	cpnp_buf_init_fixed(&plain, store, sizeof(store));
	cpnp_buf_init_fixed(&out, signed_store, sizeof(signed_store));
	ck_assert_int_eq(cpnp_op_encode(&op, &plain, NULL), 0);
	payload = cpnp_buf_bytes(&plain);
	ck_assert_int_eq(
	    cpnp_op_sign(world.signers[WORLD_BANK], &payload, 1, &out), 0);
	ck_assert_int_eq(
	    cpnp_bridge_submit(bridge, cpnp_buf_bytes(&out), NULL), 0);
	drain_ok(bridge);
}

static void
forget_times(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(file("store"), &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* The history of an operation is what was accepted of it, and each entry has
 * the time of the ledger after it. */
START_TEST(test_bridge_time_and_history)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_outcome outcomes[2];
	cpnp_ledger_info info;
	uint64_t indexes[2];
	cpnp_wtime time;
	int64_t begin;
	size_t n;

	ck_assert_int_eq(
	    cpnp_ledger_get_info(cpnp_bridge_lock(bridge), &info), 0);
	cpnp_bridge_unlock(bridge);
	begin = info.time.sec;
	submit_ok(bridge, WORLD_A, 0, 12);
	drain_ok(bridge);      /* entry 1 */
	tick(bridge, begin + 100); /* entry 2 */
	tick(bridge, begin + 200);
	for (int i = 0; i < 2; i++) {
		for (uint64_t at = 1; at <= 3; at++) {
			ck_assert_int_eq(
			    cpnp_bridge_time(bridge, at, &time), 0);
			ck_assert_int_eq(
			    time.sec, begin + 100 * (int64_t)(at - 1));
		}
		ck_assert_int_eq(cpnp_bridge_time(bridge, 4, &time),
		    CPNP_ERR_NOT_FOUND);
		ck_assert_int_eq(cpnp_bridge_time(bridge, UINT64_MAX, &time),
		    CPNP_ERR_NOT_FOUND);
		for (uint64_t k = 0; k < 12; k++) {
			world_digest(&world, WORLD_A, k, digest);
			ck_assert_int_eq(cpnp_bridge_accepted(bridge, digest,
			    outcomes, indexes, 2, &n), 0);
			ck_assert_uint_eq(n, world_code(k) == 0);
			if (n == 1)
				ck_assert_uint_eq(indexes[0], k);
		}
		cpnp_bridge_close(bridge);
		bridge = open_bridge("store", "a");
	}
	cpnp_bridge_close(bridge);
	/* of before times were kept: known again from the next entry on */
	forget_times("DROP TABLE clock; DELETE FROM snapshot");
	bridge = open_bridge("store", "a");
	ck_assert_int_eq(
	    cpnp_bridge_time(bridge, 3, &time), CPNP_ERR_NOT_FOUND);
	tick(bridge, begin + 300);
	for (uint64_t at = 1; at <= 4; at++) {
		ck_assert_int_eq(cpnp_bridge_time(bridge, at, &time), 0);
		ck_assert_int_eq(
		    time.sec, begin + 100 * (int64_t)(at - 1));
	}
	cpnp_bridge_close(bridge);
	forget_times("DROP TABLE clock");
	bridge = open_bridge("store", "a");
	tick(bridge, begin + 400);
	ck_assert_int_eq(
	    cpnp_bridge_time(bridge, 1, &time), CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_bridge_time(bridge, 5, &time), 0);
	ck_assert_int_eq(time.sec, begin + 400);
	cpnp_bridge_close(bridge);
}
END_TEST

/* ---- Outages and restarts ---- */

static void
db_exec(sqlite3 *db, const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
	    "%s: %s", sql, sqlite3_errmsg(db));
}

static void
tell(void *user)
{
	(void)__atomic_fetch_add((int *)user, 1, __ATOMIC_SEQ_CST);
}

/* With the thread: an outage blocks nobody, shows itself, and is over when it
 * is over. */
START_TEST(test_bridge_outage)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_bridge_status status;
	int told = 0, i;
	sqlite3 *db;

	ck_assert_int_eq(cpnp_bridge_start(bridge, tell, &told), 0);
	ck_assert_int_eq(
	    cpnp_bridge_start(bridge, NULL, NULL), CPNP_ERR_STATE);
	ck_assert_int_eq(sqlite3_open(log_path, &db), SQLITE_OK);
	db_exec(db, "BEGIN IMMEDIATE");
	submit_ok(bridge, WORLD_A, 0, 10);
	for (i = 0; i < STEPS_MAX; i++) {
		status = status_of(bridge);
		if (status.text[0] != '\0')
			break;
		(void)usleep(20000);
	}
	ck_assert_ptr_nonnull(strstr(status.text, "locked"));
	ck_assert_uint_eq(status.batches, 1);
	ck_assert_uint_gt(status.oldest, 0);
	ck_assert(!status.stopped);
	submit_ok(bridge, WORLD_A, 10, 5);
	db_exec(db, "ROLLBACK");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	for (i = 0; i < STEPS_MAX && status_of(bridge).outcomes < 15; i++)
		(void)usleep(20000);
	check_outcomes(bridge, WORLD_A, 15);
	cpnp_bridge_close(bridge);
	ck_assert_int_gt(told, 1);
}
END_TEST

START_TEST(test_bridge_store_is_busy)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_diag diag;

	ck_assert_int_eq(open_error("store", "a", &diag), CPNP_ERR_BUSY);
	ck_assert_ptr_nonnull(strstr(diag.why, "another process"));
	cpnp_bridge_close(bridge);
}
END_TEST

START_TEST(test_bridge_restarts_from_snapshot)
{
	uint8_t before[CPNP_SHA256_LEN], after[CPNP_SHA256_LEN];
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_diag diag = {.err = 0};
	sqlite3 *db;

	for (uint64_t i = 0; i < 9; i++) {
		submit_ok(bridge, WORLD_A, i, 1);
		drain_ok(bridge);
	}
	root_of(bridge, before);
	cpnp_bridge_close(bridge);
	/* entries up to a snapshot are not needed; a damaged one is passed
	 * over */
	ck_assert_int_eq(sqlite3_open(file("store"), &db), SQLITE_OK);
	db_exec(db, "UPDATE snapshot SET ledger = x'80' WHERE position ="
		    " (SELECT max(position) FROM snapshot)");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	bridge = open_bridge("store", "a");
	drain_ok(bridge);
	root_of(bridge, after);
	ck_assert_mem_eq(before, after, sizeof(before));
	check_outcomes(bridge, WORLD_A, 9);
	cpnp_bridge_close(bridge);
	/* all damaged: from the genesis */
	ck_assert_int_eq(sqlite3_open(file("store"), &db), SQLITE_OK);
	db_exec(db, "UPDATE snapshot SET ledger = x'80'");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	bridge = open_bridge("store", "a");
	drain_ok(bridge);
	root_of(bridge, after);
	ck_assert_mem_eq(before, after, sizeof(before));
	cpnp_bridge_close(bridge);
	/* an outcome that the log does not lead to */
	ck_assert_int_eq(sqlite3_open(file("store"), &db), SQLITE_OK);
	db_exec(db, "UPDATE snapshot SET ledger = x'80';"
		    "UPDATE outcome SET amount = amount + 1 WHERE idx = 3");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	bridge = open_bridge("store", "a");
	ck_assert_int_eq(drain(bridge, &diag), CPNP_ERR_INTERNAL);
	ck_assert(status_of(bridge).stopped);
	cpnp_bridge_close(bridge);
}
END_TEST

/* A state that begins with an old snapshot says that it is not at the end of
 * the log yet, although all outcomes are stored. */
START_TEST(test_bridge_old_snapshot)
{
	cpnp_bridge_config config = config_of("store", "a");
	cpnp_bridge *bridge = NULL;
	cpnp_ledger_info info;
	uint8_t root[CPNP_SHA256_LEN], again[CPNP_SHA256_LEN];

	config.snapshot_entries = 100;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    cpnp_bridge_open(&bridge, &config, NULL), 0);
		ck_assert_int_eq(cpnp_ledger_get_info(
		    cpnp_bridge_lock(bridge), &info), 0);
		cpnp_bridge_unlock(bridge);
		ck_assert_uint_eq(status_of(bridge).applied, info.position);
		ck_assert_uint_eq(info.position, 1);
		for (uint64_t k = 0; i == 0 && k < 10; k++) {
			ck_assert_int_eq(submit(bridge, WORLD_A, k), 0);
			drain_ok(bridge);
		}
		drain_ok(bridge);
		ck_assert_uint_eq(status_of(bridge).applied, 11);
		root_of(bridge, i == 0 ? root : again);
		cpnp_bridge_close(bridge);
	}
	ck_assert_mem_eq(root, again, sizeof(root));
}
END_TEST

START_TEST(test_bridge_newer_store)
{
	cpnp_diag diag = {.err = 0};
	sqlite3 *db;

	cpnp_bridge_close(open_bridge("store", "a"));
	ck_assert_int_eq(sqlite3_open(file("store"), &db), SQLITE_OK);
	db_exec(db, "PRAGMA user_version = 2");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(open_error("store", "a", &diag), CPNP_ERR_VERSION);
	ck_assert_ptr_nonnull(strstr(diag.why, "format 2"));
	/* somebody else's database is left alone */
	ck_assert_int_eq(sqlite3_open(file("mine"), &db), SQLITE_OK);
	db_exec(db, "CREATE TABLE t(a)");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(open_error("mine", "a", &diag), CPNP_ERR_CONFIG);
	sh("test ! -e '%s-wal'", file("mine"));
	ck_assert_int_eq(sqlite3_open(log_path, &db), SQLITE_OK);
	db_exec(db, "PRAGMA user_version = 2");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(open_error("new", "a", &diag), CPNP_ERR_VERSION);
}
END_TEST

/* Another writer's name, but not while batches of the old one wait. */
START_TEST(test_bridge_other_writer)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_diag diag = {.err = 0};
	sqlite3 *db;

	submit_ok(bridge, WORLD_A, 0, 3);
	ck_assert_int_eq(sqlite3_open(log_path, &db), SQLITE_OK);
	db_exec(db, "BEGIN IMMEDIATE");
	ck_assert_int_eq(cpnp_bridge_step(bridge, 0, &diag), 0);
	ck_assert_uint_eq(status_of(bridge).batches, 1);
	cpnp_bridge_close(bridge);
	db_exec(db, "ROLLBACK");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(open_error("store", "b", &diag), CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "writer");
	bridge = open_bridge("store", "a");
	drain_ok(bridge);
	cpnp_bridge_close(bridge);
	bridge = open_bridge("store", "b");
	submit_ok(bridge, WORLD_A, 3, 2);
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, 5);
	cpnp_bridge_close(bridge);
}
END_TEST

/* A store that was removed is filled again, and its writer goes on. */
START_TEST(test_bridge_new_store)
{
	uint8_t before[CPNP_SHA256_LEN], after[CPNP_SHA256_LEN];
	cpnp_bridge *bridge = open_bridge("store", "a");

	submit_ok(bridge, WORLD_A, 0, 10);
	drain_ok(bridge);
	cpnp_bridge_close(bridge);
	bridge = open_bridge("another", "a");
	submit_ok(bridge, WORLD_A, 10, 1);
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, 11);
	root_of(bridge, before);
	cpnp_bridge_close(bridge);
	bridge = open_bridge("reader", NULL);
	drain_ok(bridge);
	root_of(bridge, after);
	ck_assert_mem_eq(before, after, sizeof(before));
	cpnp_bridge_close(bridge);
}
END_TEST

/* ---- When it stops ---- */

/* Step until it stops; the status must say this. */
static void
must_stop(cpnp_bridge *bridge, int want, const char *says)
{
	cpnp_diag diag = {.err = 0};
	cpnp_bridge_status status;
	int err = 0;

	for (int i = 0; i < STEPS_MAX && err == 0; i++)
		err = cpnp_bridge_step(bridge, CPNP_MILLISECONDS(5), &diag);
	ck_assert_msg(err == want, "%s: %s", cpnp_error_name(err), diag.why);
	status = status_of(bridge);
	ck_assert(status.stopped);
	ck_assert_msg(
	    strstr(status.text, says) != NULL, "\"%s\"", status.text);
	ck_assert_int_eq(submit(bridge, WORLD_A, 99), CPNP_ERR_STATE);
	ck_assert_int_eq(cpnp_bridge_step(bridge, 0, &diag), want);
	cpnp_bridge_close(bridge);
}

START_TEST(test_bridge_stops_at_two_of_one_name)
{
	cpnp_bridge *one = open_bridge("store", "a");
	cpnp_bridge *two = open_bridge("another", "a");

	submit_ok(one, WORLD_A, 0, 1);
	drain_ok(one);
	submit_ok(two, WORLD_A, 1, 1);
	drain_ok(two);
	submit_ok(one, WORLD_A, 2, 1);
	must_stop(one, CPNP_ERR_EXISTS, "under one name");
	cpnp_bridge_close(two);
}
END_TEST

START_TEST(test_bridge_stops_with_an_old_copy)
{
	cpnp_bridge *bridge = open_bridge("store", "a");

	submit_ok(bridge, WORLD_A, 0, 5);
	drain_ok(bridge);
	cpnp_bridge_close(bridge);
	sh("cp '%s' '%s'", file("store"), file("copy"));
	bridge = open_bridge("store", "a");
	submit_ok(bridge, WORLD_A, 5, 5);
	drain_ok(bridge);
	cpnp_bridge_close(bridge);
	bridge = open_bridge("copy", "a");
	must_stop(bridge, CPNP_ERR_EXISTS, "old copy");
}
END_TEST

START_TEST(test_bridge_stops_when_the_log_is_replaced)
{
	cpnp_bridge *bridge = open_bridge("store", "a");

	for (uint64_t i = 0; i < 3; i++) {
		submit_ok(bridge, WORLD_A, i, 1);
		drain_ok(bridge);
	}
	sh("rm '%s' '%s-wal' '%s-shm'", log_path, log_path, log_path);
	create_log();
	submit_ok(bridge, WORLD_A, 3, 1);
	must_stop(bridge, CPNP_ERR_MISMATCH, "replaced");
	/* and after a restart: it is shorter than it was */
	bridge = open_bridge("store", "a");
	must_stop(bridge, CPNP_ERR_MISMATCH, "past");
}
END_TEST

/* Shorter than it was, but still with the entry of the snapshot: it is not
 * written to, and the status says why. */
START_TEST(test_bridge_waits_for_a_log_that_is_behind)
{
	cpnp_bridge_config config = config_of("store", "a");
	cpnp_diag diag = {.err = 0};
	cpnp_bridge *bridge;
	uint64_t i;

	config.snapshot_entries = 1000;
	ck_assert_int_eq(cpnp_bridge_open(&bridge, &config, &diag), 0);
	for (i = 0; i < 4; i++) {
		if (i == 2)
			sh("sqlite3 '%s' \".backup '%s'\"", log_path,
			    file("backup"));
		submit_ok(bridge, WORLD_A, i, 1);
		drain_ok(bridge);
	}
	cpnp_bridge_close(bridge);
	sh("mv '%s' '%s'", file("backup"), log_path);
	ck_assert_int_eq(cpnp_bridge_open(&bridge, &config, &diag), 0);
	submit_ok(bridge, WORLD_A, 4, 1);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(cpnp_bridge_step(bridge,
		    CPNP_MILLISECONDS(20), &diag), 0);
	ck_assert_ptr_nonnull(
	    strstr(status_of(bridge).text, "lost its past"));
	ck_assert_uint_eq(status_of(bridge).waiting, 1);
	ck_assert_uint_eq(status_of(bridge).final, 3);
	cpnp_bridge_close(bridge);
}
END_TEST

/* The log asks for rules that this program does not know. */
START_TEST(test_bridge_stops_at_newer_rules)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	uint8_t store[WORLD_OP_MAX];
	cpnp_bytes payload;
	cpnp_op op = {.type = CPNP_OP_RULES};
	cpnp_buf buf, out;

	memcpy(op.ledger, world.id, sizeof(op.ledger));
	op.account = CPNP_BYTES_LIT("bank");
	op.idem = CPNP_BYTES_LIT("rules");
	op.expiry = 1800000000 + 3600;
	op.version = CPNP_RULES_VERSION + 1;
	op.position = 3;
	op.has = CPNP_OP_FIELD_BIT(VERSION) | CPNP_OP_FIELD_BIT(POSITION);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_op_encode(&op, &buf, NULL), 0);
	payload = cpnp_buf_bytes(&buf);
	cpnp_buf_init(&out, &ledger_mem, CPNP_STATEMENT_MAX);
	ck_assert_int_eq(
	    cpnp_op_sign(world.signers[WORLD_BANK], &payload, 1, &out), 0);
	ck_assert_int_eq(
	    cpnp_bridge_submit(bridge, cpnp_buf_bytes(&out), NULL), 0);
	drain_ok(bridge);
	submit_ok(bridge, WORLD_A, 0, 1);
	drain_ok(bridge);
	submit_ok(bridge, WORLD_A, 1, 1);
	must_stop(bridge, CPNP_ERR_VERSION, "install a newer");
	cpnp_buf_fini(&out);
}
END_TEST

/* ---- A disk that is full ---- */

/* The n-th write fails, and all after it until there is room again: nothing
 * is lost and nothing doubled, whichever it was. */
START_TEST(test_bridge_disk_full)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_diag diag = {.err = 0};
	uint64_t i, n = 0;
	int err;

	for (i = 1; i <= 60; i++) {
		fault_vfs_arm((long)i % 20 + 1,
		    i % 2 == 0 ? SQLITE_FULL : SQLITE_IOERR_FSYNC);
		err = submit(bridge, WORLD_A, n);
		if (err == 0)
			n++;
		else
			ck_assert_int_eq(err, CPNP_ERR_IO);
		for (int k = 0; k < 3; k++) {
			err = cpnp_bridge_step(bridge, 0, &diag);
			ck_assert_msg(err == 0, "%" PRIu64 ": %s: %s", i,
			    diag.where, diag.why);
		}
		fault_vfs_disarm();
		submit_ok(bridge, WORLD_A, n++, 1);
		if (i % 5 == 0)
			drain_ok(bridge);
	}
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, n);
	cpnp_bridge_close(bridge);
	bridge = open_bridge("store", "a");
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, n);
	cpnp_bridge_close(bridge);
}
END_TEST

/* ---- Asking ---- */

static bool
is_submitted(cpnp_bridge *bridge, uint64_t i)
{
	uint8_t digest[CPNP_SHA256_LEN];
	bool is = false;

	world_digest(&world, WORLD_A, i, digest);
	ck_assert_int_eq(cpnp_bridge_is_submitted(bridge, digest, &is), 0);
	return is;
}

/* What the bridge says would become of operation i. */
static const char *
asked(cpnp_bridge *bridge, uint64_t i, cpnp_diag *diag)
{
	cpnp_outcome outcome;
	cpnp_buf op;

	cpnp_buf_init(&op, &ledger_mem, CPNP_STATEMENT_MAX);
	world_sign(&world, WORLD_A, i, 1, &op);
	ck_assert_int_eq(cpnp_bridge_check(
	    bridge, cpnp_buf_bytes(&op), &outcome, diag), 0);
	cpnp_buf_fini(&op);
	return cpnp_outcome_name(outcome.code);
}

START_TEST(test_bridge_knows_what_was_submitted)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	sqlite3 *db;

	ck_assert(!is_submitted(bridge, 0));
	submit_ok(bridge, WORLD_A, 0, 2);
	ck_assert(is_submitted(bridge, 0) && is_submitted(bridge, 1));
	ck_assert(!is_submitted(bridge, 2));
	cpnp_bridge_close(bridge);
	/* in the outbox */
	bridge = open_bridge("store", "a");
	ck_assert(is_submitted(bridge, 0) && is_submitted(bridge, 1));
	cpnp_bridge_close(bridge);
	/* in a batch that the log does not take */
	bridge = open_bridge("store", "a");
	ck_assert_int_eq(sqlite3_open(log_path, &db), SQLITE_OK);
	db_exec(db, "BEGIN IMMEDIATE");
	for (int i = 0; i < STEPS_MAX && status_of(bridge).batches == 0; i++)
		ck_assert_int_eq(cpnp_bridge_step(
		    bridge, CPNP_MILLISECONDS(10), NULL), 0);
	ck_assert_uint_eq(status_of(bridge).batches, 1);
	cpnp_bridge_close(bridge);
	db_exec(db, "ROLLBACK");
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	bridge = open_bridge("store", "a");
	ck_assert(is_submitted(bridge, 0) && is_submitted(bridge, 1));
	/* with an outcome, a refusal too */
	submit_ok(bridge, WORLD_A, 2, 12);
	drain_ok(bridge);
	cpnp_bridge_close(bridge);
	bridge = open_bridge("store", "a");
	for (uint64_t i = 0; i < 14; i++)
		ck_assert(is_submitted(bridge, i));
	ck_assert(!is_submitted(bridge, 14));
	cpnp_bridge_close(bridge);
}
END_TEST

START_TEST(test_bridge_says_what_would_become)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_diag diag;

	submit_ok(bridge, WORLD_A, 0, 2);
	ck_assert_str_eq(asked(bridge, 1, &diag), "FUNDS");
	drain_ok(bridge);
	ck_assert_str_eq(asked(bridge, 1, &diag), "DUPLICATE");
	ck_assert_str_eq(asked(bridge, 2, &diag), "ACCEPTED");
	ck_assert_str_eq(asked(bridge, 7, &diag), "TOKEN");
	ck_assert_str_eq(asked(bridge, 13, &diag), "KEY");
	ck_assert_str_eq(asked(bridge, 11, &diag), "FUNDS");
	ck_assert_str_eq(diag.where, "FUNDS");
	ck_assert_msg(strstr(diag.why, " free, ") != NULL, "%s", diag.why);
	/* nothing of it has changed anything */
	ck_assert_str_eq(asked(bridge, 2, NULL), "ACCEPTED");
	submit_ok(bridge, WORLD_A, 2, 18);
	drain_ok(bridge);
	check_outcomes(bridge, WORLD_A, 20);
	cpnp_bridge_close(bridge);
}
END_TEST

/* Somebody who foresees an operation brings it first, signed with a key of
 * his own: it stays out of the way of the true one. */
START_TEST(test_bridge_forgery_is_no_copy)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_bridge *forger = open_bridge("store-b", "b");
	uint8_t digest[CPNP_SHA256_LEN], store[WORLD_OP_MAX];
	cpnp_outcome outcome;
	cpnp_bytes payload;
	cpnp_buf buf, op;

	submit_ok(bridge, WORLD_A, 0, 1);
	drain_ok(bridge);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	world_encode(&world, WORLD_A, 1, &buf);
	payload = cpnp_buf_bytes(&buf);
	cpnp_buf_init(&op, &ledger_mem, CPNP_STATEMENT_MAX);
	ck_assert_int_eq(cpnp_op_sign(
	    world.signers[WORLD_B], &payload, 1, &op), 0);
	ck_assert_int_eq(cpnp_bridge_submit(
	    forger, cpnp_buf_bytes(&op), digest), 0);
	drain_ok(forger);
	ck_assert_int_eq(cpnp_bridge_outcome(
	    forger, digest, &outcome, NULL), 0);
	ck_assert_uint_eq(outcome.code, CPNP_OUTCOME_KEY);
	drain_ok(bridge);
	ck_assert_int_eq(cpnp_bridge_outcome(
	    bridge, digest, &outcome, NULL), 0);
	ck_assert_uint_eq(outcome.code, CPNP_OUTCOME_KEY);
	ck_assert(!is_submitted(bridge, 1));
	submit_ok(bridge, WORLD_A, 1, 1);
	ck_assert(is_submitted(bridge, 1));
	ck_assert_uint_eq(status_of(bridge).waiting, 1);
	ck_assert_int_eq(cpnp_bridge_outcome(
	    bridge, digest, &outcome, NULL), CPNP_ERR_NOT_FOUND);
	drain_ok(bridge);
	ck_assert_int_eq(cpnp_bridge_outcome(
	    bridge, digest, &outcome, NULL), 0);
	ck_assert_uint_eq(outcome.code, CPNP_OUTCOME_ACCEPTED);
	cpnp_bridge_close(forger);
	cpnp_bridge_close(bridge);
	cpnp_buf_fini(&op);
}
END_TEST

/* Questions from one thread while the bridge's own applies. */
START_TEST(test_bridge_answers_beside_its_thread)
{
	cpnp_bridge *bridge = open_bridge("store", "a");
	cpnp_bridge_status status;
	int i;

	ck_assert_int_eq(cpnp_bridge_start(bridge, NULL, NULL), 0);
	for (uint64_t n = 0; n < 200; n++) {
		submit_ok(bridge, WORLD_A, n, 1);
		(void)asked(bridge, n, NULL);
		(void)asked(bridge, n + 1, NULL);
	}
	for (i = 0; i < STEPS_MAX; i++) {
		status = status_of(bridge);
		if (status.outcomes == 200)
			break;
		(void)usleep(20000);
	}
	ck_assert_int_lt(i, STEPS_MAX);
	check_outcomes(bridge, WORLD_A, 200);
	cpnp_bridge_close(bridge);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_bridge_takes_once,
	    test_bridge_refuses,
	    test_bridge_back_pressure,
	    test_bridge_many_in_one_go,
	    test_bridge_keeps_together,
	    test_bridge_outcome_path,
	    test_bridge_outcome_of_a_replay,
	    test_bridge_outage,
	    test_bridge_store_is_busy,
	    test_bridge_restarts_from_snapshot,
	    test_bridge_old_snapshot,
	    test_bridge_newer_store,
	    test_bridge_other_writer,
	    test_bridge_new_store,
	    test_bridge_stops_at_two_of_one_name,
	    test_bridge_stops_with_an_old_copy,
	    test_bridge_stops_when_the_log_is_replaced,
	    test_bridge_waits_for_a_log_that_is_behind,
	    test_bridge_stops_at_newer_rules,
	    test_bridge_disk_full,
	    test_bridge_knows_what_was_submitted,
	    test_bridge_says_what_would_become,
	    test_bridge_forgery_is_no_copy,
	    test_bridge_time_and_history,
	    test_bridge_answers_beside_its_thread,
	};

	return unit_run_with("bridge", tests, sizeof(tests) / sizeof(tests[0]),
	    setup, teardown, 120);
}
