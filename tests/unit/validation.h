/*
 * The validation tables of RFC 8921, 10 (Tables 5 and 6), and of draft-02,
 * 10.1 and 10.2, as data: which message finds the order in which state, the
 * one thing that is wrong with it, and what comes of it in either edition.
 *
 * A message that is refused changes nothing: the saved order, its documents
 * and the store are compared.  What is discarded silently sends nothing; what
 * is answered with a FAIL that speaks for no order names no more of it than
 * the message itself did.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_VALIDATION_H
#define TESTS_VALIDATION_H

#include "../peer/peer.h"
#include "unit_loop.h"

/* The one thing that is wrong. */
#define VALIDATION_WRONG_MAP(X)                                                \
	X(RIGHT, "nothing wrong")                                              \
	X(ADDRESS, "another transport address")                                \
	X(IDENTITY, "another authenticated sender")                            \
	X(FORBIDDEN, "a sender that may not order")                            \
	X(TRANSACTION, "another Transaction-ID")                               \
	X(CUSTOMER, "another Customer Order Identifier")                       \
	X(PROVIDER, "another Provider Order Identifier")                       \
	X(SWAPPED, "the order identifiers swapped")                            \
	X(NONCE, "another Nonce")                                              \
	X(NONCE_LONGER, "the Nonce and a byte more")                           \
	X(NO_NONCE, "no Nonce")                                                \
	X(NO_NONCE_PROVIDER, "no Nonce and another Provider Order Identifier") \
	X(SERVICE, "another CPD")                                              \
	X(EMPTY, "the empty CPD")                                              \
	X(REQUESTED, "the requested CPD")                                      \
	X(COST, "another COST")                                                \
	X(ACTIVATION, "an ACTIVATION_TYPE that was not offered")               \
	X(EDITION, "the other edition")                                        \
	X(LOWER, "a lower SEQUENCE_NUMBER")                                    \
	X(EQUAL, "an equal SEQUENCE_NUMBER and other bytes")                   \
	X(COOKIE, "a cookie to be sent back")                                  \
	X(LATER, "a later expected offer time")

enum validation_wrong {
#define X(NAME, text) WRONG_##NAME,
	VALIDATION_WRONG_MAP(X)
#undef X
	WRONG_END
};

/*
 * states: the situations of the order in which it comes, of
 *
 *	client	CR PS SP OP AS CO  the states of RFC 8921, 8.11.1
 *		CA CD CS	   Cancelled: outstanding after CANCEL, after
 *				   DECLINE; settled
 *		WD EN		   WITHDRAW outstanding; acknowledged
 *		AO AG		   ACTIVATE outstanding; acknowledged
 *		UP US UO UA UC	   UPDATE: PQOSent, ServerProcessing,
 *				   OfferProcessing, AcceptSent; agreed
 *	server	-- AW OF PC AR CO CA  no order; the states of 8.11.2
 *		MT		   AwaitingProcessing, more time asked for
 *		EN		   ended by WITHDRAW
 *		AO AG		   ACTIVATE to be decided; granted
 *		US UO UC	   UPDATE: AwaitingProcessing,
 *				   ProcessingReceived; agreed
 *
 * outcome, of draft-02 and of RFC 8921: what peer_outcome() says, where "x"
 * is a silent discard and "!" marks a FAIL that speaks for no order, "+" behind
 * it that the order remembers what it answered; NULL: the edition has no such
 * thing.
 */
struct validation {
	const char *section;
	cpnp_method method;
	const char *states;
	enum validation_wrong wrong;
	const char *outcome[2];
};

#define BOTH(outcome)                                                          \
	{                                                                      \
		outcome, outcome                                               \
	}
#define DRAFT02(outcome)                                                       \
	{                                                                      \
		outcome, NULL                                                  \
	}
#define RFC8921(outcome)                                                       \
	{                                                                      \
		NULL, outcome                                                  \
	}

/* Bring order "o1" of a side into a situation. */
void validation_reach(struct pair *pair, cpnp_edition edition, bool is_server,
    const char *situation);
/* A row in each of its states and editions. */
void validation_check(const struct validation *v, bool is_server);

#endif
