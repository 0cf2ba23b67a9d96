/*
 * What section ledger and the customers name and the ledger has to have: the
 * entry of its catalogue that offers are made under, and accounts.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "conf_value.h"
#include "ledger.h"

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).ptr

static int __attribute__((format(printf, 3, 4)))
fail(char why[CPNPD_LEDGER_WHY_MAX], int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, CPNPD_LEDGER_WHY_MAX, format, ap);
	va_end(ap);
	return err;
}

/* Whether orders from this publisher are paid to us: a pseudonym is paid
 * through the broker that vouches for it.  One that the ledger does not have
 * has no entries either. */
static bool
is_ours(const struct daemon *d, const cpnp_ledger *state, cpnp_bytes publisher)
{
	cpnp_account_view account;

	return cpnp_bytes_equal(publisher, d->ledger->account) ||
	    cpnp_ledger_get_account(state, publisher, &account) != 0 ||
	    cpnp_bytes_equal(account.broker, d->ledger->account);
}

/* As the ledger itself will look at it when the order is paid. */
static int
check_entry(const struct daemon *d, const cpnp_ledger *state,
    const cpnp_terms *terms, char why[CPNPD_LEDGER_WHY_MAX])
{
	cpnp_bytes id = terms->offer, by = terms->publisher;
	cpnp_ledger_info info;
	cpnp_offer_view offer;
	int64_t start;

	if (!is_ours(d, state, by))
		return fail(why, CPNP_ERR_CONFIG, "account %.*s is paid by "
		    "itself; expected %s, or a pseudonym that it vouches for",
		    TEXT(by), d->ledger->conf.account);
	if (cpnp_ledger_get_info(state, &info) != 0 ||
	    cpnp_ledger_get_offer(state, by, id, &offer) != 0 ||
	    offer.until.sec <= info.time.sec)
		return fail(why, CPNP_ERR_NOT_FOUND, "the catalogue of the "
		    "ledger has no entry %.*s of %.*s now", TEXT(id),
		    TEXT(by));
	if (!offer.for_sale)
		return fail(why, CPNP_ERR_NOT_FOUND, "entry %.*s of %.*s in "
		    "the catalogue of the ledger is not for sale", TEXT(id),
		    TEXT(by));
	start = terms->has_start ? terms->start.sec : info.time.sec;
	if (terms->duration > 0 && (start < offer.from.sec ||
	    start + (int64_t)terms->duration > offer.to.sec))
		return fail(why, CPNP_ERR_NOT_FOUND, "entry %.*s of %.*s in "
		    "the catalogue of the ledger is not to be had then",
		    TEXT(id), TEXT(by));
	return 0;
}

int
cpnpd_ledger_set_offer(const struct daemon *d, cpnp_terms *terms,
    char why[CPNPD_LEDGER_WHY_MAX])
{
	const char *wanted = d->conf->ledger.offer.value;
	int err;

	if (wanted == NULL)
		return 0;
	if (!cpnp_conf_parse_offer(wanted, &terms->offer, &terms->publisher))
		return fail(why, CPNP_ERR_CONFIG, "\"%s\" names no entry",
		    wanted);
	if (terms->publisher.len == 0)
		terms->publisher = d->ledger->account;
	err = check_entry(
	    d, cpnp_bridge_lock(d->ledger->bridge), terms, why);
	cpnp_bridge_unlock(d->ledger->bridge);
	return err;
}

/* Accounts may be opened while we run, but a name that was mistyped would
 * only be seen when its customer wants to pay. */
static void
check_customers(const struct daemon *d, const cpnp_ledger *state)
{
	const cpnp_conf_customer *c;
	cpnp_account_view account;
	size_t i;

	for (i = 0; i < d->conf->customers_n; i++) {
		c = &d->conf->customers[i];
		if (c->account.value != NULL && cpnp_ledger_get_account(state,
			cpnp_bytes_str(c->account.value), &account) != 0)
			cpnpd_log(CPNP_LOG_WARNING, "%s:%u: account: the "
			    "ledger has no account %s, from which customer "
			    "%s is to pay", d->conf->path, c->account.line,
			    c->account.value, c->identity);
	}
}

int
cpnpd_ledger_check_names(const struct daemon *d,
    char why[CPNPD_LEDGER_WHY_MAX])
{
	cpnp_terms terms = {.duration = 0};
	int err;

	if (d->ledger == NULL || d->ledger->status.away)
		return 0;
	check_customers(d, cpnp_bridge_lock(d->ledger->bridge));
	cpnp_bridge_unlock(d->ledger->bridge);
	err = cpnpd_ledger_set_offer(d, &terms, why);
	if (err == CPNP_ERR_NOT_FOUND) {
		cpnpd_log(CPNP_LOG_WARNING, "%s:%u: offer: %s; new orders "
		    "that are to be paid are refused meanwhile",
		    d->conf->path, d->conf->ledger.offer.line, why);
		err = 0;
	}
	return err;
}

void
cpnpd_ledger_reloaded(const struct daemon *d)
{
	char why[CPNPD_LEDGER_WHY_MAX];

	if (cpnpd_ledger_check_names(d, why) != 0)
		cpnpd_log(CPNP_LOG_ERROR, "reload: %s:%u: offer: %s; orders "
		    "that are to be paid are refused", d->conf->path,
		    d->conf->ledger.offer.line, why);
}
