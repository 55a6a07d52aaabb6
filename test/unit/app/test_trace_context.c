#include "../cmocka_includes.h"

#include "app/trace_context.h"

#include <stdlib.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define ZEROS_16 "0000000000000000"

static bool parses(const char *text, struct trace_context *context)
{
    /* Nothing is behind the last byte: a sanitizer sees a read too far. */
    size_t length = strlen(text);
    char *exact = malloc(length == 0 ? 1 : length);
    assert_non_null(exact);
    memcpy(exact, text, length);
    bool valid = trace_context_parse(span_of(exact, length), context);
    if (valid) {
        assert_memory_equal(context->trace_id, TRACE, TRACE_ID_DIGITS);
        assert_memory_equal(context->span_id, PARENT, SPAN_ID_DIGITS);
    }
    free(exact);
    return valid;
}

static void takes_what_the_recommendation_allows(void **state)
{
    (void)state;
    struct trace_context context;
    assert_true(parses("00-" TRACE "-" PARENT "-01", &context));
    assert_true(parses("00-" TRACE "-" PARENT "-00", &context));
    assert_true(parses("cc-" TRACE "-" PARENT "-01", &context));
    assert_true(parses("cc-" TRACE "-" PARENT "-01-what-the-future-will-be-like", &context));
}

static void refuses_the_rest(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "00-" TRACE "-" PARENT,
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-0g",
        "00-" TRACE "-" PARENT "-01-more",
        "cc-" TRACE "-" PARENT "-01.more",
        "ff-" TRACE "-" PARENT "-01",
        "0x-" TRACE "-" PARENT "-01",
        "00-" ZEROS_16 ZEROS_16 "-" PARENT "-01",
        "00-" TRACE "-" ZEROS_16 "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
    };
    struct trace_context context;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(parses(wrong[i], &context));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_recommendation_allows),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
