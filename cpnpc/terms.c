/*
 * What an offer is to be paid with, and what it was: settlement terms and the
 * authorization that was given for them, read and shown.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/net.h>

#include "cpnpc.h"

/* The clock of the provider may be so far from ours, in seconds. */
#define SKEW_MAX 300

/* What a metric of the service level terms is called, and counted in. */
static const struct metric_name {
	const char *text;
	const char *unit;
} metric_names[CPNP_SLA_METRIC_N] = {
#define X(name, place, floor, text, unit) [place] = {text, unit},
	CPNP_SLA_METRIC_MAP(X)
#undef X
};

static struct metric_name
name_of(size_t place)
{
	static const struct metric_name other = {"another metric", ""};

	return place < CPNP_SLA_METRIC_N ? metric_names[place] : other;
}

/* ---- reading ----------------------------------------------------------- */

static void
blame(cpnpc_offer *offer, const cpnp_diag *diag, int err)
{
	snprintf(offer->terms_fault, sizeof(offer->terms_fault), "%s%s%s",
	    diag->where, diag->where[0] != '\0' ? ": " : "",
	    diag->why[0] != '\0' ? diag->why : cpnp_strerror(err));
}

/* When a service runs, as far as it is agreed. */
struct times {
	int64_t start, end; /* the first and the last moment */
	bool some;
	bool at_once; /* it begins with the agreement */
	bool is_open; /* it has no end */
};

static void
widen(struct times *times, const cpnp_cpd_window *window)
{
	bool has_start = window != NULL && window->start.is_set;
	bool has_end = window != NULL && window->end.is_set;

	if (!has_start)
		times->at_once = true;
	else if (!times->some || window->start.time.sec < times->start)
		times->start = window->start.time.sec;
	if (!has_end)
		times->is_open = true;
	else if (!times->some || window->end.time.sec > times->end)
		times->end = window->end.time.sec;
	times->some = true;
}

static struct times
times_of(const cpnpc_offer *offer)
{
	const cpnp_msg *msg = &offer->offer;
	const cpnp_schedule *schedule = &msg->activation_schedule;
	struct times times = {0};
	size_t i, j;

	for (i = 0; i < offer->offered.components_n; i++) {
		const cpnp_cpd_component *c = &offer->offered.components[i];

		for (j = 0; j < c->profiles_n; j++)
			widen(&times, c->profiles[j].window);
	}
	if (!times.some)
		times.at_once = times.is_open = true;
	if (cpnp_msg_has(msg, CPNP_ATTR_ACTIVATION_SCHEDULE) &&
	    schedule->has_start) {
		times.at_once = false;
		times.start = schedule->start.sec;
	}
	if (cpnp_msg_has(msg, CPNP_ATTR_ACTIVATION_SCHEDULE) &&
	    schedule->has_end) {
		times.is_open = false;
		times.end = schedule->end.sec;
	}
	return times;
}

/*
 * The price is for the service as agreed: where it pays for less, all would be
 * gone before a WITHDRAW; where it pays from sooner on, some of it would be for
 * nothing.  The clocks may differ a little.
 */
static void
check_times(cpnpc_offer *offer, cpnp_wtime now)
{
	const cpnp_terms *terms = &offer->terms;
	struct times times = times_of(offer);
	int64_t start = terms->has_start ? terms->start.sec : now.sec;
	int64_t end = start + (int64_t)terms->duration;
	bool early = !times.at_once && start < times.start - SKEW_MAX;
	bool less = !times.is_open && end < times.end - SKEW_MAX &&
		    terms->duration < CPNP_SERVICE_SECONDS_MAX;
	char paid[CPNPC_TIME_LEN], agreed[CPNPC_TIME_LEN];

	if (!early && !less)
		return;
	cpnpc_time_format((cpnp_wtime){early ? start : end}, paid);
	cpnpc_time_format(
	    (cpnp_wtime){early ? times.start : times.end}, agreed);
	snprintf(offer->terms_fault, sizeof(offer->terms_fault),
	    "the settlement terms pay for it %s %s, and it is offered %s %s",
	    early ? "from" : "until", paid, early ? "from" : "until", agreed);
}

void
cpnpc_terms_read(cpnpc_offer *offer, cpnp_wtime now)
{
	const cpnp_money *cost = cpnpc_offer_cost(offer);
	cpnp_diag diag = {0};
	int err;

	offer->has_terms =
	    cpnp_msg_has(&offer->offer, CPNP_ATTR_SETTLEMENT_TERMS);
	if (!offer->has_terms)
		return;
	err = cpnp_terms_decode(
	    &offer->terms, offer->offer.settlement_terms, &diag);
	if (err == 0 && cost != NULL)
		err = cpnp_terms_check_cost(&offer->terms, cost, &diag);
	if (err != 0)
		blame(offer, &diag, err);
	else if (cost == NULL)
		snprintf(offer->terms_fault, sizeof(offer->terms_fault),
		    "the settlement terms ask for money, and the offer names "
		    "no price");
	else
		check_times(offer, now);
}

int
cpnpc_payment_read(cpnpc_payment *payment, cpnp_bytes authorization)
{
	const cpnp_env *env = cpnp_env_openssl();
	cpnp_bytes payload;
	int err;

	if (authorization.len == 0)
		return CPNP_ERR_NOT_FOUND;
	err = cpnp_op_payload(authorization, &payload);
	if (err == 0)
		err = cpnp_op_decode(&payment->op, payload, NULL);
	if (err == 0)
		err = env->sha256(env->user, &payload, 1, payment->escrow);
	return err;
}

/* The terms that an authorization of an order was made from: those of the
 * OFFER beside it.  Views into the order. */
static int
read_agreed(cpnp_bytes offer, cpnp_msg *msg, cpnp_terms *terms)
{
	int err = cpnp_msg_decode(msg, offer, NULL);

	if (err == 0 && !cpnp_msg_has(msg, CPNP_ATTR_SETTLEMENT_TERMS))
		err = CPNP_ERR_NOT_FOUND;
	return err != 0 ? err
			: cpnp_terms_decode(terms, msg->settlement_terms, NULL);
}

int
cpnpc_terms_of(const cpnp_order *order, cpnp_doc doc, cpnp_terms *terms)
{
	cpnp_msg *msg = calloc(1, sizeof(*msg));
	int err = CPNP_ERR_NOMEM;

	if (msg != NULL)
		err = read_agreed(cpnp_order_doc(order, doc), msg, terms);
	free(msg);
	return err;
}

static cpnp_money
money_of(const cpnp_terms *terms)
{
	return (cpnp_money){.amount = terms->amount,
	    .code = terms->code,
	    .issuer = terms->issuer,
	    .exponent = terms->exponent};
}

/* ---- for people -------------------------------------------------------- */

/* "  payment:     ", as the other lines of an offer begin. */
#define LABEL "  %-13s"

static void
put_ppm(FILE *f, uint32_t ppm)
{
	fprintf(f, "%" PRIu32, ppm / 10000);
	if (ppm % 10000 != 0)
		fprintf(f, ".%04" PRIu32, ppm % 10000);
	fputs(" %", f);
}

static void
print_metric(FILE *f, size_t place, const cpnp_sla_metric *m)
{
	const struct metric_name name = name_of(place);
	char span[CPNPC_TIME_LEN];

	cpnpc_span_format((int64_t)m->window, span);
	fprintf(f, "    %s %s %" PRIu64 "%s%s: ", name.text,
	    m->floor ? "below" : "above", m->bound,
	    name.unit[0] != '\0' ? " " : "", name.unit);
	put_ppm(f, m->credit_ppm);
	fprintf(f, " for each %s of it (metric %zu)\n", span, place);
}

static void
print_levels(FILE *f, cpnp_bytes bytes)
{
	char span[CPNPC_TIME_LEN];
	cpnp_sla_terms sla;
	size_t i;

	if (bytes.len == 0 || cpnp_sla_terms_decode(&sla, bytes) != 0)
		return;
	fputs("  a breach gives back of the price\n", f);
	for (i = 0; i < sla.metric_n; i++)
		if (sla.metrics[i].credit_ppm > 0)
			print_metric(f, i, &sla.metrics[i]);
	cpnpc_span_format((int64_t)sla.object_seconds, span);
	fputs("    and at most ", f);
	put_ppm(f, sla.cap_ppm);
	fprintf(f, ", unless the provider objects within %s;\n    then ", span);
	if (sla.auditor.len > 0) {
		cpnpc_span_format((int64_t)sla.audit_seconds, span);
		cpnpc_put_text(f, sla.auditor);
		fprintf(f, " decides within %s, else ", span);
	}
	fprintf(f, "it is %s\n", sla.default_upheld ? "upheld" : "rejected");
}

static void
print_time(FILE *f, const cpnp_terms *terms)
{
	char span[CPNPC_TIME_LEN], when[CPNPC_TIME_LEN];

	cpnpc_span_format((int64_t)terms->duration, span);
	fprintf(f, LABEL "%s from ", "paid for:", span);
	if (terms->has_start) {
		cpnpc_time_format(terms->start, when);
		fputs(when, f);
	} else {
		fputs("the agreement", f);
	}
	fputs(terms->idle_paid ? " on, also while it is not active\n"
			       : " on; what is not used comes back\n",
	    f);
	if (terms->claim_seconds > 0) {
		cpnpc_span_format((int64_t)terms->claim_seconds, span);
		fprintf(f, LABEL "of a breach, until %s after the end\n",
		    "claims:", span);
	}
}

/* "12.50 EUR of bank" */
static void
put_amount(FILE *f, const cpnp_money *money)
{
	char text[CPNPC_MONEY_LEN];

	cpnpc_money_format(money, text);
	cpnpc_put_text(f, cpnp_bytes_str(text));
	fputs(" of ", f);
	cpnpc_put_text(f, money->issuer);
}

static void
print_parties(FILE *f, const cpnp_terms *terms, cpnp_bytes payer)
{
	cpnp_money money = money_of(terms);

	fprintf(f, LABEL, "payment:");
	put_amount(f, &money);
	if (payer.len > 0) {
		fputs(", from account ", f);
		cpnpc_put_text(f, payer);
	}
	fputs(payer.len > 0 ? " to " : ", to account ", f);
	cpnpc_put_text(f, terms->payee);
	fputc('\n', f);
	if (terms->offer.len == 0)
		return;
	fprintf(f, LABEL, "entry:");
	cpnpc_put_text(f, terms->offer);
	fputs(" of ", f);
	cpnpc_put_text(f, terms->publisher);
	fputs(" in the catalogue of the ledger\n", f);
}

void
cpnpc_print_terms(FILE *f, const cpnpc_offer *offer)
{
	const cpnp_terms *terms = &offer->terms;
	char span[CPNPC_TIME_LEN];

	if (!offer->has_terms)
		return;
	if (offer->terms_fault[0] != '\0') {
		fprintf(f, LABEL "not as offered, ", "payment:");
		cpnpc_put_text(f, cpnp_bytes_str(offer->terms_fault));
		fputc('\n', f);
		return;
	}
	print_parties(f, terms, offer->payer);
	print_time(f, terms);
	cpnpc_span_format((int64_t)terms->escrow_seconds, span);
	fprintf(f, LABEL "the provider takes it within %s, or it is void\n",
	    "escrow:", span);
	print_levels(f, terms->sla);
}

static void
put_hex(FILE *f, cpnp_bytes bytes)
{
	size_t i;

	for (i = 0; i < bytes.len; i++)
		fprintf(f, "%02x", bytes.ptr[i]);
}

/* The command that claims a breach, but for what was measured. */
static void
print_claim(FILE *f, const cpnpc_payment *payment, const cpnp_terms *terms)
{
	if (terms->sla.len == 0)
		return;
	fputs("  to claim a breach, with what was measured:\n"
	      "    cpnp-ledger sla claim ",
	    f);
	put_hex(f, (cpnp_bytes){payment->escrow, CPNP_SHA256_LEN});
	fputs(" \\\n        --salt ", f);
	put_hex(f, terms->sla_salt);
	fputs(" --terms ", f);
	put_hex(f, terms->sla);
	fputs(" \\\n        --metric N --from TIME --to TIME --value N\n", f);
}

static void
print_payment(FILE *f, const cpnp_order *order, cpnp_doc offer, cpnp_doc doc,
    const char *title)
{
	cpnpc_payment payment;
	cpnp_terms terms;
	cpnp_money fee;
	char text[CPNPC_MONEY_LEN];

	if (cpnpc_payment_read(&payment, cpnp_order_doc(order, doc)) != 0 ||
	    cpnpc_terms_of(order, offer, &terms) != 0)
		return;
	fprintf(f, "%s\n" LABEL, title, "escrow:");
	put_hex(f, (cpnp_bytes){payment.escrow, CPNP_SHA256_LEN});
	fputc('\n', f);
	print_parties(f, &terms, payment.op.account);
	fee = money_of(&terms);
	fee.amount = payment.op.fee_max;
	cpnpc_money_format(&fee, text);
	fprintf(f, LABEL "at most %s, to the ledger\n", "fee:", text);
	if (payment.op.replaces.len > 0) {
		fprintf(f, LABEL, "replaces:");
		put_hex(f, payment.op.replaces);
		fputc('\n', f);
	}
	print_time(f, &terms);
	print_claim(f, &payment, &terms);
}

void
cpnpc_print_payments(FILE *f, const cpnp_order *order)
{
	print_payment(f, order, CPNP_DOC_STANDING_OFFER,
	    CPNP_DOC_STANDING_PAYMENT, "Payment of what stands");
	print_payment(f, order, CPNP_DOC_OFFER, CPNP_DOC_PAYMENT,
	    cpnp_order_state(order) == CPNP_STATE_ACCEPT_SENT
		? "Payment, authorized and not posted yet"
	    : cpnp_order_agreement_state(order) == CPNP_AGREEMENT_NONE
		? "Payment, authorized and of no effect"
		: "Payment");
}

/* ---- for programs ------------------------------------------------------ */

static void
set_number(json_t *object, const char *key, uint64_t value)
{
	(void)json_object_set_new(
	    object, key, json_integer((json_int_t)value));
}

static json_t *
json_metric(size_t place, const cpnp_sla_metric *m)
{
	const struct metric_name name = name_of(place);
	json_t *object = json_object();

	set_number(object, "metric", place);
	(void)json_object_set_new(object, "name", json_string(name.text));
	(void)json_object_set_new(object, "unit", json_string(name.unit));
	(void)json_object_set_new(object, m->floor ? "at_least" : "at_most",
	    json_integer((json_int_t)m->bound));
	set_number(object, "window_seconds", m->window);
	set_number(object, "credit_ppm", m->credit_ppm);
	return object;
}

static json_t *
json_levels(const cpnp_terms *terms)
{
	json_t *object = json_object(), *metrics = json_array();
	cpnp_sla_terms sla;
	size_t i;

	if (cpnp_sla_terms_decode(&sla, terms->sla) == 0) {
		for (i = 0; i < sla.metric_n; i++)
			if (sla.metrics[i].credit_ppm > 0)
				(void)json_array_append_new(metrics,
				    json_metric(i, &sla.metrics[i]));
		set_number(object, "cap_ppm", sla.cap_ppm);
		set_number(object, "object_seconds", sla.object_seconds);
		set_number(object, "audit_seconds", sla.audit_seconds);
		(void)json_object_set_new(object, "default",
		    json_string(sla.default_upheld ? "upheld" : "rejected"));
		if (sla.auditor.len > 0)
			(void)json_object_set_new(object, "auditor",
			    cpnpc_json_text(sla.auditor));
	}
	(void)json_object_set_new(object, "metrics", metrics);
	(void)json_object_set_new(object, "terms", cpnpc_json_hex(terms->sla));
	(void)json_object_set_new(
	    object, "salt", cpnpc_json_hex(terms->sla_salt));
	return object;
}

json_t *
cpnpc_json_terms(const cpnp_terms *terms, cpnp_bytes payer)
{
	cpnp_money money = money_of(terms);
	json_t *object = json_object();

	(void)json_object_set_new(object, "ledger",
	    cpnpc_json_hex((cpnp_bytes){terms->ledger, CPNP_SHA256_LEN}));
	if (payer.len > 0)
		(void)json_object_set_new(
		    object, "payer", cpnpc_json_text(payer));
	(void)json_object_set_new(
	    object, "payee", cpnpc_json_text(terms->payee));
	(void)json_object_set_new(object, "amount", cpnpc_json_money(&money));
	if (terms->has_start)
		(void)json_object_set_new(
		    object, "start", cpnpc_json_time(terms->start));
	if (terms->offer.len > 0) {
		(void)json_object_set_new(object, "publisher",
		    cpnpc_json_text(terms->publisher));
		(void)json_object_set_new(
		    object, "entry", cpnpc_json_text(terms->offer));
	}
	set_number(object, "seconds", terms->duration);
	set_number(object, "claim_seconds", terms->claim_seconds);
	(void)json_object_set_new(
	    object, "idle_paid", json_boolean(terms->idle_paid));
	set_number(object, "escrow_seconds", terms->escrow_seconds);
	if (terms->sla.len > 0)
		(void)json_object_set_new(
		    object, "service_level", json_levels(terms));
	return object;
}

json_t *
cpnpc_json_payment(const cpnp_order *order, cpnp_doc offer, cpnp_doc doc)
{
	cpnpc_payment payment;
	cpnp_terms terms;
	cpnp_money fee;
	json_t *object;

	if (cpnpc_payment_read(&payment, cpnp_order_doc(order, doc)) != 0 ||
	    cpnpc_terms_of(order, offer, &terms) != 0)
		return NULL;
	object = cpnpc_json_terms(&terms, payment.op.account);
	(void)json_object_set_new(object, "escrow",
	    cpnpc_json_hex((cpnp_bytes){payment.escrow, CPNP_SHA256_LEN}));
	fee = money_of(&terms);
	fee.amount = payment.op.fee_max;
	(void)json_object_set_new(object, "max_fee", cpnpc_json_money(&fee));
	(void)json_object_set_new(object, "until",
	    cpnpc_json_time((cpnp_wtime){payment.op.until}));
	if (payment.op.replaces.len > 0)
		(void)json_object_set_new(object, "replaces",
		    cpnpc_json_hex(payment.op.replaces));
	return object;
}
