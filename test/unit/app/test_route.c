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
    {"/truth", ROUTE_TRUTH, SURFACE_ADMIN, false, "GET, HEAD, OPTIONS"},
    {"/ui/*", ROUTE_UI, SURFACE_ADMIN, false, "GET, HEAD, OPTIONS"},
    {"/events", ROUTE_EVENTS, SURFACE_ADMIN, false, "GET, HEAD, OPTIONS"},
    {"/admin/delay", ROUTE_ADMIN_DELAY, SURFACE_ADMIN, false, "POST, OPTIONS"},
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
        "",           "other",         "*",          "//",         "/index.html",
        "/Healthz",   "/healthz/",     "/health",    "/healthzz",  "/livez%20",
        "/metrics/x", "/METRICS",      "/./metrics", "/%6detrics", "metrics",
        "/version ",  "/uix",          "/u",         "/events/",   "/admin",
        "/admin/",    "/admin/delay/",
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

static void check_documented(const char *path, const char *methods)
{
    enum route route = route_find(span_from_string(path), EVERYWHERE);
    if (route == ROUTE_OTHER) {
        fail_msg("docs/http.md has %s, the route table has not", path);
    }
    char names[128];
    snprintf(names, sizeof names, "%s", methods);
    unsigned set = METHOD_BIT(METHOD_OPTIONS);
    for (char *name = strtok(names, ", "); name != NULL; name = strtok(NULL, ", ")) {
        enum method method = method_from(span_from_string(name));
        assert_int_not_equal(method, METHOD_OTHER);
        set |= METHOD_BIT(method);
    }
    assert_int_equal(route_at(route)->methods, set);
}

/* The rows of the table below "## Routes": paths in backticks, methods, and what is answered. */
static void the_table_in_the_document_is_the_route_table(void **state)
{
    (void)state;
    FILE *file = fopen(SOURCE_ROOT "/docs/http.md", "r");
    assert_non_null(file);
    char line[1024];
    unsigned paths = 0;
    while (fgets(line, sizeof line, file) != NULL && strcmp(line, "## The answer to `/`\n") != 0) {
        char cell[128], methods[128];
        if (sscanf(line, "| %127[^|]| %127[^|]|", cell, methods) != 2 || cell[0] != '`') {
            continue;
        }
        const char *at = cell;
        char path[64];
        int used = 0;
        while (sscanf(at, " `%63[^`]`%n", path, &used) == 1) {
            check_documented(path, methods);
            paths++;
            at += used;
            at += *at == ',';
        }
    }
    fclose(file);
    assert_int_equal(paths, ROUTE_COUNT - 1);
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

static void what_is_under_a_pattern_is_found(void **state)
{
    (void)state;
    static const char *const paths[] = {"/ui", "/ui/", "/ui/main.js", "/ui/a/b", "/ui/*"};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        assert_int_equal(route_find(span_from_string(paths[i]), EVERYWHERE), ROUTE_UI);
        assert_int_equal(route_find(span_from_string(paths[i]), SURFACE_PUBLIC), ROUTE_OTHER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_routes_are_found_on_their_surfaces),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(what_is_under_a_pattern_is_found),
        cmocka_unit_test(entries_say_what_the_document_says),
        cmocka_unit_test(the_table_in_the_document_is_the_route_table),
        cmocka_unit_test(methods_are_listed_as_allow_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
