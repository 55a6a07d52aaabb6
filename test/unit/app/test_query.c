#include "../cmocka_includes.h"

#include "app/query.h"
#include "base/compiler.h"

static void parameters_come_one_after_the_other(void **state)
{
    (void)state;
    struct span query = SPAN("a=1&&b&c==x&=y&d=");
    static const struct {
        const char *name, *value;
        bool has_value;
    } wanted[] = {
        {"a", "1", true}, {"b", "", false}, {"c", "=x", true}, {"", "y", true}, {"d", "", true}};
    struct query_parameter parameter;
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        assert_true(query_next(&query, &parameter));
        assert_true(span_equals(parameter.name, span_from_string(wanted[i].name)));
        assert_true(span_equals(parameter.value, span_from_string(wanted[i].value)));
        assert_int_equal(parameter.has_value, wanted[i].has_value);
    }
    assert_false(query_next(&query, &parameter));
    query = SPAN("&&&");
    assert_false(query_next(&query, &parameter));
}

static void decoding_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded; /* NULL: refused */
    } cases[] = {
        {"", ""},         {"abc", "abc"}, {"a+b", "a b"}, {"%41%4a%4A", "AJJ"},
        {"%2B%25", "+%"}, {"%", NULL},    {"%4", NULL},   {"%4g", NULL},
        {"%g4", NULL},    {"a%", NULL},   {"a%0", NULL},  {"%%41", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char memory[16];
        struct buffer output = buffer_over(memory, sizeof memory);
        struct parse_error error = {0};
        int result = query_decode(span_from_string(cases[i].text), &output, &error);
        assert_int_equal(result != 0, cases[i].decoded == NULL);
        if (result == 0) {
            assert_true(span_equals(buffer_span(&output), span_from_string(cases[i].decoded)));
        } else {
            assert_non_null(strstr(error.message, "hexadecimal"));
        }
    }
    char memory[2];
    struct buffer small = buffer_over(memory, sizeof memory);
    assert_int_equal(query_decode(SPAN("abc"), &small, NULL), 0);
    assert_true(small.overflowed);
}

static void a_parameter_is_found_once_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *value; /* NULL: not there */
        const char *refusal;
    } cases[] = {
        {"", NULL, NULL},
        {"x=1", NULL, NULL},
        {"seed=7", "7", NULL},
        {"a&%73eed=%37&b", "7", NULL},
        {"seed=1&seed=1", NULL, "seed: it is given twice"},
        {"seed", NULL, "seed: it has no value"},
        {"seed=12345678901234567", NULL, "seed: it is too long"},
        {"seed=%f", NULL, "`%f` has a % without two hexadecimal digits behind it"},
        {"%f=1&seed=1", NULL, "`%f` has a % without two hexadecimal digits behind it"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char memory[16];
        struct buffer value = buffer_over(memory, sizeof memory);
        bool found = false;
        struct parse_error error = {0};
        int result =
            query_find(span_from_string(cases[i].query), SPAN("seed"), &value, &found, &error);
        if (cases[i].refusal != NULL) {
            assert_int_not_equal(result, 0);
            assert_string_equal(error.message, cases[i].refusal);
            continue;
        }
        assert_int_equal(result, 0);
        assert_int_equal(found, cases[i].value != NULL);
        if (found) {
            assert_true(span_equals(buffer_span(&value), span_from_string(cases[i].value)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_come_one_after_the_other),
        cmocka_unit_test(decoding_is_strict),
        cmocka_unit_test(a_parameter_is_found_once_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
