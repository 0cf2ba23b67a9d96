/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cpnpc.h"

/* In hexadecimal with spaces between, a message has at most three characters
 * for each byte; more than this is not one. */
#define INPUT_MAX ((size_t)1 << 20)

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Hexadecimal digits and white space become bytes, in place.  A message is
 * never that itself: its first byte is 0x83.  False when it is something
 * else, or a digit is alone. */
static bool
from_hex(uint8_t *bytes, size_t *len)
{
	size_t i, n = 0;
	int digit, high = -1;

	for (i = 0; i < *len; i++)
		if (digit_of(bytes[i]) < 0 && !isspace(bytes[i]))
			return false;
	for (i = 0; i < *len; i++) {
		digit = digit_of(bytes[i]);
		if (digit < 0)
			continue;
		if (high < 0) {
			high = digit;
			continue;
		}
		bytes[n++] = (uint8_t)(high << 4 | digit);
		high = -1;
	}
	*len = n;
	return high < 0;
}

/*
 * cpnpc decode [FILE]: a message, binary or hexadecimal, as JSON.  One that is
 * broken is shown as far as it can be read, with what is wrong with it.
 */
cpnpc_exit
cpnpc_verb_decode(cpnpc *run)
{
	const char *path = run->operands_n > 0 ? run->operands[0] : "-";
	cpnpc_exit code = CPNPC_LOCAL;
	cpnp_diag diag;
	size_t len;
	uint8_t *bytes = cpnpc_read_file(run, path, INPUT_MAX, &len, &code);
	json_t *object;
	int err;

	if (bytes == NULL)
		return code;
	if (len > 0 && bytes[0] != 0x83 && !from_hex(bytes, &len)) {
		free(bytes);
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: not a message; expected one CBOR array of three, or "
		    "the same as pairs of hexadecimal digits",
		    strcmp(path, "-") == 0 ? "standard input" : path);
	}
	object = cpnpc_json_datagram((cpnp_bytes){bytes, len}, &err, &diag);
	cpnpc_json_print(object, err == 0 ? CPNPC_DONE : CPNPC_LOCAL);
	free(bytes);
	if (err == 0)
		return CPNPC_DONE;
	/* The object has told it to machines. */
	run->failed = true;
	return cpnpc_fail_diag(run, CPNPC_LOCAL,
	    strcmp(path, "-") == 0 ? "standard input" : path, err, &diag);
}
