/* SPDX-License-Identifier: BSD-2-Clause */
#include "rlp.h"

#define SHORT_MAX 55
#define STRING 0x80
#define LIST 0xc0

static size_t
trim(uint64_t value, uint8_t out[8])
{
	size_t n = 0;

	for (int shift = 56; shift >= 0; shift -= 8)
		if (n > 0 || value >> shift != 0)
			out[n++] = (uint8_t)(value >> shift);
	return n;
}

static void
put_head(cpnp_buf *buf, uint8_t kind, size_t len)
{
	uint8_t head[RLP_HEAD_MAX];
	size_t n = 0;

	if (len <= SHORT_MAX) {
		head[0] = (uint8_t)(kind + len);
	} else {
		n = trim(len, &head[1]);
		head[0] = (uint8_t)(kind + SHORT_MAX + n);
	}
	cpnp_buf_put_raw(buf, (cpnp_bytes){head, 1 + n});
}

void
rlp_put_bytes(cpnp_buf *buf, cpnp_bytes bytes)
{
	if (bytes.len != 1 || bytes.ptr[0] >= STRING)
		put_head(buf, STRING, bytes.len);
	cpnp_buf_put_raw(buf, bytes);
}

void
rlp_put_uint(cpnp_buf *buf, uint64_t value)
{
	uint8_t bytes[8];

	rlp_put_bytes(buf, (cpnp_bytes){bytes, trim(value, bytes)});
}

void
rlp_put_uint256(cpnp_buf *buf, const uint8_t value[32])
{
	size_t zeros = 0;

	while (zeros < 32 && value[zeros] == 0)
		zeros++;
	rlp_put_bytes(buf, (cpnp_bytes){value + zeros, 32 - zeros});
}

void
rlp_put_list(cpnp_buf *buf, size_t len)
{
	put_head(buf, LIST, len);
}
