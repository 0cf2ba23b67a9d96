/*
 * The values of attributes: one row says how each is read and written.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>

#include "codec.h"
#include "status.h"

void
cpnp_buf_fail(cpnp_buf *buf, int err)
{
	if (buf->err == 0)
		buf->err = err;
}

int
cpnp_diag_set(cpnp_diag *diag, int err, size_t offset, const char *where,
    const char *expect)
{
	if (diag == NULL || err == 0)
		return err;
	diag->err = err;
	diag->offset = offset;
	(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
	(void)snprintf(diag->why, sizeof(diag->why), "%s%s%s",
	    cpnp_strerror(err), expect[0] != '\0' ? "; right is " : "",
	    expect);
	return err;
}

void
cpnp_cbor_skip_unknown(cpnp_cbor_rd *rd, int64_t key, const uint8_t *key_pos)
{
	if (key < 0) {
		(void)cpnp_cbor_get_item(rd);
	} else if (rd->err == 0) {
		rd->pos = key_pos;
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNKNOWN);
	}
}

cpnp_bytes
cpnp_cbor_get_raw(cpnp_cbor_rd *rd, size_t max)
{
	const uint8_t *start = rd->pos;
	cpnp_bytes item = cpnp_cbor_get_item(rd);

	if (item.len <= max)
		return item;
	rd->pos = start;
	cpnp_cbor_rd_fail(rd, CPNP_ERR_TOO_LONG);
	return CPNP_BYTES_NONE;
}

void
cpnp_cbor_put_item(cpnp_buf *buf, cpnp_bytes item, size_t max)
{
	if (item.len > max)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	else if (cpnp_cbor_check(item) != 0)
		cpnp_buf_fail(buf, CPNP_ERR_INVALID);
	cpnp_buf_put_raw(buf, item);
}

void
cpnp_cbor_put_bytes_in(cpnp_buf *buf, cpnp_bytes bytes, size_t min, size_t max)
{
	if (bytes.len < min || bytes.len > max)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_bytes(buf, bytes);
}

void
cpnp_cbor_put_text_in(cpnp_buf *buf, cpnp_bytes text, size_t min, size_t max)
{
	if (text.len < min || text.len > max)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_text(buf, text);
}

bool
cpnp_order_id_is_valid(cpnp_bytes id)
{
	if (id.len < 1 || id.len > CPNP_ORDER_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		if (id.ptr[i] < 0x21 || id.ptr[i] > 0x7e)
			return false;
	}
	return true;
}

cpnp_bytes
cpnp_order_id_decode(cpnp_cbor_rd *rd)
{
	const uint8_t *start = rd->pos;
	cpnp_bytes id = cpnp_cbor_get_text(rd, 1, CPNP_ORDER_ID_MAX);

	if (rd->err == 0 && !cpnp_order_id_is_valid(id)) {
		rd->pos = start;
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	}
	return id;
}

void
cpnp_order_id_encode(cpnp_bytes id, cpnp_buf *buf)
{
	if (!cpnp_order_id_is_valid(id))
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_text(buf, id);
}

cpnp_bytes
cpnp_service_decode(cpnp_cbor_rd *rd)
{
	const uint8_t *start = rd->pos;

	(void)cpnp_cbor_get_array(rd, 2, 2);
	(void)cpnp_cbor_get_uint(rd, 0, UINT64_MAX);
	(void)cpnp_cbor_get_item(rd);
	return (cpnp_bytes){start, (size_t)(rd->pos - start)};
}

void
cpnp_service_encode(cpnp_bytes service, cpnp_buf *buf)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, service);
	(void)cpnp_service_decode(&rd);
	if (cpnp_cbor_rd_finish(&rd) != 0)
		cpnp_buf_fail(buf, CPNP_ERR_INVALID);
	cpnp_buf_put_raw(buf, service);
}

/* A member of the message at the offset that the form names. */
#define MEMBER(type, msg, form)                                                \
	((type *)(void *)((char *)(msg) + (form)->offset))
#define CONST_MEMBER(type, msg, form)                                          \
	((const type *)(const void *)((const char *)(msg) + (form)->offset))

static void
get_number(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	*MEMBER(uint32_t, msg, form) =
	    (uint32_t)cpnp_cbor_get_uint(rd, form->min, form->max);
}

static void
put_number(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	uint32_t number = *CONST_MEMBER(uint32_t, msg, form);

	if (number < form->min || number > form->max)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_uint(buf, number);
}

static void
get_bytes(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	*MEMBER(cpnp_bytes, msg, form) =
	    cpnp_cbor_get_bytes(rd, form->min, form->max);
}

static void
put_bytes(const cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_buf *buf)
{
	cpnp_cbor_put_bytes_in(buf, *CONST_MEMBER(cpnp_bytes, msg, form),
	    form->min, form->max);
}

static void
get_order_id(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	*MEMBER(cpnp_bytes, msg, form) = cpnp_order_id_decode(rd);
}

static void
put_order_id(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	cpnp_order_id_encode(*CONST_MEMBER(cpnp_bytes, msg, form), buf);
}

static void
get_date(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	*MEMBER(cpnp_wtime, msg, form) = cpnp_date_decode(msg->edition, rd);
}

static void
put_date(const cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_buf *buf)
{
	cpnp_date_encode(
	    msg->edition, *CONST_MEMBER(cpnp_wtime, msg, form), buf);
}

static void
get_service(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	(void)form;
	msg->service_description = cpnp_service_decode(rd);
}

static void
put_service(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	(void)form;
	cpnp_service_encode(msg->service_description, buf);
}

static void
get_subcode(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	msg->processing_subcode =
	    (cpnp_subcode)cpnp_cbor_get_uint(rd, form->min, form->max);
}

/* Write a small enumerated number that lies within the bounds of its form. */
static void
put_code(cpnp_buf *buf, const struct cpnp_attr_form *form, uint64_t code)
{
	if (code < form->min || code > form->max)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_uint(buf, code);
}

static void
put_subcode(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	put_code(buf, form, msg->processing_subcode);
}

static void
get_reasons(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	msg->reasons_n = cpnp_cbor_get_array(rd, 1, CPNP_REASONS_MAX);
	for (size_t i = 0; i < msg->reasons_n; i++)
		msg->reasons[i] =
		    (cpnp_reason)cpnp_cbor_get_uint(rd, form->min, form->max);
}

static void
put_reasons(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	if (msg->reasons_n < 1 || msg->reasons_n > CPNP_REASONS_MAX) {
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
		return;
	}
	cpnp_cbor_put_array(buf, msg->reasons_n);
	for (size_t i = 0; i < msg->reasons_n; i++)
		put_code(buf, form, msg->reasons[i]);
}

static void
get_status(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	const uint8_t *start = rd->pos;
	uint64_t code = cpnp_cbor_get_uint(rd, form->min, form->max);

	msg->status = cpnp_status_by_code(msg->edition, code);
	if (rd->err == 0 && msg->status == CPNP_STATUS_NONE) {
		rd->pos = start;
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	}
}

static void
put_status(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	put_code(buf, form, cpnp_status_code(msg->edition, msg->status));
}

static void
get_activation_type(cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_cbor_rd *rd)
{
	msg->activation_type =
	    (cpnp_activation_type)cpnp_cbor_get_uint(rd, form->min, form->max);
}

static void
put_activation_type(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	put_code(buf, form, msg->activation_type);
}

static void
get_schedule(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	(void)form;
	cpnp_schedule_decode(&msg->activation_schedule, &msg->edition, rd);
}

static void
put_schedule(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	(void)form;
	cpnp_schedule_encode(&msg->activation_schedule, &msg->edition, buf);
}

/* In the rows of descriptions max says whose it is: 1, the provider's. */
static void
get_description(cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_cbor_rd *rd)
{
	cpnp_description_decode(MEMBER(cpnp_description, msg, form),
	    msg->edition, form->max == 1, rd);
}

static void
put_description(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	cpnp_description_encode(CONST_MEMBER(cpnp_description, msg, form),
	    msg->edition, form->max == 1, buf);
}

static void
get_options(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	(void)form;
	cpnp_options_decode(&msg->options, rd);
}

static void
put_options(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	(void)form;
	cpnp_options_encode(&msg->options, buf);
}

static void
get_explanations(cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_cbor_rd *rd)
{
	(void)form;
	cpnp_explanations_decode(msg->explanations, &msg->explanations_n, rd);
}

static void
put_explanations(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	(void)form;
	cpnp_explanations_encode(msg->explanations, msg->explanations_n, buf);
}

static void
get_raw(cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_cbor_rd *rd)
{
	*MEMBER(cpnp_bytes, msg, form) = cpnp_cbor_get_raw(rd, form->max);
}

static void
put_raw(const cpnp_msg *msg, const struct cpnp_attr_form *form, cpnp_buf *buf)
{
	cpnp_cbor_put_item(
	    buf, *CONST_MEMBER(cpnp_bytes, msg, form), form->max);
}

static void
get_path_marks(cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_cbor_rd *rd)
{
	msg->path_marks_n = cpnp_cbor_get_array(rd, 1, CPNP_PATH_MARKS_MAX);
	for (size_t i = 0; i < msg->path_marks_n; i++)
		msg->path_marks[i] =
		    cpnp_cbor_get_bytes(rd, form->min, form->max);
}

static void
put_path_marks(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	if (msg->path_marks_n < 1 || msg->path_marks_n > CPNP_PATH_MARKS_MAX) {
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
		return;
	}
	cpnp_cbor_put_array(buf, msg->path_marks_n);
	for (size_t i = 0; i < msg->path_marks_n; i++)
		cpnp_cbor_put_bytes_in(
		    buf, msg->path_marks[i], form->min, form->max);
}

static void
get_hop_limit(cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_cbor_rd *rd)
{
	msg->hop_limit = (uint8_t)cpnp_cbor_get_uint(rd, form->min, form->max);
}

static void
put_hop_limit(const cpnp_msg *msg, const struct cpnp_attr_form *form,
    cpnp_buf *buf)
{
	put_code(buf, form, msg->hop_limit);
}

#define ROW(name, kind, member, min, max, expect)                              \
	[CPNP_ATTR_##name] = {get_##kind, put_##kind,                          \
	    offsetof(cpnp_msg, member), min, max, expect}
#define DATE "a date, \"2026-11-21T08:30:00Z\" in rfc8921, " \
	     "\"Sat, 21 Nov 2026 08:30:00 GMT\" in draft-02"
#define EXTENSION "an item of at most 4096 bytes in deterministic form"

const struct cpnp_attr_form cpnp_attr_forms[CPNP_ATTR_END] = {
    ROW(SEQUENCE_NUMBER, number, sequence_number, 0, UINT32_MAX,
	"an integer from 0 to 4294967295"),
    ROW(TRANSACTION_ID, bytes, transaction_id, CPNP_TRANSACTION_ID_MIN,
	CPNP_TRANSACTION_ID_MAX, "a byte string of 8 to 32 bytes"),
    ROW(CUSTOMER_ORDER_ID, order_id, customer_order_id, 0, 0,
	"a text of 1 to 64 printable ASCII characters without space"),
    ROW(PROVIDER_ORDER_ID, order_id, provider_order_id, 0, 0,
	"a text of 1 to 64 printable ASCII characters without space"),
    ROW(NONCE, bytes, nonce, CPNP_NONCE_MIN, CPNP_NONCE_MAX,
	"a byte string of 16 to 32 bytes"),
    ROW(EXPECTED_RESPONSE_TIME, date, expected_response_time, 0, 0, DATE),
    ROW(EXPECTED_OFFER_TIME, date, expected_offer_time, 0, 0, DATE),
    ROW(VALIDITY_OFFER_TIME, date, validity_offer_time, 0, 0, DATE),
    ROW(SERVICE_DESCRIPTION, service, service_description, 0, 0,
	"[type, body] in deterministic form"),
    ROW(PROCESSING_SUBCODE, subcode, processing_subcode,
	CPNP_SUBCODE_LOCAL_UPGRADE, CPNP_SUBCODE_EXTERNAL_RESOURCES, "1 or 2"),
    ROW(REASON, reasons, reasons, CPNP_REASON_UNACCEPTABLE_GAP,
	CPNP_REASON_ACTIVATION_TYPE, "an array of 1 to 8 codes from 1 to 3"),
    ROW(STATUS_CODE, status, status, 1, UINT32_MAX,
	"1 to 8 in rfc8921, 1 to 5 in draft-02"),
    ROW(ACTIVATION_TYPE, activation_type, activation_type,
	CPNP_ACTIVATION_PERMANENT, CPNP_ACTIVATION_SCHEDULED, "1 or 2"),
    ROW(ACTIVATION_SCHEDULE, schedule, activation_schedule, 0, 0,
	"0, or an array of a start or null and perhaps a later end"),
    ROW(CUSTOMER_DESCRIPTION, description, customer_description, 0, 0,
	"a map of texts of 1 to 255 bytes; draft-02 demands 1 and 2, name and "
	"electronic mail address"),
    ROW(PROVIDER_DESCRIPTION, description, provider_description, 0, 1,
	"a map of texts of 1 to 255 bytes; draft-02 demands 1 and 2, name and "
	"electronic mail address"),
    ROW(NEGOTIATION_OPTIONS, options, options, 0, 0,
	"a map of 1 cost, 2 purpose (1 or 2) and 3 no-recursion (true)"),
    ROW(TOTAL_LENGTH, number, total_length, 1, CPNP_MSG_MAX,
	"an integer from 1 to 131072"),
    ROW(MESSAGE_DIGEST, bytes, message_digest, CPNP_SHA256_LEN,
	CPNP_SHA256_LEN, "a byte string of 32 bytes"),
    ROW(PART_OFFSET, number, part_offset, 0, CPNP_MSG_MAX - 1,
	"an integer from 0 to 131071"),
    ROW(PART, bytes, part, 1, CPNP_DATAGRAM_MAX,
	"a byte string of 1 to 16384 bytes"),
    ROW(PARTS_HELD, bytes, parts_held, 1, CPNP_PARTS_HELD_MAX,
	"a byte string of 1 to 64 bytes"),
    ROW(COOKIE, bytes, cookie, 1, CPNP_COOKIE_MAX,
	"a byte string of 1 to 32 bytes"),
    ROW(EXPLANATION, explanations, explanations, 0, 0,
	"an array of 1 to 16 maps of texts of 1 to 255 bytes"),
    ROW(STATEMENT, bytes, statement, 1, CPNP_STATEMENT_MAX,
	"a byte string of 1 to 4096 bytes"),
    ROW(RECEIPT, bytes, receipt, 1, CPNP_RECEIPT_MAX,
	"a byte string of 1 to 4096 bytes"),
    ROW(SETTLEMENT_TERMS, raw, settlement_terms, 0, CPNP_EXTENSION_MAX,
	EXTENSION),
    ROW(PAYMENT_AUTHORIZATION, raw, payment_authorization, 0,
	CPNP_EXTENSION_MAX, EXTENSION),
    ROW(COMMIT_SET, raw, commit_set, 0, CPNP_EXTENSION_MAX, EXTENSION),
    ROW(PATH_MARKS, path_marks, path_marks, 1, CPNP_PATH_MARK_MAX,
	"an array of 1 to 64 byte strings of 1 to 32 bytes"),
    ROW(HOP_LIMIT, hop_limit, hop_limit, 0, UINT8_MAX,
	"an integer from 0 to 255"),
    ROW(ORDER_PROGRESS, raw, order_progress, 0, CPNP_EXTENSION_MAX, EXTENSION),
};
