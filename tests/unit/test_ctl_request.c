/*
 * Requests of the control socket: each verb with its members, and every way
 * in which a line can be none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../cpnpd/ctl_request.h"
#include "unit.h"

static cpnp_ctl_request request;
static char why[512];

static bool
parse(const char *line)
{
	why[0] = '\0';
	return cpnp_ctl_parse(&request, line, strlen(line), why, sizeof(why));
}

START_TEST(test_ctl_request_members)
{
	ck_assert(parse("{\"verb\":\"status\"}"));
	ck_assert_int_eq(request.verb, CPNP_CTL_VERB_STATUS);
	ck_assert_uint_eq(request.present, 0);
	ck_assert(parse("{\"verb\":\"orders\",\"open\":true,"
			"\"customer\":\"c.example\",\"state\":\"Completed\"}"));
	ck_assert_int_eq(request.verb, CPNP_CTL_VERB_ORDERS);
	ck_assert(request.open);
	ck_assert_str_eq(request.customer, "c.example");
	ck_assert_str_eq(request.state, "Completed");
	ck_assert_uint_eq(request.present,
	    CPNP_CTL_BIT(CPNP_CTL_OPEN) | CPNP_CTL_BIT(CPNP_CTL_CUSTOMER) |
		CPNP_CTL_BIT(CPNP_CTL_STATE));
	ck_assert(parse("{\"verb\":\"drain\",\"off\":false}"));
	ck_assert(!request.off);
	ck_assert(parse("{\"verb\":\"events\",\"follow\":true,\"limit\":0,"
			"\"from\":9223372036854775807}"));
	ck_assert(request.follow);
	ck_assert_uint_eq(request.from, INT64_MAX);
	ck_assert_uint_eq(request.limit, 0);
	ck_assert(parse("{\"verb\":\"approve\",\"order\":\"C-1\",\"wait\":7}"));
	ck_assert_uint_eq(request.wait, 7);
	ck_assert(parse("{\"order\":\"C-1\",\"verb\":\"show\"}"));
	ck_assert_str_eq(request.order, "C-1");
}
END_TEST

static const char *const wrong[][2] = {
    {"", "no JSON object"},
    {"status", "no JSON object"},
    {"[\"status\"]", "no JSON object"},
    {"{\"verb\":\"status\"} x", "no JSON object"},
    {"{\"verb\":\"status\",\"verb\":\"stop\"}", "no JSON object"},
    {"{}", "no verb"},
    {"{\"verb\":7}", "no verb"},
    {"{\"verb\":\"Status\"}", "no verb \"Status\""},
    {"{\"verb\":\"status\",\"order\":\"C-1\"}", "has no \"order\""},
    {"{\"verb\":\"orders\",\"colour\":\"red\"}", "has no \"colour\""},
    {"{\"verb\":\"show\"}", "needs \"order\""},
    {"{\"verb\":\"show\",\"order\":1}", "\"order\" is not one"},
    {"{\"verb\":\"show\",\"order\":\"\"}", "\"order\" is not one"},
    {"{\"verb\":\"show\",\"order\":\"a\\u0000b\"}", "\"order\" is not one"},
    {"{\"verb\":\"stop\\u0000\"}", "there is no verb \"stop\""},
    {"{\"verb\":\"orders\",\"open\":\"yes\"}", "\"open\" is not one"},
    {"{\"verb\":\"events\",\"from\":-1}", "\"from\" is not one"},
    {"{\"verb\":\"events\",\"from\":1.0}", "\"from\" is not one"},
    {"{\"verb\":\"events\",\"limit\":\"7\"}", "a whole number"},
    {"{\"verb\":\"events\",\"from\":9223372036854775808}",
	"no JSON object"},
    {"{\"verb\":\"reject\",\"order\":\"C\",\"wait\":\"7\"}",
	"\"wait\" is not one"},
    {"{\"verb\":\"pending\",\"wait\":7}", "has no \"wait\""},
    {"{\"verb\":\"events\",\"follow\":1}", "\"follow\" is not one"},
    {"{\"verb\":\"events\",\"order\":\"C-1\"}", "has no \"order\""},
};

START_TEST(test_ctl_request_wrong)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(!parse(wrong[i][0]), "%s", wrong[i][0]);
		ck_assert_msg(strstr(why, wrong[i][1]) != NULL, "%s: %s",
		    wrong[i][0], why);
	}
}
END_TEST

/* CPNP_CTL_TEXT_MAX */
START_TEST(test_ctl_request_text_is_bounded)
{
	char line[CPNP_CTL_TEXT_MAX + 64];
	char text[CPNP_CTL_TEXT_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[CPNP_CTL_TEXT_MAX] = '\0';
	snprintf(line, sizeof(line), "{\"verb\":\"show\",\"order\":\"%s\"}",
	    text);
	ck_assert(parse(line));
	ck_assert_str_eq(request.order, text);
	text[CPNP_CTL_TEXT_MAX] = 'x';
	text[CPNP_CTL_TEXT_MAX + 1] = '\0';
	snprintf(line, sizeof(line), "{\"verb\":\"show\",\"order\":\"%s\"}",
	    text);
	ck_assert(!parse(line));
}
END_TEST

/* Whatever the line, it is read or refused, at every length. */
START_TEST(test_ctl_request_cut_anywhere)
{
	static const char whole[] =
	    "{\"verb\":\"show\",\"customer\":\"\\u00e9\",\"order\":\"C\"}";

	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		ck_assert(!cpnp_ctl_parse(
		    &request, whole, n, why, sizeof(why)));
	ck_assert(parse(whole));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_ctl_request_members,
	    test_ctl_request_wrong,
	    test_ctl_request_text_is_bounded,
	    test_ctl_request_cut_anywhere,
	};

	return unit_run("ctl_request", tests, sizeof(tests) / sizeof(tests[0]));
}
