/*
 * The state of a ledger, and what its parts call of each other.
 *
 * Everything that has a key is in an ordered map, so that listing, saving and
 * the digest of the state have one order.  What waits for a time is in one
 * heap, ordered by (time, rank of its kind, key), which is a total order: the
 * history of a replay cannot show in it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef SETTLEMENT_STATE_H
#define SETTLEMENT_STATE_H

#include <string.h>

#include <cpnp/settlement.h>

#include "map.h"

#define OPERATORS_MAX CPNP_OPERATORS_MAX
#define VOTERS_MAX OPERATORS_MAX
#define FRONTIER_MAX 64

/* ---- Due --------------------------------------------------------------- */

enum due_rank {
	DUE_IDEM,
	DUE_PROPOSAL,
	DUE_CLAIM,
	DUE_ESCROW,
	DUE_SET,
	DUE_CHANNEL,
	DUE_OFFER
};
/* Embedded right behind the node of what may become due. */
struct due {
	int64_t at;
	enum due_rank rank;
	size_t index; /* in the heap, from 1; 0 when not there */
};
struct timed {
	struct node node;
	struct due due;
};
struct heap {
	struct timed **items;
	size_t n, cap;
};
/* Set or change when something is due. */
int due_set(struct heap *heap, const cpnp_mem *mem, struct timed *timed,
    enum due_rank rank, int64_t at);
void due_clear(struct heap *heap, struct timed *timed);

/* ---- Merkle (RFC 9162), only its right edge ----------------------------- */

struct frontier {
	uint64_t size;
	uint8_t nodes[FRONTIER_MAX][CPNP_SHA256_LEN]; /* by height */
};
int frontier_push(struct frontier *f, const cpnp_env *env, cpnp_bytes leaf);
int frontier_root(const struct frontier *f, const cpnp_env *env,
    uint8_t root[CPNP_SHA256_LEN]);
/* Root that a path leads to; CPNP_ERR_PROOF when its length does not fit. */
int path_root(const cpnp_env *env, cpnp_bytes leaf, uint64_t index,
    uint64_t size, const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    uint8_t root[CPNP_SHA256_LEN]);

/* ---- Objects ------------------------------------------------------------ */

struct account_key {
	uint8_t id[CPNP_SHA256_LEN];
	uint8_t spki[CPNP_SPKI_MAX];
	size_t spki_len;
	uint64_t from, to; /* good at positions from <= p < to */
};

struct account {
	struct node node;
	char name[CPNP_ACCOUNT_MAX + 1];
	uint64_t roles;
	enum cpnp_account_status status;
	struct account *broker;
	uint64_t opened_at;
	struct account_key keys[CPNP_ACCOUNT_KEYS_MAX];
	size_t key_n;
	struct account_key recovery; /* spki_len 0: none */
	int64_t tick;      /* newest, of an operator */
	int64_t heartbeat; /* time in the newest one */
	int64_t last_seen; /* ledger time */
	uint64_t events[CPNP_RATING_N]; /* in 1/1024, as of epoch */
	int64_t epoch;
	/* counted, not saved: what it has opened, what it has a part in */
	uint64_t open_n, part_n, offer_n, idem_n, pseudonym_n, proposal_n;
};

struct token {
	struct node node;
	uint8_t key[CPNP_ACCOUNT_MAX + 1 + CPNP_TOKEN_CODE_MAX];
	struct account *issuer;
	char code[CPNP_TOKEN_CODE_MAX + 1];
	uint8_t exponent;
	int64_t supply;
};

struct balance {
	struct node node;
	uint8_t key[2 * (CPNP_ACCOUNT_MAX + 1) + CPNP_TOKEN_CODE_MAX];
	struct account *account;
	struct token *token;
	int64_t free, held;
};

struct idem {
	struct timed timed;
	uint8_t key[CPNP_ACCOUNT_MAX + 1 + CPNP_OP_KEY_MAX];
	struct account *account;
	size_t id_len; /* of the key, behind the name */
};

struct proposal {
	struct timed timed;
	uint8_t id[CPNP_SHA256_LEN];
	struct account *by; /* who has signed first */
	struct {
		struct account *account;
		int64_t until; /* its signature counts */
	} voters[VOTERS_MAX];
	size_t voter_n;
};

struct claim;
struct set;

struct escrow {
	struct timed timed;
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_escrow_state state;
	struct account *payer, *payee;
	struct token *token;
	int64_t amount, fee; /* fee is 0 once it is paid */
	uint8_t order[CPNP_SHA256_LEN];
	struct set *set;
	size_t slot;
	uint8_t set_id[CPNP_SHA256_LEN];
	bool has_set;
	bool has_replaces, has_sla, has_start, idle_paid;
	bool can_lapse; /* the payee has had time to answer */
	uint8_t replaces[CPNP_SHA256_LEN];
	bool being_replaced; /* by one that is pending; not saved */
	uint8_t sla[CPNP_SHA256_LEN];
	int64_t expiry;
	int64_t start; /* agreed; from the posting on, since when it is paid */
	int64_t end;   /* of the service, once posted */
	uint64_t duration, claim_seconds;
	bool idle_by_payer, idle_by_payee;
	int64_t idle_since;
	int64_t idle_total;
	uint64_t posted_at;
	uint64_t used;     /* seconds, when ENDED or DISPUTED */
	int64_t disputed;  /* locked for open claims, when DISPUTED */
	struct claim *claims; /* in the order in which they came */
	size_t claim_n;
};

struct claim {
	struct timed timed;
	uint8_t id[CPNP_SHA256_LEN];
	struct escrow *escrow;
	struct claim *next;
	uint64_t number; /* among those of its escrow */
	cpnp_claim_state state;
	struct account *auditor;
	uint64_t audit_seconds;
	bool default_upheld;
	uint64_t metric;
	int64_t from, to;
	uint64_t value;
	int64_t credit;
};

struct set {
	struct timed timed;
	uint8_t id[CPNP_SHA256_LEN];
	struct account *head;
	int64_t deadline;
	struct set *upper;
	size_t upper_slot;
	size_t depth; /* 1 for the top */
	size_t total; /* members at all levels; of the top */
	size_t member_n;
	struct {
		uint8_t digest[CPNP_SHA256_LEN];
		struct escrow *escrow;
		struct set *lower;
	} members[CPNP_SET_MEMBERS_MAX];
};

struct channel {
	struct timed timed;
	uint8_t id[CPNP_SHA256_LEN];
	struct account *payer, *payee;
	struct token *token;
	struct account_key key; /* that has opened it */
	int64_t amount, fee, claimed;
	uint8_t order[CPNP_SHA256_LEN];
	int64_t until;
	uint64_t grace;
	bool closing, has_chain;
	uint8_t chain[CPNP_SHA256_LEN];
	int64_t unit;
	uint64_t count;
};

struct offer {
	struct timed timed;
	uint8_t key[CPNP_ACCOUNT_MAX + 1 + CPNP_OFFER_ID_MAX];
	struct account *publisher;
	uint8_t id[CPNP_OFFER_ID_MAX];
	size_t id_len;
	uint64_t kind;
	char ingress[CPNP_PLACE_MAX + 1], egress[CPNP_PLACE_MAX + 1];
	uint64_t delay, capacity;
	struct token *token; /* NULL: not for sale */
	int64_t price;
	uint64_t duration;
	int64_t from, to;
	bool has_document;
	uint8_t document[CPNP_SHA256_LEN];
	int64_t until;
};

struct anchor {
	struct node node;
	uint8_t key[CPNP_ACCOUNT_MAX + 1 + 255];
	struct account *account;
	size_t origin_len;
	uint64_t size;
	uint8_t root[CPNP_SHA256_LEN];
	uint64_t position;
	int64_t time;
};

/* ---- Rules ------------------------------------------------------------- */

struct call;

/* Who may do what; a role of 0 is anybody's. */
struct rule {
	unsigned type;
	uint64_t roles;
	unsigned (*apply)(struct call *call);
	bool only_grows; /* no idempotency key, no expiry */
	bool governs;
};

/*
 * A version of the rules.  What an operation is and what it does are looked up
 * here, by the version that counts at its position.  A new version is a new
 * edition behind the others, whose handlers may be theirs; what an old one
 * names is never changed, since logs were written under it.
 */
struct edition {
	uint64_t version;
	int (*decode)(cpnp_op *op, cpnp_bytes payload, cpnp_diag *diag);
	const struct rule *rules;
	size_t rule_n;
};

/* ---- Ledger ------------------------------------------------------------ */

struct cpnp_ledger {
	cpnp_ledger_env env;
	const struct edition *editions; /* that of version n is n - 1 */
	size_t edition_n;
	uint8_t id[CPNP_SHA256_LEN];
	char name[65];
	uint64_t position; /* of the next entry */
	uint8_t head[CPNP_SHA256_LEN];
	uint64_t rules, rules_next, rules_next_position;
	int64_t time;
	cpnp_settings settings;
	char pool_names[CPNP_POOLS_MAX][CPNP_ACCOUNT_MAX + 1];
	struct map accounts, tokens, balances, idems, proposals, escrows, sets,
	    claims, channels, offers, anchors;
	struct account *operators[OPERATORS_MAX]; /* active ones, by name */
	size_t operator_n;
	struct heap heap;
	struct frontier frontier;
	cpnp_outcome *outcomes; /* of the last entry */
	size_t outcome_n, outcome_cap;
	int err; /* a FATAL one: nothing may be asked any more */
};

void ledger_init(cpnp_ledger *l, const cpnp_ledger_env *env);
void *ledger_alloc(cpnp_ledger *l, size_t size); /* zeroed */
void ledger_free(cpnp_ledger *l, void *ptr);
int ledger_hash(const cpnp_ledger *l, cpnp_bytes bytes,
    uint8_t digest[CPNP_SHA256_LEN]);
int ledger_emit(cpnp_ledger *l, unsigned kind, unsigned code,
    const uint8_t digest[CPNP_SHA256_LEN], int64_t amount);
/* The roles of which an account needs one for this operation; 0: none. */
uint64_t ledger_roles_for(const cpnp_ledger *l, unsigned type);
/* Read what cpnp_genesis_encode() writes into an empty ledger. */
int genesis_apply(cpnp_ledger *l, cpnp_bytes genesis, cpnp_diag *diag);
bool name_is_valid(cpnp_bytes name);
bool code_is_valid(cpnp_bytes code);
int settle_fail(cpnp_diag *diag, int err, const char *where, const char *why);
/* Another reason for the error that diag (or NULL) has. */
void settle_say(cpnp_diag *diag, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Whether the pools are accounts that can be paid. */
bool pools_exist(const cpnp_ledger *l, const cpnp_settings *settings);
/* Copy settings whose names are views; PEER when a pool does not exist. */
unsigned settings_take(cpnp_ledger *l, const cpnp_settings *settings);

/*
 * An operation at work.  A handler returns a cpnp_outcome_code and has changed
 * nothing unless it is ACCEPTED (or PENDING); when memory or a digest failed
 * it sets ledger->err, which is looked at first.  When dry it changes nothing
 * at all: what it returns is the answer to a question.
 */
struct call {
	cpnp_ledger *ledger;
	const cpnp_op *op;
	cpnp_bytes payload;
	const uint8_t *digest;
	struct account *account;
	const struct account_key *key; /* that has signed it */
	int64_t amount; /* for the outcome */
	bool dry;
};
/* Why an operation is refused, with its numbers. */
void outcome_explain(const struct call *call, unsigned code, cpnp_diag *diag);

/* Accounts and governance. */
unsigned do_account_open(struct call *call);
unsigned do_account_close(struct call *call);
unsigned do_key_add(struct call *call);
unsigned do_key_revoke(struct call *call);
unsigned do_key_recover(struct call *call);
unsigned do_roles(struct call *call);
unsigned do_status(struct call *call);
unsigned do_rules(struct call *call);
unsigned do_settings(struct call *call);
unsigned do_tick(struct call *call);
unsigned do_heartbeat(struct call *call);
unsigned do_anchor(struct call *call);
void proposal_end(cpnp_ledger *l, struct proposal *proposal);
struct account *account_find(const cpnp_ledger *l, cpnp_bytes name);
struct account *account_new(cpnp_ledger *l, cpnp_bytes name);
/* Free a pseudonym that is closed once nothing refers to it. */
void account_forget(cpnp_ledger *l, struct account *account);
int account_key_set(
    const cpnp_ledger *l, struct account_key *key, cpnp_bytes spki);
const struct account_key *account_key_at(
    const struct account *account, const uint8_t *id, uint64_t position);
cpnp_bytes account_name(const struct account *account);
void operators_collect(cpnp_ledger *l);

/* Money. */
unsigned do_token(struct call *call);
unsigned do_mint(struct call *call);
unsigned do_transfer(struct call *call);
struct token *token_find(
    const cpnp_ledger *l, cpnp_bytes issuer, cpnp_bytes code);
struct token *token_new(cpnp_ledger *l, struct account *issuer,
    cpnp_bytes code, uint8_t exponent);
struct balance *balance_find(const cpnp_ledger *l,
    const struct account *account, const struct token *token);
/* The same, made when it is not there; NULL sets l->err. */
struct balance *balance_get(
    cpnp_ledger *l, struct account *account, struct token *token);
int64_t balance_free(const cpnp_ledger *l, const struct account *account,
    const struct token *token);
/* Lock what is free; it is enough. */
void money_hold(cpnp_ledger *l, struct account *account, struct token *token,
    int64_t amount);
/* Move from what payer has locked to the free part of to; to may be payer. */
void money_release(cpnp_ledger *l, struct account *payer,
    struct token *token, int64_t amount, struct account *to);
/* The same to the pools, by their shares. */
void money_fee(cpnp_ledger *l, struct account *payer, struct token *token,
    int64_t amount);
/* a * b / c, rounded down; 0 <= b <= c, a >= 0, c > 0: it always fits. */
int64_t muldiv(int64_t a, int64_t b, int64_t c);

/* Escrow. */
unsigned do_authorize(struct call *call);
unsigned do_acknowledge(struct call *call);
unsigned do_void(struct call *call);
unsigned do_withdraw(struct call *call);
unsigned do_activate(struct call *call);
struct escrow *escrow_find(const cpnp_ledger *l, cpnp_bytes id);
void escrow_post(cpnp_ledger *l, struct escrow *e);
void escrow_return(cpnp_ledger *l, struct escrow *e);
void escrow_due(cpnp_ledger *l, struct escrow *e);
/* Take a claim's part out of a DISPUTED one. */
void escrow_resolve(cpnp_ledger *l, struct escrow *e, struct claim *claim);
uint64_t escrow_used(const struct escrow *e, int64_t at);
unsigned check_parties(struct call *call, struct account **payee,
    struct token **token, int64_t *fee);

/* Commit sets. */
unsigned do_commit_set(struct call *call);
struct set *set_find(const cpnp_ledger *l, cpnp_bytes id);
int set_slot(const struct set *set, const uint8_t *digest);
bool set_is_complete(const struct set *set);
struct set *set_top(struct set *set);
void set_post(cpnp_ledger *l, struct set *top);
void set_void(cpnp_ledger *l, struct set *top);

/* Service levels. */
unsigned do_claim(struct call *call);
unsigned do_confirm(struct call *call);
unsigned do_object(struct call *call);
unsigned do_audit(struct call *call);
void claim_due(cpnp_ledger *l, struct claim *claim);
void claim_free(cpnp_ledger *l, struct claim *claim);

/* Channels. */
unsigned do_channel_open(struct call *call);
unsigned do_voucher(struct call *call);
unsigned do_redeem(struct call *call);
unsigned do_channel_close(struct call *call);
struct channel *channel_find(const cpnp_ledger *l, cpnp_bytes id);
void channel_end(cpnp_ledger *l, struct channel *channel);

/* Catalogue. */
unsigned do_publish(struct call *call);
unsigned do_unpublish(struct call *call);
struct offer *offer_find(
    const cpnp_ledger *l, cpnp_bytes publisher, cpnp_bytes id);
void offer_end(cpnp_ledger *l, struct offer *offer);
struct account *offer_payee(const struct offer *offer);

/* Rating. */
void rating_note(cpnp_ledger *l, struct account *account,
    enum cpnp_rating_event event, uint64_t units);
void rating_of(const cpnp_ledger *l, const struct account *account,
    cpnp_rating *rating);

/* Keys of maps: name, NUL and what follows. */
size_t key_join(uint8_t *out, cpnp_bytes a, cpnp_bytes b);

/* Half of the operators or fewer would take the role from the others. */
bool quorum_is_good(uint64_t quorum, uint64_t operators);

/* A signed item of a batch: a COSE_Sign1, or a bundle. */
struct item {
	cpnp_bytes raw;
	cpnp_bytes protected;
	int alg;
	cpnp_bytes kid;
	cpnp_bytes signature;
	size_t n;            /* payloads; more than 1 only in a bundle */
	cpnp_bytes payloads; /* n byte strings */
	bool has_root;
	uint8_t root[CPNP_SHA256_LEN]; /* what is signed; else payload */
	bool verified; /* err is what verifying gave */
	int err;
};
/* How many items a batch has; CPNP_ERR_* when it is no batch. */
int batch_open(cpnp_cbor_rd *rd, cpnp_bytes batch, size_t *n);
/* The next item; raw is set whatever it returns, PEER errors included. */
int batch_next(cpnp_cbor_rd *rd, const cpnp_env *env, struct item *item);
int item_payload(cpnp_cbor_rd *rd, cpnp_bytes *payload);
/* A COSE_Sign1 in item->raw. */
int item_read_single(const cpnp_env *env, struct item *item);
/* Verify the signature with a key. */
int item_verify(const cpnp_ledger_env *env, const struct item *item,
    cpnp_bytes payload, cpnp_bytes spki);

#endif
