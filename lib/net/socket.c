/*
 * Sockets, and datagrams in batches.
 *
 * What is received goes to the demultiplexer straight from the buffers of the
 * batch.  What is sent is copied behind one another and leaves in as few
 * system calls as there are runs of one socket.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#include "mmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct net_control {
	_Alignas(struct cmsghdr) uint8_t bytes[NET_CONTROL_MAX];
};

struct net_batch {
	struct net_mmsg in[NET_BATCH];
	struct iovec in_iov[NET_BATCH];
	struct sockaddr_storage in_name[NET_BATCH];
	struct net_control in_control[NET_BATCH];
	uint8_t *in_bytes;

	struct net_mmsg out[NET_OUT_MAX];
	struct iovec out_iov[NET_OUT_MAX];
	struct sockaddr_storage out_name[NET_OUT_MAX];
	struct net_control out_control[NET_OUT_MAX];
	struct net_socket *out_sock[NET_OUT_MAX];
	uint8_t *out_bytes;
	size_t out_n;
	size_t out_len;
};

int
net_batch_new(cpnp_net *net)
{
	struct net_batch *batch = calloc(1, sizeof(*batch));
	size_t i;

	if (batch == NULL)
		return CPNP_ERR_NOMEM;
	net->batch = batch;
	batch->in_bytes = malloc((size_t)NET_BATCH * NET_DATAGRAM_MAX);
	batch->out_bytes = malloc(NET_OUT_BYTES_MAX);
	if (batch->in_bytes == NULL || batch->out_bytes == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < NET_BATCH; i++) {
		batch->in_iov[i].iov_base =
		    batch->in_bytes + i * NET_DATAGRAM_MAX;
		batch->in_iov[i].iov_len = NET_DATAGRAM_MAX;
		batch->in[i].msg_hdr.msg_iov = &batch->in_iov[i];
		batch->in[i].msg_hdr.msg_iovlen = 1;
		batch->in[i].msg_hdr.msg_name = &batch->in_name[i];
		batch->in[i].msg_hdr.msg_control = &batch->in_control[i];
	}
	for (i = 0; i < NET_OUT_MAX; i++) {
		batch->out[i].msg_hdr.msg_iov = &batch->out_iov[i];
		batch->out[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

void
net_batch_del(cpnp_net *net)
{
	if (net->batch == NULL)
		return;
	free(net->batch->in_bytes);
	free(net->batch->out_bytes);
	free(net->batch);
	net->batch = NULL;
}

void
net_key_set(struct net_key *key, const struct net_socket *sock,
    const struct net_addr *local, const struct net_addr *remote)
{
	memcpy(key->local, local->ip, sizeof(key->local));
	memcpy(key->remote, remote->ip, sizeof(key->remote));
	key->scope = remote->scope;
	key->port = remote->port;
	key->sock = sock->number;
}

/* The address that a datagram came to (RFC 3542, section 6.2). */
static bool
control_local(struct msghdr *msg, struct net_addr *local)
{
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		struct sockaddr_in sin = {.sin_family = AF_INET};
		struct in6_pktinfo info6;
		struct in_pktinfo info;

		if (cm->cmsg_level == IPPROTO_IP &&
		    cm->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			sin.sin_addr = info.ipi_addr;
			return net_addr_from_sockaddr(
			    local, (const struct sockaddr *)&sin);
		}
		if (cm->cmsg_level == IPPROTO_IPV6 &&
		    cm->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(cm), sizeof(info6));
			memcpy(local->ip, &info6.ipi6_addr, sizeof(local->ip));
			return true;
		}
	}
	return false;
}

/* And the same for a datagram that is to leave from there. */
static void
control_set(struct msghdr *msg, struct net_control *control,
    const struct net_key *key)
{
	struct net_addr local = {.scope = 0};
	struct in6_pktinfo info6 = {.ipi6_ifindex = 0};
	struct in_pktinfo info = {.ipi_ifindex = 0};
	struct cmsghdr *cm;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control;
	msg->msg_controllen = sizeof(*control);
	cm = CMSG_FIRSTHDR(msg);
	memcpy(local.ip, key->local, sizeof(local.ip));
	if (net_addr_is_v4(&local)) {
		memcpy(&info.ipi_spec_dst, key->local + 12, 4);
		cm->cmsg_level = IPPROTO_IP;
		cm->cmsg_type = IP_PKTINFO;
		cm->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cm), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		memcpy(&info6.ipi6_addr, key->local, sizeof(key->local));
		info6.ipi6_ifindex = key->scope;
		cm->cmsg_level = IPPROTO_IPV6;
		cm->cmsg_type = IPV6_PKTINFO;
		cm->cmsg_len = CMSG_LEN(sizeof(info6));
		memcpy(CMSG_DATA(cm), &info6, sizeof(info6));
		msg->msg_controllen = CMSG_SPACE(sizeof(info6));
	}
}

static void
dispatch(struct net_socket *sock, struct net_mmsg *in, cpnp_now now)
{
	cpnp_net *net = sock->net;
	cpnp_bytes datagram = {
	    in->msg_hdr.msg_iov->iov_base, in->msg_len};
	struct net_addr local = sock->bound, remote;
	struct net_key key;

	net->count.received++;
	net->count.received_bytes += in->msg_len;
	if (in->msg_hdr.msg_flags & MSG_TRUNC) {
		net->count.drop_too_long++;
		return;
	}
	if (sock->client != NULL) {
		net_client_recv(sock->client, datagram, now);
		return;
	}
	if (!net_addr_from_sockaddr(&remote, in->msg_hdr.msg_name))
		return;
	if (sock->wildcard && !control_local(&in->msg_hdr, &local))
		return;
	net_key_set(&key, sock, &local, &remote);
	if (sock->transport == CPNP_TRANSPORT_DTLS)
		net_dtls_recv(sock, &key, datagram, now);
	else
		net_udp_recv(sock, &key, datagram, now);
}

/* One system call; false when the socket has nothing more. */
static bool
receive(struct net_socket *sock, cpnp_now now)
{
	struct net_batch *batch = sock->net->batch;
	int i, n;

	for (i = 0; i < NET_BATCH; i++) {
		batch->in[i].msg_hdr.msg_namelen = sizeof(batch->in_name[i]);
		batch->in[i].msg_hdr.msg_controllen =
		    sizeof(batch->in_control[i]);
	}
	n = net_recvmmsg(sock->fd, batch->in, NET_BATCH);
	if (n < 0) {
		if (errno == ECONNREFUSED && sock->client != NULL)
			net_client_refused(sock->client, now);
		return errno == EINTR;
	}
	for (i = 0; i < n && !sock->dead; i++)
		dispatch(sock, &batch->in[i], now);
	return n == NET_BATCH;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct net_socket *sock = arg;
	cpnp_net *net = sock->net;
	uint64_t delivered = net->count.delivered;
	cpnp_now now = net_now(net);
	int round;

	(void)fd;
	(void)what;
	net_enter(net);
	for (round = 0; round < NET_ROUNDS_MAX && !sock->dead; round++) {
		if (!receive(sock, now))
			break;
	}
	if (net->count.delivered != delivered && net->cb.batch_end != NULL)
		net->cb.batch_end(net->cb.user, now);
	cpnp_net_flush(net);
	net_leave(net);
}

/* Send the run of datagrams from..to, all of one socket.  The system reports
 * an error of an earlier datagram (ICMP) once; the second try counts. */
static void
flush_run(cpnp_net *net, struct net_socket *sock, size_t from, size_t to)
{
	struct net_batch *batch = net->batch;
	bool again = true;
	size_t i;
	int n;

	while (from < to) {
		n = sock->dead ? -1
			       : net_sendmmsg(sock->fd, batch->out + from,
				     (unsigned)(to - from));
		if (n > 0) {
			for (i = from; i < from + (size_t)n; i++)
				net->count.sent_bytes +=
				    batch->out_iov[i].iov_len;
			net->count.sent += (size_t)n;
			from += (size_t)n;
			again = true;
		} else if (!sock->dead && again &&
			   (errno == EINTR || errno == ECONNREFUSED)) {
			again = false;
		} else if (sock->dead || errno == EAGAIN) {
			net->count.drop_send += to - from;
			return;
		} else {
			net->count.drop_send++;
			from++;
		}
	}
}

void
cpnp_net_flush(cpnp_net *net)
{
	struct net_batch *batch = net->batch;
	size_t from, to, n = batch->out_n;

	for (from = 0; from < n; from = to) {
		for (to = from + 1;
		    to < n && batch->out_sock[to] == batch->out_sock[from];
		    to++)
			;
		flush_run(net, batch->out_sock[from], from, to);
	}
	batch->out_n = 0;
	batch->out_len = 0;
}

bool
net_batch_is_empty(const cpnp_net *net)
{
	return net->batch->out_n == 0;
}

int
net_socket_send(
    struct net_socket *sock, const struct net_key *key, cpnp_bytes datagram)
{
	cpnp_net *net = sock->net;
	struct net_batch *batch = net->batch;
	struct msghdr *msg;
	size_t at;

	if (datagram.len > NET_DATAGRAM_MAX)
		return CPNP_ERR_NO_SPACE;
	if (batch->out_n == NET_OUT_MAX ||
	    NET_OUT_BYTES_MAX - batch->out_len < datagram.len)
		cpnp_net_flush(net);
	at = batch->out_n++;
	batch->out_sock[at] = sock;
	batch->out_iov[at].iov_base = batch->out_bytes + batch->out_len;
	batch->out_iov[at].iov_len = datagram.len;
	memcpy(batch->out_iov[at].iov_base, datagram.ptr, datagram.len);
	batch->out_len += datagram.len;

	msg = &batch->out[at].msg_hdr;
	msg->msg_name = NULL;
	msg->msg_namelen = 0;
	msg->msg_control = NULL;
	msg->msg_controllen = 0;
	if (sock->client == NULL) {
		struct net_addr remote = {
		    .scope = key->scope, .port = key->port};

		memcpy(remote.ip, key->remote, sizeof(remote.ip));
		msg->msg_name = &batch->out_name[at];
		msg->msg_namelen =
		    net_addr_to_sockaddr(&remote, &batch->out_name[at]);
		if (sock->wildcard)
			control_set(msg, &batch->out_control[at], key);
	}
	return 0;
}

static int
socket_options(struct net_socket *sock, int family)
{
	int on = 1, room = 4 << 20;

	/* as much room for bursts as the system grants */
	(void)setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	(void)setsockopt(sock->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (family == AF_INET6 && setsockopt(sock->fd, IPPROTO_IPV6,
				      IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return CPNP_ERR_IO;
	if (!sock->wildcard)
		return 0;
	if (family == AF_INET6)
		return setsockopt(sock->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO,
			   &on, sizeof(on)) == 0
			   ? 0
			   : CPNP_ERR_IO;
	return setsockopt(sock->fd, IPPROTO_IP, IP_PKTINFO, &on,
		   sizeof(on)) == 0
		   ? 0
		   : CPNP_ERR_IO;
}

/* A socket at its addresses, not yet in the loop. */
static int
socket_open(struct net_socket *sock, const struct net_addr *local,
    const struct net_addr *remote)
{
	const struct net_addr *either = local != NULL ? local : remote;
	int family = net_addr_is_v4(either) ? AF_INET : AF_INET6;
	struct sockaddr_storage name;
	socklen_t len;

	sock->fd = socket(family, SOCK_DGRAM, 0);
	if (sock->fd < 0 || fcntl(sock->fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    evutil_make_socket_nonblocking(sock->fd) != 0 ||
	    socket_options(sock, family) != 0)
		return CPNP_ERR_IO;
	if (local != NULL) {
		len = net_addr_to_sockaddr(local, &name);
		if (bind(sock->fd, (struct sockaddr *)&name, len) != 0)
			return CPNP_ERR_IO;
	}
	if (remote != NULL) {
		len = net_addr_to_sockaddr(remote, &name);
		if (connect(sock->fd, (struct sockaddr *)&name, len) != 0)
			return CPNP_ERR_IO;
	}
	len = sizeof(name);
	if (getsockname(sock->fd, (struct sockaddr *)&name, &len) != 0 ||
	    !net_addr_from_sockaddr(&sock->bound, (struct sockaddr *)&name))
		return CPNP_ERR_IO;
	return 0;
}

int
net_socket_new(cpnp_net *net, struct net_socket **out,
    cpnp_transport transport, const struct net_addr *local,
    const struct net_addr *remote, cpnp_diag *diag)
{
	char text[NET_ADDR_TEXT];
	struct net_socket *sock = calloc(1, sizeof(*sock));

	net_addr_format(remote != NULL ? remote : local, text);
	if (sock == NULL)
		return net_diag(diag, CPNP_ERR_NOMEM, text, "out of memory");
	sock->net = net;
	sock->transport = transport;
	sock->number = UINT16_MAX;
	sock->wildcard = remote == NULL && net_addr_is_any(local);
	if (socket_open(sock, local, remote) != 0) {
		net_diag(diag, CPNP_ERR_IO, text, "%s", strerror(errno));
		goto fail;
	}
	if (event_assign(&sock->event, net->base, sock->fd,
		EV_READ | EV_PERSIST, on_readable, sock) != 0 ||
	    event_add(&sock->event, NULL) != 0) {
		net_diag(diag, CPNP_ERR_IO, text,
		    "the event loop does not take the socket");
		goto fail;
	}
	LIST_INSERT_HEAD(&net->sockets, sock, entry);
	*out = sock;
	return 0;
fail:
	if (sock->fd >= 0)
		close(sock->fd);
	free(sock);
	return CPNP_ERR_IO;
}

/* What is queued on it leaves first: a close_notify, say. */
void
net_socket_close(struct net_socket *sock)
{
	cpnp_net *net = sock->net;

	if (sock->dead)
		return;
	cpnp_net_flush(net);
	sock->dead = true;
	event_del(&sock->event);
	close(sock->fd);
	sock->fd = -1;
	LIST_REMOVE(sock, entry);
	LIST_INSERT_HEAD(&net->dead_sockets, sock, entry);
}
