/*
 * What waits for an administrator, and what becomes of it.  An answer comes
 * when the decision is durable.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cpnp/xml.h>

#include "approval.h"
#include "conf_value.h"
#include "ctl.h"

#define VALIDITY_SECONDS_MAX (UINT64_C(366) * 86400)

static bool
is_given(const struct conn *c, cpnp_ctl_member member)
{
	return (c->request.present & CPNP_CTL_BIT(member)) != 0;
}

/* ---- pending ---- */

static void
put_pending(struct conn *c, const struct approval *a)
{
	const cpnp_money cost = {.amount = a->amount,
		.exponent = a->exponent, .code = cpnp_bytes_str(a->code)};
	json_t *object = json_object();
	cpnp_wtime until;

	(void)json_object_set_new(object, "customer",
	    cpnpd_ctl_text(cpnp_order_peer_identity(a->order)));
	(void)json_object_set_new(object, "customer_order",
	    cpnpd_ctl_text(cpnp_order_customer_id(a->order)));
	(void)json_object_set_new(object, "provider_order",
	    cpnpd_ctl_text(cpnp_order_provider_id(a->order)));
	(void)json_object_set_new(
	    object, "wait", json_integer((json_int_t)a->wait));
	(void)json_object_set_new(
	    object, "method", json_string(cpnpd_approval_method(a)));
	if (a->has_cost)
		(void)json_object_set_new(
		    object, "cost", cpnpd_ctl_cost(&cost));
	if (a->status != CPNP_STATUS_NONE)
		(void)json_object_set_new(object, "refusal",
		    json_string(cpnp_status_text(a->status)));
	(void)json_object_set_new(object, "reason",
	    cpnpd_ctl_text(cpnp_bytes_str(a->reason)));
	(void)json_object_set_new(
	    object, "since", cpnpd_ctl_time(a->since));
	if (cpnpd_approval_deadline(a, &until))
		(void)json_object_set_new(
		    object, "deadline", cpnpd_ctl_time(until));
	(void)json_object_set_new(
	    object, "notified", json_boolean(a->notified));
	cpnpd_ctl_put(c, object);
}

static bool
is_of_customer(const struct conn *c, const struct approval *a)
{
	return !is_given(c, CPNP_CTL_CUSTOMER) ||
	    cpnp_bytes_equal(cpnp_order_peer_identity(a->order),
		cpnp_bytes_str(c->request.customer));
}

int
cpnpd_ctl_pending(struct conn *c, bool *more, cpnp_diag *why)
{
	const struct approval *a = cpnpd_ctl_daemon(c)->approvals->first;
	size_t n = 0;

	(void)why;
	for (; a != NULL && n < CPNPD_CTL_STEP; a = a->next) {
		if (a->number <= c->cursor)
			continue;
		if (is_of_customer(c, a))
			put_pending(c, a);
		c->cursor = a->number;
		n++;
	}
	*more = a != NULL;
	return 0;
}

/* ---- approve, reject ---- */

static bool
is_named(const struct conn *c, const struct approval *a)
{
	cpnp_bytes name = cpnp_bytes_str(c->request.order);

	return is_of_customer(c, a) &&
	    (cpnp_bytes_equal(cpnp_order_customer_id(a->order), name) ||
		cpnp_bytes_equal(cpnp_order_provider_id(a->order), name));
}

static int
find_order(struct conn *c, cpnp_order **order, cpnp_diag *why)
{
	const struct approval *a = cpnpd_ctl_daemon(c)->approvals->first;
	uint32_t wait = 0;
	size_t n = 0;

	for (; a != NULL; a = a->next)
		if (is_named(c, a)) {
			*order = a->order;
			wait = a->wait;
			n++;
		}
	/* The customer may have asked for something else meanwhile. */
	if (n == 1 && is_given(c, CPNP_CTL_WAIT) && c->request.wait != wait)
		return cpnpd_ctl_fail(why, CPNP_ERR_MISMATCH, "the order does "
		    "not wait for what has wait %" PRIu64 " any more, but for "
		    "another request; see cpnpctl pending", c->request.wait);
	if (n == 1)
		return 0;
	if (n > 1)
		return cpnpd_ctl_fail(why, CPNP_ERR_EXISTS, "orders of %zu "
		    "customers have that name; name the customer too", n);
	return cpnpd_ctl_fail(why, CPNP_ERR_NOT_FOUND, "no order \"%.128s\" "
	    "waits for approval; expected one that cpnpctl pending lists",
	    c->request.order);
}

#define LOST "the decision could not be stored and does not count; the order " \
	"waits as before, see cpnpctl pending"

/* What is no file could keep the daemon waiting. */
static FILE *
open_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	FILE *file = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0) {
		errno = EINVAL;
		if (S_ISREG(st.st_mode))
			file = fdopen(fd, "r");
	}
	if (fd >= 0 && file == NULL)
		close(fd);
	return file;
}

/* A document of the administrator's, as it is offered. */
static int
read_service(const char *name, cpnp_buf *out, cpnp_diag *why)
{
	const cpnp_mem *mem = &cpnp_env_openssl()->mem;
	char *text = malloc(CPNP_XML_MAX + 1);
	FILE *file = text != NULL ? open_file(name) : NULL;
	cpnp_cpd cpd = {0};
	cpnp_diag diag = {0};
	size_t len;
	int err;

	if (file == NULL) {
		err = cpnpd_ctl_fail(why, CPNP_ERR_IO, "%.128s: %s", name,
		    errno == EINVAL ? "is no file; expected one that the "
				      "daemon can read"
				    : strerror(errno));
		free(text);
		return err;
	}
	len = fread(text, 1, CPNP_XML_MAX + 1, file);
	err = ferror(file) ? CPNP_ERR_IO : cpnp_cpd_from_xml(&cpd,
	    (cpnp_bytes){(const uint8_t *)text, len}, mem, &diag);
	fclose(file);
	if (err == 0)
		err = cpnp_cpd_encode(&cpd, out);
	if (err != 0)
		cpnpd_ctl_fail(why, err, "%.128s: %s%s%s", name, diag.where,
		    diag.where[0] != '\0' ? ": " : "",
		    diag.why[0] != '\0' ? diag.why : cpnp_strerror(err));
	cpnp_cpd_fini(&cpd);
	free(text);
	return err;
}

static int
read_terms(struct conn *c, struct approval_terms *terms, cpnp_buf *service,
    cpnp_diag *why)
{
	const cpnp_ctl_request *r = &c->request;
	uint64_t ns;
	int err;

	terms->uid = (unsigned long)c->uid;
	terms->has_cost = is_given(c, CPNP_CTL_COST);
	if (terms->has_cost && !cpnp_conf_parse_money(r->cost, &terms->cost))
		return cpnpd_ctl_fail(why, CPNP_ERR_INVALID, "\"%.64s\" is no "
		    "cost; expected an amount and its token, such as "
		    "\"1000.00 EUR\"", r->cost);
	if (is_given(c, CPNP_CTL_VALIDITY)) {
		if (!cpnp_conf_parse_time(r->validity, &ns) ||
		    ns < CPNP_SECONDS(1) ||
		    ns > CPNP_SECONDS(VALIDITY_SECONDS_MAX))
			return cpnpd_ctl_fail(why, CPNP_ERR_INVALID,
			    "\"%.64s\" is no validity; expected a time from "
			    "1 s to 366 d, such as \"2 h\"", r->validity);
		terms->validity = ns / CPNP_SECONDS(1);
	}
	if (!is_given(c, CPNP_CTL_SERVICE))
		return 0;
	if (r->service[0] != '/')
		return cpnpd_ctl_fail(why, CPNP_ERR_INVALID, "\"%.128s\" is "
		    "no absolute name; expected one that begins with /",
		    r->service);
	err = read_service(r->service, service, why);
	terms->service = cpnp_buf_bytes(service);
	return err;
}

int
cpnpd_ctl_approve(struct conn *c, bool *more, cpnp_diag *why)
{
	struct daemon *d = cpnpd_ctl_daemon(c);
	struct approval_terms terms = {0};
	cpnp_order *order = NULL;
	cpnp_buf service;
	int err;

	if (c->cursor == 1)
		return cpnpd_ctl_wait_commit(c, LOST, more, why);
	cpnp_buf_init(&service, &cpnp_env_openssl()->mem, CPNP_CPD_MAX);
	err = find_order(c, &order, why);
	if (err == 0)
		err = read_terms(c, &terms, &service, why);
	if (err == 0)
		err = cpnpd_approve(
		    d, order, &terms, why, cpnp_now_read());
	cpnp_buf_fini(&service);
	if (err != 0)
		return err;
	cpnpd_ctl_want_commit(c);
	return cpnpd_ctl_wait_commit(c, LOST, more, why);
}

/* "4", "Administratively prohibited", "administratively-prohibited" */
static bool
is_status(const char *text, unsigned number, const char *name)
{
	char digits[4];

	snprintf(digits, sizeof(digits), "%u", number);
	if (strcmp(text, digits) == 0)
		return true;
	for (; *text != '\0' && *name != '\0'; text++, name++)
		if (tolower((unsigned char)*text) !=
			tolower((unsigned char)*name) &&
		    !(*text == '-' && *name == ' '))
			return false;
	return *text == *name;
}

static int
read_status(const struct conn *c, cpnp_status *status, cpnp_diag *why)
{
	static const cpnp_status allowed[] = {
		CPNP_STATUS_AUTHORIZATION_FAILED,
		CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		CPNP_STATUS_OUT_OF_RESOURCES, CPNP_STATUS_NETWORK_PRESENCE,
		CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE};
	size_t i;

	*status = CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED;
	if (!is_given(c, CPNP_CTL_STATUS_CODE))
		return 0;
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (is_status(c->request.status, (unsigned)allowed[i],
			cpnp_status_text(allowed[i]))) {
			*status = allowed[i];
			return 0;
		}
	return cpnpd_ctl_fail(why, CPNP_ERR_INVALID, "\"%.64s\" is no status "
	    "that refuses an order; expected 3, 4, 5, 6 or 8, or its name, "
	    "such as administratively-prohibited", c->request.status);
}

int
cpnpd_ctl_reject(struct conn *c, bool *more, cpnp_diag *why)
{
	const char *reason = is_given(c, CPNP_CTL_REASON) ? c->request.reason
	    : "an administrator has refused this order";
	cpnp_order *order = NULL;
	cpnp_status status;
	int err;

	if (c->cursor == 1)
		return cpnpd_ctl_wait_commit(c, LOST, more, why);
	if (strlen(reason) > CPNP_TEXT_MAX)
		return cpnpd_ctl_fail(why, CPNP_ERR_INVALID, "the reason has "
		    "%zu bytes; expected up to %d", strlen(reason),
		    CPNP_TEXT_MAX);
	err = find_order(c, &order, why);
	if (err == 0)
		err = read_status(c, &status, why);
	if (err == 0)
		err = cpnpd_reject(cpnpd_ctl_daemon(c), order,
		    (unsigned long)c->uid, status, reason, why,
		    cpnp_now_read());
	if (err != 0)
		return err;
	cpnpd_ctl_want_commit(c);
	return cpnpd_ctl_wait_commit(c, LOST, more, why);
}
