/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

#define POLL_MS_MAX 60000

int
backend_fail(cpnp_diag *diag, int err, const char *where, const char *fmt, ...)
{
	va_list ap;

	if (diag == NULL)
		return err;
	diag->err = err;
	diag->offset = 0;
	(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
	va_start(ap, fmt);
	(void)vsnprintf(diag->why, sizeof(diag->why), fmt, ap);
	va_end(ap);
	return err;
}

int
backend_done(cpnp_log_info *info, int err, cpnp_diag *own, cpnp_diag *diag)
{
	info->away = err == CPNP_ERR_UNAVAILABLE;
	info->text[0] = '\0';
	if (err == 0)
		return 0;
	if (own->err == 0)
		(void)backend_fail(own, err, "log", "%s", cpnp_strerror(err));
	(void)snprintf(info->text, sizeof(info->text), "%s", own->why);
	if (diag != NULL)
		*diag = *own;
	return err;
}

static bool
is_named(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* "path, writer" */
static void
join_names(const char *const *names, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (; *names != NULL && len < size; names++)
		len += (size_t)snprintf(out + len, size - len, "%s%s",
		    len > 0 ? ", " : "", *names);
}

int
backend_settings_check(const cpnp_log_setting *settings, size_t n,
    const char *const *names, const char *repeated, cpnp_diag *diag)
{
	char all[100];
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (!is_named(settings[i].name, names)) {
			join_names(names, all, sizeof(all));
			return backend_fail(diag, CPNP_ERR_CONFIG,
			    settings[i].name,
			    "not a setting of this backend; it has %s", all);
		}
		if (repeated != NULL &&
		    strcmp(settings[i].name, repeated) == 0)
			continue;
		for (j = 0; j < i; j++)
			if (strcmp(settings[i].name, settings[j].name) == 0)
				return backend_fail(diag, CPNP_ERR_CONFIG,
				    settings[i].name, "it is there twice");
	}
	return 0;
}

const char *
backend_setting(const cpnp_log_setting *settings, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(settings[i].name, name) == 0)
			return settings[i].value;
	return NULL;
}

bool
backend_writer_is_valid(cpnp_bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < 0x21 || name.ptr[i] > 0x7e)
			return false;
	return name.len > 0 && name.len <= CPNP_WRITER_MAX;
}

int
backend_setting_writer(const cpnp_log_setting *settings, size_t n,
    char writer[CPNP_WRITER_MAX + 1], cpnp_diag *diag)
{
	const char *value = backend_setting(settings, n, "writer");

	writer[0] = '\0';
	if (value == NULL)
		return 0;
	/* "-" is nobody in the line protocol */
	if (!backend_writer_is_valid(cpnp_bytes_str(value)) ||
	    strcmp(value, "-") == 0)
		return backend_fail(diag, CPNP_ERR_CONFIG, "writer",
		    "not a name: 1 to %d visible characters of ASCII, no "
		    "space, and not \"-\"",
		    CPNP_WRITER_MAX);
	(void)snprintf(writer, CPNP_WRITER_MAX + 1, "%s", value);
	return 0;
}

cpnp_tstamp
backend_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return CPNP_SECONDS(ts.tv_sec) + (cpnp_tstamp)ts.tv_nsec;
}

int
backend_poll_ms(cpnp_tstamp until)
{
	cpnp_tstamp now = backend_now(), ms;

	if (until <= now)
		return 0;
	ms = (until - now - 1) / CPNP_MILLISECONDS(1) + 1;
	return ms > POLL_MS_MAX ? POLL_MS_MAX : (int)ms;
}

int
backend_waker_init(struct backend_waker *waker)
{
	if (pipe2(waker->fds, O_CLOEXEC | O_NONBLOCK) == 0)
		return 0;
	waker->fds[0] = waker->fds[1] = -1;
	return CPNP_ERR_NOMEM;
}

void
backend_waker_fini(struct backend_waker *waker)
{
	for (int i = 0; i < 2; i++)
		if (waker->fds[i] >= 0)
			(void)close(waker->fds[i]);
	waker->fds[0] = waker->fds[1] = -1;
}

void
backend_waker_ring(struct backend_waker *waker)
{
	/* a full pipe rings as well */
	if (write(waker->fds[1], "", 1) < 0)
		return;
}

bool
backend_waker_take(struct backend_waker *waker)
{
	char bytes[64];
	bool rung = false;

	while (read(waker->fds[0], bytes, sizeof(bytes)) > 0)
		rung = true;
	return rung;
}
