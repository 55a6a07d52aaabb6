#include "../cmocka_includes.h"

#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

static void assert_holds(const struct buffer *buffer, const char *expected)
{
    assert_int_equal(buffer->length, strlen(expected));
    assert_memory_equal(buffer->data, expected, buffer->length);
}

static void appends_until_full(void **state)
{
    (void)state;
    char memory[8];
    struct buffer buffer = buffer_over(memory, sizeof memory);
    buffer_append_span(&buffer, SPAN("abcd"));
    buffer_append_span(&buffer, SPAN("efghi"));
    assert_true(buffer.overflowed);
    assert_holds(&buffer, "abcd");
    buffer_append_span(&buffer, SPAN("efgh"));
    assert_holds(&buffer, "abcdefgh");
    assert_int_equal(buffer_room(&buffer), 0);
}

static void prints_integers_as_printf_does(void **state)
{
    (void)state;
    const uint64_t values[] = {0,   1,    9,     10,         99,         100,
                               101, 1000, 12345, UINT32_MAX, UINT64_MAX, UINT64_C(10000000000)};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char memory[32], expected[32];
        struct buffer buffer = buffer_over(memory, sizeof memory);
        buffer_append_u64(&buffer, values[i]);
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)values[i]);
        assert_holds(&buffer, expected);
        buffer = buffer_over(memory, sizeof memory);
        buffer_append_u64_padded(&buffer, values[i], 9);
        snprintf(expected, sizeof expected, "%09llu", (unsigned long long)values[i]);
        assert_holds(&buffer, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_until_full),
        cmocka_unit_test(prints_integers_as_printf_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
