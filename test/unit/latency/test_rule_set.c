#include "rule_fixture.h"

#include "latency/rule_set.h"

#include <math.h>
#include <stdlib.h>

#define RULES_MAX 4

struct set_fixture {
    struct rule rules[RULES_MAX];
    unsigned count;
    struct rule index;
    struct rule_set *set;
};

static void open_set(struct set_fixture *fixture)
{
    struct rule_definition index = fixture_definition(0, "/", "const(1ms)");
    rule_init(&fixture->index, &index, FIXTURE_SEED_KEY, 100);
    fixture->count = 0;
    fixture->set = calloc(1, sizeof *fixture->set + RULES_MAX * sizeof fixture->set->entries[0]);
    assert_non_null(fixture->set);
    fixture->set->index = &fixture->index;
}

static struct rule *add(struct set_fixture *fixture, struct rule_definition definition,
                        double share)
{
    struct rule *rule = &fixture->rules[fixture->count++];
    rule_init(rule, &definition, FIXTURE_SEED_KEY, fixture->count);
    fixture->set->entries[fixture->set->count++] =
        (struct rule_entry){.rule = rule, .share = share};
    return rule;
}

static void close_set(struct set_fixture *fixture)
{
    for (unsigned i = 0; i < fixture->count; i++) {
        rule_definition_clear(&fixture->rules[i].definition);
    }
    rule_definition_clear(&fixture->index.definition);
    free(fixture->set);
}

/* The slot of the rule that takes it; 0 for none. */
static uint32_t chosen(const struct set_fixture *fixture, const char *line, const char *fields)
{
    const struct request *request = fixture_request(line, fields);
    struct outcome outcome = {0};
    bool index = span_equals(request->path, SPAN("/"));
    return rule_set_choose(fixture->set, index, request, &outcome) ? outcome.rule : 0;
}

static void without_rules_only_the_index_has_one(void **state)
{
    (void)state;
    struct set_fixture fixture;
    open_set(&fixture);
    assert_int_equal(chosen(&fixture, "GET /", ""), 100);
    assert_int_equal(chosen(&fixture, "GET /version", ""), 0);
    close_set(&fixture);
}

static void the_first_that_matches_takes_it(void **state)
{
    (void)state;
    struct set_fixture fixture;
    open_set(&fixture);
    struct rule_definition definition = fixture_definition(1, "/a", "none");
    definition.methods = METHOD_BIT(METHOD_POST) | METHOD_BIT(METHOD_PUT);
    add(&fixture, definition, 1);
    definition = fixture_definition(2, "/", "none");
    definition.field_count = 2;
    assert_true(rule_pattern_set(&definition.fields[0].name, SPAN("x-a"), false));
    assert_true(rule_pattern_set(&definition.fields[0].value, SPAN("b*"), true));
    assert_true(rule_pattern_set(&definition.fields[1].name, SPAN("x-c"), false));
    assert_true(rule_pattern_set(&definition.fields[1].value, SPAN("*"), true));
    add(&fixture, definition, 1);
    add(&fixture, fixture_definition(3, "/a*", "none"), 1);

    static const struct {
        const char *line, *fields;
        uint32_t slot;
    } cases[] = {
        {"POST /a", "", 1},
        {"PUT /a?x", "", 1},
        {"GET /a", "", 3},
        {"GET /abc", "", 3},
        {"GET /b", "", 0},
        {"GET /", "", 100},
        {"GET /", "x-a: b\r\n", 100},
        {"GET /", "X-A: bcd\r\nx-c:\r\n", 2},
        {"GET /", "x-a: c\r\nx-a: b\r\nx-c: d\r\n", 100}, /* the first of the name counts */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint32_t slot = chosen(&fixture, cases[i].line, cases[i].fields);
        if (slot != cases[i].slot) {
            fail_msg("%s: %u", cases[i].line, slot);
        }
    }
    close_set(&fixture);
}

#define REQUESTS 20000

static void a_share_is_drawn_for_each_request(void **state)
{
    (void)state;
    struct set_fixture fixture;
    open_set(&fixture);
    struct rule *rule = add(&fixture, fixture_definition(1, "/", "const(2ms)"), 0.3);
    unsigned taken = 0;
    const struct request *request = fixture_request("GET /", "");
    for (uint64_t i = 0; i < REQUESTS; i++) {
        struct outcome outcome;
        assert_true(rule_set_choose(fixture.set, true, request, &outcome));
        double unit = random_unit(random_draw(FIXTURE_SEED_KEY, i, 1, DRAW_SHARE));
        assert_int_equal(outcome.rule, unit < 0.3 ? 1 : 100);
        if (outcome.rule == 1) {
            assert_true(outcome.drew && outcome.ordinal == i);
            assert_int_equal(outcome.delay_ns, 2000000);
            taken++;
        }
    }
    assert_int_equal(rule->next_ordinal, REQUESTS);
    assert_true(fabs(taken - REQUESTS * 0.3) < 4.9 * sqrt(REQUESTS * 0.3 * 0.7));
    close_set(&fixture);
}

static void an_outcome_is_a_function_of_seed_rule_and_ordinal(void **state)
{
    (void)state;
    struct rule_definition definition = fixture_definition(7, "/", "uniform(0s,1s)");
    definition.size = fixture_law("uniform(1KiB,2KiB)", true);
    assert_int_equal(fault_errors_parse(SPAN("0.5:500:1,503:1"), &definition.errors, NULL), 0);
    assert_int_equal(fault_abort_parse(SPAN("0.25:body"), &definition.abort, NULL), 0);
    definition.drip_ns = 5;
    definition.burn_ns = 6;
    definition.bytes_per_second = 7;
    struct rule_definition copy;
    rule_definition_copy(&copy, &definition);
    struct rule one, two;
    rule_init(&one, &definition, 9, 3);
    rule_init(&two, &copy, 9, 4);
    unsigned errors = 0, aborts = 0, both = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        struct outcome outcome, again;
        rule_draw(&one, &outcome);
        rule_draw_at(&two, i, &again);
        assert_int_equal(outcome.rule, 3);
        again.rule = 3;
        assert_memory_equal(&outcome.delay_ns, &again.delay_ns, sizeof outcome.delay_ns);
        assert_int_equal(outcome.size, again.size);
        assert_int_equal(outcome.status, again.status);
        assert_int_equal(outcome.abort, again.abort);
        assert_int_equal(outcome.delay_ns, draw_delay_ns(definition.delay, 9, i, 7));
        assert_true(outcome.size >= 1024 && outcome.size <= 2048);
        assert_true(outcome.drip_ns == 5 && outcome.burn_ns == 6 && outcome.bytes_per_second == 7);
        errors += outcome.status != 0;
        aborts += outcome.abort == OUTCOME_ABORT_BODY;
        both += outcome.status != 0 && outcome.abort != OUTCOME_ABORT_NONE;
    }
    assert_in_range(errors, 1850, 2150);
    assert_in_range(aborts, 870, 1130);
    assert_in_range(both, 400, 600);
    rule_definition_clear(&one.definition);
    rule_definition_clear(&two.definition);
}

/* What needs no draw takes no ordinal, so that workers share nothing. */
static void what_is_certain_takes_no_ordinal(void **state)
{
    (void)state;
    struct rule_definition definition = fixture_definition(1, "/", "const(1ms)");
    definition.size = fixture_law("4KiB", true);
    assert_int_equal(fault_errors_parse(SPAN("1:503"), &definition.errors, NULL), 0);
    assert_int_equal(fault_abort_parse(SPAN("1:head"), &definition.abort, NULL), 0);
    struct rule rule;
    rule_init(&rule, &definition, 9, 3);
    struct outcome outcome;
    rule_draw(&rule, &outcome);
    assert_true(outcome.delay_ns == 1000000 && outcome.size == 4096 && outcome.status == 503);
    assert_true(outcome.abort == OUTCOME_ABORT_HEAD && !outcome.drew);
    assert_int_equal(rule.next_ordinal, 0);
    rule_definition_clear(&rule.definition);
}

static void the_sole_rule_of_a_route_is_told(void **state)
{
    (void)state;
    struct set_fixture fixture;
    open_set(&fixture);
    const struct rule_route index = {.path = SPAN("/"), .index = true};
    const struct rule_route exact = {.path = SPAN("/a")};
    const struct rule_route tree = {.path = SPAN("/tree/"), .prefix = true};
    assert_ptr_equal(rule_set_sole(fixture.set, &index), &fixture.index);
    assert_null(rule_set_sole(fixture.set, &exact));

    struct rule *one_leaf = add(&fixture, fixture_definition(1, "/tree/leaf", "none"), 1);
    struct rule *all = add(&fixture, fixture_definition(2, "/*", "none"), 1);
    assert_ptr_equal(rule_set_sole(fixture.set, &index), all);
    assert_ptr_equal(rule_set_sole(fixture.set, &exact), all);
    assert_null(rule_set_sole(fixture.set, &tree)); /* it depends on the leaf */
    one_leaf->definition.route =
        (struct rule_pattern){.text = "/tree/", .length = 6, .prefix = true};
    assert_ptr_equal(rule_set_sole(fixture.set, &tree), one_leaf);
    one_leaf->definition.methods = METHOD_BIT(METHOD_GET);
    assert_null(rule_set_sole(fixture.set, &tree));
    fixture.set->entries[1].share = 0.5;
    assert_null(rule_set_sole(fixture.set, &exact));
    close_set(&fixture);
}

static void definitions_are_compared_by_what_they_do(void **state)
{
    (void)state;
    struct rule_definition one = fixture_definition(1, "/", "uniform(0s,1s)");
    struct rule_definition two = fixture_definition(1, "/", "uniform(0s, 1000ms)");
    memcpy(two.name, "other", sizeof "other");
    assert_true(rule_definition_equals(&one, &two));
    two.number = 2;
    assert_false(rule_definition_equals(&one, &two));
    two.number = 1;
    two.burn_ns = 1;
    assert_false(rule_definition_equals(&one, &two));
    two.burn_ns = 0;
    two.size = fixture_law("1KiB", true);
    assert_false(rule_definition_equals(&one, &two));
    one.size = fixture_law("const(1024)", true);
    assert_true(rule_definition_equals(&one, &two));
    rule_definition_clear(&one);
    rule_definition_clear(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_only_the_index_has_one),
        cmocka_unit_test(the_first_that_matches_takes_it),
        cmocka_unit_test(a_share_is_drawn_for_each_request),
        cmocka_unit_test(an_outcome_is_a_function_of_seed_rule_and_ordinal),
        cmocka_unit_test(what_is_certain_takes_no_ordinal),
        cmocka_unit_test(the_sole_rule_of_a_route_is_told),
        cmocka_unit_test(definitions_are_compared_by_what_they_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
