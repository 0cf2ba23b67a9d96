/* SPDX-License-Identifier: BSD-2-Clause */
#include <cpnp/error.h>

const char *
cpnp_strerror(int err)
{
	switch (err) {
	case CPNP_OK:
		return "no error";
#define X(name, value, class, text)                                            \
	case CPNP_ERR_##name:                                                  \
		return text;
		CPNP_ERROR_MAP(X)
#undef X
	}
	return "unknown error";
}

const char *
cpnp_error_name(int err)
{
	switch (err) {
	case CPNP_OK:
		return "OK";
#define X(name, value, class, text)                                            \
	case CPNP_ERR_##name:                                                  \
		return #name;
		CPNP_ERROR_MAP(X)
#undef X
	}
	return "UNKNOWN";
}
