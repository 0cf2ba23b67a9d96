/*
 * Families: which orders are children of which.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "children.h"
#include "neighbour.h"

static cpnp_bytes
identity_of(const struct key *key)
{
	return (cpnp_bytes){key->bytes, key->identity_len};
}

static cpnp_bytes
id_of(const struct key *key)
{
	return (cpnp_bytes){key->bytes + key->identity_len, key->id_len};
}

int
cpnpd_children_init(struct daemon *d)
{
	d->children = calloc(1, sizeof(*d->children));
	if (d->children == NULL)
		return CPNP_ERR_NOMEM;
	d->children->dirty_end = &d->children->dirty;
	d->children->wake = CPNP_NEVER;
	return cpnp_store_secret(d->store, d->children->secret);
}

/* Customers choose their identifiers, and a long chain costs themselves only
 * as many of their own orders as they may have open. */
static struct family **
bucket_of(const struct daemon *d, cpnp_bytes id)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < id.len; i++)
		hash = (hash ^ id.ptr[i]) * 16777619u;
	return &d->children->buckets[hash % CPNPD_FAMILY_BUCKETS];
}

static void
child_free(struct child *c)
{
	free(c->key);
	free(c);
}

static void
family_free(struct daemon *d, struct family *f)
{
	struct family **at;
	size_t i;

	for (at = &d->children->dirty; f->is_dirty && *at != NULL;
	     at = &(*at)->dirty_next) {
		if (*at != f)
			continue;
		*at = f->dirty_next;
		if (d->children->dirty_end == &f->dirty_next)
			d->children->dirty_end = at;
		break;
	}
	for (at = bucket_of(d, id_of(f->key)); *at != f;
	     at = &(*at)->bucket_next)
		;
	*at = f->bucket_next;
	*f->at = f->next;
	if (f->next != NULL)
		f->next->at = f->at;
	for (i = 0; i < f->n; i++)
		child_free(f->children[i]);
	free(f->children);
	free(f->key);
	free(f);
}

void
cpnpd_children_fini(struct daemon *d)
{
	if (d->children == NULL)
		return;
	while (d->children->first != NULL)
		family_free(d, d->children->first);
	free(d->children);
	d->children = NULL;
}

/* ---- by their orders ---- */

static struct family *
find_family(const struct daemon *d, cpnp_bytes identity, cpnp_bytes id)
{
	struct family *f;

	for (f = *bucket_of(d, id); f != NULL; f = f->bucket_next)
		if (cpnp_bytes_equal(id_of(f->key), id) &&
		    cpnp_bytes_equal(identity_of(f->key), identity))
			break;
	return f;
}

static struct child *
find_child(const cpnp_order *order)
{
	cpnp_bytes identity = cpnp_order_peer_identity(order);
	cpnp_bytes id = cpnp_order_customer_id(order);
	struct family *f;
	size_t i;

	/* An order of ours has nothing of its own to remember. */
	f = (struct family *)(uintptr_t)cpnp_order_user(order);
	for (i = 0; f != NULL && i < f->n; i++)
		if (cpnp_bytes_equal(id_of(f->children[i]->key), id) &&
		    cpnp_bytes_equal(
			identity_of(f->children[i]->key), identity))
			return f->children[i];
	return NULL;
}

struct family *
cpnpd_family_of(const struct daemon *d, const cpnp_order *parent)
{
	if (d->children == NULL ||
	    (cpnp_order_user(parent) & ORDER_USER_FAMILY) == 0)
		return NULL;
	return find_family(d, cpnp_order_peer_identity(parent),
	    cpnp_order_customer_id(parent));
}

void
cpnpd_family_touch(struct daemon *d, struct family *f)
{
	if (f == NULL || f->is_dirty)
		return;
	f->is_dirty = true;
	f->dirty_next = NULL;
	*d->children->dirty_end = f;
	d->children->dirty_end = &f->dirty_next;
}

static struct key *
key_new(cpnp_role role, cpnp_bytes identity, cpnp_bytes id)
{
	struct key *key = malloc(sizeof(*key) + identity.len + id.len);

	if (key == NULL)
		return NULL;
	key->next = NULL;
	key->role = role;
	key->identity_len = identity.len;
	key->id_len = id.len;
	memcpy(key->bytes, identity.ptr, identity.len);
	memcpy(key->bytes + identity.len, id.ptr, id.len);
	return key;
}

static int
add_child(struct family *f, cpnp_bytes identity, cpnp_bytes id,
    uint32_t segment, uint32_t request)
{
	struct child *c = calloc(1, sizeof(*c)), **list;

	if (c != NULL)
		c->key = key_new(CPNP_CLIENT, identity, id);
	list = c != NULL && c->key != NULL
	    ? realloc(f->children, (f->n + 1) * sizeof(struct child *)) : NULL;
	if (list == NULL) {
		if (c != NULL)
			free(c->key);
		free(c);
		return CPNP_ERR_NOMEM;
	}
	c->family = f;
	c->segment = segment;
	c->request = request;
	f->children = list;
	f->children[f->n++] = c;
	return 0;
}

int
cpnpd_family_add(struct family *f, const cpnp_order *child, uint32_t segment,
    uint32_t request)
{
	return add_child(f, cpnp_order_peer_identity(child),
	    cpnp_order_customer_id(child), segment, request);
}

static int
add_link(void *user, const cpnp_store_link *link)
{
	return add_child(user, link->child_peer, link->child_id,
	    link->segment, link->request);
}

/* Those of its children that are in memory know it. */
static void
mark_children(struct daemon *d, struct family *f)
{
	cpnp_order *order;
	size_t i;

	for (i = 0; i < f->n; i++) {
		order = cpnpd_key_order(d, f->children[i]->key);
		if (order != NULL)
			cpnp_order_set_user(order, (uint64_t)(uintptr_t)f);
	}
}

static struct family *
family_new(struct daemon *d, cpnp_bytes identity, cpnp_bytes id)
{
	struct family *f = calloc(1, sizeof(*f)), **bucket;

	if (f != NULL)
		f->key = key_new(CPNP_SERVER, identity, id);
	if (f == NULL || f->key == NULL) {
		free(f);
		return NULL;
	}
	f->wake = CPNP_NEVER;
	bucket = bucket_of(d, id);
	f->bucket_next = *bucket;
	*bucket = f;
	f->at = &d->children->first;
	f->next = d->children->first;
	if (f->next != NULL)
		f->next->at = &f->next;
	d->children->first = f;
	if (cpnp_store_each_child(
		d->store, identity, id, add_link, f) != 0) {
		family_free(d, f);
		return NULL;
	}
	mark_children(d, f);
	return f;
}

static void
mark_parent(cpnp_order *parent)
{
	cpnp_order_set_user(
	    parent, cpnp_order_user(parent) | ORDER_USER_FAMILY);
}

struct family *
cpnpd_family_get(struct daemon *d, const cpnp_order *parent)
{
	cpnp_bytes identity = cpnp_order_peer_identity(parent);
	cpnp_bytes id = cpnp_order_customer_id(parent);
	struct family *f = find_family(d, identity, id);

	return f != NULL ? f : family_new(d, identity, id);
}

void
cpnpd_family_forget_child(struct family *f, struct child *c)
{
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		if (f->children[i] != c)
			f->children[n++] = f->children[i];
	f->n = n;
	if (f->waits == c)
		f->waits = NULL;
	child_free(c);
}

/* ---- orders come and go ---- */

static int
count_link(void *user, const cpnp_store_link *link)
{
	(void)link;
	++*(size_t *)user;
	return 0;
}

static int
parent_loaded(struct daemon *d, cpnp_order *parent)
{
	cpnp_bytes identity = cpnp_order_peer_identity(parent);
	cpnp_bytes id = cpnp_order_customer_id(parent);
	struct family *f = find_family(d, identity, id);
	size_t n = 0;
	int err = 0;

	if (f == NULL)
		err = cpnp_store_each_child(
		    d->store, identity, id, count_link, &n);
	if (err == 0 && n > 0) {
		f = family_new(d, identity, id);
		err = f == NULL ? CPNP_ERR_NOMEM : 0;
	}
	if (f != NULL) {
		mark_parent(parent);
		cpnpd_family_touch(d, f);
	}
	return err;
}

struct finding {
	struct daemon *d;
	struct family *family;
};

static int
find_parent(void *user, const cpnp_store_link *link)
{
	struct finding *found = user;

	found->family =
	    find_family(found->d, link->parent_peer, link->parent_id);
	if (found->family == NULL)
		found->family = family_new(
		    found->d, link->parent_peer, link->parent_id);
	return found->family == NULL ? CPNP_ERR_NOMEM : 0;
}

static int
child_loaded(struct daemon *d, cpnp_order *child, cpnp_now now)
{
	struct finding found = {d, NULL};
	size_t number =
	    cpnpd_neighbour_find(d, cpnp_order_peer_identity(child));
	cpnp_peer peer;
	int err = cpnp_store_find_parent(d->store,
	    cpnp_order_peer_identity(child), cpnp_order_customer_id(child),
	    find_parent, &found);

	if (err != 0)
		return err;
	cpnp_order_set_user(child, (uint64_t)(uintptr_t)found.family);
	cpnpd_family_touch(d, found.family);
	peer = number == SIZE_MAX ? CPNP_PEER_NONE
				  : cpnpd_neighbour_peer(d, number, now);
	return peer == CPNP_PEER_NONE ? 0
	    : cpnp_order_set_peer(d->orders, child, peer, true, now);
}

int
cpnpd_children_loaded(struct daemon *d, cpnp_order *order, cpnp_now now)
{
	if (d->children == NULL)
		return 0;
	return cpnp_order_role(order) == CPNP_CLIENT
	    ? child_loaded(d, order, now) : parent_loaded(d, order);
}

/* A family stays while one of its orders is in memory. */
void
cpnpd_children_forget(struct daemon *d, const cpnp_order *order)
{
	bool is_child = cpnp_order_role(order) == CPNP_CLIENT;
	struct child *c;
	struct family *f;
	const cpnp_order *other;
	size_t i;

	if (d->children == NULL)
		return;
	c = is_child ? find_child(order) : NULL;
	f = !is_child ? cpnpd_family_of(d, order)
	    : c != NULL ? c->family : NULL;
	if (f == NULL)
		return;
	other = cpnpd_key_order(d, f->key);
	if (other != NULL && other != order)
		return;
	for (i = 0; i < f->n; i++) {
		other = cpnpd_key_order(d, f->children[i]->key);
		if (other != NULL && other != order)
			return;
	}
	family_free(d, f);
}

/* ---- events ---- */

static void
child_changed(struct child *c, const cpnp_effect *e)
{
	if (e->type != CPNP_EFFECT_STORE)
		return;
	if (e->u.store.from != e->u.store.to ||
	    e->u.store.event == CPNP_EVENT_SIGN_FAILED)
		c->is_accepting = false;
	c->is_over = cpnp_order_is_settled(e->order) &&
	    e->u.store.to == CPNP_STATE_CANCELLED;
	if (e->u.store.event == CPNP_EVENT_RECV_FAIL &&
	    cpnp_order_transaction(e->order) == CPNP_METHOD_WITHDRAW &&
	    e->u.store.from == CPNP_STATE_CANCELLED &&
	    e->u.store.to != CPNP_STATE_CANCELLED)
		c->failed = e->u.store.time;
}

static void
parent_changed(struct family *f, const cpnp_effect *e)
{
	if (e->type != CPNP_EFFECT_STORE ||
	    e->u.store.from == e->u.store.to)
		return;
	f->asks = CPNP_PARENT_ASKS_NOTHING;
	f->is_judged = false;
}

void
cpnpd_children_changed(struct daemon *d, const cpnp_effect *e)
{
	struct family *f;
	struct child *c;

	if (d->children == NULL)
		return;
	if (cpnp_order_role(e->order) == CPNP_CLIENT) {
		c = find_child(e->order);
		f = c != NULL ? c->family : NULL;
		if (c != NULL)
			child_changed(c, e);
	} else {
		f = cpnpd_family_of(d, e->order);
		if (f != NULL)
			parent_changed(f, e);
	}
	cpnpd_family_touch(d, f);
}

void
cpnpd_children_heard(struct daemon *d, const cpnp_input *input)
{
	const cpnp_msg *m = input->msg;
	const cpnp_order *order;
	struct child *c;
	cpnp_wait wait;

	if (m->method != CPNP_METHOD_PROCESSING ||
	    !cpnp_msg_has(m, CPNP_ATTR_EXPECTED_OFFER_TIME) ||
	    !cpnp_msg_has(m, CPNP_ATTR_CUSTOMER_ORDER_ID))
		return;
	order = cpnp_orders_find(d->orders, CPNP_CLIENT, input->identity,
	    m->customer_order_id);
	c = order != NULL ? find_child(order) : NULL;
	if (c == NULL)
		return;
	cpnp_order_wait(order, &wait);
	/* It is refused by the order itself, which has a date to keep. */
	if (cpnp_state_of_client(cpnp_order_state(order)) ==
		CPNP_STATE_SERVER_PROCESSING && wait.has_until &&
	    m->expected_offer_time.sec > wait.until.sec) {
		c->wants = m->expected_offer_time;
		cpnpd_family_touch(d, c->family);
	}
}

void
cpnpd_children_of_neighbour(struct daemon *d, size_t number)
{
	struct family *f;
	size_t i;

	for (f = d->children != NULL ? d->children->first : NULL; f != NULL;
	     f = f->next)
		for (i = 0; i < f->n; i++)
			if (cpnpd_neighbour_find(d, identity_of(
				f->children[i]->key)) == number)
				cpnpd_family_touch(d, f);
}

void
cpnpd_children_time(
    struct daemon *d, const cpnp_order *order, bool granted)
{
	struct family *f = cpnpd_family_of(d, order);

	if (f == NULL)
		return;
	f->time = granted ? CPNP_PARENT_TIME_MAY : CPNP_PARENT_TIME_NO;
	cpnpd_family_touch(d, f);
}

/* ---- time ---- */

cpnp_tstamp
cpnpd_children_expiry(const struct daemon *d)
{
	return d->children == NULL ? CPNP_NEVER : d->children->wake;
}

void
cpnpd_children_expire(struct daemon *d, cpnp_now now)
{
	struct family *f;

	if (cpnpd_children_expiry(d) > now.mono)
		return;
	d->children->wake = CPNP_NEVER;
	for (f = d->children->first; f != NULL; f = f->next) {
		if (f->wake <= now.mono) {
			f->wake = CPNP_NEVER;
			cpnpd_family_touch(d, f);
		} else if (f->wake < d->children->wake) {
			d->children->wake = f->wake;
		}
	}
}
