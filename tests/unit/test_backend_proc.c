/*
 * The proc backend against a program that dies, is silent, floods, or says
 * what cpnp-ledger-proc(7) does not allow: each is an outage with a clear
 * text, in time and in bounded memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cpnp/backend.h>

#include "unit.h"

/* that memory may grow by: a line, a request and an answer have room */
#define GROWTH_KB_MAX (16 * 1024)

static const uint8_t genesis_bytes[] = "genesis";
#define GENESIS ((cpnp_bytes){genesis_bytes, sizeof(genesis_bytes) - 1})
static uint8_t ledger_id[CPNP_SHA256_LEN];
static const cpnp_backend *proc;
static char dir[] = "proc-XXXXXX";
static char program[4096], path[4096];

static void
setup(void)
{
	const char *build = getenv("top_builddir");
	cpnp_verifier *verifier;
	const cpnp_env *env;
	cpnp_bytes genesis = GENESIS;
	char cwd[2048], *at;

	(void)snprintf(dir, sizeof(dir), "%s", "proc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	(void)snprintf(path, sizeof(path), "%s/%s/log", cwd, dir);
	at = realpath(build != NULL ? build : ".", NULL);
	ck_assert_ptr_nonnull(at);
	(void)snprintf(
	    program, sizeof(program), "%s/tests/backends/proclog", at);
	free(at);
	ck_assert_int_eq(cpnp_verifier_new(&verifier), 0);
	env = &cpnp_verifier_env(verifier)->env;
	ck_assert_int_eq(env->sha256(env->user, &genesis, 1, ledger_id), 0);
	cpnp_verifier_del(verifier);
	proc = cpnp_backend_find("proc", NULL);
	ck_assert_ptr_nonnull(proc);
}

static void
teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static size_t
settings_of(cpnp_log_setting list[5], const char *fault)
{
	list[0] = (cpnp_log_setting){"program", program};
	list[1] = (cpnp_log_setting){"argument", path};
	list[2] = (cpnp_log_setting){"argument", fault};
	list[3] = (cpnp_log_setting){"writer", "w"};
	list[4] = (cpnp_log_setting){"deadline", "1"};
	return 5;
}

static cpnp_log *
log_with(const char *fault)
{
	cpnp_log_setting list[5];
	size_t n = settings_of(list, fault);
	cpnp_diag diag = {.err = 0};
	cpnp_log *log = NULL;
	int err;

	ck_assert_msg(proc->create(list, n, GENESIS, NULL, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	err = proc->open(&log, list, n, ledger_id, &diag);
	ck_assert_msg(err == 0, "%s: %s", diag.where, diag.why);
	return log;
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const struct {
	const char *fault;
	const char *says;
} on_append[] = {
    {"die", "it has gone (exit status 3)"},
    {"silence", "no answer within 1 s"},
    {"line", "\"Traceback\""},
    {"id", "does not allow here"},
    {"code", "\"WEATHER\""},
    {"long", "a line of more than 1398616 bytes"},
    {"news", "news, and no answer in time"},
};

START_TEST(test_proc_fault_at_append)
{
	cpnp_log *log = log_with(on_append[_i].fault);
	cpnp_diag diag = {.err = 0};
	struct rusage before, after;
	cpnp_log_info info;
	double start = seconds();

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
	ck_assert_int_eq(proc->append(log, 0, CPNP_BYTES_LIT("x"), &diag),
	    CPNP_ERR_UNAVAILABLE);
	ck_assert_msg(strstr(diag.why, on_append[_i].says) != NULL,
	    "%s: \"%s\"", on_append[_i].fault, diag.why);
	ck_assert(seconds() - start < 5);
	proc->info(log, &info);
	ck_assert(info.away);
	ck_assert_str_eq(info.text, diag.why);
	/* backs off, and says still why */
	start = seconds();
	ck_assert_int_eq(proc->append(log, 0, CPNP_BYTES_LIT("x"), &diag),
	    CPNP_ERR_UNAVAILABLE);
	ck_assert(seconds() - start < 0.5);
	ck_assert_ptr_nonnull(strstr(diag.why, on_append[_i].says));
	proc->close(log);
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, GROWTH_KB_MAX);
}
END_TEST

static const struct {
	const char *fault;
	int err;
	const char *says;
} on_read[] = {
    {"position", CPNP_ERR_UNAVAILABLE, "does not allow here"},
    {"base64", CPNP_ERR_UNAVAILABLE, "does not allow here"},
    {"many", CPNP_ERR_UNAVAILABLE, "does not allow here"},
    {"chain", CPNP_ERR_MISMATCH, "does not follow the one before"},
};

START_TEST(test_proc_fault_at_read)
{
	cpnp_log *log = log_with(on_read[_i].fault);
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	cpnp_log_record records[8];
	cpnp_diag diag = {.err = 0};
	size_t n = 1;

	ck_assert_int_eq(proc->read(log, 0, prev, 0, records, 8, &n, &diag),
	    on_read[_i].err);
	ck_assert_uint_eq(n, 0);
	ck_assert_msg(strstr(diag.why, on_read[_i].says) != NULL, "\"%s\"",
	    diag.why);
	proc->close(log);
}
END_TEST

START_TEST(test_proc_other_version)
{
	cpnp_log_setting list[5];
	size_t n = settings_of(list, "version");
	cpnp_diag diag = {.err = 0};
	cpnp_log *log = NULL;

	ck_assert_int_eq(proc->open(&log, list, n, ledger_id, &diag),
	    CPNP_ERR_VERSION);
	ck_assert_ptr_nonnull(strstr(diag.why, "version \"2\""));
}
END_TEST

START_TEST(test_proc_settings)
{
	cpnp_log_setting list[40];
	size_t n = settings_of(list, "none"), i;
	cpnp_diag diag = {.err = 0};
	cpnp_log *log = NULL;

	list[4].value = "0";
	ck_assert_int_eq(proc->open(&log, list, n, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "deadline");
	list[4].value = "601";
	ck_assert_int_eq(proc->open(&log, list, n, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	list[3].value = "a b";
	ck_assert_int_eq(proc->open(&log, list, 4, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "writer");
	list[0].value = "proclog";
	ck_assert_int_eq(proc->open(&log, list, 3, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "program");
	list[0].value = program;
	for (i = 1; i <= 33; i++)
		list[i] = (cpnp_log_setting){"argument", path};
	ck_assert_int_eq(proc->open(&log, list, i, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "argument");
	ck_assert_ptr_null(log);
}
END_TEST

/* Whatever speaks to us only does not reach the program; the rest does. */
START_TEST(test_proc_environment)
{
	char script[] =
	    "env | grep -E '^(NOTIFY|SSLKEY)' >\"$1.env\"; exec \"$0\" \"$1\"";
	const cpnp_log_setting list[] = {{"program", "/bin/sh"},
	    {"argument", "-c"}, {"argument", script}, {"argument", program},
	    {"argument", path}};
	char name[sizeof(path) + 4], said[128];
	cpnp_diag diag = {.err = 0};
	FILE *file;
	size_t n;

	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "x", 1), 0);
	ck_assert_int_eq(setenv("SSLKEYLOGFILE", "x", 1), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKETS", "y", 1), 0);
	ck_assert_msg(proc->create(list, 5, GENESIS, NULL, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	(void)snprintf(name, sizeof(name), "%s.env", path);
	file = fopen(name, "r");
	ck_assert_ptr_nonnull(file);
	n = fread(said, 1, sizeof(said) - 1, file);
	said[n] = '\0';
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_str_eq(said, "NOTIFY_SOCKETS=y\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backend proc");
	TCase *tc = tcase_create("backend proc");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_proc_fault_at_append, 0,
	    sizeof(on_append) / sizeof(on_append[0]));
	tcase_add_loop_test(tc, test_proc_fault_at_read, 0,
	    sizeof(on_read) / sizeof(on_read[0]));
	tcase_add_test(tc, test_proc_other_version);
	tcase_add_test(tc, test_proc_settings);
	tcase_add_test(tc, test_proc_environment);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
