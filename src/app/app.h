/*
 * The application: what the server answers. `struct app` is what all workers share and read;
 * `struct app_worker` is what one of them writes. The engine calls app_begin, app_respond and
 * app_complete (see http/exchange.h).
 */
#pragma once

#include "app/client_address.h"
#include "app/content.h"
#include "app/live.h"
#include "app/metrics.h"
#include "app/route.h"
#include "app/truth_slots.h"
#include "app/wish.h"
#include "base/block_pool.h"
#include "base/compiler.h"
#include "http/exchange.h"
#include "latency/rule_book.h"

#include <stdatomic.h>

struct app_settings {
    struct law *law; /* of `/`, without a program; not owned */
    /* All rules, or NULL; app_init() takes it over, and it is all zero afterwards. */
    struct rule_program *program;
    int64_t max_delay_ns;    /* of laws that come later */
    const char *admin_token; /* of who may change the law; not owned; NULL: nobody */
    uint64_t seed_key;
    struct app_metrics_identity identity; /* its version is a valid field value; not owned */
    struct trusted_networks trusted;      /* not owned */
    bool admin_everywhere;                /* admin routes are on the public listeners too */
    bool request_faults;                  /* requests may ask for something themselves */
    struct wish_limits wishes;
    struct meter *meter; /* not owned */
};

struct app {
    struct app_settings settings;
    struct rule_book rules;
    struct app_metrics metrics;
    struct app_truth truth;
    struct live *live;      /* owned */
    char index_fields[256]; /* Content-Type and version of `/`, as field lines */
    size_t index_fields_bytes;
    _Atomic bool ready; /* what /readyz says; set by the server */
    /* A cache line of its own: of the requests that ask for something that is drawn. */
    CACHE_ALIGNED _Atomic uint64_t next_asked_ordinal;
};

#define APP_SCRATCH_BYTES BLOCK_POOL_CHUNK_BYTES

struct app_worker {
    struct app *app;               /* not owned */
    struct request_counts *counts; /* owned */
    struct truth_worker *truth;    /* the app's */
    struct rule_reader rules;
    struct contents contents; /* being sent */
    struct wish_laws laws;
    char *scratch;               /* owned: APP_SCRATCH_BYTES, for an answer that is being made */
    const struct effect *effect; /* of the answer that is being made; NULL: none */
};

/*
 * Registers the metrics. Returns 0 or a negative errno, with `error` filled; app_destroy() in
 * either case, when all workers are destroyed and the meter is freed.
 */
WARN_UNUSED int app_init(struct app *app, const struct app_settings *settings,
                         struct meter_error *error);
void app_destroy(struct app *app); /* all zero is allowed */

/*
 * How the rules change while requests are answered: any thread, and the next request is under the
 * new ones. 0 or a negative errno (see rule_book.h), in which case nothing changes.
 * app_replace_rules() takes the program over; app_replace_law() gives `/` another law until rules
 * are replaced, and leaves the law the caller's, who may free it at once.
 */
WARN_UNUSED int app_replace_rules(struct app *app, struct rule_program *program);
WARN_UNUSED int app_replace_law(struct app *app, struct law *law);

/* At most APP_MAX_WORKERS, before the first scrape, all to outlive the last, at places
 * that stay. `connections`: how many it may have at once. 0 or -ENOMEM. */
WARN_UNUSED int app_worker_init(struct app_worker *worker, struct app *app, uint32_t connections);
void app_worker_destroy(struct app_worker *worker);

/* Asks the rules what is to happen to a request for a public route; changes nothing without one. */
void app_choose(struct app_worker *worker, struct exchange *exchange, const struct request *request,
                struct outcome *outcome);

/* The engine's calls; `context` is a struct app_worker. */
void app_begin(void *context, struct exchange *exchange, const struct request *request,
               struct buffer *keep);
void app_respond(void *context, struct exchange *exchange, struct response *response);
void app_complete(void *context, const struct completion *completion);
