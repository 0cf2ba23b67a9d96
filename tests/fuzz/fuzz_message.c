/*
 * What is accepted as a message is encoded to the same bytes, and a cookie
 * comes and goes without a trace.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <cpnp/message.h>

#include "fuzz.h"

static uint8_t first[CPNP_MSG_MAX], second[CPNP_MSG_MAX];

/* Adds up what it sees, in place of a digest. */
static int
add_up(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	uint64_t sum = 14695981039346656037u;

	(void)user;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < parts[i].len; k++)
			sum = (sum ^ parts[i].ptr[k]) * 1099511628211u;
	}
	memset(digest, 0, CPNP_SHA256_LEN);
	memcpy(digest, &sum, sizeof(sum));
	return 0;
}

static void
digest_of(cpnp_bytes bytes, uint8_t digest[CPNP_SHA256_LEN])
{
	const cpnp_env env = {.sha256 = add_up};
	cpnp_msg msg;

	HOLDS(cpnp_msg_decode(&msg, bytes, NULL) == 0);
	HOLDS(cpnp_msg_digest(&msg, &env, digest) == 0);
}

static void
check_cookie(cpnp_bytes input, bool has_cookie)
{
	uint8_t digests[2][CPNP_SHA256_LEN];
	cpnp_buf with, without;

	cpnp_buf_init_fixed(&with, first, sizeof(first));
	if (cpnp_msg_set_cookie(input, CPNP_BYTES_LIT("cookie"), &with) != 0) {
		HOLDS(with.err == CPNP_ERR_NO_SPACE);
		return;
	}
	digest_of(input, digests[0]);
	digest_of(cpnp_buf_bytes(&with), digests[1]);
	HOLDS(memcmp(digests[0], digests[1], CPNP_SHA256_LEN) == 0);
	cpnp_buf_init_fixed(&without, second, sizeof(second));
	HOLDS(cpnp_msg_set_cookie(cpnp_buf_bytes(&with), CPNP_BYTES_NONE,
		  &without) == 0);
	if (!has_cookie)
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&without), input));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpnp_bytes input = {data, size};
	cpnp_diag diag = {0};
	cpnp_buf buf, again;
	cpnp_msg msg;
	int err = cpnp_msg_decode(&msg, input, &diag);

	HOLDS(err == 0 || cpnp_error_is_peer(err));
	HOLDS(diag.err == err && diag.offset <= size);
	if (err != 0)
		return 0;
	check_cookie(input, cpnp_msg_has(&msg, CPNP_ATTR_COOKIE));
	cpnp_buf_init_fixed(&buf, first, sizeof(first));
	err = cpnp_msg_encode(&msg, &buf, NULL);
	/* accepted without a time to respond, but never sent */
	if (err == CPNP_ERR_ATTR_MISSING && msg.method == CPNP_METHOD_UPDATE)
		return 0;
	HOLDS(err == 0);
	if (cpnp_bytes_equal(cpnp_buf_bytes(&buf), input))
		return 0;
	/* only something ignored can be missing */
	HOLDS(buf.len < size);
	HOLDS(cpnp_msg_decode(&msg, cpnp_buf_bytes(&buf), NULL) == 0);
	cpnp_buf_init_fixed(&again, second, sizeof(second));
	HOLDS(cpnp_msg_encode(&msg, &again, NULL) == 0);
	HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), cpnp_buf_bytes(&again)));
	return 0;
}
