#include "verify/window.h"

#include "base/clock.h"
#include "verify/samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 6
/* What a sample's time may be after the moment of rendering: scrape.timestamp-tolerance and more.
 */
#define TIMESTAMP_SLACK_SECONDS 0.01

static struct testimony_question question_of(const struct verification *verification,
                                             const double *ranks, size_t count, unsigned scrapes)
{
    return (struct testimony_question){.window_seconds = verification->request->window_seconds,
                                       .ranks = ranks,
                                       .rank_count = count,
                                       .scrapes = scrapes};
}

/* Asks anew; false when it failed (truth_error is set), or sets *ret_moved when it is another
 * window. */
static bool ask_again(struct verification *verification, struct server *server,
                      const struct testimony_question *question, struct testimony *ret_truth,
                      bool *ret_moved)
{
    if (testimony_ask(&server->url, &verification->server_limits, question, ret_truth,
                      server->truth_error) < 0) {
        return false;
    }
    *ret_moved = *ret_moved || !testimony_same_server(ret_truth, &server->truth) ||
                 ret_truth->to != server->truth.to;
    return true;
}

/* The truth with all its scrapes, in place of the one there was. */
static bool refresh_truths(struct verification *verification, bool *ret_moved)
{
    const struct testimony_question question =
        question_of(verification, verify_quantiles, VERIFY_QUANTILES, TESTIMONY_MAX_SCRAPES);
    for (size_t i = 0; i < verification->server_count; i++) {
        struct server *server = &verification->servers[i];
        struct testimony truth;
        if (!server->has_truth) {
            continue;
        }
        if (!ask_again(verification, server, &question, &truth, ret_moved)) {
            return false;
        }
        testimony_free(&server->truth);
        server->truth = truth;
    }
    return true;
}

static bool read_grid(struct verification *verification, struct server *server, bool *ret_moved)
{
    for (size_t first = 0; first < VERIFY_GRID; first += TESTIMONY_MAX_QUANTILES) {
        double ranks[TESTIMONY_MAX_QUANTILES];
        size_t count = 0;
        while (count < TESTIMONY_MAX_QUANTILES && first + count < VERIFY_GRID) {
            ranks[count] = verify_grid_rank(first + count);
            count++;
        }
        const struct testimony_question question = question_of(verification, ranks, count, 0);
        struct testimony truth;
        if (!ask_again(verification, server, &question, &truth, ret_moved)) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            server->grid[first + i] = (double)NAN;
            for (size_t k = 0; k < truth.quantile_count; k++) {
                if (fabs(truth.ranks[k] - ranks[i]) < 1e-9) {
                    server->grid[first + i] = truth.quantiles[k];
                }
            }
        }
        testimony_free(&truth);
    }
    return true;
}

/* The window ends where all servers' closed windows end; else there is none, and now will do. */
static void choose_time(struct verification *verification)
{
    double at = (double)INFINITY;
    double count = 0;
    bool closed = true;
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (server->has_truth) {
            at = fmin(at, server->truth.to);
            count += server->truth.count;
            closed = closed && server->truth.to > server->truth.from;
        }
    }
    double now = (double)clock_realtime_ns() / (double)NS_PER_S + verification->prometheus_offset;
    verification->has_window = closed && count > 0;
    verification->at =
        verification->has_window ? floor(at * 1000) / 1000 : floor(now * 1000) / 1000;
}

static bool read_samples(struct verification *verification)
{
    for (size_t i = 0; i < verification->server_count; i++) {
        struct server *server = &verification->servers[i];
        samples_free(&server->samples);
        if (server->has_truth &&
            !samples_read(&verification->prometheus, &verification->targets[server->targets[0]],
                          verification->request->window_seconds, verification->at,
                          &server->samples)) {
            return false;
        }
    }
    return true;
}

/* job and instance of all targets, where all have them: what a dashboard's query would name. */
static void make_selector(struct verification *verification)
{
    static const char *const names[] = {"job", "instance"};
    struct buffer text = buffer_over(verification->selector, sizeof verification->selector - 1);
    for (size_t n = 0; n < ARRAY_LENGTH(names); n++) {
        const char *values[VERIFY_MAX_SERVERS];
        size_t count = 0;
        bool all = true;
        for (size_t i = 0; i < verification->server_count; i++) {
            const struct server *server = &verification->servers[i];
            if (!server->has_truth) {
                continue;
            }
            const char *value =
                answer_text(verification->targets[server->targets[0]].labels, names[n]);
            bool known = false;
            for (size_t k = 0; k < count; k++) {
                known = known || strcmp(values[k], value) == 0;
            }
            all = all && value[0] != '\0';
            if (!known) {
                values[count++] = value;
            }
        }
        if (all && count > 0) {
            if (text.length > 0) {
                buffer_append_byte(&text, ',');
            }
            buffer_append_matcher(&text, names[n], values, count);
        }
    }
    verification->selector[text.length] = '\0';
}

static void write_expression(const struct verification *verification, double q, bool native,
                             char *text, size_t size)
{
    if (native) {
        snprintf(
            text, size,
            "histogram_quantile(%g, sum(rate(httpserver_request_duration_seconds{%s}[%llds])))", q,
            verification->selector, (long long)verification->request->window_seconds);
    } else {
        snprintf(text, size,
                 "histogram_quantile(%g, sum by (le) "
                 "(rate(httpserver_execution_latency_seconds_bucket{%s}[%llds])))",
                 q, verification->selector, (long long)verification->request->window_seconds);
    }
}

static void ask_quantiles(struct verification *verification, bool native,
                          struct comparison *comparisons)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        struct comparison *one = &comparisons[i];
        one->q = verify_quantiles[i];
        write_expression(verification, one->q, native, one->expression, sizeof one->expression);
        one->promql_seconds =
            prometheus_number(&verification->prometheus, one->expression, verification->at);
    }
}

/* Whether as many scrapes are stored as were read: none was still under way. */
static bool samples_stand_still(struct verification *verification)
{
    for (size_t i = 0; i < verification->server_count; i++) {
        struct server *server = &verification->servers[i];
        struct samples again;
        if (!server->has_truth) {
            continue;
        }
        if (!samples_read(&verification->prometheus, &verification->targets[server->targets[0]],
                          verification->request->window_seconds, verification->at, &again)) {
            return false;
        }
        bool same = again.row_count == server->samples.row_count;
        samples_free(&again);
        if (!same) {
            return false;
        }
    }
    return true;
}

/* The first and last sample of a series in the window. */
static struct counter_samples counter_of(const struct verification *verification,
                                         const struct samples *samples, size_t series)
{
    struct counter_samples counter = {
        .window_start = verification->at - (double)verification->request->window_seconds,
        .window_end = verification->at,
    };
    for (size_t row = 0; row < samples->row_count; row++) {
        double value = samples_value(samples, row, series);
        if (isnan(value)) {
            continue;
        }
        if (counter.count == 0) {
            counter.first_time = samples->times[row];
            counter.first_value = value;
        }
        counter.last_time = samples->times[row];
        counter.last_value = value;
        counter.count++;
    }
    return counter;
}

/* Requests of the last page that came after the window's end: it may be rendered a little later. */
static double late_requests(const struct verification *verification, const struct server *server)
{
    const struct samples *samples = &server->samples;
    size_t all = samples_bucket(samples, (double)INFINITY);
    size_t last = samples->row_count - 1;
    const json_t *scrape = samples_scrape(
        samples, last, &server->truth, verification->clock_slack + TIMESTAMP_SLACK_SECONDS,
        verification->targets[server->targets[0]].interval_seconds);
    if (all == SIZE_MAX || !(answer_number(scrape, "ended") > server->truth.to)) {
        return 0;
    }
    double late = samples_value(samples, last, all) - samples_value(samples, last - 1, all);
    return isfinite(late) ? late : 0;
}

/* Counts of one server between the first and the last stored scrape of the window. */
static void add_seen(struct verification *verification, const struct server *server)
{
    const struct samples *samples = &server->samples;
    const struct testimony *truth = &server->truth;
    if (samples->row_count < 2) {
        return;
    }
    for (size_t i = 0; i <= truth->bound_count; i++) {
        double bound = i < truth->bound_count ? truth->bounds[i] : (double)INFINITY;
        size_t series = samples_bucket(samples, bound);
        if (series == SIZE_MAX) {
            continue;
        }
        struct counter_samples counter = counter_of(verification, samples, series);
        if (counter.count < 2) {
            continue;
        }
        verification->seen_buckets[i] += counter.last_value - counter.first_value;
        for (enum extrapolation order = 0; order < EXTRAPOLATIONS; order++) {
            verification->stretched_buckets[order][i] += extrapolated_increase(&counter, order);
        }
    }
    verification->odd_count += 2 * late_requests(verification, server);
}

static void add_up(struct verification *verification)
{
    verification->true_count = verification->seen_count = verification->odd_count = 0;
    memset(verification->true_buckets, 0, sizeof verification->true_buckets);
    memset(verification->seen_buckets, 0, sizeof verification->seen_buckets);
    memset(verification->stretched_buckets, 0, sizeof verification->stretched_buckets);
    verification->bound_count = 0;
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (!server->has_truth) {
            continue;
        }
        verification->true_count += server->truth.count;
        verification->bound_count = server->truth.bound_count;
        memcpy(verification->bounds, server->truth.bounds, sizeof verification->bounds);
        for (size_t k = 0; k <= server->truth.bound_count; k++) {
            verification->true_buckets[k] += server->truth.buckets[k];
        }
        add_seen(verification, server);
    }
    verification->seen_count = verification->seen_buckets[verification->bound_count];
    verification->odd_count += fabs(verification->true_count - verification->seen_count);
}

static double law_quantile(const struct verification *verification, size_t index)
{
    static const char *const keys[VERIFY_QUANTILES] = {"0.5", "0.9", "0.95", "0.99", "0.999"};
    const struct testimony *first = NULL;
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct testimony *truth = &verification->servers[i].truth;
        if (!verification->servers[i].has_truth) {
            continue;
        }
        if (first != NULL && strcmp(first->law, truth->law) != 0) {
            return (double)NAN;
        }
        first = truth;
    }
    return first == NULL
               ? (double)NAN
               : answer_number(answer_member(first->law_expected, "quantiles"), keys[index]);
}

static void fill_truths(struct verification *verification)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        double law = law_quantile(verification, i);
        double served = verification->has_window
                            ? window_true_quantile(verification, verify_quantiles[i])
                            : (double)NAN;
        verification->classic[i].law_seconds = verification->native[i].law_seconds = law;
        verification->classic[i].true_seconds = verification->native[i].true_seconds = served;
    }
}

static enum window_result attempt(struct verification *verification)
{
    bool moved = false;
    if (!refresh_truths(verification, &moved)) {
        return WINDOW_TRUTH_FAILED;
    }
    choose_time(verification);
    make_selector(verification);
    if (!read_samples(verification)) {
        return WINDOW_PROMETHEUS_FAILED;
    }
    ask_quantiles(verification, false, verification->classic);
    ask_quantiles(verification, true, verification->native);
    /* After the samples, so that the list has all their scrapes. */
    moved = false;
    if (!refresh_truths(verification, &moved)) {
        return WINDOW_TRUTH_FAILED;
    }
    for (size_t i = 0; i < verification->server_count && verification->has_window; i++) {
        struct server *server = &verification->servers[i];
        if (server->has_truth && !read_grid(verification, server, &moved)) {
            return WINDOW_TRUTH_FAILED;
        }
    }
    if (moved || !samples_stand_still(verification)) {
        return WINDOW_MOVED;
    }
    add_up(verification);
    fill_truths(verification);
    return WINDOW_READ;
}

enum window_result window_read(struct verification *verification)
{
    enum window_result result = WINDOW_MOVED;
    for (unsigned i = 0; i < ATTEMPTS && result == WINDOW_MOVED; i++) {
        result = attempt(verification);
    }
    return result;
}
