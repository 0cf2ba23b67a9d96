/*
 * Questions to a ledger.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

static cpnp_bytes
hash_bytes(const uint8_t hash[CPNP_SHA256_LEN])
{
	return (cpnp_bytes){hash, CPNP_SHA256_LEN};
}

static cpnp_wtime
wtime(int64_t sec)
{
	return (cpnp_wtime){sec};
}

static cpnp_wtime
due_of(const struct timed *timed)
{
	return wtime(timed->due.index == 0 ? CPNP_WTIME_MAX : timed->due.at);
}

int
cpnp_ledger_get_info(const cpnp_ledger *l, cpnp_ledger_info *info)
{
	memset(info, 0, sizeof(*info));
	if (l->err != 0)
		return l->err;
	memcpy(info->id, l->id, sizeof(info->id));
	info->name = cpnp_bytes_str(l->name);
	info->position = l->position;
	memcpy(info->head, l->head, sizeof(info->head));
	info->rules = l->rules;
	info->rules_next = l->rules_next;
	info->rules_next_position = l->rules_next_position;
	info->time = wtime(l->time);
	info->outcome_n = l->frontier.size;
	info->open_n = l->escrows.n + l->channels.n + l->claims.n + l->sets.n;
	info->idem_n = l->idems.n;
	info->settings = l->settings;
	return frontier_root(&l->frontier, &l->env.env, info->outcome_root);
}

cpnp_wtime
cpnp_ledger_time(const cpnp_ledger *l)
{
	return wtime(l->time);
}

static void
view_account(const cpnp_ledger *l, const struct account *a,
    cpnp_account_view *view)
{
	cpnp_rating rating;
	size_t i;

	memset(view, 0, sizeof(*view));
	view->name = account_name(a);
	view->roles = a->roles;
	view->status = a->status;
	if (a->broker != NULL)
		view->broker = account_name(a->broker);
	view->opened_at = a->opened_at;
	view->last_seen = wtime(a->last_seen);
	rating_of(l, a, &rating);
	view->rating = rating.rating;
	view->eligible = a->status == CPNP_ACCOUNT_ACTIVE &&
	    rating.rating >= rating.bound;
	view->key_n = a->key_n;
	for (i = 0; i < a->key_n; i++) {
		memcpy(view->keys[i].id, a->keys[i].id, CPNP_SHA256_LEN);
		view->keys[i].from = a->keys[i].from;
		view->keys[i].to = a->keys[i].to;
	}
	view->has_recovery = a->recovery.spki_len > 0;
	view->open_n = a->open_n;
	view->offer_n = a->offer_n;
	view->idem_n = a->idem_n;
}

int
cpnp_ledger_get_account(
    const cpnp_ledger *l, cpnp_bytes name, cpnp_account_view *view)
{
	const struct account *account = account_find(l, name);

	if (account == NULL)
		return CPNP_ERR_NOT_FOUND;
	view_account(l, account, view);
	return 0;
}

int
cpnp_ledger_each_account(const cpnp_ledger *l,
    int (*visit)(void *user, const cpnp_account_view *view), void *user)
{
	cpnp_account_view view;
	const struct node *node;
	int err = 0;

	for (node = map_first(&l->accounts); node != NULL && err == 0;
	     node = map_next(&l->accounts, node)) {
		view_account(l, (const struct account *)node, &view);
		err = visit(user, &view);
	}
	return err;
}

static void
view_token(const struct token *token, cpnp_token_view *view)
{
	view->issuer = account_name(token->issuer);
	view->code = cpnp_bytes_str(token->code);
	view->exponent = token->exponent;
	view->supply = token->supply;
}

int
cpnp_ledger_get_token(const cpnp_ledger *l, cpnp_bytes issuer,
    cpnp_bytes code, cpnp_token_view *view)
{
	const struct token *token = token_find(l, issuer, code);

	if (token == NULL)
		return CPNP_ERR_NOT_FOUND;
	view_token(token, view);
	return 0;
}

int
cpnp_ledger_each_token(const cpnp_ledger *l,
    int (*visit)(void *user, const cpnp_token_view *view), void *user)
{
	cpnp_token_view view;
	const struct node *node;
	int err = 0;

	for (node = map_first(&l->tokens); node != NULL && err == 0;
	     node = map_next(&l->tokens, node)) {
		view_token((const struct token *)node, &view);
		err = visit(user, &view);
	}
	return err;
}

static void
view_balance(const struct account *account, const struct token *token,
    const struct balance *balance, cpnp_balance *view)
{
	view->account = account_name(account);
	view->issuer = account_name(token->issuer);
	view->code = cpnp_bytes_str(token->code);
	view->exponent = token->exponent;
	view->free = balance == NULL ? 0 : balance->free;
	view->held = balance == NULL ? 0 : balance->held;
}

int
cpnp_ledger_get_balance(const cpnp_ledger *l, cpnp_bytes account,
    cpnp_bytes issuer, cpnp_bytes code, cpnp_balance *view)
{
	const struct account *owner = account_find(l, account);
	const struct token *token = token_find(l, issuer, code);

	if (owner == NULL || token == NULL)
		return CPNP_ERR_NOT_FOUND;
	view_balance(owner, token, balance_find(l, owner, token), view);
	return 0;
}

int
cpnp_ledger_each_balance(const cpnp_ledger *l, cpnp_bytes account,
    int (*visit)(void *user, const cpnp_balance *balance), void *user)
{
	const struct balance *balance;
	const struct node *node;
	cpnp_balance view;
	int err = 0;

	for (node = map_first(&l->balances); node != NULL && err == 0;
	     node = map_next(&l->balances, node)) {
		balance = (const struct balance *)node;
		if (account.len > 0 && !cpnp_bytes_equal(
		    account, account_name(balance->account)))
			continue;
		view_balance(
		    balance->account, balance->token, balance, &view);
		err = visit(user, &view);
	}
	return err;
}

const char *
cpnp_escrow_state_name(cpnp_escrow_state state)
{
	switch (state) {
	case CPNP_ESCROW_PENDING:
		return "pending";
	case CPNP_ESCROW_ACKNOWLEDGED:
		return "acknowledged";
	case CPNP_ESCROW_POSTED:
		return "posted";
	case CPNP_ESCROW_ENDED:
		return "ended";
	case CPNP_ESCROW_DISPUTED:
		return "disputed";
	}
	return "?";
}

static void
view_claims(const struct escrow *e, cpnp_escrow_view *view)
{
	const struct claim *claim;

	for (claim = e->claims; claim != NULL; claim = claim->next) {
		if (claim->state == CPNP_CLAIM_UPHELD)
			view->credits += claim->credit;
		else if (claim->state != CPNP_CLAIM_REJECTED)
			view->disputed += claim->credit;
	}
}

static void
view_escrow(
    const cpnp_ledger *l, const struct escrow *e, cpnp_escrow_view *view)
{
	memset(view, 0, sizeof(*view));
	memcpy(view->id, e->id, sizeof(view->id));
	view->state = e->state;
	view->payer = account_name(e->payer);
	view->payee = account_name(e->payee);
	view->issuer = account_name(e->token->issuer);
	view->code = cpnp_bytes_str(e->token->code);
	view->exponent = e->token->exponent;
	view->amount = e->amount;
	view->fee = e->fee;
	view->locked = e->state == CPNP_ESCROW_DISPUTED ? e->disputed
							: e->amount + e->fee;
	memcpy(view->order, e->order, sizeof(view->order));
	view->has_set = e->has_set;
	memcpy(view->set, e->set_id, sizeof(view->set));
	view->has_replaces = e->has_replaces;
	memcpy(view->replaces, e->replaces, sizeof(view->replaces));
	view->expiry = wtime(e->set != NULL ? e->set->deadline : e->expiry);
	view->start = wtime(e->start);
	view->duration = e->duration;
	if (e->state == CPNP_ESCROW_POSTED)
		view->used = escrow_used(e, l->time);
	else
		view->used = e->used;
	view->idle = e->idle_by_payer || e->idle_by_payee;
	view->idle_by_payer = e->idle_by_payer;
	view_claims(e, view);
	view->posted_at = e->posted_at;
	view->due = e->set != NULL ? view->expiry : due_of(&e->timed);
}

int
cpnp_ledger_get_escrow(const cpnp_ledger *l,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_escrow_view *view)
{
	const struct escrow *e = escrow_find(l, hash_bytes(id));

	if (e == NULL)
		return CPNP_ERR_NOT_FOUND;
	view_escrow(l, e, view);
	return 0;
}

static bool
is_party(cpnp_bytes account, const struct account *payer,
    const struct account *payee)
{
	return account.len == 0 ||
	    cpnp_bytes_equal(account, account_name(payer)) ||
	    cpnp_bytes_equal(account, account_name(payee));
}

int
cpnp_ledger_each_escrow(const cpnp_ledger *l, cpnp_bytes account,
    int (*visit)(void *user, const cpnp_escrow_view *view), void *user)
{
	cpnp_escrow_view view;
	const struct escrow *e;
	const struct node *node;
	int err = 0;

	for (node = map_first(&l->escrows); node != NULL && err == 0;
	     node = map_next(&l->escrows, node)) {
		e = (const struct escrow *)node;
		if (!is_party(account, e->payer, e->payee))
			continue;
		view_escrow(l, e, &view);
		err = visit(user, &view);
	}
	return err;
}

int
cpnp_ledger_get_set(const cpnp_ledger *l, const uint8_t id[CPNP_SHA256_LEN],
    cpnp_set_view *view)
{
	const struct set *set = set_find(l, hash_bytes(id));
	const struct escrow *e;

	if (set == NULL)
		return CPNP_ERR_NOT_FOUND;
	memset(view, 0, sizeof(*view));
	memcpy(view->id, set->id, sizeof(view->id));
	view->head = account_name(set->head);
	view->deadline = wtime(set->deadline);
	view->has_upper = set->upper != NULL;
	if (view->has_upper)
		memcpy(view->upper, set->upper->id, sizeof(view->upper));
	view->member_n = set->member_n;
	for (size_t i = 0; i < set->member_n; i++) {
		e = set->members[i].escrow;
		if (e != NULL && e->state == CPNP_ESCROW_PENDING)
			view->pending_n++;
		else if (e != NULL)
			view->acknowledged_n++;
	}
	view->complete = set_is_complete(set);
	return 0;
}

static void
view_claim(const struct claim *claim, cpnp_claim_view *view)
{
	memset(view, 0, sizeof(*view));
	memcpy(view->id, claim->id, sizeof(view->id));
	memcpy(view->escrow, claim->escrow->id, sizeof(view->escrow));
	view->state = claim->state;
	if (claim->auditor != NULL)
		view->auditor = account_name(claim->auditor);
	view->metric = claim->metric;
	view->from = wtime(claim->from);
	view->to = wtime(claim->to);
	view->value = claim->value;
	view->credit = claim->credit;
	view->default_upheld = claim->default_upheld;
	view->due = due_of(&claim->timed);
}

int
cpnp_ledger_get_claim(const cpnp_ledger *l, const uint8_t id[CPNP_SHA256_LEN],
    cpnp_claim_view *view)
{
	const struct node *node = map_find(&l->claims, id, CPNP_SHA256_LEN);

	if (node == NULL)
		return CPNP_ERR_NOT_FOUND;
	view_claim((const struct claim *)node, view);
	return 0;
}

int
cpnp_ledger_each_claim(const cpnp_ledger *l,
    const uint8_t escrow[CPNP_SHA256_LEN],
    int (*visit)(void *user, const cpnp_claim_view *view), void *user)
{
	const struct escrow *e = escrow_find(l, hash_bytes(escrow));
	const struct claim *claim;
	cpnp_claim_view view;
	int err = 0;

	if (e == NULL)
		return CPNP_ERR_NOT_FOUND;
	for (claim = e->claims; claim != NULL && err == 0;
	     claim = claim->next) {
		view_claim(claim, &view);
		err = visit(user, &view);
	}
	return err;
}

static void
view_channel(const struct channel *ch, cpnp_channel_view *view)
{
	memset(view, 0, sizeof(*view));
	memcpy(view->id, ch->id, sizeof(view->id));
	view->payer = account_name(ch->payer);
	view->payee = account_name(ch->payee);
	view->issuer = account_name(ch->token->issuer);
	view->code = cpnp_bytes_str(ch->token->code);
	view->amount = ch->amount;
	view->claimed = ch->claimed;
	view->has_chain = ch->has_chain;
	view->unit = ch->unit;
	view->count = ch->count;
	view->closing = ch->closing;
	view->due = due_of(&ch->timed);
}

int
cpnp_ledger_get_channel(const cpnp_ledger *l,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_channel_view *view)
{
	const struct node *node = map_find(&l->channels, id, CPNP_SHA256_LEN);

	if (node == NULL)
		return CPNP_ERR_NOT_FOUND;
	view_channel((const struct channel *)node, view);
	return 0;
}

int
cpnp_ledger_each_channel(const cpnp_ledger *l, cpnp_bytes account,
    int (*visit)(void *user, const cpnp_channel_view *view), void *user)
{
	const struct channel *ch;
	cpnp_channel_view view;
	const struct node *node;
	int err = 0;

	for (node = map_first(&l->channels); node != NULL && err == 0;
	     node = map_next(&l->channels, node)) {
		ch = (const struct channel *)node;
		if (!is_party(account, ch->payer, ch->payee))
			continue;
		view_channel(ch, &view);
		err = visit(user, &view);
	}
	return err;
}

static bool
is_eligible(const cpnp_ledger *l, const struct account *account)
{
	cpnp_rating rating;

	rating_of(l, account, &rating);
	return account->status == CPNP_ACCOUNT_ACTIVE &&
	    rating.rating >= rating.bound;
}

static void
view_offer(
    const cpnp_ledger *l, const struct offer *offer, cpnp_offer_view *view)
{
	const struct account *payee = offer_payee(offer);

	memset(view, 0, sizeof(*view));
	view->publisher = account_name(offer->publisher);
	view->id = (cpnp_bytes){offer->id, offer->id_len};
	view->payee = account_name(payee);
	view->kind = (enum cpnp_offer_kind)offer->kind;
	view->ingress = cpnp_bytes_str(offer->ingress);
	view->egress = cpnp_bytes_str(offer->egress);
	view->delay = offer->delay;
	view->capacity = offer->capacity;
	view->for_sale = offer->token != NULL;
	if (view->for_sale) {
		view->issuer = account_name(offer->token->issuer);
		view->code = cpnp_bytes_str(offer->token->code);
		view->price = offer->price;
		view->duration = offer->duration;
	}
	view->from = wtime(offer->from);
	view->to = wtime(offer->to);
	if (offer->has_document)
		view->document = hash_bytes(offer->document);
	view->until = wtime(offer->until);
	/* a pseudonym stands under its broker's name: both must be good */
	view->eligible = is_eligible(l, offer->publisher) &&
	    (payee == offer->publisher || is_eligible(l, payee));
}

int
cpnp_ledger_get_offer(const cpnp_ledger *l, cpnp_bytes publisher,
    cpnp_bytes id, cpnp_offer_view *view)
{
	const struct offer *offer = offer_find(l, publisher, id);

	if (offer == NULL)
		return CPNP_ERR_NOT_FOUND;
	view_offer(l, offer, view);
	return 0;
}

int
cpnp_ledger_each_offer(const cpnp_ledger *l, cpnp_bytes publisher,
    int (*visit)(void *user, const cpnp_offer_view *view), void *user)
{
	const struct offer *offer;
	const struct node *node;
	cpnp_offer_view view;
	int err = 0;

	for (node = map_first(&l->offers); node != NULL && err == 0;
	     node = map_next(&l->offers, node)) {
		offer = (const struct offer *)node;
		if (publisher.len > 0 && !cpnp_bytes_equal(
		    publisher, account_name(offer->publisher)))
			continue;
		view_offer(l, offer, &view);
		err = visit(user, &view);
	}
	return err;
}

int
cpnp_ledger_get_anchor(const cpnp_ledger *l, cpnp_bytes account,
    cpnp_bytes origin, cpnp_anchor_view *view)
{
	uint8_t key[sizeof(((struct anchor *)0)->key)];
	const struct anchor *anchor;

	if (account.len == 0 || account.len > CPNP_ACCOUNT_MAX ||
	    origin.len > sizeof(key) - CPNP_ACCOUNT_MAX - 1)
		return CPNP_ERR_NOT_FOUND;
	anchor = (const struct anchor *)map_find(
	    &l->anchors, key, key_join(key, account, origin));
	if (anchor == NULL)
		return CPNP_ERR_NOT_FOUND;
	view->account = account_name(anchor->account);
	view->origin = (cpnp_bytes){anchor->key + anchor->node.key_len -
	    anchor->origin_len, anchor->origin_len};
	view->size = anchor->size;
	memcpy(view->root, anchor->root, sizeof(view->root));
	view->position = anchor->position;
	view->time = wtime(anchor->time);
	return 0;
}

int
cpnp_ledger_get_rating(
    const cpnp_ledger *l, cpnp_bytes account, cpnp_rating *rating)
{
	const struct account *a = account_find(l, account);

	if (a == NULL)
		return CPNP_ERR_NOT_FOUND;
	rating_of(l, a, rating);
	return 0;
}
