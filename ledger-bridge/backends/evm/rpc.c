/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../journal/internal.h"
#include "rpc.h"

/* A request goes on for so long when somebody wakes its reader. */
#define WOKEN_TIMEOUT CPNP_SECONDS(1)
#define KEEP_MAX (1u << 20) /* bytes of an answer's storage that are kept */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static bool global_ready;

static void
init_global(void)
{
	global_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == 0;
}

static size_t
take_answer(char *bytes, size_t size, size_t n, void *user)
{
	cpnp_buf *answer = user;

	cpnp_buf_put_raw(answer, (cpnp_bytes){(uint8_t *)bytes, size * n});
	return answer->err == 0 ? size * n : 0;
}

/* Options of all requests.  Nothing comes from the environment, and the node
 * can send us nowhere else. */
static bool
set_options(struct evm_rpc *rpc)
{
	CURL *easy = rpc->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, rpc->url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, rpc->headers) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, &rpc->answer) ==
		   CURLE_OK;
}

static bool
add_header(struct evm_rpc *rpc, const char *header)
{
	struct curl_slist *more = curl_slist_append(rpc->headers, header);

	if (more != NULL)
		rpc->headers = more;
	return more != NULL;
}

int
evm_rpc_init(struct evm_rpc *rpc, cpnp_diag *diag)
{
	if (strncmp(rpc->url, "http://", 7) != 0 &&
	    strncmp(rpc->url, "https://", 8) != 0)
		return backend_fail(diag, CPNP_ERR_CONFIG, "rpc-url",
		    "it begins with http:// or https://");
	(void)pthread_once(&global_once, init_global);
	cpnp_buf_init(&rpc->answer, &ledger_mem, RPC_ANSWER_MAX);
	rpc->fresh = true;
	rpc->multi = global_ready ? curl_multi_init() : NULL;
	rpc->easy = rpc->multi != NULL ? curl_easy_init() : NULL;
	/* a body of more than 1 MiB would wait for "100 Continue" */
	if (rpc->easy != NULL &&
	    add_header(rpc, "Content-Type: application/json") &&
	    add_header(rpc, "Expect:") && set_options(rpc))
		return 0;
	evm_rpc_fini(rpc);
	return backend_fail(
	    diag, CPNP_ERR_NOMEM, "rpc-url", "libcurl cannot be set up");
}

void
evm_rpc_fini(struct evm_rpc *rpc)
{
	if (rpc->easy != NULL)
		curl_easy_cleanup(rpc->easy);
	rpc->easy = NULL;
	if (rpc->multi != NULL)
		(void)curl_multi_cleanup(rpc->multi);
	rpc->multi = NULL;
	curl_slist_free_all(rpc->headers);
	rpc->headers = NULL;
	cpnp_buf_fini(&rpc->answer);
	OPENSSL_cleanse(rpc->url, sizeof(rpc->url));
}

/* Wait for the transfer; CURLE_OPERATION_TIMEDOUT when that is too long. */
static CURLcode
finish(struct evm_rpc *rpc)
{
	cpnp_tstamp until = backend_now() + rpc->timeout, hurried;
	struct curl_waitfd wake = {.fd = -1, .events = CURL_WAIT_POLLIN};
	unsigned watched = rpc->waker != NULL;
	int running = 1, left;
	CURLMsg *msg;

	if (watched)
		wake.fd = rpc->waker->fds[0];
	for (;;) {
		if (curl_multi_perform(rpc->multi, &running) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
		msg = curl_multi_info_read(rpc->multi, &left);
		if (msg != NULL && msg->msg == CURLMSG_DONE)
			return msg->data.result;
		if (backend_now() >= until)
			return CURLE_OPERATION_TIMEDOUT;
		if (curl_multi_poll(rpc->multi, &wake, watched,
			backend_poll_ms(until), NULL) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
		if (watched && wake.revents != 0) {
			watched = 0;
			hurried = backend_now() + WOKEN_TIMEOUT;
			until = hurried < until ? hurried : until;
		}
	}
}

static int
post(struct evm_rpc *rpc, const char *method, const char *body, size_t len,
    cpnp_diag *diag)
{
	long status = 0, connects = 0;
	CURLcode rc;

	cpnp_buf_reset(&rpc->answer);
	if (curl_easy_setopt(rpc->easy, CURLOPT_POSTFIELDS, body) != CURLE_OK ||
	    curl_easy_setopt(rpc->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)len) != CURLE_OK ||
	    curl_multi_add_handle(rpc->multi, rpc->easy) != CURLM_OK)
		return backend_fail(diag, CPNP_ERR_NOMEM, "rpc-url",
		    "libcurl takes no request");
	rc = finish(rpc);
	(void)curl_easy_getinfo(rpc->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(rpc->easy, CURLINFO_NUM_CONNECTS, &connects);
	(void)curl_multi_remove_handle(rpc->multi, rpc->easy);
	rpc->fresh |= connects > 0 || rc != CURLE_OK;
	if (rc == CURLE_WRITE_ERROR && rpc->answer.err == CPNP_ERR_NO_SPACE)
		return backend_fail(diag, CPNP_ERR_TOO_LONG, "rpc-url",
		    "%s: the answer has more than %u bytes", method,
		    RPC_ANSWER_MAX);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "%s: the node does not answer in time", method);
	if (rc != CURLE_OK)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "%s: %s", method, curl_easy_strerror(rc));
	if (status != 200)
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "rpc-url",
		    "%s: HTTP status %ld", method, status);
	return 0;
}

int
evm_rpc_call(struct evm_rpc *rpc, const char *method, json_t *params,
    json_t **result, cpnp_diag *diag)
{
	char *body = NULL;
	json_t *request;
	int err;

	*result = NULL;
	/* takes params, also when it fails */
	request = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id",
	    (json_int_t)++rpc->id, "method", method, "params", params);
	if (request != NULL)
		body = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (body == NULL)
		return backend_fail(
		    diag, CPNP_ERR_NOMEM, "rpc-url", "no memory");
	err = post(rpc, method, body, strlen(body), diag);
	rpc->failed = err == CPNP_ERR_UNAVAILABLE;
	if (err == 0)
		err = answer_result(
		    cpnp_buf_bytes(&rpc->answer), rpc->id, result, diag);
	if (rpc->answer.cap > KEEP_MAX)
		cpnp_buf_fini(&rpc->answer);
	free(body);
	return err;
}
