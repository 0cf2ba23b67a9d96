/*
 * What single values of the configuration may be.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cpnp/agreement.h>
#include <cpnp/cpd.h>
#include <cpnp/message.h>
#include <cpnp/settlement.h>

#include "conf_value.h"

bool
cpnp_conf_wrong_identity(const char *value, char *why, size_t size)
{
	const char *p;
	size_t len = strlen(value);

	if (len == 0 || len > CPNP_IDENTITY_MAX) {
		snprintf(why, size, "has %zu bytes, of 1 to %d", len,
		    CPNP_IDENTITY_MAX);
		return true;
	}
	for (p = value; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f) {
			snprintf(why, size, "has a space or a control "
			    "character in it");
			return true;
		}
	/* Names of hosts are compared in lower case, mail and URI as is. */
	if (strpbrk(value, "@:") == NULL)
		for (p = value; *p != '\0'; p++)
			if (*p >= 'A' && *p <= 'Z') {
				snprintf(why, size, "\"%s\" has upper case "
				    "letters, names are compared in lower "
				    "case", value);
				return true;
			}
	return false;
}

static bool
wrong_port(const char *text)
{
	char *end;
	unsigned long port;

	errno = 0;
	port = strtoul(text, &end, 10);
	return *text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    port > 65535;
}

bool
cpnp_conf_wrong_address(const char *value, char *why, size_t size)
{
	unsigned char bin[sizeof(struct in6_addr)];
	char host[128];
	const char *open = value[0] == '[' ? value + 1 : value;
	const char *end = value[0] == '[' ? strchr(value, ']')
					  : strchr(value, ':');
	const char *port;
	size_t len;

	if (end == NULL)
		end = value + strlen(value);
	len = (size_t)(end - open);
	port = *end == ']' ? end + 1 : end;
	if (len < sizeof(host)) {
		memcpy(host, open, len);
		host[len] = '\0';
		if (inet_pton(value[0] == '[' ? AF_INET6 : AF_INET, host,
			bin) == 1 && (value[0] != '[' || *end == ']')) {
			if (*port == '\0' ||
			    (*port == ':' && !wrong_port(port + 1)))
				return false;
			snprintf(why, size, "\"%s\" has no port from 0 to "
			    "65535 after the address", value);
			return true;
		}
	}
	snprintf(why, size, "\"%s\" is no IP address", value);
	return true;
}

bool
cpnp_conf_wrong_user(const char *value, char *why, size_t size)
{
	if (getpwnam(value) != NULL)
		return false;
	snprintf(why, size, "there is no user \"%s\"", value);
	return true;
}

bool
cpnp_conf_wrong_socket(const char *value, char *why, size_t size)
{
	const struct sockaddr_un *at = NULL;

	if (strlen(value) < sizeof(at->sun_path))
		return false;
	snprintf(why, size, "is longer than the %zu bytes that the name of a "
	    "socket may have", sizeof(at->sun_path) - 1);
	return true;
}

bool
cpnp_conf_wrong_group(const char *value, char *why, size_t size)
{
	if (getgrnam(value) != NULL)
		return false;
	snprintf(why, size, "there is no group \"%s\"", value);
	return true;
}

bool
cpnp_conf_wrong_account(const char *value, char *why, size_t size)
{
	size_t len = strlen(value), i;

	if (len == 0 || len > CPNP_ACCOUNT_MAX) {
		snprintf(why, size, "has %zu bytes, of 1 to %d", len,
		    CPNP_ACCOUNT_MAX);
		return true;
	}
	for (i = 0; i < len; i++)
		if (value[i] < '!' || value[i] > '~') {
			snprintf(why, size, "has a character that no account "
			    "has");
			return true;
		}
	return false;
}

bool
cpnp_conf_parse_token(
    const char *text, cpnp_bytes *code, cpnp_bytes *issuer)
{
	static const char of[] = " of ";
	const char *at = strstr(text, of);
	size_t len = at == NULL ? strlen(text) : (size_t)(at - text), i;
	char why[128];

	*code = (cpnp_bytes){(const uint8_t *)text, len};
	*issuer = CPNP_BYTES_NONE;
	if (len == 0 || len > CPNP_TOKEN_CODE_MAX)
		return false;
	for (i = 0; i < len; i++)
		if ((text[i] < 'A' || text[i] > 'Z') &&
		    (text[i] < '0' || text[i] > '9'))
			return false;
	if (at == NULL)
		return true;
	*issuer = cpnp_bytes_str(at + sizeof(of) - 1);
	return !cpnp_conf_wrong_account(
	    at + sizeof(of) - 1, why, sizeof(why));
}

bool
cpnp_conf_wrong_token(const char *value, char *why, size_t size)
{
	cpnp_bytes code, issuer;

	if (cpnp_conf_parse_token(value, &code, &issuer))
		return false;
	snprintf(why, size, "\"%s\" names no token", value);
	return true;
}

bool
cpnp_conf_parse_offer(
    const char *text, cpnp_bytes *id, cpnp_bytes *publisher)
{
	static const char of[] = " of ";
	const char *at = NULL, *next;
	size_t len, i;
	char why[128];

	/* an id may have spaces, an account has none: the last one counts */
	for (next = strstr(text, of); next != NULL;
	     next = strstr(next + 1, of))
		at = next;
	len = at == NULL ? strlen(text) : (size_t)(at - text);
	*id = (cpnp_bytes){(const uint8_t *)text, len};
	*publisher = CPNP_BYTES_NONE;
	if (len == 0 || len > CPNP_OFFER_ID_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	if (at == NULL)
		return true;
	*publisher = cpnp_bytes_str(at + sizeof(of) - 1);
	return !cpnp_conf_wrong_account(
	    at + sizeof(of) - 1, why, sizeof(why));
}

bool
cpnp_conf_wrong_offer(const char *value, char *why, size_t size)
{
	cpnp_bytes id, publisher;

	if (cpnp_conf_parse_offer(value, &id, &publisher))
		return false;
	snprintf(why, size, "\"%s\" names no entry", value);
	return true;
}

bool
cpnp_conf_wrong_prefix(const char *value, char *why, size_t size)
{
	unsigned char bin[sizeof(struct in6_addr)];
	char host[64];
	const char *slash = strchr(value, '/');
	size_t len = slash == NULL ? strlen(value) : (size_t)(slash - value);
	int family = strchr(value, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned long bits_max = family == AF_INET6 ? 128 : 32;
	char *end = NULL;

	if (len < sizeof(host)) {
		memcpy(host, value, len);
		host[len] = '\0';
		if (inet_pton(family, host, bin) == 1) {
			if (slash == NULL)
				return false;
			if (slash[1] >= '0' && slash[1] <= '9' &&
			    strtoul(slash + 1, &end, 10) <= bits_max &&
			    *end == '\0')
				return false;
			snprintf(why, size, "the length after \"/\" is not "
			    "from 0 to %lu", bits_max);
			return true;
		}
	}
	snprintf(why, size, "is no IP prefix");
	return true;
}

bool
cpnp_conf_parse_number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

/* The library has two units of time, microseconds and seconds. */
bool
cpnp_conf_parse_time(const char *text, uint64_t *out)
{
	cpnp_bytes bytes = cpnp_bytes_str(text);
	uint64_t n;

	if (cpnp_quantity_parse(CPNP_UNIT_DELAY, bytes, &n) == 0)
		return !__builtin_mul_overflow(n, UINT64_C(1000), out);
	if (cpnp_quantity_parse(CPNP_UNIT_SECONDS, bytes, &n) == 0)
		return !__builtin_mul_overflow(n, UINT64_C(1000000000), out);
	return false;
}

bool
cpnp_conf_parse_size(const char *text, uint64_t *out)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t digits = strspn(text, "0123456789"), i;
	const char *unit = text + digits;
	uint64_t factor = 1;

	if (digits == 0 || digits > 19)
		return false;
	*out = strtoull(text, NULL, 10);
	if (*unit == ' ')
		unit++;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i]) == 0)
			return !__builtin_mul_overflow(*out, factor, out);
		factor *= 1000;
	}
	return false;
}

/* Digits and at most one point, a space, the code of a token. */
bool
cpnp_conf_parse_money(const char *text, cpnp_conf_money *out)
{
	bool point = false, digits = false;
	const char *p;
	size_t i;

	out->amount = 0;
	out->exponent = 0;
	for (p = text; *p != '\0' && *p != ' '; p++) {
		if (*p == '.' && !point && digits) {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9' ||
		    __builtin_mul_overflow(out->amount, 10, &out->amount) ||
		    __builtin_add_overflow(
			out->amount, *p - '0', &out->amount))
			return false;
		digits = true;
		if (point && ++out->exponent > CPNP_TOKEN_EXPONENT_MAX)
			return false;
	}
	if (!digits || *p != ' ' || (point && out->exponent == 0))
		return false;
	p++;
	for (i = 0; p[i] != '\0'; i++)
		if (i == CPNP_TOKEN_CODE_MAX ||
		    !((p[i] >= 'A' && p[i] <= 'Z') ||
			(p[i] >= '0' && p[i] <= '9')))
			return false;
	memcpy(out->code, p, i + 1);
	out->is_given = true;
	return i > 0;
}

bool
cpnp_conf_parse_method(const char *text, cpnp_conf_methods *out)
{
	out->is_given = true;
	if (strcmp(text, "none") == 0)
		return true;
#define X(NAME, name)                                                          \
	if (strcmp(text, name) == 0) {                                         \
		out->bits |= CPNP_CONF_METHOD_BIT(CPNP_METHOD_##NAME);         \
		return true;                                                   \
	}
	CPNP_CONF_METHOD_MAP(X)
#undef X
	return false;
}

bool
cpnp_conf_may_wait(const cpnp_conf_approves *a)
{
	return a->methods.bits != 0 || a->above.is_given || a->escalate == 1;
}
