#include "../cmocka_includes.h"

#include "app/route.h"
#include "base/compiler.h"

#include <stdio.h>
#include <string.h>

#define EVERYWHERE (SURFACE_PUBLIC | SURFACE_ADMIN)

/* docs/http.md, "Routes". */
static const struct {
    const char *path;
    enum route route;
    unsigned surface;
    bool measured;
    const char *methods;
} documented[] = {
    {"/", ROUTE_INDEX, SURFACE_PUBLIC, true, "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"},
    {"/healthz", ROUTE_HEALTHZ, SURFACE_ADMIN, false, "GET, HEAD, OPTIONS"},
    {"/livez", ROUTE_LIVEZ, SURFACE_ADMIN, false, "GET, HEAD, OPTIONS"},
    {"/readyz", ROUTE_READYZ, SURFACE_ADMIN, false, "GET, HEAD, OPTIONS"},
    {"/version", ROUTE_VERSION, SURFACE_PUBLIC, true, "GET, HEAD, OPTIONS"},
    {"/metrics", ROUTE_METRICS, SURFACE_ADMIN, false, "GET, HEAD, OPTIONS"},
};

static void documented_routes_are_found_on_their_surfaces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(documented); i++) {
        struct span path = span_from_string(documented[i].path);
        unsigned other = EVERYWHERE & ~documented[i].surface;
        assert_int_equal(route_find(path, documented[i].surface), documented[i].route);
        assert_int_equal(route_find(path, EVERYWHERE), documented[i].route);
        assert_int_equal(route_find(path, other), ROUTE_OTHER);
        assert_int_equal(route_find(path, 0), ROUTE_OTHER);
    }
}

static void other_paths_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",           "other",      "*",         "//",        "/index.html", "/Healthz",
        "/healthz/",  "/health",    "/healthzz", "/livez%20", "/metrics/x",  "/METRICS",
        "/./metrics", "/%6detrics", "metrics",   "/version ",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        assert_int_equal(route_find(span_from_string(paths[i]), EVERYWHERE), ROUTE_OTHER);
    }
    assert_int_equal(route_find(span_of("/version\0x", 10), EVERYWHERE), ROUTE_OTHER);
    assert_int_equal(route_find(span_of(NULL, 0), EVERYWHERE), ROUTE_OTHER);
}

static void entries_say_what_the_document_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(documented); i++) {
        const struct route_entry *entry = route_at(documented[i].route);
        assert_string_equal(entry->pattern.data, documented[i].path);
        assert_int_equal(entry->pattern.length, strlen(documented[i].path));
        assert_int_equal(entry->measured, documented[i].measured);
        assert_non_null(entry->respond);
    }
    const struct route_entry *other = route_at(ROUTE_OTHER);
    assert_string_equal(other->pattern.data, "other");
    assert_int_equal(other->pattern.length, 5);
    assert_false(other->measured);
    assert_int_equal(other->methods, 0);
}

/* Whoever adds a route adds it to the list above, and to docs/http.md. */
static void no_route_is_undocumented(void **state)
{
    (void)state;
    assert_int_equal(ROUTE_COUNT, 1 + ARRAY_LENGTH(documented));
    for (unsigned route = ROUTE_OTHER + 1; route < ROUTE_COUNT; route++) {
        const struct route_entry *entry = route_at((enum route)route);
        unsigned get = METHOD_BIT(METHOD_GET);
        if ((entry->methods & get) != 0) {
            assert_true((entry->methods & METHOD_BIT(METHOD_HEAD)) != 0);
        }
        assert_true((entry->methods & METHOD_BIT(METHOD_OPTIONS)) != 0);
        assert_int_equal(entry->methods & METHOD_BIT(METHOD_OTHER), 0);
        assert_int_equal(entry->methods & METHOD_BIT(METHOD_CONNECT), 0);
        assert_int_equal(entry->methods & METHOD_BIT(METHOD_TRACE), 0);
    }
}

static void methods_are_listed_as_allow_has_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(documented); i++) {
        char memory[128];
        struct buffer buffer = buffer_over(memory, sizeof memory - 1);
        route_append_methods(documented[i].route, &buffer);
        assert_false(buffer.overflowed);
        memory[buffer.length] = '\0';
        assert_string_equal(memory, documented[i].methods);
    }
    char memory[8];
    struct buffer buffer = buffer_over(memory, sizeof memory);
    route_append_methods(ROUTE_OTHER, &buffer);
    assert_int_equal(buffer.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_routes_are_found_on_their_surfaces),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(entries_say_what_the_document_says),
        cmocka_unit_test(no_route_is_undocumented),
        cmocka_unit_test(methods_are_listed_as_allow_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
