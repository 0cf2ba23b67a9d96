/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ranges.h"

#define FINGERPRINT_LEN 16
#define PARTS 16      /* of a range that differs */
#define FEW 16        /* entries that are sent rather than divided */
#define CHUNK 64      /* entries in one range of a message */
#define ROOM (CHUNK * (CPNP_SHA256_LEN + RANGES_STATE_MAX +                    \
	RANGES_AMOUNTS_MAX + 16) + 256)

struct bound {
	uint8_t bytes[CPNP_SHA256_LEN];
	size_t len;
};

enum range_kind { FINGERPRINT, ENTRIES, ENTRIES_WANTED };

struct range {
	struct bound from, to;
	enum range_kind kind;
};

struct ranges {
	const struct range_entry *entries;
	size_t n;
	const char *own, *peer;
	ranges_found *found;
	void *user;
	EVP_MD_CTX *md;
	struct range *queue; /* to be sent, from first to queue_n */
	size_t first, queue_n, queue_cap;
	bool has_sent, has_received;
	bool sent_empty, received_empty;
	uint64_t received;
	uint64_t work;
};

static int fail(cpnp_diag *diag, int err, const char *where, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

static int
fail(cpnp_diag *diag, int err, const char *where, const char *fmt, ...)
{
	va_list ap;

	if (diag == NULL)
		return err;
	diag->err = err;
	(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
	va_start(ap, fmt);
	(void)vsnprintf(diag->why, sizeof(diag->why), fmt, ap);
	va_end(ap);
	return err;
}

static int
push(struct ranges *r, const struct range *range)
{
	size_t cap = r->queue_cap == 0 ? 64 : 2 * r->queue_cap;
	struct range *queue;

	if (r->queue_n - r->first >= RANGES_QUEUE_MAX)
		return CPNP_ERR_FULL;
	if (r->first == r->queue_n)
		r->first = r->queue_n = 0;
	if (r->queue_n == r->queue_cap) {
		queue = realloc(r->queue, cap * sizeof(*queue));
		if (queue == NULL)
			return CPNP_ERR_NOMEM;
		r->queue = queue;
		r->queue_cap = cap;
	}
	r->queue[r->queue_n++] = *range;
	return 0;
}

int
ranges_new(struct ranges **ranges, const struct range_entry *entries,
    size_t n, const char *own, const char *peer, bool starts,
    ranges_found *found, void *user)
{
	const struct range all = {.kind = FINGERPRINT};
	struct ranges *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return CPNP_ERR_NOMEM;
	r->entries = entries;
	r->n = n;
	r->own = own;
	r->peer = peer;
	r->found = found;
	r->user = user;
	r->md = EVP_MD_CTX_new();
	if (r->md == NULL || (starts && push(r, &all) != 0)) {
		ranges_del(r);
		return CPNP_ERR_NOMEM;
	}
	*ranges = r;
	return 0;
}

void
ranges_del(struct ranges *ranges)
{
	if (ranges == NULL)
		return;
	EVP_MD_CTX_free(ranges->md);
	free(ranges->queue);
	free(ranges);
}

bool
ranges_done(const struct ranges *ranges)
{
	return ranges->sent_empty && ranges->received_empty;
}

/* Is a digest before a bound? */
static bool
is_before(const uint8_t digest[CPNP_SHA256_LEN], const struct bound *bound)
{
	return memcmp(digest, bound->bytes, bound->len) < 0;
}

/* The first entry that is not before a bound. */
static size_t
find(const struct ranges *r, const struct bound *bound)
{
	size_t lo = 0, hi = r->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (is_before(r->entries[mid].digest, bound))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
slice(const struct ranges *r, const struct range *range, size_t *a, size_t *b)
{
	*a = find(r, &range->from);
	*b = range->to.len == 0 ? r->n : find(r, &range->to);
	if (*b < *a)
		*b = *a;
}

static int
fingerprint(const struct ranges *r, size_t a, size_t b,
    uint8_t out[FINGERPRINT_LEN])
{
	uint8_t digest[CPNP_SHA256_LEN], len[2];
	const struct range_entry *e;
	int ok;

	ok = EVP_DigestInit_ex(r->md, EVP_sha256(), NULL) == 1;
	for (; ok && a < b; a++) {
		e = &r->entries[a];
		len[0] = (uint8_t)e->state.len;
		len[1] = (uint8_t)e->amounts.len;
		ok = EVP_DigestUpdate(r->md, e->digest, CPNP_SHA256_LEN) == 1 &&
		    EVP_DigestUpdate(r->md, len, sizeof(len)) == 1 &&
		    EVP_DigestUpdate(r->md, e->state.ptr, e->state.len) == 1 &&
		    EVP_DigestUpdate(
		        r->md, e->amounts.ptr, e->amounts.len) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(r->md, digest, NULL) == 1;
	memcpy(out, digest, FINGERPRINT_LEN);
	return ok ? 0 : CPNP_ERR_CRYPTO;
}

/* Count what a peer makes us look at. */
static int
spend(struct ranges *r, size_t entries)
{
	r->work += entries + 1;
	return r->work <= RANGES_WORK_MAX(r->n) ? 0 : CPNP_ERR_FULL;
}

/* The shortest bound between an entry and the one before it. */
static void
bound_between(const struct ranges *r, size_t i, struct bound *bound)
{
	const uint8_t *before = r->entries[i - 1].digest;
	const uint8_t *at = r->entries[i].digest;

	bound->len = 0;
	while (bound->len < CPNP_SHA256_LEN &&
	    before[bound->len] == at[bound->len])
		bound->len++;
	if (bound->len < CPNP_SHA256_LEN)
		bound->len++;
	memcpy(bound->bytes, at, bound->len);
}

/* Queue a range in parts, that of our entries a to b. */
static int
divide(struct ranges *r, const struct range *range, size_t a, size_t b,
    size_t parts, enum range_kind kind)
{
	struct range part = {.from = range->from, .kind = kind};
	size_t i, cut;
	int err = 0;

	for (i = 1; i <= parts && err == 0; i++) {
		cut = a + (b - a) / parts * i + (b - a) % parts * i / parts;
		if (i == parts)
			part.to = range->to;
		else
			bound_between(r, cut, &part.to);
		err = push(r, &part);
		part.from = part.to;
	}
	return err;
}

static void
put_bound(cpnp_buf *buf, const struct bound *bound)
{
	cpnp_cbor_put_bytes(buf, (cpnp_bytes){bound->bytes, bound->len});
}

static int
put_range(const struct ranges *r, const struct range *range, cpnp_buf *buf)
{
	uint8_t print[FINGERPRINT_LEN];
	size_t a, b;
	int err;

	slice(r, range, &a, &b);
	cpnp_cbor_put_array(buf, 4);
	put_bound(buf, &range->from);
	put_bound(buf, &range->to);
	if (range->kind == FINGERPRINT) {
		err = fingerprint(r, a, b, print);
		cpnp_cbor_put_bytes(buf, (cpnp_bytes){print, sizeof(print)});
		cpnp_cbor_put_uint(buf, b - a);
		return err != 0 ? err : buf->err;
	}
	cpnp_cbor_put_bool(buf, range->kind == ENTRIES_WANTED);
	cpnp_cbor_put_array(buf, b - a);
	for (; a < b; a++) {
		cpnp_cbor_put_array(buf, 3);
		cpnp_cbor_put_bytes(buf,
		    (cpnp_bytes){r->entries[a].digest, CPNP_SHA256_LEN});
		cpnp_cbor_put_text(buf, r->entries[a].state);
		cpnp_cbor_put_text(buf, r->entries[a].amounts);
	}
	return buf->err;
}

int
ranges_send(struct ranges *ranges, cpnp_buf *buf)
{
	cpnp_buf body;
	size_t n = 0;
	int err = 0;

	cpnp_buf_init(&body, buf->mem, RANGES_MESSAGE_MAX);
	while (err == 0 && ranges->first < ranges->queue_n &&
	    body.len + ROOM < RANGES_MESSAGE_MAX) {
		err = put_range(
		    ranges, &ranges->queue[ranges->first++], &body);
		n++;
	}
	cpnp_cbor_put_array(buf, 2);
	if (ranges->has_sent) {
		cpnp_cbor_put_null(buf);
	} else {
		cpnp_cbor_put_array(buf, 3);
		cpnp_cbor_put_uint(buf, RANGES_VERSION);
		cpnp_cbor_put_str(buf, ranges->own);
		cpnp_cbor_put_str(buf, ranges->peer);
	}
	cpnp_cbor_put_array(buf, n);
	cpnp_buf_put_raw(buf, cpnp_buf_bytes(&body));
	cpnp_buf_fini(&body);
	ranges->has_sent = true;
	ranges->sent_empty = n == 0;
	return err != 0 ? err : buf->err;
}

static struct bound
get_bound(cpnp_cbor_rd *rd)
{
	cpnp_bytes bytes = cpnp_cbor_get_bytes(rd, 0, CPNP_SHA256_LEN);
	struct bound bound = {.len = bytes.len};

	if (bytes.len > 0)
		memcpy(bound.bytes, bytes.ptr, bytes.len);
	return bound;
}

static int
recv_fingerprint(
    struct ranges *r, struct range *range, cpnp_bytes theirs, uint64_t n)
{
	uint8_t print[FINGERPRINT_LEN];
	size_t a, b;
	int err;

	slice(r, range, &a, &b);
	err = spend(r, b - a);
	if (err == 0)
		err = fingerprint(r, a, b, print);
	if (err != 0)
		return err;
	if (n == b - a && memcmp(print, theirs.ptr, sizeof(print)) == 0)
		return 0;
	if (b - a > FEW)
		return divide(r, range, a, b, PARTS, FINGERPRINT);
	range->kind = ENTRIES_WANTED;
	return push(r, range);
}

static bool
entry_equal(const struct range_entry *a, const struct range_entry *b)
{
	return cpnp_bytes_equal(a->state, b->state) &&
	    cpnp_bytes_equal(a->amounts, b->amounts);
}

/* Name our entries before a digest that the peer does not have. */
static size_t
skip_missing(struct ranges *r, size_t a, size_t b,
    const struct range_entry *theirs)
{
	for (; a < b && (theirs == NULL || memcmp(r->entries[a].digest,
	     theirs->digest, CPNP_SHA256_LEN) < 0); a++)
		r->found(r->user, &r->entries[a], NULL);
	return a;
}

/* All entries of the peer in a range against ours. */
static int
recv_entries(struct ranges *r, const struct range *range, cpnp_cbor_rd *rd)
{
	struct range_entry theirs = {0};
	uint8_t before[CPNP_SHA256_LEN];
	cpnp_bytes digest;
	size_t a, b, n, i;

	slice(r, range, &a, &b);
	if (spend(r, b - a) != 0)
		return CPNP_ERR_FULL;
	n = cpnp_cbor_get_array(rd, 0, RANGES_MESSAGE_MAX);
	for (i = 0; i < n && rd->err == 0; i++) {
		(void)cpnp_cbor_get_array(rd, 3, 3);
		digest = cpnp_cbor_get_bytes(
		    rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
		theirs.state = cpnp_cbor_get_text(rd, 1, RANGES_STATE_MAX);
		theirs.amounts =
		    cpnp_cbor_get_text(rd, 1, RANGES_AMOUNTS_MAX);
		if (rd->err != 0)
			break;
		memcpy(theirs.digest, digest.ptr, CPNP_SHA256_LEN);
		if (is_before(theirs.digest, &range->from) ||
		    (range->to.len > 0 &&
		        !is_before(theirs.digest, &range->to)) ||
		    (i > 0 && memcmp(before, theirs.digest,
		        sizeof(before)) >= 0))
			return CPNP_ERR_RANGE;
		memcpy(before, theirs.digest, sizeof(before));
		a = skip_missing(r, a, b, &theirs);
		if (a == b || memcmp(r->entries[a].digest, theirs.digest,
		    CPNP_SHA256_LEN) != 0)
			r->found(r->user, NULL, &theirs);
		else if (!entry_equal(&r->entries[a++], &theirs))
			r->found(r->user, &r->entries[a - 1], &theirs);
	}
	if (rd->err == 0)
		(void)skip_missing(r, a, b, NULL);
	return rd->err;
}

static int
recv_range(struct ranges *r, cpnp_cbor_rd *rd)
{
	struct range range = {0};
	cpnp_bytes print;
	uint64_t n;
	size_t a, b;
	bool wanted;
	int err;

	(void)cpnp_cbor_get_array(rd, 4, 4);
	range.from = get_bound(rd);
	range.to = get_bound(rd);
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_BYTES) {
		print = cpnp_cbor_get_bytes(
		    rd, FINGERPRINT_LEN, FINGERPRINT_LEN);
		n = cpnp_cbor_get_uint(rd, 0, RANGES_ENTRIES_MAX);
		return rd->err != 0 ? rd->err
		                    : recv_fingerprint(r, &range, print, n);
	}
	wanted = cpnp_cbor_get_bool(rd);
	err = recv_entries(r, &range, rd);
	if (err != 0 || !wanted)
		return err;
	slice(r, &range, &a, &b);
	return divide(
	    r, &range, a, b, (b - a) / CHUNK + 1, ENTRIES);
}

/* Who speaks, of which pair of books. */
static int
recv_hello(const struct ranges *r, cpnp_cbor_rd *rd, cpnp_diag *diag)
{
	cpnp_bytes own, peer;
	uint64_t version;

	(void)cpnp_cbor_get_array(rd, 3, 3);
	version = cpnp_cbor_get_uint(rd, 0, UINT64_MAX);
	if (rd->err == 0 && version != RANGES_VERSION)
		return fail(diag, CPNP_ERR_VERSION, "hello",
		    "the peer compares by version %llu, this is %d",
		    (unsigned long long)version, RANGES_VERSION);
	own = cpnp_cbor_get_text(rd, 1, CPNP_IDENTITY_MAX);
	peer = cpnp_cbor_get_text(rd, 1, CPNP_IDENTITY_MAX);
	if (rd->err != 0)
		return fail(diag, rd->err, "hello", "%s",
		    cpnp_strerror(rd->err));
	if (!cpnp_bytes_equal(own, cpnp_bytes_str(r->peer)) ||
	    !cpnp_bytes_equal(peer, cpnp_bytes_str(r->own)))
		return fail(diag, CPNP_ERR_MISMATCH, "hello",
		    "the peer has the book of %.*s about %.*s; needed is that "
		    "of %s about %s", (int)own.len, (const char *)own.ptr,
		    (int)peer.len, (const char *)peer.ptr, r->peer, r->own);
	return 0;
}

int
ranges_recv(struct ranges *ranges, cpnp_bytes message, cpnp_diag *diag)
{
	cpnp_cbor_rd rd;
	size_t n, i;
	int err = 0;

	ranges->received += message.len;
	if (message.len > RANGES_MESSAGE_MAX ||
	    ranges->received > RANGES_TOTAL_MAX)
		return fail(diag, CPNP_ERR_TOO_LONG, "message",
		    "more than %d bytes, or %llu in all", RANGES_MESSAGE_MAX,
		    (unsigned long long)RANGES_TOTAL_MAX);
	cpnp_cbor_rd_init(&rd, message);
	(void)cpnp_cbor_get_array(&rd, 2, 2);
	if (ranges->has_received)
		cpnp_cbor_get_null(&rd);
	else
		err = recv_hello(ranges, &rd, diag);
	if (err != 0)
		return err;
	ranges->has_received = true;
	n = cpnp_cbor_get_array(&rd, 0, RANGES_MESSAGE_MAX);
	for (i = 0; i < n && err == 0; i++)
		err = recv_range(ranges, &rd);
	if (err == 0)
		err = cpnp_cbor_rd_finish(&rd);
	if (err != 0)
		return fail(diag, err, "message", "range %zu: %s", i,
		    cpnp_strerror(err));
	ranges->received_empty = n == 0;
	return 0;
}
