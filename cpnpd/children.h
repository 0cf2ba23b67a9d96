/*
 * Orders that are served with orders at neighbours (RFC 8921, 8.8 and 8.9).
 *
 * An order whose request names a place behind a neighbour has a family: for
 * each segment of it (split.h) a child, or several one after the other.  After
 * each event on the order or on a child, parent.h says what is to be done
 * next, and that is done here, until there is only to wait.  What it decides
 * from is in the store: the orders themselves, and whose children they are.
 *
 *	children.c       families, in memory and from the store
 *	children_view.c  what parent.h is shown
 *	children_act.c   what it wants is done
 *	children_offer.c the parts and the whole
 *	children_mark.c  marks of a path, and the hop limit
 *	children_json.c  the tree, for cpnpctl(8)
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CHILDREN_H
#define CPNPD_CHILDREN_H

#include <jansson.h>

#include "daemon.h"
#include "decide.h"
#include "parent.h"
#include "split.h"

/* What an order offers, less: so an offer for a shorter time is none. */
#define CPNPD_VALIDITY_MIN 5
/* What a neighbour has at least to answer, in seconds. */
#define CPNPD_TRY_MIN 2
/* From a command that a child has refused to the next, in seconds. */
#define CPNPD_CHILD_RETRY 60
/* An ACCEPT that is not answered so long after the offer has ended has
 * failed, in seconds. */
#define CPNPD_ACK_MAX 60
/* Children of an order, those that came to nothing too. */
#define CPNPD_CHILDREN_MAX (2 * CPNP_SEGMENTS_MAX * CPNP_CANDIDATES_MAX)

struct child {
	struct family *family;
	struct key *key;
	uint32_t segment;
	uint32_t request;
	bool is_over;      /* Cancelled and settled */
	bool is_accepting; /* its ACCEPT is being signed */
	bool is_told;      /* that it cannot be reached */
	cpnp_wtime wants;  /* expected offer time that was not granted */
	cpnp_wtime failed; /* its WITHDRAW was refused */
};

struct family {
	struct family *next, **at; /* of all */
	struct family *bucket_next;
	struct family *dirty_next;
	bool is_dirty;
	struct key *key; /* the parent */
	struct child **children;
	size_t n;
	cpnp_parent_asks asks;
	cpnp_parent_time time;
	bool is_judged;   /* OFFER was wanted, and somebody decides it */
	cpnp_wtime until; /* no offer of it is good for longer */
	cpnp_tstamp wake;
	const char *why;     /* what is waited for, or NULL */
	struct child *waits; /* ... and of whom, or NULL */
	/* neighbours that cannot serve a segment, a bit for each candidate */
	uint32_t unfit[CPNP_SEGMENTS_MAX];
};

#define CPNPD_FAMILY_BUCKETS 4096

struct children {
	struct family *first;
	struct family *buckets[CPNPD_FAMILY_BUCKETS]; /* by the parent */
	struct family *dirty, **dirty_end;
	bool is_loading; /* orders are read from the store one by one */
	cpnp_tstamp wake; /* the earliest of all */
	uint8_t secret[CPNP_STORE_SECRET_LEN];
};

/* children.c */
int cpnpd_children_init(struct daemon *d);
void cpnpd_children_fini(struct daemon *d);
struct family *cpnpd_family_of(
    const struct daemon *d, const cpnp_order *parent);
/* With the children that the store knows; NULL without memory. */
struct family *cpnpd_family_get(struct daemon *d, const cpnp_order *parent);
int cpnpd_family_add(struct family *f, const cpnp_order *child,
    uint32_t segment, uint32_t request);
void cpnpd_family_touch(struct daemon *d, struct family *f);
void cpnpd_family_forget_child(struct family *f, struct child *c);

/* An order was loaded: of a parent its children are, of a child its parent. */
int cpnpd_children_loaded(
    struct daemon *d, cpnp_order *order, cpnp_now now);
/* An effect STORE, OFFER or END of an order. */
void cpnpd_children_changed(struct daemon *d, const cpnp_effect *e);
/* An order leaves memory. */
void cpnpd_children_forget(struct daemon *d, const cpnp_order *order);
/* A message for a child is about to be fed. */
void cpnpd_children_heard(struct daemon *d, const cpnp_input *input);
/* A neighbour can be reached again, or not any more. */
void cpnpd_children_of_neighbour(struct daemon *d, size_t number);
cpnp_tstamp cpnpd_children_expiry(const struct daemon *d);
void cpnpd_children_expire(struct daemon *d, cpnp_now now);
/* The customer has answered to a request for more time. */
void cpnpd_children_time(
    struct daemon *d, const cpnp_order *order, bool granted);

/* children_act.c */
/* Do one thing for some family; false: there is nothing to do. */
bool cpnpd_children_answer(struct daemon *d, cpnp_now now);
/* Effect DECIDE: true when the order is one that neighbours have a part of,
 * or is refused here. */
bool cpnpd_children_decide(struct daemon *d, cpnp_order *order,
    const cpnp_msg *request, cpnp_now now);
/* Effect PAY: true when children are to be agreed first. */
bool cpnpd_children_pay(struct daemon *d, const cpnp_order *order);

/* children_offer.c */
struct parts {
	cpnp_arena arena;
	cpnp_split split;
	cpnp_split_neighbour *neighbours;
};
/* How the request of an order is cut.  Call _fini() in any case.  Errors:
 * those of cpnp_split_init(). */
int cpnpd_parts_init(struct parts *p, struct daemon *d,
    const cpnp_msg *request, cpnp_explanation *why);
void cpnpd_parts_fini(struct parts *p);
/*
 * Decide an order with a family: its own part, and, when every segment has an
 * offer, all of it together in decision.  False: it has none.
 */
bool cpnpd_children_judge(struct daemon *d, const cpnp_order *order,
    const cpnp_decide_input *in, cpnp_decision *decision, int *err,
    cpnp_now now);
/* Decide the own part alone, as it is with that choice; why is for CLAUSE. */
int cpnpd_own_judge(const struct parts *p, const cpnp_choice choice,
    const cpnp_decide_input *in, cpnp_decision *decision,
    cpnp_explanation *why);
/* An offer is about to be made. */
void cpnpd_children_offer(
    struct daemon *d, const cpnp_order *order, cpnp_offer *offer);
/* Is what a neighbour offers what it was asked for? why says why not. */
bool cpnpd_child_offer_is_good(struct daemon *d, const cpnp_order *child,
    const cpnp_msg *offer, const char **why);

/* children_view.c */
struct view {
	cpnp_parent_config config;
	cpnp_parent_view view;
	cpnp_parent_segment segments[CPNP_SEGMENTS_MAX];
	uint64_t neighbours[CPNP_SEGMENTS_MAX][CPNP_CANDIDATES_MAX];
	cpnp_parent_child children[CPNPD_CHILDREN_MAX];
	struct child *of[CPNPD_CHILDREN_MAX];
};
/* parent: NULL when it is not there and never was.  parts: how the request is
 * cut, while it is decided; else NULL.  Errors: FULL, those of the store. */
int cpnpd_view_init(struct view *v, struct daemon *d, struct family *f,
    const cpnp_order *parent, const struct parts *parts, cpnp_now now);

/* children_mark.c */
#define CPNPD_MARK_LEN 16
/* A mark that only this provider knows as its own. */
int cpnpd_mark_make(
    const struct daemon *d, uint8_t mark[CPNPD_MARK_LEN]);
bool cpnpd_mark_is_ours(const struct daemon *d, cpnp_bytes mark);
/* How many more providers may be asked for this request. */
uint8_t cpnpd_hops_left(const struct daemon *d, const cpnp_msg *request);

/* children_json.c: what an order is made of. */
int cpnpd_children_json(
    struct daemon *d, json_t *object, const cpnp_store_row *row);

#endif
