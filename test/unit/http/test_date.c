#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "base/random.h"
#include "http/date.h"

#include <stdlib.h>
#include <time.h>

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

/* Written into a block of exactly the stated size, without a NUL behind. */
static void check(int64_t seconds, const char *expected)
{
    char *text = malloc(DATE_BYTES);
    assert_non_null(text);
    date_print(seconds, text);
    if (!span_equals(span_of(text, DATE_BYTES), span_from_string(expected))) {
        fail_msg("%lld: %.*s, not %s", (long long)seconds, DATE_BYTES, text, expected);
    }
    free(text);
}

static void known_dates(void **state)
{
    (void)state;
    check(784111777, "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110, section 5.6.7 */
    check(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    check(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    check(4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"); /* 2100 has no 29 February */
    check(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
    check(INT64_C(2147483648), "Tue, 19 Jan 2038 03:14:08 GMT");
    check(LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void any_time_is_as_strftime_has_it(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t random = random_u64(random_draw(5, i, 0, 0));
        time_t seconds = (time_t)(random % (uint64_t)LAST_SECOND);
        struct tm utc;
        assert_non_null(gmtime_r(&seconds, &utc));
        char expected[64];
        assert_int_equal(strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &utc),
                         DATE_BYTES);
        check(seconds, expected);
    }
}

/* GMT wherever the server runs. */
static void the_time_zone_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "XXX-05:30", 1), 0);
    tzset();
    check(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_dates),
        cmocka_unit_test(any_time_is_as_strftime_has_it),
        cmocka_unit_test(the_time_zone_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
