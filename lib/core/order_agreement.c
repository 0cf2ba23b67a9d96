/*
 * What the transactions on an agreement share: WITHDRAW, UPDATE and ACTIVATE
 * each open one of their own, one at a time (contradictions.md, 33).
 *
 * Identifiers of transactions that are over are remembered, the newest of
 * them: a message of one that comes late, or again, does not begin it anew.
 * draft-02 has no numbers that would show it, and those of another
 * transaction are others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fault.h"
#include "order_int.h"

bool
cpnp_order_stands(const cpnp_order *order)
{
	return order->now.agreement == CPNP_AGREEMENT_COMPLETED ||
	    order->now.agreement == CPNP_AGREEMENT_ACTIVE;
}

bool
cpnp_order_is_open(const cpnp_order *order)
{
	return order->now.state != CPNP_STATE_COMPLETED ||
	    order->now.outstanding;
}

/* ---- transactions that are over ----------------------------------------- */

static int
make_tag(const struct order_step *s, cpnp_bytes id, uint8_t tag[ORDER_TAG_LEN])
{
	const cpnp_env *env = &s->orders->env;
	uint8_t digest[CPNP_SHA256_LEN];

	if (env->sha256(env->user, &id, 1, digest) != 0)
		return CPNP_ERR_CRYPTO;
	memcpy(tag, digest, ORDER_TAG_LEN);
	return 0;
}

int
cpnp_order_is_past(const struct order_step *s, cpnp_bytes id, bool *is_past)
{
	const cpnp_order *order = s->order;
	cpnp_bytes tags = cpnp_blob_bytes(order->now.docs[ORDER_BLOB_PAST]);
	uint8_t tag[ORDER_TAG_LEN];
	int err = 0;

	*is_past = order->now.kind != ORDER_KIND_QUOTATION &&
	    cpnp_bytes_equal(id, cpnp_order_opening_id(order)) &&
	    !cpnp_bytes_equal(id, cpnp_order_transaction_id(order));
	if (*is_past || tags.len == 0)
		return 0;
	err = make_tag(s, id, tag);
	for (size_t i = 0; err == 0 && i < tags.len; i += sizeof(tag))
		*is_past = *is_past ||
		    memcmp(tags.ptr + i, tag, sizeof(tag)) == 0;
	return err;
}

/* The opening one is known anyway. */
static int
remember(struct order_step *s, cpnp_bytes id)
{
	const cpnp_env *env = &s->orders->env;
	struct cpnp_blob **past = &s->order->now.docs[ORDER_BLOB_PAST];
	uint8_t tags[ORDER_PAST_MAX * ORDER_TAG_LEN];
	cpnp_bytes old = cpnp_blob_bytes(*past);
	struct cpnp_blob *blob;
	int err;

	if (cpnp_bytes_equal(id, cpnp_order_opening_id(s->order)))
		return 0;
	if (old.len == sizeof(tags)) {
		old.ptr += ORDER_TAG_LEN;
		old.len -= ORDER_TAG_LEN;
	}
	if (old.len > 0)
		memcpy(tags, old.ptr, old.len);
	err = make_tag(s, id, tags + old.len);
	if (err != 0)
		return err;
	blob = cpnp_blob_new(
	    env, (cpnp_bytes){tags, old.len + ORDER_TAG_LEN});
	if (blob == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_blob_set(env, past, blob);
	s->dirty = true;
	return 0;
}

/* ---- the beginning ------------------------------------------------------- */

/* A server has the ACK of the agreement as its newest message until there is
 * another transaction. */
static void
keep_final(struct order_step *s, enum order_kind kind)
{
	struct order_now *o = &s->order->now;

	if (s->order->role == CPNP_SERVER && kind != ORDER_KIND_WITHDRAW &&
	    o->docs[CPNP_DOC_FINAL] == NULL)
		cpnp_blob_set(&s->orders->env, &o->docs[CPNP_DOC_FINAL],
		    cpnp_blob_ref(o->docs[CPNP_DOC_LAST_OUT]));
}

int
cpnp_order_begin(struct order_step *s, enum order_kind kind, cpnp_bytes id)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	cpnp_bytes last = cpnp_order_transaction_id(s->order);
	bool is_same = cpnp_bytes_equal(id, last);
	int err = is_same ? 0 : remember(s, last);

	if (err != 0)
		return err;
	keep_final(s, kind);
	o->kind = kind;
	o->status = CPNP_STATUS_NONE;
	o->undone = false;
	o->transaction_id_len = (uint8_t)id.len;
	memmove(o->transaction_id, id.ptr, id.len);
	if (is_same)
		return 0;
	o->has_input = false;
	o->in_seq = 0;
	if (env->random(env->user, (uint8_t *)&o->out_seq,
		sizeof(o->out_seq)) != 0)
		return CPNP_ERR_RANDOM;
	o->out_seq &= INT32_MAX;
	return 0;
}

int
cpnp_client_begin(struct order_step *s, enum order_kind kind)
{
	const cpnp_env *env = &s->orders->env;
	uint8_t id[ORDER_TRANSACTION_ID_LEN];

	if (env->random(env->user, id, sizeof(id)) != 0)
		return CPNP_ERR_RANDOM;
	return cpnp_order_begin(s, kind, (cpnp_bytes){id, sizeof(id)});
}

static int
remember_asked(struct order_step *s)
{
	int err = 0;

	if (!cpnp_bytes_equal(s->msg->transaction_id,
		cpnp_order_transaction_id(s->order)))
		err = remember(s, s->msg->transaction_id);
	return err == 0 && s->dirty ? cpnp_order_keep(s) : err;
}

/*
 * One transaction at a time: FAIL 1, and what was refused stays refused, also
 * when the same message comes once more after the open one has ended.
 */
static int
refuse_second(struct order_step *s)
{
	int err = remember_asked(s);

	s->why = "the agreement has a transaction open";
	return err != 0
	    ? err
	    : cpnp_order_send_stateless_fail(
		  s, CPNP_STATUS_MESSAGE_VALIDATION);
}

/*
 * It has overtaken its UPDATE, which is not to begin when it comes: the client
 * is done with it and may ask for something else.  The answer is that of an
 * unknown order, each time.
 */
int
cpnp_server_cancel_ahead(struct order_step *s)
{
	bool is_past;
	int err = cpnp_order_is_past(s, s->msg->transaction_id, &is_past);

	if (err == 0 && !is_past && !CPNP_FAULT(OVERTAKEN))
		err = remember_asked(s);
	return err != 0 ? err
			: cpnp_order_send_stateless_fail(s,
			      cpnp_error_status(CPNP_ERR_UNKNOWN_ORDER));
}

int
cpnp_server_begin(struct order_step *s, enum order_kind kind)
{
	cpnp_bytes id = s->msg->transaction_id;
	bool is_used, is_same = cpnp_bytes_equal(
			  id, cpnp_order_transaction_id(s->order));
	int err = cpnp_server_check_agreement(s);

	if (err == 0)
		err = cpnp_order_is_past(s, id, &is_used);
	if (err != 0)
		return err;
	/* RFC 8921, 9.2.9 and 9.2.11: a new one must be assigned */
	if (is_used || (is_same && kind != ORDER_KIND_WITHDRAW)) {
		s->why = "the transaction identifier was used before";
		return CPNP_ERR_MISMATCH;
	}
	if (cpnp_order_is_open(s->order))
		return refuse_second(s);
	/* Its end waits for what is open, and must not wait for ever. */
	if (kind != ORDER_KIND_WITHDRAW && s->order->now.has_over &&
	    s->order->now.over.sec <= s->now.wall.sec) {
		s->why = "the end of the agreement has passed";
		return CPNP_ERR_MISMATCH;
	}
	s->begun = true;
	return cpnp_order_begin(s, kind, id);
}

int
cpnp_server_second(struct order_step *s)
{
	return cpnp_order_stands(s->order)
	    ? cpnp_server_begin(s, ORDER_KIND_WITHDRAW)
	    : CPNP_ERR_UNEXPECTED;
}

/* ---- client: a request that is outstanding ------------------------------- */

/* contradictions.md, 10: the provider is at work on it. */
static int
is_processed(struct order_step *s)
{
	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	cpnp_step_record_input(s);
	s->order->now.answered = true;
	cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	return 0;
}

int
cpnp_client_step_asked(struct order_step *s, const struct order_asked *asked)
{
	bool is_outstanding = s->order->now.outstanding;

	switch (s->event) {
	case CPNP_EVENT_RECV_ACK:
		return is_outstanding ? asked->acknowledged(s)
				      : CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RECV_FAIL:
		return is_outstanding ? asked->refused(s) : CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RECV_PROCESSING:
		return is_outstanding ? is_processed(s) : CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RETRANS:
		return is_outstanding ? asked->retrans(s) : 0;
	case CPNP_EVENT_LINGER_EXPIRED:
		return is_outstanding ? 0 : cpnp_step_forget(s);
	case CPNP_EVENT_RECV_OFFER:
	case CPNP_EVENT_RECV_QUOTATION:
	case CPNP_EVENT_RECV_ACCEPT:
	case CPNP_EVENT_RECV_DECLINE:
	case CPNP_EVENT_RECV_CANCEL:
	case CPNP_EVENT_RECV_WITHDRAW:
	case CPNP_EVENT_RECV_UPDATE:
	case CPNP_EVENT_RECV_ACTIVATE:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return 0;
	case CPNP_EVENT_NONE:
	case CPNP_EVENT_CREATE:
	case CPNP_EVENT_START:
	case CPNP_EVENT_OFFER:
	case CPNP_EVENT_REFUSE:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_CANCEL:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
	case CPNP_EVENT_WITHDRAW:
	case CPNP_EVENT_UPDATE:
	case CPNP_EVENT_ACTIVATE:
	case CPNP_EVENT_MORE_TIME:
	case CPNP_EVENT_GRANT:
	case CPNP_EVENT_PAID:
	case CPNP_EVENT_NOT_PAID:
	case CPNP_EVENT_SERVICE_START:
	case CPNP_EVENT_SERVICE_END:
	case CPNP_EVENT_SET_ACTIVE:
	case CPNP_EVENT_SET_INACTIVE:
		break;
	}
	return CPNP_ERR_STATE;
}
