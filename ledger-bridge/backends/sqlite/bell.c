/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef HAVE_SYS_INOTIFY_H
#include <sys/inotify.h>
#endif

#include "bell.h"

#define BELL_MODE 0660 /* and the umask */

#ifdef HAVE_SYS_INOTIFY_H

static int
watch_open(const char *path)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY) < 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

#else

static int
watch_open(const char *path)
{
	(void)path;
	return -1;
}

#endif

void
bell_open(struct bell *bell, const char *path)
{
	bell->file =
	    open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, BELL_MODE);
	bell->watch = watch_open(path);
}

void
bell_close(struct bell *bell)
{
	if (bell->file >= 0)
		(void)close(bell->file);
	if (bell->watch >= 0)
		(void)close(bell->watch);
	bell->file = bell->watch = -1;
}

void
bell_ring(const struct bell *bell)
{
	/* who is not woken looks by itself a little later */
	if (bell->file >= 0 && pwrite(bell->file, "\n", 1, 0) != 1)
		return;
}

void
bell_hush(const struct bell *bell)
{
	char events[4096];

	while (bell->watch >= 0 &&
	    read(bell->watch, events, sizeof(events)) > 0)
		;
}
