/*
 * Reading a snapshot.  The digest has been checked: what is wrong here comes
 * from a program, not from a disk, and is refused as well.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define CONTEXT "CPNP-state"
#define CONTENT_ITEMS 25

struct load {
	cpnp_ledger *l;
	cpnp_cbor_rd rd;
};

static void
refuse(struct load *in)
{
	cpnp_cbor_rd_fail(&in->rd, CPNP_ERR_RANGE);
}

static void
get_hash(struct load *in, uint8_t hash[CPNP_SHA256_LEN])
{
	cpnp_bytes v;

	v = cpnp_cbor_get_bytes(&in->rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	if (in->rd.err == 0)
		memcpy(hash, v.ptr, CPNP_SHA256_LEN);
}

static bool
get_null(struct load *in)
{
	if (cpnp_cbor_peek(&in->rd) != CPNP_CBOR_NULL)
		return false;
	cpnp_cbor_get_null(&in->rd);
	return true;
}

static bool
get_hash_if(struct load *in, uint8_t hash[CPNP_SHA256_LEN])
{
	if (get_null(in))
		return false;
	get_hash(in, hash);
	return true;
}

static int64_t
get_amount(struct load *in)
{
	return cpnp_cbor_get_int(&in->rd, 0, INT64_MAX);
}

static uint64_t
get_number(struct load *in)
{
	return cpnp_cbor_get_uint(&in->rd, 0, INT64_MAX);
}

static struct account *
get_account(struct load *in)
{
	struct account *account;
	cpnp_bytes name;

	name = cpnp_cbor_get_text(&in->rd, 1, CPNP_ACCOUNT_MAX);
	account = in->rd.err == 0 ? account_find(in->l, name) : NULL;
	if (account == NULL)
		refuse(in);
	return account;
}

static struct token *
get_token(struct load *in)
{
	struct token *token = NULL;
	cpnp_bytes key;

	key = cpnp_cbor_get_bytes(&in->rd, 1, sizeof(token->key));
	if (in->rd.err == 0)
		token = (struct token *)map_find(
		    &in->l->tokens, key.ptr, key.len);
	if (token == NULL)
		refuse(in);
	return token;
}

static void
get_due(struct load *in, struct timed *timed, enum due_rank rank)
{
	int64_t at;
	int err;

	if (get_null(in))
		return;
	at = cpnp_cbor_get_int(&in->rd, INT64_MIN + 1, INT64_MAX);
	if (in->rd.err != 0)
		return;
	err = due_set(&in->l->heap, &in->l->env.env.mem, timed, rank, at);
	if (err != 0)
		in->l->err = err;
}

/* Link a node whose key is set; keys come in order, so none comes twice. */
static void
enter(struct load *in, struct map *map, struct node *node)
{
	if (map_find(map, node->key, node->key_len) != NULL)
		refuse(in);
	/* even so, for _del to find it: equal keys do no harm there */
	map_insert(map, node);
}

static void *
get_object(struct load *in, size_t size, size_t items)
{
	(void)cpnp_cbor_get_array(&in->rd, items, items);
	return in->rd.err != 0 ? NULL : ledger_alloc(in->l, size);
}

/* The key of an object that a hash names. */
static void
key_by_hash(struct load *in, struct map *map, struct node *node, uint8_t *id)
{
	get_hash(in, id);
	node->key = id;
	node->key_len = CPNP_SHA256_LEN;
	enter(in, map, node);
}

static void
load_key(struct load *in, struct account_key *key)
{
	cpnp_bytes spki;
	int err;

	(void)cpnp_cbor_get_array(&in->rd, 3, 3);
	spki = cpnp_cbor_get_bytes(&in->rd, 1, CPNP_SPKI_MAX);
	if (in->rd.err != 0)
		return;
	err = account_key_set(in->l, key, spki);
	if (err != 0)
		in->l->err = err;
	key->from = cpnp_cbor_get_uint(&in->rd, 0, UINT64_MAX);
	key->to = cpnp_cbor_get_uint(&in->rd, 0, UINT64_MAX);
}

static void
load_account(struct load *in)
{
	struct account *a;
	cpnp_bytes name, recovery;
	size_t i;

	(void)cpnp_cbor_get_array(&in->rd, 11, 11);
	name = cpnp_cbor_get_text(&in->rd, 1, CPNP_ACCOUNT_MAX);
	if (in->rd.err != 0 || !name_is_valid(name) ||
	    account_find(in->l, name) != NULL) {
		refuse(in);
		return;
	}
	a = account_new(in->l, name);
	if (a == NULL)
		return;
	a->roles = cpnp_cbor_get_uint(&in->rd, 0, CPNP_ROLES_ALL);
	a->status = (enum cpnp_account_status)cpnp_cbor_get_uint(
	    &in->rd, 0, CPNP_ACCOUNT_CLOSED);
	a->opened_at = get_number(in);
	a->key_n = cpnp_cbor_get_array(&in->rd, 1, CPNP_ACCOUNT_KEYS_MAX);
	for (i = 0; i < a->key_n && in->rd.err == 0; i++)
		load_key(in, &a->keys[i]);
	recovery = cpnp_cbor_get_bytes(&in->rd, 0, CPNP_SPKI_MAX);
	if (recovery.len > 0 &&
	    account_key_set(in->l, &a->recovery, recovery) != 0)
		in->l->err = CPNP_ERR_CRYPTO;
	a->tick = cpnp_cbor_get_int(&in->rd, 0, INT64_MAX);
	a->heartbeat = cpnp_cbor_get_int(&in->rd, 0, INT64_MAX);
	a->last_seen = cpnp_cbor_get_int(&in->rd, 0, INT64_MAX);
	(void)cpnp_cbor_get_array(&in->rd, CPNP_RATING_N, CPNP_RATING_N);
	for (i = 0; i < CPNP_RATING_N; i++)
		a->events[i] = get_number(in);
	a->epoch = cpnp_cbor_get_int(&in->rd, INT64_MIN + 1, INT64_MAX);
}

/* In the order of the accounts. */
static void
load_brokers(struct load *in)
{
	struct account *a;
	struct node *node;

	(void)cpnp_cbor_get_array(
	    &in->rd, in->l->accounts.n, in->l->accounts.n);
	for (node = map_first(&in->l->accounts);
	     node != NULL && in->rd.err == 0;
	     node = map_next(&in->l->accounts, node)) {
		a = (struct account *)node;
		if (get_null(in))
			continue;
		a->broker = get_account(in);
		if (a->broker != NULL && a->status != CPNP_ACCOUNT_CLOSED)
			a->broker->pseudonym_n++;
	}
}

static void
load_token(struct load *in)
{
	struct account *issuer;
	struct token *token;
	cpnp_bytes code;

	(void)cpnp_cbor_get_array(&in->rd, 4, 4);
	issuer = get_account(in);
	code = cpnp_cbor_get_text(&in->rd, 1, CPNP_TOKEN_CODE_MAX);
	if (in->rd.err == 0 && issuer->broker != NULL)
		refuse(in);
	if (in->rd.err != 0)
		return;
	token = token_new(in->l, issuer, code, (uint8_t)cpnp_cbor_get_uint(
	    &in->rd, 0, CPNP_TOKEN_EXPONENT_MAX));
	if (token != NULL)
		token->supply = get_amount(in);
}

static void
load_balance(struct load *in)
{
	struct account *account;
	struct balance *balance;
	struct token *token;

	(void)cpnp_cbor_get_array(&in->rd, 4, 4);
	account = get_account(in);
	token = get_token(in);
	if (in->rd.err != 0)
		return;
	balance = balance_get(in->l, account, token);
	if (balance == NULL)
		return;
	balance->free = get_amount(in);
	balance->held = get_amount(in);
}

static void
load_idem(struct load *in)
{
	struct idem *v = get_object(in, sizeof(*v), 3);
	cpnp_bytes id;

	if (v == NULL)
		return;
	v->account = get_account(in);
	id = cpnp_cbor_get_bytes(&in->rd, 1, CPNP_OP_KEY_MAX);
	if (in->rd.err != 0) {
		ledger_free(in->l, v);
		return;
	}
	v->id_len = id.len;
	v->timed.node.key = v->key;
	v->timed.node.key_len = key_join(v->key, account_name(v->account), id);
	v->account->idem_n++;
	enter(in, &in->l->idems, &v->timed.node);
	get_due(in, &v->timed, DUE_IDEM);
}

static void
load_proposal(struct load *in)
{
	struct proposal *v = get_object(in, sizeof(*v), 4);
	struct account *voter;
	size_t i;

	if (v == NULL)
		return;
	key_by_hash(in, &in->l->proposals, &v->timed.node, v->id);
	get_due(in, &v->timed, DUE_PROPOSAL);
	v->by = get_account(in);
	v->voter_n = cpnp_cbor_get_array(&in->rd, 0, VOTERS_MAX);
	for (i = 0; i < v->voter_n && in->rd.err == 0; i++) {
		(void)cpnp_cbor_get_array(&in->rd, 2, 2);
		voter = get_account(in);
		/* pseudonyms come and go */
		if (voter != NULL && voter->broker != NULL)
			refuse(in);
		v->voters[i].account = voter;
		v->voters[i].until = get_amount(in);
	}
	if (in->rd.err == 0 && v->by->broker != NULL)
		refuse(in);
	if (in->rd.err == 0)
		v->by->proposal_n++;
}

static void
load_set(struct load *in)
{
	struct set *v = get_object(in, sizeof(*v), 6);
	size_t i;

	if (v == NULL)
		return;
	key_by_hash(in, &in->l->sets, &v->timed.node, v->id);
	v->head = get_account(in);
	v->deadline = get_amount(in);
	v->total = get_number(in);
	v->depth = 1;
	get_due(in, &v->timed, DUE_SET);
	v->member_n =
	    cpnp_cbor_get_array(&in->rd, 2, CPNP_SET_MEMBERS_MAX);
	for (i = 0; i < v->member_n; i++)
		get_hash(in, v->members[i].digest);
	if (in->rd.err == 0) {
		v->head->open_n++;
		v->head->part_n++;
	}
}

static void
load_links(struct load *in)
{
	uint8_t id[CPNP_SHA256_LEN] = {0};
	struct node *node;
	struct set *v, *at;

	(void)cpnp_cbor_get_array(&in->rd, in->l->sets.n, in->l->sets.n);
	for (node = map_first(&in->l->sets); node != NULL && in->rd.err == 0;
	     node = map_next(&in->l->sets, node)) {
		v = (struct set *)node;
		if (get_null(in))
			continue;
		(void)cpnp_cbor_get_array(&in->rd, 2, 2);
		get_hash(in, id);
		v->upper = set_find(
		    in->l, (cpnp_bytes){id, CPNP_SHA256_LEN});
		v->upper_slot = cpnp_cbor_get_uint(
		    &in->rd, 1, CPNP_SET_MEMBERS_MAX - 1);
		if (v->upper == NULL || v->upper_slot >= v->upper->member_n ||
		    v->upper->members[v->upper_slot].lower != NULL)
			refuse(in);
		else
			v->upper->members[v->upper_slot].lower = v;
	}
	for (node = map_first(&in->l->sets); node != NULL && in->rd.err == 0;
	     node = map_next(&in->l->sets, node)) {
		v = (struct set *)node;
		for (at = v->upper; at != NULL && in->rd.err == 0;
		     at = at->upper)
			if (++v->depth > CPNP_SET_DEPTH_MAX)
				refuse(in);
	}
}

static void
enter_set(struct load *in, struct escrow *e)
{
	if (e->state != CPNP_ESCROW_PENDING &&
	    e->state != CPNP_ESCROW_ACKNOWLEDGED)
		return;
	e->set = set_find(in->l, (cpnp_bytes){e->set_id, CPNP_SHA256_LEN});
	if (e->set == NULL || e->slot >= e->set->member_n ||
	    e->set->members[e->slot].escrow != NULL)
		refuse(in);
	else
		e->set->members[e->slot].escrow = e;
}

static void
load_escrow_rest(struct load *in, struct escrow *v)
{
	uint64_t idle;

	v->expiry = get_amount(in);
	v->has_start = cpnp_cbor_get_bool(&in->rd);
	v->start = get_amount(in);
	v->end = get_amount(in);
	v->duration = cpnp_cbor_get_uint(
	    &in->rd, 1, CPNP_SERVICE_SECONDS_MAX);
	v->claim_seconds = cpnp_cbor_get_uint(
	    &in->rd, 0, CPNP_CLAIM_SECONDS_MAX);
	v->idle_paid = cpnp_cbor_get_bool(&in->rd);
	v->can_lapse = cpnp_cbor_get_bool(&in->rd);
	idle = cpnp_cbor_get_uint(&in->rd, 0, 3);
	v->idle_by_payer = (idle & 1) != 0;
	v->idle_by_payee = (idle & 2) != 0;
	v->idle_since = get_amount(in);
	v->idle_total = get_amount(in);
	v->posted_at = get_number(in);
	v->used = cpnp_cbor_get_uint(&in->rd, 0, CPNP_SERVICE_SECONDS_MAX);
	v->disputed = get_amount(in);
	get_due(in, &v->timed, DUE_ESCROW);
}

static void
load_escrow(struct load *in)
{
	struct escrow *v = get_object(in, sizeof(*v), 27);

	if (v == NULL)
		return;
	key_by_hash(in, &in->l->escrows, &v->timed.node, v->id);
	v->state = (cpnp_escrow_state)cpnp_cbor_get_uint(
	    &in->rd, CPNP_ESCROW_PENDING, CPNP_ESCROW_DISPUTED);
	v->payer = get_account(in);
	v->payee = get_account(in);
	v->token = get_token(in);
	v->amount = get_amount(in);
	v->fee = get_amount(in);
	get_hash(in, v->order);
	v->has_set = get_hash_if(in, v->set_id);
	v->slot = cpnp_cbor_get_uint(&in->rd, 0, CPNP_SET_MEMBERS_MAX - 1);
	v->has_replaces = get_hash_if(in, v->replaces);
	v->has_sla = get_hash_if(in, v->sla);
	load_escrow_rest(in, v);
	if (in->rd.err != 0)
		return;
	if (v->has_set)
		enter_set(in, v);
	v->payer->open_n++;
	v->payer->part_n++;
	v->payee->part_n++;
}

/* What the escrows' own records leave to follow from all of them. */
static void
link_escrows(struct load *in)
{
	struct escrow *v, *old;
	struct node *node;
	struct set *set;

	for (node = map_first(&in->l->escrows); node != NULL;
	     node = map_next(&in->l->escrows, node)) {
		v = (struct escrow *)node;
		if (!v->has_replaces || (v->state != CPNP_ESCROW_PENDING &&
		    v->state != CPNP_ESCROW_ACKNOWLEDGED))
			continue;
		old = escrow_find(in->l,
		    (cpnp_bytes){v->replaces, CPNP_SHA256_LEN});
		if (old != NULL)
			old->being_replaced = true;
	}
	for (node = map_first(&in->l->sets); node != NULL;
	     node = map_next(&in->l->sets, node)) {
		set = (struct set *)node;
		if (set->upper != NULL)
			set->members[0].escrow =
			    set->upper->members[set->upper_slot].escrow;
	}
}

/* Claims come in the order of their ids and go into the order of their
 * numbers. */
static void
load_claim(struct load *in)
{
	struct claim *v = get_object(in, sizeof(*v), 13), **at;
	uint8_t id[CPNP_SHA256_LEN] = {0};

	if (v == NULL)
		return;
	key_by_hash(in, &in->l->claims, &v->timed.node, v->id);
	get_hash(in, id);
	v->escrow = escrow_find(in->l, (cpnp_bytes){id, CPNP_SHA256_LEN});
	v->number = get_number(in);
	v->state = (cpnp_claim_state)cpnp_cbor_get_uint(
	    &in->rd, CPNP_CLAIM_OPEN, CPNP_CLAIM_REJECTED);
	if (!get_null(in))
		v->auditor = get_account(in);
	v->audit_seconds = cpnp_cbor_get_uint(
	    &in->rd, 0, CPNP_CLAIM_SECONDS_MAX);
	v->default_upheld = cpnp_cbor_get_bool(&in->rd);
	v->metric = cpnp_cbor_get_uint(
	    &in->rd, 0, CPNP_SLA_METRICS_MAX - 1);
	v->from = get_amount(in);
	v->to = get_amount(in);
	v->value = get_number(in);
	v->credit = get_amount(in);
	get_due(in, &v->timed, DUE_CLAIM);
	if (v->escrow == NULL || v->escrow->claim_n >= CPNP_ESCROW_CLAIMS_MAX)
		refuse(in);
	if (in->rd.err != 0)
		return;
	for (at = &v->escrow->claims;
	     *at != NULL && (*at)->number < v->number; at = &(*at)->next)
		;
	v->next = *at;
	*at = v;
	v->escrow->claim_n++;
	if (v->auditor != NULL)
		v->auditor->part_n++;
}

static void
load_channel(struct load *in)
{
	struct channel *v = get_object(in, sizeof(*v), 16);

	if (v == NULL)
		return;
	key_by_hash(in, &in->l->channels, &v->timed.node, v->id);
	v->payer = get_account(in);
	v->payee = get_account(in);
	v->token = get_token(in);
	load_key(in, &v->key);
	v->amount = cpnp_cbor_get_int(&in->rd, 1, INT64_MAX);
	v->fee = get_amount(in);
	v->claimed = cpnp_cbor_get_int(&in->rd, 0, v->amount);
	get_hash(in, v->order);
	v->until = get_amount(in);
	v->grace = cpnp_cbor_get_uint(&in->rd, 0, CPNP_CLAIM_SECONDS_MAX);
	v->closing = cpnp_cbor_get_bool(&in->rd);
	v->has_chain = get_hash_if(in, v->chain);
	v->unit = cpnp_cbor_get_int(&in->rd, v->has_chain ? 1 : 0, INT64_MAX);
	v->count = get_number(in);
	get_due(in, &v->timed, DUE_CHANNEL);
	if (in->rd.err != 0)
		return;
	v->payer->open_n++;
	v->payer->part_n++;
	v->payee->part_n++;
}

static void
get_place(struct load *in, char place[CPNP_PLACE_MAX + 1])
{
	cpnp_bytes v = cpnp_cbor_get_text(&in->rd, 0, CPNP_PLACE_MAX);

	if (in->rd.err == 0 && v.len > 0)
		memcpy(place, v.ptr, v.len);
}

static void
load_offer(struct load *in)
{
	struct offer *v = get_object(in, sizeof(*v), 14);
	cpnp_bytes id;
	int err;

	if (v == NULL)
		return;
	v->publisher = get_account(in);
	id = cpnp_cbor_get_bytes(&in->rd, 1, CPNP_OFFER_ID_MAX);
	if (in->rd.err != 0) {
		ledger_free(in->l, v);
		return;
	}
	memcpy(v->id, id.ptr, id.len);
	v->id_len = id.len;
	v->timed.node.key = v->key;
	v->timed.node.key_len =
	    key_join(v->key, account_name(v->publisher), id);
	v->publisher->offer_n++;
	enter(in, &in->l->offers, &v->timed.node);
	v->kind = cpnp_cbor_get_uint(
	    &in->rd, CPNP_OFFER_SERVICE, CPNP_OFFER_SEGMENT);
	get_place(in, v->ingress);
	get_place(in, v->egress);
	v->delay = get_number(in);
	v->capacity = get_number(in);
	v->token = get_null(in) ? NULL : get_token(in);
	v->price = get_amount(in);
	v->duration = get_number(in);
	v->from = get_amount(in);
	v->to = get_amount(in);
	v->has_document = get_hash_if(in, v->document);
	v->until = get_amount(in);
	err = due_set(&in->l->heap, &in->l->env.env.mem, &v->timed, DUE_OFFER,
	    v->until);
	if (err != 0)
		in->l->err = err;
}

static void
load_anchor(struct load *in)
{
	struct anchor *v = get_object(in, sizeof(*v), 6);
	cpnp_bytes origin;

	if (v == NULL)
		return;
	v->account = get_account(in);
	origin = cpnp_cbor_get_text(&in->rd, 1, 255);
	if (in->rd.err != 0) {
		ledger_free(in->l, v);
		return;
	}
	v->origin_len = origin.len;
	v->node.key = v->key;
	v->node.key_len =
	    key_join(v->key, account_name(v->account), origin);
	enter(in, &in->l->anchors, &v->node);
	v->size = get_number(in);
	get_hash(in, v->root);
	v->position = get_number(in);
	v->time = get_amount(in);
}

static void
load_each(struct load *in, void (*load)(struct load *in))
{
	size_t n = cpnp_cbor_get_array(&in->rd, 0, SIZE_MAX);

	for (; n > 0 && in->rd.err == 0 && in->l->err == 0; n--)
		load(in);
}

static void
load_frontier(struct load *in)
{
	struct frontier *f = &in->l->frontier;
	size_t n = 0, i;

	(void)cpnp_cbor_get_array(&in->rd, 2, 2);
	f->size = get_number(in);
	for (i = 0; i < FRONTIER_MAX; i++)
		n += f->size >> i & 1;
	(void)cpnp_cbor_get_array(&in->rd, n, n);
	for (i = 0; i < FRONTIER_MAX; i++)
		if ((f->size >> i & 1) == 1)
			get_hash(in, f->nodes[i]);
}

/* Name, position and time; the settings come last, since their pools must
 * have been read. */
static cpnp_bytes
load_head(struct load *in)
{
	cpnp_ledger *l = in->l;
	cpnp_bytes v;

	get_hash(in, l->id);
	v = cpnp_cbor_get_text(&in->rd, 1, sizeof(l->name) - 1);
	if (in->rd.err == 0)
		memcpy(l->name, v.ptr, v.len);
	l->position = get_number(in);
	get_hash(in, l->head);
	l->rules = cpnp_cbor_get_uint(&in->rd, 1, INT64_MAX);
	l->rules_next = get_number(in);
	l->rules_next_position = get_number(in);
	l->time = get_amount(in);
	return cpnp_cbor_get_item(&in->rd);
}

static int
load_content(struct load *in, cpnp_diag *diag)
{
	cpnp_settings settings;
	cpnp_bytes v;
	int err;

	(void)cpnp_cbor_get_array(&in->rd, CONTENT_ITEMS, CONTENT_ITEMS);
	v = cpnp_cbor_get_text(
	    &in->rd, sizeof(CONTEXT) - 1, sizeof(CONTEXT) - 1);
	if (in->rd.err != 0 || memcmp(v.ptr, CONTEXT, v.len) != 0)
		return settle_fail(diag, CPNP_ERR_TYPE, "snapshot",
		    "not the state of a ledger");
	if (get_number(in) != CPNP_SNAPSHOT_VERSION)
		return settle_fail(diag, CPNP_ERR_VERSION, "snapshot",
		    "written by another version; replay the log instead");
	v = load_head(in);
	if (in->rd.err == 0 && in->l->rules > in->l->edition_n)
		return settle_fail(diag, CPNP_ERR_VERSION, "snapshot",
		    "under newer rules than this program knows");
	err = in->rd.err != 0 ? in->rd.err
			      : cpnp_settings_decode(&settings, v, diag);
	if (err != 0)
		return err;
	/* ratings and times of what follows need them */
	in->l->settings = settings;
	in->l->settings.pool_n = 0;
	load_frontier(in);
	load_each(in, load_account);
	load_brokers(in);
	load_each(in, load_token);
	load_each(in, load_balance);
	load_each(in, load_idem);
	load_each(in, load_proposal);
	load_each(in, load_set);
	load_links(in);
	load_each(in, load_escrow);
	load_each(in, load_claim);
	load_each(in, load_channel);
	load_each(in, load_offer);
	load_each(in, load_anchor);
	if (in->l->err != 0)
		return in->l->err;
	if (cpnp_cbor_rd_finish(&in->rd) != 0)
		return settle_fail(diag, in->rd.err, "snapshot",
		    "a value is out of its bounds or names nothing");
	link_escrows(in);
	operators_collect(in->l);
	return settings_take(in->l, &settings) == CPNP_OUTCOME_ACCEPTED
	    ? 0 : settle_fail(diag, CPNP_ERR_RANGE, "pools",
	              "not an account of this ledger");
}

int
cpnp_ledger_load(cpnp_ledger **ledger, const cpnp_ledger_env *env,
    cpnp_bytes snapshot, cpnp_diag *diag)
{
	uint8_t root[CPNP_SHA256_LEN];
	cpnp_bytes content, digest;
	struct load in;
	cpnp_ledger *l;
	int err;

	l = env->env.mem.alloc(env->env.mem.user, sizeof(*l));
	if (l == NULL)
		return CPNP_ERR_NOMEM;
	ledger_init(l, env);
	cpnp_cbor_rd_init(&in.rd, snapshot);
	(void)cpnp_cbor_get_array(&in.rd, 2, 2);
	content = cpnp_cbor_get_bytes(&in.rd, 1, SIZE_MAX);
	digest = cpnp_cbor_get_bytes(
	    &in.rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
	err = cpnp_cbor_rd_finish(&in.rd);
	if (err == 0)
		err = ledger_hash(l, content, root);
	if (err == 0 && memcmp(root, digest.ptr, sizeof(root)) != 0)
		err = CPNP_ERR_MISMATCH;
	if (err != 0) {
		(void)settle_fail(diag, err, "snapshot",
		    "damaged: not the bytes that its digest is of");
	} else {
		in.l = l;
		cpnp_cbor_rd_init(&in.rd, content);
		err = load_content(&in, diag);
	}
	if (err != 0) {
		cpnp_ledger_del(l);
		return err;
	}
	*ledger = l;
	return 0;
}
