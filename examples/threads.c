/*
 * A program with threads that counts what they do, and prints the page at the end.
 *
 * Each worker gets its handles once and updates through them; meter_thread_prepare() lets it do all
 * its allocating before the first update. The process' own figures come along.
 */
#include <meter.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKERS 4
#define JOBS 10000

static struct meter *meter;
static struct meter_family *jobs, *durations;
static struct meter_gauge *running;

static void *work(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    char name[16];
    snprintf(name, sizeof name, "%u", number);
    struct meter_counter *done = meter_counter_get(jobs, METER_LABELS(name, "done"));
    struct meter_counter *failed = meter_counter_get(jobs, METER_LABELS(name, "failed"));
    struct meter_histogram *duration = meter_histogram_get(durations, NULL);
    (void)meter_thread_prepare(meter);
    for (unsigned i = 0; i < JOBS; i++) {
        meter_gauge_inc(running);
        meter_histogram_observe(duration, (double)(i % 100) / 1000);
        meter_counter_inc(i % 10 == 0 ? failed : done);
        meter_gauge_dec(running);
    }
    return NULL;
}

static struct meter_family *must(struct meter_family *family, const struct meter_error *error)
{
    if (family == NULL) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
    return family;
}

int main(void)
{
    struct meter_error error;
    meter = meter_new(NULL);
    jobs = must(meter_register(meter,
                               &(struct meter_description){
                                   .type = METER_COUNTER,
                                   .name = "jobs_total",
                                   .help = "Jobs ended, by worker and result.",
                                   .labels = METER_LABELS("worker", "result"),
                               },
                               &error),
                &error);
    durations = must(meter_register(meter,
                                    &(struct meter_description){
                                        .type = METER_HISTOGRAM,
                                        .name = "job_duration_seconds",
                                        .help = "How long jobs took.",
                                        METER_BOUNDS(0.01, 0.02, 0.05, 0.1),
                                        .native_growth = 1.1,
                                    },
                                    &error),
                     &error);
    running = meter_new_gauge(meter, "jobs_running", "Jobs running now.");
    if (meter_register_process(meter, &error) != 0 || meter_register_runtime(meter, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    pthread_t threads[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    char *page = meter_render(meter, METER_TEXT, NULL);
    if (page == NULL) {
        return 1;
    }
    fputs(page, stdout);
    free(page);
    meter_free(meter);
    return 0;
}
