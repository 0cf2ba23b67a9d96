/*
 * Reading prices, guidelines and profiles, cpnp-policy(5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "reader.h"

#define PERCENT_MAX 10000

struct input {
	cpnp_policy *p;
	const cpnp_catalogue *catalogue;
	const cpnp_topology *topology;
	bool *priced; /* each link of the network */
};

/* Of an element "hours". */
struct hours {
	uint64_t from;
	uint64_t until;
	uint64_t percent;
	char *days;
};

/* Of an element "link". */
struct link_price {
	char *name;
	uint64_t price;
};

#define PRICE_TEXT "a whole number of minor units"
#define RATE_PRICE_TEXT PRICE_TEXT " for one Mbit/s and one hour"
#define PERCENT_TEXT "a whole number from 0 to 10000, 100 for no change"
#define PERCENT(T, m)                                                          \
	{                                                                      \
		A(T, "percent", NUMBER, m), .required = true,                  \
		.max = PERCENT_MAX, .expected = PERCENT_TEXT                   \
	}

static const struct attribute prices_attributes[] = {
	{A(cpnp_policy, "set-up", NUMBER, set_up),
	    .max = (uint64_t)CPNP_PRICE_MAX, .expected = PRICE_TEXT},
	{A(cpnp_policy, "link", NUMBER, link),
	    .max = (uint64_t)CPNP_PRICE_MAX, .expected = RATE_PRICE_TEXT},
	{A(cpnp_policy, "distance", NUMBER, distance),
	    .max = (uint64_t)CPNP_PRICE_MAX,
	    .expected = RATE_PRICE_TEXT " and 1000 km"},
};

static const struct attribute link_attributes[] = {
	{A(struct link_price, "name", NAME, name), .required = true,
	    .min = 1, .max = PLACE_NAME_MAX,
	    .expected = "the name of a link of the network"},
	{A(struct link_price, "price", NUMBER, price), .required = true,
	    .max = (uint64_t)CPNP_PRICE_MAX, .expected = RATE_PRICE_TEXT},
};

static const struct attribute class_attributes[] = {
	{A(cpnp_factor, "name", NAME, name), .required = true, .min = 1,
	    .max = CPNP_TEXT_MAX,
	    .expected = "the name of a class of the catalogue"},
	PERCENT(cpnp_factor, percent),
};

static const struct attribute availability_attributes[] = {
	{A(cpnp_factor, "from", QUANTITY, from), .unit = CPNP_UNIT_RATIO,
	    .required = true, .max = CPNP_CPD_PPM_MAX,
	    .expected = AVAILABILITY_TEXT},
	PERCENT(cpnp_factor, percent),
};

static const struct attribute hours_attributes[] = {
	{A(struct hours, "days", NAME, days), .min = 1, .max = CPNP_TEXT_MAX,
	    .expected = "days such as \"mon-fri\" or \"sat, sun\""},
	{A(struct hours, "from", CLOCK, from), .required = true,
	    .expected = "a time of day in UTC, such as \"22:00\""},
	{A(struct hours, "until", CLOCK, until), .required = true,
	    .expected = "a time of day in UTC, such as \"06:00\""},
	PERCENT(struct hours, percent),
};

static const char *const unverified_names[] = {
	"", "offer", "escalate", "refuse", NULL};

#define GUIDELINES(T, m)                                                       \
	{A(T, "offer-validity", GUARANTEE, m offer_validity),                  \
	    .unit = CPNP_UNIT_SECONDS, .min = 10, .max = 31622400,             \
	    .expected = TIME_TEXT ", from 10 s to 366 d"},                     \
	{A(T, "orders", GUARANTEE, m orders), .min = 1,                        \
	    .max = CPNP_POLICY_ORDERS_MAX,                                     \
	    .expected = "a whole number from 1 to 1000000"},                   \
	{A(T, "period", GUARANTEE, m period), .unit = CPNP_UNIT_SECONDS,       \
	    .min = 60, .max = 31622400,                                        \
	    .expected = TIME_TEXT ", from 1 min to 366 d"},                    \
	{A(T, "escalate-rate", GUARANTEE, m escalate_rate),                    \
	    .unit = CPNP_UNIT_RATE, .max = CPNP_CPD_RATE_MAX,                  \
	    .expected = RATE_TEXT},                                            \
	{A(T, "escalate-term", GUARANTEE, m escalate_term),                    \
	    .unit = CPNP_UNIT_SECONDS, .min = 1, .max = UINT32_MAX,            \
	    .expected = TIME_TEXT},                                            \
	{A(T, "escalate-load", GUARANTEE, m escalate_load),                    \
	    .unit = CPNP_UNIT_RATIO, .max = CPNP_CPD_PPM_MAX,                  \
	    .expected = "a ratio such as \"80 %\""},                           \
	{A(T, "unverified", CHOICE, m unverified),                             \
	    .expected = "offer, escalate or refuse",                           \
	    .choices = unverified_names}

static const struct attribute guidelines_attributes[] = {
	GUIDELINES(cpnp_policy, guidelines.),
};

static const struct attribute profile_attributes[] = {
	{A(cpnp_profile, "name", NAME, name), .required = true, .min = 1,
	    .max = CPNP_CPD_ID_MAX, .expected = "1 to 64 bytes"},
	{A(cpnp_profile, "percent", NUMBER, percent), .dflt = 100,
	    .max = PERCENT_MAX, .expected = PERCENT_TEXT},
	GUIDELINES(cpnp_profile, guidelines.),
};

static cpnp_policy *
policy_of(const struct reader *r)
{
	return ((struct input *)r->whole)->p;
}

/* ---- prices ---- */

/* Links that have no price of their own. */
static void
price_links(struct reader *r)
{
	const struct input *in = r->whole;
	size_t i;

	for (i = 0; in->topology != NULL && i < in->topology->links_n; i++)
		in->p->links[i] = in->p->link * 1000 +
		    in->p->distance * in->topology->links[i].km;
}

static void
read_link(struct reader *r, xmlNode *at)
{
	const struct input *in = r->whole;
	struct link_price price = {NULL, 0};
	unsigned before = r->mistakes;
	size_t i;

	READ(r, at, link_attributes, &price);
	expect_empty(r, at);
	if (r->mistakes == before && price.name != NULL) {
		i = in->topology == NULL ? CPNP_TOPOLOGY_NONE
		    : cpnp_topology_link(
			  in->topology, cpnp_bytes_str(price.name));
		if (i == CPNP_TOPOLOGY_NONE)
			mistake(r, xmlGetLineNo(at), "link/name", "\"%s\" is "
			    "no link of the network; expected one that the "
			    "file of the option network has", price.name);
		else if (in->priced[i])
			mistake(r, xmlGetLineNo(at), "link/name", "\"%s\" has "
			    "a price already; expected one", price.name);
		else {
			in->p->links[i] = price.price * 1000;
			in->priced[i] = true;
		}
	}
	free(price.name);
}

static void
read_class(struct reader *r, xmlNode *at)
{
	const struct input *in = r->whole;
	cpnp_policy *p = in->p;
	size_t before = p->classes_n;
	cpnp_factor *f;

	p->classes = add_member(r, at, p->classes, sizeof(*p->classes),
	    &p->classes_n, CPNP_POLICY_CLASSES_MAX);
	if (p->classes_n == before)
		return;
	f = &p->classes[before];
	READ(r, at, class_attributes, f);
	expect_empty(r, at);
	if (f->name == NULL) {
		p->classes_n--;
		return;
	}
	if (!cpnp_names_has(&in->catalogue->classes, cpnp_bytes_str(f->name)))
		mistake(r, xmlGetLineNo(at), "class/name", "\"%s\" is no class "
		    "of the catalogue; expected one that it has", f->name);
}

static void
read_availability(struct reader *r, xmlNode *at)
{
	cpnp_policy *p = policy_of(r);
	size_t before = p->availabilities_n;
	const cpnp_factor *f;

	p->availabilities = add_member(r, at, p->availabilities,
	    sizeof(*p->availabilities), &p->availabilities_n,
	    CPNP_POLICY_AVAILABILITIES_MAX);
	if (p->availabilities_n == before)
		return;
	f = &p->availabilities[before];
	READ(r, at, availability_attributes, &p->availabilities[before]);
	expect_empty(r, at);
	if (before > 0 && f->from <= f[-1].from)
		mistake(r, xmlGetLineNo(at), "availability/from", "is not "
		    "more than that before it; expected them in order, the "
		    "smallest first");
}

static void
read_hours(struct reader *r, xmlNode *at)
{
	struct hours hours = {.days = NULL};
	unsigned days = CPNP_WEEKLY_EVERY_DAY, before = r->mistakes;
	int err = 0;

	READ(r, at, hours_attributes, &hours);
	expect_empty(r, at);
	if (hours.days != NULL && !cpnp_weekly_days(hours.days, &days))
		mistake(r, xmlGetLineNo(at), "hours/days", "\"%s\" is not "
		    "possible; expected days such as \"mon-fri\" or \"sat, "
		    "sun\"", hours.days);
	else if (r->mistakes == before)
		err = cpnp_weekly_add(&policy_of(r)->hours, days,
		    (uint32_t)hours.from, (uint32_t)hours.until,
		    hours.percent);
	if (err != 0)
		mistake(r, xmlGetLineNo(at), "hours", "%s; expected hours that "
		    "are apart, in %d spans of a week at most",
		    err == CPNP_ERR_EXISTS ? "meet other hours"
					   : "there are too many",
		    CPNP_WEEKLY_SPANS_MAX);
	free(hours.days);
}

static void
read_prices(struct reader *r, xmlNode *at)
{
	xmlNode *child;

	READ(r, at, prices_attributes, policy_of(r));
	price_links(r);
	for (child = next_child(at->children); child != NULL;
	     child = next_child(child->next))
		if (is_element(r, child, "link"))
			read_link(r, child);
		else if (is_element(r, child, "class"))
			read_class(r, child);
		else if (is_element(r, child, "availability"))
			read_availability(r, child);
		else if (is_element(r, child, "hours"))
			read_hours(r, child);
		else
			complain_element(
			    r, child, "link, class, availability or hours");
}

/* ---- guidelines and profiles ---- */

static void
check_period(struct reader *r, const xmlNode *at, const cpnp_guidelines *g)
{
	if (g->orders.is_set != g->period.is_set)
		mistake(r, xmlGetLineNo(at), name_of(at), "has one of orders "
		    "and period; expected both, or none");
}

static void
read_profile(struct reader *r, xmlNode *at)
{
	cpnp_policy *p = policy_of(r);
	size_t before = p->profiles_n;
	const cpnp_profile *twin;
	cpnp_profile *profile;

	p->profiles = add_member(r, at, p->profiles, sizeof(*p->profiles),
	    &p->profiles_n, CPNP_POLICY_PROFILES_MAX);
	if (p->profiles_n == before)
		return;
	profile = &p->profiles[before];
	profile->line = (unsigned)xmlGetLineNo(at);
	READ(r, at, profile_attributes, profile);
	expect_empty(r, at);
	check_period(r, at, &profile->guidelines);
	if (profile->name == NULL) {
		p->profiles_n--;
		return;
	}
	twin = cpnp_policy_profile(p, profile->name);
	if (twin != profile)
		mistake(r, profile->line, "profile/name", "\"%s\" is in line "
		    "%u already; expected one profile of each name",
		    profile->name, twin->line);
}

static void
read_policy(struct reader *r, xmlNode *root)
{
	bool prices = false, guidelines = false;
	xmlNode *child;

	for (child = next_child(root->children); child != NULL;
	     child = next_child(child->next))
		if (is_element(r, child, "prices")) {
			if (first_time(r, child, &prices))
				read_prices(r, child);
		} else if (is_element(r, child, "guidelines")) {
			if (!first_time(r, child, &guidelines))
				continue;
			READ(r, child, guidelines_attributes, policy_of(r));
			expect_empty(r, child);
			check_period(r, child, &policy_of(r)->guidelines);
		} else if (is_element(r, child, "profile")) {
			read_profile(r, child);
		} else {
			complain_element(
			    r, child, "prices, guidelines or profile");
		}
}

int
cpnp_policy_load(cpnp_policy **out, const char *path,
    const cpnp_catalogue *catalogue, const cpnp_topology *topology,
    cpnp_catalogue_report *report, void *user)
{
	size_t links = topology == NULL ? 0 : topology->links_n;
	cpnp_policy *p = calloc(1, sizeof(*p));
	struct input in = {p, catalogue, topology,
		calloc(links + 1, sizeof(bool))};
	struct reader r = {.path = path, .ns = "urn:cpnp:policy:1",
		.root = "policy", .manual = "cpnp-policy(5)",
		.bytes_max = CPNP_POLICY_BYTES_MAX, .read = read_policy,
		.whole = &in, .report = report, .user = user};

	if (p != NULL)
		p->links = calloc(links + 1, sizeof(*p->links));
	if (p == NULL || in.priced == NULL || p->links == NULL)
		r.err = CPNP_ERR_NOMEM;
	else
		(void)read_file(&r);
	free(in.priced);
	if (r.err != 0) {
		cpnp_policy_del(p);
		return r.err;
	}
	*out = p;
	return 0;
}
