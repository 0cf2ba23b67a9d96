/*
 * One side of a negotiation, for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "../../lib/core/fault.h"
#include "peer.h"

uint64_t
peer_random(struct peer_env *env)
{
	/* splitmix64: any seed will do, also 0 */
	uint64_t z = env->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool
fails_now(struct peer_env *env)
{
	env->asked++;
	if (env->fail_at == 0)
		return false;
	return env->fail_on ? env->asked >= env->fail_at
			    : env->asked == env->fail_at;
}

static void *
env_realloc(void *user, void *ptr, size_t size)
{
	struct peer_env *env = user;
	void *grown;

	if (fails_now(env))
		return NULL;
	grown = realloc(ptr, size);
	if (ptr == NULL && grown != NULL)
		env->live++;
	return grown;
}

static void *
env_alloc(void *user, size_t size)
{
	return env_realloc(user, NULL, size);
}

static void
env_free(void *user, void *ptr)
{
	struct peer_env *env = user;

	if (ptr != NULL)
		env->live--;
	free(ptr);
}

static int
env_random(void *user, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)peer_random(user);
	return 0;
}

static int
env_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	static EVP_MD_CTX *ctx;

	(void)user;
	if (ctx == NULL)
		ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (parts[i].len > 0 &&
		    EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) != 1)
			return -1;
	return EVP_DigestFinal_ex(ctx, digest, NULL) == 1 ? 0 : -1;
}

void
peer_env_init(struct peer_env *env, uint64_t seed)
{
	*env = (struct peer_env){.seed = seed};
	env->env = (cpnp_env){
	    .mem = {.user = env,
		.alloc = env_alloc,
		.realloc = env_realloc,
		.free = env_free},
	    .user = env,
	    .random = env_random,
	    .sha256 = env_sha256,
	};
}

/* The set of orders, which tests that fail allocations make themselves. */
static void
make_orders(struct peer *p)
{
	int err = cpnp_orders_new(&p->orders, &p->config, &p->env.env);

	assert(err == 0);
	(void)err;
}

/* CPNP_FAULTS is a set of bits, in a build that has planted faults. */
static void
plant_faults(void)
{
#ifdef CPNP_PLANTED_FAULTS
	const char *text = getenv("CPNP_FAULTS");

	cpnp_faults = text == NULL ? 0 : (unsigned)strtoul(text, NULL, 0);
#endif
}

void
peer_init(struct peer *p, const char *name, const char *other, uint64_t seed,
    bool sign)
{
	plant_faults();
	memset(p, 0, sizeof(*p));
	p->name = name;
	p->other = other;
	p->may_order = true;
	p->handle = 7;
	p->now.mono = CPNP_SECONDS(1000);
	p->now.wall.sec = 1800000000;
	peer_env_init(&p->env, seed);
	cpnp_orders_config_default(&p->config);
	p->config.identity = cpnp_bytes_str(name);
	p->config.sign = sign;
	make_orders(p);
}

void
peer_clear(struct peer *p)
{
	for (size_t i = 0; i < p->outbox_n; i++)
		free(p->outbox[i].bytes);
	p->outbox_n = 0;
	p->trace[0] = '\0';
}

static void
record_fini(struct peer_record *r)
{
	free(r->saved);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		free(r->docs[doc]);
}

void
peer_fini(struct peer *p)
{
	cpnp_orders_del(p->orders);
	peer_clear(p);
	for (size_t i = 0; i < p->records_n; i++)
		record_fini(&p->records[i]);
	free(p->records);
	assert(p->env.live == 0);
}

static void
trace(struct peer *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void
trace(struct peer *p, const char *format, ...)
{
	size_t len = strlen(p->trace);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(p->trace + len, sizeof(p->trace) - len, format, args);
	va_end(args);
}

static uint8_t *
dup_bytes(cpnp_bytes bytes)
{
	uint8_t *copy = malloc(bytes.len + 1);

	assert(copy != NULL);
	if (bytes.len > 0)
		memcpy(copy, bytes.ptr, bytes.len);
	copy[bytes.len] = 0;
	return copy;
}

struct peer_record *
peer_find_record(
    struct peer *p, cpnp_role role, const char *other, const char *id)
{
	for (size_t i = 0; i < p->records_n; i++)
		if (p->records[i].role == role &&
		    strcmp(p->records[i].other, other) == 0 &&
		    strcmp(p->records[i].id, id) == 0)
			return &p->records[i];
	return NULL;
}

static void
save(const cpnp_order *order, struct peer_record *r)
{
	struct peer_env plain;
	cpnp_buf buf;

	peer_env_init(&plain, 0);
	cpnp_buf_init(&buf, &plain.env.mem, 65536);
	if (cpnp_order_save(order, &buf) != 0)
		abort();
	r->saved = dup_bytes(cpnp_buf_bytes(&buf));
	r->saved_len = buf.len;
	cpnp_buf_fini(&buf);
}

/* Only the documents that the effect names are taken, so that one it forgets
 * to name is missed when the order is loaded. */
struct peer_update *
peer_update_new(const cpnp_effect *effect)
{
	const cpnp_order *order = effect->order;
	cpnp_bytes id = cpnp_order_customer_id(order);
	cpnp_bytes other = cpnp_order_peer_identity(order);
	struct peer_update *update = calloc(1, sizeof(*update));
	struct peer_record *r = &update->record;

	assert(update != NULL);
	r->role = cpnp_order_role(order);
	r->state = cpnp_order_state(order);
	r->is_settled = cpnp_order_is_settled(order);
	r->leaves = effect->u.store.statement.len > 0;
	memcpy(r->id, id.ptr, id.len);
	memcpy(r->other, other.ptr, other.len);
	save(order, r);
	update->docs_changed = effect->u.store.docs_changed;
	update->is_completed =
	    effect->u.store.agreement_from == CPNP_AGREEMENT_NONE &&
	    effect->u.store.agreement_to == CPNP_AGREEMENT_COMPLETED;
	r->ended = effect->u.store.agreement_from != CPNP_AGREEMENT_ENDED &&
	    effect->u.store.agreement_to == CPNP_AGREEMENT_ENDED;
	for (int doc = 0; doc < CPNP_DOC_END; doc++) {
		cpnp_bytes bytes = cpnp_order_doc(order, (cpnp_doc)doc);

		if ((update->docs_changed & 1u << doc) == 0)
			continue;
		r->docs[doc] = dup_bytes(bytes);
		r->docs_len[doc] = bytes.len;
	}
	return update;
}

static uint8_t *
replace(uint8_t *old, const uint8_t *bytes, size_t len)
{
	free(old);
	return dup_bytes((cpnp_bytes){bytes, len});
}

void
peer_update_apply(struct peer *p, const struct peer_update *update)
{
	const struct peer_record *from = &update->record;
	struct peer_record *r =
	    peer_find_record(p, from->role, from->other, from->id);

	if (r == NULL) {
		p->records = realloc(
		    p->records, (p->records_n + 1) * sizeof(*p->records));
		assert(p->records != NULL);
		r = &p->records[p->records_n++];
		memset(r, 0, sizeof(*r));
		r->role = from->role;
		memcpy(r->id, from->id, sizeof(r->id));
		memcpy(r->other, from->other, sizeof(r->other));
	}
	r->state = from->state;
	r->is_settled = from->is_settled;
	r->leaves += from->leaves;
	r->completed += update->is_completed;
	r->ended += from->ended;
	r->saved = replace(r->saved, from->saved, from->saved_len);
	r->saved_len = from->saved_len;
	for (int doc = 0; doc < CPNP_DOC_END; doc++) {
		if ((update->docs_changed & 1u << doc) == 0)
			continue;
		r->docs[doc] = replace(
		    r->docs[doc], from->docs[doc], from->docs_len[doc]);
		r->docs_len[doc] = from->docs_len[doc];
	}
}

void
peer_update_del(struct peer_update *update)
{
	record_fini(&update->record);
	free(update);
}

static void
on_store(struct peer *p, const cpnp_effect *effect)
{
	struct peer_update *update = peer_update_new(effect);

	peer_update_apply(p, update);
	peer_update_del(update);
	if (effect->u.store.from == effect->u.store.to &&
	    effect->u.store.agreement_from == effect->u.store.agreement_to) {
		assert(effect->u.store.statement.len == 0);
		trace(p, "keep;");
		return;
	}
	assert(effect->u.store.statement.len > 0);
	trace(p, "%s->%s%s;", cpnp_state_name(effect->u.store.from),
	    cpnp_state_name(effect->u.store.to),
	    effect->u.store.statement_is_signed ? "(signed)" : "");
}

static void
on_send(struct peer *p, const cpnp_effect *effect)
{
	struct peer_mail *mail;
	cpnp_msg msg;
	int err = cpnp_msg_decode(&msg, effect->u.send.bytes, NULL);

	assert(err == 0 && msg.method == effect->u.send.method);
	(void)err;
	trace(p, "%s",
	    cpnp_method_name(CPNP_EDITION_RFC8921, (int)msg.method));
	if (msg.method == CPNP_METHOD_FAIL)
		trace(p, "%d", (int)msg.status);
	trace(p, "%s%s;", effect->u.send.fail ? "!" : "",
	    effect->u.send.again ? " again" : "");
	if (effect->u.send.peer == 0 || p->outbox_n == PEER_MAIL_MAX)
		return;
	mail = &p->outbox[p->outbox_n++];
	mail->bytes = dup_bytes(effect->u.send.bytes);
	mail->len = effect->u.send.bytes.len;
	mail->to = effect->u.send.peer;
	mail->method = msg.method;
	mail->again = effect->u.send.again;
	mail->fail = effect->u.send.fail;
}

static void
on_sign(struct peer *p, const cpnp_effect *effect)
{
	cpnp_bytes payload = effect->u.sign.payload;

	p->sign = effect->order;
	memcpy(p->payload, payload.ptr, payload.len);
	p->payload_len = payload.len;
	p->wants_receipt = effect->u.sign.wants_receipt;
	trace(p, "?sign;");
}

void
peer_drain(struct peer *p)
{
	cpnp_effect effect;

	while (cpnp_orders_next(p->orders, &effect)) {
		switch (effect.type) {
		case CPNP_EFFECT_STORE:
			on_store(p, &effect);
			break;
		case CPNP_EFFECT_SEND:
			on_send(p, &effect);
			break;
		case CPNP_EFFECT_DECIDE:
			p->decide = effect.order;
			trace(p, "?decide;");
			break;
		case CPNP_EFFECT_OFFER:
			p->offer = effect.order;
			trace(p, "?offer;");
			break;
		case CPNP_EFFECT_SIGN:
			on_sign(p, &effect);
			break;
		case CPNP_EFFECT_END:
			p->ended++;
			trace(p, "end;");
			break;
		case CPNP_EFFECT_FORGET:
			p->forgotten++;
			trace(p, "forget;");
			break;
		case CPNP_EFFECT_ALARM:
			p->alarms++;
			trace(p, "alarm;");
			break;
		case CPNP_EFFECT_TIME:
			p->offer_time = effect.u.time.expected_offer_time;
			trace(p, "time %s;",
			    effect.u.time.granted ? "yes" : "no");
			break;
		case CPNP_EFFECT_PAY:
			p->pay = effect.order;
			trace(p, "?pay;");
			break;
		}
	}
}

int
peer_load(struct peer *p, const struct peer_record *r)
{
	cpnp_bytes docs[CPNP_DOC_END];
	cpnp_order *order;

	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		docs[doc] = (cpnp_bytes){r->docs[doc], r->docs_len[doc]};
	return cpnp_orders_load(p->orders,
	    (cpnp_bytes){r->saved, r->saved_len}, docs, &order, p->now);
}

void
peer_crash(struct peer *p)
{
	cpnp_orders_del(p->orders);
	p->decide = p->offer = p->sign = p->pay = NULL;
	make_orders(p);
	for (size_t i = 0; i < p->records_n; i++) {
		if (p->records[i].is_settled)
			continue;
		if (peer_load(p, &p->records[i]) != 0)
			abort();
		peer_drain(p);
	}
}

static const struct peer_record *
record_of(const struct peer *p, const char *name, const cpnp_msg *msg)
{
	bool is_for_client = msg->method == CPNP_METHOD_OFFER;
	bool is_for_server = msg->method != CPNP_METHOD_OFFER &&
	    msg->method != CPNP_METHOD_PROCESSING &&
	    msg->method != CPNP_METHOD_ACK && msg->method != CPNP_METHOD_FAIL;

	for (size_t i = 0; i < p->records_n; i++) {
		const struct peer_record *r = &p->records[i];

		if ((is_for_client && r->role != CPNP_CLIENT) ||
		    (is_for_server && r->role != CPNP_SERVER) ||
		    strcmp(r->other, name) != 0)
			continue;
		if (cpnp_bytes_equal(
			cpnp_bytes_str(r->id), msg->customer_order_id))
			return r;
	}
	return NULL;
}

int
peer_feed(struct peer *p, const char *name, cpnp_bytes bytes)
{
	cpnp_msg msg;
	cpnp_input input = {.msg = &msg,
	    .identity = cpnp_bytes_str(name),
	    .peer = p->handle,
	    .require_statement = p->require_statement,
	    .may_order = p->may_order};
	const struct peer_record *r;
	int err = cpnp_msg_decode(&msg, bytes, NULL);

	if (err != 0) {
		(void)cpnp_orders_recv_invalid(p->orders, &input, err, p->now);
		peer_drain(p);
		return err;
	}
	input.signer = peer_signer(msg.statement);
	err = cpnp_orders_recv(p->orders, &input, p->now);
	if (err == CPNP_ERR_NOT_LOADED) {
		r = record_of(p, name, &msg);
		if (r == NULL) {
			input.searched = true;
		} else {
			err = peer_load(p, r);
			if (err != 0)
				return err;
			peer_drain(p);
		}
		err = cpnp_orders_recv(p->orders, &input, p->now);
	}
	peer_drain(p);
	return err;
}

void
peer_run_timers(struct peer *p)
{
	while (cpnp_orders_expiry(p->orders) <= p->now.mono) {
		if (cpnp_orders_handle_expiry(p->orders, p->now) != 0)
			return;
		peer_drain(p);
	}
}

/* The wall clock shows whole seconds. */
void
peer_advance(struct peer *p, cpnp_tstamp by)
{
	cpnp_tstamp from = p->now.mono / CPNP_SECONDS(1);

	p->now.mono += by;
	p->now.wall.sec += (int64_t)(p->now.mono / CPNP_SECONDS(1) - from);
	peer_run_timers(p);
}

cpnp_order *
peer_order(const struct peer *p, const char *id)
{
	cpnp_bytes other = cpnp_bytes_str(p->other);
	cpnp_order *order = cpnp_orders_find(
	    p->orders, CPNP_CLIENT, other, cpnp_bytes_str(id));

	return order != NULL ? order
			     : cpnp_orders_find(p->orders, CPNP_SERVER, other,
				   cpnp_bytes_str(id));
}

cpnp_bytes
peer_statement(
    cpnp_bytes payload, const char *name, uint8_t out[CPNP_STATEMENT_MAX])
{
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, out, CPNP_STATEMENT_MAX);
	cpnp_cbor_put_tag(&buf, 18);
	cpnp_cbor_put_array(&buf, 4);
	cpnp_cbor_put_bytes(&buf, CPNP_BYTES_LIT("\xa0"));
	cpnp_cbor_put_map(&buf, 0);
	cpnp_cbor_put_bytes(&buf, payload);
	cpnp_cbor_put_bytes(&buf, cpnp_bytes_str(name));
	assert(buf.err == 0);
	return cpnp_buf_bytes(&buf);
}

cpnp_bytes
peer_signer(cpnp_bytes statement)
{
	cpnp_cbor_rd rd;
	cpnp_bytes name;

	cpnp_cbor_rd_init(&rd, statement);
	cpnp_cbor_get_tag(&rd, 18);
	(void)cpnp_cbor_get_array(&rd, 4, 4);
	for (int i = 0; i < 3; i++)
		(void)cpnp_cbor_get_item(&rd);
	name = cpnp_cbor_get_bytes(&rd, 0, CPNP_STATEMENT_MAX);
	if (cpnp_cbor_rd_finish(&rd) != 0 || name.len == 0 ||
	    name.ptr[0] == '!')
		return CPNP_BYTES_NONE;
	return name;
}

int
peer_sign(struct peer *p, const char *name)
{
	uint8_t store[CPNP_STATEMENT_MAX];
	cpnp_bytes statement = peer_statement(
	    (cpnp_bytes){p->payload, p->payload_len}, name, store);
	cpnp_order *order = p->sign;
	int err;

	p->sign = NULL;
	err = cpnp_order_signed(p->orders, order, statement,
	    p->wants_receipt ? CPNP_BYTES_LIT("receipt") : CPNP_BYTES_NONE,
	    p->now);
	peer_drain(p);
	return err;
}

cpnp_quotation
peer_quotation(const struct peer *client, const char *id)
{
	return (cpnp_quotation){
	    .edition = CPNP_EDITION_RFC8921,
	    .customer_order_id = cpnp_bytes_str(id),
	    .peer_identity = cpnp_bytes_str(client->other),
	    .service_description = PEER_SERVICE,
	    .has_response_time = true,
	    .expected_response_time = {client->now.wall.sec + 600},
	};
}

cpnp_offer
peer_offer(
    const struct peer *server, cpnp_bytes service, int64_t valid_sec)
{
	return (cpnp_offer){
	    .service_description = service,
	    .validity = {server->now.wall.sec + valid_sec},
	    .has_cost = true,
	    .cost = {.amount = 12345,
		.code = CPNP_BYTES_LIT("EUR"),
		.exponent = 2},
	};
}
