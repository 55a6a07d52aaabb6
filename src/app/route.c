#include "app/route.h"

#include "app/health.h"
#include "app/index.h"
#include "app/metrics_page.h"
#include "app/truth_page.h"
#include "app/version.h"
#include "base/assert.h"

#define READ_METHODS (METHOD_BIT(METHOD_GET) | METHOD_BIT(METHOD_HEAD) | METHOD_BIT(METHOD_OPTIONS))
#define ALL_METHODS                                                                                \
    (READ_METHODS | METHOD_BIT(METHOD_POST) | METHOD_BIT(METHOD_PUT) | METHOD_BIT(METHOD_PATCH) |  \
     METHOD_BIT(METHOD_DELETE))

static const struct route_entry routes[ROUTE_COUNT] = {
    [ROUTE_OTHER] = {.pattern = {"other", 5}},
    [ROUTE_INDEX] = {.pattern = {"/", 1},
                     .methods = ALL_METHODS,
                     .surfaces = SURFACE_PUBLIC,
                     .measured = true,
                     .begin = index_begin,
                     .respond = index_respond},
    [ROUTE_HEALTHZ] = {.pattern = {"/healthz", 8},
                       .methods = READ_METHODS,
                       .surfaces = SURFACE_ADMIN,
                       .respond = health_respond_live},
    [ROUTE_LIVEZ] = {.pattern = {"/livez", 6},
                     .methods = READ_METHODS,
                     .surfaces = SURFACE_ADMIN,
                     .respond = health_respond_live},
    [ROUTE_READYZ] = {.pattern = {"/readyz", 7},
                      .methods = READ_METHODS,
                      .surfaces = SURFACE_ADMIN,
                      .begin = health_begin_ready,
                      .respond = health_respond_ready},
    [ROUTE_VERSION] = {.pattern = {"/version", 8},
                       .methods = READ_METHODS,
                       .surfaces = SURFACE_PUBLIC,
                       .measured = true,
                       .respond = version_respond},
    [ROUTE_METRICS] = {.pattern = {"/metrics", 8},
                       .methods = READ_METHODS,
                       .surfaces = SURFACE_ADMIN,
                       .begin = metrics_page_begin,
                       .respond = metrics_page_respond},
    [ROUTE_TRUTH] = {.pattern = {"/truth", 6},
                     .methods = READ_METHODS,
                     .surfaces = SURFACE_ADMIN,
                     .begin = truth_page_begin,
                     .respond = truth_page_respond},
};

const struct route_entry *route_at(enum route route)
{
    ASSERT(route < ROUTE_COUNT);
    return &routes[route];
}

enum route route_find(struct span path, unsigned surfaces)
{
    for (unsigned i = ROUTE_OTHER + 1; i < ROUTE_COUNT; i++) {
        if ((routes[i].surfaces & surfaces) != 0 && span_equals(path, routes[i].pattern)) {
            return (enum route)i;
        }
    }
    return ROUTE_OTHER;
}

struct rule_route route_paths(enum route route)
{
    return (struct rule_route){.path = routes[route].pattern, .index = route == ROUTE_INDEX};
}

bool route_may_have_rule(const struct rule_pattern *pattern)
{
    for (unsigned i = ROUTE_OTHER + 1; i < ROUTE_COUNT; i++) {
        struct rule_route paths = route_paths((enum route)i);
        if ((routes[i].surfaces & SURFACE_PUBLIC) != 0 && rule_pattern_meets(pattern, &paths)) {
            return true;
        }
    }
    return false;
}

void route_append_methods(enum route route, struct buffer *buffer)
{
    bool first = true;
    for (unsigned method = METHOD_GET; method < METHOD_COUNT; method++) {
        if ((routes[route].methods & METHOD_BIT(method)) != 0) {
            buffer_append_span(buffer, first ? SPAN("") : SPAN(", "));
            buffer_append_span(buffer, method_name((enum method)method));
            first = false;
        }
    }
}
