/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <cpnp/xml.h>

#include "../core/cpd_schema.h"

static void
put(cpnp_buf *out, const char *text)
{
	cpnp_buf_put_raw(out, cpnp_bytes_str(text));
}

static void
put_indent(cpnp_buf *out, size_t depth)
{
	while (depth-- > 0)
		put(out, "\t");
}

/* Texts have no control characters, so these four are all there is. */
static void
put_escaped(cpnp_buf *out, cpnp_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		switch (text.ptr[i]) {
		case '&':
			put(out, "&amp;");
			break;
		case '<':
			put(out, "&lt;");
			break;
		case '>':
			put(out, "&gt;");
			break;
		case '"':
			put(out, "&quot;");
			break;
		default:
			cpnp_buf_put_raw(
			    out, (cpnp_bytes){text.ptr + i, 1});
			break;
		}
}

/* The longest text of a scalar: three quantities with words between. */
#define SCALAR_ROOM 512

static void
put_scalar(const struct cpd_field *field, const void *at,
    const cpnp_cpd_profile *profile, cpnp_buf *out)
{
	uint8_t store[SCALAR_ROOM];
	cpnp_buf text;

	cpnp_buf_init_fixed(&text, store, sizeof(store));
	cpd_scalar_format(field, at, profile, &text);
	put_escaped(out, cpnp_buf_bytes(&text));
}

static void
put_extra(const cpnp_cpd_extra *extra, cpnp_buf *out)
{
	static const char digits[] = "0123456789abcdef";

	put(out, " extensions=\"");
	for (uint32_t i = 0; i < extra->len; i++) {
		uint8_t pair[2] = {(uint8_t)digits[extra->ptr[i] >> 4],
			(uint8_t)digits[extra->ptr[i] & 15]};

		cpnp_buf_put_raw(out, (cpnp_bytes){pair, 2});
	}
	put(out, "\"");
}

/* Returns whether there is something left for elements. */
static bool
put_attributes(const struct cpd_type *type, const void *structure,
    const cpnp_cpd_profile *profile, cpnp_buf *out)
{
	const cpnp_cpd_extra *extra = cpd_extra_get(type, structure);
	bool has_elements = false;

	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];

		if (cpd_field_is_absent(field, structure))
			continue;
		if (!cpd_is_scalar(field)) {
			has_elements = true;
			continue;
		}
		put(out, " ");
		put(out, field->name);
		put(out, "=\"");
		put_scalar(field, cpd_at(field, structure), profile, out);
		put(out, "\"");
	}
	if (extra->n != 0)
		put_extra(extra, out);
	return has_elements;
}

static void put_struct(const char *name, const struct cpd_type *type,
    const void *structure, const cpnp_cpd_profile *profile, size_t depth,
    cpnp_buf *out);

static void
put_close(const char *name, size_t depth, cpnp_buf *out)
{
	put_indent(out, depth);
	put(out, "</");
	put(out, name);
	put(out, ">\n");
}

static void
put_item(const struct cpd_field *field, const void *at,
    const cpnp_cpd_profile *profile, size_t depth, cpnp_buf *out)
{
	put_indent(out, depth);
	put(out, "<");
	put(out, field->name);
	put(out, ">");
	put_scalar(field->item, at, profile, out);
	put_close(field->name, 0, out);
}

static void
put_list(const struct cpd_field *field, const void *structure,
    const cpnp_cpd_profile *profile, size_t depth, cpnp_buf *out)
{
	bool is_wrapped = (field->flags & CPD_WRAPPED) != 0;
	const char *name = is_wrapped ? field->type->name : field->name;
	size_t n;
	const void *list = cpd_list_get(field, structure, &n);

	if (is_wrapped) {
		put_indent(out, depth);
		put(out, "<");
		put(out, field->name);
		put(out, ">\n");
	}
	for (size_t i = 0; i < n; i++) {
		const void *member = cpd_member(field, list, i);

		if (field->kind == CPD_ITEMS)
			put_item(field, member, profile, depth, out);
		else
			put_struct(name, field->type, member, profile,
			    depth + is_wrapped, out);
	}
	if (is_wrapped)
		put_close(field->name, depth, out);
}

static void
put_struct(const char *name, const struct cpd_type *type,
    const void *structure, const cpnp_cpd_profile *profile, size_t depth,
    cpnp_buf *out)
{
	if (type == &cpd_type_profile)
		profile = structure;
	put_indent(out, depth);
	put(out, "<");
	put(out, name);
	if (type == &cpd_type_document)
		put(out, " xmlns=\"" CPNP_XML_NAMESPACE "\"");
	if (!put_attributes(type, structure, profile, out)) {
		put(out, "/>\n");
		return;
	}
	put(out, ">\n");
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];

		if (!cpd_is_scalar(field) &&
		    !cpd_field_is_absent(field, structure))
			put_list(field, structure, profile, depth + 1, out);
	}
	put_close(name, depth, out);
}

int
cpnp_cpd_to_xml(const cpnp_cpd *cpd, cpnp_buf *out)
{
	put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	put_struct(cpd_type_document.name, &cpd_type_document, cpd, NULL, 0,
	    out);
	return out->err;
}
