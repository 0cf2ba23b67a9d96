/*
 * The evm backend without a node: Keccak-256, RLP, addresses, transactions,
 * settings, and what a hostile node may answer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <secp256k1_recovery.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger-bridge/backends/evm/evm.h"
#include "ledger-bridge/backends/evm/rlp.h"
#include "ledger-bridge/journal/internal.h"
#include "unit.h"

static uint8_t scratch[4][1024];

/* ---- Keccak-256 ---------------------------------------------------------- */

static void
assert_keccak(cpnp_bytes input, const char *want)
{
	uint8_t digest[KECCAK_LEN];

	keccak256(input, digest);
	unit_assert_bytes(
	    (cpnp_bytes){digest, sizeof(digest)}, unit_hex(want, scratch[0]));
}

/* The vectors of the Keccak team for the submission's padding, and the sizes
 * around a block. */
START_TEST(test_keccak_vectors)
{
	uint8_t bytes[137];

	assert_keccak(CPNP_BYTES_NONE,
	    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
	assert_keccak(CPNP_BYTES_LIT("abc"),
	    "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
	assert_keccak(
	    CPNP_BYTES_LIT("The quick brown fox jumps over the lazy dog"),
	    "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15");
	assert_keccak(CPNP_BYTES_LIT("\xcc"),
	    "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a");
	memset(bytes, 'a', sizeof(bytes));
	assert_keccak((cpnp_bytes){bytes, 135},
	    "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446");
	assert_keccak((cpnp_bytes){bytes, 136},
	    "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e");
	assert_keccak((cpnp_bytes){bytes, 137},
	    "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39");
}
END_TEST

/* ---- RLP ----------------------------------------------------------------- */

static void
assert_rlp(const cpnp_buf *buf, const char *want)
{
	ck_assert_int_eq(buf->err, 0);
	unit_assert_bytes(cpnp_buf_bytes(buf), unit_hex(want, scratch[0]));
}

/* The examples of the Ethereum wiki. */
START_TEST(test_rlp_examples)
{
	static const uint8_t one[] = {0x0f}, high[] = {0x80};
	uint8_t word[32] = {0};
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, scratch[1], sizeof(scratch[1]));
	rlp_put_bytes(&buf, CPNP_BYTES_LIT("dog"));
	assert_rlp(&buf, "83646f67");
	cpnp_buf_reset(&buf);
	rlp_put_bytes(&buf, CPNP_BYTES_NONE);
	rlp_put_uint(&buf, 0);
	rlp_put_uint256(&buf, word);
	assert_rlp(&buf, "808080");
	cpnp_buf_reset(&buf);
	rlp_put_bytes(&buf, (cpnp_bytes){one, 1});
	rlp_put_bytes(&buf, (cpnp_bytes){high, 1});
	rlp_put_uint(&buf, 15);
	rlp_put_uint(&buf, 1024);
	rlp_put_uint(&buf, UINT64_MAX);
	word[30] = 4;
	rlp_put_uint256(&buf, word);
	assert_rlp(&buf, "0f8180 0f820400 88ffffffffffffffff 820400");
	cpnp_buf_reset(&buf);
	rlp_put_list(&buf, 0);
	rlp_put_list(&buf, 8);
	rlp_put_list(&buf, 55);
	rlp_put_list(&buf, 56);
	rlp_put_list(&buf, 65536);
	assert_rlp(&buf, "c0c8f7f838fa010000");
	cpnp_buf_reset(&buf);
	rlp_put_bytes(
	    &buf, CPNP_BYTES_LIT("Lorem ipsum dolor sit amet, consectetur "
				 "adipisicing elit"));
	ck_assert_uint_eq(buf.ptr[0], 0xb8);
	ck_assert_uint_eq(buf.ptr[1], 0x38);
	ck_assert_uint_eq(buf.len, 58);
}
END_TEST

/* ---- addresses ----------------------------------------------------------- */

/* The test cases of EIP-55. */
START_TEST(test_address_checksum)
{
	static const char *const good[] = {
	    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	    "0x52908400098527886E0F7030069857D2E4169EE7",
	    "0xde709f2102306220921060314715629080e2fb77",
	};
	static const char *const wrong[] = {
	    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed",
	    "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
	    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed0",
	    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg",
	    "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	    "0x",
	    "",
	};
	uint8_t address[EVM_ADDRESS_LEN];
	char text[EVM_ADDRESS_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_int_eq(evm_address_parse(good[i], address), 0);
		evm_address_text(address, text);
		ck_assert_str_eq(text, good[i]);
	}
	/* without a checksum */
	ck_assert_int_eq(
	    evm_address_parse(
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", address),
	    0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(
		    evm_address_parse(wrong[i], address), CPNP_ERR_CONFIG);
}
END_TEST

START_TEST(test_address_of_key_and_contract)
{
	uint8_t secret[32] = {0}, address[EVM_ADDRESS_LEN];
	char text[EVM_ADDRESS_TEXT];
	struct evm_key key;

	ck_assert_int_eq(evm_key_init(&key, secret), CPNP_ERR_RANGE);
	memset(secret, 0xff, sizeof(secret));
	ck_assert_int_eq(evm_key_init(&key, secret), CPNP_ERR_RANGE);
	memset(secret, 0, sizeof(secret));
	secret[31] = 1;
	ck_assert_int_eq(evm_key_init(&key, secret), 0);
	evm_address_text(key.address, text);
	ck_assert_str_eq(text, "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
	evm_key_fini(&key);
	ck_assert_int_eq(
	    evm_address_parse(
		"0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", address),
	    0);
	evm_address_created(address, 0, scratch[0]);
	unit_assert_bytes((cpnp_bytes){scratch[0], EVM_ADDRESS_LEN},
	    unit_hex("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", scratch[1]));
	evm_address_created(address, 1, scratch[0]);
	unit_assert_bytes((cpnp_bytes){scratch[0], EVM_ADDRESS_LEN},
	    unit_hex("343c43a37d37dff08ae8c4a11544c718abb4fcf8", scratch[1]));
}
END_TEST

/* ---- transactions -------------------------------------------------------- */

/* Who signed, by the signature alone; s must be in the lower half (EIP-2). */
static void
assert_signer(const struct evm_key *key, const cpnp_buf *raw,
    const uint8_t digest[KECCAK_LEN])
{
	static const uint8_t half[] = {0x7f, 0xff, 0xff, 0xff};
	const uint8_t *tail = raw->ptr + raw->len - 67;
	secp256k1_ecdsa_recoverable_signature signature;
	uint8_t compact[64], point[65], address[KECCAK_LEN];
	secp256k1_pubkey public_key;
	size_t len = sizeof(point);

	/* y parity, r and s, each of 32 bytes */
	ck_assert(tail[0] == 0x80 || tail[0] == 0x01);
	ck_assert_uint_eq(tail[1], 0xa0);
	ck_assert_uint_eq(tail[34], 0xa0);
	memcpy(compact, tail + 2, 32);
	memcpy(compact + 32, tail + 35, 32);
	ck_assert_int_le(memcmp(compact + 32, half, sizeof(half)), 0);
	ck_assert(secp256k1_ecdsa_recoverable_signature_parse_compact(
	    key->ctx, &signature, compact, tail[0] & 1));
	ck_assert(
	    secp256k1_ecdsa_recover(key->ctx, &public_key, &signature, digest));
	ck_assert(secp256k1_ec_pubkey_serialize(
	    key->ctx, point, &len, &public_key, SECP256K1_EC_UNCOMPRESSED));
	keccak256((cpnp_bytes){point + 1, 64}, address);
	ck_assert_mem_eq(address + 12, key->address, EVM_ADDRESS_LEN);
}

/* EIP-1559: what is signed is the list without the signature. */
START_TEST(test_tx_is_signed)
{
	static const uint8_t data[] = {0xc0, 0xde};
	uint8_t secret[32], hash[KECCAK_LEN], digest[KECCAK_LEN], to[20];
	struct evm_tx tx = {.chain_id = 1337,
	    .nonce = 7,
	    .tip = 1000000000,
	    .max_fee = 3000000000,
	    .gas = 21000,
	    .to = to,
	    .data = {data, sizeof(data)}};
	struct evm_key key;
	cpnp_bytes plain;
	cpnp_buf raw;

	memset(secret, 0x46, sizeof(secret));
	memset(to, 0x35, sizeof(to));
	ck_assert_int_eq(evm_key_init(&key, secret), 0);
	for (tx.nonce = 1; tx.nonce < 20; tx.nonce++) {
		cpnp_buf_init_fixed(&raw, scratch[1], sizeof(scratch[1]));
		ck_assert_int_eq(evm_tx_sign(&tx, &key, &raw, hash), 0);
		keccak256(cpnp_buf_bytes(&raw), digest);
		ck_assert_mem_eq(hash, digest, sizeof(hash));
		plain = unit_hex("02 eb 820539 00 843b9aca00 84b2d05e00 825208"
				 "94 3535353535353535353535353535353535353535"
				 "80 82c0de c0",
		    scratch[0]);
		scratch[0][5] = (uint8_t)tx.nonce;
		/* a head of two bytes with the signature, one without */
		ck_assert_mem_eq(raw.ptr + 3, plain.ptr + 2, plain.len - 2);
		keccak256(plain, digest);
		/* r or s with a leading zero is shorter: another nonce */
		if (raw.len == plain.len + 1 + 67)
			assert_signer(&key, &raw, digest);
	}
	cpnp_buf_init_fixed(&raw, scratch[1], 100);
	ck_assert_int_eq(evm_tx_sign(&tx, &key, &raw, hash), CPNP_ERR_NO_SPACE);
	evm_key_fini(&key);
}
END_TEST

/* ---- files with secrets -------------------------------------------------- */

static char path[64];

static const char *
secret_file(const char *text, size_t len, mode_t mode)
{
	FILE *file;

	(void)snprintf(path, sizeof(path), "/tmp/cpnp-evm.%ld", (long)getpid());
	(void)unlink(path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

#define KEY_ONE                                                                \
	"0000000000000000000000000000000000000000000000000000000000000001"

static void
assert_key(const char *text, size_t len, mode_t mode, int want)
{
	struct evm_key key = {NULL, {0}, {0}};
	cpnp_diag diag = {.err = 0};

	ck_assert_int_eq(
	    evm_key_read(&key, secret_file(text, len, mode), &diag), want);
	ck_assert_int_eq(diag.err, want);
	if (want != 0) {
		ck_assert_str_eq(diag.where, "key-file");
		/* the secret is in no text */
		ck_assert_ptr_null(strstr(diag.why, "0000000"));
	}
	evm_key_fini(&key);
	(void)unlink(path);
}

START_TEST(test_key_file_is_private)
{
	static const char bad[] = "not a key", nul[] = KEY_ONE "\0" KEY_ONE;
	static const char zero[] =
	    "0000000000000000000000000000000000000000000000000000000000000000";
	struct evm_key key;
	cpnp_diag diag;

	assert_key(KEY_ONE, 64, 0600, 0);
	assert_key("0x" KEY_ONE "\n", 67, 0400, 0);
	assert_key(KEY_ONE, 64, 0640, CPNP_ERR_FORBIDDEN);
	assert_key(KEY_ONE, 64, 0604, CPNP_ERR_FORBIDDEN);
	assert_key(KEY_ONE, 63, 0600, CPNP_ERR_CONFIG);
	assert_key(KEY_ONE KEY_ONE, 128, 0600, CPNP_ERR_CONFIG);
	assert_key(KEY_ONE "\n" KEY_ONE, 129, 0600, CPNP_ERR_CONFIG);
	assert_key(bad, sizeof(bad) - 1, 0600, CPNP_ERR_CONFIG);
	assert_key(nul, sizeof(nul) - 1, 0600, CPNP_ERR_CONFIG);
	assert_key(zero, 64, 0600, CPNP_ERR_CONFIG);
	assert_key("", 0, 0600, CPNP_ERR_CONFIG);
	ck_assert_int_eq(evm_key_read(&key, "/tmp", &diag), CPNP_ERR_CONFIG);
	ck_assert_int_eq(
	    evm_key_read(&key, "/nonexistent/key", &diag), CPNP_ERR_CONFIG);
}
END_TEST

/* ---- settings ------------------------------------------------------------ */

static void
assert_settings(const char *name, const char *value, const char *where)
{
	const cpnp_log_setting list[] = {{"rpc-url", "http://127.0.0.1:1"},
	    {"chain-id", "1337"}, {name, value}};
	cpnp_diag diag = {.err = 0};
	struct evm_node node;

	ck_assert_int_eq(evm_node_init(&node, list, 3, &diag),
	    where != NULL ? CPNP_ERR_CONFIG : 0);
	if (where != NULL)
		ck_assert_str_eq(diag.where, where);
	evm_node_fini(&node);
}

START_TEST(test_settings)
{
	static const struct {
		const char *name, *bad[4], *good[3];
	} cases[] = {
	    {"confirmations", {"", "-1", "10001", "final"},
		{"0", "10000", "finalized"}},
	    {"max-fee", {"", "1.", "1000000001", "1.0000000001"},
		{"2.5", "1000000000", "1"}},
	    {"tip", {"101", ".5", "x", "1,5"}, {"0", "0.000000001", "100"}},
	    {"batch-max", {"1023", "1048577", "x", ""}, {"1024", "1048576"}},
	    {"window", {"0", "257", "-1", ""}, {"1", "256"}},
	    {"block-range", {"0", "100001", "", "1k"}, {"1", "100000"}},
	    {"poll", {"9", "3600001", "1s", ""}, {"10", "3600000"}},
	    {"from-block", {"-1", "0x10", "18446744073709551616", ""}, {"0"}},
	    {"contract", {"0x12", "", "here", "0x"}, {NULL}},
	    {"colour", {"red"}, {NULL}},
	    {"chain-id", {"1337"}, {NULL}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t k = 0; k < 4 && cases[i].bad[k] != NULL; k++)
			assert_settings(
			    cases[i].name, cases[i].bad[k], cases[i].name);
		for (size_t k = 0; k < 3 && cases[i].good[k] != NULL; k++)
			assert_settings(cases[i].name, cases[i].good[k], NULL);
	}
}
END_TEST

START_TEST(test_settings_of_the_node)
{
	static const char *const urls[] = {
	    "ftp://127.0.0.1", "file:///etc/passwd", "127.0.0.1", ""};
	cpnp_log_setting list[3] = {{"chain-id", "1"}, {"rpc-url", NULL}};
	char text[RPC_URL_MAX + 8];
	struct evm_node node;
	cpnp_diag diag;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		list[1].value = urls[i];
		ck_assert_int_eq(
		    evm_node_init(&node, list, 2, &diag), CPNP_ERR_CONFIG);
		ck_assert_str_eq(diag.where, "rpc-url");
		evm_node_fini(&node);
	}
	memset(text, 'x', sizeof(text));
	memcpy(text, "http://", 7);
	text[RPC_URL_MAX] = '\0';
	list[1].value = text;
	ck_assert_int_eq(evm_node_init(&node, list, 2, &diag), CPNP_ERR_CONFIG);
	evm_node_fini(&node);
	text[RPC_URL_MAX - 1] = '\0';
	ck_assert_int_eq(evm_node_init(&node, list, 2, &diag), 0);
	evm_node_fini(&node);
	ck_assert_int_eq(evm_node_init(&node, list, 1, &diag), CPNP_ERR_CONFIG);
	evm_node_fini(&node);
	list[2] = (cpnp_log_setting){
	    "rpc-url-file", secret_file("http://127.0.0.1/secret\n", 24, 0600)};
	ck_assert_int_eq(evm_node_init(&node, list, 3, &diag), CPNP_ERR_CONFIG);
	evm_node_fini(&node);
	list[1] = list[2];
	ck_assert_int_eq(evm_node_init(&node, list, 2, &diag), 0);
	ck_assert_str_eq(node.rpc.url, "http://127.0.0.1/secret");
	evm_node_fini(&node);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(
	    evm_node_init(&node, list, 2, &diag), CPNP_ERR_FORBIDDEN);
	evm_node_fini(&node);
	(void)unlink(path);
}
END_TEST

START_TEST(test_settings_admit_at_most)
{
	static cpnp_log_setting list[EVM_ADMIT_MAX + 3] = {
	    {"rpc-url", "http://127.0.0.1:1"}, {"chain-id", "1"}};
	struct evm_node node;
	cpnp_diag diag;

	for (size_t i = 2; i < EVM_ADMIT_MAX + 3; i++)
		list[i] = (cpnp_log_setting){
		    "admit", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"};
	ck_assert_int_eq(
	    evm_node_init(&node, list, EVM_ADMIT_MAX + 2, &diag), 0);
	evm_node_fini(&node);
	ck_assert_int_eq(evm_node_init(&node, list, EVM_ADMIT_MAX + 3, &diag),
	    CPNP_ERR_CONFIG);
	evm_node_fini(&node);
}
END_TEST

/* ---- fees ---------------------------------------------------------------- */

START_TEST(test_price_keeps_to_max_fee)
{
	const struct evm_conf conf = {.max_fee = 100, .tip = 10};
	uint64_t tip, max_fee;
	cpnp_diag diag;

	ck_assert_int_eq(window_price(&conf, 0, &tip, &max_fee, &diag), 0);
	ck_assert_uint_eq(tip, 10);
	ck_assert_uint_eq(max_fee, 10);
	ck_assert_int_eq(window_price(&conf, 45, &tip, &max_fee, &diag), 0);
	ck_assert_uint_eq(max_fee, 100);
	ck_assert_int_eq(window_price(&conf, 100, &tip, &max_fee, &diag), 0);
	ck_assert_uint_eq(max_fee, 100);
	ck_assert_int_eq(window_price(&conf, 101, &tip, &max_fee, &diag),
	    CPNP_ERR_UNAVAILABLE);
	ck_assert_str_eq(diag.where, "max-fee");
	ck_assert_int_eq(window_price(&conf, UINT64_MAX, &tip, &max_fee, &diag),
	    CPNP_ERR_UNAVAILABLE);
}
END_TEST

/* ---- what a node may say ------------------------------------------------- */

static int
result_of(const char *text, json_t **result, cpnp_diag *diag)
{
	return answer_result(cpnp_bytes_str(text), 7, result, diag);
}

START_TEST(test_answer_is_held_to_json_rpc)
{
	static const char *const wrong[] = {"", "{", "[]", "null", "7", "\"\"",
	    "{}", "{\"id\":7}", "{\"result\":1}", "{\"id\":8,\"result\":1}",
	    "{\"id\":\"7\",\"result\":1}", "{\"id\":null,\"result\":1}",
	    "{\"id\":7.0,\"result\":1}", "{\"id\":7,\"result\":1}x",
	    "{\"id\":7,\"id\":7,\"result\":1}", "{\"id\":7,\"error\":\"no\"}",
	    "<html></html>"};
	cpnp_diag diag;
	json_t *result;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(
		    result_of(wrong[i], &result, &diag), CPNP_ERR_UNAVAILABLE);
		ck_assert_ptr_null(result);
	}
	ck_assert_int_eq(
	    result_of("{\"id\":7,\"result\":[null]}", &result, &diag), 0);
	ck_assert_uint_eq(json_array_size(result), 1);
	json_decref(result);
	/* its words are passed on, but not its escape sequences */
	ck_assert_int_eq(result_of("{\"id\":7,\"error\":{\"code\":-1,"
				   "\"message\":\"a\\u001b[2Jb\"}}",
			     &result, &diag),
	    CPNP_ERR_INVALID);
	ck_assert_str_eq(diag.why, "the node refused: a?[2Jb");
	ck_assert_int_eq(result_of("{\"id\":7,\"error\":{}}", &result, &diag),
	    CPNP_ERR_INVALID);
}
END_TEST

START_TEST(test_answer_has_a_bound_of_values)
{
	static char text[ANSWER_VALUES_MAX + 64];
	cpnp_diag diag;
	json_t *result;
	size_t n = ANSWER_VALUES_MAX - 4;

	(void)snprintf(text, sizeof(text), "{\"id\":7,\"result\":[");
	for (size_t i = 0; i < n / 2; i++)
		(void)memcpy(text + 18 + 2 * i, i == 0 ? " 1" : ",1", 2);
	(void)memcpy(text + 18 + 2 * (n / 2), "]}", 3);
	ck_assert_int_eq(result_of(text, &result, &diag), 0);
	json_decref(result);
	memset(text, ',', ANSWER_VALUES_MAX);
	text[ANSWER_VALUES_MAX] = '\0';
	ck_assert_int_eq(result_of(text, &result, &diag), CPNP_ERR_TOO_LONG);
	/* deeper than a parser's stack should go */
	memset(text, '[', 100000);
	text[100000] = '\0';
	ck_assert_int_eq(result_of(text, &result, &diag), CPNP_ERR_UNAVAILABLE);
}
END_TEST

static bool
number_of(const char *text, uint64_t *value)
{
	json_t *json = json_string(text);
	bool good = answer_uint(json, value);

	json_decref(json);
	return good;
}

#define BITS_260                                                               \
	"0x00000000000000000000000000000000000000000000000000000000000000001"

START_TEST(test_answer_numbers)
{
	static const char *const wrong[] = {"", "0", "0x", "x10", "0X1", "10",
	    "0x1g", "-0x1", "0x10000000000000000", BITS_260, " 0x1", "0x1 "};
	evm_wei wei;
	uint64_t n;
	json_t *json;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert(!number_of(wrong[i], &n));
	ck_assert(number_of("0x0", &n) && n == 0);
	ck_assert(number_of("0x00000000000000000a", &n) && n == 10);
	ck_assert(number_of("0xffffffffffffffff", &n) && n == UINT64_MAX);
	ck_assert(!answer_uint(NULL, &n));
	json = json_integer(7);
	ck_assert(!answer_uint(json, &n));
	json_decref(json);
	json = json_stringn("0x1\0", 4);
	ck_assert(!answer_uint(json, &n));
	json_decref(json);
	json = json_string("0x100000000000000000000000000000000");
	ck_assert(answer_wei(json, &wei) && wei == ~(evm_wei)0);
	json_decref(json);
}
END_TEST

START_TEST(test_answer_data)
{
	uint8_t out[4];
	json_t *json;

	json = json_string("0x0102fF");
	ck_assert(answer_fixed(json, out, 3));
	ck_assert_uint_eq(out[2], 0xff);
	ck_assert(!answer_fixed(json, out, 2));
	ck_assert(!answer_fixed(json, out, 4));
	json_decref(json);
	json = json_string("0x010");
	ck_assert(!answer_fixed(json, out, 2));
	json_decref(json);
}
END_TEST

/* ---- events -------------------------------------------------------------- */

#define CONTRACT "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
#define ZEROS "000000000000000000000000"
#define WORD(last)                                                             \
	"00000000000000000000000000000000000000000000000000000000000000" last
#define PREV "1111111111111111111111111111111111111111111111111111111111111111"
#define BATCH "6261746368000000000000000000000000000000000000000000000000000000"

/* An event: topics 1 to 3 and data, as text. */
static json_t *
event_of(const char *position, const char *writer, const char *data)
{
	uint8_t topic[ABI_WORD];
	char texts[5][1024];
	json_t *json;

	abi_entry_topic(topic);
	(void)snprintf(texts[0], sizeof(texts[0]), "0x");
	hex_encode(topic, ABI_WORD, texts[0] + 2);
	(void)snprintf(texts[1], sizeof(texts[1]), "0x%s", position);
	(void)snprintf(texts[2], sizeof(texts[2]), "0x%s%s", writer,
	    "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed");
	(void)snprintf(texts[3], sizeof(texts[3]), "0x%s", WORD("07"));
	(void)snprintf(texts[4], sizeof(texts[4]), "0x%s", data);
	json = json_pack("{s:s, s:s, s:b, s:[s,s,s,s], s:s}", "address",
	    CONTRACT, "blockNumber", "0x10", "removed", 0, "topics", texts[0],
	    texts[1], texts[2], texts[3], "data", texts[4]);
	ck_assert_ptr_nonnull(json);
	return json;
}

static int
take_event(json_t *json, struct evm_entry *entry, uint64_t *block)
{
	uint8_t contract[EVM_ADDRESS_LEN];
	static uint8_t store[512];
	cpnp_buf arena;
	int err;

	ck_assert_int_eq(evm_address_parse(CONTRACT, contract), 0);
	cpnp_buf_init_fixed(&arena, store, sizeof(store));
	err = answer_entry(json, contract, &arena, entry, block);
	json_decref(json);
	return err;
}

START_TEST(test_event_is_held_to_the_contract)
{
	static const char *const wrong[] = {"", PREV, PREV WORD("40"),
	    PREV WORD("40") WORD("05"), PREV WORD("60") WORD("05") BATCH,
	    PREV WORD("40") WORD("21") BATCH,
	    PREV WORD("40") WORD("05") BATCH "00",
	    PREV WORD("40") WORD("00") BATCH, PREV PREV WORD("05") BATCH,
	    PREV WORD("40") PREV BATCH};
	static const char good[] = PREV WORD("40") WORD("05") BATCH;
	struct evm_entry entry;
	uint64_t block;
	json_t *json;

	ck_assert_int_eq(
	    take_event(event_of(WORD("03"), ZEROS, good), &entry, &block), 0);
	ck_assert_uint_eq(block, 16);
	ck_assert_uint_eq(entry.position, 3);
	ck_assert_uint_eq(entry.seq, 7);
	unit_assert_bytes(entry.batch, CPNP_BYTES_LIT("batch"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(
		    take_event(
			event_of(WORD("03"), ZEROS, wrong[i]), &entry, &block),
		    CPNP_ERR_RANGE);
	/* a position that is no position, a writer that is no address */
	ck_assert_int_eq(
	    take_event(event_of(PREV, ZEROS, good), &entry, &block),
	    CPNP_ERR_RANGE);
	ck_assert_int_eq(
	    take_event(event_of(WORD("03"), "000000000000000000000001", good),
		&entry, &block),
	    CPNP_ERR_RANGE);
	/* members that are gone, or another's */
	static const char *const members[] = {
	    "address", "blockNumber", "topics", "data"};
	for (size_t i = 0; i < 4; i++) {
		json = event_of(WORD("03"), ZEROS, good);
		(void)json_object_del(json, members[i]);
		ck_assert_int_eq(
		    take_event(json, &entry, &block), CPNP_ERR_RANGE);
		json = event_of(WORD("03"), ZEROS, good);
		(void)json_object_set_new(
		    json, members[i], json_string("0x1234"));
		ck_assert_int_eq(take_event(json, &entry, &block),
		    strcmp(members[i], "blockNumber") == 0 ? 0
							   : CPNP_ERR_RANGE);
	}
	json = event_of(WORD("03"), ZEROS, good);
	(void)json_object_set_new(json, "removed", json_true());
	ck_assert_int_eq(take_event(json, &entry, &block), CPNP_ERR_RANGE);
	ck_assert_int_eq(
	    take_event(json_array(), &entry, &block), CPNP_ERR_RANGE);
}
END_TEST

/* ---- a hostile node ------------------------------------------------------ */

struct hostile {
	int fd;
	const char *head;
	size_t size; /* bytes behind the head */
	unsigned pace_ms;
};

static void *
hostile_run(void *user)
{
	struct hostile *h = user;
	char in[4096], filler[65536];
	size_t left = h->size, n;
	int fd = accept(h->fd, NULL, NULL);

	memset(filler, 'x', sizeof(filler));
	if (fd < 0)
		return NULL;
	if (recv(fd, in, sizeof(in), 0) > 0)
		(void)send(fd, h->head, strlen(h->head), MSG_NOSIGNAL);
	while (left > 0) {
		n = left < sizeof(filler) ? left : sizeof(filler);
		n = h->pace_ms > 0 ? 1 : n;
		if (send(fd, filler, n, MSG_NOSIGNAL) <= 0)
			break;
		left -= n;
		(void)usleep(h->pace_ms * 1000);
	}
	(void)close(fd);
	return NULL;
}

static int
ask_hostile(const char *head, size_t size, unsigned pace_ms, cpnp_diag *diag)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	struct hostile h = {
	    socket(AF_INET, SOCK_STREAM, 0), head, size, pace_ms};
	char url[64];
	const cpnp_log_setting list[] = {
	    {"rpc-url", url}, {"chain-id", "1337"}, {"rpc-timeout", "500"}};
	struct evm_node node;
	pthread_t thread;
	cpnp_tstamp start;
	int err;

	ck_assert_int_eq(bind(h.fd, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(h.fd, 1), 0);
	ck_assert_int_eq(getsockname(h.fd, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/a-secret",
	    ntohs(sin.sin_port));
	ck_assert_int_eq(evm_node_init(&node, list, 3, diag), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, hostile_run, &h), 0);
	start = backend_now();
	err = node_check_chain(&node, diag);
	ck_assert_uint_lt(backend_now() - start, CPNP_SECONDS(3));
	evm_node_fini(&node);
	(void)pthread_join(thread, NULL);
	(void)close(h.fd);
	/* the path of a URL may be a secret */
	ck_assert(err == 0 || strstr(diag->why, "a-secret") == NULL);
	return err;
}

START_TEST(test_hostile_node)
{
	static const char ok[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x539\"}";
	static const struct {
		const char *head;
		size_t size;
		unsigned pace_ms;
		int want;
	} cases[] = {
	    {"", 0, 0, CPNP_ERR_UNAVAILABLE},
	    {"SSH-2.0-x\r\n", 0, 0, CPNP_ERR_UNAVAILABLE},
	    {"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n", 0, 0,
		CPNP_ERR_UNAVAILABLE},
	    {"HTTP/1.1 302 no\r\nLocation: file:///etc/passwd\r\n"
	     "Content-Length: 0\r\n\r\n",
		0, 0, CPNP_ERR_UNAVAILABLE},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 10, 0,
		CPNP_ERR_UNAVAILABLE},
	    {"HTTP/1.1 200 OK\r\n\r\n", 100, 0, CPNP_ERR_UNAVAILABLE},
	    /* one byte more than there is room for */
	    {"HTTP/1.1 200 OK\r\n\r\n", RPC_ANSWER_MAX + 1, 0,
		CPNP_ERR_TOO_LONG},
	    {"HTTP/1.1 200 OK\r\n\r\n", RPC_ANSWER_MAX, 0,
		CPNP_ERR_UNAVAILABLE},
	    /* a byte each 50 ms, for longer than the deadline */
	    {"HTTP/1.1 200 OK\r\n\r\n", 20, 50, CPNP_ERR_UNAVAILABLE},
	};
	char text[128];
	cpnp_diag diag;

	(void)snprintf(text, sizeof(text), "%s", ok);
	ck_assert_int_eq(ask_hostile(text, 0, 0, &diag), 0);
	text[strlen(text) - 3] = '8';
	ck_assert_int_eq(ask_hostile(text, 0, 0, &diag), CPNP_ERR_MISMATCH);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(ask_hostile(cases[i].head, cases[i].size,
				     cases[i].pace_ms, &diag),
		    cases[i].want);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_keccak_vectors, test_rlp_examples,
	    test_address_checksum, test_address_of_key_and_contract,
	    test_tx_is_signed, test_key_file_is_private, test_settings,
	    test_settings_of_the_node, test_settings_admit_at_most,
	    test_price_keeps_to_max_fee, test_answer_is_held_to_json_rpc,
	    test_answer_has_a_bound_of_values, test_answer_numbers,
	    test_answer_data, test_event_is_held_to_the_contract,
	    test_hostile_node};

	return unit_run("evm", tests, sizeof(tests) / sizeof(tests[0]));
}
