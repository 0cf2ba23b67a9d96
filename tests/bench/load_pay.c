/*
 * Paying: the authorization that an OFFER asks for, or a wrong one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include <cpnp/settlement.h>

#include "ledger_conf.h"
#include "load.h"

static struct cpnp_ledger_conf conf;
static cpnp_buf first; /* that is given for every order, with "again" */

/* What a server has to refuse.  X(NAME, name) */
#define WRONG_MAP(X)                                                           \
	X(NOTHING, "nothing")                                                  \
	X(SIGNATURE, "signature")                                              \
	X(AMOUNT, "amount")                                                    \
	X(ORDER, "order")                                                      \
	X(LONG, "long")                                                        \
	X(PAYER, "payer")                                                      \
	X(AGAIN, "again")

enum wrong {
	WRONG_NOT,
#define X(name, text) WRONG_##name,
	WRONG_MAP(X)
#undef X
};

static enum wrong
wrong_of(const char *text)
{
#define X(name, word)                                                          \
	if (text != NULL && strcmp(text, word) == 0)                           \
		return WRONG_##name;
	WRONG_MAP(X)
#undef X
	return WRONG_NOT;
}

int
load_pay_open(struct load *load)
{
	const struct load_options *o = &load->options;
	cpnp_diag diag = {.err = 0};
	int err;

	cpnp_buf_init(&first, &load->env->mem, 2 * CPNP_OP_MAX);
	if (o->pay == NULL)
		return 0;
	if (o->pay_wrong != NULL && wrong_of(o->pay_wrong) == WRONG_NOT) {
		(void)fprintf(stderr, "cpnp-load: --pay-wrong %s: nothing, "
		    "signature, amount, order, long, payer or again is wanted\n",
		    o->pay_wrong);
		return CPNP_ERR_INVALID;
	}
	err = cpnp_ledger_conf_load(&conf, o->pay, &diag);
	if (err == 0)
		err = cpnp_ledger_conf_open_signer(
		    &conf, &load->payer, &diag);
	if (err != 0)
		(void)fprintf(stderr, "cpnp-load: %s: %s: %s\n", o->pay,
		    diag.where, diag.why);
	return err;
}

void
load_pay_close(struct load *load)
{
	cpnp_buf_fini(&first);
	cpnp_signer_del(load->payer);
	cpnp_ledger_conf_fini(&conf);
}

static int
authorize(struct load *load, const cpnp_agreement *agreement,
    enum wrong wrong, cpnp_buf *out, cpnp_now now)
{
	uint8_t digest[CPNP_SHA256_LEN], commitment[CPNP_SHA256_LEN];
	uint8_t store[CPNP_OP_MAX];
	cpnp_terms terms;
	cpnp_bytes plain;
	cpnp_buf buf;
	cpnp_op op;
	int err;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	err = cpnp_terms_decode(&terms, agreement->settlement_terms, NULL);
	if (err == 0)
		err = cpnp_agreement_digest(agreement, load->env, digest);
	if (err == 0 && wrong == WRONG_AMOUNT)
		terms.amount--;
	if (err == 0 && wrong == WRONG_ORDER)
		digest[0] ^= 1;
	if (err == 0)
		err = cpnp_terms_authorize(&terms, load->env,
		    cpnp_bytes_str(wrong == WRONG_PAYER ? "bank"
							: conf.account),
		    digest, NULL, terms.amount, now.wall, commitment, &op);
	if (err == 0 && wrong == WRONG_LONG)
		op.until = op.expiry = now.wall.sec + 86000;
	if (err == 0)
		err = cpnp_op_encode(&op, &buf, NULL);
	plain = cpnp_buf_bytes(&buf);
	if (err == 0)
		err = cpnp_op_sign(load->payer, &plain, 1, out);
	if (err == 0 && wrong == WRONG_SIGNATURE)
		out->ptr[out->len - 1] ^= 1;
	return err;
}

int
load_pay(struct load *load, cpnp_order *order, cpnp_now now)
{
	static const uint8_t nothing[] = {0xf6};
	enum wrong wrong = wrong_of(load->options.pay_wrong);
	cpnp_agreement agreement;
	cpnp_buf buf;
	int err = cpnp_order_get_agreement(order, &agreement);

	if (err != 0 || agreement.settlement_terms.len == 0)
		return err != 0 ? err
				: cpnp_order_accept(load->orders, order, now);
	cpnp_buf_init(&buf, &load->env->mem, 2 * CPNP_OP_MAX);
	if (wrong == WRONG_NOTHING)
		cpnp_buf_put_raw(
		    &buf, (cpnp_bytes){nothing, sizeof(nothing)});
	else if (wrong == WRONG_AGAIN && first.len > 0)
		cpnp_buf_put_raw(&buf, cpnp_buf_bytes(&first));
	else
		err = authorize(load, &agreement, wrong, &buf, now);
	if (err == 0 && wrong == WRONG_AGAIN && first.len == 0)
		cpnp_buf_put_raw(&first, cpnp_buf_bytes(&buf));
	if (err == 0)
		err = cpnp_order_accept_paid(
		    load->orders, order, cpnp_buf_bytes(&buf), now);
	cpnp_buf_fini(&buf);
	return err;
}
