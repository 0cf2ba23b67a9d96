/*
 * cpnpc decode: every message of both editions as JSON, held against
 * tests/unit/decode.json; broken ones as far as they can be read
 * (contradictions.md, 29).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <jansson.h>

#include <cpnp/net.h>
#include <cpnp/xml.h>

#include "cpnpc/cpnpc.h"
#include "unit.h"

static cpnp_bytes
read_vector(const char *name, uint8_t bytes[CPNP_MSG_MAX])
{
	char file[256], *text;
	cpnp_bytes vector;

	snprintf(file, sizeof(file), "tests/vectors/%s.hex", name);
	text = unit_slurp(file);
	vector = unit_hex(text, bytes);
	free(text);
	return vector;
}

START_TEST(test_decode_golden)
{
	static uint8_t bytes[CPNP_MSG_MAX];
	json_error_t error;
	char *file = unit_slurp("tests/unit/decode.json");
	json_t *golden = json_loads(file, 0, &error);
	const char *name;
	json_t *want;
	size_t n = 0;

	ck_assert_msg(golden != NULL, "%s", error.text);
	json_object_foreach(golden, name, want)
	{
		cpnp_diag diag;
		int err;
		json_t *got =
		    cpnpc_json_datagram(read_vector(name, bytes), &err, &diag);
		char *text = json_dumps(got, JSON_COMPACT);

		ck_assert_int_eq(err, 0);
		ck_assert_msg(json_equal(got, want), "%s: %s", name, text);
		free(text);
		json_decref(got);
		n++;
	}
	/* ten methods and eleven, and an OFFER with extensions for each */
	ck_assert_uint_eq(n, 23);
	json_decref(golden);
	free(file);
}
END_TEST

/* Cut after each byte: always an error, and with the head read always the
 * method. */
START_TEST(test_decode_truncated_says_what_was_read)
{
	static uint8_t bytes[CPNP_MSG_MAX];
	cpnp_bytes whole = read_vector("rfc8921-offer-extended", bytes);
	size_t len;

	for (len = 0; len < whole.len; len++) {
		/* storage of exactly that size, so that a sanitizer sees */
		uint8_t *copy = malloc(len + 1);
		cpnp_diag diag;
		json_t *got;
		int err;

		memcpy(copy + 1, whole.ptr, len);
		got = cpnpc_json_datagram(
		    (cpnp_bytes){copy + 1, len}, &err, &diag);
		ck_assert_int_ne(err, 0);
		ck_assert_ptr_nonnull(json_object_get(got, "error"));
		ck_assert_int_eq(
		    json_integer_value(json_object_get(got, "bytes")),
		    (json_int_t)len);
		json_decref(got);
		free(copy);
	}
}
END_TEST

START_TEST(test_decode_broken_keeps_the_rest)
{
	static uint8_t bytes[CPNP_MSG_MAX];
	cpnp_bytes whole = read_vector("rfc8921-offer", bytes);
	json_t *got, *attributes;
	cpnp_diag diag;
	uint8_t *nonce;
	int err;

	/* The NONCE becomes a text: a wrong type, not a breach of form. */
	nonce = memmem(bytes, whole.len, "\x05\x50\xf0", 3);
	ck_assert_ptr_nonnull(nonce);
	nonce[1] = 0x70;
	memset(nonce + 2, 'n', 16);
	got = cpnpc_json_datagram(whole, &err, &diag);
	ck_assert_int_eq(err, CPNP_ERR_TYPE);
	ck_assert_str_eq(json_string_value(json_object_get(
			     json_object_get(got, "error"), "code")),
	    "TYPE");
	attributes = json_object_get(got, "attributes");
	ck_assert_str_eq(json_string_value(json_object_get(
			     attributes, "CUSTOMER_ORDER_IDENTIFIER")),
	    "order-1");
	ck_assert_ptr_null(json_object_get(attributes, "NONCE"));
	json_decref(got);
}
END_TEST

/* The document of a message is shown as XML that is valid again. */
START_TEST(test_decode_document_is_xml)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	char *xml = unit_slurp("schemas/examples/three-site-vpn.xml");
	cpnp_cpd cpd;
	cpnp_buf first, second;
	json_t *service;
	const char *text;

	cpnp_buf_init(&first, mem, CPNP_CPD_MAX);
	cpnp_buf_init(&second, mem, CPNP_CPD_MAX);
	ck_assert_int_eq(
	    cpnp_cpd_from_xml(&cpd, cpnp_bytes_str(xml), mem, NULL), 0);
	free(xml);
	ck_assert_int_eq(cpnp_cpd_encode(&cpd, &first), 0);
	cpnp_cpd_fini(&cpd);
	service = cpnpc_json_service(cpnp_buf_bytes(&first));
	text = json_string_value(json_object_get(service, "xml"));
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(
	    cpnp_cpd_from_xml(&cpd, cpnp_bytes_str(text), mem, NULL), 0);
	ck_assert_int_eq(cpnp_cpd_encode(&cpd, &second), 0);
	ck_assert(
	    cpnp_bytes_equal(cpnp_buf_bytes(&first), cpnp_buf_bytes(&second)));
	cpnp_cpd_fini(&cpd);
	json_decref(service);
	cpnp_buf_fini(&first);
	cpnp_buf_fini(&second);
}
END_TEST

/* What a peer writes does not move the cursor or turn text around. */
START_TEST(test_print_text_is_harmless)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
	    {"Z\xc3\xbcrich \xe2\x82\xac 5", "Z\xc3\xbcrich \xe2\x82\xac 5"},
	    {"a\x1b[2Jb\r\n", "a?[2Jb??"},
	    {"c1 \xc2\x9b end", "c1 ? end"},
	    {"bidi \xe2\x80\xae end", "bidi ? end"},
	    {"isolate \xe2\x81\xa6 end", "isolate ? end"},
	    {"mark \xd8\x9c end", "mark ? end"},
	    {"stray \xff\xc3", "stray ??"},
	};
	char out[64];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *f = fmemopen(out, sizeof(out), "w");

		cpnpc_put_text(f, cpnp_bytes_str(cases[i].text));
		fclose(f);
		ck_assert_str_eq(out, cases[i].want);
	}
}
END_TEST

/* A document of a peer is shown in its lines, and as harmless. */
START_TEST(test_print_lines_are_harmless)
{
	char out[64] = "";
	FILE *f = fmemopen(out, sizeof(out), "w");

	cpnpc_put_lines(f, CPNP_BYTES_LIT("<a>\n  \xc2\x9b" "31m\x1b\n\n"
					  "\xe2\x80\xae</a>"));
	fclose(f);
	ck_assert_str_eq(out, "<a>\n  ?31m?\n\n?</a>");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_decode_golden,
	    test_decode_truncated_says_what_was_read,
	    test_decode_broken_keeps_the_rest,
	    test_decode_document_is_xml,
	    test_print_text_is_harmless,
	    test_print_lines_are_harmless,
	};

	return unit_run("decode", tests, sizeof(tests) / sizeof(tests[0]));
}
