/*
 * Sessions that clients may resume, kept here and not in an SSL_CTX: so they
 * outlive a reload, and each is checked against the certificates of now before
 * the server agrees.  One that fails is forgotten, and the client gets a full
 * handshake.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* The identifier of a session is the key of the table; ours have 32 bytes. */
struct resumable {
	struct net_node node;
	TAILQ_ENTRY(resumable) age;
	SSL_SESSION *session;
	STACK_OF(X509) * chain;
	cpnp_tstamp born;
};

struct net_resume {
	struct net_table table;
	TAILQ_HEAD(, resumable) oldest;
};

static bool
key_of(struct net_key *key, const uint8_t *id, size_t len)
{
	memset(key, 0, sizeof(*key));
	if (len != sizeof(key->local) + sizeof(key->remote))
		return false;
	memcpy(key->local, id, sizeof(key->local));
	memcpy(key->remote, id + sizeof(key->local), sizeof(key->remote));
	return true;
}

static void
resumable_del(cpnp_net *net, struct resumable *one)
{
	net_table_remove(&net->resume->table, &one->node);
	TAILQ_REMOVE(&net->resume->oldest, one, age);
	net->count.resumable--;
	sk_X509_pop_free(one->chain, X509_free);
	SSL_SESSION_free(one->session);
	free(one);
}

static struct resumable *
resumable_get(const cpnp_net *net, const uint8_t *id, size_t len)
{
	struct net_key key;

	if (!key_of(&key, id, len))
		return NULL;
	return (struct resumable *)(void *)net_table_get(
	    &net->resume->table, &key);
}

/* A full handshake is complete.  1: we keep the reference. */
static int
on_new(SSL *ssl, SSL_SESSION *session)
{
	cpnp_net *net = net_tls_session(ssl)->net;
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	struct resumable *one;
	struct net_key key;
	const uint8_t *id;
	unsigned len;

	id = SSL_SESSION_get_id(session, &len);
	if (!key_of(&key, id, len) ||
	    net_table_get(&net->resume->table, &key) != NULL)
		return 0;
	one = calloc(1, sizeof(*one));
	if (one == NULL)
		return 0;
	if (chain != NULL) {
		one->chain = X509_chain_up_ref(chain);
		if (one->chain == NULL) {
			free(one);
			return 0;
		}
	}
	if (net->count.resumable >= net->limits.resumable_max)
		resumable_del(net, TAILQ_FIRST(&net->resume->oldest));
	one->node.key = key;
	one->session = session;
	one->born = net_now(net).mono;
	net_table_put(&net->resume->table, &one->node);
	TAILQ_INSERT_TAIL(&net->resume->oldest, one, age);
	net->count.resumable++;
	return 1;
}

/* A client wants to resume. */
static SSL_SESSION *
on_get(SSL *ssl, const unsigned char *id, int len, int *copy)
{
	cpnp_net *net = net_tls_session(ssl)->net;
	struct resumable *one = resumable_get(net, id, (size_t)len);
	cpnp_now now = net_now(net);

	if (one == NULL)
		return NULL;
	if (now.mono - one->born >= net->limits.resumable_ns_max ||
	    net_tls_verify(&net->tls[CPNP_NET_SERVER], CPNP_NET_SERVER,
		SSL_SESSION_get0_peer(one->session), one->chain, now.wall,
		NULL) != 0) {
		net->count.dtls_resume_refused++;
		resumable_del(net, one);
		return NULL;
	}
	*copy = 1;
	return one->session;
}

/* OpenSSL forgets a session after a fatal alert, and when its context is
 * freed, which has none of ours. */
static void
on_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
	cpnp_net *net = SSL_CTX_get_app_data(ctx);
	struct resumable *one;
	const uint8_t *id;
	unsigned len;

	id = SSL_SESSION_get_id(session, &len);
	one = net->resume != NULL ? resumable_get(net, id, len) : NULL;
	if (one != NULL && one->session == session)
		resumable_del(net, one);
}

void
net_resume_attach(SSL_CTX *ctx)
{
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_new);
	SSL_CTX_sess_set_get_cb(ctx, on_get);
	SSL_CTX_sess_set_remove_cb(ctx, on_remove);
}

int
net_resume_new(cpnp_net *net)
{
	net->resume = calloc(1, sizeof(*net->resume));
	if (net->resume == NULL)
		return CPNP_ERR_NOMEM;
	TAILQ_INIT(&net->resume->oldest);
	return net_table_init(&net->resume->table, net->env);
}

void
net_resume_del(cpnp_net *net)
{
	struct resumable *one;

	if (net->resume == NULL)
		return;
	while ((one = TAILQ_FIRST(&net->resume->oldest)) != NULL)
		resumable_del(net, one);
	net_table_fini(&net->resume->table);
	free(net->resume);
	net->resume = NULL;
}
