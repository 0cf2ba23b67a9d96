/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <unistd.h>

#include "store_fixture.h"

char fixture_dir[64];
char fixture_db[96];
char fixture_key[96];
char fixture_public[96];
cpnp_signer *fixture_signer;

/* Trust wants a public key. */
static void
write_public_key(void)
{
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_diag diag;
	cpnp_buf pem;
	FILE *file;

	(void)snprintf(
	    fixture_public, sizeof(fixture_public), "%s/pub.pem", fixture_dir);
	cpnp_buf_init(&pem, &fake_env.mem, 4096);
	ck_assert_int_eq(cpnp_key_public(fixture_key, &pem, id, &diag), 0);
	file = fopen(fixture_public, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(pem.ptr, 1, pem.len, file), pem.len);
	ck_assert_int_eq(fclose(file), 0);
	cpnp_buf_fini(&pem);
}

static void
fixture_setup(void)
{
	cpnp_diag diag;

	(void)snprintf(
	    fixture_dir, sizeof(fixture_dir), "test_store.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture_dir));
	(void)snprintf(
	    fixture_db, sizeof(fixture_db), "%s/orders.db", fixture_dir);
	(void)snprintf(
	    fixture_key, sizeof(fixture_key), "%s/key.pem", fixture_dir);
	ck_assert_int_eq(cpnp_key_generate(fixture_key, "ed25519", &diag), 0);
	ck_assert_int_eq(
	    cpnp_signer_load(&fixture_signer, NULL, NULL, fixture_key, &diag),
	    0);
	write_public_key();
}

static void
fixture_teardown(void)
{
	static const char *const tails[] = {"", "-wal", "-shm", "-lock"};
	char path[128];

	cpnp_signer_del(fixture_signer);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s%s", fixture_db, tails[i]);
		(void)unlink(path);
	}
	(void)unlink(fixture_key);
	(void)unlink(fixture_public);
	(void)rmdir(fixture_dir);
}

int
fixture_run(const char *name, const TTest *const *tests, size_t n)
{
	return unit_run_with(
	    name, tests, n, fixture_setup, fixture_teardown, 60);
}

cpnp_store_config
fixture_config(bool writer_thread)
{
	return (cpnp_store_config){
	    .path = fixture_db,
	    .create = true,
	    .writer_thread = writer_thread,
	    .origin = FIXTURE_ORIGIN,
	    .journal_signer = fixture_signer,
	    .env = &fake_env,
	};
}

cpnp_store *
fixture_open(bool writer_thread)
{
	cpnp_store_config config = fixture_config(writer_thread);
	cpnp_store *store;
	cpnp_diag diag = {.err = 0};
	int err = cpnp_store_open(&store, &config, &diag);

	ck_assert_msg(err == 0, "%s: %s", diag.where, diag.why);
	return store;
}

int
fixture_commit(cpnp_store *store, const cpnp_effect *effect)
{
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	int err;

	ck_assert_ptr_nonnull(batch);
	ck_assert_int_eq(cpnp_store_put(batch, effect, 0), 0);
	err = cpnp_store_commit(store, batch);
	cpnp_store_batch_del(batch);
	return err;
}

void
fixture_submit(cpnp_store *store, const cpnp_effect *effect, uintptr_t tag)
{
	cpnp_store_batch *batch = cpnp_store_batch_new(store, (void *)tag);

	ck_assert_ptr_nonnull(batch);
	ck_assert_int_eq(cpnp_store_put(batch, effect, 0), 0);
	ck_assert_int_eq(cpnp_store_submit(store, batch), 0);
}

uintptr_t
fixture_wait(cpnp_store *store, int *err)
{
	struct pollfd pfd = {.fd = cpnp_store_fd(store), .events = POLLIN};
	cpnp_store_batch *batch;
	uintptr_t tag;

	ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
	batch = cpnp_store_done(store, err);
	ck_assert_ptr_nonnull(batch);
	tag = (uintptr_t)cpnp_store_batch_user(batch);
	cpnp_store_batch_del(batch);
	return tag;
}

sqlite3_int64
fixture_query(const char *sql)
{
	sqlite3_stmt *stmt;
	sqlite3_int64 value;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open_v2(fixture_db, &db,
			     SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return value;
}

uint64_t
fixture_verify_journal(void)
{
	cpnp_log_report report = {.leaves = 0};
	cpnp_diag diag = {.err = 0};
	cpnp_journal *journal;
	cpnp_trust *trust;
	sqlite3 *db;
	int err;

	ck_assert_int_eq(sqlite3_open_v2(fixture_db, &db,
			     SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(cpnp_trust_new(&trust), 0);
	ck_assert_int_eq(
	    cpnp_trust_add_key_file(trust, fixture_public, NULL, &diag), 0);
	err = cpnp_journal_open(
	    &journal, db, NULL, NULL, (cpnp_wtime){0}, &diag);
	ck_assert_msg(err == 0, "%s: %s", diag.where, diag.why);
	err = cpnp_journal_verify(journal, trust, &report, &diag);
	ck_assert_msg(err == 0, "%s: %s", diag.where, diag.why);
	cpnp_journal_close(journal);
	cpnp_trust_del(trust);
	(void)sqlite3_close(db);
	return report.leaves;
}
