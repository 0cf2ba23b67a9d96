/*
 * Dates of both editions: RFC 3339 and RFC 1123, one spelling each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/message.h>

#include "unit.h"

static const struct {
	int64_t sec;
	const char *rfc;
	const char *draft;
} dates[] = {
    {0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
    {1795249800, "2026-11-21T08:30:00Z", "Sat, 21 Nov 2026 08:30:00 GMT"},
    {951782400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"},
    {951868799, "2000-02-29T23:59:59Z", "Tue, 29 Feb 2000 23:59:59 GMT"},
    {951868800, "2000-03-01T00:00:00Z", "Wed, 01 Mar 2000 00:00:00 GMT"},
    {4107542400, "2100-03-01T00:00:00Z", "Mon, 01 Mar 2100 00:00:00 GMT"},
    {4107542399, "2100-02-28T23:59:59Z", "Sun, 28 Feb 2100 23:59:59 GMT"},
    {2147483648, "2038-01-19T03:14:08Z", "Tue, 19 Jan 2038 03:14:08 GMT"},
    {CPNP_WTIME_MIN, "0000-01-01T00:00:00Z",
	"Sat, 01 Jan 0000 00:00:00 GMT"},
    {CPNP_WTIME_MAX, "9999-12-31T23:59:59Z",
	"Fri, 31 Dec 9999 23:59:59 GMT"},
};

START_TEST(test_date_format_and_parse_are_inverse)
{
	char text[CPNP_DATE_LEN];
	cpnp_wtime time;

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		for (int e = 0; e < 2; e++) {
			const char *want =
			    e == 0 ? dates[i].draft : dates[i].rfc;

			ck_assert_int_eq(cpnp_date_format((cpnp_edition)e,
					     (cpnp_wtime){dates[i].sec}, text),
			    0);
			ck_assert_str_eq(text, want);
			ck_assert_int_eq(cpnp_date_parse((cpnp_edition)e,
					     cpnp_bytes_str(want), &time),
			    0);
			ck_assert_int_eq(time.sec, dates[i].sec);
		}
	}
}
END_TEST

/* A step that is no multiple of a day meets every date and hour. */
START_TEST(test_date_is_right_over_ten_thousand_years)
{
	const int64_t step = 7 * 86400 - 3599;
	char text[CPNP_DATE_LEN];
	cpnp_wtime time;

	for (int64_t sec = CPNP_WTIME_MIN; sec <= CPNP_WTIME_MAX;
	     sec += step) {
		for (int e = 0; e < 2; e++) {
			if (cpnp_date_format((cpnp_edition)e,
				(cpnp_wtime){sec}, text) != 0 ||
			    cpnp_date_parse((cpnp_edition)e,
				cpnp_bytes_str(text), &time) != 0 ||
			    time.sec != sec)
				ck_abort_msg("%lld", (long long)sec);
		}
	}
}
END_TEST

START_TEST(test_date_format_refuses_five_digits_of_year)
{
	char text[CPNP_DATE_LEN];

	for (int e = 0; e < 2; e++) {
		ck_assert_int_eq(cpnp_date_format((cpnp_edition)e,
				     (cpnp_wtime){CPNP_WTIME_MAX + 1}, text),
		    CPNP_ERR_RANGE);
		ck_assert_int_eq(cpnp_date_format((cpnp_edition)e,
				     (cpnp_wtime){CPNP_WTIME_MIN - 1}, text),
		    CPNP_ERR_RANGE);
	}
}
END_TEST

static const struct {
	cpnp_edition edition;
	const char *text;
} wrong[] = {
    {CPNP_EDITION_RFC8921, ""},
    {CPNP_EDITION_RFC8921, "2026-11-21T08:30:00"},
    {CPNP_EDITION_RFC8921, "2026-11-21t08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-11-21T08:30:00z"},
    {CPNP_EDITION_RFC8921, "2026-11-21 08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-11-21T08:30:60Z"},
    {CPNP_EDITION_RFC8921, "2026-11-21T24:00:00Z"},
    {CPNP_EDITION_RFC8921, "2026-11-21T08:60:00Z"},
    {CPNP_EDITION_RFC8921, "2026-02-29T08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-11-31T08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-00-21T08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-13-21T08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-11-00T08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-11-21T08:30:0xZ"},
    {CPNP_EDITION_RFC8921, "2o26-11-21T08:30:00Z"},
    {CPNP_EDITION_RFC8921, "2026-11-21T08:30:00.5Z"},
    {CPNP_EDITION_RFC8921, "2026-11-21T08:30:00+00:00"},
    {CPNP_EDITION_RFC8921, "Sat, 21 Nov 2026 08:30:00 GMT"},
    {CPNP_EDITION_DRAFT02, "2026-11-21T08:30:00Z"},
    {CPNP_EDITION_DRAFT02, "Sun, 21 Nov 2026 08:30:00 GMT"},
    {CPNP_EDITION_DRAFT02, "Sat, 21 nov 2026 08:30:00 GMT"},
    {CPNP_EDITION_DRAFT02, "Sat, 21 Nox 2026 08:30:00 GMT"},
    {CPNP_EDITION_DRAFT02, "Sat, 21 Nov 2026 08:30:00 UTC"},
    {CPNP_EDITION_DRAFT02, "Sat  21 Nov 2026 08:30:00 GMT"},
    {CPNP_EDITION_DRAFT02, "Sat, 31 Nov 2026 08:30:00 GMT"},
    {CPNP_EDITION_DRAFT02, "Sat, 21 Nov 2026 08:30:61 GMT"},
    {CPNP_EDITION_DRAFT02, "21 Nov 26 08:30 GMT"},
};

START_TEST(test_date_parse_refuses_every_other_form)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cpnp_wtime time = {7};

		ck_assert_msg(cpnp_date_parse(wrong[i].edition,
				  cpnp_bytes_str(wrong[i].text),
				  &time) == CPNP_ERR_DATE,
		    "%s", wrong[i].text);
		ck_assert_int_eq(time.sec, 7);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_date_format_and_parse_are_inverse,
	    test_date_is_right_over_ten_thousand_years,
	    test_date_format_refuses_five_digits_of_year,
	    test_date_parse_refuses_every_other_form,
	};

	return unit_run("date", tests, sizeof(tests) / sizeof(tests[0]));
}
