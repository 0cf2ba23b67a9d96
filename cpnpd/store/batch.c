/*
 * A batch in memory: everything that one transaction will write, copied into
 * one buffer and two arrays, so that the writer thread needs nothing else.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int
store_array_grow(
    const cpnp_mem *mem, void **array, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap == 0 ? 16 : 2 * *cap;
	void *ptr;

	if (n < *cap)
		return 0;
	if (more > STORE_BATCH_BYTES_MAX / size)
		return CPNP_ERR_NO_SPACE;
	ptr = mem->realloc(mem->user, *array, more * size);
	if (ptr == NULL)
		return CPNP_ERR_NOMEM;
	*array = ptr;
	*cap = more;
	return 0;
}

cpnp_store_batch *
cpnp_store_batch_new(cpnp_store *store, void *user)
{
	const cpnp_mem *mem = &store->mem;
	cpnp_store_batch *batch = mem->alloc(mem->user, sizeof(*batch));

	if (batch == NULL)
		return NULL;
	memset(batch, 0, sizeof(*batch));
	batch->mem = mem;
	batch->user = user;
	cpnp_buf_init(&batch->data, mem, STORE_BATCH_BYTES_MAX);
	cpnp_buf_init(&batch->receipt_data, mem, STORE_BATCH_BYTES_MAX);
	return batch;
}

void
cpnp_store_batch_del(cpnp_store_batch *batch)
{
	const cpnp_mem *mem;

	if (batch == NULL)
		return;
	mem = batch->mem;
	cpnp_buf_fini(&batch->data);
	cpnp_buf_fini(&batch->receipt_data);
	mem->free(mem->user, batch->orders);
	mem->free(mem->user, batch->entries);
	mem->free(mem->user, batch->notes);
	mem->free(mem->user, batch->table);
	mem->free(mem->user, batch->receipts);
	mem->free(mem->user, batch);
}

void *
cpnp_store_batch_user(const cpnp_store_batch *batch)
{
	return batch->user;
}

size_t
cpnp_store_batch_count(const cpnp_store_batch *batch)
{
	return batch->entries_n;
}

size_t
cpnp_store_batch_bytes(const cpnp_store_batch *batch)
{
	return batch->data.len;
}

struct store_slice
store_put_bytes(cpnp_store_batch *batch, cpnp_bytes bytes)
{
	struct store_slice slice = {batch->data.len, bytes.len};

	cpnp_buf_put_raw(&batch->data, bytes);
	return slice;
}

/* References are digests, so any of their bytes spread well. */
static uint32_t *
table_slot(cpnp_store_batch *batch, const uint8_t ref[CPNP_SHA256_LEN])
{
	size_t mask = batch->table_cap - 1;
	size_t i;
	uint32_t *slot;

	memcpy(&i, ref, sizeof(i));
	for (;; i++) {
		slot = &batch->table[i & mask];
		if (*slot == 0 ||
		    memcmp(batch->orders[*slot - 1].ref, ref,
			CPNP_SHA256_LEN) == 0)
			return slot;
	}
}

/* Keep the table at most half full. */
static int
table_grow(cpnp_store_batch *batch)
{
	size_t cap = batch->table_cap == 0 ? 32 : 2 * batch->table_cap;
	uint32_t *table;
	size_t i;

	if (2 * (batch->orders_n + 1) <= batch->table_cap)
		return 0;
	table = batch->mem->alloc(batch->mem->user, cap * sizeof(*table));
	if (table == NULL)
		return CPNP_ERR_NOMEM;
	memset(table, 0, cap * sizeof(*table));
	batch->mem->free(batch->mem->user, batch->table);
	batch->table = table;
	batch->table_cap = cap;
	for (i = 0; i < batch->orders_n; i++)
		*table_slot(batch, batch->orders[i].ref) = (uint32_t)(i + 1);
	return 0;
}

/* The place of an order in the batch, new or not. */
static int
find_order(cpnp_store_batch *batch, const cpnp_order *order, size_t *index)
{
	const uint8_t *ref = cpnp_order_ref(order);
	struct store_order *place;
	uint32_t *slot;
	int err;

	err = table_grow(batch);
	if (err == 0)
		err = store_array_grow(batch->mem,
		    (void **)&batch->orders, &batch->orders_cap,
		    batch->orders_n, sizeof(*batch->orders));
	if (err != 0)
		return err;
	slot = table_slot(batch, ref);
	if (*slot == 0) {
		place = &batch->orders[batch->orders_n];
		memset(place, 0, sizeof(*place));
		memcpy(place->ref, ref, CPNP_SHA256_LEN);
		place->role = cpnp_order_role(order);
		place->peer = store_put_bytes(batch, cpnp_order_peer_identity(order));
		place->customer =
		    store_put_bytes(batch, cpnp_order_customer_id(order));
		*slot = (uint32_t)++batch->orders_n;
	}
	*index = *slot - 1;
	return batch->data.err;
}

struct store_entry *
store_add_entry(cpnp_store_batch *batch, const cpnp_order *order,
    enum store_entry_type type)
{
	struct store_entry *entry;
	size_t index;

	if (batch->err == 0)
		batch->err = find_order(batch, order, &index);
	if (batch->err == 0)
		batch->err = store_array_grow(batch->mem,
		    (void **)&batch->entries, &batch->entries_cap,
		    batch->entries_n, sizeof(*batch->entries));
	if (batch->err != 0)
		return NULL;
	entry = &batch->entries[batch->entries_n++];
	memset(entry, 0, sizeof(*entry));
	entry->type = type;
	entry->order = index;
	return entry;
}

static int
put_docs(cpnp_store_batch *batch, struct store_order *place,
    const cpnp_order *order, uint32_t changed)
{
	unsigned i;

	for (i = 0; i < CPNP_DOC_END; i++)
		if ((changed & (1u << i)) != 0)
			place->docs[i] = store_put_bytes(
			    batch, cpnp_order_doc(order, (cpnp_doc)i));
	place->docs_changed |= changed;
	return batch->data.err;
}

/* Proofs need the opening of the order's reference. */
static int
put_opening(
    cpnp_store_batch *batch, struct store_order *place, const cpnp_order *order)
{
	cpnp_order_opening opening;
	int err = cpnp_order_get_opening(order, &opening);

	if (err != 0)
		return err;
	place->opening.off = batch->data.len;
	err = cpnp_order_opening_encode(&opening, &batch->data);
	place->opening.len = batch->data.len - place->opening.off;
	return err;
}

static int
put_agreement(cpnp_store_batch *batch, struct store_entry *entry,
    const cpnp_order *order)
{
	cpnp_agreement agreement;
	int err = cpnp_order_get_agreement(order, &agreement);

	if (err != 0)
		return err == CPNP_ERR_STATE ? 0 : err;
	entry->u.event.agreement.off = batch->data.len;
	err = cpnp_agreement_encode(&agreement, &batch->data);
	entry->u.event.agreement.len =
	    batch->data.len - entry->u.event.agreement.off;
	return err;
}

bool
cpnp_store_next_date(const cpnp_order *order, cpnp_wtime *date)
{
	cpnp_state state = cpnp_order_state(order);
	cpnp_wait wait;

	if (cpnp_order_role(order) != CPNP_SERVER ||
	    cpnp_order_agreement_state(order) != CPNP_AGREEMENT_NONE ||
	    (state != CPNP_STATE_OFFER_PROPOSED &&
		state != CPNP_STATE_PROCESSING_RECEIVED))
		return cpnp_order_next_service_event(order, date);
	cpnp_order_wait(order, &wait);
	*date = wait.until;
	return wait.has_until;
}

/* The order as it is now takes the place of what the batch held of it. */
static int
put_state(cpnp_store_batch *batch, struct store_order *place,
    const cpnp_effect *effect)
{
	const cpnp_order *order = effect->order;
	uint32_t changed = effect->u.store.docs_changed;
	int err;

	place->has_state = true;
	place->state = cpnp_order_state(order);
	place->agreement = cpnp_order_agreement_state(order);
	place->settled = cpnp_order_is_settled(order);
	place->changed = effect->u.store.time;
	place->has_service = cpnp_store_next_date(order, &place->service);
	place->provider = store_put_bytes(batch, cpnp_order_provider_id(order));
	place->saved.off = batch->data.len;
	err = cpnp_order_save(order, &batch->data);
	place->saved.len = batch->data.len - place->saved.off;
	if (err == 0)
		err = put_docs(batch, place, order, changed);
	if (err == 0 && (changed & (1u << CPNP_DOC_REQUEST)) != 0)
		err = put_opening(batch, place, order);
	return err;
}

int
cpnp_store_put(cpnp_store_batch *batch, const cpnp_effect *effect,
    uint64_t receipt_tag)
{
	const cpnp_order *order = effect->order;
	struct store_entry *entry;
	cpnp_bytes payload;
	int err;

	if (effect->type != CPNP_EFFECT_STORE || order == NULL)
		return CPNP_ERR_INVALID;
	entry = store_add_entry(batch, order, STORE_ENTRY_EVENT);
	if (entry == NULL)
		return batch->err;
	entry->u.event.from = effect->u.store.from;
	entry->u.event.to = effect->u.store.to;
	entry->u.event.agreement_from = effect->u.store.agreement_from;
	entry->u.event.agreement_to = effect->u.store.agreement_to;
	entry->u.event.event = effect->u.store.event;
	entry->u.event.time = effect->u.store.time;
	entry->u.event.receipt_tag = receipt_tag;
	entry->u.event.previous = batch->orders[entry->order].last;
	batch->orders[entry->order].last = ++batch->events_n;
	entry->u.event.detail =
	    store_put_bytes(batch, cpnp_bytes_str(effect->u.store.detail));
	entry->u.event.statement = store_put_bytes(batch, effect->u.store.statement);
	err = put_state(batch, &batch->orders[entry->order], effect);
	if (err == 0 &&
	    (effect->u.store.docs_changed & (1u << CPNP_DOC_OFFER)) != 0)
		err = put_agreement(batch, entry, order);
	/* The signed ACK lets its receipt be verified; without one it is
	 * worth nothing, and the journal keeps what is verified only. */
	if (cpnp_order_role(order) == CPNP_CLIENT &&
	    effect->u.store.event == CPNP_EVENT_RECV_ACK &&
	    cpnp_statement_payload(effect->u.store.statement, &payload) == 0)
		entry->u.event.receipt =
		    store_put_bytes(batch, cpnp_order_receipt(order));
	batch->err = err != 0 ? err : batch->data.err;
	return batch->err;
}

int
cpnp_store_want_receipt(cpnp_store_batch *batch, const cpnp_order *order,
    cpnp_event event, uint64_t receipt_tag)
{
	struct store_entry *entry =
	    store_add_entry(batch, order, STORE_ENTRY_RECEIPT);

	if (entry == NULL)
		return batch->err;
	entry->u.receipt.event = event;
	entry->u.receipt.tag = receipt_tag;
	return batch->err;
}

int
cpnp_store_put_note(
    cpnp_store_batch *batch, const cpnp_order *order, cpnp_bytes note)
{
	size_t index;

	if (note.len > CPNP_STORE_NOTE_MAX)
		return CPNP_ERR_INVALID;
	if (batch->err == 0)
		batch->err = find_order(batch, order, &index);
	if (batch->err != 0)
		return batch->err;
	batch->orders[index].note = store_put_bytes(batch, note);
	batch->orders[index].has_note = true;
	batch->err = batch->data.err;
	return batch->err;
}

void
cpnp_store_put_acknowledged(cpnp_store_batch *batch, uint64_t number)
{
	if (number > batch->acknowledged)
		batch->acknowledged = number;
}

int
cpnp_store_put_holds(cpnp_store_batch *batch, const cpnp_order *order,
    const cpnp_store_hold *holds, size_t n)
{
	static const uint8_t zero[sizeof(void *) * 2];
	struct store_entry *entry = store_add_entry(batch, order, STORE_ENTRY_HOLDS);
	size_t pad;

	if (entry == NULL)
		return batch->err;
	/* They are read in place, so they begin where such a thing may. */
	pad = (0 - batch->data.len) % _Alignof(cpnp_store_hold);
	cpnp_buf_put_raw(&batch->data, (cpnp_bytes){zero, pad});
	entry->u.holds = store_put_bytes(batch,
	    (cpnp_bytes){(const uint8_t *)holds, n * sizeof(*holds)});
	batch->err = batch->data.err;
	return batch->err;
}

int
cpnp_store_buy_holds(cpnp_store_batch *batch, const cpnp_order *order)
{
	(void)store_add_entry(batch, order, STORE_ENTRY_BUY);
	return batch->err;
}

int
cpnp_store_drop_holds(cpnp_store_batch *batch, const cpnp_order *order)
{
	(void)store_add_entry(batch, order, STORE_ENTRY_RELEASE);
	return batch->err;
}

static int
compare_tag(const void *key, const void *element)
{
	uint64_t tag = *(const uint64_t *)key;
	const struct store_receipt *receipt = element;

	return tag < receipt->tag ? -1 : tag > receipt->tag;
}

cpnp_bytes
cpnp_store_receipt(const cpnp_store_batch *batch, uint64_t receipt_tag)
{
	const struct store_receipt *receipt;

	if (batch->receipts_n == 0)
		return CPNP_BYTES_NONE;
	receipt = bsearch(&receipt_tag, batch->receipts, batch->receipts_n,
	    sizeof(*receipt), compare_tag);
	if (receipt == NULL)
		return CPNP_BYTES_NONE;
	return store_slice_bytes(&batch->receipt_data, receipt->bytes);
}
