/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "hello.h"

#include "cookie.h"

#include <cpnp/error.h>

#include <string.h>

#define CLIENT_HELLO 1
#define HELLO_VERIFY_REQUEST 3
#define HANDSHAKE_HEADER 12

/* A cursor that remembers having run past the end. */
struct cursor {
	const uint8_t *pos, *end;
	bool bad;
};

static cpnp_bytes
take(struct cursor *cur, size_t n)
{
	cpnp_bytes bytes = {cur->pos, n};

	if (cur->bad || (size_t)(cur->end - cur->pos) < n) {
		cur->bad = true;
		return CPNP_BYTES_NONE;
	}
	cur->pos += n;
	return bytes;
}

static uint32_t
take_uint(struct cursor *cur, size_t n)
{
	cpnp_bytes bytes = take(cur, n);
	uint32_t value = 0;
	size_t i;

	for (i = 0; i < bytes.len; i++)
		value = value << 8 | bytes.ptr[i];
	return value;
}

int
net_record_peek(struct net_record *record, cpnp_bytes datagram)
{
	const uint8_t *p = datagram.ptr;

	memset(record, 0, sizeof(*record));
	if (datagram.len < NET_RECORD_HEADER)
		return CPNP_ERR_TRUNCATED;
	if (p[0] < NET_RECORD_CCS || p[0] > NET_RECORD_DATA || p[1] != 0xfe)
		return CPNP_ERR_VERSION;
	record->type = p[0];
	record->epoch = (uint16_t)(p[3] << 8 | p[4]);
	record->is_hello = p[0] == NET_RECORD_HANDSHAKE && record->epoch == 0 &&
			   datagram.len > NET_RECORD_HEADER &&
			   p[NET_RECORD_HEADER] == CLIENT_HELLO;
	return 0;
}

int
net_hello_parse(struct net_hello *hello, cpnp_bytes datagram)
{
	struct cursor cur = {datagram.ptr, datagram.ptr + datagram.len, false};
	const uint8_t *start;
	uint32_t length, fragment_offset, fragment_length;

	memset(hello, 0, sizeof(*hello));
	take(&cur, 3); /* type and version, seen by net_record_peek() */
	hello->sequence = take(&cur, 8);
	length = take_uint(&cur, 2);
	/* one record in the datagram, one message in the record: what a client
	 * sends before it has been answered */
	if (cur.bad || (size_t)(cur.end - cur.pos) != length)
		return CPNP_ERR_TRUNCATED;

	take(&cur, 1); /* type */
	length = take_uint(&cur, 3);
	take(&cur, 2); /* message number: 0 and 1, or what came before */
	fragment_offset = take_uint(&cur, 3);
	fragment_length = take_uint(&cur, 3);
	if (cur.bad || fragment_offset != 0 || fragment_length != length ||
	    (size_t)(cur.end - cur.pos) != length)
		return CPNP_ERR_TRUNCATED;

	start = cur.pos;
	if (take_uint(&cur, 1) != 0xfe)
		return CPNP_ERR_VERSION;
	take(&cur, 1 + 32); /* minor version, random */
	length = take_uint(&cur, 1);
	if (length > 32)
		return CPNP_ERR_RANGE;
	take(&cur, length); /* session */
	hello->params[0] = (cpnp_bytes){start, (size_t)(cur.pos - start)};
	hello->cookie = take(&cur, take_uint(&cur, 1));

	start = cur.pos;
	take(&cur, take_uint(&cur, 2)); /* cipher suites */
	take(&cur, take_uint(&cur, 1)); /* compression methods */
	hello->params[1] = (cpnp_bytes){start, (size_t)(cur.pos - start)};
	if (cur.pos != cur.end)
		take(&cur, take_uint(&cur, 2)); /* extensions */
	if (cur.bad)
		return CPNP_ERR_TRUNCATED;
	return cur.pos == cur.end ? 0 : CPNP_ERR_TRAILING;
}

void
net_hello_verify(const struct net_hello *hello, const uint8_t *cookie,
    uint8_t out[NET_HELLO_VERIFY_LEN])
{
	const uint8_t body = 2 + 1 + NET_COOKIE_LEN;
	uint8_t *p = out;

	/* RFC 6347, section 4.2.1: DTLS 1.0 whatever will be negotiated, and
	 * the record number of the ClientHello */
	*p++ = NET_RECORD_HANDSHAKE;
	*p++ = 0xfe;
	*p++ = 0xff;
	memcpy(p, hello->sequence.ptr, 8);
	p += 8;
	*p++ = 0;
	*p++ = HANDSHAKE_HEADER + body;
	memset(p, 0, HANDSHAKE_HEADER); /* message number 0, offset 0 */
	p[0] = HELLO_VERIFY_REQUEST;
	p[3] = p[11] = body;
	p += HANDSHAKE_HEADER;
	*p++ = 0xfe;
	*p++ = 0xff;
	*p++ = NET_COOKIE_LEN;
	memcpy(p, cookie, NET_COOKIE_LEN);
}

_Static_assert(NET_HELLO_VERIFY_LEN ==
		   NET_RECORD_HEADER + HANDSHAKE_HEADER + 3 + NET_COOKIE_LEN,
    "a HelloVerifyRequest has one length");
