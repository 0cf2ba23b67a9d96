/*
 * Which orders are children of which, in the store; and its secret.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

static cpnp_order parent, child[2];

static void
put_order(cpnp_store_batch *batch, cpnp_order *order, cpnp_role role,
    const char *peer, const char *id, unsigned serial)
{
	cpnp_effect effect;

	fake_order_init(order, role, peer, id, serial);
	effect = fake_order_step(order,
	    role == CPNP_SERVER ? CPNP_STATE_PQO_RECEIVED
				: CPNP_STATE_CHILD_CREATED,
	    role == CPNP_SERVER ? CPNP_EVENT_RECV_QUOTATION
				: CPNP_EVENT_CREATE, 0);
	ck_assert_int_eq(cpnp_store_put(batch, &effect, 0), 0);
}

static int
list_link(void *user, const cpnp_store_link *link)
{
	char *list = user;

	(void)sprintf(list + strlen(list), "%u.%u %.*s/%.*s<%.*s/%.*s ",
	    (unsigned)link->request, (unsigned)link->segment,
	    (int)link->child_peer.len, (const char *)link->child_peer.ptr,
	    (int)link->child_id.len, (const char *)link->child_id.ptr,
	    (int)link->parent_peer.len, (const char *)link->parent_peer.ptr,
	    (int)link->parent_id.len, (const char *)link->parent_id.ptr);
	return 0;
}

/* A child is found by its parent and its parent by a child, also when an
 * order of the other role has the same names. */
START_TEST(test_store_keeps_links)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	char list[256] = "";
	cpnp_order other;

	put_order(batch, &parent, CPNP_SERVER, "a.example", "C-1", 1);
	put_order(batch, &other, CPNP_CLIENT, "a.example", "C-1", 2);
	put_order(batch, &child[0], CPNP_CLIENT, "b.example", "K-1", 3);
	put_order(batch, &child[1], CPNP_CLIENT, "c.example", "K-2", 4);
	for (uint32_t i = 0; i < 2; i++)
		ck_assert_int_eq(cpnp_store_put_link(batch, &child[i],
		    &parent, &(cpnp_store_link){.segment = i,
			.request = 1 + i}), 0);
	ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
	cpnp_store_batch_del(batch);
	cpnp_store_close(store);

	store = fixture_open(false);
	ck_assert_int_eq(cpnp_store_each_child(store,
	    CPNP_BYTES_LIT("a.example"), CPNP_BYTES_LIT("C-1"), list_link,
	    list), 0);
	ck_assert_str_eq(list, "1.0 b.example/K-1<a.example/C-1 "
	    "2.1 c.example/K-2<a.example/C-1 ");
	list[0] = '\0';
	ck_assert_int_eq(cpnp_store_find_parent(store,
	    CPNP_BYTES_LIT("c.example"), CPNP_BYTES_LIT("K-2"), list_link,
	    list), 0);
	ck_assert_str_eq(list, "2.1 c.example/K-2<a.example/C-1 ");
	list[0] = '\0';
	ck_assert_int_eq(cpnp_store_find_parent(store,
	    CPNP_BYTES_LIT("a.example"), CPNP_BYTES_LIT("C-1"), list_link,
	    list), 0);
	ck_assert_str_eq(list, "");
	cpnp_store_close(store);
}
END_TEST

/* A child without a parent would be forgotten: the batch fails. */
START_TEST(test_store_refuses_an_orphan)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);

	fake_order_init(&parent, CPNP_SERVER, "a.example", "C-1", 1);
	put_order(batch, &child[0], CPNP_CLIENT, "b.example", "K-1", 3);
	ck_assert_int_eq(cpnp_store_put_link(
	    batch, &child[0], &parent, &(cpnp_store_link){.request = 1}), 0);
	ck_assert_int_eq(
	    cpnp_store_commit(store, batch), CPNP_ERR_NOT_FOUND);
	cpnp_store_batch_del(batch);
	ck_assert_int_eq(fixture_query("SELECT count(*) FROM orders"), 0);
	cpnp_store_close(store);
}
END_TEST

/* The secret is made once. */
START_TEST(test_store_keeps_its_secret)
{
	uint8_t first[CPNP_STORE_SECRET_LEN], second[CPNP_STORE_SECRET_LEN];
	cpnp_store *store = fixture_open(false);

	ck_assert_int_eq(cpnp_store_secret(store, first), 0);
	cpnp_store_close(store);
	store = fixture_open(false);
	ck_assert_int_eq(cpnp_store_secret(store, second), 0);
	ck_assert_mem_eq(first, second, sizeof(first));
	memset(second, 0, sizeof(second));
	ck_assert_mem_ne(first, second, sizeof(first));
	cpnp_store_close(store);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_store_keeps_links,
	    test_store_refuses_an_orphan, test_store_keeps_its_secret};

	return fixture_run(
	    "store links", tests, sizeof(tests) / sizeof(tests[0]));
}
