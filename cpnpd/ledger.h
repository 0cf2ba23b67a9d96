/*
 * Orders that are paid at a shared ledger, and the journal that is anchored
 * there.
 *
 * The bridge (<cpnp/bridge.h>) has a thread of its own and wakes the loop.
 * What this daemon wants of the ledger is an operation: it is made when an
 * order wants it, signed at the end of the turn together with the others,
 * stored in the outbox in the commit that has the order's own state, given to
 * the bridge when that is durable, and taken out of the outbox in the commit
 * that has what its outcome did.  At the start the whole outbox is given
 * again: operations are known by their digests, so that each is in the log
 * once.
 *
 *	ledger.c         the bridge, its health, ticks
 *	ledger_op.c      operations, from their making to the bridge
 *	ledger_terms.c   what an offer asks for
 *	ledger_offer.c   names that the ledger has to have
 *	ledger_pay.c     effect PAY, and what becomes of a payment
 *	ledger_order.c   what orders do meanwhile, and afterwards
 *	ledger_outcome.c what the log did
 *	ledger_anchor.c  heads of the journal
 *	ledger_json.c    all that for cpnpctl(8)
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_LEDGER_H
#define CPNPD_LEDGER_H

#include <jansson.h>

#include <cpnp/bridge.h>

#include "daemon.h"
#include "decide.h"
#include "ledger_conf.h"

/* Operations given to the bridge with one commit of it. */
#define CPNPD_LEDGER_GIVE_MAX 1024
/* Outcomes looked at in one turn. */
#define CPNPD_LEDGER_OUTCOMES_MAX 4096
/* Anchors without an outcome. */
#define CPNPD_LEDGER_ANCHORS_MAX 16
/* Why a payment failed, for the customer. */
#define CPNPD_LEDGER_WHY_MAX (CPNP_TEXT_MAX + 1)

/* An operation whose outcome is not known. */
struct ledger_op {
	uint8_t digest[CPNP_SHA256_LEN]; /* by which it is found: first */
	struct ledger_op *next;
	uint64_t number; /* in the outbox; 0: not there yet */
	unsigned kind;
	uint8_t subject[CPNP_SHA256_LEN]; /* escrow; of an anchor the root */
	uint64_t size; /* of an anchor */
	bool on;       /* of ACTIVATE */
	bool is_theirs; /* another account has signed it */
	bool given;    /* the bridge has it; else it is in a list */
	bool over;     /* nobody wants it any more */
	size_t len;
	uint8_t *bytes; /* to be signed, then signed */
};

struct ledger_ops {
	struct ledger_op *first, **end;
};

/* A payment that an order waits for. */
struct payment {
	uint8_t escrow[CPNP_SHA256_LEN]; /* by which it is found: first */
	struct key *key;
	int64_t amount;
	int64_t until; /* when it cannot be acknowledged any more */
	bool acknowledged; /* an operation for that is made */
};

/* What an order is to be told once its effects are drained. */
struct verdict {
	struct verdict *next;
	struct key *key;
	bool paid;
	cpnp_status status;
	char why[CPNPD_LEDGER_WHY_MAX];
	uint8_t leaf[CPNP_OUTCOME_MAX]; /* the outcome, if there is one */
	size_t leaf_len;
};

struct ledger {
	struct cpnp_ledger_conf conf;
	cpnp_bytes account;
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_signer *signer;
	cpnp_bridge *bridge;
	int wake_fd;
	struct event *wake, *beat, *retry, *anchor;

	cpnp_bridge_status status; /* as it was told last */
	cpnp_tstamp away_since;
	int refused; /* why the bridge took nothing last */
	cpnp_wtime time;         /* of the ledger, and ... */
	uint64_t op_seconds_max; /* ... its settings, as of then */
	uint64_t idem_max;
	uint64_t idem_n; /* live idempotency keys of the account, as of then */
	uint64_t heartbeat_seconds;
	bool is_operator;
	bool is_checked; /* the account, against the ledger */
	/* why offers cannot name their entry, for the customer */
	char unsold[CPNPD_LEDGER_WHY_MAX];

	void *ops;      /* all of them, a tree */
	size_t ops_n;
	size_t given_n; /* to the bridge, that spend an idempotency key of ours */
	struct ledger_ops ready; /* signed, not in the outbox */
	struct ledger_ops plain; /* to be signed */
	struct ledger_ops stored; /* in the outbox, by number */
	uint64_t number;  /* the last one */
	uint64_t durable; /* up to here */

	void *payments; /* a tree */
	size_t payments_n;
	struct verdict *verdicts, **verdicts_end;
	cpnp_bytes leaf; /* of the verdict that is being given */

	cpnp_tstamp void_at; /* when all unknown escrows so far had their turn */
	bool is_stopped; /* some service may not be paid any more */
	cpnp_tstamp look_at; /* which one is looked for from then on */
	uint64_t outcomes; /* handled */
	uint64_t outcomes_stored;

	uint64_t anchored; /* leaves: known to the ledger, ... */
	uint64_t anchoring; /* ... asked for */
	uint64_t head;      /* of the journal, when last looked at */
	uint64_t events_since; /* ... and what has come since, at most */
	size_t anchors_open;
};

/* ledger.c */
/* Open the bridge, if there is one to be; mistakes are told. */
int cpnpd_ledger_start(struct daemon *d);
/* Operations and outcomes from where the store says. */
int cpnpd_ledger_load(struct daemon *d);
/* Follow the log, once the orders are there. */
int cpnpd_ledger_run(struct daemon *d);
void cpnpd_ledger_stop(struct daemon *d);
/* Operations cannot be brought to the log for now. */
bool cpnpd_ledger_is_away(const struct ledger *l);
/* How many operations of ours the ledger takes now, before our idempotency keys
 * are spent: more would be refused there, also those that end a payment. */
uint64_t cpnpd_ledger_room(const struct ledger *l);
/* Why no new order can be paid, or NULL. */
const char *cpnpd_ledger_refuses(const struct daemon *d);
/* Try to give operations again, soon. */
void cpnpd_ledger_retry(struct daemon *d);

/* ledger_op.c */
struct ledger_op *cpnpd_ledger_find_op(
    const struct ledger *l, const uint8_t digest[CPNP_SHA256_LEN]);
/* A new operation, to be signed at the end of the turn; one that is there
 * already is left as it is.  With is_given it may be of before a restart: then
 * the bridge is asked, and what it has is not made again.  Errors: NOMEM,
 * CRYPTO, IO ... */
int cpnpd_ledger_add(struct daemon *d, cpnp_op *op,
    const uint8_t subject[CPNP_SHA256_LEN], bool *is_given);
/* About an escrow: VOID, WITHDRAW, ACTIVATE.  What goes wrong fails the
 * store. */
void cpnpd_ledger_want(struct daemon *d, cpnp_op_type type,
    const uint8_t escrow[CPNP_SHA256_LEN], bool on, cpnp_now now);
/* One that is signed by another account, about subject: of an authorization its
 * digest. */
int cpnpd_ledger_add_signed(struct daemon *d, unsigned kind,
    const uint8_t digest[CPNP_SHA256_LEN],
    const uint8_t subject[CPNP_SHA256_LEN], cpnp_bytes bytes);
/* Would the log take what another account has signed?  Asked of our copy of the
 * ledger; FORBIDDEN, or why it cannot be asked. */
int cpnpd_ledger_check(
    struct daemon *d, cpnp_bytes signed_op, cpnp_diag *diag);
/* Its outcome is known, or nobody wants it any more: out of the outbox. */
void cpnpd_ledger_drop_op(
    struct daemon *d, struct ledger_op *op, cpnp_now now);
/* The turn is over: sign, and put into the batch what is to be stored. */
void cpnpd_ledger_turn_end(struct daemon *d, cpnp_now now);
/* A batch is durable. */
void cpnpd_ledger_committed(struct daemon *d, const struct batch *b);
void cpnpd_ledger_give(struct daemon *d);
void cpnpd_ledger_forget_ops(struct ledger *l);
int cpnpd_ledger_load_ops(struct daemon *d);

/* ledger_terms.c: what the offer in a decision is to be paid with, into buf;
 * nothing for a customer without account, or without cost.  The decision
 * becomes a refusal when no order can be paid now. */
int cpnpd_ledger_terms(struct daemon *d, const cpnp_order *order,
    cpnp_decision *decision, cpnp_buf *buf, cpnp_now now);

/* ledger_offer.c */
/* The entry of the ledger's catalogue that section ledger names, if any, into
 * terms whose times are set; otherwise why it cannot be ordered.  Errors:
 * NOT_FOUND now, CONFIG never. */
int cpnpd_ledger_set_offer(const struct daemon *d, cpnp_terms *terms,
    char why[CPNPD_LEDGER_WHY_MAX]);
/* Warn of that, and of customers whose account the ledger does not have;
 * CONFIG: why the entry can never be ordered. */
int cpnpd_ledger_check_names(const struct daemon *d,
    char why[CPNPD_LEDGER_WHY_MAX]);
/* Another configuration is in use. */
void cpnpd_ledger_reloaded(const struct daemon *d);

/* ledger_pay.c */
/* Effect PAY. */
void cpnpd_ledger_pay(
    struct daemon *d, const cpnp_effect *effect, cpnp_now now);
/* Tell an order what became of its payment; false: there is none to tell. */
bool cpnpd_ledger_answer(struct daemon *d, cpnp_now now);
void cpnpd_ledger_forget_payment(struct ledger *l, struct payment *payment);
void cpnpd_ledger_forget_payments(struct ledger *l);
/* The order waits no more, and what it was to be paid with is taken back. */
int cpnpd_ledger_take_back(struct daemon *d, const cpnp_order *order,
    struct payment *payment, cpnp_now now);
struct payment *cpnpd_ledger_find_payment(
    const struct ledger *l, const uint8_t escrow[CPNP_SHA256_LEN]);
/* Acknowledge the escrow of a payment; is_given as for _add(). */
int cpnpd_ledger_acknowledge(
    struct daemon *d, struct payment *payment, bool *is_given);
/* Tell the order of a payment, later; the payment is gone.  outcome may be
 * NULL. */
void cpnpd_ledger_paid(struct daemon *d, struct payment *payment,
    const cpnp_outcome *outcome);
void cpnpd_ledger_not_paid(struct daemon *d, struct payment *payment,
    const cpnp_outcome *outcome, const char *why);
/* The digest of the operation in an authorization; op may be NULL. */
int cpnpd_ledger_read(cpnp_bytes authorization, cpnp_op *op,
    uint8_t digest[CPNP_SHA256_LEN]);

/* ledger_order.c */
/* An effect STORE is in the batch. */
int cpnpd_ledger_stored(struct daemon *d, struct batch *b,
    const cpnp_effect *effect, cpnp_now now);
/* An escrow pays for no more service, for now or, over, for ever: when an active
 * agreement rests on it that does not end by itself now, it is deactivated. */
void cpnpd_ledger_unpaid(struct daemon *d, cpnp_order *order,
    const uint8_t escrow[CPNP_SHA256_LEN], bool over, cpnp_now now);
/* An order leaves memory. */
void cpnpd_ledger_forget(struct daemon *d, cpnp_order *order);

/* ledger_outcome.c: look at what the log did since. */
void cpnpd_ledger_outcomes(struct daemon *d, cpnp_now now);

/* ledger_anchor.c */
int cpnpd_ledger_anchors_start(struct daemon *d);
/* So many events were stored. */
void cpnpd_ledger_grown(struct daemon *d, size_t events);
/* An ANCHOR has its outcome. */
void cpnpd_ledger_anchored(struct daemon *d, const struct ledger_op *op,
    const cpnp_outcome *outcome, cpnp_now now);

/* ledger_json.c */
void cpnpd_ledger_status_json(struct daemon *d, json_t *object);
int cpnpd_ledger_order_json(
    struct daemon *d, json_t *object, const cpnp_store_row *row);
int cpnpd_ledger_outcome_json(json_t *object, cpnp_bytes leaf);

#endif
