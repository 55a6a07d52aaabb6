/*
 * Rows of stored samples against the server's own list of scrapes.
 */
#include "verify/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The entry of a scrape's requests_total with the labels of a series; NULL without one. */
static const json_t *requests_entry(const json_t *scrape, const json_t *labels)
{
    const json_t *entries = answer_member(scrape, "requests_total");
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        if (strcmp(answer_text(entry, "route"), answer_text(labels, "route")) == 0 &&
            strcmp(answer_text(entry, "method"), answer_text(labels, "method")) == 0 &&
            strcmp(answer_text(entry, "code"), answer_text(labels, "code")) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* The cumulative count that the page had for a bound; NaN for a bound that it did not have. */
static double rendered_bucket(const json_t *scrape, const struct testimony *truth, double bound)
{
    const json_t *buckets = answer_member(scrape, "buckets");
    for (size_t i = 0; i < truth->bound_count; i++) {
        if (truth->bounds[i] == bound) {
            return answer_number_of(json_array_get(buckets, i));
        }
    }
    return isinf(bound) ? answer_number_of(json_array_get(buckets, truth->bound_count))
                        : (double)NAN;
}

/* What the page of a scrape said for a series; NaN when it said nothing. */
static double rendered_value(const json_t *scrape, const struct testimony *truth,
                             const json_t *labels)
{
    const char *name = answer_text(labels, "__name__");
    if (strcmp(name, "httpserver_requests_total") == 0) {
        return answer_number(requests_entry(scrape, labels), "count");
    }
    if (strcmp(name, "httpserver_execution_latency_seconds_count") == 0) {
        return answer_number(scrape, "execution_latency_count");
    }
    if (strcmp(name, "httpserver_execution_latency_seconds_sum") == 0) {
        return answer_number(scrape, "execution_latency_sum_seconds");
    }
    return rendered_bucket(scrape, truth, answer_number(labels, "le"));
}

static bool same_value(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool left_out_some(const json_t *scrape)
{
    return answer_number(scrape, "requests_left_out") > 0;
}

/* Where a row first differs from a scrape. */
struct mismatch {
    size_t series; /* SIZE_MAX: a counter that was rendered is not stored at all */
    double stored, rendered;
};

/* Each counter of the page must be stored under some series. */
static const json_t *entry_not_stored(const struct samples *samples, size_t row,
                                      const json_t *scrape)
{
    const json_t *entries = answer_member(scrape, "requests_total");
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        bool stored = false;
        for (size_t k = 0; k < samples->series_count && !stored; k++) {
            const json_t *labels = samples_labels(samples, k);
            stored = !isnan(samples_value(samples, row, k)) &&
                     strcmp(answer_text(labels, "__name__"), "httpserver_requests_total") == 0 &&
                     requests_entry(scrape, labels) == entry;
        }
        if (!stored) {
            return entry;
        }
    }
    return NULL;
}

static bool row_equals(const struct samples *samples, size_t row, const struct testimony *truth,
                       const json_t *scrape, struct mismatch *ret_mismatch)
{
    for (size_t i = 0; i < samples->series_count; i++) {
        const json_t *labels = samples_labels(samples, i);
        double stored = samples_value(samples, row, i);
        double rendered = rendered_value(scrape, truth, labels);
        bool unlisted = isnan(rendered) && left_out_some(scrape) &&
                        strcmp(answer_text(labels, "__name__"), "httpserver_requests_total") == 0;
        if (!unlisted && !same_value(stored, rendered)) {
            *ret_mismatch = (struct mismatch){i, stored, rendered};
            return false;
        }
    }
    const json_t *missing = entry_not_stored(samples, row, scrape);
    if (missing != NULL) {
        *ret_mismatch = (struct mismatch){SIZE_MAX, (double)NAN, answer_number(missing, "count")};
        return false;
    }
    return true;
}

struct match {
    const json_t *scrape; /* NULL: none at that time */
    bool equal;
    struct mismatch mismatch; /* unless equal */
};

/*
 * A scrape is rendered after its timestamp, which is taken before it is asked for (and moved by up
 * to 2 ms to fall on the interval), and before it has ended. Among several, as when a second
 * Prometheus scrapes, the row is of the one that it is equal to.
 */
static struct match find_scrape(const struct samples *samples, size_t row,
                                const struct testimony *truth, double slack_seconds,
                                double longest_seconds)
{
    struct match nearest = {0};
    double distance = (double)INFINITY;
    double time = samples->times[row];
    for (size_t i = 0; i < json_array_size(truth->scrapes); i++) {
        const json_t *scrape = json_array_get(truth->scrapes, i);
        double began = answer_number(scrape, "time");
        struct mismatch mismatch;
        if (!(began >= time - slack_seconds) ||
            !(began <= time + longest_seconds + slack_seconds)) {
            continue;
        }
        if (row_equals(samples, row, truth, scrape, &mismatch)) {
            return (struct match){.scrape = scrape, .equal = true};
        }
        if (fabs(began - time) < distance) {
            distance = fabs(began - time);
            nearest = (struct match){.scrape = scrape, .mismatch = mismatch};
        }
    }
    return nearest;
}

const json_t *samples_scrape(const struct samples *samples, size_t row,
                             const struct testimony *truth, double slack_seconds,
                             double longest_seconds)
{
    return find_scrape(samples, row, truth, slack_seconds, longest_seconds).scrape;
}

/* Where the server's list begins, unless it has all scrapes since the start. */
static double list_begins(const struct testimony *truth)
{
    size_t listed = json_array_size(truth->scrapes);
    return truth->scrapes_total > (double)listed && listed > 0
               ? answer_number(json_array_get(truth->scrapes, 0), "time")
               : truth->started;
}

static void describe_series(const struct samples *samples, size_t series, char *text, size_t size)
{
    const json_t *labels = series == SIZE_MAX ? NULL : samples_labels(samples, series);
    if (labels == NULL) {
        snprintf(text, size, "a series of httpserver_requests_total that is not stored");
        return;
    }
    const char *le = answer_text(labels, "le");
    const char *route = answer_text(labels, "route");
    snprintf(text, size, "%.120s{%s%.40s%s%.20s%s%.10s%s}", answer_text(labels, "__name__"),
             le[0] != '\0'      ? "le=\""
             : route[0] != '\0' ? "route=\""
                                : "",
             le[0] != '\0' ? le : route, route[0] != '\0' ? "\",method=\"" : "",
             answer_text(labels, "method"), route[0] != '\0' ? "\",code=\"" : "",
             answer_text(labels, "code"), le[0] != '\0' || route[0] != '\0' ? "\"" : "");
}

void samples_compare(const struct samples *samples, const struct testimony *truth,
                     double slack_seconds, double longest_seconds,
                     struct samples_difference *ret_difference)
{
    *ret_difference = (struct samples_difference){0};
    double known_from = list_begins(truth) - slack_seconds;
    for (size_t row = 0; row < samples->row_count; row++) {
        struct match match = find_scrape(samples, row, truth, slack_seconds, longest_seconds);
        if (!match.equal && samples->times[row] < known_from) {
            ret_difference->unknown++;
            continue;
        }
        ret_difference->rows++;
        ret_difference->equal += match.equal;
        ret_difference->unmatched += match.scrape == NULL;
        if (!match.equal && match.scrape != NULL && ret_difference->series[0] == '\0') {
            ret_difference->time = samples->times[row];
            ret_difference->stored = match.mismatch.stored;
            ret_difference->rendered = match.mismatch.rendered;
            describe_series(samples, match.mismatch.series, ret_difference->series,
                            sizeof ret_difference->series);
        }
    }
}
