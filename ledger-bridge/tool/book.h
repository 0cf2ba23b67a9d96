/*
 * A domain's book about one counterparty.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_BOOK_H
#define LEDGER_BOOK_H

#include "ranges.h"
#include "tool.h"

struct book {
	char own[CPNP_IDENTITY_MAX + 1];
	char peer[CPNP_IDENTITY_MAX + 1];
	struct range_entry *entries; /* sorted by digest */
	size_t n, cap;
};

/* All return 0, or EXIT_FAILED after having said why. */
int book_read(const struct tool_options *options, const char *path,
    struct book *book);
/* All agreements with peer of which a signed statement stands in a journal;
 * the state is that of the newest. */
int book_collect(const struct tool_options *options, cpnp_journal *journal,
    const char *peer, struct book *book);
int book_write(const struct tool_options *options, const struct book *book);
void book_fini(struct book *book);

#endif
