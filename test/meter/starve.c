/*
 * Runs through everything that libmeter does, with the first allocation refused, then the second,
 * and so on until none is; then with all refused from the n-th on. Nothing may crash or leak, and
 * what was counted through a handle must be counted. Linked so that malloc and its kin are ours.
 */
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

static long allocations;
static long refuse_from; /* 0: none */
static long refuse_to;

static bool refused(void)
{
    allocations++;
    return refuse_from > 0 && allocations >= refuse_from && allocations <= refuse_to;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refused() ? NULL : __real_realloc(memory, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return refused() ? ENOMEM : __real_posix_memalign(memory, alignment, size);
}

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "refusing allocations %ld to %ld: %s\n", refuse_from, refuse_to, what);
        abort();
    }
}

static void collect(struct meter_sink *sink, void *context)
{
    (void)context;
    for (int i = 0; i < 100; i++) {
        char label[16];
        snprintf(label, sizeof label, "%d", i);
        (void)meter_emit(sink, METER_LABELS(label), i);
    }
}

static void count(struct meter *meter)
{
    struct meter_counter *counter = meter_new_counter(meter, "a_total", "A.");
    for (int i = 0; i < 10; i++) {
        meter_counter_inc(counter);
    }
    check(counter == NULL || meter_counter_value(counter) == 10, "increments were lost");
    struct meter_gauge *gauge = meter_new_gauge(meter, "g", NULL);
    meter_gauge_set(gauge, 3);
    meter_gauge_add(gauge, 1);
    check(gauge == NULL || meter_gauge_value(gauge) == 4, "a gauge is wrong");
}

static void observe(struct meter *meter)
{
    const struct meter_description descriptions[] = {
        {.type = METER_HISTOGRAM, .name = "h", .labels = METER_LABELS("l"), .exemplars = true},
        {.type = METER_HISTOGRAM, .name = "n", .labels = METER_LABELS("l"), .native_growth = 1.1},
        {.type = METER_COUNTER,
         .name = "idle_total",
         .labels = METER_LABELS("l"),
         .idle_ns = 1,
         .max_series = 20},
        {.type = METER_GAUGE, .name = "c", .labels = METER_LABELS("l"), .collect = collect},
    };
    struct meter_family *families[4];
    for (int i = 0; i < 4; i++) {
        families[i] = meter_register(meter, &descriptions[i], NULL);
    }
    for (int i = 0; i < 40; i++) {
        char label[16];
        snprintf(label, sizeof label, "\xff%d", i % 25);
        const char *const *values = METER_LABELS(label);
        for (int j = 0; j < 2; j++) {
            struct meter_histogram *histogram = meter_histogram_get(families[j], values);
            meter_histogram_observe(histogram, i - 5);
            meter_histogram_observe_trace(histogram, i, "0123456789abcdef0123456789abcdef",
                                          "0123456789abcdef");
            meter_histogram_release(histogram);
        }
        meter_counter_inc(meter_counter_lookup(families[2], values));
        (void)meter_remove(families[0], METER_LABELS("\xff"
                                                     "3"));
    }
}

static void observe_rest(struct meter *meter)
{
    struct meter_summary *summary = meter_summary_get(
        meter_register(
            meter,
            &(struct meter_description){.type = METER_SUMMARY, .name = "s", METER_QUANTILES(0.5)},
            NULL),
        NULL);
    meter_summary_observe(summary, 1);
    struct meter_family *states = meter_register(
        meter,
        &(struct meter_description){
            .type = METER_STATE_SET, .name = "p", .states = METER_LABELS("on", "off")},
        NULL);
    (void)meter_state_set_to(meter_state_set_get(states, NULL), 1);
    (void)meter_register_process(meter, NULL);
    (void)meter_register_runtime(meter, NULL);
    (void)meter_thread_prepare(meter);
}

static void run(const char *path)
{
    struct meter *meter = meter_new(NULL);
    if (meter == NULL) {
        return;
    }
    count(meter);
    observe(meter);
    observe_rest(meter);
    for (unsigned i = 0; i < 3; i++) {
        size_t length = 0;
        char *page = meter_render(meter, (enum meter_format)i, &length);
        check(page == NULL || i == 2 || strlen(page) == length, "a page is cut");
        free(page);
    }
    (void)meter_write_textfile(meter, path, NULL);
    (void)meter_expire(meter);
    meter_free(meter);
}

int main(int argument_count, char **arguments)
{
    const char *path = argument_count > 1 ? arguments[1] : "starve.prom";
    run(path);
    long needed = allocations;
    for (int for_good = 0; for_good < 2; for_good++) {
        for (long n = 1; n <= needed; n++) {
            allocations = 0;
            refuse_from = n;
            refuse_to = for_good ? needed * 2 : n;
            run(path);
        }
    }
    refuse_from = 0;
    unlink(path);
    printf("refused each of %ld allocations\n", needed);
    return 0;
}
