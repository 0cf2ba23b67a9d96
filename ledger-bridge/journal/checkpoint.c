/*
 * Checkpoints of others and their cosignatures: C2SP signed-note,
 * tlog-checkpoint and tlog-cosignature.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define COSIGNATURE_TIME_LEN 8
#define COSIGNATURE_LEN                                                        \
	(NOTE_KEY_ID_LEN + COSIGNATURE_TIME_LEN + SIGNATURE_LEN)
#define COSIGNATURE_HEAD_MAX 48
#define SIZE_DIGITS_MAX 19

/* One line of signature; len 0 when it is longer than any that we know. */
struct note_line {
	cpnp_bytes name;
	uint8_t blob[NOTE_BASE64_MAX];
	size_t len;
};

/* Cut a line off, its newline with it. */
static bool
cut_line(cpnp_bytes *rest, cpnp_bytes *line)
{
	const uint8_t *end;

	end = rest->len == 0 ? NULL : memchr(rest->ptr, '\n', rest->len);
	if (end == NULL)
		return false;
	line->ptr = rest->ptr;
	line->len = (size_t)(end - rest->ptr);
	rest->ptr = end + 1;
	rest->len -= line->len + 1;
	return true;
}

static int
cut_signature(cpnp_bytes *rest, struct note_line *out)
{
	static const size_t dash_len = sizeof(NOTE_DASH) - 1;
	const uint8_t *space;
	cpnp_bytes line;
	size_t base64_len;

	if (!cut_line(rest, &line) || line.len <= dash_len ||
	    memcmp(line.ptr, NOTE_DASH, dash_len) != 0)
		return CPNP_ERR_TYPE;
	line.ptr += dash_len;
	line.len -= dash_len;
	space = memchr(line.ptr, ' ', line.len);
	if (space == NULL || space == line.ptr)
		return CPNP_ERR_TYPE;
	out->name.ptr = line.ptr;
	out->name.len = (size_t)(space - line.ptr);
	base64_len = line.len - out->name.len - 1;
	out->len = 0;
	if (base64_len >= NOTE_BASE64_MAX)
		return 0;
	if (note_base64_decode(
	        space + 1, base64_len, out->blob, &out->len) != 0 ||
	    out->len <= NOTE_KEY_ID_LEN)
		return CPNP_ERR_TYPE;
	return 0;
}

/* Every line of signature has the form of one. */
static int
check_signatures(cpnp_bytes rest, cpnp_diag *diag)
{
	struct note_line line;
	size_t n;

	for (n = 0; rest.len > 0; n++)
		if (n == CPNP_CHECKPOINT_SIGNATURES_MAX ||
		    cut_signature(&rest, &line) != 0)
			return ledger_fail(diag, CPNP_ERR_TYPE, "checkpoint",
			    "line %zu of signature is none, or more than %d",
			    n + 1, CPNP_CHECKPOINT_SIGNATURES_MAX);
	if (n == 0)
		return ledger_fail(diag, CPNP_ERR_TYPE, "checkpoint",
		    "it is not signed");
	return 0;
}

/* A decimal number in its one form, from 1. */
static bool
parse_size(cpnp_bytes text, uint64_t *size)
{
	size_t i;

	if (text.len == 0 || text.len > SIZE_DIGITS_MAX || text.ptr[0] == '0')
		return false;
	*size = 0;
	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		*size = *size * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	return *size <= INT64_MAX;
}

static int
parse_text(cpnp_checkpoint *out, cpnp_diag *diag)
{
	uint8_t root[NOTE_BASE64_MAX];
	cpnp_bytes rest = out->text, line;
	size_t len;

	if (!cut_line(&rest, &line) || line.len > CPNP_IDENTITY_MAX ||
	    memchr(line.ptr, '\0', line.len) != NULL)
		return ledger_fail(diag, CPNP_ERR_TYPE, "checkpoint",
		    "its first line is not the name of an origin");
	memcpy(out->origin, line.ptr, line.len);
	out->origin[line.len] = '\0';
	if (!note_name_is_valid(out->origin))
		return ledger_fail(diag, CPNP_ERR_TYPE, "checkpoint",
		    "its first line is not the name of an origin");
	if (!cut_line(&rest, &line) || !parse_size(line, &out->size))
		return ledger_fail(diag, CPNP_ERR_TYPE, "checkpoint",
		    "its second line is not a size from 1 in decimal");
	if (!cut_line(&rest, &line) ||
	    note_base64_decode(line.ptr, line.len, root, &len) != 0 ||
	    len != CPNP_SHA256_LEN)
		return ledger_fail(diag, CPNP_ERR_TYPE, "checkpoint",
		    "its third line is not a root, 32 bytes in base64");
	memcpy(out->root, root, CPNP_SHA256_LEN);
	return 0;
}

static int
parse(cpnp_checkpoint *out, cpnp_bytes note, cpnp_diag *diag)
{
	size_t i;
	int err;

	memset(out, 0, sizeof(*out));
	out->note = note;
	if (note.len > CPNP_CHECKPOINT_MAX)
		return ledger_fail(diag, CPNP_ERR_TOO_LONG, "checkpoint",
		    "longer than %d bytes", CPNP_CHECKPOINT_MAX);
	/* no line of the text is empty, so the first empty one ends it */
	for (i = 0; i + 1 < note.len; i++)
		if (note.ptr[i] == '\n' && note.ptr[i + 1] == '\n')
			break;
	if (i + 1 >= note.len)
		return ledger_fail(diag, CPNP_ERR_TYPE, "checkpoint",
		    "not a C2SP checkpoint: origin, size and root in lines, "
		    "an empty line, signatures");
	out->text = (cpnp_bytes){note.ptr, i + 1};
	out->signatures = (cpnp_bytes){note.ptr + i + 2, note.len - i - 2};
	err = parse_text(out, diag);
	return err != 0 ? err : check_signatures(out->signatures, diag);
}

/* 0: signed by key; NOT_FOUND: no line of it. */
static int
check_key(const cpnp_checkpoint *cp, const struct ledger_key *key)
{
	uint8_t id[CPNP_SHA256_LEN];
	struct note_line line;
	cpnp_bytes rest = cp->signatures;
	int err;

	err = note_key_id(key, cp->origin, NOTE_ED25519, id);
	while (err == 0 && rest.len > 0) {
		err = cut_signature(&rest, &line);
		if (err == 0 && line.len > NOTE_KEY_ID_LEN &&
		    cpnp_bytes_equal(line.name, cpnp_bytes_str(cp->origin)) &&
		    memcmp(line.blob, id, NOTE_KEY_ID_LEN) == 0)
			return ledger_key_verify_note(key, cp->text,
			    (cpnp_bytes){line.blob + NOTE_KEY_ID_LEN,
			        line.len - NOTE_KEY_ID_LEN});
	}
	return err != 0 ? err : CPNP_ERR_NOT_FOUND;
}

int
checkpoint_verify_by(const struct ledger_key *key, cpnp_bytes note,
    cpnp_checkpoint *out, cpnp_diag *diag)
{
	int err;

	err = parse(out, note, diag);
	if (err != 0)
		return err;
	err = check_key(out, key);
	memcpy(out->key_id, key->id, CPNP_SHA256_LEN);
	if (err == CPNP_ERR_NOT_FOUND)
		err = CPNP_ERR_SIGNATURE;
	if (err != 0)
		return ledger_fail(diag, err, "checkpoint",
		    "not signed by the key that goes with it");
	return 0;
}

int
cpnp_checkpoint_verify(const cpnp_trust *trust, cpnp_bytes note,
    cpnp_checkpoint *out, cpnp_diag *diag)
{
	const struct ledger_key *key;
	size_t i;
	int err;

	ledger_diag_clear(diag);
	err = parse(out, note, diag);
	for (i = 0; err == 0 && (key = trust_key(trust, i)) != NULL; i++) {
		err = check_key(out, key);
		if (err == CPNP_ERR_NOT_FOUND) {
			err = 0;
			continue;
		}
		if (err != 0)
			return ledger_fail(diag, err, "checkpoint",
			    "the signature of %.64s does not verify",
			    out->origin);
		memcpy(out->key_id, key->id, CPNP_SHA256_LEN);
		return 0;
	}
	if (err == 0)
		return ledger_fail(diag, CPNP_ERR_SIGNATURE, "checkpoint",
		    "not signed by a known key in the name of %.64s",
		    out->origin);
	return ledger_fail_once(diag, err, "checkpoint", cpnp_strerror(err));
}

/* What a cosignature signs. */
static int
put_cosigned(const cpnp_checkpoint *cp, uint64_t time, cpnp_buf *buf)
{
	char head[COSIGNATURE_HEAD_MAX];

	(void)snprintf(head, sizeof(head),
	    "cosignature/v1\ntime %" PRIu64 "\n", time);
	cpnp_buf_put_raw(buf, cpnp_bytes_str(head));
	cpnp_buf_put_raw(buf, cp->text);
	return buf->err;
}

int
cpnp_checkpoint_cosign(const cpnp_signer *signer, const char *name,
    const cpnp_checkpoint *checkpoint, cpnp_wtime now, cpnp_buf *out,
    cpnp_diag *diag)
{
	uint8_t blob[COSIGNATURE_LEN], id[CPNP_SHA256_LEN];
	unsigned char base64[NOTE_BASE64_MAX];
	uint64_t time = (uint64_t)now.sec;
	cpnp_buf message;
	size_t i;
	int err;

	ledger_diag_clear(diag);
	if (!note_name_is_valid(name))
		return ledger_fail(diag, CPNP_ERR_INVALID, name,
		    "not a name for a witness: printable ASCII without space "
		    "and '+'");
	if (signer->key.alg != ALG_EDDSA)
		return ledger_fail(diag, CPNP_ERR_INVALID, "witness key",
		    "a witness signs with Ed25519; cpnp-ledger key generate "
		    "makes one");
	if (now.sec <= 0)
		return CPNP_ERR_INVALID;
	cpnp_buf_init(&message, &ledger_mem,
	    CPNP_CHECKPOINT_MAX + COSIGNATURE_HEAD_MAX);
	err = put_cosigned(checkpoint, time, &message);
	if (err == 0)
		err = note_key_id(&signer->key, name, NOTE_COSIGNATURE, id);
	memcpy(blob, id, NOTE_KEY_ID_LEN);
	for (i = 0; i < COSIGNATURE_TIME_LEN; i++)
		blob[NOTE_KEY_ID_LEN + i] = (uint8_t)(time >> (56 - 8 * i));
	if (err == 0)
		err = ledger_key_sign(&signer->key, cpnp_buf_bytes(&message),
		    blob + NOTE_KEY_ID_LEN + COSIGNATURE_TIME_LEN);
	cpnp_buf_fini(&message);
	if (err != 0)
		return ledger_fail_once(
		    diag, err, "cosignature", cpnp_strerror(err));
	(void)EVP_EncodeBlock(base64, blob, (int)sizeof(blob));
	cpnp_buf_put_raw(out, cpnp_bytes_str(NOTE_DASH));
	cpnp_buf_put_raw(out, cpnp_bytes_str(name));
	cpnp_buf_put_raw(out, cpnp_bytes_str(" "));
	cpnp_buf_put_raw(out, cpnp_bytes_str((const char *)base64));
	cpnp_buf_put_raw(out, cpnp_bytes_str("\n"));
	return out->err;
}

/* A line by one key: NOT_FOUND when it is not that key's. */
static int
check_cosignature(const cpnp_checkpoint *cp, const struct ledger_key *key,
    const struct note_line *line, cpnp_cosignature *out)
{
	uint8_t id[CPNP_SHA256_LEN];
	uint64_t time = 0;
	cpnp_buf message;
	size_t i;
	int err;

	if (key->alg != ALG_EDDSA || line->len != COSIGNATURE_LEN ||
	    line->name.len > CPNP_IDENTITY_MAX)
		return CPNP_ERR_NOT_FOUND;
	memcpy(out->name, line->name.ptr, line->name.len);
	out->name[line->name.len] = '\0';
	err = note_key_id(key, out->name, NOTE_COSIGNATURE, id);
	if (err != 0)
		return err;
	if (memcmp(id, line->blob, NOTE_KEY_ID_LEN) != 0)
		return CPNP_ERR_NOT_FOUND;
	for (i = 0; i < COSIGNATURE_TIME_LEN; i++)
		time = time << 8 | line->blob[NOTE_KEY_ID_LEN + i];
	if (time > INT64_MAX)
		return CPNP_ERR_SIGNATURE;
	out->time.sec = (int64_t)time;
	memcpy(out->key_id, key->id, CPNP_SHA256_LEN);
	cpnp_buf_init(&message, &ledger_mem,
	    CPNP_CHECKPOINT_MAX + COSIGNATURE_HEAD_MAX);
	err = put_cosigned(cp, time, &message);
	if (err == 0)
		err = ledger_key_verify(key, cpnp_buf_bytes(&message),
		    (cpnp_bytes){line->blob + NOTE_KEY_ID_LEN +
		            COSIGNATURE_TIME_LEN, SIGNATURE_LEN});
	cpnp_buf_fini(&message);
	return err;
}

int
cpnp_checkpoint_cosignatures(const cpnp_trust *trust,
    const cpnp_checkpoint *checkpoint, cpnp_cosignature *out, size_t max,
    size_t *n, cpnp_diag *diag)
{
	cpnp_bytes rest = checkpoint->signatures;
	const struct ledger_key *key;
	struct note_line line;
	size_t i;
	int err = 0;

	ledger_diag_clear(diag);
	*n = 0;
	while (rest.len > 0 && *n < max) {
		err = cut_signature(&rest, &line);
		for (i = 0; err == 0 && *n < max &&
		    (key = trust_key(trust, i)) != NULL; i++) {
			err = check_cosignature(
			    checkpoint, key, &line, &out[*n]);
			if (err == 0)
				(*n)++;
			else if (err == CPNP_ERR_NOT_FOUND)
				err = 0;
		}
		if (err != 0)
			return ledger_fail(diag, err, "checkpoint",
			    "the cosignature of %.*s does not verify",
			    (int)line.name.len, (const char *)line.name.ptr);
	}
	return 0;
}
