/*
 * The inside of libcpnp-net.
 *
 *   net.c      the object, its peers and the public functions
 *   socket.c   sockets, batches in and out
 *   table.c    hash tables by path, and numbers of peers
 *   bucket.c   token buckets by source prefix
 *   udp.c      access list, cookies of plain UDP
 *   client.c   connections: addresses, messages that wait
 *   dtls.c     sessions: demultiplexer, handshakes, records
 *   bio.c      the BIO between a session and its datagrams
 *   tls.c      certificates: contexts, verification, names
 *   resume.c   sessions to resume
 *   keylog.c   secrets of sessions, in a build that has it
 *   hello.c, cookie.c, address.c   pure parts
 *
 * Nothing that a callback may have closed is freed before the outermost
 * net_leave(): what is dead waits in the graveyard.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "address.h"
#include "bucket.h"
#include "cookie.h"
#include "hello.h"

#include <cpnp/agreement.h>
#include <cpnp/net.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#define NET_BATCH 32   /* datagrams in one system call */
#define NET_ROUNDS_MAX 4 /* system calls before other sockets have a turn */
/* A message and what a DTLS record puts around it: header, explicit nonce,
 * tag. */
#define NET_RECORD_EXTRA (NET_RECORD_HEADER + 8 + 16)
#define NET_DATAGRAM_MAX (CPNP_DATAGRAM_MAX + NET_RECORD_EXTRA)
#define NET_IP_UDP 48 /* headers of IPv6 and UDP, the longer case */
#define NET_FAIL_MAX 256 /* a FAIL with a cookie and every identifier */
#define NET_OUT_MAX 64
#define NET_OUT_BYTES_MAX (16 * NET_DATAGRAM_MAX)
#define NET_CONTROL_MAX 64
#define NET_CLIENT_ADDRS_MAX 8
#define NET_RETRY_NS CPNP_MILLISECONDS(200) /* between two handshakes */
#define NET_EVICT_IDLE_NS CPNP_SECONDS(30)  /* a session that may give way */

/*
 * A path: both ends, and the socket.  Without padding, so that it compares
 * and hashes as bytes.
 */
struct net_key {
	uint8_t local[16];
	uint8_t remote[16];
	uint32_t scope;
	uint16_t port;
	uint16_t sock;
};
_Static_assert(sizeof(struct net_key) == 40, "a key has no padding");

struct net_node {
	struct net_key key;
	uint64_t hash;
	struct net_node *next;
};

struct net_table {
	struct net_node **buckets;
	size_t buckets_n; /* a power of two */
	size_t n;
	uint64_t seed[2];
};

struct net_socket {
	cpnp_net *net;
	LIST_ENTRY(net_socket) entry;
	struct event event;
	int fd;
	uint16_t number;
	cpnp_transport transport;
	struct net_addr bound;
	bool wildcard;           /* the local end comes with each datagram */
	bool dead;
	struct net_peer *client; /* a connected socket has one peer */
};

struct net_session {
	struct net_node node; /* among handshakes; a server's only */
	cpnp_net *net;
	struct net_socket *sock;
	struct net_peer *peer; /* when established, or a client's */
	SSL *ssl;
	cpnp_bytes in; /* the datagram that OpenSSL may read, once */
	struct event timer;
	LIST_ENTRY(net_session) entry; /* handshakes, or graveyard */
	cpnp_tstamp deadline;
	cpnp_wtime expires; /* of the peer's certificate */
	uint64_t generation;
	cpnp_net_side side;
	uint8_t hello[CPNP_SHA256_LEN]; /* digest of a server's ClientHello */
	bool handshaking;
	bool heard; /* something came after the handshake */
	bool dead;
	cpnp_diag diag; /* why a certificate was refused */
};

/* What a client's peer has more. */
struct net_client {
	char host[256];
	char name[256];
	char service[256];
	bool name_is_ip;
	struct net_addr source;
	bool has_source;
	struct net_addr addrs[NET_CLIENT_ADDRS_MAX];
	size_t addrs_n;
	size_t addr_i;
	size_t failures; /* handshakes in a row */
	SSL_SESSION *resume;
	cpnp_tstamp attempted; /* the last handshake that failed, or runs */
	struct event retry;
	cpnp_tstamp unanswered; /* first send that nothing followed */
	uint8_t *store; /* messages: see client.c */
	size_t store_len;
	uint8_t cookie[CPNP_COOKIE_MAX];
	size_t cookie_len;
};

TAILQ_HEAD(net_peers, net_peer);
struct net_peer {
	struct net_node node; /* among peers; a server's only */
	cpnp_net *net;
	cpnp_peer id;
	struct net_socket *sock;
	struct net_session *session;
	struct net_client *client;
	struct net_peers *list; /* that it is in, or NULL */
	TAILQ_ENTRY(net_peer) lru;
	cpnp_tstamp used;
	cpnp_rate rate; /* plain UDP: of its access-list entry */
	unsigned bucket_len;
	cpnp_transport transport;
	bool dead;
	uint8_t identity_len;
	char identity[CPNP_IDENTITY_MAX];
};

/* One side's certificates; sessions hold a reference to ctx. */
struct net_tls_side {
	SSL_CTX *ctx;
	X509_STORE *store;
	uint64_t generation;
	char identity[CPNP_IDENTITY_MAX];
	size_t identity_len;
};

struct net_source {
	struct net_addr net;
	unsigned prefix_len; /* of 128 */
	unsigned bucket_len; /* bits of a source, of 128 */
	cpnp_rate rate;
	bool no_cookie;
	uint8_t identity_len;
	char identity[CPNP_IDENTITY_MAX];
};

struct net_slot {
	struct net_peer *peer;
	uint32_t generation;
	uint32_t next_free;
};

struct net_resume; /* keylog.c */
void net_keylog_attach(const cpnp_net *net, SSL_CTX *ctx);
void net_keylog_close(cpnp_net *net);

/* resume.c */
struct net_batch;  /* socket.c */

struct cpnp_net {
	struct event_base *base;
	cpnp_net_callbacks cb;
	cpnp_net_limits limits;
	const cpnp_env *env;
	cpnp_now (*clock)(void *user);
	cpnp_net_counters count;
	struct net_cookie_jar jar;

	LIST_HEAD(, net_socket) sockets;
	struct net_socket **listeners;
	size_t listeners_n;
	struct net_batch *batch;
	struct event flush;
	struct event idle;

	struct net_buckets buckets;
	cpnp_tstamp fails_until; /* the bucket of all FAILs */

	struct net_table peers;
	struct net_table handshakes;
	struct net_peers udp; /* least recently used first */
	struct net_peers dtls;
	size_t dtls_n;
	struct net_peers clients;
	struct net_slot *slots;
	uint32_t slots_n;
	uint32_t slots_free; /* index + 1 */
	LIST_HEAD(, net_session) sessions; /* handshakes, of both roles */

	struct net_source *sources; /* longest prefix first */
	size_t sources_n;
	struct net_tls_side tls[2];
	struct net_resume *resume;
	int key_log; /* file, -1: none */
	BIO_METHOD *bio;
	BIO_ADDR *bio_addr;
	uint8_t *plain;   /* CPNP_DATAGRAM_MAX bytes: a record opened */
	uint8_t *scratch; /* the same: a message with its cookie */

	unsigned depth;
	LIST_HEAD(, net_session) dead_sessions;
	struct net_peers dead_peers;
	LIST_HEAD(, net_socket) dead_sockets;
};

/* net.c */
cpnp_now net_now(const cpnp_net *net);
void net_enter(cpnp_net *net);
void net_leave(cpnp_net *net);
int net_diag(cpnp_diag *diag, int err, const char *where, const char *why, ...)
    __attribute__((format(printf, 4, 5)));
void net_deliver(struct net_peer *peer, cpnp_bytes datagram, cpnp_now now);
void net_tell(cpnp_net *net, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now);
/* A new peer, in no table and no list; NULL without memory. */
struct net_peer *net_peer_new(cpnp_net *net, cpnp_transport transport);
void net_peer_list(struct net_peer *peer, struct net_peers *list);
struct net_peer *net_peer_get(const cpnp_net *net, cpnp_peer id);
/* Out of every table and list, its session closed; freed by net_leave(). */
void net_peer_close(struct net_peer *peer);
/* A server's peer was heard at now. */
void net_peer_touch(struct net_peer *peer, cpnp_tstamp now);
/* The text of cpnp_net_peer_address(). */
void net_path_format(const struct net_socket *sock, const struct net_key *key,
    char text[CPNP_NET_ADDRESS_MAX]);
/* The bits of 128 that make a source, of those for its family: 0 is the
 * default. */
unsigned net_bucket_len(
    const cpnp_net *net, const uint8_t ip[16], unsigned bits);
/* See to it that what is idle will be closed. */
void net_idle_arm(cpnp_net *net, cpnp_tstamp now);
void net_event_arm(struct event *event, cpnp_tstamp delay);
/* NUL-terminated copy; CPNP_ERR_INVALID when it does not fit. */
int net_copy(char *out, size_t size, const char *text);

/* table.c */
int net_table_init(struct net_table *table, const cpnp_env *env);
void net_table_fini(struct net_table *table);
struct net_node *net_table_get(
    const struct net_table *table, const struct net_key *key);
/* node->key is set; the key must not be there yet. */
void net_table_put(struct net_table *table, struct net_node *node);
void net_table_remove(struct net_table *table, struct net_node *node);
uint64_t net_hash(const uint64_t seed[2], const void *bytes, size_t words);

/* socket.c */
int net_batch_new(cpnp_net *net);
void net_batch_del(cpnp_net *net);
bool net_batch_is_empty(const cpnp_net *net);
/* Bind and, when remote is not NULL, connect. */
int net_socket_new(cpnp_net *net, struct net_socket **sock,
    cpnp_transport transport, const struct net_addr *local,
    const struct net_addr *remote, cpnp_diag *diag);
void net_socket_close(struct net_socket *sock);
void net_key_set(struct net_key *key, const struct net_socket *sock,
    const struct net_addr *local, const struct net_addr *remote);
/* Queue a copy of datagram for the path.  CPNP_ERR_NO_SPACE. */
int net_socket_send(struct net_socket *sock, const struct net_key *key,
    cpnp_bytes datagram);

/* udp.c */
const struct net_source *net_source_find(
    const cpnp_net *net, const struct net_key *key);
void net_udp_recv(struct net_socket *sock, const struct net_key *key,
    cpnp_bytes datagram, cpnp_now now);
struct net_peer *net_udp_peer_new(struct net_socket *sock,
    const struct net_key *key, const struct net_source *source, cpnp_now now);

/* client.c */
int net_client_new(cpnp_net *net, const cpnp_net_target *target,
    struct net_peer **peer, cpnp_diag *diag);
void net_client_free(struct net_client *client);
void net_client_recv(
    struct net_peer *peer, cpnp_bytes datagram, cpnp_now now);
int net_client_send(struct net_peer *peer, cpnp_bytes datagram, cpnp_now now);
int net_client_reconnect(struct net_peer *peer, cpnp_now now);
/* The session is up: send what waits. */
void net_client_up(struct net_peer *peer, cpnp_now now);
/* No session came of it: try the next address when something waits. */
void net_client_failed(
    struct net_peer *peer, const cpnp_diag *diag, cpnp_now now);
/* Nothing listens at the address (ICMP said so). */
void net_client_refused(struct net_peer *peer, cpnp_now now);
void net_client_heard(struct net_peer *peer);

/* dtls.c */
void net_dtls_recv(struct net_socket *sock, const struct net_key *key,
    cpnp_bytes datagram, cpnp_now now);
void net_session_recv(
    struct net_session *session, cpnp_bytes datagram, cpnp_now now);
int net_session_send(
    struct net_session *session, cpnp_bytes datagram, cpnp_now now);
/* Begin the handshake of a client. */
int net_session_connect(struct net_peer *peer, cpnp_now now);
/* With a close_notify when it was established; freed by net_leave(). */
void net_session_close(struct net_session *session);
void net_session_free(struct net_session *session);

/* bio.c */
BIO_METHOD *net_bio_method(void);
BIO *net_bio_new(BIO_METHOD *method, struct net_session *session);

/* tls.c */
int net_tls_load(cpnp_net *net, cpnp_net_side side, const cpnp_net_tls *tls,
    cpnp_diag *diag);
void net_tls_fini(struct net_tls_side *tls);
/* Is this certificate still good, at this time, with these lists? */
int net_tls_verify(const struct net_tls_side *tls, cpnp_net_side side,
    X509 *leaf, STACK_OF(X509) * chain, cpnp_wtime wall, cpnp_diag *diag);
/* Does it carry the name that the client asked for? */
bool net_tls_name_matches(const struct net_client *client, X509 *cert);
/* When the certificate or one of its chain expires, whichever is first. */
cpnp_wtime net_tls_expiry(X509 *leaf, STACK_OF(X509) * chain);
/* The reason of the last failure in OpenSSL's queue, which is emptied. */
const char *net_tls_reason(char *buf, size_t size);
/* The identity that a certificate stands for.  CPNP_ERR_CONFIG. */
int net_tls_identity(X509 *cert, char identity[CPNP_IDENTITY_MAX],
    size_t *len, cpnp_diag *diag);
struct net_session *net_tls_session(const SSL *ssl);

/* resume.c */
int net_resume_new(cpnp_net *net);
void net_resume_del(cpnp_net *net);
void net_resume_attach(SSL_CTX *ctx);

#endif
