/*
 * The BIO between a session and its datagrams.  One read takes one datagram,
 * straight from the batch it came in; one write makes one.  (BIO_s_mem would
 * merge the datagrams of a flight.)
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "internal.h"

#include <limits.h>
#include <openssl/bio.h>
#include <string.h>

static int
bio_read(BIO *bio, char *out, size_t size, size_t *len)
{
	struct net_session *session = BIO_get_data(bio);
	cpnp_bytes in = session->in;

	BIO_clear_retry_flags(bio);
	if (in.len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	session->in = CPNP_BYTES_NONE;
	*len = in.len < size ? in.len : size;
	memcpy(out, in.ptr, *len);
	return 1;
}

static int
bio_write(BIO *bio, const char *bytes, size_t size, size_t *len)
{
	struct net_session *session = BIO_get_data(bio);
	cpnp_bytes datagram = {(const uint8_t *)bytes, size};

	BIO_clear_retry_flags(bio);
	if (net_socket_send(session->sock, &session->node.key, datagram) != 0)
		return 0;
	*len = size;
	return 1;
}

static long
bio_ctrl(BIO *bio, int cmd, long number, void *ptr)
{
	struct net_session *session = BIO_get_data(bio);

	(void)number;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_PENDING:
		return (long)session->in.len;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return session->net->limits.mtu - NET_IP_UDP;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
		return NET_IP_UDP;
	default:
		return 0;
	}
}

static int
bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *
net_bio_method(void)
{
	BIO_METHOD *method;
	int type = BIO_get_new_index();

	method = type < 0 ? NULL
			  : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK,
				"cpnp datagram");
	if (method == NULL || BIO_meth_set_read_ex(method, bio_read) != 1 ||
	    BIO_meth_set_write_ex(method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(method, bio_ctrl) != 1 ||
	    BIO_meth_set_create(method, bio_create) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

BIO *
net_bio_new(BIO_METHOD *method, struct net_session *session)
{
	BIO *bio = BIO_new(method);

	if (bio != NULL)
		BIO_set_data(bio, session);
	return bio;
}
