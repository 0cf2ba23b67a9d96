/*
 * Information Elements (RFC 8921, 9.1.10; draft-02, 9.1.9) and EXPLANATION:
 * maps with small integer keys.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "codec.h"

enum description_key {
	DESCRIPTION_NAME = 1,
	DESCRIPTION_EMAIL,
	DESCRIPTION_POSTAL_ADDRESS,
	DESCRIPTION_TELEPHONES,
	DESCRIPTION_AS_NUMBER
};

enum options_key {
	OPTIONS_COST = 1,
	OPTIONS_PURPOSE,
	OPTIONS_NO_RECURSION
};

enum explanation_key {
	EXPLANATION_CLAUSE = 1,
	EXPLANATION_REASON,
	EXPLANATION_LIMIT,
	EXPLANATION_WOULD_FIT
};

static void
put_text_entry(cpnp_buf *buf, int64_t key, cpnp_bytes text)
{
	if (text.len == 0)
		return;
	cpnp_cbor_put_int(buf, key);
	cpnp_cbor_put_text_in(buf, text, 1, CPNP_TEXT_MAX);
}

/* Draft-02 demands the name and, in Contact Information, the electronic mail
 * address (9.1.9.1, 9.1.9.2); RFC 8921 demands neither. */
static bool
description_is_complete(
    const cpnp_description *description, cpnp_edition edition)
{
	return edition != CPNP_EDITION_DRAFT02 ||
	    (description->name.len > 0 && description->email.len > 0);
}

void
cpnp_description_encode(const cpnp_description *d, cpnp_edition edition,
    bool is_provider, cpnp_buf *buf)
{
	if (!description_is_complete(d, edition))
		cpnp_buf_fail(buf, CPNP_ERR_ATTR_MISSING);
	if (d->has_as_number && !is_provider)
		cpnp_buf_fail(buf, CPNP_ERR_ATTR_UNEXPECTED);
	if (d->telephone_n > CPNP_TELEPHONES_MAX)
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
	if (buf->err != 0)
		return;
	cpnp_cbor_put_map(buf,
	    (size_t)(d->name.len > 0) + (d->email.len > 0) +
		(d->postal_address.len > 0) + (d->telephone_n > 0) +
		d->has_as_number);
	put_text_entry(buf, DESCRIPTION_NAME, d->name);
	put_text_entry(buf, DESCRIPTION_EMAIL, d->email);
	put_text_entry(buf, DESCRIPTION_POSTAL_ADDRESS, d->postal_address);
	if (d->telephone_n > 0) {
		cpnp_cbor_put_uint(buf, DESCRIPTION_TELEPHONES);
		cpnp_cbor_put_array(buf, d->telephone_n);
		for (size_t i = 0; i < d->telephone_n; i++)
			cpnp_cbor_put_text_in(
			    buf, d->telephone[i], 1, CPNP_TEXT_MAX);
	}
	if (d->has_as_number) {
		cpnp_cbor_put_uint(buf, DESCRIPTION_AS_NUMBER);
		cpnp_cbor_put_uint(buf, d->as_number);
	}
}

static void
get_telephones(cpnp_description *d, cpnp_cbor_rd *rd)
{
	d->telephone_n = cpnp_cbor_get_array(rd, 1, CPNP_TELEPHONES_MAX);
	for (size_t i = 0; i < d->telephone_n; i++)
		d->telephone[i] = cpnp_cbor_get_text(rd, 1, CPNP_TEXT_MAX);
}

void
cpnp_description_decode(cpnp_description *d, cpnp_edition edition,
    bool is_provider, cpnp_cbor_rd *rd)
{
	const uint8_t *start = rd->pos, *key_pos;
	int64_t prev = CPNP_CBOR_NO_KEY, key;
	size_t n;

	*d = (cpnp_description){0};
	n = cpnp_cbor_get_map(rd, 0, CPNP_ATTRS_MAX);
	while (n-- > 0 && rd->err == 0) {
		key_pos = rd->pos;
		key = cpnp_cbor_get_key(rd, &prev);
		if (key == DESCRIPTION_NAME)
			d->name = cpnp_cbor_get_text(rd, 1, CPNP_TEXT_MAX);
		else if (key == DESCRIPTION_EMAIL)
			d->email = cpnp_cbor_get_text(rd, 1, CPNP_TEXT_MAX);
		else if (key == DESCRIPTION_POSTAL_ADDRESS)
			d->postal_address =
			    cpnp_cbor_get_text(rd, 1, CPNP_TEXT_MAX);
		else if (key == DESCRIPTION_TELEPHONES)
			get_telephones(d, rd);
		else if (key == DESCRIPTION_AS_NUMBER && is_provider) {
			d->has_as_number = true;
			d->as_number =
			    (uint32_t)cpnp_cbor_get_uint(rd, 0, UINT32_MAX);
		} else if (key == DESCRIPTION_AS_NUMBER)
			cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_UNEXPECTED);
		else
			cpnp_cbor_skip_unknown(rd, key, key_pos);
	}
	if (rd->err == 0 && !description_is_complete(d, edition)) {
		rd->pos = start;
		cpnp_cbor_rd_fail(rd, CPNP_ERR_ATTR_MISSING);
	}
}

static void
put_cost(const cpnp_negotiation_options *options, cpnp_buf *buf)
{
	cpnp_cbor_put_uint(buf, OPTIONS_COST);
	if (options->cost_empty)
		cpnp_cbor_put_array(buf, 0);
	else
		cpnp_money_encode(&options->cost, buf);
}

/* An empty array asks for the cost (draft-02, 9.1.9.3). */
static void
get_cost(cpnp_negotiation_options *options, cpnp_cbor_rd *rd)
{
	cpnp_cbor_rd ahead = *rd;

	options->has_cost = true;
	options->cost_empty = cpnp_cbor_get_array(&ahead, 0, 4) == 0 &&
	    ahead.err == 0;
	if (options->cost_empty)
		*rd = ahead;
	else
		cpnp_money_decode(&options->cost, rd);
}

void
cpnp_options_encode(const cpnp_negotiation_options *options, cpnp_buf *buf)
{
	cpnp_cbor_put_map(buf,
	    (size_t)options->has_cost +
		(options->purpose != CPNP_PURPOSE_NONE) +
		options->no_recursion);
	if (options->has_cost)
		put_cost(options, buf);
	if (options->purpose != CPNP_PURPOSE_NONE) {
		if (options->purpose > CPNP_PURPOSE_TEST)
			cpnp_buf_fail(buf, CPNP_ERR_RANGE);
		cpnp_cbor_put_uint(buf, OPTIONS_PURPOSE);
		cpnp_cbor_put_uint(buf, options->purpose);
	}
	if (options->no_recursion) {
		cpnp_cbor_put_uint(buf, OPTIONS_NO_RECURSION);
		cpnp_cbor_put_bool(buf, true);
	}
}

/* Absence says that recursion is allowed, so only true is ever written. */
static void
get_no_recursion(cpnp_negotiation_options *options, cpnp_cbor_rd *rd)
{
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_FALSE)
		cpnp_cbor_rd_fail(rd, CPNP_ERR_RANGE);
	options->no_recursion = cpnp_cbor_get_bool(rd);
}

void
cpnp_options_decode(cpnp_negotiation_options *options, cpnp_cbor_rd *rd)
{
	int64_t prev = CPNP_CBOR_NO_KEY, key;
	const uint8_t *key_pos;
	size_t n;

	*options = (cpnp_negotiation_options){0};
	n = cpnp_cbor_get_map(rd, 0, CPNP_ATTRS_MAX);
	while (n-- > 0 && rd->err == 0) {
		key_pos = rd->pos;
		key = cpnp_cbor_get_key(rd, &prev);
		if (key == OPTIONS_COST)
			get_cost(options, rd);
		else if (key == OPTIONS_PURPOSE)
			options->purpose = (cpnp_purpose)cpnp_cbor_get_uint(rd,
			    CPNP_PURPOSE_PERMANENT, CPNP_PURPOSE_TEST);
		else if (key == OPTIONS_NO_RECURSION)
			get_no_recursion(options, rd);
		else
			cpnp_cbor_skip_unknown(rd, key, key_pos);
	}
}

static void
explanation_encode(const cpnp_explanation *e, cpnp_buf *buf)
{
	cpnp_cbor_put_map(buf,
	    (size_t)(e->clause.len > 0) + (e->reason.len > 0) +
		(e->limit.len > 0) + (e->would_fit.len > 0));
	put_text_entry(buf, EXPLANATION_CLAUSE, e->clause);
	put_text_entry(buf, EXPLANATION_REASON, e->reason);
	put_text_entry(buf, EXPLANATION_LIMIT, e->limit);
	put_text_entry(buf, EXPLANATION_WOULD_FIT, e->would_fit);
}

static void
explanation_decode(cpnp_explanation *e, cpnp_cbor_rd *rd)
{
	cpnp_bytes *fields[] = {
	    [EXPLANATION_CLAUSE] = &e->clause,
	    [EXPLANATION_REASON] = &e->reason,
	    [EXPLANATION_LIMIT] = &e->limit,
	    [EXPLANATION_WOULD_FIT] = &e->would_fit,
	};
	int64_t prev = CPNP_CBOR_NO_KEY, key;
	const uint8_t *key_pos;
	size_t n = cpnp_cbor_get_map(rd, 0, CPNP_ATTRS_MAX);

	while (n-- > 0 && rd->err == 0) {
		key_pos = rd->pos;
		key = cpnp_cbor_get_key(rd, &prev);
		if (key >= EXPLANATION_CLAUSE && key <= EXPLANATION_WOULD_FIT)
			*fields[key] = cpnp_cbor_get_text(rd, 1, CPNP_TEXT_MAX);
		else
			cpnp_cbor_skip_unknown(rd, key, key_pos);
	}
}

void
cpnp_explanations_encode(const cpnp_explanation *list, size_t n, cpnp_buf *buf)
{
	if (n < 1 || n > CPNP_EXPLANATIONS_MAX) {
		cpnp_buf_fail(buf, CPNP_ERR_RANGE);
		return;
	}
	cpnp_cbor_put_array(buf, n);
	for (size_t i = 0; i < n; i++)
		explanation_encode(&list[i], buf);
}

void
cpnp_explanations_decode(cpnp_explanation *list, size_t *n, cpnp_cbor_rd *rd)
{
	*n = cpnp_cbor_get_array(rd, 1, CPNP_EXPLANATIONS_MAX);
	for (size_t i = 0; i < *n; i++)
		explanation_decode(&list[i], rd);
}
