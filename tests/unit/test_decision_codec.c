/*
 * What the project decided where the texts contradict themselves, as far as
 * the codec carries it out.  The number in a name is that of the row in the
 * list of contradictions.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "messages.h"

#define BOTH(edition)                                                          \
	for (cpnp_edition edition = CPNP_EDITION_DRAFT02;                      \
	     edition <= CPNP_EDITION_RFC8921; edition++)

static uint8_t store[CPNP_MSG_MAX];

/* Encode and decode; the first error. */
static int
round_trip(const cpnp_msg *msg, cpnp_msg *back)
{
	cpnp_buf buf;
	int err;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = cpnp_msg_encode(msg, &buf, NULL);
	return err != 0 ? err
			: cpnp_msg_decode(back, cpnp_buf_bytes(&buf), NULL);
}

/* The mandatory attributes of a method and some more. */
static cpnp_msg
message_with(cpnp_edition edition, int method, uint32_t more)
{
	return message_of(edition, method,
	    attrs_of(edition, method, CPNP_MANDATORY) | more);
}

START_TEST(test_decision_3_nonce_of_a_draft_decline_is_optional)
{
	cpnp_msg with = message_with(
	    CPNP_EDITION_DRAFT02, CPNP_METHOD_DECLINE, BIT(NONCE));
	cpnp_msg without =
	    message_with(CPNP_EDITION_DRAFT02, CPNP_METHOD_DECLINE, 0);
	cpnp_msg back;

	ck_assert_int_eq(round_trip(&with, &back), 0);
	unit_assert_bytes(back.nonce, with.nonce);
	ck_assert_int_eq(round_trip(&without, &back), 0);
	ck_assert(!cpnp_msg_has(&back, CPNP_ATTR_NONCE));
	ck_assert_int_eq(cpnp_grammar(CPNP_EDITION_RFC8921,
	    CPNP_METHOD_DECLINE, CPNP_ATTR_NONCE), CPNP_MANDATORY);
}
END_TEST

START_TEST(test_decision_4_ack_of_a_decline_has_the_empty_document)
{
	BOTH(edition) {
		cpnp_msg ack = message_with(
		    edition, CPNP_METHOD_ACK, BIT(SERVICE_DESCRIPTION));
		cpnp_msg back;

		ack.service_description = LIT("\x82\x00\x80");
		ck_assert_int_eq(round_trip(&ack, &back), 0);
		unit_assert_bytes(
		    back.service_description, ack.service_description);
	}
}
END_TEST

START_TEST(test_decision_6_infinite_is_absent)
{
	BOTH(edition) {
		cpnp_msg quotation =
		    message_with(edition, CPNP_METHOD_QUOTATION, 0);
		cpnp_msg back;

		ck_assert_int_eq(round_trip(&quotation, &back), 0);
		ck_assert(!cpnp_msg_has(
		    &back, CPNP_ATTR_EXPECTED_RESPONSE_TIME));
	}
}
END_TEST

START_TEST(test_decision_11_ack_of_the_client_grants_time)
{
	cpnp_msg ack = message_with(CPNP_EDITION_RFC8921, CPNP_METHOD_ACK,
	    BIT(EXPECTED_RESPONSE_TIME));
	cpnp_msg back;

	ck_assert_int_eq(round_trip(&ack, &back), 0);
	ck_assert_int_eq(back.expected_response_time.sec,
	    ack.expected_response_time.sec);
	ck_assert(!cpnp_msg_has(&back, CPNP_ATTR_SERVICE_DESCRIPTION));
}
END_TEST

START_TEST(test_decision_13_sequence_number_has_32_bits)
{
	cpnp_msg msg =
	    message_with(CPNP_EDITION_RFC8921, CPNP_METHOD_PROCESSING, 0);
	cpnp_msg back;
	cpnp_buf buf;

	msg.sequence_number = UINT32_MAX;
	ck_assert_int_eq(round_trip(&msg, &back), 0);
	ck_assert_uint_eq(back.sequence_number, UINT32_MAX);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	assemble(&msg, CPNP_ATTR_SEQUENCE_NUMBER,
	    LIT("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"), &buf);
	ck_assert_int_eq(cpnp_msg_decode(&back, cpnp_buf_bytes(&buf), NULL),
	    CPNP_ERR_RANGE);
}
END_TEST

START_TEST(test_decision_15_activation_in_quotation_and_offer)
{
	static const cpnp_schedule schedules[] = {
	    {.deactivate = true},
	    {0}, /* now, for good */
	    {.has_start = true, .start = {1796083200}},
	    {.has_end = true, .end = {1796083200}},
	};

	BOTH(edition) {
		for (size_t i = 0; i < 4; i++) {
			cpnp_msg msg = message_with(edition,
			    i % 2 == 0 ? CPNP_METHOD_QUOTATION
				       : CPNP_METHOD_OFFER,
			    BIT(ACTIVATION_TYPE) | BIT(ACTIVATION_SCHEDULE));
			cpnp_msg back;

			msg.activation_schedule = schedules[i];
			ck_assert_int_eq(round_trip(&msg, &back), 0);
			ck_assert(back.activation_schedule.deactivate ==
			    schedules[i].deactivate);
			ck_assert(back.activation_schedule.has_start ==
			    schedules[i].has_start);
			ck_assert(back.activation_schedule.has_end ==
			    schedules[i].has_end);
			ck_assert_int_eq(back.activation_schedule.start.sec,
			    schedules[i].start.sec);
			ck_assert_int_eq(back.activation_schedule.end.sec,
			    schedules[i].end.sec);
		}
	}
}
END_TEST

START_TEST(test_decision_16_update_is_sent_with_a_time_to_respond)
{
	BOTH(edition) {
		cpnp_msg update =
		    message_with(edition, CPNP_METHOD_UPDATE, 0);
		cpnp_msg back;
		cpnp_buf buf;

		ck_assert_int_eq(
		    round_trip(&update, &back), CPNP_ERR_ATTR_MISSING);
		cpnp_buf_init_fixed(&buf, store, sizeof(store));
		assemble(&update, -1, CPNP_BYTES_NONE, &buf);
		ck_assert_int_eq(cpnp_msg_decode(&back,
		    cpnp_buf_bytes(&buf), NULL), 0);
		update.present |= BIT(EXPECTED_RESPONSE_TIME);
		ck_assert_int_eq(round_trip(&update, &back), 0);
	}
}
END_TEST

START_TEST(test_decision_23_cost_in_both_editions)
{
	BOTH(edition) {
		cpnp_msg msg = message_with(edition, CPNP_METHOD_QUOTATION,
		    BIT(NEGOTIATION_OPTIONS));
		cpnp_msg back;

		ck_assert_int_eq(round_trip(&msg, &back), 0);
		ck_assert(back.options.has_cost && !back.options.cost_empty);
		ck_assert_int_eq(back.options.cost.amount, 1234);
		ck_assert_uint_eq(back.options.cost.exponent, 2);
		msg.options.cost_empty = true;
		ck_assert_int_eq(round_trip(&msg, &back), 0);
		ck_assert(back.options.has_cost && back.options.cost_empty);
	}
}
END_TEST

START_TEST(test_decision_24_version_numbers_of_the_editions)
{
	BOTH(edition) {
		cpnp_msg msg =
		    message_with(edition, CPNP_METHOD_QUOTATION, 0);
		cpnp_msg back;

		ck_assert_int_eq(round_trip(&msg, &back), 0);
		ck_assert_uint_eq(store[1], edition);
		ck_assert_int_eq(back.edition, edition);
		store[1] = 2;
		ck_assert_int_eq(cpnp_msg_decode(&back,
		    (cpnp_bytes){store, sizeof(store)}, NULL),
		    CPNP_ERR_VERSION);
	}
}
END_TEST

START_TEST(test_decision_26_no_recursion_in_both_editions)
{
	BOTH(edition) {
		cpnp_msg msg = message_with(edition, CPNP_METHOD_QUOTATION,
		    BIT(NEGOTIATION_OPTIONS));
		cpnp_msg back;

		ck_assert_int_eq(round_trip(&msg, &back), 0);
		ck_assert(back.options.no_recursion);
		msg.options = (cpnp_negotiation_options){0};
		ck_assert_int_eq(round_trip(&msg, &back), 0);
		ck_assert(!back.options.no_recursion);
	}
}
END_TEST

START_TEST(test_decision_29_fail_omits_what_was_not_readable)
{
	BOTH(edition) {
		const uint32_t ids[] = {0, BIT(TRANSACTION_ID),
		    BIT(CUSTOMER_ORDER_ID), BIT(PROVIDER_ORDER_ID),
		    BIT(TRANSACTION_ID) | BIT(CUSTOMER_ORDER_ID)};

		for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
			cpnp_msg fail = message_with(
			    edition, CPNP_METHOD_FAIL, ids[i]);
			cpnp_msg back;

			ck_assert_int_eq(round_trip(&fail, &back), 0);
			ck_assert_uint_eq(
			    back.present, fail.present | CPNP_MSG_HEAD_READ);
		}
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_decision_3_nonce_of_a_draft_decline_is_optional,
	    test_decision_4_ack_of_a_decline_has_the_empty_document,
	    test_decision_6_infinite_is_absent,
	    test_decision_11_ack_of_the_client_grants_time,
	    test_decision_13_sequence_number_has_32_bits,
	    test_decision_15_activation_in_quotation_and_offer,
	    test_decision_16_update_is_sent_with_a_time_to_respond,
	    test_decision_23_cost_in_both_editions,
	    test_decision_24_version_numbers_of_the_editions,
	    test_decision_26_no_recursion_in_both_editions,
	    test_decision_29_fail_omits_what_was_not_readable,
	};

	return unit_run(
	    "decision_codec", tests, sizeof(tests) / sizeof(tests[0]));
}
