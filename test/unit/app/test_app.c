#include "app_fixture.h"

static void unknown_paths_are_not_found(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    static const char *const lines[] = {"GET /x", "POST /x", "HEAD //", "OPTIONS /x", "TRACE /x"};
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, lines[i], "");
        assert_status(answer, "404 Not Found");
        assert_int_equal(fixture.exchange.route, ROUTE_OTHER);
        assert_true(fixture.exchange.refused);
        assert_true((content_of(answer)[0] == '\0') == (strncmp(lines[i], "HEAD", 4) == 0));
    }
    fixture_close(&fixture);
}

static void methods_that_a_path_lacks_are_answered_405_with_allow(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    static const struct {
        const char *line;
        const char *allow;
    } cases[] = {
        {"POST /healthz", "allow: GET, HEAD, OPTIONS"},
        {"DELETE /metrics", "allow: GET, HEAD, OPTIONS"},
        {"PUT /version", "allow: GET, HEAD, OPTIONS"},
        {"TRACE /", "allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, cases[i].line, "");
        assert_status(answer, "405 Method Not Allowed");
        assert_head_line(answer, cases[i].allow);
        assert_true(fixture.exchange.refused);
        assert_int_equal(fixture.exchange.delay_ns, ACCESS_DELAY_NONE);
    }
    fixture_close(&fixture);
}

static void options_tells_the_methods_without_content(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    static const struct {
        const char *line;
        const char *allow;
    } cases[] = {
        {"OPTIONS /", "allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"},
        {"OPTIONS *", "allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"},
        {"OPTIONS /readyz", "allow: GET, HEAD, OPTIONS"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, cases[i].line, "");
        assert_status(answer, "204 No Content");
        assert_head_line(answer, cases[i].allow);
        /* RFC 9110, section 8.6: no Content-Length in a 204. */
        assert_null(strstr(answer, "content-length"));
        assert_string_equal(content_of(answer), "");
        assert_int_equal(fixture.exchange.delay_ns, ACCESS_DELAY_NONE);
    }
    fixture_close(&fixture);
}

static void listeners_have_the_routes_of_their_surface(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", false);
    assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", ""), "200 OK");
    assert_status(fixture_answer(&fixture, SURFACE_ADMIN, "GET /", ""), "404 Not Found");
    assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /version", ""), "200 OK");
    assert_status(fixture_answer(&fixture, SURFACE_ADMIN, "GET /version", ""), "404 Not Found");
    assert_status(fixture_answer(&fixture, SURFACE_ADMIN, "GET /healthz", ""), "200 OK");
    assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /healthz", ""), "404 Not Found");
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /metrics", "");
    assert_int_equal(fixture.exchange.status, 404);
    fixture_close(&fixture);
}

static void the_client_behind_a_trusted_proxy_is_named(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    static const char fields[] = "X-Forwarded-For: 198.51.100.7\r\n";
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", fields);
    assert_memory_equal(fixture.exchange.client.bytes, ((uint8_t[]){127, 0, 0, 1}), 4);
    assert_int_equal(fixture.exchange.client.port, 9);
    struct network loopback = {.bytes = {127}, .family = AF_INET, .prefix_bits = 8};
    fixture.app.settings.trusted = (struct trusted_networks){&loopback, 1};
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", fields);
    assert_memory_equal(fixture.exchange.client.bytes, ((uint8_t[]){198, 51, 100, 7}), 4);
    /* Of refused requests, too. */
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /x", fields);
    assert_memory_equal(fixture.exchange.client.bytes, ((uint8_t[]){198, 51, 100, 7}), 4);
    fixture_close(&fixture);
}

/* docs/metrics.md: refused requests and those whose client left are counted, not observed. */
static void what_is_not_a_latency_is_not_observed(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /x", "");
    fixture_complete(&fixture, 1000);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "OPTIONS /", "");
    fixture_complete(&fixture, 1000);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", "");
    fixture.exchange.status = 499;
    fixture_complete(&fixture, 1000);
    fixture_begin(&fixture, SURFACE_PUBLIC, "POST /", "Content-Length: 5\r\n");
    fixture.exchange.status = 413;
    fixture.exchange.refused = true;
    fixture_complete(&fixture, 1000);
    assert_page_line(fixture.meter, "httpserver_execution_latency_seconds_count{step=\"total\"} 0");
    assert_page_line(fixture.meter, "httpserver_injected_delay_seconds_count{route=\"/\"} 0");
    static const char *const lines[] = {
        "httpserver_requests_total{code=\"404\",method=\"GET\",route=\"other\"} 1",
        "httpserver_requests_total{code=\"204\",method=\"OPTIONS\",route=\"/\"} 1",
        "httpserver_requests_total{code=\"499\",method=\"GET\",route=\"/\"} 1",
        "httpserver_requests_total{code=\"413\",method=\"POST\",route=\"/\"} 1",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        assert_page_line(fixture.meter, lines[i]);
    }
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
    fixture.exchange.waited_ns = 1500000;
    fixture_complete(&fixture, 1600000);
    assert_page_line(fixture.meter, "httpserver_execution_latency_seconds_count{step=\"total\"} 1");
    assert_page_line(fixture.meter, "httpserver_delay_overshoot_seconds_bucket{route=\"/\","
                                    "le=\"0.000512\"} 1");
    fixture_close(&fixture);
}

static void the_law_can_be_replaced(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
    assert_int_equal(fixture.exchange.delay_ns, INT64_C(2000000000));
    fixture_complete(&fixture, 1);
    struct law_limits limits = {.max_delay_ns = INT64_C(60000000000)};
    struct law *law = NULL;
    assert_int_equal(law_parse(SPAN("const(3s)"), &limits, &law, NULL), 0);
    assert_int_equal(app_replace_law(&fixture.app, law), 0);
    law_free(law);
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
    assert_string_equal(content_of(answer), "<h1>3000</h1>");
    fixture_complete(&fixture, 1);
    assert_page_line(fixture.meter, "httpserver_expected_latency_mean_seconds{route=\"/\"} 3");

    struct rule_program program = {0};
    rule_definition_of_index(&program.index, fixture.law);
    assert_int_equal(app_replace_rules(&fixture.app, &program), 0);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
    assert_int_equal(fixture.exchange.delay_ns, INT64_C(2000000000));
    fixture_close(&fixture);
}

static void an_error_of_the_rules_is_answered_in_place_of_the_route(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct rule_program program = {0};
    rule_definition_of_index(&program.index, fixture.law);
    assert_int_equal(fault_errors_parse(SPAN("1:503"), &program.index.errors, NULL), 0);
    assert_int_equal(app_replace_rules(&fixture.app, &program), 0);
    assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", ""), "503 Service Unavailable");
    assert_false(fixture.exchange.refused);
    assert_true(content_of(fixture_answer(&fixture, SURFACE_PUBLIC, "HEAD /", ""))[0] == '\0');
    assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /healthz", ""), "200 OK");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_paths_are_not_found),
        cmocka_unit_test(methods_that_a_path_lacks_are_answered_405_with_allow),
        cmocka_unit_test(options_tells_the_methods_without_content),
        cmocka_unit_test(listeners_have_the_routes_of_their_surface),
        cmocka_unit_test(the_client_behind_a_trusted_proxy_is_named),
        cmocka_unit_test(what_is_not_a_latency_is_not_observed),
        cmocka_unit_test(the_law_can_be_replaced),
        cmocka_unit_test(an_error_of_the_rules_is_answered_in_place_of_the_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
