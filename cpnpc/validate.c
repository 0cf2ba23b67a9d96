/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cpnpc.h"

/* cpnpc validate FILE: the document is right, and what it comes to. */
cpnpc_exit
cpnpc_verb_validate(cpnpc *run)
{
	const char *path = run->operands[0];
	cpnpc_exit code = CPNPC_LOCAL;
	size_t len;
	uint8_t *service = cpnpc_read_document(run, path, &len, &code);

	if (service == NULL)
		return code;
	if (run->conf.json)
		cpnpc_json_print(
		    json_pack("{s:b, s:I, s:o}", "valid", 1, "bytes",
			(json_int_t)len, "service",
			cpnpc_json_service((cpnp_bytes){service, len})),
		    CPNPC_DONE);
	else
		printf("%s: valid; %zu bytes on the wire\n",
		    strcmp(path, "-") == 0 ? "standard input" : path, len);
	free(service);
	return CPNPC_DONE;
}
