/*
 * Service levels: the payer claims a breach and opens the terms; the payee
 * confirms, objects or is silent, which is consent; on objection the auditor
 * decides, or the default when time is up (Y20, N14).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define PERIOD_MAX CPNP_CLAIM_SECONDS_MAX

int
cpnp_sla_terms_encode(const cpnp_sla_terms *terms, cpnp_buf *buf)
{
	size_t start = buf->len, i;
	cpnp_sla_terms back;

	if (terms->metric_n > CPNP_SLA_METRICS_MAX)
		return CPNP_ERR_INVALID;
	cpnp_cbor_put_array(buf, 6);
	cpnp_cbor_put_array(buf, terms->metric_n);
	for (i = 0; i < terms->metric_n; i++) {
		cpnp_cbor_put_array(buf, 4);
		cpnp_cbor_put_uint(buf, terms->metrics[i].bound);
		cpnp_cbor_put_bool(buf, terms->metrics[i].floor);
		cpnp_cbor_put_uint(buf, terms->metrics[i].window);
		cpnp_cbor_put_uint(buf, terms->metrics[i].credit_ppm);
	}
	cpnp_cbor_put_uint(buf, terms->cap_ppm);
	cpnp_cbor_put_uint(buf, terms->object_seconds);
	cpnp_cbor_put_uint(buf, terms->audit_seconds);
	cpnp_cbor_put_bool(buf, terms->default_upheld);
	if (terms->auditor.len == 0)
		cpnp_cbor_put_null(buf);
	else
		cpnp_cbor_put_text(buf, terms->auditor);
	if (buf->err != 0)
		return buf->err;
	/* the decoder knows the limits */
	return cpnp_sla_terms_decode(&back, (cpnp_bytes){buf->ptr + start,
	    buf->len - start}) == 0 ? 0 : CPNP_ERR_INVALID;
}

int
cpnp_sla_terms_decode(cpnp_sla_terms *terms, cpnp_bytes bytes)
{
	cpnp_sla_metric *m;
	cpnp_cbor_rd rd;
	size_t i;

	memset(terms, 0, sizeof(*terms));
	if (bytes.len > CPNP_SLA_TERMS_MAX)
		return CPNP_ERR_TOO_LONG;
	cpnp_cbor_rd_init(&rd, bytes);
	(void)cpnp_cbor_get_array(&rd, 6, 6);
	terms->metric_n = cpnp_cbor_get_array(&rd, 1, CPNP_SLA_METRICS_MAX);
	for (i = 0; i < terms->metric_n && rd.err == 0; i++) {
		m = &terms->metrics[i];
		(void)cpnp_cbor_get_array(&rd, 4, 4);
		m->bound = cpnp_cbor_get_uint(&rd, 0, INT64_MAX);
		m->floor = cpnp_cbor_get_bool(&rd);
		m->window =
		    cpnp_cbor_get_uint(&rd, 1, CPNP_SERVICE_SECONDS_MAX);
		m->credit_ppm = (uint32_t)cpnp_cbor_get_uint(&rd, 0, CPNP_PPM);
	}
	terms->cap_ppm = (uint32_t)cpnp_cbor_get_uint(&rd, 0, CPNP_PPM);
	terms->object_seconds = cpnp_cbor_get_uint(&rd, 0, PERIOD_MAX);
	terms->audit_seconds = cpnp_cbor_get_uint(&rd, 0, PERIOD_MAX);
	terms->default_upheld = cpnp_cbor_get_bool(&rd);
	if (cpnp_cbor_peek(&rd) == CPNP_CBOR_NULL) {
		cpnp_cbor_get_null(&rd);
	} else {
		terms->auditor = cpnp_cbor_get_text(&rd, 1, CPNP_ACCOUNT_MAX);
		if (rd.err == 0 && !name_is_valid(terms->auditor))
			cpnp_cbor_rd_fail(&rd, CPNP_ERR_RANGE);
	}
	return cpnp_cbor_rd_finish(&rd);
}

int
cpnp_sla_commitment(const cpnp_env *env, cpnp_bytes salt, cpnp_bytes terms,
    uint8_t commitment[CPNP_SHA256_LEN])
{
	uint8_t store[CPNP_SLA_TERMS_MAX + 64];
	cpnp_bytes bytes;
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_cbor_put_array(&buf, 2);
	cpnp_cbor_put_bytes(&buf, salt);
	cpnp_cbor_put_bytes(&buf, terms);
	if (buf.err != 0)
		return CPNP_ERR_TOO_LONG;
	bytes = cpnp_buf_bytes(&buf);
	return env->sha256(env->user, &bytes, 1, commitment) == 0
	    ? 0 : CPNP_ERR_CRYPTO;
}

static struct claim *
claim_find(const cpnp_ledger *l, cpnp_bytes id)
{
	return (struct claim *)map_find(&l->claims, id.ptr, id.len);
}

void
claim_free(cpnp_ledger *l, struct claim *claim)
{
	struct claim **at = &claim->escrow->claims;

	while (*at != claim)
		at = &(*at)->next;
	*at = claim->next;
	claim->escrow->claim_n--;
	if (claim->auditor != NULL)
		claim->auditor->part_n--;
	due_clear(&l->heap, &claim->timed);
	map_remove(&l->claims, &claim->timed.node);
	ledger_free(l, claim);
}

static void
claim_due_at(cpnp_ledger *l, struct claim *claim, uint64_t seconds)
{
	int err;

	err = due_set(&l->heap, &l->env.env.mem, &claim->timed, DUE_CLAIM,
	    l->time + (int64_t)seconds);
	if (err != 0)
		l->err = err;
}

static void
resolve(cpnp_ledger *l, struct claim *claim, bool upheld)
{
	struct escrow *e = claim->escrow;

	claim->state = upheld ? CPNP_CLAIM_UPHELD : CPNP_CLAIM_REJECTED;
	due_clear(&l->heap, &claim->timed);
	if (upheld)
		rating_note(l, e->payee, CPNP_RATING_BREACHES, 1);
	(void)ledger_emit(l,
	    upheld ? CPNP_FACT_CLAIM_UPHELD : CPNP_FACT_CLAIM_REJECTED,
	    CPNP_OUTCOME_ACCEPTED, claim->id, claim->credit);
	if (e->state == CPNP_ESCROW_DISPUTED)
		escrow_resolve(l, e, claim);
}

void
claim_due(cpnp_ledger *l, struct claim *claim)
{
	resolve(l, claim,
	    claim->state == CPNP_CLAIM_OPEN || claim->default_upheld);
}

/* The terms that the escrow committed to. */
static unsigned
open_terms(const struct call *call, const struct escrow *e,
    cpnp_sla_terms *terms)
{
	const cpnp_op *op = call->op;
	uint8_t commitment[CPNP_SHA256_LEN];
	int err;

	if (!e->has_sla)
		return CPNP_OUTCOME_COMMITMENT;
	err = cpnp_sla_commitment(
	    &call->ledger->env.env, op->salt, op->terms, commitment);
	if (err != 0) {
		call->ledger->err = err;
		return CPNP_OUTCOME_COMMITMENT;
	}
	if (memcmp(commitment, e->sla, sizeof(commitment)) != 0 ||
	    cpnp_sla_terms_decode(terms, op->terms) != 0 ||
	    op->metric >= terms->metric_n)
		return CPNP_OUTCOME_COMMITMENT;
	return CPNP_OUTCOME_ACCEPTED;
}

/* Which window of a metric a second of the service lies in. */
static int64_t
window_of(const struct escrow *e, const cpnp_sla_metric *m, int64_t at)
{
	return (at - e->start) / (int64_t)m->window;
}

/*
 * Whether an earlier claim bars this one: it has had a window that this one
 * touches, or when it was rejected, a second.  Otherwise a breach of a minute,
 * claimed by seconds, would cost sixty windows.
 */
static bool
is_claimed(const struct claim *claim, const struct escrow *e,
    const cpnp_sla_metric *m, const cpnp_op *op)
{
	if (claim->metric != op->metric)
		return false;
	if (claim->state == CPNP_CLAIM_REJECTED)
		return claim->from < op->to && op->from < claim->to;
	return window_of(e, m, claim->from) <= window_of(e, m, op->to - 1) &&
	    window_of(e, m, op->from) <= window_of(e, m, claim->to - 1);
}

static unsigned
check_breach(const struct call *call, const struct escrow *e,
    const cpnp_sla_metric *metric)
{
	const cpnp_op *op = call->op;
	const struct claim *claim;
	int64_t last = e->end < call->ledger->time ? e->end
						   : call->ledger->time;

	if (op->from >= op->to || op->from < e->start || op->to > last)
		return CPNP_OUTCOME_TIME;
	if (metric->floor ? op->value >= metric->bound
			  : op->value <= metric->bound)
		return CPNP_OUTCOME_NO_BREACH;
	for (claim = e->claims; claim != NULL; claim = claim->next)
		if (is_claimed(claim, e, metric, op))
			return CPNP_OUTCOME_OVERLAP;
	if (e->claim_n >= CPNP_ESCROW_CLAIMS_MAX)
		return CPNP_OUTCOME_LIMIT;
	return CPNP_OUTCOME_ACCEPTED;
}

/* What the breach costs: each window that it touches, and no more than the cap
 * leaves. */
static int64_t
credit_of(const cpnp_op *op, const struct escrow *e,
    const cpnp_sla_terms *terms)
{
	const cpnp_sla_metric *m = &terms->metrics[op->metric];
	uint64_t windows = (uint64_t)(window_of(e, m, op->to - 1) -
	    window_of(e, m, op->from) + 1);
	uint64_t ppm = windows * m->credit_ppm; /* below 2^29 times 2^20 */
	int64_t left = muldiv(e->amount, terms->cap_ppm, CPNP_PPM), credit;
	const struct claim *claim;

	for (claim = e->claims; claim != NULL; claim = claim->next)
		if (claim->state != CPNP_CLAIM_REJECTED)
			left -= claim->credit;
	ppm = ppm < CPNP_PPM ? ppm : CPNP_PPM;
	credit = muldiv(e->amount, (int64_t)ppm, CPNP_PPM);
	return credit < left ? credit : left;
}

/* The auditor of the terms, when there is such an account now. */
static struct account *
find_auditor(const cpnp_ledger *l, const cpnp_sla_terms *terms)
{
	struct account *auditor;

	if (terms->auditor.len == 0)
		return NULL;
	auditor = account_find(l, terms->auditor);
	return auditor != NULL && (auditor->roles & CPNP_ROLE_AUDITOR) != 0
	    ? auditor : NULL;
}

/* A claim behind those that its escrow has. */
static struct claim *
claim_new(struct call *call, struct escrow *e, const cpnp_sla_terms *terms)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct claim *claim, **last;

	claim = ledger_alloc(l, sizeof(*claim));
	if (claim == NULL)
		return NULL;
	memcpy(claim->id, call->digest, CPNP_SHA256_LEN);
	claim->timed.node.key = claim->id;
	claim->timed.node.key_len = CPNP_SHA256_LEN;
	claim->escrow = e;
	claim->state = CPNP_CLAIM_OPEN;
	claim->auditor = find_auditor(l, terms);
	claim->audit_seconds = terms->audit_seconds;
	claim->default_upheld = terms->default_upheld;
	claim->metric = op->metric;
	claim->from = op->from;
	claim->to = op->to;
	claim->value = op->value;
	for (last = &e->claims; *last != NULL; last = &(*last)->next)
		;
	*last = claim;
	claim->number = e->claim_n++;
	if (claim->auditor != NULL)
		claim->auditor->part_n++;
	map_insert(&l->claims, &claim->timed.node);
	return claim;
}

unsigned
do_claim(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct escrow *e = escrow_find(l, op->subject);
	struct claim *claim;
	cpnp_sla_terms terms;
	unsigned code;
	int64_t credit;

	if (e == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (e->payer != call->account)
		return CPNP_OUTCOME_PARTY;
	if ((e->state != CPNP_ESCROW_POSTED && e->state != CPNP_ESCROW_ENDED) ||
	    l->time > e->end + (int64_t)e->claim_seconds)
		return CPNP_OUTCOME_STATE;
	code = open_terms(call, e, &terms);
	if (code == CPNP_OUTCOME_ACCEPTED)
		code = check_breach(call, e, &terms.metrics[op->metric]);
	if (code != CPNP_OUTCOME_ACCEPTED)
		return code;
	credit = credit_of(op, e, &terms);
	if (credit <= 0)
		return CPNP_OUTCOME_AMOUNT;
	call->amount = credit;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	claim = claim_new(call, e, &terms);
	if (claim == NULL)
		return CPNP_OUTCOME_LIMIT;
	claim->credit = credit;
	claim_due_at(l, claim, terms.object_seconds);
	return CPNP_OUTCOME_ACCEPTED;
}

/* Both ends have signed the measurement now. */
unsigned
do_confirm(struct call *call)
{
	struct claim *claim = claim_find(call->ledger, call->op->subject);

	if (claim == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (claim->escrow->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	if (claim->state != CPNP_CLAIM_OPEN &&
	    claim->state != CPNP_CLAIM_DISPUTED)
		return CPNP_OUTCOME_STATE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	resolve(call->ledger, claim, true);
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_object(struct call *call)
{
	struct claim *claim = claim_find(call->ledger, call->op->subject);

	if (claim == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (claim->escrow->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	if (claim->state != CPNP_CLAIM_OPEN ||
	    call->ledger->time > claim->timed.due.at)
		return CPNP_OUTCOME_STATE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	claim->state = CPNP_CLAIM_DISPUTED;
	claim_due_at(call->ledger, claim, claim->audit_seconds);
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_audit(struct call *call)
{
	struct claim *claim = claim_find(call->ledger, call->op->subject);

	if (claim == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (claim->auditor != call->account)
		return CPNP_OUTCOME_PARTY;
	if (claim->state != CPNP_CLAIM_DISPUTED ||
	    call->ledger->time > claim->timed.due.at)
		return CPNP_OUTCOME_STATE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	resolve(call->ledger, claim, call->op->upheld);
	return CPNP_OUTCOME_ACCEPTED;
}
