/*
 * JSON-RPC 2.0 over HTTP, one request at a time, each with a deadline and a
 * bound on the answer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EVM_RPC_H
#define EVM_RPC_H

#include <curl/curl.h>

#include "../common.h"
#include "answer.h"

#define RPC_URL_MAX 1024
#define RPC_ANSWER_MAX (8u << 20)

struct evm_rpc {
	char url[RPC_URL_MAX];       /* may hold a secret: goes into no text */
	cpnp_tstamp timeout;         /* of a request */
	struct backend_waker *waker; /* hurries a request; may be NULL */
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	cpnp_buf answer;
	uint64_t id;
	bool fresh;  /* a connection was made since somebody cleared this */
	bool failed; /* no answer came to the last question */
};

/* CONFIG: not a URL of http or https; NOMEM. */
int evm_rpc_init(struct evm_rpc *rpc, cpnp_diag *diag);
void evm_rpc_fini(struct evm_rpc *rpc);

/*
 * Ask.  Takes params, also when it fails.  result gets a reference.  Errors:
 * UNAVAILABLE; INVALID: the node refused; TOO_LONG: the answer has more than
 * RPC_ANSWER_MAX bytes; NOMEM.
 */
int evm_rpc_call(struct evm_rpc *rpc, const char *method, json_t *params,
    json_t **result, cpnp_diag *diag);

#endif
