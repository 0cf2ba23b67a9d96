/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "cpd_schema.h"

bool
cpd_prefix_equal(const cpnp_cpd_prefix *a, const cpnp_cpd_prefix *b)
{
	return a->family == b->family && a->len == b->len &&
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

bool
cpd_prefix_is_canonical(const cpnp_cpd_prefix *prefix)
{
	unsigned max = prefix->family == 4 ? 32 : 128;

	if ((prefix->family != 4 && prefix->family != 6) || prefix->len > max)
		return false;
	for (unsigned bit = prefix->len; bit < 128; bit++)
		if ((prefix->addr[bit / 8] & (0x80u >> bit % 8)) != 0)
			return false;
	return true;
}

bool
cpd_prefix_is_multicast(const cpnp_cpd_prefix *prefix)
{
	if (prefix->family == 4)
		return prefix->len >= 4 && (prefix->addr[0] & 0xf0) == 0xe0;
	return prefix->family == 6 && prefix->len >= 8 &&
	    prefix->addr[0] == 0xff;
}

/* A decimal number without a leading zero, at most max; -1 for none. */
static int
parse_decimal(const char **p, int max)
{
	const char *start = *p;
	int value = 0;

	while (**p >= '0' && **p <= '9') {
		value = value * 10 + (**p - '0');
		if (value > max)
			return -1;
		++*p;
	}
	if (*p == start || (*start == '0' && *p - start > 1))
		return -1;
	return value;
}

static bool
parse_ipv4(const char **p, uint8_t addr[4])
{
	for (int i = 0; i < 4; i++) {
		int value;

		if (i > 0 && *(*p)++ != '.')
			return false;
		value = parse_decimal(p, 255);
		if (value < 0)
			return false;
		addr[i] = (uint8_t)value;
	}
	return true;
}

/* One to four hexadecimal digits; -1 for none. */
static int
parse_group(const char **p)
{
	int value = 0;
	int n;

	for (n = 0; n < 4; n++) {
		char c = **p;

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + (c - 'A' + 10);
		else
			break;
		++*p;
	}
	return n == 0 ? -1 : value;
}

/* Is a dotted IPv4 address what comes next (RFC 4291, 2.2)? */
static bool
is_dotted(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return *p == '.';
}

static bool
parse_ipv6(const char **p, uint8_t addr[16])
{
	int n = 0;    /* bytes so far */
	int gap = -1; /* where :: stands */

	memset(addr, 0, 16);
	while (n < 16) {
		int group;

		if ((*p)[0] == ':' && (*p)[1] == ':') {
			if (gap >= 0)
				return false;
			gap = n;
			*p += 2;
		} else if (n > 0 && gap != n) {
			if (**p != ':')
				break;
			++*p;
		}
		if (n <= 12 && is_dotted(*p)) {
			if (!parse_ipv4(p, addr + n))
				return false;
			n += 4;
			break;
		}
		group = parse_group(p);
		if (group < 0) {
			if (gap != n)
				return false;
			break;
		}
		addr[n++] = (uint8_t)(group >> 8);
		addr[n++] = (uint8_t)group;
	}
	if (gap < 0 || n == 16)
		return gap < 0 && n == 16;
	memmove(addr + 16 - (n - gap), addr + gap, (size_t)(n - gap));
	memset(addr + gap, 0, (size_t)(16 - n));
	return true;
}

int
cpd_prefix_parse(cpnp_bytes text, bool is_address, cpnp_cpd_prefix *prefix)
{
	char copy[64];
	const char *p = copy;
	int max, len;
	bool good;

	if (text.len == 0 || text.len >= sizeof(copy))
		return CPNP_ERR_INVALID;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	*prefix = (cpnp_cpd_prefix){0};
	prefix->family = memchr(copy, ':', text.len) != NULL ? 6 : 4;
	good = prefix->family == 6 ? parse_ipv6(&p, prefix->addr)
				   : parse_ipv4(&p, prefix->addr);
	max = len = prefix->family == 6 ? 128 : 32;
	if (good && *p == '/' && !is_address) {
		p++;
		len = parse_decimal(&p, max);
	}
	if (!good || len < 0 || p != copy + text.len)
		return CPNP_ERR_INVALID;
	prefix->len = (uint8_t)len;
	return cpd_prefix_is_canonical(prefix) ? 0 : CPNP_ERR_RANGE;
}

/* RFC 5952: the longest run of at least two zero groups is "::", the first
 * one when there are several. */
static void
format_ipv6(const uint8_t addr[16], char *out, size_t size)
{
	int best = 8, best_n = 1, n = 0;
	size_t len = 0;

	for (int i = 0; i < 8; i++) {
		n = addr[2 * i] == 0 && addr[2 * i + 1] == 0 ? n + 1 : 0;
		if (n > best_n) {
			best_n = n;
			best = i - n + 1;
		}
	}
	out[0] = '\0';
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			len += (size_t)snprintf(out + len, size - len, "::");
			i += best_n - 1;
			continue;
		}
		len += (size_t)snprintf(out + len, size - len, "%s%x",
		    i == 0 || i == best + best_n ? "" : ":",
		    (unsigned)(addr[2 * i] << 8 | addr[2 * i + 1]));
	}
}

void
cpd_prefix_format(const cpnp_cpd_prefix *prefix, bool is_address,
    char out[CPD_PREFIX_LEN])
{
	const uint8_t *a = prefix->addr;
	size_t len;

	if (prefix->family == 4)
		snprintf(out, CPD_PREFIX_LEN, "%u.%u.%u.%u", a[0], a[1], a[2],
		    a[3]);
	else
		format_ipv6(a, out, CPD_PREFIX_LEN);
	len = strlen(out);
	if (!is_address)
		snprintf(out + len, CPD_PREFIX_LEN - len, "/%u", prefix->len);
}
