#include "../cmocka_includes.h"

#include "server/config_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char error[CONFIGURATION_ERROR_BYTES];
static struct settings settings;

static int parse(const char *text)
{
    settings_clear(&settings);
    error[0] = '\0';
    return config_file_parse("a.yaml", span_from_string(text), &settings, error);
}

static const struct setting *setting(enum option_id id)
{
    return &settings.by_option[id];
}

static void reads_scalars_and_sequences(void **state)
{
    (void)state;
    assert_int_equal(parse("---\nlisten:\n  - 127.0.0.1:80\n  - \"[::1]:80\"\n"
                           "trust-forwarded: 10.0.0.0/8, 192.168.0.0/16\n"
                           "delay: 'uniform(0s, 1s)' # quoted\nworkers: 2\n"),
                     0);
    assert_int_equal(setting(OPTION_LISTEN)->values.count, 2);
    assert_string_equal(setting(OPTION_LISTEN)->values.items[1], "[::1]:80");
    assert_string_equal(setting(OPTION_LISTEN)->origin, "a.yaml:3:5: listen");
    assert_int_equal(setting(OPTION_TRUST_FORWARDED)->values.count, 2);
    assert_string_equal(setting(OPTION_DELAY)->values.items[0], "uniform(0s, 1s)");
    assert_string_equal(setting(OPTION_WORKERS)->values.items[0], "2");
    assert_int_equal(setting(OPTION_SEED)->values.count, 0);
}

static void follows_aliases(void **state)
{
    (void)state;
    assert_int_equal(parse("idle-timeout: &t 5s\nhead-timeout: *t\n"), 0);
    assert_string_equal(setting(OPTION_HEAD_TIMEOUT)->values.items[0], "5s");
}

static void an_empty_file_says_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# only a comment\n", "---\n", "{}\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        /* `---` alone is a document whose root is an empty scalar. */
        if (parse(texts[i]) != 0) {
            fail_msg("'%s': %s", texts[i], error);
        }
    }
}

static void names_the_place_of_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"delay: none\ndely: 1s\n", "a.yaml:2:1: dely: unknown option"},
        {"law: none\n", "a.yaml:1:1: law: unknown option"},
        {"config: other.yaml\n", "a.yaml:1:1: config: not an option for the file"},
        {"count: 3\n", "a.yaml:1:1: count: not an option for the file"},
        {"seed: 1\nworkers: 1\nseed: 2\n", "a.yaml:3:1: seed: given twice"},
        {"workers: [1, 2]\n", "a.yaml:1:10: expected one value"},
        {"workers: {a: b}\n", "a.yaml:1:10: expected one value"},
        {"listen: {a: b}\n", "a.yaml:1:9: expected a text or a list of texts"},
        {"listen: [[a]]\n", "a.yaml:1:10: expected a text"},
        {"workers:\n", "a.yaml:1:9: workers: the value is empty"},
        {"listen: [a, '']\n", "a.yaml:1:13: listen: the value is empty"},
        {"- listen\n", "a.yaml:1:1: expected options, one `name: value` a line"},
        {"listen\n", "a.yaml:1:1: expected options, one `name: value` a line"},
        {"[a]: b\n", "a.yaml:1:1: expected the name of an option"},
        {"\"a\\nb\": c\n", "a.yaml:1:1: a\\x0ab: unknown option"},
        {"seed: \"1\\0\"\n", "a.yaml:1:7: seed: the value has a NUL byte"},
        {"seed: 1\n---\nseed: 2\n", "a.yaml:3:1: a second document"},
        {"seed: 1\n  workers: 2\n", "a.yaml:2:10: mapping values are not allowed in this context"},
        {"seed: *nowhere\n", "a.yaml:1:7: found undefined alias"},
        {"seed: \xff\n", "a.yaml: invalid leading UTF-8 octet at byte 6"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(parse(cases[i].text), -EINVAL);
        assert_string_equal(error, cases[i].message);
    }
}

static int clear(void **state)
{
    (void)state;
    settings_clear(&settings);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_scalars_and_sequences),
        cmocka_unit_test(follows_aliases),
        cmocka_unit_test(an_empty_file_says_nothing),
        cmocka_unit_test(names_the_place_of_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
