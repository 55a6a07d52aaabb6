#include "app/metrics.h"

#include "app/bench_series.h"
#include "app/rule_metrics.h"
#include "app/trace_context.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/reserve.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#define STATUS_FIRST 100
#define STATUS_COUNT 900

/* 0.001 * 2^k, k = 0..14: from a millisecond to 16 seconds. */
#define LATENCY_BOUNDS                                                                             \
    METER_BOUNDS(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024,      \
                 2.048, 4.096, 8.192, 16.384)

/*
 * Of native buckets. The family that others query by `_bucket` stays classic: offered both,
 * Prometheus would keep the native one and drop those series.
 */
#define NATIVE_GROWTH 1.1

struct request_counts {
    _Atomic uint64_t cells[ROUTE_COUNT][METHOD_COUNT][STATUS_COUNT];
    /* Those that are not zero, for who looks every second. */
    _Atomic uint32_t used_count;
    struct used_cell {
        uint16_t status;
        uint8_t route, method;
    } used[ROUTE_COUNT * METHOD_COUNT * STATUS_COUNT];
};

struct request_counts *app_metrics_add_worker(struct app_metrics *metrics)
{
    ASSERT(metrics->worker_count < APP_MAX_WORKERS);
    /* Only the pages of statuses that come up get memory. */
    struct request_counts *counts = reserve_memory(sizeof *counts);
    if (counts != NULL) {
        metrics->counts[metrics->worker_count++] = counts;
    }
    return counts;
}

void request_counts_free(struct request_counts *counts)
{
    reserve_free(counts, sizeof *counts);
}

static COLD void note_used(struct request_counts *counts, const struct exchange *exchange)
{
    uint32_t count = atomic_load_explicit(&counts->used_count, memory_order_relaxed);
    counts->used[count] = (struct used_cell){exchange->status, exchange->route, exchange->method};
    atomic_store_explicit(&counts->used_count, count + 1, memory_order_release);
}

void request_counts_add(struct request_counts *counts, const struct exchange *exchange)
{
    ASSERT(exchange->status >= STATUS_FIRST && exchange->status < STATUS_FIRST + STATUS_COUNT);
    _Atomic uint64_t *cell =
        &counts->cells[exchange->route][exchange->method][exchange->status - STATUS_FIRST];
    uint64_t before = atomic_load_explicit(cell, memory_order_relaxed);
    if (UNLIKELY(before == 0)) {
        note_used(counts, exchange);
    }
    atomic_store_explicit(cell, before + 1, memory_order_relaxed);
}

void app_metrics_visit_workers(const struct app_metrics *metrics, app_metrics_visit_function *visit,
                               void *context)
{
    for (unsigned i = 0; i < metrics->worker_count; i++) {
        const struct request_counts *counts = metrics->counts[i];
        uint32_t used = atomic_load_explicit(&counts->used_count, memory_order_acquire);
        for (uint32_t k = 0; k < used; k++) {
            struct used_cell at = counts->used[k];
            const _Atomic uint64_t *cell =
                &counts->cells[at.route][at.method][at.status - STATUS_FIRST];
            visit(context, (enum route)at.route, (enum method)at.method, at.status,
                  atomic_load_explicit(cell, memory_order_relaxed));
        }
    }
}

void app_metrics_visit_requests(const struct app_metrics *metrics,
                                app_metrics_visit_function *visit, void *context)
{
    for (unsigned route = 0; route < ROUTE_COUNT; route++) {
        for (unsigned method = 0; method < METHOD_COUNT; method++) {
            for (unsigned status = 0; status < STATUS_COUNT; status++) {
                uint64_t count = 0;
                for (unsigned worker = 0; worker < metrics->worker_count; worker++) {
                    count +=
                        atomic_load_explicit(&metrics->counts[worker]->cells[route][method][status],
                                             memory_order_relaxed);
                }
                if (count > 0) {
                    visit(context, (enum route)route, (enum method)method, status + STATUS_FIRST,
                          count);
                }
            }
        }
    }
}

static void emit_requests(void *context, enum route route, enum method method, unsigned status,
                          uint64_t count)
{
    struct meter_sink *sink = context;
    char code[8];
    snprintf(code, sizeof code, "%u", status);
    /* What does not fit is counted by libmeter; nothing else can be done about it here. */
    (void)meter_emit(sink,
                     METER_LABELS(route_at(route)->pattern.data, method_name(method).data, code),
                     (double)count);
}

static void collect_requests(struct meter_sink *sink, void *context)
{
    app_metrics_visit_requests(context, emit_requests, sink);
}

/* A histogram by route, of those that are measured from the start; NULL with errno set. */
static struct meter_family *register_histogram(struct meter *meter,
                                               const struct meter_description *description,
                                               struct meter_histogram **by_route,
                                               struct meter_error *error)
{
    struct meter_family *family = meter_register(meter, description, error);
    for (unsigned route = 0; family != NULL && route < ROUTE_COUNT; route++) {
        const struct route_entry *entry = route_at((enum route)route);
        if (entry->measured && !entry->on_demand) {
            by_route[route] = meter_histogram_get(family, METER_LABELS(entry->pattern.data));
            family = by_route[route] == NULL ? NULL : family;
        }
    }
    return family;
}

static int register_latencies(struct app_metrics *metrics, struct meter_error *error)
{
    struct meter *meter = metrics->meter;
    struct meter_family *execution =
        meter_register(meter,
                       &(struct meter_description){
                           .type = METER_HISTOGRAM,
                           .name = "httpserver_execution_latency_seconds",
                           .help = "Time spent.",
                           .labels = METER_LABELS("step"),
                           .exemplars = true,
                           LATENCY_BOUNDS,
                       },
                       error);
    struct meter_family *duration = register_histogram(
        meter,
        &(struct meter_description){
            .type = METER_HISTOGRAM,
            .name = "httpserver_request_duration_seconds",
            .help = "Time from the head of a request being parsed to the last byte of its answer "
                    "being handed to the kernel.",
            .labels = METER_LABELS("route"),
            .exemplars = true,
            LATENCY_BOUNDS,
            .native_growth = NATIVE_GROWTH,
            .native_alone_in_protobuf = true,
        },
        metrics->request_duration, error);
    if (execution == NULL || duration == NULL) {
        return -errno;
    }
    metrics->duration_family = duration;
    metrics->execution_latency = meter_histogram_get(execution, METER_LABELS("total"));
    return metrics->execution_latency == NULL ? -errno : 0;
}

static int register_delays(struct app_metrics *metrics, struct meter_error *error)
{
    struct meter_family *injected =
        register_histogram(metrics->meter,
                           &(struct meter_description){
                               .type = METER_HISTOGRAM,
                               .name = "httpserver_injected_delay_seconds",
                               .help = "Delays as drawn from the law.",
                               .labels = METER_LABELS("route"),
                               LATENCY_BOUNDS,
                           },
                           metrics->injected_delay, error);
    struct meter_family *overshoot = register_histogram(
        metrics->meter,
        &(struct meter_description){
            .type = METER_HISTOGRAM,
            .name = "httpserver_delay_overshoot_seconds",
            .help = "How much longer than drawn a request waited.",
            .labels = METER_LABELS("route"),
            METER_BOUNDS(1e-6, 2e-6, 4e-6, 8e-6, 16e-6, 32e-6, 64e-6, 128e-6, 256e-6, 512e-6,
                         1.024e-3, 2.048e-3, 4.096e-3, 8.192e-3, 16.384e-3, 32.768e-3, 65.536e-3,
                         131.072e-3, 262.144e-3, 524.288e-3, 1.048576),
        },
        metrics->delay_overshoot, error);
    metrics->injected_family = injected;
    metrics->overshoot_family = overshoot;
    return injected == NULL || overshoot == NULL ? -errno : 0;
}

static int register_info(struct meter *meter, const char *name, const char *help,
                         const char *const *labels, const char *const *values,
                         struct meter_error *error)
{
    struct meter_family *info = meter_register(meter,
                                               &(struct meter_description){
                                                   .type = METER_INFO,
                                                   .name = name,
                                                   .help = help,
                                                   .labels = labels,
                                               },
                                               error);
    return info == NULL ? -errno : meter_info_set(info, values);
}

static int register_identity(struct meter *meter, const struct app_metrics_identity *identity,
                             struct meter_error *error)
{
    int result = register_info(meter, "httpserver_build_info",
                               "The version that the environment gave, and that of the build.",
                               METER_LABELS("version", "build"),
                               METER_LABELS(identity->version, identity->build_version), error);
    if (result == 0) {
        result = register_info(meter, "httpserver_seed_info",
                               "The seed of all draws: started with it, the server draws the same.",
                               METER_LABELS("seed"), METER_LABELS(identity->seed), error);
    }
    return result;
}

/* Names and meaning as client_golang's promhttp has them, which dashboards know. */
static int register_scrapes(struct app_metrics *metrics, struct meter_error *error)
{
    struct meter_family *total =
        meter_register(metrics->meter,
                       &(struct meter_description){
                           .type = METER_COUNTER,
                           .name = "promhttp_metric_handler_requests_total",
                           .help = "Total number of scrapes by HTTP status code.",
                           .labels = METER_LABELS("code"),
                       },
                       error);
    metrics->scrapes_in_flight =
        meter_new_gauge(metrics->meter, "promhttp_metric_handler_requests_in_flight",
                        "Current number of scrapes being served.");
    if (total == NULL || metrics->scrapes_in_flight == NULL) {
        return -errno;
    }
    metrics->scrapes_ok = meter_counter_get(total, METER_LABELS("200"));
    metrics->scrapes_failed = meter_counter_get(total, METER_LABELS("500"));
    metrics->scrapes_refused = meter_counter_get(total, METER_LABELS("503"));
    return 0;
}

int app_metrics_register(struct app_metrics *metrics, struct meter *meter, struct rule_book *rules,
                         const struct app_metrics_identity *identity, struct meter_error *error)
{
    *metrics = (struct app_metrics){.meter = meter};
    struct meter_family *requests =
        meter_register(meter,
                       &(struct meter_description){
                           .type = METER_COUNTER,
                           .name = "httpserver_requests_total",
                           .help = "Requests answered; code 499: the client left first.",
                           .labels = METER_LABELS("route", "method", "code"),
                           .collect = collect_requests,
                           .context = metrics,
                       },
                       error);
    int result = requests == NULL ? -errno : 0;
    if (result == 0) {
        result = register_latencies(metrics, error);
    }
    if (result == 0) {
        result = register_delays(metrics, error);
    }
    if (result == 0) {
        result = rule_metrics_register(meter, rules, error);
    }
    if (result == 0) {
        result = register_identity(meter, identity, error);
    }
    if (result == 0) {
        result = register_scrapes(metrics, error);
    }
    if (result == 0) {
        result = meter_register_process(meter, error);
    }
    if (result == 0) {
        result = meter_register_runtime(meter, error);
    }
#if BENCH_SERIES > 0
    if (result == 0) {
        result = bench_series_register(meter, BENCH_SERIES, error);
    }
#endif
    return result;
}

/* A request that is traced leaves its trace beside the buckets that it counts in. */
static NO_INLINE void observe_traced(struct meter_histogram *histogram, double seconds,
                                     struct span traceparent)
{
    struct trace_context trace;
    if (trace_context_parse(traceparent, &trace)) {
        meter_histogram_observe_trace(histogram, seconds, trace.trace_id, trace.span_id);
    } else {
        meter_histogram_observe(histogram, seconds);
    }
}

static void observe_latency(struct meter_histogram *histogram, double seconds,
                            struct span traceparent)
{
    if (LIKELY(traceparent.length == 0)) {
        meter_histogram_observe(histogram, seconds);
    } else {
        observe_traced(histogram, seconds, traceparent);
    }
}

/* Pages stay small where nobody uses such a route: its first request makes the series. */
COLD static void observe_on_demand(const struct app_metrics *metrics,
                                   const struct exchange *exchange, double total)
{
    const char *const *labels = METER_LABELS(route_at(exchange->route)->pattern.data);
    observe_latency(meter_histogram_lookup(metrics->duration_family, labels), total,
                    exchange->traceparent);
    if (exchange->delay_ns != ACCESS_DELAY_NONE) {
        meter_histogram_observe_ns(meter_histogram_lookup(metrics->injected_family, labels),
                                   exchange->delay_ns);
        meter_histogram_observe_ns(meter_histogram_lookup(metrics->overshoot_family, labels),
                                   exchange->waited_ns - exchange->delay_ns);
    }
}

void app_metrics_observe(const struct app_metrics *metrics, const struct completion *completion)
{
    const struct exchange *exchange = completion->exchange;
    /* A division, as in meter_histogram_observe_ns(): 1 ms must be the same number as 0.001. */
    double total = (double)(completion->completed_ns - exchange->started_ns) / 1e9;
    observe_latency(metrics->execution_latency, total, exchange->traceparent);
    if (UNLIKELY(metrics->request_duration[exchange->route] == NULL)) {
        observe_on_demand(metrics, exchange, total);
        return;
    }
    observe_latency(metrics->request_duration[exchange->route], total, exchange->traceparent);
    if (exchange->delay_ns != ACCESS_DELAY_NONE) {
        int64_t overshoot_ns = exchange->waited_ns - exchange->delay_ns;
        meter_histogram_observe_ns(metrics->injected_delay[exchange->route], exchange->delay_ns);
        meter_histogram_observe_ns(metrics->delay_overshoot[exchange->route], overshoot_ns);
    }
}
