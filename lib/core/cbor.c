/*
 * Deterministic CBOR.  Heads are written with libcbor.  They are read here: its
 * streaming decoder calls back with a value, which hides the width of the head
 * that our profile is about, refuses tags 6 to 20, and took a fifth of the time
 * of a server.  Text is checked to be UTF-8.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <cbor.h>

#include <cpnp/cbor.h>

#include "codec.h"
#include "fault.h"

#define HEAD_MAX 9 /* the initial byte and eight of an argument */

/* What the low five bits of an initial byte can say (RFC 8949, section 3). */
enum {
	INFO_BYTES_1 = 24, /* the argument follows, in 1, 2, 4 or 8 bytes */
	INFO_BYTES_8 = 27,
	INFO_INDEFINITE = 31
};
/* And those of major type 7. */
enum { SIMPLE_FALSE = 20, SIMPLE_TRUE, SIMPLE_NULL, SIMPLE_UNDEFINED };

/* One head, with the content of a string. */
struct token {
	enum cpnp_cbor_type type;
	uint64_t value; /* argument: number, count, length or tag */
	const uint8_t *content;
	size_t size; /* of head and content */
	int err;
};

/* The size of the shortest head with this argument (RFC 8949, 4.2.1). */
static size_t
head_size(uint64_t value)
{
	if (value < 24)
		return 1;
	if (value <= UINT8_MAX)
		return 2;
	if (value <= UINT16_MAX)
		return 3;
	return value <= UINT32_MAX ? 5 : 9;
}

/* The argument of a head; returns how many bytes the head has. */
static size_t
argument_read(struct token *tok, unsigned info, const uint8_t *pos, size_t left)
{
	size_t n, i;

	if (info < INFO_BYTES_1) {
		tok->value = info;
		return 1;
	}
	n = (size_t)1 << (info - INFO_BYTES_1);
	if (left <= n) {
		tok->err = CPNP_ERR_TRUNCATED;
		return left;
	}
	for (i = 1; i <= n; i++)
		tok->value = tok->value << 8 | pos[i];
	return 1 + n;
}

/* Of major type 7 little is in our profile: no undefined, no floats. */
static void
simple_set(struct token *tok, unsigned info)
{
	tok->value = 0;
	if (info == SIMPLE_FALSE)
		tok->type = CPNP_CBOR_FALSE;
	else if (info == SIMPLE_TRUE)
		tok->type = CPNP_CBOR_TRUE;
	else if (info == SIMPLE_NULL)
		tok->type = CPNP_CBOR_NULL;
	else
		tok->err = info < SIMPLE_FALSE ? CPNP_ERR_NOT_DETERMINISTIC
					       : CPNP_ERR_TYPE;
}

/* The token is read: is it in our profile? */
static void
token_check(struct token *tok, size_t head, size_t left)
{
	bool string =
	    tok->type == CPNP_CBOR_BYTES || tok->type == CPNP_CBOR_TEXT;

	if (string && tok->value > left - head) {
		tok->err = CPNP_ERR_TRUNCATED;
		return;
	}
	tok->size = head + (string ? (size_t)tok->value : 0);
	if (head > 1 && head != head_size(tok->value) && !CPNP_FAULT(FORM))
		tok->err = CPNP_ERR_NOT_DETERMINISTIC;
	else if (tok->type == CPNP_CBOR_TEXT && !CPNP_FAULT(UTF8) &&
	    !cpnp_utf8_is_valid(
		(cpnp_bytes){tok->content, (size_t)tok->value}))
		tok->err = CPNP_ERR_UTF8;
}

/* Read the token at pos; tok->err is set when it is not in our profile. */
static void
token_read(struct token *tok, const uint8_t *pos, const uint8_t *end)
{
	static const enum cpnp_cbor_type types[] = {CPNP_CBOR_UINT,
	    CPNP_CBOR_NINT, CPNP_CBOR_BYTES, CPNP_CBOR_TEXT, CPNP_CBOR_ARRAY,
	    CPNP_CBOR_MAP, CPNP_CBOR_TAG, CPNP_CBOR_WRONG};
	size_t left = (size_t)(end - pos), head = 0;
	unsigned info;
	bool simple;

	*tok = (struct token){.type = CPNP_CBOR_WRONG};
	if (left == 0) {
		tok->err = CPNP_ERR_TRUNCATED;
		return;
	}
	tok->type = types[pos[0] >> 5];
	info = pos[0] & 0x1f;
	simple = tok->type == CPNP_CBOR_WRONG;
	/* lengths that are not said, what is not CBOR, and the break that ends
	 * something without a length */
	if (info > INFO_BYTES_8 || (simple && info == INFO_BYTES_1))
		tok->err = simple && info == INFO_INDEFINITE
		    ? CPNP_ERR_TYPE : CPNP_ERR_NOT_DETERMINISTIC;
	else
		head = argument_read(tok, info, pos, left);
	if (tok->err != 0)
		return;
	if (simple) {
		tok->size = head;
		simple_set(tok, info);
		return;
	}
	tok->content = pos + head;
	token_check(tok, head, left);
}

void
cpnp_cbor_rd_init(cpnp_cbor_rd *rd, cpnp_bytes input)
{
	/* An absent input has no address to count from. */
	static const uint8_t nothing;
	const uint8_t *base = input.ptr != NULL ? input.ptr : &nothing;

	*rd = (cpnp_cbor_rd){base, base, base + input.len, 0, 0};
}

void
cpnp_cbor_rd_fail(cpnp_cbor_rd *rd, int err)
{
	if (rd->err != 0)
		return;
	rd->err = err;
	rd->err_off = (size_t)(rd->pos - rd->base);
}

enum cpnp_cbor_type
cpnp_cbor_peek(const cpnp_cbor_rd *rd)
{
	struct token tok;

	if (rd->err != 0)
		return CPNP_CBOR_WRONG;
	if (rd->pos == rd->end)
		return CPNP_CBOR_END;
	token_read(&tok, rd->pos, rd->end);
	return tok.err != 0 ? CPNP_CBOR_WRONG : tok.type;
}

int
cpnp_cbor_rd_finish(cpnp_cbor_rd *rd)
{
	if (rd->pos != rd->end)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TRAILING);
	return rd->err;
}

/* Read one token of any type; false when there is an error. */
static bool
next(cpnp_cbor_rd *rd, struct token *tok)
{
	if (rd->err != 0)
		return false;
	token_read(tok, rd->pos, rd->end);
	if (tok->err != 0)
		cpnp_cbor_rd_fail(rd, tok->err);
	return tok->err == 0;
}

/* Read the head of a token of one type, without moving. */
static bool
next_is(cpnp_cbor_rd *rd, struct token *tok, enum cpnp_cbor_type type)
{
	if (!next(rd, tok))
		return false;
	if (tok->type != type)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TYPE);
	return rd->err == 0;
}

uint64_t
cpnp_cbor_get_uint(cpnp_cbor_rd *rd, uint64_t min, uint64_t max)
{
	struct token tok;

	if (!next_is(rd, &tok, CPNP_CBOR_UINT))
		return 0;
	if (tok.value < min || tok.value > max) {
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
		return 0;
	}
	rd->pos += tok.size;
	return tok.value;
}

/* The value of an integer token, else an error. */
static int
token_int(const struct token *tok, int64_t *value)
{
	if (tok->type != CPNP_CBOR_UINT && tok->type != CPNP_CBOR_NINT)
		return CPNP_ERR_TYPE;
	if (tok->value > INT64_MAX)
		return CPNP_ERR_RANGE;
	*value = (int64_t)tok->value;
	if (tok->type == CPNP_CBOR_NINT)
		*value = -1 - *value;
	return 0;
}

int64_t
cpnp_cbor_get_int(cpnp_cbor_rd *rd, int64_t min, int64_t max)
{
	struct token tok;
	int64_t value = 0;
	int err;

	if (!next(rd, &tok))
		return 0;
	err = token_int(&tok, &value);
	if (err == 0 && (value < min || value > max))
		err = CPNP_ERR_RANGE;
	if (err != 0) {
		cpnp_cbor_rd_fail(rd, err);
		return 0;
	}
	rd->pos += tok.size;
	return value;
}

/* Bring the size of a string or collection within its bounds. */
static bool
in_bounds(cpnp_cbor_rd *rd, uint64_t size, size_t min, size_t max)
{
	if (size < min)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	else if (size > max)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TOO_LONG);
	return rd->err == 0;
}

static cpnp_bytes
get_string(cpnp_cbor_rd *rd, enum cpnp_cbor_type type, size_t min, size_t max)
{
	struct token tok;

	if (!next_is(rd, &tok, type) || !in_bounds(rd, tok.value, min, max))
		return CPNP_BYTES_NONE;
	rd->pos += tok.size;
	return (cpnp_bytes){tok.content, (size_t)tok.value};
}

cpnp_bytes
cpnp_cbor_get_bytes(cpnp_cbor_rd *rd, size_t min, size_t max)
{
	return get_string(rd, CPNP_CBOR_BYTES, min, max);
}

cpnp_bytes
cpnp_cbor_get_text(cpnp_cbor_rd *rd, size_t min, size_t max)
{
	return get_string(rd, CPNP_CBOR_TEXT, min, max);
}

bool
cpnp_cbor_get_bool(cpnp_cbor_rd *rd)
{
	struct token tok;

	if (!next(rd, &tok))
		return false;
	if (tok.type != CPNP_CBOR_TRUE && tok.type != CPNP_CBOR_FALSE) {
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TYPE);
		return false;
	}
	rd->pos += tok.size;
	return tok.type == CPNP_CBOR_TRUE;
}

void
cpnp_cbor_get_null(cpnp_cbor_rd *rd)
{
	struct token tok;

	if (next_is(rd, &tok, CPNP_CBOR_NULL))
		rd->pos += tok.size;
}

/* An item takes at least a byte, so a count is bounded by what is left. */
static size_t
get_collection(cpnp_cbor_rd *rd, enum cpnp_cbor_type type, size_t items,
    size_t min, size_t max)
{
	struct token tok;

	if (!next_is(rd, &tok, type) || !in_bounds(rd, tok.value, min, max))
		return 0;
	if (tok.value > ((size_t)(rd->end - rd->pos) - tok.size) / items) {
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TRUNCATED);
		return 0;
	}
	rd->pos += tok.size;
	return (size_t)tok.value;
}

size_t
cpnp_cbor_get_array(cpnp_cbor_rd *rd, size_t min, size_t max)
{
	return get_collection(rd, CPNP_CBOR_ARRAY, 1, min, max);
}

size_t
cpnp_cbor_get_map(cpnp_cbor_rd *rd, size_t min, size_t max)
{
	return get_collection(rd, CPNP_CBOR_MAP, 2, min, max);
}

/* The order of encoded keys: 0, 1, 2, ..., -1, -2, ... */
static bool
key_is_after(int64_t prev, int64_t key)
{
	if (prev == CPNP_CBOR_NO_KEY)
		return true;
	if ((prev < 0) != (key < 0))
		return key < 0;
	return key < 0 ? key < prev : key > prev;
}

int64_t
cpnp_cbor_get_key(cpnp_cbor_rd *rd, int64_t *prev)
{
	struct token tok;
	int64_t key = 0;
	int err;

	if (!next(rd, &tok))
		return 0;
	err = token_int(&tok, &key);
	if (err == 0 && key == CPNP_CBOR_NO_KEY)
		err = CPNP_ERR_RANGE;
	if (err == 0 && !key_is_after(*prev, key) &&
	    !(key == *prev && CPNP_FAULT(DUPLICATE)))
		err = CPNP_ERR_DUPLICATE;
	if (err != 0) {
		cpnp_cbor_rd_fail(rd, err);
		return 0;
	}
	rd->pos += tok.size;
	*prev = key;
	return key;
}

void
cpnp_cbor_get_tag(cpnp_cbor_rd *rd, uint64_t tag)
{
	struct token tok;

	if (!next_is(rd, &tok, CPNP_CBOR_TAG))
		return;
	if (tok.value != tag)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_TYPE);
	else
		rd->pos += tok.size;
}

/* An array or map that is being walked. */
struct frame {
	uint64_t left;    /* items still to come; a pair of a map is two */
	bool is_map;
	cpnp_bytes key;   /* the last key, as it is encoded */
};

/* Bytewise order; no encoded item is a prefix of another. */
static bool
encoded_is_after(cpnp_bytes prev, cpnp_bytes key)
{
	size_t n = prev.len < key.len ? prev.len : key.len;

	return prev.len == 0 || memcmp(prev.ptr, key.ptr, n) < 0;
}

static int
check_key(struct frame *frame, const struct token *tok, const uint8_t *pos)
{
	cpnp_bytes key = {pos, tok->size};

	if (tok->type != CPNP_CBOR_UINT && tok->type != CPNP_CBOR_NINT &&
	    tok->type != CPNP_CBOR_TEXT)
		return CPNP_ERR_TYPE;
	if (!encoded_is_after(frame->key, key))
		return CPNP_ERR_DUPLICATE;
	frame->key = key;
	return 0;
}

/* Enter an array or map; *depth grows when it has items. */
static int
check_enter(struct frame *stack, size_t *depth, size_t depth_max,
    const struct token *tok, size_t left)
{
	bool is_map = tok->type == CPNP_CBOR_MAP;

	if (*depth == depth_max)
		return CPNP_ERR_TOO_LONG;
	if (tok->value > left / (is_map ? 2 : 1))
		return CPNP_ERR_TRUNCATED;
	if (tok->value == 0)
		return 0;
	stack[(*depth)++] = (struct frame){.left = tok->value * (1u + is_map),
	    .is_map = is_map};
	return 0;
}

static cpnp_bytes
get_item(cpnp_cbor_rd *rd, size_t depth_max)
{
	struct frame stack[CBOR_DEPTH_OF_MSG];
	const uint8_t *start = rd->pos;
	struct token tok = {.type = CPNP_CBOR_WRONG};
	size_t depth = 0;
	bool tagged;
	int err = 0;

	do {
		tagged = tok.type == CPNP_CBOR_TAG;
		if (!next(rd, &tok))
			return CPNP_BYTES_NONE;
		if (tok.type == CPNP_CBOR_TAG && tagged)
			err = CPNP_ERR_TYPE;
		/* What a tag stands before was counted with the tag. */
		if (depth > 0 && !tagged) {
			struct frame *top = &stack[depth - 1];

			if (top->is_map && top->left % 2 == 0 && err == 0)
				err = check_key(top, &tok, rd->pos);
			top->left--;
		}
		if (err == 0 &&
		    (tok.type == CPNP_CBOR_ARRAY || tok.type == CPNP_CBOR_MAP))
			err = check_enter(stack, &depth, depth_max, &tok,
			    (size_t)(rd->end - rd->pos) - tok.size);
		if (err != 0) {
			cpnp_cbor_rd_fail(rd, err);
			return CPNP_BYTES_NONE;
		}
		rd->pos += tok.size;
		while (depth > 0 && stack[depth - 1].left == 0 &&
		    tok.type != CPNP_CBOR_TAG)
			depth--;
	} while (depth > 0 || tok.type == CPNP_CBOR_TAG);
	return (cpnp_bytes){start, (size_t)(rd->pos - start)};
}

cpnp_bytes
cpnp_cbor_get_item(cpnp_cbor_rd *rd)
{
	return get_item(rd, CPNP_CBOR_DEPTH_MAX);
}

cpnp_bytes
cpnp_cbor_get_value(cpnp_cbor_rd *rd)
{
	return get_item(rd, CBOR_DEPTH_OF_MSG);
}

int
cpnp_cbor_check(cpnp_bytes input)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, input);
	(void)cpnp_cbor_get_item(&rd);
	return cpnp_cbor_rd_finish(&rd);
}

/* The number of bytes after the first of a sequence, and the bounds of the
 * second byte, which keep out overlong forms and surrogates (RFC 3629, 4). */
static size_t
utf8_tail(uint8_t lead, uint8_t *min, uint8_t *max)
{
	*min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

/* How far text is ASCII, to a multiple of 8: nearly all of ours is. */
static size_t
ascii_len(cpnp_bytes text)
{
	uint64_t word;
	size_t i;

	for (i = 0; text.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text.ptr + i, sizeof(word));
		if ((word & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	return i;
}

bool
cpnp_utf8_is_valid(cpnp_bytes text)
{
	uint8_t min, max;
	size_t i = ascii_len(text), n;

	while (i < text.len) {
		uint8_t lead = text.ptr[i++];

		if (lead < 0x80)
			continue;
		n = utf8_tail(lead, &min, &max);
		if (n == 0 || n > text.len - i)
			return false;
		for (; n > 0; n--, i++) {
			if (text.ptr[i] < min || text.ptr[i] > max)
				return false;
			min = 0x80;
			max = 0xbf;
		}
	}
	return true;
}

void
cpnp_buf_init(cpnp_buf *buf, const cpnp_mem *mem, size_t max)
{
	*buf = (cpnp_buf){.max = max, .mem = mem};
}

void
cpnp_buf_init_fixed(cpnp_buf *buf, uint8_t *store, size_t size)
{
	*buf = (cpnp_buf){.ptr = store, .cap = size, .max = size};
}

void
cpnp_buf_fini(cpnp_buf *buf)
{
	if (buf->mem != NULL)
		buf->mem->free(buf->mem->user, buf->ptr);
	*buf = (cpnp_buf){.max = buf->max, .mem = buf->mem};
}

void
cpnp_buf_reset(cpnp_buf *buf)
{
	buf->len = 0;
	buf->err = 0;
}

cpnp_bytes
cpnp_buf_bytes(const cpnp_buf *buf)
{
	return (cpnp_bytes){buf->ptr, buf->len};
}

/* Make room for n more bytes; false when there is an error. */
static bool
buf_reserve(cpnp_buf *buf, size_t n)
{
	size_t cap;
	uint8_t *ptr;

	if (buf->err != 0)
		return false;
	if (n > buf->max - buf->len) {
		buf->err = CPNP_ERR_NO_SPACE;
		return false;
	}
	if (n <= buf->cap - buf->len)
		return true;
	cap = buf->cap < 64 ? 64 : buf->cap;
	while (cap - buf->len < n)
		cap = cap > SIZE_MAX / 2 ? buf->max : 2 * cap;
	cap = cap < buf->max ? cap : buf->max;
	ptr = buf->mem->realloc(buf->mem->user, buf->ptr, cap);
	if (ptr == NULL) {
		buf->err = CPNP_ERR_NOMEM;
		return false;
	}
	buf->ptr = ptr;
	buf->cap = cap;
	return true;
}

void
cpnp_buf_put_raw(cpnp_buf *buf, cpnp_bytes bytes)
{
	if (bytes.len == 0 || !buf_reserve(buf, bytes.len))
		return;
	memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
	buf->len += bytes.len;
}

void
cpnp_cbor_put_uint(cpnp_buf *buf, uint64_t value)
{
	uint8_t head[HEAD_MAX];

	cpnp_buf_put_raw(buf,
	    (cpnp_bytes){head, cbor_encode_uint(value, head, sizeof(head))});
}

void
cpnp_cbor_put_int(cpnp_buf *buf, int64_t value)
{
	uint8_t head[HEAD_MAX];

	if (value >= 0) {
		cpnp_cbor_put_uint(buf, (uint64_t)value);
		return;
	}
	cpnp_buf_put_raw(buf,
	    (cpnp_bytes){head,
		cbor_encode_negint(
		    (uint64_t)(-1 - value), head, sizeof(head))});
}

void
cpnp_cbor_put_bytes(cpnp_buf *buf, cpnp_bytes bytes)
{
	uint8_t head[HEAD_MAX];

	cpnp_buf_put_raw(buf,
	    (cpnp_bytes){head,
		cbor_encode_bytestring_start(
		    bytes.len, head, sizeof(head))});
	cpnp_buf_put_raw(buf, bytes);
}

void
cpnp_cbor_put_text(cpnp_buf *buf, cpnp_bytes text)
{
	uint8_t head[HEAD_MAX];

	if (buf->err == 0 && !cpnp_utf8_is_valid(text))
		buf->err = CPNP_ERR_INVALID;
	cpnp_buf_put_raw(buf,
	    (cpnp_bytes){head,
		cbor_encode_string_start(text.len, head, sizeof(head))});
	cpnp_buf_put_raw(buf, text);
}

void
cpnp_cbor_put_str(cpnp_buf *buf, const char *text)
{
	cpnp_cbor_put_text(buf, cpnp_bytes_str(text));
}

void
cpnp_cbor_put_bool(cpnp_buf *buf, bool value)
{
	uint8_t head = value ? 0xf5 : 0xf4;

	cpnp_buf_put_raw(buf, (cpnp_bytes){&head, 1});
}

void
cpnp_cbor_put_null(cpnp_buf *buf)
{
	uint8_t head = 0xf6;

	cpnp_buf_put_raw(buf, (cpnp_bytes){&head, 1});
}

void
cpnp_cbor_put_array(cpnp_buf *buf, size_t n)
{
	uint8_t head[HEAD_MAX];

	cpnp_buf_put_raw(buf,
	    (cpnp_bytes){head, cbor_encode_array_start(n, head, sizeof(head))});
}

void
cpnp_cbor_put_map(cpnp_buf *buf, size_t n)
{
	uint8_t head[HEAD_MAX];

	cpnp_buf_put_raw(buf,
	    (cpnp_bytes){head, cbor_encode_map_start(n, head, sizeof(head))});
}

void
cpnp_cbor_put_tag(cpnp_buf *buf, uint64_t tag)
{
	uint8_t head[HEAD_MAX];

	cpnp_buf_put_raw(buf,
	    (cpnp_bytes){head, cbor_encode_tag(tag, head, sizeof(head))});
}
