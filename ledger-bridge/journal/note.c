/*
 * A journal's head as a C2SP tlog-checkpoint: a text of origin, size and root
 * in lines, signed as a C2SP signed-note.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

bool
note_name_is_valid(const char *name)
{
	const unsigned char *p;

	if (name[0] == '\0' || strlen(name) > CPNP_IDENTITY_MAX ||
	    !cpnp_utf8_is_valid(cpnp_bytes_str(name)))
		return false;
	for (p = (const unsigned char *)name; *p != '\0'; p++)
		if (*p <= 0x20 || *p == '+' || *p >= 0x7f)
			return false;
	return true;
}

int
note_key_id(const struct ledger_key *key, const char *name, uint8_t kind,
    uint8_t id[CPNP_SHA256_LEN])
{
	const uint8_t type[] = {'\n', kind};
	uint8_t raw[CPNP_SHA256_LEN];
	size_t len = sizeof(raw);

	if (key->alg == ALG_ES256) {
		memcpy(id, key->id, CPNP_SHA256_LEN);
		return 0;
	}
	if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) != 1)
		return CPNP_ERR_CRYPTO;
	return hash_once((const cpnp_bytes[]){cpnp_bytes_str(name),
	    {type, sizeof(type)}, {raw, len}}, 3, id);
}

static size_t
note_text(const char *origin, uint64_t size,
    const uint8_t root[CPNP_SHA256_LEN], char text[NOTE_MAX])
{
	unsigned char base64[64];
	int n;

	(void)EVP_EncodeBlock(base64, root, CPNP_SHA256_LEN);
	n = snprintf(text, NOTE_MAX, "%s\n%" PRIu64 "\n%s\n", origin, size,
	    (const char *)base64);
	return n < 0 || n >= NOTE_MAX ? 0 : (size_t)n;
}

int
note_build(const struct ledger_key *key, const char *origin, uint64_t size,
    const uint8_t root[CPNP_SHA256_LEN], char note[NOTE_MAX])
{
	uint8_t blob[CPNP_SHA256_LEN + DER_SIGNATURE_MAX];
	uint8_t signature[DER_SIGNATURE_MAX];
	unsigned char base64[NOTE_BASE64_MAX];
	size_t len, text_len;
	int n, err;

	text_len = note_text(origin, size, root, note);
	if (text_len == 0)
		return CPNP_ERR_NO_SPACE;
	err = ledger_key_sign_note(key,
	    (cpnp_bytes){(const uint8_t *)note, text_len}, signature, &len);
	if (err == 0)
		err = note_key_id(key, origin, NOTE_ED25519, blob);
	if (err != 0)
		return err;
	memcpy(blob + NOTE_KEY_ID_LEN, signature, len);
	(void)EVP_EncodeBlock(base64, blob, (int)(NOTE_KEY_ID_LEN + len));
	n = snprintf(note + text_len, NOTE_MAX - text_len,
	    "\n" NOTE_DASH "%s %s\n", origin, (const char *)base64);
	return n < 0 || (size_t)n >= NOTE_MAX - text_len ? CPNP_ERR_NO_SPACE
							 : 0;
}

int
note_base64_decode(const uint8_t *in, size_t len,
    uint8_t out[NOTE_BASE64_MAX], size_t *out_len)
{
	unsigned char again[NOTE_BASE64_MAX];
	int n;

	if (len == 0 || len % 4 != 0 || len >= NOTE_BASE64_MAX)
		return CPNP_ERR_TYPE;
	n = EVP_DecodeBlock(out, in, (int)len);
	if (n < 0)
		return CPNP_ERR_TYPE;
	/* OpenSSL counts the padding */
	n -= (in[len - 1] == '=') + (in[len - 2] == '=');
	(void)EVP_EncodeBlock(again, out, n);
	if (strlen((const char *)again) != len || memcmp(again, in, len) != 0)
		return CPNP_ERR_TYPE;
	*out_len = (size_t)n;
	return 0;
}

int
note_verify(const struct ledger_key *key, const char *origin, uint64_t size,
    const uint8_t root[CPNP_SHA256_LEN], cpnp_bytes note, cpnp_diag *diag)
{
	uint8_t blob[NOTE_BASE64_MAX], id[CPNP_SHA256_LEN];
	char text[NOTE_MAX], intro[CPNP_IDENTITY_MAX + 16];
	size_t text_len, intro_len, len, used;
	int err;

	text_len = note_text(origin, size, root, text);
	intro_len = (size_t)snprintf(
	    intro, sizeof(intro), "\n" NOTE_DASH "%s ", origin);
	if (text_len == 0 || note.len < text_len ||
	    memcmp(note.ptr, text, text_len) != 0)
		return ledger_fail(diag, CPNP_ERR_PROOF, "checkpoint",
		    "its text is not origin, size and root of the head");
	used = text_len + intro_len;
	if (note.len <= used + 1 ||
	    memcmp(note.ptr + text_len, intro, intro_len) != 0 ||
	    note.ptr[note.len - 1] != '\n' ||
	    note_base64_decode(
	        note.ptr + used, note.len - used - 1, blob, &len) != 0 ||
	    len <= NOTE_KEY_ID_LEN)
		return ledger_fail(diag, CPNP_ERR_PROOF, "checkpoint",
		    "not one line of signature by the origin");
	err = note_key_id(key, origin, NOTE_ED25519, id);
	if (err != 0)
		return err;
	if (memcmp(id, blob, NOTE_KEY_ID_LEN) != 0)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "checkpoint",
		    "signed by another key than the head");
	err = ledger_key_verify_note(key,
	    (cpnp_bytes){note.ptr, text_len},
	    (cpnp_bytes){blob + NOTE_KEY_ID_LEN, len - NOTE_KEY_ID_LEN});
	if (err != 0)
		return ledger_fail(diag, err, "checkpoint",
		    "its signature does not verify");
	return 0;
}
