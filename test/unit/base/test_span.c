#include "../cmocka_includes.h"

#include "base/span.h"

static const struct span nothing = {NULL, 0};

static void compares_bytes_and_lengths(void **state)
{
    (void)state;
    assert_true(span_equals(nothing, nothing));
    assert_true(span_equals(nothing, SPAN("")));
    assert_true(span_equals(SPAN("a\0b"), SPAN("a\0b")));
    assert_false(span_equals(SPAN("a\0b"), SPAN("a\0c")));
    assert_false(span_equals(SPAN("a"), SPAN("ab")));
    assert_false(span_equals(nothing, SPAN("a")));
    assert_true(span_equals(span_from_string("abc"), SPAN("abc")));
}

static void knows_what_a_text_starts_with(void **state)
{
    (void)state;
    assert_true(span_starts_with(SPAN("unix:/a"), SPAN("unix:")));
    assert_true(span_starts_with(SPAN("unix:"), SPAN("unix:")));
    assert_true(span_starts_with(nothing, nothing));
    assert_true(span_starts_with(SPAN("a"), nothing));
    assert_false(span_starts_with(SPAN("unix"), SPAN("unix:")));
    assert_false(span_starts_with(SPAN("Unix:"), SPAN("unix:")));
    assert_false(span_starts_with(nothing, SPAN("a")));
}

/* Only A to Z have another case; "@" and "`", "[" and "{" differ by the same bit and do not. */
static void ignores_the_case_of_ascii_letters_alone(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            int lower_a = a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a;
            int lower_b = b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b;
            char left = (char)a, right = (char)b;
            assert_int_equal(span_equals_ignoring_case(span_of(&left, 1), span_of(&right, 1)),
                             lower_a == lower_b);
        }
    }
    assert_true(span_equals_ignoring_case(SPAN("Content-Length"), SPAN("cONTENT-lENGTH")));
    assert_false(span_equals_ignoring_case(SPAN("Content-Length"), SPAN("Content-Lengt")));
    assert_true(span_equals_ignoring_case(nothing, SPAN("")));
}

static void trims_spaces_and_tabs_only(void **state)
{
    (void)state;
    const struct {
        struct span text, expected;
    } rows[] = {
        {SPAN(""), SPAN("")},
        {SPAN(" "), SPAN("")},
        {SPAN(" \t \t"), SPAN("")},
        {SPAN("a"), SPAN("a")},
        {SPAN("\ta b\t c  "), SPAN("a b\t c")},
        {SPAN("\r\na\v"), SPAN("\r\na\v")},
        {SPAN(" \0 "), SPAN("\0")},
        {{NULL, 0}, SPAN("")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span trimmed = span_trim(rows[i].text);
        assert_true(span_equals(trimmed, rows[i].expected));
        assert_true(trimmed.length == 0 ||
                    (trimmed.data >= rows[i].text.data &&
                     trimmed.data + trimmed.length <= rows[i].text.data + rows[i].text.length));
    }
}

static void cuts_the_front_off(void **state)
{
    (void)state;
    struct span text = SPAN("abc");
    assert_true(span_equals(span_after(text, 0), text));
    assert_true(span_equals(span_after(text, 2), SPAN("c")));
    assert_int_equal(span_after(text, 3).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_bytes_and_lengths),
        cmocka_unit_test(knows_what_a_text_starts_with),
        cmocka_unit_test(ignores_the_case_of_ascii_letters_alone),
        cmocka_unit_test(trims_spaces_and_tabs_only),
        cmocka_unit_test(cuts_the_front_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
