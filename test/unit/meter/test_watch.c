/* Watching a scrape: what is told is what the page says. */
#include "../cmocka_includes.h"

#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES 50

/* The lines that a watcher would have seen on the page, in the text format. */
struct seen {
    char text[64 * 1024];
    size_t length;
    unsigned calls;
};

static void see_counter(void *context, const struct meter_shown *shown)
{
    struct seen *seen = context;
    assert_int_equal(shown->value_count, 2);
    assert_null(shown->buckets);
    seen->calls++;
    seen->length += (size_t)snprintf(
        seen->text + seen->length, sizeof seen->text - seen->length,
        "requests_total{code=\"%.*s\",zone=\"%.*s\"} %.0f\n", (int)shown->values[1].length,
        shown->values[1].data, (int)shown->values[0].length, shown->values[0].data, shown->value);
}

static void see_histogram(void *context, const struct meter_shown *shown)
{
    struct seen *seen = context;
    assert_int_equal(shown->bucket_count, 3);
    static const char *const bounds[] = {"1", "2", "+Inf"};
    uint64_t cumulative = 0;
    seen->calls++;
    for (size_t i = 0; i < shown->bucket_count; i++) {
        cumulative += shown->buckets[i];
        seen->length += (size_t)snprintf(
            seen->text + seen->length, sizeof seen->text - seen->length,
            "seconds_bucket{step=\"%.*s\",le=\"%s\"} %llu\n", (int)shown->values[0].length,
            shown->values[0].data, bounds[i], (unsigned long long)cumulative);
    }
    assert_true(cumulative == shown->count);
    seen->length += (size_t)snprintf(
        seen->text + seen->length, sizeof seen->text - seen->length,
        "seconds_sum{step=\"%.*s\"} %g\nseconds_count{step=\"%.*s\"} %llu\n",
        (int)shown->values[0].length, shown->values[0].data, shown->sum,
        (int)shown->values[0].length, shown->values[0].data, (unsigned long long)shown->count);
}

static void collect(struct meter_sink *sink, void *context)
{
    (void)context;
    for (unsigned i = 0; i < SERIES; i++) {
        char code[8];
        snprintf(code, sizeof code, "%u", 100 + i);
        assert_int_equal(meter_emit(sink, METER_LABELS("a", code), i), 0);
        assert_int_equal(meter_emit(sink, METER_LABELS("a", code), 7), -EEXIST); /* not shown */
    }
}

static struct meter *make_meter(bool by_callback)
{
    /* Few series go into one protobuf message; what a callback produces has to. */
    struct meter *meter =
        meter_new(by_callback ? NULL : &(struct meter_options){.max_staged_bytes = 1024});
    struct meter_family *requests =
        meter_register(meter,
                       &(struct meter_description){.type = METER_COUNTER,
                                                   .name = "requests_total",
                                                   .labels = METER_LABELS("zone", "code"),
                                                   .collect = by_callback ? collect : NULL},
                       NULL);
    struct meter_family *seconds =
        meter_register(meter,
                       &(struct meter_description){.type = METER_HISTOGRAM,
                                                   .name = "seconds",
                                                   .labels = METER_LABELS("step"),
                                                   METER_BOUNDS(1, 2)},
                       NULL);
    assert_non_null(requests);
    for (unsigned i = 0; i < SERIES; i++) {
        char text[8];
        snprintf(text, sizeof text, "%u", 100 + i);
        if (!by_callback) {
            meter_counter_add(meter_counter_get(requests, METER_LABELS("a", text)), i);
        }
        struct meter_histogram *histogram = meter_histogram_get(seconds, METER_LABELS(text));
        for (unsigned j = 0; j < i; j++) {
            meter_histogram_observe(histogram, j);
        }
    }
    return meter;
}

/* Reads a whole page in pieces; the caller frees it. */
static char *read_page(struct meter_scrape *scrape, size_t piece_bytes)
{
    size_t capacity = 256 * 1024, length = 0;
    char *page = malloc(capacity);
    assert_non_null(page);
    ssize_t got = 1;
    while (got > 0) {
        assert_true(length + piece_bytes < capacity);
        got = meter_scrape_read(scrape, page + length, piece_bytes);
        assert_true(got >= 0);
        length += (size_t)got;
    }
    page[length] = '\0';
    return page;
}

static void check_page(bool by_callback, enum meter_format format, size_t piece_bytes)
{
    struct meter *meter = make_meter(by_callback);
    struct meter_scrape *scrape = meter_scrape_begin(meter, format);
    struct seen *counters = calloc(1, sizeof *counters);
    struct seen *histograms = calloc(1, sizeof *histograms);
    assert_true(counters != NULL && histograms != NULL);
    assert_int_equal(meter_scrape_watch(scrape, "requests_total", see_counter, counters), 0);
    assert_int_equal(meter_scrape_watch(scrape, "seconds", see_histogram, histograms), 0);
    char *page = read_page(scrape, piece_bytes);
    assert_int_equal(counters->calls, SERIES);
    assert_int_equal(histograms->calls, SERIES);
    if (format == METER_TEXT) {
        assert_non_null(strstr(page, counters->text));
        assert_non_null(strstr(page, histograms->text));
    }
    free(page);
    free(counters);
    free(histograms);
    meter_scrape_end(scrape);
    meter_free(meter);
}

static void watchers_see_what_the_page_says(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 17, 4096, 100000};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (int format = METER_TEXT; format <= METER_PROTOBUF; format++) {
            check_page(false, (enum meter_format)format, pieces[i]);
            check_page(true, (enum meter_format)format, pieces[i]);
        }
    }
}

static void watchers_are_refused_in_words(void **state)
{
    (void)state;
    struct meter *meter = make_meter(false);
    struct meter_scrape *scrape = meter_scrape_begin(meter, METER_TEXT);
    struct seen seen = {0};
    assert_int_equal(meter_scrape_watch(scrape, "other", see_counter, &seen), -ENOENT);
    assert_int_equal(meter_scrape_watch(scrape, "seconds", NULL, &seen), -EINVAL);
    assert_int_equal(meter_scrape_watch(NULL, "seconds", see_counter, &seen), -EINVAL);
    for (unsigned i = 0; i < METER_MAX_WATCHES; i++) {
        assert_int_equal(meter_scrape_watch(scrape, "seconds", see_histogram, &seen), 0);
    }
    assert_int_equal(meter_scrape_watch(scrape, "seconds", see_histogram, &seen), -ENOSPC);
    meter_scrape_end(scrape);
    meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watchers_see_what_the_page_says),
        cmocka_unit_test(watchers_are_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
