#include "app_fixture.h"

#include "latency/draw.h"

static void the_answer_says_the_delay_and_repeats_the_fields(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(86.039875ms)", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /",
                  "X-Request-ID: 7\r\nCookie: secret=1\r\nAccept: */*\r\nx-request-id: 8\r\n");
    assert_int_equal(fixture.exchange.delay_ns, 86039875);
    assert_int_equal(fixture.exchange.status, 200);
    assert_false(fixture.exchange.refused);
    const char *answer = fixture_respond(&fixture);
    char wanted[1024];
    snprintf(wanted, sizeof wanted,
             "HTTP/1.1 200 OK\r\ndate: %.*s\r\ncontent-type: text/html; charset=utf-8\r\n"
             "version: %s\r\nHost: a.example\r\nX-Request-ID: 7\r\nAccept: */*\r\n"
             "server-timing: delay;dur=86.039875\r\ncontent-length: 11\r\n\r\n<h1>86</h1>",
             (int)DATE_BYTES, fixture.clock.date, FIXTURE_VERSION);
    assert_string_equal(answer, wanted);
    assert_int_equal(fixture.exchange.content_bytes, 11);
    fixture_close(&fixture);
}

static void milliseconds_are_rounded_down_and_the_timing_is_exact(void **state)
{
    (void)state;
    static const struct {
        const char *law;
        const char *timing;
        const char *content;
    } cases[] = {
        {"none", "server-timing: delay;dur=0.000000", "<h1>0</h1>"},
        {"const(0s)", "server-timing: delay;dur=0.000000", "<h1>0</h1>"},
        {"const(1ns)", "server-timing: delay;dur=0.000001", "<h1>0</h1>"},
        {"const(999999ns)", "server-timing: delay;dur=0.999999", "<h1>0</h1>"},
        {"const(1ms)", "server-timing: delay;dur=1.000000", "<h1>1</h1>"},
        {"const(1999999ns)", "server-timing: delay;dur=1.999999", "<h1>1</h1>"},
        {"const(2s)", "server-timing: delay;dur=2000.000000", "<h1>2000</h1>"},
        {"const(60s)", "server-timing: delay;dur=60000.000000", "<h1>60000</h1>"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct app_fixture fixture;
        fixture_open(&fixture, cases[i].law, true);
        const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
        assert_head_line(answer, cases[i].timing);
        assert_string_equal(content_of(answer), cases[i].content);
        fixture_close(&fixture);
    }
}

static void every_method_of_the_route_draws(void **state)
{
    (void)state;
    static const char *const lines[] = {"GET /", "HEAD /",  "POST /",
                                        "PUT /", "PATCH /", "DELETE /"};
    struct app_fixture fixture;
    fixture_open(&fixture, "uniform(0s,2s)", true);
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        fixture_begin(&fixture, SURFACE_PUBLIC, lines[i], "");
        assert_int_equal(fixture.exchange.status, 200);
        assert_int_equal(fixture.exchange.ordinal, i);
        assert_int_equal(fixture.exchange.delay_ns,
                         draw_delay_ns(fixture.law, FIXTURE_SEED_KEY, i, DRAW_DEFAULT_RULE));
        const char *answer = fixture_respond(&fixture);
        assert_status(answer, "200 OK");
        assert_true((strcmp(content_of(answer), "") == 0) == (strncmp(lines[i], "HEAD", 4) == 0));
    }
    /* What `/` does not answer draws nothing. */
    fixture_begin(&fixture, SURFACE_PUBLIC, "OPTIONS /", "");
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /nothing", "");
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /healthz", "");
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", "");
    assert_int_equal(fixture.exchange.ordinal, ARRAY_LENGTH(lines));
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_says_the_delay_and_repeats_the_fields),
        cmocka_unit_test(milliseconds_are_rounded_down_and_the_timing_is_exact),
        cmocka_unit_test(every_method_of_the_route_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
