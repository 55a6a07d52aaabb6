/*
 * Which slot of the ground truth a request belongs to, and what else /truth tells. Each measured
 * route has a slot for requests that no rule takes; then come that of all former rules, and those
 * of the rule book.
 */
#pragma once

#include "app/route.h"
#include "app/scrape_log.h"
#include "base/compiler.h"
#include "http/exchange.h"
#include "latency/truth.h"

#define INSTANCE_MAX_BYTES 64 /* Linux' host names have no more */

struct app_truth {
    struct truth *truth;        /* owned */
    struct scrape_log *scrapes; /* owned */
    struct truth_time started;
    unsigned slot_count;
    unsigned route_slot_count; /* the first so many are routes' */
    unsigned former_slot;
    unsigned first_rule_slot;
    uint8_t slot_of_route[ROUTE_COUNT];
    uint8_t route_of_slot[ROUTE_COUNT];
    char instance[INSTANCE_MAX_BYTES + 1]; /* the host's name */
};

/* 0 or -ENOMEM; app_truth_destroy() in either case. */
WARN_UNUSED int app_truth_init(struct app_truth *truth);

/* All workers have ended. All zero is allowed. */
void app_truth_destroy(struct app_truth *truth);

/* Records an exchange that the latency families observe. The worker's thread. */
void app_truth_record(const struct app_truth *truth, struct truth_worker *worker,
                      const struct completion *completion);
