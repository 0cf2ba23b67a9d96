/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "srv.h"

#define LABEL_MAX 63
#define LONGEST_PREFIX "_cpnps._udp."

/* ---- names ------------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* One label, up to its dot or the end; *numeric when it is a number. */
static bool
label_is_valid(const char *label, size_t len, bool *numeric)
{
	size_t i;

	if (len == 0 || len > LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return false;
	*numeric = true;
	for (i = 0; i < len; i++) {
		if (!is_letter(label[i]) && !is_digit(label[i]) &&
		    label[i] != '-' && label[i] != '_')
			return false;
		*numeric &= is_digit(label[i]);
	}
	return true;
}

bool
cpnpc_name_parse(const char *text, char out[CPNPC_NAME_LEN])
{
	size_t len = strlen(text), i, label;
	bool numeric = true;

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= CPNPC_NAME_LEN)
		return false;
	for (i = 0; i < len; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z'
			     ? (char)(text[i] - 'A' + 'a')
			     : text[i];
	out[len] = '\0';
	for (i = 0; i < len; i += label + 1) {
		label = strcspn(out + i, ".");
		if (!label_is_valid(out + i, label, &numeric))
			return false;
	}
	/* no top-level domain is a number: this is an IPv4 address */
	return i == len + 1 && !numeric;
}

bool
cpnpc_domain_parse(const char *text, char out[CPNPC_NAME_LEN])
{
	return cpnpc_name_parse(text, out) && strchr(out, '_') == NULL &&
	       strlen(out) + sizeof(LONGEST_PREFIX) <= CPNPC_NAME_LEN;
}

static bool
is_port(const char *text)
{
	return strspn(text, "0123456789") == strlen(text) && text[0] != '\0' &&
	       strlen(text) <= 5 && atoi(text) >= 1 && atoi(text) <= 65535;
}

/* One address, which is cut into its parts. */
static bool
resolver_is_valid(char *text)
{
	unsigned char ip[16];
	char *end;

	if (inet_pton(AF_INET6, text, ip) == 1)
		return true;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL)
			return false;
		*end++ = '\0';
		return inet_pton(AF_INET6, text + 1, ip) == 1 &&
		       (*end == '\0' || (*end == ':' && is_port(end + 1)));
	}
	end = strchr(text, ':');
	if (end != NULL)
		*end++ = '\0';
	return inet_pton(AF_INET, text, ip) == 1 &&
	       (end == NULL || is_port(end));
}

bool
cpnpc_resolver_is_valid(const char *text)
{
	char one[64];
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (len >= sizeof(one))
			return false;
		memcpy(one, text, len);
		one[len] = '\0';
		if (!resolver_is_valid(one))
			return false;
		if (text[len] == '\0')
			return true;
	}
}

/* ---- the order --------------------------------------------------------- */

/* Move record from to the place to, which is before it. */
static void
move_up(cpnpc_srv *records, size_t from, size_t to)
{
	cpnpc_srv moved = records[from];

	memmove(&records[to + 1], &records[to], (from - to) * sizeof(moved));
	records[to] = moved;
}

/* By priority, and within one those of weight 0 first, so that they have a
 * chance at all. */
static bool
comes_before(const cpnpc_srv *a, const cpnpc_srv *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->weight == 0 && b->weight != 0;
}

static void
sort_priorities(cpnpc_srv *records, size_t n)
{
	size_t i, to;

	for (i = 1; i < n; i++) {
		to = i;
		while (to > 0 && comes_before(&records[i], &records[to - 1]))
			to--;
		move_up(records, i, to);
	}
}

/* 0 to max, both included.  64 bits over a sum of at most 22: the remainder
 * favours no value by more than 2^-42. */
static int
draw(const cpnp_env *env, uint32_t max, uint32_t *value)
{
	uint8_t bytes[8];
	uint64_t number = 0;
	size_t i;

	if (env->random(env->user, bytes, sizeof(bytes)) != 0)
		return CPNP_ERR_RANDOM;
	for (i = 0; i < sizeof(bytes); i++)
		number = number << 8 | bytes[i];
	*value = (uint32_t)(number % ((uint64_t)max + 1));
	return 0;
}

/* Records of one priority, RFC 2782 under "Weight": again and again the first
 * whose running sum of weights reaches a number drawn. */
static int
sort_weights(cpnpc_srv *records, size_t n, const cpnp_env *env)
{
	uint32_t sum = 0, drawn = 0, running;
	size_t done, i;
	int err;

	for (i = 0; i < n; i++)
		sum += records[i].weight;
	for (done = 0; done + 1 < n && sum > 0; done++) {
		err = draw(env, sum, &drawn);
		if (err != 0)
			return err;
		running = records[done].weight;
		for (i = done; running < drawn; running += records[i].weight)
			i++;
		sum -= records[i].weight;
		move_up(records, i, done);
	}
	return 0;
}

int
cpnpc_srv_sort(cpnpc_srv *records, size_t n, const cpnp_env *env)
{
	size_t from, to;
	int err = 0;

	if (n > CPNPC_SRV_MAX)
		return CPNP_ERR_INVALID;
	sort_priorities(records, n);
	for (from = 0; from < n && err == 0; from = to) {
		for (to = from; to < n; to++)
			if (records[to].priority != records[from].priority)
				break;
		err = sort_weights(records + from, to - from, env);
	}
	return err;
}
