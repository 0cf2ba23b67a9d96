/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../journal/internal.h"
#include "contract/log_code.h"
#include "evm.h"

#define QUANTITY_TEXT (2 + 16 + 1)
#define CODE_MAX 24576 /* EIP-170: bytes of a contract */

/* The code of every release of log.sol. */
static const cpnp_bytes known_code[] = {
    {log_runtime_code, sizeof(log_runtime_code)},
};

/* ---- values of a question ------------------------------------------------ */

static const char *
quantity(uint64_t value, char text[QUANTITY_TEXT])
{
	(void)snprintf(
	    text, QUANTITY_TEXT, "0x%llx", (unsigned long long)value);
	return text;
}

/* A JSON string of bytes; NULL when there is no memory. */
static json_t *
hex(cpnp_bytes bytes)
{
	char *text = malloc(2 + 2 * bytes.len + 1);
	json_t *value;

	if (text == NULL)
		return NULL;
	memcpy(text, "0x", 2);
	hex_encode(bytes.ptr, bytes.len, text + 2);
	value = json_string_nocheck(text);
	free(text);
	return value;
}

static json_t *
address(const uint8_t bytes[EVM_ADDRESS_LEN])
{
	return hex((cpnp_bytes){bytes, EVM_ADDRESS_LEN});
}

static int
odd(const char *method, cpnp_diag *diag)
{
	return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
	    "%s: the node's answer is not in the form of Ethereum", method);
}

/* ---- questions ----------------------------------------------------------- */

int
node_check_chain(struct evm_node *node, cpnp_diag *diag)
{
	json_t *result;
	uint64_t id;
	int err;

	err = evm_rpc_call(
	    &node->rpc, "eth_chainId", json_array(), &result, diag);
	if (err == 0 && !answer_uint(result, &id))
		err = odd("eth_chainId", diag);
	else if (err == 0 && id != node->conf.chain_id)
		err = backend_fail(diag, CPNP_ERR_MISMATCH, "chain-id",
		    "the node is on chain %llu, not %llu",
		    (unsigned long long)id,
		    (unsigned long long)node->conf.chain_id);
	json_decref(result);
	return err;
}

int
node_block(struct evm_node *node, const char *tag, struct evm_block *block,
    cpnp_diag *diag)
{
	json_t *result;
	int err;

	err = evm_rpc_call(&node->rpc, "eth_getBlockByNumber",
	    json_pack("[s, b]", tag, 0), &result, diag);
	if (err == 0 && json_is_null(result))
		err = backend_fail(diag, CPNP_ERR_NOT_FOUND, "rpc-url",
		    "the node has no block %s", tag);
	else if (err == 0 && !answer_block(result, block))
		err = odd("eth_getBlockByNumber", diag);
	json_decref(result);
	return err;
}

int
node_block_at(struct evm_node *node, uint64_t number, struct evm_block *block,
    cpnp_diag *diag)
{
	char text[QUANTITY_TEXT];
	int err;

	err = node_block(node, quantity(number, text), block, diag);
	if (err == 0 && block->number != number)
		err = odd("eth_getBlockByNumber", diag);
	return err;
}

bool
node_is_syncing(struct evm_node *node)
{
	json_t *result;
	bool syncing;

	syncing = evm_rpc_call(&node->rpc, "eth_syncing", json_array(), &result,
		      NULL) != 0 ||
		  !json_is_false(result);
	json_decref(result);
	return syncing;
}

int
node_state(struct evm_node *node, uint64_t block, struct evm_state *state,
    cpnp_diag *diag)
{
	char tag[QUANTITY_TEXT];
	json_t *result;
	int err;

	cpnp_buf_reset(&node->call);
	abi_put_state(&node->call, node->conf.key.address);
	err = evm_rpc_call(&node->rpc, "eth_call",
	    json_pack("[{s:o, s:o}, s]", "to", address(node->conf.contract),
		"data", hex(cpnp_buf_bytes(&node->call)), quantity(block, tag)),
	    &result, diag);
	if (err != 0)
		return err;
	cpnp_buf_reset(&node->raw);
	if (!answer_data(result, &node->raw))
		err = odd("eth_call", diag);
	else if (node->raw.len == 0)
		err = CPNP_ERR_NOT_FOUND;
	else if (abi_get_state(cpnp_buf_bytes(&node->raw), state) != 0)
		err = odd("eth_call", diag);
	json_decref(result);
	return err;
}

int
node_check_code(struct evm_node *node, uint64_t block, cpnp_diag *diag)
{
	char tag[QUANTITY_TEXT], text[EVM_ADDRESS_TEXT];
	json_t *result;
	size_t i;
	int err;

	err = evm_rpc_call(&node->rpc, "eth_getCode",
	    json_pack(
		"[o, s]", address(node->conf.contract), quantity(block, tag)),
	    &result, diag);
	if (err != 0)
		return err;
	evm_address_text(node->conf.contract, text);
	cpnp_buf_reset(&node->raw);
	if (!answer_data(result, &node->raw) || node->raw.len > CODE_MAX)
		err = odd("eth_getCode", diag);
	else if (node->raw.len == 0)
		err = backend_fail(diag, CPNP_ERR_NOT_FOUND, "contract",
		    "there is no contract at %s", text);
	else
		err = backend_fail(diag, CPNP_ERR_MISMATCH, "contract",
		    "the code at %s is not that of log.sol", text);
	for (i = 0; i < sizeof(known_code) / sizeof(known_code[0]); i++)
		if (cpnp_bytes_equal(cpnp_buf_bytes(&node->raw), known_code[i]))
			err = 0;
	json_decref(result);
	return err;
}

int
node_nonce(struct evm_node *node, const char *tag, uint64_t block,
    uint64_t *nonce, cpnp_diag *diag)
{
	char text[QUANTITY_TEXT];
	json_t *result;
	int err;

	err = evm_rpc_call(&node->rpc, "eth_getTransactionCount",
	    json_pack("[o, s]", address(node->conf.key.address),
		tag != NULL ? tag : quantity(block, text)),
	    &result, diag);
	if (err == 0 && !answer_uint(result, nonce))
		err = odd("eth_getTransactionCount", diag);
	json_decref(result);
	return err;
}

int
node_balance(struct evm_node *node, evm_wei *balance, cpnp_diag *diag)
{
	json_t *result;
	int err;

	err = evm_rpc_call(&node->rpc, "eth_getBalance",
	    json_pack("[o, s]", address(node->conf.key.address), "latest"),
	    &result, diag);
	if (err == 0 && !answer_wei(result, balance))
		err = odd("eth_getBalance", diag);
	json_decref(result);
	return err;
}

int
node_check_funds(
    struct evm_node *node, uint64_t gas, uint64_t max_fee, cpnp_diag *diag)
{
	const evm_wei gwei = 1000000000u, cost = (evm_wei)gas * max_fee;
	char text[EVM_ADDRESS_TEXT];
	evm_wei balance;
	int err;

	err = node_balance(node, &balance, diag);
	if (err != 0 || balance >= cost)
		return err;
	evm_address_text(node->conf.key.address, text);
	return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "key-file",
	    "account %s has %llu gwei, a transaction may cost %llu: fund it",
	    text, (unsigned long long)(balance / gwei),
	    (unsigned long long)(cost / gwei));
}

int
node_estimate(
    struct evm_node *node, bool creates, uint64_t *gas, cpnp_diag *diag)
{
	json_t *tx, *result;
	int err;

	tx = json_pack("{s:o, s:o}", "from", address(node->conf.key.address),
	    "data", hex(cpnp_buf_bytes(&node->call)));
	if (!creates && tx != NULL)
		(void)json_object_set_new(
		    tx, "to", address(node->conf.contract));
	/* not on top of what waits in the pool and may be replaced */
	err = evm_rpc_call(&node->rpc, "eth_estimateGas",
	    json_pack("[o, s]", tx, "latest"), &result, diag);
	if (err == 0 && (!answer_uint(result, gas) || *gas == 0))
		err = odd("eth_estimateGas", diag);
	json_decref(result);
	return err;
}

int
node_receipt(struct evm_node *node, const uint8_t hash[KECCAK_LEN],
    struct evm_receipt *receipt, cpnp_diag *diag)
{
	json_t *result;
	int err;

	err = evm_rpc_call(&node->rpc, "eth_getTransactionReceipt",
	    json_pack("[o]", hex((cpnp_bytes){hash, KECCAK_LEN})), &result,
	    diag);
	if (err == 0 && json_is_null(result))
		err = CPNP_ERR_NOT_FOUND;
	else if (err == 0 && !answer_receipt(result, receipt))
		err = odd("eth_getTransactionReceipt", diag);
	json_decref(result);
	return err;
}

bool
node_has_tx(struct evm_node *node, const uint8_t hash[KECCAK_LEN])
{
	json_t *result;
	bool has;

	has = evm_rpc_call(&node->rpc, "eth_getTransactionByHash",
		  json_pack("[o]", hex((cpnp_bytes){hash, KECCAK_LEN})),
		  &result, NULL) == 0 &&
	      json_is_object(result);
	json_decref(result);
	return has;
}

int
node_send(struct evm_node *node, const struct evm_tx *tx,
    uint8_t hash[KECCAK_LEN], cpnp_diag *diag)
{
	json_t *result;
	int err;

	cpnp_buf_reset(&node->raw);
	err = evm_tx_sign(tx, &node->conf.key, &node->raw, hash);
	if (err != 0)
		return backend_fail(diag, err, "key-file",
		    "cannot sign a transaction: %s", cpnp_strerror(err));
	err = evm_rpc_call(&node->rpc, "eth_sendRawTransaction",
	    json_pack("[o]", hex(cpnp_buf_bytes(&node->raw))), &result, diag);
	json_decref(result);
	return err;
}

/* ---- entries ------------------------------------------------------------- */

/* [Entry, position or any, us or any, seq or any] */
static json_t *
topics(
    const struct evm_node *node, const uint64_t *position, const uint64_t *seq)
{
	uint8_t words[ABI_TOPICS][ABI_WORD];
	const bool given[ABI_TOPICS] = {
	    true, position != NULL, seq != NULL, seq != NULL};
	json_t *list = json_array();
	size_t i;

	abi_entry_topic(words[0]);
	abi_word_uint(position != NULL ? *position : 0, words[1]);
	abi_word_address(node->conf.key.address, words[2]);
	abi_word_uint(seq != NULL ? *seq : 0, words[3]);
	for (i = 0; i < ABI_TOPICS; i++)
		if (json_array_append_new(
			list, given[i] ? hex((cpnp_bytes){words[i], ABI_WORD})
				       : json_null()) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

int
node_entries(struct evm_node *node, uint64_t from, uint64_t to,
    const uint64_t *position, const uint64_t *seq, json_t **entries,
    cpnp_diag *diag)
{
	char texts[2][QUANTITY_TEXT];
	int err;

	err = evm_rpc_call(&node->rpc, "eth_getLogs",
	    json_pack("[{s:o, s:s, s:s, s:o}]", "address",
		address(node->conf.contract), "fromBlock",
		quantity(from, texts[0]), "toBlock", quantity(to, texts[1]),
		"topics", topics(node, position, seq)),
	    entries, diag);
	if (err == 0 && !json_is_array(*entries)) {
		json_decref(*entries);
		*entries = NULL;
		err = odd("eth_getLogs", diag);
	}
	return err;
}
