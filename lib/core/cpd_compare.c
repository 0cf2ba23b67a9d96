/*
 * Comparing two documents: one walk over both, used to say whether an offer
 * is within a request and to list what has changed.  Members of a list are
 * paired by their identifying fields, or by place when they have none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "cpd_schema.h"

struct walk {
	bool ranges; /* a value within a range of the first is no change */
	bool preferred; /* and it must be the preferred one */
	cpnp_cpd_change *changes;
	size_t max;
	size_t n;
	/* the profiles that references are of */
	const cpnp_cpd_profile *profile_a;
	const cpnp_cpd_profile *profile_b;
};

bool
cpd_has_id(const struct cpd_type *type)
{
	for (size_t i = 0; i < type->fields_n; i++)
		if ((type->fields[i].flags & CPD_ID) != 0)
			return true;
	return false;
}

bool
cpd_id_equal(const struct cpd_type *type, const void *a,
    const cpnp_cpd_profile *profile_a, const void *b,
    const cpnp_cpd_profile *profile_b)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];

		if ((field->flags & CPD_ID) != 0 &&
		    !cpd_scalar_equal(field, cpd_at(field, a), profile_a,
			cpd_at(field, b), profile_b))
			return false;
	}
	return true;
}

/* The scalars of a structure, "id paris, place Paris". */
static void
put_summary(const struct cpd_type *type, const void *structure,
    const cpnp_cpd_profile *profile, cpnp_buf *out)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];

		if (!cpd_is_scalar(field) ||
		    cpd_field_is_absent(field, structure))
			continue;
		if (out->len > 0)
			cpnp_buf_put_raw(out, CPNP_BYTES_LIT(", "));
		cpnp_buf_put_raw(out, cpnp_bytes_str(field->name));
		cpnp_buf_put_raw(out, CPNP_BYTES_LIT(" "));
		cpd_scalar_format(field, cpd_at(field, structure), profile,
		    out);
	}
	if (out->len == 0)
		cpnp_buf_put_raw(out, CPNP_BYTES_LIT("present"));
}

static void
put_items(const struct cpd_field *field, const void *list, size_t n,
    const cpnp_cpd_profile *profile, cpnp_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			cpnp_buf_put_raw(out, CPNP_BYTES_LIT(", "));
		cpd_scalar_format(field->item, cpd_member(field, list, i),
		    profile, out);
	}
}

/* Room for the longest text; a change shows the start of it. */
#define TEXT_ROOM 512

static void
cut_text(const cpnp_buf *text, char *out, size_t size)
{
	size_t len = text->len;

	if (len < size && text->err == 0) {
		memcpy(out, text->ptr, len);
		out[len] = '\0';
		return;
	}
	if (len > size - 4)
		len = size - 4;
	/* Not in the middle of a character. */
	while (len > 0 && (text->ptr[len] & 0xc0) == 0x80)
		len--;
	memcpy(out, text->ptr, len);
	memcpy(out + len, "...", 4);
}

/* One side of a field in words; empty when it is absent. */
static void
describe(const struct cpd_field *field, const void *structure,
    const cpnp_cpd_profile *profile, char *out, size_t size)
{
	uint8_t store[TEXT_ROOM];
	cpnp_buf buf;
	size_t n;
	const void *list;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	if (cpd_is_scalar(field)) {
		if (!cpd_field_is_absent(field, structure))
			cpd_scalar_format(field, cpd_at(field, structure),
			    profile, &buf);
	} else {
		list = cpd_list_get(field, structure, &n);
		if (field->kind == CPD_ITEMS)
			put_items(field, list, n, profile, &buf);
		else if (n > 0)
			put_summary(field->type, list, profile, &buf);
	}
	cut_text(&buf, out, size);
}

static cpnp_cpd_change *
add_change(struct walk *walk, const struct cpd_path *path)
{
	cpnp_cpd_change *change = NULL;

	if (walk->n < walk->max) {
		change = &walk->changes[walk->n];
		*change = (cpnp_cpd_change){0};
		cpd_path_format(path, change->path, sizeof(change->path));
	}
	walk->n++;
	return change;
}

static void
field_changed(struct walk *walk, const struct cpd_field *field, const void *a,
    const void *b, const struct cpd_path *path)
{
	cpnp_cpd_change *change = add_change(walk, path);

	if (change == NULL)
		return;
	describe(field, a, walk->profile_a, change->before,
	    sizeof(change->before));
	describe(field, b, walk->profile_b, change->after,
	    sizeof(change->after));
}

/* A member that only one side has; member is NULL on the other. */
static void
member_changed(struct walk *walk, const struct cpd_type *type, const void *a,
    const void *b, const struct cpd_path *path)
{
	cpnp_cpd_change *change = add_change(walk, path);
	uint8_t store[TEXT_ROOM];
	cpnp_buf buf;

	if (change == NULL)
		return;
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	if (a != NULL) {
		put_summary(type, a, walk->profile_a, &buf);
		cut_text(&buf, change->before, sizeof(change->before));
	} else {
		put_summary(type, b, walk->profile_b, &buf);
		cut_text(&buf, change->after, sizeof(change->after));
	}
}

static bool
value_is_granted(const struct walk *walk, const cpnp_cpd_value *offer,
    const cpnp_cpd_value *request)
{
	if (offer->kind != CPNP_CPD_SINGLE || request->kind == CPNP_CPD_ABSENT)
		return false;
	if (walk->preferred)
		return offer->lo == request->preferred;
	return offer->lo >= request->lo && offer->lo <= request->hi;
}

static void
compare_scalar(struct walk *walk, const struct cpd_field *field, const void *a,
    const void *b, const struct cpd_path *path)
{
	const void *at_a = cpd_at(field, a);
	const void *at_b = cpd_at(field, b);

	if (cpd_scalar_equal(
		field, at_a, walk->profile_a, at_b, walk->profile_b))
		return;
	if (walk->ranges) {
		if (field->kind == CPD_VALUE &&
		    value_is_granted(walk, at_b, at_a))
			return;
		if ((field->flags & CPD_OFFERED) != 0 &&
		    cpd_scalar_is_absent(field, at_a))
			return;
	}
	field_changed(walk, field, a, b, path);
}

static void
compare_items(struct walk *walk, const struct cpd_field *field, const void *a,
    const void *b, const struct cpd_path *path)
{
	size_t n, n_b;
	const void *list_a = cpd_list_get(field, a, &n);
	const void *list_b = cpd_list_get(field, b, &n_b);
	bool equal = n == n_b;

	for (size_t i = 0; i < n && equal; i++)
		equal = cpd_scalar_equal(field->item,
		    cpd_member(field, list_a, i), walk->profile_a,
		    cpd_member(field, list_b, i), walk->profile_b);
	if (!equal)
		field_changed(walk, field, a, b, path);
}

/* The member of the other list that is the same thing, or NULL; it is most
 * often in the same place. */
static const void *
find_partner(const struct cpd_field *field, const void *member,
    const cpnp_cpd_profile *profile, const void *others, size_t n, size_t i,
    const cpnp_cpd_profile *others_profile)
{
	bool has_id = cpd_has_id(field->type);

	if (i < n) {
		const void *other = cpd_member(field, others, i);

		if (!has_id || cpd_id_equal(field->type, member, profile, other,
				   others_profile))
			return other;
	}
	for (size_t j = 0; j < n && has_id; j++) {
		const void *other = cpd_member(field, others, j);

		if (cpd_id_equal(
			field->type, member, profile, other, others_profile))
			return other;
	}
	return NULL;
}

static void compare_struct(struct walk *walk, const struct cpd_type *type,
    const void *a, const void *b, const struct cpd_path *path);

/* Within a pair of profiles, references are those of the pair. */
static void
compare_pair(struct walk *walk, const struct cpd_type *type, const void *a,
    const void *b, const struct cpd_path *path)
{
	if (type == &cpd_type_profile) {
		walk->profile_a = a;
		walk->profile_b = b;
	}
	compare_struct(walk, type, a, b, path);
}

static void
compare_list(struct walk *walk, const struct cpd_field *field, const void *a,
    const void *b, const struct cpd_path *up)
{
	struct cpd_path path = {up, field->name, 0, CPNP_BYTES_NONE};
	const struct cpd_type *type = field->type;
	size_t n_a, n_b;
	const void *list_a = cpd_list_get(field, a, &n_a);
	const void *list_b = cpd_list_get(field, b, &n_b);
	bool is_list = field->kind == CPD_LIST;

	if (walk->ranges && n_a == 0 && (field->flags & CPD_OFFERED) != 0)
		return;
	for (size_t i = 0; i < n_a; i++) {
		const void *member = cpd_member(field, list_a, i);
		const void *other = find_partner(field, member,
		    walk->profile_a, list_b, n_b, i, walk->profile_b);

		path.index = is_list ? i + 1 : 0;
		path.label = cpd_label(type, member, walk->profile_a);
		if (other == NULL)
			member_changed(walk, type, member, NULL, &path);
		else
			compare_pair(walk, type, member, other, &path);
	}
	for (size_t i = 0; i < n_b; i++) {
		const void *member = cpd_member(field, list_b, i);

		if (find_partner(field, member, walk->profile_b, list_a, n_a,
			i, walk->profile_a) != NULL)
			continue;
		path.index = is_list ? i + 1 : 0;
		path.label = cpd_label(type, member, walk->profile_b);
		member_changed(walk, type, NULL, member, &path);
	}
}

static void
compare_extra(struct walk *walk, const cpnp_cpd_extra *a,
    const cpnp_cpd_extra *b, const struct cpd_path *up)
{
	struct cpd_path path = {up, "extensions", 0, CPNP_BYTES_NONE};
	cpnp_cpd_change *change;

	if (a->len == b->len && (a->len == 0 || memcmp(a->ptr, b->ptr, a->len)
		== 0))
		return;
	change = add_change(walk, &path);
	if (change == NULL)
		return;
	if (a->n != 0)
		snprintf(change->before, sizeof(change->before),
		    "%u elements, %u bytes", a->n, a->len);
	if (b->n != 0)
		snprintf(change->after, sizeof(change->after),
		    "%u elements, %u bytes", b->n, b->len);
}

static void
compare_struct(struct walk *walk, const struct cpd_type *type, const void *a,
    const void *b, const struct cpd_path *path)
{
	for (size_t i = 0; i < type->fields_n; i++) {
		const struct cpd_field *field = &type->fields[i];
		struct cpd_path here = {
			path, field->name, 0, CPNP_BYTES_NONE};

		if (cpd_is_scalar(field))
			compare_scalar(walk, field, a, b, &here);
		else if (field->kind == CPD_ITEMS)
			compare_items(walk, field, a, b, &here);
		else
			compare_list(walk, field, a, b, path);
	}
	compare_extra(walk, cpd_extra_get(type, a), cpd_extra_get(type, b),
	    path);
}

size_t
cpnp_cpd_diff(const cpnp_cpd *before, const cpnp_cpd *after,
    cpnp_cpd_change *changes, size_t max)
{
	struct walk walk = {.changes = changes, .max = max};

	compare_struct(&walk, &cpd_type_document, before, after, NULL);
	return walk.n;
}

static int
satisfies(const cpnp_cpd *offer, const cpnp_cpd *request, bool preferred,
    cpnp_diag *diag)
{
	cpnp_cpd_change change;
	struct walk walk = {.ranges = true,
	    .preferred = preferred,
	    .changes = &change,
	    .max = 1};

	if (cpnp_cpd_is_concrete(offer, diag) != 0)
		return CPNP_ERR_MISMATCH;
	compare_struct(&walk, &cpd_type_document, request, offer, NULL);
	if (walk.n == 0)
		return 0;
	if (diag != NULL) {
		*diag = (cpnp_diag){.err = CPNP_ERR_MISMATCH};
		snprintf(diag->where, sizeof(diag->where), "%.95s",
		    change.path);
		snprintf(diag->why, sizeof(diag->why),
		    "asked for: %.60s; offered: %.60s",
		    change.before[0] == '\0' ? "nothing" : change.before,
		    change.after[0] == '\0' ? "nothing" : change.after);
	}
	return CPNP_ERR_MISMATCH;
}

int
cpnp_cpd_within(
    const cpnp_cpd *offer, const cpnp_cpd *request, cpnp_diag *diag)
{
	return satisfies(offer, request, false, diag);
}

int
cpnp_cpd_as_preferred(
    const cpnp_cpd *offer, const cpnp_cpd *request, cpnp_diag *diag)
{
	return satisfies(offer, request, true, diag);
}

static int concrete_struct(const struct cpd_type *type, const void *structure,
    const cpnp_cpd_profile *profile, const struct cpd_path *path,
    cpnp_diag *diag);

static int
concrete_list(const struct cpd_field *field, const void *structure,
    const cpnp_cpd_profile *profile, const struct cpd_path *up,
    cpnp_diag *diag)
{
	struct cpd_path path = {up, field->name, 0, CPNP_BYTES_NONE};
	size_t n;
	const void *list = cpd_list_get(field, structure, &n);
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++) {
		const void *member = cpd_member(field, list, i);

		if (field->type == &cpd_type_profile)
			profile = member;
		path.index = field->kind == CPD_LIST ? i + 1 : 0;
		path.label = cpd_label(field->type, member, profile);
		err = concrete_struct(
		    field->type, member, profile, &path, diag);
	}
	return err;
}

static int
concrete_struct(const struct cpd_type *type, const void *structure,
    const cpnp_cpd_profile *profile, const struct cpd_path *path,
    cpnp_diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < type->fields_n && err == 0; i++) {
		const struct cpd_field *field = &type->fields[i];
		const cpnp_cpd_value *value = cpd_at(field, structure);
		struct cpd_path here = {
			path, field->name, 0, CPNP_BYTES_NONE};

		if (field->kind == CPD_VALUE && value->kind == CPNP_CPD_RANGE)
			return cpd_fail(diag, CPNP_ERR_NOT_CONCRETE, &here,
			    "one value was expected, not a range");
		if (field->kind == CPD_STRUCT || field->kind == CPD_LIST)
			err = concrete_list(
			    field, structure, profile, path, diag);
	}
	return err;
}

int
cpnp_cpd_is_concrete(const cpnp_cpd *cpd, cpnp_diag *diag)
{
	return concrete_struct(&cpd_type_document, cpd, NULL, NULL, diag);
}
