#include "verify/samples.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CELLS ((size_t)1 << 24)

void samples_free(struct samples *samples)
{
    json_decref(samples->series);
    free(samples->times);
    free(samples->values);
    *samples = (struct samples){0};
}

static const json_t *values_of(const struct samples *samples, size_t series)
{
    return answer_member(json_array_get(samples->series, series), "values");
}

static int compare_times(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* All times at which any series has a sample, each once. */
static int collect_times(struct samples *samples)
{
    size_t total = 0;
    for (size_t i = 0; i < samples->series_count; i++) {
        total += json_array_size(values_of(samples, i));
    }
    if (total > MAX_CELLS) {
        return -E2BIG;
    }
    samples->times = calloc(total + 1, sizeof *samples->times);
    if (samples->times == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < samples->series_count; i++) {
        const json_t *values = values_of(samples, i);
        for (size_t k = 0; k < json_array_size(values); k++) {
            double time = answer_number_of(json_array_get(json_array_get(values, k), 0));
            if (!isfinite(time)) {
                return -EPROTO;
            }
            samples->times[count++] = time;
        }
    }
    qsort(samples->times, count, sizeof *samples->times, compare_times);
    for (size_t i = 0; i < count; i++) {
        if (samples->row_count == 0 ||
            samples->times[i] != samples->times[samples->row_count - 1]) {
            samples->times[samples->row_count++] = samples->times[i];
        }
    }
    return 0;
}

static int fill_values(struct samples *samples)
{
    size_t cells = samples->row_count * samples->series_count;
    if (samples->series_count > 0 && samples->row_count > MAX_CELLS / samples->series_count) {
        return -E2BIG;
    }
    samples->values = calloc(cells + 1, sizeof *samples->values);
    if (samples->values == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < cells; i++) {
        samples->values[i] = (double)NAN;
    }
    for (size_t i = 0; i < samples->series_count; i++) {
        const json_t *values = values_of(samples, i);
        for (size_t k = 0; k < json_array_size(values); k++) {
            const json_t *pair = json_array_get(values, k);
            double time = answer_number_of(json_array_get(pair, 0));
            const double *found = bsearch(&time, samples->times, samples->row_count,
                                          sizeof *samples->times, compare_times);
            if (found != NULL) {
                size_t row = (size_t)(found - samples->times);
                samples->values[row * samples->series_count + i] =
                    answer_number_of(json_array_get(pair, 1));
            }
        }
    }
    return 0;
}

int samples_layout(json_t *series, struct samples *ret_samples)
{
    *ret_samples = (struct samples){.series = series, .series_count = json_array_size(series)};
    int result = ret_samples->series_count > VERIFY_MAX_SERIES ? -E2BIG : 0;
    if (result == 0) {
        result = collect_times(ret_samples);
    }
    if (result == 0) {
        result = fill_values(ret_samples);
    }
    if (result < 0) {
        samples_free(ret_samples);
    }
    return result;
}

void buffer_append_target_matchers(struct buffer *buffer, const struct target *target)
{
    const char *separator = "";
    for (void *at = json_object_iter(target->labels); at != NULL;
         at = json_object_iter_next(target->labels, at)) {
        const char *value = json_string_value(json_object_iter_value(at));
        if (value != NULL) {
            buffer_append_span(buffer, span_from_string(separator));
            buffer_append_matcher(buffer, json_object_iter_key(at), &value, 1);
            separator = ",";
        }
    }
}

bool samples_read(struct prometheus *prometheus, const struct target *target,
                  int64_t window_seconds, double at_seconds, struct samples *ret_samples)
{
    char *memory = malloc(VERIFY_SELECTOR_BYTES);
    *ret_samples = (struct samples){0};
    if (memory == NULL) {
        return false;
    }
    struct buffer text = buffer_over(memory, VERIFY_SELECTOR_BYTES - 1);
    buffer_append_span(&text, SPAN("{__name__=~\"" SAMPLES_NAMES "\","));
    buffer_append_target_matchers(&text, target);
    buffer_append_span(&text, SPAN("}["));
    buffer_append_u64(&text, (uint64_t)window_seconds);
    buffer_append_span(&text, SPAN("s]"));
    memory[text.length] = '\0';
    json_t *series = prometheus_query(prometheus, memory, at_seconds);
    free(memory);
    int result = series == NULL ? -EPROTO : samples_layout(series, ret_samples);
    if (series != NULL && result < 0) {
        snprintf(prometheus->error, sizeof prometheus->error, "the samples of %s are %s",
                 target->scrape_url, result == -E2BIG ? "too many" : "not as Prometheus' API says");
    }
    return result == 0;
}

double samples_value(const struct samples *samples, size_t row, size_t series)
{
    return samples->values[row * samples->series_count + series];
}

json_t *samples_labels(const struct samples *samples, size_t series)
{
    return answer_member(json_array_get(samples->series, series), "metric");
}

size_t samples_bucket(const struct samples *samples, double bound)
{
    for (size_t i = 0; i < samples->series_count; i++) {
        const json_t *labels = samples_labels(samples, i);
        if (strcmp(answer_text(labels, "__name__"),
                   "httpserver_execution_latency_seconds_bucket") == 0 &&
            answer_number(labels, "le") == bound) {
            return i;
        }
    }
    return SIZE_MAX;
}
