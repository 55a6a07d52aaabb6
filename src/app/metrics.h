/*
 * What the application measures. docs/metrics.md says what each family means.
 */
#pragma once

#include "app/route.h"
#include "base/compiler.h"
#include "http/exchange.h"
#include "latency/rule_book.h"
#include "meter.h"

#define APP_MAX_WORKERS 256

/*
 * Requests by route, method and status, of one worker, who alone writes them; any thread reads.
 * Plain cells and not libmeter series, because every status there is may come up: these need no
 * lookup, and no allocation that could fail when one comes up for the first time.
 */
struct request_counts;

struct app_metrics {
    struct meter *meter; /* not owned */
    struct meter_histogram *execution_latency;
    struct meter_family *duration_family; /* the families of the three below */
    struct meter_family *injected_family;
    struct meter_family *overshoot_family;
    struct meter_histogram *request_duration[ROUTE_COUNT]; /* NULL where not, or on demand */
    struct meter_histogram *injected_delay[ROUTE_COUNT];
    struct meter_histogram *delay_overshoot[ROUTE_COUNT];
    struct meter_counter *scrapes_ok;
    struct meter_counter *scrapes_failed;
    struct meter_counter *scrapes_refused;
    struct meter_gauge *scrapes_in_flight;
    struct request_counts *counts[APP_MAX_WORKERS]; /* not owned */
    unsigned worker_count;
};

struct app_metrics_identity {
    const char *version;       /* as the environment says */
    const char *build_version; /* as the build says */
    const char *seed;          /* as text */
};

/*
 * Registers all families. `metrics` must not move; it and `rules` must outlive the meter's last
 * scrape. Returns 0 or a negative errno, with `error` filled.
 */
WARN_UNUSED int app_metrics_register(struct app_metrics *metrics, struct meter *meter,
                                     struct rule_book *rules,
                                     const struct app_metrics_identity *identity,
                                     struct meter_error *error);

/* Cells for one more worker, owned by the caller; before the first scrape. NULL without memory. */
WARN_UNUSED struct request_counts *app_metrics_add_worker(struct app_metrics *metrics);
void request_counts_free(struct request_counts *counts);

/* Counts an exchange that is over. The worker's thread. */
void request_counts_add(struct request_counts *counts, const struct exchange *exchange);

/* Calls `visit` for each route, method and status that has been counted, in this order. Any thread.
 */
typedef void app_metrics_visit_function(void *context, enum route route, enum method method,
                                        unsigned status, uint64_t count);
void app_metrics_visit_requests(const struct app_metrics *metrics,
                                app_metrics_visit_function *visit, void *context);

/* The same, for each worker by itself and in no order: takes as long as few are in use. */
void app_metrics_visit_workers(const struct app_metrics *metrics, app_metrics_visit_function *visit,
                               void *context);

/* Observes an exchange of a measured route whose answer was wholly sent. Any thread. */
void app_metrics_observe(const struct app_metrics *metrics, const struct completion *completion);
