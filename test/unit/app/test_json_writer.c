#include "../cmocka_includes.h"

#include "app/json_writer.h"

#include <math.h>
#include <string.h>

static char memory[512];
static struct buffer out;
static struct json_writer json;

static void start(void)
{
    out = buffer_over(memory, sizeof memory - 1);
    json = (struct json_writer){.out = &out};
}

static const char *text(void)
{
    assert_false(out.overflowed);
    memory[out.length] = '\0';
    return memory;
}

static void commas_stand_between_values_only(void **state)
{
    (void)state;
    start();
    json_open(&json, '{');
    json_line(&json);
    json_name(&json, "a");
    json_open(&json, '[');
    json_u64(&json, 1);
    json_open(&json, '[');
    json_close(&json, ']');
    json_no_value(&json);
    json_line(&json);
    json_bool(&json, true);
    json_close(&json, ']');
    json_line(&json);
    json_name(&json, "b");
    json_open(&json, '{');
    json_close(&json, '}');
    json_name(&json, "c");
    json_bool(&json, false);
    json_close(&json, '}');
    assert_string_equal(text(), "{\n\"a\":[1,[],null,\ntrue],\n\"b\":{},\"c\":false}");
}

static void check_text(struct span from, const char *wanted)
{
    start();
    json_text(&json, from);
    assert_string_equal(text(), wanted);
}

static void strings_are_escaped_and_always_utf8(void **state)
{
    (void)state;
    check_text(SPAN(""), "\"\"");
    check_text(SPAN("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    check_text(SPAN("\x00\t\n\x1f\x7f"), "\"\\u0000\\u0009\\u000a\\u001f\\u007f\"");
    check_text(SPAN("\xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80"),
               "\"\xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80\"");
#define BAD "\xef\xbf\xbd"
    check_text(SPAN("\xe9"), "\"" BAD "\"");
    check_text(SPAN("\xc3"), "\"" BAD "\"");
    check_text(SPAN("\xc3("), "\"" BAD "(\"");
    check_text(SPAN("\xc0\xaf"), "\"" BAD BAD "\"");                 /* overlong */
    check_text(SPAN("\xe0\x9f\xbf"), "\"" BAD BAD BAD "\"");         /* overlong */
    check_text(SPAN("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");         /* a surrogate */
    check_text(SPAN("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\""); /* beyond U+10FFFF */
    check_text(SPAN("\xf0\x9f\x98"), "\"" BAD BAD BAD "\"");
}

static void check_seconds(unsigned __int128 ns, const char *wanted)
{
    start();
    json_seconds(&json, ns);
    assert_string_equal(text(), wanted);
}

static void seconds_are_exact(void **state)
{
    (void)state;
    check_seconds(0, "0");
    check_seconds(1, "0.000000001");
    check_seconds(100000000, "0.1");
    check_seconds(1234567890, "1.23456789");
    check_seconds(60000000000, "60");
    check_seconds((unsigned __int128)UINT64_MAX * 1000000000 + 5, "18446744073709551615.000000005");
}

static void times_are_as_rfc_3339_has_them(void **state)
{
    (void)state;
    start();
    json_time(&json, 951782400000000001); /* the leap day of a leap century */
    assert_string_equal(text(), "\"2000-02-29T00:00:00.000000001Z\"");
    start();
    json_time(&json, INT64_C(1763890823512345678));
    assert_string_equal(text(), "\"2025-11-23T09:40:23.512345678Z\"");
}

static void doubles_are_json(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *wanted;
    } cases[] = {{0.1, "0.1"},
                 {1e-9, "1e-09"},
                 {2e6, "2e+06"},
                 {(double)NAN, "null"},
                 {(double)INFINITY, "null"},
                 {-(double)INFINITY, "null"},
                 {0, "0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start();
        json_double(&json, cases[i].value);
        assert_string_equal(text(), cases[i].wanted);
    }
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    char small[4];
    struct buffer little = buffer_over(small, sizeof small);
    struct json_writer writer = {.out = &little};
    json_text(&writer, SPAN("longer"));
    assert_true(little.overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_values_only),
        cmocka_unit_test(strings_are_escaped_and_always_utf8),
        cmocka_unit_test(seconds_are_exact),
        cmocka_unit_test(times_are_as_rfc_3339_has_them),
        cmocka_unit_test(doubles_are_json),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
