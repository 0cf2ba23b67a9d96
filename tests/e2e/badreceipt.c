/*
 * A provider whose journal gives out receipts that prove nothing: preloaded
 * (LD_PRELOAD) into cpnpd it changes the last byte of each, while the file
 * that $BADRECEIPT names is there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include <cpnp/ledger.h>

/* The address of what is overlaid, in an object and in a function pointer. */
union next {
	void *object;
	int (*receipt)(cpnp_journal *, uint64_t, cpnp_buf *);
};

__attribute__((visibility("default"))) int
cpnp_journal_receipt(cpnp_journal *journal, uint64_t index, cpnp_buf *out)
{
	union next next = {dlsym(RTLD_NEXT, "cpnp_journal_receipt")};
	const char *flag = getenv("BADRECEIPT");
	int err = next.receipt(journal, index, out);

	if (err == 0 && flag != NULL && access(flag, F_OK) == 0)
		out->ptr[out->len - 1] ^= 1;
	return err;
}
