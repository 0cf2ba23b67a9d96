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
};

/* The rows that one order holds without having bought. */
struct holder {
	struct holder *next;
	struct owner *owner;
	struct row *rows;
	size_t rows_n;
	bool changed;
	uint8_t order_ref[CPNP_SHA256_LEN];
};

struct cpnp_capacity {
	struct resource *resources;
	size_t resources_n;
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
	c->buckets_n = BUCKETS_MIN;
	c->buckets = calloc(c->buckets_n, sizeof(struct holder *));
	if (c->buckets == NULL) {
		free(c);
		return CPNP_ERR_NOMEM;
	}
	*out = c;
	return 0;
}

/* ---- resources ---- */

static struct resource *
resource_find(const cpnp_capacity *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->resources_n; i++)
		if (strcmp(c->resources[i].name, name) == 0)
			return &c->resources[i];
	return NULL;
}

static struct resource *
resource_get(cpnp_capacity *c, const char *name)
{
	struct resource *r = resource_find(c, name);

	if (r != NULL || strlen(name) >= sizeof(r->name))
		return r;
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
	c->resources_n++;
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

int64_t
cpnp_capacity_free(const cpnp_capacity *c, const char *name, cpnp_wtime from,
    cpnp_wtime until)
{
	const struct resource *r = resource_find(c, name);
	int64_t peak;

	if (r == NULL)
		return 0;
	peak = cpnp_calendar_peak(&r->taken, from, until);
	return peak >= r->amount ? 0 : r->amount - peak;
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
	uint32_t hash = 2166136261u; /* FNV-1a; names are configured */
	size_t i;

	for (i = 0; i < identity.len; i++)
		hash = (hash ^ identity.ptr[i]) * 16777619u;
	p = (struct owner **)(uintptr_t)&c->owners[hash & 255];
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
	free(h);
}

static int
holder_add(struct holder *h, const struct row *row)
{
	struct row *grown;

	if (h->rows_n == CPNP_CAPACITY_ROWS_MAX)
		return CPNP_ERR_FULL;
	grown = realloc(h->rows, (h->rows_n + 1) * sizeof(*grown));
	if (grown == NULL)
		return CPNP_ERR_NOMEM;
	h->rows = grown;
	grown[h->rows_n++] = *row;
	h->owner->held += row->amount;
	h->changed = true;
	return 0;
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

	if (hold->amount <= 0 ||
	    hold->amount > (int64_t)CPNP_CPD_RATE_MAX ||
	    hold->until.sec <= hold->from.sec ||
	    memchr(hold->resource, '\0', sizeof(hold->resource)) == NULL)
		return CPNP_ERR_INVALID;
	r = resource_get(c, hold->resource);
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	err = cpnp_calendar_add(
	    &r->taken, hold->from, hold->until, hold->amount);
	if (err != 0 || hold->bought)
		return err;
	row = (struct row){(size_t)(r - c->resources), hold->from,
	    hold->until, hold->amount};
	h = holder_get(c, order_ref, owner);
	err = h == NULL ? CPNP_ERR_NOMEM : holder_add(h, &row);
	if (err != 0) {
		/* the steps are there, so taking them away needs no memory
		 * that cannot be had: a failure leaves too much taken */
		(void)cpnp_calendar_add(
		    &r->taken, hold->from, hold->until, -hold->amount);
		if (h != NULL && h->rows_n == 0)
			holder_drop(c, holder_slot(c, order_ref));
	}
	return err;
}

int
cpnp_capacity_rows(const cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_store_hold **rows,
    size_t *n)
{
	const struct holder *h = *holder_slot(c, order_ref);
	size_t i;

	*rows = NULL;
	*n = 0;
	if (h == NULL)
		return 0;
	*rows = calloc(h->rows_n, sizeof(**rows));
	if (*rows == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < h->rows_n; i++) {
		memcpy((*rows)[i].resource,
		    c->resources[h->rows[i].resource].name,
		    sizeof((*rows)[i].resource));
		(*rows)[i].from = h->rows[i].from;
		(*rows)[i].until = h->rows[i].until;
		(*rows)[i].amount = h->rows[i].amount;
	}
	*n = h->rows_n;
	return 0;
}

void
cpnp_capacity_release(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder **slot = holder_slot(c, order_ref);
	struct row *row;
	size_t i;

	if (*slot == NULL)
		return;
	for (i = 0; i < (*slot)->rows_n; i++) {
		row = &(*slot)->rows[i];
		(*slot)->owner->held -= row->amount;
		/* without memory the amount stays taken until a restart: too
		 * little is sold, never too much */
		(void)cpnp_calendar_add(&c->resources[row->resource].taken,
		    row->from, row->until, -row->amount);
	}
	holder_drop(c, slot);
}

void
cpnp_capacity_buy(cpnp_capacity *c,
    const uint8_t order_ref[CPNP_SHA256_LEN])
{
	struct holder **slot = holder_slot(c, order_ref);
	size_t i;

	if (*slot == NULL)
		return;
	for (i = 0; i < (*slot)->rows_n; i++)
		(*slot)->owner->held -= (*slot)->rows[i].amount;
	holder_drop(c, slot);
}

int
cpnp_capacity_give_back(cpnp_capacity *c, const cpnp_store_hold *hold)
{
	struct resource *r;

	if (hold->amount <= 0 || hold->amount > (int64_t)CPNP_CPD_RATE_MAX ||
	    memchr(hold->resource, '\0', sizeof(hold->resource)) == NULL)
		return CPNP_ERR_INVALID;
	r = resource_get(c, hold->resource);
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	return cpnp_calendar_add(
	    &r->taken, hold->from, hold->until, -hold->amount);
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
	if (c == NULL)
		return;
	cpnp_capacity_clear(c);
	free(c->resources);
	free(c->buckets);
	free(c);
}
