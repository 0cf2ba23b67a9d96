/*
 * Settlement: accounts, tokens, escrow, service level credits, payment
 * channels, catalogue and rating, as one deterministic state machine that
 * everybody replays from one totally ordered log of signed operations.
 *
 *   operation    what an account wants, signed with one of its keys
 *   batch        bytes with some signed operations, as a backend appends them
 *   entry        a batch at its position, with the hash of the entry before
 *   ledger       the state machine: takes entries, gives outcomes
 *   outcome      what became of an operation, or of something that was due
 *
 * A writer encodes and signs operations, joins them into a batch and hands it
 * to a backend.  A follower takes entries from a backend in order:
 *
 *   cpnp_ledger_new()        from the genesis, or _load() from a snapshot
 *   cpnp_ledger_apply()      one entry
 *   cpnp_ledger_outcomes()   what it did, in order; append each leaf to a
 *                            cpnp_tree to make proofs of payment later
 *   cpnp_ledger_save()       a snapshot, now and then
 *
 * An operation that breaks a rule stays in the log, has an outcome that names
 * the rule, and changes nothing but that its idempotency key is spent.  Bytes
 * that are no batch have an outcome as well: nobody can make a log that stops
 * its followers.
 *
 * The machine reads no clock, file or random source; memory, SHA-256 and the
 * verification of signatures are handed in.  Ledger time moves only by TICK
 * operations.  Formats and rules: cpnp-settlement(7), settlement.cddl.
 *
 * A ledger is for one thread at a time.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_SETTLEMENT_H
#define CPNP_SETTLEMENT_H

#include <cpnp/cbor.h>
#include <cpnp/error.h>
#include <cpnp/ledger.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The newest set of rules that this library knows. */
#define CPNP_RULES_VERSION 1

/* ---- Limits ------------------------------------------------------------ */

#define CPNP_ACCOUNT_MAX 64    /* bytes of a name: visible ASCII, no space */
#define CPNP_OP_MAX 3072       /* bytes of an encoded operation */
#define CPNP_OP_KEY_MAX 32     /* bytes of an idempotency key */
#define CPNP_OP_LIFE_MAX 604800 /* an operation expires within seven days */
#define CPNP_ACCOUNT_KEYS_MAX 8 /* keys that are good now or later */
#define CPNP_SPKI_MAX 128      /* bytes of a SubjectPublicKeyInfo */
#define CPNP_OFFER_ID_MAX 32
#define CPNP_PLACE_MAX 64      /* bytes of an ingress or egress */
#define CPNP_SET_MEMBERS_MAX 32
#define CPNP_SET_DEPTH_MAX 8
#define CPNP_ESCROW_CLAIMS_MAX 32
#define CPNP_CHAIN_MAX 512     /* hashes of a chain that one REDEEM brings */
#define CPNP_SERVICE_SECONDS_MAX 315360000  /* ten years */
#define CPNP_CLAIM_SECONDS_MAX 31536000     /* and for claims, one */
#define CPNP_SLA_TERMS_MAX 1024
#define CPNP_SLA_METRICS_MAX 16
#define CPNP_PROPOSALS_MAX 64  /* of one operator, that wait for signatures */
#define CPNP_RECOVERIES_MAX 4  /* idempotency keys kept for KEY_RECOVER */
#define CPNP_ISSUER_TOKENS_MAX 256 /* of one issuer */
#define CPNP_OPERATORS_MAX 64
#define CPNP_ANCHORS_MAX 16    /* journals of one account */
#define CPNP_POOLS_MAX 8
#define CPNP_BATCH_BYTES_MAX 1048576 /* a longer one is MALFORMED */
#define CPNP_BATCH_OPS_MAX 4096
#define CPNP_GENESIS_MAX 262144
#define CPNP_GENESIS_ACCOUNTS_MAX 1024
#define CPNP_GENESIS_TOKENS_MAX 256

#define CPNP_PPM 1000000

/* ---- Roles and status (U6, U30, Y9, Y44) -------------------------------- */

enum cpnp_account_role {
	CPNP_ROLE_CUSTOMER = 1 << 0,
	CPNP_ROLE_PROVIDER = 1 << 1,
	CPNP_ROLE_BROKER = 1 << 2,     /* vouches for pseudonyms */
	CPNP_ROLE_OPERATOR = 1 << 3,   /* of a node: ticks, votes */
	CPNP_ROLE_MAINTAINER = 1 << 4, /* opens accounts */
	CPNP_ROLE_NETWORK = 1 << 5,    /* network operator: segments */
	CPNP_ROLE_ISSUER = 1 << 6,
	CPNP_ROLE_AUDITOR = 1 << 7
};
#define CPNP_ROLES_ALL 0xff

enum cpnp_account_status {
	CPNP_ACCOUNT_ACTIVE = 0,
	CPNP_ACCOUNT_SUSPENDED = 1,
	CPNP_ACCOUNT_CLOSED = 2
};

/* ---- Operations --------------------------------------------------------- */

/*
 * X(name, number, text).  Who may do what, and the fields of each, are in
 * cpnp-settlement(7).
 */
#define CPNP_OP_MAP(X)                                                         \
	/* time, presence, journals */                                         \
	X(TICK, 1, "tick")                                                     \
	X(HEARTBEAT, 2, "heartbeat")                                           \
	X(ANCHOR, 3, "anchor")                                                 \
	/* accounts */                                                         \
	X(ACCOUNT_OPEN, 10, "account-open")                                    \
	X(ACCOUNT_CLOSE, 11, "account-close")                                  \
	X(KEY_ADD, 12, "key-add")                                              \
	X(KEY_REVOKE, 13, "key-revoke")                                        \
	X(KEY_RECOVER, 14, "key-recover")                                      \
	/* governance: takes effect when enough operators have signed it */    \
	X(ROLES, 20, "roles")                                                  \
	X(STATUS, 21, "status")                                                \
	X(RULES, 22, "rules")                                                  \
	X(SETTINGS, 23, "settings")                                            \
	/* tokens */                                                           \
	X(TOKEN, 30, "token")                                                  \
	X(MINT, 31, "mint")                                                    \
	X(TRANSFER, 32, "transfer")                                            \
	/* escrow */                                                           \
	X(AUTHORIZE, 40, "authorize")                                          \
	X(ACKNOWLEDGE, 41, "acknowledge")                                      \
	X(VOID, 42, "void")                                                    \
	X(WITHDRAW, 43, "withdraw")                                            \
	X(ACTIVATE, 44, "activate")                                            \
	X(COMMIT_SET, 50, "commit-set")                                        \
	/* service levels */                                                   \
	X(CLAIM, 60, "claim")                                                  \
	X(CONFIRM, 61, "confirm")                                              \
	X(OBJECT, 62, "object")                                                \
	X(AUDIT, 63, "audit")                                                  \
	/* payment channels */                                                 \
	X(CHANNEL_OPEN, 70, "channel-open")                                    \
	X(VOUCHER, 71, "voucher")                                              \
	X(REDEEM, 72, "redeem")                                                \
	X(CHANNEL_CLOSE, 73, "channel-close")                                  \
	/* catalogue */                                                        \
	X(PUBLISH, 80, "publish")                                              \
	X(UNPUBLISH, 81, "unpublish")

typedef enum cpnp_op_type {
#define CPNP_OP_ENUM(name, number, text) CPNP_OP_##name = number,
	CPNP_OP_MAP(CPNP_OP_ENUM)
#undef CPNP_OP_ENUM
} cpnp_op_type;

/* "authorize"; "?" for another number. */
CPNP_API const char *cpnp_op_name(unsigned type);
/* The number of a name, 0 when there is none. */
CPNP_API unsigned cpnp_op_by_name(const char *name);

/*
 * X(name, number, kind, member, text): the fields of operations.  A field has
 * one number and one meaning, whichever operation it stands in.  Kinds: TEXT,
 * NAME (an account), BYTES, HASH (32 bytes), UINT, MONEY and TIME (integers),
 * BOOL, HASHES (digests, joined).
 */
#define CPNP_OP_FIELD_MAP(X)                                                   \
	X(PEER, 1, NAME, peer, "peer")                                         \
	X(ISSUER, 2, NAME, issuer, "issuer")                                   \
	X(CODE, 3, TEXT, code, "code")                                         \
	X(AMOUNT, 4, MONEY, amount, "amount")                                  \
	X(FEE_MAX, 5, MONEY, fee_max, "fee limit")                             \
	X(UNTIL, 6, TIME, until, "until")                                      \
	X(ORDER, 7, HASH, order, "order digest")                               \
	X(SET, 8, HASH, set, "commit set")                                     \
	X(SUBJECT, 9, HASH, subject, "subject")                                \
	X(REPLACES, 10, HASH, replaces, "replaces")                            \
	X(START, 11, TIME, start, "start")                                     \
	X(DURATION, 12, UINT, duration, "duration")                            \
	X(CLAIM_SECONDS, 13, UINT, claim_seconds, "claim seconds")             \
	X(IDLE_PAID, 14, BOOL, idle_paid, "idle paid")                         \
	X(SLA, 15, HASH, sla, "service level commitment")                      \
	X(PUBLISHER, 16, NAME, publisher, "publisher")                         \
	X(OFFER, 17, BYTES, offer, "offer")                                    \
	X(ROLES, 18, UINT, roles, "roles")                                     \
	X(STATUS, 19, UINT, status, "status")                                  \
	X(KEY, 20, BYTES, key, "key")                                          \
	X(KEY_ID, 21, HASH, key_id, "key id")                                  \
	X(POSITION, 22, UINT, position, "position")                            \
	X(RECOVERY, 23, BYTES, recovery, "recovery key")                       \
	X(TIME, 24, TIME, time, "time")                                        \
	X(ON, 25, BOOL, on, "on")                                              \
	X(SALT, 26, BYTES, salt, "salt")                                       \
	X(TERMS, 27, BYTES, terms, "terms")                                    \
	X(METRIC, 28, UINT, metric, "metric")                                  \
	X(FROM, 29, TIME, from, "from")                                        \
	X(TO, 30, TIME, to, "to")                                              \
	X(VALUE, 31, UINT, value, "value")                                     \
	X(UPHELD, 32, BOOL, upheld, "upheld")                                  \
	X(MEMBERS, 33, HASHES, members, "members")                             \
	X(UPPER, 34, HASH, upper, "upper set")                                 \
	X(UNIT, 35, MONEY, unit, "unit")                                       \
	X(CHAIN, 36, HASH, chain, "chain")                                     \
	X(COUNT, 37, UINT, count, "count")                                     \
	X(KIND, 38, UINT, kind, "kind")                                        \
	X(INGRESS, 39, TEXT, ingress, "ingress")                               \
	X(EGRESS, 40, TEXT, egress, "egress")                                  \
	X(DELAY, 41, UINT, delay, "delay")                                     \
	X(CAPACITY, 42, UINT, capacity, "capacity")                            \
	X(DOCUMENT, 43, HASH, document, "document")                            \
	X(ORIGIN, 44, TEXT, origin, "origin")                                  \
	X(SIZE, 45, UINT, size, "size")                                        \
	X(ROOT, 46, HASH, root, "root")                                        \
	X(VERSION, 47, UINT, version, "version")                               \
	X(SETTINGS, 48, BYTES, settings, "settings")                           \
	X(EXPONENT, 49, UINT, exponent, "exponent")                            \
	X(PSEUDONYM, 50, BOOL, pseudonym, "pseudonym")

typedef enum cpnp_op_field {
#define CPNP_OP_FIELD_ENUM(name, number, kind, member, text)                   \
	CPNP_OP_FIELD_##name = number,
	CPNP_OP_FIELD_MAP(CPNP_OP_FIELD_ENUM)
#undef CPNP_OP_FIELD_ENUM
} cpnp_op_field;
#define CPNP_OP_FIELD_BIT(name) ((uint64_t)1 << CPNP_OP_FIELD_##name)
/* CPNP_OP_SET(&op, AMOUNT, amount, 1000): a value, and that it stands there. */
#define CPNP_OP_SET(op, name, member, value)                                   \
	((op)->member = (value), (op)->has |= CPNP_OP_FIELD_BIT(name))

/* What a catalogue entry is. */
enum cpnp_offer_kind { CPNP_OFFER_SERVICE = 1, CPNP_OFFER_SEGMENT = 2 };

/*
 * An operation.  has says which fields stand in it, as CPNP_OP_FIELD_BIT();
 * the grammar says which must and which may.  Views of a decoded one point
 * into the bytes.
 */
typedef struct cpnp_op {
	unsigned type;
	uint8_t ledger[CPNP_SHA256_LEN]; /* SHA-256 of the genesis */
	cpnp_bytes account;              /* who wants it */
	/* Idempotency key and expiry in ledger time.  TICK, HEARTBEAT, ANCHOR
	 * and VOUCHER only ever grow a number: they have an empty key and
	 * expiry 0. */
	cpnp_bytes idem;
	int64_t expiry;
	uint64_t has;

	cpnp_bytes peer, issuer, code;
	int64_t amount, fee_max, until;
	cpnp_bytes order, set, subject, replaces;
	int64_t start;
	uint64_t duration, claim_seconds;
	bool idle_paid;
	cpnp_bytes sla, publisher, offer;
	uint64_t roles, status;
	cpnp_bytes key, key_id;
	uint64_t position;
	cpnp_bytes recovery;
	int64_t time;
	bool on;
	cpnp_bytes salt, terms;
	uint64_t metric;
	int64_t from, to;
	uint64_t value;
	bool upheld;
	cpnp_bytes members; /* n times 32 bytes; the parent's first */
	cpnp_bytes upper;
	int64_t unit;
	cpnp_bytes chain;
	uint64_t count, kind;
	cpnp_bytes ingress, egress;
	uint64_t delay, capacity;
	cpnp_bytes document, origin;
	uint64_t size;
	cpnp_bytes root;
	uint64_t version;
	cpnp_bytes settings;
	uint64_t exponent;
	bool pseudonym;
} cpnp_op;

/*
 * Encode, appending to buf, and decode.  Both hold the operation against the
 * grammar.  CPNP_ERR_ATTR_MISSING, _ATTR_UNEXPECTED, _RANGE, _METHOD for an
 * unknown type; diag (may be NULL) names the field.
 */
CPNP_API int cpnp_op_encode(const cpnp_op *op, cpnp_buf *buf, cpnp_diag *diag);
CPNP_API int cpnp_op_decode(cpnp_op *op, cpnp_bytes payload, cpnp_diag *diag);
/* What the grammar says of an operation: fields that must and that may stand
 * in it.  CPNP_ERR_METHOD. */
CPNP_API int cpnp_op_grammar(
    unsigned type, uint64_t *mandatory, uint64_t *optional);

/*
 * Sign n encoded operations of one account with one signature; out is an array
 * of n buffers, each gets one COSE_Sign1.  The signer's key must be a key of
 * the account; its certificate, if any, stays out of the log.  The digest of
 * the encoded operation is the id of what it makes: escrow, set, claim,
 * channel.
 */
CPNP_API int cpnp_op_sign(const cpnp_signer *signer,
    const cpnp_bytes *payloads, size_t n, cpnp_buf *out);
/* The encoded operation inside a COSE_Sign1 or its digest; the signature is
 * not looked at. */
CPNP_API int cpnp_op_payload(cpnp_bytes signed_op, cpnp_bytes *payload);

/* The leaf by which a commit set names a member, so that only the escrow that
 * was meant can take the place: SHA-256 over [payer, payee, issuer, code,
 * amount, order digest]. */
CPNP_API int cpnp_op_member(const cpnp_op *authorize, const cpnp_env *env,
    uint8_t member[CPNP_SHA256_LEN]);

/* "12.50 EUR": minor units with the point where the exponent has it. */
#define CPNP_MONEY_TEXT_LEN 48
CPNP_API void cpnp_money_text(
    const cpnp_money *money, char text[CPNP_MONEY_TEXT_LEN]);

/* ---- Terms of settlement ------------------------------------------------ */

/*
 * SETTLEMENT_TERMS of an OFFER: what a payer has to authorize so that the
 * offer can be accepted.  It is part of the agreement, so that the order
 * digest, which the authorization names, covers it.  Of the log's readers
 * only payer and payee see the service level terms in it.
 */
#define CPNP_TERMS_MAX 2048
#define CPNP_TERMS_SALT_LEN 16

typedef struct cpnp_terms {
	uint8_t ledger[CPNP_SHA256_LEN];
	cpnp_bytes payee; /* an account */
	cpnp_bytes issuer, code; /* the token */
	uint8_t exponent;
	int64_t amount;   /* from 1 */
	bool has_start;
	cpnp_wtime start; /* of the service; else it starts when posted */
	uint64_t duration; /* seconds that amount pays for, from 1 */
	uint64_t claim_seconds; /* after its end; 0 for none */
	bool idle_paid;   /* time in which it is deactivated costs as well */
	cpnp_bytes sla;   /* encoded cpnp_sla_terms, or empty ... */
	cpnp_bytes sla_salt; /* ... with its salt */
	/* The payee has so long to acknowledge, at most CPNP_OP_LIFE_MAX; the
	 * ledger's settings may allow less. */
	uint64_t escrow_seconds;
	cpnp_bytes publisher, offer; /* catalogue entry, or both empty */
	cpnp_bytes set;   /* digest of a commit set, or empty */
} cpnp_terms;

/* Encode, appending to buf, and decode; views point into the bytes.
 * CPNP_ERR_INVALID and PEER errors; diag (may be NULL) names the field. */
CPNP_API int cpnp_terms_encode(
    const cpnp_terms *terms, cpnp_buf *buf, cpnp_diag *diag);
CPNP_API int cpnp_terms_decode(
    cpnp_terms *terms, cpnp_bytes bytes, cpnp_diag *diag);

/* Whether the terms ask for the COST of the offer that they stand in: amount,
 * exponent, code, and the issuer when the cost names one.  CPNP_ERR_MISMATCH,
 * diag says what differs.  Who pays asks this first. */
CPNP_API int cpnp_terms_check_cost(
    const cpnp_terms *terms, const cpnp_money *cost, cpnp_diag *diag);

/*
 * The authorization that the terms ask for: op is ready for cpnp_op_encode().
 * Its views are into the arguments, commitment among them, which must stay.
 * The idempotency key is the order digest, so that one agreement is paid at
 * most once, however often it is authorized.  It can be acknowledged, and the
 * operation is good, until escrow_seconds after now.  replaces may be NULL.
 * CPNP_ERR_INVALID when that is not a date, CPNP_ERR_CRYPTO.
 */
CPNP_API int cpnp_terms_authorize(const cpnp_terms *terms,
    const cpnp_env *env, cpnp_bytes payer,
    const uint8_t order_digest[CPNP_SHA256_LEN],
    const uint8_t replaces[CPNP_SHA256_LEN], int64_t fee_max, cpnp_wtime now,
    uint8_t commitment[CPNP_SHA256_LEN], cpnp_op *op);

/*
 * Whether a decoded authorization gives what the terms ask for, from this
 * payer (any when empty), for this agreement; half of escrow_seconds must be
 * left at now.  Signature, funds and fee are for the ledger to judge.
 * CPNP_ERR_MISMATCH, diag names the field; CPNP_ERR_CRYPTO.
 */
CPNP_API int cpnp_terms_check(const cpnp_terms *terms, const cpnp_env *env,
    const cpnp_op *authorize, cpnp_bytes payer,
    const uint8_t order_digest[CPNP_SHA256_LEN],
    const uint8_t replaces[CPNP_SHA256_LEN], cpnp_wtime now,
    cpnp_diag *diag);

/* ---- Service level terms ------------------------------------------------ */

/*
 * The metrics of terms that come from a CPD, by their place in the list:
 * X(NAME, place, floor, "name", "unit").  One that the CPD does not bound has a
 * bound that nothing breaches, and no credit.  Places from CPNP_SLA_METRIC_N on
 * are the parties' own.
 */
#define CPNP_SLA_METRIC_MAP(X)                                                 \
	X(DELAY, 0, false, "delay", "us")                                      \
	X(DELAY_VARIATION, 1, false, "delay variation", "us")                  \
	X(LOSS, 2, false, "loss", "ppm")                                       \
	X(AVAILABILITY, 3, true, "availability", "ppm")

enum cpnp_sla_metric_place {
#define CPNP_SLA_METRIC_ENUM(name, place, floor, text, unit)                   \
	CPNP_SLA_METRIC_##name = place,
	CPNP_SLA_METRIC_MAP(CPNP_SLA_METRIC_ENUM)
#undef CPNP_SLA_METRIC_ENUM
	CPNP_SLA_METRIC_N
};

/*
 * The numbers that cpnpd derives from a CPD.  On the log they are a salted
 * commitment, SHA-256 over [salt, terms], until somebody claims a breach.
 * A value above max (or below it when floor is set) during a window is a
 * breach.  The windows follow one another from the start of the service; each
 * that a claim touches costs credit_ppm of the escrow's amount, once.  All
 * claims together cost at most cap_ppm.
 */
typedef struct cpnp_sla_metric {
	uint64_t bound;
	bool floor;
	uint64_t window; /* seconds, from 1 */
	uint32_t credit_ppm;
} cpnp_sla_metric;

typedef struct cpnp_sla_terms {
	cpnp_sla_metric metrics[CPNP_SLA_METRICS_MAX];
	size_t metric_n;
	uint32_t cap_ppm;
	uint64_t object_seconds; /* silence for so long is consent */
	uint64_t audit_seconds;  /* then the default decides */
	bool default_upheld;
	cpnp_bytes auditor; /* an account; empty for none */
} cpnp_sla_terms;

CPNP_API int cpnp_sla_terms_encode(const cpnp_sla_terms *terms, cpnp_buf *buf);
CPNP_API int cpnp_sla_terms_decode(cpnp_sla_terms *terms, cpnp_bytes bytes);
CPNP_API int cpnp_sla_commitment(const cpnp_env *env, cpnp_bytes salt,
    cpnp_bytes terms, uint8_t commitment[CPNP_SHA256_LEN]);

/* ---- Settings and genesis ----------------------------------------------- */

/* The lines of a rating. */
#define CPNP_RATING_MAP(X)                                                     \
	X(ON_TIME, "acknowledged in time")                                     \
	X(LAPSED, "escrow expired without an answer")                          \
	X(COMPLETED, "service delivered to its end")                           \
	X(BREACHES, "breach of the service level")                             \
	X(WITHDRAWALS, "service withdrawn by the provider")                    \
	X(ONLINE, "hour online")

enum cpnp_rating_event {
#define CPNP_RATING_ENUM(name, text) CPNP_RATING_##name,
	CPNP_RATING_MAP(CPNP_RATING_ENUM) CPNP_RATING_N
#undef CPNP_RATING_ENUM
};
#define CPNP_RATING_MAX 1000

typedef struct cpnp_pool {
	cpnp_bytes account;
	uint32_t ppm; /* of each fee; all pools together CPNP_PPM */
} cpnp_pool;

/* Bounds, fees and weights; they change by SETTINGS operations as a whole. */
typedef struct cpnp_settings {
	/* Operators that governance needs at least: more than half of them,
	 * since fewer could take the role from the others, and then move the
	 * time.  With more operators it is more by itself. */
	uint32_t quorum;
	int64_t amount_max;       /* of one operation */
	uint64_t op_seconds_max;  /* life of an operation and its key */
	uint64_t idem_max;        /* live idempotency keys per account */
	uint64_t open_max;        /* open escrows and channels per payer */
	uint64_t offers_max;      /* catalogue entries, or pseudonyms, each */
	uint64_t escrow_seconds_max; /* until the acknowledgement */
	uint64_t offer_seconds_max;  /* life of a catalogue entry */
	uint64_t set_total_max;   /* members of all levels of a commit set */
	/* A longer silence is offline; an escrow that expires sooner lapses
	 * without a trace in the payee's rating. */
	uint64_t heartbeat_seconds;
	uint32_t fee_ppm;         /* of an escrow that is posted; default 0 */
	cpnp_pool pools[CPNP_POOLS_MAX];
	size_t pool_n;
	int32_t rating_start;     /* before the first event, 0 to 1000 */
	int32_t rating_bound;     /* below it, out of path finding */
	uint64_t rating_seconds;  /* after which an event counts half */
	int32_t rating_weight[CPNP_RATING_N]; /* points for each event */
	int32_t rating_cap[CPNP_RATING_N];    /* points of a line at most */
} cpnp_settings;

/* Reasonable settings: one signature for governance, no fee. */
CPNP_API void cpnp_settings_default(cpnp_settings *settings);
CPNP_API int cpnp_settings_encode(
    const cpnp_settings *settings, cpnp_buf *buf, cpnp_diag *diag);
/* Pool accounts are views into bytes. */
CPNP_API int cpnp_settings_decode(
    cpnp_settings *settings, cpnp_bytes bytes, cpnp_diag *diag);

typedef struct cpnp_genesis_account {
	cpnp_bytes name;
	uint64_t roles;
	cpnp_bytes key;      /* SubjectPublicKeyInfo */
	cpnp_bytes recovery; /* the same, or empty */
} cpnp_genesis_account;

typedef struct cpnp_genesis_token {
	cpnp_bytes issuer; /* an account of the genesis with role issuer */
	cpnp_bytes code;
	uint8_t exponent;
} cpnp_genesis_token;

/* What a log begins with.  The arrays are the caller's. */
typedef struct cpnp_genesis {
	cpnp_bytes name; /* for people, 1 to 64 bytes of text */
	cpnp_bytes salt; /* 16 to 32 random bytes: no two ledgers are equal */
	uint64_t rules;
	cpnp_wtime time;
	cpnp_settings settings;
	const cpnp_genesis_account *accounts;
	size_t account_n;
	const cpnp_genesis_token *tokens;
	size_t token_n;
} cpnp_genesis;

/* Encode, appending to buf.  SHA-256 over the bytes is the ledger's id.  At
 * least one account has role operator.  CPNP_ERR_INVALID, diag says what. */
CPNP_API int cpnp_genesis_encode(
    const cpnp_genesis *genesis, cpnp_buf *buf, cpnp_diag *diag);

/* ---- Batches and entries ------------------------------------------------ */

/*
 * Join n signed operations into a batch, in order.  Neighbours that were signed
 * together and all of whose group are there share one signature and need no
 * paths: 64 signed at a time cost 2 bytes each besides their payload.
 * Errors: CPNP_ERR_INVALID (none, or more than CPNP_BATCH_OPS_MAX), _TOO_LONG,
 * PEER errors when one is not a COSE_Sign1.
 */
CPNP_API int cpnp_batch_encode(
    const cpnp_bytes *signed_ops, size_t n, cpnp_buf *buf);
/* Digests of the operations in a batch, appended to digests in order; what is
 * not an operation has the digest of its bytes.  For a writer that waits. */
CPNP_API int cpnp_batch_digests(cpnp_bytes batch, const cpnp_env *env,
    uint8_t (*digests)[CPNP_SHA256_LEN], size_t max, size_t *n);

/* An entry as a backend gives it.  Position 0 is the genesis. */
typedef struct cpnp_log_entry {
	uint64_t position;
	uint8_t prev[CPNP_SHA256_LEN]; /* hash of the entry before */
	cpnp_bytes batch;
} cpnp_log_entry;

/* Hash of an entry: SHA-256(prev, SHA-256(batch)); for the genesis the id.  A
 * contract can do it with the precompiled SHA-256. */
CPNP_API int cpnp_log_entry_hash(const cpnp_env *env,
    const cpnp_log_entry *entry, uint8_t hash[CPNP_SHA256_LEN]);

/* ---- Outcomes ----------------------------------------------------------- */

/* X(name, number, text) */
#define CPNP_OUTCOME_MAP(X)                                                    \
	X(ACCEPTED, 0, "accepted")                                             \
	X(MALFORMED, 1, "not an operation in the form of these rules")         \
	X(SIGNATURE, 2, "the signature does not verify")                       \
	X(LEDGER, 3, "made for another ledger")                                \
	X(EXPIRED, 4, "the operation has expired")                             \
	X(LIFE, 5, "the expiry is further ahead than the bound")               \
	X(DUPLICATE, 6, "the idempotency key is spent")                        \
	X(ACCOUNT, 7, "the account does not exist")                            \
	X(KEY, 8, "not a key of the account at this position")                 \
	X(STATUS, 9, "the account is not active")                              \
	X(ROLE, 10, "the account lacks the role")                              \
	X(PEER, 11, "the other account does not exist or may not do this")     \
	X(TOKEN, 12, "there is no such token")                                 \
	X(AMOUNT, 13, "the amount is out of its bounds")                       \
	X(FUNDS, 14, "the account has not enough of the token")                \
	X(FEE, 15, "the fee is above the limit of the payer")                  \
	X(OVERFLOW, 16, "a sum would not fit")                                 \
	X(EXISTS, 17, "it exists already")                                     \
	X(UNKNOWN, 18, "what it is about does not exist")                      \
	X(PARTY, 19, "the account has no part in this")                        \
	X(STATE, 20, "too early or too late in the life of this")              \
	X(TIME, 21, "a time is out of its bounds")                             \
	X(LIMIT, 22, "a bound of the ledger is reached")                       \
	X(OFFER, 23, "no such catalogue entry is for sale then")               \
	X(SET, 24, "not a member of this commit set")                          \
	X(COMMITMENT, 25, "the terms are not those committed to")              \
	X(NO_BREACH, 26, "the value is within the terms")                      \
	X(OVERLAP, 27, "part of this time or its window is claimed")           \
	X(STALE, 28, "not larger than the one before")                         \
	X(PROOF, 29, "the value is not on the hash chain")                     \
	X(RULES, 30, "not a rules version that may follow")                    \
	X(VOTED, 31, "this operator has signed this proposal")                 \
	X(PENDING, 32, "recorded; more operators have to sign it")

typedef enum cpnp_outcome_code {
#define CPNP_OUTCOME_ENUM(name, number, text) CPNP_OUTCOME_##name = number,
	CPNP_OUTCOME_MAP(CPNP_OUTCOME_ENUM)
#undef CPNP_OUTCOME_ENUM
} cpnp_outcome_code;
CPNP_API const char *cpnp_outcome_name(unsigned code); /* "FUNDS" */
CPNP_API const char *cpnp_outcome_text(unsigned code);
/* Whether the operation that came to this was signed by its account.  Else
 * anybody can have made it up, for the digest of whatever operation. */
CPNP_API bool cpnp_outcome_is_signed(unsigned code);

/* What happened without an operation of its own, numbered on from those. */
#define CPNP_FACT_MAP(X)                                                       \
	X(POSTED, 128, "escrow posted")                                        \
	X(RETURNED, 129, "escrow returned to the payer")                       \
	X(SETTLED, 130, "escrow settled")                                      \
	X(CLAIM_UPHELD, 131, "claim upheld")                                   \
	X(CLAIM_REJECTED, 132, "claim rejected")                               \
	X(CHANNEL_CLOSED, 133, "channel closed")                               \
	X(GOVERNED, 134, "proposal in effect")

enum cpnp_fact {
#define CPNP_FACT_ENUM(name, number, text) CPNP_FACT_##name = number,
	CPNP_FACT_MAP(CPNP_FACT_ENUM)
#undef CPNP_FACT_ENUM
};
/* The text of an event, or the name of an operation. */
CPNP_API const char *cpnp_fact_name(unsigned kind);

/*
 * One outcome.  digest is that of the operation, or the id of the escrow,
 * claim or channel that an event is about.  amount is what reached the payee
 * (SETTLED, CHANNEL_CLOSED), what went back (RETURNED), the credit (CLAIM_*),
 * what was locked or moved (operations), else 0.
 */
typedef struct cpnp_outcome {
	uint64_t position; /* of the entry */
	unsigned kind;     /* cpnp_op_type or cpnp_fact; 0 when malformed */
	unsigned code;     /* cpnp_outcome_code */
	uint8_t digest[CPNP_SHA256_LEN];
	int64_t amount;
} cpnp_outcome;

/* The leaf: the array [position, kind, code, digest, amount]. */
#define CPNP_OUTCOME_MAX 64
CPNP_API void cpnp_outcome_encode(const cpnp_outcome *outcome, cpnp_buf *buf);
CPNP_API int cpnp_outcome_decode(cpnp_outcome *outcome, cpnp_bytes leaf);

/*
 * The offline proof of a payment: the leaf is number index of the size
 * outcomes whose root is root.  Whose signature over the root to believe is
 * for the caller.  Errors: CPNP_ERR_PROOF, PEER errors for the leaf.
 */
CPNP_API int cpnp_outcome_verify(cpnp_bytes leaf, uint64_t index,
    uint64_t size, const uint8_t (*path)[CPNP_SHA256_LEN], size_t n,
    const uint8_t root[CPNP_SHA256_LEN], cpnp_outcome *outcome);

typedef struct cpnp_ledger_env cpnp_ledger_env; /* below */

/* The tree of outcomes after an entry, as operators sign it. */
typedef struct cpnp_outcome_head {
	uint8_t ledger[CPNP_SHA256_LEN];
	uint64_t position; /* of the entry */
	uint64_t size;
	uint8_t root[CPNP_SHA256_LEN];
} cpnp_outcome_head;

/* Sign a head, appending a COSE_Sign1 to buf. */
CPNP_API int cpnp_outcome_head_sign(const cpnp_signer *signer,
    const cpnp_outcome_head *head, cpnp_buf *buf);

/* The time of the ledger after an entry. */
typedef struct cpnp_ledger_moment {
	uint64_t position;
	cpnp_wtime time;
} cpnp_ledger_moment;
#define CPNP_MOMENTS_MAX 128
#define CPNP_SIGNED_HEAD_MAX 3072 /* bytes */

/* The same, and what time it was after entries up to this one, by rising
 * position.  CPNP_ERR_INVALID when they are too many. */
CPNP_API int cpnp_outcome_head_sign_at(const cpnp_signer *signer,
    const cpnp_outcome_head *head, const cpnp_ledger_moment *moments,
    size_t n, cpnp_buf *buf);
/*
 * Read a signed head.  Bit i of *signers is set when key i, a
 * SubjectPublicKeyInfo, of at most 64 has signed it; by another key it is not
 * judged.  *n moments of at most max are in it.  CPNP_ERR_SIGNATURE, other
 * PEER errors for the form.
 */
CPNP_API int cpnp_outcome_head_verify(const cpnp_ledger_env *env,
    cpnp_bytes signed_head, const cpnp_bytes *keys, size_t key_n,
    cpnp_outcome_head *head, cpnp_ledger_moment *moments, size_t max,
    size_t *n, uint64_t *signers, cpnp_diag *diag);

#define CPNP_PAYMENT_HEADS_MAX CPNP_OPERATORS_MAX
#define CPNP_PAYMENT_MAX 16384 /* bytes of a proof */

/* Join a leaf, its path, and signed heads of the tree that the path leads to
 * into a proof that needs no ledger.  CPNP_ERR_INVALID when there are none or
 * more than CPNP_PAYMENT_HEADS_MAX heads. */
CPNP_API int cpnp_payment_encode(cpnp_bytes leaf, uint64_t index,
    const uint8_t (*path)[CPNP_SHA256_LEN], size_t path_n,
    const cpnp_bytes *heads, size_t head_n, cpnp_buf *buf);

/* The same proof with one more head, appended to buf: whoever signs it has
 * seen the same tree.  CPNP_ERR_TOO_LONG when it has as many as it may have,
 * PEER errors for the form. */
CPNP_API int cpnp_payment_add_head(
    cpnp_bytes proof, cpnp_bytes head, cpnp_buf *buf);

typedef struct cpnp_payment {
	cpnp_outcome outcome;
	uint64_t index;
	cpnp_outcome_head head;
	uint64_t signers; /* bit i: key i has signed this head */
} cpnp_payment;


/*
 * Verify a proof offline.  keys are the SubjectPublicKeyInfos, at most 64, of
 * the operators whom the verifier believes; one of them at least should not be
 * the payee.  Heads of others are passed over.
 * Errors: CPNP_ERR_PROOF when leaf and path do not lead to the head,
 * _SIGNATURE when no key has signed it (payment is set all the same, with no
 * signers) or a signature does not verify, _MISMATCH when the heads differ, other
 * PEER errors for the form; diag says which.
 */
CPNP_API int cpnp_payment_verify(const cpnp_ledger_env *env,
    cpnp_bytes proof, const cpnp_bytes *keys, size_t key_n,
    cpnp_payment *payment, cpnp_diag *diag);

/* ---- The ledger's part of the proof of an order -------------------------- */

/*
 * What a proof file (<cpnp/ledger.h>) has from a ledger: accepted outcomes,
 * each with its path to one head of the outcome tree, and that head as
 * operators have signed it.
 *
 *   ANCHOR       a head of the journal was on the ledger
 *   AUTHORIZE    the payment of an agreement in the file; the id of its escrow
 *                is the digest of the operation
 *   POSTED, RETURNED, SETTLED  what became of that escrow
 *
 * What came after the head is not in it.
 */
#define CPNP_PROOF_FACTS_MAX CPNP_MOMENTS_MAX

typedef struct cpnp_proof_fact {
	cpnp_outcome outcome;
	uint64_t index;
	bool has_time;
	cpnp_wtime time; /* of the ledger after the entry */
	cpnp_op op;      /* ANCHOR and AUTHORIZE only; views */
	int agreement;   /* that is paid; -1 for an anchor */
	size_t payment;  /* its AUTHORIZE, among the facts */
	/* An operator whom the verifier believes has signed the head, who is
	 * neither the payee nor the one whose anchor it is. */
	bool attested;
} cpnp_proof_fact;

/* In a verified proof. */
typedef struct cpnp_proof_ledger {
	cpnp_outcome_head head;
	cpnp_ledger_moment moments[CPNP_MOMENTS_MAX];
	size_t moment_n;
	size_t head_n; /* signatures in the file */
	char signers[CPNP_OPERATORS_MAX][CPNP_ACCOUNT_MAX + 1]; /* believed */
	size_t signer_n;
	cpnp_proof_fact facts[CPNP_PROOF_FACTS_MAX];
	size_t fact_n;
} cpnp_proof_ledger;

/* A fact for cpnp_proof_put_ledger(). */
typedef struct cpnp_proof_source {
	cpnp_outcome outcome;
	uint64_t index;
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t path_n;
	cpnp_bytes op; /* encoded, of an ANCHOR or AUTHORIZE; else empty */
	/* from the journal of the size that was anchored to the newest head */
	uint8_t consistency[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t consistency_n;
} cpnp_proof_source;

/*
 * Copy a proof file, with this part of the ledger in the place of the one that
 * it has or not.  Sources by rising index.  CPNP_ERR_INVALID when there is no
 * head or no source, or too many; PEER errors when it is no proof file.
 */
CPNP_API int cpnp_proof_put_ledger(cpnp_bytes file, const cpnp_bytes *heads,
    size_t head_n, const cpnp_proof_source *sources, size_t source_n,
    cpnp_buf *out, cpnp_diag *diag);
/* Copy one that has a part of the ledger, with one more signed head, of the
 * same tree and moments.  CPNP_ERR_NOT_FOUND when it has no such part,
 * _EXISTS when this very head is in it, _FULL, PEER errors. */
CPNP_API int cpnp_proof_add_head(
    cpnp_bytes file, cpnp_bytes head, cpnp_buf *out, cpnp_diag *diag);

/* ---- The ledger -------------------------------------------------------- */

/*
 * What the state machine needs from outside.  verify returns 0 when signature
 * (64 bytes, as COSE has it) over bytes is by the key in spki with the COSE
 * algorithm alg, CPNP_ERR_SIGNATURE when it is not, FATAL when it cannot say.
 */
struct cpnp_ledger_env {
	cpnp_env env; /* random is not used and may be NULL */
	void *user;
	int (*verify)(void *user, cpnp_bytes spki, int alg, cpnp_bytes bytes,
	    cpnp_bytes signature);
};

/* A ready one on OpenSSL, for any thread, which remembers keys and what it has
 * verified, so that a batch costs one verification.  env is a view good until
 * _del. */
typedef struct cpnp_verifier cpnp_verifier;
CPNP_API int cpnp_verifier_new(cpnp_verifier **verifier);
CPNP_API void cpnp_verifier_del(cpnp_verifier *verifier);
CPNP_API const cpnp_ledger_env *cpnp_verifier_env(
    const cpnp_verifier *verifier);

typedef struct cpnp_ledger cpnp_ledger;

/*
 * A ledger that has applied the genesis.  env is copied.
 * Errors: CPNP_ERR_VERSION when the genesis asks for rules that this library
 * does not know, other PEER errors for the genesis; diag says what is wrong.
 */
CPNP_API int cpnp_ledger_new(cpnp_ledger **ledger, const cpnp_ledger_env *env,
    cpnp_bytes genesis, cpnp_diag *diag);
CPNP_API void cpnp_ledger_del(cpnp_ledger *ledger);

/*
 * Apply the next entry.  Errors, which leave the ledger as it was:
 *   CPNP_ERR_STATE     not the next position
 *   CPNP_ERR_MISMATCH  prev is not the hash of the entry before: the log's
 *                      past has changed; stop
 *   CPNP_ERR_VERSION   from this position on the log is under rules that this
 *                      library does not know; stop and install a newer one
 * Errors after which only _del may be called: FATAL ones.
 */
CPNP_API int cpnp_ledger_apply(
    cpnp_ledger *ledger, const cpnp_log_entry *entry, cpnp_diag *diag);
/* The outcomes of the last entry, in order: those of its operations, each
 * followed by the events that it caused, then what became due.  A view good
 * until the next _apply. */
CPNP_API void cpnp_ledger_outcomes(const cpnp_ledger *ledger,
    const cpnp_outcome **outcomes, size_t *n);

/*
 * What would become of a signed operation (COSE_Sign1) if it were alone in the
 * next entry, by the same rules; nothing changes.  No promise: others write to
 * the log as well, and its time moves on.  When the outcome's code is not
 * ACCEPTED (or PENDING), diag (may be NULL) has the name of the code and a
 * sentence with the numbers: "alice has 12.00 EUR free, 30.00 EUR needed".
 * Errors: CPNP_ERR_VERSION as for _apply, FATAL ones.
 */
CPNP_API int cpnp_ledger_check(cpnp_ledger *ledger, cpnp_bytes signed_op,
    cpnp_outcome *outcome, cpnp_diag *diag);
/*
 * Verify the signatures of an entry ahead, so that cpnp_ledger_apply() finds
 * them in the memory of the verifier and takes its time for the rules only.
 * It reads what only _apply changes: other threads may ask meanwhile, if the
 * verify of the ledger's env stands it, as that of cpnp_verifier_env() does.
 * FATAL errors only.
 */
CPNP_API int cpnp_ledger_verify(
    const cpnp_ledger *ledger, const cpnp_log_entry *entry);

typedef struct cpnp_ledger_info {
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_bytes name;               /* view */
	uint64_t position;             /* of the next entry */
	uint8_t head[CPNP_SHA256_LEN]; /* hash of the last */
	uint64_t rules;
	uint64_t rules_next;           /* 0 when no change is decided ... */
	uint64_t rules_next_position;  /* ... to take effect here */
	cpnp_wtime time;
	uint64_t outcome_n;            /* leaves of the outcome tree, and ... */
	uint8_t outcome_root[CPNP_SHA256_LEN]; /* ... its root */
	uint64_t open_n;               /* escrows, channels, claims, sets */
	uint64_t idem_n;
	cpnp_settings settings;        /* its pool accounts are views */
} cpnp_ledger_info;
CPNP_API int cpnp_ledger_get_info(
    const cpnp_ledger *ledger, cpnp_ledger_info *info);

/* Its time alone. */
CPNP_API cpnp_wtime cpnp_ledger_time(const cpnp_ledger *ledger);

/* Write a snapshot, deterministic CBOR: equal states give equal bytes. */
#define CPNP_SNAPSHOT_VERSION 1
CPNP_API int cpnp_ledger_save(const cpnp_ledger *ledger, cpnp_buf *buf);
/* The digest of the state, SHA-256 over its snapshot, to compare replays. */
CPNP_API int cpnp_ledger_root(
    const cpnp_ledger *ledger, uint8_t root[CPNP_SHA256_LEN]);
/* Read one back.  It is the caller's own and believed, but a damaged one is
 * refused: CPNP_ERR_VERSION or another PEER error. */
CPNP_API int cpnp_ledger_load(cpnp_ledger **ledger,
    const cpnp_ledger_env *env, cpnp_bytes snapshot, cpnp_diag *diag);

/* ---- Questions --------------------------------------------------------- */

/*
 * Views in answers are good until the next _apply.  A question about one thing
 * gives CPNP_ERR_NOT_FOUND when there is none.  _each functions call visit in
 * a fixed order; a non-zero result ends them and is returned.
 */

typedef struct cpnp_account_view {
	cpnp_bytes name;
	uint64_t roles;
	enum cpnp_account_status status;
	cpnp_bytes broker;  /* who vouches for this pseudonym, or empty */
	uint64_t opened_at; /* position */
	cpnp_wtime last_seen;
	int rating;
	bool eligible; /* active, and its rating is not under the bound */
	size_t key_n;
	struct {
		uint8_t id[CPNP_SHA256_LEN];
		uint64_t from;
		uint64_t to; /* revoked from here on; UINT64_MAX if not */
	} keys[CPNP_ACCOUNT_KEYS_MAX];
	bool has_recovery;
	uint64_t open_n, offer_n, idem_n;
} cpnp_account_view;
CPNP_API int cpnp_ledger_get_account(const cpnp_ledger *ledger,
    cpnp_bytes name, cpnp_account_view *view);
CPNP_API int cpnp_ledger_each_account(const cpnp_ledger *ledger,
    int (*visit)(void *user, const cpnp_account_view *view), void *user);

typedef struct cpnp_token_view {
	cpnp_bytes issuer, code;
	uint8_t exponent;
	int64_t supply;
} cpnp_token_view;
CPNP_API int cpnp_ledger_get_token(const cpnp_ledger *ledger,
    cpnp_bytes issuer, cpnp_bytes code, cpnp_token_view *view);
CPNP_API int cpnp_ledger_each_token(const cpnp_ledger *ledger,
    int (*visit)(void *user, const cpnp_token_view *view), void *user);

/* What an account has: free, and locked in escrows and channels.  An account
 * without any has a balance of zero, no error; CPNP_ERR_NOT_FOUND when there
 * is no such account or token. */
typedef struct cpnp_balance {
	cpnp_bytes account, issuer, code;
	uint8_t exponent;
	int64_t free;
	int64_t held;
} cpnp_balance;
CPNP_API int cpnp_ledger_get_balance(const cpnp_ledger *ledger,
    cpnp_bytes account, cpnp_bytes issuer, cpnp_bytes code,
    cpnp_balance *balance);
/* Of one account, or of all when account is empty. */
CPNP_API int cpnp_ledger_each_balance(const cpnp_ledger *ledger,
    cpnp_bytes account, int (*visit)(void *user, const cpnp_balance *balance),
    void *user);

typedef enum cpnp_escrow_state {
	CPNP_ESCROW_PENDING = 1,      /* locked, waits for the payee */
	CPNP_ESCROW_ACKNOWLEDGED = 2, /* waits for the rest of its set */
	CPNP_ESCROW_POSTED = 3,       /* the service is paid from it */
	CPNP_ESCROW_ENDED = 4,        /* over; time to claim still runs */
	CPNP_ESCROW_DISPUTED = 5      /* paid but for claims */
} cpnp_escrow_state;
CPNP_API const char *cpnp_escrow_state_name(cpnp_escrow_state state);

typedef struct cpnp_escrow_view {
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_escrow_state state;
	cpnp_bytes payer, payee, issuer, code;
	uint8_t exponent;
	int64_t amount;
	int64_t fee;
	int64_t locked; /* what is still in it, fee included */
	uint8_t order[CPNP_SHA256_LEN];
	bool has_set;
	uint8_t set[CPNP_SHA256_LEN];
	bool has_replaces;
	uint8_t replaces[CPNP_SHA256_LEN];
	cpnp_wtime expiry; /* while not posted */
	cpnp_wtime start;  /* since when it is paid */
	uint64_t duration;
	uint64_t used;     /* seconds paid so far, of duration */
	bool idle;         /* deactivated now */
	int64_t credits;   /* of claims upheld */
	int64_t disputed;  /* of claims that are open */
	uint64_t posted_at; /* position; 0 when not posted */
	cpnp_wtime due;    /* when something happens by itself */
	bool idle_by_payer; /* idle, and the payer has a part in that */
} cpnp_escrow_view;
/* A settled escrow is gone from the state; its outcomes remain. */
CPNP_API int cpnp_ledger_get_escrow(const cpnp_ledger *ledger,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_escrow_view *view);
/* Those in which account is payer or payee, or all when it is empty. */
CPNP_API int cpnp_ledger_each_escrow(const cpnp_ledger *ledger,
    cpnp_bytes account,
    int (*visit)(void *user, const cpnp_escrow_view *view), void *user);

typedef struct cpnp_set_view {
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_bytes head;
	cpnp_wtime deadline;
	bool has_upper;
	uint8_t upper[CPNP_SHA256_LEN];
	size_t member_n; /* the first is the parent's escrow */
	size_t pending_n, acknowledged_n;
	bool complete; /* with all below */
} cpnp_set_view;
CPNP_API int cpnp_ledger_get_set(const cpnp_ledger *ledger,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_set_view *view);

typedef enum cpnp_claim_state {
	CPNP_CLAIM_OPEN = 1,     /* the other end may object until due */
	CPNP_CLAIM_DISPUTED = 2, /* the auditor decides until due */
	CPNP_CLAIM_UPHELD = 3,
	CPNP_CLAIM_REJECTED = 4
} cpnp_claim_state;

typedef struct cpnp_claim_view {
	uint8_t id[CPNP_SHA256_LEN];
	uint8_t escrow[CPNP_SHA256_LEN];
	cpnp_claim_state state;
	cpnp_bytes auditor;
	uint64_t metric;
	cpnp_wtime from, to;
	uint64_t value;
	int64_t credit;
	bool default_upheld;
	cpnp_wtime due;
} cpnp_claim_view;
CPNP_API int cpnp_ledger_get_claim(const cpnp_ledger *ledger,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_claim_view *view);
CPNP_API int cpnp_ledger_each_claim(const cpnp_ledger *ledger,
    const uint8_t escrow[CPNP_SHA256_LEN],
    int (*visit)(void *user, const cpnp_claim_view *view), void *user);

typedef struct cpnp_channel_view {
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_bytes payer, payee, issuer, code;
	int64_t amount;  /* locked */
	int64_t claimed; /* by the newest voucher in the log */
	bool has_chain;
	int64_t unit;
	uint64_t count;  /* hashes redeemed */
	bool closing;    /* the payer wants it closed at due */
	cpnp_wtime due;
} cpnp_channel_view;
CPNP_API int cpnp_ledger_get_channel(const cpnp_ledger *ledger,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_channel_view *view);
CPNP_API int cpnp_ledger_each_channel(const cpnp_ledger *ledger,
    cpnp_bytes account,
    int (*visit)(void *user, const cpnp_channel_view *view), void *user);

/* A catalogue entry.  for_sale is false when its price is infinity: it is
 * measured and not sold. */
typedef struct cpnp_offer_view {
	cpnp_bytes publisher, id;
	cpnp_bytes payee; /* the publisher, or the broker of a pseudonym */
	enum cpnp_offer_kind kind;
	cpnp_bytes ingress, egress;
	uint64_t delay;    /* microseconds */
	uint64_t capacity; /* bit/s */
	bool for_sale;
	cpnp_bytes issuer, code;
	int64_t price;     /* for each unit of duration */
	uint64_t duration; /* seconds */
	cpnp_wtime from, to; /* window in which it can be had */
	cpnp_bytes document; /* digest of a description, or empty */
	cpnp_wtime until;    /* when the entry itself expires */
	bool eligible;       /* for path finding: rating of the publisher */
} cpnp_offer_view;
CPNP_API int cpnp_ledger_get_offer(const cpnp_ledger *ledger,
    cpnp_bytes publisher, cpnp_bytes id, cpnp_offer_view *view);
CPNP_API int cpnp_ledger_each_offer(const cpnp_ledger *ledger,
    cpnp_bytes publisher,
    int (*visit)(void *user, const cpnp_offer_view *view), void *user);

/* The newest head of a journal that its domain has anchored. */
typedef struct cpnp_anchor_view {
	cpnp_bytes account, origin;
	uint64_t size;
	uint8_t root[CPNP_SHA256_LEN];
	uint64_t position; /* of the entry */
	cpnp_wtime time;   /* of the ledger then */
} cpnp_anchor_view;
CPNP_API int cpnp_ledger_get_anchor(const cpnp_ledger *ledger,
    cpnp_bytes account, cpnp_bytes origin, cpnp_anchor_view *view);

/*
 * The rating of an account, line by line: rating is start plus the points of
 * all lines, kept within 0 and CPNP_RATING_MAX.  count is in 1/1024, since old
 * events count less.  A pure function of the state and its time.
 */
typedef struct cpnp_rating {
	int32_t start;
	struct {
		const char *text;
		uint64_t count;
		int32_t weight;
		int32_t points;
	} lines[CPNP_RATING_N];
	int32_t rating;
	int32_t bound;
} cpnp_rating;
CPNP_API int cpnp_ledger_get_rating(
    const cpnp_ledger *ledger, cpnp_bytes account, cpnp_rating *rating);

#ifdef __cplusplus
}
#endif

#endif
