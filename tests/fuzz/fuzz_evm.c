/*
 * What a node of a chain answers: the backend evm, driven through all that it
 * does, with a node that says what the input says.  The input is lines "METHOD
 * RESULT", in JSON; those of a method answer its requests in turn, the last
 * one for ever.  "METHOD !TEXT" is an answer that is not wrapped.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>
#include <unistd.h>

#include "../../ledger-bridge/backends/evm/evm.h"
#include "../../ledger-bridge/journal/internal.h"
#include "fuzz.h"

#define CALLS_MAX 300 /* then the node is gone */
#define LINES_MAX 256
#define RECORDS 8

static struct {
	cpnp_bytes method, result;
} lines[LINES_MAX];
static size_t line_n, calls;
static char key_file[] = "/tmp/fuzz-evm.XXXXXX";

int
evm_rpc_init(struct evm_rpc *rpc, cpnp_diag *diag)
{
	(void)diag;
	rpc->fresh = true;
	return 0;
}

void
evm_rpc_fini(struct evm_rpc *rpc)
{
	(void)rpc;
}

/* The line that is next for this method, which then goes to the end of its
 * turn unless it is the last of them. */
static const cpnp_bytes *
next_result(const char *method)
{
	cpnp_bytes name = cpnp_bytes_str(method);
	size_t i, found = LINES_MAX;

	for (i = 0; i < line_n; i++) {
		if (!cpnp_bytes_equal(lines[i].method, name))
			continue;
		if (found < LINES_MAX) {
			lines[found].method = CPNP_BYTES_NONE;
			return &lines[found].result;
		}
		found = i;
	}
	return found < LINES_MAX ? &lines[found].result : NULL;
}

int
evm_rpc_call(struct evm_rpc *rpc, const char *method, json_t *params,
    json_t **result, cpnp_diag *diag)
{
	const cpnp_bytes *answer = next_result(method);
	char head[64];
	cpnp_buf text;
	int err;

	json_decref(params);
	*result = NULL;
	rpc->failed = answer == NULL || ++calls > CALLS_MAX;
	if (rpc->failed)
		return backend_fail(
		    diag, CPNP_ERR_UNAVAILABLE, "rpc-url", "%s: gone", method);
	cpnp_buf_init(&text, &ledger_mem, RPC_ANSWER_MAX);
	(void)snprintf(head, sizeof(head),
	    "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":",
	    (unsigned long long)++rpc->id);
	if (answer->len > 0 && answer->ptr[0] == '!') {
		cpnp_buf_put_raw(&text,
		    (cpnp_bytes){answer->ptr + 1, answer->len - 1});
	} else {
		cpnp_buf_put_raw(&text, cpnp_bytes_str(head));
		cpnp_buf_put_raw(&text, *answer);
		cpnp_buf_put_raw(&text, CPNP_BYTES_LIT("}"));
	}
	err = answer_result(cpnp_buf_bytes(&text), rpc->id, result, diag);
	HOLDS((err == 0) == (*result != NULL));
	cpnp_buf_fini(&text);
	return err;
}

static void
read_lines(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size, *stop, *space;

	for (line_n = 0; line_n < LINES_MAX && data < end; data = stop + 1) {
		stop = memchr(data, '\n', (size_t)(end - data));
		if (stop == NULL)
			stop = end;
		space = memchr(data, ' ', (size_t)(stop - data));
		if (space == NULL)
			continue;
		lines[line_n].method =
		    (cpnp_bytes){data, (size_t)(space - data)};
		lines[line_n++].result =
		    (cpnp_bytes){space + 1, (size_t)(stop - space - 1)};
	}
}

static void
make_key(void)
{
	/* the one whose answers the seed has, a key of test nodes */
	static const char key[] = "ac0974bec39a17e36ba4a6b4d238ff94"
				  "4bacb478cbed5efcae784d7bf4f2ff80";
	int fd = mkstemp(key_file);

	HOLDS(fd >= 0);
	HOLDS(write(fd, key, sizeof(key) - 1) == sizeof(key) - 1);
	(void)close(fd);
}

static void
remove_key(void)
{
	(void)unlink(key_file);
}

/* Entries follow one another from the genesis that was asked for. */
static void
drive(cpnp_log *log, const uint8_t id[CPNP_SHA256_LEN])
{
	static const cpnp_bytes batch = CPNP_BYTES_LIT("one");
	cpnp_log_record records[RECORDS];
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	uint64_t position = 0, seq;
	cpnp_log_info info;
	cpnp_diag diag;
	size_t n, i;
	int err;

	for (int turn = 0; turn < 4; turn++) {
		if (backend_evm.next_seq(log, &seq, &diag) == 0)
			(void)backend_evm.append(log, seq, batch, &diag);
		err = backend_evm.read(
		    log, position, prev, 0, records, RECORDS, &n, &diag);
		for (i = 0; err == 0 && i < n; i++, position++) {
			HOLDS(records[i].entry.position == position);
			HOLDS(position == 0 || memcmp(records[i].entry.prev,
						   prev, sizeof(prev)) == 0);
			HOLDS(cpnp_log_entry_hash(&ledger_env,
				  &records[i].entry, prev) == 0);
			HOLDS(position > 0 ||
			    memcmp(prev, id, sizeof(prev)) == 0);
		}
		backend_evm.info(log, &info);
		HOLDS(info.next_final <= info.next);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const cpnp_bytes genesis =
	    CPNP_BYTES_LIT("a genesis");
	const cpnp_log_setting settings[] = {{"rpc-url", "http://node"},
	    {"chain-id", "1337"},
	    {"contract", "0x5fbdb2315678afecb367f032d93f642f64180aa3"},
	    {"key-file", key_file}, {"confirmations", "1"}, {"poll", "10"}};
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_diag diag;
	cpnp_log *log;

	if (key_file[sizeof(key_file) - 2] == 'X') {
		make_key();
		HOLDS(atexit(remove_key) == 0);
	}
	calls = 0;
	read_lines(data, size);
	HOLDS(hash_once(&genesis, 1, id) == 0);
	if (backend_evm.open(&log, settings,
		sizeof(settings) / sizeof(settings[0]), id, &diag) != 0)
		return 0;
	drive(log, id);
	backend_evm.close(log);
	return 0;
}
