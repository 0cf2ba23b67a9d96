/*
 * The control socket: who may speak, and bounds on what it can cost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "ctl.h"

#define IDLE_SECONDS 60
#define WRITE_SECONDS 30
#define BACKLOG 8

struct ctl {
	struct daemon *d;
	struct evconnlistener *listener;
	struct conn *conns;
	size_t n;
	struct stat made; /* the socket that is ours to remove */
};

struct daemon *
cpnpd_ctl_daemon(const struct conn *c)
{
	return c->ctl->d;
}

size_t
cpnpd_ctl_count(const struct daemon *d)
{
	return d->ctl != NULL ? d->ctl->n : 0;
}

static void
conn_del(struct conn *c)
{
	struct conn **at = &c->ctl->conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->ctl->n--;
	/* A peer that has read the answer may go before we know it. */
	if (c->stops && c->ending)
		cpnpd_stop(c->ctl->d, "cpnpctl stop");
	cpnp_store_backup_del(c->backup);
	event_free(c->again);
	bufferevent_free(c->bev);
	free(c);
}

void
cpnpd_ctl_put(struct conn *c, json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (line != NULL) {
		(void)bufferevent_write(c->bev, line, strlen(line));
		(void)bufferevent_write(c->bev, "\n", 1);
	} else {
		c->ending = true; /* without an end the peer knows */
	}
	free(line);
	json_decref(object);
}

/* The last line of an answer. */
static void
put_end(struct conn *c, const char *error)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "end", json_true());
	if (error != NULL)
		(void)json_object_set_new(
		    object, "error", json_string(error));
	cpnpd_ctl_put(c, object);
	cpnp_store_backup_del(c->backup);
	c->backup = NULL;
	c->busy = false;
	if (!c->ending && !c->said_all)
		(void)bufferevent_enable(c->bev, EV_READ);
}

static size_t
waiting(const struct conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

static void
next_step(struct conn *c)
{
	static const struct timeval now = {0, 0};

	(void)evtimer_add(c->again, &now);
}

/* Read a request when there is a whole one. */
static void
take_request(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	char why[512] = "";
	size_t len = 0;
	char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);

	if (line == NULL && evbuffer_get_length(in) < CPNP_CTL_REQUEST_MAX) {
		c->ending = c->said_all;
		if (c->ending)
			next_step(c);
		return;
	}
	if (line == NULL || len >= CPNP_CTL_REQUEST_MAX) {
		put_end(c, "the request is too long; expected one line of up "
		    "to 8192 bytes");
		c->ending = true;
	} else if (!cpnp_ctl_parse(&c->request, line, len, why, sizeof(why))) {
		put_end(c, why);
	} else {
		cpnpd_log(CPNP_LOG_DEBUG, "control: %s",
		    cpnp_ctl_verb_name(c->request.verb));
		c->busy = true;
		c->cursor = 0;
		c->shown = 0;
	}
	free(line);
	next_step(c);
}

static void
on_step(evutil_socket_t fd, short what, void *user)
{
	struct conn *c = user;
	cpnp_diag why = {0};
	bool more = false;
	int err;

	(void)fd;
	(void)what;
	if (waiting(c) > CPNPD_CTL_OUT_MAX)
		return; /* on_written() comes back */
	c->waits = false;
	if (c->ending) {
		if (waiting(c) > 0)
			return;
		conn_del(c);
		return;
	}
	if (!c->busy) {
		take_request(c);
		return;
	}
	err = cpnpd_ctl_step(c, &more, &why);
	if (err != 0)
		put_end(c, why.why[0] != '\0' ? why.why : cpnp_strerror(err));
	else if (!more)
		put_end(c, NULL);
	if (!c->waits)
		next_step(c);
}

void
cpnpd_ctl_wake(struct daemon *d)
{
	struct conn *c = d->ctl != NULL ? d->ctl->conns : NULL;

	for (; c != NULL; c = c->next)
		if (c->waits)
			next_step(c);
}

/* What comes while a request is being served waits in the socket. */
static void
on_read(struct bufferevent *bev, void *user)
{
	struct conn *c = user;

	if (c->busy || c->ending)
		(void)bufferevent_disable(bev, EV_READ);
	next_step(c);
}

static void
on_written(struct bufferevent *bev, void *user)
{
	(void)bev;
	next_step(user);
}

/* The peer has gone, or neither writes nor reads. */
static void
on_gone(struct bufferevent *bev, short what, void *user)
{
	struct conn *c = user;

	(void)bev;
	/* A request may take longer than a peer may be silent. */
	if ((what & BEV_EVENT_TIMEOUT) != 0 &&
	    (what & BEV_EVENT_READING) != 0 && c->busy) {
		(void)bufferevent_enable(c->bev, EV_READ);
		return;
	}
	/* Who has said all may still read what it asked for; who goes away
	 * gives up its backup. */
	if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0 &&
	    c->backup == NULL) {
		c->said_all = true;
		next_step(c);
		return;
	}
	conn_del(c);
}

/* Mode 0600 keeps others away already; root may do everything anyway. */
static bool
is_allowed(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	*uid = peer.uid;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	cpnpd_log(CPNP_LOG_WARNING, "control: user %u may not speak to us",
	    (unsigned)peer.uid);
	return false;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int len, void *user)
{
	const struct timeval idle = {IDLE_SECONDS, 0};
	const struct timeval slow = {WRITE_SECONDS, 0};
	struct ctl *ctl = user;
	struct conn *c = NULL;
	uid_t uid;

	(void)listener;
	(void)address;
	(void)len;
	if (!is_allowed(fd, &uid) || ctl->n >= CPNPD_CTL_CONNS_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL) {
		ctl->d->counters.control_refused++;
		close(fd);
		return;
	}
	c->ctl = ctl;
	c->uid = uid;
	c->bev = bufferevent_socket_new(
	    ctl->d->base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->again = evtimer_new(ctl->d->base, on_step, c);
	if (c->bev == NULL || c->again == NULL) {
		if (c->again != NULL)
			event_free(c->again);
		if (c->bev != NULL)
			bufferevent_free(c->bev);
		else
			close(fd);
		free(c);
		return;
	}
	c->next = ctl->conns;
	ctl->conns = c;
	ctl->n++;
	bufferevent_setcb(c->bev, on_read, on_written, on_gone, c);
	(void)bufferevent_set_timeouts(c->bev, &idle, &slow);
	(void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* What a daemon that was killed has left is removed; a socket that somebody
 * answers is not, nor is anything else. */
static int
clear_path(const struct sockaddr_un *to, cpnp_diag *diag)
{
	struct stat st;
	int fd, rc;

	if (lstat(to->sun_path, &st) != 0)
		return 0; /* bind says what else is wrong */
	if (!S_ISSOCK(st.st_mode))
		return cpnpd_ctl_fail(diag, CPNP_ERR_EXISTS, "%s is there and "
		    "is no socket; expected a name that is free",
		    to->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = connect(fd, (const struct sockaddr *)to, sizeof(*to));
	close(fd);
	if (rc == 0)
		return cpnpd_ctl_fail(diag, CPNP_ERR_BUSY, "another cpnpd "
		    "listens on %s; expected a name of its own for each",
		    to->sun_path);
	(void)unlink(to->sun_path);
	return 0;
}

static int
open_socket(struct ctl *ctl, const char *path, cpnp_diag *diag)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, rc, err;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	err = clear_path(&to, diag);
	if (err != 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&to, sizeof(to));
	(void)umask(mask);
	if (rc == 0)
		rc = lstat(path, &ctl->made);
	if (rc != 0) {
		err = cpnpd_ctl_fail(diag, CPNP_ERR_IO, "%s: %s", path,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	ctl->listener = evconnlistener_new(ctl->d->base, on_accept, ctl,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (ctl->listener != NULL)
		return 0;
	close(fd);
	return CPNP_ERR_NOMEM;
}

int
cpnpd_ctl_start(struct daemon *d)
{
	const cpnp_conf_text *path = &d->conf->control_socket;
	cpnp_diag diag = {0};
	int err;

	d->ctl = calloc(1, sizeof(*d->ctl));
	if (d->ctl == NULL)
		return CPNP_ERR_NOMEM;
	d->ctl->d = d;
	err = open_socket(d->ctl, path->value, &diag);
	if (err != 0)
		cpnpd_blame(d, "control-socket", path, &diag);
	return err;
}

void
cpnpd_ctl_stop(struct daemon *d)
{
	struct ctl *ctl = d->ctl;
	const char *path = d->conf->control_socket.value;
	struct stat st;

	if (ctl == NULL)
		return;
	while (ctl->conns != NULL)
		conn_del(ctl->conns);
	if (ctl->listener != NULL) {
		evconnlistener_free(ctl->listener);
		/* Not the one that somebody else has put there. */
		if (lstat(path, &st) == 0 && st.st_ino == ctl->made.st_ino &&
		    st.st_dev == ctl->made.st_dev)
			(void)unlink(path);
	}
	free(ctl);
	d->ctl = NULL;
}
