#include "app/live_json.h"

#include "app/live.h"
#include "base/clock.h"

#include <math.h>

/* Of a law in a bin: less is not to be seen in a picture. */
#define SMALLEST_MASS 1e-5
/* An octave of a law has 2^6 bins. */
#define MASS_BITS 6
#define MASS_BINS (SKETCH_BINS >> (SKETCH_BITS - MASS_BITS))
/* Of what is behind the rules of a second. */
#define TAIL_BYTES 64

const struct truth_question live_question = {
    .quantile_count = LIVE_QUANTILES,
    .quantiles = {{.digits = 5, .scale = 1}, {.digits = 9, .scale = 1}, {.digits = 99, .scale = 2}},
};

/* What an entry of a second is about: a rule, or the requests of a route that no rule took. */
struct entry {
    const struct rule_view *view; /* NULL: no rule */
    unsigned slot;
};

/* Seconds in so many digits as the page shows at most. */
static void put_rounded(struct json_writer *json, double value, double digits)
{
    json_double(json, round(value * digits) / digits);
}

/* Of no delay there is nothing to be compared with. */
static void put_law_quantiles(struct json_writer *json, const struct law *law)
{
    if (law_is_none(law)) {
        json_no_value(json);
        return;
    }
    json_open(json, '[');
    for (unsigned i = 0; i < live_question.quantile_count; i++) {
        json_double(json, law_quantile_ns(law, decimal_value(live_question.quantiles[i])) / 1e9);
    }
    json_close(json, ']');
}

static void put_overshoot(struct json_writer *json, struct truth_overshoot overshoot)
{
    json_name(json, "overshoot_seconds");
    if (overshoot.count == 0) {
        json_no_value(json);
    } else {
        put_rounded(json, (double)overshoot.sum_ns / (double)overshoot.count / 1e9, 1e9);
    }
}

/* Pairs of a bin and how many requests are in it. */
static void put_bins(struct json_writer *json, const uint64_t *coarse)
{
    json_name(json, "bins");
    json_open(json, '[');
    for (unsigned bin = 0; bin < TRUTH_COARSE_BINS; bin++) {
        if (coarse[bin] > 0) {
            json_u64(json, bin);
            json_u64(json, coarse[bin]);
        }
    }
    json_close(json, ']');
}

static void put_figures(struct json_writer *json, const char *name,
                        const struct truth_figures *figures)
{
    json_name(json, name);
    json_open(json, '{');
    json_name(json, "count");
    json_u64(json, figures->count);
    json_name(json, "sum_seconds");
    json_seconds(json, figures->sum_ns);
    json_name(json, "quantiles");
    json_open(json, '[');
    for (unsigned i = 0; figures->count > 0 && i < live_question.quantile_count; i++) {
        json_seconds(json, (unsigned __int128)figures->quantiles_ns[i]);
    }
    json_close(json, ']');
}

static void put_buckets(struct json_writer *json, const uint64_t *buckets)
{
    json_name(json, "buckets");
    json_open(json, '[');
    for (unsigned i = 0; i <= TRUTH_BOUNDS; i++) {
        json_u64(json, buckets[i]);
    }
    json_close(json, ']');
}

static void put_rule(const struct rule *rule, bool in_force, struct json_writer *json)
{
    json_name(json, "rule");
    json_text(json, span_from_string(rule->definition.name));
    json_name(json, "in_force");
    json_bool(json, in_force);
    json_name(json, "draws");
    json_u64(json, atomic_load_explicit(&rule->next_ordinal, memory_order_relaxed));
    json_name(json, "law");
    put_law_quantiles(json, rule->definition.delay);
}

static void put_entry(const struct app *app, const struct entry *entry,
                      const struct truth_step *step, struct json_writer *json)
{
    json_open(json, '{');
    json_name(json, "slot");
    json_u64(json, entry->slot);
    if (entry->view == NULL) {
        json_name(json, "route");
        json_text(json, route_at(app->truth.route_of_slot[entry->slot])->pattern);
    } else {
        put_rule(entry->view->rule, entry->view->in_force, json);
    }
    json_name(json, "count");
    json_u64(json, step->count);
    put_bins(json, step->coarse);
    put_overshoot(json, step->overshoot);
    put_figures(json, "minute", &step->window);
    put_overshoot(json, step->window_overshoot);
    json_close(json, '}');
    put_figures(json, "since", &step->total);
    put_buckets(json, step->buckets);
    json_close(json, '}');
    json_close(json, '}');
}

/*
 * The rule of the options is told of always; of others those that have something to tell. False
 * when there is no room for it.
 */
WARN_UNUSED static bool put_if_needed(const struct app *app, const struct truth_series *series,
                                      const struct entry *entry, struct json_writer *json)
{
    static const uint64_t nothing[TRUTH_COARSE_BINS];
    struct truth_step step = {.coarse = nothing};
    bool any = truth_series_look(series, entry->slot, &step) && step.window.count > 0;
    bool always = entry->view != NULL && entry->view->in_force &&
                  entry->view->rule->definition.number == DRAW_DEFAULT_RULE;
    if (!any && !always) {
        return true;
    }
    struct json_writer before = *json;
    size_t length = json->out->length;
    put_entry(app, entry, &step, json);
    if (!json->out->overflowed && buffer_room(json->out) >= TAIL_BYTES) {
        return true;
    }
    *json = before;
    json->out->length = length;
    json->out->overflowed = false;
    return false;
}

static void put_codes(struct json_writer *json, const struct live_second *second)
{
    json_name(json, "codes");
    json_open(json, '{');
    for (unsigned status = 0; status < LIVE_STATUS_COUNT; status++) {
        if (second->codes[status] > 0) {
            char name[8];
            struct buffer digits = buffer_over(name, sizeof name - 1);
            buffer_append_u64(&digits, status);
            name[digits.length] = '\0';
            json_name(json, name);
            json_u64(json, second->codes[status]);
        }
    }
    json_close(json, '}');
}

void live_json_second(const struct app *app, const struct live_second *second, struct buffer *out)
{
    struct json_writer json = {.out = out};
    int64_t time_ns = second->realtime_ns - second->realtime_ns % NS_PER_MS;
    json_open(&json, '{');
    json_name(&json, "time");
    json_seconds(&json, (unsigned __int128)time_ns);
    json_name(&json, "covered_seconds");
    put_rounded(&json, (double)second->covered_ns / 1e9, 1e6);
    json_name(&json, "in_flight");
    json_u64(&json, second->in_flight);
    json_name(&json, "viewers");
    json_u64(&json, second->viewers);
    put_codes(&json, second);
    json_name(&json, "rules");
    json_open(&json, '[');
    uint64_t left_out = 0;
    for (unsigned i = 0; i < second->rules->count; i++) {
        const struct rule_view *view = &second->rules->list[i];
        left_out += !put_if_needed(app, second->series, &(struct entry){view, view->slot}, &json);
    }
    for (unsigned slot = 0; slot < app->truth.route_slot_count; slot++) {
        left_out += !put_if_needed(app, second->series, &(struct entry){NULL, slot}, &json);
    }
    json_close(&json, ']');
    json_name(&json, "left_out");
    json_u64(&json, left_out);
    json_close(&json, '}');
}

void live_json_server_head(const struct app *app, struct json_writer *json)
{
    const struct app_metrics_identity *identity = &app->settings.identity;
    const char *const texts[][2] = {{"version", identity->version},
                                    {"build_version", identity->build_version},
                                    {"seed", identity->seed},
                                    {"instance", app->truth.instance}};
    json_open(json, '{');
    for (unsigned i = 0; i < ARRAY_LENGTH(texts); i++) {
        json_name(json, texts[i][0]);
        json_text(json, span_from_string(texts[i][1]));
    }
    json_name(json, "started");
    json_seconds(json, (unsigned __int128)app->truth.started.realtime_ns);
    json_name(json, "admin");
    json_bool(json, app->settings.admin_token != NULL);
    json_name(json, "bins_per_octave");
    json_u64(json, 1U << TRUTH_COARSE_BITS);
    json_name(json, "masses_per_octave");
    json_u64(json, 1U << MASS_BITS);
    json_name(json, "bounds_seconds");
    json_open(json, '[');
    for (unsigned k = 0; k < TRUTH_BOUNDS; k++) {
        json_seconds(json, (unsigned __int128)TRUTH_BOUND_NS(k));
    }
    json_close(json, ']');
    json_name(json, "rules");
    json_open(json, '[');
}

/* How much of the law is in each bin of MASS_BITS. */
static void put_masses(struct json_writer *json, const struct law *law)
{
    json_name(json, "masses");
    json_open(json, '[');
    double below = 0;
    for (uint32_t bin = 0; !law_is_none(law) && bin < MASS_BINS && below < 1; bin++) {
        /* Durations are whole nanoseconds; the next bin begins with its bound. */
        double until = law_cdf(law, truth_coarse_bound_ns(bin + 1, MASS_BITS) - 0.5);
        double mass = round((until - below) * 1e6) / 1e6;
        if (mass >= SMALLEST_MASS) { /* what is less is told with the next bin */
            json_u64(json, bin);
            json_double(json, mass);
            below = until;
        }
    }
    json_close(json, ']');
}

void live_json_server_rule(const struct rule_view *view, struct json_writer *json)
{
    const struct rule_definition *definition = &view->rule->definition;
    char memory[RULE_TEXT_MAX_BYTES];
    struct buffer text = buffer_over(memory, sizeof memory);
    json_line(json);
    json_open(json, '{');
    json_name(json, "slot");
    json_u64(json, view->slot);
    json_name(json, "rule");
    json_text(json, span_from_string(definition->name));
    json_name(json, "since");
    json_seconds(json, (unsigned __int128)view->since.realtime_ns);
    json_name(json, "route");
    rule_pattern_append(&definition->route, &text);
    json_text(json, buffer_span(&text));
    text.length = 0;
    buffer_append_law(&text, definition->delay);
    json_name(json, "law");
    json_text(json, buffer_span(&text));
    json_name(json, "mean_seconds");
    json_double(json, law_is_none(definition->delay) ? (double)NAN
                                                     : law_mean_ns(definition->delay) / 1e9);
    json_name(json, "quantiles");
    put_law_quantiles(json, definition->delay);
    put_masses(json, definition->delay);
    json_close(json, '}');
}

void live_json_server_end(struct json_writer *json)
{
    json_close(json, ']');
    json_close(json, '}');
    buffer_append_byte(json->out, '\n');
}
