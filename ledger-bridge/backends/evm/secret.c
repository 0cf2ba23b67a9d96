/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common.h"
#include "tx.h"

static int
check_file(int fd, const char *setting, const char *path, cpnp_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return backend_fail(diag, CPNP_ERR_CONFIG, setting,
		    "%.100s is not a file", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return backend_fail(diag, CPNP_ERR_FORBIDDEN, setting,
		    "others may use %.80s, its mode is %04o: chmod 0600", path,
		    (unsigned)st.st_mode & 07777);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return backend_fail(diag, CPNP_ERR_FORBIDDEN, setting,
		    "%.80s belongs to user %u: chown it to %u", path,
		    (unsigned)st.st_uid, (unsigned)geteuid());
	return 0;
}

/* At most size bytes; 0 when it cannot be read. */
static size_t
read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, out + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? 0 : len;
		len += (size_t)n;
	}
	return len;
}

int
evm_secret_read(const char *setting, const char *path, char *out, size_t size,
    cpnp_diag *diag)
{
	size_t len, start;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return backend_fail(diag, CPNP_ERR_CONFIG, setting,
		    "cannot open %.80s: %s", path, strerror(errno));
	err = check_file(fd, setting, path, diag);
	if (err != 0)
		goto out;
	len = read_all(fd, out, size);
	start = 0;
	while (len > 0 && strchr(" \t\r\n", out[len - 1]) != NULL)
		len--;
	while (start < len && strchr(" \t\r\n", out[start]) != NULL)
		start++;
	if (start == len || len == size ||
	    memchr(out + start, '\0', len - start) != NULL ||
	    memchr(out + start, '\n', len - start) != NULL) {
		OPENSSL_cleanse(out, size);
		err = backend_fail(diag, CPNP_ERR_CONFIG, setting,
		    "%.80s is not one line of 1 to %zu characters", path,
		    size - 1);
		goto out;
	}
	memmove(out, out + start, len - start);
	out[len - start] = '\0';
out:
	(void)close(fd);
	return err;
}
