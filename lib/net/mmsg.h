/*
 * Several datagrams in one system call, where the system has it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef NET_MMSG_H
#define NET_MMSG_H

#include <sys/socket.h>
#include <sys/uio.h>

#if defined(HAVE_RECVMMSG) && defined(HAVE_SENDMMSG)

#define net_mmsg mmsghdr

static inline int
net_recvmmsg(int fd, struct net_mmsg *msgs, unsigned n)
{
	return recvmmsg(fd, msgs, n, 0, NULL);
}

static inline int
net_sendmmsg(int fd, struct net_mmsg *msgs, unsigned n)
{
	return sendmmsg(fd, msgs, n, 0);
}

#else

struct net_mmsg {
	struct msghdr msg_hdr;
	unsigned msg_len;
};

/* An error after the first datagram is left for the next call. */
static inline int
net_recvmmsg(int fd, struct net_mmsg *msgs, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		ssize_t len = recvmsg(fd, &msgs[i].msg_hdr, 0);

		if (len < 0)
			return i == 0 ? -1 : (int)i;
		msgs[i].msg_len = (unsigned)len;
	}
	return (int)n;
}

static inline int
net_sendmmsg(int fd, struct net_mmsg *msgs, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		ssize_t len = sendmsg(fd, &msgs[i].msg_hdr, 0);

		if (len < 0)
			return i == 0 ? -1 : (int)i;
		msgs[i].msg_len = (unsigned)len;
	}
	return (int)n;
}

#endif

#endif
