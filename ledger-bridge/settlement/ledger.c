/*
 * The state machine: one entry after the other.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#include <stdio.h>

#define OUTCOMES_FIRST 64

void *
ledger_alloc(cpnp_ledger *l, size_t size)
{
	void *ptr = l->env.env.mem.alloc(l->env.env.mem.user, size);

	if (ptr == NULL)
		l->err = CPNP_ERR_NOMEM;
	else
		memset(ptr, 0, size);
	return ptr;
}

void
ledger_free(cpnp_ledger *l, void *ptr)
{
	l->env.env.mem.free(l->env.env.mem.user, ptr);
}

int
ledger_hash(const cpnp_ledger *l, cpnp_bytes bytes,
    uint8_t digest[CPNP_SHA256_LEN])
{
	return l->env.env.sha256(l->env.env.user, &bytes, 1, digest) == 0
	    ? 0 : CPNP_ERR_CRYPTO;
}

static struct cpnp_outcome *
outcome_new(cpnp_ledger *l)
{
	cpnp_outcome *outcomes;
	size_t cap;

	if (l->outcome_n == l->outcome_cap) {
		cap = l->outcome_cap == 0 ? OUTCOMES_FIRST
					  : 2 * l->outcome_cap;
		outcomes = l->env.env.mem.realloc(l->env.env.mem.user,
		    l->outcomes, cap * sizeof(*outcomes));
		if (outcomes == NULL) {
			l->err = CPNP_ERR_NOMEM;
			return NULL;
		}
		l->outcomes = outcomes;
		l->outcome_cap = cap;
	}
	memset(&l->outcomes[l->outcome_n], 0, sizeof(*l->outcomes));
	l->outcomes[l->outcome_n].position = l->position;
	return &l->outcomes[l->outcome_n++];
}

int
ledger_emit(cpnp_ledger *l, unsigned kind, unsigned code,
    const uint8_t digest[CPNP_SHA256_LEN], int64_t amount)
{
	cpnp_outcome *outcome = outcome_new(l);

	if (outcome == NULL)
		return l->err;
	outcome->kind = kind;
	outcome->code = code;
	memcpy(outcome->digest, digest, CPNP_SHA256_LEN);
	outcome->amount = amount;
	return 0;
}

#define BUYER (CPNP_ROLE_CUSTOMER | CPNP_ROLE_PROVIDER | CPNP_ROLE_BROKER)
#define SELLER (CPNP_ROLE_PROVIDER | CPNP_ROLE_BROKER)

static const struct rule rules_1[] = {
    {CPNP_OP_TICK, CPNP_ROLE_OPERATOR, do_tick, true, false},
    {CPNP_OP_HEARTBEAT, 0, do_heartbeat, true, false},
    {CPNP_OP_ANCHOR, 0, do_anchor, true, false},
    {CPNP_OP_ACCOUNT_OPEN, CPNP_ROLE_MAINTAINER | CPNP_ROLE_BROKER,
	do_account_open, false, false},
    {CPNP_OP_ACCOUNT_CLOSE, 0, do_account_close, false, false},
    {CPNP_OP_KEY_ADD, 0, do_key_add, false, false},
    {CPNP_OP_KEY_REVOKE, 0, do_key_revoke, false, false},
    {CPNP_OP_KEY_RECOVER, 0, do_key_recover, false, false},
    {CPNP_OP_ROLES, CPNP_ROLE_OPERATOR, do_roles, false, true},
    {CPNP_OP_STATUS, CPNP_ROLE_OPERATOR, do_status, false, true},
    {CPNP_OP_RULES, CPNP_ROLE_OPERATOR, do_rules, false, true},
    {CPNP_OP_SETTINGS, CPNP_ROLE_OPERATOR, do_settings, false, true},
    {CPNP_OP_TOKEN, CPNP_ROLE_ISSUER, do_token, false, false},
    {CPNP_OP_MINT, CPNP_ROLE_ISSUER, do_mint, false, false},
    {CPNP_OP_TRANSFER, 0, do_transfer, false, false},
    {CPNP_OP_AUTHORIZE, BUYER, do_authorize, false, false},
    {CPNP_OP_ACKNOWLEDGE, SELLER, do_acknowledge, false, false},
    {CPNP_OP_VOID, 0, do_void, false, false},
    {CPNP_OP_WITHDRAW, 0, do_withdraw, false, false},
    {CPNP_OP_ACTIVATE, 0, do_activate, false, false},
    {CPNP_OP_COMMIT_SET, SELLER, do_commit_set, false, false},
    {CPNP_OP_CLAIM, 0, do_claim, false, false},
    {CPNP_OP_CONFIRM, 0, do_confirm, false, false},
    {CPNP_OP_OBJECT, 0, do_object, false, false},
    {CPNP_OP_AUDIT, CPNP_ROLE_AUDITOR, do_audit, false, false},
    {CPNP_OP_CHANNEL_OPEN, BUYER, do_channel_open, false, false},
    {CPNP_OP_VOUCHER, 0, do_voucher, true, false},
    {CPNP_OP_REDEEM, 0, do_redeem, false, false},
    {CPNP_OP_CHANNEL_CLOSE, 0, do_channel_close, false, false},
    {CPNP_OP_PUBLISH, SELLER | CPNP_ROLE_NETWORK, do_publish, false, false},
    {CPNP_OP_UNPUBLISH, 0, do_unpublish, false, false},
};

static const struct edition editions[] = {
    {1, cpnp_op_decode, rules_1, sizeof(rules_1) / sizeof(rules_1[0])},
};
_Static_assert(sizeof(editions) / sizeof(editions[0]) == CPNP_RULES_VERSION,
    "an edition for each version of the rules");

void
ledger_init(cpnp_ledger *l, const cpnp_ledger_env *env)
{
	memset(l, 0, sizeof(*l));
	l->env = *env;
	l->editions = editions;
	l->edition_n = CPNP_RULES_VERSION;
}

/* The version of the rules that counts for the next entry. */
static uint64_t
rules_now(const cpnp_ledger *l)
{
	return l->rules_next != 0 && l->position >= l->rules_next_position
	    ? l->rules_next : l->rules;
}

static const struct edition *
edition_now(const cpnp_ledger *l)
{
	return &l->editions[rules_now(l) - 1];
}

static const struct rule *
rule_of(const cpnp_ledger *l, unsigned type)
{
	const struct edition *e = edition_now(l);

	for (size_t i = 0; i < e->rule_n; i++)
		if (e->rules[i].type == type)
			return &e->rules[i];
	return NULL;
}

uint64_t
ledger_roles_for(const cpnp_ledger *l, unsigned type)
{
	const struct rule *rule = rule_of(l, type);

	return rule == NULL ? 0 : rule->roles;
}

static size_t
idem_key(uint8_t *key, const struct account *account, cpnp_bytes id)
{
	return key_join(key, account_name(account), id);
}

/* Whether the operation is timely and new. */
static unsigned
check_idem(const struct call *call)
{
	uint8_t key[CPNP_ACCOUNT_MAX + 1 + CPNP_OP_KEY_MAX];
	const cpnp_ledger *l = call->ledger;
	uint64_t max;

	if (call->op->expiry <= l->time)
		return CPNP_OUTCOME_EXPIRED;
	if (call->op->expiry >
	    l->time + (int64_t)l->settings.op_seconds_max)
		return CPNP_OUTCOME_LIFE;
	if (map_find(&l->idems, key,
	    idem_key(key, call->account, call->op->idem)) != NULL)
		return CPNP_OUTCOME_DUPLICATE;
	/* who has stolen a key does not keep the recovery key out */
	max = l->settings.idem_max;
	if (call->op->type == CPNP_OP_KEY_RECOVER)
		max += CPNP_RECOVERIES_MAX;
	return call->account->idem_n < max ? CPNP_OUTCOME_ACCEPTED
					   : CPNP_OUTCOME_LIMIT;
}

/* Spent whatever comes of the operation: what was refused today cannot be
 * brought again tomorrow by somebody else. */
static void
spend_idem(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct idem *idem = ledger_alloc(l, sizeof(*idem));

	if (idem == NULL)
		return;
	idem->account = call->account;
	idem->id_len = call->op->idem.len;
	idem->timed.node.key = idem->key;
	idem->timed.node.key_len =
	    idem_key(idem->key, call->account, call->op->idem);
	map_insert(&l->idems, &idem->timed.node);
	call->account->idem_n++;
	l->err = due_set(&l->heap, &l->env.env.mem, &idem->timed, DUE_IDEM,
	    call->op->expiry);
}

static void
idem_end(cpnp_ledger *l, struct idem *idem)
{
	struct account *account = idem->account;

	account->idem_n--;
	due_clear(&l->heap, &idem->timed);
	map_remove(&l->idems, &idem->timed.node);
	ledger_free(l, idem);
	account_forget(l, account);
}

/* The key that must have signed; NULL when the account has no such key. */
static const struct account_key *
signing_key(const struct call *call, cpnp_bytes kid)
{
	const struct account *account = call->account;
	const struct channel *ch;

	if (call->op->type == CPNP_OP_KEY_RECOVER)
		return account->recovery.spki_len > 0 &&
		    memcmp(account->recovery.id, kid.ptr, CPNP_SHA256_LEN) == 0
		    ? &account->recovery : NULL;
	if (call->op->type == CPNP_OP_VOUCHER) {
		/* else a payer would withdraw its key and owe nothing */
		ch = channel_find(call->ledger, call->op->subject);
		if (ch != NULL && ch->payer == account &&
		    memcmp(ch->key.id, kid.ptr, CPNP_SHA256_LEN) == 0)
			return &ch->key;
	}
	return account_key_at(account, kid.ptr, call->ledger->position);
}

/* Everything up to the rules of the operation itself. */
static unsigned
check_call(struct call *call, struct item *item, const struct rule *rule)
{
	cpnp_ledger *l = call->ledger;

	if (memcmp(call->op->ledger, l->id, sizeof(l->id)) != 0)
		return CPNP_OUTCOME_LEDGER;
	call->account = account_find(l, call->op->account);
	if (call->account == NULL)
		return CPNP_OUTCOME_ACCOUNT;
	call->key = signing_key(call, item->kid);
	if (call->key == NULL)
		return CPNP_OUTCOME_KEY;
	/* one id, one key, one root: once for all payloads of an item, else a
	 * forged bundle costs a verification for each */
	if (!item->verified)
		item->err = item_verify(&l->env, item, call->payload,
		    (cpnp_bytes){call->key->spki, call->key->spki_len});
	item->verified = true;
	if (cpnp_error_is_fatal(item->err))
		l->err = item->err;
	if (item->err != 0)
		return CPNP_OUTCOME_SIGNATURE;
	/* it never comes back: there is no key to keep */
	if (call->account->status == CPNP_ACCOUNT_CLOSED)
		return CPNP_OUTCOME_STATUS;
	return rule->only_grows ? CPNP_OUTCOME_ACCEPTED : check_idem(call);
}

static unsigned
apply_op(struct call *call, struct item *item, const struct rule *rule)
{
	unsigned code;

	code = check_call(call, item, rule);
	if (code != CPNP_OUTCOME_ACCEPTED)
		return code;
	if (!rule->only_grows && !call->dry)
		spend_idem(call);
	if (call->ledger->err != 0)
		return CPNP_OUTCOME_LIMIT;
	/* a voucher is the payee's: the payer gave it away before */
	if (call->account->status != CPNP_ACCOUNT_ACTIVE &&
	    call->op->type != CPNP_OP_KEY_RECOVER &&
	    call->op->type != CPNP_OP_VOUCHER)
		return CPNP_OUTCOME_STATUS;
	if (rule->roles != 0 && (call->account->roles & rule->roles) == 0)
		return CPNP_OUTCOME_ROLE;
	return rule->apply(call);
}

/* One payload.  Its outcome stands before those of the events it causes, so
 * its place is taken first. */
static void
apply_payload(cpnp_ledger *l, struct item *item, cpnp_bytes payload)
{
	uint8_t digest[CPNP_SHA256_LEN];
	struct call call = {
	    .ledger = l, .payload = payload, .digest = digest};
	const struct rule *rule = NULL;
	size_t at = l->outcome_n;
	cpnp_op op;
	unsigned code;

	l->err = ledger_hash(l, payload, digest);
	if (l->err != 0 || outcome_new(l) == NULL)
		return;
	if (edition_now(l)->decode(&op, payload, NULL) == 0)
		rule = rule_of(l, op.type);
	if (rule == NULL) {
		memset(&op, 0, sizeof(op));
		code = CPNP_OUTCOME_MALFORMED;
	} else {
		call.op = &op;
		code = apply_op(&call, item, rule);
	}
	if (l->err != 0)
		return;
	l->outcomes[at].kind = op.type;
	l->outcomes[at].code = code;
	memcpy(l->outcomes[at].digest, digest, sizeof(digest));
	if (code == CPNP_OUTCOME_ACCEPTED) {
		l->outcomes[at].amount = call.amount;
		if (rule->governs)
			(void)ledger_emit(
			    l, CPNP_FACT_GOVERNED, code, digest, 0);
	}
}

static void
emit_malformed(cpnp_ledger *l, cpnp_bytes bytes)
{
	uint8_t digest[CPNP_SHA256_LEN];

	l->err = ledger_hash(l, bytes, digest);
	if (l->err == 0)
		(void)ledger_emit(l, 0, CPNP_OUTCOME_MALFORMED, digest, 0);
}

static void
apply_item(cpnp_ledger *l, struct item *item)
{
	cpnp_bytes payload;
	cpnp_cbor_rd rd;
	size_t i;

	if (item->n == 1) {
		apply_payload(l, item, item->payloads);
		return;
	}
	cpnp_cbor_rd_init(&rd, item->payloads);
	for (i = 0; i < item->n && l->err == 0; i++)
		if (item_payload(&rd, &payload) == 0)
			apply_payload(l, item, payload);
}

/* Whether the bytes are an array of items to their end, and not too many; what
 * the items are is another question. */
static bool
is_batch(cpnp_bytes batch)
{
	cpnp_cbor_rd rd;
	size_t n;

	if (batch.len > CPNP_BATCH_BYTES_MAX ||
	    batch_open(&rd, batch, &n) != 0)
		return false;
	for (; n > 0 && rd.err == 0; n--)
		(void)cpnp_cbor_get_item(&rd);
	return cpnp_cbor_rd_finish(&rd) == 0;
}

static void
apply_batch(cpnp_ledger *l, cpnp_bytes batch)
{
	struct item item;
	cpnp_cbor_rd rd;
	size_t n, i;
	int err;

	if (!is_batch(batch)) {
		emit_malformed(l, batch);
		return;
	}
	(void)batch_open(&rd, batch, &n);
	for (i = 0; i < n && l->err == 0; i++) {
		err = batch_next(&rd, &l->env.env, &item);
		if (cpnp_error_is_fatal(err))
			l->err = err;
		else if (err != 0)
			emit_malformed(l, item.raw);
		else
			apply_item(l, &item);
	}
}

/* What has become due, the earliest first. */
static void
apply_due(cpnp_ledger *l)
{
	struct timed *timed;

	while (l->err == 0 && l->heap.n > 0 &&
	    l->heap.items[0]->due.at <= l->time) {
		timed = l->heap.items[0];
		due_clear(&l->heap, timed);
		switch (timed->due.rank) {
		case DUE_IDEM:
			idem_end(l, (struct idem *)timed);
			break;
		case DUE_PROPOSAL:
			proposal_end(l, (struct proposal *)timed);
			break;
		case DUE_CLAIM:
			claim_due(l, (struct claim *)timed);
			break;
		case DUE_ESCROW:
			escrow_due(l, (struct escrow *)timed);
			break;
		case DUE_SET:
			set_void(l, (struct set *)timed);
			break;
		case DUE_CHANNEL:
			channel_end(l, (struct channel *)timed);
			break;
		case DUE_OFFER:
			offer_end(l, (struct offer *)timed);
			break;
		}
	}
}

static void
hash_outcomes(cpnp_ledger *l)
{
	uint8_t store[CPNP_OUTCOME_MAX];
	cpnp_buf buf;
	size_t i;

	for (i = 0; i < l->outcome_n && l->err == 0; i++) {
		cpnp_buf_init_fixed(&buf, store, sizeof(store));
		cpnp_outcome_encode(&l->outcomes[i], &buf);
		l->err = buf.err != 0 ? buf.err
				      : frontier_push(&l->frontier,
					    &l->env.env, cpnp_buf_bytes(&buf));
	}
}

/* Whether the state can go on, and under rules that are known. */
static int
check_state(const cpnp_ledger *l, cpnp_diag *diag)
{
	char why[sizeof(((cpnp_diag *)0)->why)];

	if (l->err != 0)
		return settle_fail(diag, l->err, "ledger",
		    "it failed before and must be loaded again");
	if (rules_now(l) <= l->edition_n)
		return 0;
	(void)snprintf(why, sizeof(why),
	    "from position %llu on the rules are version %llu; this program "
	    "knows versions up to %zu: install a newer one",
	    (unsigned long long)l->rules_next_position,
	    (unsigned long long)l->rules_next, l->edition_n);
	return settle_fail(diag, CPNP_ERR_VERSION, "rules", why);
}

/* Whether this entry follows. */
static int
check_entry(const cpnp_ledger *l, const cpnp_log_entry *entry, cpnp_diag *diag)
{
	char why[sizeof(((cpnp_diag *)0)->why)];

	if (entry->position != l->position) {
		(void)snprintf(why, sizeof(why), "position %llu is next",
		    (unsigned long long)l->position);
		return settle_fail(diag, CPNP_ERR_STATE, "position", why);
	}
	if (memcmp(entry->prev, l->head, sizeof(l->head)) != 0)
		return settle_fail(diag, CPNP_ERR_MISMATCH, "entry",
		    "it does not follow the one before: the past of this log "
		    "has changed");
	return check_state(l, diag);
}

int
cpnp_ledger_apply(
    cpnp_ledger *l, const cpnp_log_entry *entry, cpnp_diag *diag)
{
	uint8_t head[CPNP_SHA256_LEN];
	int err;

	err = check_entry(l, entry, diag);
	if (err == 0)
		err = cpnp_log_entry_hash(&l->env.env, entry, head);
	if (err != 0)
		return err;
	if (rules_now(l) != l->rules) {
		l->rules = l->rules_next;
		l->rules_next = l->rules_next_position = 0;
	}
	l->outcome_n = 0;
	apply_batch(l, entry->batch);
	apply_due(l);
	hash_outcomes(l);
	if (l->err != 0)
		return settle_fail(
		    diag, l->err, "ledger", cpnp_strerror(l->err));
	memcpy(l->head, head, sizeof(head));
	l->position++;
	return 0;
}

/* The key with which an item asks to be verified, if the account that its
 * first operation names has it. */
static const struct account_key *
item_key(cpnp_ledger *l, const struct item *item, cpnp_bytes payload)
{
	struct call call = {.ledger = l, .payload = payload, .dry = true};
	cpnp_op op;

	if (edition_now(l)->decode(&op, payload, NULL) != 0)
		return NULL;
	call.op = &op;
	call.account = account_find(l, op.account);
	return call.account == NULL ? NULL : signing_key(&call, item->kid);
}

int
cpnp_ledger_verify(const cpnp_ledger *ledger, const cpnp_log_entry *entry)
{
	cpnp_ledger *l = (cpnp_ledger *)(uintptr_t)ledger; /* dry */
	const struct account_key *key;
	cpnp_bytes payload;
	cpnp_cbor_rd rd, in;
	struct item item;
	size_t n, i;
	int err = 0;

	/* nothing here reads l->err, which a question sets */
	if (rules_now(l) > l->edition_n || !is_batch(entry->batch))
		return 0;
	(void)batch_open(&rd, entry->batch, &n);
	for (i = 0; i < n && !cpnp_error_is_fatal(err); i++) {
		err = batch_next(&rd, &l->env.env, &item);
		if (err != 0)
			continue;
		payload = item.payloads;
		if (item.n > 1) {
			cpnp_cbor_rd_init(&in, item.payloads);
			(void)item_payload(&in, &payload);
		}
		key = item_key(l, &item, payload);
		if (key != NULL)
			err = item_verify(&l->env, &item, payload,
			    (cpnp_bytes){key->spki, key->spki_len});
	}
	return cpnp_error_is_fatal(err) ? err : 0;
}

int
cpnp_ledger_check(cpnp_ledger *l, cpnp_bytes signed_op, cpnp_outcome *outcome,
    cpnp_diag *diag)
{
	struct item item = {.raw = signed_op};
	struct call call = {.ledger = l, .digest = outcome->digest,
	    .dry = true};
	const struct rule *rule = NULL;
	cpnp_op op;
	int err;

	if (diag != NULL)
		memset(diag, 0, sizeof(*diag));
	memset(outcome, 0, sizeof(*outcome));
	outcome->position = l->position;
	outcome->code = CPNP_OUTCOME_MALFORMED;
	err = check_state(l, diag);
	if (err != 0)
		return err;
	err = item_read_single(&l->env.env, &item);
	call.payload = err == 0 ? item.payloads : signed_op;
	if (!cpnp_error_is_fatal(err))
		err = ledger_hash(l, call.payload, outcome->digest);
	if (err != 0)
		return err;
	if (item.n == 1 &&
	    edition_now(l)->decode(&op, item.payloads, diag) == 0)
		rule = rule_of(l, op.type);
	if (rule != NULL) {
		call.op = &op;
		outcome->kind = op.type;
		outcome->code = apply_op(&call, &item, rule);
		err = l->err; /* nothing has changed: no reason to fail later */
		l->err = 0;
	}
	if (err == 0 && outcome->code == CPNP_OUTCOME_ACCEPTED)
		outcome->amount = call.amount;
	else if (err == 0)
		outcome_explain(&call, outcome->code, diag);
	return err;
}

void
cpnp_ledger_outcomes(
    const cpnp_ledger *l, const cpnp_outcome **outcomes, size_t *n)
{
	*outcomes = l->outcomes;
	*n = l->outcome_n;
}

int
cpnp_ledger_new(cpnp_ledger **ledger, const cpnp_ledger_env *env,
    cpnp_bytes genesis, cpnp_diag *diag)
{
	cpnp_ledger *l;
	int err;

	l = env->env.mem.alloc(env->env.mem.user, sizeof(*l));
	if (l == NULL)
		return CPNP_ERR_NOMEM;
	ledger_init(l, env);
	err = genesis_apply(l, genesis, diag);
	if (err != 0) {
		cpnp_ledger_del(l);
		return err;
	}
	*ledger = l;
	return 0;
}

/* Free a tree of nodes, each of which begins what was allocated. */
static void
free_nodes(cpnp_ledger *l, struct node *node)
{
	if (node == NULL)
		return;
	free_nodes(l, node->left);
	free_nodes(l, node->right);
	ledger_free(l, node);
}

void
cpnp_ledger_del(cpnp_ledger *l)
{
	if (l == NULL)
		return;
	free_nodes(l, l->accounts.root);
	free_nodes(l, l->tokens.root);
	free_nodes(l, l->balances.root);
	free_nodes(l, l->idems.root);
	free_nodes(l, l->proposals.root);
	free_nodes(l, l->escrows.root);
	free_nodes(l, l->sets.root);
	free_nodes(l, l->claims.root);
	free_nodes(l, l->channels.root);
	free_nodes(l, l->offers.root);
	free_nodes(l, l->anchors.root);
	ledger_free(l, l->heap.items);
	ledger_free(l, l->outcomes);
	ledger_free(l, l);
}
