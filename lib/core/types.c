/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <cpnp/types.h>

bool
cpnp_bytes_equal(cpnp_bytes a, cpnp_bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

cpnp_bytes
cpnp_bytes_str(const char *s)
{
	return s == NULL ? CPNP_BYTES_NONE
			 : (cpnp_bytes){(const uint8_t *)s, strlen(s)};
}
