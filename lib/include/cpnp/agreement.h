/*
 * What was agreed, and the statements about it.
 *
 * An agreement in the internal model, the same in both editions, encoded as
 * deterministic CBOR; its SHA-256 is the order digest.  A statement is a
 * small deterministic CBOR map about an order, without personal data; three
 * of them (OFFER, ACCEPT, ACK) are signed and travel in messages, the others
 * are leaves of the journal only.  Formats: cpnp-wire(7).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_AGREEMENT_H
#define CPNP_AGREEMENT_H

#include <cpnp/message.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CPNP_IDENTITY_MAX 255 /* dNSName, rfc822Name, URI or configured name */

/*
 * An agreement, or the offer of one.  Keys on the wire of the proof, in this
 * order: 1 client identity, 2 provider identity (texts), 3 customer order
 * identifier, 4 provider order identifier (texts), 5 transaction id, 6 nonce,
 * 7 service description (byte strings), 8 cost, 9 validity (seconds), 10
 * activation type, 11 activation schedule, 12 settlement terms, 13 purpose.
 * 8 and 10 to 13 are left out when absent.
 */
typedef struct cpnp_agreement {
	cpnp_bytes client;
	cpnp_bytes provider;
	cpnp_bytes customer_order_id;
	cpnp_bytes provider_order_id;
	cpnp_bytes transaction_id;
	cpnp_bytes nonce;
	cpnp_bytes service_description;
	bool has_cost;
	cpnp_money cost;
	cpnp_wtime validity;
	bool has_activation_type;
	cpnp_activation_type activation_type;
	bool has_activation_schedule;
	cpnp_schedule activation_schedule;
	cpnp_bytes settlement_terms; /* raw item, empty when absent */
	cpnp_purpose purpose;        /* NONE when absent */
} cpnp_agreement;

/* The largest encoding of an agreement. */
#define CPNP_AGREEMENT_MAX 139264

/* The agreement that an OFFER or ACCEPT speaks of, between two identities.
 * Views into msg.  An ACCEPT carries no VALIDITY_OFFER_TIME (RFC 8921, 9.2.4):
 * validity is then 0 and the caller sets it from the OFFER.
 * CPNP_ERR_INVALID when msg is another method. */
CPNP_API int cpnp_agreement_from_msg(cpnp_agreement *agreement,
    const cpnp_msg *msg, cpnp_bytes client, cpnp_bytes provider);
CPNP_API int cpnp_agreement_encode(
    const cpnp_agreement *agreement, cpnp_buf *buf);
CPNP_API int cpnp_agreement_decode(
    cpnp_agreement *agreement, cpnp_bytes bytes, cpnp_diag *diag);
/* The order digest. */
CPNP_API int cpnp_agreement_digest(const cpnp_agreement *agreement,
    const cpnp_env *env, uint8_t digest[CPNP_SHA256_LEN]);

/*
 * The opening of an order reference: who ordered under which identifier.
 * Its SHA-256 is the reference by which statements name an order; the first
 * transaction id, 128 random bits, salts it.  Encoding: the array [client
 * identity, provider identity, customer order identifier, transaction id].
 */
typedef struct cpnp_order_opening {
	cpnp_bytes client;
	cpnp_bytes provider;
	cpnp_bytes customer_order_id;
	cpnp_bytes transaction_id; /* of the QUOTATION */
} cpnp_order_opening;

CPNP_API int cpnp_order_opening_encode(
    const cpnp_order_opening *opening, cpnp_buf *buf);
CPNP_API int cpnp_order_opening_decode(
    cpnp_order_opening *opening, cpnp_bytes bytes);
CPNP_API int cpnp_order_opening_digest(const cpnp_order_opening *opening,
    const cpnp_env *env, uint8_t digest[CPNP_SHA256_LEN]);

typedef enum cpnp_statement_type {
	CPNP_STATEMENT_STATE = 1, /* a change of state; not signed by itself */
	CPNP_STATEMENT_OFFER = 2,
	CPNP_STATEMENT_ACCEPT = 3,
	CPNP_STATEMENT_ACK = 4,
	CPNP_STATEMENT_KEY = 5 /* a change of journal key; see ledger.h */
} cpnp_statement_type;

/* "OFFER"; "?" for another number. */
CPNP_API const char *cpnp_statement_type_name(cpnp_statement_type type);

/*
 * Keys: 1 type, 2 order reference, 3 time (seconds), 4 order digest, 5 SHA-256
 * of the signed statement that this one answers (ACCEPT: the OFFER; ACK: the
 * ACCEPT), 6 role (0 client, 1 server), 7 state before, 8 state after, 9
 * event, 10 validity of the offer (OFFER only).  A signed statement has 1 to
 * 5 and 10; a STATE has 1 to 3, 6 to 9, and 4 when an offer exists.  States
 * and events are the numbers of <cpnp/order.h>, which never change meaning.
 */
typedef struct cpnp_statement {
	cpnp_statement_type type;
	uint8_t order_ref[CPNP_SHA256_LEN];
	cpnp_wtime time;
	bool has_digest;
	uint8_t digest[CPNP_SHA256_LEN];
	bool has_answers;
	uint8_t answers[CPNP_SHA256_LEN];
	uint8_t role;
	uint8_t from_state;
	uint8_t to_state;
	uint8_t event;
	cpnp_wtime validity;
} cpnp_statement;

/* A KEY statement has keys of its own, which <cpnp/ledger.h> reads and writes;
 * the two functions below refuse it. */

#define CPNP_STATEMENT_PAYLOAD_MAX 160

CPNP_API int cpnp_statement_encode(
    const cpnp_statement *statement, cpnp_buf *buf);
CPNP_API int cpnp_statement_decode(
    cpnp_statement *statement, cpnp_bytes payload, cpnp_diag *diag);

/* The payload of a signed statement: the byte string inside COSE_Sign1, tag
 * 18.  Checks the form, not the signature.  The view points into signed. */
CPNP_API int cpnp_statement_payload(cpnp_bytes signed_statement,
    cpnp_bytes *payload);

#ifdef __cplusplus
}
#endif

#endif
