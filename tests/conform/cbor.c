/* SPDX-License-Identifier: BSD-2-Clause */
#include "cbor.h"

#include <string.h>

#define SIMPLE_FALSE 20
#define SIMPLE_NULL 22

struct span
span_of(const struct bytes *bytes)
{
	return (struct span){bytes->b, bytes->n};
}

struct span
span_str(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

bool
span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

void
put_raw(struct bytes *out, struct span raw)
{
	if (out->full || raw.n > sizeof(out->b) - out->n) {
		out->full = true;
		return;
	}
	if (raw.n > 0)
		memcpy(out->b + out->n, raw.p, raw.n);
	out->n += raw.n;
}

void
put_byte(struct bytes *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put_raw(out, (struct span){&byte, 1});
}

void
put_wide(struct bytes *out, enum major major, uint64_t value, unsigned width)
{
	unsigned first = (unsigned)major << 5;

	if (width == 0) {
		put_byte(out, first | (unsigned)(value & 31));
		return;
	}
	first |= width == 1 ? 24 : width == 2 ? 25 : width == 4 ? 26 : 27;
	put_byte(out, first);
	while (width-- > 0)
		put_byte(out, (unsigned)(value >> (8 * width) & 255));
}

static unsigned
width_of(uint64_t value)
{
	if (value < 24)
		return 0;
	if (value <= UINT8_MAX)
		return 1;
	if (value <= UINT16_MAX)
		return 2;
	return value <= UINT32_MAX ? 4 : 8;
}

void
put_head(struct bytes *out, enum major major, uint64_t value)
{
	put_wide(out, major, value, width_of(value));
}

void
put_uint(struct bytes *out, uint64_t value)
{
	put_head(out, MAJOR_UINT, value);
}

void
put_int(struct bytes *out, int64_t value)
{
	if (value >= 0)
		put_head(out, MAJOR_UINT, (uint64_t)value);
	else
		put_head(out, MAJOR_NINT, (uint64_t)(-1 - value));
}

void
put_text(struct bytes *out, const char *text)
{
	put_head(out, MAJOR_TEXT, strlen(text));
	put_raw(out, span_str(text));
}

void
put_string(struct bytes *out, struct span content)
{
	put_head(out, MAJOR_BYTES, content.n);
	put_raw(out, content);
}

struct reader
reader_of(struct span span)
{
	return (struct reader){span.p, span.p + span.n, NULL};
}

static bool
is_wrong(struct reader *r, const char *why)
{
	if (r->wrong == NULL)
		r->wrong = why;
	return false;
}

bool
get_head(struct reader *r, enum major *major, uint64_t *value)
{
	unsigned low, width;

	if (r->wrong != NULL)
		return false;
	if (r->at == r->end)
		return is_wrong(r, "it ends too early");
	*major = (enum major)(*r->at >> 5);
	low = *r->at++ & 31;
	if (low > 27)
		return is_wrong(r, "a length is indefinite or reserved");
	*value = low;
	width = low < 24 ? 0 : 1u << (low - 24);
	if ((size_t)(r->end - r->at) < width)
		return is_wrong(r, "it ends too early");
	if (*major == MAJOR_SIMPLE)
		return low >= SIMPLE_FALSE && low <= SIMPLE_NULL
		    ? true
		    : is_wrong(r, "a simple value that is none of false, true "
				  "and null, or a floating-point number");
	if (width == 0)
		return true;
	for (*value = 0; width > 0; width--)
		*value = *value << 8 | *r->at++;
	return low < 24 || width_of(*value) == 1u << (low - 24)
	    ? true
	    : is_wrong(r, "a head is not in its shortest form");
}

bool
get_type(struct reader *r, enum major major, uint64_t *value)
{
	enum major found;

	if (!get_head(r, &found, value))
		return false;
	return found == major || is_wrong(r, "an item has the wrong type");
}

bool
get_int(struct reader *r, int64_t *value)
{
	enum major major;
	uint64_t n;

	if (!get_head(r, &major, &n))
		return false;
	if ((major != MAJOR_UINT && major != MAJOR_NINT) || n > INT64_MAX)
		return is_wrong(r, "not an integer of 64 bits");
	*value = major == MAJOR_UINT ? (int64_t)n : -1 - (int64_t)n;
	return true;
}

/* RFC 3629 */
static bool
is_utf8(const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t more = *p < 0x80 ? 0
		    : *p < 0xe0		? 1
		    : *p < 0xf0		? 2
					: 3;
		uint32_t c = *p;

		if (*p > 0xf4 || (*p >= 0x80 && *p < 0xc2) || more >= n)
			return false;
		if (more > 0)
			c &= 0x3fu >> more;
		for (size_t i = 1; i <= more; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i] & 0x3f);
		}
		if ((more == 2 && c < 0x800) || (more == 3 && c < 0x10000) ||
		    (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
			return false;
		p += more + 1;
		n -= more + 1;
	}
	return true;
}

bool
get_string(struct reader *r, enum major major, struct span *content)
{
	uint64_t n;

	if (!get_type(r, major, &n))
		return false;
	if (n > (size_t)(r->end - r->at))
		return is_wrong(r, "it ends too early");
	*content = (struct span){r->at, (size_t)n};
	r->at += n;
	return major != MAJOR_TEXT || is_utf8(content->p, content->n) ||
	    is_wrong(r, "text is not UTF-8");
}

static bool get_nested(struct reader *r, unsigned depth, bool in_tag);

static bool
get_map(struct reader *r, uint64_t n, unsigned depth)
{
	struct span prev = {NULL, 0}, key;

	for (; n > 0; n--) {
		size_t least;

		key.p = r->at;
		if (!get_nested(r, depth, false))
			return false;
		key.n = (size_t)(r->at - key.p);
		least = key.n < prev.n ? key.n : prev.n;
		if (prev.p != NULL) {
			int order = memcmp(prev.p, key.p, least);

			if (order > 0 || (order == 0 && prev.n >= key.n))
				return is_wrong(r, order == 0
					? "a key stands twice"
					: "the keys of a map are not in order");
		}
		prev = key;
		if (!get_nested(r, depth, false))
			return false;
	}
	return true;
}

static bool
get_nested(struct reader *r, unsigned depth, bool in_tag)
{
	const uint8_t *start = r->at;
	enum major major;
	uint64_t n;

	if (!get_head(r, &major, &n))
		return false;
	switch (major) {
	case MAJOR_UINT:
	case MAJOR_NINT:
	case MAJOR_SIMPLE:
		return true;
	case MAJOR_BYTES:
	case MAJOR_TEXT: {
		struct span content;

		r->at = start;
		return get_string(r, major, &content);
	}
	case MAJOR_TAG:
		return in_tag ? is_wrong(r, "a tag directly within a tag")
			      : get_nested(r, depth, true);
	case MAJOR_ARRAY:
		if (depth == DEPTH_MAX)
			return is_wrong(r, "items nest too deep");
		for (; n > 0; n--)
			if (!get_nested(r, depth + 1, false))
				return false;
		return true;
	case MAJOR_MAP:
		if (depth == DEPTH_MAX)
			return is_wrong(r, "items nest too deep");
		return get_map(r, n, depth + 1);
	}
	return is_wrong(r, "an item of no type");
}

bool
get_item(struct reader *r, struct span *item)
{
	const uint8_t *start = r->at;

	if (r->wrong != NULL || !get_nested(r, 0, false))
		return false;
	*item = (struct span){start, (size_t)(r->at - start)};
	return true;
}
