/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../journal/internal.h"
#include "contract/log_code.h"
#include "evm.h"

/* Until the transaction is final. */
#define WAIT_MAX CPNP_SECONDS(600)

static void
pause_for(cpnp_tstamp time)
{
	const struct timespec ts = {.tv_sec = (time_t)(time / CPNP_SECONDS(1)),
	    .tv_nsec = (long)(time % CPNP_SECONDS(1))};

	(void)nanosleep(&ts, NULL);
}

static bool
is_final(struct evm_node *node, uint64_t number)
{
	struct evm_block block;

	if (node_block(node, node->conf.finalized ? "finalized" : "latest",
		&block, NULL) != 0)
		return false;
	return node->conf.finalized
		   ? block.number >= number
		   : block.number >= number + node->conf.confirmations;
}

static int
wait_final(struct evm_node *node, const struct evm_tx *tx,
    uint8_t hash[KECCAK_LEN], struct evm_receipt *receipt, cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now(), until = now + WAIT_MAX;
	cpnp_tstamp again = now + node->conf.resend_after;
	char text[2 * KECCAK_LEN + 1];
	int err;

	hex_encode(hash, KECCAK_LEN, text);
	for (; now < until; now = backend_now()) {
		err = node_receipt(node, hash, receipt, diag);
		if (err == 0 && !receipt->success)
			return backend_fail(diag, CPNP_ERR_IO, "rpc-url",
			    "transaction 0x%s has failed on the chain", text);
		if (err == 0 && is_final(node, receipt->block))
			return 0;
		if (err == CPNP_ERR_NOT_FOUND && now >= again) {
			/* the node says so when it has it */
			(void)node_send(node, tx, hash, NULL);
			again = now + node->conf.resend_after;
		}
		pause_for(node->conf.poll);
	}
	return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
	    "transaction 0x%s is not final after %llu s", text,
	    (unsigned long long)(WAIT_MAX / CPNP_SECONDS(1)));
}

/* Send what is in node->call, to the contract or to make one, and wait. */
static int
transact(struct evm_node *node, bool creates, struct evm_receipt *receipt,
    uint64_t *nonce, cpnp_diag *diag)
{
	struct evm_tx tx = {.chain_id = node->conf.chain_id,
	    .to = creates ? NULL : node->conf.contract,
	    .data = cpnp_buf_bytes(&node->call)};
	uint8_t hash[KECCAK_LEN];
	struct evm_block block;
	int err;

	if (!node->conf.has_key)
		return backend_fail(diag, CPNP_ERR_CONFIG, "key-file",
		    "it is missing: the key of the account that pays");
	err = node_check_chain(node, diag);
	if (err == 0)
		err = node_block(node, "latest", &block, diag);
	if (err == 0)
		err = window_price(
		    &node->conf, block.base_fee, &tx.tip, &tx.max_fee, diag);
	if (err == 0)
		err = node_nonce(node, "pending", 0, &tx.nonce, diag);
	if (err == 0)
		err = node_estimate(node, creates, &tx.gas, diag);
	if (err != 0)
		return err;
	tx.gas += tx.gas / 8;
	err = node_check_funds(node, tx.gas, tx.max_fee, diag);
	if (err == 0)
		err = node_send(node, &tx, hash, diag);
	if (err != 0)
		return err;
	*nonce = tx.nonce;
	return wait_final(node, &tx, hash, receipt, diag);
}

static int
put_creation(struct evm_node *node, cpnp_bytes genesis, cpnp_diag *diag)
{
	size_t room = EVM_INITCODE_MAX - sizeof(log_creation_code) -
		      ABI_WORD * (5 + node->conf.admit_n);

	if (genesis.len > room)
		return backend_fail(diag, CPNP_ERR_CONFIG, "genesis",
		    "%zu bytes; a contract has room for %zu: leave accounts "
		    "to be opened later",
		    genesis.len, room);
	cpnp_buf_reset(&node->call);
	cpnp_buf_put_raw(&node->call,
	    (cpnp_bytes){log_creation_code, sizeof(log_creation_code)});
	abi_put_constructor(&node->call, genesis,
	    (const uint8_t(*)[EVM_ADDRESS_LEN])node->conf.admit,
	    node->conf.admit_n);
	return node->call.err;
}

/* Who makes a log writes to it: as its administrator it could admit itself
 * whenever it likes. */
static void
admit_creator(struct evm_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->admit_n; i++)
		if (memcmp(conf->admit[i], conf->key.address,
			EVM_ADDRESS_LEN) == 0)
			return;
	memcpy(conf->admit[conf->admit_n++], conf->key.address,
	    EVM_ADDRESS_LEN);
}

/* The node may say no for reasons of its own, and be another's. */
static int
create_error(int err)
{
	if (err == CPNP_ERR_MISMATCH)
		return CPNP_ERR_CONFIG;
	return err == CPNP_ERR_INVALID || err == CPNP_ERR_NOT_FOUND ||
		       err == CPNP_ERR_TOO_LONG
		   ? CPNP_ERR_UNAVAILABLE
		   : err;
}

int
evm_create(const cpnp_log_setting *settings, size_t n, cpnp_bytes genesis,
    cpnp_buf *out, cpnp_diag *diag)
{
	uint8_t expected[EVM_ADDRESS_LEN];
	char text[EVM_ADDRESS_TEXT], lines[128];
	struct evm_receipt receipt;
	struct evm_node node;
	uint64_t nonce;
	int err;

	err = evm_node_init(&node, settings, n, diag);
	if (err == 0 && node.conf.has_contract)
		err = backend_fail(diag, CPNP_ERR_CONFIG, "contract",
		    "a new log makes a new one: leave it out");
	if (err == 0 && node.conf.has_key)
		admit_creator(&node.conf);
	if (err == 0)
		err = put_creation(&node, genesis, diag);
	if (err == 0)
		err =
		    create_error(transact(&node, true, &receipt, &nonce, diag));
	if (err != 0)
		goto out;
	evm_address_created(node.conf.key.address, nonce, expected);
	if (!receipt.has_contract ||
	    memcmp(receipt.contract, expected, EVM_ADDRESS_LEN) != 0) {
		err = backend_fail(diag, CPNP_ERR_IO, "rpc-url",
		    "the node names another contract than the one that was "
		    "made");
		goto out;
	}
	evm_address_text(receipt.contract, text);
	(void)snprintf(lines, sizeof(lines),
	    "contract = %s\nfrom-block = %llu\n", text,
	    (unsigned long long)receipt.block);
	cpnp_buf_put_raw(out, cpnp_bytes_str(lines));
	err = out->err;
out:
	evm_node_fini(&node);
	return err;
}

int
evm_admit(const cpnp_log_setting *settings, size_t n, const char *writer,
    bool on, cpnp_diag *diag)
{
	char why[sizeof(diag->why)];
	uint8_t address[EVM_ADDRESS_LEN];
	struct evm_receipt receipt;
	struct evm_block block;
	struct evm_node node;
	uint64_t nonce;
	int err;

	err = evm_node_init(&node, settings, n, diag);
	if (err == 0 && !node.conf.has_contract)
		err = backend_fail(
		    diag, CPNP_ERR_CONFIG, "contract", "it is missing");
	if (err == 0 && evm_address_parse(writer, address) != 0)
		err = backend_fail(diag, CPNP_ERR_CONFIG, "writer",
		    "%.64s is no address: 0x and 40 hex digits, upper and "
		    "lower case as EIP-55 has them",
		    writer);
	if (err == 0)
		err = node_check_chain(&node, diag);
	if (err == 0)
		err = node_block(&node, "latest", &block, diag);
	if (err == 0)
		err = node_check_code(&node, block.number, diag);
	if (err == 0) {
		cpnp_buf_reset(&node.call);
		abi_put_admit(&node.call, address, on);
		err = transact(&node, false, &receipt, &nonce, diag);
	}
	/* the contract says no to everybody but its administrator */
	if (err == CPNP_ERR_INVALID) {
		(void)snprintf(why, sizeof(why), "%s",
		    diag != NULL ? diag->why : "");
		err = backend_fail(diag, CPNP_ERR_FORBIDDEN, "key-file",
		    "only the administrator of the contract, at first who "
		    "made the log, admits: %s", why);
	}
	evm_node_fini(&node);
	return err;
}
