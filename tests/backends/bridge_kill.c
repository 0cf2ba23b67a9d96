/*
 * Two bridges over one log, killed with SIGKILL at random moments, until they
 * have been killed so often; then nothing is lost, nothing doubled, and both
 * states are equal, also to that of a follower that starts late.
 *
 *	bridge-kill [-k KILLS] [-s SEED] [-l MS] [-p] [-w NAME=VALUE] DIRECTORY
 *	    BACKEND NAME=VALUE...
 *
 * -l: a bridge lives no longer than this.  -p: now and then the program of the
 * proc backend is killed, and not the bridge.  The log is that of
 * shared_log.h; its writers are "a" and "b".  The directory is new.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
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
#include "world.h"

#define TOGETHER 8       /* operations that are submitted at once, at most */
#define LIFE_MS 40       /* until a bridge is killed, at most */
#define PATIENCE 120     /* seconds, until everything must be final */

static const char *dir;
static long life_ms = LIFE_MS;
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
sleep_us(long us)
{
	(void)nanosleep(
	    &(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static const char *
file_of(const char *name, int payer)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s-%d", dir, name, payer);
	return path;
}

/* ---- A bridge, in a process of its own ---- */

static cpnp_bridge *
open_bridge(struct world *w, const char *store, const char *writer)
{
	return shared_log_bridge(store, writer, cpnp_buf_bytes(&w->genesis),
	    CPNP_MILLISECONDS(2), 20);
}

/* How many operations were taken over for sure. */
static uint64_t
acked(int payer)
{
	int fd = open(file_of("acked", payer), O_RDONLY);
	uint64_t n = 0;

	if (fd >= 0) {
		if (read(fd, &n, sizeof(n)) != sizeof(n))
			n = 0;
		(void)close(fd);
	}
	return n;
}

static bool
is_drained(cpnp_bridge *bridge)
{
	cpnp_bridge_status status;

	cpnp_bridge_get_status(bridge, &status);
	if (status.stopped)
		die("bridge", status.text);
	return status.waiting == 0 && status.batches == 0;
}

static void
submit_some(struct world *w, cpnp_bridge *bridge, int payer, int fd,
    uint64_t *next, size_t n)
{
	cpnp_bytes ops[TOGETHER];
	cpnp_buf out[TOGETHER];
	size_t i;
	int err;

	for (i = 0; i < n; i++)
		cpnp_buf_init(&out[i], &ledger_mem, CPNP_STATEMENT_MAX);
	world_sign(w, payer, *next, n, out);
	for (i = 0; i < n; i++)
		ops[i] = cpnp_buf_bytes(&out[i]);
	err = cpnp_bridge_submit_all(bridge, ops, n, NULL);
	if (err == 0) {
		*next += n;
		if (pwrite(fd, next, sizeof(*next), 0) != sizeof(*next))
			die("acked", strerror(errno));
	} else if (err != CPNP_ERR_FULL) {
		(void)is_drained(bridge); /* says why it has stopped */
		die("submit", cpnp_strerror(err));
	}
	for (i = 0; i < n; i++)
		cpnp_buf_fini(&out[i]);
}

/* Submit until the file "finish" is there, then until all is final. */
static int
child(int payer, unsigned seed)
{
	int fd = open(file_of("acked", payer), O_RDWR | O_CREAT, 0600);
	uint64_t next = acked(payer);
	cpnp_bridge *bridge;
	struct world w;

	srandom(seed);
	world_init(&w, dir);
	bridge = open_bridge(
	    &w, file_of("store", payer), payer == WORLD_A ? "a" : "b");
	if (cpnp_bridge_start(bridge, NULL, NULL) != 0)
		die("bridge", "no thread");
	while (access(file_of("finish", 0), F_OK) != 0) {
		submit_some(&w, bridge, payer, fd, &next,
		    1 + (size_t)random() % TOGETHER);
		(void)is_drained(bridge);
		sleep_us(random() % 3000);
	}
	while (!is_drained(bridge))
		sleep_us(5000);
	cpnp_bridge_close(bridge);
	world_fini(&w);
	(void)close(fd);
	return EXIT_SUCCESS;
}

static pid_t
start(int payer)
{
	unsigned seed = (unsigned)random();
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork", strerror(errno));
	if (pid == 0) {
		/* none lives longer than the test */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(child(payer, seed));
	}
	return pid;
}

/* ---- The killing ---- */

/* The program that a bridge has started, or 0. */
static pid_t
program_of(pid_t bridge)
{
	char path[64], text[64] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
	    (long)bridge, (long)bridge);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	(void)fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

/* Of a bridge that has ended by itself the end is a failure. */
static void
kill_one(pid_t *pid, int payer, bool program)
{
	pid_t target = program ? program_of(*pid) : 0;
	int status;

	if (target > 0) {
		(void)kill(target, SIGKILL);
		return;
	}
	(void)kill(*pid, SIGKILL);
	if (waitpid(*pid, &status, 0) == *pid && WIFEXITED(status))
		die("bridge", "it ended by itself");
	*pid = start(payer);
}

/* Until a bridge has taken something over: on a slow machine none but bridges
 * that begin would be killed. */
static void
wait_for_more(int payer, uint64_t before)
{
	time_t until = time(NULL) + PATIENCE;

	while (acked(payer) == before) {
		if (time(NULL) > until)
			die("bridge", "it takes nothing over");
		sleep_us(1000);
	}
}

static void
kill_bridges(pid_t pids[2], int kills, bool programs)
{
	uint64_t before[2] = {0, 0};

	for (int i = 0; i < kills; i++) {
		if (random() % 2 == 0)
			wait_for_more(WORLD_A + i % 2, before[i % 2]);
		sleep_us(random() % (life_ms * 1000));
		before[i % 2] = acked(WORLD_A + i % 2);
		kill_one(&pids[i % 2], WORLD_A + i % 2,
		    programs && random() % 4 == 0);
		/* sometimes both at once */
		if (random() % 4 == 0 && ++i < kills)
			kill_one(&pids[i % 2], WORLD_A + i % 2, false);
	}
	for (int i = 0; i < 2; i++)
		wait_for_more(WORLD_A + i, 0);
}

static void
finish(pid_t pids[2])
{
	int fd = open(file_of("finish", 0), O_WRONLY | O_CREAT, 0600);
	int i, status, n = 0;
	time_t until = time(NULL) + PATIENCE;

	(void)close(fd);
	for (i = 0; n < 2 && time(NULL) < until; i ^= 1) {
		if (pids[i] != 0 && waitpid(pids[i], &status, WNOHANG) != 0) {
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
				die("bridge", "it did not end well");
			pids[i] = 0;
			n++;
		}
		sleep_us(5000);
	}
	if (n == 2)
		return;
	for (i = 0; i < 2; i++)
		if (pids[i] != 0)
			(void)kill(pids[i], SIGKILL);
	die("bridge", "not everything became final in time");
}

/* ---- What must hold ---- */

static uint64_t
position_of(cpnp_bridge *bridge, uint8_t root[CPNP_SHA256_LEN])
{
	const cpnp_ledger *ledger = cpnp_bridge_lock(bridge);
	cpnp_ledger_info info;

	if (cpnp_ledger_get_info(ledger, &info) != 0 ||
	    cpnp_ledger_root(ledger, root) != 0)
		die("ledger", "no root");
	cpnp_bridge_unlock(bridge);
	return info.position;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, CPNP_SHA256_LEN);
}

/* The digests of all operations that have an outcome, sorted. */
static uint8_t (*
all_digests(cpnp_bridge *bridge, size_t *count))[CPNP_SHA256_LEN]
{
	uint8_t (*digests)[CPNP_SHA256_LEN];
	cpnp_outcome outcomes[256];
	cpnp_bridge_status status;
	uint64_t at = 0;
	size_t n, i;

	cpnp_bridge_get_status(bridge, &status);
	digests = calloc(status.outcomes + 1, sizeof(*digests));
	*count = 0;
	do {
		if (digests == NULL ||
		    cpnp_bridge_outcomes(bridge, at, outcomes, 256, &n) != 0)
			die("outcomes", "cannot be read");
		for (i = 0; i < n && *count < status.outcomes; i++)
			memcpy(digests[(*count)++], outcomes[i].digest,
			    CPNP_SHA256_LEN);
		at += n;
	} while (n > 0);
	qsort(digests, *count, sizeof(*digests), compare);
	return digests;
}

static void
check_operations(cpnp_bridge *bridge, const struct world *w)
{
	uint8_t digest[CPNP_SHA256_LEN], (*all)[CPNP_SHA256_LEN];
	uint64_t lost = 0, doubled = 0, wrong = 0, total = 0, i, index;
	cpnp_outcome outcome;
	size_t n, k;

	all = all_digests(bridge, &n);
	for (k = 1; k < n; k++)
		doubled += compare(all[k - 1], all[k]) == 0;
	for (int payer = WORLD_A; payer <= WORLD_B; payer++) {
		total += acked(payer);
		for (i = 0; i < acked(payer); i++) {
			world_digest(w, payer, i, digest);
			if (cpnp_bridge_outcome(bridge, digest, &outcome,
				&index) != 0)
				lost++;
			else if (outcome.code != world_code(i))
				wrong++;
		}
	}
	(void)printf("# %" PRIu64 " operations, %zu outcomes, %" PRIu64
		     " lost, %" PRIu64 " doubled, %" PRIu64 " wrong\n",
	    total, n, lost, doubled, wrong);
	ok(total > 0 && lost == 0, "nothing is lost");
	/* one call of each, at most, was durable and not heard of */
	ok(doubled == 0 && n <= total + 2 * (uint64_t)TOGETHER,
	    "nothing is doubled");
	ok(wrong == 0, "every outcome is what it must be");
	free(all);
}

static void
check(struct world *w)
{
	uint8_t root[3][CPNP_SHA256_LEN];
	cpnp_bridge *a, *b, *late;
	uint64_t position;

	a = open_bridge(w, file_of("store", WORLD_A), "a");
	shared_log_catch_up(a, 0);
	position = position_of(a, root[0]);
	b = open_bridge(w, file_of("store", WORLD_B), "b");
	shared_log_catch_up(b, position);
	late = open_bridge(w, file_of("late", 0), NULL);
	shared_log_catch_up(late, position);
	ok(position_of(b, root[1]) == position &&
	    memcmp(root[0], root[1], sizeof(root[0])) == 0,
	    "both states are equal");
	ok(position_of(late, root[2]) == position &&
	    memcmp(root[0], root[2], sizeof(root[0])) == 0,
	    "and that of a follower that starts late");
	check_operations(a, w);
	cpnp_bridge_close(a);
	cpnp_bridge_close(b);
	cpnp_bridge_close(late);
}

int
main(int argc, char **argv)
{
	unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid() << 8;
	bool programs = false;
	struct world w;
	pid_t pids[2];
	int option, kills = 10;

	while ((option = getopt(argc, argv, "+k:s:l:pw:")) != -1) {
		if (option == 'k')
			kills = atoi(optarg);
		else if (option == 's')
			seed = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'p')
			programs = true;
		else if (option == 'l')
			life_ms = atol(optarg);
		else if (option == 'w')
			shared_log_writer(optarg);
		else
			return EXIT_FAILURE;
	}
	if (argc - optind < 2 || life_ms < 1)
		return EXIT_FAILURE;
	dir = argv[optind];
	shared_log_use(argv + optind + 1, argc - optind - 1);
	(void)printf("# %s: %d kills, seed %u\n", shared_log_backend()->name,
	    kills, seed);
	srandom(seed);
	world_init(&w, dir);
	shared_log_create(cpnp_buf_bytes(&w.genesis));
	for (int i = 0; i < 2; i++)
		pids[i] = start(WORLD_A + i);
	kill_bridges(pids, kills, programs);
	finish(pids);
	check(&w);
	world_fini(&w);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
