#include "app_fixture.h"

#include "app/live_json.h"

static const char *second_in(struct app_fixture *fixture, struct truth_series *series,
                             const struct rule_views *views, size_t capacity, bool *ret_overflowed)
{
    struct live_second second = {.realtime_ns = 1500000000,
                                 .covered_ns = 1000000000,
                                 .rules = views,
                                 .series = series,
                                 .codes = {[200] = 2, [503] = 1}};
    assert_true(capacity < sizeof fixture->output);
    struct buffer out = buffer_over(fixture->output, capacity);
    live_json_second(&fixture->app, &second, &out);
    fixture->output[out.length] = '\0';
    *ret_overflowed = out.overflowed;
    return fixture->output;
}

/* Whatever the room: what is told is whole, and what is not is counted. */
static void what_has_no_room_is_left_out_and_counted(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
    fixture_complete(&fixture, 2000000);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /version", "");
    fixture_complete(&fixture, 3000000);
    struct truth_series *series = truth_series_new(fixture.app.truth.truth, &live_question);
    assert_non_null(series);
    struct rule_views views;
    rule_book_step(&fixture.app.rules, series, &views);
    bool overflowed = true;
    const char *text = second_in(&fixture, series, &views, 8000, &overflowed);
    assert_false(overflowed);
    static const char start[] = "{\"time\":1.5,\"covered_seconds\":1,\"in_flight\":0,\"viewers\":0,"
                                "\"codes\":{\"200\":2,\"503\":1},\"rules\":[";
    assert_memory_equal(text, start, sizeof start - 1);
    assert_non_null(strstr(text, "\"rule\":\"default\""));
    assert_non_null(strstr(text, "\"route\":\"/version\""));
    static const char end[] = "],\"left_out\":0}";
    assert_string_equal(text + strlen(text) - (sizeof end - 1), end);
    unsigned seen = 0; /* set of how many were left out */
    for (size_t capacity = strlen(text) + 64; capacity > sizeof start + 64; capacity--) {
        text = second_in(&fixture, series, &views, capacity, &overflowed);
        assert_false(overflowed);
        const char *told = strstr(text, "],\"left_out\":");
        assert_non_null(told);
        unsigned left_out = (unsigned)atoi(told + 13);
        unsigned entries = strstr(text, "\"rule\":\"default\"") != NULL ? 1 : 0;
        entries += strstr(text, "\"route\":\"/version\"") != NULL ? 1 : 0;
        assert_int_equal(left_out + entries, 2);
        assert_string_equal(told + 14, "}");
        seen |= 1U << left_out;
    }
    assert_int_equal(seen, 7);
    /* Without room for the rest it is said, too. */
    (void)second_in(&fixture, series, &views, 40, &overflowed);
    assert_true(overflowed);
    rule_book_release(&fixture.app.rules, &views);
    truth_series_free(series);
    fixture_close(&fixture);
}

/* Nothing was requested: the rule of the options is told of all the same. */
static void without_requests_the_default_rule_is_told(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct truth_series *series = truth_series_new(fixture.app.truth.truth, &live_question);
    assert_non_null(series);
    struct rule_views views;
    rule_book_step(&fixture.app.rules, series, &views);
    bool overflowed = true;
    const char *text = second_in(&fixture, series, &views, 8000, &overflowed);
    assert_non_null(strstr(text, "\"rule\":\"default\",\"in_force\":true,\"draws\":0,\"law\":null,"
                                 "\"count\":0,\"bins\":[],\"overshoot_seconds\":null,"
                                 "\"minute\":{\"count\":0,\"sum_seconds\":0,\"quantiles\":[],"));
    rule_book_release(&fixture.app.rules, &views);
    truth_series_free(series);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_room_is_left_out_and_counted),
        cmocka_unit_test(without_requests_the_default_rule_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
