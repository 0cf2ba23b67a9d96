/*
 * Paths over segments that are sold: which domains lead from A to Z, how
 * fast and for how much, under the constraints of a customer or of a domain
 * (U10, U14, N22; RFC 7297 §3.10).
 *
 *   segment    leads from one place to another, through one domain, with a
 *              delay, a capacity, a price, and a time in which it can be had
 *   graph      the segments that are known: of a ledger's catalogue
 *              (cpnp_path_graph_fill), of one domain's own network, or both
 *   query      two places and what the path has to keep to
 *   answer     the best paths, in order; or, when there is none, which
 *              constraint has cut them off and what would fit
 *
 * A segment leads one way; what can be used both ways is added twice.  No path
 * comes to a place twice.  The search is exact: paths[0] is the best of all
 * that keep to the query, paths[1] the best of the others, and so on.  What it
 * may cost is bounded by CPNP_PATH_LABELS_MAX, and an answer that reached that
 * bound says so.
 *
 * Numbers are integers: microseconds, bit/s, parts per million, minor units of
 * one token.  No I/O, no clock, no randomness; equal graphs and queries give
 * equal answers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_PATH_H
#define CPNP_PATH_H

#include <cpnp/error.h>
#include <cpnp/settlement.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Limits ------------------------------------------------------------ */

#define CPNP_PATH_NAME_MAX 64 /* bytes of a place, domain or segment's name */
#define CPNP_PATH_SEGMENTS_MAX 65536
#define CPNP_PATH_DELAY_MAX 1000000000000 /* microseconds of one segment */
#define CPNP_PATH_HOPS_MAX 64       /* segments of a path */
#define CPNP_PATH_CANDIDATES_MAX 32
#define CPNP_PATH_AVOID_MAX 256     /* domains; segments too */
#define CPNP_PATH_PASS_MAX 4        /* domains */
#define CPNP_PATH_LABELS_MAX 1048576 /* beginnings of paths that are made for
					one query; they are compared with each
					other 32 times as often */
#define CPNP_PATH_REASON_MAX 512    /* bytes of a sentence, with its NUL */

/* ---- Segments and graphs ------------------------------------------------ */

/*
 * A segment.  The views of one that is added are copied; those of one that
 * the graph gives are good as long as the graph.
 */
typedef struct cpnp_path_segment {
	cpnp_bytes id;      /* 1 to NAME_MAX bytes, unique within domain */
	cpnp_bytes domain;  /* 1 to NAME_MAX bytes: who publishes it */
	cpnp_bytes seller;  /* of whom it is ordered; empty for domain.  Another
			       one: domain is a pseudonym that it stands for */
	cpnp_bytes ingress; /* 1 to NAME_MAX bytes each, and two */
	cpnp_bytes egress;
	uint64_t delay;     /* microseconds, at most CPNP_PATH_DELAY_MAX */
	uint64_t capacity;  /* bit/s */
	uint32_t availability; /* parts per million; CPNP_PPM if not said */
	bool for_sale;      /* false: the price is infinity, it is measured
			       and not sold (N23) */
	bool eligible;      /* false: the domain's rating is under the bound
			       (N6) */
	cpnp_money price;   /* from 0, of one period; without a code it is 0,
			       in every token */
	uint64_t period;    /* seconds, at most CPNP_SERVICE_SECONDS_MAX; 0:
			       price is that of the whole, however long */
	cpnp_wtime from;    /* the window in which it can be had, */
	cpnp_wtime to;      /* from < to; WTIME_MIN and _MAX: always */
} cpnp_path_segment;

/* Available, for sale at no price, eligible, always; the rest is empty. */
CPNP_API void cpnp_path_segment_default(cpnp_path_segment *segment);

typedef struct cpnp_path_graph cpnp_path_graph;

/* An empty graph.  mem is copied.  Errors: NOMEM. */
CPNP_API int cpnp_path_graph_new(
    cpnp_path_graph **graph, const cpnp_mem *mem);
CPNP_API void cpnp_path_graph_del(cpnp_path_graph *graph);

/*
 * Add a segment; index (may be NULL) is its number from now on, counted from
 * 0.  Errors, which leave the graph as it was: INVALID when a field is out of
 * its range, EXISTS when the domain has one of this id, FULL beyond
 * CPNP_PATH_SEGMENTS_MAX, NOMEM; diag says which field.
 */
CPNP_API int cpnp_path_graph_add(cpnp_path_graph *graph,
    const cpnp_path_segment *segment, uint32_t *index, cpnp_diag *diag);
CPNP_API size_t cpnp_path_graph_count(const cpnp_path_graph *graph);
/* INVALID when there is no such segment. */
CPNP_API int cpnp_path_graph_get(const cpnp_path_graph *graph, uint32_t index,
    cpnp_path_segment *segment);
/* The tokens in which something is sold: the n-th, with an amount of 0, in the
 * order in which they came.  NOT_FOUND beyond the last. */
CPNP_API int cpnp_path_graph_token(
    const cpnp_path_graph *graph, size_t n, cpnp_money *token);

/*
 * Add the segments of a ledger's catalogue that have not expired at a time of
 * the ledger, which is not before its own: cpnp_ledger_info.time, or a later
 * one when the log has been quiet.  A publisher's rating decides whether they
 * are eligible, its broker is the seller of a pseudonym's.  left_out (may be
 * NULL) gets the number of entries that no path can use since they are out of
 * range, such as one that leads from a place to itself.
 * Errors: those of _add but INVALID; what was added before stays.
 */
CPNP_API int cpnp_path_graph_fill(cpnp_path_graph *graph,
    const cpnp_ledger *ledger, cpnp_wtime at, size_t *left_out,
    cpnp_diag *diag);

/* ---- Queries ------------------------------------------------------------ */

typedef enum cpnp_path_by {
	CPNP_PATH_BY_PRICE = 1, /* then delay, then number of segments */
	CPNP_PATH_BY_DELAY = 2  /* then price, then number of segments */
} cpnp_path_by;

/* What a path has to keep to.  Views, for the length of the call. */
typedef struct cpnp_path_query {
	cpnp_bytes from, to;
	uint64_t capacity;     /* bit/s of every segment; 0: any */
	cpnp_wtime start, end; /* within every window; start < end, at most
				  CPNP_SERVICE_SECONDS_MAX apart */
	uint64_t delay_max;    /* microseconds; UINT64_MAX: any */
	int64_t price_max;     /* minor units; INT64_MAX: any */
	cpnp_bytes issuer, code; /* the token of all prices; without a code
				    only what costs nothing is used */
	uint32_t availability_min; /* parts per million; 0: any */
	size_t hops_max;       /* segments, 1 to CPNP_PATH_HOPS_MAX */

	/*
	 * RFC 7297 §3.10.  Domains, or sellers, whose networks the path must
	 * not cross; whose a pseudonym's are nobody can say, so none of these
	 * is used when a domain is to be avoided.  Domains that it must cross,
	 * in any order.  Segments that it must not use, such as one that was
	 * refused a moment ago.
	 */
	const cpnp_bytes *avoid;
	size_t avoid_n;
	const cpnp_bytes *pass;
	size_t pass_n;
	const uint32_t *without; /* their numbers in the graph */
	size_t without_n;

	cpnp_path_by by;
	size_t candidates; /* paths, 1 to CPNP_PATH_CANDIDATES_MAX */
} cpnp_path_query;

/* Any capacity, delay, price and availability, CPNP_PATH_HOPS_MAX, by price,
 * one candidate; places, times and token are empty. */
CPNP_API void cpnp_path_query_default(cpnp_path_query *query);

/* What a segment costs from start to end: price * seconds / period, rounded up,
 * as an escrow of that much would pay it.  RANGE when that is more than an
 * int64_t can say, INVALID when the times or the segment are out of range. */
CPNP_API int cpnp_path_segment_cost(const cpnp_path_segment *segment,
    cpnp_wtime start, cpnp_wtime end, int64_t *cost);

/* ---- Answers ------------------------------------------------------------ */

typedef struct cpnp_path {
	const uint32_t *segments; /* their numbers in the graph, in order */
	size_t segment_n;
	uint64_t delay;        /* microseconds, the sum */
	int64_t price;         /* minor units, the sum */
	uint64_t capacity;     /* bit/s, that of the narrowest */
	uint32_t availability; /* parts per million, all segments at once and
				  independent of each other; rounded down */
} cpnp_path;

/*
 * X(name, number, text): why there is no path.  The constraints are laid on in
 * this order, one after another; the reason is the first that leaves none.
 */
#define CPNP_PATH_REASON_MAP(X)                                                \
	X(NONE, 0, "there is a path")                                          \
	X(FROM, 1, "no segment begins there")                                  \
	X(TO, 2, "no segment ends there")                                      \
	X(REACH, 3, "no segments connect them")                                \
	X(RATING, 4, "the rating of a domain is under the bound")              \
	X(SALE, 5, "a segment is measured and not for sale")                   \
	X(TOKEN, 6, "a segment is sold in another token")                      \
	X(WINDOW, 7, "a segment cannot be had at that time")                   \
	X(WITHOUT, 8, "a segment that was excluded is needed")                 \
	X(AVOID, 9, "a domain to avoid is in the way")                         \
	X(CAPACITY, 10, "too narrow")                                          \
	X(HOPS, 11, "too many segments")                                       \
	X(PASS, 12, "a domain to pass is not on the way")                      \
	X(DELAY, 13, "too slow")                                               \
	X(AVAILABILITY, 14, "not available enough")                            \
	X(PRICE, 15, "too dear")                                               \
	X(EFFORT, 16, "not decided within CPNP_PATH_LABELS_MAX")

typedef enum cpnp_path_reason {
#define CPNP_PATH_REASON_ENUM(name, number, text)                              \
	CPNP_PATH_REASON_##name = number,
	CPNP_PATH_REASON_MAP(CPNP_PATH_REASON_ENUM)
#undef CPNP_PATH_REASON_ENUM
} cpnp_path_reason;

/* "too slow"; "?" for another number. */
CPNP_API const char *cpnp_path_reason_name(cpnp_path_reason reason);

typedef struct cpnp_path_answer {
	const cpnp_path *paths;
	size_t path_n;   /* 0: reason says why */
	bool complete;   /* false: CPNP_PATH_LABELS_MAX was reached, and after
			    the last path there may be others */

	/*
	 * When there is none.  nearest is the path that comes nearest to the
	 * constraint that cut, under those laid on before it: the widest for
	 * CAPACITY, the one of fewest segments for HOPS, the fastest for
	 * DELAY, the most available, the cheapest; for RATING to AVOID the
	 * cheapest, or fastest, before the constraint.  Its totals say what
	 * would have to be granted.  Without segments for FROM, TO, REACH, PASS
	 * and EFFORT.  Its price is 0 as long as TOKEN has not been laid on.
	 */
	cpnp_path_reason reason;
	cpnp_path nearest;
} cpnp_path_answer;

/*
 * Find.  The answer is the caller's, to be deleted before the graph's
 * allocator; it has no pointers into graph or query.  That there is no path is
 * no error.  Errors: INVALID when the query is out of range; diag says where;
 * NOMEM.
 */
CPNP_API int cpnp_path_find(const cpnp_path_graph *graph,
    const cpnp_path_query *query, cpnp_path_answer **answer, cpnp_diag *diag);
CPNP_API void cpnp_path_answer_del(cpnp_path_answer *answer);

/*
 * The reason as a sentence for a person, with both values and the domains of
 * nearest: "no path within 12 ms: the fastest takes 15.2 ms, through d3, d7".
 * It is cut after CPNP_PATH_REASON_MAX - 1 bytes.  Names are as they were
 * added: whoever prints them to a terminal has to make them harmless.
 */
CPNP_API void cpnp_path_reason_format(const cpnp_path_graph *graph,
    const cpnp_path_query *query, const cpnp_path_answer *answer,
    char out[CPNP_PATH_REASON_MAX]);

#ifdef __cplusplus
}
#endif

#endif
