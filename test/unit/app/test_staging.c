#include "../cmocka_includes.h"

#include "app/staging.h"
#include "base/compiler.h"

#include <stdlib.h>

static const char *const parts[] = {"", "one", "", "the second is longer", "3", ""};
static const char whole[] = "onethe second is longer3";

static bool next_part(void *context, struct buffer *part)
{
    size_t *next = context;
    if (*next == ARRAY_LENGTH(parts)) {
        return false;
    }
    buffer_append_span(part, span_from_string(parts[(*next)++]));
    return true;
}

static void it_is_the_same_whatever_the_room(void **state)
{
    (void)state;
    for (size_t room = 1; room <= sizeof whole; room++) {
        char memory[20]; /* as long as the longest part */
        struct staging staging = staging_over(memory, sizeof memory);
        size_t next = 0, length = 0;
        char text[2 * sizeof whole];
        ssize_t got = 0;
        while ((got = staging_pull(&staging, next_part, &next, text + length, room)) > 0) {
            length += (size_t)got;
            /* Only the last one may have less than there was room for. */
            assert_true((size_t)got == room || length == sizeof whole - 1);
        }
        text[length] = '\0';
        assert_string_equal(text, whole);
        assert_int_equal(staging_pull(&staging, next_part, &next, text, room), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_same_whatever_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
