/*
 * The one table of what a CPD may hold: for each structure its fields, their
 * keys, names, kinds and bounds.  Encoder, decoder, comparison and XML all
 * walk it; there is no second place that knows the fields.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CORE_CPD_SCHEMA_H
#define CPNP_CORE_CPD_SCHEMA_H

#include <cpnp/cpd.h>

enum cpd_kind {
	/* scalars: an attribute in XML */
	CPD_VALUE,   /* cpnp_cpd_value */
	CPD_NUMBER,  /* cpnp_cpd_number */
	CPD_ENUM,    /* uint8_t */
	CPD_TEXT,    /* cpnp_bytes */
	CPD_PREFIX,  /* cpnp_cpd_prefix */
	CPD_ADDRESS, /* cpnp_cpd_prefix of full length */
	CPD_PORTS,   /* cpnp_cpd_ports */
	CPD_GEO,     /* cpnp_cpd_geo */
	CPD_TIME,    /* cpnp_cpd_time */
	CPD_NODE,    /* cpnp_cpd_ref */
	CPD_SCOPE,   /* cpnp_cpd_ref */
	/* compounds: an element in XML */
	CPD_STRUCT, /* pointer, NULL when absent */
	CPD_LIST,   /* pointer to structures, and a count */
	CPD_ITEMS   /* pointer to scalars, and a count */
};

#define CPD_REQUIRED 1u /* must be there */
#define CPD_ID 2u       /* tells the members of a list apart */
#define CPD_OFFERED 4u  /* an offer may fill it in */
#define CPD_WRAPPED 8u  /* in XML one element holds the list */

struct cpd_type;

struct cpd_field {
	const char *name; /* in XML and in paths */
	uint8_t key;
	uint8_t kind;
	uint8_t unit;
	uint8_t flags;
	uint16_t offset;
	uint16_t count; /* offset of the count of a list */
	uint64_t min;   /* of a number; ENUM, TEXT and lists have none */
	uint64_t max;   /* of a number, a text's length, a list's count */
	const char *const *names;     /* ENUM: by value, [0] unused */
	const struct cpd_type *type;  /* STRUCT and LIST */
	const struct cpd_field *item; /* ITEMS */
};

struct cpd_type {
	const char *name; /* of a member of a wrapped list */
	uint16_t size;
	uint16_t extra; /* offset of its cpnp_cpd_extra */
	uint16_t fields_n;
	const struct cpd_field *fields; /* in ascending order of keys */
};

extern const struct cpd_type cpd_type_document;
extern const struct cpd_type cpd_type_profile;

/* A way into a document, chained on the stack. */
struct cpd_path {
	const struct cpd_path *up;
	const char *name;
	size_t index;     /* from 1 on; 0: not a member of a list */
	cpnp_bytes label; /* instead of the index, when there is one */
};

/* "capacity/paris/in"; the first component and profile go without saying. */
void cpd_path_format(const struct cpd_path *path, char *out, size_t size);
/* Fill diag, when there is one, and return err. */
int cpd_fail(cpnp_diag *diag, int err, const struct cpd_path *path,
    const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/* The address of a field in a structure. */
static inline const void *
cpd_at(const struct cpd_field *field, const void *structure)
{
	return (const char *)structure + field->offset;
}

bool cpd_is_scalar(const struct cpd_field *field);
/* The bytes that one scalar of this kind takes in memory. */
size_t cpd_scalar_size(const struct cpd_field *field);
/* The content of a STRUCT, LIST or ITEMS field; *n is 1 or 0 for STRUCT. */
const void *cpd_list_get(
    const struct cpd_field *field, const void *structure, size_t *n);
void cpd_list_set(
    const struct cpd_field *field, void *structure, void *list, size_t n);
/* The bytes that one member takes in memory. */
size_t cpd_member_size(const struct cpd_field *field);
/* Member i of a list of that field. */
const void *cpd_member(
    const struct cpd_field *field, const void *list, size_t i);
/* The extra elements of a structure. */
const cpnp_cpd_extra *cpd_extra_get(
    const struct cpd_type *type, const void *structure);

/* n pairs with negative keys, in order and in deterministic form? */
int cpd_extra_check(const cpnp_cpd_extra *extra);

bool cpd_field_is_absent(
    const struct cpd_field *field, const void *structure);
bool cpd_scalar_is_absent(const struct cpd_field *field, const void *at);
/* 0, or why a scalar that is there may not be: CPNP_ERR_RANGE, _TOO_LONG or
 * _UTF8.  References are left to validation. */
int cpd_scalar_check(const struct cpd_field *field, const void *at);
/* In words, what a field may hold on the wire or in XML. */
void cpd_expected(
    const struct cpd_field *field, bool xml, char *out, size_t size);

/*
 * Scalars in words.  References need the profile they are in.  Parsing gives
 * CPNP_ERR_INVALID for another form, CPNP_ERR_RANGE for what is out of
 * bounds, CPNP_ERR_TOO_LONG, CPNP_ERR_NOT_FOUND for a reference to nothing;
 * the text stays viewed by CPD_TEXT.
 */
void cpd_scalar_format(const struct cpd_field *field, const void *at,
    const cpnp_cpd_profile *profile, cpnp_buf *out);
int cpd_scalar_parse(const struct cpd_field *field, cpnp_bytes text,
    const cpnp_cpd_profile *profile, void *at);

/* Free the members of a structure (not itself). */
void cpd_struct_fini(
    const struct cpd_type *type, void *structure, const cpnp_mem *mem);

/* Like cpnp_cpd_validate; *culprit is the structure at fault. */
int cpd_validate(
    const cpnp_cpd *cpd, cpnp_diag *diag, const void **culprit);

/* A name for a member of a list: its first identifying field as a text, or
 * none. */
cpnp_bytes cpd_label(const struct cpd_type *type, const void *structure,
    const cpnp_cpd_profile *profile);

/* Two scalars of the same field; references are compared as names. */
bool cpd_scalar_equal(const struct cpd_field *field, const void *a,
    const cpnp_cpd_profile *profile_a, const void *b,
    const cpnp_cpd_profile *profile_b);

/* Does the type have identifying fields, and are they equal in a and b? */
bool cpd_has_id(const struct cpd_type *type);
bool cpd_id_equal(const struct cpd_type *type, const void *a,
    const cpnp_cpd_profile *profile_a, const void *b,
    const cpnp_cpd_profile *profile_b);

/*
 * A decimal number at the start of text, times size.  Returns its length, 0
 * for none; *number is UINT64_MAX when it is too large or comes out uneven.
 */
size_t cpd_decimal_parse(cpnp_bytes text, uint64_t size, uint64_t *number);

#define CPD_PREFIX_LEN 48
int cpd_prefix_parse(
    cpnp_bytes text, bool is_address, cpnp_cpd_prefix *prefix);
void cpd_prefix_format(const cpnp_cpd_prefix *prefix, bool is_address,
    char out[CPD_PREFIX_LEN]);
bool cpd_prefix_equal(const cpnp_cpd_prefix *a, const cpnp_cpd_prefix *b);
/* Zero bits after the length, and a length that the family has. */
bool cpd_prefix_is_canonical(const cpnp_cpd_prefix *prefix);
bool cpd_prefix_is_multicast(const cpnp_cpd_prefix *prefix);

#endif
