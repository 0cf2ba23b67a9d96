/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "model.h"

__extension__ typedef __int128 wide;

static int64_t
part(int64_t amount, int64_t of, int64_t whole)
{
	return (int64_t)((wide)amount * of / whole);
}

void
model_init(struct model *m, int64_t now)
{
	memset(m, 0, sizeof(*m));
	m->now = now;
}

static void
pay(struct model *m, int payer, int to, int64_t amount)
{
	m->held[payer] -= amount;
	m->free[to] += amount;
}

static void
pay_fee(struct model *m, int payer, int64_t fee)
{
	int64_t second = part(fee, m->shares[1], 1000000);

	pay(m, payer, m->pools[1], second);
	pay(m, payer, m->pools[0], fee - second);
}

bool
model_mint(struct model *m, int to, int64_t amount)
{
	if (amount < 1)
		return false;
	m->supply += amount;
	m->free[to] += amount;
	return true;
}

bool
model_transfer(struct model *m, int from, int to, int64_t amount)
{
	if (amount < 1 || from == to || amount > m->free[from])
		return false;
	m->free[from] -= amount;
	m->free[to] += amount;
	return true;
}

static bool
can_pay(const struct model *m, int payer, int payee, int64_t amount,
    int64_t fee_max)
{
	int64_t fee;

	if (payer == payee || !m->buys[payer] || !m->sells[payee] ||
	    amount < 1)
		return false;
	fee = part(amount, m->fee_ppm, 1000000);
	return fee <= fee_max && amount + fee <= m->free[payer];
}

bool
model_authorize(struct model *m, const struct m_escrow *want)
{
	struct m_escrow *e = &m->escrows[m->escrow_n], *old;
	const struct m_set *set;

	if (!can_pay(m, want->payer, want->payee, want->amount,
	    want->fee_max))
		return false;
	if (want->expiry <= m->now || want->expiry > m->now + M_WEEK)
		return false;
	if (want->has_start && want->start + want->duration <= m->now)
		return false;
	if (want->replaces >= 0) {
		old = &m->escrows[want->replaces];
		if (old->state != M_POSTED || old->replaced_by >= 0 ||
		    old->payer != want->payer || old->payee != want->payee)
			return false;
	}
	if (want->set >= 0) {
		set = &m->sets[want->set];
		if (!set->is_open || set->escrows[want->slot] >= 0 ||
		    want->expiry < set->deadline)
			return false;
		m->sets[want->set].escrows[want->slot] = m->escrow_n;
	}
	if (want->replaces >= 0)
		m->escrows[want->replaces].replaced_by = m->escrow_n;
	*e = *want;
	e->state = M_PENDING;
	e->fee = part(e->amount, m->fee_ppm, 1000000);
	e->replaced_by = -1;
	m->free[e->payer] -= e->amount + e->fee;
	m->held[e->payer] += e->amount + e->fee;
	m->escrow_n++;
	return true;
}

static void
drop_claims(struct model *m, int escrow)
{
	for (int i = 0; i < m->claim_n; i++)
		if (m->claims[i].escrow == escrow)
			m->claims[i].state = M_CLAIM_GONE;
}

static void
give_back(struct model *m, int escrow)
{
	struct m_escrow *e = &m->escrows[escrow];

	pay(m, e->payer, e->payer, e->amount + e->fee);
	e->state = M_GONE;
	if (e->replaces >= 0)
		m->escrows[e->replaces].replaced_by = -1;
}

static void
settle(struct model *m, int escrow)
{
	struct m_escrow *e = &m->escrows[escrow];
	int64_t owed = part(e->amount, e->used, e->duration);
	int64_t credits = 0, rest;
	int i;

	for (i = 0; i < m->claim_n; i++)
		if (m->claims[i].escrow == escrow &&
		    m->claims[i].state == M_CLAIM_UPHELD)
			credits += m->claims[i].credit;
	if (credits > owed)
		credits = owed;
	rest = owed - credits;
	e->locked = 0;
	for (i = 0; i < m->claim_n; i++) {
		if (m->claims[i].escrow != escrow ||
		    (m->claims[i].state != M_CLAIM_OPEN &&
			m->claims[i].state != M_CLAIM_CONTESTED))
			continue;
		if (m->claims[i].credit > rest)
			m->claims[i].credit = rest;
		rest -= m->claims[i].credit;
		e->locked += m->claims[i].credit;
	}
	pay(m, e->payer, e->payee, rest);
	pay(m, e->payer, e->payer, e->amount - rest - e->locked);
	e->state = M_DISPUTED;
	if (e->locked == 0) {
		e->state = M_GONE;
		drop_claims(m, escrow);
	}
}

static void
end(struct model *m, int escrow, bool at_once)
{
	struct m_escrow *e = &m->escrows[escrow];

	e->state = M_ENDED;
	if (m->now < e->end)
		e->end = m->now;
	if (at_once || e->claim_seconds == 0)
		settle(m, escrow);
	else
		e->due = e->end + e->claim_seconds;
}

static void
post(struct model *m, int escrow)
{
	struct m_escrow *e = &m->escrows[escrow];
	int old = e->replaces;

	e->state = M_POSTED;
	e->end = (e->has_start ? e->start : m->now) + e->duration;
	if (m->now >= e->end)
		pay(m, e->payer, e->payer, e->fee);
	else
		pay_fee(m, e->payer, e->fee);
	e->fee = 0;
	/* what is before now is never used */
	if (!e->has_start || e->start < m->now)
		e->start = m->now;
	e->due = e->end;
	if (old >= 0 && m->escrows[old].state == M_POSTED)
		end(m, old, true);
}

static int
top_of(const struct model *m, int set)
{
	while (m->sets[set].upper >= 0)
		set = m->sets[set].upper;
	return set;
}

static bool
is_complete(const struct model *m, int set)
{
	const struct m_set *s = &m->sets[set];

	for (int i = 0; i < s->n; i++) {
		if (s->escrows[i] < 0 ||
		    m->escrows[s->escrows[i]].state != M_ACKNOWLEDGED)
			return false;
		if (s->lower[i] >= 0 && !is_complete(m, s->lower[i]))
			return false;
	}
	return true;
}

static void
close_set(struct model *m, int set, void (*each)(struct model *m, int escrow))
{
	struct m_set *s = &m->sets[set];

	s->is_open = false;
	for (int i = 0; i < s->n; i++) {
		if (s->escrows[i] >= 0 && (i > 0 || s->upper < 0))
			each(m, s->escrows[i]);
		if (s->lower[i] >= 0)
			close_set(m, s->lower[i], each);
	}
}

bool
model_acknowledge(struct model *m, int who, int escrow)
{
	struct m_escrow *e = &m->escrows[escrow];
	int top;

	if (e->state != M_PENDING || e->payee != who)
		return false;
	if (e->set < 0) {
		post(m, escrow);
		return true;
	}
	e->state = M_ACKNOWLEDGED;
	top = top_of(m, e->set);
	if (is_complete(m, top))
		close_set(m, top, post);
	return true;
}

bool
model_void(struct model *m, int who, int escrow)
{
	struct m_escrow *e = &m->escrows[escrow];

	if (e->state == M_PENDING ? e->payer != who && e->payee != who
				  : e->state != M_ACKNOWLEDGED ||
		    e->payee != who)
		return false;
	if (e->set >= 0)
		close_set(m, top_of(m, e->set), give_back);
	else
		give_back(m, escrow);
	return true;
}

bool
model_withdraw(struct model *m, int who, int escrow)
{
	struct m_escrow *e = &m->escrows[escrow];

	if (e->state != M_POSTED || (e->payer != who && e->payee != who))
		return false;
	end(m, escrow, false);
	return true;
}

bool
model_activate(struct model *m, int who, int escrow, bool on)
{
	struct m_escrow *e = &m->escrows[escrow];
	bool *mine = &e->idle[e->payer == who ? 0 : 1];

	if (e->state != M_POSTED || (e->payer != who && e->payee != who) ||
	    *mine != on)
		return false;
	*mine = !on;
	return true;
}

bool
model_set(struct model *m, const struct m_set *want)
{
	const struct m_set *upper;
	int e;

	if (want->deadline <= m->now || want->deadline > m->now + M_WEEK)
		return false;
	if (want->upper >= 0) {
		upper = &m->sets[want->upper];
		e = upper->escrows[want->upper_slot];
		if (!upper->is_open || e < 0 ||
		    m->escrows[e].state != M_PENDING ||
		    m->escrows[e].payee != want->head ||
		    upper->lower[want->upper_slot] >= 0 ||
		    want->deadline != upper->deadline)
			return false;
		m->sets[want->upper].lower[want->upper_slot] = m->set_n;
	}
	m->sets[m->set_n] = *want;
	m->sets[m->set_n].is_open = true;
	for (int i = 0; i < want->n; i++)
		m->sets[m->set_n].escrows[i] =
		    m->sets[m->set_n].lower[i] = -1;
	if (want->upper >= 0)
		m->sets[m->set_n].escrows[0] =
		    m->sets[want->upper].escrows[want->upper_slot];
	m->set_n++;
	return true;
}

/* Whether a window, or else a second, is in both. */
static bool
share(const struct m_escrow *e, const struct m_claim *c, int64_t from,
    int64_t to)
{
	int64_t grain = c->state == M_CLAIM_REJECTED ? 1 : M_WINDOW, at;

	for (at = from - (from - e->start) % grain; at < to; at += grain)
		if (c->from < at + grain && c->to > at)
			return true;
	return false;
}

bool
model_claim(struct model *m, int who, int escrow, int metric, int64_t from,
    int64_t to, int64_t value)
{
	struct m_escrow *e = &m->escrows[escrow];
	int64_t ppm, credit, left;
	struct m_claim *c;
	int n = 0;

	if ((e->state != M_POSTED && e->state != M_ENDED) ||
	    e->payer != who || !e->has_sla || from >= to || from < e->start ||
	    to > m->now || to > e->end || value <= M_BOUND)
		return false;
	left = part(e->amount, M_CAP_PPM, 1000000);
	for (int i = 0; i < m->claim_n; i++) {
		c = &m->claims[i];
		if (c->escrow != escrow || c->state == M_CLAIM_GONE)
			continue;
		n++;
		if (c->metric == metric && share(e, c, from, to))
			return false;
		if (c->state != M_CLAIM_REJECTED)
			left -= c->credit;
	}
	ppm = (to - from + (from - e->start) % M_WINDOW + M_WINDOW - 1) /
	    M_WINDOW * M_CREDIT_PPM;
	credit = part(e->amount, ppm > 1000000 ? 1000000 : ppm, 1000000);
	credit = credit < left ? credit : left;
	if (credit <= 0 || n >= 32)
		return false;
	m->claims[m->claim_n++] = (struct m_claim){M_CLAIM_OPEN, escrow,
	    metric, from, to, credit, m->now + M_OBJECT};
	return true;
}

static void
resolve(struct model *m, int claim, bool upheld)
{
	struct m_claim *c = &m->claims[claim];
	struct m_escrow *e = &m->escrows[c->escrow];

	c->state = upheld ? M_CLAIM_UPHELD : M_CLAIM_REJECTED;
	if (e->state != M_DISPUTED)
		return;
	pay(m, e->payer, upheld ? e->payer : e->payee, c->credit);
	e->locked -= c->credit;
	if (e->locked == 0) {
		e->state = M_GONE;
		drop_claims(m, c->escrow);
	}
}

bool
model_confirm(struct model *m, int who, int claim)
{
	struct m_claim *c = &m->claims[claim];

	if ((c->state != M_CLAIM_OPEN && c->state != M_CLAIM_CONTESTED) ||
	    m->escrows[c->escrow].payee != who)
		return false;
	resolve(m, claim, true);
	return true;
}

bool
model_object(struct model *m, int who, int claim)
{
	struct m_claim *c = &m->claims[claim];

	if (c->state != M_CLAIM_OPEN || m->escrows[c->escrow].payee != who)
		return false;
	c->state = M_CLAIM_CONTESTED;
	c->due = m->now + M_AUDIT;
	return true;
}

bool
model_audit(struct model *m, int claim, bool upheld)
{
	if (m->claims[claim].state != M_CLAIM_CONTESTED)
		return false;
	resolve(m, claim, upheld);
	return true;
}

bool
model_channel(struct model *m, const struct m_channel *want, int64_t fee_max)
{
	struct m_channel *ch = &m->channels[m->channel_n];

	if (!can_pay(m, want->payer, want->payee, want->amount, fee_max) ||
	    want->until <= m->now)
		return false;
	*ch = *want;
	ch->is_open = true;
	ch->fee = part(ch->amount, m->fee_ppm, 1000000);
	ch->due = ch->until;
	m->free[ch->payer] -= ch->amount + ch->fee;
	m->held[ch->payer] += ch->amount + ch->fee;
	m->channel_n++;
	return true;
}

bool
model_voucher(struct model *m, int who, int channel, int64_t amount)
{
	struct m_channel *ch = &m->channels[channel];

	if (!ch->is_open || ch->payer != who || amount <= ch->claimed ||
	    amount > ch->amount)
		return false;
	ch->claimed = amount;
	return true;
}

static void
close_channel(struct model *m, struct m_channel *ch)
{
	int64_t fee = part(ch->fee, ch->claimed, ch->amount);

	pay(m, ch->payer, ch->payee, ch->claimed);
	pay_fee(m, ch->payer, fee);
	pay(m, ch->payer, ch->payer,
	    ch->amount - ch->claimed + ch->fee - fee);
	ch->is_open = false;
}

bool
model_close(struct model *m, int who, int channel, int64_t grace)
{
	struct m_channel *ch = &m->channels[channel];

	if (!ch->is_open)
		return false;
	if (ch->payee == who) {
		close_channel(m, ch);
		return true;
	}
	if (ch->payer != who || ch->closing)
		return false;
	ch->closing = true;
	if (m->now + grace < ch->due)
		ch->due = m->now + grace;
	return true;
}

/* Service that was used between two moments. */
static void
use(struct model *m, int64_t from, int64_t to)
{
	for (int i = 0; i < m->escrow_n; i++) {
		struct m_escrow *e = &m->escrows[i];
		int64_t a = from > e->start ? from : e->start;
		int64_t b = to < e->end ? to : e->end;

		if (e->state == M_POSTED && b > a &&
		    (e->idle_paid || (!e->idle[0] && !e->idle[1])))
			e->used += b - a;
	}
}

/* When the next thing happens, at most until then. */
static int64_t
next_moment(const struct model *m, int64_t then)
{
	int64_t at, best = then;
	int i;

	for (i = 0; i < m->claim_n; i++)
		if ((m->claims[i].state == M_CLAIM_OPEN ||
			m->claims[i].state == M_CLAIM_CONTESTED) &&
		    m->claims[i].due < best)
			best = m->claims[i].due;
	for (i = 0; i < m->escrow_n; i++) {
		const struct m_escrow *e = &m->escrows[i];

		if (e->state == M_POSTED || e->state == M_ENDED)
			at = e->due;
		else if (e->state == M_PENDING && e->set < 0)
			at = e->expiry;
		else
			continue;
		best = at < best ? at : best;
	}
	for (i = 0; i < m->set_n; i++)
		if (m->sets[i].is_open && m->sets[i].deadline < best)
			best = m->sets[i].deadline;
	for (i = 0; i < m->channel_n; i++)
		if (m->channels[i].is_open && m->channels[i].due < best)
			best = m->channels[i].due;
	return best > m->now ? best : m->now;
}

static bool
happen(struct model *m)
{
	int i;

	for (i = 0; i < m->claim_n; i++)
		if (m->claims[i].due <= m->now &&
		    (m->claims[i].state == M_CLAIM_OPEN ||
			m->claims[i].state == M_CLAIM_CONTESTED)) {
			/* silence is consent; the default is to reject */
			resolve(m, i, m->claims[i].state == M_CLAIM_OPEN);
			return true;
		}
	for (i = 0; i < m->escrow_n; i++) {
		struct m_escrow *e = &m->escrows[i];

		if (e->state == M_PENDING && e->set < 0 &&
		    e->expiry <= m->now)
			give_back(m, i);
		else if (e->state == M_POSTED && e->due <= m->now)
			end(m, i, false);
		else if (e->state == M_ENDED && e->due <= m->now)
			settle(m, i);
		else
			continue;
		return true;
	}
	for (i = 0; i < m->set_n; i++)
		if (m->sets[i].is_open && m->sets[i].upper < 0 &&
		    m->sets[i].deadline <= m->now) {
			close_set(m, i, give_back);
			return true;
		}
	for (i = 0; i < m->channel_n; i++)
		if (m->channels[i].is_open && m->channels[i].due <= m->now) {
			close_channel(m, &m->channels[i]);
			return true;
		}
	return false;
}

void
model_time(struct model *m, int64_t now)
{
	int64_t next;

	do {
		while (happen(m))
			;
		next = next_moment(m, now);
		use(m, m->now, next);
		m->now = next;
	} while (m->now < now);
	while (happen(m))
		;
}
