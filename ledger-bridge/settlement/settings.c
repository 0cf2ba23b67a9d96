/* SPDX-License-Identifier: BSD-2-Clause */
#include "state.h"

#define SETTINGS_ITEMS 17
#define SECONDS_MAX CPNP_SERVICE_SECONDS_MAX
#define COUNT_MAX 1000000000

void
cpnp_settings_default(cpnp_settings *s)
{
	static const int32_t weights[CPNP_RATING_N] = {
	    [CPNP_RATING_ON_TIME] = 2,
	    [CPNP_RATING_LAPSED] = -10,
	    [CPNP_RATING_COMPLETED] = 10,
	    [CPNP_RATING_BREACHES] = -40,
	    [CPNP_RATING_WITHDRAWALS] = -80,
	    [CPNP_RATING_ONLINE] = 1};
	static const int32_t caps[CPNP_RATING_N] = {
	    [CPNP_RATING_ON_TIME] = 150,
	    [CPNP_RATING_LAPSED] = 200,
	    [CPNP_RATING_COMPLETED] = 250,
	    [CPNP_RATING_BREACHES] = 500,
	    [CPNP_RATING_WITHDRAWALS] = 500,
	    [CPNP_RATING_ONLINE] = 100};

	memset(s, 0, sizeof(*s));
	s->quorum = 1;
	s->amount_max = INT64_MAX / 4;
	s->op_seconds_max = 86400;
	s->idem_max = 1000000;
	s->open_max = 100000;
	s->offers_max = 1000;
	s->escrow_seconds_max = CPNP_OP_LIFE_MAX;
	s->offer_seconds_max = 31536000;
	s->set_total_max = 64;
	s->heartbeat_seconds = 600;
	s->rating_start = 500;
	s->rating_bound = 200;
	s->rating_seconds = 30 * 86400;
	memcpy(s->rating_weight, weights, sizeof(weights));
	memcpy(s->rating_cap, caps, sizeof(caps));
}

/* What no single field shows. */
static int
check(const cpnp_settings *s, cpnp_diag *diag)
{
	uint64_t ppm = 0;
	size_t i, j;

	if (s->pool_n > CPNP_POOLS_MAX)
		return settle_fail(diag, CPNP_ERR_TOO_LONG, "pools",
		    "more than CPNP_POOLS_MAX");
	for (i = 0; i < s->pool_n; i++) {
		ppm += s->pools[i].ppm;
		for (j = 0; j < i; j++)
			if (cpnp_bytes_equal(
			    s->pools[i].account, s->pools[j].account))
				return settle_fail(diag, CPNP_ERR_DUPLICATE,
				    "pools", "an account stands there twice");
	}
	if (s->pool_n > 0 ? ppm != CPNP_PPM : s->fee_ppm != 0)
		return settle_fail(diag, CPNP_ERR_RANGE, "pools",
		    "the shares of a fee add up to 1000000");
	return 0;
}

int
cpnp_settings_encode(const cpnp_settings *s, cpnp_buf *buf, cpnp_diag *diag)
{
	cpnp_settings back;
	size_t start = buf->len, i;
	int err;

	if (s->pool_n > CPNP_POOLS_MAX)
		return check(s, diag);
	cpnp_cbor_put_array(buf, SETTINGS_ITEMS);
	cpnp_cbor_put_uint(buf, s->quorum);
	cpnp_cbor_put_int(buf, s->amount_max);
	cpnp_cbor_put_uint(buf, s->op_seconds_max);
	cpnp_cbor_put_uint(buf, s->idem_max);
	cpnp_cbor_put_uint(buf, s->open_max);
	cpnp_cbor_put_uint(buf, s->offers_max);
	cpnp_cbor_put_uint(buf, s->escrow_seconds_max);
	cpnp_cbor_put_uint(buf, s->offer_seconds_max);
	cpnp_cbor_put_uint(buf, s->set_total_max);
	cpnp_cbor_put_uint(buf, s->heartbeat_seconds);
	cpnp_cbor_put_uint(buf, s->fee_ppm);
	cpnp_cbor_put_array(buf, s->pool_n);
	for (i = 0; i < s->pool_n; i++) {
		cpnp_cbor_put_array(buf, 2);
		cpnp_cbor_put_text(buf, s->pools[i].account);
		cpnp_cbor_put_uint(buf, s->pools[i].ppm);
	}
	cpnp_cbor_put_int(buf, s->rating_start);
	cpnp_cbor_put_int(buf, s->rating_bound);
	cpnp_cbor_put_uint(buf, s->rating_seconds);
	cpnp_cbor_put_array(buf, CPNP_RATING_N);
	for (i = 0; i < CPNP_RATING_N; i++)
		cpnp_cbor_put_int(buf, s->rating_weight[i]);
	cpnp_cbor_put_array(buf, CPNP_RATING_N);
	for (i = 0; i < CPNP_RATING_N; i++)
		cpnp_cbor_put_int(buf, s->rating_cap[i]);
	if (buf->err != 0)
		return buf->err;
	/* the decoder knows the limits */
	err = cpnp_settings_decode(&back,
	    (cpnp_bytes){buf->ptr + start, buf->len - start}, diag);
	return err != 0 ? CPNP_ERR_INVALID : 0;
}

static void
get_lines(cpnp_cbor_rd *rd, int32_t lines[CPNP_RATING_N], int64_t min)
{
	(void)cpnp_cbor_get_array(rd, CPNP_RATING_N, CPNP_RATING_N);
	for (size_t i = 0; i < CPNP_RATING_N; i++)
		lines[i] =
		    (int32_t)cpnp_cbor_get_int(rd, min, CPNP_RATING_MAX);
}

int
cpnp_settings_decode(cpnp_settings *s, cpnp_bytes bytes, cpnp_diag *diag)
{
	cpnp_cbor_rd rd;
	size_t i;

	memset(s, 0, sizeof(*s));
	cpnp_cbor_rd_init(&rd, bytes);
	(void)cpnp_cbor_get_array(&rd, SETTINGS_ITEMS, SETTINGS_ITEMS);
	s->quorum = (uint32_t)cpnp_cbor_get_uint(&rd, 1, OPERATORS_MAX);
	s->amount_max = cpnp_cbor_get_int(&rd, 1, INT64_MAX / 2);
	s->op_seconds_max = cpnp_cbor_get_uint(&rd, 1, CPNP_OP_LIFE_MAX);
	s->idem_max = cpnp_cbor_get_uint(&rd, 1, COUNT_MAX);
	s->open_max = cpnp_cbor_get_uint(&rd, 1, COUNT_MAX);
	s->offers_max = cpnp_cbor_get_uint(&rd, 0, COUNT_MAX);
	s->escrow_seconds_max = cpnp_cbor_get_uint(&rd, 1, SECONDS_MAX);
	s->offer_seconds_max = cpnp_cbor_get_uint(&rd, 1, SECONDS_MAX);
	s->set_total_max = cpnp_cbor_get_uint(&rd, 2,
	    CPNP_SET_MEMBERS_MAX * CPNP_SET_DEPTH_MAX);
	s->heartbeat_seconds = cpnp_cbor_get_uint(&rd, 1, SECONDS_MAX);
	s->fee_ppm = (uint32_t)cpnp_cbor_get_uint(&rd, 0, CPNP_PPM);
	s->pool_n = cpnp_cbor_get_array(&rd, 0, CPNP_POOLS_MAX);
	for (i = 0; i < s->pool_n && rd.err == 0; i++) {
		(void)cpnp_cbor_get_array(&rd, 2, 2);
		s->pools[i].account =
		    cpnp_cbor_get_text(&rd, 1, CPNP_ACCOUNT_MAX);
		if (rd.err == 0 && !name_is_valid(s->pools[i].account))
			cpnp_cbor_rd_fail(&rd, CPNP_ERR_RANGE);
		s->pools[i].ppm =
		    (uint32_t)cpnp_cbor_get_uint(&rd, 0, CPNP_PPM);
	}
	s->rating_start =
	    (int32_t)cpnp_cbor_get_int(&rd, 0, CPNP_RATING_MAX);
	s->rating_bound =
	    (int32_t)cpnp_cbor_get_int(&rd, 0, CPNP_RATING_MAX);
	s->rating_seconds = cpnp_cbor_get_uint(&rd, 1, SECONDS_MAX);
	get_lines(&rd, s->rating_weight, -CPNP_RATING_MAX);
	get_lines(&rd, s->rating_cap, 0);
	if (cpnp_cbor_rd_finish(&rd) != 0)
		return settle_fail(diag, rd.err, "settings",
		    "not an array of 17 values within their bounds");
	return check(s, diag);
}

bool
pools_exist(const cpnp_ledger *l, const cpnp_settings *settings)
{
	const struct account *pool;

	for (size_t i = 0; i < settings->pool_n; i++) {
		pool = account_find(l, settings->pools[i].account);
		if (pool == NULL || pool->status == CPNP_ACCOUNT_CLOSED)
			return false;
	}
	return true;
}

unsigned
settings_take(cpnp_ledger *l, const cpnp_settings *settings)
{
	cpnp_bytes name;
	size_t i;

	if (!pools_exist(l, settings))
		return CPNP_OUTCOME_PEER;
	l->settings = *settings;
	for (i = 0; i < settings->pool_n; i++) {
		name = settings->pools[i].account;
		memset(l->pool_names[i], 0, sizeof(l->pool_names[i]));
		memcpy(l->pool_names[i], name.ptr, name.len);
		l->settings.pools[i].account = (cpnp_bytes){
		    (const uint8_t *)l->pool_names[i], name.len};
	}
	return CPNP_OUTCOME_ACCEPTED;
}
