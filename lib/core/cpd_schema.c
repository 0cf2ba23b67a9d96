/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpd_schema.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

#define SCALAR(T, k, n, m, knd, fl)                                            \
	.name = (n), .key = (k), .kind = (knd), .flags = (fl),                 \
	.offset = offsetof(T, m)

#define VALUE(T, k, n, m, u, lo, hi, fl)                                       \
	{                                                                      \
		SCALAR(T, k, n, m, CPD_VALUE, fl), .unit = (u), .min = (lo),   \
		.max = (hi)                                                    \
	}
#define NUMBER(T, k, n, m, u, lo, hi)                                          \
	{                                                                      \
		SCALAR(T, k, n, m, CPD_NUMBER, 0), .unit = (u), .min = (lo),   \
		.max = (hi)                                                    \
	}
#define INTERVAL(T, k, m)                                                      \
	NUMBER(T, k, "interval", m, CPNP_UNIT_SECONDS, 1, CPNP_CPD_INTERVAL_MAX)
#define DSCP(T, k, n, m) NUMBER(T, k, n, m, CPNP_UNIT_NONE, 0, 63)
#define ENUM(T, k, n, m, tab, fl)                                              \
	{                                                                      \
		SCALAR(T, k, n, m, CPD_ENUM, fl), .names = (tab),              \
		.max = N_OF(tab) - 1                                           \
	}
#define TEXT(T, k, n, m, fl)                                                   \
	{                                                                      \
		SCALAR(T, k, n, m, CPD_TEXT, fl), .max = CPNP_CPD_TEXT_MAX     \
	}
#define NAME(T, k, n, m, fl)                                                   \
	{                                                                      \
		SCALAR(T, k, n, m, CPD_TEXT, fl), .max = CPNP_CPD_ID_MAX       \
	}
#define PLAIN(T, k, n, m, knd) { SCALAR(T, k, n, m, knd, 0) }
#define REF(T, k, n, m, knd, fl) { SCALAR(T, k, n, m, knd, fl) }
#define CLAUSE(k, n, m, t)                                                     \
	{                                                                      \
		SCALAR(cpnp_cpd_profile, k, n, m, CPD_STRUCT, 0), .type = &(t) \
	}
#define LIST(T, k, n, m, t, mx, fl)                                            \
	{                                                                      \
		SCALAR(T, k, n, m, CPD_LIST, fl), .count = offsetof(T, m##_n), \
		.max = (mx), .type = &(t)                                      \
	}
#define ITEMS(T, k, n, m, it, mx)                                              \
	{                                                                      \
		SCALAR(T, k, n, m, CPD_ITEMS, 0), .count = offsetof(T, m##_n), \
		.max = (mx), .item = &(it)                                     \
	}
#define TYPE(n, T, f)                                                          \
	{                                                                      \
		.name = (n), .size = sizeof(T), .extra = offsetof(T, extra),   \
		.fields_n = N_OF(f), .fields = (f)                             \
	}

static const char *const names_direction[] = {
	"", "incoming", "outgoing"};
static const char *const names_reach[] = {"", "restricted", "global"};
static const char *const names_model[] = {
	"", "pipe", "hose", "unspecified-hose"};
static const char *const names_statistic[] = {
	"", "mean", "maximum", "percentile", "minimum"};
static const char *const names_filter[] = {"", "shaping", "policing"};
static const char *const names_excess[] = {"", "discard", "remark"};
static const char *const names_separation[] = {
	"", "shared", "isolated", "dedicated"};
static const char *const names_traffic[] = {"", "elastic", "non-elastic"};
static const char *const names_backup[] = {"", "none", "link", "node", "path"};
static const char *const names_invocation[] = {"", "implicit", "explicit"};
static const char *const names_notify[] = {
	"", "snmp", "syslog", "cpnp", "netconf", "phone", "email"};

/* Members of lists of scalars. */
static const struct cpd_field item_text = {
	.name = "text", .kind = CPD_TEXT, .max = CPNP_CPD_TEXT_MAX};
static const struct cpd_field item_prefix = {
	.name = "prefix", .kind = CPD_PREFIX};
static const struct cpd_field item_node = {.name = "node", .kind = CPD_NODE};

/* 3.1 */
static const struct cpd_field link_fields[] = {
	NAME(cpnp_cpd_link, 1, "id", id, CPD_ID),
	NAME(cpnp_cpd_link, 2, "provider-node", provider_node, CPD_OFFERED),
};
static const struct cpd_type link_type =
    TYPE("link", cpnp_cpd_link, link_fields);

static const struct cpd_field node_fields[] = {
	NAME(cpnp_cpd_node, 1, "id", id, CPD_REQUIRED | CPD_ID),
	LIST(cpnp_cpd_node, 2, "link", links, link_type, CPNP_CPD_LINKS_MAX,
	    CPD_OFFERED),
	TEXT(cpnp_cpd_node, 3, "place", place, 0),
	PLAIN(cpnp_cpd_node, 4, "coordinates", coordinates, CPD_GEO),
	TEXT(cpnp_cpd_node, 5, "address", address, 0),
	NAME(cpnp_cpd_node, 6, "site", site, 0),
};
static const struct cpd_type node_type =
    TYPE("node", cpnp_cpd_node, node_fields);

/* 3.2 */
static const struct cpd_field point_fields[] = {
	REF(cpnp_cpd_point, 1, "node", node, CPD_NODE, CPD_ID),
	NAME(cpnp_cpd_point, 2, "provider-node", provider_node, CPD_ID),
	REF(cpnp_cpd_point, 3, "prefix", prefix, CPD_PREFIX, CPD_ID),
};
static const struct cpd_type point_type =
    TYPE("point", cpnp_cpd_point, point_fields);

static const struct cpd_field scope_fields[] = {
	NAME(cpnp_cpd_scope, 1, "id", id, CPD_ID),
	ENUM(cpnp_cpd_scope, 2, "direction", direction, names_direction,
	    CPD_REQUIRED | CPD_ID),
	ENUM(cpnp_cpd_scope, 3, "reach", reach, names_reach, CPD_REQUIRED),
	ENUM(cpnp_cpd_scope, 4, "model", model, names_model, 0),
	ITEMS(cpnp_cpd_scope, 5, "node", nodes, item_node, CPNP_CPD_NODES_MAX),
	ITEMS(cpnp_cpd_scope, 6, "source", sources, item_prefix,
	    CPNP_CPD_PREFIXES_MAX),
	ITEMS(cpnp_cpd_scope, 7, "destination", destinations, item_prefix,
	    CPNP_CPD_PREFIXES_MAX),
	LIST(cpnp_cpd_scope, 8, "ingress", ingress, point_type,
	    CPNP_CPD_POINTS_MAX, 0),
	LIST(cpnp_cpd_scope, 9, "egress", egress, point_type,
	    CPNP_CPD_POINTS_MAX, 0),
};
static const struct cpd_type scope_type =
    TYPE("scope", cpnp_cpd_scope, scope_fields);

/* 3.3: one structure, three units. */
#define METRIC_FIELDS(u, hi)                                                   \
	{                                                                      \
		VALUE(cpnp_cpd_metric, 1, "value", value, u, 0, hi,            \
		    CPD_REQUIRED),                                             \
		ENUM(cpnp_cpd_metric, 2, "statistic", statistic,               \
		    names_statistic, CPD_REQUIRED | CPD_ID),                   \
		{SCALAR(cpnp_cpd_metric, 3, "percentile", percentile,          \
		     CPD_NUMBER, CPD_ID),                                      \
		    .unit = CPNP_UNIT_RATIO, .min = 1,                         \
		    .max = CPNP_CPD_PPM_MAX - 1},                              \
		INTERVAL(cpnp_cpd_metric, 4, interval),                        \
		REF(cpnp_cpd_metric, 5, "scope", scope, CPD_SCOPE, CPD_ID),    \
		REF(cpnp_cpd_metric, 6, "from", from, CPD_NODE, CPD_ID),       \
		REF(cpnp_cpd_metric, 7, "to", to, CPD_NODE, CPD_ID),           \
		TEXT(cpnp_cpd_metric, 8, "method", method, 0),                 \
	}
static const struct cpd_field loss_fields[] =
    METRIC_FIELDS(CPNP_UNIT_RATIO, CPNP_CPD_PPM_MAX);
static const struct cpd_field delay_fields[] =
    METRIC_FIELDS(CPNP_UNIT_DELAY, CPNP_CPD_DELAY_MAX);
static const struct cpd_field throughput_fields[] =
    METRIC_FIELDS(CPNP_UNIT_RATE, CPNP_CPD_RATE_MAX);
static const struct cpd_type loss_type =
    TYPE("loss", cpnp_cpd_metric, loss_fields);
static const struct cpd_type delay_type =
    TYPE("delay", cpnp_cpd_metric, delay_fields);
static const struct cpd_type throughput_type =
    TYPE("throughput", cpnp_cpd_metric, throughput_fields);

static const struct cpd_field qos_fields[] = {
	NAME(cpnp_cpd_qos, 1, "class", meta_class, 0),
	LIST(cpnp_cpd_qos, 2, "loss", loss, loss_type, CPNP_CPD_METRICS_MAX, 0),
	LIST(cpnp_cpd_qos, 3, "delay", delay, delay_type, CPNP_CPD_METRICS_MAX,
	    0),
	LIST(cpnp_cpd_qos, 4, "delay-variation", delay_variation, delay_type,
	    CPNP_CPD_METRICS_MAX, 0),
	LIST(cpnp_cpd_qos, 5, "throughput", throughput, throughput_type,
	    CPNP_CPD_METRICS_MAX, 0),
};
static const struct cpd_type qos_type = TYPE("qos", cpnp_cpd_qos, qos_fields);

/* 3.4 */
static const struct cpd_field availability_fields[] = {
	VALUE(cpnp_cpd_availability, 1, "value", value, CPNP_UNIT_RATIO, 0,
	    CPNP_CPD_PPM_MAX, CPD_REQUIRED),
	ENUM(cpnp_cpd_availability, 2, "statistic", statistic, names_statistic,
	    0),
	INTERVAL(cpnp_cpd_availability, 3, interval),
	TEXT(cpnp_cpd_availability, 4, "meaning", meaning, 0),
};
static const struct cpd_type availability_type =
    TYPE("availability", cpnp_cpd_availability, availability_fields);

/* 3.5 */
static const struct cpd_field capacity_fields[] = {
	REF(cpnp_cpd_capacity, 1, "node", node, CPD_NODE, CPD_ID),
	NAME(cpnp_cpd_capacity, 2, "link", link, CPD_ID),
	REF(cpnp_cpd_capacity, 3, "scope", scope, CPD_SCOPE, CPD_ID),
	VALUE(cpnp_cpd_capacity, 4, "in", in, CPNP_UNIT_RATE, 1,
	    CPNP_CPD_RATE_MAX, 0),
	VALUE(cpnp_cpd_capacity, 5, "out", out, CPNP_UNIT_RATE, 1,
	    CPNP_CPD_RATE_MAX, 0),
};
static const struct cpd_type capacity_type =
    TYPE("rate", cpnp_cpd_capacity, capacity_fields);

/* 3.6 */
static const struct cpd_field conformance_fields[] = {
	ENUM(cpnp_cpd_conformance, 1, "filter", filter, names_filter, 0),
	ENUM(cpnp_cpd_conformance, 2, "excess", excess, names_excess, 0),
	NAME(cpnp_cpd_conformance, 3, "excess-class", excess_class, 0),
	VALUE(cpnp_cpd_conformance, 4, "mtu", mtu, CPNP_UNIT_BYTES,
	    CPNP_CPD_MTU_MIN, CPNP_CPD_BYTES_MAX, 0),
	VALUE(cpnp_cpd_conformance, 5, "burst", burst, CPNP_UNIT_BYTES, 1,
	    CPNP_CPD_BYTES_MAX, 0),
};
static const struct cpd_type conformance_type =
    TYPE("conformance", cpnp_cpd_conformance, conformance_fields);

/* 3.7 */
static const struct cpd_field overall_fields[] = {
	NAME(cpnp_cpd_overall, 1, "delay", delay, 0),
	NAME(cpnp_cpd_overall, 2, "loss", loss, 0),
	NAME(cpnp_cpd_overall, 3, "throughput", throughput, 0),
};
static const struct cpd_type overall_type =
    TYPE("overall", cpnp_cpd_overall, overall_fields);

/* 3.8 */
static const struct cpd_field isolation_fields[] = {
	ENUM(cpnp_cpd_isolation, 1, "separation", separation, names_separation,
	    0),
	ITEMS(cpnp_cpd_isolation, 2, "means", means, item_text,
	    CPNP_CPD_TEXTS_MAX),
	ITEMS(cpnp_cpd_isolation, 3, "protection", protection, item_text,
	    CPNP_CPD_TEXTS_MAX),
};
static const struct cpd_type isolation_type =
    TYPE("isolation", cpnp_cpd_isolation, isolation_fields);

/* 3.9 */
static const struct cpd_field flow_fields[] = {
	PLAIN(cpnp_cpd_flow, 1, "source", source, CPD_PREFIX),
	PLAIN(cpnp_cpd_flow, 2, "source-port", source_port, CPD_PORTS),
	PLAIN(cpnp_cpd_flow, 3, "destination", destination, CPD_PREFIX),
	PLAIN(cpnp_cpd_flow, 4, "destination-port", destination_port,
	    CPD_PORTS),
	NUMBER(cpnp_cpd_flow, 5, "protocol", protocol, CPNP_UNIT_NONE, 0, 255),
	DSCP(cpnp_cpd_flow, 6, "dscp", dscp),
	PLAIN(cpnp_cpd_flow, 7, "tunnel", tunnel, CPD_ADDRESS),
	ENUM(cpnp_cpd_flow, 8, "direction", direction, names_direction, 0),
	ENUM(cpnp_cpd_flow, 9, "traffic", traffic, names_traffic, 0),
	DSCP(cpnp_cpd_flow, 10, "remark-in", remark_in),
	DSCP(cpnp_cpd_flow, 11, "remark-out", remark_out),
	REF(cpnp_cpd_flow, 12, "node", node, CPD_NODE, 0),
	NAME(cpnp_cpd_flow, 13, "link", link, 0),
};
static const struct cpd_type flow_type =
    TYPE("flow", cpnp_cpd_flow, flow_fields);

/* 3.10 */
static const struct cpd_field hop_fields[] = {
	NUMBER(cpnp_cpd_hop, 1, "as", as, CPNP_UNIT_NONE, 1, UINT32_MAX),
	NAME(cpnp_cpd_hop, 2, "node", node, 0),
	NAME(cpnp_cpd_hop, 3, "link", link, 0),
	PLAIN(cpnp_cpd_hop, 4, "prefix", prefix, CPD_PREFIX),
};
static const struct cpd_type hop_type = TYPE("hop", cpnp_cpd_hop, hop_fields);

static const struct cpd_field routing_fields[] = {
	LIST(cpnp_cpd_routing, 1, "avoid", avoid, hop_type, CPNP_CPD_HOPS_MAX,
	    0),
	LIST(cpnp_cpd_routing, 2, "through", through, hop_type,
	    CPNP_CPD_HOPS_MAX, 0),
	ITEMS(cpnp_cpd_routing, 3, "within", within, item_text,
	    CPNP_CPD_REGIONS_MAX),
	ITEMS(cpnp_cpd_routing, 4, "outside", outside, item_text,
	    CPNP_CPD_REGIONS_MAX),
	ITEMS(cpnp_cpd_routing, 5, "function", functions, item_text,
	    CPNP_CPD_TEXTS_MAX),
	ITEMS(cpnp_cpd_routing, 6, "no-medium", no_media, item_text,
	    CPNP_CPD_TEXTS_MAX),
	ENUM(cpnp_cpd_routing, 7, "backup", backup, names_backup, 0),
	NAME(cpnp_cpd_routing, 8, "topology", topology, 0),
	NAME(cpnp_cpd_routing, 9, "forwarding", forwarding, 0),
};
static const struct cpd_type routing_type =
    TYPE("routing", cpnp_cpd_routing, routing_fields);

/* 3.11 */
static const struct cpd_field activation_fields[] = {
	TEXT(cpnp_cpd_activation, 1, "action", action, CPD_REQUIRED | CPD_ID),
	TEXT(cpnp_cpd_activation, 2, "detail", detail, 0),
	REF(cpnp_cpd_activation, 3, "node", node, CPD_NODE, CPD_ID),
};
static const struct cpd_type activation_type =
    TYPE("means", cpnp_cpd_activation, activation_fields);

/* 3.12 */
static const struct cpd_field invocation_fields[] = {
	ENUM(cpnp_cpd_invocation, 1, "type", type, names_invocation,
	    CPD_REQUIRED),
	ITEMS(cpnp_cpd_invocation, 2, "protocol", protocols, item_text,
	    CPNP_CPD_TEXTS_MAX),
};
static const struct cpd_type invocation_type =
    TYPE("invocation", cpnp_cpd_invocation, invocation_fields);

/* 3.13 */
static const struct cpd_field notification_fields[] = {
	ENUM(cpnp_cpd_notification, 1, "method", method, names_notify,
	    CPD_REQUIRED | CPD_ID),
	TEXT(cpnp_cpd_notification, 2, "target", target, CPD_ID),
	INTERVAL(cpnp_cpd_notification, 3, interval),
	ITEMS(cpnp_cpd_notification, 4, "event", events, item_text,
	    CPNP_CPD_TEXTS_MAX),
	NAME(cpnp_cpd_notification, 5, "data-model", data_model, 0),
};
static const struct cpd_type notification_type =
    TYPE("notification", cpnp_cpd_notification, notification_fields);

/* Section 4, Optional Information Elements */
static const struct cpd_field window_fields[] = {
	PLAIN(cpnp_cpd_window, 1, "start", start, CPD_TIME),
	PLAIN(cpnp_cpd_window, 2, "end", end, CPD_TIME),
};
static const struct cpd_type window_type =
    TYPE("window", cpnp_cpd_window, window_fields);

static const struct cpd_field assurance_fields[] = {
	TEXT(cpnp_cpd_assurance, 1, "metric", metric, CPD_REQUIRED | CPD_ID),
	INTERVAL(cpnp_cpd_assurance, 2, interval),
	TEXT(cpnp_cpd_assurance, 3, "method", method, 0),
};
static const struct cpd_type assurance_type =
    TYPE("measure", cpnp_cpd_assurance, assurance_fields);

/* Keys 1 to 13 are those of the clauses 3.1 to 3.13. */
static const struct cpd_field profile_fields[] = {
	NAME(cpnp_cpd_profile, 0, "name", name, 0),
	LIST(cpnp_cpd_profile, 1, "nodes", nodes, node_type, CPNP_CPD_NODES_MAX,
	    CPD_REQUIRED | CPD_WRAPPED),
	LIST(cpnp_cpd_profile, 2, "scopes", scopes, scope_type,
	    CPNP_CPD_SCOPES_MAX, CPD_WRAPPED),
	CLAUSE(3, "qos", qos, qos_type),
	CLAUSE(4, "availability", availability, availability_type),
	LIST(cpnp_cpd_profile, 5, "capacity", capacity, capacity_type,
	    CPNP_CPD_CAPACITIES_MAX, CPD_WRAPPED),
	CLAUSE(6, "conformance", conformance, conformance_type),
	CLAUSE(7, "overall", overall, overall_type),
	CLAUSE(8, "isolation", isolation, isolation_type),
	LIST(cpnp_cpd_profile, 9, "flows", flows, flow_type, CPNP_CPD_FLOWS_MAX,
	    CPD_WRAPPED),
	CLAUSE(10, "routing", routing, routing_type),
	LIST(cpnp_cpd_profile, 11, "activation", activation, activation_type,
	    CPNP_CPD_ACTIVATIONS_MAX, CPD_WRAPPED),
	CLAUSE(12, "invocation", invocation, invocation_type),
	LIST(cpnp_cpd_profile, 13, "notifications", notifications,
	    notification_type, CPNP_CPD_NOTIFICATIONS_MAX, CPD_WRAPPED),
	CLAUSE(14, "window", window, window_type),
	LIST(cpnp_cpd_profile, 15, "assurance", assurance, assurance_type,
	    CPNP_CPD_ASSURANCES_MAX, CPD_WRAPPED),
};
const struct cpd_type cpd_type_profile =
    TYPE("profile", cpnp_cpd_profile, profile_fields);

static const struct cpd_field component_fields[] = {
	NAME(cpnp_cpd_component, 1, "name", name, 0),
	LIST(cpnp_cpd_component, 2, "profile", profiles, cpd_type_profile,
	    CPNP_CPD_PROFILES_MAX, CPD_REQUIRED),
};
static const struct cpd_type component_type =
    TYPE("component", cpnp_cpd_component, component_fields);

static const struct cpd_field document_fields[] = {
	NAME(cpnp_cpd, 1, "based-on", based_on, 0),
	LIST(cpnp_cpd, 2, "component", components, component_type,
	    CPNP_CPD_COMPONENTS_MAX, CPD_REQUIRED),
};
const struct cpd_type cpd_type_document =
    TYPE("cpd", cpnp_cpd, document_fields);
