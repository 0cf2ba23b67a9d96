/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "restore.h"

/* At most one checkpoint is written in this time. */
#define WRITE_SECONDS 1

/* ---- the file ---- */

static int __attribute__((format(printf, 2, 3)))
fail(cpnp_diag *why, const char *format, ...)
{
	va_list ap;

	why->err = CPNP_ERR_IO;
	va_start(ap, format);
	vsnprintf(why->why, sizeof(why->why), format, ap);
	va_end(ap);
	return CPNP_ERR_IO;
}

/* A name beside the file. */
static void
name_beside(char *out, size_t size, const char *path, const char *suffix)
{
	snprintf(out, size, "%s%s", path, suffix);
}

static int
sync_directory(const char *path)
{
	char name[4096];
	char *slash;
	int fd, rc;

	snprintf(name, sizeof(name), "%s", path);
	slash = strrchr(name, '/');
	if (slash == NULL)
		snprintf(name, sizeof(name), ".");
	else
		slash[slash == name ? 1 : 0] = '\0';
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int
write_file(const char *path, cpnp_bytes bytes)
{
	char part[4096];
	int fd, rc = -1;

	name_beside(part, sizeof(part), path, ".part");
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len)
		rc = fsync(fd);
	(void)close(fd);
	if (rc == 0)
		rc = rename(part, path);
	return rc == 0 ? sync_directory(path) : rc;
}

/* The number of leaves that a checkpoint has: its second line, behind the
 * name of the journal.  It is ours, and what it can do is to keep us silent,
 * so who has signed it does not matter. */
static int
read_file(struct daemon *d, const char *path, uint64_t *size, cpnp_diag *why)
{
	char text[CPNPD_CHECKPOINT_MAX + 1], *line, *end;
	FILE *file = fopen(path, "re");
	size_t len;

	*size = 0;
	if (file == NULL && errno == ENOENT)
		return 0;
	if (file == NULL)
		return fail(why, "%s: %s", path, strerror(errno));
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	line = strchr(text, '\n');
	if (line == NULL || (size_t)(line - text) != strlen(d->identity) ||
	    memcmp(text, d->identity, strlen(d->identity)) != 0)
		return fail(why, "%s: is no checkpoint of the journal %s; "
		    "expected one, or a name that is free", path,
		    d->identity);
	errno = 0;
	*size = strtoull(line + 1, &end, 10);
	if (line[1] < '0' || line[1] > '9' || *end != '\n' || errno != 0)
		return fail(why, "%s: has no number of leaves in its second "
		    "line; expected a checkpoint", path);
	return 0;
}

void
cpnpd_restore_write(struct daemon *d)
{
	const char *path = d->conf->checkpoint_file.value;
	uint64_t size = 0;
	cpnp_buf buf;
	int err;

	if (path == NULL || d->restore->is_silent)
		return;
	cpnp_buf_init(
	    &buf, &cpnp_env_openssl()->mem, CPNPD_CHECKPOINT_MAX);
	err = cpnp_store_checkpoint(d->store, &size, &buf);
	if (err == 0 && size == d->restore->written)
		goto out;
	if (err == 0 && write_file(path, cpnp_buf_bytes(&buf)) == 0)
		d->restore->written = size;
	else if (err != CPNP_ERR_NOT_FOUND)
		cpnpd_log(CPNP_LOG_ERROR, "checkpoint-file %s: %s; a restored "
		    "backup will not know what was said since", path,
		    err != 0 ? cpnp_strerror(err) : strerror(errno));
out:
	cpnp_buf_fini(&buf);
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	cpnpd_restore_write(user);
}

void
cpnpd_restore_committed(struct daemon *d)
{
	static const struct timeval soon = {WRITE_SECONDS, 0};

	if (d->conf->checkpoint_file.value != NULL &&
	    !evtimer_pending(d->restore->timer, NULL))
		(void)evtimer_add(d->restore->timer, &soon);
}

/* ---- at the start ---- */

static int
count_leaves(struct daemon *d, uint64_t *size)
{
	cpnp_buf buf;
	int err;

	cpnp_buf_init(
	    &buf, &cpnp_env_openssl()->mem, CPNPD_CHECKPOINT_MAX);
	err = cpnp_store_checkpoint(d->store, size, &buf);
	if (err == CPNP_ERR_NOT_FOUND) {
		*size = 0;
		err = 0;
	}
	cpnp_buf_fini(&buf);
	return err;
}

static void
be_silent(struct daemon *d, bool is_backup, cpnp_wtime made, uint64_t have,
    uint64_t want)
{
	struct restore *r = d->restore;
	char from[64 + CPNP_DATE_LEN] = "", text[CPNP_DATE_LEN] = "";

	if (is_backup) {
		(void)cpnp_date_format(CPNP_EDITION_RFC8921, made, text);
		snprintf(from, sizeof(from), "it is a backup of %s", text);
	}
	r->is_silent = true;
	if (want > have)
		snprintf(r->why, sizeof(r->why), "%s%sleaves %" PRIu64
		    " to %" PRIu64 " of the journal are missing", from,
		    is_backup ? ", " : "", have, want - 1);
	else
		snprintf(r->why, sizeof(r->why), "%s, and no checkpoint-file "
		    "says what was said since", from);
	cpnpd_log(CPNP_LOG_ERROR, "store %s: is not the newest: %s; nothing "
	    "is answered until cpnpd is started with the newest store, or "
	    "cpnpctl resume-after-restore accepts the loss",
	    d->conf->store.value, r->why);
}

int
cpnpd_restore_check(struct daemon *d)
{
	const cpnp_conf_text *file = &d->conf->checkpoint_file;
	uint64_t have = 0, want = 0;
	cpnp_wtime made = {0};
	cpnp_diag why = {0};
	bool is_backup = false;
	int err;

	d->restore = calloc(1, sizeof(*d->restore));
	if (d->restore == NULL)
		return CPNP_ERR_NOMEM;
	d->restore->timer = evtimer_new(d->base, on_timer, d);
	if (d->restore->timer == NULL)
		return CPNP_ERR_NOMEM;
	err = cpnp_store_is_backup(d->store, &is_backup, &made);
	if (err == 0)
		err = count_leaves(d, &have);
	if (err != 0) {
		snprintf(why.why, sizeof(why.why), "%s", cpnp_strerror(err));
		return cpnpd_blame(d, "store", &d->conf->store, &why);
	}
	if (file->value != NULL && read_file(d, file->value, &want, &why) != 0)
		return cpnpd_blame(d, "checkpoint-file", file, &why);
	d->restore->written = want;
	if (want > have || (is_backup && (want == 0 || want < have)))
		be_silent(d, is_backup, made, have, want);
	else if (is_backup)
		err = cpnp_store_forget_backup(d->store);
	return err;
}

void
cpnpd_restore_fini(struct daemon *d)
{
	if (d->restore != NULL && d->restore->timer != NULL)
		event_free(d->restore->timer);
	free(d->restore);
	d->restore = NULL;
}

/* ---- the loss is accepted ---- */

/* What was signed and is lost stays as evidence. */
static int
put_aside(struct daemon *d, cpnp_diag *why)
{
	const char *path = d->conf->checkpoint_file.value;
	char aside[4096], suffix[32];

	if (path == NULL || d->restore->written == 0)
		return 0;
	snprintf(suffix, sizeof(suffix), ".lost-%" PRId64,
	    cpnp_now_read().wall.sec);
	name_beside(aside, sizeof(aside), path, suffix);
	/* Somebody may have done it already. */
	if ((rename(path, aside) != 0 && errno != ENOENT) ||
	    sync_directory(path) != 0)
		return fail(why, "%s: %s", aside, strerror(errno));
	return 0;
}

int
cpnpd_restore_accept(struct daemon *d, unsigned long uid, cpnp_diag *why)
{
	struct restore *r = d->restore;
	int err;

	if (!r->is_silent) {
		(void)fail(why, "this store is the newest that is known of; "
		    "there is no loss to accept");
		return CPNP_ERR_STATE;
	}
	err = put_aside(d, why);
	if (err == 0)
		err = cpnp_store_forget_backup(d->store);
	if (err != 0)
		return err;
	cpnpd_log(CPNP_LOG_ERROR, "store %s: user %lu accepts the loss: %s; "
	    "what was said there is not known here, and new leaves and events "
	    "take the places of those", d->conf->store.value, uid, r->why);
	r->is_silent = false;
	r->written = 0;
	d->counters.losses++;
	err = cpnpd_resume_orders(d);
	cpnpd_events_reload(d);
	cpnpd_restore_write(d);
	cpnpd_turn_end(d, cpnp_now_read());
	return err;
}
