/*
 * What a server checks of each message: RFC 8921, Table 6, and draft-02,
 * 10.2 (C35, R1, R12), a row for each condition; and what it answers to a
 * message that comes again (RFC 8921, 11.4; R14).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "validation.h"

#define M(name) CPNP_METHOD_##name
#define W(name) WRONG_##name

/* draft-02 has no Authorization Failed and no code of its own for it: 3,
 * Administratively prohibited (contradictions.md, 7). */
#define F1 "FAIL1!"
#define NOT_ALLOWED                                                            \
	{                                                                      \
		"FAIL4!", "FAIL3!"                                             \
	}
#define ENDS "CA ACK ."
#define AGREES "CO ACK ."
#define NEW "AW PROCESSING ?decide"

#define EVERY "AW OF PC AR CO CA EN"

static const struct validation rows[] = {
    /* "The source IP address passes existing access filters (if any). The
     * sequence number ... must not be lower": an equal one with other bytes
     * is no retransmission (contradictions.md, 12), and an identifier is
     * never used again (32). */
    {"10.2 QUOTATION", M(QUOTATION), "--", W(RIGHT), BOTH(NEW)},
    {"10.2 QUOTATION", M(QUOTATION), "--", W(FORBIDDEN), NOT_ALLOWED},
    {"10.2 QUOTATION", M(QUOTATION), EVERY, W(IDENTITY), BOTH(NEW)},
    {"10.2 QUOTATION", M(QUOTATION), EVERY, W(LOWER), RFC8921("x")},
    {"10.2 QUOTATION", M(QUOTATION), EVERY, W(EQUAL), RFC8921("x")},
    {"10.2 QUOTATION", M(QUOTATION), EVERY, W(SERVICE), BOTH(F1)},
    {"10.2 QUOTATION", M(QUOTATION), EVERY, W(TRANSACTION), BOTH(F1)},
    {"10.2 QUOTATION", M(QUOTATION), EVERY, W(EDITION), BOTH(F1)},

    /* "must be greater"; and it has to be of the OFFER. */
    {"10.2 PROCESSING", M(PROCESSING), "OF", W(RIGHT), BOTH("PC")},
    {"10.2 PROCESSING", M(PROCESSING), "OF", W(ADDRESS), BOTH("PC")},
    {"10.2 PROCESSING", M(PROCESSING), "PC", W(RIGHT), BOTH("=")},
    {"10.2 PROCESSING", M(PROCESSING), "AW AR CO CA EN", W(RIGHT), BOTH("x")},
    {"10.2 PROCESSING", M(PROCESSING), "OF PC", W(IDENTITY), BOTH("x")},
    {"10.2 PROCESSING", M(PROCESSING), "OF PC", W(TRANSACTION), BOTH("x")},
    {"10.2 PROCESSING", M(PROCESSING), "OF PC", W(CUSTOMER), BOTH("x")},
    {"10.2 PROCESSING", M(PROCESSING), "OF PC", W(PROVIDER), BOTH("x")},
    {"10.2 PROCESSING", M(PROCESSING), "OF PC", W(EDITION), BOTH("x")},
    {"10.2 PROCESSING", M(PROCESSING), "OF PC", W(LOWER), RFC8921("x")},
    {"10.2 PROCESSING", M(PROCESSING), "OF PC", W(EQUAL), RFC8921("x")},
    {"13 PROCESSING", M(PROCESSING), "OF PC", W(SWAPPED), BOTH("x")},

    /* In AwaitingProcessing too, and after the ACK that ACK is the answer
     * (contradictions.md, 5). */
    {"10.2 CANCEL", M(CANCEL), "AW OF PC AR", W(RIGHT), BOTH(ENDS)},
    {"10.2 CANCEL", M(CANCEL), "AW OF PC AR", W(ADDRESS), BOTH(ENDS)},
    {"10.2 CANCEL", M(CANCEL), "CO", W(RIGHT), BOTH("= ACK~")},
    {"10.2 CANCEL", M(CANCEL), "CA", W(RIGHT), BOTH("= ACK")},
    {"10.2 CANCEL", M(CANCEL), "EN", W(RIGHT), BOTH(F1)},
    {"10.2 CANCEL", M(CANCEL), EVERY, W(IDENTITY), BOTH(F1)},
    {"10.2 CANCEL", M(CANCEL), "AW OF PC AR CA EN", W(TRANSACTION),
	BOTH(F1)},
    /* It may have overtaken an UPDATE, which must not begin after it. */
    {"10.2 CANCEL", M(CANCEL), "CO", W(TRANSACTION), BOTH(F1 "+")},
    {"10.2 CANCEL", M(CANCEL), EVERY, W(CUSTOMER), BOTH(F1)},
    {"10.2 CANCEL", M(CANCEL), EVERY, W(EDITION), BOTH(F1)},
    {"10.2 CANCEL", M(CANCEL), EVERY, W(LOWER), RFC8921("x")},
    {"10.2 CANCEL", M(CANCEL), EVERY, W(EQUAL), RFC8921("x")},

    {"10.2 ACCEPT", M(ACCEPT), "OF PC", W(RIGHT), BOTH(AGREES)},
    {"10.2 ACCEPT", M(ACCEPT), "OF PC", W(ADDRESS), BOTH(AGREES)},
    {"10.2 ACCEPT", M(ACCEPT), "AW EN", W(RIGHT), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), "AR", W(RIGHT), BOTH("= PROCESSING")},
    {"10.2 ACCEPT", M(ACCEPT), "CO", W(RIGHT), BOTH("= ACK~")},
    {"10.2 ACCEPT", M(ACCEPT), "CA", W(RIGHT), BOTH("= FAIL1")},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(IDENTITY), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(TRANSACTION), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(CUSTOMER), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(PROVIDER), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(NONCE), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(NONCE_LONGER), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(SERVICE), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(EMPTY), BOTH(F1)},
    {"9.2.4 ACCEPT", M(ACCEPT), EVERY, W(COST), BOTH(F1)},
    {"9.2.4 ACCEPT", M(ACCEPT), EVERY, W(ACTIVATION), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(EDITION), BOTH(F1)},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(LOWER), RFC8921("x")},
    {"10.2 ACCEPT", M(ACCEPT), EVERY, W(EQUAL), RFC8921("x")},
    {"13 ACCEPT", M(ACCEPT), EVERY, W(SWAPPED), BOTH(F1)},

    /* The NONCE is optional in draft-02, and checked when it is there
     * (contradictions.md, 3). */
    {"10.2 DECLINE", M(DECLINE), "OF PC", W(RIGHT), BOTH(ENDS)},
    {"10.2 DECLINE", M(DECLINE), "OF PC", W(ADDRESS), BOTH(ENDS)},
    {"10.2 DECLINE", M(DECLINE), "AW AR CO EN", W(RIGHT), BOTH(F1)},
    {"10.2 DECLINE", M(DECLINE), "CA", W(RIGHT), BOTH("= ACK")},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(IDENTITY), BOTH(F1)},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(TRANSACTION), BOTH(F1)},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(CUSTOMER), BOTH(F1)},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(PROVIDER), BOTH(F1)},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(NONCE), RFC8921(F1)},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(NONCE_LONGER), RFC8921(F1)},
    {"9.2.6 DECLINE", M(DECLINE), "OF PC", W(NO_NONCE), DRAFT02(ENDS)},
    {"9.2.6 DECLINE", M(DECLINE), EVERY, W(NO_NONCE_PROVIDER), DRAFT02(F1)},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(LOWER), RFC8921("x")},
    {"10.2 DECLINE", M(DECLINE), EVERY, W(EQUAL), RFC8921("x")},
    {"13 DECLINE", M(DECLINE), EVERY, W(SWAPPED), BOTH(F1)},

    /* Only "for which a request to grant more time ... was requested", and
     * an ACK too (contradictions.md, 11); a FAIL may leave out the Provider
     * Order Identifier (29). */
    {"10.2 FAIL", M(FAIL), EVERY, W(RIGHT), BOTH("x")},
    {"10.2 FAIL", M(FAIL), "MT", W(RIGHT), RFC8921("= time no")},
    {"10.2 FAIL", M(FAIL), "MT", W(ADDRESS), RFC8921("= time no")},
    {"10.2 FAIL", M(FAIL), "MT", W(IDENTITY), RFC8921("x")},
    {"10.2 FAIL", M(FAIL), "MT", W(TRANSACTION), RFC8921("x")},
    {"10.2 FAIL", M(FAIL), "MT", W(CUSTOMER), RFC8921("x")},
    {"10.2 FAIL", M(FAIL), "MT", W(PROVIDER), RFC8921("x")},
    {"10.2 FAIL", M(FAIL), "MT", W(EDITION), RFC8921("x")},
    {"10.2 FAIL", M(FAIL), "MT", W(LOWER), RFC8921("x")},
    {"10.2 FAIL", M(FAIL), "MT", W(EQUAL), RFC8921("x")},
    {"13 FAIL", M(FAIL), "MT", W(SWAPPED), RFC8921("x")},
    {"9.2.2 ACK", M(ACK), EVERY, W(RIGHT), BOTH("x")},
    {"9.2.2 ACK", M(ACK), "MT", W(RIGHT), RFC8921("= time yes")},
    {"9.2.2 ACK", M(ACK), "MT", W(ADDRESS), RFC8921("= time yes")},
    {"9.2.2 ACK", M(ACK), "MT", W(IDENTITY), RFC8921("x")},
    {"9.2.2 ACK", M(ACK), "MT", W(TRANSACTION), RFC8921("x")},
    {"9.2.2 ACK", M(ACK), "MT", W(CUSTOMER), RFC8921("x")},
    {"9.2.2 ACK", M(ACK), "MT", W(PROVIDER), RFC8921("x")},
    {"9.2.2 ACK", M(ACK), "MT", W(EDITION), RFC8921("x")},
    {"9.2.2 ACK", M(ACK), "MT", W(LOWER), RFC8921("x")},
    {"9.2.2 ACK", M(ACK), "MT", W(EQUAL), RFC8921("x")},
    {"13 ACK", M(ACK), "MT", W(SWAPPED), RFC8921("x")},

    /* An agreement belongs to an identity and not to an address
     * (contradictions.md, 14); the Transaction-ID is a new one. */
    {"10.2 WITHDRAW", M(WITHDRAW), "CO", W(RIGHT), BOTH(ENDS)},
    {"10.2 WITHDRAW", M(WITHDRAW), "CO", W(ADDRESS), BOTH(ENDS)},
    {"10.2 WITHDRAW", M(WITHDRAW), "AG", W(TRANSACTION), RFC8921(ENDS)},
    {"10.2 WITHDRAW", M(WITHDRAW), "EN", W(RIGHT), BOTH("= ACK")},
    {"10.2 WITHDRAW", M(WITHDRAW), "AW OF PC AR CA", W(RIGHT), BOTH(F1)},
    {"10.2 WITHDRAW", M(WITHDRAW), EVERY, W(IDENTITY), BOTH(F1)},
    {"10.2 WITHDRAW", M(WITHDRAW), EVERY, W(CUSTOMER), BOTH(F1)},
    {"10.2 WITHDRAW", M(WITHDRAW), EVERY, W(PROVIDER), BOTH(F1)},
    {"10.2 WITHDRAW", M(WITHDRAW), EVERY, W(NONCE), BOTH(F1)},
    {"10.2 WITHDRAW", M(WITHDRAW), EVERY, W(NONCE_LONGER), BOTH(F1)},
    {"10.2 WITHDRAW", M(WITHDRAW), EVERY, W(EDITION), BOTH(F1)},
    {"11.3 WITHDRAW", M(WITHDRAW), "EN", W(LOWER), RFC8921("x")},
    {"11.3 WITHDRAW", M(WITHDRAW), "EN", W(EQUAL), RFC8921("x")},
    {"13 WITHDRAW", M(WITHDRAW), EVERY, W(SWAPPED), BOTH(F1)},

    {"10.2 UPDATE", M(UPDATE), "CO", W(RIGHT), BOTH(NEW)},
    {"10.2 UPDATE", M(UPDATE), "CO", W(ADDRESS), BOTH(NEW)},
    {"10.2 UPDATE", M(UPDATE), "UC", W(TRANSACTION), BOTH(NEW)},
    {"10.2 UPDATE", M(UPDATE), "AW OF PC AR CA EN", W(RIGHT), BOTH(F1)},
    {"9.2.9 UPDATE", M(UPDATE), "UC", W(RIGHT), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), "US UO UC", W(IDENTITY), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), "US UO UC", W(CUSTOMER), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), "US UO UC", W(PROVIDER), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), "US UO UC", W(NONCE), BOTH(F1)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(RIGHT), BOTH(AGREES)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(IDENTITY), BOTH(F1)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(TRANSACTION), BOTH(F1)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(PROVIDER), BOTH(F1)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(NONCE), BOTH(F1)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(SERVICE), BOTH(F1)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(COST), BOTH(F1)},
    {"11.2.3 ACCEPT", M(ACCEPT), "UO", W(LOWER), RFC8921("x")},
    {"11.2.3 DECLINE", M(DECLINE), "UO", W(RIGHT), BOTH(AGREES)},
    {"11.2.3 DECLINE", M(DECLINE), "UO", W(NONCE), RFC8921(F1)},
    {"11.2.3 DECLINE", M(DECLINE), "UO", W(TRANSACTION), BOTH(F1)},
    {"11.2.3 CANCEL", M(CANCEL), "US UO", W(RIGHT), BOTH(AGREES)},
    {"11.2.3 CANCEL", M(CANCEL), "US UO", W(TRANSACTION), BOTH(F1 "+")},
    {"11.2.3 WITHDRAW", M(WITHDRAW), "UC", W(TRANSACTION), BOTH(ENDS)},
    {"10.2 UPDATE", M(UPDATE), EVERY, W(IDENTITY), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), EVERY, W(CUSTOMER), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), EVERY, W(PROVIDER), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), EVERY, W(NONCE), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), EVERY, W(NONCE_LONGER), BOTH(F1)},
    {"10.2 UPDATE", M(UPDATE), EVERY, W(EDITION), BOTH(F1)},
    {"13 UPDATE", M(UPDATE), EVERY, W(SWAPPED), BOTH(F1)},

    /* What is granted is for a decision; a transaction that there was
     * begins no other. */
    {"10.2 ACTIVATE", M(ACTIVATE), "CO", W(RIGHT), RFC8921("= ?decide")},
    {"10.2 ACTIVATE", M(ACTIVATE), "CO", W(ADDRESS), RFC8921("= ?decide")},
    {"9.2.11 ACTIVATE", M(ACTIVATE), "AG", W(TRANSACTION),
	RFC8921("= ?decide")},
    {"9.2.11 ACTIVATE", M(ACTIVATE), "AO AG", W(RIGHT), RFC8921(F1)},
    {"10.2 ACTIVATE", M(ACTIVATE), "AW OF PC AR CA EN", W(RIGHT),
	RFC8921(F1)},
    {"11.3 ACTIVATE", M(ACTIVATE), "AO AG", W(LOWER), RFC8921("x")},
    {"11.3 ACTIVATE", M(ACTIVATE), "AO AG", W(EQUAL), RFC8921("x")},
    {"10.2 ACTIVATE", M(ACTIVATE), EVERY " AO AG", W(IDENTITY),
	RFC8921(F1)},
    {"10.2 ACTIVATE", M(ACTIVATE), EVERY " AO AG", W(CUSTOMER),
	RFC8921(F1)},
    {"10.2 ACTIVATE", M(ACTIVATE), EVERY " AO AG", W(PROVIDER),
	RFC8921(F1)},
    {"10.2 ACTIVATE", M(ACTIVATE), EVERY " AO AG", W(NONCE),
	RFC8921(F1)},
    {"10.2 ACTIVATE", M(ACTIVATE), EVERY " AO AG", W(NONCE_LONGER),
	RFC8921(F1)},
    {"13 ACTIVATE", M(ACTIVATE), EVERY " AO AG", W(SWAPPED),
	RFC8921(F1)},

    /* Not for a server at all. */
    {"10.1 OFFER", M(OFFER), EVERY, W(RIGHT), BOTH("x")},
};

START_TEST(test_validation_table_6)
{
	validation_check(&rows[_i], true);
}
END_TEST

/* Each method that Table 6 names has a row for each state and condition that
 * it names. */
START_TEST(test_validation_table_6_is_whole)
{
	static const struct {
		cpnp_method method;
		const char *conditions;
	} table[] = {{M(QUOTATION), "FL"}, {M(PROCESSING), "L"},
	    {M(CANCEL), "ITCL"}, {M(ACCEPT), "ITCPNSL"}, {M(FAIL), "ITCPL"},
	    {M(DECLINE), "ITCPNL"}, {M(UPDATE), "ICPN"},
	    {M(WITHDRAW), "ICPN"}, {M(ACTIVATE), "ICPN"}};
	static const struct {
		char letter;
		enum validation_wrong wrong;
	} letters[] = {{'F', W(FORBIDDEN)}, {'I', W(IDENTITY)},
	    {'T', W(TRANSACTION)}, {'C', W(CUSTOMER)}, {'P', W(PROVIDER)},
	    {'N', W(NONCE)}, {'S', W(SERVICE)}, {'L', W(LOWER)}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t j = 0; j < sizeof(letters) / sizeof(letters[0]);
		     j++) {
			bool is_there = false;

			if (strchr(table[i].conditions, letters[j].letter) ==
			    NULL)
				continue;
			for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]);
			     k++)
				is_there = is_there ||
				    (rows[k].method == table[i].method &&
					rows[k].wrong == letters[j].wrong);
			ck_assert_msg(is_there, "%s, %c",
			    cpnp_method_name(
				CPNP_EDITION_RFC8921, table[i].method),
			    letters[j].letter);
		}
}
END_TEST

/* ---- the same message again --------------------------------------------- */

/* The state that the message found or made, the message, and the answer. */
static const struct {
	const char *state;
	cpnp_method method;
	const char *outcome;
	const char *later;
} again[] = {
    {"AW", M(QUOTATION), "= PROCESSING~", "= PROCESSING~"},
    {"OF", M(QUOTATION), "= OFFER~", "= OFFER~"},
    {"PC", M(QUOTATION), "= OFFER~", "= OFFER~"},
    {"PC", M(PROCESSING), "-", "-"},
    {"AR", M(ACCEPT), "= PROCESSING", "= PROCESSING~"},
    {"CO", M(ACCEPT), "= ACK~", "= ACK~"},
    {"CA", M(DECLINE), "= ACK~", "= ACK~"},
    {"EN", M(WITHDRAW), "= ACK~", "= ACK~"},
};

static void
assert_outcome(struct peer *p, int err, const char *expected, const char *what)
{
	ck_assert_msg(strcmp(peer_outcome(p, err), expected) == 0,
	    "%s: \"%s\", expected \"%s\"", what, peer_outcome(p, err),
	    expected);
	peer_clear(p);
}

static void
check_again(size_t i, cpnp_edition edition)
{
	struct pair pair;
	struct peer *server = &pair.server;
	uint8_t bytes[CPNP_MSG_MAX];
	cpnp_bytes last;
	int err;

	validation_reach(&pair, edition, true, again[i].state);
	last = cpnp_order_doc(peer_order(&pair.client, "o1"),
	    again[i].method == M(QUOTATION) ? CPNP_DOC_REQUEST
					    : CPNP_DOC_LAST_OUT);
	memcpy(bytes, last.ptr, last.len);
	last.ptr = bytes;
	/* RFC 8921, 11.3: after the PROCESSING the number of the QUOTATION is
	 * an old one. */
	if (strcmp(again[i].state, "PC") == 0 &&
	    again[i].method == M(QUOTATION) &&
	    edition == CPNP_EDITION_RFC8921) {
		err = peer_feed(server, server->other, last);
		ck_assert_int_eq(err, CPNP_ERR_REPLAY);
		assert_outcome(server, err, "x", "replay");
		pair_fini(&pair);
		return;
	}
	err = peer_feed(server, server->other, last);
	assert_outcome(server, err, again[i].outcome, again[i].state);
	/* R14: at limited frequency */
	server->now.mono += server->config.resend_interval - 1;
	err = peer_feed(server, server->other, last);
	assert_outcome(server, err, "-", "too soon");
	server->now.mono += 1;
	err = peer_feed(server, server->other, last);
	assert_outcome(server, err, again[i].later, "later");
	pair_fini(&pair);
}

/* RFC 8921, 11.4; contradictions.md, 12. */
START_TEST(test_12_stored_answer_at_limited_frequency)
{
	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
		check_again(i, CPNP_EDITION_DRAFT02);
		check_again(i, CPNP_EDITION_RFC8921);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_validation_table_6_is_whole,
	    test_12_stored_answer_at_limited_frequency};
	const struct unit_loop loop = {
	    test_validation_table_6, sizeof(rows) / sizeof(rows[0])};

	return unit_run_loop("validation_server", tests,
	    sizeof(tests) / sizeof(tests[0]), &loop);
}
