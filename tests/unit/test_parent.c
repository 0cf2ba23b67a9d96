/*
 * A parent's decision over its children, action by action.  That all courses
 * of it end well is shown by tests/explore/parent (contradictions.md, 19 and
 * 20).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parent.h"
#include "unit.h"

#define NOW 1000000
#define DEADLINE (NOW + 60)
#define MARGIN 5
#define A 11
#define B 12
#define C 13

static const uint64_t all[] = {A, B, C};
static cpnp_parent_config config;
static cpnp_parent_view view;
static cpnp_parent_segment segments[2];
static cpnp_parent_child children[4];
static cpnp_parent_action action;

/* A QUOTATION of one segment, or two, which A, B or C may serve. */
static void
setup(size_t n)
{
	config = (cpnp_parent_config){.margin = MARGIN,
	    .try_min = 2,
	    .validity_min = 10,
	    .retry = 30,
	    .ack_max = 20};
	memset(segments, 0, sizeof(segments));
	memset(children, 0, sizeof(children));
	for (size_t i = 0; i < 2; i++) {
		segments[i].segment = i + 1;
		segments[i].part = 100;
		segments[i].neighbours = all;
		segments[i].neighbours_n = 3;
	}
	view = (cpnp_parent_view){.now = {.wall = {NOW}},
	    .transaction = CPNP_METHOD_QUOTATION,
	    .state = CPNP_STATE_AWAITING_PROCESSING,
	    .asks = CPNP_PARENT_ASKS_DECIDE,
	    .request = 1,
	    .deadline = {DEADLINE},
	    .validity = {NOW + 3600},
	    .time = CPNP_PARENT_TIME_NO,
	    .wanted = {segments, n},
	    .standing = {segments, n},
	    .children = children};
}

static cpnp_parent_child *
add(uint64_t segment, uint64_t neighbour, cpnp_state state)
{
	cpnp_parent_child *c = &children[view.children_n++];

	*c = (cpnp_parent_child){.segment = segment,
	    .neighbour = neighbour,
	    .request = 1,
	    .part = 100,
	    .transaction = CPNP_METHOD_QUOTATION,
	    .state = state,
	    .has_cost = true,
	    .cost = 10,
	    .validity = {NOW + 600}};
	if (cpnp_state_of_client(state) == CPNP_STATE_COMPLETED) {
		c->agreement = CPNP_AGREEMENT_COMPLETED;
		c->part_agreed = 100;
	}
	return c;
}

static void
assert_next(cpnp_parent_act act, size_t child)
{
	cpnp_parent_next(&config, &view, &action);
	ck_assert_str_eq(
	    cpnp_parent_act_name(action.act), cpnp_parent_act_name(act));
	ck_assert_uint_eq(action.child, child);
}

static void
assert_waits(size_t child, const char *why)
{
	assert_next(CPNP_PARENT_WAIT, child);
	ck_assert(!action.is_settled);
	ck_assert_str_eq(action.why, why);
}

static void
assert_settled(void)
{
	assert_next(CPNP_PARENT_WAIT, CPNP_PARENT_NONE);
	ck_assert(action.is_settled);
	ck_assert(!action.has_date);
}

#define NO_CHILD CPNP_PARENT_NONE

/* --- in decision --- */

/* Both segments are asked for at once, the time shared among three, and all of
 * it before the customer's. */
START_TEST(test_19_segments_are_asked_for_in_parallel)
{
	setup(2);
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_uint_eq(action.segment, 0);
	ck_assert_uint_eq(action.neighbour, A);
	ck_assert_uint_eq(action.part, 100);
	ck_assert_int_eq(action.date.sec, NOW + (60 - MARGIN) / 3);
	add(1, A, CPNP_STATE_CHILD_PQO_SENT);
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_uint_eq(action.segment, 1);
	add(2, A, CPNP_STATE_CHILD_SERVER_PROCESSING);
	assert_waits(NO_CHILD, "the offers of neighbours");
	ck_assert_int_eq(action.date.sec, DEADLINE - MARGIN);
}
END_TEST

/* A stop between making a child and sending it. */
START_TEST(test_child_that_was_not_sent_is_sent)
{
	setup(1);
	add(1, A, CPNP_STATE_CHILD_CREATED);
	assert_next(CPNP_PARENT_START_CHILD, 0);
	ck_assert_uint_eq(action.neighbour, A);
	ck_assert_int_gt(action.date.sec, NOW);
	view.now.wall.sec = DEADLINE - MARGIN;
	assert_next(CPNP_PARENT_CANCEL_CHILD, 0);
}
END_TEST

START_TEST(test_alternatives_come_one_after_the_other)
{
	setup(1);
	view.now.wall.sec += 20;
	add(1, A, CPNP_STATE_CANCELLED);
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_uint_eq(action.neighbour, B);
	ck_assert_int_eq(action.date.sec, NOW + 20 + (40 - MARGIN) / 2);
	add(1, B, CPNP_STATE_CANCELLED)->outstanding = true;
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_uint_eq(action.neighbour, C);
	ck_assert_int_eq(action.date.sec, DEADLINE - MARGIN);
	add(1, C, CPNP_STATE_CANCELLED);
	assert_next(CPNP_PARENT_REFUSE, NO_CHILD);
	ck_assert_int_eq(action.status, CPNP_STATUS_OUT_OF_RESOURCES);
	ck_assert_uint_eq(action.segment, 0);
}
END_TEST

START_TEST(test_no_try_is_begun_without_time)
{
	setup(1);
	view.now.wall.sec = DEADLINE - MARGIN - 2;
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_int_eq(action.date.sec, DEADLINE - MARGIN);
	view.now.wall.sec++;
	assert_next(CPNP_PARENT_REFUSE, NO_CHILD);
	add(1, A, CPNP_STATE_CHILD_PQO_SENT);
	assert_waits(NO_CHILD, "the offers of neighbours");
	view.now.wall.sec++;
	assert_next(CPNP_PARENT_REFUSE, NO_CHILD);
}
END_TEST

START_TEST(test_offer_that_is_no_use_is_declined)
{
	cpnp_parent_child *c;

	setup(1);
	segments[0].has_cost_max = true;
	segments[0].cost_max = 10;
	c = add(1, A, CPNP_STATE_CHILD_OFFER_PROCESSING);
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
	c->cost = 11;
	assert_next(CPNP_PARENT_DECLINE_CHILD, 0);
	c->has_cost = false;
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
	c->validity.sec = NOW + MARGIN + 10;
	assert_next(CPNP_PARENT_DECLINE_CHILD, 0);
	c->validity.sec++;
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
	c->state = CPNP_STATE_CANCELLED;
	c->outstanding = true;
	/* whoever was declined is not waited for */
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	add(1, B, CPNP_STATE_CHILD_OFFER_PROCESSING);
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
}
END_TEST

/* Several neighbours at a time: the cheapest one is it, the others are told. */
START_TEST(test_surplus_offers_are_declined)
{
	setup(1);
	config.parallel = 2;
	add(1, A, CPNP_STATE_CHILD_OFFER_PROCESSING);
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_uint_eq(action.neighbour, B);
	add(1, B, CPNP_STATE_CHILD_PQO_SENT);
	assert_waits(NO_CHILD, "the offers of neighbours");
	children[1].state = CPNP_STATE_CHILD_OFFER_PROCESSING;
	children[1].cost = 9;
	ck_assert_uint_eq(cpnp_parent_chosen(&config, &view, 0), 1);
	assert_next(CPNP_PARENT_DECLINE_CHILD, 0);
	children[0].state = CPNP_STATE_CANCELLED;
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_uint_eq(action.neighbour, C);
	add(1, C, CPNP_STATE_CANCELLED);
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
}
END_TEST

/* The date of the OFFER lies before those of all children. */
START_TEST(test_offer_ends_before_those_of_children)
{
	setup(2);
	add(1, A, CPNP_STATE_CHILD_OFFER_PROCESSING);
	add(2, A, CPNP_STATE_CHILD_OFFER_PROCESSING)->validity.sec = NOW + 50;
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
	ck_assert_int_eq(action.date.sec, NOW + 50 - MARGIN);
	view.validity.sec = NOW + 44;
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
	ck_assert_int_eq(action.date.sec, NOW + 44);
	view.validity.sec = NOW;
	assert_next(CPNP_PARENT_REFUSE, NO_CHILD);
}
END_TEST

START_TEST(test_26_no_recursion_is_obeyed)
{
	setup(1);
	view.no_recursion = true;
	assert_next(CPNP_PARENT_REFUSE, NO_CHILD);
	ck_assert_int_eq(action.status, CPNP_STATUS_NETWORK_PRESENCE);
	setup(0);
	view.no_recursion = true;
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
}
END_TEST

START_TEST(test_more_time_is_asked_of_the_customer)
{
	cpnp_parent_child *c;

	setup(1);
	segments[0].neighbours_n = 1;
	view.time = CPNP_PARENT_TIME_MAY;
	c = add(1, A, CPNP_STATE_CHILD_SERVER_PROCESSING);
	c->wants.sec = DEADLINE - MARGIN;
	assert_waits(NO_CHILD, "the offers of neighbours");
	c->wants.sec++;
	assert_next(CPNP_PARENT_MORE_TIME, NO_CHILD);
	ck_assert_int_eq(action.date.sec, DEADLINE + 1);
	/* not for any time */
	c->wants.sec = DEADLINE - MARGIN + CPNP_PARENT_MORE_MAX + 1;
	assert_waits(NO_CHILD, "the offers of neighbours");
	c->wants.sec--;
	assert_next(CPNP_PARENT_MORE_TIME, NO_CHILD);
	config.more_max = 7;
	assert_waits(NO_CHILD, "the offers of neighbours");
	c->wants.sec = DEADLINE - MARGIN + 7;
	assert_next(CPNP_PARENT_MORE_TIME, NO_CHILD);
	c->wants.sec = DEADLINE - MARGIN + 1;
	view.time = CPNP_PARENT_TIME_ASKED;
	c->state = CPNP_STATE_CANCELLED;
	assert_waits(NO_CHILD, "the customer to give more time");
	/* given, there is another try; not given, there is none */
	view.time = CPNP_PARENT_TIME_MAY;
	view.deadline.sec++;
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_int_eq(action.date.sec, DEADLINE + 1 - MARGIN);
	view.deadline.sec--;
	view.time = CPNP_PARENT_TIME_NO;
	assert_next(CPNP_PARENT_REFUSE, NO_CHILD);
}
END_TEST

START_TEST(test_unreachable_neighbour_gives_way)
{
	setup(1);
	segments[0].neighbours_n = 2;
	add(1, A, CPNP_STATE_CHILD_PQO_SENT)->unreachable = true;
	assert_next(CPNP_PARENT_CANCEL_CHILD, 0);
	segments[0].neighbours_n = 1; /* nobody else: it may come back */
	assert_waits(NO_CHILD, "the offers of neighbours");
}
END_TEST

/* --- when the customer has accepted --- */

START_TEST(test_20_children_are_accepted_all_or_none)
{
	setup(2);
	add(1, A, CPNP_STATE_CHILD_OFFER_PROCESSING);
	add(2, B, CPNP_STATE_CHILD_OFFER_PROCESSING);
	view.state = CPNP_STATE_OFFER_PROPOSED;
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	assert_waits(NO_CHILD, "the customer");
	view.state = CPNP_STATE_ACCEPT_RECEIVED;
	view.asks = CPNP_PARENT_ASKS_CONFIRM;
	/* one is lost before anything is accepted */
	children[1].state = CPNP_STATE_CANCELLED;
	assert_next(CPNP_PARENT_NOT_CONFIRM, NO_CHILD);
	ck_assert_uint_eq(action.segment, 1);
	children[1].state = CPNP_STATE_CHILD_OFFER_PROCESSING;
	view.now.wall.sec = NOW + 600; /* the provider was stopped */
	assert_next(CPNP_PARENT_NOT_CONFIRM, NO_CHILD);
	view.now.wall.sec = NOW;
	assert_next(CPNP_PARENT_ACCEPT_CHILD, 0);
	children[0].accepting = true;
	assert_next(CPNP_PARENT_ACCEPT_CHILD, 1);
	children[0].accepting = false;
	children[0].state = CPNP_STATE_CHILD_ACCEPT_SENT;
	children[1].state = CPNP_STATE_CHILD_COMPLETED;
	children[1].agreement = CPNP_AGREEMENT_COMPLETED;
	children[1].part_agreed = 100;
	assert_waits(0, "the acknowledgement of the neighbour");
	ck_assert_int_eq(action.date.sec, NOW + 600 + 20);
	view.now.wall.sec = NOW + 620;
	assert_next(CPNP_PARENT_NOT_CONFIRM, NO_CHILD);
	view.now.wall.sec--;
	children[0].state = CPNP_STATE_CANCELLED;
	assert_next(CPNP_PARENT_NOT_CONFIRM, NO_CHILD);
	/* ... and what was accepted is withdrawn */
	view.state = CPNP_STATE_CANCELLED;
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	assert_next(CPNP_PARENT_WITHDRAW_CHILD, 1);
	children[0] = children[1];
	children[0].segment = 1;
	view.state = CPNP_STATE_ACCEPT_RECEIVED;
	view.asks = CPNP_PARENT_ASKS_CONFIRM;
	assert_next(CPNP_PARENT_CONFIRM, NO_CHILD);
}
END_TEST

START_TEST(test_20_as_figure_children_come_first)
{
	setup(1);
	config.mode = CPNP_PARENT_AS_FIGURE;
	add(1, A, CPNP_STATE_CHILD_OFFER_PROCESSING);
	assert_next(CPNP_PARENT_ACCEPT_CHILD, 0);
	children[0].state = CPNP_STATE_CHILD_ACCEPT_SENT;
	assert_waits(0, "the acknowledgement of the neighbour");
	children[0].state = CPNP_STATE_CANCELLED; /* refused after all */
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
	ck_assert_uint_eq(action.neighbour, B);
	children[0].state = CPNP_STATE_CHILD_COMPLETED;
	children[0].agreement = CPNP_AGREEMENT_COMPLETED;
	children[0].part_agreed = 100;
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
	ck_assert_int_eq(action.date.sec, view.validity.sec);
	view.state = CPNP_STATE_CANCELLED;
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	assert_next(CPNP_PARENT_WITHDRAW_CHILD, 0);
}
END_TEST

START_TEST(test_ledger_has_the_last_word)
{
	setup(2);
	add(1, A, CPNP_STATE_CHILD_ACCEPT_SENT);
	add(2, B, CPNP_STATE_CHILD_OFFER_PROCESSING);
	view.state = CPNP_STATE_ACCEPT_RECEIVED;
	view.asks = CPNP_PARENT_ASKS_CONFIRM;
	view.set = CPNP_PARENT_SET_OPEN;
	assert_next(CPNP_PARENT_ACCEPT_CHILD, 1);
	children[1].state = CPNP_STATE_CANCELLED;
	view.now.wall.sec = NOW + 10000;
	assert_waits(0, "the acknowledgement of the neighbour");
	ck_assert(!action.has_date);
	view.set = CPNP_PARENT_SET_VOID;
	assert_next(CPNP_PARENT_NOT_CONFIRM, NO_CHILD);
	view.set = CPNP_PARENT_SET_POSTED;
	children[1].state = CPNP_STATE_CHILD_ACCEPT_SENT;
	assert_next(CPNP_PARENT_CONFIRM, NO_CHILD);
	/* its ACK is on the way: it is not cancelled */
	view.state = CPNP_STATE_COMPLETED;
	view.agreement = CPNP_AGREEMENT_COMPLETED;
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	assert_waits(0, "the answer of the neighbour");
}
END_TEST

/* --- on an agreement --- */

static void
setup_agreed(size_t n)
{
	setup(n);
	view.state = CPNP_STATE_COMPLETED;
	view.agreement = CPNP_AGREEMENT_COMPLETED;
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	for (size_t i = 0; i < n; i++)
		add(i + 1, A, CPNP_STATE_CHILD_COMPLETED);
}

START_TEST(test_every_child_is_given_back)
{
	static const struct {
		cpnp_state state;
		cpnp_parent_act act;
	} cases[] = {{CPNP_STATE_CHILD_CREATED, CPNP_PARENT_CANCEL_CHILD},
	    {CPNP_STATE_AWAITING_PROCESSING, CPNP_PARENT_CANCEL_CHILD},
	    {CPNP_STATE_CHILD_PQO_SENT, CPNP_PARENT_CANCEL_CHILD},
	    {CPNP_STATE_CHILD_SERVER_PROCESSING, CPNP_PARENT_CANCEL_CHILD},
	    {CPNP_STATE_CHILD_OFFER_RECEIVED, CPNP_PARENT_CANCEL_CHILD},
	    {CPNP_STATE_CHILD_OFFER_PROCESSING, CPNP_PARENT_DECLINE_CHILD},
	    {CPNP_STATE_CHILD_ACCEPT_SENT, CPNP_PARENT_CANCEL_CHILD},
	    {CPNP_STATE_CHILD_COMPLETED, CPNP_PARENT_WITHDRAW_CHILD}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(1);
		view.state = CPNP_STATE_CANCELLED;
		view.asks = CPNP_PARENT_ASKS_NOTHING;
		add(1, A, cases[i].state);
		assert_next(cases[i].act, 0);
		children[0].state = CPNP_STATE_CANCELLED;
		children[0].outstanding = true;
		assert_waits(0, "the answer of the neighbour");
		children[0].unreachable = true;
		assert_waits(0, "the neighbour to be reachable");
		children[0].outstanding = false;
		children[0].agreement = CPNP_AGREEMENT_NONE;
		assert_settled();
	}
	/* also when the agreement comes to its end by itself */
	setup_agreed(1);
	view.agreement = CPNP_AGREEMENT_ENDED;
	assert_next(CPNP_PARENT_WITHDRAW_CHILD, 0);
	children[0].agreement = CPNP_AGREEMENT_ENDED;
	assert_settled();
}
END_TEST

/* A neighbour that refuses a WITHDRAW is asked again, and not at once. */
START_TEST(test_withdrawal_that_is_refused_comes_again)
{
	setup_agreed(1);
	view.state = CPNP_STATE_CANCELLED;
	view.agreement = CPNP_AGREEMENT_ENDED;
	children[0].failed.sec = NOW;
	assert_waits(0, "the next try of its withdrawal");
	ck_assert_int_eq(action.date.sec, NOW + 30);
	view.now.wall.sec = NOW + 30;
	assert_next(CPNP_PARENT_WITHDRAW_CHILD, 0);
}
END_TEST

/* The segment that changes is updated, the one that does not is left alone,
 * and what is not needed any more goes when all of it is agreed. */
START_TEST(test_update_changes_what_changes)
{
	static cpnp_parent_segment wanted[1];

	setup_agreed(2);
	assert_settled();
	wanted[0] = segments[0];
	wanted[0].part = 200;
	view.wanted = (cpnp_parent_plan){wanted, 1};
	view.request = 2;
	view.transaction = CPNP_METHOD_UPDATE;
	view.state = CPNP_STATE_AWAITING_PROCESSING;
	view.asks = CPNP_PARENT_ASKS_DECIDE;
	assert_next(CPNP_PARENT_UPDATE_CHILD, 0);
	ck_assert_uint_eq(action.part, 200);
	ck_assert_int_lt(action.date.sec, DEADLINE);
	children[0].request = 2;
	children[0].part = 200;
	children[0].transaction = CPNP_METHOD_UPDATE;
	children[0].state = CPNP_STATE_CHILD_OFFER_PROCESSING;
	assert_next(CPNP_PARENT_OFFER, NO_CHILD);
	view.state = CPNP_STATE_ACCEPT_RECEIVED;
	view.asks = CPNP_PARENT_ASKS_CONFIRM;
	assert_next(CPNP_PARENT_ACCEPT_CHILD, 0);
	children[0].state = CPNP_STATE_CHILD_COMPLETED;
	children[0].part_agreed = 200;
	assert_next(CPNP_PARENT_CONFIRM, NO_CHILD);
	view.state = CPNP_STATE_COMPLETED;
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	view.standing = view.wanted;
	assert_next(CPNP_PARENT_WITHDRAW_CHILD, 1);
	children[1].agreement = CPNP_AGREEMENT_ENDED;
	children[1].state = CPNP_STATE_CANCELLED;
	assert_settled();
}
END_TEST

START_TEST(test_update_that_fails_leaves_things_as_they_were)
{
	setup_agreed(1);
	view.request = 2;
	/* not accepted yet */
	children[0].request = 2;
	children[0].part = 200;
	children[0].transaction = CPNP_METHOD_UPDATE;
	children[0].state = CPNP_STATE_CHILD_OFFER_PROCESSING;
	assert_next(CPNP_PARENT_DECLINE_CHILD, 0);
	/* accepted: it is updated back, for as long as that takes */
	children[0].state = CPNP_STATE_CHILD_COMPLETED;
	children[0].part_agreed = 200;
	assert_next(CPNP_PARENT_UPDATE_CHILD, 0);
	ck_assert_uint_eq(action.part, 100);
	children[0].part = 100;
	children[0].failed.sec = NOW;
	assert_waits(0, "the part that was agreed, once more");
	ck_assert_int_eq(action.date.sec, NOW + 30);
	children[0].failed.sec = 0;
	children[0].state = CPNP_STATE_CHILD_OFFER_PROCESSING;
	assert_next(CPNP_PARENT_ACCEPT_CHILD, 0);
	children[0].state = CPNP_STATE_CHILD_COMPLETED;
	children[0].part_agreed = 100;
	assert_settled();
}
END_TEST

/* Another UPDATE comes before the last one is settled with the neighbours. */
START_TEST(test_what_an_earlier_update_left_is_ended_first)
{
	setup_agreed(1);
	view.request = 3;
	view.transaction = CPNP_METHOD_UPDATE;
	view.state = CPNP_STATE_AWAITING_PROCESSING;
	view.asks = CPNP_PARENT_ASKS_DECIDE;
	children[0].request = 2;
	children[0].part = 200;
	children[0].transaction = CPNP_METHOD_UPDATE;
	children[0].state = CPNP_STATE_CHILD_OFFER_PROCESSING;
	assert_next(CPNP_PARENT_DECLINE_CHILD, 0);
	children[0].state = CPNP_STATE_CANCELLED;
	children[0].outstanding = true;
	assert_waits(NO_CHILD, "the offers of neighbours");
	/* nor is another one asked while this one can still be changed */
	segments[0].part = 300;
	assert_waits(NO_CHILD, "the end of an earlier transaction");
	children[0].state = CPNP_STATE_CHILD_COMPLETED;
	children[0].outstanding = false;
	assert_next(CPNP_PARENT_UPDATE_CHILD, 0);
	ck_assert_uint_eq(action.part, 300);
}
END_TEST

/* What is being withdrawn serves nothing any more. */
START_TEST(test_child_that_goes_is_none)
{
	setup_agreed(1);
	children[0].transaction = CPNP_METHOD_WITHDRAW;
	children[0].state = CPNP_STATE_CANCELLED;
	children[0].outstanding = true;
	add(1, B, CPNP_STATE_CHILD_COMPLETED)->part_agreed = 200;
	assert_next(CPNP_PARENT_UPDATE_CHILD, 1);
	view.children_n = 1;
	assert_waits(0, "the answer of the neighbour");
	view.state = CPNP_STATE_AWAITING_PROCESSING;
	view.asks = CPNP_PARENT_ASKS_DECIDE;
	ck_assert_uint_eq(
	    cpnp_parent_chosen(&config, &view, 0), CPNP_PARENT_NONE);
	assert_next(CPNP_PARENT_START_CHILD, NO_CHILD);
}
END_TEST

START_TEST(test_segment_that_nobody_serves_is_told)
{
	setup_agreed(1);
	view.children_n = 0;
	assert_waits(NO_CHILD, "nobody serves the segment");
	ck_assert_uint_eq(action.segment, 0);
}
END_TEST

START_TEST(test_activation_is_all_or_none)
{
	setup_agreed(2);
	view.transaction = CPNP_METHOD_ACTIVATE;
	view.asks = CPNP_PARENT_ASKS_DECIDE;
	view.activation_asked = 7;
	assert_next(CPNP_PARENT_ACTIVATE_CHILD, 0);
	ck_assert_uint_eq(action.activation, 7);
	children[0].activation = 7;
	assert_next(CPNP_PARENT_ACTIVATE_CHILD, 1);
	children[1].outstanding = true;
	children[1].transaction = CPNP_METHOD_ACTIVATE;
	assert_waits(1, "the activation by the neighbour");
	children[1].outstanding = false;
	children[1].activation_refused = 7;
	assert_next(CPNP_PARENT_REFUSE, NO_CHILD);
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	assert_next(CPNP_PARENT_ACTIVATE_CHILD, 0);
	ck_assert_uint_eq(action.activation, 0);
	view.asks = CPNP_PARENT_ASKS_DECIDE;
	children[1].activation = 7;
	children[1].activation_refused = 0;
	assert_next(CPNP_PARENT_GRANT, NO_CHILD);
	view.activation = 7;
	view.asks = CPNP_PARENT_ASKS_NOTHING;
	assert_settled();
}
END_TEST

/* --- the table of cpnp-fsm(7) --- */

static const struct {
	const char *name;
	cpnp_state state;
	bool outstanding;
} rows[] = {{"CR", CPNP_STATE_CHILD_CREATED, false},
    {"PS, SP", CPNP_STATE_CHILD_PQO_SENT, false},
    {"PS, SP", CPNP_STATE_CHILD_SERVER_PROCESSING, false},
    {"OP", CPNP_STATE_CHILD_OFFER_PROCESSING, false},
    {"AS", CPNP_STATE_CHILD_ACCEPT_SENT, false},
    {"CO", CPNP_STATE_CHILD_COMPLETED, false},
    {"CA", CPNP_STATE_CANCELLED, true}, {"CS", CPNP_STATE_CANCELLED, false}};

enum { DE, OF, CF, AG, OV, COLUMNS };

/* One child in a state, under a parent; in AG one that serves beside it when
 * its row is of what is over. */
static void
setup_cell(size_t row, bool is_wanted, int column, const char *cell)
{
	static const cpnp_state states[COLUMNS] = {
	    CPNP_STATE_AWAITING_PROCESSING, CPNP_STATE_OFFER_PROPOSED,
	    CPNP_STATE_ACCEPT_RECEIVED, CPNP_STATE_COMPLETED,
	    CPNP_STATE_CANCELLED};
	static const cpnp_parent_asks asks[COLUMNS] = {
	    [DE] = CPNP_PARENT_ASKS_DECIDE, [CF] = CPNP_PARENT_ASKS_CONFIRM};
	cpnp_parent_child *c;

	setup(1);
	view.state = states[column];
	view.asks = asks[column];
	view.request = 2;
	if (column == AG)
		view.agreement = CPNP_AGREEMENT_COMPLETED;
	c = add(1, A, rows[row].state);
	c->outstanding = rows[row].outstanding;
	c->request = is_wanted ? 2 : 1;
	c->part = is_wanted ? 100 : 200;
	if (c->agreement != CPNP_AGREEMENT_NONE)
		c->part_agreed = c->part;
	if (strstr(cell, "(1)") != NULL) { /* it is updated back */
		c->agreement = CPNP_AGREEMENT_COMPLETED;
		c->part_agreed = 200;
		c->transaction = CPNP_METHOD_UPDATE;
	}
	if (column == AG && rows[row].state == CPNP_STATE_CANCELLED)
		add(1, B, CPNP_STATE_CHILD_COMPLETED);
}

static void
check_cell(const char *cell, int column)
{
	static const struct {
		const char *word;
		cpnp_parent_act act;
		size_t child;
	} words[] = {{"start", CPNP_PARENT_START_CHILD, 0},
	    {"CANCEL", CPNP_PARENT_CANCEL_CHILD, 0},
	    {"DECLINE", CPNP_PARENT_DECLINE_CHILD, 0},
	    {"ACCEPT", CPNP_PARENT_ACCEPT_CHILD, 0},
	    {"WITHDRAW", CPNP_PARENT_WITHDRAW_CHILD, 0},
	    {"UPDATE", CPNP_PARENT_UPDATE_CHILD, 0},
	    {"next one", CPNP_PARENT_START_CHILD, NO_CHILD},
	    {"is offered", CPNP_PARENT_OFFER, NO_CHILD},
	    {"is confirmed", CPNP_PARENT_CONFIRM, NO_CHILD},
	    {"not confirmed", CPNP_PARENT_NOT_CONFIRM, NO_CHILD}};

	cpnp_parent_next(&config, &view, &action);
	if (strcmp(cell, "-") == 0 && column == CF) {
		ck_assert_uint_eq(action.child, NO_CHILD);
		return;
	}
	if (strcmp(cell, "-") == 0 || strncmp(cell, "wait", 4) == 0) {
		ck_assert_int_eq(action.act, CPNP_PARENT_WAIT);
		ck_assert_int_eq(action.is_settled,
		    cell[0] == '-' && (column == AG || column == OV));
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(cell, words[i].word, strlen(words[i].word)) != 0)
			continue;
		assert_next(words[i].act, words[i].child);
		return;
	}
	ck_abort_msg("no word of the table: \"%s\"", cell);
}

/* A line: child|part|DE|OF|CF|AG|OV; how many states it speaks of. */
static size_t
check_line(char *line)
{
	const char *cells[COLUMNS + 2];
	size_t n = 0, states = 0;
	char *cell;

	while ((cell = strsep(&line, "|")) != NULL && n < COLUMNS + 2)
		cells[n++] = cell;
	ck_assert_uint_eq(n, COLUMNS + 2);
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		if (strcmp(rows[row].name, cells[0]) != 0)
			continue;
		for (int column = 0; column < COLUMNS; column++)
			for (int part = 0; part < 2; part++) {
				const char *at = cells[2 + column];

				if (strchr(cells[1], "NK"[part]) == NULL)
					continue;
				setup_cell(row, part == 1, column, at);
				check_cell(at, column);
			}
		states++;
	}
	return states;
}

START_TEST(test_19_table_of_the_manual)
{
	char *page = unit_slurp("man/cpnp-fsm.7"), *line, *rest;
	size_t states = 0;

	rest = strstr(page, "child|part|DE|OF|CF|AG|OV\n_\n");
	ck_assert_ptr_nonnull(rest);
	(void)strsep(&rest, "\n");
	(void)strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) != NULL &&
	    strcmp(line, ".TE") != 0)
		states += check_line(line);
	free(page);
	/* each with both kinds of part, or in one row */
	ck_assert_uint_eq(states, 6 * 2 + 2);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_19_segments_are_asked_for_in_parallel,
	    test_child_that_was_not_sent_is_sent,
	    test_alternatives_come_one_after_the_other,
	    test_no_try_is_begun_without_time,
	    test_offer_that_is_no_use_is_declined,
	    test_surplus_offers_are_declined,
	    test_offer_ends_before_those_of_children,
	    test_26_no_recursion_is_obeyed,
	    test_more_time_is_asked_of_the_customer,
	    test_unreachable_neighbour_gives_way,
	    test_20_children_are_accepted_all_or_none,
	    test_20_as_figure_children_come_first,
	    test_ledger_has_the_last_word,
	    test_every_child_is_given_back,
	    test_withdrawal_that_is_refused_comes_again,
	    test_update_changes_what_changes,
	    test_update_that_fails_leaves_things_as_they_were,
	    test_what_an_earlier_update_left_is_ended_first,
	    test_child_that_goes_is_none,
	    test_segment_that_nobody_serves_is_told,
	    test_activation_is_all_or_none,
	    test_19_table_of_the_manual,
	};

	return unit_run("parent", tests, sizeof(tests) / sizeof(tests[0]));
}
