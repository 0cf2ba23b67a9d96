/*
 * The explorer: the client and the server of one order against each other,
 * through every interleaving.
 *
 * A side is a pure function here: its state and a move give a new state and
 * the messages that it sends.  Time is three moments, the clocks of the two
 * sides go on independently, and a timer that is armed may fire whenever its
 * date allows; random numbers are the same every time.  So every state of a
 * side is kept once, every move of it runs through the real code once, and
 * what is explored is the product of both with what was sent.
 *
 * A scenario says which moves there are: those of an order, or, from an
 * agreement on, those of one transaction on it or of several.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_EXPLORE_H
#define TESTS_EXPLORE_H

#include "../../lib/core/order_int.h"
#include "../peer/peer.h"

#define MESSAGES_MAX 1024
#define SET_WORDS (MESSAGES_MAX / 64)
#define TRANSACTIONS_MAX 128

/* The begin, too late for an offer, the end of the validity; and two more for
 * what was begun only then to come to its end. */
#define MOMENTS_EXPLORED 3
#define MOMENTS 5

enum act {
	ACT_START,
	ACT_ACCEPT,
	ACT_DECLINE,
	ACT_CANCEL,
	ACT_OFFER,
	ACT_REFUSE,
	ACT_SIGNED,
	ACT_SIGN_FAILED,
	ACT_MORE_TIME,
	ACT_WITHDRAW,
	ACT_UPDATE,
	ACT_ACTIVATE, /* from now on */
	ACT_SCHEDULE, /* from the second moment to the third */
	ACT_DEACTIVATE,
	ACT_GRANT,
	ACT_BIND, /* the payment is given to the ledger */
	ACT_PAID,
	ACT_NOT_PAID,
	ACT_SERVICE,
	ACT_RETRANS,
	ACT_DEADLINE,
	ACT_LINGER,
	ACT_CLOCK,
	ACT_CRASH,
	ACT_DELIVER
};

/* What a side does next; message is for DELIVER. */
struct move {
	uint8_t act;
	uint8_t role;
	uint16_t message;
};

#define ACT_BIT(name) (UINT32_C(1) << ACT_##name)

/* What the provider has given to the ledger for the ACCEPT that is open, which
 * cannot be taken back, and what the ledger has said. */
enum money { MONEY_NONE, MONEY_GIVEN, MONEY_POSTED };

/* What became of the capacity of the order; durable with its state.  What the
 * agreement has bought is held apart from what an open offer holds. */
struct ledger {
	bool held;
	bool bought;
	enum money money;
};

struct result {
	bool is_possible;
	uint32_t side;
	size_t sent_n;
	uint16_t sent[ORDER_EFFECTS_MAX];
	const char *broken; /* a property that this move breaks */
};

struct side {
	bool in_memory;
	bool in_store;
	unsigned clock;
	struct ledger ledger;
	struct order_now now;    /* in memory */
	struct cpnp_blob *saved; /* in the store */
	struct cpnp_blob *docs[CPNP_DOC_END];
	unsigned begun; /* transactions on the agreement; of a server, requests
			   for more time */
	/* what it shows, also when it is only in the store */
	cpnp_state state;
	cpnp_agreement_state agreement;
	enum order_kind kind;
	bool is_settled;
	bool is_outstanding;
	bool is_scheduled; /* the service begins or ends by itself */
	bool accept_sent;
	uint8_t digest[CPNP_SHA256_LEN]; /* of what is negotiated or agreed */
	/* of the agreement that stands */
	uint8_t standing[CPNP_SHA256_LEN];
	uint8_t nonce_len;
	uint8_t nonce[CPNP_NONCE_MAX];
	uint8_t transaction_id_len;
	uint8_t transaction_id[CPNP_TRANSACTION_ID_MAX];

	uint8_t *key; /* all of the above that makes a difference */
	size_t key_len;
	uint64_t hash;
	struct result **results;
	size_t results_n;
};

/* What a message says of the ACCEPT, or of the request on an agreement, that
 * it may answer. */
enum verdict { VERDICT_NONE, VERDICT_YES, VERDICT_NO };

struct message {
	uint8_t *bytes;
	size_t len;
	cpnp_role to;
	cpnp_method method;
	uint32_t number;
	size_t transaction; /* which one of the world */
	enum verdict verdict;
};

struct transaction {
	uint8_t id[CPNP_TRANSACTION_ID_MAX];
	size_t id_len;
	cpnp_method method; /* that opens it */
};

/* Open addressing; a slot is a number or free. */
#define NO_ENTRY UINT32_MAX
struct table {
	uint32_t *slots;
	size_t cap; /* power of two */
};

struct scenario {
	const char *name;
	cpnp_edition edition;
	bool sign;
	uint32_t acts;      /* moves beside those of every order */
	unsigned begun_max; /* transactions on the agreement, 0: an order */
	bool is_active;     /* ... which is Active in the beginning */
	unsigned depth;
};

struct world {
	const struct scenario *scenario;
	struct peer peers[2]; /* the sets of orders that all moves run in */
	struct side **sides[2];
	size_t sides_n[2];
	size_t sides_cap[2];
	struct table tables[2];
	struct message messages[MESSAGES_MAX];
	size_t messages_n;
	struct transaction transactions[TRANSACTIONS_MAX];
	size_t transactions_n;
};

/* --- state.c --- */

#define ORDER_ID "o1"
#define BEGIN_WALL 1800000000
/* None of them is what was asked for, nor what the other one has. */
#define OFFER_OF_QUOTATION PEER_SERVICE_80
#define OFFER_OF_UPDATE PEER_SERVICE
#define MOMENT_SEC 100

/* What is no violation but keeps the explorer from working ends it. */
void must(bool is_true, const char *what);
void *must_alloc(void *ptr, size_t n, size_t size);
/* A table of cap slots, all free. */
void table_clear(struct table *table, size_t cap);
uint64_t mix(uint64_t hash, uint64_t value);
cpnp_now moment(unsigned clock);
/* Make the set of orders what it was in that state. */
void put_back(struct peer *p, const struct side *side);
/* No order is in memory, and no effect. */
void clear(struct peer *p);
void drop_effects(struct peer *p);
/* Read the order from the store. */
cpnp_order *load(struct peer *p, const struct side *side);
/* What makes no difference is always the same. */
void normalise(const struct peer *p, struct order_now *now);
/* The state that a move begins with, to be changed. */
void copy_side(struct side *to, const struct side *from);
void side_fini(struct peer *p, struct side *side);
/* The number of a state with the order as it is in memory; takes side. */
uint32_t intern_side(struct world *world, cpnp_role role, struct side *side);
uint16_t intern_message(struct world *world, cpnp_role to, cpnp_bytes bytes);
const struct side *world_side(
    const struct world *world, cpnp_role role, uint32_t side);
/* It has an agreement, Completed or Active. */
bool side_stands(const struct side *side);

/* --- side.c --- */

void world_init(struct world *world);
void world_fini(struct world *world);
/* The states that all begins with: a client in Created, and no server. */
uint32_t world_first(struct world *world, cpnp_role role);
/* The move of a side; run once, remembered for ever. */
const struct result *world_move(
    struct world *world, uint32_t side, struct move move);

/* --- calm.c --- */

/*
 * All that is under way is lost, and from now on nothing is: do both sides
 * come to an end, and to the same one?  NULL, or what is wrong.  With is_lazy
 * no application answers.  What happens is printed when step, the number of
 * the step that led here, is not 0.
 */
const char *calm_check(struct world *world, uint32_t client, uint32_t server,
    bool is_lazy, unsigned step);

/* Beside moves: what is paid is a confirmation, without terms. */
#define CONFIRMS (UINT32_C(1) << 31)

/* Offers of the scenario are to be paid for. */
static inline bool
has_terms(const struct world *world)
{
	return (world->scenario->acts & ACT_BIT(PAID)) != 0;
}

/* The two come to an agreement, which is Active when the scenario says so;
 * sent has what was sent for it. */
void calm_agree(
    struct world *world, uint32_t sides[2], uint64_t sent[SET_WORDS]);

/* --- words.c --- */

/* A move, what it made the side send, and the states of both after it. */
void print_move(const struct world *world, unsigned step, struct move move,
    const struct result *result, const uint32_t sides[2]);

#endif
