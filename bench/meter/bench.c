/*
 * What libmeter costs. Prints lines "NAME THREADS NANOSECONDS"; bench.go prints the same names for
 * client_golang. `work` is a loop of some 20 ns between operations, measured alone and subtracted,
 * as the empty loop is from the others: a tight loop flatters what waits for memory and blames what
 * waits for itself.
 *
 * usage: meter_bench [memory]: the memory of 100,000 series is measured in a process of its own.
 */
#include "meter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPERATIONS 4000000
#define VALUES 1024
#define SERIES 10000
#define ROUNDS 10 /* scrapes, of which the mean counts */
#define MANY_SERIES 100000
#define WORK_STEPS 16

enum operation {
    EMPTY,
    WORK,
    COUNTER,
    COUNTER_WORK,
    COUNTER_LOOKUP,
    CLASSIC,
    CLASSIC_WORK,
    CLASSIC_LOOKUP,
    NATIVE,
    NATIVE_WORK,
};

static struct meter *meter;
static struct meter_family *requests, *latencies;
static struct meter_counter *counter;
static struct meter_histogram *classic, *native;
static double values[VALUES];
static pthread_barrier_t start;

/* CPU time of the thread, so that what else the machine does counts less. */
static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline uint64_t work(uint64_t x)
{
    for (int i = 0; i < WORK_STEPS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
    }
    return x;
}

static inline __attribute__((always_inline)) uint64_t repeat(enum operation operation)
{
    uint64_t x = 1;
    struct meter_counter *counter_in_hand = counter;
    struct meter_histogram *classic_in_hand = classic, *native_in_hand = native;
    for (unsigned i = 0; i < OPERATIONS; i++) {
        double value = values[i % VALUES];
        switch (operation) {
        case EMPTY:
            break;
        case WORK:
            x = work(x);
            break;
        case COUNTER_WORK:
            x = work(x);
            __attribute__((fallthrough));
        case COUNTER:
            meter_counter_inc(counter_in_hand);
            break;
        case COUNTER_LOOKUP:
            meter_counter_inc(meter_counter_lookup(requests, METER_LABELS("GET", "200")));
            break;
        case CLASSIC_WORK:
            x = work(x);
            __attribute__((fallthrough));
        case CLASSIC:
            meter_histogram_observe(classic_in_hand, value);
            break;
        case CLASSIC_LOOKUP:
            meter_histogram_observe(meter_histogram_lookup(latencies, METER_LABELS("GET", "200")),
                                    value);
            break;
        case NATIVE_WORK:
            x = work(x);
            __attribute__((fallthrough));
        case NATIVE:
            meter_histogram_observe(native_in_hand, value);
            break;
        }
        __asm__ volatile("" : "+r"(x)::"memory");
    }
    return x;
}

/* One loop for each operation, without a choice inside. */
static uint64_t repeat_chosen(enum operation operation)
{
    switch (operation) {
    case EMPTY:
        return repeat(EMPTY);
    case WORK:
        return repeat(WORK);
    case COUNTER:
        return repeat(COUNTER);
    case COUNTER_WORK:
        return repeat(COUNTER_WORK);
    case COUNTER_LOOKUP:
        return repeat(COUNTER_LOOKUP);
    case CLASSIC:
        return repeat(CLASSIC);
    case CLASSIC_WORK:
        return repeat(CLASSIC_WORK);
    case CLASSIC_LOOKUP:
        return repeat(CLASSIC_LOOKUP);
    case NATIVE:
        return repeat(NATIVE);
    case NATIVE_WORK:
        return repeat(NATIVE_WORK);
    }
    return 0;
}

struct task {
    enum operation operation;
    double ns;
};

static void *run_task(void *argument)
{
    struct task *task = argument;
    (void)meter_thread_prepare(meter);
    pthread_barrier_wait(&start);
    double begin = now_ns();
    (void)repeat_chosen(task->operation);
    task->ns = (now_ns() - begin) / OPERATIONS;
    return NULL;
}

/* The mean over the threads. */
static double measure(enum operation operation, unsigned threads)
{
    pthread_t ids[2];
    struct task tasks[2];
    double ns = 0;
    pthread_barrier_init(&start, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        tasks[i] = (struct task){.operation = operation};
        pthread_create(&ids[i], NULL, run_task, &tasks[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        ns += tasks[i].ns / threads;
    }
    pthread_barrier_destroy(&start);
    return ns;
}

static void measure_updates(void)
{
    const struct {
        const char *name;
        enum operation operation;
        bool has_work;
    } all[] = {
        {"counter_inc", COUNTER, false},
        {"counter_inc_with_work", COUNTER_WORK, true},
        {"counter_inc_looked_up", COUNTER_LOOKUP, false},
        {"classic_observe", CLASSIC, false},
        {"classic_observe_with_work", CLASSIC_WORK, true},
        {"classic_observe_looked_up", CLASSIC_LOOKUP, false},
        {"native_observe", NATIVE, false},
        {"native_observe_with_work", NATIVE_WORK, true},
    };
    for (unsigned threads = 1; threads <= 2; threads++) {
        double work_ns = measure(WORK, threads), empty_ns = measure(EMPTY, threads);
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            double ns = measure(all[i].operation, threads);
            printf("%s %u %.2f\n", all[i].name, threads,
                   ns - (all[i].has_work ? work_ns : empty_ns));
        }
    }
}

static void fill(struct meter_family *family, int count)
{
    for (int i = 0; i < count; i++) {
        char path[32];
        snprintf(path, sizeof path, "/path/%d", i);
        struct meter_counter *one = meter_counter_get(family, METER_LABELS("GET", path));
        meter_counter_add(one, (uint64_t)i * 7919);
        meter_counter_release(one);
    }
}

static struct meter_family *counter_family(struct meter *registry)
{
    return meter_register(registry,
                          &(struct meter_description){.type = METER_COUNTER,
                                                      .name = "http_requests_total",
                                                      .help = "Requests.",
                                                      .labels = METER_LABELS("method", "path")},
                          NULL);
}

static void measure_scrapes(void)
{
    struct meter *registry = meter_new(NULL);
    fill(counter_family(registry), SERIES);
    const char *names[] = {"scrape_text", "scrape_openmetrics", "scrape_protobuf"};
    static char buffer[65536];
    for (unsigned format = 0; format < 3; format++) {
        double sum_ns = 0;
        for (int round = 0; round <= ROUNDS; round++) {
            double begin = now_ns();
            struct meter_scrape *scrape = meter_scrape_begin(registry, (enum meter_format)format);
            while (meter_scrape_read(scrape, buffer, sizeof buffer) > 0) {
            }
            meter_scrape_end(scrape);
            sum_ns += round > 0 ? now_ns() - begin : 0; /* the first one sorts */
        }
        printf("%s 1 %.0f\n", names[format], sum_ns / ROUNDS);
    }
    meter_free(registry);
}

/* The second number of /proc/self/statm, in pages. */
static double resident_bytes(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        exit(1);
    }
    fclose(file);
    char *resident = strchr(line, ' ');
    unsigned long pages = resident == NULL ? 0 : strtoul(resident, NULL, 10);
    long page_bytes = sysconf(_SC_PAGESIZE);
    return (double)pages * (double)page_bytes;
}

static void *fill_again(void *family)
{
    fill(family, MANY_SERIES);
    return NULL;
}

/* 100,000 series, two threads that have updated each of them. */
static void measure_memory(void)
{
    double before = resident_bytes();
    struct meter *registry = meter_new(NULL);
    struct meter_family *family = counter_family(registry);
    fill(family, MANY_SERIES);
    pthread_t thread;
    (void)meter_thread_prepare(registry);
    pthread_create(&thread, NULL, fill_again, family);
    pthread_join(thread, NULL);
    free(meter_render(registry, METER_TEXT, NULL));
    printf("memory_bytes 2 %.0f\n", resident_bytes() - before);
    meter_free(registry);
}

static void set_up(void)
{
    double bounds[15];
    for (int i = 0; i < 15; i++) {
        bounds[i] = 0.001 * (double)(1 << i);
    }
    for (int i = 0; i < VALUES; i++) {
        values[i] = 0.0005 * (double)(1 + (unsigned)i * 2654435761u % 4000);
    }
    meter = meter_new(NULL);
    requests = counter_family(meter);
    counter = meter_counter_get(requests, METER_LABELS("GET", "200"));
    latencies = meter_register(meter,
                               &(struct meter_description){.type = METER_HISTOGRAM,
                                                           .name = "classic",
                                                           .labels = METER_LABELS("method", "code"),
                                                           .bounds = bounds,
                                                           .bound_count = 15},
                               NULL);
    classic = meter_histogram_get(latencies, METER_LABELS("GET", "200"));
    native = meter_histogram_get(meter_register(meter,
                                                &(struct meter_description){.type = METER_HISTOGRAM,
                                                                            .name = "native",
                                                                            .native_growth = 1.1},
                                                NULL),
                                 NULL);
}

int main(int argument_count, char **arguments)
{
    if (argument_count > 1 && strcmp(arguments[1], "memory") == 0) {
        measure_memory();
        return 0;
    }
    set_up();
    measure_updates();
    measure_scrapes();
    meter_free(meter);
    return 0;
}
