/*
 * The evm backend: a log in a small contract on an Ethereum chain.
 *
 *	conf	settings
 *	node	typed questions to the node
 *	look	how the chain is now, and whether it is the one that was opened
 *	window	our batches until they are final: nonces, fees, sending again
 *	follow	final entries, found and held against the chain of hashes
 *	create	a new contract, and who may write to it
 *	log	the functions of the backend
 *
 * Nothing is kept on disk.  What a writer has placed, which nonce is next and
 * where an entry stands is read from the chain, so a process that was killed
 * goes on where the chain is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EVM_EVM_H
#define EVM_EVM_H

#include "rpc.h"

#define EVM_WINDOW_MAX 256
#define EVM_ADMIT_MAX 64
#define EVM_BATCH_MAX_DEFAULT 122880
#define EVM_CONFIRMATIONS_MAX 10000
#define EVM_BLOCK_RANGE_MAX 100000
/* EIP-3860: bytes of creation code with its arguments. */
#define EVM_INITCODE_MAX 49152

struct evm_conf {
	uint64_t chain_id;
	bool has_contract;
	uint8_t contract[EVM_ADDRESS_LEN];
	uint64_t from_block;    /* none of the log is in an earlier one */
	uint64_t confirmations; /* blocks on top of one that is final */
	bool finalized;         /* the chain says which is final */
	uint64_t max_fee, tip;  /* wei of gas */
	cpnp_tstamp poll;
	cpnp_tstamp rpc_timeout;
	cpnp_tstamp resend_after;
	uint64_t block_range;
	size_t batch_max;
	size_t window;
	bool has_key;
	struct evm_key key;
	uint8_t admit[EVM_ADMIT_MAX + 1][EVM_ADDRESS_LEN]; /* and ourselves */
	size_t admit_n;
};

struct evm_node {
	struct evm_conf conf;
	struct evm_rpc rpc;
	cpnp_buf call; /* a transaction's data or a call's */
	cpnp_buf raw;  /* a signed transaction, or what a node gave */
};

/* What was seen last. */
struct evm_sight {
	bool good;
	struct evm_block latest;
	uint64_t final;         /* number of the newest final block */
	struct evm_state state; /* of the contract, at the latest block */
	bool has_final;         /* the contract is there at the final block */
	struct evm_state final_state;
	uint64_t nonce; /* of our account */
};

/* A batch of ours that is not final. */
struct evm_item {
	uint64_t seq;
	uint8_t *batch;
	size_t len;
	bool sent; /* a transaction is signed; nonce to hash say which */
	uint64_t nonce, tip, max_fee;
	uint8_t hash[KECCAK_LEN];
	cpnp_tstamp sent_at;
	uint64_t sent_block; /* the newest block then */
	bool lost;    /* the node does not have it any more */
	bool blocked; /* another transaction has the nonce, and pays more */
	bool placed;  /* at the latest block */
};

struct evm_window {
	struct evm_item items[EVM_WINDOW_MAX]; /* by seq */
	size_t n;
	uint64_t scale; /* what the chain asks of gas, in 1/1024 of what we
			   reckon; 0 when it is to be asked first */
	uint64_t lost_at; /* block at which lost ones were last looked for */
	bool conflict;  /* a number of ours has other bytes in the log */
};

/* An entry that was fetched; the batch is in the arena. */
struct evm_fetched {
	struct evm_entry entry;
	size_t offset;
};

struct evm_follow {
	uint64_t position; /* of the next entry to fetch */
	bool known;        /* it stands in this block or a later one ... */
	uint64_t block;
	bool searching; /* ... or it is searched from here down */
	uint64_t search_to;
	uint64_t range; /* blocks of a question */
	cpnp_buf arena;
	struct evm_fetched *queue;
	size_t first, n, cap;
};

struct cpnp_log {
	struct evm_node node;
	uint8_t ledger_id[CPNP_SHA256_LEN];
	struct backend_waker waker;
	struct evm_sight sight;
	cpnp_tstamp next_look;
	bool checked; /* the chain, since the last connection */
	bool has_home;
	uint8_t home[KECCAK_LEN]; /* hash of block from_block */
	struct evm_window window;
	struct evm_follow follow;
	int look_err; /* of the last look */
	bool away;
	char text[160]; /* what is wrong */
};

/* ---- conf ---- */

/* Read settings; fini also when that failed.  CONFIG, FORBIDDEN, NOMEM. */
int evm_node_init(struct evm_node *node, const cpnp_log_setting *settings,
    size_t n, cpnp_diag *diag);
void evm_node_fini(struct evm_node *node);

/* ---- node: each UNAVAILABLE, TOO_LONG, INVALID (the node refused) or NOMEM
 * besides what is said ---- */

/* MISMATCH when it is another than the configured one. */
int node_check_chain(struct evm_node *node, cpnp_diag *diag);
/* NOT_FOUND when the node has no such block. */
int node_block(struct evm_node *node, const char *tag, struct evm_block *block,
    cpnp_diag *diag);
int node_block_at(struct evm_node *node, uint64_t number,
    struct evm_block *block, cpnp_diag *diag);
/* True when it says that it still fetches the chain, or does not say. */
bool node_is_syncing(struct evm_node *node);
/* NOT_FOUND when there is no contract in that block. */
int node_state(struct evm_node *node, uint64_t block, struct evm_state *state,
    cpnp_diag *diag);
/* NOT_FOUND: no contract; MISMATCH: other code than log.sol. */
int node_check_code(struct evm_node *node, uint64_t block, cpnp_diag *diag);
/* Transactions of the account; tag NULL: at a block. */
int node_nonce(struct evm_node *node, const char *tag, uint64_t block,
    uint64_t *nonce, cpnp_diag *diag);
int node_balance(struct evm_node *node, evm_wei *balance, cpnp_diag *diag);
/* Gas for node->call, sent to the contract or to nobody. */
int node_estimate(
    struct evm_node *node, bool creates, uint64_t *gas, cpnp_diag *diag);
/* NOT_FOUND while it is in no block. */
int node_receipt(struct evm_node *node, const uint8_t hash[KECCAK_LEN],
    struct evm_receipt *receipt, cpnp_diag *diag);
bool node_has_tx(struct evm_node *node, const uint8_t hash[KECCAK_LEN]);
/* Sign tx and send it. */
int node_send(struct evm_node *node, const struct evm_tx *tx,
    uint8_t hash[KECCAK_LEN], cpnp_diag *diag);
/* Why the account cannot pay, when it cannot: UNAVAILABLE and diag, else 0. */
int node_check_funds(
    struct evm_node *node, uint64_t gas, uint64_t max_fee, cpnp_diag *diag);
/* Entries in the blocks from..to, with a position or a number of ours when
 * these are not NULL; an array. */
int node_entries(struct evm_node *node, uint64_t from, uint64_t to,
    const uint64_t *position, const uint64_t *seq, json_t **entries,
    cpnp_diag *diag);

/* ---- look ---- */

/*
 * See how the chain is, unless that was done a moment ago.  UNAVAILABLE;
 * NOT_FOUND: there is no contract; MISMATCH: another chain, contract or
 * ledger, or a chain that begins anew.
 */
int evm_look(cpnp_log *log, bool now, cpnp_diag *diag);

/* ---- window ---- */

/* Send what is to be sent, release what is final.  FORBIDDEN, UNAVAILABLE
 * when something keeps batches from being placed; diag and log->text. */
int window_pump(cpnp_log *log, cpnp_diag *diag);
int window_append(
    cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag);
/* The first number of ours that neither the contract nor the node's pool nor
 * the window has. */
int window_next(cpnp_log *log, uint64_t *seq, cpnp_diag *diag);
void window_fini(struct evm_window *window);
/* Batches that have no place yet. */
uint64_t window_pending(const struct evm_window *window);
/* Fees of the moment.  UNAVAILABLE when the chain asks for more than
 * max-fee. */
int window_price(const struct evm_conf *conf, uint64_t base_fee, uint64_t *tip,
    uint64_t *max_fee, cpnp_diag *diag);

/* ---- follow ---- */

/*
 * One step towards final entries from position on.  *more: call again soon.
 * Errors as of read().
 */
int follow_step(cpnp_log *log, uint64_t position,
    const uint8_t prev[CPNP_SHA256_LEN], bool *more, cpnp_diag *diag);
/* Hand out what was fetched. */
size_t follow_take(
    cpnp_log *log, uint64_t position, cpnp_log_record *records, size_t max);
bool follow_has(const struct evm_follow *follow);
void follow_fini(struct evm_follow *follow);
/* 0: number seq of ours is in the log with these bytes; EXISTS: with others;
 * NOT_FOUND. */
int follow_own(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag);

/* ---- create ---- */

int evm_create(const cpnp_log_setting *settings, size_t n, cpnp_bytes genesis,
    cpnp_buf *out, cpnp_diag *diag);
int evm_admit(const cpnp_log_setting *settings, size_t n, const char *writer,
    bool on, cpnp_diag *diag);

#endif
