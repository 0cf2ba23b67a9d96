/*
 * The secrets of sessions in the format of NSS, for a build that was
 * configured to have it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#ifdef CPNP_KEYLOG

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512 /* "CLIENT_RANDOM", 32 and 48 bytes in hex */

/* One write for a line: several processes may append to one file. */
static void
on_line(const SSL *ssl, const char *line)
{
	const cpnp_net *net = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	char out[LINE_MAX_BYTES];
	size_t len = strlen(line);

	if (net->key_log < 0 || len >= sizeof(out))
		return;
	memcpy(out, line, len);
	out[len++] = '\n';
	/* a session is no worse for not being logged */
	if (write(net->key_log, out, len) < 0)
		errno = 0;
	OPENSSL_cleanse(out, sizeof(out));
}

void
net_keylog_attach(const cpnp_net *net, SSL_CTX *ctx)
{
	if (net->key_log >= 0)
		SSL_CTX_set_keylog_callback(ctx, on_line);
}

/* A file that others can read or write is not one for secrets. */
static int
check_file(int fd, const char *path, cpnp_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return net_diag(
		    diag, CPNP_ERR_IO, path, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0)
		return net_diag(diag, CPNP_ERR_CONFIG, path,
		    "expected a regular file of our own with mode 0600");
	return 0;
}

int
cpnp_net_set_key_log(cpnp_net *net, const char *path, cpnp_diag *diag)
{
	int fd, err;

	if (path == NULL)
		return 0;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
		O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return net_diag(
		    diag, CPNP_ERR_IO, path, "%s", strerror(errno));
	err = check_file(fd, path, diag);
	if (err != 0) {
		close(fd);
		return err;
	}
	net_keylog_close(net);
	net->key_log = fd;
	for (int side = 0; side < 2; side++)
		if (net->tls[side].ctx != NULL)
			net_keylog_attach(net, net->tls[side].ctx);
	return 0;
}

void
net_keylog_close(cpnp_net *net)
{
	if (net->key_log >= 0)
		close(net->key_log);
	net->key_log = -1;
}

#else

void
net_keylog_attach(const cpnp_net *net, SSL_CTX *ctx)
{
	(void)net;
	(void)ctx;
}

int
cpnp_net_set_key_log(cpnp_net *net, const char *path, cpnp_diag *diag)
{
	(void)net;
	(void)path;
	return net_diag(diag, CPNP_ERR_UNAVAILABLE, NULL,
	    "this build cannot log the keys of sessions; expected one that "
	    "was configured with --enable-keylog");
}

void
net_keylog_close(cpnp_net *net)
{
	net->key_log = -1;
}

#endif
