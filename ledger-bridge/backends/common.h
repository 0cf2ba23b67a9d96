/*
 * What backends share: settings, waiting, the chain of hashes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BACKENDS_COMMON_H
#define BACKENDS_COMMON_H

#include <cpnp/backend.h>

extern const cpnp_backend backend_evm; /* unless --without-evm */
extern const cpnp_backend backend_sqlite;
extern const cpnp_backend backend_proc;

/* Set diag, when there is one, and return err. */
int backend_fail(cpnp_diag *diag, int err, const char *where, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/* Remember in info how a call went, tell the caller, and return err. */
int backend_done(
    cpnp_log_info *info, int err, cpnp_diag *own, cpnp_diag *diag);

/* CPNP_ERR_CONFIG when a setting is not in names (ended by NULL), or is there
 * twice and not in repeated (NULL: none may be). */
int backend_settings_check(const cpnp_log_setting *settings, size_t n,
    const char *const *names, const char *repeated, cpnp_diag *diag);
/* The value of a setting, NULL when it is not there. */
const char *backend_setting(
    const cpnp_log_setting *settings, size_t n, const char *name);
/* A writer's name: 1 to CPNP_WRITER_MAX visible characters; "" when the
 * setting is not there.  CPNP_ERR_CONFIG. */
int backend_setting_writer(const cpnp_log_setting *settings, size_t n,
    char writer[CPNP_WRITER_MAX + 1], cpnp_diag *diag);
bool backend_writer_is_valid(cpnp_bytes name);

cpnp_tstamp backend_now(void);
/* Milliseconds until a moment, rounded up, for poll(); at most a minute. */
int backend_poll_ms(cpnp_tstamp until);

/* What ends a read() from another thread: both ends of a pipe. */
struct backend_waker {
	int fds[2];
};
int backend_waker_init(struct backend_waker *waker);
void backend_waker_fini(struct backend_waker *waker);
void backend_waker_ring(struct backend_waker *waker);
/* True when it was rung since the last call. */
bool backend_waker_take(struct backend_waker *waker);

#endif
