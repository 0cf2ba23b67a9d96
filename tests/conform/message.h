/*
 * Messages as cpnp-wire(7) describes them: a draft that is filled and
 * written, and a message that was read and checked.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CONFORM_MESSAGE_H
#define CONFORM_MESSAGE_H

#include "cbor.h"

enum edition { DRAFT02, RFC8921 }; /* the values of VERSION */

enum method {
	PARTS,
	QUOTATION,
	PROCESSING,
	OFFER,
	ACCEPT,
	DECLINE,
	ACK,
	CANCEL,
	WITHDRAW,
	UPDATE,
	FAIL,
	ACTIVATE,
	METHOD_END
};

enum attribute {
	SEQUENCE_NUMBER = 1,
	TRANSACTION_ID,
	CUSTOMER_ORDER_ID,
	PROVIDER_ORDER_ID,
	NONCE,
	RESPONSE_TIME,
	OFFER_TIME,
	VALIDITY,
	SERVICE,
	SUBCODE,
	REASON,
	STATUS,
	ACTIVATION_TYPE,
	ACTIVATION_SCHEDULE,
	CUSTOMER,
	PROVIDER,
	OPTIONS,
	TOTAL_LENGTH,
	MESSAGE_DIGEST,
	PART_OFFSET,
	PART,
	PARTS_HELD,
	COOKIE = -1,
	EXPLANATION = -2,
	STATEMENT = -3,
	PATH_MARKS = -8,
	HOP_LIMIT = -9
};

#define ATTRS_MAX 64

/* One attribute more than a message may have. */
struct draft {
	uint64_t version, method;
	size_t n;
	struct {
		int64_t code;
		size_t at, len; /* of the value, in pool */
	} attr[ATTRS_MAX + 2];
	struct bytes pool;
};

void draft_begin(struct draft *d, uint64_t version, uint64_t method);
/* Each replaces the attribute when it is there. */
void draft_raw(struct draft *d, int64_t code, struct span value);
void draft_uint(struct draft *d, int64_t code, uint64_t value);
void draft_text(struct draft *d, int64_t code, const char *text);
void draft_bytes(struct draft *d, int64_t code, struct span content);
void draft_drop(struct draft *d, int64_t code);
/* In deterministic form. */
void draft_write(const struct draft *d, struct bytes *out);
/* The map alone, its head as well; for messages of another form. */
void draft_write_map(const struct draft *d, struct bytes *out);

struct msg {
	struct bytes raw;
	uint64_t version, method;
	size_t n;
	struct {
		int64_t code;
		size_t at, len; /* of the value, in raw: it can be copied */
	} attr[ATTRS_MAX];
};

/* Take raw apart and check form, grammar and the values that every message
 * has.  NULL, or what is wrong. */
const char *msg_read(struct msg *m, const struct bytes *raw);
/* Attribute i of m->n. */
struct span msg_attr_at(const struct msg *m, size_t i);
/* The encoded value; p is NULL when it is not there. */
struct span msg_attr(const struct msg *m, int64_t code);
/* UINT64_MAX when it is not there or none. */
uint64_t msg_uint(const struct msg *m, int64_t code);
/* The content of a byte string or text. */
struct span msg_string(const struct msg *m, int64_t code);

const char *method_name(uint64_t version, uint64_t method);

/* Dates in the form of an edition; -1 when text is none. */
#define DATE_MAX 32
void date_write(char text[DATE_MAX], enum edition edition, int64_t seconds);
int64_t date_read(struct span text, enum edition edition);

#endif
