#include "app/route.h"

#include "app/admin.h"
#include "app/asked_routes.h"
#include "app/echo.h"
#include "app/events_page.h"
#include "app/health.h"
#include "app/index.h"
#include "app/metrics_page.h"
#include "app/truth_page.h"
#include "app/ui_page.h"
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
    [ROUTE_DELAY] = {.pattern = {"/delay/{law}", 12},
                     .prefix = {"/delay/", 7},
                     .methods = ALL_METHODS,
                     .surfaces = SURFACE_PUBLIC,
                     .measured = true,
                     .on_demand = true,
                     .ask = delay_ask,
                     .begin = index_begin,
                     .respond = index_respond},
    [ROUTE_STATUS] = {.pattern = {"/status/{codes}", 15},
                      .prefix = {"/status/", 8},
                      .methods = ALL_METHODS,
                      .surfaces = SURFACE_PUBLIC,
                      .measured = true,
                      .on_demand = true,
                      .ask = status_ask,
                      .respond = status_respond},
    [ROUTE_BYTES] = {.pattern = {"/bytes/{n}", 10},
                     .prefix = {"/bytes/", 7},
                     .methods = READ_METHODS,
                     .surfaces = SURFACE_PUBLIC,
                     .measured = true,
                     .on_demand = true,
                     .ask = bytes_ask,
                     .begin = bytes_begin,
                     .respond = bytes_respond},
    [ROUTE_DRIP] = {.pattern = {"/drip", 5},
                    .methods = READ_METHODS,
                    .surfaces = SURFACE_PUBLIC,
                    .measured = true,
                    .on_demand = true,
                    .ask = drip_ask,
                    .begin = drip_begin,
                    .respond = drip_respond},
    [ROUTE_HEADERS] = {.pattern = {"/headers", 8},
                       .methods = READ_METHODS,
                       .surfaces = SURFACE_PUBLIC,
                       .measured = true,
                       .on_demand = true,
                       .begin = headers_begin,
                       .respond = headers_respond},
    [ROUTE_ECHO] = {.pattern = {"/echo", 5},
                    .methods = ALL_METHODS,
                    .surfaces = SURFACE_PUBLIC,
                    .measured = true,
                    .on_demand = true,
                    .begin = echo_begin,
                    .respond = echo_respond},
    [ROUTE_UI] = {.pattern = {"/ui/*", 5},
                  .prefix = {"/ui/", 4},
                  .whole_folder = true,
                  .methods = READ_METHODS,
                  .surfaces = SURFACE_ADMIN,
                  .begin = ui_page_begin,
                  .respond = ui_page_respond},
    [ROUTE_EVENTS] = {.pattern = {"/events", 7},
                      .methods = READ_METHODS,
                      .surfaces = SURFACE_ADMIN,
                      .begin = events_page_begin,
                      .respond = events_page_respond},
    [ROUTE_ADMIN_DELAY] = {.pattern = {"/admin/delay", 12},
                           .methods = METHOD_BIT(METHOD_POST) | METHOD_BIT(METHOD_OPTIONS),
                           .surfaces = SURFACE_ADMIN,
                           .begin = admin_begin_delay,
                           .respond = admin_respond_delay},
};

const struct route_entry *route_at(enum route route)
{
    ASSERT(route < ROUTE_COUNT);
    return &routes[route];
}

static bool has_path(const struct route_entry *route, struct span path)
{
    struct span prefix = route->prefix;
    if (prefix.length == 0) {
        return span_equals(path, route->pattern);
    }
    return path.length > prefix.length ? span_starts_with(path, prefix)
                                       : route->whole_folder && path.length + 1 >= prefix.length &&
                                             span_starts_with(prefix, path);
}

enum route route_find(struct span path, unsigned surfaces)
{
    for (unsigned i = ROUTE_OTHER + 1; i < ROUTE_COUNT; i++) {
        if ((routes[i].surfaces & surfaces) != 0 && has_path(&routes[i], path)) {
            return (enum route)i;
        }
    }
    return ROUTE_OTHER;
}

struct rule_route route_paths(enum route route)
{
    bool prefix = routes[route].prefix.length > 0;
    return (struct rule_route){
        .path = prefix ? routes[route].prefix : routes[route].pattern,
        .prefix = prefix,
        .index = route == ROUTE_INDEX,
    };
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
