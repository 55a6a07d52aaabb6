#include "verify/report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static json_t *no_value(void)
{
    return json_pack("n");
}

/* JSON has no NaN and no infinity: null says that there is no number. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : no_value();
}

/* Texts of others may not be UTF-8; then their excerpt is given up rather than the report. */
static json_t *text(const char *value)
{
    json_t *string = json_string(value);
    return string != NULL ? string : json_string("(not UTF-8)");
}

static json_t *stages_of(const struct verification *verification)
{
    json_t *stages = json_array();
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        const struct stage_result *result = &verification->stages[stage];
        json_t *one = json_object();
        json_object_set_new(one, "stage", text(stage_name(stage)));
        json_object_set_new(one, "title", text(stage_title(stage)));
        json_object_set_new(one, "status", text(stage_status_name(result->status)));
        json_object_set_new(one, "evidence", text(result->evidence));
        json_object_set_new(one, "likely_cause",
                            result->cause[0] == '\0' ? no_value() : text(result->cause));
        json_object_set_new(one, "mend", result->mend[0] == '\0' ? no_value() : text(result->mend));
        json_array_append_new(stages, one);
    }
    return stages;
}

static void append_comparisons(json_t *table, const struct comparison *comparisons,
                               const char *source)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        const struct comparison *one = &comparisons[i];
        json_t *row = json_object();
        json_object_set_new(row, "source", text(source));
        json_object_set_new(row, "quantile", number(one->q));
        json_object_set_new(row, "law_seconds", number(one->law_seconds));
        json_object_set_new(row, "true_seconds", number(one->true_seconds));
        json_object_set_new(row, "promql_seconds", number(one->promql_seconds));
        json_object_set_new(row, "samples_seconds", number(one->samples_seconds));
        json_object_set_new(row, "error_seconds", number(one->promql_seconds - one->true_seconds));
        json_object_set_new(row, "error_ratio",
                            number(one->promql_seconds / one->true_seconds - 1));
        json_object_set_new(row, "tolerated_lower_seconds", number(one->lower_seconds));
        json_object_set_new(row, "tolerated_upper_seconds", number(one->upper_seconds));
        json_object_set_new(row, "rank_tolerance", number(one->rank_tolerance));
        json_object_set_new(row, "holds", json_boolean(one->holds));
        json_object_set_new(row, "expression", text(one->expression));
        json_array_append_new(table, row);
    }
}

static json_t *layouts_of(const struct report *report)
{
    json_t *layouts = json_array();
    for (size_t i = 0; i < LAYOUTS && report->has_layouts; i++) {
        const struct layout *layout = &report->layouts[i];
        json_t *one = json_object();
        json_t *bounds = json_array();
        json_t *quantiles = json_object();
        for (size_t k = 0; k < layout->bound_count; k++) {
            json_array_append_new(bounds, number(layout->bounds[k]));
        }
        for (size_t k = 0; k < VERIFY_QUANTILES; k++) {
            char name[16];
            snprintf(name, sizeof name, "%g", verify_quantiles[k]);
            json_object_set_new(quantiles, name, number(layout->seconds[k]));
        }
        json_object_set_new(one, "layout", text(layout->name));
        json_object_set_new(one, "bounds_seconds", layout->bound_count > 0 ? bounds : no_value());
        if (layout->bound_count == 0) {
            json_decref(bounds);
        }
        json_object_set_new(one, "quantiles", quantiles);
        json_object_set_new(one, "worst_error_ratio", number(layout->worst_error));
        json_array_append_new(layouts, one);
    }
    return layouts;
}

static json_t *servers_of(const struct verification *verification)
{
    json_t *servers = json_array();
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        json_t *one = json_object();
        json_object_set_new(one, "address", text(server->name));
        json_object_set_new(one, "targets", json_integer((json_int_t)server->target_count));
        json_object_set_new(one, "instance",
                            server->has_truth ? text(server->truth.instance) : no_value());
        json_object_set_new(one, "law",
                            server->has_truth && server->truth.law[0] != '\0'
                                ? text(server->truth.law)
                                : no_value());
        json_object_set_new(one, "served",
                            server->has_truth ? number(server->truth.count) : no_value());
        json_array_append_new(servers, one);
    }
    return servers;
}

void report_json(const struct report *report, FILE *output)
{
    const struct verification *verification = report->verification;
    enum stage fault = verification_first_fault(verification);
    json_t *document = json_object();
    json_t *table = json_array();
    static const char *const verdicts[] = {
        [VERIFY_HOLDS] = "holds", [VERIFY_LIES] = "lies", [VERIFY_COULD_NOT_ASK] = "could not ask"};
    char sentence[256];
    report_verdict(verification, sentence, sizeof sentence);
    json_object_set_new(document, "verdict", text(verdicts[verification_exit(verification)]));
    json_object_set_new(document, "sentence", text(sentence));
    json_object_set_new(document, "stage",
                        fault == STAGE_COUNT ? no_value() : text(stage_name(fault)));
    json_object_set_new(document, "prometheus", text(verification->prometheus.url.authority));
    json_object_set_new(document, "prometheus_version", text(verification->prometheus_version));
    json_object_set_new(document, "window_seconds",
                        json_integer((json_int_t)verification->request->window_seconds));
    json_object_set_new(document, "evaluated_at", number(verification->at));
    json_object_set_new(document, "requests_served", number(verification->true_count));
    json_object_set_new(document, "requests_seen", number(verification->seen_count));
    json_object_set_new(document, "servers", servers_of(verification));
    json_object_set_new(document, "stages", stages_of(verification));
    if (verification->has_classic) {
        append_comparisons(table, verification->classic, "classic");
    }
    if (verification->has_native) {
        append_comparisons(table, verification->native, "native");
    }
    json_object_set_new(document, "quantiles", table);
    json_object_set_new(document, "layouts", layouts_of(report));
    if (json_dumpf(document, output, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) == 0) {
        fputc('\n', output);
    } else {
        fprintf(output, "null\n"); /* no memory: not a document that passes for one */
    }
    json_decref(document);
}
