/*
 * The money rules of cpnp-settlement(7) once more, written from the page and
 * not from the code: arrays, linear search, and time that passes second by
 * second of service.  A call says whether the ledger has to accept; when it
 * has, the model has changed as the ledger must have.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_SETTLEMENT_MODEL_H
#define TESTS_SETTLEMENT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M_PARTIES 8
#define M_ESCROWS 4096
#define M_SETS 512
#define M_SET_MEMBERS 4
#define M_CLAIMS 4096
#define M_CHANNELS 1024
#define M_WEEK 604800

enum m_state {
	M_GONE, M_PENDING, M_ACKNOWLEDGED, M_POSTED, M_ENDED, M_DISPUTED
};
enum m_claim_state {
	M_CLAIM_GONE, M_CLAIM_OPEN, M_CLAIM_CONTESTED, M_CLAIM_UPHELD,
	M_CLAIM_REJECTED
};

struct m_escrow {
	enum m_state state;
	int payer, payee;
	int64_t amount, fee, fee_max;
	int64_t expiry;
	bool has_start;
	int64_t start, end, duration, claim_seconds;
	bool idle_paid, idle[2]; /* by payer, by payee */
	int64_t used;
	int64_t due; /* while POSTED or ENDED */
	int replaces, replaced_by; /* -1 for none */
	int set, slot;             /* -1 for none */
	bool has_sla;
	int64_t locked;            /* when DISPUTED */
};

struct m_claim {
	enum m_claim_state state;
	int escrow;
	int metric;
	int64_t from, to, credit, due;
};

struct m_set {
	bool is_open;
	int head, upper, upper_slot;
	int64_t deadline;
	int n;
	int escrows[M_SET_MEMBERS]; /* -1: not there yet */
	int lower[M_SET_MEMBERS];
};

struct m_channel {
	bool is_open, closing;
	int payer, payee;
	int64_t amount, fee, claimed, until, due;
};

/* The terms that all escrows with service levels have here. */
#define M_BOUND 100
#define M_WINDOW 60
#define M_CREDIT_PPM 50000
#define M_CAP_PPM 400000
#define M_OBJECT 300
#define M_AUDIT 900

struct model {
	int64_t now;
	int64_t supply;
	int64_t free[M_PARTIES], held[M_PARTIES];
	uint32_t fee_ppm;
	int pools[2];
	uint32_t shares[2];
	bool sells[M_PARTIES], buys[M_PARTIES];
	struct m_escrow escrows[M_ESCROWS];
	int escrow_n;
	struct m_claim claims[M_CLAIMS];
	int claim_n;
	struct m_set sets[M_SETS];
	int set_n;
	struct m_channel channels[M_CHANNELS];
	int channel_n;
};

void model_init(struct model *m, int64_t now);
/* Everything that happens until then, in the order of time. */
void model_time(struct model *m, int64_t now);

bool model_mint(struct model *m, int to, int64_t amount);
bool model_transfer(struct model *m, int from, int to, int64_t amount);
/* want has what the payer has signed; on success it is escrow number
 * escrow_n - 1. */
bool model_authorize(struct model *m, const struct m_escrow *want);
bool model_acknowledge(struct model *m, int who, int escrow);
bool model_void(struct model *m, int who, int escrow);
bool model_withdraw(struct model *m, int who, int escrow);
bool model_activate(struct model *m, int who, int escrow, bool on);
bool model_set(struct model *m, const struct m_set *want);
bool model_claim(struct model *m, int who, int escrow, int metric,
    int64_t from, int64_t to, int64_t value);
bool model_confirm(struct model *m, int who, int claim);
bool model_object(struct model *m, int who, int claim);
bool model_audit(struct model *m, int claim, bool upheld);
bool model_channel(struct model *m, const struct m_channel *want,
    int64_t fee_max);
bool model_voucher(struct model *m, int who, int channel, int64_t amount);
bool model_close(struct model *m, int who, int channel, int64_t grace);

#endif
