/*
 * Backends: a shared, ordered, durable log of batches, and nothing else.  The
 * rules of settlement exist once, in <cpnp/settlement.h>; a backend gives the
 * operations one order that everybody sees.
 *
 *	sqlite	a file that the processes of one host share
 *	proc	an external program, cpnp-ledger-proc(7)
 *
 * A backend is a const struct of functions, its ABI version first.  They
 * block, for no longer than a few seconds or the time they are given; a log is
 * used by one thread at a time, but for wake().  Who wants it asynchronous
 * uses <cpnp/bridge.h>, which keeps a thread, an outbox and a follower.
 *
 * Exactly once: a writer numbers its batches 0, 1, 2 ... and keeps each until
 * it has read it back as final.  A log takes number n of a writer only after
 * n - 1, and only once; appending the same number with the same bytes again
 * changes nothing.  So after a crash of either side the writer appends again
 * whatever it has not seen final.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_BACKEND_H
#define CPNP_BACKEND_H

#include <cpnp/error.h>
#include <cpnp/settlement.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CPNP_BACKEND_ABI 1

/* Bytes of a writer's name in a log: of an EVM account 20, else 1 to 64
 * visible characters of ASCII. */
#define CPNP_WRITER_MAX 64

typedef struct cpnp_log cpnp_log;

/* One line of the configuration, "rpc-url" and its value.  A name may come
 * more than once where the backend says so.  A secret is never a value but
 * the name of a file. */
typedef struct cpnp_log_setting {
	const char *name;
	const char *value;
} cpnp_log_setting;

/* A batch at its final place.  Views are good until the next call. */
typedef struct cpnp_log_record {
	cpnp_log_entry entry; /* position, hash of the one before, batch */
	cpnp_bytes writer;    /* empty for the genesis */
	uint64_t seq;         /* number of that writer; 0 for the genesis */
} cpnp_log_record;

/* How the log is.  Positions count from 0, the genesis. */
typedef struct cpnp_log_info {
	uint64_t next;       /* position after the newest entry that is known */
	uint64_t next_final; /* ... and after the newest that is final */
	uint64_t pending;    /* batches of ours that have no place yet */
	size_t batch_max;    /* bytes of a batch that append takes, at most
				CPNP_BATCH_BYTES_MAX */
	bool away;           /* the log could not be reached last time */
	char text[160];      /* for people: what is wrong, or "" */
} cpnp_log_info;

typedef struct cpnp_backend {
	uint32_t abi; /* CPNP_BACKEND_ABI */
	const char *name;

	/*
	 * Create a log with this genesis: the file, the contract.  Errors:
	 * EXISTS, CONFIG (diag names the setting and what would be right),
	 * UNAVAILABLE, IO.  On success out gets, line by line, the settings
	 * ("contract = 0x...") that others need to open it besides the ones
	 * given.
	 */
	int (*create)(const cpnp_log_setting *settings, size_t n,
	    cpnp_bytes genesis, cpnp_buf *out, cpnp_diag *diag);

	/*
	 * Open a log.  ledger_id is the digest of the genesis it must begin
	 * with.  Errors: CONFIG, NOT_FOUND (there is no log), MISMATCH (it is
	 * another ledger, or another chain), VERSION (made by a newer
	 * release), FORBIDDEN (a key file that others may read), NOMEM.  A log
	 * that is merely away opens, and says the same from read() later.
	 */
	int (*open)(cpnp_log **log, const cpnp_log_setting *settings,
	    size_t n, const uint8_t ledger_id[CPNP_SHA256_LEN],
	    cpnp_diag *diag);
	void (*close)(cpnp_log *log);

	/* Our name as a writer, a view; empty when this log is only read. */
	cpnp_bytes (*writer)(const cpnp_log *log);
	/* The first number of ours that the log has not seen, in any form.
	 * UNAVAILABLE, MISMATCH, VERSION, IO as read() has them. */
	int (*next_seq)(cpnp_log *log, uint64_t *seq, cpnp_diag *diag);

	/*
	 * Hand a batch over.  0: the log has it and will place it, or has
	 * placed it before; it is safe only when it is read back.
	 * Errors: FULL (back-pressure: too much of ours is without a place;
	 * read, then append again), UNAVAILABLE (away, or no room on the disk:
	 * try again), STATE (seq is not the next one), EXISTS (seq was used
	 * for other bytes: two processes write under one name, or our store is
	 * an old copy; stop), FORBIDDEN (not admitted as a writer), TOO_LONG
	 * (more than batch_max), MISMATCH, VERSION, IO as read() has them,
	 * NOMEM.
	 */
	int (*append)(cpnp_log *log, uint64_t seq, cpnp_bytes batch,
	    cpnp_diag *diag);

	/*
	 * The final entries from position on, at most max, in order.  Waits
	 * until there is one, wake() is called, or timeout has passed; *n may
	 * then be 0.  prev_hash is the hash of the entry before position, of
	 * which the caller is sure; it is not looked at for position 0.
	 * Errors: UNAVAILABLE; MISMATCH: what was final has changed or is
	 * gone, or the log is not the one that was opened: stop and say so;
	 * VERSION: the log was converted by a newer release, stop; IO: the log
	 * is damaged, diag says where.
	 */
	int (*read)(cpnp_log *log, uint64_t position,
	    const uint8_t prev_hash[CPNP_SHA256_LEN], cpnp_tstamp timeout,
	    cpnp_log_record *records, size_t max, size_t *n,
	    cpnp_diag *diag);
	/* End a read() that waits; from any thread, also before it begins. */
	void (*wake)(cpnp_log *log);

	/* What is known without asking anybody. */
	void (*info)(const cpnp_log *log, cpnp_log_info *info);

	/*
	 * Let a writer append to a log, or no longer; settings are those of
	 * whoever made the log.  NULL when a backend has nobody to admit.
	 * Errors: CONFIG, FORBIDDEN (somebody else made the log),
	 * UNAVAILABLE, MISMATCH, IO.
	 */
	int (*admit)(const cpnp_log_setting *settings, size_t n,
	    const char *writer, bool on, cpnp_diag *diag);
} cpnp_backend;

/* The backend of this name; NULL when there is none, diag lists those that
 * there are. */
CPNP_API const cpnp_backend *cpnp_backend_find(
    const char *name, cpnp_diag *diag);
/* The names of all, ended by NULL. */
CPNP_API const char *const *cpnp_backend_names(void);

#ifdef __cplusplus
}
#endif

#endif
