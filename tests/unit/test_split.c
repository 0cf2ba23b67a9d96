/*
 * Service descriptions that are cut where the own network ends, and joined
 * again (RFC 8921, 8.8 and 8.9; R13: what a neighbour is not told).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <cpnp/xml.h>

#include "../../cpnpd/decision/split.h"
#include "unit.h"

#define MBIT UINT64_C(1000000)

static char names[4][8] = {"Paris", "Lyon", "West", "East"};
static cpnp_place places[] = {{.name = names[0]}, {.name = names[1]},
    {.name = names[2]}, {.name = names[3]}};
static const cpnp_catalogue catalogue = {.places = places, .places_n = 4};

static cpnp_arena arena;
static cpnp_split split;
static cpnp_explanation why;
static cpnp_bytes reach_west[2], reach_east[2];
static cpnp_split_neighbour neighbours[2];

static cpnp_bytes
encode(const cpnp_cpd *cpd)
{
	cpnp_buf buf;

	cpnp_buf_init(&buf, &arena.mem, CPNP_CPD_MAX);
	ck_assert_int_eq(cpnp_cpd_encode(cpd, &buf), 0);
	return cpnp_buf_bytes(&buf);
}

static cpnp_cpd
decode(cpnp_bytes description)
{
	cpnp_diag diag = {0};
	cpnp_cpd cpd;

	if (cpnp_cpd_decode(&cpd, description, &arena.mem, &diag) != 0)
		ck_abort_msg("%s: %s", diag.where, diag.why);
	return cpd;
}

static cpnp_cpd
read_xml(const char *profile)
{
	char text[8192];
	cpnp_diag diag = {0};
	cpnp_cpd cpd;

	(void)snprintf(text, sizeof(text), "<cpd xmlns='urn:cpnp:cpd:1'>"
	    "<component name='secret-component'>%s</component></cpd>",
	    profile);
	if (cpnp_cpd_from_xml(&cpd, cpnp_bytes_str(text), &arena.mem,
		&diag) != 0)
		ck_abort_msg("%s: %s", diag.where, diag.why);
	return cpd;
}

static void
setup(void)
{
	cpnp_arena_init(&arena);
	reach_west[0] = CPNP_BYTES_LIT("Brest");
	reach_west[1] = CPNP_BYTES_LIT("Both");
	reach_east[0] = CPNP_BYTES_LIT("Roma");
	reach_east[1] = CPNP_BYTES_LIT("Both");
	neighbours[0] = (cpnp_split_neighbour){CPNP_BYTES_LIT("West"),
	    CPNP_BYTES_LIT("Theirs"), reach_west, 2};
	neighbours[1] = (cpnp_split_neighbour){
	    CPNP_BYTES_LIT("East"), CPNP_BYTES_LIT("East"), reach_east, 2};
}

static void
teardown(void)
{
	cpnp_arena_fini(&arena);
}

static int
begin(const cpnp_cpd *cpd)
{
	return cpnp_split_init(&split, encode(cpd), &catalogue, neighbours, 2,
	    &arena, &why);
}

/* The own part, decided: each range becomes its preferred value, delays are
 * what the network promises. */
static cpnp_bytes
decide(const cpnp_choice choice, uint64_t delay, uint64_t availability)
{
	cpnp_cpd_profile *p;
	cpnp_bytes own;
	cpnp_cpd cpd;
	size_t i;

	ck_assert_int_eq(cpnp_split_own(&split, choice, &own, &why), 0);
	cpd = decode(own);
	p = &cpd.components[0].profiles[0];
	for (i = 0; p->qos != NULL && i < p->qos->delay_n; i++)
		p->qos->delay[i].value = cpnp_cpd_single(delay);
	for (i = 0; p->qos != NULL && i < p->qos->loss_n; i++)
		p->qos->loss[i].value = cpnp_cpd_single(1);
	if (p->availability != NULL)
		p->availability->value = cpnp_cpd_single(availability);
	return encode(&cpd);
}

static bool
has(cpnp_bytes bytes, const char *word)
{
	size_t len = strlen(word), i;

	for (i = 0; i + len <= bytes.len; i++)
		if (memcmp(bytes.ptr + i, word, len) == 0)
			return true;
	return false;
}

#define NODES(far)                                                             \
	"<nodes><node id='secret-1' place='Paris'"                             \
	" address='1 Secret Street, secret' site='secret-site'/>"              \
	"<node id='secret-2' place='" far "' coordinates='1.5 2.5'"            \
	" address='2 secret' site='secret-far'>"                               \
	"<link id='secret-port'/></node>"                                      \
	"<node id='secret-3' place='Lyon'/></nodes>"

/* R13: nothing of the customer is in the bytes, nor what is not known. */
START_TEST(test_split_tells_nothing_of_the_customer)
{
	static const uint8_t extra[] = {
	    0x20, 0x66, 's', 'e', 'c', 'r', 'e', 't'};
	const cpnp_cpd_extra more = {extra, sizeof(extra), 1};
	cpnp_cpd cpd = read_xml("<profile name='secret-profile'>"
	    NODES("Brest")
	    "<scopes><scope id='secret-scope' direction='outgoing'"
	    " reach='restricted'><destination>192.0.2.0/24</destination>"
	    "</scope></scopes>"
	    "<qos><delay value='40 ms' statistic='maximum'"
	    " scope='secret-scope' from='secret-1' to='secret-2'/></qos>"
	    "<availability value='99.9 %' statistic='mean'/>"
	    "<capacity><rate in='10 Mbit/s' out='10 Mbit/s'/></capacity>"
	    "<isolation separation='isolated'/>"
	    "<routing><avoid node='secret-node'/><avoid as='64500'/></routing>"
	    "<notifications><notification method='email'"
	    " target='secret@customer.example'/></notifications>"
	    "</profile>");
	cpnp_cpd_profile *p = &cpd.components[0].profiles[0];
	cpnp_choice choice = {0};
	cpnp_bytes child;

	cpd.extra = more;
	p->extra = more;
	p->nodes[1].extra = more;
	p->qos->extra = more;
	p->qos->delay[0].extra = more;
	p->capacity[0].extra = more;
	p->isolation->extra = more;
	p->routing->extra = more;
	ck_assert_int_eq(begin(&cpd), 0);
	ck_assert_uint_eq(split.segments_n, 1);
	ck_assert_int_eq(cpnp_split_child(&split, choice, 0,
	    decide(choice, 12000, 999900), &child, &why), 0);
	ck_assert(has(encode(&cpd), "secret"));
	ck_assert(!has(child, "secret"));
	ck_assert(!has(child, "Secret"));
	ck_assert(!has(child, "Paris"));
	ck_assert(!has(child, "Lyon"));
	ck_assert(!has(child, "customer.example"));
	ck_assert(!has(child, "\xc0\x00\x02")); /* 192.0.2.0/24 */
	ck_assert(has(child, "Brest"));
	ck_assert(has(child, "Theirs"));
	cpd = decode(child);
	ck_assert_uint_eq(cpd.components[0].profiles[0].nodes_n, 2);
	ck_assert_uint_eq(
	    cpd.components[0].profiles[0].routing->avoid_n, 1);
}
END_TEST

/* What the own part leaves is the limit of the other, and the sum is offered,
 * not better than was wished for. */
START_TEST(test_split_shares_out_what_adds_up)
{
	cpnp_cpd cpd = read_xml("<profile>" NODES("Brest")
	    "<qos><delay value='10 ms to 40 ms, preferably 20 ms'"
	    " statistic='maximum'/></qos>"
	    "<availability value='99.9 %' statistic='mean'/>"
	    "<capacity><rate in='10 Mbit/s' out='10 Mbit/s'/></capacity>"
	    "</profile>"), part;
	cpnp_bytes child, own, whole, children[CPNP_SEGMENTS_MAX];
	cpnp_choice choice = {0};
	cpnp_cpd_profile *p;

	ck_assert_int_eq(begin(&cpd), 0);
	own = decide(choice, 12000, 999600);
	ck_assert_int_eq(
	    cpnp_split_child(&split, choice, 0, own, &child, &why), 0);
	part = decode(child);
	p = &part.components[0].profiles[0];
	ck_assert_uint_eq(p->qos->delay[0].value.hi, 28000);
	ck_assert_uint_eq(p->qos->delay[0].value.lo, 0);
	ck_assert_uint_eq(p->availability->value.lo, 999400);
	p->qos->delay[0].value = cpnp_cpd_single(20000);
	p->availability->value = cpnp_cpd_single(999400);
	children[0] = encode(&part);
	ck_assert_int_eq(cpnp_split_join(&split, own, children, &whole), 0);
	part = decode(whole);
	p = &part.components[0].profiles[0];
	ck_assert_uint_eq(p->qos->delay[0].value.preferred, 32000);
	ck_assert_uint_eq(p->availability->value.preferred, 999000);
	unit_assert_bytes(p->nodes[1].place, CPNP_BYTES_LIT("Brest"));
	unit_assert_bytes(p->nodes[1].id, CPNP_BYTES_LIT("secret-2"));
	unit_assert_bytes(
	    p->nodes[1].links[0].id, CPNP_BYTES_LIT("secret-port"));
	/* More than is left is no offer of the whole. */
	part = decode(children[0]);
	part.components[0].profiles[0].qos->delay[0].value =
	    cpnp_cpd_single(28001);
	children[0] = encode(&part);
	ck_assert_int_eq(cpnp_split_join(&split, own, children, &whole),
	    CPNP_ERR_MISMATCH);
	/* Nothing is left when the own part takes all of it. */
	ck_assert_int_eq(cpnp_split_child(&split, choice, 0,
	    decide(choice, 40001, 999600), &child, &why), CPNP_ERR_CLAUSE);
}
END_TEST

/* The border carries what the far node has, and no more than the others can
 * take. */
START_TEST(test_split_finds_the_rate_of_the_border)
{
	cpnp_cpd cpd = read_xml("<profile>"
	    "<nodes><node id='a' place='Paris'/>"
	    "<node id='b' place='Brest'/></nodes><capacity>"
	    "<rate node='a' in='10 Mbit/s' out='20 Mbit/s'/>"
	    "<rate node='b' in='50 Mbit/s' out='50 Mbit/s'/></capacity>"
	    "</profile>"), part;
	cpnp_choice choice = {0};
	cpnp_cpd_profile *p;
	cpnp_bytes child;

	ck_assert_int_eq(begin(&cpd), 0);
	ck_assert_int_eq(cpnp_split_child(&split, choice, 0,
	    decide(choice, 0, 0), &child, &why), 0);
	part = decode(child);
	p = &part.components[0].profiles[0];
	ck_assert_uint_eq(p->capacity_n, 2);
	ck_assert_uint_eq(p->capacity[0].node, 1);
	ck_assert_uint_eq(p->capacity[0].in.preferred, 10 * MBIT);
	ck_assert_uint_eq(p->capacity[0].out.preferred, 20 * MBIT);
	ck_assert_uint_eq(p->capacity[1].in.preferred, 50 * MBIT);
}
END_TEST

/* Two parts share what is left; a place that both reach has two candidates. */
START_TEST(test_split_finds_segments)
{
	cpnp_cpd cpd = read_xml("<profile>"
	    "<nodes><node id='a' place='Paris'/><node id='b' place='brest'/>"
	    "<node id='c' place='Roma'/><node id='d' place='Both'/></nodes>"
	    "<qos><delay value='40 ms' statistic='maximum'/></qos>"
	    "<capacity><rate in='9 Mbit/s' out='9 Mbit/s'/></capacity>"
	    "</profile>"), part;
	cpnp_choice choice = {0, 0, 1};
	cpnp_bytes child;

	ck_assert_int_eq(begin(&cpd), 0);
	ck_assert_uint_eq(split.segments_n, 3);
	ck_assert_uint_eq(split.segments[2].candidates_n, 2);
	ck_assert_uint_eq(split.segments[2].candidates[0], 0);
	ck_assert_int_eq(cpnp_split_child(&split, choice, 2,
	    decide(choice, 10000, 0), &child, &why), 0);
	ck_assert(has(child, "East"));
	ck_assert(!has(child, "Theirs"));
	part = decode(child);
	ck_assert_uint_eq(
	    part.components[0].profiles[0].qos->delay[0].value.hi, 15000);
	/* All of ours: nothing is cut. */
	cpd = read_xml("<profile><nodes><node id='a' place='Paris'/>"
	    "<node id='b' place='Nowhere'/></nodes><scopes>"
	    "<scope direction='incoming' reach='restricted'/></scopes>"
	    "</profile>");
	ck_assert_int_eq(begin(&cpd), 0);
	ck_assert_uint_eq(split.segments_n, 0);
}
END_TEST

/* What cannot be shared out is refused by its clause. */
START_TEST(test_split_refuses_what_cannot_be_cut)
{
	static const struct {
		const char *profile;
		const char *clause;
	} cases[] = {
	    {"<profile>" NODES("Roma")
	     "<capacity><rate in='1 Mbit/s' out='1 Mbit/s'/></capacity>"
	     "<flows><flow destination='192.0.2.0/24'/></flows></profile>",
		"flows"},
	    {"<profile>" NODES("Roma")
	     "<capacity><rate in='1 Mbit/s' out='1 Mbit/s'/></capacity>"
	     "<routing><through node='r1'/></routing></profile>", "routing"},
	};
	cpnp_cpd cpd;
	cpnp_bytes own;
	cpnp_choice choice = {0};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cpd = read_xml(cases[i].profile);
		ck_assert_int_eq(begin(&cpd), CPNP_ERR_CLAUSE);
		unit_assert_bytes(
		    why.clause, cpnp_bytes_str(cases[i].clause));
	}
	cpd = read_xml("<profile><nodes><node id='a' place='Roma'/>"
	    "<node id='b' place='Roma'/></nodes><capacity>"
	    "<rate in='1 Mbit/s' out='1 Mbit/s'/></capacity></profile>");
	ck_assert_int_eq(begin(&cpd), 0);
	ck_assert_int_eq(
	    cpnp_split_own(&split, choice, &own, &why), CPNP_ERR_CLAUSE);
	cpd.based_on = CPNP_BYTES_LIT("item");
	ck_assert_int_eq(begin(&cpd), CPNP_ERR_CLAUSE);
}
END_TEST

/* A neighbour that offers something else than it was asked for, in the
 * document or beside it (R10). */
START_TEST(test_split_takes_no_other_offer)
{
	static char code[] = "EUR", issuer[] = "";
	static const cpnp_catalogue sells = {
	    .token_code = code, .token_issuer = issuer, .token_exponent = 3};
	static const char node[] = "<profile><nodes>"
	    "<node id='a' place='Roma'/></nodes></profile>";
	static const char other[] = "<profile><nodes>"
	    "<node id='a' place='Brest'/></nodes></profile>";
	const cpnp_cpd cpd = read_xml(node), another = read_xml(other);
	cpnp_msg request = {.service_description = encode(&cpd)}, offer;

#define OBJECTION()                                                            \
	cpnp_split_objection(&sells, &request, &offer)
	offer = request;
	ck_assert_ptr_null(OBJECTION());

	offer.present = CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	offer.options.has_cost = true;
	offer.options.cost = (cpnp_money){.amount = 1, .exponent = 3,
	    .code = CPNP_BYTES_LIT("EUR"), .issuer = CPNP_BYTES_LIT("")};
	ck_assert_ptr_null(OBJECTION());
	offer.options.cost.exponent = 2;
	ck_assert_str_eq(OBJECTION(), "its price is in another token");
	offer.options.cost.exponent = 3;
	offer.options.cost.code = CPNP_BYTES_LIT("USD");
	ck_assert_str_eq(OBJECTION(), "its price is in another token");
	offer.options.has_cost = false;

	offer.options.purpose = CPNP_PURPOSE_TEST;
	ck_assert_str_eq(OBJECTION(), "it is a test");
	offer.options.purpose = CPNP_PURPOSE_PERMANENT;
	ck_assert_ptr_null(OBJECTION());
	request.present = CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	request.options.purpose = CPNP_PURPOSE_TEST;
	ck_assert_str_eq(OBJECTION(), "it is not a test");
	offer.options.purpose = CPNP_PURPOSE_TEST;
	ck_assert_ptr_null(OBJECTION());

	offer.present |= CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_TYPE);
	offer.activation_type = CPNP_ACTIVATION_PERMANENT;
	ck_assert_ptr_null(OBJECTION());
	offer.activation_type = CPNP_ACTIVATION_SCHEDULED;
	ck_assert_str_eq(
	    OBJECTION(), "it is not active from the agreement on");
	offer.present = CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_SCHEDULE);
	ck_assert_str_eq(
	    OBJECTION(), "it is not active from the agreement on");
	offer.present = CPNP_ATTR_BIT(CPNP_ATTR_SETTLEMENT_TERMS);
	ck_assert_str_eq(OBJECTION(), "it is to be paid at a ledger");

	offer.present = 0;
	offer.service_description = encode(&another);
	ck_assert_str_eq(OBJECTION(), "it is not what was asked for");
	offer.service_description = CPNP_BYTES_LIT("not a document");
	ck_assert_str_eq(OBJECTION(), "it is not what was asked for");
#undef OBJECTION
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_split_tells_nothing_of_the_customer,
	    test_split_takes_no_other_offer,
	    test_split_shares_out_what_adds_up,
	    test_split_finds_the_rate_of_the_border,
	    test_split_finds_segments,
	    test_split_refuses_what_cannot_be_cut,
	};

	return unit_run_with("split", tests, sizeof(tests) / sizeof(tests[0]),
	    setup, teardown, 0);
}
