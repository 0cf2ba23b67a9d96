/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <confuse.h>

#include <cpnp/error.h>

#include "conf.h"
#include "srv.h"
#include "cpnpd/conf_text.h"

/* Where a setting may stand. */
#define IN_FILE 1u
#define IN_LINE 2u
#define BOTH (IN_FILE | IN_LINE)

struct setting;
typedef bool parse_fn(
    const struct setting *setting, const char *text, void *at);

/* flag: what the option means without a value, NULL when it takes one. */
struct setting {
	const char *name;
	char letter;
	uint8_t where;
	parse_fn *parse;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *flag;
	const char *expected;
};

static bool
set_string(char **at, char *value)
{
	if (value == NULL)
		return false;
	free(*at);
	*at = value;
	return true;
}

static void
drop_string(char **at)
{
	free(*at);
	*at = NULL;
}

static bool
parse_text(const struct setting *setting, const char *text, void *at)
{
	size_t len = strlen(text);

	if (len < setting->min || len > setting->max ||
	    !cpnp_utf8_is_valid(cpnp_bytes_str(text)))
		return false;
	return set_string(at, strdup(text));
}

/* It has no spaces, which part the words of what is kept with an order. */
static bool
parse_server(const struct setting *setting, const char *text, void *at)
{
	return strpbrk(text, " \t\r\n") == NULL &&
	       parse_text(setting, text, at);
}

static bool
parse_domain(const struct setting *setting, const char *text, void *at)
{
	char name[CPNPC_NAME_LEN];

	(void)setting;
	return cpnpc_domain_parse(text, name) && set_string(at, strdup(name));
}

static bool
parse_resolver(const struct setting *setting, const char *text, void *at)
{
	(void)setting;
	return cpnpc_resolver_is_valid(text) && set_string(at, strdup(text));
}

static bool
parse_path(const struct setting *setting, const char *text, void *at)
{
	(void)setting;
	if (text[0] == '\0')
		return false;
	return set_string(at, strdup(text));
}

static bool
parse_order_id(const struct setting *setting, const char *text, void *at)
{
	(void)setting;
	if (!cpnp_order_id_is_valid(cpnp_bytes_str(text)))
		return false;
	return set_string(at, strdup(text));
}

static bool
parse_bool(const struct setting *setting, const char *text, void *at)
{
	bool *value = at;

	(void)setting;
	if (strcmp(text, "yes") == 0)
		*value = true;
	else if (strcmp(text, "no") == 0)
		*value = false;
	else
		return false;
	return true;
}

static bool
parse_choice(const struct setting *setting, const char *text, void *at)
{
	bool yes = false;

	if (!parse_bool(setting, text, &yes))
		return false;
	*(cpnpc_choice *)at = yes ? CPNPC_YES : CPNPC_NO;
	return true;
}

static bool
parse_number(const struct setting *setting, const char *text, void *at)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < setting->min ||
	    value > setting->max)
		return false;
	*(uint64_t *)at = value;
	return true;
}

/* "200 ms", "2 s", "5 min"; a number alone counts seconds. */
static bool
parse_duration(const struct setting *setting, const char *text, void *at)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
	    {"", 1000000000u},
	    {"ms", 1000000u},
	    {"s", 1000000000u},
	    {"min", UINT64_C(60000000000)},
	};
	unsigned long long value;
	char *end;
	size_t i;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	end += strspn(end, " ");
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (value > setting->max / units[i].ns ||
		    value * units[i].ns < setting->min)
			return false;
		*(cpnp_tstamp *)at = value * units[i].ns;
		return true;
	}
	return false;
}

/* One more each time; the same again changes nothing. */
static bool
parse_name(const struct setting *setting, const char *text, void *at)
{
	cpnpc_names *names = at;
	size_t i, len = strlen(text);

	if (len < setting->min || len > setting->max ||
	    !cpnp_utf8_is_valid(cpnp_bytes_str(text)))
		return false;
	for (i = 0; i < names->n; i++)
		if (strcmp(names->items[i], text) == 0)
			return true;
	if (names->n == CPNPC_NAMES_MAX)
		return false;
	names->items[names->n] = strdup(text);
	return names->items[names->n] != NULL && ++names->n > 0;
}

/* "2.5 Gbit/s", "12 ms": a number with up to six decimals, and a unit. */
struct unit {
	const char *name;
	uint64_t size;
};

static bool
parse_quantity(const struct setting *setting, const char *text,
    const struct unit *units, size_t units_n, uint64_t *value)
{
	uint64_t fraction = 0, part = 1000000;
	unsigned long long whole;
	char *end;
	size_t i;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	whole = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	if (*end == '.') {
		if (!isdigit((unsigned char)*++end))
			return false;
		for (; isdigit((unsigned char)*end) && part > 1; end++) {
			part /= 10;
			fraction += part * (uint64_t)(*end - '0');
		}
	}
	end += strspn(end, " ");
	for (i = 0; i < units_n; i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (whole > setting->max / units[i].size)
			return false;
		*value = whole * units[i].size +
			 fraction * units[i].size / 1000000;
		return *value >= setting->min && *value <= setting->max;
	}
	return false;
}

static bool
parse_capacity(const struct setting *setting, const char *text, void *at)
{
	static const struct unit units[] = {{"bit/s", 1}, {"kbit/s", 1000},
	    {"Mbit/s", 1000000}, {"Gbit/s", 1000000000},
	    {"Tbit/s", UINT64_C(1000000000000)}};

	return parse_quantity(
	    setting, text, units, sizeof(units) / sizeof(units[0]), at);
}

static bool
parse_delay(const struct setting *setting, const char *text, void *at)
{
	static const struct unit units[] = {
	    {"us", 1}, {"ms", 1000}, {"s", 1000000}};

	return parse_quantity(
	    setting, text, units, sizeof(units) / sizeof(units[0]), at);
}

static bool
parse_by(const struct setting *setting, const char *text, void *at)
{
	bool *by_delay = at;

	(void)setting;
	*by_delay = strcmp(text, "delay") == 0;
	return *by_delay || strcmp(text, "price") == 0;
}

static bool
parse_price(const struct setting *setting, const char *text, void *at)
{
	(void)setting;
	return cpnpc_price_parse(text, at) == 0;
}

static bool
parse_edition(const struct setting *setting, const char *text, void *at)
{
	(void)setting;
	return cpnp_edition_parse(text, at) == 0;
}

static bool
parse_purpose(const struct setting *setting, const char *text, void *at)
{
	cpnp_purpose *purpose = at;

	(void)setting;
	if (strcmp(text, "permanent") == 0)
		*purpose = CPNP_PURPOSE_PERMANENT;
	else if (strcmp(text, "test") == 0)
		*purpose = CPNP_PURPOSE_TEST;
	else
		return false;
	return true;
}

/* Each time one more; the same again changes nothing. */
static bool
parse_reason(const struct setting *setting, const char *text, void *at)
{
	static const char *const names[] = {
	    [CPNP_REASON_UNACCEPTABLE_GAP] = "gap",
	    [CPNP_REASON_CONFLICT] = "conflict",
	    [CPNP_REASON_ACTIVATION_TYPE] = "activation-type",
	};
	cpnpc_reasons *reasons = at;
	cpnp_reason reason = CPNP_REASON_UNACCEPTABLE_GAP;
	size_t i;

	(void)setting;
	while (strcmp(text, names[reason]) != 0)
		if (reason++ == CPNP_REASON_ACTIVATION_TYPE)
			return false;
	for (i = 0; i < reasons->n; i++)
		if (reasons->items[i] == reason)
			return true;
	reasons->items[reasons->n++] = reason;
	return true;
}

static bool
parse_activation(const struct setting *setting, const char *text, void *at)
{
	cpnp_activation_type *type = at;

	(void)setting;
	if (strcmp(text, "permanent") == 0)
		*type = CPNP_ACTIVATION_PERMANENT;
	else if (strcmp(text, "scheduled") == 0)
		*type = CPNP_ACTIVATION_SCHEDULED;
	else
		return false;
	return true;
}

/* "2026-12-01T08:00:00Z", or "+90 s", "+5 min", "+2 h", "+30 d" from now. */
static bool
parse_when(const struct setting *setting, const char *text, void *at)
{
	static const struct {
		const char *name;
		int64_t sec;
	} units[] = {
	    {"", 1}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
	cpnpc_when when = {.is_set = true};
	cpnp_wtime date;
	char *end;
	size_t i;

	if (text[0] != '+') {
		if (cpnp_date_parse(CPNP_EDITION_RFC8921,
			cpnp_bytes_str(text), &date) != 0)
			return false;
		when.sec = date.sec;
		*(cpnpc_when *)at = when;
		return true;
	}
	if (!isdigit((unsigned char)text[1]))
		return false;
	errno = 0;
	when.from_now = true;
	when.sec = strtoll(text + 1, &end, 10);
	end += strspn(end, " ");
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (errno != 0 ||
		    when.sec > (int64_t)setting->max / units[i].sec)
			return false;
		when.sec *= units[i].sec;
		*(cpnpc_when *)at = when;
		return true;
	}
	return false;
}

cpnp_wtime
cpnpc_when_date(const cpnpc_when *when, cpnp_now now)
{
	return (cpnp_wtime){when->sec + (when->from_now ? now.wall.sec : 0)};
}

static bool
parse_more_time(const struct setting *setting, const char *text, void *at)
{
	cpnpc_more_time *more = at;

	*more = (cpnpc_more_time){.never = strcmp(text, "never") == 0};
	return more->never || strcmp(text, "as-asked") == 0 ||
	       parse_when(setting, text, &more->until);
}

static const char *const accept_names[] = {
    [CPNPC_ACCEPT_DEFAULT] = "default",
    [CPNPC_ACCEPT_ALWAYS] = "always",
    [CPNPC_ACCEPT_EXACT] = "exact",
    [CPNPC_ACCEPT_ASK] = "ask",
    [CPNPC_ACCEPT_NEVER] = "never",
};

const char *
cpnpc_accept_name(cpnpc_accept accept)
{
	return accept_names[accept];
}

static bool
parse_accept(const struct setting *setting, const char *text, void *at)
{
	cpnpc_accept accept;

	(void)setting;
	for (accept = CPNPC_ACCEPT_ALWAYS; accept <= CPNPC_ACCEPT_NEVER;
	     accept++) {
		if (strcmp(text, accept_names[accept]) == 0) {
			*(cpnpc_accept *)at = accept;
			return true;
		}
	}
	return false;
}

static bool
parse_rule(const struct setting *setting, const char *text, void *at)
{
	(void)setting;
	return cpnpc_rule_parse(text, at) == 0;
}

#define AT(member) offsetof(cpnpc_conf, member)
#define FILE_NAME "the name of a file"
#define TIME_RANGE "a time from 100 ms to 60 min, as \"2 s\""
#define TIME_MIN CPNP_MILLISECONDS(100)
#define TIME_MAX CPNP_SECONDS(3600)
#define YEAR 31622400
#define DATE "2026-12-01T08:00:00Z"

static const struct setting settings[] = {
    {"server", 's', BOTH, parse_server, AT(server), 1, CPNP_TEXT_MAX, NULL,
	"HOST or HOST:PORT, an IPv6 address as [2001:db8::1]:49921"},
    {"domain", 0, BOTH, parse_domain, AT(domain), 0, 0, NULL,
	"a domain such as provider.example, with xn-- where it is not ASCII"},
    {"resolver", 0, BOTH, parse_resolver, AT(resolver), 0, 0, NULL,
	"ADDRESS or ADDRESS:PORT of a DNS server, as [2001:db8::53]:53"},
    {"udp", 0, BOTH, parse_bool, AT(udp), 0, 0, "yes", "yes or no"},
    {"server-name", 0, BOTH, parse_text, AT(server_name), 1, CPNP_TEXT_MAX,
	NULL, "the DNS name in the certificate of the server"},
    {"server-domain", 0, BOTH, parse_text, AT(server_domain), 1, CPNP_TEXT_MAX,
	NULL, "the domain of an SRV name in that certificate"},
    {"server-identity", 0, BOTH, parse_text, AT(server_identity), 1,
	CPNP_TEXT_MAX, NULL, "the identity of the provider, a name"},
    {"identity", 0, BOTH, parse_text, AT(identity), 1, CPNP_TEXT_MAX, NULL,
	"our name, as the provider knows it"},
    {"source", 0, BOTH, parse_text, AT(source), 1, CPNP_TEXT_MAX, NULL,
	"a local address"},
    {"source-port", 0, BOTH, parse_number, AT(source_port), 1, 65535, NULL,
	"a port from 1 to 65535"},
    {"certificate", 0, BOTH, parse_path, AT(certificate), 0, 0, NULL,
	FILE_NAME},
    {"key", 0, BOTH, parse_path, AT(key), 0, 0, NULL, FILE_NAME},
    {"ca", 0, BOTH, parse_path, AT(ca), 0, 0, NULL, FILE_NAME},
    {"crl", 0, BOTH, parse_path, AT(crl), 0, 0, NULL, FILE_NAME},
    {"key-log", 0, IN_FILE, parse_bool, AT(key_log), 0, 0, NULL, "yes or no"},
    {"ledger-key", 0, BOTH, parse_path, AT(ledger_key), 0, 0, NULL, FILE_NAME},
    {"ledger", 0, BOTH, parse_path, AT(ledger), 0, 0, NULL,
	"the name of a file, a cpnp-ledger.conf(5)"},
    {"max-fee", 0, BOTH, parse_price, AT(max_fee), 0, 0, NULL,
	"an amount with an optional token code, as \"0.50 EUR\""},
    {"store", 0, BOTH, parse_path, AT(store), 0, 0, NULL, FILE_NAME},
    {"edition", 0, BOTH, parse_edition, AT(edition), 0, 0, NULL,
	"rfc8921 or draft-02"},
    {"accept", 0, BOTH, parse_accept, AT(accept), 0, 0, NULL,
	"always, exact, ask or never"},
    {"choose", 0, IN_LINE, parse_rule, AT(rule), 0, 0, NULL,
	"cheapest, exact or ask"},
    {"max-price", 0, BOTH, parse_price, AT(max_price), 0, 0, NULL,
	"an amount with an optional token code, as \"1500.00 EUR\""},
    {"wait", 0, BOTH, parse_number, AT(wait), 0, YEAR, NULL,
	"a number of seconds, 0 for no limit"},
    {"expected-response", 0, BOTH, parse_number, AT(expected_response), 0, YEAR,
	NULL, "a number of seconds, 0 for no deadline"},
    {"require-statements", 0, BOTH, parse_choice, AT(require_statements), 0, 0,
	NULL, "yes or no"},
    {"no-recursion", 0, BOTH, parse_bool, AT(no_recursion), 0, 0, "yes",
	"yes or no"},
    {"purpose", 0, BOTH, parse_purpose, AT(purpose), 0, 0, NULL,
	"permanent or test"},
    {"activation", 0, BOTH, parse_activation, AT(activation), 0, 0, NULL,
	"permanent or scheduled"},
    {"more-time", 0, BOTH, parse_more_time, AT(more_time), 0, YEAR, NULL,
	"never, as-asked, or until when, as \"" DATE "\" or \"+2 h\""},
    {"at", 0, IN_LINE, parse_when, AT(at), 0, 10 * (uint64_t)YEAR, NULL,
	"a date as \"" DATE "\", or a time from now as \"+2 h\""},
    {"until", 0, IN_LINE, parse_when, AT(until), 0, 10 * (uint64_t)YEAR, NULL,
	"a date as \"" DATE "\", or a time from now as \"+2 h\""},
    {"capacity", 0, IN_LINE, parse_capacity, AT(capacity), 1, INT64_MAX, NULL,
	"a number of bit/s, kbit/s, Mbit/s, Gbit/s or Tbit/s, as "
	"\"2.5 Gbit/s\""},
    {"max-delay", 0, IN_LINE, parse_delay, AT(max_delay), 1,
	UINT64_C(3600000000), NULL,
	"a time up to 3600 s in us, ms or s, as \"12.5 ms\""},
    {"max-hops", 0, IN_LINE, parse_number, AT(max_hops), 1, 64, NULL,
	"a number of segments from 1 to 64"},
    {"paths", 0, IN_LINE, parse_number, AT(paths), 1, 32, NULL,
	"a number from 1 to 32"},
    {"avoid", 0, IN_LINE, parse_name, AT(avoid), 1, 64, NULL,
	"the name of a domain, 32 times at most"},
    {"pass", 0, IN_LINE, parse_name, AT(pass), 1, 64, NULL,
	"the name of a domain, 32 times at most"},
    {"by", 0, IN_LINE, parse_by, AT(by_delay), 0, 0, NULL,
	"price or delay"},
    {"mtu", 0, BOTH, parse_number, AT(mtu), 576, 65535, NULL,
	"a number from 576 to 65535"},
    {"retransmit", 0, BOTH, parse_duration, AT(retransmit), TIME_MIN, TIME_MAX,
	NULL, TIME_RANGE},
    {"retries", 0, BOTH, parse_number, AT(retries), 0, 100, NULL,
	"a number from 0 to 100"},
    {"repeat-min", 0, BOTH, parse_duration, AT(repeat_min), TIME_MIN, TIME_MAX,
	NULL, TIME_RANGE},
    {"repeat-max", 0, BOTH, parse_duration, AT(repeat_max), TIME_MIN, TIME_MAX,
	NULL, TIME_RANGE},
    {"customer-name", 0, IN_FILE, parse_text, AT(customer_name), 1,
	CPNP_TEXT_MAX, NULL, "a text of at most 255 bytes"},
    {"customer-email", 0, IN_FILE, parse_text, AT(customer_email), 1,
	CPNP_TEXT_MAX, NULL, "a text of at most 255 bytes"},
    {"customer-address", 0, IN_FILE, parse_text, AT(customer_address), 1,
	CPNP_TEXT_MAX, NULL, "a text of at most 255 bytes"},
    {"customer-telephone", 0, IN_FILE, parse_text, AT(customer_telephone), 1,
	CPNP_TEXT_MAX, NULL, "a text of at most 255 bytes"},
    {"order-id", 0, IN_LINE, parse_order_id, AT(order_id), 0, 0, NULL,
	"1 to 64 printable characters without spaces"},
    {"reason", 0, IN_LINE, parse_reason, AT(reasons), 0, 0, NULL,
	"gap, conflict or activation-type"},
    {"yes", 0, IN_LINE, parse_bool, AT(yes), 0, 0, "yes", "no value"},
    {"json", 'j', IN_LINE, parse_bool, AT(json), 0, 0, "yes", "no value"},
    {"quiet", 'q', IN_LINE, parse_bool, AT(quiet), 0, 0, "yes", "no value"},
    {"verbose", 'v', IN_LINE, parse_bool, AT(verbose), 0, 0, "yes", "no value"},
};

#define SETTINGS_N (sizeof(settings) / sizeof(settings[0]))

static const struct setting *
find_setting(const char *name, unsigned where)
{
	size_t i;

	for (i = 0; i < SETTINGS_N; i++) {
		if ((settings[i].where & where) != 0 &&
		    strcmp(settings[i].name, name) == 0)
			return &settings[i];
	}
	return NULL;
}

bool
cpnpc_conf_option(size_t i, const char **name, char *letter, bool *has_value)
{
	size_t k;

	for (k = 0; k < SETTINGS_N; k++) {
		if ((settings[k].where & IN_LINE) == 0 || i-- > 0)
			continue;
		*name = settings[k].name;
		*letter = settings[k].letter;
		*has_value = settings[k].flag == NULL;
		return true;
	}
	return false;
}

void
cpnpc_conf_init(cpnpc_conf *conf)
{
	*conf = (cpnpc_conf){
	    .edition = CPNP_EDITION_RFC8921,
	    .retransmit = CPNP_SECONDS(2),
	    .retries = 3,
	    .repeat_min = CPNP_SECONDS(30),
	    .repeat_max = CPNP_SECONDS(300),
	};
}

void
cpnpc_conf_fini(cpnpc_conf *conf)
{
	size_t i;

	for (i = 0; i < SETTINGS_N; i++) {
		const struct setting *s = &settings[i];

		if (s->parse == parse_text || s->parse == parse_server ||
		    s->parse == parse_path ||
		    s->parse == parse_domain || s->parse == parse_resolver ||
		    s->parse == parse_order_id)
			free(*(char **)((char *)conf + s->offset));
	}
	for (i = 0; i < conf->servers_n; i++)
		free(conf->servers[i]);
	for (i = 0; i < conf->avoid.n; i++)
		free(conf->avoid.items[i]);
	for (i = 0; i < conf->pass.n; i++)
		free(conf->pass.items[i]);
	free(conf->file);
	*conf = (cpnpc_conf){0};
}

static void complain(cpnpc_conf_report *report, void *user, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static void
complain(cpnpc_conf_report *report, void *user, const char *format, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	report(user, line);
}

/* Each --server counts; all of them matter to an order from several. */
static int
add_server(cpnpc_conf *conf, const char *value, cpnpc_conf_report *report,
    void *user)
{
	size_t i;

	for (i = 0; i < conf->servers_n; i++) {
		if (strcmp(conf->servers[i], value) == 0) {
			complain(report, user,
			    "--server: %s is given twice; expected it once",
			    value);
			return CPNP_ERR_CONFIG;
		}
	}
	if (conf->servers_n == CPNPC_SET_MAX) {
		complain(report, user,
		    "--server: it is given too often; expected at most %d",
		    CPNPC_SET_MAX);
		return CPNP_ERR_CONFIG;
	}
	conf->servers[conf->servers_n] = strdup(value);
	if (conf->servers[conf->servers_n] == NULL)
		return CPNP_ERR_NOMEM;
	conf->servers_n++;
	return 0;
}

int
cpnpc_conf_set(cpnpc_conf *conf, const char *name, const char *value,
    cpnpc_conf_report *report, void *user)
{
	const struct setting *s = find_setting(name, IN_LINE);

	if (s == NULL) {
		complain(report, user, "--%s: there is no such option", name);
		return CPNP_ERR_CONFIG;
	}
	if (value == NULL)
		value = s->flag;
	if (value == NULL || !s->parse(s, value, (char *)conf + s->offset)) {
		complain(report, user, "--%s: \"%s\" will not do; expected %s",
		    name, value == NULL ? "" : value, s->expected);
		return CPNP_ERR_CONFIG;
	}
	/* Whom to speak to: the one replaces the other, as the file has it. */
	if (s->offset == AT(server)) {
		drop_string(&conf->domain);
		return add_server(conf, value, report, user);
	}
	if (s->offset == AT(domain)) {
		drop_string(&conf->server);
		drop_string(&conf->server_name);
		drop_string(&conf->server_domain);
	}
	if (s->parse == parse_accept)
		conf->accept_given = true;
	if (s->offset == AT(max_price))
		conf->max_price_given = true;
	return 0;
}

/* ---- the file --------------------------------------------------------- */

/* libconfuse hands its callbacks nothing of the caller's, so what they need
 * is here while a file is read. */
static struct reading {
	cpnpc_conf *conf;
	const char *path;
	cpnpc_conf_report *report;
	void *user;
	unsigned mistakes;
	bool seen[SETTINGS_N];
} *reading;

static void blame(unsigned line, const char *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
blame(unsigned line, const char *option, const char *format, ...)
{
	char text[768], place[16] = " ";
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reading->mistakes++;
	if (line > 0) /* 0: it is about the whole */
		snprintf(place, sizeof(place), "%u: ", line);
	complain(reading->report, reading->user, "%s:%s%s%s%s", reading->path,
	    place, option == NULL ? "" : option, option == NULL ? "" : ": ",
	    text);
}

/* The setting that a person most likely meant: the one that shares the
 * longest beginning with what was written. */
static const char *
nearest(const char *name)
{
	const char *best = NULL;
	size_t i, n, longest = 0;

	for (i = 0; i < SETTINGS_N; i++) {
		if ((settings[i].where & IN_FILE) == 0)
			continue;
		for (n = 0;
		     name[n] != '\0' &&
		     tolower((unsigned char)name[n]) == settings[i].name[n];
		     n++)
			continue;
		if (n > longest) {
			longest = n;
			best = settings[i].name;
		}
	}
	return best;
}

static void on_error(cfg_t *cfg, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *format, va_list ap)
{
	unsigned line = cfg == NULL ? 0 : (unsigned)cfg->line;
	char text[512];

	if (strstr(format, "no such option") != NULL) {
		const char *name = va_arg(ap, const char *);
		const char *meant = nearest(name);

		if (meant != NULL)
			blame(line, name,
			    "there is no such option; expected %s, or another "
			    "of cpnpc.conf(5)",
			    meant);
		else
			blame(line, name,
			    "there is no such option; expected one of "
			    "cpnpc.conf(5)");
		return;
	}
	vsnprintf(text, sizeof(text), format, ap);
	blame(line, NULL,
	    "%s; expected OPTION = VALUE, with quotation marks "
	    "around a value that has spaces",
	    text);
}

/* Paths are relative to the file, and ~/ is the home directory. */
static char *
resolve_path(const char *text)
{
	const char *slash = strrchr(reading->path, '/');
	char *out = NULL;

	if (text[0] == '~')
		return cfg_tilde_expand(text);
	if (text[0] == '/' || text[0] == '\0' || slash == NULL)
		return strdup(text);
	if (asprintf(&out, "%.*s/%s", (int)(slash - reading->path),
		reading->path, text) < 0)
		return NULL;
	return out;
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct setting *s = find_setting(opt->name, IN_FILE);
	unsigned line = (unsigned)cfg->line;
	const char *value = cfg_opt_getnstr(opt, 0);
	char *path = NULL;

	if (s == NULL || value == NULL)
		return 0;
	if (reading->seen[s - settings]) {
		blame(line, s->name, "it is given twice; expected once");
		return 0;
	}
	reading->seen[s - settings] = true;
	if (s->parse == parse_path) {
		path = resolve_path(value);
		if (path == NULL) {
			blame(line, s->name, "out of memory");
			return 0;
		}
	}
	if (!s->parse(s, path != NULL ? path : value,
		(char *)reading->conf + s->offset))
		blame(line, s->name, "\"%s\" will not do; expected %s", value,
		    s->expected);
	free(path);
	return 0;
}

static void
check_together(const cpnpc_conf *conf)
{
	if (conf->repeat_min > conf->repeat_max)
		blame(0, "repeat-min",
		    "it is longer than repeat-max; "
		    "expected at most that");
	if (conf->domain != NULL && conf->server != NULL)
		blame(0, "domain",
		    "there is a server as well; expected one of the two");
	if ((conf->certificate == NULL) != (conf->key == NULL))
		blame(0, conf->key == NULL ? "key" : "certificate",
		    "it is missing; expected certificate and key together");
}

static int
parse_file(const char *path)
{
	cfg_opt_t opts[SETTINGS_N + 1];
	cfg_t *cfg;
	size_t i, n = 0;
	unsigned unclosed;
	char *text;
	int err, rc;

	for (i = 0; i < SETTINGS_N; i++) {
		if ((settings[i].where & IN_FILE) != 0)
			opts[n++] = (cfg_opt_t)CFG_STR(
			    settings[i].name, NULL, CFGF_NODEFAULT);
	}
	opts[n] = (cfg_opt_t)CFG_END();
	err = cpnp_conf_text_read(path, &text, &unclosed);
	if (err != 0) {
		complain(reading->report, reading->user,
		    "%s: %s; expected a file as in cpnpc.conf(5)", path,
		    strerror(err));
		return err == ENOENT ? CPNP_ERR_NOT_FOUND : CPNP_ERR_CONFIG;
	}
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL) {
		free(text);
		return CPNP_ERR_NOMEM;
	}
	cfg_set_error_function(cfg, on_error);
	for (i = 0; i < n; i++)
		cfg_set_validate_func(cfg, opts[i].name, on_value);
	rc = cfg_parse_buf(cfg, text);
	cfg_free(cfg);
	free(text);
	if (rc == CFG_SUCCESS && reading->mistakes == 0)
		check_together(reading->conf);
	return rc != CFG_SUCCESS || reading->mistakes > 0 ? CPNP_ERR_CONFIG : 0;
}

int
cpnpc_conf_read(
    cpnpc_conf *conf, const char *path, cpnpc_conf_report *report, void *user)
{
	struct reading r = {
	    .conf = conf, .path = path, .report = report, .user = user};
	int err;

	reading = &r;
	err = parse_file(path);
	reading = NULL;
	if (err == 0 && !set_string(&conf->file, strdup(path)))
		err = CPNP_ERR_NOMEM;
	return err;
}

/* $variable/rest, else $HOME/fallback/rest (XDG Base Directory). */
static char *
base_directory(const char *variable, const char *fallback, const char *rest)
{
	const char *base = getenv(variable);
	const char *home = getenv("HOME");
	char *out = NULL;
	int n;

	if (base != NULL && base[0] == '/')
		n = asprintf(&out, "%s/%s", base, rest);
	else if (home != NULL && home[0] != '\0')
		n = asprintf(&out, "%s/%s/%s", home, fallback, rest);
	else
		n = -1;
	return n < 0 ? NULL : out;
}

char *
cpnpc_conf_default_path(void)
{
	return base_directory("XDG_CONFIG_HOME", ".config", "cpnp/cpnpc.conf");
}

char *
cpnpc_conf_default_store(void)
{
	return base_directory(
	    "XDG_STATE_HOME", ".local/state", "cpnp/orders.db");
}
