/*
 * Raw samples as Prometheus stored them, and the scrapes that they must be equal to. Private to
 * src/verify.
 */
#pragma once

#include "verify/verification.h"

/* The families of which every sample is compared. */
#define SAMPLES_NAMES                                                                              \
    "httpserver_requests_total|httpserver_execution_latency_seconds_(bucket|count|sum)"

/*
 * Asks for the samples of SAMPLES_NAMES of a target in the `window_seconds` up to `at_seconds`.
 * False when it could not be asked or is too much; prometheus->error says why.
 */
bool samples_read(struct prometheus *prometheus, const struct target *target,
                  int64_t window_seconds, double at_seconds,
                  struct samples *ret_samples) WARN_UNUSED;

/* Lays out the `result` of a range query: takes `series` over. -ENOMEM, -EPROTO or -E2BIG. */
int samples_layout(json_t *series, struct samples *ret_samples) WARN_UNUSED;

double samples_value(const struct samples *samples, size_t row, size_t series);

/* The labels of a series. Borrowed. */
json_t *samples_labels(const struct samples *samples, size_t series);

/* The index of the series of cumulative counts at or below `bound`; SIZE_MAX when there is none. */
size_t samples_bucket(const struct samples *samples, double bound);

/* Appends {label="value",...} matchers for all labels of a target, without the braces. */
void buffer_append_target_matchers(struct buffer *buffer, const struct target *target);

struct samples_difference {
    size_t rows;             /* scrapes compared */
    size_t equal;            /* of them, the same in every series */
    size_t unknown;          /* behind what the server's list reaches back to */
    size_t unmatched;        /* at no time of a scrape that the server knows */
    double time;             /* of the first one that differs */
    double stored, rendered; /* NaN: not there */
    char series[256];        /* of the first one that differs; "" when none does */
};

/*
 * Compares each row with the scrape of `truth` at its time: exactly, value by value, both ways.
 * `slack_seconds` is how far times may differ; `longest_seconds` how long a scrape may take.
 */
void samples_compare(const struct samples *samples, const struct testimony *truth,
                     double slack_seconds, double longest_seconds,
                     struct samples_difference *ret_difference);

/* The scrape of `truth` that the row is of, equal ones first; NULL without one. Borrowed. */
const json_t *samples_scrape(const struct samples *samples, size_t row,
                             const struct testimony *truth, double slack_seconds,
                             double longest_seconds);
