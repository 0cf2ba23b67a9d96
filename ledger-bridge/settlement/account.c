/*
 * Accounts, their keys, and what tells that they are there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

/* What a maintainer may give; the others take governance. */
#define ROLES_OPEN                                                             \
	(CPNP_ROLE_CUSTOMER | CPNP_ROLE_PROVIDER | CPNP_ROLE_BROKER |          \
	    CPNP_ROLE_NETWORK)
#define ROLES_PSEUDONYM (CPNP_ROLE_PROVIDER | CPNP_ROLE_NETWORK)

cpnp_bytes
account_name(const struct account *account)
{
	return (cpnp_bytes){
	    (const uint8_t *)account->name, account->node.key_len};
}

struct account *
account_find(const cpnp_ledger *l, cpnp_bytes name)
{
	return (struct account *)map_find(&l->accounts, name.ptr, name.len);
}

struct account *
account_new(cpnp_ledger *l, cpnp_bytes name)
{
	struct account *account = ledger_alloc(l, sizeof(*account));

	if (account == NULL)
		return NULL;
	memcpy(account->name, name.ptr, name.len);
	account->node.key = (const uint8_t *)account->name;
	account->node.key_len = name.len;
	account->opened_at = l->position;
	map_insert(&l->accounts, &account->node);
	return account;
}

int
account_key_set(const cpnp_ledger *l, struct account_key *key, cpnp_bytes spki)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->spki, spki.ptr, spki.len);
	key->spki_len = spki.len;
	key->to = UINT64_MAX;
	return ledger_hash(l, spki, key->id);
}

const struct account_key *
account_key_at(const struct account *account, const uint8_t *id,
    uint64_t position)
{
	const struct account_key *key;

	for (size_t i = 0; i < account->key_n; i++) {
		key = &account->keys[i];
		if (memcmp(key->id, id, CPNP_SHA256_LEN) == 0 &&
		    key->from <= position && position < key->to)
			return key;
	}
	return NULL;
}

void
operators_collect(cpnp_ledger *l)
{
	struct account *account;
	struct node *node;

	l->operator_n = 0;
	for (node = map_first(&l->accounts); node != NULL;
	     node = map_next(&l->accounts, node)) {
		account = (struct account *)node;
		if ((account->roles & CPNP_ROLE_OPERATOR) != 0 &&
		    account->status == CPNP_ACCOUNT_ACTIVE &&
		    l->operator_n < OPERATORS_MAX)
			l->operators[l->operator_n++] = account;
	}
}

unsigned
do_account_open(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	bool pseudonym = op->pseudonym;
	struct account *account;
	uint64_t need, allowed;
	int err;

	need = pseudonym ? CPNP_ROLE_BROKER : CPNP_ROLE_MAINTAINER;
	allowed = pseudonym ? ROLES_PSEUDONYM : ROLES_OPEN;
	if ((call->account->roles & need) == 0 || (op->roles & ~allowed) != 0)
		return CPNP_OUTCOME_ROLE;
	if (account_find(l, op->peer) != NULL)
		return CPNP_OUTCOME_EXISTS;
	if (pseudonym && call->account->pseudonym_n >= l->settings.offers_max)
		return CPNP_OUTCOME_LIMIT;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	account = account_new(l, op->peer);
	if (account == NULL)
		return CPNP_OUTCOME_LIMIT;
	account->roles = op->roles;
	account->last_seen = l->time;
	account->key_n = 1;
	err = account_key_set(l, &account->keys[0], op->key);
	if (err == 0 && op->recovery.len > 0)
		err = account_key_set(l, &account->recovery, op->recovery);
	if (err != 0)
		l->err = err;
	if (pseudonym) {
		account->broker = call->account;
		call->account->pseudonym_n++;
	}
	return CPNP_OUTCOME_ACCEPTED;
}

static bool
is_pool(const cpnp_ledger *l, const struct account *account)
{
	for (size_t i = 0; i < l->settings.pool_n; i++)
		if (account_find(l, l->settings.pools[i].account) == account)
			return true;
	return false;
}

static bool
has_balance(const cpnp_ledger *l, const struct account *account)
{
	const struct node *node;

	/* the name with its NUL is a prefix of no other account's keys */
	node = map_from(
	    &l->balances, account->name, account->node.key_len + 1);
	return node != NULL &&
	    ((const struct balance *)node)->account == account;
}

/* An operator may go when enough of them stay. */
static bool
can_spare(const cpnp_ledger *l, const struct account *account)
{
	return (account->roles & CPNP_ROLE_OPERATOR) == 0 ||
	    account->status != CPNP_ACCOUNT_ACTIVE ||
	    l->operator_n > l->settings.quorum;
}

unsigned
do_account_close(struct call *call)
{
	struct account *account = call->account;
	cpnp_ledger *l = call->ledger;

	if (account->part_n > 0 || account->offer_n > 0 ||
	    account->pseudonym_n > 0 || is_pool(l, account) ||
	    has_balance(l, account))
		return CPNP_OUTCOME_STATE;
	if (!can_spare(l, account))
		return CPNP_OUTCOME_LIMIT;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	account->status = CPNP_ACCOUNT_CLOSED;
	if (account->broker != NULL)
		account->broker->pseudonym_n--;
	if ((account->roles & CPNP_ROLE_OPERATOR) != 0)
		operators_collect(l);
	return CPNP_OUTCOME_ACCEPTED;
}

static struct anchor *
anchor_first(const cpnp_ledger *l, const struct account *account)
{
	struct node *node;

	node = map_from(&l->anchors, account->name, account->node.key_len + 1);
	return node != NULL && ((struct anchor *)node)->account == account
	    ? (struct anchor *)node : NULL;
}

void
account_forget(cpnp_ledger *l, struct account *account)
{
	struct anchor *anchor;

	/* others stay: tokens, settings and votes may name them */
	if (account->broker == NULL || account->idem_n > 0 ||
	    account->status != CPNP_ACCOUNT_CLOSED || account->part_n > 0 ||
	    account->offer_n > 0 || is_pool(l, account) ||
	    has_balance(l, account))
		return;
	while ((anchor = anchor_first(l, account)) != NULL) {
		map_remove(&l->anchors, &anchor->node);
		ledger_free(l, anchor);
	}
	map_remove(&l->accounts, &account->node);
	ledger_free(l, account);
}

/* The position that an operation names, or the next one. */
static bool
position_of(const struct call *call, uint64_t *position)
{
	uint64_t next = call->ledger->position + 1;

	*position = next;
	if ((call->op->has & CPNP_OP_FIELD_BIT(POSITION)) != 0)
		*position = call->op->position;
	return *position >= next;
}

unsigned
do_key_add(struct call *call)
{
	struct account *account = call->account;
	cpnp_ledger *l = call->ledger;
	struct account_key key;
	uint64_t from;
	size_t i, slot = CPNP_ACCOUNT_KEYS_MAX;

	if (!position_of(call, &from))
		return CPNP_OUTCOME_TIME;
	if (account_key_set(l, &key, call->op->key) != 0) {
		l->err = CPNP_ERR_CRYPTO;
		return CPNP_OUTCOME_LIMIT;
	}
	key.from = from;
	for (i = 0; i < account->key_n; i++) {
		/* the place of a key that is over may be taken */
		if (account->keys[i].to <= l->position)
			slot = slot < i ? slot : i;
		else if (memcmp(account->keys[i].id, key.id,
		    sizeof(key.id)) == 0)
			return CPNP_OUTCOME_EXISTS;
	}
	if (slot == CPNP_ACCOUNT_KEYS_MAX) {
		if (account->key_n == CPNP_ACCOUNT_KEYS_MAX)
			return CPNP_OUTCOME_LIMIT;
		slot = account->key_n;
	}
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	if (slot == account->key_n)
		account->key_n++;
	account->keys[slot] = key;
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_key_revoke(struct call *call)
{
	struct account *account = call->account;
	struct account_key *key = NULL;
	uint64_t to;
	size_t i, others = 0;

	if (!position_of(call, &to))
		return CPNP_OUTCOME_TIME;
	for (i = 0; i < account->key_n; i++) {
		if (account->keys[i].to <= call->ledger->position)
			continue;
		if (memcmp(account->keys[i].id, call->op->key_id.ptr,
		    CPNP_SHA256_LEN) == 0)
			key = &account->keys[i];
		else if (account->keys[i].to == UINT64_MAX)
			others++;
	}
	if (key == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	/* nobody locks himself out for good */
	if (others == 0 && account->recovery.spki_len == 0)
		return CPNP_OUTCOME_STATE;
	if (to >= key->to)
		return CPNP_OUTCOME_STALE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	key->to = to;
	return CPNP_OUTCOME_ACCEPTED;
}

/* Signed with the recovery key.  All other keys end here and now. */
unsigned
do_key_recover(struct call *call)
{
	struct account *account = call->account;
	cpnp_ledger *l = call->ledger;
	int err;

	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	account->key_n = 1;
	err = account_key_set(l, &account->keys[0], call->op->key);
	account->keys[0].from = l->position;
	if (err == 0 && call->op->recovery.len > 0)
		err = account_key_set(
		    l, &account->recovery, call->op->recovery);
	if (err != 0)
		l->err = err;
	return CPNP_OUTCOME_ACCEPTED;
}

/* Presence counts in 1/1024 hours; what is rounded off is not lost, since
 * both ends are rounded alike. */
static void
note_presence(cpnp_ledger *l, struct account *account)
{
	int64_t gap = l->time - account->last_seen;

	if (gap > 0 && (uint64_t)gap <= l->settings.heartbeat_seconds)
		rating_note(l, account, CPNP_RATING_ONLINE,
		    (uint64_t)(l->time * 1024 / 3600 -
			account->last_seen * 1024 / 3600));
	account->last_seen = l->time;
}

/*
 * Ledger time is the lower median of the newest ticks of all operators, who
 * count as silent since ever before their first: more than half of them must
 * have seen a moment before it has come.
 */
static int64_t
median_tick(const cpnp_ledger *l)
{
	int64_t ticks[OPERATORS_MAX], tick;
	size_t i, j;

	for (i = 0; i < l->operator_n; i++) {
		tick = l->operators[i]->tick;
		for (j = i; j > 0 && ticks[j - 1] > tick; j--)
			ticks[j] = ticks[j - 1];
		ticks[j] = tick;
	}
	return l->operator_n == 0 ? 0 : ticks[(l->operator_n - 1) / 2];
}

unsigned
do_tick(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	int64_t median;

	if (call->op->time <= call->account->tick)
		return CPNP_OUTCOME_STALE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	call->account->tick = call->op->time;
	median = median_tick(l);
	if (median > l->time)
		l->time = median;
	note_presence(l, call->account);
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_heartbeat(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	int64_t span = (int64_t)l->settings.heartbeat_seconds;
	int64_t time = call->op->time;

	if (time <= call->account->heartbeat)
		return CPNP_OUTCOME_STALE;
	if (time > l->time + span || time < l->time - span)
		return CPNP_OUTCOME_TIME;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	call->account->heartbeat = time;
	note_presence(l, call->account);
	return CPNP_OUTCOME_ACCEPTED;
}

static size_t
anchor_count(const cpnp_ledger *l, const struct account *account)
{
	const struct anchor *anchor = anchor_first(l, account);
	size_t n = 0;

	for (; anchor != NULL && anchor->account == account;
	     anchor = (const struct anchor *)map_next(
		 &l->anchors, &anchor->node))
		n++;
	return n;
}

unsigned
do_anchor(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	uint8_t key[sizeof(((struct anchor *)0)->key)];
	struct anchor *anchor;
	size_t len;

	len = key_join(key, account_name(call->account), op->origin);
	anchor = (struct anchor *)map_find(&l->anchors, key, len);
	if (anchor != NULL && op->size <= anchor->size)
		return CPNP_OUTCOME_STALE;
	if (anchor == NULL &&
	    anchor_count(l, call->account) >= CPNP_ANCHORS_MAX)
		return CPNP_OUTCOME_LIMIT;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	if (anchor == NULL) {
		anchor = ledger_alloc(l, sizeof(*anchor));
		if (anchor == NULL)
			return CPNP_OUTCOME_LIMIT;
		memcpy(anchor->key, key, len);
		anchor->node.key = anchor->key;
		anchor->node.key_len = len;
		anchor->account = call->account;
		anchor->origin_len = op->origin.len;
		map_insert(&l->anchors, &anchor->node);
	}
	anchor->size = op->size;
	memcpy(anchor->root, op->root.ptr, sizeof(anchor->root));
	anchor->position = l->position;
	anchor->time = l->time;
	return CPNP_OUTCOME_ACCEPTED;
}
