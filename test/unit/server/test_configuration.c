#include "../cmocka_includes.h"

#include "base/clock.h"
#include "server/command.h"
#include "server/configuration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 8

static char error[CONFIGURATION_ERROR_BYTES];
static const char *const no_environment[] = {NULL};
static char file_path[] = "/tmp/test_configuration_XXXXXX";

static int load(unsigned commands, const char *const *arguments, const char *const *environment,
                struct configuration **ret)
{
    struct text_list argv = {0}, variables = {0};
    for (; *arguments != NULL; arguments++) {
        assert_int_equal(text_list_append(&argv, span_from_string(*arguments)), 0);
    }
    for (; *environment != NULL; environment++) {
        assert_int_equal(text_list_append(&variables, span_from_string(*environment)), 0);
    }
    char *empty[] = {NULL};
    *ret = NULL;
    int result = configuration_load(commands, (int)argv.count, argv.items,
                                    variables.count > 0 ? variables.items : empty, ret, error);
    text_list_clear(&argv);
    text_list_clear(&variables);
    return result;
}

#define LOAD(environment, ret, ...)                                                                \
    load(COMMAND_SERVE, (const char *const[ARGUMENTS_MAX]){__VA_ARGS__}, environment, ret)

static void write_file(const char *text)
{
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(file_path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file_path);
}

static void has_the_stated_defaults(void **state)
{
    (void)state;
    struct configuration *it;
    assert_int_equal(LOAD(no_environment, &it, NULL), 0);
    assert_int_equal(it->listen.count, 1);
    assert_string_equal(it->listen.items[0], "0.0.0.0:8080");
    assert_int_equal(it->admin_listen.count, 0);
    assert_false(it->reuse_port);
    assert_int_equal(it->workers, 0);
    assert_int_equal(it->max_connections, 0);
    assert_int_equal(it->max_head_bytes, 16384);
    assert_int_equal(it->max_body_bytes, 1 << 20);
    assert_int_equal(it->max_held_memory_bytes, 64 << 20);
    assert_int_equal(it->max_delay_ns, 60 * NS_PER_S);
    assert_int_equal(it->drain_delay_ns, 0);
    assert_int_equal(it->drain_timeout_ns, 30 * NS_PER_S);
    assert_int_equal(it->log, LOG_TEXT);
    assert_null(it->config_path);
    assert_false(it->seed_given);
    assert_string_equal(it->version, program_version);
    assert_true(law_quantile_ns(it->delay, 1) == 2e9);
    assert_int_equal(it->warnings.count, 0);
    assert_string_equal(configuration_origin(it, OPTION_LISTEN), "--listen (default)");
    configuration_free(it);
}

static void takes_flags_over_environment_over_file(void **state)
{
    (void)state;
    write_file("listen: [file:1, file:2]\nworkers: 1\nmax-head: 1KiB\nseed: 1\n");
    const char *const environment[] = {"HTTPSERVER_LISTEN=env:1,env:2, env:3",
                                       "HTTPSERVER_WORKERS=2", "HTTPSERVER_SEED=", NULL};
    struct configuration *it;
    assert_int_equal(LOAD(environment, &it, "--config", file_path, "--workers=3", NULL), 0);
    assert_int_equal(it->workers, 3);
    assert_int_equal(it->listen.count, 3);
    assert_string_equal(it->listen.items[2], "env:3");
    assert_int_equal(it->max_head_bytes, 1024);
    assert_true(it->seed_given && it->seed.key == 1); /* an empty variable is not given */
    assert_string_equal(configuration_origin(it, OPTION_WORKERS), "--workers");
    assert_string_equal(configuration_origin(it, OPTION_LISTEN), "HTTPSERVER_LISTEN");
    char expected[128];
    snprintf(expected, sizeof expected, "%s:3:11: max-head", file_path);
    assert_string_equal(configuration_origin(it, OPTION_MAX_HEAD), expected);
    configuration_free(it);
}

static void finds_the_file_by_environment(void **state)
{
    (void)state;
    write_file(
        "# nothing but a law\ndelay: const(90s)\nmax-delay: 2m\nlog: json\nreuse-port: true\n"
        "drain-timeout: 120s\ntrust-forwarded: 10.0.0.0/8\n");
    char variable[128];
    snprintf(variable, sizeof variable, "HTTPSERVER_CONFIG=%s", file_path);
    const char *const environment[] = {variable, NULL};
    struct configuration *it;
    assert_int_equal(LOAD(environment, &it, NULL), 0);
    assert_string_equal(it->config_path, file_path);
    assert_true(law_mean_ns(it->delay) == 90e9);
    assert_int_equal(it->log, LOG_JSON);
    assert_true(it->reuse_port);
    assert_int_equal(it->trust_forwarded.count, 1);
    assert_int_equal(it->warnings.count, 0);
    configuration_free(it);
}

static void reads_every_form_of_flag(void **state)
{
    (void)state;
    struct configuration *it;
    assert_int_equal(LOAD(no_environment, &it, "--reuse-port", "--log", "off", "--workers=7", NULL),
                     0);
    assert_true(it->reuse_port && it->log == LOG_OFF && it->workers == 7);
    configuration_free(it);
    assert_int_equal(LOAD(no_environment, &it, "--reuse-port", "false", "--", NULL), 0);
    assert_false(it->reuse_port);
    configuration_free(it);
    assert_int_equal(
        LOAD(no_environment, &it, "--reuse-port=true", "--workers", "1", "--workers", "2", NULL),
        0);
    assert_true(it->reuse_port && it->workers == 2); /* the last one counts */
    configuration_free(it);
    assert_int_equal(LOAD(no_environment, &it, "--listen", "a:1", "--listen", "b:2,c:3", NULL), 0);
    assert_int_equal(it->listen.count, 3); /* lists add up */
    configuration_free(it);
}

static void says_what_is_wrong_with_a_flag(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[3];
        const char *message;
    } cases[] = {
        {{"--dely=1", NULL}, "--dely=1: unknown option; --help lists them"},
        {{"-x", NULL}, "-x: unknown option; --help lists them"},
        {{"--", "extra", NULL}, "extra: unexpected argument"},
        {{"extra", NULL}, "extra: unexpected argument"},
        {{"--delay", NULL}, "--delay: needs a value, LAW"},
        {{"--delay=", NULL}, "--delay: the value is empty"},
        {{"--count", "3", NULL}, "--count: not an option of this command; --help lists them"},
        {{"--law", "none", NULL}, "--law: unknown option; --help lists them"},
        {{"--delay", "uniform(0s;1s)", NULL},
         "--delay 'uniform(0s;1s)': expected ',' at character 11, found ';'"},
        {{"--delay", "const(61s)", NULL},
         "--delay 'const(61s)': 61s is beyond the maximal delay of 60s"},
        {{"--max-delay", "1s", NULL},
         "--delay (default) 'uniform(0s,2s)': 2s is beyond the maximal delay of 1s"},
        {{"--max-delay", "1441m", NULL}, "--max-delay '1441m': must be from 0s to 86400s"},
        {{"--workers", "257", NULL}, "--workers '257': must be from 1 to 256"},
        {{"--max-head", "16k", NULL},
         "--max-head '16k': expected a unit (B, KiB, MiB or GiB) at character 3, found 'k'"},
        {{"--max-head", "511", NULL}, "--max-head '511': must be from 512 to 60KiB"},
        {{"--idle-timeout", "0", NULL}, "--idle-timeout '0': must be from 1ms to 86400s"},
        {{"--busy-poll", "11ms", NULL}, "--busy-poll '11ms': must be from 0s to 10ms"},
        {{"--seed", "1@", NULL},
         "--seed '1@': expected a letter, a digit, '.', '_' or '-' at character 3, found the end"},
        {{"--log", "a\nb", NULL}, "--log 'a\\x0ab': expected one of text|json|off"},
        {{"--reuse-port=yes", NULL}, "--reuse-port 'yes': expected true or false"},
        {{"--listen", "a:1,,b:2", NULL}, "--listen: the value is empty"},
        {{"--config", "/nonexistent/file", NULL},
         "--config /nonexistent/file: No such file or directory"},
        {{"--config", "/dev/null", NULL}, "--config /dev/null: not a regular file"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct configuration *it;
        assert_true(load(COMMAND_SERVE, cases[i].arguments, no_environment, &it) < 0);
        assert_string_equal(error, cases[i].message);
    }
}

static void checks_values_that_are_overridden_too(void **state)
{
    (void)state;
    const char *const environment[] = {"HTTPSERVER_WORKERS=many", NULL};
    struct configuration *it;
    assert_int_equal(LOAD(environment, &it, "--workers", "1", NULL), -EINVAL);
    assert_string_equal(error,
                        "HTTPSERVER_WORKERS 'many': expected a digit at character 1, found 'm'");
}

static void warns_of_unknown_variables_but_not_of_kubernetes(void **state)
{
    (void)state;
    const char *const environment[] = {"HTTPSERVER_PORT=tcp://10.0.0.1:80",
                                       "HTTPSERVER_PORT_8080_TCP_ADDR=10.0.0.1",
                                       "HTTPSERVER_SERVICE_HOST=10.0.0.1",
                                       "HTTPSERVER_SERVICE_PORT_HTTP=8080",
                                       "HTTPSERVER_DELAYS=none",
                                       "HTTPSERVER_COUNT=3", /* a flag of draw, not a variable */
                                       "OTHER=1",
                                       NULL};
    struct configuration *it;
    assert_int_equal(LOAD(environment, &it, NULL), 0);
    assert_int_equal(it->warnings.count, 2);
    assert_string_equal(it->warnings.items[0],
                        "HTTPSERVER_DELAYS: unknown environment variable, ignored");
    assert_string_equal(it->warnings.items[1],
                        "HTTPSERVER_COUNT: unknown environment variable, ignored");
    configuration_free(it);
}

static void warns_when_a_drain_would_cut_delays_off(void **state)
{
    (void)state;
    struct configuration *it;
    assert_int_equal(LOAD(no_environment, &it, "--delay=const(40s)", NULL), 0);
    assert_int_equal(it->warnings.count, 1);
    assert_non_null(strstr(it->warnings.items[0], "--drain-timeout 30s is shorter"));
    configuration_free(it);
}

static void takes_the_version_from_the_environment(void **state)
{
    (void)state;
    struct configuration *it;
    const char *const good[] = {"VERSION=v1.2 (blue)", NULL};
    assert_int_equal(LOAD(good, &it, NULL), 0);
    assert_string_equal(it->version, "v1.2 (blue)");
    configuration_free(it);
    static const char *const bad[] = {"VERSION=a\r\nset-cookie: b", "VERSION= a", "VERSION=a\x7f",
                                      "VERSION=\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        const char *const environment[] = {bad[i], NULL};
        assert_int_equal(LOAD(environment, &it, NULL), -EINVAL);
        assert_non_null(strstr(error, "VERSION: must be printable ASCII"));
        assert_null(strchr(error, '\n'));
    }
}

static void gives_draw_its_own_options(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--law=const(1s)", "--count", "5",
                                            "--seed",          "3@a",     NULL};
    struct configuration *it;
    assert_int_equal(load(COMMAND_DRAW, arguments, no_environment, &it), 0);
    assert_true(it->draw_count == 5 && it->seed.number == 3 && law_mean_ns(it->delay) == 1e9);
    configuration_free(it);
    static const char *const wrong[] = {"--listen", ":1", NULL};
    assert_int_equal(load(COMMAND_DRAW, wrong, no_environment, &it), -EINVAL);
    assert_string_equal(error, "--listen: not an option of this command; --help lists them");
}

static void seeds_itself_differently_each_time(void **state)
{
    (void)state;
    struct configuration *first, *second;
    assert_int_equal(LOAD(no_environment, &first, NULL), 0);
    assert_int_equal(LOAD(no_environment, &second, NULL), 0);
    assert_true(first->seed.key != second->seed.key);
    configuration_free(first);
    configuration_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_stated_defaults),
        cmocka_unit_test(takes_flags_over_environment_over_file),
        cmocka_unit_test(finds_the_file_by_environment),
        cmocka_unit_test(reads_every_form_of_flag),
        cmocka_unit_test(says_what_is_wrong_with_a_flag),
        cmocka_unit_test(checks_values_that_are_overridden_too),
        cmocka_unit_test(warns_of_unknown_variables_but_not_of_kubernetes),
        cmocka_unit_test(warns_when_a_drain_would_cut_delays_off),
        cmocka_unit_test(takes_the_version_from_the_environment),
        cmocka_unit_test(gives_draw_its_own_options),
        cmocka_unit_test(seeds_itself_differently_each_time),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
