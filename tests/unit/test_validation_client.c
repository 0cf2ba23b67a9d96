/*
 * What a client checks of each message: RFC 8921, Table 5, and draft-02, 10.1
 * (C30, C35, C43, R1, R12), a row for each condition.  What does not pass is
 * discarded silently, whatever is wrong with it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "validation.h"

#define M(name) CPNP_METHOD_##name
#define W(name) WRONG_##name

#define OFFERED "OP PROCESSING ?offer"

static const struct validation rows[] = {
    /* "an existing PQO with a state set to PQOSent"; in the other states by
     * contradictions.md, 10.  In PQOSent the client knows neither a Provider
     * Order Identifier nor a sequence number. */
    {"10.1 PROCESSING", M(PROCESSING), "PS", W(RIGHT), BOTH("SP")},
    {"10.1 PROCESSING", M(PROCESSING), "PS", W(ADDRESS), BOTH("SP")},
    {"10.1 PROCESSING", M(PROCESSING), "PS", W(PROVIDER), BOTH("SP")},
    {"10.1 PROCESSING", M(PROCESSING), "SP AS WD", W(RIGHT), BOTH("=")},
    /* More time is asked for in the one and granted; AcceptSent has no time
     * to be put off (contradictions.md, 10 and 11). */
    {"9.2.2 PROCESSING", M(PROCESSING), "SP", W(LATER),
	{"=", "= ACK"}},
    {"9.2.2 PROCESSING", M(PROCESSING), "AS", W(LATER), BOTH("=")},
    {"10.1 PROCESSING", M(PROCESSING), "CR OP CO EN", W(RIGHT), BOTH("x")},
    {"10.1 PROCESSING", M(PROCESSING), "CA", W(RIGHT), BOTH("= CANCEL~")},
    {"10.1 PROCESSING", M(PROCESSING), "CD CS", W(RIGHT),
	BOTH("= DECLINE~")},
    {"10.1 PROCESSING", M(PROCESSING), "PS SP AS CA CD WD", W(IDENTITY),
	BOTH("x")},
    {"10.1 PROCESSING", M(PROCESSING), "PS SP AS CA CD WD", W(TRANSACTION),
	BOTH("x")},
    {"10.1 PROCESSING", M(PROCESSING), "PS SP AS CA CD WD", W(CUSTOMER),
	BOTH("x")},
    {"10.1 PROCESSING", M(PROCESSING), "SP AS CA CD WD", W(PROVIDER),
	BOTH("x")},
    {"10.1 PROCESSING", M(PROCESSING), "PS SP AS CA CD WD", W(EDITION),
	BOTH("x")},
    {"10.1 PROCESSING", M(PROCESSING), "SP AS CA CD", W(LOWER),
	RFC8921("x")},
    {"10.1 PROCESSING", M(PROCESSING), "SP AS CA CD", W(EQUAL),
	RFC8921("x")},
    {"13 PROCESSING", M(PROCESSING), "SP AS CA CD WD", W(SWAPPED),
	BOTH("x")},

    {"10.1 OFFER", M(OFFER), "PS SP", W(RIGHT), BOTH(OFFERED)},
    {"10.1 OFFER", M(OFFER), "PS SP", W(ADDRESS), BOTH(OFFERED)},
    {"10.1 OFFER", M(OFFER), "OP", W(RIGHT), BOTH("= PROCESSING~")},
    {"10.1 OFFER", M(OFFER), "AS", W(RIGHT), BOTH("= ACCEPT~")},
    {"10.1 OFFER", M(OFFER), "OP AS", W(SERVICE), BOTH("x")},
    {"10.1 OFFER", M(OFFER), "OP AS", W(COST), BOTH("x")},
    {"10.1 OFFER", M(OFFER), "CR CO WD EN", W(RIGHT), BOTH("x")},
    {"10.1 OFFER", M(OFFER), "CA", W(RIGHT), BOTH("= CANCEL~")},
    {"10.1 OFFER", M(OFFER), "CD", W(RIGHT), BOTH("= DECLINE~")},
    {"10.1 OFFER", M(OFFER), "PS SP OP AS CA CD", W(IDENTITY), BOTH("x")},
    {"10.1 OFFER", M(OFFER), "PS SP OP AS CA CD", W(TRANSACTION),
	BOTH("x")},
    {"10.1 OFFER", M(OFFER), "PS SP OP AS CA CD", W(CUSTOMER), BOTH("x")},
    {"10.1 OFFER", M(OFFER), "SP OP AS CA CD", W(PROVIDER), BOTH("x")},
    {"10.1 OFFER", M(OFFER), "PS SP OP AS CA CD", W(EDITION), BOTH("x")},
    {"10.1 OFFER", M(OFFER), "SP OP AS CA CD", W(LOWER), RFC8921("x")},
    {"10.1 OFFER", M(OFFER), "SP OP AS CA CD", W(EQUAL), RFC8921("x")},
    {"13 OFFER", M(OFFER), "SP OP AS CA CD", W(SWAPPED), BOTH("x")},

    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(RIGHT), BOTH("CO .")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(ADDRESS), BOTH("CO .")},
    {"10.1 ACK (QUOTATION)", M(ACK), "CR PS SP OP CO CS EN", W(RIGHT),
	BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(IDENTITY), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(TRANSACTION), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(CUSTOMER), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(PROVIDER), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(SERVICE), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(EMPTY), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(REQUESTED), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(EDITION), BOTH("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(LOWER), RFC8921("x")},
    {"10.1 ACK (QUOTATION)", M(ACK), "AS", W(EQUAL), RFC8921("x")},
    {"13 ACK (QUOTATION)", M(ACK), "AS", W(SWAPPED), BOTH("x")},

    /* The new agreement, or the one that stands. */
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(RIGHT), BOTH("CO .")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(ADDRESS), BOTH("CO .")},
    {"10.1 ACK (UPDATE)", M(ACK), "UP US UO UC", W(RIGHT), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(IDENTITY), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(TRANSACTION), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(CUSTOMER), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(PROVIDER), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(SERVICE), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(EMPTY), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(EDITION), BOTH("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(LOWER), RFC8921("x")},
    {"10.1 ACK (UPDATE)", M(ACK), "UA", W(EQUAL), RFC8921("x")},
    {"13 ACK (UPDATE)", M(ACK), "UA", W(SWAPPED), BOTH("x")},
    {"11.1.3 PROCESSING", M(PROCESSING), "UP", W(RIGHT), BOTH("SP")},
    {"11.1.3 PROCESSING", M(PROCESSING), "UP US UA", W(TRANSACTION),
	BOTH("x")},
    {"11.1.3 OFFER", M(OFFER), "UP US", W(RIGHT), BOTH(OFFERED)},
    {"11.1.3 OFFER", M(OFFER), "UP US UO UA", W(TRANSACTION), BOTH("x")},
    {"11.1.3 OFFER", M(OFFER), "UP US UO UA", W(PROVIDER), BOTH("x")},
    {"11.1.3 FAIL", M(FAIL), "UP US UO UA", W(RIGHT), BOTH("CO .")},
    {"11.1.3 FAIL", M(FAIL), "UP US UO UA", W(IDENTITY), BOTH("x")},
    {"11.1.3 FAIL", M(FAIL), "UP US UO UA", W(TRANSACTION), BOTH("x")},
    {"11.1.3 FAIL", M(FAIL), "UP US UO UA", W(PROVIDER), BOTH("x")},

    /* contradictions.md, 4 and 30 */
    {"9.2.6 ACK (CANCEL)", M(ACK), "CA", W(REQUESTED), BOTH("= .")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(EMPTY), BOTH("= .")},
    {"9.2.6 ACK (DECLINE)", M(ACK), "CD", W(REQUESTED), BOTH("= .")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(SERVICE), BOTH("x")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(IDENTITY),
	BOTH("x")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(TRANSACTION),
	BOTH("x")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(CUSTOMER),
	BOTH("x")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(PROVIDER),
	BOTH("x")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(EDITION), BOTH("x")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(LOWER),
	RFC8921("x")},
    {"9.2.6 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(EQUAL),
	RFC8921("x")},
    {"13 ACK (CANCEL, DECLINE)", M(ACK), "CA CD", W(SWAPPED), BOTH("x")},

    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(EMPTY), BOTH("CA .")},
    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(RIGHT), BOTH("x")},
    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(SERVICE), BOTH("x")},
    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(IDENTITY), BOTH("x")},
    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(TRANSACTION), BOTH("x")},
    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(CUSTOMER), BOTH("x")},
    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(PROVIDER), BOTH("x")},
    {"10.1 ACK (WITHDRAW)", M(ACK), "WD", W(EDITION), BOTH("x")},
    {"13 ACK (WITHDRAW)", M(ACK), "WD", W(SWAPPED), BOTH("x")},

    /* The texts have no row for this one and the next (contradictions.md,
     * 30). */
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(RIGHT), RFC8921("CO .")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(ADDRESS), RFC8921("CO .")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AG", W(RIGHT), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(IDENTITY), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(TRANSACTION), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(CUSTOMER), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(PROVIDER), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(SERVICE), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(EMPTY), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(REQUESTED), RFC8921("x")},
    {"9.2.11 ACK (ACTIVATE)", M(ACK), "AO", W(EDITION), RFC8921("x")},
    {"13 ACK (ACTIVATE)", M(ACK), "AO", W(SWAPPED), RFC8921("x")},
    {"9.2.11 PROCESSING", M(PROCESSING), "AO", W(RIGHT), RFC8921("=")},
    {"9.2.11 PROCESSING", M(PROCESSING), "AG", W(RIGHT), RFC8921("x")},
    {"9.2.11 PROCESSING", M(PROCESSING), "AO", W(TRANSACTION),
	RFC8921("x")},
    {"9.2.11 PROCESSING", M(PROCESSING), "AO", W(PROVIDER), RFC8921("x")},
    {"9.2.11 OFFER", M(OFFER), "AO AG", W(RIGHT), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "AO", W(RIGHT), RFC8921("= .")},
    {"9.2.10 FAIL", M(FAIL), "AG", W(RIGHT), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "AO", W(IDENTITY), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "AO", W(TRANSACTION), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "AO", W(CUSTOMER), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "AO", W(PROVIDER), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "AO", W(COOKIE), RFC8921("x")},

    {"9.2.10 FAIL", M(FAIL), "PS SP OP AS", W(RIGHT), BOTH("CA .")},
    {"9.2.10 FAIL", M(FAIL), "PS SP OP AS", W(ADDRESS), BOTH("CA .")},
    {"9.2.10 FAIL", M(FAIL), "CA CD", W(RIGHT), BOTH("= .")},
    {"9.2.10 FAIL", M(FAIL), "WD", W(RIGHT), BOTH("CO .")},
    {"9.2.10 FAIL", M(FAIL), "CR CO CS EN", W(RIGHT), BOTH("x")},
    {"9.2.10 FAIL", M(FAIL), "PS SP OP AS CA CD WD", W(IDENTITY),
	BOTH("x")},
    {"9.2.10 FAIL", M(FAIL), "PS SP OP AS CA CD WD", W(TRANSACTION),
	BOTH("x")},
    {"9.2.10 FAIL", M(FAIL), "PS SP OP AS CA CD WD", W(CUSTOMER),
	BOTH("x")},
    {"9.2.10 FAIL", M(FAIL), "SP OP AS CA CD WD", W(PROVIDER), BOTH("x")},
    {"9.2.10 FAIL", M(FAIL), "PS SP OP AS CA CD WD", W(EDITION),
	BOTH("x")},
    {"9.2.10 FAIL", M(FAIL), "SP OP AS CA CD", W(LOWER), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "SP OP AS CA CD", W(EQUAL), RFC8921("x")},
    {"9.2.10 FAIL", M(FAIL), "PS SP OP AS CA CD WD", W(COOKIE), BOTH("x")},
    {"13 FAIL", M(FAIL), "SP OP AS CA CD WD", W(SWAPPED), BOTH("x")},
};

START_TEST(test_validation_table_5)
{
	validation_check(&rows[_i], false);
}
END_TEST

int
main(void)
{
	const struct unit_loop loop = {
	    test_validation_table_5, sizeof(rows) / sizeof(rows[0])};

	return unit_run_loop("validation_client", NULL, 0, &loop);
}
