/*
 * restarts, metrics, labels, buckets, samples: what Prometheus stored of what was rendered.
 */
#include "verify/samples.h"
#include "verify/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_SECONDS 10.0

static const struct target *target_of(const struct verification *verification,
                                      const struct server *server)
{
    return &verification->targets[server->targets[0]];
}

/* Whether the row is of an earlier process, by its time or by a counter that falls after it. */
static bool is_before_restart(const struct samples *samples, size_t row,
                              const struct testimony *truth, double slack_seconds)
{
    if (samples->times[row] + slack_seconds < truth->started) {
        return true;
    }
    for (size_t i = 0; i < samples->series_count && row + 1 < samples->row_count; i++) {
        if (samples_value(samples, row + 1, i) < samples_value(samples, row, i)) {
            return true;
        }
    }
    return false;
}

static void check_restarts(struct verification *verification, struct stage_result *result)
{
    stage_set(result, STAGE_OK, "every counter only rises");
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        size_t before = 0;
        for (size_t row = 0; row < server->samples.row_count; row++) {
            if (is_before_restart(&server->samples, row, &server->truth,
                                  verification->clock_slack)) {
                before = row + 1;
            }
        }
        if (before > 0) {
            double age = verification->at - server->truth.started;
            stage_set(result, STAGE_FAILED,
                      "%s started %.1f s before the evaluation; %zu of %zu scrapes in the window "
                      "are of the process before it",
                      server->name, age, before, server->samples.row_count);
            stage_cause(result, "restarted server with a counter reset: rate() and increase() "
                                "bridge the reset, but what was counted after the last scrape "
                                "before it is in no sample");
            stage_mend(result, "verify again %lld s after the start, or with a shorter --window",
                       (long long)verification->request->window_seconds);
            return;
        }
    }
}

/* All series of httpserver_* of one server now, and whether there are any under other labels. */
static json_t *instant_series(struct verification *verification, const struct server *server)
{
    char memory[VERIFY_SELECTOR_BYTES];
    struct buffer text = buffer_over(memory, sizeof memory - 1);
    buffer_append_span(&text, SPAN("{__name__=~\"httpserver_.+\""));
    if (server != NULL && json_object_size(target_of(verification, server)->labels) > 0) {
        buffer_append_byte(&text, ',');
        buffer_append_target_matchers(&text, target_of(verification, server));
    }
    buffer_append_byte(&text, '}');
    memory[text.length] = '\0';
    return prometheus_query(&verification->prometheus, memory, (double)NAN);
}

static const json_t *find_named(const json_t *series, const char *name)
{
    for (size_t i = 0; i < json_array_size(series); i++) {
        const json_t *labels = answer_member(json_array_get(series, i), "metric");
        if (strcmp(answer_text(labels, "__name__"), name) == 0) {
            return labels;
        }
    }
    return NULL;
}

/* The first metric that must be there and is not; NULL when all are. */
static const char *missing_metric(const json_t *series, const struct testimony *truth)
{
    static const char *const names[] = {
        "httpserver_execution_latency_seconds_bucket",
        "httpserver_execution_latency_seconds_count",
        "httpserver_execution_latency_seconds_sum",
        "httpserver_requests_in_flight",
        "httpserver_build_info",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (find_named(series, names[i]) == NULL) {
            return names[i];
        }
    }
    if (find_named(series, "httpserver_request_duration_seconds") == NULL &&
        find_named(series, "httpserver_request_duration_seconds_bucket") == NULL) {
        return "httpserver_request_duration_seconds";
    }
    size_t listed = json_array_size(truth->scrapes);
    const json_t *last = json_array_get(truth->scrapes, listed == 0 ? 0 : listed - 1);
    bool counted = json_array_size(answer_member(last, "requests_total")) > 0;
    return counted && find_named(series, "httpserver_requests_total") == NULL
               ? "httpserver_requests_total"
               : NULL;
}

static void check_metrics(struct verification *verification, const struct server *server,
                          const json_t *series, struct stage_result *result)
{
    const char *missing = missing_metric(series, &server->truth);
    if (missing == NULL || result->status == STAGE_FAILED) {
        return;
    }
    stage_set(result, STAGE_FAILED, "%s of %s is scraped and not stored", missing, server->name);
    stage_cause(result,
                "metric dropped: metric_relabel_configs of job %s drops it, or keeps only "
                "others",
                target_of(verification, server)->pool);
    stage_mend(result,
               "compare scrape_samples_scraped with scrape_samples_post_metric_relabeling, "
               "and let %s through",
               missing);
}

/* Labels that a series of this name carries from the server. */
static const char *missing_label(const json_t *labels)
{
    static const struct {
        const char *name;
        const char *labels[4];
    } wanted[] = {
        {"httpserver_requests_total", {"route", "method", "code"}},
        {"httpserver_execution_latency_seconds_bucket", {"step", "le"}},
        {"httpserver_execution_latency_seconds_count", {"step"}},
        {"httpserver_execution_latency_seconds_sum", {"step"}},
        {"httpserver_request_duration_seconds", {"route"}},
        {"httpserver_request_duration_seconds_bucket", {"route", "le"}},
        {"httpserver_build_info", {"version"}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        if (strcmp(answer_text(labels, "__name__"), wanted[i].name) == 0) {
            for (const char *const *label = wanted[i].labels; *label != NULL; label++) {
                if (json_object_get(labels, *label) == NULL) {
                    return *label;
                }
            }
        }
    }
    return NULL;
}

static void fail_labels(struct stage_result *result, const struct server *server,
                        const char *metric, const char *label)
{
    stage_set(result, STAGE_FAILED, "%s of %s has no label %s", metric, server->name, label);
    stage_cause(result,
                "label dropped: labeldrop or labelkeep in metric_relabel_configs takes "
                "\"%s\" away (series that differ in nothing else then collide, and all "
                "but one are lost), or a target label of that name renames it to "
                "exported_%s",
                label, label);
    stage_mend(result,
               "keep \"%s\" in metric_relabel_configs; name no target label so, or set "
               "honor_labels",
               label);
}

static void check_labels(struct verification *verification, const struct server *server,
                         const json_t *series, struct stage_result *result)
{
    if (json_array_size(series) == 0 && result->status != STAGE_FAILED) {
        /* Nothing under the target's labels: they themselves were taken from the samples. */
        json_t *anywhere = instant_series(verification, NULL);
        if (json_array_size(anywhere) > 0) {
            fail_labels(result, server, "every metric", "instance (or another of its target's)");
        }
        json_decref(anywhere);
    }
    for (size_t i = 0; i < json_array_size(series) && result->status != STAGE_FAILED; i++) {
        const json_t *labels = answer_member(json_array_get(series, i), "metric");
        const char *missing = missing_label(labels);
        if (missing != NULL) {
            fail_labels(result, server, answer_text(labels, "__name__"), missing);
        }
    }
}

static bool has_bound(const json_t *series, double bound)
{
    for (size_t i = 0; i < json_array_size(series); i++) {
        const json_t *labels = answer_member(json_array_get(series, i), "metric");
        if (strcmp(answer_text(labels, "__name__"),
                   "httpserver_execution_latency_seconds_bucket") == 0 &&
            answer_number(labels, "le") == bound) {
            return true;
        }
    }
    return false;
}

static size_t count_buckets(const json_t *series)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(series); i++) {
        const json_t *labels = answer_member(json_array_get(series, i), "metric");
        count += strcmp(answer_text(labels, "__name__"),
                        "httpserver_execution_latency_seconds_bucket") == 0;
    }
    return count;
}

static void check_buckets(const struct verification *verification, const struct server *server,
                          const json_t *series, struct stage_result *result)
{
    const struct testimony *truth = &server->truth;
    size_t stored = count_buckets(series);
    if (result->status == STAGE_FAILED) {
        return;
    }
    for (size_t i = 0; i <= truth->bound_count; i++) {
        double bound = i < truth->bound_count ? truth->bounds[i] : (double)INFINITY;
        if (!has_bound(series, bound) || stored != truth->bound_count + 1) {
            stage_set(result, STAGE_FAILED, "%s has %zu buckets and %zu of them are stored",
                      server->name, truth->bound_count + 1, stored);
            if (!has_bound(series, bound)) {
                stage_add(result, "; le=\"%g\" is missing", bound);
            }
            stage_cause(result,
                        "wrong bucket layout: metric_relabel_configs of job %s drops or "
                        "rewrites buckets; histogram_quantile() then interpolates over "
                        "wider ones, without +Inf it answers NaN",
                        target_of(verification, server)->pool);
            stage_mend(result, "store all buckets of a histogram or none");
            return;
        }
    }
}

static void compare_samples(struct verification *verification, struct stage_result *result)
{
    size_t rows = 0;
    size_t values = 0;
    size_t unknown = 0;
    for (size_t i = 0; i < verification->server_count; i++) {
        struct server *server = &verification->servers[i];
        struct samples_difference difference;
        if (!server->has_truth) {
            continue;
        }
        double longest = target_of(verification, server)->interval_seconds;
        samples_compare(&server->samples, &server->truth, verification->clock_slack,
                        isfinite(longest) ? longest : DEFAULT_TIMEOUT_SECONDS, &difference);
        rows += difference.rows;
        values += difference.rows * server->samples.series_count;
        unknown += difference.unknown;
        if (difference.equal < difference.rows) {
            stage_set(result, STAGE_FAILED, "%s: %zu of %zu scrapes differ from what was rendered",
                      server->name, difference.rows - difference.equal, difference.rows);
            if (difference.series[0] != '\0') {
                stage_add(result, "; at %.3f %s is stored as %.17g and was rendered as %.17g",
                          difference.time, difference.series, difference.stored,
                          difference.rendered);
            }
            if (difference.unmatched > 0) {
                stage_add(result, "; at %zu times the server rendered nothing",
                          difference.unmatched);
            }
            stage_cause(result, "samples are changed, lost or not this server's: relabelling that "
                                "makes series collide, a proxy or cache before the page, or "
                                "samples written by something else under the same labels");
            stage_mend(result, "compare curl of the page with the raw samples, and look for "
                               "\"duplicate\" and \"out of order\" in Prometheus' log");
            return;
        }
    }
    stage_set(result, rows > 0 ? STAGE_OK : STAGE_UNKNOWN, "%zu values of %zu scrapes are equal",
              values, rows);
    if (unknown > 0) {
        stage_add(result, "; %zu older scrapes are behind the servers' lists of %d", unknown,
                  TESTIMONY_MAX_SCRAPES);
    }
    if (rows == 0) {
        stage_add(result, ": the window, %lld s up to %.3f, holds no scrape",
                  (long long)verification->request->window_seconds, verification->at);
    }
}

static void check_stored_series(struct verification *verification)
{
    struct stage_result *stages = verification->stages;
    stage_set(&stages[STAGE_METRICS], STAGE_OK, "all of httpserver_* that queries need is stored");
    stage_set(&stages[STAGE_LABELS], STAGE_OK, "step, route, method, code and le are as rendered");
    stage_set(&stages[STAGE_BUCKETS], STAGE_OK, "every bound of every server is stored");
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (!server->has_truth) {
            continue;
        }
        json_t *series = instant_series(verification, server);
        if (series == NULL) {
            verification_prometheus_failed(verification, STAGE_METRICS);
            return;
        }
        check_labels(verification, server, series, &stages[STAGE_LABELS]);
        if (json_array_size(series) > 0 || stages[STAGE_LABELS].status == STAGE_OK) {
            check_metrics(verification, server, series, &stages[STAGE_METRICS]);
        }
        if (verification_needs(verification, STAGE_BUCKETS, STAGE_METRICS, STAGE_LABELS)) {
            check_buckets(verification, server, series, &stages[STAGE_BUCKETS]);
        }
        json_decref(series);
    }
}

static bool read_window(struct verification *verification)
{
    switch (window_read(verification)) {
    case WINDOW_READ:
        return true;
    case WINDOW_PROMETHEUS_FAILED:
        verification_prometheus_failed(verification, STAGE_RESTARTS);
        return false;
    case WINDOW_TRUTH_FAILED:
        stage_set(&verification->stages[STAGE_RESTARTS], STAGE_UNKNOWN,
                  "a server stopped answering /truth");
        return false;
    case WINDOW_MOVED:
        break;
    }
    stage_set(&verification->stages[STAGE_RESTARTS], STAGE_UNKNOWN,
              "servers or samples kept changing while they were read");
    return false;
}

void stages_of_samples(struct verification *verification)
{
    struct stage_result *stages = verification->stages;
    if (!verification_needs(verification, STAGE_RESTARTS, STAGE_TRUTH, STAGE_CLOCKS) ||
        !read_window(verification)) {
        return;
    }
    check_restarts(verification, &stages[STAGE_RESTARTS]);
    check_stored_series(verification);
    if (verification_needs(verification, STAGE_SAMPLES, STAGE_RESTARTS, STAGE_LABELS)) {
        compare_samples(verification, &stages[STAGE_SAMPLES]);
    }
}
