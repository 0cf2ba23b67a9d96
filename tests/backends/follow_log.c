/*
 * A log that was made elsewhere, put on a backend batch by batch, with two
 * followers: one is killed again and again while the log grows, one begins
 * when all is there.  Both must come to the root of the state that whoever
 * made the log knows.
 *
 *	follow-log [-s SEED] [-l MS] [-w NAME=VALUE] LOG DIRECTORY BACKEND
 *	    NAME=VALUE...
 *
 * LOG is [genesis, batches, root], as tests/settlement/random writes it.  -l: a
 * follower lives no longer than this.  The log on the backend is that of
 * shared_log.h.  The directory is new.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../ledger-bridge/journal/internal.h"
#include "shared_log.h"

#define LOG_BYTES_MAX (64 << 20)
#define BATCHES_MAX 100000
#define READ_MAX 256
#define RESTARTS_MIN 3
#define LIFE_MS 300
#define SHORT_MS 50 /* of the first ones, so that a short log has them too */
#define PATIENCE 300 /* seconds for all */

static cpnp_bytes genesis, root, batches[BATCHES_MAX];
static size_t batch_n;
static uint8_t ledger_id[CPNP_SHA256_LEN];
static const char *dir;
static int bad;

static _Noreturn void
die(const char *what, const char *why)
{
	(void)printf("not ok - %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void
ok(bool good, const char *name)
{
	(void)printf("%s - %s\n", good ? "ok" : "not ok", name);
	bad += !good;
}

static void
sleep_ms(long ms)
{
	(void)nanosleep(
	    &(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void
load(const char *path)
{
	uint8_t *bytes = malloc(LOG_BYTES_MAX);
	FILE *file = fopen(path, "rb");
	cpnp_cbor_rd rd;
	size_t n;

	if (bytes == NULL || file == NULL)
		die(path, "cannot be read");
	n = fread(bytes, 1, LOG_BYTES_MAX, file);
	(void)fclose(file);
	cpnp_cbor_rd_init(&rd, (cpnp_bytes){bytes, n});
	(void)cpnp_cbor_get_array(&rd, 3, 3);
	genesis = cpnp_cbor_get_bytes(&rd, 1, CPNP_GENESIS_MAX);
	batch_n = cpnp_cbor_get_array(&rd, 1, BATCHES_MAX);
	for (size_t i = 0; i < batch_n && rd.err == 0; i++)
		batches[i] =
		    cpnp_cbor_get_bytes(&rd, 1, CPNP_BATCH_BYTES_MAX);
	root = cpnp_cbor_get_bytes(&rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	if (cpnp_cbor_rd_finish(&rd) != 0 ||
	    hash_once(&genesis, 1, ledger_id) != 0)
		die(path, "not [genesis, batches, root]");
}

/* ---- The writer ---- */

/* Read what has become final, so that there is room again. */
static void
read_on(cpnp_log *log, uint64_t *position, uint8_t prev[CPNP_SHA256_LEN])
{
	static cpnp_log_record records[READ_MAX];
	cpnp_diag diag = {.err = 0};
	size_t n, i;
	int err;

	err = shared_log_backend()->read(log, *position, prev,
	    CPNP_MILLISECONDS(50), records, READ_MAX, &n, &diag);
	if (err != 0 && err != CPNP_ERR_UNAVAILABLE)
		die(diag.where, diag.why);
	for (i = 0; err == 0 && i < n; i++, ++*position)
		if (cpnp_log_entry_hash(
			&ledger_env, &records[i].entry, prev) != 0)
			die("log", "no hash");
}

static int
writer(void)
{
	const cpnp_backend *backend = shared_log_backend();
	const cpnp_log_setting *settings;
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	cpnp_diag diag = {.err = 0};
	uint64_t position = 0;
	cpnp_log *log;
	size_t n;
	int err;

	settings = shared_log_settings("a", &n);
	if (backend->open(&log, settings, n, ledger_id, &diag) != 0)
		die(diag.where, diag.why);
	for (size_t i = 0; i < batch_n;) {
		err = backend->append(log, i, batches[i], &diag);
		if (err == 0)
			i++;
		else if (err == CPNP_ERR_FULL || err == CPNP_ERR_UNAVAILABLE)
			read_on(log, &position, prev);
		else
			die(diag.where, diag.why);
	}
	while (position <= batch_n)
		read_on(log, &position, prev);
	backend->close(log);
	return EXIT_SUCCESS;
}

/* ---- Followers ---- */

static cpnp_bridge *
open_follower(const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return shared_log_bridge(path, NULL, genesis, 0, 500);
}

static int
follower(void)
{
	cpnp_bridge *bridge = open_follower("restarted");
	cpnp_bridge_status status;
	cpnp_diag diag = {.err = 0};

	do {
		if (cpnp_bridge_step(
			bridge, CPNP_MILLISECONDS(100), &diag) != 0)
			die(diag.where, diag.why);
		cpnp_bridge_get_status(bridge, &status);
	} while (status.applied <= batch_n);
	cpnp_bridge_close(bridge);
	return EXIT_SUCCESS;
}

static pid_t
start(int (*run)(void))
{
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork", "failed");
	if (pid == 0) {
		/* none lives longer than the test */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(run());
	}
	return pid;
}

/* True when it has ended, and well. */
static bool
has_ended(pid_t pid, const char *name)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) == 0)
		return false;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(name, "it did not end well");
	return true;
}

static void
wait_for(pid_t pid, const char *name)
{
	time_t until = time(NULL) + PATIENCE;

	while (!has_ended(pid, name)) {
		if (time(NULL) > until) {
			(void)kill(pid, SIGKILL);
			die(name, "it does not come to the end");
		}
		sleep_ms(10);
	}
}

/* Kill the follower until all is written; the last may end by itself. */
static unsigned
restart_follower(pid_t writing, long life_ms)
{
	pid_t following = start(follower);
	bool written = false;
	unsigned killed = 0;
	int status;

	while (!written) {
		sleep_ms(1 + random() %
		    (killed < RESTARTS_MIN ? SHORT_MS : life_ms));
		written = has_ended(writing, "writer");
		(void)kill(following, SIGKILL);
		if (waitpid(following, &status, 0) == following &&
		    WIFEXITED(status) && WEXITSTATUS(status) != 0)
			die("follower", "it did not end well");
		killed += WIFSIGNALED(status) != 0;
		following = start(follower);
	}
	wait_for(following, "follower");
	return killed;
}

static bool
has_root(const char *name)
{
	cpnp_bridge *bridge = open_follower(name);
	uint8_t own[CPNP_SHA256_LEN];
	cpnp_ledger_info info;
	const cpnp_ledger *ledger;
	bool same;

	shared_log_catch_up(bridge, batch_n + 1);
	ledger = cpnp_bridge_lock(bridge);
	if (cpnp_ledger_get_info(ledger, &info) != 0 ||
	    cpnp_ledger_root(ledger, own) != 0)
		die("ledger", "no root");
	cpnp_bridge_unlock(bridge);
	same = info.position == batch_n + 1 &&
	    memcmp(own, root.ptr, sizeof(own)) == 0;
	cpnp_bridge_close(bridge);
	return same;
}

int
main(int argc, char **argv)
{
	unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid() << 8, killed;
	long life_ms = LIFE_MS;
	int option;

	while ((option = getopt(argc, argv, "+s:l:w:")) != -1) {
		if (option == 's')
			seed = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			life_ms = atol(optarg);
		else if (option == 'w')
			shared_log_writer(optarg);
		else
			return EXIT_FAILURE;
	}
	if (argc - optind < 3 || life_ms < 1)
		die("follow-log", "LOG DIRECTORY BACKEND NAME=VALUE...");
	load(argv[optind]);
	dir = argv[optind + 1];
	shared_log_use(argv + optind + 2, argc - optind - 2);
	(void)printf("# %s: %zu batches, seed %u\n",
	    shared_log_backend()->name, batch_n, seed);
	srandom(seed);
	shared_log_create(genesis);
	killed = restart_follower(start(writer), life_ms);
	(void)printf("# the follower was killed %u times\n", killed);
	ok(killed >= RESTARTS_MIN, "a follower is restarted while it reads");
	ok(has_root("restarted"), "it has the root of who made the log");
	ok(has_root("late"), "and so has one that starts late");
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
