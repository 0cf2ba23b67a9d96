/*
 * What the program of the proc backend says: the input is its lines, whatever
 * it is asked.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "../../ledger-bridge/backends/proc/child.h"
#include "../../ledger-bridge/journal/internal.h"
#include "fuzz.h"

#define RECORDS 8

static const uint8_t *input, *input_end;

int
child_init(struct child *child)
{
	memset(child, 0, sizeof(*child));
	child->in = child->out = -1;
	child->buf = malloc(CHILD_LINE_MAX + 1);
	return child->buf != NULL ? 0 : CPNP_ERR_NOMEM;
}

void
child_fini(struct child *child)
{
	free(child->buf);
	child->buf = NULL;
}

int
child_start(struct child *child, char *const *argv, cpnp_diag *diag)
{
	(void)argv;
	(void)diag;
	child->pid = 1;
	return 0;
}

void
child_stop(struct child *child, bool polite, char why[40])
{
	(void)polite;
	child->pid = 0;
	if (why != NULL)
		why[0] = '\0';
}

int
child_send(
    struct child *child, cpnp_bytes bytes, cpnp_tstamp until, cpnp_diag *diag)
{
	HOLDS(child->pid == 1);
	HOLDS(bytes.len > 0 && bytes.ptr[bytes.len - 1] == '\n');
	HOLDS(bytes.len <= CHILD_LINE_MAX);
	(void)until;
	(void)diag;
	return 0;
}

int
child_line(struct child *child, cpnp_tstamp until, int wake_fd, char **line,
    cpnp_diag *diag)
{
	const uint8_t *end;
	size_t len;

	(void)until;
	(void)wake_fd;
	if (input >= input_end)
		return backend_fail(
		    diag, CPNP_ERR_UNAVAILABLE, "program", "it has ended");
	end = memchr(input, '\n', (size_t)(input_end - input));
	len = (size_t)((end == NULL ? input_end : end) - input);
	if (len > CHILD_LINE_MAX)
		len = CHILD_LINE_MAX;
	memcpy(child->buf, input, len);
	child->buf[len] = '\0';
	input = end == NULL ? input_end : end + 1;
	*line = child->buf;
	return 0;
}

static void
drive(cpnp_log *log)
{
	static const cpnp_bytes batch = CPNP_BYTES_LIT("one");
	cpnp_log_record records[RECORDS];
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	uint64_t position = 0, seq = 0;
	cpnp_log_info info;
	cpnp_diag diag;
	size_t n, i;
	int err = 0;

	while (input < input_end && err != CPNP_ERR_UNAVAILABLE) {
		err = backend_proc.next_seq(log, &seq, &diag);
		if (err == 0)
			err = backend_proc.append(log, seq, batch, &diag);
		if (err == CPNP_ERR_UNAVAILABLE)
			return;
		err = backend_proc.read(
		    log, position, prev, 0, records, RECORDS, &n, &diag);
		for (i = 0; err == 0 && i < n; i++, position++) {
			HOLDS(records[i].entry.position == position);
			HOLDS(cpnp_log_entry_hash(&ledger_env,
				  &records[i].entry, prev) == 0);
		}
		backend_proc.info(log, &info);
		HOLDS(info.next_final <= info.next);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const cpnp_bytes genesis =
	    CPNP_BYTES_LIT("a genesis");
	const cpnp_log_setting settings[] = {
	    {"program", "/bin/true"}, {"writer", "a"}, {"deadline", "1"}};
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_diag diag;
	cpnp_log *log;

	input = data;
	input_end = data + size;
	HOLDS(hash_once(&genesis, 1, id) == 0);
	if (backend_proc.open(&log, settings,
		sizeof(settings) / sizeof(settings[0]), id, &diag) != 0)
		return 0;
	drive(log);
	backend_proc.close(log);
	return 0;
}
