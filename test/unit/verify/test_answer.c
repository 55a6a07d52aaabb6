#include "../cmocka_includes.h"

#include "verify/prometheus.h"
#include "verify/samples.h"
#include "verify/testimony.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *json_of(const char *text)
{
    json_error_t why;
    json_t *document = json_loads(text, 0, &why);
    if (document == NULL) {
        fail_msg("%s: %s", text, why.text);
    }
    return document;
}

static void wrong_types_read_as_nothing(void **state)
{
    (void)state;
    json_t *object =
        json_of("{\"text\": \"a\", \"number\": 2.5, \"inf\": \"+Inf\", \"list\": [1],"
                " \"null\": null, \"nan\": \"NaN\", \"junk\": \"12x\", \"space\": \" 1\"}");
    assert_string_equal(answer_text(object, "text"), "a");
    assert_string_equal(answer_text(object, "number"), "");
    assert_string_equal(answer_text(object, "absent"), "");
    assert_string_equal(answer_text(NULL, "text"), "");
    assert_true(answer_number(object, "number") == 2.5);
    assert_true(isinf(answer_number(object, "inf")));
    static const char *const none[] = {"text", "list", "null", "nan", "junk", "space", "absent"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_true(isnan(answer_number(object, none[i])));
    }
    assert_non_null(answer_member(object, "list"));
    assert_null(answer_member(object, "text"));
    assert_null(answer_member(NULL, "list"));
    json_decref(object);
}

static void labels_include_others(void **state)
{
    (void)state;
    json_t *whole = json_of("{\"job\": \"a\", \"instance\": \"b\", \"le\": \"1\"}");
    json_t *part = json_of("{\"job\": \"a\", \"instance\": \"b\"}");
    json_t *other = json_of("{\"job\": \"x\"}"), *odd = json_of("{\"job\": 1}");
    assert_true(answer_labels_include(whole, part));
    assert_false(answer_labels_include(part, whole));
    assert_false(answer_labels_include(whole, other));
    assert_false(answer_labels_include(whole, odd));
    assert_false(answer_labels_include(NULL, part));
    json_decref(whole);
    json_decref(part);
    json_decref(other);
    json_decref(odd);
}

static void reads_durations_of_prometheus(void **state)
{
    (void)state;
    assert_true(prometheus_duration("15s") == 15);
    assert_true(prometheus_duration("1m0s") == 60);
    assert_true(prometheus_duration("500ms") == 0.5);
    assert_true(prometheus_duration("1h30m") == 5400);
    assert_true(prometheus_duration("1d") == 86400);
    static const char *const none[] = {"", "s", "15", "15x", "15s ", "-1s", "1e3s", "mm"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_true(isnan(prometheus_duration(none[i])));
    }
}

static void matchers_cannot_be_left(void **state)
{
    (void)state;
    char memory[256];
    struct buffer text = buffer_over(memory, sizeof memory - 1);
    const char *one[] = {"a\"} or vector(1) #\\\n"};
    buffer_append_matcher(&text, "job", one, 1);
    memory[text.length] = '\0';
    assert_string_equal(memory, "job=\"a\\\"} or vector(1) #\\\\\\n\"");
    text.length = 0;
    const char *two[] = {"10.0.0.1:80", "a|b"};
    buffer_append_matcher(&text, "instance", two, 2);
    memory[text.length] = '\0';
    assert_string_equal(memory, "instance=~\"10\\\\.0\\\\.0\\\\.1:80|a\\\\|b\"");
}

#define TRUTH                                                                                      \
    "{\"instance\": \"i\", \"seed\": \"7\", \"started\": 100.5, \"now\": 200, \"from\": 150, "     \
    "\"to\": 190, \"whole_window\": true, \"bounds_seconds\": [1, 2], \"scrapes_total\": 2,"       \
    " \"total\": {\"served\": {\"count\": 3, \"min_seconds\": 0.1, \"max_seconds\": 3,"            \
    " \"quantiles\": {\"0.5\": 1.5, \"0.9\": null}, \"buckets\": [1, 2, 3]}},"                     \
    " \"rules\": [{\"law\": null}, {\"law\": \"const(1s)\", \"law_expected\": {}}],"               \
    " \"scrapes\": [{\"time\": 160, \"ended\": 160.1, \"execution_latency_count\": 1,"             \
    " \"execution_latency_sum_seconds\": 0.5, \"buckets\": [1, 1, 1], \"requests_left_out\": 0,"   \
    " \"requests_total\": [{\"route\": \"/\", \"method\": \"GET\", \"code\": \"200\","             \
    " \"count\": 1}]}, {\"time\": 170, \"ended\": 170.1, \"execution_latency_count\": 3,"          \
    " \"execution_latency_sum_seconds\": 4.5, \"buckets\": [1, 2, 3], \"requests_left_out\": 0,"   \
    " \"requests_total\": [{\"route\": \"/\", \"method\": \"GET\", \"code\": \"200\","             \
    " \"count\": 3}]}]}"

static struct testimony truth_of(const char *text)
{
    struct testimony truth;
    char error[HTTP_CLIENT_ERROR_BYTES];
    if (testimony_read(json_of(text), &truth, error) != 0) {
        fail_msg("%s", error);
    }
    return truth;
}

static void reads_what_a_server_says(void **state)
{
    (void)state;
    struct testimony truth = truth_of(TRUTH);
    assert_string_equal(truth.law, "const(1s)");
    assert_int_equal(truth.bound_count, 2);
    assert_true(truth.buckets[2] == 3 && truth.count == 3);
    assert_int_equal(truth.quantile_count, 2);
    assert_true(truth.ranks[0] == 0.5 && truth.quantiles[0] == 1.5 && isnan(truth.quantiles[1]));
    testimony_free(&truth);
}

/* Each of these members gone, or of another type, is an error that names it; never a fault. */
static void malformed_truth_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path[3];
        const char *value;
    } cases[] = {
        {{"started"}, "\"yesterday\""},
        {{"to"}, "null"},
        {{"scrapes"}, "{}"},
        {{"scrapes_total"}, "[]"},
        {{"bounds_seconds"}, "[2, 1]"},
        {{"bounds_seconds"}, "[]"},
        {{"bounds_seconds"}, "[1]"},
        {{"bounds_seconds"}, "[1, \"x\"]"},
        {{"total"}, "3"},
        {{"total", "served"}, "null"},
        {{"total", "served", "count"}, "-1"},
        {{"total", "served", "buckets"}, "[1, 2]"},
        {{"total", "served", "buckets"}, "[3, 2, 1]"},
        {{"total", "served", "quantiles"},
         "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,"
         "\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1,\"17\":1}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *document = json_of(TRUTH);
        json_t *at = document;
        size_t depth = 0;
        while (depth < 2 && cases[i].path[depth + 1] != NULL) {
            at = json_object_get(at, cases[i].path[depth++]);
        }
        json_error_t why;
        json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, &why);
        assert_int_equal(json_object_set_new(at, cases[i].path[depth], value), 0);
        struct testimony truth;
        char error[HTTP_CLIENT_ERROR_BYTES] = "";
        if (testimony_read(document, &truth, error) == 0) {
            fail_msg("%s = %s passed", cases[i].path[depth], cases[i].value);
        }
        assert_non_null(strstr(error, "not as docs/truth.md says"));
        assert_null(truth.document);
    }
    struct testimony truth;
    char error[HTTP_CLIENT_ERROR_BYTES];
    assert_int_equal(testimony_read(json_of("[]"), &truth, error), -EPROTO);
}

/* Series of one target with samples at 160 and 170; `%s` is the last count. */
#define SERIES                                                                                     \
    "[{\"metric\": {\"__name__\": \"httpserver_requests_total\", \"route\": \"/\","                \
    " \"method\": \"GET\", \"code\": \"200\"}, \"values\": [[160, \"1\"], [170, \"%s\"]]},"        \
    " {\"metric\": {\"__name__\": \"httpserver_execution_latency_seconds_bucket\","                \
    " \"le\": \"%s\"}, \"values\": [[160, \"1\"], [170, \"2\"]]}]"

static struct samples_difference compare(const char *count, const char *le, size_t drop)
{
    char text[2048];
    snprintf(text, sizeof text, SERIES, count, le);
    json_t *series = json_of(text);
    if (drop < 2) {
        json_array_remove(series, drop);
    }
    struct samples samples;
    struct samples_difference difference;
    struct testimony truth = truth_of(TRUTH);
    assert_int_equal(samples_layout(series, &samples), 0);
    samples_compare(&samples, &truth, 0.02, 1, &difference);
    samples_free(&samples);
    testimony_free(&truth);
    return difference;
}

static void samples_are_compared_exactly_both_ways(void **state)
{
    (void)state;
    struct samples_difference same = compare("3", "2", 2);
    assert_int_equal(same.rows, 2);
    assert_int_equal(same.equal, 2);
    struct samples_difference other = compare("3.0000000001", "2", 2);
    assert_int_equal(other.equal, 1);
    assert_true(other.time == 170 && other.rendered == 3);
    assert_non_null(strstr(other.series, "httpserver_requests_total{route=\"/\""));
    assert_int_equal(compare("3", "3", 2).equal, 0); /* a bound that was not rendered */
    assert_int_equal(compare("3", "2", 0).equal, 0); /* a counter that was not stored */
    assert_int_equal(compare("3", "2", 1).equal, 2);
}

static void malformed_series_are_refused(void **state)
{
    (void)state;
    struct samples samples;
    assert_int_equal(samples_layout(json_of("[{\"values\": [[\"x\", \"1\"]]}]"), &samples),
                     -EPROTO);
    assert_int_equal(samples_layout(json_of("[{\"values\": [1]}]"), &samples), -EPROTO);
    assert_int_equal(samples_layout(json_of("[null, {\"values\": 3}]"), &samples), 0);
    assert_int_equal(samples.row_count, 0);
    samples_free(&samples);
    assert_int_equal(samples_layout(json_of("[{\"values\": [[1, \"?\"], [2, 3]]}]"), &samples), 0);
    assert_true(isnan(samples_value(&samples, 0, 0)) && samples_value(&samples, 1, 0) == 3);
    samples_free(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_types_read_as_nothing),
        cmocka_unit_test(labels_include_others),
        cmocka_unit_test(reads_durations_of_prometheus),
        cmocka_unit_test(matchers_cannot_be_left),
        cmocka_unit_test(reads_what_a_server_says),
        cmocka_unit_test(malformed_truth_is_refused),
        cmocka_unit_test(samples_are_compared_exactly_both_ways),
        cmocka_unit_test(malformed_series_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
