/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../ledger-bridge/journal/internal.h"
#include "world.h"

#define TIME 1800000000 /* of the genesis; no tick moves it */
#define MINTED 1000000000000
#define TOO_MUCH (2 * MINTED + 1)
#define KEYS_MAX 100000000 /* live idempotency keys */

static const char *const names[WORLD_PARTIES] = {"bank", "a", "b"};

static _Noreturn void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "world: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void
init_buf(cpnp_buf *buf)
{
	cpnp_buf_init(buf, &ledger_mem, CPNP_GENESIS_MAX);
}

static void
make_genesis(struct world *w, struct ledger_key keys[WORLD_PARTIES])
{
	cpnp_genesis_account accounts[WORLD_PARTIES];
	const cpnp_genesis_token token = {
	    CPNP_BYTES_LIT("bank"), CPNP_BYTES_LIT("EUR"), 2};
	cpnp_genesis genesis = {
	    .name = CPNP_BYTES_LIT("test"),
	    .salt = CPNP_BYTES_LIT("0123456789abcdef"),
	    .rules = CPNP_RULES_VERSION,
	    .time = {TIME},
	    .accounts = accounts,
	    .account_n = WORLD_PARTIES,
	    .tokens = &token,
	    .token_n = 1,
	};
	cpnp_diag diag = {.err = 0};
	cpnp_bytes bytes;

	for (int i = 0; i < WORLD_PARTIES; i++)
		accounts[i] = (cpnp_genesis_account){cpnp_bytes_str(names[i]),
		    i == WORLD_BANK ? CPNP_ROLE_ISSUER |
			CPNP_ROLE_OPERATOR
				    : CPNP_ROLE_CUSTOMER,
		    {keys[i].spki, keys[i].spki_len}, CPNP_BYTES_NONE};
	cpnp_settings_default(&genesis.settings);
	genesis.settings.idem_max = KEYS_MAX;
	if (cpnp_genesis_encode(&genesis, &w->genesis, &diag) != 0)
		die(diag.where, diag.why);
	bytes = cpnp_buf_bytes(&w->genesis);
	if (hash_once(&bytes, 1, w->id) != 0)
		die("genesis", "SHA-256 failed");
}

void
world_init(struct world *w, const char *dir)
{
	struct ledger_key keys[WORLD_PARTIES];
	cpnp_diag diag = {.err = 0};
	char path[4096];

	memset(w, 0, sizeof(*w));
	init_buf(&w->genesis);
	for (int i = 0; i < WORLD_PARTIES; i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s.key", dir, names[i]);
		if (access(path, R_OK) != 0 &&
		    cpnp_key_generate(path, "ed25519", &diag) != 0)
			die(path, diag.why);
		if (cpnp_signer_load(&w->signers[i], NULL, NULL, path,
			&diag) != 0 ||
		    ledger_key_load_private(&keys[i], path, &diag) != 0)
			die(path, diag.why);
	}
	make_genesis(w, keys);
	for (int i = 0; i < WORLD_PARTIES; i++)
		ledger_key_fini(&keys[i]);
}

void
world_fini(struct world *w)
{
	for (int i = 0; i < WORLD_PARTIES; i++)
		cpnp_signer_del(w->signers[i]);
	cpnp_buf_fini(&w->genesis);
}

unsigned
world_code(uint64_t i)
{
	if (i == 0)
		return CPNP_OUTCOME_ACCEPTED;
	return i % 13 == 0 ? CPNP_OUTCOME_KEY
	    : i % 11 == 0  ? CPNP_OUTCOME_FUNDS
	    : i % 7 == 0   ? CPNP_OUTCOME_TOKEN
			   : CPNP_OUTCOME_ACCEPTED;
}

void
world_encode(
    const struct world *w, int payer, uint64_t i, cpnp_buf *payload)
{
	char idem[CPNP_OP_KEY_MAX];
	cpnp_diag diag = {.err = 0};
	cpnp_op op = {.type = CPNP_OP_TRANSFER, .expiry = TIME + 86400};
	unsigned code = world_code(i);

	memcpy(op.ledger, w->id, sizeof(op.ledger));
	(void)snprintf(idem, sizeof(idem), "%s-%llu", names[payer],
	    (unsigned long long)i);
	op.idem = cpnp_bytes_str(idem);
	op.account = cpnp_bytes_str(names[payer]);
	op.peer = cpnp_bytes_str(
	    names[payer == WORLD_A ? WORLD_B : WORLD_A]);
	op.issuer = cpnp_bytes_str(names[WORLD_BANK]);
	op.code = cpnp_bytes_str(code == CPNP_OUTCOME_TOKEN ? "XYZ" : "EUR");
	/* what is paid is paid back, so that there is always enough */
	op.amount = code == CPNP_OUTCOME_FUNDS ? TOO_MUCH
					       : (int64_t)(i % 5) + 1;
	op.has = CPNP_OP_FIELD_BIT(PEER) | CPNP_OP_FIELD_BIT(ISSUER) |
	    CPNP_OP_FIELD_BIT(CODE) | CPNP_OP_FIELD_BIT(AMOUNT);
	if (i == 0) {
		op.type = CPNP_OP_MINT;
		op.account = cpnp_bytes_str(names[WORLD_BANK]);
		op.peer = cpnp_bytes_str(names[payer]);
		op.amount = MINTED;
		op.has &= ~CPNP_OP_FIELD_BIT(ISSUER);
	}
	if (cpnp_op_encode(&op, payload, &diag) != 0)
		die(diag.where, diag.why);
}

void
world_digest(const struct world *w, int payer, uint64_t i,
    uint8_t digest[CPNP_SHA256_LEN])
{
	uint8_t store[WORLD_OP_MAX];
	cpnp_bytes bytes;
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	world_encode(w, payer, i, &buf);
	bytes = cpnp_buf_bytes(&buf);
	if (hash_once(&bytes, 1, digest) != 0)
		die("digest", "SHA-256 failed");
}

static const cpnp_signer *
signer_of(const struct world *w, int payer, uint64_t i)
{
	if (i == 0)
		return w->signers[WORLD_BANK];
	return world_code(i) == CPNP_OUTCOME_KEY ? w->signers[WORLD_BANK]
						 : w->signers[payer];
}

static void
sign(const struct world *w, const cpnp_signer *signer, int payer,
    uint64_t first, size_t n, cpnp_buf *out)
{
	uint8_t (*store)[WORLD_OP_MAX] = calloc(n, sizeof(*store));
	cpnp_bytes *payloads = calloc(n, sizeof(*payloads));
	cpnp_buf buf;

	if (store == NULL || payloads == NULL)
		die("sign", "out of memory");
	for (size_t i = 0; i < n; i++) {
		cpnp_buf_init_fixed(&buf, store[i], sizeof(store[i]));
		world_encode(w, payer, first + i, &buf);
		payloads[i] = cpnp_buf_bytes(&buf);
	}
	if (cpnp_op_sign(signer, payloads, n, out) != 0)
		die("sign", "failed");
	free(store);
	free(payloads);
}

/* Neighbours of one signer are signed together. */
void
world_sign(const struct world *w, int payer, uint64_t first, size_t n,
    cpnp_buf *out)
{
	const cpnp_signer *signer;
	size_t i, begin;

	for (begin = 0; begin < n; begin = i) {
		signer = signer_of(w, payer, first + begin);
		for (i = begin + 1; i < n &&
		     signer_of(w, payer, first + i) == signer; i++)
			;
		sign(w, signer, payer, first + begin, i - begin, out + begin);
	}
}

void
world_sign_all(const struct world *w, int payer, uint64_t first, size_t n,
    cpnp_buf *out)
{
	sign(w, w->signers[payer], payer, first, n, out);
}
