#include "server/server_metrics.h"

#include <errno.h>

/* Sums a counter over the workers' engines, by its place in struct engine. */
static uint64_t sum_counter(const struct server_metrics *metrics, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < metrics->worker_count; i++) {
        const char *engine = (const char *)&metrics->workers[i].engine;
        const _Atomic uint64_t *counter = (const _Atomic uint64_t *)(const void *)(engine + offset);
        sum += atomic_load_explicit(counter, memory_order_relaxed);
    }
    return sum;
}

static uint64_t sum_state(const struct server_metrics *metrics, enum connection_state state)
{
    return sum_counter(metrics, offsetof(struct engine, states) + state * sizeof(uint64_t));
}

static void collect_connections(struct meter_sink *sink, void *context)
{
    const struct server_metrics *metrics = context;
    for (unsigned state = CONNECTION_FREE + 1; state < CONNECTION_STATE_COUNT; state++) {
        (void)meter_emit(sink, METER_LABELS(connection_state_name((enum connection_state)state)),
                         (double)sum_state(metrics, (enum connection_state)state));
    }
}

/* Requests that are answered at once are never seen in flight: they begin and end in one turn. */
uint64_t server_metrics_in_flight(const struct server_metrics *metrics)
{
    uint64_t sum = sum_state(metrics, CONNECTION_BODY) + sum_state(metrics, CONNECTION_WAITING) +
                   sum_state(metrics, CONNECTION_WRITING) + sum_state(metrics, CONNECTION_PAUSED);
    uint64_t viewers = metrics->live == NULL ? 0 : live_viewers(metrics->live);
    return sum > viewers ? sum - viewers : 0; /* they are not read at one moment */
}

static void collect_in_flight(struct meter_sink *sink, void *context)
{
    (void)meter_emit(sink, NULL, (double)server_metrics_in_flight(context));
}

static void collect_closed(struct meter_sink *sink, void *context)
{
    const struct server_metrics *metrics = context;
    for (unsigned reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        uint64_t sum =
            sum_counter(metrics, offsetof(struct engine, closed) + reason * sizeof(uint64_t));
        (void)meter_emit(sink, METER_LABELS(close_reason_name((enum close_reason)reason)),
                         (double)sum);
    }
}

static void collect_accepted(struct meter_sink *sink, void *context)
{
    const struct server_metrics *metrics = context;
    (void)meter_emit(sink, NULL, (double)sum_counter(metrics, offsetof(struct engine, accepted)));
}

static void collect_accept_pauses(struct meter_sink *sink, void *context)
{
    const struct server_metrics *metrics = context;
    (void)meter_emit(sink, NULL,
                     (double)sum_counter(metrics, offsetof(struct engine, accept_pauses)));
}

static void collect_dropped_lines(struct meter_sink *sink, void *context)
{
    struct server_metrics *metrics = context;
    const struct access_log *log = atomic_load(&metrics->log);
    (void)meter_emit(sink, NULL, log == NULL ? 0 : (double)access_log_lines_dropped(log));
}

int server_metrics_register(struct server_metrics *metrics, struct meter *meter,
                            struct meter_error *error)
{
    const struct meter_description families[] = {
        {.type = METER_GAUGE,
         .name = "httpserver_connections",
         .help = "Open connections by what they are doing.",
         .labels = METER_LABELS("state"),
         .collect = collect_connections},
        {.type = METER_GAUGE,
         .name = "httpserver_requests_in_flight",
         .help = "Requests being answered, those that wait for their delay included.",
         .collect = collect_in_flight},
        {.type = METER_COUNTER,
         .name = "httpserver_connections_accepted_total",
         .help = "Connections accepted.",
         .collect = collect_accepted},
        {.type = METER_COUNTER,
         .name = "httpserver_connections_closed_total",
         .help = "Connections closed, by the reason.",
         .labels = METER_LABELS("reason"),
         .collect = collect_closed},
        {.type = METER_COUNTER,
         .name = "httpserver_accept_pauses_total",
         .help = "Times that accepting stopped for want of descriptors, memory or connections.",
         .collect = collect_accept_pauses},
        {.type = METER_COUNTER,
         .name = "httpserver_access_log_lines_dropped_total",
         .help = "Access-log lines lost because the output was too slow or failed.",
         .collect = collect_dropped_lines},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        struct meter_description description = families[i];
        description.context = metrics;
        if (meter_register(meter, &description, error) == NULL) {
            return -errno;
        }
    }
    return 0;
}
