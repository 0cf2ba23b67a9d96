/*
 * Decisions: the three models (contradictions.md, 1), counter-offers that
 * name the clause, the limit and what would fit, and that nothing is ever
 * sold twice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <unistd.h>

#include <cpnp/xml.h>

#include "../../cpnpd/decision/decide.h"
#include "unit.h"

#define NOW INT64_C(1795249800) /* 2026-11-21T08:30:00Z */
#define FOREVER ((cpnp_wtime){CPNP_WTIME_MAX})
#define MBIT UINT64_C(1000000)

static const char catalogue_text[] =
    "<catalogue xmlns='urn:cpnp:catalogue:1'>"
    "<provider name='P' email='n@p.example'/>"
    "<token code='EUR' exponent='3'/>"
    "<terms offer-validity='1 h' open-term='10 h' minimum-term='2 h'"
    " minimum='10 Mbit/s' maximum='500 Mbit/s' step='10 Mbit/s'/>"
    "<test maximum='20 Mbit/s' duration='24 h'/>"
    "<network mtu='1500 bytes' separation='isolated'><means name='IPsec'/>"
    "<class name='gold'/><honours clause='flows'/>"
    "<honours clause='conformance'/></network>"
    "<place name='Paris' capacity='1 Gbit/s' price='3' delay='10 ms'"
    " loss='100 ppm' availability='99.9 %' provider-node='pe-1'/>"
    "<place name='Albi' capacity='80 Mbit/s' price='4' delay='14 ms'"
    " loss='200 ppm' availability='99.5 %'/>"
    "<place name='Brest' capacity='1 Gbit/s' price='1'/>"
    "<item name='fixed' price='777'><cpd xmlns='urn:cpnp:cpd:1'><component>"
    "<profile><nodes><node id='n'/></nodes><scopes>"
    "<scope direction='incoming' reach='global'/></scopes>"
    "<availability value='99.9 %'/>"
    "<capacity><rate in='50 Mbit/s' out='50 Mbit/s'/></capacity>"
    "</profile></component></cpd></item>"
    "<template name='vpn'><cpd xmlns='urn:cpnp:cpd:1'><component>"
    "<profile><nodes><node id='n'/></nodes><scopes>"
    "<scope direction='incoming' reach='restricted'/></scopes>"
    "<capacity><rate in='20 Mbit/s to 100 Mbit/s, preferably 50 Mbit/s'/>"
    "</capacity></profile></component></cpd></template>"
    "</catalogue>";

static cpnp_catalogue *catalogue;
static cpnp_capacity *capacity;
static uint8_t request_bytes[65536];
static cpnp_msg request;
static cpnp_decide_input in;
static uint8_t ref[CPNP_SHA256_LEN];
static cpnp_decision d;
static cpnp_cpd offered;

/* ---- builders ---- */

static void *
test_alloc(void *user, size_t size)
{
	(void)user;
	return malloc(size);
}

static void *
test_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return realloc(ptr, size);
}

static void
test_free(void *user, void *ptr)
{
	(void)user;
	free(ptr);
}

static const cpnp_mem heap = {NULL, test_alloc, test_realloc, test_free};

static void
tell(void *user, const char *line)
{
	(void)user;
	fprintf(stderr, "%s\n", line);
}

static void
setup(void)
{
	char path[] = "/tmp/cpnp-decide.XXXXXX", resource[96];
	int fd = mkstemp(path);
	size_t i;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, catalogue_text, strlen(catalogue_text)),
	    (ssize_t)strlen(catalogue_text));
	close(fd);
	ck_assert_int_eq(
	    cpnp_catalogue_load(&catalogue, path, tell, NULL), 0);
	unlink(path);
	ck_assert_int_eq(cpnp_capacity_new(&capacity), 0);
	for (i = 0; i < catalogue->places_n; i++) {
		cpnp_place_resource(
		    &catalogue->places[i], resource, sizeof(resource));
		cpnp_capacity_set(capacity, resource,
		    (int64_t)catalogue->places[i].capacity);
	}
	memset(&request, 0, sizeof(request));
	memset(ref, 0, sizeof(ref));
	request.method = CPNP_METHOD_QUOTATION;
	in = (cpnp_decide_input){.catalogue = catalogue,
		.capacity = capacity, .request = &request, .order_ref = ref,
		.customer = CPNP_BYTES_LIT("e.example"),
		.held_max = UINT64_MAX, .open_max = 10, .open = 1,
		.now = {NOW}};
}

static void
teardown(void)
{
	cpnp_cpd_fini(&offered);
	cpnp_decision_fini(&d);
	cpnp_capacity_del(capacity);
	cpnp_catalogue_del(catalogue);
}

static void
ask_bytes(cpnp_bytes description)
{
	request.service_description = description;
	cpnp_cpd_fini(&offered);
	cpnp_decision_fini(&d);
	ref[0]++;
	ck_assert_int_eq(cpnp_decide(&d, &in), 0);
	if (d.status == CPNP_STATUS_NONE)
		ck_assert_int_eq(cpnp_cpd_decode(&offered,
				     d.offer.service_description, &heap, NULL),
		    0);
}

static void
ask(const char *xml)
{
	cpnp_diag diag = {0};
	cpnp_cpd cpd;
	cpnp_buf buf;
	int err = cpnp_cpd_from_xml(
	    &cpd, cpnp_bytes_str(xml), &heap, &diag);

	ck_assert_msg(err == 0, "%s: %s\n%s", diag.where, diag.why, xml);
	cpnp_buf_init_fixed(&buf, request_bytes, sizeof(request_bytes));
	ck_assert_int_eq(cpnp_cpd_encode(&cpd, &buf), 0);
	cpnp_cpd_fini(&cpd);
	ask_bytes(cpnp_buf_bytes(&buf));
}

#define DOC(attrs, nodes, clauses)                                             \
	"<cpd xmlns='urn:cpnp:cpd:1'" attrs "><component><profile><nodes>"     \
	nodes "</nodes><scopes><scope direction='incoming' "                   \
	"reach='restricted'/></scopes>" clauses                                \
	"</profile></component></cpd>"
#define BARE(attrs, nodes, clauses)                                            \
	"<cpd xmlns='urn:cpnp:cpd:1'" attrs "><component><profile><nodes>"     \
	nodes "</nodes>" clauses "</profile></component></cpd>"
#define NODE(id, place) "<node id='" id "' place='" place "'/>"
#define TEST_WINDOW "<window end='2026-11-22T08:00:00Z'/>"
#define RATE(in) "<capacity><rate in='" in "'/></capacity>"

static bool
text_has(cpnp_bytes text, const char *part)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%.*s", (int)text.len,
	    text.len > 0 ? (const char *)text.ptr : "");
	return strstr(copy, part) != NULL;
}

/* One of the explanations has all these in it. */
static bool
explains(const char *clause, const char *reason, const char *would_fit)
{
	const cpnp_explanation *x;
	size_t i;

	for (i = 0; i < d.explanations_n; i++) {
		x = &d.explanations[i];
		if (text_has(x->clause, clause) &&
		    text_has(x->reason, reason) &&
		    text_has(x->would_fit, would_fit))
			return true;
	}
	for (i = 0; i < d.explanations_n; i++)
		fprintf(stderr, "%.*s | %.*s | %.*s\n",
		    (int)d.explanations[i].clause.len,
		    (const char *)d.explanations[i].clause.ptr,
		    (int)d.explanations[i].reason.len,
		    (const char *)d.explanations[i].reason.ptr,
		    (int)d.explanations[i].would_fit.len,
		    (const char *)d.explanations[i].would_fit.ptr);
	return false;
}

static cpnp_cpd_profile *
profile(void)
{
	return &offered.components[0].profiles[0];
}

static int64_t
free_at(const char *place)
{
	return cpnp_capacity_free(capacity, place, (cpnp_wtime){NOW},
	    FOREVER);
}

/* ---- capacity ---- */

START_TEST(test_decide_exact_fit_is_offered_unchanged)
{
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(d.explanations_n, 0);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 100 * MBIT);
	ck_assert_int_eq(d.offer.validity.sec, NOW + 3600);
	/* 100 Mbit/s for the open term of 10 h at 3 */
	ck_assert_int_eq(d.offer.cost.amount, 3000);
	ck_assert_int_eq(free_at("place/Paris"), 900000000);
	ck_assert(text_has(profile()->nodes[0].links[0].provider_node,
	    "pe-1"));
}
END_TEST

/* F10: what does not fit is answered with what does, and why. */
START_TEST(test_decide_offers_80_of_100)
{
	ask(DOC("", NODE("a", "Albi") NODE("p", "Paris"),
	    RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 80 * MBIT);
	ck_assert(explains("capacity/1/in", "at Albi 80 Mbit/s are free",
	    "80 Mbit/s"));
	ck_assert_int_eq(free_at("place/Albi"), 0);
	ck_assert_int_eq(free_at("place/Paris"), 920000000);
}
END_TEST

START_TEST(test_decide_cuts_only_the_rate_that_is_too_large)
{
	ask(DOC("", NODE("a", "Albi") NODE("p", "Paris"),
	    "<capacity><rate node='a' in='100 Mbit/s'/>"
	    "<rate node='p' in='200 Mbit/s'/></capacity>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 80 * MBIT);
	ck_assert_uint_eq(profile()->capacity[1].in.lo, 200 * MBIT);
	ck_assert_uint_eq(d.explanations_n, 1);
	ck_assert(explains("capacity/a/in", "", "80 Mbit/s"));
}
END_TEST

START_TEST(test_decide_two_nodes_share_a_place)
{
	ask(DOC("", NODE("a", "Albi") NODE("b", "Albi"),
	    "<capacity><rate node='a' in='60 Mbit/s'/>"
	    "<rate node='b' in='20 Mbit/s'/></capacity>"));
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 60 * MBIT);
	ck_assert_int_eq(free_at("place/Albi"), 0);
	/* 100 and 20: the larger is cut to what is left */
	cpnp_capacity_clear(capacity);
	ask(DOC("", NODE("a", "Albi") NODE("b", "Albi"),
	    "<capacity><rate node='a' in='100 Mbit/s'/>"
	    "<rate node='b' in='20 Mbit/s'/></capacity>"));
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 60 * MBIT);
	ck_assert_uint_eq(profile()->capacity[1].in.lo, 20 * MBIT);
}
END_TEST

START_TEST(test_decide_far_end_of_a_pipe_is_held_too)
{
	ask(DOC("", NODE("p", "Paris") NODE("a", "Albi"),
	    "<capacity><rate node='p' out='100 Mbit/s'/></capacity>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->capacity[0].out.lo, 80 * MBIT);
	ck_assert_int_eq(free_at("place/Albi"), 0);
	ck_assert(explains("capacity/p/out", "at Albi", "80 Mbit/s"));
}
END_TEST

START_TEST(test_decide_nothing_fits)
{
	ask(DOC("", NODE("a", "Albi"), RATE("80 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ask(DOC("", NODE("a", "Albi"), RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_OUT_OF_RESOURCES);
	ck_assert(explains("capacity", "at Albi 0 bit/s are free", "another"));
	ck_assert_int_eq(
	    cpnp_capacity_held(capacity, in.customer), 80000000);
}
END_TEST

START_TEST(test_decide_refusal_takes_nothing)
{
	/* Paris is taken first and given back when Albi has no room */
	ask(DOC("", NODE("a", "Albi"), RATE("80 Mbit/s")));
	ask("<cpd xmlns='urn:cpnp:cpd:1'><component>"
	    "<profile><nodes>" NODE("p", "Paris") "</nodes><scopes><scope "
	    "direction='incoming' reach='global'/></scopes>" RATE("50 Mbit/s")
	    "</profile><profile><nodes>" NODE("a", "Albi") "</nodes><scopes>"
	    "<scope direction='incoming' reach='global'/></scopes>"
	    RATE("50 Mbit/s") "</profile></component></cpd>");
	ck_assert_int_eq(d.status, CPNP_STATUS_OUT_OF_RESOURCES);
	ck_assert_int_eq(free_at("place/Paris"), 1000000000);
	ck_assert(explains("profile/2/capacity", "at Albi", ""));
}
END_TEST

START_TEST(test_decide_ranges_become_values)
{
	ask(DOC("", NODE("a", "Albi"),
	    RATE("20 Mbit/s to 100 Mbit/s, preferably 100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_int_eq(profile()->capacity[0].in.kind, CPNP_CPD_SINGLE);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 80 * MBIT);
	/* 80 was asked for, if not preferred: no counter-offer */
	ck_assert_uint_eq(d.explanations_n, 0);
}
END_TEST

START_TEST(test_decide_steps_and_bounds_of_the_terms)
{
	ask(DOC("", NODE("p", "Paris"), RATE("15 Mbit/s")));
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 20 * MBIT);
	ck_assert(explains("capacity/1/in", "steps of 10 Mbit/s",
	    "20 Mbit/s"));
	ask(DOC("", NODE("p", "Paris"), RATE("2 Gbit/s")));
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 500 * MBIT);
	ck_assert(explains("capacity/1/in", "more than is sold",
	    "500 Mbit/s"));
	ask(DOC("", NODE("p", "Paris"), RATE("1 Mbit/s")));
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 10 * MBIT);
}
END_TEST

START_TEST(test_decide_windows_overlap)
{
#define IN_2027(from, to)                                                      \
	DOC("", NODE("a", "Albi"), RATE("80 Mbit/s")                           \
	    "<window start='2027-" from "T00:00:00Z' end='2027-" to            \
	    "T00:00:00Z'/>")
	ask(IN_2027("02-01", "03-01"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ask(IN_2027("02-15", "03-15"));
	ck_assert_int_eq(d.status, CPNP_STATUS_OUT_OF_RESOURCES);
	ask(IN_2027("03-01", "04-01")); /* right after it */
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ask(IN_2027("01-01", "02-01")); /* right before it */
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ask(DOC("", NODE("a", "Albi"), RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_OUT_OF_RESOURCES);
	ask(DOC("", NODE("a", "Albi"), RATE("10 Mbit/s")
	    "<window end='2020-01-01T00:00:00Z'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("window/end", "ended before", "future"));
}
END_TEST

START_TEST(test_decide_never_sells_twice)
{
	enum { ROUNDS = 3000, DAYS = 40 };
	static const char *const places[] = {"place/Paris", "place/Albi"};
	int64_t level[2][DAYS] = {{0}}, limit[2] = {1000000000, 80000000};
	uint64_t seed = 7;
	char xml[2048];
	cpnp_store_hold *rows;
	size_t i, n, r, k;
	int64_t day, t;

	for (r = 0; r < ROUNDS; r++) {
		unsigned from, days, rate, which;
		uint32_t back;

		seed = seed * UINT64_C(6364136223846793005) + 1;
		from = (unsigned)(seed >> 33) % (DAYS - 10);
		days = 1 + (unsigned)(seed >> 40) % 9;
		rate = 10 + (unsigned)(seed >> 45) % 300;
		which = (unsigned)(seed >> 50) % 3;
		snprintf(xml, sizeof(xml),
		    DOC("", "%s%s", "<capacity><rate %s='%u Mbit/s'/>"
			"</capacity><window start='2027-%02u-%02uT00:00:00Z'"
			" end='2027-%02u-%02uT00:00:00Z'/>"),
		    which != 1 ? NODE("p", "Paris") : "",
		    which != 0 ? NODE("a", "Albi") : "",
		    r % 5 < 2 ? "out" : "in", rate,
		    1 + from / 28, 1 + from % 28, 1 + (from + days) / 28,
		    1 + (from + days) % 28);
		back = (uint32_t)r;
		memcpy(ref + 1, &back, 4);
		ref[0] = 0;
		ask(xml);
		/* an earlier one has bought: it is taken as before */
		if (r % 6 == 4) {
			uint8_t old[CPNP_SHA256_LEN] = {1};

			back = (uint32_t)(r / 2);
			memcpy(old + 1, &back, 4);
			cpnp_capacity_buy(capacity, old);
		}
		if (d.status != CPNP_STATUS_NONE)
			continue;
		ck_assert_int_eq(
		    cpnp_capacity_rows(capacity, ref, &rows, &n), 0);
		for (i = 0; i < n; i++)
			for (k = 0; k < 2; k++)
				for (day = 0; day < DAYS; day++) {
					t = 1798761600 + (day / 28) * 31 *
					    86400 + (day % 28) * 86400;
					if (strcmp(rows[i].resource,
						places[k]) == 0 &&
					    rows[i].from.sec <= t &&
					    t < rows[i].until.sec)
						level[k][day] +=
						    rows[i].amount;
				}
		free(rows);
		for (k = 0; k < 2; k++)
			for (day = 0; day < DAYS; day++)
				ck_assert_int_le(level[k][day], limit[k]);
	}
	/* and it was full somewhere, or nothing was tried */
	for (day = 0, t = 0; day < DAYS; day++)
		t += level[1][day] == limit[1];
	ck_assert_int_gt(t, 10);
}
END_TEST

/* ---- places ---- */

START_TEST(test_decide_place_not_served_is_named)
{
	ask(DOC("", NODE("p", "Paris") NODE("x", "Atlantis"),
	    RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NETWORK_PRESENCE);
	ck_assert(explains("nodes/x", "Atlantis is not served",
	    "Paris, Albi, Brest"));
	ask(DOC("", "<node id='y'/>", RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NETWORK_PRESENCE);
	ck_assert(explains("nodes/y", "has no place", "Paris"));
	ask(DOC("", NODE("p", "PARIS"), RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
}
END_TEST

/* ---- quality ---- */

START_TEST(test_decide_metrics_beyond_the_promise)
{
	ask(DOC("", NODE("p", "Paris") NODE("a", "Albi"), RATE("10 Mbit/s")
	    "<qos><delay value='5 ms' statistic='maximum'/>"
	    "<loss value='0.1 %' statistic='mean'/></qos>"
	    "<availability value='99.99 %'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->qos->delay[0].value.lo, 14000);
	ck_assert(explains("qos/delay", "no better", "14 ms"));
	/* better than asked is not promised without need */
	ck_assert_uint_eq(profile()->qos->loss[0].value.lo, 1000);
	ck_assert_uint_eq(profile()->availability->value.lo, 995000);
	ck_assert(explains("availability", "no better", "99.5 %"));
	ck_assert_uint_eq(d.explanations_n, 2);
}
END_TEST

START_TEST(test_decide_leaves_out_what_is_not_promised)
{
	ask(DOC("", NODE("b", "Brest"), RATE("10 Mbit/s")
	    "<qos><delay value='5 ms' statistic='maximum'/></qos>"
	    "<isolation separation='dedicated'><means>IPsec</means>"
	    "<means>GRE</means></isolation>"
	    "<flows><flow dscp='46'/></flows>"
	    "<routing backup='path'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_ptr_null(profile()->qos);
	ck_assert_ptr_null(profile()->routing);
	ck_assert_uint_eq(profile()->flows_n, 1);
	ck_assert_uint_eq(
	    profile()->isolation->separation, CPNP_CPD_ISOLATED);
	ck_assert_uint_eq(profile()->isolation->means_n, 1);
	ck_assert(explains("qos/delay", "nothing is promised", "without"));
	ck_assert(explains("isolation/separation", "not dedicated",
	    "isolated"));
	ck_assert(explains("isolation/means", "GRE", "IPsec"));
	ck_assert(explains("routing", "not honoured", "without"));
}
END_TEST

START_TEST(test_decide_mtu_of_the_network)
{
	ask(DOC("", NODE("p", "Paris"), RATE("10 Mbit/s")
	    "<conformance mtu='9000 bytes' filter='policing' "
	    "excess='discard'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->conformance->mtu.lo, 1500);
	ck_assert(explains("conformance/mtu", "", "1500 bytes"));
}
END_TEST

/* ---- models, contradictions.md 1 ---- */

START_TEST(test_01_frozen_item_as_it_is)
{
	ask(BARE(" based-on='fixed'", NODE("here", "Paris"), ""));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 50 * MBIT);
	ck_assert_uint_eq(profile()->availability->value.lo, 999000);
	ck_assert_int_eq(d.offer.cost.amount, 777);
	ck_assert(text_has(profile()->nodes[0].id, "here"));
	ck_assert_int_eq(free_at("place/Paris"), 950000000);
}
END_TEST

START_TEST(test_01_frozen_item_refuses_other_clauses_by_name)
{
	ask(BARE(" based-on='fixed'", NODE("n", "Paris"),
	    "<capacity><rate in='60 Mbit/s' out='50 Mbit/s'/></capacity>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("capacity", "fixed is frozen", "an order"));
	ck_assert(text_has(d.explanations[0].limit, "50 Mbit/s"));
	ask(BARE(" based-on='fixed'", NODE("n", "Paris"),
	    "<isolation separation='isolated'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("isolation", "has no such clause", ""));
	ask(BARE(" based-on='fixed'", NODE("n", "Paris"),
	    "<window end='2027-02-01T00:00:00Z'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("window", "", ""));
	ck_assert_int_eq(free_at("place/Paris"), 1000000000);
}
END_TEST

START_TEST(test_01_frozen_item_is_not_cut)
{
	ask(DOC("", NODE("a", "Albi"), RATE("50 Mbit/s")));
	ask(BARE(" based-on='fixed'", NODE("n", "Albi"), ""));
	ck_assert_int_eq(d.status, CPNP_STATUS_OUT_OF_RESOURCES);
	ck_assert(explains("capacity", "at Albi 30 Mbit/s", ""));
}
END_TEST

START_TEST(test_01_template_is_filled_in)
{
	ask(BARE(" based-on='vpn'",
	    NODE("p", "Paris") NODE("b", "Brest"), ""));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 50 * MBIT);
	ask(BARE(" based-on='vpn'", NODE("p", "Paris") NODE("b", "Brest"),
	    "<capacity><rate node='p' in='30 Mbit/s'/>"
	    "<rate node='b' in='100 Mbit/s'/></capacity>"
	    "<window end='2027-02-01T00:00:00Z'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->capacity[1].in.lo, 100 * MBIT);
	ck_assert_uint_eq(d.explanations_n, 0);
}
END_TEST

START_TEST(test_01_template_keeps_its_ranges)
{
	ask(BARE(" based-on='vpn'", NODE("p", "Paris"),
	    RATE("200 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("capacity", "template vpn", "within"));
	/* with too little left the template cannot be kept either */
	ask(DOC("", NODE("a", "Albi"), RATE("70 Mbit/s")));
	ask(BARE(" based-on='vpn'", NODE("a", "Albi"), RATE("50 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_OUT_OF_RESOURCES);
	ck_assert(explains("capacity/1/in", "at Albi 10 Mbit/s", ""));
}
END_TEST

START_TEST(test_decide_unknown_item_names_those_there_are)
{
	ask(BARE(" based-on='gold'", NODE("p", "Paris"), ""));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("based-on", "gold is not in the catalogue",
	    "fixed, vpn"));
}
END_TEST

/* ---- an agreement is changed ---- */

/* What was offered last is agreed, and the next ask() is an UPDATE of it. */
static void
agree(cpnp_agreement *agreement, uint8_t *copy, size_t size)
{
	cpnp_bytes description = d.offer.service_description;

	ck_assert_uint_le(description.len, size);
	memcpy(copy, description.ptr, description.len);
	*agreement = (cpnp_agreement){
		.service_description = {copy, description.len},
		.has_cost = true, .cost = d.offer.cost,
		.purpose = d.offer.purpose};
	cpnp_capacity_buy(capacity, ref);
	in.standing = agreement;
	ref[0]--;
}

/* contradictions.md, 33: what the agreement has itself is free for it. */
START_TEST(test_decide_update)
{
	static uint8_t copy[4096];
	cpnp_agreement agreement;

	ask(DOC("", NODE("p", "Paris") NODE("b", "Brest"), RATE("400 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_int_eq(free_at("place/Paris"), 600000000);
	agree(&agreement, copy, sizeof(copy));
	in.held_max = 300 * MBIT;
	ask(DOC("", NODE("p", "Paris") NODE("a", "Albi"), RATE("60 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 60 * MBIT);
	ck_assert(explains("nodes", "this update adds a", ""));
	ck_assert(explains("nodes", "this update removes b", ""));
	ck_assert(explains("cost", "agreed for", ""));
	/* of Paris what is agreed, of Albi what is offered */
	ck_assert_int_eq(free_at("place/Paris"), 600000000);
	ck_assert_int_eq(free_at("place/Brest"), 600000000);
	ck_assert_int_eq(free_at("place/Albi"), 20000000);
	/* another try, larger, than what comes on top would allow */
	ref[0]--;
	ask(DOC("", NODE("p", "Paris") NODE("b", "Brest"), RATE("500 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert(explains("service", "this update changes", ""));
	ck_assert_int_eq(free_at("place/Paris"), 500000000);
	ck_assert_int_eq(free_at("place/Albi"), 80000000);
	/* and one that is refused takes nothing */
	ref[0]--;
	ask(DOC("", NODE("p", "Paris") NODE("x", "Nowhere"),
	    RATE("500 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NETWORK_PRESENCE);
	ck_assert_int_eq(free_at("place/Paris"), 600000000);
	ck_assert_int_eq(cpnp_capacity_held(capacity, in.customer), 0);
}
END_TEST

/* RFC 8921, 8.9: an UPDATE makes a test permanent, none does the reverse. */
START_TEST(test_decide_update_of_a_test)
{
	static uint8_t copy[4096];
	cpnp_agreement agreement;

	request.present |= CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	request.options.purpose = CPNP_PURPOSE_TEST;
	ask(DOC("", NODE("p", "Paris"), RATE("10 Mbit/s") TEST_WINDOW));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	agree(&agreement, copy, sizeof(copy));
	/* who says nothing leaves it a test, with the limits of one */
	request.options.purpose = CPNP_PURPOSE_NONE;
	ask(DOC("", NODE("p", "Paris"), RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("window/end", "a test is shorter", ""));
	request.options.purpose = CPNP_PURPOSE_PERMANENT;
	ref[0]--;
	ask(DOC("", NODE("p", "Paris"), RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_int_eq(d.offer.purpose, CPNP_PURPOSE_PERMANENT);
	agree(&agreement, copy, sizeof(copy));
	request.options.purpose = CPNP_PURPOSE_TEST;
	ask(DOC("", NODE("p", "Paris"), RATE("10 Mbit/s") TEST_WINDOW));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("purpose", "not made a test", ""));
}
END_TEST

/* ---- limits, options ---- */

START_TEST(test_decide_limit_of_held_capacity)
{
	in.held_max = 150 * MBIT;
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("capacity", "held without buying for e.example is "
	    "150 Mbit/s", "50 Mbit/s"));
	ck_assert_int_eq(free_at("place/Paris"), 900000000);
	cpnp_capacity_buy(capacity, (uint8_t[CPNP_SHA256_LEN]){1});
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
}
END_TEST

START_TEST(test_decide_limit_of_open_orders)
{
	in.open = in.open_max;
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	in.open = in.open_max + 1;
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("order", "limit of open orders for e.example is "
	    "10", "once another"));
}
END_TEST

START_TEST(test_decide_scheduled_activation_is_not_supported)
{
	request.present = CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_TYPE);
	request.activation_type = CPNP_ACTIVATION_PERMANENT;
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert(d.offer.has_activation_type);
	request.activation_type = CPNP_ACTIVATION_SCHEDULED;
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert_int_eq(
	    d.status, CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE);
}
END_TEST

#define INVOCATION(more) "<invocation type='explicit'>" more "</invocation>"

/* RFC 8921, Table 6: "its activation procedure set to explicit". */
START_TEST(test_activate_wants_explicit_activation_agreed)
{
	static const struct {
		const char *document;
		cpnp_status status;
	} table[] = {
	    {DOC("", NODE("p", "Paris"), RATE("1 Mbit/s")),
		CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE},
	    {DOC("", NODE("p", "Paris"),
		 RATE("1 Mbit/s") "<invocation type='implicit'/>"),
		CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE},
	    {DOC("", NODE("p", "Paris"), RATE("1 Mbit/s")
		    INVOCATION("<protocol>RSVP-TE</protocol>")),
		CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE},
	    {DOC("", NODE("p", "Paris"), RATE("1 Mbit/s")
		    INVOCATION("<protocol>CPNP</protocol>")),
		CPNP_STATUS_NONE},
	    {DOC("", NODE("p", "Paris"), RATE("1 Mbit/s")
		    INVOCATION("<protocol>RSVP</protocol>"
			       "<protocol>CPNP</protocol>")),
		CPNP_STATUS_NONE},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const cpnp_schedule at_once = {0};
		cpnp_decision activate;

		ask(table[i].document);
		ck_assert_int_eq(
		    cpnp_decide_activate(&activate,
			request.service_description, &at_once, in.now),
		    0);
		ck_assert_msg(activate.status == table[i].status, "%s",
		    table[i].document);
		ck_assert_uint_eq(activate.explanations_n,
		    table[i].status == CPNP_STATUS_NONE ? 0 : 1);
		cpnp_decision_fini(&activate);
	}
}
END_TEST

/* Capacity is held in the window of the agreement, and at no other time. */
START_TEST(test_activate_stays_within_the_window)
{
	static const struct {
		cpnp_schedule schedule;
		int64_t now;
		cpnp_status status;
		const char *clause;
	} table[] = {
#define NO CPNP_STATUS_OUT_OF_RESOURCES
#define AT(s, e) {.has_start = (s) != 0, .start = {s}, .has_end = (e) != 0, \
    .end = {e}}
	    /* 2027-01-01 to 2028-01-01 */
	    {AT(0, 0), 1798761599, NO, "window/start"},
	    {AT(0, 0), 1798761600, CPNP_STATUS_NONE, NULL},
	    {AT(1798761600, 0), 1795000000, CPNP_STATUS_NONE, NULL},
	    {AT(1798761599, 0), 1795000000, NO, "window/start"},
	    {AT(0, 1830297600), 1798761600, CPNP_STATUS_NONE, NULL},
	    {AT(0, 1830297601), 1798761600, NO, "window/end"},
	    {AT(0, 0), 1830297599, CPNP_STATUS_NONE, NULL},
	    {AT(0, 0), 1830297600, NO, "window/end"},
	    {{.deactivate = true}, 1795000000, CPNP_STATUS_NONE, NULL},
#undef AT
#undef NO
	};

	ask(DOC("", NODE("p", "Paris"), RATE("1 Mbit/s")
		INVOCATION("<protocol>CPNP</protocol>")
		"<window start='2027-01-01T00:00:00Z' "
		"end='2028-01-01T00:00:00Z'/>"));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cpnp_decision activate;

		ck_assert_int_eq(
		    cpnp_decide_activate(&activate,
			request.service_description, &table[i].schedule,
			(cpnp_wtime){table[i].now}),
		    0);
		ck_assert_msg(activate.status == table[i].status, "%zu: %d",
		    i, (int)activate.status);
		if (table[i].clause != NULL)
			ck_assert(cpnp_bytes_equal(
			    activate.explanations[0].clause,
			    (cpnp_bytes){(const uint8_t *)table[i].clause,
				strlen(table[i].clause)}));
		cpnp_decision_fini(&activate);
	}
}
END_TEST

START_TEST(test_decide_test_orders_have_limits)
{
	request.present = CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	request.options.purpose = CPNP_PURPOSE_TEST;
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")
	    "<window end='2026-11-22T08:00:00Z'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert_int_eq(d.offer.purpose, CPNP_PURPOSE_TEST);
	ck_assert_uint_eq(profile()->capacity[0].in.lo, 20 * MBIT);
	ck_assert(explains("capacity", "for a test", "20 Mbit/s"));
	ask(DOC("", NODE("p", "Paris"), RATE("10 Mbit/s")));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("window/end", "a test is shorter",
	    "within 1 d"));
}
END_TEST

START_TEST(test_decide_no_capacity_is_not_sold)
{
	ask(DOC("", NODE("p", "Paris"), "<overall delay='low'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(explains("capacity/p", "no capacity", "from 10 Mbit/s"));
}
END_TEST

START_TEST(test_decide_refuses_what_is_no_document)
{
	ask_bytes(CPNP_CPD_EMPTY);
	ck_assert_int_eq(d.status, CPNP_STATUS_MESSAGE_VALIDATION);
	ck_assert(explains("service description", "empty", "nodes"));
	ask_bytes(CPNP_BYTES_LIT("\x82\x00\x01"));
	ck_assert_int_eq(d.status, CPNP_STATUS_MESSAGE_VALIDATION);
	ask_bytes(CPNP_BYTES_LIT("\x82\x07\xa0"));
	ck_assert_int_eq(d.status, CPNP_STATUS_MESSAGE_VALIDATION);
}
END_TEST

/* ---- money ---- */

START_TEST(test_price_is_exact_and_rounds_up_once)
{
	cpnp_price_sum sum = 0;
	int64_t amount;

	/* a thousand times a thousandth of a unit is one unit */
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(cpnp_price_add(&sum, 1, 1000000, 3), 0);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(cpnp_price_add(&sum, 1, 1000000, 3), 0);
	ck_assert_int_eq(cpnp_price_round(sum, 1, &amount), 0);
	ck_assert_int_eq(amount, 1);
	ck_assert_int_eq(cpnp_price_add(&sum, 1, 1, 1), 0);
	ck_assert_int_eq(cpnp_price_round(sum, 1, &amount), 0);
	ck_assert_int_eq(amount, 2);
}
END_TEST

START_TEST(test_price_overflow_is_told)
{
	cpnp_price_sum sum = 0;
	int64_t amount;

	ck_assert_int_eq(cpnp_price_add(&sum, 1000000000000,
			     CPNP_CPD_RATE_MAX, 253402300799), 0);
	ck_assert_int_eq(cpnp_price_round(sum, 1, &amount), CPNP_ERR_RANGE);
	ck_assert_int_eq(cpnp_price_add(&sum, 1000000000000,
			     CPNP_CPD_RATE_MAX, 253402300799),
	    CPNP_ERR_RANGE);
	ck_assert_int_eq(
	    cpnp_price_add(&sum, UINT64_MAX, UINT64_MAX, UINT64_MAX),
	    CPNP_ERR_RANGE);
	sum = (cpnp_price_sum)INT64_MAX * 3600000000u;
	ck_assert_int_eq(cpnp_price_round(sum, 1, &amount), 0);
	ck_assert_int_eq(amount, INT64_MAX);
	sum++;
	ck_assert_int_eq(cpnp_price_round(sum, 1, &amount), CPNP_ERR_RANGE);
}
END_TEST

START_TEST(test_decide_cost_of_windows_and_wishes)
{
	/* one hour is charged as the minimum of two */
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")
	    "<window end='2026-11-21T09:30:00Z'/>"));
	ck_assert_int_eq(d.offer.cost.amount, 600);
	request.present = CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	request.options.has_cost = true;
	request.options.cost = (cpnp_money){100, CPNP_BYTES_LIT("EUR"),
		CPNP_BYTES_NONE, 3};
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")
	    "<window end='2026-11-21T09:30:00Z'/>"));
	ck_assert_int_eq(d.status, CPNP_STATUS_NONE);
	ck_assert(explains("cost", "more than the 0.100 EUR", "0.600 EUR"));
	request.options.cost.code = CPNP_BYTES_LIT("USD");
	ask(DOC("", NODE("p", "Paris"), RATE("100 Mbit/s")));
	ck_assert(explains("cost", "in EUR only", "3.000 EUR"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_decide_exact_fit_is_offered_unchanged,
		test_decide_offers_80_of_100,
		test_decide_cuts_only_the_rate_that_is_too_large,
		test_decide_two_nodes_share_a_place,
		test_decide_far_end_of_a_pipe_is_held_too,
		test_decide_nothing_fits,
		test_decide_refusal_takes_nothing,
		test_decide_ranges_become_values,
		test_decide_steps_and_bounds_of_the_terms,
		test_decide_windows_overlap,
		test_decide_never_sells_twice,
		test_decide_place_not_served_is_named,
		test_decide_metrics_beyond_the_promise,
		test_decide_leaves_out_what_is_not_promised,
		test_decide_mtu_of_the_network,
		test_01_frozen_item_as_it_is,
		test_01_frozen_item_refuses_other_clauses_by_name,
		test_01_frozen_item_is_not_cut,
		test_01_template_is_filled_in,
		test_01_template_keeps_its_ranges,
		test_decide_unknown_item_names_those_there_are,
		test_decide_update, test_decide_update_of_a_test,
		test_decide_limit_of_held_capacity,
		test_decide_limit_of_open_orders,
		test_decide_scheduled_activation_is_not_supported,
		test_activate_wants_explicit_activation_agreed,
		test_activate_stays_within_the_window,
		test_decide_test_orders_have_limits,
		test_decide_no_capacity_is_not_sold,
		test_decide_refuses_what_is_no_document,
		test_price_is_exact_and_rounds_up_once,
		test_price_overflow_is_told,
		test_decide_cost_of_windows_and_wishes,
	};

	return unit_run_with("decide", tests, sizeof(tests) / sizeof(tests[0]),
	    setup, teardown, 30);
}
