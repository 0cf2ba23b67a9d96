/*
 * Paying for an offer: the authorization that its settlement terms ask for,
 * signed with the key of the ledger account.  The ledger itself is not needed
 * for that; the provider brings the authorization there.  So it does with what
 * ends the escrow, when an agreement is withdrawn.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cpnp/agreement.h>

#include "session.h"

/* Room for why an offer cannot be paid. */
#define WHY_LEN 256
/* Seconds for a withdrawal to come into the log, or as many as the terms allow
 * for an authorization: it may wait for the provider and for the ledger. */
#define WITHDRAW_LIFE 3600

static int
load_purse(cpnpc_session *session, cpnp_diag *diag)
{
	cpnpc_purse *purse = &session->purse;
	int err = cpnp_ledger_conf_load(
	    &purse->conf, session->run->conf.ledger, diag);

	purse->is_open = err == 0;
	if (err == 0)
		err = cpnp_ledger_conf_get_id(
		    &purse->conf, purse->ledger, diag);
	/* a file without an account is for looking at a ledger */
	if (err == 0 && purse->conf.account != NULL &&
	    purse->conf.key_file != NULL)
		err = cpnp_ledger_conf_open_signer(
		    &purse->conf, &purse->signer, diag);
	return err;
}

cpnpc_exit
cpnpc_purse_open(cpnpc_session *session)
{
	const char *path = session->run->conf.ledger;
	cpnp_diag diag = {0};
	int err;

	if (path == NULL)
		return CPNPC_DONE;
	err = load_purse(session, &diag);
	return err == 0 ? CPNPC_DONE
			: cpnpc_fail_diag(
			      session->run, CPNPC_LOCAL, path, err, &diag);
}

void
cpnpc_purse_close(cpnpc_session *session)
{
	cpnpc_purse *purse = &session->purse;

	cpnp_signer_del(purse->signer);
	if (purse->is_open)
		cpnp_ledger_conf_fini(&purse->conf);
	*purse = (cpnpc_purse){0};
}

cpnp_bytes
cpnpc_purse_account(const cpnpc_session *session)
{
	return session->purse.signer == NULL
		   ? CPNP_BYTES_NONE
		   : cpnp_bytes_str(session->purse.conf.account);
}

void
cpnpc_purse_json(const cpnpc_session *session, json_t *order)
{
	cpnp_bytes account = cpnpc_purse_account(session);
	json_t *payment = json_object_get(
	    json_object_get(order, "offer"), "payment");

	if (payment != NULL && account.len > 0 &&
	    json_object_get(payment, "payer") == NULL)
		(void)json_object_set_new(
		    payment, "payer", cpnpc_json_text(account));
}

/* ---- whether it can be paid from here ----------------------------------- */

static cpnp_money
token_of(const cpnp_terms *terms)
{
	return (cpnp_money){.code = terms->code,
	    .issuer = terms->issuer,
	    .exponent = terms->exponent};
}

/* What is wrong is told with the file that would have to be another. */
static bool
can_pay(const cpnpc_session *session, const cpnp_terms *terms,
    int64_t *fee_max, char why[WHY_LEN])
{
	const cpnpc_conf *conf = &session->run->conf;
	const cpnpc_purse *purse = &session->purse;
	cpnp_money token = token_of(terms);

	why[0] = '\0';
	if (!purse->is_open)
		snprintf(why, WHY_LEN,
		    "no ledger is configured; expected --ledger FILE, or "
		    "ledger in %s",
		    conf->file != NULL ? conf->file : "cpnpc.conf(5)");
	else if (purse->signer == NULL)
		snprintf(why, WHY_LEN,
		    "%s: %s is missing, and who pays needs it", conf->ledger,
		    purse->conf.account == NULL ? "account" : "key-file");
	else if (memcmp(purse->ledger, terms->ledger, CPNP_SHA256_LEN) != 0)
		snprintf(why, WHY_LEN,
		    "%s: this is another ledger, whose genesis has the digest "
		    "%02x%02x%02x%02x; expected that of %02x%02x%02x%02x",
		    conf->ledger, purse->ledger[0], purse->ledger[1],
		    purse->ledger[2], purse->ledger[3], terms->ledger[0],
		    terms->ledger[1], terms->ledger[2], terms->ledger[3]);
	else if (cpnp_bytes_equal(
		     terms->payee, cpnp_bytes_str(purse->conf.account)))
		snprintf(why, WHY_LEN,
		    "%s: its account %s is the one that would be paid",
		    conf->ledger, purse->conf.account);
	else if (!cpnpc_price_minor(&conf->max_fee, &token, fee_max))
		snprintf(why, WHY_LEN,
		    "max-fee is in %s, and it is paid in %.*s",
		    conf->max_fee.code, (int)terms->code.len,
		    (const char *)terms->code.ptr);
	return why[0] == '\0';
}

/* ---- the authorization -------------------------------------------------- */

/*
 * The escrow that an open UPDATE takes the place of.  One whose paid time is
 * over has settled by itself, and is gone from the ledger: naming it would be
 * refused.
 */
static const uint8_t *
find_replaced(const cpnp_order *order, cpnp_now now, cpnpc_payment *standing)
{
	cpnp_terms terms;
	int64_t start;

	if (cpnpc_payment_read(standing,
		cpnp_order_doc(order, CPNP_DOC_STANDING_PAYMENT)) != 0 ||
	    cpnpc_terms_of(order, CPNP_DOC_STANDING_OFFER, &terms) != 0)
		return NULL;
	/* posted soon after it was made */
	start = terms.has_start
		    ? terms.start.sec
		    : standing->op.until - (int64_t)terms.escrow_seconds;
	return now.wall.sec - start < (int64_t)terms.duration
		   ? standing->escrow
		   : NULL;
}

static int
authorize(cpnpc_session *session, const cpnpc_job *job,
    const cpnp_agreement *agreement, const cpnp_terms *terms, int64_t fee_max,
    cpnp_now now, cpnp_buf *out)
{
	const cpnp_env *env = cpnp_env_openssl();
	uint8_t digest[CPNP_SHA256_LEN], commitment[CPNP_SHA256_LEN];
	cpnpc_payment standing;
	cpnp_bytes payload;
	cpnp_buf buf;
	cpnp_op op;
	int err = cpnp_agreement_digest(agreement, env, digest);

	cpnp_buf_init(&buf, &env->mem, CPNP_OP_MAX);
	if (err == 0)
		err = cpnp_terms_authorize(terms, env,
		    cpnpc_purse_account(session), digest,
		    find_replaced(job->order, now, &standing), fee_max,
		    now.wall, commitment, &op);
	if (err == 0)
		err = cpnp_op_encode(&op, &buf, NULL);
	payload = cpnp_buf_bytes(&buf);
	if (err == 0)
		err = cpnp_op_sign(session->purse.signer, &payload, 1, out);
	cpnp_buf_fini(&buf);
	return err;
}

/* Nothing is bought, and nothing is lost: the offer can be accepted with
 * another configuration. */
static int
not_paid(cpnpc_session *session, cpnpc_job *job, const char *why)
{
	char until[CPNPC_TIME_LEN] = "its validity ends";
	cpnp_wait wait = {0};

	cpnp_order_wait(job->order, &wait);
	if (wait.has_until)
		cpnpc_time_format(wait.until, until);
	cpnpc_job_finish(session, job, CPNPC_UNPAID,
	    "it is to be paid at a ledger: %s; the offer is open until %s",
	    why, until);
	return 0;
}

static int
pay(cpnpc_session *session, cpnpc_job *job, const cpnp_agreement *agreement,
    cpnp_now now)
{
	cpnp_diag diag = {0};
	char why[WHY_LEN];
	cpnp_terms terms;
	int64_t fee_max = 0;
	cpnp_buf buf;
	int err = cpnp_terms_decode(&terms, agreement->settlement_terms, &diag);

	/* a provider that shows one price and takes another */
	if (err == 0 && !agreement->has_cost)
		err = CPNP_ERR_MISMATCH;
	if (err == 0)
		err = cpnp_terms_check_cost(&terms, &agreement->cost, &diag);
	if (err != 0)
		return not_paid(session, job,
		    diag.why[0] != '\0' ? diag.why : cpnp_strerror(err));
	if (!can_pay(session, &terms, &fee_max, why))
		return not_paid(session, job, why);
	cpnp_buf_init(&buf, &cpnp_env_openssl()->mem, CPNP_EXTENSION_MAX);
	err = authorize(session, job, agreement, &terms, fee_max, now, &buf);
	if (err == 0)
		err = cpnp_order_accept_paid(session->orders, job->order,
		    cpnp_buf_bytes(&buf), now);
	cpnp_buf_fini(&buf);
	return err;
}

int
cpnpc_pay_accept(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	cpnp_agreement agreement;
	int err = cpnp_order_get_agreement(job->order, &agreement);

	if (err != 0)
		return err;
	return agreement.settlement_terms.len > 0
		   ? pay(session, job, &agreement, now)
		   : cpnp_order_accept(session->orders, job->order, now);
}

/* ---- the end ------------------------------------------------------------ */

/* What ends an escrow has to be signed by who pays into it. */
static bool
can_end(cpnpc_session *session, const cpnpc_payment *payment,
    char why[WHY_LEN])
{
	const char *path = session->run->conf.ledger;
	cpnpc_purse *purse = &session->purse;
	cpnp_diag diag = {0};
	int err = path == NULL || purse->is_open ? 0
						 : load_purse(session, &diag);

	if (err != 0)
		cpnpc_purse_close(session);
	why[0] = '\0';
	if (path == NULL)
		snprintf(why, WHY_LEN, "no ledger is configured");
	else if (err != 0)
		snprintf(why, WHY_LEN, "%s: %s", path,
		    diag.why[0] != '\0' ? diag.why : cpnp_strerror(err));
	else if (purse->signer == NULL)
		snprintf(why, WHY_LEN, "%s: %s is missing", path,
		    purse->conf.account == NULL ? "account" : "key-file");
	else if (memcmp(purse->ledger, payment->op.ledger,
		     CPNP_SHA256_LEN) != 0)
		snprintf(why, WHY_LEN, "%s: this is another ledger", path);
	else if (!cpnp_bytes_equal(
		     payment->op.account, cpnpc_purse_account(session)))
		snprintf(why, WHY_LEN,
		    "%s: its account %s is not the one that pays, %.*s", path,
		    purse->conf.account, (int)payment->op.account.len,
		    (const char *)payment->op.account.ptr);
	return why[0] == '\0';
}

/* The idempotency key is that of all withdrawals of this escrow: it ends
 * once. */
static int
sign_withdrawal(const cpnpc_session *session, const cpnp_order *order,
    const cpnpc_payment *payment, cpnp_now now, cpnp_buf *out)
{
	uint8_t idem[CPNP_SHA256_LEN];
	cpnp_op op = {.type = CPNP_OP_WITHDRAW,
	    .account = payment->op.account,
	    .idem = {idem, sizeof(idem)}};
	int64_t life = WITHDRAW_LIFE;
	cpnp_bytes payload;
	cpnp_terms terms;
	cpnp_buf buf;
	int err = cpnpc_terms_of(order, CPNP_DOC_OFFER, &terms);

	if (err == 0 && (int64_t)terms.escrow_seconds > life)
		life = (int64_t)terms.escrow_seconds;
	op.expiry = now.wall.sec + life;
	memcpy(op.ledger, payment->op.ledger, sizeof(op.ledger));
	memcpy(idem, payment->escrow, sizeof(idem));
	idem[0] ^= CPNP_OP_WITHDRAW;
	CPNP_OP_SET(&op, SUBJECT, subject,
	    ((cpnp_bytes){payment->escrow, CPNP_SHA256_LEN}));
	cpnp_buf_init(&buf, &cpnp_env_openssl()->mem, CPNP_OP_MAX);
	if (err == 0)
		err = cpnp_op_encode(&op, &buf, NULL);
	payload = cpnp_buf_bytes(&buf);
	if (err == 0)
		err = cpnp_op_sign(session->purse.signer, &payload, 1, out);
	cpnp_buf_fini(&buf);
	return err;
}

int
cpnpc_pay_withdraw(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	cpnpc_payment payment;
	char why[WHY_LEN];
	cpnp_buf buf;
	int err = cpnpc_payment_read(
	    &payment, cpnp_order_doc(job->order, CPNP_DOC_PAYMENT));

	if (err == CPNP_ERR_NOT_FOUND)
		return cpnp_order_withdraw(session->orders, job->order, now);
	if (err != 0)
		return err;
	cpnp_buf_init(&buf, &cpnp_env_openssl()->mem, CPNP_EXTENSION_MAX);
	if (can_end(session, &payment, why)) {
		err = sign_withdrawal(
		    session, job->order, &payment, now, &buf);
		if (err != 0)
			snprintf(why, WHY_LEN, "%s", cpnp_strerror(err));
	}
	if (why[0] == '\0') {
		err = cpnp_order_withdraw_paid(session->orders, job->order,
		    cpnp_buf_bytes(&buf), now);
	} else {
		cpnpc_status_say(session,
		    "order %s: the provider ends the payment too, and not its "
		    "payer: %s",
		    job->id, why);
		err = cpnp_order_withdraw(session->orders, job->order, now);
	}
	cpnp_buf_fini(&buf);
	return err;
}
