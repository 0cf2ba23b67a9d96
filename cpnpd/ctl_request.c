/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ctl_request.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	unsigned must;
	unsigned may;
} verbs[] = {
#define X(NAME, text, must, may) {text, must, may},
	CPNP_CTL_VERB_MAP(X)
#undef X
};

#define TEXT(member) {JSON_STRING, offsetof(cpnp_ctl_request, member)}
#define NUMBER(member) {JSON_INTEGER, offsetof(cpnp_ctl_request, member)}
#define BOOL(member) {JSON_TRUE, offsetof(cpnp_ctl_request, member)}

static const struct {
	json_type type;
	size_t offset;
} places[] = {
	[CPNP_CTL_ORDER] = TEXT(order),
	[CPNP_CTL_CUSTOMER] = TEXT(customer),
	[CPNP_CTL_STATE] = TEXT(state),
	[CPNP_CTL_LEVEL] = TEXT(level),
	[CPNP_CTL_FILE] = TEXT(file),
	[CPNP_CTL_OPEN] = BOOL(open),
	[CPNP_CTL_OFF] = BOOL(off),
	[CPNP_CTL_FOLLOW] = BOOL(follow),
	[CPNP_CTL_FROM] = NUMBER(from),
	[CPNP_CTL_LIMIT] = NUMBER(limit),
	[CPNP_CTL_COST] = TEXT(cost),
	[CPNP_CTL_VALIDITY] = TEXT(validity),
	[CPNP_CTL_SERVICE] = TEXT(service),
	[CPNP_CTL_STATUS_CODE] = TEXT(status),
	[CPNP_CTL_REASON] = TEXT(reason),
	[CPNP_CTL_WAIT] = NUMBER(wait),
	[CPNP_CTL_ACCEPT_LOSS] = BOOL(accept_loss),
};

static const char *const member_names[] = {
#define X(NAME, text) text,
	CPNP_CTL_MEMBER_MAP(X)
#undef X
};

const char *
cpnp_ctl_verb_name(cpnp_ctl_verb verb)
{
	return verb < CPNP_CTL_VERB_END ? verbs[verb].name : "?";
}

static void
list_names(unsigned members, char *out, size_t size)
{
	size_t i, len = 0;

	snprintf(out, size, "none");
	for (i = 0; i < N_OF(member_names) && len < size; i++)
		if ((members & CPNP_CTL_BIT(i)) != 0)
			len += (size_t)snprintf(out + len, size - len,
			    "%s\"%s\"", len > 0 ? ", " : "", member_names[i]);
}

static bool
find_verb(cpnp_ctl_request *r, const json_t *object, char *why, size_t size)
{
	const json_t *verb = json_object_get(object, "verb");
	const char *name = json_string_value(verb);
	size_t i;

	for (i = 0; name != NULL && i < N_OF(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0 &&
		    strlen(name) == json_string_length(verb)) {
			r->verb = (cpnp_ctl_verb)i;
			return true;
		}
	if (name == NULL)
		snprintf(why, size, "the request has no verb; expected "
		    "{\"verb\": \"status\"} or another of cpnpctl(8)");
	else
		snprintf(why, size, "there is no verb \"%.64s\"; expected one "
		    "of cpnpctl(8)", name);
	return false;
}

static bool
set_text(char *out, const json_t *value)
{
	size_t len = json_string_length(value);
	const char *text = json_string_value(value);

	if (text == NULL || len == 0 || len > CPNP_CTL_TEXT_MAX ||
	    memchr(text, '\0', len) != NULL)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool
set_value(void *out, json_type type, const json_t *value)
{
	if (type == JSON_STRING)
		return set_text(out, value);
	if (type == JSON_TRUE && json_is_boolean(value)) {
		*(bool *)out = json_is_true(value);
		return true;
	}
	if (type == JSON_INTEGER && json_is_integer(value) &&
	    json_integer_value(value) >= 0) {
		*(uint64_t *)out = (uint64_t)json_integer_value(value);
		return true;
	}
	return false;
}

static bool
set_member(cpnp_ctl_request *r, const char *key, const json_t *value,
    char *why, size_t size)
{
	unsigned known = verbs[r->verb].must | verbs[r->verb].may;
	char list[128];
	size_t i;
	bool ok;

	for (i = 0; i < N_OF(member_names); i++)
		if (strcmp(member_names[i], key) == 0)
			break;
	if (i == N_OF(member_names) || (known & CPNP_CTL_BIT(i)) == 0) {
		list_names(known, list, sizeof(list));
		snprintf(why, size, "%s has no \"%.64s\"; its members are: %s",
		    verbs[r->verb].name, key, list);
		return false;
	}
	ok = set_value((char *)r + places[i].offset, places[i].type, value);
	if (!ok)
		snprintf(why, size, "\"%s\" is not one; expected %s", key,
		    places[i].type == JSON_TRUE ? "true or false"
			: places[i].type == JSON_INTEGER
			? "a whole number from 0 on"
			: "a text of 1 to 1024 bytes");
	r->present |= CPNP_CTL_BIT(i);
	return ok;
}

bool
cpnp_ctl_parse(cpnp_ctl_request *r, const char *line, size_t len, char *why,
    size_t size)
{
	json_error_t error;
	json_t *object = json_loadb(
	    line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	unsigned missing;
	const char *key;
	char list[128];
	json_t *value;
	bool ok;

	memset(r, 0, sizeof(*r));
	if (!json_is_object(object)) {
		snprintf(why, size, "the request is no JSON object%s%s; "
		    "expected {\"verb\": \"status\"} or another of "
		    "cpnpctl(8)", object == NULL ? ": " : "",
		    object == NULL ? error.text : "");
		json_decref(object);
		return false;
	}
	ok = find_verb(r, object, why, size);
	if (ok)
		json_object_foreach(object, key, value)
			if (ok && strcmp(key, "verb") != 0)
				ok = set_member(r, key, value, why, size);
	missing = ok ? verbs[r->verb].must & ~r->present : 0;
	if (missing != 0) {
		list_names(missing, list, sizeof(list));
		snprintf(why, size, "%s needs %s", verbs[r->verb].name, list);
		ok = false;
	}
	json_decref(object);
	return ok;
}
