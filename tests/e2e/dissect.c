/*
 * The vectors for tshark, and what it says of them held against the decoder.
 *
 *	dissect pcap MANIFEST >FILE	one UDP datagram for each vector
 *	dissect compare MANIFEST JSON	the output of tshark -T json for that
 *
 * Both sides are brought into lines NAME/PART=VALUE, sorted and compared.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/net.h>

#include "cpnpc/cpnpc.h"
#include "lib/core/cpd_schema.h"

enum { LINES_MAX = 1024, LINE_LEN = 12288, DATAGRAM_MAX = 65507 };

struct lines {
	char *line[LINES_MAX];
	size_t n;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "dissect: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void lines_add(struct lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
lines_add(struct lines *lines, const char *format, ...)
{
	char line[LINE_LEN];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(line) || lines->n == LINES_MAX)
		die("a vector", "too many or too long values");
	lines->line[lines->n++] = strdup(line);
}

static void
lines_clear(struct lines *lines)
{
	while (lines->n > 0)
		free(lines->line[--lines->n]);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static json_t *
load(const char *path)
{
	json_error_t error;
	json_t *value = json_load_file(path, 0, &error);

	if (value == NULL)
		die(path, error.text);
	return value;
}

/* The bytes of a vector, in NAME.hex next to the manifest. */
static size_t
read_vector(const char *manifest, const char *name, uint8_t *out)
{
	const char *slash = strrchr(manifest, '/');
	char path[1024], pair[3] = "";
	size_t n = 0, digits = 0;
	FILE *file;
	int c;

	(void)snprintf(path, sizeof(path), "%.*s/%s.hex",
	    slash != NULL ? (int)(slash - manifest) : 1,
	    slash != NULL ? manifest : ".", name);
	file = fopen(path, "r");
	if (file == NULL)
		die(path, "cannot be read");
	while ((c = getc(file)) != EOF) {
		if (c == '\n')
			continue;
		pair[digits++ % 2] = (char)c;
		if (digits % 2 != 0)
			continue;
		if (n == DATAGRAM_MAX)
			die(path, "longer than a datagram");
		out[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	(void)fclose(file);
	return n;
}

/* ---- the capture ------------------------------------------------------- */

static void
put32_native(uint32_t value)
{
	(void)fwrite(&value, sizeof(value), 1, stdout);
}

static void
put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A datagram over IPv4 without checksums, which tshark does not ask for. */
static void
put_packet(const uint8_t *bytes, size_t len, uint32_t second)
{
	uint8_t head[28] = {0x45, [8] = 64, [9] = 17, [12] = 192, [14] = 2,
	    [15] = 1, [16] = 192, [18] = 2, [19] = 2};

	put16(head + 2, sizeof(head) + len);
	put16(head + 20, 50000);
	put16(head + 22, CPNP_PORT);
	put16(head + 24, 8 + len);
	put32_native(second);
	put32_native(0);
	put32_native((uint32_t)(sizeof(head) + len));
	put32_native((uint32_t)(sizeof(head) + len));
	(void)fwrite(head, sizeof(head), 1, stdout);
	(void)fwrite(bytes, len, 1, stdout);
}

static int
write_pcap(const char *manifest)
{
	static uint8_t bytes[DATAGRAM_MAX];
	json_t *vectors = load(manifest), *vector;
	uint32_t second = 0;
	const char *name;

	put32_native(0xa1b2c3d4);
	put32_native(4u << 16 | 2u); /* version 2.4, on a small-endian host */
	put32_native(0);
	put32_native(0);
	put32_native(262144);
	put32_native(101); /* LINKTYPE_RAW */
	json_object_foreach(vectors, name, vector)
		put_packet(bytes, read_vector(manifest, name, bytes), second++);
	json_decref(vectors);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the decoder's side ------------------------------------------------ */

/* Integers of a list of names stay numbers on the side of tshark. */
static const char *
reason_number(const char *text)
{
	if (strcmp(text, "unacceptable gap") == 0)
		return "1";
	return strcmp(text, "conflict") == 0 ? "2" : "3";
}

static void
flatten(struct lines *lines, const char *path, json_t *value)
{
	char sub[512];
	const char *key;
	json_t *child;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		json_object_foreach(value, key, child)
		{
			/* said in other words, or compared by itself */
			if (strcmp(key, "where") == 0 ||
			    strcmp(key, "why") == 0 || strcmp(key, "xml") == 0)
				continue;
			(void)snprintf(sub, sizeof(sub), "%s/%s", path, key);
			if (strcmp(key, "error") == 0)
				lines_add(lines, "%s=", sub);
			else
				flatten(lines, sub, child);
		}
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, child)
		{
			(void)snprintf(sub, sizeof(sub), "%s/%zu", path, i);
			flatten(lines, sub, child);
		}
		break;
	case JSON_STRING:
		lines_add(lines, "%s=%s", path,
		    strncmp(path, "REASON/", 7) == 0
			? reason_number(json_string_value(value))
			: json_string_value(value));
		break;
	case JSON_INTEGER:
		lines_add(lines, "%s=%" JSON_INTEGER_FORMAT, path,
		    json_integer_value(value));
		break;
	case JSON_TRUE:
		lines_add(lines, "%s=true", path);
		break;
	case JSON_NULL:
		lines_add(lines, "%s=null", path);
		break;
	case JSON_REAL:
	case JSON_FALSE:
		die(path, "a value that no message has");
	}
}

static void
put_address(char *out, size_t size, const cpnp_cpd_prefix *prefix)
{
	size_t i, used = 0;

	if (prefix->family == 4) {
		(void)snprintf(out, size, "%u.%u.%u.%u", prefix->addr[0],
		    prefix->addr[1], prefix->addr[2], prefix->addr[3]);
		return;
	}
	for (i = 0; i < 16; i += 2)
		used += (size_t)snprintf(out + used, size - used, "%s%02x%02x",
		    i > 0 ? ":" : "", prefix->addr[i], prefix->addr[i + 1]);
}

/* A scalar in the words of the dissector, which are those of cpnp-wire(7). */
static void
put_scalar(
    const struct cpd_field *field, const void *at, char *out, size_t size)
{
	const cpnp_cpd_value *value = at;
	const cpnp_cpd_prefix *prefix = at;
	const cpnp_cpd_ports *ports = at;
	const cpnp_cpd_geo *geo = at;
	const cpnp_bytes *text = at;
	char address[48];

	switch ((enum cpd_kind)field->kind) {
	case CPD_VALUE:
		if (value->kind == CPNP_CPD_SINGLE)
			(void)snprintf(out, size, "%" PRIu64, value->lo);
		else
			(void)snprintf(out, size,
			    "%" PRIu64 " to %" PRIu64 ", preferably %" PRIu64,
			    value->lo, value->hi, value->preferred);
		return;
	case CPD_NUMBER:
		(void)snprintf(out, size, "%" PRIu32,
		    ((const cpnp_cpd_number *)at)->value);
		return;
	case CPD_ENUM:
		(void)snprintf(
		    out, size, "%s", field->names[*(const uint8_t *)at]);
		return;
	case CPD_TEXT:
		(void)snprintf(out, size, "%.*s", (int)text->len, text->ptr);
		return;
	case CPD_PREFIX:
		put_address(address, sizeof(address), prefix);
		(void)snprintf(out, size, "%s/%u", address, prefix->len);
		return;
	case CPD_ADDRESS:
		put_address(out, size, prefix);
		return;
	case CPD_PORTS:
		if (ports->lo == ports->hi)
			(void)snprintf(out, size, "%u", ports->lo);
		else
			(void)snprintf(
			    out, size, "%u-%u", ports->lo, ports->hi);
		return;
	case CPD_GEO:
		(void)snprintf(out, size, "%" PRId32 " %" PRId32,
		    geo->latitude, geo->longitude);
		return;
	case CPD_TIME:
		(void)snprintf(out, size, "%" PRId64,
		    ((const cpnp_cpd_time *)at)->time.sec);
		return;
	case CPD_NODE:
	case CPD_SCOPE:
		(void)snprintf(
		    out, size, "%" PRIu32, *(const cpnp_cpd_ref *)at);
		return;
	case CPD_STRUCT:
	case CPD_LIST:
	case CPD_ITEMS:
		break;
	}
	die(field->name, "is no scalar");
}

static void
walk(struct lines *lines, const char *path, const struct cpd_type *type,
    const void *structure)
{
	const struct cpd_field *field;
	const void *list, *member;
	char sub[256], value[512];
	size_t i, n;

	for (field = type->fields; field < type->fields + type->fields_n;
	     field++) {
		if (cpd_field_is_absent(field, structure))
			continue;
		if (cpd_is_scalar(field)) {
			put_scalar(field, cpd_at(field, structure), value,
			    sizeof(value));
			lines_add(lines, "%s/%s=%s", path, field->name, value);
			continue;
		}
		list = cpd_list_get(field, structure, &n);
		for (i = 0; i < n; i++) {
			member = cpd_member(field, list, i);
			(void)snprintf(sub, sizeof(sub), "%s/%s", path,
			    field->name);
			if (field->kind != CPD_STRUCT)
				(void)snprintf(sub, sizeof(sub), "%s/%s/%zu",
				    path, field->name, i);
			if (field->kind != CPD_ITEMS) {
				walk(lines, sub, field->type, member);
				continue;
			}
			put_scalar(field->item, member, value, sizeof(value));
			lines_add(lines, "%s=%s", sub, value);
		}
	}
}

/* The document of a message, when it has one that is not at fault. */
static void
add_document(struct lines *lines, cpnp_bytes datagram)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	cpnp_msg *msg = calloc(1, sizeof(*msg));
	char path[96];
	cpnp_cpd cpd;

	if (msg == NULL)
		die("decoding", "out of memory");
	(void)cpnp_msg_decode(msg, datagram, NULL);
	if (cpnp_msg_has(msg, CPNP_ATTR_SERVICE_DESCRIPTION) &&
	    !cpnp_cpd_is_empty(msg->service_description) &&
	    cpnp_cpd_decode(&cpd, msg->service_description, mem, NULL) == 0) {
		(void)snprintf(path, sizeof(path), "%s/cpd",
		    cpnp_attr_name(
			msg->edition, CPNP_ATTR_SERVICE_DESCRIPTION));
		walk(lines, path, &cpd_type_document, &cpd);
		cpnp_cpd_fini(&cpd);
	}
	free(msg);
}

static void
lines_of_decoder(struct lines *lines, cpnp_bytes datagram)
{
	const char *edition, *method, *name;
	json_t *object, *attributes, *value;
	cpnp_diag diag;
	int err;

	object = cpnpc_json_datagram(datagram, &err, &diag);
	lines_add(lines, "= %s", err == 0 ? "valid" : "invalid");
	edition = json_string_value(json_object_get(object, "edition"));
	method = json_string_value(json_object_get(object, "method"));
	if (edition != NULL)
		lines_add(lines, "= edition %s", edition);
	if (method != NULL)
		lines_add(lines, "= method %s", method);
	attributes = json_object_get(object, "attributes");
	json_object_foreach(attributes, name, value)
	{
		lines_add(lines, "= attribute %s", name);
		flatten(lines, name, value);
	}
	if (attributes != NULL)
		add_document(lines, datagram);
	json_decref(object);
}

/* ---- the dissector's side ---------------------------------------------- */

static void
add_all(struct lines *lines, json_t *layers, const char *field,
    const char *prefix)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(layers, field), i, value)
		lines_add(lines, "%s%s", prefix, json_string_value(value));
}

static void
lines_of_dissector(struct lines *lines, json_t *packet)
{
	json_t *layers = json_object_get(
	    json_object_get(packet, "_source"), "layers");
	const char *valid = json_string_value(
	    json_array_get(json_object_get(layers, "cpnp.valid"), 0));

	/* "1" or "True", as the version of Wireshark has it; a datagram without
	 * bytes reaches no dissector */
	lines_add(lines, "= %s",
	    valid != NULL && (*valid == '1' || *valid == 'T') ? "valid"
							      : "invalid");
	add_all(lines, layers, "cpnp.edition", "= edition ");
	add_all(lines, layers, "cpnp.method_name", "= method ");
	add_all(lines, layers, "cpnp.attribute", "= attribute ");
	add_all(lines, layers, "cpnp.item", "");
	add_all(lines, layers, "_ws.lua.error", "= error of Lua ");
}

static bool
is_same(const char *name, struct lines *decoder, struct lines *dissector)
{
	size_t a = 0, b = 0;
	bool same = true;
	int order;

	qsort(decoder->line, decoder->n, sizeof(char *), by_text);
	qsort(dissector->line, dissector->n, sizeof(char *), by_text);
	while (a < decoder->n || b < dissector->n) {
		order = a == decoder->n ? 1
		    : b == dissector->n
		    ? -1
		    : strcmp(decoder->line[a], dissector->line[b]);
		if (order != 0) {
			printf("%s: only the %s: %s\n", name,
			    order < 0 ? "decoder" : "dissector",
			    order < 0 ? decoder->line[a] : dissector->line[b]);
			same = false;
		}
		a += order <= 0;
		b += order >= 0;
	}
	printf("%s %s\n", same ? "ok" : "not ok", name);
	return same;
}

static int
compare(const char *manifest, const char *output)
{
	static struct lines decoder, dissector;
	static uint8_t bytes[DATAGRAM_MAX];
	json_t *vectors = load(manifest), *packets = load(output), *vector;
	size_t i = 0, failed = 0, len;
	const char *name;

	if (json_object_size(vectors) == 0 ||
	    json_array_size(packets) != json_object_size(vectors))
		die(output, "not one packet for each vector");
	json_object_foreach(vectors, name, vector)
	{
		len = read_vector(manifest, name, bytes);
		lines_of_decoder(&decoder, (cpnp_bytes){bytes, len});
		lines_of_dissector(&dissector, json_array_get(packets, i++));
		failed += !is_same(name, &decoder, &dissector);
		lines_clear(&decoder);
		lines_clear(&dissector);
	}
	json_decref(vectors);
	json_decref(packets);
	printf("%zu vectors, %zu differ\n", i, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "pcap") == 0)
		return write_pcap(argv[2]);
	if (argc == 4 && strcmp(argv[1], "compare") == 0)
		return compare(argv[2], argv[3]);
	fprintf(stderr, "usage: dissect pcap MANIFEST >FILE\n"
			"       dissect compare MANIFEST JSON\n");
	return 2;
}
