/*
 * Messages of a peer that reconciles: whatever comes, we answer within the
 * bounds of a message or stop.  The input is cut at each 0xff 0x00.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "ranges.h"

#define ENTRIES 40

static void
found(void *user, const struct range_entry *mine,
    const struct range_entry *theirs)
{
	HOLDS(mine != NULL || theirs != NULL);
	HOLDS(theirs == NULL || theirs->state.len <= RANGES_STATE_MAX);
	(void)user;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range_entry entries[ENTRIES];
	struct ranges *r = NULL;
	size_t i, start = 0;
	cpnp_diag diag;
	cpnp_buf out;
	int err = 0;

	memset(entries, 0, sizeof(entries));
	for (i = 0; i < ENTRIES; i++) {
		entries[i].digest[0] = (uint8_t)(i * 6);
		entries[i].state = cpnp_bytes_str("agreed");
		entries[i].amounts = cpnp_bytes_str("1.00 EUR");
	}
	HOLDS(ranges_new(
	          &r, entries, ENTRIES, "b", "a", false, found, NULL) == 0);
	cpnp_buf_init(&out, &ledger_mem, RANGES_MESSAGE_MAX);
	for (i = 0; i <= size && err == 0; i++) {
		if (i < size && (i + 1 == size || data[i] != 0xff ||
		    data[i + 1] != 0))
			continue;
		err = ranges_recv(
		    r, (cpnp_bytes){data + start, i - start}, &diag);
		HOLDS(err == 0 || diag.err == err);
		cpnp_buf_reset(&out);
		HOLDS(err != 0 || ranges_send(r, &out) == 0);
		HOLDS(err != 0 || cpnp_cbor_check(cpnp_buf_bytes(&out)) == 0);
		start = i + 2;
		i++;
	}
	cpnp_buf_fini(&out);
	ranges_del(r);
	return 0;
}
