#include "../cmocka_includes.h"

#include "app/scrape_log.h"

#include <stdlib.h>
#include <string.h>

static int make(void **state)
{
    *state = scrape_log_new();
    return *state == NULL;
}

static int unmake(void **state)
{
    scrape_log_free(*state);
    return 0;
}

static struct scrape_record record_of(uint64_t latency_count, uint32_t requests)
{
    struct scrape_record record = {.latency_count = latency_count, .request_count = requests};
    for (uint32_t i = 0; i < requests; i++) {
        record.requests[i] = (struct scrape_requests){.count = latency_count + i, .status = 200};
    }
    return record;
}

static void the_last_thousand_are_kept(void **state)
{
    struct scrape_log *log = *state;
    struct scrape_record seen;
    assert_int_equal(scrape_log_added(log), 0);
    assert_false(scrape_log_copy(log, 1, &seen));
    for (uint64_t i = 1; i <= 2500; i++) {
        struct scrape_record record = record_of(10 * i, (uint32_t)(i % (SCRAPE_MAX_REQUESTS + 1)));
        scrape_log_add(log, &record);
    }
    assert_int_equal(scrape_log_added(log), 2500);
    assert_false(scrape_log_copy(log, 1500, &seen));
    assert_false(scrape_log_copy(log, 2501, &seen));
    for (uint64_t i = 1501; i <= 2500; i++) {
        assert_true(scrape_log_copy(log, i, &seen));
        assert_int_equal(seen.number, i);
        assert_int_equal(seen.latency_count, 10 * i);
        assert_int_equal(seen.request_count, i % (SCRAPE_MAX_REQUESTS + 1));
        for (uint32_t j = 0; j < seen.request_count; j++) {
            assert_int_equal(seen.requests[j].count, 10 * i + j);
        }
    }
}

/* More labels than are kept: what is left out is told. */
static void collect_many(struct meter_sink *sink, void *context)
{
    (void)context;
    for (unsigned i = 0; i < 300; i++) {
        char code[4] = {(char)('1' + i / 100), (char)('0' + i / 10 % 10), (char)('0' + i % 10), 0};
        assert_int_equal(meter_emit(sink, METER_LABELS("/", "GET", code), i), 0);
    }
}

static void records_follow_the_page(void **state)
{
    (void)state;
    struct meter *meter = meter_new(NULL);
    assert_non_null(meter_register(
        meter,
        &(struct meter_description){.type = METER_COUNTER,
                                    .name = "httpserver_requests_total",
                                    .labels = METER_LABELS("route", "method", "code"),
                                    .collect = collect_many},
        NULL));
    struct meter_family *latency =
        meter_register(meter,
                       &(struct meter_description){.type = METER_HISTOGRAM,
                                                   .name = "httpserver_execution_latency_seconds",
                                                   .labels = METER_LABELS("step"),
                                                   METER_BOUNDS(1, 2)},
                       NULL);
    struct meter_histogram *total = meter_histogram_get(latency, METER_LABELS("total"));
    meter_histogram_observe(total, 0.5);
    meter_histogram_observe(total, 1.5);
    meter_histogram_observe(total, 9);
    struct meter_scrape *scrape = meter_scrape_begin(meter, METER_OPENMETRICS);
    static struct scrape_record record;
    assert_int_equal(scrape_record_follow(&record, scrape), 0);
    char piece[4096];
    while (meter_scrape_read(scrape, piece, sizeof piece) > 0) {
    }
    meter_scrape_end(scrape);
    assert_int_equal(record.latency_count, 3);
    assert_true(record.latency_sum_seconds == 11);
    assert_int_equal(record.latency_bucket_count, 3);
    assert_int_equal(record.latency_buckets[0], 1);
    assert_int_equal(record.latency_buckets[1], 2);
    assert_int_equal(record.latency_buckets[2], 3);
    assert_int_equal(record.request_count, SCRAPE_MAX_REQUESTS);
    assert_int_equal(record.requests_left_out, 300 - SCRAPE_MAX_REQUESTS);
    assert_int_equal(record.requests[7].count, 7);
    assert_int_equal(record.requests[7].status, 107);
    meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_thousand_are_kept, make, unmake),
        cmocka_unit_test(records_follow_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
