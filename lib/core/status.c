/*
 * STATUS_CODE: one internal list, mapped for each edition (RFC 8921, 9.2.10;
 * draft-02, 9.2.10; decision 7).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "status.h"

const char *
cpnp_status_text(cpnp_status status)
{
	switch (status) {
	case CPNP_STATUS_NONE:
		return "no status";
#define X(NAME, value, rfc, d02, text)                                         \
	case CPNP_STATUS_##NAME:                                               \
		return text;
		CPNP_STATUS_MAP(X)
#undef X
	}
	return "unknown status";
}

cpnp_status
cpnp_error_status(int err)
{
	if (err == CPNP_ERR_COOKIE)
		return CPNP_STATUS_AUTHENTICATION_REQUIRED;
	if (err == CPNP_ERR_SIGNATURE || err == CPNP_ERR_FORBIDDEN)
		return CPNP_STATUS_AUTHORIZATION_FAILED;
	return CPNP_STATUS_MESSAGE_VALIDATION;
}

/* The code itself, 0 when the edition has none. */
static unsigned
own_code(cpnp_edition edition, cpnp_status status)
{
	bool is_draft = edition == CPNP_EDITION_DRAFT02;

	switch (status) {
	case CPNP_STATUS_NONE:
		return 0;
#define X(NAME, value, rfc, d02, text)                                         \
	case CPNP_STATUS_##NAME:                                               \
		return is_draft ? d02 : rfc;
		CPNP_STATUS_MAP(X)
#undef X
	}
	return 0;
}

unsigned
cpnp_status_code(cpnp_edition edition, cpnp_status status)
{
	unsigned code = own_code(edition, status);

	if (code != 0 || status == CPNP_STATUS_NONE)
		return code;
	if (status == CPNP_STATUS_AUTHORIZATION_FAILED)
		return own_code(
		    edition, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	if (status == CPNP_STATUS_MORE_TIME_REJECTED ||
	    status == CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE)
		return own_code(edition, CPNP_STATUS_MESSAGE_VALIDATION);
	return 0;
}

cpnp_status
cpnp_status_by_code(cpnp_edition edition, uint64_t code)
{
	bool is_draft = edition == CPNP_EDITION_DRAFT02;

	if (code == 0)
		return CPNP_STATUS_NONE;
#define X(NAME, value, rfc, d02, text)                                         \
	if (code == (is_draft ? d02 : rfc))                                    \
		return CPNP_STATUS_##NAME;
	CPNP_STATUS_MAP(X)
#undef X
	return CPNP_STATUS_NONE;
}
