/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* cpnp-wire(7): a column for each method, mandatory, optional or not allowed;
 * here for what a server sends too. */
static const char *const grammar[2][PARTS_HELD + 1] = {
	[RFC8921] = {
		[SEQUENCE_NUMBER] = "MMMMMMMMMMMM",
		[TRANSACTION_ID] = "oMMMMMMMMMoM",
		[CUSTOMER_ORDER_ID] = "-MMMMMMMMMoM",
		[PROVIDER_ORDER_ID] = "--MMMMM-MMoM",
		[NONCE] = "---MMM--MM-M",
		[RESPONSE_TIME] = "-o----o--o--",
		[OFFER_TIME] = "--o---------",
		[VALIDITY] = "---M--------",
		[SERVICE] = "-M-MM-oooM--",
		[SUBCODE] = "--o---------",
		[REASON] = "-----o------",
		[STATUS] = "----------M-",
		[ACTIVATION_TYPE] = "-o-oo-o-oo-o",
		[ACTIVATION_SCHEDULE] = "-o-oo-o-oo-M",
		[CUSTOMER] = "-o-oo-o-oo-o",
		[PROVIDER] = "-o-oo-o-oo-o",
		[OPTIONS] = "-o-oo-o-oo-o",
		[TOTAL_LENGTH] = "M-----------",
		[MESSAGE_DIGEST] = "M-----------",
		[PART_OFFSET] = "o-----------",
		[PART] = "o-----------",
		[PARTS_HELD] = "o-----------",
	},
	[DRAFT02] = {
		[TRANSACTION_ID] = "oMMMMMMMMMo-",
		[CUSTOMER_ORDER_ID] = "-MMMMMMMMMo-",
		[PROVIDER_ORDER_ID] = "--MMMMM-MMo-",
		[NONCE] = "---MMo--MM--",
		[RESPONSE_TIME] = "-o-------o--",
		[OFFER_TIME] = "--o---------",
		[VALIDITY] = "---M--------",
		[SERVICE] = "-M-MM-MooM--",
		[STATUS] = "----------M-",
		[ACTIVATION_TYPE] = "-o-oo-o-oo--",
		[ACTIVATION_SCHEDULE] = "-o-oo-o-oo--",
		[CUSTOMER] = "-o-oo-o-oo--",
		[PROVIDER] = "-o-oo-o-oo--",
		[OPTIONS] = "-o-oo-o-oo--",
		[TOTAL_LENGTH] = "M-----------",
		[MESSAGE_DIGEST] = "M-----------",
		[PART_OFFSET] = "o-----------",
		[PART] = "o-----------",
		[PARTS_HELD] = "o-----------",
	},
};

static const char *const names[METHOD_END] = {"PARTS", "QUOTATION",
    "PROCESSING", "OFFER", "ACCEPT", "DECLINE", "ACK", "CANCEL", "WITHDRAW",
    "UPDATE", "FAIL", "ACTIVATE"};

const char *
method_name(uint64_t version, uint64_t method)
{
	if (version == DRAFT02 && method == QUOTATION)
		return "PROVISION";
	return method < METHOD_END ? names[method] : "an unknown method";
}

/* ---- writing ------------------------------------------------------------ */

void
draft_begin(struct draft *d, uint64_t version, uint64_t method)
{
	d->version = version;
	d->method = method;
	d->n = 0;
	d->pool.n = 0;
	d->pool.full = false;
}

/* The bytewise order of the encodings of integers: 0, 1, ..., -1, -2, ... */
static bool
is_before(int64_t a, int64_t b)
{
	if ((a < 0) != (b < 0))
		return b < 0;
	return a < 0 ? a > b : a < b;
}

void
draft_raw(struct draft *d, int64_t code, struct span value)
{
	size_t i;

	draft_drop(d, code);
	if (d->n == sizeof(d->attr) / sizeof(d->attr[0])) {
		d->pool.full = true;
		return;
	}
	for (i = d->n; i > 0 && is_before(code, d->attr[i - 1].code); i--)
		d->attr[i] = d->attr[i - 1];
	d->attr[i].code = code;
	d->attr[i].at = d->pool.n;
	d->attr[i].len = value.n;
	d->n++;
	put_raw(&d->pool, value);
}

void
draft_uint(struct draft *d, int64_t code, uint64_t value)
{
	struct bytes item = {0};

	put_uint(&item, value);
	draft_raw(d, code, span_of(&item));
}

void
draft_text(struct draft *d, int64_t code, const char *text)
{
	struct bytes item = {0};

	put_text(&item, text);
	draft_raw(d, code, span_of(&item));
}

void
draft_bytes(struct draft *d, int64_t code, struct span content)
{
	struct bytes item = {0};

	put_string(&item, content);
	draft_raw(d, code, span_of(&item));
}

void
draft_drop(struct draft *d, int64_t code)
{
	size_t i = 0;

	while (i < d->n && d->attr[i].code != code)
		i++;
	if (i == d->n)
		return;
	d->n--;
	memmove(d->attr + i, d->attr + i + 1, (d->n - i) * sizeof(d->attr[0]));
}

void
draft_write_map(const struct draft *d, struct bytes *out)
{
	put_head(out, MAJOR_MAP, d->n);
	for (size_t i = 0; i < d->n; i++) {
		put_int(out, d->attr[i].code);
		put_raw(out, (struct span){d->pool.b + d->attr[i].at,
				 d->attr[i].len});
	}
	out->full = out->full || d->pool.full;
}

void
draft_write(const struct draft *d, struct bytes *out)
{
	out->n = 0;
	out->full = false;
	put_head(out, MAJOR_ARRAY, 3);
	put_uint(out, d->version);
	put_uint(out, d->method);
	draft_write_map(d, out);
}

/* ---- reading ------------------------------------------------------------ */

struct span
msg_attr_at(const struct msg *m, size_t i)
{
	return (struct span){m->raw.b + m->attr[i].at, m->attr[i].len};
}

struct span
msg_attr(const struct msg *m, int64_t code)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->attr[i].code == code)
			return msg_attr_at(m, i);
	return (struct span){NULL, 0};
}

uint64_t
msg_uint(const struct msg *m, int64_t code)
{
	struct span value = msg_attr(m, code);
	struct reader r = reader_of(value);
	uint64_t n;

	return value.p != NULL && get_type(&r, MAJOR_UINT, &n) ? n
							       : UINT64_MAX;
}

struct span
msg_string(const struct msg *m, int64_t code)
{
	struct span value = msg_attr(m, code), content = {NULL, 0};
	struct reader r = reader_of(value);

	if (value.p != NULL)
		(void)get_string(
		    &r, (enum major)(value.p[0] >> 5), &content);
	return content;
}

static const char *
check_grammar(const struct msg *m)
{
	static char why[80];

	for (size_t i = 0; i < m->n; i++) {
		int64_t code = m->attr[i].code;
		const char *row = code >= 1 && code <= PARTS_HELD
		    ? grammar[m->version][code]
		    : NULL;

		/* what is ignored may stand anywhere */
		if (code < 0 || (row != NULL && row[m->method] != '-'))
			continue;
		(void)snprintf(why, sizeof(why),
		    "attribute %lld has no place in it", (long long)code);
		return why;
	}
	for (int code = 1; code <= PARTS_HELD; code++) {
		const char *row = grammar[m->version][code];

		if (row == NULL || row[m->method] != 'M' ||
		    msg_attr(m, code).p != NULL)
			continue;
		(void)snprintf(
		    why, sizeof(why), "attribute %d is missing", code);
		return why;
	}
	return NULL;
}

static bool
is_sized(const struct msg *m, int64_t code, enum major major, size_t min,
    size_t max)
{
	struct span value = msg_attr(m, code), content;
	struct reader r = reader_of(value);

	return value.p == NULL ||
	    (get_string(&r, major, &content) && content.n >= min &&
		content.n <= max);
}

static bool
is_order_id(const struct msg *m, int64_t code)
{
	struct span text = msg_string(m, code);

	if (!is_sized(m, code, MAJOR_TEXT, 1, 64))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '!' || text.p[i] > '~')
			return false;
	return true;
}

static bool
is_date(const struct msg *m, int64_t code)
{
	return msg_attr(m, code).p == NULL ||
	    date_read(msg_string(m, code), (enum edition)m->version) >= 0;
}

static bool
is_service(const struct msg *m)
{
	struct span value = msg_attr(m, SERVICE);
	struct reader r = reader_of(value);
	uint64_t n, type;

	return value.p == NULL ||
	    (get_type(&r, MAJOR_ARRAY, &n) && n == 2 &&
		get_type(&r, MAJOR_UINT, &type));
}

static const char *
check_values(const struct msg *m)
{
	uint64_t status = msg_uint(m, STATUS);

	if (m->version == RFC8921 && msg_uint(m, SEQUENCE_NUMBER) > UINT32_MAX)
		return "SEQUENCE_NUMBER is no integer of 32 bits";
	if (!is_sized(m, TRANSACTION_ID, MAJOR_BYTES, 8, 32))
		return "TRANSACTION_ID is no byte string of 8 to 32 bytes";
	if (!is_order_id(m, CUSTOMER_ORDER_ID) ||
	    !is_order_id(m, PROVIDER_ORDER_ID))
		return "an order identifier is no text of 1 to 64 characters "
		       "from ! to ~";
	if (!is_sized(m, NONCE, MAJOR_BYTES, 16, 32))
		return "NONCE is no byte string of 16 to 32 bytes";
	if (!is_sized(m, COOKIE, MAJOR_BYTES, 1, 32))
		return "COOKIE is no byte string of 1 to 32 bytes";
	if (!is_sized(m, MESSAGE_DIGEST, MAJOR_BYTES, 32, 32))
		return "MESSAGE_DIGEST is no byte string of 32 bytes";
	if (!is_sized(m, PARTS_HELD, MAJOR_BYTES, 1, 64))
		return "PARTS_HELD is no byte string of 1 to 64 bytes";
	if (!is_date(m, RESPONSE_TIME) || !is_date(m, OFFER_TIME) ||
	    !is_date(m, VALIDITY))
		return "a date is not in the form of the edition";
	if (!is_service(m))
		return "the service description is no [type, body]";
	if (m->method == FAIL &&
	    (status < 1 || status > (m->version == RFC8921 ? 8 : 5)))
		return "STATUS_CODE is none of the edition";
	return NULL;
}

const char *
msg_read(struct msg *m, const struct bytes *raw)
{
	struct reader r;
	struct span item;
	uint64_t n;
	const char *why;

	m->raw = *raw;
	m->n = 0;
	m->version = m->method = UINT64_MAX;
	r = reader_of(span_of(&m->raw));
	if (!get_type(&r, MAJOR_ARRAY, &n) || n != 3 ||
	    !get_type(&r, MAJOR_UINT, &m->version) ||
	    !get_type(&r, MAJOR_UINT, &m->method) ||
	    !get_type(&r, MAJOR_MAP, &n))
		return r.wrong != NULL ? r.wrong
				       : "no [version, method, {...}]";
	if (n > ATTRS_MAX)
		return "it has more than 64 attributes";
	for (; n > 0; n--) {
		int64_t code;

		if (!get_int(&r, &code) || !get_item(&r, &item))
			return r.wrong;
		if (m->n > 0 && !is_before(m->attr[m->n - 1].code, code))
			return "the attributes are not in order";
		m->attr[m->n].code = code;
		m->attr[m->n].at = (size_t)(item.p - m->raw.b);
		m->attr[m->n++].len = item.n;
	}
	if (r.at != r.end)
		return "something follows the message";
	if (m->version > RFC8921 || m->method >= METHOD_END ||
	    (m->version == DRAFT02 && m->method == ACTIVATE))
		return "version or method is not known";
	why = check_grammar(m);
	return why != NULL ? why : check_values(m);
}

/* ---- dates -------------------------------------------------------------- */

static const char *const days[] = {
    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void
date_write(char text[DATE_MAX], enum edition edition, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm = {0};

	(void)gmtime_r(&when, &tm);
	if (edition == RFC8921)
		(void)snprintf(text, DATE_MAX,
		    "%04u-%02u-%02uT%02u:%02u:%02uZ",
		    (unsigned)(tm.tm_year + 1900) % 10000,
		    (unsigned)(tm.tm_mon + 1) % 100,
		    (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
		    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	else
		(void)snprintf(text, DATE_MAX,
		    "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
		    (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
		    (unsigned)(tm.tm_year + 1900) % 10000,
		    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		    (unsigned)tm.tm_sec % 100);
}

/* Read it leniently, write it again, and compare. */
int64_t
date_read(struct span text, enum edition edition)
{
	char copy[DATE_MAX], again[DATE_MAX], month[4] = "", day[4] = "";
	struct tm tm = {0};
	int n;
	time_t when;

	if (text.n >= sizeof(copy))
		return -1;
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (edition == RFC8921) {
		n = sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year,
		    &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		    &tm.tm_sec);
		tm.tm_mon--;
	} else {
		n = sscanf(copy,
		    "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", day,
		    &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min,
		    &tm.tm_sec);
		n -= 1;
		for (tm.tm_mon = 0; tm.tm_mon < 12 &&
		    strcmp(months[tm.tm_mon], month) != 0; tm.tm_mon++)
			;
	}
	tm.tm_year -= 1900;
	if (n != 6 || tm.tm_mon < 0 || tm.tm_mon > 11)
		return -1;
	when = timegm(&tm);
	date_write(again, edition, (int64_t)when);
	return strcmp(copy, again) == 0 ? (int64_t)when : -1;
}
