/*
 * A program that takes the decision too, or instead (an OSS): it gets the
 * request as JSON on its standard input and answers in JSON on its standard
 * output, within a deadline.  cpnpd.conf(5) has both forms.
 *
 * The order stays in AwaitingProcessing meanwhile; what the own decision has
 * offered is held for it.  With the answer it is decided again: when that is
 * no longer what the program has seen, it is asked once more.  Nothing of this
 * is in the store, as a restart asks for each decision again.
 *
 *	verdict.c       whom to ask, and what becomes of the answer
 *	decider.c       programs: how many, how long, how much they say
 *	decider_json.c  what is asked, what is answered
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_DECIDER_H
#define CPNPD_DECIDER_H

#include "daemon.h"
#include "decide.h"

/* What a program may answer, in bytes. */
#define CPNPD_ANSWER_MAX (512 * 1024)
/* Lines that it says on its standard error and that are logged. */
#define CPNPD_ANSWER_LINES_MAX 20

typedef enum cpnpd_answer_kind {
	CPNPD_ANSWER_NONE = 0, /* it failed; why says how */
	CPNPD_ANSWER_OFFER,
	CPNPD_ANSWER_REFUSE,
	CPNPD_ANSWER_ESCALATE
} cpnpd_answer_kind;

/* Views live until _fini(). */
typedef struct cpnpd_answer {
	cpnpd_answer_kind kind;
	char why[256];      /* of NONE; else what it gives as its reason */
	cpnp_status status; /* of REFUSE */
	cpnp_told told;     /* of OFFER; token and exponent are not set */
	bool has_money;
	cpnp_conf_money money;
	cpnp_explanation explanations[CPNP_EXPLANATIONS_MAX];
	size_t explanations_n;
	struct json_t *json;
	uint8_t *service;
} cpnpd_answer;

/* decider.c */
int cpnpd_decider_init(struct daemon *d);
void cpnpd_decider_fini(struct daemon *d);
/* Ask about an order; seen is what was decided so far, text the request, which
 * is copied. */
void cpnpd_decider_ask(struct daemon *d, cpnp_order *order,
    cpnp_method method, const uint8_t seen[CPNP_SHA256_LEN], const char *text,
    cpnp_now now);
/* Nobody wants to know any more. */
void cpnpd_decider_over(struct daemon *d, cpnp_order *order);
/* Orders about which a program is asked or is to be. */
size_t cpnpd_decider_count(const struct daemon *d);

/* decider_json.c */
/* What is asked; free() it, NULL without memory.  decision is NULL when there
 * is no own one. */
char *cpnpd_decider_question(const struct daemon *d, const cpnp_order *order,
    const cpnp_msg *request, const cpnp_decision *decision);
/* Read what was answered; kind NONE says what is wrong with it. */
void cpnpd_answer_parse(cpnpd_answer *answer, cpnp_bytes text);
void cpnpd_answer_fini(cpnpd_answer *answer);

/* verdict.c: a program has answered, or failed to. */
void cpnpd_answered(struct daemon *d, cpnp_order *order, cpnp_method method,
    const uint8_t seen[CPNP_SHA256_LEN], const cpnpd_answer *answer,
    cpnp_now now);

#endif
