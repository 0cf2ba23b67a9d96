/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "evm.h"

/* What a chain that is another's and one that begins anew look like is the
 * same while a node still fetches blocks: that is no verdict. */
static int
verdict(cpnp_log *log, int err, cpnp_diag *diag)
{
	if ((err == CPNP_ERR_NOT_FOUND || err == CPNP_ERR_MISMATCH) &&
	    node_is_syncing(&log->node))
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "the node still fetches the chain");
	return err;
}

/* The block in which the contract was made, or the first of all: its hash
 * tells a chain from one that was begun again. */
static int
check_home(cpnp_log *log, cpnp_diag *diag)
{
	const uint64_t number = log->node.conf.from_block;
	struct evm_block block;
	int err;

	err = node_block_at(&log->node, number, &block, diag);
	if (err == CPNP_ERR_NOT_FOUND)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "from-block",
		    "the chain has no block %llu: it has been begun anew, or "
		    "is another",
		    (unsigned long long)number);
	if (err != 0)
		return err;
	if (log->has_home && memcmp(block.hash, log->home, KECCAK_LEN) != 0)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "rpc-url",
		    "block %llu of the chain is not the one that it was",
		    (unsigned long long)number);
	memcpy(log->home, block.hash, KECCAK_LEN);
	log->has_home = true;
	return 0;
}

static int
check_node(cpnp_log *log, const struct evm_sight *sight, cpnp_diag *diag)
{
	const uint64_t latest = sight->latest.number;
	int err;

	err = node_check_code(&log->node, latest, diag);
	/* what was there is gone */
	if (err == CPNP_ERR_NOT_FOUND && log->has_home)
		err = backend_fail(diag, CPNP_ERR_MISMATCH, "contract",
		    "the contract is gone: the node has forgotten its chain, "
		    "which ends at block %llu now",
		    (unsigned long long)latest);
	return err != 0 ? err : check_home(log, diag);
}

static int
see_final(cpnp_log *log, struct evm_sight *sight, cpnp_diag *diag)
{
	const struct evm_conf *conf = &log->node.conf;
	const uint64_t latest = sight->latest.number;
	struct evm_block block;
	int err;

	if (conf->finalized) {
		err = node_block(&log->node, "finalized", &block, diag);
		if (err == CPNP_ERR_NOT_FOUND)
			err = backend_fail(diag, CPNP_ERR_UNAVAILABLE,
			    "confirmations",
			    "the chain has no final block "
			    "yet");
		if (err != 0)
			return err;
		sight->final = block.number < latest ? block.number : latest;
	} else {
		sight->final = latest < conf->confirmations
				   ? 0
				   : latest - conf->confirmations;
	}
	/* after a restart a node may show less for a while */
	if (log->sight.good && sight->final < log->sight.final)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "the node is behind: its final block is %llu, and %llu "
		    "was before",
		    (unsigned long long)sight->final,
		    (unsigned long long)log->sight.final);
	err = node_state(&log->node, sight->final, &sight->final_state, diag);
	sight->has_final = err == 0;
	if (err == 0 && sight->final_state.next > sight->state.next)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "the node has more entries in block %llu than in %llu",
		    (unsigned long long)sight->final,
		    (unsigned long long)latest);
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

static int
see(cpnp_log *log, struct evm_sight *sight, cpnp_diag *diag)
{
	struct evm_node *node = &log->node;
	int err;

	err = node_check_chain(node, diag);
	/* behind a new connection may be another node */
	log->checked = log->checked && !node->rpc.fresh;
	node->rpc.fresh = false;
	if (err == 0)
		err = node_block(node, "latest", &sight->latest, diag);
	if (err == 0 && !log->checked)
		err = check_node(log, sight, diag);
	if (err != 0)
		return err;
	if (log->checked && log->sight.good &&
	    memcmp(sight->latest.hash, log->sight.latest.hash, KECCAK_LEN) ==
		0 &&
	    !node->conf.finalized) {
		*sight = log->sight;
		return 0;
	}
	err = node_state(node, sight->latest.number, &sight->state, diag);
	if (err == CPNP_ERR_NOT_FOUND) {
		log->checked = false;
		err = check_node(log, sight, diag);
		return err != 0
			   ? err
			   : backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
				 "the chain has changed "
				 "between two questions");
	}
	if (err == 0 &&
	    memcmp(sight->state.ledger, log->ledger_id, CPNP_SHA256_LEN) != 0)
		err = backend_fail(diag, CPNP_ERR_MISMATCH, "contract",
		    "it begins with the genesis of another ledger");
	if (err == 0 && node->conf.has_key)
		err = node_nonce(
		    node, NULL, sight->latest.number, &sight->nonce, diag);
	return err != 0 ? err : see_final(log, sight, diag);
}

int
evm_look(cpnp_log *log, bool now, cpnp_diag *diag)
{
	struct evm_sight sight = {.good = true};
	cpnp_diag local;
	int err;

	if (diag == NULL)
		diag = &local;
	if (!now && backend_now() < log->next_look)
		return log->look_err == 0 ? 0
					  : backend_fail(diag, log->look_err,
						"rpc-url", "%s", log->text);
	err = verdict(log, see(log, &sight, diag), diag);
	/* it has not the state of that block (yet) */
	if (err == CPNP_ERR_INVALID || err == CPNP_ERR_TOO_LONG)
		err = CPNP_ERR_UNAVAILABLE;
	log->next_look = backend_now() + log->node.conf.poll;
	log->look_err = err;
	if (err != 0) {
		diag->err = err;
		(void)snprintf(log->text, sizeof(log->text), "%s", diag->why);
		return err;
	}
	log->text[0] = '\0';
	log->checked = true;
	log->sight = sight;
	return 0;
}
