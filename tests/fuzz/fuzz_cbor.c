/*
 * What passes as deterministic is what the writer makes of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/cbor.h>

#include "fuzz.h"

static void
copy_item(cpnp_cbor_rd *rd, cpnp_buf *buf)
{
	enum cpnp_cbor_type type = cpnp_cbor_peek(rd);
	cpnp_cbor_rd tag = *rd;
	size_t n;

	switch (type) {
	case CPNP_CBOR_UINT:
		cpnp_cbor_put_uint(buf, cpnp_cbor_get_uint(rd, 0, UINT64_MAX));
		break;
	case CPNP_CBOR_NINT:
		cpnp_cbor_put_int(
		    buf, cpnp_cbor_get_int(rd, INT64_MIN, INT64_MAX));
		break;
	case CPNP_CBOR_BYTES:
		cpnp_cbor_put_bytes(buf, cpnp_cbor_get_bytes(rd, 0, SIZE_MAX));
		break;
	case CPNP_CBOR_TEXT:
		cpnp_cbor_put_text(buf, cpnp_cbor_get_text(rd, 0, SIZE_MAX));
		break;
	case CPNP_CBOR_ARRAY:
	case CPNP_CBOR_MAP:
		if (type == CPNP_CBOR_ARRAY) {
			n = cpnp_cbor_get_array(rd, 0, SIZE_MAX);
			cpnp_cbor_put_array(buf, n);
		} else {
			n = cpnp_cbor_get_map(rd, 0, SIZE_MAX);
			cpnp_cbor_put_map(buf, n);
			n *= 2;
		}
		while (n-- > 0)
			copy_item(rd, buf);
		break;
	case CPNP_CBOR_TAG:
		/* a number that only the reader's caller knows */
		for (uint64_t number = 0; number < 256; number++) {
			tag = *rd;
			cpnp_cbor_get_tag(&tag, number);
			if (tag.err == 0) {
				cpnp_cbor_put_tag(buf, number);
				break;
			}
		}
		*rd = tag;
		copy_item(rd, buf);
		break;
	case CPNP_CBOR_FALSE:
	case CPNP_CBOR_TRUE:
		cpnp_cbor_put_bool(buf, cpnp_cbor_get_bool(rd));
		break;
	case CPNP_CBOR_NULL:
		cpnp_cbor_get_null(rd);
		cpnp_cbor_put_null(buf);
		break;
	case CPNP_CBOR_END:
	case CPNP_CBOR_WRONG:
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t store[1 << 20];
	cpnp_bytes input = {data, size}, item;
	cpnp_cbor_rd rd;
	cpnp_buf buf;

	if (size > sizeof(store))
		return 0;
	cpnp_cbor_rd_init(&rd, input);
	item = cpnp_cbor_get_item(&rd);
	HOLDS(item.len <= size);
	HOLDS((cpnp_cbor_check(input) == 0) ==
	    (rd.err == 0 && item.len == size));
	if (rd.err != 0) {
		HOLDS(cpnp_error_is_peer(rd.err) && rd.err_off <= size);
		return 0;
	}
	cpnp_cbor_rd_init(&rd, item);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	copy_item(&rd, &buf);
	/* integers under -2^63 and tags over 255 are not copied */
	HOLDS(rd.err == 0 || rd.err == CPNP_ERR_RANGE ||
	    rd.err == CPNP_ERR_TYPE);
	if (rd.err == 0)
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), item));
	return 0;
}
