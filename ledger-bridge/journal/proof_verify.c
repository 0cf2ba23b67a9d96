/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proof.h"

static size_t
get_blobs(cpnp_cbor_rd *rd, cpnp_bytes *out, size_t max, size_t item_max)
{
	size_t i, n;

	n = cpnp_cbor_get_array(rd, 0, max);
	for (i = 0; i < n && rd->err == 0; i++)
		out[i] = cpnp_cbor_get_bytes(rd, 1, item_max);
	return rd->err == 0 ? n : 0;
}

static size_t
get_pairs(cpnp_cbor_rd *rd, struct proof_pair *out, size_t max)
{
	size_t i, n;

	n = cpnp_cbor_get_array(rd, 1, max);
	for (i = 0; i < n && rd->err == 0; i++) {
		(void)cpnp_cbor_get_array(rd, 2, 2);
		out[i].statement =
		    cpnp_cbor_get_bytes(rd, 1, CPNP_STATEMENT_MAX);
		out[i].receipt = cpnp_cbor_get_bytes(rd, 1, CPNP_RECEIPT_MAX);
	}
	return rd->err == 0 ? n : 0;
}

static void
get_signer(cpnp_cbor_rd *rd, struct proof_file *file)
{
	(void)cpnp_cbor_get_array(rd, 2, 2);
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_NULL)
		cpnp_cbor_get_null(rd);
	else
		file->chain_item = cpnp_cbor_get_item(rd);
	if (cpnp_cbor_peek(rd) == CPNP_CBOR_NULL)
		cpnp_cbor_get_null(rd);
	else
		file->delegation = cpnp_cbor_get_bytes(rd, 1, DELEGATION_MAX);
}

static void
get_part(cpnp_cbor_rd *rd, enum proof_key key, struct proof_file *file)
{
	switch (key) {
	case PROOF_VERSION:
		(void)cpnp_cbor_get_uint(rd, file->version, file->version);
		break;
	case PROOF_OPENING:
		file->opening = cpnp_cbor_get_bytes(rd, 1, PROOF_ITEM_MAX);
		break;
	case PROOF_AGREEMENTS:
		file->agreement_n = get_blobs(rd, file->agreements,
		    CPNP_PROOF_AGREEMENTS_MAX, PROOF_ITEM_MAX);
		break;
	case PROOF_STATEMENTS:
		file->statement_n = get_pairs(
		    rd, file->statements, CPNP_PROOF_ENTRIES_MAX);
		break;
	case PROOF_RECEIPTS:
		file->receipt_n = get_blobs(rd, file->receipts,
		    CPNP_PROOF_RECEIPTS_MAX, CPNP_RECEIPT_MAX);
		break;
	case PROOF_KEYS:
		file->key_n = get_pairs(rd, file->keys, CPNP_PROOF_KEYS_MAX);
		break;
	case PROOF_SIGNER:
		get_signer(rd, file);
		break;
	case PROOF_CHECKPOINT:
		file->checkpoint = cpnp_cbor_get_text(rd, 1, NOTE_MAX);
		break;
	case PROOF_LEDGER:
		file->ledger = cpnp_cbor_get_item(rd);
		break;
	case PROOF_DIGEST:
		file->digest = cpnp_cbor_get_bytes(
		    rd, CPNP_SHA256_LEN, CPNP_SHA256_LEN);
		break;
	}
}

int
proof_file_parse(struct proof_file *file, cpnp_bytes bytes, cpnp_diag *diag)
{
	static const char *const names[] = {"map", "version", "opening",
	    "agreements", "statements", "receipts", "keys", "signer",
	    "checkpoint", "ledger", "digest"};
	int64_t prev = CPNP_CBOR_NO_KEY, number;
	cpnp_cbor_rd rd;
	int key;

	memset(file, 0, sizeof(*file));
	if (bytes.len > CPNP_PROOF_MAX)
		return ledger_fail(diag, CPNP_ERR_TOO_LONG, "proof file",
		    "more than %d bytes", CPNP_PROOF_MAX);
	cpnp_cbor_rd_init(&rd, bytes);
	file->version = cpnp_cbor_get_map(&rd, PROOF_DIGEST - 1,
	    PROOF_DIGEST) == PROOF_DIGEST ? PROOF_FORMAT_LEDGER : PROOF_FORMAT;
	for (key = PROOF_VERSION; key <= PROOF_DIGEST && rd.err == 0; key++) {
		number = key;
		if (file->version == PROOF_FORMAT && key == PROOF_LEDGER)
			continue;
		if (file->version == PROOF_FORMAT && key == PROOF_DIGEST)
			number--;
		if (cpnp_cbor_get_key(&rd, &prev) != number)
			cpnp_cbor_rd_fail(&rd, CPNP_ERR_ATTR_UNEXPECTED);
		get_part(&rd, (enum proof_key)key, file);
		if (key == PROOF_VERSION)
			file->body.ptr = rd.pos;
		if (key == PROOF_CHECKPOINT)
			file->body.len = (size_t)(rd.pos - file->body.ptr);
	}
	if (cpnp_cbor_rd_finish(&rd) != 0) {
		(void)ledger_fail(diag, rd.err, "proof file",
		    "in part \"%s\", byte %zu: %s",
		    names[rd.err == CPNP_ERR_TRAILING ? 0 : key - 1],
		    rd.err_off, cpnp_strerror(rd.err));
		if (diag != NULL)
			diag->offset = rd.err_off;
		return rd.err;
	}
	file->digest_at = (size_t)(file->digest.ptr - bytes.ptr);
	return 0;
}

struct verify {
	struct proof_file file;
	cpnp_proof *proof;
	cpnp_trust *trust;
	cpnp_diag *diag;
	/* digest of each statement, by which others answer it */
	uint8_t digests[CPNP_PROOF_ENTRIES_MAX][CPNP_SHA256_LEN];
};

/* Put what is wrong inside a part behind the name of the part. */
static int
part_fail(struct verify *v, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
part_fail(struct verify *v, int err, const char *fmt, ...)
{
	cpnp_diag inner;
	char where[96];
	va_list ap;

	if (v->diag == NULL)
		return err;
	va_start(ap, fmt);
	(void)vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);
	inner = *v->diag;
	if (inner.err == 0)
		return ledger_fail(
		    v->diag, err, where, "%s", cpnp_strerror(err));
	(void)ledger_fail(v->diag, err, where, "%s%s%.80s",
	    inner.where, inner.where[0] == '\0' ? "" : ": ",
	    inner.why[0] != '\0' ? inner.why : cpnp_strerror(err));
	v->diag->offset = inner.offset;
	return err;
}

static int
check_agreement(struct verify *v, size_t i)
{
	const cpnp_order_opening *opening = &v->proof->opening;
	cpnp_agreement *agreement = &v->proof->agreements[i];
	int err;

	err = cpnp_agreement_decode(
	    agreement, v->file.agreements[i], v->diag);
	if (err != 0)
		return part_fail(v, err, "agreement %zu", i + 1);
	err = hash_once(&v->file.agreements[i], 1, v->proof->digests[i]);
	if (err != 0)
		return err;
	if (i > 0 && memcmp(v->proof->digests[i - 1], v->proof->digests[i],
	    CPNP_SHA256_LEN) >= 0)
		return part_fail(v, CPNP_ERR_DUPLICATE, "agreement %zu",
		    i + 1);
	if (!cpnp_bytes_equal(agreement->client, opening->client) ||
	    !cpnp_bytes_equal(agreement->provider, opening->provider) ||
	    !cpnp_bytes_equal(agreement->customer_order_id,
	        opening->customer_order_id))
		return ledger_fail(v->diag, CPNP_ERR_MISMATCH, "agreement",
		    "agreement %zu has other parties or another order "
		    "identifier than the opening", i + 1);
	return 0;
}

static int
check_opening(struct verify *v)
{
	size_t i;
	int err;

	err = cpnp_order_opening_decode(&v->proof->opening, v->file.opening);
	if (err != 0)
		return part_fail(v, err, "opening");
	err = hash_once(&v->file.opening, 1, v->proof->order_ref);
	for (i = 0; i < v->file.agreement_n && err == 0; i++)
		err = check_agreement(v, i);
	v->proof->agreement_n = v->file.agreement_n;
	return err;
}

static bool
same_name(const char *name, cpnp_bytes bytes)
{
	return cpnp_bytes_equal(cpnp_bytes_str(name), bytes);
}

/* Who must have signed a statement of this type. */
static int
check_signatory(struct verify *v, const cpnp_proof_entry *entry, size_t i)
{
	const cpnp_order_opening *opening = &v->proof->opening;
	bool by_client = entry->statement.type == CPNP_STATEMENT_ACCEPT;
	cpnp_bytes want = by_client ? opening->client : opening->provider;

	/* a key that the verifier knows, without a name for it */
	if (entry->identity[0] == '\0' && entry->attested)
		return 0;
	if (same_name(entry->identity, want))
		return 0;
	(void)ledger_fail(v->diag, CPNP_ERR_MISMATCH, "signer",
	    "signed by %.60s, not by the %s %.*s", entry->identity,
	    by_client ? "client" : "provider",
	    want.len > 60 ? 60 : (int)want.len, (const char *)want.ptr);
	return part_fail(v, CPNP_ERR_MISMATCH, "statement %zu (%s)", i + 1,
	    cpnp_statement_type_name(entry->statement.type));
}

static int
read_statement(struct verify *v, cpnp_proof_entry *entry)
{
	cpnp_signed said;
	int err;

	entry->is_signed = statement_is_signed(entry->bytes);
	if (!entry->is_signed) {
		err = cpnp_statement_decode(
		    &entry->statement, entry->bytes, v->diag);
		if (err == 0 && entry->statement.type != CPNP_STATEMENT_STATE)
			err = ledger_fail(v->diag, CPNP_ERR_SIGNATURE, "type",
			    "a statement of this type is signed");
		return err;
	}
	err = cpnp_trust_verify(
	    v->trust, entry->bytes, NULL, &said, v->diag);
	if (err != 0)
		return err;
	entry->statement = said.statement;
	entry->attested = said.attested;
	(void)snprintf(entry->identity, sizeof(entry->identity), "%s",
	    said.identity);
	return 0;
}

static int
find_agreement(const cpnp_proof *proof, const cpnp_statement *statement)
{
	size_t i;

	if (statement->has_digest)
		for (i = 0; i < proof->agreement_n; i++)
			if (memcmp(proof->digests[i], statement->digest,
			        CPNP_SHA256_LEN) == 0)
				return (int)i;
	return -1;
}

static int
check_statement(struct verify *v, size_t i)
{
	cpnp_proof_entry *entry = &v->proof->entries[i];
	const char *name;
	int err;

	entry->bytes = v->file.statements[i].statement;
	err = hash_once(&entry->bytes, 1, v->digests[i]);
	if (err == 0)
		err = read_statement(v, entry);
	if (err != 0)
		return part_fail(v, err, "statement %zu", i + 1);
	name = cpnp_statement_type_name(entry->statement.type);
	if (memcmp(entry->statement.order_ref, v->proof->order_ref,
	        CPNP_SHA256_LEN) != 0) {
		(void)ledger_fail(v->diag, CPNP_ERR_MISMATCH,
		    "order reference", "not the digest of the opening");
		return part_fail(v, CPNP_ERR_MISMATCH, "statement %zu (%s)",
		    i + 1, name);
	}
	entry->agreement = find_agreement(v->proof, &entry->statement);
	if (!entry->is_signed)
		return 0;
	if (entry->agreement < 0) {
		(void)ledger_fail(v->diag, CPNP_ERR_MISMATCH, "order digest",
		    "no agreement in the file has it");
		return part_fail(v, CPNP_ERR_MISMATCH, "statement %zu (%s)",
		    i + 1, name);
	}
	if (entry->statement.type == CPNP_STATEMENT_OFFER &&
	    entry->statement.validity.sec !=
	        v->proof->agreements[entry->agreement].validity.sec) {
		(void)ledger_fail(v->diag, CPNP_ERR_MISMATCH, "validity",
		    "not that of the agreement offered");
		return part_fail(v, CPNP_ERR_MISMATCH, "statement %zu (%s)",
		    i + 1, name);
	}
	return check_signatory(v, entry, i);
}

static int
check_statements(struct verify *v)
{
	size_t i, j;
	int err = 0;

	v->proof->entries =
	    calloc(v->file.statement_n, sizeof(*v->proof->entries));
	if (v->proof->entries == NULL)
		return CPNP_ERR_NOMEM;
	v->proof->entry_n = v->file.statement_n;
	for (i = 0; i < v->file.statement_n && err == 0; i++)
		err = check_statement(v, i);
	/* an agreement that no statement names is nobody's word */
	for (i = 0; i < v->proof->agreement_n && err == 0; i++) {
		for (j = 0; j < v->proof->entry_n; j++)
			if (v->proof->entries[j].agreement == (int)i)
				break;
		if (j == v->proof->entry_n)
			err = ledger_fail(v->diag, CPNP_ERR_MISMATCH,
			    "agreement", "no statement names agreement %zu",
			    i + 1);
	}
	return err;
}

/* A leaf's receipt must be under the one head of the file. */
static int
check_leaf(struct verify *v, const struct proof_pair *pair, uint64_t *index)
{
	cpnp_receipt *head = &v->proof->journal;
	cpnp_receipt receipt;
	uint8_t digest[CPNP_SHA256_LEN];
	int err;

	err = hash_once(&pair->statement, 1, digest);
	if (err == 0)
		err = trust_verify_leaf(
		    v->trust, pair->receipt, digest, &receipt, v->diag);
	if (err != 0)
		return err;
	*index = receipt.index;
	receipt.index = 0;
	if (head->size == 0)
		*head = receipt;
	else if (strcmp(head->origin, receipt.origin) != 0 ||
	    head->size != receipt.size ||
	    head->time.sec != receipt.time.sec ||
	    memcmp(head->root, receipt.root, CPNP_SHA256_LEN) != 0 ||
	    memcmp(head->key_id, receipt.key_id, CPNP_SHA256_LEN) != 0)
		return ledger_fail(v->diag, CPNP_ERR_PROOF, "receipt",
		    "under another head than the rest of the file");
	return 0;
}

/* The key statements make a chain: each old key is the new one before it, the
 * last new key signs the head. */
static int
check_key(struct verify *v, size_t i, uint8_t last[CPNP_SHA256_LEN])
{
	struct key_change change;
	int err;

	err = key_change_read(&change, v->file.keys[i].statement, v->diag);
	if (err != 0)
		return err;
	if (change.has_old != (i > 0) ||
	    (i > 0 && memcmp(change.old_key.id, last, CPNP_SHA256_LEN) != 0))
		err = ledger_fail(v->diag, CPNP_ERR_PROOF, "old key",
		    "not the key that the journal had before");
	else if (!same_name(v->proof->journal.origin, change.origin))
		err = ledger_fail(v->diag, CPNP_ERR_PROOF, "origin",
		    "of another journal");
	memcpy(last, change.new_key.id, CPNP_SHA256_LEN);
	if (trust_knows_key(v->trust, last))
		v->proof->key_known = true;
	key_change_fini(&change);
	return err;
}

static int
check_keys(struct verify *v)
{
	uint8_t last[CPNP_SHA256_LEN];
	uint64_t index = 0, before = 0;
	size_t i;
	int err;

	for (i = 0; i < v->file.key_n; i++, before = index) {
		err = check_leaf(v, &v->file.keys[i], &index);
		if (err == 0)
			err = check_key(v, i, last);
		if (err == 0 && i > 0 && index <= before)
			err = CPNP_ERR_DUPLICATE;
		if (err != 0)
			return part_fail(v, err, "key statement %zu", i + 1);
	}
	if (memcmp(last, v->proof->journal.key_id, CPNP_SHA256_LEN) != 0)
		return ledger_fail(v->diag, CPNP_ERR_PROOF, "head",
		    "signed by another key than the newest that the journal "
		    "names");
	v->proof->key_n = v->file.key_n;
	return 0;
}

/* Who signs the heads must be judged before the first of them; when, says
 * the head. */
static int
check_signer(struct verify *v)
{
	struct cose1 cose;
	int err;

	err = cose1_parse(&cose, v->file.keys[0].receipt, v->diag);
	if (err != 0)
		return part_fail(v, err, "key statement 1");
	if (v->file.chain_item.len == 0) {
		if (v->file.delegation.len == 0 && cose.x5t.len == 0)
			return 0;
		return ledger_fail(v->diag, CPNP_ERR_PROOF, "signer",
		    "the certificate of the journal's key is missing");
	}
	err = trust_add_signer(v->trust, v->file.chain_item,
	    v->file.delegation, cose.iat, v->diag);
	if (err == 0 && (cose.kid.len > 0) != (v->file.delegation.len > 0))
		err = ledger_fail(v->diag, CPNP_ERR_PROOF, "delegation",
		    "kid and delegation come together");
	if (err == 0 && cose.x5t.len == 0)
		err = ledger_fail(v->diag, CPNP_ERR_PROOF, "x5chain",
		    "the head names no certificate");
	if (err == 0)
		err = trust_check_x5t(v->file.chain_item, cose.x5t, v->diag);
	return err != 0 ? part_fail(v, err, "signer of the journal") : 0;
}

static int
check_leaves(struct verify *v)
{
	uint64_t index = 0, before = 0;
	const cpnp_proof_entry *entry;
	size_t i;
	int err;

	for (i = 0; i < v->file.statement_n; i++, before = index) {
		entry = &v->proof->entries[i];
		err = check_leaf(v, &v->file.statements[i], &index);
		if (err == 0 && i > 0 && index <= before)
			err = CPNP_ERR_DUPLICATE;
		if (err != 0)
			return part_fail(v, err, "statement %zu (%s)", i + 1,
			    cpnp_statement_type_name(entry->statement.type));
		v->proof->entries[i].index = index;
	}
	return note_verify(trust_last_key(v->trust),
	    v->proof->journal.origin, v->proof->journal.size,
	    v->proof->journal.root, v->file.checkpoint, v->diag);
}

/* The journal is that of the client or of the provider, and the states in it
 * are those of that side. */
static int
check_side(struct verify *v)
{
	const cpnp_order_opening *opening = &v->proof->opening;
	const char *name = v->proof->journal.identity;
	const cpnp_statement *statement;
	bool known = name[0] != '\0', is_provider = false;
	size_t i;

	if (known)
		is_provider = same_name(name, opening->provider);
	if (known && !is_provider && !same_name(name, opening->client))
		return ledger_fail(v->diag, CPNP_ERR_MISMATCH, "journal",
		    "it belongs to %.80s, who is no party to the order", name);
	for (i = 0; i < v->proof->entry_n; i++) {
		statement = &v->proof->entries[i].statement;
		if (statement->type != CPNP_STATEMENT_STATE)
			continue;
		if (!known)
			is_provider = statement->role == 1;
		known = true;
		if ((statement->role == 1) != is_provider &&
		    !cpnp_bytes_equal(opening->client, opening->provider))
			return ledger_fail(v->diag, CPNP_ERR_MISMATCH,
			    "role", "statement %zu is of the other side's "
			    "state machine", i + 1);
	}
	v->proof->is_provider = is_provider;
	return 0;
}

/* A receipt of another journal is for one of the signed statements. */
static int
check_receipt(struct verify *v, size_t i)
{
	cpnp_receipt *out = &v->proof->receipts[i];
	const cpnp_order_opening *opening = &v->proof->opening;
	size_t j;
	int err = CPNP_ERR_PROOF;

	for (j = 0; j < v->proof->entry_n && err != 0; j++) {
		if (!v->proof->entries[j].is_signed)
			continue;
		ledger_diag_clear(v->diag);
		err = trust_verify_leaf(v->trust, v->file.receipts[i],
		    v->digests[j], out, v->diag);
		v->proof->receipt_entry[i] = j;
	}
	if (err != 0)
		return part_fail(v, err, "receipt %zu of the other journal",
		    i + 1);
	if (out->identity[0] != '\0' &&
	    !same_name(out->identity, opening->client) &&
	    !same_name(out->identity, opening->provider))
		return ledger_fail(v->diag, CPNP_ERR_MISMATCH, "receipt",
		    "receipt %zu is of %.60s, who is no party to the order",
		    i + 1, out->identity);
	return 0;
}

static int
check_receipts(struct verify *v)
{
	size_t i;
	int err = 0;

	for (i = 0; i < v->file.receipt_n && err == 0; i++)
		err = check_receipt(v, i);
	v->proof->receipt_n = v->file.receipt_n;
	return err;
}

/* The statement of a type that another one answers; entry_n when the file
 * has none. */
static size_t
find_answered(
    const struct verify *v, size_t answer, cpnp_statement_type type)
{
	const cpnp_statement *statement =
	    &v->proof->entries[answer].statement;
	size_t i;

	for (i = 0; i < v->proof->entry_n; i++)
		if (v->proof->entries[i].statement.type == type &&
		    memcmp(v->digests[i], statement->answers,
		        CPNP_SHA256_LEN) == 0 &&
		    memcmp(v->proof->entries[i].statement.digest,
		        statement->digest, CPNP_SHA256_LEN) == 0)
			return i;
	return v->proof->entry_n;
}

/* ACCEPT answers OFFER, ACK answers ACCEPT, all of the same agreement. */
static int
check_answers(struct verify *v)
{
	cpnp_proof *proof = v->proof;
	cpnp_statement_type type, answered;
	size_t i, to, offer;

	proof->agreed = -1;
	for (i = 0; i < proof->entry_n; i++) {
		type = proof->entries[i].statement.type;
		if (type != CPNP_STATEMENT_ACCEPT &&
		    type != CPNP_STATEMENT_ACK)
			continue;
		answered = type == CPNP_STATEMENT_ACK ? CPNP_STATEMENT_ACCEPT
						      : CPNP_STATEMENT_OFFER;
		to = find_answered(v, i, answered);
		if (to == proof->entry_n)
			return ledger_fail(v->diag, CPNP_ERR_PROOF, "answers",
			    "statement %zu (%s) answers an %s that is not in "
			    "the file", i + 1, cpnp_statement_type_name(type),
			    cpnp_statement_type_name(answered));
		if (type != CPNP_STATEMENT_ACK)
			continue;
		offer = find_answered(v, to, CPNP_STATEMENT_OFFER);
		if (offer == proof->entry_n)
			continue;
		proof->agreed = proof->entries[i].agreement;
		proof->offer = offer;
		proof->accept = to;
		proof->ack = i;
	}
	return 0;
}

/* A verifier with nothing but a key must find that key somewhere. */
static int
check_trust(struct verify *v)
{
	cpnp_proof *proof = v->proof;
	bool found;
	size_t i;

	if (proof->key_known)
		proof->journal.attested = true;
	found = proof->journal.attested || trust_is_empty(v->trust);
	for (i = 0; i < proof->entry_n; i++)
		found = found || proof->entries[i].attested;
	for (i = 0; i < proof->receipt_n; i++)
		found = found || proof->receipts[i].attested;
	return found ? 0 : ledger_fail(v->diag, CPNP_ERR_SIGNATURE, "trust",
	    "nothing in this file is signed by the known key or by one that "
	    "is linked to it");
}

static int
check_digest(struct verify *v, cpnp_bytes bytes)
{
	uint8_t digest[CPNP_SHA256_LEN];
	int err;

	err = hash_once(
	    &(cpnp_bytes){bytes.ptr, v->file.digest_at}, 1, digest);
	if (err == 0 &&
	    memcmp(digest, v->file.digest.ptr, sizeof(digest)) != 0)
		err = ledger_fail(v->diag, CPNP_ERR_PROOF, "digest",
		    "the file's digest is not that of its bytes: the file is "
		    "damaged");
	return err;
}

static int
verify(struct verify *v, cpnp_bytes bytes)
{
	int err;

	err = proof_file_parse(&v->file, bytes, v->diag);
	if (err == 0)
		err = check_opening(v);
	if (err == 0)
		err = check_statements(v);
	if (err == 0)
		err = check_signer(v);
	if (err == 0)
		err = check_keys(v);
	if (err == 0)
		err = check_leaves(v);
	if (err == 0)
		err = check_side(v);
	if (err == 0)
		err = check_receipts(v);
	if (err == 0)
		err = check_answers(v);
	if (err == 0)
		err = check_trust(v);
	if (err == 0 && v->file.ledger.len > 0)
		err = proof_check_ledger(
		    v->proof, v->file.ledger, v->trust, v->diag);
	return err != 0 ? err : check_digest(v, bytes);
}

int
cpnp_proof_verify(cpnp_proof **proof, cpnp_bytes file, cpnp_trust *trust,
    cpnp_diag *diag)
{
	struct verify *v;
	int err;

	ledger_diag_clear(diag);
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return CPNP_ERR_NOMEM;
	v->trust = trust;
	v->diag = diag;
	v->proof = calloc(1, sizeof(*v->proof));
	err = v->proof == NULL ? CPNP_ERR_NOMEM : verify(v, file);
	if (err == 0)
		*proof = v->proof;
	else
		cpnp_proof_del(v->proof);
	free(v);
	return ledger_fail_once(diag, err, "proof", cpnp_strerror(err));
}

void
cpnp_proof_del(cpnp_proof *proof)
{
	if (proof == NULL)
		return;
	free(proof->ledger);
	free(proof->entries);
	free(proof);
}
