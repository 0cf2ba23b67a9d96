/*
 * How long it takes to find paths through 200 domains that sell 5,000
 * segments, beside Dijkstra's algorithm on the same graph in the same run:
 * one metric, no constraint, no second path.
 *
 * Domains are present at a few of the places of a square, near each other;
 * a segment is as long as its way and dearer the straighter it is, so that
 * price and delay compete.
 *
 *	bench-path [PAIRS]
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cpnp/path.h>

#include "../../ledger-bridge/journal/mem.h"

#define DOMAINS 200
#define SEGMENTS 5000
#define PLACES 300
#define PRESENT 8 /* places of a domain */
#define SIDE 20000
#define START 1795248000
#define PAIRS_MAX 10000

struct link {
	uint32_t to;
	uint64_t delay;
};

static cpnp_path_graph *graph;
static struct link links[PLACES][SEGMENTS];
static size_t link_n[PLACES];
static uint64_t seed = 1;

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "bench-path: %s\n", what);
	exit(EXIT_FAILURE);
}

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static cpnp_bytes
name_of(char kind, uint64_t number, char out[16])
{
	(void)snprintf(out, 16, "%c%" PRIu64, kind, number);
	return cpnp_bytes_str(out);
}

static uint64_t
distance(const int64_t a[2], const int64_t b[2])
{
	int64_t x = a[0] - b[0], y = a[1] - b[1];

	return (uint64_t)((x < 0 ? -x : x) + (y < 0 ? -y : y));
}

static void
add(uint64_t domain, uint64_t id, uint64_t from, uint64_t to, uint64_t way)
{
	char names[4][16];
	cpnp_path_segment s;
	uint64_t detour = draw(100);

	cpnp_path_segment_default(&s);
	s.domain = name_of('d', domain, names[0]);
	s.id = name_of('s', id, names[1]);
	s.ingress = name_of('p', from, names[2]);
	s.egress = name_of('p', to, names[3]);
	s.delay = 100 + way + way * detour / 50;
	s.capacity = (1 + draw(100)) * 1000000000;
	s.availability = 999000 + (uint32_t)draw(1000);
	s.price = (cpnp_money){
	    .amount = (int64_t)(way * (150 - detour) / 100 + draw(200) + 1),
	    .code = CPNP_BYTES_LIT("EUR"),
	    .exponent = 2};
	s.period = 3600;
	if (cpnp_path_graph_add(graph, &s, NULL, NULL) != 0)
		die("a segment is refused");
	links[from][link_n[from]++] = (struct link){(uint32_t)to, s.delay};
}

static void
build(void)
{
	static int64_t at[PLACES][2];
	uint64_t here[PRESENT], center, best, i, k, d;

	for (i = 0; i < PLACES; i++)
		for (k = 0; k < 2; k++)
			at[i][k] = (int64_t)draw(SIDE);
	for (d = 0; d < DOMAINS; d++) {
		center = draw(PLACES);
		for (i = 0; i < PRESENT; i++) {
			/* of eight places the one that is nearest */
			best = draw(PLACES);
			for (k = 0; k < 7; k++) {
				uint64_t other = draw(PLACES);

				if (distance(at[center], at[other]) <
				    distance(at[center], at[best]))
					best = other;
			}
			here[i] = best;
		}
		for (i = 0; i < SEGMENTS / DOMAINS; i++) {
			uint64_t from = here[draw(PRESENT)], to;

			do
				to = draw(4) > 0 ? here[draw(PRESENT)]
						 : draw(PLACES);
			while (to == from);
			add(d, i, from, to, distance(at[from], at[to]));
		}
	}
}

/* The plain algorithm, with a heap of places. */
struct item {
	uint64_t far;
	uint32_t place;
};

static uint64_t
dijkstra(uint32_t from, uint32_t to)
{
	static struct item heap[SEGMENTS + 1];
	uint64_t far[PLACES];
	size_t n = 1, i, down, e;
	struct item top, last;

	memset(far, 0xff, sizeof(far));
	far[from] = 0;
	heap[0] = (struct item){0, from};
	while (n > 0) {
		top = heap[0];
		last = heap[--n];
		for (i = 0; (down = 2 * i + 1) < n; i = down) {
			if (down + 1 < n && heap[down + 1].far < heap[down].far)
				down++;
			if (heap[down].far >= last.far)
				break;
			heap[i] = heap[down];
		}
		heap[i] = last;
		if (top.place == to)
			break;
		if (top.far > far[top.place])
			continue;
		for (e = 0; e < link_n[top.place]; e++) {
			const struct link *l = &links[top.place][e];

			if (top.far + l->delay >= far[l->to])
				continue;
			far[l->to] = top.far + l->delay;
			for (i = n++; i > 0; i = (i - 1) / 2) {
				if (heap[(i - 1) / 2].far <= far[l->to])
					break;
				heap[i] = heap[(i - 1) / 2];
			}
			heap[i] = (struct item){far[l->to], l->to};
		}
	}
	return far[to];
}

/* ---- What is measured ---------------------------------------------------- */

enum kind {
	PLAIN,
	FASTEST,
	CHEAPEST,
	BOUND_1,
	BOUND_10,
	BOUND_32,
	ROUTED,
	REFUSED,
	KINDS
};
static const char *const kind_names[KINDS] = {
    [PLAIN] = "Dijkstra, fastest, no path kept",
    [FASTEST] = "fastest",
    [CHEAPEST] = "cheapest",
    [BOUND_1] = "cheapest within a delay",
    [BOUND_10] = "10 cheapest within a delay",
    [BOUND_32] = "32 cheapest within delay, availability, capacity",
    [ROUTED] = "5 cheapest within a delay, 3 avoided, 1 to pass",
    [REFUSED] = "none, and why"};
static double times[KINDS][PAIRS_MAX];
static size_t time_n[KINDS];
static size_t undecided;

static cpnp_path_answer *
ask(enum kind kind, const cpnp_path_query *query)
{
	double start = seconds();
	cpnp_path_answer *answer;

	if (cpnp_path_find(graph, query, &answer, NULL) != 0)
		die("a query is refused");
	times[kind][time_n[kind]++] = seconds() - start;
	undecided += !answer->complete;
	return answer;
}

static void
ask_only(enum kind kind, const cpnp_path_query *query)
{
	cpnp_path_answer_del(ask(kind, query));
}

static void
ask_pair(uint32_t from, uint32_t to)
{
	char names[6][16];
	cpnp_bytes avoid[3], pass[1];
	uint64_t plain, fast, slow, i;
	cpnp_path_answer *answer;
	cpnp_path_query q;
	double start = seconds();

	plain = dijkstra(from, to);
	times[PLAIN][time_n[PLAIN]++] = seconds() - start;
	cpnp_path_query_default(&q);
	q.from = name_of('p', from, names[0]);
	q.to = name_of('p', to, names[1]);
	q.start.sec = START;
	q.end.sec = START + 3600;
	q.code = CPNP_BYTES_LIT("EUR");
	q.by = CPNP_PATH_BY_DELAY;
	answer = ask(FASTEST, &q);
	if (answer->path_n != (plain == UINT64_MAX ? 0u : 1u))
		die("one way has a path and the other has none");
	if (answer->path_n == 0) {
		cpnp_path_answer_del(answer);
		time_n[PLAIN]--, time_n[FASTEST]--;
		return;
	}
	fast = answer->paths[0].delay;
	cpnp_path_answer_del(answer);
	if (fast != plain)
		die("the fastest path is not as fast as Dijkstra's");
	q.by = CPNP_PATH_BY_PRICE;
	answer = ask(CHEAPEST, &q);
	slow = answer->paths[0].delay;
	cpnp_path_answer_del(answer);
	q.delay_max = fast + (slow - fast) / 2;
	ask_only(BOUND_1, &q);
	q.candidates = 10;
	ask_only(BOUND_10, &q);
	q.candidates = 5;
	for (i = 0; i < 3; i++)
		avoid[i] = name_of('d', draw(DOMAINS), names[2 + i]);
	pass[0] = name_of('d', draw(DOMAINS), names[5]);
	q.avoid = avoid;
	q.avoid_n = 3;
	q.pass = pass;
	q.pass_n = 1;
	q.delay_max = 2 * slow;
	ask_only(ROUTED, &q);
	q.avoid_n = q.pass_n = 0;
	q.candidates = 32;
	q.delay_max = fast + (slow - fast) / 2;
	q.capacity = 20000000000;
	q.availability_min = 997500;
	ask_only(BOUND_32, &q);
	q.capacity = 0;
	q.delay_max = fast - 1;
	ask_only(REFUSED, &q);
}

static int
by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	unsigned long i, pairs = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
	enum kind k;

	if (argc > 2 || pairs == 0 || pairs > PAIRS_MAX) {
		(void)fputs("usage: bench-path [PAIRS], 1 to 10000\n", stderr);
		return 2;
	}
	if (cpnp_path_graph_new(&graph, &ledger_mem) != 0)
		die("out of memory");
	build();
	for (i = 0; i < pairs; i++) {
		uint32_t from = (uint32_t)draw(PLACES), to;

		do
			to = (uint32_t)draw(PLACES);
		while (to == from);
		ask_pair(from, to);
	}
	printf("%d domains, %d segments, %d places, %zu pairs\n", DOMAINS,
	    SEGMENTS, PLACES, time_n[PLAIN]);
	printf("%-52s %9s %9s %9s\n", "milliseconds", "median", "99 %", "max");
	for (k = 0; k < KINDS; k++) {
		size_t n = time_n[k];

		if (n == 0)
			continue;
		qsort(times[k], n, sizeof(times[k][0]), by_time);
		printf("%-52s %9.3f %9.3f %9.3f\n", kind_names[k],
		    times[k][n / 2] * 1e3, times[k][n * 99 / 100] * 1e3,
		    times[k][n - 1] * 1e3);
	}
	printf("not decided within %d labels: %zu\n", CPNP_PATH_LABELS_MAX,
	    undecided);
	cpnp_path_graph_del(graph);
	return 0;
}
