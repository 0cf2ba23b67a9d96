/*
 * What the files of the parent's decision share and nobody else sees.
 *
 *	parent.c         by the state of the parent
 *	parent_decide.c  while it is decided
 *	parent_child.c   dates, actions, and what a child is
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_PARENT_INT_H
#define CPNPD_PARENT_INT_H

#include "parent.h"

struct cpnp_parent_decision {
	const cpnp_parent_config *config;
	const cpnp_parent_view *view;
	cpnp_parent_action *action;
};

/* What a child is to a segment of the wanted plan; more is better. */
enum cpnp_parent_use {
	USE_NONE,
	USE_PENDING, /* it is asked, or busy */
	USE_OFFER,
	USE_SENT, /* accepted, and not acknowledged */
	USE_AGREED
};

/* --- parent_child.c --- */

/* A setting; one that is 0 is 1. */
int64_t cpnp_parent_seconds(uint32_t n);
bool cpnp_parent_has_come(
    const struct cpnp_parent_decision *d, cpnp_wtime date);
/* The date of the next hop, which is earlier by the margin. */
cpnp_wtime cpnp_parent_before(
    const struct cpnp_parent_decision *d, cpnp_wtime date);
cpnp_wtime cpnp_parent_after(cpnp_wtime date, int64_t by);

/* The action, true. */
bool cpnp_parent_do(
    struct cpnp_parent_decision *d, cpnp_parent_act act, size_t child);
/* What is waited for first is what is named ... */
void cpnp_parent_wait_for(struct cpnp_parent_decision *d, size_t child,
    size_t segment, const char *why);
/* ... and the earliest date counts. */
void cpnp_parent_wait_until(struct cpnp_parent_decision *d, cpnp_wtime date);
/* REFUSE or NOT_CONFIRM, true. */
bool cpnp_parent_fail(struct cpnp_parent_decision *d, cpnp_status status,
    size_t segment, const char *why);

/* The client's state of a child. */
cpnp_state cpnp_parent_state_of(const cpnp_parent_child *c);
bool cpnp_parent_stands(const cpnp_parent_child *c);
bool cpnp_parent_is_open(const cpnp_parent_child *c);
bool cpnp_parent_is_withdrawing(const cpnp_parent_child *c);
/* Its agreement is the part, and nothing is under way. */
bool cpnp_parent_serves(const cpnp_parent_child *c, uint64_t part);
/* Something of it was refused a moment ago; the date is waited for. */
bool cpnp_parent_must_rest(
    struct cpnp_parent_decision *d, const cpnp_parent_child *c);
/* The segment that a child is of, or NULL. */
const cpnp_parent_segment *cpnp_parent_segment_of(
    const cpnp_parent_plan *plan, const cpnp_parent_child *c);
/* End what is open on it, but an agreement; true when there is an action. */
bool cpnp_parent_drop(struct cpnp_parent_decision *d, size_t i);
/* Nothing is left of it: no transaction, no agreement. */
bool cpnp_parent_release(struct cpnp_parent_decision *d, size_t i);

/* --- parent_decide.c --- */

enum cpnp_parent_use cpnp_parent_use_of(const struct cpnp_parent_decision *d,
    const cpnp_parent_segment *s, const cpnp_parent_child *c);
size_t cpnp_parent_count_uses(const struct cpnp_parent_decision *d,
    const cpnp_parent_segment *s, enum cpnp_parent_use which);
/* The best child of a segment: what is agreed or accepted before offers, and
 * the cheapest of these; or NONE. */
size_t cpnp_parent_choose(
    const struct cpnp_parent_decision *d, const cpnp_parent_segment *s);
/* Accept what is chosen; false when all of it is agreed, or waited for. */
bool cpnp_parent_accept_chosen(struct cpnp_parent_decision *d);
bool cpnp_parent_decide(struct cpnp_parent_decision *d);

#endif
