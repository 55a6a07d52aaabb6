#include "../cmocka_includes.h"

#include "app/truth_query.h"

#include <errno.h>
#include <string.h>

static struct truth_query parsed(const char *text)
{
    struct truth_query query;
    struct parse_error error = {0};
    if (truth_query_parse(span_from_string(text), &query, &error) != 0) {
        fail_msg("%s: %s", text, error.message);
    }
    return query;
}

static void nothing_asked_is_all_since_start(void **state)
{
    (void)state;
    struct truth_query query = parsed("");
    assert_int_equal(query.question.slices, 0);
    assert_int_equal(query.scrapes, 20);
    assert_int_equal(query.question.quantile_count, 5);
    assert_int_equal(query.question.quantiles[4].digits, 999);
    assert_int_equal(query.question.quantiles[4].scale, 3);
}

static void windows_are_multiples_of_ten_seconds(void **state)
{
    (void)state;
    assert_int_equal(parsed("window=10s").question.slices, 1);
    assert_int_equal(parsed("window=60s").question.slices, 6);
    assert_int_equal(parsed("window=1m").question.slices, 6);
    assert_int_equal(parsed("window=0.5m").question.slices, 3);
    assert_int_equal(parsed("window=10000ms").question.slices, 1);
    assert_int_equal(parsed("window=15m").question.slices, 90);
    assert_int_equal(parsed("window=60s&").question.slices, 6);
}

static void quantiles_are_exact_decimals(void **state)
{
    (void)state;
    struct truth_query query = parsed("quantiles=0.5%2c0.9990,1,0&scrapes=1000");
    assert_int_equal(query.scrapes, 1000);
    assert_int_equal(query.question.quantile_count, 4);
    assert_int_equal(query.question.quantiles[1].digits, 999);
    assert_int_equal(query.question.quantiles[1].scale, 3);
    assert_int_equal(query.question.quantiles[2].digits, 1);
    assert_int_equal(query.question.quantiles[3].digits, 0);
    assert_int_equal(parsed("scrapes=0").scrapes, 0);
    query = parsed("quantiles=0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,0.11,0.12,0.13,0.14,0.15");
    assert_int_equal(query.question.quantile_count, TRUTH_MAX_QUANTILES);
}

static void what_cannot_be_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *reason;
    } cases[] = {
        {"window=61s", "`61s` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=0s", "`0s` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=910s", "`910s` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=", "`` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=-10s", "`-10s` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=10", "`10` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=9999999999999999999999m",
         "`9999999999999999999999m` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=60s&window=60s", "`window` is given twice"},
        {"window", "`window` has no value"},
        {"Window=60s", "`Window` is no parameter: window, quantiles and scrapes are"},
        {"=60s", "`` is no parameter: window, quantiles and scrapes are"},
        {"&", "`` is no parameter: window, quantiles and scrapes are"},
        {"window=10s&&scrapes=1", "`` is no parameter: window, quantiles and scrapes are"},
        {"x\x1b[2J=1", "`x\\x1b[2J` is no parameter: window, quantiles and scrapes are"},
        {"window=%0a", "`\\x0a` is no window: a multiple of 10s, from 10s to 15m"},
        {"window=%", "`%` has a % without two hexadecimal digits behind it"},
        {"window=%1", "`%1` has a % without two hexadecimal digits behind it"},
        {"window=%zz", "`%zz` has a % without two hexadecimal digits behind it"},
        {"quantiles=", "`` is no quantile: a decimal number from 0 to 1"},
        {"quantiles=0.5,", "`` is no quantile: a decimal number from 0 to 1"},
        {"quantiles=1.01", "`1.01` is no quantile: a decimal number from 0 to 1"},
        {"quantiles=-0.5", "`-0.5` is no quantile: a decimal number from 0 to 1"},
        {"quantiles=1e-1", "`1e-1` is no quantile: a decimal number from 0 to 1"},
        {"quantiles=NaN", "`NaN` is no quantile: a decimal number from 0 to 1"},
        {"quantiles=0.5,0.50", "`0.50` stands twice among the quantiles"},
        {"quantiles=0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,0.11,0.12,0.13,0.14,0.15,0.16",
         "`0.16` is one quantile too many: 16 are allowed"},
        {"scrapes=1001", "`1001` is no number of scrapes: 0 to 1000"},
        {"scrapes=%2b1", "`+1` is no number of scrapes: 0 to 1000"},
        {"scrapes=18446744073709551616",
         "`18446744073709551616` is no number of scrapes: 0 to 1000"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct truth_query query;
        struct parse_error error = {0};
        assert_int_equal(truth_query_parse(span_from_string(cases[i].query), &query, &error),
                         -EINVAL);
        assert_string_equal(error.message, cases[i].reason);
    }
}

static void long_queries_are_refused(void **state)
{
    (void)state;
    char text[TRUTH_QUERY_MAX_BYTES + 2];
    memset(text, '0', sizeof text);
    memcpy(text, "scrapes=", 8);
    struct truth_query query;
    struct parse_error error = {0};
    assert_int_equal(truth_query_parse(span_of(text, TRUTH_QUERY_MAX_BYTES), &query, &error), 0);
    assert_int_equal(query.scrapes, 0);
    assert_int_equal(truth_query_parse(span_of(text, TRUTH_QUERY_MAX_BYTES + 1), &query, &error),
                     -EINVAL);
    assert_string_equal(error.message, "the query is longer than 512 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_is_all_since_start),
        cmocka_unit_test(windows_are_multiples_of_ten_seconds),
        cmocka_unit_test(quantiles_are_exact_decimals),
        cmocka_unit_test(what_cannot_be_is_refused_with_a_reason),
        cmocka_unit_test(long_queries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
