/*
 * What the server itself measures: connections, requests in flight, the access log.
 */
#pragma once

#include "base/compiler.h"
#include "meter.h"
#include "server/access_log.h"
#include "server/worker.h"

#include <stdatomic.h>

struct server_metrics {
    struct worker *workers; /* not owned */
    unsigned worker_count;
    const struct live *live;        /* not owned; NULL: nobody views */
    struct access_log *_Atomic log; /* NULL while there is none; not owned */
};

/* Requests being answered; the viewers of the live page, who stay, are none. Any thread. */
uint64_t server_metrics_in_flight(const struct server_metrics *metrics);

/* `metrics` must not move, and must outlive the last scrape. 0 or a negative errno. */
WARN_UNUSED int server_metrics_register(struct server_metrics *metrics, struct meter *meter,
                                        struct meter_error *error);
