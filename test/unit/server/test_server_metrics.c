#include "worker_fixture.h"

#include "base/compiler.h"

#include <stdio.h>

static struct server_metrics metrics;

static void open_metrics(void)
{
    fixture_open("none", false);
    metrics = (struct server_metrics){.workers = fixture.workers, .worker_count = FIXTURE_WORKERS};
    struct meter_error error = {0};
    assert_int_equal(server_metrics_register(&metrics, fixture.meter, &error), 0);
}

static void all_series_are_there_from_the_start(void **state)
{
    (void)state;
    open_metrics();
    for (unsigned i = CONNECTION_FREE + 1; i < CONNECTION_STATE_COUNT; i++) {
        char line[128];
        snprintf(line, sizeof line, "httpserver_connections{state=\"%s\"} 0",
                 connection_state_name((enum connection_state)i));
        assert_page_line(line);
    }
    for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
        char line[128];
        snprintf(line, sizeof line, "httpserver_connections_closed_total{reason=\"%s\"} 0",
                 close_reason_name((enum close_reason)i));
        assert_page_line(line);
    }
    assert_page_line("httpserver_requests_in_flight 0");
    assert_page_line("httpserver_connections_accepted_total 0");
    assert_page_line("httpserver_accept_pauses_total 0");
    /* Also without an access log. */
    assert_page_line("httpserver_access_log_lines_dropped_total 0");
    /* A slot that nobody uses is no connection. */
    assert_false(page_has_line("httpserver_connections{state=\"free\"} 0"));
    fixture_close();
}

static void types_are_as_documented(void **state)
{
    (void)state;
    open_metrics();
    assert_page_line("# TYPE httpserver_connections gauge");
    assert_page_line("# TYPE httpserver_requests_in_flight gauge");
    assert_page_line("# TYPE httpserver_connections_accepted_total counter");
    assert_page_line("# TYPE httpserver_connections_closed_total counter");
    assert_page_line("# TYPE httpserver_accept_pauses_total counter");
    assert_page_line("# TYPE httpserver_access_log_lines_dropped_total counter");
    fixture_close();
}

/* Each counter of each worker has a value of its own, so that none can pass for another. */
static void the_workers_counters_are_summed(void **state)
{
    (void)state;
    open_metrics();
    for (unsigned worker = 0; worker < FIXTURE_WORKERS; worker++) {
        struct engine *engine = &fixture.workers[worker].engine;
        uint64_t value = worker == 0 ? 1 : 1000;
        for (unsigned i = CONNECTION_FREE; i < CONNECTION_STATE_COUNT; i++) {
            engine->states[i] = value * (i + 1);
        }
        for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
            engine->closed[i] = value * (i + 101);
        }
        engine->accepted = value * 201;
        engine->accept_pauses = value * 301;
        engine->accept_failures = value * 401;
    }
    for (unsigned i = CONNECTION_FREE + 1; i < CONNECTION_STATE_COUNT; i++) {
        char line[128];
        snprintf(line, sizeof line, "httpserver_connections{state=\"%s\"} %u",
                 connection_state_name((enum connection_state)i), 1001 * (i + 1));
        assert_page_line(line);
    }
    for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
        char line[128];
        snprintf(line, sizeof line, "httpserver_connections_closed_total{reason=\"%s\"} %u",
                 close_reason_name((enum close_reason)i), 1001 * (i + 101));
        assert_page_line(line);
    }
    char line[128];
    unsigned in_flight =
        1001 * (CONNECTION_BODY + CONNECTION_WAITING + CONNECTION_WRITING + CONNECTION_PAUSED + 4);
    snprintf(line, sizeof line, "httpserver_requests_in_flight %u", in_flight);
    assert_page_line(line);
    assert_page_line("httpserver_connections_accepted_total 201201");
    assert_page_line("httpserver_accept_pauses_total 301301");
    fixture_close();
}

static void registering_twice_is_an_error(void **state)
{
    (void)state;
    open_metrics();
    struct meter_error error = {0};
    assert_true(server_metrics_register(&metrics, fixture.meter, &error) < 0);
    assert_non_null(strstr(error.text, "httpserver_connections"));
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_series_are_there_from_the_start),
        cmocka_unit_test(types_are_as_documented),
        cmocka_unit_test(the_workers_counters_are_summed),
        cmocka_unit_test(registering_twice_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
