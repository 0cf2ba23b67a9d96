/*
 * The rating of an account: points for what it did, line by line.  An event
 * counts 1024 at first and half as much after each period, so that a rating
 * recovers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define EVENT_ONE 1024

static int64_t
epoch_now(const cpnp_ledger *l)
{
	return l->time / (int64_t)l->settings.rating_seconds;
}

/* What an old count is worth in a later epoch.  Settings that lengthen the
 * period make the epoch smaller: then nothing has faded. */
static uint64_t
faded(uint64_t count, int64_t from, int64_t to)
{
	if (to <= from)
		return count;
	return to - from >= 64 ? 0 : count >> (to - from);
}

void
rating_note(cpnp_ledger *l, struct account *account,
    enum cpnp_rating_event event, uint64_t units)
{
	int64_t epoch = epoch_now(l);

	for (size_t i = 0; i < CPNP_RATING_N; i++)
		account->events[i] =
		    faded(account->events[i], account->epoch, epoch);
	account->epoch = epoch;
	if (event != CPNP_RATING_ONLINE)
		units *= EVENT_ONE;
	if (account->events[event] <= UINT32_MAX)
		account->events[event] += units;
}

void
rating_of(const cpnp_ledger *l, const struct account *account,
    cpnp_rating *rating)
{
	static const char *const texts[CPNP_RATING_N] = {
#define RATING_TEXT(name, text) text,
	    CPNP_RATING_MAP(RATING_TEXT)
#undef RATING_TEXT
	};
	const cpnp_settings *s = &l->settings;
	int64_t points, sum = s->rating_start;

	memset(rating, 0, sizeof(*rating));
	rating->start = s->rating_start;
	rating->bound = s->rating_bound;
	for (size_t i = 0; i < CPNP_RATING_N; i++) {
		rating->lines[i].text = texts[i];
		rating->lines[i].weight = s->rating_weight[i];
		rating->lines[i].count = faded(
		    account->events[i], account->epoch, epoch_now(l));
		/* below 2^33 events times 1000 points */
		points = (int64_t)rating->lines[i].count *
		    s->rating_weight[i] / EVENT_ONE;
		if (points > s->rating_cap[i])
			points = s->rating_cap[i];
		if (points < -s->rating_cap[i])
			points = -s->rating_cap[i];
		rating->lines[i].points = (int32_t)points;
		sum += points;
	}
	sum = sum < 0 ? 0 : sum;
	rating->rating =
	    (int32_t)(sum > CPNP_RATING_MAX ? CPNP_RATING_MAX : sum);
}
