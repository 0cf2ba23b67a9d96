/*
 * Parts: the object, its peers, time and effects.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "parts_int.h"

int
cpnp_parts_new(cpnp_parts **out, const cpnp_env *env)
{
	cpnp_parts *parts = env->mem.alloc(env->mem.user, sizeof(*parts));

	if (parts == NULL)
		return CPNP_ERR_NOMEM;
	memset(parts, 0, sizeof(*parts));
	parts->env = *env;
	parts->due = CPNP_NEVER;
	TAILQ_INIT(&parts->coming);
	TAILQ_INIT(&parts->whole);
	TAILQ_INIT(&parts->going);
	TAILQ_INIT(&parts->ready);
	cpnp_buf_init(&parts->message, &parts->env.mem, CPNP_MSG_MAX);
	cpnp_buf_init_fixed(&parts->answer, parts->answer_store,
	    sizeof(parts->answer_store));
	cpnp_buf_init_fixed(&parts->datagram, parts->datagram_store,
	    sizeof(parts->datagram_store));
	*out = parts;
	return 0;
}

/* ---- peers ---- */

static struct parts_peer **
place_of(cpnp_parts *parts, uint64_t id)
{
	struct parts_peer **place = &parts->peers[id % PARTS_BUCKETS];

	while (*place != NULL && (*place)->id != id)
		place = &(*place)->next;
	return place;
}

struct parts_peer *
parts_peer_find(const cpnp_parts *parts, uint64_t id)
{
	struct parts_peer *peer = parts->peers[id % PARTS_BUCKETS];

	while (peer != NULL && peer->id != id)
		peer = peer->next;
	return peer;
}

struct parts_peer *
parts_peer_get(cpnp_parts *parts, uint64_t id)
{
	struct parts_peer **place = place_of(parts, id), *peer = *place;

	if (peer != NULL)
		return peer;
	peer = parts->env.mem.alloc(parts->env.mem.user, sizeof(*peer));
	if (peer == NULL)
		return NULL;
	memset(peer, 0, sizeof(*peer));
	peer->id = id;
	TAILQ_INIT(&peer->in);
	TAILQ_INIT(&peer->out);
	*place = peer;
	return peer;
}

void
parts_peer_put(cpnp_parts *parts, struct parts_peer *peer)
{
	struct parts_peer **place;

	if (peer->in_n > 0 || peer->out_n > 0)
		return;
	place = place_of(parts, peer->id);
	*place = peer->next;
	parts->env.mem.free(parts->env.mem.user, peer);
}

static void
forget(cpnp_parts *parts, struct parts_peer *peer)
{
	struct parts_out *out;
	struct parts_in *in;

	while ((in = TAILQ_FIRST(&peer->in)) != NULL)
		parts_in_del(parts, in);
	while ((out = TAILQ_FIRST(&peer->out)) != NULL) {
		if (parts->told == out)
			parts->told = NULL;
		parts_out_del(parts, out);
	}
	parts_peer_put(parts, peer);
}

void
cpnp_parts_forget(cpnp_parts *parts, uint64_t id)
{
	struct parts_peer *peer = parts_peer_find(parts, id);

	if (peer != NULL)
		forget(parts, peer);
}

void
cpnp_parts_del(cpnp_parts *parts)
{
	cpnp_mem mem;

	if (parts == NULL)
		return;
	mem = parts->env.mem;
	for (size_t i = 0; i < PARTS_BUCKETS; i++)
		while (parts->peers[i] != NULL)
			forget(parts, parts->peers[i]);
	cpnp_buf_fini(&parts->message);
	mem.free(mem.user, parts);
}

/* ---- events and effects ---- */

/* The effect that told of its end has been used. */
static void
del_told(cpnp_parts *parts)
{
	struct parts_peer *peer;

	if (parts->told == NULL)
		return;
	peer = parts->told->peer;
	parts_out_del(parts, parts->told);
	parts->told = NULL;
	parts_peer_put(parts, peer);
}

int
cpnp_parts_recv(
    cpnp_parts *parts, uint64_t peer, cpnp_bytes datagram, cpnp_tstamp now)
{
	int err;

	if (parts->has_answer || parts->has_delivery)
		return CPNP_ERR_STATE;
	del_told(parts);
	parts->now = now;
	parts->from = peer;
	parts->count.received++;
	err = parts_decode(parts, datagram);
	if (err != 0) {
		parts->count.invalid++;
		return err;
	}
	return cpnp_msg_has(&parts->msg, CPNP_ATTR_PARTS_HELD)
	    ? parts_out_recv(parts, peer)
	    : parts_in_recv(parts, peer);
}

bool
cpnp_parts_next(cpnp_parts *parts, cpnp_parts_effect *effect)
{
	del_told(parts);
	effect->peer = parts->from;
	if (parts->has_answer) {
		parts->has_answer = false;
		effect->type = CPNP_PARTS_SEND;
		effect->bytes = cpnp_buf_bytes(&parts->answer);
		return true;
	}
	if (parts->has_delivery) {
		parts->has_delivery = false;
		effect->type = CPNP_PARTS_DELIVER;
		effect->bytes = cpnp_buf_bytes(&parts->message);
		return true;
	}
	return parts_out_next(parts, effect);
}

static cpnp_tstamp
until_of(const struct parts_ins *list)
{
	const struct parts_in *in = TAILQ_FIRST(list);

	return in != NULL ? in->until : CPNP_NEVER;
}

cpnp_tstamp
cpnp_parts_expiry(const cpnp_parts *parts)
{
	cpnp_tstamp at = parts->due;

	if (until_of(&parts->coming) < at)
		at = until_of(&parts->coming);
	if (until_of(&parts->whole) < at)
		at = until_of(&parts->whole);
	return at;
}

void
cpnp_parts_handle_expiry(cpnp_parts *parts, cpnp_tstamp now)
{
	del_told(parts);
	parts->now = now;
	parts_in_expire(parts);
	parts_out_expire(parts);
}

void
cpnp_parts_get_counters(
    const cpnp_parts *parts, cpnp_parts_counters *counters)
{
	*counters = parts->count;
}
