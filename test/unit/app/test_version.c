#include "app_fixture.h"

static void the_version_is_that_of_the_environment(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /version", "");
    assert_status(answer, "200 OK");
    assert_head_line(answer, "content-type: text/plain; charset=utf-8");
    assert_string_equal(content_of(answer), FIXTURE_VERSION);
    assert_int_equal(fixture.exchange.content_bytes, strlen(FIXTURE_VERSION));
    assert_int_equal(fixture.exchange.delay_ns, ACCESS_DELAY_NONE);
    fixture_close(&fixture);
}

static void head_has_the_same_fields_and_no_content(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "HEAD /version", "");
    assert_status(answer, "200 OK");
    char line[64];
    snprintf(line, sizeof line, "content-length: %zu", strlen(FIXTURE_VERSION));
    assert_head_line(answer, line);
    assert_string_equal(content_of(answer), "");
    assert_int_equal(fixture.exchange.content_bytes, 0);
    fixture_close(&fixture);
}

static void it_is_measured_without_a_delay(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /version", "");
    fixture_complete(&fixture, 5000);
    assert_page_line(fixture.meter,
                     "httpserver_request_duration_seconds_count{route=\"/version\"} 1");
    assert_page_line(fixture.meter, "httpserver_injected_delay_seconds_count{route=\"/\"} 0");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_the_environment),
        cmocka_unit_test(head_has_the_same_fields_and_no_content),
        cmocka_unit_test(it_is_measured_without_a_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
