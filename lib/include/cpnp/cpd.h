/*
 * The Connectivity Provisioning Document: the typed model of RFC 7297.
 *
 * A document has one or more components, a component one or more profiles
 * (RFC 7297, section 4: both ellipses of the template are kept), and a profile
 * the clauses of section 3.  Clause n of section 3 has key n on the wire.
 * The format on the wire is in cpnp-wire(7) and schemas/cpnp.cddl, that for
 * people, in XML, in cpnp-cpd(5) and <cpnp/xml.h>.
 *
 * Units are fixed: bit/s, microseconds, parts per million, seconds, bytes,
 * microdegrees and UTC seconds.  Everything that can be absent says how: a
 * text has len 0, an enumeration is 0, a list has no members, a clause is
 * NULL, a reference is 0, and the small structures have a flag.  So a zeroed
 * structure is an absent one.
 *
 * Texts are UTF-8 without control characters, without a space at either end
 * and without two in a row.  All views of a decoded document point into the
 * bytes that were decoded, which must live as long as the document.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CPD_H
#define CPNP_CPD_H

#include <cpnp/cbor.h>
#include <cpnp/error.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The registry of service types: 0 is the CPD; 1 to 65535 are to be assigned;
 * from here on they are for private use. */
#define CPNP_SERVICE_CPD 0
#define CPNP_SERVICE_PRIVATE_MIN 65536

/* Limits; each has a test that hits it. */
#define CPNP_CPD_MAX 65536 /* the service description, in bytes */
#define CPNP_CPD_COMPONENTS_MAX 16
#define CPNP_CPD_PROFILES_MAX 16 /* in a component */
#define CPNP_CPD_NODES_MAX 1024  /* the rest: in a profile or a clause */
#define CPNP_CPD_LINKS_MAX 8     /* of a node */
#define CPNP_CPD_SCOPES_MAX 64
#define CPNP_CPD_PREFIXES_MAX 256
#define CPNP_CPD_POINTS_MAX 256
#define CPNP_CPD_METRICS_MAX 256 /* of one kind */
#define CPNP_CPD_CAPACITIES_MAX 1024
#define CPNP_CPD_FLOWS_MAX 256
#define CPNP_CPD_HOPS_MAX 64
#define CPNP_CPD_REGIONS_MAX 64
#define CPNP_CPD_TEXTS_MAX 16
#define CPNP_CPD_ACTIVATIONS_MAX 64
#define CPNP_CPD_NOTIFICATIONS_MAX 16
#define CPNP_CPD_ASSURANCES_MAX 16
#define CPNP_CPD_ID_MAX 64    /* identifiers and names, in bytes */
#define CPNP_CPD_TEXT_MAX 255 /* any other text, in bytes */
#define CPNP_CPD_RATE_MAX UINT64_C(1000000000000000) /* 1 Pbit/s */
#define CPNP_CPD_DELAY_MAX UINT64_C(3600000000)      /* an hour, in us */
#define CPNP_CPD_PPM_MAX 1000000
#define CPNP_CPD_INTERVAL_MAX 31622400 /* 366 days, in seconds */
#define CPNP_CPD_MTU_MIN 68            /* RFC 791 */
#define CPNP_CPD_BYTES_MAX UINT64_C(4294967295)

/* Decoding asks the allocator for no more than this many bytes for each byte
 * of the input, all requests together. */
#define CPNP_CPD_ALLOC_FACTOR 96

/* What a number counts; the wire has the unit in brackets. */
typedef enum cpnp_unit {
	CPNP_UNIT_NONE = 0,
	CPNP_UNIT_RATE,    /* [bit/s] bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s */
	CPNP_UNIT_DELAY,   /* [us] us, ms, s */
	CPNP_UNIT_RATIO,   /* [parts per million] ppm, % */
	CPNP_UNIT_SECONDS, /* [s] s, min, h, d */
	CPNP_UNIT_BYTES    /* [bytes] bytes */
} cpnp_unit;

/*
 * A negotiable number: absent, one value, or a range with a preference.  For
 * one value lo, hi and preferred are all equal to it; in a range lo is less
 * than hi, and preferred is from lo to hi.
 */
typedef enum cpnp_cpd_value_kind {
	CPNP_CPD_ABSENT = 0,
	CPNP_CPD_SINGLE,
	CPNP_CPD_RANGE
} cpnp_cpd_value_kind;

typedef struct cpnp_cpd_value {
	cpnp_cpd_value_kind kind;
	uint64_t lo;
	uint64_t hi;
	uint64_t preferred;
} cpnp_cpd_value;

static inline cpnp_cpd_value
cpnp_cpd_single(uint64_t value)
{
	return (cpnp_cpd_value){CPNP_CPD_SINGLE, value, value, value};
}

/* A number that is not negotiable. */
typedef struct cpnp_cpd_number {
	bool is_set;
	uint32_t value;
} cpnp_cpd_number;

/* A prefix of IPv4 or IPv6; an address has the full length.  Bits after the
 * length are zero. */
typedef struct cpnp_cpd_prefix {
	uint8_t family; /* 4, 6, or 0 for absent */
	uint8_t len;    /* bits */
	uint8_t addr[16];
} cpnp_cpd_prefix;

/* One port or a run of ports. */
typedef struct cpnp_cpd_ports {
	bool is_set;
	uint16_t lo;
	uint16_t hi;
} cpnp_cpd_ports;

/* WGS 84, in millionths of a degree, north and east positive. */
typedef struct cpnp_cpd_geo {
	bool is_set;
	int32_t latitude;
	int32_t longitude;
} cpnp_cpd_geo;

typedef struct cpnp_cpd_time {
	bool is_set;
	cpnp_wtime time;
} cpnp_cpd_time;

/* A node or scope of the same profile by its place in the list, from 1 on. */
typedef uint32_t cpnp_cpd_ref;

/* The elements of a map whose keys are negative: nobody has given them a
 * meaning here, they survive as they came (n encoded pairs). */
typedef struct cpnp_cpd_extra {
	const uint8_t *ptr;
	uint32_t len;
	uint32_t n;
} cpnp_cpd_extra;

/* 3.1, Customer Nodes Map.  A link is the border link or the provider's node
 * at its end; an offer may fill in the latter. */
typedef struct cpnp_cpd_link {
	cpnp_bytes id;            /* LINK_IDENTIFIER */
	cpnp_bytes provider_node; /* the node of the provider at the far end */
	cpnp_cpd_extra extra;
} cpnp_cpd_link;

typedef struct cpnp_cpd_node {
	cpnp_bytes id; /* IDENTIFIER, unique in the profile */
	cpnp_cpd_link *links;
	size_t links_n;
	cpnp_bytes place; /* LOCALIZATION: a name of the catalogue, "Paris" */
	cpnp_cpd_geo coordinates;
	cpnp_bytes address; /* postal */
	cpnp_bytes site;    /* identifier of the site behind the node */
	cpnp_cpd_extra extra;
} cpnp_cpd_node;

/* 3.2, Scope.  Directions are those of the customer's node. */
typedef enum cpnp_cpd_direction {
	CPNP_CPD_INCOMING = 1, /* what the node receives */
	CPNP_CPD_OUTGOING = 2  /* what the node sends */
} cpnp_cpd_direction;

typedef enum cpnp_cpd_reach {
	CPNP_CPD_REACH_RESTRICTED = 1,
	CPNP_CPD_REACH_GLOBAL = 2
} cpnp_cpd_reach;

typedef enum cpnp_cpd_model {
	CPNP_CPD_PIPE = 1,            /* 1:1 */
	CPNP_CPD_HOSE = 2,            /* 1:N */
	CPNP_CPD_UNSPECIFIED_HOSE = 3 /* 1:any */
} cpnp_cpd_model;

/* An ingress or egress point: exactly one of the three. */
typedef struct cpnp_cpd_point {
	cpnp_cpd_ref node;
	cpnp_bytes provider_node;
	cpnp_cpd_prefix prefix; /* an external node, or destinations */
	cpnp_cpd_extra extra;
} cpnp_cpd_point;

typedef struct cpnp_cpd_scope {
	cpnp_bytes id;      /* needed when another clause names the scope */
	uint8_t direction;  /* enum cpnp_cpd_direction */
	uint8_t reach;      /* enum cpnp_cpd_reach */
	uint8_t model;      /* enum cpnp_cpd_model */
	cpnp_cpd_ref *nodes; /* whose reachability; none: every node */
	size_t nodes_n;
	cpnp_cpd_prefix *sources; /* unicast; with SSM the senders */
	size_t sources_n;
	cpnp_cpd_prefix *destinations; /* unicast or multicast */
	size_t destinations_n;
	cpnp_cpd_point *ingress;
	size_t ingress_n;
	cpnp_cpd_point *egress;
	size_t egress_n;
	cpnp_cpd_extra extra;
} cpnp_cpd_scope;

/* 3.3, QoS Guarantees: a class (qualitative), or metrics (quantitative). */
typedef enum cpnp_cpd_statistic {
	CPNP_CPD_MEAN = 1,
	CPNP_CPD_MAXIMUM = 2,
	CPNP_CPD_PERCENTILE = 3,
	CPNP_CPD_MINIMUM = 4 /* of a throughput */
} cpnp_cpd_statistic;

typedef struct cpnp_cpd_metric {
	cpnp_cpd_value value; /* ppm for loss, us for delays, bit/s */
	uint8_t statistic;    /* enum cpnp_cpd_statistic */
	cpnp_cpd_number percentile; /* ppm; with PERCENTILE only */
	cpnp_cpd_number interval;   /* of measurement, in seconds */
	cpnp_cpd_ref scope;
	cpnp_cpd_ref from; /* the path measured: nodes */
	cpnp_cpd_ref to;
	cpnp_bytes method; /* of measurement, "RFC 7679" */
	cpnp_cpd_extra extra;
} cpnp_cpd_metric;

typedef struct cpnp_cpd_qos {
	cpnp_bytes meta_class; /* Meta-QoS-Class, RFC 5160 */
	cpnp_cpd_metric *loss;
	size_t loss_n;
	cpnp_cpd_metric *delay; /* one way */
	size_t delay_n;
	cpnp_cpd_metric *delay_variation;
	size_t delay_variation_n;
	cpnp_cpd_metric *throughput;
	size_t throughput_n;
	cpnp_cpd_extra extra;
} cpnp_cpd_qos;

/* 3.4, Availability, in parts per million of the time. */
typedef struct cpnp_cpd_availability {
	cpnp_cpd_value value;
	uint8_t statistic; /* MEAN (average) or MAXIMUM */
	cpnp_cpd_number interval;
	cpnp_bytes meaning; /* what counts, when the parties say more */
	cpnp_cpd_extra extra;
} cpnp_cpd_availability;

/* 3.5, Capacity, of a node, one link of a node, a scope, or of each node when
 * none is named. */
typedef struct cpnp_cpd_capacity {
	cpnp_cpd_value in;  /* bit/s that the node can receive */
	cpnp_cpd_value out; /* bit/s that the node can send */
	cpnp_cpd_ref node;
	cpnp_bytes link; /* identifier of a link of that node */
	cpnp_cpd_ref scope;
	cpnp_cpd_extra extra;
} cpnp_cpd_capacity;

/* 3.6, Conformance Traffic. */
typedef enum cpnp_cpd_filter {
	CPNP_CPD_SHAPING = 1,
	CPNP_CPD_POLICING = 2
} cpnp_cpd_filter;

typedef enum cpnp_cpd_excess {
	CPNP_CPD_DISCARD = 1,
	CPNP_CPD_REMARK = 2 /* assigned to another class */
} cpnp_cpd_excess;

typedef struct cpnp_cpd_conformance {
	uint8_t filter;           /* enum cpnp_cpd_filter */
	uint8_t excess;           /* enum cpnp_cpd_excess */
	cpnp_bytes excess_class;  /* with REMARK only */
	cpnp_cpd_value mtu;       /* bytes */
	cpnp_cpd_value burst;     /* bytes */
	cpnp_cpd_extra extra;
} cpnp_cpd_conformance;

/* 3.7, Overall Traffic Guarantees: qualitative. */
typedef struct cpnp_cpd_overall {
	cpnp_bytes delay;
	cpnp_bytes loss; /* this or throughput */
	cpnp_bytes throughput;
	cpnp_cpd_extra extra;
} cpnp_cpd_overall;

/* 3.8, Traffic Isolation and security. */
typedef enum cpnp_cpd_separation {
	CPNP_CPD_SHARED = 1,
	CPNP_CPD_ISOLATED = 2, /* a VPN or tunnels */
	CPNP_CPD_DEDICATED = 3 /* resources that nobody else uses */
} cpnp_cpd_separation;

typedef struct cpnp_cpd_isolation {
	uint8_t separation; /* enum cpnp_cpd_separation */
	cpnp_bytes *means;  /* "BGP/MPLS VPN", "IPsec" */
	size_t means_n;
	cpnp_bytes *protection; /* "encryption", "privacy" */
	size_t protection_n;
	cpnp_cpd_extra extra;
} cpnp_cpd_isolation;

/* 3.9, Flow Identification.  node and link: where the rule applies; none:
 * every border link. */
typedef enum cpnp_cpd_traffic {
	CPNP_CPD_ELASTIC = 1,
	CPNP_CPD_NON_ELASTIC = 2
} cpnp_cpd_traffic;

typedef struct cpnp_cpd_flow {
	cpnp_cpd_prefix source;
	cpnp_cpd_prefix destination;
	cpnp_cpd_prefix tunnel; /* address of the tail end */
	cpnp_cpd_ports source_port;
	cpnp_cpd_ports destination_port;
	cpnp_cpd_number protocol;
	cpnp_cpd_number dscp;
	uint8_t direction; /* enum cpnp_cpd_direction; 0: both */
	uint8_t traffic;   /* enum cpnp_cpd_traffic */
	cpnp_cpd_number remark_in;  /* DSCP set on what the node receives */
	cpnp_cpd_number remark_out; /* DSCP set on what the node has sent */
	cpnp_cpd_ref node;
	cpnp_bytes link;
	cpnp_cpd_extra extra;
} cpnp_cpd_flow;

/* 3.10, Routing and Forwarding.  A hop is exactly one of the four. */
typedef struct cpnp_cpd_hop {
	cpnp_cpd_number as; /* RFC 6793 */
	cpnp_bytes node;
	cpnp_bytes link;
	cpnp_cpd_prefix prefix;
	cpnp_cpd_extra extra;
} cpnp_cpd_hop;

typedef enum cpnp_cpd_backup {
	CPNP_CPD_BACKUP_NONE = 1,
	CPNP_CPD_BACKUP_LINK = 2, /* any one link on the way may fail */
	CPNP_CPD_BACKUP_NODE = 3, /* any one node on the way may fail */
	CPNP_CPD_BACKUP_PATH = 4  /* a second path, wholly apart */
} cpnp_cpd_backup;

typedef struct cpnp_cpd_routing {
	cpnp_cpd_hop *avoid;
	size_t avoid_n;
	cpnp_cpd_hop *through; /* in this order */
	size_t through_n;
	cpnp_bytes *within; /* the only regions that traffic may cross */
	size_t within_n;
	cpnp_bytes *outside; /* regions that it must not cross */
	size_t outside_n;
	cpnp_bytes *functions; /* intermediate functions, in this order */
	size_t functions_n;
	cpnp_bytes *no_media; /* "satellite" */
	size_t no_media_n;
	uint8_t backup;        /* enum cpnp_cpd_backup */
	cpnp_bytes topology;   /* logical routing topology */
	cpnp_bytes forwarding; /* Per-Domain Behaviour */
	cpnp_cpd_extra extra;
} cpnp_cpd_routing;

/* 3.11, Activation Means: one action, "BGP session". */
typedef struct cpnp_cpd_activation {
	cpnp_bytes action;
	cpnp_bytes detail;
	cpnp_cpd_ref node;
	cpnp_cpd_extra extra;
} cpnp_cpd_activation;

/* 3.12, Invocation Means. */
typedef enum cpnp_cpd_invocation_type {
	CPNP_CPD_IMPLICIT = 1,
	CPNP_CPD_EXPLICIT = 2
} cpnp_cpd_invocation_type;

typedef struct cpnp_cpd_invocation {
	uint8_t type;          /* enum cpnp_cpd_invocation_type */
	cpnp_bytes *protocols; /* with EXPLICIT only: "RSVP-TE" */
	size_t protocols_n;
	cpnp_cpd_extra extra;
} cpnp_cpd_invocation;

/* 3.13, Notifications. */
typedef enum cpnp_cpd_notify {
	CPNP_CPD_NOTIFY_SNMP = 1,
	CPNP_CPD_NOTIFY_SYSLOG = 2,
	CPNP_CPD_NOTIFY_CPNP = 3,
	CPNP_CPD_NOTIFY_NETCONF = 4,
	CPNP_CPD_NOTIFY_PHONE = 5,
	CPNP_CPD_NOTIFY_EMAIL = 6
} cpnp_cpd_notify;

typedef struct cpnp_cpd_notification {
	uint8_t method;           /* enum cpnp_cpd_notify */
	cpnp_bytes target;        /* may be absent with CPNP only */
	cpnp_cpd_number interval; /* seconds; absent: when it happens */
	cpnp_bytes *events;
	size_t events_n;
	cpnp_bytes data_model;
	cpnp_cpd_extra extra;
} cpnp_cpd_notification;

/* Optional Information Elements that have a meaning: when the service is
 * needed, and what is measured to assure it. */
typedef struct cpnp_cpd_window {
	cpnp_cpd_time start; /* absent: now */
	cpnp_cpd_time end;   /* absent: until it is withdrawn */
	cpnp_cpd_extra extra;
} cpnp_cpd_window;

typedef struct cpnp_cpd_assurance {
	cpnp_bytes metric;
	cpnp_cpd_number interval;
	cpnp_bytes method;
	cpnp_cpd_extra extra;
} cpnp_cpd_assurance;

typedef struct cpnp_cpd_profile {
	cpnp_bytes name;
	cpnp_cpd_node *nodes; /* at least one */
	size_t nodes_n;
	cpnp_cpd_scope *scopes;
	size_t scopes_n;
	cpnp_cpd_qos *qos;
	cpnp_cpd_availability *availability;
	cpnp_cpd_capacity *capacity;
	size_t capacity_n;
	cpnp_cpd_conformance *conformance;
	cpnp_cpd_overall *overall;
	cpnp_cpd_isolation *isolation;
	cpnp_cpd_flow *flows;
	size_t flows_n;
	cpnp_cpd_routing *routing;
	cpnp_cpd_activation *activation;
	size_t activation_n;
	cpnp_cpd_invocation *invocation;
	cpnp_cpd_notification *notifications;
	size_t notifications_n;
	cpnp_cpd_window *window;
	cpnp_cpd_assurance *assurance;
	size_t assurance_n;
	cpnp_cpd_extra extra;
} cpnp_cpd_profile;

typedef struct cpnp_cpd_component {
	cpnp_bytes name;
	cpnp_cpd_profile *profiles; /* at least one */
	size_t profiles_n;
	cpnp_cpd_extra extra;
} cpnp_cpd_component;

/*
 * A document.  based_on names the item of the provider's catalogue (frozen
 * model) or the template (announced model) that it fills in.  A document of
 * no components is the empty CPD.
 */
typedef struct cpnp_cpd {
	cpnp_bytes based_on;
	cpnp_cpd_component *components;
	size_t components_n;
	cpnp_cpd_extra extra;

	const cpnp_mem *mem; /* who allocated the lists; NULL: nobody */
	uint8_t *store;      /* the bytes viewed, when the document owns them */
} cpnp_cpd;

/* The empty CPD as a service description, [0, []]. */
#define CPNP_CPD_EMPTY ((cpnp_bytes){(const uint8_t *)"\x82\x00\x80", 3})

/* The type of a service description, [type, body], without looking into the
 * body.  Errors: those of the form. */
CPNP_API int cpnp_service_type(cpnp_bytes description, uint64_t *type);

/* True when the service description is the empty CPD. */
CPNP_API bool cpnp_cpd_is_empty(cpnp_bytes description);

/*
 * Decode and validate a service description of type 0.  Lists and clauses are
 * allocated from mem, which is borrowed; texts are views into description.
 * On failure cpd is zeroed, nothing is left allocated, and diag (which may be
 * NULL) says which clause and why.
 *
 * Errors: CPNP_ERR_SERVICE_TYPE for another type, the others of class PEER
 * (_ATTR_UNKNOWN for a positive key that has no meaning, _CLAUSE for what
 * cpnp_cpd_validate finds), _NOMEM.
 */
CPNP_API int cpnp_cpd_decode(cpnp_cpd *cpd, cpnp_bytes description,
    const cpnp_mem *mem, cpnp_diag *diag);

/* Free what cpd holds and zero it.  Legal on a zeroed one. */
CPNP_API void cpnp_cpd_fini(cpnp_cpd *cpd);

/*
 * Append the service description [0, body] to buf.  The document may come
 * from decoding, with values changed, or be built by the caller.  Encoding
 * what was decoded gives the same bytes.  Errors: what cpnp_cpd_decode would
 * say of the result, _NO_SPACE.
 */
CPNP_API int cpnp_cpd_encode(const cpnp_cpd *cpd, cpnp_buf *buf);

/*
 * Find clauses that contradict each other and references to what is not
 * there: CPNP_ERR_CLAUSE, with place and remedy in diag (which may be NULL).
 * cpnp-cpd(5) lists the rules.  Decoding and encoding call it.
 */
CPNP_API int cpnp_cpd_validate(const cpnp_cpd *cpd, cpnp_diag *diag);

/* 0 when no field is a range, as an OFFER must be, else
 * CPNP_ERR_NOT_CONCRETE and where. */
CPNP_API int cpnp_cpd_is_concrete(const cpnp_cpd *cpd, cpnp_diag *diag);

/*
 * Does the offer satisfy the request to the letter?  Every field of the
 * request is there with the same value, or one within its range; nothing is
 * added but the provider's nodes.  0, or CPNP_ERR_MISMATCH and the first
 * difference (where, and what was asked and offered).
 */
CPNP_API int cpnp_cpd_within(
    const cpnp_cpd *offer, const cpnp_cpd *request, cpnp_diag *diag);
/* The same, and of every range it grants the preferred value. */
CPNP_API int cpnp_cpd_as_preferred(
    const cpnp_cpd *offer, const cpnp_cpd *request, cpnp_diag *diag);

/* One difference between two documents, for a person.  path is a clause and
 * what is in it ("capacity/paris/in"); before or after is empty when absent
 * there.  Longer texts are cut, with "..." at the end. */
typedef struct cpnp_cpd_change {
	char path[128];
	char before[128];
	char after[128];
} cpnp_cpd_change;

/* Compare two documents.  Writes the first max differences to changes and
 * returns how many there are. */
CPNP_API size_t cpnp_cpd_diff(const cpnp_cpd *before, const cpnp_cpd *after,
    cpnp_cpd_change *changes, size_t max);

/*
 * Numbers in words: "100 Mbit/s", "2.5 ms", "99.99 %", "1500 bytes".  Parsing
 * is exact: a number that is finer than the unit of the wire is
 * CPNP_ERR_RANGE, one without a unit or with another CPNP_ERR_INVALID.
 * Formatting takes the largest unit in which the number is whole (percent has
 * up to four decimals); what it writes parses back to the same number.
 */
#define CPNP_QUANTITY_LEN 48
CPNP_API int cpnp_quantity_parse(
    cpnp_unit unit, cpnp_bytes text, uint64_t *number);
CPNP_API void cpnp_quantity_format(
    cpnp_unit unit, uint64_t number, char out[CPNP_QUANTITY_LEN]);

#ifdef __cplusplus
}
#endif

#endif
