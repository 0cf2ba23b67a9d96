/*
 * A message on the wire, [version, method, {attribute code => value}].  What
 * may stand in it is asked of the grammar table, how a value looks of the
 * table of attributes; nothing here knows a method or an attribute by name,
 * but for the cookie.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "fault.h"

#define ALL_ATTRS (CPNP_ATTR_BIT(CPNP_ATTR_END) - 1)

/* What a decoder remembers beside the message: the first error. */
struct decoder {
	cpnp_msg *msg;
	cpnp_diag *diag;
	cpnp_cbor_rd rd;
	uint64_t allowed; /* attributes that may stand in this message */
	int err;
};

/* Remember an error and where it is, unless there is one. */
static void
fail(struct decoder *dec, int err, size_t offset, const char *where,
    const char *expect)
{
	if (dec->err == 0)
		dec->err =
		    cpnp_diag_set(dec->diag, err, offset, where, expect);
}

static int
attr_diag(cpnp_diag *diag, int err, size_t offset, cpnp_edition edition,
    cpnp_attr attr, const char *expect)
{
	char where[sizeof(diag->where)];
	const char *name = cpnp_attr_name(edition, attr);

	/* An edition has no name for what it lacks; the other has. */
	if (name[0] == '?')
		name = cpnp_attr_name(CPNP_EDITION_RFC8921, attr);
	(void)snprintf(where, sizeof(where), "attribute %s", name);
	return cpnp_diag_set(diag, err, offset, where, expect);
}

static void
fail_attr(struct decoder *dec, int err, size_t offset, cpnp_attr attr,
    const char *expect)
{
	if (dec->err == 0)
		dec->err = attr_diag(dec->diag, err, offset,
		    dec->msg->edition, attr, expect);
}

static void
decode_head(struct decoder *dec)
{
	cpnp_msg *msg = dec->msg;
	const struct cpnp_grammar_row *row;
	uint64_t version, method;
	size_t offset;

	(void)cpnp_cbor_get_array(&dec->rd, 3, 3);
	offset = (size_t)(dec->rd.pos - dec->rd.base);
	version = cpnp_cbor_get_uint(&dec->rd, 0, UINT64_MAX);
	method = cpnp_cbor_get_uint(&dec->rd, 0, UINT64_MAX);
	if (dec->rd.err != 0)
		return;
	if (version > CPNP_EDITION_RFC8921 && CPNP_FAULT(VERSION))
		version = CPNP_EDITION_RFC8921;
	if (version > CPNP_EDITION_RFC8921) {
		fail(dec, CPNP_ERR_VERSION, offset, "version",
		    "0 (draft-02) or 1 (rfc8921)");
		return;
	}
	msg->edition = (cpnp_edition)version;
	msg->method = method < CPNP_METHOD_END ? (cpnp_method)method
					       : CPNP_METHOD_END;
	msg->present = CPNP_MSG_HEAD_READ;
	row = cpnp_grammar_row(msg->edition, (int)msg->method);
	/* A method that is not known is refused, but the answer names what
	 * can be read of it. */
	dec->allowed = row == NULL ? ALL_ATTRS
				   : row->must | row->may | row->send;
	if (row == NULL)
		fail(dec, CPNP_ERR_METHOD, offset, "method",
		    msg->edition == CPNP_EDITION_DRAFT02 ? "0 to 10"
							 : "0 to 11");
}

/* Read one attribute.  One that is refused is skipped, so that those behind
 * it can still be read; only a breach of form ends the reading. */
static void
decode_attr(struct decoder *dec, int64_t *prev)
{
	cpnp_cbor_rd *rd = &dec->rd;
	const uint8_t *key_pos = rd->pos, *value_pos;
	size_t offset = (size_t)(key_pos - rd->base);
	int64_t key = cpnp_cbor_get_key(rd, prev);
	const struct cpnp_attr_form *form;
	cpnp_attr attr;
	char where[32];

	if (rd->err != 0)
		return;
	if (!cpnp_attr_by_code(key, &attr)) {
		if (key >= 0 ? !CPNP_FAULT(UNKNOWN) : CPNP_FAULT(IGNORED)) {
			(void)snprintf(where, sizeof(where), "attribute %lld",
			    (long long)key);
			fail(dec, CPNP_ERR_ATTR_UNKNOWN, offset, where, "");
		}
		(void)cpnp_cbor_get_item(rd);
		return;
	}
	form = &cpnp_attr_forms[attr];
	value_pos = rd->pos;
	if (!(dec->allowed & CPNP_ATTR_BIT(attr))) {
		fail_attr(dec, CPNP_ERR_ATTR_UNEXPECTED, offset, attr, "");
		(void)cpnp_cbor_get_item(rd);
		return;
	}
	form->get(dec->msg, form, rd);
	if (rd->err != 0) {
		fail_attr(dec, rd->err, rd->err_off, attr, form->expect);
		rd->err = 0;
		rd->pos = value_pos;
		(void)cpnp_cbor_get_item(rd);
		return;
	}
	dec->msg->present |= CPNP_ATTR_BIT(attr);
	if (attr == CPNP_ATTR_COOKIE)
		dec->msg->raw_cookie =
		    (cpnp_bytes){key_pos, (size_t)(rd->pos - key_pos)};
}

/* The first attribute of a set that is not empty. */
static cpnp_attr
first_of(uint64_t set)
{
	cpnp_attr attr = (cpnp_attr)0;

	while (!(set & CPNP_ATTR_BIT(attr)))
		attr++;
	return attr;
}

int
cpnp_msg_decode(cpnp_msg *msg, cpnp_bytes datagram, cpnp_diag *diag)
{
	struct decoder dec = {.msg = msg, .diag = diag};
	const struct cpnp_grammar_row *row;
	int64_t prev = CPNP_CBOR_NO_KEY;
	uint64_t missing;
	size_t n;

	memset(msg, 0, sizeof(*msg));
	msg->raw = datagram;
	if (datagram.len > CPNP_MSG_MAX)
		return cpnp_diag_set(diag, CPNP_ERR_TOO_LONG, CPNP_MSG_MAX,
		    "message", "at most 131072 bytes");
	cpnp_cbor_rd_init(&dec.rd, datagram);
	decode_head(&dec);
	if (dec.err != 0 && !(msg->present & CPNP_MSG_HEAD_READ))
		return dec.err;
	n = cpnp_cbor_get_map(&dec.rd, 0, CPNP_ATTRS_MAX);
	while (n-- > 0 && dec.rd.err == 0)
		decode_attr(&dec, &prev);
	if (cpnp_cbor_rd_finish(&dec.rd) != 0)
		fail(&dec, dec.rd.err, dec.rd.err_off, "message",
		    "[version, method, {attribute code => value}] in "
		    "deterministic CBOR");
	if (dec.err != 0)
		return dec.err;
	row = cpnp_grammar_row(msg->edition, (int)msg->method);
	missing = row->must & ~msg->present;
	if (missing != 0)
		fail_attr(&dec, CPNP_ERR_ATTR_MISSING, datagram.len,
		    first_of(missing), "");
	return dec.err;
}

/* The attributes of msg, when they are those of its method. */
static int
check_presence(const cpnp_msg *msg, uint64_t *present, cpnp_diag *diag)
{
	const struct cpnp_grammar_row *row =
	    cpnp_grammar_row(msg->edition, (int)msg->method);
	uint64_t wrong;

	*present = msg->present & ~CPNP_MSG_HEAD_READ;
	if (row == NULL)
		return cpnp_diag_set(
		    diag, CPNP_ERR_INVALID, 0, "method", "one of the edition");
	wrong = *present & ~(row->must | row->may | row->send);
	if ((wrong & ~ALL_ATTRS) != 0)
		return cpnp_diag_set(diag, CPNP_ERR_INVALID, 0, "present",
		    "a set of attributes");
	if (wrong != 0)
		return attr_diag(diag, CPNP_ERR_ATTR_UNEXPECTED, 0,
		    msg->edition, first_of(wrong), "");
	wrong = (row->must | row->send) & ~*present;
	if (wrong != 0)
		return attr_diag(diag, CPNP_ERR_ATTR_MISSING, 0, msg->edition,
		    first_of(wrong), "");
	return 0;
}

static size_t
count(uint64_t set)
{
	size_t n = 0;

	for (; set != 0; set &= set - 1)
		n++;
	return n;
}

int
cpnp_msg_encode(const cpnp_msg *msg, cpnp_buf *buf, cpnp_diag *diag)
{
	size_t start = buf->len;
	uint64_t present;
	unsigned attr;
	int err = check_presence(msg, &present, diag);

	if (err == 0 && buf->err != 0)
		err = cpnp_diag_set(diag, buf->err, start, "output", "");
	if (err != 0)
		return err;
	cpnp_cbor_put_array(buf, 3);
	cpnp_cbor_put_uint(buf, msg->edition);
	cpnp_cbor_put_uint(buf, msg->method);
	cpnp_cbor_put_map(buf, count(present));
	/* The order of the registry is the order of encoded keys. */
	for (attr = 0; attr < CPNP_ATTR_END && buf->err == 0; attr++) {
		const struct cpnp_attr_form *form = &cpnp_attr_forms[attr];

		if (!(present & CPNP_ATTR_BIT(attr)))
			continue;
		cpnp_cbor_put_int(buf, cpnp_attr_code((cpnp_attr)attr));
		form->put(msg, form, buf);
		if (buf->err != 0)
			(void)attr_diag(diag, buf->err, buf->len - start,
			    msg->edition, (cpnp_attr)attr, form->expect);
	}
	if (buf->err == 0 && buf->len - start > CPNP_MSG_MAX) {
		cpnp_buf_fail(buf, CPNP_ERR_NO_SPACE);
		(void)cpnp_diag_set(diag, buf->err, CPNP_MSG_MAX, "message",
		    "at most 131072 bytes");
	}
	if (buf->err != 0)
		buf->len = start;
	return buf->err;
}

/* A message taken apart around its cookie. */
struct split {
	cpnp_bytes head;   /* array, version and method */
	size_t attrs_n;    /* without the cookie */
	cpnp_bytes before; /* attributes before the place of a cookie ... */
	cpnp_bytes after;  /* ... and behind it */
};

static cpnp_bytes
between(const uint8_t *from, const uint8_t *to)
{
	return (cpnp_bytes){from, (size_t)(to - from)};
}

static int
split_message(struct split *split, cpnp_bytes message)
{
	int64_t prev = CPNP_CBOR_NO_KEY, key = 0;
	const uint8_t *start, *key_pos;
	cpnp_cbor_rd rd;
	size_t n;

	cpnp_cbor_rd_init(&rd, message);
	(void)cpnp_cbor_get_array(&rd, 3, 3);
	(void)cpnp_cbor_get_uint(&rd, 0, UINT64_MAX);
	(void)cpnp_cbor_get_uint(&rd, 0, UINT64_MAX);
	split->head = between(rd.base, rd.pos);
	n = cpnp_cbor_get_map(&rd, 0, CPNP_ATTRS_MAX);
	split->attrs_n = n;
	start = key_pos = rd.pos;
	for (; n > 0 && key >= 0 && rd.err == 0; n--) {
		key_pos = rd.pos;
		key = cpnp_cbor_get_key(&rd, &prev);
		(void)cpnp_cbor_get_value(&rd);
	}
	/* The cookie is the first of the negative codes. */
	if (key >= 0)
		key_pos = rd.pos;
	split->before = between(start, key_pos);
	if (key == cpnp_attr_code(CPNP_ATTR_COOKIE)) {
		split->attrs_n--;
		key_pos = rd.pos;
	}
	split->after = between(key_pos, rd.end);
	for (; n > 0 && rd.err == 0; n--) {
		(void)cpnp_cbor_get_key(&rd, &prev);
		(void)cpnp_cbor_get_value(&rd);
	}
	return cpnp_cbor_rd_finish(&rd);
}

int
cpnp_msg_digest(const cpnp_msg *msg, const cpnp_env *env,
    uint8_t digest[CPNP_SHA256_LEN])
{
	struct split split;
	uint8_t store[9];
	cpnp_buf map;
	int err = split_message(&split, msg->raw);

	if (err != 0)
		return err;
	/* The head of the map counts the cookie, so it is written again. */
	cpnp_buf_init_fixed(&map, store, sizeof(store));
	cpnp_cbor_put_map(&map, split.attrs_n);
	if (env->sha256(env->user,
		(cpnp_bytes[]){split.head, cpnp_buf_bytes(&map), split.before,
		    split.after},
		4, digest) != 0)
		return CPNP_ERR_CRYPTO;
	return 0;
}

int
cpnp_msg_set_cookie(cpnp_bytes message, cpnp_bytes cookie, cpnp_buf *out)
{
	struct split split;
	size_t start = out->len;
	int err = split_message(&split, message);

	if (err != 0)
		return err;
	if (cookie.len > CPNP_COOKIE_MAX)
		return CPNP_ERR_INVALID;
	cpnp_buf_put_raw(out, split.head);
	cpnp_cbor_put_map(out, split.attrs_n + (cookie.len > 0));
	cpnp_buf_put_raw(out, split.before);
	if (cookie.len > 0) {
		cpnp_cbor_put_int(out, cpnp_attr_code(CPNP_ATTR_COOKIE));
		cpnp_cbor_put_bytes(out, cookie);
	}
	cpnp_buf_put_raw(out, split.after);
	if (out->err == 0 && (out->len - start > CPNP_MSG_MAX ||
				 split.attrs_n + (cookie.len > 0) >
				     CPNP_ATTRS_MAX))
		cpnp_buf_fail(out, CPNP_ERR_NO_SPACE);
	if (out->err != 0)
		out->len = start;
	return out->err;
}
