/*
 * The one suite that every backend passes.
 *
 *	suite [-a COMMAND] [-b COMMAND] [-n] [-w NAME=VALUE] BACKEND
 *	    NAME=VALUE...
 *
 * The settings are those of <cpnp/backend.h>, without the writer.  An '@' in a
 * value or command stands for a word that is new for each case, so that each
 * begins with no log.  -a makes the log go away, -b brings it back; without
 * them nothing goes away.  -n: a log gets its name when it is made, so there
 * is none before, nor twice the same.  -w: what makes a writer, with '@' for
 * its name, instead of writer=@; whoever makes a log is "a".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cpnp/backend.h>

#define SETTINGS_MAX 16
#define CREATED_MAX 4
#define VALUE_MAX 512
#define PATIENCE CPNP_SECONDS(30) /* until something must be final */
#define SOON CPNP_SECONDS(5)      /* a reader is woken long before that */
#define MANY 300

static const cpnp_backend *backend;
static const char *names[SETTINGS_MAX], *values[SETTINGS_MAX];
static size_t setting_n;
static const char *away_command, *back_command;
static const char *writer_name = "writer", *writer_value = "@";
static bool named_late;
static char word[32];
/* What create() says that others need, and who writes under which name. */
static char created[256];
static struct {
	char name;
	uint8_t id[CPNP_WRITER_MAX];
	size_t len;
} writers[2];
static const cpnp_env *env;
static const char *case_name;
static int bad;
static bool case_bad;

static const uint8_t genesis_bytes[] = "the genesis of a test";
#define GENESIS ((cpnp_bytes){genesis_bytes, sizeof(genesis_bytes) - 1})
static uint8_t ledger_id[CPNP_SHA256_LEN];

#define CHECK(condition) check(condition, #condition, __LINE__)

static bool
check(bool condition, const char *text, int line)
{
	if (!condition) {
		(void)printf("# %s: line %d: not so: %s\n", case_name, line,
		    text);
		case_bad = true;
	}
	return condition;
}

/* The error must be this one, and say something. */
static void
check_error(int got, int want, const cpnp_diag *diag, int line)
{
	if (got == want && (want == 0 || diag->why[0] != '\0'))
		return;
	(void)printf("# %s: line %d: %s, not %s (%s: %s)\n", case_name, line,
	    cpnp_error_name(got), cpnp_error_name(want),
	    got != 0 ? diag->where : "", got != 0 ? diag->why : "");
	case_bad = true;
}
#define WANT(call, want) check_error(call, want, &diag, __LINE__)

static cpnp_tstamp
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return CPNP_SECONDS(ts.tv_sec) + (cpnp_tstamp)ts.tv_nsec;
}

static void
nap(void)
{
	(void)nanosleep(&(struct timespec){0, 20000000}, NULL);
}

/* ---- A log for each case ---- */

static void
fill_in(const char *from, const char *with, char out[VALUE_MAX])
{
	const char *at = strchr(from, '@');

	if (at == NULL)
		(void)snprintf(out, VALUE_MAX, "%s", from);
	else
		(void)snprintf(out, VALUE_MAX, "%.*s%s%s", (int)(at - from),
		    from, with, at + 1);
}

struct setup {
	cpnp_log_setting list[SETTINGS_MAX + CREATED_MAX + 2];
	char values[SETTINGS_MAX][VALUE_MAX];
	char writer[VALUE_MAX];
	char created[sizeof(created)];
	size_t n;
};

/* The lines that create() gave, "name = value". */
static void
add_created(struct setup *s)
{
	char *line, *value, *rest = s->created;

	memcpy(s->created, created, sizeof(created));
	for (size_t i = 0; i < CREATED_MAX; i++) {
		line = strsep(&rest, "\n");
		value = line != NULL ? strstr(line, " = ") : NULL;
		if (value == NULL)
			return;
		*value = '\0';
		s->list[s->n++] = (cpnp_log_setting){line, value + 3};
	}
}

static void
setup_init(struct setup *s, const char *writer)
{
	memset(s, 0, sizeof(*s));
	for (; s->n < setting_n; s->n++) {
		fill_in(values[s->n], word, s->values[s->n]);
		s->list[s->n] = (cpnp_log_setting){
		    names[s->n], s->values[s->n]};
	}
	add_created(s);
	if (writer == NULL)
		return;
	fill_in(writer_value, writer, s->writer);
	s->list[s->n++] = (cpnp_log_setting){writer_name, s->writer};
}

static int
create(cpnp_diag *diag)
{
	struct setup s;
	cpnp_buf out;
	int err;

	setup_init(&s, "a");
	cpnp_buf_init_fixed(&out, (uint8_t *)created, sizeof(created) - 1);
	err = backend->create(s.list, s.n, GENESIS, &out, diag);
	created[out.len] = '\0';
	return err;
}

/* The letter of a writer, by the name that the log gives it. */
static char
letter(cpnp_bytes id)
{
	for (size_t i = 0; i < 2; i++)
		if (cpnp_bytes_equal(
			id, (cpnp_bytes){writers[i].id, writers[i].len}))
			return writers[i].name;
	return '?';
}

static void
know_writer(const char *name, cpnp_bytes id)
{
	size_t i = name[0] != 'a';

	if (!CHECK(id.len > 0 && id.len <= CPNP_WRITER_MAX))
		return;
	writers[i].name = name[0];
	writers[i].len = id.len;
	memcpy(writers[i].id, id.ptr, id.len);
}

static cpnp_log *
open_as(const char *writer)
{
	cpnp_diag diag = {.err = 0};
	cpnp_log *log = NULL;
	struct setup s;

	setup_init(&s, writer);
	WANT(backend->open(&log, s.list, s.n, ledger_id, &diag), 0);
	if (log == NULL) {
		(void)printf("not ok - %s: cannot go on\n", case_name);
		exit(EXIT_FAILURE);
	}
	if (writer != NULL)
		know_writer(writer, backend->writer(log));
	return log;
}

/* Hand over as a writer does, again while the log is away or full. */
static int
append(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	cpnp_tstamp until = now() + PATIENCE;
	int err;

	for (;;) {
		err = backend->append(log, seq, batch, diag);
		if ((err != CPNP_ERR_UNAVAILABLE && err != CPNP_ERR_FULL) ||
		    now() > until)
			return err;
		nap();
	}
}

/* ---- A follower that checks all that it reads ---- */

struct follower {
	cpnp_log *log;
	uint64_t position;
	uint8_t prev[CPNP_SHA256_LEN];
	char seen[4096]; /* "a0 b0 a1 " */
	size_t max;
	uint64_t bytes;
};

static void
follower_init(struct follower *f, cpnp_log *log, size_t max)
{
	memset(f, 0, sizeof(*f));
	f->log = log;
	f->max = max;
}

static void
follow_one(struct follower *f, const cpnp_log_record *r)
{
	size_t len = strlen(f->seen);

	CHECK(r->entry.position == f->position);
	CHECK(memcmp(r->entry.prev, f->prev, sizeof(f->prev)) == 0);
	CHECK(cpnp_log_entry_hash(env, &r->entry, f->prev) == 0);
	if (f->position == 0) {
		CHECK(r->writer.len == 0 && r->seq == 0);
		CHECK(cpnp_bytes_equal(r->entry.batch, GENESIS));
		CHECK(memcmp(f->prev, ledger_id, sizeof(f->prev)) == 0);
	} else if (len < sizeof(f->seen) - 64) {
		(void)snprintf(f->seen + len, sizeof(f->seen) - len,
		    "%c%" PRIu64 " ", letter(r->writer), r->seq);
	}
	f->position++;
	f->bytes += r->entry.batch.len;
}

/* Read until there are so many positions. */
static int
follow(struct follower *f, uint64_t until_position, cpnp_diag *diag)
{
	cpnp_tstamp until = now() + PATIENCE;
	cpnp_log_record records[64];
	size_t n, i;
	int err = 0;

	while (f->position < until_position && now() < until) {
		err = backend->read(f->log, f->position, f->prev,
		    CPNP_MILLISECONDS(200), records, f->max, &n, diag);
		if (err == CPNP_ERR_UNAVAILABLE) {
			nap();
			continue;
		}
		if (err != 0)
			return err;
		CHECK(n <= f->max);
		for (i = 0; i < n; i++)
			follow_one(f, &records[i]);
	}
	CHECK(f->position >= until_position);
	return err;
}

static cpnp_bytes
batch_of(char text[64], const char *who, uint64_t seq)
{
	(void)snprintf(text, 64, "batch %" PRIu64 " of %s", seq, who);
	return cpnp_bytes_str(text);
}

/* Append number seq of a writer and see that it is taken. */
static void
put(cpnp_log *log, const char *who, uint64_t seq)
{
	cpnp_diag diag = {.err = 0};
	char text[64];

	WANT(append(log, seq, batch_of(text, who, seq), &diag), 0);
}

/* ---- The cases ---- */

static void
case_create(void)
{
	uint8_t other[CPNP_SHA256_LEN];
	cpnp_diag diag = {.err = 0};
	cpnp_log *log = NULL;
	struct setup s;

	setup_init(&s, "a");
	if (!named_late)
		WANT(backend->open(&log, s.list, s.n, ledger_id, &diag),
		    CPNP_ERR_NOT_FOUND);
	WANT(create(&diag), 0);
	if (!named_late)
		WANT(create(&diag), CPNP_ERR_EXISTS);
	setup_init(&s, "a");
	memcpy(other, ledger_id, sizeof(other));
	other[31] ^= 1;
	WANT(backend->open(&log, s.list, s.n, other, &diag),
	    CPNP_ERR_MISMATCH);
	s.list[s.n++] = (cpnp_log_setting){"colour", "red"};
	WANT(backend->open(&log, s.list, s.n, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	CHECK(strcmp(diag.where, "colour") == 0);
	s.list[s.n - 1] = (cpnp_log_setting){"writer", "b"};
	WANT(backend->open(&log, s.list, s.n, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	WANT(backend->open(&log, s.list, 0, ledger_id, &diag),
	    CPNP_ERR_CONFIG);
	CHECK(log == NULL);
}

static void
case_genesis(void)
{
	cpnp_diag diag = {.err = 0};
	struct follower f;
	cpnp_log *log;
	cpnp_log_info info;

	WANT(create(&diag), 0);
	log = open_as("a");
	follower_init(&f, log, 8);
	WANT(follow(&f, 1, &diag), 0);
	backend->info(log, &info);
	CHECK(info.next == 1 && info.next_final == 1 && info.pending == 0);
	CHECK(!info.away && info.text[0] == '\0');
	CHECK(info.batch_max > 0 && info.batch_max <= CPNP_BATCH_BYTES_MAX);
	backend->close(log);
}

static void
case_two_writers(void)
{
	struct follower fa, fb;
	cpnp_diag diag = {.err = 0};
	cpnp_log *a, *b;

	WANT(create(&diag), 0);
	a = open_as("a");
	b = open_as("b");
	follower_init(&fa, a, 8);
	follower_init(&fb, b, 2);
	put(a, "a", 0);
	WANT(follow(&fa, 2, &diag), 0);
	put(b, "b", 0);
	WANT(follow(&fa, 3, &diag), 0);
	put(a, "a", 1);
	put(a, "a", 2);
	WANT(follow(&fa, 5, &diag), 0);
	put(b, "b", 1);
	WANT(follow(&fa, 6, &diag), 0);
	WANT(follow(&fb, 6, &diag), 0);
	CHECK(strcmp(fa.seen, "a0 b0 a1 a2 b1 ") == 0);
	CHECK(strcmp(fb.seen, fa.seen) == 0);
	CHECK(memcmp(fa.prev, fb.prev, sizeof(fa.prev)) == 0);
	backend->close(a);
	backend->close(b);
}

static void
case_once(void)
{
	cpnp_diag diag = {.err = 0};
	struct follower f;
	uint64_t seq = 99;
	cpnp_log *a;
	char text[64];

	WANT(create(&diag), 0);
	a = open_as("a");
	WANT(backend->next_seq(a, &seq, &diag), 0);
	CHECK(seq == 0);
	WANT(append(a, 1, batch_of(text, "a", 1), &diag), CPNP_ERR_STATE);
	put(a, "a", 0);
	put(a, "a", 0);
	WANT(append(a, 0, CPNP_BYTES_LIT("other"), &diag), CPNP_ERR_EXISTS);
	put(a, "a", 1);
	put(a, "a", 0);
	WANT(append(a, 3, batch_of(text, "a", 3), &diag), CPNP_ERR_STATE);
	WANT(backend->next_seq(a, &seq, &diag), 0);
	CHECK(seq == 2);
	put(a, "a", 2);
	follower_init(&f, a, 8);
	WANT(follow(&f, 4, &diag), 0);
	CHECK(strcmp(f.seen, "a0 a1 a2 ") == 0);
	backend->close(a);
}

static void
case_restart(void)
{
	cpnp_diag diag = {.err = 0};
	struct follower f;
	uint64_t seq = 99;
	cpnp_log *a;

	WANT(create(&diag), 0);
	a = open_as("a");
	put(a, "a", 0);
	put(a, "a", 1);
	backend->close(a);
	a = open_as("a");
	WANT(backend->next_seq(a, &seq, &diag), 0);
	CHECK(seq == 2);
	put(a, "a", 1);
	put(a, "a", 2);
	follower_init(&f, a, 8);
	WANT(follow(&f, 4, &diag), 0);
	CHECK(strcmp(f.seen, "a0 a1 a2 ") == 0);
	backend->close(a);
}

struct late {
	cpnp_log *log;
	bool only_wake;
};

static void *
act_later(void *user)
{
	struct late *late = user;

	(void)nanosleep(&(struct timespec){0, 300000000}, NULL);
	if (late->only_wake)
		backend->wake(late->log);
	else
		put(late->log, "b", 0);
	return NULL;
}

/* A reader that waits is woken by another writer, and by wake(). */
static void
case_wake(void)
{
	cpnp_log_record records[4];
	cpnp_diag diag = {.err = 0};
	struct follower f;
	struct late late;
	pthread_t thread;
	cpnp_tstamp start;
	cpnp_log *a;
	size_t n = 9;

	WANT(create(&diag), 0);
	a = open_as("a");
	late.log = open_as("b");
	late.only_wake = false;
	follower_init(&f, a, 4);
	WANT(follow(&f, 1, &diag), 0);
	CHECK(pthread_create(&thread, NULL, act_later, &late) == 0);
	start = now();
	WANT(backend->read(a, 1, f.prev, PATIENCE, records, 4, &n, &diag), 0);
	CHECK(n == 1);
	CHECK(now() - start < SOON);
	(void)pthread_join(thread, NULL);
	WANT(follow(&f, 2, &diag), 0);
	backend->close(late.log);
	late = (struct late){a, true};
	CHECK(pthread_create(&thread, NULL, act_later, &late) == 0);
	start = now();
	WANT(backend->read(a, 2, f.prev, PATIENCE, records, 4, &n, &diag), 0);
	CHECK(n == 0);
	CHECK(now() - start < SOON);
	(void)pthread_join(thread, NULL);
	backend->wake(a);
	start = now();
	WANT(backend->read(a, 2, f.prev, PATIENCE, records, 4, &n, &diag), 0);
	CHECK(n == 0 && now() - start < SOON);
	start = now();
	WANT(backend->read(a, 2, f.prev, CPNP_MILLISECONDS(100), records, 4,
		 &n, &diag), 0);
	CHECK(n == 0 && now() - start >= CPNP_MILLISECONDS(100));
	backend->close(a);
}

/* A follower whose past is not the log's is told so. */
static void
case_past(void)
{
	uint8_t wrong[CPNP_SHA256_LEN];
	cpnp_log_record records[4];
	cpnp_diag diag = {.err = 0};
	struct follower f;
	cpnp_log *a;
	size_t n = 9;

	WANT(create(&diag), 0);
	a = open_as("a");
	put(a, "a", 0);
	follower_init(&f, a, 4);
	WANT(follow(&f, 2, &diag), 0);
	memcpy(wrong, f.prev, sizeof(wrong));
	wrong[0] ^= 1;
	WANT(backend->read(a, 1, wrong, 0, records, 4, &n, &diag),
	    CPNP_ERR_MISMATCH);
	WANT(backend->read(a, 2, wrong, 0, records, 4, &n, &diag),
	    CPNP_ERR_MISMATCH);
	WANT(backend->read(a, 3, f.prev, 0, records, 4, &n, &diag),
	    CPNP_ERR_MISMATCH);
	CHECK(n == 0);
	WANT(backend->read(a, 2, f.prev, 0, records, 4, &n, &diag), 0);
	backend->close(a);
}

static void
case_many(void)
{
	cpnp_diag diag = {.err = 0};
	struct follower all, middle;
	cpnp_log *a, *b;

	WANT(create(&diag), 0);
	a = open_as("a");
	b = open_as(NULL);
	for (uint64_t seq = 0; seq < MANY; seq++)
		put(a, "a", seq);
	follower_init(&all, b, 7);
	WANT(follow(&all, MANY / 2, &diag), 0);
	follower_init(&middle, a, 64);
	middle.position = all.position;
	memcpy(middle.prev, all.prev, sizeof(middle.prev));
	WANT(follow(&all, MANY + 1, &diag), 0);
	WANT(follow(&middle, MANY + 1, &diag), 0);
	CHECK(memcmp(all.prev, middle.prev, sizeof(all.prev)) == 0);
	backend->close(a);
	backend->close(b);
}

/* The longest batch, and longer ones. */
static void
case_long(void)
{
	cpnp_diag diag = {.err = 0};
	struct follower f;
	cpnp_log_info info;
	uint8_t *bytes = malloc(CPNP_BATCH_BYTES_MAX + 1);
	uint64_t seq;
	cpnp_log *a;

	if (!CHECK(bytes != NULL))
		return;
	for (size_t i = 0; i <= CPNP_BATCH_BYTES_MAX; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	WANT(create(&diag), 0);
	a = open_as("a");
	backend->info(a, &info);
	WANT(append(a, 0, (cpnp_bytes){bytes, info.batch_max + 1}, &diag),
	    CPNP_ERR_TOO_LONG);
	WANT(append(a, 0, CPNP_BYTES_NONE, &diag), CPNP_ERR_TOO_LONG);
	for (seq = 0; seq < 6; seq++) {
		bytes[0] = (uint8_t)seq;
		WANT(append(a, seq, (cpnp_bytes){bytes, info.batch_max - seq},
			 &diag), 0);
	}
	follower_init(&f, a, 64);
	WANT(follow(&f, 7, &diag), 0);
	CHECK(f.bytes == GENESIS.len + 6 * info.batch_max - 15);
	backend->close(a);
	free(bytes);
}

/* Who may only read reads. */
static void
case_not_admitted(void)
{
	cpnp_diag diag = {.err = 0};
	struct follower f;
	cpnp_log *a, *reader;

	WANT(create(&diag), 0);
	a = open_as("a");
	reader = open_as(NULL);
	CHECK(backend->writer(a).len > 0);
	CHECK(backend->writer(reader).len == 0);
	WANT(append(reader, 0, CPNP_BYTES_LIT("x"), &diag),
	    CPNP_ERR_FORBIDDEN);
	put(a, "a", 0);
	follower_init(&f, reader, 8);
	WANT(follow(&f, 2, &diag), 0);
	backend->close(a);
	backend->close(reader);
}

static void
command(const char *template)
{
	char text[VALUE_MAX];

	fill_in(template, word, text);
	(void)fflush(stdout);
	CHECK(system(text) == 0);
}

/* The log goes away: that is said in time, and when it is back everything
 * goes on, once. */
static void
case_away(void)
{
	cpnp_diag diag = {.err = 0};
	cpnp_log_info info;
	struct follower f;
	cpnp_tstamp start;
	cpnp_log *a;
	char text[64];

	if (away_command == NULL || back_command == NULL)
		return;
	WANT(create(&diag), 0);
	a = open_as("a");
	put(a, "a", 0);
	command(away_command);
	start = now();
	WANT(backend->append(a, 1, batch_of(text, "a", 1), &diag),
	    CPNP_ERR_UNAVAILABLE);
	CHECK(now() - start < PATIENCE);
	backend->info(a, &info);
	CHECK(info.away && info.text[0] != '\0');
	command(back_command);
	put(a, "a", 1);
	put(a, "a", 2);
	backend->info(a, &info);
	CHECK(!info.away && info.text[0] == '\0');
	follower_init(&f, a, 8);
	WANT(follow(&f, 4, &diag), 0);
	CHECK(strcmp(f.seen, "a0 a1 a2 ") == 0);
	backend->close(a);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
    {"a log is made once, and opened as what it is", case_create},
    {"a log begins with its genesis", case_genesis},
    {"two writers, one order", case_two_writers},
    {"a number is used once", case_once},
    {"numbers go on after a restart", case_restart},
    {"a reader is woken", case_wake},
    {"a changed past is found", case_past},
    {"many entries, also from the middle", case_many},
    {"the longest batch", case_long},
    {"who is not a writer only reads", case_not_admitted},
    {"the log goes away and comes back", case_away},
};

static const char *
split(char *argument)
{
	char *value = strchr(argument, '=');

	if (value == NULL || setting_n == SETTINGS_MAX) {
		(void)fprintf(stderr, "suite: NAME=VALUE: %s\n", argument);
		exit(EXIT_FAILURE);
	}
	*value = '\0';
	return value + 1;
}

static void
set(char *argument)
{
	values[setting_n] = split(argument);
	names[setting_n++] = argument;
}

static bool
options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+a:b:nw:")) != -1) {
		if (option == 'a') {
			away_command = optarg;
		} else if (option == 'b') {
			back_command = optarg;
		} else if (option == 'n') {
			named_late = true;
		} else if (option == 'w') {
			writer_value = split(optarg);
			writer_name = optarg;
		} else {
			return false;
		}
	}
	return optind < argc;
}

int
main(int argc, char **argv)
{
	cpnp_verifier *verifier = NULL;
	cpnp_bytes genesis = GENESIS;
	cpnp_diag diag;

	if (!options(argc, argv))
		return EXIT_FAILURE;
	backend = cpnp_backend_find(argv[optind], &diag);
	if (backend == NULL) {
		(void)fprintf(stderr, "suite: %s\n", diag.why);
		return EXIT_FAILURE;
	}
	for (int i = optind + 1; i < argc; i++)
		set(argv[i]);
	if (cpnp_verifier_new(&verifier) != 0)
		return EXIT_FAILURE;
	env = &cpnp_verifier_env(verifier)->env;
	(void)env->sha256(env->user, &genesis, 1, ledger_id);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		case_name = cases[i].name;
		case_bad = false;
		created[0] = '\0';
		(void)snprintf(word, sizeof(word), "%ld-%zu", (long)getpid(),
		    i);
		cases[i].run();
		(void)printf("%s - %s: %s\n", case_bad ? "not ok" : "ok",
		    backend->name, case_name);
		(void)fflush(stdout);
		bad += case_bad;
	}
	cpnp_verifier_del(verifier);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
