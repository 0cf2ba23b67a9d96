/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "tool.h"

#define PATH_LEN 4096
#define BUSY_TIMEOUT_MS 5000

/* How many bytes at p a terminal would obey, or turn text around for: controls
 * of C0 and C1, marks and overrides of direction (U+200B to U+200F, U+2028 to
 * U+202E, U+2060 to U+206F), U+061C, U+FEFF. */
static size_t
harm(const uint8_t *p, size_t left)
{
	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	if (left >= 2 && ((p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) ||
	    (p[0] == 0xd8 && p[1] == 0x9c)))
		return 2;
	if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 &&
	    ((p[2] >= 0x8b && p[2] <= 0x8f) ||
		(p[2] >= 0xa8 && p[2] <= 0xae)))
		return 3;
	if (left >= 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 &&
	    p[2] <= 0xaf)
		return 3;
	if (left >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return 3;
	return 0;
}

/* What a terminal would obey is shown as \xNN. */
void
tool_put(FILE *file, cpnp_bytes text)
{
	size_t i, n;

	for (i = 0; i < text.len;) {
		n = harm(text.ptr + i, text.len - i);
		if (n == 0)
			fputc(text.ptr[i++], file);
		for (; n > 0; n--)
			fprintf(file, "\\x%02x", text.ptr[i++]);
	}
}

json_t *
tool_text(cpnp_bytes text)
{
	json_t *json = json_stringn((const char *)text.ptr, text.len);

	return json != NULL ? json : json_null();
}

void
tool_put_json(json_t *json)
{
	(void)json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(json);
}

int
tool_fail(const struct tool_options *options, const char *where,
    const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	fputs("cpnp-ledger: ", stderr);
	tool_put(stderr, cpnp_bytes_str(where));
	fputs(": ", stderr);
	tool_put(stderr, cpnp_bytes_str(why));
	fputc('\n', stderr);
	if (options->json)
		tool_put_json(json_pack("{s:b, s:o, s:o}", "ok", 0, "where",
		    tool_text(cpnp_bytes_str(where)), "why",
		    tool_text(cpnp_bytes_str(why))));
	return EXIT_FAILED;
}

int
tool_fail_diag(const struct tool_options *options, const char *subject,
    const cpnp_diag *diag)
{
	if (strcmp(subject, diag->where) == 0)
		return tool_fail(options, subject, "%s", diag->why);
	return tool_fail(
	    options, subject, "%s: %s", diag->where, diag->why);
}

const char *
tool_value(const struct tool_options *options, const char *name)
{
	size_t i;

	for (i = options->given_n; i > 0; i--)
		if (strcmp(options->given[i - 1].name, name) == 0)
			return options->given[i - 1].value;
	return NULL;
}

int
tool_number(const struct tool_options *options, const char *where,
    const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end = NULL;

	errno = 0;
	if (text[0] >= '0' && text[0] <= '9')
		*out = strtoull(text, &end, 10);
	if (end == NULL || *end != '\0' || errno != 0 || *out < min ||
	    *out > max)
		return tool_fail(options, where,
		    "\"%s\" is not a number from %" PRIu64 " to %" PRIu64,
		    text, min, max);
	return 0;
}

int
tool_signer(const struct tool_options *options, cpnp_signer **signer)
{
	cpnp_diag diag;

	*signer = NULL;
	if (options->key_n != 1)
		return tool_fail(options, "--key",
		    "needed, once: the file of the private key that signs");
	if (cpnp_signer_load(
	        signer, NULL, NULL, options->keys[0], &diag) != 0)
		return tool_fail_diag(options, "--key", &diag);
	return 0;
}

int
tool_read_file(const struct tool_options *options, const char *path,
    size_t max, uint8_t **bytes, size_t *len)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "rb");
	int failed;

	if (file == NULL)
		return tool_fail(
		    options, path, "cannot read: %s", strerror(errno));
	*bytes = malloc(max + 1);
	if (*bytes == NULL) {
		if (!is_stdin)
			(void)fclose(file);
		return tool_fail(options, path, "out of memory");
	}
	*len = fread(*bytes, 1, max + 1, file);
	failed = ferror(file);
	if (!is_stdin)
		(void)fclose(file);
	if (!failed && *len <= max)
		return 0;
	free(*bytes);
	*bytes = NULL;
	return failed ? tool_fail(options, path, "cannot read")
		      : tool_fail(options, path,
			    "larger than such a file may be (%zu bytes)",
			    max);
}

int
tool_write_file(const struct tool_options *options, const char *path,
    cpnp_bytes bytes)
{
	bool is_stdout = path == NULL || strcmp(path, "-") == 0;
	FILE *file = is_stdout ? stdout : fopen(path, "wb");
	bool ok;

	if (file == NULL)
		return tool_fail(
		    options, path, "cannot write: %s", strerror(errno));
	ok = fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
	ok = fflush(file) == 0 && ok;
	if (!is_stdout)
		ok = fclose(file) == 0 && ok;
	return ok ? 0 : tool_fail(options, is_stdout ? "output" : path,
	    "cannot write: %s", strerror(errno));
}

void
tool_time(cpnp_wtime time, char out[CPNP_DATE_LEN])
{
	if (cpnp_date_format(CPNP_EDITION_RFC8921, time, out) != 0)
		(void)snprintf(out, CPNP_DATE_LEN, "%" PRId64, time.sec);
}

void
tool_hex(const uint8_t *bytes, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* Where cpnpc keeps its orders. */
static bool
default_store(char path[PATH_LEN])
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int n;

	if (state != NULL && state[0] == '/')
		n = snprintf(path, PATH_LEN, "%s/cpnp/orders.db", state);
	else if (home != NULL)
		n = snprintf(path, PATH_LEN,
		    "%s/.local/state/cpnp/orders.db", home);
	else
		return false;
	return n > 0 && n < PATH_LEN;
}

int
tool_journal_open(const struct tool_options *options,
    const cpnp_signer *signer, struct tool_journal *out)
{
	char found[PATH_LEN];
	const char *path = options->store;
	cpnp_wtime now = {(int64_t)time(NULL)};
	cpnp_diag diag;
	int rc;

	memset(out, 0, sizeof(*out));
	if (path == NULL) {
		if (!default_store(found))
			return tool_fail(options, "--store",
			    "needed, since there is no home directory");
		path = found;
	}
	if (access(path, R_OK) != 0)
		return tool_fail(
		    options, path, "cannot read: %s", strerror(errno));
	rc = sqlite3_open_v2(path, &out->db, signer == NULL
	    ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(out->db, BUSY_TIMEOUT_MS);
	/* one snapshot for everything that is read, or the only writer */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(out->db, signer == NULL ? "BEGIN"
		    : "PRAGMA synchronous = FULL; BEGIN IMMEDIATE", NULL,
		    NULL, NULL);
	if (rc != SQLITE_OK) {
		(void)tool_fail(options, path, "cannot open: %s",
		    out->db == NULL ? "out of memory"
				    : sqlite3_errmsg(out->db));
	} else if (cpnp_journal_open(&out->journal, out->db, signer, NULL,
	    now, &diag) == 0) {
		return 0;
	} else {
		(void)tool_fail_diag(options, path, &diag);
	}
	tool_journal_close(out);
	return EXIT_FAILED;
}

void
tool_journal_close(struct tool_journal *journal)
{
	cpnp_journal_close(journal->journal);
	(void)sqlite3_close(journal->db);
	memset(journal, 0, sizeof(*journal));
}

int
tool_trust(const struct tool_options *options, bool must_have,
    cpnp_trust **trust)
{
	cpnp_diag diag = {0};
	size_t i;
	int err = 0;

	*trust = NULL;
	if (options->ca == NULL && options->key_n == 0)
		return !must_have ? 0 : tool_fail(options, "trust",
		    "whom do you trust? --ca FILE names the authority of "
		    "both parties, --key PUB a domain's public key");
	if (cpnp_trust_new(trust) != 0)
		return tool_fail(options, "trust", "out of memory");
	if (options->ca != NULL)
		err = cpnp_trust_add_ca_file(*trust, options->ca, &diag);
	else
		cpnp_trust_allow_unattested(*trust);
	for (i = 0; i < options->key_n && err == 0; i++)
		err = cpnp_trust_add_key_file(
		    *trust, options->keys[i], NULL, &diag);
	if (err == 0)
		return 0;
	cpnp_trust_del(*trust);
	*trust = NULL;
	return tool_fail(options, diag.where, "%s", diag.why);
}

static int
digest(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t out[CPNP_SHA256_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t i;
	int ok;

	(void)user;
	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	for (i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : CPNP_ERR_CRYPTO;
}

const cpnp_env tool_env = {.mem = LEDGER_MEM, .sha256 = digest};
