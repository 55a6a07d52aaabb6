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
    struct access_log *_Atomic log; /* NULL while there is none; not owned */
};

/* `metrics` must not move, and must outlive the last scrape. 0 or a negative errno. */
WARN_UNUSED int server_metrics_register(struct server_metrics *metrics, struct meter *meter,
                                        struct meter_error *error);
