/*
 * Random operations, a tenth of them forged, repeated or nonsense, against the
 * model, which is compared after each step.
 *
 *	tests/settlement/random [SEED [STEPS [LOG]]]
 *
 * With LOG the log is written there, as [genesis, batches, root]; the logs of
 * each version of the rules in this directory were made so.
 *
 * After each run: the supply is what was minted, every replay gives the same
 * root, a snapshot from the middle with the rest of the log too, and a log in
 * which one bit differs is refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../unit/settle_fixture.h"
#include "model.h"

#define STEPS 2500
#define SEEDS 4
#define GRACE 600
#define HISTORY 64
#define PLANS M_SETS

/* The parties of the model, by its numbers. */
static const enum who parties[M_PARTIES] = {
    CUST, PROV, SUPP, SUPP2, BROKER, POOL, POOL2, AUDIT};
#define TRADERS 5

/* What there is to know of members of a set before they join. */
struct plan {
	uint8_t id[CPNP_SHA256_LEN];
	struct m_escrow escrows[M_SET_MEMBERS];
	uint8_t orders[M_SET_MEMBERS][CPNP_SHA256_LEN];
	uint8_t members[M_SET_MEMBERS][CPNP_SHA256_LEN];
};

static struct model model;
static struct plan plans[PLANS];
static uint8_t escrow_ids[M_ESCROWS][CPNP_SHA256_LEN];
static uint8_t claim_ids[M_CLAIMS][CPNP_SHA256_LEN];
static uint8_t channel_ids[M_CHANNELS][CPNP_SHA256_LEN];
static cpnp_buf history[HISTORY]; /* batches that were good once */
static size_t history_n;
static uint8_t commitment[CPNP_SHA256_LEN], terms_store[256];
static cpnp_bytes terms;
static uint64_t dice, seed;
static unsigned done_n[256];
static size_t step;
static unsigned posted_in_sets;

#define SAYS(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)fprintf(stderr, "%s:%d: seed %llu step %zu: "    \
			    "does not hold: %s\n", __FILE__, __LINE__,         \
			    (unsigned long long)seed, step, #condition);       \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* splitmix64 */
static uint64_t
draw(void)
{
	uint64_t z = dice += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int
below(int n)
{
	return (int)(draw() % (uint64_t)n);
}

static int
trader(void)
{
	return below(TRADERS);
}

/* One of n, mostly one of the last. */
static int
recent(int n)
{
	return n > 20 && below(8) > 0 ? n - 1 - below(20) : below(n);
}

/* An escrow, mostly one in this state; -1 when there is none at all. */
static int
some_escrow(enum m_state state)
{
	int found = -1, n = 0, i;

	if (model.escrow_n == 0 || below(6) == 0)
		return model.escrow_n == 0 ? -1 : recent(model.escrow_n);
	for (i = 0; i < model.escrow_n; i++)
		if (model.escrows[i].state == state && below(++n) == 0)
			found = i;
	return found >= 0 ? found : recent(model.escrow_n);
}

/* A claim, mostly an open one. */
static int
some_claim(void)
{
	int found = -1, n = 0, i;

	for (i = 0; i < model.claim_n; i++)
		if ((model.claims[i].state == M_CLAIM_OPEN ||
			model.claims[i].state == M_CLAIM_CONTESTED) &&
		    below(++n) == 0)
			found = i;
	return found >= 0 && below(6) > 0 ? found : recent(model.claim_n);
}

/* A set, mostly an open one. */
static int
some_set(void)
{
	int found = -1, n = 0, i;

	for (i = 0; i < model.set_n; i++)
		if (model.sets[i].is_open && below(++n) == 0)
			found = i;
	return found >= 0 && below(9) > 0 ? found : recent(model.set_n);
}

static const cpnp_signer *
signer_of(int party)
{
	return &w.actors[parties[party]].signer;
}

static unsigned
submit(const cpnp_op *op, const cpnp_signer *signer)
{
	unsigned code = fx_do_key(op, signer);
	size_t i = (size_t)below(HISTORY);

	if (history_n < HISTORY)
		i = history_n++;
	else
		cpnp_buf_fini(&history[i]);
	history[i] = fx_buf();
	cpnp_buf_put_raw(
	    &history[i], cpnp_buf_bytes(&w.batches[w.entry_n - 1]));
	return code;
}

/* The ledger must say what the model says. */
static void
expect(const cpnp_op *op, int party, bool accepted)
{
	unsigned code = submit(op, signer_of(party));

	if ((code == CPNP_OUTCOME_ACCEPTED) != accepted)
		(void)fprintf(stderr, "%s: %s, the model says %s\n",
		    cpnp_op_name(op->type), cpnp_outcome_name(code),
		    accepted ? "accepted" : "refused");
	SAYS((code == CPNP_OUTCOME_ACCEPTED) == accepted);
	if (accepted)
		done_n[op->type]++;
	model_time(&model, model.now);
}

static void
step_mint(void)
{
	cpnp_op op = fx_op(CPNP_OP_MINT, BANK);
	int to = trader();

	op.code = CPNP_BYTES_LIT("EUR");
	op.amount = below(20000);
	op.peer = w.actors[parties[to]].name;
	HAVE(op, CODE), HAVE(op, AMOUNT), HAVE(op, PEER);
	SAYS((submit(&op, &w.actors[BANK].signer) == CPNP_OUTCOME_ACCEPTED) ==
	    model_mint(&model, to, op.amount));
}

static void
step_transfer(void)
{
	int from = trader(), to = trader();
	cpnp_op op = fx_op(CPNP_OP_TRANSFER, parties[from]);

	fx_money(&op, parties[to], below(8000));
	expect(&op, from, model_transfer(&model, from, to, op.amount));
}

/* What a payer might want, with a mistake now and then. */
static struct m_escrow
want_escrow(void)
{
	struct m_escrow e = {.payer = trader(),
	    .payee = 1 + below(TRADERS - 1),
	    .amount = below(5000),
	    .fee_max = below(10) == 0 ? 1 : 100,
	    .expiry = model.now + 60 + below(4000),
	    .duration = 1 + below(below(2) ? 2000 : 40000),
	    .replaces = -1,
	    .set = -1};

	if (below(30) == 0)
		e.expiry = model.now - below(2);
	if (below(30) == 0)
		e.expiry = model.now + M_WEEK + below(2);
	e.has_start = below(3) == 0;
	if (e.has_start)
		e.start = model.now - 500 + below(4000);
	e.idle_paid = below(4) == 0;
	e.has_sla = below(2) == 0;
	e.claim_seconds = below(2) == 0 ? 0 : below(1000);
	return e;
}

static cpnp_op
authorization(const struct m_escrow *e)
{
	cpnp_op op = fx_authorize(
	    parties[e->payer], parties[e->payee], e->amount);

	op.fee_max = e->fee_max;
	op.until = e->expiry;
	op.duration = (uint64_t)e->duration;
	op.start = e->start;
	op.idle_paid = e->idle_paid;
	op.claim_seconds = (uint64_t)e->claim_seconds;
	HAVE(op, CLAIM_SECONDS), HAVE(op, IDLE_PAID);
	if (e->has_start)
		HAVE(op, START);
	if (e->has_sla) {
		op.sla = (cpnp_bytes){commitment, sizeof(commitment)};
		HAVE(op, SLA);
	}
	if (e->replaces >= 0) {
		op.replaces = (cpnp_bytes){
		    escrow_ids[e->replaces], CPNP_SHA256_LEN};
		HAVE(op, REPLACES);
	}
	return op;
}

static void
authorize(const struct m_escrow *e, const cpnp_op *op)
{
	bool accepted = model_authorize(&model, e);

	expect(op, e->payer, accepted);
	if (accepted)
		memcpy(escrow_ids[model.escrow_n - 1], w.digest,
		    CPNP_SHA256_LEN);
}

static void
step_authorize(void)
{
	struct m_escrow e = want_escrow();
	cpnp_op op;

	if (model.escrow_n > 0 && below(4) == 0) {
		e.replaces = some_escrow(M_POSTED);
		if (below(4) > 0) {
			e.payer = model.escrows[e.replaces].payer;
			e.payee = model.escrows[e.replaces].payee;
		}
	}
	op = authorization(&e);
	authorize(&e, &op);
}

/* A set and, in a plan, what its members are going to be. */
static void
step_set(void)
{
	struct m_set want = {.head = 1 + below(TRADERS - 1), .upper = -1};
	struct plan *plan = &plans[model.set_n];
	const struct m_set *upper;
	bool accepted;
	cpnp_op op;
	int i, first = 0;

	want.n = 2 + below(M_SET_MEMBERS - 1);
	want.deadline = model.now + 30 + below(4000);
	op = fx_op(CPNP_OP_COMMIT_SET, parties[want.head]);
	if (model.set_n > 0 && below(2) == 0) {
		want.upper = some_set();
		upper = &model.sets[want.upper];
		want.upper_slot = 1 + below(upper->n - 1);
		want.head =
		    plans[want.upper].escrows[want.upper_slot].payee;
		want.deadline = upper->deadline;
		op = fx_op(CPNP_OP_COMMIT_SET, parties[want.head]);
		op.upper = (cpnp_bytes){
		    plans[want.upper].id, CPNP_SHA256_LEN};
		HAVE(op, UPPER);
		plan->escrows[0] = plans[want.upper].escrows[want.upper_slot];
		memcpy(plan->members[0],
		    plans[want.upper].members[want.upper_slot],
		    CPNP_SHA256_LEN);
		first = 1;
	}
	for (i = first; i < want.n; i++) {
		struct m_escrow *e = &plan->escrows[i];
		cpnp_op member;

		*e = want_escrow();
		e->amount = 1 + below(900);
		e->payer = i == 0 ? trader() : want.head;
		e->payee = i == 0 ? want.head : 1 + below(TRADERS - 1);
		e->expiry = want.deadline + below(60) - (below(9) == 0);
		e->set = model.set_n;
		e->slot = i;
		member = authorization(e);
		memcpy(plan->orders[i], member.order.ptr, CPNP_SHA256_LEN);
		SAYS(cpnp_op_member(
		    &member, &w.env->env, plan->members[i]) == 0);
	}
	op.until = want.deadline;
	op.members = (cpnp_bytes){
	    plan->members[0], (size_t)want.n * CPNP_SHA256_LEN};
	HAVE(op, UNTIL), HAVE(op, MEMBERS);
	accepted = model_set(&model, &want);
	expect(&op, want.head, accepted);
	if (accepted)
		memcpy(plan->id, w.digest, CPNP_SHA256_LEN);
}

static void
step_join(void)
{
	const struct m_set *set;
	struct m_escrow e;
	struct plan *plan;
	cpnp_op op;
	int i, slot;

	if (model.set_n == 0)
		return;
	i = some_set();
	set = &model.sets[i];
	plan = &plans[i];
	slot = below(set->n);
	if (set->escrows[slot] >= 0 && below(8) > 0)
		slot = (slot + 1) % set->n;
	if (slot == 0 && set->upper >= 0)
		return;
	e = plan->escrows[slot];
	op = authorization(&e);
	op.order.ptr = plan->orders[slot];
	op.set = (cpnp_bytes){plan->id, CPNP_SHA256_LEN};
	HAVE(op, SET);
	authorize(&e, &op);
}

static void
step_about_escrow(unsigned type)
{
	struct m_escrow *e;
	bool accepted = false;
	int i, who;
	cpnp_op op;

	i = some_escrow(type == CPNP_OP_ACKNOWLEDGE || type == CPNP_OP_VOID
	    ? M_PENDING : M_POSTED);
	if (i < 0)
		return;
	e = &model.escrows[i];
	who = below(9) == 0 ? 1 + below(TRADERS - 1)
	    : type == CPNP_OP_ACKNOWLEDGE || below(2) ? e->payee : e->payer;
	op = fx_about(type, parties[who], escrow_ids[i]);
	switch (type) {
	case CPNP_OP_ACKNOWLEDGE:
		accepted = model_acknowledge(&model, who, i);
		break;
	case CPNP_OP_VOID:
		accepted = model_void(&model, who, i);
		break;
	case CPNP_OP_WITHDRAW:
		accepted = model_withdraw(&model, who, i);
		break;
	case CPNP_OP_ACTIVATE:
		op.on = below(2) == 0;
		HAVE(op, ON);
		accepted = model_activate(&model, who, i, op.on);
		break;
	default:
		SAYS(false);
	}
	expect(&op, who, accepted);
}

static void
step_claim(void)
{
	struct m_escrow *e;
	bool accepted;
	int i, who;
	cpnp_op op;

	i = some_escrow(below(4) == 0 ? M_ENDED : M_POSTED);
	if (i < 0)
		return;
	e = &model.escrows[i];
	who = below(20) == 0 ? e->payee : e->payer;
	op = fx_about(CPNP_OP_CLAIM, parties[who], escrow_ids[i]);
	op.salt = CPNP_BYTES_LIT("0123456789abcdef");
	op.terms = terms;
	op.metric = (uint64_t)below(2);
	op.to = model.now - below(100);
	if (e->state != M_GONE && e->end > 0 && op.to > e->end)
		op.to = e->end;
	op.from = op.to - below(300);
	op.value = (uint64_t)(M_BOUND - 5 + below(60));
	HAVE(op, SALT), HAVE(op, TERMS), HAVE(op, METRIC);
	HAVE(op, FROM), HAVE(op, TO), HAVE(op, VALUE);
	accepted = model_claim(&model, who, i, (int)op.metric, op.from, op.to,
	    (int64_t)op.value);
	expect(&op, who, accepted);
	if (accepted)
		memcpy(claim_ids[model.claim_n - 1], w.digest,
		    CPNP_SHA256_LEN);
}

static void
step_about_claim(void)
{
	int i, who, what = below(3);
	cpnp_op op;

	if (model.claim_n == 0)
		return;
	i = some_claim();
	who = below(9) == 0 ? trader()
			    : model.escrows[model.claims[i].escrow].payee;
	if (what == 0) {
		op = fx_about(CPNP_OP_CONFIRM, parties[who], claim_ids[i]);
		expect(&op, who, model_confirm(&model, who, i));
	} else if (what == 1) {
		op = fx_about(CPNP_OP_OBJECT, parties[who], claim_ids[i]);
		expect(&op, who, model_object(&model, who, i));
	} else {
		op = fx_about(CPNP_OP_AUDIT, AUDIT, claim_ids[i]);
		op.upheld = below(2) == 0;
		HAVE(op, UPHELD);
		expect(&op, 7, model_audit(&model, i, op.upheld));
	}
}

static void
step_channel(void)
{
	struct m_channel want = {.payer = trader(),
	    .payee = 1 + below(TRADERS - 1),
	    .amount = below(3000),
	    .until = model.now + below(5000)};
	cpnp_op op = fx_op(CPNP_OP_CHANNEL_OPEN, parties[want.payer]);
	bool accepted;

	fx_money(&op, parties[want.payee], want.amount);
	op.fee_max = below(8) == 0 ? 0 : 100;
	op.until = want.until;
	op.order = (cpnp_bytes){w.id, CPNP_SHA256_LEN};
	op.claim_seconds = GRACE;
	HAVE(op, FEE_MAX), HAVE(op, UNTIL), HAVE(op, ORDER);
	HAVE(op, CLAIM_SECONDS);
	accepted = model_channel(&model, &want, op.fee_max);
	expect(&op, want.payer, accepted);
	if (accepted)
		memcpy(channel_ids[model.channel_n - 1], w.digest,
		    CPNP_SHA256_LEN);
}

static void
step_about_channel(void)
{
	struct m_channel *ch;
	cpnp_op op;
	int i, who;

	if (model.channel_n == 0)
		return;
	i = recent(model.channel_n);
	ch = &model.channels[i];
	if (below(4) > 0) {
		who = below(9) == 0 ? trader() : ch->payer;
		op = fx_about(
		    CPNP_OP_VOUCHER, parties[who], channel_ids[i]);
		op.amount = below((int)ch->amount + 100);
		HAVE(op, AMOUNT);
		expect(&op, who, model_voucher(&model, who, i, op.amount));
		return;
	}
	who = below(9) == 0 ? trader() : below(2) ? ch->payer : ch->payee;
	op = fx_about(CPNP_OP_CHANNEL_CLOSE, parties[who], channel_ids[i]);
	expect(&op, who, model_close(&model, who, i, GRACE));
}

/* Somebody else's signature, changed bytes, or what was good once. */
static void
step_forge(void)
{
	cpnp_op op = fx_op(CPNP_OP_TRANSFER, CUST);
	cpnp_buf batch;
	int how = below(3);

	fx_money(&op, PROV, 1 + below(10));
	if (how == 0) {
		SAYS(fx_do_key(&op, &w.actors[PROV].signer) ==
		    CPNP_OUTCOME_KEY);
		return;
	}
	batch = fx_buf();
	if (how == 1 || history_n == 0) {
		cpnp_buf item = fx_sign(&op, &w.actors[CUST].signer);
		cpnp_bytes bytes;

		item.ptr[(size_t)below((int)item.len)] ^=
		    (uint8_t)(1 << below(8));
		bytes = cpnp_buf_bytes(&item);
		cpnp_cbor_put_array(&batch, 1);
		cpnp_buf_put_raw(&batch, bytes);
		cpnp_buf_fini(&item);
	} else {
		cpnp_buf_put_raw(&batch, cpnp_buf_bytes(
		    &history[below((int)history_n)]));
	}
	fx_append(batch);
	SAYS(fx_outcome(0).code != CPNP_OUTCOME_ACCEPTED);
	SAYS(fx_outcome(1).kind == 0);
}

/* Two of three clocks; the third runs wild. */
static void
step_time(void)
{
	int64_t now = model.now + 1 + below(below(4) == 0 ? 3000 : 120);

	if (below(5) == 0)
		fx_tick(OP3, model.now + (int64_t)w.entry_n * 1000000);
	SAYS(fx_now() == model.now);
	fx_time(now);
	model_time(&model, now);
}

static void
take_step(void)
{
	static const unsigned abouts[] = {CPNP_OP_ACKNOWLEDGE,
	    CPNP_OP_ACKNOWLEDGE, CPNP_OP_ACKNOWLEDGE, CPNP_OP_ACKNOWLEDGE,
	    CPNP_OP_ACKNOWLEDGE, CPNP_OP_ACKNOWLEDGE, CPNP_OP_VOID,
	    CPNP_OP_WITHDRAW, CPNP_OP_ACTIVATE, CPNP_OP_ACTIVATE};
	int what = below(100);

	if (what < 4)
		step_mint();
	else if (what < 8)
		step_transfer();
	else if (what < 26)
		step_authorize();
	else if (what < 30)
		step_set();
	else if (what < 40)
		step_join();
	else if (what < 66)
		step_about_escrow(abouts[below(10)]);
	else if (what < 74)
		step_claim();
	else if (what < 78)
		step_about_claim();
	else if (what < 79)
		step_channel();
	else if (what < 83)
		step_about_channel();
	else if (what < 93)
		step_forge();
	else
		step_time();
}

static void
compare(void)
{
	cpnp_ledger_info info;
	cpnp_balance balance;
	cpnp_token_view token;
	cpnp_escrow_view view;
	int64_t sum = 0;
	int i, live = 0;

	for (i = 0; i < M_PARTIES; i++) {
		balance = fx_balance(parties[i]);
		SAYS(balance.free == model.free[i]);
		SAYS(balance.held == model.held[i]);
		SAYS(balance.free >= 0 && balance.held >= 0);
		sum += balance.free + balance.held;
	}
	SAYS(cpnp_ledger_get_token(w.ledger, CPNP_BYTES_LIT("bank"),
	    CPNP_BYTES_LIT("EUR"), &token) == 0);
	SAYS(sum == model.supply && token.supply == sum);
	for (i = 0; i < model.escrow_n; i++) {
		if (model.escrows[i].state == M_GONE)
			continue;
		live++;
		SAYS(cpnp_ledger_get_escrow(
		    w.ledger, escrow_ids[i], &view) == 0);
		SAYS((int)view.state == (int)model.escrows[i].state);
		if (view.has_set && view.posted_at == w.entry_n - 1)
			posted_in_sets++;
	}
	for (i = 0; i < model.claim_n; i++)
		live += model.claims[i].state != M_CLAIM_GONE;
	for (i = 0; i < model.set_n; i++)
		live += model.sets[i].is_open;
	for (i = 0; i < model.channel_n; i++)
		live += model.channels[i].is_open;
	SAYS(cpnp_ledger_get_info(w.ledger, &info) == 0);
	/* nothing that is closed is kept */
	SAYS(info.open_n == (uint64_t)live);
}

/* One bit anywhere in the past, and a follower stops or differs. */
static void
check_tampering(void)
{
	uint64_t at = 1 + draw() % (w.entry_n - 2);
	cpnp_buf *batch = &w.batches[at];
	uint8_t *byte = &batch->ptr[draw() % batch->len];
	cpnp_ledger_info info;
	cpnp_log_entry entry;
	cpnp_ledger *other;
	int err = 0;

	/* the entries carry the hashes of the true log */
	SAYS(cpnp_ledger_new(&other, w.env, cpnp_buf_bytes(&w.genesis),
	    NULL) == 0);
	SAYS(cpnp_ledger_get_info(other, &info) == 0);
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	for (entry.position = 1; entry.position < w.entry_n && err == 0;
	     entry.position++) {
		uint8_t prev[CPNP_SHA256_LEN];

		entry.batch = cpnp_buf_bytes(&w.batches[entry.position]);
		SAYS(cpnp_log_entry_hash(&w.env->env, &entry, prev) == 0);
		if (entry.position == at)
			*byte ^= 16;
		err = cpnp_ledger_apply(other, &entry, NULL);
		if (entry.position == at)
			*byte ^= 16;
		memcpy(entry.prev, prev, sizeof(prev));
	}
	SAYS(err == CPNP_ERR_MISMATCH && entry.position == at + 2);
	cpnp_ledger_del(other);
}

static void
prepare(void)
{
	cpnp_settings settings;
	cpnp_sla_terms sla = {
	    .metrics = {{M_BOUND, false, M_WINDOW, M_CREDIT_PPM},
		{M_BOUND, false, M_WINDOW, M_CREDIT_PPM}},
	    .metric_n = 2,
	    .cap_ppm = M_CAP_PPM,
	    .object_seconds = M_OBJECT,
	    .audit_seconds = M_AUDIT,
	    .auditor = CPNP_BYTES_LIT("audit")};
	cpnp_buf buf;
	int i;

	cpnp_settings_default(&settings);
	settings.fee_ppm = 7000;
	settings.pool_n = 2;
	settings.pools[0] = (cpnp_pool){CPNP_BYTES_LIT("pool"), 250000};
	settings.pools[1] = (cpnp_pool){CPNP_BYTES_LIT("pool2"), 750000};
	fx_start(&settings);
	model_init(&model, T0);
	model.fee_ppm = 7000;
	model.pools[0] = 5;
	model.pools[1] = 6;
	model.shares[0] = 250000;
	model.shares[1] = 750000;
	for (i = 0; i < TRADERS; i++)
		model.buys[i] = model.sells[i] = true;
	model.sells[0] = false; /* the customer */
	cpnp_buf_init_fixed(&buf, terms_store, sizeof(terms_store));
	SAYS(cpnp_sla_terms_encode(&sla, &buf) == 0);
	terms = cpnp_buf_bytes(&buf);
	SAYS(cpnp_sla_commitment(&w.env->env,
	    CPNP_BYTES_LIT("0123456789abcdef"), terms, commitment) == 0);
}

static const char *log_path;

static void
write_log(void)
{
	uint8_t root[CPNP_SHA256_LEN];
	cpnp_buf buf = fx_buf();
	FILE *file;

	fx_root(w.ledger, root);
	cpnp_cbor_put_array(&buf, 3);
	cpnp_cbor_put_bytes(&buf, cpnp_buf_bytes(&w.genesis));
	cpnp_cbor_put_array(&buf, w.entry_n - 1);
	for (uint64_t i = 1; i < w.entry_n; i++)
		cpnp_cbor_put_bytes(&buf, cpnp_buf_bytes(&w.batches[i]));
	cpnp_cbor_put_bytes(&buf, (cpnp_bytes){root, sizeof(root)});
	SAYS(buf.err == 0);
	file = fopen(log_path, "wb");
	SAYS(file != NULL);
	SAYS(fwrite(buf.ptr, 1, buf.len, file) == buf.len);
	SAYS(fclose(file) == 0);
	cpnp_buf_fini(&buf);
}

static void
run(size_t steps)
{
	dice = seed;
	history_n = 0;
	prepare();
	for (step = 0; step < steps; step++) {
		take_step();
		compare();
		if (step == steps / 2)
			fx_snapshot();
	}
	if (log_path != NULL)
		write_log();
	check_tampering();
	while (history_n > 0)
		cpnp_buf_fini(&history[--history_n]);
	fx_teardown();
}

static uint64_t seed_first = 1, seed_n = SEEDS;
static size_t steps_n = STEPS;

START_TEST(test_ledger_is_the_model)
{
	static const unsigned must[] = {CPNP_OP_TRANSFER, CPNP_OP_AUTHORIZE,
	    CPNP_OP_ACKNOWLEDGE, CPNP_OP_VOID, CPNP_OP_WITHDRAW,
	    CPNP_OP_ACTIVATE, CPNP_OP_COMMIT_SET, CPNP_OP_CLAIM,
	    CPNP_OP_CONFIRM, CPNP_OP_OBJECT, CPNP_OP_AUDIT,
	    CPNP_OP_CHANNEL_OPEN, CPNP_OP_VOUCHER, CPNP_OP_CHANNEL_CLOSE};
	size_t i;

	for (seed = seed_first; seed < seed_first + seed_n; seed++) {
		run(steps_n);
		(void)printf("ok - seed %llu, %zu steps\n",
		    (unsigned long long)seed, steps_n);
	}
	for (i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		(void)printf("# %s accepted %u times\n",
		    cpnp_op_name(must[i]), done_n[must[i]]);
		SAYS(done_n[must[i]] > 0 || seed_n == 1);
	}
	(void)printf("# sets: %u escrows in sets posted\n", posted_in_sets);
	SAYS(posted_in_sets > 0 || seed_n == 1);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("random settlement");
	TCase *tc = tcase_create("model");
	SRunner *runner;
	int failed;

	if (argc > 1 && argv[1][0] != '\0') {
		seed_first = strtoull(argv[1], NULL, 10);
		seed_n = 1;
	}
	if (argc > 2 && argv[2][0] != '\0')
		steps_n = strtoull(argv[2], NULL, 10);
	if (argc > 3)
		log_path = argv[3];
	tcase_add_test(tc, test_ledger_is_the_model);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	/* in this process: what it prints must not wait, nor time count */
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
