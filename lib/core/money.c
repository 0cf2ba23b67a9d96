/*
 * COST: [amount, code, issuer, exponent].
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "codec.h"

static bool
code_is_valid(cpnp_bytes code)
{
	for (size_t i = 0; i < code.len; i++) {
		uint8_t c = code.ptr[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

void
cpnp_money_encode(const cpnp_money *money, cpnp_buf *buf)
{
	if (money->amount < 0 || money->exponent > CPNP_TOKEN_EXPONENT_MAX ||
	    !code_is_valid(money->code))
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_array(buf, 4);
	cpnp_cbor_put_int(buf, money->amount);
	cpnp_cbor_put_text_in(buf, money->code, 1, CPNP_TOKEN_CODE_MAX);
	cpnp_cbor_put_text_in(buf, money->issuer, 0, CPNP_TOKEN_ISSUER_MAX);
	cpnp_cbor_put_uint(buf, money->exponent);
}

void
cpnp_money_decode(cpnp_money *money, cpnp_cbor_rd *rd)
{
	const uint8_t *start;

	*money = (cpnp_money){0};
	(void)cpnp_cbor_get_array(rd, 4, 4);
	money->amount = cpnp_cbor_get_int(rd, 0, INT64_MAX);
	start = rd->pos;
	money->code = cpnp_cbor_get_text(rd, 1, CPNP_TOKEN_CODE_MAX);
	if (rd->err == 0 && !code_is_valid(money->code)) {
		rd->pos = start;
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	}
	money->issuer = cpnp_cbor_get_text(rd, 0, CPNP_TOKEN_ISSUER_MAX);
	money->exponent =
	    (uint8_t)cpnp_cbor_get_uint(rd, 0, CPNP_TOKEN_EXPONENT_MAX);
}
