#include "rule_fixture.h"

#include <stdlib.h>

#define S INT64_C(1000000000)

/* calm for 10 s, up in 4 steps for 20 s, down in 2 for 10 s, then `last_for`. */
static void make(struct rule_program *program, int64_t last_for_ns, bool repeat)
{
    *program = (struct rule_program){.index = fixture_definition(0, "/", "none"),
                                     .phases = calloc(4, sizeof *program->phases),
                                     .phase_count = 4,
                                     .repeat = repeat};
    assert_non_null(program->phases);
    fixture_add(&program->rules, RULE_NUMBER(0, 0), "/a", "none");
    fixture_add(&program->rules, RULE_NUMBER(0, 1), "/b", "none");
    program->phases[0] = (struct scenario_phase){.name = "calm", .for_ns = 10 * S};
    program->phases[1] =
        (struct scenario_phase){.name = "up", .for_ns = 20 * S, .ramp = SCENARIO_UP, .steps = 4};
    program->phases[2] = (struct scenario_phase){
        .name = "down", .for_ns = 10 * S, .ramp = SCENARIO_DOWN, .steps = 2};
    program->phases[3] = (struct scenario_phase){.name = "last", .for_ns = last_for_ns};
    fixture_add(&program->phases[1].rules, RULE_NUMBER(2, 0), "/c", "none");
    fixture_add(&program->phases[1].rules, RULE_NUMBER(2, 1), "/d", "none");
    fixture_add(&program->phases[3].rules, RULE_NUMBER(4, 0), "/e", "none");
}

static void expect(const struct rule_program *program, int64_t at_ns, unsigned phase, double factor,
                   int64_t changes_ns)
{
    struct scenario_position position = scenario_at(program, at_ns);
    if (position.phase != phase || position.factor != factor || position.changes_ns != changes_ns) {
        fail_msg("at %lld: phase %u, factor %g, until %lld", (long long)at_ns, position.phase,
                 position.factor, (long long)position.changes_ns);
    }
}

static void phases_follow_each_other(void **state)
{
    (void)state;
    struct rule_program program;
    make(&program, 5 * S, false);
    expect(&program, 0, 0, 1, 10 * S);
    expect(&program, 10 * S - 1, 0, 1, 10 * S);
    expect(&program, 10 * S, 1, 0.25, 15 * S);
    expect(&program, 15 * S - 1, 1, 0.25, 15 * S);
    expect(&program, 15 * S, 1, 0.5, 20 * S);
    expect(&program, 29 * S, 1, 1, 30 * S);
    expect(&program, 30 * S, 2, 0.5, 35 * S);
    expect(&program, 36 * S, 2, 0, 40 * S);
    expect(&program, 40 * S, 3, 1, 45 * S);
    expect(&program, 45 * S, 4, 1, INT64_MAX);
    expect(&program, INT64_MAX / 2, 4, 1, INT64_MAX);
    rule_program_clear(&program);
}

static void the_last_may_stay_and_all_may_repeat(void **state)
{
    (void)state;
    struct rule_program program;
    make(&program, 0, false);
    expect(&program, 40 * S, 3, 1, INT64_MAX);
    expect(&program, 400 * S, 3, 1, INT64_MAX);
    rule_program_clear(&program);
    make(&program, 5 * S, true);
    expect(&program, 45 * S, 0, 1, 55 * S);
    expect(&program, 450 * S + 12 * S, 1, 0.25, 450 * S + 15 * S);
    rule_program_clear(&program);
    struct rule_program none = {.index = fixture_definition(0, "/", "none")};
    expect(&none, 7, 0, 1, INT64_MAX);
    rule_program_clear(&none);
}

static void rules_are_found_by_their_place(void **state)
{
    (void)state;
    struct rule_program program;
    make(&program, 0, false);
    assert_int_equal(rule_program_count(&program), 6);
    static const char *const routes[] = {"/", "/a", "/b", "/c", "/d", "/e"};
    for (unsigned i = 0; i < ARRAY_LENGTH(routes); i++) {
        assert_string_equal(rule_program_at(&program, i)->route.text, routes[i]);
    }
    assert_int_equal(scenario_at(&program, 12 * S).first, 3);
    assert_int_equal(scenario_at(&program, 42 * S).first, 5);
    rule_program_clear(&program);
}

static void scenarios_are_compared(void **state)
{
    (void)state;
    struct rule_program one, two;
    make(&one, 0, false);
    make(&two, 0, false);
    fixture_add(&two.rules, RULE_NUMBER(0, 2), "/more", "none");
    assert_true(scenario_equals(&one, &two));
    two.phases[1].steps = 5;
    assert_false(scenario_equals(&one, &two));
    two.phases[1].steps = 4;
    two.phases[1].rules.definitions[0].share = (struct decimal){5, 1};
    assert_false(scenario_equals(&one, &two));
    two.phases[1].rules.definitions[0].share = (struct decimal){1, 0};
    two.phases[1].rules.definitions[0].burn_ns = 1;
    assert_false(scenario_equals(&one, &two));
    two.phases[1].rules.definitions[0].burn_ns = 0;
    two.repeat = true;
    assert_false(scenario_equals(&one, &two));
    rule_program_clear(&one);
    rule_program_clear(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_follow_each_other),
        cmocka_unit_test(the_last_may_stay_and_all_may_repeat),
        cmocka_unit_test(rules_are_found_by_their_place),
        cmocka_unit_test(scenarios_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
