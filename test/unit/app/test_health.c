#include "app_fixture.h"

static void live_probes_say_ok_whatever_else(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    static const char *const lines[] = {"GET /healthz", "GET /livez", "GET /healthz?x=1"};
    for (unsigned ready = 0; ready < 2; ready++) {
        atomic_store(&fixture.app.ready, ready != 0);
        for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
            const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, lines[i], "");
            assert_status(answer, "200 OK");
            assert_head_line(answer, "content-type: text/plain; charset=utf-8");
            assert_head_line(answer, "content-length: 2");
            assert_string_equal(content_of(answer), "ok");
            /* Never delayed. */
            assert_int_equal(fixture.exchange.delay_ns, ACCESS_DELAY_NONE);
        }
    }
    fixture_close(&fixture);
}

static void ready_says_what_the_server_set(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /readyz", "");
    assert_status(answer, "503 Service Unavailable");
    assert_false(fixture.exchange.refused);
    assert_string_not_equal(content_of(answer), "ok");
    atomic_store(&fixture.app.ready, true);
    answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /readyz", "");
    assert_status(answer, "200 OK");
    assert_string_equal(content_of(answer), "ok");
    assert_int_equal(fixture.exchange.delay_ns, ACCESS_DELAY_NONE);
    atomic_store(&fixture.app.ready, false);
    answer = fixture_answer(&fixture, SURFACE_PUBLIC, "HEAD /readyz", "");
    assert_status(answer, "503 Service Unavailable");
    assert_string_equal(content_of(answer), "");
    fixture_close(&fixture);
}

static void probes_are_counted_and_not_observed(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    static const char *const lines[] = {"GET /healthz", "GET /livez", "GET /readyz"};
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        (void)fixture_answer(&fixture, SURFACE_PUBLIC, lines[i], "");
        fixture_complete(&fixture, 1000);
    }
    assert_page_line(fixture.meter,
                     "httpserver_requests_total{code=\"200\",method=\"GET\",route=\"/healthz\"} 1");
    assert_page_line(fixture.meter,
                     "httpserver_requests_total{code=\"200\",method=\"GET\",route=\"/livez\"} 1");
    assert_page_line(fixture.meter,
                     "httpserver_requests_total{code=\"503\",method=\"GET\",route=\"/readyz\"} 1");
    assert_page_line(fixture.meter, "httpserver_execution_latency_seconds_count{step=\"total\"} 0");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_probes_say_ok_whatever_else),
        cmocka_unit_test(ready_says_what_the_server_set),
        cmocka_unit_test(probes_are_counted_and_not_observed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
