#include "../cmocka_includes.h"

#include "base/clock.h"
#include "latency/draw.h"
#include "latency/law.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka's assert_float_equal compares as float, with seven digits. */
static void assert_close(double is, double wanted, double tolerance)
{
    if (!(fabs(is - wanted) <= tolerance)) {
        fail_msg("%.17g is not %.17g", is, wanted);
    }
}

static const struct law_limits minute = {.max_delay_ns = 60 * NS_PER_S};

static struct law *law_of(const char *text)
{
    struct law *law = NULL;
    struct parse_error error = {0};
    if (law_parse(span_from_string(text), &minute, &law, &error) != 0) {
        fail_msg("%s: %s", text, error.message);
    }
    return law;
}

static void prints_back_canonically(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"none", "none"},
        {"const(200ms)", "const(200ms)"},
        {"const(0)", "const(0s)"},
        {" const( 0.2s ) ", "const(200ms)"},
        {"uniform(0s,2s)", "uniform(0s,2s)"},
        {"uniform(0, 2000ms)", "uniform(0s,2s)"},
        {"uniform(1m,1m)", "uniform(60s,60s)"},
        {"normal(200ms,0.05s)", "normal(200ms,50ms)"},
        {"normal(60s,0s)", "normal(60s,0s)"},
        {"lognormal(100ms, 1s)", "lognormal(100ms,1s)"},
        {"lognormal(1s,60s)", "lognormal(1s,60s)"}, /* its 99th percentile is the maximum */
        {"exp(13s)", "exp(13s)"},
        {"pareto(10ms,1.50)", "pareto(10ms,1.5)"},
        {"mix(0.90:const(5ms), 0.1:none)", "mix(0.9:const(5ms),0.1:none)"},
        {"mix( 3 : mix(1:mix(2:exp(1s))) )", "mix(3:mix(1:mix(2:exp(1s))))"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct law *law = law_of(cases[i][0]);
        char memory[LAW_TEXT_MAX_BYTES];
        struct buffer text = buffer_over(memory, sizeof memory);
        buffer_append_law(&text, law);
        buffer_append_byte(&text, '\0');
        assert_string_equal(memory, cases[i][1]);
        law_free(law);
    }
}

static void says_what_is_wrong_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"uniform[0s,2s]", "expected '(' at character 8, found '['"},
        {"uniform", "expected '(' at character 8, found the end"},
        {"uniform(0s;2s)", "expected ',' at character 11, found ';'"},
        {"uniform(0s)", "expected ',' at character 11, found ')'"},
        {"uniform(0s,)", "expected a duration such as 200ms at character 12, found ')'"},
        {"uniform(0s,2s", "expected ')' at character 14, found the end"},
        {"uniform(0s,2s))", "expected the end at character 15, found ')'"},
        {"uniform(0s,2)", "expected a unit (ns, us, ms, s or m) at character 13, found ')'"},
        {"uniform(0s,-2s)", "expected a duration such as 200ms at character 12, found '-'"},
        {"uniform(2s,1s)", "the maximum at character 12 is below the minimum"},
        {"uniform(0s,61s)", "61s is beyond the maximal delay of 60s"},
        {"const(60.000000001s)", "60.000000001s is beyond the maximal delay of 60s"},
        {"const()", "expected a duration such as 200ms at character 7, found ')'"},
        {"const(1s,2s)", "expected ')' at character 9, found ','"},
        {"normal(1s,1s)",
         "only 84.13 % of this law lies from 0s to the maximal delay of 60s, but 99 "
         "% must"},
        {"normal(61s,0s)", "only 0.00 % of this law lies from 0s to the maximal delay of 60s, but "
                           "99 % must"},
        {"normal(0s,9223372036s)", "only 0.00 % of this law lies from 0s to the maximal delay of "
                                   "60s, but 99 % must"},
        {"lognormal(0s,1s)", "the median at character 11 must be above 0s"},
        {"lognormal(2s,1s)", "the 99th percentile at character 14 is below the median"},
        {"lognormal(1s,61s)", "only 98.97 % of this law lies from 0s to the maximal delay of 60s, "
                              "but 99 % must"},
        {"lognormal(1s)", "expected ',' at character 13, found ')'"},
        {"exp(0s)", "the mean at character 5 must be above 0s"},
        {"exp(14s)", "only 98.62 % of this law lies from 0s to the maximal delay of 60s, but 99 % "
                     "must"},
        {"exp(1s,2s)", "expected ')' at character 7, found ','"},
        {"pareto(0s,1)", "the minimum at character 8 must be above 0s"},
        {"pareto(1s,0)", "alpha at character 11 must be from 0.01 to 1000"},
        {"pareto(1s,1001)", "alpha at character 11 must be from 0.01 to 1000"},
        {"pareto(1s,x)", "expected a number at character 11, found 'x'"},
        {"pareto(60s,1000)", "only 0.00 % of this law lies from 0s to the maximal delay of 60s, "
                             "but 99 % must"},
        {"pareto(1s,1.1)", "only 98.89 % of this law lies from 0s to the maximal delay of 60s, but "
                           "99 % must"},
        {"mix()", "expected a number at character 5, found ')'"},
        {"mix(const(1s))", "expected a number at character 5, found 'c'"},
        {"mix(0:none)", "the weight at character 5 must be above 0"},
        {"mix(1:none,)", "expected a number at character 12, found ')'"},
        {"mix(1 none)", "expected ':' at character 7, found 'n'"},
        {"mix(1:none,2:const(61s))", "61s is beyond the maximal delay of 60s"},
        {"mix(1:none", "expected ')' at character 11, found the end"},
        {"mix(1:mix(1:mix(1:mix(1:none))))", "too many laws inside each other at character 29"},
        {"file(/etc/passwd)", "a law from a file is not allowed here"},
        {"none()", "expected the end at character 5, found '('"},
        {"const(1s)\n", "expected the end at character 10, found '\\x0a'"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct law *law = NULL;
        struct parse_error error = {0};
        assert_int_equal(law_parse(span_from_string(cases[i].text), &minute, &law, &error),
                         -EINVAL);
        assert_string_equal(error.message, cases[i].message);
        assert_null(law);
    }
}

static void lists_the_laws_there_are(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "gauss(1s,2s)", "Uniform(0s,1s)", "(", "unif(0s,1s)"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct law *law = NULL;
        struct parse_error error = {0};
        assert_int_equal(law_parse(span_from_string(texts[i]), &minute, &law, &error), -EINVAL);
        assert_int_equal(error.offset, 0);
        assert_non_null(strstr(error.message, "expected a law (none, const"));
    }
}

static void is_bounded_on_hostile_text(void **state)
{
    (void)state;
    char text[LAW_TEXT_MAX_BYTES + 1];
    memset(text, ' ', sizeof text);
    memcpy(text, "none", 4);
    struct law *law = NULL;
    assert_int_equal(law_parse(span_of(text, sizeof text), &minute, &law, NULL), -EINVAL);
    assert_int_equal(law_parse(span_of(text, sizeof text - 1), &minute, &law, NULL), 0);
    law_free(law);
    /* Every prefix of a law is an error, read no further than its end. */
    static const char whole[] = "uniform(1.25s,2.5s)";
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        char *copy = test_malloc(length + 1);
        memcpy(copy, whole, length);
        assert_int_equal(law_parse(span_of(copy, length), &minute, &law, NULL), -EINVAL);
        test_free(copy);
    }
    /* Many laws beside and inside each other. */
    struct buffer mix = buffer_over(text, sizeof text);
    buffer_append_span(&mix, SPAN("mix("));
    for (int i = 0; i < LAW_PARTS_MAX; i++) {
        buffer_append_span(&mix, i == 0 ? SPAN("1:none") : SPAN(",1:none"));
    }
    size_t end = mix.length;
    buffer_append_byte(&mix, ')');
    assert_int_equal(law_parse(buffer_span(&mix), &minute, &law, NULL), 0);
    law_free(law);
    mix.length = end;
    buffer_append_span(&mix, SPAN(",1:none)"));
    assert_int_equal(law_parse(buffer_span(&mix), &minute, &law, NULL), -EINVAL);
    mix.length = 0;
    for (int i = 0; i < 200; i++) {
        buffer_append_span(&mix, SPAN("mix(1"));
        buffer_append_span(&mix, SPAN(":"));
    }
    struct parse_error error = {0};
    assert_int_equal(law_parse(span_of(text, LAW_TEXT_MAX_BYTES), &minute, &law, &error), -EINVAL);
    assert_non_null(strstr(error.message, "too many laws inside each other"));
}

static void knows_when_nothing_is_drawn(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool none, draws;
    } cases[] = {{"none", true, false},
                 {"const(0s)", false, false},
                 {"const(1s)", false, false},
                 {"uniform(1s,1s)", false, false},
                 {"uniform(0s,1ns)", false, true},
                 {"normal(1s,0s)", false, false},
                 {"normal(1s,1ms)", false, true},
                 {"lognormal(1s,1s)", false, false},
                 {"exp(1s)", false, true},
                 {"mix(1:none)", false, false},
                 {"mix(1:none,1:none)", false, true}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct law *law = law_of(cases[i].text);
        assert_true(law_is_none(law) == cases[i].none);
        assert_true(law_draws(law) == cases[i].draws);
        law_free(law);
    }
}

static void reaches_both_ends_of_a_uniform_law(void **state)
{
    (void)state;
    struct law *law = law_of("uniform(1s,2s)");
    assert_int_equal(law_sample_ns(law, 0x1p-53), NS_PER_S);
    assert_int_equal(law_sample_ns(law, 1 - 0x1p-53), 2 * NS_PER_S);
    assert_int_equal(law_sample_ns(law, 0.5), 1500 * NS_PER_MS);
    assert_true(law_cdf(law, -1) == 0);
    assert_true(law_cdf(law, 1.25e9) == 0.25);
    assert_true(law_quantile_ns(law, 0) == 1e9);
    assert_true(law_quantile_ns(law, 0.95) == 1.95e9);
    assert_true(law_quantile_ns(law, 1) == 2e9);
    assert_true(law_mean_ns(law) == 1.5e9);
    law_free(law);
}

static void steps_at_a_constant(void **state)
{
    (void)state;
    struct law *law = law_of("const(200ms)");
    assert_true(law_cdf(law, 199999999) == 0);
    assert_true(law_cdf(law, 200000000) == 1);
    assert_true(law_quantile_ns(law, 0) == 2e8 && law_quantile_ns(law, 1) == 2e8);
    assert_true(law_mean_ns(law) == 2e8);
    law_free(law);
    law = law_of("none");
    assert_true(law_cdf(law, 0) == 1 && law_mean_ns(law) == 0);
    assert_int_equal(law_sample_ns(law, 0.7), 0);
    law_free(law);
}

/* What is cut off at 0 and at the maximum changes the quantiles and the mean: known values. */
static void conditions_laws_with_tails(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double median_s, mean_s;
    } cases[] = {
        /* Worked out apart, from the textbook's formulas, in Python. */
        {"normal(500ms,210ms)", 0.5022724709753444, 0.5049648016050895},
        {"lognormal(1s,50s)", 0.9844194609401804, 3.20792815464755},
        {"exp(13s)", 8.882867148737638, 12.400160022162916},
        {"pareto(500ms,1)", 0.9917355371900827, 2.413861382915317},
        {"pareto(500ms,2)", 0.7070822301464489, 0.9917355371900827},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct law *law = law_of(cases[i].text);
        assert_close(law_quantile_ns(law, 0.5) / 1e9, cases[i].median_s, 1e-9);
        assert_close(law_mean_ns(law) / 1e9, cases[i].mean_s, 1e-9);
        assert_true(law_cdf(law, 60e9) == 1 && law_quantile_ns(law, 1) <= 60e9);
        law_free(law);
    }
}

static void finds_the_steps_of_a_mix(void **state)
{
    (void)state;
    struct law *law = law_of("mix(0.9:const(5ms),0.1:const(2s))");
    assert_true(law_cdf(law, 5e6 - 1) == 0);
    assert_close(law_cdf(law, 5e6), 0.9, 1e-15);
    assert_true(law_cdf(law, 2e9) == 1);
    assert_true(law_quantile_ns(law, 0.5) == 5e6);
    assert_true(law_quantile_ns(law, 0.95) == 2e9);
    assert_close(law_mean_ns(law), 0.9 * 5e6 + 0.1 * 2e9, 1e-3);
    assert_int_equal(law_sample_ns(law, 0.89), 5 * NS_PER_MS);
    assert_int_equal(law_sample_ns(law, 0.91), 2 * NS_PER_S);
    law_free(law);
    law = law_of("mix(78:const(4ms),1:exp(1s),2:none)"); /* exactly, wherever halving begins */
    assert_true(law_quantile_ns(law, 0.25) == 4e6 && law_quantile_ns(law, 0.5) == 4e6);
    law_free(law);
}

static char table_path[] = "/tmp/test_law_table_XXXXXX";

static int parse_table(const char *table, struct law **ret_law, struct parse_error *error)
{
    static const struct law_limits with_files = {.max_delay_ns = 60 * NS_PER_S,
                                                 .files_allowed = true};
    FILE *file = fopen(table_path, "w");
    assert_non_null(file);
    assert_true(fputs(table, file) >= 0);
    assert_int_equal(fclose(file), 0);
    char text[128];
    snprintf(text, sizeof text, "file( %s )", table_path);
    return law_parse(span_from_string(text), &with_files, ret_law, error);
}

static void reads_a_table_of_quantiles(void **state)
{
    (void)state;
    struct law *law = NULL;
    int fd = mkstemp(table_path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(
        parse_table("# q value\n\n0 10ms\n0.5, 20ms\r\n 0.9\t1s # slow\n1,2s", &law, NULL), 0);
    assert_true(law_quantile_ns(law, 0) == 10e6);
    assert_true(law_quantile_ns(law, 0.5) == 20e6);
    assert_close(law_quantile_ns(law, 0.7), 510e6, 1e-3);
    assert_true(law_cdf(law, 20e6) == 0.5 && law_cdf(law, 9e6) == 0 && law_cdf(law, 2e9) == 1);
    assert_close(law_mean_ns(law), 0.5 * 15e6 + 0.4 * 510e6 + 0.1 * 1.5e9, 1e-3);
    law_free(law);
    static const struct {
        const char *table;
        const char *reason;
    } cases[] = {
        {"", ": the last quantile must be 1"},
        {"0 1s\n", ": the last quantile must be 1"},
        {"0 1s\n0.5 2s\n", ": the last quantile must be 1"},
        {"0.1 1s\n1 2s\n", ", line 1: the first quantile must be 0"},
        {"0 1s\n\n0 2s\n", ", line 3: the quantile is not above the one before"},
        {"0 2s\n1 1s\n", ", line 2: the duration is below the one before"},
        {"0 1s\n1.5 2s\n", ", line 2: the quantile is above 1"},
        {"0 1s\n1 61s\n", ", line 2: the duration is beyond the maximal delay"},
        {"0 1s\n1 x\n", ", line 2: expected a digit at character 3, found 'x'"},
        {"0 1s 2s\n", ", line 1: expected the end of the line at character 5, found ' '"},
        {"0,,1s\n", ", line 1: expected a digit at character 3, found ','"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct parse_error error = {0};
        assert_int_equal(parse_table(cases[i].table, &law, &error), -EINVAL);
        char expected[256];
        snprintf(expected, sizeof expected, "%s%s", table_path, cases[i].reason);
        assert_string_equal(error.message, expected);
    }
    unlink(table_path);
}

static void says_why_a_file_cannot_be_read(void **state)
{
    (void)state;
    static const struct law_limits with_files = {.max_delay_ns = 60 * NS_PER_S,
                                                 .files_allowed = true};
    static const char *const cases[][2] = {
        {"file(/nonexistent/table)", "/nonexistent/table: No such file or directory"},
        {"file(/dev/null)", "/dev/null: not a regular file"},
        {"file(/)", "/: not a regular file"},
        {"file()", "expected a path at character 6, found ')'"},
        {"file(", "expected a path at character 6, found the end"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct law *law = NULL;
        struct parse_error error = {0};
        assert_int_equal(law_parse(span_from_string(cases[i][0]), &with_files, &law, &error),
                         -EINVAL);
        assert_string_equal(error.message, cases[i][1]);
    }
}

/* A recorded seed must mean the same for ever: these are pinned. */
static void draws_the_same_for_ever(void **state)
{
    (void)state;
    struct law *law = law_of("uniform(0s,2s)");
    static const int64_t expected[] = {1789369433, 1748223870, 1113000466, 73087620};
    for (uint64_t ordinal = 0; ordinal < ARRAY_LENGTH(expected); ordinal++) {
        assert_int_equal(draw_delay_ns(law, 1, ordinal, DRAW_DEFAULT_RULE), expected[ordinal]);
    }
    law_free(law);
}

static void laws_of_sizes_are_in_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
        int64_t median;
    } cases[] = {
        {"4KiB", "const(4KiB)", 4096},
        {"100", "const(100)", 100},
        {"0", "const(0)", 0},
        {"const(1.5KiB)", "const(1536)", 1536},
        {"uniform(0,1MiB)", "uniform(0,1MiB)", 524288},
        {"mix(1:uniform(1KiB,1KiB),1:7)", NULL, 0},
        {"mix(1:uniform(1KiB,1KiB),3:const(7))", "mix(1:uniform(1KiB,1KiB),3:const(7))", 7},
    };
    const struct law_limits limits = {.max_delay_ns = INT64_C(1) << 20, .sizes = true};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct law *law = NULL;
        int result = law_parse(span_from_string(cases[i].text), &limits, &law, NULL);
        assert_int_equal(result, cases[i].canonical == NULL ? -EINVAL : 0);
        if (result == 0) {
            char memory[128];
            struct buffer text = buffer_over(memory, sizeof memory - 1);
            buffer_append_law(&text, law);
            memory[text.length] = '\0';
            assert_string_equal(memory, cases[i].canonical);
            assert_int_equal(law_sample_ns(law, 0.75), law_quantile_ns(law, 0.75));
            assert_int_equal(law_quantile_ns(law, 0.5), cases[i].median);
            law_free(law);
        }
    }
    struct law *law = NULL;
    struct parse_error error;
    assert_int_equal(law_parse(SPAN("const(2MiB)"), &limits, &law, &error), -EINVAL);
    assert_string_equal(error.message, "2MiB is beyond the maximal size of 1MiB");
    assert_int_equal(law_parse(SPAN("exp(1MiB)"), &limits, &law, &error), -EINVAL);
    assert_string_equal(error.message,
                        "only 63.21 % of this law lies from 0 to the maximal size of "
                        "1MiB, but 99 % must");
    assert_int_equal(law_parse(SPAN("const(1s)"), &limits, &law, &error), -EINVAL);
}

static void owners_share_a_law(void **state)
{
    (void)state;
    const struct law_limits limits = {.max_delay_ns = 1000};
    struct law *law = NULL, *same = NULL, *other = NULL;
    assert_int_equal(law_parse(SPAN("mix(1:const(1ns),1:const(2ns))"), &limits, &law, NULL), 0);
    assert_int_equal(law_parse(SPAN("mix(1:const(1ns), 1:const(2ns))"), &limits, &same, NULL), 0);
    assert_int_equal(law_parse(SPAN("mix(1:const(1ns),2:const(2ns))"), &limits, &other, NULL), 0);
    assert_true(law_equals(law, same) && !law_equals(law, other));
    assert_ptr_equal(law_hold(law), law);
    law_free(law);
    assert_int_equal(law_sample_ns(law, 0.25), 1);
    law_free(law);
    law_free(same);
    law_free(other);
    assert_null(law_hold(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_back_canonically),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(lists_the_laws_there_are),
        cmocka_unit_test(is_bounded_on_hostile_text),
        cmocka_unit_test(knows_when_nothing_is_drawn),
        cmocka_unit_test(reaches_both_ends_of_a_uniform_law),
        cmocka_unit_test(steps_at_a_constant),
        cmocka_unit_test(conditions_laws_with_tails),
        cmocka_unit_test(finds_the_steps_of_a_mix),
        cmocka_unit_test(reads_a_table_of_quantiles),
        cmocka_unit_test(says_why_a_file_cannot_be_read),
        cmocka_unit_test(draws_the_same_for_ever),
        cmocka_unit_test(laws_of_sizes_are_in_bytes),
        cmocka_unit_test(owners_share_a_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
