#include "app/truth_json.h"

#include "base/assert.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_REQUESTS 32

static const char *const figure_names[TRUTH_FIGURES] = {
    [TRUTH_DRAWN] = "drawn", [TRUTH_WAITED] = "waited", [TRUTH_SERVED] = "served"};

static const char *const format_names[] = {
    [METER_TEXT] = "text", [METER_OPENMETRICS] = "openmetrics", [METER_PROTOBUF] = "protobuf"};

static void keep_total(void *context, enum route route, enum method method, unsigned status,
                       uint64_t count)
{
    struct truth_json *json = context;
    if (json->request_count == json->request_capacity) {
        size_t larger = json->request_capacity == 0 ? FIRST_REQUESTS : json->request_capacity * 2;
        struct request_total *requests = realloc(json->requests, larger * sizeof *requests);
        if (requests == NULL) {
            json->without_memory = true;
            return;
        }
        json->requests = requests;
        json->request_capacity = larger;
    }
    json->requests[json->request_count++] = (struct request_total){count, route, method, status};
}

int truth_json_begin(struct truth_json *json, struct app *app, const struct truth_query *query)
{
    *json = (struct truth_json){.app = app, .query = *query, .now = truth_time_now()};
    int result =
        rule_book_ask(&app->rules, &query->question, json->now, &json->answer, &json->rules);
    if (result != 0) {
        return result;
    }
    app_metrics_visit_requests(&app->metrics, keep_total, json);
    if (json->without_memory) {
        truth_json_end(json);
        return -ENOMEM;
    }
    uint64_t added = scrape_log_added(app->truth.scrapes);
    json->last_scrape = added;
    json->next_scrape = added > query->scrapes ? added - query->scrapes + 1 : 1;
    return 0;
}

void truth_json_end(struct truth_json *json)
{
    truth_answer_free(json->answer);
    rule_book_release(&json->app->rules, &json->rules);
    free(json->requests);
}

/* The name of a quantile's member: the decimal, which needs no escape. */
static void put_quantile_name(struct json_writer *writer, struct decimal quantile)
{
    char text[32];
    struct buffer name = buffer_over(text, sizeof text - 1);
    buffer_append_decimal(&name, quantile);
    text[name.length] = '\0';
    json_name(writer, text);
}

static void put_buckets(struct json_writer *writer, const uint64_t *buckets, size_t count)
{
    json_name(writer, "buckets");
    json_open(writer, '[');
    for (size_t i = 0; i < count; i++) {
        json_u64(writer, buckets[i]);
    }
    json_close(writer, ']');
}

static void put_ns_or_null(struct json_writer *writer, int64_t ns, bool known)
{
    if (known) {
        json_seconds(writer, (unsigned __int128)ns);
    } else {
        json_no_value(writer);
    }
}

static void put_figures(struct truth_json *json, uint32_t slot, enum truth_figure figure)
{
    struct json_writer *writer = &json->writer;
    struct truth_figures figures;
    truth_answer_figures(json->answer, slot, figure, &figures);
    bool any = figures.count > 0;
    json_name(writer, figure_names[figure]);
    json_open(writer, '{');
    json_name(writer, "count");
    json_u64(writer, figures.count);
    json_name(writer, "sum_seconds");
    json_seconds(writer, figures.sum_ns);
    json_name(writer, "min_seconds");
    put_ns_or_null(writer, figures.min_ns, any);
    json_name(writer, "max_seconds");
    put_ns_or_null(writer, figures.max_ns, any);
    json_name(writer, "quantiles");
    json_open(writer, '{');
    for (unsigned i = 0; i < json->query.question.quantile_count; i++) {
        put_quantile_name(writer, json->query.question.quantiles[i]);
        put_ns_or_null(writer, figures.quantiles_ns[i], any);
    }
    json_close(writer, '}');
    if (figure == TRUTH_SERVED) {
        uint64_t buckets[TRUTH_BOUNDS + 1];
        truth_answer_buckets(json->answer, slot, buckets);
        put_buckets(writer, buckets, ARRAY_LENGTH(buckets));
    }
    json_close(writer, '}');
}

static void put_text(struct json_writer *writer, const char *name, const char *text)
{
    json_line(writer);
    json_name(writer, name);
    json_text(writer, span_from_string(text));
}

/* A time under its own name, and as text under the other. */
static void put_times(struct json_writer *writer, const char *name, const char *text_name,
                      struct truth_time time)
{
    json_line(writer);
    json_name(writer, name);
    json_seconds(writer, (unsigned __int128)time.realtime_ns);
    if (text_name != NULL) {
        json_line(writer);
        json_name(writer, text_name);
        json_time(writer, time.realtime_ns);
    }
}

static void put_period(struct truth_json *json)
{
    struct json_writer *writer = &json->writer;
    struct truth_period period = truth_answer_period(json->answer);
    put_times(writer, "started", "started_time", json->app->truth.started);
    put_times(writer, "now", NULL, json->now);
    put_times(writer, "from", "from_time", period.from);
    put_times(writer, "to", "to_time", period.to);
    json_line(writer);
    json_name(writer, "window_seconds");
    int64_t window_ns = json->query.question.slices * TRUTH_SLICE_NS;
    put_ns_or_null(writer, window_ns, window_ns > 0);
    json_line(writer);
    json_name(writer, "covered_seconds");
    json_seconds(writer, (unsigned __int128)(period.to.monotonic_ns - period.from.monotonic_ns));
    json_line(writer);
    json_name(writer, "whole_window");
    json_bool(writer, period.whole);
}

static void put_head(struct truth_json *json)
{
    struct json_writer *writer = &json->writer;
    const struct app_metrics_identity *identity = &json->app->settings.identity;
    json_open(writer, '{');
    put_text(writer, "version", identity->version);
    put_text(writer, "build_version", identity->build_version);
    put_text(writer, "seed", identity->seed);
    put_text(writer, "instance", json->app->truth.instance);
    put_period(json);
    json_line(writer);
    json_name(writer, "quantile_relative_error");
    json_double(writer, SKETCH_RELATIVE_ERROR);
    json_line(writer);
    json_name(writer, "bounds_seconds");
    json_open(writer, '[');
    for (unsigned k = 0; k < TRUTH_BOUNDS; k++) {
        json_seconds(writer, (unsigned __int128)TRUTH_BOUND_NS(k));
    }
    json_close(writer, ']');
    json_line(writer);
    json_name(writer, "total");
    json_open(writer, '{');
    put_figures(json, TRUTH_ALL_SLOTS, TRUTH_SERVED);
    json_close(writer, '}');
}

/* What the law says: exact, of the law as it is conditioned on 0 to --max-delay. */
static void put_expected(struct truth_json *json, const struct law *law)
{
    struct json_writer *writer = &json->writer;
    json_name(writer, "law_expected");
    json_open(writer, '{');
    json_name(writer, "min_seconds");
    json_double(writer, law_quantile_ns(law, 0) / 1e9);
    json_name(writer, "max_seconds");
    json_double(writer, law_quantile_ns(law, 1) / 1e9);
    json_name(writer, "mean_seconds");
    json_double(writer, law_mean_ns(law) / 1e9);
    json_name(writer, "quantiles");
    json_open(writer, '{');
    for (unsigned i = 0; i < json->query.question.quantile_count; i++) {
        struct decimal quantile = json->query.question.quantiles[i];
        put_quantile_name(writer, quantile);
        json_double(writer, law_quantile_ns(law, decimal_value(quantile)) / 1e9);
    }
    json_close(writer, '}');
    json_close(writer, '}');
}

/* An entry of the list: a rule, or else the requests of a route without one, or former rules'. */
struct listed {
    const struct rule_view *view; /* NULL: no rule */
    struct span route;            /* NULL data: of any */
    unsigned slot;
};

/* The next entry that says anything; false behind the last one. */
static bool next_listed(struct truth_json *json, struct listed *ret_listed)
{
    const struct app_truth *truth = &json->app->truth;
    for (;; json->entry++) {
        unsigned at = json->entry;
        if (at < json->rules.count) {
            const struct rule_view *view = &json->rules.list[at];
            *ret_listed = (struct listed){.view = view, .slot = view->slot};
            if (view->in_force || truth_answer_count(json->answer, view->slot) > 0) {
                return true;
            }
            continue;
        }
        at -= json->rules.count;
        if (at > truth->former_slot) {
            return false;
        }
        bool former = at == truth->former_slot;
        enum route route = former ? ROUTE_OTHER : truth->route_of_slot[at];
        struct span pattern = former ? span_of(NULL, 0) : route_at(route)->pattern;
        *ret_listed = (struct listed){.route = pattern, .slot = at};
        if ((!former && route != ROUTE_INDEX) || truth_answer_count(json->answer, at) > 0) {
            return true;
        }
    }
}

static void put_text_or_null(struct json_writer *writer, const char *name, struct span text)
{
    json_name(writer, name);
    if (text.data == NULL) {
        json_no_value(writer);
    } else {
        json_text(writer, text);
    }
}

/* When it was in force, as far as this answer knows. */
static void put_validity(struct truth_json *json, const struct rule_view *view)
{
    struct json_writer *writer = &json->writer;
    int64_t from_ns = truth_answer_period(json->answer).from.monotonic_ns;
    json_name(writer, "in_force");
    json_bool(writer, view->in_force);
    json_name(writer, "since");
    json_seconds(writer, (unsigned __int128)view->since.realtime_ns);
    json_name(writer, "until");
    put_ns_or_null(writer, view->until.realtime_ns, !view->in_force);
    json_name(writer, "whole_period");
    json_bool(writer, view->in_force && view->since.monotonic_ns <= from_ns);
}

static void put_no_rule(struct json_writer *writer)
{
    static const char *const names[] = {"in_force",     "since",      "until",
                                        "whole_period", "definition", "law"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        json_name(writer, names[i]);
        json_no_value(writer);
    }
    json_name(writer, "draws");
    json_u64(writer, 0);
    json_name(writer, "law_expected");
    json_no_value(writer);
}

static void put_rule_head(struct truth_json *json, const struct listed *listed)
{
    struct json_writer *writer = &json->writer;
    json_line(writer);
    json_open(writer, '{');
    if (listed->view == NULL) {
        put_text_or_null(writer, "rule",
                         listed->route.data == NULL ? SPAN("former") : span_of(NULL, 0));
        put_text_or_null(writer, "route", listed->route);
        put_no_rule(writer);
        return;
    }
    const struct rule *rule = listed->view->rule;
    const struct rule_definition *definition = &rule->definition;
    char memory[RULE_TEXT_MAX_BYTES];
    struct buffer text = buffer_over(memory, sizeof memory);
    put_text_or_null(writer, "rule", span_from_string(definition->name));
    rule_pattern_append(&definition->route, &text);
    put_text_or_null(writer, "route", buffer_span(&text));
    put_validity(json, listed->view);
    text.length = 0;
    buffer_append_rule(&text, definition);
    put_text_or_null(writer, "definition", buffer_span(&text));
    text.length = 0;
    buffer_append_law(&text, definition->delay);
    put_text_or_null(writer, "law", buffer_span(&text));
    json_name(writer, "draws");
    json_u64(writer, atomic_load_explicit(&rule->next_ordinal, memory_order_relaxed));
    put_expected(json, definition->delay);
}

/* One figure of one entry; false behind the last one. */
static bool put_rule_figure(struct truth_json *json)
{
    struct listed listed;
    if (!next_listed(json, &listed)) {
        return false;
    }
    if (json->figure == 0) {
        put_rule_head(json, &listed);
    }
    json_line(&json->writer);
    put_figures(json, listed.slot, json->figure);
    if (++json->figure == TRUTH_FIGURES) {
        json_close(&json->writer, '}');
        json->figure = 0;
        json->entry++;
    }
    return true;
}

static void put_total(struct json_writer *writer, const struct request_total *total)
{
    char code[8];
    struct buffer digits = buffer_over(code, sizeof code);
    buffer_append_u64(&digits, total->status);
    json_open(writer, '{');
    json_name(writer, "route");
    json_text(writer, route_at(total->route)->pattern);
    json_name(writer, "method");
    json_text(writer, method_name(total->method));
    json_name(writer, "code");
    json_text(writer, buffer_span(&digits));
    json_name(writer, "count");
    json_u64(writer, total->count);
    json_close(writer, '}');
}

static bool put_request(struct truth_json *json)
{
    if (json->next_request == json->request_count) {
        return false;
    }
    json_line(&json->writer);
    put_total(&json->writer, &json->requests[json->next_request++]);
    return true;
}

static void put_asker(struct json_writer *writer, const struct scrape_record *scrape)
{
    char text[ADDRESS_TEXT_BYTES];
    struct buffer client = buffer_over(text, sizeof text);
    peer_address_print(&scrape->client, &client);
    json_name(writer, "client");
    json_text(writer, buffer_span(&client));
    json_name(writer, "user_agent");
    if (scrape->user_agent_bytes > 0) {
        json_text(writer, span_of(scrape->user_agent, scrape->user_agent_bytes));
    } else {
        json_no_value(writer);
    }
}

static void put_scrape_record(struct json_writer *writer, const struct scrape_record *scrape)
{
    json_line(writer);
    json_open(writer, '{');
    json_name(writer, "number");
    json_u64(writer, scrape->number);
    json_name(writer, "time");
    json_seconds(writer, (unsigned __int128)scrape->begun_realtime_ns);
    json_name(writer, "ended");
    json_seconds(writer, (unsigned __int128)scrape->ended_realtime_ns);
    json_name(writer, "format");
    json_text(writer, span_from_string(format_names[scrape->format]));
    put_asker(writer, scrape);
    json_name(writer, "execution_latency_count");
    json_u64(writer, scrape->latency_count);
    json_name(writer, "execution_latency_sum_seconds");
    json_double(writer, scrape->latency_sum_seconds);
    put_buckets(writer, scrape->latency_buckets, scrape->latency_bucket_count);
    json_name(writer, "requests_total");
    json_open(writer, '[');
    for (uint32_t i = 0; i < scrape->request_count; i++) {
        const struct scrape_requests *requests = &scrape->requests[i];
        put_total(writer, &(struct request_total){requests->count, requests->route,
                                                  requests->method, requests->status});
    }
    json_close(writer, ']');
    json_name(writer, "requests_left_out");
    json_u64(writer, scrape->requests_left_out);
    json_close(writer, '}');
}

static bool put_scrape(struct truth_json *json)
{
    while (json->next_scrape <= json->last_scrape) {
        if (scrape_log_copy(json->app->truth.scrapes, json->next_scrape++, &json->scrape)) {
            put_scrape_record(&json->writer, &json->scrape);
            return true;
        }
    }
    return false;
}

/* The list of the part that is being written; false when it has no more items. */
static bool put_item(struct truth_json *json)
{
    switch (json->part) {
    case TRUTH_RULES:
        return put_rule_figure(json);
    case TRUTH_REQUESTS:
        return put_request(json);
    default:
        return put_scrape(json);
    }
}

static void open_list(struct truth_json *json)
{
    static const char *const names[] = {
        [TRUTH_RULES] = "rules", [TRUTH_REQUESTS] = "requests", [TRUTH_SCRAPES] = "scrapes"};
    struct json_writer *writer = &json->writer;
    if (json->part == TRUTH_SCRAPES) {
        json_line(writer);
        json_name(writer, "scrapes_total");
        json_u64(writer, json->last_scrape);
    }
    json_line(writer);
    json_name(writer, names[json->part]);
    json_open(writer, '[');
}

bool truth_json_next(struct truth_json *json, struct buffer *out)
{
    json->writer.out = out;
    if (json->part == TRUTH_END) {
        return false;
    }
    if (json->part == TRUTH_HEAD) {
        put_head(json);
        json->part++;
        return true;
    }
    if (!json->in_part) {
        open_list(json);
        json->in_part = true;
    }
    if (put_item(json)) {
        return true;
    }
    json_close(&json->writer, ']');
    json->in_part = false;
    if (++json->part == TRUTH_END) {
        buffer_append_span(out, SPAN("\n}\n"));
    }
    return true;
}
