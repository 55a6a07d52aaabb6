/*
 * classic and native: what PromQL says of the latency against what it was.
 */
#include "verify/samples.h"
#include "verify/tolerance.h"
#include "verify/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKETCH_ERROR 0.001 /* of the truth's quantiles, docs/truth.md */
#define ARITHMETIC_ERROR 1e-9

static struct buckets buckets_of(const struct verification *verification, const double *counts)
{
    return (struct buckets){
        .bounds = verification->bounds, .counts = counts, .bound_count = verification->bound_count};
}

/* What of the ranks is rate()'s own doing, in whichever way this Prometheus extrapolates. */
static double stretch(const struct verification *verification)
{
    struct buckets seen = buckets_of(verification, verification->seen_buckets);
    double worst = 0;
    for (enum extrapolation order = 0; order < EXTRAPOLATIONS; order++) {
        struct buckets stretched = buckets_of(verification, verification->stretched_buckets[order]);
        worst = fmax(worst, rank_shift(&seen, &stretched));
    }
    return worst;
}

static void judge(struct comparison *one)
{
    double slack = ARITHMETIC_ERROR * one->upper_seconds;
    one->holds = one->promql_seconds >= one->lower_seconds - slack &&
                 one->promql_seconds <= one->upper_seconds + slack;
}

static double tolerated_rank(const struct verification *verification, double q)
{
    return rank_tolerance(q, verification->true_count, verification->seen_count,
                          verification->odd_count) +
           stretch(verification);
}

static bool same_seconds(double a, double b)
{
    return fabs(a - b) <= ARITHMETIC_ERROR * fmax(fabs(a), fabs(b));
}

/* The nearer of the ways in which versions of Prometheus extrapolate. */
static double from_samples(const struct verification *verification, double q, double promql)
{
    double nearest = (double)NAN;
    for (enum extrapolation order = 0; order < EXTRAPOLATIONS; order++) {
        struct buckets stretched = buckets_of(verification, verification->stretched_buckets[order]);
        double seconds = buckets_quantile(&stretched, q);
        if (!(fabs(nearest - promql) <= fabs(seconds - promql))) {
            nearest = seconds;
        }
    }
    return nearest;
}

static void judge_classic(struct verification *verification)
{
    struct buckets buckets = buckets_of(verification, verification->true_buckets);
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        struct comparison *one = &verification->classic[i];
        one->rank_tolerance = tolerated_rank(verification, one->q);
        bucket_tolerance(&buckets, one->q - one->rank_tolerance, one->q + one->rank_tolerance,
                         &one->lower_seconds, &one->upper_seconds);
        judge(one);
        one->samples_seconds = from_samples(verification, one->q, one->promql_seconds);
        /* Above the last bound the answer cannot be but wrong, though it is what must come. */
        one->holds = one->holds && same_seconds(one->samples_seconds, one->promql_seconds) &&
                     one->true_seconds <= verification->bounds[verification->bound_count - 1];
    }
}

static void judge_native(struct verification *verification, int schema)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        struct comparison *one = &verification->native[i];
        one->rank_tolerance = tolerated_rank(verification, one->q);
        double lowest = window_true_quantile(verification, fmax(one->q - one->rank_tolerance, 0));
        double highest = window_true_quantile(verification, fmin(one->q + one->rank_tolerance, 1));
        double ignored = 0;
        native_ends(schema, lowest * (1 - SKETCH_ERROR), &one->lower_seconds, &ignored);
        native_ends(schema, highest * (1 + SKETCH_ERROR), &ignored, &one->upper_seconds);
        one->samples_seconds = (double)NAN;
        judge(one);
    }
}

static const struct comparison *first_wrong(const struct comparison *comparisons)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        if (!comparisons[i].holds) {
            return &comparisons[i];
        }
    }
    return NULL;
}

static double worst_error(const struct comparison *comparisons)
{
    double worst = 0;
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        const struct comparison *one = &comparisons[i];
        double error = one->promql_seconds / one->true_seconds - 1;
        worst = fabs(error) > fabs(worst) ? error : worst;
    }
    return worst;
}

static void report_quantiles(const struct verification *verification,
                             const struct comparison *comparisons, struct stage_result *result)
{
    const struct comparison *wrong = first_wrong(comparisons);
    if (wrong == NULL) {
        stage_set(result, STAGE_OK,
                  "p50 to p99.9 of %.0f requests are where they must be, off by %+.1f %% at most",
                  verification->seen_count, 100 * worst_error(comparisons));
        return;
    }
    stage_set(result, STAGE_FAILED,
              "p%g is %.6g s, PromQL says %.6g s; it must be in %.6g to %.6g s", wrong->q * 100,
              wrong->true_seconds, wrong->promql_seconds, wrong->lower_seconds,
              wrong->upper_seconds);
    if (!isnan(wrong->samples_seconds)) {
        stage_add(result, "; from the stored samples it is %.6g s", wrong->samples_seconds);
    }
    if (isnan(wrong->promql_seconds)) {
        stage_cause(result, "the query has no answer: no two samples in the window, or buckets "
                            "without +Inf");
        stage_mend(result, "run the expression of the table in Prometheus, its parts first");
    } else if (wrong->true_seconds > verification->bounds[verification->bound_count - 1]) {
        stage_cause(result,
                    "wrong bucket layout: p%g lies above the highest bound, %g s, and "
                    "histogram_quantile() never answers more than that",
                    wrong->q * 100, verification->bounds[verification->bound_count - 1]);
        stage_mend(result, "use the native histogram, or bounds that reach beyond the slowest "
                           "requests");
    } else {
        stage_cause(result, "what answers is not these samples: a recording rule, a cache or a "
                            "down-sampling store in between, or other series under the same "
                            "labels");
        stage_mend(result, "run the expression of the table in Prometheus itself, without the "
                           "layers before it");
    }
}

/* False, with the reason told, when there is nothing to compare. */
static bool has_requests(const struct verification *verification, struct stage_result *result)
{
    long long window = (long long)verification->request->window_seconds;
    if (!verification->has_window) {
        stage_set(result, STAGE_UNKNOWN,
                  "no request was served in the servers' last closed window of %lld s", window);
        stage_cause(result, "no traffic, or it began less than ten seconds ago: the servers close "
                            "a slice every ten seconds");
        stage_mend(result, "send requests, for instance hey -z 60s -c 50 to the server, and ask "
                           "again");
        return false;
    }
    if (!(verification->seen_count > 0)) {
        stage_set(result, STAGE_UNKNOWN,
                  "%.0f requests were served in the window, none of them between two stored "
                  "scrapes",
                  verification->true_count);
        stage_cause(result, "all of them came before the first scrape or after the last");
        stage_mend(result, "send requests while Prometheus scrapes, and ask again");
        return false;
    }
    return true;
}

/* The schema of the native histogram that PromQL computes with; out of range without one. */
static int find_schema(struct verification *verification)
{
    char text[VERIFY_SELECTOR_BYTES + 128];
    snprintf(text, sizeof text, "sum(rate(httpserver_request_duration_seconds{%s}[%llds]))",
             verification->selector, (long long)verification->request->window_seconds);
    json_t *result = prometheus_query(&verification->prometheus, text, verification->at);
    const json_t *histogram =
        json_array_get(json_object_get(json_array_get(result, 0), "histogram"), 1);
    const json_t *buckets = answer_member(histogram, "buckets");
    int schema = native_schema(0, 0);
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        double lower = answer_number_of(json_array_get(bucket, 1));
        if (lower > 0) {
            schema = native_schema(lower, answer_number_of(json_array_get(bucket, 2)));
            break;
        }
    }
    json_decref(result);
    return schema;
}

void stages_of_quantiles(struct verification *verification)
{
    struct stage_result *classic = &verification->stages[STAGE_CLASSIC];
    struct stage_result *native = &verification->stages[STAGE_NATIVE];
    if (verification_needs(verification, STAGE_CLASSIC, STAGE_RESTARTS, STAGE_SAMPLES) &&
        has_requests(verification, classic)) {
        judge_classic(verification);
        verification->has_classic = true;
        report_quantiles(verification, verification->classic, classic);
    }
    if (!verification_needs(verification, STAGE_NATIVE, STAGE_RESTARTS, STAGE_SAMPLES)) {
        return;
    }
    int schema = find_schema(verification);
    if (schema == native_schema(0, 0)) {
        stage_set(native, STAGE_SKIPPED,
                  "no native samples: Prometheus needs --enable-feature=native-histograms");
    } else if (has_requests(verification, native)) {
        judge_native(verification, schema);
        verification->has_native = true;
        report_quantiles(verification, verification->native, native);
        stage_add(native, " (schema %d)", schema);
    }
}
