/*
 * Checkpoints as files: the newest head, a consistency proof, and what verify
 * says of a checkpoint.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tool.h"

#define CONSISTENCY_MAX 8192 /* bytes of a consistency proof as a file */
#define HASH_BASE64_LEN 44

int
tool_log_head(const struct tool_options *options)
{
	struct tool_journal store;
	cpnp_head head;
	int code;

	code = tool_journal_open(options, NULL, &store);
	if (code != 0)
		return code;
	if (cpnp_journal_head(store.journal, &head) != 0)
		code = tool_fail(options, cpnp_journal_origin(store.journal),
		    "this journal has no signed head yet");
	else if (!options->json || options->output != NULL)
		code = tool_write_file(
		    options, options->output, head.checkpoint);
	if (code == 0 && options->json)
		tool_put_json(json_pack("{s:b, s:s, s:I, s:o}", "ok", 1,
		    "origin", cpnp_journal_origin(store.journal), "size",
		    (json_int_t)head.size, "checkpoint",
		    tool_text(head.checkpoint)));
	tool_journal_close(&store);
	return code;
}

static void
put_hash(cpnp_buf *out, const uint8_t hash[CPNP_SHA256_LEN])
{
	unsigned char base64[HASH_BASE64_LEN + 1];

	(void)EVP_EncodeBlock(base64, hash, CPNP_SHA256_LEN);
	cpnp_buf_put_raw(out, (cpnp_bytes){base64, HASH_BASE64_LEN});
	cpnp_buf_put_raw(out, cpnp_bytes_str("\n"));
}

static int
put_consistency(const struct tool_options *options,
    const struct tool_consistency *proof, uint64_t new_size)
{
	char line[32];
	cpnp_buf out;
	size_t i;
	int code = 0;

	cpnp_buf_init(&out, &ledger_mem, CONSISTENCY_MAX);
	(void)snprintf(
	    line, sizeof(line), "old %" PRIu64 "\n", proof->old_size);
	cpnp_buf_put_raw(&out, cpnp_bytes_str(line));
	for (i = 0; i < proof->path_n; i++)
		put_hash(&out, proof->path[i]);
	if (out.err != 0)
		code = tool_fail(options, "consistency proof", "%s",
		    cpnp_strerror(out.err));
	else if (!options->json || options->output != NULL)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&out));
	if (code == 0 && options->json)
		tool_put_json(json_pack("{s:b, s:I, s:I, s:o}", "ok", 1,
		    "old", (json_int_t)proof->old_size, "new",
		    (json_int_t)new_size, "proof",
		    tool_text(cpnp_buf_bytes(&out))));
	cpnp_buf_fini(&out);
	return code;
}

/* OLD and NEW are numbers of leaves; NEW is that of the newest head. */
int
tool_log_consistency(const struct tool_options *options)
{
	struct tool_consistency proof;
	struct tool_journal store;
	uint64_t new_size = 0;
	cpnp_head head;
	int code, err;

	code = tool_number(options, "OLD", options->operand, 1, INT64_MAX,
	    &proof.old_size);
	if (code == 0 && options->operand_n > 1)
		code = tool_number(options, "NEW", options->operands[1],
		    proof.old_size, INT64_MAX, &new_size);
	if (code == 0)
		code = tool_journal_open(options, NULL, &store);
	if (code != 0)
		return code;
	if (new_size == 0 && cpnp_journal_head(store.journal, &head) == 0)
		new_size = head.size;
	err = cpnp_journal_consistency(store.journal, proof.old_size,
	    new_size, proof.path, &proof.path_n);
	if (err == CPNP_ERR_INVALID)
		code = tool_fail(options, cpnp_journal_origin(store.journal),
		    "no proof from %" PRIu64 " to %" PRIu64 " leaves: this "
		    "journal has %" PRIu64, proof.old_size, new_size,
		    cpnp_journal_size(store.journal));
	else if (err != 0)
		code = tool_fail(options, cpnp_journal_origin(store.journal),
		    "damaged; cpnp-ledger log verify says where");
	else
		code = put_consistency(options, &proof, new_size);
	tool_journal_close(&store);
	return code;
}

/* A hash at the begin of a line, in its one form. */
static bool
get_hash(const char *line, size_t len, uint8_t hash[CPNP_SHA256_LEN])
{
	unsigned char out[CPNP_SHA256_LEN + 3], again[HASH_BASE64_LEN + 1];

	if (len != HASH_BASE64_LEN || EVP_DecodeBlock(out,
	        (const unsigned char *)line, HASH_BASE64_LEN) < 0)
		return false;
	memcpy(hash, out, CPNP_SHA256_LEN);
	(void)EVP_EncodeBlock(again, hash, CPNP_SHA256_LEN);
	return memcmp(again, line, HASH_BASE64_LEN) == 0;
}

static int
parse_consistency(const struct tool_options *options, const char *path,
    char *text, struct tool_consistency *out)
{
	char *line = text, *end;
	int code;

	out->path_n = 0;
	end = strchr(line, '\n');
	if (end == NULL || strncmp(line, "old ", 4) != 0)
		return tool_fail(options, path,
		    "not a consistency proof: its first line is not \"old "
		    "SIZE\"");
	*end = '\0';
	code = tool_number(
	    options, path, line + 4, 0, INT64_MAX, &out->old_size);
	for (line = end + 1; code == 0 && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL || out->path_n == CPNP_TREE_PATH_MAX ||
		    !get_hash(line, (size_t)(end - line),
		        out->path[out->path_n++]))
			return tool_fail(options, path,
			    "not a consistency proof: line %zu is not a hash "
			    "in base64, or more than %d", out->path_n + 1,
			    CPNP_TREE_PATH_MAX);
	}
	return code;
}

int
tool_consistency_read(const struct tool_options *options,
    const char *path, struct tool_consistency *out)
{
	uint8_t *bytes;
	char *text;
	size_t len;
	int code;

	code = tool_read_file(options, path, CONSISTENCY_MAX, &bytes, &len);
	if (code != 0)
		return code;
	text = memchr(bytes, '\0', len) == NULL
	    ? strndup((const char *)bytes, len) : NULL;
	free(bytes);
	if (text == NULL)
		return tool_fail(options, path, "not a text");
	code = parse_consistency(options, path, text, out);
	free(text);
	return code;
}

static void
print_checkpoint(const struct tool_options *options,
    const cpnp_checkpoint *cp, const cpnp_cosignature *witnesses, size_t n)
{
	char hex[2 * CPNP_SHA256_LEN + 1], key[2 * CPNP_SHA256_LEN + 1];
	char date[CPNP_DATE_LEN];
	json_t *list = json_array();
	size_t i;

	tool_hex(cp->root, CPNP_SHA256_LEN, hex);
	tool_hex(cp->key_id, CPNP_SHA256_LEN, key);
	for (i = 0; i < n; i++) {
		tool_time(witnesses[i].time, date);
		(void)json_array_append_new(list, json_pack("{s:s, s:s}",
		    "name", witnesses[i].name, "time", date));
	}
	if (options->json) {
		tool_put_json(json_pack(
		    "{s:b, s:s, s:s, s:I, s:s, s:s, s:o}", "ok", 1, "type",
		    "checkpoint", "origin", cp->origin, "size",
		    (json_int_t)cp->size, "root", hex, "key", key,
		    "witnesses", list));
		return;
	}
	json_decref(list);
	printf("VERIFIED: the journal %s had %" PRIu64 " leaves with root\n"
	       "  %s\n  signed with key %s\n", cp->origin, cp->size, hex, key);
	for (i = 0; i < n; i++) {
		tool_time(witnesses[i].time, date);
		printf("  cosigned by %s on %s\n", witnesses[i].name, date);
	}
	if (n == 0)
		puts("  cosigned by no witness whose key you gave");
}

int
tool_verify_checkpoint(const struct tool_options *options,
    const cpnp_trust *trust, cpnp_bytes file)
{
	cpnp_cosignature witnesses[CPNP_CHECKPOINT_SIGNATURES_MAX];
	cpnp_checkpoint cp;
	cpnp_diag diag;
	size_t n;

	if (options->key_n == 0)
		return tool_fail(options, options->operand,
		    "NOT VERIFIED: a checkpoint names keys and no "
		    "certificates; give the origin's with --key PUB");
	if (cpnp_checkpoint_verify(trust, file, &cp, &diag) != 0 ||
	    cpnp_checkpoint_cosignatures(trust, &cp, witnesses,
	        CPNP_CHECKPOINT_SIGNATURES_MAX, &n, &diag) != 0)
		return tool_fail(options, options->operand,
		    "NOT VERIFIED: %s: %s", diag.where, diag.why);
	print_checkpoint(options, &cp, witnesses, n);
	return 0;
}
