/*
 * What libmeter costs. Prints lines "NAME THREADS NANOSECONDS"; bench.go prints the same names for
 * client_golang, measured the same way: all operations take turns, slice by slice, and the median
 * of an operation's slices counts; the loop without an operation is subtracted. `with_work` does
 * some work between operations, which is measured alone and subtracted instead: a tight loop
 * flatters what waits for memory and blames what waits for itself.
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

#define OPERATIONS 200000 /* of a slice */
#define SLICES 15
#define VALUES 1024
#define SERIES 10000
#define MANY_SERIES 100000
#define TABLE_WORDS 32768 /* 256 KiB: more than the cache next to the core has */
#define WORK_READS 32     /* each on a cache line of its own */
#define LINE_WORDS 8
#define MAX_THREADS 2

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
    OPERATION_KINDS,
};

static struct meter *meter;
static struct meter_family *requests, *latencies;
static struct meter_counter *counter;
static struct meter_histogram *classic, *native;
static double values[VALUES];
static uint64_t table[TABLE_WORDS];
static pthread_barrier_t start;

/* CPU time of the thread, so that what else the machine does counts less. */
static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Reads on from where the last call stopped. */
static inline uint64_t work(uint64_t x, unsigned i)
{
    const uint64_t *from = &table[i * WORK_READS * LINE_WORDS % TABLE_WORDS];
    for (unsigned read = 0; read < WORK_READS; read++) {
        x += from[read * LINE_WORDS];
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
            x = work(x, i);
            break;
        case COUNTER_WORK:
            x = work(x, i);
            __attribute__((fallthrough));
        case COUNTER:
            meter_counter_inc(counter_in_hand);
            break;
        case COUNTER_LOOKUP:
            meter_counter_inc(meter_counter_lookup(requests, METER_LABELS("GET", "200")));
            break;
        case CLASSIC_WORK:
            x = work(x, i);
            __attribute__((fallthrough));
        case CLASSIC:
            meter_histogram_observe(classic_in_hand, value);
            break;
        case CLASSIC_LOOKUP:
            meter_histogram_observe(meter_histogram_lookup(latencies, METER_LABELS("GET", "200")),
                                    value);
            break;
        case NATIVE_WORK:
            x = work(x, i);
            __attribute__((fallthrough));
        case NATIVE:
            meter_histogram_observe(native_in_hand, value);
            break;
        case OPERATION_KINDS:
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
    case OPERATION_KINDS:
        break;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *of, size_t count)
{
    qsort(of, count, sizeof of[0], compare);
    return of[count / 2];
}

struct task {
    double ns[OPERATION_KINDS][SLICES]; /* of one operation */
};

static void *run_task(void *argument)
{
    struct task *task = argument;
    (void)meter_thread_prepare(meter);
    for (int slice = 0; slice < SLICES; slice++) {
        for (int kind = 0; kind < OPERATION_KINDS; kind++) {
            pthread_barrier_wait(&start);
            double begin = now_ns();
            (void)repeat_chosen((enum operation)kind);
            task->ns[kind][slice] = (now_ns() - begin) / OPERATIONS;
        }
    }
    return NULL;
}

/* Of each operation the mean over the threads. */
static void measure(unsigned threads, double ret_ns[OPERATION_KINDS])
{
    static struct task tasks[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    pthread_barrier_init(&start, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        pthread_create(&ids[i], NULL, run_task, &tasks[i]);
    }
    memset(ret_ns, 0, OPERATION_KINDS * sizeof ret_ns[0]);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        for (int kind = 0; kind < OPERATION_KINDS; kind++) {
            ret_ns[kind] += median(tasks[i].ns[kind], SLICES) / threads;
        }
    }
    pthread_barrier_destroy(&start);
}

static void measure_updates(void)
{
    const struct {
        const char *name;
        enum operation operation;
        enum operation without; /* what is subtracted */
    } all[] = {
        {"loop_alone", EMPTY, OPERATION_KINDS},
        {"work_alone", WORK, OPERATION_KINDS},
        {"counter_inc", COUNTER, EMPTY},
        {"counter_inc_with_work", COUNTER_WORK, WORK},
        {"counter_inc_looked_up", COUNTER_LOOKUP, EMPTY},
        {"classic_observe", CLASSIC, EMPTY},
        {"classic_observe_with_work", CLASSIC_WORK, WORK},
        {"classic_observe_looked_up", CLASSIC_LOOKUP, EMPTY},
        {"native_observe", NATIVE, EMPTY},
        {"native_observe_with_work", NATIVE_WORK, WORK},
    };
    for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
        double ns[OPERATION_KINDS + 1] = {0};
        measure(threads, ns);
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            printf("%s %u %.2f\n", all[i].name, threads, ns[all[i].operation] - ns[all[i].without]);
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
        double ns[SLICES + 1];
        for (int round = 0; round <= SLICES; round++) {
            double begin = now_ns();
            struct meter_scrape *scrape = meter_scrape_begin(registry, (enum meter_format)format);
            while (meter_scrape_read(scrape, buffer, sizeof buffer) > 0) {
            }
            meter_scrape_end(scrape);
            ns[round] = now_ns() - begin;
        }
        printf("%s 1 %.0f\n", names[format], median(ns + 1, SLICES)); /* the first one sorts */
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
