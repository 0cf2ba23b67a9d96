/*
 * What single values of the configuration may be.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CONF_VALUE_H
#define CPNPD_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

/* True when the value is not one; why says what is wrong with it. */
bool cpnp_conf_wrong_identity(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_address(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_prefix(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_socket(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_user(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_group(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_account(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_token(const char *value, char *why, size_t size);
bool cpnp_conf_wrong_offer(const char *value, char *why, size_t size);

/* Set what a text says; false when it is none. */
bool cpnp_conf_parse_money(const char *text, cpnp_conf_money *out);
/* Add a method to a set; "none" adds nothing. */
bool cpnp_conf_parse_method(const char *text, cpnp_conf_methods *out);

/* A whole number; a time with its unit, in nanoseconds.  False when the text
 * is none. */
bool cpnp_conf_parse_number(const char *text, uint64_t *out);
bool cpnp_conf_parse_time(const char *text, uint64_t *out);
/* "EUR of bank.example": the code, and the issuer, which may be missing, as
 * views. */
bool cpnp_conf_parse_token(
    const char *text, cpnp_bytes *code, cpnp_bytes *issuer);
/* "vpn of carrier.example": the id of an entry, and the publisher, which may
 * be missing, as views. */
bool cpnp_conf_parse_offer(
    const char *text, cpnp_bytes *id, cpnp_bytes *publisher);
/* Bytes, with a unit from B to TB; powers of ten. */
bool cpnp_conf_parse_size(const char *text, uint64_t *out);

#endif
