/*
 * Deterministic CBOR (RFC 8949, 4.2.1) as cpnp-wire(7) has it, and the other
 * forms that a server must refuse.  Written apart from libcpnp, so that a
 * mistake there is none here.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CONFORM_CBOR_H
#define CONFORM_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What fits in the largest message that is sent or taken in one datagram,
 * and something more, to send what is too large. */
#define BYTES_MAX 20480
#define DEPTH_MAX 16

enum major {
	MAJOR_UINT,
	MAJOR_NINT,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG,
	MAJOR_SIMPLE
};

struct bytes {
	size_t n;
	bool full; /* something did not fit */
	uint8_t b[BYTES_MAX];
};

/* A piece of somebody else's bytes; p is NULL when there is none. */
struct span {
	const uint8_t *p;
	size_t n;
};

struct span span_of(const struct bytes *bytes);
struct span span_str(const char *text);
bool span_equal(struct span a, struct span b);

/* Appending.  put_head() writes the shortest head; put_wide() one with 0, 1,
 * 2, 4 or 8 bytes of argument. */
void put_raw(struct bytes *out, struct span raw);
void put_byte(struct bytes *out, unsigned value);
void put_head(struct bytes *out, enum major major, uint64_t value);
void put_wide(
    struct bytes *out, enum major major, uint64_t value, unsigned width);
void put_uint(struct bytes *out, uint64_t value);
void put_int(struct bytes *out, int64_t value);
void put_text(struct bytes *out, const char *text);
void put_string(struct bytes *out, struct span content);

/* A cursor; wrong is the first breach of form, in words, and stays. */
struct reader {
	const uint8_t *at, *end;
	const char *wrong;
};

struct reader reader_of(struct span span);
/* One head in its shortest form.  False when it is not. */
bool get_head(struct reader *r, enum major *major, uint64_t *value);
/* The count or the value of one head of that type. */
bool get_type(struct reader *r, enum major major, uint64_t *value);
bool get_string(struct reader *r, enum major major, struct span *content);
bool get_int(struct reader *r, int64_t *value);
/* One whole item, checked to the bottom. */
bool get_item(struct reader *r, struct span *item);

#endif
