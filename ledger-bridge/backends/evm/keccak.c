/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "keccak.h"

#define LANES 25
#define ROUNDS 24
#define RATE 136 /* bytes; the capacity is twice the digest */

/* FIPS 202, 3.2.5: one bit of each constant is the next of an 8-bit LFSR. */
static bool
lfsr_next(uint8_t *lfsr)
{
	bool bit = *lfsr & 1;

	*lfsr = (uint8_t)(*lfsr << 1 ^ (*lfsr & 0x80 ? 0x71 : 0));
	return bit;
}

static uint64_t
rotate(uint64_t lane, unsigned by)
{
	return by == 0 ? lane : lane << by | lane >> (64 - by);
}

static void
theta(uint64_t a[LANES])
{
	uint64_t c[5], d;
	unsigned x, y;

	for (x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (x = 0; x < 5; x++) {
		d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
		for (y = 0; y < LANES; y += 5)
			a[y + x] ^= d;
	}
}

/* The offsets are those of FIPS 202, table 2, along the path that pi takes
 * from lane (1, 0). */
static void
rho_pi(uint64_t a[LANES])
{
	uint64_t current = a[1], kept;
	unsigned t, x = 1, y = 0, to;

	for (t = 0; t < 24; t++) {
		to = (2 * x + 3 * y) % 5;
		x = y;
		y = to;
		kept = a[5 * y + x];
		a[5 * y + x] = rotate(current, (t + 1) * (t + 2) / 2 % 64);
		current = kept;
	}
}

static void
chi(uint64_t a[LANES])
{
	uint64_t row[5];
	unsigned x, y;

	for (y = 0; y < LANES; y += 5) {
		memcpy(row, &a[y], sizeof(row));
		for (x = 0; x < 5; x++)
			a[y + x] =
			    row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

static void
iota(uint64_t a[LANES], uint8_t *lfsr)
{
	unsigned j;

	for (j = 0; j <= 6; j++)
		if (lfsr_next(lfsr))
			a[0] ^= UINT64_C(1) << ((1u << j) - 1);
}

static void
permute(uint64_t a[LANES])
{
	uint8_t lfsr = 1;
	unsigned round;

	for (round = 0; round < ROUNDS; round++) {
		theta(a);
		rho_pi(a);
		chi(a);
		iota(a, &lfsr);
	}
}

static void
absorb(uint64_t a[LANES], const uint8_t block[RATE])
{
	unsigned i, j;

	for (i = 0; i < RATE / 8; i++)
		for (j = 0; j < 8; j++)
			a[i] ^= (uint64_t)block[8 * i + j] << (8 * j);
	permute(a);
}

void
keccak256(cpnp_bytes input, uint8_t digest[KECCAK_LEN])
{
	uint64_t a[LANES] = {0};
	uint8_t last[RATE] = {0};
	unsigned i;

	for (; input.len >= RATE; input.ptr += RATE, input.len -= RATE)
		absorb(a, input.ptr);
	if (input.len > 0)
		memcpy(last, input.ptr, input.len);
	last[input.len] ^= 0x01;
	last[RATE - 1] ^= 0x80;
	absorb(a, last);
	for (i = 0; i < KECCAK_LEN; i++)
		digest[i] = (uint8_t)(a[i / 8] >> (8 * (i % 8)));
}
