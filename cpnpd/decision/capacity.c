/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cpnp/cpd.h>

#include "calendar.h"
#include "capacity.h"

#define BUCKETS_MIN 64u

struct resource {
	char name[sizeof(((cpnp_store_hold *)NULL)->resource)];
	int64_t amount;
	cpnp_weekly *extra; /* NULL: none */
	cpnp_calendar taken;
};

struct owner {
	struct owner *next;
	int64_t held;
	size_t len;
	uint8_t identity[];
};

struct row {
	size_t resource;
	cpnp_wtime from;
	cpnp_wtime until;
	int64_t amount;
	bool bought;
};

/* Which rows of an order the calendars have. */
enum takes {
	TAKES_ROWS,    /* all of them */
	TAKES_OFFERED, /* those that are not bought */
	TAKES_JOINT    /* those of joint instead */
};

/* The rows of one order: those that it holds without having bought and, while
 * it is in memory, those that it has bought. */
struct holder {
	struct holder *next;
	struct owner *owner;
	int64_t held; /* what of it counts for the owner */
	struct row *rows;
	size_t rows_n;
	size_t bought_n;
	struct row *joint; /* at each moment the larger of both kinds */
	size_t joint_n;
	enum takes takes;
	bool changed;
	uint8_t order_ref[CPNP_SHA256_LEN];
};

struct cpnp_capacity {
	struct resource *resources;
	size_t resources_n;
	uint32_t *names; /* their numbers from 1, by hash; a power of two */
	size_t names_n;
	struct holder **buckets; /* a power of two */
	size_t buckets_n;
	size_t holders_n;
	struct owner *owners[256];
	bool has_first;
	cpnp_now first; /* when time began to advance */
};

int
cpnp_capacity_new(cpnp_capacity **out)
{
	cpnp_capacity *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return CPNP_ERR_NOMEM;
	c->buckets_n = c->names_n = BUCKETS_MIN;
	c->buckets = calloc(c->buckets_n, sizeof(struct holder *));
	c->names = calloc(c->names_n, sizeof(*c->names));
	if (c->buckets == NULL || c->names == NULL) {
		free(c->buckets);
		free(c->names);
		free(c);
		return CPNP_ERR_NOMEM;
	}
	*out = c;
	return 0;
}

/* ---- resources ---- */

/* FNV-1a; names are configured. */
static uint32_t
hash_bytes(const uint8_t *bytes, size_t len)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

/* Where the number of a resource is, or would be. */
static uint32_t *
name_slot(const cpnp_capacity *c, const char *name)
{
	size_t i = hash_bytes((const uint8_t *)name, strlen(name));

	for (;; i++) {
		i &= c->names_n - 1;
		if (c->names[i] == 0 ||
		    strcmp(c->resources[c->names[i] - 1].name, name) == 0)
			return &c->names[i];
	}
}

static struct resource *
resource_find(const cpnp_capacity *c, const char *name)
{
	uint32_t n = *name_slot(c, name);

	return n == 0 ? NULL : &c->resources[n - 1];
}

/* At least half of the slots stay empty. */
static int
grow_names(cpnp_capacity *c)
{
	uint32_t *old = c->names;
	size_t i;

	if (2 * (c->resources_n + 1) <= c->names_n)
		return 0;
	c->names = calloc(c->names_n * 2, sizeof(*c->names));
	if (c->names == NULL) {
		c->names = old;
		return CPNP_ERR_NOMEM;
	}
	c->names_n *= 2;
	for (i = 0; i < c->resources_n; i++)
		*name_slot(c, c->resources[i].name) = (uint32_t)(i + 1);
	free(old);
	return 0;
}

static struct resource *
resource_get(cpnp_capacity *c, const char *name)
{
	struct resource *r = resource_find(c, name);

	if (r != NULL || strlen(name) >= sizeof(r->name))
		return r;
	if (grow_names(c) != 0)
		return NULL;
	r = realloc(c->resources, (c->resources_n + 1) * sizeof(*r));
	if (r == NULL)
		return NULL;
	c->resources = r;
	r += c->resources_n;
	memset(r, 0, sizeof(*r));
	if (getrandom(&r->taken.seed, sizeof(r->taken.seed), 0) !=
	    (ssize_t)sizeof(r->taken.seed))
		return NULL;
	strcpy(r->name, name);
	*name_slot(c, name) = (uint32_t)++c->resources_n;
	return r;
}

int
cpnp_capacity_set(cpnp_capacity *c, const char *name, int64_t amount)
{
	struct resource *r;

	if (strlen(name) >= sizeof(r->name) || amount < 0)
		return CPNP_ERR_INVALID;
	r = resource_get(c, name);
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	r->amount = amount;
	return 0;
}

int
cpnp_capacity_set_extra(cpnp_capacity *c, const char *name,
    const cpnp_weekly *extra)
{
	struct resource *r;
	size_t i;

	for (i = 0; i < extra->n; i++)
		if (extra->spans[i].value > CPNP_CPD_RATE_MAX)
			return CPNP_ERR_INVALID;
	if (strlen(name) >= sizeof(r->name))
		return CPNP_ERR_INVALID;
	r = resource_get(c, name);
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	if (extra->n == 0) {
		free(r->extra);
		r->extra = NULL;
		return 0;
	}
	if (r->extra == NULL)
		r->extra = malloc(sizeof(*r->extra));
	if (r->extra == NULL)
		return CPNP_ERR_NOMEM;
	*r->extra = *extra;
	return 0;
}

/* What there is at a moment, and until when. */
static int64_t
amount_at(const struct resource *r, cpnp_wtime first, cpnp_wtime at,
    cpnp_wtime *until)
{
	uint64_t more;

	until->sec = CPNP_WTIME_MAX;
	if (r->extra == NULL ||
	    at.sec - first.sec >= CPNP_CAPACITY_SCHEDULE_MAX)
		return r->amount;
	more = cpnp_weekly_at(r->extra, 0, at, until);
	return r->amount + (int64_t)more;
}

int64_t
cpnp_capacity_free(const cpnp_capacity *c, const char *name, cpnp_wtime from,
    cpnp_wtime until)
{
	const struct resource *r = resource_find(c, name);
	int64_t least = INT64_MAX, amount, peak;
	cpnp_wtime at, end;

	if (r == NULL)
		return 0;
	for (at = from; at.sec < until.sec; at = end) {
		amount = amount_at(r, from, at, &end);
		if (end.sec > until.sec)
			end = until;
		peak = cpnp_calendar_peak(&r->taken, at, end);
		if (peak >= amount)
			return 0;
		if (amount - peak < least)
			least = amount - peak;
	}
	return least == INT64_MAX ? 0 : least;
}

bool
cpnp_capacity_lacks(const cpnp_capacity *c, const char *name, int64_t wanted,
    cpnp_wtime from, cpnp_wtime until, cpnp_wtime *later)
{
	const struct resource *r = resource_find(c, name);
	bool is_lacking = false;
	cpnp_wtime at, next, end, change;
	int64_t room;

	later->sec = CPNP_WTIME_MAX;
	if (r == NULL)
		return true;
	for (at = from; at.sec < until.sec; at = end) {
		room = amount_at(r, from, at, &next) - wanted;
		end = next.sec < until.sec ? next : until;
		if (!cpnp_calendar_above(&r->taken, at, end, room, &change))
			continue;
		is_lacking = true;
		/* what there is may change before what is taken does */
		*later = next.sec < change.sec ? next : change;
	}
	return is_lacking;
}

/* ---- orders ---- */

/* An order reference is a SHA-256: any bytes of it are a good hash. */
static size_t
bucket_of(const cpnp_capacity *c, const uint8_t *order_ref)
{
	uint64_t hash;

	memcpy(&hash, order_ref, sizeof(hash));
	return (size_t)hash & (c->buckets_n - 1);
}

static struct holder **
holder_slot(const cpnp_capacity *c, const uint8_t *order_ref)
{
	struct holder **p = &c->buckets[bucket_of(c, order_ref)];

	while (*p != NULL &&
	    memcmp((*p)->order_ref, order_ref, CPNP_SHA256_LEN) != 0)
		p = &(*p)->next;
	return p;
}

static void
grow(cpnp_capacity *c)
{
	size_t i, old_n = c->buckets_n;
	struct holder **old = c->buckets, *h, *next;
	struct holder **more = calloc(old_n * 2, sizeof(struct holder *));

	if (more == NULL)
		return;
	c->buckets = more;
	c->buckets_n = old_n * 2;
	for (i = 0; i < old_n; i++)
		for (h = old[i]; h != NULL; h = next) {
			next = h->next;
			h->next = more[bucket_of(c, h->order_ref)];
			more[bucket_of(c, h->order_ref)] = h;
		}
	free(old);
}

static struct owner **
owner_slot(const cpnp_capacity *c, cpnp_bytes identity)
{
	struct owner **p;

	p = (struct owner **)(uintptr_t)&c->owners[
	    hash_bytes(identity.ptr, identity.len) & 255];
	while (*p != NULL &&
	    !cpnp_bytes_equal(
		(cpnp_bytes){(*p)->identity, (*p)->len}, identity))
		p = &(*p)->next;
	return p;
}

static struct owner *
owner_get(cpnp_capacity *c, cpnp_bytes identity)
{
	struct owner **p = owner_slot(c, identity), *o;

	if (*p != NULL)
		return *p;
	o = calloc(1, sizeof(*o) + identity.len);
	if (o == NULL)
		return NULL;
	o->len = identity.len;
	if (identity.len > 0)
		memcpy(o->identity, identity.ptr, identity.len);
	*p = o;
	return o;
}

static struct holder *
holder_get(cpnp_capacity *c, const uint8_t *order_ref, cpnp_bytes owner)
{
	struct holder **p = holder_slot(c, order_ref), *h;

	if (*p != NULL)
		return *p;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->owner = owner_get(c, owner);
	if (h->owner == NULL) {
		free(h);
		return NULL;
	}
	memcpy(h->order_ref, order_ref, CPNP_SHA256_LEN);
	*p = h;
	if (++c->holders_n > c->buckets_n)
		grow(c);
	return h;
}

/* A holder without rows is nobody. */
static void
holder_drop(cpnp_capacity *c, struct holder **slot)
{
	struct holder *h = *slot;

	*slot = h->next;
	c->holders_n--;
	free(h->rows);
	free(h->joint);
	free(h);
}

static void
count_held(struct holder *h, int64_t held)
{
	h->owner->held += held - h->held;
	h->held = held;
}

static int
holder_add(struct holder *h, const struct row *row)
{
	struct row *grown;

	if ((row->bought ? h->bought_n : h->rows_n - h->bought_n) ==
	    CPNP_CAPACITY_ROWS_MAX)
		return CPNP_ERR_FULL;
	grown = realloc(h->rows, (h->rows_n + 1) * sizeof(*grown));
	if (grown == NULL)
		return CPNP_ERR_NOMEM;
	h->rows = grown;
	grown[h->rows_n++] = *row;
	if (row->bought) {
		h->bought_n++;
		return 0;
	}
	count_held(h, h->held + row->amount);
	h->changed = true;
	return 0;
}

/* Forget the rows of one kind. */
static void
holder_remove(struct holder *h, bool bought)
{
	size_t i, n = 0;

	for (i = 0; i < h->rows_n; i++)
		if (h->rows[i].bought != bought)
			h->rows[n++] = h->rows[i];
	h->rows_n = n;
	if (bought)
		h->bought_n = 0;
	else
		count_held(h, 0);
}

/* ---- what of an order the calendars have ---- */

static bool
row_is_valid(const cpnp_store_hold *hold)
{
	return hold->amount > 0 &&
	    hold->amount <= (int64_t)CPNP_CPD_RATE_MAX &&
	    hold->until.sec > hold->from.sec &&
	    memchr(hold->resource, '\0', sizeof(hold->resource)) != NULL;
}

static int
take_row(cpnp_capacity *c, const struct row *row, int sign)
{
	return cpnp_calendar_add(&c->resources[row->resource].taken,
	    row->from, row->until, sign * row->amount);
}

/* Take the rows of one kind away.  Without memory an amount stays taken until
 * a restart: too little is sold, never too much. */
static void
give_rows(cpnp_capacity *c, const struct holder *h, enum takes takes)
{
	size_t i;

	for (i = 0; takes == TAKES_JOINT && i < h->joint_n; i++)
		(void)take_row(c, &h->joint[i], -1);
	for (i = 0; takes != TAKES_JOINT && i < h->rows_n; i++)
		if (takes == TAKES_ROWS || !h->rows[i].bought)
			(void)take_row(c, &h->rows[i], -1);
}

static void
give_bought(cpnp_capacity *c, const struct holder *h)
{
	size_t i;

	for (i = 0; i < h->rows_n; i++)
		if (h->rows[i].bought)
			(void)take_row(c, &h->rows[i], -1);
}

/* Take the rows of the order that are bought, or those that are not. */
static int
take_kind(cpnp_capacity *c, const struct holder *h, bool bought)
{
	size_t i, k;
	int err = 0;

	for (i = 0; i < h->rows_n && err == 0; i++)
		if (h->rows[i].bought == bought)
			err = take_row(c, &h->rows[i], 1);
	for (k = 0; err != 0 && k + 1 < i; k++)
		if (h->rows[k].bought == bought)
			(void)take_row(c, &h->rows[k], -1);
	return err;
}

int
cpnp_capacity_hold(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes owner,
    const cpnp_store_hold *hold)
{
	struct resource *r;
	struct holder *h;
	struct row row;
	int err;

	if (!row_is_valid(hold))
		return CPNP_ERR_INVALID;
	r = resource_get(c, hold->resource);
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	row = (struct row){(size_t)(r - c->resources), hold->from,
	    hold->until, hold->amount, hold->bought};
	err = take_row(c, &row, 1);
	if (err != 0)
		return err;
	h = holder_get(c, order_ref, owner);
	err = h == NULL ? CPNP_ERR_NOMEM : holder_add(h, &row);
	if (err != 0) {
		(void)take_row(c, &row, -1);
		if (h != NULL && h->rows_n == 0)
			holder_drop(c, holder_slot(c, order_ref));
	}
	return err;
}

int
cpnp_capacity_know(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes owner,
    const cpnp_store_hold *hold)
{
	struct resource *r;
	struct holder *h;
	struct row row;
	int err;

	if (!row_is_valid(hold) || !hold->bought)
		return CPNP_ERR_INVALID;
	r = resource_get(c, hold->resource);
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	row = (struct row){(size_t)(r - c->resources), hold->from,
	    hold->until, hold->amount, true};
	h = holder_get(c, order_ref, owner);
	err = h == NULL ? CPNP_ERR_NOMEM : holder_add(h, &row);
	if (err != 0 && h != NULL && h->rows_n == 0)
		holder_drop(c, holder_slot(c, order_ref));
	return err;
}

bool
cpnp_capacity_is_known(
    const cpnp_capacity *c, const uint8_t order_ref[CPNP_SHA256_LEN])
{
	const struct holder *h = *holder_slot(c, order_ref);

	/* one without rows has bought an agreement that needs none */
	return h != NULL && (h->bought_n > 0 || h->rows_n == 0);
}

void
cpnp_capacity_forget(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder **slot = holder_slot(c, order_ref);

	if (*slot != NULL && (*slot)->bought_n == (*slot)->rows_n)
		holder_drop(c, slot);
}

int
cpnp_capacity_rows(const cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_store_hold **rows,
    size_t *n)
{
	const struct holder *h = *holder_slot(c, order_ref);
	cpnp_store_hold *row;
	size_t i;

	*rows = NULL;
	*n = 0;
	if (h == NULL)
		return 0;
	*rows = calloc(h->rows_n + 1, sizeof(**rows));
	if (*rows == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < h->rows_n; i++) {
		row = &(*rows)[i];
		memcpy(row->resource,
		    c->resources[h->rows[i].resource].name,
		    sizeof(row->resource));
		row->from = h->rows[i].from;
		row->until = h->rows[i].until;
		row->amount = h->rows[i].amount;
		row->bought = h->rows[i].bought;
	}
	*n = h->rows_n;
	return 0;
}

int
cpnp_capacity_release(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder **slot = holder_slot(c, order_ref), *h = *slot;
	int err;

	if (h == NULL)
		return 0;
	if (h->takes != TAKES_ROWS) {
		err = take_kind(c, h, true);
		if (err != 0)
			return err;
		give_rows(c, h, h->takes);
	} else {
		give_rows(c, h, TAKES_OFFERED);
	}
	h->takes = TAKES_ROWS;
	holder_remove(h, false);
	if (h->rows_n == 0)
		holder_drop(c, slot);
	return 0;
}

void
cpnp_capacity_buy(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder *h = *holder_slot(c, order_ref);
	size_t i;

	if (h == NULL)
		return;
	if (h->takes == TAKES_ROWS)
		give_bought(c, h);
	/* without memory the larger of both stays taken */
	if (h->takes == TAKES_JOINT && take_kind(c, h, false) == 0) {
		give_rows(c, h, TAKES_JOINT);
		h->takes = TAKES_ROWS;
	}
	holder_remove(h, true);
	count_held(h, 0);
	for (i = 0; i < h->rows_n; i++)
		h->rows[i].bought = true;
	h->bought_n = h->rows_n;
	h->changed = false;
}

void
cpnp_capacity_end(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder **slot = holder_slot(c, order_ref);

	if (*slot == NULL)
		return;
	give_rows(c, *slot, (*slot)->takes);
	count_held(*slot, 0);
	holder_drop(c, slot);
}

int
cpnp_capacity_give_back(cpnp_capacity *c, const cpnp_store_hold *hold)
{
	struct resource *r;

	if (!row_is_valid(hold))
		return CPNP_ERR_INVALID;
	r = resource_get(c, hold->resource);
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	return cpnp_calendar_add(
	    &r->taken, hold->from, hold->until, -hold->amount);
}

/* ---- an agreement that is changed ---- */

void
cpnp_capacity_set_aside(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder *h = *holder_slot(c, order_ref);

	if (h == NULL || h->takes != TAKES_ROWS)
		return;
	give_bought(c, h);
	h->takes = TAKES_OFFERED;
}

/* From this moment on that much more of a resource, for each kind. */
struct edge {
	size_t resource;
	cpnp_wtime time;
	int64_t bought;
	int64_t offered;
};

static int
order_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->resource != y->resource)
		return x->resource < y->resource ? -1 : 1;
	return x->time.sec < y->time.sec ? -1 : x->time.sec > y->time.sec;
}

static struct edge *
edges_of(const struct holder *h)
{
	struct edge *edges = calloc(2 * h->rows_n + 1, sizeof(*edges));
	const struct row *row;
	int64_t bought, offered;
	size_t i;

	for (i = 0; edges != NULL && i < h->rows_n; i++) {
		row = &h->rows[i];
		bought = row->bought ? row->amount : 0;
		offered = row->bought ? 0 : row->amount;
		edges[2 * i] = (struct edge){
			row->resource, row->from, bought, offered};
		edges[2 * i + 1] = (struct edge){
			row->resource, row->until, -bought, -offered};
	}
	if (edges != NULL)
		qsort(edges, 2 * h->rows_n, sizeof(*edges), order_edges);
	return edges;
}

/* Rows of the larger of both kinds at each moment, and how much more the
 * offer needs at its highest than is bought. */
static int
join(struct holder *h, int64_t *more)
{
	struct edge *edges = edges_of(h);
	int64_t bought = 0, offered = 0, highest = 0, level;
	size_t i, n = 2 * h->rows_n;

	free(h->joint);
	h->joint = calloc(n + 1, sizeof(*h->joint));
	h->joint_n = 0;
	*more = 0;
	if (edges == NULL || h->joint == NULL) {
		free(edges);
		return CPNP_ERR_NOMEM;
	}
	for (i = 0; i < n; i++) {
		bought += edges[i].bought;
		offered += edges[i].offered;
		if (i + 1 == n || edges[i].resource != edges[i + 1].resource) {
			*more += highest;
			bought = offered = highest = 0;
			continue;
		}
		level = bought > offered ? bought : offered;
		if (level == 0 || edges[i].time.sec == edges[i + 1].time.sec)
			continue;
		if (offered - bought > highest)
			highest = offered - bought;
		h->joint[h->joint_n++] = (struct row){edges[i].resource,
			edges[i].time, edges[i + 1].time, level, false};
	}
	free(edges);
	return 0;
}

int
cpnp_capacity_join(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder *h = *holder_slot(c, order_ref);
	enum takes before;
	int64_t more = 0;
	size_t i, k;
	int err;

	if (h == NULL || h->takes == TAKES_JOINT || h->bought_n == 0)
		return 0;
	before = h->takes;
	err = join(h, &more);
	for (i = 0; err == 0 && i < h->joint_n; i++)
		err = take_row(c, &h->joint[i], 1);
	if (err != 0) {
		for (k = 0; k + 1 < i; k++)
			(void)take_row(c, &h->joint[k], -1);
		return err;
	}
	give_rows(c, h, before);
	h->takes = TAKES_JOINT;
	count_held(h, more);
	return 0;
}

int64_t
cpnp_capacity_held_by(
    const cpnp_capacity *c, const uint8_t order_ref[CPNP_SHA256_LEN])
{
	const struct holder *h = *holder_slot(c, order_ref);

	return h == NULL ? 0 : h->held;
}

int64_t
cpnp_capacity_held(const cpnp_capacity *c, cpnp_bytes owner)
{
	struct owner **slot = owner_slot(c, owner);

	return *slot == NULL ? 0 : (*slot)->held;
}

bool
cpnp_capacity_take_changed(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder *h = *holder_slot(c, order_ref);
	bool changed = h != NULL && h->changed;

	if (h != NULL)
		h->changed = false;
	return changed;
}

void
cpnp_capacity_advance(cpnp_capacity *c, cpnp_now now)
{
	cpnp_wtime past;
	size_t i;

	if (!c->has_first)
		c->first = now;
	c->has_first = true;
	past.sec = c->first.wall.sec +
	    (int64_t)((now.mono - c->first.mono) / CPNP_SECONDS(1));
	if (now.wall.sec < past.sec)
		past = now.wall;
	for (i = 0; i < c->resources_n; i++)
		cpnp_calendar_advance(&c->resources[i].taken, past);
}

void
cpnp_capacity_clear(cpnp_capacity *c)
{
	struct owner *o, *next;
	size_t i;

	for (i = 0; i < c->resources_n; i++)
		cpnp_calendar_fini(&c->resources[i].taken);
	for (i = 0; i < c->buckets_n; i++)
		while (c->buckets[i] != NULL)
			holder_drop(c, &c->buckets[i]);
	for (i = 0; i < 256; i++) {
		for (o = c->owners[i]; o != NULL; o = next) {
			next = o->next;
			free(o);
		}
		c->owners[i] = NULL;
	}
}

void
cpnp_capacity_del(cpnp_capacity *c)
{
	size_t i;

	if (c == NULL)
		return;
	cpnp_capacity_clear(c);
	for (i = 0; i < c->resources_n; i++)
		free(c->resources[i].extra);
	free(c->names);
	free(c->resources);
	free(c->buckets);
	free(c);
}
