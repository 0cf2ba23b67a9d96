/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/cpd.h>
#include <cpnp/net.h>
#include <cpnp/xml.h>

#include "cpnpc.h"

static uint8_t *
read_stream(FILE *f, size_t max, size_t *len, int *err)
{
	uint8_t *bytes = NULL, *more;
	size_t cap = 0, n;

	*len = 0;
	*err = 0;
	do {
		if (*len == cap) {
			cap = cap == 0 ? 16384 : 2 * cap;
			more = realloc(bytes, cap);
			if (more == NULL) {
				*err = ENOMEM;
				break;
			}
			bytes = more;
		}
		n = fread(bytes + *len, 1, cap - *len, f);
		*len += n;
		if (*len > max)
			*err = EFBIG;
		else if (n == 0 && ferror(f))
			*err = errno != 0 ? errno : EIO;
	} while (*err == 0 && n > 0);
	if (*err != 0) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

uint8_t *
cpnpc_read_file(
    cpnpc *run, const char *path, size_t max, size_t *len, cpnpc_exit *code)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	uint8_t *bytes;
	int err;

	if (f == NULL) {
		*code = cpnpc_fail(
		    run, CPNPC_LOCAL, "%s: %s", path, strerror(errno));
		return NULL;
	}
	errno = 0;
	bytes = read_stream(f, max, len, &err);
	if (!is_stdin)
		fclose(f);
	if (err == EFBIG)
		*code = cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: it is longer than the %zu bytes that are read", path,
		    max);
	else if (err != 0)
		*code =
		    cpnpc_fail(run, CPNPC_LOCAL, "%s: %s", path, strerror(err));
	return bytes;
}

uint8_t *
cpnpc_read_document(cpnpc *run, const char *path, size_t *len, cpnpc_exit *code)
{
	const cpnp_env *env = cpnp_env_openssl();
	cpnp_diag diag = {0};
	uint8_t *text, *bytes = NULL;
	size_t text_len;
	cpnp_cpd cpd = {0};
	cpnp_buf buf;
	int err;

	text = cpnpc_read_file(run, path, CPNP_XML_MAX, &text_len, code);
	if (text == NULL)
		return NULL;
	cpnp_buf_init(&buf, &env->mem, CPNP_CPD_MAX);
	err = cpnp_cpd_from_xml(
	    &cpd, (cpnp_bytes){text, text_len}, &env->mem, &diag);
	if (err == 0)
		err = cpnp_cpd_encode(&cpd, &buf);
	if (err == 0) {
		*len = buf.len;
		bytes = malloc(buf.len);
		if (bytes == NULL)
			err = CPNP_ERR_NOMEM;
		else
			memcpy(bytes, buf.ptr, buf.len);
	}
	if (err != 0)
		*code = cpnpc_fail_diag(run, CPNPC_LOCAL,
		    strcmp(path, "-") == 0 ? "standard input" : path, err,
		    &diag);
	cpnp_cpd_fini(&cpd);
	cpnp_buf_fini(&buf);
	free(text);
	return bytes;
}
