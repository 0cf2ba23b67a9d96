/*
 * Agreements, statements and openings are encoded to the bytes they came
 * from; a signed statement holds its payload.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/agreement.h>

#include "fuzz.h"

static uint8_t store[CPNP_AGREEMENT_MAX];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpnp_bytes input = {data, size}, payload;
	cpnp_order_opening opening;
	cpnp_agreement agreement;
	cpnp_statement statement;
	cpnp_diag diag = {0};
	cpnp_buf buf;
	int err;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = cpnp_agreement_decode(&agreement, input, &diag);
	HOLDS(diag.err == err && diag.offset <= size);
	if (err == 0) {
		HOLDS(cpnp_agreement_encode(&agreement, &buf) == 0);
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), input));
	}
	diag.err = 0;
	cpnp_buf_reset(&buf);
	err = cpnp_statement_decode(&statement, input, &diag);
	HOLDS(diag.err == err && diag.offset <= size);
	if (err == 0) {
		HOLDS(cpnp_statement_encode(&statement, &buf) == 0);
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), input));
		HOLDS(size <= CPNP_STATEMENT_PAYLOAD_MAX);
	}
	cpnp_buf_reset(&buf);
	if (cpnp_order_opening_decode(&opening, input) == 0) {
		HOLDS(cpnp_order_opening_encode(&opening, &buf) == 0);
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), input));
	}
	if (cpnp_statement_payload(input, &payload) == 0) {
		HOLDS(cpnp_cbor_check(input) == 0);
		HOLDS(payload.ptr > data &&
		    payload.ptr + payload.len < data + size);
	}
	return 0;
}
