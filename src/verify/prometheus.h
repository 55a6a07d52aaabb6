/*
 * Prometheus' HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/): questions, and
 * the shapes of its answers. One thread at a time.
 */
#pragma once

#include "verify/answer.h"

struct prometheus {
    struct url url;
    struct http_client_limits limits;
    char error[HTTP_CLIENT_ERROR_BYTES]; /* of the last question that failed */
};

/*
 * The `data` of GET /api/v1/PATH, where `path` is escaped already and may have a query. Owned by
 * the caller (json_decref). NULL when it could not be asked or answered with an error:
 * prometheus->error says why.
 */
json_t *prometheus_ask(struct prometheus *prometheus, const char *path);

/*
 * The `result` of an instant query: an array of series, or of a time and a value for a scalar.
 * `at_seconds` is the evaluation time, NaN for Prometheus' own present. As prometheus_ask().
 */
json_t *prometheus_query(struct prometheus *prometheus, const char *expression, double at_seconds);

/* The number of a query with exactly one series or scalar; NaN for none, more, or a failure. */
double prometheus_number(struct prometheus *prometheus, const char *expression, double at_seconds);

/*
 * Prometheus' clock minus this machine's, in seconds, and how far that may be off: half the time
 * that asking took. False when it could not be asked.
 */
bool prometheus_clock(struct prometheus *prometheus, double *ret_offset_seconds,
                      double *ret_uncertainty_seconds);

/* A duration as Prometheus prints it (`1m30s`, `500ms`, `1d`), in seconds; NaN if it is none. */
double prometheus_duration(const char *text);

/*
 * Appends a label matcher, `name="value"` or for several values `name=~"a|b"`, with what PromQL's
 * strings and RE2 would take for more than itself escaped.
 */
void buffer_append_matcher(struct buffer *buffer, const char *name, const char *const *values,
                           size_t count);
