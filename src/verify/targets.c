#include "verify/targets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void read_target(const json_t *document, struct target *target)
{
    const char *interval = answer_text(document, "scrapeInterval");
    *target = (struct target){
        .scrape_url = answer_text(document, "scrapeUrl"),
        .pool = answer_text(document, "scrapePool"),
        .health = answer_text(document, "health"),
        .last_error = answer_text(document, "lastError"),
        .interval_text = interval,
        .interval_seconds = prometheus_duration(interval),
        .labels = answer_member(document, "labels"),
    };
    /* A scrape's parameters say nothing of where the server is. */
    struct span address = span_of(target->scrape_url, strcspn(target->scrape_url, "?"));
    target->url_known = url_parse(address, &target->url, NULL) == 0;
}

bool targets_read(struct verification *verification)
{
    verification->targets_document = prometheus_ask(&verification->prometheus, "targets");
    if (verification->targets_document == NULL) {
        return false;
    }
    const json_t *active = answer_member(verification->targets_document, "activeTargets");
    verification->dropped = answer_member(verification->targets_document, "droppedTargets");
    size_t count = json_array_size(active);
    count = count > VERIFY_MAX_TARGETS ? VERIFY_MAX_TARGETS : count;
    verification->targets = calloc(count + 1, sizeof *verification->targets);
    if (verification->targets == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        read_target(json_array_get(active, i), &verification->targets[i]);
    }
    verification->target_count = count;
    return true;
}

bool targets_mark_build_info(struct verification *verification)
{
    json_t *series =
        prometheus_query(&verification->prometheus, "httpserver_build_info", (double)NAN);
    if (series == NULL) {
        return false;
    }
    for (size_t i = 0; i < verification->target_count; i++) {
        struct target *target = &verification->targets[i];
        for (size_t k = 0; k < json_array_size(series) && !target->exposes_build_info; k++) {
            json_t *labels = answer_member(json_array_get(series, k), "metric");
            target->exposes_build_info =
                target->labels != NULL && answer_labels_include(labels, target->labels);
        }
    }
    json_decref(series);
    return true;
}

static bool is_up(const struct target *target)
{
    return strcmp(target->health, "up") == 0;
}

static void mark_own_targets(struct verification *verification)
{
    struct target *targets = verification->targets;
    size_t found = 0;
    for (size_t i = 0; i < verification->target_count; i++) {
        targets[i].ours = targets[i].exposes_build_info;
        found += targets[i].exposes_build_info;
    }
    for (size_t i = 0; i < verification->target_count; i++) {
        bool sibling = found == 0;
        for (size_t k = 0; k < verification->target_count && !sibling; k++) {
            sibling =
                targets[k].exposes_build_info && strcmp(targets[k].pool, targets[i].pool) == 0;
        }
        targets[i].ours = targets[i].ours || (sibling && !is_up(&targets[i]));
    }
}

static struct server *add_server(struct verification *verification, const struct url *url)
{
    for (size_t i = 0; i < verification->server_count; i++) {
        if (url_same_authority(&verification->servers[i].url, url)) {
            return &verification->servers[i];
        }
    }
    if (verification->server_count == VERIFY_MAX_SERVERS) {
        return NULL;
    }
    struct server *server = &verification->servers[verification->server_count++];
    server->url = *url;
    memcpy(server->name, url->authority, strlen(url->authority) + 1);
    return server;
}

static void join(struct server *server, size_t target)
{
    if (server->target_count < VERIFY_MAX_TARGETS_OF_SERVER) {
        server->targets[server->target_count++] = target;
    }
}

static void servers_of_request(struct verification *verification)
{
    const struct verify_request *request = verification->request;
    for (size_t i = 0; i < request->target_count; i++) {
        (void)add_server(verification, &request->targets[i]);
    }
    for (size_t i = 0; i < verification->target_count; i++) {
        struct target *target = &verification->targets[i];
        for (size_t k = 0; k < verification->server_count && target->url_known; k++) {
            if (url_same_authority(&verification->servers[k].url, &target->url)) {
                target->ours = true;
                join(&verification->servers[k], i);
            }
        }
    }
}

static void servers_of_targets(struct verification *verification)
{
    mark_own_targets(verification);
    for (size_t i = 0; i < verification->target_count; i++) {
        struct target *target = &verification->targets[i];
        if (target->ours && target->url_known) {
            struct url url = target->url;
            url.prefix[0] = '\0'; /* /truth is beside /metrics, wherever that is scraped */
            struct server *server = add_server(verification, &url);
            if (server != NULL) {
                join(server, i);
            }
        }
    }
}

void servers_assemble(struct verification *verification)
{
    if (verification->request->target_count > 0) {
        servers_of_request(verification);
    } else {
        servers_of_targets(verification);
    }
}
