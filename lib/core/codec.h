/*
 * What the files of the codec share and nobody else sees.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CORE_CODEC_H
#define CPNP_CORE_CODEC_H

#include <cpnp/agreement.h>
#include <cpnp/message.h>

/*
 * One row of the grammar table: sets of CPNP_ATTR_BIT.  A message without an
 * attribute of must is refused; send is accepted without, but always sent.
 * Everything else that may stand there is in may.
 */
struct cpnp_grammar_row {
	uint64_t must;
	uint64_t may;
	uint64_t send;
};

/* NULL when the edition lacks the method. */
const struct cpnp_grammar_row *cpnp_grammar_row(
    cpnp_edition edition, int method);

/* False for a code that is not in the registry. */
bool cpnp_attr_by_code(int64_t code, cpnp_attr *attr);

/* How the value of an attribute is read, checked and written. */
struct cpnp_attr_form {
	void (*get)(cpnp_msg *msg, const struct cpnp_attr_form *form,
	    cpnp_cbor_rd *rd);
	void (*put)(const cpnp_msg *msg, const struct cpnp_attr_form *form,
	    cpnp_buf *buf);
	size_t offset; /* of the member of cpnp_msg */
	size_t min;    /* size or value; what it bounds is up to get */
	size_t max;
	const char *expect; /* what would be right */
};

extern const struct cpnp_attr_form cpnp_attr_forms[CPNP_ATTR_END];

/* Set an error of a writer, unless one is set. */
void cpnp_buf_fail(cpnp_buf *buf, int err);

/* Fill diag, which may be NULL; returns err. */
int cpnp_diag_set(cpnp_diag *diag, int err, size_t offset, const char *where,
    const char *expect);

/* What a map does with a key that it does not know: a negative one is
 * skipped with its value, another one is an error at key_pos. */
void cpnp_cbor_skip_unknown(
    cpnp_cbor_rd *rd, int64_t key, const uint8_t *key_pos);
/* The value of an attribute that was decoded before: what is left open in it
 * may be CPNP_CBOR_DEPTH_MAX deep by itself. */
#define CBOR_DEPTH_OF_MSG (CPNP_CBOR_DEPTH_MAX + 8)
cpnp_bytes cpnp_cbor_get_value(cpnp_cbor_rd *rd);
/* The next item, of at most max bytes, as raw bytes. */
cpnp_bytes cpnp_cbor_get_raw(cpnp_cbor_rd *rd, size_t max);
/* Write an item that somebody encoded: deterministic, at most max bytes. */
void cpnp_cbor_put_item(cpnp_buf *buf, cpnp_bytes item, size_t max);
/* Write a string of min to max bytes, else the error CPNP_ERR_RANGE. */
void cpnp_cbor_put_bytes_in(
    cpnp_buf *buf, cpnp_bytes bytes, size_t min, size_t max);
void cpnp_cbor_put_text_in(
    cpnp_buf *buf, cpnp_bytes text, size_t min, size_t max);

cpnp_bytes cpnp_order_id_decode(cpnp_cbor_rd *rd);
void cpnp_order_id_encode(cpnp_bytes id, cpnp_buf *buf);

/* The service description: the raw item [type, body]. */
cpnp_bytes cpnp_service_decode(cpnp_cbor_rd *rd);
void cpnp_service_encode(cpnp_bytes service, cpnp_buf *buf);

void cpnp_date_encode(cpnp_edition edition, cpnp_wtime time, cpnp_buf *buf);
cpnp_wtime cpnp_date_decode(cpnp_edition edition, cpnp_cbor_rd *rd);

/* Seconds, as statements and agreements write a time. */
void cpnp_wtime_encode(cpnp_wtime time, cpnp_buf *buf);
cpnp_wtime cpnp_wtime_decode(cpnp_cbor_rd *rd);

/* The schedule in a message of an edition, or in an agreement (NULL): dates
 * are then seconds. */
void cpnp_schedule_encode(const cpnp_schedule *schedule,
    const cpnp_edition *edition, cpnp_buf *buf);
void cpnp_schedule_decode(cpnp_schedule *schedule,
    const cpnp_edition *edition, cpnp_cbor_rd *rd);

void cpnp_description_encode(const cpnp_description *description,
    cpnp_edition edition, bool is_provider, cpnp_buf *buf);
void cpnp_description_decode(cpnp_description *description,
    cpnp_edition edition, bool is_provider, cpnp_cbor_rd *rd);
void cpnp_options_encode(
    const cpnp_negotiation_options *options, cpnp_buf *buf);
void cpnp_options_decode(cpnp_negotiation_options *options, cpnp_cbor_rd *rd);
void cpnp_explanations_encode(
    const cpnp_explanation *list, size_t n, cpnp_buf *buf);
void cpnp_explanations_decode(
    cpnp_explanation *list, size_t *n, cpnp_cbor_rd *rd);

#endif
