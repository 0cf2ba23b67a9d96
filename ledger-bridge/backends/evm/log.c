/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../../journal/internal.h"
#include "evm.h"

/* A question gets this much time, also when a reader has less. */
#define QUESTION_MIN CPNP_SECONDS(1)

static void
log_close(cpnp_log *log)
{
	if (log == NULL)
		return;
	window_fini(&log->window);
	follow_fini(&log->follow);
	evm_node_fini(&log->node);
	backend_waker_fini(&log->waker);
	free(log);
}

static int
log_open(cpnp_log **out, const cpnp_log_setting *settings, size_t n,
    const uint8_t ledger_id[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	cpnp_log *log = calloc(1, sizeof(*log));
	int err;

	*out = NULL;
	if (log == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_buf_init(&log->follow.arena, &ledger_mem, RPC_ANSWER_MAX);
	memcpy(log->ledger_id, ledger_id, sizeof(log->ledger_id));
	err = backend_waker_init(&log->waker);
	if (err == 0)
		err = evm_node_init(&log->node, settings, n, diag);
	log->node.rpc.waker = &log->waker;
	if (err == 0 && !log->node.conf.has_contract)
		err = backend_fail(diag, CPNP_ERR_CONFIG, "contract",
		    "it is missing: the address that creating the log gave");
	if (err == 0)
		err = evm_look(log, true, diag);
	if (err != 0 && err != CPNP_ERR_UNAVAILABLE) {
		log_close(log);
		return err;
	}
	*out = log;
	return 0;
}

static cpnp_bytes
log_writer(const cpnp_log *log)
{
	return log->node.conf.has_key
		   ? (cpnp_bytes){log->node.conf.key.address, EVM_ADDRESS_LEN}
		   : CPNP_BYTES_NONE;
}

static int
check_writer(const cpnp_log *log, cpnp_diag *diag)
{
	return log->node.conf.has_key
		   ? 0
		   : backend_fail(diag, CPNP_ERR_FORBIDDEN, "key-file",
			 "the log was opened without one, to be read");
}

/* A contract that was there when the log was opened, or was told to be. */
static int
look(cpnp_log *log, bool now, cpnp_diag *diag)
{
	int err = evm_look(log, now, diag);

	return err == CPNP_ERR_NOT_FOUND ? CPNP_ERR_MISMATCH : err;
}

static int
log_next_seq(cpnp_log *log, uint64_t *seq, cpnp_diag *diag)
{
	int err;

	log->node.rpc.timeout = log->node.conf.rpc_timeout;
	err = check_writer(log, diag);
	if (err == 0)
		err = look(log, true, diag);
	return err != 0 ? err : window_next(log, seq, diag);
}

static int
log_append(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	int err;

	log->node.rpc.timeout = log->node.conf.rpc_timeout;
	err = check_writer(log, diag);
	if (err != 0)
		return err;
	err = look(log, false, diag);
	if (err == 0)
		err = window_append(log, seq, batch, diag);
	return err == CPNP_ERR_INVALID ? CPNP_ERR_UNAVAILABLE : err;
}

/* Once: see how the chain is, look after our batches, fetch. */
static int
step(cpnp_log *log, uint64_t position, const uint8_t prev[CPNP_SHA256_LEN],
    bool *more, cpnp_diag *diag)
{
	int err;

	*more = false;
	err = look(log, false, diag);
	if (err == 0) {
		/* whoever appends is told what is wrong; info() says it too */
		(void)window_pump(log, NULL);
		err = follow_step(log, position, prev, more, diag);
		if (err != 0)
			(void)snprintf(
			    log->text, sizeof(log->text), "%s", diag->why);
	}
	log->away = err == CPNP_ERR_UNAVAILABLE;
	return err;
}

static void
wait_until(cpnp_log *log, cpnp_tstamp until)
{
	struct pollfd pfd = {.fd = log->waker.fds[0], .events = POLLIN};

	(void)poll(&pfd, 1,
	    backend_poll_ms(until < log->next_look ? until : log->next_look));
}

static int
log_read(cpnp_log *log, uint64_t position, const uint8_t prev[CPNP_SHA256_LEN],
    cpnp_tstamp timeout, cpnp_log_record *records, size_t max, size_t *n,
    cpnp_diag *diag)
{
	const cpnp_tstamp start = backend_now();
	cpnp_tstamp now = start, until;
	cpnp_diag local;
	bool more;
	int err;

	if (diag == NULL)
		diag = &local;
	until = timeout > CPNP_NEVER - now ? CPNP_NEVER : now + timeout;
	for (*n = 0; max > 0; now = backend_now()) {
		*n = follow_take(log, position, records, max);
		if (*n > 0)
			break;
		log->node.rpc.timeout = log->node.conf.rpc_timeout;
		if (now >= until || until - now < QUESTION_MIN)
			log->node.rpc.timeout = QUESTION_MIN;
		else if (until - now < log->node.rpc.timeout)
			log->node.rpc.timeout = until - now;
		err = step(log, position, prev, &more, diag);
		if (err != 0 && err != CPNP_ERR_UNAVAILABLE)
			return err;
		/* one answer may take several questions */
		now = backend_now();
		if (more && (follow_has(&log->follow) || now < until ||
				now - start < QUESTION_MIN))
			continue;
		if (backend_now() < until)
			wait_until(log, until);
		if (backend_waker_take(&log->waker) || backend_now() >= until)
			return err;
	}
	if (*n > 0 && position > 0 &&
	    memcmp(records[0].entry.prev, prev, CPNP_SHA256_LEN) != 0) {
		*n = 0;
		return backend_fail(diag, CPNP_ERR_MISMATCH, "contract",
		    "entry %llu does not follow the one that was read",
		    (unsigned long long)position);
	}
	return 0;
}

static void
log_wake(cpnp_log *log)
{
	backend_waker_ring(&log->waker);
}

static void
log_info(const cpnp_log *log, cpnp_log_info *info)
{
	const struct evm_sight *sight = &log->sight;

	memset(info, 0, sizeof(*info));
	if (sight->good) {
		info->next = sight->state.next;
		info->next_final =
		    sight->has_final ? sight->final_state.next : 0;
	}
	info->pending = window_pending(&log->window);
	info->batch_max = log->node.conf.batch_max;
	info->away = log->node.rpc.failed || log->away ||
		     log->look_err == CPNP_ERR_UNAVAILABLE;
	(void)snprintf(info->text, sizeof(info->text), "%s", log->text);
}

const cpnp_backend backend_evm = {
    .abi = CPNP_BACKEND_ABI,
    .name = "evm",
    .create = evm_create,
    .open = log_open,
    .close = log_close,
    .writer = log_writer,
    .next_seq = log_next_seq,
    .append = log_append,
    .read = log_read,
    .wake = log_wake,
    .info = log_info,
    .admit = evm_admit,
};
