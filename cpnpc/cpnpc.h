/*
 * cpnpc: what its verbs share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_CPNPC_H
#define CPNPC_CPNPC_H

#include <stdio.h>

#include <jansson.h>

#include <cpnp/cpd.h>
#include <cpnp/error.h>
#include <cpnp/order.h>
#include <cpnp/settlement.h>

#include "conf.h"
#include "cpnpd/store/store.h"

/* Exit codes; cpnpc(1) promises them. */
typedef enum cpnpc_exit {
	CPNPC_DONE = 0,
	CPNPC_LOCAL = 1,        /* something here does not work */
	CPNPC_USAGE = 2,        /* the command line is wrong */
	CPNPC_REFUSED = 3,      /* the provider said no */
	CPNPC_UNACCEPTABLE = 4, /* the offer was declined */
	CPNPC_PENDING = 5,      /* not decided, and the order goes on */
	CPNPC_UNKNOWN = 6,      /* no answer; the provider knows, we do not */
	CPNPC_UNPAID = 7        /* what it is to be paid with is not here */
} cpnpc_exit;

/* One run of the program. */
typedef struct cpnpc {
	cpnpc_conf conf;
	char *store;                 /* path of the store */
	const char *const *operands; /* what follows the verb */
	int operands_n;
	bool stderr_tty;
	bool failed;        /* the error has been printed */
	cpnpc_exit mistake; /* what a mistake in a setting exits with */
} cpnpc;

/* One verb: a row in the table of main.c, a file of its own. */
typedef cpnpc_exit cpnpc_verb_fn(cpnpc *run);
cpnpc_verb_fn cpnpc_verb_quote, cpnpc_verb_order, cpnpc_verb_accept,
    cpnpc_verb_decline, cpnpc_verb_cancel, cpnpc_verb_show, cpnpc_verb_list,
    cpnpc_verb_resume, cpnpc_verb_validate, cpnpc_verb_template,
    cpnpc_verb_decode, cpnpc_verb_withdraw, cpnpc_verb_update,
    cpnpc_verb_activate, cpnpc_verb_deactivate, cpnpc_verb_plan;

/* Say what went wrong, on standard error and with --json as an object on
 * standard output; returns code. */
cpnpc_exit cpnpc_fail(cpnpc *run, cpnpc_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, from what a library function said of an input. */
cpnpc_exit cpnpc_fail_diag(cpnpc *run, cpnpc_exit code, const char *subject,
    int err, const cpnp_diag *diag);
/* A line about progress on standard error; quiet suppresses it. */
void cpnpc_note(const cpnpc *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- documents (document.c) ------------------------------------------- */

/* Read a whole file, "-" for standard input, at most max bytes; to be freed.
 * On failure the error has been told and *code says how to exit. */
uint8_t *cpnpc_read_file(
    cpnpc *run, const char *path, size_t max, size_t *len, cpnpc_exit *code);
/* A document in XML as service description; to be freed. */
uint8_t *cpnpc_read_document(
    cpnpc *run, const char *path, size_t *len, cpnpc_exit *code);

/* ---- orders in the store (record.c) ------------------------------------ */

/* A stored order, copied. */
typedef struct cpnpc_record {
	cpnp_store_row row;
	uint8_t *bytes; /* what the views of row point into */
} cpnpc_record;

int cpnpc_record_copy(cpnpc_record *record, const cpnp_store_row *row);
void cpnpc_record_fini(cpnpc_record *record);

typedef struct cpnpc_records {
	cpnpc_record *items;
	size_t n;
	/* Of a set, one bit for each number, the lowest for 1: orders that are
	 * no items since their notes cannot be read, and those of them that
	 * are not over. */
	unsigned unreadable;
	unsigned doubtful;
} cpnpc_records;

/* Client orders in the store: all, those that are open, or those that id
 * names (NULL for any). */
int cpnpc_records_read(
    cpnpc_records *records, cpnp_store *store, const char *id, bool open_only);
/* A copy of one more. */
int cpnpc_records_add(cpnpc_records *records, const cpnp_store_row *row);
void cpnpc_records_fini(cpnpc_records *records);
/* The orders of the store that are members of the set id, by their numbers;
 * none when there is no such set (set.c). */
int cpnpc_set_read(cpnpc_records *records, cpnp_store *store, const char *id);
/* How a set stands is not known while one of its orders is in doubt, and what
 * were done might be a second agreement: tells that, and what can be done. */
cpnpc_exit cpnpc_set_check(
    cpnpc *run, const cpnpc_records *records, const char *id);
/* There is an agreement, Completed or Active. */
bool cpnpc_stands(cpnp_agreement_state state);
/* The one order that id names; tells the error. */
cpnpc_exit cpnpc_records_find(
    cpnpc *run, cpnp_store *store, const char *id, cpnpc_record *record);
/* Open the store.  *store is NULL when there is none yet and create is
 * false. */
cpnpc_exit cpnpc_store_open(cpnpc *run, bool read_only, bool create,
    cpnp_signer *signer, const char *origin, cpnp_store **store);

/* An order as it was saved, in a set of its own, to look at. */
typedef struct cpnpc_view {
	cpnp_orders *orders;
	cpnp_order *order;
} cpnpc_view;

int cpnpc_view_open(cpnpc_view *view, const cpnp_store_row *row);
void cpnpc_view_close(cpnpc_view *view);

/* ---- offers (offer.c) --------------------------------------------------- */

#define CPNPC_CHANGES_MAX 128

/* An offer held against its request. */
typedef struct cpnpc_offer {
	cpnp_msg request;
	cpnp_msg offer;
	cpnp_cpd wanted;
	cpnp_cpd offered;
	bool is_cpd;
	bool exact;           /* the request, to the letter */
	cpnp_diag difference; /* the first, when it is not exact */
	cpnp_cpd_change changes[CPNPC_CHANGES_MAX];
	size_t changes_n; /* there may be more than have room */

	bool has_terms; /* it is to be paid for, ... */
	cpnp_terms terms;
	cpnp_bytes payer; /* ... from this account; empty: not known yet */
	char terms_fault[sizeof(cpnp_diag)]; /* they are not to be met */

	/* of an UPDATE that is open: what stands, and what becomes of it */
	bool is_update;
	cpnp_msg standing;
	cpnp_cpd stands;
	cpnp_cpd_change *updates;
	size_t updates_n;
} cpnpc_offer;

/* Read the request and the offer of an order; NULL and CPNP_ERR_NOT_FOUND
 * when none has come.  Views point into the order. */
int cpnpc_offer_new(cpnpc_offer **offer, const cpnp_order *order);
void cpnpc_offer_del(cpnpc_offer *offer);
/* An offer of the right document is not exact with other terms beside it. */
void cpnpc_offer_compare_terms(cpnpc_offer *offer);
/* It grants of every range the preferred value, and the provider explains
 * nothing. */
bool cpnpc_offer_is_preferred(const cpnpc_offer *offer);
/* The price of it; NULL when it names none. */
const cpnp_money *cpnpc_offer_cost(const cpnpc_offer *offer);
/* The same of what an UPDATE would change. */
const cpnp_money *cpnpc_offer_cost_before(const cpnpc_offer *offer);

/* ---- payment (terms.c) -------------------------------------------------- */

/* Read what an offer is to be paid with, and hold it against the price and the
 * time that the service is offered for. */
void cpnpc_terms_read(cpnpc_offer *offer, cpnp_wtime now);
/* The settlement terms of an OFFER that the order has; NOT_FOUND. */
int cpnpc_terms_of(const cpnp_order *order, cpnp_doc doc, cpnp_terms *terms);

/* An authorization, and the escrow that it makes. */
typedef struct cpnpc_payment {
	cpnp_op op; /* views into the authorization */
	uint8_t escrow[CPNP_SHA256_LEN];
} cpnpc_payment;

/* NOT_FOUND when there is none; errors of cpnp_op_decode(). */
int cpnpc_payment_read(cpnpc_payment *payment, cpnp_bytes authorization);

typedef enum cpnpc_verdict {
	CPNPC_VERDICT_ACCEPT,
	CPNPC_VERDICT_DECLINE,
	CPNPC_VERDICT_ASK,
	CPNPC_VERDICT_LEAVE
} cpnpc_verdict;

/* What the settings say to an offer; why gets a sentence fragment. */
#define CPNPC_WHY_LEN 512
cpnpc_verdict cpnpc_offer_judge(const cpnpc_offer *offer, cpnpc_accept accept,
    const cpnpc_price *max_price, char why[CPNPC_WHY_LEN]);

/* ---- output (print.c, json.c) ------------------------------------------- */

/* Text of a peer for a terminal: no control characters, no bidirectional
 * overrides. */
void cpnpc_put_text(FILE *f, cpnp_bytes text);
/* The same, but for the ends of lines and the tabs in their beginning. */
void cpnpc_put_lines(FILE *f, cpnp_bytes text);
#define CPNPC_TIME_LEN 32
/* "2026-11-21 08:30:00 UTC" */
void cpnpc_time_format(cpnp_wtime time, char out[CPNPC_TIME_LEN]);
/* "2 h 5 min" */
void cpnpc_span_format(int64_t seconds, char out[CPNPC_TIME_LEN]);
/* Columns as wide as their longest cell; the first row is the heading. */
typedef struct cpnpc_table cpnpc_table;
cpnpc_table *cpnpc_table_new(size_t columns);
void cpnpc_table_add(cpnpc_table *table, cpnp_bytes text);
/* Print with indent spaces in front and delete; false without memory. */
bool cpnpc_table_print(cpnpc_table *table, FILE *f, int indent);

/* What a set is, and a table of its orders (set_show.c). */
cpnpc_exit cpnpc_set_show(cpnpc *run, const cpnpc_records *records);
/* The set that an order is a member of, for list: "" for none. */
#define CPNPC_SET_NAME_LEN 96
void cpnpc_set_name(const cpnp_store_row *row, char out[CPNPC_SET_NAME_LEN]);
/* Add it to what an order is. */
void cpnpc_set_json(json_t *object, const cpnp_store_row *row);
void cpnpc_print_offer(
    FILE *f, const cpnpc_offer *offer, const cpnp_order *order, cpnp_now now);
/* What it is to be paid with, in it. */
void cpnpc_print_terms(FILE *f, const cpnpc_offer *offer);
/* What was authorized, also for the agreement that an open UPDATE would
 * change. */
void cpnpc_print_payments(FILE *f, const cpnp_order *order);
void cpnpc_print_explanations(
    FILE *f, const cpnp_explanation *list, size_t n, int indent);

/* Print value and its newline to standard output, and delete it. */
void cpnpc_json_print(json_t *value, cpnpc_exit code);
json_t *cpnpc_json_text(cpnp_bytes text);
json_t *cpnpc_json_hex(cpnp_bytes bytes);
json_t *cpnpc_json_time(cpnp_wtime time);
json_t *cpnpc_json_money(const cpnp_money *money);
json_t *cpnpc_json_explanations(const cpnp_explanation *list, size_t n);
/* A service description: its type, and the document as XML. */
json_t *cpnpc_json_service(cpnp_bytes description);
json_t *cpnpc_json_statement(cpnp_bytes statement);
json_t *cpnpc_json_offer(const cpnpc_offer *offer);
json_t *cpnpc_json_terms(const cpnp_terms *terms, cpnp_bytes payer);
/* The authorization in a document of the order, for the OFFER in another; NULL
 * when there is none. */
json_t *cpnpc_json_payment(
    const cpnp_order *order, cpnp_doc offer, cpnp_doc doc);
/* What an order is, and its offer when there is one. */
json_t *cpnpc_json_order(const cpnp_order *order);
/* Every attribute that is present in a message; a broken one gives what was
 * read of it. */
json_t *cpnpc_json_message(const cpnp_msg *msg);
/* A datagram as the verb decode shows it; err gets the codec's verdict. */
json_t *cpnpc_json_datagram(cpnp_bytes datagram, int *err, cpnp_diag *diag);

#endif
