/*
 * The vectors of tests/vectors, which are for other implementations too: the
 * decoder says of each what the manifest says, the encoder gives back the
 * bytes, and every cell of the grammar has one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <jansson.h>

#include <cpnp/cpd.h>
#include <cpnp/net.h>

#include "cpnpc/cpnpc.h"
#include "unit.h"

#define MANIFEST "tests/vectors/manifest.json"

static uint8_t bytes[CPNP_MSG_MAX];

static json_t *
read_manifest(void)
{
	char *text = unit_slurp(MANIFEST);
	json_error_t error;
	json_t *manifest = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(manifest != NULL, "%s:%d: %s", MANIFEST, error.line,
	    error.text);
	free(text);
	return manifest;
}

static cpnp_bytes
read_vector(const char *name)
{
	char file[256], *text;
	cpnp_bytes vector;

	(void)snprintf(file, sizeof(file), "tests/vectors/%s.hex", name);
	text = unit_slurp(file);
	vector = unit_hex(text, bytes);
	free(text);
	return vector;
}

static const char *
string_of(json_t *vector, const char *key)
{
	const char *text = json_string_value(json_object_get(vector, key));

	return text != NULL ? text : "OK";
}

/* What is put in words for a person is not part of a vector. */
static void
drop_words(json_t *decoded)
{
	json_t *attributes = json_object_get(decoded, "attributes"), *value;
	const char *name;

	(void)json_object_del(decoded, "error");
	json_object_foreach(attributes, name, value)
	{
		(void)json_object_del(value, "error");
		(void)json_object_del(value, "where");
		(void)json_object_del(value, "why");
	}
}

/* C1, contradictions.md 29: what is read, of broken messages too. */
START_TEST(test_vectors_decode)
{
	json_t *manifest = read_manifest(), *vector, *got;
	const char *name;
	cpnp_diag diag;
	char *text;
	int err;

	ck_assert_uint_gt(json_object_size(manifest), 0);
	json_object_foreach(manifest, name, vector)
	{
		got = cpnpc_json_datagram(read_vector(name), &err, &diag);
		ck_assert_msg(strcmp(cpnp_error_name(err),
				  string_of(vector, "error")) == 0,
		    "%s: got %s, want %s", name, cpnp_error_name(err),
		    string_of(vector, "error"));
		drop_words(got);
		text = json_dumps(got, JSON_COMPACT);
		ck_assert_msg(
		    json_equal(got, json_object_get(vector, "decode")),
		    "%s: got %s", name, text);
		free(text);
		json_decref(got);
	}
	json_decref(manifest);
}
END_TEST

static void
check_document(const char *name, const cpnp_msg *msg, const char *want)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	cpnp_bytes document = msg->service_description;
	uint64_t type;
	cpnp_cpd cpd;
	int err = 0;

	if (cpnp_msg_has(msg, CPNP_ATTR_SERVICE_DESCRIPTION) &&
	    cpnp_service_type(document, &type) == 0 &&
	    type == CPNP_SERVICE_CPD && !cpnp_cpd_is_empty(document)) {
		err = cpnp_cpd_decode(&cpd, document, mem, NULL);
		if (err == 0)
			cpnp_cpd_fini(&cpd);
	}
	ck_assert_msg(strcmp(cpnp_error_name(err), want) == 0,
	    "%s: document: got %s, want %s", name, cpnp_error_name(err), want);
}

/* Unknown attributes are not kept, and an UPDATE is not sent without
 * EXPECTED_RESPONSE_TIME (contradictions.md, 16); all else comes back. */
static bool
encodes(const cpnp_msg *msg, json_t *vector)
{
	return json_object_get(vector, "unknown") == NULL &&
	    !(msg->method == CPNP_METHOD_UPDATE &&
		!cpnp_msg_has(msg, CPNP_ATTR_EXPECTED_RESPONSE_TIME));
}

START_TEST(test_vectors_encode)
{
	json_t *manifest = read_manifest(), *vector;
	size_t encoded = 0, broken = 0;
	cpnp_bytes datagram;
	const char *name;
	cpnp_buf buf;
	cpnp_msg msg;

	json_object_foreach(manifest, name, vector)
	{
		datagram = read_vector(name);
		if (cpnp_msg_decode(&msg, datagram, NULL) != 0) {
			broken++;
			continue;
		}
		check_document(
		    name, &msg, string_of(vector, "document_error"));
		if (!encodes(&msg, vector))
			continue;
		cpnp_buf_init(&buf, &cpnp_env_openssl()->mem, CPNP_MSG_MAX);
		ck_assert_msg(cpnp_msg_encode(&msg, &buf, NULL) == 0,
		    "%s does not encode", name);
		ck_assert_msg(cpnp_bytes_equal(cpnp_buf_bytes(&buf), datagram),
		    "%s encodes to other bytes", name);
		cpnp_buf_fini(&buf);
		encoded++;
	}
	ck_assert_uint_gt(encoded, 0);
	ck_assert_uint_gt(broken, 0);
	json_decref(manifest);
}
END_TEST

/* Every attribute that may stand in a message stands in a valid vector, and is
 * missing in another, which is valid unless it had to stand. */
START_TEST(test_vectors_cover_the_grammar)
{
	static uint64_t with[2][CPNP_METHOD_END], without[2][CPNP_METHOD_END],
	    missing[2][CPNP_METHOD_END];
	json_t *manifest = read_manifest(), *vector;
	const char *name;
	cpnp_msg msg;
	int err;

	json_object_foreach(manifest, name, vector)
	{
		err = cpnp_msg_decode(&msg, read_vector(name), NULL);
		if (err == CPNP_ERR_ATTR_MISSING)
			missing[msg.edition][msg.method] |= ~msg.present;
		if (err != 0)
			continue;
		with[msg.edition][msg.method] |= msg.present;
		without[msg.edition][msg.method] |= ~msg.present;
	}
	json_decref(manifest);
	for (int edition = 0; edition < 2; edition++)
		for (int method = 0; method < CPNP_METHOD_END; method++)
			for (int a = 0; a < CPNP_ATTR_END; a++) {
				cpnp_presence presence =
				    cpnp_grammar((cpnp_edition)edition,
					(cpnp_method)method, (cpnp_attr)a);

				if (presence == CPNP_ABSENT)
					continue;
				ck_assert_msg(with[edition][method] &
					CPNP_ATTR_BIT(a),
				    "no vector of edition %d method %d has %s",
				    edition, method,
				    cpnp_attr_name((cpnp_edition)edition,
					(cpnp_attr)a));
				ck_assert_msg((presence == CPNP_MANDATORY
					? missing
					: without)[edition][method] &
					CPNP_ATTR_BIT(a),
				    "every vector of edition %d method %d has "
				    "%s",
				    edition, method,
				    cpnp_attr_name((cpnp_edition)edition,
					(cpnp_attr)a));
			}
}
END_TEST

/* Each breach that decoding a message can find has a vector. */
START_TEST(test_vectors_cover_the_errors)
{
	static const int errors[] = {CPNP_ERR_TRUNCATED, CPNP_ERR_TRAILING,
	    CPNP_ERR_NOT_DETERMINISTIC, CPNP_ERR_TYPE, CPNP_ERR_RANGE,
	    CPNP_ERR_UTF8, CPNP_ERR_DUPLICATE, CPNP_ERR_TOO_LONG,
	    CPNP_ERR_VERSION, CPNP_ERR_METHOD, CPNP_ERR_ATTR_MISSING,
	    CPNP_ERR_ATTR_UNEXPECTED, CPNP_ERR_ATTR_UNKNOWN, CPNP_ERR_DATE};
	json_t *manifest = read_manifest(), *vector;
	const char *name;
	bool found;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		found = false;
		json_object_foreach(manifest, name, vector)
			found |= strcmp(string_of(vector, "error"),
				     cpnp_error_name(errors[i])) == 0;
		ck_assert_msg(
		    found, "no vector is %s", cpnp_error_name(errors[i]));
	}
	json_decref(manifest);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_vectors_decode,
	    test_vectors_encode,
	    test_vectors_cover_the_grammar,
	    test_vectors_cover_the_errors,
	};

	return unit_run("vectors", tests, sizeof(tests) / sizeof(tests[0]));
}
