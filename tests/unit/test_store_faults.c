/*
 * The store when something fails: the disk, the process, the memory, or
 * whoever opens the wrong file.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "store_fixture.h"

#define DOC(name) (1u << CPNP_DOC_##name)

/* Order number i, changed for the nth time. */
static cpnp_effect
make_effect(cpnp_order *order, unsigned i, unsigned nth)
{
	char id[24];

	(void)snprintf(id, sizeof(id), "C-%06u", i);
	fake_order_init(order, CPNP_SERVER, "customer.example", id, i);
	(void)snprintf(order->saved, sizeof(order->saved), "%u", nth);
	(void)snprintf(order->docs[CPNP_DOC_REQUEST],
	    sizeof(order->docs[0]), "request %u", i);
	return fake_order_step(order, CPNP_STATE_PQO_RECEIVED,
	    CPNP_EVENT_RECV_QUOTATION, DOC(REQUEST));
}

static int
commit_order(cpnp_store *store, unsigned i)
{
	cpnp_order order;
	cpnp_effect effect = make_effect(&order, i, 0);

	return fixture_commit(store, &effect);
}

static int
find_order(cpnp_store *store, unsigned i)
{
	cpnp_store_row row;
	char id[24];

	(void)snprintf(id, sizeof(id), "C-%06u", i);
	return cpnp_store_find(store, CPNP_SERVER,
	    CPNP_BYTES_LIT("customer.example"), cpnp_bytes_str(id), &row);
}

static int
count_row(void *user, const cpnp_store_row *row)
{
	(void)row;
	++*(unsigned *)user;
	return 0;
}

static unsigned
count_orders(cpnp_store *store)
{
	unsigned n = 0;

	ck_assert_int_eq(cpnp_store_each(store, false, count_row, &n), 0);
	return n;
}

/*
 * The disk fails at the nth write from now, whichever that is: the batch in
 * hand is not there at all, nor is any later one, until a recovery; what was
 * reported before stays, and the journal holds.
 */
static void
fail_at(cpnp_store *store, long n, int rc, unsigned *next)
{
	unsigned before = count_orders(store);
	unsigned good = 0, first = *next;
	int err = 0;

	fault_vfs_arm(n, rc);
	while (err == 0) {
		err = commit_order(store, (*next)++);
		if (err == 0)
			good++;
		ck_assert_uint_lt(good, 1000);
	}
	ck_assert_int_ne(err, CPNP_ERR_EXISTS);
	ck_assert_uint_eq(count_orders(store), before + good);
	ck_assert_int_eq(find_order(store, first + good), CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_store_recover(store), CPNP_ERR_IO);
	fault_vfs_disarm();
	/* still refused: the caller has not read back what it lost */
	ck_assert_int_eq(commit_order(store, (*next)++), CPNP_ERR_IO);
	ck_assert_int_eq(cpnp_store_recover(store), 0);
	ck_assert_int_eq(commit_order(store, (*next)++), 0);
	ck_assert_uint_eq(count_orders(store), before + good + 1);
}

START_TEST(test_store_commit_fails_whole)
{
	static const int codes[] = {
	    SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC};
	cpnp_store *store;
	unsigned next = 0;

	ck_assert_int_eq(fault_vfs_register(), SQLITE_OK);
	store = fixture_open(false);
	for (long n = 1; n <= 40; n++)
		fail_at(store, n, codes[n % 3], &next);
	next = count_orders(store);
	cpnp_store_close(store);
	ck_assert_int_eq(fixture_query("SELECT count(*) FROM events"), next);
	ck_assert_uint_eq(fixture_verify_journal(), next + 1);
}
END_TEST

/* What is reported as done is on the disk, not on its way there. */
START_TEST(test_store_commit_is_synced)
{
	cpnp_store *store;
	long before;

	ck_assert_int_eq(fault_vfs_register(), SQLITE_OK);
	store = fixture_open(false);
	for (unsigned i = 0; i < 5; i++) {
		before = fault_vfs_syncs();
		ck_assert_int_eq(commit_order(store, i), 0);
		ck_assert_int_gt(fault_vfs_syncs(), before);
	}
	cpnp_store_close(store);
}
END_TEST

/* The same through the writer thread: results come in order, first successes
 * and then only failures, and no batch in between is there. */
START_TEST(test_store_failure_stops_later_batches)
{
	enum { N = 300 };
	cpnp_store *store;
	cpnp_order order;
	cpnp_effect effect;
	cpnp_diag diag;
	unsigned good = 0;
	int err;

	ck_assert_int_eq(fault_vfs_register(), SQLITE_OK);
	store = fixture_open(true);
	for (unsigned i = 0; i < N; i++) {
		if (i == N / 2)
			fault_vfs_arm(1, SQLITE_FULL);
		effect = make_effect(&order, i, 0);
		fixture_submit(store, &effect, i);
	}
	for (unsigned i = 0; i < N; i++) {
		ck_assert_uint_eq(fixture_wait(store, &err), i);
		ck_assert_int_eq(find_order(store, i),
		    err == 0 ? 0 : CPNP_ERR_NOT_FOUND);
		if (err == 0)
			ck_assert_uint_eq(good++, i);
		if (i + 1 < N)
			ck_assert_int_eq(
			    cpnp_store_recover(store), CPNP_ERR_STATE);
	}
	ck_assert_uint_lt(good, N);
	cpnp_store_failure(store, &diag);
	ck_assert_str_eq(diag.where, fixture_db);
	ck_assert_str_ne(diag.why, "");
	/* the disk is well again, but nobody has read back what was lost */
	fault_vfs_disarm();
	effect = make_effect(&order, N, 0);
	fixture_submit(store, &effect, N);
	ck_assert_uint_eq(fixture_wait(store, &err), N);
	ck_assert_int_eq(err, CPNP_ERR_IO);
	ck_assert_int_eq(cpnp_store_recover(store), 0);
	fixture_submit(store, &effect, N);
	ck_assert_uint_eq(fixture_wait(store, &err), N);
	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(count_orders(store), good + 1);
	cpnp_store_close(store);
	ck_assert_uint_eq(fixture_verify_journal(), good + 2);
}
END_TEST

/*
 * A child that writes batches of three orders, from number first on, and says
 * after each how many are done, until it is killed.
 */
static void
write_until_killed(int report, unsigned first)
{
	cpnp_store *store = fixture_open(true);
	uint32_t done = 0, sent = 0;
	cpnp_store_batch *batch;
	cpnp_effect effect;
	cpnp_order order;
	int err;

	for (;;) {
		while (sent < done + 4) {
			batch = cpnp_store_batch_new(store, NULL);
			for (unsigned k = 0; k < 3; k++) {
				effect = make_effect(
				    &order, first + 3 * sent + k, 0);
				(void)cpnp_store_put(batch, &effect, 0);
			}
			(void)cpnp_store_submit(store, batch);
			sent++;
		}
		(void)fixture_wait(store, &err);
		if (err != 0)
			_exit(1);
		done++;
		if (write(report, &done, sizeof(done)) != sizeof(done))
			_exit(1);
	}
}

/* Run such a child and kill it after it has reported a number of batches;
 * how many it had reported when it died. */
static uint32_t
run_and_kill(unsigned first, uint32_t until)
{
	uint32_t done = 0, next;
	int pipes[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(pipes[0]);
		write_until_killed(pipes[1], first);
	}
	(void)close(pipes[1]);
	while (done < until &&
	    read(pipes[0], &next, sizeof(next)) == sizeof(next))
		done = next;
	ck_assert_uint_eq(done, until);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	while (read(pipes[0], &next, sizeof(next)) == sizeof(next))
		done = next;
	(void)close(pipes[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	return done;
}

/* R11: after SIGKILL everything that was reported is there, no batch is there
 * in part, and the journal holds. */
START_TEST(test_store_survives_sigkill)
{
	cpnp_store *store;
	uint32_t done;
	unsigned n = 0;

	for (uint32_t until = 1; until < 60; until += 19) {
		done = run_and_kill(n, until);
		store = fixture_open(false);
		for (unsigned i = 0; i < n + 3 * done; i++)
			ck_assert_int_eq(find_order(store, i), 0);
		ck_assert_uint_ge(count_orders(store), n + 3 * done);
		n = count_orders(store);
		ck_assert_uint_eq(n % 3, 0);
		cpnp_store_close(store);
		ck_assert_int_eq(
		    fixture_query("SELECT max(number) FROM events"), n);
		ck_assert_uint_eq(fixture_verify_journal(), n + 1);
	}
}
END_TEST

static void
alter(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(fixture_db, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

static void
assert_not_opened(cpnp_store_config config, int want, const char *why)
{
	cpnp_diag diag = {.err = 0};
	cpnp_store *store;

	ck_assert_int_eq(cpnp_store_open(&store, &config, &diag), want);
	ck_assert_ptr_null(store);
	ck_assert_int_eq(diag.err, want);
	ck_assert_msg(strstr(diag.why, why) != NULL, "%s: %s, not \"%s\"",
	    diag.where, diag.why, why);
}

START_TEST(test_store_newer_schema_is_refused)
{
	cpnp_store_config config = fixture_config(false);

	cpnp_store_close(fixture_open(false));
	alter("PRAGMA user_version = 77");
	assert_not_opened(config, CPNP_ERR_CONFIG, "version 77");
	config.read_only = true;
	assert_not_opened(config, CPNP_ERR_CONFIG, "version 77");
	ck_assert_int_eq(fixture_query("PRAGMA user_version"), 77);
}
END_TEST

START_TEST(test_store_other_files_are_refused)
{
	cpnp_store_config config = fixture_config(false);
	FILE *file;

	config.create = false;
	assert_not_opened(config, CPNP_ERR_NOT_FOUND, "No such file");
	alter("CREATE TABLE theirs (x)");
	config.create = true;
	assert_not_opened(config, CPNP_ERR_CONFIG, "another program");
	ck_assert_int_eq(
	    fixture_query("SELECT count(*) FROM sqlite_master"), 1);
	file = fopen(fixture_db, "w");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 200; i++)
		(void)fputs("this is a text\n", file);
	ck_assert_int_eq(fclose(file), 0);
	assert_not_opened(config, CPNP_ERR_CONFIG, "not a CPNP store");
	config.path = "no/such/directory/orders.db";
	assert_not_opened(config, CPNP_ERR_IO, "No such file");
}
END_TEST

START_TEST(test_store_journal_keeps_name_and_key)
{
	cpnp_store_config config = fixture_config(false);

	cpnp_store_close(fixture_open(false));
	config.origin = "other.example";
	assert_not_opened(config, CPNP_ERR_CONFIG, FIXTURE_ORIGIN);
	config.origin = NULL;
	config.journal_signer = NULL;
	assert_not_opened(config, CPNP_ERR_CONFIG, "no name");
}
END_TEST

/* One writer; readers beside it as many as there are. */
START_TEST(test_store_second_writer_is_refused)
{
	cpnp_store_config config = fixture_config(true);
	cpnp_store *store = fixture_open(true), *reader;
	cpnp_store_batch *batch;
	cpnp_order order;
	cpnp_effect effect = make_effect(&order, 1, 0);
	char who[64];
	cpnp_diag diag;
	int status, err;
	pid_t pid;

	(void)snprintf(who, sizeof(who), "process %ld;", (long)getpid());
	assert_not_opened(config, CPNP_ERR_BUSY, who);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(cpnp_store_open(&reader, &config, &diag) == CPNP_ERR_BUSY
			? 0
			: 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	config.read_only = true;
	ck_assert_int_eq(cpnp_store_open(&reader, &config, &diag), 0);
	fixture_submit(store, &effect, 0);
	(void)fixture_wait(store, &err);
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(find_order(reader, 1), 0);
	batch = cpnp_store_batch_new(reader, NULL);
	ck_assert_int_eq(cpnp_store_commit(reader, batch), CPNP_ERR_STATE);
	ck_assert_int_eq(cpnp_store_submit(reader, batch), CPNP_ERR_STATE);
	cpnp_store_batch_del(batch);
	cpnp_store_close(reader);
	cpnp_store_close(store);
	/* the lock has gone with the store */
	cpnp_store_close(fixture_open(true));
}
END_TEST

/* Closing waits for what was handed over. */
START_TEST(test_store_close_writes_what_was_submitted)
{
	cpnp_store *store = fixture_open(true);
	cpnp_order order;
	cpnp_effect effect;

	for (unsigned i = 0; i < 100; i++) {
		effect = make_effect(&order, i, 0);
		fixture_submit(store, &effect, i);
	}
	cpnp_store_close(store);
	ck_assert_int_eq(fixture_query("SELECT count(*) FROM orders"), 100);
}
END_TEST

/* An allocator that fails at the nth call. */
static long allocations, fail_allocation;

static void *
failing_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return ++allocations == fail_allocation ? NULL : realloc(ptr, size);
}

static void *
failing_alloc(void *user, size_t size)
{
	return failing_realloc(user, NULL, size);
}

/* A batch that could not take something is never committed without it. */
START_TEST(test_store_put_without_memory_fails_the_batch)
{
	cpnp_env env = fake_env;
	cpnp_store_config config = fixture_config(false);
	cpnp_store_batch *batch;
	cpnp_store *store;
	cpnp_diag diag;
	int err = 0, good = 0;

	env.mem.alloc = failing_alloc;
	env.mem.realloc = failing_realloc;
	config.env = &env;
	ck_assert_int_eq(cpnp_store_open(&store, &config, &diag), 0);
	for (fail_allocation = 1; good == 0; fail_allocation++) {
		allocations = 0;
		batch = cpnp_store_batch_new(store, NULL);
		for (unsigned i = 0; batch != NULL && i < 40; i++) {
			cpnp_order order;
			cpnp_effect effect = make_effect(&order, i, 0);

			err = cpnp_store_put(batch, &effect, 0);
		}
		good = batch != NULL && err == 0;
		if (batch != NULL && !good) {
			ck_assert_int_eq(err, CPNP_ERR_NOMEM);
			ck_assert_int_eq(cpnp_store_commit(store, batch),
			    CPNP_ERR_NOMEM);
			ck_assert_int_eq(cpnp_store_recover(store), 0);
			ck_assert_uint_eq(count_orders(store), 0);
		}
		if (good)
			ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
		cpnp_store_batch_del(batch);
		fail_allocation += fail_allocation == 0;
	}
	ck_assert_uint_eq(count_orders(store), 40);
	ck_assert_int_gt(fail_allocation, 10);
	cpnp_store_close(store);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_store_commit_fails_whole,
	    test_store_commit_is_synced,
	    test_store_failure_stops_later_batches,
	    test_store_newer_schema_is_refused,
	    test_store_other_files_are_refused,
	    test_store_journal_keeps_name_and_key,
	    test_store_second_writer_is_refused,
	    test_store_close_writes_what_was_submitted,
	    test_store_put_without_memory_fails_the_batch,
	    test_store_survives_sigkill,
	};

	return fixture_run(
	    "store faults", tests, sizeof(tests) / sizeof(tests[0]));
}
