/*
 * libcpnp-net: datagrams between peers, over DTLS 1.2 or plain UDP.
 *
 * A cpnp_net lives on an event base of libevent.  It listens on any number of
 * addresses, connects to any number of servers, and hands each datagram that
 * came from an authenticated peer to a callback, with the peer's identity.  It
 * knows messages only as far as the cookie exchange of plain UDP needs.
 *
 * What it sees to, so that nobody above has to:
 *  - DTLS 1.2 (RFC 6347, RFC 9325) with X.509 on both sides; a stateless
 *    cookie before anything is allocated; resumption, with expiry and
 *    revocation checked again each time; replay detection; a deadline on the
 *    monotonic clock for every handshake.
 *  - Plain UDP for listed sources only, and a cookie before a message of an
 *    address that has not proved itself is delivered.
 *  - Never more bytes to an unproved address than came from it.
 *  - Bounds on every table, and a counter for every reason to drop.
 *
 * A cpnp_net is used by one thread, that of its event base.  Callbacks run
 * from that loop; they may call every function here except cpnp_net_del().
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_NET_H
#define CPNP_NET_H

#include <cpnp/error.h>
#include <cpnp/message.h>
#include <cpnp/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base; /* <event2/event.h> */
struct x509_st;    /* X509 of <openssl/x509.h> */

/*
 * A ready environment for the core: malloc, RAND_bytes() and SHA-256 of
 * OpenSSL.  Static, good for every thread.
 */
CPNP_API const cpnp_env *cpnp_env_openssl(void);

/* Both clocks, for applications; the core never asks. */
CPNP_API cpnp_now cpnp_now_read(void);

typedef struct cpnp_net cpnp_net;

/*
 * A peer, by number: a DTLS session or a UDP address for a server, a
 * configured server for a client.  Numbers are not used again, so one that is
 * gone is CPNP_ERR_NOT_FOUND and never somebody else.  0 is no peer.
 */
typedef uint64_t cpnp_peer;
#define CPNP_PEER_NONE 0

typedef enum cpnp_transport {
	CPNP_TRANSPORT_UDP = 1,
	CPNP_TRANSPORT_DTLS = 2
} cpnp_transport;

/* A peer's address as text, "dtls:[2001:db8::7]:5555@[2001:db8::1]:49921":
 * transport, the peer's end, and our end.  With its NUL. */
#define CPNP_NET_ADDRESS_MAX 160

typedef enum cpnp_net_event {
	CPNP_NET_UP = 1, /* a DTLS session is established */
	CPNP_NET_DOWN,   /* it is over; a server's peer number is gone with it,
			    a client's peer connects again with the next send */
	CPNP_NET_FAILED  /* no session, or with UDP nobody listens; peer is 0 on
			    a server.  A client has tried every address, and
			    tries again with the next send */
} cpnp_net_event;

/*
 * What the application is told.  Only message is mandatory.
 *
 * message   A datagram of an authenticated peer.  identity and datagram are
 *           good until the callback returns.
 * batch_end All datagrams that were waiting on a socket have been delivered:
 *           the moment to start a group commit.  What was sent meanwhile goes
 *           out right after it.
 * event     See above; diag (never NULL) says where and why, in words.
 */
typedef struct cpnp_net_callbacks {
	void *user;
	void (*message)(void *user, cpnp_peer peer, cpnp_bytes identity,
	    cpnp_bytes datagram, cpnp_now now);
	void (*batch_end)(void *user, cpnp_now now);
	void (*event)(void *user, cpnp_peer peer, cpnp_net_event event,
	    const cpnp_diag *diag, cpnp_now now);
} cpnp_net_callbacks;

/*
 * Files of a DTLS party, all PEM.  The key is Ed25519, ECDSA P-256 or RSA of
 * at least 2048 bits.  A certificate without an identity (below) is refused,
 * our own as well as a peer's.
 */
typedef struct cpnp_net_tls {
	const char *certificate; /* own certificate, then its intermediates */
	const char *key;         /* not encrypted */
	const char *ca;          /* CAs under which peers' certificates are */
	const char *crl; /* revocation lists, one for each CA; NULL for none */
} cpnp_net_tls;

/*
 * A token bucket: so many a second in the long run, and so many at once; 0 of
 * either counts as 1.  The state of a bucket is the time until which it is in
 * use, 0 in the beginning.  Takes a token when it says yes.
 */
typedef struct cpnp_rate {
	uint32_t per_second;
	uint32_t burst;
} cpnp_rate;
CPNP_API bool cpnp_rate_take(
    const cpnp_rate *rate, cpnp_tstamp *until, cpnp_tstamp now);

/*
 * Bounds; 0 means the default, in brackets.  A rate is that of a source, all
 * addresses with the same first bits.
 */
typedef struct cpnp_net_limits {
	uint32_t sessions_max;   /* established DTLS sessions [16384] */
	uint32_t handshakes_max; /* handshakes under way [1024] */
	uint32_t resumable_max;  /* sessions kept for resumption [32768] */
	uint32_t addresses_max;  /* UDP addresses that have proved themselves;
				    the least recently used gives way [65536] */
	cpnp_tstamp handshake_ns_max; /* handshake deadline [10 s] */
	cpnp_tstamp idle_ns_max;      /* silence that ends a session [10 min] */
	cpnp_tstamp resumable_ns_max; /* age that ends resumption [24 h] */
	cpnp_tstamp silence_ns_max; /* client: no answer for so long and another
				       send means a new session [5 s] */
	uint32_t fails_burst;       /* FAILs to one source at once [20] */
	uint32_t fails_per_second;  /* and steadily [10] */
	cpnp_rate fails_all;        /* FAILs to all together [1000, 2000] */
	cpnp_rate handshake;        /* DTLS: datagrams from one source before
				       a handshake is complete; ClientHellos
				       have a bucket of their own [200, 2000] */
	unsigned prefix_len_v4;     /* bits of a source [32] */
	unsigned prefix_len_v6;     /* [56] */
	uint16_t mtu; /* largest IP packet of a handshake, and of a part of a
			 message, 576 or more [1280] */
} cpnp_net_limits;

/*
 * callbacks and limits are copied.  env is borrowed; NULL means
 * cpnp_env_openssl().  clock, when not NULL, is asked instead of
 * cpnp_now_read(): tests step it.
 */
typedef struct cpnp_net_config {
	cpnp_net_callbacks callbacks;
	cpnp_net_limits limits;
	const cpnp_env *env;
	cpnp_now (*clock)(void *user);
} cpnp_net_config;

/*
 * Errors: CPNP_ERR_INVALID without a message callback, _NOMEM, _RANDOM.
 */
CPNP_API int cpnp_net_new(
    cpnp_net **net, struct event_base *base, const cpnp_net_config *config);
/* Other limits from now on; what is there already and over them stays.
 * Errors: CPNP_ERR_INVALID, and nothing is changed. */
CPNP_API int cpnp_net_set_limits(
    cpnp_net *net, const cpnp_net_limits *limits);
/* Closes sessions with a close_notify and frees everything. */
CPNP_API void cpnp_net_del(cpnp_net *net);

/*
 * Load or replace the certificates of one side.  CPNP_NET_SERVER is for
 * sessions that come to our listeners, CPNP_NET_CLIENT for our connections.
 *
 * New handshakes use the new files.  Live sessions and sessions to resume are
 * checked against them when they are used next, and closed when they no
 * longer hold.  On failure everything stays as it was.
 *
 * Errors: CPNP_ERR_CONFIG, diag names the file and what is wrong with it.
 */
typedef enum cpnp_net_side { CPNP_NET_SERVER, CPNP_NET_CLIENT } cpnp_net_side;
CPNP_API int cpnp_net_reload_tls(cpnp_net *net, cpnp_net_side side,
    const cpnp_net_tls *tls, cpnp_diag *diag);

/*
 * Append the secrets of every session to a file, in the format that
 * Wireshark reads (SSLKEYLOGFILE): whoever has it reads the sessions.  It is
 * made with mode 0600, or has to be a regular file of our own with no more
 * than that.  Only in a build that was configured with --enable-keylog; path
 * NULL asks whether this is one.
 *
 * Errors: CPNP_ERR_UNAVAILABLE, it is none; _IO, _CONFIG, about the file; diag
 * says why.
 */
CPNP_API int cpnp_net_set_key_log(
    cpnp_net *net, const char *path, cpnp_diag *diag);

/*
 * The identity of our own certificate on one side, by the rule that holds for
 * clients: the first dNSName of the subjectAltName in lower case, else the
 * first rfc822Name or URI.  A name with a wildcard stands for nobody and does
 * not count.  Good until the next reload; empty before the first.
 */
CPNP_API cpnp_bytes cpnp_net_identity(const cpnp_net *net, cpnp_net_side side);

/*
 * Sources that may speak plain UDP to us.  prefix is "192.0.2.0/24",
 * "2001:db8::/32" or a single address; the longest prefix that matches
 * counts.  identity is the name that orders of this source belong to.
 * no_cookie delivers messages from addresses that have not proved themselves,
 * for peers that do not know COOKIE; whoever can send with such a source
 * address can then make us store and answer.
 *
 * rate bounds the datagrams from each source before anything is done for them:
 * those of addresses that have proved themselves, and in a second bucket those
 * of addresses that have not.  Members of it that are 0 are the default, 1000
 * datagrams a second and the same number at once.  prefix_len is the number of
 * bits that make a source, never fewer than those of the prefix itself; 0: as
 * in cpnp_net_limits.  What is over the rate is dropped without an answer.
 *
 * The list replaces the one before; the strings are copied.  Addresses that
 * it no longer covers are forgotten.
 *
 * Errors: CPNP_ERR_CONFIG, diag names the entry; _FULL, more than
 * CPNP_NET_ACCESS_MAX; _NOMEM.
 */
#define CPNP_NET_ACCESS_MAX 4096
typedef struct cpnp_net_access {
	const char *prefix;
	const char *identity;
	bool no_cookie;
	cpnp_rate rate;
	unsigned prefix_len;
} cpnp_net_access;
CPNP_API int cpnp_net_set_access(cpnp_net *net,
    const cpnp_net_access *entries, size_t n, cpnp_diag *diag);

/*
 * Listen on "192.0.2.1:49921", "[2001:db8::1]:49921", "0.0.0.0:49921" or
 * "[::]:49921" (IPv6 only); the port may be left out.  Port 0 takes a free
 * one.  Answers leave from the address that was asked, on wildcards too.
 *
 * Errors: CPNP_ERR_CONFIG, when the address does not parse, DTLS has no
 * certificate yet or UDP no access list; _IO, when the socket cannot be had;
 * diag says which.
 */
CPNP_API int cpnp_net_listen(cpnp_net *net, cpnp_transport transport,
    const char *address, cpnp_diag *diag);
/* The port of the nth listener, in the order of the calls; 0 for none. */
CPNP_API uint16_t cpnp_net_listen_port(const cpnp_net *net, size_t n);

/*
 * A server to connect to.
 *
 * address   "host", "host:port" or "[v6]:port"; a name is resolved here, and
 *           blocks.  Its addresses are tried in turn when one does not answer.
 * source    address, or address and port, to send from; NULL for any.
 * name      DTLS: the DNS name that the server's certificate must carry in a
 *           dNSName (RFC 6125: no common name, no partial wildcard); NULL takes
 *           the host of address.  An IP address must be in an iPAddress.
 * service   DTLS: when not NULL, a domain whose SRV-ID "_cpnps.domain" (RFC
 *           4985) is accepted as well.
 * identity  UDP: the identity of the server, as it is known from elsewhere.
 *           With DTLS it comes from the certificate, by the rule for clients.
 */
typedef struct cpnp_net_target {
	cpnp_transport transport;
	const char *address;
	const char *source;
	const char *name;
	const char *service;
	const char *identity;
} cpnp_net_target;

/*
 * The peer is there at once and stays until cpnp_net_disconnect(); the
 * handshake begins with the first cpnp_net_send() or cpnp_net_reconnect().
 *
 * Errors: CPNP_ERR_CONFIG, an address does not parse or resolve, a name is
 * missing, or DTLS has no certificate yet; _IO; diag says which.
 */
CPNP_API int cpnp_net_connect(cpnp_net *net, const cpnp_net_target *target,
    cpnp_peer *peer, cpnp_diag *diag);
/* Close and forget any peer; a session gets its close_notify. */
CPNP_API int cpnp_net_disconnect(cpnp_net *net, cpnp_peer peer);
/* Client: a new session now, resuming the old one when the server agrees.
 * What is sent meanwhile goes out when it is up. */
CPNP_API int cpnp_net_reconnect(cpnp_net *net, cpnp_peer peer, cpnp_now now);

/*
 * Send one datagram.  It is copied, and leaves at the end of the batch, at
 * cpnp_net_flush() or when the loop comes round, whichever is first.  A
 * client that has no session keeps up to CPNP_NET_PENDING_MAX bytes of
 * messages until it has one.  Delivery is not certain, it is UDP.
 *
 * Errors: CPNP_ERR_NOT_FOUND, the peer is gone; _INVALID, the datagram is
 * empty or longer than CPNP_DATAGRAM_MAX; _UNAVAILABLE, a session is failing.
 */
#define CPNP_NET_PENDING_MAX 65536
CPNP_API int cpnp_net_send(
    cpnp_net *net, cpnp_peer peer, cpnp_bytes datagram, cpnp_now now);
CPNP_API void cpnp_net_flush(cpnp_net *net);

/*
 * The longest datagram to a peer that fits in one IP packet of limits.mtu: for
 * cpnp_parts_send().  0 when the peer is gone.
 */
CPNP_API size_t cpnp_net_datagram_max(const cpnp_net *net, cpnp_peer peer);

/*
 * May another FAIL go to this peer now?  Takes a token from the bucket of its
 * source, and one from that of all, when it says yes.
 */
CPNP_API bool cpnp_net_may_fail(cpnp_net *net, cpnp_peer peer, cpnp_now now);

/* The address of a peer, to store with an order. */
CPNP_API int cpnp_net_peer_address(
    const cpnp_net *net, cpnp_peer peer, char text[CPNP_NET_ADDRESS_MAX]);
/*
 * The peer at a stored address: a live session of that identity, or a UDP
 * address that the access list still gives to that identity.  So an order can
 * be answered after a restart.
 *
 * Errors: CPNP_ERR_NOT_FOUND; _INVALID, the text is not an address.
 */
CPNP_API int cpnp_net_peer_find(cpnp_net *net, const char *text,
    cpnp_bytes identity, cpnp_peer *peer, cpnp_now now);
/* The identity of a peer; empty when it is gone or not known yet.  Good until
 * the loop runs again. */
CPNP_API cpnp_bytes cpnp_net_peer_identity(
    const cpnp_net *net, cpnp_peer peer);
/* The certificate of a DTLS peer, borrowed until the loop runs again; NULL
 * without one. */
CPNP_API struct x509_st *cpnp_net_peer_certificate(
    const cpnp_net *net, cpnp_peer peer);

/*
 * Counters, from the start of the object.  X(name, text)
 */
#define CPNP_NET_COUNTER_MAP(X)                                                \
	X(received, "datagrams received")                                      \
	X(received_bytes, "bytes received")                                    \
	X(sent, "datagrams sent")                                              \
	X(sent_bytes, "bytes sent")                                            \
	X(delivered, "messages delivered")                                     \
	X(drop_too_long, "datagrams longer than a message may be")             \
	X(drop_send, "datagrams that the system did not take")                 \
	X(drop_pending, "messages dropped while no session was up")            \
	X(udp_not_listed, "datagrams from sources not in the access list")     \
	X(udp_limited, "datagrams of unproved addresses over the rate")        \
	X(udp_proved_limited, "datagrams of proved addresses over the rate")   \
	X(udp_garbage, "datagrams from unproved addresses, not a message")     \
	X(udp_cookie_asked, "requests answered with a cookie")                 \
	X(udp_cookie_wrong, "requests with a wrong or old cookie")             \
	X(udp_cookie_silent, "requests too short to be answered")              \
	X(udp_proved, "addresses that proved themselves")                      \
	X(udp_evicted, "proved addresses that gave way to others")             \
	X(udp_cookie_taken, "cookies taken from servers")                      \
	X(udp_cookie_stray, "cookies for requests that we did not send")       \
	X(dtls_hello_asked, "ClientHellos answered with a cookie")             \
	X(dtls_hello_bad, "ClientHellos malformed or in fragments")            \
	X(dtls_hello_wrong, "ClientHellos with a wrong or old cookie")         \
	X(dtls_hello_limited, "ClientHellos over the rate of their source")    \
	X(dtls_handshake_limited, "records of handshakes over the rate")       \
	X(dtls_no_session, "records of no known session")                      \
	X(dtls_handshakes, "handshakes begun")                                 \
	X(dtls_handshakes_full, "handshakes refused, too many under way")      \
	X(dtls_handshakes_failed, "handshakes that failed")                    \
	X(dtls_handshakes_late, "handshakes ended by their deadline")          \
	X(dtls_certificates, "certificates refused")                           \
	X(dtls_sessions, "sessions established")                               \
	X(dtls_sessions_full, "sessions refused, too many established")        \
	X(dtls_resumed, "sessions resumed")                                    \
	X(dtls_resume_refused, "sessions too old or revoked to resume")        \
	X(dtls_replaced, "sessions replaced by a new one")                     \
	X(dtls_closed, "sessions closed by the peer")                          \
	X(dtls_idle, "sessions closed after silence")                          \
	X(dtls_revoked, "live sessions closed, certificate no longer good")    \
	X(dtls_discarded, "records forged, replayed or out of place")          \
	X(fails_limited, "FAILs held back by the rate of a source")            \
	X(fails_all_limited, "FAILs held back by the rate of all")             \
	X(sources_shared, "sources that found no bucket of their own")

typedef struct cpnp_net_counters {
#define CPNP_NET_COUNTER_FIELD(name, text) uint64_t name;
	CPNP_NET_COUNTER_MAP(CPNP_NET_COUNTER_FIELD)
#undef CPNP_NET_COUNTER_FIELD
	/* what there is now */
	uint64_t sessions;
	uint64_t handshakes;
	uint64_t resumable;
	uint64_t addresses;
} cpnp_net_counters;

CPNP_API void cpnp_net_get_counters(
    const cpnp_net *net, cpnp_net_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
