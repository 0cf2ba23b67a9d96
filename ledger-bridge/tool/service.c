/*
 * The service that was agreed, in words: what a person asks first; --xml has
 * every clause.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include <cpnp/xml.h>

#include "tool.h"

static void
print_name(const char *label, cpnp_bytes name)
{
	if (name.len == 0)
		return;
	printf("    %-11s ", label);
	tool_put(stdout, name);
	putchar('\n');
}

static void
format_value(cpnp_unit unit, const cpnp_cpd_value *value, char *out,
    size_t size)
{
	char lo[CPNP_QUANTITY_LEN], hi[CPNP_QUANTITY_LEN];

	out[0] = '\0';
	if (value->kind == CPNP_CPD_ABSENT)
		return;
	cpnp_quantity_format(unit, value->lo, lo);
	cpnp_quantity_format(unit, value->hi, hi);
	if (value->kind == CPNP_CPD_SINGLE)
		(void)snprintf(out, size, "%s", lo);
	else
		(void)snprintf(out, size, "%s to %s", lo, hi);
}

static void
print_value(const char *label, cpnp_unit unit, const cpnp_cpd_value *value)
{
	char text[2 * CPNP_QUANTITY_LEN + 8];

	format_value(unit, value, text, sizeof(text));
	if (text[0] != '\0')
		printf("    %-11s %s\n", label, text);
}

static void
print_capacity(
    const cpnp_cpd_profile *profile, const cpnp_cpd_capacity *capacity)
{
	char in[2 * CPNP_QUANTITY_LEN + 8], out[2 * CPNP_QUANTITY_LEN + 8];

	format_value(CPNP_UNIT_RATE, &capacity->in, in, sizeof(in));
	format_value(CPNP_UNIT_RATE, &capacity->out, out, sizeof(out));
	printf("    %-11s ", "capacity");
	if (capacity->node > 0 && capacity->node <= profile->nodes_n)
		tool_put(stdout, profile->nodes[capacity->node - 1].id);
	else if (capacity->scope > 0 && capacity->scope <= profile->scopes_n)
		tool_put(stdout, profile->scopes[capacity->scope - 1].id);
	else
		fputs("each node", stdout);
	if (in[0] != '\0')
		printf(", in %s", in);
	if (out[0] != '\0')
		printf(", out %s", out);
	putchar('\n');
}

static void
print_node(const cpnp_cpd_node *node)
{
	printf("    %-11s ", "node");
	tool_put(stdout, node->id);
	if (node->place.len > 0) {
		fputs(" at ", stdout);
		tool_put(stdout, node->place);
	}
	putchar('\n');
}

static void
print_qos(const cpnp_cpd_qos *qos)
{
	size_t i;

	print_name("class", qos->meta_class);
	for (i = 0; i < qos->delay_n; i++)
		print_value("delay", CPNP_UNIT_DELAY, &qos->delay[i].value);
	for (i = 0; i < qos->delay_variation_n; i++)
		print_value("variation", CPNP_UNIT_DELAY,
		    &qos->delay_variation[i].value);
	for (i = 0; i < qos->loss_n; i++)
		print_value("loss", CPNP_UNIT_RATIO, &qos->loss[i].value);
	for (i = 0; i < qos->throughput_n; i++)
		print_value(
		    "throughput", CPNP_UNIT_RATE, &qos->throughput[i].value);
}

static void
print_window(const char *label, const cpnp_cpd_time *time, const char *absent)
{
	char date[CPNP_DATE_LEN];

	if (time->is_set)
		tool_time(time->time, date);
	printf("    %-11s %s\n", label, time->is_set ? date : absent);
}

static void
print_profile(const cpnp_cpd_profile *profile)
{
	size_t i;

	print_name("profile", profile->name);
	for (i = 0; i < profile->nodes_n; i++)
		print_node(&profile->nodes[i]);
	for (i = 0; i < profile->capacity_n; i++)
		print_capacity(profile, &profile->capacity[i]);
	if (profile->qos != NULL)
		print_qos(profile->qos);
	if (profile->availability != NULL)
		print_value("available", CPNP_UNIT_RATIO,
		    &profile->availability->value);
	if (profile->window != NULL) {
		print_window("from", &profile->window->start, "activation");
		print_window("until", &profile->window->end, "withdrawn");
	}
}

void
tool_print_service(cpnp_bytes description)
{
	cpnp_cpd cpd;
	uint64_t type;
	size_t i, k;

	if (cpnp_service_type(description, &type) != 0 ||
	    type != CPNP_SERVICE_CPD ||
	    cpnp_cpd_decode(&cpd, description, &ledger_mem, NULL) != 0) {
		printf("    %-11s not a CPD that this version reads, %zu "
		       "bytes\n", "service", description.len);
		return;
	}
	print_name("based on", cpd.based_on);
	for (i = 0; i < cpd.components_n; i++) {
		print_name("component", cpd.components[i].name);
		for (k = 0; k < cpd.components[i].profiles_n; k++)
			print_profile(&cpd.components[i].profiles[k]);
	}
	cpnp_cpd_fini(&cpd);
}

/* The document in XML; false when it is not a CPD. */
static bool
to_xml(cpnp_bytes description, cpnp_buf *out)
{
	cpnp_cpd cpd;
	int err;

	cpnp_buf_init(out, &ledger_mem, CPNP_XML_MAX);
	if (cpnp_cpd_decode(&cpd, description, &ledger_mem, NULL) != 0)
		return false;
	err = cpnp_cpd_to_xml(&cpd, out);
	cpnp_cpd_fini(&cpd);
	return err == 0;
}

void
tool_print_xml(cpnp_bytes description)
{
	const uint8_t *end;
	cpnp_bytes rest;
	cpnp_buf xml;
	size_t n;

	if (to_xml(description, &xml)) {
		rest = cpnp_buf_bytes(&xml);
		while (rest.len > 0) {
			end = memchr(rest.ptr, '\n', rest.len);
			n = end == NULL ? rest.len
					: (size_t)(end - rest.ptr);
			tool_put(stdout, (cpnp_bytes){rest.ptr, n});
			putchar('\n');
			n += end != NULL;
			rest.ptr += n;
			rest.len -= n;
		}
	}
	cpnp_buf_fini(&xml);
}

json_t *
tool_service_json(cpnp_bytes description)
{
	json_t *json = NULL;
	cpnp_buf xml;

	if (to_xml(description, &xml))
		json = tool_text(cpnp_buf_bytes(&xml));
	cpnp_buf_fini(&xml);
	return json != NULL ? json : json_null();
}
