/*
 * Kills the process that loads it (LD_PRELOAD) with SIGKILL at its n-th
 * system call of the kind that matters to an order: reading or writing a
 * datagram and making a file durable.  So a test can kill a daemon or a client
 * between any two steps, at every point in turn.
 *
 *	KILLAT_N=17	die before the 17th such call
 *	KILLAT_COUNT=F	write the number of calls so far to F at exit
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* glibc declares the socket calls with a transparent union. */
#pragma GCC diagnostic ignored "-Wpedantic"

static atomic_long calls;
static long limit;

__attribute__((constructor)) static void
begin(void)
{
	const char *n = getenv("KILLAT_N");

	limit = n == NULL ? 0 : atol(n);
}

__attribute__((destructor)) static void
finish(void)
{
	const char *path = getenv("KILLAT_COUNT");
	FILE *f = path == NULL ? NULL : fopen(path, "w");

	if (f != NULL) {
		fprintf(f, "%ld\n", atomic_load(&calls));
		fclose(f);
	}
}

static void
point(void)
{
	if (atomic_fetch_add(&calls, 1) + 1 == limit)
		kill(getpid(), SIGKILL);
}

/* ISO C has no conversion from an object pointer to a function pointer. */
union symbol {
	void *object;
	int (*fsync)(int);
	ssize_t (*sendto)(int, const void *, size_t, int,
	    const struct sockaddr *, socklen_t);
	ssize_t (*msg)(int, const struct msghdr *, int);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned, int);
};

#define NEXT(name) ((union symbol){.object = dlsym(RTLD_NEXT, name)})

int
fsync(int fd)
{
	point();
	return NEXT("fsync").fsync(fd);
}

int
fdatasync(int fd)
{
	point();
	return NEXT("fdatasync").fsync(fd);
}

ssize_t
sendto(int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *to, socklen_t tolen)
{
	point();
	return NEXT("sendto").sendto(fd, buf, len, flags, to, tolen);
}

ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	point();
	return NEXT("sendto").sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	point();
	return NEXT("sendmsg").msg(fd, msg, flags);
}

int
sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	point();
	return NEXT("sendmmsg").sendmmsg(fd, msgs, n, flags);
}
