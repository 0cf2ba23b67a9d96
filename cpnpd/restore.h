/*
 * A store that is not the newest must not speak: it would contradict what was
 * said after it was made.
 *
 * It is known by the mark of a backup, and by a checkpoint of the journal
 * that has more leaves than the store; the daemon writes its newest one to
 * checkpoint-file, which may lie on another disk.  Such a daemon answers
 * nothing and brings no order to life until an administrator accepts the
 * loss, or until it is started with the newest store.  A backup with as many
 * leaves as the checkpoint has missed nothing, and serves.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_RESTORE_H
#define CPNPD_RESTORE_H

#include "daemon.h"

/* checkpoint-file is no longer. */
#define CPNPD_CHECKPOINT_MAX 4096

struct restore {
	bool is_silent;
	char why[512];
	uint64_t written; /* leaves of the checkpoint that was written last */
	struct event *timer;
};

/* After the store was opened: may this daemon answer? */
int cpnpd_restore_check(struct daemon *d);
void cpnpd_restore_fini(struct daemon *d);
/* Something was committed: write the checkpoint, soon. */
void cpnpd_restore_committed(struct daemon *d);
/* Write it now. */
void cpnpd_restore_write(struct daemon *d);
/* Accept the loss and serve.  Errors: STATE (nothing was lost), others; why
 * says what. */
int cpnpd_restore_accept(
    struct daemon *d, unsigned long uid, cpnp_diag *why);

#endif
