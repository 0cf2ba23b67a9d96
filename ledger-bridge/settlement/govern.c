/*
 * Governance: a change takes effect with the signature that makes the quorum.
 * Signatures for equal changes count together, whoever made the operation.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

/* What names a proposal: the change without who wants it and until when. */
static int
proposal_id(const struct call *call, uint8_t id[CPNP_SHA256_LEN])
{
	uint8_t store[CPNP_OP_MAX];
	cpnp_op op = *call->op;
	cpnp_buf buf;
	int err;

	op.account = CPNP_BYTES_LIT("-");
	op.idem = CPNP_BYTES_LIT("-");
	op.expiry = 0;
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = cpnp_op_encode(&op, &buf, NULL);
	return err != 0 ? err
			: ledger_hash(call->ledger, cpnp_buf_bytes(&buf), id);
}

void
proposal_end(cpnp_ledger *l, struct proposal *proposal)
{
	proposal->by->proposal_n--;
	due_clear(&l->heap, &proposal->timed);
	map_remove(&l->proposals, &proposal->timed.node);
	ledger_free(l, proposal);
}

static struct proposal *
proposal_new(struct call *call, const uint8_t id[CPNP_SHA256_LEN])
{
	cpnp_ledger *l = call->ledger;
	struct proposal *p;

	p = ledger_alloc(l, sizeof(*p));
	if (p == NULL)
		return NULL;
	memcpy(p->id, id, CPNP_SHA256_LEN);
	p->timed.node.key = p->id;
	p->timed.node.key_len = CPNP_SHA256_LEN;
	p->by = call->account;
	p->by->proposal_n++;
	map_insert(&l->proposals, &p->timed.node);
	return p;
}

static bool
is_operator(const cpnp_ledger *l, const struct account *account)
{
	for (size_t i = 0; i < l->operator_n; i++)
		if (l->operators[i] == account)
			return true;
	return false;
}

/* Whether a signature counts: it has not expired, and who gave it may vote. */
static bool
voter_counts(const cpnp_ledger *l, const struct proposal *p, size_t i)
{
	return p->voters[i].until > l->time &&
	    is_operator(l, p->voters[i].account);
}

bool
quorum_is_good(uint64_t quorum, uint64_t operators)
{
	return quorum <= operators && 2 * quorum > operators;
}

/* That of the settings, and more than half when there are more operators than
 * it was made for. */
static uint64_t
quorum_now(const cpnp_ledger *l)
{
	uint64_t majority = l->operator_n / 2 + 1;

	return l->settings.quorum > majority ? l->settings.quorum : majority;
}

/* What one more signature does; a proposal that does not exist has none. */
static unsigned
check_vote(const struct call *call, const struct proposal *p)
{
	const cpnp_ledger *l = call->ledger;
	size_t i, n = 0;

	/* each has its own places, so that nobody takes those of others */
	if (p == NULL && call->account->proposal_n >= CPNP_PROPOSALS_MAX)
		return CPNP_OUTCOME_LIMIT;
	for (i = 0; p != NULL && i < p->voter_n; i++) {
		if (!voter_counts(l, p, i))
			continue;
		if (p->voters[i].account == call->account)
			return CPNP_OUTCOME_VOTED;
		n++;
	}
	return n + 1 < quorum_now(l) ? CPNP_OUTCOME_PENDING
				     : CPNP_OUTCOME_ACCEPTED;
}

static void
drop_voters(const cpnp_ledger *l, struct proposal *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->voter_n; i++)
		if (voter_counts(l, p, i))
			p->voters[n++] = p->voters[i];
	p->voter_n = n;
}

/* Count a signature; ACCEPTED when it makes the quorum. */
static unsigned
vote(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	uint8_t id[CPNP_SHA256_LEN];
	struct proposal *p;
	unsigned code;

	l->err = proposal_id(call, id);
	if (l->err != 0)
		return CPNP_OUTCOME_LIMIT;
	p = (struct proposal *)map_find(&l->proposals, id, sizeof(id));
	code = check_vote(call, p);
	if (call->dry || code == CPNP_OUTCOME_LIMIT)
		return code;
	if (p == NULL)
		p = proposal_new(call, id);
	if (p == NULL)
		return CPNP_OUTCOME_LIMIT;
	drop_voters(l, p);
	if (code == CPNP_OUTCOME_VOTED)
		return code;
	p->voters[p->voter_n].account = call->account;
	p->voters[p->voter_n++].until = call->op->expiry;
	if (code == CPNP_OUTCOME_ACCEPTED)
		proposal_end(l, p);
	else if (p->timed.due.index == 0 ||
	    p->timed.due.at < call->op->expiry)
		l->err = due_set(&l->heap, &l->env.env.mem, &p->timed,
		    DUE_PROPOSAL, call->op->expiry);
	return code;
}

unsigned
do_roles(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct account *peer;
	uint64_t roles = call->op->roles;
	bool was, is;
	unsigned code;

	peer = account_find(l, call->op->peer);
	if (peer == NULL || peer->broker != NULL)
		return CPNP_OUTCOME_PEER;
	if (peer->status == CPNP_ACCOUNT_CLOSED)
		return CPNP_OUTCOME_STATE;
	was = (peer->roles & CPNP_ROLE_OPERATOR) != 0;
	is = (roles & CPNP_ROLE_OPERATOR) != 0;
	if (peer->status == CPNP_ACCOUNT_ACTIVE &&
	    ((was && !is && l->operator_n <= l->settings.quorum) ||
	    (!was && is && l->operator_n >= OPERATORS_MAX)))
		return CPNP_OUTCOME_LIMIT;
	code = vote(call);
	if (code != CPNP_OUTCOME_ACCEPTED || call->dry)
		return code;
	if (is && !was)
		peer->tick = 0;
	peer->roles = roles;
	operators_collect(l);
	return code;
}

unsigned
do_status(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct account *peer;
	unsigned code;
	bool is_operator_now;

	peer = account_find(l, call->op->peer);
	if (peer == NULL)
		return CPNP_OUTCOME_PEER;
	if (peer->status == CPNP_ACCOUNT_CLOSED ||
	    (unsigned)peer->status == call->op->status)
		return CPNP_OUTCOME_STATE;
	is_operator_now = (peer->roles & CPNP_ROLE_OPERATOR) != 0;
	if (is_operator_now &&
	    (peer->status == CPNP_ACCOUNT_ACTIVE
		? l->operator_n <= l->settings.quorum
		: l->operator_n >= OPERATORS_MAX))
		return CPNP_OUTCOME_LIMIT;
	code = vote(call);
	if (code != CPNP_OUTCOME_ACCEPTED || call->dry)
		return code;
	peer->status = (enum cpnp_account_status)call->op->status;
	operators_collect(l);
	return code;
}

unsigned
do_rules(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	unsigned code;

	if (call->op->version != l->rules + 1 || l->rules_next != 0)
		return CPNP_OUTCOME_RULES;
	if (call->op->position <= l->position)
		return CPNP_OUTCOME_TIME;
	code = vote(call);
	if (code != CPNP_OUTCOME_ACCEPTED || call->dry)
		return code;
	l->rules_next = call->op->version;
	l->rules_next_position = call->op->position;
	return code;
}

unsigned
do_settings(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	cpnp_settings settings;
	unsigned code;

	if (cpnp_settings_decode(&settings, call->op->settings, NULL) != 0)
		return CPNP_OUTCOME_MALFORMED;
	if (!quorum_is_good(settings.quorum, l->operator_n))
		return CPNP_OUTCOME_LIMIT;
	if (!pools_exist(l, &settings))
		return CPNP_OUTCOME_PEER;
	code = vote(call);
	return code != CPNP_OUTCOME_ACCEPTED || call->dry
	    ? code : settings_take(l, &settings);
}
