/*
 * Requests of cpnpctl(8), as they come over the control socket: one line, one
 * JSON object, "verb" and the members that the verb knows.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CTL_REQUEST_H
#define CPNPD_CTL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request is no longer, with its newline. */
#define CPNP_CTL_REQUEST_MAX 8192
/* A text in it is no longer. */
#define CPNP_CTL_TEXT_MAX 1024

/* Members.  X(NAME, name) */
#define CPNP_CTL_MEMBER_MAP(X)                                                 \
	X(ORDER, "order")                                                      \
	X(CUSTOMER, "customer")                                                \
	X(STATE, "state")                                                      \
	X(LEVEL, "level")                                                      \
	X(FILE, "file")                                                        \
	X(OPEN, "open")                                                        \
	X(OFF, "off")                                                          \
	X(FOLLOW, "follow")                                                    \
	X(FROM, "from")                                                        \
	X(LIMIT, "limit")                                                      \
	X(COST, "cost")                                                        \
	X(VALIDITY, "validity")                                                \
	X(SERVICE, "service")                                                  \
	X(STATUS_CODE, "status")                                               \
	X(REASON, "reason")                                                    \
	X(WAIT, "wait")                                                        \
	X(ACCEPT_LOSS, "accept_loss")

typedef enum cpnp_ctl_member {
#define X(NAME, text) CPNP_CTL_##NAME,
	CPNP_CTL_MEMBER_MAP(X)
#undef X
	CPNP_CTL_MEMBER_END
} cpnp_ctl_member;

#define CPNP_CTL_BIT(member) (1u << (member))

/* X(NAME, name, members that must be there, members that may be) */
#define CPNP_CTL_VERB_MAP(X)                                                   \
	X(STATUS, "status", 0, 0)                                              \
	X(ORDERS, "orders", 0,                                                 \
	    CPNP_CTL_BIT(CPNP_CTL_CUSTOMER) | CPNP_CTL_BIT(CPNP_CTL_STATE) |   \
		CPNP_CTL_BIT(CPNP_CTL_OPEN))                                   \
	X(SHOW, "show", CPNP_CTL_BIT(CPNP_CTL_ORDER),                          \
	    CPNP_CTL_BIT(CPNP_CTL_CUSTOMER))                                   \
	X(CUSTOMERS, "customers", 0, 0)                                        \
	X(COUNTERS, "counters", 0, 0)                                          \
	X(EVENTS, "events", 0,                                                 \
	    CPNP_CTL_BIT(CPNP_CTL_FOLLOW) | CPNP_CTL_BIT(CPNP_CTL_FROM) |      \
		CPNP_CTL_BIT(CPNP_CTL_LIMIT))                                  \
	X(PENDING, "pending", 0, CPNP_CTL_BIT(CPNP_CTL_CUSTOMER))              \
	X(APPROVE, "approve", CPNP_CTL_BIT(CPNP_CTL_ORDER),                    \
	    CPNP_CTL_BIT(CPNP_CTL_CUSTOMER) | CPNP_CTL_BIT(CPNP_CTL_COST) |    \
		CPNP_CTL_BIT(CPNP_CTL_VALIDITY) |                              \
		CPNP_CTL_BIT(CPNP_CTL_SERVICE) | CPNP_CTL_BIT(CPNP_CTL_WAIT))  \
	X(REJECT, "reject", CPNP_CTL_BIT(CPNP_CTL_ORDER),                      \
	    CPNP_CTL_BIT(CPNP_CTL_CUSTOMER) |                                  \
		CPNP_CTL_BIT(CPNP_CTL_STATUS_CODE) |                           \
		CPNP_CTL_BIT(CPNP_CTL_REASON) | CPNP_CTL_BIT(CPNP_CTL_WAIT))   \
	X(ACTIVATE, "activate", CPNP_CTL_BIT(CPNP_CTL_ORDER),                  \
	    CPNP_CTL_BIT(CPNP_CTL_CUSTOMER))                                   \
	X(DEACTIVATE, "deactivate", CPNP_CTL_BIT(CPNP_CTL_ORDER),              \
	    CPNP_CTL_BIT(CPNP_CTL_CUSTOMER))                                   \
	X(LOG, "log", CPNP_CTL_BIT(CPNP_CTL_LEVEL), 0)                         \
	X(DRAIN, "drain", 0, CPNP_CTL_BIT(CPNP_CTL_OFF))                       \
	X(RELOAD, "reload", 0, 0)                                              \
	X(STOP, "stop", 0, 0)                                                  \
	X(BACKUP, "backup", CPNP_CTL_BIT(CPNP_CTL_FILE), 0)                    \
	X(RESUME, "resume-after-restore",                                      \
	    CPNP_CTL_BIT(CPNP_CTL_ACCEPT_LOSS), 0)

typedef enum cpnp_ctl_verb {
#define X(NAME, text, must, may) CPNP_CTL_VERB_##NAME,
	CPNP_CTL_VERB_MAP(X)
#undef X
	CPNP_CTL_VERB_END
} cpnp_ctl_verb;

typedef struct cpnp_ctl_request {
	cpnp_ctl_verb verb;
	unsigned present; /* CPNP_CTL_BIT() of the members that were there */
	char order[CPNP_CTL_TEXT_MAX + 1];
	char customer[CPNP_CTL_TEXT_MAX + 1];
	char state[CPNP_CTL_TEXT_MAX + 1];
	char level[CPNP_CTL_TEXT_MAX + 1];
	char file[CPNP_CTL_TEXT_MAX + 1];
	char cost[CPNP_CTL_TEXT_MAX + 1];
	char validity[CPNP_CTL_TEXT_MAX + 1];
	char service[CPNP_CTL_TEXT_MAX + 1];
	char status[CPNP_CTL_TEXT_MAX + 1];
	char reason[CPNP_CTL_TEXT_MAX + 1];
	bool open;
	bool off;
	bool follow;
	bool accept_loss;
	uint64_t from;
	uint64_t limit;
	uint64_t wait;
} cpnp_ctl_request;

/* Read one line, without its newline.  False: why says what is wrong and what
 * would be right. */
bool cpnp_ctl_parse(cpnp_ctl_request *request, const char *line, size_t len,
    char *why, size_t size);
const char *cpnp_ctl_verb_name(cpnp_ctl_verb verb);

#endif
