/*
 * rules and alertmanager: asked about only where --require wants them.
 */
#include "verify/verification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule_counts {
    size_t groups, rules, about_us;
    const json_t *unhealthy; /* the first one */
};

static void count_rules(const json_t *data, struct rule_counts *counts)
{
    const json_t *groups = answer_member(data, "groups");
    counts->groups = json_array_size(groups);
    for (size_t i = 0; i < counts->groups; i++) {
        const json_t *rules = answer_member(json_array_get(groups, i), "rules");
        counts->rules += json_array_size(rules);
        for (size_t k = 0; k < json_array_size(rules); k++) {
            const json_t *rule = json_array_get(rules, k);
            counts->about_us += strstr(answer_text(rule, "query"), "httpserver_") != NULL;
            if (counts->unhealthy == NULL && strcmp(answer_text(rule, "health"), "err") == 0) {
                counts->unhealthy = rule;
            }
        }
    }
}

static void check_rules(struct verification *verification, struct stage_result *result)
{
    json_t *data = prometheus_ask(&verification->prometheus, "rules");
    if (data == NULL) {
        verification_prometheus_failed(verification, STAGE_RULES);
        return;
    }
    struct rule_counts counts = {0};
    count_rules(data, &counts);
    bool fine = counts.about_us > 0 && counts.unhealthy == NULL;
    stage_set(result, fine ? STAGE_OK : STAGE_FAILED,
              "%zu rules in %zu groups are loaded, %zu of them about httpserver_*", counts.rules,
              counts.groups, counts.about_us);
    if (counts.unhealthy != NULL) {
        stage_add(result, "; %s: %s", answer_text(counts.unhealthy, "name"),
                  answer_text(counts.unhealthy, "lastError"));
        stage_cause(result, "a rule cannot be evaluated");
        stage_mend(result, "run the rule's expression in Prometheus; promtool check rules FILE");
    } else if (counts.about_us == 0) {
        stage_cause(result, "rule file missing: rule_files names no file that is there (Prometheus "
                            "does not complain about a pattern that matches nothing), or in "
                            "Kubernetes the labels of the PrometheusRule are not those that "
                            "ruleSelector wants");
        stage_mend(result, "compare rule_files at /config with the files where Prometheus runs, "
                           "and reload it");
    }
    json_decref(data);
}

/* Whether an Alertmanager says itself that it is ready. `url` is that of its alerts' API. */
static bool is_ready(const struct verification *verification, const char *url)
{
    const char *api = strstr(url, "/api/");
    struct url address;
    struct http_answer answer;
    char error[HTTP_CLIENT_ERROR_BYTES];
    size_t length = api == NULL ? strlen(url) : (size_t)(api - url);
    if (url_parse(span_of(url, length), &address, NULL) < 0 ||
        http_get(&address, "/-/ready", &verification->server_limits, &answer, error) < 0) {
        return false;
    }
    free(answer.body);
    return answer.status == 200;
}

static void check_alertmanager(struct verification *verification, struct stage_result *result)
{
    json_t *data = prometheus_ask(&verification->prometheus, "alertmanagers");
    if (data == NULL) {
        verification_prometheus_failed(verification, STAGE_ALERTMANAGER);
        return;
    }
    const json_t *active = answer_member(data, "activeAlertmanagers");
    size_t count = json_array_size(active);
    size_t ready = 0;
    for (size_t i = 0; i < count; i++) {
        ready += is_ready(verification, answer_text(json_array_get(active, i), "url"));
    }
    const char *first = answer_text(json_array_get(active, 0), "url");
    stage_set(result, ready > 0 ? STAGE_OK : STAGE_FAILED,
              "Prometheus sends alerts to %zu Alertmanagers, %zu of them are ready", count, ready);
    if (count == 0) {
        stage_cause(result, "Prometheus knows no Alertmanager: alerting.alertmanagers is missing, "
                            "or its service discovery finds none");
        stage_mend(result, "add alerting.alertmanagers to Prometheus' configuration, and look at "
                           "/status there");
    } else if (ready == 0) {
        stage_add(result, ": %s does not answer", first);
        stage_cause(result, "the Alertmanager is down, or its address does not lead there from "
                            "this machine");
        stage_mend(result, "start it, or correct the address in alerting.alertmanagers");
    }
    json_decref(data);
}

void stages_of_rules(struct verification *verification)
{
    struct stage_result *stages = verification->stages;
    if (!verification->request->require_rules) {
        stage_set(&stages[STAGE_RULES], STAGE_SKIPPED, "--require rules asks for it");
    } else if (verification_needs(verification, STAGE_RULES, STAGE_PROMETHEUS, STAGE_PROMETHEUS)) {
        check_rules(verification, &stages[STAGE_RULES]);
    }
    if (!verification->request->require_alertmanager) {
        stage_set(&stages[STAGE_ALERTMANAGER], STAGE_SKIPPED, "--require alertmanager asks for it");
    } else if (verification_needs(verification, STAGE_ALERTMANAGER, STAGE_PROMETHEUS,
                                  STAGE_PROMETHEUS)) {
        check_alertmanager(verification, &stages[STAGE_ALERTMANAGER]);
    }
}
