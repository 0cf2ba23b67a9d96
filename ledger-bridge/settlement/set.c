/*
 * Conditional escrow: all or none, over several levels.
 *
 * A set is made by the domain that heads it: payee of its first member (the
 * parent's escrow), payer of the others.  A set below belongs to the payee of
 * one of those others, and has that escrow as its own first member.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

struct set *
set_find(const cpnp_ledger *l, cpnp_bytes id)
{
	return (struct set *)map_find(&l->sets, id.ptr, id.len);
}

int
set_slot(const struct set *set, const uint8_t *digest)
{
	for (size_t i = 0; i < set->member_n; i++)
		if (memcmp(set->members[i].digest, digest,
		    CPNP_SHA256_LEN) == 0)
			return (int)i;
	return -1;
}

struct set *
set_top(struct set *set)
{
	while (set->upper != NULL)
		set = set->upper;
	return set;
}

/* The depth is bounded by CPNP_SET_DEPTH_MAX. */
bool
set_is_complete(const struct set *set)
{
	const struct escrow *e;
	size_t i;

	for (i = 0; i < set->member_n; i++) {
		e = set->members[i].escrow;
		if (e == NULL || e->state != CPNP_ESCROW_ACKNOWLEDGED)
			return false;
		if (set->members[i].lower != NULL &&
		    !set_is_complete(set->members[i].lower))
			return false;
	}
	return true;
}

/* Do something with each escrow at each level, and remove the sets: the
 * parent's first, each child before those below it. */
static void
finish(cpnp_ledger *l, struct set *set,
    void (*each)(cpnp_ledger *l, struct escrow *e))
{
	size_t i;

	for (i = 0; i < set->member_n; i++) {
		/* the first of a lower set was dealt with above */
		if (set->members[i].escrow != NULL &&
		    (i > 0 || set->upper == NULL))
			each(l, set->members[i].escrow);
		if (set->members[i].lower != NULL)
			finish(l, set->members[i].lower, each);
	}
	due_clear(&l->heap, &set->timed);
	map_remove(&l->sets, &set->timed.node);
	set->head->part_n--;
	set->head->open_n--;
	ledger_free(l, set);
}

void
set_post(cpnp_ledger *l, struct set *top)
{
	finish(l, top, escrow_post);
}

/* Who has not answered in time has let it lapse. */
static void
give_back(cpnp_ledger *l, struct escrow *e)
{
	if (e->state == CPNP_ESCROW_PENDING && e->can_lapse &&
	    l->time >= e->set->deadline)
		rating_note(l, e->payee, CPNP_RATING_LAPSED, 1);
	escrow_return(l, e);
}

void
set_void(cpnp_ledger *l, struct set *top)
{
	finish(l, top, give_back);
}

/* Where a lower set hangs: the member that is its parent must wait there, not
 * acknowledged, and be to be paid to the one who heads the lower set. */
static unsigned
check_upper(const struct call *call, struct set **upper, int *slot)
{
	const struct escrow *e;
	const struct set *top;

	*upper = set_find(call->ledger, call->op->upper);
	if (*upper == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	*slot = set_slot(*upper, call->op->members.ptr);
	if (*slot < 1)
		return CPNP_OUTCOME_SET;
	e = (*upper)->members[*slot].escrow;
	if (e == NULL || e->state != CPNP_ESCROW_PENDING)
		return CPNP_OUTCOME_STATE;
	if (e->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	if ((*upper)->members[*slot].lower != NULL)
		return CPNP_OUTCOME_EXISTS;
	if (call->op->until != (*upper)->deadline)
		return CPNP_OUTCOME_TIME;
	top = set_top(*upper);
	if ((*upper)->depth >= CPNP_SET_DEPTH_MAX ||
	    top->total + call->op->members.len / CPNP_SHA256_LEN - 1 >
		call->ledger->settings.set_total_max)
		return CPNP_OUTCOME_LIMIT;
	return CPNP_OUTCOME_ACCEPTED;
}

static unsigned
check_members(const struct call *call)
{
	const uint8_t *digests = call->op->members.ptr;
	size_t n = call->op->members.len / CPNP_SHA256_LEN, i, j;
	const cpnp_ledger *l = call->ledger;

	if (call->op->until <= l->time || call->op->until >
	    l->time + (int64_t)l->settings.escrow_seconds_max)
		return CPNP_OUTCOME_TIME;
	if (n > l->settings.set_total_max ||
	    call->account->open_n >= l->settings.open_max)
		return CPNP_OUTCOME_LIMIT;
	for (i = 1; i < n; i++)
		for (j = 0; j < i; j++)
			if (memcmp(digests + i * CPNP_SHA256_LEN,
			    digests + j * CPNP_SHA256_LEN,
			    CPNP_SHA256_LEN) == 0)
				return CPNP_OUTCOME_SET;
	return CPNP_OUTCOME_ACCEPTED;
}

static void
join(struct set *set, struct set *upper, int slot)
{
	set->upper = upper;
	set->upper_slot = (size_t)slot;
	set->depth = upper->depth + 1;
	set->members[0].escrow = upper->members[slot].escrow;
	upper->members[slot].lower = set;
	set_top(upper)->total += set->member_n - 1;
}

unsigned
do_commit_set(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct set *set, *upper = NULL;
	unsigned code;
	int slot = 0;

	code = check_members(call);
	if (code == CPNP_OUTCOME_ACCEPTED &&
	    (call->op->has & CPNP_OP_FIELD_BIT(UPPER)) != 0)
		code = check_upper(call, &upper, &slot);
	if (code != CPNP_OUTCOME_ACCEPTED)
		return code;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	set = ledger_alloc(l, sizeof(*set));
	if (set == NULL)
		return CPNP_OUTCOME_LIMIT;
	memcpy(set->id, call->digest, CPNP_SHA256_LEN);
	set->timed.node.key = set->id;
	set->timed.node.key_len = CPNP_SHA256_LEN;
	set->head = call->account;
	set->deadline = call->op->until;
	set->depth = 1;
	set->member_n = call->op->members.len / CPNP_SHA256_LEN;
	set->total = set->member_n;
	for (size_t i = 0; i < set->member_n; i++)
		memcpy(set->members[i].digest,
		    call->op->members.ptr + i * CPNP_SHA256_LEN,
		    CPNP_SHA256_LEN);
	set->head->part_n++;
	set->head->open_n++;
	map_insert(&l->sets, &set->timed.node);
	if (upper != NULL)
		join(set, upper, slot);
	else
		l->err = due_set(&l->heap, &l->env.env.mem, &set->timed,
		    DUE_SET, set->deadline);
	return CPNP_OUTCOME_ACCEPTED;
}
