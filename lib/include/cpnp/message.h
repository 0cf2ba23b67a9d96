/*
 * Messages: one internal model, with the names of RFC 8921, for both editions
 * of the protocol.  A message on the wire is one deterministic CBOR item
 *
 *     [version, method, {attribute code => value}]
 *
 * described by schemas/cpnp.cddl and cpnp-wire(7).  Which attribute a method
 * carries in which edition is said in one place, the grammar table, which
 * cpnp_grammar() shows.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_MESSAGE_H
#define CPNP_MESSAGE_H

#include <cpnp/cbor.h>
#include <cpnp/error.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* VERSION: RFC 8921, section 9.2 fixes 1; draft-02 gives no number, we use
 * 0 (contradictions.md, 24). */
typedef enum cpnp_edition {
	CPNP_EDITION_DRAFT02 = 0,
	CPNP_EDITION_RFC8921 = 1
} cpnp_edition;

#define CPNP_PORT 49920      /* plain UDP; no port is assigned */
#define CPNP_PORT_DTLS 49921 /* DTLS */

/* RFC 8921, section 9.2, Table 1, and PARTS, which carries a part of a message
 * that does not fit in a datagram (<cpnp/parts.h>).  X(NAME, code, rfc8921
 * name, draft-02 name, rfc section, draft section); an absent method has
 * NULL. */
#define CPNP_METHOD_MAP(X)                                                     \
	X(PARTS, 0, "PARTS", "PARTS", "", "")                                  \
	X(QUOTATION, 1, "QUOTATION", "PROVISION", "9.2.1", "9.2.1")            \
	X(PROCESSING, 2, "PROCESSING", "PROCESSING", "9.2.2", "9.2.2")         \
	X(OFFER, 3, "OFFER", "OFFER", "9.2.3", "9.2.3")                        \
	X(ACCEPT, 4, "ACCEPT", "ACCEPT", "9.2.4", "9.2.4")                     \
	X(DECLINE, 5, "DECLINE", "DECLINE", "9.2.5", "9.2.6")                  \
	X(ACK, 6, "ACK", "ACK", "9.2.6", "9.2.5")                              \
	X(CANCEL, 7, "CANCEL", "CANCEL", "9.2.7", "9.2.7")                     \
	X(WITHDRAW, 8, "WITHDRAW", "WITHDRAW", "9.2.8", "9.2.8")               \
	X(UPDATE, 9, "UPDATE", "UPDATE", "9.2.9", "9.2.9")                     \
	X(FAIL, 10, "FAIL", "FAIL", "9.2.10", "9.2.10")                        \
	X(ACTIVATE, 11, "ACTIVATE", NULL, "9.2.11", NULL)

typedef enum cpnp_method {
#define CPNP_METHOD_ENUM(NAME, code, rfc, d02, s1, s2) \
	CPNP_METHOD_##NAME = code,
	CPNP_METHOD_MAP(CPNP_METHOD_ENUM)
#undef CPNP_METHOD_ENUM
	CPNP_METHOD_END /* one more than the largest */
} cpnp_method;

/*
 * The registry of attributes.  The sign of a code tells a receiver what to do
 * with one that it does not know: a code from 0 up must be understood, else
 * the message fails validation (FAIL 1); a negative code is ignored.
 * 65536 and up, and -65536 and down, are for private use.
 *
 * X(NAME, code, rfc8921 name, draft-02 name, section of RFC 8921 or "")
 */
#define CPNP_ATTR_MAP(X)                                                       \
	X(SEQUENCE_NUMBER, 1, "SEQUENCE_NUMBER", NULL, "9.1.4")                \
	X(TRANSACTION_ID, 2, "TRANSACTION_ID", "TRANSACTION_ID", "9.1.3")      \
	X(CUSTOMER_ORDER_ID, 3, "CUSTOMER_ORDER_IDENTIFIER",                   \
	    "CUSTOMER_ORDER_IDENTIFIER", "9.1.1")                              \
	X(PROVIDER_ORDER_ID, 4, "PROVIDER_ORDER_IDENTIFIER",                   \
	    "PROVIDER_ORDER_IDENTIFIER", "9.1.2")                              \
	X(NONCE, 5, "NONCE", "NONCE", "9.1.5")                                 \
	X(EXPECTED_RESPONSE_TIME, 6, "EXPECTED_RESPONSE_TIME",                 \
	    "EXPECTED_RESPONSE_DATE", "9.1.6")                                 \
	X(EXPECTED_OFFER_TIME, 7, "EXPECTED_OFFER_TIME",                       \
	    "EXPECTED_OFFER_DATE", "9.1.7")                                    \
	X(VALIDITY_OFFER_TIME, 8, "VALIDITY_OFFER_TIME", "VALIDITY_DATE",      \
	    "9.1.8")                                                           \
	X(SERVICE_DESCRIPTION, 9, "SERVICE_DESCRIPTION",                       \
	    "CONNECTIVITY_PROVISIONING_DOCUMENT", "9.1.9")                     \
	X(PROCESSING_SUBCODE, 10, "PROCESSING_SUBCODE", NULL, "9.2.2")         \
	X(REASON, 11, "REASON", NULL, "9.2.5")                                 \
	X(STATUS_CODE, 12, "STATUS_CODE", "STATUS_CODE", "9.2.10")             \
	X(ACTIVATION_TYPE, 13, "ACTIVATION_TYPE", "ACTIVATION_TYPE",           \
	    "9.1.10.3")                                                        \
	X(ACTIVATION_SCHEDULE, 14, "ACTIVATION_SCHEDULE",                      \
	    "ACTIVATION_SCHEDULE", "9.2.11")                                   \
	X(CUSTOMER_DESCRIPTION, 15, "Customer Description",                    \
	    "Customer Description", "9.1.10.1")                                \
	X(PROVIDER_DESCRIPTION, 16, "Provider Description",                    \
	    "Provider Description", "9.1.10.2")                                \
	X(NEGOTIATION_OPTIONS, 17, "Negotiation Options",                      \
	    "Negotiation Options", "9.1.10.3")                                 \
	X(TOTAL_LENGTH, 18, "TOTAL_LENGTH", "TOTAL_LENGTH", "")                \
	X(MESSAGE_DIGEST, 19, "MESSAGE_DIGEST", "MESSAGE_DIGEST", "")          \
	X(PART_OFFSET, 20, "PART_OFFSET", "PART_OFFSET", "")                   \
	X(PART, 21, "PART", "PART", "")                                        \
	X(PARTS_HELD, 22, "PARTS_HELD", "PARTS_HELD", "")                      \
	X(COOKIE, -1, "COOKIE", "COOKIE", "")                                  \
	X(EXPLANATION, -2, "EXPLANATION", "EXPLANATION", "")                   \
	X(STATEMENT, -3, "STATEMENT", "STATEMENT", "")                         \
	X(RECEIPT, -4, "RECEIPT", "RECEIPT", "")                               \
	X(SETTLEMENT_TERMS, -5, "SETTLEMENT_TERMS", "SETTLEMENT_TERMS", "")    \
	X(PAYMENT_AUTHORIZATION, -6, "PAYMENT_AUTHORIZATION",                  \
	    "PAYMENT_AUTHORIZATION", "")                                       \
	X(COMMIT_SET, -7, "COMMIT_SET", "COMMIT_SET", "")                      \
	X(PATH_MARKS, -8, "PATH_MARKS", "PATH_MARKS", "")                      \
	X(HOP_LIMIT, -9, "HOP_LIMIT", "HOP_LIMIT", "")                         \
	X(ORDER_PROGRESS, -10, "ORDER_PROGRESS", "ORDER_PROGRESS", "")

/* Index of an attribute in tables and presence sets (not its wire code). */
typedef enum cpnp_attr {
#define CPNP_ATTR_ENUM(NAME, code, rfc, d02, sect) CPNP_ATTR_##NAME,
	CPNP_ATTR_MAP(CPNP_ATTR_ENUM)
#undef CPNP_ATTR_ENUM
	CPNP_ATTR_END
} cpnp_attr;

#define CPNP_ATTR_BIT(attr) ((uint64_t)1 << (attr))

/* Whether an attribute stands in a message. */
typedef enum cpnp_presence {
	CPNP_ABSENT = 0,
	CPNP_OPTIONAL,
	CPNP_MANDATORY
} cpnp_presence;

/*
 * The grammar table: may attr stand in method in edition?  A method that the
 * edition lacks has every attribute absent, and cpnp_method_exists() is false.
 * Repetition is within a value (REASON and PATH_MARKS are lists), never a
 * second key.
 */
CPNP_API cpnp_presence cpnp_grammar(
    cpnp_edition edition, cpnp_method method, cpnp_attr attr);
CPNP_API bool cpnp_method_exists(cpnp_edition edition, int method);
/* Names in an edition; "?" for what does not exist. */
CPNP_API const char *cpnp_method_name(cpnp_edition edition, int method);
CPNP_API const char *cpnp_attr_name(cpnp_edition edition, cpnp_attr attr);
CPNP_API int32_t cpnp_attr_code(cpnp_attr attr);
/* "draft-02" or "rfc8921", and back (CPNP_ERR_INVALID for another text). */
CPNP_API const char *cpnp_edition_name(cpnp_edition edition);
CPNP_API int cpnp_edition_parse(const char *text, cpnp_edition *edition);

/* Size limits; each has a test that hits it. */
#define CPNP_MSG_MAX 131072         /* one message, in bytes; that is a service
				       description of CPNP_CPD_MAX and as much
				       beside it */
#define CPNP_DATAGRAM_MAX 16384     /* what a datagram carries of it; what is
				       longer goes in parts */
#define CPNP_PART_BLOCK 256         /* parts are of whole blocks of so many
				       bytes, but for the end of a message */
#define CPNP_PARTS_HELD_MAX (CPNP_MSG_MAX / CPNP_PART_BLOCK / 8)
#define CPNP_ORDER_ID_MAX 64        /* printable ASCII 0x21-0x7e, at least 1 */
#define CPNP_TRANSACTION_ID_MIN 8   /* bytes; we send 16 */
#define CPNP_TRANSACTION_ID_MAX 32
#define CPNP_NONCE_MIN 16
#define CPNP_NONCE_MAX 32
#define CPNP_REASONS_MAX 8
#define CPNP_COOKIE_MAX 32
#define CPNP_TEXT_MAX 255           /* names, addresses, explanations */
#define CPNP_TELEPHONES_MAX 8
#define CPNP_EXPLANATIONS_MAX 16
#define CPNP_STATEMENT_MAX 4096
#define CPNP_RECEIPT_MAX 4096
#define CPNP_PATH_MARKS_MAX 64
#define CPNP_PATH_MARK_MAX 32
#define CPNP_EXTENSION_MAX 4096     /* any other extension attribute */
#define CPNP_ATTRS_MAX 64           /* attributes in one message, and entries
				       in a map within one; unknown ones
				       included */

/*
 * STATUS_CODE, one internal list (contradictions.md, 7).
 * X(NAME, internal value, rfc8921 code, draft-02 code, text); code 0: the
 * edition has none and sends that of FALLBACK in the table of the codec
 * (AUTHORIZATION_FAILED -> ADMINISTRATIVELY_PROHIBITED,
 * MORE_TIME_REJECTED and UNSUPPORTED_ACTIVATION_TYPE -> MESSAGE_VALIDATION).
 */
#define CPNP_STATUS_MAP(X)                                                     \
	X(MESSAGE_VALIDATION, 1, 1, 1, "Message Validation Error")             \
	X(AUTHENTICATION_REQUIRED, 2, 2, 2, "Authentication Required")         \
	X(AUTHORIZATION_FAILED, 3, 3, 0, "Authorization Failed")               \
	X(ADMINISTRATIVELY_PROHIBITED, 4, 4, 3, "Administratively prohibited") \
	X(OUT_OF_RESOURCES, 5, 5, 4, "Out of Resources")                       \
	X(NETWORK_PRESENCE, 6, 6, 5, "Network Presence Error")                 \
	X(MORE_TIME_REJECTED, 7, 7, 0, "More Time Rejected")                   \
	X(UNSUPPORTED_ACTIVATION_TYPE, 8, 8, 0, "Unsupported Activation Type")

typedef enum cpnp_status {
	CPNP_STATUS_NONE = 0,
#define CPNP_STATUS_ENUM(NAME, value, rfc, d02, text) \
	CPNP_STATUS_##NAME = value,
	CPNP_STATUS_MAP(CPNP_STATUS_ENUM)
#undef CPNP_STATUS_ENUM
} cpnp_status;

CPNP_API const char *cpnp_status_text(cpnp_status status);
/* The status that answers a PEER error; MESSAGE_VALIDATION for most. */
CPNP_API cpnp_status cpnp_error_status(int err);

/* DECLINE reasons, RFC 8921, Table 3. */
typedef enum cpnp_reason {
	CPNP_REASON_UNACCEPTABLE_GAP = 1,
	CPNP_REASON_CONFLICT = 2,
	CPNP_REASON_ACTIVATION_TYPE = 3
} cpnp_reason;

/* PROCESSING_SUBCODE, RFC 8921, Table 2. */
typedef enum cpnp_subcode {
	CPNP_SUBCODE_NONE = 0,
	CPNP_SUBCODE_LOCAL_UPGRADE = 1,
	CPNP_SUBCODE_EXTERNAL_RESOURCES = 2
} cpnp_subcode;

/* ACTIVATION_TYPE (contradictions.md, 15). */
typedef enum cpnp_activation_type {
	CPNP_ACTIVATION_PERMANENT = 1,
	CPNP_ACTIVATION_SCHEDULED = 2
} cpnp_activation_type;

/*
 * ACTIVATION_SCHEDULE (contradictions.md, 15): the integer 0 (deactivate), or
 * an array of start and optional end; an absent start (null) means now.
 */
typedef struct cpnp_schedule {
	bool deactivate; /* the integer 0; the rest is then unused */
	bool has_start;
	bool has_end;
	cpnp_wtime start;
	cpnp_wtime end; /* later than start */
} cpnp_schedule;

/* PURPOSE in Negotiation Options. */
typedef enum cpnp_purpose {
	CPNP_PURPOSE_NONE = 0,
	CPNP_PURPOSE_PERMANENT = 1,
	CPNP_PURPOSE_TEST = 2
} cpnp_purpose;

/* Negotiation Options (RFC 8921, 9.1.10.3; draft-02, 9.1.9.3;
 * contradictions.md, 23 and 26). */
typedef struct cpnp_negotiation_options {
	bool has_cost;   /* COST is there ... */
	bool cost_empty; /* ... and asks for the cost, without naming one */
	cpnp_money cost; /* preferred in a request, binding in an OFFER */
	cpnp_purpose purpose;
	bool no_recursion;
} cpnp_negotiation_options;

/* Contact Information, with the name and AS number around it; absent texts
 * have len 0.  as_number is used in Provider Description only.  Draft-02
 * demands name and email (9.1.9.1, 9.1.9.2): without them a message of that
 * edition gives CPNP_ERR_ATTR_MISSING. */
typedef struct cpnp_description {
	cpnp_bytes name;
	cpnp_bytes email;
	cpnp_bytes postal_address;
	cpnp_bytes telephone[CPNP_TELEPHONES_MAX];
	size_t telephone_n;
	bool has_as_number;
	uint32_t as_number; /* RFC 6793, four octets */
} cpnp_description;

/* One line of EXPLANATION: which clause, why, the limit and what would fit;
 * the clause is a path ("capacity", "scope", "nodes/paris"), all are texts in
 * words for a person, absent with len 0. */
typedef struct cpnp_explanation {
	cpnp_bytes clause;
	cpnp_bytes reason;
	cpnp_bytes limit;
	cpnp_bytes would_fit;
} cpnp_explanation;

/*
 * A message.  present has one bit for each attribute that is there
 * (CPNP_ATTR_BIT); the others have no meaning.  All views of a decoded message
 * point into the datagram.
 *
 * service_description is the encoded item [type, body] as it came, to be
 * stored, compared and digested as bytes.  So are the last seven: the raw
 * encoded value of the attribute.  statement and receipt are the content of
 * the byte string.
 */
typedef struct cpnp_msg {
	cpnp_edition edition;
	cpnp_method method;
	uint64_t present;

	uint32_t sequence_number;
	cpnp_bytes transaction_id;
	cpnp_bytes customer_order_id;
	cpnp_bytes provider_order_id;
	cpnp_bytes nonce;
	cpnp_wtime expected_response_time;
	cpnp_wtime expected_offer_time;
	cpnp_wtime validity_offer_time;
	cpnp_bytes service_description;
	cpnp_subcode processing_subcode;
	cpnp_reason reasons[CPNP_REASONS_MAX];
	size_t reasons_n;
	cpnp_status status;
	cpnp_activation_type activation_type;
	cpnp_schedule activation_schedule;
	cpnp_description customer_description;
	cpnp_description provider_description;
	cpnp_negotiation_options options;
	uint32_t total_length;     /* PARTS: of the whole message ... */
	cpnp_bytes message_digest; /* ... and its SHA-256 */
	uint32_t part_offset;
	cpnp_bytes part;
	cpnp_bytes parts_held; /* one bit for each block */
	cpnp_bytes cookie;
	cpnp_explanation explanations[CPNP_EXPLANATIONS_MAX];
	size_t explanations_n;
	cpnp_bytes statement;
	cpnp_bytes receipt;
	cpnp_bytes settlement_terms;      /* raw item */
	cpnp_bytes payment_authorization; /* raw item */
	cpnp_bytes commit_set;            /* raw item */
	cpnp_bytes path_marks[CPNP_PATH_MARKS_MAX];
	size_t path_marks_n;
	uint8_t hop_limit;
	cpnp_bytes order_progress; /* raw item */

	/* set by decoding: the whole message, and the COOKIE entry (key and
	 * value) within it, empty when there is none */
	cpnp_bytes raw;
	cpnp_bytes raw_cookie;
} cpnp_msg;

static inline bool
cpnp_msg_has(const cpnp_msg *msg, cpnp_attr attr)
{
	return (msg->present & CPNP_ATTR_BIT(attr)) != 0;
}

/*
 * Decode and validate one message: form, edition, method, presence, type,
 * length and range of every attribute.  Allocates nothing.
 *
 * On failure msg holds what was readable, so that a FAIL can name it
 * (contradictions.md, 29): an attribute that is refused, or a method that is
 * not known, does not keep the others from being read; a breach of form does.
 * edition and method are meaningful only when CPNP_MSG_HEAD_READ is in
 * msg->present; a method that is larger than all known is CPNP_METHOD_END.
 * diag may be NULL; it tells of the first error, which is the one returned.
 *
 * Errors: those of class PEER.
 */
#define CPNP_MSG_HEAD_READ ((uint64_t)1 << 63)
CPNP_API int cpnp_msg_decode(
    cpnp_msg *msg, cpnp_bytes datagram, cpnp_diag *diag);

/*
 * Append the encoding of msg to buf.  Checks against the grammar table; an
 * UPDATE without EXPECTED_RESPONSE_TIME is accepted, but never sent
 * (contradictions.md, 16).  CPNP_MSG_HEAD_READ in present is ignored, so a
 * decoded message encodes.
 * Errors: CPNP_ERR_ATTR_MISSING, _ATTR_UNEXPECTED, _RANGE, _INVALID when msg
 * is not a message of its edition; _NO_SPACE when it does not fit.  On an
 * error nothing is appended; one of a value stays in buf->err.
 */
CPNP_API int cpnp_msg_encode(
    const cpnp_msg *msg, cpnp_buf *buf, cpnp_diag *diag);

/* SHA-256 over a decoded message without its COOKIE: equal for a message and
 * its retransmission, whatever cookie each carries, or none.  Reads msg->raw.
 * Errors: CPNP_ERR_CRYPTO; of class PEER when raw is not a message. */
CPNP_API int cpnp_msg_digest(const cpnp_msg *msg, const cpnp_env *env,
    uint8_t digest[CPNP_SHA256_LEN]);

/* Copy an encoded message to out with the COOKIE attribute set to cookie (or
 * removed when cookie is empty).  message must be one that decodes.  Errors:
 * CPNP_ERR_INVALID when cookie is longer than CPNP_COOKIE_MAX, _NO_SPACE when
 * the result does not fit, class PEER when message is not in form. */
CPNP_API int cpnp_msg_set_cookie(
    cpnp_bytes message, cpnp_bytes cookie, cpnp_buf *out);

/* True when id is a well-formed order identifier: 1 to CPNP_ORDER_ID_MAX
 * bytes, each 0x21 to 0x7e. */
CPNP_API bool cpnp_order_id_is_valid(cpnp_bytes id);

/* Encode and decode COST on its own (agreements, catalogues and tests):
 * [amount, code, issuer, exponent].  The amount is not negative. */
CPNP_API void cpnp_money_encode(const cpnp_money *money, cpnp_buf *buf);
CPNP_API void cpnp_money_decode(cpnp_money *money, cpnp_cbor_rd *rd);

/* Dates.  RFC 3339 in whole seconds, "2026-11-21T08:30:00Z"; RFC 1123,
 * "Sat, 21 Nov 2026 08:30:00 GMT".  out has room for CPNP_DATE_LEN bytes and
 * gets a NUL.  Parsing accepts exactly these forms, else CPNP_ERR_DATE. */
#define CPNP_DATE_LEN 32
CPNP_API int cpnp_date_format(
    cpnp_edition edition, cpnp_wtime time, char out[CPNP_DATE_LEN]);
CPNP_API int cpnp_date_parse(
    cpnp_edition edition, cpnp_bytes text, cpnp_wtime *time);

#ifdef __cplusplus
}
#endif

#endif
