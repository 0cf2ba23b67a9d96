/*
 * Makes the disk of the process that loads it (LD_PRELOAD) full while the file
 * that $FAILWRITE names is there: pwrite(2) and fdatasync(2) fail as they do
 * then.  Reading goes on.  While the file that $HANGWRITE names is there,
 * fdatasync(2) does not return.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int
is_full(void)
{
	const char *flag = getenv("FAILWRITE");

	if (flag == NULL || access(flag, F_OK) != 0)
		return 0;
	errno = ENOSPC;
	return 1;
}

static void
hang(void)
{
	const char *flag = getenv("HANGWRITE");

	while (flag != NULL && access(flag, F_OK) == 0)
		(void)usleep(10000);
}

/* The address of what is overlaid, in an object and in a function pointer. */
union next {
	void *object;
	ssize_t (*write)(int, const void *, size_t, off64_t);
	int (*sync)(int);
};

ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
	union next next = {dlsym(RTLD_NEXT, "pwrite64")};

	return is_full() ? -1 : next.write(fd, buf, n, offset);
}

int
fdatasync(int fd)
{
	union next next = {dlsym(RTLD_NEXT, "fdatasync")};

	hang();
	return is_full() ? -1 : next.sync(fd);
}
