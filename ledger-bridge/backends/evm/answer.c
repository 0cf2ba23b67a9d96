/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "../common.h"
#include "answer.h"

#define QUOTE_MAX 100 /* bytes of the node's words that are passed on */

/* The node's words, as far as a terminal can bear them. */
static void
quote(const char *text, char out[QUOTE_MAX + 1])
{
	size_t n;

	for (n = 0; n < QUOTE_MAX && text[n] != '\0'; n++)
		out[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	out[n] = '\0';
}

/* No fewer than there are. */
static size_t
count_values(cpnp_bytes text)
{
	size_t i, n = 1;

	for (i = 0; i < text.len; i++)
		n += text.ptr[i] == ',' || text.ptr[i] == '[' ||
		     text.ptr[i] == '{';
	return n;
}

int
answer_result(cpnp_bytes text, uint64_t id, json_t **result, cpnp_diag *diag)
{
	const json_t *number, *error;
	const char *message;
	char words[QUOTE_MAX + 1];
	json_t *root;
	int err = 0;

	*result = NULL;
	if (count_values(text) > ANSWER_VALUES_MAX)
		return backend_fail(diag, CPNP_ERR_TOO_LONG, "rpc-url",
		    "the answer has more than %d values", ANSWER_VALUES_MAX);
	root = json_loadb((const char *)text.ptr, text.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	number = json_object_get(root, "id");
	error = json_object_get(root, "error");
	*result = json_object_get(root, "result");
	if (json_is_object(error)) {
		message = json_string_value(json_object_get(error, "message"));
		quote(message != NULL ? message : "no reason given", words);
		err = backend_fail(diag, CPNP_ERR_INVALID, "rpc-url",
		    "the node refused: %s", words);
	} else if (!json_is_integer(number) ||
		   (uint64_t)json_integer_value(number) != id ||
		   *result == NULL) {
		err = backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "what answers is no JSON-RPC node");
	} else {
		(void)json_incref(*result);
	}
	if (err != 0)
		*result = NULL;
	json_decref(root);
	return err;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The digits behind 0x and how many; NULL when it is not of the form. */
static const char *
hex_digits(const json_t *value, size_t *n)
{
	const char *text = json_string_value(value);
	size_t i, len = json_string_length(value);

	if (text == NULL || len < 2 || text[0] != '0' || text[1] != 'x')
		return NULL;
	for (i = 2; i < len; i++)
		if (digit(text[i]) < 0)
			return NULL;
	*n = len - 2;
	return text + 2;
}

bool
answer_wei(const json_t *value, evm_wei *out)
{
	size_t i, n;
	const char *hex = hex_digits(value, &n);

	if (hex == NULL || n == 0 || n > 64)
		return false;
	*out = 0;
	for (i = 0; i < n; i++) {
		if (*out >> 124 != 0) {
			*out = ~(evm_wei)0;
			return true;
		}
		*out = *out << 4 | (unsigned)digit(hex[i]);
	}
	return true;
}

bool
answer_uint(const json_t *value, uint64_t *out)
{
	evm_wei wide;

	if (!answer_wei(value, &wide) || wide > UINT64_MAX)
		return false;
	*out = (uint64_t)wide;
	return true;
}

bool
answer_fixed(const json_t *value, uint8_t *out, size_t len)
{
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, out, len);
	return answer_data(value, &buf) && buf.len == len;
}

bool
answer_data(const json_t *value, cpnp_buf *out)
{
	uint8_t part[256];
	size_t i, n, len = 0;
	const char *hex = hex_digits(value, &n);

	if (hex == NULL || n % 2 != 0)
		return false;
	for (i = 0; i < n; i += 2) {
		part[len++] = (uint8_t)(digit(hex[i]) << 4 | digit(hex[i + 1]));
		if (len == sizeof(part) || i + 2 == n) {
			cpnp_buf_put_raw(out, (cpnp_bytes){part, len});
			len = 0;
		}
	}
	return out->err == 0;
}

bool
answer_block(const json_t *value, struct evm_block *block)
{
	const json_t *base_fee = json_object_get(value, "baseFeePerGas");

	block->base_fee = 0;
	return answer_uint(json_object_get(value, "number"), &block->number) &&
	       answer_fixed(json_object_get(value, "hash"), block->hash,
		   sizeof(block->hash)) &&
	       answer_uint(
		   json_object_get(value, "gasLimit"), &block->gas_limit) &&
	       (base_fee == NULL || answer_uint(base_fee, &block->base_fee));
}

bool
answer_receipt(const json_t *value, struct evm_receipt *receipt)
{
	const json_t *contract = json_object_get(value, "contractAddress");
	uint64_t status;

	if (!answer_uint(
		json_object_get(value, "blockNumber"), &receipt->block) ||
	    !answer_uint(json_object_get(value, "status"), &status) ||
	    status > 1)
		return false;
	receipt->success = status == 1;
	receipt->has_contract = json_is_string(contract);
	return !receipt->has_contract ||
	       answer_fixed(
		   contract, receipt->contract, sizeof(receipt->contract));
}

int
answer_entry(const json_t *value, const uint8_t contract[EVM_ADDRESS_LEN],
    cpnp_buf *arena, struct evm_entry *entry, uint64_t *block)
{
	const json_t *topics = json_object_get(value, "topics");
	uint8_t address[EVM_ADDRESS_LEN], words[ABI_TOPICS][ABI_WORD];
	size_t i, start = arena->len;

	if (!answer_fixed(
		json_object_get(value, "address"), address, sizeof(address)) ||
	    memcmp(address, contract, sizeof(address)) != 0 ||
	    !answer_uint(json_object_get(value, "blockNumber"), block) ||
	    json_is_true(json_object_get(value, "removed")) ||
	    json_array_size(topics) != ABI_TOPICS)
		return CPNP_ERR_RANGE;
	for (i = 0; i < ABI_TOPICS; i++)
		if (!answer_fixed(
			json_array_get(topics, i), words[i], ABI_WORD))
			return CPNP_ERR_RANGE;
	if (!answer_data(json_object_get(value, "data"), arena))
		return arena->err != 0 ? arena->err : CPNP_ERR_RANGE;
	return abi_get_entry((const uint8_t(*)[ABI_WORD])words,
	    (cpnp_bytes){arena->ptr + start, arena->len - start}, entry);
}
