#include "../cmocka_includes.h"

#include "base/clock.h"
#include "server/config_rules.h"
#include "server/configuration.h"

#include <errno.h>
#include <string.h>

static char error[CONFIGURATION_ERROR_BYTES];

static int parse(const char *text, struct rule_program *program)
{
    *program = (struct rule_program){0};
    error[0] = '\0';
    return config_rules_parse("a.yaml", span_from_string(text), 60 * NS_PER_S, program, error);
}

static const char *text_of(const struct rule_definition *definition)
{
    static char memory[RULE_TEXT_MAX_BYTES];
    struct buffer text = buffer_over(memory, sizeof memory - 1);
    buffer_append_rule(&text, definition);
    memory[text.length] = '\0';
    return memory;
}

static void a_file_without_rules_has_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "---\n", "delay: none\n", "- a\n", "rules: []\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct rule_program program;
        assert_int_equal(parse(texts[i], &program), 0);
        assert_true(program.rules.count == 0 && program.phase_count == 0);
        rule_program_clear(&program);
    }
}

static void all_of_a_rule_is_read(void **state)
{
    (void)state;
    struct rule_program program;
    assert_int_equal(parse("rules:\n"
                           "  - {route: /}\n"
                           "  - route: /v*\n"
                           "    methods: [GET, HEAD]\n"
                           "    headers: {X-A: b*, x-c: 1}\n"
                           "    share: 0.25\n"
                           "    delay: uniform(0s, 1s)\n"
                           "    errors: {probability: 0.10, codes: {500: 1, 503: 3}}\n"
                           "    abort: {probability: 0.5, at: head}\n"
                           "    drip: 1s\n"
                           "    size: uniform(1KiB,2KiB)\n"
                           "    bandwidth: 64KiB\n"
                           "    burn: 5ms\n",
                           &program),
                     0);
    assert_int_equal(program.rules.count, 2);
    const struct rule_definition *first = &program.rules.definitions[0];
    const struct rule_definition *second = &program.rules.definitions[1];
    assert_string_equal(text_of(first), "/ delay=none");
    assert_string_equal(first->name, "rules[0]");
    assert_int_equal(first->number, 1);
    assert_string_equal(text_of(second),
                        "/v* GET,HEAD X-A=b* x-c=1 delay=uniform(0s,1s) errors=0.1:500:1,503:3 "
                        "abort=0.5:head drip=1s size=uniform(1KiB,2KiB) bandwidth=64KiB burn=5ms");
    assert_string_equal(second->name, "rules[1]");
    assert_int_equal(second->number, 2);
    assert_true(decimal_value(second->share) == 0.25);
    rule_program_clear(&program);
}

static void phases_are_read_and_numbered(void **state)
{
    (void)state;
    struct rule_program program;
    assert_int_equal(parse("scenario:\n"
                           "  - {name: up, for: 1m, ramp: up, steps: 4, rules: [{route: /}]}\n"
                           "  - {for: 30s, ramp: down}\n"
                           "  - rules: [{route: /}, {route: /version}]\n",
                           &program),
                     0);
    assert_int_equal(program.phase_count, 3);
    assert_false(program.repeat);
    const struct scenario_phase *phases = program.phases;
    assert_string_equal(phases[0].name, "up");
    assert_true(phases[0].for_ns == 60 * NS_PER_S && phases[0].ramp == SCENARIO_UP);
    assert_int_equal(phases[0].steps, 4);
    assert_string_equal(phases[1].name, "2");
    assert_true(phases[1].ramp == SCENARIO_DOWN && phases[1].steps == SCENARIO_DEFAULT_STEPS);
    assert_true(phases[2].for_ns == 0 && phases[2].ramp == SCENARIO_STEADY);
    assert_int_equal(phases[2].rules.count, 2);
    assert_int_equal(phases[2].rules.definitions[1].number, 3 << 16 | 2);
    assert_string_equal(phases[2].rules.definitions[1].name, "scenario[2].rules[1]");
    rule_program_clear(&program);
    assert_int_equal(parse("scenario: {repeat: true, phases: [{for: 1ms}]}\n", &program), 0);
    assert_true(program.repeat);
    rule_program_clear(&program);
}

static void there_are_limits(void **state)
{
    (void)state;
    char text[8192];
    struct buffer rules = buffer_over(text, sizeof text - 1);
    buffer_append_span(&rules, SPAN("rules:\n"));
    for (unsigned i = 0; i < RULE_PROGRAM_MAX_RULES; i++) {
        buffer_append_span(&rules, SPAN("- {route: /}\n"));
    }
    text[rules.length] = '\0';
    struct rule_program program;
    assert_int_equal(parse(text, &program), 0);
    rule_program_clear(&program);
    buffer_append_span(&rules, SPAN("- {route: /}\n"));
    text[rules.length] = '\0';
    assert_int_equal(parse(text, &program), -EINVAL);
    assert_string_equal(error, "a.yaml:66:3: more than 64 rules");
    rule_program_clear(&program);
    assert_int_equal(parse("rules: [{route: /metrics}]\n", &program), -EINVAL);
    assert_string_equal(error,
                        "a.yaml:1:17: /metrics: there is no route that rules are for at such "
                        "a path");
    rule_program_clear(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_without_rules_has_none),
        cmocka_unit_test(all_of_a_rule_is_read),
        cmocka_unit_test(phases_are_read_and_numbered),
        cmocka_unit_test(there_are_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
