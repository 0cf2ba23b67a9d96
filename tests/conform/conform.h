/*
 * What the clauses are made of.  A clause is a function that talks to the
 * server and returns true when it did what the text says; helpers return
 * false with the reason set, so that a clause is mostly one conjunction.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CONFORM_CONFORM_H
#define CONFORM_CONFORM_H

#include <stdio.h>

#include "link.h"
#include "message.h"

#define ORDERS_MAX 8
#define DETAIL_MAX 600

struct trial;

enum {
	NEEDS_UDP = 1,    /* it is about addresses that are not proved */
	NEEDS_SLOW = 2,   /* it waits for a timer of the server */
	NEEDS_OTHER = 4,  /* it needs a second customer */
	NEEDS_BUILT_IN = 8 /* it needs another document than one of --cpd */
};

/* An edition that has no id for a clause does not have the clause. */
struct clause {
	const char *id[2]; /* by edition */
	const char *title;
	bool (*run)(struct trial *t);
	unsigned needs;
};

struct clause_group {
	const struct clause *clauses;
	size_t n;
};

extern const struct clause_group form_clauses, value_clauses, cookie_clauses,
    part_clauses, order_clauses, check_clauses, number_clauses,
    agreement_clauses;

/* One order of the client that this program plays. */
struct order {
	struct link *link;
	uint8_t tid[16];
	char cid[65];
	uint32_t number;    /* the newest that was used */
	bool cancellable;   /* the server may know it as open */
	bool is_completed;
	bool has_processing, has_offer;
	struct msg processing, offer, ack;
	struct bytes request; /* the newest that was sent */
};

struct options {
	struct link_config link;
	int timeout_ms; /* for an answer */
	int quiet_ms;   /* that is long enough to call it silence */
	bool slow;
	struct bytes cpd, cpd_update; /* service descriptions */
	bool built_in;
	uint64_t seed;
};

enum verdict { PASSED, FAILED, SKIPPED };

struct trial {
	const struct options *options;
	const struct clause *clause;
	enum edition edition;
	uint64_t random;
	struct link *link[WHO_END]; /* opened when first asked for */
	struct link *extra[2];      /* closed after the clause */
	struct order orders[ORDERS_MAX];
	size_t orders_n;
	enum verdict verdict;
	char detail[DETAIL_MAX];
	/* room for what the helpers build and read */
	struct draft draft;
	struct msg msg;
	struct bytes out, in;
	bool cookie_asked; /* the newest exchange had to show a cookie */
	bool malformed;    /* an answer may lack the identifiers */
};

/* ---- results ------------------------------------------------------------ */

/* Both return false; the first reason stays. */
bool fails(struct trial *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool skips(struct trial *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A message was not what it should be. */
bool fails_msg(struct trial *t, const char *expected, const struct msg *got);

/* ---- links and orders --------------------------------------------------- */

/* The link of every clause, proved; NULL with the reason. */
struct link *trial_link(struct trial *t, enum who who);
/* One of the clause's own, from a fresh port. */
struct link *trial_link_new(struct trial *t, enum who who);
void trial_end(struct trial *t);

void fill_random(struct trial *t, void *bytes, size_t n);
/* A new one, not sent; NULL when something fails. */
struct order *order_new(struct trial *t);
struct order *order_new_on(struct trial *t, struct link *link);
/* What the built-in document asks for; the capacity in bit/s. */
void cpd_write(struct bytes *out, uint64_t rate, bool is_explicit);

/* A message of that order in t->draft, with the attributes that its method
 * must have, and the next number. */
struct draft *order_draft(
    struct trial *t, struct order *o, enum method method);
/* Number the draft once more. */
void order_number(struct trial *t, struct order *o);
/* A transaction of its own on an agreement: new id and numbers. */
void order_new_transaction(struct trial *t, struct order *o);

/* ---- exchanges ---------------------------------------------------------- */

#define BIT(method) (1u << (method))

/*
 * Send t->out on the order's link and wait for one of the wanted methods, in
 * t->msg; the same bytes are sent again while nothing comes, and with a
 * COOKIE when it is asked for.  PROCESSING and OFFER that are not wanted are
 * passed over, what else comes is a failure.
 */
bool exchange(struct trial *t, struct order *o, unsigned wanted);
/* Write t->draft to t->out and exchange it. */
bool exchange_draft(struct trial *t, struct order *o, unsigned wanted);
/* Send t->out once; nothing may come but what was sent before. */
bool expect_silence(struct trial *t, struct order *o);
bool expect_silence_draft(struct trial *t, struct order *o);
/* Send t->out, which is malformed: FAIL 1 or nothing. */
bool expect_refused(struct trial *t, struct order *o);
bool expect_refused_draft(struct trial *t, struct order *o);
/* Send the draft: FAIL with that status. */
bool expect_fail_draft(struct trial *t, struct order *o, uint64_t status);
/* The next message of the order that came by itself, in t->msg. */
bool await(struct trial *t, struct order *o, unsigned wanted, int ms);
/* The server still answers: it knows no such order as the one named. */
bool expect_alive(struct trial *t);

/* QUOTATION to OFFER, which is kept in the order. */
bool order_quote(struct trial *t, struct order *o);
/* The same with the QUOTATION in t->draft. */
bool order_quote_draft(struct trial *t, struct order *o);
/* PROCESSING of the client: the OFFER has come. */
bool order_processing(struct trial *t, struct order *o);
/* ACCEPT and its ACK, kept in the order. */
bool order_accept(struct trial *t, struct order *o);
/* QUOTATION to ACK. */
bool order_complete(struct trial *t, struct order *o);
bool order_cancel(struct trial *t, struct order *o);
bool order_withdraw(struct trial *t, struct order *o);

bool is_empty_service(struct span service);

#endif
