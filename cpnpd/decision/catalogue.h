/*
 * What a provider sells: cpnp-catalogue(5), schemas/catalogue.xsd.
 *
 * Three models of offering (contradictions.md, 1): frozen items, of which
 * every clause is fixed; templates, announced with ranges to fill in; and
 * whatever else the places and guarantees of the catalogue can carry, which
 * is negotiated.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CATALOGUE_H
#define CPNPD_CATALOGUE_H

#include <cpnp/cpd.h>
#include <cpnp/error.h>
#include <cpnp/message.h>
#include <cpnp/types.h>

#define CPNP_CATALOGUE_BYTES_MAX (4 * 1024 * 1024)
#define CPNP_CATALOGUE_PLACES_MAX 4096
#define CPNP_CATALOGUE_ITEMS_MAX 4096
#define CPNP_CATALOGUE_NAMES_MAX 64 /* of one kind in network */
#define CPNP_PRICE_MAX INT64_C(1000000000000)

/* A bound that the network keeps; what is not set it does not promise. */
typedef struct cpnp_guarantee {
	bool is_set;
	uint64_t value;
} cpnp_guarantee;

typedef struct cpnp_place {
	char *name;
	char *provider_node; /* NULL: not told to customers */
	uint64_t capacity;   /* bit/s, in each direction */
	uint64_t price;      /* minor units for one Mbit/s and one hour */
	cpnp_guarantee delay; /* maximum, one way to any other place, us */
	cpnp_guarantee delay_variation;
	cpnp_guarantee loss;         /* ppm */
	cpnp_guarantee availability; /* ppm */
	unsigned line;
} cpnp_place;

/* An item or a template. */
typedef struct cpnp_article {
	char *name;
	bool frozen;    /* an item; price is that of all of it */
	uint64_t price; /* minor units */
	uint8_t *description; /* [0, body] */
	size_t description_len;
	unsigned line;
} cpnp_article;

typedef struct cpnp_names {
	char *name[CPNP_CATALOGUE_NAMES_MAX];
	size_t n;
} cpnp_names;

/* Clauses that are carried into an offer as they were asked for, when the
 * catalogue says that the network honours them.  X(NAME, name in XML) */
#define CPNP_HONOUR_MAP(X)                                                     \
	X(CONFORMANCE, "conformance")                                          \
	X(OVERALL, "overall")                                                  \
	X(FLOWS, "flows")                                                      \
	X(ROUTING, "routing")                                                  \
	X(ACTIVATION, "activation")                                            \
	X(INVOCATION, "invocation")                                            \
	X(NOTIFICATIONS, "notifications")                                      \
	X(ASSURANCE, "assurance")

typedef enum cpnp_honour {
#define CPNP_HONOUR_ENUM(NAME, text) CPNP_HONOUR_##NAME,
	CPNP_HONOUR_MAP(CPNP_HONOUR_ENUM)
#undef CPNP_HONOUR_ENUM
	CPNP_HONOUR_END
} cpnp_honour;

typedef struct cpnp_catalogue {
	/* provider */
	char *name;
	char *email;
	char *postal_address;
	cpnp_names telephone;
	cpnp_guarantee as_number;

	/* token */
	char *token_code;
	char *token_issuer;
	uint64_t token_exponent;

	/* terms; times in seconds, rates in bit/s */
	uint64_t offer_validity;
	uint64_t open_term;    /* what COST covers of a service without end */
	uint64_t minimum_term; /* a shorter service costs as much as this */
	uint64_t rate_min;
	uint64_t rate_max;
	uint64_t rate_step;

	/* test orders; rate 0: none */
	uint64_t test_rate_max;
	uint64_t test_duration_max;

	/* network */
	cpnp_guarantee mtu;
	int separation; /* cpnp_cpd_separation, the strongest */
	cpnp_names classes;
	cpnp_names means;
	cpnp_names protections;
	bool honours[CPNP_HONOUR_END];

	cpnp_place *places;
	size_t places_n;
	cpnp_article *articles;
	size_t articles_n;
} cpnp_catalogue;

/* Takes one line about a mistake: "file:line: element: ...". */
typedef void cpnp_catalogue_report(void *user, const char *line);

/*
 * Read and check a catalogue.  On failure report was called for each mistake.
 * Errors: CPNP_ERR_CONFIG, _NOMEM.
 */
int cpnp_catalogue_load(cpnp_catalogue **catalogue, const char *path,
    cpnp_catalogue_report *report, void *user);
void cpnp_catalogue_del(cpnp_catalogue *catalogue);

/* Of cpnp_cpd_separation, with an empty one in front and NULL behind. */
extern const char *const cpnp_separation_names[];
/* Names of places do not tell upper and lower case of ASCII apart. */
const cpnp_place *cpnp_catalogue_place(
    const cpnp_catalogue *catalogue, cpnp_bytes name);
const cpnp_article *cpnp_catalogue_article(
    const cpnp_catalogue *catalogue, cpnp_bytes name);
bool cpnp_name_is(const char *name, cpnp_bytes text);
bool cpnp_names_has(const cpnp_names *names, cpnp_bytes name);

/* The name in the capacity table of what a place has. */
void cpnp_place_resource(const cpnp_place *place, char *out, size_t size);

#endif
