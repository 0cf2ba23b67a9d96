/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdatomic.h>
#include <stddef.h>

#include <sqlite3.h>

#include "fault_vfs.h"

struct fault_file {
	sqlite3_file base;
	/* The file of the VFS below follows in the same memory. */
	sqlite3_int64 below[];
};

static sqlite3_vfs *lower;
static sqlite3_vfs fault_vfs;
static sqlite3_io_methods fault_methods;
static atomic_long count;
static atomic_long syncs;
static atomic_long fail_from; /* 0: never */
static atomic_int fail_rc;

static sqlite3_file *
below(sqlite3_file *file)
{
	return (sqlite3_file *)((struct fault_file *)file)->below;
}

static int
verdict(void)
{
	long n = atomic_fetch_add(&count, 1) + 1;
	long from = atomic_load(&fail_from);

	return from != 0 && n >= from ? atomic_load(&fail_rc) : SQLITE_OK;
}

static int
file_close(sqlite3_file *file)
{
	return below(file)->pMethods->xClose(below(file));
}

static int
file_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 off)
{
	return below(file)->pMethods->xRead(below(file), buf, n, off);
}

static int
file_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 off)
{
	int rc = verdict();

	if (rc != SQLITE_OK)
		return rc;
	return below(file)->pMethods->xWrite(below(file), buf, n, off);
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return below(file)->pMethods->xTruncate(below(file), size);
}

static int
file_sync(sqlite3_file *file, int flags)
{
	int rc = verdict();

	(void)atomic_fetch_add(&syncs, 1);
	return rc != SQLITE_OK
	    ? rc
	    : below(file)->pMethods->xSync(below(file), flags);
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return below(file)->pMethods->xFileSize(below(file), size);
}

static int
file_lock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xLock(below(file), level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xUnlock(below(file), level);
}

static int
file_check_lock(sqlite3_file *file, int *out)
{
	return below(file)->pMethods->xCheckReservedLock(below(file), out);
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
	return below(file)->pMethods->xFileControl(below(file), op, arg);
}

static int
file_sector_size(sqlite3_file *file)
{
	return below(file)->pMethods->xSectorSize(below(file));
}

static int
file_characteristics(sqlite3_file *file)
{
	return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int
file_shm_map(sqlite3_file *file, int page, int size, int extend,
    void volatile **out)
{
	return below(file)->pMethods->xShmMap(
	    below(file), page, size, extend, out);
}

static int
file_shm_lock(sqlite3_file *file, int off, int n, int flags)
{
	return below(file)->pMethods->xShmLock(below(file), off, n, flags);
}

static void
file_shm_barrier(sqlite3_file *file)
{
	below(file)->pMethods->xShmBarrier(below(file));
}

static int
file_shm_unmap(sqlite3_file *file, int delete)
{
	return below(file)->pMethods->xShmUnmap(below(file), delete);
}

static sqlite3_io_methods fault_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *out_flags)
{
	int rc;

	(void)vfs;
	rc = lower->xOpen(lower, name, below(file), flags, out_flags);
	file->pMethods = below(file)->pMethods != NULL ? &fault_methods : NULL;
	return rc;
}

int
fault_vfs_register(void)
{
	if (lower != NULL)
		return SQLITE_OK;
	lower = sqlite3_vfs_find(NULL);
	fault_vfs = *lower;
	fault_vfs.zName = "fault";
	fault_vfs.szOsFile =
	    (int)offsetof(struct fault_file, below) + lower->szOsFile;
	fault_vfs.xOpen = vfs_open;
	return sqlite3_vfs_register(&fault_vfs, 1);
}

void
fault_vfs_arm(long n, int rc)
{
	atomic_store(&fail_rc, rc);
	atomic_store(&fail_from, atomic_load(&count) + n);
}

void
fault_vfs_disarm(void)
{
	atomic_store(&fail_from, 0);
}

long
fault_vfs_syncs(void)
{
	return atomic_load(&syncs);
}
