/*
 * How many operations a second go through a bridge, a log in a file and the
 * rules of settlement, durably: from submit to a stored outcome.  Once with 64
 * operations signed together, once with a signature each; and beside them what
 * bare SQLite takes to store the same bytes in commits of the same size.
 *
 *	bench-ledger [OPERATIONS]
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cpnp/bridge.h>

#include "../../ledger-bridge/journal/internal.h"
#include "../backends/world.h"

#define TOGETHER 1024 /* operations of one submit */

static char dir[] = "/tmp/bench-ledger.XXXXXX";

static _Noreturn void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench-ledger: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const char *
file_of(const char *name, size_t together)
{
	static char paths[2][128];
	static int which;
	char *path = paths[which ^= 1];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s-%zu", dir, name,
	    together);
	return path;
}

/* All operations, signed before the clock runs. */
static cpnp_buf *
sign_all(const struct world *w, size_t total, size_t together)
{
	cpnp_buf *ops = calloc(total, sizeof(*ops));
	size_t i, n;

	if (ops == NULL)
		die("operations", "out of memory");
	for (i = 0; i < total; i++)
		cpnp_buf_init(&ops[i], &ledger_mem, CPNP_STATEMENT_MAX);
	for (i = 0; i < total; i += n) {
		n = total - i < together ? total - i : together;
		world_sign_all(w, WORLD_A, 1 + i, n, ops + i);
	}
	return ops;
}

static cpnp_bridge *
open_bridge(const struct world *w, size_t together)
{
	cpnp_log_setting settings[] = {{"path", NULL}, {"writer", "bench"}};
	const cpnp_backend *sqlite;
	cpnp_bridge_config config;
	cpnp_diag diag = {.err = 0};
	cpnp_bridge *bridge;

	settings[0].value = file_of("log", together);
	sqlite = cpnp_backend_find("sqlite", &diag);
	if (sqlite == NULL || sqlite->create(settings, 1,
	    cpnp_buf_bytes(&w->genesis), NULL, &diag) != 0)
		die(diag.where, diag.why);
	cpnp_bridge_config_default(&config);
	config.store = file_of("store", together);
	config.backend = "sqlite";
	config.settings = settings;
	config.settings_n = 2;
	config.genesis = cpnp_buf_bytes(&w->genesis);
	config.batch_wait = CPNP_MILLISECONDS(5);
	if (cpnp_bridge_open(&bridge, &config, &diag) != 0 ||
	    cpnp_bridge_start(bridge, NULL, NULL) != 0)
		die("bridge", diag.why);
	return bridge;
}

static void
submit(cpnp_bridge *bridge, const cpnp_buf *ops, size_t n)
{
	cpnp_bytes bytes[TOGETHER];
	int err;

	for (size_t i = 0; i < n; i++)
		bytes[i] = cpnp_buf_bytes(&ops[i]);
	do {
		err = cpnp_bridge_submit_all(bridge, bytes, n, NULL);
		if (err == CPNP_ERR_FULL)
			(void)usleep(1000);
	} while (err == CPNP_ERR_FULL);
	if (err != 0)
		die("submit", cpnp_strerror(err));
}

/* Nearly all are, or it was another thing that was measured. */
static void
check_accepted(cpnp_bridge *bridge, size_t total)
{
	cpnp_outcome outcomes[256];
	size_t n, i, accepted = 0;
	uint64_t at = 0;

	do {
		if (cpnp_bridge_outcomes(bridge, at, outcomes, 256, &n) != 0)
			die("outcomes", "cannot be read");
		for (i = 0; i < n; i++)
			accepted +=
			    outcomes[i].code == CPNP_OUTCOME_ACCEPTED;
		at += n;
	} while (n > 0);
	if (accepted < total / 4 * 3)
		die("outcomes", "too few are accepted");
}

static double
bench_bridge(const struct world *w, const cpnp_buf *ops, size_t total,
    size_t together)
{
	cpnp_bridge *bridge = open_bridge(w, together);
	cpnp_bridge_status status;
	double start;
	cpnp_buf mint;
	size_t i, n;

	cpnp_buf_init(&mint, &ledger_mem, CPNP_STATEMENT_MAX);
	world_sign(w, WORLD_A, 0, 1, &mint);
	submit(bridge, &mint, 1);
	cpnp_buf_fini(&mint);
	start = seconds();
	for (i = 0; i < total; i += n) {
		n = total - i < TOGETHER ? total - i : TOGETHER;
		submit(bridge, ops + i, n);
	}
	do {
		(void)usleep(500);
		cpnp_bridge_get_status(bridge, &status);
		if (status.stopped)
			die("bridge", status.text);
	} while (status.outcomes < 1 + total);
	start = seconds() - start;
	check_accepted(bridge, total);
	cpnp_bridge_close(bridge);
	return start;
}

static void
exec(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sql, sqlite3_errmsg(db));
}

static double
bench_bare(const cpnp_buf *ops, size_t total, size_t together)
{
	sqlite3_stmt *put;
	double start;
	sqlite3 *db;

	if (sqlite3_open(file_of("bare", together), &db) != SQLITE_OK)
		die("bare", "cannot be opened");
	exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		 "CREATE TABLE op(id INTEGER PRIMARY KEY, op BLOB NOT NULL)");
	(void)sqlite3_prepare_v2(
	    db, "INSERT INTO op(op) VALUES(?)", -1, &put, NULL);
	start = seconds();
	for (size_t i = 0; i < total; i++) {
		if (i % TOGETHER == 0)
			exec(db, "BEGIN");
		(void)sqlite3_bind_blob(put, 1, ops[i].ptr, (int)ops[i].len,
		    SQLITE_STATIC);
		if (sqlite3_step(put) != SQLITE_DONE)
			die("bare", sqlite3_errmsg(db));
		(void)sqlite3_reset(put);
		if (i % TOGETHER == TOGETHER - 1 || i == total - 1)
			exec(db, "COMMIT");
	}
	start = seconds() - start;
	(void)sqlite3_finalize(put);
	(void)sqlite3_close(db);
	return start;
}

static void
bench(const struct world *w, size_t total, size_t together)
{
	cpnp_buf *ops = sign_all(w, total, together);
	double bridge, bare;

	bridge = bench_bridge(w, ops, total, together);
	bare = bench_bare(ops, total, together);
	(void)printf("%2zu to a signature: %.0f operations/s, bare SQLite "
		     "%.0f/s, ratio %.2f\n",
	    together, (double)total / bridge, (double)total / bare,
	    bare / bridge);
	for (size_t i = 0; i < total; i++)
		cpnp_buf_fini(&ops[i]);
	free(ops);
}

int
main(int argc, char **argv)
{
	size_t total = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 65536;
	char command[128];
	struct world w;

	if (total == 0 || mkdtemp(dir) == NULL)
		die("bench-ledger [OPERATIONS]", "1 or more");
	world_init(&w, dir);
	bench(&w, total, 64);
	bench(&w, total / 4 + 1, 1);
	world_fini(&w);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
