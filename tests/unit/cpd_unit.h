/*
 * What the tests of the CPD share: an allocator that counts and fails on
 * demand, and a writer of least documents along the table of fields, with one
 * field of one's choice in them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_CPD_UNIT_H
#define TESTS_CPD_UNIT_H

#include <cpnp/cpd.h>

#include "lib/core/cpd_schema.h"
#include "unit.h"

struct counter {
	size_t calls;
	size_t fail_at; /* the call that fails, from 1 on; 0: none */
	size_t total;   /* bytes ever asked for */
	size_t live;    /* blocks not yet freed */
};

static inline void *
counter_realloc(void *user, void *ptr, size_t size)
{
	struct counter *counter = user;
	void *grown;

	if (++counter->calls == counter->fail_at)
		return NULL;
	grown = realloc(ptr, size);
	ck_assert_ptr_nonnull(grown);
	counter->total += size;
	counter->live += ptr == NULL;
	return grown;
}

static inline void *
counter_alloc(void *user, size_t size)
{
	return counter_realloc(user, NULL, size);
}

static inline void
counter_free(void *user, void *ptr)
{
	struct counter *counter = user;

	counter->live -= ptr != NULL;
	free(ptr);
}

static inline cpnp_mem
counter_mem(struct counter *counter)
{
	*counter = (struct counter){0};
	return (cpnp_mem){
	    counter, counter_alloc, counter_realloc, counter_free};
}

/* The field that a document is about. */
struct plan {
	const struct cpd_type *type;
	const struct cpd_field *field; /* NULL: none in particular */
	size_t n;         /* members, when it is a list */
	cpnp_bytes value; /* encoded, when it is a scalar */
	bool extra;       /* give the type an element with a negative key */
};

static inline void
plan_put_scalar(cpnp_buf *buf, const struct cpd_field *field, size_t index)
{
	char text[24];

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
	case CPD_NUMBER:
		cpnp_cbor_put_uint(buf, field->min);
		break;
	case CPD_ENUM:
	case CPD_PORTS:
	case CPD_TIME:
	case CPD_NODE:
	case CPD_SCOPE:
		cpnp_cbor_put_uint(buf, 1);
		break;
	case CPD_TEXT:
		(void)snprintf(text, sizeof(text), "%zu", index);
		cpnp_cbor_put_str(buf, text);
		break;
	case CPD_PREFIX:
		cpnp_buf_put_raw(
		    buf, CPNP_BYTES_LIT("\xd8\x34\x82\x08\x41\x0a"));
		break;
	case CPD_ADDRESS:
		cpnp_buf_put_raw(buf, CPNP_BYTES_LIT("\xd8\x34\x44\x0a\0\0\1"));
		break;
	case CPD_GEO:
		cpnp_buf_put_raw(buf, CPNP_BYTES_LIT("\x82\x01\x20"));
		break;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		ck_abort_msg("%s is no scalar", field->name);
	}
}

static inline bool
plan_leads(const struct cpd_field *field, const struct plan *plan)
{
	if (field->type == NULL)
		return false;
	if (field->type == plan->type)
		return true;
	for (size_t i = 0; i < field->type->fields_n; i++)
		if (plan_leads(&field->type->fields[i], plan))
			return true;
	return false;
}

/* Is the field written?  What is mandatory, the way to the type of the plan,
 * and there its field. */
static inline bool
plan_has(const struct plan *plan, const struct cpd_type *type, size_t f,
    size_t index)
{
	const struct cpd_field *field = &type->fields[f];

	if (index == 0 && type == plan->type && field == plan->field)
		return true;
	if ((field->flags & CPD_REQUIRED) != 0)
		return true;
	if (index == 0 && type != plan->type && plan_leads(field, plan)) {
		for (size_t i = 0; i < f; i++)
			if (plan_leads(&type->fields[i], plan))
				return false;
		return true;
	}
	return false;
}

static inline void plan_put_type(cpnp_buf *buf, const struct plan *plan,
    const struct cpd_type *type, size_t index);

static inline void
plan_put_field(cpnp_buf *buf, const struct plan *plan,
    const struct cpd_type *type, const struct cpd_field *field, size_t index)
{
	bool chosen = index == 0 && type == plan->type && field == plan->field;
	size_t n = chosen ? plan->n : 1;

	cpnp_cbor_put_uint(buf, field->key);
	if (cpd_is_scalar(field)) {
		if (chosen && plan->value.len != 0)
			cpnp_buf_put_raw(buf, plan->value);
		else
			plan_put_scalar(buf, field, index);
		return;
	}
	if (field->kind != CPD_STRUCT)
		cpnp_cbor_put_array(buf, n);
	for (size_t i = 0; i < n; i++)
		if (field->kind == CPD_ITEMS)
			plan_put_scalar(buf, field->item, i);
		else
			plan_put_type(buf, plan, field->type, i);
}

static inline void
plan_put_type(cpnp_buf *buf, const struct plan *plan,
    const struct cpd_type *type, size_t index)
{
	bool extra = plan->extra && index == 0 && type == plan->type;
	size_t n = extra;

	for (size_t i = 0; i < type->fields_n; i++)
		n += plan_has(plan, type, i, index);
	cpnp_cbor_put_map(buf, n == 0 ? 1 : n);
	for (size_t i = 0; i < type->fields_n; i++)
		if (plan_has(plan, type, i, index) || (n == 0 && i == 0))
			plan_put_field(
			    buf, plan, type, &type->fields[i], index);
	if (extra) {
		cpnp_cbor_put_int(buf, -70000);
		cpnp_cbor_put_str(buf, "kept");
	}
}

static inline void
plan_put(cpnp_buf *buf, const struct plan *plan)
{
	cpnp_cbor_put_array(buf, 2);
	cpnp_cbor_put_uint(buf, CPNP_SERVICE_CPD);
	plan_put_type(buf, plan, &cpd_type_document, 0);
	ck_assert_int_eq(buf->err, 0);
}

/* Call visit for each type of the table, once for each way to it. */
static inline void
plan_each_type(const struct cpd_type *type,
    void (*visit)(const struct cpd_type *type))
{
	visit(type);
	for (size_t i = 0; i < type->fields_n; i++)
		if (type->fields[i].type != NULL)
			plan_each_type(type->fields[i].type, visit);
}

#endif
