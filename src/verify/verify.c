#include "verify/verify.h"

#include "base/clock.h"
#include "verify/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PROMETHEUS_TIMEOUT_NS (30 * NS_PER_S)
#define SERVER_TIMEOUT_NS (10 * NS_PER_S)
#define MAX_ANSWER_BYTES ((size_t)64 << 20)

const double verify_quantiles[VERIFY_QUANTILES] = {0.5, 0.9, 0.95, 0.99, 0.999};

bool verification_needs(struct verification *verification, enum stage stage, enum stage first,
                        enum stage last)
{
    for (enum stage before = first; before <= last; before++) {
        if (verification->stages[before].status != STAGE_OK) {
            stage_set(&verification->stages[stage], STAGE_SKIPPED, "since %s does not hold: %s",
                      stage_name(before), stage_title(before));
            return false;
        }
    }
    return true;
}

void verification_prometheus_failed(struct verification *verification, enum stage stage)
{
    stage_set(&verification->stages[stage], STAGE_UNKNOWN, "%s", verification->prometheus.error);
}

void stage_prometheus(struct verification *verification)
{
    struct stage_result *result = &verification->stages[STAGE_PROMETHEUS];
    if (!prometheus_clock(&verification->prometheus, &verification->prometheus_offset,
                          &verification->prometheus_uncertainty)) {
        verification_prometheus_failed(verification, STAGE_PROMETHEUS);
        stage_cause(result, "Prometheus is not there, or what is there is not Prometheus");
        stage_mend(result, "give its address with --prometheus http://HOST:PORT; in Kubernetes "
                           "kubectl port-forward makes one");
        return;
    }
    json_t *build = prometheus_ask(&verification->prometheus, "status/buildinfo");
    snprintf(verification->prometheus_version, sizeof verification->prometheus_version, "%s",
             answer_text(build, "version"));
    json_decref(build);
    stage_set(result, STAGE_OK, "version %s at http://%s%s",
              verification->prometheus_version[0] != '\0' ? verification->prometheus_version
                                                          : "unknown",
              verification->prometheus.url.authority, verification->prometheus.url.prefix);
}

enum stage verification_first_fault(const struct verification *verification)
{
    static const enum stage_status order[] = {STAGE_FAILED, STAGE_UNKNOWN};
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
            if (verification->stages[stage].status == order[i]) {
                return stage;
            }
        }
    }
    return STAGE_COUNT;
}

enum verify_exit verification_exit(const struct verification *verification)
{
    enum stage fault = verification_first_fault(verification);
    if (fault == STAGE_COUNT) {
        return VERIFY_HOLDS;
    }
    return verification->stages[fault].status == STAGE_FAILED ? VERIFY_LIES : VERIFY_COULD_NOT_ASK;
}

static void free_verification(struct verification *verification)
{
    for (size_t i = 0; verification->servers != NULL && i < verification->server_count; i++) {
        testimony_free(&verification->servers[i].truth);
        samples_free(&verification->servers[i].samples);
    }
    json_decref(verification->targets_document);
    free(verification->targets);
    free(verification->servers);
    free(verification);
}

static void write_report(const struct verification *verification, FILE *output)
{
    static struct report report; /* large, and one a process */
    report = (struct report){.verification = verification};
    report.has_layouts = layouts_compute(verification, report.layouts);
    switch (verification->request->format) {
    case VERIFY_TEXT:
        report_text(&report, output);
        break;
    case VERIFY_JSON:
        report_json(&report, output);
        break;
    case VERIFY_HTML:
        report_html(&report, output);
        break;
    }
}

/* Stages that nobody came to, because one before them could not be asked. */
static void explain_silence(struct verification *verification)
{
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        if (verification->stages[stage].evidence[0] == '\0') {
            stage_set(&verification->stages[stage], STAGE_SKIPPED, "what it needs was not there");
        }
    }
}

enum verify_exit verify_run(const struct verify_request *request, FILE *output)
{
    struct verification *verification = calloc(1, sizeof *verification);
    struct server *servers = calloc(VERIFY_MAX_SERVERS, sizeof *servers);
    if (verification == NULL || servers == NULL) {
        free(verification);
        free(servers);
        fprintf(stderr, "httpserver: no memory\n");
        return VERIFY_COULD_NOT_ASK;
    }
    verification->request = request;
    verification->servers = servers;
    verification->at = (double)NAN;
    verification->prometheus = (struct prometheus){
        .url = request->prometheus, .limits = {PROMETHEUS_TIMEOUT_NS, MAX_ANSWER_BYTES}};
    verification->server_limits = (struct http_client_limits){SERVER_TIMEOUT_NS, MAX_ANSWER_BYTES};
    stage_prometheus(verification);
    stages_of_targets(verification);
    stages_of_truth(verification);
    stages_of_samples(verification);
    stages_of_quantiles(verification);
    stages_of_rules(verification);
    explain_silence(verification);
    write_report(verification, output);
    enum verify_exit code = verification_exit(verification);
    free_verification(verification);
    return code;
}
