/*
 * Snapshots: [content, SHA-256 of content], where content is the whole state
 * in the order of its maps.  The digest is the root of the state.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define CONTEXT "CPNP-state"
#define CONTENT_ITEMS 25

static void
put_hash(cpnp_buf *b, const uint8_t *hash)
{
	cpnp_cbor_put_bytes(b, (cpnp_bytes){hash, CPNP_SHA256_LEN});
}

/* A hash, or null. */
static void
put_hash_if(cpnp_buf *b, bool has, const uint8_t *hash)
{
	if (has)
		put_hash(b, hash);
	else
		cpnp_cbor_put_null(b);
}

static void
put_account(cpnp_buf *b, const struct account *account)
{
	if (account == NULL)
		cpnp_cbor_put_null(b);
	else
		cpnp_cbor_put_text(b, account_name(account));
}

static void
put_token(cpnp_buf *b, const struct token *token)
{
	if (token == NULL)
		cpnp_cbor_put_null(b);
	else
		cpnp_cbor_put_bytes(
		    b, (cpnp_bytes){token->key, token->node.key_len});
}

static void
put_due(cpnp_buf *b, const struct timed *timed)
{
	if (timed->due.index == 0)
		cpnp_cbor_put_null(b);
	else
		cpnp_cbor_put_int(b, timed->due.at);
}

static void
save_key(cpnp_buf *b, const struct account_key *key)
{
	cpnp_cbor_put_array(b, 3);
	cpnp_cbor_put_bytes(b, (cpnp_bytes){key->spki, key->spki_len});
	cpnp_cbor_put_uint(b, key->from);
	cpnp_cbor_put_uint(b, key->to);
}

static void
save_account(cpnp_buf *b, const struct node *node)
{
	const struct account *a = (const struct account *)node;
	size_t i;

	cpnp_cbor_put_array(b, 11);
	put_account(b, a);
	cpnp_cbor_put_uint(b, a->roles);
	cpnp_cbor_put_uint(b, a->status);
	cpnp_cbor_put_uint(b, a->opened_at);
	cpnp_cbor_put_array(b, a->key_n);
	for (i = 0; i < a->key_n; i++)
		save_key(b, &a->keys[i]);
	cpnp_cbor_put_bytes(
	    b, (cpnp_bytes){a->recovery.spki, a->recovery.spki_len});
	cpnp_cbor_put_int(b, a->tick);
	cpnp_cbor_put_int(b, a->heartbeat);
	cpnp_cbor_put_int(b, a->last_seen);
	cpnp_cbor_put_array(b, CPNP_RATING_N);
	for (i = 0; i < CPNP_RATING_N; i++)
		cpnp_cbor_put_uint(b, a->events[i]);
	cpnp_cbor_put_int(b, a->epoch);
}

static void
save_broker(cpnp_buf *b, const struct node *node)
{
	put_account(b, ((const struct account *)node)->broker);
}

static void
save_token(cpnp_buf *b, const struct node *node)
{
	const struct token *t = (const struct token *)node;

	cpnp_cbor_put_array(b, 4);
	put_account(b, t->issuer);
	cpnp_cbor_put_str(b, t->code);
	cpnp_cbor_put_uint(b, t->exponent);
	cpnp_cbor_put_int(b, t->supply);
}

static void
save_balance(cpnp_buf *b, const struct node *node)
{
	const struct balance *v = (const struct balance *)node;

	cpnp_cbor_put_array(b, 4);
	put_account(b, v->account);
	put_token(b, v->token);
	cpnp_cbor_put_int(b, v->free);
	cpnp_cbor_put_int(b, v->held);
}

static void
save_idem(cpnp_buf *b, const struct node *node)
{
	const struct idem *v = (const struct idem *)node;

	cpnp_cbor_put_array(b, 3);
	put_account(b, v->account);
	cpnp_cbor_put_bytes(b, (cpnp_bytes){v->key +
	    v->timed.node.key_len - v->id_len, v->id_len});
	put_due(b, &v->timed);
}

static void
save_proposal(cpnp_buf *b, const struct node *node)
{
	const struct proposal *v = (const struct proposal *)node;

	cpnp_cbor_put_array(b, 4);
	put_hash(b, v->id);
	put_due(b, &v->timed);
	put_account(b, v->by);
	cpnp_cbor_put_array(b, v->voter_n);
	for (size_t i = 0; i < v->voter_n; i++) {
		cpnp_cbor_put_array(b, 2);
		put_account(b, v->voters[i].account);
		cpnp_cbor_put_int(b, v->voters[i].until);
	}
}

static void
save_set(cpnp_buf *b, const struct node *node)
{
	const struct set *v = (const struct set *)node;

	cpnp_cbor_put_array(b, 6);
	put_hash(b, v->id);
	put_account(b, v->head);
	cpnp_cbor_put_int(b, v->deadline);
	cpnp_cbor_put_uint(b, v->total);
	put_due(b, &v->timed);
	cpnp_cbor_put_array(b, v->member_n);
	for (size_t i = 0; i < v->member_n; i++)
		put_hash(b, v->members[i].digest);
}

/* Where a set hangs. */
static void
save_link(cpnp_buf *b, const struct node *node)
{
	const struct set *v = (const struct set *)node;

	if (v->upper == NULL) {
		cpnp_cbor_put_null(b);
		return;
	}
	cpnp_cbor_put_array(b, 2);
	put_hash(b, v->upper->id);
	cpnp_cbor_put_uint(b, v->upper_slot);
}

static void
save_escrow(cpnp_buf *b, const struct node *node)
{
	const struct escrow *v = (const struct escrow *)node;

	cpnp_cbor_put_array(b, 27);
	put_hash(b, v->id);
	cpnp_cbor_put_uint(b, v->state);
	put_account(b, v->payer);
	put_account(b, v->payee);
	put_token(b, v->token);
	cpnp_cbor_put_int(b, v->amount);
	cpnp_cbor_put_int(b, v->fee);
	put_hash(b, v->order);
	put_hash_if(b, v->has_set, v->set_id);
	cpnp_cbor_put_uint(b, v->slot);
	put_hash_if(b, v->has_replaces, v->replaces);
	put_hash_if(b, v->has_sla, v->sla);
	cpnp_cbor_put_int(b, v->expiry);
	cpnp_cbor_put_bool(b, v->has_start);
	cpnp_cbor_put_int(b, v->start);
	cpnp_cbor_put_int(b, v->end);
	cpnp_cbor_put_uint(b, v->duration);
	cpnp_cbor_put_uint(b, v->claim_seconds);
	cpnp_cbor_put_bool(b, v->idle_paid);
	cpnp_cbor_put_bool(b, v->can_lapse);
	cpnp_cbor_put_uint(b, (v->idle_by_payer ? 1u : 0u) |
	    (v->idle_by_payee ? 2u : 0u));
	cpnp_cbor_put_int(b, v->idle_since);
	cpnp_cbor_put_int(b, v->idle_total);
	cpnp_cbor_put_uint(b, v->posted_at);
	cpnp_cbor_put_uint(b, v->used);
	cpnp_cbor_put_int(b, v->disputed);
	put_due(b, &v->timed);
}

static void
save_claim(cpnp_buf *b, const struct node *node)
{
	const struct claim *v = (const struct claim *)node;

	cpnp_cbor_put_array(b, 13);
	put_hash(b, v->id);
	put_hash(b, v->escrow->id);
	cpnp_cbor_put_uint(b, v->number);
	cpnp_cbor_put_uint(b, v->state);
	put_account(b, v->auditor);
	cpnp_cbor_put_uint(b, v->audit_seconds);
	cpnp_cbor_put_bool(b, v->default_upheld);
	cpnp_cbor_put_uint(b, v->metric);
	cpnp_cbor_put_int(b, v->from);
	cpnp_cbor_put_int(b, v->to);
	cpnp_cbor_put_uint(b, v->value);
	cpnp_cbor_put_int(b, v->credit);
	put_due(b, &v->timed);
}

static void
save_channel(cpnp_buf *b, const struct node *node)
{
	const struct channel *v = (const struct channel *)node;

	cpnp_cbor_put_array(b, 16);
	put_hash(b, v->id);
	put_account(b, v->payer);
	put_account(b, v->payee);
	put_token(b, v->token);
	save_key(b, &v->key);
	cpnp_cbor_put_int(b, v->amount);
	cpnp_cbor_put_int(b, v->fee);
	cpnp_cbor_put_int(b, v->claimed);
	put_hash(b, v->order);
	cpnp_cbor_put_int(b, v->until);
	cpnp_cbor_put_uint(b, v->grace);
	cpnp_cbor_put_bool(b, v->closing);
	put_hash_if(b, v->has_chain, v->chain);
	cpnp_cbor_put_int(b, v->unit);
	cpnp_cbor_put_uint(b, v->count);
	put_due(b, &v->timed);
}

static void
save_offer(cpnp_buf *b, const struct node *node)
{
	const struct offer *v = (const struct offer *)node;

	cpnp_cbor_put_array(b, 14);
	put_account(b, v->publisher);
	cpnp_cbor_put_bytes(b, (cpnp_bytes){v->id, v->id_len});
	cpnp_cbor_put_uint(b, v->kind);
	cpnp_cbor_put_str(b, v->ingress);
	cpnp_cbor_put_str(b, v->egress);
	cpnp_cbor_put_uint(b, v->delay);
	cpnp_cbor_put_uint(b, v->capacity);
	put_token(b, v->token);
	cpnp_cbor_put_int(b, v->price);
	cpnp_cbor_put_uint(b, v->duration);
	cpnp_cbor_put_int(b, v->from);
	cpnp_cbor_put_int(b, v->to);
	put_hash_if(b, v->has_document, v->document);
	cpnp_cbor_put_int(b, v->until);
}

static void
save_anchor(cpnp_buf *b, const struct node *node)
{
	const struct anchor *v = (const struct anchor *)node;

	cpnp_cbor_put_array(b, 6);
	put_account(b, v->account);
	cpnp_cbor_put_text(b, (cpnp_bytes){v->key + v->node.key_len -
	    v->origin_len, v->origin_len});
	cpnp_cbor_put_uint(b, v->size);
	put_hash(b, v->root);
	cpnp_cbor_put_uint(b, v->position);
	cpnp_cbor_put_int(b, v->time);
}

static void
save_map(cpnp_buf *b, const struct map *map,
    void (*save)(cpnp_buf *b, const struct node *node))
{
	const struct node *node;

	cpnp_cbor_put_array(b, map->n);
	for (node = map_first(map); node != NULL && b->err == 0;
	     node = map_next(map, node))
		save(b, node);
}

static void
save_frontier(cpnp_buf *b, const struct frontier *f)
{
	size_t n = 0, i;

	for (i = 0; i < FRONTIER_MAX; i++)
		n += f->size >> i & 1;
	cpnp_cbor_put_array(b, 2);
	cpnp_cbor_put_uint(b, f->size);
	cpnp_cbor_put_array(b, n);
	for (i = 0; i < FRONTIER_MAX; i++)
		if ((f->size >> i & 1) == 1)
			put_hash(b, f->nodes[i]);
}

static int
save_content(const cpnp_ledger *l, cpnp_buf *b)
{
	int err;

	if (l->err != 0)
		return l->err;
	cpnp_cbor_put_array(b, CONTENT_ITEMS);
	cpnp_cbor_put_str(b, CONTEXT);
	cpnp_cbor_put_uint(b, CPNP_SNAPSHOT_VERSION);
	put_hash(b, l->id);
	cpnp_cbor_put_str(b, l->name);
	cpnp_cbor_put_uint(b, l->position);
	put_hash(b, l->head);
	cpnp_cbor_put_uint(b, l->rules);
	cpnp_cbor_put_uint(b, l->rules_next);
	cpnp_cbor_put_uint(b, l->rules_next_position);
	cpnp_cbor_put_int(b, l->time);
	err = cpnp_settings_encode(&l->settings, b, NULL);
	if (err != 0)
		return err;
	save_frontier(b, &l->frontier);
	save_map(b, &l->accounts, save_account);
	save_map(b, &l->accounts, save_broker);
	save_map(b, &l->tokens, save_token);
	save_map(b, &l->balances, save_balance);
	save_map(b, &l->idems, save_idem);
	save_map(b, &l->proposals, save_proposal);
	save_map(b, &l->sets, save_set);
	save_map(b, &l->sets, save_link);
	save_map(b, &l->escrows, save_escrow);
	save_map(b, &l->claims, save_claim);
	save_map(b, &l->channels, save_channel);
	save_map(b, &l->offers, save_offer);
	save_map(b, &l->anchors, save_anchor);
	return b->err;
}

int
cpnp_ledger_save(const cpnp_ledger *l, cpnp_buf *buf)
{
	uint8_t root[CPNP_SHA256_LEN];
	cpnp_buf content;
	int err;

	cpnp_buf_init(&content, &l->env.env.mem, SIZE_MAX);
	err = save_content(l, &content);
	if (err == 0)
		err = ledger_hash(l, cpnp_buf_bytes(&content), root);
	if (err == 0) {
		cpnp_cbor_put_array(buf, 2);
		cpnp_cbor_put_bytes(buf, cpnp_buf_bytes(&content));
		put_hash(buf, root);
		err = buf->err;
	}
	cpnp_buf_fini(&content);
	return err;
}

int
cpnp_ledger_root(const cpnp_ledger *l, uint8_t root[CPNP_SHA256_LEN])
{
	cpnp_buf content;
	int err;

	cpnp_buf_init(&content, &l->env.env.mem, SIZE_MAX);
	err = save_content(l, &content);
	if (err == 0)
		err = ledger_hash(l, cpnp_buf_bytes(&content), root);
	cpnp_buf_fini(&content);
	return err;
}
