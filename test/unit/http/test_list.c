#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "base/random.h"
#include "http/list.h"

#include <stdlib.h>

#define MAX_ELEMENTS 64

static const struct {
    const char *list;
    unsigned count;
    const char *elements[4];
} rows[] = {
    {"", 0, {NULL}},
    {" ", 0, {NULL}},
    {",", 0, {NULL}},
    {" ,\t, ,", 0, {NULL}},
    {"a", 1, {"a"}},
    {"\ta ", 1, {"a"}},
    {"a,b", 2, {"a", "b"}},
    {",a,, b c ,", 2, {"a", "b c"}}, /* RFC 9110, section 5.6.1.2 */
    {"a , b\t,\tc,d", 4, {"a", "b", "c", "d"}},
};

static void takes_elements_from_either_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct span list = span_from_string(rows[i].list), back = list, element = {0};
        for (unsigned k = 0; k < rows[i].count; k++) {
            assert_true(list_next(&list, &element));
            assert_true(span_equals(element, span_from_string(rows[i].elements[k])));
            assert_true(list_take_last(&back, &element));
            assert_true(
                span_equals(element, span_from_string(rows[i].elements[rows[i].count - 1 - k])));
        }
        assert_false(list_next(&list, &element));
        assert_false(list_take_last(&back, &element));
    }
    struct span nothing = {0}, element = {0};
    assert_false(list_next(&nothing, &element));
    assert_false(list_take_last(&nothing, &element));
}

/* From behind come the same elements as from the front, and none has a comma or is empty. */
static void both_directions_agree(void **state)
{
    (void)state;
    static const char bytes[] = ",, \tab\"\\";
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t random = random_u64(random_draw(2, i, 0, 0));
        size_t length = (size_t)(random % MAX_ELEMENTS);
        char *text = malloc(length > 0 ? length : 1); /* exact: a sanitizer sees a read too far */
        assert_non_null(text);
        for (size_t k = 0; k < length; k++) {
            random = random_u64(random_draw(2, i, (uint32_t)k, 1));
            text[k] = bytes[random % (sizeof bytes - 1)];
        }
        struct span elements[MAX_ELEMENTS], element = {0};
        struct span list = span_of(text, length), back = list;
        size_t count = 0;
        while (list_next(&list, &elements[count])) {
            assert_true(elements[count].length > 0);
            assert_null(memchr(elements[count].data, ',', elements[count].length));
            assert_true(span_equals(span_trim(elements[count]), elements[count]));
            count++;
        }
        while (list_take_last(&back, &element)) {
            assert_true(count > 0);
            count--;
            assert_ptr_equal(element.data, elements[count].data);
            assert_int_equal(element.length, elements[count].length);
        }
        assert_int_equal(count, 0);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_elements_from_either_end),
        cmocka_unit_test(both_directions_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
