/*
 * Deterministic CBOR (RFC 8949, section 4.2.1): a bounded cursor to read it
 * and a growing buffer to write it.
 *
 * Both remember their first error, so that a caller reads or writes all
 * fields and checks once.  After an error every read returns zero, an empty
 * view or false and every write does nothing.
 *
 * The profile: integers, byte strings, text strings, arrays, maps with
 * integer keys, true, false and null, and single tags where a format says so.
 * No floating point, no indefinite lengths, no undefined, each head in its
 * shortest form, map keys unique and in bytewise order of their encodings
 * (0, 1, ..., -1, -2, ...), text in valid UTF-8.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CBOR_H
#define CPNP_CBOR_H

#include <cpnp/error.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The deepest nesting of arrays and maps that a reader follows. */
#define CPNP_CBOR_DEPTH_MAX 16

enum cpnp_cbor_type {
	CPNP_CBOR_UINT,
	CPNP_CBOR_NINT,
	CPNP_CBOR_BYTES,
	CPNP_CBOR_TEXT,
	CPNP_CBOR_ARRAY,
	CPNP_CBOR_MAP,
	CPNP_CBOR_TAG,
	CPNP_CBOR_FALSE,
	CPNP_CBOR_TRUE,
	CPNP_CBOR_NULL,
	CPNP_CBOR_END,  /* nothing left in this cursor */
	CPNP_CBOR_WRONG /* not well-formed, or an error came before */
};

/*
 * A cursor over one run of items.  Views it returns point into the input and
 * live as long as that does.
 */
typedef struct cpnp_cbor_rd {
	const uint8_t *base; /* start of the whole input, for offsets */
	const uint8_t *pos;
	const uint8_t *end;
	int err;        /* first error, 0 while there is none */
	size_t err_off; /* offset from base of the item that is wrong */
} cpnp_cbor_rd;

CPNP_API void cpnp_cbor_rd_init(cpnp_cbor_rd *rd, cpnp_bytes input);
/* The type of the next item, without moving. */
CPNP_API enum cpnp_cbor_type cpnp_cbor_peek(const cpnp_cbor_rd *rd);
/* 0, or the first error; CPNP_ERR_TRAILING when something is left. */
CPNP_API int cpnp_cbor_rd_finish(cpnp_cbor_rd *rd);
/* Set an error, unless one is set; the offset is that of the next item. */
CPNP_API void cpnp_cbor_rd_fail(cpnp_cbor_rd *rd, int err);

/* Unsigned integer from min to max inclusive, else CPNP_ERR_RANGE. */
CPNP_API uint64_t cpnp_cbor_get_uint(
    cpnp_cbor_rd *rd, uint64_t min, uint64_t max);
/* Integer from min to max inclusive, else CPNP_ERR_RANGE. */
CPNP_API int64_t cpnp_cbor_get_int(cpnp_cbor_rd *rd, int64_t min, int64_t max);
/* Byte string of min to max bytes, else CPNP_ERR_RANGE or _TOO_LONG. */
CPNP_API cpnp_bytes cpnp_cbor_get_bytes(
    cpnp_cbor_rd *rd, size_t min, size_t max);
/* Text of min to max bytes of UTF-8. */
CPNP_API cpnp_bytes cpnp_cbor_get_text(
    cpnp_cbor_rd *rd, size_t min, size_t max);
CPNP_API bool cpnp_cbor_get_bool(cpnp_cbor_rd *rd);
CPNP_API void cpnp_cbor_get_null(cpnp_cbor_rd *rd);
/* The head of an array or map of min to max items or pairs; the items follow
 * in the same cursor. */
CPNP_API size_t cpnp_cbor_get_array(cpnp_cbor_rd *rd, size_t min, size_t max);
CPNP_API size_t cpnp_cbor_get_map(cpnp_cbor_rd *rd, size_t min, size_t max);
/* The next key of a map; *prev holds the key before it and must be set to
 * CPNP_CBOR_NO_KEY before the first.  A key that is not larger in the
 * deterministic order gives CPNP_ERR_DUPLICATE. */
#define CPNP_CBOR_NO_KEY INT64_MIN
CPNP_API int64_t cpnp_cbor_get_key(cpnp_cbor_rd *rd, int64_t *prev);
CPNP_API void cpnp_cbor_get_tag(cpnp_cbor_rd *rd, uint64_t tag);
/* The next item whole, nested ones included, checked to be in deterministic
 * form (map keys in any integer or text type, sorted); returns its bytes. */
CPNP_API cpnp_bytes cpnp_cbor_get_item(cpnp_cbor_rd *rd);
/* 0 when the input is exactly one item in deterministic form. */
CPNP_API int cpnp_cbor_check(cpnp_bytes input);

/*
 * A buffer that grows through the allocator up to max bytes, or a fixed one
 * (mem NULL) that does not.  The writer does not sort: keys are to be written
 * in deterministic order by the caller.
 */
typedef struct cpnp_buf {
	uint8_t *ptr;
	size_t len;
	size_t cap;
	size_t max; /* more than this is CPNP_ERR_NO_SPACE */
	const cpnp_mem *mem;
	int err; /* first error, 0 while there is none */
} cpnp_buf;

/* An empty growing buffer; mem is borrowed and must outlive it. */
CPNP_API void cpnp_buf_init(cpnp_buf *buf, const cpnp_mem *mem, size_t max);
/* A buffer over the caller's storage of size bytes. */
CPNP_API void cpnp_buf_init_fixed(cpnp_buf *buf, uint8_t *store, size_t size);
/* Free the storage of a growing buffer; the buffer is empty afterwards. */
CPNP_API void cpnp_buf_fini(cpnp_buf *buf);
/* Forget the content and the error, keep the storage. */
CPNP_API void cpnp_buf_reset(cpnp_buf *buf);
/* The content so far; good until the next write. */
CPNP_API cpnp_bytes cpnp_buf_bytes(const cpnp_buf *buf);
/* Append bytes as they are (an encoded item, say). */
CPNP_API void cpnp_buf_put_raw(cpnp_buf *buf, cpnp_bytes bytes);

CPNP_API void cpnp_cbor_put_uint(cpnp_buf *buf, uint64_t value);
CPNP_API void cpnp_cbor_put_int(cpnp_buf *buf, int64_t value);
CPNP_API void cpnp_cbor_put_bytes(cpnp_buf *buf, cpnp_bytes bytes);
/* Text that is not valid UTF-8 sets CPNP_ERR_INVALID. */
CPNP_API void cpnp_cbor_put_text(cpnp_buf *buf, cpnp_bytes text);
CPNP_API void cpnp_cbor_put_str(cpnp_buf *buf, const char *text);
CPNP_API void cpnp_cbor_put_bool(cpnp_buf *buf, bool value);
CPNP_API void cpnp_cbor_put_null(cpnp_buf *buf);
CPNP_API void cpnp_cbor_put_array(cpnp_buf *buf, size_t n);
CPNP_API void cpnp_cbor_put_map(cpnp_buf *buf, size_t n);
CPNP_API void cpnp_cbor_put_tag(cpnp_buf *buf, uint64_t tag);

/* True when text is valid UTF-8 (RFC 3629: no surrogates, shortest form). */
CPNP_API bool cpnp_utf8_is_valid(cpnp_bytes text);

#ifdef __cplusplus
}
#endif

#endif
