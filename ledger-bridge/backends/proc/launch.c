/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

extern char **environ;

/* What the environment says to this process and to nobody else: how to speak
 * to its service manager, and where the secrets of its sessions go. */
static bool
is_for_us(const char *variable)
{
	static const char *const ours[] = {"NOTIFY_SOCKET=", "WATCHDOG_USEC=",
		"WATCHDOG_PID=", "SSLKEYLOGFILE="};
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

/* The rest of it; a list to be freed, whose texts stay ours. */
static char **
make_environment(void)
{
	char **list;
	size_t i, n = 0;

	while (environ[n] != NULL)
		n++;
	list = calloc(n + 1, sizeof(*list));
	for (i = n = 0; list != NULL && environ[i] != NULL; i++)
		if (!is_for_us(environ[i]))
			list[n++] = environ[i];
	return list;
}

static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int rc;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attr, &all);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(attr, &none);
	return rc;
}

int
launch_program(pid_t *pid, char *const *argv, const int fds[3])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char **env = make_environment();
	int i, rc;

	if (env == NULL)
		return ENOMEM;
	rc = posix_spawn_file_actions_init(&actions);
	if (rc != 0)
		goto out_env;
	rc = posix_spawnattr_init(&attr);
	if (rc != 0)
		goto out_actions;
	for (i = 0; i < 3 && rc == 0; i++)
		if (fds[i] >= 0)
			rc = posix_spawn_file_actions_adddup2(
			    &actions, fds[i], i);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (rc == 0)
		rc = set_attributes(&attr);
	if (rc == 0)
		rc = posix_spawn(pid, argv[0], &actions, &attr, argv, env);
	(void)posix_spawnattr_destroy(&attr);
out_actions:
	(void)posix_spawn_file_actions_destroy(&actions);
out_env:
	free(env);
	return rc;
}
