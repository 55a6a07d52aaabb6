/*
 * The route table: which path is answered by what, for which methods, and on which listeners.
 */
#pragma once

#include "http/exchange.h"
#include "http/method.h"
#include "latency/rule_set.h"

/* Also the index of a route's metrics. Never exported as a number. */
enum route {
    ROUTE_OTHER, /* no path of the table, or a request that was refused before its path was known */
    ROUTE_INDEX,
    ROUTE_HEALTHZ,
    ROUTE_LIVEZ,
    ROUTE_READYZ,
    ROUTE_VERSION,
    ROUTE_METRICS,
    ROUTE_TRUTH,
    ROUTE_DELAY,
    ROUTE_STATUS,
    ROUTE_BYTES,
    ROUTE_DRIP,
    ROUTE_HEADERS,
    ROUTE_ECHO,
    ROUTE_UI, /* /ui/ and the files under it */
    ROUTE_EVENTS,
    ROUTE_ADMIN_DELAY,
    ROUTE_COUNT
};

struct app_worker;
struct parse_error;
struct wish;

struct route_entry {
    struct span pattern; /* the `route` label; NUL-terminated; ends with `*`: any path goes on */
    struct span prefix;  /* the paths that begin so and go on; empty: the path is the pattern */
    bool whole_folder;   /* the prefix itself is such a path too, with its last slash or without */
    unsigned methods;    /* set of METHOD_BIT; OPTIONS and HEAD are answered wherever GET is */
    unsigned surfaces;   /* set of enum surface */
    bool measured;       /* in the latency families */
    bool on_demand;      /* its series there begin with its first request */
    /* NULL where neither path nor parameters of the route's own ask for anything. */
    int (*ask)(struct app_worker *worker, const struct request *request, struct wish *wish,
               struct parse_error *error);
    /* NULL where nothing of the request is needed. */
    void (*begin)(struct app_worker *worker, struct exchange *exchange,
                  const struct request *request, struct buffer *keep);
    void (*respond)(struct app_worker *worker, struct exchange *exchange,
                    struct response *response);
};

/* Static; by enum route. */
const struct route_entry *route_at(enum route route);

/* The route of a path on a listener of these surfaces; ROUTE_OTHER when there is none. */
enum route route_find(struct span path, unsigned surfaces);

/* Which paths are a route's, for rules; of ROUTE_OTHER it is not to be asked. */
struct rule_route route_paths(enum route route);

/* Whether a rule with this pattern can be for any request: probes and admin routes have no rules.
 */
bool route_may_have_rule(const struct rule_pattern *pattern);

/* Appends the methods of a route, "GET, HEAD, OPTIONS", as Allow lists them. */
void route_append_methods(enum route route, struct buffer *buffer);
