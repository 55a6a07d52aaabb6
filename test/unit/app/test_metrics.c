#include "app_fixture.h"

#include <pthread.h>

static struct exchange exchange_of(enum route route, enum method method, uint16_t status)
{
    return (struct exchange){.delay_ns = ACCESS_DELAY_NONE,
                             .route = (uint8_t)route,
                             .method = (uint8_t)method,
                             .status = status};
}

static void requests_are_counted_by_route_method_and_status(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    assert_false(page_has_prefix(fixture.meter, "httpserver_requests_total{"));
    static const struct {
        enum route route;
        enum method method;
        uint16_t status;
        unsigned times;
        const char *line;
    } cases[] = {
        {ROUTE_INDEX, METHOD_GET, 200, 3,
         "httpserver_requests_total{code=\"200\",method=\"GET\",route=\"/\"} 3"},
        {ROUTE_INDEX, METHOD_GET, 499, 1,
         "httpserver_requests_total{code=\"499\",method=\"GET\",route=\"/\"} 1"},
        {ROUTE_OTHER, METHOD_OTHER, 501, 2,
         "httpserver_requests_total{code=\"501\",method=\"other\",route=\"other\"} 2"},
        {ROUTE_METRICS, METHOD_PATCH, 405, 1,
         "httpserver_requests_total{code=\"405\",method=\"PATCH\",route=\"/metrics\"} 1"},
        /* The ends of what fits. */
        {ROUTE_OTHER, METHOD_GET, 100, 1,
         "httpserver_requests_total{code=\"100\",method=\"GET\",route=\"other\"} 1"},
        {ROUTE_VERSION, METHOD_COUNT - 1, 999, 1,
         "httpserver_requests_total{code=\"999\",method=\"PATCH\",route=\"/version\"} 1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct exchange exchange = exchange_of(cases[i].route, cases[i].method, cases[i].status);
        for (unsigned time = 0; time < cases[i].times; time++) {
            request_counts_add(fixture.worker.counts, &exchange);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_page_line(fixture.meter, cases[i].line);
    }
    fixture_close(&fixture);
}

struct counting {
    struct request_counts *counts;
    unsigned times;
};

static void *count_many(void *argument)
{
    const struct counting *counting = argument;
    struct exchange exchange = exchange_of(ROUTE_INDEX, METHOD_GET, 200);
    for (unsigned i = 0; i < counting->times; i++) {
        request_counts_add(counting->counts, &exchange);
    }
    return NULL;
}

static void the_counts_of_workers_are_summed_while_they_count(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct app_worker other;
    assert_int_equal(app_worker_init(&other, &fixture.app, 8), 0);
    struct counting counting[] = {{fixture.worker.counts, 3000}, {other.counts, 5000}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, &counting[i]), 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        (void)page_has_line(fixture.meter, "#");
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_page_line(fixture.meter,
                     "httpserver_requests_total{code=\"200\",method=\"GET\",route=\"/\"} 8000");
    meter_free(fixture.meter);
    app_worker_destroy(&other);
    app_worker_destroy(&fixture.worker);
    app_destroy(&fixture.app);
    law_free(fixture.law);
}

/* docs/metrics.md: 0.001·2^k for k = 0..14. */
static void the_latency_families_have_the_documented_bounds(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    static const char *const bounds[] = {"0.001", "0.002", "0.004",  "0.008", "0.016", "0.032",
                                         "0.064", "0.128", "0.256",  "0.512", "1.024", "2.048",
                                         "4.096", "8.192", "16.384", "+Inf"};
    static const char *const series[] = {
        "httpserver_execution_latency_seconds_bucket{step=\"total\"",
        "httpserver_request_duration_seconds_bucket{route=\"/\"",
        "httpserver_request_duration_seconds_bucket{route=\"/version\"",
        "httpserver_injected_delay_seconds_bucket{route=\"/\"",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(series); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(bounds); k++) {
            char line[160];
            snprintf(line, sizeof line, "%s,le=\"%s\"} 0", series[i], bounds[k]);
            assert_page_line(fixture.meter, line);
        }
    }
    assert_page_line(fixture.meter, "# HELP httpserver_execution_latency_seconds Time spent.");
    assert_page_line(fixture.meter, "# TYPE httpserver_execution_latency_seconds histogram");
    assert_page_line(fixture.meter, "httpserver_delay_overshoot_seconds_bucket{route=\"/\","
                                    "le=\"1e-06\"} 0");
    fixture_close(&fixture);
}

/* So that sums by `le` stay right. */
static void nothing_but_the_total_is_in_execution_latency(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    size_t length = 0;
    char *page = meter_render(fixture.meter, METER_TEXT, &length);
    assert_non_null(page);
    unsigned lines = 0;
    static const char name[] = "\nhttpserver_execution_latency_seconds_";
    for (const char *at = page; (at = strstr(at, name)) != NULL; at++) {
        size_t line_length = strcspn(at + 1, "\n");
        assert_non_null(memmem(at, line_length, "{step=\"total\"", 13));
        lines++;
    }
    assert_int_equal(lines, 18); /* sixteen buckets, sum and count */
    free(page);
    fixture_close(&fixture);
}

/* Routes that are not measured have no series, or dashboards would show zeros. */
static void only_measured_routes_have_durations(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (unsigned route = 0; route < ROUTE_COUNT; route++) {
        const struct route_entry *entry = route_at((enum route)route);
        char prefix[128];
        snprintf(prefix, sizeof prefix, "httpserver_request_duration_seconds_count{route=\"%s\"}",
                 entry->pattern.data);
        bool shown = entry->measured && !entry->on_demand;
        assert_int_equal(page_has_prefix(fixture.meter, prefix), shown);
        assert_int_equal(fixture.app.metrics.request_duration[route] != NULL, shown);
    }
    fixture_close(&fixture);
}

/* Those of routes that few use begin with the first request, and page and truth then agree. */
static void some_durations_begin_with_the_first_request(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (unsigned i = 0; i < 2; i++) {
        assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /delay/2ms", ""), "200 OK");
        fixture.exchange.waited_ns = 2500000;
        fixture_complete(&fixture, 3000000);
    }
    static const char *const lines[] = {
        "httpserver_request_duration_seconds_count{route=\"/delay/{law}\"} 2",
        "httpserver_injected_delay_seconds_sum{route=\"/delay/{law}\"} 0.004",
        "httpserver_delay_overshoot_seconds_sum{route=\"/delay/{law}\"} 0.001",
        "httpserver_execution_latency_seconds_count{step=\"total\"} 2",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        assert_page_line(fixture.meter, lines[i]);
    }
    fixture_close(&fixture);
}

static void observed(struct app_fixture *fixture, int64_t delay_ns, int64_t waited_ns,
                     int64_t total_ns)
{
    struct exchange exchange = exchange_of(ROUTE_INDEX, METHOD_GET, 200);
    exchange.started_ns = 1000;
    exchange.delay_ns = delay_ns;
    exchange.waited_ns = waited_ns;
    struct completion completion = {.exchange = &exchange, .completed_ns = 1000 + total_ns};
    app_metrics_observe(&fixture->app.metrics, &completion);
}

static void what_is_observed_is_in_its_bucket(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    /* Bounds are inclusive, as `le` says. */
    observed(&fixture, 1000000, 1000000, 2000000);
    observed(&fixture, 3000000, 3003000, 20000000000);
    observed(&fixture, ACCESS_DELAY_NONE, 0, 0);
    observed(&fixture, 0, 0, 1000);
    static const char *const lines[] = {
        "httpserver_execution_latency_seconds_bucket{step=\"total\",le=\"0.001\"} 2",
        "httpserver_execution_latency_seconds_bucket{step=\"total\",le=\"0.002\"} 3",
        "httpserver_execution_latency_seconds_bucket{step=\"total\",le=\"16.384\"} 3",
        "httpserver_execution_latency_seconds_bucket{step=\"total\",le=\"+Inf\"} 4",
        "httpserver_execution_latency_seconds_count{step=\"total\"} 4",
        "httpserver_request_duration_seconds_count{route=\"/\"} 4",
        "httpserver_request_duration_seconds_count{route=\"/version\"} 0",
        /* Without a delay nothing was injected; a delay of zero was. */
        "httpserver_injected_delay_seconds_bucket{route=\"/\",le=\"0.001\"} 2",
        "httpserver_injected_delay_seconds_bucket{route=\"/\",le=\"0.004\"} 3",
        "httpserver_injected_delay_seconds_count{route=\"/\"} 3",
        "httpserver_injected_delay_seconds_sum{route=\"/\"} 0.004",
        "httpserver_delay_overshoot_seconds_bucket{route=\"/\",le=\"1e-06\"} 2",
        "httpserver_delay_overshoot_seconds_bucket{route=\"/\",le=\"2e-06\"} 2",
        "httpserver_delay_overshoot_seconds_bucket{route=\"/\",le=\"4e-06\"} 3",
        "httpserver_delay_overshoot_seconds_count{route=\"/\"} 3",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        assert_page_line(fixture.meter, lines[i]);
    }
    fixture_close(&fixture);
}

/* uniform(0s,2s): the quantile of q is 2q seconds, the mean one second. */
static void the_law_is_stated_beside_the_measurement(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "uniform(0s,2s)", true);
    static const char *const lines[] = {
        "httpserver_expected_latency_mean_seconds{route=\"/\"} 1",
        "httpserver_expected_latency_quantile_seconds{q=\"0.5\",route=\"/\"} 1",
        "httpserver_expected_latency_quantile_seconds{q=\"0.9\",route=\"/\"} 1.8",
        "httpserver_expected_latency_quantile_seconds{q=\"0.95\",route=\"/\"} 1.9",
        "httpserver_expected_latency_quantile_seconds{q=\"0.99\",route=\"/\"} 1.98",
        "httpserver_expected_latency_quantile_seconds{q=\"0.999\",route=\"/\"} 1.998",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        assert_page_line(fixture.meter, lines[i]);
    }
    fixture_close(&fixture);
}

static void the_page_says_who_it_is_and_has_what_scrapers_know(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    assert_page_line(fixture.meter,
                     "httpserver_build_info{build=\"0.9-build\",version=\"1.2-test\"} 1");
    assert_page_line(fixture.meter, "httpserver_seed_info{seed=\"5@a\"} 1");
    static const char *const prefixes[] = {
        "promhttp_metric_handler_requests_total{code=\"200\"} 0",
        "promhttp_metric_handler_requests_total{code=\"500\"} 0",
        "promhttp_metric_handler_requests_total{code=\"503\"} 0",
        "promhttp_metric_handler_requests_in_flight 0",
        "process_cpu_seconds_total ",
        "process_max_fds ",
        "process_open_fds ",
        "process_resident_memory_bytes ",
        "process_start_time_seconds ",
        "process_virtual_memory_bytes ",
        "process_virtual_memory_max_bytes ",
        "process_threads ",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(prefixes); i++) {
        if (!page_has_prefix(fixture.meter, prefixes[i])) {
            fail_msg("the page has no %s", prefixes[i]);
        }
    }
    fixture_close(&fixture);
}

static void registering_twice_is_an_error(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct app_metrics second;
    struct app_metrics_identity identity = {"a", "b", "c"};
    struct meter_error error = {0};
    assert_true(
        app_metrics_register(&second, fixture.meter, &fixture.app.rules, &identity, &error) < 0);
    assert_non_null(strstr(error.text, "httpserver_requests_total"));
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_by_route_method_and_status),
        cmocka_unit_test(the_counts_of_workers_are_summed_while_they_count),
        cmocka_unit_test(the_latency_families_have_the_documented_bounds),
        cmocka_unit_test(nothing_but_the_total_is_in_execution_latency),
        cmocka_unit_test(only_measured_routes_have_durations),
        cmocka_unit_test(some_durations_begin_with_the_first_request),
        cmocka_unit_test(what_is_observed_is_in_its_bucket),
        cmocka_unit_test(the_law_is_stated_beside_the_measurement),
        cmocka_unit_test(the_page_says_who_it_is_and_has_what_scrapers_know),
        cmocka_unit_test(registering_twice_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
