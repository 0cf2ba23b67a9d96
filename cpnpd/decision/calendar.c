/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <cpnp/error.h>

#include "calendar.h"

/* The level changes by delta at time.  sum: of the subtree's deltas; peak:
 * the largest sum of its first k deltas, k from 1. */
typedef struct cpnp_calendar_step {
	struct cpnp_calendar_step *left;
	struct cpnp_calendar_step *right;
	uint64_t priority;
	int64_t time;
	int64_t delta;
	int64_t sum;
	int64_t peak;
} step;

static int64_t
sum_of(const step *s)
{
	return s == NULL ? 0 : s->sum;
}

static void
update(step *s)
{
	int64_t here = sum_of(s->left) + s->delta;

	s->sum = here + sum_of(s->right);
	s->peak = here;
	if (s->left != NULL && s->left->peak > s->peak)
		s->peak = s->left->peak;
	if (s->right != NULL && here + s->right->peak > s->peak)
		s->peak = here + s->right->peak;
}

/* Split s into the steps before time and those from time on. */
static void
split(step *s, int64_t time, step **before, step **after)
{
	if (s == NULL) {
		*before = *after = NULL;
	} else if (s->time < time) {
		split(s->right, time, &s->right, after);
		*before = s;
		update(s);
	} else {
		split(s->left, time, before, &s->left);
		*after = s;
		update(s);
	}
}

static step *
merge(step *a, step *b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (a->priority > b->priority) {
		a->right = merge(a->right, b);
		update(a);
		return a;
	}
	b->left = merge(a, b->left);
	update(b);
	return b;
}

/* Who chooses the times must not know the shape, or makes a list of the tree:
 * splitmix64 from a secret seed. */
static uint64_t
next_priority(cpnp_calendar *calendar)
{
	uint64_t z = calendar->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Change the level at time by delta, using *spare when a step is needed. */
static void
put_step(cpnp_calendar *calendar, int64_t time, int64_t delta, step **spare)
{
	step *before, *here, *after;

	split(calendar->root, time, &before, &after);
	split(after, time + 1, &here, &after);
	if (here == NULL) {
		here = *spare;
		*spare = NULL;
		here->time = time;
		here->priority = next_priority(calendar);
	}
	here->delta += delta;
	if (here->delta == 0) {
		free(here);
		here = NULL;
	} else {
		update(here);
	}
	calendar->root = merge(merge(before, here), after);
}

int
cpnp_calendar_add(cpnp_calendar *calendar, cpnp_wtime from, cpnp_wtime until,
    int64_t amount)
{
	step *first = calloc(1, sizeof(*first));
	step *second = calloc(1, sizeof(*second));
	int err = first == NULL || second == NULL ? CPNP_ERR_NOMEM : 0;

	if (err == 0) {
		put_step(calendar, from.sec, amount, &first);
		if (until.sec < CPNP_WTIME_MAX)
			put_step(calendar, until.sec, -amount, &second);
	}
	free(first);
	free(second);
	return err;
}

int64_t
cpnp_calendar_peak(
    const cpnp_calendar *calendar, cpnp_wtime from, cpnp_wtime until)
{
	/* Split and merge put every step back where it was. */
	cpnp_calendar *c = (cpnp_calendar *)(uintptr_t)calendar;
	step *before, *within, *after;
	int64_t peak;

	split(c->root, from.sec + 1, &before, &within);
	split(within, until.sec, &within, &after);
	peak = c->base + sum_of(before);
	if (within != NULL && within->peak > 0)
		peak += within->peak;
	c->root = merge(merge(before, within), after);
	return peak;
}

static const step *
first_of(const step *s)
{
	while (s != NULL && s->left != NULL)
		s = s->left;
	return s;
}

/* The last step that leads above limit, from level on; *next is the one behind
 * it.  NULL: there is none. */
static const step *
last_above(const step *s, int64_t level, int64_t limit, const step **next)
{
	const step *found = NULL;
	int64_t here;

	while (s != NULL && level + s->peak > limit) {
		here = level + sum_of(s->left) + s->delta;
		if (s->right != NULL && here + s->right->peak > limit) {
			level = here;
			s = s->right;
			continue;
		}
		if (here > limit) {
			found = s;
			if (s->right != NULL)
				*next = first_of(s->right);
			break;
		}
		*next = s;
		s = s->left;
	}
	return found;
}

bool
cpnp_calendar_above(const cpnp_calendar *calendar, cpnp_wtime from,
    cpnp_wtime until, int64_t limit, cpnp_wtime *end)
{
	/* As above. */
	cpnp_calendar *c = (cpnp_calendar *)(uintptr_t)calendar;
	step *before, *within, *after;
	const step *next;
	int64_t level;
	bool is_above;

	split(c->root, from.sec + 1, &before, &within);
	split(within, until.sec, &within, &after);
	level = c->base + sum_of(before);
	next = first_of(after);
	is_above = last_above(within, level, limit, &next) != NULL;
	if (!is_above && level > limit) {
		is_above = true;
		if (within != NULL)
			next = first_of(within);
	}
	end->sec = next != NULL ? next->time : CPNP_WTIME_MAX;
	c->root = merge(merge(before, within), after);
	return is_above;
}

static void
free_steps(step *s)
{
	if (s == NULL)
		return;
	free_steps(s->left);
	free_steps(s->right);
	free(s);
}

void
cpnp_calendar_advance(cpnp_calendar *calendar, cpnp_wtime now)
{
	step *past;

	split(calendar->root, now.sec + 1, &past, &calendar->root);
	calendar->base += sum_of(past);
	free_steps(past);
}

void
cpnp_calendar_fini(cpnp_calendar *calendar)
{
	free_steps(calendar->root);
	calendar->root = NULL;
	calendar->base = 0;
}
