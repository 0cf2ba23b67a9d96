/*
 * A layer between SQLite and the disk that fails on demand: the n-th write or
 * sync from now on gives an error, and so do all after it until it is
 * disarmed, as a full or broken disk does.  For tests; usable from several
 * threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_FAULT_VFS_H
#define TESTS_FAULT_VFS_H

/* Become the default VFS of this process; 0 or a code of SQLite. */
int fault_vfs_register(void);
/* The n-th write or sync from now (1: the next) fails with rc, such as
 * SQLITE_FULL or SQLITE_IOERR_FSYNC. */
void fault_vfs_arm(long n, int rc);
void fault_vfs_disarm(void);
/* How many syncs were asked for so far. */
long fault_vfs_syncs(void);

#endif
