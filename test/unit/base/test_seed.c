#include "../cmocka_includes.h"

#include "base/seed.h"

#include <errno.h>
#include <string.h>

static void a_number_is_the_key(void **state)
{
    (void)state;
    struct seed seed;
    assert_int_equal(seed_parse(SPAN("42"), &seed, NULL), 0);
    assert_true(seed.key == 42 && seed.number == 42 && seed.name_length == 0);
    assert_int_equal(seed_parse(SPAN("18446744073709551615"), &seed, NULL), 0);
    assert_true(seed.key == UINT64_MAX);
}

static void a_name_makes_another_key(void **state)
{
    (void)state;
    struct seed plain, first, second, other_number;
    assert_int_equal(seed_parse(SPAN("42"), &plain, NULL), 0);
    assert_int_equal(seed_parse(SPAN("42@web-0"), &first, NULL), 0);
    assert_int_equal(seed_parse(SPAN("42@web-1"), &second, NULL), 0);
    assert_int_equal(seed_parse(SPAN("43@web-0"), &other_number, NULL), 0);
    assert_true(first.key != plain.key && second.key != plain.key);
    assert_true(first.key != second.key && first.key != other_number.key);
    /* Fixed for ever, or recorded seeds would give other draws: worked out apart in Python. */
    assert_true(seed_key(0, SPAN("a")) == UINT64_C(0x02c0bdbf481420f8));
}

static void prints_back_what_was_given(void **state)
{
    (void)state;
    static const char *const texts[] = {"0", "42", "7@web-0", "1@a.b_c-D9"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct seed seed;
        assert_int_equal(seed_parse(span_from_string(texts[i]), &seed, NULL), 0);
        char memory[SEED_TEXT_MAX_BYTES + 1];
        struct buffer printed = buffer_over(memory, sizeof memory);
        buffer_append_seed(&printed, &seed);
        buffer_append_byte(&printed, '\0');
        assert_string_equal(memory, texts[i]);
    }
}

static void refuses_what_is_no_seed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "expected a digit at character 1, found the end"},
        {"x", "expected a digit at character 1, found 'x'"},
        {"-1", "expected a digit at character 1, found '-'"},
        {"1 ", "expected a digit or '@' at character 2, found ' '"},
        {"1@", "expected a letter, a digit, '.', '_' or '-' at character 3, found the end"},
        {"1@a b", "expected a letter, a digit, '.', '_' or '-' at character 4, found ' '"},
        {"1@$(POD)", "expected a letter, a digit, '.', '_' or '-' at character 3, found '$'"},
        {"18446744073709551616", "the number is too large"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct seed seed;
        struct parse_error error = {0};
        assert_int_equal(seed_parse(span_from_string(cases[i].text), &seed, &error), -EINVAL);
        assert_string_equal(error.message, cases[i].message);
    }
    char long_name[2 + SEED_NAME_MAX_BYTES + 1];
    memset(long_name, 'a', sizeof long_name);
    memcpy(long_name, "1@", 2);
    struct seed seed;
    struct parse_error error;
    assert_int_equal(seed_parse(span_of(long_name, sizeof long_name), &seed, &error), -EINVAL);
    assert_int_equal(seed_parse(span_of(long_name, sizeof long_name - 1), &seed, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_the_key),
        cmocka_unit_test(a_name_makes_another_key),
        cmocka_unit_test(prints_back_what_was_given),
        cmocka_unit_test(refuses_what_is_no_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
