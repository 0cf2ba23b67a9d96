/*
 * Names of tokens as people write them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "ledger_conf.h"

#define OF " of "

/* The tokens that a name can mean. */
struct search {
	cpnp_bytes issuer, code;
	cpnp_token_view found;
	size_t n;
	char all[100];
};

static int
look_at(void *user, const cpnp_token_view *token)
{
	struct search *search = user;
	size_t at = strlen(search->all);

	(void)snprintf(search->all + at, sizeof(search->all) - at,
	    "%s%.*s of %.*s", at == 0 ? "" : ", ", (int)token->code.len,
	    (const char *)token->code.ptr, (int)token->issuer.len,
	    (const char *)token->issuer.ptr);
	if (!cpnp_bytes_equal(token->code, search->code) ||
	    (search->issuer.len > 0 &&
		!cpnp_bytes_equal(token->issuer, search->issuer)))
		return 0;
	search->found = *token;
	search->n++;
	return 0;
}

/* "CODE of ISSUER" into its two parts; a code has no space. */
static void
split(cpnp_bytes text, struct search *search)
{
	size_t of = strlen(OF), i;

	search->code = text;
	for (i = 0; i + of <= text.len; i++)
		if (memcmp(text.ptr + i, OF, of) == 0) {
			search->code.len = i;
			search->issuer = (cpnp_bytes){
			    text.ptr + i + of, text.len - i - of};
			return;
		}
}

int
cpnp_ledger_find_token(const cpnp_ledger *ledger, cpnp_bytes text,
    cpnp_bytes issuer, cpnp_token_view *token, cpnp_diag *diag)
{
	struct search search = {.issuer = issuer};
	int shown = text.len < CPNP_ACCOUNT_MAX ? (int)text.len
						: CPNP_ACCOUNT_MAX;

	memset(diag, 0, sizeof(*diag));
	split(text, &search);
	(void)cpnp_ledger_each_token(ledger, look_at, &search);
	if (search.n == 1) {
		*token = search.found;
		return 0;
	}
	diag->err = CPNP_ERR_NOT_FOUND;
	(void)snprintf(diag->where, sizeof(diag->where), "token");
	if (search.n == 0)
		(void)snprintf(diag->why, sizeof(diag->why),
		    "the ledger has no token %.*s; it has %s", shown,
		    (const char *)text.ptr,
		    search.all[0] == '\0' ? "none" : search.all);
	else
		(void)snprintf(diag->why, sizeof(diag->why),
		    "more than one issuer has it; \"%.*s of ISSUER\" says "
		    "which of %s", shown, (const char *)text.ptr, search.all);
	return CPNP_ERR_NOT_FOUND;
}
