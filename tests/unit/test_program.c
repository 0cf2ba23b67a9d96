/*
 * Programs beside the daemon: what they are given and what they say, how they
 * end, and what they do not inherit.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cpnp/error.h>

#include "../../cpnpd/program.h"
#include "unit.h"

static struct event_base *base;
static cpnpd_program *program;
static char said[8192]; /* "1:a line|2:another|" */
static char ending[64];
static bool failed;
static size_t longest, written_n;

static void
on_line(void *user, cpnpd_program_stream stream, const char *line, size_t len)
{
	size_t have = strlen(said);

	(void)user;
	if (len > longest)
		longest = len;
	ck_assert_uint_eq(strlen(line), len);
	(void)snprintf(said + have, sizeof(said) - have, "%d:%s|",
	    (int)stream, line);
}

static void
on_written(void *user)
{
	(void)user;
	written_n++;
}

static void
on_ended(void *user, const char *how, bool is_failure)
{
	(void)user;
	(void)snprintf(ending, sizeof(ending), "%s", how);
	failed = is_failure;
	cpnpd_program_del(program);
	program = NULL;
	(void)event_base_loopbreak(base);
}

static void
start(const char *script)
{
	const char *argv[] = {"/bin/sh", "-c", script, "sh", "a b", NULL};
	const cpnpd_program_calls calls = {
	    NULL, on_line, on_written, on_ended};
	char why[128] = "";

	(void)signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	said[0] = ending[0] = '\0';
	longest = written_n = 0;
	ck_assert_int_eq(cpnpd_program_start(
			     &program, base, argv, &calls, why, sizeof(why)),
	    0);
}

static void
finish(void)
{
	const struct timeval limit = {20, 0};

	(void)event_base_loopexit(base, &limit);
	(void)event_base_dispatch(base);
	ck_assert_msg(ending[0] != '\0', "it has not ended");
	event_base_free(base);
}

static void
put(const char *text)
{
	ck_assert_int_eq(
	    cpnpd_program_write(program, cpnp_bytes_str(text)), 0);
}

START_TEST(test_program_speaks)
{
	start("read x; echo \"$1 $x\"; read y || echo end >&2; printf last");
	put("one\n");
	cpnpd_program_eof(program);
	put("too late\n");
	finish();
	ck_assert_ptr_nonnull(strstr(said, "1:a b one|"));
	ck_assert_ptr_nonnull(strstr(said, "2:end|"));
	ck_assert_ptr_nonnull(strstr(said, "1:last|"));
	ck_assert_str_eq(ending, "exit status 0");
	ck_assert(!failed);
}
END_TEST

START_TEST(test_program_ends)
{
	start("exit 3");
	finish();
	ck_assert_str_eq(ending, "exit status 3");
	ck_assert(failed);
	start("sleep 60 & echo; wait");
	cpnpd_program_signal(program, SIGTERM);
	finish();
	ck_assert_str_eq(ending, "signal 15, Terminated");
	ck_assert(failed);
}
END_TEST

/* What a program has said before it ended is given, though a child of it
 * holds the pipe. */
START_TEST(test_program_last_words)
{
	start("sleep 30 & echo one; echo two; exit 0");
	finish();
	ck_assert_str_eq(said, "1:one|1:two|");
}
END_TEST

/* CPNPD_PROGRAM_LINE_MAX, and a whole one of just that length. */
START_TEST(test_program_long_lines)
{
	start("head -c 1024 /dev/zero | tr '\\0' x; echo; "
	      "head -c 1025 /dev/zero | tr '\\0' y; echo");
	finish();
	ck_assert_uint_eq(longest, CPNPD_PROGRAM_LINE_MAX);
	ck_assert_ptr_nonnull(strstr(said, "x|1:y"));
	ck_assert_ptr_nonnull(strstr(said, "y|1:y|"));
	ck_assert_ptr_null(strstr(said, "1:|"));
}
END_TEST

/* One that does not read costs what is written to it, and no signal. */
START_TEST(test_program_does_not_read)
{
	static char much[300000];

	memset(much, 'x', sizeof(much) - 1);
	start("exec <&-; sleep 0.2; echo alive");
	put(much);
	ck_assert_uint_eq(
	    cpnpd_program_waiting(program), sizeof(much) - 1);
	finish();
	ck_assert_str_eq(said, "1:alive|");
	start("wc -c");
	put(much);
	cpnpd_program_eof(program);
	finish();
	ck_assert_str_eq(said, "1:299999|");
	ck_assert_uint_gt(written_n, 1);
}
END_TEST

/* No descriptor, handler, mask or process group of ours. */
START_TEST(test_program_inherits_nothing)
{
	int fd = open("/dev/null", O_RDONLY), high = dup2(fd, 77);
	sigset_t set;

	ck_assert_int_eq(high, 77);
	(void)sigfillset(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	/* Of the signals up to 28; those behind are the C library's.  The
	 * shell itself blocks all while it starts another program. */
	start("for i in $(seq 3 200); do [ ! -e /proc/$$/fd/$i ] || echo $i; "
	      "done; sed -n 's/^Sig\\(Blk\\|Ign\\):.*\\(.\\{7\\}\\)$/\\2/p' "
	      "/proc/self/status; set -- $(cat /proc/$$/stat); "
	      "[ $5 = $$ ] && echo group");
	(void)sigemptyset(&set);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	finish();
	ck_assert_str_eq(said, "1:0000000|1:0000000|1:group|");
	(void)close(fd);
	(void)close(high);
}
END_TEST

/* A program that tells the service manager that it is ready, or keeps the
 * secrets of its own sessions, does not do so for the daemon. */
START_TEST(test_program_environment)
{
	static const char *const ours[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC",
	    "WATCHDOG_PID", "SSLKEYLOGFILE"};

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(setenv(ours[i], "x", 1), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKETS", "y", 1), 0);
	start("env | grep -E '^(NOTIFY|WATCHDOG|SSLKEY)'");
	finish();
	ck_assert_str_eq(said, "1:NOTIFY_SOCKETS=y|");
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(unsetenv(ours[i]), 0);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKETS"), 0);
}
END_TEST

START_TEST(test_program_cannot_start)
{
	static const char *const names[][2] = {
	    {"/nonexistent/program", "No such file"},
	    {"/etc/passwd", "Permission denied"}, {"/", "Permission denied"}};
	const cpnpd_program_calls calls = {NULL, on_line, NULL, on_ended};
	char why[128];

	base = event_base_new();
	for (size_t i = 0; i < 3; i++) {
		const char *argv[] = {names[i][0], NULL};

		ck_assert_int_eq(cpnpd_program_start(&program, base, argv,
				     &calls, why, sizeof(why)),
		    CPNP_ERR_IO);
		ck_assert_msg(strstr(why, names[i][0]) == why &&
			strstr(why, names[i][1]) != NULL, "%s", why);
	}
	event_base_free(base);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_program_speaks, test_program_ends, test_program_last_words,
	    test_program_long_lines, test_program_does_not_read,
	    test_program_inherits_nothing, test_program_environment,
	    test_program_cannot_start};

	return unit_run("program", tests, sizeof(tests) / sizeof(tests[0]));
}
