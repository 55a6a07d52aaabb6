#include "app/rule_metrics.h"

#include "app/route.h"

#include <errno.h>

static const struct {
    const char *name;
    double q;
} quantiles[] = {{"0.5", 0.5}, {"0.9", 0.9}, {"0.95", 0.95}, {"0.99", 0.99}, {"0.999", 0.999}};

/* The law that all requests of a route are under; NULL when there is none, or when it depends. */
static const struct law *law_of_route(const struct rule_set *set, enum route route)
{
    if (!route_at(route)->measured) {
        return NULL;
    }
    struct rule_route paths = route_paths(route);
    const struct rule *rule = rule_set_sole(set, &paths);
    return rule == NULL ? NULL : rule->definition.delay;
}

static void emit_quantiles(void *context, const struct rule_set *set,
                           const struct rule_program *program, unsigned phase)
{
    (void)program;
    (void)phase;
    for (unsigned route = ROUTE_OTHER + 1; route < ROUTE_COUNT; route++) {
        const struct law *law = law_of_route(set, (enum route)route);
        for (size_t i = 0; law != NULL && i < ARRAY_LENGTH(quantiles); i++) {
            (void)meter_emit(
                context, METER_LABELS(route_at((enum route)route)->pattern.data, quantiles[i].name),
                law_quantile_ns(law, quantiles[i].q) / 1e9);
        }
    }
}

static void emit_means(void *context, const struct rule_set *set,
                       const struct rule_program *program, unsigned phase)
{
    (void)program;
    (void)phase;
    for (unsigned route = ROUTE_OTHER + 1; route < ROUTE_COUNT; route++) {
        const struct law *law = law_of_route(set, (enum route)route);
        if (law != NULL) {
            (void)meter_emit(context, METER_LABELS(route_at((enum route)route)->pattern.data),
                             law_mean_ns(law) / 1e9);
        }
    }
}

static void emit_phases(void *context, const struct rule_set *set,
                        const struct rule_program *program, unsigned phase)
{
    (void)set;
    for (unsigned i = 0; i < program->phase_count; i++) {
        (void)meter_emit(context, METER_LABELS(program->phases[i].name), i == phase);
    }
    if (program->phase_count > 0) {
        (void)meter_emit(context, METER_LABELS(SCENARIO_OVER), phase == program->phase_count);
    }
}

static void collect_quantiles(struct meter_sink *sink, void *context)
{
    rule_book_visit(context, emit_quantiles, sink);
}

static void collect_means(struct meter_sink *sink, void *context)
{
    rule_book_visit(context, emit_means, sink);
}

static void collect_phases(struct meter_sink *sink, void *context)
{
    rule_book_visit(context, emit_phases, sink);
}

int rule_metrics_register(struct meter *meter, struct rule_book *rules, struct meter_error *error)
{
    const struct meter_description families[] = {
        {.type = METER_GAUGE,
         .name = "httpserver_expected_latency_quantile_seconds",
         .help = "Quantiles of the law that delays are drawn from.",
         .labels = METER_LABELS("route", "q"),
         .collect = collect_quantiles},
        {.type = METER_GAUGE,
         .name = "httpserver_expected_latency_mean_seconds",
         .help = "Mean of the law that delays are drawn from.",
         .labels = METER_LABELS("route"),
         .collect = collect_means},
        {.type = METER_GAUGE,
         .name = "httpserver_scenario_phase",
         .help = "1 for the phase that the scenario is in; over: behind its last one.",
         .labels = METER_LABELS("phase"),
         .collect = collect_phases},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        struct meter_description description = families[i];
        description.context = rules;
        if (meter_register(meter, &description, error) == NULL) {
            return -errno;
        }
    }
    return 0;
}
