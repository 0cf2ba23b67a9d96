/*
 * A store in a directory of its own, for the tests of the store.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <sqlite3.h>

#include "../../cpnpd/store/store.h"
#include "fake_order.h"
#include "unit.h"

extern char fixture_dir[64];
extern char fixture_db[96];
extern char fixture_key[96];    /* private, PEM */
extern char fixture_public[96]; /* public, PEM */
extern cpnp_signer *fixture_signer;

#define FIXTURE_ORIGIN "journal.example"

/* Run a suite of one case, each test with a directory and a signing key of
 * its own; the exit status of the program. */
int fixture_run(const char *name, const TTest *const *tests, size_t n);
/* Open the store there; fails the test when that fails. */
cpnp_store *fixture_open(bool writer_thread);
cpnp_store_config fixture_config(bool writer_thread);
/* Commit one effect in a batch of its own. */
int fixture_commit(cpnp_store *store, const cpnp_effect *effect);
/* Submit one effect; the batch carries tag. */
void fixture_submit(
    cpnp_store *store, const cpnp_effect *effect, uintptr_t tag);
/* Wait for the next batch that is done, delete it and return its tag. */
uintptr_t fixture_wait(cpnp_store *store, int *err);
/* An integer that an SQL query gives, on a connection of its own. */
sqlite3_int64 fixture_query(const char *sql);
/* Replay the whole journal; fails the test when it does not hold.  Returns
 * the number of its leaves. */
uint64_t fixture_verify_journal(void);

#endif
