/*
 * The message that the vectors of tests/vectors spell, and messages put
 * together from raw items.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_MESSAGES_H
#define TESTS_MESSAGES_H

#include <ctype.h>

#include "../../lib/core/codec.h"
#include "unit.h"

#define ALL_ATTRS (CPNP_ATTR_BIT(CPNP_ATTR_END) - 1)
#define BIT(attr) CPNP_ATTR_BIT(CPNP_ATTR_##attr)
#define LIT(text) CPNP_BYTES_LIT(text)

/* Every field of a message, whatever of it an edition and method carry. */
static inline cpnp_msg
message_of(cpnp_edition edition, int method, uint64_t present)
{
	return (cpnp_msg){
	    .edition = edition,
	    .method = (cpnp_method)method,
	    .present = present,
	    .sequence_number = 1234567890,
	    .transaction_id = LIT("\x00\x01\x02\x03\x04\x05\x06\x07"
				  "\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
	    .customer_order_id = LIT("order-1"),
	    .provider_order_id = LIT("P-42"),
	    .nonce = LIT("\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7"
			 "\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff"),
	    .expected_response_time = {1795249800},
	    .expected_offer_time = {1795249800 + 3600},
	    .validity_offer_time = {1795249800 + 86400},
	    .service_description = LIT("\x82\x00\x80"),
	    .processing_subcode = CPNP_SUBCODE_EXTERNAL_RESOURCES,
	    .reasons = {CPNP_REASON_UNACCEPTABLE_GAP,
		CPNP_REASON_ACTIVATION_TYPE},
	    .reasons_n = 2,
	    .status = CPNP_STATUS_OUT_OF_RESOURCES,
	    .activation_type = CPNP_ACTIVATION_SCHEDULED,
	    .activation_schedule = {.has_start = true,
		.has_end = true,
		.start = {1796083200},
		.end = {1798761599}},
	    .customer_description = {.name = LIT("ACME"),
		.email = LIT("noc@acme.example"),
		.postal_address = LIT("1 Main Street"),
		.telephone = {LIT("+33 1"), LIT("+33 2")},
		.telephone_n = 2},
	    .provider_description = {.name = LIT("Telco"),
		.email = LIT("noc@telco.example"),
		.has_as_number = true,
		.as_number = 64500},
	    .options = {.has_cost = true,
		.cost = {.amount = 1234, .code = LIT("EUR"), .exponent = 2},
		.purpose = CPNP_PURPOSE_PERMANENT,
		.no_recursion = true},
	    .total_length = 3,
	    .message_digest = LIT("\x60\x61\x62\x63\x64\x65\x66\x67"
				  "\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"
				  "\x70\x71\x72\x73\x74\x75\x76\x77"
				  "\x78\x79\x7a\x7b\x7c\x7d\x7e\x7f"),
	    .part_offset = 0,
	    .part = LIT("abc"),
	    .parts_held = LIT("\x80"),
	    .cookie = LIT("cookie"),
	    .explanations = {{LIT("capacity"), LIT("the link is full"),
		LIT("80 Mbit/s"), LIT("80 Mbit/s")}},
	    .explanations_n = 1,
	    .statement = LIT("statement"),
	    .receipt = LIT("receipt"),
	    .settlement_terms = LIT("\xa1\x01\x02"),
	    .payment_authorization = LIT("\x81\x01"),
	    .commit_set = LIT("\x63set"),
	    .path_marks = {LIT("a"), LIT("bc")},
	    .path_marks_n = 2,
	    .hop_limit = 8,
	    .order_progress = LIT("\x07"),
	};
}

/* The attributes of a method with a presence of at least that. */
static inline uint64_t
attrs_of(cpnp_edition edition, int method, cpnp_presence least)
{
	uint64_t set = 0;

	for (int a = 0; a < CPNP_ATTR_END; a++) {
		if (cpnp_grammar(edition, (cpnp_method)method,
			(cpnp_attr)a) >= least)
			set |= CPNP_ATTR_BIT(a);
	}
	return set;
}

/* Write msg without asking the grammar, the attribute raw_attr with the value
 * raw when that is not empty. */
static inline void
assemble(const cpnp_msg *msg, int raw_attr, cpnp_bytes raw, cpnp_buf *buf)
{
	size_t n = 0;

	for (int a = 0; a < CPNP_ATTR_END; a++)
		n += cpnp_msg_has(msg, (cpnp_attr)a);
	cpnp_cbor_put_array(buf, 3);
	cpnp_cbor_put_uint(buf, msg->edition);
	cpnp_cbor_put_uint(buf, msg->method);
	cpnp_cbor_put_map(buf, n);
	for (int a = 0; a < CPNP_ATTR_END; a++) {
		if (!cpnp_msg_has(msg, (cpnp_attr)a))
			continue;
		cpnp_cbor_put_int(buf, cpnp_attr_code((cpnp_attr)a));
		if (a == raw_attr && raw.len > 0)
			cpnp_buf_put_raw(buf, raw);
		else
			cpnp_attr_forms[a].put(
			    msg, &cpnp_attr_forms[a], buf);
	}
	ck_assert_int_eq(buf->err, 0);
}

/* The vector of a message: tests/vectors/EDITION-METHODsuffix.hex. */
static inline cpnp_bytes
vector_of(cpnp_edition edition, int method, const char *suffix, uint8_t *out)
{
	char path[128], name[32];
	cpnp_bytes bytes;
	char *text;
	size_t i;

	(void)snprintf(name, sizeof(name), "%s",
	    cpnp_method_name(edition, method));
	for (i = 0; name[i] != '\0'; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	(void)snprintf(path, sizeof(path), "tests/vectors/%s-%s%s.hex",
	    cpnp_edition_name(edition), name, suffix);
	text = unit_slurp(path);
	bytes = unit_hex(text, out);
	free(text);
	return bytes;
}

#endif
