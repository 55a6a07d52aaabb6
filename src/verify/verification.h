/*
 * All that is known while a verdict is being made; the stages fill it in their order. Private to
 * src/verify. One thread.
 */
#pragma once

#include "verify/extrapolation.h"
#include "verify/histogram_quantile.h"
#include "verify/prometheus.h"
#include "verify/stage.h"
#include "verify/testimony.h"
#include "verify/verify.h"

#define VERIFY_QUANTILES 5 /* p50, p90, p95, p99, p99.9 */
#define VERIFY_MAX_TARGETS 1024
#define VERIFY_MAX_TARGETS_OF_SERVER 8
#define VERIFY_MAX_SERIES 1024
#define VERIFY_SELECTOR_BYTES 8192
#define VERIFY_GRID 91 /* points of each server's distribution */

extern const double verify_quantiles[VERIFY_QUANTILES];

/* An active target of Prometheus; texts and objects are in verification.targets_document. */
struct target {
    const char *scrape_url;
    const char *pool;
    const char *health; /* up, down, unknown */
    const char *last_error;
    const char *interval_text;
    json_t *labels;
    double interval_seconds; /* NaN when it is not told */
    struct url url;
    bool url_known; /* false: https, or nothing that url_parse reads */
    bool exposes_build_info;
    bool ours; /* a server's, or perhaps one */
};

/* Stored samples of one target in the window: a row for each scrape, a column for each series. */
struct samples {
    json_t *series; /* owned: the array of Prometheus' answer */
    size_t series_count;
    size_t row_count;
    double *times;  /* owned; ascending */
    double *values; /* owned; row_count times series_count; NaN where there is no sample */
};

struct server {
    char name[URL_HOST_MAX_BYTES + 10]; /* host:port */
    struct url url;
    bool balanced; /* two questions were answered by two processes */
    bool has_truth;
    struct testimony truth;
    char truth_error[HTTP_CLIENT_ERROR_BYTES];
    size_t target_count;
    size_t targets[VERIFY_MAX_TARGETS_OF_SERVER]; /* indices of verification.targets */
    struct samples samples;                       /* of the first target */
    double grid[VERIFY_GRID]; /* served quantiles of the window, by verify_grid_rank() */
    double samples_unknown;   /* rows that the server's list no longer reaches back to */
};

/* One line of the table: a quantile of one source. */
struct comparison {
    double q;
    double law_seconds;     /* NaN when there is not one law */
    double true_seconds;    /* of what was served in the window */
    double promql_seconds;  /* NaN: no answer */
    double samples_seconds; /* what PromQL must make of the stored samples; NaN: not computed */
    double lower_seconds, upper_seconds; /* the answer is right between them */
    double rank_tolerance; /* how far the two samples of requests may differ, as a share of q */
    bool holds;
    char expression[VERIFY_SELECTOR_BYTES + 256];
};

struct verification {
    const struct verify_request *request;
    struct prometheus prometheus;
    struct http_client_limits server_limits;
    char prometheus_version[64];
    double prometheus_offset; /* its clock minus this machine's, in seconds */
    double prometheus_uncertainty;
    double clock_slack; /* how far times of two machines may differ in what follows, in seconds */

    json_t *targets_document; /* owned */
    struct target *targets;   /* owned */
    size_t target_count;
    json_t *dropped;        /* borrowed from the document; may be NULL */
    struct server *servers; /* owned; VERIFY_MAX_SERVERS */
    size_t server_count;

    double at;                            /* the evaluation time; NaN while there is none */
    bool has_window;                      /* a window of closed slices with requests in it */
    char selector[VERIFY_SELECTOR_BYTES]; /* matchers of all servers' targets, without braces */
    double true_count;                    /* requests served in the window, all servers */
    double seen_count;                    /* of them, what the stored samples show */
    double odd_count;                     /* requests that only one of the two has, at most */
    double bounds[TESTIMONY_MAX_BOUNDS];
    double true_buckets[TESTIMONY_MAX_BOUNDS + 1]; /* sums over the servers */
    double seen_buckets[TESTIMONY_MAX_BOUNDS + 1];
    double stretched_buckets[EXTRAPOLATIONS][TESTIMONY_MAX_BOUNDS + 1]; /* as increase() has them */
    size_t bound_count;
    struct comparison classic[VERIFY_QUANTILES];
    struct comparison native[VERIFY_QUANTILES];
    bool has_classic, has_native;
    struct stage_result stages[STAGE_COUNT];
};

/* The stages, each in its turn; those in one file after each other. */
void stage_prometheus(struct verification *verification);

void stages_of_targets(struct verification *verification); /* discovered to once */

/* truth and clocks; afterwards the window, its samples and its distribution are gathered. */
void stages_of_truth(struct verification *verification);

void stages_of_samples(struct verification *verification);   /* restarts to samples */
void stages_of_quantiles(struct verification *verification); /* classic and native */
void stages_of_rules(struct verification *verification);     /* rules and alertmanager */

/* Whether all of `first` to `last` are ok; else `stage` is skipped, naming the one that is not. */
bool verification_needs(struct verification *verification, enum stage stage, enum stage first,
                        enum stage last) WARN_UNUSED;

/* Marks as unknown for want of Prometheus' answer. */
void verification_prometheus_failed(struct verification *verification, enum stage stage);

enum verify_exit verification_exit(const struct verification *verification);
/* The first stage that failed, or that is unknown when none failed; STAGE_COUNT when all hold. */
enum stage verification_first_fault(const struct verification *verification);

void samples_free(struct samples *samples);
