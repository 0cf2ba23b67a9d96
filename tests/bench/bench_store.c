/*
 * What the store costs beside SQLite itself: the same bytes in the same
 * number of transactions, once through the store with its indexes, triggers
 * and journal, and once with nothing but three bare tables.
 *
 *	bench-store [ORDERS [BATCH]]
 *	bench-store curve [ORDERS]
 *
 * An order is six changes of state; each commit holds one change of each of
 * BATCH orders.  curve: what a commit of CURVE_BATCH orders takes, and a look
 * at one of all orders, found or not, while the store grows to 10,000, 100,000
 * and 1,000,000 orders, or to so many.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../../cpnpd/store/store.h"
#include "../unit/fake_order.h"

#define DOC(name) (1u << CPNP_DOC_##name)
#define FINDS 20000
#define FILL_BATCH 5000
#define CURVE_BATCH 100
#define CURVE_ROUNDS 60
#define CURVE_FINDS 5000

/* A negotiation as a provider stores it, with documents of usual sizes. */
static const struct step {
	cpnp_state to;
	cpnp_event event;
	uint32_t docs;
} steps[] = {
    {CPNP_STATE_PQO_RECEIVED, CPNP_EVENT_RECV_QUOTATION, DOC(REQUEST)},
    {CPNP_STATE_AWAITING_PROCESSING, CPNP_EVENT_START, DOC(LAST_OUT)},
    {CPNP_STATE_OFFER_PROPOSED, CPNP_EVENT_OFFER, DOC(OFFER) | DOC(LAST_OUT)},
    {CPNP_STATE_PROCESSING_RECEIVED, CPNP_EVENT_RECV_PROCESSING, 0},
    {CPNP_STATE_ACCEPT_RECEIVED, CPNP_EVENT_RECV_ACCEPT, 0},
    {CPNP_STATE_COMPLETED, CPNP_EVENT_SIGNED, DOC(LAST_OUT)},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))
static const size_t doc_sizes[CPNP_DOC_END] = {
    [CPNP_DOC_REQUEST] = 700,
    [CPNP_DOC_OFFER] = 900,
    [CPNP_DOC_LAST_OUT] = 500,
};

static _Noreturn void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench-store: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The processor's share, which other load on the machine leaves alone. */
static double
cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

struct taken {
	double seconds;
	double cpu;
};

static struct taken
taken_since(double start, double cpu_start)
{
	return (struct taken){seconds() - start, cpu_seconds() - cpu_start};
}

static void
print_taken(const char *what, unsigned total, struct taken taken)
{
	(void)printf("%-8s%.0f orders/s, %.0f events/s, %.1f us of processor "
		     "time an order\n",
	    what, total / taken.seconds, total * (double)STEPS / taken.seconds,
	    taken.cpu / total * 1e6);
}

static void
make_order(cpnp_order *order, unsigned i)
{
	char id[32];
	int d;

	(void)snprintf(id, sizeof(id), "order-%08x", i * 2654435761u);
	fake_order_init(order, CPNP_SERVER, "customer.example", id, i);
	memset(order->saved, 's', sizeof(order->saved) - 1);
	for (d = 0; d < CPNP_DOC_END; d++)
		memset(order->docs[d], 'a' + d, doc_sizes[d]);
}

static void
step_order(cpnp_order *order, size_t step, cpnp_effect *effect)
{
	if (step == 2)
		(void)snprintf(order->provider, sizeof(order->provider),
		    "P-%.50s", order->customer);
	order->settled = step == STEPS - 1;
	*effect = fake_order_step(
	    order, steps[step].to, steps[step].event, steps[step].docs);
}

static void
store_batch(cpnp_store *store, cpnp_order *orders, unsigned n, size_t step)
{
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	cpnp_effect effect;
	unsigned i;

	if (batch == NULL)
		die("store", "out of memory");
	for (i = 0; i < n; i++) {
		step_order(&orders[i], step, &effect);
		(void)cpnp_store_put(batch, &effect, 0);
	}
	if (cpnp_store_commit(store, batch) != 0)
		die("store", "commit failed");
	cpnp_store_batch_del(batch);
}

static double
bench_find(cpnp_store *store, const cpnp_order *order)
{
	double start = seconds();
	cpnp_store_row row;
	unsigned i;

	for (i = 0; i < FINDS; i++)
		if (cpnp_store_find(store, order->role,
			cpnp_bytes_str(order->peer),
			cpnp_bytes_str(order->customer), &row) != 0)
			die("store", "an order is missing");
	return (seconds() - start) / FINDS;
}

static cpnp_store *
open_store(const char *path, const cpnp_signer *signer)
{
	cpnp_store_config config = {
	    .path = path,
	    .create = true,
	    .origin = "bench.example",
	    .journal_signer = signer,
	    .env = &fake_env,
	};
	cpnp_diag diag = {.err = 0};
	cpnp_store *store;

	if (cpnp_store_open(&store, &config, &diag) != 0)
		die(diag.where, diag.why);
	return store;
}

/* ---- how it grows ---- */

static void
fill(cpnp_store *store, cpnp_order *orders, unsigned from, unsigned n)
{
	unsigned i;
	size_t step;

	for (i = 0; i < n; i++)
		make_order(&orders[i], from + i);
	for (step = 0; step < STEPS; step++)
		store_batch(store, orders, n, step);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One of all that are there, and one that is not; which is drawn from a
 * sequence that is always the same. */
static double
find_any(cpnp_store *store, unsigned total, bool is_there, cpnp_order *order)
{
	static uint64_t draw = 1;
	double start = seconds();
	cpnp_store_row row;
	unsigned i;
	int want = is_there ? 0 : CPNP_ERR_NOT_FOUND;

	for (i = 0; i < CURVE_FINDS; i++) {
		draw = draw * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
		make_order(order, (unsigned)(draw >> 33) % total +
		    (is_there ? 0 : total));
		if (cpnp_store_find(store, order->role,
			cpnp_bytes_str(order->peer),
			cpnp_bytes_str(order->customer), &row) != want)
			die("store", "an order is not as it should be");
	}
	return (seconds() - start) / CURVE_FINDS;
}

static void
measure_point(cpnp_store *store, cpnp_order *orders, unsigned *total)
{
	static double commits[CURVE_ROUNDS * STEPS];
	double start, found, missed;
	size_t step, n = 0;
	unsigned round, i;

	for (round = 0; round < CURVE_ROUNDS; round++) {
		for (i = 0; i < CURVE_BATCH; i++)
			make_order(&orders[i], *total + i);
		for (step = 0; step < STEPS; step++) {
			start = seconds();
			store_batch(store, orders, CURVE_BATCH, step);
			commits[n++] = seconds() - start;
		}
		*total += CURVE_BATCH;
	}
	qsort(commits, n, sizeof(commits[0]), compare);
	found = find_any(store, *total, true, &orders[0]);
	missed = find_any(store, *total, false, &orders[0]);
	(void)printf("%9u orders  commit of %d: p50 %.2f ms, p99 %.2f ms  "
		     "found in %.1f us, not found in %.1f us\n",
	    *total, CURVE_BATCH, commits[n / 2] * 1e3,
	    commits[n * 99 / 100] * 1e3, found * 1e6, missed * 1e6);
	(void)fflush(stdout);
}

static void
bench_curve(const char *path, const cpnp_signer *signer, cpnp_order *orders,
    unsigned size, unsigned most)
{
	cpnp_store *store = open_store(path, signer);
	unsigned total = 0, point = 10000;

	for (;;) {
		if (point > most)
			point = most;
		for (; total + size <= point; total += size)
			fill(store, orders, total, size);
		measure_point(store, orders, &total);
		if (point == most)
			break;
		point *= 10;
	}
	cpnp_store_close(store);
}

static struct taken
bench_store(const char *path, const cpnp_signer *signer, cpnp_order *orders,
    unsigned total, unsigned size)
{
	cpnp_store *store = open_store(path, signer);
	double start = seconds(), cpu = cpu_seconds(), find;
	struct taken taken;
	unsigned done;

	for (done = 0; done < total; done += size)
		fill(store, orders, done, size);
	taken = taken_since(start, cpu);
	find = bench_find(store, &orders[0]);
	(void)printf("find    %.1f us\n", find * 1e6);
	cpnp_store_close(store);
	return taken;
}

static void
bare_exec(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sql, sqlite3_errmsg(db));
}

static void
bare_insert(sqlite3 *db, sqlite3_stmt *stmt, sqlite3_int64 a, sqlite3_int64 b,
    cpnp_bytes bytes)
{
	(void)sqlite3_bind_int64(stmt, 1, a);
	(void)sqlite3_bind_int64(stmt, 2, b);
	(void)sqlite3_bind_blob(
	    stmt, 3, bytes.ptr, (int)bytes.len, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		die("bare", sqlite3_errmsg(db));
	(void)sqlite3_reset(stmt);
}

static void
bare_batch(sqlite3 *db, sqlite3_stmt **put, cpnp_order *orders,
    unsigned first, unsigned n, size_t step)
{
	cpnp_effect effect;
	sqlite3_int64 id;
	unsigned i;
	int d;

	bare_exec(db, "BEGIN IMMEDIATE");
	for (i = 0; i < n; i++) {
		id = first + i;
		step_order(&orders[i], step, &effect);
		bare_insert(db, put[0], id, effect.u.store.to,
		    cpnp_bytes_str(orders[i].saved));
		for (d = 0; d < CPNP_DOC_END; d++)
			if ((steps[step].docs & (1u << d)) != 0)
				bare_insert(db, put[1], id * 16 + d, d,
				    cpnp_order_doc(&orders[i], (cpnp_doc)d));
		bare_insert(db, put[2], 0, effect.u.store.event,
		    effect.u.store.statement);
	}
	bare_exec(db, "COMMIT");
}

static struct taken
bench_bare(
    const char *path, cpnp_order *orders, unsigned total, unsigned size)
{
	static const char *const texts[] = {
	    "INSERT OR REPLACE INTO orders VALUES (?, ?, ?)",
	    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
	    "INSERT INTO events VALUES (nullif(?, 0), ?, ?)",
	};
	sqlite3_stmt *put[3];
	struct taken taken;
	double start, cpu;
	unsigned done, i;
	sqlite3 *db;
	size_t step;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path, sqlite3_errmsg(db));
	bare_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		      "PRAGMA wal_autocheckpoint = 16384;"
		      "PRAGMA cache_size = -65536;"
		      "CREATE TABLE orders (id INTEGER PRIMARY KEY, state, b);"
		      "CREATE TABLE documents (id INTEGER PRIMARY KEY, k, b);"
		      "CREATE TABLE events (id INTEGER PRIMARY KEY, e, b);");
	for (i = 0; i < 3; i++)
		if (sqlite3_prepare_v2(db, texts[i], -1, &put[i], NULL) !=
		    SQLITE_OK)
			die(texts[i], sqlite3_errmsg(db));
	start = seconds();
	cpu = cpu_seconds();
	for (done = 0; done < total; done += size) {
		for (i = 0; i < size; i++)
			make_order(&orders[i], done + i);
		for (step = 0; step < STEPS; step++)
			bare_batch(db, put, orders, done, size, step);
	}
	taken = taken_since(start, cpu);
	for (i = 0; i < 3; i++)
		(void)sqlite3_finalize(put[i]);
	(void)sqlite3_close(db);
	return taken;
}

static void
clean(const char *dir)
{
	static const char *const names[] = {"store.db", "store.db-lock",
	    "store.db-wal", "store.db-shm", "bare.db", "bare.db-wal",
	    "bare.db-shm", "key.pem"};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static unsigned
argument(int argc, char **argv, int i, unsigned otherwise)
{
	char *end;
	unsigned long n;

	if (i >= argc)
		return otherwise;
	n = strtoul(argv[i], &end, 10);
	if (*end != '\0' || n == 0 || n > 100000000)
		die(argv[i], "a number from 1 to 100000000 is wanted");
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	bool is_curve = argc > 1 && strcmp(argv[1], "curve") == 0;
	unsigned total = is_curve ? argument(argc, argv, 2, 1000000)
				  : argument(argc, argv, 1, 20000);
	unsigned size = is_curve ? FILL_BATCH : argument(argc, argv, 2, 500);
	cpnp_order *orders = calloc(size, sizeof(*orders));
	char dir[] = "bench-store.XXXXXX", path[64];
	cpnp_diag diag = {.err = 0};
	struct taken with, bare;
	cpnp_signer *signer = NULL;

	if (orders == NULL || mkdtemp(dir) == NULL)
		die(dir, "cannot be made");
	total = (total + size - 1) / size * size;
	(void)snprintf(path, sizeof(path), "%s/key.pem", dir);
	if (cpnp_key_generate(path, "ed25519", &diag) != 0 ||
	    cpnp_signer_load(&signer, NULL, NULL, path, &diag) != 0)
		die(diag.where, diag.why);
	if (is_curve) {
		(void)snprintf(path, sizeof(path), "%s/store.db", dir);
		bench_curve(path, signer, orders, size, total);
		goto out;
	}
	(void)snprintf(path, sizeof(path), "%s/bare.db", dir);
	bare = bench_bare(path, orders, total, size);
	print_taken("bare", total, bare);
	(void)snprintf(path, sizeof(path), "%s/store.db", dir);
	with = bench_store(path, signer, orders, total, size);
	print_taken("store", total, with);
	(void)printf("ratio   %.2f in time, %.2f in processor time\n",
	    with.seconds / bare.seconds, with.cpu / bare.cpu);
out:
	cpnp_signer_del(signer);
	clean(dir);
	free(orders);
	return EXIT_SUCCESS;
}
