/*
 * Signed statements: both algorithms, batches, delegation, certificates.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <sys/stat.h>

#include "ledger_fixture.h"

static struct pki pki;
static struct party client, provider;
static struct order order;

static void
setup(void)
{
	fx_pki_init(&pki);
	fx_party_init(&client, &pki, "client.example", "ed25519", false);
	fx_party_init(&provider, &pki, "provider.example", "p256", true);
	fx_order_init(&order, "client.example", "provider.example", "C-1");
}

static void
teardown(void)
{
	fx_order_fini(&order);
	fx_party_fini(&client);
	fx_party_fini(&provider);
	fx_pki_fini(&pki);
}

START_TEST(test_sign_both_algorithms)
{
	const struct party *parties[] = {&client, &provider};
	cpnp_signed said;
	cpnp_diag diag;

	for (size_t i = 0; i < 2; i++) {
		cpnp_buf out = fx_buf();

		fx_sign(parties[i]->signer,
		    fx_statement(&order, CPNP_STATEMENT_OFFER), NULL, &out);
		ck_assert_msg(cpnp_trust_verify(client.trust,
		    cpnp_buf_bytes(&out), NULL, &said, &diag) == 0,
		    "%s: %s", diag.where, diag.why);
		ck_assert_str_eq(said.identity, parties[i]->name);
		ck_assert(said.attested);
		ck_assert(!said.delegated);
		ck_assert_int_eq(said.statement.type, CPNP_STATEMENT_OFFER);
		cpnp_buf_fini(&out);
	}
}
END_TEST

START_TEST(test_sign_every_byte_counts)
{
	cpnp_buf out = fx_buf();
	cpnp_signed said;

	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_OFFER),
	    NULL, &out);
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&out), NULL, &said, NULL), 0);
	for (size_t i = 0; i < out.len; i++) {
		out.ptr[i] ^= 1;
		ck_assert_msg(cpnp_trust_verify(client.trust,
		    cpnp_buf_bytes(&out), NULL, &said, NULL) != 0,
		    "byte %zu may be changed", i);
		out.ptr[i] ^= 1;
		ck_assert_int_ne(cpnp_trust_verify(client.trust,
		    (cpnp_bytes){out.ptr, i}, NULL, &said, NULL), 0);
	}
	cpnp_buf_fini(&out);
}
END_TEST

START_TEST(test_sign_batch_one_signature)
{
	enum { N = 13 };
	uint8_t store[N][CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_bytes payloads[N];
	cpnp_buf out[N], buf;
	cpnp_signed said;
	cpnp_diag diag;

	for (size_t i = 0; i < N; i++) {
		cpnp_statement s = fx_statement(&order, CPNP_STATEMENT_OFFER);

		s.time.sec += (int64_t)i;
		cpnp_buf_init_fixed(&buf, store[i], sizeof(store[i]));
		ck_assert_int_eq(cpnp_statement_encode(&s, &buf), 0);
		payloads[i] = cpnp_buf_bytes(&buf);
		out[i] = fx_buf();
	}
	ck_assert_int_eq(
	    cpnp_signer_sign(provider.signer, payloads, N, out), 0);
	for (size_t i = 0; i < N; i++) {
		ck_assert_msg(cpnp_trust_verify(client.trust,
		    cpnp_buf_bytes(&out[i]), NULL, &said, &diag) == 0,
		    "%zu: %s: %s", i, diag.where, diag.why);
		ck_assert(cpnp_bytes_equal(said.payload, payloads[i]));
		/* one signature for all */
		ck_assert_mem_eq(out[i].ptr + out[i].len - 64,
		    out[0].ptr + out[0].len - 64, 64);
		for (size_t k = 0; k < out[i].len && i % 12 == 0; k++) {
			out[i].ptr[k] ^= 2;
			ck_assert_msg(cpnp_trust_verify(client.trust,
			    cpnp_buf_bytes(&out[i]), NULL, &said, NULL) != 0,
			    "statement %zu byte %zu may be changed", i, k);
			out[i].ptr[k] ^= 2;
		}
	}
	for (size_t i = 0; i < N; i++)
		cpnp_buf_fini(&out[i]);
}
END_TEST

START_TEST(test_sign_batch_limits)
{
	uint8_t big[CPNP_STATEMENT_PAYLOAD_MAX + 1] = {0};
	cpnp_bytes payload = {big, sizeof(big)};
	cpnp_buf out = fx_buf();

	ck_assert_int_eq(cpnp_signer_sign(provider.signer, &payload, 1, &out),
	    CPNP_ERR_INVALID);
	payload.len = 0;
	ck_assert_int_eq(cpnp_signer_sign(provider.signer, &payload, 1, &out),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_signer_sign(provider.signer, &payload, 0, &out),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_signer_sign(provider.signer, &payload,
	    CPNP_SIGN_BATCH_MAX + 1, &out), CPNP_ERR_INVALID);
	cpnp_buf_fini(&out);
}
END_TEST

START_TEST(test_sign_with_delegated_ledger_key)
{
	char path[128];
	cpnp_signer *signer;
	cpnp_buf out = fx_buf();
	cpnp_signed said;
	cpnp_diag diag;
	uint8_t id[CPNP_SHA256_LEN];

	fx_path(&pki, "ledger.key", path);
	ck_assert_int_eq(cpnp_key_generate(path, "ed25519", &diag), 0);
	ck_assert_int_eq(
	    cpnp_key_generate(path, "ed25519", &diag), CPNP_ERR_EXISTS);
	ck_assert_msg(cpnp_signer_load(&signer, provider.key, provider.cert,
	    path, &diag) == 0, "%s: %s", diag.where, diag.why);
	fx_sign(signer, fx_statement(&order, CPNP_STATEMENT_OFFER), NULL,
	    &out);
	ck_assert_msg(cpnp_trust_verify(client.trust, cpnp_buf_bytes(&out),
	    NULL, &said, &diag) == 0, "%s: %s", diag.where, diag.why);
	ck_assert(said.delegated);
	ck_assert_str_eq(said.identity, "provider.example");
	cpnp_signer_key_id(signer, id);
	ck_assert_mem_eq(id, said.key_id, sizeof(id));
	for (size_t i = 0; i < out.len; i++) {
		out.ptr[i] ^= 4;
		ck_assert_msg(cpnp_trust_verify(client.trust,
		    cpnp_buf_bytes(&out), NULL, &said, NULL) != 0,
		    "byte %zu may be changed", i);
		out.ptr[i] ^= 4;
	}
	cpnp_buf_fini(&out);
	cpnp_signer_del(signer);
}
END_TEST

/* A key without certificate counts only for a verifier that knows it. */
START_TEST(test_sign_with_key_alone)
{
	char key[128], pub[128];
	cpnp_signer *signer;
	cpnp_trust *trust;
	cpnp_buf out = fx_buf(), pem = fx_buf();
	cpnp_signed said;
	FILE *file;

	fx_path(&pki, "alone.key", key);
	fx_path(&pki, "alone.pub", pub);
	ck_assert_int_eq(cpnp_key_generate(key, "p256", NULL), 0);
	ck_assert_int_eq(cpnp_key_public(key, &pem, NULL, NULL), 0);
	file = fopen(pub, "w");
	ck_assert_uint_eq(fwrite(pem.ptr, 1, pem.len, file), pem.len);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(cpnp_signer_load(&signer, NULL, NULL, key, NULL), 0);
	fx_sign(signer, fx_statement(&order, CPNP_STATEMENT_OFFER), NULL,
	    &out);
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&out), NULL, &said, NULL), CPNP_ERR_SIGNATURE);
	ck_assert_int_eq(cpnp_trust_new(&trust), 0);
	ck_assert_int_eq(
	    cpnp_trust_add_key_file(trust, pub, "udp.example", NULL), 0);
	ck_assert_int_eq(cpnp_trust_verify(
	    trust, cpnp_buf_bytes(&out), NULL, &said, NULL), 0);
	ck_assert_str_eq(said.identity, "udp.example");
	cpnp_trust_del(trust);
	cpnp_signer_del(signer);
	cpnp_buf_fini(&pem);
	cpnp_buf_fini(&out);
}
END_TEST

START_TEST(test_sign_certificate_is_judged_at_a_time)
{
	cpnp_statement s = fx_statement(&order, CPNP_STATEMENT_OFFER);
	cpnp_wtime late = {NOW.sec + (CERT_DAYS + 1) * DAY};
	cpnp_buf out = fx_buf();
	cpnp_signed said;

	fx_sign(client.signer, s, NULL, &out);
	/* offline: the statement's own time */
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&out), NULL, &said, NULL), 0);
	/* live: the verifier's time, remembered certificate or not */
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&out), &late, &said, NULL), CPNP_ERR_SIGNATURE);
	ck_assert_int_eq(cpnp_trust_verify(provider.trust,
	    cpnp_buf_bytes(&out), &late, &said, NULL), CPNP_ERR_SIGNATURE);
	cpnp_buf_reset(&out);
	s.time = late;
	fx_sign(client.signer, s, NULL, &out);
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&out), NULL, &said, NULL), CPNP_ERR_SIGNATURE);
	cpnp_buf_fini(&out);
}
END_TEST

START_TEST(test_sign_stranger_is_refused)
{
	struct pki other;
	struct party stranger;
	cpnp_buf out = fx_buf();
	cpnp_signed said;
	cpnp_diag diag;

	fx_pki_init(&other);
	fx_party_init(&stranger, &other, "client.example", "p256", false);
	fx_sign(stranger.signer, fx_statement(&order, CPNP_STATEMENT_OFFER),
	    NULL, &out);
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&out), NULL, &said, &diag), CPNP_ERR_SIGNATURE);
	ck_assert_str_eq(diag.where, "certificate");
	cpnp_buf_fini(&out);
	fx_party_fini(&stranger);
	fx_pki_fini(&other);
}
END_TEST

START_TEST(test_sign_identity_from_san)
{
	static const struct {
		const char *san;
		const char *identity;
	} cases[] = {
	    {"email:a@example.org,DNS:one.example,DNS:two.example",
		"one.example"},
	    {"URI:https://x.example/,email:a@example.org", "a@example.org"},
	    {"URI:https://x.example/", "https://x.example/"}};
	char key[128], cert[128], name[32];
	cpnp_signer *signer;
	cpnp_diag diag;

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "san%zu", i);
		fx_identity(&pki, name, "ed25519", cases[i].san, false, key,
		    cert);
		ck_assert_int_eq(
		    cpnp_signer_load(&signer, key, cert, NULL, &diag), 0);
		ck_assert_str_eq(
		    cpnp_signer_identity(signer), cases[i].identity);
		cpnp_signer_del(signer);
	}
	fx_identity(&pki, "none", "ed25519", NULL, false, key, cert);
	ck_assert_int_eq(cpnp_signer_load(&signer, key, cert, NULL, &diag),
	    CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "subjectAltName"));
}
END_TEST

START_TEST(test_sign_key_files_are_checked)
{
	cpnp_signer *signer;
	cpnp_diag diag;

	ck_assert_int_eq(cpnp_signer_load(&signer, client.key, provider.cert,
	    NULL, &diag), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "not for the key"));
	ck_assert_int_eq(cpnp_signer_load(&signer, "no-such-file",
	    client.cert, NULL, &diag), CPNP_ERR_CONFIG);
	ck_assert_str_eq(diag.where, "no-such-file");
	ck_assert_int_eq(cpnp_signer_load(&signer, client.cert, client.cert,
	    NULL, &diag), CPNP_ERR_CONFIG);
	ck_assert_int_eq(chmod(client.key, 0640), 0);
	ck_assert_int_eq(cpnp_signer_load(&signer, client.key, client.cert,
	    NULL, &diag), CPNP_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(diag.why, "chmod 600"));
	ck_assert_int_eq(cpnp_signer_load(&signer, NULL, NULL, NULL, &diag),
	    CPNP_ERR_CONFIG);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_sign_both_algorithms,
	    test_sign_every_byte_counts, test_sign_batch_one_signature,
	    test_sign_batch_limits, test_sign_with_delegated_ledger_key,
	    test_sign_with_key_alone,
	    test_sign_certificate_is_judged_at_a_time,
	    test_sign_stranger_is_refused, test_sign_identity_from_san,
	    test_sign_key_files_are_checked};

	return fx_run("statement_sign", tests,
	    sizeof(tests) / sizeof(*tests), setup, teardown);
}
