/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "abi.h"

#define ENTRY_EVENT "Entry(uint64,address,uint64,bytes32,bytes)"

/* ---- writing ------------------------------------------------------------- */

static void
put_selector(cpnp_buf *buf, const char *signature)
{
	uint8_t digest[KECCAK_LEN];

	keccak256(cpnp_bytes_str(signature), digest);
	cpnp_buf_put_raw(buf, (cpnp_bytes){digest, 4});
}

void
abi_word_uint(uint64_t value, uint8_t word[ABI_WORD])
{
	memset(word, 0, ABI_WORD);
	for (int i = 0; i < 8; i++)
		word[ABI_WORD - 1 - i] = (uint8_t)(value >> (8 * i));
}

void
abi_word_address(const uint8_t address[EVM_ADDRESS_LEN], uint8_t word[ABI_WORD])
{
	memset(word, 0, ABI_WORD);
	memcpy(word + ABI_WORD - EVM_ADDRESS_LEN, address, EVM_ADDRESS_LEN);
}

static void
put_uint(cpnp_buf *buf, uint64_t value)
{
	uint8_t word[ABI_WORD];

	abi_word_uint(value, word);
	cpnp_buf_put_raw(buf, (cpnp_bytes){word, ABI_WORD});
}

static void
put_address(cpnp_buf *buf, const uint8_t address[EVM_ADDRESS_LEN])
{
	uint8_t word[ABI_WORD];

	abi_word_address(address, word);
	cpnp_buf_put_raw(buf, (cpnp_bytes){word, ABI_WORD});
}

static size_t
padding(size_t len)
{
	return (ABI_WORD - len % ABI_WORD) % ABI_WORD;
}

static void
put_bytes(cpnp_buf *buf, cpnp_bytes bytes)
{
	static const uint8_t zeros[ABI_WORD];

	put_uint(buf, bytes.len);
	cpnp_buf_put_raw(buf, bytes);
	cpnp_buf_put_raw(buf, (cpnp_bytes){zeros, padding(bytes.len)});
}

void
abi_put_state(cpnp_buf *buf, const uint8_t writer[EVM_ADDRESS_LEN])
{
	put_selector(buf, "state(address)");
	put_address(buf, writer);
}

void
abi_put_append(cpnp_buf *buf, uint64_t seq, cpnp_bytes batch)
{
	put_selector(buf, "append(uint64,bytes)");
	put_uint(buf, seq);
	put_uint(buf, 2 * ABI_WORD);
	put_bytes(buf, batch);
}

void
abi_put_admit(cpnp_buf *buf, const uint8_t writer[EVM_ADDRESS_LEN], bool on)
{
	put_selector(buf, "admit(address,bool)");
	put_address(buf, writer);
	put_uint(buf, on);
}

void
abi_put_constructor(cpnp_buf *buf, cpnp_bytes genesis,
    const uint8_t (*writers)[EVM_ADDRESS_LEN], size_t n)
{
	size_t i;

	put_uint(buf, 2 * ABI_WORD);
	put_uint(buf, 3 * ABI_WORD + genesis.len + padding(genesis.len));
	put_bytes(buf, genesis);
	put_uint(buf, n);
	for (i = 0; i < n; i++)
		put_address(buf, writers[i]);
}

void
abi_entry_topic(uint8_t topic[ABI_WORD])
{
	keccak256(cpnp_bytes_str(ENTRY_EVENT), topic);
}

/* ---- reading ------------------------------------------------------------- */

static int
get_uint(const uint8_t word[ABI_WORD], uint64_t max, uint64_t *value)
{
	size_t i;

	*value = 0;
	for (i = 0; i < ABI_WORD; i++) {
		if (i < ABI_WORD - 8 && word[i] != 0)
			return CPNP_ERR_RANGE;
		*value = *value << 8 | word[i];
	}
	return *value > max ? CPNP_ERR_RANGE : 0;
}

int
abi_get_state(cpnp_bytes data, struct evm_state *state)
{
	uint64_t admitted;

	if (data.len != ABI_STATE_LEN)
		return CPNP_ERR_RANGE;
	memcpy(state->ledger, data.ptr, CPNP_SHA256_LEN);
	memcpy(state->head, data.ptr + ABI_WORD, CPNP_SHA256_LEN);
	if (get_uint(data.ptr + 2 * ABI_WORD, UINT64_MAX, &state->next) != 0 ||
	    get_uint(data.ptr + 3 * ABI_WORD, 1, &admitted) != 0 ||
	    get_uint(data.ptr + 4 * ABI_WORD, UINT64_MAX,
		&state->writer_next) != 0 ||
	    state->next == 0)
		return CPNP_ERR_RANGE;
	state->admitted = admitted != 0;
	return 0;
}

int
abi_get_entry(const uint8_t topics[ABI_TOPICS][ABI_WORD], cpnp_bytes data,
    struct evm_entry *entry)
{
	static const uint8_t zeros[ABI_WORD - EVM_ADDRESS_LEN];
	uint8_t topic[ABI_WORD];
	uint64_t offset, len;

	abi_entry_topic(topic);
	if (memcmp(topics[0], topic, ABI_WORD) != 0 ||
	    get_uint(topics[1], UINT64_MAX, &entry->position) != 0 ||
	    memcmp(topics[2], zeros, sizeof(zeros)) != 0 ||
	    get_uint(topics[3], UINT64_MAX, &entry->seq) != 0 ||
	    data.len < 3 * ABI_WORD)
		return CPNP_ERR_RANGE;
	memcpy(entry->writer, topics[2] + sizeof(zeros), EVM_ADDRESS_LEN);
	memcpy(entry->prev, data.ptr, CPNP_SHA256_LEN);
	if (get_uint(data.ptr + ABI_WORD, 2 * ABI_WORD, &offset) != 0 ||
	    offset != 2 * ABI_WORD ||
	    get_uint(data.ptr + 2 * ABI_WORD, data.len - 3 * ABI_WORD, &len) !=
		0)
		return CPNP_ERR_RANGE;
	entry->batch = (cpnp_bytes){data.ptr + 3 * ABI_WORD, (size_t)len};
	return data.len == 3 * ABI_WORD + len + padding((size_t)len)
		   ? 0
		   : CPNP_ERR_RANGE;
}
