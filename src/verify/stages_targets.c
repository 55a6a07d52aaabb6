/*
 * discovered, scraped, interval, present, once: what Prometheus says of its targets.
 */
#include "verify/targets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* rate() needs two samples, so a window of less than two intervals may hold none. */
#define LEAST_INTERVALS 2.0
#define USUAL_INTERVALS 4.0

static bool is_up(const struct target *target)
{
    return strcmp(target->health, "up") == 0;
}

/* The dropped target with this address, by what service discovery knew of it. */
static bool was_dropped(const struct verification *verification, const struct url *url)
{
    for (size_t i = 0; i < json_array_size(verification->dropped); i++) {
        const json_t *labels =
            answer_member(json_array_get(verification->dropped, i), "discoveredLabels");
        char text[URL_HOST_MAX_BYTES + 32];
        int length = snprintf(text, sizeof text, "http://%s", answer_text(labels, "__address__"));
        struct url address;
        if (length > 0 && (size_t)length < sizeof text &&
            url_parse(span_from_string(text), &address, NULL) == 0 &&
            url_same_authority(&address, url)) {
            return true;
        }
    }
    return false;
}

static const struct target *same_host(const struct verification *verification,
                                      const struct url *url)
{
    struct url address = *url;
    for (size_t i = 0; i < verification->target_count; i++) {
        const struct target *target = &verification->targets[i];
        memcpy(address.port, target->url.port, sizeof address.port);
        if (target->url_known && url_same_authority(&target->url, &address)) {
            return target;
        }
    }
    return NULL;
}

/* Why Prometheus does not know the address of a server. */
static void explain_undiscovered(const struct verification *verification,
                                 const struct server *server, struct stage_result *result)
{
    const struct target *other = same_host(verification, &server->url);
    if (was_dropped(verification, &server->url)) {
        stage_cause(result,
                    "relabelled away: service discovery found %s, and relabel_configs of "
                    "its job dropped it",
                    server->name);
        stage_mend(result, "compare the job's keep and drop rules with the target's labels at "
                           "/service-discovery of Prometheus");
    } else if (other != NULL) {
        stage_cause(result,
                    "wrong port: Prometheus scrapes port %s of that host, the server "
                    "listens on %s",
                    other->url.port, server->url.port);
        stage_mend(result,
                   "give the job port %s (in Kubernetes: the annotation "
                   "prometheus.io/port, or the endpoint's port name)",
                   server->url.port);
    } else {
        stage_cause(result,
                    "no job of this Prometheus finds %s: another Prometheus was asked, "
                    "its configuration is not loaded, or service discovery looks elsewhere",
                    server->name);
        stage_mend(result, "look at /targets and /config of Prometheus; behind a port-forward or "
                           "a proxy leave --target away, or give the address that it scrapes");
    }
}

static void check_discovered_by_request(struct verification *verification,
                                        struct stage_result *result)
{
    size_t found = 0;
    const struct server *missing = NULL;
    for (size_t i = 0; i < verification->server_count; i++) {
        found += verification->servers[i].target_count > 0;
        if (missing == NULL && verification->servers[i].target_count == 0) {
            missing = &verification->servers[i];
        }
    }
    stage_set(result, found > 0 ? STAGE_OK : STAGE_FAILED,
              "%zu of %zu --target addresses are among %zu active targets", found,
              verification->server_count, verification->target_count);
    if (found == 0 && missing != NULL) {
        explain_undiscovered(verification, missing, result);
    }
}

static void explain_nothing_found(const struct verification *verification,
                                  struct stage_result *result)
{
    size_t dropped = json_array_size(verification->dropped);
    if (verification->target_count == 0 && dropped > 0) {
        stage_cause(result,
                    "relabelled away: service discovery found %zu targets, and "
                    "relabel_configs dropped all of them",
                    dropped);
        stage_mend(result, "compare the job's keep and drop rules with the targets' labels at "
                           "/service-discovery of Prometheus");
    } else {
        stage_cause(result,
                    "no job scrapes the servers, relabel_configs dropped them (%zu "
                    "dropped targets), or httpserver_build_info itself is dropped",
                    dropped);
        stage_mend(result, "give the server's address with --target to learn which; look at "
                           "/targets and /service-discovery of Prometheus");
    }
}

static void check_discovered_by_metric(struct verification *verification,
                                       struct stage_result *result)
{
    size_t exposing = 0;
    size_t ours = 0;
    for (size_t i = 0; i < verification->target_count; i++) {
        exposing += verification->targets[i].exposes_build_info;
        ours += verification->targets[i].ours;
    }
    stage_set(result, ours > 0 ? STAGE_OK : STAGE_FAILED,
              "%zu of %zu active targets expose httpserver_build_info", exposing,
              verification->target_count);
    if (ours == 0) {
        explain_nothing_found(verification, result);
    } else if (exposing == 0) {
        stage_add(result, "; the %zu that are not up may be the servers", ours);
    }
}

/* What is commonly behind an error of a scrape, by Prometheus' own words. */
static void explain_scrape_error(const struct target *target, struct stage_result *result)
{
    static const struct {
        const char *words, *cause, *mend;
    } known[] = {
        {"connection refused", "target down, or wrong port: nothing listens at that address",
         "start the server, or compare the job's port with what the server listens on"},
        {"no such host", "the target's name does not resolve where Prometheus runs",
         "use an address or a name that Prometheus can resolve"},
        {"no route to host", "a network policy or firewall is between Prometheus and the target",
         "let Prometheus reach the server's port"},
        {"body size limit", "body size limit: the page is longer than the job's body_size_limit",
         "raise body_size_limit of the job, or drop series at the source"},
        {"sample limit", "the page has more samples than the job's sample_limit",
         "raise sample_limit of the job"},
        {"label_limit", "a sample has more labels than the job's label_limit",
         "raise label_limit of the job"},
        {"HTTP status 401", "the page wants authentication", "give the job credentials"},
        {"HTTP status 403", "a proxy or a mesh refuses Prometheus",
         "allow Prometheus to read the page"},
        {"HTTP status 404", "wrong path: there is no metrics page at that path",
         "set metrics_path of the job to /metrics (in Kubernetes: prometheus.io/path)"},
        {"HTTP status 503", "the server is too busy with other scrapes",
         "scrape it from fewer places, or less often"},
        {"deadline exceeded", "the page did not come within the scrape's timeout",
         "raise scrape_timeout of the job, or look at what slows the network down"},
        {"first record does not look like a TLS handshake",
         "the job scrapes https, the server speaks http", "set scheme: http for the job"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strstr(target->last_error, known[i].words) != NULL) {
            stage_cause(result, "%s", known[i].cause);
            stage_mend(result, "%s", known[i].mend);
            return;
        }
    }
    bool right_path = target->url_known && strcmp(target->url.prefix, "/metrics") == 0;
    stage_cause(result, "%s",
                right_path ? "Prometheus cannot read what the target answers"
                           : "wrong path: what is there is no metrics page");
    stage_mend(result, "%s",
               right_path ? "ask the address with curl and promtool check metrics"
                          : "set metrics_path of the job to /metrics (in Kubernetes: "
                            "prometheus.io/path)");
}

static void check_scraped(struct verification *verification, struct stage_result *result)
{
    size_t ours = 0;
    size_t up = 0;
    const struct target *down = NULL;
    const struct target *waiting = NULL;
    for (size_t i = 0; i < verification->target_count; i++) {
        const struct target *target = &verification->targets[i];
        if (target->ours) {
            bool failing = !is_up(target) && target->last_error[0] != '\0';
            ours++;
            up += is_up(target);
            down = failing && down == NULL ? target : down;
            waiting = !is_up(target) && !failing && waiting == NULL ? target : waiting;
        }
    }
    stage_set(result,
              down != NULL      ? STAGE_FAILED
              : waiting != NULL ? STAGE_UNKNOWN
                                : STAGE_OK,
              "%zu of %zu targets are up", up, ours);
    if (down != NULL) {
        stage_add(result, "; %s: %s", down->scrape_url, down->last_error);
        explain_scrape_error(down, result);
    } else if (waiting != NULL) {
        stage_add(result, "; %s was not scraped yet: its first scrape comes within %s",
                  waiting->scrape_url, waiting->interval_text);
    }
}

static void check_interval(struct verification *verification, struct stage_result *result)
{
    double window = (double)verification->request->window_seconds;
    const struct target *slowest = NULL;
    for (size_t i = 0; i < verification->target_count; i++) {
        const struct target *target = &verification->targets[i];
        if (target->ours && !isnan(target->interval_seconds) &&
            (slowest == NULL || target->interval_seconds > slowest->interval_seconds)) {
            slowest = target;
        }
    }
    if (slowest == NULL) {
        stage_set(result, STAGE_UNKNOWN, "Prometheus does not tell the targets' scrape interval");
        return;
    }
    double intervals = window / slowest->interval_seconds;
    stage_set(result, intervals >= LEAST_INTERVALS ? STAGE_OK : STAGE_FAILED,
              "a window of %.0f s holds %.3g scrapes, one every %s", window, intervals,
              slowest->interval_text);
    if (intervals < LEAST_INTERVALS) {
        stage_cause(result,
                    "scrape slower than window: rate() needs two samples in the window and "
                    "answers nothing, or now and then, with an interval of %s",
                    slowest->interval_text);
        stage_mend(result,
                   "scrape at least every %.3g s, or use windows of at least %.0f s in "
                   "queries (Grafana: $__rate_interval)",
                   window / USUAL_INTERVALS, slowest->interval_seconds * USUAL_INTERVALS);
    } else if (intervals < USUAL_INTERVALS) {
        stage_add(result, "; one failed scrape makes a gap: four or more are usual");
    }
}

static void check_present(struct verification *verification, struct stage_result *result)
{
    size_t found = 0;
    const struct server *missing = NULL;
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        found += server->target_count > 0;
        missing = missing == NULL && server->target_count == 0 ? server : missing;
    }
    stage_set(result, missing == NULL ? STAGE_OK : STAGE_FAILED, "%zu of %zu servers are scraped",
              found, verification->server_count);
    if (missing != NULL) {
        stage_add(result, "; missing: %s", missing->name);
        explain_undiscovered(verification, missing, result);
    }
    if (verification->request->target_count == 0) {
        stage_add(result, " (those that Prometheus knows; --target says which there must be)");
    }
}

static void check_once(struct verification *verification, struct stage_result *result)
{
    stage_set(result, STAGE_OK, "every server has one target");
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (server->target_count > 1) {
            const struct target *first = &verification->targets[server->targets[0]];
            const struct target *second = &verification->targets[server->targets[1]];
            stage_set(result, STAGE_FAILED, "%s has %zu targets: %s of job %s and %s of job %s",
                      server->name, server->target_count, first->scrape_url, first->pool,
                      second->scrape_url, second->pool);
            stage_cause(result, "scraped by two jobs: each stores the same counters under labels "
                                "of its own, so that every sum and rate over them doubles");
            stage_mend(result, "let one job drop the target (in Kubernetes: a ServiceMonitor and "
                               "the prometheus.io/scrape annotation at the same time are two)");
            return;
        }
    }
}

void stages_of_targets(struct verification *verification)
{
    struct stage_result *stages = verification->stages;
    if (!verification_needs(verification, STAGE_DISCOVERED, STAGE_PROMETHEUS, STAGE_PROMETHEUS)) {
        return;
    }
    if (!targets_read(verification) || !targets_mark_build_info(verification)) {
        verification_prometheus_failed(verification, STAGE_DISCOVERED);
        return;
    }
    servers_assemble(verification);
    if (verification->request->target_count > 0) {
        check_discovered_by_request(verification, &stages[STAGE_DISCOVERED]);
    } else {
        check_discovered_by_metric(verification, &stages[STAGE_DISCOVERED]);
    }
    if (verification_needs(verification, STAGE_SCRAPED, STAGE_DISCOVERED, STAGE_DISCOVERED)) {
        check_scraped(verification, &stages[STAGE_SCRAPED]);
    }
    if (verification_needs(verification, STAGE_INTERVAL, STAGE_DISCOVERED, STAGE_DISCOVERED)) {
        check_interval(verification, &stages[STAGE_INTERVAL]);
    }
    if (verification_needs(verification, STAGE_PRESENT, STAGE_DISCOVERED, STAGE_DISCOVERED)) {
        check_present(verification, &stages[STAGE_PRESENT]);
    }
    if (verification_needs(verification, STAGE_ONCE, STAGE_DISCOVERED, STAGE_DISCOVERED)) {
        check_once(verification, &stages[STAGE_ONCE]);
    }
}
