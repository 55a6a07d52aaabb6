/*
 * truth, clocks, and what the truth alone can tell: one server under two addresses, and an address
 * behind which there are several servers.
 */
#include "verify/samples.h"
#include "verify/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEAST_CLOCK_TOLERANCE_SECONDS 1.0
#define SLACK_SECONDS 0.02

static void ask_truths(struct verification *verification, struct stage_result *result)
{
    const struct testimony_question question = {
        .window_seconds = verification->request->window_seconds,
        .ranks = verify_quantiles,
        .rank_count = VERIFY_QUANTILES,
    };
    size_t told = 0;
    size_t asked = 0;
    const struct server *silent = NULL;
    for (size_t i = 0; i < verification->server_count; i++) {
        struct server *server = &verification->servers[i];
        struct testimony again;
        if (server->target_count == 0) {
            continue;
        }
        asked++;
        server->has_truth = testimony_ask(&server->url, &verification->server_limits, &question,
                                          &server->truth, server->truth_error) == 0;
        told += server->has_truth;
        silent = silent == NULL && !server->has_truth ? server : silent;
        if (server->has_truth && testimony_ask(&server->url, &verification->server_limits,
                                               &question, &again, server->truth_error) == 0) {
            server->balanced = !testimony_same_server(&server->truth, &again);
            testimony_free(&again);
        }
    }
    stage_set(result, silent == NULL ? STAGE_OK : STAGE_UNKNOWN, "%zu of %zu servers answer /truth",
              told, asked);
    if (silent != NULL) {
        stage_add(result, "; %s", silent->truth_error);
        stage_cause(result, "Prometheus reaches the server and this machine does not, or it is "
                            "another program, or one without /truth");
        stage_mend(result, "run verify where the servers can be reached (in Kubernetes: in a pod "
                           "of the cluster), or give addresses with --target");
    }
}

static void check_balanced(struct verification *verification)
{
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (server->balanced) {
            struct stage_result *result = &verification->stages[STAGE_PRESENT];
            stage_set(result, STAGE_FAILED, "%s: two questions were answered by two servers",
                      server->name);
            stage_cause(result, "the address is that of a load-balanced Service (or the server "
                                "restarts all the time): each scrape meets another server, so the "
                                "counters jump");
            stage_mend(result, "scrape the pods: kubernetes_sd_configs with role endpoints or pod, "
                               "or a headless Service");
        }
    }
}

/* One process under two addresses is scraped twice as well. */
static void check_identities(struct verification *verification)
{
    for (size_t i = 0; i < verification->server_count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct server *a = &verification->servers[k];
            const struct server *b = &verification->servers[i];
            if (a->has_truth && b->has_truth && testimony_same_server(&a->truth, &b->truth)) {
                struct stage_result *result = &verification->stages[STAGE_ONCE];
                stage_set(result, STAGE_FAILED, "%s and %s are one server, started at %.3f",
                          a->name, b->name, a->truth.started);
                stage_cause(result, "scraped under two addresses: each stores the same counters, "
                                    "so that every sum and rate over them doubles");
                stage_mend(result, "leave one of the addresses to Prometheus");
            }
        }
    }
}

/* Samples are up to an interval old anyway; clocks that differ by more move what is seen. */
static double clock_tolerance(const struct verification *verification)
{
    double tolerance = (double)INFINITY;
    for (size_t i = 0; i < verification->target_count; i++) {
        if (verification->targets[i].ours) {
            tolerance = fmin(tolerance, verification->targets[i].interval_seconds);
        }
    }
    return isfinite(tolerance) && tolerance > LEAST_CLOCK_TOLERANCE_SECONDS
               ? tolerance
               : LEAST_CLOCK_TOLERANCE_SECONDS;
}

/* What is surely different: the uncertainty speaks for the clocks. */
static double surely(double offset, double uncertainty)
{
    return fmax(fabs(offset) - uncertainty, 0);
}

static void check_clocks(struct verification *verification, struct stage_result *result)
{
    double tolerance = clock_tolerance(verification);
    double own = verification->prometheus_offset;
    double slack = 0;
    const struct server *worst = NULL;
    double worst_offset = 0;
    double worst_sure = -1;
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (server->has_truth) {
            double offset = server->truth.clock_offset - own;
            double uncertainty =
                server->truth.clock_uncertainty + verification->prometheus_uncertainty;
            slack = fmax(slack, fabs(offset) + uncertainty);
            if (surely(offset, uncertainty) > worst_sure) {
                worst_sure = surely(offset, uncertainty);
                worst_offset = offset;
                worst = server;
            }
        }
    }
    verification->clock_slack = slack + SLACK_SECONDS;
    bool machine_off = surely(own, verification->prometheus_uncertainty) > tolerance;
    bool server_off = worst_sure > tolerance;
    stage_set(result, machine_off || server_off ? STAGE_FAILED : STAGE_OK,
              "this machine's clock is %.3f s %s Prometheus'; a server's at most %.3f s %s it "
              "(allowed: %.3g s)",
              fabs(own), own < 0 ? "ahead of" : "behind", fabs(worst_offset),
              worst_offset > 0 ? "ahead of" : "behind", tolerance);
    if (server_off) {
        stage_cause(result,
                    "clock skew: the clock of %s is off, or Prometheus' is; samples carry "
                    "Prometheus' time",
                    worst->name);
    } else if (machine_off) {
        stage_cause(result,
                    "clock skew in the query time: a dashboard takes its time from the "
                    "machine it is shown on, and one like this asks Prometheus about %s",
                    own < 0 ? "a time that has not come" : "the past");
    }
    if (machine_off || server_off) {
        stage_mend(result, "let all machines take their time from NTP (timedatectl, chronyc "
                           "tracking)");
    }
}

void stages_of_truth(struct verification *verification)
{
    struct stage_result *stages = verification->stages;
    if (verification_needs(verification, STAGE_TRUTH, STAGE_PROMETHEUS, STAGE_SCRAPED)) {
        ask_truths(verification, &stages[STAGE_TRUTH]);
        check_balanced(verification);
        check_identities(verification);
    }
    if (verification_needs(verification, STAGE_CLOCKS, STAGE_TRUTH, STAGE_TRUTH)) {
        check_clocks(verification, &stages[STAGE_CLOCKS]);
    }
}
