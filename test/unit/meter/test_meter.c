/* libmeter as its users see it: through the public header alone. */
#include "../cmocka_includes.h"

#include "meter.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up(void **state)
{
    *state = meter_new(NULL);
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    meter_free(*state);
    return 0;
}

static void assert_page(struct meter *meter, enum meter_format format, const char *expected)
{
    char *page = meter_render(meter, format, NULL);
    assert_non_null(page);
    assert_string_equal(page, expected);
    free(page);
}

static struct meter_family *family_of(struct meter *meter, struct meter_description description)
{
    struct meter_error error;
    struct meter_family *family = meter_register(meter, &description, &error);
    if (family == NULL) {
        fail_msg("%s", error.text);
    }
    return family;
}

static void counts_whole_and_broken_amounts(void **state)
{
    struct meter_counter *counter = meter_new_counter(*state, "a_total", "A.");
    meter_counter_inc(counter);
    meter_counter_add(counter, UINT64_C(1) << 53);
    meter_counter_inc(counter);
    assert_true(meter_counter_value(counter) == 9007199254740994.0);
    meter_counter_add_double(counter, 0.5);
    meter_counter_add_double(counter, -1);
    meter_counter_add_double(counter, (double)NAN);
    assert_true(meter_counter_value(counter) >= 9007199254740994.0);
    meter_counter_release(counter);
}

static void null_is_harmless(void **state)
{
    (void)state;
    meter_counter_inc(NULL);
    meter_counter_add_double(NULL, 1);
    meter_gauge_set(NULL, 1);
    meter_gauge_add(NULL, 1);
    meter_histogram_observe(NULL, 1);
    meter_histogram_observe_trace(NULL, 1, NULL, NULL);
    meter_summary_observe(NULL, 1);
    meter_counter_release(NULL);
    assert_int_equal(meter_state_set_to(NULL, 1), 0);
    assert_null(meter_counter_get(NULL, NULL));
    assert_int_equal(meter_remove_all(NULL), 0);
    assert_int_equal(meter_expire(NULL), 0);
    assert_null(meter_register(NULL, NULL, NULL));
    meter_scrape_end(NULL);
    meter_free(NULL);
}

static void a_gauge_is_set_and_added_to(void **state)
{
    struct meter_gauge *gauge = meter_new_gauge(*state, "g", NULL);
    meter_gauge_inc(gauge);
    assert_true(meter_gauge_value(gauge) == 1);
    meter_gauge_set(gauge, 0.1);
    meter_gauge_add(gauge, 0.2);
    assert_true(meter_gauge_value(gauge) == 0.1 + 0.2);
    meter_gauge_dec(gauge);
    meter_gauge_set(gauge, -3);
    assert_true(meter_gauge_value(gauge) == -3);
    meter_gauge_add(gauge, (double)INFINITY);
    assert_true(isinf(meter_gauge_value(gauge)));
    meter_gauge_set(gauge, 2);
    meter_gauge_inc(gauge);
    assert_page(*state, METER_TEXT, "# TYPE g gauge\ng 3\n");
}

static void *add_five(void *gauge)
{
    meter_gauge_add(gauge, 5);
    return NULL;
}

static void what_another_thread_added_counts_until_the_next_set(void **state)
{
    struct meter_gauge *gauge = meter_new_gauge(*state, "g", NULL);
    pthread_t thread;
    meter_gauge_set(gauge, 1);
    pthread_create(&thread, NULL, add_five, gauge);
    pthread_join(thread, NULL);
    meter_gauge_inc(gauge);
    assert_true(meter_gauge_value(gauge) == 7);
    meter_gauge_set(gauge, 10);
    assert_true(meter_gauge_value(gauge) == 10);
    meter_gauge_inc(gauge);
    assert_true(meter_gauge_value(gauge) == 11);
}

static void refuses_what_cannot_be(void **state)
{
    static const double falling[] = {2, 1};
    const struct {
        struct meter_description description;
        int code;
    } all[] = {
        {{.type = METER_COUNTER, .name = "x"}, -EINVAL},
        {{.type = METER_COUNTER, .name = "_total"}, -EINVAL},
        {{.type = METER_GAUGE, .name = "1x"}, -EINVAL},
        {{.type = METER_GAUGE, .name = "x y"}, -EINVAL},
        {{.type = METER_GAUGE, .name = ""}, -EINVAL},
        {{.type = METER_GAUGE, .name = NULL}, -EINVAL},
        {{.type = METER_INFO, .name = "x"}, -EINVAL},
        {{.type = METER_GAUGE, .name = "x", .labels = METER_LABELS("__a")}, -EINVAL},
        {{.type = METER_GAUGE, .name = "x", .labels = METER_LABELS("a", "a")}, -EINVAL},
        {{.type = METER_GAUGE, .name = "x", .labels = METER_LABELS("a:b")}, -EINVAL},
        {{.type = METER_HISTOGRAM, .name = "x", .labels = METER_LABELS("le")}, -EINVAL},
        {{.type = METER_SUMMARY, .name = "x", .labels = METER_LABELS("quantile")}, -EINVAL},
        {{.type = METER_GAUGE, .name = "x", .unit = "seconds"}, -EINVAL},
        {{.type = METER_HISTOGRAM, .name = "x", .bounds = falling, .bound_count = 2}, -EINVAL},
        {{.type = METER_HISTOGRAM, .name = "x", .native_growth = 1}, -EINVAL},
        {{.type = METER_SUMMARY, .name = "x", METER_QUANTILES(1.5)}, -EINVAL},
        {{.type = METER_STATE_SET, .name = "x"}, -EINVAL},
        {{.type = METER_HISTOGRAM, .name = "x", .native_growth = -2}, -EINVAL},
        {{.type = METER_HISTOGRAM, .name = "x", .native_growth = (double)NAN}, -EINVAL},
        {{.type = METER_GAUGE, .name = "x", .exemplars = true}, -EINVAL},
        {{.type = METER_GAUGE, .name = "taken"}, -EEXIST},
        {{.type = METER_GAUGE, .name = "taken_total"}, -EEXIST},
        {{.type = METER_GAUGE, .name = "h_count"}, -EEXIST},
        {{.type = METER_COUNTER, .name = "h_total"}, -EEXIST},
    };
    (void)meter_new_counter(*state, "taken_total", NULL);
    (void)family_of(*state, (struct meter_description){.type = METER_HISTOGRAM, .name = "h"});
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct meter_error error;
        assert_null(meter_register(*state, &all[i].description, &error));
        assert_int_equal(error.code, all[i].code);
        assert_int_equal(errno, -all[i].code);
        assert_true(strlen(error.text) > 5);
    }
}

static void label_values_cannot_inject(void **state)
{
    struct meter_family *family =
        family_of(*state, (struct meter_description){
                              .type = METER_GAUGE, .name = "g", .labels = METER_LABELS("z", "a")});
    const struct meter_text values[] = {{"nul\0 \xff", 6}, {"\"} 1\nx 1\\", 9}};
    meter_gauge_set(meter_gauge_get_text(family, values, 2), 1);
    meter_gauge_set(
        meter_gauge_lookup(family, METER_LABELS("nul\xef\xbf\xbd \xef\xbf\xbd", "\"} 1\nx 1\\")),
        2);
    assert_page(*state, METER_TEXT,
                "# TYPE g gauge\n"
                "g{a=\"\\\"} 1\\nx 1\\\\\",z=\"nul\xef\xbf\xbd \xef\xbf\xbd\"} 2\n");
    assert_null(meter_gauge_get(family, METER_LABELS("one")));
    assert_int_equal(errno, EINVAL);
    assert_null(meter_counter_get(family, METER_LABELS("1", "2")));
    assert_int_equal(errno, EINVAL);
}

static void a_cap_refuses_and_counts(void **state)
{
    struct meter_family *family =
        family_of(*state, (struct meter_description){.type = METER_COUNTER,
                                                     .name = "c_total",
                                                     .labels = METER_LABELS("l"),
                                                     .max_series = 2});
    assert_non_null(meter_counter_get(family, METER_LABELS("1")));
    assert_non_null(meter_counter_get(family, METER_LABELS("2")));
    assert_null(meter_counter_get(family, METER_LABELS("3")));
    assert_int_equal(errno, ENOSPC);
    assert_non_null(meter_counter_get(family, METER_LABELS("1")));
    assert_int_equal(meter_series_refused(family), 1);
    assert_int_equal(meter_series_count(family), 2);
    char *page = meter_render(*state, METER_TEXT, NULL);
    assert_non_null(strstr(page, "meter_series_refused_total{family=\"c_total\"} 1\n"));
    free(page);
    assert_int_equal(meter_remove(family, METER_LABELS("1")), 1);
    assert_non_null(meter_counter_get(family, METER_LABELS("3")));
}

static void removed_series_start_at_zero(void **state)
{
    struct meter_family *family = family_of(
        *state, (struct meter_description){
                    .type = METER_COUNTER, .name = "c_total", .labels = METER_LABELS("l")});
    struct meter_counter *held = meter_counter_get(family, METER_LABELS("1"));
    meter_counter_add(held, 5);
    assert_int_equal(meter_remove(family, METER_LABELS("1")), 1);
    assert_int_equal(meter_remove(family, METER_LABELS("1")), 0);
    assert_page(*state, METER_TEXT, "");
    struct meter_counter *fresh = meter_counter_get(family, METER_LABELS("1"));
    meter_counter_inc(held); /* harmless and unseen */
    assert_true(meter_counter_value(fresh) == 0);
    meter_counter_release(held);
    for (int i = 0; i < 1000; i++) { /* memory is used again */
        char label[16];
        snprintf(label, sizeof label, "%d", i);
        struct meter_counter *counter = meter_counter_lookup(family, METER_LABELS(label));
        assert_true(meter_counter_value(counter) == 0);
        meter_counter_inc(counter);
        assert_int_equal(meter_remove(family, METER_LABELS(label)), 1);
    }
    assert_int_equal(meter_series_count(family), 0);
}

static void idle_series_expire_unless_held(void **state)
{
    struct meter_family *family = family_of(*state, (struct meter_description){
                                                        .type = METER_COUNTER,
                                                        .name = "c_total",
                                                        .labels = METER_LABELS("l"),
                                                        .idle_ns = 1,
                                                    });
    struct meter_counter *held = meter_counter_get(family, METER_LABELS("held"));
    meter_counter_inc(held);
    meter_counter_inc(meter_counter_lookup(family, METER_LABELS("busy")));
    assert_int_equal(meter_expire(*state), 0); /* sees the changes */
    meter_counter_inc(meter_counter_lookup(family, METER_LABELS("busy")));
    assert_int_equal(meter_expire(*state), 0);
    assert_int_equal(meter_expire(*state), 1);
    assert_page(*state, METER_TEXT, "# TYPE c_total counter\nc_total{l=\"held\"} 1\n");
}

static void nan_counts_in_the_last_bucket_only(void **state)
{
    struct meter_family *family = family_of(
        *state,
        (struct meter_description){.type = METER_HISTOGRAM, .name = "h", METER_BOUNDS(1, 2)});
    struct meter_histogram *histogram = meter_histogram_get(family, NULL);
    meter_histogram_observe(histogram, 1);
    meter_histogram_observe(histogram, -(double)NAN);
    meter_histogram_observe_ns(histogram, 2000000000);
    assert_page(*state, METER_TEXT,
                "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\n"
                "h_bucket{le=\"+Inf\"} 3\nh_sum NaN\nh_count 3\n");
}

static void pieces_of_any_size_make_the_same_page(void **state)
{
    struct meter_family *family =
        family_of(*state, (struct meter_description){
                              .type = METER_HISTOGRAM, .name = "h", .labels = METER_LABELS("l")});
    for (int i = 0; i < 20; i++) {
        char label[16];
        snprintf(label, sizeof label, "\"%d\"", i);
        meter_histogram_observe(meter_histogram_get(family, METER_LABELS(label)), i);
    }
    for (unsigned format = 0; format < 3; format++) {
        size_t length;
        char *page = meter_render(*state, (enum meter_format)format, &length);
        for (size_t size = 1; size < 300; size += 13) {
            char *pieces = malloc(length);
            struct meter_scrape *scrape = meter_scrape_begin(*state, (enum meter_format)format);
            size_t used = 0;
            ssize_t got;
            char piece[300];
            while ((got = meter_scrape_read(scrape, piece, size)) > 0) {
                assert_true(used + (size_t)got <= length);
                memcpy(pieces + used, piece, (size_t)got);
                used += (size_t)got;
            }
            assert_int_equal(got, 0);
            meter_scrape_end(scrape);
            assert_int_equal(used, length);
            assert_memory_equal(pieces, page, length);
            free(pieces);
        }
        free(page);
    }
}

static void a_series_removed_in_mid_scrape_ends_whole(void **state)
{
    struct meter_family *family = family_of(
        *state,
        (struct meter_description){
            .type = METER_HISTOGRAM, .name = "h", .labels = METER_LABELS("l"), METER_BOUNDS(1)});
    meter_histogram_observe(meter_histogram_lookup(family, METER_LABELS("a")), 1);
    meter_histogram_observe(meter_histogram_lookup(family, METER_LABELS("b")), 1);
    char page[1024] = "";
    struct meter_scrape *scrape = meter_scrape_begin(*state, METER_TEXT);
    size_t used = 0;
    for (ssize_t got; (got = meter_scrape_read(scrape, page + used, 30)) > 0;) {
        used += (size_t)got;
        if (used == 60) {
            assert_int_equal(meter_remove_all(family), 2);
            meter_histogram_observe(meter_histogram_lookup(family, METER_LABELS("a")), 1);
        }
    }
    meter_scrape_end(scrape);
    assert_string_equal(page,
                        "# TYPE h histogram\nh_bucket{l=\"a\",le=\"1\"} 1\n"
                        "h_bucket{l=\"a\",le=\"+Inf\"} 1\nh_sum{l=\"a\"} 1\nh_count{l=\"a\"} 1\n");
}

static void register_inside(struct meter_sink *sink, void *context)
{
    /* No lock is held: a callback may use the registry. */
    struct meter_counter *counter = meter_new_counter(context, "inside_total", NULL);
    meter_counter_inc(counter);
    free(meter_render(context, METER_OPENMETRICS, NULL));
    (void)meter_emit(sink, METER_LABELS("x"), 1);
    assert_int_equal(meter_emit(sink, METER_LABELS("x"), 1), -EEXIST);
    assert_int_equal(meter_emit(sink, NULL, 1), -EINVAL);
}

static void emit_once(struct meter_sink *sink, void *context)
{
    static int depth;
    if (depth++ == 0) {
        register_inside(sink, context);
    }
    depth--;
}

static void callbacks_run_without_locks(void **state)
{
    (void)family_of(*state, (struct meter_description){.type = METER_GAUGE,
                                                       .name = "g",
                                                       .labels = METER_LABELS("l"),
                                                       .collect = emit_once,
                                                       .context = *state});
    char *page = meter_render(*state, METER_TEXT, NULL);
    assert_non_null(strstr(page, "g{l=\"x\"} 1\n"));
    free(page);
}

static void a_child_starts_at_zero(void **state)
{
    struct meter_counter *counter = meter_new_counter(*state, "c_total", NULL);
    meter_counter_add(counter, 7);
    meter_before_fork(*state);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        meter_after_fork_in_child(*state);
        double before = meter_counter_value(counter);
        meter_counter_inc(counter);
        _exit(before == 0 && meter_counter_value(counter) == 1 ? 0 : 1);
    }
    meter_after_fork_in_parent(*state);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(meter_counter_value(counter) == 7);
}

static void native_reset_follows_its_time(void **state)
{
    struct meter_family *family =
        family_of(*state, (struct meter_description){.type = METER_HISTOGRAM,
                                                     .name = "h",
                                                     .native_growth = 1.1,
                                                     .native_max_buckets = 4,
                                                     .native_min_reset_ns = 1,
                                                     METER_BOUNDS(1)});
    struct meter_histogram *histogram = meter_histogram_get(family, NULL);
    for (int i = 0; i < 5; i++) { /* the fifth bucket is one too many: only it is left */
        meter_histogram_observe(histogram, ldexp(1.5, i));
    }
    assert_page(*state, METER_TEXT,
                "# TYPE h histogram\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 1\n"
                "h_sum 24\nh_count 1\n");
}

static void exemplars_are_kept_or_dropped(void **state)
{
    struct meter_family *family = family_of(
        *state, (struct meter_description){
                    .type = METER_HISTOGRAM, .name = "h", .exemplars = true, METER_BOUNDS(1)});
    struct meter_histogram *histogram = meter_histogram_get(family, NULL);
    char text[130];
    memset(text, 'x', sizeof text);
    const struct meter_label fits = {{"a", 1}, {text, 127}}, too_long = {{"a", 1}, {text, 128}};
    meter_histogram_observe_exemplar(histogram, 0.5, &too_long, 1);
    char *page = meter_render(*state, METER_OPENMETRICS, NULL);
    assert_null(strstr(page, " # {"));
    free(page);
    meter_histogram_observe_exemplar(histogram, 0.5, &fits, 1);
    page = meter_render(*state, METER_OPENMETRICS, NULL);
    assert_non_null(strstr(page, "h_bucket{le=\"1.0\"} 2 # {a=\"xxx"));
    assert_non_null(strstr(page, "\"} 0.5 1"));
    free(page);
    meter_histogram_observe_trace(histogram, 2, NULL, "0123456789abcdef");
    meter_histogram_observe_trace(histogram, 0.5, NULL, NULL); /* only counts */
    page = meter_render(*state, METER_OPENMETRICS, NULL);
    assert_non_null(strstr(page, "le=\"1.0\"} 3 # {a=\"xxx"));
    assert_non_null(strstr(page, "le=\"+Inf\"} 4 # {span_id=\"0123456789abcdef\"} 2.0 1"));
    free(page);
}

static double read_quantile(struct meter *meter, const char *quantile)
{
    char wanted[40], *page = meter_render(meter, METER_TEXT, NULL);
    snprintf(wanted, sizeof wanted, "s{quantile=\"%s\"} ", quantile);
    const char *line = strstr(page, wanted);
    assert_non_null(line);
    double value = strtod(line + strlen(wanted), NULL);
    free(page);
    return value;
}

static void a_summary_forgets_what_left_its_window(void **state)
{
    struct meter_family *family = family_of(
        *state,
        (struct meter_description){
            .type = METER_SUMMARY, .name = "s", .window_ns = 50000000, METER_QUANTILES(0, 0.5, 1)});
    struct meter_summary *summary = meter_summary_get(family, NULL);
    assert_true(isnan(read_quantile(*state, "0.5")));
    meter_summary_observe(summary, 3);
    while (!isnan(read_quantile(*state, "0.5"))) { /* the window of 50 ms passes */
    }
    meter_summary_observe(summary, 5);
    double value = read_quantile(*state, "1");
    assert_true(isnan(value) || fabs(value / 5 - 1) < 0.022);
    char *page = meter_render(*state, METER_TEXT, NULL);
    assert_non_null(strstr(page, "s_sum 8\ns_count 2\n"));
    free(page);
}

static void a_summary_takes_any_range(void **state)
{
    struct meter_family *family = family_of(
        *state,
        (struct meter_description){.type = METER_SUMMARY, .name = "s", METER_QUANTILES(0, 0.5, 1)});
    struct meter_summary *summary = meter_summary_get(family, NULL);
    meter_summary_observe(summary, 0);
    for (int i = 0; i < 2000; i++) {
        meter_summary_observe(summary, ldexp(1, i - 1000));
        meter_summary_observe(summary, -ldexp(1, i - 1000));
    }
    assert_true(read_quantile(*state, "0") < -1e290);
    assert_true(fabs(read_quantile(*state, "0.5")) < 1e-290);
    assert_true(read_quantile(*state, "1") > 1e290);
}

#define METER_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        METER_TEST(counts_whole_and_broken_amounts),
        METER_TEST(null_is_harmless),
        METER_TEST(a_gauge_is_set_and_added_to),
        METER_TEST(what_another_thread_added_counts_until_the_next_set),
        METER_TEST(refuses_what_cannot_be),
        METER_TEST(label_values_cannot_inject),
        METER_TEST(a_cap_refuses_and_counts),
        METER_TEST(removed_series_start_at_zero),
        METER_TEST(idle_series_expire_unless_held),
        METER_TEST(nan_counts_in_the_last_bucket_only),
        METER_TEST(pieces_of_any_size_make_the_same_page),
        METER_TEST(a_series_removed_in_mid_scrape_ends_whole),
        METER_TEST(callbacks_run_without_locks),
        METER_TEST(a_child_starts_at_zero),
        METER_TEST(native_reset_follows_its_time),
        METER_TEST(exemplars_are_kept_or_dropped),
        METER_TEST(a_summary_forgets_what_left_its_window),
        METER_TEST(a_summary_takes_any_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
