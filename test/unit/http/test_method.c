#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "http/method.h"

static const struct {
    enum method method;
    const char *name;
} rows[] = {
    {METHOD_GET, "GET"},         {METHOD_HEAD, "HEAD"},     {METHOD_POST, "POST"},
    {METHOD_PUT, "PUT"},         {METHOD_DELETE, "DELETE"}, {METHOD_CONNECT, "CONNECT"},
    {METHOD_OPTIONS, "OPTIONS"}, {METHOD_TRACE, "TRACE"},   {METHOD_PATCH, "PATCH"},
};

static void names_and_methods_match(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LENGTH(rows), METHOD_COUNT - 1);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(method_from(span_from_string(rows[i].name)), rows[i].method);
        assert_true(span_equals(method_name(rows[i].method), span_from_string(rows[i].name)));
    }
    assert_true(span_equals(method_name(METHOD_OTHER), SPAN("other")));
}

/* RFC 9110, section 9.1: names of methods are case-sensitive. */
static void everything_else_is_other(void **state)
{
    (void)state;
    static const char *const names[] = {"",     "get",    "Get",   "GE",       "GETS",
                                        " GET", "GET ",   "other", "PROPFIND", "QUERY",
                                        "PRI",  "PATCHY", "TRACE1"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_int_equal(method_from(span_from_string(names[i])), METHOD_OTHER);
    }
    assert_int_equal(method_from((struct span){0}), METHOD_OTHER);
    assert_int_equal(method_from(SPAN("GET\0")), METHOD_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_methods_match),
        cmocka_unit_test(everything_else_is_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
