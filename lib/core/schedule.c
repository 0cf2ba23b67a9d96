/*
 * ACTIVATION_SCHEDULE: the integer 0, which deactivates (RFC 8921, 9.2.11),
 * or [start, ?end] with null for a start that is now.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "codec.h"

static void
time_encode(const cpnp_edition *edition, cpnp_wtime time, cpnp_buf *buf)
{
	if (edition != NULL)
		cpnp_date_encode(*edition, time, buf);
	else
		cpnp_wtime_encode(time, buf);
}

static cpnp_wtime
time_decode(const cpnp_edition *edition, cpnp_cbor_rd *rd)
{
	return edition != NULL ? cpnp_date_decode(*edition, rd)
			       : cpnp_wtime_decode(rd);
}

static bool
is_in_order(const cpnp_schedule *schedule)
{
	return !schedule->has_start || !schedule->has_end ||
	    schedule->end.sec > schedule->start.sec;
}

void
cpnp_schedule_encode(const cpnp_schedule *schedule,
    const cpnp_edition *edition, cpnp_buf *buf)
{
	if (schedule->deactivate) {
		cpnp_cbor_put_uint(buf, 0);
		return;
	}
	if (!is_in_order(schedule))
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	cpnp_cbor_put_array(buf, schedule->has_end ? 2 : 1);
	if (schedule->has_start)
		time_encode(edition, schedule->start, buf);
	else
		cpnp_cbor_put_null(buf);
	if (schedule->has_end)
		time_encode(edition, schedule->end, buf);
}

void
cpnp_schedule_decode(cpnp_schedule *schedule, const cpnp_edition *edition,
    cpnp_cbor_rd *rd)
{
	const uint8_t *start = rd->pos;

	*schedule = (cpnp_schedule){0};
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_UINT) {
		(void)cpnp_cbor_get_uint(rd, 0, 0);
		schedule->deactivate = true;
		return;
	}
	schedule->has_end = cpnp_cbor_get_array(rd, 1, 2) == 2;
	schedule->has_start = cpnp_cbor_peek(rd) != CPNP_CBOR_NULL;
	if (schedule->has_start)
		schedule->start = time_decode(edition, rd);
	else
		cpnp_cbor_get_null(rd);
	if (schedule->has_end)
		schedule->end = time_decode(edition, rd);
	if (rd->err == 0 && !is_in_order(schedule)) {
		rd->pos = start;
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	}
}
