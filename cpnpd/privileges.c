/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "privileges.h"

static int
fail(cpnp_diag *diag, int err, const char *where, const char *why)
{
	diag->err = err;
	snprintf(diag->where, sizeof(diag->where), "%s", where);
	snprintf(diag->why, sizeof(diag->why), "%s", why);
	return err;
}

int
cpnp_privileges_no_core(cpnp_diag *diag)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0) != 0)
		return fail(diag, CPNP_ERR_IO, "core dumps", strerror(errno));
	return 0;
}

int
cpnp_privileges_drop(const char *user, const char *group, cpnp_diag *diag)
{
	const struct passwd *pw = NULL;
	const struct group *gr = NULL;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (user == NULL && group == NULL)
		return 0;
	if (user != NULL) {
		pw = getpwnam(user);
		if (pw == NULL)
			return fail(diag, CPNP_ERR_CONFIG, user,
			    "there is no such user");
		uid = pw->pw_uid;
		gid = pw->pw_gid;
	}
	if (group != NULL) {
		gr = getgrnam(group);
		if (gr == NULL)
			return fail(diag, CPNP_ERR_CONFIG, group,
			    "there is no such group");
		gid = gr->gr_gid;
	}
	if (uid == geteuid() && gid == getegid() && geteuid() != 0)
		return 0; /* the service manager has done it */
	if (geteuid() != 0)
		return fail(diag, CPNP_ERR_CONFIG,
		    user != NULL ? user : group, "only root can become "
		    "another user; start as root, or leave user and group "
		    "out");
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return fail(diag, CPNP_ERR_IO, user != NULL ? user : group,
		    strerror(errno));
	if (geteuid() != uid || getuid() != uid || getegid() != gid ||
	    (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)))
		return fail(diag, CPNP_ERR_IO, user != NULL ? user : group,
		    "privileges were dropped and could be had again");
	return 0;
}
