/*
 * Conditional escrow: all or none over several levels (F4).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

#define MEMBERS_MAX 8

/* A set in the making: its authorizations exist before it does. */
struct plan {
	cpnp_op ops[MEMBERS_MAX];
	enum who payers[MEMBERS_MAX], payees[MEMBERS_MAX];
	uint8_t ids[MEMBERS_MAX][CPNP_SHA256_LEN];
	uint8_t members[MEMBERS_MAX * CPNP_SHA256_LEN];
	size_t n;
	uint8_t id[CPNP_SHA256_LEN];
	int64_t deadline;
};

static void
plan_add(struct plan *plan, enum who payer, enum who payee, int64_t amount)
{
	cpnp_op *op = &plan->ops[plan->n];

	*op = fx_authorize(payer, payee, amount);
	plan->payers[plan->n] = payer;
	plan->payees[plan->n] = payee;
	ck_assert_int_eq(cpnp_op_member(op, &w.env->env,
	    plan->members + plan->n * CPNP_SHA256_LEN), 0);
	plan->n++;
}

static cpnp_op
plan_set(struct plan *plan, enum who head, const struct plan *upper)
{
	cpnp_op op = fx_op(CPNP_OP_COMMIT_SET, head);

	plan->deadline = upper != NULL ? upper->deadline
				       : fx_now() + HOUR / 2;
	op.until = plan->deadline;
	op.members = (cpnp_bytes){plan->members, plan->n * CPNP_SHA256_LEN};
	HAVE(op, UNTIL), HAVE(op, MEMBERS);
	if (upper != NULL) {
		op.upper = (cpnp_bytes){upper->id, CPNP_SHA256_LEN};
		HAVE(op, UPPER);
	}
	return op;
}

static void
plan_make(struct plan *plan, enum who head, const struct plan *upper)
{
	cpnp_op op = plan_set(plan, head, upper);

	OK(op, head);
	memcpy(plan->id, w.digest, CPNP_SHA256_LEN);
}

static cpnp_op *
plan_join_op(struct plan *plan, size_t i)
{
	plan->ops[i].set = (cpnp_bytes){plan->id, CPNP_SHA256_LEN};
	HAVE(plan->ops[i], SET);
	return &plan->ops[i];
}

static void
plan_join(struct plan *plan, size_t i)
{
	fx_escrow(plan_join_op(plan, i), plan->payers[i], plan->payees[i],
	    false, plan->ids[i]);
}

static void
plan_acknowledge(struct plan *plan, size_t i)
{
	ABOUT_OK(ACKNOWLEDGE, plan->payees[i], plan->ids[i]);
}

/* Customer -> prov -> supp, supp2. */
static void
plan_one_level(struct plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	fx_mint(CUST, 1000);
	fx_mint(PROV, 1000);
	plan_add(plan, CUST, PROV, 900);
	plan_add(plan, PROV, SUPP, 300);
	plan_add(plan, PROV, SUPP2, 200);
	plan_make(plan, PROV, NULL);
}

static cpnp_set_view
set_view(const struct plan *plan)
{
	cpnp_set_view view;

	ck_assert_int_eq(
	    cpnp_ledger_get_set(w.ledger, plan->id, &view), 0);
	return view;
}

START_TEST(test_set_posts_when_all_are_there)
{
	struct plan plan;
	cpnp_set_view view;
	size_t i;

	plan_one_level(&plan);
	for (i = 0; i < plan.n; i++)
		plan_join(&plan, i);
	plan_acknowledge(&plan, 0);
	plan_acknowledge(&plan, 2);
	fx_snapshot();
	view = set_view(&plan);
	ck_assert_uint_eq(view.pending_n, 1);
	ck_assert_uint_eq(view.acknowledged_n, 2);
	ck_assert_int_eq(
	    fx_view(plan.ids[0]).state, CPNP_ESCROW_ACKNOWLEDGED);
	plan_acknowledge(&plan, 1);
	for (i = 0; i < plan.n; i++)
		ck_assert_int_eq(fx_event(CPNP_FACT_POSTED, plan.ids[i]),
		    plan.ops[i].amount);
	ck_assert_int_eq(cpnp_ledger_get_set(w.ledger, plan.id, &view),
	    CPNP_ERR_NOT_FOUND);
	fx_time(fx_now() + DAY);
	HAS_FREE(PROV, 1000 + 900 - 500);
	HAS_FREE(SUPP, 300);
	HAS_FREE(SUPP2, 200);
}
END_TEST

START_TEST(test_set_is_void_at_its_deadline)
{
	struct plan plan;
	size_t i;

	plan_one_level(&plan);
	for (i = 0; i < plan.n; i++)
		plan_join(&plan, i);
	plan_acknowledge(&plan, 0);
	plan_acknowledge(&plan, 1);
	fx_time(plan.deadline - 1);
	HAS_HELD(CUST, 900);
	fx_time(plan.deadline);
	for (i = 0; i < plan.n; i++)
		ck_assert(fx_is_gone(plan.ids[i]));
	HAS_FREE(CUST, 1000);
	HAS_FREE(PROV, 1000);
}
END_TEST

/* One who goes back takes all with him, also who has acknowledged. */
START_TEST(test_void_of_one_is_void_of_all)
{
	struct plan plan;
	size_t i;

	plan_one_level(&plan);
	for (i = 0; i < plan.n; i++)
		plan_join(&plan, i);
	plan_acknowledge(&plan, 0);
	plan_acknowledge(&plan, 1);
	ABOUT_REFUSED(VOID, CUST, plan.ids[0], STATE);
	ABOUT_OK(VOID, SUPP, plan.ids[1]);
	for (i = 0; i < plan.n; i++)
		ck_assert(fx_event(CPNP_FACT_RETURNED, plan.ids[i]) >= 0);
	HAS_FREE(CUST, 1000);
	HAS_FREE(PROV, 1000);
}
END_TEST

START_TEST(test_only_named_members_join)
{
	struct plan plan, thief;
	cpnp_op op;

	plan_one_level(&plan);
	fx_mint(SUPP2, 1000);
	/* another amount, another order: not the member that was named */
	op = *plan_join_op(&plan, 0);
	op.amount--;
	op.idem = CPNP_BYTES_LIT("less");
	REFUSED(op, CUST, SET);
	/* somebody heads a set with members that are not to be his */
	memset(&thief, 0, sizeof(thief));
	plan_add(&thief, CUST, PROV, 10);
	plan_add(&thief, PROV, SUPP, 10);
	plan_make(&thief, SUPP2, NULL);
	REFUSED(*plan_join_op(&thief, 0), CUST, SET);
	REFUSED(*plan_join_op(&thief, 1), PROV, SET);
	plan_join(&plan, 0);
	op = plan.ops[0];
	op.idem = CPNP_BYTES_LIT("twice");
	op.amount = 10;
	REFUSED(op, CUST, SET);
	/* an authorization that ends before the set does */
	op = plan.ops[1];
	op.until = plan.deadline - 1;
	op.idem = CPNP_BYTES_LIT("short");
	op.set = (cpnp_bytes){plan.id, CPNP_SHA256_LEN};
	HAVE(op, SET);
	REFUSED(op, PROV, TIME);
	fx_time(plan.deadline);
	op = plan.ops[2];
	op.expiry = fx_now() + 10;
	op.set = (cpnp_bytes){plan.id, CPNP_SHA256_LEN};
	HAVE(op, SET);
	REFUSED(op, PROV, SET);
}
END_TEST

/* cust -> prov -> supp -> supp2, a set on each level. */
static void
plan_two_levels(struct plan *top, struct plan *low)
{
	memset(top, 0, sizeof(*top));
	memset(low, 0, sizeof(*low));
	fx_mint(CUST, 1000);
	fx_mint(PROV, 1000);
	fx_mint(SUPP, 1000);
	plan_add(top, CUST, PROV, 900);
	plan_add(top, PROV, BROKER, 500);
	plan_make(top, PROV, NULL);
	fx_mint(BROKER, 1000);
	memcpy(low->members, top->members + CPNP_SHA256_LEN,
	    CPNP_SHA256_LEN);
	low->n = 1;
	plan_add(low, BROKER, SUPP2, 300);
}

START_TEST(test_nested_set_waits_for_the_lowest)
{
	struct plan top, low;
	cpnp_op op;

	plan_two_levels(&top, &low);
	op = plan_set(&low, BROKER, &top);
	REFUSED(op, BROKER, STATE); /* its parent is not there yet */
	plan_join(&top, 0);
	plan_join(&top, 1);
	op = plan_set(&low, SUPP, &top);
	REFUSED(op, SUPP, PARTY);
	op = plan_set(&low, BROKER, &top);
	op.until++;
	REFUSED(op, BROKER, TIME);
	plan_make(&low, BROKER, &top);
	op = plan_set(&low, BROKER, &top);
	REFUSED(op, BROKER, EXISTS);
	plan_acknowledge(&top, 0);
	plan_acknowledge(&top, 1);
	fx_snapshot();
	/* the child counts only with all below it */
	ck_assert_int_eq(fx_view(top.ids[0]).state, CPNP_ESCROW_ACKNOWLEDGED);
	plan_join(&low, 1);
	ck_assert_int_eq(fx_view(top.ids[0]).state, CPNP_ESCROW_ACKNOWLEDGED);
	plan_acknowledge(&low, 1);
	ck_assert_int_eq(fx_event(CPNP_FACT_POSTED, top.ids[0]), 900);
	ck_assert_int_eq(fx_event(CPNP_FACT_POSTED, top.ids[1]), 500);
	ck_assert_int_eq(fx_event(CPNP_FACT_POSTED, low.ids[1]), 300);
	fx_time(fx_now() + DAY);
	HAS_FREE(BROKER, 1000 + 500 - 300);
	HAS_FREE(SUPP2, 300);
}
END_TEST

START_TEST(test_nested_set_is_void_with_all)
{
	struct plan top, low;
	cpnp_set_view view;

	plan_two_levels(&top, &low);
	plan_join(&top, 0);
	plan_join(&top, 1);
	plan_make(&low, BROKER, &top);
	plan_join(&low, 1);
	plan_acknowledge(&top, 0);
	plan_acknowledge(&top, 1);
	fx_snapshot();
	fx_time(top.deadline);
	HAS_FREE(CUST, 1000);
	HAS_FREE(PROV, 1000);
	HAS_FREE(BROKER, 1000);
	ck_assert_int_eq(cpnp_ledger_get_set(w.ledger, low.id, &view),
	    CPNP_ERR_NOT_FOUND);
	/* a lower one takes the upper with it */
	plan_two_levels(&top, &low);
	plan_join(&top, 0);
	plan_join(&top, 1);
	plan_make(&low, BROKER, &top);
	plan_join(&low, 1);
	ABOUT_OK(VOID, BROKER, low.ids[1]);
	HAS_HELD(CUST, 0);
	HAS_HELD(PROV, 0);
}
END_TEST

START_TEST(test_set_is_checked)
{
	cpnp_settings settings;
	struct plan plan, low;
	cpnp_op op;

	memset(&plan, 0, sizeof(plan));
	plan_add(&plan, CUST, PROV, 1);
	plan_add(&plan, PROV, SUPP, 1);
	op = plan_set(&plan, CUST, NULL);
	REFUSED(op, CUST, ROLE);
	op = plan_set(&plan, PROV, NULL);
	op.until = fx_now();
	REFUSED(op, PROV, TIME);
	memcpy(plan.members + CPNP_SHA256_LEN, plan.members,
	    CPNP_SHA256_LEN);
	op = plan_set(&plan, PROV, NULL);
	REFUSED(op, PROV, SET); /* the same twice */
	plan.members[0] ^= 1;
	memcpy(plan.id, plan.members, CPNP_SHA256_LEN);
	low = plan;
	op = plan_set(&low, PROV, &plan);
	op.until = fx_now() + 10;
	REFUSED(op, PROV, UNKNOWN);
	fx_teardown();
	cpnp_settings_default(&settings);
	settings.set_total_max = 2;
	fx_start(&settings);
	plan_two_levels(&plan, &low);
	plan_join(&plan, 0);
	plan_join(&plan, 1);
	op = plan_set(&low, BROKER, &plan);
	REFUSED(op, BROKER, LIMIT);
	plan_add(&plan, PROV, SUPP2, 1);
	op = plan_set(&plan, PROV, NULL);
	REFUSED(op, PROV, LIMIT);
}
END_TEST

/* A chain of domains as deep as it may be, and one more. */
START_TEST(test_depth_is_bounded)
{
	struct plan plans[CPNP_SET_DEPTH_MAX + 1];
	enum who payer = CUST, payee, next;
	cpnp_op op;
	size_t i;

	/* two providers take turns in buying from each other */
	fx_mint(CUST, 1000);
	fx_mint(PROV, 1000);
	fx_mint(BROKER, 1000);
	memset(plans, 0, sizeof(plans));
	for (i = 0; i <= CPNP_SET_DEPTH_MAX; i++) {
		payee = i % 2 == 0 ? PROV : BROKER;
		next = i % 2 == 0 ? BROKER : PROV;
		if (i == 0) {
			plan_add(&plans[0], payer, payee, 10);
		} else {
			memcpy(plans[i].members,
			    plans[i - 1].members + CPNP_SHA256_LEN,
			    CPNP_SHA256_LEN);
			plans[i].n = 1;
		}
		plan_add(&plans[i], payee, next, 10);
		if (i == CPNP_SET_DEPTH_MAX)
			break;
		plan_make(&plans[i], payee, i == 0 ? NULL : &plans[i - 1]);
		if (i == 0)
			plan_join(&plans[0], 0);
		plan_join(&plans[i], 1);
	}
	op = plan_set(&plans[i], i % 2 == 0 ? PROV : BROKER, &plans[i - 1]);
	REFUSED(op, i % 2 == 0 ? PROV : BROKER, LIMIT);
	fx_snapshot();
	plan_acknowledge(&plans[0], 0);
	for (i = CPNP_SET_DEPTH_MAX; i-- > 0;)
		plan_acknowledge(&plans[i], 1);
	ck_assert_int_eq(fx_view(plans[0].ids[0]).state, CPNP_ESCROW_POSTED);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_set_posts_when_all_are_there,
	    test_set_is_void_at_its_deadline,
	    test_void_of_one_is_void_of_all, test_only_named_members_join,
	    test_nested_set_waits_for_the_lowest,
	    test_nested_set_is_void_with_all, test_set_is_checked,
	    test_depth_is_bounded};

	return fx_run(
	    "settlement sets", tests, sizeof(tests) / sizeof(tests[0]));
}
