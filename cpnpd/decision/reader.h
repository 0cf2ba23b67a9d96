/*
 * Reading the files that a provider writes: libxml2 sees to the form, a table
 * for each element says what its attributes mean.  No network, no entities,
 * no DTD.  Every mistake is told as "file:line: element: what is wrong;
 * expected what would be right", and all of them in one go.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_READER_H
#define CPNPD_READER_H

#include <libxml/tree.h>

#include "catalogue.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define PLACE_NAME_MAX 64 /* fits a row of capacity */

enum kind {
	NAME,      /* char * */
	NUMBER,    /* uint64_t without a unit */
	QUANTITY,  /* uint64_t */
	GUARANTEE, /* cpnp_guarantee */
	CLOCK,     /* uint64_t, the second of a day; "24:00" is its end */
	CHOICE     /* int, of choices; an empty one is nobody's */
};

struct attribute {
	const char *name;
	enum kind kind;
	size_t offset;
	cpnp_unit unit;
	bool required;
	uint64_t dflt; /* of a NUMBER or QUANTITY */
	uint64_t min; /* of a number; of a text's length */
	uint64_t max;
	const char *expected;
	const char *const *choices; /* NULL behind the last */
};

struct reader {
	const char *path;
	const char *ns;      /* the namespace of the elements */
	const char *root;    /* the element that is the document ... */
	const char *manual;  /* ... and the page that explains it */
	size_t bytes_max;
	void (*read)(struct reader *r, xmlNode *root);
	void *whole; /* what becomes of it */
	cpnp_catalogue_report *report;
	void *user;
	unsigned mistakes;
	int err; /* of ours, not of the file */
};

#define A(T, n, k, m) .name = (n), .kind = (k), .offset = offsetof(T, m)
#define RATE_TEXT "a rate such as \"100 Mbit/s\""
#define TIME_TEXT "a time in seconds or more, such as \"1 h\" or \"30 d\""
#define DELAY_TEXT "a time such as \"10 ms\""
#define LOSS_TEXT "a ratio such as \"100 ppm\" or \"0.01 %\""
#define AVAILABILITY_TEXT "a ratio such as \"99.95 %\""

/* Read the file and let r->read see its root.  Errors: CONFIG, after each
 * mistake was reported; NOMEM. */
int read_file(struct reader *r);

/* line 0: the file as a whole. */
void mistake(struct reader *r, long line, const char *where,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
const char *name_of(const xmlNode *node);
/* xmlFree() it; NULL when it is not there. */
char *attribute_text(const xmlNode *node, const char *name);
void read_attributes(struct reader *r, const xmlNode *node,
    const struct attribute *list, size_t n, void *base);
#define READ(r, node, list, base)                                              \
	read_attributes((r), (node), (list), N_OF(list), (base))

/* Of the namespace, and with that name. */
bool is_element(
    const struct reader *r, const xmlNode *node, const char *name);
/* The next child that says something. */
xmlNode *next_child(xmlNode *node);
void complain_element(
    struct reader *r, const xmlNode *node, const char *expected);
void expect_empty(struct reader *r, xmlNode *node);
/* Takes text. */
void add_name(
    struct reader *r, const xmlNode *node, cpnp_names *names, char *text);
/* One more zeroed member of a list, which may have moved; *n is as before when
 * there is none. */
void *add_member(struct reader *r, const xmlNode *node, void *list,
    size_t size, size_t *n, size_t max);
/* False, and a mistake, when it was seen already. */
bool first_time(struct reader *r, const xmlNode *node, bool *seen);

#endif
