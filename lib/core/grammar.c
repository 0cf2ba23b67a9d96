/*
 * The grammar table: the only place that knows which attributes a message
 * carries.  RFC 8921, 9.2.1 to 9.2.11, and draft-02, 9.2.1 to 9.2.10, with
 * the rows of the project's list of contradictions named beside what they
 * decide.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "codec.h"

#define A(attr) CPNP_ATTR_BIT(CPNP_ATTR_##attr)

/* What may stand where the texts say <INFORMATION_ELEMENT>; the activation
 * attributes are Information Elements by decision 15. */
#define IE                                                                     \
	(A(CUSTOMER_DESCRIPTION) | A(PROVIDER_DESCRIPTION) |                   \
	    A(NEGOTIATION_OPTIONS) | A(ACTIVATION_TYPE) |                      \
	    A(ACTIVATION_SCHEDULE))

/* The extension attributes stand in every message. */
#define EXT                                                                    \
	(A(COOKIE) | A(EXPLANATION) | A(STATEMENT) | A(RECEIPT) |              \
	    A(SETTLEMENT_TERMS) | A(PAYMENT_AUTHORIZATION) | A(COMMIT_SET) |   \
	    A(PATH_MARKS) | A(HOP_LIMIT) | A(ORDER_PROGRESS))

/* What every message but FAIL has, without and with the provider's order
 * identifier, and with the NONCE. */
#define D02 (A(TRANSACTION_ID) | A(CUSTOMER_ORDER_ID))
#define D02_P (D02 | A(PROVIDER_ORDER_ID))
#define D02_PN (D02_P | A(NONCE))
#define RFC (A(SEQUENCE_NUMBER) | D02)
#define RFC_P (A(SEQUENCE_NUMBER) | D02_P)
#define RFC_PN (A(SEQUENCE_NUMBER) | D02_PN)

/* A part of a message: which of the three it is, a part, an answer or a
 * question, is for who puts parts together to judge.  A FAIL may be long and
 * name no transaction. */
#define PART                                                                   \
	(A(TRANSACTION_ID) | A(PART_OFFSET) | A(PART) | A(PARTS_HELD) | EXT)

/* Each row: what must stand, what may, what is sent though not demanded. */
static const struct cpnp_grammar_row draft02[CPNP_METHOD_END] = {
    [CPNP_METHOD_PARTS] = {A(TOTAL_LENGTH) | A(MESSAGE_DIGEST), PART, 0},
    [CPNP_METHOD_QUOTATION] = {D02 | A(SERVICE_DESCRIPTION),
	A(EXPECTED_RESPONSE_TIME) | IE | EXT, 0},
    [CPNP_METHOD_PROCESSING] = {D02_P, A(EXPECTED_OFFER_TIME) | EXT, 0},
    [CPNP_METHOD_OFFER] = {D02_PN | A(VALIDITY_OFFER_TIME) |
	    A(SERVICE_DESCRIPTION),
	IE | EXT, 0},
    [CPNP_METHOD_ACCEPT] = {D02_PN | A(SERVICE_DESCRIPTION), IE | EXT, 0},
    /* 3: the NONCE is not in the draft's format, but its checks want it */
    [CPNP_METHOD_DECLINE] = {D02_P, A(NONCE) | EXT, 0},
    [CPNP_METHOD_ACK] = {D02_P | A(SERVICE_DESCRIPTION), IE | EXT, 0},
    [CPNP_METHOD_CANCEL] = {D02, A(SERVICE_DESCRIPTION) | EXT, 0},
    [CPNP_METHOD_WITHDRAW] = {D02_PN, A(SERVICE_DESCRIPTION) | IE | EXT, 0},
    /* 16: the time is demanded by the texts, and optional on receipt */
    [CPNP_METHOD_UPDATE] = {D02_PN | A(SERVICE_DESCRIPTION), IE | EXT,
	A(EXPECTED_RESPONSE_TIME)},
    /* 29: FAIL names what was readable */
    [CPNP_METHOD_FAIL] = {A(STATUS_CODE), D02_P | EXT, 0},
};

static const struct cpnp_grammar_row rfc8921[CPNP_METHOD_END] = {
    [CPNP_METHOD_PARTS] = {A(SEQUENCE_NUMBER) | A(TOTAL_LENGTH) |
	    A(MESSAGE_DIGEST),
	PART, 0},
    [CPNP_METHOD_QUOTATION] = {RFC | A(SERVICE_DESCRIPTION),
	A(EXPECTED_RESPONSE_TIME) | IE | EXT, 0},
    [CPNP_METHOD_PROCESSING] = {RFC_P,
	A(EXPECTED_OFFER_TIME) | A(PROCESSING_SUBCODE) | EXT, 0},
    [CPNP_METHOD_OFFER] = {RFC_PN | A(VALIDITY_OFFER_TIME) |
	    A(SERVICE_DESCRIPTION),
	IE | EXT, 0},
    [CPNP_METHOD_ACCEPT] = {RFC_PN | A(SERVICE_DESCRIPTION), IE | EXT, 0},
    [CPNP_METHOD_DECLINE] = {RFC_PN, A(REASON) | EXT, 0},
    /* 11: the client's ACK carries the time that it grants */
    [CPNP_METHOD_ACK] = {RFC_P,
	A(EXPECTED_RESPONSE_TIME) | A(SERVICE_DESCRIPTION) | IE | EXT, 0},
    [CPNP_METHOD_CANCEL] = {RFC, A(SERVICE_DESCRIPTION) | EXT, 0},
    [CPNP_METHOD_WITHDRAW] = {RFC_PN, A(SERVICE_DESCRIPTION) | IE | EXT, 0},
    [CPNP_METHOD_UPDATE] = {RFC_PN | A(SERVICE_DESCRIPTION), IE | EXT,
	A(EXPECTED_RESPONSE_TIME)},
    [CPNP_METHOD_FAIL] = {A(SEQUENCE_NUMBER) | A(STATUS_CODE), D02_P | EXT, 0},
    [CPNP_METHOD_ACTIVATE] = {RFC_PN | A(ACTIVATION_SCHEDULE), IE | EXT, 0},
};

static bool
edition_exists(cpnp_edition edition)
{
	return edition == CPNP_EDITION_DRAFT02 ||
	    edition == CPNP_EDITION_RFC8921;
}

const struct cpnp_grammar_row *
cpnp_grammar_row(cpnp_edition edition, int method)
{
	const struct cpnp_grammar_row *rows =
	    edition == CPNP_EDITION_DRAFT02 ? draft02 : rfc8921;

	if (!edition_exists(edition) || method < 0 ||
	    method >= CPNP_METHOD_END || rows[method].must == 0)
		return NULL;
	return &rows[method];
}

cpnp_presence
cpnp_grammar(cpnp_edition edition, cpnp_method method, cpnp_attr attr)
{
	const struct cpnp_grammar_row *row =
	    cpnp_grammar_row(edition, (int)method);

	if (row == NULL || attr >= CPNP_ATTR_END)
		return CPNP_ABSENT;
	if (row->must & CPNP_ATTR_BIT(attr))
		return CPNP_MANDATORY;
	return (row->may | row->send) & CPNP_ATTR_BIT(attr) ? CPNP_OPTIONAL
							     : CPNP_ABSENT;
}

bool
cpnp_method_exists(cpnp_edition edition, int method)
{
	return cpnp_grammar_row(edition, method) != NULL;
}

const char *
cpnp_method_name(cpnp_edition edition, int method)
{
	static const char *const names[][CPNP_METHOD_END] = {
#define X(NAME, code, rfc, d02, s1, s2) [code] = d02,
	    [CPNP_EDITION_DRAFT02] = {CPNP_METHOD_MAP(X)},
#undef X
#define X(NAME, code, rfc, d02, s1, s2) [code] = rfc,
	    [CPNP_EDITION_RFC8921] = {CPNP_METHOD_MAP(X)},
#undef X
	};

	return cpnp_method_exists(edition, method) ? names[edition][method]
						   : "?";
}

const char *
cpnp_attr_name(cpnp_edition edition, cpnp_attr attr)
{
	static const char *const names[][CPNP_ATTR_END] = {
#define X(NAME, code, rfc, d02, sect) d02,
	    [CPNP_EDITION_DRAFT02] = {CPNP_ATTR_MAP(X)},
#undef X
#define X(NAME, code, rfc, d02, sect) rfc,
	    [CPNP_EDITION_RFC8921] = {CPNP_ATTR_MAP(X)},
#undef X
	};

	if (!edition_exists(edition) || attr >= CPNP_ATTR_END ||
	    names[edition][attr] == NULL)
		return "?";
	return names[edition][attr];
}

int32_t
cpnp_attr_code(cpnp_attr attr)
{
	static const int32_t codes[CPNP_ATTR_END] = {
#define X(NAME, code, rfc, d02, sect) code,
	    CPNP_ATTR_MAP(X)
#undef X
	};

	return attr < CPNP_ATTR_END ? codes[attr] : 0;
}

bool
cpnp_attr_by_code(int64_t code, cpnp_attr *attr)
{
	switch (code) {
#define X(NAME, value, rfc, d02, sect)                                         \
	case value:                                                            \
		*attr = CPNP_ATTR_##NAME;                                      \
		return true;
		CPNP_ATTR_MAP(X)
#undef X
	default:
		return false;
	}
}

const char *
cpnp_edition_name(cpnp_edition edition)
{
	switch (edition) {
	case CPNP_EDITION_DRAFT02:
		return "draft-02";
	case CPNP_EDITION_RFC8921:
		return "rfc8921";
	}
	return "?";
}

int
cpnp_edition_parse(const char *text, cpnp_edition *edition)
{
	if (strcmp(text, "draft-02") == 0)
		*edition = CPNP_EDITION_DRAFT02;
	else if (strcmp(text, "rfc8921") == 0)
		*edition = CPNP_EDITION_RFC8921;
	else
		return CPNP_ERR_INVALID;
	return 0;
}
